/* Dimension expressions: canonical forms, spans and proofs, text, evaluation, failures.
 * SPDX-License-Identifier: Apache-2.0 */
#include "dim_util.h"
#include <limits.h>
#include <math.h>

/* What a text means, in canonical form. */
static void assert_is(ig_dims *t, const char *text, const char *canonical) {
  const ig_dim d = ig_dim_parse(t, text, strlen(text));
  assert_no_error(t);
  assert_text(t, d, canonical);
}

static void sums_of_products_are_canonical(void **state) {
  IG_UNUSED(state);
  fixture f;
  start(&f, &ig_libc_allocator);
  ig_dims *const t = &f.t;
  const ig_dim a = input(t, "a", 1, 100), b = input(t, "b", 1, 100);
  assert_int_equal(ig_dim_add(t, a, b), ig_dim_add(t, b, a));
  const ig_dim sum = ig_dim_add(t, a, b), difference = ig_dim_sub(t, a, b);
  assert_int_equal(ig_dim_mul(t, sum, difference), ig_dim_sub(t, ig_dim_mul(t, a, a), ig_dim_mul(t, b, b)));
  assert_true(ig_dim_equals(t, ig_dim_sub(t, sum, sum), 0));
  assert_int_equal(ig_dim_sub(t, sum, b), a);
  assert_is(t, "b*12 + 3", "b*12 + 3");
  assert_is(t, "3 - b - a*2 + 0*a", "-a*2 - b + 3");
  assert_is(t, "(a + 1)*(a + 1)", "a*a + a*2 + 1");
  assert_is(t, "-(a - -5)", "-a - 5");
  assert_is(t, "a*-9223372036854775808", "a*-9223372036854775808");
  const ig_dim three[3] = { a, b, a };
  assert_int_equal(ig_dim_product(t, three, 3), ig_dim_mul(t, ig_dim_mul(t, a, a), b));
  assert_true(ig_dim_equals(t, ig_dim_product(t, NULL, 0), 1));
  const size_t n = t->nodes.n;
  const ig_dim seven = c(t, 7);
  assert_int_equal(c(t, 7), seven);
  assert_int_equal(t->nodes.n, n + 1);
  assert_true(ig_dim_equals(t, input(t, "fixed", 8, 8), 8));
  assert_no_error(t);
  stop(&f);
}

static void division_is_exact(void **state) {
  IG_UNUSED(state);
  fixture f;
  start(&f, &ig_libc_allocator);
  ig_dims *const t = &f.t;
  input(t, "b", 1, IG_DIM_UNBOUNDED);
  input(t, "s", 1, 512);
  input(t, "z", 0, 9);
  input(t, "n", -9, -1);
  input(t, "H", 1, 4096);
  assert_is(t, "floordiv(b*s*384, b*s*32)", "12");
  assert_is(t, "ceildiv(b*s*384, b*s*32)", "12");
  assert_is(t, "floordiv(b*s*384 + b, b)", "s*384 + 1");
  assert_is(t, "floordiv((b + 3)*(s + 2), b + 3)", "s + 2");
  assert_is(t, "floordiv(b*z, z)", "floordiv(b*z, z)"); /* z may be 0 */
  assert_is(t, "floordiv(b*n, n)", "b");
  assert_is(t, "floordiv(b, -n)", "floordiv(b, -n)");
  assert_is(t, "floordiv(b, n)", "floordiv(-b, -n)");
  assert_is(t, "floordiv(s*b - 1, b)", "s - 1");
  assert_is(t, "floordiv(4*s + 3, 4)", "s");
  assert_is(t, "floordiv(4*s + 5, 4)", "s + 1");
  assert_is(t, "floordiv(6*s + 3, 4)", "s + floordiv(s + 1, 2)");
  assert_is(t, "floordiv(s, -4)", "floordiv(-s, 4)");
  assert_is(t, "floordiv(floordiv(floordiv(H, 2), 2), 8)", "floordiv(H, 32)");
  assert_is(t, "ceildiv(ceildiv(H, 2), 2)", "floordiv(H + 3, 4)");
  assert_is(t, "floordiv(floordiv(H + 2*3 - 7, 2) + 1 + 2 - 3, 2) + 1", "floordiv(H + 3, 4)");
  assert_is(t, "floordiv(floordiv(H, 3) + 5, 7)", "floordiv(H + 15, 21)");
  assert_is(t, "floordiv(z + 16, 32)", "0");
  assert_is(t, "mod(s*8 + 13, 8)", "5");
  assert_is(t, "mod(s*6 + 13, 8)", "mod(s*3 + 2, 4)*2 + 1");
  assert_is(t, "mod(mod(H, 32), 8)", "mod(H, 8)");
  assert_is(t, "mod(mod(H, 30) + 1, 8)", "mod(mod(H, 30) + 1, 8)");
  assert_is(t, "mod(z, 10)", "z");
  assert_is(t, "mod(s, -3)", "-mod(-s, 3)");
  assert_is(t, "mod(b*s*3 + z, b)", "mod(z, b)");
  assert_is(t, "mod(b - 1, b)", "b - 1");
  stop(&f);
}

