/* Slice, Split, Expand: parts and repetitions of a tensor as views. Starts, ends and targets may be dim expressions.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/structured.h"

#define TYPES_13 (IG_TYPES_NUMERIC | IG_T(STRING) | IG_T(BOOL) | IG_T(C64) | IG_T(C128))
#define INDEX_TYPES (IG_T(I32) | IG_T(I64))

/* ---- Slice ---- */

typedef struct window {
  ig_dim start[IG_MAX_RANK], extent[IG_MAX_RANK];
  int64_t step[IG_MAX_RANK];
} window;

/* Position v counted from the front: negative ones count from the end. */
static ig_dim from_front(ig_dims *t, ig_dim v, ig_dim extent) {
  int64_t c, lo, hi;
  if (ig_dim_is_const(t, v, &c)) {
    if (c >= IG_DIM_UNBOUNDED) return extent;
    if (c <= -IG_DIM_UNBOUNDED) return ig_dim_const(t, -1);
    return c < 0 ? ig_dim_add(t, v, extent) : v;
  }
  ig_dim_range(t, v, &lo, &hi);
  if (lo >= 0) return v;
  return ig_dim_select(t, ig_dim_ge(t, v, ig_dim_const(t, 0)), v, ig_dim_add(t, v, extent));
}

static ig_dim clamp(ig_dims *t, ig_dim v, ig_dim lo, ig_dim hi) { return ig_dim_max(t, ig_dim_min(t, v, hi), lo); }

/* One axis by the rules of ONNX Slice-13; both ends are clamped to the extent, the far end of a backward step to one before the first element. */
static void slice_axis(ig_dims *t, ig_dim extent, ig_dim start, ig_dim end, int64_t step, ig_dim *out_start, ig_dim *out_extent) {
  const ig_dim zero = ig_dim_const(t, 0), last = ig_dim_add_c(t, extent, -1);
  start = from_front(t, start, extent);
  end = from_front(t, end, extent);
  ig_dim length;
  if (step > 0) {
    start = clamp(t, start, zero, extent);
    end = clamp(t, end, zero, extent);
    length = ig_dim_sub(t, end, start);
  } else {
    start = clamp(t, start, zero, last);
    end = clamp(t, end, ig_dim_const(t, -1), last);
    length = ig_dim_sub(t, start, end);
    /* nothing to start from: without this an empty axis would have an element */
    length = ig_dim_min(t, length, extent);
  }
  *out_start = start;
  *out_extent = ig_dim_ceildiv(t, ig_dim_max(t, length, zero), ig_dim_const(t, step > 0 ? step : -step));
}

static ig_status read_steps(ig_node *n, uint32_t count, int64_t *axes, int64_t *steps) {
  uint32_t got;
  for (uint32_t i = 0; i < count; i++) {
    axes[i] = i;
    steps[i] = 1;
  }
  if (ig_node_in(n, 3)) {
    IG_TRY(ig_infer_ints(n, 3, axes, IG_MAX_RANK, &got));
    IG_NODE_REQUIRE(n, got == count, IG_ERROR_BAD_MODEL, "%u axes for %u starts", got, count);
  }
  if (!ig_node_in(n, 4)) return NULL;
  IG_TRY(ig_infer_ints(n, 4, steps, IG_MAX_RANK, &got));
  IG_NODE_REQUIRE(n, got == count, IG_ERROR_BAD_MODEL, "%u steps for %u starts", got, count);
  for (uint32_t i = 0; i < count; i++)
    IG_NODE_REQUIRE(n, steps[i] != 0 && steps[i] != INT64_MIN, IG_ERROR_BAD_MODEL, "step %lld is not possible", (long long)steps[i]);
  return NULL;
}

