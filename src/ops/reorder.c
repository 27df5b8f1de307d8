/* ReverseSequence: a gather by an index of batch and time alone, broadcast over the rest. Compress: a gather by the places that a condition known at
 * build time names; any other condition would make the result's shape depend on data. SPDX-License-Identifier: Apache-2.0 */
#include "ops/pointwise.h"

#define TYPES_13 (IG_TYPES_NUMERIC | IG_T(STRING) | IG_T(BOOL) | IG_T(C64) | IG_T(C128))

static ig_val *gather(ig_lower *l, int64_t mode, int64_t axis, ig_val *x, ig_val *index) {
  const ig_gather_params p = {.mode = mode, .axis = axis};
  ig_val *in[2] = {x, index};
  return x && index ? ig_lo_kernel1(l, IG_KIND_gather, &p, in, 2, x->dtype) : NULL;
}

/* ---- ReverseSequence ---- */

static ig_status reverse_axes(const ig_node *n, int64_t *out_batch, int64_t *out_time) {
  const ig_val *x = ig_node_in(n, 0);
  IG_NODE_REQUIRE(n, x->rank >= 2, IG_ERROR_BAD_MODEL, "input '%s' has %d dims, at least 2 are needed", x->name, x->rank);
  IG_TRY(ig_axis(n, ig_op_attr_i(n, "batch_axis"), x->rank, out_batch));
  IG_TRY(ig_axis(n, ig_op_attr_i(n, "time_axis"), x->rank, out_time));
  IG_NODE_REQUIRE(n, *out_batch != *out_time && *out_batch < 2 && *out_time < 2, IG_ERROR_BAD_MODEL,
                  "batch_axis %lld and time_axis %lld must be 0 and 1 in either order", (long long)*out_batch, (long long)*out_time);
  return NULL;
}

static ig_status reverse_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0), *lengths = ig_node_in(n, 1);
  int64_t batch, time;
  IG_TRY(reverse_axes(n, &batch, &time));
  IG_TRY(ig_infer_rank(n, lengths, "sequence_lens", 1));
  IG_TRY(ig_infer_equal(n, lengths->dims[0], x->dims[batch], "sequence_lens and batch", NULL));
  return ig_infer_same(n, 0, x);
}

/* Place t of the result reads length - 1 - t inside the sequence, t behind it. */
static ig_status reverse_lower(ig_lower *l, const ig_node *n) {
  ig_val *x = ig_node_in(n, 0), *in[1];
  int64_t batch, time;
  uint32_t n_in = 0;
  const uint32_t rank = (uint32_t)x->rank;
  ig_dim dims[IG_MAX_RANK];
  ig_pw c;
  IG_TRY(reverse_axes(n, &batch, &time));
  for (uint32_t k = 0; k < rank; k++)
    dims[k] = k < 2 ? x->dims[k] : ig_dim_const(&l->ir->dims, 1);
  ig_val *lengths = ig_lo_along(l, ig_node_in(n, 1), (uint32_t)batch, rank, dims);
  if (!lengths) return NULL;
  ig_pw_begin(&c, l, n);
  const ig_sreg t = ig_s_coord(&c.b, (uint32_t)time), length = ig_pw_operand(&c, lengths, in, &n_in);
  const ig_sreg mirrored = ig_pw_2(&c, IG_SOP_SUB, ig_pw_2(&c, IG_SOP_SUB, length, ig_s_i64(&c.b, IG_S_I64, 1)), t);
  ig_pw_store(&c, 0, ig_pw_select(&c, ig_pw_2(&c, IG_SOP_LT, t, length), mirrored, t), IG_DTYPE_I64, 0);
  ig_val *index = ig_pw_map(&c, l, in, n_in, IG_DTYPE_I64, rank, dims);
  ig_lo_result(l, 0, gather(l, IG_GATHER_ELEMENTS, time, x, ig_lo_expand(l, index, rank, x->dims)));
  return NULL;
}

