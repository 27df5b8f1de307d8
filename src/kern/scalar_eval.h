/* Evaluation of one scalar instruction on one value: what the reference executes and what folding computes; kernels must agree with it.
 *
 * Also the only storage conversions: ig_sval_encode and ig_sval_decode turn values into the bits of an element and back.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_KERN_SCALAR_EVAL_H
#define IG_KERN_SCALAR_EVAL_H
#include "kern/scalar.h"
#include "kern/scalar_math.h"

/* A value; which member is live is the register's ig_stype. */
typedef union ig_sval { float f32; double f64; int32_t i32; int64_t i64; uint64_t u64; bool b; } ig_sval;

/* ---- storage ---- */

/* bits: the element's bits in the low end, the rest zero. d must have a compute type. */
static inline ig_sval ig_sval_decode(ig_dtype d, uint64_t bits) {
  ig_sval v = {.u64 = 0};
  switch (d) {
  case IG_DTYPE_F32: v.f32 = ig_f32_from_bits((uint32_t)bits); break;
  case IG_DTYPE_F64: v.f64 = ig_f64_from_bits(bits); break;
  case IG_DTYPE_F16: v.f32 = ig_f16_to_f32((uint16_t)bits); break;
  case IG_DTYPE_BF16: v.f32 = ig_bf16_to_f32((uint16_t)bits); break;
  case IG_DTYPE_I2: v.i32 = (int32_t)((bits & 3u) ^ 2u) - 2; break;
  case IG_DTYPE_I4: v.i32 = (int32_t)((bits & 15u) ^ 8u) - 8; break;
  case IG_DTYPE_I8: v.i32 = (int8_t)bits; break;
  case IG_DTYPE_I16: v.i32 = (int16_t)bits; break;
  case IG_DTYPE_I32: v.i32 = (int32_t)bits; break;
  case IG_DTYPE_U2: case IG_DTYPE_U4: case IG_DTYPE_U8: case IG_DTYPE_U16: v.i32 = (int32_t)bits; break;
  case IG_DTYPE_I64: case IG_DTYPE_U32: v.i64 = (int64_t)bits; break;
  case IG_DTYPE_U64: v.u64 = bits; break;
  case IG_DTYPE_BOOL: v.b = bits != 0; break;
  default: v.f32 = ig_small_to_f32(d, (uint8_t)bits); break;
  }
  return v;
}

static inline uint64_t ig_sval_encode_float(ig_dtype d, ig_stype t, ig_sval v, unsigned flags) {
  const bool wide = t == IG_S_F64;
  const float f = wide ? (float)v.f64 : v.f32;
  switch (d) {
  case IG_DTYPE_F32: return ig_f32_bits(f);
  case IG_DTYPE_F64: return ig_f64_bits(wide ? v.f64 : (double)v.f32);
  case IG_DTYPE_F16: return wide ? ig_f64_to_f16(v.f64) : ig_f32_to_f16(f);
  case IG_DTYPE_BF16: return wide ? ig_f64_to_bf16(v.f64) : ig_f32_to_bf16(f);
  default: return ig_f32_to_small(d, f, (flags & IG_STORE_SATURATE) != 0, flags & IG_STORE_ROUND_UP ? 0 : flags & IG_STORE_ROUND_DOWN ? 1 : 2);
  }
}

/* Bits of v (of type t) stored as d; flags are IG_STORE_*. Integers wrap. Needs ig_stype_stores(t, d). */
static inline uint64_t ig_sval_encode(ig_dtype d, ig_stype t, ig_sval v, unsigned flags) {
  if (t == IG_S_BOOL) return v.b;
  if (t == IG_S_F32 || t == IG_S_F64) return ig_sval_encode_float(d, t, v, flags);
  const uint64_t bits = t == IG_S_I32 ? (uint64_t)(int64_t)v.i32 : v.u64;
  const uint32_t width = IG_DTYPE_BITS(d);
  return width >= 64 ? bits : bits & ((1ull << width) - 1);
}

/* ---- conversions between compute types ---- */

/* Saturates; NaN gives 0. */
static inline int64_t ig_f64_to_i64(double x) {
  if (x != x) return 0;
  if (x >= 9223372036854775808.0) return INT64_MAX;
  return x < -9223372036854775808.0 ? INT64_MIN : (int64_t)x;
}
static inline uint64_t ig_f64_to_u64(double x) {
  if (!(x > 0.0)) return 0;
  return x >= 18446744073709551616.0 ? UINT64_MAX : (uint64_t)x;
}
static inline int32_t ig_f64_to_i32(double x) {
  const int64_t v = ig_f64_to_i64(x);
  return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (int32_t)v;
}

