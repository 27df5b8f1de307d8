/* LSTM, GRU and RNN: the products with the input are one matmul over all time steps and directions, biases its epilogue;
 * the recurrent part is one rnn request.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/structured.h"

/* What tells the three cells apart: kind's number, gates, activations per direction. */
typedef struct cell {
  int64_t id;
  int64_t gates, n_acts;
  const char *acts[3];
} cell;
static const cell lstm = {IG_RNN_LSTM, 4, 3, {"Sigmoid", "Tanh", "Tanh"}}, gru = {IG_RNN_GRU, 3, 2, {"Sigmoid", "Tanh", NULL}},
                  plain = {IG_RNN_PLAIN, 1, 1, {"Tanh", NULL, NULL}};

static const cell *cell_of(const ig_node *n) { return strcmp(n->op->name, "LSTM") == 0 ? &lstm : strcmp(n->op->name, "GRU") == 0 ? &gru : &plain; }

/* ---- attributes ---- */

typedef struct activation {
  const char *name;
  int64_t id;
  bool has_alpha, has_beta;
  double alpha, beta;
} activation;
static const activation activations[] = {
    {"Relu", IG_ACT_RELU, false, false, 0, 0},
    {"Tanh", IG_ACT_TANH, false, false, 0, 0},
    {"Sigmoid", IG_ACT_SIGMOID, false, false, 0, 0},
    {"Affine", IG_ACT_AFFINE, true, true, 1, 0},
    {"LeakyRelu", IG_ACT_LEAKY_RELU, true, false, 0.01, 0},
    {"ThresholdedRelu", IG_ACT_THRESHOLDED_RELU, true, false, 1, 0},
    {"ScaledTanh", IG_ACT_SCALED_TANH, true, true, 1, 1},
    {"HardSigmoid", IG_ACT_HARD_SIGMOID, true, true, 0.2, 0.5},
    {"Elu", IG_ACT_ELU, true, false, 1, 0},
    {"Softsign", IG_ACT_SOFTSIGN, false, false, 0, 0},
    {"Softplus", IG_ACT_SOFTPLUS, false, false, 0, 0},
};

/* Exporters differ in case. */
static bool same_name(const char *a, const char *b) {
  for (; *a && *b; a++, b++)
    if ((*a | 32) != (*b | 32)) return false;
  return *a == *b;
}

static const activation *find_activation(const char *name) {
  for (size_t i = 0; i < IG_COUNT(activations); i++)
    if (same_name(activations[i].name, name)) return &activations[i];
  return NULL;
}

/* alpha and beta are lists consumed in the order of the activations that take one. */
static ig_status read_activations(const ig_node *n, const cell *c, int64_t directions, ig_rnn_params *p) {
  const ig_ir_attr *names = ig_node_attr(n, "activations"), *alphas = ig_node_attr(n, "activation_alpha"),
                   *betas = ig_node_attr(n, "activation_beta");
  uint32_t used_alpha = 0, used_beta = 0;
  if (names && names->n < directions * c->n_acts)
    IG_NODE_FAIL(n, IG_ERROR_BAD_MODEL, "%u activations for %lld directions of %lld", names->n, (long long)directions, (long long)c->n_acts);
  for (int64_t i = 0; i < directions * c->n_acts; i++) {
    const int64_t at = i / c->n_acts * 3 + i % c->n_acts;
    const char *name = names ? names->v.strings[i] : c->acts[i % c->n_acts];
    const activation *a = find_activation(name);
    IG_NODE_REQUIRE(n, a, IG_ERROR_BAD_MODEL, "activation '%s' is not known", name);
    p->act[at] = a->id;
    p->alpha[at] = a->has_alpha && alphas && used_alpha < alphas->n ? (double)alphas->v.floats[used_alpha] : a->alpha;
    p->beta[at] = a->has_beta && betas && used_beta < betas->n ? (double)betas->v.floats[used_beta] : a->beta;
    used_alpha += a->has_alpha;
    used_beta += a->has_beta;
  }
  return NULL;
}