static ig_status read_window(ig_node *n, window *w) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dims *t = ig_node_dims(n);
  ig_dim starts[IG_MAX_RANK], ends[IG_MAX_RANK];
  int64_t axes[IG_MAX_RANK], steps[IG_MAX_RANK], a;
  uint32_t count, n_ends, seen = 0;
  IG_TRY(ig_infer_elems(n, 1, starts, IG_MAX_RANK, &count));
  IG_TRY(ig_infer_elems(n, 2, ends, IG_MAX_RANK, &n_ends));
  IG_NODE_REQUIRE(n, count == n_ends, IG_ERROR_BAD_MODEL, "%u starts, but %u ends", count, n_ends);
  IG_TRY(read_steps(n, count, axes, steps));
  for (int k = 0; k < x->rank; k++) {
    w->start[k] = ig_dim_const(t, 0);
    w->extent[k] = x->dims[k];
    w->step[k] = 1;
  }
  for (uint32_t i = 0; i < count; i++) {
    IG_TRY(ig_axis(n, axes[i], x->rank, &a));
    IG_NODE_REQUIRE(n, !(seen & 1u << a), IG_ERROR_BAD_MODEL, "axis %lld is named twice", (long long)a);
    seen |= 1u << a;
    /* a longer step takes no more elements than one of 2^40, and keeps the strides in range */
    w->step[a] = steps[i] > IG_DIM_UNBOUNDED ? IG_DIM_UNBOUNDED : steps[i] < -IG_DIM_UNBOUNDED ? -IG_DIM_UNBOUNDED : steps[i];
    slice_axis(t, x->dims[a], starts[i], ends[i], w->step[a], &w->start[a], &w->extent[a]);
    if (ig_dim_equals(t, w->extent[a], 1)) w->step[a] = 1;
    if (ig_dim_equals(t, w->extent[a], 0)) w->start[a] = ig_dim_const(t, 0);
  }
  return ig_infer_dims_done(n);
}

/* Version 10 turned the attributes axes, starts and ends into inputs. */
static ig_status slice_import(ig_node *n, int64_t opset) {
  if (opset >= 10) return NULL;
  IG_TRY(ig_adapt_ints(n, "starts", 1));
  IG_TRY(ig_adapt_ints(n, "ends", 2));
  return ig_adapt_ints(n, "axes", 3);
}

static ig_status slice_infer(ig_node *n) {
  window w;
  IG_TRY(read_window(n, &w));
  return ig_infer_set(n, 0, ig_node_in(n, 0)->dtype, (uint32_t)ig_node_in(n, 0)->rank, w.extent);
}

static ig_status slice_dims(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  window w;
  int64_t start, count;
  if (!x->elems || x->rank != 1) return NULL;
  IG_TRY(read_window(n, &w));
  if (!ig_dim_is_const(ig_node_dims(n), w.start[0], &start) || !ig_dim_is_const(ig_node_dims(n), w.extent[0], &count)) return NULL;
  ig_dim elems[IG_MAX_ELEMS];
  for (int64_t i = 0; i < count; i++)
    elems[i] = x->elems[start + i * w.step[0]];
  return ig_elems_set(n, 0, elems, (uint32_t)count);
}

static ig_status slice_lower(ig_lower *l, const ig_node *n) {
  window w;
  IG_TRY(read_window((ig_node *)(uintptr_t)n, &w));
  ig_lo_result(l, 0, ig_lo_slice(l, ig_node_in(n, 0), w.start, w.step, w.extent));
  return NULL;
}

static const ig_op_arg slice_in[] = {{"data", 'T', TYPES_13, 0},
                                     {"starts", 'I', INDEX_TYPES, 0},
                                     {"ends", 'I', INDEX_TYPES, 0},
                                     {"axes", 'I', INDEX_TYPES, IG_ARG_OPTIONAL},
                                     {"steps", 'I', INDEX_TYPES, IG_ARG_OPTIONAL}};
static const ig_op_arg slice_out[] = {{"output", 'T', TYPES_13, 0}};
static const char *const slice_cases[] = {"f32[20,10,5] i64[2]=0,0 i64[2]=3,10 i64[2]=0,1 i64[2]=1,1",
                                          "f32[20,10] i64[2]=20,-1 i64[2]=0,-100 i64[2]=0,1 i64[2]=-4,-2",
                                          "string[5] i32[1]=-3 i32[1]=1000",
                                          "u8[0,3] i64[1]=1 i64[1]=2",
                                          "f32[4,0] i64[1]=-1 i64[1]=-9 i64[1]=1 i64[1]=-1",
                                          NULL};
const ig_op ig_op_Slice = {.domain = "",
                           .name = "Slice",
                           .since = 13,
                           .oldest = 1,
                           .cls = IG_CLASS_VIEW,
                           .accuracy = IG_ACCURACY_EXACT,
                           IG_OP_ARGS(slice_in, slice_out),
                           .import = slice_import,
                           .infer = slice_infer,
                           .dims = slice_dims,
                           .lower = slice_lower,
                           .cases = slice_cases};

