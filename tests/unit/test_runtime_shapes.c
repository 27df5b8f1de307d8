/* What shapes decide when an engine runs: contents of inputs that extents hang on, and arms of Ifs that make sense at some shapes only.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine_util.h"

static ig_env *env;

static int set_up(void **state) {
  (void)state;
  check_ok(ig_env_create(NULL, &env));
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  ig_env_release(env);
  return 0;
}

static ig_context *new_context(ig_engine *e) {
  ig_context *c;
  check_ok(ig_context_create(e, NULL, &c));
  return c;
}

static int64_t first_dim(ig_context *c) {
  int64_t dims[2];
  size_t n;
  check_ok(ig_context_get_shape(c, "y", dims, 2, &n));
  return dims[0];
}

/* Contents of an input decide shapes: read at bind, and again when they change, in the caller's own memory too. */
static void test_values_decide_shapes(void **state) {
  (void)state;
  static const char *const text = "model imported opset \"\"=17 {\n  input %x : f32[6,2]\n  input %end : i64[1]\n  input %spare : i64[]\n  const %zero : i64[1] = {0}\n"
                                  "  %y = Slice(%x, %zero, %end) : f32[6,2]\n  %z = Neg(%spare) : i64[]\n  output %y\n  output %z\n}\n";
  engine_bytes b = build_text(env, text, NULL);
  ig_engine *e = load(&b, NULL);
  assert_int_equal(e->plan.n_symbols, 1);   /* what no shape needs is no symbol */
  ig_context *c = new_context(e);
  float x[12];
  for (int i = 0; i < 12; i++) x[i] = (float)i;
  int64_t end = 4, one = 1;
  const int64_t spare = 3;
  check_ok(ig_context_set_data(c, "x", x, sizeof x));
  check_ok(ig_context_set_data(c, "spare", &spare, sizeof spare));
  check_fails(ig_context_run(c), IG_ERROR_SHAPE, "input 'end' decides shapes");
  check_ok(ig_context_set_data(c, "end", &end, sizeof end));
  check_ok(ig_context_run(c));
  assert_int_equal(first_dim(c), 4);
  end = 2;
  check_ok(ig_context_set_data(c, "end", &end, sizeof end));
  check_ok(ig_context_run(c));
  assert_int_equal(first_dim(c), 2);
  const ig_tensor own = { .data = &end, .device_type = 1, .rank = 1, .dtype = IG_DTYPE_I64, .dims = &one };
  check_ok(ig_context_set_tensor(c, "end", &own));
  for (end = -7; end < 9; end++) {   /* as Slice takes it: from the end, clipped */
    check_ok(ig_context_run(c));
    const int64_t at = end < 0 ? end + 6 : end, want = at < 0 ? 0 : at > 6 ? 6 : at;
    assert_int_equal(first_dim(c), want);
    ig_tensor y;
    check_ok(ig_context_get_tensor(c, "y", &y));
    assert_int_equal(y.dims[0], want);
    if (want) assert_memory_equal(y.data, x, (size_t)want * 2 * sizeof *x);
  }
  ig_context_release(c);
  ig_engine_release(e);
  engine_bytes_free(&b);
}

static ig_status run_at(ig_context *c, int64_t n, int64_t m, uint8_t yes, float *out) {
  float x[64];
  for (int i = 0; i < 64; i++) x[i] = (float)(i + 1);
  const int64_t dims[] = { n, m };
  check_ok(ig_context_set_shape(c, "x", dims, 2));
  check_ok(ig_context_set_data(c, "x", x, (size_t)(n * m) * sizeof *x));
  check_ok(ig_context_set_shape(c, "c", NULL, 0));
  check_ok(ig_context_set_data(c, "c", &yes, 1));
  IG_TRY(ig_context_run(c));
  ig_tensor t;
  check_ok(ig_context_get_tensor(c, "y", &t));
  *out = *(const float *)t.data;
  return NULL;
}

/* Arms that make sense at some shapes only: the run that takes such an arm fails with its reason, other runs do not. The condition comes from
 * memory (outer If) and from the shapes (inner If). */
