/* ingot compare: the engine against the reference, or against recorded outputs.
 *
 * A network with quantised steps is held to the rule of such networks (agree.h): its outputs to their cosine, and each step, fed with what the reference
 * made of the steps before, to one quantisation step. --per-node does the latter for any network, so that the first step over is at fault itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/agree.h"
#include "cli/cli.h"
#include "cli/session.h"

static const cli_option options[] = {
    {"device", "NAME", "device of the engine (cpu)"},
    {"threads", "N", "threads of the run"},
    {"isa", "SET", "use at most avx2, avx512, or none (portable code)"},
    {"tune", "MODE", "where no ENGINE is given: guess (the default), measure or replay"},
    {"shapes", "NAME:1x3x..,..", "shapes of inputs that are not given"},
    {"values", "NAME=V,V,..", "contents of an input; may be repeated"},
    {"input", "NAME=FILE|DIR", "contents from a .npy or .pb file; or a folder with input_0.pb, ...; may be repeated"},
    {"seed", "N", "of inputs that are not given, which are random (0)"},
    {"expect", "DIR", "compare with output_0.pb (or .npy), ... there instead of the reference"},
    {"atol", "X", "elementwise |a-b| <= atol + rtol |b| instead of max|a-b| <= 1e-3 max|b|"},
    {"rtol", "X", "see --atol"},
    {"per-node", NULL, "find the first step whose result is over the tolerance"},
    {"json", NULL, "as JSON"},
    {"quiet", NULL, "print nothing but errors"},
};

static const ig_allocator *const heap = &ig_libc_allocator;

/* With scales that the network holds, and with those that it finds in each run. */
static const double STATIC_COSINE = 0.99, DYNAMIC_COSINE = 0.999;

typedef struct comparison {
  cli *c;
  agree_rule rule;
  bool quantised; /* some step of the engine makes 8-bit integers of other numbers */
  ig_buf text;
  ig_json json;
  size_t n, n_over;
} comparison;

static void tell(comparison *x, const char *name, const agree_result *r) {
  x->n++;
  x->n_over += !r->ok;
  if (x->c->json) {
    ig_json_open(&x->json, NULL, '{');
    ig_json_str(&x->json, "name", name);
    ig_json_bool(&x->json, "ok", r->ok);
    ig_json_f64(&x->json, "max_diff", r->max_diff);
    ig_json_f64(&x->json, "max_reference", r->max_reference);
    ig_json_i64(&x->json, "elements", r->n);
    ig_json_i64(&x->json, "over", r->n_over);
    ig_json_i64(&x->json, "worst", r->worst);
    ig_json_str(&x->json, "why", r->ok ? NULL : r->why);
    ig_json_close(&x->json, '}');
    return;
  }
  ig_buf_printf(&x->text, "%s %s: max|a-b| ", r->ok ? "ok  " : "OVER", name);
  ig_buf_g(&x->text, r->max_diff);
  ig_buf_str(&x->text, ", max|b| ");
  ig_buf_g(&x->text, r->max_reference);
  ig_buf_printf(&x->text, ", %lld elements", (long long)r->n);
  if (!r->ok) ig_buf_printf(&x->text, ": %s (%lld over; worst at element %lld)", r->why, (long long)r->n_over, (long long)r->worst);
  ig_buf_str(&x->text, "\n");
}

/* ---- outputs ---- */

/* ig_watch_fn: does the network quantise? Steps that only move values about do not tell. */
static void find_quantised(void *user, const ig_step_info *info, const ig_tensor *results, size_t n) {
  comparison *x = user;
  const char *const passive[] = {"move", "gather", "scatter", "sort", "window"};
  for (size_t i = 0; i < IG_COUNT(passive); i++)
    if (strcmp(info->kind, passive[i]) == 0) return;
  for (size_t i = 0; i < n; i++)
    x->quantised |= (results[i].dtype & 0xffu) <= 1 && IG_DTYPE_BITS(results[i].dtype) <= 8;
}

static int append(void *user, const void *bytes, size_t n) {
  ig_buf *b = user;
  ig_buf_bytes(b, bytes, n);
  return b->failed;
}

/* Does the model quantise by what it sees? model may be NULL: false. */
static ig_status finds_scales(const ig_model *model, bool *out) {
  ig_buf text;
  ig_buf_init(&text, heap);
  ig_status st = model ? ig_model_describe(model, "text", append, &text) : NULL;
  *out = !st && text.n && strstr(ig_buf_cstr(&text), "  DynamicQuantizeLinear\n");
  ig_buf_free(&text);
  return st;
}

static ig_status run_once(comparison *x, const session *s, ig_context **out) {
  IG_TRY(session_context(s, 0, out));
  if (x) ig_context_set_watch(*out, find_quantised, x);
  ig_status st = ig_context_run(*out);
  if (!st) return NULL;
  ig_context_release(*out);
  *out = NULL;
  return st;
}

