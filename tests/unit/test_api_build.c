/* The building API: option structs, limits on memory, dumps, and the folder of engines built before.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include "ingot/ingot.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static const char *model_path(void) {
  static char path[4096];
  const char *root = getenv("INGOT_SOURCE_ROOT");
  snprintf(path, sizeof path, "%s/examples/digits/digits.onnx", root ? root : ".");
  return path;
}

static void expect_code(ig_status st, ig_code code) {
  if (ig_status_code(st) != code) print_error("%s\n", ig_status_message(st));
  assert_int_equal(ig_status_code(st), code);
  ig_status_free(st);
}

static int append(void *user, const void *bytes, size_t n) {
  ig_buf_bytes(user, bytes, n);
  return 0;
}

static int refuse(void *user, const void *bytes, size_t n) {
  (void)user, (void)bytes, (void)n;
  return 1;
}

typedef struct fixture {
  ig_env *env;
  ig_model *model;
  ig_build_options o;
} fixture;

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  *state = f;
  assert_null(ig_env_create(NULL, &f->env));
  expect_code(ig_model_load_file(f->env, model_path(), NULL, &f->model), IG_OK);
  f->o = (ig_build_options)IG_BUILD_OPTIONS_INIT;
  f->o.tune = IG_TUNE_GUESS;
  f->o.n_threads = 1;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  ig_model_release(f->model);
  ig_env_release(f->env);
  free(f);
  return 0;
}

static void test_struct_size(void **state) {
  fixture *f = *state;
  ig_plan *p;
  struct {
    ig_build_options o;
    char later[16];
  } newer;
  memset(&newer, 0, sizeof newer);
  newer.o = f->o;
  newer.o.struct_size = sizeof newer;
  expect_code(ig_build(f->model, &newer.o, &p), IG_OK);
  ig_plan_release(p);
  newer.later[15] = 1;
  expect_code(ig_build(f->model, &newer.o, &p), IG_ERROR_INVALID_ARGUMENT);
  assert_null(p);
  /* An older caller's struct ends early: what lies behind it is not looked at. */
  ig_build_options older = f->o;
  older.struct_size = offsetof(ig_build_options, no_reference);
  older.progress = (ig_progress_fn)(uintptr_t)1;
  expect_code(ig_build(f->model, &older, &p), IG_OK);
  ig_plan_release(p);
  older.struct_size = 0;
  expect_code(ig_build(f->model, &older, &p), IG_ERROR_INVALID_ARGUMENT);
  struct {
    ig_model_options o;
    char later[8];
  } limits;
  memset(&limits, 0, sizeof limits);
  limits.o.struct_size = sizeof limits;
  limits.later[0] = 1;
  ig_model *m;
  expect_code(ig_model_load_file(f->env, model_path(), &limits.o, &m), IG_ERROR_INVALID_ARGUMENT);
  assert_null(m);
}

static void test_wrong_options(void **state) {
  fixture *f = *state;
  ig_plan *p;
  ig_build_options o = f->o;
  o.n_profiles = 1;
  expect_code(ig_build(f->model, &o, &p), IG_ERROR_INVALID_ARGUMENT);
  o = f->o;
  o.dump = "canonical";
  expect_code(ig_build(f->model, &o, &p), IG_ERROR_INVALID_ARGUMENT);
  o.write = append;
  o.dump = "nowhere";
  expect_code(ig_build(f->model, &o, &p), IG_ERROR_INVALID_ARGUMENT);
  o = f->o;
  o.precision = "int4";
  expect_code(ig_build(f->model, &o, &p), IG_ERROR_UNSUPPORTED);
  o = f->o;
  o.device = "abacus";
  expect_code(ig_build(f->model, &o, &p), IG_ERROR_DEVICE);
  o = f->o;
  o.tune = (ig_tune_mode)9;
  expect_code(ig_build(f->model, &o, &p), IG_ERROR_INVALID_ARGUMENT);
  expect_code(ig_build(NULL, NULL, &p), IG_ERROR_INVALID_ARGUMENT);
  expect_code(ig_build(f->model, &f->o, NULL), IG_ERROR_INVALID_ARGUMENT);
}

static void test_max_memory(void **state) {
  fixture *f = *state;
  ig_plan *p;
  ig_build_options o = f->o;
  o.max_memory = 50000;
  expect_code(ig_build(f->model, &o, &p), IG_ERROR_LIMIT);
  assert_null(p);
  o.max_memory = 16 << 20;
  expect_code(ig_build(f->model, &o, &p), IG_OK);
  ig_plan_release(p);
}

static int stop(void *user, const char *stage, double fraction) {
  (void)stage, (void)fraction;
  return --*(int *)user > 0;
}

