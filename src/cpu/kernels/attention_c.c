/* attention, portable: every float type, stride and program, a row of queries at a time with its scores in the scratch.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/attention.h"
#include "kern/scalar_math.h"

typedef struct plan {
  const ig_attention_params *p;
  ig_stype t;
  int64_t n_q, n_keys, head, width;
  ig_reader q, k, v;
  ig_prog *prog, *epi;
  char *query, *row, *scores, *sums;   /* query; a row of k or v; the scores; the result's row */
} plan;

static ig_stype type_of(const ig_call *c) { return ig_kind_result_type(c->kind, c->params, ig_call_in(c, 0)->dtype); }
static size_t bytes_of(const ig_call *c, int64_t n) { return ig_pad64((size_t)n * ig_stype_size(type_of(c))); }
static size_t bytes_per_part(const ig_call *c) {
  const ig_view *q = ig_call_in(c, 0), *v = ig_call_in(c, 2);
  const int64_t head = q->dims[q->rank - 1], keys = v->dims[v->rank - 2], width = v->dims[v->rank - 1];
  return bytes_of(c, head) + bytes_of(c, ig_max_i64(head, width)) + bytes_of(c, keys) + bytes_of(c, width) + ig_attention_prog_bytes(c) + ig_epi_bytes(c);
}
size_t ig_cpu_attention_c_scratch(const ig_call *c, uint32_t n_parts) { return n_parts * bytes_per_part(c); }

#define ROW(T, S, EXP) \
  static T dot_##S(const T *x, const T *y, int64_t n) { \
    T s = 0; \
    for (int64_t i = 0; i < n; i++) s += x[i] * y[i]; \
    return s; \
  } \
  /* Sum of the probabilities before they are divided by it; 0 where all scores are -inf. */ \
  static T softmax_##S(T *s, int64_t n) { \
    T top = -(T)INFINITY, sum = 0; \
    for (int64_t i = 0; i < n; i++) top = s[i] > top || s[i] != s[i] ? s[i] : top; \
    if (top == -(T)INFINITY) top = 0; \
    for (int64_t i = 0; i < n; i++) sum += s[i] = EXP(s[i] - top); \
    return sum; \
  } \
  static void row_##S(const plan *a, int64_t item, int64_t i) { \
    T *query = (T *)(void *)a->query, *other = (T *)(void *)a->row, *s = (T *)(void *)a->scores, *y = (T *)(void *)a->sums; \
    const int64_t keys = a->n_keys, lin = item * a->n_q + i; \
    if (a->head > 0) ig_reader_read(&a->q, lin * a->head, a->head, query); \
    for (int64_t j = 0; j < keys; j++) { \
      if (a->head > 0) ig_reader_read(&a->k, (item * keys + j) * a->head, a->head, other); \
      s[j] = dot_##S(query, other, a->head) * (T)a->p->scale; \
    } \
    if (a->prog) ig_attention_adjust(a->prog, lin * keys, keys, s, sizeof *s); \
    const T sum = softmax_##S(s, keys); \
    const bool none = keys == 0 || (a->p->empty != IG_ATTENTION_NAN && sum == 0) || (a->p->empty == IG_ATTENTION_ZERO_NAN && sum != sum); \
    for (int64_t d = 0; d < a->width; d++) y[d] = 0; \
    for (int64_t j = 0; j < keys && !none; j++) { \
      ig_reader_read(&a->v, (item * keys + j) * a->width, a->width, other); \
      const T p = s[j] / sum; \
      for (int64_t d = 0; d < a->width; d++) y[d] += p * other[d]; \
    } \
    ig_prog_range(a->epi, lin * a->width, a->width, y); \
  }
ROW(float, f32, ig_f32_exp)
ROW(double, f64, exp)

void ig_cpu_attention_c_run(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_view *q = ig_call_in(c, 0), *v = ig_call_in(c, 2), *out = ig_call_out(c, 0);
  char *m = ig_part_scratch(c, part, bytes_per_part(c));
  plan a = { .p = c->params, .t = type_of(c), .n_q = q->dims[q->rank - 2], .n_keys = v->dims[v->rank - 2], .head = q->dims[q->rank - 1], .width = v->dims[v->rank - 1] };
  int64_t lo, hi;
  IG_UNUSED(phase);
  if (ig_view_count(out) == 0) return;
  ig_split_items(c, ig_view_count(out) / a.width, part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  ig_reader_init(&a.q, q, NULL, a.t);
  ig_reader_init(&a.k, ig_call_in(c, 1), NULL, a.t);
  ig_reader_init(&a.v, v, NULL, a.t);
  a.query = m;
  a.row = a.query + bytes_of(c, a.head);
  a.scores = a.row + bytes_of(c, ig_max_i64(a.head, a.width));
  a.sums = a.scores + bytes_of(c, a.n_keys);
  m = a.sums + bytes_of(c, a.width);
  if (c->prog.n && a.n_keys > 0) a.prog = ig_attention_prog(m, c, a.t, NULL);
  a.epi = ig_epi_make(m + ig_attention_prog_bytes(c), c, NULL, a.t, c->n_out, NULL);
  for (int64_t row = lo; row < hi; row++) {
    if (a.t == IG_S_F64) row_f64(&a, row / a.n_q, row % a.n_q);
    else row_f32(&a, row / a.n_q, row % a.n_q);
  }
}

/* ---- the program over scores, for every kernel ---- */

size_t ig_attention_prog_bytes(const ig_call *c) { return c->prog.n ? ig_prog_bytes(&c->prog, c->n_in - 3, 1) : 0; }

ig_prog *ig_attention_prog(void *mem, const ig_call *c, ig_stype t, const ig_prog_isa *isa) {
  const ig_view *q = ig_call_in(c, 0);
  int64_t dims[IG_MAX_RANK];
  memcpy(dims, q->dims, sizeof dims);
  dims[q->rank - 1] = ig_call_in(c, 1)->dims[q->rank - 2];
  const ig_prog_spec s = { .prog = &c->prog, .in = c->v + 3, .n_in = c->n_in - 3, .dims = dims, .rank = q->rank, .direct_in = t, .direct_out = t, .isa = isa };
  return ig_prog_make(mem, &s);
}

void ig_attention_adjust(ig_prog *p, int64_t lin, int64_t n, void *scores, size_t size) {
  const int64_t block = ig_prog_block_size(p);
  for (int64_t done = 0; done < n; done += block) {
    const int64_t m = ig_min_i64(block, n - done);
    char *s = (char *)scores + (size_t)done * size;
    const void *got = ig_prog_block(p, lin + done, m, s);
    if (got != s) memcpy(s, got, (size_t)m * size);
  }
}
