/* Ingot runtime: load engine files and run them. Library libingot_rt alone suffices for this header.
 *
 * ig_engine: immutable, shared between threads. ig_context: one thread at a time; several contexts of one engine run in parallel.
 * A context takes its memory when it is created and when shapes change; running allocates nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef INGOT_RUNTIME_H
#define INGOT_RUNTIME_H
#include "ingot/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ig_engine ig_engine;
typedef struct ig_context ig_context;
typedef struct ig_stream ig_stream;

/* ---- engines ---- */
typedef struct ig_load_options {
  size_t struct_size;
  const char *device;        /* NULL = the engine's own ("cpu"); "ref" = the reference; "null" = check launches, compute nothing */
  uint64_t isa_mask;         /* 0 = all that the machine has; else only these (IG_ISA_*); portable code alone: IG_ISA_PORTABLE */
  int copy;                  /* 1 = read the file into memory instead of mapping it (network file systems, untrusted folders) */
  int untrusted;             /* 1 = refuse device code and plugin sections */
  int verify;                /* 0 = all hashes and records, 1 = all but the weights' hashes */
  void (*release)(void *user, const void *bytes, size_t n_bytes); /* load_memory: given = bytes are used in place and handed back through it */
  void *release_user;
} ig_load_options;
#define IG_LOAD_OPTIONS_INIT { sizeof(ig_load_options), NULL, 0, 0, 0, 0, NULL, NULL }
#define IG_ISA_PORTABLE (1ull << 63)
IG_API IG_MUST_USE ig_status ig_engine_load_file(ig_env *env, const char *path, const ig_load_options *opt, ig_engine **out_engine);
/* Copies the bytes unless opt->release is given. */
IG_API IG_MUST_USE ig_status ig_engine_load_memory(ig_env *env, const void *bytes, size_t n_bytes, const ig_load_options *opt, ig_engine **out_engine);
IG_API void ig_engine_retain(ig_engine *e);
IG_API void ig_engine_release(ig_engine *e);

typedef struct ig_io_info {
  size_t struct_size;
  const char *name;                      /* verbatim from the model */
  int is_output;
  ig_dtype dtype;
  int32_t rank;
  int64_t dims[IG_MAX_RANK];             /* -1 = dynamic */
  const char *dim_names[IG_MAX_RANK];    /* NULL = none */
  int value_kind;                        /* 0 = tensor */
  int64_t min_dims[IG_MAX_RANK], max_dims[IG_MAX_RANK]; /* over the profiles */
} ig_io_info;
IG_API size_t ig_engine_n_io(const ig_engine *e);      /* inputs first, then outputs, in the model's order */
IG_API size_t ig_engine_n_inputs(const ig_engine *e);
/* out->struct_size must be set. */
IG_API IG_MUST_USE ig_status ig_engine_io(const ig_engine *e, size_t i, ig_io_info *out);

typedef struct ig_memory_info { size_t struct_size; uint64_t weights, activations, scratch, inputs, outputs, lower_bound; } ig_memory_info;
/* Bytes that a context will take at these shapes ("NAME:1x3x224x224,..."; NULL = the largest profile), before anything is allocated. */
IG_API IG_MUST_USE ig_status ig_engine_memory(const ig_engine *e, const char *shapes, ig_memory_info *out);
/* Value of a metadata key (user's and ONNX metadata_props); *out NULL if there is none. */
IG_API IG_MUST_USE ig_status ig_engine_metadata(const ig_engine *e, const char *key, const void **out, size_t *out_n);
/* format: "text" or "json". */
IG_API IG_MUST_USE ig_status ig_engine_describe(const ig_engine *e, const char *format, ig_write_fn write, void *user);

