/* conv of 8-bit integers with a 3x3 kernel by Winograd's F(4x4, 3x3) or F(2x2, 3x3), exact: include after simd/s8_<isa>.h and simd/i16_<isa>.h with
 * WINOGRAD_OUT 4 or 2. See winograd_tiles.inc.h and kern/winograd.h.
 *
 * Inputs are moved to -128 .. 127 (x' = x - centre), so that a transformed one fits 16 bits: at most 100 * 128. Products of pairs are summed modulo 2^32.
 * With a = zero point of the input, sum (x - a) w = sum x' w + (centre - a) sum w; the transformed weights of point (1, 1) sum up to sum w.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/gemm_s8.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/s8_finish.inc.h"
#include "hal/tactic.h"
#include "kern/winograd.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define OWN_(x, tile) PASTE(ig_cpu_winograd##tile##_s8_##x, SIMD_ISA)
#define OWN(x, tile) OWN_(x, tile)
#define INLINE static inline __attribute__((always_inline))
enum { KG = 2, IN_W = VH_W };
#define STEPS_UNROLLED SIMD_UNROLLED
typedef uint8_t in_elem;
typedef int16_t v_elem, u_elem;
typedef int32_t m_elem;
typedef vh points;
typedef vi sums;

/* B' d of a tile's row or column. */
INLINE void to_points(const vh *d, vh *t) {
#if WINOGRAD_OUT == 4
  const vh e1 = vh_sub(d[4], vh_times4(d[2])), f1 = vh_sub(d[3], vh_times4(d[1])), e2 = vh_sub(d[4], d[2]), f2 = vh_sub(d[3], d[1]);
  t[0] = vh_add(vh_times4(vh_sub(d[0], d[2])), e2);
  t[1] = vh_add(e1, f1);
  t[2] = vh_sub(e1, f1);
  t[3] = vh_add(e2, vh_times2(f2));
  t[4] = vh_sub(e2, vh_times2(f2));
  t[5] = vh_sub(vh_sub(d[5], d[3]), vh_times4(f2));
#else
  t[0] = vh_sub(d[0], d[2]);
  t[1] = vh_add(d[1], d[2]);
  t[2] = vh_sub(d[2], d[1]);
  t[3] = vh_sub(d[3], d[1]);
#endif
}
/* A' m of a tile's row or column, times 24 (2 for 2x2). */
INLINE void from_points(const vi *m, vi *y) {
#if WINOGRAD_OUT == 4
  const vi s1 = vi_add(m[1], m[2]), d1 = vi_sub(m[1], m[2]), s2 = vi_add(m[3], m[4]), d2 = vi_sub(m[3], m[4]);
  y[0] = vi_add(vi_sub(vi_left(m[0], 1), vi_left(s1, 2)), s2);
  y[1] = vi_left(vi_sub(d2, vi_left(d1, 1)), 1);
  y[2] = vi_left(vi_sub(s2, s1), 2);
  y[3] = vi_left(vi_sub(vi_left(vi_add(d2, m[5]), 1), d1), 2);
#else
  y[0] = vi_add(vi_left(m[0], 1), vi_add(m[1], m[2]));
  y[1] = vi_add(vi_left(m[3], 1), vi_sub(m[1], m[2]));
#endif
}
/* The plain sums. */
INLINE vi divided(vi x) {
#if WINOGRAD_OUT == 4
  const vi inverse = vi_set((int32_t)0x38e38e39);   /* of IG_WINOGRAD_ODD4 modulo 2^32 */
  return vi_right(vi_mul(x, inverse), IG_WINOGRAD_SHIFT4);
#else
  return vi_right(x, IG_WINOGRAD_SHIFT2);
#endif
}

#define load_in(s, at) vh_load_bytes(at, (s)->turn)
#define load_in_n(s, at, n) load_some(at, n, (s)->turn)
static inline vh load_some(const uint8_t *at, int64_t n, int8_t turn) {
  uint8_t some[VH_W] = { 0 };
  memcpy(some, at, (size_t)n);
  return vh_load_bytes(some, turn);
}
#define load_v(p) vh_load(p)
#define store_v(p, x) vh_store(p, x)
#define sums_zero() vi_zero()
#define load_u(p) vi_load(p)
static inline vi set_v(const int16_t *pair) {
  int32_t word;
  memcpy(&word, pair, sizeof word);
  return vi_set(word);
}
#define mac(acc, x, b) vi_dot2(acc, x, b)
#define store_m(p, x) vi_store(p, x)
#include "cpu/kernels/winograd_tiles.inc.h"

/* ---- results ---- */

typedef struct column_data { float *mul, *add; int32_t *moved; } column_data;   /* moved: (centre - zero point) * sum of a column's weights */
typedef struct work {
  shape s;
  v_elem *between, *v;                 /* between: of a transform's two passes */
  int32_t *m, *pixels;
  const ig_call *c;
  column_data column;
  bool compiled;                       /* the epilogue */
  ig_s8_finish f;
  finish_consts consts;
  finish_fn finish;
  ig_prog *epi;
} work;

static column_data columns_at(const shape *s, char *at) {
  const size_t n = ig_pad64((size_t)(s->panels * NR) * 4);
  return (column_data){ (float *)(void *)at, (float *)(void *)(at + n), (int32_t *)(void *)(at + 2 * n) };
}
static size_t columns_bytes(const shape *s) { return 3 * ig_pad64((size_t)(s->panels * NR) * 4); }

