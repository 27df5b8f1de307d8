/* LayerNormalization, RMSNormalization, InstanceNormalization, GroupNormalization, LpNormalization, MeanVarianceNormalization, ml Normalizer:
 * one norm request after a view that puts the normalised dims last.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/structured.h"

/* y, and where wanted mean and 1 / deviation, of x normalised over its dims from axis on. scale, bias: dims that broadcast to x's, or NULL. */
typedef struct norm_desc {
  ig_val *x, *scale, *bias;
  ig_norm_params params;
  ig_dtype dtype, statistics;
  bool mean, inv_std;
} norm_desc;

static bool norm(ig_lower *l, const norm_desc *d, ig_val **out) {
  if (!d->x) return false;
  const uint32_t rank = (uint32_t)d->x->rank;
  ig_val *in[3] = {d->x, d->scale ? ig_lo_expand(l, d->scale, rank, d->x->dims) : NULL, d->bias ? ig_lo_expand(l, d->bias, rank, d->x->dims) : NULL};
  const ig_dtype dtypes[3] = {d->dtype, d->mean ? d->statistics : IG_DTYPE_NONE, d->inv_std ? d->statistics : IG_DTYPE_NONE};
  const ig_lo_kernel_desc k = {.kind = IG_KIND_norm,
                               .params = &d->params,
                               .in = in,
                               .n_in = d->bias    ? 3
                                       : d->scale ? 2
                                                  : 1,
                               .out_dtypes = dtypes,
                               .n_out = d->inv_std ? 3
                                        : d->mean  ? 2
                                                   : 1};
  return ig_lo_kernel(l, &k, out);
}

/* The type in which statistics are kept: attribute stash_type. */
static ig_status read_stash(const ig_node *n, ig_dtype *out) {
  IG_TRY(ig_op_attr_dtype(n, "stash_type", IG_DTYPE_F32, out));
  IG_NODE_REQUIRE(n, ig_type_bit(*out) & IG_TYPES_FLOAT, IG_ERROR_BAD_MODEL, "stash_type %s is no float type", ig_dtype_name(*out));
  return NULL;
}

/* Statistics are computed in float64 for double inputs as well, which is never less precise than asked for. */
static int64_t stash_of(ig_dtype x, ig_dtype stash) { return x == IG_DTYPE_F64 || stash == IG_DTYPE_F64 ? IG_S_F64 : IG_S_F32; }

static double epsilon(const ig_node *n) { return (double)ig_node_attr_f(n, "epsilon", 1e-5f); }

/* A vector over the channels as [1, n, 1, ..] of this rank. */
static ig_val *channels(ig_lower *l, ig_val *v, uint32_t rank) {
  ig_dim dims[IG_MAX_RANK];
  for (uint32_t i = 0; i < rank; i++)
    dims[i] = i == 1 ? v->dims[0] : ig_dim_const(&l->ir->dims, 1);
  return ig_lo_reshape(l, v, rank, dims);
}

/* ---- LayerNormalization, RMSNormalization ---- */

static ig_status check_parameter(ig_node *n, const ig_val *v, const char *what) {
  const ig_val *x = ig_node_in(n, 0);
  if (!v) return NULL;
  IG_NODE_REQUIRE(n, v->rank <= x->rank, IG_ERROR_BAD_MODEL, "%s '%s' has %d dims, the input %d", what, v->name, v->rank, x->rank);
  for (int k = 0; k < v->rank; k++) {
    if (!ig_dim_equals(ig_node_dims(n), v->dims[k], 1)) IG_TRY(ig_infer_equal(n, v->dims[k], x->dims[k + x->rank - v->rank], what, NULL));
  }
  return NULL;
}

static ig_status layer_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  int64_t axis;
  ig_dtype stash;
  ig_dim dims[IG_MAX_RANK];
  IG_TRY(ig_axis(n, ig_node_attr_i(n, "axis", -1), x->rank, &axis));
  IG_TRY(read_stash(n, &stash));
  IG_TRY(check_parameter(n, ig_node_in(n, 1), "scale"));
  IG_TRY(check_parameter(n, ig_node_in(n, 2), "bias"));
  for (int k = 0; k < x->rank; k++)
    dims[k] = k < axis ? x->dims[k] : ig_dim_const(ig_node_dims(n), 1);
  IG_TRY(ig_infer_set(n, 0, strcmp(n->op->name, "RMSNormalization") == 0 ? ig_node_in(n, 1)->dtype : x->dtype, (uint32_t)x->rank, x->dims));
  IG_TRY(ig_infer_set(n, 1, stash, (uint32_t)x->rank, dims));
  return ig_infer_set(n, 2, stash, (uint32_t)x->rank, dims);
}

