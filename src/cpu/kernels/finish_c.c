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

static bool operand_step(const ig_call *c, ig_finish_kind kind, const ig_sinsn *load, ig_finish *f, ig_finish_step *s) {
  if (f->n_adds == IG_FINISH_ADDS || load->imm == 0) return false;
  const ig_view *v = ig_call_extra(c, (uint32_t)load->imm - 1);
  *s = (ig_finish_step){ .kind = kind, .operand = f->n_adds };
  f->add[f->n_adds++] = v;
  return plain_f32(v);
}

/* The step for x = last op constant. */
static bool constant_step(const ig_sinsn *x, bool last_is_a, float k, ig_finish_step *s) {
  s->value = k;
  switch (x->op) {
    case IG_SOP_ADD: s->kind = IG_FINISH_ADD; break;
    case IG_SOP_MUL: s->kind = IG_FINISH_MUL; break;
    case IG_SOP_MAX: s->kind = IG_FINISH_MAX; break;
    case IG_SOP_MIN: s->kind = IG_FINISH_MIN; break;
    case IG_SOP_DIV: {   /* by a normal number: times its reciprocal */
      const float size = k < 0 ? -k : k;
      s->kind = size > 1e-37f && size < 1e37f ? IG_FINISH_MUL : IG_FINISH_DIV;
      if (s->kind == IG_FINISH_MUL) s->value = 1.0f / k;
      return last_is_a;
    }
    default: return false;
  }
  return k == k;
}

static bool function_step(uint16_t op, ig_finish_step *s) {
  switch (op) {
    case IG_SOP_ERF: s->kind = IG_FINISH_ERF; return true;
    case IG_SOP_TANH: s->kind = IG_FINISH_TANH; return true;
    case IG_SOP_EXP: s->kind = IG_FINISH_EXP; return true;
    case IG_SOP_SIGMOID: s->kind = IG_FINISH_SIGMOID; return true;
    default: return false;
  }
}

/* Extends the chain that ends in register `last` by instruction i. after[r]: steps done when register r of the chain was the last; 0 for others. */
static bool extend(const ig_call *c, uint32_t i, uint32_t last, const uint8_t *after, ig_finish *f) {
  const ig_sinsn *code = c->epi.insns, *x = &code[i];
  const uint32_t other = x->a == last ? x->b : x->a;
  ig_finish_step function = { 0 };
  if (x->type == IG_S_F32 && x->a == last && function_step(x->op, &function)) {
    if (f->n_steps == IG_FINISH_STEPS) return false;
    f->steps[f->n_steps++] = function;
    return true;
  }
  if (x->type != IG_S_F32 || (x->a != last && x->b != last) || x->a == x->b || f->n_steps == IG_FINISH_STEPS) return false;
  ig_finish_step *s = &f->steps[f->n_steps++];
  *s = (ig_finish_step){ 0 };
  if (code[other].op == IG_SOP_CONST) return constant_step(x, x->a == last, const_of(&code[other]), s);
  if (x->op == IG_SOP_ADD && code[other].op == IG_SOP_LOAD) return operand_step(c, IG_FINISH_ADD_OPERAND, &code[other], f, s);
  if (x->op == IG_SOP_MUL && code[other].op == IG_SOP_LOAD && code[other].imm != 0) return operand_step(c, IG_FINISH_MUL_OPERAND, &code[other], f, s);
  if (x->op != IG_SOP_MUL || after[other] == 0 || f->keep_at != UINT32_MAX) return false;
  s->kind = IG_FINISH_MUL_KEPT;
  f->keep_at = after[other] - 1u;
  return true;
}

