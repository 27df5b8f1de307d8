/* Views become strides: known chains, and random chains of views with constant and symbolic dims, each element checked against a naive
 * evaluation of the same chain.
 * SPDX-License-Identifier: Apache-2.0 */
#include "build/internal.h"
#include "ir_util.h"
#include "ops/op.h"

enum { MAX_VALUES = 16, MAX_ELEMENTS = 4096, MAX_SYMBOLS = 3 };
static uint64_t seed = 3;
static uint32_t below(uint32_t n) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(seed >> 33) % n;
}

typedef struct chain { ig_env *env; ig_ir *ir; ig_graph *g; ig_val *v[MAX_VALUES]; ig_node *view[MAX_VALUES]; uint32_t n; } chain;

static chain new_chain(void) {
  chain c = { .env = new_env() };
  check_ok(ig_ir_create(c.env, 0, &c.ir));
  c.ir->stage = IG_STAGE_LOWERED;
  c.g = ig_graph_new(c.ir, NULL, "main");
  return c;
}
static void free_chain(chain *c) {
  ig_ir_destroy(c->ir);
  ig_env_release(c->env);
}

static void add_input(chain *c, uint32_t rank, const ig_dim *dims) {
  ig_val *x = ig_val_new(c->g, "x");
  ig_val_set_type(x, IG_DTYPE_F32, (int)rank, dims);
  c->g->inputs = IG_NEW_ARRAY(&c->ir->arena, ig_val *, 1);
  c->g->inputs[0] = x;
  c->g->n_inputs = 1;
  c->v[0] = x;
  c->n = 1;
}

/* A view of the last value. */
static ig_node *add_view(chain *c, ig_view_op op, uint32_t rank, const ig_dim *dims) {
  ig_node *n = ig_node_new(c->g, NULL, NULL, IG_FORM_VIEW, &c->v[c->n - 1], 1, 1);
  assert_non_null(n);
  n->view.op = op;
  ig_val_set_type(n->out[0], IG_DTYPE_F32, (int)rank, dims);
  c->view[c->n] = n;
  c->v[c->n++] = n->out[0];
  return n;
}

static void finish(chain *c) {
  c->g->outputs = IG_NEW_ARRAY(&c->ir->arena, ig_val *, 1);
  c->g->output_names = IG_NEW_ARRAY(&c->ir->arena, const char *, 1);
  c->g->outputs[0] = c->v[c->n - 1];
  c->g->output_names[0] = "y";
  c->g->n_outputs = 1;
}

/* ---- naive evaluation: for each value, which element of x each of its elements is ---- */

typedef struct numbers { int64_t of[8192]; } numbers;   /* of every expression */

static uint32_t extents(const numbers *d, const ig_val *v, int64_t *out) {
  int64_t n = 1;
  for (int k = 0; k < v->rank; k++) n *= out[k] = d->of[v->dims[k]];
  assert_true(n >= 0 && n <= MAX_ELEMENTS);
  return (uint32_t)n;
}

static int64_t source_index(const numbers *d, const ig_node *n, const ig_val *x, const int64_t *xd, const int64_t *at, int rank, int64_t linear) {
  int64_t from[IG_MAX_RANK], index = 0;
  if (n->view.op == IG_VIEW_RESHAPE) return linear;
  for (int k = 0; k < x->rank; k++) from[k] = 0;
  for (int k = 0; k < rank; k++) {
    const int i = k - (rank - x->rank);
    if (n->view.op == IG_VIEW_PERMUTE) from[n->view.perm[k]] = at[k];
    if (n->view.op == IG_VIEW_SLICE) from[k] = d->of[n->view.start[k]] + at[k] * n->view.step[k];
    if (n->view.op == IG_VIEW_EXPAND && i >= 0) from[i] = xd[i] == 1 ? 0 : at[k];
  }
  for (int k = 0; k < x->rank; k++) {
    assert_true(from[k] >= 0 && from[k] < xd[k]);
    index = index * xd[k] + from[k];
  }
  return index;
}

static void evaluate_view(const numbers *d, const ig_node *n, const ig_val *x, const ig_val *y, const int64_t *in, int64_t *out) {
  int64_t xd[IG_MAX_RANK], yd[IG_MAX_RANK], at[IG_MAX_RANK];
  extents(d, x, xd);
  const uint32_t count = extents(d, y, yd);
  for (int64_t i = 0; i < count; i++) {
    int64_t rest = i;
    for (int k = y->rank; k-- > 0; rest /= yd[k]) at[k] = rest % yd[k];
    out[i] = in[source_index(d, n, x, xd, at, y->rank, i)];
  }
}

