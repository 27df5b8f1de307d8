/* Contexts: create, shapes, inputs and outputs. SPDX-License-Identifier: Apache-2.0 */
#include "rt/rt.h"

static void context_free(ig_context *c) {
  ig_engine *e = c->engine;
  const ig_allocator *a = &e->env->alloc;
  const ig_plan_data *p = &e->plan;
  ig_dims_free(&c->check);
  ig_arena_free(&c->check_arena);
  for (size_t i = 0; c->io && i < p->n_io; i++) e->hal->free(e->dev, IG_MEMORY_HOST, &c->io[i].own);
  if (c->arena.address && !c->arena_external) e->hal->free(e->dev, IG_MEMORY_DEVICE, &c->arena);
  if (c->strings.address) e->hal->free(e->dev, IG_MEMORY_HOST, &c->strings);
  if (c->string_places) ig_free(a, c->string_places, (p->n_buffers + 1) * sizeof *c->string_places);
  ig_free(a, c->io, (p->n_io + 1) * sizeof *c->io);
  ig_free(a, c->symbols, (p->n_symbols + 1) * sizeof *c->symbols);
  ig_free(a, c->dims, (p->n_dims + 1) * sizeof *c->dims);
  ig_free(a, c->own_places, (p->n_buffers + 1) * sizeof *c->own_places);
  ig_free(a, c->place_memory, c->place_bytes);
  if (c->arm_failures) ig_context_forget_arms(c);
  ig_free(a, c->arm_failures, (2 * p->n_steps + 1) * sizeof *c->arm_failures);
  ig_free(a, c->launches, (p->n_steps + 1) * sizeof *c->launches);
  ig_free(a, c->bands, (p->n_steps + 1) * sizeof *c->bands);
  ig_free(a, c->views, (p->n_operands + 1) * sizeof *c->views);
  ig_free(a, c->bounds, (p->n_operands + 1) * sizeof *c->bounds);
  ig_free(a, c->params, (p->n_params + 1) * sizeof *c->params);
  ig_free(a, c->insns, (p->n_insns + 1) * sizeof *c->insns);
  ig_stream_release(c->stream);
  ig_free(a, c, sizeof *c);
  ig_engine_release(e);
}

static ig_status stream_new(ig_engine *e, uint32_t n_threads, ig_stream **out) {
  *out = NULL;
  ig_stream *s = ig_alloc_zero(&e->env->alloc, 1, sizeof *s);
  IG_CHECK_MEM(s);
  ig_status st = e->hal->stream_create(e->dev, n_threads, &s->hal);
  if (st) {
    ig_free(&e->env->alloc, s, sizeof *s);
    return st;
  }
  s->engine = e;
  s->n_threads = n_threads;
  ig_engine_retain(e);
  *out = s;
  return NULL;
}

ig_status ig_stream_create(ig_engine *e, ig_stream **out_stream) {
  IG_REQUIRE(out_stream, IG_ERROR_INVALID_ARGUMENT, "ig_stream_create: out_stream is NULL");
  *out_stream = NULL;
  IG_REQUIRE(e, IG_ERROR_INVALID_ARGUMENT, "ig_stream_create: engine is NULL");
  return stream_new(e, e->env->n_threads, out_stream);
}

void ig_stream_release(ig_stream *s) {
  if (!s) return;
  ig_engine *e = s->engine;
  ig_status_free(s->error);
  e->hal->stream_destroy(s->hal);
  ig_free(&e->env->alloc, s, sizeof *s);
  ig_engine_release(e);
}

static ig_status allocate(ig_context *c) {
  const ig_allocator *a = &c->engine->env->alloc;
  const ig_plan_data *p = &c->engine->plan;
  c->io = ig_alloc_zero(a, p->n_io + 1, sizeof *c->io);
  c->symbols = ig_alloc_zero(a, p->n_symbols + 1, sizeof *c->symbols);
  c->dims = ig_alloc_zero(a, p->n_dims + 1, sizeof *c->dims);
  c->own_places = ig_alloc_zero(a, p->n_buffers + 1, sizeof *c->own_places);
  c->launches = ig_alloc_zero(a, p->n_steps + 1, sizeof *c->launches);
  c->bands = ig_alloc_zero(a, p->n_steps + 1, sizeof *c->bands);
  c->arm_failures = ig_alloc_zero(a, 2 * p->n_steps + 1, sizeof *c->arm_failures);
  c->views = ig_alloc_zero(a, p->n_operands + 1, sizeof *c->views);
  c->bounds = ig_alloc_zero(a, p->n_operands + 1, sizeof *c->bounds);
  c->params = ig_alloc_zero(a, p->n_params + 1, sizeof *c->params);
  c->insns = ig_alloc_zero(a, p->n_insns + 1, sizeof *c->insns);
  const bool ok = c->io && c->symbols && c->dims && c->own_places && c->launches && c->bands && c->arm_failures && c->views && c->bounds && c->params && c->insns;
  return ok ? NULL : IG_OOM();
}

