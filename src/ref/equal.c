/* equal.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref/element.h"

static ig_string at(const ig_view *v, const int64_t *index) {
  ig_string s;
  memcpy(&s, (const char *)v->data + ig_ref_at(v, index) * (int64_t)sizeof s, sizeof s);
  return s;
}

void ig_ref_equal(const ig_call *c) {
  const ig_view *o = ig_call_out(c, 0);
  int64_t index[IG_MAX_RANK];
  for (bool more = ig_ref_begin(index, o->dims, o->rank); more; more = ig_ref_next(index, o->dims, o->rank)) {
    const ig_string a = at(ig_call_in(c, 0), index), b = at(ig_call_in(c, 1), index);
    ig_ref_store_bits(o, ig_ref_at(o, index), a.n == b.n && (a.n == 0 || memcmp(a.data, b.data, a.n) == 0));
  }
}
