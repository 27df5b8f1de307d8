/* What the importer's hooks check and adapt beyond single records: the arms of If, Gemm of old operator sets; and value names that are made
 * to collide.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx_bytes.h"
#include "base/env.h"
#include "ir/graph.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static ig_env *env;

/* Takes the bytes; text NULL: the import succeeds. The operators of main, joined by spaces, go to ops. */
static void import(ig_buf bytes, const char *text, char *ops, size_t n_ops) {
  ig_ir *ir = NULL;
  ig_onnx_sources sources = {0};
  ig_status st = ig_onnx_import(env, bytes.data, bytes.n, NULL, NULL, NULL, &sources, &ir);
  assert_true((st == NULL) == (text == NULL));
  if (st) {
    assert_null(ir);
    assert_int_equal(ig_status_code(st), IG_ERROR_BAD_MODEL);
    if (!strstr(ig_status_message(st), text)) fail_msg("'%s' lacks '%s'", ig_status_message(st), text);
  }
  size_t at = 0;
  for (const ig_node *n = ir ? ir->main->first : NULL; ops && n; n = n->next)
    at += (size_t)snprintf(ops + at, n_ops - at, "%s/%u ", n->type, n->n_attrs);
  ig_status_free(st);
  ig_ir_destroy(ir);
  ig_onnx_sources_free(&sources);
  ig_buf_free(&bytes);
}

/* Abs of `in` as t; results: how often t is a result; with_input: the arm declares `in` itself. */
static ig_buf arm(const char *in, int n_results, bool with_input) {
  ig_buf g = make();
  put(&g, 1, node("Abs", in, "t"));
  if (with_input) put(&g, 11, value_info(in, 1, "2"));
  for (int i = 0; i < n_results; i++) put(&g, 12, name_only("t"));
  return g;
}

static ig_buf if_model(ig_buf then_attr, ig_buf else_attr) {
  ig_buf n = node("If", "c", "y"), g = make();
  put_text(&n, 3, "choice");
  if (then_attr.n) put(&n, 5, then_attr);
  if (else_attr.n) put(&n, 5, else_attr);
  put(&g, 1, n);
  put(&g, 11, value_info("c", 9, ""));
  put(&g, 11, value_info("x", 1, "2"));
  put(&g, 12, name_only("y"));
  return model(g);
}

static void if_arms(void **state) {
  (void)state;
#define THEN attr_graph("then_branch", arm("x", 1, false))
#define ELSE attr_graph("else_branch", arm("x", 1, false))
  import(if_model(THEN, ELSE), NULL, NULL, 0);
  import(if_model(THEN, make()), "node 'choice' (If): attribute 'else_branch' is missing or no graph", NULL, 0);
  import(if_model(make(), ELSE), "node 'choice' (If): attribute 'then_branch' is missing or no graph", NULL, 0);
  import(if_model(THEN, attr_int("else_branch", 7)), "attribute 'else_branch' is missing or no graph", NULL, 0);
  import(if_model(THEN, attr_graph("else_branch", arm("x", 2, false))), "else_branch has 2 outputs, the node 1", NULL, 0);
  import(if_model(attr_graph("then_branch", arm("x", 0, false)), ELSE), "then_branch has 0 outputs, the node 1", NULL, 0);
  import(if_model(THEN, attr_graph("else_branch", arm("q", 1, true))), "else_branch has 1 inputs", NULL, 0);
}

static void gemm_before_7(void **state) {
  (void)state;
  for (int64_t version = 6; version <= 7; version++) {
    ig_buf n = node("Gemm", "a,b,c", "y"), g = make(), m = make();
    char ops[64] = "";
    put(&n, 5, attr_int("broadcast", 1));
    put(&n, 5, attr_int("transB", 1));
    put(&g, 1, n);
    put(&g, 11, value_info("a", 1, "2,3"));
    put(&g, 11, value_info("b", 1, "4,3"));
    put(&g, 11, value_info("c", 1, "4"));
    put(&g, 12, name_only("y"));
    ig_wire_put_int(&m, 1, 8);
    put(&m, 7, g);
    put(&m, 8, opset("", version));
    import(m, NULL, ops, sizeof ops);
    assert_string_equal(ops, version < 7 ? "Gemm/1 " : "Gemm/2 "); /* transB stays; from 7 on `broadcast` is an error, which op_check reports */
  }
}

/* Every name that a duplicate would get by its number is taken: memory, hence time, must stay linear. */
static void hostile_names(void **state) {
  (void)state;
  enum { N = 20000 };
  ig_ir *ir = NULL;
  assert_null(ig_ir_create(env, (size_t)64 << 20, &ir));
  ig_graph *g = ig_graph_new(ir, NULL, "main");
  const ig_val *last = NULL;
  char name[32];
  for (unsigned i = 0; i < N; i++) {
    snprintf(name, sizeof name, "x.%u", N + i);
    assert_non_null(ig_val_new(g, name));
  }
  for (unsigned i = 0; i < N; i++) {
    const ig_val *v = ig_val_new(g, "x");
    assert_non_null(v);
    assert_ptr_equal(ig_strmap_get(&ir->names, v->name), v);
    if (last) assert_string_not_equal(v->name, last->name);
    last = v;
  }
  ig_ir_destroy(ir);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(if_arms), cmocka_unit_test(gemm_before_7), cmocka_unit_test(hostile_names)};
  if (ig_env_create(NULL, &env)) return 1;
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  ig_env_release(env);
  return failed;
}