static void selections_are_decided_by_ranges(void **state) {
  IG_UNUSED(state);
  fixture f;
  start(&f, &ig_libc_allocator);
  ig_dims *const t = &f.t;
  input(t, "d", 1, IG_DIM_UNBOUNDED);
  input(t, "s", 2, 10);
  input(t, "v", -1, 100);
  assert_is(t, "min(d, 9223372036854775807)", "d");
  assert_is(t, "max(s, 1)", "s");
  assert_is(t, "min(s + d, d)", "d");
  assert_is(t, "max(v, max(s, v))", "max(s, v)");
  assert_is(t, "max(max(d, v), s)", "max(max(d, s), v)");
  assert_is(t, "eq(d, -1)", "0");
  assert_is(t, "eq(2*d, 2*s + 1)", "0");
  assert_is(t, "eq(v, -1)", "eq(v, -1)");
  assert_is(t, "eq(-1 - v, 0)", "eq(v, -1)");
  assert_is(t, "ge(2*v, 5)", "ge(v, 3)");
  assert_is(t, "select(eq(d, -1), 3, s)", "s");
  assert_is(t, "select(eq(v, -1), s, v)", "select(eq(v, -1), s, v)");
  assert_is(t, "select(eq(v, -1), s, s)", "s");
  assert_is(t, "select(eq(v, s), s, v)", "v");
  assert_is(t, "select(ge(v, s), v, s)", "max(s, v)");
  assert_is(t, "select(ge(v, 7), 1, 0)", "ge(v, 7)");
  assert_is(t, "scalef(s, 2)", "s*2");
  assert_is(t, "scale(s, 0.5)", "floordiv(s, 2)");
  assert_is(t, "scale(s, 0.3)", "scale(s, 0.3)");
  assert_is(t, "scale(7, 0.3)", "2");
  stop(&f);
}

