/* The registry: finds records by name and checks nodes against them.
 *
 * The names of the whole standard lie sorted in onnx_names.def; a parallel array of records is filled by symbol, so that a record for a name
 * that the standard lacks does not compile, and a name without record is known for what it is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/op.h"
#include "ops/pointwise.h"

#define IG_OP(sym) extern const ig_op ig_op_##sym;
#include "ops/ops.def"
#undef IG_OP

const ig_op *const ig_ops[] = {
#define IG_OP(sym) &ig_op_##sym,
#include "ops/ops.def"
#undef IG_OP
#define IG_POINTWISE(sym, ...) &ig_pointwise_##sym.op,
#include "ops/pointwise.def"
#undef IG_POINTWISE
};
const uint32_t ig_n_ops = IG_COUNT(ig_ops);

enum {
#define IG_ONNX(sym, domain, name) AT_##sym,
#include "ops/onnx_names.def"
#undef IG_ONNX
  N_NAMES
};
static const struct {
  const char *domain, *name;
} names[N_NAMES] = {
#define IG_ONNX(sym, domain, name) {domain, name},
#include "ops/onnx_names.def"
#undef IG_ONNX
};
static const ig_op *const records[N_NAMES] = {
#define IG_OP(sym) [AT_##sym] = &ig_op_##sym,
#include "ops/ops.def"
#undef IG_OP
#define IG_POINTWISE(sym, ...) [AT_##sym] = &ig_pointwise_##sym.op,
#include "ops/pointwise.def"
#undef IG_POINTWISE
};

/* Position in names, or -1. */
static int find_name(const char *domain, const char *name) {
  if (!domain || strcmp(domain, "ai.onnx") == 0) domain = "";
  int lo = 0, hi = N_NAMES;
  while (lo < hi) {
    const int mid = (lo + hi) / 2;
    int c = strcmp(domain, names[mid].domain);
    if (c == 0) c = strcmp(name, names[mid].name);
    if (c == 0) return mid;
    if (c < 0)
      hi = mid;
    else
      lo = mid + 1;
  }
  return -1;
}

const ig_op *ig_op_find(const char *domain, const char *name) {
  const int at = find_name(domain, name);
  return at < 0 ? NULL : records[at];
}

bool ig_op_is_onnx(const char *domain, const char *name) { return find_name(domain, name) >= 0; }

/* Argument that input or result i belongs to; NULL if there are fewer. */
static const ig_op_arg *arg_at(const ig_op_arg *args, uint32_t n, uint32_t i) {
  if (i < n) return &args[i];
  return n > 0 && (args[n - 1].flags & IG_ARG_VARIADIC) ? &args[n - 1] : NULL;
}

static const char *text_of(const char *s) { return s ? s : "?"; }

static ig_status with_issue(ig_status s, const char *issue) { return ig_status_with(s, IG_DETAIL_ISSUE_CODE, issue); }

static ig_status check_in_type(const ig_node *n, const ig_op_arg *arg, const ig_val *v, ig_dtype *ties) {
  if (v->kind != IG_VAL_TENSOR)
    return with_issue(ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "input %s ('%s') is no tensor", arg->name, text_of(v->name)),
                      "UNSUPPORTED_INPUT");
  if (v->dtype == IG_DTYPE_NONE || v->rank < 0)
    return with_issue(
        ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "type or rank of input %s ('%s') is not known", arg->name, text_of(v->name)),
        "UNSUPPORTED_INPUT");
  if (!(ig_type_bit(v->dtype) & arg->types))
    return with_issue(ig_status_node(IG_ERROR_BAD_MODEL, n->name, n->type, "input %s ('%s') must not be of type %s", arg->name, text_of(v->name),
                                     ig_dtype_name(v->dtype)),
                      "UNSUPPORTED_DATATYPE");
  if (!arg->tie || (arg->flags & IG_ARG_HETEROGENEOUS)) return NULL;
  ig_dtype *tie = &ties[(unsigned char)arg->tie];
  if (*tie == IG_DTYPE_NONE) *tie = v->dtype;
  if (*tie == v->dtype) return NULL;
  return with_issue(ig_status_node(IG_ERROR_BAD_MODEL, n->name, n->type, "input %s ('%s') has type %s where %s is wanted, as of the inputs before it",
                                   arg->name, text_of(v->name), ig_dtype_name(v->dtype), ig_dtype_name(*tie)),
                    "UNSUPPORTED_DATATYPE");
}

