/* Inside of the builder. The order of work: prepare, optimise (opt/), layout (views -> operands), schedule (steps, buffers, lifetimes),
 * tune (a tactic a step), weights (blobs), place (memory per profile), emit (plan tables -> bytes).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_BUILD_INTERNAL_H
#define IG_BUILD_INTERNAL_H
#include "build/axes.h"
#include "build/build.h"

/* bounds[profile * n_symbols + symbol] = {min, opt, max}; defaulted[profile]: some dim was not named; given[symbol]: named in every profile. */
typedef struct ig_profile_table { int64_t (*bounds)[3]; bool *defaulted; bool *given; size_t n_profiles, n_symbols; } ig_profile_table;
/* Fixed inputs, profiles and outputs applied to ir, and the table of profiles. */
IG_MUST_USE ig_status ig_build_profiles(ig_ir *ir, const ig_build_options *opt, ig_profile_table *out);

/* ---- layout: where a value's elements lie ---- */
/* root: the value whose buffer holds them (input, constant, kernel or If result). Indexed by value id. strides: where strided; whatever a kernel reads is.
 * copy: what stands for a value that is not. inside: the Concat's result in whose part the value is written (NULL: none);
 * nested: how deep values lie inside of this one. */
typedef struct ig_layout { ig_val *root; ig_dim offset; ig_dim strides[IG_MAX_RANK]; bool known, strided; ig_axes axes; ig_val *copy; const ig_val *inside; uint32_t nested; } ig_layout;
/* Nodes that read a value: nodes[first[id] .. first[id + 1]), of values that were there when it was made. */
typedef struct ig_readers { uint32_t n_ids; uint32_t *first; ig_node **nodes; bool *is_output; } ig_readers;
IG_MUST_USE ig_status ig_readers_init(ig_ir *ir, ig_readers *out);
typedef struct ig_layouts { ig_layout *at; uint32_t n; ig_readers readers; } ig_layouts;
/* strides, compact and row-major, of a kernel's result v, whose node's operands have their layouts: changed to the order of axes in which v is best
 * written and read (order.c). */
IG_MUST_USE ig_status ig_order_choose(ig_ir *ir, const ig_layouts *l, const ig_val *v, ig_dim *strides);
/* Copies that readers of v would make or ask for, if it lay so. */
int ig_order_copies(ig_dims *t, const ig_readers *r, const ig_val *v, const ig_axes *a);
/* Resolves every value of the LOWERED graph; what strides cannot express is copied where it is read. */
IG_MUST_USE ig_status ig_layouts_resolve(ig_ir *ir, ig_layouts *out);
/* Row-major without gaps, from the start of its buffer. */
IG_MUST_USE ig_status ig_layout_is_compact(ig_ir *ir, const ig_layouts *l, const ig_val *v, bool *out);
/* Makes o, an operand that holds part of v at the row-major offset and dims that it states, that part in v's layout. */
IG_MUST_USE ig_status ig_layout_part(ig_ir *ir, const ig_layouts *l, const ig_val *v, ig_operand *o);

/* ---- schedule ---- */
typedef struct ig_build_buffer {
  uint32_t kind;               /* IG_BUFFER_* */
  uint32_t index;              /* io, or blob once weights are laid out */
  const char *name;
  ig_val *root;
  const ig_data *data;         /* CONSTANT */
  const ig_format *format;     /* CONSTANT packed; its elements are those of `packed_from` */
  ig_operand packed_from; uint32_t once;   /* once: bit k = axis k is broadcast and stored once */
  ig_dim bytes;
  uint32_t first, last, alias;
  bool shared;                 /* several nodes write parts of it */
  size_t scratch;              /* SCRATCH: bytes at the largest profile */
} ig_build_buffer;

typedef struct ig_build_task {
  uint16_t kind, flags;        /* IG_STEP_* */
  ig_node *node;
  ig_request request;          /* operands resolved: value = buffer */
  const ig_tactic *tactic;
  ig_offer offer;
  uint32_t scratch;            /* buffer */
  uint32_t cond, n_then, n_else;
  ig_dim cond_dim;
  const char *reason;
  double seconds; bool measured;
} ig_build_task;

