/* Passes: each tests/opt/NAME.txt holds a model, "----", and the model that the passes make of it; a third part lists the story that is
 * told (rewrites and near misses). Comments at the top choose the stage and switch passes off:
 *   // stage: canonical        (or lowered)
 *   // passes: -fuse_map
 *   // limit: 3
 *   // fold: off
 *   // half: on                (the target multiplies 16-bit floats)
 * INGOT_UPDATE_GOLDEN=1 writes the answers anew.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ir_util.h"
#include "opt/rules.h"
#include <dirent.h>
#include <math.h>

static char *read_file(const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f) return NULL;
  char *text = calloc(1, 1 << 20);
  const size_t n = fread(text, 1, (1 << 20) - 1, f);
  text[n] = 0;
  fclose(f);
  return text;
}

static bool option(const char *text, const char *name, char *out, size_t n_out) {
  char key[40];
  snprintf(key, sizeof key, "// %s: ", name);
  const char *s = strstr(text, key);
  if (!s) return false;
  s += strlen(key);
  snprintf(out, n_out, "%.*s", (int)strcspn(s, "\n"), s);
  return true;
}

static char *story_of(const ig_ir *ir) {
  ig_buf b;
  ig_buf_init(&b, &ig_libc_allocator);
  for (size_t i = 0; i < ir->events.n; i++) {
    const ig_event *e = &ir->events.data[i];
    ig_buf_printf(&b, "%s%s %s: %s\n", e->near_miss ? "near miss: " : "", e->pass, e->node, e->text);
  }
  char *s = strdup(ig_buf_cstr(&b));
  ig_buf_free(&b);
  return s;
}

/* The result and the story, as in the file. */
static char *run_case(const char *model) {
  char stage[40] = "canonical", passes[200] = "", limit[40] = "-1", fold[40] = "on", half[40] = "off";
  ig_env *env = new_env();
  option(model, "stage", stage, sizeof stage);
  option(model, "passes", passes, sizeof passes);
  option(model, "limit", limit, sizeof limit);
  option(model, "fold", fold, sizeof fold);
  option(model, "half", half, sizeof half);
  const ig_opt_options opt = {.evaluate = strcmp(fold, "off") ? evaluate : NULL, .passes = passes, .pass_limit = atoi(limit), .verify_each = true, .caps.half = strcmp(half, "on") == 0};
  ig_ir *ir = parse(env, model);
  ig_status st = ig_opt_canonical(ir, &opt);
  if (!st && strcmp(stage, "lowered") == 0) st = ig_opt_lower(ir, &opt);
  char *out = calloc(1, 1 << 20);
  if (st) {
    snprintf(out, 1 << 20, "%s: %s\n", ig_code_name(ig_status_code(st)), ig_status_message(st));
    ig_status_free(st);
  } else {
    char *text = text_of(ir, false), *story = story_of(ir);
    snprintf(out, 1 << 20, "%s----\n%s", text, story);
    free(text);
    free(story);
  }
  ig_ir_destroy(ir);
  ig_env_release(env);
  return out;
}

static void check_file(const char *folder, const char *name, uint32_t *n_failed) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  char *text = read_file(path);
  assert_non_null(text);
  char *want = strstr(text, "\n----\n");
  if (want) {
    want[1] = 0;
    want += strlen("\n----\n");
  }
  char *got = run_case(text);
  if (getenv("INGOT_UPDATE_GOLDEN")) {
    FILE *f = fopen(path, "wb");
    fprintf(f, "%s----\n%s", text, got);
    fclose(f);
  } else if (!want || strcmp(want, got) != 0) {
    print_error("%s: the passes give\n%s", name, got);
    ++*n_failed;
  }
  free(got);
  free(text);
}

static void golden(void **state) {
  (void)state;
  const char *root = getenv("INGOT_SOURCE_ROOT");
  char folder[500];
  snprintf(folder, sizeof folder, "%s/tests/opt", root ? root : ".");
  struct dirent **entries;
  const int n = scandir(folder, &entries, NULL, alphasort);
  uint32_t n_failed = 0, n_cases = 0;
  assert_true(n >= 0);
  for (int i = 0; i < n; i++) {
    const size_t len = strlen(entries[i]->d_name);
    if (len > 4 && strcmp(entries[i]->d_name + len - 4, ".txt") == 0) {
      check_file(folder, entries[i]->d_name, &n_failed);
      n_cases++;
    }
    free(entries[i]);
  }
  free(entries);
  assert_true(n_cases > 10);
  assert_int_equal(n_failed, 0);
}

/* ---- no pass changes a result ---- */

