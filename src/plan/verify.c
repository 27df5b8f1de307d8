/* Verification at load: after it, no index in the plan leads outside its table, whatever bytes the file holds. What depends on
 * shapes (operands inside their buffers, dims that must agree) is proven at bind.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"
#include <stdarg.h>
#include <stdio.h>

#define BAD(section, i, ...) return bad_record(section, i, __VA_ARGS__)
#define CHECK(cond, section, i, ...) do { if (!(cond)) BAD(section, i, __VA_ARGS__); } while (0)

static IG_PRINTF(3, 4) ig_status bad_record(const char *section, size_t i, const char *fmt, ...) {
  char text[200];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  return ig_status_new(IG_ERROR_BAD_ENGINE, "engine file: section %s, record %zu: %s", section, i, text);
}

/* Checks shared with the builder call what they find a bug; here the file is to blame. */
static ig_status blame(const char *section, size_t i, ig_status st) {
  if (!st || ig_status_code(st) == IG_ERROR_OUT_OF_MEMORY) return st;
  ig_status bad = bad_record(section, i, "%s", ig_status_message(st));
  ig_status_free(st);
  return bad;
}

/* Strings end inside NAME and are not too long: NAME ends with NUL and offsets lie within it. */
static bool name_ok(const ig_plan_data *p, uint32_t at) { return at < p->n_names || at == 0; }

static ig_status check_names(const ig_plan_data *p) {
  CHECK(p->n_names >= 1 && p->names[0] == 0 && p->names[p->n_names - 1] == 0, "NAME", 0, "not a list of NUL-terminated strings");
  size_t run = 0;
  for (size_t i = 0; i < p->n_names; i++) {
    run = p->names[i] ? run + 1 : 0;
    CHECK(run <= IG_ENGINE_MAX_NAME, "NAME", i, "a string is longer than %u bytes", IG_ENGINE_MAX_NAME);
  }
  for (size_t i = 0; i < p->n_meta; i++) CHECK(name_ok(p, p->meta[i].key) && name_ok(p, p->meta[i].value), "META", i, "string outside NAME");
  for (size_t i = 0; i < p->n_provenance; i++) CHECK(name_ok(p, p->provenance[i].key) && name_ok(p, p->provenance[i].value), "PROV", i, "string outside NAME");
  return NULL;
}

static ig_status check_target(const ig_plan_data *p) {
  CHECK(p->n_targets == 1, "TARG", 0, "%zu targets, this runtime reads one", p->n_targets);
  const ig_plan_target *t = &p->targets[0];
  CHECK(name_ok(p, t->device), "TARG", 0, "string outside NAME");
  CHECK(t->n_symbols == p->n_symbols && t->n_profiles == p->n_profiles && t->n_profiles >= 1, "TARG", 0, "counts of symbols or profiles do not fit");
  CHECK(p->n_ranges / p->n_profiles == p->n_symbols && p->n_ranges % p->n_profiles == 0, "RANG", 0, "%zu ranges for %zu profiles of %zu symbols", p->n_ranges, p->n_profiles, p->n_symbols);
  CHECK(p->n_places / p->n_profiles == p->n_buffers && p->n_places % p->n_profiles == 0, "PLAC", 0, "%zu places for %zu profiles of %zu buffers", p->n_places, p->n_profiles, p->n_buffers);
  return NULL;
}

static ig_status check_io(const ig_plan_data *p) {
  bool outputs = false;
  for (size_t i = 0; i < p->n_io; i++) {
    const ig_plan_io *io = &p->io[i];
    CHECK(io->role == IG_IO_INPUT || io->role == IG_IO_OUTPUT, "IOTB", i, "role %u", io->role);
    CHECK(!(outputs && io->role == IG_IO_INPUT), "IOTB", i, "an input after outputs");
    outputs = io->role == IG_IO_OUTPUT;
    CHECK(io->name && name_ok(p, io->name) && io->rank <= IG_MAX_RANK && io->value_kind == 0, "IOTB", i, "name, rank or kind");
    CHECK(io->buffer < p->n_buffers, "IOTB", i, "buffer %u of %zu", io->buffer, p->n_buffers);
    const ig_plan_buffer *b = &p->buffers[io->buffer];
    CHECK(b->index == i && b->kind == (outputs ? IG_BUFFER_OUTPUT : IG_BUFFER_INPUT), "IOTB", i, "its buffer is another's");
    for (uint32_t k = 0; k < io->rank; k++) {
      CHECK(io->dims[k] && io->dims[k] < p->n_dims, "IOTB", i, "dim expression %u of %zu", io->dims[k], p->n_dims);
      CHECK(name_ok(p, io->dim_names[k]), "IOTB", i, "string outside NAME");
    }
    CHECK(io->required_blob == IG_NONE || (io->role == IG_IO_INPUT && io->required_blob < p->n_blobs), "IOTB", i, "blob");
  }
  return NULL;
}

