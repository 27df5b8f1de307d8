/* reduce: pre-program, accumulation, post-program.
 *
 * The iteration space is walked with the kept axes first and the reduced axes last ("rows": one result at a time), or, where the axis with the
 * shortest stride is kept and so loads are contiguous along it, the other way round ("columns": a block of results at a time); within each group in
 * the order of input 0's memory. Sums and extremes of plain float32 (global pooling) need no program.
 *
 * One body for every instruction set: KERNEL_ISA (c, avx2, avx512) names the build, CHAIN_BYTES its vectors; sums go by eight chains, which a compiler turns into vectors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/common.h"
#include "cpu/kernels/kernels.h"
#include "cpu/simd/chains.h"
#include <math.h>

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(x) PASTE(x, KERNEL_ISA)

enum { RESULTS = 256 };                /* results per post-program call */

typedef struct plan {
  const ig_reduce_params *p;
  ig_prog *pre, *post;
  int64_t n_kept, n_reduced, block;
  ig_stype acc;
  bool arg, plain;                     /* plain: no pre-program */
  ig_dtype dtype;                      /* of input 0 */
  char *values;                        /* accumulators, then (arg) int64 places */
  int64_t *places;
  bool direct;                         /* sums or extremes of plain float32: */
  ig_walk kept, reduced;               /* places of results and, from there on, of their elements */
} plan;

static size_t values_bytes(void) { return (size_t)RESULTS * 8; }
static size_t bytes_per_part(const ig_call *c) { return ig_prog_bytes(&c->prog, c->n_in, 1) + ig_epi_bytes(c) + 2 * values_bytes(); }
size_t NAME(ig_cpu_reduce_scratch)(const ig_call *c, uint32_t n_parts) { return n_parts * bytes_per_part(c); }

/* Is x preferred to the extreme so far? NaN is. Positions compare plainly: a NaN never wins. */
#define BETTER_MAX(x, m) ((x) > (m) || ((x) != (x) && (m) == (m)))
#define BETTER_MIN(x, m) ((x) < (m) || ((x) != (x) && (m) == (m)))
#define OPS(T, S, NEUTRAL_MIN, NEUTRAL_MAX) \
  static void neutral_##S(int64_t op, T *o, int64_t n) { \
    const T v = op == IG_REDUCE_PROD ? (T)1 : op == IG_REDUCE_MIN ? (T)(NEUTRAL_MIN) : op == IG_REDUCE_MAX ? (T)(NEUTRAL_MAX) : (T)0; \
    for (int64_t i = 0; i < n; i++) o[i] = v; \
  } \
  /* n values, one per result */ \
  static void across_##S(int64_t op, T *o, const T *x, int64_t n) { \
    switch (op) { \
      case IG_REDUCE_SUM: for (int64_t i = 0; i < n; i++) o[i] = (T)(o[i] + x[i]); return; \
      case IG_REDUCE_PROD: for (int64_t i = 0; i < n; i++) o[i] = (T)(o[i] * x[i]); return; \
      case IG_REDUCE_MIN: for (int64_t i = 0; i < n; i++) o[i] = BETTER_MIN(x[i], o[i]) ? x[i] : o[i]; return; \
      default: for (int64_t i = 0; i < n; i++) o[i] = BETTER_MAX(x[i], o[i]) ? x[i] : o[i]; return; \
    } \
  } \
  /* n values of one result; eight chains hide the latency and bound the rounding */ \
  static void along_##S(int64_t op, T *o, const T *x, int64_t n) { \
    T part[8]; \
    if (n < 16) { for (int64_t i = 0; i < n; i++) across_##S(op, o, x + i, 1); return; } \
    for (int j = 0; j < 8; j++) part[j] = x[j]; \
    int64_t i = 8; \
    for (; i + 8 <= n; i += 8) across_##S(op, part, x + i, 8); \
    for (; i < n; i++) across_##S(op, &part[0], x + i, 1); \
    across_##S(op, &part[0], &part[4], 4); \
    across_##S(op, &part[0], &part[2], 2); \
    across_##S(op, &part[0], &part[1], 1); \
    across_##S(op, o, &part[0], 1); \
  } \
  static void arg_##S(bool max, bool last, T *best, int64_t *place, int64_t at, T x) { \
    if (at == 0 || (max ? x > *best : x < *best) || (last && x == *best)) { *best = x; *place = at; } \
  }
