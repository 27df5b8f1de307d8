/* Resize and Upsample: one resize request.
 *
 * Upsample and Resize of opset 10 are Resize with asymmetric coordinates and the floor; import says so. Scales and roi are part of the request, so
 * they must be known at build time; sizes may be dim expressions.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/structured.h"

/* The number of a name in a list that ends in NULL; BAD_MODEL naming the attribute. */
static ig_status choose(const ig_node *n, const char *attr, const char *def, const char *const *names, int64_t *out) {
  const char *s = ig_node_attr_s(n, attr, def);
  for (*out = 0; names[*out]; ++*out)
    if (strcmp(names[*out], s) == 0) return NULL;
  IG_NODE_FAIL(n, IG_ERROR_BAD_MODEL, "attribute '%s' has the unknown value '%s'", attr, s);
}

static ig_status choose_filter(const ig_node *n, ig_resize_params *p) {
  static const char *const modes[] = {"nearest", "linear", "bilinear", "cubic", NULL};
  static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil", NULL};
  static const char *const rules[] = {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
                                      "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize", NULL};
  int64_t mode;
  IG_TRY(choose(n, "mode", "nearest", modes, &mode));
  IG_TRY(choose(n, "nearest_mode", "round_prefer_floor", roundings, &p->filter));
  IG_TRY(choose(n, "coordinate_transformation_mode", "half_pixel", rules, &p->coordinate));
  if (mode > 0) p->filter = mode == 3 ? IG_RESIZE_CUBIC : IG_RESIZE_LINEAR;
  p->antialias = ig_node_attr_i(n, "antialias", 0) != 0 && mode > 0;
  p->exclude_outside = ig_node_attr_i(n, "exclude_outside", 0) != 0 && mode > 0;
  p->cubic_a = (double)ig_node_attr_f(n, "cubic_coeff_a", -0.75f);
  p->extrapolation = (double)ig_node_attr_f(n, "extrapolation_value", 0);
  return NULL;
}

/* Axes that scales, sizes and roi speak of, in their order. */
static ig_status choose_axes(const ig_node *n, uint8_t *axes, uint32_t *out_n, int64_t *out_mask) {
  const int rank = ig_node_in(n, 0)->rank;
  const int64_t *given = ig_node_attr_ints(n, "axes", out_n);
  if (!given) *out_n = (uint32_t)rank;
  IG_NODE_REQUIRE(n, *out_n <= (uint32_t)rank, IG_ERROR_BAD_MODEL, "%u axes of an input with %d dims", *out_n, rank);
  *out_mask = 0;
  for (uint32_t i = 0; i < *out_n; i++) {
    int64_t a = i;
    if (given) IG_TRY(ig_axis(n, given[i], rank, &a));
    IG_NODE_REQUIRE(n, !(*out_mask >> a & 1), IG_ERROR_BAD_MODEL, "axis %lld is named twice", (long long)a);
    *out_mask |= (int64_t)1 << a;
    axes[i] = (uint8_t)a;
  }
  return NULL;
}

/* Float input i, of `count` elements, known at build time. */
static ig_status read_floats(ig_node *n, uint32_t i, uint32_t count, double *out) {
  const ig_val *v = ig_node_in(n, i);
  int64_t have;
  IG_NODE_REQUIRE(n, v->rank == 1, IG_ERROR_BAD_MODEL, "input '%s' has %d dims, expected 1", v->name, v->rank);
  IG_NODE_REQUIRE(n, !ig_dim_is_const(ig_node_dims(n), v->dims[0], &have) || have == count, IG_ERROR_BAD_MODEL,
                  "input '%s' has %lld elements, expected %u", v->name, (long long)have, count);
  for (uint32_t k = 0; k < count; k++) {
    if (ig_const_f64(v, k, &out[k])) continue;
    ig_dim unknown[2 * IG_MAX_RANK];
    uint32_t n_unknown;
    IG_TRY(ig_infer_elems(n, i, unknown, IG_COUNT(unknown), &n_unknown));
    IG_NODE_FAIL(n, IG_ERROR_UNSUPPORTED, "the values of input '%s' are not known at build time", v->name);
  }
  return NULL;
}

static bool is_given(const ig_node *n, uint32_t i) {
  const ig_val *v = ig_node_in(n, i);
  return v && !(v->rank == 1 && ig_dim_equals(ig_node_dims(n), v->dims[0], 0));
}

