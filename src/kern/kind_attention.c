/* attention: softmax(scale * q * k) * v without the scores in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/kind_util.h"

IG_OUT_DIMS(out_dims) {
  const ig_attention_params *p = r->params;
  const ig_operand *q = ig_request_in(r, 0), *k = ig_request_in(r, 1), *v = ig_request_in(r, 2);
  const uint32_t n = q->rank;
  IG_KIND_REQUIRE(p->empty >= IG_ATTENTION_NAN && p->empty <= IG_ATTENTION_ZERO_NAN, "unknown rule %lld for empty rows", (long long)p->empty);
  IG_KIND_REQUIRE(n >= 2 && k->rank == n && v->rank == n, "queries have %u dims, keys %u, values %u; all need the same number, at least 2", n, k->rank, v->rank);
  for (uint32_t i = 0; i < 3; i++) {
    const ig_stype s = ig_stype_of(r->operands[i].dtype);
    IG_KIND_REQUIRE(s == ig_kind_result_type(r->kind, p, q->dtype), "input %u is %s, the queries are %s; expected float types of one width", i,
                    ig_dtype_name(r->operands[i].dtype), ig_dtype_name(q->dtype));
  }
  for (uint32_t i = 0; i + 2 < n; i++) {
    IG_TRY(ig_dims_assume_equal(t, q->dims[i], k->dims[i], node, "batch dims of queries and keys", NULL));
    IG_TRY(ig_dims_assume_equal(t, q->dims[i], v->dims[i], node, "batch dims of queries and values", NULL));
  }
  IG_TRY(ig_dims_assume_equal(t, q->dims[n - 1], k->dims[n - 1], node, "heads of queries and keys", NULL));
  IG_TRY(ig_dims_assume_equal(t, k->dims[n - 2], v->dims[n - 2], node, "lengths of keys and values", NULL));
  ig_dim scores[IG_MAX_RANK];
  memcpy(scores, q->dims, n * sizeof *scores);
  scores[n - 1] = k->dims[n - 2];
  for (uint32_t i = 3; i < r->n_in; i++) {
    IG_KIND_REQUIRE(ig_operand_is(r, i) && r->prog.n, "input %u is no operand of a program", i);
    IG_TRY(ig_kind_same_dims(r, t, node, ig_request_in(r, i), scores, n, "an operand of the program and the scores"));
  }
  ig_kind_copy_dims(out[0], &out_rank[0], q->dims, n);
  out[0][n - 1] = v->dims[n - 1];
  return NULL;
}

static double flops(const ig_call *c) {
  const ig_view *q = ig_call_in(c, 0), *v = ig_call_in(c, 2);
  return 2.0 * (double)ig_view_count(q) * (double)v->dims[v->rank - 2] + 2.0 * (double)ig_view_count(ig_call_out(c, 0)) * (double)v->dims[v->rank - 2];
}

static const ig_field fields[] = {IG_FIELD(ig_attention_params, empty, IG_FIELD_INT), IG_FIELD(ig_attention_params, scale, IG_FIELD_F64)};
const ig_kind_def ig_kind_def_attention = {.name = "attention", .id = IG_KIND_attention, .flags = IG_KIND_EPILOGUE, .min_in = 3, .max_in = 12, .min_out = 1,
  .max_out = 1, .params_size = sizeof(ig_attention_params), .fields = fields, .n_fields = IG_COUNT(fields), .out_dims = out_dims, .flops = flops};
