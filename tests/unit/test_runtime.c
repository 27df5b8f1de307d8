/* The runtime's contracts: outputs NULL on failure, shapes, sizes, strided and external tensors, streams, limits, cancellation, fork, shapes
 * outside the profiles, and engines whose tactics are not to be had.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine_util.h"
#include <sys/wait.h>
#include <unistd.h>

static ig_env *env;
static char notices[4096];
static engine_bytes rows;      /* y[n, 3] = relu(x[n, 3]) + 1, n dynamic */

static const char rows_text[] =
  "model imported opset \"\"=17 {\n"
  "  symbol \"n\" input 0 0 0..1099511627776 opt 1\n"
  "  input %x : f32[n,3]\n"
  "  const %one : f32[] = {1}\n"
  "  %r = Relu(%x) : f32[n,3]\n"
  "  %y = Add(%r, %one) : f32[n,3]\n"
  "  output %y\n"
  "}\n";

static void take_log(void *user, ig_log_level level, const char *component, const char *message) {
  (void)user, (void)level;
  snprintf(notices + strlen(notices), sizeof notices - strlen(notices), "%s: %s\n", component, message);
}
static size_t count_notices(const char *part) {
  size_t n = 0;
  for (const char *p = notices; (p = strstr(p, part)); p++) n++;
  return n;
}

static engine_bytes build_rows(const char *max_shapes) {
  ig_build_options o = guess_options();
  const ig_profile profile = { .min_shapes = "x:1x3", .opt_shapes = max_shapes, .max_shapes = max_shapes };
  if (max_shapes) o.profiles = &profile, o.n_profiles = 1;
  return build_text(env, rows_text, &o);
}

static int set_up(void **state) {
  (void)state;
  ig_env_options o = IG_ENV_OPTIONS_INIT;
  o.log = take_log;
  o.n_threads = 2;
  check_ok(ig_env_create(&o, &env));
  rows = build_rows(NULL);
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  engine_bytes_free(&rows);
  ig_env_release(env);
  return 0;
}

static ig_context *new_context(ig_engine *e) {
  ig_context *c;
  check_ok(ig_context_create(e, NULL, &c));
  return c;
}
static void set_rows(ig_context *c, int64_t n, const float *x) {
  const int64_t dims[2] = { n, 3 };
  check_ok(ig_context_set_shape(c, "x", dims, 2));
  check_ok(ig_context_set_data(c, "x", x, (size_t)n * 12));
}
static void check_rows(const float *y, const float *x, int64_t n) {
  for (int64_t i = 0; i < n * 3; i++) assert_true(y[i] == (x[i] > 0 ? x[i] : 0) + 1);
}
static float values[600];
static const float *some_values(void) {
  fill_input(IG_DTYPE_F32, (uint8_t *)values, sizeof values, 9);
  return values;
}

/* ---- arguments ---- */

#define SENTINEL ((void *)&env)
static void test_out_null_on_failure(void **state) {
  (void)state;
  ig_engine *e = SENTINEL;
  check_fails(ig_engine_load_memory(env, "x", 1, NULL, &e), IG_ERROR_BAD_ENGINE, "not an Ingot engine");
  assert_null(e);
  e = SENTINEL;
  check_fails(ig_engine_load_memory(NULL, "x", 1, NULL, &e), IG_ERROR_INVALID_ARGUMENT, "env or bytes is NULL");
  assert_null(e);
  e = SENTINEL;
  check_fails(ig_engine_load_file(env, "/nonexistent", NULL, &e), IG_ERROR_IO, "/nonexistent");
  assert_null(e);
  e = SENTINEL;
  check_fails(ig_engine_load_file(env, source_path("examples/digits/digits.onnx"), NULL, &e), IG_ERROR_BAD_ENGINE, "digits.onnx");
  assert_null(e);
  ig_load_options o = IG_LOAD_OPTIONS_INIT;
  o.device = "toaster";
  e = SENTINEL;
  check_fails(ig_engine_load_memory(env, rows.bytes, rows.n, &o, &e), IG_ERROR_DEVICE, "toaster");
  assert_null(e);
  check_fails(ig_engine_load_memory(env, rows.bytes, rows.n, NULL, NULL), IG_ERROR_INVALID_ARGUMENT, "out_engine is NULL");
  ig_context *c = SENTINEL;
  check_fails(ig_context_create(NULL, NULL, &c), IG_ERROR_INVALID_ARGUMENT, "engine is NULL");
  assert_null(c);
  ig_stream *s = SENTINEL;
  check_fails(ig_stream_create(NULL, &s), IG_ERROR_INVALID_ARGUMENT, "engine is NULL");
  assert_null(s);
  check_fails(ig_context_run(NULL), IG_ERROR_INVALID_ARGUMENT, "NULL");
  check_fails(ig_context_enqueue(NULL, NULL), IG_ERROR_INVALID_ARGUMENT, "NULL");
  check_fails(ig_stream_wait(NULL), IG_ERROR_INVALID_ARGUMENT, "NULL");
  ig_engine_release(NULL), ig_context_release(NULL), ig_stream_release(NULL), ig_engine_retain(NULL);
}

