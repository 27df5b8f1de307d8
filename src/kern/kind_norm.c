/* norm: layer, RMS and Lp normalisation over trailing axes, with scale, bias and a residual added before.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/kind_util.h"

IG_OUT_DIMS(out_dims) {
  static const char *const what[] = {"input", "scale and input", "bias and input", "residual and input"};
  const ig_norm_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0);
  IG_KIND_REQUIRE(p->mode >= IG_NORM_LAYER && p->mode <= IG_NORM_L2, "unknown mode %lld", (long long)p->mode);
  IG_KIND_REQUIRE(p->stash == IG_S_F32 || p->stash == IG_S_F64, "statistics are float or double");
  IG_KIND_REQUIRE(p->axis >= 0 && p->axis < x->rank, "axis %lld of a tensor with %u dims", (long long)p->axis, x->rank);
  for (uint32_t i = 0; i < r->n_in; i++) {
    const ig_operand *in = ig_request_in(r, i);
    if (i && !ig_operand_present(in)) continue;
    const ig_stype s = ig_stype_of(in->dtype);
    IG_KIND_REQUIRE(s == IG_S_F32 || s == IG_S_F64, "input %u is %s, expected a float type", i, ig_dtype_name(in->dtype));
    IG_TRY(ig_kind_same_dims(r, t, node, in, x->dims, x->rank, what[i]));
  }
  const bool one = p->mode >= IG_NORM_L1;
  for (uint32_t k = 0; k < r->n_out && k < 4; k++) {
    const bool statistic = k == 1 || k == 2;
    for (uint32_t i = 0; i < x->rank; i++) {
      const bool normalised = one ? i == (uint32_t)p->axis : i >= (uint32_t)p->axis;
      out[k][i] = statistic && normalised ? ig_dim_const(t, 1) : x->dims[i];
    }
    out_rank[k] = x->rank;
  }
  return NULL;
}

static const ig_field fields[] = {IG_FIELD(ig_norm_params, axis, IG_FIELD_INT), IG_FIELD(ig_norm_params, mode, IG_FIELD_INT),
                                  IG_FIELD(ig_norm_params, stash, IG_FIELD_INT), IG_FIELD(ig_norm_params, eps, IG_FIELD_F64)};
const ig_kind_def ig_kind_def_norm = {.name = "norm",
                                      .id = IG_KIND_norm,
                                      .flags = IG_KIND_EPILOGUE,
                                      .min_in = 1,
                                      .max_in = 4,
                                      .min_out = 1,
                                      .max_out = 4,
                                      .params_size = sizeof(ig_norm_params),
                                      .fields = fields,
                                      .n_fields = IG_COUNT(fields),
                                      .out_dims = out_dims};
