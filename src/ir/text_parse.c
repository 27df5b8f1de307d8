/* The text form: reading. Recursive descent over the grammar in text.h; stages IMPORTED and CANONICAL (kernel requests are not read back).
 * Nodes come without records: inference looks those up.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ir/text.h"

typedef IG_VEC(ig_val *) val_list;
typedef IG_VEC(const char *) str_list;

static ig_status memory(const ig_text *t) { return ig_arena_status(&t->ir->arena); }

static ig_status read_ref_name(ig_text *t, const char **out) {
  size_t n;
  IG_TRY(ig_text_expect(t, "%"));
  if (t->p < t->end && *t->p == '"') {
    IG_TRY(ig_text_string(t, out, &n));
    return strlen(*out) == n ? NULL : ig_text_error(t, "a name holds a NUL");
  }
  const char *s = t->p;
  while (t->p < t->end && ig_text_is_name_char(*t->p))
    t->p++;
  if (t->p == s) return ig_text_error(t, "a name expected after %%");
  *out = ig_arena_strndup(&t->ir->arena, s, (size_t)(t->p - s));
  return *out ? NULL : memory(t);
}

static ig_status read_name(ig_text *t, const char **out) {
  size_t n;
  IG_TRY(ig_text_string(t, out, &n));
  return strlen(*out) == n ? NULL : ig_text_error(t, "a name holds a NUL");
}

/* A word, or a quoted one. */
static ig_status read_word(ig_text *t, const char **out) {
  const char *s;
  size_t n;
  if (ig_text_at(t, '"')) return read_name(t, out);
  IG_TRY(ig_text_word(t, &s, &n));
  *out = ig_arena_strndup(&t->ir->arena, s, n);
  return *out ? NULL : memory(t);
}

static ig_status new_value(ig_text *t, ig_graph *g, ig_val **out) {
  const char *name;
  IG_TRY(read_ref_name(t, &name));
  if (ig_strmap_get(&t->ir->names, name)) return ig_text_error(t, "value '%s' is defined twice", name);
  *out = ig_val_new(g, name);
  return *out ? NULL : memory(t);
}

static ig_status read_use(ig_text *t, ig_val **out) {
  const char *name;
  *out = NULL;
  if (ig_text_accept(t, "-")) return NULL;
  IG_TRY(read_ref_name(t, &name));
  *out = ig_strmap_get(&t->ir->names, name);
  return *out ? NULL : ig_text_error(t, "value '%s' is not defined above", name);
}

/* ---- types ---- */
/* Dims up to the closing bracket; a comma inside parentheses or quotes belongs to an expression. */
static ig_status read_dims(ig_text *t, uint32_t max, ig_dim *out, uint32_t *out_n) {
  uint32_t n = 0, parens = 0;
  bool quoted = false;
  const char *s = t->p;
  if (ig_text_accept(t, "]")) {
    *out_n = 0;
    return NULL;
  }
  for (s = t->p; t->p < t->end; t->p++) {
    const char c = *t->p;
    if (quoted && c == '\\') {
      t->p++;
      continue;
    }
    if (c == '\'') quoted = !quoted;
    if (quoted) continue;
    parens += c == '(';
    parens -= c == ')' && parens > 0;
    if (parens || (c != ',' && c != ']')) continue;
    if (n == max) return ig_text_error(t, "more than %u dims", max);
    const size_t len = (size_t)(t->p - s);
    out[n++] = len == 1 && *s == '?' ? IG_DIM_BAD : ig_dim_parse(&t->ir->dims, s, len);
    ig_status st = ig_dims_take_error(&t->ir->dims);
    if (st && (ig_status_code(st) == IG_ERROR_OUT_OF_MEMORY || ig_status_code(st) == IG_ERROR_LIMIT)) return st;
    if (st) {
      ig_status bad = ig_text_error(t, "%s", ig_status_message(st));
      ig_status_free(st);
      return bad;
    }
    s = t->p + 1;
    if (c != ']') continue;
    t->p++;
    *out_n = n;
    return NULL;
  }
  return ig_text_error(t, "']' expected");
}