static ig_status expected_file(const session *s, const char *dir, size_t i, ig_value **out) {
  char path[4096];
  IG_REQUIRE(session_data_file(dir, "output", i, path, sizeof path), IG_ERROR_IO, "--expect: there is no output_%zu.pb or output_%zu.npy in '%s'", i,
             i, dir);
  return ig_value_load_file(s->env, path, out);
}

static ig_status compare_output(comparison *x, const session *s, ig_context *ctx, const session *ref, ig_context *ref_ctx, const char *dir,
                                size_t i) {
  ig_value *a, *b = NULL;
  IG_TRY(session_output(s, ctx, i, &a));
  ig_status st = dir ? expected_file(s, dir, i, &b) : session_output(ref, ref_ctx, i, &b);
  if (!st && ig_value_tensor(b)->dtype != ig_value_tensor(a)->dtype) ig_status_free(ig_value_narrow(b, ig_value_tensor(a)->dtype));
  if (!st) {
    agree_result r;
    agree_compare(ig_value_tensor(a), ig_value_tensor(b), &x->rule, &r);
    tell(x, ig_value_name(a), &r);
  }
  ig_value_release(a);
  ig_value_release(b);
  return st;
}

static ig_status compare_outputs(comparison *x, const session *s, const session *ref, const char *dir) {
  ig_context *ctx = NULL, *ref_ctx = NULL;
  const size_t n = ig_engine_n_io(s->engine) - ig_engine_n_inputs(s->engine);
  ig_status st = run_once(x, s, &ctx);
  if (!st && !dir) st = run_once(NULL, ref, &ref_ctx);
  if (x->quantised && !x->rule.elementwise) {
    bool dynamic = false;
    if (!st) st = finds_scales(s->model ? s->model : ref->model, &dynamic);
    x->rule.cosine = dynamic ? DYNAMIC_COSINE : STATIC_COSINE;
  }
  if (!st && !dir && ig_engine_n_io(ref->engine) - ig_engine_n_inputs(ref->engine) < n)
    st = ig_status_new(IG_ERROR_INVALID_ARGUMENT, "the engine has more outputs than the model: build it without --outputs, or from this model");
  for (size_t i = 0; !st && i < n; i++)
    st = compare_output(x, s, ctx, ref, ref_ctx, dir, i);
  ig_context_release(ctx);
  ig_context_release(ref_ctx);
  return st;
}

/* ---- per node ---- */

typedef struct seen {
  uint32_t step;
  size_t result;
  ig_value *value;
} seen;
typedef struct recorder {
  ig_env *env;
  comparison *x;
  agree_rule rule;
  IG_VEC(seen) seen;
  bool comparing, over;
  ig_status st;
} recorder;

static const ig_tensor *recorded(const recorder *r, uint32_t step, size_t result) {
  for (size_t i = 0; i < r->seen.n; i++)
    if (r->seen.data[i].step == step && r->seen.data[i].result == result) return ig_value_tensor(r->seen.data[i].value);
  return NULL;
}

/* The step's result becomes the reference's: what reads it is judged by itself. */
static void replace(const ig_tensor *to, const ig_tensor *from) {
  const size_t size = IG_DTYPE_BITS(to->dtype) / 8;
  const int64_t n = agree_count(from);
  if (!size || to->dtype == IG_DTYPE_STRING) return;
  for (int64_t i = 0; i < n; i++) {
    int64_t at = 0, rest = i;
    for (int32_t k = to->rank; k-- > 0; rest /= to->dims[k])
      at += rest % to->dims[k] * to->strides[k];
    memcpy((char *)to->data + at * (int64_t)size, (const char *)from->data + (size_t)i * size, size);
  }
}

/* The engine runs second. */
static void check_step(recorder *r, const ig_step_info *info, const ig_tensor *result, size_t i, const ig_value *v) {
  const ig_tensor *want = recorded(r, info->index, i);
  if (!want) return;
  agree_result found;
  agree_rule rule = r->rule;
  rule.edge = i == 0 ? info->edge : 0;
  agree_compare(ig_value_tensor(v), want, &rule, &found);
  replace(result, want);
  if (found.ok) return;
  r->over = true;
  char name[256];
  snprintf(name, sizeof name, "first step over tolerance: step %u '%.150s' (%s)", info->index, info->name, info->kind);
  tell(r->x, name, &found);
}

static void on_step(void *user, const ig_step_info *info, const ig_tensor *results, size_t n) {
  recorder *r = user;
  for (size_t i = 0; i < n && !r->st && !r->over; i++) {
    ig_value *v;
    r->st = ig_value_create(r->env, info->name, &results[i], &v);
    if (r->st) return;
    const seen s = {info->index, i, v};
    if (r->comparing)
      check_step(r, info, &results[i], i, v);
    else if (IG_PUSH(heap, r->seen, s))
      continue;
    else
      r->st = IG_OOM();
    ig_value_release(v);
  }
}

