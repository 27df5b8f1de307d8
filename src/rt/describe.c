/* What an engine is, as text or JSON, and what memory it takes. SPDX-License-Identifier: Apache-2.0 */
#include "base/json_write.h"
#include "rt/rt.h"

/* ---- memory ---- */

static void io_bytes(const ig_engine *e, const int64_t *dims, ig_memory_info *out) {
  for (size_t i = 0; i < e->plan.n_io; i++) {
    const ig_plan_io *io = &e->plan.io[i];
    const int64_t n = dims[e->plan.buffers[io->buffer].bytes];
    *(io->role == IG_IO_INPUT ? &out->inputs : &out->outputs) += n > 0 ? (uint64_t)n : 0;
  }
}

static ig_status memory_at(ig_context *c, const ig_shape_list *shapes, ig_memory_info *out) {
  const ig_engine *e = c->engine;
  const ig_plan_data *p = &e->plan;
  for (size_t i = 0; i < shapes->entries.n; i++) {
    const ig_shape_entry *s = &shapes->entries.data[i];
    IG_TRY(ig_context_set_shape(c, s->name, s->dims, s->rank));
  }
  for (size_t i = 0; i < e->n_inputs; i++) {   /* not named: the optimum of the first profile */
    ig_io_state *s = &c->io[i];
    for (uint32_t k = 0; k < p->io[i].rank && !s->shape_set; k++) {
      const ig_dim_node *d = &p->dims[p->io[i].dims[k]];
      s->dims[k] = d->op == IG_DIM_SYMBOL ? p->ranges[d->a].opt : d->imm;
    }
    s->shape_set = true;
  }
  uint64_t total, scratch;
  IG_TRY(ig_context_measure(c, &total, &scratch));
  out->activations = total;
  out->scratch = scratch;
  out->lower_bound = p->profiles[c->profile].lower_bound;
  io_bytes(e, c->dims, out);
  return NULL;
}

/* The profile with the largest arena, at its largest shapes. */
static ig_status memory_largest(const ig_engine *e, ig_memory_info *out) {
  const ig_plan_data *p = &e->plan;
  const ig_allocator *a = &e->env->alloc;
  size_t f = 0;
  for (size_t i = 1; i < p->n_profiles; i++)
    if (p->profiles[i].arena_size > p->profiles[f].arena_size) f = i;
  int64_t *values = ig_alloc_zero(a, p->n_symbols + p->n_dims, sizeof *values);
  IG_CHECK_MEM(values);
  for (size_t i = 0; i < p->n_symbols; i++) values[i] = p->ranges[f * p->n_symbols + i].max;
  ig_status st = ig_dims_eval_defined(p->dims, p->n_dims, values, p->n_symbols, values + p->n_symbols);
  uint64_t strings = 0;
  if (!st) st = ig_engine_string_bytes(e, values + p->n_symbols, &strings);
  out->activations = p->profiles[f].arena_size + strings;
  out->lower_bound = p->profiles[f].lower_bound;
  for (size_t b = 0; b < p->n_buffers; b++)
    if (p->buffers[b].kind == IG_BUFFER_SCRATCH && p->places[f * p->n_buffers + b].capacity > out->scratch) out->scratch = p->places[f * p->n_buffers + b].capacity;
  if (!st) io_bytes(e, values + p->n_symbols, out);
  ig_free(a, values, (p->n_symbols + p->n_dims) * sizeof *values);
  return st;
}

ig_status ig_engine_memory(const ig_engine *e, const char *shapes, ig_memory_info *out) {
  IG_REQUIRE(e && out && out->struct_size >= sizeof *out, IG_ERROR_INVALID_ARGUMENT, "ig_engine_memory: engine or out is NULL, or struct_size is not set");
  ig_memory_info info = { .struct_size = out->struct_size, .weights = e->plan.n_weights };
  for (size_t i = 0; i < e->rebuilt.n; i++) info.weights += e->rebuilt.data[i]->size;
  if (!shapes) IG_TRY(memory_largest(e, &info));
  else {
    const ig_allocator *a = &e->env->alloc;
    ig_shape_list list;
    IG_TRY(ig_shape_text_parse(a, shapes, &list));
    ig_context *c;
    ig_status st = ig_context_create((ig_engine *)(uintptr_t)e, NULL, &c);
    if (!st) st = memory_at(c, &list, &info);
    ig_context_release(c);
    ig_shape_list_free(a, &list);
    if (st) return st;
  }
  *out = info;
  return NULL;
}

/* ---- description ---- */

