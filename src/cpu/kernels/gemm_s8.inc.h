/* The product of 8-bit integers with an exact 32-bit sum: include after simd/s8_pairs_avx2.h, s8_words_avx2.h or
 * s8_avx512vnni.h. matmul and conv are its two users.
 *
 * Results are rows (pixels, or rows of a matrix) by columns (output channels). A block of rows is prepared in a part's own scratch: activations as the
 * instruction set multiplies them, channels side by side, padding there, and a pointer for each row; bytes that are so already are multiplied where they
 * lie. The sum over k goes over `runs` (rows of the convolution's kernel) at fixed distances from that pointer, each a run of words. Weights come from the
 * engine in panels [k / KG][NR][KG]; where they are not multiplied as they lie, they are prepared panel by panel, which costs a part in (rows / 3) of the
 * product. Where the words of a panel cannot all be multiplied in one way (SIMD_SORTED, s8_words_avx2.h), they are sorted meanwhile, and each comes
 * with its place in a row. A tile (gemm_s8_tile.inc.h) stays in the first-level cache until it is finished: by a compiled epilogue (s8_finish.h) or by
 * the interpreter.
 * Zero points stay in, unless elements are freed of theirs when they are prepared (SIMD_FREED). With a = zero point of a row, b = of a column, K elements:
 * sum (x - a)(y - b) = sum xy - b sum x - a (sum y - K b). Where b is 0 and a the same for all rows, sums start at -a sum y, else they are mended.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/conv_pixels.inc.h"

enum {
  NR = 2 * SIMD_W, MR = SIMD_MR,
  GROUP = 8 * NR,                      /* columns that are finished at a time, at most */
  BLOCK_ROWS = 768,
  A_BYTES = 224 << 10,                 /* of a block's activations, where a few rows take no more */
  B_BYTES = 26 << 10, B_BYTES_INTERPRETED = 160 << 10   /* of the panels of a group, where one takes no more */
};

#include "cpu/kernels/gemm_s8_tile.inc.h"

/* ---- what a user says, and memory ---- */

typedef struct block {                 /* rows of one image, prepared */
  elem *a;
  const elem **rows;
  int64_t *run_at;                     /* elements */
  int32_t *row_zeros;                  /* of prepared elements, where sums are mended; else NULL */
} block;
typedef struct product {
  const ig_call *c;
  int64_t rows, image_rows, n, panels, depth;          /* depth: elements of k; image_rows: rows that one block may span */
  int64_t n_runs, run_words, words, block_rows;
  size_t a_bytes;                      /* of a block's activations; grows with every dim */
  double input_bytes;
  uint32_t channel, n_axes;            /* of the result: the column axis; axes of the rows, outermost first */
  uint8_t axes[IG_MAX_RANK];
  void (*prepare)(const struct product *g, int64_t m0, int64_t n, const block *out);
  const void *user;
} product;

/* Of columns: sums are those of their weights, start what sums of products begin with. */
typedef struct column_data { float *mul, *add; int32_t *zeros, *sums, *start; } column_data;
typedef struct part_memory {
  block block;
  int64_t *out_at, *residual_at;
  int32_t *b, *tile, *row_sums, *deep;   /* deep: sums of a panel's columns between pieces of its depth */
  ig_prog *epi;
} part_memory;

