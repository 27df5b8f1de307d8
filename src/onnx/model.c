/* ModelProto -> ig_ir: operator sets, properties, functions, the main graph; and the importer's strings and limits.
 *
 * The memory limit is the arena's while importing: 64 MiB and 16 times the bytes outside raw tensor data. It starts from the file's size
 * and falls as raw data is met (tensor.c).
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx/import.h"

enum { OLDEST_OPSET = 1, NEWEST_OPSET = 28, MAX_STRING = 65535, MAX_OPSETS = 256, REREAD_BYTES = 64 << 20, REREAD_FACTOR = 8 };

ig_status ig_onnx_no_memory(const ig_onnx_importer *im) {
  if (!im->arena->over_limit) return IG_OOM();
  return ig_status_with(ig_status_new(IG_ERROR_LIMIT, "limit 'memory' (%zu bytes for the importer) exceeded", im->arena->limit), IG_DETAIL_HINT,
                        "raise the limit 'memory' for a model that you trust");
}

ig_status ig_onnx_enter(ig_onnx_importer *im, const char *what, const char *name) {
  IG_REQUIRE(im->depth < im->limits.nesting, IG_ERROR_LIMIT, "%s '%s': limit 'nesting' (%u graphs and functions within each other) exceeded", what,
             name, im->limits.nesting);
  im->depth++;
  return NULL;
}

ig_status ig_onnx_reread(ig_onnx_importer *im, const ig_wire_list *l) {
  const uint64_t n = (uint64_t)(l->end - l->p);
  IG_REQUIRE(n <= im->work_left, IG_ERROR_LIMIT, "limit 'inlining' exceeded: calls of functions read too many bytes again");
  im->work_left -= n;
  return NULL;
}

void ig_onnx_leave(ig_onnx_importer *im) { im->depth--; }

/* ---- strings ---- */

/* Length of the UTF-8 sequence at p, 0 if it is none (overlong, surrogate, too large or cut). */
static size_t utf8_at(const uint8_t *p, size_t n) {
  if (p[0] < 0x80) return p[0] != 0;
  const size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
  if (p[0] < 0xc2 || p[0] > 0xf4 || len > n) return 0;
  for (size_t i = 1; i < len; i++)
    if ((p[i] & 0xc0) != 0x80) return 0;
  if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) return 0;
  return len;
}

static ig_status check_string(ig_wire_bytes b) {
  IG_REQUIRE(b.n <= MAX_STRING, IG_ERROR_BAD_MODEL, "a name has %zu bytes, at most %d are allowed", b.n, MAX_STRING);
  for (size_t i = 0, step; i < b.n; i += step) {
    step = utf8_at(b.p + i, b.n - i);
    if (step == 0)
      return ig_status_new(IG_ERROR_BAD_MODEL, "a name is no UTF-8 text, from byte %zu on: '%.*s'", i, (int)(i < 200 ? i : 0), (const char *)b.p);
  }
  return NULL;
}

ig_status ig_onnx_string(ig_onnx_importer *im, ig_wire_bytes b, const char **out) {
  *out = "";
  if (b.n == 0) return NULL;
  IG_TRY(check_string(b));
  im->scratch.n = 0;
  ig_buf_bytes(&im->scratch, b.p, b.n);
  const char *text = ig_buf_cstr(&im->scratch);
  if (im->scratch.failed) return IG_OOM();
  const char *known = ig_strmap_get(&im->strings, text);
  if (!known) {
    char *copy = ig_arena_strndup(im->arena, text, b.n);
    IG_ONNX_CHECK_MEM(im, copy);
    if (!ig_strmap_set(&im->strings, copy, copy)) return IG_OOM();
    known = copy;
  }
  *out = known;
  return NULL;
}

/* ---- head ---- */

