/* rnn: LSTM, GRU and plain cells. Sequences of one direction and batch entry are independent. Where they share out evenly, each part goes through some of
 * them from end to end. Else each part does some units of every sequence, whose weights then stay in its core's cache, and time steps are phases: a unit of
 * the next step needs all units of this one. R is read where it lies if it is compact and of the compute type, or in panels where it is constant; else parts go by sequences and convert it,
 * once per direction and part, into the scratch.
 *
 * One body for every instruction set: KERNEL_ISA (c, avx2, avx512) names the build, CHAIN_BYTES its vectors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/common.h"
#include "cpu/kernels/kernels.h"
#include "cpu/simd/chains.h"
#include "hal/tactic.h"
#include "kern/scalar_eval.h"

enum { XW = 0, R = 1, LENGTHS = 2, H0 = 3, C0 = 4, PEEPHOLES = 5, RB = 6, N_IN = 7, Y = 0, YH = 1, YC = 2, N_OUT = 3 };
#define CAT_(a, b) a##_##b
#define CAT(a, b) CAT_(a, b)
#define NAME(x) CAT(x, KERNEL_ISA)

/* One sequence's working memory, in the compute type: gates, old and new hidden state, cell state. */
typedef struct state { const void *r; void *peep, *rb, *g, *h, *next, *c, *spare; bool has_peep, has_rb, in_panels; } state;

#ifdef SIMD_W
/* `count` panels of 16 rows, `stride` floats apart, times h; each row's sum in `split` chains. */
static inline __attribute__((always_inline)) void panels(const float *w, int64_t stride, const float *h, int64_t n, int count, int split, float *y) {
  enum { NV = IG_RNN_PANEL / SIMD_W };
  vf s[4][NV];
  for (int c = 0; c < 4; c++)
    for (int v = 0; v < NV; v++) s[c][v] = vf_zero();
  for (int64_t k = 0; k < n; k += split)
    for (int q = 0; q < split; q++) {
      const vf x = vf_set(h[k + q]);
      for (int c = 0; c < count; c++)
        for (int v = 0; v < NV; v++) s[c * split + q][v] = vf_fma(vf_load(w + c * stride + (k + q) * IG_RNN_PANEL + v * SIMD_W), x, s[c * split + q][v]);
    }
  for (int c = 0; c < count; c++)
    for (int v = 0; v < NV; v++) {
      vf sum = s[c * split][v];
      for (int q = 1; q < split; q++) sum = vf_add(sum, s[c * split + q][v]);
      float *at = y + c * IG_RNN_PANEL + v * SIMD_W;
      vf_store(at, vf_add(vf_load(at), sum));
    }
}
/* y[i] += r[i][n] * h[n] for rows i of [lo, hi), from the last to the first where `back` is set, r being in panels. */
static void gemv_panels(const float *r, const float *h, int64_t lo, int64_t hi, int64_t n, bool back, float *y) {
  const int64_t p0 = lo / IG_RNN_PANEL, p1 = hi / IG_RNN_PANEL, fours = (p1 - p0) / 4, stride = n * IG_RNN_PANEL;
  for (int64_t f = 0; f < fours; f++) {
    const int64_t p = p0 + 4 * (back ? fours - 1 - f : f);
    panels(r + p * stride, stride, h, n, 4, 1, y + p * IG_RNN_PANEL);
  }
  for (int64_t p = p0 + 4 * fours; p < p1; p++) panels(r + p * stride, stride, h, n, 1, 4, y + p * IG_RNN_PANEL);
}
#endif

#define T float
#define S f32
#define TANH ig_f32_tanh
#define SIGMOID ig_f32_sigmoid
#define EXPM1 ig_f32_expm1
#define ABS fabsf
#define SOFTPLUS ig_f32_softplus
#include "cpu/kernels/rnn_cell.inc.h"
#define T double
#define S f64
#define TANH tanh
#define SIGMOID ig_f64_sigmoid
#define EXPM1 expm1
#define ABS fabs
#define SOFTPLUS ig_f64_softplus
#include "cpu/kernels/rnn_cell.inc.h"

static int64_t hidden(const ig_call *c) { return ig_call_in(c, R)->dims[2]; }
static int64_t gate_rows(const ig_call *c) { return ig_call_in(c, R)->dims[1]; }
static bool reads_in_place(const ig_call *c) {
  const ig_view *r = ig_call_in(c, R);
  if (r->format) return true;          /* packed as the tactic asked */
  return ig_elem_is_compute(r->dtype) && r->strides[2] == 1 && r->strides[1] == r->dims[2] && (r->dims[0] == 1 || r->strides[0] == r->dims[1] * r->dims[2]);
}
typedef struct plan {
  const ig_call *c;
  const ig_rnn_params *p;
  ig_stype t;
  size_t size;
  int64_t n_time, n_batch, n_dir, n_hidden, n_gates, halves;
  ig_reader in[N_IN];
  ig_writer out[N_OUT];
  bool has_in[N_IN], has_out[N_OUT];
  int64_t loaded;                      /* direction whose weights are in own_r, -1 = none */
  void *own_r;
} plan;

