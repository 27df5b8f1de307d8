/* Body of the float32 product for one instruction set: include after simd/f32_<isa>.h. See gemm_f32.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/gemm_f32.h"
#include "hal/tactic.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(x) PASTE(x, SIMD_ISA)

enum {
  NR = 2 * SIMD_W, MR = SIMD_MR,
  GROUP = 256,                         /* columns that the interpreter takes at a time */
  BLOCK_BYTES = 192 << 10,             /* of a side that is packed in the scratch: well inside the second-level cache */
  TILE_FLOATS = MR * NR,
  FINISH_ROWS = SIMD_MR / 3 + (SIMD_MR == 6)   /* rows whose epilogue fits the registers: 4 or 3 */
};

/* Columns of a packed or unpacked B panel times rows of an A panel, into tile[rows][NR]. rows is a constant wherever this is inlined. */
static inline __attribute__((always_inline)) void micro(int rows, const float *a, const float *b, int64_t k, float *tile) {
  vf c[MR][2];
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) c[i][0] = c[i][1] = vf_zero();
  for (int64_t p = 0; p < k; p++, a += rows, b += NR) {
    const vf b0 = vf_load(b), b1 = vf_load(b + SIMD_W);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      const vf x = vf_set(a[i]);
      c[i][0] = vf_fma(x, b0, c[i][0]);
      c[i][1] = vf_fma(x, b1, c[i][1]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) {
    vf_store(tile + i * NR, c[i][0]);
    vf_store(tile + i * NR + SIMD_W, c[i][1]);
  }
}
typedef void (*micro_fn)(const float *a, const float *b, int64_t k, float *tile);
#define MICRO(rows) static void micro_##rows(const float *a, const float *b, int64_t k, float *tile) { micro(rows, a, b, k, tile); }
MICRO(1) MICRO(2) MICRO(3) MICRO(4) MICRO(5) MICRO(6)
#if SIMD_MR > 6
MICRO(7) MICRO(8) MICRO(9) MICRO(10) MICRO(11) MICRO(12)
#endif
static const micro_fn micros[] = { NULL, micro_1, micro_2, micro_3, micro_4, micro_5, micro_6,
#if SIMD_MR > 6
  micro_7, micro_8, micro_9, micro_10, micro_11, micro_12
#endif
};

/* Where a plane of the result or of an operand lies: (row, column) at data + row * row_stride + column * column_stride. */
typedef struct place { float *data; int64_t row_stride; int column_stride; } place;

typedef struct work {
  const ig_gemm_f32 *g;
  ig_finish finish;
  bool direct;                         /* compiled epilogue */
  int64_t mr, batch;
  micro_fn micro;
  ig_walk out_walk, add_walk[IG_FINISH_ADDS];
  place out, add[IG_FINISH_ADDS];
  ig_prog *epi;
  float *tile, *group, *a, *b;
  int64_t block_m, block_n;            /* tiles of A, panels of B in a block */
} work;

/* 1 or 0 where the column axes are contiguous or broadcast as one, else -1. */
static int columns_of(const ig_view *v, uint32_t rows_axis) {
  int64_t n = 1;
  bool unit = true, zero = true;
  for (uint32_t k = v->rank; k-- > rows_axis + 1;) {
    if (v->dims[k] == 1) continue;
    unit &= v->strides[k] == n;
    zero &= v->strides[k] == 0;
    n *= v->dims[k];
  }
  return unit ? 1 : zero ? 0 : -1;
}

static bool place_init(const ig_gemm_f32 *g, const ig_view *v, ig_walk *w, place *p) {
  ig_walk_init(w, v, NULL);
  p->row_stride = v->strides[g->rows_axis];
  p->column_stride = columns_of(v, g->rows_axis);
  return p->column_stride >= 0;
}
static void begin_batch(work *w, int64_t batch) {
  const int64_t lin = batch * w->g->m * w->g->n;
  w->batch = batch;
  if (!w->direct) return;
  w->out.data = (float *)w->out_walk.data + ig_walk_at(&w->out_walk, lin);
  for (uint32_t i = 0; i < w->finish.n_adds; i++) w->add[i].data = (float *)w->add_walk[i].data + ig_walk_at(&w->add_walk[i], lin);
}

