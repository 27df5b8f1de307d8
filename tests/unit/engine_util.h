/* What the tests of engines share: building one from an ONNX file, giving a context seeded inputs, gathering its outputs, and running mutated
 * files (engine_mutate.h).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_TESTS_ENGINE_UTIL_H
#define IG_TESTS_ENGINE_UTIL_H
#include "build/build.h"
#include "engine_mutate.h"
#include "ir_util.h"
#include "onnx/onnx.h"
#include "plan/layout.h"
#include "rt/rt.h"

/* ---- building ---- */

typedef struct engine_bytes { ig_env *env; uint8_t *bytes; size_t n; } engine_bytes;

static inline ig_build_options guess_options(void) {
  ig_build_options o = IG_BUILD_OPTIONS_INIT;
  o.tune = IG_TUNE_GUESS;
  return o;
}

/* Path of a file of the source tree; meson runs tests at its root. */
static inline const char *source_path(const char *rel) {
  static char path[4096];
  const char *root = getenv("INGOT_SOURCE_ROOT");
  snprintf(path, sizeof path, "%s/%s", root ? root : ".", rel);
  return path;
}

static inline ig_status try_build_ir(ig_ir *ir, const ig_build_options *opt, engine_bytes *out) {
  ig_build_result r;
  IG_TRY(ig_build_ir(ir, opt, NULL, &r));
  out->env = ir->env;
  out->n = r.n_bytes;
  out->bytes = ig_alloc_aligned(&ir->env->alloc, r.n_bytes);
  if (out->bytes) memcpy(out->bytes, r.bytes, r.n_bytes);
  ig_build_result_free(&ir->env->alloc, &r);
  return out->bytes ? NULL : IG_OOM();
}

static inline ig_status try_build_file(ig_env *env, const char *rel, const ig_build_options *opt, engine_bytes *out) {
  ig_file_map f;
  ig_onnx_sources src = { .alloc = &env->alloc };
  ig_ir *ir = NULL;
  memset(out, 0, sizeof *out);
  IG_TRY(ig_file_open(&env->alloc, source_path(rel), false, &f));
  ig_status st = ig_onnx_import(env, f.data, f.size, source_path(rel), NULL, NULL, &src, &ir);
  if (!st) st = try_build_ir(ir, opt, out);
  if (ir) ig_ir_destroy(ir);
  ig_onnx_sources_free(&src);
  ig_file_close(&f);
  return st;
}

static inline engine_bytes build_file(ig_env *env, const char *rel, const ig_build_options *opt) {
  engine_bytes e = { 0 };
  const ig_build_options o = guess_options();
  check_ok(try_build_file(env, rel, opt ? opt : &o, &e));
  return e;
}

static inline engine_bytes build_text(ig_env *env, const char *text, const ig_build_options *opt) {
  engine_bytes e = { 0 };
  const ig_build_options o = guess_options();
  ig_ir *ir = parse(env, text);
  check_ok(try_build_ir(ir, opt ? opt : &o, &e));
  ig_ir_destroy(ir);
  return e;
}

static inline void engine_bytes_free(engine_bytes *e) {
  if (e->bytes) ig_free_aligned(&e->env->alloc, e->bytes, e->n);
  e->bytes = NULL;
}

static inline ig_engine *load(const engine_bytes *b, const ig_load_options *opt) {
  ig_engine *e = NULL;
  check_ok(ig_engine_load_memory(b->env, b->bytes, b->n, opt, &e));
  return e;
}

/* ---- running ---- */

/* Bytes of an input: small integers 0..3 for integers and bool (0..1), values in [-1, 1) for floats; the same for the same seed. */
static inline void fill_input(ig_dtype d, uint8_t *p, size_t n_bytes, uint64_t seed) {
  const size_t elem = IG_DTYPE_BITS(d) >= 8 ? IG_DTYPE_BITS(d) / 8 : 1;
  for (size_t i = 0; i < n_bytes / elem; i++) {
    const uint64_t bits = ig_hash(&i, sizeof i, seed);
    const float f = (float)((double)(bits >> 11) * 0x1p-52 - 1.0);
    const double wide = f;
    uint64_t small = bits % (d == IG_DTYPE_BOOL ? 2 : 4);
    if (d == IG_DTYPE_F32) memcpy(p + i * 4, &f, 4);
    else if (d == IG_DTYPE_F64) memcpy(p + i * 8, &wide, 8);
    else memcpy(p + i * elem, &small, elem < 8 ? elem : 8);
  }
}