/* The same by the layouts: a root is x itself or a compact copy. */
static void evaluate_layout(const numbers *d, const ig_layouts *ls, const ig_val *v, int64_t *out) {
  static int64_t stack[MAX_VALUES][MAX_ELEMENTS];
  static int depth;
  const ig_layout *l = &ls->at[v->id];
  int64_t dims[IG_MAX_RANK], root_dims[IG_MAX_RANK];
  const uint32_t n = extents(d, v, dims), n_root = extents(d, l->root, root_dims);
  int64_t *const root = stack[depth++];
  if (!l->root->producer) for (uint32_t i = 0; i < n_root; i++) root[i] = i;
  else {
    assert_int_equal(l->root->producer->form, IG_FORM_KERNEL);
    evaluate_layout(d, ls, ig_node_in(l->root->producer, 0), root);
  }
  for (int64_t i = 0; i < n; i++) {
    int64_t rest = i, at = d->of[l->offset];
    for (int k = v->rank; k-- > 0; rest /= dims[k]) at += rest % dims[k] * d->of[l->strides[k]];
    assert_true(at >= 0 && at < n_root);
    out[i] = root[at];
  }
  depth--;
}

static void check_chain(const chain *c, const ig_layouts *ls, const int64_t *symbols, size_t n_symbols) {
  static numbers d;
  static int64_t naive[MAX_VALUES][MAX_ELEMENTS], mine[MAX_ELEMENTS];
  assert_true(c->ir->dims.nodes.n <= IG_COUNT(d.of));
  check_ok(ig_dims_eval(c->ir->dims.nodes.data, c->ir->dims.nodes.n, symbols, n_symbols, d.of));
  int64_t dims[IG_MAX_RANK];
  for (uint32_t i = extents(&d, c->v[0], dims); i-- > 0;) naive[0][i] = i;
  for (uint32_t k = 1; k < c->n; k++) {
    const ig_val *v = k + 1 == c->n ? ig_graph_output(c->g, 0) : c->v[k];   /* the last one is read, so it has strides */
    evaluate_view(&d, c->view[k], c->v[k - 1], c->v[k], naive[k - 1], naive[k]);
    if (k + 1 < c->n && !ls->at[v->id].strided) continue;
    evaluate_layout(&d, ls, v, mine);
    assert_memory_equal(mine, naive[k], extents(&d, c->v[k], dims) * sizeof *mine);
  }
}

/* ---- random chains ---- */

static void random_permute(chain *c, const ig_val *x) {
  uint8_t perm[IG_MAX_RANK];
  ig_dim dims[IG_MAX_RANK];
  for (int k = 0; k < x->rank; k++) perm[k] = (uint8_t)k;
  for (int k = x->rank - 1; k > 0; k--) {
    const uint32_t j = below((uint32_t)k + 1);
    const uint8_t t = perm[k];
    perm[k] = perm[j], perm[j] = t;
  }
  for (int k = 0; k < x->rank; k++) dims[k] = x->dims[perm[k]];
  memcpy(add_view(c, IG_VIEW_PERMUTE, (uint32_t)x->rank, dims)->view.perm, perm, sizeof perm);
}

static void random_slice(chain *c, const ig_val *x) {
  ig_dims *t = &c->ir->dims;
  ig_dim dims[IG_MAX_RANK], start[IG_MAX_RANK];
  int64_t step[IG_MAX_RANK];
  for (int k = 0; k < x->rank; k++) {
    int64_t n;
    step[k] = below(2) ? 1 : -1;
    dims[k] = x->dims[k];
    start[k] = step[k] > 0 ? ig_dim_const(t, 0) : ig_dim_add_c(t, x->dims[k], -1);
    if (!ig_dim_is_const(t, x->dims[k], &n) || n == 0 || below(2)) continue;
    const int64_t first = below((uint32_t)n);
    step[k] *= 1 + below(3);
    start[k] = ig_dim_const(t, first);
    dims[k] = ig_dim_const(t, 1 + (step[k] > 0 ? (n - 1 - first) / step[k] : first / -step[k]));
  }
  ig_node *n = add_view(c, IG_VIEW_SLICE, (uint32_t)x->rank, dims);
  memcpy(n->view.start, start, sizeof start);
  memcpy(n->view.step, step, sizeof step);
}

static void random_expand(chain *c, const ig_val *x) {
  ig_dims *t = &c->ir->dims;
  ig_dim dims[IG_MAX_RANK];
  const int more = x->rank < 5 ? (int)below(2) : 0;
  for (int k = 0; k < x->rank + more; k++) {
    const bool ones = k < more || ig_dim_equals(t, x->dims[k - more], 1);
    dims[k] = ones ? ig_dim_const(t, 1 + below(3)) : x->dims[k - more];
  }
  add_view(c, IG_VIEW_EXPAND, (uint32_t)(x->rank + more), dims);
}