static column_data columns_at(const product *g, char **at) {
  const size_t n = (size_t)(g->panels * NR) * 4;
  column_data s;
  s.mul = (float *)(void *)take(at, n);
  s.add = (float *)(void *)take(at, n);
  s.zeros = (int32_t *)(void *)take(at, n);
  s.sums = (int32_t *)(void *)take(at, n);
  s.start = (int32_t *)(void *)take(at, n);
  return s;
}
/* Bytes of a word's columns as they are multiplied (at most), and of all that a panel takes: sorted, it keeps room for either kind and for places. */
enum { WORD_BYTES = NR * 4 * (1 + SIMD_SORTED), WORD_MEMORY = SIMD_SORTED ? NR * 4 * 3 + 2 * 8 : NR * 4 };
static size_t panel_bytes(const product *g) { return (size_t)g->words * WORD_BYTES; }
/* Goes by pieces of its depth (run_deep). */
static bool is_deep(const product *g) { return g->n_runs == 1 && panel_bytes(g) > B_BYTES; }
static part_memory part_at(const product *g, char **at, char **out_epi) {
  part_memory m;
  const size_t words = (size_t)ig_max_i64(g->words, B_BYTES_INTERPRETED / WORD_BYTES);
  m.block.a = (elem *)(void *)take(at, g->a_bytes + 64);
  m.block.rows = (const elem **)(void *)take(at, BLOCK_ROWS * sizeof *m.block.rows);
  m.block.run_at = (int64_t *)(void *)take(at, (size_t)g->n_runs * sizeof *m.block.run_at);
  m.block.row_zeros = (int32_t *)(void *)take(at, BLOCK_ROWS * sizeof *m.block.row_zeros);
  m.out_at = (int64_t *)(void *)take(at, BLOCK_ROWS * sizeof *m.out_at);
  m.residual_at = (int64_t *)(void *)take(at, BLOCK_ROWS * sizeof *m.residual_at);
  m.row_sums = (int32_t *)(void *)take(at, BLOCK_ROWS * sizeof *m.row_sums);
  m.b = (int32_t *)(void *)take(at, words * WORD_MEMORY);
  m.tile = (int32_t *)(void *)take(at, (size_t)MR * GROUP * 4);
  m.deep = (int32_t *)(void *)take(at, is_deep(g) ? (size_t)BLOCK_ROWS * NR * 4 : 0);
  *out_epi = take(at, ig_epi_bytes(g->c));
  m.epi = NULL;
  return m;
}
/* What belongs to columns is made by each part, for those that it has. */
static column_data memory_of(const product *g, char **at, uint32_t part, part_memory *m, char **out_epi) {
  column_data s = { 0 };
  for (uint32_t i = 0; i <= part; i++) {
    s = columns_at(g, at);
    *m = part_at(g, at, out_epi);
  }
  return s;
}
static size_t scratch_bytes(const product *g, uint32_t n_parts) {
  char *base = NULL, *at = base, *epi;
  part_memory m;
  memory_of(g, &at, n_parts - 1, &m, &epi);
  return (size_t)(at - base);
}

/* ---- what belongs to columns ---- */

static void prepare_columns(const product *g, const column_data *s, const ig_s8_finish *f, int64_t p_lo, int64_t p_hi) {
  const ig_view *w = ig_call_in(g->c, 1);
  const bool has_zeros = g->c->n_in > 3 && ig_view_present(ig_call_in(g->c, 3));
  const int64_t lo = p_lo * NR, end = p_hi * NR, hi = ig_min_i64(end, g->n);
  if (lo >= hi) return;                /* a part without columns of its own */
  const int32_t moved = is_signed(w) || SIMD_FREED ? 0 : 128;
  memset(s->zeros + lo, 0, (size_t)(end - lo) * sizeof *s->zeros);
  if (has_zeros) {
    const ig_view *z = ig_call_in(g->c, 3);
    const bool is_conv = g->c->kind == IG_KIND_conv;
    const int64_t step = is_conv ? g->depth : 1;   /* of a column in the weights' row-major order */
    ig_reader zeros;
    ig_reader_init(&zeros, z, NULL, IG_S_I32);
    if (z->strides[is_conv ? 0 : z->rank - 1] == 0) {
      ig_reader_read(&zeros, 0, 1, s->zeros + lo);
      for (int64_t j = lo + 1; j < hi; j++) s->zeros[j] = s->zeros[lo];
    } else if (step == 1) {
      ig_reader_read(&zeros, lo, hi - lo, s->zeros + lo);
    } else {
      for (int64_t j = lo; j < hi; j++) ig_reader_read(&zeros, j * step, 1, s->zeros + j);
    }
  }
  for (int64_t j = lo; j < end; j++) s->mul[j] = 1, s->add[j] = 0, s->zeros[j] -= moved;
  if (f) ig_s8_finish_columns(f, g->channel, lo, hi, s->mul, s->add);
}

/* ---- products ---- */

