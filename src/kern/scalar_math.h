/* Ingot's elementary functions for float: the same bits on every machine, in every kernel and in the reference.
 *
 * Only + - * / sqrt, comparisons with selects, and bit patterns: no fused multiply-add, no libm, no state; compile with contraction off.
 * A vector version performs the same operations in the same order on the same coefficients (IG_M_*), so each line maps to one vector
 * instruction. exp, expm1, log, log1p, tanh, erf, sigmoid and softplus work in float; the less frequent ones compute in double and round once.
 * The bounds in ulp are measured, not proved: tests/unit/test_scalar_math.c asserts them on samples over all of float, about a million for each
 * function, dense where formulas change. Polynomials are minimax fits of our own.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_KERN_SCALAR_MATH_H
#define IG_KERN_SCALAR_MATH_H
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t ig_f32_bits(float x) { uint32_t u; memcpy(&u, &x, 4); return u; }
static inline float ig_f32_from_bits(uint32_t u) { float x; memcpy(&x, &u, 4); return x; }
static inline uint64_t ig_f64_bits(double x) { uint64_t u; memcpy(&u, &x, 8); return u; }
static inline double ig_f64_from_bits(uint64_t u) { double x; memcpy(&x, &u, 8); return x; }
static inline float ig_f32_abs(float x) { return ig_f32_from_bits(ig_f32_bits(x) & 0x7fffffffu); }
static inline float ig_f32_copysign(float x, float s) { return ig_f32_from_bits((ig_f32_bits(x) & 0x7fffffffu) | (ig_f32_bits(s) & 0x80000000u)); }
static inline float ig_f32_pow2(int32_t k) { return ig_f32_from_bits((uint32_t)(k + 127) << 23); } /* -126 <= k <= 127 */

#define IG_M_INF ig_f32_from_bits(0x7f800000u)
#define IG_M_NAN ig_f32_from_bits(0x7fc00000u)
/* Adding 1.5 * 2^23 leaves the nearest integer (ties to even) in the low bits of the pattern. */
#define IG_M_ROUNDER 12582912.0f
#define IG_M_ROUNDER_BITS 0x4b400000u
#define IG_M_LOG2E 1.44269504f
/* ln 2 in two pieces; the first has few bits, so that its product with an exponent is exact. */
#define IG_M_LN2_HI 0.693359375f
#define IG_M_LN2_LO (-2.12194440e-4f)

/* exp(r) = 1 + r + r^2 * EXP(r), |r| <= ln2 / 2 */
static const float IG_M_EXP[5] = {0.5f, 0.166665182f, 0.0416662022f, 0.00836896989f, 0.00139506301f};
static const float IG_M_EXPM1[6] = {0.5f, 0.166666672f, 0.041666355f, 0.00833327323f, 0.00139411283f, 0.000199142349f};
/* log(1 + f) = f - f^2 / 2 + f^3 * LOG(f), sqrt(1/2) <= 1 + f < sqrt(2) */
static const float IG_M_LOG[9] = {0.333333105f, -0.249999866f, 0.200022265f, -0.16669251f, 0.142186582f,
                                  -0.123843446f, 0.118729688f, -0.11789827f, 0.0691540688f};
/* tanh(x) = x + x^3 * TANH(x^2), |x| < 0.625 */
static const float IG_M_TANH[5] = {-0.333332837f, 0.133314908f, -0.0537434965f, 0.0206505843f, -0.0057170419f};
/* erf(x) = x + x * ERF(x^2), |x| < 0.925; erfc(x) = exp(-ERFC(x)), 0.925 <= x <= 4 */
static const float IG_M_ERF[7] = {0.128379166f, -0.376126349f, 0.112836942f, -0.0268592704f, 0.00520063424f, -0.000813743798f, 8.34522652e-05f};
static const float IG_M_ERFC[10] = {-9.30391761e-05f, 1.12902129f, 0.634647608f, 0.106321938f, -0.0232648067f,
                                    0.00302597811f, 2.60563302e-05f, -9.51467664e-05f, 1.66983973e-05f, -1.0394142e-06f};

/* Horner's rule, highest coefficient first. */
static inline float ig_f32_poly(const float *c, int degree, float x) {
  float p = c[degree];
  for (int i = degree - 1; i >= 0; i--) p = p * x + c[i];
  return p;
}
static inline double ig_f64_poly(const double *c, int degree, double x) {
  double p = c[degree];
  for (int i = degree - 1; i >= 0; i--) p = p * x + c[i];
  return p;
}

