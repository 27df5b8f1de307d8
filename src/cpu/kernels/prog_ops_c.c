/* The portable loops of every operation in every compute type, as scalar.def states them. Float32's are in prog_ops_f32.inc.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/prog_ops_f32.inc.h"
#include "kern/scalar_eval.h"

/* ---- float64: libm; float32's rare functions ---- */
UN(f32_tan, float, float, ig_f32_tan(x))
UN(f32_asin, float, float, ig_f32_asin(x))
UN(f32_acos, float, float, ig_f32_acos(x))
UN(f32_atan, float, float, ig_f32_atan(x))
UN(f32_sinh, float, float, ig_f32_sinh(x))
UN(f32_cosh, float, float, ig_f32_cosh(x))
UN(f32_asinh, float, float, ig_f32_asinh(x))
UN(f32_acosh, float, float, ig_f32_acosh(x))
UN(f32_atanh, float, float, ig_f32_atanh(x))
BIN(f32_atan2, float, float, ig_f32_atan2(x, y))
BIN(f32_fmod, float, float, fmodf(x, y))

static double mod_f64(double x, double y) {
  const double r = fmod(x, y);
  if (r == 0.0) return copysign(r, y);
  return (r < 0.0) != (y < 0.0) ? r + y : r;
}
static float mod_f32(float x, float y) {
  const float r = fmodf(x, y);
  if (r == 0.0f) return copysignf(r, y);
  return (r < 0.0f) != (y < 0.0f) ? r + y : r;
}
BIN(f32_mod, float, float, mod_f32(x, y))

BIN(f64_add, double, double, x + y)
BIN(f64_sub, double, double, x - y)
BIN(f64_mul, double, double, x * y)
BIN(f64_div, double, double, x / y)
BIN(f64_mod, double, double, mod_f64(x, y))
BIN(f64_fmod, double, double, fmod(x, y))
BIN(f64_min, double, double, x < y || x != x ? x : y)
BIN(f64_max, double, double, x > y || x != x ? x : y)
BIN(f64_pow, double, double, pow(x, y))
BIN(f64_atan2, double, double, atan2(x, y))
UN(f64_neg, double, double, -x)
UN(f64_abs, double, double, fabs(x))
UN(f64_sign, double, double, x != x ? x : (double)((x > 0.0) - (x < 0.0)))
UN(f64_floor, double, double, floor(x))
UN(f64_ceil, double, double, ceil(x))
UN(f64_rint, double, double, rint(x))
UN(f64_trunc, double, double, trunc(x))
UN(f64_sqrt, double, double, sqrt(x))
UN(f64_rsqrt, double, double, 1.0 / sqrt(x))
UN(f64_recip, double, double, 1.0 / x)
UN(f64_exp, double, double, exp(x))
UN(f64_log, double, double, log(x))
UN(f64_expm1, double, double, expm1(x))
UN(f64_log1p, double, double, log1p(x))
UN(f64_sin, double, double, sin(x))
UN(f64_cos, double, double, cos(x))
UN(f64_tan, double, double, tan(x))
UN(f64_asin, double, double, asin(x))
UN(f64_acos, double, double, acos(x))
UN(f64_atan, double, double, atan(x))
UN(f64_sinh, double, double, sinh(x))
UN(f64_cosh, double, double, cosh(x))
UN(f64_tanh, double, double, tanh(x))
UN(f64_asinh, double, double, asinh(x))
UN(f64_acosh, double, double, acosh(x))
UN(f64_atanh, double, double, atanh(x))
UN(f64_erf, double, double, erf(x))
UN(f64_sigmoid, double, double, ig_f64_sigmoid(x))
UN(f64_softplus, double, double, ig_f64_softplus(x))
BIN(f64_eq, double, uint8_t, x == y)
BIN(f64_lt, double, uint8_t, x < y)
BIN(f64_le, double, uint8_t, x <= y)
UN(f64_is_nan, double, uint8_t, x != x)
UN(f64_is_inf, double, uint8_t, fabs(x) == (double)INFINITY)
static void f64_fma(void *d, const void *pa, const void *pb, const void *pc, int64_t n) {
  double *o = d;
  const double *a = pa, *b = pb, *c = pc;
  for (int64_t i = 0; i < n; i++) o[i] = a[i] * b[i] + c[i];
}