OPS(float, f32, INFINITY, -INFINITY)
OPS(double, f64, (double)INFINITY, -(double)INFINITY)
OPS(uint64_t, u64, UINT64_MAX, 0)
/* Signed sums and products wrap: the build has no -fwrapv, so they go through unsigned. */
#define SIGNED_OPS(T, U, S, MIN_, MAX_) \
  static void neutral_##S(int64_t op, T *o, int64_t n) { \
    const T v = op == IG_REDUCE_PROD ? 1 : op == IG_REDUCE_MIN ? MAX_ : op == IG_REDUCE_MAX ? MIN_ : 0; \
    for (int64_t i = 0; i < n; i++) o[i] = v; \
  } \
  static void across_##S(int64_t op, T *o, const T *x, int64_t n) { \
    switch (op) { \
      case IG_REDUCE_SUM: for (int64_t i = 0; i < n; i++) o[i] = (T)((U)o[i] + (U)x[i]); return; \
      case IG_REDUCE_PROD: for (int64_t i = 0; i < n; i++) o[i] = (T)((U)o[i] * (U)x[i]); return; \
      case IG_REDUCE_MIN: for (int64_t i = 0; i < n; i++) o[i] = x[i] < o[i] ? x[i] : o[i]; return; \
      default: for (int64_t i = 0; i < n; i++) o[i] = x[i] > o[i] ? x[i] : o[i]; return; \
    } \
  } \
  static void along_##S(int64_t op, T *o, const T *x, int64_t n) { for (int64_t i = 0; i < n; i++) across_##S(op, o, x + i, 1); } \
  static void arg_##S(bool max, bool last, T *best, int64_t *place, int64_t at, T x) { \
    if (at == 0 || (max ? x > *best : x < *best) || (last && x == *best)) { *best = x; *place = at; } \
  }
SIGNED_OPS(int32_t, uint32_t, i32, INT32_MIN, INT32_MAX)
SIGNED_OPS(int64_t, uint64_t, i64, INT64_MIN, INT64_MAX)
/* bool: the sum is "any", the product "all"; the smallest value is 0, the largest 1. */
static void neutral_bool(int64_t op, uint8_t *o, int64_t n) { memset(o, op == IG_REDUCE_PROD || op == IG_REDUCE_MIN, (size_t)n); }
static void across_bool(int64_t op, uint8_t *o, const uint8_t *x, int64_t n) {
  const bool all = op == IG_REDUCE_PROD || op == IG_REDUCE_MIN;
  for (int64_t i = 0; i < n; i++) o[i] = all ? o[i] & x[i] : o[i] | x[i];
}
static void along_bool(int64_t op, uint8_t *o, const uint8_t *x, int64_t n) { for (int64_t i = 0; i < n; i++) across_bool(op, o, x + i, 1); }
static void arg_bool(bool max, bool last, uint8_t *best, int64_t *place, int64_t at, uint8_t x) {
  if (at == 0 || (max ? x > *best : x < *best) || (last && x == *best)) { *best = x; *place = at; }
}

#define BY_TYPE(acc, CALL) \
  switch (acc) { \
    case IG_S_F32: CALL(float, f32); break; \
    case IG_S_F64: CALL(double, f64); break; \
    case IG_S_I32: CALL(int32_t, i32); break; \
    case IG_S_I64: CALL(int64_t, i64); break; \
    case IG_S_U64: CALL(uint64_t, u64); break; \
    case IG_S_BOOL: CALL(uint8_t, bool); break; \
  }

