/* Floor and ceiling division and modulo of dimension expressions.
 * Constant divisors are made positive and ceilings become floors, so that the nests which strided convolutions and poolings make
 * collapse: floor((c*q + r) / c) = q + floor(r / c), floor((g*p + k) / (g*c)) = floor((p + floor(k / g)) / c) and
 * floor((floor(x / a) + k) / c) = floor((x + k*a) / (a*c)). Symbolic divisors are divided out only where their span excludes 0.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/dim_impl.h"

/* Working space of one division: numerator, divisor, quotient, rest. */
typedef struct division { ig_dim_poly a, b, q, r; } division;

static void division_init(division *w, const ig_allocator *alloc) {
  ig_poly_init(&w->a, alloc);
  ig_poly_init(&w->b, alloc);
  ig_poly_init(&w->q, alloc);
  ig_poly_init(&w->r, alloc);
}

static void division_free(division *w) {
  ig_poly_free(&w->a);
  ig_poly_free(&w->b);
  ig_poly_free(&w->q);
  ig_poly_free(&w->r);
}

static ig_dim negate(ig_dims *t, ig_dim a) { return ig_dim_mul(t, a, ig_dim_const(t, -1)); }

static ig_dim intern_op(ig_dims *t, uint16_t op, ig_dim a, ig_dim b) {
  if (a == IG_DIM_BAD || b == IG_DIM_BAD) return IG_DIM_BAD;
  return ig_dims_intern(t, (ig_dim_node){ .op = op, .a = a, .b = b });
}

/* a = c*q + r for c > 0: a term goes to q as far as its coefficient holds c; the constant of r lies in [0, c). */
static ig_poly_result split_by_constant(const ig_dim_poly *a, int64_t c, ig_dim_poly *q, ig_dim_poly *r) {
  for (size_t i = 0; i < a->n; i++) {
    ig_dim_term whole = a->data[i], rest = a->data[i];
    whole.coef /= c;
    rest.coef %= c;
    if (rest.n_atoms == 0 && rest.coef < 0) {
      whole.coef--;
      rest.coef += c;
    }
    ig_poly_result result = whole.coef != 0 ? ig_poly_push(q, &whole) : IG_POLY_OK;
    if (result == IG_POLY_OK && rest.coef != 0) result = ig_poly_push(r, &rest);
    if (result != IG_POLY_OK) return result;
  }
  return IG_POLY_OK;
}

/* Divides the terms by their common factor g, the constant k by floor(k / g). */
static void reduce_by(ig_dim_poly *p, int64_t g) {
  size_t n = 0;
  for (size_t i = 0; i < p->n; i++) {
    ig_dim_term term = p->data[i];
    term.coef = term.n_atoms > 0 ? term.coef / g : term.coef / g - (term.coef % g < 0);
    if (term.coef != 0) p->data[n++] = term;
  }
  p->n = n;
}

/* floor(r / c) where r = floor(x / a) + k with a constant a: floor((x + k*a) / (a*c)). IG_DIM_BAD without an error if r is not so. */
static ig_dim divide_nested(ig_dims *t, const ig_dim_poly *r, int64_t c) {
  const int64_t k = ig_poly_constant(r);
  if (r->n != (k != 0 ? 2u : 1u) || r->data[0].n_atoms != 1 || r->data[0].coef != 1) return IG_DIM_BAD;
  const ig_dim_node inner = *ig_dim_at(t, r->data[0].atom[0]);
  int64_t a, shift, product;
  if (inner.op != IG_DIM_FLOORDIV || !ig_dim_is_const(t, inner.b, &a) || a <= 0) return IG_DIM_BAD;
  if (!ig_mul_i64(a, c, &product) || !ig_mul_i64(k, a, &shift)) return IG_DIM_BAD;
  return ig_dim_floordiv(t, ig_dim_add_c(t, inner.a, shift), ig_dim_const(t, product));
}