static ig_status check_dims(const ig_plan_data *p) {
  CHECK(p->n_dims >= 1, "DIMX", 0, "empty");
  for (size_t i = 1; i < p->n_dims; i++) {
    const ig_dim_node *d = &p->dims[i];
    const bool unary = d->op == IG_DIM_SCALE, leaf = d->op == IG_DIM_CONST || d->op == IG_DIM_SYMBOL;
    CHECK(d->op >= IG_DIM_CONST && d->op <= IG_DIM_BROADCAST, "DIMX", i, "operation %u", d->op);
    if (d->op == IG_DIM_SYMBOL) CHECK(d->a < p->n_symbols, "DIMX", i, "symbol %u of %zu", d->a, p->n_symbols);
    if (!leaf) CHECK(d->a && d->a < i, "DIMX", i, "operand not before it");
    if (!leaf && !unary) CHECK(d->b && d->b < i, "DIMX", i, "operand not before it");
    if (d->op == IG_DIM_SELECT) CHECK(d->c && d->c < i, "DIMX", i, "operand not before it");
  }
  for (size_t i = 0; i < p->n_symbols; i++) {
    const ig_plan_symbol *s = &p->symbols[i];
    CHECK(name_ok(p, s->name), "SYMB", i, "string outside NAME");
    CHECK(s->sort == IG_SYMBOL_INPUT || s->sort == IG_SYMBOL_VALUE, "SYMB", i, "sort %u", s->sort);
    CHECK(s->io < p->n_io && p->io[s->io].role == IG_IO_INPUT, "SYMB", i, "input %u", s->io);
    if (s->sort == IG_SYMBOL_INPUT) CHECK(s->axis < p->io[s->io].rank, "SYMB", i, "axis %u", s->axis);
  }
  for (size_t i = 0; i < p->n_guards; i++) {
    const ig_plan_guard *g = &p->guards[i];
    CHECK(g->rel >= IG_GUARD_EQ && g->rel <= IG_GUARD_BROADCAST && g->a && g->a < p->n_dims && g->b && g->b < p->n_dims && name_ok(p, g->node) && name_ok(p, g->what), "GARD", i, "number out of range");
    CHECK(g->step == IG_NONE || (g->step < p->n_steps && p->steps[g->step].kind == IG_STEP_IF && g->arm < 2), "GARD", i, "arm %u of step %u", g->arm, g->step);
  }
  return NULL;
}

static ig_status check_buffers(const ig_plan_data *p) {
  for (size_t i = 0; i < p->n_buffers; i++) {
    const ig_plan_buffer *b = &p->buffers[i];
    CHECK(b->kind >= IG_BUFFER_INPUT && b->kind <= IG_BUFFER_SCRATCH && name_ok(p, b->name), "BUFS", i, "kind %u or name", b->kind);
    if (b->kind == IG_BUFFER_INPUT || b->kind == IG_BUFFER_OUTPUT) CHECK(b->index < p->n_io && p->io[b->index].buffer == i, "BUFS", i, "input or output %u", b->index);
    if (b->kind == IG_BUFFER_CONSTANT) CHECK(b->index < p->n_blobs, "BUFS", i, "blob %u", b->index);
    if (b->kind == IG_BUFFER_SCRATCH) CHECK(b->bytes == IG_DIM_BAD, "BUFS", i, "scratch with a size");
    else if (b->kind != IG_BUFFER_CONSTANT) CHECK(b->bytes && b->bytes < p->n_dims, "BUFS", i, "size expression %u", b->bytes);
    if (b->kind >= IG_BUFFER_ARENA) CHECK(b->first_step <= b->last_step && b->last_step < p->n_steps, "BUFS", i, "lifetime %u..%u of %zu steps", b->first_step, b->last_step, p->n_steps);
    if (b->alias != IG_NONE) CHECK(b->kind == IG_BUFFER_ARENA && b->alias < i && p->buffers[b->alias].kind == IG_BUFFER_ARENA, "BUFS", i, "alias of %u", b->alias);
  }
  for (size_t f = 0; f < p->n_profiles; f++)
    for (size_t i = 0; i < p->n_buffers; i++) {
      const ig_plan_place *at = &p->places[f * p->n_buffers + i];
      const uint64_t arena = p->profiles[f].arena_size;
      if (p->buffers[i].kind < IG_BUFFER_ARENA) continue;
      CHECK(at->offset <= arena && at->capacity <= arena - at->offset && at->offset % IG_TENSOR_ALIGN == 0, "PLAC", f * p->n_buffers + i, "outside the arena of %llu bytes", (unsigned long long)arena);
    }
  return NULL;
}

