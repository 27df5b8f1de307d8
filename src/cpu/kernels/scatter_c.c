/* scatter: the data is copied to the result (phase 0, unless it lies there already), then the updates apply in the index's order (phase 1, one
 * part: later updates win over earlier ones, whatever the number of threads).
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/common.h"
#include "cpu/kernels/index.h"
#include "cpu/kernels/kernels.h"
#include "hal/tactic.h"

size_t ig_cpu_scatter_c_scratch(const ig_call *c, uint32_t n_parts) {
  IG_UNUSED(c);
  IG_UNUSED(n_parts);
  return 0;
}

static bool in_place(const ig_view *x, const ig_view *o) {
  if (x->data != o->data || x->first != o->first) return false;
  for (uint32_t k = 0; k < x->rank; k++)
    if (x->strides[k] != o->strides[k] && x->dims[k] > 1) return false;
  return true;
}

static void copy_data(const ig_call *c, uint32_t part, uint32_t n_parts) {
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  int64_t lo, hi, index[IG_MAX_RANK];
  if (in_place(x, o)) return;
  const int64_t total = ig_view_count(o);
  if (!ig_view_blocked(x) && !ig_view_blocked(o) && ig_elem_size(x->dtype) > 0) {
    ig_copy plan;
    ig_copy_init(&plan, x->rank, x->dims, x->strides, o->strides, ig_elem_size(x->dtype));
    ig_copy_part(&plan, x->data, o->data, part, n_parts);
    return;
  }
  ig_split_elements(c, total, part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  ig_index_of(lo, o->dims, o->rank, index);
  for (int64_t i = lo; i < hi; i++) {
    ig_elem_copy(o, ig_view_at(o, index), x, ig_view_at(x, index));
    ig_index_next(index, o->dims, o->rank);
  }
}

typedef struct combiner { ig_elem_load_fn load; ig_elem_store_fn store; ig_prog_fn op; } combiner;

static combiner find_combiner(ig_dtype d, int64_t reduction) {
  static const uint16_t ops[] = { [IG_SCATTER_ADD] = IG_SOP_ADD, [IG_SCATTER_MUL] = IG_SOP_MUL, [IG_SCATTER_MIN] = IG_SOP_MIN, [IG_SCATTER_MAX] = IG_SOP_MAX };
  const ig_stype t = ig_stype_of(d);
  const bool any = reduction == IG_SCATTER_ADD || reduction == IG_SCATTER_MAX;
  const uint16_t op = t == IG_S_BOOL ? (any ? IG_SOP_OR : IG_SOP_AND) : ops[reduction];
  return (combiner){ ig_elem_loader(d), ig_elem_storer(d, t, 0), ig_prog_op_c(op, (uint8_t)t, 0) };
}

/* One element of the updates into one of the result. */
static void combine(const combiner *k, const ig_view *o, int64_t at_o, const ig_view *u, int64_t at_u) {
  uint64_t old = 0, new = 0, sum = 0;
  k->load(o->data, at_o + o->first, 1, 1, &old);
  k->load(u->data, at_u + u->first, 1, 1, &new);
  k->op(&sum, &old, &new, &new, 1);
  k->store(o->data, at_o + o->first, 1, 1, &sum);
}

static void combine_box(const ig_index_plan *q, const combiner *f, const ig_view *o, const int64_t *at_o, const ig_view *u, const int64_t *outer) {
  int64_t i_o[IG_MAX_RANK], i_u[IG_MAX_RANK], box[IG_MAX_RANK] = { 0 };
  const uint32_t n = o->rank - q->box_data;
  for (uint32_t k = 0; k < q->box_data; k++) i_o[k] = at_o[k];
  for (uint32_t k = 0; k < q->n_outer; k++) i_u[k] = outer[k];
  do {
    for (uint32_t k = 0; k < n; k++) i_o[q->box_data + k] = i_u[q->n_outer + k] = box[k];
    combine(f, o, ig_view_at(o, i_o), u, ig_view_at(u, i_u));
  } while (ig_index_next(box, o->dims + q->box_data, n));
}

static void apply_updates(const ig_call *c) {
  const ig_scatter_params *p = c->params;
  const ig_view *o = ig_call_out(c, 0), *u = ig_call_in(c, 2);
  int64_t outer[IG_MAX_RANK] = { 0 }, at[IG_MAX_RANK];
  ig_index_plan q;
  if (ig_view_count(u) == 0) return;
  ig_index_plan_init(&q, c, (int)p->mode, p->axis, 0, u);
  const bool set = p->reduction == IG_SCATTER_SET;
  const combiner f = set ? (combiner){ NULL, NULL, NULL } : find_combiner(o->dtype, p->reduction);
  do {
    if (!ig_index_plan_locate(&q, c, outer, at)) {
      ig_report_index(c);
      if (ig_view_count(o) == 0) return;
    }
    if (set) ig_index_plan_copy(&q, o, at, u, outer, true);
    else combine_box(&q, &f, o, at, u, outer);
  } while (ig_index_next(outer, u->dims, q.n_outer));
}

void ig_cpu_scatter_c_run(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  if (phase == 0) copy_data(c, part, n_parts);
  else if (part == 0) apply_updates(c);
}