/* floor(r / c) for a rest r that split_by_constant left. */
static ig_dim divide_rest(ig_dims *t, ig_dim_poly *r, int64_t c) {
  const int64_t g = ig_poly_gcd(r, c);
  if (g > 1) {
    reduce_by(r, g);
    c /= g;
  }
  if (c == 1) return ig_poly_emit(t, r);
  const ig_dim_span s = ig_poly_span(t, r);
  int64_t low = 0, high = 1;
  const bool is_decided = ig_floordiv_i64(s.min, c, &low) && ig_floordiv_i64(s.max, c, &high) && low == high;
  if (is_decided) return ig_dim_const(t, low);
  const ig_dim nested = divide_nested(t, r, c);
  if (nested != IG_DIM_BAD || t->error) return nested;
  return intern_op(t, IG_DIM_FLOORDIV, ig_poly_emit(t, r), ig_dim_const(t, c));
}

static ig_dim floordiv_constant(ig_dims *t, ig_dim a, int64_t c) {
  division w;
  division_init(&w, t->alloc);
  ig_poly_result result = ig_poly_combine(t, &w.a, a, 1, IG_DIM_BAD, 0);
  if (result == IG_POLY_OK) result = split_by_constant(&w.a, c, &w.q, &w.r);
  ig_dim d = IG_DIM_BAD;
  if (result != IG_POLY_OK) ig_dims_fail_poly(t, result);
  else d = ig_dim_add(t, ig_poly_emit(t, &w.q), divide_rest(t, &w.r, c));
  division_free(&w);
  return d;
}

/* Whether every term of p holds atom as a factor. */
static bool all_have(const ig_dim_poly *p, ig_dim atom) {
  for (size_t i = 0; i < p->n; i++) {
    uint32_t j = 0;
    while (j < p->data[i].n_atoms && p->data[i].atom[j] != atom) j++;
    if (j == p->data[i].n_atoms) return false;
  }
  return true;
}

static void drop_atom(ig_dim_poly *p, ig_dim atom) {
  for (size_t i = 0; i < p->n; i++) {
    ig_dim_term *const term = &p->data[i];
    uint32_t j = 0;
    while (term->atom[j] != atom) j++;
    for (term->n_atoms--; j < term->n_atoms; j++) term->atom[j] = term->atom[j + 1];
  }
}

/* Cancels what all terms of a and of b have in common and cannot be 0. Whether there was something. */
static bool cancel(const ig_dims *t, ig_dim_poly *a, ig_dim_poly *b) {
  bool has_changed = false;
  const ig_dim_term first = b->data[0];
  for (uint32_t i = 0; i < first.n_atoms; i++) {
    const ig_dim atom = first.atom[i];
    if (ig_span_has(ig_dim_span_at(t, atom), 0) || !all_have(a, atom) || !all_have(b, atom)) continue;
    drop_atom(a, atom);
    drop_atom(b, atom);
    has_changed = true;
  }
  int64_t gcd = ig_gcd_i64(ig_poly_constant(a), ig_poly_constant(b));
  gcd = ig_poly_gcd(b, ig_poly_gcd(a, gcd));
  if (gcd <= 1) return has_changed;
  reduce_by(a, gcd);
  reduce_by(b, gcd);
  return true;
}

/* floor(r / b) or ceil(r / b) where the span, or 0 <= r < b, decides it. */
static bool is_decided_rest(ig_dims *t, uint16_t op, ig_dim r, ig_dim b, int64_t *out) {
  const ig_dim_span s = ig_dims_span_of(t, &(ig_dim_node){ .op = op, .a = r, .b = b });
  *out = s.min;
  if (s.min == s.max) return true;
  *out = 0;
  return op == IG_DIM_FLOORDIV && ig_dim_prove_ge(t, r, ig_dim_const(t, 0)) == 1 && ig_dim_prove_ge(t, r, b) == 0;
}

/* a / b for a tidied b whose span excludes 0; original: the operands as dims. */
static ig_dim divide_polys(ig_dims *t, uint16_t op, division *w, ig_dim a, ig_dim b) {
  if (cancel(t, &w->a, &w->b)) {
    const ig_dim na = ig_poly_emit(t, &w->a), nb = ig_poly_emit(t, &w->b);
    return op == IG_DIM_FLOORDIV ? ig_dim_floordiv(t, na, nb) : ig_dim_ceildiv(t, na, nb);
  }
  const ig_poly_result result = ig_poly_divide(&w->a, &w->b, &w->q, &w->r);
  if (result == IG_POLY_MEMORY) return ig_dims_fail_poly(t, result);
  const bool is_divided = result == IG_POLY_OK;
  if (is_divided && w->r.n == 0) return ig_poly_emit(t, &w->q);
  const bool takes_quotient = is_divided && w->b.n == 1 && w->q.n > 0; /* a partial quotient by a sum would blur the span */
  if (takes_quotient) {
    const ig_dim r = ig_poly_emit(t, &w->r);
    return ig_dim_add(t, ig_poly_emit(t, &w->q), op == IG_DIM_FLOORDIV ? ig_dim_floordiv(t, r, b) : ig_dim_ceildiv(t, r, b));
  }
  int64_t value;
  if (is_decided_rest(t, op, a, b, &value)) return ig_dim_const(t, value);
  return intern_op(t, op, a, b);
}

