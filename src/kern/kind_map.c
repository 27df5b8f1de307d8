/* map: a scalar program at every point of an iteration space.
 *
 * All operands have the dims of the iteration space (inputs broadcast by stride 0). A map need not have inputs (Range, ConstantOfShape), so the
 * dims are those that result 0 states.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/kind_util.h"

IG_OUT_DIMS(out_dims) {
  const ig_operand *o = ig_request_out(r, 0);
  IG_KIND_REQUIRE(r->prog.n > 0, "a map needs a program");
  for (uint32_t i = 0; i < r->n_in; i++) {
    const ig_operand *in = ig_request_in(r, i);
    IG_KIND_REQUIRE(ig_operand_present(in) && ig_stype_of(in->dtype), "input %u has no numeric type", i);
    IG_TRY(ig_kind_same_dims(r, t, node, in, o->dims, o->rank, "an input and the result of a pointwise operation"));
  }
  for (uint32_t i = 0; i < r->n_out; i++) ig_kind_copy_dims(out[i], &out_rank[i], o->dims, o->rank);
  return NULL;
}

const ig_kind_def ig_kind_def_map = {.name = "map", .id = IG_KIND_map, .max_in = 32, .min_out = 1, .max_out = 8, .out_dims = out_dims};