/* Below 1 ulp. Overflows to infinity above 88.72, underflows gradually to 0 at -103.97. */
static inline float ig_f32_exp(float x) {
  float c = x < -104.0f ? -104.0f : x;
  c = c > 89.0f ? 89.0f : c;
  const float t = c * IG_M_LOG2E + IG_M_ROUNDER;
  const float n = t - IG_M_ROUNDER;
  const int32_t k = (int32_t)(ig_f32_bits(t) - IG_M_ROUNDER_BITS);
  const float r = (c - n * IG_M_LN2_HI) - n * IG_M_LN2_LO;
  const float y = (r * r * ig_f32_poly(IG_M_EXP, 4, r) + r) + 1.0f;
  const int32_t k1 = k >> 1, k2 = (int32_t)((uint32_t)k - (uint32_t)k1);
  const float s1 = ig_f32_from_bits(((uint32_t)k1 + 127u) << 23), s2 = ig_f32_from_bits(((uint32_t)k2 + 127u) << 23);
  return (y * s1) * s2;
}

/* Below 2 ulp. */
static inline float ig_f32_expm1(float x) {
  float c = x < -18.0f ? -18.0f : x;
  c = c > 89.0f ? 89.0f : c;
  const float t = c * IG_M_LOG2E + IG_M_ROUNDER;
  const float n = t - IG_M_ROUNDER;
  const uint32_t k = ig_f32_bits(t) - IG_M_ROUNDER_BITS;
  const float r = (c - n * IG_M_LN2_HI) - n * IG_M_LN2_LO;
  const float p = r * r * ig_f32_poly(IG_M_EXPM1, 5, r) + r;
  const float s = ig_f32_from_bits((k + 126u) << 23); /* half of 2^k, which may be past the range */
  const float y = 2.0f * (s * p + (s - 0.5f));
  const float z = k == 0 ? p : y;
  return x == 0.0f ? x : z;
}

/* Below 1 ulp. log(0) = -inf, log(negative) = NaN. */
static inline float ig_f32_log(float x) {
  const int small = x < 1.17549435e-38f;
  const float xs = small ? x * 8388608.0f : x;
  const uint32_t i = ig_f32_bits(xs);
  const int32_t e = (int32_t)(i - 0x3f3504f3u) >> 23;
  const float f = ig_f32_from_bits(i - ((uint32_t)e << 23)) - 1.0f;
  const float n = (float)(e + (small ? -23 : 0));
  const float z = f * f;
  float y = f * z * ig_f32_poly(IG_M_LOG, 8, f);
  y = y + n * IG_M_LN2_LO;
  y = y - 0.5f * z;
  y = f + y;
  y = y + n * IG_M_LN2_HI;
  y = x == IG_M_INF ? x : y;
  y = x == 0.0f ? -IG_M_INF : y;
  y = x < 0.0f ? IG_M_NAN : y;
  return x != x ? x : y;
}

/* Below 2 ulp: log of the rounded sum, corrected by what rounding lost. */
static inline float ig_f32_log1p(float x) {
  const float u = 1.0f + x;
  const float lost = x > 1.0f ? 1.0f - (u - x) : x - (u - 1.0f);
  float y = ig_f32_log(u) + lost / u;
  y = ig_f32_abs(x) < 5.96046448e-08f ? x : y;
  y = x == -1.0f ? -IG_M_INF : y;
  return x == IG_M_INF ? x : y;
}

/* Below 2 ulp. */
static inline float ig_f32_tanh(float x) {
  const float a = ig_f32_abs(x), z = x * x;
  const float near = a + a * z * ig_f32_poly(IG_M_TANH, 4, z);
  const float far = 1.0f - 2.0f / (ig_f32_exp(a + a) + 1.0f);
  return ig_f32_copysign(a < 0.625f ? near : far, x);
}

/* Below 2 ulp. */
static inline float ig_f32_erf(float x) {
  const float a = ig_f32_abs(x), z = x * x;
  const float near = a + a * ig_f32_poly(IG_M_ERF, 6, z);
  const float c = a > 4.0f ? 4.0f : a;
  const float far = 1.0f - ig_f32_exp(-ig_f32_poly(IG_M_ERFC, 9, c));
  return ig_f32_copysign(a < 0.925f ? near : far, x);
}

