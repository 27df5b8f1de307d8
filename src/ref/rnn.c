/* rnn: one sequence of one direction at a time, step after step (ONNX LSTM, GRU, RNN).
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref/element.h"

enum { STATE_H = 0, STATE_NEXT = 1, STATE_C = 2, STATE_RESET = 3, N_STATES = 4 };

/* One sequence: direction d, batch element b; states[k] are vectors of H values of type t. */
typedef struct sequence { const ig_call *c; const ig_rnn_params *p; ig_stype t; int64_t d, b, n_hidden; ig_sval *states[N_STATES]; } sequence;

size_t ig_ref_rnn_scratch(const ig_call *c) { return N_STATES * (size_t)ig_call_in(c, 1)->dims[2] * sizeof(ig_sval); }

static bool given(const sequence *s, uint32_t i) { return i < s->c->n_in && ig_view_present(ig_call_in(s->c, i)); }
static ig_sval load(const sequence *s, uint32_t i, const int64_t *index) { return ig_ref_load(ig_call_in(s->c, i), index); }
static ig_sval op(const sequence *s, ig_sop o, ig_sval a, ig_sval b) { return ig_ref_op(o, s->t, a, b); }
static ig_sval num(const sequence *s, double x) { return ig_sval_from_f64(s->t, x); }

static ig_sval activate(const sequence *s, int k, ig_sval x) {
  const int64_t which = s->p->act[s->d * 3 + k];
  const ig_sval alpha = num(s, s->p->alpha[s->d * 3 + k]), beta = num(s, s->p->beta[s->d * 3 + k]), zero = num(s, 0), one = num(s, 1);
  switch (which) {
  case IG_ACT_RELU: return op(s, IG_SOP_MAX, x, zero);
  case IG_ACT_TANH: return op(s, IG_SOP_TANH, x, x);
  case IG_ACT_SIGMOID: return op(s, IG_SOP_SIGMOID, x, x);
  case IG_ACT_AFFINE: return ig_ref_mac(s->t, beta, alpha, x);
  case IG_ACT_LEAKY_RELU: return op(s, IG_SOP_LT, x, zero).b ? op(s, IG_SOP_MUL, alpha, x) : x;
  case IG_ACT_THRESHOLDED_RELU: return op(s, IG_SOP_LT, x, alpha).b ? zero : x;
  case IG_ACT_SCALED_TANH: x = op(s, IG_SOP_MUL, beta, x); return op(s, IG_SOP_MUL, alpha, op(s, IG_SOP_TANH, x, x));
  case IG_ACT_HARD_SIGMOID: return op(s, IG_SOP_MIN, one, op(s, IG_SOP_MAX, zero, ig_ref_mac(s->t, beta, alpha, x)));
  case IG_ACT_ELU: return op(s, IG_SOP_LT, x, zero).b ? op(s, IG_SOP_MUL, alpha, op(s, IG_SOP_EXPM1, x, x)) : x;
  case IG_ACT_SOFTSIGN: return op(s, IG_SOP_DIV, x, op(s, IG_SOP_ADD, one, op(s, IG_SOP_ABS, x, x)));
  default: return op(s, IG_SOP_SOFTPLUS, x, x);
  }
}

static ig_sval clip(const sequence *s, ig_sval x) {
  if (!(s->p->clip > 0)) return x;
  return op(s, IG_SOP_MIN, op(s, IG_SOP_MAX, x, num(s, -s->p->clip)), num(s, s->p->clip));
}

static ig_sval input(const sequence *s, int64_t t, int64_t gate, int64_t h) {
  return load(s, 0, (const int64_t[]){t, s->b, s->d, gate * s->n_hidden + h});
}

/* Row h of a gate's recurrent weights times a state vector, added to x. */
static ig_sval recur(const sequence *s, ig_sval x, int64_t gate, int64_t h, const ig_sval *state) {
  for (int64_t j = 0; j < s->n_hidden; j++) x = ig_ref_mac(s->t, x, load(s, 1, (const int64_t[]){s->d, gate * s->n_hidden + h, j}), state[j]);
  return x;
}

static ig_sval peep(const sequence *s, ig_sval x, int64_t which, int64_t h, ig_sval cell) {
  return given(s, 5) ? ig_ref_mac(s->t, x, load(s, 5, (const int64_t[]){s->d, which * s->n_hidden + h}), cell) : x;
}

