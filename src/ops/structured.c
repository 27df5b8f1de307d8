/* Helpers shared by the records of structured operators. See structured.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/structured.h"
#include <assert.h>

ig_status ig_adapt_input(ig_node *n, uint32_t i, ig_val *v) {
  if (i >= n->n_in) {
    ig_val **in = IG_NEW_ARRAY(ig_node_arena(n), ig_val *, (size_t)i + 1);
    if (!in) return ig_arena_status(ig_node_arena(n));
    if (n->n_in) memcpy(in, n->in, n->n_in * sizeof *in);
    n->in = in;
    n->n_in = i + 1;
  }
  n->in[i] = v;
  return NULL;
}

ig_status ig_adapt_ints(ig_node *n, const char *attr, uint32_t i) {
  if (!ig_node_attr(n, attr)) return NULL;
  uint32_t count;
  const int64_t *v = ig_node_attr_ints(n, attr, &count);
  ig_val *c = ig_val_const_i64(n->graph, v, count);
  if (!c) return ig_arena_status(ig_node_arena(n));
  ig_adapt_drop(n, attr);
  return ig_adapt_input(n, i, c);
}

void ig_adapt_drop(ig_node *n, const char *attr) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < n->n_attrs; i++)
    if (strcmp(n->attrs[i].name, attr) != 0) n->attrs[kept++] = n->attrs[i];
  n->n_attrs = kept;
}

ig_status ig_adapt_set_int(ig_node *n, const char *attr, int64_t v) {
  const ig_ir_attr a = {.name = attr, .type = IG_ATTR_INT, .v = {.i = v}};
  return ig_node_set_attr(n, &a);
}

ig_status ig_elems_set(ig_node *n, uint32_t out, const ig_dim *elems, uint32_t n_elems) {
  ig_val *v = ig_node_out(n, out);
  if (!v || v->rank > 1 || v->rank < 0 || n_elems > IG_MAX_ELEMS || !(ig_type_bit(v->dtype) & (IG_TYPES_INT | IG_T(BOOL)))) return NULL;
  ig_dim *copy = IG_NEW_ARRAY(ig_node_arena(n), ig_dim, n_elems ? n_elems : 1);
  if (!copy) return ig_arena_status(ig_node_arena(n));
  if (n_elems) memcpy(copy, elems, n_elems * sizeof *copy);
  v->elems = copy;
  v->n_elems = n_elems;
  return NULL;
}

ig_status ig_elems_copy(ig_node *n, uint32_t out, const ig_val *v) { return v->elems ? ig_elems_set(n, out, v->elems, v->n_elems) : NULL; }

ig_status ig_infer_kernel(ig_node *n, ig_kind_id kind, const void *params, ig_val *const *in, uint32_t n_in, uint32_t n_out,
                          ig_dim (*out)[IG_MAX_RANK], uint8_t *out_rank) {
  ig_operand operands[12];
  assert(n_in + n_out <= IG_COUNT(operands));
  memset(operands, 0, sizeof operands);
  for (uint32_t i = 0; i < n_in + n_out; i++)
    operands[i].value = IG_NO_VALUE;
  for (uint32_t i = 0; i < n_in; i++) {
    if (!in[i]) continue;
    operands[i].value = i;
    operands[i].dtype = in[i]->dtype;
    operands[i].rank = (uint8_t)in[i]->rank;
    memcpy(operands[i].dims, in[i]->dims, sizeof operands[i].dims);
  }
  ig_request r = {.kind = kind, .n_in = n_in, .n_out = n_out, .operands = operands, .params = (void *)(uintptr_t)params};
  IG_TRY(ig_kind(kind)->out_dims(&r, ig_node_dims(n), n->name, out, out_rank));
  return ig_infer_dims_done(n);
}

ig_status ig_infer_rank(const ig_node *n, const ig_val *v, const char *what, int rank) {
  IG_NODE_REQUIRE(n, v->rank == rank, IG_ERROR_BAD_MODEL, "%s '%s' has %d dims, expected %d", what, v->name, v->rank, rank);
  return NULL;
}

ig_status ig_infer_equal(ig_node *n, ig_dim a, ig_dim b, const char *what, ig_dim *out_d) {
  ig_dims *t = ig_node_dims(n);
  int64_t x, y;
  if (ig_dim_is_const(t, a, &x) && ig_dim_is_const(t, b, &y) && x != y)
    IG_NODE_FAIL(n, IG_ERROR_BAD_MODEL, "%s: %lld does not match %lld", what, (long long)x, (long long)y);
  return ig_dims_assume_equal(t, a, b, n->name, what, out_d);
}

ig_stype ig_acc_type(ig_dtype d) {
  if (IG_DTYPE_BITS(d) <= 8 && (d & 0xffu) <= 1u) return IG_S_I32;
  const ig_stype s = ig_stype_of(d);
  return s == IG_S_I32 ? IG_S_I64 : s;
}

ig_val *ig_lo_kernel1(ig_lower *l, ig_kind_id kind, const void *params, ig_val *const *in, uint32_t n_in, ig_dtype dtype) {
  ig_val *out = NULL;
  const ig_lo_kernel_desc d = {.kind = kind, .params = params, .in = in, .n_in = n_in, .out_dtypes = &dtype, .n_out = 1};
  return ig_lo_kernel(l, &d, &out) ? out : NULL;
}

ig_val *ig_lo_cast(ig_lower *l, ig_val *x, ig_dtype dtype) {
  if (!x || x->dtype == dtype) return x;
  ig_sbuild b;
  ig_sprog p;
  ig_sbuild_init(&b, &l->ir->arena);
  const ig_stype to = ig_stype_of(dtype);
  const ig_sreg v = ig_s_load(&b, 0, x->dtype);
  ig_s_store(&b, 0, ig_s_type(&b, v) == to ? v : ig_s_cast(&b, v, to), 0);
  ig_status st = ig_sbuild_finish(&b, &p);
  if (st) return ig_lo_fail(l, st), NULL;
  return ig_lo_map(l, &x, 1, &p, dtype, (uint32_t)x->rank, x->dims);
}

ig_val *ig_lo_along(ig_lower *l, ig_val *v, uint32_t axis, uint32_t rank, const ig_dim *dims) {
  if (!v) return NULL;
  ig_dims *t = &l->ir->dims;
  ig_dim shape[IG_MAX_RANK];
  for (uint32_t i = 0; i < rank; i++)
    shape[i] = ig_dim_const(t, 1);
  if (v->rank == 1) shape[axis] = v->dims[0];
  return ig_lo_expand(l, ig_lo_reshape(l, v, rank, shape), rank, dims);
}

bool ig_lo_requantise(ig_lower *l, ig_dtype scale, ig_dtype dtype, bool with_bias, ig_sprog *out) {
  const bool is_signed = dtype == IG_DTYPE_I8;
  ig_sbuild b;
  ig_sbuild_init(&b, &l->ir->arena);
  ig_sreg acc = ig_s_load(&b, 0, IG_DTYPE_I32);
  if (with_bias) acc = ig_s_op(&b, IG_SOP_ADD, acc, ig_s_load(&b, 5, IG_DTYPE_I32), 0);
  const ig_sreg product = ig_s_op(&b, IG_SOP_MUL, ig_s_load(&b, 1, scale), ig_s_load(&b, 2, scale), 0);
  const ig_sreg factor = ig_s_op(&b, IG_SOP_DIV, product, ig_s_load(&b, 3, scale), 0);
  const ig_sreg real = ig_s_op(&b, IG_SOP_MUL, ig_s_cast(&b, acc, IG_S_F32), factor, 0);
  const ig_sreg zero = ig_s_cast(&b, ig_s_load(&b, 4, dtype), IG_S_F32);
  ig_sreg y = ig_s_op(&b, IG_SOP_ADD, ig_s_op(&b, IG_SOP_RINT, real, 0, 0), zero, 0);
  y = ig_s_op(&b, IG_SOP_MAX, y, ig_s_f64(&b, IG_S_F32, is_signed ? -128 : 0), 0);
  y = ig_s_op(&b, IG_SOP_MIN, y, ig_s_f64(&b, IG_S_F32, is_signed ? 127 : 255), 0);
  ig_s_store(&b, 0, ig_s_cast(&b, y, IG_S_I32), 0);
  ig_status st = ig_sbuild_finish(&b, out);
  if (st) return ig_lo_fail(l, st), false;
  return true;
}
