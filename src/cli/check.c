/* ingot check: all that this version cannot do of a model, at once; and the limits against hostile files.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

static const cli_option options[] = {
    {"limits", NULL, "print the limits that models are held to; MODEL may be left away"},
    {"json", NULL, "as JSON"},
};

static ig_status limits(const cli *c) {
  ig_model_options l = IG_MODEL_OPTIONS_INIT;
  IG_TRY(ig_model_default_limits(&l));
  const struct {
    const char *key, *text;
    uint64_t value;
  } rows[] = {{"nesting", "levels of graphs, functions and groups", l.max_nesting},
              {"nodes", "nodes after inlining", l.max_nodes},
              {"edges", "edges", l.max_edges},
              {"inlining", "times the nodes written, after inlining", l.max_inlining},
              {"elements", "elements of one tensor", l.max_elements},
              {"expressions", "dim expressions", l.max_expressions},
              {"memory", "bytes for importing, and 16 for each byte outside of raw tensor data", l.max_memory},
              {"max-memory", "bytes that a build may take, unless --max-memory says otherwise", ig_build_default_memory()}};
  ig_buf b;
  ig_buf_init(&b, &ig_libc_allocator);
  ig_json j;
  ig_json_init(&j, &b);
  if (c->json) ig_json_open(&j, NULL, '{');
  if (c->json) ig_json_open(&j, "limits", '{');
  for (size_t i = 0; i < IG_COUNT(rows); i++) {
    if (c->json)
      ig_json_i64(&j, rows[i].key, (int64_t)rows[i].value);
    else
      ig_buf_printf(&b, "%-12s %14llu  %s\n", rows[i].key, (unsigned long long)rows[i].value, rows[i].text);
  }
  if (c->json) {
    ig_json_close(&j, '}');
    ig_json_close(&j, '}');
    ig_buf_str(&b, "\n");
  }
  return cli_print(&b);
}

/* The report is the answer; the exit code says the same in short. */
static ig_status verdict(cli *c, const ig_report *r) {
  const size_t n = ig_report_n_problems(r);
  if (!n) return NULL;
  bool bad = false;
  for (size_t i = 0; i < n; i++) {
    const char *code = ig_report_problem(r, i).code;
    bad = bad || (code && strcmp(code, "BAD_MODEL") == 0);
  }
  c->told = true;
  return ig_status_new(bad ? IG_ERROR_BAD_MODEL : IG_ERROR_UNSUPPORTED, "%zu problems", n);
}

static ig_status run(cli *c, const cli_args *a) {
  if (cli_has(a, "limits")) IG_TRY(limits(c));
  if (!a->n_operands)
    return cli_has(a, "limits") ? NULL
                                : ig_status_with(ig_status_new(IG_ERROR_INVALID_ARGUMENT, "a file is missing: ingot check MODEL"), IG_DETAIL_HINT,
                                                 "see `ingot check --help`");
  ig_model *m;
  ig_report *r = NULL;
  IG_TRY(ig_model_load_file(c->env, a->operands[0], NULL, &m));
  const ig_build_options o = {.struct_size = sizeof o, .cancel = c->cancel};
  ig_status st = ig_model_check(m, &o, &r);
  if (!st) st = ig_report_describe(r, c->json ? "json" : "text", cli_stdout, NULL);
  if (!st) st = verdict(c, r);
  ig_report_release(r);
  ig_model_release(m);
  return st;
}

const cli_command cli_check = {
    "check",
    "MODEL [--limits] [--json]",
    "Lists all that this version cannot do of a model. Exit code 0: all can be built; 4: something is unsupported; 3: the model is wrong.",
    CLI_OPTIONS(options),
    0,
    1,
    run};
