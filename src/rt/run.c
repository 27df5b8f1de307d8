/* The interpreter: step after step on a stream. SPDX-License-Identifier: Apache-2.0 */
#include "rt/rt.h"
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static ig_step_info step_info(const ig_context *c, size_t i, double seconds) {
  const ig_plan_data *p = &c->engine->plan;
  const ig_plan_step *s = &p->steps[i];
  const ig_launch *l = &c->launches[i];
  const ig_kind_def *k = ig_kind(l->call.kind);
  ig_step_info info = { .struct_size = sizeof info, .index = (uint32_t)i, .name = ig_plan_name(p, s->name), .kind = k->name, .tactic = l->tactic->name, .reason = ig_plan_name(p, s->reason), .seconds = seconds };
  for (uint32_t o = 0; o < l->call.n_in + l->call.n_extra + l->call.n_out; o++)
    if (ig_view_present(&l->call.v[o])) info.bytes += ig_dtype_bytes(l->call.v[o].dtype, (uint64_t)ig_view_count(&l->call.v[o]));
  const double elements = (double)ig_view_count(ig_call_out(&l->call, 0));
  info.flops = k->flops ? k->flops(&l->call) : elements * (double)(l->call.prog.n ? l->call.prog.n : 1);
  info.edge = ig_sprog_edge(l->call.kind == IG_KIND_map ? &l->call.prog : &l->call.epi, 0);
  return info;
}

static void watch(const ig_context *c, size_t i) {
  const ig_call *call = &c->launches[i].call;
  ig_tensor results[16];
  int64_t dims[16][IG_MAX_RANK], strides[16][IG_MAX_RANK];
  uint32_t n = 0;
  for (uint32_t o = 0; o < call->n_out && n < 16; o++) {
    const ig_view *v = ig_call_out(call, o);
    if (!ig_view_present(v) || v->block > 1) continue;
    memcpy(dims[n], v->dims, sizeof dims[n]);
    memcpy(strides[n], v->strides, sizeof strides[n]);
    results[n] = (ig_tensor){ .data = v->data, .device_type = 1, .rank = v->rank, .dtype = v->dtype, .dims = dims[n], .strides = strides[n] };
    n++;
  }
  const ig_step_info info = step_info(c, i, 0);
  c->watch_fn(c->watch_user, &info, results, n);
}

static ig_status run_kernel(ig_context *c, ig_stream *s, size_t i) {
  const ig_hal *hal = c->engine->hal;
  if (!c->profile_fn) IG_TRY(hal->launch(s->hal, &c->launches[i]));
  else {
    const double t0 = now();
    IG_TRY(hal->launch(s->hal, &c->launches[i]));
    IG_TRY(hal->stream_wait(s->hal));
    const ig_step_info info = step_info(c, i, now() - t0);
    c->profile_fn(c->profile_user, &info);
  }
  if (c->watch_fn) watch(c, i);
  return NULL;
}

/* The chain that begins at step i. Of a profile's sum, each step has the share that it took of one part. */
static ig_status run_chain(ig_context *c, ig_stream *s, size_t i) {
  const ig_hal *hal = c->engine->hal;
  const ig_bands *b = &c->bands[i];
  if (!c->profile_fn) return hal->launch_bands(s->hal, &c->launches[i], b, NULL);
  double seconds[IG_BANDS_STEPS] = { 0 }, sum = 0;
  const double t0 = now();
  IG_TRY(hal->launch_bands(s->hal, &c->launches[i], b, seconds));
  const double whole = now() - t0;
  for (uint32_t k = 0; k < b->n; k++) sum += seconds[k];
  for (uint32_t k = 0; k < b->n; k++) {
    const ig_step_info info = step_info(c, i + k, sum > 0 ? whole * seconds[k] / sum : whole / b->n);
    c->profile_fn(c->profile_user, &info);
  }
  return NULL;
}

/* Whether an If takes its then arm. What shapes do not decide is read from memory, once the steps so far have written it. */
static ig_status condition(ig_context *c, ig_stream *s, const ig_plan_step *step, bool *out) {
  const ig_plan_data *p = &c->engine->plan;
  *out = c->dims[step->cond_dim] != 0;
  if (step->cond_dim) return NULL;
  IG_TRY(c->engine->hal->stream_wait(s->hal));
  const uint32_t buffer = step->cond;
  const ig_plan_buffer *b = &p->buffers[buffer];
  const uint8_t *at;
  if (b->kind == IG_BUFFER_CONSTANT) at = p->weights + p->blobs[b->index].offset;
  else if (b->kind >= IG_BUFFER_ARENA) at = (const uint8_t *)c->arena.address + c->places[buffer].offset;
  else at = c->io[b->index].external && !c->io[b->index].strided ? c->io[b->index].external_data : c->io[b->index].own.address;
  *out = *at != 0;
  return NULL;
}

