/* Tactics of float32 conv by Winograd's F(4x4, 3x3) and F(2x2, 3x3): 3x3 kernels of stride 1 whose input has its channels last. The weights are packed
 * in the engine, transformed, as panels [O / nr][6][6][C][nr] or [O / nr][4][4][C][nr]: four times their plain size, or not twice, which is what small maps
 * of many channels wait for.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/tactics/tactics.h"
#include "kern/winograd.h"
#include <math.h>

/* What one core reads from memory, and several together, while they multiply. */
#define STREAM_CORE 15e9
#define STREAM_ALL 45e9
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

/* Simple operations: the products; the transforms of inputs and results, which the caches hold. out: the side of a tile. */
static double work(double n, double rows, double columns, double c, double o, double epilogue, int64_t out) {
  const double tiles = n * ceil(rows / (double)out) * ceil(columns / (double)out), points = (double)((out + 2) * (out + 2));
  return tiles * (2 * points * c * o + 25 * points * c + 22 * points * o + (double)(out * out) * o * epilogue);
}

static bool query(const ig_query *q, ig_offer *out, const char **why, int64_t nr, int64_t tile, double rate) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r || !takes(q, r, why)) return false;
  const ig_operand *w = ig_request_in(r, 1), *y = ig_request_out(r, 0);
  const double c = (double)ig_cpu_dim(q, w->dims[1]), o = (double)((ig_cpu_dim(q, w->dims[0]) + nr - 1) / nr * nr);
  const double ops = work((double)ig_cpu_dim(q, y->dims[0]), (double)ig_cpu_dim(q, y->dims[2]), (double)ig_cpu_dim(q, y->dims[3]), c, o, ig_cpu_prog_work(&r->epi), tile);
  const uint32_t n_parts = ig_cpu_parts(ops, rate, q->caps->n_threads);
  ig_cpu_offer(q, r, ops, rate, out);
  /* Weights are called for ahead: their reading runs beside the sums, and counts where it takes longer. */
  const double weights = (double)((tile + 2) * (tile + 2)) * 4 * c * o / fmin(n_parts * STREAM_CORE, STREAM_ALL);
  out->seconds += fmax(0, weights - ops / rate / n_parts) - ig_cpu_count(q, w) * 4 / IG_CPU_BYTES_PER_SECOND;
  out->inplace_mask = ig_cpu_inplace(r, r->n_in, r->n_extra);
  out->packed_mask = 1u << 1;
  out->packed[1] = (ig_format){ .n_parts = 5, .transform = tile == 4 ? IG_TRANSFORM_WINOGRAD_4X4 : IG_TRANSFORM_WINOGRAD_2X2, .axis = { 0, 2, 3, 1, 0 },
    .extent = { 0, 0, 0, 0, (uint16_t)nr } };
  return true;
}
static uint32_t parts(const ig_call *c, uint32_t n_threads, int64_t tile, double rate) {
  const ig_view *w = ig_call_in(c, 1), *y = ig_call_out(c, 0);
  return ig_cpu_parts(work((double)y->dims[0], (double)y->dims[2], (double)y->dims[3], (double)w->dims[1], (double)w->dims[0], ig_cpu_prog_work(&c->epi), tile), rate, n_threads);
}

#define WINOGRAD_TACTIC(tile, id, isa_, nr, rate) \
  static bool query##tile##_##id(const ig_query *q, ig_offer *out, const char **why) { return query(q, out, why, nr, tile, rate); } \
  static uint32_t parts##tile##_##id(const ig_call *c, uint32_t n_threads) { return parts(c, n_threads, tile, rate); } \
  const ig_tactic ig_cpu_winograd##tile##_f32_##id = { .name = "cpu.winograd" #tile "_f32." #id, .version = 1, .kind = IG_KIND_conv, .isa = isa_, .n_phases = 2, \
    .query = query##tile##_##id, .scratch = ig_cpu_winograd##tile##_f32_scratch_##id, .parts = parts##tile##_##id, .run = ig_cpu_winograd##tile##_f32_run_##id };
WINOGRAD_TACTIC(4, avx512, IG_ISA_AVX512 | IG_ISA_AVX2, 32, IG_CPU_RATE_AVX512)
WINOGRAD_TACTIC(2, avx512, IG_ISA_AVX512 | IG_ISA_AVX2, 32, IG_CPU_RATE_AVX512)
WINOGRAD_TACTIC(4, avx2, IG_ISA_AVX2, 16, IG_CPU_RATE_AVX2)
WINOGRAD_TACTIC(2, avx2, IG_ISA_AVX2, 16, IG_CPU_RATE_AVX2)
