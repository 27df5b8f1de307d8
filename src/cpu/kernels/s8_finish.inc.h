/* The compiled epilogues of 8-bit products on vectors: include after simd/s8_<isa>.h and, for GELU, simd/math_f32.h. See s8_finish.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/s8_finish.h"

/* Constants of an epilogue, one to a lane, so that instructions take them from memory. */
typedef struct finish_consts {
  float lo[SIMD_W], hi[SIMD_W], scale[SIMD_W], offset[SIMD_W], factor[SIMD_W], lo2[SIMD_W], hi2[SIMD_W], last_scale[SIMD_W], last_offset[SIMD_W];
  int32_t zero;                        /* of the bytes stored */
  bool is_signed;                      /* the residual's bytes */
} finish_consts;
static void fill(float *lanes, float x) {
  for (int i = 0; i < SIMD_W; i++) lanes[i] = x;
}
/* Bounds of an integer with its zero point hold for what is rounded to it too. */
static finish_consts consts_of(const ig_s8_finish *f) {
  finish_consts k = { .zero = f->second.on ? f->second.zero : f->first.zero, .is_signed = f->residual && f->residual->dtype == IG_DTYPE_I8 };
  fill(k.lo, f->first.on ? (float)(f->first.lo - f->first.zero) : f->lo);
  fill(k.hi, f->first.on ? (float)(f->first.hi - f->first.zero) : f->hi);
  fill(k.scale, f->scale);
  fill(k.offset, f->offset + f->scale * (float)f->first.zero);
  fill(k.factor, f->residual_scale);
  fill(k.lo2, f->second.on ? (float)(f->second.lo - f->second.zero) : f->linear_lo);
  fill(k.hi2, f->second.on ? (float)(f->second.hi - f->second.zero) : f->linear_hi);
  fill(k.last_scale, f->last_scale);
  fill(k.last_offset, f->last_offset + f->last_scale * (float)f->second.zero);
  return k;
}

/* A tile: rows of sums `stride` words apart, its first column at mul, add, and its rows at data + at[i] elements. Sums, mul and add go on to a
 * multiple of 2 * SIMD_W columns. */
typedef struct finish_tile {
  const finish_consts *k;
  const int32_t *sums;
  int64_t stride, rows, columns;
  const float *mul, *add;
  const int64_t *out_at, *residual_at;
  char *out;
  const char *residual;
  float *spare;                        /* twice PAIR, for the end of a row */
  const int32_t *row_zeros, *column_sums;   /* SIMD_SUMS alone */
} finish_tile;
typedef void (*finish_fn)(const ig_s8_finish *f, const finish_tile *t);

#define ALWAYS static inline __attribute__((always_inline))
enum { HAS_FIRST = 1, HAS_LINEAR = 2, HAS_BYTES = 4, HAS_FLOATS = 8, HAS_SECOND = 16, OUT_BYTES = 32, PAIR = 2 * SIMD_W };
static int flags_of(const ig_s8_finish *f) {
  const bool floats = f->residual && f->residual->dtype == IG_DTYPE_F32;
  return f->first.on * HAS_FIRST + f->linear * HAS_LINEAR + (f->residual && !floats) * HAS_BYTES + floats * HAS_FLOATS + f->second.on * HAS_SECOND +
    (f->out != IG_DTYPE_F32) * OUT_BYTES;
}
ALWAYS const char *residual_of(const finish_tile *t, const int flags, int64_t i) {
  return flags & HAS_FLOATS ? t->residual + t->residual_at[i] * 4 : flags & HAS_BYTES ? t->residual + t->residual_at[i] : NULL;
}
ALWAYS char *result_of(const finish_tile *t, const int flags, int64_t i) { return t->out + t->out_at[i] * (flags & OUT_BYTES ? 1 : 4); }

/* PAIR columns of a row. */
ALWAYS void finish_pair(const finish_consts *k, const int flags, vi s0, vi s1, const float *mul, const float *add, const char *residual, char *out) {
  vs x0 = vs_add(vs_mul(vs_of(s0), vs_load(mul)), vs_load(add));
  vs x1 = vs_add(vs_mul(vs_of(s1), vs_load(mul + SIMD_W)), vs_load(add + SIMD_W));
  x0 = vs_min(vs_max(x0, vs_load(k->lo)), vs_load(k->hi));
  x1 = vs_min(vs_max(x1, vs_load(k->lo)), vs_load(k->hi));
  if ((flags & HAS_FIRST) && !(flags & OUT_BYTES && !(flags & HAS_LINEAR))) x0 = vs_round(x0), x1 = vs_round(x1);
  if (flags & HAS_LINEAR) {
    x0 = vs_fma(x0, vs_load(k->scale), vs_load(k->offset));
    x1 = vs_fma(x1, vs_load(k->scale), vs_load(k->offset));
    if (flags & HAS_BYTES) {
      x0 = vs_fma(vs_of(vi_load_bytes(residual, k->is_signed)), vs_load(k->factor), x0);
      x1 = vs_fma(vs_of(vi_load_bytes(residual + SIMD_W, k->is_signed)), vs_load(k->factor), x1);
    }
    if (flags & HAS_FLOATS) {
      x0 = vs_fma(vs_load((const float *)(const void *)residual), vs_load(k->factor), x0);
      x1 = vs_fma(vs_load((const float *)(const void *)residual + SIMD_W), vs_load(k->factor), x1);
    }
    x0 = vs_min(vs_max(x0, vs_load(k->lo2)), vs_load(k->hi2));
    x1 = vs_min(vs_max(x1, vs_load(k->lo2)), vs_load(k->hi2));
  }
  if (flags & OUT_BYTES) {
    vi_store_bytes(out, vs_rint(x0), vs_rint(x1), k->zero);
    return;
  }
  if (flags & HAS_SECOND) {
    x0 = vs_fma(vs_round(x0), vs_load(k->last_scale), vs_load(k->last_offset));
    x1 = vs_fma(vs_round(x1), vs_load(k->last_scale), vs_load(k->last_offset));
  }
  vs_store((float *)(void *)out, x0);
  vs_store((float *)(void *)out + SIMD_W, x1);
}

