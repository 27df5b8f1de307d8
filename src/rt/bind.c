/* Bind: shapes -> symbols -> guards -> sizes -> places -> every operand proven inside its buffer -> arguments. After it, running is
 * a loop over prepared launches. Everything that depends on shapes is checked here, so a damaged or hostile engine fails here.
 * The arms of an If need not both make sense at the shapes at hand: what is wrong with one is kept and said when it is taken.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rt/rt.h"

/* ---- 1. symbols, dims, guards ---- */

static ig_status read_value(const ig_context *c, const ig_plan_symbol *s, int64_t *out) {
  const ig_io_state *io = &c->io[s->io];
  const char *name = ig_io_name(c->engine, s->io);
  const void *data = io->external ? io->external_data : io->own.address;
  const ig_dtype d = ig_io_dtype(&c->engine->plan.io[s->io]);
  int64_t n = 1;
  for (uint32_t k = 0; k < c->engine->plan.io[s->io].rank; k++) n *= io->dims[k];
  IG_REQUIRE(data && !io->strided, IG_ERROR_SHAPE, "input '%s' decides shapes: set its data (compact) before shapes are asked for or the context runs", name);
  IG_REQUIRE(s->axis < n, IG_ERROR_SHAPE, "input '%s' has %lld elements, this engine reads element %u", name, (long long)n, s->axis);
  if (d == IG_DTYPE_I64) memcpy(out, (const int64_t *)data + s->axis, 8);
  else if (d == IG_DTYPE_I32) *out = ((const int32_t *)data)[s->axis];
  else IG_FAIL(IG_ERROR_BAD_ENGINE, "input '%s': %s decides shapes, expected int32 or int64", name, ig_dtype_name(d));
  return NULL;
}

bool ig_context_values_changed(const ig_context *c) {
  const ig_plan_data *p = &c->engine->plan;
  for (size_t i = 0; i < p->n_symbols; i++) {
    int64_t now;
    if (p->symbols[i].sort == IG_SYMBOL_INPUT || !c->io[p->symbols[i].io].external) continue;
    ig_status st = read_value(c, &p->symbols[i], &now);
    if (st || now != c->symbols[i]) return ig_status_free(st), true; /* bind says what is wrong */
  }
  return false;
}

/* NULL where expression d has a value at these shapes; else why it has none. */
static ig_status defined(ig_context *c, ig_dim d) {
  const ig_plan_data *p = &c->engine->plan;
  if (c->dims[d] != IG_DIM_UNDEFINED) return NULL;
  IG_TRY(ig_dims_eval(p->dims, (size_t)d + 1, c->symbols, p->n_symbols, c->dims));
  IG_FAIL(IG_ERROR_SHAPE, "dimension expression %u has no value for these shapes", d);
}

/* The guards of one arm of an If step; step IG_NONE: those that always count. */
static ig_status check_guards(ig_context *c, uint32_t step, uint32_t arm) {
  const ig_plan_data *p = &c->engine->plan;
  for (size_t i = 0; i < p->n_guards; i++) {
    const ig_plan_guard *g = &p->guards[i];
    if (g->step != step || (step != IG_NONE && g->arm != arm)) continue;
    IG_TRY_NOTE(defined(c, g->a), "node '%s'", ig_plan_name(p, g->node));
    IG_TRY_NOTE(defined(c, g->b), "node '%s'", ig_plan_name(p, g->node));
    const int64_t a = c->dims[g->a], b = c->dims[g->b];
    const bool holds = g->rel == IG_GUARD_GE ? a >= b : a == b || (g->rel == IG_GUARD_BROADCAST && (a == 1 || b == 1));
    const char *rel = g->rel == IG_GUARD_GE ? "at least" : g->rel == IG_GUARD_EQ ? "equal to" : "broadcastable with";
    IG_REQUIRE(holds, IG_ERROR_SHAPE, "node '%s': %s: %lld is not %s %lld at these input shapes", ig_plan_name(p, g->node), *ig_plan_name(p, g->what) ? ig_plan_name(p, g->what) : "dims", (long long)a, rel, (long long)b);
  }
  return NULL;
}