static void neutral(const plan *q, int64_t n) {
#define CALL(T, S) neutral_##S(q->p->op, (T *)q->values, n)
  BY_TYPE(q->acc, CALL)
#undef CALL
  /* Extremes of a narrow type without a program start at that type's own limits, which shows where nothing is reduced. */
  const uint32_t bits = IG_DTYPE_BITS(q->dtype);
  const bool is_signed = (q->dtype & 0xff) == 0, is_unsigned = (q->dtype & 0xff) == 1, is_max = q->p->op == IG_REDUCE_MAX;
  if (!q->plain || q->n_reduced > 0 || bits > 32 || (!is_signed && !is_unsigned) || (q->p->op != IG_REDUCE_MIN && !is_max)) return;
  const int64_t high = ((int64_t)1 << (bits - is_signed)) - 1, limit = is_max ? (is_signed ? -high - 1 : 0) : high;
  for (int64_t i = 0; i < n; i++) {
    if (q->acc == IG_S_I64) ((int64_t *)(void *)q->values)[i] = limit;
    else ((int32_t *)(void *)q->values)[i] = (int32_t)limit;
  }
}
static void accumulate_along(const plan *q, int64_t result, const void *x, int64_t n) {
#define CALL(T, S) along_##S(q->p->op, (T *)q->values + result, x, n)
  BY_TYPE(q->acc, CALL)
#undef CALL
}
static void accumulate_across(const plan *q, const void *x, int64_t n) {
#define CALL(T, S) across_##S(q->p->op, (T *)q->values, x, n)
  BY_TYPE(q->acc, CALL)
#undef CALL
}
/* Values i = 0 .. n of results from + i * result_step at places at + i * at_step. */
static void arg_values(const plan *q, int64_t from, int64_t result_step, int64_t at, int64_t at_step, const void *x, int64_t n) {
  const bool max = q->p->op == IG_REDUCE_ARGMAX, last = q->p->last != 0;
#define CALL(T, S) \
  for (int64_t i = 0; i < n; i++) \
    arg_##S(max, last, (T *)q->values + from + i * result_step, &q->places[from + i * result_step], at + i * at_step, ((const T *)x)[i])
  BY_TYPE(q->acc, CALL)
#undef CALL
}

static void rows(const plan *q, int64_t lo, int64_t n) {
  for (int64_t r = 0; r < n; r++) {
    for (int64_t k = 0; k < q->n_reduced; k += q->block) {
      const int64_t m = ig_min_i64(q->block, q->n_reduced - k);
      const void *x = ig_prog_block(q->pre, (lo + r) * q->n_reduced + k, m, NULL);
      if (q->arg) arg_values(q, r, 0, k, 1, x, m);
      else accumulate_along(q, r, x, m);
    }
  }
}

/* Vectors of columns of m elements, step apart, into acc. Blocks bound the rounding of sums. vectors and is_max are constants where this is inlined. */
static inline __attribute__((always_inline)) void vector_columns(int vectors, bool is_max, const float *x, int64_t step, int64_t m, float *acc) {
  enum { L = LANES(float), BLOCK = 128 };
  for (int64_t k0 = 0; k0 < m; k0 += BLOCK) {
    const int64_t k1 = ig_min_i64(k0 + BLOCK, m);
    chain_f32 s[4];
    for (int v = 0; v < vectors; v++) s[v] = chain_load_f32(x + k0 * step + v * L);
    for (int64_t k = k0 + 1; k < k1; k++)
      for (int v = 0; v < vectors; v++) {
        const chain_f32 e = chain_load_f32(x + k * step + v * L);
        s[v] = is_max ? chain_max_f32(e, s[v]) : s[v] + e;
      }
    for (int v = 0; v < vectors; v++) {
      const chain_f32 a = chain_load_f32(acc + v * L), r = is_max ? chain_max_f32(s[v], a) : a + s[v];
      memcpy(acc + v * L, &r, sizeof r);
    }
  }
}
static void direct_columns(bool is_max, const float *x, int64_t step, int64_t m, float *acc, int64_t n) {
  enum { L = LANES(float), BLOCK = 128 };
  const int64_t op = is_max ? IG_REDUCE_MAX : IG_REDUCE_SUM;
  int64_t j = 0;
  for (; j + 4 * L <= n; j += 4 * L) { if (is_max) vector_columns(4, true, x + j, step, m, acc + j); else vector_columns(4, false, x + j, step, m, acc + j); }
  for (; j + 2 * L <= n; j += 2 * L) { if (is_max) vector_columns(2, true, x + j, step, m, acc + j); else vector_columns(2, false, x + j, step, m, acc + j); }
  for (; j + L <= n; j += L) { if (is_max) vector_columns(1, true, x + j, step, m, acc + j); else vector_columns(1, false, x + j, step, m, acc + j); }
  for (int64_t k0 = 0; j < n && k0 < m; k0 += BLOCK) {
    float s[L];
    neutral_f32(op, s, n - j);
    for (int64_t k = k0; k < ig_min_i64(k0 + BLOCK, m); k++) across_f32(op, s, x + k * step + j, n - j);
    across_f32(op, acc + j, s, n - j);
  }
}

