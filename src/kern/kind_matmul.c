/* matmul: batched matrix product, plain or with zero points.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/kind_util.h"

static ig_status check_types(const ig_request *r, const char *node) {
  const ig_matmul_params *p = r->params;
  const ig_stype acc = (ig_stype)p->acc;
  IG_KIND_REQUIRE(acc >= IG_S_F32 && acc <= IG_S_U64, "unknown accumulator type %lld", (long long)p->acc);
  const bool floats = acc == IG_S_F32 || acc == IG_S_F64;
  for (uint32_t i = 0; i < r->n_in; i++) {
    const ig_operand *o = ig_request_in(r, i);
    if (i > 1 && !ig_operand_present(o)) continue;
    const ig_stype s = ig_stype_of(o->dtype);
    IG_KIND_REQUIRE(s && s != IG_S_BOOL && (s == IG_S_F32 || s == IG_S_F64) == floats, "input %u is %s, which %s does not accumulate", i,
                    ig_dtype_name(o->dtype), ig_stype_name(acc));
  }
  IG_KIND_REQUIRE(floats || p->alpha == 1.0, "alpha needs floats");
  return NULL;
}

IG_OUT_DIMS(out_dims) {
  const ig_operand *a = ig_request_in(r, 0), *b = ig_request_in(r, 1);
  IG_TRY(check_types(r, node));
  IG_KIND_REQUIRE(a->rank >= 2 && a->rank == b->rank, "A has %u dims, B has %u; both need the same number, at least 2", a->rank, b->rank);
  const uint32_t n = a->rank;
  for (uint32_t i = 0; i + 2 < n; i++) IG_TRY(ig_dims_assume_equal(t, a->dims[i], b->dims[i], node, "batch dims of A and B", NULL));
  IG_TRY(ig_dims_assume_equal(t, a->dims[n - 1], b->dims[n - 2], node, "columns of A and rows of B", NULL));
  if (ig_operand_is(r, 2)) IG_TRY(ig_kind_same_dims(r, t, node, ig_request_in(r, 2), a->dims, n, "A and its zero point"));
  if (ig_operand_is(r, 3)) IG_TRY(ig_kind_same_dims(r, t, node, ig_request_in(r, 3), b->dims, n, "B and its zero point"));
  ig_kind_copy_dims(out[0], &out_rank[0], a->dims, n);
  out[0][n - 1] = b->dims[n - 1];
  return NULL;
}

static double flops(const ig_call *c) {
  const ig_view *a = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  return 2.0 * (double)ig_view_count(o) * (double)a->dims[a->rank - 1];
}

static const ig_field fields[] = {IG_FIELD(ig_matmul_params, acc, IG_FIELD_INT), IG_FIELD(ig_matmul_params, alpha, IG_FIELD_F64)};
const ig_kind_def ig_kind_def_matmul = {.name = "matmul", .id = IG_KIND_matmul, .flags = IG_KIND_EPILOGUE, .min_in = 2, .max_in = 4, .min_out = 1,
  .max_out = 1, .params_size = sizeof(ig_matmul_params), .fields = fields, .n_fields = IG_COUNT(fields), .out_dims = out_dims, .flops = flops};
