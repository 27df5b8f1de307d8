/* The sum before a normalisation becomes its residual operand: skip connections are added, normalised and, where others read the sum too, stored in one
 * pass over the row.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/edit.h"

enum { X = 0, RESIDUAL = 3, SUM = 3 };

/* A map that adds two float tensors of one type, and nothing else. */
static bool adds_two(const ig_node *n) {
  const ig_request *r = ig_opt_request(n);
  if (!r || r->kind != IG_KIND_map || r->n_in != 2 || r->n_out != 1 || r->prog.n != 4) return false;
  const ig_sinsn *s = r->prog.insns;
  const ig_dtype d = r->operands[0].dtype;
  const bool loads = s[0].op == IG_SOP_LOAD && s[1].op == IG_SOP_LOAD && s[0].imm != s[1].imm;
  return loads && s[2].op == IG_SOP_ADD && s[2].a != s[2].b && s[3].op == IG_SOP_STORE && s[3].a == 2 && r->operands[1].dtype == d && ig_request_out(r, 0)->dtype == d &&
         (d == IG_DTYPE_F32 || d == IG_DTYPE_F64);
}

/* Does a node between the sum and the norm read it? The norm would come too late for it. */
static bool read_between(const ig_node *first, const ig_node *end, const ig_val *v) {
  for (const ig_node *n = first; n && n != end; n = n->next)
    if (ig_uses_within(n, v) > 0 || ig_node_subgraph(n, 0)) return true;
  return false;
}

static const char *refusal(const ig_uses *u, const ig_node *n, const ig_node *add, const ig_val *x) {
  const ig_request *r = ig_opt_request(n);
  if (add->graph != n->graph) return "the sum is in another graph";
  if (r->n_in > RESIDUAL && r->operands[RESIDUAL].value != IG_NO_VALUE) return "it has a residual already";
  const bool shared = ig_uses_of(u, x) != ig_uses_within(n, x);
  if (shared && (r->epi.n || (r->n_out > SUM && ig_request_out(r, SUM)->value != IG_NO_VALUE))) return "the sum has other uses, and the epilogue leaves no result for it";
  return shared && read_between(add->next, n, x) ? "the sum is read before" : NULL;
}

static ig_status fuse(ig_pass_ctx *c, const ig_uses *u, ig_node *n, ig_node *add) {
  const ig_request *r = ig_opt_request(n);
  ig_val *x = ig_opt_operand(n, X), *in[4] = {ig_opt_operand(add, 0), NULL, NULL, ig_opt_operand(add, 1)}, *extra[16], *out[4] = {NULL};
  const bool shared = ig_uses_of(u, x) != ig_uses_within(n, x);
  ig_dtype dtypes[4] = {IG_DTYPE_NONE, IG_DTYPE_NONE, IG_DTYPE_NONE, shared ? x->dtype : IG_DTYPE_NONE};
  ig_lower lo = {.ir = c->ir, .graph = n->graph, .before = n, .src = n};
  const uint32_t first_new_id = c->ir->next_id;
  if (r->n_extra > IG_COUNT(extra) || (r->epi.n && r->n_out != 1)) return NULL;
  for (uint32_t i = 1; i < 3 && i < r->n_in; i++)
    in[i] = ig_opt_operand(n, i);
  for (uint32_t i = 0; i < r->n_extra; i++)
    extra[i] = ig_opt_operand(n, r->n_in + i);
  for (uint32_t i = 0; i < r->n_out && i < SUM; i++)
    dtypes[i] = ig_request_out(r, i)->value == IG_NO_VALUE ? IG_DTYPE_NONE : ig_request_out(r, i)->dtype;
  if (!ig_pass_take(c)) return NULL;
  const ig_lo_kernel_desc d = {.kind = IG_KIND_norm, .params = r->params, .in = in, .n_in = 4, .extra = extra, .n_extra = r->n_extra, .out_dtypes = dtypes,
                               .n_out = shared ? 4 : r->n_out, .epi = &r->epi};
  if (!ig_lo_kernel(&lo, &d, out)) return lo.error ? lo.error : ig_arena_status(&c->ir->arena);
  const char *sources = ig_edit_sources(&c->ir->arena, add, n);
  if (!sources) return ig_arena_status(&c->ir->arena);
  for (uint32_t i = 0, k = 0; i < r->n_out && i < SUM; i++) {
    if (dtypes[i] == IG_DTYPE_NONE) continue;
    out[i]->producer->sources = sources;
    n->out[k++]->forward = out[i];
  }
  IG_TRY(ig_ir_event(c->ir, c->name, n, false, "adds '%s' itself%s", add->name, shared ? ", and stores the sum" : ""));
  IG_TRY(ig_ir_event(c->ir, c->name, add, false, "is added inside the norm '%s'", n->name));
  IG_TRY(ig_opt_keep_names(n, first_new_id));
  ig_opt_drop(n);
  if (!shared) return NULL;
  x->forward = out[SUM];
  IG_TRY(ig_opt_keep_names(add, first_new_id));
  ig_opt_drop(add);
  return NULL;
}

static ig_status visit(ig_pass_ctx *c, ig_node *n, void *user) {
  const ig_request *r = ig_opt_request(n);
  if (!r || r->kind != IG_KIND_norm || *c->budget == 0) return NULL;
  const ig_norm_params *p = r->params;
  const ig_val *x = ig_opt_operand(n, X);
  ig_node *add = x->data ? NULL : x->producer;
  if (!add || !adds_two(add) || p->mode > IG_NORM_RMS) return NULL;
  const char *why = refusal(user, n, add, x);
  if (why) return ig_ir_event(c->ir, c->name, n, true, "does not add '%s' itself: %s", add->name, why);
  return fuse(c, user, n, add);
}

static ig_status run(ig_pass_ctx *c) { return ig_opt_each_with_uses(c, visit); }

const ig_pass ig_pass_fuse_residual = {"fuse_residual", IG_STAGE_LOWERED, true, run, "sums before normalisations are their residuals"};
