/* ingot build: a model becomes an engine file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"
#include "cli/cli.h"

static const cli_option options[] = {
    {"output", "FILE", "the engine file to write; -o FILE is the same"},
    {"device", "NAME", "device to build for (cpu); see ingot devices"},
    {"threads", "N", "threads that the engine is tuned for (default: those of this process)"},
    {"precision", "fp32", "arithmetic of the engine; only fp32 so far"},
    {"tune", "MODE", "guess, measure (the default) or replay (times of the timing cache alone)"},
    {"timing-cache", "FILE", "keep measured times there and reuse them"},
    {"build-seconds", "S", "stop measuring after S seconds and guess the rest"},
    {"isa", "SET", "use at most avx2, avx512, or none (portable code)"},
    {"shapes", "NAME:1x3x..,..", "static shapes (least, best and largest alike)"},
    {"min-shapes", "NAME:1x3x..,..", "least shapes of the profile"},
    {"opt-shapes", "NAME:1x3x..,..", "shapes to tune for; alone: least and largest too"},
    {"max-shapes", "NAME:1x3x..,..", "largest shapes of the profile"},
    {"profile", NULL, "the shapes that follow belong to another profile"},
    {"values", "NAME=V,V,..", "contents of an input, fixed in the engine; may be repeated"},
    {"memory", "SIZE", "most that weights, activations and scratch may take (512M, 2G)"},
    {"max-memory", "SIZE", "most that the build itself may take"},
    {"outputs", "NAME,..", "outputs of the engine instead of the model's; inner values are possible"},
    {"cache", "DIR", "take the engine from there if the same was built before, else keep it there"},
    {"dump", "STAGE", "print imported, canonical, lowered or after:PASS to stdout"},
    {"explain", "NODE", "print every offer, time, refusal and rewrite of that node"},
    {"check-passes", NULL, "run the reference before and after each pass and compare"},
    {"passes", "-NAME,..", "switch optimiser passes off; -all: all that shapes do not hang on"},
    {"pass-limit", "N", "apply only the first N rewrites"},
    {"json", NULL, "report and errors as JSON"},
    {"quiet", NULL, "print nothing but errors"},
    {"verbose", NULL, "list every step: tactic, time, precision and why"},
};

typedef struct build_args {
  ig_build_options b;
  IG_VEC(ig_profile) profiles;
  IG_VEC(ig_value *) values;
  IG_VEC(ig_fixed_input) fixed;
  char *outputs; /* own copy, cut up */
  IG_VEC(const char *) names;
} build_args;

static const ig_allocator *const heap = &ig_libc_allocator;

static void free_args(build_args *x) {
  for (size_t i = 0; i < x->values.n; i++)
    ig_value_release(x->values.data[i]);
  IG_VEC_FREE(heap, x->values);
  IG_VEC_FREE(heap, x->profiles);
  IG_VEC_FREE(heap, x->fixed);
  IG_VEC_FREE(heap, x->names);
  ig_free(heap, x->outputs, 0);
}

static ig_status read_profiles(const cli_args *a, build_args *x) {
  ig_profile p = {NULL, NULL, NULL};
  bool any = false;
  for (size_t i = 0; i < a->n_given; i++) {
    const char *o = a->given[i].option->name, *v = a->given[i].value;
    const char **slot = strcmp(o, "min-shapes") == 0                               ? &p.min_shapes
                        : strcmp(o, "max-shapes") == 0                             ? &p.max_shapes
                        : strcmp(o, "opt-shapes") == 0 || strcmp(o, "shapes") == 0 ? &p.opt_shapes
                                                                                   : NULL;
    if (slot) {
      IG_REQUIRE(!*slot, IG_ERROR_INVALID_ARGUMENT, "--%s is given twice in one profile: --profile starts the next", o);
      *slot = v;
      any = true;
    } else if (strcmp(o, "profile") == 0) {
      IG_REQUIRE(any, IG_ERROR_INVALID_ARGUMENT, "--profile: the profile before it has no shapes");
      if (!IG_PUSH(heap, x->profiles, p)) return IG_OOM();
      p = (ig_profile){NULL, NULL, NULL};
      any = false;
    }
  }
  IG_REQUIRE(any || !x->profiles.n, IG_ERROR_INVALID_ARGUMENT, "--profile: the last profile has no shapes");
  if (any && !IG_PUSH(heap, x->profiles, p)) return IG_OOM();
  x->b.profiles = x->profiles.data;
  x->b.n_profiles = x->profiles.n;
  return NULL;
}

static ig_status unknown_input(const ig_model *m, const char *name, size_t n) {
  ig_buf known;
  ig_buf_init(&known, heap);
  ig_status st = NULL;
  for (size_t i = 0; !st && i < ig_model_n_inputs(m); i++) {
    ig_io_info io = {.struct_size = sizeof io};
    st = ig_model_io(m, i, &io);
    if (!st) ig_buf_printf(&known, "%s'%s'", i ? ", " : "", io.name);
  }
  if (!st) st = ig_status_new(IG_ERROR_INVALID_ARGUMENT, "--values: there is no input '%.*s'; the inputs are %s", (int)n, name, ig_buf_cstr(&known));
  ig_buf_free(&known);
  return st;
}