/* Scratch: a plan and weights for each part, then working memory for each part's sequence, or for all sequences where parts go by units. */
enum { VECTORS = 12, UNITS = IG_RNN_PANEL, MOST_ROUNDS = 4 };
static size_t bytes_per_plan(const ig_call *c) { return ig_pad64(sizeof(plan)) + ig_pad64((size_t)(reads_in_place(c) ? 0 : gate_rows(c) * hidden(c)) * 8); }
static size_t bytes_per_state(const ig_call *c) { return ig_pad64((size_t)(VECTORS * hidden(c)) * 8); }
static int64_t sequences(const ig_call *c) { return ig_call_in(c, XW)->dims[1] * ig_call_in(c, XW)->dims[2]; }
size_t NAME(ig_cpu_rnn_scratch)(const ig_call *c, uint32_t n_parts) {
  return n_parts * bytes_per_plan(c) + (n_parts + (size_t)ig_min_i64(sequences(c), MOST_ROUNDS * n_parts)) * bytes_per_state(c);
}

/* Parts go by units where that is faster than by whole sequences although every step ends in a barrier, in whose time a core does so many operations. */
#define BARRIER 60e3
static bool goes_by_units(const ig_call *c, uint32_t n_parts) {
  const double step = 2.0 * (double)(gate_rows(c) * hidden(c));
  const int64_t n = sequences(c), rounds = (n + n_parts - 1) / n_parts;
  return n_parts > 1 && rounds <= MOST_ROUNDS && reads_in_place(c) && !ig_shares_bytes(c) && ig_call_in(c, XW)->dims[0] < 1 << 30 &&
         (double)n * step / n_parts + BARRIER < (double)rounds * step;
}
static int64_t halves_of(const ig_call *c) {
  const ig_rnn_params *p = c->params;
  return p->cell == IG_RNN_GRU && !p->linear_before_reset ? 2 : 1;
}
uint32_t NAME(ig_cpu_rnn_phases)(const ig_call *c, uint32_t n_parts) {
  return goes_by_units(c, n_parts) ? (uint32_t)(1 + ig_call_in(c, XW)->dims[0] * halves_of(c)) : 1;
}

static void prepare(plan *q, const ig_call *c) {
  const ig_view *xw = ig_call_in(c, XW);
  *q = (plan){ .c = c, .p = c->params, .t = ig_stype_of(xw->dtype), .n_time = xw->dims[0], .n_batch = xw->dims[1], .n_dir = xw->dims[2],
    .n_hidden = hidden(c), .n_gates = gate_rows(c), .halves = halves_of(c), .loaded = -1, .own_r = (char *)q + ig_pad64(sizeof *q) };
  q->size = ig_stype_size(q->t);
  for (uint32_t i = 0; i < N_IN; i++) {
    q->has_in[i] = i < c->n_in && ig_view_present(ig_call_in(c, i));
    if (q->has_in[i] && !ig_call_in(c, i)->format) ig_reader_init(&q->in[i], ig_call_in(c, i), NULL, i == LENGTHS ? IG_S_I32 : q->t);
  }
  for (uint32_t i = 0; i < N_OUT; i++) {
    q->has_out[i] = i < c->n_out && ig_view_present(ig_call_out(c, i));
    if (q->has_out[i]) ig_writer_init(&q->out[i], ig_call_out(c, i), NULL, q->t);
  }
}

static const void *weights(plan *q, int64_t d) {
  const int64_t n = q->n_gates * q->n_hidden;
  if (reads_in_place(q->c)) return (const char *)ig_call_in(q->c, R)->data + (size_t)(d * n) * q->size;
  if (q->loaded != d) ig_reader_read(&q->in[R], d * n, n, q->own_r);
  q->loaded = d;
  return q->own_r;
}

/* The working memory at m of a sequence of direction d before step i; hidden states take turns. */
static state state_at(plan *q, char *m, int64_t d, int64_t i) {
  const size_t h = (size_t)q->n_hidden * q->size;
  return (state){ .r = weights(q, d), .h = m + (i & 1 ? h : 0), .next = m + (i & 1 ? 0 : h), .c = m + 2 * h, .spare = m + 3 * h, .peep = m + 4 * h, .rb = m + 7 * h, .g = m + 8 * h,
    .has_peep = q->has_in[PEEPHOLES], .has_rb = q->has_in[RB], .in_panels = ig_call_in(q->c, R)->format != NULL };
}

/* Units [lo, lo + m) of the sequence (d, b). */
typedef struct share { int64_t d, b, lo, m; char *memory; } share;

