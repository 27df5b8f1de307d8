/* The fork-join pool: every part runs once on every run, sleeping and spinning, for all numbers of parts; refusal after fork.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/threadpool.h"
#include "base/util.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { N_THREADS = 4 };

typedef struct counts {
  uint32_t n_parts;
  uint64_t parts[N_THREADS]; /* plain: the pool's hand-over is what orders them */
  bool wrong;
} counts;

static void count(void *arg, uint32_t part, uint32_t n_parts) {
  counts *const c = arg;
  if (n_parts != c->n_parts || part >= n_parts) {
    c->wrong = true;
    return;
  }
  c->parts[part]++;
}

static void run_many(ig_pool *p, counts *c, uint32_t n_runs) {
  for (uint32_t i = 0; i < n_runs; i++) {
    c->n_parts = 1 + i % N_THREADS;
    ig_pool_run(p, count, c, c->n_parts);
  }
}

static void check(const counts *c, uint64_t n_runs) {
  assert_false(c->wrong);
  for (uint32_t part = 0; part < N_THREADS; part++) assert_int_equal(c->parts[part], n_runs / N_THREADS * (N_THREADS - part));
}

static void test_runs(void **state) {
  (void)state;
  ig_pool *p;
  assert_null(ig_pool_create(&ig_libc_allocator, N_THREADS, &p));
  assert_int_equal(ig_pool_threads(p), N_THREADS);
  counts c = { 0 };
  run_many(p, &c, 2000);
  check(&c, 2000);
  ig_pool_run(p, count, &c, 0);
  check(&c, 2000);
  ig_pool_destroy(p);
}

/* Runs with pauses around the time after which workers fall asleep: a lost wake-up hangs here. */
static void test_sleep_and_wake(void **state) {
  (void)state;
  ig_pool *p;
  assert_null(ig_pool_create(&ig_libc_allocator, N_THREADS, &p));
  counts c = { 0 };
  for (long i = 0; i < 200; i++) {
    run_many(p, &c, N_THREADS);
    if (i % 3 == 0) ig_pool_rest(p);
    const struct timespec pause = { 0, i * 2000 };
    nanosleep(&pause, NULL);
  }
  check(&c, 200 * N_THREADS);
  ig_pool_destroy(p);
}

static void test_one_thread(void **state) {
  (void)state;
  ig_pool *p;
  assert_null(ig_pool_create(&ig_libc_allocator, 0, &p));
  assert_int_equal(ig_pool_threads(p), 1);
  counts c = { .n_parts = 1 };
  ig_pool_run(p, count, &c, 1);
  assert_int_equal(c.parts[0], 1);
  ig_pool_destroy(p);
  ig_pool_destroy(NULL);
}

static void test_too_many(void **state) {
  (void)state;
  ig_pool *p;
  const ig_status st = ig_pool_create(&ig_libc_allocator, 100000, &p);
  assert_int_equal(ig_status_code(st), IG_ERROR_LIMIT);
  assert_null(p);
  ig_status_free(st);
}

static void test_fork(void **state) {
  (void)state;
  ig_pool *p;
  assert_null(ig_pool_create(&ig_libc_allocator, 2, &p));
  assert_null(ig_pool_usable(p));
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    const ig_status st = ig_pool_usable(p);
    const bool refused = ig_status_code(st) == IG_ERROR_INVALID_ARGUMENT && strstr(ig_status_message(st), "used after fork");
    ig_status_free(st);
    ig_pool_destroy(p); /* must not wait for threads that are not there */
    _exit(refused ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  ig_pool_destroy(p);
}

/* Fails the n-th allocation. */
typedef struct failing { uint32_t left; } failing;
static void *fail_nth(void *self, void *old, size_t old_size, size_t size) {
  failing *const f = self;
  if (size > 0 && f->left-- == 0) return NULL;
  return ig_libc_allocator.realloc(NULL, old, old_size, size);
}

static void test_no_memory(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 2; i++) {
    failing f = { i };
    const ig_allocator a = { &f, fail_nth };
    ig_pool *p;
    assert_int_equal(ig_status_code(ig_pool_create(&a, 2, &p)), IG_ERROR_OUT_OF_MEMORY);
    assert_null(p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_runs),     cmocka_unit_test(test_sleep_and_wake), cmocka_unit_test(test_one_thread),
    cmocka_unit_test(test_too_many), cmocka_unit_test(test_fork),           cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
