/* Dimension expressions: random ones against direct arithmetic on random values of their symbols; and every allocation failing once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "dim_util.h"
#include <math.h>

#define N_SYMBOLS 5
#define N_SAMPLES 6
#define N_LIVE 24
static uint64_t random_state;
static int64_t below(int64_t n) { /* xorshift */
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (int64_t)(random_state % (uint64_t)n);
}

/* An expression and its value at each sample, found without the table. */
typedef struct traced { ig_dim d; int64_t v[N_SAMPLES]; } traced;

static int64_t floor_of(int64_t a, int64_t b) { return (int64_t)floor((double)a / (double)b); }

/* False if the operator has no value there. */
static bool apply_direct(int op, int64_t a, int64_t b, int64_t s, int64_t *out) {
  if (op >= 3 && op <= 5 && b == 0) return false;
  switch (op) {
  case 0: *out = a + b; break;
  case 1: *out = a - b; break;
  case 2: *out = a * b; break;
  case 3: *out = floor_of(a, b); break;
  case 4: *out = -floor_of(-a, b); break;
  case 5: *out = a - b * floor_of(a, b); break;
  case 6: *out = a < b ? a : b; break;
  case 7: *out = a < b ? b : a; break;
  case 8: *out = a == b; break;
  case 9: *out = a >= b; break;
  case 10: *out = s != 0 ? a : b; break;
  case 11: *out = (int64_t)floor((double)a * 0.3); break;
  case 12: *out = (int64_t)floor((double)a * 2.5); break;
  default: *out = a == b || b == 1 ? a : b; return a == b || a == 1 || b == 1;
  }
  return *out > -1000000 && *out < 1000000;
}

static ig_dim apply_table(ig_dims *t, int op, ig_dim a, ig_dim b, ig_dim s) {
  switch (op) {
  case 0: return ig_dim_add(t, a, b);
  case 1: return ig_dim_sub(t, a, b);
  case 2: return ig_dim_mul(t, a, b);
  case 3: return ig_dim_floordiv(t, a, b);
  case 4: return ig_dim_ceildiv(t, a, b);
  case 5: return ig_dim_mod(t, a, b);
  case 6: return ig_dim_min(t, a, b);
  case 7: return ig_dim_max(t, a, b);
  case 8: return ig_dim_eq(t, a, b);
  case 9: return ig_dim_ge(t, a, b);
  case 10: return ig_dim_select(t, s, a, b);
  case 11: return ig_dim_scale(t, a, 0.3, false);
  case 12: return ig_dim_scale(t, a, 2.5, true);
  default: return ig_dim_broadcast(t, a, b, "fuzz");
  }
}

static void check_one(ig_dims *t, const traced *x, const traced *y) {
  int64_t min, max;
  ig_dim_range(t, x->d, &min, &max);
  const int eq = ig_dim_prove_eq(t, x->d, y->d), ge = ig_dim_prove_ge(t, x->d, y->d);
  for (int i = 0; i < N_SAMPLES; i++) {
    assert_true(min <= x->v[i] && x->v[i] <= max);
    assert_true(eq == -1 || eq == (x->v[i] == y->v[i]));
    assert_true(ge == -1 || ge == (x->v[i] >= y->v[i]));
  }
  ig_buf b;
  ig_buf_init(&b, t->alloc);
  ig_dim_print(t, x->d, &b);
  const ig_dim again = ig_dim_parse(t, ig_buf_cstr(&b), b.n);
  if (again != x->d) fail_msg("'%s' does not read back", ig_buf_cstr(&b));
  ig_buf_free(&b);
}

