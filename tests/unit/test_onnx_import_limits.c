/* The importer's edges: limits, files that are something else, external data, cut files, and failing memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx_import_util.h"

/* ---- limits: at the limit, and one over ---- */

static ig_buf nested(int depth) {
  ig_buf g = arm("x");
  for (int i = 1; i < depth; i++) {
    ig_buf n = node("If", "c", "t"), outer = make();
    put(&n, 5, attr_graph("then_branch", g));
    put(&n, 5, attr_graph("else_branch", arm("x")));
    put(&outer, 1, n);
    put(&outer, 12, name_only("t"));
    g = outer;
  }
  put(&g, 11, value_info("c", 9, ""));
  put(&g, 11, value_info("x", 1, "2"));
  return model(g);
}

/* `calls` calls of a function of ten nodes, in a model of 10 + calls nodes. */
static ig_buf inlined(int calls) {
  ig_buf g = make(), f = function("ten", "x", "v10");
  for (int i = 0; i < calls; i++) {
    char out[16];
    snprintf(out, sizeof out, "y%d", i);
    put(&g, 1, call("ten", "x", out));
  }
  for (int i = 0; i < 10; i++) {
    char in[16], out[16];
    snprintf(in, sizeof in, i == 0 ? "x" : "v%d", i);
    snprintf(out, sizeof out, "v%d", i + 1);
    put(&f, 7, node("Abs", in, out));
  }
  put(&g, 11, value_info("x", 1, "2"));
  put(&g, 12, name_only("y0"));
  ig_buf b = model(g);
  put(&b, 25, f);
  return b;
}

/* Two nodes with junk between them, called over and over: short in nodes, long to read. */
static ig_buf reread(int calls) {
  ig_buf g = make(), f = function("junk", "x", "y");
  put(&f, 7, node("Abs", "x", "t"));
  for (int i = 0; i < 100000; i++) ig_wire_put_bytes(&f, 99, "0123456789", 10);
  put(&f, 7, node("Abs", "t", "y"));
  for (int i = 0; i < calls; i++) {
    char out[16];
    snprintf(out, sizeof out, "y%d", i);
    put(&g, 1, call("junk", "x", out));
  }
  put(&g, 11, value_info("x", 1, "2"));
  put(&g, 12, name_only("y0"));
  ig_buf b = model(g);
  put(&b, 25, f);
  return b;
}

static ig_buf with_input(const char *dims) {
  ig_buf g = chain(1);
  put(&g, 11, value_info("z", 1, dims));
  return model(g);
}

static void test_limits(void **state) {
  (void)state;
  expect(nested(64), IG_OK, NULL);
  expect(nested(65), IG_ERROR_LIMIT, "limit 'nesting' (64");
  ig_onnx_limits l = { .nodes = 10 };
  expect_limited(model(chain(10)), &l, IG_OK, NULL);
  expect_limited(model(chain(11)), &l, IG_ERROR_LIMIT, "limit 'nodes' (10");
  expect_limited(inlined(1), &l, IG_OK, NULL);
  expect_limited(inlined(2), &l, IG_ERROR_LIMIT, "limit 'nodes' (10");
  l = (ig_onnx_limits){ .edges = 22 }; /* two per node, an input, an output */
  expect_limited(model(chain(10)), &l, IG_OK, NULL);
  expect_limited(model(chain(11)), &l, IG_ERROR_LIMIT, "limit 'edges' (22)");
  l = (ig_onnx_limits){ .inlining = 5 }; /* 10 calls: 100 nodes of 20 written */
  expect_limited(inlined(10), &l, IG_OK, NULL);
  expect_limited(inlined(11), &l, IG_ERROR_LIMIT, "limit 'inlining' (5 times the 21 nodes written)");
  expect(reread(10), IG_OK, NULL);
  expect(reread(100), IG_ERROR_LIMIT, "limit 'inlining'");
  expect(with_input("1048576,1048576"), IG_OK, NULL);
  expect(with_input("1099511627777"), IG_ERROR_LIMIT, "limit 'elements'");
  l = (ig_onnx_limits){ .elements = 6 };
  expect_limited(with_input("2,3"), &l, IG_OK, NULL);
  expect_limited(with_input("7"), &l, IG_ERROR_LIMIT, "limit 'elements' (6");
  l = (ig_onnx_limits){ .memory = 8192 };
  expect_limited(model(chain(2)), &l, IG_OK, NULL);
  expect_limited(model(chain(1000)), &l, IG_ERROR_LIMIT, "limit 'memory' (8192");
  l = (ig_onnx_limits){ .expressions = 6 };
  uint32_t fits = 0;
  for (char dims[64] = "a"; fits < 7; fits++) {   /* a symbol more each time */
    imported m = import_limited(with_input(dims), &l);
    const bool ok = !m.st;
    if (!ok && (ig_status_code(m.st) != IG_ERROR_LIMIT || !strstr(ig_status_message(m.st), "limit 'expressions' (6)"))) fail_msg("%s", ig_status_message(m.st));
    drop(&m);
    if (!ok) break;
    snprintf(dims + strlen(dims), 3, ",%c", 'b' + (char)fits);
  }
  assert_in_range(fits, 1, 6);
}

