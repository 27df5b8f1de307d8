/* map. All operands of a point are read before its results are written, so a result may lie exactly on an operand.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref/element.h"

void ig_ref_map(const ig_call *c) {
  const ig_view *o = ig_call_out(c, 0);
  int64_t index[IG_MAX_RANK], linear = 0;
  ig_sval in[32], regs[IG_SPROG_MAX] = {{0}};
  assert(c->n_in <= IG_COUNT(in));
  for (bool more = ig_ref_begin(index, o->dims, o->rank); more; more = ig_ref_next(index, o->dims, o->rank), linear++) {
    for (uint32_t i = 0; i < c->n_in; i++) in[i] = ig_ref_load(ig_call_in(c, i), index);
    ig_ref_program(&c->prog, in, index, linear, regs);
    for (uint32_t i = 0; i < c->prog.n; i++) {
      const ig_sinsn *s = &c->prog.insns[i];
      if (s->op == IG_SOP_STORE) ig_ref_store(ig_call_out(c, (uint32_t)s->imm), index, (ig_stype)s->type, regs[s->a], s->flags);
    }
  }
}
