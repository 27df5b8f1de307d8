/* Spans of dimension expressions and the proofs that rest on them. INT64_MIN as a lower and INT64_MAX as an upper bound stand for
 * "none" and absorb what is added to them, so that a difference of two expressions, which is never evaluated and may pass 2^63,
 * is bounded correctly too.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/dim_impl.h"

/* A lower bound is never INT64_MAX and an upper one never INT64_MIN: those would read as "none" after a change of sign. */
static ig_dim_span sane(ig_dim_span s) { return (ig_dim_span){ ig_min_i64(s.min, INT64_MAX - 1), ig_max_i64(s.max, INT64_MIN + 1) }; }

static bool is_infinite(int64_t v) { return v == INT64_MIN || v == INT64_MAX; }

static int64_t saturating_add(int64_t a, int64_t b) {
  int64_t v;
  if (ig_add_i64(a, b, &v)) return v;
  return a < 0 ? INT64_MIN : INT64_MAX;
}

static int64_t saturating_mul(int64_t a, int64_t b) {
  int64_t v;
  if (a == 0 || b == 0) return 0;
  if (!is_infinite(a) && !is_infinite(b) && ig_mul_i64(a, b, &v)) return v;
  return (a < 0) != (b < 0) ? INT64_MIN : INT64_MAX;
}

ig_dim_span ig_span_add(ig_dim_span a, ig_dim_span b) {
  ig_dim_span s = { saturating_add(a.min, b.min), saturating_add(a.max, b.max) };
  if (a.min == INT64_MIN || b.min == INT64_MIN) s.min = INT64_MIN;
  if (a.max == INT64_MAX || b.max == INT64_MAX) s.max = INT64_MAX;
  return sane(s);
}

static ig_dim_span hull(const int64_t corner[4]) {
  ig_dim_span s = { corner[0], corner[0] };
  for (int i = 1; i < 4; i++) s = (ig_dim_span){ ig_min_i64(s.min, corner[i]), ig_max_i64(s.max, corner[i]) };
  return sane(s);
}

ig_dim_span ig_span_mul(ig_dim_span a, ig_dim_span b) {
  const int64_t corner[4] = { saturating_mul(a.min, b.min), saturating_mul(a.min, b.max),
    saturating_mul(a.max, b.min), saturating_mul(a.max, b.max) };
  return hull(corner);
}

static ig_dim_span span_union(ig_dim_span a, ig_dim_span b) { return (ig_dim_span){ ig_min_i64(a.min, b.min), ig_max_i64(a.max, b.max) }; }

static int64_t saturating_divide(bool is_ceil, int64_t a, int64_t b) {
  int64_t v;
  const bool fits = is_ceil ? ig_ceildiv_i64(a, b, &v) : ig_floordiv_i64(a, b, &v);
  return fits ? v : INT64_MAX; /* INT64_MIN / -1 */
}

static ig_dim_span span_divide(bool is_ceil, ig_dim_span a, ig_dim_span b) {
  if (ig_span_has(b, 0)) { /* a divisor of at least 1 in magnitude */
    const int64_t low = ig_min_i64(a.min, saturating_mul(a.max, -1)), high = ig_max_i64(a.max, saturating_mul(a.min, -1));
    return (ig_dim_span){ ig_min_i64(low, 0), ig_max_i64(high, 0) };
  }
  const int64_t corner[4] = { saturating_divide(is_ceil, a.min, b.min), saturating_divide(is_ceil, a.min, b.max),
    saturating_divide(is_ceil, a.max, b.min), saturating_divide(is_ceil, a.max, b.max) };
  return hull(corner);
}

static ig_dim_span span_mod(ig_dim_span a, ig_dim_span b) {
  ig_dim_span s = { b.min < 0 ? saturating_add(b.min, 1) : 0, b.max > 0 ? b.max - 1 : 0 };
  if (a.min >= 0 && b.min > 0) s.max = ig_min_i64(s.max, a.max);
  if (a.max <= 0 && b.max < 0) s.min = ig_max_i64(s.min, a.min);
  return s;
}

/* Rounding is monotone, so the ends of a give the ends of the product. */
static ig_dim_span span_scale(ig_dim_span a, double f, bool in_float) {
  const int64_t from = f < 0 ? a.max : a.min, to = f < 0 ? a.min : a.max;
  ig_dim_span s;
  if (!ig_scale_i64(from, f, in_float, &s.min)) s.min = INT64_MIN;
  if (!ig_scale_i64(to, f, in_float, &s.max)) s.max = INT64_MAX;
  return s;
}

