/* The counts of tests/budget.txt, one "NAME NUMBER" a line. Without arguments those of the source: operators, kinds, rules. With NAME FILE those of
 * an engine file. tests/run/budget.sh compiles it against the static libraries.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/pass.h"
#include "plan/plan.h"
#include "unit/ops_case.h"
#include "base/file.h"

enum { MANY_STEPS = 4 };

static void must(ig_status st, const char *what) {
  if (!st) return;
  fprintf(stderr, "%s: %s\n", what, ig_status_message(st));
  exit(1);
}

static uint32_t kernels(const ig_graph *g) {
  uint32_t n = 0;
  for (const ig_node *k = g->first; k; k = k->next)
    if (k->form == IG_FORM_KERNEL) n += k->region->n_requests;
  return n;
}

/* Most kernels that any of the operator's cases lowers to, before passes. */
static uint32_t most_steps(ig_env *env, const ig_op *op) {
  uint32_t most = 0;
  for (const char *const *text = op->cases; text && *text; text++) {
    ops_case c;
    must(ops_case_begin(&c, env, op, *text, OPS_RUNTIME), op->name);
    must(ig_op_infer(c.n), op->name);
    must(ops_lower_all(c.g), op->name);
    const uint32_t n = kernels(c.g);
    most = n > most ? n : most;
    ops_case_end(&c);
  }
  return most;
}

static void count_source(ig_env *env) {
  uint32_t host = 0, many = 0, rules = 0;
  for (uint32_t i = 0; i < ig_n_ops; i++) {
    const ig_op *op = ig_ops[i];
    host += op->cls == IG_CLASS_HOST;
    uint32_t k = 0;   /* a rule that serves several operators counts once */
    while (k < i && ig_ops[k]->simplify != op->simplify) k++;
    rules += op->simplify && k == i;
    if (op->cls != IG_CLASS_COMPOSITE || !op->lower || most_steps(env, op) <= MANY_STEPS) continue;
    many++;
    fprintf(stderr, "composite of more than %d steps: %s (%u)\n", MANY_STEPS, op->name, most_steps(env, op));
  }
  printf("operators.host %u\noperators.composites_over_%d_steps %u\nrules.simplify %u\nrules.passes %u\n", host, MANY_STEPS, many, rules, ig_n_passes);
  for (uint32_t i = 0; i < ig_n_kinds; i++) printf("params.%s %u\n", ig_kinds[i]->name, ig_kinds[i]->n_fields);
}

/* A move that leads into or out of a blocked layout. */
static bool is_reorder(const ig_plan_data *p, const ig_plan_request *q) {
  if (q->kind != IG_KIND_move) return false;
  for (uint32_t i = 0; i < (uint32_t)q->n_in + q->n_extra + q->n_out; i++)
    if (p->operands[q->first_operand + i].value != IG_NO_VALUE && p->operands[q->first_operand + i].block > 1) return true;
  return false;
}

static void count_engine(ig_env *env, const char *name, const char *path) {
  ig_file_map f;
  ig_plan_data p;
  uint32_t moves = 0, reorders = 0, segments = 1, reference = 0;
  must(ig_file_open(&env->alloc, path, false, &f), path);
  must(ig_plan_read(&env->alloc, f.data, f.size, IG_VERIFY_FULL, &p), path);
  for (size_t i = 0; i < p.n_steps; i++) {
    segments += p.steps[i].kind == IG_STEP_IF && !p.steps[i].cond_dim;   /* the host reads the condition there */
    if (p.steps[i].kind != IG_STEP_KERNEL) continue;
    const ig_plan_request *q = &p.requests[p.steps[i].first_request];
    moves += q->kind == IG_KIND_move;
    reorders += is_reorder(&p, q);
    reference += strncmp(ig_plan_name(&p, p.steps[i].tactic), "ref.", 4) == 0;
  }
  printf("%s.steps %zu\n%s.moves %u\n%s.reorders %u\n", name, p.n_steps, name, moves, name, reorders);
  printf("%s.guards %zu\n%s.segments %u\n%s.reference_steps %u\n", name, p.n_guards, name, segments, name, reference);
  ig_plan_data_free(&env->alloc, &p);
  ig_file_close(&f);
}

int main(int argc, char **argv) {
  ig_env *env;
  must(ig_env_create(NULL, &env), "env");
  if (argc == 3) count_engine(env, argv[1], argv[2]);
  else count_source(env);
  ig_env_release(env);
  return 0;
}
