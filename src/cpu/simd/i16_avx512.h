/* Vectors of 16-bit integers beside simd/s8_avx512vnni.h: 32. Same names as simd/i16_avx2.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_SIMD_I16_H
#define IG_SIMD_I16_H
#include <immintrin.h>
#include <stdint.h>
enum { VH_W = 32 };
typedef __m512i vh;
static inline vh vh_load(const void *p) { return _mm512_loadu_si512(p); }
static inline void vh_store(void *p, vh x) { _mm512_storeu_si512(p, x); }
static inline vh vh_add(vh a, vh b) { return _mm512_add_epi16(a, b); }
static inline vh vh_sub(vh a, vh b) { return _mm512_sub_epi16(a, b); }
static inline vh vh_times2(vh x) { return _mm512_add_epi16(x, x); }
static inline vh vh_times4(vh x) { return _mm512_slli_epi16(x, 2); }
/* VH_W bytes, each turned by exclusive or, as signed integers. */
static inline vh vh_load_bytes(const void *p, int8_t turn) {
  return _mm512_cvtepi8_epi16(_mm256_xor_si256(_mm256_loadu_si256((const __m256i *)p), _mm256_set1_epi8(turn)));
}
/* acc + the sum of the products of each two 16-bit integers, modulo 2^32. In assembly: gcc spills the accumulators of the intrinsic. */
static inline __m512i vi_dot2(__m512i acc, __m512i a, __m512i b) {
#ifdef __AVX512VNNI__
  __asm__("vpdpwssd %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
  return acc;
#else
  return _mm512_dpwssd_epi32(acc, a, b);   /* simd/avx512_on_avx2.h */
#endif
}
#define vi_left(x, n) _mm512_slli_epi32(x, n)
#define vi_right(x, n) _mm512_srai_epi32(x, n)   /* keeps the sign */
#endif
