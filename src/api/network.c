/* Network definition by calls: builds the graph that the importer would build, through the same records.
 *
 * Types are inferred as nodes arrive, so that a wrong node is refused where it is added; what needs a value that is not known yet is left to
 * the build. A refused node leaves the network as it was.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"
#include "ingot/value.h"
#include "ir/verify.h"

struct ig_network {
  ig_env *env;
  ig_ir *ir;           /* NULL once finished */
  ig_strmap dim_names; /* name -> ig_dim, as a pointer-sized number */
  uint32_t cap_inputs, cap_outputs;
};

enum { DEFAULT_OPSET = 17 };

static ig_status no_network(const ig_network *n, const char *what) {
  IG_REQUIRE(n, IG_ERROR_INVALID_ARGUMENT, "%s: network is NULL", what);
  IG_REQUIRE(n->ir, IG_ERROR_INVALID_ARGUMENT, "%s: the network is finished", what);
  return NULL;
}

static ig_status set_opsets(ig_ir *ir, const ig_opset *sets, size_t n_sets) {
  static const ig_opset standard = {"", DEFAULT_OPSET};
  if (!sets) sets = &standard, n_sets = 1;
  ig_opset_version *v = IG_NEW_ARRAY(&ir->arena, ig_opset_version, n_sets + 1);
  if (!v) return ig_arena_status(&ir->arena);
  for (size_t i = 0; i < n_sets; i++) {
    const char *domain = !sets[i].domain || strcmp(sets[i].domain, "ai.onnx") == 0 ? "" : sets[i].domain;
    v[i] = (ig_opset_version){ig_arena_strdup(&ir->arena, domain), sets[i].version};
    if (!v[i].domain) return ig_arena_status(&ir->arena);
    IG_REQUIRE(sets[i].version > 0, IG_ERROR_INVALID_ARGUMENT, "ig_network_create: operator set '%s' has version %lld", domain,
               (long long)sets[i].version);
  }
  ir->opsets = v;
  ir->n_opsets = (uint32_t)n_sets;
  return ig_graph_new(ir, NULL, "main") ? NULL : ig_arena_status(&ir->arena);
}

ig_status ig_network_create(ig_env *env, const ig_opset *sets, size_t n_sets, ig_network **out_net) {
  IG_REQUIRE(out_net, IG_ERROR_INVALID_ARGUMENT, "ig_network_create: out_net is NULL");
  *out_net = NULL;
  IG_REQUIRE(env && (sets || !n_sets), IG_ERROR_INVALID_ARGUMENT, "ig_network_create: env or sets is NULL");
  ig_network *n = ig_alloc_zero(&env->alloc, 1, sizeof *n);
  IG_CHECK_MEM(n);
  n->env = env;
  ig_env_retain(env);
  ig_strmap_init(&n->dim_names, &env->alloc);
  ig_status st = ig_ir_create(env, 0, &n->ir);
  if (!st) st = set_opsets(n->ir, sets, n_sets);
  if (st)
    ig_network_release(n);
  else
    *out_net = n;
  return st;
}

void ig_network_release(ig_network *n) {
  if (!n) return;
  ig_env *env = n->env;
  ig_ir_destroy(n->ir);
  ig_strmap_free(&n->dim_names);
  ig_free(&env->alloc, n, sizeof *n);
  ig_env_release(env);
}

static ig_status free_name(const ig_network *n, const char *name, const char *what) {
  IG_REQUIRE(name && *name, IG_ERROR_INVALID_ARGUMENT, "%s: the name is empty", what);
  IG_REQUIRE(!ig_strmap_get(&n->ir->names, name), IG_ERROR_INVALID_ARGUMENT, "%s: there is a value '%s' already", what, name);
  return NULL;
}