static void dims_text(const ig_engine *e, const ig_io_info *io, ig_buf *out) {
  IG_UNUSED(e);
  for (int32_t k = 0; k < io->rank; k++) {
    ig_buf_str(out, k ? "x" : "");
    if (io->dims[k] >= 0) ig_buf_printf(out, "%lld", (long long)io->dims[k]);
    else ig_buf_str(out, io->dim_names[k] ? io->dim_names[k] : "?");
    if (io->dims[k] < 0 && io->max_dims[k] >= io->min_dims[k]) ig_buf_printf(out, "[%lld..%lld]", (long long)io->min_dims[k], (long long)io->max_dims[k]);
  }
  if (!io->rank) ig_buf_str(out, "scalar");
}

static const char *step_tactic(const ig_engine *e, size_t i) {
  const ig_plan_step *s = &e->plan.steps[i];
  if (s->kind == IG_STEP_IF) return "if";
  return s->kind == IG_STEP_TRAP ? "trap" : e->choices[i].tactic->name;
}
static const char *step_kind(const ig_engine *e, size_t i) {
  const ig_plan_step *s = &e->plan.steps[i];
  if (s->kind != IG_STEP_KERNEL) return step_tactic(e, i);
  return ig_kind((ig_kind_id)e->plan.requests[s->first_request].kind)->name;
}

static ig_status describe_text(const ig_engine *e, const ig_memory_info *m, ig_buf *out) {
  const ig_plan_data *p = &e->plan;
  ig_buf_printf(out, "engine for %s: %zu steps, %zu weights in %zu bytes, %zu profile%s\n", ig_plan_name(p, p->targets[0].device), p->n_steps, p->n_blobs, p->n_weights, p->n_profiles, p->n_profiles == 1 ? "" : "s");
  for (size_t i = 0; i < p->n_io; i++) {
    ig_io_info io = { .struct_size = sizeof io };
    IG_TRY(ig_engine_io(e, i, &io));
    ig_buf_printf(out, "  %s %s: %s ", io.is_output ? "output" : "input ", io.name, ig_dtype_name(io.dtype));
    dims_text(e, &io, out);
    ig_buf_str(out, "\n");
  }
  ig_buf_printf(out, "  memory: weights %llu, activations %llu (bound %llu), scratch %llu, inputs %llu, outputs %llu bytes\n", (unsigned long long)m->weights, (unsigned long long)m->activations,
                (unsigned long long)m->lower_bound, (unsigned long long)m->scratch, (unsigned long long)m->inputs, (unsigned long long)m->outputs);
  for (size_t i = 0; i < p->n_meta; i++) ig_buf_printf(out, "  metadata %s: %s\n", ig_plan_name(p, p->meta[i].key), ig_plan_name(p, p->meta[i].value));
  for (size_t i = 0; i < p->n_steps; i++)
    ig_buf_printf(out, "  step %zu: %s  %s  %s%s%s%s\n", i, ig_plan_name(p, p->steps[i].name), step_kind(e, i), step_tactic(e, i), p->steps[i].flags & IG_STEP_BIND ? "  (at bind)" : "", p->steps[i].flags & IG_STEP_BAND ? "  (in bands with the one before)" : "",
                  p->steps[i].kind == IG_STEP_KERNEL && strcmp(step_tactic(e, i), ig_plan_name(p, p->steps[i].tactic)) ? "  (replaced)" : "");
  return NULL;
}

static ig_status json_io(const ig_engine *e, size_t i, ig_json *j) {
  ig_io_info io = { .struct_size = sizeof io };
  IG_TRY(ig_engine_io(e, i, &io));
  ig_json_open(j, NULL, '{');
  ig_json_str(j, "name", io.name);
  ig_json_str(j, "role", io.is_output ? "output" : "input");
  ig_json_str(j, "dtype", ig_dtype_name(io.dtype));
  ig_json_open(j, "dims", '[');
  for (int32_t k = 0; k < io.rank; k++) ig_json_i64(j, NULL, io.dims[k]);
  ig_json_close(j, ']');
  ig_json_open(j, "dim_names", '[');
  for (int32_t k = 0; k < io.rank; k++) ig_json_str(j, NULL, io.dim_names[k]);
  ig_json_close(j, ']');
  ig_json_close(j, '}');
  return NULL;
}

