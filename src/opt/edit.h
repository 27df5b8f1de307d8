/* Building a kernel node out of others: what the LOWERED passes share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_OPT_EDIT_H
#define IG_OPT_EDIT_H
#include "opt/rules.h"

#define IG_EDIT_OPERANDS 64
/* A request whose operands name entries of vals (inputs); results are numbered by ig_edit_finish. */
typedef struct ig_edit {
  ig_request r;
  ig_operand in[IG_EDIT_OPERANDS]; /* primary inputs, then extras */
  ig_val *vals[IG_EDIT_OPERANDS];
  uint32_t n_vals;
} ig_edit;

/* The single request of a kernel node; NULL for other nodes and for regions of several requests. */
const ig_request *ig_opt_request(const ig_node *n);
/* The value that operand i of the node's request stands for; NULL = left out. */
ig_val *ig_opt_operand(const ig_node *n, uint32_t i);
/* Appends an input like `like` that reads v (NULL: left out). False when there is no room. */
bool ig_edit_input(ig_edit *e, const ig_operand *like, ig_val *v);
/* Puts the node in n's place: its results are n's values, defined by the new node, and like those of n's request; n is off the list.
 * name and sources are kept; out_node may be NULL. */
IG_MUST_USE ig_status ig_edit_finish(ig_pass_ctx *c, const ig_edit *e, ig_node *n, const char *name, const char *sources, ig_node **out_node);
/* Names of both nodes' origins, comma-separated; NULL when memory is out. */
const char *ig_edit_sources(ig_arena *a, const ig_node *first, const ig_node *second);
/* The register as it reads back after storing it to dtype. */
ig_sreg ig_edit_stored(ig_sbuild *b, ig_sreg x, ig_dtype dtype);
bool ig_sprog_has(const ig_sprog *p, ig_sop op);
/* Whether storing to dtype is what ROUND does: no flags, or none that matter to the dtype. */
bool ig_sprog_stores_plainly(const ig_sprog *p, ig_dtype dtype);

/* Number of uses per value id, kept right while kernels are merged. */
typedef struct ig_uses {
  ig_ir *ir;
  uint32_t *n;
  uint32_t n_ids;
} ig_uses;
IG_MUST_USE ig_status ig_uses_init(ig_uses *u, ig_ir *ir);
/* ig_opt_each over the main graph; fn's user is an ig_uses of it. */
IG_MUST_USE ig_status ig_opt_each_with_uses(ig_pass_ctx *c, ig_node_fn fn);
void ig_uses_free(ig_uses *u);
void ig_uses_add(ig_uses *u, const ig_node *n, int sign); /* n's inputs; sign 1 or -1 */
uint32_t ig_uses_of(const ig_uses *u, const ig_val *v);
uint32_t ig_uses_within(const ig_node *n, const ig_val *v); /* how often n reads v */
#endif
