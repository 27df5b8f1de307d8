/* Symbolic contents through pointwise operators: what exporters compute with shapes stays readable as dims.
 *
 * A float tensor whose elements are provably integers is followed too (exporters multiply sizes by scales in float); Floor and Ceil of a
 * product with a constant become the expression floor(d * f). Arithmetic here is exact where run-time arithmetic would wrap, so what
 * overflows is given up: the element is then unknown, never wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/pointwise.h"

typedef ig_dim (*elem_fn)(ig_dims *t, const ig_dim *x, uint32_t n);

ig_dim ig_elems_get(const ig_node *n, uint32_t i, uint32_t k) {
  const ig_val *v = ig_node_in(n, i);
  int64_t c;
  if (!v || v->rank > 1) return IG_DIM_BAD;
  if (v->elems) {
    if (v->n_elems == 1) return v->elems[0];
    return k < v->n_elems ? v->elems[k] : IG_DIM_BAD;
  }
  return ig_const_i64(v, ig_const_single(v) ? 0 : k, &c) ? ig_dim_const(ig_node_dims(n), c) : IG_DIM_BAD;
}

/* Number of elements of result 0 if it can be followed: rank 0 or 1, of a type that holds integers. */
static bool followed(const ig_node *n, int64_t *out_count) {
  const ig_val *v = ig_node_out(n, 0);
  *out_count = 1;
  if (!v || v->rank > 1 || !(ig_type_bit(v->dtype) & (IG_T(I32) | IG_T(I64) | IG_T(BOOL) | IG_T(F32) | IG_T(F64)))) return false;
  if (v->rank == 1 && !ig_dim_is_const(ig_node_dims(n), v->dims[0], out_count)) return false;
  return *out_count >= 0 && *out_count <= IG_MAX_ELEMS;
}

static ig_status set_elems(ig_node *n, const ig_dim *elems, int64_t count) {
  ig_val *v = n->out[0];
  bool any = count == 0;
  for (int64_t k = 0; k < count; k++)
    any |= elems[k] != IG_DIM_BAD;
  if (!any) return NULL;
  ig_dim *copy = IG_NEW_ARRAY(ig_node_arena(n), ig_dim, (size_t)count + 1);
  if (!copy) return ig_arena_status(ig_node_arena(n));
  memcpy(copy, elems, (size_t)count * sizeof *copy);
  v->elems = copy;
  v->n_elems = (uint32_t)count;
  return NULL;
}

/* The expression overflowed or divided by zero: nothing is known. Only lack of memory stands. */
static ig_status forgive(ig_dims *t, ig_dim *d) {
  ig_status s = ig_dims_take_error(t);
  if (!s) return NULL;
  *d = IG_DIM_BAD;
  if (ig_status_code(s) == IG_ERROR_OUT_OF_MEMORY) return s;
  ig_status_free(s);
  return NULL;
}

/* f over the elements of all inputs at each place; f is not called with unknown ones. */
static ig_status each(ig_node *n, elem_fn f) {
  enum { MAX_INPUTS = 8 };
  ig_dim elems[IG_MAX_ELEMS], x[MAX_INPUTS];
  ig_dims *t = ig_node_dims(n);
  int64_t count;
  if (n->n_in > MAX_INPUTS || !followed(n, &count)) return NULL;
  for (uint32_t k = 0; k < (uint32_t)count; k++) {
    bool known = true;
    for (uint32_t i = 0; i < n->n_in; i++) {
      x[i] = ig_elems_get(n, i, k);
      known &= x[i] != IG_DIM_BAD;
    }
    elems[k] = known ? f(t, x, n->n_in) : IG_DIM_BAD;
    IG_TRY(forgive(t, &elems[k]));
  }
  return set_elems(n, elems, count);
}

static ig_dim one_minus(ig_dims *t, ig_dim d) { return ig_dim_sub(t, ig_dim_const(t, 1), d); }
static bool at_least(ig_dims *t, ig_dim d, int64_t least) {
  int64_t lo, hi;
  ig_dim_range(t, d, &lo, &hi);
  return lo >= least;
}