static ig_status read_params(const ig_node *n, const cell *c, int64_t *out_directions, ig_rnn_params *p) {
  const char *direction = ig_node_attr_s(n, "direction", "forward");
  const bool both = strcmp(direction, "bidirectional") == 0, backward = strcmp(direction, "reverse") == 0;
  IG_NODE_REQUIRE(n, both || backward || strcmp(direction, "forward") == 0, IG_ERROR_BAD_MODEL,
                  "direction '%s' is not one of forward, reverse, bidirectional", direction);
  *out_directions = both ? 2 : 1;
  *p = (ig_rnn_params){.cell = c->id,
                       .reverse = both       ? 2
                                  : backward ? 1
                                             : 0,
                       .linear_before_reset = ig_node_attr_i(n, "linear_before_reset", 0) != 0,
                       .input_forget = ig_node_attr_i(n, "input_forget", 0) != 0,
                       .clip = (double)ig_node_attr_f(n, "clip", 0)};
  return read_activations(n, c, *out_directions, p);
}

/* ---- infer ---- */

static ig_status check_input(ig_node *n, uint32_t i, const char *what, int rank, const ig_dim *dims) {
  const ig_val *v = ig_node_in(n, i);
  if (!v) return NULL;
  IG_TRY(ig_infer_rank(n, v, what, rank));
  for (int k = 0; k < rank; k++)
    IG_TRY(ig_infer_equal(n, v->dims[k], dims[k], what, NULL));
  return NULL;
}

static ig_status rnn_infer(ig_node *n) {
  const cell *c = cell_of(n);
  ig_dims *t = ig_node_dims(n);
  const ig_val *x = ig_node_in(n, 0), *r = ig_node_in(n, 2);
  ig_rnn_params p;
  int64_t directions;
  IG_TRY(read_params(n, c, &directions, &p));
  IG_TRY(ig_infer_rank(n, x, "X", 3));
  IG_TRY(ig_infer_rank(n, r, "R", 3));
  const bool batch_first = ig_node_attr_i(n, "layout", 0) != 0;
  const ig_dim time = x->dims[batch_first], batch = x->dims[!batch_first], d = ig_dim_const(t, directions), h = r->dims[2],
               gates = ig_dim_mul_c(t, h, c->gates);
  IG_TRY(check_input(n, 1, "W", 3, (const ig_dim[]){d, gates, x->dims[2]}));
  IG_TRY(check_input(n, 2, "R", 3, (const ig_dim[]){d, gates, h}));
  IG_TRY(check_input(n, 3, "B", 2, (const ig_dim[]){d, ig_dim_mul_c(t, gates, 2)}));
  IG_TRY(check_input(n, 4, "sequence_lens", 1, (const ig_dim[]){batch}));
  const ig_dim state[3] = {batch_first ? batch : d, batch_first ? d : batch, h};
  IG_TRY(check_input(n, 5, "initial_h", 3, state));
  IG_TRY(check_input(n, 6, "initial_c", 3, state));
  IG_TRY(check_input(n, 7, "P", 2, (const ig_dim[]){d, ig_dim_mul_c(t, h, 3)}));
  const int64_t hidden = ig_node_attr_i(n, "hidden_size", 0);
  if (hidden) IG_TRY(ig_infer_equal(n, h, ig_dim_const(t, hidden), "hidden_size and R", NULL));
  const ig_dim all[4] = {batch_first ? batch : time, batch_first ? time : d, batch_first ? d : batch, h};
  IG_TRY(ig_infer_set(n, 0, x->dtype, 4, all));
  IG_TRY(ig_infer_set(n, 1, x->dtype, 3, state));
  return ig_infer_set(n, 2, x->dtype, 3, state);
}

/* ---- lower ---- */