static ig_dim divide_symbolic(ig_dims *t, uint16_t op, ig_dim a, ig_dim b) {
  const ig_dim_span s = ig_dim_span_at(t, b);
  if (ig_span_has(s, 0)) return intern_op(t, op, a, b);
  if (s.max < 0) {
    a = negate(t, a);
    b = negate(t, b);
    if (a == IG_DIM_BAD || b == IG_DIM_BAD) return IG_DIM_BAD;
  }
  division w;
  division_init(&w, t->alloc);
  ig_poly_result result = ig_poly_combine(t, &w.a, a, 1, IG_DIM_BAD, 0);
  if (result == IG_POLY_OK) result = ig_poly_combine(t, &w.b, b, 1, IG_DIM_BAD, 0);
  const ig_dim d = result == IG_POLY_OK ? divide_polys(t, op, &w, a, b) : ig_dims_fail_poly(t, result);
  division_free(&w);
  return d;
}

static ig_dim fail_zero(ig_dims *t) { return ig_dims_fail(t, ig_status_new(IG_ERROR_SHAPE, "dimension arithmetic divides by zero")); }

/* Constants by constants. */
static ig_dim fold(ig_dims *t, uint16_t op, int64_t a, int64_t b) {
  int64_t v = 0;
  bool fits = true;
  if (op == IG_DIM_FLOORDIV) fits = ig_floordiv_i64(a, b, &v);
  else if (op == IG_DIM_CEILDIV) fits = ig_ceildiv_i64(a, b, &v);
  else v = ig_mod_i64(a, b);
  return fits ? ig_dim_const(t, v) : ig_dims_fail_poly(t, IG_POLY_OVERFLOW);
}

static ig_dim divide(ig_dims *t, uint16_t op, ig_dim a, ig_dim b) {
  if (a == IG_DIM_BAD || b == IG_DIM_BAD) return IG_DIM_BAD;
  int64_t x, c;
  if (!ig_dim_is_const(t, b, &c)) return divide_symbolic(t, op, a, b);
  if (c == 0) return fail_zero(t);
  if (ig_dim_is_const(t, a, &x)) return fold(t, op, x, c);
  if (c == INT64_MIN) return intern_op(t, op, a, b);
  if (c < 0) {
    c = -c;
    a = negate(t, a);
  }
  if (op == IG_DIM_CEILDIV) a = ig_dim_add_c(t, a, c - 1);
  return a == IG_DIM_BAD ? a : floordiv_constant(t, a, c);
}

ig_dim ig_dim_floordiv(ig_dims *t, ig_dim a, ig_dim b) { return divide(t, IG_DIM_FLOORDIV, a, b); }
ig_dim ig_dim_ceildiv(ig_dims *t, ig_dim a, ig_dim b) { return divide(t, IG_DIM_CEILDIV, a, b); }

/* ---- modulo ---- */

/* mod(x, m) in a is x where c divides m. Whether one was replaced; a is not tidied. */
static ig_poly_result open_mods(const ig_dims *t, ig_dim_poly *a, int64_t c, bool *out_changed) {
  *out_changed = false;
  for (size_t i = 0; i < a->n; i++) {
    if (a->data[i].n_atoms != 1) continue;
    const ig_dim_node n = *ig_dim_at(t, a->data[i].atom[0]);
    int64_t m;
    if (n.op != IG_DIM_MOD || !ig_dim_is_const(t, n.b, &m) || m % c != 0) continue;
    const int64_t coef = a->data[i].coef;
    a->data[i].coef = 0;
    const ig_poly_result result = ig_poly_add_dim(t, a, n.a, coef);
    if (result != IG_POLY_OK) return result;
    *out_changed = true;
  }
  return *out_changed ? ig_poly_tidy(a) : IG_POLY_OK;
}