static ig_status describe_json(const ig_engine *e, const ig_memory_info *m, ig_buf *out) {
  const ig_plan_data *p = &e->plan;
  ig_json j;
  ig_json_init(&j, out);
  ig_json_open(&j, NULL, '{');
  ig_json_str(&j, "device", ig_plan_name(p, p->targets[0].device));
  ig_json_i64(&j, "threads", p->targets[0].n_threads);
  ig_json_open(&j, "format", '[');
  ig_json_i64(&j, NULL, IG_ENGINE_MAJOR);
  ig_json_i64(&j, NULL, IG_ENGINE_MINOR);
  ig_json_close(&j, ']');
  ig_json_open(&j, "io", '[');
  for (size_t i = 0; i < p->n_io; i++) IG_TRY(json_io(e, i, &j));
  ig_json_close(&j, ']');
  ig_json_open(&j, "memory", '{');
  ig_json_i64(&j, "weights", (int64_t)m->weights);
  ig_json_i64(&j, "activations", (int64_t)m->activations);
  ig_json_i64(&j, "lower_bound", (int64_t)m->lower_bound);
  ig_json_i64(&j, "scratch", (int64_t)m->scratch);
  ig_json_i64(&j, "inputs", (int64_t)m->inputs);
  ig_json_i64(&j, "outputs", (int64_t)m->outputs);
  ig_json_close(&j, '}');
  ig_json_open(&j, "metadata", '{');
  for (size_t i = 0; i < p->n_meta; i++) ig_json_str(&j, ig_plan_name(p, p->meta[i].key), ig_plan_name(p, p->meta[i].value));
  ig_json_close(&j, '}');
  ig_json_open(&j, "provenance", '{');
  for (size_t i = 0; i < p->n_provenance; i++) ig_json_str(&j, ig_plan_name(p, p->provenance[i].key), ig_plan_name(p, p->provenance[i].value));
  ig_json_close(&j, '}');
  ig_json_i64(&j, "profiles", (int64_t)p->n_profiles);
  ig_json_i64(&j, "guards", (int64_t)p->n_guards);
  ig_json_open(&j, "steps", '[');
  for (size_t i = 0; i < p->n_steps; i++) {
    ig_json_open(&j, NULL, '{');
    ig_json_str(&j, "name", ig_plan_name(p, p->steps[i].name));
    ig_json_str(&j, "sources", ig_plan_name(p, p->steps[i].sources));
    ig_json_str(&j, "kind", step_kind(e, i));
    ig_json_str(&j, "tactic", step_tactic(e, i));
    ig_json_str(&j, "reason", ig_plan_name(p, p->steps[i].reason));
    ig_json_bool(&j, "bind", (p->steps[i].flags & IG_STEP_BIND) != 0);
    ig_json_bool(&j, "band", (p->steps[i].flags & IG_STEP_BAND) != 0);
    ig_json_close(&j, '}');
  }
  ig_json_close(&j, ']');
  ig_json_close(&j, '}');
  ig_buf_str(out, "\n");
  return NULL;
}

ig_status ig_engine_describe(const ig_engine *e, const char *format, ig_write_fn write, void *user) {
  IG_REQUIRE(e && format && write, IG_ERROR_INVALID_ARGUMENT, "ig_engine_describe: an argument is NULL");
  const bool json = strcmp(format, "json") == 0;
  IG_REQUIRE(json || strcmp(format, "text") == 0, IG_ERROR_INVALID_ARGUMENT, "ig_engine_describe: format '%s' is neither text nor json", format);
  ig_memory_info m = { .struct_size = sizeof m };
  IG_TRY(ig_engine_memory(e, NULL, &m));
  ig_buf out;
  ig_buf_init(&out, &e->env->alloc);
  ig_status st = json ? describe_json(e, &m, &out) : describe_text(e, &m, &out);
  if (!st && out.failed) st = IG_OOM();
  if (!st && write(user, out.data, out.n)) st = ig_status_new(IG_ERROR_IO, "writing the description failed");
  ig_buf_free(&out);
  return st;
}

/* ---- devices ---- */

size_t ig_device_count(void) { return ig_n_hals; }
const char *ig_device_name(size_t i) { return i < ig_n_hals ? ig_hals[i]->name : NULL; }

ig_status ig_device_describe(ig_env *env, const char *name, ig_write_fn write, void *user) {
  IG_REQUIRE(env && name && write, IG_ERROR_INVALID_ARGUMENT, "ig_device_describe: an argument is NULL");
  const ig_hal *h = ig_hal_by_name(name);
  IG_REQUIRE(h, IG_ERROR_DEVICE, "device '%s' is not in this build: see `ingot devices`", name);
  const ig_hal_options o = { .isa_mask = ~0ull, .n_threads = env->n_threads };
  ig_hal_device *d;
  IG_TRY(h->open(env, &o, &d));
  ig_buf out;
  ig_buf_init(&out, &env->alloc);
  ig_status st = h->describe(d, &out);
  h->close(d);
  if (!st && (out.failed || write(user, out.data, out.n))) st = ig_status_new(IG_ERROR_IO, "writing the description failed");
  ig_buf_free(&out);
  return st;
}