/* Static inputs have their shape from the start. */
static void set_static_shapes(ig_context *c) {
  const ig_plan_data *p = &c->engine->plan;
  for (size_t i = 0; i < c->engine->n_inputs; i++) {
    bool fixed = true;
    for (uint32_t k = 0; k < p->io[i].rank; k++) {
      const ig_dim_node *d = &p->dims[p->io[i].dims[k]];
      fixed = fixed && d->op == IG_DIM_CONST;
      c->io[i].dims[k] = d->imm;
    }
    c->io[i].shape_set = fixed;
  }
}

ig_status ig_context_create(ig_engine *e, const ig_context_options *opt, ig_context **out_ctx) {
  IG_REQUIRE(out_ctx, IG_ERROR_INVALID_ARGUMENT, "ig_context_create: out_ctx is NULL");
  *out_ctx = NULL;
  IG_REQUIRE(e, IG_ERROR_INVALID_ARGUMENT, "ig_context_create: engine is NULL");
  ig_context_options o = IG_CONTEXT_OPTIONS_INIT;
  if (opt) {
    IG_REQUIRE(opt->struct_size >= sizeof opt->struct_size, IG_ERROR_INVALID_ARGUMENT, "ig_context_options: struct_size is %zu: use IG_CONTEXT_OPTIONS_INIT", opt->struct_size);
    for (size_t i = sizeof o; i < opt->struct_size; i++)
      IG_REQUIRE(((const unsigned char *)opt)[i] == 0, IG_ERROR_INVALID_ARGUMENT, "ig_context_options: a field that this version does not know is set");
    memcpy(&o, opt, opt->struct_size < sizeof o ? opt->struct_size : sizeof o);
  }
  IG_REQUIRE((uintptr_t)o.arena % IG_TENSOR_ALIGN == 0, IG_ERROR_INVALID_ARGUMENT, "ig_context_options: arena must be aligned to %u bytes", IG_TENSOR_ALIGN);
  ig_context *c = ig_alloc_zero(&e->env->alloc, 1, sizeof *c);
  IG_CHECK_MEM(c);
  c->engine = e;
  ig_engine_retain(e);
  ig_arena_init(&c->check_arena, &e->env->alloc, 0);
  ig_dims_init(&c->check, &e->env->alloc, &c->check_arena);
  c->cancel = o.cancel;
  c->max_bytes = o.max_bytes;
  c->n_threads = o.n_threads ? o.n_threads : e->env->n_threads;
  if (o.arena) c->arena = (ig_buffer){ o.arena, o.arena_size }, c->arena_external = true;
  ig_status st = allocate(c);
  if (!st) st = stream_new(e, c->n_threads, &c->stream);
  if (st) {
    context_free(c);
    return st;
  }
  set_static_shapes(c);
  *out_ctx = c;
  return NULL;
}

void ig_context_release(ig_context *c) {
  if (c) context_free(c);
}

ig_status ig_context_allow(const ig_context *c, size_t have, uint64_t want, const char *what) {
  if (!c->max_bytes) return NULL;
  uint64_t all = c->strings.size + (c->arena_external ? 0 : c->arena.size);
  for (size_t i = 0; i < c->engine->plan.n_io; i++) all += c->io[i].own.size;
  all -= have;
  IG_REQUIRE(want <= c->max_bytes && all <= c->max_bytes - want, IG_ERROR_LIMIT, "%s: %llu bytes at these shapes, beside %llu that the context has; the limit is %llu (--memory)", what, (unsigned long long)want,
             (unsigned long long)all, (unsigned long long)c->max_bytes);
  return NULL;
}

