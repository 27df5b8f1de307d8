/* Body of the float32 product for one instruction set: include after simd/f32_<isa>.h. See gemm_f32.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/gemm_f32.h"
#include "cpu/simd/math_f32.h"
#include "hal/tactic.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(x) PASTE(x, SIMD_ISA)

enum {
  MR = IG_GEMM_MR, NV = SIMD_NV, NR = NV * SIMD_W,
  GROUP = 256,                         /* columns that the interpreter takes at a time */
  GROUP_ROWS = 128,
  FINISH_ROWS = 3,                     /* rows whose epilogue fits the registers */
  BLOCK_BYTES = 192 << 10,             /* of A or B that shall stay in the second-level cache */
  SMALL_B = 256 << 10,                 /* a B of this size stays there whole */
  AT_BYTES = 64 << 10,                 /* pointers of a block's rows */
  TILE_FLOATS = MR * NR,
  LINE = 16,                           /* floats of a cache line */
  MOST_SHARE = 64 * LINE               /* what one tile's multiplying hides */
};

#include "cpu/kernels/gemm_finish_f32.inc.h"

/* ---- the tile: `rows` rows by nv vectors of columns, both constants wherever this is inlined ---- */

/* chains > 1: so many steps of k run in accumulators of their own, where a tile alone would not keep the multipliers busy. */
#define CHAINS(rows, nv) ((rows) * (nv) >= 8 ? 1 : (rows) * (nv) >= 4 ? 2 : 4)
static inline __attribute__((always_inline)) void multiply(int rows, int nv, const float *const *at, int64_t taps, int64_t len, const float *b, const float *zeros, vf c[MR][NV]) {
  const int chains = CHAINS(rows, nv);
  vf d[3][MR][NV];
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int v = 0; v < nv; v++) c[i][v] = vf_zero();
#pragma GCC unroll 4
  for (int h = 1; h < chains; h++)
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
      for (int v = 0; v < nv; v++) d[h - 1][i][v] = vf_zero();
  for (int64_t t = 0; t < taps; t++, at += MR) {
    const float *a[MR];
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) a[i] = at[i];
    if (zeros && a[0] == zeros) {
      int i = 1;
      while (i < rows && a[i] == zeros) i++;
      if (i == rows) {
        b += len * NR;
        continue;
      }
    }
    int64_t p = 0;
    /* What counts and branches costs a core that is shared with another hardware thread as much as what multiplies. */
#pragma GCC unroll 8
    for (; p + chains <= len; p += chains, b += (int64_t)chains * NR) {
#pragma GCC unroll 4
      for (int h = 0; h < chains; h++) {
        vf y[NV];
#pragma GCC unroll 4
        for (int v = 0; v < nv; v++) y[v] = vf_load(b + h * NR + v * SIMD_W);
#pragma GCC unroll 8
        for (int i = 0; i < rows; i++) {
          const vf x = vf_set(a[i][p + h]);
#pragma GCC unroll 4
          for (int v = 0; v < nv; v++) {
            if (h == 0) c[i][v] = vf_fma(x, y[v], c[i][v]);
            else d[h - 1][i][v] = vf_fma(x, y[v], d[h - 1][i][v]);
          }
        }
      }
    }
    for (; chains > 1 && p < len; p++, b += NR)
#pragma GCC unroll 8
      for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < nv; v++) c[i][v] = vf_fma(vf_set(a[i][p]), vf_load(b + v * SIMD_W), c[i][v]);
  }
#pragma GCC unroll 4
  for (int h = 1; h < chains; h++)
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
      for (int v = 0; v < nv; v++) c[i][v] = vf_add(c[i][v], d[h - 1][i][v]);
}

