/* Memory placement per profile, each buffer at its upper bound over the profile. SPDX-License-Identifier: Apache-2.0 */
#include "build/emit.h"

static bool in_arena(const ig_build_buffer *q) { return q->kind >= IG_BUFFER_ARENA; }

/* Ranges of the symbols become the profile's for the question how large a buffer can get, and are restored by the caller. */
static void set_ranges(ig_dims *t, const ig_profile_table *p, size_t f) {
  for (size_t s = 0; s < t->symbols.n; s++) {
    t->symbols.data[s].min = p->bounds[f * p->n_symbols + s][0];
    t->symbols.data[s].max = p->bounds[f * p->n_symbols + s][2];
  }
  ig_dims_ranges_changed(t);
}

static ig_status place_profile(ig_emitter *e, size_t f, ig_mem_item *items, uint32_t *index) {
  ig_builder *b = e->b;
  ig_dims *t = &b->ir->dims;
  size_t n = 0;
  uint64_t total, bound;
  for (size_t i = 0; i < b->buffers.n; i++) {
    const ig_build_buffer *q = &b->buffers.data[i];
    index[i] = IG_NONE;
    if (!in_arena(q)) continue;
    int64_t lo, hi = (int64_t)q->scratch;
    if (q->kind != IG_BUFFER_SCRATCH) ig_dim_range(t, q->bytes, &lo, &hi);
    if (b->profiles.defaulted[f] && (hi < 0 || hi >= IG_DIM_UNBOUNDED)) hi = ig_max_i64(0, b->max_values[q->bytes]);   /* shapes nobody asked for may not even be valid */
    IG_REQUIRE(hi >= 0 && hi < IG_DIM_UNBOUNDED, IG_ERROR_LIMIT, "value '%s' has no upper bound over the profile: give --max-shapes", q->name);
    index[i] = (uint32_t)n;
    items[n++] = (ig_mem_item){ .size = (uint64_t)hi, .first = q->first, .last = q->last, .alias = q->alias == IG_NONE ? IG_NONE : index[q->alias] };
  }
  IG_TRY(ig_memplan(&b->ir->env->alloc, items, n, &total, &bound));
  for (size_t i = 0; i < b->buffers.n; i++)
    IG_TRY(IG_EMIT(e, places, (index[i] == IG_NONE ? (ig_plan_place){ 0 } : (ig_plan_place){ items[index[i]].offset, items[index[i]].size })));
  ig_build_result *r = b->result;
  if (total > r->activations) r->activations = total, r->lower_bound = bound;
  const ig_plan_profile p = { .arena_size = total, .lower_bound = bound, .defaulted = b->profiles.defaulted[f] };
  return IG_EMIT(e, profiles, p);
}

ig_status ig_emit_places(ig_emitter *e) {
  ig_builder *b = e->b;
  ig_dims *t = &b->ir->dims;
  ig_mem_item *items = IG_NEW_ARRAY(&b->arena, ig_mem_item, b->buffers.n + 1);
  uint32_t *index = IG_NEW_ARRAY(&b->arena, uint32_t, b->buffers.n + 1);
  ig_symbol *saved = IG_NEW_ARRAY(&b->arena, ig_symbol, t->symbols.n + 1);
  if (!items || !index || !saved) return ig_arena_status(&b->arena);
  if (t->symbols.n) memcpy(saved, t->symbols.data, t->symbols.n * sizeof *saved);
  ig_status st = NULL;
  for (size_t f = 0; !st && f < b->profiles.n_profiles; f++) {
    set_ranges(t, &b->profiles, f);
    st = place_profile(e, f, items, index);
  }
  if (t->symbols.n) memcpy(t->symbols.data, saved, t->symbols.n * sizeof *saved);
  ig_dims_ranges_changed(t);
  if (st) return st;
  for (size_t i = 0; i < b->buffers.n; i++)
    if (b->buffers.data[i].scratch > b->result->scratch) b->result->scratch = b->buffers.data[i].scratch;
  const uint64_t need = e->weights.n + b->result->activations;
  IG_REQUIRE(!b->opt->memory || need <= b->opt->memory, IG_ERROR_LIMIT, "--memory: weights (%zu), activations and scratch (%llu) take %llu bytes, the cap is %llu; the least that works is %llu", e->weights.n, (unsigned long long)b->result->activations,
             (unsigned long long)need, (unsigned long long)b->opt->memory, (unsigned long long)need);
  return NULL;
}
