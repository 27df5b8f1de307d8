/* Tensors made from shapes and coordinates: Shape, Size, ConstantOfShape, Range, EyeLike, Trilu, OneHot.
 *
 * Each is one map whose program reads the coordinates of the iteration space and dim expressions; none needs a kernel of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/generate.h"
#include "ops/opaque.h"
#include <math.h>

ig_val *ig_gen_scalar(ig_lower *l, ig_val *v) { return v && v->rank > 0 && !ig_const_single(v) ? ig_lo_reshape(l, v, 0, NULL) : v; }

ig_status ig_gen_require_scalar(const ig_node *n, uint32_t i) {
  const ig_val *v = ig_node_in(n, i);
  const bool one = v && (v->rank == 0 || (v->rank == 1 && ig_dim_equals(ig_node_dims(n), v->dims[0], 1)));
  IG_NODE_REQUIRE(n, !v || one, IG_ERROR_BAD_MODEL, "input %u ('%s') must have one element", i, v->name);
  return NULL;
}

/* ---- Shape, Size ---- */

static int64_t clamp_end(int64_t v, int64_t rank) {
  if (v < 0) v += rank;
  return v < 0 ? 0 : v > rank ? rank : v;
}

static void shape_range(const ig_node *n, int64_t *out_start, int64_t *out_count) {
  const int64_t rank = ig_node_in(n, 0)->rank;
  *out_start = clamp_end(ig_op_attr_i(n, "start"), rank);
  const int64_t end = clamp_end(ig_node_attr_i(n, "end", rank), rank);
  *out_count = end > *out_start ? end - *out_start : 0;
}

static ig_status infer_shape(ig_node *n) {
  int64_t start, count;
  shape_range(n, &start, &count);
  const ig_dim d = ig_dim_const(ig_node_dims(n), count);
  IG_TRY(ig_infer_set(n, 0, IG_DTYPE_I64, 1, &d));
  return ig_elems_set(n, 0, &ig_node_in(n, 0)->dims[start], (uint32_t)count);
}

static ig_status infer_size(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  const ig_dim d = ig_dim_product(ig_node_dims(n), x->dims, (size_t)x->rank);
  IG_TRY(ig_infer_set(n, 0, IG_DTYPE_I64, 0, NULL));
  return ig_elems_set(n, 0, &d, 1);
}

/* Element k of the result is elems[k]: a chain of selects over the coordinate. */
static ig_status lower_elems(ig_lower *l, const ig_node *n, const ig_dim *elems, int64_t count) {
  const ig_val *out = ig_node_out(n, 0);
  ig_pw c;
  if (!out) return NULL;
  ig_pw_begin(&c, l, n);
  ig_sreg r = count ? ig_s_dim(&c.b, elems[0]) : ig_s_i64(&c.b, IG_S_I64, 0);
  for (int64_t k = 1; k < count; k++) {
    const ig_sreg here = ig_pw_2(&c, IG_SOP_EQ, ig_s_coord(&c.b, 0), ig_s_i64(&c.b, IG_S_I64, k));
    r = ig_pw_select(&c, here, ig_s_dim(&c.b, elems[k]), r);
  }
  return ig_pw_finish(&c, l, r, NULL, 0);
}

static ig_status lower_shape(ig_lower *l, const ig_node *n) {
  int64_t start, count;
  shape_range(n, &start, &count);
  return lower_elems(l, n, &ig_node_in(n, 0)->dims[start], count);
}

static ig_status lower_size(ig_lower *l, const ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  const ig_dim d = ig_dim_product(&l->ir->dims, x->dims, (size_t)x->rank);
  return lower_elems(l, n, &d, 1);
}

