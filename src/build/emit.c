/* Tasks and buffers -> plan tables -> bytes. Expressions are renumbered so that only those in use reach the file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "build/emit.h"

/* ---- strings ---- */

ig_status ig_emit_name(ig_emitter *e, const char *s, uint32_t *out) {
  *out = 0;
  if (!s || !*s) return NULL;
  const void *known = ig_strmap_get(&e->names_at, s);
  if (known) {
    *out = (uint32_t)(uintptr_t)known;
    return NULL;
  }
  size_t n = strlen(s);
  if (n > IG_ENGINE_MAX_NAME) n = IG_ENGINE_MAX_NAME;
  IG_REQUIRE(e->names.n + n + 1 < UINT32_MAX, IG_ERROR_LIMIT, "engine file: names take over 4 GiB");
  *out = (uint32_t)e->names.n;
  ig_buf_bytes(&e->names, s, n);
  ig_buf_bytes(&e->names, "", 1);
  if (e->names.failed || !ig_strmap_set(&e->names_at, s, (void *)(uintptr_t)*out)) return IG_OOM();
  return NULL;
}

/* ---- expressions ---- */

/* Marks d and all below it; operands have smaller indices, so one pass from the top finds them. */
void ig_emit_use(ig_emitter *e, ig_dim d) {
  if (d) e->used[d] = 1;
}

/* Values of inputs become symbols of the engine only where an expression needs them: what is a symbol is read at every bind. Nobody can have
 * said what they may be, so profiles that have some are as those with dims left open. */
static void number_symbols(ig_emitter *e) {
  const ig_dims *t = &e->b->ir->dims;
  uint32_t next = 0;
  for (size_t s = 0; s < t->symbols.n; s++) e->symbol[s] = t->symbols.data[s].sort == IG_SYMBOL_VALUE ? IG_NONE : 0;
  for (size_t i = 1; i < t->nodes.n; i++)
    if (e->used[i] && t->nodes.data[i].op == IG_DIM_SYMBOL) e->symbol[t->nodes.data[i].a] = 0;
  for (size_t s = 0; s < t->symbols.n; s++) {
    if (e->symbol[s] == IG_NONE) continue;
    e->symbol[s] = next++;
    for (size_t f = 0; t->symbols.data[s].sort == IG_SYMBOL_VALUE && f < e->b->profiles.n_profiles; f++) e->b->profiles.defaulted[f] = true;
  }
}

static ig_status number_dims(ig_emitter *e) {
  const ig_dims *t = &e->b->ir->dims;
  for (size_t i = t->nodes.n; i-- > 1;) {
    const ig_dim_node *n = &t->nodes.data[i];
    if (!e->used[i] || n->op == IG_DIM_CONST || n->op == IG_DIM_SYMBOL) continue;
    e->used[n->a] = e->used[n->b] = e->used[n->c] = 1;
    if (n->op == IG_DIM_SCALE) e->used[n->b] = 0;
  }
  e->used[0] = 0;
  number_symbols(e);
  uint32_t next = 1;
  IG_TRY(IG_EMIT(e, dims, ((ig_dim_node){ 0 })));
  for (size_t i = 1; i < t->nodes.n; i++) {
    if (!e->used[i]) continue;
    ig_dim_node n = t->nodes.data[i];
    if (n.op != IG_DIM_CONST && n.op != IG_DIM_SYMBOL) {
      n.a = e->number[n.a];
      n.b = n.op == IG_DIM_SCALE ? 0 : e->number[n.b];
      n.c = n.op == IG_DIM_SELECT ? e->number[n.c] : n.op == IG_DIM_SCALE ? n.c : 0;
    }
    if (n.op == IG_DIM_SYMBOL) n.a = e->symbol[n.a];
    e->number[i] = next++;
    IG_TRY(IG_EMIT(e, dims, n));
  }
  return NULL;
}

static void use_request(ig_emitter *e, const ig_request *r) {
  for (uint32_t i = 0; i < ig_request_n_operands(r); i++) {
    const ig_operand *o = &r->operands[i];
    if (o->value == IG_NO_VALUE) continue;
    ig_emit_use(e, o->offset);
    for (uint32_t k = 0; k < o->rank; k++) ig_emit_use(e, o->dims[k]), ig_emit_use(e, o->strides[k]);
  }
  const ig_kind_def *k = ig_kind(r->kind);
  for (uint32_t f = 0; f < k->n_fields; f++)
    for (uint32_t w = 0; k->fields[f].type == IG_FIELD_DIM && w < k->fields[f].count; w++) {
      int64_t d;
      memcpy(&d, (const char *)r->params + 8 * (k->fields[f].word + w), 8);
      ig_emit_use(e, (ig_dim)d);
    }
  const ig_sprog *progs[2] = { &r->prog, &r->epi };
  for (int g = 0; g < 2; g++)
    for (uint32_t i = 0; i < progs[g]->n; i++)
      if (progs[g]->insns[i].op == IG_SOP_DIM) ig_emit_use(e, (ig_dim)progs[g]->insns[i].imm);
}

