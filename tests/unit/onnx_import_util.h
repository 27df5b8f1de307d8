/* Models for the importer's tests, and what is expected of them. The environment is that of set_up and tear_down.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ONNX_IMPORT_UTIL_H
#define ONNX_IMPORT_UTIL_H
#include "onnx_bytes.h"
#include "base/env.h"
#include "ops/op.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static ig_env *env;
typedef struct imported { ig_ir *ir; ig_onnx_sources sources; ig_buf bytes; ig_status st; } imported;

static inline imported import_limited(ig_buf bytes, const ig_onnx_limits *limits) {
  imported m = { .bytes = bytes };
  m.st = ig_onnx_import(env, bytes.data, bytes.n, NULL, NULL, limits, &m.sources, &m.ir);
  if (m.st) assert_null(m.ir);
  return m;
}
static inline imported import(ig_buf bytes) { return import_limited(bytes, NULL); }
static inline void drop(imported *m) {
  ig_status_free(m->st);
  ig_ir_destroy(m->ir);
  ig_onnx_sources_free(&m->sources);
  ig_buf_free(&m->bytes);
}
static inline imported good(ig_buf bytes) {
  imported m = import(bytes);
  if (m.st) fail_msg("%s", ig_status_message(m.st));
  ig_status st = ig_ir_verify(m.ir);
  if (st) fail_msg("%s", ig_status_message(st));
  return m;
}
static inline void expect_limited(ig_buf bytes, const ig_onnx_limits *limits, ig_code code, const char *text) {
  imported m = import_limited(bytes, limits);
  assert_int_equal(ig_status_code(m.st), code);
  if (text && !strstr(ig_status_message(m.st), text)) fail_msg("'%s' lacks '%s'", ig_status_message(m.st), text);
  drop(&m);
}
static inline void expect(ig_buf bytes, ig_code code, const char *text) { expect_limited(bytes, NULL, code, text); }

/* Abs of x [2] after Abs ...: names x, v1 ... y */
static inline ig_buf chain(int n) {
  ig_buf g = make();
  for (int i = 0; i < n; i++) {
    char in[16], out[16];
    snprintf(in, sizeof in, i == 0 ? "x" : "v%d", i);
    snprintf(out, sizeof out, i == n - 1 ? "y" : "v%d", i + 1);
    put(&g, 1, node("Abs", in, out));
  }
  put(&g, 11, value_info("x", 1, "2"));
  put(&g, 12, name_only("y"));
  return g;
}

static inline ig_buf arm(const char *source) {
  ig_buf g = make();
  put(&g, 1, node("Abs", source, "t"));
  put(&g, 12, name_only("t"));
  return g;
}
static inline ig_buf if_graph(const char *then_source, const char *else_source) {
  ig_buf n = node("If", "c", "y"), g = make();
  put(&n, 5, attr_graph("then_branch", arm(then_source)));
  put(&n, 5, attr_graph("else_branch", arm(else_source)));
  put(&g, 1, n);
  put(&g, 1, node("Neg", "x", "late"));
  put(&g, 11, value_info("c", 9, ""));
  put(&g, 11, value_info("x", 1, "2"));
  put(&g, 12, name_only("y"));
  return g;
}
static inline ig_buf two_nodes(ig_buf a, ig_buf b) {
  ig_buf g = make();
  put(&g, 1, a);
  put(&g, 1, b);
  put(&g, 11, value_info("x", 1, "2"));
  put(&g, 12, name_only("y"));
  return g;
}

/* soft(x; axis = 1) = Softmax(x, axis); twice(x; k) = soft(soft(x, axis = k)), its inner names those of the caller. */
static inline ig_buf with_functions(ig_buf graph) {
  ig_buf b = model(graph);
  ig_buf soft = function("soft", "x", "y"), n = node("Softmax", "x", "y");
  put(&n, 5, attr_ref("axis", "axis", 2));
  put(&soft, 7, n);
  put(&soft, 11, attr_int("axis", 1));
  put(&b, 25, soft);
  ig_buf twice = function("twice", "x", "y"), inner = call("soft", "x", "a");
  put_text(&twice, 6, "k");
  put(&inner, 5, attr_ref("axis", "k", 2));
  put(&twice, 7, inner);
  put(&twice, 7, call("soft", "a", "y"));
  put(&b, 25, twice);
  return b;
}

static inline int set_up(void **state) {
  (void)state;
  return ig_env_create(NULL, &env) ? -1 : 0;
}
static inline int tear_down(void **state) {
  (void)state;
  ig_env_release(env);
  return 0;
}
#endif