typedef struct job {
  const product *g;
  const column_data *s;
  const part_memory *m;
  const ig_s8_finish *f;               /* NULL: the interpreter finishes */
  finish_consts consts;
  float *spare;
  finish_fn finish;
  fused_fn fused;                      /* NULL: tiles are finished from memory */
  int32_t row_zero;                    /* of prepared elements, where sums are not mended */
  bool mends, first;                   /* sums are mended; this is the part's first block */
} job;

static bool is_uniform(const ig_call *c, uint32_t operand) {
  if (operand >= c->n_in || !ig_view_present(ig_call_in(c, operand))) return true;
  const ig_view *v = ig_call_in(c, operand);
  for (uint32_t k = 0; k < v->rank; k++)
    if (v->dims[k] != 1 && v->strides[k] != 0) return false;
  return true;
}
/* Zero points of columns [lo, hi), or different ones of rows. */
static bool must_mend(const product *g, const column_data *s, int64_t lo, int64_t hi) {
  if (SIMD_FREED) return false;
  for (int64_t j = lo; j < hi; j++)
    if (s->zeros[j]) return true;
  return !is_uniform(g->c, 2);
}
/* Sums of a panel's columns are known: what products start at. Words that fill up the last of k are 0 as they lie, and not counted. */
static void set_start(const job *w, int64_t panel, const column_sums *k) {
  const product *g = w->g;
  const vi zero = vi_set(-w->row_zero), filled = vi_set(is_signed(ig_call_in(g->c, 1)) ? 0 : (int32_t)(g->words * KG - g->depth) * 128);
  HALVES_OF(2) {
    const int64_t at = panel * NR + h * SIMD_W;
    const vi sum = vi_add(k->all[h], filled);
    vi_store(w->s->sums + at, sum);
    vi_store(w->s->start + at, vi_add(vi_mul(sum, zero), k->off[h]));
  }
}

/* ---- panels ---- */

