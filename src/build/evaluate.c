/* Constant folding's evaluator: one request on constant data, by the CPU's portable kernels, on one thread.
 * SPDX-License-Identifier: Apache-2.0 */
#include "build/internal.h"

ig_status ig_bind_call(ig_arena *arena, const ig_request *r, const int64_t *values, ig_call *out) {
  const uint32_t n = ig_request_n_operands(r);
  const ig_kind_def *k = ig_kind(r->kind);
  ig_view *v = IG_NEW_ARRAY(arena, ig_view, n);
  int64_t *params = ig_arena_alloc(arena, k->params_size + 8);
  ig_sinsn *insns = IG_NEW_ARRAY(arena, ig_sinsn, r->prog.n + r->epi.n + 1);
  if (!v || !params || !insns) return ig_arena_status(arena);
  for (uint32_t i = 0; i < n; i++) {
    const ig_operand *o = &r->operands[i];
    if (o->value == IG_NO_VALUE) continue;
    v[i] = (ig_view){ .dtype = o->dtype, .rank = o->rank, .block_axis = o->block_axis, .block = o->block };
    for (uint32_t d = 0; d < o->rank; d++) v[i].dims[d] = values[o->dims[d]], v[i].strides[d] = values[o->strides[d]];
  }
  if (k->params_size) memcpy(params, r->params, k->params_size);
  for (uint32_t f = 0; f < k->n_fields; f++)
    for (uint32_t w = 0; k->fields[f].type == IG_FIELD_DIM && w < k->fields[f].count; w++) {
      int64_t *word = &params[k->fields[f].word + w];
      *word = values[*word];
    }
  const ig_sprog *progs[2] = { &r->prog, &r->epi };
  uint32_t at = 0;
  for (int g = 0; g < 2; g++)
    for (uint32_t i = 0; i < progs[g]->n; i++, at++) {
      insns[at] = progs[g]->insns[i];
      if (insns[at].op == IG_SOP_DIM) insns[at] = (ig_sinsn){ .op = IG_SOP_CONST, .type = IG_S_I64, .imm = (uint64_t)values[insns[at].imm] };
    }
  *out = (ig_call){ .kind = r->kind, .n_in = r->n_in, .n_extra = r->n_extra, .n_out = r->n_out, .v = v, .params = k->params_size ? params : NULL,
                    .prog = { insns, r->prog.n }, .epi = { insns + r->prog.n, r->epi.n } };
  return NULL;
}

ig_status ig_evaluator_open(ig_env *env, ig_evaluator *out) {
  *out = (ig_evaluator){ .env = env, .hal = &ig_hal_cpu };
  ig_buf_init(&out->baseline, &env->alloc);
  const ig_hal_options o = { .isa_mask = 0, .n_threads = 1 };   /* portable kernels alone: what is folded does not depend on the machine */
  return out->hal->open(env, &o, &out->dev);
}
void ig_evaluator_close(ig_evaluator *e) {
  if (e->dev) e->hal->close(e->dev);
  e->dev = NULL;
  ig_buf_free(&e->baseline);
}

static const ig_tactic *choose(const ig_evaluator *e, const ig_query *q, ig_kind_id kind, ig_offer *offer) {
  uint32_t n;
  const ig_tactic *const *list = e->hal->tactics(e->dev, &n);
  for (uint32_t i = 0; i < n; i++) {
    const char *why = NULL;
    memset(offer, 0, sizeof *offer);
    if (list[i]->kind == kind && (list[i]->isa & ~q->caps->isa) == 0 && list[i]->query(q, offer, &why) && !offer->packed_mask) return list[i];
  }
  return NULL;
}

/* Results as constants: memory from the ir's arena, compact. */
static ig_status make_results(ig_ir *ir, const ig_request *r, ig_call *c, const ig_data **out) {
  for (uint32_t i = 0; i < r->n_out; i++) {
    ig_view *v = (ig_view *)(uintptr_t)ig_call_out(c, i);
    out[i] = NULL;
    if (!ig_view_present(v)) continue;
    ig_data *d = IG_NEW(&ir->arena, ig_data);
    if (!d) return ig_arena_status(&ir->arena);
    *d = (ig_data){ .dtype = v->dtype, .rank = v->rank };
    memcpy(d->dims, v->dims, sizeof d->dims);
    d->n_bytes = ig_dtype_bytes(v->dtype, (uint64_t)ig_view_count(v));
    void *bytes = ig_arena_alloc(&ir->arena, d->n_bytes ? d->n_bytes : 1);
    if (!bytes) return ig_arena_status(&ir->arena);
    d->bytes = v->data = bytes;
    out[i] = d;
  }
  return NULL;
}

static ig_status run(const ig_evaluator *e, const ig_tactic *t, ig_call *c, const ig_offer *offer) {
  ig_error_word error = { 0 };
  c->config = offer->config;
  c->error = &error;
  c->scratch_size = t->scratch ? t->scratch(c, 1) : 0;
  if (c->scratch_size) {
    c->scratch = ig_alloc_aligned(&e->env->alloc, c->scratch_size);
    IG_CHECK_MEM(c->scratch);
  }
  const ig_launch l = { .tactic = t, .call = *c, .n_parts = 1, .node = "" };
  ig_launch_serial(&l);
  if (c->scratch) ig_free_aligned(&e->env->alloc, c->scratch, c->scratch_size);
  IG_REQUIRE(atomic_load(&error.word) == 0, IG_ERROR_DATA, "an index lies outside its axis");
  return NULL;
}

ig_status ig_evaluate_request(void *user, ig_ir *ir, const ig_request *r, const ig_data *const *in, const ig_data **out) {
  const ig_evaluator *e = user;
  ig_arena arena;
  ig_arena_init(&arena, &e->env->alloc, 0);
  int64_t *values = IG_NEW_ARRAY(&arena, int64_t, ir->dims.nodes.n);
  ig_call c;
  ig_status st = values ? NULL : ig_arena_status(&arena);
  for (size_t i = 1; !st && i < ir->dims.nodes.n; i++) values[i] = ir->dims.nodes.data[i].op == IG_DIM_CONST ? ir->dims.nodes.data[i].imm : 0;
  if (!st) st = ig_bind_call(&arena, r, values, &c);
  for (uint32_t i = 0; !st && i < r->n_in + r->n_extra; i++)
    if (ig_view_present(&c.v[i])) ((ig_view *)(uintptr_t)&c.v[i])->data = (void *)(uintptr_t)in[i]->bytes;
  for (uint32_t i = 0; !st && i < ig_request_n_operands(r); i++)
    for (uint32_t d = 0; d < r->operands[i].rank && r->operands[i].value != IG_NO_VALUE; d++)
      if (!ig_dim_is_const(&ir->dims, r->operands[i].dims[d], NULL)) st = ig_status_new(IG_ERROR_INTERNAL, "folding a request whose dims are not constant");
  if (!st) st = make_results(ir, r, &c, out);
  if (!st) {
    const ig_region region = { .requests = (ig_request *)(uintptr_t)r, .n_requests = 1, .n_in = r->n_in + r->n_extra, .n_out = r->n_out, .n_values = ig_request_n_operands(r) };
    const ig_query q = { .region = &region, .dims = &ir->dims, .caps = e->hal->caps(e->dev), .opt = values };
    ig_offer offer;
    const ig_tactic *t = choose(e, &q, r->kind, &offer);
    st = t ? run(e, t, &c, &offer) : ig_status_new(IG_ERROR_UNSUPPORTED, "no portable kernel for kind %s", ig_kind(r->kind)->name);
  }
  ig_arena_free(&arena);
  return st;
}