/* n values of one result, by blocks of four chains; negated: of -x. */
static inline float direct_row(bool is_max, const bool negated, const float *x, int64_t n, float acc) {
  enum { VECTORS = 4, L = LANES(float), BLOCK = 128 * VECTORS * L };
  const int64_t op = is_max ? IG_REDUCE_MAX : IG_REDUCE_SUM;
  for (int64_t k0 = 0; k0 < n; k0 += BLOCK) {
    const int64_t k1 = ig_min_i64(k0 + BLOCK, n);
    float lanes[L];
    chain_f32 s[VECTORS];
    int64_t k = k0;
    neutral_f32(op, lanes, L);
    for (int v = 0; v < VECTORS; v++) s[v] = chain_load_f32(lanes);
    if (is_max) {
      for (; k + VECTORS * L <= k1; k += VECTORS * L)
        for (int v = 0; v < VECTORS; v++) s[v] = chain_max_f32(negated ? -chain_load_f32(x + k + v * L) : chain_load_f32(x + k + v * L), s[v]);
      for (; k + L <= k1; k += L) s[0] = chain_max_f32(negated ? -chain_load_f32(x + k) : chain_load_f32(x + k), s[0]);
      s[0] = chain_max_f32(chain_max_f32(s[0], s[1]), chain_max_f32(s[2], s[3]));
    } else {
      for (; k + VECTORS * L <= k1; k += VECTORS * L)
        for (int v = 0; v < VECTORS; v++) s[v] += chain_load_f32(x + k + v * L);
      for (; k + L <= k1; k += L) s[0] += chain_load_f32(x + k);
      s[0] = (s[0] + s[1]) + (s[2] + s[3]);
    }
    for (; k < k1; k++) {
      const float one = negated ? -x[k] : x[k];
      across_f32(op, &acc, &one, 1);
    }
    memcpy(lanes, &s[0], sizeof lanes);
    for (int j = 0; j < L; j++) across_f32(op, &acc, lanes + j, 1);
  }
  return acc;
}
static void rows_direct(const plan *q, int64_t lo, int64_t n) {
  float *acc = (float *)(void *)q->values;
  for (int64_t r = 0; r < n; r++) {
    const float *x = (const float *)q->kept.data + ig_walk_at(&q->kept, lo + r);
    for (int64_t k = 0, run; k < q->n_reduced; k += run) {
      int64_t from, step;
      run = ig_walk_run(&q->reduced, k, q->n_reduced - k, &from, &step);
      if (q->p->op == IG_REDUCE_MIN) acc[r] = -direct_row(true, true, x + from, run, -acc[r]);
      else acc[r] = direct_row(q->p->op == IG_REDUCE_MAX, false, x + from, run, acc[r]);
    }
  }
}
static void columns_direct(const plan *q, int64_t lo, int64_t n) {
  float *acc = (float *)(void *)q->values;
  for (int64_t done = 0, m; done < n; done += m) {
    int64_t at, stride, from, step;
    m = ig_walk_run(&q->kept, lo + done, n - done, &at, &stride);
    const float *x = (const float *)q->kept.data + at;
    for (int64_t k = 0, run; k < q->n_reduced; k += run) {
      run = ig_walk_run(&q->reduced, k, q->n_reduced - k, &from, &step);
      direct_columns(q->p->op == IG_REDUCE_MAX, x + from, step, run, acc + done, m);
    }
  }
}

