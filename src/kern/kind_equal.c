/* equal: which of two tensors' strings are the same. Numbers are compared by maps.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/kind_util.h"

IG_OUT_DIMS(out_dims) {
  const ig_operand *a = ig_request_in(r, 0), *b = ig_request_in(r, 1), *o = ig_request_out(r, 0);
  IG_KIND_REQUIRE(ig_operand_present(a) && ig_operand_present(b) && a->dtype == IG_DTYPE_STRING && b->dtype == IG_DTYPE_STRING, "the inputs are no strings");
  IG_KIND_REQUIRE(o->dtype == IG_DTYPE_BOOL, "the result is %s, not bool", ig_dtype_name(o->dtype));
  IG_TRY(ig_kind_same_dims(r, t, node, b, a->dims, a->rank, "the strings compared"));
  ig_kind_copy_dims(out[0], &out_rank[0], a->dims, a->rank);
  return NULL;
}

const ig_kind_def ig_kind_def_equal = {.name = "equal", .id = IG_KIND_equal, .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1, .out_dims = out_dims};