/* ---- integers: arithmetic wraps, so it is done unsigned ---- */
#define INT_SIGNED(p, T, U) \
  static T p##_div1(T x, T y) { return y == 0 ? 0 : y == -1 ? (T)(0 - (U)x) : x / y; } \
  static T p##_fmod1(T x, T y) { return y == 0 || y == -1 ? 0 : x % y; } \
  static T p##_mod1(T x, T y) { const T r = p##_fmod1(x, y); return r != 0 && (r < 0) != (y < 0) ? r + y : r; } \
  UN(p##_neg, T, T, 0 - (U)x) \
  UN(p##_abs, T, T, x < 0 ? 0 - (U)x : (U)x) \
  UN(p##_sign, T, T, (x > 0) - (x < 0))
INT_SIGNED(i32, int32_t, uint32_t)
INT_SIGNED(i64, int64_t, uint64_t)
static uint64_t u64_div1(uint64_t x, uint64_t y) { return y == 0 ? 0 : x / y; }
static uint64_t u64_fmod1(uint64_t x, uint64_t y) { return y == 0 ? 0 : x % y; }
static uint64_t u64_mod1(uint64_t x, uint64_t y) { return u64_fmod1(x, y); }
UN(u64_neg, uint64_t, uint64_t, 0 - x)
UN(u64_abs, uint64_t, uint64_t, x)
UN(u64_sign, uint64_t, uint64_t, x > 0)

#define INT_ALL(p, T, U, BITS, POW) \
  BIN(p##_add, T, T, (U)x + (U)y) \
  BIN(p##_sub, T, T, (U)x - (U)y) \
  BIN(p##_mul, T, T, (U)x * (U)y) \
  BIN(p##_div, T, T, p##_div1(x, y)) \
  BIN(p##_mod, T, T, p##_mod1(x, y)) \
  BIN(p##_fmod, T, T, p##_fmod1(x, y)) \
  BIN(p##_min, T, T, x < y ? x : y) \
  BIN(p##_max, T, T, x > y ? x : y) \
  BIN(p##_pow, T, T, POW(x, y)) \
  BIN(p##_eq, T, uint8_t, x == y) \
  BIN(p##_lt, T, uint8_t, x < y) \
  BIN(p##_le, T, uint8_t, x <= y) \
  BIN(p##_and, T, T, x & y) \
  BIN(p##_or, T, T, x | y) \
  BIN(p##_xor, T, T, x ^ y) \
  UN(p##_not, T, T, ~x) \
  BIN(p##_shl, T, T, (U)y >= BITS ? 0 : (U)x << ((U)y & (BITS - 1))) \
  BIN(p##_shr, T, T, (U)y >= BITS ? 0 : (U)x >> ((U)y & (BITS - 1)))
INT_ALL(i32, int32_t, uint32_t, 32u, ig_i64_pow)
INT_ALL(i64, int64_t, uint64_t, 64u, ig_i64_pow)
INT_ALL(u64, uint64_t, uint64_t, 64u, ig_u64_pow)

BIN(bool_eq, uint8_t, uint8_t, x == y)
BIN(bool_and, uint8_t, uint8_t, x & y)
BIN(bool_or, uint8_t, uint8_t, x | y)
BIN(bool_xor, uint8_t, uint8_t, x ^ y)
UN(bool_not, uint8_t, uint8_t, !x)

#define SELECT(name, T) \
  static void name(void *d, const void *pa, const void *pb, const void *pc, int64_t n) { \
    T *o = d; \
    const uint8_t *a = pa; \
    const T *b = pb, *c = pc; \
    for (int64_t i = 0; i < n; i++) o[i] = a[i] ? b[i] : c[i]; \
  }
SELECT(select_1, uint8_t)
SELECT(select_8, uint64_t)

/* ---- casts ---- */
UN(cast_f32_f64, float, double, x)
UN(cast_f32_i64, float, int64_t, ig_f64_to_i64(x))
UN(cast_f32_u64, float, uint64_t, ig_f64_to_u64(x))
UN(cast_f64_f32, double, float, x)
UN(cast_f64_i32, double, int32_t, ig_f64_to_i32(x))
UN(cast_f64_i64, double, int64_t, ig_f64_to_i64(x))
UN(cast_f64_u64, double, uint64_t, ig_f64_to_u64(x))
UN(cast_f64_bool, double, uint8_t, x != 0)
UN(cast_i32_f64, int32_t, double, x)
UN(cast_i32_i64, int32_t, int64_t, x)
UN(cast_i32_u64, int32_t, uint64_t, (int64_t)x)
UN(cast_i32_bool, int32_t, uint8_t, x != 0)
UN(cast_i64_f32, int64_t, float, x)
UN(cast_i64_f64, int64_t, double, x)
UN(cast_i64_i32, int64_t, int32_t, (uint32_t)(uint64_t)x)
UN(cast_i64_u64, int64_t, uint64_t, x)
UN(cast_i64_bool, int64_t, uint8_t, x != 0)
UN(cast_u64_f32, uint64_t, float, x)
UN(cast_u64_f64, uint64_t, double, x)
UN(cast_u64_i32, uint64_t, int32_t, (uint32_t)x)
UN(cast_u64_i64, uint64_t, int64_t, x)
UN(cast_u64_bool, uint64_t, uint8_t, x != 0)
UN(cast_bool_f64, uint8_t, double, x)
UN(cast_bool_i32, uint8_t, int32_t, x)
UN(cast_bool_i64, uint8_t, int64_t, x)
UN(cast_bool_u64, uint8_t, uint64_t, x)
UN(copy_1, uint8_t, uint8_t, x)
UN(copy_4, uint32_t, uint32_t, x)
UN(copy_8, uint64_t, uint64_t, x)

ig_prog_fn ig_prog_cast_c(ig_stype from, ig_stype to) {
  static const ig_prog_fn table[7][7] = {
    [IG_S_F32] = { NULL, copy_4, cast_f32_f64, f32_to_i32, cast_f32_i64, cast_f32_u64, f32_to_bool },
    [IG_S_F64] = { NULL, cast_f64_f32, copy_8, cast_f64_i32, cast_f64_i64, cast_f64_u64, cast_f64_bool },
    [IG_S_I32] = { NULL, i32_to_f32, cast_i32_f64, copy_4, cast_i32_i64, cast_i32_u64, cast_i32_bool },
    [IG_S_I64] = { NULL, cast_i64_f32, cast_i64_f64, cast_i64_i32, copy_8, cast_i64_u64, cast_i64_bool },
    [IG_S_U64] = { NULL, cast_u64_f32, cast_u64_f64, cast_u64_i32, cast_u64_i64, copy_8, cast_u64_bool },
    [IG_S_BOOL] = { NULL, bool_to_f32, cast_bool_f64, cast_bool_i32, cast_bool_i64, cast_bool_u64, copy_1 },
  };
  return from <= IG_S_BOOL && to <= IG_S_BOOL ? table[from][to] : NULL;
}

static ig_prog_fn f32_rare(uint16_t op) {
  switch (op) {
    case IG_SOP_MOD: return f32_mod;
    case IG_SOP_FMOD: return f32_fmod;
    case IG_SOP_ATAN2: return f32_atan2;
    case IG_SOP_TAN: return f32_tan;
    case IG_SOP_ASIN: return f32_asin;
    case IG_SOP_ACOS: return f32_acos;
    case IG_SOP_ATAN: return f32_atan;
    case IG_SOP_SINH: return f32_sinh;
    case IG_SOP_COSH: return f32_cosh;
    case IG_SOP_ASINH: return f32_asinh;
    case IG_SOP_ACOSH: return f32_acosh;
    case IG_SOP_ATANH: return f32_atanh;
    default: return NULL;
  }
}

static ig_prog_fn f64_op(uint16_t op) {
  static const ig_prog_fn table[] = {
    [IG_SOP_ADD] = f64_add, [IG_SOP_SUB] = f64_sub, [IG_SOP_MUL] = f64_mul, [IG_SOP_DIV] = f64_div, [IG_SOP_MOD] = f64_mod, [IG_SOP_FMOD] = f64_fmod,
    [IG_SOP_MIN] = f64_min, [IG_SOP_MAX] = f64_max, [IG_SOP_POW] = f64_pow, [IG_SOP_FMA] = f64_fma, [IG_SOP_ATAN2] = f64_atan2,
    [IG_SOP_NEG] = f64_neg, [IG_SOP_ABS] = f64_abs, [IG_SOP_SIGN] = f64_sign, [IG_SOP_FLOOR] = f64_floor, [IG_SOP_CEIL] = f64_ceil,
    [IG_SOP_RINT] = f64_rint, [IG_SOP_TRUNC] = f64_trunc, [IG_SOP_SQRT] = f64_sqrt, [IG_SOP_RSQRT] = f64_rsqrt, [IG_SOP_RECIP] = f64_recip,
    [IG_SOP_EXP] = f64_exp, [IG_SOP_LOG] = f64_log, [IG_SOP_EXPM1] = f64_expm1, [IG_SOP_LOG1P] = f64_log1p, [IG_SOP_SIN] = f64_sin,
    [IG_SOP_COS] = f64_cos, [IG_SOP_TAN] = f64_tan, [IG_SOP_ASIN] = f64_asin, [IG_SOP_ACOS] = f64_acos, [IG_SOP_ATAN] = f64_atan,
    [IG_SOP_SINH] = f64_sinh, [IG_SOP_COSH] = f64_cosh, [IG_SOP_TANH] = f64_tanh, [IG_SOP_ASINH] = f64_asinh, [IG_SOP_ACOSH] = f64_acosh,
    [IG_SOP_ATANH] = f64_atanh, [IG_SOP_ERF] = f64_erf, [IG_SOP_SIGMOID] = f64_sigmoid, [IG_SOP_SOFTPLUS] = f64_softplus,
    [IG_SOP_EQ] = f64_eq, [IG_SOP_LT] = f64_lt, [IG_SOP_LE] = f64_le, [IG_SOP_IS_NAN] = f64_is_nan, [IG_SOP_IS_INF] = f64_is_inf,
  };
  return op < IG_COUNT(table) ? table[op] : NULL;
}

#define INT_TABLE(p) \
  static ig_prog_fn p##_op(uint16_t op) { \
    static const ig_prog_fn table[] = { \
      [IG_SOP_ADD] = p##_add, [IG_SOP_SUB] = p##_sub, [IG_SOP_MUL] = p##_mul, [IG_SOP_DIV] = p##_div, [IG_SOP_MOD] = p##_mod, \
      [IG_SOP_FMOD] = p##_fmod, [IG_SOP_MIN] = p##_min, [IG_SOP_MAX] = p##_max, [IG_SOP_POW] = p##_pow, [IG_SOP_NEG] = p##_neg, \
      [IG_SOP_ABS] = p##_abs, [IG_SOP_SIGN] = p##_sign, [IG_SOP_EQ] = p##_eq, [IG_SOP_LT] = p##_lt, [IG_SOP_LE] = p##_le, \
      [IG_SOP_AND] = p##_and, [IG_SOP_OR] = p##_or, [IG_SOP_XOR] = p##_xor, [IG_SOP_NOT] = p##_not, [IG_SOP_SHL] = p##_shl, [IG_SOP_SHR] = p##_shr, \
    }; \
    return op < IG_COUNT(table) ? table[op] : NULL; \
  }
INT_TABLE(i32)
INT_TABLE(i64)
INT_TABLE(u64)

static ig_prog_fn bool_op(uint16_t op) {
  switch (op) {
    case IG_SOP_EQ: return bool_eq;
    case IG_SOP_AND: return bool_and;
    case IG_SOP_OR: return bool_or;
    case IG_SOP_XOR: return bool_xor;
    case IG_SOP_NOT: return bool_not;
    default: return NULL;
  }
}

ig_prog_fn ig_prog_op_c(uint16_t op, uint8_t type, uint8_t flags) {
  if (op == IG_SOP_CAST) return ig_prog_cast_c(flags, type);
  if (op == IG_SOP_SELECT && type != IG_S_F32) {
    const size_t size = ig_stype_size(type);
    return size == 1 ? select_1 : size == 4 ? f32_select : select_8;
  }
  switch (type) {
    case IG_S_F32: { const ig_prog_fn f = f32_op(op, type, flags); return f ? f : f32_rare(op); }
    case IG_S_F64: return f64_op(op);
    case IG_S_I32: return i32_op(op);
    case IG_S_I64: return i64_op(op);
    case IG_S_U64: return u64_op(op);
    case IG_S_BOOL: return bool_op(op);
    default: return NULL;
  }
}

const ig_prog_isa ig_prog_isa_c = { ig_prog_op_c, NULL, NULL };
