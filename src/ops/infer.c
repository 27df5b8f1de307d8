/* Inference: helpers for the records' infer hooks, and the driver that runs check, infer and dims and turns known results into constants.
 *
 * Where a shape needs a value, the value may be a constant, or symbolic (elems), or else the user must give it: the message says how.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/op.h"
#include <stdio.h>

static ig_dims *dims_of(const ig_node *n) { return &n->graph->ir->dims; }

ig_status ig_infer_dims_done(ig_node *n) {
  ig_status s = ig_dims_take_error(dims_of(n));
  return s ? ig_status_with(ig_status_with(ig_status_note(s, "node '%s' (%s)", n->name, n->type), IG_DETAIL_NODE, n->name), IG_DETAIL_OP, n->type)
           : NULL;
}

ig_status ig_infer_set(ig_node *n, uint32_t out, ig_dtype d, uint32_t rank, const ig_dim *dims) {
  ig_val *v = ig_node_out(n, out);
  if (!v) return NULL;
  if (rank > IG_MAX_RANK)
    return ig_status_with(
        ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "result '%s' has %u dims, at most %d are possible", v->name, rank, IG_MAX_RANK),
        IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_SHAPE");
  IG_TRY(ig_infer_dims_done(n));
  for (uint32_t k = 0; k < rank; k++) {
    IG_NODE_REQUIRE(n, dims[k] != IG_DIM_BAD, IG_ERROR_INTERNAL, "dim %u of result '%s' is not known", k, v->name);
    int64_t c;
    if (ig_dim_is_const(dims_of(n), dims[k], &c))
      IG_NODE_REQUIRE(n, c >= 0, IG_ERROR_BAD_MODEL, "dim %u of result '%s' is %lld", k, v->name, (long long)c);
  }
  ig_val_set_type(v, d, (int)rank, dims);
  return NULL;
}

ig_status ig_infer_same(ig_node *n, uint32_t out, const ig_val *like) { return ig_infer_set(n, out, like->dtype, (uint32_t)like->rank, like->dims); }

static ig_status broadcast_axis(ig_node *n, ig_dim a, ig_dim b, const ig_val *v, uint32_t from_right, ig_dim *out) {
  ig_dims *t = dims_of(n);
  int64_t x, y;
  if (ig_dim_is_const(t, a, &x) && ig_dim_is_const(t, b, &y) && x != y && x != 1 && y != 1)
    IG_NODE_FAIL(n, IG_ERROR_BAD_MODEL, "shapes do not broadcast: '%s' has extent %lld at axis -%u where the inputs before it have %lld", v->name,
                 (long long)y, from_right + 1, (long long)x);
  *out = ig_dim_broadcast(t, a, b, n->name);
  return ig_infer_dims_done(n);
}

ig_status ig_infer_broadcast(ig_node *n, const ig_val *const *vals, uint32_t n_vals, uint32_t *out_rank, ig_dim *out_dims) {
  uint32_t rank = 0;
  for (uint32_t i = 0; i < n_vals; i++) {
    if (vals[i] && (uint32_t)vals[i]->rank > rank) rank = (uint32_t)vals[i]->rank;
  }
  for (uint32_t r = 0; r < rank; r++) {
    ig_dim d = IG_DIM_BAD;
    for (uint32_t i = 0; i < n_vals; i++) {
      const ig_val *v = vals[i];
      if (!v || (uint32_t)v->rank <= r) continue;
      const ig_dim own = v->dims[(uint32_t)v->rank - 1 - r];
      if (d == IG_DIM_BAD)
        d = own;
      else
        IG_TRY(broadcast_axis(n, d, own, v, r, &d));
    }
    out_dims[rank - 1 - r] = d;
  }
  *out_rank = rank;
  return NULL;
}

/* ---- values known at build time ---- */

static int64_t count_of(const ig_data *d) {
  int64_t n;
  return ig_data_count(d, &n) ? n : 0;
}

bool ig_const_single(const ig_val *v) { return ig_val_is_const(v) && count_of(v->data) == 1; }

