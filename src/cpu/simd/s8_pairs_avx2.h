/* Words of two 16-bit integers on AVX2. Activations are widened and freed of their zero point when they are prepared, and so are weights: products of pairs are
 * exact whatever these are. Same names as simd/s8_avx512vnni.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_SIMD_S8_PAIRS_H
#define IG_SIMD_S8_PAIRS_H
#include "cpu/simd/s8_avx2.h"
#define SIMD_ISA avx2
#define SIMD_MR 6
#define SIMD_KG 2                      /* elements of k in a word */
#define SIMD_SORTED 0
#define SIMD_FREED 1                   /* elements are freed of their zero points when they are prepared */
#define SIMD_ONES 0x00010001           /* a word of ones */
typedef int16_t elem;                  /* a prepared activation */
static inline vi vi_dot(vi acc, vi a, vi w) { return _mm256_add_epi32(acc, _mm256_madd_epi16(a, w)); }
static inline vi vi_widen(__m128i x, bool is_signed) { return is_signed ? _mm256_cvtepi8_epi16(x) : _mm256_cvtepu8_epi16(x); }
/* n activations that lie side by side, prepared. */
static inline void prepare_run(const uint8_t *x, int64_t n, bool is_signed, int32_t zero, elem *out) {
  const vi z = _mm256_set1_epi16((int16_t)zero);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) vi_store(out + i, _mm256_sub_epi16(vi_widen(_mm_loadu_si128((const __m128i *)(const void *)(x + i)), is_signed), z));
  for (; i < n; i++) out[i] = (elem)((is_signed ? (int8_t)x[i] : x[i]) - zero);
}
/* n pixels of four channels, each channel side by side; NULL: a channel that is not there. */
static inline void prepare_four(const uint8_t *const x[4], int64_t n, bool is_signed, int32_t zero, elem *out) {
  const __m128i z = _mm_set1_epi16((int16_t)zero), none = _mm_setzero_si128();
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    __m128i v[4];
    for (int k = 0; k < 4; k++) {
      const __m128i bytes = x[k] ? _mm_loadl_epi64((const __m128i *)(const void *)(x[k] + i)) : none;
      v[k] = x[k] ? _mm_sub_epi16(is_signed ? _mm_cvtepi8_epi16(bytes) : _mm_cvtepu8_epi16(bytes), z) : none;
    }
    const __m128i a = _mm_unpacklo_epi16(v[0], v[1]), b = _mm_unpackhi_epi16(v[0], v[1]), c = _mm_unpacklo_epi16(v[2], v[3]), d = _mm_unpackhi_epi16(v[2], v[3]);
    __m128i *to = (__m128i *)(void *)(out + 4 * i);
    _mm_storeu_si128(to, _mm_unpacklo_epi32(a, c));
    _mm_storeu_si128(to + 1, _mm_unpackhi_epi32(a, c));
    _mm_storeu_si128(to + 2, _mm_unpacklo_epi32(b, d));
    _mm_storeu_si128(to + 3, _mm_unpackhi_epi32(b, d));
  }
  for (; i < n; i++)
    for (int k = 0; k < 4; k++) out[4 * i + k] = x[k] ? (elem)((is_signed ? (int8_t)x[k][i] : x[k][i]) - zero) : 0;
}
/* What stands for an element equal to its zero point. */
static inline elem prepared_zero(bool is_signed, int32_t zero) { return (void)is_signed, (void)zero, (elem)0; }

/* SIMD_W words of packed weights, prepared; zero: of each word's column. */
static inline vi prepare_weights(const uint8_t *x, bool is_signed, vi zero) {
  const vi z = _mm256_or_si256(_mm256_slli_epi32(zero, 16), _mm256_and_si256(zero, _mm256_set1_epi32(0xffff)));
  return _mm256_sub_epi16(vi_widen(_mm_loadu_si128((const __m128i *)(const void *)x), is_signed), z);
}
#endif
