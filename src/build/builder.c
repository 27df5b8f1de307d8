/* The whole build, in order. SPDX-License-Identifier: Apache-2.0 */
#include "build/internal.h"
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

bool ig_build_explains(const ig_builder *b, const char *name, const char *sources) {
  const char *want = b->opt->explain;
  if (!want) return false;
  if (strcmp(want, name) == 0) return true;
  const size_t n = strlen(want);
  for (const char *at = sources ? strstr(sources, want) : NULL; at; at = strstr(at + 1, want))
    if ((at == sources || at[-1] == ',') && (at[n] == 0 || at[n] == ',')) return true;
  return false;
}

void ig_build_log(ig_builder *b, const char *fmt, ...) {
  if (!b->explaining || !b->opt->write) return;
  b->explained = true;
  char line[2048];
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(line, sizeof line - 1, fmt, ap);
  va_end(ap);
  if (n < 0) return;
  if ((size_t)n > sizeof line - 2) n = (int)sizeof line - 2;
  line[n++] = '\n';
  IG_UNUSED(b->opt->write(b->opt->write_user, line, (size_t)n));
}

ig_status ig_build_tick(ig_builder *b, const char *stage, double fraction) {
  if (ig_cancelled(b->opt->cancel) || (b->opt->progress && !b->opt->progress(b->opt->progress_user, stage, fraction))) IG_FAIL(IG_ERROR_CANCELLED, "build cancelled at stage '%s'", stage);
  return NULL;
}

/* ---- optimising ---- */

/* Device and caps for the build's target. */
static ig_status open_target(ig_env *env, const ig_build_options *opt, const ig_hal **out_hal, ig_hal_device **out_dev) {
  const char *name = opt->device ? opt->device : "cpu";
  *out_dev = NULL;
  *out_hal = ig_hal_by_name(name);
  IG_REQUIRE(*out_hal, IG_ERROR_DEVICE, "device '%s' is not in this build: see `ingot devices`", name);
  IG_REQUIRE(!opt->precision || strcmp(opt->precision, "fp32") == 0, IG_ERROR_UNSUPPORTED, "--precision %s: this version builds fp32 only", opt->precision);
  const ig_hal_options o = { .isa_mask = opt->isa_mask == 0 ? ~0ull : opt->isa_mask & ~IG_ISA_PORTABLE, .n_threads = opt->n_threads ? opt->n_threads : env->n_threads };
  return (*out_hal)->open(env, &o, out_dev);
}

static ig_status optimise(ig_ir *ir, const ig_build_options *opt, const ig_caps *caps, ig_stage stage) {
  ig_evaluator ev;
  IG_TRY(ig_evaluator_open(ir->env, &ev));
  const ig_opt_options o = { .caps = *caps, .evaluate = ig_evaluate_request, .user = &ev, .passes = opt->passes, .pass_limit = opt->pass_limit > 0 ? opt->pass_limit - 1 : -1,
                             .verify_each = opt->check_passes != 0, .dump_after = opt->dump && strncmp(opt->dump, "after:", 6) == 0 ? opt->dump + 6 : NULL, .dump = opt->write, .dump_user = opt->write_user,
                             .check = opt->check_passes ? ig_build_check_pass : NULL, .cancel = opt->cancel };
  ev.opt = opt;
  ig_status st = opt->check_passes ? ig_build_check_begin(&ev, ir) : NULL;
  if (!st && ir->stage != IG_STAGE_LOWERED) st = ig_opt_canonical(ir, &o);
  if (!st && stage == IG_STAGE_LOWERED && ir->stage != IG_STAGE_LOWERED) st = ig_opt_lower(ir, &o);
  ig_evaluator_close(&ev);
  return st;
}

ig_status ig_build_to_stage(ig_ir *ir, const ig_build_options *opt, ig_stage stage) {
  static const ig_build_options defaults = IG_BUILD_OPTIONS_INIT;
  opt = opt ? opt : &defaults;
  IG_TRY(ig_build_prepare(ir, opt));
  if (stage == IG_STAGE_IMPORTED) return NULL;
  const ig_hal *hal;
  ig_hal_device *dev;
  IG_TRY(open_target(ir->env, opt, &hal, &dev));
  ig_status st = optimise(ir, opt, hal->caps(dev), stage);
  hal->close(dev);
  return st;
}

/* ---- points of the profile ---- */

static ig_status evaluate_points(ig_builder *b) {
  const ig_dims *t = &b->ir->dims;
  const size_t n = t->nodes.n;
  b->opt_values = IG_NEW_ARRAY(&b->arena, int64_t, n + 1);
  b->max_values = IG_NEW_ARRAY(&b->arena, int64_t, n + 1);
  int64_t *symbols = IG_NEW_ARRAY(&b->arena, int64_t, t->symbols.n + 1);
  if (!b->opt_values || !b->max_values || !symbols) return ig_arena_status(&b->arena);
  for (size_t s = 0; s < t->symbols.n; s++) symbols[s] = b->profiles.bounds[s][1];
  ig_dims_estimate(t->nodes.data, n, symbols, t->symbols.n, b->opt_values);
  for (size_t s = 0; s < t->symbols.n; s++) {
    symbols[s] = 0;
    for (size_t f = 0; f < b->profiles.n_profiles; f++) symbols[s] = ig_max_i64(symbols[s], b->profiles.bounds[f * t->symbols.n + s][2]);
  }
  ig_dims_estimate(t->nodes.data, n, symbols, t->symbols.n, b->max_values);
  return NULL;
}

