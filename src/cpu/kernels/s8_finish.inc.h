/* The compiled epilogues of 8-bit products on vectors: include after simd/s8_<isa>.h and, for GELU, simd/math_f32.h. See s8_finish.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/s8_finish.h"
#include <math.h>

/* The zero point of an operand that may be left out, at an index of its row-major order; 0 there, and where the operand has no elements: then all
 * windows lie in padding, which counts for nothing. */
static int32_t zero_at(const ig_call *c, uint32_t operand, int64_t lin) {
  int32_t x = 0;
  if (operand < c->n_in && ig_view_present(ig_call_in(c, operand)) && ig_view_count(ig_call_in(c, operand)) > 0) {
    ig_reader r;
    ig_reader_init(&r, ig_call_in(c, operand), NULL, IG_S_I32);
    ig_reader_read(&r, lin, 1, &x);
  }
  return x;
}

/* Constants of an epilogue, one to a lane, so that instructions take them from memory. */
typedef struct finish_consts {
  float lo[SIMD_W], hi[SIMD_W], scale[SIMD_W], offset[SIMD_W], factor[SIMD_W], lo2[SIMD_W], hi2[SIMD_W], last_scale[SIMD_W], last_offset[SIMD_W];
  bytes_form bytes;                    /* of those stored */
  bool wide;                           /* 32 bits may not hold a value that is stored as a byte: it is kept within bounds before it is rounded */
} finish_consts;
static void fill(float *lanes, float x) {
  for (int i = 0; i < SIMD_W; i++) lanes[i] = x;
}
/* The largest of n magnitudes; NaN and infinities are larger than all numbers. */
static float largest(const float *x, int64_t n) {
  uint32_t most = 0;
  float out;
  for (int64_t j = 0; j < n; j++) {
    uint32_t bits;
    memcpy(&bits, x + j, sizeof bits);
    bits &= 0x7fffffff;
    most = bits > most ? bits : most;
  }
  memcpy(&out, &most, sizeof out);
  return out;
}
/* Constants for n columns of sums of `depth` products. Bounds of an integer with its zero point hold for what is rounded to it too. */
static finish_consts consts_of(const ig_s8_finish *f, const float *mul, const float *add, int64_t n, int64_t depth) {
  const ig_s8_round *last = f->second.on ? &f->second : &f->first;
  finish_consts k = { .bytes = bytes_form_of(last->zero, last->lo, last->hi, f->out == IG_DTYPE_I8) };
  fill(k.lo, f->first.on ? (float)(f->first.lo - f->first.zero) : f->lo);
  fill(k.hi, f->first.on ? (float)(f->first.hi - f->first.zero) : f->hi);
  fill(k.scale, f->scale);
  fill(k.offset, f->offset + f->scale * (float)f->first.zero);
  fill(k.factor, f->residual_scale);
  fill(k.lo2, f->second.on ? (float)(f->second.lo - f->second.zero) : f->linear_lo);
  fill(k.hi2, f->second.on ? (float)(f->second.hi - f->second.zero) : f->linear_hi);
  fill(k.last_scale, f->last_scale);
  fill(k.last_offset, f->last_offset + f->last_scale * (float)f->second.zero);
  float most = largest(mul, n) * 65025 * (float)depth + largest(add, n);
  if (f->linear) {
    const float bound = fmaxf(fabsf(k.lo[0]), fabsf(k.hi[0]));
    most = (most < bound ? most : bound) * fabsf(f->scale) + fabsf(k.offset[0]) + 255 * fabsf(f->residual_scale);
  }
  k.wide = !(most < 1e9f) || (f->residual && f->residual->dtype == IG_DTYPE_F32);
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
  const int32_t *before;               /* where a product begins: rows of before_stride words; NULL: at 0 */
  int64_t before_stride;
} finish_tile;
typedef void (*finish_fn)(const ig_s8_finish *f, const finish_tile *t);

