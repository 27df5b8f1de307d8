/* Which tactic runs each step: the engine's own where this machine has it, else the first of the device's list that accepts the step's
 * portable request. Weights packed for another tactic are unpacked, and packed again as the new one wants them: here, at load, never
 * while running.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rt/rt.h"

enum { MOST_PADDING = 64, LEAST_PADDING = 1 << 20 };

ig_rebuilt *ig_engine_rebuilt(ig_engine *e, size_t size) {
  const ig_allocator *a = &e->env->alloc;
  ig_rebuilt *r = ig_alloc_zero(a, 1, sizeof *r);
  if (!r) return NULL;
  r->size = size ? size : 1;
  r->bytes = ig_alloc_aligned(a, r->size);
  if (!r->bytes || !IG_PUSH(a, e->rebuilt, r)) {
    if (r->bytes) ig_free_aligned(a, r->bytes, r->size);
    ig_free(a, r, sizeof *r);
    return NULL;
  }
  memset(r->bytes, 0, r->size);
  return r;
}

/* Constant operand `at`, as the plan stores it. */
static ig_status stored(ig_engine *e, size_t at, ig_const_ref *out) {
  const ig_plan_data *p = &e->plan;
  const ig_plan_blob *b = &p->blobs[p->buffers[p->operands[at].value].index];
  *out = (ig_const_ref){ p->weights + b->offset, b->size, ig_format_is_plain(&b->format) ? NULL : &b->format, &p->operands[at] };
  return b->dtype == IG_DTYPE_STRING ? ig_engine_string_constant(e, b, out) : NULL;
}

static bool is_constant(const ig_plan_data *p, size_t at) {
  const uint32_t v = p->operands[at].value;
  return v != IG_NO_VALUE && p->buffers[v].kind == IG_BUFFER_CONSTANT;
}

static void compact_strides(const int64_t *dims, uint32_t rank, int64_t *strides) {
  int64_t s = 1;
  for (uint32_t k = rank; k-- > 0; s *= dims[k]) strides[k] = s;
}

/* Packed blobs hold the operand's logical dims, compact; broadcast axes have extent 1 there. */
static ig_status unpack(ig_engine *e, size_t at) {
  const ig_plan_data *p = &e->plan;
  const ig_plan_blob *b = &p->blobs[p->buffers[p->operands[at].value].index];
  uint64_t n = 1;
  for (uint32_t k = 0; k < b->rank; k++) n *= (uint64_t)b->dims[k];   /* the packed count, which is larger, was checked at load */
  ig_rebuilt *r = ig_engine_rebuilt(e, ig_dtype_bytes(b->dtype, n));
  IG_CHECK_MEM(r);
  int64_t strides[IG_MAX_RANK];
  compact_strides(b->dims, b->rank, strides);
  ig_format_unpack(&b->format, b->dims, b->rank, p->weights + b->offset, r->bytes, strides, IG_DTYPE_BITS(b->dtype) / 8);
  e->constants[at] = (ig_const_ref){ r->bytes, r->size, NULL, &p->operands[at] };
  return NULL;
}

/* Packs the plain constant `at`, whose operand is a plain compact form of constant dims, as `f` says. */
static ig_status pack(ig_engine *e, ig_kind_id kind, size_t at, const ig_format *f) {
  const ig_operand *o = &e->plan.operands[at];
  int64_t dims[IG_MAX_RANK], strides[IG_MAX_RANK], n;
  for (uint32_t k = 0; k < o->rank; k++) {
    strides[k] = e->plan.dims[o->strides[k]].imm;
    dims[k] = strides[k] == 0 && ig_packed_once(kind, o->rank, k) ? 1 : e->plan.dims[o->dims[k]].imm;
  }
  IG_REQUIRE(ig_format_count(f, dims, o->rank, &n), IG_ERROR_LIMIT, "packed weights overflow");
  const size_t elem = IG_DTYPE_BITS(o->dtype) / 8;
  /* Padding to whole panels multiplies a narrow matrix by a panel's width at most; overlapping strides of a hostile file could ask for more. */
  IG_REQUIRE((uint64_t)n <= (MOST_PADDING * (uint64_t)e->constants[at].size + LEAST_PADDING) / elem, IG_ERROR_BAD_ENGINE, "engine file: section OPND, record %zu: %zu bytes of weights would take %llu elements packed", at, e->constants[at].size, (unsigned long long)n);
  ig_rebuilt *r = ig_engine_rebuilt(e, (size_t)n * elem);
  IG_CHECK_MEM(r);
  r->format = *f;
  const int64_t offset = e->plan.dims[o->offset].imm;
  int64_t lo, hi;
  IG_REQUIRE(offset >= 0 && ig_operand_reach(dims, strides, o->rank, 0, 1, offset, o->dtype, &lo, &hi) && lo >= 0 && (uint64_t)hi <= e->constants[at].size, IG_ERROR_BAD_ENGINE, "engine file: section OPND, record %zu: reaches outside its weights", at);
  const char *src = (const char *)e->constants[at].data + offset * (int64_t)elem;
  ig_format_pack(f, dims, o->rank, src, strides, r->bytes, elem);
  e->constants[at] = (ig_const_ref){ r->bytes, r->size, &r->format, o };
  return NULL;
}