static void test_cancel(void **state) {
  fixture *f = *state;
  ig_plan *p;
  int left = 1;
  ig_build_options o = f->o;
  o.progress = stop;
  o.progress_user = &left;
  expect_code(ig_build(f->model, &o, &p), IG_ERROR_CANCELLED);
  ig_cancel *c;
  assert_null(ig_cancel_create(f->env, &c));
  ig_cancel_request(c);
  o = f->o;
  o.cancel = c;
  expect_code(ig_build(f->model, &o, &p), IG_ERROR_CANCELLED);
  ig_cancel_reset(c);
  expect_code(ig_build(f->model, &o, &p), IG_OK);
  ig_plan_release(p);
  ig_cancel_release(c);
}

static void test_descriptions(void **state) {
  fixture *f = *state;
  ig_plan *p;
  ig_buf b;
  ig_buf_init(&b, &ig_libc_allocator);
  ig_build_options o = f->o;
  o.dump = "canonical";
  o.write = append;
  o.write_user = &b;
  expect_code(ig_build(f->model, &o, &p), IG_OK);
  assert_non_null(strstr(ig_buf_cstr(&b), "model canonical"));
  assert_non_null(strstr(ig_buf_cstr(&b), "%image : f32[batch,1,8,8]"));
  b.n = 0;
  expect_code(ig_plan_describe(p, "summary", append, &b), IG_OK);
  assert_non_null(strstr(ig_buf_cstr(&b), "9 nodes -> "));
  assert_null(strstr(ig_buf_cstr(&b), "step 0"));
  b.n = 0;
  expect_code(ig_plan_describe(p, "text", append, &b), IG_OK);
  assert_non_null(strstr(ig_buf_cstr(&b), "step 0: conv_1"));
  b.n = 0;
  expect_code(ig_plan_describe(p, "json", append, &b), IG_OK);
  assert_non_null(strstr(ig_buf_cstr(&b), "\"nodes\":9"));
  expect_code(ig_plan_describe(p, "xml", append, &b), IG_ERROR_INVALID_ARGUMENT);
  expect_code(ig_plan_describe(p, "json", refuse, NULL), IG_ERROR_IO);
  expect_code(ig_model_describe(f->model, "lowered", refuse, NULL), IG_ERROR_IO);
  ig_report *r;
  expect_code(ig_model_check(f->model, NULL, &r), IG_OK);
  assert_int_equal(ig_report_n_problems(r), 0);
  assert_null(ig_report_problem(r, 0).message);
  ig_report_release(r);
  ig_plan_release(p);
  ig_buf_free(&b);
}

/* ---- the cache ---- */

static size_t list(const char *dir, char *out_first, size_t n_out) {
  size_t n = 0;
  DIR *d = opendir(dir);
  for (const struct dirent *e; d && (e = readdir(d));) {
    if (e->d_name[0] == '.') continue;
    if (!n++ && out_first) snprintf(out_first, n_out, "%s/%s", dir, e->d_name);
  }
  if (d) closedir(d);
  return n;
}

static void remove_all(const char *dir) {
  char path[600];
  while (list(dir, path, sizeof path))
    assert_int_equal(unlink(path), 0);
  rmdir(dir);
}

static void load_twice(fixture *f, const char *dir, size_t n_files) {
  ig_engine *e;
  expect_code(ig_engine_from_model_file(f->env, model_path(), &f->o, dir, &e), IG_OK);
  assert_int_equal(ig_engine_n_io(e), 2);
  ig_engine_release(e);
  assert_int_equal(list(dir, NULL, 0), n_files);
}

static void test_cache(void **state) {
  fixture *f = *state;
  char base[] = "/tmp/ingot-cache-XXXXXX", dir[64], path[600];
  assert_non_null(mkdtemp(base));
  snprintf(dir, sizeof dir, "%s/engines", base);
  load_twice(f, dir, 1);
  load_twice(f, dir, 1);
  list(dir, path, sizeof path);
  /* Damaged: built again and replaced. */
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  fseek(file, 200, SEEK_SET);
  fputc(0xff, file);
  fclose(file);
  ig_engine *e;
  expect_code(ig_engine_load_file(f->env, path, NULL, &e), IG_ERROR_BAD_ENGINE);
  load_twice(f, dir, 1);
  expect_code(ig_engine_load_file(f->env, path, NULL, &e), IG_OK);
  ig_engine_release(e);
  /* Other options are another engine. */
  const ig_profile profile = {NULL, "image:3x1x8x8", NULL};
  f->o.profiles = &profile;
  f->o.n_profiles = 1;
  load_twice(f, dir, 2);
  f->o.passes = "-fuse_epilogue";
  load_twice(f, dir, 3);
  remove_all(dir);
  /* A folder that cannot be is no failure. */
  expect_code(ig_engine_from_model_file(f->env, model_path(), &f->o, "/dev/null/cache", &e), IG_OK);
  ig_engine_release(e);
  rmdir(base);
}

int main(void) {
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
  const struct CMUnitTest tests[] = {TEST(test_struct_size), TEST(test_wrong_options), TEST(test_max_memory),
                                     TEST(test_cancel),      TEST(test_descriptions),  TEST(test_cache)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