/* Well-formed, but more than this version does: the verdict is one that people grep for. */
static void expect_verdict(ig_buf bytes, const char *verdict) {
  imported m = import(bytes);
  assert_int_equal(ig_status_code(m.st), IG_ERROR_UNSUPPORTED);
  const char *issue = ig_status_detail(m.st, IG_DETAIL_ISSUE_CODE);
  assert_non_null(issue);
  assert_string_equal(issue, verdict);
  drop(&m);
}
static void test_verdicts(void **state) {
  (void)state;
  ig_buf g = chain(1);
  put(&g, 11, value_info("z", 99, "2"));
  expect_verdict(model(g), "UNSUPPORTED_DATATYPE");
  g = chain(1);
  put(&g, 5, tensor_head("w", 99, "2"));
  expect_verdict(model(g), "UNSUPPORTED_DATATYPE");
  expect_verdict(with_input("1,1,1,1,1,1,1,1,1"), "UNSUPPORTED_SHAPE");
  g = chain(1);
  put(&g, 5, tensor_head("w", 1, "1,1,1,1,1,1,1,1,1"));
  expect_verdict(model(g), "UNSUPPORTED_SHAPE");
}

static void test_wrong_files(void **state) {
  (void)state;
  static const struct { const char *bytes; size_t n; const char *text;
  } rows[] = {
    { "ftrt\1\0\0\0", 8, "TensorRT plan" },
    { "\x89IGT\r\n\x1a\n", 8, "Ingot engine" },
    { "\x1c\0\0\0TFL3", 8, "TensorFlow Lite" },
    { "PK\3\4\0\0", 6, "zip" },
    { "\x1f\x8b\x08\0", 4, "gzip" },
    { "version https://git-lfs.github.com/spec/v1\n", 43, "Git LFS pointer" },
    { "", 0, "empty" },
    { "hello, model", 12, "no ONNX model" },
  };
  for (size_t i = 0; i < IG_COUNT(rows); i++) {
    ig_buf b = make();
    ig_buf_bytes(&b, rows[i].bytes, rows[i].n);
    expect(b, IG_ERROR_BAD_MODEL, rows[i].text);
  }
}

