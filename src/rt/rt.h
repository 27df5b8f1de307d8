/* Inside of engines and contexts. SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_RT_RT_H
#define IG_RT_RT_H
#include "base/file.h"
#include "base/shape_text.h"
#include "hal/hal.h"
#include "ingot/runtime.h"
#include "plan/plan.h"

/* A constant operand in the form that its step's tactic reads. */
typedef struct ig_const_ref { const void *data; size_t size; const ig_format *format; /* NULL = plain */ const ig_operand *as; /* dims and strides to use: the plan's, or compact */ } ig_const_ref;
/* What the runtime made itself because the engine's tactic was not to be had: unpacked and repacked weights. */
typedef struct ig_rebuilt { void *bytes; size_t size; ig_format format; ig_operand operand; bool compact; } ig_rebuilt;
typedef struct ig_step_choice { const ig_tactic *tactic; uint32_t config[IG_OFFER_CONFIG_WORDS]; } ig_step_choice;

struct ig_engine {
  atomic_int refs;
  ig_env *env;
  ig_file_map file;                     /* load_file; data NULL otherwise */
  const uint8_t *bytes; size_t n_bytes; /* load_memory */
  bool owns_bytes;
  void (*release)(void *, const void *, size_t); void *release_user;
  ig_plan_data plan;
  size_t n_inputs;
  const ig_hal *hal;
  ig_hal_device *dev;
  ig_step_choice *choices;              /* per step */
  ig_const_ref *constants;              /* per operand of the plan; data NULL where the operand is no constant */
  IG_VEC(ig_rebuilt *) rebuilt;
  uint8_t *holds; bool has_strings;     /* per buffer: what it holds, see strings.c */
  uint32_t n_replaced;                  /* steps that run on another tactic than they were built for */
};
/* rt/resolve.c: fills choices and constants. */
IG_MUST_USE ig_status ig_engine_resolve(ig_engine *e);
/* Memory of `size` zeros that the engine keeps; NULL without memory. */
ig_rebuilt *ig_engine_rebuilt(ig_engine *e, size_t size);
/* rt/strings.c: which buffers hold strings; a constant of strings with addresses. */
IG_MUST_USE ig_status ig_engine_find_strings(ig_engine *e);
/* Bytes of activations that are strings, at these values of all dims. */
IG_MUST_USE ig_status ig_engine_string_bytes(const ig_engine *e, const int64_t *dims, uint64_t *out_total);
IG_MUST_USE ig_status ig_engine_string_constant(ig_engine *e, const ig_plan_blob *b, ig_const_ref *out);

typedef struct ig_io_state {
  bool shape_set, external, strided;    /* external: caller's memory; strided: needs a copy through `own` */
  int64_t dims[IG_MAX_RANK], ext_dims[IG_MAX_RANK], ext_strides[IG_MAX_RANK];
  void *external_data;
  ig_buffer own;
  size_t bytes;                         /* at the bound shape */
} ig_io_state;

struct ig_stream { ig_engine *engine; ig_hal_stream *hal; uint32_t n_threads; ig_status error; };

struct ig_context {
  ig_engine *engine;
  ig_stream *stream;                    /* own */
  const ig_cancel *cancel;
  uint32_t n_threads;
  uint64_t max_bytes;
  ig_io_state *io;
  int64_t *symbols, *dims;              /* values of the plan's symbols and expressions */
  uint32_t profile; bool outside;       /* outside all profiles: placed anew */
  ig_plan_place *places;                /* of the current placement: the plan's or the context's own */
  ig_plan_place *own_places;
  void *place_memory; size_t place_bytes;   /* working memory of placing anew; taken at the first need */
  ig_buffer arena; bool arena_external; /* activations */
  ig_buffer strings; ig_plan_place *string_places;   /* activations that are strings, apart from all others; places per buffer, NULL without strings */
  ig_launch *launches;                  /* per step; launches of Ifs and traps stay empty */
  ig_bands *bands;                      /* per step: how the chain that it begins runs; n = 0: none begins there */
  ig_status *arm_failures;              /* two per step, of Ifs: why an arm cannot run at these shapes, NULL where it can */
  ig_view *views; ig_buffer *bounds;    /* per operand of the plan */
  int64_t *params;                      /* per word of the plan */
  ig_sinsn *insns;                      /* per instruction, dims replaced */
  ig_arena check_arena; ig_dims check;  /* scratch of bind's shape checks */
  bool bound, addressed, notice_given;  /* addressed: launches point to the memory set last */
  ig_error_word error;
  ig_profile_fn profile_fn; void *profile_user;
  ig_watch_fn watch_fn; void *watch_user;
};
/* IG_ERROR_LIMIT unless the context may take `want` bytes in place of the `have` that it has for `what`: max_bytes holds for all it takes. */
IG_MUST_USE ig_status ig_context_allow(const ig_context *c, size_t have, uint64_t want, const char *what);
/* rt/bind.c */
void ig_context_forget_arms(ig_context *c);   /* frees arm_failures' statuses */
IG_MUST_USE ig_status ig_context_bind(ig_context *c);
/* After memory of inputs or outputs was set anew at the same shapes: points the launches to it. */
IG_MUST_USE ig_status ig_context_address(ig_context *c);
/* Whether an input whose contents decide shapes, in the caller's own memory, holds something else than at bind. */
bool ig_context_values_changed(const ig_context *c);
/* Values of all symbols from the inputs' shapes and of all dims; checks inputs' dims and guards. */
IG_MUST_USE ig_status ig_context_evaluate(ig_context *c);
/* Everything of bind that takes no memory: checks, sizes, placement. *out_total: arena bytes, *out_scratch: what of it is scratch behind the activations. */
IG_MUST_USE ig_status ig_context_measure(ig_context *c, uint64_t *out_total, uint64_t *out_scratch);
/* rt/strings.c: places and memory of strings; the buffer of v if it is one of them; empty strings everywhere, before a run. */
IG_MUST_USE ig_status ig_context_place_strings(ig_context *c, uint64_t *out_total);
IG_MUST_USE ig_status ig_context_take_strings(ig_context *c, uint64_t total);
bool ig_context_string_buffer(const ig_context *c, uint32_t v, ig_buffer *out);
void ig_context_clear_strings(ig_context *c);
/* rt/chains.c: which of the bound steps [first, end) run in bands at these shapes; raises the scratch of a chain's first step to the chain's. */
void ig_context_chain(ig_context *c, size_t first, size_t end);
/* rt/run.c: runs steps on the stream; bind_only: those that depend on symbols alone. */
IG_MUST_USE ig_status ig_context_execute(ig_context *c, ig_stream *s, bool bind_only);
/* rt/strided.c: copies an n-d tensor between layouts; strides in elements. */
void ig_strided_copy(void *dst, const int64_t *dst_strides, const void *src, const int64_t *src_strides, const int64_t *dims, uint32_t rank, size_t elem);
static inline const char *ig_io_name(const ig_engine *e, size_t i) { return ig_plan_name(&e->plan, e->plan.io[i].name); }
ig_dtype ig_io_dtype(const ig_plan_io *io);
#endif
