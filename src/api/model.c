/* Models: loading, what they declare, and their description. A model is the imported graph and what its constants point into.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"
#include "ir/text.h"
#include <inttypes.h>

ig_model *ig_model_wrap(ig_env *env, ig_ir *ir) {
  ig_model *m = ig_alloc_zero(&env->alloc, 1, sizeof *m);
  if (!m) return NULL;
  ig_env_retain(env);
  m->env = env;
  m->ir = ir;
  m->sources.alloc = &env->alloc;
  return m;
}

void ig_model_release(ig_model *m) {
  if (!m) return;
  ig_env *env = m->env;
  ig_ir_destroy(m->ir);
  ig_onnx_sources_free(&m->sources);
  if (m->file.data) ig_file_close(&m->file);
  ig_free(&env->alloc, m->bytes, m->n_bytes);
  ig_free(&env->alloc, m, sizeof *m);
  ig_env_release(env);
}

static ig_status read_limits(const ig_model_options *opt, ig_onnx_limits *out) {
  ig_model_options o = IG_MODEL_OPTIONS_INIT;
  IG_TRY(ig_options_read(opt, sizeof o, "ig_model_options", &o));
  *out = (ig_onnx_limits){.nesting = o.max_nesting,
                          .nodes = o.max_nodes,
                          .edges = o.max_edges,
                          .inlining = o.max_inlining,
                          .elements = o.max_elements,
                          .expressions = o.max_expressions,
                          .memory = o.max_memory};
  return NULL;
}

ig_status ig_model_default_limits(ig_model_options *out) {
  IG_REQUIRE(out && out->struct_size >= sizeof *out, IG_ERROR_INVALID_ARGUMENT, "ig_model_default_limits: out is NULL or its struct_size is not set");
  const ig_onnx_limits *l = &ig_onnx_default_limits;
  *out = (ig_model_options){out->struct_size, l->nesting, l->nodes, l->edges, l->inlining, l->elements, l->expressions, IG_ONNX_MEMORY};
  return NULL;
}

static ig_status import(ig_model *m, const void *bytes, size_t n, const char *path, const char *data_dir, const ig_onnx_limits *limits) {
  IG_TRY(ig_onnx_import(m->env, bytes, n, path, data_dir, limits, &m->sources, &m->ir));
  m->hash = ig_hash(bytes, n, 0);
  for (size_t i = 0; i < m->sources.files.n; i++)
    m->hash = ig_hash(m->sources.files.data[i].data, m->sources.files.data[i].size, m->hash);
  return NULL;
}

static ig_status finish(ig_model *m, ig_status st, ig_model **out) {
  if (st)
    ig_model_release(m);
  else
    *out = m;
  return st;
}

ig_status ig_model_load_file(ig_env *env, const char *path, const ig_model_options *opt, ig_model **out_model) {
  IG_REQUIRE(out_model, IG_ERROR_INVALID_ARGUMENT, "ig_model_load_file: out_model is NULL");
  *out_model = NULL;
  IG_REQUIRE(env && path, IG_ERROR_INVALID_ARGUMENT, "ig_model_load_file: env or path is NULL");
  ig_onnx_limits limits;
  IG_TRY(read_limits(opt, &limits));
  ig_model *m = ig_model_wrap(env, NULL);
  IG_CHECK_MEM(m);
  ig_status st = ig_file_open(&env->alloc, path, false, &m->file);
  if (!st) st = ig_status_note(import(m, m->file.data, m->file.size, path, NULL, &limits), "%s", path);
  return finish(m, st, out_model);
}

ig_status ig_model_load_memory(ig_env *env, const void *bytes, size_t n_bytes, const char *data_dir, const ig_model_options *opt,
                               ig_model **out_model) {
  IG_REQUIRE(out_model, IG_ERROR_INVALID_ARGUMENT, "ig_model_load_memory: out_model is NULL");
  *out_model = NULL;
  IG_REQUIRE(env && (bytes || !n_bytes), IG_ERROR_INVALID_ARGUMENT, "ig_model_load_memory: env or bytes is NULL");
  ig_onnx_limits limits;
  IG_TRY(read_limits(opt, &limits));
  ig_model *m = ig_model_wrap(env, NULL);
  IG_CHECK_MEM(m);
  m->n_bytes = n_bytes + !n_bytes;
  m->bytes = ig_alloc(&env->alloc, m->n_bytes);
  if (m->bytes && n_bytes) memcpy(m->bytes, bytes, n_bytes);
  return finish(m, m->bytes ? import(m, m->bytes, n_bytes, NULL, data_dir, &limits) : IG_OOM(), out_model);
}

/* ---- inputs and outputs ---- */

size_t ig_model_n_inputs(const ig_model *m) { return m ? m->ir->main->n_inputs : 0; }
size_t ig_model_n_io(const ig_model *m) { return m ? (size_t)m->ir->main->n_inputs + m->ir->main->n_outputs : 0; }

