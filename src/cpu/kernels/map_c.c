/* map: the scalar program over the whole iteration space, which is result 0's dims, in the order in which result 0 lies in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/map.h"

void ig_map_run(const ig_call *c, uint32_t part, uint32_t n_parts, const ig_prog_isa *isa) {
  const ig_view *out = ig_call_out(c, 0);
  const int64_t total = ig_view_count(out);
  uint8_t perm[IG_MAX_RANK];
  int64_t lo, hi;
  ig_split_elements(c, total, part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  ig_perm_by_stride(out, ~0ull, perm);
  const ig_prog_spec s = { .prog = &c->prog, .in = ig_call_in(c, 0), .n_in = c->n_in, .out = out, .n_out = c->n_out, .dims = out->dims, .rank = out->rank,
    .perm = perm, .isa = isa };
  ig_prog *p = ig_prog_make(ig_part_scratch(c, part, ig_prog_bytes(&c->prog, c->n_in, c->n_out)), &s);
  ig_prog_range(p, lo, hi - lo, NULL);
}

void ig_cpu_map_c_run(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  IG_UNUSED(phase);
  ig_map_run(c, part, n_parts, &ig_prog_isa_c);
}
size_t ig_cpu_map_c_scratch(const ig_call *c, uint32_t n_parts) { return n_parts * ig_prog_bytes(&c->prog, c->n_in, c->n_out); }
