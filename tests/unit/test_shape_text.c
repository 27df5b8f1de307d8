/* Shape strings: the grammar, its refusals, and random text against a second reading of the same grammar.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/shape_text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const ig_allocator *const libc = &ig_libc_allocator;

static ig_shape_list parse(const char *text) {
  ig_shape_list list;
  ig_status st = ig_shape_text_parse(libc, text, &list);
  if (st) fail_msg("'%s': %s", text ? text : "NULL", ig_status_message(st));
  return list;
}

static void check_entry(const ig_shape_entry *e, const char *name, const char *dims) {
  char text[128] = "";
  assert_non_null(e);
  assert_string_equal(e->name, name);
  for (uint32_t k = 0; k < e->rank; k++) snprintf(text + strlen(text), sizeof text - strlen(text), "%s%lld", k ? "x" : "", (long long)e->dims[k]);
  assert_string_equal(text, dims);
}

static void test_accepts(void **state) {
  (void)state;
  static const struct { const char *text, *name, *dims; } one[] = {
    { "x:1x3x224x224", "x", "1x3x224x224" }, { "input:0:1x3", "input:0", "1x3" },      { "s:", "s", "" },
    { "x:0", "x", "0" },                     { "'a,b':2", "a,b", "2" },                { "\"a:b\":2x2", "a:b", "2x2" },
    { "'it\"s':7", "it\"s", "7" },           { "a b:1", "a b", "1" },                  { "x:1x1x1x1x1x1x1x1", "x", "1x1x1x1x1x1x1x1" },
    { "x1x2:3", "x1x2", "3" },               { "x:9223372036854775807", "x", "9223372036854775807" },
  };
  for (size_t i = 0; i < IG_COUNT(one); i++) {
    ig_shape_list list = parse(one[i].text);
    assert_int_equal(list.entries.n, 1);
    check_entry(&list.entries.data[0], one[i].name, one[i].dims);
    ig_shape_list_free(libc, &list);
  }
}

static void test_lists(void **state) {
  (void)state;
  ig_shape_list list = parse(NULL);
  assert_int_equal(list.entries.n, 0);
  ig_shape_list_free(libc, &list);
  list = parse("a:1,'b,c':2x3,d:");
  assert_int_equal(list.entries.n, 3);
  check_entry(ig_shape_list_find(&list, "b,c"), "b,c", "2x3");
  check_entry(ig_shape_list_find(&list, "d"), "d", "");
  assert_null(ig_shape_list_find(&list, "b"));
  ig_shape_list_free(libc, &list);
}

static void test_refusals(void **state) {
  (void)state;
  static const struct { const char *text, *part; } bad[] = {
    { "x", "expected NAME:1x3x224x224" }, { ":1", "expected NAME" }, { "x:1x", "ends with 'x'" }, { "x:-1", "'-1' is no dim" }, { "x:1xx2", "'' is no dim" }, { "x:a", "'a' is no dim" },
    { "x:1.5", "is no dim" }, { "x:1x2x3x4x5x6x7x8x9", "more than 8 dims" }, { "x:9223372036854775808", "is no dim" }, { "x:1,x:2", "'x' is given twice" }, { "'x:1", "must be closed" },
    { "'x'1", "followed by ':'" }, { "a:1,,b:2", "expected NAME" }, { "x: 1", "is no dim" }, { "x:1,", NULL },
  };
  for (size_t i = 0; i < IG_COUNT(bad); i++) {
    ig_shape_list list;
    ig_status st = ig_shape_text_parse(libc, bad[i].text, &list);
    if (!bad[i].part) {   /* a comma at the end is forgiven */
      assert_null(st);
      ig_shape_list_free(libc, &list);
      continue;
    }
    if (ig_status_code(st) != IG_ERROR_INVALID_ARGUMENT || !strstr(ig_status_message(st), bad[i].part)) fail_msg("'%s': %s", bad[i].text, ig_status_message(st));
    assert_null(list.entries.data);
    ig_status_free(st);
  }
}

/* What was accepted prints to text that is accepted again with the same content. */
static void check_again(const ig_shape_list *list) {
  char text[512] = "";
  for (size_t i = 0; i < list->entries.n; i++) {
    const ig_shape_entry *e = &list->entries.data[i];
    const char quote = strchr(e->name, '\'') ? '"' : '\'';
    if (strchr(e->name, '\'') && strchr(e->name, '"')) return;
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s%c%s%c:", i ? "," : "", quote, e->name, quote);
    for (uint32_t k = 0; k < e->rank; k++) snprintf(text + strlen(text), sizeof text - strlen(text), "%s%lld", k ? "x" : "", (long long)e->dims[k]);
  }
  ig_shape_list again = parse(text);
  assert_int_equal(again.entries.n, list->entries.n);
  for (size_t i = 0; i < again.entries.n; i++) {
    const ig_shape_entry *e = &list->entries.data[i], *f = &again.entries.data[i];
    assert_string_equal(e->name, f->name);
    assert_int_equal(e->rank, f->rank);
    assert_memory_equal(e->dims, f->dims, e->rank * sizeof e->dims[0]);
  }
  ig_shape_list_free(libc, &again);
}

static void test_random(void **state) {
  (void)state;
  static const char alphabet[] = "xab1203:,'\"- ";
  uint64_t seed = 1;
  size_t n_accepted = 0;
  for (int round = 0; round < 20000; round++) {
    char text[32];
    size_t n = 0;
    for (seed = seed * 6364136223846793005u + 1442695040888963407u; n < (seed >> 60) + 1; n++) text[n] = alphabet[ig_hash(&seed, sizeof seed, n) % (sizeof alphabet - 1)];
    text[n] = 0;
    ig_shape_list list;
    ig_status st = ig_shape_text_parse(libc, text, &list);
    if (st) {
      assert_int_equal(ig_status_code(st), IG_ERROR_INVALID_ARGUMENT);
      ig_status_free(st);
      continue;
    }
    n_accepted++;
    check_again(&list);
    ig_shape_list_free(libc, &list);
  }
  assert_true(n_accepted > 500);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_accepts), cmocka_unit_test(test_lists), cmocka_unit_test(test_refusals), cmocka_unit_test(test_random) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
