/* One engine, several threads: contexts of their own run in parallel, each with a pool of its own, and give what one thread gives; engines
 * are loaded and released meanwhile. In the suite `tsan` too.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine_util.h"
#include <pthread.h>

enum { N_THREADS = 4, N_RUNS = 12 };
typedef struct job { ig_engine *engine; const engine_bytes *bytes; uint64_t want[2]; uint32_t n_threads; int n_wrong; } job;

static bool run_hash(ig_context *c, int which, uint64_t *out) {
  ig_buf b;
  ig_buf_init(&b, &ig_libc_allocator);
  ig_status st = feed(c, which ? 7 : 2, (uint64_t)which);
  if (!st) st = ig_context_run(c);
  if (!st) st = gather_outputs(c, &b);
  if (!st) *out = ig_hash(b.data, b.n, 0);
  ig_status_free(st);
  ig_buf_free(&b);
  return !st;
}

static void *work(void *arg) {
  job *j = arg;
  for (int round = 0; round < 2; round++) {
    ig_engine *own = NULL;
    ig_context *c = NULL;
    ig_context_options o = IG_CONTEXT_OPTIONS_INIT;
    o.n_threads = j->n_threads;
    ig_status st = ig_engine_load_memory(j->engine->env, j->bytes->bytes, j->bytes->n, NULL, &own);
    if (!st) st = ig_context_create(round ? own : j->engine, &o, &c);
    ig_engine_release(own);
    for (int i = 0; !st && i < N_RUNS; i++) {
      uint64_t h = 0;
      j->n_wrong += !run_hash(c, i % 2, &h) || h != j->want[i % 2];
    }
    j->n_wrong += st != NULL;
    ig_status_free(st);
    ig_context_release(c);
  }
  return NULL;
}

static void check_model(const char *model, uint32_t n_threads) {
  ig_env *env = new_env();
  engine_bytes b = build_file(env, model, NULL);
  ig_engine *e = load(&b, NULL);
  job jobs[N_THREADS];
  pthread_t threads[N_THREADS];
  for (int i = 0; i < N_THREADS; i++) {
    jobs[i] = (job){ .engine = e, .bytes = &b, .n_threads = n_threads };
    for (int w = 0; w < 2; w++) jobs[i].want[w] = run_once(e, w ? 7 : 2, (uint64_t)w);
  }
  for (int i = 0; i < N_THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
  for (int i = 0; i < N_THREADS; i++) {
    pthread_join(threads[i], NULL);
    assert_int_equal(jobs[i].n_wrong, 0);
  }
  ig_engine_release(e);
  engine_bytes_free(&b);
  ig_env_release(env);
}

static void test_digits(void **state) { (void)state, check_model("examples/digits/digits.onnx", 1); }
static void test_digits_pools(void **state) { (void)state, check_model("examples/digits/digits.onnx", 2); }
static void test_recurrent(void **state) { (void)state, check_model("tests/models/recurrent.onnx", 2); }
static void test_quantised(void **state) { (void)state, check_model("tests/models/quantised.onnx", 2); }

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_digits), cmocka_unit_test(test_digits_pools), cmocka_unit_test(test_recurrent), cmocka_unit_test(test_quantised) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
