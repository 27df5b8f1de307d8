/* Tactics of float32 conv on vectors. Constant weights are packed in the engine as panels [O / nr][kernel][C][nr] where no panel would span
 * groups.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/gemm_f32.h"
#include "cpu/tactics/tactics.h"

/* Weights as they lie in models: row-major without gaps. */
static bool is_compact(const ig_query *q, const ig_operand *w) {
  int64_t n = 1, dim;
  for (uint32_t k = w->rank; k-- > 0;) {
    if (!ig_dim_is_const(q->dims, w->dims[k], &dim)) return false;
    if (dim != 1 && !ig_dim_equals(q->dims, w->strides[k], n)) return false;
    if (!ig_mul_i64(n, dim, &n)) return false;
  }
  return true;
}

/* What the kernel needs; NULL with *why if it is not so. */
static const ig_request *accepted(const ig_query *q, const char **why) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r) return NULL;
  const ig_conv_params *p = r->params;
  if (p->acc != IG_S_F32 || !ig_cpu_is(ig_request_in(r, 0), IG_DTYPE_F32) || !ig_cpu_is(ig_request_in(r, 1), IG_DTYPE_F32)) {
    *why = "operands are not plain float32";
    return NULL;
  }
  for (uint32_t i = 2; i < r->n_in; i++)
    if (ig_request_in(r, i)->value != IG_NO_VALUE) { *why = "it has zero points"; return NULL; }
  if (p->n_spatial > 2) { *why = "three spatial axes"; return NULL; }
  for (int64_t i = 0; i < p->n_spatial; i++)
    if (p->in_dilation[i] > 1) { *why = "the input is dilated (transposed convolution)"; return NULL; }
  if (!is_compact(q, ig_request_in(r, 1))) { *why = "weights are not compact or of unknown size"; return NULL; }
  return r;
}

static double taps(const ig_query *q, const ig_operand *w) { return ig_cpu_count(q, w) / (double)ig_max_i64(1, ig_cpu_dim(q, w->dims[0])); }
static double call_taps(const ig_call *c) { return (double)ig_view_count(ig_call_in(c, 1)) / (double)ig_max_i64(1, ig_call_in(c, 1)->dims[0]); }

/* nr columns a panel, of vectors of w: channels past the last whole vector are multiplied all the same. */
static bool query(const ig_query *q, ig_offer *out, const char **why, int64_t nr, int64_t w, double rate) {
  const ig_request *r = accepted(q, why);
  if (!r) return false;
  const ig_conv_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *weights = ig_request_in(r, 1);
  const int64_t group_o = ig_max_i64(1, ig_cpu_dim(q, weights->dims[0]) / p->groups);
  const int64_t unit = p->groups == 1 ? w : nr;      /* a small group's columns are packed anew, in whole panels */
  const double padded = (double)((group_o + unit - 1) / unit * unit) / (double)group_o;
  const double copy = ig_cpu_dim(q, x->strides[1]) == 1 ? 0 : 16 * ig_cpu_count(q, x);
  ig_cpu_offer(q, r, ig_cpu_count(q, ig_request_out(r, 0)) * (2 * taps(q, weights) * padded + ig_cpu_prog_work(&r->epi)) + copy, rate, out);
  out->inplace_mask = ig_cpu_inplace(r, r->n_in, r->n_extra);
  if (!(q->constant_mask >> 1 & 1) || (p->groups != 1 && group_o % nr != 0)) return true;
  out->packed_mask = 1u << 1;
  ig_format *f = &out->packed[1];
  f->axis[f->n_parts++] = 0;
  for (uint32_t i = 2; i < weights->rank; i++) f->axis[f->n_parts++] = (uint8_t)i;
  f->axis[f->n_parts++] = 1;
  f->axis[f->n_parts] = 0;
  f->extent[f->n_parts++] = (uint16_t)nr;
  return true;
}
static uint32_t parts(const ig_call *c, uint32_t n_threads, double rate) {
  return ig_cpu_parts((double)ig_view_count(ig_call_out(c, 0)) * (2 * call_taps(c) + ig_cpu_prog_work(&c->epi)), rate, n_threads);
}

#define CONV_TACTICS(id, isa_, nr, w, rate) \
  static bool query_##id(const ig_query *q, ig_offer *out, const char **why) { return query(q, out, why, nr, w, rate); } \
  static uint32_t parts_##id(const ig_call *c, uint32_t n_threads) { return parts(c, n_threads, rate); } \
  const ig_tactic ig_cpu_conv_f32_##id = { .name = "cpu.conv_f32." #id, .version = 2, .kind = IG_KIND_conv, .isa = isa_, .n_phases = 2, \
    .query = query_##id, .scratch = ig_cpu_conv_f32_scratch_##id, .parts = parts_##id, .run = ig_cpu_conv_f32_run_##id };
CONV_TACTICS(avx512, IG_ISA_AVX512 | IG_ISA_AVX2, IG_GEMM_NR_AVX512, 16, IG_CPU_RATE_AVX512)
CONV_TACTICS(avx2, IG_ISA_AVX2, IG_GEMM_NR_AVX2, 8, IG_CPU_RATE_AVX2)
