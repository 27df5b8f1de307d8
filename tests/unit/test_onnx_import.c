/* The importer: graphs, names, symbols, functions, order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx_import_util.h"

static void test_plain(void **state) {
  (void)state;
  ig_buf g = make();
  ig_buf n = node("Softmax", "x", "y");
  put_text(&n, 3, "soft");
  put(&n, 5, attr_int("axis", -1));
  put(&g, 1, n);
  put_text(&g, 2, "the graph");
  put(&g, 11, value_info("x", 1, "3,n,?,-1"));
  put(&g, 11, value_info("z", 7, "n"));
  put(&g, 12, name_only("y"));
  ig_buf b = model(g);
  ig_buf prop = make();
  put_text(&prop, 1, "author");
  put_text(&prop, 2, "me");
  put(&b, 14, prop);
  imported m = good(b);
  const ig_graph *main = m.ir->main;
  assert_int_equal(m.ir->stage, IG_STAGE_IMPORTED);
  assert_string_equal(main->name, "the graph");
  assert_int_equal(main->n_inputs, 2);
  assert_int_equal(main->n_outputs, 1);
  assert_string_equal(main->output_names[0], "y");
  const ig_node *soft = main->first;
  assert_string_equal(soft->name, "soft");
  assert_ptr_equal(soft->op, ig_op_find("", "Softmax"));
  assert_int_equal(soft->opset, 17);
  assert_int_equal(ig_node_attr_i(soft, "axis", 9), -1);
  assert_ptr_equal(soft->in[0], main->inputs[0]);
  assert_ptr_equal(soft->out[0], main->outputs[0]);
  assert_string_equal(m.ir->props[0].key, "author");
  assert_string_equal(m.ir->props[0].value, "me");
  /* One symbol per name; missing and -1 get fresh ones. */
  const ig_val *x = main->inputs[0];
  assert_int_equal(x->rank, 4);
  assert_int_equal(x->dims[0], ig_dim_const(&m.ir->dims, 3));
  assert_int_equal(x->dims[1], main->inputs[1]->dims[0]);
  assert_int_not_equal(x->dims[2], x->dims[3]);
  assert_int_equal(m.ir->dims.symbols.n, 3);
  assert_string_equal(m.ir->dims.symbols.data[0].name, "n");
  assert_string_equal(m.ir->dims.symbols.data[1].name, "x_dim2");
  assert_string_equal(m.ir->dims.symbols.data[2].name, "x_dim3");
  assert_int_equal(m.ir->dims.symbols.data[2].axis, 3);
  drop(&m);
}

static ig_buf weight(const char *name) {
  static const float w[2] = { 1, 2 };
  ig_buf b = tensor_head(name, 1, "2");
  ig_wire_put_bytes(&b, 9, w, sizeof w);
  return b;
}

static void test_constants(void **state) {
  (void)state;
  /* An initialiser among the inputs is a constant, and inputs are counted without it. */
  ig_buf g = make();
  put(&g, 1, node("Add", "x,w", "a"));
  put(&g, 1, node("Add", "a,s", "y"));
  put(&g, 5, weight("w"));
  put(&g, 11, value_info("w", 1, "2"));
  put(&g, 11, value_info("x", 1, "k"));
  put(&g, 12, name_only("y"));
  ig_buf indices = tensor_head("", 7, "1"), values = tensor_head("s", 1, "1"), sparse = make();
  ig_wire_put_int(&indices, 7, 1);
  ig_wire_put_bytes(&values, 9, "\x00\x00\x40\x40", 4);
  put(&sparse, 1, values);
  put(&sparse, 2, indices);
  ig_wire_put_int(&sparse, 3, 2);
  put(&g, 15, sparse);
  imported m = good(model(g));
  assert_int_equal(m.ir->main->n_inputs, 1);
  assert_int_equal(m.ir->dims.symbols.data[0].io, 0);
  const ig_val *w = m.ir->main->first->in[1], *s = m.ir->main->last->in[1];
  assert_true(ig_val_is_const(w) && ig_val_is_const(s));
  assert_true(((const float *)w->data->bytes)[1] == 2);
  assert_true(((const float *)s->data->bytes)[0] == 0 && ((const float *)s->data->bytes)[1] == 3);
  drop(&m);
}

