/* The float32 product C[m, n] = alpha * sum over k of A[m, k] * B[k, n] on vectors: matmul and conv are its two users.
 *
 * A lies in panels [k][mr], B in panels [k][nr]; a side that is packed in the engine is used in place, the other is packed block by block into
 * the scratch by a callback. A tile of mr x nr accumulates over all of k in registers, goes to a small buffer in the first-level cache,
 * and through the epilogue to the result: compiled for the frequent ones (finish.h), else by the interpreter on rows of GROUP columns.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_GEMM_F32_H
#define IG_CPU_GEMM_F32_H
#include "cpu/kernels/finish.h"

typedef struct ig_gemm_f32 {
  int64_t n_batch, m, n, k;
  float alpha;
  const float *a_packed, *b_packed;    /* panels, or NULL; the same for every batch */
  const void *ctx;
  void (*pack_a)(const void *ctx, int64_t batch, int64_t m0, int64_t rows, int64_t mr, float *out);    /* rows <= mr, the rest zeros */
  void (*pack_b)(const void *ctx, int64_t batch, int64_t n0, int64_t columns, int64_t nr, float *out); /* columns <= nr, the rest anything finite */
  /* Places of result (batch, row, column): the column axes are walked as one (column_walk), rows and batches by stride. Result and operands
   * of the epilogue all have dims [batch dims..., rows, column dims...]: rows_axis says where. */
  uint32_t rows_axis;
} ig_gemm_f32;
/* Rows of a panel of A: an even split of m into tiles of at most `most`. */
static inline int64_t ig_gemm_f32_mr(int64_t m, int64_t most) {
  const int64_t tiles = (m + most - 1) / most;
  return tiles ? (m + tiles - 1) / tiles : 1;
}
#define IG_GEMM_F32(isa) \
  void ig_gemm_f32_##isa(const ig_gemm_f32 *g, const ig_call *c, char *scratch, uint32_t part, uint32_t n_parts); \
  size_t ig_gemm_f32_bytes_##isa(const ig_call *c, int64_t k);     /* scratch of one part */
IG_GEMM_F32(avx2)
IG_GEMM_F32(avx512)
enum { IG_GEMM_MR_AVX2 = 6, IG_GEMM_NR_AVX2 = 16, IG_GEMM_MR_AVX512 = 12, IG_GEMM_NR_AVX512 = 32 };
#endif
