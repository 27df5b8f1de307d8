/* move: copies opaque elements, with padding.
 *
 * Padding on the high side is what the result has beyond pad_lo + input, so the result's dims are given and not derived (see request.h).
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/kind_util.h"

IG_OUT_DIMS(out_dims) {
  const ig_move_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *o = ig_request_out(r, 0);
  IG_KIND_REQUIRE(p->border >= IG_MOVE_NONE && p->border <= IG_MOVE_WRAP, "unknown border %lld", (long long)p->border);
  IG_KIND_REQUIRE(ig_operand_present(x) && x->dtype == o->dtype, "input and result differ in type");
  IG_KIND_REQUIRE(x->rank == o->rank, "input has %u dims, result has %u", x->rank, o->rank);
  if (ig_operand_is(r, 1)) {
    const ig_operand *c = ig_request_in(r, 1);
    IG_KIND_REQUIRE(c->rank == 0 && c->dtype == x->dtype && p->border == IG_MOVE_CONSTANT, "the padding value must be a scalar of the input's type");
  }
  for (uint32_t i = 0; i < x->rank; i++) {
    if (p->border != IG_MOVE_NONE) continue;
    const ig_dim lo = (ig_dim)p->pad_lo[i];
    IG_KIND_REQUIRE(lo == IG_DIM_BAD || ig_dim_equals(t, lo, 0), "a move without border has padding on axis %u", i);
    IG_TRY(ig_dims_assume_equal(t, x->dims[i], o->dims[i], node, "input and result of a copy", NULL));
  }
  ig_kind_copy_dims(out[0], &out_rank[0], o->dims, o->rank);
  return NULL;
}

static const ig_field fields[] = {IG_FIELD(ig_move_params, border, IG_FIELD_INT), IG_FIELD(ig_move_params, pad_lo, IG_FIELD_DIM)};
const ig_kind_def ig_kind_def_move = {.name = "move", .id = IG_KIND_move, .min_in = 1, .max_in = 2, .min_out = 1, .max_out = 1,
  .params_size = sizeof(ig_move_params), .fields = fields, .n_fields = IG_COUNT(fields), .out_dims = out_dims};
