/* AttributeProto -> ig_ir_attr. A reference to a function's attribute is replaced by what the call gives, read in the caller's scope, or by
 * the function's default; where neither is there the attribute is left out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx/import.h"

static bool has(const ig_pb_attr *a, uint32_t number) { return ig_pb_has(&ig_pb_attr_message, a, number); }

/* Old files give no type: it follows from the field that is there. */
static int64_t type_of(const ig_pb_attr *a) {
  static const struct { uint32_t number; int64_t type;
  } rows[] = {
    { 2, IG_PB_FLOAT },       { 3, IG_PB_INT },          { 4, IG_PB_STRING },         { 5, IG_PB_TENSOR },
    { 6, IG_PB_GRAPH },       { 7, IG_PB_FLOATS },       { 8, IG_PB_INTS },           { 9, IG_PB_STRINGS },
    { 10, IG_PB_TENSORS },    { 11, IG_PB_GRAPHS },      { 22, IG_PB_SPARSE_TENSOR }, { 23, IG_PB_SPARSE_TENSORS },
    { 14, IG_PB_TYPE_PROTO }, { 15, IG_PB_TYPE_PROTOS },
  };
  if (a->type) return a->type;
  for (size_t i = 0; i < IG_COUNT(rows); i++)
    if (has(a, rows[i].number)) return rows[i].type;
  return 0;
}

static ig_status read_ints(ig_onnx_importer *im, const ig_wire_list *l, ig_ir_attr *out) {
  int64_t *v = IG_NEW_ARRAY(im->arena, int64_t, (size_t)l->n);
  IG_ONNX_CHECK_MEM(im, v);
  ig_wire_iter it = ig_wire_iterate(l);
  while (out->n < l->n && ig_wire_next_int(&it, &v[out->n])) out->n++;
  out->v.ints = v;
  return NULL;
}

static ig_status read_floats(ig_onnx_importer *im, const ig_wire_list *l, ig_ir_attr *out) {
  float *v = IG_NEW_ARRAY(im->arena, float, (size_t)l->n);
  IG_ONNX_CHECK_MEM(im, v);
  ig_wire_iter it = ig_wire_iterate(l);
  while (out->n < l->n && ig_wire_next_float(&it, &v[out->n])) out->n++;
  out->v.floats = v;
  return NULL;
}

/* Attribute strings are bytes: any, but a C string must be able to hold them. */
static ig_status read_string(ig_onnx_importer *im, ig_wire_bytes b, const char *name, const char **out) {
  IG_REQUIRE(b.n == 0 || !memchr(b.p, 0, b.n), IG_ERROR_UNSUPPORTED, "attribute '%s': strings with NUL bytes are not supported", name);
  *out = ig_arena_strndup(im->arena, (const char *)b.p, b.n);
  IG_ONNX_CHECK_MEM(im, *out);
  return NULL;
}

static ig_status read_strings(ig_onnx_importer *im, const ig_wire_list *l, ig_ir_attr *out) {
  const char **v = IG_NEW_ARRAY(im->arena, const char *, (size_t)l->n);
  IG_ONNX_CHECK_MEM(im, v);
  ig_wire_iter it = ig_wire_iterate(l);
  ig_wire_bytes b;
  while (out->n < l->n && ig_wire_next(&it, &b)) IG_TRY(read_string(im, b, out->name, &v[out->n++]));
  out->v.strings = v;
  return NULL;
}

static ig_status read_tensor(ig_onnx_importer *im, ig_wire_bytes b, bool sparse, ig_ir_attr *out) {
  IG_REQUIRE(b.p, IG_ERROR_BAD_MODEL, "attribute '%s': the tensor is missing", out->name);
  ig_data *d = IG_NEW(im->arena, ig_data);
  IG_ONNX_CHECK_MEM(im, d);
  IG_TRY_NOTE(sparse ? ig_onnx_sparse(im, b, NULL, d) : ig_onnx_tensor(im, b, NULL, d), "attribute '%s'", out->name);
  out->type = IG_ATTR_TENSOR;
  out->v.tensor = d;
  return NULL;
}

