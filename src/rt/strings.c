/* Strings in engines. A string element is a handle, an address and a length, so bytes of another sort must never be read as one: not those of
 * the file, not what another step or an earlier run left in memory, whatever a damaged engine says.
 *
 * Constants lie in the file as handles relative to their blob, and get addresses here, once, in private memory. Every other buffer of strings
 * has memory of its own, which holds empty strings when a run begins. So a handle is empty, or a constant's, or the caller's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rt/rt.h"

enum { OTHER = 1, STRINGS = 2 };

static ig_status mark(ig_engine *e, uint32_t buffer, ig_dtype d, const char *section, size_t record) {
  const uint8_t is = d == IG_DTYPE_STRING ? STRINGS : OTHER;
  IG_REQUIRE(!e->holds[buffer] || e->holds[buffer] == is, IG_ERROR_BAD_ENGINE, "engine file: section %s, record %zu: buffer %u holds strings and something else", section, record, buffer);
  IG_REQUIRE(is == OTHER || e->plan.buffers[buffer].kind != IG_BUFFER_KEPT, IG_ERROR_BAD_ENGINE, "engine file: section %s, record %zu: strings are kept between runs", section, record);
  e->holds[buffer] = is;
  e->has_strings |= is == STRINGS;
  return NULL;
}

ig_status ig_engine_find_strings(ig_engine *e) {
  const ig_plan_data *p = &e->plan;
  e->holds = ig_alloc_zero(&e->env->alloc, p->n_buffers + 1, 1);
  IG_CHECK_MEM(e->holds);
  for (size_t i = 0; i < p->n_io; i++) IG_TRY(mark(e, p->io[i].buffer, ig_io_dtype(&p->io[i]), "IOTB", i));
  for (size_t i = 0; i < p->n_buffers; i++)
    if (p->buffers[i].kind == IG_BUFFER_CONSTANT) IG_TRY(mark(e, (uint32_t)i, p->blobs[p->buffers[i].index].dtype, "BUFS", i));
  for (size_t i = 0; i < p->n_steps; i++)
    if (p->steps[i].kind == IG_STEP_IF && !p->steps[i].cond_dim) IG_TRY(mark(e, p->steps[i].cond, IG_DTYPE_BOOL, "STEP", i));
  for (size_t i = 0; i < p->n_requests; i++) {
    const ig_plan_request *q = &p->requests[i];
    const size_t end = q->first_operand + (size_t)q->n_in + q->n_extra + q->n_out;
    for (size_t o = q->first_operand; o < end; o++)
      if (p->operands[o].value != IG_NO_VALUE) IG_TRY(mark(e, p->operands[o].value, p->operands[o].dtype, "OPND", o));
  }
  return NULL;
}

ig_status ig_engine_string_constant(ig_engine *e, const ig_plan_blob *b, ig_const_ref *out) {
  const uint8_t *file = e->plan.weights + b->offset;
  uint64_t n = 1;
  for (uint32_t k = 0; k < b->rank; k++) n *= (uint64_t)b->dims[k];   /* so many handles lie in the blob: checked at load */
  ig_rebuilt *r = ig_engine_rebuilt(e, (size_t)n * sizeof(ig_string));
  IG_CHECK_MEM(r);
  ig_string *to = r->bytes;
  for (uint64_t i = 0; i < n; i++) {
    uint64_t h[2];
    memcpy(h, file + i * sizeof h, sizeof h);
    IG_REQUIRE(h[0] <= b->size && h[1] <= b->size - h[0], IG_ERROR_BAD_ENGINE, "engine file: section BLOB: string %llu lies outside of its constant", (unsigned long long)i);
    to[i] = (ig_string){ (const char *)file + h[0], (size_t)h[1] };
  }
  out->data = r->bytes;
  out->size = (size_t)n * sizeof(ig_string);
  return NULL;
}

/* Results in place share the memory of the buffer that they lie in. */
static uint32_t root(const ig_engine *e, uint32_t v) {
  while (e->plan.buffers[v].alias != IG_NONE && e->holds[e->plan.buffers[v].alias] == STRINGS) v = e->plan.buffers[v].alias;
  return v;
}