ig_status ig_model_io(const ig_model *m, size_t i, ig_io_info *out) {
  IG_REQUIRE(m && out && out->struct_size >= sizeof *out, IG_ERROR_INVALID_ARGUMENT,
             "ig_model_io: model or out is NULL, or out->struct_size is not set");
  IG_REQUIRE(i < ig_model_n_io(m), IG_ERROR_INVALID_ARGUMENT, "ig_model_io: %zu of %zu inputs and outputs", i, ig_model_n_io(m));
  const ig_graph *g = m->ir->main;
  const bool is_output = i >= g->n_inputs;
  const ig_val *v = is_output ? ig_graph_output(g, (uint32_t)i - g->n_inputs) : g->inputs[i];
  ig_io_info info = {.struct_size = out->struct_size,
                     .name = is_output ? g->output_names[i - g->n_inputs] : v->name,
                     .is_output = is_output,
                     .dtype = v->dtype,
                     .rank = v->rank,
                     .value_kind = (int)v->kind};
  for (int k = 0; k < v->rank; k++) {
    int64_t c;
    const bool known = v->dims[k] != IG_DIM_BAD && ig_dim_is_const(&m->ir->dims, v->dims[k], &c);
    info.dims[k] = known ? c : -1;
    if (known || v->dims[k] == IG_DIM_BAD) continue;
    const ig_dim_node *d = &m->ir->dims.nodes.data[v->dims[k]];
    if (d->op == IG_DIM_SYMBOL) info.dim_names[k] = m->ir->dims.symbols.data[d->a].name;
  }
  *out = info;
  return NULL;
}

/* ---- description ---- */

typedef struct op_count {
  const char *domain, *type;
  uint32_t n;
} op_count;
typedef struct op_counts {
  const ig_allocator *alloc;
  IG_VEC(op_count) list;
  uint32_t n_nodes;
  uint64_t weight_bytes;
  bool failed;
} op_counts;

static void count_op(op_counts *c, const ig_node *n) {
  c->n_nodes++;
  for (size_t i = 0; i < c->list.n; i++) {
    op_count *o = &c->list.data[i];
    if (strcmp(o->type, n->type) != 0 || strcmp(o->domain, n->domain) != 0) continue;
    o->n++;
    return;
  }
  const op_count o = {n->domain, n->type, 1};
  if (!IG_PUSH(c->alloc, c->list, o)) c->failed = true;
}

static void count_graph(op_counts *c, const ig_graph *g) {
  for (const ig_node *n = g->first; n; n = n->next) {
    count_op(c, n);
    const ig_graph *sub;
    for (uint32_t i = 0; (sub = ig_node_subgraph(n, i)); i++)
      count_graph(c, sub);
  }
}

static void io_text(const ig_io_info *io, ig_buf *out) {
  if (io->dtype == IG_DTYPE_NONE) { /* outputs get their types at the stage canonical */
    ig_buf_printf(out, "  %s %s\n", io->is_output ? "output" : "input ", io->name);
    return;
  }
  ig_buf_printf(out, "  %s %s: %s ", io->is_output ? "output" : "input ", io->name, ig_dtype_name(io->dtype));
  for (int32_t k = 0; k < io->rank; k++) {
    if (k) ig_buf_str(out, "x");
    if (io->dims[k] >= 0)
      ig_buf_printf(out, "%lld", (long long)io->dims[k]);
    else
      ig_buf_str(out, io->dim_names[k] ? io->dim_names[k] : "?");
  }
  ig_buf_str(out, io->rank < 0 ? "shape not declared\n" : io->rank == 0 ? "scalar\n" : "\n");
}

static ig_status describe_text(const ig_model *m, const op_counts *c, ig_buf *out) {
  const ig_ir *ir = m->ir;
  ig_buf_printf(out, "model: %u node%s, IR version %lld%s%s\n", c->n_nodes, c->n_nodes == 1 ? "" : "s", (long long)ir->ir_version,
                ir->producer && *ir->producer ? ", made by " : "", ir->producer ? ir->producer : "");
  for (uint32_t i = 0; i < ir->n_opsets; i++)
    ig_buf_printf(out, "  operator set %s %lld\n", *ir->opsets[i].domain ? ir->opsets[i].domain : "ai.onnx", (long long)ir->opsets[i].version);
  for (size_t i = 0; i < ig_model_n_io(m); i++) {
    ig_io_info io = {.struct_size = sizeof io};
    IG_TRY(ig_model_io(m, i, &io));
    io_text(&io, out);
  }
  for (uint32_t i = 0; i < ir->n_props; i++)
    ig_buf_printf(out, "  metadata %s: %s\n", ir->props[i].key, ir->props[i].value);
  for (size_t i = 0; i < c->list.n; i++) {
    const op_count *o = &c->list.data[i];
    ig_buf_printf(out, "  %6u  %s%s%s%s\n", o->n, o->domain, *o->domain ? "." : "", o->type,
                  ig_op_find(o->domain, o->type) ? "" : "  (not supported)");
  }
  return NULL;
}

