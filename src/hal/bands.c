/* See bands.h. SPDX-License-Identifier: Apache-2.0 */
#include "hal/bands.h"
#include "hal/hal.h"
#include <time.h>

enum { ROWS = 2, ALIGN = 64, FEWEST_ROWS = 4 };

/* What a step reads of its input for its rows: row r's window begins at r * stride - pad and has `reach` rows. */
typedef struct window { int64_t stride, pad, reach, in, out; } window;

static window window_of(const ig_call *c) {
  const ig_conv_params *p = c->params;
  return (window){ p->stride[0], p->pad_lo[0], (ig_call_in(c, 1)->dims[ROWS] - 1) * p->dilation[0] + 1, ig_call_in(c, 0)->dims[ROWS], ig_call_out(c, 0)->dims[ROWS] };
}
static int64_t first_read(const window *w, int64_t row) { return ig_max_i64(0, row * w->stride - w->pad); }
static int64_t end_read(const window *w, int64_t end_row) { return ig_min_i64(w->in, (end_row - 1) * w->stride - w->pad + w->reach); }

const char *ig_bands_refuse(const ig_request *r, const ig_tactic *t, bool follows) {
  if (r->kind != IG_KIND_conv || !t->by_rows) return "no tactic that computes rows apart";
  const ig_conv_params *p = r->params;
  const uint32_t n = ig_request_n_operands(r);
  if (p->n_spatial != 2 || p->in_dilation[0] != 1 || r->n_out != 1 || n > IG_BANDS_OPERANDS) return "other than two spatial axes and one result";
  for (uint32_t i = 0; i < n; i++)
    if (r->operands[i].value != IG_NO_VALUE && (IG_DTYPE_BITS(r->operands[i].dtype) % 8 || r->operands[i].block > 1)) return "packed elements";
  for (uint32_t i = 0; i < r->epi.n; i++)
    if (r->epi.insns[i].op == IG_SOP_RANDOM) return "random numbers";
  for (uint32_t i = 0; follows && i < n; i++)
    if (i != 0 && r->operands[i].value == r->operands[0].value) return "the result before it is read twice";
  return NULL;
}

/* ---- plan ---- */

/* Elements from one row to the next, where rows lie one behind another; 0 = they do not. */
static int64_t row_elements(const ig_view *v) {
  const int64_t row = v->strides[ROWS];
  int64_t reach = 1;
  for (uint32_t k = 1; k < v->rank; k++) {
    if (v->strides[k] < 0) return 0;
    if (k != ROWS) reach += (v->dims[k] - 1) * v->strides[k];
  }
  return reach <= row && (v->dims[0] == 1 || v->strides[0] >= row * v->dims[ROWS]) ? row : 0;
}
static size_t elem_bytes(const ig_view *v) { return IG_DTYPE_BITS(v->dtype) / 8; }

static bool same_view(const ig_view *a, const ig_view *b) {
  return a->dtype == b->dtype && a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) == 0 && memcmp(a->strides, b->strides, a->rank * sizeof *a->strides) == 0;
}

/* Do sizes stay in range? A damaged engine may say anything until its operands are held against their buffers, which comes later. */
static bool in_range(const ig_call *c) {
  for (uint32_t i = 0; i < c->n_in + c->n_extra + c->n_out; i++) {
    const ig_view *v = &c->v[i];
    int64_t lo, hi;
    if (ig_view_present(v) && !v->format && !ig_operand_reach(v->dims, v->strides, v->rank, v->block_axis, v->block, 0, v->dtype, &lo, &hi)) return false;
  }
  return true;
}

/* Windows that all see the image, and zero points of the input, if any, that are the same for all rows. */
static bool sliceable(const ig_call *c) {
  const window w = window_of(c);
  const ig_conv_params *p = c->params;
  if (w.pad < 0 || p->pad_hi[0] < 0 || w.pad >= w.reach || p->pad_hi[0] >= w.reach || ig_view_count(ig_call_in(c, 0)) == 0 || ig_view_count(ig_call_out(c, 0)) == 0)
    return false;
  return c->n_in < 3 || !ig_view_present(ig_call_in(c, 2)) || ig_call_in(c, 2)->strides[ROWS] == 0;
}

/* Rows of each result that a band of `rows` of the last one needs at most. */
static void rows_of_band(const ig_launch *l, uint32_t n, int64_t rows, int64_t *out) {
  out[n - 1] = rows;
  for (uint32_t i = n - 1; i-- > 0;) {
    const window w = window_of(&l[i + 1].call);
    out[i] = ig_min_i64(w.in, (out[i + 1] - 1) * w.stride + w.reach);
  }
}

/* Bytes that a part touches in a band: all results, the first input. */
static size_t band_bytes(const ig_launch *l, uint32_t n, const int64_t *rows) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < n; i++) bytes += (size_t)(rows[i] * ig_call_out(&l[i].call, 0)->strides[ROWS]) * elem_bytes(ig_call_out(&l[i].call, 0));
  return bytes;
}

