/* Vectors of values for sums and extremes of rows, in either float type and for any instruction set, as the compiler's own vector type. Define
 * CHAIN_BYTES, the machine's vector length, first.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_SIMD_CHAINS_H
#define IG_SIMD_CHAINS_H
#include <stdint.h>
#include <string.h>

#define LANES(T) ((int)(CHAIN_BYTES / sizeof(T)))
#define CHAIN(T, S, I) \
  typedef T chain_##S __attribute__((vector_size(CHAIN_BYTES))); \
  typedef I chain_mask_##S __attribute__((vector_size(CHAIN_BYTES))); \
  static inline chain_##S chain_load_##S(const T *p) { chain_##S v; memcpy(&v, p, sizeof v); return v; } \
  static inline T chain_sum_##S(chain_##S v) { \
    T s[LANES(T)]; \
    memcpy(s, &v, sizeof s); \
    for (int w = LANES(T) / 2; w > 0; w /= 2) \
      for (int j = 0; j < w; j++) s[j] += s[j + w]; \
    return s[0]; \
  } \
  /* NaN if either is. */ \
  static inline chain_##S chain_max_##S(chain_##S x, chain_##S m) { \
    const chain_mask_##S take = (chain_mask_##S)(x > m) | (chain_mask_##S)(x != x); \
    return (chain_##S)(((chain_mask_##S)x & take) | ((chain_mask_##S)m & ~take)); \
  } \
  static inline chain_##S chain_abs_##S(chain_##S x) { return (chain_##S)((chain_mask_##S)x & (I)(((uint64_t)1 << (8 * sizeof(I) - 1)) - 1)); }
CHAIN(float, f32, int32_t)
CHAIN(double, f64, int64_t)
#endif