/* ---- Split ---- */

/* Extent of every part along *out_axis: as input 1 says, else equal, the last one smaller where it does not divide. sizes: n->n_out entries. */
static ig_status read_parts(ig_node *n, int64_t *out_axis, ig_dim *sizes) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dims *t = ig_node_dims(n);
  const uint32_t parts = n->n_out;
  uint32_t count;
  IG_TRY(ig_axis(n, ig_node_attr_i(n, "axis", 0), x->rank, out_axis));
  const ig_dim extent = x->dims[*out_axis], zero = ig_dim_const(t, 0);
  if (ig_node_in(n, 1)) {
    IG_TRY(ig_infer_elems(n, 1, sizes, parts, &count));
    IG_NODE_REQUIRE(n, count == parts, IG_ERROR_BAD_MODEL, "%u sizes for %u results", count, parts);
    ig_dim sum = zero;
    for (uint32_t i = 0; i < parts; i++)
      sum = ig_dim_add(t, sum, sizes[i]);
    return ig_infer_equal(n, sum, extent, "sum of the parts and the axis", NULL);
  }
  const int64_t declared = ig_node_attr_i(n, "num_outputs", parts);
  IG_NODE_REQUIRE(n, declared == (int64_t)parts, IG_ERROR_BAD_MODEL, "num_outputs is %lld, but %u results are named", (long long)declared, parts);
  const ig_dim part = ig_dim_ceildiv(t, extent, ig_dim_const(t, parts));
  for (uint32_t i = 0; i < parts; i++) {
    const ig_dim left = ig_dim_max(t, ig_dim_sub(t, extent, ig_dim_mul_c(t, part, i)), zero);
    sizes[i] = ig_dim_min(t, part, left);
  }
  return ig_infer_dims_done(n);
}

static ig_status new_parts(const ig_node *n, ig_dim **out) {
  *out = IG_NEW_ARRAY(ig_node_arena(n), ig_dim, n->n_out ? n->n_out : 1);
  return *out ? NULL : ig_arena_status(ig_node_arena(n));
}

/* Version 13 turned the attribute split into an input. */
static ig_status split_import(ig_node *n, int64_t opset) { return opset < 13 ? ig_adapt_ints(n, "split", 1) : NULL; }

static ig_status split_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dim *sizes, dims[IG_MAX_RANK];
  int64_t axis;
  IG_TRY(new_parts(n, &sizes));
  IG_TRY(read_parts(n, &axis, sizes));
  memcpy(dims, x->dims, sizeof dims);
  for (uint32_t i = 0; i < n->n_out; i++) {
    dims[axis] = sizes[i];
    IG_TRY(ig_infer_set(n, i, x->dtype, (uint32_t)x->rank, dims));
  }
  return NULL;
}

static ig_status split_dims(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  uint32_t at = 0;
  if (!x->elems || x->rank != 1) return NULL;
  for (uint32_t i = 0; i < n->n_out; i++) {
    int64_t count;
    const ig_val *y = n->out[i];
    if (!y || !ig_dim_is_const(ig_node_dims(n), y->dims[0], &count) || at + count > x->n_elems) return NULL;
    IG_TRY(ig_elems_set(n, i, x->elems + at, (uint32_t)count));
    at += (uint32_t)count;
  }
  return NULL;
}

static ig_status split_lower(ig_lower *l, const ig_node *n) {
  ig_val *x = ig_node_in(n, 0);
  ig_dims *t = &l->ir->dims;
  ig_dim *sizes, start[IG_MAX_RANK], dims[IG_MAX_RANK];
  int64_t axis;
  IG_TRY(new_parts(n, &sizes));
  IG_TRY(read_parts((ig_node *)(uintptr_t)n, &axis, sizes));
  for (int k = 0; k < x->rank; k++) {
    start[k] = ig_dim_const(t, 0);
    dims[k] = x->dims[k];
  }
  for (uint32_t i = 0; i < n->n_out; i++) {
    dims[axis] = sizes[i];
    if (n->out[i]) ig_lo_result(l, i, ig_lo_slice(l, x, start, NULL, dims));
    start[axis] = ig_dim_add(t, start[axis], sizes[i]);
  }
  return NULL;
}