/* ---- contexts ---- */
typedef struct ig_context_options {
  size_t struct_size;
  uint32_t n_threads;          /* 0 = the env's */
  void *arena; size_t arena_size; /* caller's memory for activations, 64-byte aligned; NULL = own */
  uint64_t max_bytes;          /* limit on what this context may allocate; 0 = none */
  const ig_cancel *cancel;     /* looked at between steps; NULL = none */
} ig_context_options;
#define IG_CONTEXT_OPTIONS_INIT { sizeof(ig_context_options), 0, NULL, 0, 0, NULL }
IG_API IG_MUST_USE ig_status ig_context_create(ig_engine *e, const ig_context_options *opt, ig_context **out_ctx);
IG_API void ig_context_release(ig_context *c);
/* Shapes stay until changed; inputs whose shape is fully static need none. Takes effect at the next run or get_shape (bind). */
IG_API IG_MUST_USE ig_status ig_context_set_shape(ig_context *c, const char *input, const int64_t *dims, size_t n_dims);
/* Shape of any input or output at the shapes set; binds if needed. cap: room in dims. */
IG_API IG_MUST_USE ig_status ig_context_get_shape(ig_context *c, const char *name, int64_t *dims, size_t cap, size_t *out_n);
/* Zero-copy: the tensor's memory is read (input) or written (output) by every following run; sets the shape of an input too. Strides are
 * honoured (a non-compact tensor is copied at each run). t == NULL: back to the context's own buffer. */
IG_API IG_MUST_USE ig_status ig_context_set_tensor(ig_context *c, const char *name, const ig_tensor *t);
IG_API IG_MUST_USE ig_status ig_context_set_tensor_at(ig_context *c, size_t io, const ig_tensor *t);
/* Copies compact data into the context's own buffer of that input; n_bytes must be its size at the shape set. */
IG_API IG_MUST_USE ig_status ig_context_set_data(ig_context *c, const char *input, const void *data, size_t n_bytes);
/* The output's memory, dims and strides; valid until the next run, shape change or release. Pointers inside *out belong to the context. */
IG_API IG_MUST_USE ig_status ig_context_get_tensor(ig_context *c, const char *output, ig_tensor *out);
IG_API IG_MUST_USE ig_status ig_context_get_tensor_at(ig_context *c, size_t io, ig_tensor *out);
/* Binds if shapes changed, then runs to the end. */
IG_API IG_MUST_USE ig_status ig_context_run(ig_context *c);
/* Streams order work. On the CPU enqueue runs before it returns; errors arrive at ig_stream_wait, once. s may be NULL: the context's own. */
IG_API IG_MUST_USE ig_status ig_stream_create(ig_engine *e, ig_stream **out_stream);
IG_API IG_MUST_USE ig_status ig_context_enqueue(ig_context *c, ig_stream *s);
IG_API IG_MUST_USE ig_status ig_stream_wait(ig_stream *s);
IG_API void ig_stream_release(ig_stream *s);

/* ---- profiler ---- */
/* One call per executed step and run, on the running thread. edge: the most by which the step's first result moves where a value that the step rounds
 * lies between two quantisation steps and goes to the other one; 0: it rounds nothing, or the bound is not known. */
typedef struct ig_step_info { size_t struct_size; uint32_t index; const char *name, *kind, *tactic, *reason; double seconds; uint64_t bytes; double flops, edge; } ig_step_info;
typedef void (*ig_profile_fn)(void *user, const ig_step_info *info);
/* NULL = off. */
IG_API void ig_context_set_profiler(ig_context *c, ig_profile_fn fn, void *user);
/* Called with the results of each step (values as tensors) after it ran; for --check-finite and per-node comparison. NULL = off. */
typedef void (*ig_watch_fn)(void *user, const ig_step_info *info, const ig_tensor *results, size_t n_results);
IG_API void ig_context_set_watch(ig_context *c, ig_watch_fn fn, void *user);

/* ---- devices ---- */
IG_API size_t ig_device_count(void);
IG_API const char *ig_device_name(size_t i);
/* One line: name, ISA, threads, caches. */
IG_API IG_MUST_USE ig_status ig_device_describe(ig_env *env, const char *name, ig_write_fn write, void *user);

#ifdef __cplusplus
}
#endif
#endif
