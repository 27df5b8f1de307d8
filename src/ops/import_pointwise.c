/* Older spellings of pointwise operators. See ig_op.import.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/pointwise.h"

/* A node of ai.onnx before n, in its newest version, not inferred; NULL if memory is out. */
static ig_node *new_node(ig_node *n, const char *op, ig_val *const *in, uint32_t n_in) {
  ig_node *m = ig_node_new(n->graph, n, NULL, IG_FORM_OP, in, n_in, 1);
  if (!m) return NULL;
  m->op = ig_op_find("", op);
  m->domain = m->op->domain;
  m->type = m->op->name;
  m->opset = m->op->since;
  return m;
}

/* A float attribute becomes input i with the type of input 0, which need not be known yet: then CastLike gives it. */
static ig_status float_to_input(ig_node *n, const char *attr, uint32_t i) {
  const ig_ir_attr *a = ig_node_attr(n, attr);
  if (!a) return NULL;
  IG_NODE_REQUIRE(n, a->type == IG_ATTR_FLOAT, IG_ERROR_BAD_MODEL, "attribute '%s' has the wrong type", attr);
  ig_val *c = ig_val_const_bytes(n->graph, NULL, IG_DTYPE_F32, 0, NULL, &a->v.f), *like = ig_node_in(n, 0);
  if (!c) return ig_arena_status(ig_node_arena(n));
  if (like && like->dtype != IG_DTYPE_F32) {
    ig_val *in[2] = {c, like};
    ig_node *cast = new_node(n, "CastLike", in, 2);
    if (!cast) return ig_arena_status(ig_node_arena(n));
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

/* Input 1 gets n_axes axes of extent 1 at its end. */
static ig_status pad_right(ig_node *n, int n_axes) {
  int64_t axes[IG_MAX_RANK];
  for (int i = 0; i < n_axes; i++)
    axes[i] = i - n_axes;
  ig_val *in[2] = {n->in[1], ig_val_const_i64(n->graph, axes, (size_t)n_axes)};
  ig_node *m = in[1] ? new_node(n, "Unsqueeze", in, 2) : NULL;
  if (!m) return ig_arena_status(ig_node_arena(n));
  n->in[1] = m->out[0];
  return NULL;
}

static ig_status ranks_needed(const ig_node *n) {
  return ig_status_with(
      ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "broadcasting of before version 7 between tensors whose ranks are not known here"),
      IG_DETAIL_HINT, "convert the model with onnx.version_converter");
}

/* Before version 7, B's axes match A's from `axis` on (default: the last ones), and only if `broadcast` is set. */
ig_status ig_import_broadcast(ig_node *n, int64_t opset) {
  if (opset >= 7) return NULL;
  const bool given = ig_node_attr(n, "axis") != NULL;
  const int64_t axis = ig_node_attr_i(n, "axis", 0);
  ig_adapt_drop(n, "axis");
  ig_adapt_drop(n, "broadcast");
  ig_adapt_drop(n, "consumed_inputs");
  if (!given || n->n_in != 2) return NULL;
  const ig_val *a = ig_node_in(n, 0), *b = ig_node_in(n, 1);
  if (!a || !b || a->rank < 0 || b->rank < 0) return ranks_needed(n);
  const int64_t first = axis < 0 ? axis + a->rank : axis, n_axes = a->rank - b->rank - first;
  IG_NODE_REQUIRE(n, first >= 0 && n_axes >= 0, IG_ERROR_BAD_MODEL, "attribute 'axis' is %lld for inputs of %d and %d dims", (long long)axis, a->rank,
                  b->rank);
  return n_axes ? pad_right(n, (int)n_axes) : NULL;
}

/* Before version 7 a slope of one axis lies along the channels. */
ig_status ig_import_prelu(ig_node *n, int64_t opset) {
  if (opset >= 7 || n->n_in != 2) return NULL;
  ig_adapt_drop(n, "consumed_inputs");
  const ig_val *x = ig_node_in(n, 0), *slope = ig_node_in(n, 1);
  if (!x || !slope || x->rank < 0 || slope->rank < 0) return ranks_needed(n);
  return slope->rank == 1 && x->rank > 2 ? pad_right(n, x->rank - 2) : NULL;
}
