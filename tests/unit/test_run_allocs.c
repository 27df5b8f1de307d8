/* Running allocates nothing: malloc, calloc, realloc, the aligned ones, mmap and brk of the whole process are counted, on all threads, over
 * 1,000 runs at two shapes in turn, each of which binds anew. Not under sanitizers, whose own allocator stands there.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine_util.h"
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
int main(void) { return 77; }   /* skipped */
#else

static atomic_long n_calls;
static atomic_bool counting;
static void count(void) {
  if (atomic_load_explicit(&counting, memory_order_relaxed)) atomic_fetch_add(&n_calls, 1);
}

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);
void *malloc(size_t n) {
  count();
  return __libc_malloc(n);
}
void *calloc(size_t n, size_t size) {
  count();
  return __libc_calloc(n, size);
}
void *realloc(void *p, size_t n) {
  count();
  return __libc_realloc(p, n);
}
void *aligned_alloc(size_t align, size_t n) {
  count();
  return __libc_memalign(align, n);
}
int posix_memalign(void **out, size_t align, size_t n) {
  count();
  *out = __libc_memalign(align, n);
  return *out ? 0 : ENOMEM;
}
void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset) {
  count();
  return (void *)syscall(SYS_mmap, at, n, prot, flags, fd, offset);
}
void *sbrk(intptr_t n) {
  extern void *__sbrk(intptr_t);
  count();
  return __sbrk(n);
}

static void run_at(ig_context *c, const void *const *data, int which) {
  ig_engine *e = c->engine;
  for (size_t i = 0; i < ig_engine_n_inputs(e); i++) {
    const ig_plan_io *io = &e->plan.io[i];
    int64_t dims[IG_MAX_RANK];
    uint64_t n = 1;
    for (uint32_t k = 0; k < io->rank; k++) {
      const ig_dim_node *d = &e->plan.dims[io->dims[k]];
      dims[k] = d->op == IG_DIM_CONST ? d->imm : which ? 7 : 2;
      n *= (uint64_t)dims[k];
    }
    if (ig_context_set_shape(c, ig_io_name(e, i), dims, io->rank)) fail();
    if (ig_context_set_data(c, ig_io_name(e, i), data[i], ig_dtype_bytes(ig_io_dtype(io), n))) fail();
  }
  if (ig_context_run(c)) fail();
  for (size_t i = ig_engine_n_inputs(e); i < ig_engine_n_io(e); i++) {
    ig_tensor t;
    if (ig_context_get_tensor_at(c, i, &t)) fail();
  }
}

static void check_model(const char *model, uint32_t n_threads) {
  ig_env *env = new_env();
  engine_bytes b = build_file(env, model, NULL);
  ig_engine *e = load(&b, NULL);
  ig_context *c;
  ig_context_options co = IG_CONTEXT_OPTIONS_INIT;
  co.n_threads = n_threads;
  check_ok(ig_context_create(e, &co, &c));
  void *data[8] = { 0 };
  for (size_t i = 0; i < ig_engine_n_inputs(e); i++) {
    data[i] = malloc(1u << 20);
    fill_input(ig_io_dtype(&e->plan.io[i]), data[i], 1u << 20, i);
  }
  run_at(c, (const void *const *)data, 0);
  run_at(c, (const void *const *)data, 1);
  atomic_store(&n_calls, 0);
  atomic_store(&counting, true);
  for (int i = 0; i < 1000; i++) run_at(c, (const void *const *)data, i % 2);
  atomic_store(&counting, false);
  if (atomic_load(&n_calls)) fail_msg("%s: %ld allocations in 1,000 runs", model, atomic_load(&n_calls));
  for (size_t i = 0; i < ig_engine_n_inputs(e); i++) free(data[i]);
  ig_context_release(c);
  ig_engine_release(e);
  engine_bytes_free(&b);
  ig_env_release(env);
}

static void test_counts(void **state) {
  (void)state;
  atomic_store(&n_calls, 0);
  atomic_store(&counting, true);
  void *volatile p = malloc(10);
  p = realloc(p, 20);
  free(p);
  p = calloc(1, 10);
  free(p);
  p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(p, 4096);
  sbrk(0);
  atomic_store(&counting, false);
  assert_int_equal(atomic_load(&n_calls), 5);
}

static void test_digits(void **state) { (void)state, check_model("examples/digits/digits.onnx", 2); }
static void test_dynamic(void **state) { (void)state, check_model("tests/models/dynamic.onnx", 1); }
static void test_recurrent(void **state) { (void)state, check_model("tests/models/recurrent.onnx", 2); }
static void test_quantised(void **state) { (void)state, check_model("tests/models/quantised.onnx", 2); }

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_counts), cmocka_unit_test(test_digits), cmocka_unit_test(test_dynamic), cmocka_unit_test(test_recurrent), cmocka_unit_test(test_quantised) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
