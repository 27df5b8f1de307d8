/* Building: a clone of the model's graph becomes a plan; how it went is told as text or JSON.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"
#include <inttypes.h>
#include <stdio.h>

/* A stage as text; after:PASS is written while the passes run. */
static ig_status dump(const ig_model *m, const ig_build_options *o) {
  ig_stage stage;
  if (!o->dump || strncmp(o->dump, "after:", 6) == 0) return NULL;
  IG_REQUIRE(ig_stage_parse(o->dump, &stage), IG_ERROR_INVALID_ARGUMENT, "'%s' is no stage: imported, canonical, lowered or after:PASS", o->dump);
  ig_buf out;
  ig_buf_init(&out, &m->env->alloc);
  return ig_buf_deliver(&out, ig_model_print(m, o, stage, &out), o->write, o->write_user);
}

/* A build ends at the first node that it cannot do; what the caller wants to know is all of them. Takes st. */
static ig_status list_all(const ig_model *m, const ig_build_options *o, ig_status st) {
  const char *issue = ig_status_detail(st, IG_DETAIL_ISSUE_CODE);
  if (ig_status_code(st) != IG_ERROR_UNSUPPORTED || !issue || strcmp(issue, "UNSUPPORTED_NODE") != 0) return st;
  ig_ir *ir;
  ig_build_problems problems;
  ig_status more = ig_model_clone(m, NULL, &ir);
  if (!more) {
    more = ig_build_find_problems(ir, o, &problems);
    if (!more) more = ig_build_problems_status(&problems);
    ig_build_problems_free(&problems);
    ig_ir_destroy(ir);
  }
  if (ig_status_code(more) != IG_ERROR_UNSUPPORTED) {
    ig_status_free(more);
    return st;
  }
  ig_status_free(st);
  return more;
}

static ig_status build(const ig_model *m, const ig_build_options *o, ig_plan *p) {
  ig_ir *ir = NULL;
  char hash[17];
  snprintf(hash, sizeof hash, "%016" PRIx64, m->hash);
  const ig_provenance prov = {.model_hash = hash};
  IG_TRY(dump(m, o));
  IG_TRY(ig_limited_env(m->env, o->max_memory, &p->limiter, &p->build_env));
  ig_status st = ig_model_clone(m, p->build_env, &ir);
  if (!st) st = ig_build_ir(ir, o, &prov, &p->result);
  ig_ir_destroy(ir);
  if (ig_status_code(st) == IG_ERROR_OUT_OF_MEMORY && atomic_load(&p->limiter.over)) {
    ig_status_free(st);
    IG_FAIL(IG_ERROR_LIMIT, "the build needs more than its %zu bytes of memory: raise --max-memory", p->limiter.limit);
  }
  return st ? list_all(m, o, st) : NULL;
}

ig_status ig_build(const ig_model *m, const ig_build_options *opt, ig_plan **out_plan) {
  IG_REQUIRE(out_plan, IG_ERROR_INVALID_ARGUMENT, "ig_build: out_plan is NULL");
  *out_plan = NULL;
  IG_REQUIRE(m, IG_ERROR_INVALID_ARGUMENT, "ig_build: model is NULL");
  ig_build_options o;
  IG_TRY(ig_build_options_read(opt, &o));
  ig_plan *p = ig_alloc_zero(&m->env->alloc, 1, sizeof *p);
  IG_CHECK_MEM(p);
  p->env = m->env;
  ig_env_retain(p->env);
  ig_status st = build(m, &o, p);
  if (st)
    ig_plan_release(p);
  else
    *out_plan = p;
  return st;
}