static ig_dim add(ig_dims *t, const ig_dim *x, uint32_t n) {
  IG_UNUSED(n);
  return ig_dim_add(t, x[0], x[1]);
}
static ig_dim sub(ig_dims *t, const ig_dim *x, uint32_t n) {
  IG_UNUSED(n);
  return ig_dim_sub(t, x[0], x[1]);
}
static ig_dim mul(ig_dims *t, const ig_dim *x, uint32_t n) {
  IG_UNUSED(n);
  return ig_dim_mul(t, x[0], x[1]);
}
/* Truncation is flooring where no side is negative. */
static ig_dim divide(ig_dims *t, const ig_dim *x, uint32_t n) {
  int64_t a, b;
  IG_UNUSED(n);
  if (ig_dim_is_const(t, x[0], &a) && ig_dim_is_const(t, x[1], &b))
    return b == 0 || b == -1 ? (b == 0 ? IG_DIM_BAD : ig_dim_mul_c(t, x[0], -1)) : ig_dim_const(t, a / b);
  if (ig_dim_equals(t, x[1], 1)) return x[0];
  return at_least(t, x[0], 0) && at_least(t, x[1], 1) ? ig_dim_floordiv(t, x[0], x[1]) : IG_DIM_BAD;
}
static ig_dim modulo(ig_dims *t, const ig_dim *x, uint32_t n) {
  IG_UNUSED(n);
  return at_least(t, x[0], 0) && at_least(t, x[1], 1) ? ig_dim_mod(t, x[0], x[1]) : IG_DIM_BAD;
}
static ig_dim minimum(ig_dims *t, const ig_dim *x, uint32_t n) {
  ig_dim d = x[0];
  for (uint32_t i = 1; i < n; i++)
    d = ig_dim_min(t, d, x[i]);
  return d;
}
static ig_dim maximum(ig_dims *t, const ig_dim *x, uint32_t n) {
  ig_dim d = x[0];
  for (uint32_t i = 1; i < n; i++)
    d = ig_dim_max(t, d, x[i]);
  return d;
}
static ig_dim negate(ig_dims *t, const ig_dim *x, uint32_t n) {
  IG_UNUSED(n);
  return ig_dim_mul_c(t, x[0], -1);
}
static ig_dim absolute(ig_dims *t, const ig_dim *x, uint32_t n) {
  IG_UNUSED(n);
  return at_least(t, x[0], 0) ? x[0] : ig_dim_max(t, x[0], ig_dim_mul_c(t, x[0], -1));
}
static ig_dim same(ig_dims *t, const ig_dim *x, uint32_t n) {
  IG_UNUSED(t);
  IG_UNUSED(n);
  return x[0];
}
static ig_dim equal(ig_dims *t, const ig_dim *x, uint32_t n) {
  IG_UNUSED(n);
  return ig_dim_eq(t, x[0], x[1]);
}
static ig_dim less(ig_dims *t, const ig_dim *x, uint32_t n) {
  IG_UNUSED(n);
  return one_minus(t, ig_dim_ge(t, x[0], x[1]));
}
static ig_dim less_equal(ig_dims *t, const ig_dim *x, uint32_t n) {
  IG_UNUSED(n);
  return ig_dim_ge(t, x[1], x[0]);
}
static ig_dim greater(ig_dims *t, const ig_dim *x, uint32_t n) {
  IG_UNUSED(n);
  return one_minus(t, ig_dim_ge(t, x[1], x[0]));
}
static ig_dim greater_equal(ig_dims *t, const ig_dim *x, uint32_t n) {
  IG_UNUSED(n);
  return ig_dim_ge(t, x[0], x[1]);
}
static ig_dim exclusive(ig_dims *t, const ig_dim *x, uint32_t n) {
  IG_UNUSED(n);
  return one_minus(t, ig_dim_eq(t, x[0], x[1]));
}
static ig_dim inverse(ig_dims *t, const ig_dim *x, uint32_t n) {
  IG_UNUSED(n);
  return one_minus(t, x[0]);
}
static ig_dim to_bool(ig_dims *t, const ig_dim *x, uint32_t n) {
  IG_UNUSED(n);
  return one_minus(t, ig_dim_eq(t, x[0], ig_dim_const(t, 0)));
}

ig_status ig_elems_add(ig_node *n) { return each(n, add); }
ig_status ig_elems_sub(ig_node *n) { return each(n, sub); }
ig_status ig_elems_mul(ig_node *n) { return each(n, mul); }
ig_status ig_elems_min(ig_node *n) { return each(n, minimum); }
ig_status ig_elems_max(ig_node *n) { return each(n, maximum); }
ig_status ig_elems_neg(ig_node *n) { return each(n, negate); }
ig_status ig_elems_abs(ig_node *n) { return each(n, absolute); }
ig_status ig_elems_equal(ig_node *n) { return each(n, equal); }
ig_status ig_elems_less(ig_node *n) { return each(n, less); }
ig_status ig_elems_less_equal(ig_node *n) { return each(n, less_equal); }
ig_status ig_elems_greater(ig_node *n) { return each(n, greater); }
ig_status ig_elems_greater_equal(ig_node *n) { return each(n, greater_equal); }
ig_status ig_elems_and(ig_node *n) { return each(n, mul); }
ig_status ig_elems_or(ig_node *n) { return each(n, maximum); }
ig_status ig_elems_xor(ig_node *n) { return each(n, exclusive); }
ig_status ig_elems_not(ig_node *n) { return each(n, inverse); }
ig_status ig_elems_mod(ig_node *n) { return each(n, modulo); }

