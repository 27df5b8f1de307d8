/* GraphProto -> ig_graph: inputs, initialisers, nodes, outputs, in this order; and names.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx/import.h"

ig_val *ig_onnx_lookup(const ig_onnx_importer *im, const ig_onnx_scope *s, const char *name, bool *out_absent) {
  *out_absent = false;
  for (; s; s = s->outer) {
    ig_val *v = ig_strmap_get(&s->names, name);
    *out_absent = v == &im->absent;
    if (v) return *out_absent ? NULL : ig_val_resolve(v);
  }
  return NULL;
}

ig_status ig_onnx_declare(ig_onnx_importer *im, ig_onnx_scope *s, const char *name, ig_val *v) {
  IG_UNUSED(im);
  IG_REQUIRE(!ig_strmap_get(&s->names, name), IG_ERROR_BAD_MODEL, "value '%s' is defined twice", name);
  return ig_strmap_set(&s->names, name, v) ? NULL : IG_OOM();
}

/* ---- constants ---- */

static ig_status add_constant(ig_onnx_importer *im, ig_onnx_scope *s, ig_wire_bytes bytes, bool sparse) {
  ig_data *d = IG_NEW(im->arena, ig_data);
  IG_ONNX_CHECK_MEM(im, d);
  const char *name;
  IG_TRY(sparse ? ig_onnx_sparse(im, bytes, &name, d) : ig_onnx_tensor(im, bytes, &name, d));
  IG_REQUIRE(name[0], IG_ERROR_BAD_MODEL, "an initialiser has no name");
  ig_val *v = ig_val_const(s->graph, name, d);
  IG_ONNX_CHECK_MEM(im, v);
  return ig_onnx_declare(im, s, name, v);
}

static ig_status add_constants(ig_onnx_importer *im, ig_onnx_scope *s, const ig_wire_list *l, bool sparse) {
  ig_wire_iter it = ig_wire_iterate(l);
  ig_wire_bytes b;
  while (ig_wire_next(&it, &b)) IG_TRY(add_constant(im, s, b, sparse));
  return NULL;
}

/* ---- inputs ---- */

/* Symbols of one name are one symbol. */
static ig_status named_symbol(ig_onnx_importer *im, const char *name, uint32_t io, uint32_t axis, ig_dim *out) {
  *out = (ig_dim)(uintptr_t)ig_strmap_get(&im->symbols, name);
  if (*out != IG_DIM_BAD) return NULL;
  *out = ig_dims_symbol(&im->ir->dims, name, IG_SYMBOL_INPUT, io, axis, 0, IG_DIM_UNBOUNDED);
  IG_TRY(ig_dims_take_error(&im->ir->dims));
  return ig_strmap_set(&im->symbols, name, (void *)(uintptr_t)*out) ? NULL : IG_OOM();
}

/* Exporters write these for "unknown"; equal ones do not mean equal dims. */
static bool says_unknown(const char *name) {
  static const char *const words[] = { "?", "-1", "None", "unknown" };
  for (size_t i = 0; i < IG_COUNT(words); i++)
    if (strcmp(name, words[i]) == 0) return true;
  return false;
}

static ig_status read_dim(ig_onnx_importer *im, ig_wire_bytes bytes, const ig_val *v, uint32_t io, uint32_t axis, ig_dim *out, int64_t *out_fixed) {
  ig_pb_dim d;
  const char *name;
  *out_fixed = 1;
  IG_TRY(IG_PB_READ(dim, bytes, &d));
  IG_TRY(ig_onnx_string(im, d.dim_param, &name));
  const bool given = ig_pb_has(&ig_pb_dim_message, &d, 1);
  if (name[0] && !given && !says_unknown(name)) return named_symbol(im, name, io, axis, out);
  if (!given || d.dim_value == -1) {
    const char *fresh = ig_arena_printf(im->arena, "%s_dim%u", v->name, axis);
    IG_ONNX_CHECK_MEM(im, fresh);
    *out = ig_dims_symbol(&im->ir->dims, fresh, IG_SYMBOL_INPUT, io, axis, 0, IG_DIM_UNBOUNDED);
    return ig_dims_take_error(&im->ir->dims);
  }
  *out = ig_dim_const(&im->ir->dims, d.dim_value);
  *out_fixed = d.dim_value;
  return ig_dims_take_error(&im->ir->dims);
}

