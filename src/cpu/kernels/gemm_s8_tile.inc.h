/* Tiles of the product of 8-bit integers: some rows by the columns of a panel. Part of gemm_s8.inc.h, which says NR and MR.
 * SPDX-License-Identifier: Apache-2.0 */
/* A panel's part in a sum: its words' columns, prepared, and where in a row the words lie that they are multiplied with, in elements. */
typedef struct terms {
  const int64_t *at;                   /* of each run; sorted: of each plain word */
  int64_t n, words;                    /* runs, and words of each; sorted: plain words, and turned ones */
  const int32_t *b;                    /* NR to a word */
#if SIMD_SORTED
  const int64_t *turned_at;
  const int32_t *turned;               /* 2 NR to a word: sizes, and the bits that turn activations */
#endif
} terms;

#define ROWS_OF(n_rows) _Pragma("GCC unroll 16") for (int i = 0; i < n_rows; i++)
#define HALVES_OF(halves) _Pragma("GCC unroll 2") for (int h = 0; h < halves; h++)
/* A word of row i, in all columns. */
#define WORD_AT(x, pointer) \
  int32_t word; \
  memcpy(&word, pointer, sizeof word); \
  const vi x = vi_set(word);
/* The sums of a tile, c[n_rows][halves] of a panel: those of `before` (rows of `stride` words; NULL: zeros) and of the terms *k of rows[n_rows]. */
#define SUMS(n_rows, halves, before, stride) \
  vi c[n_rows][halves]; \
  ROWS_OF(n_rows) HALVES_OF(halves) c[i][h] = before ? vi_load(before + i * stride + h * SIMD_W) : vi_zero();
#if SIMD_SORTED
#define PRODUCT(n_rows, halves, before, stride, k) \
  SUMS(n_rows, halves, before, stride) \
  const elem *a[n_rows]; \
  ROWS_OF(n_rows) a[i] = rows[i]; \
  const vi ones = vi_ones16(); \
  const int32_t *b = (k)->b; \
  _Pragma("GCC unroll 4") for (int64_t w = 0; w < (k)->n; w++, b += NR) { \
    const int64_t at = (k)->at[w]; \
    vi columns_of[halves]; \
    HALVES_OF(halves) columns_of[h] = vi_load(b + h * SIMD_W); \
    ROWS_OF(n_rows) { \
      WORD_AT(x, a[i] + at) \
      HALVES_OF(halves) c[i][h] = vi_dot_plain(c[i][h], x, columns_of[h], ones); \
    } \
  } \
  b = (k)->turned; \
  _Pragma("GCC unroll 4") for (int64_t w = 0; w < (k)->words; w++, b += 2 * NR) { \
    const int64_t at = (k)->turned_at[w]; \
    vi columns_of[halves]; \
    HALVES_OF(halves) columns_of[h] = vi_load(b + h * SIMD_W); \
    ROWS_OF(n_rows) { \
      WORD_AT(x, a[i] + at) \
      HALVES_OF(halves) c[i][h] = vi_dot_turned(c[i][h], x, columns_of[h], b + NR + h * SIMD_W, ones); \
    } \
  }
#else
#define PRODUCT(n_rows, halves, before, stride, k) \
  SUMS(n_rows, halves, before, stride) \
  const int32_t *b = (k)->b; \
  for (int64_t r = 0; r < (k)->n; r++) { \
    const elem *a[n_rows]; \
    ROWS_OF(n_rows) a[i] = rows[i] + (k)->at[r]; \
    SIMD_UNROLLED for (int64_t w = 0; w < (k)->words; w++, b += NR) { \
      vi columns_of[halves]; \
      HALVES_OF(halves) columns_of[h] = vi_load(b + h * SIMD_W); \
      ROWS_OF(n_rows) { \
        WORD_AT(x, a[i] + w * KG) \
        HALVES_OF(halves) c[i][h] = vi_dot(c[i][h], x, columns_of[h]); \
      } \
    } \
  }
#endif
/* before: rows of before_stride words, or NULL; out: rows of `stride` words. */
typedef void (*micro_fn)(const elem *const *rows, const terms *k, const int32_t *before, int64_t before_stride, int32_t *out, int64_t stride);
#define MICRO(n_rows) \
  static void micro_##n_rows(const elem *const *rows, const terms *k, const int32_t *before, int64_t before_stride, int32_t *out, int64_t stride) { \
    PRODUCT(n_rows, 2, before, before_stride, k) \
    ROWS_OF(n_rows) HALVES_OF(2) vi_store(out + i * stride + h * SIMD_W, c[i][h]); \
  }
MICRO(1) MICRO(2) MICRO(3) MICRO(4) MICRO(5)
#if SIMD_MR > 5
MICRO(6)
#endif
#if SIMD_MR > 6
MICRO(7) MICRO(8) MICRO(9) MICRO(10) MICRO(11) MICRO(12) MICRO(13) MICRO(14)
static const micro_fn micro_table[] = { NULL, micro_1, micro_2, micro_3, micro_4, micro_5, micro_6, micro_7, micro_8, micro_9, micro_10, micro_11,
  micro_12, micro_13, micro_14 };
