/* Tactics of conv by Winograd's F(4x4, 3x3) and F(2x2, 3x3): 3x3 kernels of stride 1 whose input has its channels last. The weights are packed in the engine,
 * transformed, as panels [O / nr][6][6][C / kg][nr][kg] or [O / nr][4][4][C / kg][nr][kg]: four times their plain size, or not twice, which is what small maps
 * of many channels wait for; twice that again for 8-bit integers, whose transformed weights have 16.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/gemm_s8.h"
#include "cpu/kernels/walk.h"
#include "cpu/tactics/tactics.h"
#include "kern/winograd.h"
#include <math.h>

/* What one core reads from memory, and several together, while they multiply. */
#define STREAM_CORE 15e9
#define STREAM_ALL 45e9
#define RATE_S8_AVX2 150e9
#define RATE_S8_AVX512VNNI 350e9
/* The rounding error grows with the root of the channels; at this many it is a twentieth of what two results may differ by (docs/numerics.md). */
enum { MOST_CHANNELS = 16384 };
/* With VNNI the direct product reads an eighth of the transformed weights' bytes (Winograd's on AVX2 as well) and does half as well by arithmetic: where
 * these come from beyond the second-level cache it wins, and what they drive from the caches makes the steps around slower, which timing a step alone does
 * not show. */
enum { MOST_BYTES_VNNI = 3 << 19 };

/* A 3x3 kernel of stride 1 and constant weights, channels last. */
static bool has_form(const ig_query *q, const ig_request *r, const char **why) {
  const ig_conv_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *w = ig_request_in(r, 1);
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
  if (!(q->constant_mask >> 1 & 1) || !ig_dim_is_const(q->dims, w->dims[0], NULL) || !ig_dim_is_const(q->dims, w->dims[1], NULL)) return false;
  *why = "results share bytes";
  for (uint32_t i = 0; i < r->n_out; i++)
    if (IG_DTYPE_BITS(ig_request_out(r, i)->dtype) < 8) return false;
  return true;
}

static bool takes_f32(const ig_query *q, const ig_request *r, const char **why) {
  const ig_conv_params *p = r->params;
  const ig_operand *w = ig_request_in(r, 1);
  int64_t channels;
  *why = "operands are not plain float32";
  if (p->acc != IG_S_F32 || !ig_cpu_is(ig_request_in(r, 0), IG_DTYPE_F32) || !ig_cpu_is(w, IG_DTYPE_F32)) return false;
  *why = "it has zero points";
  for (uint32_t i = 2; i < r->n_in; i++)
    if (ig_request_in(r, i)->value != IG_NO_VALUE) return false;
  if (!has_form(q, r, why) || !ig_dim_is_const(q->dims, w->dims[1], &channels)) return false;
  *why = "too many channels for its rounding error";
  return channels <= MOST_CHANNELS;
}

int64_t ig_cpu_most_absolute(const ig_query *q, const ig_request *r, uint32_t i) {
  const ig_operand *o = ig_request_in(r, i);
  int64_t dims[IG_MAX_RANK], strides[IG_MAX_RANK], index[IG_MAX_RANK] = { 0 }, offset, most = 0, sum = 0;
  if (!(q->constant_mask >> i & 1) || !q->constants || !q->constants[i] || !ig_dim_is_const(q->dims, o->offset, &offset)) return INT64_MAX;
  for (uint32_t k = 0; k < o->rank; k++) {
    if (!ig_dim_is_const(q->dims, o->strides[k], &strides[k])) return INT64_MAX;
    if (strides[k] == 0) dims[k] = 1;
    else if (!ig_dim_is_const(q->dims, o->dims[k], &dims[k])) return INT64_MAX;
    if (dims[k] == 0) return 0;
  }
  do {
    int64_t at = offset;
    for (uint32_t k = 0; k < o->rank; k++) at += index[k] * strides[k];
    if (index[1] == 0 && index[2] == 0 && index[3] == 0) sum = 0;
    const int32_t x = o->dtype == IG_DTYPE_I8 ? ((const int8_t *)q->constants[i])[at] : ((const uint8_t *)q->constants[i])[at];
    sum += x < 0 ? -x : x;
    most = ig_max_i64(most, sum);
  } while (ig_index_next(index, dims, o->rank));
  return most;
}

