/* matmul of float32 on vectors: include after simd/f32_<isa>.h. Operands have any strides: an A whose rows are contiguous is read in place, of
 * another phase 0 makes a copy (all parts together); a constant B comes packed from the engine, another is packed here, block by block.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/gemm_f32.h"
#include "cpu/kernels/kernels.h"
#include "hal/tactic.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(x) PASTE(x, SIMD_ISA)

typedef struct operands { ig_walk a, b; int64_t m, n, k, a_row, b_k, b_column; } operands;

static void rows_of(const void *ctx, int64_t batch, int64_t m0, int64_t rows, const float **at) {
  const operands *o = ctx;
  const float *a = (const float *)o->a.data + (o->k ? ig_walk_at(&o->a, batch * o->m * o->k) + m0 * o->a_row : 0);
  for (int64_t i = 0; i < rows; i++, a += o->a_row) at[i] = a;
}

/* ---- phase 0 ---- */

/* Must A be copied? out: the copy, row-major in the scratch; axes that are broadcast to rows stay so. */
static bool copy_of_a(const ig_call *c, ig_view *out) {
  const ig_view *a = ig_call_in(c, 0);
  const uint32_t column = a->rank - 1u;
  int64_t n = a->dims[column];
  *out = *a;
  out->data = c->scratch;
  out->strides[column] = 1;
  for (uint32_t k = column; k-- > 0;) {
    out->strides[k] = a->dims[k] == 1 || a->strides[k] == 0 ? 0 : n;
    if (out->strides[k]) n *= a->dims[k];
  }
  return a->dims[column] > 1 && a->strides[column] != 1;
}
/* Floats of the copy. */
static int64_t count_copy(const ig_view *copy) {
  int64_t n = 1;
  for (uint32_t k = 0; k < copy->rank; k++)
    if (copy->strides[k] != 0) n *= copy->dims[k];
  return n;
}
static size_t copy_bytes(const ig_call *c) {
  ig_view copy;
  return copy_of_a(c, &copy) ? ig_pad64((size_t)count_copy(&copy) * sizeof(float)) : 0;
}

/* This part's rows of the copy, some at a time, so that their elements, which are neighbours where A lies transposed, are read together. */
static void copy_rows(const ig_view *a, const ig_view *copy, uint32_t part, uint32_t n_parts) {
  enum { ROWS = 16 };
  ig_view once = *a;
  ig_walk w;
  int64_t lo, hi;
  for (uint32_t k = 0; k < a->rank; k++)
    if (copy->strides[k] == 0) once.dims[k] = 1;
  const int64_t n = once.dims[a->rank - 1], step = a->strides[a->rank - 1];
  ig_walk_init(&w, &once, NULL);
  ig_split(count_copy(copy) / n, part, n_parts, &lo, &hi);
  for (int64_t r = lo; r < hi; r += ROWS) {
    const int64_t rows = ig_min_i64(ROWS, hi - r);
    const float *from[ROWS];
    float *to = (float *)copy->data + r * n;
    for (int64_t i = 0; i < rows; i++) from[i] = (const float *)a->data + ig_walk_at(&w, (r + i) * n);
    for (int64_t k = 0; k < n; k++)
      for (int64_t i = 0; i < rows; i++) to[i * n + k] = from[i][k * step];
  }
}
uint32_t NAME(ig_cpu_matmul_f32_phases)(const ig_call *c, uint32_t n_parts) {
  ig_view copy;
  IG_UNUSED(n_parts);
  return copy_of_a(c, &copy) ? 2 : 1;
}
static void pack_b(const void *ctx, int64_t batch, int64_t n0, int64_t columns, int64_t nr, float *out) {
  const operands *o = ctx;
  if (o->k == 0) return;
  const float *b = (const float *)o->b.data + ig_walk_at(&o->b, batch * o->k * o->n) + n0 * o->b_column;
  for (int64_t k = 0; k < o->k; k++, out += nr, b += o->b_k) {
    if (columns == nr && o->b_column == 1) {
      for (int64_t j = 0; j < nr; j += SIMD_W) vf_store(out + j, vf_load(b + j));
      continue;
    }
    for (int64_t j = 0; j < nr; j++) out[j] = j < columns ? b[j * o->b_column] : 0;
  }
}

/* ---- batches folded into rows ---- */

enum { FOLD_VIEWS = 24 };

