/* Local rewrites of pointwise operators at stage CANONICAL: neutral operands, double negation, casts of casts. Only such as change no result
 * (but that x + 0 keeps the sign of a zero).
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/pointwise.h"

ig_status ig_simplify_to(ig_node *n, ig_val *v, bool *out_changed) {
  const ig_val *old = ig_node_out(n, 0);
  if (!old || old->forward || !v || v->dtype != old->dtype || v->rank != old->rank) return NULL;
  for (int k = 0; k < v->rank; k++) {
    if (v->dims[k] != old->dims[k]) return NULL;
  }
  *out_changed = true;
  return ig_op_replace(n, 0, v);
}

static bool is_value(const ig_val *v, double wanted) {
  double f;
  return v && ig_const_single(v) && ig_const_f64(v, 0, &f) && f == wanted;
}

/* x where input `at` (or, commuting, input 0) is the neutral element. */
static ig_status neutral(ig_node *n, double element, bool commutes, bool *out_changed) {
  if (is_value(ig_node_in(n, 1), element)) return ig_simplify_to(n, ig_node_in(n, 0), out_changed);
  if (commutes && is_value(ig_node_in(n, 0), element)) return ig_simplify_to(n, ig_node_in(n, 1), out_changed);
  return NULL;
}

ig_status ig_simplify_add(ig_node *n, bool *out_changed) { return neutral(n, 0, true, out_changed); }
ig_status ig_simplify_sub(ig_node *n, bool *out_changed) { return neutral(n, 0, false, out_changed); }
ig_status ig_simplify_mul(ig_node *n, bool *out_changed) { return neutral(n, 1, true, out_changed); }
ig_status ig_simplify_div(ig_node *n, bool *out_changed) { return neutral(n, 1, false, out_changed); }

/* x^1 is x, x^2 is x * x. */
ig_status ig_simplify_pow(ig_node *n, bool *out_changed) {
  ig_val *x = ig_node_in(n, 0), *in[2] = {x, x};
  IG_TRY(neutral(n, 1, false, out_changed));
  if (*out_changed || !is_value(ig_node_in(n, 1), 2)) return NULL;
  const ig_val *old = ig_node_out(n, 0);
  if (!old || old->forward || old->rank != x->rank) return NULL;
  ig_status s;
  ig_node *m = ig_op_node(n->graph, n, "Mul", in, 2, 1, NULL, 0, &s);
  return m ? ig_simplify_to(n, m->out[0], out_changed) : s;
}

/* A condition that is one constant, or a constant of equal elements, chooses its arm. */
ig_status ig_simplify_where(ig_node *n, bool *out_changed) {
  const ig_val *cond = ig_node_in(n, 0);
  int64_t first, c, count;
  if (!ig_val_is_const(cond) || !ig_data_count(cond->data, &count) || !ig_const_i64(cond, 0, &first)) return NULL;
  for (int64_t i = 1; i < count; i++) {
    if (!ig_const_i64(cond, i, &c) || (c != 0) != (first != 0)) return NULL;
  }
  return ig_simplify_to(n, ig_node_in(n, first ? 1 : 2), out_changed);
}

/* f(f(x)) is x. */
ig_status ig_simplify_involution(ig_node *n, bool *out_changed) {
  const ig_val *v = ig_node_in(n, 0);
  const ig_node *p = v->producer;
  return p && p->op == n->op ? ig_simplify_to(n, ig_node_in(p, 0), out_changed) : NULL;
}

ig_status ig_simplify_single(ig_node *n, bool *out_changed) { return n->n_in == 1 ? ig_simplify_to(n, ig_node_in(n, 0), out_changed) : NULL; }

ig_status ig_simplify_clip(ig_node *n, bool *out_changed) {
  return ig_node_in(n, 1) || ig_node_in(n, 2) ? NULL : ig_simplify_to(n, ig_node_in(n, 0), out_changed);
}

/* Does every value of `from` exist in `to`? (signed and unsigned integers, float16, float32, float64) */
static bool widens(ig_dtype from, ig_dtype to) {
  const ig_types f = ig_type_bit(from), t = ig_type_bit(to);
  const uint32_t a = IG_DTYPE_BITS(from), b = IG_DTYPE_BITS(to);
  if (from == to) return true;
  if ((f & IG_TYPES_FLOAT) && (t & IG_TYPES_FLOAT)) return b > a;
  if ((f & IG_TYPES_SIGNED) && (t & IG_TYPES_SIGNED)) return b > a;
  if ((f & IG_TYPES_UNSIGNED) && (t & IG_TYPES_INT)) return b > a;
  if ((f & IG_TYPES_INT) && to == IG_DTYPE_F64) return a <= 32;
  return (f & IG_TYPES_INT) && to == IG_DTYPE_F32 && a <= 16;
}

/* A cast to the same type is nothing; a cast of a widening cast is one cast from the source. */
ig_status ig_simplify_cast(ig_node *n, bool *out_changed) {
  ig_val *x = ig_node_in(n, 0);
  const ig_val *old = ig_node_out(n, 0);
  if (!old || old->forward) return NULL;
  if (x->dtype == old->dtype) return ig_simplify_to(n, x, out_changed);
  const ig_node *p = x->producer;
  if (!p || !p->op || strcmp(p->op->name, "Cast") != 0) return NULL;
  ig_val *source = ig_node_in(p, 0);
  if (!widens(source->dtype, x->dtype)) return NULL;
  if (source->dtype == old->dtype) return ig_simplify_to(n, source, out_changed);
  ig_ir_attr attrs[3] = {{.name = "to", .type = IG_ATTR_INT, .v = {.i = ig_dtype_to_onnx(old->dtype)}}};
  uint32_t n_attrs = 1;
  for (uint32_t i = 0; i < n->n_attrs && n_attrs < IG_COUNT(attrs); i++) {
    if (strcmp(n->attrs[i].name, "to") != 0) attrs[n_attrs++] = n->attrs[i];
  }
  ig_status s;
  ig_node *m = ig_op_node(n->graph, n, "Cast", &source, 1, 1, attrs, n_attrs, &s);
  return m ? ig_simplify_to(n, m->out[0], out_changed) : s;
}