static inline ig_sval ig_sval_from_i64(ig_stype to, int64_t x) {
  ig_sval v = {.u64 = 0};
  switch (to) {
  case IG_S_F32: v.f32 = (float)x; break;
  case IG_S_F64: v.f64 = (double)x; break;
  case IG_S_I32: v.i32 = (int32_t)(uint32_t)x; break;
  case IG_S_I64: case IG_S_U64: v.i64 = x; break;
  case IG_S_BOOL: v.b = x != 0; break;
  }
  return v;
}
static inline ig_sval ig_sval_from_f64(ig_stype to, double x) {
  ig_sval v = {.u64 = 0};
  switch (to) {
  case IG_S_F32: v.f32 = (float)x; break;
  case IG_S_F64: v.f64 = x; break;
  case IG_S_I32: v.i32 = ig_f64_to_i32(x); break;
  case IG_S_I64: v.i64 = ig_f64_to_i64(x); break;
  case IG_S_U64: v.u64 = ig_f64_to_u64(x); break;
  case IG_S_BOOL: v.b = x != 0.0; break;
  }
  return v;
}
/* The instruction CAST. */
static inline ig_sval ig_sval_cast(ig_sval a, ig_stype from, ig_stype to) {
  switch (from) {
  case IG_S_F32: return ig_sval_from_f64(to, (double)a.f32);
  case IG_S_F64: return ig_sval_from_f64(to, a.f64);
  case IG_S_I32: return ig_sval_from_i64(to, a.i32);
  case IG_S_BOOL: return ig_sval_from_i64(to, a.b);
  case IG_S_U64:
    if (to == IG_S_F32) return (ig_sval){.f32 = (float)a.u64};
    if (to == IG_S_F64) return (ig_sval){.f64 = (double)a.u64};
    return ig_sval_from_i64(to, a.i64);
  default: return ig_sval_from_i64(to, a.i64);
  }
}

/* ---- functions of double: libm, and what it lacks ---- */
static inline double ig_f64_sigmoid(double x) {
  const double e = exp(-fabs(x));
  return (x < 0.0 ? e : 1.0) / (1.0 + e);
}
static inline double ig_f64_softplus(double x) { return (x > 0.0 ? x : 0.0) + log1p(exp(-fabs(x))); }