#elif SIMD_MR > 5
static const micro_fn micro_table[] = { NULL, micro_1, micro_2, micro_3, micro_4, micro_5, micro_6 };
#else
static const micro_fn micro_table[] = { NULL, micro_1, micro_2, micro_3, micro_4, micro_5 };
#endif

/* What belongs to a panel's columns: sums of their weights, and what their products are off by (see turned words). */
typedef struct column_sums { vi all[2], off[2]; } column_sums;

/* A single row by a panel of bytes as they lie in the engine. */
ALWAYS column_sums single(const elem *row, const int64_t *run_at, int64_t n_runs, int64_t run_words, const uint8_t *b, const bool is_signed, const int32_t *zeros,
                          int32_t *out) {
  column_sums s = { { vi_zero(), vi_zero() }, { vi_zero(), vi_zero() } };
  vi c[2] = { vi_zero(), vi_zero() };
#if SIMD_SORTED
  const vi ones = vi_ones16(), moved = sign_bits(is_signed);
  (void)zeros;
#else
  const vi ones = vi_set(SIMD_ONES);
#endif
  for (int64_t r = 0; r < n_runs; r++) {
    const elem *a = row + run_at[r];
    for (int64_t w = 0; w < run_words; w++, b += NR * KG) {
      WORD_AT(x, a + w * KG)
      HALVES_OF(2) {
#if SIMD_SORTED
        const vi columns = signed_weights(b + h * SIMD_W * KG, moved);
        c[h] = vi_dot_plain(c[h], turned_size(columns), vi_xor(x, turned_bits(columns)), ones);
        s.all[h] = vi_add(s.all[h], vi_pairs(vi_pairs_add(positive_pairs(columns), negative_pairs(columns))));
        s.off[h] = vi_add(s.off[h], turned_off(columns));
#else
        const vi columns = prepare_weights(b + h * SIMD_W * KG, is_signed, vi_load(zeros + h * SIMD_W));
        c[h] = vi_dot(c[h], x, columns);
        if (!SIMD_FREED) s.all[h] = vi_dot(s.all[h], ones, columns);
#endif
      }
    }
  }
  HALVES_OF(2) vi_store(out + h * SIMD_W, c[h]);
  return s;
}

/* MR rows by all panels of a tile, k[panel], finished in registers; the last panel may be half a one. Sums begin with the tile's `before`. */
typedef void (*fused_fn)(const elem *const *rows, const terms *k, const finish_tile *t);
#define FUSED_PANEL(flags, halves) \
  const int32_t *before = t->before ? t->before + j : NULL; \
  PRODUCT(MR, halves, before, before_stride, k) \
  _Pragma("GCC unroll 16") for (int i = 0; i + 1 < MR; i += 2) { \
    const char *const from[2] = { residual_of(t, flags, i, j), residual_of(t, flags, i + 1, j) }; \
    char *const to[2] = { result_of(t, flags, i, j), result_of(t, flags, i + 1, j) }; \
    finish_two(consts, flags, halves, c[i], c[i + 1], mul + j, add + j, from, to); \
  } \
  if (MR % 2) FINISH_ROW_##halves(flags, MR - 1)
/* The odd row out; half a panel of it is finished as two. */
#define FINISH_ROW_2(flags, i) finish_pair(consts, flags, c[i][0], c[i][1], mul + j, add + j, residual_of(t, flags, i, j), result_of(t, flags, i, j));
#define FINISH_ROW_1(flags, i) { \
    const char *const from[2] = { residual_of(t, flags, i, j), residual_of(t, flags, i, j) }; \
    char *const to[2] = { result_of(t, flags, i, j), result_of(t, flags, i, j) }; \
    finish_two(consts, flags, 1, c[i], c[i], mul + j, add + j, from, to); \
  }
#define FUSED(name, flags) \
  static void name(const elem *const *rows, const terms *k, const finish_tile *t) { \
    const finish_consts *const consts = t->k; \
    const float *const mul = t->mul, *const add = t->add; \
    const int64_t columns = t->columns, before_stride = t->before_stride; \
    int64_t j = 0; \
    for (; j + NR <= columns; j += NR, k++) { FUSED_PANEL(flags, 2) } \
    if (j < columns) { FUSED_PANEL(flags, 1) } \
  }
FUSED(fused_float, FLOAT)
FUSED(fused_float_residual, FLOAT_RESIDUAL)
FUSED(fused_bytes, BYTES)
FUSED(fused_bytes_full, BYTES | FULL)
FUSED(fused_bytes_residual, BYTES_RESIDUAL)
FUSED(fused_bytes_residual_full, BYTES_RESIDUAL | FULL)
FUSED(fused_bytes_residual_i8, BYTES_RESIDUAL | SIGNED)
static fused_fn fused_of(finish_fn f) {
  static const struct { finish_fn finish; fused_fn fused; } known[] = { { finish_float, fused_float }, { finish_float_residual, fused_float_residual },
    { finish_bytes, fused_bytes }, { finish_bytes_full, fused_bytes_full }, { finish_bytes_residual, fused_bytes_residual },
    { finish_bytes_residual_full, fused_bytes_residual_full }, { finish_bytes_residual_i8, fused_bytes_residual_i8 } };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].finish == f) return known[i].fused;
  return NULL;
}
