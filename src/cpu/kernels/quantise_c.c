/* Recognising maps that quantise. See quantise.h. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/quantise.h"
#include <math.h>

typedef enum stage { NOTHING, LOADED, DIVIDED, ROUNDED, MOVED, BOUNDED, INTEGER } stage;

/* A constant's value as float; false where it is none. */
static bool constant(const ig_sprog *p, uint32_t i, float *out) {
  const ig_sinsn *x = &p->insns[i];
  const uint32_t bits = (uint32_t)x->imm;
  if (x->op == IG_SOP_CAST && x->type == IG_S_F32) return x->flags == IG_S_I32 && p->insns[x->a].op == IG_SOP_CONST && constant(p, x->a, out);
  if (x->op != IG_SOP_CONST || (x->type != IG_S_F32 && x->type != IG_S_I32)) return false;
  if (x->type == IG_S_I32) *out = (float)(int32_t)bits;
  else memcpy(out, &bits, sizeof bits);
  return true;
}

/* The operand whose only value an instruction gives, as it is or as a float; 0 where it is none but x. */
static uint32_t operand_of(const ig_sprog *p, uint32_t i, ig_stype type) {
  const ig_sinsn *x = &p->insns[i];
  if (x->op == IG_SOP_CAST && x->type == IG_S_F32 && x->flags == IG_S_I32 && type == IG_S_I32) x = &p->insns[x->a];
  return x->op == IG_SOP_LOAD && x->type == type ? (uint32_t)x->imm : 0;
}

bool ig_quantise_recognise(const ig_sprog *p, ig_dtype d, ig_quantise *out) {
  const int32_t lowest = d == IG_DTYPE_I8 ? -128 : 0, highest = d == IG_DTYPE_I8 ? 127 : 255;
  float lo = -INFINITY, hi = INFINITY, k;
  stage at = NOTHING;
  uint32_t chain = 0;
  if (d != IG_DTYPE_I8 && d != IG_DTYPE_U8) return false;
  *out = (ig_quantise){ .scale = 1 };
  for (uint32_t i = 0; i < p->n; i++) {
    const ig_sinsn *x = &p->insns[i];
    if (constant(p, i, &k)) continue;
    if (operand_of(p, i, IG_S_F32) || operand_of(p, i, IG_S_I32)) continue;
    if (x->op == IG_SOP_LOAD) {
      if (at != NOTHING || x->type != IG_S_F32 || x->imm != 0) return false;
      at = LOADED, chain = i;
      continue;
    }
    const bool first = at != NOTHING && x->a == chain, either = first || (at != NOTHING && x->b == chain);
    switch (x->op) {
      case IG_SOP_DIV:
        if (!first || at != LOADED || x->type != IG_S_F32) return false;
        out->scale_operand = operand_of(p, x->b, IG_S_F32);
        if (!out->scale_operand && !constant(p, x->b, &out->scale)) return false;
        at = DIVIDED;
        break;
      case IG_SOP_RINT:
        if (!first || at != DIVIDED) return false;
        at = ROUNDED;
        break;
      case IG_SOP_ADD:
        if (!either || at != ROUNDED) return false;
        out->zero_operand = operand_of(p, first ? x->b : x->a, IG_S_I32);
        if (!out->zero_operand) {
          if (!constant(p, first ? x->b : x->a, &k) || k != rintf(k) || fabsf(k) > 1024) return false;
          out->zero = (int32_t)k;
        }
        at = MOVED;
        break;
      case IG_SOP_MAX:
      case IG_SOP_MIN:
        if (!either || at < ROUNDED || at > BOUNDED || !constant(p, first ? x->b : x->a, &k) || k != rintf(k)) return false;
        if (x->op == IG_SOP_MAX) lo = fmaxf(lo, k), hi = fmaxf(hi, lo);
        else hi = fminf(hi, k), lo = fminf(lo, hi);
        at = BOUNDED;
        break;
      case IG_SOP_CAST:
        if (!first || at != BOUNDED || x->type != IG_S_I32) return false;
        at = INTEGER;
        break;
      case IG_SOP_STORE:
        if (!first || at != INTEGER || i + 1 != p->n || !(lo >= (float)lowest) || !(hi <= (float)highest)) return false;
        out->lo = (int32_t)lo, out->hi = (int32_t)hi;
        return true;
      default: return false;
    }
    chain = i;
  }
  return false;
}