static void proofs(void **state) {
  IG_UNUSED(state);
  fixture f;
  start(&f, &ig_libc_allocator);
  ig_dims *const t = &f.t;
  const ig_dim h = input(t, "H", 1, 4096), b = input(t, "b", 1, IG_DIM_UNBOUNDED);
  const ig_dim up = ig_dim_mul_c(t, ig_dim_ceildiv(t, h, c(t, 32)), 2), direct = ig_dim_ceildiv(t, h, c(t, 16));
  assert_int_equal(ig_dim_prove_eq(t, up, direct), -1);
  assert_int_equal(ig_dim_prove_ge(t, ig_dim_add(t, b, h), h), 1);
  assert_int_equal(ig_dim_prove_ge(t, h, ig_dim_add(t, b, h)), 0);
  assert_int_equal(ig_dim_prove_eq(t, h, b), -1);
  assert_int_equal(ig_dim_prove_ge(t, b, ig_dim_mul_c(t, ig_dim_floordiv(t, b, c(t, 2)), 2)), 1);
  assert_int_equal(ig_dim_prove_ge(t, ig_dim_mul_c(t, ig_dim_ceildiv(t, b, c(t, 8)), 8), b), 1);
  assert_int_equal(ig_dim_prove_eq(t, IG_DIM_BAD, b), -1);
  int64_t min, max;
  ig_dim_range(t, ig_dim_mul(t, b, h), &min, &max);
  assert_int_equal(min, 1);
  assert_int_equal(max, IG_DIM_UNBOUNDED);
  ig_dim_range(t, ig_dim_sub(t, c(t, 0), b), &min, &max);
  assert_int_equal(min, -IG_DIM_UNBOUNDED);
  assert_int_equal(max, -1);
  stop(&f);
}

static void guards(void **state) {
  IG_UNUSED(state);
  fixture f;
  start(&f, &ig_libc_allocator);
  ig_dims *const t = &f.t;
  const ig_dim a = input(t, "a", 1, 9), b = input(t, "b", 1, 9), sum = ig_dim_sub(t, ig_dim_mul_c(t, b, 2), c(t, 1));
  ig_dim d;
  assert_null(ig_dims_assume_equal(t, sum, a, "n1", "rows", &d));
  assert_int_equal(d, a);
  assert_int_equal(t->guards.n, 1);
  assert_null(ig_dims_assume_equal(t, a, sum, "n2", "rows", &d));
  assert_int_equal(t->guards.n, 1);
  assert_null(ig_dims_assume_equal(t, a, c(t, 4), "n3", "rows", &d));
  assert_true(ig_dim_equals(t, d, 4));
  assert_int_equal(t->guards.n, 2);
  assert_string_equal(t->guards.data[1].node, "n3");
  const ig_status s = ig_dims_assume_equal(t, a, c(t, 40), "n4", "columns", &d);
  assert_int_equal(ig_status_code(s), IG_ERROR_SHAPE);
  assert_string_equal(ig_status_message(s), "node 'n4': columns: a cannot equal 40");
  assert_int_equal(d, IG_DIM_BAD);
  ig_status_free(s);
  assert_null(ig_dims_guard(t, IG_GUARD_GE, sum, c(t, 1), NULL, NULL));
  assert_int_equal(t->guards.n, 2);
  const ig_dim product = ig_dim_mul(t, a, b);
  for (int i = 0; i < 300; i++) assert_null(ig_dims_guard(t, IG_GUARD_GE, product, c(t, 2 + i % 60), "n", "w"));
  assert_int_equal(t->guards.n, 62);

  const size_t n = t->guards.n;
  assert_int_equal(ig_dim_broadcast(t, a, c(t, 1), "m"), a);
  assert_int_equal(ig_dim_broadcast(t, a, a, "m"), a);
  assert_int_equal(t->guards.n, n);
  assert_true(ig_dim_equals(t, ig_dim_broadcast(t, a, c(t, 3), "m"), 3));
  const ig_dim both = ig_dim_broadcast(t, a, b, "m");
  assert_text(t, both, "broadcast(a, b)");
  assert_int_equal(ig_dim_broadcast(t, b, a, "m"), both);
  assert_int_equal(t->guards.n, n + 2);
  assert_int_equal(t->guards.data[n + 1].rel, IG_GUARD_BROADCAST);
  assert_int_equal(ig_dim_broadcast(t, c(t, 3), c(t, 4), "m"), IG_DIM_BAD);
  assert_error(t, IG_ERROR_SHAPE);
  stop(&f);
}

