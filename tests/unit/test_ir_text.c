/* The text form: what is written reads back, every truncation and flipped byte is a status, messages name the line.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ir_util.h"

static const char *const model = "model imported opset \"\"=17 \"com.x\"=2 {\n"
                                 "  ir_version 8\n"
                                 "  producer \"a \\\"b\\\" \\\\ \\x01\"\n"
                                 "  prop \"author\" \"one\\x0atwo\"\n"
                                 "  prop \"key\" \"\"\n"
                                 "  name \"net\"\n"
                                 "  symbol \"batch\" input 0 0 1..16 opt 4\n"
                                 "  symbol \"a,b]\" input 0 1 0..1099511627776 opt 3\n"
                                 "  symbol \"k\" value 1 0 1..5 opt 5\n"
                                 "  symbol \"hits\" produced 0 0 0..100 opt 100\n"
                                 "  guard eq [batch*2,floordiv('a,b]' + 1, 2)] \"cat\" \"dims of inputs\"\n"
                                 "  guard broadcast [batch,k] \"\" \"\"\n"
                                 "  input %x : f32[batch,'a,b]',3]\n"
                                 "  input %\"odd name\" : i64[1]\n"
                                 "  input %s : sequence f32[*]\n"
                                 "  input %u : ?[*]\n"
                                 "  input %q : f16[?,2*batch + 1]\n"
                                 "  const %w : f32[2,2] = {1, -0.1, 3.4028235e+38, nan}\n"
                                 "  const %h : f16[3] = {inf, -inf, 0.3333}\n"
                                 "  const %d : f64[1] = {0.1}\n"
                                 "  const %i : i8[2] = {-128, 127}\n"
                                 "  const %l : u64[1] = {18446744073709551615}\n"
                                 "  const %b : bool[2] = {1, 0}\n"
                                 "  const %n4 : i4[3] = 0x2103\n"
                                 "  const %str : string[2] = {\"a\", \"b\\\"\"}\n"
                                 "  const %none : f32[0] = {}\n"
                                 "  %y, -, %z = Split(%x, -, %\"odd name\") {axis=-1, alpha=0.5f, mode=\"li\\\"near\", pads=[1,2], scales=[1.5f,2f], "
                                 "names=[\"a\",\"b\"], e1=ints[], e2=floats[], e3=strings[],"
                                 " t=tensor f32[2] = {1, 2}, \"odd attr\"=1, r=ref \"outer\"} : f32[batch], -, ?[*] @\"split\" from \"p,q\"\n"
                                 "  %a = \"com.x\".Custom@1(%w, %h, %d, %i, %l, %b, %n4, %str, %none) : f32[2]\n"
                                 "  %g = \"\".\"weird op\"(%a) : f32[2]\n"
                                 "  %v = If(%b) {then_branch=graph \"then\" {\n"
                                 "    const %inner : i32[] = {5}\n"
                                 "    %t = Add(%y, %inner) : f32[batch]\n"
                                 "    output %t\n"
                                 "  }, else_branch=graph \"else\" {\n"
                                 "    output %z\n"
                                 "  }, bodies=graphs[graph \"one\" {\n"
                                 "    input %p : f32[1]\n"
                                 "    output %p\n"
                                 "  },graph \"two\" {\n"
                                 "  }]} : f32[batch]\n"
                                 "  output %v as \"the result\"\n"
                                 "  output %y\n"
                                 "}\n";

static void reads_back(void **state) {
  (void)state;
  ig_env *env = new_env();
  ig_ir *ir = parse(env, model);
  assert_int_equal(ir->n_opsets, 2);
  assert_int_equal(ir->main->n_inputs, 5);
  assert_int_equal(ir->dims.symbols.n, 4);
  assert_int_equal(ir->dims.guards.n, 2);
  assert_int_equal(ir->main->n_nodes, 4);
  const ig_node *split = ir->main->first;
  assert_string_equal(split->name, "split");
  assert_int_equal(split->n_out, 3);
  assert_null(split->out[1]);
  assert_null(ig_node_in(split, 1));
  assert_string_equal(ig_node_attr_s(split, "mode", ""), "li\"near");
  assert_int_equal(split->next->opset, 1);
  assert_int_equal(split->opset, 17);
  assert_string_equal(ir->main->output_names[0], "the result");
  for (int full = 0; full < 2; full++) {
    char *once = text_of(ir, full);
    ig_ir *again = parse(env, once);
    char *twice = text_of(again, full);
    assert_string_equal(once, twice);
    free(once);
    free(twice);
    ig_ir_destroy(again);
  }
  ig_ir_destroy(ir);
  ig_env_release(env);
}

/* All but constants, which move to their first use, is written as it was read. */
static void writes_what_it_read(void **state) {
  (void)state;
  static const char *const text = "model canonical opset \"\"=17 {\n"
                                  "  symbol \"n\" input 0 0 1..8 opt 8\n"
                                  "  input %x : f32[n]\n"
                                  "  const %w : f32[1] = {0.1}\n"
                                  "  %y = Add(%x, %w) {k=1} : f32[n] @\"add\"\n"
                                  "  %z = trap \"never \\\"taken\\\"\"() : f32[n]\n"
                                  "  output %y as \"out\"\n"
                                  "}\n";
  ig_env *env = new_env();
  ig_ir *ir = parse(env, text);
  char *s = text_of(ir, false);
  assert_string_equal(s, text);
  free(s);
  ig_ir_destroy(ir);
  ig_env_release(env);
}

