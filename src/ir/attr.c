/* Attributes of nodes: look-up by name with a default, and setting. Nodes have few attributes, so a linear search it is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ir/graph.h"

const ig_ir_attr *ig_node_attr(const ig_node *n, const char *name) {
  for (uint32_t i = 0; i < n->n_attrs; i++)
    if (strcmp(n->attrs[i].name, name) == 0) return &n->attrs[i];
  return NULL;
}

int64_t ig_node_attr_i(const ig_node *n, const char *name, int64_t def) {
  const ig_ir_attr *a = ig_node_attr(n, name);
  return a && a->type == IG_ATTR_INT ? a->v.i : def;
}

float ig_node_attr_f(const ig_node *n, const char *name, float def) {
  const ig_ir_attr *a = ig_node_attr(n, name);
  return a && a->type == IG_ATTR_FLOAT ? a->v.f : def;
}

const char *ig_node_attr_s(const ig_node *n, const char *name, const char *def) {
  const ig_ir_attr *a = ig_node_attr(n, name);
  return a && a->type == IG_ATTR_STRING ? a->v.s : def;
}

const int64_t *ig_node_attr_ints(const ig_node *n, const char *name, uint32_t *out_n) {
  const ig_ir_attr *a = ig_node_attr(n, name);
  *out_n = a && a->type == IG_ATTR_INTS ? a->n : 0;
  return a && a->type == IG_ATTR_INTS ? a->v.ints : NULL;
}

ig_status ig_node_set_attr(ig_node *n, const ig_ir_attr *a) {
  ig_arena *arena = &n->graph->ir->arena;
  for (uint32_t i = 0; i < n->n_attrs; i++) {
    if (strcmp(n->attrs[i].name, a->name) != 0) continue;
    const char *name = n->attrs[i].name;
    n->attrs[i] = *a;
    n->attrs[i].name = name;
    return NULL;
  }
  const char *name = ig_arena_strdup(arena, a->name);
  /* Capacity is not stored: always a fresh array, one longer. Quadratic in one node's attributes only, of which there are tens. */
  ig_ir_attr *attrs = IG_NEW_ARRAY(arena, ig_ir_attr, (size_t)n->n_attrs + 1);
  if (!name || !attrs) return ig_arena_status(arena);
  if (n->n_attrs) memcpy(attrs, n->attrs, n->n_attrs * sizeof *attrs);
  attrs[n->n_attrs] = *a;
  attrs[n->n_attrs].name = name;
  n->attrs = attrs;
  n->n_attrs++;
  return NULL;
}
