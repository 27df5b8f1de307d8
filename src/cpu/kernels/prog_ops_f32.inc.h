/* Loops of the float32 operations, one per instruction, written so that a compiler vectorises them for the instruction set of the file that
 * includes this. The functions of kern/scalar_math.h are branch-free: vector and scalar builds give the same bits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/prog.h"
#include "kern/scalar_math.h"

/* d may lie exactly on an operand, never shifted against it: no loop carries a dependency. Clang finds that out while running. */
#if defined(__clang__)
#define OP_LOOP
#else
#define OP_LOOP _Pragma("GCC ivdep")
#endif
#define UN(name, T, R, expr) \
  static void name(void *d, const void *pa, const void *pb, const void *pc, int64_t n) { \
    R *o = d; \
    const T *a = pa; \
    IG_UNUSED(pb); IG_UNUSED(pc); \
    OP_LOOP for (int64_t i = 0; i < n; i++) { const T x = a[i]; o[i] = (R)(expr); } \
  }
#define BIN(name, T, R, expr) \
  static void name(void *d, const void *pa, const void *pb, const void *pc, int64_t n) { \
    R *o = d; \
    const T *a = pa, *b = pb; \
    IG_UNUSED(pc); \
    OP_LOOP for (int64_t i = 0; i < n; i++) { const T x = a[i], y = b[i]; o[i] = (R)(expr); } \
  }
BIN(f32_add, float, float, x + y)
BIN(f32_sub, float, float, x - y)
BIN(f32_mul, float, float, x * y)
BIN(f32_div, float, float, x / y)
/* NaN if either is NaN. */
BIN(f32_min, float, float, x < y || x != x ? x : y)
BIN(f32_max, float, float, x > y || x != x ? x : y)
BIN(f32_pow, float, float, ig_f32_pow(x, y))
UN(f32_neg, float, float, -x)
UN(f32_abs, float, float, ig_f32_abs(x))
UN(f32_sign, float, float, x != x ? x : (float)((x > 0.0f) - (x < 0.0f)))
UN(f32_floor, float, float, floorf(x))
UN(f32_ceil, float, float, ceilf(x))
UN(f32_rint, float, float, rintf(x))
UN(f32_trunc, float, float, truncf(x))
UN(f32_sqrt, float, float, sqrtf(x))
UN(f32_rsqrt, float, float, 1.0f / sqrtf(x))
UN(f32_recip, float, float, 1.0f / x)
UN(f32_exp, float, float, ig_f32_exp(x))
UN(f32_log, float, float, ig_f32_log(x))
UN(f32_expm1, float, float, ig_f32_expm1(x))
UN(f32_log1p, float, float, ig_f32_log1p(x))
UN(f32_sin, float, float, ig_f32_sin(x))
UN(f32_cos, float, float, ig_f32_cos(x))
UN(f32_tanh, float, float, ig_f32_tanh(x))
UN(f32_erf, float, float, ig_f32_erf(x))
UN(f32_sigmoid, float, float, ig_f32_sigmoid(x))
UN(f32_softplus, float, float, ig_f32_softplus(x))
BIN(f32_eq, float, uint8_t, x == y)
BIN(f32_lt, float, uint8_t, x < y)
BIN(f32_le, float, uint8_t, x <= y)
UN(f32_is_nan, float, uint8_t, x != x)
UN(f32_is_inf, float, uint8_t, ig_f32_abs(x) == IG_M_INF)
UN(f32_to_i32, float, int32_t, x >= 2147483648.0f ? INT32_MAX : x <= -2147483648.0f ? INT32_MIN : x != x ? 0 : (int32_t)x)
UN(f32_to_bool, float, uint8_t, x != 0.0f)
UN(i32_to_f32, int32_t, float, x)
UN(bool_to_f32, uint8_t, float, x)

static void f32_fma(void *d, const void *pa, const void *pb, const void *pc, int64_t n) {
  float *o = d;
  const float *a = pa, *b = pb, *c = pc;
  OP_LOOP for (int64_t i = 0; i < n; i++) o[i] = a[i] * b[i] + c[i];
}
static void f32_select(void *d, const void *pa, const void *pb, const void *pc, int64_t n) {
  uint32_t *o = d;
  const uint8_t *a = pa;
  const uint32_t *b = pb, *c = pc;
  OP_LOOP for (int64_t i = 0; i < n; i++) { const uint32_t x = b[i], y = c[i]; o[i] = a[i] ? x : y; }
}

static ig_prog_fn f32_cast(uint8_t type, uint8_t from) {
  if (type == IG_S_F32 && from == IG_S_I32) return i32_to_f32;
  if (type == IG_S_F32 && from == IG_S_BOOL) return bool_to_f32;
  if (type == IG_S_I32 && from == IG_S_F32) return f32_to_i32;
  return type == IG_S_BOOL && from == IG_S_F32 ? f32_to_bool : NULL;
}

static ig_prog_fn f32_op(uint16_t op, uint8_t type, uint8_t flags) {
  if (op == IG_SOP_CAST) return f32_cast(type, flags);
  if (op == IG_SOP_SELECT && type == IG_S_I32) return f32_select;
  if (type != IG_S_F32) return NULL;
  switch (op) {
    case IG_SOP_ADD: return f32_add;
    case IG_SOP_SUB: return f32_sub;
    case IG_SOP_MUL: return f32_mul;
    case IG_SOP_DIV: return f32_div;
    case IG_SOP_MIN: return f32_min;
    case IG_SOP_MAX: return f32_max;
    case IG_SOP_POW: return f32_pow;
    case IG_SOP_FMA: return f32_fma;
    case IG_SOP_SELECT: return f32_select;
    case IG_SOP_NEG: return f32_neg;
    case IG_SOP_ABS: return f32_abs;
    case IG_SOP_SIGN: return f32_sign;
    case IG_SOP_FLOOR: return f32_floor;
    case IG_SOP_CEIL: return f32_ceil;
    case IG_SOP_RINT: return f32_rint;
    case IG_SOP_TRUNC: return f32_trunc;
    case IG_SOP_SQRT: return f32_sqrt;
    case IG_SOP_RSQRT: return f32_rsqrt;
    case IG_SOP_RECIP: return f32_recip;
    case IG_SOP_EXP: return f32_exp;
    case IG_SOP_LOG: return f32_log;
    case IG_SOP_EXPM1: return f32_expm1;
    case IG_SOP_LOG1P: return f32_log1p;
    case IG_SOP_SIN: return f32_sin;
    case IG_SOP_COS: return f32_cos;
    case IG_SOP_TANH: return f32_tanh;
    case IG_SOP_ERF: return f32_erf;
    case IG_SOP_SIGMOID: return f32_sigmoid;
    case IG_SOP_SOFTPLUS: return f32_softplus;
    case IG_SOP_EQ: return f32_eq;
    case IG_SOP_LT: return f32_lt;
    case IG_SOP_LE: return f32_le;
    case IG_SOP_IS_NAN: return f32_is_nan;
    case IG_SOP_IS_INF: return f32_is_inf;
    default: return NULL;
  }
}