#if SIMD_SORTED
/* The panel's words in two heaps, and what belongs to its columns. `ahead`: distance in words to weights that are wanted soon. */
static __attribute__((noinline)) column_sums sort_words(const product *g, const int64_t *run_at, const uint8_t *from, bool is_signed, int64_t ahead, int32_t *memory, terms *out) {
  int32_t *plain = memory, *turned = plain + g->words * NR;
  int64_t *at = (int64_t *)(void *)(turned + g->words * 2 * NR), *turned_at = at + g->words;
  column_sums k = { { vi_zero(), vi_zero() }, { vi_zero(), vi_zero() } };
  const vi moved = sign_bits(is_signed);
  *out = (terms){ .at = at, .b = plain, .turned_at = turned_at, .turned = turned };
  for (int64_t r = 0; r < g->n_runs; r++)
    for (int64_t i = 0; i < g->run_words; i++, from += NR * KG) {
      const vi w[2] = { signed_weights(from, moved), signed_weights(from + SIMD_W * KG, moved) };
      vi most = vi_zero();
      __builtin_prefetch(from + ahead * NR * KG);
      HALVES_OF(2) {
        const vi high = positive_pairs(w[h]), low = negative_pairs(w[h]);
        k.all[h] = vi_add(k.all[h], vi_pairs(vi_pairs_add(high, low)));
        most = vi_most_pairs(most, high, low);
      }
      if (!may_pass(most)) {
        at[out->n++] = run_at[r] + i * KG;
        HALVES_OF(2) vi_store(plain + h * SIMD_W, w[h]);
        plain += NR;
        continue;
      }
      turned_at[out->words++] = run_at[r] + i * KG;
      HALVES_OF(2) {
        k.off[h] = vi_add(k.off[h], turned_off(w[h]));
        vi_store(turned + h * SIMD_W, turned_size(w[h]));
        vi_store(turned + NR + h * SIMD_W, turned_bits(w[h]));
      }
      turned += 2 * NR;
    }
  return k;
}
static void prepare_panel(const job *w, int64_t panel, int64_t ahead, int32_t *memory, terms *out) {
  const product *g = w->g;
  const ig_view *weights = ig_call_in(g->c, 1);
  const uint8_t *from = (const uint8_t *)weights->data + panel * g->words * NR * KG;
  const int64_t *run_at = w->m->block.run_at;
  const column_sums k = sort_words(g, run_at, from, is_signed(weights), ahead * g->words, memory, out);
  set_start(w, panel, &k);
}
/* Words [from, from + n) of a panel, of a single run. */
static terms piece_of(const terms *k, int64_t from, int64_t n, int64_t *at) {
  const int64_t plain = ig_min_i64(from, k->n), plain_end = ig_min_i64(from + n, k->n), turned = ig_max_i64(from - k->n, 0), turned_end = ig_max_i64(from + n - k->n, 0);
  (void)at;
  return (terms){ .at = k->at + plain, .n = plain_end - plain, .words = turned_end - turned, .b = k->b + plain * NR, .turned_at = k->turned_at + turned, .turned = k->turned + turned * 2 * NR };
}
#else
/* Signed weights that are bytes when they are multiplied stay where they lie. */
static void prepare_panel(const job *w, int64_t panel, int64_t ahead, int32_t *memory, terms *out) {
  const product *g = w->g;
  const ig_view *weights = ig_call_in(g->c, 1);
  const uint8_t *from = (const uint8_t *)weights->data + panel * g->words * NR * KG;
  const bool lies = sizeof(elem) == 1 && is_signed(weights);
  *out = (terms){ .at = w->m->block.run_at, .n = g->n_runs, .words = g->run_words, .b = lies ? (const int32_t *)(const void *)from : memory };
  for (int64_t p = 0; p < g->words && !lies; p++, from += NR * KG, memory += NR) {
    __builtin_prefetch(from + ahead * g->words * NR * KG);
    HALVES_OF(2) vi_store(memory + h * SIMD_W, prepare_weights(from + h * SIMD_W * KG, is_signed(weights), vi_load(w->s->zeros + panel * NR + h * SIMD_W)));
  }
  if (!w->first) return;
  const int64_t n = SIMD_FREED ? 0 : g->words;   /* freed of zero points, nothing asks for sums of weights */
  const vi ones = vi_set(SIMD_ONES);
  const int32_t *b = out->b;
  vi s[2][2] = { { vi_zero(), vi_zero() }, { vi_zero(), vi_zero() } };
  for (int64_t k = 0; k + 2 <= n; k += 2, b += 2 * NR)
    _Pragma("GCC unroll 2") for (int i = 0; i < 2; i++)
      HALVES_OF(2) s[i][h] = vi_dot(s[i][h], ones, vi_load(b + i * NR + h * SIMD_W));
  if (n % 2) s[0][0] = vi_dot(s[0][0], ones, vi_load(b)), s[0][1] = vi_dot(s[0][1], ones, vi_load(b + SIMD_W));
  const column_sums sums = { { vi_add(s[0][0], s[1][0]), vi_add(s[0][1], s[1][1]) }, { vi_zero(), vi_zero() } };
  set_start(w, panel, &sums);
}
static terms piece_of(const terms *k, int64_t from, int64_t n, int64_t *at) {
  *at = k->at[0] + from * KG;
  return (terms){ .at = at, .n = 1, .words = n, .b = k->b + from * NR };
}
#endif

/* ---- mended sums ---- */

static int32_t sum_of_row(const product *g, const block *k, int64_t row) {
  int32_t sum = 0;
  for (int64_t r = 0; r < g->n_runs; r++)
    for (int64_t i = 0; i < g->run_words * KG; i++) sum += k->rows[row][k->run_at[r] + i];
  return sum;
}
static void mend(const product *g, const column_data *s, const part_memory *m, int32_t *sums, int64_t stride, int64_t row, int64_t rows, int64_t n0, int64_t columns) {
  const vi depth = vi_set((int32_t)g->depth);
  for (int64_t i = 0; i < rows; i++) {
    const vi row_sum = vi_set(m->row_sums[row + i]), row_zero = vi_set(m->block.row_zeros[row + i]);
    int32_t *t = sums + i * stride;
    for (int64_t j = 0; j < columns; j += SIMD_W) {
      const vi b = vi_load(s->zeros + n0 + j), y = vi_sub(vi_load(s->sums + n0 + j), vi_mul(depth, b));
      vi_store(t + j, vi_sub(vi_sub(vi_load(t + j), vi_mul(b, row_sum)), vi_mul(row_zero, y)));
    }
  }
}