static ig_dim_span span_symbol(const ig_symbol *s) {
  return sane((ig_dim_span){ s->min <= -IG_DIM_UNBOUNDED ? INT64_MIN : s->min, s->max >= IG_DIM_UNBOUNDED ? INT64_MAX : s->max });
}

static ig_dim_span span_term(const ig_dims *t, const ig_dim_term *term) {
  ig_dim_span s = { 1, 1 };
  for (uint32_t i = 0; i < term->n_atoms; i++) {
    s = ig_span_mul(s, ig_dim_span_at(t, term->atom[i]));
    if (i == 1 && term->atom[0] == term->atom[1]) s.min = ig_max_i64(s.min, 0);
  }
  return ig_span_mul(s, (ig_dim_span){ term->coef, term->coef });
}

static bool take_atom(ig_dim_term *term, ig_dim atom) {
  uint32_t j = 0;
  while (j < term->n_atoms && term->atom[j] != atom) j++;
  if (j == term->n_atoms) return false;
  for (term->n_atoms--; j < term->n_atoms; j++) term->atom[j] = term->atom[j + 1];
  return true;
}

/* A sum whose terms have a factor in common, b*x - b: as a product, b * (x - 1). Term by term, the greatest b*x would meet the least b. Long sums are left
 * alone: they are read anew for each of their terms. */
static ig_dim_span span_factored(const ig_dims *t, const ig_dim_node *n) {
  enum { MOST = 8 };
  ig_dim_span all = { INT64_MIN, INT64_MAX }, s = { 1, 1 }, rest = { 0, 0 };
  ig_dim_term term[MOST];
  uint32_t n_terms = 0;
  for (bool more = true; more; n_terms++) {
    more = n->op == IG_DIM_ADD;
    term[n_terms] = (ig_dim_term){ .coef = 1 };
    if (n_terms == MOST - 1 && more) return all;
    const ig_dim last = more ? n->b : (ig_dim)(n - t->nodes.data);
    if (ig_poly_multiply_chain(t, &term[n_terms], last) != IG_POLY_OK) return all;
    if (more) n = ig_dim_at(t, n->a);
  }
  const ig_dim_term first = term[0];
  bool any = false;
  for (uint32_t i = 0; i < first.n_atoms; i++) {
    ig_dim_term left[MOST];
    memcpy(left, term, n_terms * sizeof *term);
    bool common = true;
    for (uint32_t k = 0; k < n_terms && common; k++) common = take_atom(&left[k], first.atom[i]);
    if (!common) continue;
    memcpy(term, left, n_terms * sizeof *term);
    s = ig_span_mul(s, ig_dim_span_at(t, first.atom[i]));
    any = true;
  }
  if (!any) return all;
  for (uint32_t k = 0; k < n_terms; k++) rest = ig_span_add(rest, span_term(t, &term[k]));
  return ig_span_mul(s, rest);
}

static ig_dim_span span_sum(const ig_dims *t, const ig_dim_node *n) {
  const ig_dim_span a = ig_span_add(ig_dim_span_at(t, n->a), ig_dim_span_at(t, n->b)), b = span_factored(t, n);
  const ig_dim_span both = { ig_max_i64(a.min, b.min), ig_min_i64(a.max, b.max) };
  return both.min <= both.max ? both : a;
}

ig_dim_span ig_dims_span_of(const ig_dims *t, const ig_dim_node *n) {
  if (n->op == IG_DIM_CONST) return sane((ig_dim_span){ n->imm, n->imm });
  if (n->op == IG_DIM_SYMBOL) return span_symbol(&t->symbols.data[n->a]);
  const ig_dim_span a = ig_dim_span_at(t, n->a);
  if (n->op == IG_DIM_SCALE) return span_scale(a, ig_dim_factor(n), n->c == 1);
  const ig_dim_span b = ig_dim_span_at(t, n->b);
  switch (n->op) {
  case IG_DIM_ADD: return span_sum(t, n);
  case IG_DIM_MUL: {
    ig_dim_span s = ig_span_mul(a, b);
    if (n->a == n->b) s.min = ig_max_i64(s.min, 0); /* a square */
    return s;
  }
  case IG_DIM_FLOORDIV: return span_divide(false, a, b);
  case IG_DIM_CEILDIV: return span_divide(true, a, b);
  case IG_DIM_MOD: return span_mod(a, b);
  case IG_DIM_MIN: return (ig_dim_span){ ig_min_i64(a.min, b.min), ig_min_i64(a.max, b.max) };
  case IG_DIM_MAX: return (ig_dim_span){ ig_max_i64(a.min, b.min), ig_max_i64(a.max, b.max) };
  case IG_DIM_SELECT: return span_union(b, ig_dim_span_at(t, n->c));
  case IG_DIM_BROADCAST: return span_union(a, b);
  default: return (ig_dim_span){ 0, 1 }; /* EQ and GE */
  }
}

