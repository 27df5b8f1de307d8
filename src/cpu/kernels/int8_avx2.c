/* Kernels of 8-bit integers for AVX2. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/simd/f32_avx2.h"
#include "cpu/simd/math_f32.h"
#undef SIMD_ISA
#undef SIMD_W
#undef SIMD_NV
#include "cpu/simd/s8_pairs_avx2.h"
#include "cpu/kernels/gemm_s8.inc.h"
#include "cpu/kernels/conv_s8.inc.h"
#include "cpu/kernels/matmul_s8.inc.h"
#include "cpu/kernels/depthwise_s8.inc.h"
#include "cpu/kernels/pool_s8.inc.h"
#include "cpu/kernels/quantise_s8.inc.h"