static void columns(const plan *q, int64_t lo, int64_t n) {
  for (int64_t k = 0; k < q->n_reduced; k++) {
    const void *x = ig_prog_block(q->pre, k * q->n_kept + lo, n, NULL);
    if (q->arg) arg_values(q, 0, 1, k, 0, x, n);
    else accumulate_across(q, x, n);
  }
}

/* Axes that are longer than 1 and not broadcast, the one with the shortest stride last: is that one kept? */
static bool by_columns(const ig_view *x, uint64_t mask, const uint8_t *perm) {
  for (uint32_t k = x->rank; k-- > 0;)
    if (x->dims[perm[k]] != 1 && x->strides[perm[k]] != 0) return !(mask >> perm[k] & 1);
  return false;
}

/* Two walks over input 0: the kept axes and, from the place of a result on, the reduced ones. */
static void prepare_direct(plan *q, const ig_view *x, const uint8_t *perm, bool columnwise) {
  const bool plain = q->plain && q->acc == IG_S_F32 && x->dtype == IG_DTYPE_F32 && !ig_view_blocked(x);
  ig_view kept = *x, reduced = *x;
  for (uint32_t k = 0; k < x->rank; k++) *((uint64_t)q->p->axes_mask >> k & 1 ? &kept.dims[k] : &reduced.dims[k]) = 1;
  ig_walk_init(&q->kept, &kept, perm);
  ig_walk_init(&q->reduced, &reduced, perm);
  const ig_walk *inner = columnwise ? &q->kept : &q->reduced;
  const bool unit = inner->strides[inner->rank - 1] == 1;
  q->direct = plain && unit && (q->p->op == IG_REDUCE_SUM || q->p->op == IG_REDUCE_MAX || (q->p->op == IG_REDUCE_MIN && !columnwise));
}

void NAME(ig_cpu_reduce_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_reduce_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0);
  char *m = ig_part_scratch(c, part, bytes_per_part(c));
  uint8_t perm[IG_MAX_RANK];
  int64_t lo, hi;
  plan q = { .p = p, .n_kept = 1, .n_reduced = 1, .acc = (ig_stype)p->acc, .arg = p->op == IG_REDUCE_ARGMIN || p->op == IG_REDUCE_ARGMAX,
    .plain = c->prog.n == 0, .dtype = x->dtype };
  IG_UNUSED(phase);
  for (uint32_t k = 0; k < x->rank; k++) {
    if ((uint64_t)p->axes_mask >> k & 1) q.n_reduced *= x->dims[k];
    else q.n_kept *= x->dims[k];
  }
  ig_split_items(c, q.n_kept, part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  const uint64_t mask = (uint64_t)p->axes_mask;
  ig_perm_by_stride(x, ~0ull, perm);
  const bool columnwise = by_columns(x, mask, perm);
  const uint32_t n_first = ig_perm_by_stride(x, columnwise ? mask : ~mask, perm);
  ig_perm_by_stride(x, columnwise ? ~mask : mask, perm + n_first);
  prepare_direct(&q, x, perm, columnwise);
  const ig_prog_spec s = { .prog = &c->prog, .in = x, .n_in = c->n_in, .dims = x->dims, .rank = x->rank, .perm = perm, .direct_out = q.acc, .isa = &NAME(ig_prog_isa) };
  q.pre = ig_prog_make(m, &s);
  m += ig_prog_bytes(&c->prog, c->n_in, 1);
  q.post = ig_epi_make(m, c, perm, q.arg ? IG_S_I64 : q.acc, c->n_out, &NAME(ig_prog_isa));
  m += ig_epi_bytes(c);
  q.values = m;
  q.places = (int64_t *)(void *)(m + values_bytes());
  q.block = ig_prog_block_size(q.pre);
  for (int64_t at = lo; at < hi; at += RESULTS) {
    const int64_t n = ig_min_i64(RESULTS, hi - at);
    neutral(&q, n);
    if (q.arg) memset(q.places, 0, (size_t)n * sizeof *q.places);
    if (q.direct) (columnwise ? columns_direct : rows_direct)(&q, at, n);
    else (columnwise ? columns : rows)(&q, at, n);
    ig_prog_range(q.post, at, n, q.arg ? (const void *)q.places : q.values);
  }
}