/* What a guard sees to is known of its parts too, until the guard is dropped. */
static void guards_are_believed(void **state) {
  IG_UNUSED(state);
  fixture f;
  start(&f, &ig_libc_allocator);
  ig_dims *const t = &f.t;
  const ig_dim x = input(t, "x", 1, 1000), y = input(t, "y", 0, 1000);
  const ig_dim n = ig_dim_sub(t, ig_dim_floordiv(t, x, c(t, 20)), c(t, 1));
  int64_t lo, hi;
  assert_false(ig_dim_equals(t, ig_dim_eq(t, n, c(t, 0)), 0));
  assert_null(ig_dims_guard(t, IG_GUARD_GE, n, c(t, 1), "conv", "fits"));
  assert_int_equal(t->guards.n, 1);
  ig_dim_range(t, x, &lo, &hi);
  assert_int_equal(lo, 40);
  assert_true(ig_dim_equals(t, ig_dim_eq(t, n, c(t, -1)), 0));
  assert_int_equal(ig_dim_max(t, n, c(t, 0)), n);
  assert_int_equal(ig_dim_select(t, ig_dim_eq(t, ig_dim_add(t, n, c(t, 1)), c(t, 1)), y, n), n);
  assert_null(ig_dims_guard(t, IG_GUARD_GE, x, c(t, 40), "other", "implied"));
  assert_int_equal(t->guards.n, 1);
  /* k * y + c, ceil(y / k), and what says nothing of a part */
  assert_null(ig_dims_guard(t, IG_GUARD_GE, ig_dim_add(t, ig_dim_mul(t, y, c(t, 3)), c(t, -7)), c(t, 1), "n", "w"));
  ig_dim_range(t, y, &lo, &hi);
  assert_int_equal(lo, 3);
  assert_null(ig_dims_guard(t, IG_GUARD_GE, ig_dim_ceildiv(t, y, c(t, 8)), c(t, 4), "n", "w"));
  ig_dim_range(t, y, &lo, &hi);
  assert_int_equal(lo, 25);
  assert_null(ig_dims_guard(t, IG_GUARD_GE, ig_dim_sub(t, x, y), c(t, 5), "n", "w"));
  ig_dim_range(t, x, &lo, &hi);
  assert_int_equal(lo, 40);
  /* a common factor is taken out: b*n*64 / (b*n*16) is 4, though term by term the divisor's range has 0 */
  const ig_dim b = input(t, "b", 1, 8), bn = ig_dim_mul(t, b, n);
  assert_true(ig_dim_equals(t, ig_dim_floordiv(t, ig_dim_mul(t, bn, c(t, 64)), ig_dim_mul(t, bn, c(t, 16))), 4));
  ig_dim_range(t, bn, &lo, &hi);
  assert_true(lo == 1 && hi == 8 * 49);
  /* they outlive a change of ranges, and go with a copy */
  t->symbols.data[0].max = 500;
  ig_dims_ranges_changed(t);
  ig_dim_range(t, x, &lo, &hi);
  assert_true(lo == 40 && hi == 500);
  fixture g;
  start(&g, &ig_libc_allocator);
  assert_null(ig_dims_copy(t, &g.t));
  assert_int_equal(ig_dim_max(&g.t, n, c(&g.t, 0)), n);
  stop(&g);
  /* and end with their guard */
  ig_dims_drop_guards(t, 2);
  ig_dim_range(t, y, &lo, &hi);
  assert_int_equal(lo, 3);
  ig_dims_drop_guards(t, 0);
  ig_dim_range(t, x, &lo, &hi);
  assert_int_equal(lo, 1);
  assert_int_not_equal(ig_dim_max(t, n, c(t, 0)), n);
  /* a bound that the values of today's question cannot reach is no bound */
  assert_null(ig_dims_guard(t, IG_GUARD_GE, x, c(t, 400), "n", "w"));
  t->symbols.data[0].max = 300;
  ig_dims_ranges_changed(t);
  ig_dim_range(t, x, &lo, &hi);
  assert_true(lo == 1 && hi == 300);
  stop(&f);
}

