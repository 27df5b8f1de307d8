/* Recurrent cells for one type: T, S = suffix; EXP-like functions by name. SPDX-License-Identifier: Apache-2.0 */

static T CAT(activate, S)(int64_t act, T alpha, T beta, T x) {
  switch (act) {
    case IG_ACT_RELU: return x > 0 ? x : x != x ? x : 0;
    case IG_ACT_TANH: return TANH(x);
    case IG_ACT_SIGMOID: return SIGMOID(x);
    case IG_ACT_AFFINE: return alpha * x + beta;
    case IG_ACT_LEAKY_RELU: return x < 0 ? alpha * x : x;
    case IG_ACT_THRESHOLDED_RELU: return x < alpha ? 0 : x;
    case IG_ACT_SCALED_TANH: return alpha * TANH(beta * x);
    case IG_ACT_HARD_SIGMOID: { const T y = alpha * x + beta; return y < 0 ? 0 : y > 1 ? 1 : y; }
    case IG_ACT_ELU: return x < 0 ? alpha * EXPM1(x) : x;
    case IG_ACT_SOFTSIGN: return x / (1 + ABS(x));
    default: return SOFTPLUS(x);
  }
}
static T CAT(clipped, S)(const ig_rnn_params *p, T x) {
  const T limit = (T)p->clip;
  return p->clip <= 0 ? x : x > limit ? limit : x < -limit ? -limit : x;
}
/* Activation k (f, g, h) of direction d, input clipped. */
static T CAT(act, S)(const ig_rnn_params *p, int64_t d, int k, T x) {
  const int64_t i = d * 3 + k;
  return CAT(activate, S)(p->act[i], (T)p->alpha[i], (T)p->beta[i], CAT(clipped, S)(p, x));
}

/* y[rows] += r[rows][n] * h[n]; four chains per row. */
static void CAT(gemv, S)(const T *r, const T *h, int64_t rows, int64_t n, T *y) {
  for (int64_t i = 0; i < rows; i++, r += n) {
    T s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    int64_t j = 0;
    for (; j + 4 <= n; j += 4) { s0 += r[j] * h[j]; s1 += r[j + 1] * h[j + 1]; s2 += r[j + 2] * h[j + 2]; s3 += r[j + 3] * h[j + 3]; }
    for (; j < n; j++) s0 += r[j] * h[j];
    y[i] += (s0 + s2) + (s1 + s3);
  }
}

/* Gates g hold X*W + biases of one time step; h and c the state, updated in place. */
static void CAT(lstm_step, S)(const ig_rnn_params *p, int64_t d, const T *r, const T *peep, T *g, T *h, T *cell, int64_t n) {
  CAT(gemv, S)(r, h, 4 * n, n, g);
  for (int64_t j = 0; j < n; j++) {
    const T pi = peep ? peep[j] * cell[j] : 0, pf = peep ? peep[2 * n + j] * cell[j] : 0;
    const T i = CAT(act, S)(p, d, 0, g[j] + pi);
    const T f = p->input_forget ? 1 - i : CAT(act, S)(p, d, 0, g[2 * n + j] + pf);
    const T new = f * cell[j] + i * CAT(act, S)(p, d, 1, g[3 * n + j]);
    const T o = CAT(act, S)(p, d, 0, g[n + j] + (peep ? peep[n + j] * new : 0));
    const int64_t k = d * 3 + 2;
    cell[j] = new;
    h[j] = o * CAT(activate, S)(p->act[k], (T)p->alpha[k], (T)p->beta[k], new);
  }
}
/* t: n spare values. */
static void CAT(gru_step, S)(const ig_rnn_params *p, int64_t d, const T *r, const T *rb, T *g, T *h, T *t, int64_t n) {
  const T *rh = r + 2 * n * n;
  T *gh = g + 2 * n;
  CAT(gemv, S)(r, h, 2 * n, n, g);
  for (int64_t j = 0; j < 2 * n; j++) g[j] = CAT(act, S)(p, d, 0, g[j]);
  for (int64_t j = 0; j < n; j++) t[j] = p->linear_before_reset ? (rb ? rb[j] : 0) : g[n + j] * h[j];
  if (p->linear_before_reset) {
    CAT(gemv, S)(rh, h, n, n, t);
    for (int64_t j = 0; j < n; j++) gh[j] += g[n + j] * t[j];
  } else {
    CAT(gemv, S)(rh, t, n, n, gh);
  }
  for (int64_t j = 0; j < n; j++) {
    const T new = CAT(act, S)(p, d, 1, gh[j]);
    h[j] = (1 - g[j]) * new + g[j] * h[j];
  }
}
static void CAT(plain_step, S)(const ig_rnn_params *p, int64_t d, const T *r, T *g, T *h, int64_t n) {
  CAT(gemv, S)(r, h, n, n, g);
  for (int64_t j = 0; j < n; j++) h[j] = CAT(act, S)(p, d, 0, g[j]);
}
static void CAT(step, S)(const ig_rnn_params *p, int64_t d, const state *s, int64_t n) {
  switch (p->cell) {
    case IG_RNN_LSTM: CAT(lstm_step, S)(p, d, s->r, s->has_peep ? s->peep : NULL, s->g, s->h, s->c, n); return;
    case IG_RNN_GRU: CAT(gru_step, S)(p, d, s->r, s->has_rb ? s->rb : NULL, s->g, s->h, s->spare, n); return;
    default: CAT(plain_step, S)(p, d, s->r, s->g, s->h, n); return;
  }
}
#undef T
#undef S
#undef TANH
#undef SIGMOID
#undef EXPM1
#undef ABS
#undef SOFTPLUS