static ig_status read_type(ig_text *t, ig_val *v) {
  const char *s;
  size_t n;
  ig_dtype d = IG_DTYPE_NONE;
  ig_dim dims[IG_MAX_RANK];
  uint32_t rank;
  if (ig_text_accept(t, "sequence"))
    v->kind = IG_VAL_SEQUENCE;
  else if (ig_text_accept(t, "optional"))
    v->kind = IG_VAL_OPTIONAL;
  else if (ig_text_accept(t, "map"))
    v->kind = IG_VAL_MAP;
  if (!ig_text_accept(t, "?")) {
    IG_TRY(ig_text_word(t, &s, &n));
    d = ig_text_dtype_parse(s, n);
    if (!d) return ig_text_error(t, "'%.*s' is no data type", (int)(n < 20 ? n : 20), s);
  }
  v->dtype = d;
  IG_TRY(ig_text_expect(t, "["));
  if (ig_text_accept(t, "*")) return ig_text_expect(t, "]");
  IG_TRY(read_dims(t, IG_MAX_RANK, dims, &rank));
  ig_val_set_type(v, d, (int)rank, dims);
  return NULL;
}

static ig_status read_data(ig_text *t, const ig_val *type, ig_data *d) {
  d->dtype = type->dtype;
  d->rank = (uint8_t)(type->rank < 0 ? 0 : type->rank);
  if (!d->dtype || type->rank < 0) return ig_text_error(t, "a constant needs a whole type");
  for (uint32_t k = 0; k < d->rank; k++)
    if (!ig_dim_is_const(&t->ir->dims, type->dims[k], &d->dims[k])) return ig_text_error(t, "a constant needs constant dims");
  IG_TRY(ig_text_expect(t, "="));
  return ig_text_read_data(t, d);
}

static ig_status read_const(ig_text *t, ig_graph *g) {
  ig_val *v;
  ig_data *d = IG_NEW(&t->ir->arena, ig_data);
  if (!d) return memory(t);
  IG_TRY(new_value(t, g, &v));
  IG_TRY(ig_text_expect(t, ":"));
  IG_TRY(read_type(t, v));
  IG_TRY(read_data(t, v, d));
  return ig_val_set_data(v, d) ? NULL : memory(t);
}

/* ---- attributes ---- */
static ig_status read_graph(ig_text *t, ig_graph *parent, ig_graph **out);

typedef struct attr_list {
  IG_VEC(int64_t) ints;
  IG_VEC(float) floats;
  IG_VEC(const char *) strings;
} attr_list;

static ig_status read_scalar(ig_text *t, attr_list *l, ig_attr_type_id *out_type) {
  const ig_allocator *a = &t->ir->env->alloc;
  const char *s;
  size_t n;
  if (ig_text_at(t, '"')) {
    IG_TRY(ig_text_string(t, &s, &n));
    *out_type = IG_ATTR_STRINGS;
    return IG_PUSH(a, l->strings, s) ? NULL : IG_OOM();
  }
  int64_t i;
  double f;
  IG_TRY(ig_text_number(t, &s, &n));
  if (ig_parse_i64(s, n, &i)) {
    *out_type = IG_ATTR_INTS;
    return IG_PUSH(a, l->ints, i) ? NULL : IG_OOM();
  }
  if (n < 2 || s[n - 1] != 'f' || !ig_parse_f64(s, n - 1, &f))
    return ig_text_error(t, "'%.*s' is no integer, and no number that ends in f", (int)(n < 30 ? n : 30), s);
  *out_type = IG_ATTR_FLOATS;
  return IG_PUSH(a, l->floats, (float)f) ? NULL : IG_OOM();
}