static ig_status mark_all(ig_emitter *e) {
  ig_builder *b = e->b;
  const ig_graph *g = b->ir->main;
  for (size_t i = 0; i < b->tasks.n; i++) {
    ig_emit_use(e, b->tasks.data[i].cond_dim);
    if (b->tasks.data[i].kind == IG_STEP_KERNEL) use_request(e, &b->tasks.data[i].request);
  }
  for (size_t i = 0; i < b->buffers.n; i++)
    if (b->buffers.data[i].kind != IG_BUFFER_CONSTANT) ig_emit_use(e, b->buffers.data[i].bytes);
  for (uint32_t i = 0; i < g->n_inputs; i++)
    for (int k = 0; k < g->inputs[i]->rank; k++) ig_emit_use(e, g->inputs[i]->dims[k]);
  for (uint32_t i = 0; i < g->n_outputs; i++)
    for (int k = 0; k < ig_graph_output(g, i)->rank; k++) ig_emit_use(e, ig_graph_output(g, i)->dims[k]);
  for (size_t i = 0; i < b->ir->dims.guards.n; i++) ig_emit_use(e, b->ir->dims.guards.data[i].a), ig_emit_use(e, b->ir->dims.guards.data[i].b);
  return number_dims(e);
}

/* ---- small tables ---- */

/* The If and the arm whose guards have that scope; false where the arm is gone, and what it assumed with it. */
static bool find_arm(const ig_builder *b, uint32_t scope, ig_plan_guard *out) {
  out->step = IG_NONE;
  if (scope == 0) return true;
  for (size_t i = 0; i < b->tasks.n; i++)
    for (uint32_t k = 0; b->tasks.data[i].kind == IG_STEP_IF && k < 2; k++)
      if (b->tasks.data[i].node->arms[k]->scope == scope) {
        out->step = (uint32_t)i;
        out->arm = k;
        return true;
      }
  return false;
}

static ig_status emit_symbols(ig_emitter *e) {
  const ig_dims *t = &e->b->ir->dims;
  const ig_profile_table *p = &e->b->profiles;
  for (size_t i = 0; i < t->symbols.n; i++) {
    const ig_symbol *s = &t->symbols.data[i];
    if (e->symbol[i] == IG_NONE) continue;
    ig_plan_symbol y = { .sort = (uint32_t)s->sort, .io = s->io, .axis = s->axis, .min = s->min, .max = s->max };
    IG_TRY(ig_emit_name(e, s->name, &y.name));
    IG_TRY(IG_EMIT(e, symbols, y));
  }
  for (size_t i = 0; i < p->n_profiles * t->symbols.n; i++)
    if (e->symbol[i % t->symbols.n] != IG_NONE) IG_TRY(IG_EMIT(e, ranges, ((ig_plan_range){ p->bounds[i][0], p->bounds[i][1], p->bounds[i][2] })));
  for (size_t i = 0; i < t->guards.n; i++) {
    const ig_guard *g = &t->guards.data[i];
    ig_plan_guard y = { .rel = (uint32_t)g->rel, .a = e->number[g->a], .b = e->number[g->b] };
    if (!find_arm(e->b, g->scope, &y)) continue;
    IG_TRY(ig_emit_name(e, g->node, &y.node));
    IG_TRY(ig_emit_name(e, g->what, &y.what));
    IG_TRY(IG_EMIT(e, guards, y));
  }
  return NULL;
}

static ig_status emit_io(ig_emitter *e) {
  const ig_ir *ir = e->b->ir;
  const ig_graph *g = ir->main;
  for (uint32_t i = 0; i < g->n_inputs + g->n_outputs; i++) {
    const bool in = i < g->n_inputs;
    const ig_val *v = in ? g->inputs[i] : ig_graph_output(g, i - g->n_inputs);
    ig_plan_io y = { .role = in ? IG_IO_INPUT : IG_IO_OUTPUT, .onnx_dtype = ig_dtype_to_onnx(v->dtype), .rank = (uint32_t)v->rank, .buffer = i, .required_blob = IG_NONE };
    IG_REQUIRE(v->kind == IG_VAL_TENSOR && y.onnx_dtype, IG_ERROR_UNSUPPORTED, "%s '%s' is no tensor of a type that engines hold", in ? "input" : "output", v->name);
    IG_TRY(ig_emit_name(e, in ? v->name : g->output_names[i - g->n_inputs], &y.name));
    for (int k = 0; k < v->rank; k++) {
      const ig_dim_node *d = &ir->dims.nodes.data[v->dims[k]];
      y.dims[k] = e->number[v->dims[k]];
      if (d->op == IG_DIM_SYMBOL) IG_TRY(ig_emit_name(e, ir->dims.symbols.data[d->a].name, &y.dim_names[k]));
    }
    if (in && v->forward && ig_val_resolve((ig_val *)(uintptr_t)v)->data) IG_TRY(ig_emit_blob(e, ig_val_resolve((ig_val *)(uintptr_t)v)->data, NULL, NULL, 0, &y.required_blob));
    IG_TRY(IG_EMIT(e, io, y));
  }
  return NULL;
}

