/* The text form: printing. Its grammar by example is in text.h. Constants are written where they are first used.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ir/text.h"

typedef struct printer {
  const ig_ir *ir;
  bool full;
  ig_buf *out;
  uint8_t *shown;
  uint32_t n_shown;
} printer;

bool ig_text_is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '/' || c == ':' || c == '-';
}

void ig_text_quote(const char *s, size_t n, ig_buf *out) {
  ig_buf_str(out, "\"");
  for (size_t i = 0; i < n; i++) {
    const unsigned char c = (unsigned char)s[i];
    if (c == '"' || c == '\\')
      ig_buf_printf(out, "\\%c", c);
    else if (c < 0x20 || c == 0x7f)
      ig_buf_printf(out, "\\x%02x", c);
    else
      ig_buf_bytes(out, &s[i], 1);
  }
  ig_buf_str(out, "\"");
}

static void quote(const printer *p, const char *s) { ig_text_quote(s, strlen(s), p->out); }

static bool is_word(const char *s) {
  if (!*s) return false;
  for (; *s; s++)
    if (!ig_text_is_name_char(*s) || *s == '.' || *s == '/' || *s == ':' || *s == '-') return false;
  return true;
}

/* A name that is no word (custom operators, odd attributes) is quoted. */
static void print_word(const printer *p, const char *s) {
  if (is_word(s))
    ig_buf_str(p->out, s);
  else
    quote(p, s);
}

static void indent(const printer *p, uint32_t depth) {
  for (uint32_t i = 0; i < depth; i++)
    ig_buf_str(p->out, "  ");
}

static void print_ref(const printer *p, const ig_val *v) {
  if (!v) {
    ig_buf_str(p->out, "-");
    return;
  }
  ig_buf_str(p->out, "%");
  bool plain = *v->name != 0;
  for (const char *s = v->name; *s; s++)
    plain = plain && ig_text_is_name_char(*s);
  if (plain)
    ig_buf_str(p->out, v->name);
  else
    quote(p, v->name);
}

static void print_type(const printer *p, const ig_val *v) {
  static const char *const kinds[] = {"", "sequence ", "optional ", "map "};
  if (!v) {
    ig_buf_str(p->out, "-");
    return;
  }
  ig_buf_str(p->out, (unsigned)v->kind < IG_COUNT(kinds) ? kinds[v->kind] : "");
  ig_buf_str(p->out, ig_text_dtype(v->dtype));
  ig_buf_str(p->out, "[");
  if (v->rank < 0) ig_buf_str(p->out, "*");
  for (int k = 0; k < v->rank; k++) {
    if (k) ig_buf_str(p->out, ",");
    ig_dim_print(&p->ir->dims, v->dims[k], p->out);
  }
  ig_buf_str(p->out, "]");
}

static void print_const(printer *p, const ig_val *v, uint32_t depth) {
  if (!v || !v->data || v->id >= p->n_shown || p->shown[v->id]) return;
  p->shown[v->id] = 1;
  indent(p, depth);
  ig_buf_str(p->out, "const ");
  print_ref(p, v);
  ig_buf_str(p->out, " : ");
  print_type(p, v);
  ig_buf_str(p->out, " = ");
  ig_text_data(v->data, p->full, p->out);
  ig_buf_str(p->out, "\n");
}

static void print_data_type(const printer *p, const ig_data *d) {
  ig_buf_printf(p->out, "%s[", ig_text_dtype(d->dtype));
  for (uint32_t k = 0; k < d->rank; k++)
    ig_buf_printf(p->out, "%s%lld", k ? "," : "", (long long)d->dims[k]);
  ig_buf_str(p->out, "] = ");
  ig_text_data(d, p->full, p->out);
}

static void print_body(printer *p, const ig_graph *g, uint32_t depth);

static void print_block(printer *p, const ig_graph *g, uint32_t depth) {
  ig_buf_str(p->out, "graph ");
  quote(p, g->name);
  ig_buf_str(p->out, " {\n");
  print_body(p, g, depth + 1);
  indent(p, depth);
  ig_buf_str(p->out, "}");
}

