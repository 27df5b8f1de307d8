/* Quantised arithmetic out of DequantizeLinear and QuantizeLinear (the Q/DQ form of quantisers).
 *
 * A Conv, MatMul or Gemm whose operands are dequantised bytes becomes the integer product and a multiplication by both scales; the bias is added
 * after it. What follows (activation, residual, QuantizeLinear) needs no rule of its own: lowered, all of it is maps, which become the product's
 * epilogue. Operators that only choose or move elements (MaxPool, Reshape, Transpose ...) go before the DequantizeLinear, so that the bytes
 * themselves are moved; a QuantizeLinear that undoes a DequantizeLinear goes. The sum is exact in 32 bits; only its scaling rounds.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/rules.h"

enum { MAX_DEPTH = 65000 }; /* 65000 * 255 * 128 < 2^31 */

typedef struct dequantised {
  ig_val *x, *scale, *zero;
  int64_t axis; /* -1: one scale for all */
  const ig_node *node;
} dequantised;

typedef struct site {
  ig_pass_ctx *c;
  ig_node *at; /* nodes are placed before it */
  ig_status st;
} site;

static bool is_single(const ig_ir *ir, const ig_val *v) {
  return v->rank == 0 || (v->rank == 1 && ig_dim_equals((ig_dims *)(uintptr_t)&ir->dims, v->dims[0], 1));
}

/* True where v is bytes dequantised to float32, without blocks. */
static bool is_dequantised(const ig_ir *ir, const ig_val *v, dequantised *out) {
  const ig_node *n = v ? v->producer : NULL;
  if (!n || v->data || !ig_opt_is(n, "DequantizeLinear") || v->dtype != IG_DTYPE_F32) return false;
  *out = (dequantised){.x = ig_node_in(n, 0), .scale = ig_node_in(n, 1), .zero = ig_node_in(n, 2), .axis = -1, .node = n};
  if (out->x->dtype != IG_DTYPE_I8 && out->x->dtype != IG_DTYPE_U8) return false;
  if (out->scale->dtype != IG_DTYPE_F32 || ig_node_attr_i(n, "block_size", 0) != 0) return false;
  if (is_single(ir, out->scale) && (!out->zero || is_single(ir, out->zero))) return true;
  const int64_t axis = ig_node_attr_i(n, "axis", 1);
  out->axis = axis < 0 ? axis + out->x->rank : axis;
  return true;
}

/* ---- nodes ---- */

static ig_val *op_n(site *s, const char *type, ig_val *const *in, uint32_t n_in, const ig_ir_attr *attrs, uint32_t n_attrs) {
  if (s->st) return NULL;
  ig_node *n = ig_op_node(s->at->graph, s->at, type, in, n_in, 1, attrs, n_attrs, &s->st);
  return n ? ig_val_resolve(n->out[0]) : NULL;
}
static ig_val *op(site *s, const char *type, ig_val *a, ig_val *b) {
  ig_val *in[2] = {a, b};
  return a && b ? op_n(s, type, in, 2, NULL, 0) : NULL;
}
static ig_val *cast_f32(site *s, ig_val *x) {
  const ig_ir_attr to = {.name = "to", .type = IG_ATTR_INT, .v.i = 1}; /* ONNX's number of float32 */
  return x ? op_n(s, "Cast", &x, 1, &to, 1) : NULL;
}
static ig_val *transpose(site *s, ig_val *x) {
  static const int64_t swap[2] = {1, 0};
  const ig_ir_attr perm = {.name = "perm", .type = IG_ATTR_INTS, .n = 2, .v.ints = swap};
  return op_n(s, "Transpose", &x, 1, &perm, 1);
}
/* x of one element as a scalar; a vector with n_ones axes of 1 behind it. */
static ig_val *shaped(site *s, ig_val *x, bool scalar, uint32_t n_ones) {
  int64_t dims[IG_MAX_RANK] = {-1, 1, 1, 1, 1, 1, 1, 1};
  if (s->st || !x || (scalar && x->rank == 0) || (!scalar && n_ones == 0)) return x;
  ig_val *shape = ig_val_const_i64(s->at->graph, dims, scalar ? 0 : 1 + n_ones);
  if (!shape) s->st = ig_arena_status(&s->c->ir->arena);
  return op(s, "Reshape", x, shape);
}
static ig_val *factor(site *s, ig_val *x, float by) {
  if (by == 1 || s->st || !x) return x;
  ig_val *v = ig_val_const_bytes(s->at->graph, NULL, IG_DTYPE_F32, 0, NULL, &by);
  if (!v) s->st = ig_arena_status(&s->c->ir->arena);
  return op(s, "Mul", x, v);
}

