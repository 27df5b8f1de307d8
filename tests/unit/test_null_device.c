/* The null device refuses launches whose operands leave their buffers, are misaligned, or whose scratch is not as it must be.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ir_util.h"
#include "hal/hal.h"

static ig_env *env;
static ig_hal_device *dev;
static ig_hal_stream *stream;

static int set_up(void **state) {
  (void)state;
  env = new_env();
  check_ok(ig_hal_null.open(env, NULL, &dev));
  check_ok(ig_hal_null.stream_create(dev, 1, &stream));
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  ig_hal_null.stream_destroy(stream);
  ig_hal_null.close(dev);
  ig_env_release(env);
  return 0;
}

/* A move of float32 [4, 8] between two buffers of 128 bytes; tests spoil one thing each. */
typedef struct move { _Alignas(64) char in[256], out[256], scratch[128]; ig_buffer bounds[3]; ig_view views[3]; ig_launch launch; } move;
static void make(move *m) {
  uint32_t n;
  const ig_tactic *const *list = ig_hal_null.tactics(dev, &n);
  memset(m, 0, sizeof *m);
  const ig_view v = { .dtype = IG_DTYPE_F32, .rank = 2, .dims = { 4, 8 }, .strides = { 8, 1 } };
  m->views[0] = m->views[2] = v;
  m->views[0].data = m->in;
  m->views[2].data = m->out;
  m->bounds[0] = (ig_buffer){ m->in, 128 };
  m->bounds[2] = (ig_buffer){ m->out, 128 };
  m->launch = (ig_launch){ .n_parts = 1, .bounds = m->bounds, .node = "copy", .call = { .kind = IG_KIND_move, .n_in = 2, .n_out = 1, .v = m->views } };
  for (uint32_t i = 0; i < n; i++)
    if (list[i]->kind == IG_KIND_move) m->launch.tactic = list[i];
}

static void refuse(move *m, const char *part) {
  check_fails(ig_hal_null.launch(stream, &m->launch), IG_ERROR_DEVICE, part);
  make(m);
}

static void test_accepts(void **state) {
  (void)state;
  static move m;   /* not on the stack: gcc 12 misaligns 64-byte locals under AddressSanitizer (use after return) */
  make(&m);
  memset(m.in, 1, sizeof m.in);
  check_ok(ig_hal_null.launch(stream, &m.launch));
  assert_int_equal(m.out[0], 0);   /* computes nothing */
  m.views[0].strides[0] = 0;
  check_ok(ig_hal_null.launch(stream, &m.launch));
  m.views[0].data = m.in + 124;
  m.views[0].strides[0] = -8;
  m.views[0].strides[1] = -1;
  check_ok(ig_hal_null.launch(stream, &m.launch));
  m.views[0] = (ig_view){ .dtype = IG_DTYPE_F32, .rank = 2, .dims = { 0, 1 << 20 }, .strides = { 1, 1 }, .data = m.in };
  check_ok(ig_hal_null.launch(stream, &m.launch));
  m.launch.call.scratch = m.scratch;
  m.launch.call.scratch_size = 128;
  check_ok(ig_hal_null.launch(stream, &m.launch));
}

static void test_bounds(void **state) {
  (void)state;
  static move m;   /* not on the stack: gcc 12 misaligns 64-byte locals under AddressSanitizer (use after return) */
  make(&m);
  m.bounds[0].size = 127;
  refuse(&m, "operand 0 reaches bytes 0..128 of a buffer of 127");
  m.views[2].dims[0] = 5;
  refuse(&m, "operand 2 reaches bytes 0..160");
  m.views[2].data = m.out + 4;
  refuse(&m, "operand 2 reaches bytes 4..132");
  m.views[0].strides[0] = -8;
  refuse(&m, "operand 0 reaches bytes -96..");
  m.views[0].strides[1] = 2;
  refuse(&m, "operand 0 reaches");
  m.views[0].data = (void *)((uintptr_t)m.in - 4);
  refuse(&m, "operand 0 begins outside its buffer");
  m.views[0].data = m.in + 132;
  refuse(&m, "operand 0 begins outside its buffer");
  m.views[0].strides[0] = INT64_MAX / 2;
  refuse(&m, "strides overflow");
  m.views[0].block = 16, m.views[0].block_axis = 1;
  refuse(&m, "operand 0 reaches");   /* blocks are touched in full */
}

static void test_alignment_and_scratch(void **state) {
  (void)state;
  static move m;   /* not on the stack: gcc 12 misaligns 64-byte locals under AddressSanitizer (use after return) */
  make(&m);
  m.views[0].data = m.in + 2;
  m.bounds[0].size = 256;
  refuse(&m, "operand 0 is not aligned");
  m.launch.call.scratch = m.scratch + 8;
  m.launch.call.scratch_size = 8;
  refuse(&m, "parts or scratch");
  m.launch.n_parts = 0;
  refuse(&m, "parts or scratch");
  m.launch.call.kind = IG_KIND_map;
  refuse(&m, "tactic does not fit");
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_accepts), cmocka_unit_test(test_bounds), cmocka_unit_test(test_alignment_and_scratch) };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
