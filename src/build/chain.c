/* Chains: consecutive steps that may run in bands of rows (hal/bands.h). They are marked here, after tactics are chosen and before memory is placed:
 * what a chain reads from outside, and its result, must live as long as the whole chain does, for its first step still reads when its last one writes.
 * Results between its steps have places for when the steps run one by one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "build/internal.h"

/* Tasks that write a buffer and that read it. */
typedef struct use { uint32_t writers, readers; } use;

static use *count_uses(ig_builder *b) {
  use *u = IG_NEW_ARRAY(&b->arena, use, b->buffers.n + 1);
  if (!u) return NULL;
  memset(u, 0, (b->buffers.n + 1) * sizeof *u);
  for (size_t i = 0; i < b->tasks.n; i++) {
    const ig_build_task *t = &b->tasks.data[i];
    if (t->kind == IG_STEP_IF && t->cond != IG_NONE) u[t->cond].readers++;
    if (t->kind != IG_STEP_KERNEL) continue;
    for (uint32_t k = 0; k < ig_request_n_operands(&t->request); k++)
      if (t->request.operands[k].value != IG_NO_VALUE) (*(k < t->request.n_in + t->request.n_extra ? &u[t->request.operands[k].value].readers : &u[t->request.operands[k].value].writers))++;
  }
  return u;
}

/* Does task i read what the task before it writes, and nobody else? */
static bool follows(const ig_builder *b, const use *u, size_t i) {
  const ig_build_task *t = &b->tasks.data[i], *before = t - 1;
  if (t->kind != IG_STEP_KERNEL || before->kind != IG_STEP_KERNEL || (t->flags | before->flags) & IG_STEP_BIND) return false;
  const ig_operand *x = &t->request.operands[0], *y = ig_request_out(&before->request, 0);
  if (x->value == IG_NO_VALUE || x->value != y->value || b->buffers.data[x->value].kind != IG_BUFFER_ARENA || u[x->value].writers != 1 || u[x->value].readers != 1) return false;
  return ig_same_place(x, y) && !ig_bands_refuse(&before->request, before->tactic, false) && !ig_bands_refuse(&t->request, t->tactic, true);
}

/* The bound launches of tasks [at, at + n), without addresses. */
static ig_status bind_tasks(const ig_builder *b, ig_arena *a, const int64_t *values, size_t at, uint32_t n, ig_launch *out) {
  for (uint32_t i = 0; i < n; i++) {
    const ig_build_task *t = &b->tasks.data[at + i];
    out[i] = (ig_launch){ .tactic = t->tactic, .node = t->node->name };
    IG_TRY(ig_bind_call(a, &t->request, values, &out[i].call));
    out[i].call.config = t->offer.config;
    for (uint32_t k = 0; k < ig_request_n_operands(&t->request) && k < IG_OFFER_OPERANDS; k++)
      if (t->offer.packed_mask >> k & 1) ((ig_view *)(uintptr_t)out[i].call.v)[k].format = &t->offer.packed[k];
  }
  return NULL;
}

ig_status ig_chain_plan(const ig_builder *b, const int64_t *values, size_t at, uint32_t n, ig_bands *out) {
  ig_launch l[IG_BANDS_STEPS];
  ig_arena arena;
  ig_arena_init(&arena, &b->ir->env->alloc, 0);
  *out = (ig_bands){ 0 };
  ig_status st = bind_tasks(b, &arena, values, at, n, l);
  if (!st) ig_bands_plan(l, n, b->n_threads, b->hal->caps(b->dev)->l2_bytes, out);
  ig_arena_free(&arena);
  return st;
}

static void live_together(ig_builder *b, size_t at, uint32_t n) {
  for (size_t i = at; i < at + n; i++) {
    const ig_request *r = &b->tasks.data[i].request;
    for (uint32_t k = 0; k < ig_request_n_operands(r); k++) {
      const bool inside = (k == 0 && i > at) || (k + 1 == ig_request_n_operands(r) && i + 1 < at + n);
      if (r->operands[k].value == IG_NO_VALUE || inside) continue;
      ig_build_buffer *q = &b->buffers.data[r->operands[k].value];
      if (q->first > at) q->first = (uint32_t)at;
      if (q->last < at + n - 1) q->last = (uint32_t)(at + n - 1);
    }
  }
}

static void tell(ig_builder *b, size_t at, uint32_t n, const ig_bands *bands) {
  for (size_t i = at; i < at + n; i++) {
    const ig_node *node = b->tasks.data[i].node;
    b->explaining = ig_build_explains(b, node->name, node->sources);
    ig_build_log(b, "step '%s': in a chain of %u steps from '%s' to '%s', in bands of %lld rows of the last result", node->name, n, b->tasks.data[at].node->name, b->tasks.data[at + n - 1].node->name, (long long)bands->rows);
  }
  b->explaining = false;
}

ig_status ig_schedule_chains(ig_builder *b) {
  if (!b->hal->launch_bands) return NULL;
  const use *u = count_uses(b);
  if (!u) return ig_arena_status(&b->arena);
  for (size_t i = 0; i + 1 < b->tasks.n; i++) {
    uint32_t n = 1;
    while (i + n < b->tasks.n && n < IG_BANDS_STEPS && follows(b, u, i + n)) n++;
    ig_bands bands = { 0 };
    for (; n > 1; n--) {
      IG_TRY(ig_chain_plan(b, b->opt_values, i, n, &bands));
      if (bands.n) break;
    }
    if (n == 1) continue;
    tell(b, i, n, &bands);
    for (uint32_t k = 1; k < n; k++) b->tasks.data[i + k].flags |= IG_STEP_BAND;
    live_together(b, i, n);
    i += n - 1;
  }
  return NULL;
}
