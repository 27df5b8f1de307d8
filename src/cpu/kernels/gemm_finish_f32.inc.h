/* What becomes of a tile of the float32 product: included by gemm_f32.inc.h. Three ways, fastest first: in the registers of the product (bias,
 * residual, clamp), on the tile in the first-level cache step by step, or through the interpreter.
 * SPDX-License-Identifier: Apache-2.0 */

/* Where a plane of the result or of an operand lies: (row, column) at data + row * row_stride + column * column_stride. */
typedef struct place { float *data; int64_t row_stride; int column_stride; } place;

/* Bias along the columns, an operand of the result's shape, bounds. */
typedef struct fast { bool on; int bias, residual; float lo, hi; } fast;   /* bias, residual: number of the operand; -1: none */

typedef struct work {
  const ig_gemm_f32 *g;
  ig_finish finish;
  bool direct;                         /* compiled epilogue */
  fast fast;
  int64_t batch, tile_rows, longer_tiles;   /* rows of a tile; the first longer_tiles have one more */
  ig_walk out_walk, add_walk[IG_FINISH_ADDS];
  place out, add[IG_FINISH_ADDS];
  ig_prog *epi;
  float *tile, *group, *b;
  const float **at;                    /* pointers of the block's rows: [tile][tap][MR] */
  int64_t block_m, block_n;            /* tiles, panels in a block */
} work;

static bool place_init(const ig_gemm_f32 *g, const ig_view *v, ig_walk *w, place *p) {
  const uint32_t column = v->rank - 1u;
  const int64_t stride = v->strides[g->perm[column]], extent = v->dims[g->perm[column]];
  if (!ig_axes_merge(v, g->perm, g->row_axis, column, &p->row_stride)) return false;
  ig_walk_init(w, v, g->perm);
  p->column_stride = extent == 1 || stride == 1 ? 1 : stride == 0 ? 0 : -1;
  return p->column_stride >= 0;
}

/* The fast form: additions of at most one operand along the columns and one of the whole shape, then bounds. */
static void find_fast(work *w) {
  fast *f = &w->fast;
  *f = (fast){ .bias = -1, .residual = -1, .lo = -__builtin_inff(), .hi = __builtin_inff() };
  uint32_t s = 0;
  for (; s < w->finish.n_steps && w->finish.steps[s].kind == IG_FINISH_ADD_OPERAND; s++) {
    const int i = (int)w->finish.steps[s].operand;
    const place *p = &w->add[i];
    if (p->column_stride != 1) return;
    int *to = p->row_stride == 0 && f->bias < 0 ? &f->bias : &f->residual;
    if (*to >= 0) return;
    *to = i;
  }
  if (s < w->finish.n_steps && w->finish.steps[s].kind == IG_FINISH_MAX) f->lo = w->finish.steps[s++].value;
  if (s < w->finish.n_steps && w->finish.steps[s].kind == IG_FINISH_MIN) f->hi = w->finish.steps[s++].value;
  f->on = s == w->finish.n_steps && w->g->alpha == 1.0f;
}

static void begin_batch(work *w, int64_t batch) {
  const int64_t lin = batch * w->g->m * w->g->n_total + w->g->column0;
  w->batch = batch;
  if (!w->direct) return;
  w->out.data = (float *)w->out_walk.data + ig_walk_at(&w->out_walk, lin);
  for (uint32_t i = 0; i < w->finish.n_adds; i++) w->add[i].data = (float *)w->add_walk[i].data + ig_walk_at(&w->add_walk[i], lin);
}

/* ---- on the tile ---- */

/* x = x op k on `rows` rows of vectors. */
#define EACH(expr) \
  _Pragma("GCC unroll 8") for (int i = 0; i < rows; i++) \
    _Pragma("GCC unroll 4") for (int v = 0; v < nv; v++) x[i][v] = (expr);
/* The epilogue of tile rows [i0, i0 + rows): a step at a time on registers. rows, nv (vectors of a row) and whole (none
 * of them is partial) are constants where this is inlined. */
