/* reduce: sums, products, extremes and their positions over a set of axes, of a pre-program's values.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/kind_util.h"

static ig_status check_params(const ig_request *r, const char *node, uint32_t rank) {
  const ig_reduce_params *p = r->params;
  IG_KIND_REQUIRE(p->axes_mask >= 0 && p->axes_mask < (int64_t)1 << rank, "reduces axes that a tensor of %u dims does not have", rank);
  IG_KIND_REQUIRE(p->op >= IG_REDUCE_SUM && p->op <= IG_REDUCE_ARGMAX, "unknown reduction %lld", (long long)p->op);
  IG_KIND_REQUIRE(p->acc >= IG_S_F32 && p->acc <= IG_S_BOOL, "unknown accumulator type %lld", (long long)p->acc);
  IG_KIND_REQUIRE(p->acc != IG_S_BOOL || p->op >= IG_REDUCE_MIN, "bools have no sum or product");
  if (p->op == IG_REDUCE_ARGMIN || p->op == IG_REDUCE_ARGMAX)
    IG_KIND_REQUIRE(__builtin_popcountll((uint64_t)p->axes_mask) == 1, "the position of an extreme is sought along one axis");
  return NULL;
}

IG_OUT_DIMS(out_dims) {
  const ig_reduce_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0);
  IG_TRY(check_params(r, node, x->rank));
  IG_KIND_REQUIRE(r->n_in == 1 || r->prog.n, "several inputs need a program");
  for (uint32_t i = 0; i < r->n_in; i++) {
    const ig_operand *in = ig_request_in(r, i);
    IG_KIND_REQUIRE(ig_operand_present(in) && ig_stype_of(in->dtype), "input %u has no numeric type", i);
    IG_TRY(ig_kind_same_dims(r, t, node, in, x->dims, x->rank, "inputs of a reduction"));
  }
  IG_KIND_REQUIRE(r->prog.n || ig_stype_of(x->dtype) == (ig_stype)p->acc, "a %s input cannot be accumulated as %s without a program",
                  ig_dtype_name(x->dtype), ig_stype_name((ig_stype)p->acc));
  for (uint32_t i = 0; i < x->rank; i++) out[0][i] = p->axes_mask >> i & 1 ? ig_dim_const(t, 1) : x->dims[i];
  out_rank[0] = x->rank;
  return NULL;
}

static const ig_field fields[] = {IG_FIELD(ig_reduce_params, axes_mask, IG_FIELD_INT), IG_FIELD(ig_reduce_params, op, IG_FIELD_INT),
                                  IG_FIELD(ig_reduce_params, acc, IG_FIELD_INT), IG_FIELD(ig_reduce_params, last, IG_FIELD_INT)};
const ig_kind_def ig_kind_def_reduce = {.name = "reduce", .id = IG_KIND_reduce, .flags = IG_KIND_EPILOGUE, .min_in = 1, .max_in = 16, .min_out = 1,
  .max_out = 1, .params_size = sizeof(ig_reduce_params), .fields = fields, .n_fields = IG_COUNT(fields), .out_dims = out_dims};
