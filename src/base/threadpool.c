/* Fork-join pool. Every worker has a slot of its own: the caller raises `go`, the worker answers by the same number in `done`.
 * The two numbers run in lockstep, so nothing can be missed or taken twice, and workers that have no part in a run are not
 * touched. fn and arg are plain fields: a slot's go publishes them, and they change only after every part has been answered.
 *
 * Falling asleep without a lost wake-up: the worker counts itself in n_sleepers and then looks at go again; the caller raises go and
 * then reads n_sleepers, both by read-modify-write. Those have one total order, so either the caller sees the sleeper and wakes
 * it, or the worker's count reads from the caller's, after go was raised. No fence is needed (ThreadSanitizer knows none).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/threadpool.h"
#include <assert.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdalign.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SPIN_NS = 100000, SPINS_PER_LOOK = 64, MAX_THREADS = 4096, STACK_BYTES = 1 << 20 };

typedef struct slot {
  alignas(64) _Atomic uint32_t go; /* futex */
  _Atomic uint32_t asleep;
  alignas(64) _Atomic uint32_t done;
  ig_pool *pool;
  pthread_t thread;
  uint32_t part;
} slot;

struct ig_pool {
  ig_allocator alloc;
  slot *slots; /* [n_threads]; the first is the caller's and stays idle */
  uint32_t n_threads, n_started;
  pid_t pid;
  ig_pool_fn fn;
  void *arg;
  uint32_t n_parts;
  alignas(64) _Atomic uint32_t n_sleepers;
  alignas(64) _Atomic uint32_t rest;
};

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool is_at(_Atomic uint32_t *word, uint32_t value) { return atomic_load_explicit(word, memory_order_acquire) == value; }

/* Spins until *word == value; false after SPIN_NS, or at once where stop (may be NULL) is raised. */
static bool spin(_Atomic uint32_t *word, uint32_t value, const _Atomic uint32_t *stop) {
  const int64_t end = now_ns() + SPIN_NS;
  do {
    for (int i = 0; i < SPINS_PER_LOOK; i++) {
      if (is_at(word, value)) return true;
      pause_briefly();
    }
    if (stop && atomic_load_explicit(stop, memory_order_relaxed)) return false;
  } while (now_ns() < end);
  return false;
}

static void sleep_until(slot *s, uint32_t value) {
  ig_pool *const p = s->pool;
  atomic_store_explicit(&s->asleep, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&p->n_sleepers, 1, memory_order_acq_rel);
  while (!is_at(&s->go, value)) syscall(SYS_futex, &s->go, FUTEX_WAIT_PRIVATE, value - 1, NULL, NULL, 0);
  atomic_store_explicit(&s->asleep, 0, memory_order_relaxed);
  atomic_fetch_sub_explicit(&p->n_sleepers, 1, memory_order_acq_rel);
}

static void *work(void *arg) {
  slot *const s = arg;
  ig_pool *const p = s->pool;
  for (uint32_t turn = 1;; turn++) {
    if (!spin(&s->go, turn, &p->rest)) sleep_until(s, turn);
    if (!p->fn) return NULL;
    p->fn(p->arg, s->part, p->n_parts);
    atomic_store_explicit(&s->done, turn, memory_order_release);
  }
}