static ig_status keep_list(ig_text *t, const void *data, size_t n, size_t size, const void **out) {
  void *to = ig_arena_array(&t->ir->arena, n + 1, size);
  if (!to) return memory(t);
  if (n) memcpy(to, data, n * size);
  *out = to;
  return NULL;
}

static ig_status read_list(ig_text *t, ig_attr_type_id want, ig_ir_attr *a) {
  attr_list l = {{0}, {0}, {0}};
  ig_status st = NULL;
  a->type = want;
  while (!st && !ig_text_accept(t, "]")) {
    ig_attr_type_id type = want;
    if (a->n) st = ig_text_expect(t, ",");
    if (!st) st = read_scalar(t, &l, &type);
    if (!st && a->type && a->type != type) st = ig_text_error(t, "a list of mixed types");
    a->type = type;
    a->n++;
  }
  const void *kept = NULL;
  if (!st && !a->type) st = ig_text_error(t, "an empty list needs its type: ints[], floats[] or strings[]");
  if (!st && a->type == IG_ATTR_INTS)
    st = keep_list(t, l.ints.data, l.ints.n, sizeof *l.ints.data, &kept), a->v.ints = kept;
  else if (!st && a->type == IG_ATTR_FLOATS)
    st = keep_list(t, l.floats.data, l.floats.n, sizeof *l.floats.data, &kept), a->v.floats = kept;
  else if (!st)
    st = keep_list(t, l.strings.data, l.strings.n, sizeof *l.strings.data, &kept), a->v.strings = kept;
  const ig_allocator *alloc = &t->ir->env->alloc;
  IG_VEC_FREE(alloc, l.ints);
  IG_VEC_FREE(alloc, l.floats);
  IG_VEC_FREE(alloc, l.strings);
  return st;
}

static ig_status read_graphs(ig_text *t, ig_graph *g, ig_ir_attr *a) {
  ig_graph **graphs = NULL;
  size_t cap = 0;
  a->type = IG_ATTR_GRAPHS;
  while (!ig_text_accept(t, "]")) {
    if (a->n) IG_TRY(ig_text_expect(t, ","));
    if (a->n == cap) {
      const size_t more = cap ? cap * 2 : 4;
      ig_graph **to = IG_NEW_ARRAY(&t->ir->arena, ig_graph *, more);
      if (!to) return memory(t);
      if (cap) memcpy(to, graphs, cap * sizeof *to);
      graphs = to;
      cap = more;
    }
    IG_TRY(ig_text_expect(t, "graph"));
    IG_TRY(read_graph(t, g, &graphs[a->n]));
    a->n++;
  }
  a->v.graphs = graphs;
  return NULL;
}

static ig_status read_tensor(ig_text *t, ig_ir_attr *a) {
  ig_val type = {.rank = -1};
  ig_data *d = IG_NEW(&t->ir->arena, ig_data);
  if (!d) return memory(t);
  a->type = IG_ATTR_TENSOR;
  a->v.tensor = d;
  IG_TRY(read_type(t, &type));
  return read_data(t, &type, d);
}

static ig_status read_attr_value(ig_text *t, ig_graph *g, ig_ir_attr *a) {
  size_t n;
  if (ig_text_accept(t, "[")) return read_list(t, 0, a);
  if (ig_text_accept(t, "ints[")) return read_list(t, IG_ATTR_INTS, a);
  if (ig_text_accept(t, "floats[")) return read_list(t, IG_ATTR_FLOATS, a);
  if (ig_text_accept(t, "strings[")) return read_list(t, IG_ATTR_STRINGS, a);
  if (ig_text_accept(t, "graphs[")) return read_graphs(t, g, a);
  if (ig_text_accept(t, "tensor")) return read_tensor(t, a);
  if (ig_text_accept(t, "graph")) {
    a->type = IG_ATTR_GRAPH;
    return read_graph(t, g, &a->v.graph);
  }
  if (ig_text_accept(t, "ref")) {
    a->type = IG_ATTR_REF;
    return read_name(t, &a->v.s);
  }
  if (ig_text_at(t, '"')) {
    a->type = IG_ATTR_STRING;
    IG_TRY(ig_text_string(t, &a->v.s, &n));
    a->n = (uint32_t)n;
    return NULL;
  }
  attr_list l = {{0}, {0}, {0}};
  ig_status st = read_scalar(t, &l, &a->type);
  if (!st && a->type == IG_ATTR_INTS) a->v.i = l.ints.data[0];
  if (!st && a->type == IG_ATTR_FLOATS) a->v.f = l.floats.data[0];
  a->type = a->type == IG_ATTR_INTS ? IG_ATTR_INT : IG_ATTR_FLOAT;
  IG_VEC_FREE(&t->ir->env->alloc, l.ints);
  IG_VEC_FREE(&t->ir->env->alloc, l.floats);
  return st;
}

