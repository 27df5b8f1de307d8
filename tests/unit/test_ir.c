/* The graph: names, values, constants, nodes, forwarding, uses, attributes, events, cloning, and the failure of every allocation.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ir_util.h"

typedef struct fixture {
  ig_env *env;
  ig_ir *ir;
  ig_graph *g;
} fixture;

static fixture make(void) {
  fixture f = {.env = new_env()};
  check_ok(ig_ir_create(f.env, 0, &f.ir));
  f.g = ig_graph_new(f.ir, NULL, "main");
  assert_ptr_equal(f.ir->main, f.g);
  return f;
}

static void drop(fixture *f) {
  ig_ir_destroy(f->ir);
  ig_env_release(f->env);
}

static void names_are_unique(void **state) {
  (void)state;
  fixture f = make();
  ig_val *a = ig_val_new(f.g, "x"), *b = ig_val_new(f.g, "x"), *c = ig_val_new(f.g, NULL), *d = ig_val_new(f.g, "");
  assert_string_equal(a->name, "x");
  assert_string_not_equal(b->name, "x");
  assert_string_not_equal(c->name, d->name);
  assert_int_equal(a->rank, -1);
  assert_int_equal(a->dtype, IG_DTYPE_NONE);
  assert_true(ig_val_rename(c, "y"));
  assert_string_equal(c->name, "y");
  assert_ptr_equal(ig_strmap_get(&f.ir->names, "y"), c);
  assert_true(ig_val_rename(d, "y"));
  assert_string_not_equal(d->name, "y");
  assert_true(ig_val_swap_names(a, c));
  assert_string_equal(a->name, "y");
  assert_ptr_equal(ig_strmap_get(&f.ir->names, "x"), c);
  drop(&f);
}

static void constants_have_elements(void **state) {
  (void)state;
  fixture f = make();
  static const int64_t v[3] = {4, -1, 7};
  const ig_val *c = ig_val_const_i64(f.g, v, 3);
  int64_t x;
  assert_true(ig_val_is_const(c));
  assert_int_equal(c->dtype, IG_DTYPE_I64);
  assert_int_equal(c->rank, 1);
  assert_int_equal(c->n_elems, 3);
  assert_true(ig_dim_equals(&f.ir->dims, c->elems[1], -1));
  assert_ptr_not_equal(c->data->bytes, v);
  assert_true(ig_data_int(c->data, 2, &x));
  assert_int_equal(x, 7);
  static const float w[2] = {1, 2};
  const int64_t dims[2] = {2, 1};
  const ig_val *fl = ig_val_const_bytes(f.g, "w", IG_DTYPE_F32, 2, dims, w);
  assert_null(fl->elems);
  assert_int_equal(fl->data->n_bytes, 8);
  assert_true(ig_dim_equals(&f.ir->dims, fl->dims[0], 2));
  const uint64_t big[1] = {UINT64_MAX};
  const int64_t one[1] = {1};
  const ig_val *u = ig_val_const_bytes(f.g, NULL, IG_DTYPE_U64, 1, one, big);
  assert_non_null(u);
  assert_true(!u->elems || u->elems[0] == IG_DIM_BAD);
  const int64_t negative[1] = {-1}, huge[2] = {INT64_MAX, 4};
  assert_null(ig_val_const_bytes(f.g, NULL, IG_DTYPE_F32, 1, negative, w));
  assert_null(ig_val_const_bytes(f.g, NULL, IG_DTYPE_F32, 2, huge, w));
  drop(&f);
}

static void nodes_form_a_list(void **state) {
  (void)state;
  fixture f = make();
  ig_val *x = ig_val_new(f.g, "x"), *in[2] = {x, NULL};
  ig_node *a = ig_node_new(f.g, NULL, "a", IG_FORM_OP, in, 2, 1), *c = ig_node_new(f.g, NULL, NULL, IG_FORM_OP, a->out, 1, 2);
  ig_node *b = ig_node_new(f.g, c, "b", IG_FORM_OP, a->out, 1, 1);
  assert_ptr_equal(f.g->first, a);
  assert_ptr_equal(a->next, b);
  assert_ptr_equal(c->prev, b);
  assert_ptr_equal(f.g->last, c);
  assert_string_equal(c->name, c->out[0]->name);
  assert_int_equal(f.g->n_nodes, 3);
  assert_ptr_equal(b->out[0]->producer, b);
  assert_int_equal(c->out[1]->index, 1);
  assert_null(ig_node_in(a, 1));
  assert_null(ig_node_in(a, 2));
  ig_node_remove(b);
  assert_ptr_equal(a->next, c);
  assert_int_equal(f.g->n_nodes, 2);
  ig_node_remove(a);
  assert_ptr_equal(f.g->first, c);
  ig_graph *sub = ig_graph_new(f.ir, f.g, "sub");
  ig_node_move(c, sub, NULL);
  assert_null(f.g->first);
  assert_null(f.g->last);
  assert_ptr_equal(sub->first, c);
  assert_ptr_equal(c->out[0]->graph, sub);
  drop(&f);
}

static void uses_follow_forwards(void **state) {
  (void)state;
  fixture f = make();
  ig_val *x = ig_val_new(f.g, "x"), *y = ig_val_new(f.g, "y"), *z = ig_val_new(f.g, "z"), *in[3] = {x, y, x};
  ig_node *n = ig_node_new(f.g, NULL, "n", IG_FORM_OP, in, 3, 1);
  ig_graph *sub = ig_graph_new(f.ir, f.g, "sub");
  ig_node_new(sub, NULL, "inner", IG_FORM_OP, &y, 1, 1);
  const ig_ir_attr a = {.name = "body", .type = IG_ATTR_GRAPH, .v.graph = sub};
  check_ok(ig_node_set_attr(n, &a));
  ig_val *outputs[1] = {n->out[0]};
  f.g->outputs = outputs;
  f.g->n_outputs = 1;
  y->forward = z;
  z->forward = x;
  assert_ptr_equal(ig_node_in(n, 1), x);
  assert_ptr_equal(ig_node_subgraph(n, 0), sub);
  assert_null(ig_node_subgraph(n, 1));
  uint32_t uses[16] = {99, 99, 99};
  ig_graph_count_uses(f.g, uses);
  assert_int_equal(uses[x->id], 4);
  assert_int_equal(uses[y->id], 0);
  assert_int_equal(uses[z->id], 0);
  assert_int_equal(uses[n->out[0]->id], 1);
  drop(&f);
}

static void attributes(void **state) {
  (void)state;
  fixture f = make();
  ig_node *n = ig_node_new(f.g, NULL, "n", IG_FORM_OP, NULL, 0, 1);
  static const int64_t ints[2] = {3, 4};
  char name[8] = "axis";
  const ig_ir_attr list[] = {{.name = name, .type = IG_ATTR_INT, .v.i = 2},
                             {.name = "alpha", .type = IG_ATTR_FLOAT, .v.f = 0.5f},
                             {.name = "mode", .type = IG_ATTR_STRING, .n = 3, .v.s = "max"},
                             {.name = "pads", .type = IG_ATTR_INTS, .n = 2, .v.ints = ints}};
  for (size_t i = 0; i < IG_COUNT(list); i++)
    check_ok(ig_node_set_attr(n, &list[i]));
  name[0] = 'z'; /* the name was copied */
  uint32_t n_ints;
  assert_int_equal(ig_node_attr_i(n, "axis", 9), 2);
  assert_int_equal(ig_node_attr_i(n, "other", 9), 9);
  assert_int_equal(ig_node_attr_i(n, "alpha", 9), 9); /* another type */
  assert_true(ig_node_attr_f(n, "alpha", 0) == 0.5f);
  assert_string_equal(ig_node_attr_s(n, "mode", ""), "max");
  assert_ptr_equal(ig_node_attr_ints(n, "pads", &n_ints), ints);
  assert_int_equal(n_ints, 2);
  assert_null(ig_node_attr_ints(n, "axis", &n_ints));
  assert_int_equal(n_ints, 0);
  const ig_ir_attr again = {.name = "axis", .type = IG_ATTR_INT, .v.i = 5};
  check_ok(ig_node_set_attr(n, &again));
  assert_int_equal(ig_node_attr_i(n, "axis", 9), 5);
  assert_int_equal(n->n_attrs, 4);
  drop(&f);
}

