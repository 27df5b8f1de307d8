/* Functions on vectors of floats for the epilogues of products: include after simd/f32_<isa>.h. With fused multiply-adds, so their last bits are not those
 * of kern/scalar_math.h; errors are absolute, below 4e-7 for erf and tanh, and relative, below 4e-7, for exp and sigmoid
 * (tests/unit/test_cpu_products.c, docs/numerics.md). Polynomials are fits of our own. NaN gives NaN.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_SIMD_MATH_F32_H
#define IG_SIMD_MATH_F32_H

/* x P(x^2) / Q(x^2) with |x| <= most: odd functions that end at 1. */
static inline __attribute__((always_inline)) vf vf_odd(vf x, float most, const float *p, int np, const float *q, int nq) {
  const vf c = vf_min(vf_set(most), vf_max(vf_set(-most), x)), z = vf_mul(c, c);
  vf a = vf_set(p[np - 1]), b = vf_set(q[nq - 1]);
#pragma GCC unroll 8
  for (int i = np - 2; i >= 0; i--) a = vf_fma(a, z, vf_set(p[i]));
#pragma GCC unroll 8
  for (int i = nq - 2; i >= 0; i--) b = vf_fma(b, z, vf_set(q[i]));
  return vf_min(vf_set(1.0f), vf_max(vf_set(-1.0f), vf_div(vf_mul(c, a), b)));
}
static inline __attribute__((always_inline)) vf vf_erf(vf x) {
  static const float p[] = { 1.12837911f, 0.189960316f, 0.0527461506f, 0.00376201607f, 0.000287588162f, 2.09063001e-06f };
  static const float q[] = { 1.0f, 0.501679957f, 0.11397659f, 0.0149593679f, 0.00116685324f, 3.86512111e-05f };
  return vf_odd(x, 3.85f, p, 6, q, 6);
}
static inline __attribute__((always_inline)) vf vf_tanh(vf x) {
  static const float p[] = { 1.0f, 0.136763617f, 0.00386395189f, 2.79237356e-05f, 3.04017398e-08f, -1.20836023e-11f };
  static const float q[] = { 1.0f, 0.470096916f, 0.0272296276f, 0.000393107941f, 1.28175861e-06f };
  return vf_odd(x, 9.0f, p, 6, q, 5);
}
/* 0 and infinity come out as exp(-87.3) and exp(88.7). */
static inline __attribute__((always_inline)) vf vf_exp(vf x) {
  const vf c = vf_min(vf_set(88.7f), vf_max(vf_set(-87.3f), x)), rounder = vf_set(12582912.0f);
  const vf t = vf_fma(c, vf_set(1.44269504f), rounder), n = vf_sub(t, rounder);
  const vf r = vf_fma(n, vf_set(2.12194440e-4f), vf_fma(n, vf_set(-0.693359375f), c));
  vf p = vf_set(0.00139506301f);
  p = vf_fma(p, r, vf_set(0.00836896989f));
  p = vf_fma(p, r, vf_set(0.0416662022f));
  p = vf_fma(p, r, vf_set(0.166665182f));
  p = vf_fma(p, r, vf_set(0.5f));
  return vf_scale2(vf_add(vf_fma(vf_mul(r, r), p, r), vf_set(1.0f)), t);
}
static inline __attribute__((always_inline)) vf vf_sigmoid(vf x) { return vf_div(vf_set(1.0f), vf_add(vf_set(1.0f), vf_exp(vf_sub(vf_zero(), x)))); }
/* Negative numbers times the slope, which is finite. */
static inline __attribute__((always_inline)) vf vf_leaky(vf x, vf slope) { return vf_fma(slope, vf_min(vf_zero(), x), vf_max(vf_zero(), x)); }
static inline __attribute__((always_inline)) vf vf_line(vf x, vf factor, vf offset, vf lo, vf hi) { return vf_min(hi, vf_max(lo, vf_add(vf_mul(x, factor), offset))); }
#endif
