/* Older spellings of pointwise operators. See ig_op.import.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/pointwise.h"

/* A float attribute becomes input i with the type of input 0, which need not be known yet: then CastLike gives it. */
static ig_status float_to_input(ig_node *n, const char *attr, uint32_t i) {
  const ig_ir_attr *a = ig_node_attr(n, attr);
  if (!a) return NULL;
  IG_NODE_REQUIRE(n, a->type == IG_ATTR_FLOAT, IG_ERROR_BAD_MODEL, "attribute '%s' has the wrong type", attr);
  ig_val *c = ig_val_const_bytes(n->graph, NULL, IG_DTYPE_F32, 0, NULL, &a->v.f), *like = ig_node_in(n, 0);
  if (!c) return ig_arena_status(ig_node_arena(n));
  if (like && like->dtype != IG_DTYPE_F32) {
    ig_val *in[2] = { c, like };
    ig_node *cast = ig_node_new(n->graph, n, NULL, IG_FORM_OP, in, 2, 1);
    if (!cast) return ig_arena_status(ig_node_arena(n));
    cast->op = ig_op_find("", "CastLike");
    cast->domain = cast->op->domain;
    cast->type = cast->op->name;
    cast->opset = cast->op->since;
    c = cast->out[0];
  }
  ig_adapt_drop(n, attr);
  return ig_adapt_input(n, i, c);
}

/* Clip-6: bounds are attributes; those at the ends of float32 bound nothing. */
ig_status ig_import_clip(ig_node *n, int64_t opset) {
  if (opset >= 11) return NULL;
  IG_TRY(float_to_input(n, "min", 1));
  return float_to_input(n, "max", 2);
}