/* Raw data that lies aligned stays in the input; other is copied to an aligned place. */
static void test_zero_copy(void **state) {
  (void)state;
  int n_inside = 0, n_copied = 0;
  for (int pad = 0; pad < 4; pad++) {
    ig_buf g = make(), b = make();
    char name[8] = "aaa";
    name[pad] = 0;
    ig_wire_put_bytes(&b, 6, name, (size_t)pad); /* doc_string: moves what follows */
    put(&g, 5, weight("w"));
    put(&g, 1, node("Abs", "w", "y"));
    put(&g, 12, name_only("y"));
    ig_buf whole = model(g);
    ig_buf_bytes(&b, whole.data, whole.n);
    ig_buf_free(&whole);
    imported m = good(b);
    const char *p = m.ir->main->first->in[0]->data->bytes;
    if (p >= m.bytes.data && p < m.bytes.data + m.bytes.n) n_inside++;
    else n_copied++;
    assert_int_equal((uintptr_t)p % 4, 0);
    assert_true(((const float *)(const void *)p)[1] == 2);
    drop(&m);
  }
  assert_int_equal(n_inside, 1);
  assert_int_equal(n_copied, 3);
}

static void test_order(void **state) {
  (void)state;
  ig_buf g = make();
  put(&g, 1, node("Abs", "b", "y"));
  put(&g, 1, node("Neg", "a", "b"));
  put(&g, 1, node("Exp", "x", "a"));
  put(&g, 11, value_info("x", 1, "2"));
  put(&g, 12, name_only("y"));
  imported m = good(model(g));
  assert_string_equal(m.ir->main->first->type, "Exp");
  assert_string_equal(m.ir->main->first->next->type, "Neg");
  assert_string_equal(m.ir->main->last->type, "Abs");
  drop(&m);
}

static void test_subgraphs(void **state) {
  (void)state;
  /* What an arm captures is an operand: the node that makes it comes first. */
  imported m = good(model(if_graph("x", "late")));
  assert_string_equal(m.ir->main->first->type, "Neg");
  const ig_node *n = m.ir->main->last;
  const ig_graph *then_arm = ig_node_subgraph(n, 0), *else_arm = ig_node_subgraph(n, 1);
  assert_ptr_equal(then_arm->parent, m.ir->main);
  assert_ptr_equal(then_arm->first->in[0], m.ir->main->inputs[1]);
  assert_ptr_equal(else_arm->first->in[0], m.ir->main->first->out[0]);
  /* Both arms call their result t; values have names of their own. */
  assert_string_not_equal(then_arm->outputs[0]->name, else_arm->outputs[0]->name);
  assert_string_equal(else_arm->output_names[0], "t");
  drop(&m);
  expect(model(if_graph("x", "y")), IG_ERROR_BAD_MODEL, "cycle");
  expect(model(if_graph("x", "nowhere")), IG_ERROR_BAD_MODEL, "node 't' (Abs): input 'nowhere'");
}