ig_status ig_context_evaluate(ig_context *c) {
  const ig_engine *e = c->engine;
  const ig_plan_data *p = &e->plan;
  for (size_t i = 0; i < p->n_symbols; i++) {
    const ig_plan_symbol *s = &p->symbols[i];
    if (s->sort == IG_SYMBOL_INPUT) c->symbols[i] = c->io[s->io].dims[s->axis];
    else IG_TRY(read_value(c, s, &c->symbols[i]));
  }
  IG_TRY(ig_dims_eval_defined(p->dims, p->n_dims, c->symbols, p->n_symbols, c->dims));
  for (size_t i = 0; i < e->n_inputs; i++)
    for (uint32_t k = 0; k < p->io[i].rank; k++) {
      const int64_t want = c->dims[p->io[i].dims[k]];
      IG_REQUIRE(want == c->io[i].dims[k], IG_ERROR_SHAPE, "input '%s': dim %u is %lld, the other inputs say %lld", ig_io_name(e, i), k, (long long)c->io[i].dims[k], (long long)want);
    }
  return check_guards(c, IG_NONE, 0);
}

/* ---- 2. operands, params, programs ---- */

static ig_status bind_view(ig_context *c, ig_kind_id kind, size_t at, const char *node) {
  const ig_engine *e = c->engine;
  const ig_operand *o = &e->plan.operands[at];
  ig_view *v = &c->views[at];
  memset(v, 0, sizeof *v);
  if (o->value == IG_NO_VALUE) return NULL;
  v->dtype = o->dtype;
  v->rank = o->rank;
  v->block_axis = o->block_axis;
  v->block = o->block;
  uint64_t n = 1;
  IG_TRY_NOTE(defined(c, o->offset), "node '%s'", node);
  for (uint32_t k = 0; k < o->rank; k++) {
    IG_TRY_NOTE(defined(c, o->dims[k]), "node '%s'", node);
    IG_TRY_NOTE(defined(c, o->strides[k]), "node '%s'", node);
    v->dims[k] = c->dims[o->dims[k]];
    v->strides[k] = c->dims[o->strides[k]];
    IG_REQUIRE(v->dims[k] >= 0, IG_ERROR_SHAPE, "node '%s': an operand has dim %lld at these input shapes", node, (long long)v->dims[k]);
    IG_REQUIRE(!__builtin_mul_overflow(n, (uint64_t)v->dims[k], &n) && n <= (uint64_t)IG_DIM_UNBOUNDED, IG_ERROR_LIMIT, "node '%s': an operand has more than 2^40 elements at these input shapes", node);
  }
  const ig_const_ref *ref = &e->constants[at];
  if (ref->data && ref->format) {   /* packed: the blob holds exactly this operand, see ig_packed_once */
    const ig_plan_blob *b = &e->plan.blobs[e->plan.buffers[o->value].index];
    const bool stored = ref->format == &b->format;
    for (uint32_t k = 0; stored && k < o->rank; k++)
      IG_REQUIRE(b->rank == o->rank && b->dims[k] == (v->strides[k] == 0 && ig_packed_once(kind, o->rank, k) ? 1 : v->dims[k]), IG_ERROR_BAD_ENGINE, "node '%s': packed weights do not have their operand's dims", node);
    v->format = ref->format;
  }
  return NULL;
}

static ig_status check_request(ig_context *c, const ig_request *r, const ig_view *views, const int64_t *params, const char *node) {
  /* The kind's own rule, fed with numbers: what was proven with symbols at build holds for these values, or the engine is wrong. */
  ig_operand ops[144];
  int64_t words[128];
  const uint32_t n = ig_request_n_operands(r);
  const ig_kind_def *k = ig_kind(r->kind);
  ig_dims *t = &c->check;
  for (uint32_t i = 0; i < n; i++) {
    ops[i] = r->operands[i];
    for (uint32_t d = 0; d < ops[i].rank && ops[i].value != IG_NO_VALUE; d++) {
      ops[i].dims[d] = ig_dim_const(t, views[i].dims[d]);
      ops[i].strides[d] = ig_dim_const(t, views[i].strides[d]);
      ops[i].offset = ig_dim_const(t, 0);
    }
  }
  if (k->params_size) memcpy(words, params, k->params_size);
  for (uint32_t f = 0; f < k->n_fields; f++)
    for (uint32_t w = 0; k->fields[f].type == IG_FIELD_DIM && w < k->fields[f].count; w++)
      words[k->fields[f].word + w] = ig_dim_const(t, words[k->fields[f].word + w]);
  ig_request q = *r;
  q.operands = ops;
  q.params = k->params_size ? words : NULL;
  IG_TRY(ig_dims_take_error(t));
  ig_status st = ig_request_check(&q, t, node);
  if (ig_status_code(st) != IG_ERROR_INTERNAL) return st;
  ig_status bad = ig_status_new(IG_ERROR_BAD_ENGINE, "engine file: %s", ig_status_message(st));   /* a bug when building, a damaged file here */
  ig_status_free(st);
  return bad;
}