/* Merges two neighbours, splits a constant axis, or adds or drops an axis of extent 1. */
static void random_reshape(chain *c, const ig_val *x) {
  ig_dims *t = &c->ir->dims;
  ig_dim dims[IG_MAX_RANK];
  uint32_t n = 0;
  const uint32_t what = below(3), axis = x->rank ? below((uint32_t)x->rank) : 0;
  for (uint32_t k = 0; k < (uint32_t)x->rank; k++) {
    int64_t e;
    const bool even = ig_dim_is_const(t, x->dims[k], &e) && e >= 2 && e % 2 == 0;
    if (what == 0 && k == axis && k + 1 < (uint32_t)x->rank) dims[n++] = ig_dim_mul(t, x->dims[k], x->dims[k + 1]), k++;
    else if (what == 1 && k == axis && even && x->rank < 6) dims[n++] = ig_dim_const(t, 2), dims[n++] = ig_dim_const(t, e / 2);
    else if (what == 2 && k == axis && x->rank < 6) dims[n++] = ig_dim_const(t, 1), dims[n++] = x->dims[k];
    else dims[n++] = x->dims[k];
  }
  add_view(c, IG_VIEW_RESHAPE, n, dims);
}

static void random_chain(uint32_t n_symbols, size_t *n_copies, size_t *n_views) {
  static void (*const makers[])(chain *, const ig_val *) = { random_permute, random_slice, random_expand, random_reshape };
  chain c = new_chain();
  ig_dims *t = &c.ir->dims;
  ig_dim dims[IG_MAX_RANK];
  const uint32_t rank = 1 + below(4);
  for (uint32_t k = 0; k < rank; k++) {
    const int64_t e = below(5) ? 1 + below(4) : 1;
    dims[k] = k < n_symbols ? ig_dims_symbol(t, "n", IG_SYMBOL_INPUT, 0, k, 1, IG_DIM_UNBOUNDED) : ig_dim_const(t, e);
  }
  add_input(&c, rank, dims);
  for (uint32_t k = 1 + below(6); k > 0; k--) makers[below(IG_COUNT(makers))](&c, c.v[c.n - 1]);
  finish(&c);
  check_ok(ig_dims_take_error(t));
  ig_layouts ls;
  check_ok(ig_layouts_resolve(c.ir, &ls));
  for (int64_t p = 1; p < 4; p++) {
    const int64_t symbols[MAX_SYMBOLS] = { p, 4 - p, 2 };
    check_chain(&c, &ls, symbols, t->symbols.n);
  }
  *n_views += c.n - 1;
  *n_copies += c.g->n_nodes - (c.n - 1);
  free_chain(&c);
}

static void test_random_constant(void **state) {
  (void)state;
  size_t copies = 0, views = 0;
  for (int i = 0; i < 3000; i++) random_chain(0, &copies, &views);
  assert_true(copies > 50 && copies < views / 5);   /* some reshapes need a copy, most views do not */
}

static void test_random_symbolic(void **state) {
  (void)state;
  size_t copies = 0, views = 0;
  for (int i = 0; i < 3000; i++) random_chain(1 + below(MAX_SYMBOLS), &copies, &views);
  assert_true(copies > 50 && copies < views / 5);
}

/* ---- known chains ---- */

static void test_known(void **state) {
  (void)state;
  chain c = new_chain();
  ig_dims *t = &c.ir->dims;
  const ig_dim batch = ig_dims_symbol(t, "batch", IG_SYMBOL_INPUT, 0, 0, 1, IG_DIM_UNBOUNDED);
  /* Heads of attention: [batch, 12] -> [batch, 3, 4] -> [3, batch, 4] needs no copy; joined to [3, batch * 4] it has no strides, taken apart it has. */
  const ig_dim x[] = { batch, ig_dim_const(t, 12) }, heads[] = { batch, ig_dim_const(t, 3), ig_dim_const(t, 4) }, moved[] = { heads[1], batch, heads[2] },
               joined[] = { heads[1], ig_dim_mul_c(t, batch, 4) };
  add_input(&c, 2, x);
  add_view(&c, IG_VIEW_RESHAPE, 3, heads);
  ig_node *p = add_view(&c, IG_VIEW_PERMUTE, 3, moved);
  p->view.perm[0] = 1, p->view.perm[1] = 0, p->view.perm[2] = 2;
  add_view(&c, IG_VIEW_RESHAPE, 2, joined);
  add_view(&c, IG_VIEW_RESHAPE, 3, moved);
  add_view(&c, IG_VIEW_RESHAPE, 2, joined);
  finish(&c);
  ig_layouts ls;
  check_ok(ig_layouts_resolve(c.ir, &ls));
  assert_int_equal(c.g->n_nodes, 5 + 3);   /* parts as axes, the move, and back */
  for (int i = 2; i < 5; i += 2) {
    const ig_layout *l = &ls.at[c.v[i]->id];
    assert_ptr_equal(l->root, c.v[0]);
    assert_true(l->strided && ig_dim_equals(t, l->strides[0], 4) && ig_dim_equals(t, l->strides[1], 12) && ig_dim_equals(t, l->strides[2], 1));
    assert_false(ls.at[c.v[i + 1]->id].strided);
  }
  const ig_val *y = ig_graph_output(c.g, 0);
  assert_ptr_not_equal(ls.at[y->id].root, c.v[0]);
  bool whole;
  check_ok(ig_layout_is_compact(c.ir, &ls, y, &whole));
  assert_true(whole);
  check_ok(ig_layout_is_compact(c.ir, &ls, c.v[1], &whole));
  assert_true(whole);
  check_ok(ig_layout_is_compact(c.ir, &ls, c.v[2], &whole));
  assert_false(whole);
  free_chain(&c);
}

