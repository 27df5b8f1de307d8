/* prefix, accumulated in the element's compute type.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref/element.h"

void ig_ref_prefix(const ig_call *c) {
  const ig_prefix_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  const ig_stype t = ig_stype_of(x->dtype);
  const ig_sop op = p->op == IG_PREFIX_PROD ? IG_SOP_MUL : IG_SOP_ADD;
  const ig_sval neutral = ig_sval_cast((ig_sval){.i64 = p->op == IG_PREFIX_PROD}, IG_S_I64, t);
  const int64_t n = x->dims[p->axis];
  int64_t index[IG_MAX_RANK], dims[IG_MAX_RANK];
  for (uint32_t k = 0; k < x->rank; k++)
    dims[k] = k == (uint32_t)p->axis && n > 0 ? 1 : x->dims[k];
  for (bool more = ig_ref_begin(index, dims, x->rank); more; more = ig_ref_next(index, dims, x->rank)) {
    ig_sval acc = neutral;
    for (int64_t i = 0; i < n; i++) {
      index[p->axis] = p->reverse ? n - 1 - i : i;
      const ig_sval next = ig_ref_op(op, t, acc, ig_ref_load(x, index));
      ig_ref_store(o, index, t, p->exclusive ? acc : next, 0);
      acc = next;
    }
    index[p->axis] = 0;
  }
}
