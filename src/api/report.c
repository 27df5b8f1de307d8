/* Checking a model: all that this build cannot do of it, at once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

static ig_status find(const ig_model *m, const ig_build_options *o, ig_report *r) {
  ig_ir *ir;
  IG_TRY(ig_model_clone(m, NULL, &ir));
  r->n_nodes = ir->n_total_nodes;
  ig_status st = ig_build_find_problems(ir, o, &r->problems);
  ig_ir_destroy(ir);
  return st;
}

ig_status ig_model_check(const ig_model *m, const ig_build_options *opt, ig_report **out_report) {
  IG_REQUIRE(out_report, IG_ERROR_INVALID_ARGUMENT, "ig_model_check: out_report is NULL");
  *out_report = NULL;
  IG_REQUIRE(m, IG_ERROR_INVALID_ARGUMENT, "ig_model_check: model is NULL");
  ig_build_options o;
  IG_TRY(ig_build_options_read(opt, &o));
  ig_report *r = ig_alloc_zero(&m->env->alloc, 1, sizeof *r);
  IG_CHECK_MEM(r);
  r->env = m->env;
  ig_env_retain(r->env);
  ig_status st = find(m, &o, r);
  if (st)
    ig_report_release(r);
  else
    *out_report = r;
  return st;
}

void ig_report_release(ig_report *r) {
  if (!r) return;
  ig_env *env = r->env;
  ig_build_problems_free(&r->problems);
  ig_free(&env->alloc, r, sizeof *r);
  ig_env_release(env);
}

size_t ig_report_n_problems(const ig_report *r) { return r ? r->problems.list.n : 0; }

ig_problem ig_report_problem(const ig_report *r, size_t i) {
  if (i >= ig_report_n_problems(r)) return (ig_problem){NULL, NULL, NULL, NULL, NULL};
  const ig_build_problem *p = &r->problems.list.data[i];
  return (ig_problem){p->node, p->op, p->code, p->message, p->hint};
}

static void describe_text(const ig_report *r, ig_buf *out) {
  const size_t n = ig_report_n_problems(r);
  if (!n)
    ig_buf_printf(out, "%u node%s: all can be built\n", r->n_nodes, r->n_nodes == 1 ? "" : "s");
  else
    ig_buf_printf(out, "%u node%s, %zu problem%s:\n", r->n_nodes, r->n_nodes == 1 ? "" : "s", n, n == 1 ? "" : "s");
  for (size_t i = 0; i < n; i++) {
    const ig_problem p = ig_report_problem(r, i);
    ig_buf_printf(out, "  %s%s%s\n", p.code ? p.code : "", p.code ? ": " : "", p.message ? p.message : "");
    if (p.hint && *p.hint) ig_buf_printf(out, "      %s\n", p.hint);
  }
}

static void describe_json(const ig_report *r, ig_buf *out) {
  ig_json j;
  ig_json_init(&j, out);
  ig_json_open(&j, NULL, '{');
  ig_json_i64(&j, "nodes", r->n_nodes);
  ig_json_bool(&j, "supported", ig_report_n_problems(r) == 0);
  ig_json_open(&j, "problems", '[');
  for (size_t i = 0; i < ig_report_n_problems(r); i++) {
    const ig_problem p = ig_report_problem(r, i);
    ig_json_open(&j, NULL, '{');
    ig_json_str(&j, "node", p.node);
    ig_json_str(&j, "op", p.op);
    ig_json_str(&j, "code", p.code);
    ig_json_str(&j, "message", p.message);
    ig_json_str(&j, "hint", p.hint);
    ig_json_close(&j, '}');
  }
  ig_json_close(&j, ']');
  ig_json_close(&j, '}');
  ig_buf_str(out, "\n");
}

ig_status ig_report_describe(const ig_report *r, const char *format, ig_write_fn write, void *user) {
  IG_REQUIRE(r && format && write, IG_ERROR_INVALID_ARGUMENT, "ig_report_describe: an argument is NULL");
  const bool json = strcmp(format, "json") == 0;
  IG_REQUIRE(json || strcmp(format, "text") == 0, IG_ERROR_INVALID_ARGUMENT, "ig_report_describe: format '%s' is neither text nor json", format);
  ig_buf out;
  ig_buf_init(&out, &r->env->alloc);
  if (json)
    describe_json(r, &out);
  else
    describe_text(r, &out);
  return ig_buf_deliver(&out, NULL, write, user);
}
