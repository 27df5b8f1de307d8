/* Inside of the public API of libingot: what its files share. The API is thin: it checks arguments, reads option structs, clones the
 * imported graph and hands it to onnx/, opt/ and build/.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_API_API_H
#define IG_API_API_H
#include "build/build.h"
#include "onnx/onnx.h"
#include <stdatomic.h>

/* ir at stage IMPORTED, never changed after it was made: every use works on a clone, whose constants point into what is kept here. */
struct ig_model {
  ig_env *env;
  ig_ir *ir;
  ig_onnx_sources sources;
  ig_file_map file; /* the model's file, or nothing */
  void *bytes;
  size_t n_bytes; /* own copy of a model from memory, or NULL */
  uint64_t hash;  /* of the model's bytes and its external data; of the text form for networks defined by calls */
};
/* Takes ir. NULL when memory is out: then ir stays the caller's. */
ig_model *ig_model_wrap(ig_env *env, ig_ir *ir);

/* Counts what passes through to another allocator, and refuses what would exceed the limit. Threads: any. */
typedef struct ig_limiter {
  const ig_allocator *to;
  atomic_size_t used;
  size_t limit;
  atomic_bool over;
} ig_limiter;
/* An env like base whose memory is limited; l must live as long as it. limit 0 = what the machine or its cgroup has. */
IG_MUST_USE ig_status ig_limited_env(ig_env *base, uint64_t limit, ig_limiter *l, ig_env **out_env);

struct ig_plan {
  ig_env *env;
  ig_limiter limiter;
  ig_env *build_env; /* what the build took its memory from, and so the result's; NULL for a plan that was read back */
  ig_build_result result;
  bool cached; /* read back: counts of nodes and times are not known */
};
/* A plan around a copy of an engine's bytes that were read as data. */
IG_MUST_USE ig_status ig_plan_wrap(ig_env *env, const ig_plan_data *data, const void *bytes, size_t n_bytes, ig_plan **out_plan);
struct ig_report {
  ig_env *env;
  ig_build_problems problems;
  uint32_t n_nodes;
};

/* Reads a caller's option struct into out (already at its defaults): missing fields stay, unknown ones must be zero. */
IG_MUST_USE ig_status ig_options_read(const void *opt, size_t known_size, const char *name, void *out);
IG_MUST_USE ig_status ig_build_options_read(const ig_build_options *opt, ig_build_options *out);
/* A clone to work on, whose memory comes from env (NULL = the model's). */
IG_MUST_USE ig_status ig_model_clone(const ig_model *m, ig_env *env, ig_ir **out_ir);
bool ig_stage_parse(const char *name, ig_stage *out);
/* The text form of the model at a stage of the build with these options. */
IG_MUST_USE ig_status ig_model_print(const ig_model *m, const ig_build_options *opt, ig_stage stage, ig_buf *out);
/* Hands the whole buffer to write, frees it, and returns st, or what went wrong here. */
IG_MUST_USE ig_status ig_buf_deliver(ig_buf *b, ig_status st, ig_write_fn write, void *user);

/* value_file: .npy <-> tensors. bytes of a .npy file -> *out; data from ig_alloc_aligned (n_bytes of it), strings in the arena. */
IG_MUST_USE ig_status ig_npy_read(const ig_allocator *a, ig_arena *arena, const uint8_t *bytes, size_t n, ig_data *out);
bool ig_npy_recognise(const uint8_t *bytes, size_t n);
/* d compact. *out_widened as ig_tensor_save_file says. */
IG_MUST_USE ig_status ig_npy_write(const ig_data *d, ig_buf *out, bool *out_widened);
#endif
