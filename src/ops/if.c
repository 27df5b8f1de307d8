/* If: both arms are inferred, and their results' dims made one. Which arm runs, where that is known, and the lowering of arms is the pass manager's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/structured.h"

static ig_status infer_arm(const ig_node *n, ig_graph *g, const char *what) {
  for (ig_node *k = g->first; k; k = k->next) {
    if (k->form == IG_FORM_OP) IG_TRY_NOTE(ig_op_infer(k), "%s of If '%s'", what, n->name);
  }
  return NULL;
}

static ig_status read_arm(const ig_node *n, const char *name, ig_graph **out) {
  const ig_ir_attr *a = ig_node_attr(n, name);
  IG_NODE_REQUIRE(n, a && a->type == IG_ATTR_GRAPH, IG_ERROR_BAD_MODEL, "attribute '%s' is missing or no graph", name);
  *out = a->v.graph;
  IG_NODE_REQUIRE(n, (*out)->n_inputs == 0, IG_ERROR_BAD_MODEL, "%s has %u inputs, the arms of an If have none", name, (*out)->n_inputs);
  IG_NODE_REQUIRE(n, (*out)->n_outputs == n->n_out, IG_ERROR_BAD_MODEL, "%s has %u outputs, the node %u", name, (*out)->n_outputs, n->n_out);
  return NULL;
}

/* Both arms are checked at once: inference may never look at the one that is not taken. */
static ig_status if_import(ig_node *n, int64_t opset) {
  ig_graph *arm;
  IG_UNUSED(opset);
  IG_TRY(read_arm(n, "then_branch", &arm));
  return read_arm(n, "else_branch", &arm);
}

static ig_status take_result(ig_node *n, uint32_t i, const ig_val *v) { return ig_infer_set(n, i, v->dtype, (uint32_t)v->rank, v->dims); }

/* One dim out of two: the same, or chosen by the condition where that is a dim expression. */
static ig_status join_dim(ig_node *n, uint32_t i, int axis, ig_dim cond, ig_dim a, ig_dim b, ig_dim *out) {
  ig_dims *t = ig_node_dims(n);
  if (ig_dim_prove_eq(t, a, b) == 1) return *out = a, NULL;
  *out = cond ? ig_dim_select(t, cond, a, b) : IG_DIM_BAD;
  if (*out) return NULL;
  ig_buf text;
  ig_buf_init(&text, &n->graph->ir->env->alloc);
  ig_dim_print(t, a, &text);
  ig_buf_str(&text, " and ");
  ig_dim_print(t, b, &text);
  ig_status s =
      ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type,
                     "dim %d of result %u differs between the arms (%s), and the condition is not known at build time", axis, i, ig_buf_cstr(&text));
  ig_buf_free(&text);
  return ig_status_with(ig_status_with(s, IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_SHAPE"), IG_DETAIL_HINT,
                        "give the condition with --values, or fix the shapes on which it depends");
}

static ig_status join_result(ig_node *n, uint32_t i, ig_dim cond, const ig_val *a, const ig_val *b) {
  ig_dim dims[IG_MAX_RANK];
  IG_NODE_REQUIRE(n, a->dtype == b->dtype, IG_ERROR_BAD_MODEL, "result %u is %s in one arm, %s in the other", i, ig_dtype_name(a->dtype),
                  ig_dtype_name(b->dtype));
  if (a->rank != b->rank)
    return ig_status_with(
        ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "result %u has %d dims in one arm, %d in the other", i, a->rank, b->rank),
        IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_SHAPE");
  for (int k = 0; k < a->rank; k++)
    IG_TRY(join_dim(n, i, k, cond, a->dims[k], b->dims[k], &dims[k]));
  return ig_infer_set(n, i, a->dtype, (uint32_t)a->rank, dims);
}

static ig_status check_results(const ig_node *n, const ig_graph *g) {
  for (uint32_t i = 0; i < n->n_out; i++) {
    const ig_val *v = ig_graph_output(g, i);
    if (!v || v->kind != IG_VAL_TENSOR)
      return ig_status_with(ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "result %u is no tensor", i), IG_DETAIL_ISSUE_CODE,
                            "UNSUPPORTED_DATATYPE");
    IG_NODE_REQUIRE(n, v->dtype != IG_DTYPE_NONE && v->rank >= 0, IG_ERROR_BAD_MODEL, "result %u of an arm has no known type", i);
  }
  return NULL;
}

/* An arm that cannot be inferred is left to fail when it is taken: results then are those of the other. Both failing is a failure. */
static ig_status infer_arms(ig_node *n, ig_graph *const *arms, bool *failed) {
  ig_status st[2];
  for (int k = 0; k < 2; k++) {
    st[k] = infer_arm(n, arms[k], k ? "else_branch" : "then_branch");
    if (!st[k]) st[k] = check_results(n, arms[k]);
    failed[k] = st[k] != NULL;
  }
  for (int k = 0; k < 2; k++) {
    const ig_code code = ig_status_code(st[k]);
    const bool shape_only = code == IG_ERROR_BAD_MODEL || code == IG_ERROR_SHAPE;
    if (!st[k] || (shape_only && !failed[!k])) continue;
    ig_status_free(st[!k]);
    return st[k];
  }
  ig_status_free(st[0]);
  ig_status_free(st[1]);
  return NULL;
}

static ig_status if_infer(ig_node *n) {
  const ig_val *c = ig_node_in(n, 0);
  ig_graph *arms[2];
  bool failed[2];
  int64_t taken;
  IG_TRY(read_arm(n, "then_branch", &arms[0]));
  IG_TRY(read_arm(n, "else_branch", &arms[1]));
  const ig_dim cond = c->elems && c->n_elems == 1 ? c->elems[0] : IG_DIM_BAD;
  if ((cond && ig_dim_is_const(ig_node_dims(n), cond, &taken)) || (ig_const_single(c) && ig_const_i64(c, 0, &taken))) {
    ig_graph *arm = arms[taken ? 0 : 1];
    IG_TRY(infer_arm(n, arm, taken ? "then_branch" : "else_branch"));
    IG_TRY(check_results(n, arm));
    for (uint32_t i = 0; i < n->n_out; i++)
      IG_TRY(take_result(n, i, ig_graph_output(arm, i)));
    return NULL;
  }
  IG_TRY(infer_arms(n, arms, failed));
  for (uint32_t i = 0; i < n->n_out; i++) {
    const ig_val *a = ig_graph_output(arms[0], i), *b = ig_graph_output(arms[1], i);
    if (failed[0] || failed[1])
      IG_TRY(take_result(n, i, failed[0] ? b : a));
    else
      IG_TRY(join_result(n, i, cond, a, b));
  }
  return NULL;
}

static const ig_op_arg if_in[] = {{"cond", 0, IG_T(BOOL), 0}};
static const ig_op_arg if_out[] = {{"outputs", 0, IG_TYPES_TENSOR, IG_ARG_VARIADIC | IG_ARG_HETEROGENEOUS}};
static const ig_op_attr if_attrs[] = {{"else_branch", IG_ATTR_GRAPH, true, 0, 0, NULL}, {"then_branch", IG_ATTR_GRAPH, true, 0, 0, NULL}};
static const char *const if_cases[] = {NULL};
const ig_op ig_op_If = {.domain = "",
                        .name = "If",
                        .since = 25,
                        .oldest = 1,
                        .cls = IG_CLASS_CONTROL,
                        IG_OP_ARGS(if_in, if_out),
                        IG_OP_ATTRS(if_attrs),
                        .import = if_import,
                        .infer = if_infer,
                        .cases = if_cases};
