/* Recognising the frequent epilogues. See finish.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/finish.h"
#include <math.h>

static bool plain_f32(const ig_view *v) { return v->dtype == IG_DTYPE_F32 && v->block <= 1; }

static float const_of(const ig_sinsn *i) {
  const uint32_t bits = (uint32_t)i->imm;
  float f;
  memcpy(&f, &bits, 4);
  return f;
}

/* Extends the chain that ends in register `last` by instruction i. */
static bool extend(const ig_call *c, uint32_t i, uint32_t last, ig_finish *f) {
  const ig_sinsn *code = c->epi.insns, *x = &code[i];
  const uint32_t other = x->a == last ? x->b : x->a;
  if (x->type != IG_S_F32 || (x->a != last && x->b != last) || x->a == x->b) return false;
  if (x->op == IG_SOP_ADD) {
    if (f->clip || f->n_adds == IG_FINISH_ADDS || code[other].op != IG_SOP_LOAD || code[other].imm == 0) return false;
    const ig_view *v = ig_call_extra(c, (uint32_t)code[other].imm - 1);
    if (!plain_f32(v)) return false;
    f->add[f->n_adds++] = v;
    return true;
  }
  if (code[other].op != IG_SOP_CONST) return false;
  const float k = const_of(&code[other]);
  if (x->op == IG_SOP_MAX && f->lo == -INFINITY && f->hi == INFINITY) f->lo = k;
  else if (x->op == IG_SOP_MIN && f->hi == INFINITY) f->hi = k;
  else return false;
  f->clip = true;
  return k == k;
}

bool ig_finish_recognise(const ig_call *c, ig_finish *out) {
  *out = (ig_finish){ .lo = -INFINITY, .hi = INFINITY };
  if (c->n_out != 1 || !plain_f32(ig_call_out(c, 0))) return false;
  if (c->epi.n == 0) return true;
  uint32_t last = UINT32_MAX;
  for (uint32_t i = 0; i < c->epi.n; i++) {
    const ig_sinsn *x = &c->epi.insns[i];
    if (x->op == IG_SOP_CONST) continue;
    if (x->op == IG_SOP_LOAD) {
      if (x->imm != 0) continue;
      if (last != UINT32_MAX) return false;
      last = i;
      continue;
    }
    if (x->op == IG_SOP_STORE) return x->a == last && i + 1 == c->epi.n;
    if (last == UINT32_MAX || !extend(c, i, last, out)) return false;
    last = i;
  }
  return false;
}