/* What an arm assumes is the arm's, unless everything assumes it anyway; it can go, or become everybody's. */
static void guards_of_scopes(void **state) {
  IG_UNUSED(state);
  fixture f;
  start(&f, &ig_libc_allocator);
  ig_dims *const t = &f.t;
  const ig_dim a = input(t, "a", 1, 9), b = input(t, "b", 1, 9);
  t->scope = 1;
  assert_null(ig_dims_assume_equal(t, a, b, "n", "w", NULL));
  assert_null(ig_dims_assume_equal(t, b, a, "n", "w", NULL));
  t->scope = 2;
  assert_null(ig_dims_assume_equal(t, a, b, "n", "w", NULL));
  assert_int_equal(t->guards.n, 2);
  t->scope = 0;
  assert_null(ig_dims_assume_equal(t, a, c(t, 3), "n", "w", NULL));
  t->scope = 1;
  assert_null(ig_dims_assume_equal(t, a, c(t, 3), "n", "w", NULL));
  assert_int_equal(t->guards.n, 3);
  /* What an arm assumes is believed nowhere; what all assume stays known when an arm's guards go. */
  int64_t lo, hi;
  assert_null(ig_dims_guard(t, IG_GUARD_GE, b, c(t, 7), "n", "w"));
  ig_dim_range(t, b, &lo, &hi);
  assert_int_equal(lo, 1);
  t->scope = 0;
  assert_null(ig_dims_guard(t, IG_GUARD_GE, b, c(t, 4), "n", "w"));
  t->scope = 1;
  assert_int_equal(t->guards.n, 5);
  ig_dims_move_guards(t, 1, IG_NO_SCOPE);
  assert_int_equal(t->guards.n, 3);
  t->scope = 0;
  ig_dims_drop_guards(t, 3);
  ig_dim_range(t, b, &lo, &hi);
  assert_int_equal(lo, 4);
  ig_dims_drop_guards(t, 2);
  ig_dim_range(t, b, &lo, &hi);
  assert_int_equal(lo, 1);
  assert_int_equal(t->guards.data[0].scope, 2);
  ig_dims_move_guards(t, 2, 0);
  assert_int_equal(t->guards.data[0].scope, 0);
  assert_null(ig_dims_assume_equal(t, b, a, "n", "w", NULL));
  assert_int_equal(t->guards.n, 2);
  stop(&f);
}

static void failures_are_recorded_once(void **state) {
  IG_UNUSED(state);
  fixture f;
  start(&f, &ig_libc_allocator);
  ig_dims *const t = &f.t;
  const ig_dim a = input(t, "a", 0, 9), big = c(t, INT64_MAX);
  assert_int_equal(ig_dim_add(t, big, c(t, 1)), IG_DIM_BAD);
  assert_int_equal(ig_dim_floordiv(t, a, c(t, 0)), IG_DIM_BAD);
  assert_error(t, IG_ERROR_LIMIT); /* the first of the two */
  assert_error(t, IG_OK);
  assert_int_equal(ig_dim_mul(t, ig_dim_mul(t, a, big), c(t, 2)), IG_DIM_BAD);
  assert_error(t, IG_ERROR_LIMIT);
  assert_int_equal(ig_dim_mod(t, a, c(t, 0)), IG_DIM_BAD);
  assert_error(t, IG_ERROR_SHAPE);
  assert_int_equal(ig_dim_floordiv(t, c(t, INT64_MIN), c(t, -1)), IG_DIM_BAD);
  assert_error(t, IG_ERROR_LIMIT);
  assert_int_equal(ig_dim_scale(t, a, NAN, false), IG_DIM_BAD);
  assert_error(t, IG_ERROR_LIMIT);
  assert_int_equal(input(t, "empty", 2, 1), IG_DIM_BAD);
  assert_error(t, IG_ERROR_SHAPE);
  ig_dim power = ig_dim_add_c(t, a, 1);
  for (int i = 0; i < 64; i++) power = ig_dim_mul(t, power, power);
  assert_int_equal(power, IG_DIM_BAD);
  assert_error(t, IG_ERROR_LIMIT);
  assert_int_equal(ig_dim_add(t, IG_DIM_BAD, a), IG_DIM_BAD);
  assert_error(t, IG_OK);
  static const char *const wrong[] = { "", "a +", "q", "floordiv(a)", "foo(a)", "min(a, 1",
    "a b", "'a", "99999999999999999999", "a#7", "scale(a, x)", "?" };
  for (size_t i = 0; i < IG_COUNT(wrong); i++) {
    assert_int_equal(ig_dim_parse(t, wrong[i], strlen(wrong[i])), IG_DIM_BAD);
    assert_error(t, IG_ERROR_INVALID_ARGUMENT);
  }
  char deep[4000];
  memset(deep, '(', sizeof deep);
  assert_int_equal(ig_dim_parse(t, deep, sizeof deep), IG_DIM_BAD);
  assert_error(t, IG_ERROR_INVALID_ARGUMENT);
  t->max_nodes = t->nodes.n - 1;
  assert_int_not_equal(c(t, 1), IG_DIM_BAD);
  assert_int_equal(c(t, 123456), IG_DIM_BAD);
  assert_error(t, IG_ERROR_LIMIT);
  stop(&f);
}