static void test_struct_sizes(void **state) {
  (void)state;
  struct { ig_load_options o; uint64_t tail; } larger = { IG_LOAD_OPTIONS_INIT, 0 };
  larger.o.struct_size = sizeof larger;
  ig_engine *e;
  check_ok(ig_engine_load_memory(env, rows.bytes, rows.n, &larger.o, &e));
  struct { ig_context_options o; uint64_t tail; } context = { IG_CONTEXT_OPTIONS_INIT, 1 };
  context.o.struct_size = sizeof context;
  ig_context *c;
  check_fails(ig_context_create(e, &context.o, &c), IG_ERROR_INVALID_ARGUMENT, "does not know");
  assert_null(c);
  context.o.struct_size = 0;
  check_fails(ig_context_create(e, &context.o, &c), IG_ERROR_INVALID_ARGUMENT, "struct_size");
  ig_engine_release(e);
  larger.tail = 1;
  check_fails(ig_engine_load_memory(env, rows.bytes, rows.n, &larger.o, &e), IG_ERROR_INVALID_ARGUMENT, "does not know");
  assert_null(e);
}

static void test_io_info(void **state) {
  (void)state;
  ig_engine *e = load(&rows, NULL);
  assert_int_equal(ig_engine_n_io(e), 2);
  assert_int_equal(ig_engine_n_inputs(e), 1);
  ig_io_info io = { .struct_size = sizeof io };
  check_ok(ig_engine_io(e, 0, &io));
  assert_string_equal(io.name, "x");
  assert_int_equal(io.is_output, 0);
  assert_int_equal(io.dtype, IG_DTYPE_F32);
  assert_int_equal(io.rank, 2);
  assert_int_equal(io.dims[0], -1);
  assert_int_equal(io.dims[1], 3);
  assert_string_equal(io.dim_names[0], "n");
  assert_null(io.dim_names[1]);
  check_fails(ig_engine_io(e, 2, &io), IG_ERROR_INVALID_ARGUMENT, "2 of 2");
  io.struct_size = 0;
  check_fails(ig_engine_io(e, 0, &io), IG_ERROR_INVALID_ARGUMENT, "struct_size");
  ig_engine_release(e);
}

/* ---- shapes and data ---- */