/* Lists that grow by doubling in the arena. */
static ig_status append(ig_ir *ir, ig_val ***list, uint32_t *n, uint32_t *cap, ig_val *v) {
  if (*n == *cap) {
    const uint32_t room = *cap ? *cap * 2 : 8;
    ig_val **to = IG_NEW_ARRAY(&ir->arena, ig_val *, room);
    if (!to) return ig_arena_status(&ir->arena);
    if (*n) memcpy(to, *list, *n * sizeof *to);
    *list = to;
    *cap = room;
  }
  (*list)[(*n)++] = v;
  return NULL;
}

static ig_status dim_of(ig_network *n, const char *name, uint32_t io, uint32_t axis, ig_dim *out) {
  ig_ir *ir = n->ir;
  const uintptr_t known = name ? (uintptr_t)ig_strmap_get(&n->dim_names, name) : 0;
  *out = (ig_dim)known;
  if (known) return NULL;
  const char *label = name ? ig_arena_strdup(&ir->arena, name) : ig_arena_printf(&ir->arena, "d%u_%u", io, axis);
  if (!label) return ig_arena_status(&ir->arena);
  *out = ig_dims_symbol(&ir->dims, label, IG_SYMBOL_INPUT, io, axis, 0, IG_DIM_UNBOUNDED);
  IG_TRY(ig_dims_take_error(&ir->dims));
  if (name && !ig_strmap_set(&n->dim_names, label, (void *)(uintptr_t)*out)) return IG_OOM();
  return NULL;
}

ig_status ig_network_add_input(ig_network *n, const char *name, ig_dtype dtype, const int64_t *dims, const char *const *dim_names, size_t rank) {
  IG_TRY(no_network(n, "ig_network_add_input"));
  IG_TRY(free_name(n, name, "ig_network_add_input"));
  IG_REQUIRE(rank <= IG_MAX_RANK && (dims || !rank), IG_ERROR_INVALID_ARGUMENT, "ig_network_add_input '%s': %zu dims (at most %d), or dims is NULL",
             name, rank, IG_MAX_RANK);
  IG_REQUIRE(ig_type_bit(dtype), IG_ERROR_INVALID_ARGUMENT, "ig_network_add_input '%s': data type 0x%x is not known", name, dtype);
  ig_ir *ir = n->ir;
  ig_graph *g = ir->main;
  ig_dim d[IG_MAX_RANK];
  for (size_t k = 0; k < rank; k++) {
    IG_REQUIRE(dims[k] >= -1 && dims[k] <= IG_DIM_UNBOUNDED, IG_ERROR_INVALID_ARGUMENT, "ig_network_add_input '%s': dim %zu is %lld", name, k,
               (long long)dims[k]);
    if (dims[k] >= 0)
      d[k] = ig_dim_const(&ir->dims, dims[k]);
    else
      IG_TRY(dim_of(n, dim_names ? dim_names[k] : NULL, g->n_inputs, (uint32_t)k, &d[k]));
  }
  IG_TRY(ig_dims_take_error(&ir->dims));
  ig_val *v = ig_val_new(g, name);
  if (!v) return ig_arena_status(&ir->arena);
  ig_val_set_type(v, dtype, (int)rank, d);
  v->index = g->n_inputs;
  return append(ir, &g->inputs, &g->n_inputs, &n->cap_inputs, v);
}

static ig_status constant_of(ig_network *n, const char *name, const ig_tensor *t, ig_data **out) {
  ig_arena *a = &n->ir->arena;
  IG_REQUIRE(t->dtype != IG_DTYPE_STRING && ig_type_bit(t->dtype), IG_ERROR_INVALID_ARGUMENT, "constant '%s': data type %s is not possible here",
             name, ig_dtype_name(t->dtype));
  ig_value *v;
  IG_TRY_NOTE(ig_value_create(n->env, name, t, &v), "constant '%s'", name);
  const ig_tensor *c = ig_value_tensor(v);
  ig_data *d = IG_NEW(a, ig_data);
  int64_t count = 0;
  if (d) {
    *d = (ig_data){.dtype = c->dtype, .rank = (uint8_t)c->rank};
    if (c->rank) memcpy(d->dims, c->dims, (size_t)c->rank * sizeof *c->dims);
    const bool ok = ig_data_count(d, &count);
    d->n_bytes = ok ? ig_dtype_bytes(d->dtype, (uint64_t)count) : 0;
    void *bytes = ig_arena_alloc(a, d->n_bytes + 1);
    if (bytes && d->n_bytes) memcpy(bytes, c->data, d->n_bytes);
    d->bytes = bytes;
  }
  ig_value_release(v);
  *out = d;
  return d && d->bytes ? NULL : ig_arena_status(a);
}

