/* NodeProto -> ig_node: operands by name, attributes, results; then the record's import hook makes it canonical. Calls of model-local
 * functions are replaced by their bodies.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx/import.h"
#include "ops/op.h"

typedef struct parts {
  const ig_pb_node *proto;
  const char *name, *domain, *type;
  ig_val **in; uint32_t n_in;
  const char **out; uint32_t n_out;
} parts;

ig_status ig_onnx_node_name(ig_onnx_importer *im, const ig_onnx_frame *f, const ig_pb_node *p, const char **out) {
  const char *name;
  ig_wire_bytes first = { NULL, 0 };
  IG_TRY(ig_onnx_string(im, p->name, &name));
  ig_wire_iter it = ig_wire_iterate(&p->output);
  if (!name[0] && ig_wire_next(&it, &first)) IG_TRY(ig_onnx_string(im, first, &name));
  *out = f->prefix[0] ? ig_arena_printf(im->arena, "%s%s", f->prefix, name) : name;
  IG_ONNX_CHECK_MEM(im, *out);
  return NULL;
}

/* Puts the node in front of a failure that names none yet. */
static ig_status at_node(ig_status st, const parts *p) {
  if (!st || ig_status_detail(st, IG_DETAIL_NODE)) return st;
  st = ig_status_note(st, "node '%.300s' (%.150s)", p->name, p->type);
  return ig_status_with(ig_status_with(st, IG_DETAIL_NODE, p->name), IG_DETAIL_OP, p->type);
}

static ig_status find_inputs(ig_onnx_importer *im, const ig_onnx_scope *s, parts *p) {
  ig_wire_iter it = ig_wire_iterate(&p->proto->input);
  ig_wire_bytes b;
  while (ig_wire_next(&it, &b)) {
    const char *name;
    bool absent = false;
    IG_TRY(ig_onnx_string(im, b, &name));
    ig_val *v = name[0] ? ig_onnx_lookup(im, s, name, &absent) : NULL;
    IG_REQUIRE(!name[0] || v || absent, IG_ERROR_BAD_MODEL, "input '%s' is defined by no node, input or initialiser", name);
    p->in[p->n_in++] = v;
  }
  /* Left-out inputs at the end are the same as fewer inputs. */
  while (p->n_in > 0 && !p->in[p->n_in - 1]) p->n_in--;
  return NULL;
}

static ig_status find_outputs(ig_onnx_importer *im, parts *p) {
  ig_wire_iter it = ig_wire_iterate(&p->proto->output);
  ig_wire_bytes b;
  while (ig_wire_next(&it, &b)) IG_TRY(ig_onnx_string(im, b, &p->out[p->n_out++]));
  return NULL;
}

enum { MAX_ATTRS = 1024 };

static ig_status read_attrs(ig_onnx_importer *im, const ig_onnx_scope *s, const ig_wire_list *l, ig_ir_attr **out, uint32_t *out_n) {
  IG_REQUIRE(l->n <= MAX_ATTRS, IG_ERROR_BAD_MODEL, "%llu attributes, at most %d are allowed", (unsigned long long)l->n, MAX_ATTRS);
  ig_ir_attr *attrs = IG_NEW_ARRAY(im->arena, ig_ir_attr, (size_t)l->n);
  IG_ONNX_CHECK_MEM(im, attrs);
  uint32_t n = 0;
  ig_wire_iter it = ig_wire_iterate(l);
  ig_wire_bytes b;
  while (ig_wire_next(&it, &b)) {
    bool given;
    IG_TRY(ig_onnx_read_attr(im, s, s->graph, b, &attrs[n], &given));
    if (!given) continue;
    for (uint32_t i = 0; i < n; i++)
      IG_REQUIRE(strcmp(attrs[i].name, attrs[n].name) != 0, IG_ERROR_BAD_MODEL, "attribute '%s' is given twice", attrs[n].name);
    n++;
  }
  *out = attrs;
  *out_n = n;
  return NULL;
}

/* Results get the model's names, so they are made here and not by ig_node_new. */
static ig_status add_results(ig_onnx_importer *im, ig_onnx_scope *s, const parts *p, ig_node *n) {
  n->out = IG_NEW_ARRAY(im->arena, ig_val *, (size_t)p->n_out + 1);
  IG_ONNX_CHECK_MEM(im, n->out);
  n->n_out = p->n_out;
  for (uint32_t i = 0; i < p->n_out; i++) {
    if (!p->out[i][0]) continue;
    const char *prefix = s->frame->prefix;
    const char *name = prefix[0] ? ig_arena_printf(im->arena, "%s%s", prefix, p->out[i]) : p->out[i];
    ig_val *v = name ? ig_val_new(s->graph, name) : NULL;
    IG_ONNX_CHECK_MEM(im, v);
    v->producer = n;
    v->index = i;
    n->out[i] = v;
    IG_TRY(ig_onnx_declare(im, s, p->out[i], v));
  }
  return NULL;
}

