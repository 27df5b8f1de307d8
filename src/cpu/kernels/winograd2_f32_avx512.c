/* Winograd's conv of float32, F(2x2, 3x3), for AVX-512. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/simd/f32_avx512.h"
#define WINOGRAD_OUT 2
#include "cpu/kernels/winograd_f32.inc.h"
