/* What a value on the edge between two quantisation steps does to a program's result.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/scalar.h"
#include <math.h>

/* The value of a constant, perhaps cast; false for everything else. */
static bool constant(const ig_sprog *p, uint32_t at, double *out) {
  const ig_sinsn *s = &p->insns[at];
  if (s->op == IG_SOP_CAST) return s->type != IG_S_BOOL && constant(p, s->a, out);
  if (s->op != IG_SOP_CONST) return false;
  float f;
  const uint32_t low = (uint32_t)s->imm;
  switch ((ig_stype)s->type) {
  case IG_S_F32:
    memcpy(&f, &low, sizeof f);
    *out = (double)f;
    return true;
  case IG_S_F64: memcpy(out, &s->imm, sizeof *out); return true;
  case IG_S_I32: *out = (double)(int32_t)low; return true;
  case IG_S_I64: *out = (double)(int64_t)s->imm; return true;
  case IG_S_U64: *out = (double)s->imm; return true;
  case IG_S_BOOL: break;
  }
  return false;
}

/* How far an instruction's result moves where its operands move by a, b and c; NaN: not known. */
static double moves(const ig_sprog *p, const ig_sinsn *s, double a, double b, double c) {
  double k;
  switch (s->op) {
  case IG_SOP_RINT: return floor(a) + 1;
  case IG_SOP_CAST: case IG_SOP_ROUND: case IG_SOP_NEG: case IG_SOP_ABS: case IG_SOP_STORE: return a;
  case IG_SOP_MIN: case IG_SOP_MAX: return a > b || isnan(a) ? a : b;
  case IG_SOP_ADD: case IG_SOP_SUB: return a + b;
  case IG_SOP_MUL:
    if (b == 0 && constant(p, s->b, &k)) return a * fabs(k);
    if (a == 0 && constant(p, s->a, &k)) return b * fabs(k);
    break;
  case IG_SOP_DIV:
    if (b == 0 && constant(p, s->b, &k) && k != 0) return a / fabs(k);
    break;
  default: break;
  }
  return a == 0 && b == 0 && c == 0 ? 0 : NAN;
}

double ig_sprog_edge(const ig_sprog *p, uint32_t result) {
  double moved[IG_SPROG_MAX];
  for (uint32_t i = 0; i < p->n; i++) {
    const ig_sinsn *s = &p->insns[i];
    const ig_sop_info *info = ig_sop_find(s->op);
    const uint32_t arity = info ? info->arity : 0;
    moved[i] = moves(p, s, arity > 0 ? moved[s->a] : 0, arity > 1 ? moved[s->b] : 0, arity > 2 ? moved[s->c] : 0);
    if (s->op == IG_SOP_STORE && s->imm == result) return isfinite(moved[i]) ? moved[i] : 0;
  }
  return 0;
}