static void big_constants(void **state) {
  (void)state;
  ig_env *env = new_env();
  ig_ir *ir, *again;
  check_ok(ig_ir_create(env, 0, &ir));
  ig_graph *g = ig_graph_new(ir, NULL, "");
  float w[101];
  for (int i = 0; i < 101; i++)
    w[i] = (float)i / 7;
  const int64_t dims[1] = {101};
  ig_val *v = ig_val_const_bytes(g, "w", IG_DTYPE_F32, 1, dims, w);
  g->outputs = &v;
  g->n_outputs = 1;
  char *brief = text_of(ir, false), *full = text_of(ir, true);
  assert_non_null(strstr(brief, "= #"));
  check_fails(ig_ir_parse(env, brief, strlen(brief), &again), IG_ERROR_BAD_MODEL, "print the full form");
  assert_null(again);
  again = parse(env, full);
  assert_memory_equal(ig_graph_output(again->main, 0)->data->bytes, w, sizeof w);
  ig_ir_destroy(again);
  free(brief);
  free(full);
  ig_ir_destroy(ir);
  ig_env_release(env);
}

static void messages_name_the_line(void **state) {
  (void)state;
  static const struct {
    const char *body, *message;
  } cases[] = {
      {"  output %nothing\n}\n", "line 2: value 'nothing' is not defined above"},
      {"  input %x : f32[2]\n  input %x : f32[2]\n}\n", "line 3: value 'x' is defined twice"},
      {"  input %x : f31[2]\n}\n", "'f31' is no data type"},
      {"  input %x : f32[m]\n}\n", "unknown symbol"},
      {"  input %x : f32[1,1,1,1,1,1,1,1,1]\n}\n", "more than 8 dims"},
      {"  const %x : f32[2] = {1}\n}\n", "',' expected"},
      {"  const %x : i8[1] = {128}\n}\n", "is no i8"},
      {"  const %x : f32[n] = {1}\n}\n", "unknown symbol"},
      {"  const %x : f32[4000000000] = {1}\n}\n", "the text ends before"},
      {"  const %x : f32[9223372036854775807,9] = {1}\n}\n", "overflow"},
      {"  %y = Neg(%y) : f32[1]\n}\n", "own input"},
      {"  %y = A() {x=[1,\"s\"]} : f32[1]\n}\n", "mixed types"},
      {"  %y = A() {x=[]} : f32[1]\n}\n", "needs its type"},
      {"  %y = A() {x=1, x=2} : f32[1]\n}\n", "given twice"},
      {"  %y = kernel() : f32[1]\n}\n", "stage LOWERED"},
      {"  hello\n}\n", "a node, input, const, output or '}' expected"},
      {"  symbol \"n\" input 0 0 5..1\n}\n", "range"},
      {"}\nrest", "after the model's end"},
      {"  prop \"a\\x00b\" \"\"\n}\n", "NUL"},
  };
  ig_env *env = new_env();
  for (size_t i = 0; i < IG_COUNT(cases); i++) {
    char text[400];
    ig_ir *ir;
    snprintf(text, sizeof text, "model imported {\n%s", cases[i].body);
    ig_status st = ig_ir_parse(env, text, strlen(text), &ir);
    assert_null(ir);
    if (!st || !strstr(ig_status_message(st), cases[i].message)) print_error("case %zu: %s\n", i, ig_status_message(st));
    assert_non_null(st);
    assert_non_null(strstr(ig_status_message(st), cases[i].message));
    ig_status_free(st);
  }
  ig_ir *ir;
  check_fails(ig_ir_parse(env, "model lowered {}", 16, &ir), IG_ERROR_UNSUPPORTED, "LOWERED");
  ig_env_release(env);
}

