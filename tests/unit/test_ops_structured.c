/* Structured operators (views, moves, contractions, windows, reductions, norms, recurrent cells): every record's cases with run-time, constant and
 * symbolic inputs agree bit for bit; samples agree with ONNX Runtime.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops_case.h"
#include "ops_structured_samples.h"
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

/* ---- all cases ---- */

static void compare(const ops_case *a, const ops_case *b, const char *op, const char *text, const char *mode) {
  for (uint32_t i = 0; i < a->n->n_out; i++) {
    const ig_data x = ops_result_data(a, i), y = ops_result_data(b, i);
    const bool same = x.dtype == y.dtype && x.rank == y.rank && memcmp(x.dims, y.dims, sizeof x.dims) == 0 && x.n_bytes == y.n_bytes &&
                      memcmp(x.bytes, y.bytes, x.n_bytes) == 0;
    if (!same) print_error("%s: %s: result %u differs with %s\n", op, text, i, mode);
    assert_true(same);
  }
}

static void run_case(ops_case *c, const ig_op *op, const char *text, unsigned mode) {
  check_ok(ops_case_begin(c, env, op, text, mode), op->name, text);
  check_ok(ops_case_run(c), op->name, text);
}

/* True where the case ran with symbolic dims; false where the operator says that it must know them. */
static bool run_symbolic(ops_case *c, const ig_op *op, const char *text) {
  check_ok(ops_case_begin(c, env, op, text, OPS_SYMBOLIC), op->name, text);
  ig_status st = ops_case_run(c);
  const bool refused = ig_status_code(st) == IG_ERROR_UNSUPPORTED && strcmp(ig_status_detail(st, IG_DETAIL_ISSUE_CODE), "UNSUPPORTED_SHAPE") == 0;
  if (!refused)
    check_ok(st, op->name, text);
  else
    ig_status_free(st);
  return !refused;
}

static bool is_mine(const ig_op *op) {
  return op->lower && (op->cls == IG_CLASS_VIEW || op->cls == IG_CLASS_KIND || op->cls == IG_CLASS_COMPOSITE) && op->accuracy != IG_ACCURACY_RANDOM;
}

static void test_cases(void **state) {
  IG_UNUSED(state);
  uint32_t n_cases = 0, n_refused = 0;
  for (uint32_t i = 0; i < ig_n_ops; i++) {
    const ig_op *op = ig_ops[i];
    if (!is_mine(op)) continue;
    assert_non_null(op->cases);
    for (const char *const *text = op->cases; *text; text++, n_cases++) {
      ops_case runtime, constant, symbolic;
      run_case(&runtime, op, *text, OPS_RUNTIME);
      run_case(&constant, op, *text, OPS_CONSTANT);
      compare(&runtime, &constant, op->name, *text, "constant inputs");
      if (run_symbolic(&symbolic, op, *text))
        compare(&runtime, &symbolic, op->name, *text, "symbolic dims");
      else
        n_refused++;
      ops_case_end(&runtime);
      ops_case_end(&constant);
      ops_case_end(&symbolic);
    }
  }
  assert_true(n_cases > 150);
  assert_true(n_refused < 40); /* kernels' extents, which must be constant */
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
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_samples)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