static ig_status check_blobs(const ig_plan_data *p) {
  for (size_t i = 0; i < p->n_blobs; i++) {
    const ig_plan_blob *b = &p->blobs[i];
    int64_t n;
    CHECK(b->rank <= IG_MAX_RANK && IG_DTYPE_BITS(b->dtype) && *ig_dtype_name(b->dtype) != '?', "BLOB", i, "rank or data type");
    CHECK(b->offset % IG_TENSOR_ALIGN == 0 && b->offset <= p->n_weights && b->size <= p->n_weights - b->offset, "BLOB", i, "outside the weights");
    for (uint32_t k = 0; k < b->rank; k++) CHECK(b->dims[k] >= 0, "BLOB", i, "negative dim");
    IG_TRY(blame("BLOB", i, ig_format_check(&b->format, b->rank)));
    CHECK(ig_format_is_plain(&b->format) || IG_DTYPE_BITS(b->dtype) % 8 == 0, "BLOB", i, "packed sub-byte elements");
    CHECK(ig_format_takes(&b->format, b->dtype), "BLOB", i, "transformed elements of a type that its transform does not take");
    const bool strings = b->dtype == IG_DTYPE_STRING;   /* their handles, and behind them their bytes */
    CHECK(!strings || ig_format_is_plain(&b->format), "BLOB", i, "packed strings");
    CHECK(ig_format_count(&b->format, b->dims, b->rank, &n) && n >= 0, "BLOB", i, "size does not fit its dims");
    const size_t least = ig_dtype_bytes(b->dtype, (uint64_t)n);
    CHECK((least || n == 0) && (strings ? least <= b->size : least == b->size), "BLOB", i, "size does not fit its dims");
  }
  return NULL;
}

static ig_status check_operand(const ig_plan_data *p, size_t i) {
  const ig_operand *o = &p->operands[i];
  if (o->value == IG_NO_VALUE) return NULL;
  CHECK(o->value < p->n_buffers && o->rank <= IG_MAX_RANK && *ig_dtype_name(o->dtype) != '?', "OPND", i, "buffer, rank or data type");
  CHECK(p->buffers[o->value].kind != IG_BUFFER_SCRATCH, "OPND", i, "a scratch buffer");
  CHECK(o->offset && o->offset < p->n_dims, "OPND", i, "offset expression");
  CHECK(o->block <= 1 || (o->block_axis < o->rank && IG_DTYPE_BITS(o->dtype) % 8 == 0), "OPND", i, "block axis");
  for (uint32_t k = 0; k < o->rank; k++)
    CHECK(o->dims[k] && o->dims[k] < p->n_dims && o->strides[k] && o->strides[k] < p->n_dims, "OPND", i, "dim or stride expression of axis %u", k);
  return NULL;
}

/* Dims that a program reads; the rest of it is checked for maps at load, for other kinds by ig_request_check at bind. */
static ig_status check_prog_dims(const ig_plan_data *p, size_t first, size_t n) {
  for (size_t i = first; i < first + n; i++) CHECK(p->insns[i].op != IG_SOP_DIM || (p->insns[i].imm && p->insns[i].imm < p->n_dims), "PROG", i, "dim expression");
  return NULL;
}