static ig_status read_opset(ig_onnx_importer *im, ig_wire_bytes bytes, ig_opset_version *out) {
  ig_pb_opset p;
  IG_TRY(IG_PB_READ(opset, bytes, &p));
  IG_TRY(ig_onnx_string(im, p.domain, &out->domain));
  if (strcmp(out->domain, "ai.onnx") == 0) out->domain = "";
  out->version = p.version;
  IG_REQUIRE(p.version > 0, IG_ERROR_BAD_MODEL, "operator set '%s' has version %lld", out->domain[0] ? out->domain : "ai.onnx", (long long)p.version);
  if (out->domain[0] || (p.version >= OLDEST_OPSET && p.version <= NEWEST_OPSET)) return NULL;
  return ig_status_with(ig_status_new(IG_ERROR_UNSUPPORTED, "version %lld of operator set ai.onnx is not supported: versions %d to %d are",
                                      (long long)p.version, OLDEST_OPSET, NEWEST_OPSET),
                        IG_DETAIL_HINT, "convert the model with onnx.version_converter");
}

ig_status ig_onnx_read_opsets(ig_onnx_importer *im, const ig_wire_list *list, ig_onnx_opsets *out) {
  IG_REQUIRE(list->n <= MAX_OPSETS, IG_ERROR_BAD_MODEL, "%llu operator sets are imported, at most %d are allowed", (unsigned long long)list->n,
             MAX_OPSETS);
  ig_opset_version *v = IG_NEW_ARRAY(im->arena, ig_opset_version, (size_t)list->n);
  IG_ONNX_CHECK_MEM(im, v);
  *out = (ig_onnx_opsets){ .data = v };
  ig_wire_iter it = ig_wire_iterate(list);
  ig_wire_bytes b;
  while (ig_wire_next(&it, &b)) IG_TRY(read_opset(im, b, &v[out->n++]));
  return NULL;
}

static int64_t version_in(const ig_opset_version *v, uint32_t n, const char *domain) {
  for (uint32_t i = 0; i < n; i++)
    if (strcmp(v[i].domain, domain) == 0) return v[i].version;
  return 0;
}

int64_t ig_onnx_opset_of(const ig_onnx_importer *im, const ig_onnx_frame *f, const char *domain) {
  const int64_t own = version_in(f->opsets.data, f->opsets.n, domain);
  return own ? own : version_in(im->ir->opsets, im->ir->n_opsets, domain);
}

/* Values may be long and are kept as they are. */
static ig_status read_props(ig_onnx_importer *im, const ig_wire_list *list) {
  ig_prop *v = IG_NEW_ARRAY(im->arena, ig_prop, (size_t)list->n);
  IG_ONNX_CHECK_MEM(im, v);
  im->ir->props = v;
  ig_wire_iter it = ig_wire_iterate(list);
  ig_wire_bytes b;
  for (; ig_wire_next(&it, &b); v++) {
    ig_pb_entry e;
    IG_TRY(IG_PB_READ(entry, b, &e));
    IG_TRY_NOTE(ig_onnx_string(im, e.key, &v->key), "metadata_props");
    IG_REQUIRE(e.value.n == 0 || !memchr(e.value.p, 0, e.value.n), IG_ERROR_BAD_MODEL, "metadata_props '%s': the value has a NUL byte", v->key);
    v->value = ig_arena_strndup(im->arena, (const char *)e.value.p, e.value.n);
    IG_ONNX_CHECK_MEM(im, v->value);
    im->ir->n_props++;
  }
  return NULL;
}

static ig_status read_model(ig_onnx_importer *im, ig_wire_bytes bytes) {
  ig_pb_model m;
  ig_ir *ir = im->ir;
  IG_TRY_NOTE(IG_PB_READ(model, bytes, &m), "this is no ONNX model");
  IG_REQUIRE(m.graph.p, IG_ERROR_BAD_MODEL, "the model has no graph (is it an ONNX model, and whole?)");
  IG_REQUIRE(m.ir_version > 0, IG_ERROR_BAD_MODEL, "ir_version is missing (is it an ONNX model, and whole?)");
  ir->ir_version = m.ir_version;
  IG_TRY_NOTE(ig_onnx_string(im, m.producer_name, &ir->producer), "producer_name");
  ig_onnx_opsets sets;
  IG_TRY(ig_onnx_read_opsets(im, &m.opset_import, &sets));
  IG_REQUIRE(sets.n > 0, IG_ERROR_BAD_MODEL, "the model imports no operator set (opset_import is missing: is the file whole?)");
  ir->opsets = sets.data;
  ir->n_opsets = sets.n;
  IG_TRY(read_props(im, &m.metadata_props));
  IG_TRY(ig_onnx_read_functions(im, &m.functions));
  const ig_onnx_frame frame = { .opsets = sets, .prefix = "" };
  ig_graph *main;
  IG_TRY(ig_onnx_import_graph(im, &frame, NULL, NULL, m.graph, &main));
  IG_REQUIRE(main->n_outputs > 0, IG_ERROR_BAD_MODEL, "the graph has no outputs");
  return NULL;
}

