/* Polynomials over atoms: read from canonical chains, added, multiplied, divided and emitted as chains again (see dim_impl.h).
 * The order of terms is graded lexicographic, which multiplication keeps; division by the first term relies on that.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/dim_impl.h"
#include <stdlib.h>

void ig_poly_init(ig_dim_poly *p, const ig_allocator *alloc) { *p = (ig_dim_poly){ .alloc = alloc }; }
void ig_poly_free(ig_dim_poly *p) { IG_VEC_FREE(p->alloc, *p); }

ig_poly_result ig_poly_push(ig_dim_poly *p, const ig_dim_term *term) {
  if (p->n >= (size_t)4 * IG_POLY_MAX_TERMS) return IG_POLY_LIMIT;
  return IG_PUSH(p->alloc, *p, *term) ? IG_POLY_OK : IG_POLY_MEMORY;
}

/* Higher degree first, then the smaller atom at the first difference. */
static int compare_monomials(const ig_dim_term *a, const ig_dim_term *b) {
  if (a->n_atoms != b->n_atoms) return a->n_atoms > b->n_atoms ? -1 : 1;
  for (uint32_t i = 0; i < a->n_atoms; i++) {
    if (a->atom[i] != b->atom[i]) return a->atom[i] < b->atom[i] ? -1 : 1;
  }
  return 0;
}
static int compare_terms(const void *a, const void *b) { return compare_monomials(a, b); }

ig_poly_result ig_poly_tidy(ig_dim_poly *p) {
  if (p->n > 1) qsort(p->data, p->n, sizeof *p->data, compare_terms);
  size_t n = 0;
  for (size_t i = 0; i < p->n;) {
    ig_dim_term sum = p->data[i++];
    for (; i < p->n && compare_monomials(&sum, &p->data[i]) == 0; i++) {
      if (!ig_add_i64(sum.coef, p->data[i].coef, &sum.coef)) return IG_POLY_OVERFLOW;
    }
    if (sum.coef != 0) p->data[n++] = sum;
  }
  p->n = n;
  return n > IG_POLY_MAX_TERMS ? IG_POLY_LIMIT : IG_POLY_OK;
}

static bool add_atom(ig_dim_term *term, ig_dim atom) {
  if (term->n_atoms == IG_POLY_MAX_DEGREE) return false;
  uint32_t i = term->n_atoms++;
  for (; i > 0 && term->atom[i - 1] > atom; i--) term->atom[i] = term->atom[i - 1];
  term->atom[i] = atom;
  return true;
}

ig_poly_result ig_poly_multiply_chain(const ig_dims *t, ig_dim_term *term, ig_dim d) {
  for (;;) {
    const ig_dim_node *const n = ig_dim_at(t, d);
    const ig_dim factor = n->op == IG_DIM_MUL ? n->b : d;
    const ig_dim_node *const f = ig_dim_at(t, factor);
    if (f->op == IG_DIM_CONST) {
      if (!ig_mul_i64(term->coef, f->imm, &term->coef)) return IG_POLY_OVERFLOW;
    } else if (!add_atom(term, factor)) {
      return IG_POLY_LIMIT;
    }
    if (n->op != IG_DIM_MUL) return IG_POLY_OK;
    d = n->a;
  }
}

ig_poly_result ig_poly_add_dim(const ig_dims *t, ig_dim_poly *p, ig_dim d, int64_t factor) {
  for (;;) {
    const ig_dim_node *const n = ig_dim_at(t, d);
    ig_dim_term term = { .coef = factor };
    ig_poly_result r = ig_poly_multiply_chain(t, &term, n->op == IG_DIM_ADD ? n->b : d);
    if (r == IG_POLY_OK) r = ig_poly_push(p, &term);
    if (r != IG_POLY_OK || n->op != IG_DIM_ADD) return r;
    d = n->a;
  }
}

ig_poly_result ig_poly_combine(const ig_dims *t, ig_dim_poly *p, ig_dim a, int64_t fa, ig_dim b, int64_t fb) {
  ig_poly_result r = ig_poly_add_dim(t, p, a, fa);
  if (r == IG_POLY_OK && fb != 0) r = ig_poly_add_dim(t, p, b, fb);
  return r == IG_POLY_OK ? ig_poly_tidy(p) : r;
}

static ig_poly_result multiply_terms(const ig_dim_term *a, const ig_dim_term *b, ig_dim_term *out) {
  *out = *a;
  if (!ig_mul_i64(a->coef, b->coef, &out->coef)) return IG_POLY_OVERFLOW;
  for (uint32_t i = 0; i < b->n_atoms; i++) {
    if (!add_atom(out, b->atom[i])) return IG_POLY_LIMIT;
  }
  return IG_POLY_OK;
}

ig_poly_result ig_poly_mul(const ig_dim_poly *a, const ig_dim_poly *b, ig_dim_poly *out) {
  for (size_t i = 0; i < a->n; i++) {
    for (size_t j = 0; j < b->n; j++) {
      ig_dim_term term;
      ig_poly_result r = multiply_terms(&a->data[i], &b->data[j], &term);
      if (r == IG_POLY_OK) r = ig_poly_push(out, &term);
      if (r != IG_POLY_OK) return r;
    }
  }
  return ig_poly_tidy(out);
}