static void test_shapes(void **state) {
  (void)state;
  ig_engine *e = load(&rows, NULL);
  ig_context *c = new_context(e);
  const int64_t one[1] = { 3 }, wrong[2] = { 2, 4 }, negative[2] = { -1, 3 }, good[2] = { 5, 3 };
  int64_t dims[IG_MAX_RANK] = { 0 };
  size_t n = 77;
  check_fails(ig_context_run(c), IG_ERROR_SHAPE, "'x': shape not set");
  check_fails(ig_context_set_data(c, "x", dims, 12), IG_ERROR_SHAPE, "set its shape before");
  check_fails(ig_context_set_shape(c, "x", one, 1), IG_ERROR_SHAPE, "1 dims given, the model has 2");
  check_fails(ig_context_set_shape(c, "x", wrong, 2), IG_ERROR_SHAPE, "dim 1 is 4, this engine was built for 3");
  check_fails(ig_context_set_shape(c, "x", negative, 2), IG_ERROR_SHAPE, "dim 0 is -1");
  check_fails(ig_context_set_shape(c, "y", good, 2), IG_ERROR_INVALID_ARGUMENT, "no input 'y': there are 'x'");
  check_fails(ig_context_get_shape(c, "y", dims, 2, &n), IG_ERROR_SHAPE, "shape not set");
  assert_int_equal(n, 0);
  check_ok(ig_context_set_shape(c, "x", good, 2));
  check_ok(ig_context_get_shape(c, "y", dims, 1, &n));
  assert_int_equal(n, 2);
  assert_int_equal(dims[0], 5);
  assert_int_equal(dims[1], 0);
  check_fails(ig_context_set_data(c, "x", values, 59), IG_ERROR_INVALID_ARGUMENT, "59 bytes given, its shape takes 60");
  check_fails(ig_context_set_data(c, "x", NULL, 60), IG_ERROR_INVALID_ARGUMENT, "NULL");
  check_fails(ig_context_set_data(c, "nope", values, 60), IG_ERROR_INVALID_ARGUMENT, "no input 'nope'");
  /* After all these failures the context is as usable as before. */
  set_rows(c, 5, some_values());
  check_ok(ig_context_run(c));
  ig_tensor y;
  check_ok(ig_context_get_tensor(c, "y", &y));
  assert_int_equal(y.dims[0], 5);
  check_rows(y.data, values, 5);
  check_fails(ig_context_get_tensor(c, "x", &y), IG_ERROR_INVALID_ARGUMENT, "no output 'x'");
  ig_context_release(c);
  ig_engine_release(e);
}

static void test_many_shapes(void **state) {
  (void)state;
  ig_engine *e = load(&rows, NULL);
  ig_context *c = new_context(e);
  static const int64_t sizes[] = { 7, 1, 0, 31, 2, 199, 3, 0, 199, 1, 13 };
  for (size_t i = 0; i < IG_COUNT(sizes); i++) {
    ig_tensor y;
    set_rows(c, sizes[i], some_values());
    check_ok(ig_context_run(c));
    check_ok(ig_context_get_tensor(c, "y", &y));
    assert_int_equal(y.dims[0], sizes[i]);
    check_rows(y.data, values, sizes[i]);
  }
  ig_context_release(c);
  ig_engine_release(e);
}

/* Handles may be released in any order. */
static void test_release_order(void **state) {
  (void)state;
  ig_env *own = NULL;
  check_ok(ig_env_create(NULL, &own));
  ig_engine *e;
  check_ok(ig_engine_load_memory(own, rows.bytes, rows.n, NULL, &e));
  ig_context *c = new_context(e);
  ig_stream *s;
  check_ok(ig_stream_create(e, &s));
  ig_env_release(own);
  ig_engine_release(e);
  set_rows(c, 2, some_values());
  check_ok(ig_context_run(c));
  ig_context_release(c);
  check_ok(ig_stream_wait(s));
  ig_stream_release(s);
}

/* ---- caller's tensors ---- */

static void test_external_tensors(void **state) {
  (void)state;
  ig_engine *e = load(&rows, NULL);
  ig_context *c = new_context(e);
  float out[12];
  int64_t dims[2] = { 4, 3 };
  some_values();
  ig_tensor x = { .data = values, .device_type = 1, .rank = 2, .dtype = IG_DTYPE_F32, .dims = dims }, y = x, back;
  y.data = out;
  check_ok(ig_context_set_tensor(c, "x", &x));
  check_ok(ig_context_set_tensor(c, "y", &y));
  check_ok(ig_context_run(c));
  check_rows(out, values, 4);
  check_ok(ig_context_get_tensor(c, "y", &back));
  assert_ptr_equal(back.data, out);
  values[0] = 41;   /* read by every following run */
  check_ok(ig_context_run(c));
  assert_true(out[0] == 42);
  /* Back to own buffers: the caller's memory is not touched any more. */
  check_ok(ig_context_set_tensor(c, "y", NULL));
  out[0] = -5;
  check_ok(ig_context_run(c));
  assert_true(out[0] == -5);
  check_ok(ig_context_get_tensor(c, "y", &back));
  assert_ptr_not_equal(back.data, out);
  check_rows(back.data, values, 4);
  ig_context_release(c);
  ig_engine_release(e);
}