static const ig_op_arg reverse_in[] = {{"input", 'T', TYPES_13, 0}, {"sequence_lens", 0, IG_T(I64), 0}};
static const ig_op_arg reverse_out[] = {{"Y", 'T', TYPES_13, 0}};
static const ig_op_attr reverse_attrs[] = {{"batch_axis", IG_ATTR_INT, false, 1, 0, NULL}, {"time_axis", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const reverse_cases[] = {"f32[4,3] i64[3]=4,1,0", "i64[2,3,2] i64[2]=2,3 batch_axis=0 time_axis=1", "string[2,1] i64[1]=2", NULL};
const ig_op ig_op_ReverseSequence = {.domain = "",
                                     .name = "ReverseSequence",
                                     .since = 28,
                                     .oldest = 10,
                                     .cls = IG_CLASS_COMPOSITE,
                                     .accuracy = IG_ACCURACY_EXACT,
                                     IG_OP_ARGS(reverse_in, reverse_out),
                                     IG_OP_ATTRS(reverse_attrs),
                                     .infer = reverse_infer,
                                     .lower = reverse_lower,
                                     .cases = reverse_cases};

/* ---- Compress ---- */

/* Places of true elements, in the arena. */
static ig_status places(const ig_node *n, int64_t **out, int64_t *out_n) {
  const ig_val *condition = ig_node_in(n, 1);
  int64_t count, v;
  IG_TRY(ig_infer_rank(n, condition, "condition", 1));
  if (!ig_val_is_const(condition) || !ig_data_count(condition->data, &count))
    return ig_status_with(ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type,
                                         "the condition '%s' decides the result's shape and is not known at build time", condition->name),
                          IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_SHAPE");
  *out = IG_NEW_ARRAY(ig_node_arena(n), int64_t, count ? (size_t)count : 1);
  if (!*out) return ig_arena_status(ig_node_arena(n));
  *out_n = 0;
  for (int64_t i = 0; i < count; i++)
    if (ig_const_i64(condition, i, &v) && v) (*out)[(*out_n)++] = i;
  return NULL;
}

static ig_status compress_axis(const ig_node *n, int64_t *out) {
  *out = 0;
  return ig_node_attr(n, "axis") ? ig_axis(n, ig_node_attr_i(n, "axis", 0), ig_node_in(n, 0)->rank, out) : NULL;
}

static ig_status compress_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dims *t = ig_node_dims(n);
  int64_t *list, count, axis;
  ig_dim dims[IG_MAX_RANK];
  IG_TRY(compress_axis(n, &axis));
  IG_TRY(places(n, &list, &count));
  const bool flat = !ig_node_attr(n, "axis");
  const ig_dim extent = flat ? ig_dim_product(t, x->dims, (size_t)x->rank) : x->dims[axis];
  if (count) {
    IG_NODE_REQUIRE(n, ig_dim_prove_ge(t, extent, ig_dim_const(t, list[count - 1] + 1)) != 0, IG_ERROR_BAD_MODEL,
                    "the condition selects element %lld, which is outside", (long long)list[count - 1]);
    IG_TRY(ig_dims_guard(t, IG_GUARD_GE, extent, ig_dim_const(t, list[count - 1] + 1), n->name, "the axis and the last selected element"));
  }
  memcpy(dims, x->dims, sizeof dims);
  dims[axis] = ig_dim_const(t, count);
  return ig_infer_set(n, 0, x->dtype, flat ? 1 : (uint32_t)x->rank, dims);
}

static ig_status compress_lower(ig_lower *l, const ig_node *n) {
  ig_val *x = ig_node_in(n, 0);
  int64_t *list, count, axis;
  IG_TRY(compress_axis(n, &axis));
  IG_TRY(places(n, &list, &count));
  if (!ig_node_attr(n, "axis")) {
    const ig_dim all = ig_dim_product(&l->ir->dims, x->dims, (size_t)x->rank);
    x = ig_lo_reshape(l, x, 1, &all);
  }
  ig_lo_result(l, 0, gather(l, IG_GATHER_ROWS, axis, x, ig_lo_const(l, IG_DTYPE_I64, 1, &count, list)));
  return NULL;
}

static const ig_op_arg compress_in[] = {{"input", 'T', TYPES_13, 0}, {"condition", 0, IG_T(BOOL), 0}};
static const ig_op_arg compress_out[] = {{"output", 'T', TYPES_13, 0}};
static const ig_op_attr compress_attrs[] = {{"axis", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const compress_cases[] = {"f32[3,2] bool[3]=0,1,1 axis=0", "f32[3,2] bool[5]=0,1,0,0,1", "string[2,3] bool[3]=0,0,0 axis=-1",
                                             NULL};
const ig_op ig_op_Compress = {.domain = "",
                              .name = "Compress",
                              .since = 28,
                              .oldest = 9,
                              .cls = IG_CLASS_COMPOSITE,
                              .accuracy = IG_ACCURACY_EXACT,
                              IG_OP_ARGS(compress_in, compress_out),
                              IG_OP_ATTRS(compress_attrs),
                              .infer = compress_infer,
                              .lower = compress_lower,
                              .cases = compress_cases};
