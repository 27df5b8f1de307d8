/* Tiles of the int8 product. SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_GEMM_S8_H
#define IG_CPU_GEMM_S8_H
#include "cpu/kernels/gemm_f32.h"
/* Elements of k in a word, rows and columns of a tile. Constant weights lie in the engine in words: see tactics/int8.c. */
enum { IG_S8_KG_AVX2 = 2, IG_S8_MR_AVX2 = 6, IG_S8_NR_AVX2 = 16, IG_S8_KG_AVX512VNNI = 4, IG_S8_MR_AVX512VNNI = 12, IG_S8_NR_AVX512VNNI = 32 };
#endif
