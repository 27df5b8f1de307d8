/* ConvTranspose: a conv whose input is dilated by the strides, over weights that are transposed and flipped by views.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/conv.h"

static ig_status read_optional(const ig_node *n, const char *attr, int64_t count, const int64_t **out) {
  uint32_t got;
  *out = ig_node_attr_ints(n, attr, &got);
  /* output_shape may name batch and channels too */
  if (*out && got == count + 2 && strcmp(attr, "output_shape") == 0)
    *out += 2;
  else
    IG_NODE_REQUIRE(n, !*out || got == count, IG_ERROR_BAD_MODEL, "attribute '%s' has %u entries for %lld spatial dims", attr, got, (long long)count);
  for (int64_t i = 0; *out && i < count; i++)
    IG_NODE_REQUIRE(n, (*out)[i] >= 0 && (*out)[i] <= INT32_MAX, IG_ERROR_BAD_MODEL, "attribute '%s' has the entry %lld", attr, (long long)(*out)[i]);
  return NULL;
}

/* Pads of the transposed form: given, or (output_shape, SAME) what makes the result as large as wanted, its odd element at the start unless
 * SAME_UPPER. */
static ig_status transposed_pads(const ig_node *n, const ig_val *x, const ig_spatial *s, const int64_t *extra, ig_dim *lo, ig_dim *hi) {
  ig_dims *t = ig_node_dims(n);
  const char *mode = ig_node_attr_s(n, "auto_pad", "NOTSET");
  const bool same = strncmp(mode, "SAME", 4) == 0, upper = strcmp(mode, "SAME_UPPER") == 0;
  const int64_t *shape;
  IG_TRY(read_optional(n, "output_shape", s->n, &shape));
  for (int64_t i = 0; i < s->n; i++) {
    lo[i] = s->pad_lo[i];
    hi[i] = s->pad_hi[i];
    if (!shape && !same) continue;
    const ig_dim in = x->dims[2 + i], wanted = shape ? ig_dim_const(t, shape[i]) : ig_dim_mul_c(t, in, s->stride[i]);
    const ig_dim full =
        ig_dim_add_c(t, ig_dim_mul_c(t, ig_dim_add_c(t, in, -1), s->stride[i]), (s->kernel[i] - 1) * s->dilation[i] + 1 + (extra ? extra[i] : 0));
    const ig_dim total = ig_dim_sub(t, full, wanted), small = ig_dim_floordiv(t, total, ig_dim_const(t, 2)), large = ig_dim_sub(t, total, small);
    lo[i] = upper ? small : large;
    hi[i] = upper ? large : small;
  }
  return NULL;
}

static ig_status read_params(const ig_node *n, ig_conv_params *p) {
  const ig_val *x = ig_node_in(n, 0), *w = ig_node_in(n, 1);
  ig_dims *t = ig_node_dims(n);
  IG_TRY(ig_conv_params_of(n, x, w, p));
  ig_spatial s = {.n = p->n_spatial};
  for (int i = 0; i < 3; i++) {
    s.stride[i] = p->stride[i];
    s.dilation[i] = p->dilation[i];
    s.pad_lo[i] = (ig_dim)p->pad_lo[i];
    s.pad_hi[i] = (ig_dim)p->pad_hi[i];
    if (i < s.n) IG_NODE_REQUIRE(n, ig_dim_is_const(t, w->dims[2 + i], &s.kernel[i]), IG_ERROR_INTERNAL, "kernel extent %d is not constant", i);
  }
  const int64_t *extra;
  ig_dim lo[3], hi[3];
  IG_TRY(read_optional(n, "output_padding", s.n, &extra));
  IG_TRY(transposed_pads(n, x, &s, extra, lo, hi));
  for (int64_t i = 0; i < s.n; i++) {
    const ig_dim reach = ig_dim_const(t, (s.kernel[i] - 1) * s.dilation[i]);
    p->in_dilation[i] = s.stride[i];
    p->stride[i] = 1;
    p->pad_lo[i] = ig_dim_sub(t, reach, lo[i]);
    p->pad_hi[i] = ig_dim_add_c(t, ig_dim_sub(t, reach, hi[i]), extra ? extra[i] : 0);
  }
  return NULL;
}

/* Dims [O, C / groups, kernel..] of the weights as conv wants them, from [C, O / groups, kernel..]. */
static void turned_dims(ig_dims *t, const ig_val *w, int64_t groups, ig_dim *out) {
  memcpy(out, w->dims, sizeof w->dims);
  out[0] = ig_dim_mul_c(t, w->dims[1], groups);
  out[1] = ig_dim_floordiv(t, w->dims[0], ig_dim_const(t, groups));
}