static void step_lstm(const sequence *s, int64_t t) {
  const ig_sval *hidden = s->states[STATE_H];
  for (int64_t h = 0; h < s->n_hidden; h++) {
    ig_sval *cell = &s->states[STATE_C][h];
    const ig_sval i = activate(s, 0, clip(s, peep(s, recur(s, input(s, t, 0, h), 0, h, hidden), 0, h, *cell)));
    const ig_sval f = s->p->input_forget ? op(s, IG_SOP_SUB, num(s, 1), i)
                                         : activate(s, 0, clip(s, peep(s, recur(s, input(s, t, 2, h), 2, h, hidden), 2, h, *cell)));
    const ig_sval g = activate(s, 1, clip(s, recur(s, input(s, t, 3, h), 3, h, hidden)));
    *cell = op(s, IG_SOP_ADD, op(s, IG_SOP_MUL, f, *cell), op(s, IG_SOP_MUL, i, g));
    const ig_sval o = activate(s, 0, clip(s, peep(s, recur(s, input(s, t, 1, h), 1, h, hidden), 1, h, *cell)));
    s->states[STATE_NEXT][h] = op(s, IG_SOP_MUL, o, activate(s, 2, *cell));
  }
}

static void step_gru(const sequence *s, int64_t t) {
  const ig_sval *hidden = s->states[STATE_H];
  const bool before = s->p->linear_before_reset != 0;
  for (int64_t h = 0; h < s->n_hidden; h++) {
    const ig_sval r = activate(s, 0, clip(s, recur(s, input(s, t, 1, h), 1, h, hidden)));
    s->states[STATE_RESET][h] = before ? r : op(s, IG_SOP_MUL, r, hidden[h]);
  }
  for (int64_t h = 0; h < s->n_hidden; h++) {
    const ig_sval z = activate(s, 0, clip(s, recur(s, input(s, t, 0, h), 0, h, hidden))), zero = num(s, 0);
    ig_sval n;
    if (before) {
      const ig_sval bias = given(s, 6) ? load(s, 6, (const int64_t[]){s->d, h}) : zero;
      n = ig_ref_mac(s->t, input(s, t, 2, h), s->states[STATE_RESET][h], recur(s, bias, 2, h, hidden));
    } else {
      n = recur(s, input(s, t, 2, h), 2, h, s->states[STATE_RESET]);
    }
    n = activate(s, 1, clip(s, n));
    const ig_sval keep = op(s, IG_SOP_SUB, num(s, 1), z);
    s->states[STATE_NEXT][h] = op(s, IG_SOP_ADD, op(s, IG_SOP_MUL, keep, n), op(s, IG_SOP_MUL, z, hidden[h]));
  }
}

static void step_plain(const sequence *s, int64_t t) {
  for (int64_t h = 0; h < s->n_hidden; h++) s->states[STATE_NEXT][h] = activate(s, 0, clip(s, recur(s, input(s, t, 0, h), 0, h, s->states[STATE_H])));
}

static void store(const sequence *s, uint32_t result, const int64_t *index, ig_sval x) {
  if (result < s->c->n_out && ig_view_present(ig_call_out(s->c, result))) ig_ref_store(ig_call_out(s->c, result), index, s->t, x, 0);
}

static void run_sequence(const sequence *s, int64_t n_steps, int64_t length) {
  static void (*const steps[])(const sequence *, int64_t) = {step_lstm, step_gru, step_plain};
  const bool reverse = s->p->reverse >> s->d & 1;
  for (int64_t h = 0; h < s->n_hidden; h++) {
    const int64_t at[] = {s->d, s->b, h};
    s->states[STATE_H][h] = given(s, 3) ? load(s, 3, at) : num(s, 0);
    s->states[STATE_C][h] = given(s, 4) ? load(s, 4, at) : num(s, 0);
  }
  for (int64_t i = 0; i < n_steps; i++) {
    const bool live = i < length;
    const int64_t t = live && reverse ? length - 1 - i : i;
    if (live) steps[s->p->cell](s, t);
    for (int64_t h = 0; h < s->n_hidden; h++) {
      if (live) s->states[STATE_H][h] = s->states[STATE_NEXT][h];
      store(s, 0, (const int64_t[]){t, s->d, s->b, h}, live ? s->states[STATE_H][h] : num(s, 0));
    }
  }
  for (int64_t h = 0; h < s->n_hidden; h++) {
    store(s, 1, (const int64_t[]){s->d, s->b, h}, s->states[STATE_H][h]);
    store(s, 2, (const int64_t[]){s->d, s->b, h}, s->states[STATE_C][h]);
  }
}

void ig_ref_rnn(const ig_call *c) {
  const ig_view *xw = ig_call_in(c, 0);
  sequence s = {.c = c, .p = c->params, .t = ig_kind_result_type(c->kind, c->params, xw->dtype), .n_hidden = ig_call_in(c, 1)->dims[2]};
  assert(c->scratch_size >= ig_ref_scratch(c));
  for (int i = 0; i < N_STATES; i++) s.states[i] = (ig_sval *)c->scratch + i * s.n_hidden;
  for (s.d = 0; s.d < xw->dims[2]; s.d++) {
    for (s.b = 0; s.b < xw->dims[1]; s.b++) {
      const int64_t given_length = given(&s, 2) ? load(&s, 2, (const int64_t[]){s.b}).i32 : xw->dims[0];
      run_sequence(&s, xw->dims[0], ig_max_i64(0, ig_min_i64(given_length, xw->dims[0])));
    }
  }
}