static void print_attr(printer *p, const ig_ir_attr *a, uint32_t depth) {
  print_word(p, a->name);
  ig_buf_str(p->out, "=");
  switch (a->type) {
  case IG_ATTR_INT:
    ig_buf_printf(p->out, "%lld", (long long)a->v.i);
    return;
  case IG_ATTR_FLOAT:
    ig_text_f32(a->v.f, p->out);
    ig_buf_str(p->out, "f");
    return;
  case IG_ATTR_STRING:
    ig_text_quote(a->v.s, a->n ? a->n : strlen(a->v.s), p->out);
    return;
  case IG_ATTR_REF:
    ig_buf_str(p->out, "ref ");
    quote(p, a->v.s);
    return;
  case IG_ATTR_TENSOR:
    ig_buf_str(p->out, "tensor ");
    print_data_type(p, a->v.tensor);
    return;
  case IG_ATTR_GRAPH:
    print_block(p, a->v.graph, depth);
    return;
  case IG_ATTR_TENSORS:
    ig_buf_printf(p->out, "tensors(%u)", a->n);
    return;
  case IG_ATTR_INTS:
    ig_buf_str(p->out, a->n ? "[" : "ints[");
    break;
  case IG_ATTR_FLOATS:
    ig_buf_str(p->out, a->n ? "[" : "floats[");
    break;
  case IG_ATTR_STRINGS:
    ig_buf_str(p->out, a->n ? "[" : "strings[");
    break;
  case IG_ATTR_GRAPHS:
    ig_buf_str(p->out, "graphs[");
    break;
  }
  for (uint32_t i = 0; i < a->n; i++) {
    if (i) ig_buf_str(p->out, ",");
    if (a->type == IG_ATTR_INTS) ig_buf_printf(p->out, "%lld", (long long)a->v.ints[i]);
    if (a->type == IG_ATTR_FLOATS) {
      ig_text_f32(a->v.floats[i], p->out);
      ig_buf_str(p->out, "f");
    }
    if (a->type == IG_ATTR_STRINGS) quote(p, a->v.strings[i]);
    if (a->type == IG_ATTR_GRAPHS) print_block(p, a->v.graphs[i], depth);
  }
  ig_buf_str(p->out, "]");
}

static void print_attrs(printer *p, const ig_node *n, uint32_t depth) {
  if (!n->n_attrs) return;
  ig_buf_str(p->out, " {");
  for (uint32_t i = 0; i < n->n_attrs; i++) {
    if (i) ig_buf_str(p->out, ", ");
    print_attr(p, &n->attrs[i], depth);
  }
  ig_buf_str(p->out, "}");
}

static void print_view(const printer *p, const ig_node *n) {
  const ig_view_spec *w = &n->view;
  const int rank = n->n_out && n->out[0] ? n->out[0]->rank : 0;
  if (w->op != IG_VIEW_PERMUTE && w->op != IG_VIEW_SLICE) return;
  ig_buf_str(p->out, w->op == IG_VIEW_PERMUTE ? " [" : " start [");
  for (int k = 0; k < rank; k++) {
    if (k) ig_buf_str(p->out, ",");
    if (w->op == IG_VIEW_PERMUTE)
      ig_buf_printf(p->out, "%u", w->perm[k]);
    else
      ig_dim_print(&p->ir->dims, w->start[k], p->out);
  }
  ig_buf_str(p->out, "]");
  if (w->op != IG_VIEW_SLICE) return;
  ig_buf_str(p->out, " step [");
  for (int k = 0; k < rank; k++)
    ig_buf_printf(p->out, "%s%lld", k ? "," : "", (long long)w->step[k]);
  ig_buf_str(p->out, "]");
}