static ig_status read_attrs(ig_text *t, ig_node *n) {
  if (!ig_text_accept(t, "{")) return NULL;
  for (bool first = true; !ig_text_accept(t, "}"); first = false) {
    ig_ir_attr a = {.type = 0};
    if (!first) IG_TRY(ig_text_expect(t, ","));
    IG_TRY(read_word(t, &a.name));
    if (ig_node_attr(n, a.name)) return ig_text_error(t, "attribute '%s' is given twice", a.name);
    IG_TRY(ig_text_expect(t, "="));
    IG_TRY(read_attr_value(t, n->graph, &a));
    IG_TRY(ig_node_set_attr(n, &a));
  }
  return NULL;
}

/* ---- nodes ---- */
static int64_t opset_of(const ig_ir *ir, const char *domain) {
  for (uint32_t i = 0; i < ir->n_opsets; i++)
    if (strcmp(ir->opsets[i].domain, domain) == 0) return ir->opsets[i].version;
  return 0;
}

static ig_status read_operator(ig_text *t, ig_node *n) {
  static const char *const lowered[] = {"kernel", "if", "reshape", "permute", "slice", "expand", "bitcast"};
  for (size_t i = 0; i < IG_COUNT(lowered); i++)
    if (ig_text_accept(t, lowered[i]))
      return ig_text_error(t, "'%s' is of stage LOWERED, which cannot be read back: read the canonical stage and lower it", lowered[i]);
  if (ig_text_accept(t, "trap")) {
    n->form = IG_FORM_TRAP;
    return read_name(t, &n->trap);
  }
  if (ig_text_at(t, '"')) {
    IG_TRY(read_name(t, &n->domain));
    IG_TRY(ig_text_expect(t, "."));
  }
  IG_TRY(read_word(t, &n->type));
  n->opset = opset_of(t->ir, n->domain);
  return ig_text_accept(t, "@") ? ig_text_i64(t, &n->opset) : NULL;
}

static ig_status keep_vals(ig_text *t, const val_list *l, ig_val ***out) {
  const void *kept = NULL;
  IG_TRY(keep_list(t, l->data, l->n, sizeof *l->data, &kept));
  *out = (ig_val **)(uintptr_t)kept;
  return NULL;
}

static ig_status read_results(ig_text *t, ig_graph *g, val_list *l) {
  while (!ig_text_accept(t, "=")) {
    ig_val *v = NULL;
    if (l->n) IG_TRY(ig_text_expect(t, ","));
    if (!ig_text_accept(t, "-")) IG_TRY(new_value(t, g, &v));
    if (!IG_PUSH(&t->ir->env->alloc, *l, v)) return IG_OOM();
  }
  return NULL;
}

static ig_status read_inputs(ig_text *t, val_list *l) {
  IG_TRY(ig_text_expect(t, "("));
  while (!ig_text_accept(t, ")")) {
    ig_val *v;
    if (l->n) IG_TRY(ig_text_expect(t, ","));
    IG_TRY(read_use(t, &v));
    if (!IG_PUSH(&t->ir->env->alloc, *l, v)) return IG_OOM();
  }
  return NULL;
}