static void test_strided_tensors(void **state) {
  (void)state;
  ig_engine *e = load(&rows, NULL);
  ig_context *c = new_context(e);
  float in[64], out[64];
  int64_t dims[2] = { 4, 3 }, transposed[2] = { 1, 4 }, wide[2] = { 10, -2 }, same[2] = { 3, 1 };
  for (int i = 0; i < 64; i++) in[i] = (float)(i % 7) - 3, out[i] = -100;
  const ig_tensor x = { .data = in, .device_type = 1, .rank = 2, .dtype = IG_DTYPE_F32, .dims = dims, .strides = transposed, .byte_offset = 8 };
  const ig_tensor y = { .data = out, .device_type = 1, .rank = 2, .dtype = IG_DTYPE_F32, .dims = dims, .strides = wide, .byte_offset = 20 };
  check_ok(ig_context_set_tensor(c, "x", &x));
  check_ok(ig_context_set_tensor(c, "y", &y));
  check_ok(ig_context_run(c));
  int written = 0;
  for (int i = 0; i < 4; i++)
    for (int k = 0; k < 3; k++) {
      const float v = in[2 + i + 4 * k];
      assert_true(out[5 + 10 * i - 2 * k] == (v > 0 ? v : 0) + 1);
    }
  for (int i = 0; i < 64; i++) written += out[i] != -100;
  assert_int_equal(written, 12);
  ig_tensor compact = x;
  compact.strides = same;
  compact.byte_offset = 0;
  check_ok(ig_context_set_tensor(c, "x", &compact));
  check_ok(ig_context_set_tensor(c, "y", NULL));
  check_ok(ig_context_run(c));
  ig_tensor back;
  check_ok(ig_context_get_tensor(c, "y", &back));
  check_rows(back.data, in, 4);
  ig_context_release(c);
  ig_engine_release(e);
}

static void test_refused_tensors(void **state) {
  (void)state;
  ig_engine *e = load(&rows, NULL);
  ig_context *c = new_context(e);
  int64_t dims[2] = { 4, 3 }, huge[2] = { (int64_t)1 << 40, 3 }, less[2] = { 2, 3 };
  const ig_tensor good = { .data = values, .device_type = 1, .rank = 2, .dtype = IG_DTYPE_F32, .dims = dims };
  ig_tensor t = good;
  t.dtype = IG_DTYPE_F64;
  check_fails(ig_context_set_tensor(c, "x", &t), IG_ERROR_INVALID_ARGUMENT, "double given, the engine has float");
  t = good, t.rank = 1;
  check_fails(ig_context_set_tensor(c, "x", &t), IG_ERROR_SHAPE, "rank 1 given");
  t = good, t.device_type = 2;
  check_fails(ig_context_set_tensor(c, "x", &t), IG_ERROR_INVALID_ARGUMENT, "device type 2");
  t = good, t.data = NULL;
  check_fails(ig_context_set_tensor(c, "x", &t), IG_ERROR_INVALID_ARGUMENT, "data is NULL");
  t = good, t.byte_offset = 2;
  check_fails(ig_context_set_tensor(c, "x", &t), IG_ERROR_INVALID_ARGUMENT, "not aligned");
  t = good, t.dims = NULL;
  check_fails(ig_context_set_tensor(c, "x", &t), IG_ERROR_SHAPE, "rank 2 given");
  t = good, t.dims = huge;
  check_ok(ig_context_set_tensor(c, "x", &t));
  check_fails(ig_context_run(c), IG_ERROR_LIMIT, "2^40");
  check_ok(ig_context_set_tensor(c, "x", &good));
  t = good, t.dims = less;
  check_ok(ig_context_set_tensor(c, "y", &t));
  check_fails(ig_context_run(c), IG_ERROR_SHAPE, "'y': dim 0 is 2, expected 4");
  check_ok(ig_context_set_tensor(c, "y", NULL));
  check_ok(ig_context_run(c));
  ig_context_release(c);
  ig_engine_release(e);
}

