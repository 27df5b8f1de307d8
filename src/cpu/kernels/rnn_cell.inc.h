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

/* y[i] += r[i][n] * h[n] for rows i of [lo, hi), four at a time, which share the loads of h; from the last to the first where `back` is set. */
static void CAT(gemv, S)(const T *r, const T *h, int64_t lo, int64_t hi, int64_t n, bool back, T *y) {
  const int64_t fours = (hi - lo) / 4;
  for (int64_t f = 0; f < fours; f++) {
    const int64_t i = lo + 4 * (back ? fours - 1 - f : f);
    const T *w = r + i * n;
    CAT(chain, S) s0 = { 0 }, s1 = s0, s2 = s0, s3 = s0;
    T t0 = 0, t1 = 0, t2 = 0, t3 = 0;
    int64_t j = 0;
    for (; j + LANES(T) <= n; j += LANES(T)) {
      const CAT(chain, S) v = CAT(chain_load, S)(h + j);
      s0 += CAT(chain_load, S)(w + j) * v;
      s1 += CAT(chain_load, S)(w + n + j) * v;
      s2 += CAT(chain_load, S)(w + 2 * n + j) * v;
      s3 += CAT(chain_load, S)(w + 3 * n + j) * v;
    }
    for (; j < n; j++) { t0 += w[j] * h[j]; t1 += w[n + j] * h[j]; t2 += w[2 * n + j] * h[j]; t3 += w[3 * n + j] * h[j]; }
    y[i] += CAT(chain_sum, S)(s0) + t0;
    y[i + 1] += CAT(chain_sum, S)(s1) + t1;
    y[i + 2] += CAT(chain_sum, S)(s2) + t2;
    y[i + 3] += CAT(chain_sum, S)(s3) + t3;
  }
  for (int64_t i = lo + 4 * fours; i < hi; i++) {
    T t = 0;
    for (int64_t j = 0; j < n; j++) t += r[i * n + j] * h[j];
    y[i] += t;
  }
}
/* The same of the recurrent weights as they lie. */
static void CAT(product, S)(const state *s, const T *h, int64_t lo, int64_t hi, int64_t n, bool back, T *y) {
#ifdef SIMD_W
  if (s->in_panels) {
    gemv_panels(s->r, (const float *)h, lo, hi, n, back, (float *)y);   /* only float32 lies in panels */
    return;
  }
#endif
  CAT(gemv, S)(s->r, h, lo, hi, n, back, y);
}
/* y += peephole * cell */
static void CAT(peep, S)(const T *peephole, const T *cell, T *y, int64_t n) {
  for (int64_t j = 0; peephole && j < n; j++) y[j] += peephole[j] * cell[j];
}

/* The units [lo, lo + m) of one time step. Their gates in s->g hold X*W and biases. Reads all of the old state s->h and writes these units of the new one,
 * s->next. `back` turns the order of the weights round: by turns, what the cache still holds of them is read first.
 * A gru_step whose reset comes before the product has two halves; all units of the first come before the second. */
static void CAT(lstm_step, S)(const ig_rnn_params *p, int64_t d, const state *s, int64_t n, int64_t lo, int64_t m, bool back) {
  T *g = s->g, *i = g + lo, *o = i + n, *f = i + 2 * n, *c = i + 3 * n, *cell = (T *)s->c + lo, *h = (T *)s->next + lo;
  const T *peephole = s->has_peep ? (T *)s->peep + lo : NULL;
  for (int64_t k = 0; k < 4; k++) {
    const int64_t at = (back ? 3 - k : k) * n + lo;
    CAT(product, S)(s, s->h, at, at + m, n, back, g);
  }
  CAT(peep, S)(peephole, cell, i, m);
  CAT(peep, S)(peephole ? peephole + 2 * n : NULL, cell, f, m);
  CAT(gate, S)(p, d, 0, i, m);
  if (p->input_forget) for (int64_t j = 0; j < m; j++) f[j] = 1 - i[j];
  else CAT(gate, S)(p, d, 0, f, m);
  CAT(gate, S)(p, d, 1, c, m);
  for (int64_t j = 0; j < m; j++) cell[j] = f[j] * cell[j] + i[j] * c[j];
  CAT(peep, S)(peephole ? peephole + n : NULL, cell, o, m);
  CAT(gate, S)(p, d, 0, o, m);
  memcpy(h, cell, (size_t)m * sizeof(T));
  CAT(activate, S)(p, d, 2, h, m);
  for (int64_t j = 0; j < m; j++) h[j] *= o[j];
}
static void CAT(gru_gates, S)(const ig_rnn_params *p, int64_t d, const state *s, int64_t n, int64_t lo, int64_t m, bool back) {
  T *g = s->g, *z = g + lo, *reset = z + n, *t = (T *)s->spare + lo;
  const T *h = (T *)s->h + lo, *rb = s->has_rb ? (T *)s->rb + lo : NULL;
  for (int64_t k = 0; k < 2; k++) {
    const int64_t at = (back ? 1 - k : k) * n + lo;
    CAT(product, S)(s, s->h, at, at + m, n, back, g);
  }
  CAT(gate, S)(p, d, 0, z, m);
  CAT(gate, S)(p, d, 0, reset, m);
  for (int64_t j = 0; j < m; j++) t[j] = p->linear_before_reset ? rb ? rb[j] : 0 : reset[j] * h[j];
}
static void CAT(gru_new, S)(const ig_rnn_params *p, int64_t d, const state *s, int64_t n, int64_t lo, int64_t m, bool back) {
  T *g = s->g, *z = g + lo, *reset = z + n, *new = z + 2 * n, *next = (T *)s->next + lo, *t = (T *)s->spare + lo;
  const T *h = (T *)s->h + lo;
  const int64_t at = 2 * n + lo;
  if (p->linear_before_reset) {
    CAT(product, S)(s, s->h, at, at + m, n, back, t - at);
    for (int64_t j = 0; j < m; j++) new[j] += reset[j] * t[j];
  } else {
    CAT(product, S)(s, s->spare, at, at + m, n, back, g);
  }
  CAT(gate, S)(p, d, 1, new, m);
  for (int64_t j = 0; j < m; j++) next[j] = (1 - z[j]) * new[j] + z[j] * h[j];
}
static void CAT(plain_step, S)(const ig_rnn_params *p, int64_t d, const state *s, int64_t n, int64_t lo, int64_t m, bool back) {
  T *g = s->g, *next = s->next;
  CAT(product, S)(s, s->h, lo, lo + m, n, back, g);
  CAT(gate, S)(p, d, 0, g + lo, m);
  memcpy(next + lo, g + lo, (size_t)m * sizeof(T));
}
/* One of the step's halves, of which all but that gru_step have one. */
static void CAT(step, S)(const ig_rnn_params *p, int64_t d, const state *s, int64_t n, int64_t lo, int64_t m, bool back, int half) {
  if (p->cell == IG_RNN_LSTM) CAT(lstm_step, S)(p, d, s, n, lo, m, back);
  else if (p->cell == IG_RNN_PLAIN) CAT(plain_step, S)(p, d, s, n, lo, m, back);
  else {
    if (half == 0) CAT(gru_gates, S)(p, d, s, n, lo, m, back);
    if (half == 1 || p->linear_before_reset) CAT(gru_new, S)(p, d, s, n, lo, m, back);
  }
}
#undef T
#undef S
#undef TANH
#undef SIGMOID
#undef EXPM1
#undef ABS
#undef SOFTPLUS
