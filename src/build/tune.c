/* Tuning: every tactic of the device is asked for every step. Guess takes the cheapest offer by its own estimate; measure times the
 * likely ones as the engine will run them; replay takes times from the cache alone.
 * SPDX-License-Identifier: Apache-2.0 */
#include "build/internal.h"
#include "build/rig.h"
#include <stdlib.h>

#define MAX_OFFERS 32
#define TIE 0.02                  /* under 2 % apart: the earlier tactic of the list (less workspace) wins, so that rebuilds agree */
#define LIKELY 4.0                /* offers guessed slower than so many times the best are not timed */
#define CLOSE 1.6                 /* offers timed slower than so many times the best are not timed again */
#define COLD 2                    /* times the last-level cache: what lies between two readings of a weight, if the network's fill half of that cache */
#define COLD_RATE 1e9             /* bytes a second in which that is set up, at least */
#define ROUNDS 3                  /* of timing the others in turns: their medians count, as a machine has moods */

typedef struct candidate { const ig_tactic *tactic; ig_offer offer; double seconds; bool measured; } candidate;

/* ---- keys ---- */

/* Values are numbered as the request names them, so that equal layers share their times. */
static ig_status print_request(const ig_builder *b, const ig_request *r, ig_buf *text) {
  const uint32_t n = ig_request_n_operands(r);
  ig_arena arena;
  ig_arena_init(&arena, &b->ir->env->alloc, 0);
  ig_request same = *r;
  ig_operand *o = same.operands = IG_NEW_ARRAY(&arena, ig_operand, n + 1);
  ig_status st = o ? NULL : ig_arena_status(&arena);
  for (uint32_t i = 0; !st && i < n; i++) {
    o[i] = r->operands[i];
    if (o[i].value == IG_NO_VALUE) continue;
    uint32_t first = 0;
    while (r->operands[first].value != o[i].value) first++;
    o[i].value = first;
  }
  if (!st) ig_request_print(&same, &b->ir->dims, text);
  ig_arena_free(&arena);
  return st;
}

static ig_status key_of(const ig_builder *b, uint64_t cold_bytes, const ig_build_task *t, const candidate *c, uint64_t *out) {
  ig_buf text;
  const ig_caps *caps = b->hal->caps(b->dev);
  ig_buf_init(&text, &b->ir->env->alloc);
  ig_status st = print_request(b, &t->request, &text);
  for (uint32_t i = 0; i < ig_request_n_operands(&t->request); i++) {   /* the optimum point, and what is dynamic */
    const ig_operand *o = &t->request.operands[i];
    if (o->value == IG_NO_VALUE) continue;
    ig_buf_printf(&text, "|%s%s", b->buffers.data[o->value].kind == IG_BUFFER_CONSTANT ? "c" : "", ig_dtype_name(o->dtype));
    for (uint32_t k = 0; k < o->rank; k++)
      ig_buf_printf(&text, " %lld%s:%lld", (long long)b->opt_values[o->dims[k]], ig_dim_is_const(&b->ir->dims, o->dims[k], NULL) ? "" : "?", (long long)b->opt_values[o->strides[k]]);
  }
  ig_buf_printf(&text, "|%s isa %llx threads %u l2 %llu cold %llu|%s.%u", caps->device, (unsigned long long)caps->isa, b->n_threads, (unsigned long long)caps->l2_bytes, (unsigned long long)cold_bytes, c->tactic->name, c->tactic->version);
  for (int i = 0; i < IG_OFFER_CONFIG_WORDS; i++) ig_buf_printf(&text, " %u", c->offer.config[i]);
  const bool failed = text.failed;
  *out = ig_hash(text.data, text.n, 0);
  ig_buf_free(&text);
  return st ? st : failed ? IG_OOM() : NULL;
}

/* ---- measuring ---- */

/* Leaves the guess where the deadline leaves no time. */
static ig_status measure(ig_builder *b, ig_hal_stream *stream, double deadline, uint64_t cold_bytes, const ig_build_task *t, candidate *c) {
  const ig_rig r = { .alloc = &b->ir->env->alloc, .hal = b->hal, .dev = b->dev, .stream = stream, .n_threads = b->n_threads, .deadline = deadline, .cold_bytes = cold_bytes };
  double seconds;
  if (ig_rig_now() + IG_RIG_LAUNCHES * c->seconds + (double)cold_bytes / COLD_RATE > deadline) return NULL;
  IG_TRY(ig_rig_time(&r, &t->request, b->opt_values, c->tactic, &c->offer, t->node->name, &seconds));
  if (seconds < 0) return NULL;
  c->seconds = seconds;
  c->measured = true;
  return NULL;
}

/* ---- choosing ---- */