static ig_val *turn_weights(ig_lower *l, ig_val *w, int64_t groups) {
  ig_dims *t = &l->ir->dims;
  ig_dim dims[IG_MAX_RANK], split[IG_MAX_RANK], start[IG_MAX_RANK];
  int64_t step[IG_MAX_RANK];
  uint8_t perm[IG_MAX_RANK] = {0, 2, 1};
  turned_dims(t, w, groups, dims);
  split[0] = ig_dim_const(t, groups);
  split[1] = dims[1];
  for (int k = 1; k < w->rank; k++)
    split[k + 1] = w->dims[k];
  for (int k = 0; k <= w->rank; k++) {
    if (k > 2) perm[k] = (uint8_t)k;
    start[k] = k > 2 ? ig_dim_add_c(t, split[k], -1) : ig_dim_const(t, 0);
    step[k] = k > 2 ? -1 : 1;
    if (k > 2 && ig_dim_equals(t, split[k], 1)) step[k] = 1;
  }
  ig_val *v = ig_lo_permute(l, ig_lo_reshape(l, w, (uint32_t)w->rank + 1, split), perm);
  v = v ? ig_lo_slice(l, v, start, step, v->dims) : NULL;
  /* groups and channels of a group do not merge into one axis of a permuted view */
  return ig_lo_reshape(l, ig_lo_copy(l, v), (uint32_t)w->rank, dims);
}

static ig_status transpose_infer(ig_node *n) {
  ig_val *x = ig_node_in(n, 0), *bias = ig_node_in(n, 2), w;
  const ig_val *given = ig_node_in(n, 1);
  ig_dims *t = ig_node_dims(n);
  ig_conv_params p;
  IG_TRY(read_params(n, &p));
  IG_TRY(ig_infer_equal(n, x->dims[1], given->dims[0], "channels of input and weight", NULL));
  IG_TRY(ig_infer_equal(n, ig_dim_mod(t, x->dims[1], ig_dim_const(t, p.groups)), ig_dim_const(t, 0), "input channels modulo group and 0", NULL));
  w = *given;
  turned_dims(t, given, p.groups, w.dims);
  if (bias) {
    IG_TRY(ig_infer_rank(n, bias, "bias", 1));
    IG_TRY(ig_infer_equal(n, bias->dims[0], w.dims[0], "bias and output channels", NULL));
  }
  ig_val *in[2] = {x, &w};
  ig_dim out[1][IG_MAX_RANK];
  uint8_t rank[1];
  IG_TRY(ig_infer_kernel(n, IG_KIND_conv, &p, in, 2, 1, out, rank));
  return ig_infer_set(n, 0, x->dtype, rank[0], out[0]);
}

/* Kernel = stride, no padding: windows do not overlap, so every input pixel makes a block of its own. */
static bool makes_blocks(ig_dims *t, const ig_conv_params *p, const ig_val *w) {
  if (p->groups != 1) return false;
  for (int64_t i = 0; i < p->n_spatial; i++) {
    int64_t k;
    if (!ig_dim_is_const(t, w->dims[2 + i], &k) || p->in_dilation[i] != k || p->dilation[i] != 1) return false;
    if (!ig_dim_equals(t, (ig_dim)p->pad_lo[i], k - 1) || !ig_dim_equals(t, (ig_dim)p->pad_hi[i], k - 1)) return false;
  }
  return true;
}

/* The bias [O], once per element of a block: [O * block]. */
static ig_val *repeat_bias(ig_lower *l, ig_val *bias, ig_dim block) {
  ig_dims *t = &l->ir->dims;
  if (!bias) return NULL;
  const ig_dim column[2] = {bias->dims[0], ig_dim_const(t, 1)}, full[2] = {bias->dims[0], block}, flat = ig_dim_mul(t, bias->dims[0], block);
  return ig_lo_reshape(l, ig_lo_copy(l, ig_lo_expand(l, ig_lo_reshape(l, bias, 2, column), 2, full)), 1, &flat);
}