/* ---- a kernel's result in the order that its readers want ---- */

static ig_val *negated(chain *c, ig_val *x) {
  const ig_node src = { .name = "negate" };
  ig_lower lo = { .ir = c->ir, .graph = c->g, .src = &src };
  ig_sprog p;
  ig_sbuild b;
  ig_sbuild_init(&b, &c->ir->arena);
  ig_s_store(&b, 0, ig_s_op(&b, IG_SOP_NEG, ig_s_load(&b, 0, IG_DTYPE_F32), 0, 0), 0);
  check_ok(ig_sbuild_finish(&b, &p));
  ig_val *y = ig_lo_map(&lo, &x, 1, &p, IG_DTYPE_F32, (uint32_t)x->rank, x->dims);
  assert_non_null(y);
  return y;
}

static void test_order(void **state) {
  (void)state;
  chain c = new_chain();
  ig_dims *t = &c.ir->dims;
  const ig_dim n = ig_dims_symbol(t, "n", IG_SYMBOL_INPUT, 0, 0, 1, IG_DIM_UNBOUNDED), four = ig_dim_const(t, 4), five = ig_dim_const(t, 5);
  const ig_dim x[] = { four, n, five }, moved[] = { n, four, five }, joined[] = { n, ig_dim_const(t, 20) };
  add_input(&c, 3, x);
  ig_val *y = c.v[c.n++] = negated(&c, c.v[0]);
  add_view(&c, IG_VIEW_PERMUTE, 3, moved)->view.perm[0] = 1;
  c.view[2]->view.perm[2] = 2;
  add_view(&c, IG_VIEW_RESHAPE, 2, joined);
  c.v[c.n++] = negated(&c, c.v[3]);
  finish(&c);
  ig_layouts ls;
  check_ok(ig_layouts_resolve(c.ir, &ls));
  assert_int_equal(c.g->n_nodes, 4);   /* no move */
  const ig_layout *l = &ls.at[y->id];
  assert_true(ig_dim_equals(t, l->strides[0], 5) && ig_dim_equals(t, l->strides[1], 20) && ig_dim_equals(t, l->strides[2], 1));
  bool whole;
  check_ok(ig_layout_is_compact(c.ir, &ls, c.v[3], &whole));
  assert_true(whole);
  free_chain(&c);
}

/* An operand that is broadcast has zero strides, which must not turn the order of what is computed from it. */
static void test_broadcast_order(void **state) {
  (void)state;
  chain c = new_chain();
  ig_dims *t = &c.ir->dims;
  const ig_dim n = ig_dims_symbol(t, "n", IG_SYMBOL_INPUT, 0, 0, 1, IG_DIM_UNBOUNDED), five = ig_dim_const(t, 5), all[] = { n, ig_dim_const(t, 4), five };
  add_input(&c, 1, &five);
  add_view(&c, IG_VIEW_EXPAND, 3, all);
  c.v[c.n++] = negated(&c, c.v[1]);
  c.v[c.n++] = negated(&c, c.v[2]);
  finish(&c);
  ig_layouts ls;
  check_ok(ig_layouts_resolve(c.ir, &ls));
  bool whole;
  check_ok(ig_layout_is_compact(c.ir, &ls, c.v[2], &whole));
  assert_true(whole);
  free_chain(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_known), cmocka_unit_test(test_order), cmocka_unit_test(test_broadcast_order), cmocka_unit_test(test_random_constant), cmocka_unit_test(test_random_symbolic) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