/* Columns [at, at + count) of v [D, ..]. */
static ig_val *columns(ig_lower *l, ig_val *v, ig_dim at, ig_dim count) {
  const ig_dim start[2] = {ig_dim_const(&l->ir->dims, 0), at}, dims[2] = {v->dims[0], count};
  return ig_lo_slice(l, v, start, NULL, dims);
}

/* Wb + Rb [D, G*H]. With a GRU's linear_before_reset the hidden gate's Rb stays out: the cell adds it itself. */
static ig_val *add_biases(ig_lower *l, const cell *c, const ig_rnn_params *p, ig_val *bias, ig_dim hidden) {
  ig_dims *t = &l->ir->dims;
  const ig_dim gates = ig_dim_mul_c(t, hidden, c->gates), zero = ig_dim_const(t, 0);
  ig_val *in[2] = {columns(l, bias, zero, gates), columns(l, bias, gates, gates)};
  if (!in[0] || !in[1]) return NULL;
  ig_sbuild b;
  ig_sprog prog;
  ig_sbuild_init(&b, &l->ir->arena);
  ig_sreg w = ig_s_load(&b, 0, bias->dtype), r = ig_s_load(&b, 1, bias->dtype);
  if (c->id == IG_RNN_GRU && p->linear_before_reset) {
    const ig_sreg inside = ig_s_op(&b, IG_SOP_LT, ig_s_coord(&b, 1), ig_s_dim(&b, ig_dim_mul_c(t, hidden, 2)), 0);
    r = ig_s_op(&b, IG_SOP_SELECT, inside, r, ig_s_f64(&b, ig_stype_of(bias->dtype), 0));
  }
  ig_s_store(&b, 0, ig_s_op(&b, IG_SOP_ADD, w, r, 0), 0);
  ig_status st = ig_sbuild_finish(&b, &prog);
  if (st) return ig_lo_fail(l, st), NULL;
  return ig_lo_map(l, in, 2, &prog, bias->dtype, 2, in[0]->dims);
}

/* X * W^T + biases as [T, B, D, G*H]: rows are time steps and batch together, columns directions and gates. */
static ig_val *input_product(ig_lower *l, const ig_node *n, const cell *c, const ig_rnn_params *p, int64_t directions) {
  ig_dims *t = &l->ir->dims;
  ig_val *x = ig_node_in(n, 0), *w = ig_node_in(n, 1), *bias = ig_node_in(n, 3);
  const ig_dim hidden = ig_node_in(n, 2)->dims[2], gates = ig_dim_mul_c(t, hidden, c->gates), rows = ig_dim_mul(t, x->dims[0], x->dims[1]),
               width = ig_dim_mul_c(t, gates, directions);
  const ig_dim flat_x[2] = {rows, x->dims[2]}, flat_w[2] = {width, w->dims[2]}, one_row[2] = {ig_dim_const(t, 1), width}, product[2] = {rows, width};
  static const uint8_t transpose[IG_MAX_RANK] = {1, 0}, time_first[IG_MAX_RANK] = {1, 0, 2, 3};
  ig_sprog epi = {0};
  if (bias) {
    ig_sbuild b;
    ig_sbuild_init(&b, &l->ir->arena);
    ig_s_store(&b, 0, ig_s_op(&b, IG_SOP_ADD, ig_s_load(&b, 0, ig_stype_dtype(ig_acc_type(x->dtype))), ig_s_load(&b, 1, bias->dtype), 0), 0);
    ig_status st = ig_sbuild_finish(&b, &epi);
    if (st) return ig_lo_fail(l, st), NULL;
    bias = ig_lo_expand(l, ig_lo_reshape(l, add_biases(l, c, p, bias, hidden), 2, one_row), 2, product);
    if (!bias) return NULL;
  }
  const ig_lo_matmul_desc d = {.a = ig_lo_reshape(l, x, 2, flat_x),
                               .b = ig_lo_permute(l, ig_lo_reshape(l, w, 2, flat_w), transpose),
                               .alpha = 1,
                               .dtype = x->dtype,
                               .epi = bias ? &epi : NULL,
                               .extra = &bias,
                               .n_extra = bias ? 1 : 0};
  if (!d.a || !d.b) return NULL;
  const ig_dim full[4] = {x->dims[0], x->dims[1], ig_dim_const(t, directions), gates};
  ig_val *y = ig_lo_reshape(l, ig_lo_matmul(l, &d), 4, full);
  return ig_node_attr_i(n, "layout", 0) ? ig_lo_permute(l, y, time_first) : y;
}

