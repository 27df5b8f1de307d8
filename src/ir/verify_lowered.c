/* Legality of LOWERED nodes: regions against their values and kinds, views against the dims on both sides, Ifs against their arms.
 * A relation of dims counts as broken only where it is refuted; what is undecided is the guards' business at bind.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ir/verify.h"

#define BUG IG_ERROR_INTERNAL
#define REQUIRE(n, what, cond, ...)                                                                                                                  \
  do {                                                                                                                                               \
    if (!(cond)) return ig_status_node(BUG, (n)->name, (what), __VA_ARGS__);                                                                         \
  } while (0)

static bool same(ig_ir *ir, ig_dim a, ig_dim b) { return ig_dim_prove_eq(&ir->dims, a, b) != 0; }

static const ig_val *region_value(const ig_node *n, uint32_t k) {
  return k < n->n_in ? ig_node_in(n, k) : k < n->n_in + n->n_out ? n->out[k - n->n_in] : NULL;
}

/* Several moves may write parts of one result (a concatenation); each then has the dims of its part. */
static bool is_part(const ig_region *r, const ig_operand *o) {
  return r->n_requests > 1 && r->requests[0].kind == IG_KIND_move && o->value >= r->n_in && o->value < r->n_in + r->n_out;
}

static ig_status check_operand(ig_ir *ir, const ig_node *n, uint32_t i, const ig_operand *o) {
  const ig_region *r = n->region;
  if (o->value == IG_NO_VALUE) return NULL;
  REQUIRE(n, "kernel", o->value < r->n_values, "request operand %u names value %u of %u", i, o->value, r->n_values);
  const ig_val *v = region_value(n, o->value);
  if (o->value >= r->n_in + r->n_out) return NULL;
  REQUIRE(n, "kernel", v, "request operand %u names value %u, which is left out", i, o->value);
  REQUIRE(n, "kernel", v->dtype == o->dtype, "operand %u is %s, its value '%s' is %s", i, ig_dtype_name(o->dtype), v->name, ig_dtype_name(v->dtype));
  if ((int)o->rank != v->rank || is_part(r, o)) return NULL;
  for (uint32_t k = 0; k < o->rank; k++)
    REQUIRE(n, "kernel", same(ir, o->dims[k], v->dims[k]), "operand %u and its value '%s' differ in dim %u", i, v->name, k);
  return NULL;
}

/* Internals must be written by an earlier request of the region; each result and internal once. */
static ig_status check_edges(const ig_node *n, uint8_t *written) {
  const ig_region *r = n->region;
  for (uint32_t q = 0; q < r->n_requests; q++) {
    const ig_request *rq = &r->requests[q];
    const uint32_t n_read = rq->n_in + rq->n_extra;
    for (uint32_t i = 0; i < ig_request_n_operands(rq); i++) {
      const uint32_t v = rq->operands[i].value;
      if (v == IG_NO_VALUE) continue;
      if (i < n_read) {
        REQUIRE(n, "kernel", v < r->n_in || written[v], "request %u reads value %u before it is written", q, v);
        continue;
      }
      REQUIRE(n, "kernel", v >= r->n_in, "request %u writes the region's input %u", q, v);
      REQUIRE(n, "kernel", !written[v] || is_part(r, &rq->operands[i]), "value %u of the region is written twice", v);
      written[v] = 1;
    }
  }
  for (uint32_t i = 0; i < n->n_out; i++)
    REQUIRE(n, "kernel", !n->out[i] || written[n->n_in + i], "result %u is never written", i);
  return NULL;
}

static ig_status check_kernel(ig_ir *ir, const ig_node *n) {
  const ig_region *r = n->region;
  REQUIRE(n, "kernel", r && r->n_requests > 0, "a kernel node without a request");
  REQUIRE(n, "kernel", r->n_in == n->n_in && r->n_out == n->n_out, "the region has %u inputs and %u results, the node %u and %u", r->n_in, r->n_out,
          n->n_in, n->n_out);
  REQUIRE(n, "kernel", r->n_values >= r->n_in + r->n_out, "the region counts %u values, fewer than its inputs and results", r->n_values);
  for (uint32_t q = 0; q < r->n_requests; q++) {
    for (uint32_t i = 0; i < ig_request_n_operands(&r->requests[q]); i++)
      IG_TRY(check_operand(ir, n, i, &r->requests[q].operands[i]));
    IG_TRY(ig_request_check(&r->requests[q], &ir->dims, n->name));
  }
  const ig_allocator *a = &ir->env->alloc;
  uint8_t *written = ig_alloc_zero(a, (size_t)r->n_values + 1, 1);
  IG_CHECK_MEM(written);
  ig_status st = check_edges(n, written);
  ig_free(a, written, (size_t)r->n_values + 1);
  return st;
}

static ig_status check_permute(ig_ir *ir, const ig_node *n, const ig_val *x, const ig_val *y) {
  uint32_t seen = 0;
  REQUIRE(n, "permute", x->rank == y->rank, "a permutation of rank %d gives rank %d", x->rank, y->rank);
  for (int k = 0; k < y->rank; k++) {
    const uint8_t from = n->view.perm[k];
    REQUIRE(n, "permute", from < y->rank && !(seen >> from & 1), "axis %d is no part of a permutation", k);
    seen |= 1u << from;
    REQUIRE(n, "permute", same(ir, y->dims[k], x->dims[from]), "dim %d of the result is not dim %u of '%s'", k, from, x->name);
  }
  return NULL;
}