static ig_status read_shape(ig_onnx_importer *im, ig_wire_bytes bytes, uint32_t io, ig_val *v) {
  ig_pb_shape shape;
  IG_TRY(IG_PB_READ(shape, bytes, &shape));
  if (shape.dim.n > IG_MAX_RANK) return ig_onnx_too_many_dims("input", v->name, shape.dim.n);
  ig_dim dims[IG_MAX_RANK];
  int64_t fixed[IG_MAX_RANK];
  uint32_t rank = 0;
  ig_wire_iter it = ig_wire_iterate(&shape.dim);
  ig_wire_bytes b;
  for (; rank < IG_MAX_RANK && ig_wire_next(&it, &b); rank++)
    IG_TRY_NOTE(read_dim(im, b, v, io, rank, &dims[rank], &fixed[rank]), "input '%s', dim %u", v->name, rank);
  uint64_t n;
  IG_TRY(ig_onnx_check_dims(im, "input", v->name, fixed, rank, &n));
  ig_val_set_type(v, v->dtype, (int)rank, dims);
  return NULL;
}

static ig_status read_tensor_type(ig_wire_bytes bytes, const char *name, ig_pb_tensor_type *out, ig_dtype *out_dtype) {
  IG_TRY(IG_PB_READ(tensor_type, bytes, out));
  IG_REQUIRE(out->elem_type != 0, IG_ERROR_BAD_MODEL, "input '%s': the data type is missing", name);
  *out_dtype = ig_dtype_from_onnx(out->elem_type);
  return *out_dtype == IG_DTYPE_NONE ? ig_onnx_unknown_type("input", name, out->elem_type) : NULL;
}