static const ig_op_arg any_in[] = {{"data", 'T', IG_TYPES_TENSOR, 0}};
static const ig_op_arg shape_out[] = {{"shape", 0, IG_T(I64), 0}};
static const ig_op_arg size_out[] = {{"size", 0, IG_T(I64), 0}};
static const ig_op_attr shape_attrs[] = {{"start", IG_ATTR_INT, false, 0, 0, NULL}, {"end", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const shape_cases[] = {"f32[2,3,4]", "f32[2,3,4] start=1", "f32[2,3,4] start=-2 end=-1", "f32[]", NULL};
static const char *const size_cases[] = {"f32[2,3,4]", "f32[]", NULL};
const ig_op ig_op_Shape = {.domain = "",
                           .name = "Shape",
                           .since = 25,
                           .oldest = 1,
                           .cls = IG_CLASS_MAP,
                           .accuracy = IG_ACCURACY_EXACT,
                           IG_OP_ARGS(any_in, shape_out),
                           IG_OP_ATTRS(shape_attrs),
                           .infer = infer_shape,
                           .lower = lower_shape,
                           .cases = shape_cases};
const ig_op ig_op_Size = {.domain = "",
                          .name = "Size",
                          .since = 25,
                          .oldest = 1,
                          .cls = IG_CLASS_MAP,
                          .accuracy = IG_ACCURACY_EXACT,
                          IG_OP_ARGS(any_in, size_out),
                          .infer = infer_size,
                          .lower = lower_size,
                          .cases = size_cases};

/* ---- ConstantOfShape ---- */

static const ig_data *fill_value(const ig_node *n) {
  const ig_ir_attr *a = ig_node_attr(n, "value");
  return a && a->type == IG_ATTR_TENSOR ? a->v.tensor : NULL;
}

static ig_status infer_constant_of_shape(ig_node *n) {
  const ig_data *value = fill_value(n);
  ig_dim dims[IG_MAX_RANK];
  uint32_t rank;
  int64_t count = 1;
  IG_NODE_REQUIRE(n, !value || (ig_data_count(value, &count) && count == 1), IG_ERROR_BAD_MODEL, "attribute 'value' has %lld elements, not 1",
                  (long long)count);
  if (value) IG_TRY(ig_pw_check_type(n, value->dtype));
  IG_TRY(ig_infer_elems(n, 0, dims, IG_MAX_RANK, &rank));
  return ig_infer_set(n, 0, value ? value->dtype : IG_DTYPE_F32, rank, dims);
}

/* A value that only looks like a constant, to read an attribute's tensor through the same functions. */
static ig_val as_value(const ig_data *d) { return (ig_val){.dtype = d->dtype, .rank = (int8_t)d->rank, .data = d}; }

static ig_status dims_constant_of_shape(ig_node *n) {
  const ig_data *value = fill_value(n);
  ig_dim elems[IG_MAX_ELEMS];
  int64_t v = 0, count = 1;
  const ig_val *out = ig_node_out(n, 0);
  if (!out || out->rank > 1 || !value) return NULL;
  const ig_val shim = as_value(value);
  if (!ig_const_i64(&shim, 0, &v) || (out->rank == 1 && !ig_dim_is_const(ig_node_dims(n), out->dims[0], &count)) || count > IG_MAX_ELEMS) return NULL;
  for (int64_t k = 0; k < count; k++)
    elems[k] = ig_dim_const(ig_node_dims(n), v);
  return ig_elems_set(n, 0, elems, (uint32_t)count);
}

static ig_status lower_constant_of_shape(ig_lower *l, const ig_node *n) {
  const ig_data *value = fill_value(n);
  ig_pw c;
  uint32_t n_in = 0;
  if (!ig_node_out(n, 0)) return NULL;
  ig_pw_begin(&c, l, n);
  ig_val shim = value ? as_value(value) : (ig_val){0};
  const ig_sreg r = value ? ig_pw_operand(&c, &shim, NULL, &n_in) : ig_s_f64(&c.b, IG_S_F32, 0);
  return ig_pw_finish(&c, l, r, NULL, 0);
}

#define FILL_TYPES (IG_TYPES_TENSOR & ~(IG_T(STRING) | IG_T(C64) | IG_T(C128)))
static const ig_op_arg cos_in[] = {{"input", 0, IG_T(I64), 0}};
static const ig_op_arg cos_out[] = {{"output", 0, FILL_TYPES, 0}};
static const ig_op_attr cos_attrs[] = {{"value", IG_ATTR_TENSOR, false, 0, 0, NULL}};
static const char *const cos_cases[] = {"i64[2]=2,3", "i64[0]=", NULL};
const ig_op ig_op_ConstantOfShape = {.domain = "",
                                     .name = "ConstantOfShape",
                                     .since = 25,
                                     .oldest = 9,
                                     .cls = IG_CLASS_MAP,
                                     .accuracy = IG_ACCURACY_EXACT,
                                     IG_OP_ARGS(cos_in, cos_out),
                                     IG_OP_ATTRS(cos_attrs),
                                     .infer = infer_constant_of_shape,
                                     .dims = dims_constant_of_shape,
                                     .lower = lower_constant_of_shape,
                                     .cases = cos_cases};

/* ---- Range ---- */

/* ceil(span / step) for a step of at least 1. */
static ig_dim steps_in(ig_dims *t, ig_dim from, ig_dim to, ig_dim step) {
  return ig_dim_ceildiv(t, ig_dim_sub(t, to, from), ig_dim_max(t, step, ig_dim_const(t, 1)));
}

/* Number of elements from the three values as dims: ceil((limit - start) / delta), at least 0. Where the sign of delta is open, the values
 * decide, and that it is not 0 is a guard. */
static ig_status range_count(ig_node *n, ig_dim *out) {
  ig_dims *t = ig_node_dims(n);
  ig_dim v[3];
  uint32_t one;
  int64_t lo, hi;
  for (uint32_t i = 0; i < 3; i++)
    IG_TRY(ig_infer_elems(n, i, &v[i], 1, &one));
  ig_dim_range(t, v[2], &lo, &hi);
  IG_NODE_REQUIRE(n, lo != 0 || hi != 0, IG_ERROR_BAD_MODEL, "delta is 0");
  const ig_dim zero = ig_dim_const(t, 0), less = ig_dim_mul_c(t, v[2], -1);
  if (lo <= 0 && hi >= 0) IG_TRY(ig_dims_guard(t, IG_GUARD_GE, ig_dim_max(t, v[2], less), ig_dim_const(t, 1), n->name, "delta, whose size must be 1 or more"));
  const ig_dim up = lo > 0 || hi >= 0 ? steps_in(t, v[0], v[1], v[2]) : zero, down = lo <= 0 ? steps_in(t, v[1], v[0], less) : zero;
  const ig_dim count = lo > 0 ? up : hi < 0 ? down : ig_dim_select(t, ig_dim_ge(t, v[2], zero), up, down);
  *out = ig_dim_max(t, count, zero);
  return ig_infer_dims_done(n);
}

static ig_status infer_range(ig_node *n) {
  const ig_dtype dtype = ig_node_in(n, 0)->dtype;
  double start, limit, delta;
  ig_dim count;
  for (uint32_t i = 0; i < 3; i++)
    IG_TRY(ig_gen_require_scalar(n, i));
  const bool constant =
      ig_const_f64(ig_node_in(n, 0), 0, &start) && ig_const_f64(ig_node_in(n, 1), 0, &limit) && ig_const_f64(ig_node_in(n, 2), 0, &delta);
  const bool is_float = ig_type_bit(dtype) & IG_TYPES_FLOAT;
  if (constant && is_float) {
    IG_NODE_REQUIRE(n, delta != 0, IG_ERROR_BAD_MODEL, "delta is 0");
    const double steps = ceil((limit - start) / delta);
    IG_NODE_REQUIRE(n, steps < 1099511627776.0, IG_ERROR_BAD_MODEL, "the range has too many elements, or a bound is not finite");
    count = ig_dim_const(ig_node_dims(n), steps > 0 ? (int64_t)steps : 0);
  } else {
    IG_TRY(range_count(n, &count));
  }
  return ig_infer_set(n, 0, dtype, 1, &count);
}

static ig_status dims_range(ig_node *n) {
  ig_dims *t = ig_node_dims(n);
  ig_dim elems[IG_MAX_ELEMS];
  int64_t count;
  const ig_val *out = ig_node_out(n, 0);
  const ig_dim start = ig_elems_get(n, 0, 0), delta = ig_elems_get(n, 2, 0);
  if (!out || !ig_dim_is_const(t, out->dims[0], &count) || count > IG_MAX_ELEMS || start == IG_DIM_BAD || delta == IG_DIM_BAD) return NULL;
  for (int64_t k = 0; k < count; k++)
    elems[k] = ig_dim_add(t, start, ig_dim_mul_c(t, delta, k));
  return ig_elems_set(n, 0, elems, (uint32_t)count);
}

/* start + i * delta. */
static ig_status lower_range(ig_lower *l, const ig_node *n) {
  ig_val *in[2];
  uint32_t n_in = 0;
  ig_pw c;
  if (!ig_node_out(n, 0)) return NULL;
  ig_pw_begin(&c, l, n);
  ig_val *start = ig_gen_scalar(l, ig_node_in(n, 0)), *delta = ig_gen_scalar(l, ig_node_in(n, 2));
  if (l->error) return NULL;
  const ig_sreg s = ig_pw_operand(&c, start, in, &n_in), d = ig_pw_operand(&c, delta, in, &n_in);
  const ig_sreg i = ig_s_cast(&c.b, ig_s_coord(&c.b, 0), ig_s_type(&c.b, s));
  return ig_pw_finish(&c, l, ig_pw_2(&c, IG_SOP_ADD, s, ig_pw_2(&c, IG_SOP_MUL, i, d)), in, n_in);
}

#define RANGE_TYPES (IG_TYPES_FLOAT | IG_T(I16) | IG_T(I32) | IG_T(I64))
static const ig_op_arg range_in[] = {{"start", 'T', RANGE_TYPES, 0}, {"limit", 'T', RANGE_TYPES, 0}, {"delta", 'T', RANGE_TYPES, 0}};
static const ig_op_arg range_out[] = {{"output", 'T', RANGE_TYPES, 0}};
static const ig_op_attr range_attrs[] = {{"stash_type", IG_ATTR_INT, false, 1, 0, NULL}};
static const char *const range_cases[] = {"i64[]=2 i64[]=9 i64[]=3", "i32[]=10 i32[]=4 i32[]=-2", "f32[]=1 f32[]=5 f32[]=2",
                                          "i64[]=3 i64[]=3 i64[]=1", NULL};
const ig_op ig_op_Range = {.domain = "",
                           .name = "Range",
                           .since = 27,
                           .oldest = 11,
                           .cls = IG_CLASS_MAP,
                           .accuracy = IG_ACCURACY_EXACT,
                           IG_OP_ARGS(range_in, range_out),
                           IG_OP_ATTRS(range_attrs),
                           .infer = infer_range,
                           .dims = dims_range,
                           .lower = lower_range,
                           .cases = range_cases};

/* ---- EyeLike, Trilu ---- */

static ig_status infer_eye(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dtype d;
  IG_TRY(ig_infer_rank(n, x, "input", 2));
  IG_TRY(ig_op_attr_dtype(n, "dtype", x->dtype, &d));
  IG_TRY(ig_pw_check_type(n, d));
  return ig_infer_set(n, 0, d, 2, x->dims);
}

static ig_status lower_eye(ig_lower *l, const ig_node *n) {
  ig_pw c;
  if (!ig_node_out(n, 0)) return NULL;
  ig_pw_begin(&c, l, n);
  const ig_sreg off = ig_pw_2(&c, IG_SOP_SUB, ig_s_coord(&c.b, 1), ig_s_coord(&c.b, 0));
  const ig_sreg on = ig_pw_2(&c, IG_SOP_EQ, off, ig_s_i64(&c.b, IG_S_I64, ig_op_attr_i(n, "k")));
  return ig_pw_finish(&c, l, on, NULL, 0);
}

static ig_status infer_trilu(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  IG_NODE_REQUIRE(n, x->rank >= 2, IG_ERROR_BAD_MODEL, "input has %d dims, expected at least 2", x->rank);
  IG_TRY(ig_gen_require_scalar(n, 1));
  return ig_infer_same(n, 0, x);
}

static ig_status lower_trilu(ig_lower *l, const ig_node *n) {
  ig_val *in[2];
  const ig_val *x = ig_node_in(n, 0);
  uint32_t n_in = 0;
  ig_pw c;
  if (!ig_node_out(n, 0)) return NULL;
  ig_pw_begin(&c, l, n);
  ig_val *diagonal = ig_gen_scalar(l, ig_node_in(n, 1));
  if (l->error) return NULL;
  const bool opaque = ig_is_opaque(x->dtype);
  const ig_sreg v = opaque ? 0 : ig_pw_operand(&c, ig_node_in(n, 0), in, &n_in);
  const ig_sreg k = diagonal ? ig_pw_operand(&c, diagonal, in, &n_in) : ig_s_i64(&c.b, IG_S_I64, 0);
  const ig_sreg off = ig_pw_2(&c, IG_SOP_SUB, ig_s_coord(&c.b, (uint32_t)x->rank - 1), ig_s_coord(&c.b, (uint32_t)x->rank - 2));
  const ig_sreg keep = ig_op_attr_i(n, "upper") ? ig_pw_2(&c, IG_SOP_LE, k, off) : ig_pw_2(&c, IG_SOP_LE, off, k);
  if (opaque) return ig_opaque_select(&c, l, keep, in, n_in, ig_node_in(n, 0), ig_opaque_zero(l, x->dtype));
  return ig_pw_finish(&c, l, ig_pw_select(&c, keep, v, ig_s_i64(&c.b, ig_s_type(&c.b, v), 0)), in, n_in);
}

#define EYE_TYPES (IG_TYPES_NUMERIC | IG_T(BOOL))
#define PLAIN_TYPES (IG_TYPES_TENSOR & ~(IG_TYPES_FLOAT8 | IG_TYPES_SUBBYTE))
static const ig_op_arg eye_in[] = {{"input", 'S', EYE_TYPES, 0}};
static const ig_op_arg eye_out[] = {{"output", 'T', EYE_TYPES, 0}};
static const ig_op_attr eye_attrs[] = {{"k", IG_ATTR_INT, false, 0, 0, NULL}, {"dtype", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const eye_cases[] = {"i32[3,4]", "f32[4,3] k=1 dtype=11", "i64[2,2] k=-1", NULL};
const ig_op ig_op_EyeLike = {.domain = "",
                             .name = "EyeLike",
                             .since = 22,
                             .oldest = 9,
                             .cls = IG_CLASS_MAP,
                             .accuracy = IG_ACCURACY_EXACT,
                             IG_OP_ARGS(eye_in, eye_out),
                             IG_OP_ATTRS(eye_attrs),
                             .infer = infer_eye,
                             .lower = lower_eye,
                             .cases = eye_cases};
static const ig_op_arg trilu_in[] = {{"input", 'T', PLAIN_TYPES, 0}, {"k", 0, IG_T(I64), IG_ARG_OPTIONAL}};
static const ig_op_arg trilu_out[] = {{"output", 'T', PLAIN_TYPES, 0}};
static const ig_op_attr trilu_attrs[] = {{"upper", IG_ATTR_INT, false, 1, 0, NULL}};
static const char *const trilu_cases[] = {"f32[3,4]", "i64[2,3,3] i64[]=1", "bool[3,3] upper=0", "string[2,3,4] i64[]=1", "c64[3,2] upper=0", "c128[2,2] i64[]=-1", NULL};
const ig_op ig_op_Trilu = {.domain = "",
                           .name = "Trilu",
                           .since = 14,
                           .oldest = 14,
                           .cls = IG_CLASS_MAP,
                           .accuracy = IG_ACCURACY_EXACT,
                           IG_OP_ARGS(trilu_in, trilu_out),
                           IG_OP_ATTRS(trilu_attrs),
                           .infer = infer_trilu,
                           .lower = lower_trilu,
                           .cases = trilu_cases};

/* ---- OneHot ---- */

static ig_status infer_one_hot(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0), *values = ig_node_in(n, 2);
  ig_dim depth, dims[IG_MAX_RANK + 1];
  uint32_t one;
  int64_t axis;
  IG_TRY(ig_infer_rank(n, values, "values", 1));
  IG_TRY(ig_infer_equal(n, values->dims[0], ig_dim_const(ig_node_dims(n), 2), "length of values", NULL));
  IG_TRY(ig_gen_require_scalar(n, 1));
  IG_TRY(ig_infer_elems(n, 1, &depth, 1, &one));
  IG_TRY(ig_axis(n, ig_op_attr_i(n, "axis"), x->rank + 1, &axis));
  for (int k = 0; k <= x->rank; k++)
    dims[k] = k == axis ? depth : x->dims[k < axis ? k : k - 1];
  return ig_infer_set(n, 0, values->dtype, (uint32_t)x->rank + 1, dims);
}

/* values[k], a scalar. */
static ig_val *pick(ig_lower *l, ig_val *values, int64_t k) {
  const ig_dim start = ig_dim_const(&l->ir->dims, k), one = ig_dim_const(&l->ir->dims, 1);
  return ig_lo_reshape(l, ig_lo_slice(l, values, &start, NULL, &one), 0, NULL);
}

/* Negative indices count from the end; those outside match no coordinate. */
static ig_status lower_one_hot(ig_lower *l, const ig_node *n) {
  const ig_val *out = ig_node_out(n, 0);
  ig_val *x = ig_node_in(n, 0), *in[3];
  ig_dim dims[IG_MAX_RANK];
  uint32_t n_in = 0;
  int64_t axis;
  ig_pw c;
  if (!out) return NULL;
  IG_TRY(ig_axis(n, ig_op_attr_i(n, "axis"), out->rank, &axis));
  for (int k = 0; k < out->rank; k++)
    dims[k] = k == axis ? ig_dim_const(&l->ir->dims, 1) : out->dims[k];
  x = ig_lo_reshape(l, x, (uint32_t)out->rank, dims);
  const bool opaque = ig_is_opaque(out->dtype);
  ig_val *off = opaque ? NULL : pick(l, ig_node_in(n, 2), 0), *on = opaque ? NULL : pick(l, ig_node_in(n, 2), 1);
  if (l->error) return NULL;
  ig_pw_begin(&c, l, n);
  ig_sreg i = ig_s_cast(&c.b, ig_pw_operand(&c, x, in, &n_in), IG_S_I64);
  const ig_sreg depth = ig_s_dim(&c.b, out->dims[axis]);
  i = ig_pw_select(&c, ig_pw_2(&c, IG_SOP_LT, i, ig_s_i64(&c.b, IG_S_I64, 0)), ig_pw_2(&c, IG_SOP_ADD, i, depth), i);
  const ig_sreg here = ig_pw_2(&c, IG_SOP_EQ, i, ig_s_coord(&c.b, (uint32_t)axis));
  if (opaque) return ig_opaque_finish(&c, l, ig_pw_select(&c, here, ig_s_i64(&c.b, IG_S_I64, 1), ig_s_i64(&c.b, IG_S_I64, 0)), in, n_in, ig_node_in(n, 2));
  const ig_sreg v_on = ig_pw_operand(&c, on, in, &n_in), v_off = ig_pw_operand(&c, off, in, &n_in);
  return ig_pw_finish(&c, l, ig_pw_select(&c, here, v_on, v_off), in, n_in);
}

#define INDEX_TYPES (IG_TYPES_NUMERIC & ~IG_T(BF16))
static const ig_op_arg hot_in[] = {{"indices", 'I', INDEX_TYPES, 0}, {"depth", 'D', INDEX_TYPES, 0}, {"values", 'T', PLAIN_TYPES, 0}};
static const ig_op_arg hot_out[] = {{"output", 'T', PLAIN_TYPES, 0}};
static const ig_op_attr hot_attrs[] = {{"axis", IG_ATTR_INT, false, -1, 0, NULL}};
static const char *const hot_cases[] = {"i64[2,3] i64[]=5 f32[2]", "i32[3] i64[1]=4 i32[2] axis=0", "f32[2] f32[]=3 bool[2]", "i32[2,3] i64[]=4 string[2] axis=0", "i64[3] i64[]=2 c64[2]", NULL};
const ig_op ig_op_OneHot = {.domain = "",
                            .name = "OneHot",
                            .since = 28,
                            .oldest = 9,
                            .cls = IG_CLASS_MAP,
                            .accuracy = IG_ACCURACY_EXACT,
                            IG_OP_ARGS(hot_in, hot_out),
                            IG_OP_ATTRS(hot_attrs),
                            .infer = infer_one_hot,
                            .lower = lower_one_hot,
                            .cases = hot_cases};
