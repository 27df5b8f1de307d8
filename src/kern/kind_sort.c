/* sort: the k largest or smallest elements along an axis, in order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/kind_util.h"

IG_OUT_DIMS(out_dims) {
  const ig_sort_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *o = ig_request_out(r, 0);
  const ig_stype s = ig_stype_of(x->dtype);
  IG_KIND_REQUIRE(ig_operand_present(x) && s && s != IG_S_BOOL, "the input is %s, expected a number type", ig_dtype_name(x->dtype));
  IG_KIND_REQUIRE(!ig_operand_present(o) || o->dtype == x->dtype, "input and result differ in type");
  IG_KIND_REQUIRE(!ig_result_is(r, 1) || ig_request_out(r, 1)->dtype == IG_DTYPE_I64, "indices are int64");
  IG_KIND_REQUIRE(p->axis >= 0 && p->axis < x->rank, "axis %lld of an input with %u dims", (long long)p->axis, x->rank);
  const ig_dim k = (ig_dim)p->k;
  IG_TRY(ig_kind_at_least(t, node, k, ig_dim_const(t, 0), "k is negative"));
  IG_TRY(ig_kind_at_least(t, node, x->dims[p->axis], k, "k is larger than the axis"));
  for (uint32_t i = 0; i < r->n_out; i++) {
    ig_kind_copy_dims(out[i], &out_rank[i], x->dims, x->rank);
    out[i][p->axis] = k;
  }
  return NULL;
}

static const ig_field fields[] = {IG_FIELD(ig_sort_params, axis, IG_FIELD_INT), IG_FIELD(ig_sort_params, largest, IG_FIELD_INT),
                                  IG_FIELD(ig_sort_params, k, IG_FIELD_DIM)};
const ig_kind_def ig_kind_def_sort = {.name = "sort",
                                      .id = IG_KIND_sort,
                                      .min_in = 1,
                                      .max_in = 1,
                                      .min_out = 1,
                                      .max_out = 2,
                                      .params_size = sizeof(ig_sort_params),
                                      .fields = fields,
                                      .n_fields = IG_COUNT(fields),
                                      .out_dims = out_dims};