/* ---- memory, streams, cancelling, fork ---- */

static void test_memory_limits(void **state) {
  (void)state;
  ig_engine *e = load(&rows, NULL);
  ig_context_options o = IG_CONTEXT_OPTIONS_INIT;
  ig_context *c;
  o.max_bytes = 40000;
  check_ok(ig_context_create(e, &o, &c));
  set_rows(c, 20, some_values());
  check_ok(ig_context_run(c));
  const int64_t large[2] = { 5000, 3 };
  check_ok(ig_context_set_shape(c, "x", large, 2));
  check_fails(ig_context_run(c), IG_ERROR_LIMIT, "the limit is 40000");
  static const float zeros[15000];
  check_fails(ig_context_set_data(c, "x", zeros, sizeof zeros), IG_ERROR_LIMIT, "x: 60000 bytes at these shapes");
  set_rows(c, 20, some_values());
  check_ok(ig_context_run(c));
  ig_context_release(c);
  ig_engine_release(e);

  engine_bytes b = build_file(env, "examples/digits/digits.onnx", NULL);
  e = load(&b, NULL);
  ig_memory_info m = { .struct_size = sizeof m };
  check_ok(ig_engine_memory(e, NULL, &m));
  assert_true(m.weights > 0 && m.activations > 0);
  static _Alignas(64) char arena[1 << 20];
  o = (ig_context_options)IG_CONTEXT_OPTIONS_INIT;
  o.arena = arena + 1;
  o.arena_size = sizeof arena - 1;
  check_fails(ig_context_create(e, &o, &c), IG_ERROR_INVALID_ARGUMENT, "aligned to 64");
  o.arena = arena;
  o.arena_size = 64;
  check_ok(ig_context_create(e, &o, &c));
  check_ok(feed(c, 1, 1));
  check_fails(ig_context_run(c), IG_ERROR_LIMIT, "the caller's arena has 64 bytes");
  ig_context_release(c);
  o.arena_size = sizeof arena;
  check_ok(ig_context_create(e, &o, &c));
  check_ok(feed(c, 1, 1));
  check_ok(ig_context_run(c));
  ig_context_release(c);
  ig_engine_release(e);
  engine_bytes_free(&b);
}

static void test_streams(void **state) {
  (void)state;
  ig_engine *e = load(&rows, NULL), *other = load(&rows, NULL);
  ig_context *c = new_context(e);
  ig_stream *s, *foreign;
  check_ok(ig_stream_create(e, &s));
  check_ok(ig_stream_create(other, &foreign));
  set_rows(c, 3, some_values());
  check_ok(ig_context_enqueue(c, s));
  check_ok(ig_stream_wait(s));
  check_fails(ig_context_enqueue(c, foreign), IG_ERROR_INVALID_ARGUMENT, "another engine");
  ig_stream_release(s);
  ig_stream_release(foreign);
  ig_context_release(c);
  ig_engine_release(e);
  ig_engine_release(other);
}

static void test_cancel(void **state) {
  (void)state;
  ig_engine *e = load(&rows, NULL);
  ig_cancel *cancel;
  check_ok(ig_cancel_create(env, &cancel));
  ig_context_options o = IG_CONTEXT_OPTIONS_INIT;
  o.cancel = cancel;
  ig_context *c;
  check_ok(ig_context_create(e, &o, &c));
  set_rows(c, 3, some_values());
  ig_cancel_request(cancel);
  check_fails(ig_context_run(c), IG_ERROR_CANCELLED, "cancelled");
  ig_cancel_reset(cancel);
  check_ok(ig_context_run(c));
  ig_context_release(c);
  ig_engine_release(e);
  ig_cancel_release(cancel);
}