static bool all_zero(const ig_val *v) {
  int64_t n, x;
  if (!v || !v->data || !ig_data_count(v->data, &n)) return false;
  for (int64_t i = 0; i < n; i++)
    if (!ig_data_int(v->data, (size_t)i, &x) || x != 0) return false;
  return true;
}

/* The results of n go on as v, under their name. */
static ig_status replace(site *s, ig_node *n, ig_val *v, uint32_t first_new_id) {
  if (s->st) return s->st;
  if (!v) return ig_arena_status(&s->c->ir->arena);
  IG_TRY(ig_op_replace(n, 0, v));
  IG_TRY(ig_opt_keep_names(n, first_new_id));
  ig_opt_drop(n);
  return NULL;
}

/* ---- products ---- */

typedef struct product {
  dequantised a, b;
  ig_val *bias;
  bool is_conv, transposed; /* transposed: b is [N, K] */
  float alpha, beta;
} product;

/* Why n does not become an integer product; NULL = it does. */
static const char *product_refusal(ig_ir *ir, const ig_node *n, const product *p) {
  int64_t depth = 1, dim;
  const ig_val *b = p->b.x;
  if (p->a.axis >= 0) return "the activations have several scales";
  if (!b->data) return "the weights are not constant";
  if (!p->is_conv && b->rank != 2) return "the weights are not one matrix";
  const int64_t columns = p->is_conv || p->transposed ? 0 : 1;
  if (p->b.axis >= 0 && p->b.axis != columns) return "the weights' scales do not go along the output channels";
  for (int k = 0; k < b->rank; k++)
    if (k != columns && ig_dim_is_const(&ir->dims, b->dims[k], &dim)) depth *= dim;
  if (depth > MAX_DEPTH) return "a 32-bit sum could overflow";
  if (ig_opt_is(n, "Gemm") && ig_node_attr_i(n, "transA", 0) != 0) return "its first operand is transposed";
  return NULL;
}

static bool read_product(const ig_ir *ir, const ig_node *n, product *p) {
  *p = (product){.is_conv = ig_opt_is(n, "Conv"), .alpha = 1, .beta = 1};
  if (!p->is_conv && !ig_opt_is(n, "MatMul") && !ig_opt_is(n, "Gemm")) return false;
  if (!is_dequantised(ir, ig_node_in(n, 0), &p->a) || !is_dequantised(ir, ig_node_in(n, 1), &p->b)) return false;
  p->bias = ig_node_in(n, 2);
  if (!ig_opt_is(n, "Gemm")) return true;
  p->transposed = ig_node_attr_i(n, "transB", 0) != 0;
  p->alpha = ig_node_attr_f(n, "alpha", 1);
  p->beta = ig_node_attr_f(n, "beta", 1);
  if (p->beta == 0) p->bias = NULL;
  return true;
}

static ig_val *build_product(site *s, const ig_node *n, const product *p) {
  const uint32_t n_ones = p->is_conv ? (uint32_t)p->b.x->rank - 2 : 0;
  ig_val *in[4] = {p->a.x, p->transposed ? transpose(s, p->b.x) : p->b.x, p->a.zero ? shaped(s, p->a.zero, true, 0) : NULL, NULL};
  if (p->b.zero && !all_zero(p->b.zero)) in[3] = p->b.axis < 0 ? shaped(s, p->b.zero, true, 0) : p->b.zero;
  const uint32_t n_in = in[3] ? 4 : in[2] ? 3 : 2;
  ig_val *sum = op_n(s, p->is_conv ? "ConvInteger" : "MatMulInteger", in, n_in, p->is_conv ? n->attrs : NULL, p->is_conv ? n->n_attrs : 0);
  if (!sum) return NULL;
  sum->producer->name = n->name;
  sum->producer->sources = n->sources;
  ig_val *scale = shaped(s, op(s, "Mul", shaped(s, p->a.scale, true, 0), p->b.scale), p->b.axis < 0, n_ones);
  ig_val *y = op(s, "Mul", cast_f32(s, sum), factor(s, scale, p->alpha));
  return p->bias ? op(s, "Add", y, shaped(s, factor(s, p->bias, p->beta), false, n_ones)) : y;
}