/* What an engine file tells of its own making: steps, tactics and reasons, but no times. */
static ig_status tell(const ig_plan_data *d, ig_build_result *r) {
  r->steps = IG_NEW_ARRAY(&r->arena, ig_build_step, d->n_steps + 1);
  if (!r->steps) return ig_arena_status(&r->arena);
  for (size_t i = 0; i < d->n_steps; i++) {
    const ig_plan_step *s = &d->steps[i];
    const bool kernel = s->kind == IG_STEP_KERNEL;
    const ig_kind_def *k = kernel ? ig_kind((ig_kind_id)d->requests[s->first_request].kind) : NULL;
    r->steps[i].node = ig_arena_strdup(&r->arena, ig_plan_name(d, s->name));
    r->steps[i].sources = ig_arena_strdup(&r->arena, ig_plan_name(d, s->sources));
    r->steps[i].kind = k ? k->name : s->kind == IG_STEP_IF ? "if" : "trap";
    r->steps[i].tactic = kernel ? ig_arena_strdup(&r->arena, ig_plan_name(d, s->tactic)) : r->steps[i].kind;
    r->steps[i].reason = ig_arena_strdup(&r->arena, ig_plan_name(d, s->reason));
    if (!r->steps[i].node || !r->steps[i].sources || !r->steps[i].tactic || !r->steps[i].reason) return ig_arena_status(&r->arena);
    r->n_moves += k && k == ig_kind(IG_KIND_move);
    r->n_reference += kernel && strncmp(r->steps[i].tactic, "ref.", 4) == 0;
  }
  r->n_steps = (uint32_t)d->n_steps;
  r->weights = d->n_weights;
  for (size_t i = 0; i < d->n_profiles; i++) {
    if (d->profiles[i].arena_size > r->activations) r->activations = d->profiles[i].arena_size;
    if (d->profiles[i].lower_bound > r->lower_bound) r->lower_bound = d->profiles[i].lower_bound;
  }
  return NULL;
}

ig_status ig_plan_wrap(ig_env *env, const ig_plan_data *data, const void *bytes, size_t n_bytes, ig_plan **out_plan) {
  ig_plan *p = ig_alloc_zero(&env->alloc, 1, sizeof *p);
  *out_plan = NULL;
  IG_CHECK_MEM(p);
  p->env = env;
  p->cached = true;
  ig_env_retain(env);
  ig_arena_init(&p->result.arena, &env->alloc, 0);
  p->result.bytes = ig_alloc_aligned(&env->alloc, n_bytes);
  if (p->result.bytes) memcpy(p->result.bytes, bytes, n_bytes);
  p->result.n_bytes = n_bytes;
  ig_status st = p->result.bytes ? tell(data, &p->result) : IG_OOM();
  if (st)
    ig_plan_release(p);
  else
    *out_plan = p;
  return st;
}

void ig_plan_release(ig_plan *p) {
  if (!p) return;
  ig_env *env = p->env;
  ig_build_result_free(p->build_env ? &p->build_env->alloc : &env->alloc, &p->result);
  ig_env_release(p->build_env);
  ig_free(&env->alloc, p, sizeof *p);
  ig_env_release(env);
}

ig_status ig_plan_save(const ig_plan *p, const char *path) {
  IG_REQUIRE(p && path, IG_ERROR_INVALID_ARGUMENT, "ig_plan_save: an argument is NULL");
  return ig_file_write(&p->env->alloc, path, p->result.bytes, p->result.n_bytes);
}

void ig_plan_bytes(const ig_plan *p, const void **out, size_t *out_n) {
  if (out) *out = p ? p->result.bytes : NULL;
  if (out_n) *out_n = p ? p->result.n_bytes : 0;
}

/* ---- description ---- */

/* "12.3 MB"; three figures are enough for people. */
static void size_text(ig_buf *out, uint64_t n) {
  static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
  size_t u = 0;
  uint64_t tenths = n * 10;
  if (n < 1000) {
    ig_buf_printf(out, "%" PRIu64 " bytes", n);
    return;
  }
  for (; tenths >= 10000 && u + 1 < IG_COUNT(units); u++)
    tenths = (tenths + 500) / 1000;
  ig_buf_printf(out, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10, units[u]);
}

static void seconds_text(ig_buf *out, double s) {
  const uint64_t us = s > 0 ? (uint64_t)(s * 1e6 + 0.5) : 0;
  if (us < 1000)
    ig_buf_printf(out, "%" PRIu64 " us", us);
  else if (us < 10000000)
    ig_buf_printf(out, "%" PRIu64 ".%02" PRIu64 " ms", us / 1000, us % 1000 / 10);
  else
    ig_buf_printf(out, "%" PRIu64 ".%02" PRIu64 " s", us / 1000000, us % 1000000 / 10000);
}

static void steps_text(const ig_build_result *r, ig_buf *out) {
  for (uint32_t i = 0; i < r->n_steps; i++) {
    const ig_build_step *s = &r->steps[i];
    ig_buf_printf(out, "  step %u: %s  %s  %s  fp32  %s ", i, s->node, s->kind, s->tactic ? s->tactic : "-", s->measured ? "measured" : "guessed");
    seconds_text(out, s->seconds);
    ig_buf_printf(out, "%s%s\n", s->reason && *s->reason ? "  because " : "", s->reason ? s->reason : "");
    if (s->sources && *s->sources && strcmp(s->sources, s->node) != 0) ig_buf_printf(out, "      from %s\n", s->sources);
  }
}

