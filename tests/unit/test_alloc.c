/* Allocator wrappers and arenas, on an allocator that checks the sizes it is told and can fail.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/util.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* Keeps each block's size in front of it, and counts what is out. */
typedef struct checked { size_t n_live, n_bytes, fail_after; bool wrong; } checked;

static void *checked_realloc(void *self, void *old, size_t old_size, size_t size) {
  checked *const c = self;
  size_t *const block = old ? (size_t *)old - 2 : NULL;
  if (block && block[0] != old_size) c->wrong = true;
  if (!block && old_size != 0) c->wrong = true;
  if (size > 0 && c->fail_after == 0) return NULL;
  if (size > 0) {
    c->fail_after--;
    size_t *const fresh = ig_libc_allocator.realloc(NULL, block, 0, size + 16);
    if (!fresh) return NULL;
    fresh[0] = size;
    c->n_live += block ? 0 : 1;
    c->n_bytes += size - (block ? old_size : 0);
    return fresh + 2;
  }
  if (!block) c->wrong = true;
  c->n_live--;
  c->n_bytes -= old_size;
  return ig_libc_allocator.realloc(NULL, block, 0, 0);
}

static ig_allocator checked_allocator(checked *c) {
  *c = (checked){ .fail_after = SIZE_MAX };
  return (ig_allocator){ c, checked_realloc };
}

static void check_clean(const checked *c) {
  assert_false(c->wrong);
  assert_int_equal(c->n_live, 0);
  assert_int_equal(c->n_bytes, 0);
}

static void test_blocks(void **state) {
  (void)state;
  checked c;
  const ig_allocator a = checked_allocator(&c);
  void *p = ig_alloc(&a, 0);
  assert_non_null(p);
  p = ig_realloc(&a, p, 0, 100);
  ig_free(&a, p, 100);
  ig_free(&a, NULL, 5);
  char *const z = ig_alloc_zero(&a, 10, 10);
  for (int i = 0; i < 100; i++) assert_int_equal(z[i], 0);
  ig_free(&a, z, 100);
  assert_null(ig_alloc_zero(&a, SIZE_MAX, 2));
  check_clean(&c);
}

static void test_aligned(void **state) {
  (void)state;
  checked c;
  const ig_allocator a = checked_allocator(&c);
  for (size_t size = 0; size < 300; size += 7) {
    char *const p = ig_alloc_aligned(&a, size);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 64, 0);
    memset(p, 1, size);
    ig_free_aligned(&a, p, size);
  }
  assert_null(ig_alloc_aligned(&a, SIZE_MAX - 8));
  ig_free_aligned(&a, NULL, 3);
  check_clean(&c);
}

static void test_vector(void **state) {
  (void)state;
  checked c;
  const ig_allocator a = checked_allocator(&c);
  IG_VEC(int) v = { 0 };
  for (int i = 0; i < 1000; i++) assert_true(IG_PUSH(&a, v, i));
  for (int i = 0; i < 1000; i++) assert_int_equal(v.data[i], i);
  c.fail_after = 0;
  void *data = v.data;
  size_t cap = v.cap;
  assert_false(ig_grow(&a, &data, &cap, cap + 1, sizeof(int)));
  assert_false(ig_grow(&a, &data, &cap, SIZE_MAX / 2, sizeof(int)));
  assert_ptr_equal(data, v.data);
  IG_VEC_FREE(&a, v);
  check_clean(&c);
}

static void test_arena(void **state) {
  (void)state;
  checked c;
  const ig_allocator a = checked_allocator(&c);
  ig_arena arena;
  ig_arena_init(&arena, &a, 0);
  char *last = NULL;
  for (size_t size = 0; size < 3000; size += 13) {
    char *const p = ig_arena_alloc(&arena, size);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 16, 0);
    for (size_t i = 0; i < size; i++) assert_int_equal(p[i], 0);
    memset(p, 0x5a, size);
    if (last && size > 13) assert_int_equal(last[0], 0x5a);
    last = p;
  }
  char *const large = ig_arena_array(&arena, 3000, 1000);
  assert_non_null(large);
  memset(large, 1, 3000000);
  assert_string_equal(ig_arena_strdup(&arena, "conv_3"), "conv_3");
  assert_string_equal(ig_arena_strndup(&arena, "conv_3", 4), "conv");
  assert_string_equal(ig_arena_printf(&arena, "%s/%d", "a", 7), "a/7");
  assert_null(ig_arena_array(&arena, SIZE_MAX / 2, 4));
  assert_null(ig_arena_alloc(&arena, SIZE_MAX));
  ig_arena_free(&arena);
  check_clean(&c);
}

static void test_arena_limit(void **state) {
  (void)state;
  checked c;
  const ig_allocator a = checked_allocator(&c);
  ig_arena arena;
  ig_arena_init(&arena, &a, 10000);
  size_t n = 0;
  while (ig_arena_alloc(&arena, 100)) n++;
  assert_in_range(n, 50, 100);
  assert_true(arena.over_limit);
  assert_true(c.n_bytes <= 10000);
  const ig_status st = ig_arena_status(&arena);
  assert_int_equal(ig_status_code(st), IG_ERROR_LIMIT);
  assert_non_null(strstr(ig_status_message(st), "10000"));
  ig_status_free(st);
  ig_arena_free(&arena);
  check_clean(&c);
}

static void test_arena_out_of_memory(void **state) {
  (void)state;
  checked c;
  const ig_allocator a = checked_allocator(&c);
  c.fail_after = 0;
  ig_arena arena;
  ig_arena_init(&arena, &a, 0);
  assert_null(ig_arena_alloc(&arena, 1));
  assert_null(ig_arena_printf(&arena, "%d", 1));
  assert_int_equal(ig_status_code(ig_arena_status(&arena)), IG_ERROR_OUT_OF_MEMORY);
  ig_arena_free(&arena);
  check_clean(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_blocks), cmocka_unit_test(test_aligned),     cmocka_unit_test(test_vector),
    cmocka_unit_test(test_arena),  cmocka_unit_test(test_arena_limit), cmocka_unit_test(test_arena_out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
