/* Winograd's conv of float32 for AVX2. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/simd/f32_avx2.h"
#include "cpu/kernels/winograd_f32.inc.h"
