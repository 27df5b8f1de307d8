/* The product of 8-bit integers with an exact 32-bit sum: include after simd/s8_<isa>.h. matmul and conv are its two users.
 *
 * Both sides are words of SIMD_KG elements of k: A in panels [k][mr], B in panels [k][NR]. Where an instruction set multiplies unsigned by signed
 * bytes, the zero points stay in, and with a = zero point of a row, b = of a column, K elements: sum (x - a)(y - b) = sum xy - b (sum x - K a) - a
 * sum y.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/gemm_s8.h"
#include "cpu/kernels/image.h"
#include "cpu/kernels/kernels.h"
#include "hal/tactic.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(x) PASTE(x, SIMD_ISA)
enum {
  NR = 2 * SIMD_W, MR = SIMD_MR, KG = SIMD_KG,
  GROUP = 8 * NR,                      /* columns that the epilogue takes at a time */
  BLOCK_BYTES = 192 << 10              /* of B's panels in the scratch */
};

#define MICRO(name, rows, dot) \
  static void name##_##rows(const int32_t *a, const int32_t *b, int64_t k, int32_t *out) { \
    vi c[rows][2]; \
    _Pragma("GCC unroll 16") for (int i = 0; i < rows; i++) c[i][0] = c[i][1] = vi_zero(); \
    for (int64_t p = 0; p < k; p++, a += rows, b += NR) { \
      const vi b0 = vi_load(b), b1 = vi_load(b + SIMD_W); \
      _Pragma("GCC unroll 16") for (int i = 0; i < rows; i++) { \
        const vi x = vi_set(a[i]); \
        c[i][0] = dot(c[i][0], x, b0); \
        c[i][1] = dot(c[i][1], x, b1); \
      } \
    } \
    _Pragma("GCC unroll 16") for (int i = 0; i < rows; i++) { \
      vi_store(out + i * GROUP, c[i][0]); \
      vi_store(out + i * GROUP + SIMD_W, c[i][1]); \
    } \
  }
#if SIMD_MR > 6
#define MICROS(name, dot) \
  MICRO(name, 1, dot) MICRO(name, 2, dot) MICRO(name, 3, dot) MICRO(name, 4, dot) MICRO(name, 5, dot) MICRO(name, 6, dot) \
  MICRO(name, 7, dot) MICRO(name, 8, dot) MICRO(name, 9, dot) MICRO(name, 10, dot) MICRO(name, 11, dot) MICRO(name, 12, dot) \
  static const micro_fn name##_table[] = { NULL, name##_1, name##_2, name##_3, name##_4, name##_5, name##_6, \
    name##_7, name##_8, name##_9, name##_10, name##_11, name##_12 };
#else
#define MICROS(name, dot) \
  MICRO(name, 1, dot) MICRO(name, 2, dot) MICRO(name, 3, dot) MICRO(name, 4, dot) MICRO(name, 5, dot) MICRO(name, 6, dot) \
  static const micro_fn name##_table[] = { NULL, name##_1, name##_2, name##_3, name##_4, name##_5, name##_6 };
#endif
/* out: rows of GROUP words. */
typedef void (*micro_fn)(const int32_t *a, const int32_t *b, int64_t k, int32_t *out);
MICROS(micro_a_weights, SIMD_DOT_A_WEIGHTS)
MICROS(micro_b_weights, SIMD_DOT_B_WEIGHTS)

typedef struct product {
  int64_t m, n, k, mr;                 /* k in words */
  micro_fn micro;
  const int32_t *a;                    /* panels */
  const int32_t *b;                    /* panels, or NULL: pack_b makes them */
  void (*pack_b)(const void *ctx, int64_t batch, int64_t n0, int64_t columns, int32_t *out);
  const void *ctx;
  /* Per row sum x - K a and a; per column b and sum y. column_sums NULL: summed here, for pack_b's panels. Unused without SIMD_SUMS. */
  const int32_t *row_sums, *row_zeros, *column_zeros, *column_sums;
  int32_t column_zero;                 /* of every column, where column_zeros is NULL */
} product;

/* A part's own memory: a group of results, B's panels, sums of columns, the epilogue. */
typedef struct part_memory { int32_t *group, *b, *sums; ig_prog *epi; } part_memory;
static size_t group_bytes(void) { return (size_t)MR * GROUP * 4; }
static size_t panels_bytes(int64_t k) { return ig_pad64((size_t)(ig_max_i64(NR * k * 4, ig_min_i64(GROUP * k * 4, BLOCK_BYTES)) + 4 * SIMD_W)); }
static size_t part_bytes(const ig_call *c, int64_t k) { return group_bytes() + panels_bytes(k) + GROUP * 4 + ig_epi_bytes(c); }
static part_memory part_init(const ig_call *c, int64_t k, char *m) {
  part_memory p = { .group = (int32_t *)(void *)m };
  p.b = (int32_t *)(void *)(m + group_bytes());
  p.sums = (int32_t *)(void *)(m + group_bytes() + panels_bytes(k));
  p.epi = ig_epi_make(m + group_bytes() + panels_bytes(k) + GROUP * 4, c, NULL, IG_S_I32, c->n_out, &SIMD_PROG);
  return p;
}

