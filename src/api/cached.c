/* From an ONNX file to an engine in one call, with a folder of engines built before.
 *
 * The key is a hash of everything that decides the engine: bytes of the model and its external data, options, Ingot's version, the CPU.
 * A cached file that does not load, for whatever reason, is built again and replaced.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

static int append(void *user, const void *bytes, size_t n) {
  ig_buf_bytes(user, bytes, n);
  return 0;
}

static void add_text(ig_buf *b, const char *name, const char *s) { ig_buf_printf(b, "%s=%s\n", name, s ? s : ""); }

static void add_fixed(ig_buf *b, const ig_fixed_input *f) {
  const ig_tensor *t = f->tensor;
  ig_buf_printf(b, "fixed %s %u", f->name, t->dtype);
  uint64_t n = 1;
  for (int32_t k = 0; k < t->rank; k++) {
    ig_buf_printf(b, " %lld", (long long)t->dims[k]);
    n *= (uint64_t)t->dims[k];
  }
  ig_buf_str(b, "\n");
  if (t->data) ig_buf_bytes(b, (const char *)t->data + t->byte_offset, ig_dtype_bytes(t->dtype, n));
}

/* What a build depends on besides the model; what only watches it (progress, dump, cancel, cache of timings) is left out. */
static ig_status describe_build(ig_env *env, const ig_build_options *o, ig_buf *b) {
  add_text(b, "version", ig_version());
  IG_TRY(ig_device_describe(env, o->device ? o->device : "cpu", append, b));
  add_text(b, "\ndevice", o->device);
  add_text(b, "precision", o->precision);
  add_text(b, "passes", o->passes);
  ig_buf_printf(b, "isa=%" PRIx64 " threads=%u tune=%d memory=%" PRIu64 " limit=%lld reference=%d\n", o->isa_mask,
                o->n_threads ? o->n_threads : env->n_threads, (int)o->tune, o->memory, (long long)o->pass_limit, o->no_reference);
  ig_buf_f64(b, o->build_seconds);
  for (size_t i = 0; i < o->n_profiles; i++) {
    add_text(b, "min", o->profiles[i].min_shapes);
    add_text(b, "opt", o->profiles[i].opt_shapes);
    add_text(b, "max", o->profiles[i].max_shapes);
  }
  for (size_t i = 0; i < o->n_fixed; i++)
    if (o->fixed[i].name && o->fixed[i].tensor) add_fixed(b, &o->fixed[i]);
  for (size_t i = 0; i < o->n_outputs; i++)
    add_text(b, "output", o->outputs[i]);
  return b->failed ? IG_OOM() : NULL;
}

static ig_status cache_path(const ig_model *m, const ig_build_options *o, const char *dir, ig_buf *out) {
  ig_buf key;
  ig_buf_init(&key, &m->env->alloc);
  ig_status st = describe_build(m->env, o, &key);
  if (!st) ig_buf_printf(out, "%s/%016" PRIx64 "-%016" PRIx64 ".ingot", dir, m->hash, ig_hash(key.data, key.n, m->hash));
  ig_buf_free(&key);
  if (!st && (!ig_buf_cstr(out)[0] || out->failed)) st = IG_OOM();
  return st;
}

/* Failing to keep the engine is no failure of the call, but is said. */
static void keep(const ig_model *m, const ig_plan *p, const char *dir, const char *path) {
  ig_status st = mkdir(dir, 0777) == 0 || errno == EEXIST ? ig_plan_save(p, path) : ig_file_error("cannot make the folder", dir, errno);
  if (st) ig_log(m->env, IG_LOG_WARN, "cache", "the engine is not kept: %s", ig_status_message(st));
  ig_status_free(st);
}

/* A cached file must be whole: every hash and record is checked. *out stays NULL where it is not there or not good. */
static ig_status read_cached(const ig_model *m, const char *path, ig_plan **out) {
  struct stat exists;
  if (stat(path, &exists) != 0) return NULL;
  ig_plan *p = NULL;
  ig_plan_data data;
  ig_file_map f;
  ig_status st = ig_file_open(&m->env->alloc, path, false, &f);
  if (st) f = (ig_file_map){.data = NULL};
  if (!st) st = ig_plan_read(&m->env->alloc, f.data, f.size, IG_VERIFY_FULL, &data);
  if (!st) st = ig_plan_wrap(m->env, &data, f.data, f.size, &p);
  if (!st) ig_plan_data_free(&m->env->alloc, &data);
  if (f.data) ig_file_close(&f);
  *out = p;
  if (!st || ig_status_code(st) == IG_ERROR_OUT_OF_MEMORY) return st;
  ig_log(m->env, IG_LOG_WARN, "cache", "%s is built again: %s", path, ig_status_message(st));
  ig_status_free(st);
  return NULL;
}

ig_status ig_plan_from_cache(const ig_model *m, const ig_build_options *opt, const char *cache_dir, ig_plan **out_plan) {
  IG_REQUIRE(out_plan, IG_ERROR_INVALID_ARGUMENT, "ig_plan_from_cache: out_plan is NULL");
  *out_plan = NULL;
  IG_REQUIRE(m && cache_dir, IG_ERROR_INVALID_ARGUMENT, "ig_plan_from_cache: model or cache_dir is NULL");
  ig_build_options o;
  IG_TRY(ig_build_options_read(opt, &o));
  ig_buf path;
  ig_buf_init(&path, &m->env->alloc);
  ig_status st = cache_path(m, &o, cache_dir, &path);
  if (!st) st = read_cached(m, ig_buf_cstr(&path), out_plan);
  if (!st && !*out_plan) {
    st = ig_build(m, &o, out_plan);
    if (!st) keep(m, *out_plan, cache_dir, ig_buf_cstr(&path));
  }
  ig_buf_free(&path);
  return st;
}

static ig_status load_plan(const ig_model *m, const ig_build_options *o, const ig_plan *p, ig_engine **out) {
  const void *bytes;
  size_t n;
  ig_plan_bytes(p, &bytes, &n);
  const ig_load_options load = {.struct_size = sizeof load, .device = o->device, .isa_mask = o->isa_mask};
  return ig_engine_load_memory(m->env, bytes, n, &load, out);
}

ig_status ig_engine_from_model_file(ig_env *env, const char *onnx, const ig_build_options *opt, const char *cache_dir, ig_engine **out_engine) {
  IG_REQUIRE(out_engine, IG_ERROR_INVALID_ARGUMENT, "ig_engine_from_model_file: out_engine is NULL");
  *out_engine = NULL;
  IG_REQUIRE(env && onnx, IG_ERROR_INVALID_ARGUMENT, "ig_engine_from_model_file: env or path is NULL");
  ig_build_options o;
  IG_TRY(ig_build_options_read(opt, &o));
  ig_model *m;
  IG_TRY(ig_model_load_file(env, onnx, NULL, &m));
  ig_plan *p = NULL;
  ig_status st = cache_dir ? ig_plan_from_cache(m, &o, cache_dir, &p) : ig_build(m, &o, &p);
  if (!st) st = load_plan(m, &o, p, out_engine);
  ig_plan_release(p);
  ig_model_release(m);
  return st;
}
