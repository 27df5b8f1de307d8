/* Recurrent cells for one type: T, S = suffix; EXP-like functions by name. SPDX-License-Identifier: Apache-2.0 */

/* x[0 .. n) through activation k (f, g, h) of direction d. */
static void CAT(activate, S)(const ig_rnn_params *p, int64_t d, int k, T *x, int64_t n) {
  const int64_t which = d * 3 + k;
  const T alpha = (T)p->alpha[which], beta = (T)p->beta[which];
#define EACH(expr) for (int64_t i = 0; i < n; i++) { const T v = x[i]; x[i] = (expr); } return
  switch (p->act[which]) {
    case IG_ACT_RELU: EACH(v > 0 || v != v ? v : 0);
    case IG_ACT_TANH: EACH(TANH(v));
    case IG_ACT_SIGMOID: EACH(SIGMOID(v));
    case IG_ACT_AFFINE: EACH(alpha * v + beta);
    case IG_ACT_LEAKY_RELU: EACH(v < 0 ? alpha * v : v);
    case IG_ACT_THRESHOLDED_RELU: EACH(v < alpha ? 0 : v);
    case IG_ACT_SCALED_TANH: EACH(alpha * TANH(beta * v));
    case IG_ACT_HARD_SIGMOID: EACH(alpha * v + beta < 0 ? 0 : alpha * v + beta > 1 ? 1 : alpha * v + beta);
    case IG_ACT_ELU: EACH(v < 0 ? alpha * EXPM1(v) : v);
    case IG_ACT_SOFTSIGN: EACH(v / (1 + ABS(v)));
    default: EACH(SOFTPLUS(v));
  }
#undef EACH
}
/* The same of a gate's inputs, which are clipped first. */
static void CAT(gate, S)(const ig_rnn_params *p, int64_t d, int k, T *x, int64_t n) {
  const T limit = (T)p->clip;
  if (p->clip > 0)
    for (int64_t i = 0; i < n; i++) x[i] = x[i] > limit ? limit : x[i] < -limit ? -limit : x[i];
  CAT(activate, S)(p, d, k, x, n);
}

/* y[rows] += r[rows][n] * h[n]; four rows at a time share the loads of h. */
static void CAT(gemv, S)(const T *r, const T *h, int64_t rows, int64_t n, T *y) {
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4, r += 4 * n) {
    CAT(chain, S) s0 = { 0 }, s1 = s0, s2 = s0, s3 = s0;
    T t0 = 0, t1 = 0, t2 = 0, t3 = 0;
    int64_t j = 0;
    for (; j + LANES(T) <= n; j += LANES(T)) {
      const CAT(chain, S) v = CAT(chain_load, S)(h + j);
      s0 += CAT(chain_load, S)(r + j) * v;
      s1 += CAT(chain_load, S)(r + n + j) * v;
      s2 += CAT(chain_load, S)(r + 2 * n + j) * v;
      s3 += CAT(chain_load, S)(r + 3 * n + j) * v;
    }
    for (; j < n; j++) { t0 += r[j] * h[j]; t1 += r[n + j] * h[j]; t2 += r[2 * n + j] * h[j]; t3 += r[3 * n + j] * h[j]; }
    y[i] += CAT(chain_sum, S)(s0) + t0;
    y[i + 1] += CAT(chain_sum, S)(s1) + t1;
    y[i + 2] += CAT(chain_sum, S)(s2) + t2;
    y[i + 3] += CAT(chain_sum, S)(s3) + t3;
  }
  for (; i < rows; i++, r += n) {
    T t = 0;
    for (int64_t j = 0; j < n; j++) t += r[j] * h[j];
    y[i] += t;
  }
}
/* y += peephole * cell */
static void CAT(peep, S)(const T *peephole, const T *cell, T *y, int64_t n) {
  for (int64_t j = 0; peephole && j < n; j++) y[j] += peephole[j] * cell[j];
}

/* One time step: the gates s->g hold X*W and biases; the state s->h and s->c is updated in place. */
static void CAT(lstm_step, S)(const ig_rnn_params *p, int64_t d, const state *s, int64_t n) {
  T *i = s->g, *o = i + n, *f = i + 2 * n, *c = i + 3 * n, *cell = s->c, *h = s->h;
  const T *peephole = s->has_peep ? s->peep : NULL;
  CAT(gemv, S)(s->r, h, 4 * n, n, i);
  CAT(peep, S)(peephole, cell, i, n);
  CAT(peep, S)(peephole ? peephole + 2 * n : NULL, cell, f, n);
  CAT(gate, S)(p, d, 0, i, n);
  if (p->input_forget) for (int64_t j = 0; j < n; j++) f[j] = 1 - i[j];
  else CAT(gate, S)(p, d, 0, f, n);
  CAT(gate, S)(p, d, 1, c, n);
  for (int64_t j = 0; j < n; j++) cell[j] = f[j] * cell[j] + i[j] * c[j];
  CAT(peep, S)(peephole ? peephole + n : NULL, cell, o, n);
  CAT(gate, S)(p, d, 0, o, n);
  memcpy(h, cell, (size_t)n * sizeof(T));
  CAT(activate, S)(p, d, 2, h, n);
  for (int64_t j = 0; j < n; j++) h[j] *= o[j];
}
static void CAT(gru_step, S)(const ig_rnn_params *p, int64_t d, const state *s, int64_t n) {
  T *z = s->g, *reset = z + n, *new = z + 2 * n, *h = s->h, *t = s->spare;
  const T *r = s->r, *rb = s->has_rb ? s->rb : NULL;
  CAT(gemv, S)(r, h, 2 * n, n, z);
  CAT(gate, S)(p, d, 0, z, 2 * n);
  if (p->linear_before_reset) {
    for (int64_t j = 0; j < n; j++) t[j] = rb ? rb[j] : 0;
    CAT(gemv, S)(r + 2 * n * n, h, n, n, t);
    for (int64_t j = 0; j < n; j++) new[j] += reset[j] * t[j];
  } else {
    for (int64_t j = 0; j < n; j++) t[j] = reset[j] * h[j];
    CAT(gemv, S)(r + 2 * n * n, t, n, n, new);
  }
  CAT(gate, S)(p, d, 1, new, n);
  for (int64_t j = 0; j < n; j++) h[j] = (1 - z[j]) * new[j] + z[j] * h[j];
}
static void CAT(plain_step, S)(const ig_rnn_params *p, int64_t d, const state *s, int64_t n) {
  T *g = s->g;
  CAT(gemv, S)(s->r, s->h, n, n, g);
  CAT(gate, S)(p, d, 0, g, n);
  memcpy(s->h, g, (size_t)n * sizeof(T));
}
static void CAT(step, S)(const ig_rnn_params *p, int64_t d, const state *s, int64_t n) {
  switch (p->cell) {
    case IG_RNN_LSTM: CAT(lstm_step, S)(p, d, s, n); return;
    case IG_RNN_GRU: CAT(gru_step, S)(p, d, s, n); return;
    default: CAT(plain_step, S)(p, d, s, n); return;
  }
}
#undef T
#undef S
#undef TANH
#undef SIGMOID
#undef EXPM1
#undef ABS
#undef SOFTPLUS