static ig_status find_io(const ig_context *c, const char *name, int role, size_t *out) {
  const ig_plan_data *p = &c->engine->plan;
  ig_buf names;
  IG_REQUIRE(name, IG_ERROR_INVALID_ARGUMENT, "name of the %s is NULL", role == IG_IO_INPUT ? "input" : "tensor");
  for (size_t i = 0; i < p->n_io; i++)
    if ((!role || p->io[i].role == (uint32_t)role) && strcmp(ig_io_name(c->engine, i), name) == 0) {
      *out = i;
      return NULL;
    }
  ig_buf_init(&names, &c->engine->env->alloc);
  for (size_t i = 0; i < p->n_io; i++)
    if (!role || p->io[i].role == (uint32_t)role) ig_buf_printf(&names, "%s'%s'", names.n ? ", " : "", ig_io_name(c->engine, i));
  ig_status st = ig_status_new(IG_ERROR_INVALID_ARGUMENT, "no %s '%s': there %s %s", role == IG_IO_INPUT ? "input" : role == IG_IO_OUTPUT ? "output" : "input or output", name, names.n ? "are" : "is none", ig_buf_cstr(&names));
  ig_buf_free(&names);
  return st;
}

ig_status ig_context_set_shape(ig_context *c, const char *input, const int64_t *dims, size_t n_dims) {
  IG_REQUIRE(c && (dims || !n_dims), IG_ERROR_INVALID_ARGUMENT, "ig_context_set_shape: an argument is NULL");
  size_t i;
  IG_TRY(find_io(c, input, IG_IO_INPUT, &i));
  const ig_plan_io *io = &c->engine->plan.io[i];
  IG_REQUIRE(n_dims == io->rank, IG_ERROR_SHAPE, "input '%s': %zu dims given, the model has %u", input, n_dims, io->rank);
  for (size_t k = 0; k < n_dims; k++) {
    const ig_dim_node *d = &c->engine->plan.dims[io->dims[k]];
    IG_REQUIRE(dims[k] >= 0 && dims[k] <= IG_DIM_UNBOUNDED, IG_ERROR_SHAPE, "input '%s': dim %zu is %lld", input, k, (long long)dims[k]);
    IG_REQUIRE(d->op != IG_DIM_CONST || d->imm == dims[k], IG_ERROR_SHAPE, "input '%s': dim %zu is %lld, this engine was built for %lld: build it with a range (--min-shapes, --max-shapes)", input, k, (long long)dims[k], (long long)d->imm);
  }
  ig_io_state *s = &c->io[i];
  if (s->shape_set && (!n_dims || memcmp(s->dims, dims, n_dims * sizeof *dims) == 0)) return NULL;
  if (n_dims) memcpy(s->dims, dims, n_dims * sizeof *dims);
  s->shape_set = true;
  c->bound = false;
  return NULL;
}

static ig_status missing_shape(const ig_context *c) {
  for (size_t i = 0; i < c->engine->n_inputs; i++)
    IG_REQUIRE(c->io[i].shape_set, IG_ERROR_SHAPE, "input '%s': shape not set (ig_context_set_shape, or --shapes)", ig_io_name(c->engine, i));
  return NULL;
}

static ig_status ensure_bound(ig_context *c) {
  if (c->bound && !ig_context_values_changed(c)) return c->addressed ? NULL : ig_context_address(c);
  IG_TRY(missing_shape(c));
  return ig_context_bind(c);
}

ig_status ig_context_get_shape(ig_context *c, const char *name, int64_t *dims, size_t cap, size_t *out_n) {
  IG_REQUIRE(c && out_n && (dims || !cap), IG_ERROR_INVALID_ARGUMENT, "ig_context_get_shape: an argument is NULL");
  *out_n = 0;
  size_t i;
  IG_TRY(find_io(c, name, 0, &i));
  const ig_plan_io *io = &c->engine->plan.io[i];
  IG_TRY(ensure_bound(c));
  for (uint32_t k = 0; k < io->rank && k < cap; k++) dims[k] = c->dims[io->dims[k]];
  *out_n = io->rank;
  return NULL;
}

/* Input or output i has new contents, or lies elsewhere (moved), at the same shape. */
static void memory_changed(ig_context *c, size_t i, bool moved) {
  const ig_plan_data *p = &c->engine->plan;
  if (moved) c->addressed = false;
  for (size_t y = 0; y < p->n_symbols; y++)   /* shape-deciding values are read at bind */
    if (p->symbols[y].sort == IG_SYMBOL_VALUE && p->symbols[y].io == i) c->bound = false;
}