static const ig_data *random_data(ig_ir *ir, const ig_val *v) {
  static uint32_t seed = 7;
  ig_data *d = IG_NEW(&ir->arena, ig_data);
  int64_t n = 0;
  d->dtype = v->dtype;
  d->rank = (uint8_t)v->rank;
  assert_true(ig_opt_const_dims(ir, v, d->dims) && ig_data_count(d, &n));
  d->n_bytes = ig_dtype_bytes(d->dtype, (uint64_t)n);
  uint8_t *bytes = ig_arena_alloc(&ir->arena, d->n_bytes + 1);
  for (int64_t i = 0; i < n; i++) {
    seed = seed * 1103515245u + 12345u;
    const float f = (float)(seed >> 8 & 0xffff) / 16384 - 2;
    const uint16_t h = ig_f32_to_f16(f);
    if (d->dtype == IG_DTYPE_F32)
      memcpy(bytes + i * 4, &f, 4);
    else if (d->dtype == IG_DTYPE_F16)
      memcpy(bytes + i * 2, &h, 2);
    else
      bytes[i * (IG_DTYPE_BITS(d->dtype) / 8)] = seed >> 16 & 1;
  }
  d->bytes = bytes;
  return d;
}

static void run_graph(ig_ir *ir, const ig_graph *g);

static void run_node(ig_ir *ir, const ig_node *n) {
  const ig_data *in[64] = {NULL}, *out[1] = {NULL};
  if (n->form == IG_FORM_VIEW) {
    check_ok(ig_opt_view_data(ir, n, ig_node_in(n, 0)->data, &out[0]));
    n->out[0]->data = out[0];
    return;
  }
  if (n->form == IG_FORM_IF) {
    int64_t yes = 0;
    if (n->cond) assert_true(ig_dim_is_const(&ir->dims, n->cond, &yes));
    else yes = *(const uint8_t *)ig_node_in(n, 0)->data->bytes;
    const ig_graph *arm = n->arms[yes ? 0 : 1];
    run_graph(ir, arm);
    for (uint32_t i = 0; i < n->n_out; i++)
      n->out[i]->data = ig_graph_output(arm, i)->data;
    return;
  }
  if (n->form == IG_FORM_TRAP) return;
  for (uint32_t i = 0; i < n->n_in; i++)
    in[i] = ig_node_in(n, i)->data;
  const ig_opt_options opt = {.evaluate = evaluate};
  ig_pass_ctx c = {.ir = ir, .opt = &opt, .name = "test"};
  check_ok(ig_opt_eval_kernel(&c, n, in));
}

static void run_graph(ig_ir *ir, const ig_graph *g) {
  for (const ig_node *n = g->first; n; n = n->next)
    run_node(ir, n);
}

static ig_ir *lowered(ig_env *env, const char *text, const char *passes) {
  const ig_opt_options opt = {.evaluate = evaluate, .passes = passes, .pass_limit = -1, .verify_each = true};
  ig_ir *ir = parse(env, text);
  ig_status st = ig_opt_canonical(ir, &opt);
  if (!st) st = ig_opt_lower(ir, &opt);
  if (!st) return ir;
  ig_status_free(st);
  ig_ir_destroy(ir);
  return NULL;
}

static double element(const ig_data *d, int64_t i) {
  ig_val v = {.data = d};
  double x = 0;
  assert_true(ig_const_f64(&v, i, &x));
  return x;
}

static void compare_outputs(const char *name, const ig_ir *a, const ig_ir *b) {
  for (uint32_t i = 0; i < a->main->n_outputs; i++) {
    const ig_data *x = ig_graph_output(a->main, i)->data, *y = ig_graph_output(b->main, i)->data;
    int64_t n;
    assert_true(!x == !y);
    if (!x) continue; /* behind a trap */
    assert_int_equal(x->n_bytes, y->n_bytes);
    assert_true(ig_data_count(x, &n));
    for (int64_t k = 0; k < n; k++) {
      const double p = element(x, k), q = element(y, k);
      if (!(fabs(p - q) <= 2e-6 * (1 + fabs(p))) && !(isnan(p) && isnan(q)))
        fail_msg("%s: output %u, element %lld: %g and %g", name, i, (long long)k, p, q);
    }
  }
}

static bool results_agree(const char *name, char *model) {
  static const char *const ranges[] = {"1..64", "2..64"};
  for (size_t i = 0; i < IG_COUNT(ranges); i++)
    for (char *s = model; (s = strstr(s, ranges[i]));)
      memcpy(s, "4..4 ", 5);
  ig_env *env = new_env();
  ig_ir *a = lowered(env, model, "-fold,-fold_lowered,-simplify,-decide_if,-clean,-bn_fold,-cse,-view_clean,-const_operand,-fuse_epilogue,-fuse_map"),
        *b = lowered(env, model, "");
  const bool ran = a && b;
  if (ran) {
    for (uint32_t i = 0; i < a->main->n_inputs; i++)
      a->main->inputs[i]->data = b->main->inputs[i]->data = random_data(a, a->main->inputs[i]);
    run_graph(a, a->main);
    run_graph(b, b->main);
    compare_outputs(name, a, b);
  }
  ig_ir_destroy(a);
  ig_ir_destroy(b);
  ig_env_release(env);
  return ran;
}