/* Where the rows of a block lie in the result and the residual: run by run of the innermost axis. */
static void find_rows(const product *g, const ig_view *residual, int64_t m0, int64_t n, const part_memory *m) {
  const ig_view *o = ig_call_out(g->c, 0);
  const uint32_t last = g->n_axes - 1, axis = g->axes[last];
  const int64_t step = o->strides[axis], residual_step = residual ? residual->strides[axis] : 0;
  int64_t dims[IG_MAX_RANK], index[IG_MAX_RANK];
  for (uint32_t k = 0; k < g->n_axes; k++) dims[k] = o->dims[g->axes[k]];
  ig_index_of(m0, dims, g->n_axes, index);
  for (int64_t i = 0; i < n;) {
    const int64_t count = ig_min_i64(n - i, dims[last] - index[last]);
    int64_t at = 0, residual_at = 0;
    for (uint32_t k = 0; k < g->n_axes; k++) {
      at += index[k] * o->strides[g->axes[k]];
      if (residual) residual_at += index[k] * residual->strides[g->axes[k]];
    }
    for (const int64_t end = i + count; i < end; i++, at += step, residual_at += residual_step) m->out_at[i] = at, m->residual_at[i] = residual_at;
    index[last] = dims[last] - 1;
    ig_index_next(index, dims, g->n_axes);
  }
}

/* A tile of columns from n0, and its rows from `row` of the block. */
static finish_tile tile_at(const job *w, const int32_t *sums, int64_t stride, int64_t n0, int64_t columns) {
  const ig_view *o = ig_call_out(w->g->c, 0), *r = w->f->residual;
  return (finish_tile){ .k = &w->consts, .spare = w->spare, .sums = sums, .stride = stride, .columns = columns, .mul = w->s->mul + n0, .add = w->s->add + n0,
    .out = (char *)o->data + n0 * (int64_t)ig_elem_size(o->dtype), .residual = r ? (const char *)r->data + n0 * (int64_t)ig_elem_size(r->dtype) : NULL,
    .before = w->s->start + n0 };
}
static void set_rows(const job *w, int64_t row, int64_t rows, finish_tile *t) {
  t->rows = rows;
  t->out_at = w->m->out_at + row;
  t->residual_at = w->m->residual_at + row;
}
/* What a tile adds to its sums comes while they are computed. */
static void fetch_residual(const job *w, const finish_tile *t) {
  const int64_t size = (int64_t)ig_elem_size(w->f->residual->dtype);
  for (int64_t i = 0; i < t->rows; i++)
    for (int64_t at = 0; at < t->columns * size; at += 64) __builtin_prefetch(t->residual + t->residual_at[i] * size + at);
}
static void finish_rows(const job *w, int64_t m0, int64_t row, int64_t rows, int64_t n0, int64_t columns) {
  if (w->f) {
    finish_tile t = tile_at(w, w->m->tile, GROUP, n0, columns);
    set_rows(w, row, rows, &t);
    w->finish(w->f, &t);
    return;
  }
  for (int64_t i = 0; i < rows; i++) ig_prog_range(w->m->epi, (m0 + row + i) * w->g->n + n0, columns, w->m->tile + i * GROUP);
}

/* A panel that the first-level cache does not hold goes by pieces of its depth, each over all n rows of the block: the panel is read from the
 * first-level cache and not once for each tile from the second; sums wait in memory in between. For a single run: the short runs of a kernel's rows
 * gain nothing. */
static void run_deep(const job *w, int64_t n, int64_t panel, const terms *k) {
  const product *g = w->g;
  const part_memory *m = w->m;
  const int64_t limit = B_BYTES / WORD_BYTES, pieces = (g->words + limit - 1) / limit, most = (g->words + pieces - 1) / pieces;
  const int64_t n0 = panel * NR, columns = ig_min_i64(NR, g->n - n0);
  finish_tile t = tile_at(w, m->deep, NR, n0, columns);
  const int32_t *const start = t.before;
  for (int64_t from = 0, at; from < g->words; from += most) {
    const bool more = from > 0, last = from + most >= g->words;
    const terms piece = piece_of(k, from, ig_min_i64(most, g->words - from), &at);
    for (int64_t i = 0; i < n; i += MR) {
      const int64_t rows = ig_min_i64(MR, n - i);
      int32_t *sums = m->deep + i * NR;
      const bool fused = last && w->fused && rows == MR && columns == NR;
      t.before = more ? sums : start;
      t.before_stride = more ? NR : 0;
      if (!fused) micro_table[rows](m->block.rows + i, &piece, t.before, t.before_stride, sums, NR);
      if (!last) continue;
      t.sums = sums;
      set_rows(w, i, rows, &t);
      if (fused) {
        w->fused(m->block.rows + i, &piece, &t);
        continue;
      }
      if (w->mends) mend(g, w->s, m, sums, NR, i, rows, n0, columns);
      w->finish(w->f, &t);
    }
  }
}