static ig_status emit_buffers(ig_emitter *e) {
  ig_builder *b = e->b;
  for (size_t i = 0; i < b->buffers.n; i++) {
    const ig_build_buffer *q = &b->buffers.data[i];
    ig_plan_buffer y = { .kind = q->kind, .index = q->kind == IG_BUFFER_INPUT || q->kind == IG_BUFFER_OUTPUT ? q->index : IG_NONE, .first_step = q->first, .last_step = q->last, .alias = q->alias };
    IG_TRY(ig_emit_name(e, q->name, &y.name));
    if (q->kind == IG_BUFFER_CONSTANT) IG_TRY(ig_emit_blob(e, q->data, q->format, &q->packed_from, q->once, &y.index));
    else if (q->kind != IG_BUFFER_SCRATCH) y.bytes = e->number[q->bytes];
    IG_TRY(IG_EMIT(e, buffers, y));
  }
  return NULL;
}

/* ---- steps ---- */

static ig_status emit_request(ig_emitter *e, const ig_request *r) {
  const ig_kind_def *k = ig_kind(r->kind);
  ig_plan_request y = { .kind = (uint16_t)r->kind, .n_in = (uint16_t)r->n_in, .n_extra = (uint16_t)r->n_extra, .n_out = (uint16_t)r->n_out, .first_operand = (uint32_t)e->operands.n,
                        .first_param = (uint32_t)e->params.n, .n_params = k->params_size / 8, .first_prog = (uint32_t)e->insns.n, .n_prog = r->prog.n, .n_epi = r->epi.n };
  y.first_epi = y.first_prog + r->prog.n;
  for (uint32_t i = 0; i < ig_request_n_operands(r); i++) {
    ig_operand o = r->operands[i];
    if (o.value == IG_NO_VALUE) o = (ig_operand){ .value = IG_NO_VALUE };
    o.offset = e->number[o.offset];
    for (uint32_t d = 0; d < IG_MAX_RANK; d++) o.dims[d] = e->number[o.dims[d]], o.strides[d] = e->number[o.strides[d]];
    IG_TRY(IG_EMIT(e, operands, o));
  }
  int64_t words[128] = { 0 };
  if (k->params_size) memcpy(words, r->params, k->params_size);
  for (uint32_t f = 0; f < k->n_fields; f++)
    for (uint32_t w = 0; k->fields[f].type == IG_FIELD_DIM && w < k->fields[f].count; w++) {
      int64_t *word = &words[k->fields[f].word + w];
      *word = e->number[*word];
    }
  for (uint32_t i = 0; i < y.n_params; i++) IG_TRY(IG_EMIT(e, params, words[i]));
  const ig_sprog *progs[2] = { &r->prog, &r->epi };
  for (int g = 0; g < 2; g++)
    for (uint32_t i = 0; i < progs[g]->n; i++) {
      ig_sinsn s = progs[g]->insns[i];
      if (s.op == IG_SOP_DIM) s.imm = e->number[s.imm];
      IG_TRY(IG_EMIT(e, insns, s));
    }
  return IG_EMIT(e, requests, y);
}

static ig_status emit_steps(ig_emitter *e) {
  ig_builder *b = e->b;
  for (size_t i = 0; i < b->tasks.n; i++) {
    const ig_build_task *t = &b->tasks.data[i];
    ig_plan_step y = { .kind = t->kind, .flags = t->flags, .first_request = (uint32_t)e->requests.n, .scratch = t->scratch, .cond = t->cond, .cond_dim = e->number[t->cond_dim], .n_then = t->n_then, .n_else = t->n_else };
    IG_TRY(ig_emit_name(e, t->node->name, &y.name));
    IG_TRY(ig_emit_name(e, t->node->sources, &y.sources));
    IG_TRY(ig_emit_name(e, t->reason, &y.reason));
    IG_TRY(ig_emit_name(e, t->node->trap, &y.message));
    if (t->kind == IG_STEP_KERNEL) {
      y.n_requests = 1;
      y.tactic_version = t->tactic->version;
      IG_TRY(ig_emit_name(e, t->tactic->name, &y.tactic));
      memcpy(y.config, t->offer.config, sizeof y.config);
      IG_TRY(emit_request(e, &t->request));
      e->isa |= t->tactic->isa;
    }
    IG_TRY(IG_EMIT(e, steps, y));
  }
  return NULL;
}