/* The leading axes and the row axis of v walked as one: out becomes [rows, columns]. False where strides do not allow it. */
static bool fold_view(const ig_view *v, ig_view *out) {
  const uint32_t row = v->rank - 2u;
  int64_t rows = 1, stride = 0;
  bool first = true;
  *out = *v;
  if (!ig_view_present(v)) return true;
  for (uint32_t k = row + 1; k-- > 0;) {
    if (v->dims[k] == 1) continue;
    if (first) stride = v->strides[k], first = false;
    else if (v->strides[k] != stride * rows) return false;
    rows *= v->dims[k];
  }
  out->rank = 2;
  out->dims[0] = rows;
  out->strides[0] = stride;
  out->dims[1] = v->dims[row + 1];
  out->strides[1] = v->strides[row + 1];
  return v->block <= 1;
}

/* Where every batch meets the same B, the rows of all batches are one tall A: `out` is the call as a single product. views: room for FOLD_VIEWS. */
static bool fold_batches(const ig_call *c, const ig_view *a, ig_call *out, ig_view *views) {
  const ig_view *b = ig_call_in(c, 1);
  const uint32_t n = c->n_in + c->n_extra + c->n_out;
  if (b->rank <= 2 || n > FOLD_VIEWS) return false;
  for (uint32_t k = 0; k + 2 < b->rank; k++)
    if (b->dims[k] != 1 && b->strides[k] != 0) return false;
  for (uint32_t i = 0; i < c->epi.n; i++)
    if (c->epi.insns[i].op == IG_SOP_COORD || c->epi.insns[i].op == IG_SOP_RANDOM) return false;
  for (uint32_t i = 0; i < n; i++)
    if (i != 1 && !fold_view(i == 0 ? a : &c->v[i], &views[i])) return false;
  views[1] = *b;
  views[1].rank = 2;
  for (uint32_t k = 0; k < 2; k++) views[1].dims[k] = b->dims[b->rank - 2 + k], views[1].strides[k] = b->strides[b->rank - 2 + k];
  *out = *c;
  out->v = views;
  return true;
}

static int64_t depth(const ig_call *c) { return ig_call_in(c, 0)->dims[ig_call_in(c, 0)->rank - 1]; }
size_t NAME(ig_cpu_matmul_f32_scratch)(const ig_call *c, uint32_t n_parts) { return copy_bytes(c) + n_parts * NAME(ig_gemm_f32_bytes)(c, 1, depth(c)); }

void NAME(ig_cpu_matmul_f32_run)(const ig_call *call, uint32_t phase, uint32_t part, uint32_t n_parts) {
  ig_view views[FOLD_VIEWS], copy;
  ig_call folded;
  const bool copied = copy_of_a(call, &copy), is_folded = fold_batches(call, copied ? &copy : ig_call_in(call, 0), &folded, views);
  const ig_call *c = is_folded ? &folded : call;
  const ig_matmul_params *p = c->params;
  const ig_view *a = copied && !is_folded ? &copy : ig_call_in(c, 0), *b = ig_call_in(c, 1), *out = ig_call_out(c, 0);
  const uint32_t row = a->rank - 2u, column = a->rank - 1u;
  operands o = { .m = a->dims[row], .k = a->dims[column], .n = b->dims[column], .a_row = a->strides[row], .b_k = b->strides[row], .b_column = b->strides[column] };
  const int64_t count = ig_view_count(out);
  if (count == 0) return;
  if (copied && phase == 0) {
    copy_rows(ig_call_in(call, 0), &copy, part, n_parts);
    return;
  }
  ig_walk_init(&o.a, a, NULL);
  ig_walk_init(&o.b, b, NULL);
  ig_gemm_f32 g = { .n_batch = count / (o.m * o.n), .m = o.m, .n = o.n, .taps = 1, .len = o.k, .alpha = (float)p->alpha, .row_bytes = o.k * 4, .ctx = &o, .rows = rows_of,
    .pack_b = pack_b, .b_packed = b->format ? b->data : NULL, .row_axis = row, .n_total = o.n };
  for (uint8_t k = 0; k < IG_MAX_RANK; k++) g.perm[k] = k;
  char *scratch = (char *)call->scratch + copy_bytes(call) + part * NAME(ig_gemm_f32_bytes)(c, 1, depth(call));
  NAME(ig_gemm_f32)(&g, c, scratch, part, n_parts);
}
