/* The int8 products: tiles and entry points. SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_GEMM_S8_H
#define IG_CPU_GEMM_S8_H
#include "kern/request.h"
/* Elements of k in a word, columns of a panel. Constant weights lie in the engine in words: see tactics/int8.c. */
enum { IG_S8_KG_AVX2 = 2, IG_S8_NR_AVX2 = 16, IG_S8_KG_AVX2WORDS = 4, IG_S8_NR_AVX2WORDS = 16, IG_S8_KG_AVX512VNNI = 4, IG_S8_NR_AVX512VNNI = 32 };
#define IG_S8_KERNEL(name) \
  void ig_cpu_##name##_run_avx2(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts); \
  size_t ig_cpu_##name##_scratch_avx2(const ig_call *c, uint32_t n_parts); \
  void ig_cpu_##name##_run_avx512vnni(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts); \
  size_t ig_cpu_##name##_scratch_avx512vnni(const ig_call *c, uint32_t n_parts);
#define IG_S8_PRODUCT(name) \
  IG_S8_KERNEL(name) \
  void ig_cpu_##name##_run_avx2words(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts); \
  size_t ig_cpu_##name##_scratch_avx2words(const ig_call *c, uint32_t n_parts);
IG_S8_PRODUCT(matmul_s8)
IG_S8_PRODUCT(conv_s8)
IG_S8_KERNEL(depthwise_s8)
IG_S8_KERNEL(winograd4_s8)
IG_S8_KERNEL(winograd2_s8)
/* In AVX2 alone, which every machine above it has. */
void ig_cpu_pool_s8_run_avx2(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts);
void ig_cpu_quantise_s8_run_avx2(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts);
#endif