#define IG_EVAL_FN_F32(name) ig_f32_##name
#define IG_EVAL_FN_F64(name) name
#define sigmoid ig_f64_sigmoid
#define softplus ig_f64_softplus
/* Remainders are exact in every libm. */
#define IG_EVAL_FLOAT(suffix, T, m, FN, fmod_, floor_, ceil_, rint_, trunc_, sqrt_, copysign_) \
  static inline ig_sval ig_eval_##suffix(uint16_t op, T a, T b, T c) { \
    ig_sval v = {.u64 = 0}; \
    switch (op) { \
    case IG_SOP_ADD: v.m = a + b; break; \
    case IG_SOP_SUB: v.m = a - b; break; \
    case IG_SOP_MUL: v.m = a * b; break; \
    case IG_SOP_DIV: v.m = a / b; break; \
    case IG_SOP_FMOD: v.m = fmod_(a, b); break; \
    case IG_SOP_MOD: { \
      const T r = fmod_(a, b); \
      v.m = r == 0 ? copysign_((T)0, b) : (r < 0) != (b < 0) ? r + b : r; \
      break; \
    } \
    case IG_SOP_MIN: v.m = a != a ? a : b != b ? b : a < b ? a : b; break; \
    case IG_SOP_MAX: v.m = a != a ? a : b != b ? b : a > b ? a : b; break; \
    case IG_SOP_POW: v.m = FN(pow)(a, b); break; \
    case IG_SOP_FMA: v.m = a * b + c; break; \
    case IG_SOP_ATAN2: v.m = FN(atan2)(a, b); break; \
    case IG_SOP_NEG: v.m = -a; break; \
    case IG_SOP_ABS: v.m = a != a ? a : copysign_(a, (T)1); break; \
    case IG_SOP_SIGN: v.m = a != a ? a : (T)((a > 0) - (a < 0)); break; \
    case IG_SOP_FLOOR: v.m = floor_(a); break; \
    case IG_SOP_CEIL: v.m = ceil_(a); break; \
    case IG_SOP_RINT: v.m = rint_(a); break; \
    case IG_SOP_TRUNC: v.m = trunc_(a); break; \
    case IG_SOP_SQRT: v.m = sqrt_(a); break; \
    case IG_SOP_RSQRT: v.m = (T)1 / sqrt_(a); break; \
    case IG_SOP_RECIP: v.m = (T)1 / a; break; \
    case IG_SOP_EXP: v.m = FN(exp)(a); break; \
    case IG_SOP_LOG: v.m = FN(log)(a); break; \
    case IG_SOP_EXPM1: v.m = FN(expm1)(a); break; \
    case IG_SOP_LOG1P: v.m = FN(log1p)(a); break; \
    case IG_SOP_SIN: v.m = FN(sin)(a); break; \
    case IG_SOP_COS: v.m = FN(cos)(a); break; \
    case IG_SOP_TAN: v.m = FN(tan)(a); break; \
    case IG_SOP_ASIN: v.m = FN(asin)(a); break; \
    case IG_SOP_ACOS: v.m = FN(acos)(a); break; \
    case IG_SOP_ATAN: v.m = FN(atan)(a); break; \
    case IG_SOP_SINH: v.m = FN(sinh)(a); break; \
    case IG_SOP_COSH: v.m = FN(cosh)(a); break; \
    case IG_SOP_TANH: v.m = FN(tanh)(a); break; \
    case IG_SOP_ASINH: v.m = FN(asinh)(a); break; \
    case IG_SOP_ACOSH: v.m = FN(acosh)(a); break; \
    case IG_SOP_ATANH: v.m = FN(atanh)(a); break; \
    case IG_SOP_ERF: v.m = FN(erf)(a); break; \
    case IG_SOP_SIGMOID: v.m = FN(sigmoid)(a); break; \
    case IG_SOP_SOFTPLUS: v.m = FN(softplus)(a); break; \
    case IG_SOP_EQ: v.b = a == b; break; \
    case IG_SOP_LT: v.b = a < b; break; \
    case IG_SOP_LE: v.b = a <= b; break; \
    case IG_SOP_IS_NAN: v.b = a != a; break; \
    case IG_SOP_IS_INF: v.b = isinf(a) != 0; break; \
    default: break; \
    } \
    return v; \
  }
IG_EVAL_FLOAT(f32, float, f32, IG_EVAL_FN_F32, fmodf, floorf, ceilf, rintf, truncf, sqrtf, copysignf)
IG_EVAL_FLOAT(f64, double, f64, IG_EVAL_FN_F64, fmod, floor, ceil, rint, trunc, sqrt, copysign)
#undef IG_EVAL_FLOAT
#undef sigmoid
#undef softplus

/* ---- integers ---- */

/* a^n modulo 2^64. */
static inline uint64_t ig_u64_pow(uint64_t a, uint64_t n) {
  uint64_t r = 1;
  for (; n; n >>= 1, a *= a)
    if (n & 1) r *= a;
  return r;
}
/* Negative exponents: the exact quotient truncated, 0 for base 0. */
static inline int64_t ig_i64_pow(int64_t a, int64_t n) {
  if (n >= 0) return (int64_t)ig_u64_pow((uint64_t)a, (uint64_t)n);
  if (a == 1) return 1;
  return a == -1 ? (n & 1 ? -1 : 1) : 0;
}

#define IG_EVAL_INT(suffix, T, U, m, BITS, POW, is_neg) \
  static inline ig_sval ig_eval_##suffix(uint16_t op, T a, T b) { \
    ig_sval v = {.u64 = 0}; \
    const bool safe = b != 0 && !(is_neg(b) && b == (T)-1); \
    const T r = safe ? (T)(a % b) : 0; \
    switch (op) { \
    case IG_SOP_ADD: v.m = (T)((U)a + (U)b); break; \
    case IG_SOP_SUB: v.m = (T)((U)a - (U)b); break; \
    case IG_SOP_MUL: v.m = (T)((U)a * (U)b); break; \
    case IG_SOP_DIV: v.m = safe ? (T)(a / b) : b == 0 ? 0 : (T)(0 - (U)a); break; \
    case IG_SOP_MOD: v.m = r != 0 && is_neg(r) != is_neg(b) ? (T)((U)r + (U)b) : r; break; \
    case IG_SOP_FMOD: v.m = r; break; \
    case IG_SOP_MIN: v.m = a < b ? a : b; break; \
    case IG_SOP_MAX: v.m = a > b ? a : b; break; \
    case IG_SOP_POW: v.m = (T)POW(a, b); break; \
    case IG_SOP_NEG: v.m = (T)(0 - (U)a); break; \
    case IG_SOP_ABS: v.m = is_neg(a) ? (T)(0 - (U)a) : a; break; \
    case IG_SOP_SIGN: v.m = (T)((a != 0) - 2 * is_neg(a)); break; \
    case IG_SOP_AND: v.m = a & b; break; \
    case IG_SOP_OR: v.m = a | b; break; \
    case IG_SOP_XOR: v.m = a ^ b; break; \
    case IG_SOP_NOT: v.m = (T) ~(U)a; break; \
    case IG_SOP_SHL: v.m = (U)b < BITS ? (T)((U)a << (U)b) : 0; break; \
    case IG_SOP_SHR: v.m = (U)b < BITS ? (T)((U)a >> (U)b) : 0; break; \
    case IG_SOP_EQ: v.b = a == b; break; \
    case IG_SOP_LT: v.b = a < b; break; \
    case IG_SOP_LE: v.b = a <= b; break; \
    default: break; \
    } \
    return v; \
  }