static ig_status read_extents(ig_node *n, ig_resize_params *p, const uint8_t *axes, uint32_t n_axes) {
  static const char *const policies[] = {"", "stretch", "not_larger", "not_smaller", NULL};
  double scales[IG_MAX_RANK];
  ig_dim sizes[IG_MAX_RANK];
  uint32_t count;
  IG_NODE_REQUIRE(n, is_given(n, 2) != is_given(n, 3), IG_ERROR_BAD_MODEL, "exactly one of scales and sizes is needed");
  if (is_given(n, 2)) {
    p->rule = IG_RESIZE_SCALES;
    IG_TRY(read_floats(n, 2, n_axes, scales));
    for (uint32_t i = 0; i < n_axes; i++)
      p->scale[axes[i]] = scales[i];
    return NULL;
  }
  IG_TRY(choose(n, "keep_aspect_ratio_policy", "stretch", policies, &p->rule));
  IG_NODE_REQUIRE(n, p->rule != IG_RESIZE_SCALES, IG_ERROR_BAD_MODEL, "attribute 'keep_aspect_ratio_policy' is empty");
  IG_TRY(ig_infer_elems(n, 3, sizes, IG_MAX_RANK, &count));
  IG_NODE_REQUIRE(n, count == n_axes, IG_ERROR_BAD_MODEL, "sizes has %u entries for %u axes", count, n_axes);
  for (uint32_t i = 0; i < n_axes; i++)
    p->size[axes[i]] = sizes[i];
  return NULL;
}

static ig_status read_roi(ig_node *n, ig_resize_params *p, const uint8_t *axes, uint32_t n_axes) {
  double roi[2 * IG_MAX_RANK];
  for (int k = 0; k < IG_MAX_RANK; k++)
    p->roi_hi[k] = 1;
  if (p->coordinate != IG_RESIZE_CROP) return NULL;
  IG_NODE_REQUIRE(n, is_given(n, 1), IG_ERROR_BAD_MODEL, "tf_crop_and_resize needs the input roi");
  IG_TRY(read_floats(n, 1, 2 * n_axes, roi));
  for (uint32_t i = 0; i < n_axes; i++) {
    p->roi_lo[axes[i]] = roi[i];
    p->roi_hi[axes[i]] = roi[n_axes + i];
  }
  return NULL;
}

static ig_status resize_params(ig_node *n, ig_resize_params *p) {
  uint8_t axes[IG_MAX_RANK];
  uint32_t n_axes;
  const ig_dim zero = ig_dim_const(ig_node_dims(n), 0);
  *p = (ig_resize_params){.filter = 0};
  for (int k = 0; k < IG_MAX_RANK; k++)
    p->size[k] = zero;
  IG_TRY(choose_filter(n, p));
  IG_TRY(choose_axes(n, axes, &n_axes, &p->axes_mask));
  IG_TRY(read_extents(n, p, axes, n_axes));
  return read_roi(n, p, axes, n_axes);
}

static ig_status resize_infer(ig_node *n) {
  ig_val *x = ig_node_in(n, 0);
  ig_resize_params p;
  ig_dim out[1][IG_MAX_RANK];
  uint8_t rank;
  IG_TRY(resize_params(n, &p));
  IG_TRY(ig_infer_kernel(n, IG_KIND_resize, &p, &x, 1, 1, out, &rank));
  return ig_infer_set(n, 0, x->dtype, rank, out[0]);
}

static ig_status resize_lower(ig_lower *l, const ig_node *n) {
  ig_val *x = ig_node_in(n, 0);
  ig_resize_params p;
  IG_TRY(resize_params((ig_node *)(uintptr_t)n, &p));
  ig_lo_result(l, 0, ig_lo_kernel1(l, IG_KIND_resize, &p, &x, 1, x->dtype));
  return NULL;
}

/* ---- import ---- */

static ig_status set_string(ig_node *n, const char *attr, const char *v) {
  const ig_ir_attr a = {.name = attr, .type = IG_ATTR_STRING, .n = (uint32_t)strlen(v), .v = {.s = v}};
  return ig_node_set_attr(n, &a);
}

/* Inputs x, scales become x, roi (left out), scales. */
static ig_status old_form(ig_node *n) {
  ig_val *scales = ig_node_in(n, 1);
  IG_TRY(ig_adapt_input(n, 2, scales));
  n->in[1] = NULL;
  IG_TRY(set_string(n, "coordinate_transformation_mode", "asymmetric"));
  return set_string(n, "nearest_mode", "floor");
}

static ig_status resize_import(ig_node *n, int64_t opset) { return opset < 11 ? old_form(n) : NULL; }

/* Opset 7 has the scales in an attribute. */
static ig_status upsample_import(ig_node *n, int64_t opset) {
  const ig_ir_attr *a = ig_node_attr(n, "scales");
  if (opset < 9 && a && a->type == IG_ATTR_FLOATS) {
    const int64_t count = a->n;
    ig_val *v = ig_val_const_bytes(n->graph, NULL, IG_DTYPE_F32, 1, &count, a->v.floats);
    if (!v) return ig_arena_status(ig_node_arena(n));
    ig_adapt_drop(n, "scales");
    IG_TRY(ig_adapt_input(n, 1, v));
  }
  return old_form(n);
}