/* x = x op k on `rows` rows of two vectors. */
#define EACH(expr) \
  _Pragma("GCC unroll 8") for (int i = 0; i < rows; i++) \
    _Pragma("GCC unroll 2") for (int v = 0; v < 2; v++) x[i][v] = (expr);
/* The epilogue of tile rows [i0, i0 + rows), n <= NR columns: a step at a time on registers. rows and whole (n is NR) are constants where
 * this is inlined. */
static inline __attribute__((always_inline)) void finish_rows(const work *w, int rows, bool whole, int64_t m0, int64_t i0, int64_t n0, int64_t n) {
  const int64_t lanes[2] = { ig_min_i64(n, SIMD_W), ig_max_i64(n - SIMD_W, 0) };
  const vf alpha = vf_set(w->g->alpha);
  vf x[FINISH_ROWS][2], kept[FINISH_ROWS][2];
  EACH(vf_mul(vf_load(w->tile + (i0 + i) * NR + v * SIMD_W), alpha))
  for (int i = 0; i < rows; i++) kept[i][0] = x[i][0], kept[i][1] = x[i][1];
  for (uint32_t s = 0; s < w->finish.n_steps; s++) {
    const ig_finish_step *step = &w->finish.steps[s];
    const vf k = vf_set(step->value);
    if (s == w->finish.keep_at)
      for (int i = 0; i < rows; i++) kept[i][0] = x[i][0], kept[i][1] = x[i][1];
    switch (step->kind) {
      case IG_FINISH_ADD: EACH(vf_add(x[i][v], k)) break;
      case IG_FINISH_MUL: EACH(vf_mul(x[i][v], k)) break;
      case IG_FINISH_DIV: EACH(vf_div(x[i][v], k)) break;
      case IG_FINISH_MAX: EACH(vf_max(k, x[i][v])) break;
      case IG_FINISH_MIN: EACH(vf_min(k, x[i][v])) break;
      case IG_FINISH_MUL_KEPT: EACH(vf_mul(x[i][v], kept[i][v])) break;
      case IG_FINISH_ADD_OPERAND: {
        const place *p = &w->add[step->operand];
        const float *q = p->data + (m0 + i0) * p->row_stride + n0 * p->column_stride;
        if (!p->column_stride) EACH(vf_add(x[i][v], vf_set(q[i * p->row_stride])))
        else if (whole) EACH(vf_add(x[i][v], vf_load(q + i * p->row_stride + v * SIMD_W)))
        else EACH(vf_add(x[i][v], vf_load_n(q + i * p->row_stride + v * SIMD_W, lanes[v])))
        break;
      }
    }
  }
  float *o = w->out.data + (m0 + i0) * w->out.row_stride + n0;
  for (int i = 0; i < rows; i++)
    for (int v = 0; v < 2; v++) {
      if (whole) vf_store(o + i * w->out.row_stride + v * SIMD_W, x[i][v]);
      else vf_store_n(o + i * w->out.row_stride + v * SIMD_W, x[i][v], lanes[v]);
    }
}
#undef EACH
static void finish_direct(const work *w, int64_t m0, int64_t rows, int64_t n0, int64_t columns) {
  int64_t i = 0;
  for (; columns == NR && i + FINISH_ROWS <= rows; i += FINISH_ROWS) finish_rows(w, FINISH_ROWS, true, m0, i, n0, NR);
  for (; i < rows; i++) finish_rows(w, 1, false, m0, i, n0, columns);
}

/* A block's tiles go to rows of GROUP columns, then through the interpreter. */
static void keep_tile(const work *w, int64_t row, int64_t rows, int64_t column) {
  const vf alpha = vf_set(w->g->alpha);
  for (int64_t i = 0; i < rows; i++)
    for (int j = 0; j < NR; j += SIMD_W) vf_store(w->group + (row + i) * GROUP + column + j, vf_mul(vf_load(w->tile + i * NR + j), alpha));
}
static void finish_group(const work *w, int64_t m0, int64_t rows, int64_t n0, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) ig_prog_range(w->epi, (w->batch * w->g->m + m0 + i) * w->g->n + n0, columns, w->group + i * GROUP);
}

