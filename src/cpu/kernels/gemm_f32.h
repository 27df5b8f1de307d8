/* The float32 product C[m, n] = alpha * sum over k of A[m, k] * B[k, n] on vectors: matmul and conv are its two users.
 *
 * A is read in place: a row is `taps` runs of `len` contiguous floats, each found through a pointer, so that a convolution needs no matrix of its
 * columns (a run = the channels of one input pixel; padding points at zeros) and a matmul is the case of one run. B lies in panels
 * [k][nr] of vectors of columns, packed in the engine where it is constant, else block by block into the scratch. A tile of up to mr x nr
 * accumulates over all of k in registers; the most frequent epilogue (bias, residual, clamp) is applied there, the other frequent ones on
 * the tile in the first-level cache (finish.h), the rest by the interpreter on rows of some hundred columns.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_GEMM_F32_H
#define IG_CPU_GEMM_F32_H
#include "cpu/kernels/finish.h"

enum { IG_GEMM_MR = 6 };               /* most rows of a tile */

typedef struct ig_gemm_f32 {
  int64_t n_batch, m, n, taps, len;    /* k = taps * len; n_batch products, one after the other in the result */
  float alpha;
  int64_t row_bytes;                   /* of A that a row reads and no other row does, about: sizes the blocks */
  const float *b_packed;               /* panels, the same for every batch; NULL: pack_b */
  const void *ctx;
  /* at[tap * IG_GEMM_MR + i] = where run `tap` of row m0 + i begins, i < rows. */
  void (*rows)(const void *ctx, int64_t batch, int64_t m0, int64_t rows, const float **at);
  const float *zeros;                  /* where runs of zeros point that all rows of a tile may share: such taps are left out; NULL: not looked for */
  void (*pack_b)(const void *ctx, int64_t batch, int64_t n0, int64_t columns, int64_t nr, float *out);   /* columns <= nr, the rest anything finite */
  /* The result and the epilogue's operands, whose axes are walked in the order of perm: those before row_axis are batches, the last is the columns,
   * the others together are the rows. The product makes columns [column0, column0 + n) of n_total. */
  uint8_t perm[IG_MAX_RANK];
  uint32_t row_axis;
  int64_t column0, n_total;
} ig_gemm_f32;
/* Rows of a panel of the 8-bit products: an even split of m into tiles of at most `most`. */
static inline int64_t ig_gemm_f32_mr(int64_t m, int64_t most) {
  const int64_t tiles = (m + most - 1) / most;
  return tiles ? (m + tiles - 1) / tiles : 1;
}

#define IG_GEMM_F32(isa) \
  void ig_gemm_f32_##isa(const ig_gemm_f32 *g, const ig_call *c, char *scratch, uint32_t part, uint32_t n_parts); \
  size_t ig_gemm_f32_bytes_##isa(const ig_call *c, int64_t taps, int64_t len);     /* scratch of one part */
IG_GEMM_F32(avx2)
IG_GEMM_F32(avx512)
enum { IG_GEMM_NR_AVX2 = 16, IG_GEMM_NR_AVX512 = 64 };
#endif
