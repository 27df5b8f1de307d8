/* See session.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"
#include "base/file.h"
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { MAX_FIXED_ELEMENTS = 64 };
static const ig_allocator *const heap = &ig_libc_allocator;

ig_status session_is_engine(const char *path, bool *out) {
  static const char magic[8] = "\x89IGT\r\n\x1a\n";
  char head[8];
  *out = false;
  ig_file_map f;
  IG_TRY(ig_file_open(heap, path, false, &f));
  if (f.size >= sizeof head) *out = memcmp(f.data, magic, sizeof magic) == 0;
  ig_file_close(&f);
  return NULL;
}

static bool is_file(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool session_data_file(const char *folder, const char *what, size_t k, char *out, size_t n_out) {
  for (int i = 0; i < 3; i++) {
    const char *sub = i == 2 ? "/test_data_set_0" : "", *suffix = i == 1 ? "npy" : "pb";
    const int n = snprintf(out, n_out, "%s%s/%s_%zu.%s", folder, sub, what, k, suffix);
    if (n > 0 && (size_t)n < n_out && is_file(out)) return true;
  }
  return false;
}

static size_t count_inputs(const session *s) { return s->model ? ig_model_n_inputs(s->model) : ig_engine_n_inputs(s->engine); }

ig_status session_io(const session *s, size_t i, ig_io_info *out) {
  *out = (ig_io_info){.struct_size = sizeof *out};
  return s->model ? ig_model_io(s->model, i, out) : ig_engine_io(s->engine, i, out);
}

/* ---- inputs ---- */

static session_input *find_input(session *s, const char *name) {
  for (size_t i = 0; i < s->inputs.n; i++)
    if (strcmp(s->inputs.data[i].name, name) == 0) return &s->inputs.data[i];
  return NULL;
}

static ig_status unknown_input(const session *s, const char *what, const char *name) {
  ig_buf names;
  ig_buf_init(&names, heap);
  for (size_t i = 0; i < s->inputs.n; i++)
    ig_buf_printf(&names, "%s'%s'", i ? ", " : "", s->inputs.data[i].name);
  ig_status st =
      ig_status_new(IG_ERROR_INVALID_ARGUMENT, "%s: there is no input '%s'; the inputs are %s", what, name, names.n ? ig_buf_cstr(&names) : "none");
  ig_buf_free(&names);
  return st;
}

static ig_status list_inputs(session *s) {
  for (size_t i = 0; i < count_inputs(s); i++) {
    ig_io_info io;
    IG_TRY(session_io(s, i, &io));
    session_input in = {.name = ig_alloc(heap, strlen(io.name) + 1)};
    IG_CHECK_MEM(in.name);
    memcpy(in.name, io.name, strlen(io.name) + 1);
    if (!IG_PUSH(heap, s->inputs, in)) {
      ig_free(heap, in.name, 0);
      return IG_OOM();
    }
  }
  return NULL;
}

/* Takes v. */
static ig_status set_input(session *s, size_t i, ig_value *v) {
  session_input *in = &s->inputs.data[i];
  ig_io_info io;
  ig_status st = session_io(s, i, &io);
  if (!st && io.dtype != IG_DTYPE_NONE) st = ig_status_note(ig_value_narrow(v, io.dtype), "input '%s'", in->name);
  if (st) {
    ig_value_release(v);
    return st;
  }
  ig_value_release(in->value);
  in->value = v;
  in->given = true;
  return NULL;
}

static ig_status read_folder(session *s, const char *folder) {
  char path[4096];
  size_t k = 0;
  for (; session_data_file(folder, "input", k, path, sizeof path); k++) {
    ig_value *v;
    IG_TRY(ig_value_load_file(s->env, path, &v));
    const session_input *named = find_input(s, ig_value_name(v));
    const size_t i = named ? (size_t)(named - s->inputs.data) : k;
    if (i >= s->inputs.n) {
      ig_value_release(v);
      IG_FAIL(IG_ERROR_INVALID_ARGUMENT, "%s: the network has %zu inputs", path, s->inputs.n);
    }
    IG_TRY(set_input(s, i, v));
  }
  IG_REQUIRE(k || !s->inputs.n, IG_ERROR_INVALID_ARGUMENT, "--input: the folder '%s' has no input_0.pb or input_0.npy", folder);
  return NULL;
}