static const float *a_panel(const work *w, int64_t tile, int64_t first) {
  const ig_gemm_f32 *g = w->g;
  return g->a_packed ? g->a_packed + tile * w->mr * g->k : w->a + (tile - first) * w->mr * g->k;
}
static const float *b_panel(const work *w, int64_t panel, int64_t first) {
  const ig_gemm_f32 *g = w->g;
  return g->b_packed ? g->b_packed + panel * NR * g->k : w->b + (panel - first) * NR * g->k;
}

/* The only column of a product: rows are the lanes. */
static void one_column(int64_t rows, const float *a, const float *b, int64_t k, float *tile) {
  vf c0 = vf_zero(), c1 = c0, c2 = c0, c3 = c0;
  float sums[SIMD_W];
  int64_t p = 0;
  for (; p + 4 <= k; p += 4, a += 4 * rows, b += 4 * NR) {
    c0 = vf_fma(vf_load_n(a, rows), vf_set(b[0]), c0);
    c1 = vf_fma(vf_load_n(a + rows, rows), vf_set(b[NR]), c1);
    c2 = vf_fma(vf_load_n(a + 2 * rows, rows), vf_set(b[2 * NR]), c2);
    c3 = vf_fma(vf_load_n(a + 3 * rows, rows), vf_set(b[3 * NR]), c3);
  }
  for (; p < k; p++, a += rows, b += NR) c0 = vf_fma(vf_load_n(a, rows), vf_set(*b), c0);
  vf_store(sums, vf_add(vf_add(c0, c1), vf_add(c2, c3)));
  for (int64_t i = 0; i < rows; i++) tile[i * NR] = sums[i];
}

static void one_tile(const work *w, int64_t t, int64_t t0, int64_t p, int64_t p0) {
  const ig_gemm_f32 *g = w->g;
  const int64_t m0 = t * w->mr, n0 = p * NR, rows = ig_min_i64(w->mr, g->m - m0), columns = ig_min_i64(NR, g->n - n0);
  if (g->n == 1) one_column(w->mr, a_panel(w, t, t0), b_panel(w, p, p0), g->k, w->tile);
  else w->micro(a_panel(w, t, t0), b_panel(w, p, p0), g->k, w->tile);
  if (w->direct) finish_direct(w, m0, rows, n0, columns);
  else keep_tile(w, m0 - t0 * w->mr, rows, n0 - p0 * NR);
}

/* Tiles [t0, t1) by panels [p0, p1): the packed side streams, the other stays in the cache. */
static void block(const work *w, int64_t t0, int64_t t1, int64_t p0, int64_t p1) {
  const ig_gemm_f32 *g = w->g;
  if (g->a_packed) {
    for (int64_t t = t0; t < t1; t++)
      for (int64_t p = p0; p < p1; p++) one_tile(w, t, t0, p, p0);
  } else {
    for (int64_t p = p0; p < p1; p++)
      for (int64_t t = t0; t < t1; t++) one_tile(w, t, t0, p, p0);
  }
  if (w->direct) return;
  const int64_t m0 = t0 * w->mr, n0 = p0 * NR;
  finish_group(w, m0, ig_min_i64(t1 * w->mr, g->m) - m0, n0, ig_min_i64(p1 * NR, g->n) - n0);
}

static void range(const work *w, int64_t t_lo, int64_t t_hi, int64_t p_lo, int64_t p_hi) {
  const ig_gemm_f32 *g = w->g;
  for (int64_t t0 = t_lo; t0 < t_hi; t0 += w->block_m) {
    const int64_t t1 = ig_min_i64(t_hi, t0 + w->block_m);
    for (int64_t t = t0; t < t1 && !g->a_packed; t++)
      g->pack_a(g->ctx, w->batch, t * w->mr, ig_min_i64(w->mr, g->m - t * w->mr), w->mr, w->a + (t - t0) * w->mr * g->k);
    for (int64_t p0 = p_lo; p0 < p_hi; p0 += w->block_n) {
      const int64_t p1 = ig_min_i64(p_hi, p0 + w->block_n);
      for (int64_t p = p0; p < p1 && !g->b_packed; p++)
        g->pack_b(g->ctx, w->batch, p * NR, ig_min_i64(NR, g->n - p * NR), NR, w->b + (p - p0) * NR * g->k);
      block(w, t0, t1, p0, p1);
    }
  }
}