static ig_status io_json(const ig_model *m, size_t i, ig_json *j) {
  ig_io_info io = {.struct_size = sizeof io};
  IG_TRY(ig_model_io(m, i, &io));
  ig_json_open(j, NULL, '{');
  ig_json_str(j, "name", io.name);
  ig_json_str(j, "role", io.is_output ? "output" : "input");
  ig_json_str(j, "dtype", io.dtype == IG_DTYPE_NONE ? NULL : ig_dtype_name(io.dtype));
  if (io.rank < 0)
    ig_json_str(j, "dims", NULL);
  else {
    ig_json_open(j, "dims", '[');
    for (int32_t k = 0; k < io.rank; k++)
      ig_json_i64(j, NULL, io.dims[k]);
    ig_json_close(j, ']');
    ig_json_open(j, "dim_names", '[');
    for (int32_t k = 0; k < io.rank; k++)
      ig_json_str(j, NULL, io.dim_names[k]);
    ig_json_close(j, ']');
  }
  ig_json_close(j, '}');
  return NULL;
}

static ig_status describe_json(const ig_model *m, const op_counts *c, ig_buf *out) {
  ig_json j;
  ig_json_init(&j, out);
  ig_json_open(&j, NULL, '{');
  ig_json_i64(&j, "ir_version", m->ir->ir_version);
  ig_json_str(&j, "producer", m->ir->producer);
  ig_json_open(&j, "opsets", '{');
  for (uint32_t i = 0; i < m->ir->n_opsets; i++)
    ig_json_i64(&j, *m->ir->opsets[i].domain ? m->ir->opsets[i].domain : "ai.onnx", m->ir->opsets[i].version);
  ig_json_close(&j, '}');
  ig_json_i64(&j, "nodes", c->n_nodes);
  ig_json_open(&j, "io", '[');
  for (size_t i = 0; i < ig_model_n_io(m); i++)
    IG_TRY(io_json(m, i, &j));
  ig_json_close(&j, ']');
  ig_json_open(&j, "metadata", '{');
  for (uint32_t i = 0; i < m->ir->n_props; i++)
    ig_json_str(&j, m->ir->props[i].key, m->ir->props[i].value);
  ig_json_close(&j, '}');
  ig_json_open(&j, "operators", '[');
  for (size_t i = 0; i < c->list.n; i++) {
    ig_json_open(&j, NULL, '{');
    ig_json_str(&j, "domain", c->list.data[i].domain);
    ig_json_str(&j, "name", c->list.data[i].type);
    ig_json_i64(&j, "count", c->list.data[i].n);
    ig_json_bool(&j, "supported", ig_op_find(c->list.data[i].domain, c->list.data[i].type) != NULL);
    ig_json_close(&j, '}');
  }
  ig_json_close(&j, ']');
  ig_json_close(&j, '}');
  ig_buf_str(out, "\n");
  return NULL;
}

static ig_status describe_counts(const ig_model *m, bool json, ig_buf *out) {
  op_counts c = {.alloc = &m->env->alloc};
  count_graph(&c, m->ir->main);
  ig_status st = c.failed ? IG_OOM() : json ? describe_json(m, &c, out) : describe_text(m, &c, out);
  IG_VEC_FREE(&m->env->alloc, c.list);
  return st;
}

ig_status ig_model_print(const ig_model *m, const ig_build_options *opt, ig_stage stage, ig_buf *out) {
  ig_ir *ir;
  IG_TRY(ig_model_clone(m, NULL, &ir));
  ig_status st = stage == IG_STAGE_IMPORTED ? NULL : ig_build_to_stage(ir, opt, stage);
  if (!st) ig_ir_print(ir, false, out);
  ig_ir_destroy(ir);
  return st;
}

bool ig_stage_parse(const char *name, ig_stage *out) {
  static const struct {
    const char *name;
    ig_stage stage;
  } stages[] = {{"imported", IG_STAGE_IMPORTED}, {"canonical", IG_STAGE_CANONICAL}, {"lowered", IG_STAGE_LOWERED}};
  for (size_t i = 0; i < IG_COUNT(stages); i++)
    if (strcmp(name, stages[i].name) == 0) return *out = stages[i].stage, true;
  return false;
}

ig_status ig_model_describe(const ig_model *m, const char *format, ig_write_fn write, void *user) {
  IG_REQUIRE(m && format && write, IG_ERROR_INVALID_ARGUMENT, "ig_model_describe: an argument is NULL");
  const ig_build_options defaults = IG_BUILD_OPTIONS_INIT;
  ig_stage stage;
  ig_buf out;
  ig_buf_init(&out, &m->env->alloc);
  const bool json = strcmp(format, "json") == 0;
  if (json || strcmp(format, "text") == 0) return ig_buf_deliver(&out, describe_counts(m, json, &out), write, user);
  if (ig_stage_parse(format, &stage)) return ig_buf_deliver(&out, ig_model_print(m, &defaults, stage, &out), write, user);
  IG_FAIL(IG_ERROR_INVALID_ARGUMENT, "'%s' is neither text, json nor a stage: imported, canonical or lowered", format);
}