static void test_bad_graphs(void **state) {
  (void)state;
  expect(model(two_nodes(node("Add", "x,b", "a"), node("Abs", "a", "b"))), IG_ERROR_BAD_MODEL, "(a cycle)");
  expect(model(two_nodes(node("Abs", "x", "y"), node("Neg", "x", "y"))), IG_ERROR_BAD_MODEL, "node 'y' (Neg): two results have the name 'y'");
  expect(model(two_nodes(node("Abs", "x", "a"), node("Neg", "q", "y"))), IG_ERROR_BAD_MODEL, "node 'y' (Neg): input 'q' is defined by no node");
  expect(model(two_nodes(node("Abs", "x", "a"), node("Neg", "a", "b"))), IG_ERROR_BAD_MODEL, "output 'y' is defined by no node");
  expect(model(two_nodes(node("Abs", "x", "a"), node("", "a", "y"))), IG_ERROR_BAD_MODEL, "node 'y' has no operator");
  expect(model(two_nodes(node("Abs", "x", "a"), node("Abs", "a,", "y\xff"))), IG_ERROR_BAD_MODEL, "UTF-8");
  ig_buf g = chain(1);
  put(&g, 11, value_info("x", 1, "2"));
  expect(model(g), IG_ERROR_BAD_MODEL, "input 'x' is given twice");
  g = chain(1);
  put(&g, 11, value_info("r", 1, NULL));
  expect(model(g), IG_ERROR_UNSUPPORTED, "input 'r' has no shape");
  g = chain(1);
  put(&g, 11, value_info("r", 1, "-2"));
  expect(model(g), IG_ERROR_BAD_MODEL, "input 'r': dim 0 is -2");
  ig_buf n = node("Softmax", "x", "y");
  put(&n, 5, attr_int("axis", 0));
  put(&n, 5, attr_int("axis", 1));
  expect(model(two_nodes(node("Abs", "x", "a"), n)), IG_ERROR_BAD_MODEL, "node 'y' (Softmax): attribute 'axis' is given twice");
  n = node("Softmax", "x", "y");
  put(&n, 5, attr_ref("axis", "a", 2));
  expect(model(two_nodes(node("Abs", "x", "a"), n)), IG_ERROR_BAD_MODEL, "lies in none");
}

static void test_opsets(void **state) {
  (void)state;
  for (int64_t v = 7; v <= 29; v++) {
    ig_buf b = make();
    ig_wire_put_int(&b, 1, 8);
    put(&b, 7, chain(1));
    put(&b, 8, opset("ai.onnx", v));
    if (v > 28) expect(b, IG_ERROR_UNSUPPORTED, "version 29 of operator set ai.onnx is not supported");
    else expect(b, IG_OK, NULL);
  }
  ig_buf b = make();
  ig_wire_put_int(&b, 1, 8);
  put(&b, 7, chain(1));
  put(&b, 8, opset("com.example", 1));
  expect(b, IG_ERROR_BAD_MODEL, "imports no operator set of ai.onnx");
  /* Unknown operators stay, for the caller to list. */
  ig_buf n = node("Mystery", "x", "y");
  put_text(&n, 7, "com.example");
  imported m = import(model(two_nodes(node("Abs", "x", "a"), n)));
  assert_null(m.st);
  assert_null(m.ir->main->last->op);
  assert_string_equal(m.ir->main->last->domain, "com.example");
  assert_string_equal(m.ir->main->last->type, "Mystery");
  drop(&m);
}

/* Old spellings become canonical: Clip-6 has its bounds as inputs then. */
static void test_import_hook(void **state) {
  (void)state;
  ig_buf n = node("Clip", "x", "y"), lo = make(), b = make();
  put_text(&lo, 1, "min");
  ig_buf_bytes(&lo, "\x15\x00\x00\x80\x3f", 5);
  ig_wire_put_int(&lo, 20, 1);
  put(&n, 5, lo);
  ig_wire_put_int(&b, 1, 4);
  put(&b, 7, two_nodes(node("Abs", "x", "a"), n));
  put(&b, 8, opset("", 10));
  imported m = import(b);
  assert_null(m.st);
  assert_string_equal(m.ir->main->last->type, "Clip");
  assert_null(ig_node_attr(m.ir->main->last, "min"));
  assert_non_null(ig_node_in(m.ir->main->last, 1));
  drop(&m);
}

/* ---- attributes ---- */

static ig_buf with_attr(ig_buf attr) {
  ig_buf n = node("Mystery", "x", "y"), g = make();
  put(&n, 5, attr);
  put(&g, 1, n);
  put(&g, 11, value_info("x", 1, "2"));
  put(&g, 12, name_only("y"));
  return model(g);
}
static ig_buf attr(int64_t type) {
  ig_buf b = make();
  put_text(&b, 1, "a");
  if (type) ig_wire_put_int(&b, 20, type);
  return b;
}

