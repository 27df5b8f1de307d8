/* Sixteen words of four bytes: AVX-512 with VNNI. A word holds four elements of k, unsigned on the side of the activations and signed on that of
 * the weights. Elements of the other sign are moved by 128 when they are packed, and the product is mended by sums of either side.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_SIMD_S8_H
#define IG_SIMD_S8_H
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#define SIMD_ISA avx512vnni
#define SIMD_PROG ig_prog_isa_avx512
#define SIMD_W 16
#define SIMD_MR 12
#define SIMD_KG 4                      /* elements of k in a word */
#define SIMD_SUMS 1                    /* zero points are mended by sums, not subtracted when packing */
#define SIMD_REWRITES(is_signed) (!(is_signed))   /* weights that cannot be used as they lie */
typedef __m512i vi;
static inline vi vi_load(const int32_t *p) { return _mm512_loadu_si512(p); }
/* p[0 .. n), zeros after; touches no more. 0 <= n <= 16. */
static inline vi vi_load_n(const int32_t *p, int64_t n) { return _mm512_maskz_loadu_epi32((__mmask16)((1u << n) - 1), p); }
static inline void vi_store(int32_t *p, vi x) { _mm512_storeu_si512(p, x); }
static inline vi vi_set(int32_t x) { return _mm512_set1_epi32(x); }
static inline vi vi_zero(void) { return _mm512_setzero_si512(); }
static inline vi vi_sub(vi a, vi b) { return _mm512_sub_epi32(a, b); }
static inline vi vi_mul(vi a, vi b) { return _mm512_mullo_epi32(a, b); }
/* acc + sum of four products of bytes of u (unsigned) and s (signed). In assembly: gcc spills the accumulators of the intrinsic. */
static inline vi vi_dot(vi acc, vi u, vi s) {
  __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(u), "v"(s));
  return acc;
}
#define SIMD_DOT_A_WEIGHTS(acc, a, b) vi_dot(acc, b, a)
#define SIMD_DOT_B_WEIGHTS(acc, a, b) vi_dot(acc, a, b)

/* n <= 4 activations, stride bytes apart, as a word; the rest is zero. zero: their zero point, which stays in. */
static inline int32_t vi_word(const uint8_t *x, int64_t stride, int64_t n, bool is_signed, int32_t zero) {
  uint32_t w = 0;
  (void)zero;
  for (int64_t i = 0; i < n; i++) w |= (uint32_t)(uint8_t)(x[i * stride] ^ (is_signed ? 0x80 : 0)) << (8 * i);
  return (int32_t)w;
}
/* The word of n <= 4 activations that equal their zero point. */
static inline int32_t vi_border(int64_t n, bool is_signed, int32_t zero) {
  const uint8_t z = (uint8_t)(zero + (is_signed ? 128 : 0));
  return vi_word(&z, 0, n, false, 0);
}
/* SIMD_W words of activations from four rows of SIMD_W bytes. */
static inline void vi_interleave(const uint8_t *x, int64_t stride, bool is_signed, int32_t zero, int32_t *out) {
  const __m128i flip = _mm_set1_epi8((char)(is_signed ? 0x80 : 0));
  const __m128i r0 = _mm_loadu_si128((const __m128i *)(const void *)x), r1 = _mm_loadu_si128((const __m128i *)(const void *)(x + stride));
  const __m128i r2 = _mm_loadu_si128((const __m128i *)(const void *)(x + 2 * stride));
  const __m128i r3 = _mm_loadu_si128((const __m128i *)(const void *)(x + 3 * stride));
  const __m128i a = _mm_unpacklo_epi8(r0, r1), b = _mm_unpackhi_epi8(r0, r1), c = _mm_unpacklo_epi8(r2, r3), d = _mm_unpackhi_epi8(r2, r3);
  __m128i *o = (__m128i *)(void *)out;
  (void)zero;
  _mm_storeu_si128(o, _mm_xor_si128(flip, _mm_unpacklo_epi16(a, c)));
  _mm_storeu_si128(o + 1, _mm_xor_si128(flip, _mm_unpackhi_epi16(a, c)));
  _mm_storeu_si128(o + 2, _mm_xor_si128(flip, _mm_unpacklo_epi16(b, d)));
  _mm_storeu_si128(o + 3, _mm_xor_si128(flip, _mm_unpackhi_epi16(b, d)));
}
/* n <= SIMD_W words of weights from their bytes; zero: their zero points, one a word. */
static inline void vi_rewrite(const uint8_t *x, int64_t n, bool is_signed, vi zero, int32_t *out) {
  const __mmask16 mask = (__mmask16)((1u << n) - 1);
  (void)is_signed, (void)zero;
  _mm512_mask_storeu_epi32(out, mask, _mm512_xor_si512(_mm512_maskz_loadu_epi32(mask, x), _mm512_set1_epi8((char)0x80)));
}
#endif