/* Rows of a block of A and columns of a block of B that fit, at least one panel each. */
static int64_t rows_per_block(int64_t k) { return ig_max_i64(MR, ig_min_i64(256, BLOCK_BYTES / 4 / ig_max_i64(1, k)) / MR * MR); }
static int64_t columns_per_block(int64_t k) { return ig_max_i64(NR, ig_min_i64(GROUP, BLOCK_BYTES / 4 / ig_max_i64(1, k)) / NR * NR); }
enum { GROUP_ROWS = 128 };
/* At least what a block takes, and growing with k as scratch must. */
static size_t bytes_block(int64_t k, int64_t least, int64_t most) {
  return ig_pad64((size_t)ig_max_i64(least * k * 4, ig_min_i64(most * k * 4, BLOCK_BYTES)));
}
static size_t bytes_a(int64_t k) { return bytes_block(k, MR, 256); }
/* Packers may write a vector past a panel's end. */
static size_t bytes_b(int64_t k) { return bytes_block(k, NR, GROUP) + ig_pad64(NR * 4); }
size_t NAME(ig_gemm_f32_bytes)(const ig_call *c, int64_t k) {
  return TILE_FLOATS * 4 + (size_t)GROUP_ROWS * GROUP * 4 + bytes_a(k) + bytes_b(k) + ig_epi_bytes(c);
}

static void prepare(work *w, const ig_gemm_f32 *g, const ig_call *c, const ig_prog_isa *isa, char *m) {
  *w = (work){ .g = g, .mr = ig_gemm_f32_mr(g->m, MR) };
  w->micro = micros[w->mr];
  w->direct = ig_finish_recognise(c, &w->finish) && place_init(g, ig_call_out(c, 0), &w->out_walk, &w->out) && w->out.column_stride == 1;
  for (uint32_t i = 0; w->direct && i < w->finish.n_adds; i++) w->direct = place_init(g, w->finish.add[i], &w->add_walk[i], &w->add[i]);
  w->tile = (float *)(void *)m;
  w->group = w->tile + TILE_FLOATS;
  w->a = w->group + GROUP_ROWS * GROUP;
  w->b = (float *)(void *)((char *)w->a + bytes_a(g->k));
  w->block_m = g->a_packed ? (w->direct ? INT64_MAX / 4 : GROUP_ROWS / w->mr) : rows_per_block(g->k) / w->mr;
  if (!w->direct) w->block_m = ig_min_i64(w->block_m, GROUP_ROWS / w->mr);
  w->block_n = columns_per_block(g->k) / NR;
  if (g->b_packed) w->block_n = w->direct ? INT64_MAX / 4 : GROUP / NR;
  if (!w->direct) w->epi = ig_epi_make((char *)w->b + bytes_b(g->k), c, NULL, IG_S_F32, c->n_out, isa);
}

/* Parts share out batches where there are enough, else panels of columns, else tiles of rows. */
void NAME(ig_gemm_f32)(const ig_gemm_f32 *g, const ig_call *c, char *scratch, uint32_t part, uint32_t n_parts) {
  const int64_t mr = ig_gemm_f32_mr(g->m, MR), tiles = (g->m + mr - 1) / mr, panels = (g->n + NR - 1) / NR;
  int64_t b_lo = 0, b_hi = g->n_batch, t_lo = 0, t_hi = tiles, p_lo = 0, p_hi = panels;
  work w;
  if (ig_shares_bytes(c)) ig_split_items(c, g->n_batch, part, n_parts, &b_lo, &b_hi);
  else if (g->n_batch >= 4 * (int64_t)n_parts) ig_split(g->n_batch, part, n_parts, &b_lo, &b_hi);
  else if (panels >= tiles || g->a_packed) ig_split(panels, part, n_parts, &p_lo, &p_hi);
  else ig_split(tiles, part, n_parts, &t_lo, &t_hi);
  if (b_lo >= b_hi || t_lo >= t_hi || p_lo >= p_hi) return;
  prepare(&w, g, c, &NAME(ig_prog_isa), scratch);
  for (int64_t b = b_lo; b < b_hi; b++) {
    begin_batch(&w, b);
    range(&w, t_lo, t_hi, p_lo, p_hi);
  }
}
