/* A frequent epilogue (finish.h) over a row of float32 sums in the first-level cache, several vectors at a time so that the functions' chains overlap:
 * include after simd/f32_<isa>.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/finish.h"
#include "cpu/simd/math_f32.h"

enum { FINISH_ROW_VECTORS = 4 };

/* Operands of a row: at add[i], one number for all columns or (each[i]) one a column. */
typedef struct finish_row_operands { const float *add[IG_FINISH_ADDS]; bool each[IG_FINISH_ADDS]; } finish_row_operands;

#define EACH(expr) \
  _Pragma("GCC unroll 4") for (int v = 0; v < nv; v++) x[v] = (expr)
/* nv vectors from column `at` on, the only one with `lanes` lanes unless whole. nv and whole are constants where this is inlined. */
static inline __attribute__((always_inline)) void finish_row_vectors(const ig_finish *f, int nv, bool whole, const float *in, const finish_row_operands *o, int64_t at, int64_t lanes, float *out) {
  vf x[FINISH_ROW_VECTORS], kept[FINISH_ROW_VECTORS];
  EACH(whole ? vf_load(in + at + v * SIMD_W) : vf_load_n(in + at, lanes));
  for (int v = 0; v < nv; v++) kept[v] = x[v];
  for (uint32_t s = 0; s < f->n_steps; s++) {
    const ig_finish_step *step = &f->steps[s];
    const vf k = vf_set(step->value);
    if (s == f->keep_at)
      for (int v = 0; v < nv; v++) kept[v] = x[v];
    switch (step->kind) {
      case IG_FINISH_ADD: EACH(vf_add(x[v], k)); break;
      case IG_FINISH_MUL: EACH(vf_mul(x[v], k)); break;
      case IG_FINISH_DIV: EACH(vf_div(x[v], k)); break;
      case IG_FINISH_MAX: EACH(vf_max(k, x[v])); break;
      case IG_FINISH_MIN: EACH(vf_min(k, x[v])); break;
      case IG_FINISH_MUL_KEPT: EACH(vf_mul(x[v], kept[v])); break;
      case IG_FINISH_ERF: EACH(vf_erf(x[v])); break;
      case IG_FINISH_TANH: EACH(vf_tanh(x[v])); break;
      case IG_FINISH_EXP: EACH(vf_exp(x[v])); break;
      case IG_FINISH_SIGMOID: EACH(vf_sigmoid(x[v])); break;
      case IG_FINISH_LINE: EACH(vf_line(x[v], k, vf_set(step->offset), vf_set(step->lo), vf_set(step->hi))); break;
      case IG_FINISH_LEAKY: EACH(vf_leaky(x[v], k)); break;
      case IG_FINISH_ADD_OPERAND:
      case IG_FINISH_LEAKY_OPERAND:
      case IG_FINISH_MUL_OPERAND: {
        const bool each = o->each[step->operand];
        const float *q = o->add[step->operand] + (each ? at : 0);
        vf y[FINISH_ROW_VECTORS];
        for (int v = 0; v < nv; v++) y[v] = !each ? vf_set(*q) : whole ? vf_load(q + v * SIMD_W) : vf_load_n(q, lanes);
        if (step->kind == IG_FINISH_ADD_OPERAND) EACH(vf_add(x[v], y[v]));
        else if (step->kind == IG_FINISH_MUL_OPERAND) EACH(vf_mul(x[v], y[v]));
        else EACH(vf_leaky(x[v], y[v]));
        break;
      }
    }
  }
  for (int v = 0; v < nv; v++) {
    if (whole) vf_store(out + at + v * SIMD_W, x[v]);
    else vf_store_n(out + at, x[v], lanes);
  }
}
#undef EACH

/* n columns; in may be out. */
static void finish_row(const ig_finish *f, const float *in, const finish_row_operands *o, int64_t n, float *out) {
  int64_t at = 0;
  for (; at + FINISH_ROW_VECTORS * SIMD_W <= n; at += FINISH_ROW_VECTORS * SIMD_W) finish_row_vectors(f, FINISH_ROW_VECTORS, true, in, o, at, SIMD_W, out);
  for (; at + SIMD_W <= n; at += SIMD_W) finish_row_vectors(f, 1, true, in, o, at, SIMD_W, out);
  if (at < n) finish_row_vectors(f, 1, false, in, o, at, n - at, out);
}
