/* The verifier: single assignment, order, scopes, types, and what each stage allows. Written against the structures alone, so that it
 * catches what any pass gets wrong; what an operator's record demands is ig_op_check's. LOWERED nodes: verify_lowered.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ir/verify.h"

enum { UNSEEN = 0, VISIBLE = 1, OUT_OF_SCOPE = 2 };
#define BUG IG_ERROR_INTERNAL

typedef struct scope {
  ig_ir *ir;
  uint8_t *state;
  uint32_t depth;
} scope;

static const char *type_of(const ig_node *n) {
  static const char *const forms[] = {"", "kernel", "view", "if", "trap"};
  if (n->form == IG_FORM_OP) return n->type;
  return (unsigned)n->form < IG_COUNT(forms) ? forms[n->form] : "?";
}
#define NODE_REQUIRE(n, cond, ...)                                                                                                                   \
  do {                                                                                                                                               \
    if (!(cond)) return ig_status_node(BUG, (n)->name, type_of(n), __VA_ARGS__);                                                                     \
  } while (0)

static ig_status check_list(const ig_graph *g) {
  uint32_t n_nodes = 0;
  const ig_node *prev = NULL;
  for (const ig_node *n = g->first; n; prev = n, n = n->next) {
    NODE_REQUIRE(n, n->prev == prev, "list of nodes is broken: the previous node is not linked back");
    NODE_REQUIRE(n, n->graph == g, "node is in the list of a graph that is not its own");
    NODE_REQUIRE(n, ++n_nodes <= g->n_nodes, "graph '%s' counts %u nodes, but its list is longer", g->name, g->n_nodes);
  }
  IG_REQUIRE(g->last == prev, BUG, "graph '%s': the last node is not the end of the list", g->name);
  IG_REQUIRE(n_nodes == g->n_nodes, BUG, "graph '%s' counts %u nodes, but its list has %u", g->name, g->n_nodes, n_nodes);
  return NULL;
}

static ig_status check_data(const ig_val *v) {
  const ig_data *d = v->data;
  int64_t n;
  IG_REQUIRE(v->dtype == d->dtype && v->rank == (int8_t)d->rank, BUG, "constant '%s': type differs from that of its data", v->name);
  IG_REQUIRE(ig_data_count(d, &n), BUG, "constant '%s': dims are negative or overflow", v->name);
  IG_REQUIRE(d->n_bytes == ig_dtype_bytes(d->dtype, (uint64_t)n), BUG, "constant '%s' has %zu bytes, its type takes %zu", v->name, d->n_bytes,
             ig_dtype_bytes(d->dtype, (uint64_t)n));
  return NULL;
}

static ig_status check_val(const scope *s, const ig_val *v) {
  IG_REQUIRE(v->id < s->ir->next_id, BUG, "value '%s' has the id %u, but ids end at %u", v->name, v->id, s->ir->next_id);
  IG_REQUIRE(v->rank >= -1 && v->rank <= IG_MAX_RANK, BUG, "value '%s' has rank %d; %d is the most", v->name, v->rank, IG_MAX_RANK);
  for (int k = 0; k < v->rank; k++)
    IG_REQUIRE(v->dims[k] == IG_DIM_BAD || v->dims[k] < s->ir->dims.nodes.n, BUG, "value '%s': dim %d is not in the table of dims", v->name, k);
  if (v->data) IG_TRY(check_data(v));
  if (s->ir->stage == IG_STAGE_IMPORTED || v->kind != IG_VAL_TENSOR) return NULL;
  IG_REQUIRE(v->dtype != IG_DTYPE_NONE, BUG, "value '%s' has no data type after inference", v->name);
  IG_REQUIRE(v->rank >= 0, BUG, "value '%s' has no rank after inference", v->name);
  for (int k = 0; k < v->rank; k++)
    IG_REQUIRE(v->dims[k] != IG_DIM_BAD, BUG, "value '%s': dim %d is not known after inference", v->name, k);
  return NULL;
}

static ig_status define(scope *s, const ig_val *v) {
  IG_TRY(check_val(s, v));
  IG_REQUIRE(s->state[v->id] == UNSEEN, BUG, "value '%s' is defined twice", v->name);
  s->state[v->id] = VISIBLE;
  return NULL;
}

/* Constants need no definition and are visible everywhere. */
static ig_status check_use(const scope *s, const ig_val *v) {
  IG_TRY(check_val(s, v));
  if (v->data) return NULL;
  IG_REQUIRE(s->state[v->id] != OUT_OF_SCOPE, BUG, "value '%s' is used outside the graph that defines it", v->name);
  IG_REQUIRE(s->state[v->id] == VISIBLE, BUG, "value '%s' is used before it is defined", v->name);
  return NULL;
}

