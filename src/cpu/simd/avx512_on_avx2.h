/* AVX-512's intrinsics, as far as kernels name them, for compilers' plain vectors: with the build option emulate_avx512, kernels for AVX-512 and VNNI
 * run, slowly, on a machine that has AVX2 alone, so that their tiles, tails and masks are tested everywhere. Included ahead of their sources.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_SIMD_AVX512_ON_AVX2_H
#define IG_SIMD_AVX512_ON_AVX2_H
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
typedef int32_t wide_i32 __attribute__((vector_size(64)));
typedef uint32_t wide_u32 __attribute__((vector_size(64)));
#define WIDE static inline __attribute__((always_inline, unused))

WIDE __m512 wide_load(const void *p) { __m512 x; memcpy(&x, p, 64); return x; }
WIDE void wide_store(void *p, __m512 x) { memcpy(p, &x, 64); }
WIDE __m512 wide_set(float x) { return x - (__m512){ 0 }; }
WIDE __m512i wide_load_i(const void *p) { __m512i x; memcpy(&x, p, 64); return x; }
WIDE void wide_store_i(void *p, __m512i x) { memcpy(p, &x, 64); }
WIDE __m512i wide_set_i(int32_t x) { return (__m512i)(x - (wide_i32){ 0 }); }
/* The halves, which AVX2's instructions take: one rounding in multiply-adds, the second operand where either is NaN. */
typedef union wide_halves { __m512 f; __m512i i; __m256 h[2]; __m256i hi[2]; } wide_halves;
#define WIDE_HALVES(name, args, to, first, second) WIDE __m512 name args { wide_halves r; r.to[0] = first; r.to[1] = second; return r.f; }
#define WIDE_H(x, n) (((wide_halves){ .f = (x) }).h[n])
WIDE_HALVES(wide_fma, (__m512 a, __m512 b, __m512 c), h, _mm256_fmadd_ps(WIDE_H(a, 0), WIDE_H(b, 0), WIDE_H(c, 0)), _mm256_fmadd_ps(WIDE_H(a, 1), WIDE_H(b, 1), WIDE_H(c, 1)))
WIDE_HALVES(wide_fnma, (__m512 a, __m512 b, __m512 c), h, _mm256_fnmadd_ps(WIDE_H(a, 0), WIDE_H(b, 0), WIDE_H(c, 0)), _mm256_fnmadd_ps(WIDE_H(a, 1), WIDE_H(b, 1), WIDE_H(c, 1)))
WIDE_HALVES(wide_max, (__m512 a, __m512 b), h, _mm256_max_ps(WIDE_H(a, 0), WIDE_H(b, 0)), _mm256_max_ps(WIDE_H(a, 1), WIDE_H(b, 1)))
WIDE_HALVES(wide_min, (__m512 a, __m512 b), h, _mm256_min_ps(WIDE_H(a, 0), WIDE_H(b, 0)), _mm256_min_ps(WIDE_H(a, 1), WIDE_H(b, 1)))
WIDE_HALVES(wide_round, (__m512 x), h, _mm256_round_ps(WIDE_H(x, 0), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), _mm256_round_ps(WIDE_H(x, 1), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC))
WIDE_HALVES(wide_rint, (__m512 x), hi, _mm256_cvtps_epi32(WIDE_H(x, 0)), _mm256_cvtps_epi32(WIDE_H(x, 1)))
/* Instructions that know nothing beyond their lanes of 128 bits. */
#define WIDE_LANES(name, insn) WIDE __m512i name(__m512i a, __m512i b) { wide_halves x = { .i = a }, y = { .i = b }; for (int h = 0; h < 2; h++) x.hi[h] = insn(x.hi[h], y.hi[h]); return x.i; }
WIDE_LANES(wide_packs_32, _mm256_packs_epi32)
WIDE_LANES(wide_packus_16, _mm256_packus_epi16)
WIDE_LANES(wide_adds_16, _mm256_adds_epi16)
WIDE_LANES(wide_min_u8, _mm256_min_epu8)
WIDE_LANES(wide_max_u8, _mm256_max_epu8)
WIDE_LANES(wide_unpacklo_8, _mm256_unpacklo_epi8)
WIDE_LANES(wide_unpackhi_8, _mm256_unpackhi_epi8)
WIDE_LANES(wide_unpacklo_16, _mm256_unpacklo_epi16)
WIDE_LANES(wide_unpackhi_16, _mm256_unpackhi_epi16)
WIDE __m512i wide_with_high(__m512i x, __m256i high) { wide_halves r = { .i = x }; r.hi[1] = high; return r.i; }
WIDE __m512i wide_of_low(__m256i low) { wide_halves r = { .i = { 0 } }; r.hi[0] = low; return r.i; }
WIDE __m256i wide_half(__m512i x, int h) { return ((wide_halves){ .i = x }).hi[h]; }
WIDE __m512i wide_xor(__m512i a, __m512i b) { return a ^ b; }
WIDE __m512i wide_where(wide_i32 mask, __m512i a, __m512i b) { return ((__m512i)mask & a) | (~(__m512i)mask & b); }
WIDE __m512i wide_sll(__m512i x, unsigned n) { return (__m512i)((wide_u32)x << n); }
/* Elements whose bit is clear are neither read nor written. */
WIDE __m512 wide_load_masked(uint16_t k, const float *p) {
  float t[16];
  for (int i = 0; i < 16; i++) t[i] = k >> i & 1 ? p[i] : 0;
  return wide_load(t);
}
WIDE void wide_store_masked(float *p, uint16_t k, __m512 x) {
  for (int i = 0; i < 16; i++)
    if (k >> i & 1) p[i] = x[i];
}
WIDE __m512 wide_permute2(__m512 a, __m512i index, __m512 b) {
  __m512 r;
  for (int i = 0; i < 16; i++) {
    const int32_t at = ((wide_i32)index)[i];
    r[i] = at & 16 ? b[at & 15] : a[at & 15];
  }
  return r;
}
WIDE __m512 wide_permute(__m512i index, __m512 x) {
  __m512 r;
  for (int i = 0; i < 16; i++) r[i] = x[((wide_i32)index)[i] & 15];
  return r;
}
/* Within each group of four. */
WIDE __m512 wide_permute_4(__m512 x, __m512i index) {
  __m512 r;
  for (int i = 0; i < 16; i++) r[i] = x[(i & ~3) + (((wide_i32)index)[i] & 3)];
  return r;
}
WIDE __m512i wide_signed_bytes(__m128i x) { return (__m512i)__builtin_convertvector((int8_t __attribute__((vector_size(16))))x, wide_i32); }
WIDE __m512i wide_unsigned_bytes(__m128i x) { return (__m512i)__builtin_convertvector((uint8_t __attribute__((vector_size(16))))x, wide_i32); }
/* acc + four products of a's unsigned bytes and w's signed ones, which 32 bits hold without saturating. */
WIDE __m512i wide_dot(__m512i acc, __m512i a, __m512i w) {
  wide_u32 r = (wide_u32)acc;
  const wide_u32 x = (wide_u32)a;
  const wide_i32 y = (wide_i32)w;
  for (int k = 0; k < 4; k++) r += (x >> 8 * k & 255) * (wide_u32)((wide_i32)((wide_u32)y << (24 - 8 * k)) >> 24);
  return (__m512i)r;
}
typedef int16_t wide_i16 __attribute__((vector_size(64)));
typedef uint16_t wide_u16 __attribute__((vector_size(64)));
WIDE __m512i wide_signed_bytes_16(__m256i x) { return (__m512i)__builtin_convertvector((int8_t __attribute__((vector_size(32))))x, wide_i16); }
/* acc + two products of signed 16-bit integers, modulo 2^32. */
WIDE __m512i wide_dot_16(__m512i acc, __m512i a, __m512i b) {
  wide_u32 r = (wide_u32)acc;
  for (int k = 0; k < 2; k++) r += (wide_u32)((wide_i32)((wide_u32)a << (16 - 16 * k)) >> 16) * (wide_u32)((wide_i32)((wide_u32)b << (16 - 16 * k)) >> 16);
  return (__m512i)r;
}