static ig_status read_graph(ig_onnx_importer *im, const ig_onnx_scope *s, ig_graph *graph, ig_wire_bytes b, const char *name, ig_graph **out) {
  IG_REQUIRE(b.p, IG_ERROR_BAD_MODEL, "attribute '%s': the graph is missing", name);
  return ig_onnx_import_graph(im, s->frame, s, graph, b, out);
}

static ig_status read_graphs(ig_onnx_importer *im, const ig_onnx_scope *s, ig_graph *graph, const ig_wire_list *l, ig_ir_attr *out) {
  ig_graph **v = IG_NEW_ARRAY(im->arena, ig_graph *, (size_t)l->n);
  IG_ONNX_CHECK_MEM(im, v);
  ig_wire_iter it = ig_wire_iterate(l);
  ig_wire_bytes b;
  while (out->n < l->n && ig_wire_next(&it, &b)) IG_TRY(read_graph(im, s, graph, b, out->name, &v[out->n++]));
  out->v.graphs = v;
  return NULL;
}

static ig_status read_value(ig_onnx_importer *im, const ig_onnx_scope *s, ig_graph *graph, const ig_pb_attr *a, ig_ir_attr *out) {
  switch (out->type) {
    case IG_ATTR_INT: out->v.i = a->i; return NULL;
    case IG_ATTR_FLOAT: out->v.f = a->f; return NULL;
    case IG_ATTR_STRING: out->n = (uint32_t)a->s.n; return read_string(im, a->s, out->name, &out->v.s);
    case IG_ATTR_INTS: return read_ints(im, &a->ints, out);
    case IG_ATTR_FLOATS: return read_floats(im, &a->floats, out);
    case IG_ATTR_STRINGS: return read_strings(im, &a->strings, out);
    case IG_ATTR_TENSOR: return read_tensor(im, a->t, false, out);
    case IG_ATTR_GRAPH: return read_graph(im, s, graph, a->g, out->name, &out->v.graph);
    default: return read_graphs(im, s, graph, &a->graphs, out);
  }
}

/* The type's own field, and the ir's type; field 0 for types that are not done. */
static const struct { uint32_t number; ig_attr_type_id type;
} types[] = {
  [IG_PB_FLOAT] = { 2, IG_ATTR_FLOAT },    [IG_PB_INT] = { 3, IG_ATTR_INT },
  [IG_PB_STRING] = { 4, IG_ATTR_STRING },  [IG_PB_TENSOR] = { 5, IG_ATTR_TENSOR },
  [IG_PB_GRAPH] = { 6, IG_ATTR_GRAPH },    [IG_PB_FLOATS] = { 7, IG_ATTR_FLOATS },
  [IG_PB_INTS] = { 8, IG_ATTR_INTS },      [IG_PB_STRINGS] = { 9, IG_ATTR_STRINGS },
  [IG_PB_GRAPHS] = { 11, IG_ATTR_GRAPHS }, [IG_PB_SPARSE_TENSOR] = { 22, IG_ATTR_TENSOR },
};

/* An absent number, string or list is the default of protobuf (0, "", none), but not where another field is there instead. */
static ig_status check_field(const ig_pb_attr *a, const char *name, uint32_t number) {
  static const uint32_t payloads[] = { 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15, 22, 23 };
  if (has(a, number)) return NULL;
  for (size_t i = 0; i < IG_COUNT(payloads); i++)
    IG_REQUIRE(!has(a, payloads[i]), IG_ERROR_BAD_MODEL, "attribute '%s': its type says field %u, but field %u is filled", name, number, payloads[i]);
  return NULL;
}