typedef struct ig_builder {
  ig_ir *ir;
  const ig_build_options *opt;
  ig_build_result *result;
  ig_arena arena;              /* of the build; strings of the result have their own */
  ig_profile_table profiles;
  ig_layouts layouts;
  uint32_t *buffer_of;         /* by id of root value; IG_NONE */
  IG_VEC(ig_build_buffer) buffers;
  IG_VEC(ig_build_task) tasks;
  int64_t *opt_values;         /* of every dim, at the first profile's optimum */
  int64_t *max_values;
  const ig_hal *hal;
  ig_hal_device *dev;
  uint32_t n_threads;
  struct ig_timing_cache *cache;
  bool explained;              /* it was met */
  bool explaining;             /* the node at hand is the one that --explain asks for */
} ig_builder;
/* Tasks, buffers, lifetimes, bind steps. */
IG_MUST_USE ig_status ig_schedule(ig_builder *b);
/* In-place results and, for arena buffers, last uses; after tactics are chosen. */
IG_MUST_USE ig_status ig_schedule_inplace(ig_builder *b);
/* Same type, dims, strides and offset: the same elements of the same buffer, or of two that lie alike. */
bool ig_same_place(const ig_operand *x, const ig_operand *y);
/* Marks steps that run in bands with the one before them, and lets what a chain touches live through all of it; after tactics are chosen. */
IG_MUST_USE ig_status ig_schedule_chains(ig_builder *b);
/* How tasks [at, at + n) run in bands where dims have these values; n = 0: one by one. */
IG_MUST_USE ig_status ig_chain_plan(const ig_builder *b, const int64_t *values, size_t at, uint32_t n, ig_bands *out);
/* Chooses a tactic for every kernel task. */
IG_MUST_USE ig_status ig_tune(ig_builder *b);
/* Replaces constant operands by packed forms where the chosen offers want them; adds scratch buffers. */
IG_MUST_USE ig_status ig_weights_pack(ig_builder *b);
/* Tables -> bytes. */
IG_MUST_USE ig_status ig_emit(ig_builder *b, const ig_provenance *prov);

/* A bound call of a request at given values of its dims, without addresses; memory from the arena. */
IG_MUST_USE ig_status ig_bind_call(ig_arena *arena, const ig_request *r, const int64_t *values, ig_call *out);
/* The device's portable kernels as ig_evaluate_fn; user is an ig_evaluator. */
typedef struct ig_evaluator { ig_env *env; const ig_hal *hal; ig_hal_device *dev; const ig_build_options *opt; ig_buf baseline; /* --check-passes: outputs before any pass */ } ig_evaluator;
IG_MUST_USE ig_status ig_evaluator_open(ig_env *env, ig_evaluator *out);
void ig_evaluator_close(ig_evaluator *e);
ig_status ig_evaluate_request(void *user, ig_ir *ir, const ig_request *r, const ig_data *const *in, const ig_data **out);

/* --check-passes: the graph as it is, run by the reference on seeded inputs at the optimum shapes, must give the first graph's outputs. begin stores those. */
IG_MUST_USE ig_status ig_build_check_begin(ig_evaluator *e, ig_ir *ir);
ig_status ig_build_check_pass(void *user, ig_ir *ir, const char *pass);

/* ---- timing cache (text file) ---- */
typedef struct ig_timing_cache ig_timing_cache;
IG_MUST_USE ig_status ig_timing_cache_open(ig_env *env, const char *path, ig_timing_cache **out);   /* a missing file is an empty cache; NULL: one for this build alone */
bool ig_timing_cache_get(const ig_timing_cache *c, uint64_t key, double *out_seconds, bool *out_fresh);   /* fresh: put since it was opened */
IG_MUST_USE ig_status ig_timing_cache_put(ig_timing_cache *c, uint64_t key, double seconds);
IG_MUST_USE ig_status ig_timing_cache_save(ig_timing_cache *c);       /* merges with what others wrote meanwhile */
void ig_timing_cache_close(ig_timing_cache *c);
/* Is `name`, or one of the nodes merged into it, what --explain asks for? */
bool ig_build_explains(const ig_builder *b, const char *name, const char *sources);
void ig_build_log(ig_builder *b, const char *fmt, ...) IG_PRINTF(2, 3);  /* a line for --explain, while explaining */
IG_MUST_USE ig_status ig_build_tick(ig_builder *b, const char *stage, double fraction); /* progress and cancellation */
#endif