/* What tactics take for granted when they are asked at load, before bind proves the whole request. */
static ig_status check_operands(const ig_plan_data *p, size_t i, const ig_kind_def *k) {
  const ig_plan_request *q = &p->requests[i];
  const ig_operand *o = p->operands + q->first_operand;
  const int64_t *params = p->params + q->first_param;
  CHECK(q->n_in >= k->min_in && q->n_in <= k->max_in && q->n_out >= k->min_out, "REQS", i, "%u inputs and %u results of kind %s", q->n_in, q->n_out, k->name);
  for (uint32_t n = 0; n < k->min_in; n++) CHECK(o[n].value != IG_NO_VALUE, "REQS", i, "input %u of kind %s is missing", n, k->name);
  if (k->id == IG_KIND_matmul) CHECK(o[0].rank >= 2 && o[1].rank >= 2, "REQS", i, "ranks %u and %u of a matrix product", o[0].rank, o[1].rank);
  if (k->id == IG_KIND_attention) CHECK(o[0].rank >= 2 && o[1].rank == o[0].rank && o[2].rank == o[0].rank, "REQS", i, "ranks %u, %u and %u of attention", o[0].rank, o[1].rank, o[2].rank);
  if (k->id == IG_KIND_rnn) CHECK(o[0].rank == 4 && o[1].rank == 3, "REQS", i, "ranks %u and %u of a recurrent layer", o[0].rank, o[1].rank);
  if (k->id != IG_KIND_conv && k->id != IG_KIND_window) return NULL;
  const int64_t n_spatial = params[k->id == IG_KIND_conv ? offsetof(ig_conv_params, n_spatial) / 8 : offsetof(ig_window_params, n_spatial) / 8];
  CHECK(n_spatial >= 0 && n_spatial <= 3, "REQS", i, "%lld spatial axes", (long long)n_spatial);
  if (k->id == IG_KIND_conv) CHECK(n_spatial >= 1 && o[0].rank == n_spatial + 2 && o[1].rank == n_spatial + 2, "REQS", i, "ranks %u and %u with %lld spatial axes", o[0].rank, o[1].rank, (long long)n_spatial);
  return NULL;
}

static ig_status check_request(const ig_plan_data *p, size_t i) {
  const ig_plan_request *q = &p->requests[i];
  const ig_kind_def *k = ig_kind((ig_kind_id)q->kind);
  CHECK(k, "REQS", i, "kind %u is unknown", q->kind);
  const size_t n = (size_t)q->n_in + q->n_extra + q->n_out;
  CHECK(q->n_in <= 64 && q->n_extra <= 64 && q->n_out <= 16 && q->n_out >= 1, "REQS", i, "operand counts");
  CHECK(q->first_operand <= p->n_operands && n <= p->n_operands - q->first_operand, "REQS", i, "operands");
  CHECK((size_t)q->n_params * 8 == k->params_size && q->first_param <= p->n_params && q->n_params <= p->n_params - q->first_param, "REQS", i, "params");
  CHECK(q->first_prog <= p->n_insns && q->n_prog <= p->n_insns - q->first_prog && q->n_prog <= IG_SPROG_MAX, "REQS", i, "program");
  CHECK(q->first_epi <= p->n_insns && q->n_epi <= p->n_insns - q->first_epi && q->n_epi <= IG_SPROG_MAX, "REQS", i, "epilogue");
  IG_TRY(check_prog_dims(p, q->first_prog, q->n_prog));
  IG_TRY(check_prog_dims(p, q->first_epi, q->n_epi));
  for (size_t o = q->first_operand; o < q->first_operand + n; o++) IG_TRY(check_operand(p, o));
  IG_TRY(check_operands(p, i, k));
  for (uint32_t f = 0; f < k->n_fields; f++)
    for (uint32_t w = 0; k->fields[f].type == IG_FIELD_DIM && w < k->fields[f].count; w++) {
      const int64_t d = p->params[q->first_param + k->fields[f].word + w];
      CHECK(d > 0 && (uint64_t)d < p->n_dims, "ARGS", q->first_param + k->fields[f].word + w, "dim expression of %s", k->fields[f].name);
    }
  for (size_t o = q->first_operand + q->n_in + q->n_extra; o < q->first_operand + n; o++) {
    const uint32_t v = p->operands[o].value;
    if (v != IG_NO_VALUE) CHECK(p->buffers[v].kind != IG_BUFFER_CONSTANT && p->buffers[v].kind != IG_BUFFER_INPUT, "REQS", i, "writes to a constant or an input");
  }
  ig_request r;
  ig_plan_request_view(p, (uint32_t)i, &r);
  ig_dtype dtypes[64 + 64 + 16];
  for (size_t o = 0; o < n; o++) dtypes[o] = r.operands[o].dtype;
  if (r.kind != IG_KIND_map) return NULL;
  return blame("REQS", i, ig_sprog_check(&r.prog, r.n_in, dtypes, r.n_out, dtypes + r.n_in + r.n_extra, ig_request_out(&r, 0)->rank));
}