static ig_status read_types(ig_text *t, const ig_node *n) {
  if (!ig_text_accept(t, ":")) return NULL;
  for (uint32_t i = 0; i < n->n_out; i++) {
    if (i) IG_TRY(ig_text_expect(t, ","));
    if (!n->out[i])
      IG_TRY(ig_text_expect(t, "-"));
    else
      IG_TRY(read_type(t, n->out[i]));
  }
  return NULL;
}

static ig_status read_node_parts(ig_text *t, ig_graph *g, val_list *out, val_list *in) {
  IG_TRY(read_results(t, g, out));
  ig_node *n = ig_node_new(g, NULL, out->n && out->data[0] ? out->data[0]->name : "", IG_FORM_OP, NULL, 0, 0);
  if (!n) return memory(t);
  n->n_out = (uint32_t)out->n;
  IG_TRY(keep_vals(t, out, &n->out));
  for (uint32_t i = 0; i < n->n_out; i++) {
    if (!n->out[i]) continue;
    n->out[i]->producer = n;
    n->out[i]->index = i;
  }
  IG_TRY(read_operator(t, n));
  IG_TRY(read_inputs(t, in));
  for (size_t i = 0; i < in->n; i++)
    if (in->data[i] && in->data[i]->producer == n) return ig_text_error(t, "value '%s' is its own input", in->data[i]->name);
  n->n_in = (uint32_t)in->n;
  IG_TRY(keep_vals(t, in, &n->in));
  IG_TRY(read_attrs(t, n));
  IG_TRY(read_types(t, n));
  if (ig_text_accept(t, "@")) IG_TRY(read_name(t, &n->name));
  return ig_text_accept(t, "from") ? read_name(t, &n->sources) : NULL;
}

static ig_status read_node(ig_text *t, ig_graph *g) {
  val_list out = {0}, in = {0};
  ig_status st = read_node_parts(t, g, &out, &in);
  IG_VEC_FREE(&t->ir->env->alloc, out);
  IG_VEC_FREE(&t->ir->env->alloc, in);
  return st;
}

/* ---- graphs ---- */
static ig_status read_output(ig_text *t, val_list *values, str_list *names) {
  ig_val *v;
  const ig_allocator *a = &t->ir->env->alloc;
  IG_TRY(read_use(t, &v));
  if (!v) return ig_text_error(t, "an output cannot be left out");
  const char *name = v->name;
  if (ig_text_accept(t, "as")) IG_TRY(read_name(t, &name));
  return IG_PUSH(a, *values, v) && IG_PUSH(a, *names, name) ? NULL : IG_OOM();
}

static ig_status read_input(ig_text *t, ig_graph *g, val_list *inputs) {
  ig_val *v;
  IG_TRY(new_value(t, g, &v));
  IG_TRY(ig_text_expect(t, ":"));
  IG_TRY(read_type(t, v));
  v->index = (uint32_t)inputs->n;
  return IG_PUSH(&t->ir->env->alloc, *inputs, v) ? NULL : IG_OOM();
}

static ig_status read_statements(ig_text *t, ig_graph *g, val_list *inputs, val_list *outputs, str_list *names) {
  while (!ig_text_accept(t, "}")) {
    if (ig_text_accept(t, "input"))
      IG_TRY(read_input(t, g, inputs));
    else if (ig_text_accept(t, "const"))
      IG_TRY(read_const(t, g));
    else if (ig_text_accept(t, "output"))
      IG_TRY(read_output(t, outputs, names));
    else if (ig_text_at(t, '%') || ig_text_at(t, '-') || ig_text_at(t, '='))
      IG_TRY(read_node(t, g));
    else
      return ig_text_error(t, "a node, input, const, output or '}' expected");
  }
  const void *kept = NULL;
  IG_TRY(keep_vals(t, inputs, &g->inputs));
  IG_TRY(keep_vals(t, outputs, &g->outputs));
  IG_TRY(keep_list(t, names->data, names->n, sizeof *names->data, &kept));
  g->output_names = (const char **)(uintptr_t)kept;
  g->n_inputs = (uint32_t)inputs->n;
  g->n_outputs = (uint32_t)outputs->n;
  return NULL;
}