static bool formats_fit(const ig_builder *b, const ig_build_task *t, const ig_offer *o) {
  for (uint32_t i = 0; i < ig_request_n_operands(&t->request); i++) {
    const bool wants = i < IG_OFFER_OPERANDS && o->packed_mask >> i & 1;
    if (i < IG_OFFER_OPERANDS && o->block[i] > 1) return false;
    if (!wants) continue;
    const ig_operand *p = &t->request.operands[i];
    if (p->value == IG_NO_VALUE || b->buffers.data[p->value].kind != IG_BUFFER_CONSTANT) return false;
  }
  return true;
}

static size_t ask(ig_builder *b, const ig_build_task *t, candidate *out) {
  const ig_caps *caps = b->hal->caps(b->dev);
  const void *constants[144] = { 0 };
  uint32_t mask = 0, n_tactics;
  for (uint32_t i = 0; i < ig_request_n_operands(&t->request) && i < IG_OFFER_OPERANDS; i++) {
    const ig_operand *o = &t->request.operands[i];
    if (o->value == IG_NO_VALUE || b->buffers.data[o->value].kind != IG_BUFFER_CONSTANT || IG_DTYPE_BITS(o->dtype) % 8) continue;
    mask |= 1u << i;
    constants[i] = b->buffers.data[o->value].data->bytes;
  }
  const ig_region region = { .requests = (ig_request *)(uintptr_t)&t->request, .n_requests = 1, .n_in = t->request.n_in + t->request.n_extra, .n_out = t->request.n_out, .n_values = ig_request_n_operands(&t->request) };
  const ig_query q = { .region = &region, .dims = &b->ir->dims, .caps = caps, .opt = b->opt_values, .constant_mask = mask, .constants = constants };
  const ig_tactic *const *list = b->hal->tactics(b->dev, &n_tactics);
  size_t n = 0;
  for (uint32_t i = 0; i < n_tactics && n < MAX_OFFERS; i++) {
    if (list[i]->kind != t->request.kind) continue;
    candidate *c = &out[n];
    const char *why = "needs instructions that the target lacks";
    *c = (candidate){ .tactic = list[i] };
    const bool ok = (list[i]->isa & ~caps->isa) == 0 && list[i]->query(&q, &c->offer, &why) && formats_fit(b, t, &c->offer);
    if (!ok) ig_build_log(b, "  %s: refuses: %s", list[i]->name, why ? why : "formats do not fit");
    else ig_build_log(b, "  %s: guesses %.1f us", list[i]->name, c->offer.seconds * 1e6);
    if (!ok) continue;
    c->seconds = c->offer.seconds;
    n++;
  }
  return n;
}

static size_t best_of(const candidate *c, size_t n, bool measured) {
  size_t best = SIZE_MAX;
  for (size_t i = 0; i < n; i++) {
    if (measured && !c[i].measured) continue;
    if (best == SIZE_MAX || c[i].seconds < c[best].seconds * (1.0 - TIE)) best = i;
  }
  return best;
}

typedef struct tuner { ig_builder *b; ig_hal_stream *stream; double deadline; uint64_t cold_bytes; ig_tune_mode mode; ig_buf missing; uint32_t n_missing; } tuner;

/* A profile whose dims were not all named may have an optimum at which some result has no extent: nothing can be timed there. */
static bool exists_at_optimum(const ig_builder *b, const ig_build_task *t) {
  for (uint32_t i = 0; i < ig_request_n_operands(&t->request); i++) {
    const ig_operand *o = &t->request.operands[i];
    for (uint32_t k = 0; o->value != IG_NO_VALUE && k < o->rank; k++)
      if (b->opt_values[o->dims[k]] < 0) return false;
  }
  return true;
}

typedef struct timing { uint64_t key; double times[ROUNDS]; int n; } timing;

static int by_value(const void *x, const void *y) {
  const double a = *(const double *)x, b = *(const double *)y;
  return (a > b) - (a < b);
}

/* Another time of an offer that is likely still: what counts is the median of those there are. */
static ig_status time_again(tuner *u, const ig_build_task *t, candidate *c, timing *m) {
  candidate again = *c;
  again.measured = false;
  IG_TRY_NOTE(measure(u->b, u->stream, u->deadline, u->cold_bytes, t, &again), "node '%s': timing %s", t->node->name, c->tactic->name);
  if (!again.measured) return NULL;
  m->times[m->n++] = again.seconds;
  qsort(m->times, (size_t)m->n, sizeof *m->times, by_value);
  c->seconds = m->times[m->n / 2];
  c->measured = true;
  return NULL;
}