/* [B, D, H] <-> [D, B, H] where the layout is batch-first. */
static ig_val *state(ig_lower *l, const ig_node *n, ig_val *v) {
  static const uint8_t swap[IG_MAX_RANK] = {1, 0, 2};
  return v && ig_node_attr_i(n, "layout", 0) ? ig_lo_permute(l, v, swap) : v;
}

static ig_status rnn_lower(ig_lower *l, const ig_node *n) {
  const cell *c = cell_of(n);
  ig_rnn_params p;
  int64_t directions;
  IG_TRY(read_params(n, c, &directions, &p));
  ig_val *x = ig_node_in(n, 0), *r = ig_node_in(n, 2), *bias = ig_node_in(n, 3);
  ig_val *in[7] = {input_product(l, n, c, &p, directions),
                   r,
                   ig_node_in(n, 4),
                   state(l, n, ig_node_in(n, 5)),
                   state(l, n, ig_node_in(n, 6)),
                   ig_node_in(n, 7),
                   NULL};
  if (!in[0]) return NULL;
  if (c->id == IG_RNN_GRU && p.linear_before_reset && bias) in[6] = columns(l, bias, ig_dim_mul_c(&l->ir->dims, r->dims[2], 5), r->dims[2]);
  ig_dtype dtypes[3];
  for (uint32_t i = 0; i < 3; i++)
    dtypes[i] = ig_node_out(n, i) ? x->dtype : IG_DTYPE_NONE;
  ig_val *out[3] = {NULL, NULL, NULL};
  const ig_lo_kernel_desc d = {.kind = IG_KIND_rnn, .params = &p, .in = in, .n_in = 7, .out_dtypes = dtypes, .n_out = 3};
  if (!ig_lo_kernel(l, &d, out)) return NULL;
  static const uint8_t batch_first[IG_MAX_RANK] = {2, 0, 1, 3};
  if (out[0]) ig_lo_result(l, 0, ig_node_attr_i(n, "layout", 0) ? ig_lo_permute(l, out[0], batch_first) : out[0]);
  for (uint32_t i = 1; i < 3; i++)
    if (out[i]) ig_lo_result(l, i, state(l, n, out[i]));
  return NULL;
}

/* ---- records ---- */

#define STATE_INPUTS                                                                                                                                 \
  {"X", 'T', IG_TYPES_FLOAT, 0}, {"W", 'T', IG_TYPES_FLOAT, 0}, {"R", 'T', IG_TYPES_FLOAT, 0}, {"B", 'T', IG_TYPES_FLOAT, IG_ARG_OPTIONAL},          \
      {"sequence_lens", 0, IG_T(I32), IG_ARG_OPTIONAL}, {                                                                                            \
    "initial_h", 'T', IG_TYPES_FLOAT, IG_ARG_OPTIONAL                                                                                                \
  }
#define STATE_ATTRS                                                                                                                                  \
  {"activation_alpha", IG_ATTR_FLOATS, false, 0, 0, NULL}, {"activation_beta", IG_ATTR_FLOATS, false, 0, 0, NULL},                                   \
      {"activations", IG_ATTR_STRINGS, false, 0, 0, NULL}, {"clip", IG_ATTR_FLOAT, false, 0, 0, NULL},                                               \
      {"direction", IG_ATTR_STRING, false, 0, 0, "forward"}, {"hidden_size", IG_ATTR_INT, false, 0, 0, NULL}, {                                      \
    "layout", IG_ATTR_INT, false, 0, 0, NULL                                                                                                         \
  }