/* From instruction i on: x < 0 ? x * slope : x, where x is register `last`. *out_end: the select. */
static bool leaky(const ig_call *c, uint32_t i, uint32_t last, ig_finish *f, uint32_t *out_end) {
  const ig_sinsn *code = c->epi.insns;
  uint32_t mul = UINT32_MAX, less = UINT32_MAX;
  for (; i < c->epi.n; i++) {
    const ig_sinsn *x = &code[i];
    const uint32_t other = x->a == last ? x->b : x->a;
    if (x->op == IG_SOP_CONST || (x->op == IG_SOP_LOAD && x->imm != 0)) continue;
    if (x->op == IG_SOP_MUL && x->type == IG_S_F32 && (x->a == last) != (x->b == last)) mul = other, *out_end = i;
    else if (x->op == IG_SOP_LT && x->a == last && code[x->b].op == IG_SOP_CONST && code[x->b].type == IG_S_F32 && const_of(&code[x->b]) == 0) less = i;
    else if (x->op != IG_SOP_SELECT || mul == UINT32_MAX || x->a != less || x->b != *out_end || x->c != last) return false;
    else break;
  }
  if (i == c->epi.n || f->n_steps == IG_FINISH_STEPS) return false;
  ig_finish_step *s = &f->steps[f->n_steps++];
  *s = (ig_finish_step){ .kind = IG_FINISH_LEAKY };
  *out_end = i;
  if (code[mul].op == IG_SOP_LOAD) return operand_step(c, IG_FINISH_LEAKY_OPERAND, &code[mul], f, s);
  if (code[mul].op != IG_SOP_CONST) return false;
  s->value = const_of(&code[mul]);
  return s->value - s->value == 0;
}

/* Where a step has its place on a line: times, plus, at least, at most; -1: none. */
static int rank_of(ig_finish_kind kind) {
  static const ig_finish_kind order[] = { IG_FINISH_MUL, IG_FINISH_ADD, IG_FINISH_MAX, IG_FINISH_MIN };
  for (int i = 0; i < (int)IG_COUNT(order); i++)
    if (order[i] == kind) return i;
  return -1;
}

/* Consecutive steps with constants become lines; factors behind one another are one. Bounds alone stay as they are: kernels know them. */
static void make_lines(ig_finish *f) {
  uint32_t n = 0, keep_at = f->keep_at;
  for (uint32_t i = 0, end; i < f->n_steps; i = end) {
    ig_finish_step line = { .kind = IG_FINISH_LINE, .value = 1, .offset = -0.0f, .lo = -INFINITY, .hi = INFINITY };   /* x + -0 is x, -0 too */
    float *const numbers[] = { &line.value, &line.offset, &line.lo, &line.hi };
    int rank = rank_of(f->steps[i].kind);
    if (f->keep_at == i) keep_at = n;
    if (rank >= 0) *numbers[rank] = f->steps[i].value;
    for (end = i + 1; rank >= 0 && end < f->n_steps && end != f->keep_at; end++) {
      const int next = rank_of(f->steps[end].kind);
      const float number = next == rank ? line.value * f->steps[end].value : f->steps[end].value;   /* of factors the product, as long as it is a number like any other */
      if (next < rank || (next == rank && (f->steps[end].kind != IG_FINISH_MUL || !isnormal(number)))) break;
      *numbers[next] = number;
      rank = next;
    }
    if (end - i > 1 && rank_of(f->steps[i].kind) < rank_of(IG_FINISH_MAX)) f->steps[n++] = line;
    else while (i < end) f->steps[n++] = f->steps[i++];
  }
  f->n_steps = n;
  f->keep_at = keep_at;
}

bool ig_finish_recognise(const ig_call *c, ig_finish *out) {
  uint8_t after[IG_SPROG_MAX] = { 0 };       /* one more than the steps */
  *out = (ig_finish){ .keep_at = UINT32_MAX };
  if (c->n_out != 1 || !plain_f32(ig_call_out(c, 0))) return false;
  if (c->epi.n == 0) return true;
  uint32_t last = UINT32_MAX;
  for (uint32_t i = 0; i < c->epi.n; i++) {
    const ig_sinsn *x = &c->epi.insns[i];
    if (x->op == IG_SOP_CONST) continue;
    if (x->op == IG_SOP_LOAD) {
      if (x->imm != 0) continue;
      if (last != UINT32_MAX) return false;
    } else if (x->op == IG_SOP_STORE) {
      make_lines(out);
      return x->a == last && i + 1 == c->epi.n;
    } else if (last == UINT32_MAX) {
      return false;
    } else {
      const ig_finish before = *out;
      uint32_t end = i;
      if (leaky(c, i, last, out, &end)) {
        i = end;
      } else {
        *out = before;
        if (!extend(c, i, last, after, out)) return false;
      }
    }
    last = i;
    after[i] = (uint8_t)(out->n_steps + 1);
  }
  return false;
}
