/* See rig.h. SPDX-License-Identifier: Apache-2.0 */
#include "build/rig.h"
#include "build/internal.h"
#include <stdlib.h>
#include <time.h>

double ig_rig_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum { MOST_COPIES = 32 };      /* of a constant: smaller ones are read warm, which costs little beside what is done with them */

/* One launch and its memory. */
typedef struct bench { const ig_rig *rig; const int64_t *values; ig_arena arena; IG_VEC(ig_buffer) memory; ig_call call; ig_launch launch; ig_error_word error; ig_view *cold; char *first; size_t cold_size; int64_t n_copies; } bench;

/* Small values of both signs: no denormals, no overflow. Bytes lie in a bell around their middle, as quantised weights do: what a kernel does with them may
 * hang on how many are large. Other types than these stay zero: as indices and lengths they are valid. */
static void fill_random(ig_dtype d, void *to, size_t n) {
  uint32_t x = 12345;
  if (d == IG_DTYPE_F32)
    for (size_t i = 0; i < n / 4; i++) {
      x = x * 1664525u + 1013904223u;
      ((float *)to)[i] = (float)(int32_t)x * (1.0f / 2147483648.0f);
    }
  if (d == IG_DTYPE_I8 || d == IG_DTYPE_U8)
    for (size_t i = 0; i < n; i++) {
      uint32_t sum = 0;
      for (int k = 0; k < 4; k++) {
        x = x * 1664525u + 1013904223u;
        sum += x >> 26;
      }
      ((uint8_t *)to)[i] = (uint8_t)(sum + (d == IG_DTYPE_I8 ? 130 : 2));
    }
}

static ig_status give_memory(bench *b, ig_view *v, size_t n, bool fill) {
  ig_buffer m;
  const ig_rig *r = b->rig;
  IG_TRY(r->hal->alloc(r->dev, IG_MEMORY_DEVICE, n ? n : 1, &m));
  if (!IG_PUSH(r->alloc, b->memory, m)) {
    r->hal->free(r->dev, IG_MEMORY_DEVICE, &m);
    return IG_OOM();
  }
  v->data = m.address;
  memset(m.address, 0, n ? n : 1);
  if (fill) fill_random(v->dtype, m.address, n);
  return NULL;
}

/* The largest constant that is large enough lies there several times: each launch reads another one. */
static ig_status give_constant(bench *b, ig_view *v, size_t n) {
  const uint64_t copies = n > b->cold_size && n ? (b->rig->cold_bytes + n - 1) / n : 1;
  if (copies < 2 || copies > MOST_COPIES) return give_memory(b, v, n, true);
  const size_t step = ig_align_up(n, 64);
  IG_TRY(give_memory(b, v, step * copies, false));
  fill_random(v->dtype, v->data, n);
  for (uint64_t i = 1; i < copies; i++) memcpy((char *)v->data + i * step, v->data, n);
  b->cold = v, b->first = v->data, b->cold_size = step, b->n_copies = (int64_t)copies;
  return NULL;
}

/* Constants come as the tactic wants them. */
static ig_status give_operand(bench *b, const ig_request *q, const ig_offer *offer, uint32_t i) {
  ig_view *v = (ig_view *)(uintptr_t)&b->call.v[i];
  if (!ig_view_present(v)) return NULL;
  if (i < IG_OFFER_OPERANDS && offer->packed_mask >> i & 1) {
    int64_t dims[IG_MAX_RANK], n;
    for (uint32_t k = 0; k < v->rank; k++) dims[k] = v->strides[k] == 0 && ig_packed_once(q->kind, v->rank, k) ? 1 : v->dims[k];
    v->format = &offer->packed[i];
    IG_REQUIRE(ig_format_count(v->format, dims, v->rank, &n), IG_ERROR_LIMIT, "packed weights overflow");
    return give_constant(b, v, (size_t)n * IG_DTYPE_BITS(v->dtype) / 8);
  }
  int64_t lo, hi;
  const int64_t offset = b->values[q->operands[i].offset];
  IG_REQUIRE(ig_operand_reach(v->dims, v->strides, v->rank, v->block_axis, v->block, offset, v->dtype, &lo, &hi) && lo >= 0 && hi < (int64_t)1 << 36, IG_ERROR_LIMIT, "operand too large to be timed");
  IG_TRY(give_memory(b, v, (size_t)hi, i < q->n_in + q->n_extra));
  v->data = (char *)v->data + offset * (int64_t)IG_DTYPE_BITS(v->dtype) / 8;
  return NULL;
}

static ig_status set_up(bench *b, const ig_request *q, const ig_tactic *tactic, const ig_offer *offer, const char *node) {
  const uint32_t n = b->rig->n_threads;
  IG_TRY(ig_bind_call(&b->arena, q, b->values, &b->call));
  b->call.config = offer->config;
  b->call.error = &b->error;
  for (uint32_t i = 0; i < ig_request_n_operands(q); i++) IG_TRY(give_operand(b, q, offer, i));
  uint32_t parts = tactic->parts ? tactic->parts(&b->call, n) : n;
  parts = parts < 1 ? 1 : parts > n ? n : parts;
  b->call.scratch_size = tactic->scratch ? tactic->scratch(&b->call, parts) : 0;
  ig_view scratch = { 0 };
  if (b->call.scratch_size) IG_TRY(give_memory(b, &scratch, b->call.scratch_size, false));
  b->call.scratch = scratch.data;
  b->launch = (ig_launch){ .tactic = tactic, .call = b->call, .n_parts = parts, .node = node };
  return NULL;
}

static int by_value(const void *x, const void *y) {
  const double a = *(const double *)x, b = *(const double *)y;
  return a < b ? -1 : a > b;
}

/* Median of up to 15 runs, fewer where one takes long; one run ahead warms code and caches, and tells how long the others will take. */
static ig_status time_launch(bench *b, double *out) {
  const ig_rig *r = b->rig;
  double t[15];
  int n = 0;
  const double warm = ig_rig_now();
  IG_TRY(r->hal->launch(r->stream, &b->launch));
  IG_TRY(r->hal->stream_wait(r->stream));
  const double begin = ig_rig_now();
  *out = -1;
  if (r->deadline > 0 && begin + (IG_RIG_LAUNCHES - 1) * (begin - warm) > r->deadline) return NULL;
  while (n < 15 && (n < IG_RIG_LAUNCHES - 1 || ig_rig_now() - begin < 0.05)) {
    if (b->cold) b->cold->data = b->first + (size_t)((n + 1) % b->n_copies) * b->cold_size;
    const double t0 = ig_rig_now();
    IG_TRY(r->hal->launch(r->stream, &b->launch));
    IG_TRY(r->hal->stream_wait(r->stream));
    t[n++] = ig_rig_now() - t0;
  }
  qsort(t, (size_t)n, sizeof *t, by_value);
  *out = t[n / 2];
  return NULL;
}

ig_status ig_rig_time(const ig_rig *r, const ig_request *q, const int64_t *values, const ig_tactic *tactic, const ig_offer *offer, const char *node,
                      double *out_seconds) {
  bench b = { .rig = r, .values = values };
  ig_arena_init(&b.arena, r->alloc, 0);
  ig_status st = set_up(&b, q, tactic, offer, node);
  if (!st) st = time_launch(&b, out_seconds);
  for (size_t i = 0; i < b.memory.n; i++) r->hal->free(r->dev, IG_MEMORY_DEVICE, &b.memory.data[i]);
  IG_VEC_FREE(r->alloc, b.memory);
  ig_arena_free(&b.arena);
  return st;
}
