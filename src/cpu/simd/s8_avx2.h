/* Vectors of 32-bit integers and floats, and bytes made of them: what kernels of 8-bit integers share on AVX2. Elements and their products are in
 * s8_words_avx2.h and s8_pairs_avx2.h. Same names as simd/s8_avx512vnni.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_SIMD_S8_H
#define IG_SIMD_S8_H
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#define SIMD_PROG ig_prog_isa_avx2
#define SIMD_W 8
#define SIMD_UNROLLED _Pragma("GCC unroll 8")   /* the loop over words; a third faster than one word at a time */
typedef __m256i vi;
typedef __m256 vs;
static inline vi vi_load(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline void vi_store(void *p, vi x) { _mm256_storeu_si256((__m256i *)p, x); }
static inline vi vi_set(int32_t x) { return _mm256_set1_epi32(x); }
static inline vi vi_zero(void) { return _mm256_setzero_si256(); }
static inline vi vi_add(vi a, vi b) { return _mm256_add_epi32(a, b); }
static inline vi vi_sub(vi a, vi b) { return _mm256_sub_epi32(a, b); }
static inline vi vi_mul(vi a, vi b) { return _mm256_mullo_epi32(a, b); }

static inline vs vs_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void vs_store(float *p, vs x) { _mm256_storeu_ps(p, x); }
static inline vs vs_set(float x) { return _mm256_set1_ps(x); }
static inline vs vs_of(vi x) { return _mm256_cvtepi32_ps(x); }
static inline vs vs_add(vs a, vs b) { return _mm256_add_ps(a, b); }
static inline vs vs_mul(vs a, vs b) { return _mm256_mul_ps(a, b); }
static inline vs vs_fma(vs a, vs b, vs c) { return _mm256_fmadd_ps(a, b, c); }
static inline vs vs_min(vs a, vs b) { return _mm256_min_ps(a, b); }
static inline vs vs_max(vs a, vs b) { return _mm256_max_ps(a, b); }
static inline vs vs_round(vs x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vi vs_rint(vs x) { return _mm256_cvtps_epi32(x); }

/* How integers become bytes: `zero` is added and the sum kept within [lo, hi], which lies within the bytes' type. Signed bytes are made 128 larger. */
typedef struct bytes_form { int16_t zero[16]; uint8_t lo[32], hi[32], flip[32]; } bytes_form;
static inline bytes_form bytes_form_of(int32_t zero, int32_t lo, int32_t hi, bool is_signed) {
  const int32_t flip = is_signed ? 128 : 0;
  bytes_form k;
  for (int i = 0; i < 16; i++) k.zero[i] = (int16_t)(zero + flip);
  memset(k.lo, lo + flip, sizeof k.lo);
  memset(k.hi, hi + flip, sizeof k.hi);
  memset(k.flip, flip, sizeof k.flip);
  return k;
}
/* Saturation keeps what is out of bounds on its side of them; full: packing alone makes bytes, unsigned ones of the whole range. */
static inline vi vi_words(vi a, vi b, const bytes_form *k) { return _mm256_adds_epi16(_mm256_packs_epi32(a, b), vi_load(k->zero)); }
static inline vi vi_within(vi x, const bytes_form *k, const bool full) {
  return full ? x : _mm256_xor_si256(_mm256_min_epu8(_mm256_max_epu8(x, vi_load(k->lo)), vi_load(k->hi)), vi_load(k->flip));
}
/* A row of two vectors of integers as 2 * SIMD_W bytes, or two such rows. */
static inline void vi_store_bytes(void *p, vi a, vi b, const bytes_form *k, const bool full) {
  const vi w = vi_words(a, b, k), x = vi_within(_mm256_permute4x64_epi64(_mm256_packus_epi16(w, w), 0xd8), k, full);
  _mm_storeu_si128((__m128i *)p, _mm_shuffle_epi32(_mm256_castsi256_si128(x), 0xd8));
}
static inline void vi_store_rows(void *p, void *q, vi p0, vi p1, vi q0, vi q1, const bytes_form *k, const bool full) {
  const vi x = vi_within(_mm256_packus_epi16(vi_words(p0, p1, k), vi_words(q0, q1, k)), k, full);
  const __m128i low = _mm256_castsi256_si128(x), high = _mm256_extracti128_si256(x, 1);
  _mm_storeu_si128((__m128i *)p, _mm_unpacklo_epi32(low, high));
  _mm_storeu_si128((__m128i *)q, _mm_unpackhi_epi32(low, high));
}
/* Two rows of one vector each. */
static inline void vi_store_half_rows(void *p, void *q, vi a, vi b, const bytes_form *k, const bool full) {
  const vi w = vi_words(a, b, k), x = vi_within(_mm256_packus_epi16(w, w), k, full);
  const __m128i both = _mm_unpacklo_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  _mm_storel_epi64((__m128i *)p, both);
  _mm_storel_epi64((__m128i *)q, _mm_unpackhi_epi64(both, both));
}
/* SIMD_W bytes as integers. */
static inline vi vi_load_bytes(const void *p, bool is_signed) {
  const __m128i x = _mm_loadl_epi64((const __m128i *)p);
  return is_signed ? _mm256_cvtepi8_epi32(x) : _mm256_cvtepu8_epi32(x);
}
#endif