/* 1 / (1 + exp(-x)); below 3 ulp, gradual underflow for very negative x. */
static inline float ig_f32_sigmoid(float x) {
  const float e = ig_f32_exp(-ig_f32_abs(x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/* log(1 + exp(x)); below 3 ulp. */
static inline float ig_f32_softplus(float x) { return (x > 0.0f ? x : 0.0f) + ig_f32_log1p(ig_f32_exp(-ig_f32_abs(x))); }

/* ---- in double, rounded once: below 0.6 ulp unless said ---- */

#define IG_M_D_ROUNDER 6755399441055744.0
#define IG_M_D_ROUNDER_BITS 0x4338000000000000ull
#define IG_M_D_LN2 0.69314718055994530942
#define IG_M_D_PI 3.14159265358979323846
/* Taylor coefficients of exp, of sin and cos by even powers, of sinh; atan(x) = x * ATAN(x^2), |x| <= 1; log(m) = 2s * LOG(s^2), s = (m-1)/(m+1). */
static const double IG_M_D_EXP[12] = {1.0,       1.0,        1.0 / 2,     1.0 / 6,      1.0 / 24,      1.0 / 120,
                                      1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800};
static const double IG_M_D_SIN[7] = {1.0, -1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800.0};
static const double IG_M_D_COS[7] = {1.0, -1.0 / 2, 1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800, 1.0 / 479001600};
static const double IG_M_D_SINH[7] = {1.0, 1.0 / 6, 1.0 / 120, 1.0 / 5040, 1.0 / 362880, 1.0 / 39916800, 1.0 / 6227020800.0};
static const double IG_M_D_LOG[10] = {1.0, 1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19};
static const double IG_M_D_ATAN[14] = {0.99999999999866163,   -0.33333333277954708,   0.19999996196257597,  -0.14285611028188061,
                                       0.11109639445555514,   -0.090782233283405483,  0.076204248827800927, -0.063840364025099336,
                                       0.050812612535544366,  -0.035755516710715585,  0.02038743098333419,  -0.0085097220758671866,
                                       0.0022556348445963584, -0.00028084105544098204};
/* The binary expansion of 2 / pi. */
static const uint32_t IG_M_TWO_OVER_PI[8] = {0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561};

/* Relative error below 1e-12 within +-200, beyond which float has overflowed or underflowed. */
static inline double ig_d_exp(double x) {
  double c = x < -200.0 ? -200.0 : x;
  c = c > 200.0 ? 200.0 : c;
  const double t = c * 1.44269504088896340736 + IG_M_D_ROUNDER;
  const double n = t - IG_M_D_ROUNDER;
  const double r = c - n * IG_M_D_LN2;
  return ig_f64_poly(IG_M_D_EXP, 11, r) * ig_f64_from_bits((ig_f64_bits(t) - IG_M_D_ROUNDER_BITS + 1023u) << 52);
}
/* Relative error below 1e-14; x > 0 and normal. */
static inline double ig_d_log(double x) {
  const uint64_t i = ig_f64_bits(x);
  const int64_t e = (int64_t)(i - 0x3fe6a09e667f3bcdull) >> 52;
  const double m = ig_f64_from_bits(i - ((uint64_t)e << 52));
  const double s = (m - 1.0) / (m + 1.0);
  return (s + s) * ig_f64_poly(IG_M_D_LOG, 9, s * s) + (double)e * IG_M_D_LN2;
}
/* t >= 0 */
static inline double ig_d_log1p(double t) { return t < 1e-4 ? t - t * t * (0.5 - t * (1.0 / 3)) : ig_d_log(1.0 + t); }
static inline double ig_d_atan2(double y, double x) {
  const double ax = fabs(x), ay = fabs(y);
  const double big = ay > ax ? ay : ax, little = ay > ax ? ax : ay;
  double q = little / big;
  q = big == 0.0 ? 0.0 : q;
  q = little == big && big != 0.0 ? 1.0 : q;
  double a = q * ig_f64_poly(IG_M_D_ATAN, 13, q * q);
  a = ay > ax ? IG_M_D_PI / 2 - a : a;
  a = ig_f64_bits(x) >> 63 ? IG_M_D_PI - a : a;
  a = ig_f64_from_bits(ig_f64_bits(a) | (ig_f64_bits(y) & 0x8000000000000000ull));
  return x != x || y != y ? x + y : a;
}

/* x = quadrant * pi/2 + r, |r| <= pi/4 (a little more by rounding); only the quadrant's low two bits count. NaN for what is not finite. */
static inline double ig_f32_reduce_pi(float x, uint32_t *out_quadrant) {
  /* Moderate arguments: the first piece of pi/2 has 25 bits, its product with n is exact. */
  const double xd = (double)x, t = xd * 0.63661977236758134308 + IG_M_D_ROUNDER, n = t - IG_M_D_ROUNDER;
  const double near = (xd - n * 1.57079631090164184570) - n * 1.58932547735281966916e-08;
  const uint32_t near_q = (uint32_t)ig_f64_bits(t);
  /* Huge ones: mantissa times the bits of 2/pi that matter, modulo whole turns, in integers. */
  const uint32_t u = ig_f32_bits(x), biased = (u >> 23) & 255u, e = biased > 152u ? biased - 152u : 0u;
  const uint64_t m = (u & 0x7fffffu) | 0x800000u;
  const uint32_t w = e >> 5, s = e & 31u, *p = IG_M_TWO_OVER_PI + w;
  const uint64_t f0 = (uint32_t)((((uint64_t)p[0] << 32) | p[1]) << s >> 32);
  const uint64_t f1 = (uint32_t)((((uint64_t)p[1] << 32) | p[2]) << s >> 32);
  const uint64_t f2 = (uint32_t)((((uint64_t)p[2] << 32) | p[3]) << s >> 32);
  const uint64_t turn = (m * f0 << 32) + m * f1 + (m * f2 >> 32);
  const uint64_t q = (turn + (1ull << 61)) >> 62;
  const double far_abs = (double)(int64_t)(turn - (q << 62)) * (IG_M_D_PI / 2 / 4611686018427387904.0);
  const int negative = u >> 31 != 0, huge = biased >= 154u;
  const double far = negative ? -far_abs : far_abs;
  *out_quadrant = huge ? (negative ? 0u - (uint32_t)q : (uint32_t)q) : near_q;
  const double r = huge ? far : near;
  return biased == 255u ? (double)IG_M_NAN : r;
}
static inline float ig_f32_sin(float x) {
  uint32_t q;
  const double r = ig_f32_reduce_pi(x, &q), z = r * r;
  const double v = q & 1u ? ig_f64_poly(IG_M_D_COS, 6, z) : r * ig_f64_poly(IG_M_D_SIN, 6, z);
  return x == 0.0f ? x : (float)(q & 2u ? -v : v);
}
static inline float ig_f32_cos(float x) {
  uint32_t q;
  const double r = ig_f32_reduce_pi(x, &q), z = r * r;
  const double v = q & 1u ? r * ig_f64_poly(IG_M_D_SIN, 6, z) : ig_f64_poly(IG_M_D_COS, 6, z);
  return (float)((q + 1u) & 2u ? -v : v);
}
static inline float ig_f32_tan(float x) {
  uint32_t q;
  const double r = ig_f32_reduce_pi(x, &q), z = r * r;
  const double s = r * ig_f64_poly(IG_M_D_SIN, 6, z), c = ig_f64_poly(IG_M_D_COS, 6, z);
  return x == 0.0f ? x : (float)(q & 1u ? -c / s : s / c);
}
static inline float ig_f32_atan2(float y, float x) { return (float)ig_d_atan2(y, x); }
static inline float ig_f32_atan(float x) { return (float)ig_d_atan2(x, 1.0); }
static inline float ig_f32_asin(float x) { return (float)ig_d_atan2(x, sqrt((1.0 - (double)x) * (1.0 + (double)x))); }
static inline float ig_f32_acos(float x) { return (float)ig_d_atan2(sqrt((1.0 - (double)x) * (1.0 + (double)x)), x); }
static inline float ig_f32_sinh(float x) {
  const double a = ig_f32_abs(x), e = ig_d_exp(a);
  const double v = a < 1.0 ? a * ig_f64_poly(IG_M_D_SINH, 6, a * a) : 0.5 * (e - 1.0 / e);
  return ig_f32_copysign((float)v, x);
}
static inline float ig_f32_cosh(float x) {
  const double e = ig_d_exp(x);
  return (float)(0.5 * (e + 1.0 / e));
}
static inline float ig_f32_asinh(float x) {
  const double a = ig_f32_abs(x), t = a + a * a / (1.0 + sqrt(a * a + 1.0));
  const float y = a == (double)IG_M_INF ? IG_M_INF : (float)ig_d_log1p(t);
  return x != x ? x : ig_f32_copysign(y, x);
}
static inline float ig_f32_acosh(float x) {
  const double t = (double)x - 1.0;
  float y = (float)ig_d_log1p(t + sqrt(t * (t + 2.0)));
  y = x == IG_M_INF ? x : y;
  y = x < 1.0f ? IG_M_NAN : y;
  return x != x ? x : y;
}
static inline float ig_f32_atanh(float x) {
  const double a = ig_f32_abs(x);
  float y = (float)(0.5 * ig_d_log1p(2.0 * a / (1.0 - a)));
  y = a == 1.0 ? IG_M_INF : y;
  y = a > 1.0 ? IG_M_NAN : y;
  return x != x ? x : ig_f32_copysign(y, x);
}
/* C's pow: pow(x, 0) = pow(1, y) = 1 even with NaN. */
static inline float ig_f32_pow(float x, float y) {
  const float a = ig_f32_abs(x), half = 0.5f * y;
  const int whole = floorf(y) == y, odd = whole && floorf(half) != half;
  float r = (float)ig_d_exp((double)y * ig_d_log(a));
  r = a == 1.0f ? 1.0f : r;
  r = a == 0.0f || a == IG_M_INF ? ((a == 0.0f) == (y > 0.0f) ? 0.0f : IG_M_INF) : r;
  r = x < 0.0f && a != IG_M_INF && !whole ? IG_M_NAN : r;
  r = odd ? ig_f32_copysign(r, x) : r;
  r = x != x || y != y ? x + y : r;
  return y == 0.0f || x == 1.0f ? 1.0f : r;
}
#endif
