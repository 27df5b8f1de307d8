/* The block interpreter's float32 loops for AVX2. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/map.h"
#include "cpu/kernels/prog_ops_f32.inc.h"
#include "cpu/kernels/prog_runs.inc.h"
const ig_prog_isa ig_prog_isa_avx2 = { f32_op, f32_load, f32_store };
void ig_cpu_map_run_avx2(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  IG_UNUSED(phase);
  ig_map_run(c, part, n_parts, &ig_prog_isa_avx2);
}
