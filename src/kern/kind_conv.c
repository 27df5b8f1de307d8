/* conv: 1 to 3 spatial dims, groups, dilation of kernel and input, zero points.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/kind_util.h"

static ig_status check_params(const ig_request *r, const char *node) {
  const ig_conv_params *p = r->params;
  const ig_stype acc = (ig_stype)p->acc;
  IG_KIND_REQUIRE(p->n_spatial >= 1 && p->n_spatial <= 3, "%lld spatial dims, possible are 1 to 3", (long long)p->n_spatial);
  IG_KIND_REQUIRE(p->groups >= 1, "group is %lld, expected at least 1", (long long)p->groups);
  IG_KIND_REQUIRE(acc >= IG_S_F32 && acc <= IG_S_U64, "unknown accumulator type %lld", (long long)p->acc);
  for (int64_t i = 0; i < p->n_spatial; i++)
    IG_KIND_REQUIRE(p->stride[i] >= 1 && p->dilation[i] >= 1 && p->in_dilation[i] >= 1, "strides and dilations must be at least 1");
  const bool floats = acc == IG_S_F32 || acc == IG_S_F64;
  for (uint32_t i = 0; i < r->n_in; i++) {
    const ig_operand *o = ig_request_in(r, i);
    if (i > 1 && !ig_operand_present(o)) continue;
    const ig_stype s = ig_stype_of(o->dtype);
    IG_KIND_REQUIRE(s && s != IG_S_BOOL && (s == IG_S_F32 || s == IG_S_F64) == floats, "input %u is %s, which %s does not accumulate", i,
                    ig_dtype_name(o->dtype), ig_stype_name(acc));
    IG_KIND_REQUIRE(o->rank == p->n_spatial + 2, "%s has %u dims, expected %lld", i == 0 ? "input" : i == 1 ? "weight" : "zero point", o->rank,
                    (long long)p->n_spatial + 2);
  }
  return NULL;
}

IG_OUT_DIMS(out_dims) {
  const ig_conv_params *p = r->params;
  IG_TRY(check_params(r, node));
  const ig_operand *x = ig_request_in(r, 0), *w = ig_request_in(r, 1);
  IG_TRY(ig_dims_assume_equal(t, x->dims[1], ig_dim_mul_c(t, w->dims[1], p->groups), node, "channels of input and weight times group", NULL));
  IG_TRY(ig_dims_assume_equal(t, ig_dim_mod(t, w->dims[0], ig_dim_const(t, p->groups)), ig_dim_const(t, 0), node, "output channels divided by group",
                              NULL));
  if (ig_operand_is(r, 2)) IG_TRY(ig_kind_same_dims(r, t, node, ig_request_in(r, 2), x->dims, x->rank, "input and its zero point"));
  if (ig_operand_is(r, 3)) IG_TRY(ig_kind_same_dims(r, t, node, ig_request_in(r, 3), w->dims, w->rank, "weight and its zero point"));
  out[0][0] = x->dims[0];
  out[0][1] = w->dims[0];
  for (int64_t i = 0; i < p->n_spatial; i++) {
    const ig_dim in = ig_dim_add_c(t, ig_dim_mul_c(t, ig_dim_add_c(t, x->dims[2 + i], -1), p->in_dilation[i]), 1);
    const ig_dim n = ig_kind_positions(t, in, (ig_dim)p->pad_lo[i], (ig_dim)p->pad_hi[i], w->dims[2 + i], p->dilation[i], p->stride[i], false);
    IG_TRY(ig_kind_fits(t, node, n, x->dims[2 + i], "the kernel is larger than the padded input"));
    out[0][2 + i] = n;
  }
  out_rank[0] = x->rank;
  return NULL;
}

static double flops(const ig_call *c) {
  const ig_view *w = ig_call_in(c, 1);
  double per = 2.0;
  for (uint32_t i = 1; i < w->rank; i++) per *= (double)w->dims[i];
  return per * (double)ig_view_count(ig_call_out(c, 0));
}

static const ig_field fields[] = {IG_FIELD(ig_conv_params, n_spatial, IG_FIELD_INT), IG_FIELD(ig_conv_params, groups, IG_FIELD_INT),
                                  IG_FIELD(ig_conv_params, acc, IG_FIELD_INT),       IG_FIELD(ig_conv_params, stride, IG_FIELD_INT),
                                  IG_FIELD(ig_conv_params, dilation, IG_FIELD_INT),  IG_FIELD(ig_conv_params, in_dilation, IG_FIELD_INT),
                                  IG_FIELD(ig_conv_params, pad_lo, IG_FIELD_DIM),    IG_FIELD(ig_conv_params, pad_hi, IG_FIELD_DIM)};
const ig_kind_def ig_kind_def_conv = {.name = "conv",
                                      .id = IG_KIND_conv,
                                      .flags = IG_KIND_EPILOGUE,
                                      .min_in = 2,
                                      .max_in = 4,
                                      .min_out = 1,
                                      .max_out = 1,
                                      .params_size = sizeof(ig_conv_params),
                                      .fields = fields,
                                      .n_fields = IG_COUNT(fields),
                                      .out_dims = out_dims,
                                      .flops = flops};