/* Could a packed form be made of this constant operand? Dims and strides are constant, but for the extents of broadcast axes. */
static bool packable(const ig_plan_data *p, ig_kind_id kind, const ig_operand *o) {
  if (IG_DTYPE_BITS(o->dtype) % 8 || p->dims[o->offset].op != IG_DIM_CONST) return false;
  for (uint32_t k = 0; k < o->rank; k++)
    if (p->dims[o->strides[k]].op != IG_DIM_CONST || (p->dims[o->dims[k]].op != IG_DIM_CONST && !(p->dims[o->strides[k]].imm == 0 && ig_packed_once(kind, o->rank, k)))) return false;
  return true;
}

/* The bytes of a packable constant in the plain layout, for queries that look at them; NULL where the operand reaches outside of them. */
static const void *plain_bytes(const ig_engine *e, size_t at) {
  const ig_plan_data *p = &e->plan;
  const ig_operand *o = &p->operands[at];
  int64_t dims[IG_MAX_RANK], strides[IG_MAX_RANK], lo, hi;
  for (uint32_t k = 0; k < o->rank; k++) {
    strides[k] = p->dims[o->strides[k]].imm;
    dims[k] = strides[k] == 0 ? 1 : p->dims[o->dims[k]].imm;
    if (dims[k] < 0) return NULL;
  }
  const bool inside = ig_operand_reach(dims, strides, o->rank, 0, 1, p->dims[o->offset].imm, o->dtype, &lo, &hi) && lo >= 0 && (uint64_t)hi <= e->constants[at].size;
  return inside ? e->constants[at].data : NULL;
}

typedef struct resolver { ig_engine *e; ig_dims dims; int64_t *opt; const char *missing; } resolver;

static ig_status replace(resolver *r, size_t step) {
  ig_engine *e = r->e;
  const ig_plan_data *p = &e->plan;
  const ig_plan_step *s = &p->steps[step];
  ig_request req;
  ig_plan_request_view(p, s->first_request, &req);
  const size_t first = p->requests[s->first_request].first_operand, n = ig_request_n_operands(&req);
  const void *plain[144] = { 0 };
  uint32_t constant_mask = 0;
  for (size_t i = 0; i < n; i++) {
    if (!is_constant(p, first + i)) continue;
    if (e->constants[first + i].format) IG_TRY(unpack(e, first + i));
    if (i < 32 && i < IG_OFFER_OPERANDS && packable(p, req.kind, &p->operands[first + i])) constant_mask |= 1u << i, plain[i] = plain_bytes(e, first + i);
  }
  const ig_region region = { .requests = &req, .n_requests = 1, .n_in = req.n_in + req.n_extra, .n_out = req.n_out, .n_values = (uint32_t)n };
  const ig_query q = { .region = &region, .dims = &r->dims, .caps = e->hal->caps(e->dev), .opt = r->opt, .constant_mask = constant_mask, .constants = plain };
  uint32_t n_tactics;
  const ig_tactic *const *list = e->hal->tactics(e->dev, &n_tactics);
  for (uint32_t t = 0; t < n_tactics; t++) {
    ig_offer offer = { 0 };
    const char *why = NULL;
    if (list[t]->kind != req.kind || (list[t]->isa & ~q.caps->isa) || !list[t]->query(&q, &offer, &why)) continue;
    bool fits = (offer.packed_mask & ~constant_mask) == 0;
    for (size_t i = 0; i < n && i < IG_OFFER_OPERANDS; i++) fits = fits && offer.block[i] <= 1;
    if (!fits) continue;
    for (size_t i = 0; i < n && i < IG_OFFER_OPERANDS; i++)
      if (offer.packed_mask >> i & 1) IG_TRY(pack(e, req.kind, first + i, &offer.packed[i]));
    e->choices[step].tactic = list[t];
    memcpy(e->choices[step].config, offer.config, sizeof offer.config);
    return NULL;
  }
  return ig_status_new(IG_ERROR_UNSUPPORTED, "node '%s': tactic '%s' is not in this runtime and device '%s' has no other for kind %s", ig_plan_name(p, s->name), ig_plan_name(p, s->tactic), e->hal->name, ig_kind(req.kind)->name);
}

/* Does the tactic that the file names take the step's request, and are its weights packed just as it reads them? A file may say anything, and
 * kernels rely on what their own query asked for. */