static ig_status read_input(session *s, const char *spec) {
  struct stat st;
  if (stat(spec, &st) == 0 && S_ISDIR(st.st_mode)) return read_folder(s, spec);
  for (size_t i = 0; i < s->inputs.n; i++) {
    const size_t n = strlen(s->inputs.data[i].name);
    if (strncmp(spec, s->inputs.data[i].name, n) != 0 || spec[n] != '=') continue;
    ig_value *v;
    IG_TRY(ig_value_load_file(s->env, spec + n + 1, &v));
    return set_input(s, i, v);
  }
  const char *equals = strrchr(spec, '=');
  IG_REQUIRE(equals, IG_ERROR_INVALID_ARGUMENT, "--input: '%s' is neither NAME=FILE nor a folder", spec);
  char name[256];
  snprintf(name, sizeof name, "%.*s", (int)(equals - spec < 255 ? equals - spec : 255), spec);
  return unknown_input(s, "--input", name);
}

static ig_status read_values(session *s, const char *spec) {
  const char *equals = strrchr(spec, '=');
  IG_REQUIRE(equals, IG_ERROR_INVALID_ARGUMENT, "--values: '%s' is not NAME=V0,V1,...", spec);
  char name[1024];
  snprintf(name, sizeof name, "%.*s", (int)(equals - spec), spec);
  session_input *in = find_input(s, name);
  if (!in) return unknown_input(s, "--values", name);
  const size_t i = (size_t)(in - s->inputs.data);
  ig_io_info io;
  IG_TRY(session_io(s, i, &io));
  ig_value *v;
  IG_TRY(session_parse_values(s->env, &io, equals + 1, &v));
  IG_TRY(set_input(s, i, v));
  s->inputs.data[i].fixed = s->model != NULL;
  return NULL;
}

static ig_status copy_inputs(session *s, const session *from) {
  for (size_t i = 0; i < from->inputs.n; i++) {
    const session_input *in = &from->inputs.data[i];
    session_input *to = find_input(s, in->name);
    if (!to || !in->value) continue;
    ig_value *v;
    IG_TRY(ig_value_create(s->env, in->name, ig_value_tensor(in->value), &v));
    IG_TRY(set_input(s, (size_t)(to - s->inputs.data), v));
    to->fixed = in->fixed && s->model;
  }
  return NULL;
}

static ig_status read_inputs(session *s) {
  IG_TRY_NOTE(ig_shape_text_parse(heap, s->opt.shapes, &s->shapes), "--shapes");
  for (size_t i = 0; i < s->shapes.entries.n; i++)
    if (!find_input(s, s->shapes.entries.data[i].name)) return unknown_input(s, "--shapes", s->shapes.entries.data[i].name);
  for (size_t i = 0; i < s->opt.n_inputs; i++)
    IG_TRY(read_input(s, s->opt.inputs[i]));
  for (size_t i = 0; i < s->opt.n_values; i++)
    IG_TRY(read_values(s, s->opt.values[i]));
  return NULL;
}

/* ---- shapes ---- */

/* Dims that are known of input i without guessing: of its data, of --shapes. */
static bool known_dims(const session *s, size_t i, const int64_t **out, int32_t *out_rank) {
  const ig_tensor *t = ig_value_tensor(s->inputs.data[i].value);
  if (t) return *out = t->dims, *out_rank = t->rank, true;
  const ig_shape_entry *e = ig_shape_list_find(&s->shapes, s->inputs.data[i].name);
  if (!e) return false;
  *out = e->dims;
  *out_rank = (int32_t)e->rank;
  return true;
}

/* An open dim takes the value of the dim of the same name in an input whose shape is known, else its least, at least 1. */
static int64_t open_dim(const session *s, const ig_io_info *io, int32_t axis) {
  const char *name = io->dim_names[axis];
  for (size_t i = 0; name && i < s->inputs.n; i++) {
    ig_io_info other;
    const int64_t *dims;
    int32_t rank;
    ig_status st = session_io(s, i, &other);
    const bool known = !st && known_dims(s, i, &dims, &rank) && rank == other.rank;
    ig_status_free(st);
    for (int32_t k = 0; known && k < rank; k++)
      if (other.dim_names[k] && strcmp(other.dim_names[k], name) == 0) return dims[k];
  }
  return io->min_dims[axis] > 1 ? io->min_dims[axis] : 1;
}

static ig_status dims_of(const session *s, size_t i, int64_t *dims, int32_t *out_rank) {
  const int64_t *known;
  ig_io_info io;
  IG_TRY(session_io(s, i, &io));
  *out_rank = io.rank;
  if (known_dims(s, i, &known, out_rank)) {
    if (*out_rank) memcpy(dims, known, (size_t)*out_rank * sizeof *dims);
    return NULL;
  }
  for (int32_t k = 0; k < io.rank; k++)
    dims[k] = io.dims[k] >= 0 ? io.dims[k] : open_dim(s, &io, k);
  return NULL;
}