static ig_status layer_lower_as(ig_lower *l, const ig_node *n, int64_t mode) {
  ig_val *x = ig_node_in(n, 0), *out[3] = {NULL, NULL, NULL};
  int64_t axis;
  ig_dtype stash;
  IG_TRY(ig_axis(n, ig_node_attr_i(n, "axis", -1), x->rank, &axis));
  IG_TRY(read_stash(n, &stash));
  const norm_desc d = {.x = x,
                       .scale = ig_node_in(n, 1),
                       .bias = ig_node_in(n, 2),
                       .params = {.axis = axis, .mode = mode, .stash = stash_of(x->dtype, stash), .eps = epsilon(n)},
                       .dtype = ig_node_out(n, 0) ? n->out[0]->dtype : x->dtype,
                       .statistics = stash,
                       .mean = ig_node_out(n, 1),
                       .inv_std = ig_node_out(n, 2)};
  if (!norm(l, &d, out)) return NULL;
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i]) ig_lo_result(l, i, out[i]);
  return NULL;
}

static ig_status layer_lower(ig_lower *l, const ig_node *n) { return layer_lower_as(l, n, IG_NORM_LAYER); }
static ig_status rms_lower(ig_lower *l, const ig_node *n) { return layer_lower_as(l, n, IG_NORM_RMS); }

static const ig_op_arg layer_in[] = {{"X", 'T', IG_TYPES_FLOAT, 0}, {"Scale", 'T', IG_TYPES_FLOAT, 0}, {"B", 'T', IG_TYPES_FLOAT, IG_ARG_OPTIONAL}};
static const ig_op_arg layer_out[] = {
    {"Y", 'T', IG_TYPES_FLOAT, 0}, {"Mean", 'U', IG_TYPES_FLOAT, IG_ARG_OPTIONAL}, {"InvStdDev", 'U', IG_TYPES_FLOAT, IG_ARG_OPTIONAL}};
static const ig_op_attr layer_attrs[] = {
    {"axis", IG_ATTR_INT, false, -1, 0, NULL}, {"epsilon", IG_ATTR_FLOAT, false, 0, 1e-5f, NULL}, {"stash_type", IG_ATTR_INT, false, 1, 0, NULL}};
static const char *const layer_cases[] = {"f32[2,3,4] f32[4] f32[4]", "f32[2,3,4] f32[3,4] axis=1 -> 3", "f16[0,4] f16[4]",
                                          "f64[2,4] f64[1] f64[4] epsilon=0.1", NULL};
const ig_op ig_op_LayerNormalization = {.domain = "",
                                        .name = "LayerNormalization",
                                        .since = 17,
                                        .oldest = 1,
                                        .cls = IG_CLASS_KIND,
                                        IG_OP_ARGS(layer_in, layer_out),
                                        IG_OP_ATTRS(layer_attrs),
                                        .infer = layer_infer,
                                        .lower = layer_lower,
                                        .cases = layer_cases};
static const ig_op_arg rms_in[] = {{"X", 'T', IG_TYPES_FLOAT, 0}, {"scale", 'V', IG_TYPES_FLOAT, 0}};
static const ig_op_arg rms_out[] = {{"Y", 'V', IG_TYPES_FLOAT, 0}};
static const char *const rms_cases[] = {"f32[2,3,4] f32[4]", "f32[2,3,4] f32[3,4] axis=1", "f16[2,4] f32[4]", NULL};
const ig_op ig_op_RMSNormalization = {.domain = "",
                                      .name = "RMSNormalization",
                                      .since = 23,
                                      .oldest = 23,
                                      .cls = IG_CLASS_KIND,
                                      IG_OP_ARGS(rms_in, rms_out),
                                      IG_OP_ATTRS(layer_attrs),
                                      .infer = layer_infer,
                                      .lower = rms_lower,
                                      .cases = rms_cases};

/* ---- InstanceNormalization, GroupNormalization ---- */

