/* Timing cache: entries survive saving, malformed and hostile text costs entries and nothing else, two writers merge.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "build/internal.h"
#include "ir_util.h"
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static ig_env *env;
static char folder[64], path[96], warnings[4096];

static void take_log(void *user, ig_log_level level, const char *component, const char *message) {
  (void)user, (void)level, (void)component;
  snprintf(warnings + strlen(warnings), sizeof warnings - strlen(warnings), "%s\n", message);
}

static int set_up(void **state) {
  (void)state;
  ig_env_options o = IG_ENV_OPTIONS_INIT;
  o.log = take_log;
  check_ok(ig_env_create(&o, &env));
  snprintf(folder, sizeof folder, "/tmp/ingot-test-cache-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/times", folder);
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  char command[128];
  ig_env_release(env);
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

static ig_timing_cache *open_cache(void) {
  ig_timing_cache *c;
  warnings[0] = 0;
  check_ok(ig_timing_cache_open(env, path, &c));
  return c;
}

static void check_entry(const ig_timing_cache *c, uint64_t key, double want) {
  double have = -1;
  bool fresh;
  const bool found = ig_timing_cache_get(c, key, &have, &fresh);
  assert_int_equal(found, want >= 0);
  if (found) assert_true(have == want);
}

static void write_text(const char *text, size_t n) { check_ok(ig_file_write(&env->alloc, path, text, n)); }

static void test_keeps_entries(void **state) {
  (void)state;
  ig_timing_cache *c = open_cache();
  for (uint64_t k = 0; k < 5000; k++) check_ok(ig_timing_cache_put(c, ig_hash(&k, 8, 0), 1e-6 * (double)(k + 1)));
  check_ok(ig_timing_cache_put(c, 0, 0.1));
  check_ok(ig_timing_cache_put(c, UINT64_MAX, 0.3));
  check_ok(ig_timing_cache_put(c, 0, 0.2));
  check_entry(c, 0, 0.2);
  check_ok(ig_timing_cache_save(c));
  check_entry(c, 0, 0.2);   /* saving sorts the entries; they are still found */
  check_entry(c, UINT64_MAX, 0.3);
  ig_timing_cache_close(c);
  c = open_cache();
  for (uint64_t k = 0; k < 5000; k++) check_entry(c, ig_hash(&k, 8, 0), 1e-6 * (double)(k + 1));
  check_entry(c, 0, 0.2);
  check_entry(c, UINT64_MAX, 0.3);
  check_entry(c, 12345, -1);
  assert_string_equal(warnings, "");
  double seconds;
  bool fresh;
  assert_true(ig_timing_cache_get(c, 0, &seconds, &fresh) && !fresh);
  check_ok(ig_timing_cache_put(c, 0, 0.5));
  assert_true(ig_timing_cache_get(c, 0, &seconds, &fresh) && fresh && seconds == 0.5);
  ig_timing_cache_close(c);
}

static void test_without_file(void **state) {
  (void)state;
  ig_timing_cache *c;
  check_ok(ig_timing_cache_open(env, NULL, &c));
  check_entry(c, 7, -1);
  check_ok(ig_timing_cache_put(c, 7, 0.25));
  check_entry(c, 7, 0.25);
  ig_timing_cache_close(c);
}

static void test_malformed(void **state) {
  (void)state;
  static const char text[] = "ingot timing cache 1\n0000000000000001 0.5\n000000000000000g 0.5\n0000000000000002\n0000000000000003 \n0000000000000004 nan\n0000000000000005 -1\n0000000000000006 inf\n"
                             "0000000000000007 0\n0000000000000008 1e9\n0000000000000009 0.5 0.5\n000000000000000A 0.5\n00000000000000000b 0.5\n0000000000000001 0.7\n\n\0\0\0\n000000000000000c 0.25";
  write_text(text, sizeof text - 1);
  ig_timing_cache *c = open_cache();
  assert_non_null(strstr(warnings, "12 malformed lines dropped"));
  check_entry(c, 1, 0.5);
  check_entry(c, 12, 0.25);
  for (uint64_t k = 2; k < 12; k++) check_entry(c, k, -1);
  ig_timing_cache_close(c);
}