/* The only row of a block by n_panels panels from p0: their weights are not worth preparing in memory. */
static void run_single(const job *w, int64_t m0, int64_t p0, int64_t n_panels, int64_t columns) {
  const product *g = w->g;
  const part_memory *m = w->m;
  const block *k = &m->block;
  const ig_view *weights = ig_call_in(g->c, 1);
  for (int64_t p = p0; p < p0 + n_panels; p++) {
    const uint8_t *b = (const uint8_t *)weights->data + p * g->words * NR * KG;
    int32_t *tile = m->tile + (p - p0) * NR;
    const column_sums sums = is_signed(weights) ? single(k->rows[0], k->run_at, g->n_runs, g->run_words, b, true, w->s->zeros + p * NR, tile) :
      single(k->rows[0], k->run_at, g->n_runs, g->run_words, b, false, w->s->zeros + p * NR, tile);
    set_start(w, p, &sums);
    HALVES_OF(2) vi_store(tile + h * SIMD_W, vi_add(vi_load(tile + h * SIMD_W), vi_load(w->s->start + p * NR + h * SIMD_W)));
  }
  if (w->mends) mend(g, w->s, m, m->tile, GROUP, 0, 1, p0 * NR, columns);
  finish_rows(w, m0, 0, 1, p0 * NR, columns);
}

/* Rows [m0, m0 + n) of one image by panels [p_lo, p_hi). */
static void run_block(const job *w, int64_t m0, int64_t n, int64_t p_lo, int64_t p_hi) {
  const product *g = w->g;
  const part_memory *m = w->m;
  terms k[GROUP / NR];
  const size_t limit = w->f ? B_BYTES : B_BYTES_INTERPRETED;
  const int64_t step = ig_max_i64(1, ig_min_i64(GROUP / NR, (int64_t)(limit / panel_bytes(g))));
  g->prepare(g, m0, n, &m->block);
  if (w->f) find_rows(g, w->f->residual, m0, n, m);
  for (int64_t i = 0; i < n; i++) m->row_sums[i] = w->mends ? sum_of_row(g, &m->block, i) : 0;
  for (int64_t p0 = p_lo; p0 < p_hi; p0 += step) {
    const int64_t n_panels = ig_min_i64(step, p_hi - p0), n0 = p0 * NR, columns = ig_min_i64(n_panels * NR, g->n - n0);
    if (n == 1) {
      run_single(w, m0, p0, n_panels, columns);
      continue;
    }
    for (int64_t p = 0; p < n_panels; p++) prepare_panel(w, p0 + p, step, m->b + p * g->words * (WORD_MEMORY / 4), k + p);
    if (w->f && is_deep(g)) {
      run_deep(w, n, p0, k);
      continue;
    }
    const bool whole = columns % NR == 0 || columns % NR == SIMD_W;
    finish_tile t = { 0 };
    if (w->fused) t = tile_at(w, m->tile, GROUP, n0, whole ? columns : columns / NR * NR);
    for (int64_t i = 0; i < n; i += MR) {
      const int64_t rows = ig_min_i64(MR, n - i);
      const int64_t n_fused = w->fused && rows == MR ? whole ? n_panels : columns / NR : 0;
      if (n_fused) {
        set_rows(w, i, MR, &t);
        if (t.residual) fetch_residual(w, &t);
        w->fused(m->block.rows + i, k, &t);
      }
      if (n_fused == n_panels) continue;
      for (int64_t p = n_fused; p < n_panels; p++) micro_table[rows](m->block.rows + i, k + p, w->s->start + (p0 + p) * NR, 0, m->tile + (p - n_fused) * NR, GROUP);
      if (w->mends) mend(g, w->s, m, m->tile, GROUP, i, rows, n0 + n_fused * NR, columns - n_fused * NR);
      finish_rows(w, m0, i, rows, n0 + n_fused * NR, columns - n_fused * NR);
    }
  }
}