static bool accepts(resolver *r, size_t step, const ig_tactic *t) {
  ig_engine *e = r->e;
  const ig_plan_data *p = &e->plan;
  ig_request req;
  ig_plan_request_view(p, p->steps[step].first_request, &req);
  const size_t first = p->requests[p->steps[step].first_request].first_operand, n = ig_request_n_operands(&req);
  const void *plain[144] = { 0 };
  uint32_t constant_mask = 0, packed_mask = 0;
  for (size_t i = 0; i < n; i++) {
    if (!is_constant(p, first + i)) continue;
    const bool packed = e->constants[first + i].format != NULL;
    if (packed && (i >= IG_OFFER_OPERANDS || !packable(p, req.kind, &p->operands[first + i]))) return false;
    if (i >= IG_OFFER_OPERANDS || !packable(p, req.kind, &p->operands[first + i])) continue;
    constant_mask |= 1u << i;
    packed_mask |= (uint32_t)packed << i;
    plain[i] = packed ? NULL : plain_bytes(e, first + i);
  }
  const ig_region region = { .requests = &req, .n_requests = 1, .n_in = req.n_in + req.n_extra, .n_out = req.n_out, .n_values = (uint32_t)n };
  const ig_query q = { .region = &region, .dims = &r->dims, .caps = e->hal->caps(e->dev), .opt = r->opt, .constant_mask = constant_mask, .constants = plain };
  ig_offer offer = { 0 };
  const char *why = NULL;
  if (t->kind != req.kind || !t->query(&q, &offer, &why) || (packed_mask & ~offer.packed_mask)) return false;
  for (size_t i = 0; i < n && i < IG_OFFER_OPERANDS; i++)
    if ((packed_mask >> i & 1) && !ig_format_equal(e->constants[first + i].format, &offer.packed[i])) return false;
  return true;
}

/* Values of all dims at the first profile's optimum, for cost guesses; zeros where they do not evaluate. */
static ig_status optimum(ig_engine *e, int64_t *out) {
  const ig_plan_data *p = &e->plan;
  int64_t *symbols = ig_alloc_zero(&e->env->alloc, p->n_symbols + 1, sizeof *symbols);
  IG_CHECK_MEM(symbols);
  for (size_t i = 0; i < p->n_symbols; i++) symbols[i] = p->ranges[i].opt;
  ig_dims_estimate(p->dims, p->n_dims, symbols, p->n_symbols, out);
  ig_free(&e->env->alloc, symbols, (p->n_symbols + 1) * sizeof *symbols);
  return NULL;
}

static ig_status resolve_steps(resolver *r) {
  ig_engine *e = r->e;
  const ig_plan_data *p = &e->plan;
  for (size_t i = 0; i < p->n_operands; i++)
    if (is_constant(p, i)) IG_TRY(stored(e, i, &e->constants[i]));
  for (size_t i = 0; i < p->n_steps; i++) {
    const ig_plan_step *s = &p->steps[i];
    if (s->kind != IG_STEP_KERNEL) continue;
    const ig_tactic *t = ig_hal_tactic(e->hal, e->dev, ig_plan_name(p, s->tactic), s->tactic_version);
    if (t && accepts(r, i, t)) {
      e->choices[i].tactic = t;
      memcpy(e->choices[i].config, s->config, sizeof s->config);
      continue;
    }
    if (!e->n_replaced++) r->missing = ig_plan_name(p, s->tactic);
    IG_TRY(replace(r, i));
  }
  return NULL;
}

ig_status ig_engine_resolve(ig_engine *e) {
  const ig_allocator *a = &e->env->alloc;
  const ig_plan_data *p = &e->plan;
  e->choices = ig_alloc_zero(a, p->n_steps + 1, sizeof *e->choices);
  e->constants = ig_alloc_zero(a, p->n_operands + 1, sizeof *e->constants);
  resolver r = { .e = e, .opt = ig_alloc_zero(a, p->n_dims, sizeof(int64_t)) };
  ig_status st = e->choices && e->constants && r.opt ? optimum(e, r.opt) : IG_OOM();
  ig_arena arena;
  ig_arena_init(&arena, a, 0);
  ig_dims_init(&r.dims, a, &arena);
  for (size_t i = 0; !st && i < p->n_symbols; i++) {
    const ig_plan_symbol *y = &p->symbols[i];
    const ig_symbol symbol = { ig_plan_name(p, y->name), (ig_symbol_sort)y->sort, y->io, y->axis, y->min, y->max, y->min };
    if (!IG_PUSH(a, r.dims.symbols, symbol)) st = IG_OOM();
  }
  /* Tactics read expressions through the table but add none: it borrows the plan's nodes. */
  const ig_dims own = r.dims;
  r.dims.nodes.data = (ig_dim_node *)(uintptr_t)p->dims;
  r.dims.nodes.n = r.dims.nodes.cap = p->n_dims;
  if (!st) st = resolve_steps(&r);
  r.dims = own;
  ig_dims_free(&r.dims);
  ig_arena_free(&arena);
  ig_free(a, r.opt, p->n_dims * sizeof(int64_t));
  if (!st && e->n_replaced && strcmp(e->hal->name, ig_plan_name(p, p->targets[0].device)) == 0)
    ig_log(e->env, IG_LOG_WARN, "engine", "%u of %zu steps run on other tactics than they were built for (first: '%s' is not to be had on this machine); results agree up to rounding, speed may be less", e->n_replaced, p->n_steps, r.missing);
  return st;
}