/* Lets workers 1 .. n - 1 go, and wakes those that sleep. */
static void start_workers(ig_pool *p, uint32_t n) {
  if (atomic_load_explicit(&p->rest, memory_order_relaxed)) atomic_store_explicit(&p->rest, 0, memory_order_relaxed);
  for (uint32_t i = 1; i < n; i++) {
    const uint32_t turn = atomic_load_explicit(&p->slots[i].go, memory_order_relaxed);
    atomic_store_explicit(&p->slots[i].go, turn + 1, memory_order_release);
  }
  if (atomic_fetch_add_explicit(&p->n_sleepers, 0, memory_order_acq_rel) == 0) return;
  for (uint32_t i = 1; i < n; i++) {
    if (atomic_load_explicit(&p->slots[i].asleep, memory_order_relaxed)) syscall(SYS_futex, &p->slots[i].go, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
  }
}

static void stop_workers(ig_pool *p) {
  p->fn = NULL;
  start_workers(p, p->n_started);
  for (uint32_t i = 1; i < p->n_started; i++) pthread_join(p->slots[i].thread, NULL);
}

void ig_pool_destroy(ig_pool *p) {
  if (!p) return;
  if (p->pid == getpid()) stop_workers(p);
  const ig_allocator alloc = p->alloc;
  ig_free_aligned(&alloc, p->slots, p->n_threads * sizeof *p->slots);
  ig_free_aligned(&alloc, p, sizeof *p);
}

/* Signals are the application's: workers block them all. */
static ig_status start_threads(ig_pool *p) {
  pthread_attr_t attr;
  if (pthread_attr_init(&attr) != 0) return IG_OOM();
  pthread_attr_setstacksize(&attr, STACK_BYTES);
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int error = 0;
  while (p->n_started < p->n_threads && error == 0) {
    slot *const s = &p->slots[p->n_started];
    error = pthread_create(&s->thread, &attr, work, s);
    if (error == 0) p->n_started++;
  }
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_attr_destroy(&attr);
  IG_REQUIRE(error == 0, IG_ERROR_LIMIT, "cannot start thread %u of %u: the system refuses (error %d); ask for fewer threads", p->n_started + 1,
             p->n_threads, error);
  return NULL;
}

ig_status ig_pool_create(const ig_allocator *a, uint32_t n_threads, ig_pool **out_pool) {
  *out_pool = NULL;
  IG_REQUIRE(n_threads <= MAX_THREADS, IG_ERROR_LIMIT, "%u threads asked for, at most %d are possible", n_threads, (int)MAX_THREADS);
  ig_pool *const p = ig_alloc_aligned(a, sizeof *p);
  IG_CHECK_MEM(p);
  memset(p, 0, sizeof *p);
  p->alloc = *a;
  p->n_threads = n_threads ? n_threads : 1;
  p->n_started = 1;
  p->pid = getpid();
  p->slots = ig_alloc_aligned(a, p->n_threads * sizeof *p->slots);
  if (!p->slots) {
    ig_free_aligned(a, p, sizeof *p);
    return IG_OOM();
  }
  memset(p->slots, 0, p->n_threads * sizeof *p->slots);
  for (uint32_t i = 0; i < p->n_threads; i++) {
    p->slots[i].pool = p;
    p->slots[i].part = i;
  }
  const ig_status st = start_threads(p);
  if (st) {
    ig_pool_destroy(p);
    return st;
  }
  *out_pool = p;
  return NULL;
}

uint32_t ig_pool_threads(const ig_pool *p) { return p->n_threads; }

ig_status ig_pool_usable(const ig_pool *p) {
  IG_REQUIRE(p->pid == getpid(), IG_ERROR_INVALID_ARGUMENT, "used after fork: the threads are the parent's; create the context in the child");
  return NULL;
}

/* Where a part takes long, or its worker is not on a core, the caller lends its core to whoever wants it. */
static void await(slot *s) {
  const uint32_t turn = atomic_load_explicit(&s->go, memory_order_relaxed);
  if (spin(&s->done, turn, NULL)) return;
  while (!is_at(&s->done, turn)) sched_yield();
}

void ig_pool_run(ig_pool *p, ig_pool_fn fn, void *arg, uint32_t n_parts) {
  assert(n_parts <= p->n_threads);
  if (n_parts == 0) return;
  if (n_parts == 1) {
    fn(arg, 0, 1);
    return;
  }
  p->fn = fn;
  p->arg = arg;
  p->n_parts = n_parts;
  start_workers(p, n_parts);
  fn(arg, 0, n_parts);
  for (uint32_t i = 1; i < n_parts; i++) await(&p->slots[i]);
}

void ig_pool_rest(ig_pool *p) { atomic_store_explicit(&p->rest, 1, memory_order_relaxed); }
