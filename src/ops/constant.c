/* Constant: all forms of its attribute become a constant value; the node has no run-time part. Sparse tensors arrive as dense ones.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/structured.h"

static ig_val *scalar_or_list(ig_node *n, ig_dtype d, bool list, uint32_t count, const void *bytes) {
  const int64_t dim = count;
  return ig_val_const_bytes(n->graph, NULL, d, list ? 1 : 0, &dim, bytes);
}

static ig_val *strings(ig_node *n, const char *const *s, uint32_t count, bool list, const uint32_t *length) {
  typedef struct handle {
    const char *text;
    size_t size;
  } handle;
  handle *h = IG_NEW_ARRAY(ig_node_arena(n), handle, (size_t)count + 1);
  if (!h) return NULL;
  for (uint32_t i = 0; i < count; i++)
    h[i] = (handle){s[i], length ? *length : strlen(s[i])};
  return scalar_or_list(n, IG_DTYPE_STRING, list, count, h);
}

static ig_val *make(ig_node *n, const ig_ir_attr *a) {
  switch (a->type) {
  case IG_ATTR_TENSOR:
    return ig_val_const(n->graph, NULL, a->v.tensor);
  case IG_ATTR_INT:
    return scalar_or_list(n, IG_DTYPE_I64, false, 1, &a->v.i);
  case IG_ATTR_INTS:
    return scalar_or_list(n, IG_DTYPE_I64, true, a->n, a->v.ints);
  case IG_ATTR_FLOAT:
    return scalar_or_list(n, IG_DTYPE_F32, false, 1, &a->v.f);
  case IG_ATTR_FLOATS:
    return scalar_or_list(n, IG_DTYPE_F32, true, a->n, a->v.floats);
  case IG_ATTR_STRING:
    return strings(n, &a->v.s, 1, false, &a->n);
  default:
    return strings(n, a->v.strings, a->n, true, NULL);
  }
}

static ig_status infer(ig_node *n) {
  ig_val *out = ig_node_out(n, 0);
  IG_NODE_REQUIRE(n, n->n_attrs == 1, IG_ERROR_BAD_MODEL, "exactly one attribute must hold the value, %u are given", n->n_attrs);
  if (!out || out->forward) return NULL;
  ig_val *v = make(n, &n->attrs[0]);
  if (!v) return ig_arena_status(ig_node_arena(n));
  IG_TRY(ig_infer_same(n, 0, v));
  return ig_op_replace(n, 0, v);
}

static ig_status lower(ig_lower *l, const ig_node *n) {
  IG_UNUSED(l);
  IG_UNUSED(n); /* infer has replaced the result */
  return NULL;
}

static const ig_op_arg out_args[] = {{"output", 0, IG_TYPES_TENSOR, 0}};
static const ig_op_attr attrs[] = {{"value", IG_ATTR_TENSOR, false, 0, 0, NULL},        {"sparse_value", IG_ATTR_TENSOR, false, 0, 0, NULL},
                                   {"value_int", IG_ATTR_INT, false, 0, 0, NULL},       {"value_ints", IG_ATTR_INTS, false, 0, 0, NULL},
                                   {"value_float", IG_ATTR_FLOAT, false, 0, 0, NULL},   {"value_floats", IG_ATTR_FLOATS, false, 0, 0, NULL},
                                   {"value_string", IG_ATTR_STRING, false, 0, 0, NULL}, {"value_strings", IG_ATTR_STRINGS, false, 0, 0, NULL}};
static const char *const cases[] = {"value_int=3", "value_ints=1,2,3", "value_float=0.5", "value_floats=1.0,2.0", NULL};
const ig_op ig_op_Constant = {.domain = "",
                              .name = "Constant",
                              .since = 25,
                              .oldest = 1,
                              .cls = IG_CLASS_CONST,
                              .accuracy = IG_ACCURACY_EXACT,
                              .out = out_args,
                              .n_out = 1,
                              IG_OP_ATTRS(attrs),
                              .infer = infer,
                              .lower = lower,
                              .cases = cases};
