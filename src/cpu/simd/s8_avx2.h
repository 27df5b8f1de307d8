/* Eight words of two 16-bit integers: AVX2. Elements are widened and freed of their zero point when they are packed, so that products of pairs are
 * exact whatever the weights are. Same names as simd/s8_avx512vnni.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_SIMD_S8_H
#define IG_SIMD_S8_H
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#define SIMD_ISA avx2
#define SIMD_PROG ig_prog_isa_avx2
#define SIMD_W 8
#define SIMD_MR 6
#define SIMD_KG 2
#define SIMD_SUMS 0
#define SIMD_REWRITES(is_signed) ((void)(is_signed), true)
typedef __m256i vi;
static inline vi vi_load(const int32_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
static inline void vi_store(int32_t *p, vi x) { _mm256_storeu_si256((__m256i *)(void *)p, x); }
static inline vi vi_set(int32_t x) { return _mm256_set1_epi32(x); }
static inline vi vi_zero(void) { return _mm256_setzero_si256(); }
static inline vi vi_dot(vi acc, vi a, vi b) { return _mm256_add_epi32(acc, _mm256_madd_epi16(a, b)); }
#define SIMD_DOT_A_WEIGHTS(acc, a, b) vi_dot(acc, a, b)
#define SIMD_DOT_B_WEIGHTS(acc, a, b) vi_dot(acc, a, b)

static inline int32_t vi_word(const uint8_t *x, int64_t stride, int64_t n, bool is_signed, int32_t zero) {
  uint32_t w = 0;
  for (int64_t i = 0; i < n; i++) w |= (uint32_t)(uint16_t)((is_signed ? (int32_t)(int8_t)x[i * stride] : (int32_t)x[i * stride]) - zero) << (16 * i);
  return (int32_t)w;
}
static inline int32_t vi_border(int64_t n, bool is_signed, int32_t zero) {
  (void)n, (void)is_signed, (void)zero;
  return 0;
}
static inline vi vi_widen(__m128i x, bool is_signed) { return is_signed ? _mm256_cvtepi8_epi16(x) : _mm256_cvtepu8_epi16(x); }
static inline void vi_interleave(const uint8_t *x, int64_t stride, bool is_signed, int32_t zero, int32_t *out) {
  const __m128i a = _mm_loadl_epi64((const __m128i *)(const void *)x), b = _mm_loadl_epi64((const __m128i *)(const void *)(x + stride));
  vi_store(out, _mm256_sub_epi16(vi_widen(_mm_unpacklo_epi8(a, b), is_signed), _mm256_set1_epi16((int16_t)zero)));
}
static inline void vi_rewrite(const uint8_t *x, int64_t n, bool is_signed, vi zero, int32_t *out) {
  uint8_t bytes[16] = { 0 };
  int32_t words[SIMD_W];
  const vi z = _mm256_or_si256(_mm256_slli_epi32(zero, 16), _mm256_and_si256(zero, _mm256_set1_epi32(0xffff)));
  if (n == SIMD_W) {
    vi_store(out, _mm256_sub_epi16(vi_widen(_mm_loadu_si128((const __m128i *)(const void *)x), is_signed), z));
    return;
  }
  memcpy(bytes, x, (size_t)(2 * n));
  vi_store(words, _mm256_sub_epi16(vi_widen(_mm_loadu_si128((const __m128i *)(const void *)bytes), is_signed), z));
  memcpy(out, words, (size_t)(4 * n));
}
#endif