static void print_operator(const printer *p, const ig_node *n) {
  static const char *const views[] = {"view", "reshape", "permute", "slice", "expand", "bitcast"};
  switch (n->form) {
  case IG_FORM_KERNEL:
    ig_buf_str(p->out, "kernel");
    return;
  case IG_FORM_IF:
    ig_buf_str(p->out, "if");
    if (!n->cond) return;
    ig_buf_str(p->out, " [");
    ig_dim_print(&p->ir->dims, n->cond, p->out);
    ig_buf_str(p->out, "] ");
    return;
  case IG_FORM_TRAP:
    ig_buf_str(p->out, "trap ");
    quote(p, n->trap ? n->trap : "");
    return;
  case IG_FORM_VIEW:
    ig_buf_str(p->out, views[(unsigned)n->view.op < IG_COUNT(views) ? n->view.op : 0]);
    return;
  case IG_FORM_OP:
    break;
  }
  if (*n->domain || !is_word(n->type)) {
    quote(p, n->domain);
    ig_buf_str(p->out, ".");
  }
  print_word(p, n->type);
  for (uint32_t i = 0; i < p->ir->n_opsets; i++)
    if (strcmp(p->ir->opsets[i].domain, n->domain) == 0 && p->ir->opsets[i].version == n->opset) return;
  ig_buf_printf(p->out, "@%lld", (long long)n->opset);
}

static void print_lowered(printer *p, const ig_node *n, uint32_t depth) {
  if (n->form == IG_FORM_VIEW) print_view(p, n);
  if (n->form == IG_FORM_IF) {
    ig_buf_str(p->out, " then ");
    print_block(p, n->arms[0], depth);
    ig_buf_str(p->out, " else ");
    print_block(p, n->arms[1], depth);
  }
  if (n->form != IG_FORM_KERNEL || !n->region) return;
  ig_buf_str(p->out, " {");
  for (uint32_t i = 0; i < n->region->n_requests; i++) {
    ig_buf_str(p->out, i ? "; " : " ");
    ig_request_print(&n->region->requests[i], &p->ir->dims, p->out);
  }
  ig_buf_str(p->out, " }");
}

static void print_node(printer *p, const ig_node *n, uint32_t depth) {
  for (uint32_t i = 0; i < n->n_in; i++)
    print_const(p, ig_node_in(n, i), depth);
  indent(p, depth);
  for (uint32_t i = 0; i < n->n_out; i++) {
    if (i) ig_buf_str(p->out, ", ");
    print_ref(p, n->out[i]);
  }
  ig_buf_str(p->out, n->n_out ? " = " : "= ");
  print_operator(p, n);
  ig_buf_str(p->out, "(");
  for (uint32_t i = 0; i < n->n_in; i++) {
    if (i) ig_buf_str(p->out, ", ");
    print_ref(p, ig_node_in(n, i));
  }
  ig_buf_str(p->out, ")");
  print_attrs(p, n, depth);
  print_lowered(p, n, depth);
  for (uint32_t i = 0; i < n->n_out; i++) {
    ig_buf_str(p->out, i ? ", " : " : ");
    print_type(p, n->out[i]);
  }
  if (!n->n_out || !n->out[0] || strcmp(n->name, n->out[0]->name) != 0) {
    ig_buf_str(p->out, " @");
    quote(p, n->name);
  }
  if (n->sources && strcmp(n->sources, n->name) != 0) {
    ig_buf_str(p->out, " from ");
    quote(p, n->sources);
  }
  ig_buf_str(p->out, "\n");
}

static void print_body(printer *p, const ig_graph *g, uint32_t depth) {
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    indent(p, depth);
    ig_buf_str(p->out, "input ");
    print_ref(p, g->inputs[i]);
    ig_buf_str(p->out, " : ");
    print_type(p, g->inputs[i]);
    ig_buf_str(p->out, "\n");
  }
  for (const ig_node *n = g->first; n; n = n->next)
    print_node(p, n, depth);
  for (uint32_t i = 0; i < g->n_outputs; i++)
    print_const(p, ig_graph_output(g, i), depth);
  for (uint32_t i = 0; i < g->n_outputs; i++) {
    const ig_val *v = ig_graph_output(g, i);
    const char *declared = g->output_names ? g->output_names[i] : NULL;
    indent(p, depth);
    ig_buf_str(p->out, "output ");
    print_ref(p, v);
    if (v && declared && strcmp(declared, v->name) != 0) {
      ig_buf_str(p->out, " as ");
      quote(p, declared);
    }
    ig_buf_str(p->out, "\n");
  }
}