static ig_status instance_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  IG_NODE_REQUIRE(n, x->rank >= 3, IG_ERROR_BAD_MODEL, "input '%s' has %d dims, at least 3 are needed: batch, channels, and one spatial dim", x->name,
                  x->rank);
  for (uint32_t i = 1; i < 3; i++) {
    IG_TRY(ig_infer_rank(n, ig_node_in(n, i), i == 1 ? "scale" : "bias", 1));
    IG_TRY(ig_infer_equal(n, ig_node_in(n, i)->dims[0], x->dims[1], "parameters and channels", NULL));
  }
  return ig_infer_same(n, 0, x);
}

/* Exporters write group norm as instance norm of [N, C, spatial..] reshaped to [N, groups, rest]. That x as [N, groups, channels of a group, spatial]: the
 * same elements, but channels and pixels stay axes of their own, so that the map may lie channels last. Else x as it is. */
static ig_val *apart(ig_lower *l, ig_val *x) {
  ig_dims *t = &l->ir->dims;
  const ig_node *p = x->data ? NULL : x->producer;
  int64_t c, groups;
  if (x->rank != 3 || !p || p->form != IG_FORM_VIEW || p->view.op != IG_VIEW_RESHAPE) return x;
  ig_val *map = ig_node_in(p, 0);
  if (map->rank < 3 || !ig_dim_is_const(t, map->dims[1], &c) || !ig_dim_is_const(t, x->dims[1], &groups)) return x;
  if (groups < 1 || c % groups != 0 || map->dims[0] != x->dims[0]) return x;
  const ig_dim dims[4] = {x->dims[0], x->dims[1], ig_dim_const(t, c / groups), ig_dim_product(t, map->dims + 2, (size_t)map->rank - 2)};
  return ig_lo_reshape(l, map, 4, dims);
}

static ig_status instance_lower(ig_lower *l, const ig_node *n) {
  ig_val *whole = ig_node_in(n, 0), *x = apart(l, whole), *y = NULL;
  if (!x) return NULL;
  const norm_desc d = {.x = x,
                       .scale = channels(l, ig_node_in(n, 1), (uint32_t)x->rank),
                       .bias = channels(l, ig_node_in(n, 2), (uint32_t)x->rank),
                       .params = {.axis = 2, .mode = IG_NORM_LAYER, .stash = stash_of(x->dtype, IG_DTYPE_F32), .eps = epsilon(n)},
                       .dtype = x->dtype};
  if (norm(l, &d, &y)) ig_lo_result(l, 0, ig_lo_reshape(l, y, (uint32_t)whole->rank, whole->dims));
  return NULL;
}

static const ig_op_arg instance_in[] = {{"input", 'T', IG_TYPES_FLOAT, 0}, {"scale", 'T', IG_TYPES_FLOAT, 0}, {"B", 'T', IG_TYPES_FLOAT, 0}};
static const ig_op_arg instance_out[] = {{"output", 'T', IG_TYPES_FLOAT, 0}};
static const ig_op_attr instance_attrs[] = {{"epsilon", IG_ATTR_FLOAT, false, 0, 1e-5f, NULL}};
static const char *const instance_cases[] = {"f32[2,3,4,5] f32[3] f32[3]", "f16[1,2,7] f16[2] f16[2] epsilon=0.01", NULL};
const ig_op ig_op_InstanceNormalization = {.domain = "",
                                           .name = "InstanceNormalization",
                                           .since = 22,
                                           .oldest = 6,
                                           .cls = IG_CLASS_KIND,
                                           IG_OP_ARGS(instance_in, instance_out),
                                           IG_OP_ATTRS(instance_attrs),
                                           .infer = instance_infer,
                                           .lower = instance_lower,
                                           .cases = instance_cases};

/* Version 18 has a scale and a bias per group, later ones per channel; the private attribute `per_group` says so. */
static ig_status group_import(ig_node *n, int64_t opset) { return opset < 21 ? ig_adapt_set_int(n, "per_group", 1) : NULL; }

