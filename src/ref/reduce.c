/* reduce. Elements are taken in row-major order of the reduced axes; positions of extremes compare with < alone, so a NaN never wins.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref/element.h"

static ig_sval neutral(int64_t op, ig_stype t) {
  if (op == IG_REDUCE_SUM || op == IG_REDUCE_PROD) return ig_sval_from_i64(t, op == IG_REDUCE_PROD);
  const bool least = op == IG_REDUCE_MAX || op == IG_REDUCE_ARGMAX;
  switch (t) {
  case IG_S_F32: return (ig_sval){.f32 = least ? -INFINITY : INFINITY};
  case IG_S_F64: return (ig_sval){.f64 = least ? -(double)INFINITY : (double)INFINITY};
  case IG_S_I32: return (ig_sval){.i32 = least ? INT32_MIN : INT32_MAX};
  case IG_S_I64: return (ig_sval){.i64 = least ? INT64_MIN : INT64_MAX};
  case IG_S_U64: return (ig_sval){.u64 = least ? 0 : UINT64_MAX};
  default: return (ig_sval){.b = !least};
  }
}

/* Extremes of a narrow type start at that type's own limits, which shows where nothing is reduced. */
static ig_sval start_value(const ig_call *c, ig_stype t) {
  const ig_reduce_params *p = c->params;
  const ig_dtype d = c->v[0].dtype;
  const uint32_t bits = IG_DTYPE_BITS(d);
  const bool extreme = p->op == IG_REDUCE_MIN || p->op == IG_REDUCE_MAX, is_signed = (d & 0xff) == 0, is_unsigned = (d & 0xff) == 1;
  if (c->prog.n || !extreme || bits > 32 || (!is_signed && !is_unsigned)) return neutral(p->op, t);
  const int64_t high = ((int64_t)1 << (bits - is_signed)) - 1, low = is_signed ? -high - 1 : 0;
  return ig_sval_from_i64(t, p->op == IG_REDUCE_MIN ? high : low);
}

static ig_sval value(const ig_call *c, const int64_t *index, ig_sval *regs) {
  if (c->prog.n == 0) return ig_ref_load(ig_call_in(c, 0), index);
  const ig_view *x = ig_call_in(c, 0);
  ig_sval in[16];
  assert(c->n_in <= IG_COUNT(in));
  for (uint32_t i = 0; i < c->n_in; i++) in[i] = ig_ref_load(ig_call_in(c, i), index);
  ig_ref_program(&c->prog, in, index, ig_ref_linear(index, x->dims, x->rank), regs);
  for (uint32_t i = 0; i < c->prog.n; i++)
    if (c->prog.insns[i].op == IG_SOP_STORE) return regs[c->prog.insns[i].a];
  return regs[0];
}

typedef struct reducer { ig_stype t; int64_t op, position; bool last; ig_sval acc; } reducer;

static void take(reducer *k, ig_sval x, int64_t at) {
  static const ig_sop ops[] = {IG_SOP_ADD, IG_SOP_MUL, IG_SOP_MIN, IG_SOP_MAX};
  if (k->op < IG_REDUCE_ARGMIN) {
    k->acc = ig_ref_op(ops[k->op], k->t, k->acc, x);
    return;
  }
  const bool least = k->op == IG_REDUCE_ARGMIN;
  const bool better = k->t == IG_S_BOOL ? (least ? !x.b && k->acc.b : x.b && !k->acc.b)
                                        : ig_ref_op(IG_SOP_LT, k->t, least ? x : k->acc, least ? k->acc : x).b;
  const bool tie = k->last && ig_ref_op(IG_SOP_EQ, k->t, x, k->acc).b;
  if (at != 0 && !better && !tie) return;
  k->acc = x;
  k->position = at;
}

void ig_ref_reduce(const ig_call *c) {
  const ig_reduce_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0);
  int64_t kept[IG_MAX_RANK], reduced[IG_MAX_RANK], o[IG_MAX_RANK], r[IG_MAX_RANK], index[IG_MAX_RANK];
  ig_sval regs[IG_SPROG_MAX] = {{0}};
  for (uint32_t i = 0; i < x->rank; i++) {
    const bool over = p->axes_mask >> i & 1;
    kept[i] = over ? 1 : x->dims[i];
    reduced[i] = over ? x->dims[i] : 1;
  }
  const bool position = p->op >= IG_REDUCE_ARGMIN;
  for (bool more = ig_ref_begin(o, kept, x->rank); more; more = ig_ref_next(o, kept, x->rank)) {
    reducer k = {.t = (ig_stype)p->acc, .op = p->op, .last = p->last != 0, .acc = start_value(c, (ig_stype)p->acc)};
    for (bool inner = ig_ref_begin(r, reduced, x->rank); inner; inner = ig_ref_next(r, reduced, x->rank)) {
      for (uint32_t i = 0; i < x->rank; i++) index[i] = o[i] + r[i];
      take(&k, value(c, index, regs), position ? ig_ref_linear(r, reduced, x->rank) : 0);
    }
    ig_ref_finish(c, o, position ? (ig_sval){.i64 = k.position} : k.acc);
  }
}