static bool takes_s8(const ig_query *q, const ig_request *r, const char **why, int shift) {
  const ig_conv_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *w = ig_request_in(r, 1);
  int64_t channels;
  *why = "operands are not plain 8-bit integers, weights signed, with a 32-bit sum";
  if (p->acc != IG_S_I32 || !ig_cpu_is_int8(x) || !ig_cpu_is(w, IG_DTYPE_I8)) return false;
  if (!has_form(q, r, why) || !ig_dim_is_const(q->dims, w->dims[1], &channels)) return false;
  *why = "the input's zero points differ";
  if (!ig_cpu_is_uniform(q, r, 2, -1)) return false;
  *why = "weights have zero points";
  if (r->n_in > 3 && ig_request_in(r, 3)->value != IG_NO_VALUE && ig_cpu_most_absolute(q, r, 3) != 0) return false;
  /* Inputs are moved to -128 .. 127. An engine that holds the weights packed was built with this tactic, when they were looked at. */
  *why = "weights are so large that its sums could pass 32 bits";
  const int64_t most = channels <= (INT64_C(1) << (31 - shift)) / (9 * 128 * 128) || !q->constants[1] ? 0 : ig_cpu_most_absolute(q, r, 1);
  return most < INT64_C(1) << (31 - shift - 7);
}

/* Simple operations: the products; the transforms of inputs and results, which the caches hold. out: the side of a tile. */
static double work(double n, double rows, double columns, double c, double o, double epilogue, int64_t out) {
  const double tiles = n * ceil(rows / (double)out) * ceil(columns / (double)out), points = (double)((out + 2) * (out + 2));
  return tiles * (2 * points * c * o + 25 * points * c + 22 * points * o + (double)(out * out) * o * epilogue);
}

typedef struct form { int64_t tile, nr, kg; double rate; } form;   /* kg: 1 for float32, 2 for 8-bit integers */

static bool query(const ig_query *q, ig_offer *out, const char **why, const form *f) {
  const ig_request *r = ig_cpu_request(q, why);
  const bool is_4x4 = f->tile == 4, is_s8 = f->kg == 2;
  if (!r || !(is_s8 ? takes_s8(q, r, why, is_4x4 ? IG_WINOGRAD_SHIFT4 : IG_WINOGRAD_SHIFT2) : takes_f32(q, r, why))) return false;
  const ig_operand *w = ig_request_in(r, 1), *y = ig_request_out(r, 0);
  const double element = is_s8 ? 2 : 4, c = (double)ig_cpu_dim(q, w->dims[1]), o = (double)((ig_cpu_dim(q, w->dims[0]) + f->nr - 1) / f->nr * f->nr);
  const double ops = work((double)ig_cpu_dim(q, y->dims[0]), (double)ig_cpu_dim(q, y->dims[2]), (double)ig_cpu_dim(q, y->dims[3]), c, o, ig_cpu_prog_work(&r->epi), f->tile);
  const double bytes = (double)((f->tile + 2) * (f->tile + 2)) * element * c * o;
  if (is_s8 && q->caps->isa & IG_ISA_VNNI && bytes / o * (double)ig_cpu_dim(q, w->dims[0]) > MOST_BYTES_VNNI) { *why = "transformed weights are so many that they come from memory"; return false; }
  const uint32_t n_parts = ig_cpu_parts(ops, f->rate, q->caps->n_threads);
  ig_cpu_offer(q, r, ops, f->rate, out);
  /* Weights are called for ahead: their reading runs beside the sums, and counts where it takes longer. */
  const double weights = bytes / fmin(n_parts * STREAM_CORE, STREAM_ALL);
  out->seconds += fmax(0, weights - ops / f->rate / n_parts) - ig_cpu_count(q, w) * (is_s8 ? 1 : 4) / IG_CPU_BYTES_PER_SECOND;
  out->inplace_mask = ig_cpu_inplace(r, r->n_in, r->n_extra);
  out->packed_mask = 1u << 1;
  out->packed[1] = (ig_format){ .n_parts = is_s8 ? 6 : 5, .axis = { 0, 2, 3, 1, 0, 1 }, .extent = { 0, 0, 0, 0, (uint16_t)f->nr, is_s8 ? (uint16_t)f->kg : 0 } };
  out->packed[1].transform = is_s8 ? is_4x4 ? IG_TRANSFORM_WINOGRAD_INT_4X4 : IG_TRANSFORM_WINOGRAD_INT_2X2 : is_4x4 ? IG_TRANSFORM_WINOGRAD_4X4 : IG_TRANSFORM_WINOGRAD_2X2;
  return true;
}
static uint32_t parts(const ig_call *c, uint32_t n_threads, const form *f) {
  const ig_view *w = ig_call_in(c, 1), *y = ig_call_out(c, 0);
  return ig_cpu_parts(work((double)y->dims[0], (double)y->dims[2], (double)y->dims[3], (double)w->dims[1], (double)w->dims[0], ig_cpu_prog_work(&c->epi), f->tile), f->rate, n_threads);
}