/* Bits of element i, zero-extended; up to 64 bits wide. */
static uint64_t bits_at(const ig_data *d, int64_t i) {
  const uint32_t n_bits = IG_DTYPE_BITS(d->dtype);
  const uint8_t *p = d->bytes;
  if (n_bits < 8) {
    const int64_t per_byte = 8 / n_bits;
    return (uint64_t)(p[i / per_byte] >> (uint32_t)(i % per_byte) * n_bits) & ((1u << n_bits) - 1u);
  }
  uint64_t u = 0;
  memcpy(&u, p + i * (int64_t)(n_bits / 8), n_bits / 8);
  return u;
}

static int64_t sign_extend(uint64_t u, uint32_t n_bits) { return (int64_t)(u << (64 - n_bits)) >> (64 - n_bits); }

static bool float_at(const ig_data *d, int64_t i, double *out) {
  const uint64_t u = bits_at(d, i);
  float f;
  switch (ig_stype_of(d->dtype)) {
  case IG_S_F64:
    memcpy(out, &u, 8);
    return true;
  case IG_S_F32:
    break;
  default:
    return false;
  }
  if (d->dtype == IG_DTYPE_F16)
    f = ig_f16_to_f32((uint16_t)u);
  else if (d->dtype == IG_DTYPE_BF16)
    f = ig_bf16_to_f32((uint16_t)u);
  else if (d->dtype == IG_DTYPE_F32)
    memcpy(&f, &u, 4);
  else
    f = ig_small_to_f32(d->dtype, (uint8_t)u);
  *out = (double)f;
  return true;
}

static bool inside(const ig_val *v, int64_t i) { return ig_val_is_const(v) && ig_stype_of(v->data->dtype) != 0 && i >= 0 && i < count_of(v->data); }

static bool is_signed(ig_dtype d) { return (d & 0xffu) == (IG_DTYPE_I8 & 0xffu); }

bool ig_const_i64(const ig_val *v, int64_t i, int64_t *out) {
  if (!inside(v, i)) return false;
  double f;
  if (float_at(v->data, i, &f)) {
    if (!(f >= -9223372036854775808.0 && f < 9223372036854775808.0) || (double)(int64_t)f != f) return false;
    *out = (int64_t)f;
    return true;
  }
  const uint64_t u = bits_at(v->data, i);
  const uint32_t n_bits = IG_DTYPE_BITS(v->data->dtype);
  *out = is_signed(v->data->dtype) ? sign_extend(u, n_bits) : (int64_t)u;
  return is_signed(v->data->dtype) || u <= INT64_MAX;
}

bool ig_const_f64(const ig_val *v, int64_t i, double *out) {
  if (!inside(v, i)) return false;
  if (float_at(v->data, i, out)) return true;
  const uint64_t u = bits_at(v->data, i);
  *out = is_signed(v->data->dtype) ? (double)sign_extend(u, IG_DTYPE_BITS(v->data->dtype)) : (double)u;
  return true;
}

static const char *arg_name(const ig_node *n, uint32_t i) {
  if (!n->op || n->op->n_in == 0) return "?";
  return n->op->in[i < n->op->n_in ? i : n->op->n_in - 1].name;
}