/* Inputs that nobody gave. */
static ig_status make_up_inputs(session *s) {
  for (size_t i = 0; i < s->inputs.n; i++) {
    session_input *in = &s->inputs.data[i];
    if (in->value) continue;
    ig_io_info io = {.struct_size = sizeof io};
    int64_t dims[IG_MAX_RANK];
    int32_t rank;
    IG_TRY(ig_engine_io(s->engine, i, &io));
    IG_TRY(dims_of(s, i, dims, &rank));
    IG_REQUIRE(rank >= 0, IG_ERROR_INVALID_ARGUMENT, "input '%s' has no shape in the model: give one with --shapes %s:...", in->name, in->name);
    IG_TRY(session_random(s->env, in->name, io.dtype, rank, dims, s->opt.seed + 0x1000003 * (uint64_t)i, &in->value));
  }
  return NULL;
}

/* ---- building ---- */

static ig_status shape_text(const session *s, ig_buf *out) {
  for (size_t i = 0; i < s->inputs.n; i++) {
    int64_t dims[IG_MAX_RANK];
    int32_t rank;
    IG_TRY(dims_of(s, i, dims, &rank));
    if (rank < 0) continue;
    const char *name = s->inputs.data[i].name, *quote = !strpbrk(name, ",'\"") ? "" : strchr(name, '\'') ? "\"" : "'";
    ig_buf_printf(out, "%s%s%s%s:", out->n ? "," : "", quote, name, quote);
    for (int32_t k = 0; k < rank; k++)
      ig_buf_printf(out, "%s%lld", k ? "x" : "", (long long)dims[k]);
  }
  return ig_buf_cstr(out), out->failed ? IG_OOM() : NULL;
}

static int64_t element_count(const ig_tensor *t) {
  int64_t n = 1;
  for (int32_t k = 0; k < t->rank; k++)
    n *= t->dims[k];
  return n;
}

/* Round 0: what the user fixed. Round 1: small integers, too. Round 2: every short list and scalar that was given. */
static bool is_fixed(const session_input *in, int round) {
  const ig_tensor *t = ig_value_tensor(in->value);
  if (!t || !in->given || in->fixed) return t && in->fixed;
  if (round == 0 || element_count(t) > MAX_FIXED_ELEMENTS || t->dtype == IG_DTYPE_STRING) return false;
  const bool integer = (t->dtype & 0xffu) <= 1;
  return integer || (round == 2 && t->rank <= 1);
}

static ig_status build_round(session *s, const char *shapes, int round) {
  const ig_profile profile = {NULL, shapes, NULL};
  ig_fixed_input *fixed = ig_alloc_zero(heap, s->inputs.n + 1, sizeof *fixed);
  IG_CHECK_MEM(fixed);
  ig_build_options b = IG_BUILD_OPTIONS_INIT;
  b.isa_mask = s->opt.isa_mask;
  b.n_threads = s->opt.n_threads;
  b.tune = s->opt.tune;
  b.passes = s->opt.passes;
  b.cancel = s->opt.cancel;
  b.progress = s->opt.progress;
  b.progress_user = s->opt.progress_user;
  if (*shapes) b.profiles = &profile, b.n_profiles = 1;
  for (size_t i = 0; i < s->inputs.n; i++)
    if (is_fixed(&s->inputs.data[i], round)) fixed[b.n_fixed++] = (ig_fixed_input){s->inputs.data[i].name, ig_value_tensor(s->inputs.data[i].value)};
  b.fixed = fixed;
  ig_status st = ig_build(s->model, &b, &s->plan);
  ig_free(heap, fixed, 0);
  return st;
}

/* With more contents fixed it may be clear what the shapes are. */
static bool asks_for_values(ig_status st) {
  const char *issue = ig_status_detail(st, IG_DETAIL_ISSUE_CODE);
  return ig_status_code(st) == IG_ERROR_UNSUPPORTED && issue && strcmp(issue, "UNSUPPORTED_SHAPE") == 0;
}

static ig_status build_model(session *s) {
  ig_buf shapes;
  ig_buf_init(&shapes, heap);
  ig_status st = shape_text(s, &shapes);
  for (int round = 0; !st && !s->plan && round < 3; round++) {
    st = build_round(s, ig_buf_cstr(&shapes), round);
    if (round == 2 || !asks_for_values(st)) break;
    if (round < 2) ig_status_free(st), st = NULL;
  }
  ig_buf_free(&shapes);
  return st;
}