static bool is_float(ig_dtype d) { return ig_stype_of(d) == IG_S_F32 || ig_stype_of(d) == IG_S_F64; }

/* Division of floats gives integers only where the divisor is 1; floor(a / b) is found by ig_elems_floor. */
static ig_dim divide_float(ig_dims *t, const ig_dim *x, uint32_t n) {
  IG_UNUSED(n);
  return ig_dim_equals(t, x[1], 1) ? x[0] : IG_DIM_BAD;
}
ig_status ig_elems_div(ig_node *n) { return each(n, is_float(ig_node_in(n, 0)->dtype) ? divide_float : divide); }

/* Where the condition is known, the other arm need not be. */
ig_status ig_elems_where(ig_node *n) {
  ig_dim elems[IG_MAX_ELEMS];
  ig_dims *t = ig_node_dims(n);
  int64_t count, c;
  if (!followed(n, &count)) return NULL;
  for (uint32_t k = 0; k < (uint32_t)count; k++) {
    const ig_dim cond = ig_elems_get(n, 0, k), x = ig_elems_get(n, 1, k), y = ig_elems_get(n, 2, k);
    elems[k] = IG_DIM_BAD;
    if (cond == IG_DIM_BAD) continue;
    if (ig_dim_is_const(t, cond, &c))
      elems[k] = c ? x : y;
    else if (x != IG_DIM_BAD && y != IG_DIM_BAD)
      elems[k] = ig_dim_select(t, cond, x, y);
    IG_TRY(forgive(t, &elems[k]));
  }
  return set_elems(n, elems, count);
}

/* v is a * f or a / f with a known element-wise and f a positive float constant: the element of floor(a * f). */
static ig_dim scaled(const ig_node *n, const ig_val *v, uint32_t k) {
  const ig_node *p = v->producer;
  double f;
  if (!p || !p->op || p->n_in != 2 || !is_float(v->dtype)) return IG_DIM_BAD;
  const bool product = strcmp(p->op->name, "Mul") == 0, quotient = strcmp(p->op->name, "Div") == 0;
  if (!product && !quotient) return IG_DIM_BAD;
  const uint32_t scale = product && ig_val_is_const(ig_node_in(p, 0)) ? 0 : 1;
  const ig_val *s = ig_node_in(p, scale);
  const ig_dim a = ig_elems_get(p, 1 - scale, k);
  if (a == IG_DIM_BAD || !ig_const_f64(s, ig_const_single(s) ? 0 : k, &f) || !(f > 0)) return IG_DIM_BAD;
  if (quotient && (double)(int64_t)f == f) return ig_dim_floordiv(ig_node_dims(n), a, ig_dim_const(ig_node_dims(n), (int64_t)f));
  return product ? ig_dim_scale(ig_node_dims(n), a, f, v->dtype == IG_DTYPE_F32) : IG_DIM_BAD;
}

/* Element k of input 0 rounded down: known as an integer already, or as a product. */
static ig_status rounded(ig_node *n, bool (*applies)(const ig_node *n)) {
  ig_dim elems[IG_MAX_ELEMS];
  int64_t count;
  const ig_val *v = ig_node_in(n, 0);
  if (!followed(n, &count)) return NULL;
  for (uint32_t k = 0; k < (uint32_t)count; k++) {
    elems[k] = ig_elems_get(n, 0, k);
    if (elems[k] == IG_DIM_BAD && applies(n)) elems[k] = scaled(n, v, k);
    IG_TRY(forgive(ig_node_dims(n), &elems[k]));
  }
  return set_elems(n, elems, count);
}

static bool is_floor(const ig_node *n) { return strcmp(n->op->name, "Floor") == 0; }
ig_status ig_elems_floor(ig_node *n) { return rounded(n, is_floor); }
ig_status ig_elems_ceil(ig_node *n) { return each(n, same); }

/* Integers stay what they are; a float product is cut off, which is rounding down since sizes are not negative. */
static bool cuts_off(const ig_node *n) { return !is_float(n->out[0]->dtype) && n->out[0]->dtype != IG_DTYPE_BOOL; }
ig_status ig_elems_cast(ig_node *n) {
  if (ig_node_out(n, 0) && n->out[0]->dtype == IG_DTYPE_BOOL) return each(n, to_bool);
  return rounded(n, cuts_off);
}