static void near_misses_are_told_once(void **state) {
  (void)state;
  fixture f = make();
  ig_node *n = ig_node_new(f.g, NULL, "n", IG_FORM_OP, NULL, 0, 1);
  check_ok(ig_ir_event(f.ir, "cse", n, true, "too %s", "late"));
  check_ok(ig_ir_event(f.ir, "cse", n, true, "too %s", "late"));
  check_ok(ig_ir_event(f.ir, "cse", n, false, "done"));
  check_ok(ig_ir_event(f.ir, "cse", n, false, "done"));
  assert_int_equal(f.ir->events.n, 3);
  assert_string_equal(f.ir->events.data[0].text, "too late");
  assert_true(f.ir->events.data[0].near_miss);
  assert_string_equal(f.ir->events.data[2].node, "n");
  drop(&f);
}

static const char *const model = "model imported opset \"\"=17 {\n"
                                 "  symbol \"n\" input 0 0 1..8 opt 4\n"
                                 "  guard eq [n*2,6] \"r\" \"dims\"\n"
                                 "  input %c : bool[]\n"
                                 "  input %x : f32[n,2]\n"
                                 "  const %w : f32[2] = {1, 2}\n"
                                 "  %a = Add(%x, %w) : f32[n,2]\n"
                                 "  %y = If(%c) {then_branch=graph \"t\" {\n"
                                 "    %t = Neg(%a) : f32[n,2]\n"
                                 "    output %t\n"
                                 "  }, else_branch=graph \"e\" {\n"
                                 "    %d = Exp(%a) : f32[n,2]\n"
                                 "    %e = Abs(%d) : f32[n,2]\n"
                                 "    output %e\n"
                                 "  }} : f32[n,2]\n"
                                 "  output %y as \"result\"\n"
                                 "}\n";