static ig_status add_node(ig_onnx_importer *im, ig_onnx_scope *s, const parts *p) {
  ig_ir_attr *attrs = NULL;
  uint32_t n_attrs = 0;
  const int64_t opset = ig_onnx_opset_of(im, s->frame, p->domain);
  IG_REQUIRE(opset != 0 || p->domain[0], IG_ERROR_BAD_MODEL, "the model imports no operator set of ai.onnx (opset_import)");
  IG_TRY(read_attrs(im, s, &p->proto->attribute, &attrs, &n_attrs));
  ig_node *n = ig_node_new(s->graph, NULL, p->name, IG_FORM_OP, p->in, p->n_in, 0);
  IG_ONNX_CHECK_MEM(im, n);
  n->domain = p->domain;
  n->type = p->type;
  n->opset = opset;
  n->op = ig_op_find(p->domain, p->type);
  n->attrs = attrs;
  n->n_attrs = n_attrs;
  IG_TRY(add_results(im, s, p, n));
  /* Versions that are too old are reported by ig_op_check, with all other problems. */
  if (!n->op || !n->op->import || opset < n->op->oldest) return NULL;
  const ig_status st = n->op->import(n, opset);
  if (ig_status_code(st) != IG_ERROR_OUT_OF_MEMORY || !im->arena->over_limit) return st;
  ig_status_free(st);
  return ig_onnx_no_memory(im);
}

static ig_status fill_parts(ig_onnx_importer *im, ig_onnx_scope *s, parts *p) {
  const char *overload;
  ig_onnx_function *f;
  IG_TRY(find_inputs(im, s, p));
  IG_TRY(find_outputs(im, p));
  IG_TRY(ig_onnx_string(im, p->proto->overload, &overload));
  IG_TRY(ig_onnx_find_function(im, p->domain, p->type, overload, &f));
  if (!f) return add_node(im, s, p);
  return ig_onnx_inline(im, s, f, p->proto, p->name, p->in, p->n_in, p->out, p->n_out);
}

static ig_status import_node(ig_onnx_importer *im, ig_onnx_scope *s, ig_wire_bytes bytes) {
  ig_pb_node proto;
  parts p = { .proto = &proto };
  IG_TRY(IG_PB_READ(node, bytes, &proto));
  IG_TRY(ig_onnx_node_name(im, s->frame, &proto, &p.name));
  IG_TRY_NOTE(ig_onnx_string(im, proto.op_type, &p.type), "node '%s'", p.name);
  IG_TRY_NOTE(ig_onnx_string(im, proto.domain, &p.domain), "node '%s' (%s)", p.name, p.type);
  IG_REQUIRE(p.type[0], IG_ERROR_BAD_MODEL, "node '%s' has no operator (op_type)", p.name);
  if (strcmp(p.domain, "ai.onnx") == 0) p.domain = "";
  const size_t n_in = (size_t)proto.input.n, n_out = (size_t)proto.output.n;
  p.in = ig_alloc_zero(im->alloc, n_in + 1, sizeof *p.in);
  p.out = ig_alloc_zero(im->alloc, n_out + 1, sizeof *p.out);
  const ig_status st = p.in && p.out ? at_node(fill_parts(im, s, &p), &p) : IG_OOM();
  ig_free(im->alloc, p.in, (n_in + 1) * sizeof *p.in);
  ig_free(im->alloc, p.out, (n_out + 1) * sizeof *p.out);
  return st;
}

ig_status ig_onnx_import_nodes(ig_onnx_importer *im, ig_onnx_scope *s, const ig_wire_list *nodes) {
  ig_wire_bytes *order, b;
  IG_TRY(ig_onnx_order(im, s->frame, nodes, &order));
  ig_wire_iter it = ig_wire_iterate(nodes);
  ig_status st = NULL;
  for (uint64_t i = 0; !st && ig_wire_next(&it, &b); i++) st = import_node(im, s, order ? order[i] : b);
  ig_free(im->alloc, order, (size_t)nodes->n * sizeof *order);
  return st;
}
