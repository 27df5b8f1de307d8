/* gather: for each position of the index, a box of the data goes to a box of the result.
 *
 * All three modes are one loop: the result's axes are `outer` axes (which name an index entry and keep some of the data's coordinates)
 * followed by the box's axes. ELEMENTS has boxes of one element.
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
  ig_index_of(lo, o->dims, q.n_outer, at_index);
  for (int64_t i = lo; i < hi; i++) {
    if (!ig_index_plan_locate(&q, c, at_index, at_data)) ig_report_index(c);
    ig_index_plan_copy(&q, x, at_data, o, at_index, false);
    ig_index_next(at_index, o->dims, q.n_outer);
  }
}