static void test_arms_at_shapes(void **state) {
  (void)state;
  static const char *const text =
      "model imported opset \"\"=17 {\n  symbol \"n\" input 0 0 1..64 opt 2\n  symbol \"m\" input 0 1 1..64 opt 2\n  input %x : f32[n,m]\n  input %c : bool[]\n"
      "  const %one : i64[1] = {1}\n  const %zero : i64[1] = {0}\n  const %axes : i64[2] = {0,1}\n"
      "  %y = If(%c) {then_branch=graph \"square\" {\n    %t = Transpose(%x) {perm=[1,0]} : f32[m,n]\n    %s = Add(%x, %t) : f32[n,m]\n    %r = ReduceSum(%s, %axes) {keepdims=0} : f32[]\n    output %r\n"
      "  }, else_branch=graph \"row\" {\n    %shape = Shape(%x) : i64[2]\n    %n = Gather(%shape, %zero) {axis=0} : i64[1]\n    %is = Equal(%n, %one) : bool[1]\n"
      "    %v = If(%is) {then_branch=graph \"one\" {\n      %q = Squeeze(%x, %zero) : f32[m]\n      output %q\n"
      "    }, else_branch=graph \"many\" {\n      %i = Identity(%x) : f32[n,m]\n      output %i\n    }} : f32[m]\n"
      "    %p = Transpose(%v) {perm=[0]} : f32[m]\n    %k = ReduceMax(%p, %zero) {keepdims=0} : f32[]\n    output %k\n  }} : f32[]\n  output %y\n}\n";
  engine_bytes b = build_text(env, text, NULL);
  ig_engine *e = load(&b, NULL);
  ig_context *c = new_context(e);
  float y = 0;
  check_ok(run_at(c, 2, 2, 1, &y));
  assert_true(y == 20);
  check_ok(run_at(c, 1, 5, 0, &y));
  assert_true(y == 5);
  check_ok(run_at(c, 1, 1, 1, &y));   /* 1 broadcasts with anything */
  assert_true(y == 2);
  for (int turn = 0; turn < 2; turn++) {
    ig_status st = run_at(c, 2, 3, 1, &y);   /* x and its transpose do not match */
    assert_int_equal(ig_status_code(st), IG_ERROR_SHAPE);
    assert_non_null(strstr(ig_status_message(st), "node 's': broadcast: "));
    ig_status_free(st);
    check_ok(run_at(c, 1, 3, 0, &y));
    assert_true(y == 3);
    st = run_at(c, 2, 3, 0, &y);   /* the rest of the arm wants one dim */
    assert_int_equal(ig_status_code(st), IG_ERROR_TRAP);
    ig_status_free(st);
  }
  check_ok(run_at(c, 3, 3, 1, &y));
  assert_true(y == 90);
  ig_context_release(c);
  ig_engine_release(e);
  engine_bytes_free(&b);
}

/* The optimum of a dim that nobody named may be too short for the network: such steps are chosen by guess, and the engine runs where it is long enough. */
static void test_no_extent_at_optimum(void **state) {
  (void)state;
  static const char *const text =
      "model imported opset \"\"=17 {\n  symbol \"n\" input 0 2 1..64 opt 1\n  input %x : f32[1,1,n]\n  const %w : f32[1,1,3] = {1,1,1}\n"
      "  %y = Conv(%x, %w) {pads=[0,0]} : ?[*]\n  output %y\n}\n";
  ig_build_options o = guess_options();
  o.tune = IG_TUNE_MEASURE;
  engine_bytes b = build_text(env, text, &o);
  ig_engine *e = load(&b, NULL);
  ig_context *c = new_context(e);
  const float x[5] = { 1, 2, 3, 4, 5 };
  ig_tensor y;
  check_ok(ig_context_set_shape(c, "x", (const int64_t[]){ 1, 1, 5 }, 3));
  check_ok(ig_context_set_data(c, "x", x, sizeof x));
  check_ok(ig_context_run(c));
  check_ok(ig_context_get_tensor(c, "y", &y));
  assert_true(((const float *)y.data)[0] == 6 && ((const float *)y.data)[2] == 12);
  ig_context_release(c);
  ig_engine_release(e);
  engine_bytes_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_values_decide_shapes), cmocka_unit_test(test_arms_at_shapes), cmocka_unit_test(test_no_extent_at_optimum) };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