static ig_status bind_step(ig_context *c, size_t step) {
  const ig_engine *e = c->engine;
  const ig_plan_data *p = &e->plan;
  const ig_plan_step *s = &p->steps[step];
  if (s->kind != IG_STEP_KERNEL) return NULL;
  const char *node = ig_plan_name(p, s->name);
  const ig_plan_request *q = &p->requests[s->first_request];
  ig_request r;
  ig_plan_request_view(p, s->first_request, &r);
  const uint32_t n = ig_request_n_operands(&r);
  const ig_kind_def *k = ig_kind(r.kind);
  for (uint32_t i = 0; i < n; i++) IG_TRY(bind_view(c, r.kind, q->first_operand + i, node));
  memcpy(c->params + q->first_param, p->params + q->first_param, q->n_params * sizeof(int64_t));
  for (uint32_t f = 0; f < k->n_fields; f++)
    for (uint32_t w = 0; k->fields[f].type == IG_FIELD_DIM && w < k->fields[f].count; w++) {
      int64_t *word = &c->params[q->first_param + k->fields[f].word + w];
      const ig_dim d = (ig_dim)p->params[q->first_param + k->fields[f].word + w];
      IG_TRY_NOTE(defined(c, d), "node '%s'", node);
      *word = c->dims[d];
    }
  const uint32_t ranges[2][2] = { { q->first_prog, q->n_prog }, { q->first_epi, q->n_epi } };
  for (int g = 0; g < 2; g++)
    for (uint32_t i = ranges[g][0]; i < ranges[g][0] + ranges[g][1]; i++) {
      c->insns[i] = p->insns[i];
      if (c->insns[i].op != IG_SOP_DIM) continue;
      IG_TRY_NOTE(defined(c, (ig_dim)p->insns[i].imm), "node '%s'", node);
      c->insns[i] = (ig_sinsn){ .op = IG_SOP_CONST, .type = IG_S_I64, .imm = (uint64_t)c->dims[p->insns[i].imm] };
    }
  IG_TRY(check_request(c, &r, c->views + q->first_operand, c->params + q->first_param, node));
  ig_launch *l = &c->launches[step];
  *l = (ig_launch){ .tactic = e->choices[step].tactic, .bounds = c->bounds + q->first_operand, .node = node };
  l->call = (ig_call){ .kind = r.kind, .n_in = r.n_in, .n_extra = r.n_extra, .n_out = r.n_out, .v = c->views + q->first_operand,
                       .params = q->n_params ? c->params + q->first_param : NULL, .prog = { c->insns + q->first_prog, q->n_prog },
                       .epi = { c->insns + q->first_epi, q->n_epi }, .config = e->choices[step].config, .error = &c->error, .step = (uint32_t)step };
  l->n_parts = l->tactic->parts ? l->tactic->parts(&l->call, c->n_threads) : c->n_threads;
  if (l->n_parts < 1) l->n_parts = 1;
  if (l->n_parts > c->n_threads) l->n_parts = c->n_threads;
  l->call.scratch_size = l->tactic->scratch ? l->tactic->scratch(&l->call, l->n_parts) : 0;
  return NULL;
}

static ig_status bind_steps(ig_context *c, size_t first, size_t end);

/* An arm that these shapes do not take, or cannot. */
static bool is_idle(const ig_context *c, size_t step, uint32_t arm) {
  const ig_dim cond = c->engine->plan.steps[step].cond_dim;
  return c->arm_failures[2 * step + arm] || (cond && (c->dims[cond] == 0) != arm);
}