static ig_status group_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dims *t = ig_node_dims(n);
  const int64_t groups = ig_node_attr_i(n, "num_groups", 0);
  ig_dtype stash;
  IG_TRY(read_stash(n, &stash));
  IG_NODE_REQUIRE(n, x->rank >= 2, IG_ERROR_BAD_MODEL, "input '%s' has %d dims, at least 2 are needed: batch and channels", x->name, x->rank);
  IG_NODE_REQUIRE(n, groups >= 1, IG_ERROR_BAD_MODEL, "num_groups is %lld, which must be 1 or more", (long long)groups);
  const ig_dim g = ig_dim_const(t, groups);
  IG_TRY(ig_infer_equal(n, ig_dim_mod(t, x->dims[1], g), ig_dim_const(t, 0), "channels modulo num_groups and 0", NULL));
  for (uint32_t i = 1; i < 3; i++) {
    IG_TRY(ig_infer_rank(n, ig_node_in(n, i), i == 1 ? "scale" : "bias", 1));
    IG_TRY(
        ig_infer_equal(n, ig_node_in(n, i)->dims[0], ig_node_attr_i(n, "per_group", 0) ? g : x->dims[1], "parameters and channels or groups", NULL));
  }
  return ig_infer_same(n, 0, x);
}

/* A parameter as [1, groups, channels per group or 1, 1]. */
static ig_val *group_parameter(ig_lower *l, const ig_node *n, ig_val *v, ig_dim groups, ig_dim per_group) {
  const ig_dim one = ig_dim_const(&l->ir->dims, 1), dims[4] = {one, groups, ig_node_attr_i(n, "per_group", 0) ? one : per_group, one};
  return ig_lo_reshape(l, v, 4, dims);
}

static ig_status group_lower(ig_lower *l, const ig_node *n) {
  ig_dims *t = &l->ir->dims;
  ig_val *x = ig_node_in(n, 0), *y = NULL;
  ig_dtype stash;
  IG_TRY(read_stash(n, &stash));
  const ig_dim groups = ig_dim_const(t, ig_node_attr_i(n, "num_groups", 1)), per_group = ig_dim_floordiv(t, x->dims[1], groups);
  const ig_dim dims[4] = {x->dims[0], groups, per_group, ig_dim_product(t, x->dims + 2, (size_t)x->rank - 2)};
  const norm_desc d = {.x = ig_lo_reshape(l, x, 4, dims),
                       .scale = group_parameter(l, n, ig_node_in(n, 1), groups, per_group),
                       .bias = group_parameter(l, n, ig_node_in(n, 2), groups, per_group),
                       .params = {.axis = 2, .mode = IG_NORM_LAYER, .stash = stash_of(x->dtype, stash), .eps = epsilon(n)},
                       .dtype = x->dtype};
  if (norm(l, &d, &y)) ig_lo_result(l, 0, ig_lo_reshape(l, y, (uint32_t)x->rank, x->dims));
  return NULL;
}

static const ig_op_attr group_attrs[] = {{"epsilon", IG_ATTR_FLOAT, false, 0, 1e-5f, NULL},
                                         {"num_groups", IG_ATTR_INT, true, 0, 0, NULL},
                                         {"per_group", IG_ATTR_INT, false, 0, 0, NULL},
                                         {"stash_type", IG_ATTR_INT, false, 1, 0, NULL}};
static const char *const group_cases[] = {"f32[2,4,3,3] f32[4] f32[4] num_groups=2", "f32[1,6,5] f32[3] f32[3] num_groups=3 per_group=1", NULL};
const ig_op ig_op_GroupNormalization = {.domain = "",
                                        .name = "GroupNormalization",
                                        .since = 21,
                                        .oldest = 18,
                                        .cls = IG_CLASS_KIND,
                                        IG_OP_ARGS(instance_in, instance_out),
                                        IG_OP_ATTRS(group_attrs),
                                        .import = group_import,
                                        .infer = group_infer,
                                        .lower = group_lower,
                                        .cases = group_cases};

/* ---- LpNormalization ---- */

static ig_status lp_infer(ig_node *n) {
  int64_t axis;
  const int64_t p = ig_node_attr_i(n, "p", 2);
  IG_TRY(ig_axis(n, ig_node_attr_i(n, "axis", -1), ig_node_in(n, 0)->rank, &axis));
  IG_NODE_REQUIRE(n, p == 1 || p == 2, IG_ERROR_BAD_MODEL, "p is %lld, possible are 1 and 2", (long long)p);
  return ig_infer_same(n, 0, ig_node_in(n, 0));
}