#if SIMD_SUMS
/* Sums over k of n words a step, `width` words apart. */
static vi sum_unsigned(const int32_t *x, int64_t n, int64_t width, int64_t k) {
  vi s = vi_zero();
  for (int64_t p = 0; p < k; p++) s = vi_dot(s, vi_load_n(x + p * width, n), vi_set(0x01010101));
  return s;
}
static vi sum_signed(const int32_t *x, int64_t n, int64_t width, int64_t k) {
  vi s = vi_zero();
  for (int64_t p = 0; p < k; p++) s = vi_dot(s, vi_set(0x01010101), vi_load_n(x + p * width, n));
  return s;
}

static void mend(const product *g, const part_memory *m, int64_t m0, int64_t rows, int64_t n0, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) {
    const vi row_sum = vi_set(g->row_sums[m0 + i]), row_zero = vi_set(g->row_zeros[m0 + i]);
    int32_t *r = m->group + i * GROUP;
    for (int64_t j = 0; j < columns; j += SIMD_W) {
      const vi b = g->column_zeros ? vi_load(g->column_zeros + n0 + j) : vi_set(g->column_zero);
      const vi y = g->column_sums ? vi_load(g->column_sums + n0 + j) : vi_load(m->sums + j);
      vi_store(r + j, vi_sub(vi_sub(vi_load(r + j), vi_mul(b, row_sum)), vi_mul(row_zero, y)));
    }
  }
}
#endif

/* Tiles [t_lo, t_hi) by panels [p_lo, p_hi) of a batch, a group of columns at a time. */
static void range(const product *g, const part_memory *m, int64_t batch, int64_t t_lo, int64_t t_hi, int64_t p_lo, int64_t p_hi) {
  const int64_t step = g->b ? GROUP / NR : ig_max_i64(1, ig_min_i64(GROUP / NR, BLOCK_BYTES / 4 / (NR * ig_max_i64(1, g->k))));
  for (int64_t p0 = p_lo; p0 < p_hi; p0 += step) {
    const int64_t n_panels = ig_min_i64(step, p_hi - p0), n0 = p0 * NR, columns = ig_min_i64(n_panels * NR, g->n - n0);
    const int32_t *b = g->b ? g->b + p0 * NR * g->k : m->b;
    for (int64_t p = 0; !g->b && p < n_panels; p++) {
      g->pack_b(g->ctx, batch, n0 + p * NR, ig_min_i64(NR, columns - p * NR), m->b + p * NR * g->k);
#if SIMD_SUMS
      for (int j = 0; j < NR; j += SIMD_W) vi_store(m->sums + p * NR + j, sum_unsigned(m->b + p * NR * g->k + j, SIMD_W, NR, g->k));
#endif
    }
    for (int64_t t = t_lo; t < t_hi; t++) {
      const int64_t m0 = t * g->mr, rows = ig_min_i64(g->mr, g->m - m0);
      for (int64_t p = 0; p < n_panels; p++) g->micro(g->a + m0 * g->k, b + p * NR * g->k, g->k, m->group + p * NR);
#if SIMD_SUMS
      mend(g, m, m0, rows, n0, columns);
#endif
      for (int64_t i = 0; i < rows; i++) ig_prog_range(m->epi, (batch * g->m + m0 + i) * g->n + n0, columns, m->group + i * GROUP);
    }
  }
}

/* Parts share out batches where there are enough, else panels of columns, else tiles of rows. */
static void multiply(const product *g, const ig_call *c, int64_t n_batch, char *memory, uint32_t part, uint32_t n_parts) {
  const int64_t tiles = (g->m + g->mr - 1) / g->mr, panels = (g->n + NR - 1) / NR;
  int64_t b_lo = 0, b_hi = n_batch, t_lo = 0, t_hi = tiles, p_lo = 0, p_hi = panels;
  if (ig_shares_bytes(c)) ig_split_items(c, n_batch, part, n_parts, &b_lo, &b_hi);
  else if (n_batch >= 4 * (int64_t)n_parts) ig_split(n_batch, part, n_parts, &b_lo, &b_hi);
  else if (panels >= 4 * (int64_t)n_parts || panels >= tiles) ig_split(panels, part, n_parts, &p_lo, &p_hi);
  else ig_split(tiles, part, n_parts, &t_lo, &t_hi);
  if (b_lo >= b_hi || t_lo >= t_hi || p_lo >= p_hi) return;
  const part_memory m = part_init(c, g->k, memory);
  for (int64_t b = b_lo; b < b_hi; b++) range(g, &m, b, t_lo, t_hi, p_lo, p_hi);
}

/* ---- what both users read ---- */

static bool is_signed(const ig_view *v) { return v->dtype == IG_DTYPE_I8; }
static int64_t words(int64_t k) { return (k + KG - 1) / KG; }
/* Zero points of an operand that may be left out: 0. */
typedef struct zeros { bool present; ig_reader reader; } zeros;
static zeros zeros_init(const ig_call *c, uint32_t operand) {
  zeros z = { .present = operand < c->n_in && ig_view_present(ig_call_in(c, operand)) };
  if (z.present) ig_reader_init(&z.reader, ig_call_in(c, operand), NULL, IG_S_I32);
  return z;
}
static int32_t zero_at(const zeros *z, int64_t lin) {
  int32_t x = 0;
  if (z->present) ig_reader_read(&z->reader, lin, 1, &x);
  return x;
}
