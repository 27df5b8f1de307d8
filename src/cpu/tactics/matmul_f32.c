/* Tactics of float32 matmul on vectors. A constant B is packed in the engine as panels [N / nr][K][nr].
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/gemm_f32.h"
#include "cpu/tactics/tactics.h"
#include <math.h>

static double work_per_result(double k, const ig_sprog *epi) { return 2.0 * k + ig_cpu_prog_work(epi); }

/* Every leading axis is the constant 1 or broadcast, so that B is one matrix. */
static bool is_one_matrix(const ig_query *q, const ig_operand *b) {
  for (uint32_t k = 0; k + 2 < b->rank; k++)
    if (!ig_dim_equals(q->dims, b->dims[k], 1) && !ig_dim_equals(q->dims, b->strides[k], 0)) return false;
  return true;
}

static bool query(const ig_query *q, ig_offer *out, const char **why, int64_t nr, double rate) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r) return false;
  const ig_matmul_params *p = r->params;
  const ig_operand *a = ig_request_in(r, 0), *b = ig_request_in(r, 1);
  if (p->acc != IG_S_F32 || !ig_cpu_is(a, IG_DTYPE_F32) || !ig_cpu_is(b, IG_DTYPE_F32)) { *why = "operands are not plain float32"; return false; }
  if (r->n_in > 2) {
    for (uint32_t i = 2; i < r->n_in; i++)
      if (ig_request_in(r, i)->value != IG_NO_VALUE) { *why = "it has zero points"; return false; }
  }
  const double k = (double)ig_cpu_dim(q, a->dims[a->rank - 1]), count = ig_cpu_count(q, ig_request_out(r, 0));
  const bool pack = (q->constant_mask >> 1 & 1) && is_one_matrix(q, b);
  ig_cpu_offer(q, r, count * work_per_result(k, &r->epi) + (pack ? 0 : 4 * ig_cpu_count(q, b)), rate, out);
  out->inplace_mask = ig_cpu_inplace(r, r->n_in, r->n_extra);
  if (!pack) return true;
  out->packed_mask = 1u << 1;
  ig_format *f = &out->packed[1];
  for (uint32_t i = 0; i + 2 < b->rank; i++) f->axis[f->n_parts++] = (uint8_t)i;
  f->axis[f->n_parts++] = (uint8_t)(b->rank - 1);
  f->axis[f->n_parts++] = (uint8_t)(b->rank - 2);
  f->axis[f->n_parts] = (uint8_t)(b->rank - 1);
  f->extent[f->n_parts++] = (uint16_t)nr;
  return true;
}
/* What one core reads from memory a second: of few rows, that of B takes longer than the sums. */
#define STREAM_CORE 15e9
static uint32_t parts(const ig_call *c, uint32_t n_threads, double rate) {
  const ig_view *a = ig_call_in(c, 0), *b = ig_call_in(c, 1);
  double bytes = 4;
  for (uint32_t k = 0; k < b->rank; k++) bytes *= b->strides[k] == 0 ? 1 : (double)b->dims[k];
  const double ops = (double)ig_view_count(ig_call_out(c, 0)) * work_per_result((double)a->dims[a->rank - 1], &c->epi);
  return ig_cpu_parts(fmax(ops, bytes / STREAM_CORE * rate), rate, n_threads);
}
#define MATMUL_TACTIC(id, isa_, nr, rate) \
  static bool query_##id(const ig_query *q, ig_offer *out, const char **why) { return query(q, out, why, nr, rate); } \
  static uint32_t parts_##id(const ig_call *c, uint32_t n_threads) { return parts(c, n_threads, rate); } \
  const ig_tactic ig_cpu_matmul_f32_##id = { .name = "cpu.matmul_f32." #id, .version = 2, .kind = IG_KIND_matmul, .isa = isa_, .n_phases = 1, .phases = ig_cpu_matmul_f32_phases_##id, \
    .query = query_##id, .scratch = ig_cpu_matmul_f32_scratch_##id, .parts = parts_##id, .run = ig_cpu_matmul_f32_run_##id };
MATMUL_TACTIC(avx512, IG_ISA_AVX512 | IG_ISA_AVX2, IG_GEMM_NR_AVX512, IG_CPU_RATE_AVX512)
MATMUL_TACTIC(avx2, IG_ISA_AVX2, IG_GEMM_NR_AVX2, IG_CPU_RATE_AVX2)
