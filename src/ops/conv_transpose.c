/* ConvTranspose. The result's pixels come in phases, o mod stride: those of one phase meet the same taps of the weights, every stride-th, and are an
 * ordinary conv of the input. All phases together are one conv to O * phases channels, whose blocks of phases a move then lays among the pixels. An input of
 * one pixel (the first layer of generators) meets each weight once: a product. Where neither can be said (dilated weights, pads that reach outside), it is a conv whose input is dilated by the strides.
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

/* ---- phases ---- */

/* Numbers of the conv that makes all phases; per spatial axis. */
typedef struct phases {
  uint32_t n;                     /* spatial axes */
  ig_dim groups, in_channels, out_channels, block; /* channels: of one group; block: phases of all axes */
  ig_dim stride[3], taps[3];      /* phases of the axis; taps of each */
  ig_dim rows[3], start[3];       /* input positions that make a block; first pixel of the result among all blocks' */
} phases;

/* full[stride * j + r] = sum of x[j - u] * w[r + stride * u] over u: of that, the result is what begins at the pad. */
static bool find_phases(const ig_node *n, const ig_conv_params *p, phases *f) {
  ig_dims *t = ig_node_dims(n);
  const ig_val *x = ig_node_in(n, 0), *w = ig_node_in(n, 1);
  bool strided = false;
  *f = (phases){.n = (uint32_t)p->n_spatial, .groups = ig_dim_const(t, p->groups), .out_channels = w->dims[1], .block = ig_dim_const(t, 1)};
  f->in_channels = ig_dim_floordiv(t, w->dims[0], f->groups);
  for (uint32_t i = 0; i < f->n; i++) {
    int64_t k, lo;
    const int64_t s = p->in_dilation[i];
    if (!ig_dim_is_const(t, w->dims[2 + i], &k) || !ig_dim_is_const(t, (ig_dim)p->pad_lo[i], &lo)) return false;
    if (p->dilation[i] != 1 || k < 1 || lo > k - 1) return false;
    const int64_t taps = (k + s - 1) / s;
    f->stride[i] = ig_dim_const(t, s);
    f->taps[i] = ig_dim_const(t, taps);
    f->rows[i] = ig_dim_add_c(t, x->dims[2 + i], taps - 1);
    f->start[i] = ig_dim_const(t, k - 1 - lo);
    f->block = ig_dim_mul_c(t, f->block, s);
    strided |= s > 1;
    const ig_dim end = ig_dim_add_c(t, n->out[0]->dims[2 + i], k - 1 - lo);
    if (ig_dim_prove_ge(t, ig_dim_mul_c(t, f->rows[i], s), end) != 1) return false;
  }
  return strided && 2 + 2 * f->n + (p->groups > 1) <= IG_MAX_RANK;
}

/* Zeros behind the last tap until every phase has as many. */
static ig_val *pad_taps(ig_lower *l, ig_val *w, const phases *f) {
  ig_dims *t = &l->ir->dims;
  ig_dim dims[IG_MAX_RANK] = {w->dims[0], w->dims[1]};
  ig_move_params p = {.border = IG_MOVE_CONSTANT};
  bool changes = false;
  for (int k = 0; k < IG_MAX_RANK; k++)
    p.pad_lo[k] = ig_dim_const(t, 0);
  for (uint32_t i = 0; i < f->n; i++) {
    dims[2 + i] = ig_dim_mul(t, f->stride[i], f->taps[i]);
    changes |= dims[2 + i] != w->dims[2 + i];
  }
  if (!changes) return w;
  ig_val *in[2] = {w, NULL}, *out = NULL;
  const ig_lo_kernel_desc d = {
      .kind = IG_KIND_move, .params = &p, .in = in, .n_in = 2, .out_dtypes = &w->dtype, .n_out = 1, .rank = (uint32_t)w->rank, .dims = dims};
  ig_lo_kernel(l, &d, &out);
  return out;
}

/* [C, O / groups, taps * stride ..] as [groups * block * O / groups, C / groups, taps..], taps reversed: of a group's channels, those of one phase lie
 * together. */
