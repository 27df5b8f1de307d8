/* Sixteen floats: AVX-512. Same names as simd/f32_avx2.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_SIMD_F32_H
#define IG_SIMD_F32_H
#include <immintrin.h>
#include <stdint.h>
#define SIMD_ISA avx512
#define SIMD_W 16
#define SIMD_NV 4                      /* vectors of columns in a tile of the product */
typedef __m512 vf;
static inline vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void vf_store(float *p, vf x) { _mm512_storeu_ps(p, x); }
static inline vf vf_set(float x) { return _mm512_set1_ps(x); }
static inline vf vf_zero(void) { return _mm512_setzero_ps(); }
static inline vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
static inline vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
static inline vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
static inline vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
static inline vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
static inline vf vf_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }   /* c - a b */
static inline float vf_sum(vf x) {
  float half[16];
  _mm512_storeu_ps(half, x);
  const __m256 both = _mm256_add_ps(_mm256_loadu_ps(half), _mm256_loadu_ps(half + 8));
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
static inline vf vf_scale2(vf p, vf t) { return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), _mm512_slli_epi32(_mm512_castps_si512(t), 23))); }
static inline vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
static inline vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
static inline vf vf_load_n(const float *p, int64_t n) { return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p); }
static inline void vf_store_n(float *p, vf x, int64_t n) { _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), x); }
/* x[at[i] + more] in lane i. */
static inline vf vf_permute(vf x, const int32_t *at, int32_t more) { return _mm512_permutexvar_ps(_mm512_add_epi32(_mm512_loadu_si512(at), _mm512_set1_epi32(more)), x); }
/* The same where every lane's place is among its own four. */
static inline vf vf_permute_4(vf x, const int32_t *at, int32_t more) { return _mm512_permutevar_ps(x, _mm512_add_epi32(_mm512_loadu_si512(at), _mm512_set1_epi32(more))); }
/* p[0], p[2], ... ; reads 32 floats. */
static inline vf vf_load2(const float *p) {
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  return _mm512_permutex2var_ps(_mm512_loadu_ps(p), even, _mm512_loadu_ps(p + 16));
}
#endif
