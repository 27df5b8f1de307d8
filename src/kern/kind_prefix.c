/* prefix: running sums or products along an axis.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/kind_util.h"

IG_OUT_DIMS(out_dims) {
  const ig_prefix_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *o = ig_request_out(r, 0);
  const ig_stype s = ig_stype_of(x->dtype);
  IG_UNUSED(t);
  IG_KIND_REQUIRE(ig_operand_present(x) && s && s != IG_S_BOOL, "the input is %s, expected a number type", ig_dtype_name(x->dtype));
  IG_KIND_REQUIRE(!ig_operand_present(o) || o->dtype == x->dtype, "input and result differ in type");
  IG_KIND_REQUIRE(p->axis >= 0 && p->axis < x->rank, "axis %lld of an input with %u dims", (long long)p->axis, x->rank);
  IG_KIND_REQUIRE(p->op == IG_PREFIX_SUM || p->op == IG_PREFIX_PROD, "unknown operation %lld", (long long)p->op);
  ig_kind_copy_dims(out[0], &out_rank[0], x->dims, x->rank);
  return NULL;
}

static const ig_field fields[] = {IG_FIELD(ig_prefix_params, axis, IG_FIELD_INT), IG_FIELD(ig_prefix_params, op, IG_FIELD_INT),
                                  IG_FIELD(ig_prefix_params, exclusive, IG_FIELD_INT), IG_FIELD(ig_prefix_params, reverse, IG_FIELD_INT)};
const ig_kind_def ig_kind_def_prefix = {.name = "prefix",
                                        .id = IG_KIND_prefix,
                                        .min_in = 1,
                                        .max_in = 1,
                                        .min_out = 1,
                                        .max_out = 1,
                                        .params_size = sizeof(ig_prefix_params),
                                        .fields = fields,
                                        .n_fields = IG_COUNT(fields),
                                        .out_dims = out_dims};