/* What the shapes forbid in an arm is kept for the run that takes the arm. Its steps ask for nothing. */
static ig_status bind_arm(ig_context *c, size_t step, uint32_t arm, size_t first, size_t end) {
  const bool idle = is_idle(c, step, arm);
  ig_status st = idle ? NULL : check_guards(c, (uint32_t)step, arm);
  if (!st && !idle) st = bind_steps(c, first, end);
  if (st ? ig_status_code(st) != IG_ERROR_SHAPE && ig_status_code(st) != IG_ERROR_LIMIT : !idle) return st;
  for (size_t i = first; i < end; i++) c->launches[i].call.scratch_size = 0;
  c->arm_failures[2 * step + arm] = st;
  return NULL;
}

/* Steps [first, end), arms after their If. */
static ig_status bind_steps(ig_context *c, size_t first, size_t end) {
  for (size_t i = first; i < end; i++) {
    const ig_plan_step *s = &c->engine->plan.steps[i];
    if (s->kind != IG_STEP_IF) {
      IG_TRY(bind_step(c, i));
      continue;
    }
    const size_t arms = i + 1, rest = arms + s->n_then;
    IG_TRY_NOTE(defined(c, s->cond_dim), "node '%s'", ig_plan_name(&c->engine->plan, s->name));
    IG_TRY(bind_arm(c, i, 0, arms, rest));
    IG_TRY(bind_arm(c, i, 1, rest, rest + s->n_else));
    i = rest + s->n_else - 1;
  }
  ig_context_chain(c, first, end);
  return NULL;
}

void ig_context_forget_arms(ig_context *c) {
  for (size_t i = 0; i < 2 * c->engine->plan.n_steps; i++) {
    ig_status_free(c->arm_failures[i]);
    c->arm_failures[i] = NULL;
  }
}

/* ---- 3. places ---- */

static bool profile_holds(const ig_context *c, size_t f) {
  const ig_plan_data *p = &c->engine->plan;
  for (size_t i = 0; i < p->n_symbols; i++) {
    const ig_plan_range *r = &p->ranges[f * p->n_symbols + i];
    if (c->symbols[i] < r->min || c->symbols[i] > r->max) return false;
  }
  return true;
}

/* Bytes buffer b needs now; what has no size belongs to an arm that cannot run. */
static uint64_t needed(const ig_context *c, size_t b) {
  const ig_plan_data *p = &c->engine->plan;
  if (p->buffers[b].kind == IG_BUFFER_SCRATCH) return 0;   /* added per step */
  const int64_t n = c->dims[p->buffers[b].bytes];
  return n < 0 ? 0 : (uint64_t)n;
}

/* Does placement `at` of an arena of `arena` bytes have room for everything? */
static bool fits(const ig_context *c, const ig_plan_place *at) {
  const ig_plan_data *p = &c->engine->plan;
  for (size_t b = 0; b < p->n_buffers; b++)
    if (p->buffers[b].kind >= IG_BUFFER_ARENA && needed(c, b) > at[b].capacity) return false;
  for (size_t i = 0; i < p->n_steps; i++) {
    const size_t want = c->launches[i].call.scratch_size;
    if (want && (p->steps[i].scratch == IG_NONE || at[p->steps[i].scratch].capacity < want)) return false;
  }
  return true;
}

/* A placement of its own: outside all profiles, or another tactic or thread count needs other scratch. Scratch without a buffer in the plan goes behind the arena. */
static ig_status place_anew(ig_context *c, uint64_t *out_total) {
  const ig_plan_data *p = &c->engine->plan;
  const size_t n_items = p->n_buffers + 1, work = ig_align_up(ig_memplan_bytes(n_items), 16), bytes = work + n_items * (sizeof(ig_mem_item) + sizeof(uint32_t));
  if (!c->place_memory) {
    c->place_memory = ig_alloc(&c->engine->env->alloc, bytes);
    IG_CHECK_MEM(c->place_memory);
    c->place_bytes = bytes;
  }
  ig_mem_item *items = (ig_mem_item *)(void *)((char *)c->place_memory + work);
  uint32_t *index = (uint32_t *)(items + n_items);
  size_t n = 0;
  uint64_t bound;
  for (size_t b = 0; b < p->n_buffers; b++) {
    const ig_plan_buffer *q = &p->buffers[b];
    index[b] = IG_NONE;
    if (q->kind < IG_BUFFER_ARENA) continue;
    index[b] = (uint32_t)n;
    items[n++] = (ig_mem_item){ .size = needed(c, b), .first = q->first_step, .last = q->last_step, .alias = q->alias == IG_NONE ? IG_NONE : index[q->alias] };
  }
  for (size_t i = 0; i < p->n_steps; i++) {
    if (p->steps[i].scratch == IG_NONE) continue;
    ig_mem_item *s = &items[index[p->steps[i].scratch]];
    if (s->size < c->launches[i].call.scratch_size) s->size = c->launches[i].call.scratch_size;
  }
  IG_TRY(ig_memplan_in(c->place_memory, items, n, out_total, &bound));
  for (size_t b = 0; b < p->n_buffers; b++)
    if (index[b] != IG_NONE) c->own_places[b] = (ig_plan_place){ items[index[b]].offset, items[index[b]].size };
  return NULL;
}

