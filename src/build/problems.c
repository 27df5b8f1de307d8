/* All that a build cannot do of a graph, found at once. SPDX-License-Identifier: Apache-2.0 */
#include "build/internal.h"

static ig_status add(ig_build_problems *p, const ig_node *n, const char *code, const char *message, const char *hint) {
  ig_build_problem q = { ig_arena_strdup(&p->arena, n->name ? n->name : ""), ig_arena_strdup(&p->arena, n->type ? n->type : ""), ig_arena_strdup(&p->arena, code), ig_arena_strdup(&p->arena, message), ig_arena_strdup(&p->arena, hint ? hint : "") };
  if (!q.node || !q.op || !q.code || !q.message || !q.hint) return ig_arena_status(&p->arena);
  return IG_PUSH(p->alloc, p->list, q) ? NULL : IG_OOM();
}

/* A status of a check becomes a problem; failures that are not the model's end the search. */
static ig_status take(ig_build_problems *p, const ig_node *n, ig_status st) {
  const ig_code c = ig_status_code(st);
  if (c != IG_ERROR_UNSUPPORTED && c != IG_ERROR_BAD_MODEL && c != IG_ERROR_SHAPE) return st;
  const char *code = ig_status_detail(st, IG_DETAIL_ISSUE_CODE);
  ig_status r = add(p, n, code ? code : c == IG_ERROR_UNSUPPORTED ? "UNSUPPORTED_NODE" : "BAD_MODEL", ig_status_message(st), ig_status_detail(st, IG_DETAIL_HINT));
  ig_status_free(st);
  return r;
}

static ig_status unknown(ig_build_problems *p, const ig_node *n) {
  ig_buf text;
  ig_buf_init(&text, p->alloc);
  const bool onnx = ig_op_is_onnx(n->domain ? n->domain : "", n->type);
  ig_buf_printf(&text, "node '%s' (%s%s%s): %s", n->name, n->domain && *n->domain ? n->domain : "", n->domain && *n->domain ? "." : "", n->type, onnx ? "an ONNX operator that this version does not have yet" : "unknown operator");
  ig_status st = text.failed ? IG_OOM() : add(p, n, "UNSUPPORTED_NODE", ig_buf_cstr(&text), onnx ? "" : "not part of ONNX: if it is a custom operator, export the model without it or as a model-local function");
  ig_buf_free(&text);
  return st;
}

static bool is_done(const ig_op *op) { return op && (op->lower || op->cls == IG_CLASS_CONTROL || op->cls == IG_CLASS_CONST); }

/* Operators that are not there, sub-graphs included. */
static ig_status list_unknown(ig_build_problems *p, const ig_graph *g) {
  for (const ig_node *n = g->first; n; n = n->next) {
    if (!is_done(n->op)) IG_TRY(unknown(p, n));
    for (uint32_t i = 0; i < n->n_attrs; i++)
      if (n->attrs[i].type == IG_ATTR_GRAPH) IG_TRY(list_unknown(p, n->attrs[i].v.graph));
  }
  return NULL;
}

static bool inputs_known(const ig_node *n) {
  for (uint32_t i = 0; i < n->n_in; i++) {
    const ig_val *v = ig_node_in(n, i);
    if (v && v->kind == IG_VAL_TENSOR && (v->dtype == IG_DTYPE_NONE || v->rank < 0)) return false;
  }
  return true;
}

/* Types and attributes, as far as inputs are known: what follows from a node already listed is not listed again. A value that folding
 * would supply is no problem yet. */
static ig_status list_misfits(ig_build_problems *p, ig_graph *g) {
  for (ig_node *n = g->first; n; n = n->next) {
    if (!is_done(n->op) || !inputs_known(n)) continue;
    ig_status st = ig_op_check(n);
    if (st) {
      IG_TRY(take(p, n, st));
      continue;
    }
    st = ig_op_infer(n);
    const ig_code c = ig_status_code(st);
    if (c == IG_ERROR_UNSUPPORTED || c == IG_ERROR_SHAPE) ig_status_free(st);
    else if (st) IG_TRY(take(p, n, st));
  }
  return NULL;
}

ig_status ig_build_find_problems(ig_ir *ir, const ig_build_options *opt, ig_build_problems *out) {
  memset(out, 0, sizeof *out);
  out->alloc = &ir->env->alloc;
  ig_arena_init(&out->arena, out->alloc, 0);
  IG_TRY(list_unknown(out, ir->main));
  const bool complete = out->list.n == 0;
  IG_TRY(ig_build_prepare(ir, opt));
  IG_TRY(list_misfits(out, ir->main));
  if (!complete || out->list.n) return NULL;
  /* Every operator is there: what inference, folding or lowering cannot do shows by doing it. */
  ig_status st = ig_build_to_stage(ir, opt, IG_STAGE_LOWERED);
  if (!st) return NULL;
  const char *node = ig_status_detail(st, IG_DETAIL_NODE), *op = ig_status_detail(st, IG_DETAIL_OP);
  const ig_node whole = { .name = node ? node : "", .type = op ? op : "" };
  return take(out, &whole, st);
}

void ig_build_problems_free(ig_build_problems *p) {
  if (!p->alloc) return;
  IG_VEC_FREE(p->alloc, p->list);
  ig_arena_free(&p->arena);
}

ig_status ig_build_problems_status(const ig_build_problems *p) {
  if (!p->list.n) return NULL;
  ig_buf text;
  ig_buf_init(&text, p->alloc);
  bool bad = false;
  for (size_t i = 0; i < p->list.n; i++) {
    bad |= strcmp(p->list.data[i].code, "BAD_MODEL") == 0;
    if (text.n < 1800) ig_buf_printf(&text, "%s%s", i ? "; " : "", p->list.data[i].message);
  }
  if (p->list.n > 1 && text.n >= 1800) ig_buf_printf(&text, " ... (%zu problems in all: `ingot check` lists them)", p->list.n);
  ig_status st = ig_status_new(bad ? IG_ERROR_BAD_MODEL : IG_ERROR_UNSUPPORTED, "%s", ig_buf_cstr(&text));
  ig_buf_free(&text);
  st = ig_status_with(st, IG_DETAIL_NODE, p->list.data[0].node);
  st = ig_status_with(st, IG_DETAIL_OP, p->list.data[0].op);
  if (*p->list.data[0].hint) st = ig_status_with(st, IG_DETAIL_HINT, p->list.data[0].hint);
  return ig_status_with(st, IG_DETAIL_ISSUE_CODE, p->list.data[0].code);
}