static void clones_are_equal(void **state) {
  (void)state;
  ig_env *env = new_env();
  ig_ir *ir = parse(env, model), *copy;
  const ig_opt_options opt = {.pass_limit = -1, .evaluate = evaluate};
  for (int stage = 0; stage < 3; stage++) {
    if (stage == 1) check_ok(ig_opt_canonical(ir, &opt));
    if (stage == 2) check_ok(ig_opt_lower(ir, &opt));
    check_ok(ig_ir_clone(ir, &copy));
    check_ok(ig_ir_verify(copy));
    char *a = text_of(ir, true), *b = text_of(copy, true);
    assert_string_equal(a, b);
    free(a);
    free(b);
    assert_int_equal(copy->events.n, ir->events.n);
    /* The table of dims works on: equal expressions are the same dim in both. */
    const ig_val *x = ir->main->inputs[1], *cx = copy->main->inputs[1];
    assert_int_equal(x->dims[0], cx->dims[0]);
    assert_int_equal(ig_dim_mul_c(&ir->dims, x->dims[0], 21), ig_dim_mul_c(&copy->dims, cx->dims[0], 21));
    ig_ir_destroy(copy);
  }
  ig_ir_destroy(ir);
  ig_env_release(env);
}

static void limits_are_statuses(void **state) {
  (void)state;
  ig_env *env = new_env();
  ig_ir *ir;
  check_ok(ig_ir_create(env, 20000, &ir));
  ig_graph *g = ig_graph_new(ir, NULL, "g");
  while (g && ig_val_new(g, NULL))
    continue;
  check_fails(ig_arena_status(&ir->arena), IG_ERROR_LIMIT, "20000");
  ig_ir_destroy(ir);
  ig_env_release(env);
}

/* ---- allocation failures ---- */
typedef struct failing {
  size_t left, n_live;
} failing;

static void *fail_realloc(void *self, void *old, size_t old_size, size_t size) {
  failing *f = self;
  if (size == 0) {
    f->n_live -= old != NULL;
    free(old);
    return NULL;
  }
  IG_UNUSED(old_size);
  if (f->left == 0) return NULL;
  f->left--;
  void *p = realloc(old, size);
  f->n_live += !old && p;
  return p;
}

static ig_status whole_path(ig_env *env) {
  const ig_opt_options opt = {.pass_limit = -1};
  ig_ir *ir, *copy = NULL;
  IG_TRY(ig_ir_parse(env, model, strlen(model), &ir));
  ig_status st = ig_opt_canonical(ir, &opt);
  if (!st) st = ig_opt_lower(ir, &opt);
  if (!st) st = ig_ir_clone(ir, &copy);
  if (!st) st = ig_ir_verify(copy);
  if (!st) {
    ig_buf b;
    ig_buf_init(&b, &env->alloc);
    ig_ir_print(copy, true, &b);
    if (b.failed) st = IG_OOM();
    ig_buf_free(&b);
  }
  ig_ir_destroy(copy);
  ig_ir_destroy(ir);
  return st;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  for (size_t n = 0;; n++) {
    failing f = {.left = n};
    const ig_env_options options = {.struct_size = sizeof options, .allocator = {&f, fail_realloc}};
    ig_env *env;
    ig_status st = ig_env_create(&options, &env);
    if (!st) {
      st = whole_path(env);
      ig_env_release(env);
    }
    assert_int_equal(f.n_live, 0);
    if (!st) {
      assert_true(n > 20);
      return;
    }
    if (ig_status_code(st) != IG_ERROR_OUT_OF_MEMORY) print_error("allocation %zu: %s\n", n, ig_status_message(st));
    assert_int_equal(ig_status_code(st), IG_ERROR_OUT_OF_MEMORY);
    ig_status_free(st);
    assert_true(n < 100000);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_unique),
      cmocka_unit_test(constants_have_elements),
      cmocka_unit_test(nodes_form_a_list),
      cmocka_unit_test(uses_follow_forwards),
      cmocka_unit_test(attributes),
      cmocka_unit_test(near_misses_are_told_once),
      cmocka_unit_test(clones_are_equal),
      cmocka_unit_test(limits_are_statuses),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
