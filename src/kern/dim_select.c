/* Minimum and maximum, comparisons, selection, scaling and broadcasting of dimension expressions: decided by spans and by
 * differences of polynomials where they can be, else interned in a canonical order of operands.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/dim_impl.h"
#include <math.h>

#define MAX_LEAVES 16 /* of a chain of MIN or MAX that is kept flat */

/* ---- minimum and maximum ---- */

/* The leaves of a left-leaning chain of op. 0 if there are more than MAX_LEAVES - 1. */
static size_t leaves_of(const ig_dims *t, uint16_t op, ig_dim d, ig_dim leaf[MAX_LEAVES]) {
  size_t n = 0;
  for (; n < MAX_LEAVES - 1; d = ig_dim_at(t, d)->a) {
    const ig_dim_node *const node = ig_dim_at(t, d);
    leaf[n++] = node->op == op ? node->b : d;
    if (node->op != op) return n;
  }
  return 0;
}

/* Whether a makes b superfluous in a chain of op. */
static bool dominates(ig_dims *t, uint16_t op, ig_dim a, ig_dim b) {
  return (op == IG_DIM_MAX ? ig_dim_prove_ge(t, a, b) : ig_dim_prove_ge(t, b, a)) == 1;
}

/* Constants come last, else what was made first comes first: a text that is read back makes its constants at other times. */
static bool is_after(const ig_dims *t, ig_dim a, ig_dim b) {
  const bool is_const_a = ig_dim_is_const(t, a, NULL), is_const_b = ig_dim_is_const(t, b, NULL);
  return is_const_a != is_const_b ? is_const_a : a > b;
}

/* Adds d to the n sorted leaves, none of which dominates another. Returns the new count. */
static size_t insert_leaf(ig_dims *t, uint16_t op, ig_dim leaf[MAX_LEAVES], size_t n, ig_dim d) {
  for (size_t i = 0; i < n; i++) {
    if (dominates(t, op, leaf[i], d)) return n;
  }
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    if (!dominates(t, op, d, leaf[i])) leaf[kept++] = leaf[i];
  }
  size_t i = kept;
  for (; i > 0 && is_after(t, leaf[i - 1], d); i--) leaf[i] = leaf[i - 1];
  leaf[i] = d;
  return kept + 1;
}

static ig_dim extremum(ig_dims *t, uint16_t op, ig_dim a, ig_dim b) {
  if (a == IG_DIM_BAD || b == IG_DIM_BAD) return IG_DIM_BAD;
  if (dominates(t, op, a, b)) return a;
  if (dominates(t, op, b, a)) return b;
  ig_dim from_a[MAX_LEAVES], from_b[MAX_LEAVES], leaf[MAX_LEAVES];
  const size_t n_a = leaves_of(t, op, a, from_a), n_b = leaves_of(t, op, b, from_b);
  const bool is_flat = n_a > 0 && n_b > 0 && n_a + n_b < MAX_LEAVES;
  if (!is_flat) return ig_dims_intern(t, (ig_dim_node){ .op = op, .a = (ig_dim)ig_min_i64(a, b), .b = (ig_dim)ig_max_i64(a, b) });
  size_t n = 0;
  for (size_t i = 0; i < n_a; i++) n = insert_leaf(t, op, leaf, n, from_a[i]);
  for (size_t i = 0; i < n_b; i++) n = insert_leaf(t, op, leaf, n, from_b[i]);
  ig_dim d = leaf[0];
  for (size_t i = 1; i < n && d != IG_DIM_BAD; i++) { /* the chain so far may decide what no single leaf did */
    if (dominates(t, op, d, leaf[i])) continue;
    d = dominates(t, op, leaf[i], d) ? leaf[i] : ig_dims_intern(t, (ig_dim_node){ .op = op, .a = d, .b = leaf[i] });
  }
  return d;
}

ig_dim ig_dim_min(ig_dims *t, ig_dim a, ig_dim b) { return extremum(t, IG_DIM_MIN, a, b); }
ig_dim ig_dim_max(ig_dims *t, ig_dim a, ig_dim b) { return extremum(t, IG_DIM_MAX, a, b); }

/* ---- comparisons ---- */