static ig_val *phase_weights(ig_lower *l, ig_val *w, const phases *f) {
  ig_dims *t = &l->ir->dims;
  const uint32_t g = !ig_dim_equals(t, f->groups, 1), rank = 2 + g + 2 * f->n;   /* a group axis only where there are several */
  ig_dim split[IG_MAX_RANK] = {f->groups}, start[IG_MAX_RANK], whole[IG_MAX_RANK] = {ig_dim_mul(t, f->groups, ig_dim_mul(t, f->block, f->out_channels)), f->in_channels};
  int64_t step[IG_MAX_RANK];
  uint8_t perm[IG_MAX_RANK] = {0};
  split[g] = f->in_channels;
  split[g + 1] = f->out_channels;
  for (uint32_t k = 0; k < rank; k++) {
    const uint32_t i = k < g + 2 ? 0 : (k - g - 2) / 2;
    const bool is_tap = k >= g + 2 && (k - g) % 2 == 0;
    if (k >= g + 2) split[k] = is_tap ? f->taps[i] : f->stride[i];
    const bool reverses = is_tap && !ig_dim_equals(t, split[k], 1);
    start[k] = reverses ? ig_dim_add_c(t, split[k], -1) : ig_dim_const(t, 0);
    step[k] = reverses ? -1 : 1;
  }
  for (uint32_t i = 0; i < f->n; i++) {
    perm[g + i] = (uint8_t)(g + 3 + 2 * i);
    perm[g + f->n + 2 + i] = (uint8_t)(g + 2 + 2 * i);
    whole[2 + i] = f->taps[i];
  }
  perm[g + f->n] = (uint8_t)(g + 1);
  perm[g + f->n + 1] = (uint8_t)g;
  ig_val *v = ig_lo_reshape(l, pad_taps(l, w, f), rank, split);
  v = v ? ig_lo_slice(l, v, start, step, v->dims) : NULL;
  return ig_lo_reshape(l, ig_lo_copy(l, ig_lo_permute(l, v, perm)), 2 + f->n, whole);
}

/* The bias [O] for every phase: [groups * block * O / groups]. */
static ig_val *phase_bias(ig_lower *l, ig_val *bias, const phases *f) {
  ig_dims *t = &l->ir->dims;
  if (!bias) return NULL;
  const ig_dim apart[3] = {f->groups, ig_dim_const(t, 1), f->out_channels}, full[3] = {f->groups, f->block, f->out_channels};
  const ig_dim flat = ig_dim_product(t, full, 3);
  return ig_lo_reshape(l, ig_lo_copy(l, ig_lo_expand(l, ig_lo_reshape(l, bias, 3, apart), 3, full)), 1, &flat);
}

/* Blocks to their places: [N, groups, stride.., O / groups, rows..] to [N, rows * stride.., O], and of that the result. It lies channels last, as the
 * conv's result does, so that runs move. */
static ig_val *lay_out(ig_lower *l, const ig_node *n, ig_val *y, const phases *f) {
  ig_dims *t = &l->ir->dims;
  const uint32_t g = !ig_dim_equals(t, f->groups, 1), channels = 1 + g + f->n;
  const ig_val *x = ig_node_in(n, 0);
  ig_dim split[IG_MAX_RANK] = {x->dims[0], f->groups}, whole[IG_MAX_RANK] = {x->dims[0]}, start[IG_MAX_RANK];
  uint8_t perm[IG_MAX_RANK] = {0}, first[IG_MAX_RANK] = {0, (uint8_t)(1 + f->n)};
  start[0] = start[1] = ig_dim_const(t, 0);
  split[channels] = f->out_channels;
  whole[1 + f->n] = n->out[0]->dims[1];
  perm[1 + 2 * f->n] = 1;              /* groups, where there are several */
  perm[1 + 2 * f->n + g] = (uint8_t)channels;
  for (uint32_t i = 0; i < f->n; i++) {
    split[1 + g + i] = f->stride[i];
    split[channels + 1 + i] = f->rows[i];
    perm[1 + 2 * i] = (uint8_t)(channels + 1 + i);
    perm[2 + 2 * i] = (uint8_t)(1 + g + i);
    first[2 + i] = (uint8_t)(1 + i);
    whole[1 + i] = ig_dim_mul(t, f->rows[i], f->stride[i]);
    start[2 + i] = f->start[i];
  }
  y = ig_lo_copy(l, ig_lo_permute(l, ig_lo_reshape(l, y, channels + 1 + f->n, split), perm));
  y = ig_lo_permute(l, ig_lo_reshape(l, y, 2 + f->n, whole), first);
  return y ? ig_lo_slice(l, y, start, NULL, n->out[0]->dims) : NULL;
}

static ig_status lower_phases(ig_lower *l, const ig_node *n, ig_conv_params *p, const phases *f) {
  ig_dims *t = &l->ir->dims;
  ig_val *in[2] = {ig_node_in(n, 0), phase_weights(l, ig_node_in(n, 1), f)};
  ig_dim dims[5] = {in[0]->dims[0], in[1] ? in[1]->dims[0] : IG_DIM_BAD};
  for (uint32_t i = 0; i < f->n; i++) {
    dims[2 + i] = f->rows[i];
    p->in_dilation[i] = 1;
    p->pad_lo[i] = p->pad_hi[i] = ig_dim_add_c(t, f->taps[i], -1);
  }
  ig_val *y = in[1] ? ig_lo_conv(l, p, in, 2, phase_bias(l, ig_node_in(n, 2), f), n, dims) : NULL;
  ig_lo_result(l, 0, lay_out(l, n, y, f));
  return NULL;
}

/* ---- one pixel ---- */

