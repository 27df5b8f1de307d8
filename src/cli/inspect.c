/* ingot inspect: what an engine file is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

static const cli_option options[] = {
    {"memory", NULL, "the bytes that a run takes, by kind"},
    {"shapes", "NAME:1x3x..,..", "with --memory: at these shapes instead of the largest profile"},
    {"json", NULL, "as JSON"},
};

static void memory_text(const ig_memory_info *m, ig_buf *b) {
  const struct {
    const char *name;
    uint64_t n;
  } rows[] = {{"weights", m->weights}, {"activations", m->activations}, {"scratch", m->scratch}, {"inputs", m->inputs}, {"outputs", m->outputs}};
  for (size_t i = 0; i < IG_COUNT(rows); i++)
    ig_buf_printf(b, "%-12s %14llu\n", rows[i].name, (unsigned long long)rows[i].n);
  ig_buf_printf(b, "%-12s %14llu   weights + activations, scratch among them: what `build --memory` caps\n", "total",
                (unsigned long long)(m->weights + m->activations));
  ig_buf_printf(b, "%-12s %14llu   no placement of the activations is smaller\n", "bound", (unsigned long long)m->lower_bound);
}

static void memory_json(const ig_memory_info *m, ig_buf *b) {
  ig_json j;
  ig_json_init(&j, b);
  ig_json_open(&j, NULL, '{');
  ig_json_i64(&j, "weights", (int64_t)m->weights);
  ig_json_i64(&j, "activations", (int64_t)m->activations);
  ig_json_i64(&j, "scratch", (int64_t)m->scratch);
  ig_json_i64(&j, "inputs", (int64_t)m->inputs);
  ig_json_i64(&j, "outputs", (int64_t)m->outputs);
  ig_json_i64(&j, "total", (int64_t)(m->weights + m->activations));
  ig_json_i64(&j, "lower_bound", (int64_t)m->lower_bound);
  ig_json_close(&j, '}');
  ig_buf_str(b, "\n");
}

static ig_status memory(const cli *c, const cli_args *a, const ig_engine *e) {
  ig_memory_info m = {.struct_size = sizeof m};
  IG_TRY(ig_engine_memory(e, cli_get(a, "shapes"), &m));
  ig_buf b;
  ig_buf_init(&b, &ig_libc_allocator);
  if (c->json)
    memory_json(&m, &b);
  else
    memory_text(&m, &b);
  return cli_print(&b);
}

static ig_status run(cli *c, const cli_args *a) {
  IG_REQUIRE(!cli_has(a, "shapes") || cli_has(a, "memory"), IG_ERROR_INVALID_ARGUMENT, "--shapes belongs to --memory");
  ig_engine *e;
  IG_TRY(ig_engine_load_file(c->env, a->operands[0], NULL, &e));
  ig_status st = cli_has(a, "memory") ? memory(c, a, e) : ig_engine_describe(e, c->json ? "json" : "text", cli_stdout, NULL);
  ig_engine_release(e);
  return st;
}

const cli_command cli_inspect = {
    "inspect", "ENGINE [--memory] [--json]", "Tells what an engine file is: inputs, outputs, memory, steps.", CLI_OPTIONS(options), 1, 1, run};