static ig_status keep_value(cli *c, const ig_io_info *io, const char *text, build_args *x) {
  ig_value *v;
  IG_TRY(session_parse_values(c->env, io, text, &v));
  if (!IG_PUSH(heap, x->values, v)) {
    ig_value_release(v);
    return IG_OOM();
  }
  const ig_fixed_input f = {io->name, ig_value_tensor(v)};
  return IG_PUSH(heap, x->fixed, f) ? NULL : IG_OOM();
}

static ig_status read_value(cli *c, const ig_model *m, const char *spec, build_args *x) {
  const char *equals = strrchr(spec, '=');
  IG_REQUIRE(equals, IG_ERROR_INVALID_ARGUMENT, "--values: '%s' is not NAME=V0,V1,...", spec);
  const size_t n = (size_t)(equals - spec);
  for (size_t i = 0; i < ig_model_n_inputs(m); i++) {
    ig_io_info io = {.struct_size = sizeof io};
    IG_TRY(ig_model_io(m, i, &io));
    if (strlen(io.name) == n && strncmp(io.name, spec, n) == 0) return keep_value(c, &io, equals + 1, x);
  }
  return unknown_input(m, spec, n);
}

static ig_status read_outputs(const char *text, build_args *x) {
  if (!text) return NULL;
  x->outputs = ig_alloc(heap, strlen(text) + 1);
  IG_CHECK_MEM(x->outputs);
  memcpy(x->outputs, text, strlen(text) + 1);
  for (char *s = x->outputs, *comma; s; s = comma ? comma + 1 : NULL) {
    comma = strchr(s, ',');
    if (comma) *comma = 0;
    if (!IG_PUSH(heap, x->names, s)) return IG_OOM();
  }
  x->b.outputs = x->names.data;
  x->b.n_outputs = x->names.n;
  return NULL;
}

static ig_status read_args(cli *c, const cli_args *a, const ig_model *m, build_args *x) {
  ig_build_options *b = &x->b;
  b->device = cli_get(a, "device");
  b->precision = cli_get(a, "precision");
  b->timing_cache = cli_get(a, "timing-cache");
  b->passes = cli_get(a, "passes");
  b->dump = cli_get(a, "dump");
  b->explain = cli_get(a, "explain");
  b->check_passes = cli_has(a, "check-passes");
  b->write = cli_stdout;
  b->cancel = c->cancel;
  b->progress = cli_progress;
  b->progress_user = c;
  IG_TRY(cli_get_u32(a, "threads", &b->n_threads));
  IG_TRY(cli_get_tune(a, &b->tune));
  IG_TRY(cli_get_seconds(a, "build-seconds", &b->build_seconds));
  if (cli_has(a, "build-seconds") && b->build_seconds == 0) b->build_seconds = -1; /* 0 seconds: at once; the API's 0 is no limit */
  IG_TRY(cli_get_isa(a, &b->isa_mask));
  IG_TRY(cli_get_size(a, "memory", &b->memory));
  IG_TRY(cli_get_size(a, "max-memory", &b->max_memory));
  if (cli_has(a, "pass-limit")) {
    IG_TRY(cli_get_i64(a, "pass-limit", &b->pass_limit));
    IG_REQUIRE(b->pass_limit >= 0 && b->pass_limit < INT64_MAX, IG_ERROR_INVALID_ARGUMENT, "--pass-limit: want 0 or more");
    b->pass_limit++;
  }
  IG_REQUIRE(b->tune != IG_TUNE_REPLAY || b->timing_cache, IG_ERROR_INVALID_ARGUMENT, "--tune replay needs --timing-cache FILE");
  IG_TRY(read_profiles(a, x));
  IG_TRY(read_outputs(cli_get(a, "outputs"), x));
  for (size_t i = 0; i < a->n_given; i++)
    if (strcmp(a->given[i].option->name, "values") == 0) IG_TRY(read_value(c, m, a->given[i].value, x));
  b->fixed = x->fixed.data;
  b->n_fixed = x->fixed.n;
  return NULL;
}

static ig_status report(const cli *c, const ig_plan *p, bool to_stdout) {
  if (c->quiet || !to_stdout) return NULL;
  return ig_plan_describe(p, c->json ? "json" : c->verbose ? "text" : "summary", cli_stdout, NULL);
}

static ig_status run(cli *c, const cli_args *a) {
  const char *to = cli_get(a, "output"), *cache = cli_get(a, "cache");
  const bool prints = cli_has(a, "dump") || cli_has(a, "explain");
  IG_REQUIRE(to || cache || prints, IG_ERROR_INVALID_ARGUMENT, "where shall the engine go? -o FILE.ingot");
  ig_model *m = NULL;
  ig_plan *p = NULL;
  build_args x = {.b = IG_BUILD_OPTIONS_INIT};
  ig_status st = ig_model_load_file(c->env, a->operands[0], NULL, &m);
  if (!st) st = read_args(c, a, m, &x);
  if (!st && cache)
    st = ig_plan_from_cache(m, &x.b, cache, &p);
  else if (!st)
    st = ig_build(m, &x.b, &p);
  cli_progress_end(c);
  if (!st) st = cli_check_cancelled(c);
  if (!st && to) st = ig_plan_save(p, to);
  if (!st) st = report(c, p, !prints);
  ig_plan_release(p);
  ig_model_release(m);
  free_args(&x);
  return st;
}

const cli_command cli_build = {"build", "MODEL.onnx -o FILE.ingot [options]", "Builds an engine file from an ONNX model.", CLI_OPTIONS(options), 1, 1,
                               run};
