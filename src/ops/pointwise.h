/* Pointwise operators: one line each in pointwise.def, of which this is the frame.
 *
 * Such an operator reads each input at the same (broadcast) place and stores one result: its record says types and attributes, its
 * `build` (or a single operation, `sop`) the formula over loaded registers. Inference and lowering are the same for all of them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_OPS_POINTWISE_H
#define IG_OPS_POINTWISE_H
#include "ops/structured.h"

#define IG_PW_LOADS 16u /* inputs in one program; variadic operators with more become a chain */

/* What a formula sees. Registers of inputs left out are not set (has is false). */
typedef struct ig_pw {
  ig_sbuild b;
  const ig_node *n;
  ig_sreg x[IG_PW_LOADS];
  bool has[IG_PW_LOADS];
  uint32_t n_x;
  bool last;        /* of a chain: the program that ends it */
  ig_stype t;       /* compute type of x[0] */
  ig_dtype in, out; /* dtypes of input 0 and of the result */
} ig_pw;

typedef enum ig_pw_shape { IG_PW_BROADCAST = 0, IG_PW_FIRST = 1 /* input 0 decides; others broadcast to it */ } ig_pw_shape;

typedef struct ig_pointwise {
  ig_op op;   /* first: a record's address is its operator's */
  ig_sop sop; /* the formula where it is one operation over all inputs in order (folded over a variadic list), else 0 */
  ig_sreg (*build)(ig_pw *c);
  ig_pw_shape shape;
} ig_pointwise;

#define IG_POINTWISE(sym, ...) extern const ig_pointwise ig_pointwise_##sym;
#include "ops/pointwise.def"
#undef IG_POINTWISE

IG_MUST_USE ig_status ig_pw_infer(ig_node *n);
IG_MUST_USE ig_status ig_pw_lower(ig_lower *l, const ig_node *n);

/* ---- for formulas, here and in other records with programs of their own ---- */
static inline ig_sreg ig_pw_1(ig_pw *c, ig_sop op, ig_sreg x) { return ig_s_op(&c->b, op, x, 0, 0); }
static inline ig_sreg ig_pw_2(ig_pw *c, ig_sop op, ig_sreg x, ig_sreg y) { return ig_s_op(&c->b, op, x, y, 0); }
static inline ig_sreg ig_pw_select(ig_pw *c, ig_sreg cond, ig_sreg x, ig_sreg y) { return ig_s_op(&c->b, IG_SOP_SELECT, cond, x, y); }
static inline ig_sreg ig_pw_f(ig_pw *c, double v) { return ig_s_f64(&c->b, c->t, v); }
/* Starts a program on the graph's arena. */
void ig_pw_begin(ig_pw *c, ig_lower *l, const ig_node *n);
/* A register with v's element: the constant itself where v has one element, else a load of the next operand, which is put into in[*n_in]. */
ig_sreg ig_pw_operand(ig_pw *c, ig_val *v, ig_val **in, uint32_t *n_in);
/* Stores r as result i of this dtype, cast where its class differs. */
void ig_pw_store(ig_pw *c, uint32_t i, ig_sreg r, ig_dtype dtype, unsigned flags);
/* Ends the program: one map over dims. */
ig_val *ig_pw_map(ig_pw *c, ig_lower *l, ig_val *const *in, uint32_t n_in, ig_dtype dtype, uint32_t rank, const ig_dim *dims);
/* Ends a program whose one value is result 0 of the source node: store, map, declare. Always NULL: errors stick in l. */
ig_status ig_pw_finish(ig_pw *c, ig_lower *l, ig_sreg r, ig_val *const *in, uint32_t n_in);
/* The same with several results (NONE among dtypes: not wanted, and not stored). */
bool ig_pw_maps(ig_pw *c, ig_lower *l, ig_val *const *in, uint32_t n_in, const ig_dtype *dtypes, uint32_t n_out, uint32_t rank, const ig_dim *dims,
                ig_val **out);
/* UNSUPPORTED where a dtype has no compute type (strings, complex). */
IG_MUST_USE ig_status ig_pw_check_type(const ig_node *n, ig_dtype d);

/* ---- symbolic contents: dims hooks ---- */
ig_status ig_elems_add(ig_node *n);
ig_status ig_elems_sub(ig_node *n);
ig_status ig_elems_mul(ig_node *n);
ig_status ig_elems_div(ig_node *n);
ig_status ig_elems_mod(ig_node *n);
ig_status ig_elems_min(ig_node *n);
ig_status ig_elems_max(ig_node *n);
ig_status ig_elems_neg(ig_node *n);
ig_status ig_elems_abs(ig_node *n);
ig_status ig_elems_floor(ig_node *n);
ig_status ig_elems_ceil(ig_node *n);
ig_status ig_elems_equal(ig_node *n);
ig_status ig_elems_less(ig_node *n);
ig_status ig_elems_less_equal(ig_node *n);
ig_status ig_elems_greater(ig_node *n);
ig_status ig_elems_greater_equal(ig_node *n);
ig_status ig_elems_and(ig_node *n);
ig_status ig_elems_or(ig_node *n);
ig_status ig_elems_xor(ig_node *n);
ig_status ig_elems_not(ig_node *n);
ig_status ig_elems_where(ig_node *n);
ig_status ig_elems_cast(ig_node *n);
/* Element k of input i, broadcast where it has one element; IG_DIM_BAD if not known. */
ig_dim ig_elems_get(const ig_node *n, uint32_t i, uint32_t k);

/* ---- rewrites: simplify hooks ---- */
ig_status ig_simplify_add(ig_node *n, bool *out_changed);
ig_status ig_simplify_sub(ig_node *n, bool *out_changed);
ig_status ig_simplify_mul(ig_node *n, bool *out_changed);
ig_status ig_simplify_div(ig_node *n, bool *out_changed);
ig_status ig_simplify_pow(ig_node *n, bool *out_changed);
ig_status ig_simplify_where(ig_node *n, bool *out_changed);
ig_status ig_simplify_involution(ig_node *n, bool *out_changed);
ig_status ig_simplify_single(ig_node *n, bool *out_changed);
ig_status ig_simplify_clip(ig_node *n, bool *out_changed);
ig_status ig_simplify_cast(ig_node *n, bool *out_changed);
/* Result 0 is v, if its type and dims are the same. */
IG_MUST_USE ig_status ig_simplify_to(ig_node *n, ig_val *v, bool *out_changed);

/* ---- import: old spellings ---- */
ig_status ig_import_clip(ig_node *n, int64_t opset);
ig_status ig_import_broadcast(ig_node *n, int64_t opset);
ig_status ig_import_prelu(ig_node *n, int64_t opset);
#endif