#define ALWAYS static inline __attribute__((always_inline))
/* UNBOUNDED: see wide. SIGNED: the residual's bytes. FULL: the result's bytes are unsigned and take any value. */
enum { HAS_FIRST = 1, HAS_LINEAR = 2, HAS_BYTES = 4, HAS_FLOATS = 8, HAS_SECOND = 16, OUT_BYTES = 32, UNBOUNDED = 64, SIGNED = 128, FULL = 256, PAIR = 2 * SIMD_W };
static int flags_of(const ig_s8_finish *f, const finish_consts *k) {
  const bool floats = f->residual && f->residual->dtype == IG_DTYPE_F32;
  const ig_s8_round *last = f->second.on ? &f->second : &f->first;
  const bool full = f->out == IG_DTYPE_U8 && last->lo == 0 && last->hi == 255;
  return f->first.on * HAS_FIRST + f->linear * HAS_LINEAR + (f->residual && !floats) * HAS_BYTES + floats * HAS_FLOATS + f->second.on * HAS_SECOND +
    (f->residual && f->residual->dtype == IG_DTYPE_I8) * SIGNED + (f->out != IG_DTYPE_F32) * (OUT_BYTES + k->wide * UNBOUNDED) + full * FULL;
}
#define RESULT_SIZE(flags) ((flags) & OUT_BYTES ? 1 : 4)
#define RESIDUAL_SIZE(flags) ((flags) & HAS_FLOATS ? 4 : 1)
/* Column j of row i. */
ALWAYS const char *residual_of(const finish_tile *t, const int flags, int64_t i, int64_t j) {
  return flags & (HAS_FLOATS | HAS_BYTES) ? t->residual + (t->residual_at[i] + j) * RESIDUAL_SIZE(flags) : NULL;
}
ALWAYS char *result_of(const finish_tile *t, const int flags, int64_t i, int64_t j) { return t->out + (t->out_at[i] + j) * RESULT_SIZE(flags); }

/* A vector of a row's columns: floats, or what is rounded to bytes as it is stored. */
ALWAYS vs finish_value(const finish_consts *k, const int flags, vi sum, const float *mul, const float *add, const char *residual) {
  const bool bounded = !(flags & OUT_BYTES) || (flags & UNBOUNDED);
  vs x = vs_add(vs_mul(vs_of(sum), vs_load(mul)), vs_load(add));
  if (bounded || (flags & HAS_LINEAR)) x = vs_min(vs_max(x, vs_load(k->lo)), vs_load(k->hi));
  if ((flags & HAS_FIRST) && !(flags & OUT_BYTES && !(flags & HAS_LINEAR))) x = vs_round(x);
  if (flags & HAS_LINEAR) {
    x = vs_fma(x, vs_load(k->scale), vs_load(k->offset));
    if (flags & HAS_BYTES) x = vs_fma(vs_of(vi_load_bytes(residual, flags & SIGNED)), vs_load(k->factor), x);
    if (flags & HAS_FLOATS) x = vs_fma(vs_load((const float *)(const void *)residual), vs_load(k->factor), x);
    if (bounded) x = vs_min(vs_max(x, vs_load(k->lo2)), vs_load(k->hi2));
  }
  if ((flags & HAS_SECOND) && !(flags & OUT_BYTES)) x = vs_fma(vs_round(x), vs_load(k->last_scale), vs_load(k->last_offset));
  return x;
}
/* PAIR columns of a row. */
ALWAYS void finish_pair(const finish_consts *k, const int flags, vi s0, vi s1, const float *mul, const float *add, const char *residual, char *out) {
  const vs x0 = finish_value(k, flags, s0, mul, add, residual);
  const vs x1 = finish_value(k, flags, s1, mul + SIMD_W, add + SIMD_W, residual ? residual + SIMD_W * RESIDUAL_SIZE(flags) : NULL);
  if (flags & OUT_BYTES) {
    vi_store_bytes(out, vs_rint(x0), vs_rint(x1), &k->bytes, flags & FULL);
    return;
  }
  vs_store((float *)(void *)out, x0);
  vs_store((float *)(void *)out + SIMD_W, x1);
}
/* PAIR columns of two rows, or the first half of them: s0 and s1 are [halves]. */
ALWAYS void finish_two(const finish_consts *k, const int flags, const int halves, const vi *s0, const vi *s1, const float *mul, const float *add,
                       const char *const residual[2], char *const out[2]) {
  vs x[2][2] = { 0 };
  _Pragma("GCC unroll 2") for (int i = 0; i < 2; i++)
    _Pragma("GCC unroll 2") for (int h = 0; h < halves; h++)
      x[i][h] = finish_value(k, flags, (i ? s1 : s0)[h], mul + h * SIMD_W, add + h * SIMD_W, residual[i] ? residual[i] + h * SIMD_W * RESIDUAL_SIZE(flags) : NULL);
  if (!(flags & OUT_BYTES)) {
    _Pragma("GCC unroll 2") for (int i = 0; i < 2; i++)
      _Pragma("GCC unroll 2") for (int h = 0; h < halves; h++) vs_store((float *)(void *)out[i] + h * SIMD_W, x[i][h]);
  } else if (halves == 2) {
    vi_store_rows(out[0], out[1], vs_rint(x[0][0]), vs_rint(x[0][1]), vs_rint(x[1][0]), vs_rint(x[1][1]), &k->bytes, flags & FULL);
  } else {
    vi_store_half_rows(out[0], out[1], vs_rint(x[0][0]), vs_rint(x[1][0]), &k->bytes, flags & FULL);
  }
}