/* Sorts a difference D into left - right: D's positive terms, and the negated negative ones and constant. */
static ig_poly_result split_sides(const ig_dim_poly *difference, ig_dim_poly *left, ig_dim_poly *right) {
  for (size_t i = 0; i < difference->n; i++) {
    ig_dim_term term = difference->data[i];
    const bool is_left = term.n_atoms > 0 && term.coef > 0;
    if (!is_left && !ig_sub_i64(0, term.coef, &term.coef)) return IG_POLY_OVERFLOW;
    const ig_poly_result r = ig_poly_push(is_left ? left : right, &term);
    if (r != IG_POLY_OK) return r;
  }
  return IG_POLY_OK;
}

/* Divides a difference by its terms' gcd and, for EQ, makes its first coefficient positive: neither changes D = 0 or D >= 0. */
static ig_poly_result normalise_difference(uint16_t op, ig_dim_poly *p) {
  int64_t g = ig_poly_gcd(p, op == IG_DIM_EQ ? ig_poly_constant(p) : 0);
  if (g == 0) return IG_POLY_OVERFLOW;
  if (op == IG_DIM_EQ && p->data[0].coef < 0) g = -g;
  for (size_t i = 0; i < p->n; i++) {
    if (!ig_floordiv_i64(p->data[i].coef, g, &p->data[i].coef)) return IG_POLY_OVERFLOW;
  }
  return ig_poly_tidy(p);
}

static int prove(ig_dims *t, uint16_t op, ig_dim a, ig_dim b) { return op == IG_DIM_EQ ? ig_dim_prove_eq(t, a, b) : ig_dim_prove_ge(t, a, b); }

static ig_dim compare(ig_dims *t, uint16_t op, ig_dim a, ig_dim b) {
  if (a == IG_DIM_BAD || b == IG_DIM_BAD) return IG_DIM_BAD;
  int proof = prove(t, op, a, b);
  if (proof >= 0) return ig_dim_const(t, proof);
  ig_dim_poly p, left, right;
  ig_poly_init(&p, t->alloc);
  ig_poly_init(&left, t->alloc);
  ig_poly_init(&right, t->alloc);
  ig_poly_result r = ig_poly_combine(t, &p, a, 1, b, -1);
  if (r == IG_POLY_OK) r = normalise_difference(op, &p);
  if (r == IG_POLY_OK) r = split_sides(&p, &left, &right);
  const bool is_split = r == IG_POLY_OK;
  if (is_split) {
    a = ig_poly_emit(t, &left);
    b = ig_poly_emit(t, &right);
  }
  ig_poly_free(&p);
  ig_poly_free(&left);
  ig_poly_free(&right);
  if (r == IG_POLY_MEMORY) return ig_dims_fail_poly(t, r);
  if (a == IG_DIM_BAD || b == IG_DIM_BAD) return IG_DIM_BAD;
  proof = prove(t, op, a, b); /* without a common factor it may be easier */
  if (proof >= 0) return ig_dim_const(t, proof);
  return ig_dims_intern(t, (ig_dim_node){ .op = op, .a = a, .b = b });
}

ig_dim ig_dim_eq(ig_dims *t, ig_dim a, ig_dim b) { return compare(t, IG_DIM_EQ, a, b); }
ig_dim ig_dim_ge(ig_dims *t, ig_dim a, ig_dim b) { return compare(t, IG_DIM_GE, a, b); }

/* ---- selection ---- */

/* The arm that d, an arm of a selection by cond, takes when cond is (not) zero. */
static ig_dim arm_under(const ig_dims *t, ig_dim d, ig_dim cond, bool is_true) {
  const ig_dim_node *const n = ig_dim_at(t, d);
  if (n->op != IG_DIM_SELECT || n->a != cond) return d;
  return is_true ? n->b : n->c;
}

ig_dim ig_dim_select(ig_dims *t, ig_dim cond, ig_dim a, ig_dim b) {
  if (cond == IG_DIM_BAD || a == IG_DIM_BAD || b == IG_DIM_BAD) return IG_DIM_BAD;
  const ig_dim_span s = ig_dim_span_at(t, cond);
  if (!ig_span_has(s, 0)) return a;
  if (s.min == 0 && s.max == 0) return b;
  a = arm_under(t, a, cond, true);
  b = arm_under(t, b, cond, false);
  if (a == b) return a;
  if (s.min == 0 && s.max == 1 && ig_dim_equals(t, a, 1) && ig_dim_equals(t, b, 0)) return cond;
  const ig_dim_node n = *ig_dim_at(t, cond);
  const bool is_same = n.op == IG_DIM_EQ || n.op == IG_DIM_GE ? a == n.a && b == n.b : false;
  const bool is_crossed = n.op == IG_DIM_EQ || n.op == IG_DIM_GE ? a == n.b && b == n.a : false;
  if (n.op == IG_DIM_EQ && (is_same || is_crossed)) return b;
  if (is_same) return ig_dim_max(t, a, b);
  if (is_crossed) return ig_dim_min(t, a, b);
  return ig_dims_intern(t, (ig_dim_node){ .op = IG_DIM_SELECT, .a = cond, .b = a, .c = b });
}