static ig_status read_body(ig_text *t, ig_graph *g) {
  const ig_allocator *a = &t->ir->env->alloc;
  val_list inputs = {0}, outputs = {0};
  str_list names = {0};
  ig_status st = read_statements(t, g, &inputs, &outputs, &names);
  IG_VEC_FREE(a, inputs);
  IG_VEC_FREE(a, outputs);
  IG_VEC_FREE(a, names);
  return st;
}

static ig_status read_graph(ig_text *t, ig_graph *parent, ig_graph **out) {
  const char *name;
  IG_REQUIRE(t->depth < IG_TEXT_DEPTH, IG_ERROR_LIMIT, "text IR: graphs are nested more than %d deep", IG_TEXT_DEPTH);
  t->depth++;
  IG_TRY(read_name(t, &name));
  *out = ig_graph_new(t->ir, parent, name);
  if (!*out) return memory(t);
  IG_TRY(ig_text_expect(t, "{"));
  IG_TRY(read_body(t, *out));
  t->depth--;
  return NULL;
}

/* ---- the model ---- */
static ig_status read_stage(ig_text *t) {
  if (ig_text_accept(t, "imported"))
    t->ir->stage = IG_STAGE_IMPORTED;
  else if (ig_text_accept(t, "canonical"))
    t->ir->stage = IG_STAGE_CANONICAL;
  else if (ig_text_accept(t, "lowered"))
    IG_FAIL(IG_ERROR_UNSUPPORTED, "text IR of stage LOWERED cannot be read back: read the canonical stage and lower it");
  else
    return ig_text_error(t, "the stage expected: imported or canonical");
  return NULL;
}

static ig_status read_opsets(ig_text *t) {
  enum { MAX_OPSETS = 64 };
  ig_opset_version *o = IG_NEW_ARRAY(&t->ir->arena, ig_opset_version, MAX_OPSETS);
  if (!o) return memory(t);
  t->ir->opsets = o;
  while (ig_text_at(t, '"')) {
    if (t->ir->n_opsets == MAX_OPSETS) return ig_text_error(t, "more than %d opsets", MAX_OPSETS);
    ig_opset_version *to = &o[t->ir->n_opsets++];
    IG_TRY(read_name(t, &to->domain));
    IG_TRY(ig_text_expect(t, "="));
    IG_TRY(ig_text_i64(t, &to->version));
  }
  return NULL;
}

static ig_status read_symbol(ig_text *t) {
  const char *name;
  int64_t io, axis, min, max, opt;
  IG_TRY(read_name(t, &name));
  ig_symbol_sort sort;
  if (ig_text_accept(t, "input"))
    sort = IG_SYMBOL_INPUT;
  else if (ig_text_accept(t, "value"))
    sort = IG_SYMBOL_VALUE;
  else if (ig_text_accept(t, "produced"))
    sort = IG_SYMBOL_PRODUCED;
  else
    return ig_text_error(t, "input, value or produced expected");
  IG_TRY(ig_text_i64(t, &io));
  IG_TRY(ig_text_i64(t, &axis));
  IG_TRY(ig_text_i64(t, &min));
  IG_TRY(ig_text_expect(t, ".."));
  IG_TRY(ig_text_i64(t, &max));
  opt = max >= IG_DIM_UNBOUNDED ? min : max;
  if (ig_text_accept(t, "opt")) IG_TRY(ig_text_i64(t, &opt));
  ig_dims *d = &t->ir->dims;
  ig_dims_symbol(d, name, sort, (uint32_t)io, (uint32_t)axis, min, max);
  IG_TRY(ig_dims_take_error(d));
  d->symbols.data[d->symbols.n - 1].opt = opt;
  return NULL;
}