/* A few bytes, mostly a multiple of eight: calling memcpy for them takes longer than finishing the row. */
static inline void copy_few(void *to, const void *from, size_t n) {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) memcpy((char *)to + i, (const char *)from + i, 8);
  for (; i < n; i++) ((char *)to)[i] = ((const char *)from)[i];
}
/* The last columns of a row, fewer than PAIR. */
static __attribute__((noinline)) void finish_some(const finish_tile *t, int flags, const int32_t *sums, int64_t j, int64_t i) {
  float *in = t->spare, *out = t->spare + PAIR;
  const size_t n = (size_t)(t->columns - j);
  if (flags & (HAS_BYTES | HAS_FLOATS)) copy_few(in, residual_of(t, flags, i, j), n * RESIDUAL_SIZE(flags));
  finish_pair(t->k, flags, vi_load(sums), vi_load(sums + SIMD_W), t->mul + j, t->add + j, (const char *)in, (char *)out);
  copy_few(result_of(t, flags, i, j), out, n * RESULT_SIZE(flags));
}
#define FINISH(name, flags_) \
  static void name(const ig_s8_finish *f, const finish_tile *t) { \
    const int flags = flags_; \
    (void)f; \
    for (int64_t i = 0; i < t->rows; i++) { \
      const int32_t *sums = t->sums + i * t->stride; \
      int64_t j = 0; \
      for (; j + PAIR <= t->columns; j += PAIR) \
        finish_pair(t->k, flags, vi_load(sums + j), vi_load(sums + j + SIMD_W), t->mul + j, t->add + j, residual_of(t, flags, i, j), result_of(t, flags, i, j)); \
      if (j < t->columns) finish_some(t, flags, sums + j, j, i); \
    } \
  }
enum { FLOAT = 0, FLOAT_RESIDUAL = HAS_LINEAR | HAS_FLOATS, BYTES = HAS_FIRST | OUT_BYTES, BYTES_RESIDUAL = HAS_FIRST | HAS_LINEAR | HAS_BYTES | HAS_SECOND | OUT_BYTES };
FINISH(finish_float, FLOAT)
FINISH(finish_float_residual, FLOAT_RESIDUAL)
FINISH(finish_bytes, BYTES)
FINISH(finish_bytes_full, BYTES | FULL)
FINISH(finish_bytes_residual, BYTES_RESIDUAL)
FINISH(finish_bytes_residual_full, BYTES_RESIDUAL | FULL)
FINISH(finish_bytes_residual_i8, BYTES_RESIDUAL | SIGNED)
FINISH(finish_any, flags_of(f, t->k))
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
static finish_fn finish_of(const ig_s8_finish *f, const finish_consts *k) {
  if (f->out == IG_DTYPE_I32) return finish_sums;
  if (f->gelu != 0) return finish_gelu;
  switch (flags_of(f, k)) {
    case FLOAT: return finish_float;
    case FLOAT_RESIDUAL: return finish_float_residual;
    case BYTES: return finish_bytes;
    case BYTES | FULL: return finish_bytes_full;
    case BYTES_RESIDUAL: return finish_bytes_residual;
    case BYTES_RESIDUAL | FULL: return finish_bytes_residual_full;
    case BYTES_RESIDUAL | SIGNED: return finish_bytes_residual_i8;
    default: return finish_any;
  }
}
