/* The JSON writer: commas, nesting, escapes, numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/json_write.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_document(void **state) {
  (void)state;
  ig_buf b;
  ig_json j;
  ig_buf_init(&b, &ig_libc_allocator);
  ig_json_init(&j, &b);
  ig_json_open(&j, NULL, '{');
  ig_json_str(&j, "name", "conv_3");
  ig_json_str(&j, "none", NULL);
  ig_json_i64(&j, "least", INT64_MIN);
  ig_json_open(&j, "times", '[');
  ig_json_f64(&j, NULL, 0.25);
  ig_json_f64(&j, NULL, NAN);
  ig_json_f64(&j, NULL, -INFINITY);
  ig_json_open(&j, NULL, '{');
  ig_json_close(&j, '}');
  ig_json_open(&j, NULL, '[');
  ig_json_close(&j, ']');
  ig_json_close(&j, ']');
  ig_json_bool(&j, "dynamic", true);
  ig_json_bool(&j, "fixed", false);
  ig_json_close(&j, '}');
  assert_string_equal(ig_buf_cstr(&b),
                      "{\"name\":\"conv_3\",\"none\":null,\"least\":-9223372036854775808,"
                      "\"times\":[0.25,null,null,{},[]],\"dynamic\":true,\"fixed\":false}");
  ig_buf_free(&b);
}

static void check_string(const char *text, const char *want) {
  ig_buf b;
  ig_json j;
  ig_buf_init(&b, &ig_libc_allocator);
  ig_json_init(&j, &b);
  ig_json_str(&j, NULL, text);
  assert_string_equal(ig_buf_cstr(&b), want);
  ig_buf_free(&b);
}

#define REPLACED "\xef\xbf\xbd"

static void test_strings(void **state) {
  (void)state;
  check_string("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
  check_string("\n\t\r\x01\x7f", "\"\\n\\t\\u000d\\u0001\x7f\"");
  check_string("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\"");
  check_string("\xff", "\"" REPLACED "\"");
  check_string("a\xc3", "\"a" REPLACED "\"");
  check_string("\xc0\x80", "\"" REPLACED REPLACED "\"");
  check_string("\xed\xa0\x80", "\"" REPLACED REPLACED REPLACED "\"");
  check_string("\xf4\x90\x80\x80", "\"" REPLACED REPLACED REPLACED REPLACED "\"");
  check_string("\xe2\x82", "\"" REPLACED REPLACED "\"");
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_document), cmocka_unit_test(test_strings) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