static ig_status lp_lower(ig_lower *l, const ig_node *n) {
  ig_val *x = ig_node_in(n, 0), *y = NULL;
  int64_t axis;
  IG_TRY(ig_axis(n, ig_node_attr_i(n, "axis", -1), x->rank, &axis));
  const norm_desc d = {
      .x = x,
      .params = {.axis = axis, .mode = ig_node_attr_i(n, "p", 2) == 1 ? IG_NORM_L1 : IG_NORM_L2, .stash = stash_of(x->dtype, IG_DTYPE_F32)},
      .dtype = x->dtype};
  if (norm(l, &d, &y)) ig_lo_result(l, 0, y);
  return NULL;
}

static const ig_op_arg one_in[] = {{"input", 'T', IG_TYPES_FLOAT, 0}};
static const ig_op_attr lp_attrs[] = {{"axis", IG_ATTR_INT, false, -1, 0, NULL}, {"p", IG_ATTR_INT, false, 2, 0, NULL}};
static const char *const lp_cases[] = {"f32[2,3]", "f32[2,3,4] axis=1 p=1", NULL};
const ig_op ig_op_LpNormalization = {.domain = "",
                                     .name = "LpNormalization",
                                     .since = 22,
                                     .oldest = 1,
                                     .cls = IG_CLASS_KIND,
                                     IG_OP_ARGS(one_in, instance_out),
                                     IG_OP_ATTRS(lp_attrs),
                                     .infer = lp_infer,
                                     .lower = lp_lower,
                                     .cases = lp_cases};

/* ---- MeanVarianceNormalization: (x - mean) / (deviation + 1e-9) ---- */

/* Axes that stay, then axes that are normalised; *out_kept is the number of the former. */
static ig_status mean_variance_perm(const ig_node *n, uint8_t *perm, uint8_t *inverse, int64_t *out_kept) {
  static const int64_t standard[] = {0, 2, 3};
  const int rank = ig_node_in(n, 0)->rank;
  uint32_t count, mask = 0, at = 0;
  const int64_t *axes = ig_node_attr_ints(n, "axes", &count);
  if (!axes) {
    axes = standard;
    count = IG_COUNT(standard);
  }
  for (uint32_t i = 0; i < count; i++) {
    int64_t a;
    IG_TRY(ig_axis(n, axes[i], rank, &a));
    mask |= 1u << a;
  }
  IG_NODE_REQUIRE(n, mask, IG_ERROR_BAD_MODEL, "attribute 'axes' is empty");
  for (uint32_t pass = 0; pass < 2; pass++) {
    for (int k = 0; k < rank; k++)
      if ((mask >> k & 1) == pass) perm[at++] = (uint8_t)k;
    if (pass == 0) *out_kept = at;
  }
  for (int k = 0; k < rank; k++)
    inverse[perm[k]] = (uint8_t)k;
  return NULL;
}

static ig_status mean_variance_infer(ig_node *n) {
  uint8_t perm[IG_MAX_RANK], inverse[IG_MAX_RANK];
  int64_t kept;
  IG_TRY(mean_variance_perm(n, perm, inverse, &kept));
  return ig_infer_same(n, 0, ig_node_in(n, 0));
}

static ig_status mean_variance_lower(ig_lower *l, const ig_node *n) {
  uint8_t perm[IG_MAX_RANK] = {0}, inverse[IG_MAX_RANK] = {0};
  int64_t kept;
  ig_val *x = ig_node_in(n, 0), *y = NULL;
  IG_TRY(mean_variance_perm(n, perm, inverse, &kept));
  /* 1e-18 under the root stands for 1e-9 beside it: both matter only where the deviation vanishes, and agree there */
  const norm_desc d = {.x = ig_lo_permute(l, x, perm),
                       .params = {.axis = kept, .mode = IG_NORM_LAYER, .stash = stash_of(x->dtype, IG_DTYPE_F32), .eps = 1e-18},
                       .dtype = x->dtype};
  if (norm(l, &d, &y)) ig_lo_result(l, 0, ig_lo_permute(l, y, inverse));
  return NULL;
}

static const ig_op_attr mean_variance_attrs[] = {{"axes", IG_ATTR_INTS, false, 0, 0, NULL}};
static const char *const mean_variance_cases[] = {"f32[2,3,4,5]", "f32[2,3,4] axes=-1", NULL};
const ig_op ig_op_MeanVarianceNormalization = {.domain = "",
                                               .name = "MeanVarianceNormalization",
                                               .since = 13,
                                               .oldest = 9,
                                               .cls = IG_CLASS_COMPOSITE,
                                               IG_OP_ARGS(one_in, instance_out),
                                               IG_OP_ATTRS(mean_variance_attrs),
                                               .infer = mean_variance_infer,
                                               .lower = mean_variance_lower,
                                               .cases = mean_variance_cases};

