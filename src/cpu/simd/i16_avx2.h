/* Vectors of 16-bit integers beside simd/s8_avx2.h: sixteen. Same names as simd/i16_avx512.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_SIMD_I16_H
#define IG_SIMD_I16_H
#include <immintrin.h>
#include <stdint.h>
enum { VH_W = 16 };
typedef __m256i vh;
static inline vh vh_load(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline void vh_store(void *p, vh x) { _mm256_storeu_si256((__m256i *)p, x); }
static inline vh vh_add(vh a, vh b) { return _mm256_add_epi16(a, b); }
static inline vh vh_sub(vh a, vh b) { return _mm256_sub_epi16(a, b); }
static inline vh vh_times2(vh x) { return _mm256_add_epi16(x, x); }
static inline vh vh_times4(vh x) { return _mm256_slli_epi16(x, 2); }
/* VH_W bytes, each turned by exclusive or, as signed integers. */
static inline vh vh_load_bytes(const void *p, int8_t turn) {
  return _mm256_cvtepi8_epi16(_mm_xor_si128(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8(turn)));
}
/* acc + the sum of the products of each two 16-bit integers, modulo 2^32. */
static inline __m256i vi_dot2(__m256i acc, __m256i a, __m256i b) { return _mm256_add_epi32(acc, _mm256_madd_epi16(a, b)); }
#define vi_left(x, n) _mm256_slli_epi32(x, n)
#define vi_right(x, n) _mm256_srai_epi32(x, n)   /* keeps the sign */
#endif