/* SIMD_W columns of a tile's sums, its pixels one after another, `columns` to a row; m: their points, NR words apart. */
INLINE void result_vector(const work *w, const int32_t *m, int64_t rows, int64_t columns, vi moved, int32_t *pixels) {
  vi d[IN], y[OUT];
  int32_t *between = (int32_t *)(void *)w->between;
#pragma GCC unroll 1
  for (int j = 0; j < IN; j++) {
#pragma GCC unroll 6
    for (int i = 0; i < IN; i++) d[i] = vi_load(m + (i * IN + j) * NR);
    from_points(d, y);
#pragma GCC unroll 4
    for (int i = 0; i < OUT; i++) vi_store(between + (i * IN + j) * SIMD_W, y[i]);
  }
  for (int i = 0; i < rows; i++) {
#pragma GCC unroll 6
    for (int j = 0; j < IN; j++) d[j] = vi_load(between + (i * IN + j) * SIMD_W);
    from_points(d, y);
#pragma GCC unroll 4
    for (int j = 0; j < OUT; j++)
      if (j < columns) vi_store(pixels + (i * columns + j) * NR, vi_add(divided(y[j]), moved));
  }
}

/* Where a tile's pixels lie in a result or the residual, elements. */
static void find_pixels(const ig_view *v, const tile *t, int64_t rows, int64_t columns, int64_t *at) {
  for (int64_t i = 0; i < rows * columns; i++) at[i] = t->n * v->strides[0] + (t->y + i / columns) * v->strides[2] + (t->x + i % columns) * v->strides[3];
}

static void results(const work *w, int64_t t0, int64_t n, int64_t panel, int64_t group) {
  const shape *s = &w->s;
  const ig_view *o = ig_call_out(w->c, 0), *r = w->compiled ? w->f.residual : NULL;
  for (int64_t i = 0; i < n; i++) {
    int64_t out_at[PIXELS], residual_at[PIXELS];
    const tile t = tile_at(s, t0 + i);
    const int64_t rows = ig_min_i64(OUT, s->out[0] - t.y), columns = ig_min_i64(OUT, s->out[1] - t.x);
    find_pixels(o, &t, rows, columns, out_at);
    if (r) find_pixels(r, &t, rows, columns, residual_at);
    for (int64_t g = 0; g < group; g++) {
      const int64_t n0 = (panel + g) * NR, n_columns = ig_min_i64(NR, s->o - n0);
      for (int h = 0; h < NR; h += SIMD_W)
        result_vector(w, w->m + (i * group + g) * POINTS * NR + h, rows, columns, vi_load(w->column.moved + n0 + h), w->pixels + h);
      if (w->compiled) {
        const finish_tile f = { .k = &w->consts, .spare = (float *)(void *)w->between, .sums = w->pixels, .stride = NR, .rows = rows * columns, .columns = n_columns,
          .mul = w->column.mul + n0, .add = w->column.add + n0, .out_at = out_at, .residual_at = residual_at,
          .out = (char *)o->data + n0 * (int64_t)ig_elem_size(o->dtype), .residual = r ? (const char *)r->data + n0 * (int64_t)ig_elem_size(r->dtype) : NULL };
        w->finish(&w->f, &f);
        continue;
      }
      for (int64_t k = 0; k < rows * columns; k++)
        ig_prog_range(w->epi, ((t.n * s->out[0] + t.y + k / columns) * s->out[1] + t.x + k % columns) * s->o + n0, n_columns, w->pixels + k * NR);
    }
  }
}

/* ---- columns, and what a call says ---- */

static void border_of(const ig_call *c, uint8_t *border) { memset(border, zero_at(c, 2, 0), IN_W); }

static void prepare_columns(const ig_call *c, const shape *s, char *at, uint32_t part, uint32_t n_parts) {
  const column_data k = columns_at(s, at);
  const int32_t moved = (s->turn ? 128 : 0) - zero_at(c, 2, 0);
  ig_s8_finish f;
  int64_t lo, hi;
  ig_split(s->panels, part, n_parts, &lo, &hi);
  for (int64_t j = lo * NR; j < hi * NR; j++) k.mul[j] = 1, k.add[j] = 0;
  if (lo < hi && ig_s8_finish_recognise(c, 1, &f)) ig_s8_finish_columns(&f, 1, lo * NR, ig_min_i64(hi * NR, s->o), k.mul, k.add);
  for (int64_t p = lo; p < hi; p++) {
    const int16_t *u = (const int16_t *)ig_call_in(c, 1)->data + (p * POINTS + IN + 1) * s->steps * KG * NR;
    vi low = vi_zero(), high = vi_zero();
    for (int64_t i = 0; i < s->steps; i++, u += KG * NR) {
      low = vi_dot2(low, vi_set(0x00010001), vi_load(u));
      high = vi_dot2(high, vi_set(0x00010001), vi_load(u + KG * SIMD_W));
    }
    vi_store(k.moved + p * NR, vi_mul(low, vi_set(moved)));
    vi_store(k.moved + p * NR + SIMD_W, vi_mul(high, vi_set(moved)));
  }
}

static void work_init(work *w, const ig_call *c, char *columns, char *epi) {
  static const uint8_t channels_last[] = { 0, 2, 3, 1 };
  w->c = c;
  w->column = columns_at(&w->s, columns);
  w->compiled = ig_s8_finish_recognise(c, 1, &w->f);
  if (w->compiled) {
    w->consts = consts_of(&w->f, w->column.mul, w->column.add, w->s.o, 9 * w->s.c);
    w->finish = finish_of(&w->f, &w->consts);
    return;
  }
  w->epi = ig_epi_make(epi, c, channels_last, IG_S_I32, c->n_out, &SIMD_PROG);
}
#include "cpu/kernels/winograd_parts.inc.h"
