/* Eight floats: AVX2 with FMA. Every wrapper header defines the same names; kernels are written once over them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_SIMD_F32_H
#define IG_SIMD_F32_H
#include <immintrin.h>
#include <stdint.h>
#define SIMD_ISA avx2
#define SIMD_W 8
#define SIMD_NV 2                      /* vectors of columns in a tile of the product */
typedef __m256 vf;
static inline vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void vf_store(float *p, vf x) { _mm256_storeu_ps(p, x); }
static inline vf vf_set(float x) { return _mm256_set1_ps(x); }
static inline vf vf_zero(void) { return _mm256_setzero_ps(); }
static inline vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
static inline vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
static inline vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
static inline vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
static inline vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
static inline vf vf_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }   /* c - a b */
static inline float vf_sum(vf x) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
/* p * 2^n, where t = n + 1.5 * 2^23: only normal results. */
static inline vf vf_scale2(vf p, vf t) { return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(_mm256_castps_si256(t), 23))); }
/* b where either is NaN. */
static inline vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }
static inline vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
/* p[0 .. n), zeros after; touches no more. 0 <= n <= 8. */
static inline __m256i vf_mask(int64_t n) {
  static const int32_t mask[16] = { -1, -1, -1, -1, -1, -1, -1, -1 };
  return _mm256_loadu_si256((const __m256i *)(const void *)(mask + 8 - n));
}
static inline vf vf_load_n(const float *p, int64_t n) { return _mm256_maskload_ps(p, vf_mask(n)); }
static inline void vf_store_n(float *p, vf x, int64_t n) { _mm256_maskstore_ps(p, vf_mask(n), x); }
/* x[at[i] + more] in lane i. */
static inline vf vf_permute(vf x, const int32_t *at, int32_t more) {
  return _mm256_permutevar8x32_ps(x, _mm256_add_epi32(_mm256_loadu_si256((const __m256i *)(const void *)at), _mm256_set1_epi32(more)));
}
/* The same where every lane's place is among its own four. */
static inline vf vf_permute_4(vf x, const int32_t *at, int32_t more) {
  return _mm256_permutevar_ps(x, _mm256_add_epi32(_mm256_loadu_si256((const __m256i *)(const void *)at), _mm256_set1_epi32(more)));
}
/* p[0], p[2], ... ; reads 16 floats. */
static inline vf vf_load2(const float *p) {
  const __m256 t = _mm256_shuffle_ps(_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8), 0x88);
  return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(t), 0xd8));
}
#endif
