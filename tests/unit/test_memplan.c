/* Memory placement: random lifetimes and aliases; nothing alive at the same time overlaps, totals lie between the bound and the sum.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { MAX_ITEMS = 60, STEPS = 40 };
static uint64_t seed = 7;
static uint32_t below(uint32_t n) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(seed >> 33) % n;
}

static uint64_t rounded(uint64_t n) { return (n + IG_TENSOR_ALIGN - 1) / IG_TENSOR_ALIGN * IG_TENSOR_ALIGN; }

static bool same_memory(const ig_mem_item *items, uint32_t a, uint32_t b) {
  while (items[a].alias != IG_NONE) a = items[a].alias;
  while (items[b].alias != IG_NONE) b = items[b].alias;
  return a == b;
}

static void check_no_overlap(const ig_mem_item *items, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    for (uint32_t k = 0; k < i; k++) {
      const ig_mem_item *a = &items[i], *b = &items[k];
      const bool together = a->first <= b->last && b->first <= a->last, apart = a->offset >= b->offset + b->size || b->offset >= a->offset + a->size;
      if (!same_memory(items, i, k) && together && a->size && b->size && !apart) fail_msg("items %u and %u overlap", i, k);
    }
}

/* Most bytes alive at one step; aliases count once, with the largest of their sizes over all of their lives. */
static uint64_t bound_of(const ig_mem_item *items, uint32_t n) {
  uint64_t bound = 0;
  for (uint32_t t = 0; t < STEPS; t++) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
      if (items[i].alias != IG_NONE) continue;
      uint64_t size = 0;
      uint32_t first = STEPS, last = 0;
      for (uint32_t k = 0; k < n; k++) {
        if (!same_memory(items, i, k)) continue;
        size = items[k].size > size ? items[k].size : size;
        first = items[k].first < first ? items[k].first : first;
        last = items[k].last > last ? items[k].last : last;
      }
      if (first <= t && t <= last) sum += rounded(size);
    }
    bound = sum > bound ? sum : bound;
  }
  return bound;
}

static void test_random(void **state) {
  (void)state;
  size_t n_tight = 0;
  for (int round = 0; round < 2000; round++) {
    ig_mem_item items[MAX_ITEMS];
    const uint32_t n = 1 + below(MAX_ITEMS);
    uint64_t total, bound, sum = 0, end = 0;
    for (uint32_t i = 0; i < n; i++) {
      const uint32_t first = below(STEPS), life = below(below(4) ? 4 : STEPS);
      items[i] = (ig_mem_item){ .size = below(8) ? below(5000) : 0, .first = first, .last = first + life < STEPS ? first + life : STEPS - 1, .offset = 1, .alias = i && below(6) == 0 ? below(i) : IG_NONE };
      sum += rounded(items[i].size);
    }
    assert_null(ig_memplan(&ig_libc_allocator, items, n, &total, &bound));
    check_no_overlap(items, n);
    assert_int_equal(bound, bound_of(items, n));
    for (uint32_t i = 0; i < n; i++) {
      assert_int_equal(items[i].offset % IG_TENSOR_ALIGN, 0);
      if (items[i].alias != IG_NONE) assert_int_equal(items[i].offset, items[items[i].alias].offset);
      end = items[i].offset + items[i].size > end ? items[i].offset + items[i].size : end;
    }
    assert_true(end <= total && bound <= total && total <= sum);
    n_tight += total == bound;
  }
  assert_true(n_tight > 1550);   /* most of these plans reach the bound; the others cannot all */
}

static void test_known(void **state) {
  (void)state;
  uint64_t total = 9, bound = 9;
  assert_null(ig_memplan(&ig_libc_allocator, NULL, 0, &total, &bound));
  assert_int_equal(total, 0);
  assert_int_equal(bound, 0);
  /* A chain of three: the third takes the first one's place. */
  ig_mem_item chain[] = { { 100, 0, 1, 0, IG_NONE }, { 100, 1, 2, 0, IG_NONE }, { 100, 2, 3, 0, IG_NONE } };
  assert_null(ig_memplan(&ig_libc_allocator, chain, 3, &total, &bound));
  assert_int_equal(total, 256);
  assert_int_equal(bound, 256);
  assert_int_equal(chain[0].offset, chain[2].offset);
  /* An alias stretches the life of what it shares. */
  ig_mem_item shared[] = { { 64, 0, 0, 0, IG_NONE }, { 128, 1, 1, 0, 0 }, { 64, 1, 1, 0, IG_NONE } };
  assert_null(ig_memplan(&ig_libc_allocator, shared, 3, &total, &bound));
  assert_int_equal(total, 192);
  assert_int_equal(shared[1].offset, shared[0].offset);
  assert_true(shared[2].offset >= shared[0].offset + 128 || shared[2].offset + 64 <= shared[0].offset);
}

static void test_overflow(void **state) {
  (void)state;
  uint64_t total, bound;
  ig_mem_item items[] = { { UINT64_MAX / 4, 0, 0, 0, IG_NONE }, { UINT64_MAX / 4, 0, 0, 0, IG_NONE }, { UINT64_MAX / 4, 0, 0, 0, IG_NONE }, { UINT64_MAX / 4, 0, 0, 0, IG_NONE }, { UINT64_MAX / 4, 0, 0, 0, IG_NONE } };
  ig_status st = ig_memplan(&ig_libc_allocator, items, IG_COUNT(items), &total, &bound);
  assert_int_equal(ig_status_code(st), IG_ERROR_LIMIT);
  ig_status_free(st);
  items[0].size = UINT64_MAX;
  st = ig_memplan(&ig_libc_allocator, items, 1, &total, &bound);
  assert_int_equal(ig_status_code(st), IG_ERROR_LIMIT);
  ig_status_free(st);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_random), cmocka_unit_test(test_known), cmocka_unit_test(test_overflow) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
