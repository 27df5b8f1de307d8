/* Constants of the chosen tactics: packed forms replace plain operands where an offer wants them, and scratch gets its buffers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "build/internal.h"

/* The packed form holds the operand's logical elements, axes in order (ig_packed_once). Its operand is compact. */
static ig_status pack_operand(ig_builder *b, const ig_build_task *t, uint32_t i, uint32_t at) {
  ig_dims *d = &b->ir->dims;
  ig_operand *o = &t->request.operands[i];
  uint32_t once = 0;
  for (uint32_t k = 0; k < o->rank; k++) {
    if (ig_packed_once(t->request.kind, o->rank, k) && ig_dim_equals(d, o->strides[k], 0)) once |= 1u << k;
    else if (!ig_dim_is_const(d, o->dims[k], NULL) || !ig_dim_is_const(d, o->strides[k], NULL)) IG_NODE_FAIL(t->node, IG_ERROR_INTERNAL, "%s packs an operand of unknown size", t->tactic->name);
  }
  ig_build_buffer q = { .kind = IG_BUFFER_CONSTANT, .name = b->buffers.data[o->value].name, .data = b->buffers.data[o->value].data, .format = &t->offer.packed[i], .packed_from = *o, .once = once, .alias = IG_NONE, .first = at, .last = at };
  const uint32_t buffer = (uint32_t)b->buffers.n;
  if (!IG_PUSH(&b->ir->env->alloc, b->buffers, q)) return IG_OOM();
  ig_dim s = ig_dim_const(d, 1);
  for (uint32_t k = o->rank; k-- > 0;) {
    if (once >> k & 1) continue;
    o->strides[k] = s;
    s = ig_dim_mul(d, s, o->dims[k]);
  }
  o->offset = ig_dim_const(d, 0);
  o->value = buffer;
  return ig_dims_take_error(d);
}

static ig_status add_scratch(ig_builder *b, ig_build_task *t, uint32_t at) {
  ig_arena arena;
  ig_arena_init(&arena, &b->ir->env->alloc, 0);
  ig_call c;
  ig_status st = ig_bind_call(&arena, &t->request, b->max_values, &c);
  size_t bytes = 0;
  if (!st && t->tactic->scratch) {
    uint32_t parts = t->tactic->parts ? t->tactic->parts(&c, b->n_threads) : b->n_threads;
    parts = parts < 1 ? 1 : parts > b->n_threads ? b->n_threads : parts;
    c.config = t->offer.config;
    bytes = t->tactic->scratch(&c, parts);
  }
  ig_arena_free(&arena);
  uint32_t last = at;
  while (last + 1 < b->tasks.n && b->tasks.data[last + 1].flags & IG_STEP_BAND) last++;
  ig_bands bands = { 0 };
  if (!st && last > at && !(t->flags & IG_STEP_BAND)) st = ig_chain_plan(b, b->max_values, at, last - at + 1, &bands);
  if (bytes < bands.scratch * bands.n_parts) bytes = bands.scratch * bands.n_parts;
  if (st || !bytes) return st;
  const ig_build_buffer q = { .kind = IG_BUFFER_SCRATCH, .name = t->node->name, .alias = IG_NONE, .first = at, .last = t->flags & IG_STEP_BAND ? at : last, .scratch = bytes };   /* a chain may run at other shapes than the largest */
  t->scratch = (uint32_t)b->buffers.n;
  return IG_PUSH(&b->ir->env->alloc, b->buffers, q) ? NULL : IG_OOM();
}

/* Constants that are read in packed forms alone stay out of the engine: buffers without a reader go, the others are numbered anew. */
static ig_status drop_unread(ig_builder *b) {
  const uint32_t n = (uint32_t)b->buffers.n;
  uint32_t *number = IG_NEW_ARRAY(&b->arena, uint32_t, n + 1), kept = 0;
  if (!number) return ig_arena_status(&b->arena);
  for (uint32_t i = 0; i < n; i++) number[i] = b->buffers.data[i].kind != IG_BUFFER_CONSTANT;
  for (size_t i = 0; i < b->tasks.n; i++) {
    const ig_build_task *t = &b->tasks.data[i];
    if (t->kind == IG_STEP_IF && t->cond != IG_NONE) number[t->cond] = 1;
    for (uint32_t k = 0; t->kind == IG_STEP_KERNEL && k < ig_request_n_operands(&t->request); k++)
      if (t->request.operands[k].value != IG_NO_VALUE) number[t->request.operands[k].value] = 1;
  }
  for (uint32_t i = 0; i < n; i++) {
    if (!number[i]) continue;
    number[i] = kept;
    b->buffers.data[kept++] = b->buffers.data[i];
  }
  b->buffers.n = kept;
  for (uint32_t i = 0; i < kept; i++)
    if (b->buffers.data[i].alias != IG_NONE) b->buffers.data[i].alias = number[b->buffers.data[i].alias];
  for (size_t i = 0; i < b->tasks.n; i++) {
    ig_build_task *t = &b->tasks.data[i];
    if (t->kind == IG_STEP_IF && t->cond != IG_NONE) t->cond = number[t->cond];
    if (t->scratch != IG_NONE) t->scratch = number[t->scratch];
    for (uint32_t k = 0; t->kind == IG_STEP_KERNEL && k < ig_request_n_operands(&t->request); k++)
      if (t->request.operands[k].value != IG_NO_VALUE) t->request.operands[k].value = number[t->request.operands[k].value];
  }
  return NULL;
}

ig_status ig_weights_pack(ig_builder *b) {
  for (uint32_t i = 0; i < b->tasks.n; i++) {
    ig_build_task *t = &b->tasks.data[i];
    if (t->kind != IG_STEP_KERNEL) continue;
    for (uint32_t k = 0; k < ig_request_n_operands(&t->request) && k < IG_OFFER_OPERANDS; k++)
      if (t->offer.packed_mask >> k & 1) IG_TRY(pack_operand(b, t, k, i));
    IG_TRY(add_scratch(b, t, i));
  }
  return drop_unread(b);
}