/* The fast epilogue of a tile at (m0, n0) with n <= nv vectors of columns, the last perhaps partial. */
static inline __attribute__((always_inline)) void finish_fast(const work *w, int rows, int nv, vf c[MR][NV], int64_t m0, int64_t n0, int64_t n) {
  const fast *f = &w->fast;
  const int64_t last = n - (nv - 1) * SIMD_W;
  const vf lo = vf_set(f->lo), hi = vf_set(f->hi);
  if (f->bias >= 0) {
    const float *bias = w->add[f->bias].data + n0;
#pragma GCC unroll 4
    for (int v = 0; v < nv; v++) {
      const vf y = v + 1 < nv || last == SIMD_W ? vf_load(bias + v * SIMD_W) : vf_load_n(bias + v * SIMD_W, last);
#pragma GCC unroll 8
      for (int i = 0; i < rows; i++) c[i][v] = vf_add(c[i][v], y);
    }
  }
  if (f->residual >= 0) {
    const place *p = &w->add[f->residual];
    const float *q = p->data + m0 * p->row_stride + n0;
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++, q += p->row_stride)
#pragma GCC unroll 4
      for (int v = 0; v < nv; v++) c[i][v] = vf_add(c[i][v], v + 1 < nv || last == SIMD_W ? vf_load(q + v * SIMD_W) : vf_load_n(q + v * SIMD_W, last));
  }
  float *o = w->out.data + m0 * w->out.row_stride + n0;
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++, o += w->out.row_stride)
#pragma GCC unroll 4
    for (int v = 0; v < nv; v++) {
      const vf x = vf_min(hi, vf_max(lo, c[i][v]));
      if (v + 1 < nv || last == SIMD_W) vf_store(o + v * SIMD_W, x);
      else vf_store_n(o + v * SIMD_W, x, last);
    }
}

static inline __attribute__((always_inline)) void tile(const work *w, int rows, int nv, const float *const *at, const float *b, int64_t m0, int64_t n0, int64_t n) {
  vf c[MR][NV];
  multiply(rows, nv, at, w->g->taps, w->g->len, b, w->g->zeros, c);
  if (w->fast.on) {
    finish_fast(w, rows, nv, c, m0, n0, n);
    return;
  }
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int v = 0; v < nv; v++) vf_store(w->tile + i * NR + v * SIMD_W, c[i][v]);
}
typedef void (*tile_fn)(const work *w, const float *const *at, const float *b, int64_t m0, int64_t n0, int64_t n);
#define TILE(rows, nv) static void tile_##rows##_##nv(const work *w, const float *const *at, const float *b, int64_t m0, int64_t n0, int64_t n) { tile(w, rows, nv, at, b, m0, n0, n); }
#define TILES(nv) TILE(1, nv) TILE(2, nv) TILE(3, nv) TILE(4, nv) TILE(5, nv) TILE(6, nv)
#define NAMES(nv) { tile_1_##nv, tile_2_##nv, tile_3_##nv, tile_4_##nv, tile_5_##nv, tile_6_##nv }
TILES(1) TILES(2)
#if SIMD_NV > 2
TILES(3) TILES(4)
#endif
static const tile_fn tiles_of[NV][MR] = { NAMES(1), NAMES(2),
#if SIMD_NV > 2
  NAMES(3), NAMES(4)
#endif
};

/* ---- blocks ---- */

/* First row of tile t: an even split of m. */
static inline int64_t tile_row(const work *w, int64_t t) { return t * w->tile_rows + ig_min_i64(t, w->longer_tiles); }
static int64_t count_tiles(const ig_gemm_f32 *g) { return (g->m + MR - 1) / MR; }