/* In a forked child: 0 if everything is as it must be. */
static int use_in_child(ig_context *c, ig_engine *e) {
  alarm(20);   /* a hang is a failure, not a wait */
  ig_status st = ig_context_run(c);
  const int bad = ig_status_code(st) != IG_ERROR_INVALID_ARGUMENT || !strstr(ig_status_message(st), "used after fork");
  ig_status_free(st);
  ig_context_release(c);
  if (bad) return 1;
  ig_context *fresh;
  if (ig_context_create(e, NULL, &fresh)) return 2;
  if (feed(fresh, 3, 1)) return 3;
  if (ig_context_run(fresh)) return 4;
  ig_context_release(fresh);
  return 0;
}

static void test_fork(void **state) {
  (void)state;
  ig_engine *e = load(&rows, NULL);
  for (uint32_t n_threads = 1; n_threads <= 2; n_threads++) {
    ig_context_options o = IG_CONTEXT_OPTIONS_INIT;
    o.n_threads = n_threads;
    ig_context *c;
    check_ok(ig_context_create(e, &o, &c));
    set_rows(c, 3, some_values());
    check_ok(ig_context_run(c));
    const pid_t child = fork();
    if (child == 0) _exit(use_in_child(c, e));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    check_ok(ig_context_run(c));   /* the parent goes on */
    ig_context_release(c);
  }
  ig_engine_release(e);
}

/* ---- profiles, tactics ---- */

static void test_outside_profile(void **state) {
  (void)state;
  engine_bytes b = build_rows("x:4x3");
  ig_engine *e = load(&b, NULL);
  ig_context *c = new_context(e);
  notices[0] = 0;
  static const int64_t sizes[] = { 4, 1, 9, 100, 3, 50 };
  for (size_t i = 0; i < IG_COUNT(sizes); i++) {
    ig_tensor y;
    set_rows(c, sizes[i], some_values());
    check_ok(ig_context_run(c));
    check_ok(ig_context_get_tensor(c, "y", &y));
    check_rows(y.data, values, sizes[i]);
    assert_int_equal(count_notices("outside the profiles"), i >= 2);
  }
  ig_context_release(c);
  ig_engine_release(e);
  engine_bytes_free(&b);
  /* An engine whose dims were never given a range has no profile to be outside of. */
  notices[0] = 0;
  e = load(&rows, NULL);
  assert_true(run_once(e, 50, 1) != 0);
  assert_string_equal(notices, "");
  ig_engine_release(e);
}

static const char *const models[] = { "examples/digits/digits.onnx", "tests/models/recurrent.onnx", "tests/models/quantised.onnx", "tests/models/dynamic.onnx" };

/* Outputs of b on a device or a masked instruction set. */
static void outputs_of(const engine_bytes *b, const char *device, uint64_t isa_mask, ig_buf *out) {
  ig_load_options o = IG_LOAD_OPTIONS_INIT;
  o.device = device;
  o.isa_mask = isa_mask;
  ig_engine *e = load(b, &o);
  ig_context *c = new_context(e);
  ig_buf_init(out, &ig_libc_allocator);
  check_ok(feed(c, 3, 11));
  check_ok(ig_context_run(c));
  check_ok(gather_outputs(c, out));
  ig_context_release(c);
  ig_engine_release(e);
}

static void check_close(const ig_buf *a, const ig_buf *b) {
  assert_int_equal(a->n, b->n);
  double worst = 0, most = 0;
  for (size_t i = 0; i + 4 <= a->n; i += 4) {
    float p, q;
    memcpy(&p, a->data + i, 4);
    memcpy(&q, b->data + i, 4);
    worst = p - q > worst ? p - q : q - p > worst ? q - p : worst;
    most = p > most ? p : -p > most ? -p : most;
  }
  if (!(worst <= 1e-3 * most)) fail_msg("differ by %g of %g", worst, most);
}