/* Parts share out columns where the weights are larger than the activations, else rows: the other side is prepared by each. */
static void share_out(const product *g, uint32_t part, uint32_t n_parts, int64_t *m_lo, int64_t *m_hi, int64_t *p_lo, int64_t *p_hi) {
  const int64_t tiles = (g->rows + MR - 1) / MR;
  *m_lo = *p_lo = 0, *m_hi = g->rows, *p_hi = g->panels;
  if (ig_shares_bytes(g->c)) {
    ig_split_items(g->c, g->rows, part, n_parts, m_lo, m_hi);
    return;
  }
  const bool heavy = (double)g->words * KG * (double)g->n >= g->input_bytes;
  /* Few panels that do not go into the parts would leave one of them waiting; weights that lie ready may be read by all. */
  if (sizeof(elem) == 1 && !SIMD_SORTED && heavy && g->panels % n_parts && g->panels < 4 * (int64_t)n_parts && g->rows >= 2 * MR) {
    ig_split(g->rows, part, n_parts, m_lo, m_hi);
    return;
  }
  if (g->panels >= (heavy ? 1 : 4) * (int64_t)n_parts && (heavy || tiles < n_parts)) {
    ig_split(g->panels, part, n_parts, p_lo, p_hi);
    return;
  }
  ig_split(tiles, part, n_parts, m_lo, m_hi);
  *m_lo = ig_min_i64(*m_lo * MR, g->rows);
  *m_hi = ig_min_i64(*m_hi * MR, g->rows);
}

static void run_product(const product *g, uint32_t part, uint32_t n_parts) {
  const ig_call *c = g->c;
  char *at = c->scratch, *epi;
  ig_s8_finish f;
  part_memory m;
  const bool compiled = ig_s8_finish_recognise(c, g->channel, &f);
  const column_data s = memory_of(g, &at, part, &m, &epi);
  int64_t m_lo, m_hi, p_lo, p_hi;
  share_out(g, part, n_parts, &m_lo, &m_hi, &p_lo, &p_hi);
  if (m_lo >= m_hi || p_lo >= p_hi) return;
  prepare_columns(g, &s, compiled ? &f : NULL, p_lo, p_hi);
  if (!compiled) {
    uint8_t perm[IG_MAX_RANK];
    for (uint32_t k = 0; k < g->n_axes; k++) perm[k] = g->axes[k];
    perm[g->n_axes] = (uint8_t)g->channel;
    m.epi = ig_epi_make(epi, c, perm, IG_S_I32, c->n_out, &SIMD_PROG);
  }
  float spare[2 * PAIR] = { 0 };
  job w = { .g = g, .s = &s, .m = &m, .f = compiled ? &f : NULL, .spare = spare };
  w.mends = must_mend(g, &s, p_lo * NR, ig_min_i64(p_hi * NR, g->n));
  w.row_zero = w.mends ? 0 : prepared_zero(is_signed(ig_call_in(c, 0)), zero_at(c, 2, 0));
  if (!w.mends) m.block.row_zeros = NULL;
  if (compiled) {
    w.consts = consts_of(&f, s.mul + p_lo * NR, s.add + p_lo * NR, ig_min_i64(p_hi * NR, g->n) - p_lo * NR, g->depth);
    w.finish = finish_of(&f, &w.consts);
    w.fused = w.mends ? NULL : fused_of(w.finish);
  }
  for (int64_t m0 = m_lo; m0 < m_hi;) {
    const int64_t left = ig_min_i64(m_hi - m0, g->image_rows - m0 % g->image_rows), n_blocks = (left + g->block_rows - 1) / g->block_rows;
    const int64_t even = (left + n_blocks - 1) / n_blocks, n = ig_min_i64(left, ig_min_i64(g->block_rows, (even + MR - 1) / MR * MR));
    w.first = m0 == m_lo;
    run_block(&w, m0, n, p_lo, p_hi);
    m0 += n;
  }
}