#define WINOGRAD_TACTIC(tile_, type, id, isa_, nr_, kg_, rate_) \
  static const form form##tile_##_##type##_##id = { .tile = tile_, .nr = nr_, .kg = kg_, .rate = rate_ }; \
  static bool query##tile_##_##type##_##id(const ig_query *q, ig_offer *out, const char **why) { return query(q, out, why, &form##tile_##_##type##_##id); } \
  static uint32_t parts##tile_##_##type##_##id(const ig_call *c, uint32_t n_threads) { return parts(c, n_threads, &form##tile_##_##type##_##id); } \
  const ig_tactic ig_cpu_winograd##tile_##_##type##_##id = { .name = "cpu.winograd" #tile_ "_" #type "." #id, .version = 1, .kind = IG_KIND_conv, .isa = isa_, \
    .n_phases = 2, .query = query##tile_##_##type##_##id, .scratch = ig_cpu_winograd##tile_##_##type##_scratch_##id, .parts = parts##tile_##_##type##_##id, \
    .run = ig_cpu_winograd##tile_##_##type##_run_##id };
#define AVX512 (IG_ISA_AVX512 | IG_ISA_AVX2)
WINOGRAD_TACTIC(4, f32, avx512, AVX512, 32, 1, IG_CPU_RATE_AVX512)
WINOGRAD_TACTIC(2, f32, avx512, AVX512, 32, 1, IG_CPU_RATE_AVX512)
WINOGRAD_TACTIC(4, f32, avx2, IG_ISA_AVX2, 16, 1, IG_CPU_RATE_AVX2)
WINOGRAD_TACTIC(2, f32, avx2, IG_ISA_AVX2, 16, 1, IG_CPU_RATE_AVX2)
WINOGRAD_TACTIC(4, s8, avx512vnni, IG_ISA_VNNI | AVX512, 32, 2, RATE_S8_AVX512VNNI)
WINOGRAD_TACTIC(2, s8, avx512vnni, IG_ISA_VNNI | AVX512, 32, 2, RATE_S8_AVX512VNNI)
WINOGRAD_TACTIC(4, s8, avx2, IG_ISA_AVX2, 16, 2, RATE_S8_AVX2)
WINOGRAD_TACTIC(2, s8, avx2, IG_ISA_AVX2, 16, 2, RATE_S8_AVX2)