/* Times of the likely offers, from the cache or the clock. */
static ig_status get_times(tuner *u, const ig_build_task *t, candidate *c, size_t n) {
  ig_builder *b = u->b;
  timing m[MAX_OFFERS] = { 0 };
  bool waiting[MAX_OFFERS] = { false };
  const double least = c[best_of(c, n, false)].seconds;
  for (size_t i = 0; i < n; i++) {
    bool fresh;
    if (c[i].seconds > LIKELY * least) continue;
    IG_TRY(key_of(b, u->cold_bytes, t, &c[i], &m[i].key));
    if (ig_timing_cache_get(b->cache, m[i].key, &c[i].seconds, &fresh)) {
      c[i].measured = true;
      b->result->n_cached += !fresh;
    } else if (u->mode == IG_TUNE_REPLAY) {
      if (u->n_missing++ < 20) ig_buf_printf(&u->missing, "%s'%s' (%s)", u->missing.n ? ", " : "", t->node->name, c[i].tactic->name);
    } else waiting[i] = true;
  }
  for (int round = 0; round < ROUNDS; round++) {
    const size_t best = best_of(c, n, true);
    for (size_t i = 0; i < n; i++)
      if (waiting[i] && (round == 0 || (m[i].n && c[i].seconds <= CLOSE * c[best].seconds))) IG_TRY(time_again(u, t, &c[i], &m[i]));
  }
  for (size_t i = 0; i < n; i++) {
    if (!m[i].n) continue;
    b->result->n_measured++;
    IG_TRY(ig_timing_cache_put(b->cache, m[i].key, c[i].seconds));
    ig_build_log(b, "  %s: measured %.1f us", c[i].tactic->name, c[i].seconds * 1e6);
  }
  return NULL;
}

static ig_status choose(tuner *u, ig_build_task *t) {
  ig_builder *b = u->b;
  candidate c[MAX_OFFERS];
  b->explaining = ig_build_explains(b, t->node->name, t->node->sources);
  ig_build_log(b, "step '%s', kind %s: offers", t->node->name, ig_kind(t->request.kind)->name);
  const size_t n = ask(b, t, c);
  IG_REQUIRE(n, IG_ERROR_UNSUPPORTED, "node '%s': device '%s' has no tactic for this %s", t->node->name, b->hal->name, ig_kind(t->request.kind)->name);
  if (u->mode != IG_TUNE_GUESS && n > 1 && exists_at_optimum(b, t)) IG_TRY(get_times(u, t, c, n));
  size_t best = best_of(c, n, true);
  if (best == SIZE_MAX) best = best_of(c, n, false);
  t->tactic = c[best].tactic;
  t->offer = c[best].offer;
  t->seconds = c[best].seconds;
  t->measured = c[best].measured;
  t->reason = n == 1 ? "only offer" : t->measured ? "fastest of those timed" : "cheapest guess";
  ig_build_log(b, "  chosen: %s (%s)", t->tactic->name, t->reason);
  b->explaining = false;
  return NULL;
}

static ig_status tune_all(tuner *u) {
  ig_builder *b = u->b;
  for (size_t i = 0; i < b->tasks.n; i++) {
    ig_build_task *t = &b->tasks.data[i];
    if (t->kind == IG_STEP_KERNEL) IG_TRY(choose(u, t));
    IG_TRY(ig_build_tick(b, "tune", (double)(i + 1) / (double)b->tasks.n));
  }
  IG_REQUIRE(!u->n_missing, IG_ERROR_INVALID_ARGUMENT, "--tune replay: the timing cache lacks %u entries: %s: build once with --tune measure", u->n_missing, ig_buf_cstr(&u->missing));
  return NULL;
}

/* Weights that the last-level cache holds from run to run are timed so; of others it holds nothing when their step begins. */
static uint64_t cold_bytes(const ig_builder *b) {
  const uint64_t l3 = b->hal->caps(b->dev)->l3_bytes;
  uint64_t all = 0;
  for (size_t i = 0; i < b->buffers.n; i++)
    if (b->buffers.data[i].kind == IG_BUFFER_CONSTANT && b->buffers.data[i].data) all += b->buffers.data[i].data->n_bytes;
  return all > l3 / 2 ? COLD * l3 : 0;
}

ig_status ig_tune(ig_builder *b) {
  const double seconds = b->opt->build_seconds;
  tuner u = { .b = b, .mode = b->opt->tune ? b->opt->tune : IG_TUNE_MEASURE, .deadline = seconds == 0 ? 1e300 : ig_rig_now() + (seconds > 0 ? seconds : 0) };
  u.cold_bytes = cold_bytes(b);
  ig_buf_init(&u.missing, &b->ir->env->alloc);
  IG_REQUIRE(u.mode != IG_TUNE_REPLAY || b->opt->timing_cache, IG_ERROR_INVALID_ARGUMENT, "--tune replay needs --timing-cache FILE");
  ig_status st = NULL;
  if (u.mode != IG_TUNE_GUESS) st = ig_timing_cache_open(b->ir->env, b->opt->timing_cache, &b->cache);
  if (!st && u.mode == IG_TUNE_MEASURE) st = b->hal->stream_create(b->dev, b->n_threads, &u.stream);
  if (!st) st = tune_all(&u);
  if (!st && b->opt->timing_cache && u.mode == IG_TUNE_MEASURE) st = ig_timing_cache_save(b->cache);
  if (u.stream) b->hal->stream_destroy(u.stream);
  ig_timing_cache_close(b->cache);
  b->cache = NULL;
  ig_buf_free(&u.missing);
  return st;
}