/* The first and the last element taken lie inside. */
static ig_status check_slice(ig_ir *ir, const ig_node *n, const ig_val *x, const ig_val *y) {
  ig_dims *t = &ir->dims;
  REQUIRE(n, "slice", x->rank == y->rank, "a slice of rank %d gives rank %d", x->rank, y->rank);
  for (int k = 0; k < y->rank; k++) {
    REQUIRE(n, "slice", n->view.step[k] != 0, "the step of axis %d is 0", k);
    int64_t start, step = n->view.step[k], from, to;
    if (!ig_dim_is_const(t, n->view.start[k], &start) || !ig_dim_is_const(t, x->dims[k], &from) || !ig_dim_is_const(t, y->dims[k], &to) || to == 0)
      continue;
    int64_t last;
    const bool exact = ig_mul_i64(to - 1, step, &last) && ig_add_i64(last, start, &last);
    REQUIRE(n, "slice", exact && start >= 0 && start < from && last >= 0 && last < from, "axis %d reaches outside '%s'", k, x->name);
  }
  return NULL;
}

static ig_status check_expand(ig_ir *ir, const ig_node *n, const ig_val *x, const ig_val *y) {
  REQUIRE(n, "expand", x->rank <= y->rank, "an expansion of rank %d gives rank %d", x->rank, y->rank);
  for (int k = 0; k < x->rank; k++) {
    const ig_dim from = x->dims[k], to = y->dims[k + y->rank - x->rank];
    REQUIRE(n, "expand", same(ir, from, to) || ig_dim_prove_eq(&ir->dims, from, ig_dim_const(&ir->dims, 1)) != 0,
            "dim %d of '%s' is neither 1 nor that of the result", k, x->name);
  }
  return NULL;
}

static ig_status check_view(ig_ir *ir, const ig_node *n) {
  REQUIRE(n, "view", n->n_in == 1 && n->n_out == 1 && ig_node_in(n, 0) && n->out[0], "a view has one input and one result");
  const ig_val *x = ig_node_in(n, 0), *y = n->out[0];
  if (n->view.op == IG_VIEW_BITCAST) {
    REQUIRE(n, "bitcast", IG_DTYPE_BITS(x->dtype) == IG_DTYPE_BITS(y->dtype) && x->rank == y->rank, "a bit cast from %s to %s",
            ig_dtype_name(x->dtype), ig_dtype_name(y->dtype));
    return NULL;
  }
  REQUIRE(n, "view", x->dtype == y->dtype, "a view of %s gives %s", ig_dtype_name(x->dtype), ig_dtype_name(y->dtype));
  switch (n->view.op) {
  case IG_VIEW_RESHAPE:
    REQUIRE(n, "reshape", same(ir, ig_dim_product(&ir->dims, x->dims, (size_t)x->rank), ig_dim_product(&ir->dims, y->dims, (size_t)y->rank)),
            "'%s' and the result differ in their numbers of elements", x->name);
    return NULL;
  case IG_VIEW_PERMUTE:
    return check_permute(ir, n, x, y);
  case IG_VIEW_SLICE:
    return check_slice(ir, n, x, y);
  case IG_VIEW_EXPAND:
    return check_expand(ir, n, x, y);
  default:
    return ig_status_node(BUG, n->name, "view", "unknown view %d", (int)n->view.op);
  }
}

static ig_status check_if(const ig_node *n) {
  const ig_val *c = ig_node_in(n, 0);
  REQUIRE(n, "if", n->cond ? n->n_in == 0 : n->n_in == 1 && c && c->dtype == IG_DTYPE_BOOL, "the condition is no bool");
  for (uint32_t k = 0; k < 2; k++) {
    REQUIRE(n, "if", n->arms[k], "arm %u is missing", k);
    REQUIRE(n, "if", n->arms[k]->n_outputs == n->n_out, "arm %u has %u outputs, the node has %u results", k, n->arms[k]->n_outputs, n->n_out);
    for (uint32_t i = 0; i < n->n_out; i++) {
      const ig_val *from = ig_graph_output(n->arms[k], i), *to = n->out[i];
      if (from && to) REQUIRE(n, "if", from->dtype == to->dtype && from->rank == to->rank, "arm %u gives result %u another type", k, i);
    }
  }
  return NULL;
}

ig_status ig_verify_lowered(ig_ir *ir, const ig_node *n) {
  const uint32_t scope = ig_graph_enter(n->graph); /* of what kinds' rules assume */
  ig_status st = n->form == IG_FORM_KERNEL ? check_kernel(ir, n) : n->form == IG_FORM_VIEW ? check_view(ir, n) : check_if(n);
  ir->dims.scope = scope;
  ig_status from_dims = ig_dims_take_error(&ir->dims);
  if (!st) return from_dims;
  ig_status_free(from_dims);
  return st;
}