static ig_status visit_product(ig_pass_ctx *c, ig_node *n) {
  product p;
  if (!read_product(c->ir, n, &p)) return NULL;
  const char *why = product_refusal(c->ir, n, &p);
  if (why) return ig_ir_event(c->ir, c->name, n, true, "stays a float product: %s", why);
  if (!ig_pass_take(c)) return NULL;
  site s = {c, n, NULL};
  const uint32_t first_new_id = c->ir->next_id;
  IG_TRY(ig_ir_event(c->ir, c->name, n, false, "multiplies '%s' and '%s' as integers", p.a.x->name, p.b.x->name));
  ig_val *y = build_product(&s, n, &p);
  return replace(&s, n, y, first_new_id);
}

/* ---- moves ---- */

static bool moves(const ig_node *n) {
  static const char *const types[] = {"MaxPool", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice"};
  for (size_t i = 0; i < IG_COUNT(types); i++)
    if (ig_opt_is(n, types[i])) return true;
  return false;
}

/* The axis along which scales go after a transpose; -1: not known. */
static int64_t moved_axis(const ig_node *n, int64_t axis) {
  uint32_t n_perm;
  const int64_t *perm = ig_node_attr_ints(n, "perm", &n_perm);
  if (!perm) return ig_node_in(n, 0)->rank - 1 - axis;
  for (uint32_t k = 0; k < n_perm; k++)
    if (perm[k] == axis) return k;
  return -1;
}

static const char *move_refusal(const ig_node *n, const dequantised *d) {
  double scale;
  if (d->axis >= 0 && !ig_opt_is(n, "Transpose")) return "there are several scales";
  if (d->axis >= 0 && moved_axis(n, d->axis) < 0) return "the scales' axis is lost";
  if (!ig_opt_is(n, "MaxPool")) return NULL;
  if (ig_node_out(n, 1)) return "the places of the maxima are wanted";
  return ig_const_f64(d->scale, 0, &scale) && scale > 0 ? NULL : "the scale is not a positive constant";
}

static ig_val *dequantise(site *s, ig_val *x, const dequantised *d, int64_t axis) {
  const ig_ir_attr attr = {.name = "axis", .type = IG_ATTR_INT, .v.i = axis};
  ig_val *in[3] = {x, d->scale, d->zero};
  return x ? op_n(s, "DequantizeLinear", in, d->zero ? 3 : 2, &attr, axis >= 0 ? 1 : 0) : NULL;
}

static ig_status visit_move(ig_pass_ctx *c, ig_node *n) {
  dequantised d;
  if (!moves(n) || !is_dequantised(c->ir, ig_node_in(n, 0), &d)) return NULL;
  const char *why = move_refusal(n, &d);
  if (why) return ig_ir_event(c->ir, c->name, n, true, "does not move the bytes of '%s': %s", d.x->name, why);
  if (!ig_pass_take(c)) return NULL;
  site s = {c, n, NULL};
  const uint32_t first_new_id = c->ir->next_id;
  ig_val *in[8] = {d.x};
  for (uint32_t i = 1; i < n->n_in && i < 8; i++)
    in[i] = ig_node_in(n, i);
  IG_TRY(ig_ir_event(c->ir, c->name, n, false, "moves the bytes of '%s' and not what they dequantise to", d.x->name));
  ig_val *y = op_n(&s, n->type, in, n->n_in, n->attrs, n->n_attrs);
  if (y && y->producer) y->producer->name = n->name;
  return replace(&s, n, dequantise(&s, y, &d, d.axis < 0 ? -1 : moved_axis(n, d.axis)), first_new_id);
}

/* ---- equal quantisations ---- */

static bool same_constant(const ig_val *a, const ig_val *b) {
  if (a == b) return true;
  if (!a || !b || !a->data || !b->data || a->dtype != b->dtype || a->data->n_bytes != b->data->n_bytes) return false;
  return memcmp(a->data->bytes, b->data->bytes, a->data->n_bytes) == 0;
}
static bool same_zero(const ig_val *a, const ig_val *b) { return same_constant(a, b) || ((!a || all_zero(a)) && (!b || all_zero(b))); }

static ig_status visit_concat(ig_pass_ctx *c, ig_node *n) {
  enum { MAX_PARTS = 64 };
  dequantised first, d;
  ig_val *in[MAX_PARTS];
  if (!ig_opt_is(n, "Concat") || n->n_in > MAX_PARTS || !is_dequantised(c->ir, ig_node_in(n, 0), &first)) return NULL;
  for (uint32_t i = 0; i < n->n_in; i++) {
    if (!is_dequantised(c->ir, ig_node_in(n, i), &d)) return NULL;
    const bool same = d.axis < 0 && d.x->dtype == first.x->dtype && same_constant(d.scale, first.scale) && same_zero(d.zero, first.zero);
    if (!same) return ig_ir_event(c->ir, c->name, n, true, "does not join the bytes: '%s' and '%s' differ in scale or zero point", first.x->name, d.x->name);
    in[i] = d.x;
  }
  if (!ig_pass_take(c)) return NULL;
  site s = {c, n, NULL};
  const uint32_t first_new_id = c->ir->next_id;
  IG_TRY(ig_ir_event(c->ir, c->name, n, false, "joins the bytes and not what they dequantise to"));
  ig_val *y = op_n(&s, n->type, in, n->n_in, n->attrs, n->n_attrs);
  if (y && y->producer) y->producer->name = n->name;
  return replace(&s, n, dequantise(&s, y, &first, -1), first_new_id);
}

/* rint((q - z) * s / s) + z is q: the quotient differs from q - z by a rounding or two, and both are small. */
static ig_status visit_inverse(ig_pass_ctx *c, ig_node *n) {
  dequantised d;
  double scale;
  if (!ig_opt_is(n, "QuantizeLinear") || !is_dequantised(c->ir, ig_node_in(n, 0), &d) || n->out[0]->dtype != d.x->dtype) return NULL;
  const bool same = d.axis < 0 && ig_node_attr_i(n, "precision", 0) == 0 && same_constant(d.scale, ig_node_in(n, 1)) && same_zero(d.zero, ig_node_in(n, 2));
  if (!same || !ig_const_f64(d.scale, 0, &scale) || !(scale > 1e-30) || !(scale < 1e30))
    return ig_ir_event(c->ir, c->name, n, true, "does not undo '%s': scales or zero points differ", d.node->name);
  if (!ig_pass_take(c)) return NULL;
  IG_TRY(ig_ir_event(c->ir, c->name, n, false, "undoes '%s': both go", d.node->name));
  IG_TRY(ig_op_replace(n, 0, d.x));
  ig_opt_drop(n);
  return NULL;
}

static ig_status visit(ig_pass_ctx *c, ig_node *n, void *user) {
  IG_UNUSED(user);
  if (n->form != IG_FORM_OP || n->n_out == 0 || !n->out[0] || ig_opt_done(n) || *c->budget == 0) return NULL;
  IG_TRY(visit_product(c, n));
  if (!ig_opt_done(n)) IG_TRY(visit_move(c, n));
  if (!ig_opt_done(n)) IG_TRY(visit_concat(c, n));
  return ig_opt_done(n) ? NULL : visit_inverse(c, n);
}

static ig_status run(ig_pass_ctx *c) { return ig_opt_each(c, c->ir->main, visit, NULL); }

const ig_pass ig_pass_quantise = {"quantise", IG_STAGE_CANONICAL, true, run, "products and moves of dequantised bytes become those of the bytes"};