/* ---- scaling ---- */

/* f = m / 2^k with small m and k. */
static bool as_fraction(double f, int64_t *out_m, int *out_k) {
  for (int k = 0; k <= 16; k++) {
    const double m = f * (double)(1 << k);
    if (!(fabs(m) <= 0x1p20)) return false;
    if (m != (double)(int64_t)m) continue;
    *out_m = (int64_t)m;
    *out_k = k;
    return true;
  }
  return false;
}

/* Integral factors and powers of two are exact as products and quotients of integers, other fractions where a is known to be so
 * small that the floating product is exact. */
static bool is_exact(ig_dim_span a, int64_t m, int k, bool in_float) {
  if (k == 0 || m == 1) return true;
  const int64_t limit = (in_float ? (int64_t)1 << 24 : (int64_t)1 << 53) / (m < 0 ? -m : m);
  return -limit <= a.min && a.max <= limit;
}

ig_dim ig_dim_scale(ig_dims *t, ig_dim a, double f, bool in_float) {
  if (a == IG_DIM_BAD) return a;
  int64_t v, m;
  int k;
  if (in_float) f = (double)(float)f;
  if (as_fraction(f, &m, &k) && is_exact(ig_dim_span_at(t, a), m, k, in_float)) {
    return ig_dim_floordiv(t, ig_dim_mul_c(t, a, m), ig_dim_const(t, (int64_t)1 << k));
  }
  if (ig_dim_is_const(t, a, &v)) return ig_scale_i64(v, f, in_float, &v) ? ig_dim_const(t, v) : ig_dims_fail_poly(t, IG_POLY_OVERFLOW);
  if (!isfinite(f)) return ig_dims_fail_poly(t, IG_POLY_OVERFLOW);
  ig_dim_node n = { .op = IG_DIM_SCALE, .a = a, .c = in_float };
  memcpy(&n.imm, &f, sizeof f);
  return ig_dims_intern(t, n);
}

/* ---- broadcasting ---- */

ig_dim ig_dims_broadcast_value(ig_dims *t, ig_dim a, ig_dim b) {
  if (a == IG_DIM_BAD || b == IG_DIM_BAD) return IG_DIM_BAD;
  if (a == b || ig_dim_equals(t, b, 1)) return a;
  if (ig_dim_equals(t, a, 1)) return b;
  if (!ig_span_has(ig_dim_span_at(t, a), 1)) return a;
  if (!ig_span_has(ig_dim_span_at(t, b), 1)) return b;
  /* Of dims that are at least 1 the larger is the result wherever there is one. */
  if (ig_dim_span_at(t, a).min >= 1 && ig_dim_span_at(t, b).min >= 1) {
    if (ig_dim_prove_ge(t, a, b) == 1) return a;
    if (ig_dim_prove_ge(t, b, a) == 1) return b;
  }
  const ig_dim_node na = *ig_dim_at(t, a), nb = *ig_dim_at(t, b);
  if (na.op == IG_DIM_BROADCAST && (na.a == b || na.b == b)) return a;
  if (nb.op == IG_DIM_BROADCAST && (nb.a == a || nb.b == a)) return b;
  return ig_dims_intern(t, (ig_dim_node){ .op = IG_DIM_BROADCAST, .a = (ig_dim)ig_min_i64(a, b), .b = (ig_dim)ig_max_i64(a, b) });
}

ig_dim ig_dim_broadcast(ig_dims *t, ig_dim a, ig_dim b, const char *node) {
  const ig_dim d = ig_dims_broadcast_value(t, a, b);
  if (d == IG_DIM_BAD) return d;
  const ig_status s = ig_dims_guard(t, IG_GUARD_BROADCAST, a, b, node, "broadcast");
  return s ? ig_dims_fail(t, s) : d;
}