/* One table with random symbols and expressions. Returns the number of expressions checked. */
static size_t fuzz_one(uint64_t seed) {
  random_state = seed * 0x9E3779B97F4A7C15u + 1;
  fixture f;
  start(&f, &ig_libc_allocator);
  ig_dims *const t = &f.t;
  int64_t symbols[N_SAMPLES][N_SYMBOLS];
  traced live[N_LIVE];
  size_t n = 0;
  for (int i = 0; i < N_SYMBOLS; i++) {
    const char name[2] = { (char)('a' + i), 0 };
    const int64_t min = below(3) == 0 ? -below(9) : below(3), max = min + below(below(2) ? 8 : 60);
    live[n].d = input(t, name, min, below(4) == 0 ? IG_DIM_UNBOUNDED : max);
    for (int s = 0; s < N_SAMPLES; s++) live[n].v[s] = symbols[s][i] = min + below(max - min + 1);
    n++;
  }
  for (int i = 0; i < 5; i++, n++) {
    const int64_t v = below(3) ? 1 + below(8) : below(6) * 4 - 4;
    live[n].d = c(t, v);
    for (int s = 0; s < N_SAMPLES; s++) live[n].v[s] = v;
  }
  size_t n_checked = 0;
  while (n < N_LIVE) {
    static const int nest_ops[] = { 0, 1, 2, 3, 3, 4, 4, 5, 5 };
    const bool is_nest = below(3) != 0; /* the arithmetic of strided windows: the last result with a small constant */
    const int op = is_nest ? nest_ops[below(IG_COUNT(nest_ops))] : (int)below(14);
    const traced *const a = &live[is_nest && below(4) != 0 ? (int64_t)n - 1 : below((int64_t)n)];
    const traced *const b = &live[is_nest ? N_SYMBOLS + below(5) : below((int64_t)n)], *const s = &live[below((int64_t)n)];
    traced x;
    bool is_valid = true;
    for (int i = 0; i < N_SAMPLES; i++) is_valid &= apply_direct(op, a->v[i], b->v[i], s->v[i], &x.v[i]);
    if (!is_valid && ++n_checked > 500) break;
    if (!is_valid) continue;
    x.d = apply_table(t, op, a->d, b->d, s->d);
    if (x.d == IG_DIM_BAD) { /* too long a sum is no error of arithmetic */
      assert_error(t, IG_ERROR_LIMIT);
      if (++n_checked > 500) break;
      continue;
    }
    live[n++] = x;
  }
  assert_no_error(t);
  for (size_t i = 0; i < n; i++) check_one(t, &live[i], &live[below((int64_t)n)]);
  int64_t *const values = ig_alloc(t->alloc, t->nodes.n * sizeof *values);
  for (int s = 0; s < N_SAMPLES; s++) {
    const ig_status status = ig_dims_eval(t->nodes.data, t->nodes.n, symbols[s], N_SYMBOLS, values);
    if (status && ig_status_code(status) != IG_ERROR_SHAPE) fail_msg("%s", ig_status_message(status));
    for (size_t i = 0; i < n && !status; i++) {
      if (values[live[i].d] != live[i].v[s]) fail_msg("seed %d: expression %zu at sample %d", (int)seed, i, s);
    }
    if (status) n = 0;
    ig_status_free(status);
  }
  ig_free(t->alloc, values, t->nodes.n * sizeof *values);
  stop(&f);
  return n;
}

static void random_expressions_keep_their_values(void **state) {
  IG_UNUSED(state);
  size_t n = 0;
  for (uint64_t seed = 1; seed <= 1500; seed++) n += fuzz_one(seed);
  print_message("%zu expressions\n", n);
  assert_true(n > 15000);
}

/* ---- lack of memory ---- */

typedef struct failing { size_t n_left, n_live; } failing;
static void *failing_realloc(void *self, void *old, size_t old_size, size_t size) {
  failing *const f = self;
  if (size == 0) {
    f->n_live -= old != NULL;
    return ig_libc_allocator.realloc(ig_libc_allocator.self, old, old_size, 0);
  }
  if (f->n_left == 0) return NULL;
  f->n_left--;
  void *const p = ig_libc_allocator.realloc(ig_libc_allocator.self, old, old_size, size);
  f->n_live += p != NULL && old == NULL;
  return p;
}

/* Runs a piece of everything; true if it all worked. */
static bool run_all(const ig_allocator *alloc) {
  fixture f;
  start(&f, alloc);
  ig_dims *const t = &f.t;
  const ig_dim a = input(t, "a", 1, 9), b = input(t, "b", 1, 9);
  ig_dim d = ig_dim_floordiv(t, ig_dim_mul(t, ig_dim_add(t, a, b), b), ig_dim_add_c(t, a, 1));
  d = ig_dim_max(t, d, ig_dim_mod(t, ig_dim_mul(t, d, a), ig_dim_const(t, 7)));
  d = ig_dim_select(t, ig_dim_ge(t, d, ig_dim_sub(t, a, b)), ig_dim_broadcast(t, a, b, "node"), ig_dim_ceildiv(t, d, ig_dim_const(t, 3)));
  for (int i = 0; i < 60; i++) d = ig_dim_add(t, d, ig_dim_scale(t, ig_dim_add_c(t, a, i), 0.3, true));
  bool is_fine = d != IG_DIM_BAD;
  ig_status s = ig_dims_take_error(t);
  assert_true(is_fine == !s);
  if (!s) s = ig_dims_assume_equal(t, ig_dim_mul(t, a, b), a, "node", "what", NULL);
  if (!s) {
    const ig_dim parsed = ig_dim_parse(t, "'a'*min(a, b)", 13);
    s = ig_dims_take_error(t);
    assert_true((parsed == IG_DIM_BAD) == (s != NULL));
  }
  if (s) assert_int_equal(ig_status_code(s), IG_ERROR_OUT_OF_MEMORY);
  is_fine = !s;
  ig_status_free(s);
  stop(&f);
  return is_fine;
}

static void every_failed_allocation_is_a_status(void **state) {
  IG_UNUSED(state);
  size_t n = 0;
  for (bool is_fine = false; !is_fine; n++) {
    assert_true(n < 100000);
    failing f = { .n_left = n };
    is_fine = run_all(&(ig_allocator){ .self = &f, .realloc = failing_realloc });
    assert_int_equal(f.n_live, 0);
  }
  assert_true(n > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(random_expressions_keep_their_values), cmocka_unit_test(every_failed_allocation_is_a_status) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