static bool is_placed(const ig_engine *e, size_t v) { return e->holds[v] == STRINGS && e->plan.buffers[v].kind == IG_BUFFER_ARENA; }

/* Places of strings at these values of the dims, from the start of their memory; places of the arena stay as they are. */
static ig_status place(const ig_engine *e, const int64_t *dims, ig_plan_place *places, uint64_t *out_total) {
  const ig_plan_data *p = &e->plan;
  *out_total = 0;
  for (size_t v = 0; v < p->n_buffers; v++) places[v] = (ig_plan_place){ 0 };
  for (uint32_t v = 0; v < p->n_buffers; v++) {
    if (!is_placed(e, v)) continue;
    const int64_t want = dims[p->buffers[v].bytes];
    ig_plan_place *at = &places[root(e, v)];
    if (want > 0 && (uint64_t)want > at->capacity) at->capacity = (uint64_t)want;
  }
  for (uint32_t v = 0; v < p->n_buffers; v++) {
    if (!is_placed(e, v)) continue;
    ig_plan_place *at = &places[v];
    if (root(e, v) != v) {
      *at = places[root(e, v)];   /* an alias comes behind what it lies in */
      continue;
    }
    at->offset = *out_total;
    IG_REQUIRE(at->capacity <= (uint64_t)IG_DIM_UNBOUNDED && *out_total <= (uint64_t)IG_DIM_UNBOUNDED, IG_ERROR_LIMIT, "strings take more than 2^40 bytes at these shapes");
    *out_total += ig_align_up((size_t)at->capacity, IG_TENSOR_ALIGN);
  }
  return NULL;
}

static ig_status new_places(const ig_engine *e, ig_plan_place **out) {
  *out = ig_alloc_zero(&e->env->alloc, e->plan.n_buffers + 1, sizeof **out);
  IG_CHECK_MEM(*out);
  return NULL;
}

ig_status ig_context_place_strings(ig_context *c, uint64_t *out_total) {
  *out_total = 0;
  if (!c->engine->has_strings) return NULL;
  if (!c->string_places) IG_TRY(new_places(c->engine, &c->string_places));
  return place(c->engine, c->dims, c->string_places, out_total);
}

ig_status ig_engine_string_bytes(const ig_engine *e, const int64_t *dims, uint64_t *out_total) {
  ig_plan_place *places;
  *out_total = 0;
  if (!e->has_strings) return NULL;
  IG_TRY(new_places(e, &places));
  ig_status st = place(e, dims, places, out_total);
  ig_free(&e->env->alloc, places, (e->plan.n_buffers + 1) * sizeof *places);
  return st;
}

ig_status ig_context_take_strings(ig_context *c, uint64_t total) {
  const ig_hal *hal = c->engine->hal;
  if (!total || (c->strings.address && c->strings.size >= total)) return NULL;
  IG_TRY(ig_context_allow(c, c->strings.size, total, "strings"));
  hal->free(c->engine->dev, IG_MEMORY_HOST, &c->strings);
  return hal->alloc(c->engine->dev, IG_MEMORY_HOST, total, &c->strings);
}

bool ig_context_string_buffer(const ig_context *c, uint32_t v, ig_buffer *out) {
  if (!c->engine->has_strings || !is_placed(c->engine, v)) return false;
  *out = (ig_buffer){ c->strings.address ? (char *)c->strings.address + c->string_places[v].offset : NULL, c->string_places[v].capacity };
  return true;
}

void ig_context_clear_strings(ig_context *c) {
  const ig_plan_data *p = &c->engine->plan;
  if (!c->engine->has_strings) return;
  if (c->strings.address) memset(c->strings.address, 0, c->strings.size);
  for (size_t i = c->engine->n_inputs; i < p->n_io; i++) {
    const ig_io_state *s = &c->io[i];
    void *to = s->external && !s->strided ? s->external_data : s->own.address;
    if (to && s->bytes && ig_io_dtype(&p->io[i]) == IG_DTYPE_STRING) memset(to, 0, s->bytes);
  }
}