/* Scratch of steps that have no scratch buffer in the plan, the largest of them: they never run at the same time. */
static uint64_t loose_scratch(const ig_context *c) {
  uint64_t most = 0;
  for (size_t i = 0; i < c->engine->plan.n_steps; i++)
    if (c->engine->plan.steps[i].scratch == IG_NONE && c->launches[i].call.scratch_size > most) most = c->launches[i].call.scratch_size;
  return most;
}

static ig_status take_arena(ig_context *c, uint64_t total) {
  const ig_hal *hal = c->engine->hal;
  if (c->arena.size >= total && c->arena.address) return NULL;
  IG_REQUIRE(!c->arena_external, IG_ERROR_LIMIT, "the caller's arena has %zu bytes, these shapes need %llu", c->arena.size, (unsigned long long)total);
  IG_TRY(ig_context_allow(c, c->arena.size, total, "activations"));
  hal->free(c->engine->dev, IG_MEMORY_DEVICE, &c->arena);
  return hal->alloc(c->engine->dev, IG_MEMORY_DEVICE, total ? total : 1, &c->arena);
}

/* Places for these shapes: the profile's own where they hold, else new ones. Scratch without a buffer in the plan goes behind the arena. */
static ig_status choose_places(ig_context *c, uint64_t *out_total, uint64_t *out_loose) {
  const ig_plan_data *p = &c->engine->plan;
  c->outside = true;
  c->profile = 0;
  for (size_t f = 0; f < p->n_profiles && c->outside; f++)
    if (profile_holds(c, f)) c->profile = (uint32_t)f, c->outside = false;
  const ig_plan_place *planned = p->places + c->profile * p->n_buffers;
  *out_total = p->profiles[c->profile].arena_size;
  *out_loose = loose_scratch(c);
  if (!c->outside && fits(c, planned)) c->places = (ig_plan_place *)(uintptr_t)planned;
  else {
    IG_TRY(place_anew(c, out_total));
    c->places = c->own_places;
  }
  *out_total = (*out_total + IG_TENSOR_ALIGN - 1) / IG_TENSOR_ALIGN * IG_TENSOR_ALIGN;
  return NULL;
}

static ig_status prepare(ig_context *c, uint64_t *out_total, uint64_t *out_loose) {
  IG_TRY(ig_context_evaluate(c));
  ig_dims_clear(&c->check);
  ig_arena_free(&c->check_arena);   /* strings of guards, of which numbers give none */
  ig_arena_init(&c->check_arena, &c->engine->env->alloc, 0);
  ig_context_forget_arms(c);
  IG_TRY(bind_steps(c, 0, c->engine->plan.n_steps));
  return choose_places(c, out_total, out_loose);
}

ig_status ig_context_measure(ig_context *c, uint64_t *out_total, uint64_t *out_scratch) {
  uint64_t total, loose, strings;
  c->bound = false;
  IG_TRY(prepare(c, &total, &loose));
  IG_TRY(ig_context_place_strings(c, &strings));
  uint64_t scratch = loose;
  for (size_t i = 0; i < c->engine->plan.n_steps; i++)
    if (c->launches[i].call.scratch_size > scratch) scratch = c->launches[i].call.scratch_size;
  *out_total = total + loose + strings;
  *out_scratch = scratch;
  return NULL;
}

/* ---- 4. addresses ---- */