static ig_status watch_run(const session *s, recorder *r) {
  ig_context *ctx;
  IG_TRY(session_context(s, 0, &ctx));
  ig_context_set_watch(ctx, on_step, r);
  ig_status st = ig_context_run(ctx);
  ig_context_release(ctx);
  if (!st) return r->st;
  ig_status_free(r->st);
  return st;
}

static ig_status compare_nodes(comparison *x, const session *s) {
  session ref = {0};
  recorder r = {.env = x->c->env, .x = x, .rule = x->rule};
  r.rule.cosine = 0;
  r.rule.quantised_step = true;
  ig_status st = session_open_reference(s, &ref);
  if (!st) st = watch_run(&ref, &r);
  r.comparing = true;
  if (!st) st = watch_run(s, &r);
  if (!st && !r.over && !x->c->json) ig_buf_printf(&x->text, "every step agrees (%zu results)\n", r.seen.n);
  for (size_t i = 0; i < r.seen.n; i++)
    ig_value_release(r.seen.data[i].value);
  IG_VEC_FREE(heap, r.seen);
  session_close(&ref);
  return st;
}

/* ---- the command ---- */

/* The reference's own engine: from the model as it is written, rewritten no further than shapes need, so that what a pass breaks shows. */
static ig_status open_reference(const session *s, const session_options *o, session *out) {
  session_options r = *o;
  r.device = "ref";
  r.isa_mask = IG_ISA_PORTABLE;
  r.tune = IG_TUNE_GUESS;
  r.passes = "-all";
  return session_open_with(s, &r, out);
}

static ig_status read_rule(const cli_args *a, agree_rule *rule) {
  rule->elementwise = cli_has(a, "atol") || cli_has(a, "rtol");
  IG_TRY(cli_get_f64(a, "atol", &rule->atol));
  return cli_get_f64(a, "rtol", &rule->rtol);
}

static ig_status finish(comparison *x, ig_status st) {
  if (x->c->json) {
    ig_json_close(&x->json, ']');
    ig_json_bool(&x->json, "agrees", x->n_over == 0);
    ig_json_close(&x->json, '}');
    ig_buf_str(&x->text, "\n");
  }
  if (st || x->c->quiet)
    ig_buf_free(&x->text);
  else
    st = cli_print(&x->text);
  if (st || !x->n_over) return st;
  x->c->told = x->c->json;
  return ig_status_new(IG_ERROR_MISMATCH, "%zu of %zu results are over the tolerance", x->n_over, x->n);
}

static ig_status open_all(cli *c, const cli_args *a, const session_options *o, session *s, session *ref) {
  const bool needs_reference = !cli_has(a, "expect");
  bool is_engine;
  IG_TRY(session_is_engine(o->path, &is_engine));
  IG_REQUIRE(!is_engine || !needs_reference, IG_ERROR_INVALID_ARGUMENT,
             "'%s' is an engine: the reference needs the model: ingot compare MODEL.onnx ENGINE, or --expect DIR", o->path);
  session_options e = *o;
  if (a->n_operands > 1) e.path = a->operands[1];
  IG_TRY(session_open(c->env, &e, s));
  session_options r = *o;
  r.n_inputs = r.n_values = 0; /* they come with the engine's session */
  r.shapes = NULL;
  return needs_reference ? open_reference(s, &r, ref) : NULL;
}

static ig_status run(cli *c, const cli_args *a) {
  session_options o;
  cli_lists lists;
  session s = {0}, ref = {0};
  comparison x = {.c = c};
  ig_buf_init(&x.text, heap);
  ig_json_init(&x.json, &x.text);
  ig_status st = cli_session_options(c, a, a->operands[0], &lists, &o);
  if (!st) st = read_rule(a, &x.rule);
  if (!st) st = open_all(c, a, &o, &s, &ref);
  cli_progress_end(c);
  if (c->json) {
    ig_json_open(&x.json, NULL, '{');
    ig_json_open(&x.json, "results", '[');
  }
  if (!st) st = compare_outputs(&x, &s, &ref, cli_get(a, "expect"));
  if (!st && (cli_has(a, "per-node") || (x.quantised && !x.rule.elementwise))) st = compare_nodes(&x, &s);
  st = finish(&x, st);
  session_close(&s);
  session_close(&ref);
  cli_lists_free(&lists);
  return st;
}

const cli_command cli_compare = {"compare",
                                 "MODEL.onnx [ENGINE] [options]",
                                 "Compares the engine with the reference in strict fp32, or with recorded outputs. Exit code 1: over the tolerance.",
                                 CLI_OPTIONS(options),
                                 1,
                                 2,
                                 run};