/* ---- entry ---- */

static void fill_limits(ig_onnx_limits *l, const ig_onnx_limits *given) {
  *l = ig_onnx_default_limits;
  if (!given) return;
  if (given->nesting) l->nesting = given->nesting;
  if (given->nodes) l->nodes = given->nodes;
  if (given->edges) l->edges = given->edges;
  if (given->inlining) l->inlining = given->inlining;
  if (given->elements) l->elements = given->elements;
  if (given->expressions) l->expressions = given->expressions;
  l->memory = given->memory;
}

static size_t memory_limit(const ig_onnx_limits *l, size_t n_bytes) {
  if (l->memory) return l->memory > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)l->memory;
  return n_bytes > SIZE_MAX / 64 ? SIZE_MAX / 2 : (size_t)IG_ONNX_MEMORY + 16 * n_bytes;
}

static ig_status find_dirs(ig_onnx_importer *im, const char *model_path, const char *data_dir) {
  im->data_dir = im->real_dir = data_dir;
  if (data_dir || !model_path) return NULL;
  char *dir, *real;
  IG_TRY(ig_file_dirs(im->arena, model_path, &dir, &real));
  im->data_dir = dir;
  im->real_dir = real;
  return NULL;
}

static ig_status import_all(ig_onnx_importer *im, ig_wire_bytes bytes, const char *model_path, const char *data_dir) {
  im->ir->dims.max_nodes = (size_t)im->limits.expressions;
  IG_TRY(find_dirs(im, model_path, data_dir));
  return read_model(im, bytes);
}

ig_status ig_onnx_import(ig_env *env, const void *bytes, size_t n_bytes, const char *model_path, const char *data_dir, const ig_onnx_limits *limits,
                         ig_onnx_sources *sources, ig_ir **out_ir) {
  *out_ir = NULL;
  IG_TRY(ig_onnx_sniff(bytes, n_bytes));
  ig_onnx_importer im = {
    .env = env, .alloc = &env->alloc, .sources = sources, .raw_budget = n_bytes, .work_left = REREAD_BYTES + REREAD_FACTOR * (uint64_t)n_bytes
  };
  fill_limits(&im.limits, limits);
  if (sources && !sources->alloc) sources->alloc = &env->alloc;
  ig_ir *ir;
  IG_TRY(ig_ir_create(env, memory_limit(&im.limits, n_bytes), &ir));
  im.ir = ir;
  im.arena = &ir->arena;
  ig_strmap_init(&im.strings, im.alloc);
  ig_strmap_init(&im.symbols, im.alloc);
  ig_strmap_init(&im.functions, im.alloc);
  ig_buf_init(&im.scratch, im.alloc);
  const ig_status st = import_all(&im, (ig_wire_bytes){ bytes, n_bytes }, model_path, data_dir);
  ig_buf_free(&im.scratch);
  ig_strmap_free(&im.functions);
  ig_strmap_free(&im.symbols);
  ig_strmap_free(&im.strings);
  IG_VEC_FREE(im.alloc, im.externals);
  /* What comes after the import has limits of its own. */
  ir->arena.limit = 0;
  if (st) ig_ir_destroy(ir);
  else *out_ir = ir;
  return st;
}

void ig_onnx_sources_free(ig_onnx_sources *s) {
  for (size_t i = 0; i < s->files.n; i++) ig_file_close(&s->files.data[i]);
  if (s->alloc) IG_VEC_FREE(s->alloc, s->files);
}