static ig_status value_needed(const ig_node *n, uint32_t i, const ig_val *v) {
  char hint[200];
  snprintf(hint, sizeof hint, "pass --values %.100s=V0,V1,... if it comes from outside, or make it a constant", v->name);
  ig_status s = ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type,
                               "the value of input %s ('%s') decides shapes and is not known at build time: %s", arg_name(n, i), v->name, hint);
  return ig_status_with(ig_status_with(s, IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_SHAPE"), IG_DETAIL_HINT, hint);
}

/* Number of elements of a rank 0 or 1 input that is to be read. */
static ig_status input_length(const ig_node *n, uint32_t i, const ig_val *v, uint32_t cap, uint32_t *out_n) {
  int64_t count = 1;
  IG_NODE_REQUIRE(n, v->rank <= 1, IG_ERROR_BAD_MODEL, "input %s ('%s') has %d dims, at most 1 is possible", arg_name(n, i), v->name, v->rank);
  if (v->rank == 1 && !ig_dim_is_const(dims_of(n), v->dims[0], &count)) return value_needed(n, i, v);
  IG_NODE_REQUIRE(n, count <= cap, IG_ERROR_BAD_MODEL, "input %s ('%s') has %lld elements, at most %u are possible", arg_name(n, i), v->name,
                  (long long)count, cap);
  *out_n = (uint32_t)count;
  return NULL;
}

ig_status ig_infer_elems(ig_node *n, uint32_t i, ig_dim *out, uint32_t cap, uint32_t *out_n) {
  const ig_val *v = ig_node_in(n, i);
  *out_n = 0;
  IG_NODE_REQUIRE(n, v, IG_ERROR_BAD_MODEL, "input %s is missing", arg_name(n, i));
  IG_TRY(input_length(n, i, v, cap, out_n));
  for (uint32_t k = 0; k < *out_n; k++) {
    int64_t c;
    out[k] = v->elems && k < v->n_elems ? v->elems[k] : IG_DIM_BAD;
    if (out[k] == IG_DIM_BAD && ig_const_i64(v, k, &c)) out[k] = ig_dim_const(dims_of(n), c);
    if (out[k] == IG_DIM_BAD) return value_needed(n, i, v);
  }
  return ig_infer_dims_done(n);
}

ig_status ig_infer_ints(ig_node *n, uint32_t i, int64_t *out, uint32_t cap, uint32_t *out_n) {
  const ig_val *v = ig_node_in(n, i);
  *out_n = 0;
  IG_NODE_REQUIRE(n, v, IG_ERROR_BAD_MODEL, "input %s is missing", arg_name(n, i));
  IG_TRY(input_length(n, i, v, cap, out_n));
  for (uint32_t k = 0; k < *out_n; k++) {
    const bool known = v->elems && k < v->n_elems && ig_dim_is_const(dims_of(n), v->elems[k], &out[k]);
    if (!known && !ig_const_i64(v, k, &out[k])) return value_needed(n, i, v);
  }
  return NULL;
}

ig_status ig_axis(const ig_node *n, int64_t axis, int64_t rank, int64_t *out) {
  IG_NODE_REQUIRE(n, axis >= -rank && axis < rank, IG_ERROR_BAD_MODEL, "axis %lld is outside [%lld, %lld)", (long long)axis, (long long)-rank,
                  (long long)rank);
  *out = axis < 0 ? axis + rank : axis;
  return NULL;
}

ig_status ig_op_attr_dtype(const ig_node *n, const char *name, ig_dtype def, ig_dtype *out) {
  const int64_t number = ig_op_attr_i(n, name);
  *out = number == 0 ? def : ig_dtype_from_onnx(number);
  IG_NODE_REQUIRE(n, *out != IG_DTYPE_NONE, IG_ERROR_BAD_MODEL, "attribute '%s' names no data type that is known (%lld)", name, (long long)number);
  return NULL;
}

/* ---- the driver ---- */

ig_status ig_op_replace(ig_node *n, uint32_t i, ig_val *v) {
  ig_val *old = ig_node_out(n, i);
  if (!old) return NULL;
  v = ig_val_resolve(v);
  IG_NODE_REQUIRE(n, old->dtype == v->dtype && old->rank == v->rank, IG_ERROR_INTERNAL, "result '%s' (%s, %d dims) is replaced by '%s' (%s, %d dims)",
                  old->name, ig_dtype_name(old->dtype), old->rank, v->name, ig_dtype_name(v->dtype), v->rank);
  for (int k = 0; k < old->rank; k++)
    IG_TRY(ig_dims_assume_equal(dims_of(n), old->dims[k], v->dims[k], n->name, "dims of a rewritten result", NULL));
  if (v != old) old->forward = v;
  return NULL;
}

static bool fits(ig_dtype d, int64_t v) {
  const uint32_t n_bits = IG_DTYPE_BITS(d);
  if (d == IG_DTYPE_BOOL) return v == 0 || v == 1;
  if (n_bits >= 64) return is_signed(d) || v >= 0;
  return is_signed(d) ? v >= -((int64_t)1 << (n_bits - 1)) && v < (int64_t)1 << (n_bits - 1) : v >= 0 && v < (int64_t)1 << n_bits;
}

/* A result of known contents becomes a constant; its node is left for the dead-code pass. */
static ig_status make_constant(ig_node *n, uint32_t i, const ig_val *v) {
  uint64_t bytes[IG_MAX_ELEMS] = {0};
  int64_t c, count = v->n_elems;
  if (!(ig_type_bit(v->dtype) & (IG_TYPES_INT | IG_T(BOOL))) || v->n_elems > IG_MAX_ELEMS) return NULL;
  const uint32_t size = IG_DTYPE_BITS(v->dtype) / 8;
  for (uint32_t k = 0; k < v->n_elems; k++) {
    if (v->elems[k] == IG_DIM_BAD || !ig_dim_is_const(dims_of(n), v->elems[k], &c) || !fits(v->dtype, c)) return NULL;
    memcpy((char *)bytes + (size_t)k * size, &c, size);
  }
  ig_val *k = ig_val_const_bytes(n->graph, NULL, v->dtype, (uint8_t)v->rank, &count, bytes);
  if (!k) return ig_arena_status(&n->graph->ir->arena);
  return ig_op_replace(n, i, k);
}

/* A dim that could not be made is the cause of whatever the hook says about it. */
static ig_status run_hook(ig_node *n, ig_status (*hook)(ig_node *n)) {
  ig_status st = hook(n);
  ig_status cause = ig_infer_dims_done(n);
  if (!cause) return st;
  ig_status_free(st);
  return cause;
}

static ig_status infer_results(ig_node *n) {
  IG_TRY(ig_op_check(n));
  IG_TRY(run_hook(n, n->op->infer));
  if (n->op->dims) IG_TRY(run_hook(n, n->op->dims));
  for (uint32_t i = 0; i < n->n_out; i++) {
    const ig_val *v = n->out[i];
    if (!v || v->forward) continue;
    IG_NODE_REQUIRE(n, v->kind != IG_VAL_TENSOR || (v->dtype != IG_DTYPE_NONE && v->rank >= 0), IG_ERROR_INTERNAL,
                    "inference left result '%s' without a type", v->name);
    if (v->elems && v->kind == IG_VAL_TENSOR) IG_TRY(make_constant(n, i, v));
  }
  return NULL;
}

ig_status ig_op_infer(ig_node *n) {
  const uint32_t scope = ig_graph_enter(n->graph);
  ig_status st = infer_results(n);
  dims_of(n)->scope = scope;
  return st;
}

ig_node *ig_op_node(ig_graph *g, ig_node *before, const char *op_name, ig_val *const *in, uint32_t n_in, uint32_t n_out, const ig_ir_attr *attrs,
                    uint32_t n_attrs, ig_status *st) {
  *st = NULL;
  const ig_op *op = ig_op_find("", op_name);
  if (!op) {
    *st = ig_status_new(IG_ERROR_INTERNAL, "a rewrite wants the operator %s, which has no record", op_name);
    return NULL;
  }
  ig_node *n = ig_node_new(g, before, NULL, IG_FORM_OP, in, n_in, n_out);
  if (!n) {
    *st = ig_arena_status(&g->ir->arena);
    return NULL;
  }
  n->op = op;
  n->domain = op->domain;
  n->type = op->name;
  n->opset = op->since;
  if (before) n->sources = before->sources ? before->sources : before->name;
  for (uint32_t i = 0; i < n_attrs && !*st; i++)
    *st = ig_node_set_attr(n, &attrs[i]);
  if (!*st) *st = ig_op_infer(n);
  return *st ? NULL : n;
}