ig_status ig_network_add_constant(ig_network *n, const char *name, const ig_tensor *t) {
  IG_TRY(no_network(n, "ig_network_add_constant"));
  IG_TRY(free_name(n, name, "ig_network_add_constant"));
  IG_REQUIRE(t, IG_ERROR_INVALID_ARGUMENT, "ig_network_add_constant '%s': tensor is NULL", name);
  ig_data *d;
  IG_TRY(constant_of(n, name, t, &d));
  return ig_val_const(n->ir->main, name, d) ? NULL : ig_arena_status(&n->ir->arena);
}

/* ---- nodes ---- */

static ig_status copy_attr(ig_network *n, const ig_attr *from, ig_ir_attr *to) {
  ig_arena *a = &n->ir->arena;
  IG_REQUIRE(from->name, IG_ERROR_INVALID_ARGUMENT, "an attribute has no name");
  *to = (ig_ir_attr){.name = from->name};
  ig_data *d;
  int64_t *ints;
  float *floats;
  switch (from->kind) {
  case IG_ATTR_KIND_INT:
    to->type = IG_ATTR_INT, to->v.i = from->i;
    return NULL;
  case IG_ATTR_KIND_FLOAT:
    to->type = IG_ATTR_FLOAT, to->v.f = (float)from->f;
    return NULL;
  case IG_ATTR_KIND_STRING:
    IG_REQUIRE(from->s, IG_ERROR_INVALID_ARGUMENT, "attribute '%s': s is NULL", from->name);
    to->type = IG_ATTR_STRING;
    to->n = (uint32_t)strlen(from->s);
    return (to->v.s = ig_arena_strdup(a, from->s)) ? NULL : ig_arena_status(a);
  case IG_ATTR_KIND_INTS:
    IG_REQUIRE(from->ints || !from->n, IG_ERROR_INVALID_ARGUMENT, "attribute '%s': ints is NULL", from->name);
    if (!(ints = IG_NEW_ARRAY(a, int64_t, from->n + 1))) return ig_arena_status(a);
    if (from->n) memcpy(ints, from->ints, from->n * sizeof *ints);
    to->type = IG_ATTR_INTS, to->v.ints = ints, to->n = (uint32_t)from->n;
    return NULL;
  case IG_ATTR_KIND_FLOATS:
    IG_REQUIRE(from->floats || !from->n, IG_ERROR_INVALID_ARGUMENT, "attribute '%s': floats is NULL", from->name);
    if (!(floats = IG_NEW_ARRAY(a, float, from->n + 1))) return ig_arena_status(a);
    if (from->n) memcpy(floats, from->floats, from->n * sizeof *floats);
    to->type = IG_ATTR_FLOATS, to->v.floats = floats, to->n = (uint32_t)from->n;
    return NULL;
  case IG_ATTR_KIND_TENSOR:
    IG_REQUIRE(from->tensor, IG_ERROR_INVALID_ARGUMENT, "attribute '%s': tensor is NULL", from->name);
    IG_TRY(constant_of(n, from->name, from->tensor, &d));
    to->type = IG_ATTR_TENSOR, to->v.tensor = d;
    return NULL;
  }
  IG_FAIL(IG_ERROR_INVALID_ARGUMENT, "attribute '%s': kind %d is not known", from->name, (int)from->kind);
}