static void describe_text(const ig_plan *p, bool steps, ig_buf *out) {
  const ig_build_result *r = &p->result;
  if (!p->cached) ig_buf_printf(out, "%u node%s -> ", r->n_nodes, r->n_nodes == 1 ? "" : "s");
  ig_buf_printf(out, "%u step%s", r->n_steps, r->n_steps == 1 ? "" : "s");
  if (r->n_moves) ig_buf_printf(out, ", %u of them moving data", r->n_moves);
  if (r->n_reference) ig_buf_printf(out, ", %u by the reference alone", r->n_reference);
  ig_buf_str(out, "\nengine ");
  size_text(out, r->n_bytes);
  ig_buf_str(out, ": weights ");
  size_text(out, r->weights);
  ig_buf_str(out, "; a run takes ");
  size_text(out, r->activations);
  ig_buf_str(out, " of activations (bound ");
  size_text(out, r->lower_bound);
  ig_buf_str(out, "), of which scratch ");
  size_text(out, r->scratch);
  ig_buf_str(out, p->cached ? "\ntaken from the cache\n" : "\noptimised in ");
  if (p->cached) {
    if (steps) steps_text(r, out);
    return;
  }
  seconds_text(out, r->seconds_optimise);
  ig_buf_str(out, ", tuned in ");
  seconds_text(out, r->seconds_tune);
  ig_buf_printf(out, " (%u measured, %u from the timing cache), written in ", r->n_measured, r->n_cached);
  seconds_text(out, r->seconds_write);
  ig_buf_str(out, "\n");
  if (steps) steps_text(r, out);
}

static void describe_json(const ig_plan *p, ig_buf *out) {
  const ig_build_result *r = &p->result;
  ig_json j;
  ig_json_init(&j, out);
  ig_json_open(&j, NULL, '{');
  ig_json_bool(&j, "from_cache", p->cached);
  ig_json_i64(&j, "nodes", r->n_nodes);
  ig_json_i64(&j, "steps", r->n_steps);
  ig_json_i64(&j, "moves", r->n_moves);
  ig_json_i64(&j, "reference_steps", r->n_reference);
  ig_json_i64(&j, "engine_bytes", (int64_t)r->n_bytes);
  ig_json_open(&j, "memory", '{');
  ig_json_i64(&j, "weights", (int64_t)r->weights);
  ig_json_i64(&j, "activations", (int64_t)r->activations);
  ig_json_i64(&j, "lower_bound", (int64_t)r->lower_bound);
  ig_json_i64(&j, "scratch", (int64_t)r->scratch);
  ig_json_close(&j, '}');
  ig_json_open(&j, "seconds", '{');
  ig_json_f64(&j, "optimise", r->seconds_optimise);
  ig_json_f64(&j, "tune", r->seconds_tune);
  ig_json_f64(&j, "write", r->seconds_write);
  ig_json_close(&j, '}');
  ig_json_i64(&j, "measured", r->n_measured);
  ig_json_i64(&j, "cached", r->n_cached);
  ig_json_open(&j, "layers", '[');
  for (uint32_t i = 0; i < r->n_steps; i++) {
    const ig_build_step *s = &r->steps[i];
    ig_json_open(&j, NULL, '{');
    ig_json_str(&j, "name", s->node);
    ig_json_str(&j, "sources", s->sources);
    ig_json_str(&j, "kind", s->kind);
    ig_json_str(&j, "tactic", s->tactic);
    ig_json_str(&j, "precision", "fp32");
    ig_json_str(&j, "reason", s->reason);
    ig_json_f64(&j, "seconds", s->seconds);
    ig_json_bool(&j, "measured", s->measured);
    ig_json_close(&j, '}');
  }
  ig_json_close(&j, ']');
  ig_json_close(&j, '}');
  ig_buf_str(out, "\n");
}

ig_status ig_plan_describe(const ig_plan *p, const char *format, ig_write_fn write, void *user) {
  IG_REQUIRE(p && format && write, IG_ERROR_INVALID_ARGUMENT, "ig_plan_describe: an argument is NULL");
  const bool json = strcmp(format, "json") == 0, summary = strcmp(format, "summary") == 0;
  IG_REQUIRE(json || summary || strcmp(format, "text") == 0, IG_ERROR_INVALID_ARGUMENT,
             "ig_plan_describe: format '%s' is none of summary, text, json", format);
  ig_buf out;
  ig_buf_init(&out, &p->env->alloc);
  if (json)
    describe_json(p, &out);
  else
    describe_text(p, !summary, &out);
  return ig_buf_deliver(&out, NULL, write, user);
}
