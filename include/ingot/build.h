/* Ingot builder: models, network definition, reports, plans. Library libingot.
 *
 * ig_model: an imported network, immutable once made; may be shared between threads for reading. ig_plan: a finished engine's bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef INGOT_BUILD_H
#define INGOT_BUILD_H
#include "ingot/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ig_model ig_model;
typedef struct ig_network ig_network;
typedef struct ig_plan ig_plan;
typedef struct ig_report ig_report;

/* ---- models ---- */
/* Limits against hostile files; 0 = the default in the comment. Exceeding one is IG_ERROR_LIMIT and names it. */
typedef struct ig_model_options {
  size_t struct_size;
  uint32_t max_nesting;      /* 64: sub-graphs, functions, groups              */
  uint64_t max_nodes;        /* 1,000,000 after inlining                       */
  uint64_t max_edges;        /* 16,000,000                                     */
  uint32_t max_inlining;     /* 1,000 times the nodes written                  */
  uint64_t max_elements;     /* 2^40 in one tensor                             */
  uint64_t max_expressions;  /* 1,000,000 dim expressions                      */
  uint64_t max_memory;       /* 64 MiB + 16 x the bytes outside raw tensor data */
} ig_model_options;
#define IG_MODEL_OPTIONS_INIT { sizeof(ig_model_options), 0, 0, 0, 0, 0, 0, 0 }
IG_API IG_MUST_USE ig_status ig_model_load_file(ig_env *env, const char *path, const ig_model_options *opt, ig_model **out_model);
/* Copies the bytes. data_dir: folder of external data, NULL = refuse models that have any. */
IG_API IG_MUST_USE ig_status ig_model_load_memory(ig_env *env, const void *bytes, size_t n_bytes, const char *data_dir, const ig_model_options *opt, ig_model **out_model);
IG_API void ig_model_release(ig_model *m);
/* Every limit as it is when its field is 0; max_memory is the part that does not depend on the file. struct_size must be set. */
IG_API IG_MUST_USE ig_status ig_model_default_limits(ig_model_options *out);
/* Inputs first, then outputs, as the model declares them. dtype IG_DTYPE_NONE and rank -1 where it does not say; min_dims and max_dims are
 * not filled. Strings live as long as m. out->struct_size must be set. */
IG_API size_t ig_model_n_io(const ig_model *m);
IG_API size_t ig_model_n_inputs(const ig_model *m);
IG_API IG_MUST_USE ig_status ig_model_io(const ig_model *m, size_t i, ig_io_info *out);
/* format: "text", "json", or a stage to print as text IR: "imported", "canonical", "lowered". */
IG_API IG_MUST_USE ig_status ig_model_describe(const ig_model *m, const char *format, ig_write_fn write, void *user);

/* ---- network definition: builds the same graph as the importer ---- */
typedef struct ig_opset { const char *domain; int64_t version; } ig_opset;
typedef enum ig_attr_kind { IG_ATTR_KIND_INT = 1, IG_ATTR_KIND_FLOAT = 2, IG_ATTR_KIND_STRING = 3, IG_ATTR_KIND_INTS = 4, IG_ATTR_KIND_FLOATS = 5, IG_ATTR_KIND_TENSOR = 6 } ig_attr_kind;
typedef struct ig_attr {
  const char *name;
  ig_attr_kind kind;
  int64_t i;
  double f;
  const char *s;
  const int64_t *ints;
  const float *floats;
  size_t n;                  /* of ints or floats */
  const ig_tensor *tensor;   /* copied */
} ig_attr;
/* sets: operator sets in use; NULL = ai.onnx 17. */
IG_API IG_MUST_USE ig_status ig_network_create(ig_env *env, const ig_opset *sets, size_t n_sets, ig_network **out_net);
/* dims: -1 = dynamic; dim_names[k] (may be NULL) names it, equal names are equal dims. */
IG_API IG_MUST_USE ig_status ig_network_add_input(ig_network *n, const char *name, ig_dtype dtype, const int64_t *dims, const char *const *dim_names, size_t rank);
IG_API IG_MUST_USE ig_status ig_network_add_constant(ig_network *n, const char *name, const ig_tensor *t);   /* copied */
/* in entries may be "" (left out). Names of out become values. Checked against the operator's record. */
IG_API IG_MUST_USE ig_status ig_network_add_node(ig_network *n, const char *domain, const char *op, const char *const *in, size_t n_in, const char *const *out, size_t n_out, const ig_attr *attrs, size_t n_attrs);
IG_API IG_MUST_USE ig_status ig_network_mark_output(ig_network *n, const char *name);
/* n stays the caller's to release and cannot be added to any more. */
IG_API IG_MUST_USE ig_status ig_network_finish(ig_network *n, ig_model **out_model);
IG_API void ig_network_release(ig_network *n);

