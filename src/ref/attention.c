/* attention: for each row of queries all scores, then softmax as its own kind has it, then a sum for each element of the result.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref/element.h"

size_t ig_ref_attention_scratch(const ig_call *c) {
  const ig_view *k = ig_call_in(c, 1);
  return (size_t)k->dims[k->rank - 2] * sizeof(ig_sval);
}

/* Element of k or v at the row's batch, position j and element d. */
static ig_sval element(const ig_view *v, const int64_t *row, int64_t j, int64_t d, ig_stype t) {
  int64_t index[IG_MAX_RANK];
  memcpy(index, row, sizeof index);
  index[v->rank - 2] = j;
  index[v->rank - 1] = d;
  return ig_ref_load_as(v, index, t);
}

static ig_sval adjusted(const ig_call *c, const int64_t *index, ig_sval score) {
  int64_t dims[IG_MAX_RANK];
  ig_sval in[16], regs[IG_SPROG_MAX] = {{0}};
  const ig_view *q = ig_call_in(c, 0), *k = ig_call_in(c, 1);
  assert(c->n_in <= IG_COUNT(in));
  if (c->prog.n == 0) return score;
  memcpy(dims, q->dims, sizeof dims);
  dims[q->rank - 1] = k->dims[k->rank - 2];
  in[0] = score;
  for (uint32_t i = 3; i < c->n_in; i++) in[i - 2] = ig_ref_load(ig_call_in(c, i), index);
  ig_ref_program(&c->prog, in, index, ig_ref_linear(index, dims, q->rank), regs);
  for (uint32_t i = 0; i < c->prog.n; i++)
    if (c->prog.insns[i].op == IG_SOP_STORE) return regs[c->prog.insns[i].a];
  return score;
}

static ig_sval score(const ig_call *c, const int64_t *row, int64_t j, ig_stype t) {
  const ig_view *q = ig_call_in(c, 0), *k = ig_call_in(c, 1);
  int64_t index[IG_MAX_RANK];
  ig_sval s = ig_sval_from_f64(t, 0);
  memcpy(index, row, sizeof index);
  for (int64_t d = 0; d < q->dims[q->rank - 1]; d++) {
    index[q->rank - 1] = d;
    s = ig_ref_mac(t, s, ig_ref_load_as(q, index, t), element(k, row, j, d, t));
  }
  index[q->rank - 1] = j;
  return adjusted(c, index, ig_ref_op(IG_SOP_MUL, t, s, ig_sval_from_f64(t, ((const ig_attention_params *)c->params)->scale)));
}

static double number(ig_stype t, ig_sval x) { return t == IG_S_F64 ? x.f64 : (double)x.f32; }
static double exponential(ig_stype t, double x) { return t == IG_S_F64 ? exp(x) : (double)ig_f32_exp((float)x); }

/* Scores become probabilities; false: the row is zeros. */
static bool softmax(const ig_call *c, ig_stype t, ig_sval *s, int64_t n) {
  const int64_t empty = ((const ig_attention_params *)c->params)->empty;
  double top = -(double)INFINITY, sum = 0;
  for (int64_t j = 0; j < n; j++) {
    const double x = number(t, s[j]);
    top = x > top || x != x ? x : top;
  }
  if (n == 0 || (empty != IG_ATTENTION_NAN && top == -(double)INFINITY)) return false;
  for (int64_t j = 0; j < n; j++) {
    s[j] = ig_sval_from_f64(t, exponential(t, number(t, ig_ref_op(IG_SOP_SUB, t, s[j], ig_sval_from_f64(t, top)))));
    sum = number(t, ig_sval_from_f64(t, sum + number(t, s[j])));
  }
  for (int64_t j = 0; j < n; j++) s[j] = ig_ref_op(IG_SOP_DIV, t, s[j], ig_sval_from_f64(t, sum));
  return empty != IG_ATTENTION_ZERO_NAN || sum == sum;
}

void ig_ref_attention(const ig_call *c) {
  const ig_view *v = ig_call_in(c, 2), *out = ig_call_out(c, 0);
  const ig_stype t = ig_kind_result_type(c->kind, c->params, ig_call_in(c, 0)->dtype);
  const int64_t n = v->dims[v->rank - 2], width = out->dims[out->rank - 1];
  ig_sval *s = c->scratch;
  int64_t rows[IG_MAX_RANK], index[IG_MAX_RANK];
  memcpy(rows, out->dims, sizeof rows);
  rows[out->rank - 1] = width > 0;
  for (bool more = ig_ref_begin(index, rows, out->rank); more; more = ig_ref_next(index, rows, out->rank)) {
    for (int64_t j = 0; j < n; j++) s[j] = score(c, index, j, t);
    const bool any = softmax(c, t, s, n);
    for (int64_t d = 0; d < width; d++) {
      ig_sval y = ig_sval_from_f64(t, 0);
      for (int64_t j = 0; any && j < n; j++) y = ig_ref_mac(t, y, s[j], element(v, index, j, d, t));
      index[out->rank - 1] = d;
      ig_ref_finish(c, index, y);
    }
    index[out->rank - 1] = 0;
  }
}