/* Tiles [t0, t1), whose pointers stand in w->at, by panels [p0, p1). fresh: nobody has read these panels yet, so each tile fetches a share of the next one. */
static void block(const work *w, int64_t t0, int64_t t1, int64_t p0, int64_t p1, bool fresh) {
  const ig_gemm_f32 *g = w->g;
  const int64_t k = g->taps * g->len, share = (NR * k + (t1 - t0) * LINE - 1) / ((t1 - t0) * LINE) * LINE;
  for (int64_t p = p0; p < p1; p++) {
    const float *b = g->b_packed ? g->b_packed + p * NR * k : w->b + (p - p0) * NR * k;
    const float *next = b + NR * k, *end = fresh && g->b_packed && p + 1 < p1 && share <= MOST_SHARE ? next + NR * k : next;
    const int64_t n0 = p * NR, columns = ig_min_i64(NR, g->n - n0);
    const tile_fn *fn = tiles_of[(columns - 1) / SIMD_W];
    for (int64_t t = t0; t < t1; t++) {
      for (const float *stop = next + share < end ? next + share : end; next < stop; next += LINE) __builtin_prefetch(next, 0, 2);
      const int64_t m0 = tile_row(w, t), rows = tile_row(w, t + 1) - m0;
      fn[rows - 1](w, w->at + (t - t0) * g->taps * MR, b, m0, n0, columns);
      if (w->fast.on) continue;
      if (w->direct) finish_direct(w, m0, rows, n0, columns);
      else keep_tile(w, m0 - tile_row(w, t0), rows, n0 - p0 * NR);
    }
  }
  if (w->direct) return;
  const int64_t m0 = tile_row(w, t0), n0 = p0 * NR;
  finish_group(w, m0, tile_row(w, t1) - m0, n0, ig_min_i64(p1 * NR, g->n) - n0);
}

/* Pointers of tiles [t0, t1), then these by panels [p0, p1). */
static void rows_by_panels(const work *w, int64_t t0, int64_t t1, int64_t p0, int64_t p1, bool fresh) {
  const ig_gemm_f32 *g = w->g;
  for (int64_t t = t0; t < t1; t++) {
    const int64_t m0 = tile_row(w, t);
    g->rows(g->ctx, w->batch, m0, tile_row(w, t + 1) - m0, w->at + (t - t0) * g->taps * MR);
  }
  block(w, t0, t1, p0, p1, fresh);
}

/* A block of A and one of B share the second-level cache: a small B stays there while A passes by, of a large B each block does while all of A
 * passes, so that it comes from memory once. */
static void range(const work *w, int64_t t_lo, int64_t t_hi, int64_t p_lo, int64_t p_hi) {
  const ig_gemm_f32 *g = w->g;
  const int64_t k = g->taps * g->len;
  for (int64_t p0 = p_lo; p0 < p_hi; p0 += w->block_n) {
    const int64_t p1 = ig_min_i64(p_hi, p0 + w->block_n);
    for (int64_t p = p0; p < p1 && !g->b_packed; p++) g->pack_b(g->ctx, w->batch, p * NR, ig_min_i64(NR, g->n - p * NR), NR, w->b + (p - p0) * NR * k);
    for (int64_t t0 = t_lo; t0 < t_hi; t0 += w->block_m) rows_by_panels(w, t0, ig_min_i64(t_hi, t0 + w->block_m), p0, p1, t0 == t_lo);
  }
}

/* ---- scratch of a part: growing with k, as scratch must ---- */

static size_t bytes_b(int64_t k) { return ig_pad64((size_t)ig_max_i64(NR * k * 4, BLOCK_BYTES)) + ig_pad64(NR * 4); }   /* packers may write a vector past a panel's end */
static size_t bytes_at(int64_t taps) { return ig_pad64((size_t)ig_max_i64(AT_BYTES, taps * MR * (int64_t)sizeof(float *))); }
size_t NAME(ig_gemm_f32_bytes)(const ig_call *c, int64_t taps, int64_t len) {
  const int64_t k = taps * len;
  return ig_pad64(TILE_FLOATS * 4) + (size_t)GROUP_ROWS * GROUP * 4 + bytes_b(k) + bytes_at(taps) + ig_epi_bytes(c);
}