/* Built with all that the machine has, run with portable code alone, with AVX2 alone, and by the reference. */
static void test_other_isa(void **state) {
  (void)state;
  for (size_t m = 0; m < IG_COUNT(models); m++) {
    engine_bytes b = build_file(env, models[m], NULL);
    ig_buf full, portable, avx2, reference;
    notices[0] = 0;
    outputs_of(&b, NULL, 0, &full);
    assert_string_equal(notices, "");
    outputs_of(&b, NULL, IG_ISA_PORTABLE, &portable);
    const uint64_t isa = ((const ig_plan_target *)(const void *)(b.bytes + find_section(b.bytes, "TARG")->offset))->isa;
    assert_int_equal(count_notices("run on other tactics than they were built for"), isa != 0);
    notices[0] = 0;
    outputs_of(&b, NULL, IG_ISA_AVX2, &avx2);
    assert_int_equal(count_notices("run on other tactics"), (isa & ~IG_ISA_AVX2) != 0);
    outputs_of(&b, "ref", 0, &reference);
    check_close(&full, &portable);
    check_close(&full, &avx2);
    check_close(&full, &reference);
    ig_buf_free(&full), ig_buf_free(&portable), ig_buf_free(&avx2), ig_buf_free(&reference);
    engine_bytes_free(&b);
  }
}

/* Every tactic's name changed to one that does not exist, or its version to one that nobody has. */
static void test_unknown_tactic(void **state) {
  (void)state;
  for (size_t m = 0; m < IG_COUNT(models); m++)
    for (int what = 0; what < 2; what++) {
      engine_bytes b = build_file(env, models[m], NULL);
      ig_buf want, have;
      outputs_of(&b, NULL, 0, &want);
      const ig_file_section *s = find_section(b.bytes, "STEP");
      char *names = (char *)b.bytes + find_section(b.bytes, "NAME")->offset;
      for (size_t i = 0; i < s->n_records; i++) {
        ig_plan_step *step = (ig_plan_step *)(void *)(b.bytes + s->offset) + i;
        if (step->kind != IG_STEP_KERNEL) continue;
        if (what) step->tactic_version += 1000;
        else names[step->tactic] = 'z';
      }
      fix_hashes(b.bytes, b.n);
      notices[0] = 0;
      outputs_of(&b, NULL, 0, &have);
      assert_int_equal(count_notices("run on other tactics than they were built for"), 1);
      assert_non_null(strstr(notices, what ? "'cpu." : "'zpu."));
      check_close(&want, &have);
      ig_buf_free(&want), ig_buf_free(&have);
      engine_bytes_free(&b);
    }
}

/* The null device takes an engine's launches at any shape and computes nothing. */
static void test_null_device_run(void **state) {
  (void)state;
  ig_load_options o = IG_LOAD_OPTIONS_INIT;
  o.device = "null";
  for (size_t m = 0; m < IG_COUNT(models); m++) {
    engine_bytes b = build_file(env, models[m], NULL);
    ig_engine *e = load(&b, &o);
    for (int64_t n = 1; n < 9; n += 3) assert_true(run_once(e, n, 1) != 0);
    ig_engine_release(e);
    engine_bytes_free(&b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_out_null_on_failure), cmocka_unit_test(test_struct_sizes), cmocka_unit_test(test_io_info), cmocka_unit_test(test_shapes), cmocka_unit_test(test_many_shapes),
    cmocka_unit_test(test_release_order), cmocka_unit_test(test_external_tensors), cmocka_unit_test(test_strided_tensors), cmocka_unit_test(test_refused_tensors),
    cmocka_unit_test(test_memory_limits), cmocka_unit_test(test_streams), cmocka_unit_test(test_cancel), cmocka_unit_test(test_fork), cmocka_unit_test(test_outside_profile),
    cmocka_unit_test(test_other_isa), cmocka_unit_test(test_unknown_tactic), cmocka_unit_test(test_null_device_run),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