/* Steps [first, end): kernels, and Ifs whose arms are the steps that follow. */
static ig_status check_steps(const ig_plan_data *p, size_t first, size_t end, int depth) {
  CHECK(depth <= 64, "STEP", first, "Ifs nest deeper than 64");
  size_t kernel = SIZE_MAX;          /* the last one of these steps, not of their arms */
  for (size_t i = first; i < end; i++) {
    const ig_plan_step *s = &p->steps[i];
    CHECK(name_ok(p, s->name) && name_ok(p, s->sources) && name_ok(p, s->reason) && name_ok(p, s->tactic) && name_ok(p, s->message), "STEP", i, "string outside NAME");
    CHECK(s->scratch == IG_NONE || (s->scratch < p->n_buffers && p->buffers[s->scratch].kind == IG_BUFFER_SCRATCH), "STEP", i, "scratch buffer");
    if (s->kind == IG_STEP_TRAP) continue;
    if (s->kind == IG_STEP_KERNEL) {
      CHECK(s->n_requests == 1 && s->first_request < p->n_requests, "STEP", i, "requests");
      CHECK(!(s->flags & IG_STEP_BAND) || (i > first && i - 1 == kernel && !((s->flags | p->steps[i - 1].flags) & IG_STEP_BIND)), "STEP", i, "in bands with no step before it");
      kernel = i;
      continue;
    }
    CHECK(s->kind == IG_STEP_IF, "STEP", i, "kind %u", s->kind);
    if (s->cond_dim) CHECK(s->cond_dim < p->n_dims && s->cond == IG_NONE, "STEP", i, "condition expression %u", s->cond_dim);
    else CHECK(s->cond < p->n_buffers && p->buffers[s->cond].kind != IG_BUFFER_SCRATCH, "STEP", i, "condition buffer");
    CHECK(s->n_then <= end - i - 1 && s->n_else <= end - i - 1 - s->n_then, "STEP", i, "arms pass the end");
    IG_TRY(check_steps(p, i + 1, i + 1 + s->n_then, depth + 1));
    IG_TRY(check_steps(p, i + 1 + s->n_then, i + 1 + s->n_then + s->n_else, depth + 1));
    i += (size_t)s->n_then + s->n_else;
  }
  return NULL;
}

ig_status ig_plan_verify(const ig_plan_data *p) {
  IG_REQUIRE(p->n_io < IG_NONE && p->n_dims < IG_NONE && p->n_buffers < IG_NONE && p->n_steps < IG_NONE && p->n_profiles < 4096, IG_ERROR_BAD_ENGINE, "engine file: too many records");
  IG_TRY(check_names(p));
  IG_TRY(check_target(p));
  IG_TRY(check_io(p));
  IG_TRY(check_dims(p));
  IG_TRY(check_blobs(p));
  IG_TRY(check_buffers(p));
  for (size_t i = 0; i < p->n_requests; i++) IG_TRY(check_request(p, i));
  return check_steps(p, 0, p->n_steps, 0);
}

void ig_plan_request_view(const ig_plan_data *p, uint32_t i, ig_request *out) {
  const ig_plan_request *q = &p->requests[i];
  /* The request's pointers are not const for the builder's sake; readers of a plan only read. */
  *out = (ig_request){ .kind = (ig_kind_id)q->kind, .n_in = q->n_in, .n_extra = q->n_extra, .n_out = q->n_out,
                       .operands = (ig_operand *)(uintptr_t)(p->operands + q->first_operand),
                       .params = q->n_params ? (void *)(uintptr_t)(p->params + q->first_param) : NULL,
                       .prog = { p->insns + q->first_prog, q->n_prog }, .epi = { p->insns + q->first_epi, q->n_epi } };
}