ig_status ig_context_set_tensor_at(ig_context *c, size_t i, const ig_tensor *t) {
  IG_REQUIRE(c && i < c->engine->plan.n_io, IG_ERROR_INVALID_ARGUMENT, "ig_context_set_tensor: no such input or output");
  const ig_plan_io *io = &c->engine->plan.io[i];
  const char *name = ig_io_name(c->engine, i);
  ig_io_state *s = &c->io[i];
  if (!t) {
    if (s->external) memory_changed(c, i, true);
    s->external = s->strided = false;
    return NULL;
  }
  IG_REQUIRE(t->dtype == ig_io_dtype(io), IG_ERROR_INVALID_ARGUMENT, "tensor '%s': data type %s given, the engine has %s", name, ig_dtype_name(t->dtype), ig_dtype_name(ig_io_dtype(io)));
  IG_REQUIRE(t->rank >= 0 && (uint32_t)t->rank == io->rank && (t->dims || !t->rank), IG_ERROR_SHAPE, "tensor '%s': rank %d given, the engine has %u", name, t->rank, io->rank);
  IG_REQUIRE(t->device_type == 1, IG_ERROR_INVALID_ARGUMENT, "tensor '%s': device type %d, expected CPU memory (1)", name, t->device_type);
  int64_t compact[IG_MAX_RANK], n = 1;
  bool strided = false;
  for (uint32_t k = io->rank; k-- > 0; n *= t->dims[k]) {
    IG_REQUIRE(t->dims[k] >= 0 && t->dims[k] <= IG_DIM_UNBOUNDED && (n == 0 || t->dims[k] <= INT64_MAX / n), IG_ERROR_SHAPE, "tensor '%s': dim %u is %lld", name, k, (long long)t->dims[k]);
    compact[k] = n;
    if (t->strides && t->strides[k] != n && t->dims[k] != 1) strided = true;
  }
  IG_REQUIRE(t->data || n == 0, IG_ERROR_INVALID_ARGUMENT, "tensor '%s': data is NULL", name);
  IG_REQUIRE(!strided || IG_DTYPE_BITS(t->dtype) >= 8, IG_ERROR_INVALID_ARGUMENT, "tensor '%s': strides of packed sub-byte elements", name);
  if (io->role == IG_IO_INPUT) IG_TRY(ig_context_set_shape(c, name, t->dims, (size_t)t->rank));
  const size_t align = IG_DTYPE_BITS(t->dtype) >= 64 ? 8 : IG_DTYPE_BITS(t->dtype) >= 8 ? IG_DTYPE_BITS(t->dtype) / 8 : 1;
  void *data = t->data ? (char *)t->data + t->byte_offset : NULL;
  IG_REQUIRE((uintptr_t)data % align == 0, IG_ERROR_INVALID_ARGUMENT, "tensor '%s': address not aligned to its %zu-byte elements", name, align);
  memcpy(s->ext_dims, t->dims ? t->dims : s->ext_dims, io->rank * sizeof(int64_t));
  memcpy(s->ext_strides, strided ? t->strides : compact, io->rank * sizeof(int64_t));
  s->external_data = data;
  s->external = true;
  s->strided = strided;
  memory_changed(c, i, true);
  return NULL;
}

ig_status ig_context_set_tensor(ig_context *c, const char *name, const ig_tensor *t) {
  IG_REQUIRE(c, IG_ERROR_INVALID_ARGUMENT, "ig_context_set_tensor: context is NULL");
  size_t i;
  IG_TRY(find_io(c, name, 0, &i));
  return ig_context_set_tensor_at(c, i, t);
}