/* The number of the graph with that scope in the order in which graphs are printed, the main graph being 0; false where there is none. */
static bool find_scope(const ig_graph *g, uint32_t scope, uint32_t *number) {
  if (g->scope == scope) return true;
  const ig_graph *sub;
  for (const ig_node *n = g->first; n; n = n->next)
    for (uint32_t i = 0; (sub = ig_node_subgraph(n, i)); i++) {
      ++*number;
      if (find_scope(sub, scope, number)) return true;
    }
  return false;
}

static void print_dims(const printer *p) {
  static const char *const sorts[] = {"?", "input", "value", "produced"};
  static const char *const relations[] = {"?", "eq", "ge", "broadcast"};
  const ig_dims *t = &p->ir->dims;
  for (size_t i = 0; i < t->symbols.n; i++) {
    const ig_symbol *s = &t->symbols.data[i];
    ig_buf_str(p->out, "  symbol ");
    quote(p, s->name);
    ig_buf_printf(p->out, " %s %u %u %lld..%lld opt %lld\n", sorts[s->sort & 3], s->io, s->axis, (long long)s->min, (long long)s->max,
                  (long long)s->opt);
  }
  for (size_t i = 0; i < t->guards.n; i++) {
    const ig_guard *g = &t->guards.data[i];
    uint32_t number = 0;
    if (!find_scope(p->ir->main, g->scope, &number)) continue; /* of an arm that is gone */
    ig_buf_printf(p->out, "  guard %s [", relations[g->rel & 3]);
    ig_dim_print(t, g->a, p->out);
    ig_buf_str(p->out, ",");
    ig_dim_print(t, g->b, p->out);
    ig_buf_str(p->out, "] ");
    quote(p, g->node ? g->node : "");
    ig_buf_str(p->out, " ");
    quote(p, g->what ? g->what : "");
    if (number) ig_buf_printf(p->out, " in %u", number);
    ig_buf_str(p->out, "\n");
  }
}

static void print_model(printer *p) {
  static const char *const stages[] = {"?", "imported", "canonical", "lowered"};
  const ig_ir *ir = p->ir;
  ig_buf_printf(p->out, "model %s", stages[ir->stage & 3]);
  for (uint32_t i = 0; i < ir->n_opsets; i++) {
    ig_buf_str(p->out, i ? " " : " opset ");
    quote(p, ir->opsets[i].domain);
    ig_buf_printf(p->out, "=%lld", (long long)ir->opsets[i].version);
  }
  ig_buf_str(p->out, " {\n");
  if (ir->ir_version) ig_buf_printf(p->out, "  ir_version %lld\n", (long long)ir->ir_version);
  if (ir->producer && *ir->producer) {
    ig_buf_str(p->out, "  producer ");
    quote(p, ir->producer);
    ig_buf_str(p->out, "\n");
  }
  for (uint32_t i = 0; i < ir->n_props; i++) {
    ig_buf_str(p->out, "  prop ");
    quote(p, ir->props[i].key);
    ig_buf_str(p->out, " ");
    quote(p, ir->props[i].value);
    ig_buf_str(p->out, "\n");
  }
  if (ir->main && *ir->main->name) {
    ig_buf_str(p->out, "  name ");
    quote(p, ir->main->name);
    ig_buf_str(p->out, "\n");
  }
  print_dims(p);
  if (ir->main) print_body(p, ir->main, 1);
  ig_buf_str(p->out, "}\n");
}

void ig_ir_print(ig_ir *ir, bool full, ig_buf *out) {
  const size_t n = (size_t)ir->next_id + 1;
  printer p = {ir, full, out, ig_alloc_zero(&ir->env->alloc, n, 1), ir->next_id};
  if (!p.shown) {
    out->failed = true;
    return;
  }
  print_model(&p);
  ig_free(&ir->env->alloc, p.shown, n);
}
