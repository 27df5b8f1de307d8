/* Engines: load, verify, describe their inputs and outputs. SPDX-License-Identifier: Apache-2.0 */
#include "rt/rt.h"

static void engine_free(ig_engine *e) {
  const ig_allocator *a = &e->env->alloc;
  for (size_t i = 0; i < e->rebuilt.n; i++) {
    ig_rebuilt *r = e->rebuilt.data[i];
    if (r->bytes) ig_free_aligned(a, r->bytes, r->size);
    ig_free(a, r, sizeof *r);
  }
  IG_VEC_FREE(a, e->rebuilt);
  if (e->holds) ig_free(a, e->holds, e->plan.n_buffers + 1);
  if (e->choices) ig_free(a, e->choices, (e->plan.n_steps + 1) * sizeof *e->choices);
  if (e->constants) ig_free(a, e->constants, (e->plan.n_operands + 1) * sizeof *e->constants);
  ig_plan_data_free(a, &e->plan);
  if (e->dev) e->hal->close(e->dev);
  if (e->file.data) ig_file_close(&e->file);
  if (e->owns_bytes && e->bytes) ig_free_aligned(a, (void *)(uintptr_t)e->bytes, e->n_bytes);
  else if (e->release) e->release(e->release_user, e->bytes, e->n_bytes);
  ig_env *env = e->env;
  ig_free(a, e, sizeof *e);
  ig_env_release(env);
}

/* A larger struct is fine as long as what this build does not know is zero. */
static ig_status read_options(const ig_load_options *opt, ig_load_options *out) {
  *out = (ig_load_options)IG_LOAD_OPTIONS_INIT;
  if (!opt) return NULL;
  IG_REQUIRE(opt->struct_size >= sizeof opt->struct_size, IG_ERROR_INVALID_ARGUMENT, "ig_load_options: struct_size is %zu: use IG_LOAD_OPTIONS_INIT", opt->struct_size);
  const unsigned char *tail = (const unsigned char *)opt;
  for (size_t i = sizeof *opt; i < opt->struct_size; i++)
    IG_REQUIRE(tail[i] == 0, IG_ERROR_INVALID_ARGUMENT, "ig_load_options: a field that this version does not know is set");
  memcpy(out, opt, opt->struct_size < sizeof *opt ? opt->struct_size : sizeof *opt);
  return NULL;
}

static ig_status open_device(ig_engine *e, const ig_load_options *o) {
  const char *name = o->device ? o->device : ig_plan_name(&e->plan, e->plan.targets[0].device);
  e->hal = ig_hal_by_name(name);
  IG_REQUIRE(e->hal, IG_ERROR_DEVICE, "device '%s' is not in this build: see `ingot devices`", name);
  const uint64_t isa = o->isa_mask == 0 ? ~0ull : o->isa_mask & ~IG_ISA_PORTABLE;
  const ig_hal_options h = { .isa_mask = isa, .n_threads = e->env->n_threads };
  return e->hal->open(e->env, &h, &e->dev);
}

static ig_status load(ig_engine *e, const uint8_t *bytes, size_t n, const ig_load_options *o) {
  IG_TRY(ig_plan_read(&e->env->alloc, bytes, n, o->verify ? IG_VERIFY_METADATA : IG_VERIFY_FULL, &e->plan));
  while (e->n_inputs < e->plan.n_io && e->plan.io[e->n_inputs].role == IG_IO_INPUT) e->n_inputs++;
  for (size_t i = 0; i < e->plan.n_io; i++)
    IG_REQUIRE(ig_io_dtype(&e->plan.io[i]) != IG_DTYPE_NONE, IG_ERROR_BAD_ENGINE, "engine file: section IOTB, record %zu: data type %d", i, e->plan.io[i].onnx_dtype);
  IG_TRY(ig_engine_find_strings(e));
  IG_TRY(open_device(e, o));
  return ig_engine_resolve(e);
}

static ig_status engine_new(ig_env *env, ig_engine **out) {
  ig_engine *e = *out = ig_alloc_zero(&env->alloc, 1, sizeof *e);
  IG_CHECK_MEM(e);
  atomic_init(&e->refs, 1);
  e->env = env;
  ig_env_retain(env);
  return NULL;
}

ig_status ig_engine_load_file(ig_env *env, const char *path, const ig_load_options *opt, ig_engine **out_engine) {
  IG_REQUIRE(out_engine, IG_ERROR_INVALID_ARGUMENT, "ig_engine_load_file: out_engine is NULL");
  *out_engine = NULL;
  IG_REQUIRE(env && path, IG_ERROR_INVALID_ARGUMENT, "ig_engine_load_file: env or path is NULL");
  ig_load_options o;
  IG_TRY(read_options(opt, &o));
  ig_engine *e;
  IG_TRY(engine_new(env, &e));
  ig_status st = ig_file_open(&env->alloc, path, o.copy != 0, &e->file);
  if (!st) st = ig_status_note(load(e, e->file.data, e->file.size, &o), "%s", path);
  if (st) engine_free(e);
  else *out_engine = e;
  return st;
}

