/* Evaluation of a table of dimension nodes in index order. It stands alone: the runtime runs it on the tables of an engine file at
 * bind, so operands are checked here as well and nothing is allocated unless something is wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/dim_impl.h"

typedef enum outcome { FINE, OVERFLOWS, DIVIDES_BY_ZERO, MALFORMED } outcome;

static outcome divide(uint16_t op, int64_t a, int64_t b, int64_t *out) {
  if (b == 0) return DIVIDES_BY_ZERO;
  if (op == IG_DIM_FLOORDIV) return ig_floordiv_i64(a, b, out) ? FINE : OVERFLOWS;
  if (op == IG_DIM_CEILDIV) return ig_ceildiv_i64(a, b, out) ? FINE : OVERFLOWS;
  *out = ig_mod_i64(a, b);
  return FINE;
}

/* Operators of two operands. */
static outcome eval_binary(const ig_dim_node *n, int64_t a, int64_t b, int64_t *out) {
  switch (n->op) {
  case IG_DIM_ADD: return ig_add_i64(a, b, out) ? FINE : OVERFLOWS;
  case IG_DIM_MUL: return ig_mul_i64(a, b, out) ? FINE : OVERFLOWS;
  case IG_DIM_FLOORDIV:
  case IG_DIM_CEILDIV:
  case IG_DIM_MOD: return divide(n->op, a, b, out);
  case IG_DIM_MIN: *out = ig_min_i64(a, b); return FINE;
  case IG_DIM_MAX: *out = ig_max_i64(a, b); return FINE;
  case IG_DIM_EQ: *out = a == b; return FINE;
  case IG_DIM_GE: *out = a >= b; return FINE;
  case IG_DIM_BROADCAST: *out = a == 1 ? b : a; return FINE;
  default: return MALFORMED;
  }
}

static outcome eval_node(const ig_dim_node *nodes, size_t i, const int64_t *symbol_values, size_t n_symbols, int64_t *values) {
  const ig_dim_node *const n = &nodes[i];
  const bool is_leaf = n->op == IG_DIM_CONST || n->op == IG_DIM_SYMBOL;
  if (n->op == IG_DIM_CONST) values[i] = n->imm;
  if (n->op == IG_DIM_SYMBOL) {
    if (n->a >= n_symbols) return MALFORMED;
    values[i] = symbol_values[n->a];
  }
  if (is_leaf) return FINE;
  if (n->a == IG_DIM_BAD || n->a >= i) return MALFORMED;
  if (n->op == IG_DIM_SCALE) return ig_scale_i64(values[n->a], ig_dim_factor(n), n->c == 1, &values[i]) ? FINE : OVERFLOWS;
  if (n->b == IG_DIM_BAD || n->b >= i) return MALFORMED;
  if (n->op != IG_DIM_SELECT) return eval_binary(n, values[n->a], values[n->b], &values[i]);
  if (n->c == IG_DIM_BAD || n->c >= i) return MALFORMED;
  values[i] = values[n->a] != 0 ? values[n->b] : values[n->c];
  return FINE;
}

static ig_status fail_at(const ig_dim_node *nodes, size_t i, outcome what) {
  switch (what) {
  case FINE: return NULL;
  case OVERFLOWS: IG_FAIL(IG_ERROR_SHAPE, "dimension expression %zu overflows 2^63 for these shapes; use smaller ones", i);
  case DIVIDES_BY_ZERO: IG_FAIL(IG_ERROR_SHAPE, "dimension expression %zu divides by zero for these shapes", i);
  case MALFORMED: break;
  }
  IG_FAIL(IG_ERROR_BAD_ENGINE, "dimension expression %zu is malformed (operator %u); build the engine again", i, nodes[i].op);
}

ig_status ig_dims_eval(const ig_dim_node *nodes, size_t n_nodes, const int64_t *symbol_values, size_t n_symbols, int64_t *out_values) {
  if (n_nodes > 0) out_values[0] = 0;
  for (size_t i = 1; i < n_nodes; i++) {
    const outcome what = eval_node(nodes, i, symbol_values, n_symbols, out_values);
    if (what != FINE) return fail_at(nodes, i, what);
  }
  return NULL;
}

/* Of a SELECT only the side that is chosen counts. Operands out of range are eval_node's to find. */
static bool rests_on_undefined(const ig_dim_node *n, size_t i, const int64_t *values) {
  if (n->op == IG_DIM_CONST || n->op == IG_DIM_SYMBOL || n->a >= i || n->b >= i || n->c >= i) return false;
  if (values[n->a] == IG_DIM_UNDEFINED) return true;
  if (n->op == IG_DIM_SCALE) return false;
  if (n->op == IG_DIM_SELECT) return values[values[n->a] != 0 ? n->b : n->c] == IG_DIM_UNDEFINED;
  return values[n->b] == IG_DIM_UNDEFINED;
}

ig_status ig_dims_eval_defined(const ig_dim_node *nodes, size_t n_nodes, const int64_t *symbol_values, size_t n_symbols, int64_t *out_values) {
  if (n_nodes > 0) out_values[0] = 0;
  for (size_t i = 1; i < n_nodes; i++) {
    const outcome what = eval_node(nodes, i, symbol_values, n_symbols, out_values);
    if (what == MALFORMED) return fail_at(nodes, i, what);
    if (what != FINE || rests_on_undefined(&nodes[i], i, out_values)) out_values[i] = IG_DIM_UNDEFINED;
  }
  return NULL;
}

void ig_dims_estimate(const ig_dim_node *nodes, size_t n_nodes, const int64_t *symbol_values, size_t n_symbols, int64_t *out_values) {
  if (n_nodes > 0) out_values[0] = 0;
  for (size_t i = 1; i < n_nodes; i++)
    if (eval_node(nodes, i, symbol_values, n_symbols, out_values) != FINE) out_values[i] = 0;
}
