/* The interpreter of scalar programs, epilogues, and the arithmetic that kinds share.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref/element.h"

ig_sval ig_ref_op(ig_sop op, ig_stype t, ig_sval a, ig_sval b) {
  const ig_sop on_bool = op == IG_SOP_ADD || op == IG_SOP_MAX ? IG_SOP_OR : op == IG_SOP_MUL || op == IG_SOP_MIN ? IG_SOP_AND : op;
  const ig_sinsn s = {.op = (uint16_t)(t == IG_S_BOOL ? on_bool : op), .type = (uint8_t)t};
  return ig_scalar_eval(&s, a, b, b);
}

ig_sval ig_ref_centred(const ig_call *c, uint32_t operand, uint32_t zero, const int64_t *index, ig_stype t) {
  const ig_sval x = ig_ref_load_as(ig_call_in(c, operand), index, t);
  if (zero >= c->n_in || !ig_view_present(ig_call_in(c, zero))) return x;
  return ig_ref_op(IG_SOP_SUB, t, x, ig_ref_load_as(ig_call_in(c, zero), index, t));
}

void ig_ref_program(const ig_sprog *p, const ig_sval *in, const int64_t *index, int64_t linear, ig_sval *regs) {
  for (uint32_t i = 0; i < p->n; i++) {
    const ig_sinsn *s = &p->insns[i];
    switch (s->op) {
    case IG_SOP_LOAD: regs[i] = in[s->imm]; break;
    case IG_SOP_STORE: break;
    case IG_SOP_COORD: regs[i].i64 = index[s->imm]; break;
    case IG_SOP_RANDOM: {
      const ig_sval seed = ig_sval_cast(regs[s->a], ig_sinsn_result(&p->insns[s->a]), IG_S_U64);
      regs[i].u64 = ig_random_u64(seed.u64, s->imm, (uint64_t)linear);
      break;
    }
    default: regs[i] = ig_scalar_eval(s, regs[s->a], regs[s->b], regs[s->c]);
    }
  }
}

void ig_ref_finish(const ig_call *c, const int64_t *index, ig_sval own) {
  const ig_view *out = ig_call_out(c, 0);
  if (c->epi.n == 0) {
    ig_ref_store(out, index, ig_kind_result_type(c->kind, c->params, c->v[0].dtype), own, 0);
    return;
  }
  ig_sval in[1 + 16], regs[IG_SPROG_MAX] = {{0}};
  assert(c->n_extra <= 16);
  in[0] = own;
  for (uint32_t i = 0; i < c->n_extra; i++) in[1 + i] = ig_ref_load(ig_call_extra(c, i), index);
  ig_ref_program(&c->epi, in, index, ig_ref_linear(index, out->dims, out->rank), regs);
  for (uint32_t i = 0; i < c->epi.n; i++) {
    const ig_sinsn *s = &c->epi.insns[i];
    if (s->op == IG_SOP_STORE) ig_ref_store(ig_call_out(c, (uint32_t)s->imm), index, (ig_stype)s->type, regs[s->a], s->flags);
  }
}

int64_t ig_ref_index(const ig_call *c, const ig_view *v, const int64_t *at, int64_t n) {
  int64_t i = ig_ref_load_as(v, at, IG_S_I64).i64;
  if (i < 0) i += n;
  if (i >= 0 && i < n) return i;
  if (c->error) ig_error_report(c->error, c->step, IG_DATA_INDEX_OUT_OF_RANGE);
  return 0;
}
