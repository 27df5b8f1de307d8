/* rnn: the recurrent part of LSTM, GRU and plain cells; the product with the input is a matmul outside.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/kind_util.h"

static ig_status check_params(const ig_request *r, const char *node, int64_t directions) {
  const ig_rnn_params *p = r->params;
  IG_KIND_REQUIRE(p->cell >= IG_RNN_LSTM && p->cell <= IG_RNN_PLAIN, "unknown cell %lld", (long long)p->cell);
  IG_KIND_REQUIRE(p->reverse >= 0 && p->reverse < 1 << directions, "reverses a direction that is not there");
  const int64_t n_act = p->cell == IG_RNN_LSTM ? 3 : p->cell == IG_RNN_GRU ? 2 : 1;
  for (int64_t d = 0; d < directions; d++)
    for (int64_t k = 0; k < n_act; k++)
      IG_KIND_REQUIRE(p->act[d * 3 + k] >= IG_ACT_RELU && p->act[d * 3 + k] <= IG_ACT_SOFTPLUS, "unknown activation %lld",
                      (long long)p->act[d * 3 + k]);
  return NULL;
}

static ig_status check_operand(const ig_request *r, ig_dims *t, const char *node, uint32_t i, const ig_dim *dims, uint32_t rank, const char *what) {
  return ig_operand_is(r, i) ? ig_kind_same_dims(r, t, node, ig_request_in(r, i), dims, rank, what) : NULL;
}

IG_OUT_DIMS(out_dims) {
  const ig_rnn_params *p = r->params;
  const ig_operand *xw = ig_request_in(r, 0), *rec = ig_request_in(r, 1);
  IG_KIND_REQUIRE(xw->rank == 4 && rec->rank == 3, "needs inputs of 4 and weights of 3 dims, got %u and %u", xw->rank, rec->rank);
  int64_t n_dir;
  IG_KIND_REQUIRE(ig_dim_is_const(t, xw->dims[2], &n_dir) && (n_dir == 1 || n_dir == 2), "the number of directions must be 1 or 2");
  IG_TRY(check_params(r, node, n_dir));
  const ig_stype s = ig_stype_of(xw->dtype);
  for (uint32_t i = 0; i < r->n_in; i++) {
    if (!ig_operand_is(r, i)) continue;
    const ig_dtype d = ig_request_in(r, i)->dtype;
    IG_KIND_REQUIRE(i == 2 ? d == IG_DTYPE_I32 : (s == IG_S_F32 || s == IG_S_F64) && ig_stype_of(d) == s, "input %u is %s", i, ig_dtype_name(d));
  }
  const int64_t gates = p->cell == IG_RNN_LSTM ? 4 : p->cell == IG_RNN_GRU ? 3 : 1;
  const ig_dim T = xw->dims[0], B = xw->dims[1], D = xw->dims[2], H = rec->dims[2], GH = ig_dim_mul_c(t, H, gates);
  IG_TRY(ig_dims_assume_equal(t, xw->dims[3], GH, node, "inputs and gates times hidden size", NULL));
  IG_TRY(check_operand(r, t, node, 1, (const ig_dim[]){D, GH, H}, 3, "recurrent weights and gates times hidden size"));
  IG_TRY(check_operand(r, t, node, 2, (const ig_dim[]){B}, 1, "sequence lengths and batch"));
  IG_TRY(check_operand(r, t, node, 3, (const ig_dim[]){D, B, H}, 3, "initial hidden state"));
  IG_TRY(check_operand(r, t, node, 4, (const ig_dim[]){D, B, H}, 3, "initial cell state"));
  IG_TRY(check_operand(r, t, node, 5, (const ig_dim[]){D, ig_dim_mul_c(t, H, 3)}, 2, "peepholes"));
  IG_TRY(check_operand(r, t, node, 6, (const ig_dim[]){D, H}, 2, "recurrent bias of the hidden gate"));
  ig_kind_copy_dims(out[0], &out_rank[0], (const ig_dim[]){T, D, B, H}, 4);
  for (uint32_t k = 1; k < r->n_out; k++) ig_kind_copy_dims(out[k], &out_rank[k], (const ig_dim[]){D, B, H}, 3);
  return NULL;
}

static double flops(const ig_call *c) {
  const ig_view *xw = ig_call_in(c, 0), *rec = ig_call_in(c, 1);
  return 2.0 * (double)ig_view_count(xw) * (double)rec->dims[2];
}

static const ig_field fields[] = {IG_FIELD(ig_rnn_params, cell, IG_FIELD_INT),
                                  IG_FIELD(ig_rnn_params, reverse, IG_FIELD_INT),
                                  IG_FIELD(ig_rnn_params, linear_before_reset, IG_FIELD_INT),
                                  IG_FIELD(ig_rnn_params, input_forget, IG_FIELD_INT),
                                  IG_FIELD(ig_rnn_params, act, IG_FIELD_INT),
                                  IG_FIELD(ig_rnn_params, alpha, IG_FIELD_F64),
                                  IG_FIELD(ig_rnn_params, beta, IG_FIELD_F64),
                                  IG_FIELD(ig_rnn_params, clip, IG_FIELD_F64)};
const ig_kind_def ig_kind_def_rnn = {.name = "rnn", .id = IG_KIND_rnn, .min_in = 2, .max_in = 7, .min_out = 1, .max_out = 3,
  .params_size = sizeof(ig_rnn_params), .fields = fields, .n_fields = IG_COUNT(fields), .out_dims = out_dims, .flops = flops};
