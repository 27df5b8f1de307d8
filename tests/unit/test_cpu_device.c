/* Device `cpu`: capabilities, masks, streams, launches on several threads, floating-point state.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu_check.h"
#include <xmmintrin.h>

typedef struct fixture { ig_env *env; ig_hal_device *dev; ig_hal_stream *stream; } fixture;
static void open_fixture(fixture *f, uint64_t mask, uint32_t n_threads) {
  const ig_hal_options opt = { .isa_mask = mask, .n_threads = n_threads };
  assert_null(ig_env_create(NULL, &f->env));
  assert_null(ig_hal_cpu.open(f->env, &opt, &f->dev));
  assert_null(ig_hal_cpu.stream_create(f->dev, n_threads, &f->stream));
}
static void close_fixture(fixture *f) {
  ig_hal_cpu.stream_destroy(f->stream);
  ig_hal_cpu.close(f->dev);
  ig_env_release(f->env);
}

static void test_mask(void **state) {
  IG_UNUSED(state);
  fixture f;
  uint32_t n;
  open_fixture(&f, 0, 1);
  assert_int_equal(ig_hal_cpu.caps(f.dev)->isa, 0);
  const ig_tactic *const *list = ig_hal_cpu.tactics(f.dev, &n);
  bool seen[64] = { false };
  for (uint32_t i = 0; i < n; i++) {
    assert_int_equal(list[i]->isa, 0);
    seen[list[i]->kind] = true;
  }
#define IG_KIND(name, number) assert_true(seen[number]);
#include "kern/kinds.def"
#undef IG_KIND
  assert_null(ig_hal_tactic(&ig_hal_cpu, f.dev, "cpu.no_such_tactic", 1));
  assert_non_null(ig_hal_tactic(&ig_hal_cpu, f.dev, "cpu.c.map", 1));
  assert_null(ig_hal_tactic(&ig_hal_cpu, f.dev, "cpu.c.map", 999));
  close_fixture(&f);
}

static void test_describe(void **state) {
  IG_UNUSED(state);
  fixture f;
  ig_buf b;
  open_fixture(&f, ~0ull, 2);
  ig_buf_init(&b, &ig_libc_allocator);
  assert_null(ig_hal_cpu.describe(f.dev, &b));
  assert_non_null(strstr(ig_buf_cstr(&b), "2 threads"));
  assert_null(strchr(ig_buf_cstr(&b), '\n'));
  ig_buf_free(&b);
  close_fixture(&f);
}

/* Halves the smallest normal number: 0 with denormals flushed. Runs on two threads; the caller's state is as before. */
static void test_denormals(void **state) {
  IG_UNUSED(state);
  fixture f;
  enum { N = 1000 };
  static float x[N], y[N];
  for (int i = 0; i < N; i++) x[i] = 1.17549435e-38f;
  const float half = 0.5f;
  uint32_t bits;
  memcpy(&bits, &half, 4);
  const ig_sinsn code[] = { { .op = IG_SOP_LOAD, .type = IG_S_F32 }, { .op = IG_SOP_CONST, .type = IG_S_F32, .imm = bits },
    { .op = IG_SOP_MUL, .type = IG_S_F32, .a = 0, .b = 1 }, { .op = IG_SOP_STORE, .type = IG_S_F32, .a = 2 } };
  const ig_view v[2] = { { .data = x, .dtype = IG_DTYPE_F32, .rank = 1, .dims = { N }, .strides = { 1 } }, { .data = y, .dtype = IG_DTYPE_F32, .rank = 1, .dims = { N }, .strides = { 1 } } };
  open_fixture(&f, ~0ull, 2);
  const ig_tactic *tactic = ig_hal_tactic(&ig_hal_cpu, f.dev, "cpu.c.map", 1);
  ig_launch l = { .tactic = tactic, .n_parts = 2, .call = { .kind = IG_KIND_map, .n_in = 1, .n_out = 1, .v = v, .prog = { code, 4 } } };
  l.call.scratch_size = tactic->scratch(&l.call, 2);
  l.call.scratch = ig_alloc_aligned(&ig_libc_allocator, l.call.scratch_size);
  const uint32_t before = _mm_getcsr();
  for (int round = 0; round < 100; round++) {
    memset(y, 0xff, sizeof y);
    assert_null(ig_hal_cpu.launch(f.stream, &l));
    for (int i = 0; i < N; i++) assert_true(y[i] == 0.0f);
  }
  assert_int_equal(_mm_getcsr() & ~0x3fu, before & ~0x3fu);
  assert_null(ig_hal_cpu.stream_wait(f.stream));
  ig_free_aligned(&ig_libc_allocator, l.call.scratch, l.call.scratch_size);
  close_fixture(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_mask), cmocka_unit_test(test_describe), cmocka_unit_test(test_denormals) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