/* a / b where that is a term with an integer coefficient. */
static bool divide_terms(const ig_dim_term *a, const ig_dim_term *b, ig_dim_term *out) {
  *out = (ig_dim_term){ .coef = 0 };
  if (!ig_floordiv_i64(a->coef, b->coef, &out->coef) || ig_mod_i64(a->coef, b->coef) != 0) return false;
  uint32_t j = 0;
  for (uint32_t i = 0; i < a->n_atoms; i++) {
    if (j < b->n_atoms && b->atom[j] == a->atom[i]) j++;
    else out->atom[out->n_atoms++] = a->atom[i];
  }
  return j == b->n_atoms;
}

/* work -= quotient * b */
static ig_poly_result subtract_product(ig_dim_poly *work, const ig_dim_term *quotient, const ig_dim_poly *b) {
  for (size_t i = 0; i < b->n; i++) {
    ig_dim_term term;
    ig_poly_result r = multiply_terms(quotient, &b->data[i], &term);
    if (r == IG_POLY_OK && !ig_sub_i64(0, term.coef, &term.coef)) r = IG_POLY_OVERFLOW;
    if (r == IG_POLY_OK) r = ig_poly_push(work, &term);
    if (r != IG_POLY_OK) return r;
  }
  return ig_poly_tidy(work);
}

/* One monomial as the divisor: every term goes to q or to r as it is, in order. */
static ig_poly_result divide_by_term(const ig_dim_poly *a, const ig_dim_term *b, ig_dim_poly *q, ig_dim_poly *r) {
  for (size_t i = 0; i < a->n; i++) {
    ig_dim_term quotient;
    const bool fits = divide_terms(&a->data[i], b, &quotient);
    const ig_poly_result result = fits ? ig_poly_push(q, &quotient) : ig_poly_push(r, &a->data[i]);
    if (result != IG_POLY_OK) return result;
  }
  return IG_POLY_OK;
}

ig_poly_result ig_poly_divide(const ig_dim_poly *a, const ig_dim_poly *b, ig_dim_poly *q, ig_dim_poly *r) {
  if (b->n == 1) return divide_by_term(a, &b->data[0], q, r);
  ig_dim_poly work;
  ig_poly_init(&work, a->alloc);
  ig_poly_result result = IG_POLY_OK;
  for (size_t i = 0; i < a->n && result == IG_POLY_OK; i++) result = ig_poly_push(&work, &a->data[i]);
  for (size_t n_steps = 0; work.n > 0 && result == IG_POLY_OK; n_steps++) {
    ig_dim_term quotient;
    const ig_dim_term first = work.data[0];
    if (n_steps == IG_POLY_MAX_TERMS) {
      result = IG_POLY_LIMIT;
    } else if (divide_terms(&first, &b->data[0], &quotient)) {
      result = ig_poly_push(q, &quotient);
      if (result == IG_POLY_OK) result = subtract_product(&work, &quotient, b);
    } else {
      result = ig_poly_push(r, &first);
      memmove(work.data, work.data + 1, --work.n * sizeof *work.data);
    }
  }
  ig_poly_free(&work);
  return result;
}

int64_t ig_poly_constant(const ig_dim_poly *p) {
  return p->n > 0 && p->data[p->n - 1].n_atoms == 0 ? p->data[p->n - 1].coef : 0;
}

int64_t ig_poly_gcd(const ig_dim_poly *p, int64_t g) {
  for (size_t i = 0; i < p->n && g != 1; i++) {
    if (p->data[i].n_atoms > 0) g = ig_gcd_i64(g, p->data[i].coef);
  }
  return g;
}

static ig_dim emit_term(ig_dims *t, const ig_dim_term *term) {
  if (term->n_atoms == 0) return ig_dim_const(t, term->coef);
  ig_dim d = term->atom[0];
  for (uint32_t i = 1; i < term->n_atoms && d != IG_DIM_BAD; i++) {
    d = ig_dims_intern(t, (ig_dim_node){ .op = IG_DIM_MUL, .a = d, .b = term->atom[i] });
  }
  if (term->coef == 1 || d == IG_DIM_BAD) return d;
  const ig_dim coef = ig_dim_const(t, term->coef);
  return coef == IG_DIM_BAD ? coef : ig_dims_intern(t, (ig_dim_node){ .op = IG_DIM_MUL, .a = d, .b = coef });
}

ig_dim ig_poly_emit(ig_dims *t, const ig_dim_poly *p) {
  if (p->n == 0) return ig_dim_const(t, 0);
  ig_dim sum = emit_term(t, &p->data[0]);
  for (size_t i = 1; i < p->n && sum != IG_DIM_BAD; i++) {
    const ig_dim d = emit_term(t, &p->data[i]);
    sum = d == IG_DIM_BAD ? d : ig_dims_intern(t, (ig_dim_node){ .op = IG_DIM_ADD, .a = sum, .b = d });
  }
  return sum;
}