/* Sets every input's shape (dynamic dims: `dynamic`) and seeded contents. */
static inline ig_status feed(ig_context *c, int64_t dynamic, uint64_t seed) {
  ig_engine *e = c->engine;
  for (size_t i = 0; i < ig_engine_n_inputs(e); i++) {
    ig_io_info io = { .struct_size = sizeof io };
    int64_t dims[IG_MAX_RANK];
    uint64_t n = 1;
    IG_TRY(ig_engine_io(e, i, &io));
    for (int32_t k = 0; k < io.rank; k++) {
      dims[k] = io.dims[k] < 0 ? dynamic : io.dims[k];
      IG_REQUIRE(dims[k] >= 0 && !__builtin_mul_overflow(n, (uint64_t)dims[k], &n) && n < 1u << 24, IG_ERROR_LIMIT, "input too large for this test");
    }
    const size_t n_bytes = ig_dtype_bytes(io.dtype, n);
    IG_TRY(ig_context_set_shape(c, io.name, dims, (size_t)io.rank));
    uint8_t *data = calloc(1, n_bytes + 8);
    assert_non_null(data);
    fill_input(io.dtype, data, n_bytes, seed + i);
    ig_status st = ig_context_set_data(c, io.name, data, n_bytes);
    free(data);
    IG_TRY(st);
  }
  return NULL;
}

/* All outputs' bytes, one after the other. */
static inline ig_status gather_outputs(ig_context *c, ig_buf *out) {
  ig_engine *e = c->engine;
  for (size_t i = ig_engine_n_inputs(e); i < ig_engine_n_io(e); i++) {
    ig_tensor t;
    IG_TRY(ig_context_get_tensor_at(c, i, &t));
    uint64_t n = 1;
    for (int32_t k = 0; k < t.rank; k++) n *= (uint64_t)t.dims[k];
    ig_buf_bytes(out, t.data, ig_dtype_bytes(t.dtype, n));
  }
  return out->failed ? IG_OOM() : NULL;
}

/* Hash of the outputs of a fresh context. */
static inline uint64_t run_once(ig_engine *e, int64_t dynamic, uint64_t seed) {
  ig_context *c = NULL;
  ig_buf out;
  ig_buf_init(&out, &ig_libc_allocator);
  check_ok(ig_context_create(e, NULL, &c));
  check_ok(feed(c, dynamic, seed));
  check_ok(ig_context_run(c));
  check_ok(gather_outputs(c, &out));
  assert_true(out.n > 0);
  const uint64_t h = ig_hash(out.data, out.n, 0);
  ig_buf_free(&out);
  ig_context_release(c);
  return h;
}

/* ---- mutated files ---- */

/* Loads mutated bytes and, if they are accepted, runs them. True if a run was reached and ended well. Statuses are fine; anything else is
 * the sanitizers' and the guard's business. max_work: runs that would take longer are left out. */
static inline bool survives(ig_env *env, const uint8_t *bytes, size_t n, double max_work) {
  ig_engine *e = NULL;
  ig_context *c = NULL;
  ig_context_options o = IG_CONTEXT_OPTIONS_INIT;
  o.n_threads = 1;
  o.max_bytes = 64u << 20;
  bool ran = false;
  ig_status st = ig_engine_load_memory(env, bytes, n, NULL, &e);
  if (!st) st = ig_context_create(e, &o, &c);
  if (!st) st = feed(c, 3, 1);
  if (!st) st = ig_context_bind(c);
  if (!st && bound_work(c) <= max_work) {
    st = ig_context_run(c);
    ran = !st;
  }
  if (st && (ig_status_code(st) == IG_ERROR_INTERNAL || !*ig_status_message(st))) fail_msg("%s", ig_status_message(st));
  ig_status_free(st);
  ig_context_release(c);
  ig_engine_release(e);
  return ran;
}
#endif