#define _mm512_loadu_ps(p) wide_load(p)
#define _mm512_storeu_ps(p, x) wide_store(p, x)
#define _mm512_set1_ps(x) wide_set(x)
#define _mm512_setzero_ps() wide_set(0)
#define _mm512_add_ps(a, b) ((a) + (b))
#define _mm512_sub_ps(a, b) ((a) - (b))
#define _mm512_mul_ps(a, b) ((a) * (b))
#define _mm512_div_ps(a, b) ((a) / (b))
#define _mm512_fmadd_ps(a, b, c) wide_fma(a, b, c)
#define _mm512_fnmadd_ps(a, b, c) wide_fnma(a, b, c)
#define _mm512_max_ps(a, b) wide_max(a, b)
#define _mm512_min_ps(a, b) wide_min(a, b)
#define _mm512_maskz_loadu_ps(k, p) wide_load_masked(k, p)
#define _mm512_mask_storeu_ps(p, k, x) wide_store_masked(p, k, x)
#define _mm512_permutex2var_ps(a, index, b) wide_permute2(a, index, b)
#define _mm512_permutexvar_ps(index, x) wide_permute(index, x)
#define _mm512_permutevar_ps(x, index) wide_permute_4(x, index)
#define _mm512_roundscale_ps(x, how) wide_round(x)
#define _mm512_castps_si512(x) ((__m512i)(x))
#define _mm512_castsi512_ps(x) ((__m512)(x))
#define _mm512_loadu_si512(p) wide_load_i(p)
#define _mm512_storeu_si512(p, x) wide_store_i(p, x)
#define _mm512_set1_epi32(x) wide_set_i(x)
#define _mm512_set1_epi8(x) wide_set_i((int32_t)(0x01010101u * (uint8_t)(x)))
#undef _mm512_setr_epi32
#define _mm512_setr_epi32(...) ((__m512i)(wide_i32){ __VA_ARGS__ })
#define _mm512_setzero_si512() wide_set_i(0)
#define _mm512_add_epi32(a, b) ((__m512i)((wide_u32)(a) + (wide_u32)(b)))
#define _mm512_sub_epi32(a, b) ((__m512i)((wide_u32)(a) - (wide_u32)(b)))
#define _mm512_mullo_epi32(a, b) ((__m512i)((wide_u32)(a) * (wide_u32)(b)))
#define _mm512_max_epi32(a, b) wide_where((wide_i32)(a) > (wide_i32)(b), a, b)
#define _mm512_min_epi32(a, b) wide_where((wide_i32)(a) > (wide_i32)(b), b, a)
#define _mm512_xor_si512(a, b) wide_xor(a, b)
#define _mm512_slli_epi32(x, n) wide_sll(x, n)
#define _mm512_cvtepi32_ps(x) __builtin_convertvector((wide_i32)(x), __m512)
#define _mm512_cvtps_epi32(x) ((__m512i)wide_rint(x))
#define _mm512_cvtepi8_epi32(x) wide_signed_bytes(x)
#define _mm512_cvtepu8_epi32(x) wide_unsigned_bytes(x)
#define _mm512_srai_epi32(x, n) ((__m512i)((wide_i32)(x) >> (n)))
#define _mm512_add_epi16(a, b) ((__m512i)((wide_u16)(a) + (wide_u16)(b)))
#define _mm512_sub_epi16(a, b) ((__m512i)((wide_u16)(a) - (wide_u16)(b)))
#define _mm512_slli_epi16(x, n) ((__m512i)((wide_u16)(x) << (n)))
#define _mm512_cvtepi8_epi16(x) wide_signed_bytes_16(x)
#define _mm512_packs_epi32(a, b) wide_packs_32(a, b)
#define _mm512_packus_epi16(a, b) wide_packus_16(a, b)
#define _mm512_adds_epi16(a, b) wide_adds_16(a, b)
#define _mm512_min_epu8(a, b) wide_min_u8(a, b)
#define _mm512_max_epu8(a, b) wide_max_u8(a, b)
#define _mm512_permutexvar_epi32(index, x) ((__m512i)wide_permute(index, (__m512)(x)))
#define _mm512_unpacklo_epi8(a, b) wide_unpacklo_8(a, b)
#define _mm512_unpackhi_epi8(a, b) wide_unpackhi_8(a, b)
#define _mm512_unpacklo_epi16(a, b) wide_unpacklo_16(a, b)
#define _mm512_unpackhi_epi16(a, b) wide_unpackhi_16(a, b)
#define _mm512_castsi256_si512(x) wide_of_low(x)
#define _mm512_inserti64x4(x, high, h) wide_with_high(x, high)
#define _mm512_castsi512_si256(x) wide_half(x, 0)
#define _mm512_extracti64x4_epi64(x, h) wide_half(x, h)
#define _mm512_dpwssd_epi32(acc, a, b) wide_dot_16(acc, a, b)
#define _mm512_dpbusd_epi32(acc, a, w) wide_dot(acc, a, w)
#endif