/* Steps [first, end). An If's arms follow it; recursion is as deep as Ifs nest, which the verifier limits. */
static ig_status run_steps(ig_context *c, ig_stream *s, size_t first, size_t end, bool bind_only) {
  const ig_plan_data *p = &c->engine->plan;
  for (size_t i = first; i < end; i++) {
    const ig_plan_step *step = &p->steps[i];
    if (step->kind == IG_STEP_IF) {
      const size_t arms = i + 1, rest = arms + step->n_then;
      if (!bind_only) {
        bool yes;
        IG_TRY(condition(c, s, step, &yes));
        ig_status cannot = c->arm_failures[2 * i + !yes];
        if (cannot) return ig_status_with(ig_status_new(ig_status_code(cannot), "%s", ig_status_message(cannot)), IG_DETAIL_NODE, ig_plan_name(p, step->name));
        IG_TRY(run_steps(c, s, yes ? arms : rest, yes ? rest : rest + step->n_else, false));
      }
      i = rest + step->n_else - 1;
      continue;
    }
    if (((step->flags & IG_STEP_BIND) != 0) != bind_only) continue;
    if (step->kind == IG_STEP_TRAP) IG_FAIL(IG_ERROR_TRAP, "node '%s': %s", ig_plan_name(p, step->name), ig_plan_name(p, step->message));
    if (ig_cancelled(c->cancel)) IG_FAIL(IG_ERROR_CANCELLED, "run cancelled before node '%s'", ig_plan_name(p, step->name));
    if (c->bands[i].n && !c->watch_fn) {   /* a watcher wants each result whole */
      IG_TRY(run_chain(c, s, i));
      i += c->bands[i].n - 1;
    } else IG_TRY(run_kernel(c, s, i));
  }
  return NULL;
}

static void copy_strided(ig_context *c, uint32_t role) {
  const ig_plan_data *p = &c->engine->plan;
  for (size_t i = 0; i < p->n_io; i++) {
    ig_io_state *s = &c->io[i];
    if (p->io[i].role != role || !s->external || !s->strided) continue;
    int64_t dims[IG_MAX_RANK], compact[IG_MAX_RANK], n = 1;
    for (uint32_t k = p->io[i].rank; k-- > 0; n *= dims[k]) dims[k] = c->dims[p->io[i].dims[k]], compact[k] = n;
    const size_t elem = IG_DTYPE_BITS(ig_io_dtype(&p->io[i])) / 8;
    if (role == IG_IO_INPUT) ig_strided_copy(s->own.address, compact, s->external_data, s->ext_strides, dims, p->io[i].rank, elem);
    else ig_strided_copy(s->external_data, s->ext_strides, s->own.address, compact, dims, p->io[i].rank, elem);
  }
}

/* Inputs whose contents the build took for granted must have just those. */
static ig_status check_required(const ig_context *c) {
  const ig_plan_data *p = &c->engine->plan;
  for (size_t i = 0; i < c->engine->n_inputs; i++) {
    if (p->io[i].required_blob == IG_NONE) continue;
    const ig_plan_blob *b = &p->blobs[p->io[i].required_blob];
    const ig_io_state *s = &c->io[i];
    const void *have = s->external && !s->strided ? s->external_data : s->own.address;
    IG_REQUIRE(b->size == s->bytes && (b->size == 0 || memcmp(have, p->weights + b->offset, b->size) == 0), IG_ERROR_SHAPE, "input '%s': this engine was built for one value of it (--values) and was given another", ig_io_name(c->engine, i));
  }
  return NULL;
}

static ig_status data_error(ig_context *c) {
  const uint64_t word = atomic_exchange_explicit(&c->error.word, 0, memory_order_relaxed);
  if (!word) return NULL;
  const ig_plan_data *p = &c->engine->plan;
  const ig_plan_step *s = &p->steps[word >> 32];
  return ig_status_with(ig_status_new(IG_ERROR_DATA, "node '%s' (%s): %s; the outputs are not valid", ig_plan_name(p, s->name), ig_kind(c->launches[word >> 32].call.kind)->name, "an index lies outside its axis"), IG_DETAIL_NODE, ig_plan_name(p, s->name));
}

ig_status ig_context_execute(ig_context *c, ig_stream *s, bool bind_only) {
  if (!bind_only) {
    copy_strided(c, IG_IO_INPUT);
    IG_TRY(check_required(c));
    ig_context_clear_strings(c);
  }
  ig_status st = run_steps(c, s, 0, c->engine->plan.n_steps, bind_only);
  ig_status late = c->engine->hal->stream_wait(s->hal);
  if (!st) st = late;
  else ig_status_free(late);
  ig_status data = data_error(c);
  if (!st) st = data;
  else ig_status_free(data);
  if (!st && !bind_only) copy_strided(c, IG_IO_OUTPUT);
  return st;
}