/* ---- result ---- */

static ig_status tell_steps(ig_builder *b) {
  ig_build_result *r = b->result;
  r->n_steps = (uint32_t)b->tasks.n;
  r->steps = IG_NEW_ARRAY(&r->arena, ig_build_step, b->tasks.n + 1);
  if (!r->steps) return ig_arena_status(&r->arena);
  for (size_t i = 0; i < b->tasks.n; i++) {
    const ig_build_task *t = &b->tasks.data[i];
    ig_build_step *s = &r->steps[i];
    const bool kernel = t->kind == IG_STEP_KERNEL;
    *s = (ig_build_step){ .seconds = t->seconds, .measured = t->measured };
    s->node = ig_arena_strdup(&r->arena, t->node->name);
    s->sources = ig_arena_strdup(&r->arena, t->node->sources ? t->node->sources : t->node->name);
    s->kind = kernel ? ig_kind(t->request.kind)->name : t->kind == IG_STEP_IF ? "if" : "trap";
    s->tactic = kernel ? t->tactic->name : s->kind;
    s->reason = t->reason ? t->reason : "";
    if (!s->node || !s->sources) return ig_arena_status(&r->arena);
    if (!kernel) continue;
    r->n_moves += t->request.kind == IG_KIND_move;
    r->n_reference += strncmp(t->tactic->name, "ref.", 4) == 0;
  }
  return NULL;
}

static ig_status run(ig_builder *b, const ig_provenance *prov) {
  ig_build_result *r = b->result;
  const double t0 = now();
  r->n_nodes = b->ir->n_total_nodes;
  IG_TRY(ig_build_tick(b, "optimise", 0));
  IG_TRY(ig_build_profiles(b->ir, b->opt, &b->profiles));
  IG_TRY(open_target(b->ir->env, b->opt, &b->hal, &b->dev));
  b->n_threads = b->hal->caps(b->dev)->n_threads;
  IG_TRY(optimise(b->ir, b->opt, b->hal->caps(b->dev), IG_STAGE_LOWERED));
  IG_TRY(ig_layouts_resolve(b->ir, &b->layouts));
  IG_TRY(ig_schedule(b));
  IG_TRY(evaluate_points(b));
  r->seconds_optimise = now() - t0;
  for (size_t i = 0; i < b->ir->events.n; i++) {
    const ig_event *v = &b->ir->events.data[i];
    b->explaining = ig_build_explains(b, v->node, NULL);
    ig_build_log(b, "pass %s: %s%s", v->pass, v->near_miss ? "near miss: " : "", v->text);
  }
  b->explaining = false;
  const double t1 = now();
  IG_TRY(ig_tune(b));
  r->seconds_tune = now() - t1;
  IG_REQUIRE(!b->opt->explain || b->explained, IG_ERROR_INVALID_ARGUMENT, "--explain: no node '%s' is left or was rewritten: see `ingot show MODEL --stage imported` for their names", b->opt->explain);
  IG_TRY(ig_schedule_chains(b));
  IG_TRY(ig_schedule_inplace(b));
  IG_TRY(ig_weights_pack(b));
  const double t2 = now();
  IG_TRY(tell_steps(b));
  IG_REQUIRE(!b->opt->no_reference || !r->n_reference, IG_ERROR_UNSUPPORTED, "--no-reference: %u steps can only be run by the reference", r->n_reference);
  IG_TRY(ig_emit(b, prov));
  r->seconds_write = now() - t2;
  return ig_build_tick(b, "write", 1);
}

ig_status ig_build_ir(ig_ir *ir, const ig_build_options *opt, const ig_provenance *prov, ig_build_result *out) {
  memset(out, 0, sizeof *out);
  ig_arena_init(&out->arena, &ir->env->alloc, 0);
  ig_builder b = { .ir = ir, .opt = opt, .result = out };
  ig_arena_init(&b.arena, &ir->env->alloc, 0);
  ig_status st = run(&b, prov);
  if (b.dev) b.hal->close(b.dev);
  IG_VEC_FREE(&ir->env->alloc, b.buffers);
  IG_VEC_FREE(&ir->env->alloc, b.tasks);
  ig_arena_free(&b.arena);
  if (st) ig_build_result_free(&ir->env->alloc, out);
  return st;
}

void ig_build_result_free(const ig_allocator *a, ig_build_result *r) {
  if (r->bytes) ig_free_aligned(a, r->bytes, r->n_bytes);
  if (r->arena.alloc) ig_arena_free(&r->arena);
  memset(r, 0, sizeof *r);
}