static int64_t steps_of(const plan *q, int64_t b) {
  int32_t length = (int32_t)q->n_time;
  if (q->has_in[LENGTHS]) ig_reader_read(&q->in[LENGTHS], b, 1, &length);
  return ig_max_i64(0, ig_min_i64(length, q->n_time));
}
static void *unit(const plan *q, void *x, int64_t i) { return (char *)x + (size_t)i * q->size; }
static void load_units(const plan *q, uint32_t i, int64_t lin, const share *s, void *out) {
  if (q->has_in[i]) ig_reader_read(&q->in[i], lin + s->lo, s->m, unit(q, out, s->lo));
  else memset(unit(q, out, s->lo), 0, (size_t)s->m * q->size);
}
static void store_state(const plan *q, const share *s, const state *of) {
  const int64_t at = (s->d * q->n_batch + s->b) * q->n_hidden + s->lo;
  if (q->has_out[YH]) ig_writer_write(&q->out[YH], at, s->m, unit(q, of->h, s->lo));
  if (q->has_out[YC]) ig_writer_write(&q->out[YC], at, s->m, unit(q, of->c, s->lo));
}
static int64_t place_in_y(const plan *q, int64_t t, const share *s) { return ((t * q->n_dir + s->d) * q->n_batch + s->b) * q->n_hidden + s->lo; }

/* Initial states; results behind the sequence's end are 0. */
static void begin(plan *q, const share *s) {
  const int64_t n = q->n_hidden, own = (s->d * q->n_batch + s->b) * n, steps = steps_of(q, s->b);
  const state of = state_at(q, s->memory, s->d, 0);
  load_units(q, H0, own, s, of.h);
  load_units(q, C0, own, s, of.c);
  for (int64_t k = 0; of.has_peep && k < 3; k++) load_units(q, PEEPHOLES, (s->d * 3 + k) * n, s, unit(q, of.peep, k * n));
  if (of.has_rb) load_units(q, RB, s->d * n, s, of.rb);
  if (steps == 0) store_state(q, s, &of);
  memset(unit(q, of.g, s->lo), 0, (size_t)s->m * q->size);
  for (int64_t t = steps; q->has_out[Y] && t < q->n_time; t++) ig_writer_write(&q->out[Y], place_in_y(q, t, s), s->m, unit(q, of.g, s->lo));
}

static void step(plan *q, const share *s, int64_t i, int half) {
  const int64_t steps = steps_of(q, s->b), t = q->p->reverse >> s->d & 1 ? steps - 1 - i : i, n = q->n_hidden;
  if (i >= steps) return;
  const state of = state_at(q, s->memory, s->d, i);
  const int64_t x = ((t * q->n_batch + s->b) * q->n_dir + s->d) * q->n_gates + s->lo;
  for (int64_t k = 0; half == 0 && k < q->n_gates; k += n) ig_reader_read(&q->in[XW], x + k, s->m, unit(q, of.g, k + s->lo));
  if (q->t == IG_S_F64) step_f64(q->p, s->d, &of, n, s->lo, s->m, i & 1, half);
  else step_f32(q->p, s->d, &of, n, s->lo, s->m, i & 1, half);
  if (half + 1 < q->halves) return;
  if (q->has_out[Y]) ig_writer_write(&q->out[Y], place_in_y(q, t, s), s->m, unit(q, of.next, s->lo));
  const state after = state_at(q, s->memory, s->d, i + 1);
  if (i + 1 == steps) store_state(q, s, &after);
}

static void whole_sequences(plan *q, uint32_t part, uint32_t n_parts, char *memory) {
  int64_t lo, hi;
  ig_split_items(q->c, q->n_dir * q->n_batch, part, n_parts, &lo, &hi);
  for (int64_t i = lo; i < hi; i++) {
    const share s = { .d = i / q->n_batch, .b = i % q->n_batch, .m = q->n_hidden, .memory = memory };
    begin(q, &s);
    const int64_t steps = steps_of(q, s.b);
    for (int64_t k = 0; k < steps * q->halves; k++) step(q, &s, k / q->halves, (int)(k % q->halves));
  }
}

/* This part's units of each direction, for all of the batch. Blocks of units are shared out over both directions. */
static void some_units(plan *q, uint32_t phase, uint32_t part, uint32_t n_parts, char *memory) {
  const int64_t n = q->n_hidden, blocks = (n + UNITS - 1) / UNITS;
  int64_t lo, hi;
  ig_split(q->n_dir * blocks, part, n_parts, &lo, &hi);
  for (int64_t d = 0; d < q->n_dir; d++) {
    const int64_t from = ig_max_i64(lo - d * blocks, 0) * UNITS, to = ig_min_i64(ig_min_i64(hi - d * blocks, blocks) * UNITS, n);
    for (int64_t b = 0; from < to && b < q->n_batch; b++) {
      const share s = { .d = d, .b = b, .lo = from, .m = to - from, .memory = memory + (size_t)(d * q->n_batch + b) * bytes_per_state(q->c) };
      if (phase == 0) begin(q, &s);
      else step(q, &s, (phase - 1) / q->halves, (int)((phase - 1) % q->halves));
    }
  }
}

void NAME(ig_cpu_rnn_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  plan *q = (plan *)(void *)ig_part_scratch(c, part, bytes_per_plan(c));
  char *memory = (char *)c->scratch + n_parts * bytes_per_plan(c);
  if (phase == 0) prepare(q, c);
  if (goes_by_units(c, n_parts)) some_units(q, phase, part, n_parts, memory);
  else whole_sequences(q, part, n_parts, memory + part * bytes_per_state(c));
}
