/* Elements that stay bytes, unsigned ones: activations of kernels that multiply words of four. SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_SIMD_S8_BYTES_H
#define IG_SIMD_S8_BYTES_H
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
typedef uint8_t elem;
/* n activations that lie side by side, prepared: unsigned. Zero points stay in. */
static inline void prepare_run(const uint8_t *x, int64_t n, bool is_signed, int32_t zero, elem *out) {
  (void)zero;
  if (!is_signed) {
    memcpy(out, x, (size_t)n);
    return;
  }
  for (int64_t i = 0; i < n; i++) out[i] = (elem)(x[i] ^ 0x80);
}
/* n pixels of four channels, each channel side by side; NULL: a channel that is not there. */
static inline void prepare_four(const uint8_t *const x[4], int64_t n, bool is_signed, int32_t zero, elem *out) {
  const __m128i none = _mm_setzero_si128(), flip = _mm_set1_epi8(is_signed ? (char)0x80 : 0);
  int64_t i = 0;
  (void)zero;
  for (; i + 16 <= n; i += 16) {
    __m128i v[4];
    for (int k = 0; k < 4; k++) v[k] = x[k] ? _mm_xor_si128(_mm_loadu_si128((const __m128i *)(const void *)(x[k] + i)), flip) : none;
    const __m128i a = _mm_unpacklo_epi8(v[0], v[1]), b = _mm_unpackhi_epi8(v[0], v[1]), c = _mm_unpacklo_epi8(v[2], v[3]), d = _mm_unpackhi_epi8(v[2], v[3]);
    __m128i *to = (__m128i *)(void *)(out + 4 * i);
    _mm_storeu_si128(to, _mm_unpacklo_epi16(a, c));
    _mm_storeu_si128(to + 1, _mm_unpackhi_epi16(a, c));
    _mm_storeu_si128(to + 2, _mm_unpacklo_epi16(b, d));
    _mm_storeu_si128(to + 3, _mm_unpackhi_epi16(b, d));
  }
  for (; i < n; i++)
    for (int k = 0; k < 4; k++) out[4 * i + k] = x[k] ? (elem)(x[k][i] ^ (is_signed ? 0x80 : 0)) : 0;
}
/* What stands for an element equal to its zero point. */
static inline elem prepared_zero(bool is_signed, int32_t zero) { return (elem)(zero + (is_signed ? 128 : 0)); }
#endif
