/* The portable blocked product. See gemm.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/gemm.h"

enum { MR = 4, NR_BYTES = 32, TILE_M = 64, TILE_N = 64, TILE_K = 128 };
#define ROUND_UP(x, to) (((x) + (to) - 1) / (to) * (to))
#define CAT_(a, b) a##_##b
#define CAT(a, b) CAT_(a, b)

typedef struct work { void *a, *b, *c, *row; } work;

typedef float v_f32 __attribute__((vector_size(16)));
typedef double v_f64 __attribute__((vector_size(16)));
typedef uint32_t v_u32 __attribute__((vector_size(16)));
typedef uint64_t v_u64 __attribute__((vector_size(16)));
#define T float
#define V v_f32
#define S f32
#include "cpu/kernels/gemm_tile.inc.h"
#define T double
#define V v_f64
#define S f64
#include "cpu/kernels/gemm_tile.inc.h"
#define T uint32_t
#define V v_u32
#define S u32
#include "cpu/kernels/gemm_tile.inc.h"
#define T uint64_t
#define V v_u64
#define S u64
#include "cpu/kernels/gemm_tile.inc.h"

enum { BYTES_A = TILE_M * TILE_K * 8, BYTES_B = TILE_K * TILE_N * 8, BYTES_C = TILE_M * TILE_N * 8, BYTES_ROW = TILE_K * 8 };
size_t ig_gemm_bytes(const ig_call *c) { return BYTES_A + BYTES_B + BYTES_C + BYTES_ROW + ig_epi_bytes(c); }

static int64_t tiles_m(const ig_gemm *g) { return (g->m + TILE_M - 1) / TILE_M; }
static int64_t tiles_n(const ig_gemm *g) { return (g->n + TILE_N - 1) / TILE_N; }
uint32_t ig_gemm_parts(const ig_gemm *g) { return (uint32_t)ig_min_i64(UINT32_MAX, g->n_batch * tiles_m(g) * tiles_n(g)); }

static void scale(const ig_gemm *g, char *row, int64_t n) {
  if (g->alpha == 1.0) return;
  if (g->acc == IG_S_F32) for (int64_t i = 0; i < n; i++) ((float *)(void *)row)[i] *= (float)g->alpha;
  if (g->acc == IG_S_F64) for (int64_t i = 0; i < n; i++) ((double *)(void *)row)[i] *= g->alpha;
}

static void finish(const ig_gemm *g, ig_prog *epi, char *c, int64_t batch, int64_t m0, int64_t mc, int64_t n0, int64_t nc) {
  const size_t size = ig_stype_size(g->acc);
  for (int64_t i = 0; i < mc; i++) {
    char *row = c + (size_t)(i * TILE_N) * size;
    scale(g, row, nc);
    ig_prog_range(epi, (batch * g->m + m0 + i) * g->n + n0, nc, row);
  }
}

void ig_gemm_run(const ig_gemm *g, const ig_call *c, uint32_t part, uint32_t n_parts) {
  char *m = ig_part_scratch(c, part, ig_gemm_bytes(c));
  const work w = { m, m + BYTES_A, m + BYTES_A + BYTES_B, m + BYTES_A + BYTES_B + BYTES_C };
  int64_t lo, hi;
  ig_split_items(c, g->n_batch * tiles_m(g) * tiles_n(g), part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  ig_prog *epi = ig_epi_make(m + BYTES_A + BYTES_B + BYTES_C + BYTES_ROW, c, NULL, g->acc, c->n_out, NULL);
  for (int64_t t = lo; t < hi; t++) {
    const int64_t m0 = t % tiles_m(g) * TILE_M, n0 = t / tiles_m(g) % tiles_n(g) * TILE_N, batch = t / tiles_m(g) / tiles_n(g);
    const int64_t mc = ig_min_i64(TILE_M, g->m - m0), nc = ig_min_i64(TILE_N, g->n - n0);
    switch (g->acc) {
      case IG_S_F32: tile_f32(g, &w, batch, m0, mc, n0, nc); break;
      case IG_S_F64: tile_f64(g, &w, batch, m0, mc, n0, nc); break;
      case IG_S_I32: tile_u32(g, &w, batch, m0, mc, n0, nc); break;
      default: tile_u64(g, &w, batch, m0, mc, n0, nc); break;
    }
    finish(g, epi, w.c, batch, m0, mc, n0, nc);
  }
}