static ig_status own_io(ig_context *c) {
  const ig_engine *e = c->engine;
  for (size_t i = 0; i < e->plan.n_io; i++) {
    const ig_plan_io *io = &e->plan.io[i];
    ig_io_state *s = &c->io[i];
    uint64_t n = 1;
    for (uint32_t k = 0; k < io->rank; k++) {
      const int64_t d = c->dims[io->dims[k]];
      IG_REQUIRE(d >= 0 && !__builtin_mul_overflow(n, (uint64_t)d, &n), IG_ERROR_SHAPE, "%s '%s': dim %u is %lld at these shapes", io->role == IG_IO_INPUT ? "input" : "output", ig_io_name(e, i), k, (long long)d);
      IG_REQUIRE(!s->external || d == s->ext_dims[k], IG_ERROR_SHAPE, "tensor '%s': dim %u is %lld, expected %lld at these shapes", ig_io_name(e, i), k, (long long)s->ext_dims[k], (long long)d);
    }
    s->bytes = ig_dtype_bytes(ig_io_dtype(io), n);
    IG_REQUIRE(s->bytes || n == 0, IG_ERROR_LIMIT, "'%s': its size overflows", ig_io_name(e, i));
    if ((s->external && !s->strided) || (s->own.address && s->own.size >= s->bytes)) continue;
    IG_TRY(ig_context_allow(c, s->own.size, s->bytes, ig_io_name(e, i)));
    e->hal->free(e->dev, IG_MEMORY_HOST, &s->own);
    IG_TRY(e->hal->alloc(e->dev, IG_MEMORY_HOST, s->bytes ? s->bytes : 1, &s->own));
    memset(s->own.address, 0, s->bytes ? s->bytes : 1);
  }
  return NULL;
}

/* Address and size of the buffer of operand `at`. */
static ig_buffer buffer_of(const ig_context *c, size_t at) {
  const ig_engine *e = c->engine;
  const uint32_t v = e->plan.operands[at].value;
  const ig_plan_buffer *b = &e->plan.buffers[v];
  if (b->kind == IG_BUFFER_CONSTANT) return (ig_buffer){ (void *)(uintptr_t)e->constants[at].data, e->constants[at].size };
  ig_buffer strings;
  if (ig_context_string_buffer(c, v, &strings)) return strings;
  if (b->kind >= IG_BUFFER_ARENA) return (ig_buffer){ (char *)c->arena.address + c->places[v].offset, c->places[v].capacity };
  const ig_io_state *io = &c->io[b->index];
  return (ig_buffer){ io->external && !io->strided ? io->external_data : io->own.address, io->bytes };
}

/* Places of arena buffers, as far as this plan's own placement goes, were checked to lie in the arena at load; place_anew's do by construction. */
static ig_status address_operand(ig_context *c, size_t at, const char *node, uint32_t i) {
  const ig_operand *o = &c->engine->plan.operands[at];
  ig_view *v = &c->views[at];
  if (o->value == IG_NO_VALUE) return NULL;
  const ig_buffer b = c->bounds[at] = buffer_of(c, at);
  if (v->format) {
    v->data = b.address;
    return NULL;
  }
  const int64_t offset = c->dims[o->offset], bits = (int64_t)IG_DTYPE_BITS(o->dtype);
  int64_t lo, hi;
  const bool ok = offset >= 0 && offset <= INT64_MAX / 128 && ig_operand_reach(v->dims, v->strides, v->rank, v->block_axis, v->block, offset, o->dtype, &lo, &hi) && lo >= 0 && (uint64_t)hi <= b.size;
  IG_REQUIRE(ok, IG_ERROR_BAD_ENGINE, "node '%s': operand %u reaches outside its buffer of %zu bytes at these shapes", node, i, b.size);
  const int64_t bit = offset * bits;
  v->data = b.address ? (char *)b.address + bit / 8 : NULL;
  v->first = bits < 8 ? (uint32_t)(bit % 8 / bits) : 0;
  if (ig_view_count(v) == 0) v->data = b.address;
  return NULL;
}

static uint64_t buffer_bytes(const ig_context *c, uint32_t v) {
  const ig_plan_data *p = &c->engine->plan;
  const ig_plan_buffer *b = &p->buffers[v];
  if (b->kind == IG_BUFFER_CONSTANT) return p->blobs[b->index].size;
  return b->kind >= IG_BUFFER_ARENA ? c->places[v].capacity : c->io[b->index].bytes;
}