static void test_external(void **state) {
  (void)state;
  ig_file_map f;
  ig_onnx_sources s = { 0 };
  ig_ir *ir;
  assert_null(ig_file_open(&ig_libc_allocator, "tests/models/external.onnx", false, &f));
  ig_status st = ig_onnx_import(env, f.data, f.size, "tests/models/external.onnx", NULL, NULL, &s, &ir);
  if (st) fail_msg("%s", ig_status_message(st));
  assert_int_equal(s.files.n, 1); /* mapped once, however many tensors lie in it */
  ig_ir_destroy(ir);
  ig_onnx_sources_free(&s);
  /* From memory: a folder must be named. */
  s = (ig_onnx_sources){ 0 };
  assert_null(ig_onnx_import(env, f.data, f.size, NULL, "tests/models", NULL, &s, &ir));
  ig_ir_destroy(ir);
  ig_onnx_sources_free(&s);
  s = (ig_onnx_sources){ 0 };
  st = ig_onnx_import(env, f.data, f.size, NULL, NULL, NULL, &s, &ir);
  assert_int_equal(ig_status_code(st), IG_ERROR_INVALID_ARGUMENT);
  ig_status_free(st);
  ig_onnx_sources_free(&s);
  ig_file_close(&f);
}

/* Every cut of a whole model: never read past, and refused as long as the graph or the opset is not whole. */
static void test_truncated(void **state) {
  (void)state;
  ig_buf b = with_functions(if_graph("x", "late")), head = model(if_graph("x", "late"));
  const size_t needed = head.n;
  ig_buf_free(&head);
  for (size_t n = 0; n < b.n; n++) {
    ig_buf cut = make();
    ig_buf_bytes(&cut, b.data, n);
    imported m = import(cut);
    if (n < needed) assert_non_null(m.st);
    if (m.st) assert_int_not_equal(ig_status_code(m.st), IG_ERROR_INTERNAL);
    drop(&m);
  }
  ig_buf_free(&b);
}

/* ---- the n-th allocation fails ---- */

typedef struct failing { long left; size_t live; } failing;
static void *failing_realloc(void *self, void *old, size_t old_size, size_t size) {
  failing *f = self;
  if (size > 0 && f->left-- <= 0) return NULL;
  void *p = NULL;
  if (size > 0) p = realloc(old, size);
  else free(old);
  if (size == 0 || p) f->live += size - old_size;
  return p;
}

static long sweep(ig_buf bytes, const char *path) {
  long n = 0;
  for (bool done = false; !done; n++) {
    failing f = { .left = n + 1 };
    ig_env_options opt = IG_ENV_OPTIONS_INIT;
    opt.allocator = (ig_allocator){ &f, failing_realloc };
    ig_env *e = NULL;
    ig_status st = ig_env_create(&opt, &e);
    ig_onnx_sources s = { 0 };
    ig_ir *ir = NULL;
    if (!st) st = ig_onnx_import(e, bytes.data, bytes.n, path, NULL, NULL, &s, &ir);
    done = st == NULL;
    if (st) assert_int_equal(ig_status_code(st), IG_ERROR_OUT_OF_MEMORY);
    if (st) assert_null(ir);
    ig_status_free(st);
    ig_ir_destroy(ir);
    ig_onnx_sources_free(&s);
    ig_env_release(e);
    assert_int_equal(f.live, 0);
  }
  ig_buf_free(&bytes);
  return n;
}

static void test_failing_memory(void **state) {
  (void)state;
  ig_buf c = call("twice", "b", "y");
  assert_true(sweep(with_functions(two_nodes(c, node("Abs", "x", "b"))), NULL) > 5);
  assert_true(sweep(model(if_graph("x", "late")), NULL) > 5);
  assert_true(sweep(model(chain(60)), NULL) > 10);
  ig_file_map f;
  assert_null(ig_file_open(&ig_libc_allocator, "tests/models/external.onnx", false, &f));
  ig_buf b = make();
  ig_buf_bytes(&b, f.data, f.size);
  ig_file_close(&f);
  assert_true(sweep(b, "tests/models/external.onnx") > 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_limits),    cmocka_unit_test(test_verdicts),   cmocka_unit_test(test_wrong_files),    cmocka_unit_test(test_external),
    cmocka_unit_test(test_truncated), cmocka_unit_test(test_failing_memory),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