static ig_status read_guard(ig_text *t) {
  ig_guard_rel rel;
  ig_dim ab[2];
  uint32_t n;
  const char *node, *what;
  if (ig_text_accept(t, "eq"))
    rel = IG_GUARD_EQ;
  else if (ig_text_accept(t, "ge"))
    rel = IG_GUARD_GE;
  else if (ig_text_accept(t, "broadcast"))
    rel = IG_GUARD_BROADCAST;
  else
    return ig_text_error(t, "eq, ge or broadcast expected");
  IG_TRY(ig_text_expect(t, "["));
  IG_TRY(read_dims(t, 2, ab, &n));
  if (n != 2) return ig_text_error(t, "a guard relates two dims");
  IG_TRY(read_name(t, &node));
  IG_TRY(read_name(t, &what));
  int64_t scope = 0; /* graphs are numbered as they come, which is as they are printed */
  if (ig_text_accept(t, "in")) IG_TRY(ig_text_i64(t, &scope));
  if (scope < 0 || scope >= IG_NO_SCOPE) return ig_text_error(t, "the number of a graph expected");
  t->ir->dims.scope = (uint32_t)scope;
  ig_status st = ig_dims_guard(&t->ir->dims, rel, ab[0], ab[1], node, what);
  t->ir->dims.scope = 0;
  return st;
}

static ig_status read_prop(ig_text *t, ig_prop **props, uint32_t *cap) {
  ig_ir *ir = t->ir;
  if (ir->n_props == *cap) {
    *cap = *cap ? *cap * 2 : 8;
    ig_prop *to = IG_NEW_ARRAY(&ir->arena, ig_prop, *cap);
    if (!to) return memory(t);
    if (ir->n_props) memcpy(to, *props, ir->n_props * sizeof *to);
    *props = to;
    ir->props = to;
  }
  ig_prop *p = &(*props)[ir->n_props++];
  p->key = p->value = "";
  IG_TRY(read_name(t, &p->key));
  return read_name(t, &p->value);
}

static ig_status read_head(ig_text *t, const char **out_name) {
  ig_prop *props = NULL;
  uint32_t cap = 0;
  for (;;) {
    if (ig_text_accept(t, "ir_version"))
      IG_TRY(ig_text_i64(t, &t->ir->ir_version));
    else if (ig_text_accept(t, "producer"))
      IG_TRY(read_name(t, &t->ir->producer));
    else if (ig_text_accept(t, "prop"))
      IG_TRY(read_prop(t, &props, &cap));
    else if (ig_text_accept(t, "name"))
      IG_TRY(read_name(t, out_name));
    else if (ig_text_accept(t, "symbol"))
      IG_TRY(read_symbol(t));
    else if (ig_text_accept(t, "guard"))
      IG_TRY(read_guard(t));
    else
      return NULL;
  }
}

static ig_status read_model(ig_text *t) {
  const char *name = "";
  IG_TRY(ig_text_expect(t, "model"));
  IG_TRY(read_stage(t));
  if (ig_text_accept(t, "opset")) IG_TRY(read_opsets(t));
  IG_TRY(ig_text_expect(t, "{"));
  IG_TRY(read_head(t, &name));
  ig_graph *g = ig_graph_new(t->ir, NULL, name);
  if (!g) return memory(t);
  IG_TRY(read_body(t, g));
  ig_text_space(t);
  return t->p == t->end ? ig_dims_take_error(&t->ir->dims) : ig_text_error(t, "text after the model's end");
}

ig_status ig_ir_parse(ig_env *env, const char *text, size_t n, ig_ir **out_ir) {
  ig_ir *ir;
  *out_ir = NULL;
  IG_TRY(ig_ir_create(env, 0, &ir));
  ig_text t = {ir, text, text, text + n, 0};
  ig_status st = read_model(&t);
  if (st) {
    ig_ir_destroy(ir);
    return st;
  }
  *out_ir = ir;
  return NULL;
}