ig_dim_span ig_poly_span(const ig_dims *t, const ig_dim_poly *p) {
  ig_dim_span s = { 0, 0 };
  for (size_t i = 0; i < p->n; i++) s = ig_span_add(s, span_term(t, &p->data[i]));
  return s;
}

/* Replaces one k * floor(x / c) in p, p scaled by c: c * k * floor(x / c) = k * x + k * [-(c - 1), 0]. Adds that slack to *slack.
 * False if there is none left, or it overflows. */
static bool open_floor(const ig_dims *t, ig_dim_poly *p, ig_dim_span *slack) {
  size_t i = 0;
  for (; i < p->n; i++) {
    if (p->data[i].n_atoms != 1) continue;
    const ig_dim_node *const n = ig_dim_at(t, p->data[i].atom[0]);
    if (n->op == IG_DIM_FLOORDIV && ig_dim_at(t, n->b)->op == IG_DIM_CONST && ig_dim_at(t, n->b)->imm > 0) break;
  }
  if (i == p->n) return false;
  const ig_dim_node floor_node = *ig_dim_at(t, p->data[i].atom[0]);
  const int64_t c = ig_dim_at(t, floor_node.b)->imm, k = p->data[i].coef;
  p->data[i] = p->data[--p->n];
  for (size_t j = 0; j < p->n; j++) {
    if (!ig_mul_i64(p->data[j].coef, c, &p->data[j].coef)) return false;
  }
  *slack = ig_span_mul(*slack, (ig_dim_span){ c, c });
  *slack = ig_span_add(*slack, ig_span_mul((ig_dim_span){ 1 - c, 0 }, (ig_dim_span){ k, k }));
  return ig_poly_add_dim(t, p, floor_node.a, k) == IG_POLY_OK && ig_poly_tidy(p) == IG_POLY_OK;
}

ig_dim_span ig_poly_sign(const ig_dims *t, const ig_dim_poly *p) {
  ig_dim_span best = ig_poly_span(t, p), slack = { 0, 0 };
  ig_dim_poly work;
  ig_poly_init(&work, p->alloc);
  ig_poly_result r = IG_POLY_OK;
  for (size_t i = 0; i < p->n && r == IG_POLY_OK; i++) r = ig_poly_push(&work, &p->data[i]);
  for (int i = 0; i < 8 && r == IG_POLY_OK && best.min < 0 && best.max >= 0 && open_floor(t, &work, &slack); i++) {
    const ig_dim_span s = ig_span_add(ig_poly_span(t, &work), slack);
    best = (ig_dim_span){ ig_max_i64(best.min, s.min), ig_min_i64(best.max, s.max) };
  }
  ig_poly_free(&work);
  return best;
}

static int64_t clamp(int64_t v) { return ig_max_i64(-IG_DIM_UNBOUNDED, ig_min_i64(IG_DIM_UNBOUNDED, v)); }

void ig_dim_range(const ig_dims *t, ig_dim d, int64_t *out_min, int64_t *out_max) {
  const ig_dim_span s = d == IG_DIM_BAD ? (ig_dim_span){ INT64_MIN, INT64_MAX } : ig_dim_span_at(t, d);
  *out_min = clamp(s.min);
  *out_max = clamp(s.max);
}

/* The sign of a - b: a span of which only the position of 0 counts, and whether a - b is never 0 for a reason of divisibility.
 * What overflows or is too long stays undecided; lack of memory is recorded. */
static ig_dim_span compare(ig_dims *t, ig_dim a, ig_dim b, bool *out_never_zero) {
  *out_never_zero = false;
  ig_dim_span s = { INT64_MIN, INT64_MAX };
  ig_dim_poly p;
  ig_poly_init(&p, t->alloc);
  const ig_poly_result r = ig_poly_combine(t, &p, a, 1, b, -1);
  if (r == IG_POLY_OK) {
    s = ig_poly_sign(t, &p);
    const int64_t gcd = ig_poly_gcd(&p, 0);
    *out_never_zero = gcd > 1 && ig_poly_constant(&p) % gcd != 0;
  }
  ig_poly_free(&p);
  if (r == IG_POLY_MEMORY) ig_dims_fail(t, IG_OOM());
  return s;
}