static inline __attribute__((always_inline)) void finish_rows(const work *w, int rows, int nv, bool whole, int64_t m0, int64_t i0, int64_t n0, int64_t n) {
  int64_t lanes[NV];
  for (int v = 0; v < nv; v++) lanes[v] = ig_max_i64(0, ig_min_i64(n - v * SIMD_W, SIMD_W));
  const vf alpha = vf_set(w->g->alpha);
  vf x[FINISH_ROWS][NV];
#define VALUE vf_set(step->value)
#define TILE (w->tile + (i0 + i) * NR + v * SIMD_W)
  EACH(vf_mul(vf_load(TILE), alpha))
  for (uint32_t s = 0; s < w->finish.n_steps; s++) {
    const ig_finish_step *step = &w->finish.steps[s];
    if (s == w->finish.keep_at)        /* in the tile, which is read no more: registers have no room for both */
      for (int i = 0; i < rows; i++)
        for (int v = 0; v < nv; v++) vf_store(TILE, x[i][v]);
    switch (step->kind) {
      case IG_FINISH_ADD: EACH(vf_add(x[i][v], VALUE)) break;
      case IG_FINISH_MUL: EACH(vf_mul(x[i][v], VALUE)) break;
      case IG_FINISH_DIV: EACH(vf_div(x[i][v], VALUE)) break;
      case IG_FINISH_MAX: EACH(vf_max(VALUE, x[i][v])) break;
      case IG_FINISH_MIN: EACH(vf_min(VALUE, x[i][v])) break;
      case IG_FINISH_MUL_KEPT: EACH(vf_mul(x[i][v], vf_load(TILE))) break;
      case IG_FINISH_ERF: EACH(vf_erf(x[i][v])) break;
      case IG_FINISH_TANH: EACH(vf_tanh(x[i][v])) break;
      case IG_FINISH_EXP: EACH(vf_exp(x[i][v])) break;
      case IG_FINISH_SIGMOID: EACH(vf_sigmoid(x[i][v])) break;
      case IG_FINISH_LINE: {           /* read as vectors once: the compiler keeps the scalars on the stack otherwise */
        const vf factor = VALUE, offset = vf_set(step->offset), lo = vf_set(step->lo), hi = vf_set(step->hi);
        EACH(vf_line(x[i][v], factor, offset, lo, hi))
        break;
      }
      case IG_FINISH_LEAKY: EACH(vf_leaky(x[i][v], VALUE)) break;
      case IG_FINISH_ADD_OPERAND:
      case IG_FINISH_LEAKY_OPERAND:
      case IG_FINISH_MUL_OPERAND: {
        const place *p = &w->add[step->operand];
        const float *q = p->data + (m0 + i0) * p->row_stride + n0 * p->column_stride;
#define OPERAND (!p->column_stride ? vf_set(q[i * p->row_stride]) : whole ? vf_load(q + i * p->row_stride + v * SIMD_W) : vf_load_n(q + i * p->row_stride + v * SIMD_W, lanes[v]))
        if (step->kind == IG_FINISH_ADD_OPERAND) EACH(vf_add(x[i][v], OPERAND))
        else if (step->kind == IG_FINISH_MUL_OPERAND) EACH(vf_mul(x[i][v], OPERAND))
        else EACH(vf_leaky(x[i][v], OPERAND))
#undef OPERAND
        break;
      }
    }
  }
  float *o = w->out.data + (m0 + i0) * w->out.row_stride + n0;
  for (int i = 0; i < rows; i++)
    for (int v = 0; v < nv; v++) {
      if (whole) vf_store(o + i * w->out.row_stride + v * SIMD_W, x[i][v]);
      else vf_store_n(o + i * w->out.row_stride + v * SIMD_W, x[i][v], lanes[v]);
    }
}
#undef EACH
#undef TILE
#undef VALUE

/* Whole vectors of some rows at a time; returns the first row that is left. */
static inline __attribute__((always_inline)) int64_t finish_whole(const work *w, int nv, int64_t m0, int64_t rows, int64_t n0) {
  int64_t i = 0;
  for (; i + FINISH_ROWS <= rows; i += FINISH_ROWS) finish_rows(w, FINISH_ROWS, nv, true, m0, i, n0, nv * SIMD_W);
  return i;
}
static void finish_direct(const work *w, int64_t m0, int64_t rows, int64_t n0, int64_t columns) {
  int64_t i = 0;
  if (columns == NR) i = finish_whole(w, NV, m0, rows, n0);
#if SIMD_NV > 2
  else if (columns == SIMD_W) i = finish_whole(w, 1, m0, rows, n0);
  else if (columns == 2 * SIMD_W) i = finish_whole(w, 2, m0, rows, n0);
  else if (columns == 3 * SIMD_W) i = finish_whole(w, 3, m0, rows, n0);
#endif
  for (; i < rows; i++) finish_rows(w, 1, NV, false, m0, i, n0, columns);
}

/* ---- through the interpreter: a block's tiles go to rows of GROUP columns ---- */

static void keep_tile(const work *w, int64_t row, int64_t rows, int64_t column) {
  const vf alpha = vf_set(w->g->alpha);
  for (int64_t i = 0; i < rows; i++)
    for (int j = 0; j < NR; j += SIMD_W) vf_store(w->group + (row + i) * GROUP + column + j, vf_mul(vf_load(w->tile + i * NR + j), alpha));
}
static void finish_group(const work *w, int64_t m0, int64_t rows, int64_t n0, int64_t columns) {
  const ig_gemm_f32 *g = w->g;
  for (int64_t i = 0; i < rows; i++) ig_prog_range(w->epi, (w->batch * g->m + m0 + i) * g->n_total + g->column0 + n0, columns, w->group + i * GROUP);
}

/* Which way: after the places are known. */
static void choose_finish(work *w, const ig_call *c) {
  const ig_gemm_f32 *g = w->g;
  w->direct = ig_finish_recognise(c, &w->finish) && place_init(g, ig_call_out(c, 0), &w->out_walk, &w->out) && w->out.column_stride == 1;
  for (uint32_t i = 0; w->direct && i < w->finish.n_adds; i++) w->direct = place_init(g, w->finish.add[i], &w->add_walk[i], &w->add[i]);
  if (w->direct) find_fast(w);
}
