/* gather: for each position of the index, a box of the data goes to a box of the result.
 *
 * All three modes are one loop: the result's axes are `outer` axes (which name an index entry and keep some of the data's coordinates)
 * followed by the box's axes. ELEMENTS has boxes of one element; such boxes are taken in runs along the last outer axis.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/common.h"
#include "cpu/kernels/copy.h"
#include "cpu/kernels/index.h"
#include "cpu/kernels/kernels.h"

size_t ig_cpu_gather_c_scratch(const ig_call *c, uint32_t n_parts) {
  IG_UNUSED(c);
  IG_UNUSED(n_parts);
  return 0;
}

/* ---- boxes of one element, a run along the last outer axis at a time ---- */

/* A run: n entries of the index, each a position along the data's axis of `extent`; strides in elements, `along` the data's own step an entry. */
typedef struct run {
  const ig_view *index;
  const char *src;
  char *dst;
  int64_t first, n, extent;            /* first: of the index's entries, in elements of its view */
  int64_t i_step, at_step, along, d_step;
} run;

static int64_t entry(const run *r, int64_t k, bool *ok) {
  const int64_t e = r->first + k * r->i_step;
  int64_t i = r->index->dtype == IG_DTYPE_I64 ? ((const int64_t *)r->index->data)[e] : ((const int32_t *)r->index->data)[e];
  if (i < 0) i += r->extent;
  if (i >= 0 && i < r->extent) return i;
  *ok = false;
  return 0;
}

#define RUN_OF(T) \
  static bool run_##T(const run *r) { \
    const T *src = (const T *)r->src; \
    T *dst = (T *)r->dst; \
    bool ok = true; \
    for (int64_t k = 0; k < r->n; k++) dst[k * r->d_step] = src[k * r->along + entry(r, k, &ok) * r->at_step]; \
    return ok; \
  }
RUN_OF(uint8_t)
RUN_OF(uint16_t)
RUN_OF(uint32_t)
RUN_OF(uint64_t)

static bool go(const run *r, size_t size) {
  return size == 1 ? run_uint8_t(r) : size == 2 ? run_uint16_t(r) : size == 4 ? run_uint32_t(r) : run_uint64_t(r);
}

static bool takes_runs(const ig_index_plan *q, const ig_view *x, const ig_view *index) {
  if (!q->plain || q->copy.rank > 0 || q->copy.size > 8 || q->mode == IG_GATHER_ND || !index->rank || !x->rank || ig_view_blocked(index)) return false;
  for (uint32_t k = 0; k < x->rank; k++)
    if (x->dims[k] == 0) return false;
  return true;
}

/* Entries lo .. hi of the list. */
static void by_runs(const ig_call *c, const ig_index_plan *q, const ig_view *x, const ig_view *o, int64_t lo, int64_t hi) {
  const ig_view *index = ig_call_in(c, 1);
  const uint32_t last = q->n_outer - 1;
  const int64_t first_index = q->mode == IG_GATHER_ROWS ? q->axis : 0;   /* outer axis of the index's first */
  int64_t at[IG_MAX_RANK];
  bool ok = true;
  ig_index_of(lo, o->dims, q->n_outer, at);
  for (int64_t i = lo; i < hi;) {
    run r = { .index = index, .extent = x->dims[q->axis], .n = ig_min_i64(hi - i, o->dims[last] - at[last]), .d_step = o->strides[last], .at_step = x->strides[q->axis] };
    int64_t from = 0, to = 0;
    for (uint32_t k = 0; k <= last; k++) {
      to += at[k] * o->strides[k];
      if (k >= first_index) r.first += at[k] * index->strides[k - first_index];
      if (q->mode == IG_GATHER_ROWS ? k < q->axis : k != q->axis) from += at[k] * x->strides[k];
    }
    r.i_step = index->strides[last - first_index];
    r.along = q->mode == IG_GATHER_ELEMENTS && last != q->axis ? x->strides[last] : 0;
    r.src = (const char *)x->data + from * (int64_t)q->copy.size;
    r.dst = (char *)o->data + to * (int64_t)q->copy.size;
    ok &= go(&r, q->copy.size);
    i += r.n;
    at[last] += r.n - 1;
    ig_index_next(at, o->dims, q->n_outer);
  }
  if (!ok) ig_report_index(c);
}

void ig_cpu_gather_c_run(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_gather_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  int64_t lo, hi, at_index[IG_MAX_RANK], at_data[IG_MAX_RANK];
  ig_index_plan q;
  IG_UNUSED(phase);
  if (ig_view_count(o) == 0) return;
  ig_index_plan_init(&q, c, (int)p->mode, p->axis, p->batch_dims, o);
  ig_split_items(c, q.n_boxes, part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  if (takes_runs(&q, x, ig_call_in(c, 1))) {
    by_runs(c, &q, x, o, lo, hi);
    return;
  }
  ig_index_of(lo, o->dims, q.n_outer, at_index);
  for (int64_t i = lo; i < hi; i++) {
    if (!ig_index_plan_locate(&q, c, at_index, at_data)) ig_report_index(c);
    ig_index_plan_copy(&q, x, at_data, o, at_index, false);
    ig_index_next(at_index, o->dims, q.n_outer);
  }
}