/* Elements of the kernel, and where in the kernel the result begins; false where the input has more pixels, or the result reaches past the kernel. */
static bool find_pixel(const ig_node *n, const ig_conv_params *p, int64_t *elements, ig_dim *start) {
  ig_dims *t = ig_node_dims(n);
  const ig_val *x = ig_node_in(n, 0), *w = ig_node_in(n, 1);
  *elements = 1;
  for (int64_t i = 0; i < p->n_spatial; i++) {
    int64_t k, lo, out;
    if (!ig_dim_equals(t, x->dims[2 + i], 1) || !ig_dim_is_const(t, w->dims[2 + i], &k) || !ig_dim_is_const(t, n->out[0]->dims[2 + i], &out)) return false;
    if (!ig_dim_is_const(t, (ig_dim)p->pad_lo[i], &lo) || p->dilation[i] != 1 || k < 1 || lo > k - 1 || k - 1 - lo + out > k) return false;
    start[i] = ig_dim_const(t, k - 1 - lo);
    if (!ig_mul_i64(*elements, k, elements)) return false;
  }
  return p->groups == 1;
}

/* Rows of O channels, an element of the kernel each: the result lies channels last. */
static ig_status lower_pixel(ig_lower *l, const ig_node *n, ig_conv_params *p, int64_t elements, const ig_dim *pixel) {
  static const uint8_t turn[] = {2, 1, 0};
  ig_dims *t = &l->ir->dims;
  ig_val *x = ig_node_in(n, 0), *w = ig_node_in(n, 1), *bias = ig_node_in(n, 2);
  const ig_dim k = ig_dim_const(t, elements), one = ig_dim_const(t, 1), none = ig_dim_const(t, 0), o = w->dims[1], all = ig_dim_mul(t, k, o);
  const uint32_t rank = 2 + (uint32_t)p->n_spatial;
  ig_dim apart[IG_MAX_RANK] = {w->dims[0], o, k}, dims[IG_MAX_RANK] = {x->dims[0], all}, whole[IG_MAX_RANK] = {all, w->dims[0]}, places[IG_MAX_RANK] = {x->dims[0]}, start[IG_MAX_RANK] = {none, none};
  uint8_t perm[IG_MAX_RANK] = {0, (uint8_t)(rank - 1)};
  for (uint32_t i = 2; i < rank; i++) {
    dims[i] = whole[i] = one;
    places[i - 1] = w->dims[i];
    start[i] = pixel[i - 2];
    perm[i] = (uint8_t)(i - 1);
    p->pad_lo[i - 2] = p->pad_hi[i - 2] = none;
    p->in_dilation[i - 2] = 1;
  }
  places[rank - 1] = o;
  ig_val *in[2] = {x, ig_lo_reshape(l, ig_lo_copy(l, ig_lo_permute(l, ig_lo_reshape(l, w, 3, apart), turn)), rank, whole)};
  const ig_dim row[2] = {one, o}, rows[2] = {k, o};
  if (bias) bias = ig_lo_reshape(l, ig_lo_copy(l, ig_lo_expand(l, ig_lo_reshape(l, bias, 2, row), 2, rows)), 1, &all);
  ig_val *y = in[1] ? ig_lo_conv(l, p, in, 2, bias, n, dims) : NULL;
  y = ig_lo_permute(l, ig_lo_reshape(l, y, rank, places), perm);
  ig_lo_result(l, 0, y ? ig_lo_slice(l, y, start, NULL, n->out[0]->dims) : NULL);
  return NULL;
}

static ig_status transpose_lower(ig_lower *l, const ig_node *n) {
  ig_conv_params p;
  IG_TRY(read_params(n, &p));
  phases f;
  int64_t elements;
  ig_dim pixel[3];
  if (find_pixel(n, &p, &elements, pixel)) return lower_pixel(l, n, &p, elements, pixel);
  if (find_phases(n, &p, &f)) return lower_phases(l, n, &p, &f);
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
                                              "f32[1,1,3] f32[1,1,2] strides=3 output_shape=8", "f32[1,2,5,4] f32[2,3,4,3] f32[3] strides=2,2 pads=1,1,1,1",
                                              "f32[2,4,5] f32[4,3,7] f32[6] group=2 strides=3 pads=2,1 output_padding=2", "f32[1,4,3,3] f32[4,1,3,3] group=4 strides=2,1",
                                              "f32[1,2,2,3,2] f32[2,2,3,2,4] f32[2] strides=2,1,2 pads=1,0,1,0,0,1", "f32[1,2,4] f32[2,1,3] strides=2 dilations=2", "f32[2,3,4,5] f32[3,2,2,3] f32[2] strides=2,3", "f32[1,2,3] f32[2,3,2] strides=2",
                                              "f32[2,5,1,1] f32[5,3,4,2] f32[3] strides=2,1", "f32[2,5,1] f32[5,3,4] pads=1,1", NULL};
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