static ig_status opset_of(const ig_ir *ir, const char *domain, int64_t *out) {
  for (uint32_t i = 0; i < ir->n_opsets; i++) {
    *out = ir->opsets[i].version;
    if (strcmp(ir->opsets[i].domain, domain) == 0) return NULL;
  }
  IG_FAIL(IG_ERROR_INVALID_ARGUMENT, "ig_network_add_node: no operator set of domain '%s' was given to ig_network_create", domain);
}

static ig_status find_inputs(const ig_network *n, const char *op, const char *const *in, size_t n_in, ig_val **out) {
  for (size_t i = 0; i < n_in; i++) {
    out[i] = in[i] && *in[i] ? ig_strmap_get(&n->ir->names, in[i]) : NULL;
    IG_REQUIRE(out[i] || !in[i] || !*in[i], IG_ERROR_INVALID_ARGUMENT, "ig_network_add_node %s: there is no value '%s' yet", op, in[i]);
  }
  return NULL;
}

static ig_status name_results(ig_node *node, const char *const *out, size_t n_out) {
  const char *first = NULL;
  for (size_t i = 0; i < n_out; i++) {
    if (!out[i] || !*out[i]) {
      node->out[i] = NULL;
      continue;
    }
    if (!ig_val_rename(node->out[i], out[i])) return IG_OOM();
    if (!first) first = node->out[i]->name;
  }
  if (first) node->name = first;
  return NULL;
}

/* Values that decide shapes may come at build time only; everything else that is wrong is wrong now. */
static bool waits_for_build(ig_status st) {
  const char *issue = ig_status_detail(st, IG_DETAIL_ISSUE_CODE);
  return ig_status_code(st) == IG_ERROR_UNSUPPORTED && issue && (strcmp(issue, "UNSUPPORTED_SHAPE") == 0 || strcmp(issue, "UNSUPPORTED_INPUT") == 0);
}

static ig_status complete_node(ig_network *n, ig_node *node, const char *const *out, const ig_attr *attrs, size_t n_attrs) {
  for (size_t i = 0; i < n_attrs; i++) {
    ig_ir_attr a;
    IG_TRY_NOTE(copy_attr(n, &attrs[i], &a), "node %s", node->type);
    IG_TRY(ig_node_set_attr(node, &a));
  }
  IG_TRY(name_results(node, out, node->n_out));
  if (!node->op) return ig_op_check(node);
  if (node->op->import) IG_TRY(node->op->import(node, node->opset));
  ig_status st = ig_op_infer(node);
  if (!waits_for_build(st)) return st;
  ig_status_free(st);
  return ig_dims_take_error(&n->ir->dims);
}

/* Takes a refused node out again and frees its results' names; what an import hook put before it stays and is dead. */
static void drop_node(ig_network *n, ig_node *node, const char *const *out) {
  for (uint32_t i = 0; i < node->n_out; i++)
    if (node->out[i] && out[i] && strcmp(node->out[i]->name, out[i]) == 0 && !ig_strmap_set(&n->ir->names, node->out[i]->name, NULL)) break;
  ig_node_remove(node);
}

