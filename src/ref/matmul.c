/* matmul: one dot product per result element, in order of k.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref/element.h"

void ig_ref_matmul(const ig_call *c) {
  const ig_matmul_params *p = c->params;
  const ig_stype t = (ig_stype)p->acc;
  const ig_view *a = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  const uint32_t rank = o->rank, m = rank - 2, n = rank - 1;
  int64_t index[IG_MAX_RANK], ia[IG_MAX_RANK], ib[IG_MAX_RANK];
  for (bool more = ig_ref_begin(index, o->dims, rank); more; more = ig_ref_next(index, o->dims, rank)) {
    memcpy(ia, index, sizeof ia);
    memcpy(ib, index, sizeof ib);
    ig_sval acc = {.u64 = 0};
    for (int64_t k = 0; k < a->dims[n]; k++) {
      ia[n] = ib[m] = k;
      acc = ig_ref_mac(t, acc, ig_ref_centred(c, 0, 2, ia, t), ig_ref_centred(c, 1, 3, ib, t));
    }
    if (t == IG_S_F32) acc.f32 *= (float)p->alpha;
    if (t == IG_S_F64) acc.f64 *= p->alpha;
    ig_ref_finish(c, index, acc);
  }
}
