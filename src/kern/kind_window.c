/* window: pooling, local response normalisation over channels, and fold (ONNX Col2Im), which adds overlapping blocks up.
 *
 * Under ceil a window may start inside the input or its left padding only; one that would start in the right padding is dropped.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/kind_util.h"

static ig_status check_params(const ig_request *r, const char *node) {
  const ig_window_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0);
  IG_KIND_REQUIRE(p->mode >= IG_WINDOW_MAX && p->mode <= IG_WINDOW_FOLD, "unknown mode %lld", (long long)p->mode);
  const ig_stype s = ig_stype_of(x->dtype);
  IG_KIND_REQUIRE(ig_operand_present(x) && s && s != IG_S_BOOL, "the input is %s, expected a number type", ig_dtype_name(x->dtype));
  const bool any = p->mode == IG_WINDOW_MAX || p->mode == IG_WINDOW_MAX_INDEX || p->mode == IG_WINDOW_FOLD;
  IG_KIND_REQUIRE(any || s == IG_S_F32 || s == IG_S_F64, "the input is %s, expected a float type", ig_dtype_name(x->dtype));
  if (p->mode == IG_WINDOW_LRN) {
    IG_KIND_REQUIRE(x->rank >= 2 && p->kernel[0] >= 1, "needs a channel axis and a size of at least 1");
    return NULL;
  }
  IG_KIND_REQUIRE(p->n_spatial >= 1 && p->n_spatial <= 3, "%lld spatial dims, possible are 1 to 3", (long long)p->n_spatial);
  const int64_t rank = p->mode == IG_WINDOW_FOLD ? 3 : p->n_spatial + 2;
  IG_KIND_REQUIRE(x->rank == rank, "the input has %u dims, expected %lld", x->rank, (long long)rank);
  for (int64_t i = 0; i < p->n_spatial; i++)
    IG_KIND_REQUIRE(p->kernel[i] >= 1 && p->stride[i] >= 1 && p->dilation[i] >= 1, "kernel, strides and dilations must be at least 1");
  return NULL;
}

static ig_status fold(const ig_request *r, ig_dims *t, const char *node, ig_dim *out, uint8_t *out_rank) {
  const ig_window_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *o = ig_request_out(r, 0);
  IG_KIND_REQUIRE(o->rank == p->n_spatial + 2, "the image has %u dims, expected %lld", o->rank, (long long)p->n_spatial + 2);
  ig_dim channels = o->dims[1], blocks = ig_dim_const(t, 1);
  for (int64_t i = 0; i < p->n_spatial; i++) {
    const ig_dim k = ig_dim_const(t, p->kernel[i]);
    channels = ig_dim_mul(t, channels, k);
    blocks = ig_dim_mul(t, blocks,
                        ig_kind_positions(t, o->dims[2 + i], (ig_dim)p->pad_lo[i], (ig_dim)p->pad_hi[i], k, p->dilation[i], p->stride[i], false));
  }
  IG_TRY(ig_dims_assume_equal(t, x->dims[0], o->dims[0], node, "batch of columns and image", NULL));
  IG_TRY(ig_dims_assume_equal(t, x->dims[1], channels, node, "rows of the columns and channels times block", NULL));
  IG_TRY(ig_dims_assume_equal(t, x->dims[2], blocks, node, "number of columns and block positions", NULL));
  ig_kind_copy_dims(out, out_rank, o->dims, o->rank);
  return NULL;
}

IG_OUT_DIMS(out_dims) {
  const ig_window_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0);
  IG_TRY(check_params(r, node));
  IG_KIND_REQUIRE(p->mode == IG_WINDOW_MAX_INDEX ? r->n_out == 2 : r->n_out == 1, "%u results do not fit the mode", r->n_out);
  if (p->mode == IG_WINDOW_FOLD) return fold(r, t, node, out[0], &out_rank[0]);
  ig_kind_copy_dims(out[0], &out_rank[0], x->dims, x->rank);
  for (int64_t i = 0; p->mode != IG_WINDOW_LRN && i < p->n_spatial; i++) {
    const ig_dim in = x->dims[2 + i], lo = (ig_dim)p->pad_lo[i], hi = (ig_dim)p->pad_hi[i];
    ig_dim n = ig_kind_positions(t, in, lo, hi, ig_dim_const(t, p->kernel[i]), p->dilation[i], p->stride[i], p->ceil != 0);
    if (p->ceil) {
      const ig_dim fewer = ig_dim_add_c(t, n, -1);
      n = ig_dim_select(t, ig_dim_ge(t, ig_dim_mul_c(t, fewer, p->stride[i]), ig_dim_add(t, in, lo)), fewer, n);
    }
    IG_TRY(ig_kind_fits(t, node, n, in, "the window is larger than the padded input"));
    out[0][2 + i] = n;
  }
  if (p->mode != IG_WINDOW_MAX_INDEX) return NULL;
  IG_KIND_REQUIRE(!ig_result_is(r, 1) || ig_request_out(r, 1)->dtype == IG_DTYPE_I64, "indices are int64");
  ig_kind_copy_dims(out[1], &out_rank[1], out[0], out_rank[0]);
  return NULL;
}

static const ig_field fields[] = {IG_FIELD(ig_window_params, mode, IG_FIELD_INT),
                                  IG_FIELD(ig_window_params, n_spatial, IG_FIELD_INT),
                                  IG_FIELD(ig_window_params, ceil, IG_FIELD_INT),
                                  IG_FIELD(ig_window_params, count_pad, IG_FIELD_INT),
                                  IG_FIELD(ig_window_params, column_major, IG_FIELD_INT),
                                  IG_FIELD(ig_window_params, kernel, IG_FIELD_INT),
                                  IG_FIELD(ig_window_params, stride, IG_FIELD_INT),
                                  IG_FIELD(ig_window_params, dilation, IG_FIELD_INT),
                                  IG_FIELD(ig_window_params, pad_lo, IG_FIELD_DIM),
                                  IG_FIELD(ig_window_params, pad_hi, IG_FIELD_DIM),
                                  IG_FIELD(ig_window_params, p, IG_FIELD_F64),
                                  IG_FIELD(ig_window_params, alpha, IG_FIELD_F64),
                                  IG_FIELD(ig_window_params, beta, IG_FIELD_F64),
                                  IG_FIELD(ig_window_params, bias, IG_FIELD_F64)};
const ig_kind_def ig_kind_def_window = {.name = "window", .id = IG_KIND_window, .min_in = 1, .max_in = 1, .min_out = 1, .max_out = 2,
  .params_size = sizeof(ig_window_params), .fields = fields, .n_fields = IG_COUNT(fields), .out_dims = out_dims};
