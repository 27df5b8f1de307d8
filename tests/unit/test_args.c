/* The option parser: both spellings, operands anywhere, `--`, repeated options, and every wrong use.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static ig_status nothing(cli *c, const cli_args *a) {
  (void)c, (void)a;
  return NULL;
}

static const cli_option options[] = {{"output", "FILE", "where to"}, {"json", NULL, "as JSON"}, {"size", "SIZE", ""},
                                     {"threads", "N", ""},           {"time", "S", ""},         {"tune", "MODE", ""}};
static const cli_command command = {"try", "FILE", "Tries.", CLI_OPTIONS(options), 1, 2, nothing};

static ig_code parse(cli_args *a, char **words) {
  int n = 0;
  bool help = false;
  while (words[n])
    n++;
  ig_status st = cli_args_parse(&command, n, words, a, &help);
  const ig_code code = ig_status_code(st);
  ig_status_free(st);
  return help ? IG_CODE_COUNT : code;
}
#define WORDS(...) ((char *[]){__VA_ARGS__, NULL})

static void test_spellings(void **state) {
  (void)state;
  cli_args a;
  assert_int_equal(parse(&a, WORDS("in", "--output=a=b", "--json", "--output", "--json", "more")), IG_OK);
  assert_string_equal(cli_get(&a, "output"), "--json");
  assert_true(cli_has(&a, "json"));
  assert_false(cli_has(&a, "size"));
  assert_int_equal(a.n_operands, 2);
  assert_string_equal(a.given[0].value, "a=b");
  assert_string_equal(a.operands[1], "more");
  cli_args_free(&a);
  assert_int_equal(parse(&a, WORDS("-o", "x", "--", "--json")), IG_OK);
  assert_string_equal(cli_get(&a, "output"), "x");
  assert_string_equal(a.operands[0], "--json");
  assert_false(cli_has(&a, "json"));
  cli_args_free(&a);
  assert_int_equal(parse(&a, WORDS("--help")), IG_CODE_COUNT);
  cli_args_free(&a);
}

static void test_wrong_use(void **state) {
  (void)state;
  char **const cases[] = {WORDS("x", "--jso"), WORDS("x", "--json=1"), WORDS("x", "--output"), WORDS("x", "-o"),
                          WORDS("x", "-x"),    WORDS("--json"),        WORDS("a", "b", "c"),   WORDS("x", "--")};
  for (size_t i = 0; i < IG_COUNT(cases); i++) {
    cli_args a;
    assert_int_equal(parse(&a, cases[i]), i == IG_COUNT(cases) - 1 ? IG_OK : IG_ERROR_INVALID_ARGUMENT);
    cli_args_free(&a);
  }
}

static void test_values(void **state) {
  (void)state;
  static const struct {
    const char *text;
    uint64_t want;
    bool ok;
  } sizes[] = {{"12", 12, true}, {"2K", 2048, true}, {"512M", 512u << 20, true}, {"2G", 2ull << 30, true},  {"1T", 1ull << 40, true},
               {"K", 0, false},  {"-1", 0, false},   {"1.5G", 0, false},         {"9999999999T", 0, false}, {"12MB", 0, false},
               {"", 0, false}};
  for (size_t i = 0; i < IG_COUNT(sizes); i++) {
    char *words[] = {"x", "--size", (char *)(uintptr_t)sizes[i].text, NULL};
    cli_args a;
    uint64_t v = 0;
    assert_int_equal(parse(&a, words), IG_OK);
    ig_status st = cli_get_size(&a, "size", &v);
    assert_int_equal(st == NULL, sizes[i].ok);
    if (sizes[i].ok) assert_int_equal(v, sizes[i].want);
    ig_status_free(st);
    cli_args_free(&a);
  }
  cli_args a;
  uint32_t threads = 7;
  double time = 3;
  ig_tune_mode tune = IG_TUNE_DEFAULT;
  assert_int_equal(parse(&a, WORDS("x", "--threads", "0", "--time", "1e-1", "--tune", "replay")), IG_OK);
  ig_status st = cli_get_u32(&a, "threads", &threads);
  assert_non_null(st);
  ig_status_free(st);
  assert_int_equal(threads, 7);
  assert_null(cli_get_seconds(&a, "time", &time));
  assert_true(time == 0.1);
  assert_null(cli_get_tune(&a, &tune));
  assert_int_equal(tune, IG_TUNE_REPLAY);
  cli_args_free(&a);
}

static void test_nearest(void **state) {
  (void)state;
  static const char *const names[] = {"output", "shapes", "min-shapes", "json"};
  assert_string_equal(cli_nearest("ouput", names, 4), "output");
  assert_string_equal(cli_nearest("min-shape", names, 4), "min-shapes");
  assert_null(cli_nearest("zzzz", names, 4));
}

static void test_fixed(void **state) {
  (void)state;
  ig_buf b;
  ig_buf_init(&b, &ig_libc_allocator);
  cli_buf_fixed(&b, 0.0625, 3);
  ig_buf_str(&b, " ");
  cli_buf_fixed(&b, -1.999, 2);
  ig_buf_str(&b, " ");
  cli_buf_fixed(&b, -0.001, 2);
  ig_buf_str(&b, " ");
  cli_buf_fixed(&b, 1234567, 0);
  assert_string_equal(ig_buf_cstr(&b), "0.063 -2.00 0.00 1234567");
  ig_buf_free(&b);
}

/* The exit codes are frozen, and there is one for every code. */
static void test_exit_codes(void **state) {
  (void)state;
  static const int want[IG_CODE_COUNT] = {0, 2, 3, 3, 4, 5, 6, 6, 7, 130, 4, 1, 1, 1, 1};
  for (int i = 0; i < IG_CODE_COUNT; i++)
    assert_int_equal(cli_exit_code((ig_code)i), want[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_spellings), cmocka_unit_test(test_wrong_use), cmocka_unit_test(test_values),
                                     cmocka_unit_test(test_nearest),   cmocka_unit_test(test_fixed),     cmocka_unit_test(test_exit_codes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
