/* Winograd's conv of float32 for AVX-512. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/simd/f32_avx512.h"
#include "cpu/kernels/winograd_f32.inc.h"