static ig_status check_inputs(const ig_node *n) {
  const ig_op *op = n->op;
  ig_dtype ties[256] = {0};
  for (uint32_t i = 0; i < n->n_in; i++) {
    const ig_op_arg *arg = arg_at(op->in, op->n_in, i);
    IG_NODE_REQUIRE(n, arg, IG_ERROR_BAD_MODEL, "%u inputs given, at most %u are known", n->n_in, op->n_in);
    const ig_val *v = ig_node_in(n, i);
    if (v)
      IG_TRY(check_in_type(n, arg, v, ties));
    else
      IG_NODE_REQUIRE(n, i < op->n_in && (arg->flags & IG_ARG_OPTIONAL), IG_ERROR_BAD_MODEL, "input %u (%s) is missing", i, arg->name);
  }
  for (uint32_t i = n->n_in; i < op->n_in; i++)
    IG_NODE_REQUIRE(n, op->in[i].flags & IG_ARG_OPTIONAL, IG_ERROR_BAD_MODEL, "input %u (%s) is missing", i, op->in[i].name);
  return NULL;
}

static ig_status check_outputs(const ig_node *n) {
  const ig_op *op = n->op;
  const bool variadic = op->n_out > 0 && (op->out[op->n_out - 1].flags & IG_ARG_VARIADIC);
  IG_NODE_REQUIRE(n, n->n_out <= op->n_out || variadic, IG_ERROR_BAD_MODEL, "%u results named, at most %u are known", n->n_out, op->n_out);
  return NULL;
}

const ig_op_attr *ig_op_attr_find(const ig_op *op, const char *name) {
  for (uint32_t i = 0; i < op->n_attrs; i++) {
    if (strcmp(op->attrs[i].name, name) == 0) return &op->attrs[i];
  }
  return NULL;
}

static ig_status check_attrs(const ig_node *n) {
  for (uint32_t i = 0; i < n->n_attrs; i++) {
    const ig_op_attr *known = ig_op_attr_find(n->op, n->attrs[i].name);
    if (!known)
      return with_issue(ig_status_node(IG_ERROR_BAD_MODEL, n->name, n->type, "attribute '%s' is not one of this operator's", n->attrs[i].name),
                        "UNSUPPORTED_ATTR");
    if (known->type != n->attrs[i].type)
      return with_issue(ig_status_node(IG_ERROR_BAD_MODEL, n->name, n->type, "attribute '%s' has the wrong type", known->name), "UNSUPPORTED_ATTR");
  }
  for (uint32_t i = 0; i < n->op->n_attrs; i++) {
    const ig_op_attr *a = &n->op->attrs[i];
    IG_NODE_REQUIRE(n, !a->required || ig_node_attr(n, a->name), IG_ERROR_BAD_MODEL, "required attribute '%s' is missing", a->name);
  }
  return NULL;
}

ig_status ig_op_check(const ig_node *n) {
  if (!n->op) {
    const bool known = ig_op_is_onnx(n->domain, n->type);
    return with_issue(ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type,
                                     known ? "this ONNX operator is not done yet" : "unknown operator of domain '%s'", text_of(n->domain)),
                      "UNSUPPORTED_NODE");
  }
  if (n->opset > 0 && n->opset < n->op->oldest)
    return with_issue(
        ig_status_with(ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type,
                                      "version %lld of the operator set is too old: %d is the oldest understood", (long long)n->opset, n->op->oldest),
                       IG_DETAIL_HINT, "convert the model with onnx.version_converter"),
        "UNSUPPORTED_NODE");
  IG_TRY(check_inputs(n));
  IG_TRY(check_outputs(n));
  return check_attrs(n);
}

int64_t ig_op_attr_i(const ig_node *n, const char *name) {
  const ig_op_attr *a = n->op ? ig_op_attr_find(n->op, name) : NULL;
  return ig_node_attr_i(n, name, a ? a->i : 0);
}
float ig_op_attr_f(const ig_node *n, const char *name) {
  const ig_op_attr *a = n->op ? ig_op_attr_find(n->op, name) : NULL;
  return ig_node_attr_f(n, name, a ? a->f : 0);
}
const char *ig_op_attr_s(const ig_node *n, const char *name) {
  const ig_op_attr *a = n->op ? ig_op_attr_find(n->op, name) : NULL;
  return ig_node_attr_s(n, name, a && a->s ? a->s : "");
}
