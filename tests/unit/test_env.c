/* The environment: options, counting, logging, cancellation, and threads under a fake root with control groups.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/env.h"
#include "base/util.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

typedef struct heard { int n; ig_log_level level; char text[64]; } heard;
static void hear(void *user, ig_log_level level, const char *component, const char *message) {
  heard *const h = user;
  h->n++;
  h->level = level;
  snprintf(h->text, sizeof h->text, "%s: %s", component, message);
}

static void test_log(void **state) {
  (void)state;
  heard h = { 0 };
  ig_env_options opt = IG_ENV_OPTIONS_INIT;
  opt.log = hear;
  opt.log_user = &h;
  opt.n_threads = 3;
  ig_env *env;
  assert_null(ig_env_create(&opt, &env));
  assert_int_equal(env->n_threads, 3);
  ig_log(env, IG_LOG_INFO, "opt", "quiet");
  assert_int_equal(h.n, 0);
  ig_log(env, IG_LOG_WARN, "rt", "tactic %s\nunknown", "x");
  assert_int_equal(h.n, 1);
  assert_int_equal(h.level, IG_LOG_WARN);
  assert_string_equal(h.text, "rt: tactic x unknown");
  ig_log(NULL, IG_LOG_ERROR, "rt", "nobody");
  ig_env_release(env);
}

static void test_options(void **state) {
  (void)state;
  ig_env *env;
  assert_null(ig_env_create(NULL, &env));
  assert_true(env->n_threads >= 1);
  assert_int_equal(env->log_level, IG_LOG_WARN);
  ig_env_retain(env);
  ig_env_release(env);
  ig_env_release(env);
  ig_env_release(NULL);

  struct { ig_env_options known; uint64_t more; } larger = { .known = IG_ENV_OPTIONS_INIT };
  larger.known.struct_size = sizeof larger;
  assert_null(ig_env_create(&larger.known, &env));
  ig_env_release(env);
  larger.more = 1;
  ig_status st = ig_env_create(&larger.known, &env);
  assert_int_equal(ig_status_code(st), IG_ERROR_INVALID_ARGUMENT);
  assert_null(env);
  ig_status_free(st);

  ig_env_options bad = IG_ENV_OPTIONS_INIT;
  bad.struct_size = 0;
  st = ig_env_create(&bad, &env);
  assert_int_equal(ig_status_code(st), IG_ERROR_INVALID_ARGUMENT);
  ig_status_free(st);
}

static void test_cancel(void **state) {
  (void)state;
  ig_env *env;
  ig_cancel *c;
  assert_null(ig_env_create(NULL, &env));
  assert_null(ig_cancel_create(env, &c));
  ig_env_release(env); /* the cancel object keeps it */
  assert_false(ig_cancelled(c));
  assert_false(ig_cancelled(NULL));
  ig_cancel_request(c);
  assert_true(ig_cancelled(c));
  ig_cancel_reset(c);
  assert_false(ig_cancelled(c));
  ig_cancel_release(c);
  ig_cancel_release(NULL);
}

static char root[64];

static void put(const char *path, const char *text) {
  char full[512];
  snprintf(full, sizeof full, "%s/%s", root, path);
  for (char *c = full + strlen(root) + 1; *c; c++) {
    if (*c != '/') continue;
    *c = 0;
    mkdir(full, 0700);
    *c = '/';
  }
  FILE *const f = fopen(full, "w");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
}

static void make_root(void) {
  snprintf(root, sizeof root, "/tmp/ingot-test-env-XXXXXX");
  assert_non_null(mkdtemp(root));
}

static void remove_root(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", root);
  assert_int_equal(system(command), 0);
}

static void test_cgroup_v2(void **state) {
  (void)state;
  make_root();
  const uint32_t all = ig_cpu_threads(root);
  assert_true(all >= 1);
  put("proc/self/cgroup", "0::/a/b\n");
  put("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  assert_int_equal(ig_cpu_threads(root), all);
  put("sys/fs/cgroup/a/cpu.max", "50000 100000\n");
  assert_int_equal(ig_cpu_threads(root), 1);
  put("sys/fs/cgroup/a/cpu.max", "150000 100000\n");
  assert_int_equal(ig_cpu_threads(root), all < 2 ? all : 2);
  put("sys/fs/cgroup/cpu.max", "100000 100000\n"); /* as a container sees its own group */
  assert_int_equal(ig_cpu_threads(root), 1);
  remove_root();
}

static void test_cgroup_v1(void **state) {
  (void)state;
  make_root();
  const uint32_t all = ig_cpu_threads(root);
  put("proc/self/cgroup", "5:cpuset:/x\n4:cpu,cpuacct:/docker/1\n0::/\n");
  put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  assert_int_equal(ig_cpu_threads(root), all);
  put("sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_quota_us", "20000\n");
  put("sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_period_us", "100000\n");
  assert_int_equal(ig_cpu_threads(root), 1);
  put("sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_period_us", "0\n");
  assert_int_equal(ig_cpu_threads(root), all);
  remove_root();
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_log),    cmocka_unit_test(test_options),   cmocka_unit_test(test_cancel),
    cmocka_unit_test(test_cgroup_v2), cmocka_unit_test(test_cgroup_v1),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