static void test_other_files(void **state) {
  (void)state;
  static const char *const texts[] = { "", "\n", "ingot timing cache 2\n0000000000000001 0.5\n", "ingot timing cache 1x\n0000000000000001 0.5\n", "\x89IGT\r\n" };
  for (size_t i = 0; i < IG_COUNT(texts); i++) {
    write_text(texts[i], strlen(texts[i]));
    ig_timing_cache *c = open_cache();
    check_entry(c, 1, -1);
    assert_true(i == 0 || strstr(warnings, "not a timing cache"));
    check_ok(ig_timing_cache_put(c, 7, 0.5));
    check_ok(ig_timing_cache_save(c));
    ig_timing_cache_close(c);
    c = open_cache();
    check_entry(c, 7, 0.5);
    ig_timing_cache_close(c);
  }
  ig_timing_cache *c;
  check_fails(ig_timing_cache_open(env, folder, &c), IG_ERROR_LIMIT, "no regular file");
  assert_null(c);
  check_ok(ig_timing_cache_open(env, "/nonexistent/folder/times", &c));
  check_ok(ig_timing_cache_put(c, 1, 1));
  check_fails(ig_timing_cache_save(c), IG_ERROR_IO, "/nonexistent/folder");
  ig_timing_cache_close(c);
}

/* Every file of the first kind of damage: one byte set to something else. */
static void test_hostile(void **state) {
  (void)state;
  char text[] = "ingot timing cache 1\n0123456789abcdef 0.5\nfedcba9876543210 0.25\n";
  for (size_t i = 0; i < sizeof text - 1; i++)
    for (int b = 0; b < 256; b += 5) {
      const char old = text[i];
      double seconds;
      text[i] = (char)b;
      write_text(text, sizeof text - 1);
      ig_timing_cache *c = open_cache();
      bool fresh;
      if (ig_timing_cache_get(c, 0xfedcba9876543210u, &seconds, &fresh)) assert_true(seconds > 0 && seconds < 1e6);
      ig_timing_cache_close(c);
      text[i] = old;
    }
}

/* Later entries of the file win over nothing that this cache measured itself. */
static void test_merge(void **state) {
  (void)state;
  unlink(path);
  ig_timing_cache *a = open_cache(), *b = open_cache();
  check_ok(ig_timing_cache_put(a, 1, 0.1));
  check_ok(ig_timing_cache_put(a, 3, 0.3));
  check_ok(ig_timing_cache_put(b, 2, 0.2));
  check_ok(ig_timing_cache_put(b, 3, 0.4));
  check_ok(ig_timing_cache_save(a));
  check_ok(ig_timing_cache_save(b));
  ig_timing_cache_close(a);
  check_entry(b, 1, 0.1);
  ig_timing_cache_close(b);
  a = open_cache();
  check_entry(a, 1, 0.1);
  check_entry(a, 2, 0.2);
  check_entry(a, 3, 0.4);
  ig_timing_cache_close(a);
}

static void write_many(uint64_t who) {
  for (uint64_t k = 0; k < 20; k++) {
    ig_timing_cache *c;
    if (ig_timing_cache_open(env, path, &c) || ig_timing_cache_put(c, who * 1000 + k, 0.5) || ig_timing_cache_save(c)) _exit(1);
    ig_timing_cache_close(c);
  }
  _exit(0);
}

static void test_two_writers(void **state) {
  (void)state;
  unlink(path);
  pid_t children[2];
  for (uint64_t w = 0; w < 2; w++)
    if ((children[w] = fork()) == 0) write_many(w + 1);
  for (int w = 0; w < 2; w++) {
    int status;
    waitpid(children[w], &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  ig_timing_cache *c = open_cache();
  for (uint64_t k = 0; k < 20; k++) {
    check_entry(c, 1000 + k, 0.5);
    check_entry(c, 2000 + k, 0.5);
  }
  ig_timing_cache_close(c);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_keeps_entries), cmocka_unit_test(test_without_file), cmocka_unit_test(test_malformed), cmocka_unit_test(test_other_files),
                                      cmocka_unit_test(test_hostile),
                                      cmocka_unit_test(test_merge), cmocka_unit_test(test_two_writers) };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