static ig_status emit_meta(ig_emitter *e, const ig_provenance *prov) {
  const ig_ir *ir = e->b->ir;
  for (uint32_t i = 0; i < ir->n_props; i++) {
    ig_plan_meta m;
    IG_TRY(ig_emit_name(e, ir->props[i].key, &m.key));
    IG_TRY(ig_emit_name(e, ir->props[i].value, &m.value));
    IG_TRY(IG_EMIT(e, meta, m));
  }
  const char *pairs[][2] = { { "builder", ig_version() }, { "model_hash", prov ? prov->model_hash : NULL }, { "producer", ir->producer } };
  for (size_t i = 0; i < IG_COUNT(pairs); i++) {
    ig_plan_meta m;
    if (!pairs[i][1]) continue;
    IG_TRY(ig_emit_name(e, pairs[i][0], &m.key));
    IG_TRY(ig_emit_name(e, pairs[i][1], &m.value));
    IG_TRY(IG_EMIT(e, provenance, m));
  }
  ig_plan_target t = { .n_threads = e->b->n_threads, .isa = e->isa, .n_profiles = (uint32_t)e->b->profiles.n_profiles, .n_symbols = (uint32_t)e->symbols.n };
  IG_TRY(ig_emit_name(e, e->b->hal->name, &t.device));
  return IG_EMIT(e, targets, t);
}

static ig_status write_plan(ig_emitter *e) {
  ig_build_result *r = e->b->result;
  if (e->names.failed) return IG_OOM();
  const ig_plan_data p = {
#define TABLE(m) .m = e->m.data, .n_##m = e->m.n
    TABLE(meta), TABLE(provenance), TABLE(targets), TABLE(io), TABLE(symbols), TABLE(dims), TABLE(guards), TABLE(profiles), TABLE(ranges), TABLE(buffers), TABLE(places),
    TABLE(steps), TABLE(requests), TABLE(operands), TABLE(params), TABLE(insns), TABLE(blobs), TABLE(weights),
#undef TABLE
    .names = e->names.data, .n_names = e->names.n,
  };
  r->weights = e->weights.n;
  return ig_plan_write(&e->b->ir->env->alloc, &p, &r->bytes, &r->n_bytes);
}

static void emitter_free(ig_emitter *e) {
  const ig_allocator *a = &e->b->ir->env->alloc;
#define TABLE(m) IG_VEC_FREE(a, e->m);
  TABLE(meta) TABLE(provenance) TABLE(targets) TABLE(io) TABLE(symbols) TABLE(dims) TABLE(guards) TABLE(profiles) TABLE(ranges) TABLE(buffers) TABLE(places)
  TABLE(steps) TABLE(requests) TABLE(operands) TABLE(params) TABLE(insns) TABLE(blobs) TABLE(weights)
#undef TABLE
  ig_buf_free(&e->names);
  ig_strmap_free(&e->names_at);
}

static ig_status emit_all(ig_emitter *e, const ig_provenance *prov) {
  ig_buf_bytes(&e->names, "", 1);
  e->used = IG_NEW_ARRAY(&e->b->arena, uint8_t, e->b->ir->dims.nodes.n + 1);
  e->number = IG_NEW_ARRAY(&e->b->arena, uint32_t, e->b->ir->dims.nodes.n + 1);
  e->symbol = IG_NEW_ARRAY(&e->b->arena, uint32_t, e->b->ir->dims.symbols.n + 1);
  if (!e->used || !e->number || !e->symbol) return ig_arena_status(&e->b->arena);
  IG_TRY(mark_all(e));
  IG_TRY(emit_symbols(e));
  IG_TRY(emit_io(e));
  IG_TRY(emit_buffers(e));
  IG_TRY(ig_emit_places(e));
  IG_TRY(emit_steps(e));
  IG_TRY(emit_meta(e, prov));
  return write_plan(e);
}

ig_status ig_emit(ig_builder *b, const ig_provenance *prov) {
  ig_emitter e = { .b = b };
  ig_buf_init(&e.names, &b->ir->env->alloc);
  ig_strmap_init(&e.names_at, &b->ir->env->alloc);
  ig_status st = emit_all(&e, prov);
  emitter_free(&e);
  return st;
}