int ig_dim_prove_eq(ig_dims *t, ig_dim a, ig_dim b) {
  if (a == IG_DIM_BAD || b == IG_DIM_BAD) return -1;
  if (a == b) return 1;
  const ig_dim_span sa = ig_dim_span_at(t, a), sb = ig_dim_span_at(t, b);
  if (sa.min > sb.max || sa.max < sb.min) return 0;
  bool never_zero;
  const ig_dim_span s = compare(t, a, b, &never_zero);
  if (never_zero || !ig_span_has(s, 0)) return 0;
  return s.min == 0 && s.max == 0 ? 1 : -1;
}

int ig_dim_prove_ge(ig_dims *t, ig_dim a, ig_dim b) {
  if (a == IG_DIM_BAD || b == IG_DIM_BAD) return -1;
  if (a == b || ig_dim_equals(t, a, INT64_MAX) || ig_dim_equals(t, b, INT64_MIN)) return 1;
  const ig_dim_span sa = ig_dim_span_at(t, a), sb = ig_dim_span_at(t, b);
  if (sa.min >= sb.max) return 1;
  if (sa.max < sb.min) return 0;
  const ig_dim_node na = t->nodes.data[a], nb = t->nodes.data[b];   /* a >= min(a, x), max(b, x) >= b */
  if ((nb.op == IG_DIM_MIN && (nb.a == a || nb.b == a)) || (na.op == IG_DIM_MAX && (na.a == b || na.b == b))) return 1;
  bool never_zero;
  const ig_dim_span s = compare(t, a, b, &never_zero);
  if (s.min >= 0 || s.max < 0) return s.min >= 0;
  return never_zero && s.max == 0 ? 0 : -1;
}

/* Facts are kept in the order of their expressions, the strongest of one last: ranges are found anew in one pass. */
void ig_dims_ranges_changed(ig_dims *t) {
  size_t f = 0;
  for (size_t i = 1; i < t->nodes.n; i++) {
    ig_dim_span *s = &t->spans.data[i];
    *s = ig_dims_span_of(t, &t->nodes.data[i]);
    for (; f < t->facts.n && t->facts.data[f].d <= i; f++)
      if (t->facts.data[f].min <= s->max) s->min = ig_max_i64(s->min, t->facts.data[f].min);
  }
}

/* ---- facts ---- */

static bool keep_fact(ig_dims *t, ig_dim d, int64_t min, uint32_t guard) {
  const ig_dim_fact fact = { d, guard, min };
  if (!IG_PUSH(t->alloc, t->facts, fact)) return false;
  size_t i = t->facts.n - 1;
  for (; i > 0 && t->facts.data[i - 1].d > d; i--) t->facts.data[i] = t->facts.data[i - 1];
  t->facts.data[i] = fact;
  return true;
}

/* The part of d that the bound says something of, with the bound for it: x + c >= m, k * x >= m, floor(x / k) >= m, ceil(x / k) >= m. */
static bool step_inside(const ig_dims *t, ig_dim *d, int64_t *min) {
  const ig_dim_node *const n = ig_dim_at(t, *d);
  int64_t c;
  if (n->op != IG_DIM_ADD && n->op != IG_DIM_MUL && n->op != IG_DIM_FLOORDIV && n->op != IG_DIM_CEILDIV) return false;
  const bool divides = n->op == IG_DIM_FLOORDIV || n->op == IG_DIM_CEILDIV, on_left = !divides && ig_dim_is_const(t, n->a, &c);
  if (!on_left && !ig_dim_is_const(t, n->b, &c)) return false;
  *d = on_left ? n->b : n->a;
  switch (n->op) {
  case IG_DIM_ADD: return c != INT64_MIN && ig_add_i64(*min, -c, min);
  case IG_DIM_MUL: return c > 0 && ig_ceildiv_i64(*min, c, min);
  case IG_DIM_FLOORDIV: return c > 0 && ig_mul_i64(*min, c, min);
  default: return c > 0 && ig_add_i64(*min, -1, min) && ig_mul_i64(*min, c, min) && ig_add_i64(*min, 1, min);
  }
}

ig_status ig_dims_learn(ig_dims *t, ig_dim d, int64_t min, uint32_t guard) {
  do {
    ig_dim_span *s = &t->spans.data[d];
    if (s->min >= min || s->max < min) return NULL;
    if (!keep_fact(t, d, min, guard)) return IG_OOM();
    s->min = min;
  } while (step_inside(t, &d, &min));
  return NULL;
}

void ig_dims_forget(ig_dims *t, size_t n) {
  size_t kept = 0;
  for (size_t i = 0; i < t->facts.n; i++)
    if (t->facts.data[i].guard <= n) t->facts.data[kept++] = t->facts.data[i];
  if (kept == t->facts.n) return;
  t->facts.n = kept;
  ig_dims_ranges_changed(t);
}
