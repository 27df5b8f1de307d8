/* softmax: exp(x - max) / sum over one axis, or its logarithm, after scaling and masking.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/kind_util.h"

IG_OUT_DIMS(out_dims) {
  const ig_softmax_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0);
  const ig_stype s = ig_stype_of(x->dtype);
  IG_KIND_REQUIRE(ig_operand_present(x) && (s == IG_S_F32 || s == IG_S_F64), "the input is %s, expected a float type", ig_dtype_name(x->dtype));
  IG_KIND_REQUIRE(p->axis >= 0 && p->axis < x->rank, "axis %lld of a tensor with %u dims", (long long)p->axis, x->rank);
  if (ig_operand_is(r, 1)) {
    IG_KIND_REQUIRE(ig_stype_of(ig_request_in(r, 1)->dtype) == s, "the mask is %s, the input %s", ig_dtype_name(ig_request_in(r, 1)->dtype),
                    ig_dtype_name(x->dtype));
    IG_TRY(ig_kind_same_dims(r, t, node, ig_request_in(r, 1), x->dims, x->rank, "mask and input"));
  }
  ig_kind_copy_dims(out[0], &out_rank[0], x->dims, x->rank);
  return NULL;
}

static const ig_field fields[] = {IG_FIELD(ig_softmax_params, axis, IG_FIELD_INT), IG_FIELD(ig_softmax_params, log, IG_FIELD_INT),
                                  IG_FIELD(ig_softmax_params, scale, IG_FIELD_F64)};
const ig_kind_def ig_kind_def_softmax = {.name = "softmax", .id = IG_KIND_softmax, .flags = IG_KIND_EPILOGUE, .min_in = 1, .max_in = 2, .min_out = 1,
  .max_out = 1, .params_size = sizeof(ig_softmax_params), .fields = fields, .n_fields = IG_COUNT(fields), .out_dims = out_dims};