static ig_status check_attrs(const ig_node *n) {
  for (uint32_t i = 0; i < n->n_attrs; i++) {
    const ig_ir_attr *a = &n->attrs[i];
    NODE_REQUIRE(n, a->name && *a->name, "an attribute has no name");
    NODE_REQUIRE(n, a->type >= IG_ATTR_INT && a->type <= IG_ATTR_REF, "attribute '%s' has an unknown type", a->name);
    for (uint32_t k = 0; k < i; k++)
      NODE_REQUIRE(n, strcmp(n->attrs[k].name, a->name) != 0, "attribute '%s' is given twice", a->name);
  }
  return NULL;
}

static ig_status check_form(const scope *s, const ig_node *n) {
  const ig_stage stage = s->ir->stage;
  const bool lowered = stage == IG_STAGE_LOWERED;
  switch (n->form) {
  case IG_FORM_OP:
    NODE_REQUIRE(n, !lowered, "an operator is left at stage LOWERED");
    NODE_REQUIRE(n, n->type && *n->type, "node has no operator");
    NODE_REQUIRE(n, stage == IG_STAGE_IMPORTED || n->op, "operator without a record after inference");
    return check_attrs(n);
  case IG_FORM_TRAP:
    NODE_REQUIRE(n, stage != IG_STAGE_IMPORTED, "a trap at stage IMPORTED");
    NODE_REQUIRE(n, n->trap, "a trap without a message");
    return NULL;
  case IG_FORM_KERNEL:
  case IG_FORM_VIEW:
  case IG_FORM_IF:
    NODE_REQUIRE(n, lowered, "this form is for stage LOWERED only");
    return ig_verify_lowered(s->ir, n);
  }
  return ig_status_node(BUG, n->name, n->type, "unknown form %d", (int)n->form);
}

static ig_status check_graph(scope *s, const ig_graph *g, const ig_graph *parent);

static ig_status check_node(scope *s, const ig_node *n) {
  for (uint32_t i = 0; i < n->n_in; i++) {
    const ig_val *v = ig_node_in(n, i);
    if (v) IG_TRY_NOTE(check_use(s, v), "node '%s' (%s), input %u", n->name, type_of(n), i);
  }
  IG_TRY(check_form(s, n));
  const ig_graph *sub;
  for (uint32_t i = 0; (sub = ig_node_subgraph(n, i)); i++)
    IG_TRY_NOTE(check_graph(s, sub, n->graph), "node '%s' (%s)", n->name, type_of(n));
  for (uint32_t i = 0; i < n->n_out; i++) {
    const ig_val *v = n->out[i];
    if (!v) continue;
    NODE_REQUIRE(n, v->producer == n && v->index == i, "result %u ('%s') does not name this node as its producer", i, v->name);
    NODE_REQUIRE(n, v->graph == n->graph, "result %u ('%s') belongs to another graph", i, v->name);
    IG_TRY_NOTE(define(s, v), "node '%s' (%s), result %u", n->name, type_of(n), i);
  }
  return NULL;
}

static void leave(scope *s, const ig_graph *g) {
  for (uint32_t i = 0; i < g->n_inputs; i++)
    s->state[g->inputs[i]->id] = OUT_OF_SCOPE;
  for (const ig_node *n = g->first; n; n = n->next)
    for (uint32_t i = 0; i < n->n_out; i++)
      if (n->out[i]) s->state[n->out[i]->id] = OUT_OF_SCOPE;
}

static ig_status check_graph(scope *s, const ig_graph *g, const ig_graph *parent) {
  IG_REQUIRE(g->ir == s->ir, BUG, "graph '%s' belongs to another model", g->name);
  IG_REQUIRE(g->parent == parent, BUG, "graph '%s' does not name the graph around it as its parent", g->name);
  IG_REQUIRE(s->depth < IG_MAX_NESTING, IG_ERROR_LIMIT, "graphs are nested more than %d deep", IG_MAX_NESTING);
  s->depth++;
  IG_TRY(check_list(g));
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    IG_REQUIRE(g->inputs[i], BUG, "graph '%s' has no value for input %u", g->name, i);
    IG_REQUIRE(!g->inputs[i]->producer, BUG, "graph '%s': input '%s' has a producer", g->name, g->inputs[i]->name);
    IG_TRY_NOTE(define(s, g->inputs[i]), "graph '%s'", g->name);
  }
  for (const ig_node *n = g->first; n; n = n->next)
    IG_TRY(check_node(s, n));
  for (uint32_t i = 0; i < g->n_outputs; i++) {
    const ig_val *v = ig_graph_output(g, i);
    IG_REQUIRE(v, BUG, "graph '%s' has no value for output %u", g->name, i);
    IG_TRY_NOTE(check_use(s, v), "graph '%s', output %u", g->name, i);
  }
  if (parent) leave(s, g);
  s->depth--;
  return NULL;
}

ig_status ig_ir_verify(ig_ir *ir) {
  IG_REQUIRE(ir->main, BUG, "the model has no main graph");
  const size_t n = (size_t)ir->next_id + 1;
  scope s = {ir, ig_alloc_zero(&ir->env->alloc, n, 1), 0};
  IG_CHECK_MEM(s.state);
  ig_status st = check_graph(&s, ir->main, NULL);
  ig_free(&ir->env->alloc, s.state, n);
  return st;
}
