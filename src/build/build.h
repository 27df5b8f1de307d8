/* Builder: ig_ir (IMPORTED) -> engine bytes. The whole of it but reading ONNX, which api/ adds.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_BUILD_BUILD_H
#define IG_BUILD_BUILD_H
#include "base/json_write.h"
#include "base/shape_text.h"
#include "hal/hal.h"
#include "ingot/build.h"
#include "ir/graph.h"
#include "ops/op.h"
#include "opt/pass.h"
#include "plan/plan.h"

/* One step's story, for the report. */
typedef struct ig_build_step { const char *node, *sources, *kind, *tactic, *reason; double seconds; bool measured; } ig_build_step;
typedef struct ig_build_result {
  uint8_t *bytes; size_t n_bytes;          /* ig_alloc_aligned */
  ig_arena arena;                          /* of the strings below */
  ig_build_step *steps; uint32_t n_steps;
  uint32_t n_nodes;                        /* of the model, sub-graphs included */
  uint32_t n_moves, n_reference;           /* steps of kind move; steps that only the reference can run */
  uint64_t weights, activations, lower_bound, scratch;
  double seconds_optimise, seconds_tune, seconds_write;
  uint32_t n_measured, n_cached;
} ig_build_result;
void ig_build_result_free(const ig_allocator *a, ig_build_result *r);

typedef struct ig_provenance { const char *model_hash; } ig_provenance;
/* Consumes nothing: ir is optimised in place (callers pass a clone). On failure *out is empty. */
IG_MUST_USE ig_status ig_build_ir(ig_ir *ir, const ig_build_options *opt, const ig_provenance *prov, ig_build_result *out);
/* Profiles and fixed inputs applied to the symbols of ir; part of ig_build_ir, exposed for ig_model_check and for dumps. */
IG_MUST_USE ig_status ig_build_prepare(ig_ir *ir, const ig_build_options *opt);
/* Optimises to the stage, with the build's own evaluator; for dumps. */
IG_MUST_USE ig_status ig_build_to_stage(ig_ir *ir, const ig_build_options *opt, ig_stage stage);
/* All that this build cannot do of the graph, one entry each: unknown or missing operators, types, attributes (ig_op_check), inference failures. */
typedef struct ig_build_problem { const char *node, *op, *code, *message, *hint; } ig_build_problem;
typedef struct ig_build_problems { ig_arena arena; IG_VEC(ig_build_problem) list; const ig_allocator *alloc; } ig_build_problems;
IG_MUST_USE ig_status ig_build_find_problems(ig_ir *ir, const ig_build_options *opt, ig_build_problems *out);
void ig_build_problems_free(ig_build_problems *p);
/* See ig_device_bench. */
IG_MUST_USE ig_status ig_kernel_bench(ig_env *env, const char *device, const char *filter, uint64_t isa_mask, bool json, ig_buf *out);
/* IG_ERROR_UNSUPPORTED (or BAD_MODEL) that lists them all; NULL if there are none. */
IG_MUST_USE ig_status ig_build_problems_status(const ig_build_problems *p);
#endif