static const ig_op_arg split_in[] = {{"input", 'T', TYPES_13, 0}, {"split", 0, IG_T(I64), IG_ARG_OPTIONAL}};
static const ig_op_arg split_out[] = {{"outputs", 'T', TYPES_13, IG_ARG_VARIADIC}};
static const ig_op_attr split_attrs[] = {{"axis", IG_ATTR_INT, false, 0, 0, NULL}, {"num_outputs", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const split_cases[] = {"f32[6,2] -> 3", "f32[2,7] axis=1 num_outputs=3 -> 3", "string[5] i64[2]=2,3 -> 2",
                                          "f32[0] i64[3]=0,0,0 -> 3", NULL};
const ig_op ig_op_Split = {.domain = "",
                           .name = "Split",
                           .since = 18,
                           .oldest = 2,
                           .cls = IG_CLASS_VIEW,
                           .accuracy = IG_ACCURACY_EXACT,
                           IG_OP_ARGS(split_in, split_out),
                           IG_OP_ATTRS(split_attrs),
                           .import = split_import,
                           .infer = split_infer,
                           .dims = split_dims,
                           .lower = split_lower,
                           .cases = split_cases};

/* ---- Expand ---- */

static ig_status expand_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dims *t = ig_node_dims(n);
  ig_dim target[IG_MAX_RANK], dims[IG_MAX_RANK];
  uint32_t count;
  IG_TRY(ig_infer_elems(n, 1, target, IG_MAX_RANK, &count));
  const uint32_t own = (uint32_t)x->rank, rank = own > count ? own : count;
  for (uint32_t k = 0; k < rank; k++) {
    const ig_dim a = k + own >= rank ? x->dims[k + own - rank] : IG_DIM_BAD, b = k + count >= rank ? target[k + count - rank] : IG_DIM_BAD;
    int64_t va, vb;
    if (a && b && ig_dim_is_const(t, a, &va) && ig_dim_is_const(t, b, &vb))
      IG_NODE_REQUIRE(n, va == vb || va == 1 || vb == 1, IG_ERROR_BAD_MODEL, "extent %lld of '%s' does not expand to %lld", (long long)va, x->name,
                      (long long)vb);
    dims[k] = !a ? b : !b ? a : ig_dim_broadcast(t, a, b, n->name);
  }
  return ig_infer_set(n, 0, x->dtype, rank, dims);
}

static ig_status expand_dims(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0), *y = n->out[0];
  int64_t count = 1;
  ig_dim elems[IG_MAX_ELEMS];
  if (!x->elems || !y || y->rank > 1 || (y->rank == 1 && !ig_dim_is_const(ig_node_dims(n), y->dims[0], &count)) || count > (int64_t)IG_MAX_ELEMS)
    return NULL;
  if (x->n_elems != 1 && x->n_elems != (uint32_t)count) return NULL;
  for (int64_t i = 0; i < count; i++)
    elems[i] = x->elems[x->n_elems == 1 ? 0 : i];
  return ig_elems_set(n, 0, elems, (uint32_t)count);
}

static ig_status expand_lower(ig_lower *l, const ig_node *n) {
  const ig_val *y = n->out[0];
  ig_lo_result(l, 0, ig_lo_expand(l, ig_node_in(n, 0), (uint32_t)y->rank, y->dims));
  return NULL;
}

static const ig_op_arg expand_in[] = {{"input", 'T', TYPES_13, 0}, {"shape", 0, IG_T(I64), 0}};
static const char *const expand_cases[] = {"f32[3,1] i64[3]=2,1,6", "string[] i64[1]=3", "f32[1,3] i64[1]=1", "i8[1] i64[2]=0,4", NULL};
const ig_op ig_op_Expand = {.domain = "",
                            .name = "Expand",
                            .since = 13,
                            .oldest = 8,
                            .cls = IG_CLASS_VIEW,
                            .accuracy = IG_ACCURACY_EXACT,
                            IG_OP_ARGS(expand_in, slice_out),
                            .infer = expand_infer,
                            .dims = expand_dims,
                            .lower = expand_lower,
                            .cases = expand_cases};