static void any_damage_is_a_status(void **state) {
  (void)state;
  ig_env *env = new_env();
  const size_t n = strlen(model);
  char *text = malloc(n + 1);
  uint32_t n_refused = 0, seed = 1;
  for (size_t cut = 0; cut < n; cut++) {
    ig_ir *ir;
    char *exact = malloc(cut + 1); /* so that a sanitizer sees a read past the end */
    memcpy(exact, model, cut);
    ig_status st = ig_ir_parse(env, exact, cut, &ir);
    free(exact);
    if (cut < n - 1) assert_non_null(st);
    ig_status_free(st);
    ig_ir_destroy(ir);
  }
  for (int round = 0; round < 3000; round++) {
    memcpy(text, model, n + 1);
    for (int k = 0; k < 3; k++) {
      seed = seed * 1103515245u + 12345u;
      text[(seed >> 8) % n] = model[(seed >> 4) % n];
    }
    ig_ir *ir;
    ig_status st = ig_ir_parse(env, text, n, &ir);
    n_refused += st != NULL;
    if (ir) free(text_of(ir, true));
    ig_status_free(st);
    ig_ir_destroy(ir);
  }
  assert_true(n_refused > 1000);
  free(text);
  ig_env_release(env);
}

static void nesting_is_limited(void **state) {
  (void)state;
  ig_env *env = new_env();
  ig_buf b;
  ig_buf_init(&b, &ig_libc_allocator);
  ig_buf_str(&b, "model imported {\n");
  for (int i = 0; i < 100000; i++)
    ig_buf_str(&b, "%y = A() {b=graph \"\" {\n");
  ig_ir *ir;
  check_fails(ig_ir_parse(env, ig_buf_cstr(&b), b.n, &ir), IG_ERROR_BAD_MODEL, "");
  ig_buf_free(&b);
  ig_buf_init(&b, &ig_libc_allocator);
  ig_buf_str(&b, "model imported {\n");
  for (int i = 0; i < 100000; i++)
    ig_buf_printf(&b, "%%y%d = A() {b=graph \"\" {\n", i);
  check_fails(ig_ir_parse(env, ig_buf_cstr(&b), b.n, &ir), IG_ERROR_LIMIT, "nested more than 64 deep");
  ig_buf_free(&b);
  ig_env_release(env);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_back),
      cmocka_unit_test(writes_what_it_read),
      cmocka_unit_test(big_constants),
      cmocka_unit_test(messages_name_the_line),
      cmocka_unit_test(any_damage_is_a_status),
      cmocka_unit_test(nesting_is_limited),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
