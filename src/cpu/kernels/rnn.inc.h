/* rnn: LSTM, GRU and plain cells. Sequences of one direction and batch entry are independent, so parts split over those. R is read where it
 * lies if it is compact and of the compute type; else it is converted once per direction and part into the scratch.
 *
 * One body for every instruction set: KERNEL_ISA (c, avx2, avx512) names the build, CHAIN_BYTES its vectors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/common.h"
#include "cpu/kernels/kernels.h"
#include "cpu/simd/chains.h"
#include "kern/scalar_eval.h"

enum { XW = 0, R = 1, LENGTHS = 2, H0 = 3, C0 = 4, PEEPHOLES = 5, RB = 6, N_IN = 7, Y = 0, YH = 1, YC = 2, N_OUT = 3 };
#define CAT_(a, b) a##_##b
#define CAT(a, b) CAT_(a, b)
#define NAME(x) CAT(x, KERNEL_ISA)

/* One sequence's working memory, in the compute type. */
typedef struct state { const void *r; void *own_r, *peep, *rb, *g, *h, *c, *spare; bool has_peep, has_rb; } state;

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
  return ig_elem_is_compute(r->dtype) && !r->format && r->strides[2] == 1 && r->strides[1] == r->dims[2] && (r->dims[0] == 1 || r->strides[0] == r->dims[1] * r->dims[2]);
}
static size_t bytes_per_part(const ig_call *c) {
  const int64_t weights = reads_in_place(c) ? 0 : gate_rows(c) * hidden(c);
  return ig_pad64((size_t)(weights + gate_rows(c) + 7 * hidden(c)) * 8);
}
size_t NAME(ig_cpu_rnn_scratch)(const ig_call *c, uint32_t n_parts) { return n_parts * bytes_per_part(c); }

typedef struct plan {
  const ig_call *c;
  const ig_rnn_params *p;
  ig_stype t;
  size_t size;
  int64_t n_time, n_batch, n_dir, n_hidden, n_gates;
  ig_reader in[N_IN];
  ig_writer out[N_OUT];
  bool has_in[N_IN], has_out[N_OUT];
  state s;
  int64_t loaded;                      /* direction whose weights are in s, -1 = none */
} plan;

static void prepare(plan *q, const ig_call *c, char *m) {
  const ig_view *xw = ig_call_in(c, XW);
  *q = (plan){ .c = c, .p = c->params, .t = ig_stype_of(xw->dtype), .n_time = xw->dims[0], .n_batch = xw->dims[1], .n_dir = xw->dims[2],
    .n_hidden = hidden(c), .n_gates = gate_rows(c), .loaded = -1 };
  q->size = ig_stype_size(q->t);
  for (uint32_t i = 0; i < N_IN; i++) {
    q->has_in[i] = i < c->n_in && ig_view_present(ig_call_in(c, i));
    if (q->has_in[i]) ig_reader_init(&q->in[i], ig_call_in(c, i), NULL, i == LENGTHS ? IG_S_I32 : q->t);
  }
  for (uint32_t i = 0; i < N_OUT; i++) {
    q->has_out[i] = i < c->n_out && ig_view_present(ig_call_out(c, i));
    if (q->has_out[i]) ig_writer_init(&q->out[i], ig_call_out(c, i), NULL, q->t);
  }
  const size_t h = (size_t)q->n_hidden * q->size;
  q->s = (state){ .h = m, .c = m + h, .rb = m + 2 * h, .peep = m + 3 * h, .spare = m + 6 * h, .g = m + 7 * h, .own_r = m + 7 * h + (size_t)q->n_gates * q->size,
    .has_peep = q->has_in[PEEPHOLES], .has_rb = q->has_in[RB] };
}

static void load_weights(plan *q, int64_t d) {
  if (q->loaded == d) return;
  q->loaded = d;
  const int64_t n = q->n_gates * q->n_hidden;
  q->s.r = q->s.own_r;
  if (reads_in_place(q->c)) q->s.r = (const char *)ig_call_in(q->c, R)->data + (size_t)(d * n) * q->size;
  else ig_reader_read(&q->in[R], d * n, n, q->s.own_r);
  if (q->s.has_peep) ig_reader_read(&q->in[PEEPHOLES], d * 3 * q->n_hidden, 3 * q->n_hidden, q->s.peep);
  if (q->s.has_rb) ig_reader_read(&q->in[RB], d * q->n_hidden, q->n_hidden, q->s.rb);
}

static void load_state(const plan *q, uint32_t i, int64_t lin, void *out) {
  if (q->has_in[i]) ig_reader_read(&q->in[i], lin, q->n_hidden, out);
  else memset(out, 0, (size_t)q->n_hidden * q->size);
}

static void sequence(plan *q, int64_t d, int64_t b) {
  const int64_t n = q->n_hidden, own = (d * q->n_batch + b) * n;
  int32_t length = (int32_t)q->n_time;
  load_weights(q, d);
  load_state(q, H0, own, q->s.h);
  load_state(q, C0, own, q->s.c);
  if (q->has_in[LENGTHS]) ig_reader_read(&q->in[LENGTHS], b, 1, &length);
  const int64_t steps = ig_max_i64(0, ig_min_i64(length, q->n_time));
  const bool reverse = q->p->reverse >> d & 1;
  for (int64_t i = 0; i < steps; i++) {
    const int64_t t = reverse ? steps - 1 - i : i;
    ig_reader_read(&q->in[XW], ((t * q->n_batch + b) * q->n_dir + d) * q->n_gates, q->n_gates, q->s.g);
    if (q->t == IG_S_F64) step_f64(q->p, d, &q->s, n);
    else step_f32(q->p, d, &q->s, n);
    if (q->has_out[Y]) ig_writer_write(&q->out[Y], ((t * q->n_dir + d) * q->n_batch + b) * n, n, q->s.h);
  }
  if (q->has_out[YH]) ig_writer_write(&q->out[YH], own, n, q->s.h);
  if (q->has_out[YC]) ig_writer_write(&q->out[YC], own, n, q->s.c);
  memset(q->s.g, 0, (size_t)n * q->size);
  for (int64_t t = steps; q->has_out[Y] && t < q->n_time; t++) ig_writer_write(&q->out[Y], ((t * q->n_dir + d) * q->n_batch + b) * n, n, q->s.g);
}

void NAME(ig_cpu_rnn_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  int64_t lo, hi;
  plan q;
  IG_UNUSED(phase);
  prepare(&q, c, ig_part_scratch(c, part, bytes_per_part(c)));
  ig_split_items(c, q.n_dir * q.n_batch, part, n_parts, &lo, &hi);
  for (int64_t i = lo; i < hi; i++) sequence(&q, i / q.n_batch, i % q.n_batch);
}