/* The step's call of `rows` rows from row r0 on: v and params are copies in which what depends on them is set. first_row: of the input's rows that lie at x. */
typedef struct piece { ig_call call; ig_view v[IG_BANDS_OPERANDS]; ig_conv_params params; } piece;

/* Weights and their zero points, which have no images and no rows. */
static bool is_weight(const ig_call *c, uint32_t i) { return i < c->n_in && (i == 1 || i == 3); }

static void piece_init(piece *p, const ig_call *c) {
  p->call = *c;
  memcpy(p->v, c->v, (c->n_in + c->n_extra + c->n_out) * sizeof *p->v);
  memcpy(&p->params, c->params, sizeof p->params);
  p->call.v = p->v;
  p->call.params = &p->params;
  for (uint32_t i = 0; i < c->n_in + c->n_extra + c->n_out; i++)
    if (ig_view_present(&p->v[i]) && !is_weight(c, i)) p->v[i].dims[0] = 1;
}

static void set_rows(piece *p, const ig_call *whole, int64_t r0, int64_t r1) {
  const window w = window_of(whole);
  const int64_t x0 = first_read(&w, r0), x1 = end_read(&w, r1);
  p->v[0].dims[ROWS] = x1 - x0;
  if (whole->n_in > 2 && ig_view_present(&p->v[2])) p->v[2].dims[ROWS] = x1 - x0;
  for (uint32_t i = whole->n_in; i < whole->n_in + whole->n_extra + whole->n_out; i++) p->v[i].dims[ROWS] = r1 - r0;
  p->params.pad_lo[0] = ig_max_i64(0, w.pad - r0 * w.stride);
  p->params.pad_hi[0] = ig_max_i64(0, (r1 - 1) * w.stride - w.pad + w.reach - w.in);
}

static size_t piece_scratch(const ig_launch *l, int64_t rows) {
  const window w = window_of(&l->call);
  piece p;
  size_t most = 0;
  if (!l->tactic->scratch) return 0;
  piece_init(&p, &l->call);
  for (int64_t r0 = 0; r0 < w.out; r0 += ig_max_i64(1, w.out - rows)) {   /* at either end of the image */
    set_rows(&p, &l->call, r0, ig_min_i64(w.out, r0 + rows));
    const size_t n = l->tactic->scratch(&p.call, 1);
    if (n > most) most = n;
  }
  return most;
}

/* A part's memory: a slot for each internal result, then the scratch of one step at a time. */
static void lay_out(const ig_launch *l, uint32_t n, const int64_t *rows, ig_bands *b) {
  size_t at = 0, most = 0;
  for (uint32_t i = 0; i < n; i++) {
    const ig_view *v = ig_call_out(&l[i].call, 0);
    const size_t scratch = piece_scratch(&l[i], rows[i]);
    b->slot[i] = at;
    if (i + 1 < n) at += ig_align_up((size_t)(rows[i] * row_elements(v)) * elem_bytes(v), ALIGN);
    if (scratch > most) most = scratch;
  }
  b->scratch = at + ig_align_up(most, ALIGN);
}

bool ig_bands_plan(const ig_launch *l, uint32_t n, uint32_t n_threads, uint64_t l2_bytes, ig_bands *out) {
  const ig_view *last = ig_call_out(&l[n - 1].call, 0);
  int64_t rows[IG_BANDS_STEPS];
  uint64_t internal = 0;
  *out = (ig_bands){ 0 };
  for (uint32_t i = 0; i < n; i++) {
    const ig_view *y = ig_call_out(&l[i].call, 0);
    if (!in_range(&l[i].call) || !sliceable(&l[i].call) || (i && !same_view(ig_call_in(&l[i].call, 0), ig_call_out(&l[i - 1].call, 0)))) return false;
    if (i + 1 < n && !row_elements(y)) return false;
    if (i + 1 < n) internal = ig_max_i64((int64_t)internal, ig_view_count(y) * (int64_t)elem_bytes(y));
  }
  ig_bands b = { .n = n, .n_parts = n_threads };
  const int64_t all = last->dims[0] * last->dims[ROWS];
  if (all < FEWEST_ROWS * (int64_t)n_threads || internal / n_threads < l2_bytes / 2) return false;
  const int64_t share = ig_min_i64(last->dims[ROWS], (all + n_threads - 1) / n_threads);
  for (b.rows = 1; b.rows < share; b.rows++) {
    rows_of_band(l, n, b.rows + 1, rows);
    if (band_bytes(l, n, rows) > l2_bytes / 2) break;
  }
  rows_of_band(l, n, b.rows, rows);
  if (b.rows == share || band_bytes(l, n, rows) > l2_bytes) return false;
  lay_out(l, n, rows, &b);
  *out = b;
  return true;
}

/* ---- run ---- */