ig_status ig_context_set_data(ig_context *c, const char *input, const void *data, size_t n_bytes) {
  IG_REQUIRE(c && (data || !n_bytes), IG_ERROR_INVALID_ARGUMENT, "ig_context_set_data: an argument is NULL");
  size_t i;
  IG_TRY(find_io(c, input, IG_IO_INPUT, &i));
  const ig_plan_io *io = &c->engine->plan.io[i];
  ig_io_state *s = &c->io[i];
  IG_REQUIRE(s->shape_set, IG_ERROR_SHAPE, "input '%s': set its shape before its data", input);
  uint64_t n = 1;
  for (uint32_t k = 0; k < io->rank; k++)
    IG_REQUIRE(!__builtin_mul_overflow(n, (uint64_t)s->dims[k], &n), IG_ERROR_LIMIT, "input '%s': its size overflows", input);
  const size_t want = ig_dtype_bytes(ig_io_dtype(io), n);
  IG_REQUIRE(n_bytes == want, IG_ERROR_INVALID_ARGUMENT, "input '%s': %zu bytes given, its shape takes %zu", input, n_bytes, want);
  const bool grow = s->own.size < want || !s->own.address, moved = s->external || grow;
  if (grow) {
    ig_buffer fresh;
    IG_TRY(ig_context_allow(c, s->own.size, want, input));
    IG_TRY(c->engine->hal->alloc(c->engine->dev, IG_MEMORY_HOST, want ? want : 1, &fresh));
    c->engine->hal->free(c->engine->dev, IG_MEMORY_HOST, &s->own);
    s->own = fresh;
  }
  s->external = s->strided = false;
  if (want) memcpy(s->own.address, data, want);
  memory_changed(c, i, moved);
  return NULL;
}

ig_status ig_context_get_tensor_at(ig_context *c, size_t i, ig_tensor *out) {
  IG_REQUIRE(c && out && i < c->engine->plan.n_io, IG_ERROR_INVALID_ARGUMENT, "ig_context_get_tensor: no such input or output");
  IG_TRY(ensure_bound(c));
  const ig_plan_io *io = &c->engine->plan.io[i];
  ig_io_state *s = &c->io[i];
  for (uint32_t k = 0; k < io->rank; k++) s->dims[k] = c->dims[io->dims[k]];
  *out = (ig_tensor){ .data = s->external ? s->external_data : s->own.address, .device_type = 1, .rank = (int32_t)io->rank, .dtype = ig_io_dtype(io), .dims = s->dims, .strides = s->strided ? s->ext_strides : NULL };
  return NULL;
}

ig_status ig_context_get_tensor(ig_context *c, const char *output, ig_tensor *out) {
  IG_REQUIRE(c, IG_ERROR_INVALID_ARGUMENT, "ig_context_get_tensor: context is NULL");
  size_t i;
  IG_TRY(find_io(c, output, IG_IO_OUTPUT, &i));
  return ig_context_get_tensor_at(c, i, out);
}

ig_status ig_context_enqueue(ig_context *c, ig_stream *s) {
  IG_REQUIRE(c, IG_ERROR_INVALID_ARGUMENT, "ig_context_enqueue: context is NULL");
  IG_TRY(ensure_bound(c));
  s = s ? s : c->stream;
  IG_REQUIRE(s->engine == c->engine, IG_ERROR_INVALID_ARGUMENT, "ig_context_enqueue: the stream belongs to another engine");
  IG_REQUIRE(s->n_threads >= c->n_threads, IG_ERROR_INVALID_ARGUMENT, "ig_context_enqueue: the stream has %u threads, the context was made for %u", s->n_threads, c->n_threads);
  ig_status st = ig_context_execute(c, s, false);
  if (st && s->error) ig_status_free(st);   /* the first error wins */
  else if (st) s->error = st;
  return NULL;
}

ig_status ig_stream_wait(ig_stream *s) {
  IG_REQUIRE(s, IG_ERROR_INVALID_ARGUMENT, "ig_stream_wait: stream is NULL");
  ig_status st = s->error;
  s->error = NULL;
  ig_status late = s->engine->hal->stream_wait(s->hal);
  if (!st) return late;
  ig_status_free(late);
  return st;
}

ig_status ig_context_run(ig_context *c) {
  IG_REQUIRE(c, IG_ERROR_INVALID_ARGUMENT, "ig_context_run: context is NULL");
  IG_TRY(ig_context_enqueue(c, c->stream));
  return ig_stream_wait(c->stream);
}

void ig_context_set_profiler(ig_context *c, ig_profile_fn fn, void *user) {
  if (!c) return;
  c->profile_fn = fn;
  c->profile_user = user;
}
void ig_context_set_watch(ig_context *c, ig_watch_fn fn, void *user) {
  if (!c) return;
  c->watch_fn = fn;
  c->watch_user = user;
}
