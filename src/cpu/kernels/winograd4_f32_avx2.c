/* Winograd's conv of float32, F(4x4, 3x3), for AVX2. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/simd/f32_avx2.h"
#define WINOGRAD_OUT 4
#include "cpu/kernels/winograd_f32.inc.h"