#define TYPES (IG_TYPES_NUMERIC | IG_T(STRING) | IG_T(BOOL) | IG_T(C64) | IG_T(C128))
static const ig_op_arg resize_in[] = {{"X", 'T', TYPES, 0},
                                      {"roi", 0, IG_T(F16) | IG_T(F32) | IG_T(F64), IG_ARG_OPTIONAL},
                                      {"scales", 0, IG_T(F32), IG_ARG_OPTIONAL},
                                      {"sizes", 0, IG_T(I64), IG_ARG_OPTIONAL}};
static const ig_op_arg resize_out[] = {{"Y", 'T', TYPES, 0}};
static const ig_op_attr resize_attrs[] = {{"antialias", IG_ATTR_INT, false, 0, 0, NULL},
                                          {"axes", IG_ATTR_INTS, false, 0, 0, NULL},
                                          {"coordinate_transformation_mode", IG_ATTR_STRING, false, 0, 0, "half_pixel"},
                                          {"cubic_coeff_a", IG_ATTR_FLOAT, false, 0, -0.75f, NULL},
                                          {"exclude_outside", IG_ATTR_INT, false, 0, 0, NULL},
                                          {"extrapolation_value", IG_ATTR_FLOAT, false, 0, 0, NULL},
                                          {"keep_aspect_ratio_policy", IG_ATTR_STRING, false, 0, 0, "stretch"},
                                          {"mode", IG_ATTR_STRING, false, 0, 0, "nearest"},
                                          {"nearest_mode", IG_ATTR_STRING, false, 0, 0, "round_prefer_floor"}};
static const char *const resize_cases[] = {
    "f32[1,2,3,4] - f32[4]=1,1,2,2",
    "f32[1,1,4,4] - f32[4]=1,1,0.6,0.6 mode=linear antialias=1",
    "f32[1,1,4,4] - - i64[2]=7,3 axes=2,3 mode=cubic cubic_coeff_a=-0.5 exclude_outside=1",
    "f64[1,1,5,4] f64[4]=0.4,0.6,1.2,0.9 - i64[2]=3,3 axes=2,3 mode=linear coordinate_transformation_mode=tf_crop_and_resize extrapolation_value=9",
    "u8[1,4,6] - - i64[2]=6,9 axes=-2,-1 mode=linear keep_aspect_ratio_policy=not_larger",
    "string[2,2] - f32[2]=1.5,2 nearest_mode=ceil coordinate_transformation_mode=align_corners",
    "f16[1,1,4,4] - f32[4]=1,1,2,2 mode=cubic coordinate_transformation_mode=half_pixel_symmetric",
    NULL};
const ig_op ig_op_Resize = {.domain = "",
                            .name = "Resize",
                            .since = 19,
                            .oldest = 10,
                            .cls = IG_CLASS_KIND,
                            IG_OP_ARGS(resize_in, resize_out),
                            IG_OP_ATTRS(resize_attrs),
                            .import = resize_import,
                            .infer = resize_infer,
                            .lower = resize_lower,
                            .cases = resize_cases};

static const ig_op_arg upsample_in[] = {{"X", 'T', TYPES, 0}, {"roi", 0, IG_T(F32), IG_ARG_OPTIONAL}, {"scales", 0, IG_T(F32), 0}};
static const ig_op_attr upsample_attrs[] = {{"mode", IG_ATTR_STRING, false, 0, 0, "nearest"},
                                            {"coordinate_transformation_mode", IG_ATTR_STRING, false, 0, 0, "asymmetric"},
                                            {"nearest_mode", IG_ATTR_STRING, false, 0, 0, "floor"}};
static const char *const upsample_cases[] = {"f32[1,1,2,2] - f32[4]=1,1,2,3 coordinate_transformation_mode=asymmetric nearest_mode=floor",
                                             "f32[1,1,2,2] - f32[4]=1,1,2,2 mode=linear coordinate_transformation_mode=asymmetric nearest_mode=floor",
                                             NULL};
const ig_op ig_op_Upsample = {.domain = "",
                              .name = "Upsample",
                              .since = 10,
                              .oldest = 7,
                              .cls = IG_CLASS_KIND,
                              IG_OP_ARGS(upsample_in, resize_out),
                              IG_OP_ATTRS(upsample_attrs),
                              .import = upsample_import,
                              .infer = resize_infer,
                              .lower = resize_lower,
                              .cases = upsample_cases};
