/* What the files of dim.h share: interning, polynomials, spans and the arithmetic of single nodes. Not for other users.
 *
 * A canonical expression is a polynomial with integer coefficients over atoms: symbols and nodes that are neither ADD, MUL nor CONST.
 * Terms are ordered by degree, highest first, then by their sorted atoms' indices, so the constant comes last. A term is the chain
 * MUL(MUL(a, b), coefficient), a sum the chain ADD(ADD(t1, t2), t3): equal polynomials have one index, and reading a chain back
 * needs no search. All order follows from indices, so equal sequences of calls give equal tables.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_KERN_DIM_IMPL_H
#define IG_KERN_DIM_IMPL_H
#include "kern/dim.h"

#define IG_POLY_MAX_DEGREE 16
#define IG_POLY_MAX_TERMS 4096

typedef struct ig_dim_term { int64_t coef; uint32_t n_atoms; ig_dim atom[IG_POLY_MAX_DEGREE]; } ig_dim_term;
typedef struct ig_dim_poly { const ig_allocator *alloc; ig_dim_term *data; size_t n, cap; } ig_dim_poly;
typedef enum ig_poly_result { IG_POLY_OK = 0, IG_POLY_OVERFLOW, IG_POLY_LIMIT, IG_POLY_MEMORY } ig_poly_result;

/* ---- arithmetic of one node: the divisor is not zero; false on overflow ---- */
static inline bool ig_floordiv_i64(int64_t a, int64_t b, int64_t *out) {
  if (b == -1) return ig_sub_i64(0, a, out);
  *out = a / b - ((a % b != 0) & ((a % b < 0) != (b < 0)));
  return true;
}
static inline bool ig_ceildiv_i64(int64_t a, int64_t b, int64_t *out) {
  if (b == -1) return ig_sub_i64(0, a, out);
  *out = a / b + ((a % b != 0) & ((a % b < 0) == (b < 0)));
  return true;
}
static inline int64_t ig_mod_i64(int64_t a, int64_t b) {
  if (b == -1) return 0;
  const int64_t r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
/* Not negative; gcd(0, 0) = 0. A gcd of 2^63 counts as 2^62, which divides it and fits. */
static inline int64_t ig_gcd_i64(int64_t a, int64_t b) {
  uint64_t x = a < 0 ? 0 - (uint64_t)a : (uint64_t)a, y = b < 0 ? 0 - (uint64_t)b : (uint64_t)b;
  while (y != 0) {
    const uint64_t rest = x % y;
    x = y;
    y = rest;
  }
  return x > INT64_MAX ? (int64_t)1 << 62 : (int64_t)x;
}
/* floor(a * f); false if that is no int64. */
static inline bool ig_scale_i64(int64_t a, double f, bool in_float, int64_t *out) {
  const double product = in_float ? (double)((float)a * (float)f) : (double)a * f;
  if (!(product >= -0x1p63 && product < 0x1p63)) return false;
  *out = (int64_t)product;
  if ((double)*out > product) *out -= 1;
  return true;
}
static inline double ig_dim_factor(const ig_dim_node *n) {
  double f;
  memcpy(&f, &n->imm, sizeof f);
  return f;
}

/* ---- table ---- */
/* Records s unless an earlier failure waits; takes s. Always IG_DIM_BAD. */
ig_dim ig_dims_fail(ig_dims *t, ig_status s);
ig_dim ig_dims_fail_poly(ig_dims *t, ig_poly_result r);
/* The node's index, new or found. Its operands must be good; the node is taken as it is. */
ig_dim ig_dims_intern(ig_dims *t, ig_dim_node node);
static inline const ig_dim_node *ig_dim_at(const ig_dims *t, ig_dim d) { return &t->nodes.data[d]; }
/* d >= min holds from now on, and what follows of it for the parts of d; the guard of that number sees to it. */
IG_MUST_USE ig_status ig_dims_learn(ig_dims *t, ig_dim d, int64_t min, uint32_t guard);
/* Forgets what guards after number n have seen to. */
void ig_dims_forget(ig_dims *t, size_t n);
/* The node BROADCAST(a, b), or what it is where ranges decide; no guard. */
ig_dim ig_dims_broadcast_value(ig_dims *t, ig_dim a, ig_dim b);

/* ---- spans: closed intervals of int64; arithmetic saturates, which encloses every value that does not overflow ---- */
ig_dim_span ig_span_add(ig_dim_span a, ig_dim_span b);
ig_dim_span ig_span_mul(ig_dim_span a, ig_dim_span b);
static inline bool ig_span_has(ig_dim_span s, int64_t v) { return s.min <= v && v <= s.max; }
/* Of a node that is about to be interned. */
ig_dim_span ig_dims_span_of(const ig_dims *t, const ig_dim_node *n);
static inline ig_dim_span ig_dim_span_at(const ig_dims *t, ig_dim d) { return t->spans.data[d]; }

/* ---- polynomials; freed by ig_poly_free whatever happened ---- */
void ig_poly_init(ig_dim_poly *p, const ig_allocator *alloc);
void ig_poly_free(ig_dim_poly *p);
ig_poly_result ig_poly_push(ig_dim_poly *p, const ig_dim_term *term);
/* Multiplies term by d, a chain of MUL, an atom or a constant. */
ig_poly_result ig_poly_multiply_chain(const ig_dims *t, ig_dim_term *term, ig_dim d);
/* Appends the terms of factor * d; call ig_poly_tidy when all are in. */
ig_poly_result ig_poly_add_dim(const ig_dims *t, ig_dim_poly *p, ig_dim d, int64_t factor);
/* Sorts, merges equal monomials and drops zeros. */
ig_poly_result ig_poly_tidy(ig_dim_poly *p);
/* fa * a + fb * b, tidied; p is empty before. */
ig_poly_result ig_poly_combine(const ig_dims *t, ig_dim_poly *p, ig_dim a, int64_t fa, ig_dim b, int64_t fb);
/* out = a * b, tidied; out is empty before. */
ig_poly_result ig_poly_mul(const ig_dim_poly *a, const ig_dim_poly *b, ig_dim_poly *out);
/* a = q * b + r over the polynomials, b not zero, all tidied, q and r empty before. No term of r is a multiple of b's first term. */
ig_poly_result ig_poly_divide(const ig_dim_poly *a, const ig_dim_poly *b, ig_dim_poly *q, ig_dim_poly *r);
/* The constant term, 0 if there is none. */
int64_t ig_poly_constant(const ig_dim_poly *p);
/* gcd of the coefficients of the terms that are not constant, and of g; 0 if all are zero. */
int64_t ig_poly_gcd(const ig_dim_poly *p, int64_t g);
ig_dim ig_poly_emit(ig_dims *t, const ig_dim_poly *p);
ig_dim_span ig_poly_span(const ig_dims *t, const ig_dim_poly *p);
/* A span with p's sign: holds 0, only positive or only negative values where p does. Sharper than ig_poly_span, as it knows
 * that c * floor(x / c) lies in [x - (c - 1), x]. */
ig_dim_span ig_poly_sign(const ig_dims *t, const ig_dim_poly *p);
#endif