/* A pointwise conv to O * block channels, whose blocks then move to their places among the pixels. */
static ig_status lower_blocks(ig_lower *l, const ig_node *n, ig_conv_params *p) {
  ig_dims *t = &l->ir->dims;
  ig_val *x = ig_node_in(n, 0), *w = ig_node_in(n, 1), *bias = ig_node_in(n, 2);
  const uint32_t n_spatial = (uint32_t)p->n_spatial;
  const ig_dim one = ig_dim_const(t, 1), block = ig_dim_product(t, w->dims + 2, n_spatial), zero = ig_dim_const(t, 0);
  ig_dim matrix[2] = {w->dims[0], ig_dim_mul(t, w->dims[1], block)}, weights[5] = {matrix[1], matrix[0], one, one, one};
  ig_dim pixels[5] = {x->dims[0], matrix[1]}, split[IG_MAX_RANK] = {x->dims[0], w->dims[1]}, whole[5] = {x->dims[0], w->dims[1]};
  uint8_t perm[IG_MAX_RANK] = {0, 1};
  static const uint8_t swap[2] = {1, 0};
  for (uint32_t i = 0; i < n_spatial; i++) {
    pixels[2 + i] = x->dims[2 + i];
    split[2 + i] = w->dims[2 + i];
    split[2 + n_spatial + i] = x->dims[2 + i];
    perm[2 + 2 * i] = (uint8_t)(2 + n_spatial + i);
    perm[3 + 2 * i] = (uint8_t)(2 + i);
    whole[2 + i] = ig_dim_mul(t, x->dims[2 + i], w->dims[2 + i]);
    p->in_dilation[i] = 1;
    p->pad_lo[i] = p->pad_hi[i] = zero;
  }
  ig_val *in[2] = {x, ig_lo_reshape(l, ig_lo_copy(l, ig_lo_permute(l, ig_lo_reshape(l, w, 2, matrix), swap)), 2 + n_spatial, weights)};
  ig_val *y = in[1] ? ig_lo_conv(l, p, in, 2, repeat_bias(l, bias, block), n, pixels) : NULL;
  y = ig_lo_copy(l, ig_lo_permute(l, ig_lo_reshape(l, y, 2 + 2 * n_spatial, split), perm));
  ig_lo_result(l, 0, ig_lo_reshape(l, y, 2 + n_spatial, whole));
  return NULL;
}

static ig_status transpose_lower(ig_lower *l, const ig_node *n) {
  ig_conv_params p;
  IG_TRY(read_params(n, &p));
  if (makes_blocks(&l->ir->dims, &p, ig_node_in(n, 1))) return lower_blocks(l, n, &p);
  ig_val *in[2] = {ig_node_in(n, 0), turn_weights(l, ig_node_in(n, 1), p.groups)};
  if (in[1]) ig_lo_result(l, 0, ig_lo_conv(l, &p, in, 2, ig_node_in(n, 2), n, NULL));
  return NULL;
}

static const ig_op_arg transpose_in[] = {{"X", 'T', IG_TYPES_FLOAT, 0}, {"W", 'T', IG_TYPES_FLOAT, 0}, {"B", 'T', IG_TYPES_FLOAT, IG_ARG_OPTIONAL}};
static const ig_op_arg transpose_out[] = {{"Y", 'T', IG_TYPES_FLOAT, 0}};
static const ig_op_attr transpose_attrs[] = {IG_SPATIAL_ATTRS,
                                             {"group", IG_ATTR_INT, false, 1, 0, NULL},
                                             {"output_padding", IG_ATTR_INTS, false, 0, 0, NULL},
                                             {"output_shape", IG_ATTR_INTS, false, 0, 0, NULL}};
static const char *const transpose_cases[] = {"f32[1,2,3,3] f32[2,3,3,3] f32[3] strides=2,2 pads=1,0,1,1 output_padding=1,1",
                                              "f32[1,4,5] f32[4,2,3] group=2 auto_pad=SAME_UPPER strides=2", "f32[1,1,2,2,2] f32[1,1,2,2,2]",
                                              "f32[1,1,3] f32[1,1,2] strides=3 output_shape=8", "f32[2,3,4,5] f32[3,2,2,3] f32[2] strides=2,3", "f32[1,2,3] f32[2,3,2] strides=2", NULL};
const ig_op ig_op_ConvTranspose = {.domain = "",
                                   .name = "ConvTranspose",
                                   .since = 22,
                                   .oldest = 1,
                                   .cls = IG_CLASS_KIND,
                                   IG_OP_ARGS(transpose_in, transpose_out),
                                   IG_OP_ATTRS(transpose_attrs),
                                   .infer = transpose_infer,
                                   .lower = transpose_lower,
                                   .cases = transpose_cases};
