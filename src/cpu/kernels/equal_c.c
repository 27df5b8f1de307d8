/* equal, over any views.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/common.h"
#include "cpu/kernels/kernels.h"

size_t ig_cpu_equal_c_scratch(const ig_call *c, uint32_t n_parts) {
  IG_UNUSED(c);
  IG_UNUSED(n_parts);
  return 0;
}

void ig_cpu_equal_c_run(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_view *v[3] = { ig_call_in(c, 0), ig_call_in(c, 1), ig_call_out(c, 0) };
  ig_walk w[3];
  int64_t lo, hi;
  IG_UNUSED(phase);
  ig_split_items(c, ig_view_count(v[2]), part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  for (int k = 0; k < 3; k++) ig_walk_init(&w[k], v[k], NULL);
  for (int64_t i = lo; i < hi; i++) {
    const ig_string *a = (const ig_string *)v[0]->data + ig_walk_at(&w[0], i), *b = (const ig_string *)v[1]->data + ig_walk_at(&w[1], i);
    ((uint8_t *)v[2]->data)[ig_walk_at(&w[2], i)] = a->n == b->n && (a->n == 0 || memcmp(a->data, b->data, a->n) == 0);
  }
}