static ig_status read_plain(ig_onnx_importer *im, const ig_onnx_scope *s, ig_graph *graph, const ig_pb_attr *a, ig_ir_attr *out) {
  const int64_t type = type_of(a);
  IG_REQUIRE(type != 0, IG_ERROR_BAD_MODEL, "attribute '%s' has neither type nor value", out->name);
  IG_REQUIRE(type > 0 && type <= IG_PB_TYPE_PROTOS, IG_ERROR_BAD_MODEL, "attribute '%s': type %lld does not exist", out->name, (long long)type);
  const uint32_t number = (size_t)type < IG_COUNT(types) ? types[type].number : 0;
  if (number == 0)
    return ig_status_with(ig_status_new(IG_ERROR_UNSUPPORTED, "attribute '%s': lists of tensors and type descriptions are not supported", out->name),
                          IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_ATTR");
  IG_TRY(check_field(a, out->name, number));
  out->type = types[type].type;
  if (type == IG_PB_SPARSE_TENSOR) return read_tensor(im, a->sparse_tensor, true, out);
  return read_value(im, s, graph, a, out);
}

/* The attribute of that name in a list of AttributeProto. */
static ig_status find_attr(ig_onnx_importer *im, const ig_wire_list *l, const char *name, ig_pb_attr *out, bool *out_found) {
  ig_wire_iter it = ig_wire_iterate(l);
  ig_wire_bytes b;
  *out_found = false;
  IG_TRY(ig_onnx_reread(im, l));
  while (!*out_found && ig_wire_next(&it, &b)) {
    const char *other;
    IG_TRY(IG_PB_READ(attr, b, out));
    IG_TRY(ig_onnx_string(im, out->name, &other));
    *out_found = strcmp(name, other) == 0;
  }
  return NULL;
}

typedef struct resolved { ig_pb_attr attr; const ig_onnx_scope *scope; bool found; } resolved;

/* One step outwards: what the call around s gives for `name`, and the function's default, which replaces *fallback where there is one. */
static ig_status look_outwards(ig_onnx_importer *im, const ig_onnx_scope *s, const char *name, resolved *given, resolved *fallback) {
  const ig_onnx_frame *frame = s->frame;
  ig_pb_attr def;
  bool found;
  IG_TRY(find_attr(im, &frame->function->proto.attribute_proto, name, &def, &found));
  IG_REQUIRE(!found || def.ref_attr_name.n == 0, IG_ERROR_BAD_MODEL, "default of attribute '%s' is a reference", name);
  if (found) *fallback = (resolved){ def, s, true };
  given->scope = frame->caller;
  return find_attr(im, &frame->call->attribute, name, &given->attr, &given->found);
}

/* A call may itself pass on an attribute that its own call leaves out: then the nearest default on the way serves. */
static ig_status read_reference(ig_onnx_importer *im, const ig_onnx_scope *s, ig_graph *graph, const ig_pb_attr *ref, ig_ir_attr *out,
                                bool *out_given) {
  resolved given = { *ref, s, true }, fallback = { .found = false };
  while (given.found && given.attr.ref_attr_name.n > 0) {
    const char *name;
    IG_TRY(ig_onnx_string(im, given.attr.ref_attr_name, &name));
    IG_REQUIRE(given.scope->frame->function, IG_ERROR_BAD_MODEL, "attribute '%s' refers to '%s' of a function, but lies in none", out->name, name);
    IG_TRY(look_outwards(im, given.scope, name, &given, &fallback));
  }
  if (!given.found) given = fallback;
  *out_given = given.found;
  if (!given.found) return NULL;
  const int64_t type = type_of(&given.attr);
  IG_REQUIRE(!ref->type || !type || type == ref->type, IG_ERROR_BAD_MODEL, "attribute '%s' has type %lld, the call gives type %lld", out->name,
             (long long)ref->type, (long long)type);
  return read_plain(im, given.scope, graph, &given.attr, out);
}

ig_status ig_onnx_read_attr(ig_onnx_importer *im, const ig_onnx_scope *s, ig_graph *graph, ig_wire_bytes bytes, ig_ir_attr *out, bool *out_given) {
  ig_pb_attr a;
  *out = (ig_ir_attr){ .name = "" };
  *out_given = true;
  IG_TRY(IG_PB_READ(attr, bytes, &a));
  IG_TRY(ig_onnx_string(im, a.name, &out->name));
  IG_REQUIRE(out->name[0], IG_ERROR_BAD_MODEL, "an attribute has no name");
  if (a.ref_attr_name.n > 0) return read_reference(im, s, graph, &a, out, out_given);
  return read_plain(im, s, graph, &a, out);
}
