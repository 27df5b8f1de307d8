/* The blocked product C[m, n] = sum over k of A[m, k] * B[k, n] that matmul and conv share: operands come through callbacks row by row, already
 * converted to the accumulator's type; each finished tile passes through the epilogue while it is in cache.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_GEMM_H
#define IG_CPU_GEMM_H
#include "cpu/kernels/common.h"

typedef struct ig_gemm {
  int64_t n_batch, m, n, k;
  ig_stype acc;                        /* F32, F64, I32, I64, U64 */
  double alpha;                        /* floats: times the sum, before the epilogue */
  const void *ctx;
  void (*read_a)(const void *ctx, int64_t batch, int64_t m, int64_t k0, int64_t kc, void *out);   /* A[m, k0 .. k0 + kc) */
  void (*read_b)(const void *ctx, int64_t batch, int64_t k, int64_t n0, int64_t nc, void *out);   /* B[k, n0 .. n0 + nc) */
} ig_gemm;
/* Result (batch, m, n) has linear index (batch * M + m) * N + n. */
size_t ig_gemm_bytes(const ig_call *c);        /* scratch of one part */
void ig_gemm_run(const ig_gemm *g, const ig_call *c, uint32_t part, uint32_t n_parts);
uint32_t ig_gemm_parts(const ig_gemm *g);      /* tiles, at most UINT32_MAX */
#endif