static const ig_op_arg lstm_in[] = {STATE_INPUTS, {"initial_c", 'T', IG_TYPES_FLOAT, IG_ARG_OPTIONAL}, {"P", 'T', IG_TYPES_FLOAT, IG_ARG_OPTIONAL}};
static const ig_op_arg rnn_in[] = {STATE_INPUTS};
static const ig_op_arg rnn_out[] = {
    {"Y", 'T', IG_TYPES_FLOAT, IG_ARG_OPTIONAL}, {"Y_h", 'T', IG_TYPES_FLOAT, IG_ARG_OPTIONAL}, {"Y_c", 'T', IG_TYPES_FLOAT, IG_ARG_OPTIONAL}};
static const ig_op_attr lstm_attrs[] = {STATE_ATTRS, {"input_forget", IG_ATTR_INT, false, 0, 0, NULL}};
static const ig_op_attr gru_attrs[] = {STATE_ATTRS, {"linear_before_reset", IG_ATTR_INT, false, 0, 0, NULL}};
static const ig_op_attr rnn_attrs[] = {STATE_ATTRS};
static const char *const lstm_cases[] = {
    "f32[3,2,4] f32[1,12,4] f32[1,12,3] -> 3",
    "f32[3,2,4] f32[2,12,4] f32[2,12,3] f32[2,24] i32[2]=3,1 f32[2,2,3] f32[2,2,3] f32[2,9] direction=bidirectional -> 3",
    "f32[2,3,4] f32[1,12,4] f32[1,12,3] f32[1,24] layout=1 direction=reverse clip=0.5 -> 3", NULL};
static const char *const gru_cases[] = {"f32[3,2,4] f32[1,9,4] f32[1,9,3] f32[1,18] -> 2",
                                        "f32[3,2,4] f32[2,9,4] f32[2,9,3] f32[2,18] linear_before_reset=1 direction=bidirectional -> 2", NULL};
static const char *const rnn_cases[] = {"f32[3,2,4] f32[1,3,4] f32[1,3,3] -> 2", "f32[2,3,4] f32[1,3,4] f32[1,3,3] f32[1,6] layout=1 -> 2", NULL};
const ig_op ig_op_LSTM = {.domain = "",
                          .name = "LSTM",
                          .since = 22,
                          .oldest = 7,
                          .cls = IG_CLASS_KIND,
                          IG_OP_ARGS(lstm_in, rnn_out),
                          IG_OP_ATTRS(lstm_attrs),
                          .infer = rnn_infer,
                          .lower = rnn_lower,
                          .cases = lstm_cases};
const ig_op ig_op_GRU = {.domain = "",
                         .name = "GRU",
                         .since = 22,
                         .oldest = 7,
                         .cls = IG_CLASS_KIND,
                         .in = rnn_in,
                         .n_in = IG_COUNT(rnn_in),
                         .out = rnn_out,
                         .n_out = 2,
                         IG_OP_ATTRS(gru_attrs),
                         .infer = rnn_infer,
                         .lower = rnn_lower,
                         .cases = gru_cases};
const ig_op ig_op_RNN = {.domain = "",
                         .name = "RNN",
                         .since = 22,
                         .oldest = 7,
                         .cls = IG_CLASS_KIND,
                         .in = rnn_in,
                         .n_in = IG_COUNT(rnn_in),
                         .out = rnn_out,
                         .n_out = 2,
                         IG_OP_ATTRS(rnn_attrs),
                         .infer = rnn_infer,
                         .lower = rnn_lower,
                         .cases = rnn_cases};