static void test_attrs(void **state) {
  (void)state;
  ig_buf b = attr(6);
  ig_buf_bytes(&b, "\x3a\x08\x00\x00\x80\x3f\x00\x00\x00\x40", 10);
  imported m = import(with_attr(b));
  const ig_ir_attr *a = ig_node_attr(m.ir->main->first, "a");
  assert_int_equal(a->type, IG_ATTR_FLOATS);
  assert_int_equal(a->n, 2);
  assert_true(a->v.floats[1] == 2);
  drop(&m);

  b = attr(0); /* without type, as old files are */
  ig_wire_put_int(&b, 8, -5);
  ig_wire_put_bytes(&b, 8, "\x01\x02", 2);
  m = import(with_attr(b));
  a = ig_node_attr(m.ir->main->first, "a");
  assert_int_equal(a->type, IG_ATTR_INTS);
  assert_int_equal(a->n, 3);
  assert_int_equal(a->v.ints[0], -5);
  assert_int_equal(a->v.ints[2], 2);
  drop(&m);

  b = attr(8);
  put_text(&b, 9, "one");
  put_text(&b, 9, "\xff");
  m = import(with_attr(b));
  a = ig_node_attr(m.ir->main->first, "a");
  assert_int_equal(a->type, IG_ATTR_STRINGS);
  assert_string_equal(a->v.strings[1], "\xff");
  drop(&m);

  b = attr(4);
  put(&b, 5, weight("w"));
  m = import(with_attr(b));
  a = ig_node_attr(m.ir->main->first, "a");
  assert_int_equal(a->type, IG_ATTR_TENSOR);
  assert_true(((const float *)a->v.tensor->bytes)[1] == 2);
  drop(&m);

  m = import(with_attr(attr(2))); /* an absent number is 0 */
  assert_int_equal(ig_node_attr_i(m.ir->main->first, "a", 9), 0);
  drop(&m);
}

static void test_bad_attrs(void **state) {
  (void)state;
  ig_buf b = attr(5);
  ig_wire_put_int(&b, 3, 1);
  expect(with_attr(b), IG_ERROR_BAD_MODEL, "node 'y' (Mystery): attribute 'a': its type says field 6, but field 3 is filled");
  expect(with_attr(attr(0)), IG_ERROR_BAD_MODEL, "neither type nor value");
  expect(with_attr(attr(15)), IG_ERROR_BAD_MODEL, "type 15 does not exist");
  expect(with_attr(attr(4)), IG_ERROR_BAD_MODEL, "the tensor is missing");
  b = attr(3);
  ig_wire_put_bytes(&b, 4, "a\0b", 3);
  expect(with_attr(b), IG_ERROR_UNSUPPORTED, "NUL");
  imported m = import(with_attr(attr(13)));
  assert_int_equal(ig_status_code(m.st), IG_ERROR_UNSUPPORTED);
  assert_string_equal(ig_status_detail(m.st, IG_DETAIL_NODE), "y");
  assert_string_equal(ig_status_detail(m.st, IG_DETAIL_OP), "Mystery");
  assert_string_equal(ig_status_detail(m.st, IG_DETAIL_ISSUE_CODE), "UNSUPPORTED_ATTR");
  drop(&m);
}

/* ---- functions ---- */

static void test_functions(void **state) {
  (void)state;
  ig_buf c = call("twice", "a", "y");
  put(&c, 5, attr_int("k", 0));
  imported m = good(with_functions(two_nodes(node("Abs", "x", "a"), c)));
  assert_int_equal(m.ir->n_total_nodes, 3);
  const ig_node *first = m.ir->main->first->next, *second = first->next;
  assert_string_equal(first->name, "y/a/y");
  assert_int_equal(ig_node_attr_i(first, "axis", 9), 0);
  assert_int_equal(ig_node_attr_i(second, "axis", 9), 1);
  assert_ptr_equal(second->in[0], first->out[0]);
  assert_ptr_equal(m.ir->main->outputs[0], second->out[0]);
  assert_string_equal(second->out[0]->name, "y");
  assert_string_equal(m.ir->main->first->out[0]->name, "a");
  drop(&m);
  /* k is not given: soft's own default serves. */
  m = good(with_functions(two_nodes(node("Abs", "x", "a"), call("twice", "a", "y"))));
  assert_int_equal(ig_node_attr_i(m.ir->main->first->next, "axis", 9), 1);
  drop(&m);
}