typedef struct part {
  const ig_launch *l;
  const ig_bands *b;
  uint32_t number;
  double *seconds;
  window w[IG_BANDS_STEPS];
  piece p[IG_BANDS_STEPS];
  int64_t done[IG_BANDS_STEPS];       /* rows below are made, or needed by nobody */
  int64_t kept[IG_BANDS_STEPS];       /* the first that still lies in the slot */
} part;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static char *at(const ig_view *v, int64_t image, int64_t row) { return (char *)v->data + (image * v->strides[0] + row * v->strides[ROWS]) * (int64_t)elem_bytes(v); }
static char *slot(const part *s, uint32_t i) { return (char *)s->l[0].call.scratch + s->number * s->b->scratch + s->b->slot[i]; }

/* Makes room in the slot of result i: rows that the next step has used up go. */
static void drop(part *s, uint32_t i) {
  const ig_view *v = ig_call_out(&s->l[i].call, 0);
  const int64_t keep = first_read(&s->w[i + 1], s->done[i + 1]), row = v->strides[ROWS] * (int64_t)elem_bytes(v);
  if (keep <= s->kept[i]) return;
  if (keep < s->done[i]) memmove(slot(s, i), slot(s, i) + (keep - s->kept[i]) * row, (size_t)((s->done[i] - keep) * row));
  s->kept[i] = keep;
}

/* Rows [done, end) of step i of an image. */
static void make_rows(part *s, uint32_t i, int64_t image, int64_t end) {
  const ig_launch *l = &s->l[i];
  const ig_call *c = &l->call;
  piece *p = &s->p[i];
  const bool last = i + 1 == s->b->n;
  if (!last) drop(s, i);
  const int64_t r0 = s->done[i], x0 = first_read(&s->w[i], r0);
  if (end <= r0) return;
  set_rows(p, c, r0, end);
  for (uint32_t k = c->n_in; k < c->n_in + c->n_extra + c->n_out; k++)
    if (ig_view_present(&c->v[k])) p->v[k].data = at(&c->v[k], image, r0);
  const ig_view *x = ig_call_in(c, 0), *y = ig_call_out(c, 0);
  p->v[0].data = i == 0 ? at(x, image, x0) : slot(s, i - 1) + (x0 - s->kept[i - 1]) * x->strides[ROWS] * (int64_t)elem_bytes(x);
  if (!last) p->v[c->n_in + c->n_extra].data = slot(s, i) + (r0 - s->kept[i]) * y->strides[ROWS] * (int64_t)elem_bytes(y);
  const uint32_t n_phases = ig_tactic_phases(l->tactic, &p->call, 1);
  for (uint32_t phase = 0; phase < n_phases; phase++) l->tactic->run(&p->call, phase, 0, 1);
  s->done[i] = end;
}

/* Rows [lo, hi) of the last result of an image. */
static void run_image(part *s, int64_t image, int64_t lo, int64_t hi) {
  const uint32_t n = s->b->n;
  int64_t end[IG_BANDS_STEPS];
  s->done[n - 1] = lo;
  for (uint32_t i = n - 1; i-- > 0;) s->kept[i] = s->done[i] = first_read(&s->w[i + 1], s->done[i + 1]);
  for (int64_t row = lo; row < hi; row += s->b->rows) {
    end[n - 1] = ig_min_i64(hi, row + s->b->rows);
    for (uint32_t i = n - 1; i-- > 0;) {
      end[i] = end_read(&s->w[i + 1], end[i + 1]);
      s->done[i] = ig_max_i64(s->done[i], first_read(&s->w[i + 1], s->done[i + 1]));   /* rows that strides step over are made by nobody */
    }
    for (uint32_t i = 0; i < n; i++) {
      const double t = s->seconds ? now() : 0;
      make_rows(s, i, image, end[i]);
      if (s->seconds) s->seconds[i] += now() - t;
    }
  }
}

void ig_bands_run(const ig_launch *l, const ig_bands *b, uint32_t number, double *seconds) {
  part s = { .l = l, .b = b, .number = number, .seconds = seconds };
  for (uint32_t i = 0; i < b->n; i++) {
    const ig_call *c = &l[i].call;
    s.w[i] = window_of(c);
    piece_init(&s.p[i], c);
    s.p[i].call.scratch = slot(&s, b->n - 1);
    s.p[i].call.scratch_size = b->scratch - b->slot[b->n - 1];
  }
  const ig_view *y = ig_call_out(&l[b->n - 1].call, 0);
  int64_t lo, hi;
  ig_split(y->dims[0] * y->dims[ROWS], number, b->n_parts, &lo, &hi);
  for (int64_t i = lo; i < hi;) {
    const int64_t image = i / y->dims[ROWS], row = i % y->dims[ROWS], end = ig_min_i64(y->dims[ROWS], row + hi - i);
    run_image(&s, image, row, end);
    i += end - row;
  }
}