/* mod(r, c) for a rest r that split_by_constant left: g*mod(r', c / g) + k. */
static ig_dim mod_rest(ig_dims *t, ig_dim_poly *r, int64_t c) {
  const int64_t g = ig_poly_gcd(r, c), k = ig_poly_constant(r) % g;
  reduce_by(r, g);
  c /= g;
  if (c == 1) return ig_dim_const(t, k);
  const ig_dim_span s = ig_poly_span(t, r);
  int64_t low = 0, high = 1;
  const bool is_decided = ig_floordiv_i64(s.min, c, &low) && ig_floordiv_i64(s.max, c, &high) && low == high;
  const ig_dim rest = ig_poly_emit(t, r);
  ig_dim d;
  if (g > 1) d = ig_dim_mod(t, rest, ig_dim_const(t, c)); /* the smaller divisor may open a mod within */
  else if (is_decided) d = ig_dim_sub(t, rest, ig_dim_mul_c(t, ig_dim_const(t, low), c));
  else d = intern_op(t, IG_DIM_MOD, rest, ig_dim_const(t, c));
  return ig_dim_add_c(t, ig_dim_mul_c(t, d, g), k);
}

static ig_dim mod_constant(ig_dims *t, ig_dim a, int64_t c) {
  division w;
  division_init(&w, t->alloc);
  bool has_changed = false;
  ig_dim d = IG_DIM_BAD;
  ig_poly_result result = ig_poly_combine(t, &w.a, a, 1, IG_DIM_BAD, 0);
  if (result == IG_POLY_OK) result = split_by_constant(&w.a, c, &w.q, &w.r);
  if (result == IG_POLY_OK) result = open_mods(t, &w.r, c, &has_changed);
  if (result != IG_POLY_OK) ig_dims_fail_poly(t, result);
  else if (has_changed) d = ig_dim_mod(t, ig_poly_emit(t, &w.r), ig_dim_const(t, c));
  else d = mod_rest(t, &w.r, c);
  division_free(&w);
  return d;
}

static ig_dim mod_polys(ig_dims *t, division *w, ig_dim a, ig_dim b) {
  const ig_poly_result result = ig_poly_divide(&w->a, &w->b, &w->q, &w->r);
  if (result == IG_POLY_MEMORY) return ig_dims_fail_poly(t, result);
  const bool is_divided = result == IG_POLY_OK;
  if (is_divided && w->r.n == 0) return ig_dim_const(t, 0);
  if (is_divided && w->b.n == 1 && w->q.n > 0) return ig_dim_mod(t, ig_poly_emit(t, &w->r), b);
  int64_t value;
  if (!is_decided_rest(t, IG_DIM_FLOORDIV, a, b, &value)) return intern_op(t, IG_DIM_MOD, a, b);
  return ig_dim_sub(t, a, ig_dim_mul_c(t, b, value));
}

static ig_dim mod_symbolic(ig_dims *t, ig_dim a, ig_dim b) {
  if (ig_span_has(ig_dim_span_at(t, b), 0)) return intern_op(t, IG_DIM_MOD, a, b);
  division w;
  division_init(&w, t->alloc);
  ig_poly_result result = ig_poly_combine(t, &w.a, a, 1, IG_DIM_BAD, 0);
  if (result == IG_POLY_OK) result = ig_poly_combine(t, &w.b, b, 1, IG_DIM_BAD, 0);
  const ig_dim d = result == IG_POLY_OK ? mod_polys(t, &w, a, b) : ig_dims_fail_poly(t, result);
  division_free(&w);
  return d;
}

ig_dim ig_dim_mod(ig_dims *t, ig_dim a, ig_dim b) {
  if (a == IG_DIM_BAD || b == IG_DIM_BAD) return IG_DIM_BAD;
  int64_t x, c;
  if (!ig_dim_is_const(t, b, &c)) return mod_symbolic(t, a, b);
  if (c == 0) return fail_zero(t);
  if (ig_dim_is_const(t, a, &x)) return fold(t, IG_DIM_MOD, x, c);
  if (c == INT64_MIN) return intern_op(t, IG_DIM_MOD, a, b);
  if (c > 0) return mod_constant(t, a, c);
  const ig_dim d = negate(t, a);
  return d == IG_DIM_BAD ? d : negate(t, mod_constant(t, d, -c));
}
