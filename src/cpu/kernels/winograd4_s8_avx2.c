/* Winograd's conv of 8-bit integers, F(4x4, 3x3), for AVX2. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/simd/f32_avx2.h"
#include "cpu/simd/math_f32.h"
#undef SIMD_ISA
#undef SIMD_W
#undef SIMD_NV
#include "cpu/simd/s8_avx2.h"
#define SIMD_ISA avx2
#include "cpu/simd/i16_avx2.h"
#define WINOGRAD_OUT 4
#include "cpu/kernels/winograd_s8.inc.h"
