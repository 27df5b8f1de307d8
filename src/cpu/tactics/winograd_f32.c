/* Tactics of float32 conv by Winograd's F(4x4, 3x3): 3x3 kernels of stride 1 whose input has its channels last. The weights are packed in the engine,
 * transformed, as panels [O / nr][6][6][C][nr], four times their plain size.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/tactics/tactics.h"
#include "kern/winograd.h"
#include <math.h>

/* The rounding error grows with the root of the channels; at this many it is a twentieth of what two results may differ by (docs/numerics.md). */
enum { MOST_CHANNELS = 16384 };

static bool takes(const ig_query *q, const ig_request *r, const char **why) {
  const ig_conv_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *w = ig_request_in(r, 1);
  int64_t channels;
  *why = "operands are not plain float32";
  if (p->acc != IG_S_F32 || !ig_cpu_is(x, IG_DTYPE_F32) || !ig_cpu_is(w, IG_DTYPE_F32)) return false;
  *why = "it has zero points";
  for (uint32_t i = 2; i < r->n_in; i++)
    if (ig_request_in(r, i)->value != IG_NO_VALUE) return false;
  *why = "not two spatial axes";
  if (p->n_spatial != 2) return false;
  *why = "groups, strides or dilations";
  for (int i = 0; i < 2; i++)
    if (p->stride[i] != 1 || p->dilation[i] != 1 || p->in_dilation[i] != 1) return false;
  if (p->groups != 1) return false;
  *why = "the kernel is not 3x3";
  for (int i = 2; i < 4; i++)
    if (!ig_dim_equals(q->dims, w->dims[i], IG_WINOGRAD_KERNEL)) return false;
  *why = "the input's channels are not contiguous";
  if (!ig_dim_equals(q->dims, x->strides[1], 1)) return false;
  *why = "weights are not constant";
  if (!(q->constant_mask >> 1 & 1) || !ig_dim_is_const(q->dims, w->dims[0], NULL) || !ig_dim_is_const(q->dims, w->dims[1], &channels)) return false;
  *why = "too many channels for its rounding error";
  if (channels > MOST_CHANNELS) return false;
  *why = "results share bytes";
  for (uint32_t i = 0; i < r->n_out; i++)
    if (IG_DTYPE_BITS(ig_request_out(r, i)->dtype) < 8) return false;
  return true;
}

/* Simple operations: 72 a tile, channel and output channel; transforms of inputs and results, whose memory the caches hold. */
static double work(double tiles, double c, double o, double epilogue) { return tiles * (72 * c * o + 900 * c + 800 * o + 16 * o * epilogue); }
static double tiles(double n, double rows, double columns) { return n * ceil(rows / IG_WINOGRAD_OUT) * ceil(columns / IG_WINOGRAD_OUT); }

static bool query(const ig_query *q, ig_offer *out, const char **why, int64_t nr, double rate) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r || !takes(q, r, why)) return false;
  const ig_operand *w = ig_request_in(r, 1), *y = ig_request_out(r, 0);
  const double c = (double)ig_cpu_dim(q, w->dims[1]), o = (double)((ig_cpu_dim(q, w->dims[0]) + nr - 1) / nr * nr);
  ig_cpu_offer(q, r, work(tiles((double)ig_cpu_dim(q, y->dims[0]), (double)ig_cpu_dim(q, y->dims[2]), (double)ig_cpu_dim(q, y->dims[3])), c, o, ig_cpu_prog_work(&r->epi)), rate, out);
  out->seconds += (36 - 9) * 4 * c * o / IG_CPU_BYTES_PER_SECOND;
  out->inplace_mask = ig_cpu_inplace(r, r->n_in, r->n_extra);
  out->packed_mask = 1u << 1;
  out->packed[1] = (ig_format){ .n_parts = 5, .transform = IG_TRANSFORM_WINOGRAD_4X4, .axis = { 0, 2, 3, 1, 0 }, .extent = { 0, 0, 0, 0, (uint16_t)nr } };
  return true;
}
static uint32_t parts(const ig_call *c, uint32_t n_threads, double rate) {
  const ig_view *w = ig_call_in(c, 1), *y = ig_call_out(c, 0);
  return ig_cpu_parts(work(tiles((double)y->dims[0], (double)y->dims[2], (double)y->dims[3]), (double)w->dims[1], (double)w->dims[0], ig_cpu_prog_work(&c->epi)), rate, n_threads);
}

#define WINOGRAD_TACTIC(id, isa_, nr, rate) \
  static bool query_##id(const ig_query *q, ig_offer *out, const char **why) { return query(q, out, why, nr, rate); } \
  static uint32_t parts_##id(const ig_call *c, uint32_t n_threads) { return parts(c, n_threads, rate); } \
  const ig_tactic ig_cpu_winograd_f32_##id = { .name = "cpu.winograd_f32." #id, .version = 1, .kind = IG_KIND_conv, .isa = isa_, .n_phases = 2, \
    .query = query_##id, .scratch = ig_cpu_winograd_f32_scratch_##id, .parts = parts_##id, .run = ig_cpu_winograd_f32_run_##id };
WINOGRAD_TACTIC(avx512, IG_ISA_AVX512 | IG_ISA_AVX2, 32, IG_CPU_RATE_AVX512)
WINOGRAD_TACTIC(avx2, IG_ISA_AVX2, 16, IG_CPU_RATE_AVX2)