/* Kernels keep pointers in their scratch, so nothing else of the step, or of the chain that it begins, may lie there. */
static ig_status give_scratch(ig_context *c, size_t step) {
  ig_launch *l = &c->launches[step];
  const uint32_t n_steps = c->bands[step].n ? c->bands[step].n : 1;
  const char *at = (char *)c->arena.address + c->places[c->engine->plan.steps[step].scratch].offset;
  for (uint32_t i = 0; i < n_steps; i++)
    for (uint32_t k = 0; k < l[i].call.n_in + l[i].call.n_extra + l[i].call.n_out; k++) {
      const ig_buffer *b = &l[i].bounds[k];
      const bool apart = !ig_view_present(&l[i].call.v[k]) || (const char *)b->address >= at + l->call.scratch_size || at >= (const char *)b->address + b->size;
      IG_REQUIRE(apart, IG_ERROR_BAD_ENGINE, "node '%s': operand %u lies in the scratch of step '%s'", l[i].node, k, l->node);
    }
  l->call.scratch = (void *)(uintptr_t)at;
  return NULL;
}

static ig_status address_kernel(ig_context *c, size_t step) {
  const ig_plan_data *p = &c->engine->plan;
  const ig_plan_step *s = &p->steps[step];
  ig_launch *l = &c->launches[step];
  const ig_plan_request *q = &p->requests[s->first_request];
  const uint32_t n = l->call.n_in + l->call.n_extra + l->call.n_out;
  for (uint32_t k = 0; k < n; k++) IG_TRY(address_operand(c, q->first_operand + k, l->node, k));
  return NULL;
}

static ig_status address_steps(ig_context *c, size_t first, size_t end) {
  const ig_plan_data *p = &c->engine->plan;
  for (size_t i = first; i < end; i++) {
    const ig_plan_step *s = &p->steps[i];
    if (s->kind == IG_STEP_KERNEL) IG_TRY(address_kernel(c, i));
    if (s->kind != IG_STEP_IF) continue;
    const size_t arms = i + 1, rest = arms + s->n_then;
    IG_REQUIRE(s->cond_dim || buffer_bytes(c, s->cond) >= 1, IG_ERROR_BAD_ENGINE, "node '%s': its condition is empty at these shapes", ig_plan_name(p, s->name));
    if (!is_idle(c, i, 0)) IG_TRY(address_steps(c, arms, rest));
    if (!is_idle(c, i, 1)) IG_TRY(address_steps(c, rest, rest + s->n_else));
    i = rest + s->n_else - 1;
  }
  for (size_t i = first; i < end; i++) {   /* a chain's scratch holds for all of its steps, whose operands have their addresses now */
    const ig_plan_step *s = &p->steps[i];
    if (s->kind == IG_STEP_KERNEL && s->scratch != IG_NONE && c->launches[i].call.scratch_size) IG_TRY(give_scratch(c, i));
    if (s->kind == IG_STEP_IF) i += s->n_then + s->n_else;
  }
  return NULL;
}

static void give_loose_scratch(ig_context *c, uint64_t at) {
  for (size_t i = 0; i < c->engine->plan.n_steps; i++)
    if (c->engine->plan.steps[i].scratch == IG_NONE && c->launches[i].call.scratch_size) c->launches[i].call.scratch = (char *)c->arena.address + at;
}

ig_status ig_context_address(ig_context *c) {
  IG_TRY(own_io(c));
  IG_TRY(address_steps(c, 0, c->engine->plan.n_steps));
  c->addressed = true;
  return NULL;
}

ig_status ig_context_bind(ig_context *c) {
  uint64_t total, loose, strings;
  IG_TRY(prepare(c, &total, &loose));
  IG_TRY(ig_context_place_strings(c, &strings));
  const bool declared = c->engine->plan.profiles[c->profile].defaulted == 0;
  if (c->outside && declared && !c->notice_given) ig_log(c->engine->env, IG_LOG_WARN, "context", "shapes outside the profiles that this engine was built for: results are right, memory is placed anew and speed may be less");
  c->notice_given = c->notice_given || c->outside;
  IG_TRY(take_arena(c, total + loose));
  IG_TRY(ig_context_take_strings(c, strings));
  give_loose_scratch(c, total);
  IG_TRY(ig_context_address(c));
  IG_TRY(ig_context_execute(c, c->stream, true));
  c->bound = true;
  return NULL;
}