static ig_status load_plan(session *s, const ig_plan *plan, const char *device) {
  const void *bytes;
  size_t n;
  ig_plan_bytes(plan, &bytes, &n);
  const ig_load_options o = {.struct_size = sizeof o, .device = device, .isa_mask = s->opt.isa_mask};
  return ig_engine_load_memory(s->env, bytes, n, &o, &s->engine);
}

static ig_status open_parts(session *s, const session *inputs_of) {
  bool is_engine;
  IG_TRY(session_is_engine(s->opt.path, &is_engine));
  if (is_engine) {
    const ig_load_options o = {.struct_size = sizeof o, .device = s->opt.device, .isa_mask = s->opt.isa_mask};
    IG_TRY(ig_engine_load_file(s->env, s->opt.path, &o, &s->engine));
  } else
    IG_TRY(ig_model_load_file(s->env, s->opt.path, NULL, &s->model));
  IG_TRY(list_inputs(s));
  IG_TRY(read_inputs(s));
  if (inputs_of) IG_TRY(copy_inputs(s, inputs_of));
  if (!is_engine) {
    IG_TRY(build_model(s));
    IG_TRY(load_plan(s, s->plan, s->opt.device));
  }
  return make_up_inputs(s);
}

static ig_status start(ig_env *env, const session_options *o, session *out) {
  *out = (session){.env = env, .opt = *o};
  ig_env_retain(env);
  return NULL;
}

ig_status session_open_with(const session *inputs_of, const session_options *o, session *out) {
  IG_TRY(start(inputs_of->env, o, out));
  ig_status st = open_parts(out, inputs_of);
  if (st) session_close(out);
  return st;
}

ig_status session_open(ig_env *env, const session_options *o, session *out) {
  IG_TRY(start(env, o, out));
  ig_status st = open_parts(out, NULL);
  if (st) session_close(out);
  return st;
}

ig_status session_open_reference(const session *of, session *out) {
  session_options o = of->opt;
  o.device = "ref";
  IG_TRY(start(of->env, &o, out));
  const ig_load_options load = {.struct_size = sizeof load, .device = "ref"};
  ig_status st = of->plan ? load_plan(out, of->plan, "ref") : ig_engine_load_file(of->env, o.path, &load, &out->engine);
  if (!st) st = list_inputs(out);
  if (!st) st = copy_inputs(out, of);
  if (st) session_close(out);
  return st;
}

void session_close(session *s) {
  if (!s->env) return;
  for (size_t i = 0; i < s->inputs.n; i++) {
    ig_free(heap, s->inputs.data[i].name, 0);
    ig_value_release(s->inputs.data[i].value);
  }
  IG_VEC_FREE(heap, s->inputs);
  ig_shape_list_free(heap, &s->shapes);
  ig_engine_release(s->engine);
  ig_plan_release(s->plan);
  ig_model_release(s->model);
  ig_env_release(s->env);
  *s = (session){0};
}

/* ---- running ---- */

ig_status session_feed(const session *s, ig_context *c) {
  for (size_t i = 0; i < s->inputs.n; i++) {
    const ig_tensor *t = ig_value_tensor(s->inputs.data[i].value);
    IG_TRY(ig_context_set_data(c, s->inputs.data[i].name, t->data, ig_dtype_bytes(t->dtype, (uint64_t)element_count(t))));
  }
  return NULL;
}

ig_status session_context(const session *s, uint32_t n_threads, ig_context **out) {
  const ig_context_options o = {.struct_size = sizeof o, .n_threads = n_threads ? n_threads : s->opt.n_threads, .cancel = s->opt.cancel};
  IG_TRY(ig_context_create(s->engine, &o, out));
  ig_status st = NULL;
  for (size_t i = 0; !st && i < s->inputs.n; i++) {
    const ig_tensor *t = ig_value_tensor(s->inputs.data[i].value);
    st = ig_context_set_shape(*out, s->inputs.data[i].name, t->dims, (size_t)t->rank);
  }
  if (!st) st = session_feed(s, *out);
  if (!st) return NULL;
  ig_context_release(*out);
  *out = NULL;
  return st;
}

ig_status session_output(const session *s, ig_context *c, size_t i, ig_value **out) {
  *out = NULL;
  ig_tensor t;
  const size_t at = ig_engine_n_inputs(s->engine) + i;
  ig_io_info io = {.struct_size = sizeof io};
  IG_TRY(ig_engine_io(s->engine, at, &io));
  IG_TRY(ig_context_get_tensor_at(c, at, &t));
  return ig_value_create(s->env, io.name, &t, out);
}
