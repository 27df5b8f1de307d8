/* What ig_engine_memory (`ingot inspect --memory`) says that a run takes is what it takes: by the allocator's hook, and by the system's count of
 * resident pages, where the weights are mapped from the file.
 *
 * Margins. The allocator's peak from loading to the end of a run is never less than said, and more by 128 KiB at most: tables of engine and context,
 * and the thread pool. Resident memory is within 1/16 and 1 MiB, either way: pages are whole, and of a buffer not every page need be touched.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine_util.h"
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct meter { atomic_size_t now, peak; } meter;

static void *metered(void *self, void *p, size_t old_size, size_t new_size) {
  meter *m = self;
  void *q = ig_libc_allocator.realloc(NULL, p, old_size, new_size);
  if (new_size && !q) return NULL;
  const size_t now = atomic_fetch_add(&m->now, new_size - old_size) + new_size - old_size;
  size_t peak = atomic_load(&m->peak);
  while (now > peak && !atomic_compare_exchange_weak(&m->peak, &peak, now)) continue;
  return q;
}

/* A line of /proc/self/status, in bytes; 0 where there is none. */
__attribute__((unused)) static size_t status_line(const char *key) {
  char line[256];
  size_t kib = 0;
  FILE *f = fopen("/proc/self/status", "re");
  while (f && fgets(line, sizeof line, f))
    if (strncmp(line, key, strlen(key)) == 0) kib = strtoul(line + strlen(key) + 1, NULL, 10);
  if (f) fclose(f);
  return kib * 1024;
}

/* Shapes that make the activations large beside everything else. */
static const struct { const char *model, *shapes; } samples[] = {
  { "examples/digits/digits.onnx", "image:6000x1x8x8" },
  { "tests/models/quantised.onnx", "image:6000x1x8x8" },
  { "tests/models/dynamic.onnx", "x:40x60x32,mask:40x60" },
  { "tests/models/strings.onnx", "x:30000x3" },
};

static void run(ig_engine *engine, const char *shapes) {
  ig_context *c;
  ig_shape_list list;
  check_ok(ig_context_create(engine, NULL, &c));
  check_ok(ig_shape_text_parse(&ig_libc_allocator, shapes, &list));
  for (size_t i = 0; i < list.entries.n; i++) {
    const ig_shape_entry *s = &list.entries.data[i];
    check_ok(ig_context_set_shape(c, s->name, s->dims, s->rank));
  }
  check_ok(ig_context_run(c));
  ig_shape_list_free(&ig_libc_allocator, &list);
  ig_context_release(c);
}

static uint64_t said(const ig_engine *e, const char *shapes) {
  ig_memory_info m = { .struct_size = sizeof m };
  check_ok(ig_engine_memory(e, shapes, &m));
  return m.weights + m.activations + m.inputs + m.outputs;
}

static ig_env *metered_env(meter *m) {
  ig_env *env;
  const ig_env_options o = { .struct_size = sizeof o, .allocator = { m, metered }, .n_threads = 2 };
  check_ok(ig_env_create(&o, &env));
  return env;
}

static void test_allocator(void **state) {
  (void)state;
  enum { MORE = 128 << 10 };
  meter building = { 0 };
  ig_env *other = metered_env(&building);
  for (size_t i = 0; i < IG_COUNT(samples); i++) {
    meter m = { 0 };
    ig_env *env = metered_env(&m);
    engine_bytes b = build_file(other, samples[i].model, NULL);
    ig_engine *e;
    check_ok(ig_engine_load_memory(env, b.bytes, b.n, NULL, &e));
    const uint64_t want = said(e, samples[i].shapes);
    atomic_store(&m.peak, atomic_load(&m.now));
    run(e, samples[i].shapes);
    const size_t peak = atomic_load(&m.peak);
    print_message("%s: %llu bytes said, %zu taken\n", samples[i].model, (unsigned long long)want, peak);
    assert_true(want > 1 << 20 && peak >= want && peak <= want + MORE);
    ig_engine_release(e);
    ig_env_release(env);
    assert_int_equal(atomic_load(&m.now), 0);
    engine_bytes_free(&b);
  }
  ig_env_release(other);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static void test_resident(void **state) { (void)state; }   /* the sanitizers' own memory is resident too */
#else
static void reset_peak(void) {
  FILE *f = fopen("/proc/self/clear_refs", "we");
  assert_non_null(f);
  fputs("5", f);
  fclose(f);
}

/* Freed memory goes back to the system, so that the next run takes its pages anew. */
static void test_resident(void **state) {
  (void)state;
  char path[] = "/tmp/ingot-test-memory-XXXXXX";
  ig_env *env;
  check_ok(ig_env_create(NULL, &env));
  const int fd = mkstemp(path);
  assert_true(fd >= 0);
  engine_bytes b = build_file(env, samples[0].model, NULL);
  assert_int_equal(write(fd, b.bytes, b.n), b.n);
  close(fd);
  engine_bytes_free(&b);
  malloc_trim(0);
  reset_peak();
  const size_t before = status_line("VmHWM");
  ig_engine *e;
  check_ok(ig_engine_load_file(env, path, NULL, &e));
  const uint64_t want = said(e, samples[0].shapes);
  run(e, samples[0].shapes);
  const size_t grown = status_line("VmHWM") - before, margin = want / 16 + (1 << 20);
  print_message("%s: %llu bytes said, %zu more resident\n", samples[0].model, (unsigned long long)want, grown);
  assert_true(before > 0 && grown >= want - margin && grown <= want + margin);
  ig_engine_release(e);
  ig_env_release(env);
  unlink(path);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_allocator), cmocka_unit_test(test_resident) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
