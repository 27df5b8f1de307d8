/* Operators whose records came after the structured ones (scatters, Resize, losses, Einsum, Attention, GridSample, prefixes, sorts): samples agree with
 * ONNX Runtime or ONNX's reference.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops_case.h"
#include "ops_more_samples.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static ig_env *env;

static void check_ok(ig_status st, const char *op, const char *text) {
  if (st) print_error("%s: %s: %s\n", op, text, ig_status_message(st));
  assert_null(st);
}

static const ig_op *find(const char *name) {
  const ig_op *op = ig_op_find("", name);
  return op ? op : ig_op_find("ai.onnx.ml", name);
}

/* ---- samples ---- */

static double number(const ig_data *d, int64_t i) {
  double v = NAN;
  ig_val one = {.data = d};
  if (!ig_const_f64(&one, i, &v)) print_error("element %lld has no value\n", (long long)i);
  return v;
}

static void check_sample(const sample *s) {
  ops_case c;
  ig_arena arena;
  ig_arena_init(&arena, &env->alloc, 0);
  check_ok(ops_case_begin(&c, env, find(s->op), s->text, OPS_RUNTIME), s->op, s->text);
  check_ok(ops_case_run(&c), s->op, s->text);
  bool given = false;
  const ig_data *want = ops_data(&arena, s->want, strlen(s->want), 0, &given), got = ops_result_data(&c, s->result);
  assert_non_null(want);
  assert_int_equal(got.dtype, want->dtype);
  assert_int_equal(got.rank, want->rank);
  assert_memory_equal(got.dims, want->dims, sizeof got.dims);
  int64_t count = 1;
  for (uint32_t k = 0; k < got.rank; k++)
    count *= got.dims[k];
  for (int64_t i = 0; i < count; i++) {
    const double a = number(&got, i), b = number(want, i);
    const bool same = a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= s->tolerance * (1 + fabs(b));
    if (!same) print_error("%s: %s: element %lld is %.9g, wanted %.9g\n", s->op, s->text, (long long)i, a, b);
    assert_true(same);
  }
  ops_case_end(&c);
  ig_arena_free(&arena);
}

static void test_samples(void **state) {
  IG_UNUSED(state);
  for (size_t i = 0; i < IG_COUNT(samples); i++)
    check_sample(&samples[i]);
}

static int setup(void **state) {
  IG_UNUSED(state);
  return ig_env_create(NULL, &env) != NULL;
}

static int teardown(void **state) {
  IG_UNUSED(state);
  ig_env_release(env);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_samples)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