static void results_stay(void **state) {
  (void)state;
  const char *root = getenv("INGOT_SOURCE_ROOT");
  char folder[500], path[1024];
  snprintf(folder, sizeof folder, "%s/tests/opt", root ? root : ".");
  struct dirent **entries;
  const int n = scandir(folder, &entries, NULL, alphasort);
  uint32_t n_ran = 0;
  for (int i = 0; i < n; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
    char *text = strstr(entries[i]->d_name, ".txt") ? read_file(path) : NULL, *end = text ? strstr(text, "\n----\n") : NULL;
    if (end) {
      end[1] = 0;
      n_ran += results_agree(entries[i]->d_name, text);
    }
    free(text);
    free(entries[i]);
  }
  free(entries);
  assert_true(n_ran > 20);
}

static const char *const small = "model imported opset \"\"=17 {\n  input %x : f32[4]\n  %a = Neg(%x) : f32[4]\n  %b = Neg(%x) : f32[4]\n  %y = "
                                 "Add(%a, %b) : f32[4]\n  output %y\n}\n";

static void options_are_checked(void **state) {
  (void)state;
  ig_env *env = new_env();
  ig_ir *ir = parse(env, small);
  ig_opt_options opt = {.pass_limit = -1, .passes = "cse"};
  check_fails(ig_opt_canonical(ir, &opt), IG_ERROR_INVALID_ARGUMENT, "write -NAME");
  opt.passes = "-nothing";
  check_fails(ig_opt_canonical(ir, &opt), IG_ERROR_INVALID_ARGUMENT, "no pass is called 'nothing'");
  opt.passes = "-infer";
  check_fails(ig_opt_canonical(ir, &opt), IG_ERROR_INVALID_ARGUMENT, "cannot be switched off");
  opt.passes = NULL;
  check_fails(ig_opt_lower(ir, &opt), IG_ERROR_INVALID_ARGUMENT, "only a canonical graph");
  ig_ir_destroy(ir);
  ig_env_release(env);
}

static void cancelling_stops(void **state) {
  (void)state;
  ig_env *env = new_env();
  ig_ir *ir = parse(env, small);
  ig_cancel *cancel;
  check_ok(ig_cancel_create(env, &cancel));
  ig_cancel_request(cancel);
  const ig_opt_options opt = {.pass_limit = -1, .cancel = cancel};
  check_fails(ig_opt_canonical(ir, &opt), IG_ERROR_CANCELLED, "cancelled");
  ig_cancel_release(cancel);
  ig_ir_destroy(ir);
  ig_env_release(env);
}

static int append(void *user, const void *bytes, size_t n) {
  ig_buf_bytes(user, bytes, n);
  return 0;
}

static ig_status note_pass(void *user, ig_ir *ir, const char *pass) {
  ig_buf_printf(user, "%s,", pass);
  return ir->main ? NULL : ig_status_new(IG_ERROR_INTERNAL, "no graph");
}

static void hooks_are_called(void **state) {
  (void)state;
  ig_env *env = new_env();
  ig_ir *ir = parse(env, small);
  ig_buf dump, names;
  ig_buf_init(&dump, &ig_libc_allocator);
  ig_buf_init(&names, &ig_libc_allocator);
  ig_opt_options opt = {.pass_limit = -1, .dump_after = "cse", .dump = append, .dump_user = &dump, .check = note_pass, .user = &names};
  check_ok(ig_opt_canonical(ir, &opt));
  assert_non_null(strstr(ig_buf_cstr(&dump), "%y = Add(%a, %a)"));
  assert_non_null(strstr(ig_buf_cstr(&names), "cse,"));
  ig_buf_free(&dump);
  ig_buf_free(&names);
  ig_ir_destroy(ir);
  ig_env_release(env);
}

/* A chain of a hundred thousand nodes takes seconds, not hours: nothing is quadratic. */
static void long_chains(void **state) {
  (void)state;
  enum { N = 100000 };
  ig_env *env = new_env();
  ig_ir *ir;
  check_ok(ig_ir_create(env, 0, &ir));
  ig_graph *g = ig_graph_new(ir, NULL, "chain");
  const ig_dim dims[1] = {ig_dim_const(&ir->dims, 8)};
  ig_val *x = ig_val_new(g, "x");
  ig_val_set_type(x, IG_DTYPE_F32, 1, dims);
  g->inputs = &x;
  g->n_inputs = 1;
  ig_val *y = x;
  static const char *const types[] = {"Abs", "Relu", "Identity", "Sqrt", "Neg"};
  for (uint32_t i = 0; i < N; i++) {
    ig_node *n = ig_node_new(g, NULL, NULL, IG_FORM_OP, &y, 1, 1);
    assert_non_null(n);
    n->type = types[i % IG_COUNT(types)];
    n->opset = 17;
    y = n->out[0];
  }
  g->outputs = &y;
  g->n_outputs = 1;
  const ig_opt_options opt = {.pass_limit = -1, .evaluate = evaluate};
  check_ok(ig_opt_canonical(ir, &opt));
  assert_int_equal(g->n_nodes, N / 5 * 4);
  check_ok(ig_opt_lower(ir, &opt));
  assert_true(g->n_nodes < N / 20);
  ig_ir_destroy(ir);
  ig_env_release(env);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(golden),           cmocka_unit_test(results_stay),     cmocka_unit_test(options_are_checked),
      cmocka_unit_test(cancelling_stops), cmocka_unit_test(hooks_are_called), cmocka_unit_test(long_chains),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