static void test_bad_functions(void **state) {
  (void)state;
  ig_buf b = model(two_nodes(node("Abs", "x", "a"), call("loop", "a", "y")));
  ig_buf f = function("loop", "x", "y");
  put(&f, 7, call("loop", "x", "y"));
  put(&b, 25, f);
  expect(b, IG_ERROR_BAD_MODEL, "calls itself");
  expect(with_functions(two_nodes(node("Abs", "x", "a"), call("soft", "a,a", "y"))), IG_ERROR_BAD_MODEL, "2 inputs given, the function has 1");
  expect(with_functions(two_nodes(node("Abs", "x", "a"), call("soft", "a", "y,z"))), IG_ERROR_BAD_MODEL, "2 results named, the function has 1");
  b = with_functions(chain(1));
  put(&b, 25, function("soft", "", ""));
  expect(b, IG_ERROR_BAD_MODEL, "defined twice");
  b = model(two_nodes(node("Abs", "x", "a"), call("empty", "a", "y")));
  put(&b, 25, function("empty", "x", "y"));
  expect(b, IG_ERROR_BAD_MODEL, "does not define its output 'y'");
}

/* Inputs left out are known as such inside, and inputs handed through are the caller's values. */
static void test_function_inputs(void **state) {
  (void)state;
  ig_buf b = model(two_nodes(call("clip", "x", "a"), call("same", "a", "y")));
  ig_buf f = function("clip", "x,lo,hi", "y"), same = function("same", "x", "x");
  put(&f, 7, node("Clip", "x,lo,hi", "y"));
  put(&b, 25, f);
  put(&b, 25, same);
  imported m = good(b);
  assert_int_equal(m.ir->main->first->n_in, 1);
  assert_ptr_equal(m.ir->main->outputs[0], m.ir->main->first->out[0]);
  assert_string_equal(m.ir->main->output_names[0], "y");
  drop(&m);
}

static void test_models(void **state) {
  (void)state;
  static const struct { const char *name; uint32_t n_in, n_out, n_nodes; } rows[] = {
    { "add", 2, 1, 1 }, { "dynamic", 2, 2, 60 }, { "local_function", 1, 2, 10 }, { "quantised", 1, 1, 27 }, { "recurrent", 3, 3, 17 } };
  for (size_t i = 0; i < IG_COUNT(rows); i++) {
    char path[100];
    ig_file_map f;
    ig_onnx_sources s = { 0 };
    ig_ir *ir;
    snprintf(path, sizeof path, "tests/models/%s.onnx", rows[i].name);
    assert_null(ig_file_open(&ig_libc_allocator, path, false, &f));
    ig_status st = ig_onnx_import(env, f.data, f.size, path, NULL, NULL, &s, &ir);
    if (st) fail_msg("%s: %s", path, ig_status_message(st));
    st = ig_ir_verify(ir);
    if (st) fail_msg("%s: %s", path, ig_status_message(st));
    assert_int_equal(ir->main->n_inputs, rows[i].n_in);
    assert_int_equal(ir->main->n_outputs, rows[i].n_out);
    assert_int_equal(ir->n_total_nodes, rows[i].n_nodes); /* those of arms and functions included */
    ig_ir_destroy(ir);
    ig_onnx_sources_free(&s);
    ig_file_close(&f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_plain),          cmocka_unit_test(test_constants),       cmocka_unit_test(test_zero_copy),
    cmocka_unit_test(test_order),          cmocka_unit_test(test_subgraphs),       cmocka_unit_test(test_bad_graphs),
    cmocka_unit_test(test_opsets),         cmocka_unit_test(test_import_hook),     cmocka_unit_test(test_attrs),
    cmocka_unit_test(test_bad_attrs),      cmocka_unit_test(test_functions),
    cmocka_unit_test(test_bad_functions),  cmocka_unit_test(test_function_inputs), cmocka_unit_test(test_models),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