ig_status ig_engine_load_memory(ig_env *env, const void *bytes, size_t n_bytes, const ig_load_options *opt, ig_engine **out_engine) {
  IG_REQUIRE(out_engine, IG_ERROR_INVALID_ARGUMENT, "ig_engine_load_memory: out_engine is NULL");
  *out_engine = NULL;
  IG_REQUIRE(env && (bytes || !n_bytes), IG_ERROR_INVALID_ARGUMENT, "ig_engine_load_memory: env or bytes is NULL");
  ig_load_options o;
  IG_TRY(read_options(opt, &o));
  IG_REQUIRE(!o.release || (uintptr_t)bytes % IG_TENSOR_ALIGN == 0, IG_ERROR_INVALID_ARGUMENT, "ig_engine_load_memory: bytes used in place must be aligned to %u", IG_TENSOR_ALIGN);
  ig_engine *e;
  IG_TRY(engine_new(env, &e));
  ig_status st = NULL;
  e->bytes = bytes;
  e->n_bytes = n_bytes;
  if (!o.release) {
    uint8_t *copy = ig_alloc_aligned(&env->alloc, n_bytes ? n_bytes : 1);
    if (copy && n_bytes) memcpy(copy, bytes, n_bytes);
    if (!copy) st = IG_OOM();
    e->bytes = copy;
    e->n_bytes = n_bytes ? n_bytes : 1;
    e->owns_bytes = true;
  }
  if (!st) st = load(e, e->bytes, n_bytes, &o);
  if (st) {
    engine_free(e);    /* on failure the caller keeps its bytes: release is set only afterwards */
    return st;
  }
  e->release = o.release;
  e->release_user = o.release_user;
  *out_engine = e;
  return NULL;
}

void ig_engine_retain(ig_engine *e) {
  if (e) atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
}
void ig_engine_release(ig_engine *e) {
  if (e && atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) == 1) engine_free(e);
}

size_t ig_engine_n_io(const ig_engine *e) { return e ? e->plan.n_io : 0; }
size_t ig_engine_n_inputs(const ig_engine *e) { return e ? e->n_inputs : 0; }

ig_dtype ig_io_dtype(const ig_plan_io *io) { return ig_dtype_from_onnx(io->onnx_dtype); }

/* Range of a dim over the profiles: a constant's own value, an input symbol's range; otherwise unknown (0 .. -1 = unbounded). */
static void dim_range(const ig_plan_data *p, ig_dim d, int64_t *lo, int64_t *hi) {
  const ig_dim_node *n = &p->dims[d];
  *lo = 0;
  *hi = -1;
  if (n->op == IG_DIM_CONST) *lo = *hi = n->imm;
  if (n->op != IG_DIM_SYMBOL) return;
  *lo = INT64_MAX;
  for (size_t f = 0; f < p->n_profiles; f++) {
    const ig_plan_range *r = &p->ranges[f * p->n_symbols + n->a];
    *lo = ig_min_i64(*lo, r->min);
    *hi = ig_max_i64(*hi, r->max);
  }
}

ig_status ig_engine_io(const ig_engine *e, size_t i, ig_io_info *out) {
  IG_REQUIRE(e && out, IG_ERROR_INVALID_ARGUMENT, "ig_engine_io: engine or out is NULL");
  IG_REQUIRE(i < e->plan.n_io, IG_ERROR_INVALID_ARGUMENT, "ig_engine_io: %zu of %zu inputs and outputs", i, e->plan.n_io);
  IG_REQUIRE(out->struct_size >= sizeof(ig_io_info), IG_ERROR_INVALID_ARGUMENT, "ig_engine_io: out->struct_size is not set");
  const ig_plan_io *io = &e->plan.io[i];
  ig_io_info info = { .struct_size = out->struct_size, .name = ig_io_name(e, i), .is_output = io->role == IG_IO_OUTPUT, .dtype = ig_io_dtype(io), .rank = (int32_t)io->rank };
  for (uint32_t k = 0; k < io->rank; k++) {
    const ig_dim_node *d = &e->plan.dims[io->dims[k]];
    info.dims[k] = d->op == IG_DIM_CONST ? d->imm : -1;
    info.dim_names[k] = io->dim_names[k] ? ig_plan_name(&e->plan, io->dim_names[k]) : NULL;
    dim_range(&e->plan, io->dims[k], &info.min_dims[k], &info.max_dims[k]);
  }
  *out = info;
  return NULL;
}

ig_status ig_engine_metadata(const ig_engine *e, const char *key, const void **out, size_t *out_n) {
  IG_REQUIRE(e && key && out && out_n, IG_ERROR_INVALID_ARGUMENT, "ig_engine_metadata: an argument is NULL");
  *out = NULL;
  *out_n = 0;
  for (size_t i = 0; i < e->plan.n_meta; i++) {
    if (strcmp(ig_plan_name(&e->plan, e->plan.meta[i].key), key) != 0) continue;
    *out = ig_plan_name(&e->plan, e->plan.meta[i].value);
    *out_n = strlen(*out);
    return NULL;
  }
  return NULL;
}