/* ---- building ---- */
typedef enum ig_tune_mode { IG_TUNE_DEFAULT = 0 /* measure */, IG_TUNE_GUESS = 1, IG_TUNE_MEASURE = 2, IG_TUNE_REPLAY = 3 } ig_tune_mode;
/* One profile; each string in the grammar NAME:1x3x224x224,NAME2:...; NULL = taken from the others (only opt: min = opt = max). */
typedef struct ig_profile { const char *min_shapes, *opt_shapes, *max_shapes; } ig_profile;
/* Contents of an input, fixed at build (it decides structure, or shall be folded). The engine refuses other contents. */
typedef struct ig_fixed_input { const char *name; const ig_tensor *tensor; } ig_fixed_input;
/* fraction 0..1 of the work done; stage: "import", "optimise", "tune", "write". Returns 0 to cancel. Calls are serialised. */
typedef int (*ig_progress_fn)(void *user, const char *stage, double fraction);

typedef struct ig_build_options {
  size_t struct_size;
  const char *device;           /* NULL = "cpu" */
  const char *precision;        /* NULL = "fp32"; nothing else yet */
  uint64_t isa_mask;            /* 0 = all that this machine has; IG_ISA_PORTABLE = none */
  uint32_t n_threads;           /* run-time threads that tactics are chosen for; 0 = the env's */
  ig_tune_mode tune;
  const char *timing_cache;     /* file; NULL = none */
  double build_seconds;         /* stop measuring after so long; 0 = no limit, negative = at once */
  const ig_profile *profiles; size_t n_profiles;  /* none: static dims as they are; dynamic ones default to 1..., see docs/command-line.md */
  const ig_fixed_input *fixed; size_t n_fixed;
  const char *const *outputs; size_t n_outputs;   /* NULL = the model's; may name inner values */
  uint64_t memory;              /* cap on weights + activations + scratch of the engine; 0 = none */
  uint64_t max_memory;          /* cap on what the build itself may take; 0 = physical memory or the cgroup's limit */
  const char *passes;           /* "-cse,-fuse_map" switches passes off, "-all" all that shapes do not hang on */
  int64_t pass_limit;           /* rewrites to apply, plus 1; 0 = no limit */
  int check_passes;             /* run the reference before and after each pass and compare */
  const char *dump;             /* stage or after:PASS, written through `write` */
  const char *explain;          /* node: every offer, time, refusal and rewrite, written through `write` */
  ig_write_fn write; void *write_user;
  int no_reference;             /* a step that only the reference can run is an error */
  ig_progress_fn progress; void *progress_user;
  const ig_cancel *cancel;
} ig_build_options;
#define IG_BUILD_OPTIONS_INIT { sizeof(ig_build_options), NULL, NULL, 0, 0, IG_TUNE_DEFAULT, NULL, 0.0, NULL, 0, NULL, 0, NULL, 0, 0, 0, NULL, 0, 0, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL }
/* The bytes that max_memory = 0 stands for on this machine. */
IG_API uint64_t ig_build_default_memory(void);

/* "avx2", "avx512" (with VNNI and BF16 where the machine has them) or "none" as a mask for isa_mask. */
IG_API IG_MUST_USE ig_status ig_isa_parse(const char *name, uint64_t *out_mask);

/* Times every kernel of the device on one core, beside what the core can do at most, measured in the same call. filter: part of the tactics' names, NULL =
 * all; format: "text", a line each, or "json". */
IG_API IG_MUST_USE ig_status ig_device_bench(ig_env *env, const char *device, const char *filter, uint64_t isa_mask, const char *format, ig_write_fn write, void *user);

/* What a build or a check found. */
typedef struct ig_problem { const char *node, *op, *code, *message, *hint; } ig_problem;
IG_API size_t ig_report_n_problems(const ig_report *r);
IG_API ig_problem ig_report_problem(const ig_report *r, size_t i);   /* strings live as long as r */
IG_API IG_MUST_USE ig_status ig_report_describe(const ig_report *r, const char *format, ig_write_fn write, void *user);
IG_API void ig_report_release(ig_report *r);

/* OK even with problems: they are in the report, all at once. */
IG_API IG_MUST_USE ig_status ig_model_check(const ig_model *m, const ig_build_options *opt, ig_report **out_report);
IG_API IG_MUST_USE ig_status ig_build(const ig_model *m, const ig_build_options *opt, ig_plan **out_plan);
IG_API IG_MUST_USE ig_status ig_plan_save(const ig_plan *p, const char *path);     /* atomic: the old file stays until the new one is whole */
IG_API void ig_plan_bytes(const ig_plan *p, const void **out, size_t *out_n);
/* How it went: nodes, steps, per step tactic, reason and guess or time, memory and bound, seconds; "summary" (without the steps), "text" or "json". */
IG_API IG_MUST_USE ig_status ig_plan_describe(const ig_plan *p, const char *format, ig_write_fn write, void *user);
IG_API void ig_plan_release(ig_plan *p);
/* As ig_build, but an engine of the same model, options, machine and version is taken from cache_dir, or kept there. */
IG_API IG_MUST_USE ig_status ig_plan_from_cache(const ig_model *m, const ig_build_options *opt, const char *cache_dir, ig_plan **out_plan);
/* Load + build + engine. cache_dir: NULL = build each time; else an engine of the same model, options and version is taken from there. */
IG_API IG_MUST_USE ig_status ig_engine_from_model_file(ig_env *env, const char *onnx, const ig_build_options *opt, const char *cache_dir, ig_engine **out_engine);

#ifdef __cplusplus
}
#endif
#endif