/* ---- ml Normalizer: rows divided by their largest element, their L1 or their L2 norm ---- */

static ig_status normalizer_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  const char *mode = ig_node_attr_s(n, "norm", "MAX");
  IG_NODE_REQUIRE(n, x->rank == 1 || x->rank == 2, IG_ERROR_BAD_MODEL, "input has %d dims, expected 1 or 2", x->rank);
  IG_NODE_REQUIRE(n, !strcmp(mode, "MAX") || !strcmp(mode, "L1") || !strcmp(mode, "L2"), IG_ERROR_BAD_MODEL, "norm '%s' is not one of MAX, L1, L2",
                  mode);
  return ig_infer_set(n, 0, IG_DTYPE_F32, (uint32_t)x->rank, x->dims);
}

/* x / max, where a maximum of 0 leaves the row as it is. */
static ig_val *divide_by_max(ig_lower *l, ig_val *x) {
  const ig_reduce_params p = {.axes_mask = (int64_t)1 << (x->rank - 1), .op = IG_REDUCE_MAX, .acc = IG_S_F32};
  ig_val *in[2] = {x, ig_lo_kernel1(l, IG_KIND_reduce, &p, &x, 1, IG_DTYPE_F32)};
  if (!in[1]) return NULL;
  ig_sbuild b;
  ig_sprog prog;
  ig_sbuild_init(&b, &l->ir->arena);
  const ig_sreg m = ig_s_load(&b, 1, IG_DTYPE_F32), is_zero = ig_s_op(&b, IG_SOP_EQ, m, ig_s_f64(&b, IG_S_F32, 0), 0);
  const ig_sreg divisor = ig_s_op(&b, IG_SOP_SELECT, is_zero, ig_s_f64(&b, IG_S_F32, 1), m);
  ig_s_store(&b, 0, ig_s_op(&b, IG_SOP_DIV, ig_s_load(&b, 0, IG_DTYPE_F32), divisor, 0), 0);
  ig_status st = ig_sbuild_finish(&b, &prog);
  if (st) return ig_lo_fail(l, st), NULL;
  return ig_lo_map(l, in, 2, &prog, IG_DTYPE_F32, (uint32_t)x->rank, x->dims);
}

static ig_status normalizer_lower(ig_lower *l, const ig_node *n) {
  const char *mode = ig_node_attr_s(n, "norm", "MAX");
  ig_val *x = ig_lo_cast(l, ig_node_in(n, 0), IG_DTYPE_F32), *y = NULL;
  if (!x) return NULL;
  const norm_desc d = {
      .x = x, .params = {.axis = x->rank - 1, .mode = strcmp(mode, "L1") == 0 ? IG_NORM_L1 : IG_NORM_L2, .stash = IG_S_F32}, .dtype = IG_DTYPE_F32};
  if (strcmp(mode, "MAX") == 0)
    y = divide_by_max(l, x);
  else if (!norm(l, &d, &y))
    return NULL;
  ig_lo_result(l, 0, y);
  return NULL;
}

static const ig_op_arg normalizer_in[] = {{"X", 0, IG_T(F32) | IG_T(F64) | IG_T(I64) | IG_T(I32), 0}};
static const ig_op_arg normalizer_out[] = {{"Y", 0, IG_T(F32), 0}};
static const ig_op_attr normalizer_attrs[] = {{"norm", IG_ATTR_STRING, false, 0, 0, "MAX"}};
static const char *const normalizer_cases[] = {"f32[2,3]", "i64[2,3] norm=L1", "f64[4] norm=L2", NULL};
const ig_op ig_op_ml_Normalizer = {.domain = "ai.onnx.ml",
                                   .name = "Normalizer",
                                   .since = 1,
                                   .oldest = 1,
                                   .cls = IG_CLASS_KIND,
                                   IG_OP_ARGS(normalizer_in, normalizer_out),
                                   IG_OP_ATTRS(normalizer_attrs),
                                   .infer = normalizer_infer,
                                   .lower = normalizer_lower,
                                   .cases = normalizer_cases};