static void names_of_any_form_read_back(void **state) {
  IG_UNUSED(state);
  fixture f;
  start(&f, &ig_libc_allocator);
  ig_dims *const t = &f.t;
  assert_text(t, input(t, "past + 1", 0, 9), "'past + 1'");
  assert_text(t, input(t, "it's\\", 0, 9), "'it\\'s\\\\'");
  assert_text(t, input(t, "", 0, 9), "''");
  assert_text(t, input(t, "min", 0, 9), "min");
  assert_text(t, input(t, "n", 0, 9), "n");
  assert_text(t, input(t, "n", 0, 9), "n#5");
  ig_dim d = ig_dim_parse(t, "n", 1);
  for (int i = 0; i < 200; i++) d = ig_dim_mod(t, ig_dim_mul(t, d, d), ig_dim_add_c(t, d, i)); /* 2^200 leaves as text */
  assert_no_error(t);
  assert_int_not_equal(d, IG_DIM_BAD);
  ig_buf b;
  ig_buf_init(&b, t->alloc);
  ig_dim_print(t, d, &b);
  assert_true(b.n < 100000);
  ig_buf_free(&b);
  stop(&f);
}

static void undefined_is_passed_on(void **state) {
  IG_UNUSED(state);
  int64_t scale_bits;
  const double third = 0.3;
  memcpy(&scale_bits, &third, sizeof third);
  const ig_dim_node nodes[] = { { 0 }, { .op = IG_DIM_SYMBOL, .a = 0 }, { .op = IG_DIM_SYMBOL, .a = 1 }, { .op = IG_DIM_FLOORDIV, .a = 1, .b = 2 },
    { .op = IG_DIM_ADD, .a = 1, .b = 3 }, { .op = IG_DIM_SCALE, .a = 3, .imm = scale_bits }, { .op = IG_DIM_SELECT, .a = 2, .b = 3, .c = 1 },
    { .op = IG_DIM_SELECT, .a = 1, .b = 3, .c = 1 }, { .op = IG_DIM_SELECT, .a = 3, .b = 1, .c = 1 }, { .op = IG_DIM_EQ, .a = 3, .b = 3 },
    { .op = IG_DIM_MUL, .a = 1, .b = 1 } };
  int64_t v[IG_COUNT(nodes)];
  const int64_t none = IG_DIM_UNDEFINED;
  assert_null(ig_dims_eval_defined(nodes, IG_COUNT(nodes), (const int64_t[]){ 6, 0 }, 2, v));
  const int64_t expected[] = { 0, 6, 0, none, none, none, 6, none, none, none, 36 };
  assert_memory_equal(v, expected, sizeof v);
  assert_null(ig_dims_eval_defined(nodes, IG_COUNT(nodes), (const int64_t[]){ 6, 2 }, 2, v));
  const int64_t all[] = { 0, 6, 2, 3, 9, 0, 3, 3, 6, 1, 36 };
  assert_memory_equal(v, all, sizeof v);
  const ig_dim_node bad[] = { { 0 }, { .op = IG_DIM_ADD, .a = 1, .b = 1 } };
  const ig_status s = ig_dims_eval_defined(bad, 2, NULL, 0, v);
  assert_int_equal(ig_status_code(s), IG_ERROR_BAD_ENGINE);
  ig_status_free(s);
}