static void prepare(work *w, const ig_gemm_f32 *g, const ig_call *c, char *m) {
  const int64_t k = ig_max_i64(1, g->taps * g->len);
  *w = (work){ .g = g, .tile_rows = g->m / count_tiles(g), .longer_tiles = g->m % count_tiles(g) };
  choose_finish(w, c);
  w->tile = (float *)(void *)m;
  w->group = (float *)(void *)(m += ig_pad64(TILE_FLOATS * 4));
  w->b = (float *)(void *)(m += (size_t)GROUP_ROWS * GROUP * 4);
  w->at = (const float **)(void *)(m += bytes_b(k));
  m += bytes_at(g->taps);
  if (!w->direct) w->epi = ig_epi_make(m, c, g->perm, IG_S_F32, c->n_out, &NAME(ig_prog_isa));
  w->block_m = ig_max_i64(1, ig_min_i64(AT_BYTES / (g->taps * MR * (int64_t)sizeof(float *)), BLOCK_BYTES / (MR * ig_max_i64(1, g->row_bytes))));
  w->block_n = g->b_packed && g->n * k * 4 <= SMALL_B ? INT64_MAX / 4 : ig_max_i64(1, BLOCK_BYTES / (NR * k * 4));
  if (w->direct) return;
  w->block_m = ig_min_i64(w->block_m, GROUP_ROWS / MR);
  w->block_n = ig_min_i64(w->block_n, GROUP / NR);
}

/* A rectangle of tiles by panels. */
typedef struct piece { int64_t t_lo, t_hi, p_lo, p_hi; } piece;

/* The next rectangle of tiles [*at, end) counted panel by panel, `tiles` a panel: the rest of one, whole ones, the first of the last. So parts meet
 * inside of a panel, and few wide ones are shared evenly too. */
static piece next_piece(int64_t tiles, int64_t *at, int64_t end) {
  const int64_t p = *at / tiles, t = *at % tiles, whole = t == 0 ? (end - *at) / tiles : 0;
  const piece out = { t, whole ? tiles : ig_min_i64(tiles, t + end - *at), p, p + (whole ? whole : 1) };
  *at += (out.t_hi - out.t_lo) * (out.p_hi - out.p_lo);
  return out;
}

/* Parts share out batches where there are enough, else B where it is larger than A and the result, else rows: what is larger is read by one part
 * each, and rows that one core wrote are read by it in the next product or depthwise convolution. */
void NAME(ig_gemm_f32)(const ig_gemm_f32 *g, const ig_call *c, char *scratch, uint32_t part, uint32_t n_parts) {
  const int64_t tiles = count_tiles(g), panels = (g->n + NR - 1) / NR;
  const bool batches = ig_shares_bytes(c) || g->n_batch >= 4 * (int64_t)n_parts;
  const bool by_panels = !batches && panels >= n_parts && (tiles < n_parts || g->n * g->taps * g->len * 4 >= g->m * (g->row_bytes + g->n * 4));
  int64_t b_lo = 0, b_hi = g->n_batch, t_lo = 0, t_hi = tiles, lo = 0, hi = panels * tiles;
  work w;
  if (ig_shares_bytes(c)) ig_split_items(c, g->n_batch, part, n_parts, &b_lo, &b_hi);
  else if (batches) ig_split(g->n_batch, part, n_parts, &b_lo, &b_hi);
  else if (by_panels) ig_split(panels * tiles, part, n_parts, &lo, &hi);
  else ig_split(tiles, part, n_parts, &t_lo, &t_hi);
  if (b_lo >= b_hi || t_lo >= t_hi || lo >= hi) return;
  prepare(&w, g, c, scratch);
  for (int64_t b = b_lo; b < b_hi; b++) {
    begin_batch(&w, b);
    for (int64_t at = lo; at < hi;) {
      const piece r = next_piece(tiles, &at, hi);
      range(&w, ig_max_i64(r.t_lo, t_lo), ig_min_i64(r.t_hi, t_hi), r.p_lo, r.p_hi);
    }
  }
}