ig_status ig_network_add_node(ig_network *n, const char *domain, const char *op, const char *const *in, size_t n_in, const char *const *out,
                              size_t n_out, const ig_attr *attrs, size_t n_attrs) {
  IG_TRY(no_network(n, "ig_network_add_node"));
  IG_REQUIRE(op && (in || !n_in) && (out || !n_out) && (attrs || !n_attrs), IG_ERROR_INVALID_ARGUMENT,
             "ig_network_add_node: op, in, out or attrs is NULL");
  IG_REQUIRE(n_in < UINT32_MAX && n_out && n_out < UINT32_MAX, IG_ERROR_INVALID_ARGUMENT, "ig_network_add_node %s: %zu results", op, n_out);
  if (!domain || strcmp(domain, "ai.onnx") == 0) domain = "";
  ig_ir *ir = n->ir;
  int64_t opset = 0;
  IG_TRY(opset_of(ir, domain, &opset));
  for (size_t i = 0; i < n_out; i++) {
    if (!out[i] || !*out[i]) continue;
    IG_TRY(free_name(n, out[i], "ig_network_add_node"));
    for (size_t k = 0; k < i; k++)
      IG_REQUIRE(!out[k] || strcmp(out[k], out[i]) != 0, IG_ERROR_INVALID_ARGUMENT, "ig_network_add_node %s: result '%s' is named twice", op, out[i]);
  }
  ig_val **ins = IG_NEW_ARRAY(&ir->arena, ig_val *, n_in + 1);
  if (!ins) return ig_arena_status(&ir->arena);
  IG_TRY(find_inputs(n, op, in, n_in, ins));
  while (n_in && !ins[n_in - 1])
    n_in--;
  const char *type = ig_arena_strdup(&ir->arena, op), *own_domain = ig_arena_strdup(&ir->arena, domain);
  ig_node *node = type && own_domain ? ig_node_new(ir->main, NULL, NULL, IG_FORM_OP, ins, (uint32_t)n_in, (uint32_t)n_out) : NULL;
  if (!node) return ig_arena_status(&ir->arena);
  node->domain = own_domain;
  node->type = type;
  node->opset = opset;
  node->op = ig_op_find(own_domain, type);
  ig_status st = complete_node(n, node, out, attrs, n_attrs);
  if (st) drop_node(n, node, out);
  return st;
}

ig_status ig_network_mark_output(ig_network *n, const char *name) {
  IG_TRY(no_network(n, "ig_network_mark_output"));
  ig_ir *ir = n->ir;
  ig_graph *g = ir->main;
  ig_val *v = name ? ig_strmap_get(&ir->names, name) : NULL;
  IG_REQUIRE(v, IG_ERROR_INVALID_ARGUMENT, "ig_network_mark_output: there is no value '%s'", name ? name : "(NULL)");
  for (uint32_t i = 0; i < g->n_outputs; i++)
    IG_REQUIRE(strcmp(g->output_names[i], name) != 0, IG_ERROR_INVALID_ARGUMENT, "ig_network_mark_output: '%s' is an output already", name);
  const char **names = IG_NEW_ARRAY(&ir->arena, const char *, (size_t)g->n_outputs + 1);
  char *own = ig_arena_strdup(&ir->arena, name);
  if (!names || !own) return ig_arena_status(&ir->arena);
  if (g->n_outputs) memcpy(names, g->output_names, g->n_outputs * sizeof *names);
  names[g->n_outputs] = own;
  IG_TRY(append(ir, &g->outputs, &g->n_outputs, &n->cap_outputs, v));
  g->output_names = names;
  return NULL;
}

ig_status ig_network_finish(ig_network *n, ig_model **out_model) {
  IG_REQUIRE(out_model, IG_ERROR_INVALID_ARGUMENT, "ig_network_finish: out_model is NULL");
  *out_model = NULL;
  IG_TRY(no_network(n, "ig_network_finish"));
  IG_REQUIRE(n->ir->main->n_outputs, IG_ERROR_INVALID_ARGUMENT, "ig_network_finish: no output is marked");
  IG_TRY(ig_ir_verify(n->ir));
  ig_buf text;
  ig_buf_init(&text, &n->env->alloc);
  ig_ir_print(n->ir, true, &text);
  ig_model *m = text.failed ? NULL : ig_model_wrap(n->env, n->ir);
  if (m) m->hash = ig_hash(text.data, text.n, 0);
  ig_buf_free(&text);
  IG_CHECK_MEM(m);
  n->ir = NULL;
  *out_model = m;
  return NULL;
}
