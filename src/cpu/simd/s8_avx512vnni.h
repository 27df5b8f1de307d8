/* Words of four bytes: AVX-512 with VNNI, which multiplies unsigned activations by signed weights. Elements of the other sign are moved by 128 when
 * they are prepared; zero points stay in, and the sums are mended. Same names as simd/s8_avx2.h and s8_words_avx2.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_SIMD_S8_H
#define IG_SIMD_S8_H
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "cpu/simd/s8_bytes.h"
#define SIMD_ISA avx512vnni
#define SIMD_PROG ig_prog_isa_avx512
#define SIMD_W 16
#define SIMD_MR 14
#define SIMD_KG 4
#define SIMD_UNROLLED
#define SIMD_SORTED 0
#define SIMD_FREED 0
#define SIMD_ONES 0x01010101           /* a word of ones */
typedef __m512i vi;
typedef __m512 vs;
static inline vi vi_load(const void *p) { return _mm512_loadu_si512(p); }
static inline void vi_store(void *p, vi x) { _mm512_storeu_si512(p, x); }
static inline vi vi_set(int32_t x) { return _mm512_set1_epi32(x); }
static inline vi vi_zero(void) { return _mm512_setzero_si512(); }
static inline vi vi_add(vi a, vi b) { return _mm512_add_epi32(a, b); }
static inline vi vi_sub(vi a, vi b) { return _mm512_sub_epi32(a, b); }
static inline vi vi_mul(vi a, vi b) { return _mm512_mullo_epi32(a, b); }
/* acc + sum of four products of a's bytes (unsigned) and w's (signed). In assembly: gcc spills the accumulators of the intrinsic. */
static inline vi vi_dot(vi acc, vi a, vi w) {
#ifdef __AVX512VNNI__
  __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(a), "v"(w));
  return acc;
#else
  return _mm512_dpbusd_epi32(acc, a, w);   /* simd/avx512_on_avx2.h */
#endif
}

static inline vs vs_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void vs_store(float *p, vs x) { _mm512_storeu_ps(p, x); }
static inline vs vs_set(float x) { return _mm512_set1_ps(x); }
static inline vs vs_of(vi x) { return _mm512_cvtepi32_ps(x); }
static inline vs vs_add(vs a, vs b) { return _mm512_add_ps(a, b); }
static inline vs vs_mul(vs a, vs b) { return _mm512_mul_ps(a, b); }
static inline vs vs_fma(vs a, vs b, vs c) { return _mm512_fmadd_ps(a, b, c); }
static inline vs vs_min(vs a, vs b) { return _mm512_min_ps(a, b); }
static inline vs vs_max(vs a, vs b) { return _mm512_max_ps(a, b); }
static inline vs vs_round(vs x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vi vs_rint(vs x) { return _mm512_cvtps_epi32(x); }

/* How integers become bytes: `zero` is added and the sum kept within [lo, hi], which lies within the bytes' type. Signed bytes are made 128 larger. */
typedef struct bytes_form { int16_t zero[32]; uint8_t lo[64], hi[64], flip[64]; } bytes_form;
static inline bytes_form bytes_form_of(int32_t zero, int32_t lo, int32_t hi, bool is_signed) {
  const int32_t flip = is_signed ? 128 : 0;
  bytes_form k;
  for (int i = 0; i < 32; i++) k.zero[i] = (int16_t)(zero + flip);
  memset(k.lo, lo + flip, sizeof k.lo);
  memset(k.hi, hi + flip, sizeof k.hi);
  memset(k.flip, flip, sizeof k.flip);
  return k;
}
/* Saturation keeps what is out of bounds on its side of them; full: packing alone makes bytes, unsigned ones of the whole range. */
static inline vi vi_words(vi a, vi b, const bytes_form *k) { return _mm512_adds_epi16(_mm512_packs_epi32(a, b), vi_load(k->zero)); }
static inline vi vi_within(vi x, const bytes_form *k, const bool full) {
  return full ? x : _mm512_xor_si512(_mm512_min_epu8(_mm512_max_epu8(x, vi_load(k->lo)), vi_load(k->hi)), vi_load(k->flip));
}
/* Packed lanes of 128 bits hold four bytes each of four vectors: those of a vector side by side. */
static inline vi vi_untangled(vi x) { return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), x); }
/* A row of two vectors of integers as 2 * SIMD_W bytes, or two such rows. */
static inline void vi_store_bytes(void *p, vi a, vi b, const bytes_form *k, const bool full) {
  const vi w = vi_words(a, b, k), x = vi_untangled(vi_within(_mm512_packus_epi16(w, w), k, full));
  _mm256_storeu_si256((__m256i *)p, _mm512_castsi512_si256(x));
}
static inline void vi_store_rows(void *p, void *q, vi p0, vi p1, vi q0, vi q1, const bytes_form *k, const bool full) {
  const vi x = vi_untangled(vi_within(_mm512_packus_epi16(vi_words(p0, p1, k), vi_words(q0, q1, k)), k, full));
  _mm256_storeu_si256((__m256i *)p, _mm512_castsi512_si256(x));
  _mm256_storeu_si256((__m256i *)q, _mm512_extracti64x4_epi64(x, 1));
}
/* Two rows of one vector each. */
static inline void vi_store_half_rows(void *p, void *q, vi a, vi b, const bytes_form *k, const bool full) {
  const vi w = vi_words(a, b, k);
  const __m256i x = _mm512_castsi512_si256(vi_untangled(vi_within(_mm512_packus_epi16(w, w), k, full)));
  _mm_storeu_si128((__m128i *)p, _mm256_castsi256_si128(x));
  _mm_storeu_si128((__m128i *)q, _mm256_extracti128_si256(x, 1));
}
/* SIMD_W bytes as integers. */
static inline vi vi_load_bytes(const void *p, bool is_signed) {
  const __m128i x = _mm_loadu_si128((const __m128i *)p);
  return is_signed ? _mm512_cvtepi8_epi32(x) : _mm512_cvtepu8_epi32(x);
}

/* SIMD_W words of packed weights, prepared. */
static inline vi prepare_weights(const uint8_t *x, bool is_signed, vi zero) {
  (void)zero;
  return is_signed ? _mm512_loadu_si512(x) : _mm512_xor_si512(_mm512_loadu_si512(x), _mm512_set1_epi8((char)0x80));
}
#endif
