/* Passes: the order is that of passes.def; the manager runs, verifies, dumps and bisects them.
 * A rule rewrites locally by building new nodes and forwarding results (ig_op_replace); it never mutates what it matched.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_OPT_PASS_H
#define IG_OPT_PASS_H
#include "ir/graph.h"
#include "kern/caps.h"

/* Evaluates one request whose operands are all constant (dims constant, inputs given) by the CPU's portable kernels. out[i] arrive in the ir's arena. */
typedef ig_status (*ig_evaluate_fn)(void *user, ig_ir *ir, const ig_request *r, const ig_data *const *in, const ig_data **out);

typedef struct ig_opt_options {
  ig_caps caps;                    /* target */
  ig_evaluate_fn evaluate; void *user;
  const char *passes;              /* "-cse,-fuse_map": switches off; "-all": all that shapes do not hang on; NULL = every pass runs */
  int64_t pass_limit;              /* rewrites to apply in all; negative = no limit (bisecting) */
  bool verify_each;                /* verify after each pass */
  const char *dump_after; ig_write_fn dump; void *dump_user;   /* pass name */
  ig_status (*check)(void *user, ig_ir *ir, const char *pass); /* after each pass that changed something (--check-passes); NULL = none */
  const ig_cancel *cancel;
} ig_opt_options;

typedef struct ig_pass_ctx { ig_ir *ir; const ig_opt_options *opt; int64_t *budget; bool changed; const char *name; } ig_pass_ctx;
typedef struct ig_pass { const char *name; ig_stage stage; bool fixpoint; /* repeated with its neighbours until nothing changes */ ig_status (*run)(ig_pass_ctx *c); const char *what; } ig_pass;
extern const ig_pass *const ig_passes[]; extern const uint32_t ig_n_passes;
/* True while rewrites may still be applied; counts one. */
bool ig_pass_take(ig_pass_ctx *c);

/* IMPORTED -> CANONICAL: infer, fold, simplify to a fixpoint, decide Ifs, dead code, common subexpressions, batch-norm folding. */
IG_MUST_USE ig_status ig_opt_canonical(ig_ir *ir, const ig_opt_options *opt);
/* CANONICAL -> LOWERED: lower every operator, then fuse (maps into maps, maps into kinds' epilogues). */
IG_MUST_USE ig_status ig_opt_lower(ig_ir *ir, const ig_opt_options *opt);
#endif
