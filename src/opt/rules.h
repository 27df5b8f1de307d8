/* What passes share. SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_OPT_RULES_H
#define IG_OPT_RULES_H
#include "opt/pass.h"
#include "ops/op.h"

/* Calls fn for every node in execution order; sub-graphs before the node that holds them. The node called may be removed, and nodes
 * may be added before it. Stops at the first failure and when cancelled. */
typedef ig_status (*ig_node_fn)(ig_pass_ctx *c, ig_node *n, void *user);
IG_MUST_USE ig_status ig_opt_each(ig_pass_ctx *c, ig_graph *g, ig_node_fn fn, void *user);
/* Zeroed array with one entry per value id; freed by ig_opt_array_free with the same sizes. NULL when memory is out. */
void *ig_opt_array(ig_ir *ir, uint32_t n_ids, size_t size);
void ig_opt_array_free(ig_ir *ir, void *p, uint32_t n_ids, size_t size);

bool ig_opt_is_off(const ig_opt_options *opt, const char *pass); /* switched off by opt->passes */
bool ig_opt_is(const ig_node *n, const char *type);              /* an ai.onnx operator of that name */
void ig_opt_adopt(const ig_node *n); /* n has come into another graph: so do its sub-graphs */
/* n was rewritten: its results are forwarded or constant; takes it off the list. */
void ig_opt_drop(ig_node *n);
/* Values with ids from first_new_id on that n's results were forwarded to go on under the results' names, and so do their producers. */
IG_MUST_USE ig_status ig_opt_keep_names(const ig_node *n, uint32_t first_new_id);
bool ig_opt_done(const ig_node *n); /* every result forwarded, constant or not wanted */

IG_MUST_USE ig_status ig_opt_infer_graph(ig_pass_ctx *c, ig_graph *g);
IG_MUST_USE ig_status ig_opt_infer_nodes(ig_pass_ctx *c, ig_node *first, const ig_node *end); /* of a list, up to end (NULL = its end) */
/* Folds n if it can be: its results become constants and n goes; *out_folded tells. A limit or a refusal is a near miss. */
IG_MUST_USE ig_status ig_opt_fold_node(ig_pass_ctx *c, ig_node *n, const char *pass, bool *out_folded);
/* Computes a kernel over constant data, given for each of the node's inputs; its results become constants. */
IG_MUST_USE ig_status ig_opt_eval_kernel(ig_pass_ctx *c, const ig_node *m, const ig_data *const *node_in);
bool ig_opt_bytes(const ig_ir *ir, const ig_val *v, size_t *out); /* of a tensor of constant dims; false for others */
bool ig_opt_is_refusal(ig_status st);                             /* a failure that leaves the node as a step */
/* Sets what folding may take in all, by the size of the model's constants; once. */
void ig_opt_allow_folding(ig_ir *ir);
/* 1, 0, or -1 where it is not decided at build time. */
int ig_opt_condition(ig_ir *ir, const ig_val *cond);
/* Puts the arm's nodes in place of the If n; *out_next = where to go on (the first of them, or what followed n). */
IG_MUST_USE ig_status ig_opt_inline_arm(ig_pass_ctx *c, ig_node *n, bool condition, ig_node **out_next);
/* Moves what follows the If n in its graph, as far as it hangs on n's results, into n's arms, where each result has one rank and one set of
 * dims; n then gives what its graph's outputs need, and lacks types. Where nothing follows n in an arm, the If around goes first.
 * *out_done = false: the results go straight into the outputs of the main graph, so that nothing can be done. */
IG_MUST_USE ig_status ig_opt_duplicate_rest(ig_pass_ctx *c, ig_node *n, bool *out_done);
/* Contents of a view of constant data, in the arena. The view's dims must be constant. */
IG_MUST_USE ig_status ig_opt_view_data(ig_ir *ir, const ig_node *view, const ig_data *x, const ig_data **out);
/* Writes d to where the operand lies in the buffer of a value; false where that is not constant. */
bool ig_opt_place(const ig_ir *ir, const ig_operand *o, const ig_data *d, uint8_t *buffer);
/* Constant dims of v; false where one is not. */
bool ig_opt_const_dims(const ig_ir *ir, const ig_val *v, int64_t *out);
bool ig_opt_same_dims(const ig_ir *ir, const ig_val *a, const ig_val *b); /* equal rank and provably equal dims */
#endif