static void evaluation_checks_what_it_reads(void **state) {
  IG_UNUSED(state);
  int64_t scale_bits;
  const double third = 0.3;
  memcpy(&scale_bits, &third, sizeof third);
  const ig_dim_node good[] = { { 0 }, { .op = IG_DIM_SYMBOL, .a = 0 }, { .op = IG_DIM_SYMBOL, .a = 1 }, { .op = IG_DIM_FLOORDIV, .a = 1, .b = 2 },
    { .op = IG_DIM_CEILDIV, .a = 1, .b = 2 }, { .op = IG_DIM_MOD, .a = 1, .b = 2 }, { .op = IG_DIM_SCALE, .a = 1, .imm = scale_bits },
    { .op = IG_DIM_BROADCAST, .a = 2, .b = 1 }, { .op = IG_DIM_SELECT, .a = 1, .b = 2, .c = 1 }, { .op = IG_DIM_MUL, .a = 1, .b = 1 } };
  int64_t v[IG_COUNT(good)];
  assert_null(ig_dims_eval(good, IG_COUNT(good), (const int64_t[]){ -7, 2 }, 2, v));
  const int64_t expected[] = { 0, -7, 2, -4, -3, 1, -3, 2, 2, 49 };
  assert_memory_equal(v, expected, sizeof v);
  static const int64_t cases[][2] = { { 1, 0 }, { INT64_MIN, -1 }, { INT64_MAX, 3 } };
  for (size_t i = 0; i < IG_COUNT(cases); i++) {
    const ig_status s = ig_dims_eval(good, IG_COUNT(good), cases[i], 2, v);
    assert_int_equal(ig_status_code(s), IG_ERROR_SHAPE);
    ig_status_free(s);
  }
  const ig_dim_node bad[][2] = { { { 0 }, { .op = 99, .a = 1, .b = 1 } }, { { 0 }, { .op = IG_DIM_ADD, .a = 1, .b = 1 } },
    { { 0 }, { .op = IG_DIM_SYMBOL, .a = 2 } },
    { { 0 }, { .op = IG_DIM_SCALE, .a = 0 } }, { { 0 }, { .op = IG_DIM_SELECT, .a = 7 } } };
  for (size_t i = 0; i < IG_COUNT(bad); i++) {
    const ig_status s = ig_dims_eval(bad[i], 2, (const int64_t[]){ 1, 2 }, 2, v);
    assert_int_equal(ig_status_code(s), IG_ERROR_BAD_ENGINE);
    ig_status_free(s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(sums_of_products_are_canonical), cmocka_unit_test(division_is_exact), cmocka_unit_test(selections_are_decided_by_ranges),
    cmocka_unit_test(proofs), cmocka_unit_test(guards), cmocka_unit_test(guards_are_believed), cmocka_unit_test(guards_of_scopes), cmocka_unit_test(undefined_is_passed_on), cmocka_unit_test(failures_are_recorded_once), cmocka_unit_test(names_of_any_form_read_back),
    cmocka_unit_test(evaluation_checks_what_it_reads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