#define IG_EVAL_NEGATIVE(x) ((x) < 0)
#define IG_EVAL_NEVER(x) 0
IG_EVAL_INT(i32, int32_t, uint32_t, i32, 32u, ig_i64_pow, IG_EVAL_NEGATIVE)
IG_EVAL_INT(i64, int64_t, uint64_t, i64, 64u, ig_i64_pow, IG_EVAL_NEGATIVE)
IG_EVAL_INT(u64, uint64_t, uint64_t, u64, 64u, ig_u64_pow, IG_EVAL_NEVER)
#undef IG_EVAL_INT
#undef IG_EVAL_NEGATIVE
#undef IG_EVAL_NEVER

static inline ig_sval ig_eval_bool(uint16_t op, bool a, bool b) {
  ig_sval v = {.u64 = 0};
  switch (op) {
  case IG_SOP_EQ: v.b = a == b; break;
  case IG_SOP_AND: v.b = a && b; break;
  case IG_SOP_OR: v.b = a || b; break;
  case IG_SOP_XOR: v.b = a != b; break;
  case IG_SOP_NOT: v.b = !a; break;
  default: break;
  }
  return v;
}

/* Value of a checked instruction that depends on its registers alone: not LOAD, STORE, DIM, COORD, RANDOM. Unused operands: anything. */
static inline ig_sval ig_scalar_eval(const ig_sinsn *s, ig_sval a, ig_sval b, ig_sval c) {
  ig_sval v = {.u64 = s->imm};
  switch (s->op) {
  case IG_SOP_CONST:
    if (s->type == IG_S_F32) v.f32 = ig_f32_from_bits((uint32_t)s->imm);
    if (s->type == IG_S_I32) v.i32 = (int32_t)(uint32_t)s->imm;
    if (s->type == IG_S_BOOL) v.b = s->imm != 0;
    return v;
  case IG_SOP_CAST: return ig_sval_cast(a, (ig_stype)s->flags, (ig_stype)s->type);
  case IG_SOP_ROUND: {
    const ig_dtype d = (ig_dtype)s->imm;
    return ig_sval_cast(ig_sval_decode(d, ig_sval_encode(d, (ig_stype)s->type, a, 0)), ig_stype_of(d), (ig_stype)s->type);
  }
  case IG_SOP_SELECT: return a.b ? b : c;
  default: break;
  }
  switch ((ig_stype)s->type) {
  case IG_S_F32: return ig_eval_f32(s->op, a.f32, b.f32, c.f32);
  case IG_S_F64: return ig_eval_f64(s->op, a.f64, b.f64, c.f64);
  case IG_S_I32: return ig_eval_i32(s->op, a.i32, b.i32);
  case IG_S_I64: return ig_eval_i64(s->op, a.i64, b.i64);
  case IG_S_U64: return ig_eval_u64(s->op, a.u64, b.u64);
  case IG_S_BOOL: return ig_eval_bool(s->op, a.b, s->op != IG_SOP_NOT && b.b); /* an unused operand may hold any bits */
  }
  return v;
}

/* Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): key = seed, counter = {index, stream}; the first two words. */
static inline uint64_t ig_random_u64(uint64_t seed, uint64_t stream, uint64_t index) {
  uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32), c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  for (int i = 0; i < 10; i++) {
    const uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
    const uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c0 = n0;
    c1 = (uint32_t)p1;
    c2 = n2;
    c3 = (uint32_t)p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c0 | (uint64_t)c1 << 32;
}
#endif