/* The last columns of a row, fewer than PAIR. */
static __attribute__((noinline)) void finish_some(const finish_tile *t, int flags, const int32_t *sums, int64_t j, int64_t i) {
  float *in = t->spare, *out = t->spare + PAIR;
  const size_t n = (size_t)(t->columns - j), size = flags & OUT_BYTES ? 1 : 4, residual_size = flags & HAS_FLOATS ? 4 : 1;
  if (flags & (HAS_BYTES | HAS_FLOATS)) memcpy(in, residual_of(t, flags, i) + (size_t)j * residual_size, n * residual_size);
  finish_pair(t->k, flags, vi_load(sums), vi_load(sums + SIMD_W), t->mul + j, t->add + j, (const char *)in, (char *)out);
  memcpy(result_of(t, flags, i) + (size_t)j * size, out, n * size);
}
#define FINISH(name, flags_) \
  static void name(const ig_s8_finish *f, const finish_tile *t) { \
    const int flags = flags_; \
    const size_t size = flags & OUT_BYTES ? 1 : 4, residual_size = flags & HAS_FLOATS ? 4 : 1; \
    (void)f; \
    for (int64_t i = 0; i < t->rows; i++) { \
      const int32_t *sums = t->sums + i * t->stride; \
      const char *from = residual_of(t, flags, i); \
      char *to = result_of(t, flags, i); \
      int64_t j = 0; \
      for (; j + PAIR <= t->columns; j += PAIR) \
        finish_pair(t->k, flags, vi_load(sums + j), vi_load(sums + j + SIMD_W), t->mul + j, t->add + j, from ? from + (size_t)j * residual_size : NULL, \
                    to + (size_t)j * size); \
      if (j < t->columns) finish_some(t, flags, sums + j, j, i); \
    } \
  }
enum { FLOAT = 0, FLOAT_RESIDUAL = HAS_LINEAR | HAS_FLOATS, BYTES = HAS_FIRST | OUT_BYTES, BYTES_RESIDUAL = HAS_FIRST | HAS_LINEAR | HAS_BYTES | HAS_SECOND | OUT_BYTES };
FINISH(finish_float, FLOAT)
FINISH(finish_float_residual, FLOAT_RESIDUAL)
FINISH(finish_bytes, BYTES)
FINISH(finish_bytes_residual, BYTES_RESIDUAL)
FINISH(finish_any, flags_of(f))
static void finish_sums(const ig_s8_finish *f, const finish_tile *t) {
  (void)f;
  for (int64_t i = 0; i < t->rows; i++) memcpy(t->out + t->out_at[i] * 4, t->sums + i * t->stride, (size_t)t->columns * 4);
}
/* PAIR columns of a row. */
static __attribute__((noinline)) void gelu_pair(vs factor, const int32_t *sums, const float *mul, const float *add, float *out) {
  _Pragma("GCC unroll 2") for (int j = 0; j < PAIR; j += SIMD_W) {
    const vs x = vs_add(vs_mul(vs_of(vi_load(sums + j)), vs_load(mul + j)), vs_load(add + j)), half = vs_mul(x, vs_set(0.5f));
    vs_store(out + j, vs_fma(half, vf_erf(vs_mul(x, factor)), half));
  }
}
static void finish_gelu(const ig_s8_finish *f, const finish_tile *t) {
  const vs factor = vs_set(f->gelu);
  for (int64_t i = 0; i < t->rows; i++) {
    const int32_t *sums = t->sums + i * t->stride;
    float *out = (float *)(void *)(t->out + t->out_at[i] * 4);
    int64_t j = 0;
    for (; j + PAIR <= t->columns; j += PAIR) gelu_pair(factor, sums + j, t->mul + j, t->add + j, out + j);
    if (j == t->columns) continue;
    gelu_pair(factor, sums + j, t->mul + j, t->add + j, t->spare);
    memcpy(out + j, t->spare, (size_t)(t->columns - j) * sizeof *out);
  }
}
static finish_fn finish_of(const ig_s8_finish *f) {
  if (f->out == IG_DTYPE_I32) return finish_sums;
  if (f->gelu != 0) return finish_gelu;
  switch (flags_of(f)) {
    case FLOAT: return finish_float;
    case FLOAT_RESIDUAL: return finish_float_residual;
    case BYTES: return finish_bytes;
    case BYTES_RESIDUAL: return finish_bytes_residual;
    default: return finish_any;
  }
}