/* A main graph's tensor needs its rank; other graphs' inputs get type and dims from the node around. */
static ig_status set_tensor_type(ig_onnx_importer *im, ig_wire_bytes bytes, bool is_main, uint32_t io, ig_val *v) {
  ig_pb_tensor_type t;
  IG_TRY(read_tensor_type(bytes, v->name, &t, &v->dtype));
  if (!is_main) return NULL;
  if (!t.shape.p)
    return ig_status_with(ig_status_with(ig_status_new(IG_ERROR_UNSUPPORTED,
                                                       "input '%s' has no shape: its rank must be known; write one into the model, dims may stay symbolic",
                                                       v->name),
                                         IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_SHAPE"),
                          IG_DETAIL_HINT, "give the input a shape with symbolic dims, for example with onnx.helper.make_tensor_value_info");
  return read_shape(im, t.shape, io, v);
}

static ig_status set_type(ig_onnx_importer *im, ig_wire_bytes bytes, bool is_main, uint32_t io, ig_val *v) {
  ig_pb_type t;
  IG_TRY(IG_PB_READ(type, bytes, &t));
  if (t.tensor_type.p) return set_tensor_type(im, t.tensor_type, is_main, io, v);
  if (t.sequence_type.p) v->kind = IG_VAL_SEQUENCE;
  else if (t.optional_type.p) v->kind = IG_VAL_OPTIONAL;
  else if (t.map_type.p) v->kind = IG_VAL_MAP;
  else
    IG_REQUIRE(!is_main, t.sparse_tensor_type.p || t.opaque_type.p ? IG_ERROR_UNSUPPORTED : IG_ERROR_BAD_MODEL, "input '%s' has no tensor type",
               v->name);
  return NULL;
}

static ig_status add_input(ig_onnx_importer *im, ig_onnx_scope *s, bool is_main, ig_wire_bytes bytes, ig_strmap *seen) {
  ig_graph *g = s->graph;
  ig_pb_value_info info;
  const char *name;
  IG_TRY(IG_PB_READ(value_info, bytes, &info));
  IG_TRY(ig_onnx_string(im, info.name, &name));
  IG_REQUIRE(name[0], IG_ERROR_BAD_MODEL, "input %u has no name", g->n_inputs);
  IG_REQUIRE(!ig_strmap_get(seen, name), IG_ERROR_BAD_MODEL, "input '%s' is given twice", name);
  if (!ig_strmap_set(seen, name, im)) return IG_OOM();
  /* An initialiser of the same name is the input's default: a constant here. */
  if (ig_strmap_get(&s->names, name)) return NULL;
  ig_val *v = ig_val_new(g, name);
  IG_ONNX_CHECK_MEM(im, v);
  v->index = g->n_inputs;
  IG_TRY(set_type(im, info.type, is_main, g->n_inputs, v));
  g->inputs[g->n_inputs++] = v;
  return ig_onnx_declare(im, s, name, v);
}

static ig_status add_inputs(ig_onnx_importer *im, ig_onnx_scope *s, bool is_main, const ig_wire_list *l) {
  s->graph->inputs = IG_NEW_ARRAY(im->arena, ig_val *, (size_t)l->n + 1);
  IG_ONNX_CHECK_MEM(im, s->graph->inputs);
  ig_strmap seen;
  ig_strmap_init(&seen, im->alloc);
  ig_wire_iter it = ig_wire_iterate(l);
  ig_wire_bytes b;
  ig_status st = NULL;
  while (!st && ig_wire_next(&it, &b)) st = add_input(im, s, is_main, b, &seen);
  ig_strmap_free(&seen);
  return st;
}

/* ---- outputs ---- */

static ig_status add_output(ig_onnx_importer *im, const ig_onnx_scope *s, ig_wire_bytes bytes) {
  ig_graph *g = s->graph;
  ig_pb_value_info info;
  const char *name;
  bool absent;
  IG_TRY(IG_PB_READ(value_info, bytes, &info));
  IG_TRY(ig_onnx_string(im, info.name, &name));
  ig_val *v = ig_onnx_lookup(im, s, name, &absent);
  IG_REQUIRE(v, IG_ERROR_BAD_MODEL, "output '%s' is defined by no node, input or initialiser", name);
  g->output_names[g->n_outputs] = name;
  g->outputs[g->n_outputs++] = v;
  return NULL;
}

static ig_status add_outputs(ig_onnx_importer *im, const ig_onnx_scope *s, const ig_wire_list *l) {
  ig_graph *g = s->graph;
  g->outputs = IG_NEW_ARRAY(im->arena, ig_val *, (size_t)l->n + 1);
  g->output_names = IG_NEW_ARRAY(im->arena, const char *, (size_t)l->n + 1);
  IG_ONNX_CHECK_MEM(im, g->outputs && g->output_names);
  ig_wire_iter it = ig_wire_iterate(l);
  ig_wire_bytes b;
  while (ig_wire_next(&it, &b)) IG_TRY(add_output(im, s, b));
  return NULL;
}

/* ---- graph ---- */

static ig_status fill_graph(ig_onnx_importer *im, ig_onnx_scope *s, bool is_main, const ig_pb_graph *p) {
  if (!im->in_function) im->n_written += p->node.n;
  im->n_edges += p->input.n + p->output.n;
  IG_REQUIRE(im->n_edges <= im->limits.edges, IG_ERROR_LIMIT, "limit 'edges' (%llu) exceeded", (unsigned long long)im->limits.edges);
  IG_TRY(add_constants(im, s, &p->initializer, false));
  IG_TRY(add_constants(im, s, &p->sparse_initializer, true));
  IG_TRY(add_inputs(im, s, is_main, &p->input));
  IG_TRY(ig_onnx_import_nodes(im, s, &p->node));
  return add_outputs(im, s, &p->output);
}

ig_status ig_onnx_import_graph(ig_onnx_importer *im, const ig_onnx_frame *frame, const ig_onnx_scope *outer, ig_graph *parent, ig_wire_bytes bytes,
                               ig_graph **out) {
  ig_pb_graph p;
  const char *name;
  *out = NULL;
  IG_TRY(IG_PB_READ(graph, bytes, &p));
  IG_TRY(ig_onnx_string(im, p.name, &name));
  IG_TRY(ig_onnx_enter(im, "graph", name));
  ig_onnx_scope s = { .outer = outer, .frame = frame, .graph = ig_graph_new(im->ir, parent, name) };
  ig_strmap_init(&s.names, im->alloc);
  const ig_status st = s.graph ? fill_graph(im, &s, parent == NULL, &p) : ig_onnx_no_memory(im);
  ig_strmap_free(&s.names);
  ig_onnx_leave(im);
  if (!st) *out = s.graph;
  return st;
}
