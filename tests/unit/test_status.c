/* Statuses: the seven rules that can be seen from one status; failing malloc is the sweeps' business, its fallback is asked here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void test_success(void **state) {
  (void)state;
  assert_int_equal(ig_status_code(NULL), IG_OK);
  assert_string_equal(ig_status_message(NULL), "ok");
  assert_null(ig_status_detail(NULL, IG_DETAIL_NODE));
  assert_null(ig_status_static(IG_OK));
  assert_null(ig_status_make(IG_OK, "x"));
  assert_null(ig_status_note(NULL, "context"));
  ig_status_free(NULL);
  assert_string_equal(ig_version(), "0.1.0");
}

static void test_codes(void **state) {
  (void)state;
  for (int c = IG_OK + 1; c < IG_CODE_COUNT; c++) {
    const ig_status s = ig_status_static((ig_code)c);
    assert_non_null(s);
    assert_ptr_equal(s, ig_status_static((ig_code)c));
    assert_int_equal(ig_status_code(s), c);
    assert_true(strlen(ig_status_message(s)) > 0);
    assert_memory_equal(ig_code_name((ig_code)c), "IG_ERROR_", 9);
    ig_status_free(s);
    assert_int_equal(ig_status_code(s), c);
  }
  assert_string_equal(ig_code_name((ig_code)99), "IG_ERROR_?");
  assert_int_equal(ig_status_code(ig_status_static((ig_code)99)), IG_ERROR_INTERNAL);
}

static void test_message_and_details(void **state) {
  (void)state;
  ig_status s = ig_status_node(IG_ERROR_SHAPE, "conv_3", "Conv", "weight has %d dims, input has %d", 4, 5);
  assert_string_equal(ig_status_message(s), "node 'conv_3' (Conv): weight has 4 dims, input has 5");
  assert_string_equal(ig_status_detail(s, IG_DETAIL_NODE), "conv_3");
  assert_string_equal(ig_status_detail(s, IG_DETAIL_OP), "Conv");
  assert_null(ig_status_detail(s, IG_DETAIL_HINT));
  s = ig_status_with(s, IG_DETAIL_HINT, "check it");
  s = ig_status_with(s, IG_DETAIL_HINT, "check the export");
  assert_string_equal(ig_status_detail(s, IG_DETAIL_HINT), "check the export");
  s = ig_status_note(s, "model '%s'", "m.onnx");
  assert_string_equal(ig_status_message(s), "model 'm.onnx': node 'conv_3' (Conv): weight has 4 dims, input has 5");
  assert_int_equal(ig_status_code(s), IG_ERROR_SHAPE);
  ig_status_free(s);
}

static void test_immortal_is_unchanged(void **state) {
  (void)state;
  const ig_status s = IG_OOM();
  assert_ptr_equal(ig_status_with(s, IG_DETAIL_NODE, "n"), s);
  assert_null(ig_status_detail(s, IG_DETAIL_NODE));
  assert_ptr_equal(ig_status_note(s, "while loading"), s);
  assert_string_equal(ig_status_message(s), "out of memory");
}

static void test_long_and_dirty(void **state) {
  (void)state;
  char text[4001];
  memset(text, 'x', 4000);
  text[4000] = 0;
  ig_status s = ig_status_new(IG_ERROR_IO, "%s", text);
  assert_int_equal(strlen(ig_status_message(s)), 2000);
  s = ig_status_note(s, "%s", text);
  assert_int_equal(strlen(ig_status_message(s)), 2000);
  ig_status_free(s);
  for (size_t i = 0; i + 3 <= 4000; i += 3) memcpy(text + i, "\xe2\x82\xac", 3);
  s = ig_status_new(IG_ERROR_IO, "%s", text);
  assert_true(strlen(ig_status_message(s)) % 3 == 0);
  ig_status_free(s);
  s = ig_status_make(IG_ERROR_BAD_MODEL, "two\nlines \x1b[31m");
  assert_string_equal(ig_status_message(s), "two lines ?[31m");
  ig_status_free(s);
}

static ig_status fail_with_note(void) {
  IG_TRY_NOTE(ig_status_make(IG_ERROR_LIMIT, NULL), "step %d", 3);
  return NULL;
}

static void test_macros(void **state) {
  (void)state;
  const ig_status s = fail_with_note();
  assert_string_equal(ig_status_message(s), "step 3: IG_ERROR_LIMIT");
  ig_status_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_success),
    cmocka_unit_test(test_codes),
    cmocka_unit_test(test_message_and_details),
    cmocka_unit_test(test_immortal_is_unchanged),
    cmocka_unit_test(test_long_and_dirty),
    cmocka_unit_test(test_macros),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
