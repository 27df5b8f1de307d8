/* Pointwise operators: formulas, inference and lowering. See pointwise.h; the records are the lines of pointwise.def.
 *
 * Every formula computes in the compute type of its input (16-bit and smaller floats in float32, narrow integers in wider ones) and is
 * rounded, or wrapped, once by the store. Inputs that are constants of one element become constants of the program.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/opaque.h"

/* ---- formulas ---- */

static double attr(const ig_pw *c, const char *name) { return (double)ig_op_attr_f(c->n, name); }

static ig_sreg is_inf(ig_pw *c) {
  const ig_sreg inf = ig_pw_1(c, IG_SOP_IS_INF, c->x[0]), zero = ig_pw_f(c, 0);
  const bool low = ig_op_attr_i(c->n, "detect_negative") != 0, high = ig_op_attr_i(c->n, "detect_positive") != 0;
  if (low && high) return inf;
  if (!low && !high) return ig_s_i64(&c->b, IG_S_BOOL, 0);
  return ig_pw_2(c, IG_SOP_AND, inf, low ? ig_pw_2(c, IG_SOP_LT, c->x[0], zero) : ig_pw_2(c, IG_SOP_LT, zero, c->x[0]));
}

static ig_sreg modulo(ig_pw *c) { return ig_pw_2(c, ig_op_attr_i(c->n, "fmod") ? IG_SOP_FMOD : IG_SOP_MOD, c->x[0], c->x[1]); }

/* The number that a register is, if the program knows it. */
static bool is_number(const ig_pw *c, ig_sreg r, double wanted) {
  const ig_sinsn *e = &c->b.insns[r];
  float f;
  double d;
  if (c->b.failed || e->op != IG_SOP_CONST) return false;
  memcpy(&f, &e->imm, sizeof f);
  memcpy(&d, &e->imm, sizeof d);
  if (e->type == IG_S_F32) d = (double)f;
  else if (e->type != IG_S_F64) d = e->type == IG_S_I32 ? (double)(int32_t)e->imm : (double)(int64_t)e->imm;
  return d == wanted;
}

/* Integer powers stay integers; where the types differ in class the wider float computes, and the result has the base's type. */
static ig_sreg power(ig_pw *c) {
  const ig_stype e = ig_s_type(&c->b, c->x[1]);
  const bool base_float = c->t == IG_S_F32 || c->t == IG_S_F64, exponent_float = e == IG_S_F32 || e == IG_S_F64;
  ig_stype t = c->t;
  if (base_float && e == IG_S_F64) t = IG_S_F64;
  if (!base_float) t = exponent_float ? IG_S_F64 : IG_S_I64;
  const ig_sreg x = ig_s_cast(&c->b, c->x[0], t);
  if (base_float && is_number(c, c->x[1], 3)) return ig_pw_2(c, IG_SOP_MUL, ig_pw_2(c, IG_SOP_MUL, x, x), x);   /* the tanh form of GELU cubes */
  return ig_pw_2(c, IG_SOP_POW, x, ig_s_cast(&c->b, c->x[1], t));
}

/* Right shifts of negative values fill with ones: the complement is shifted, since the operation itself fills with zeros. */
static ig_sreg bit_shift(ig_pw *c) {
  if (ig_op_attr_s(c->n, "direction")[0] == 'L') return ig_pw_2(c, IG_SOP_SHL, c->x[0], c->x[1]);
  const ig_sreg plain = ig_pw_2(c, IG_SOP_SHR, c->x[0], c->x[1]);
  if (!(ig_type_bit(c->in) & IG_TYPES_SIGNED)) return plain;
  const ig_sreg flipped = ig_pw_1(c, IG_SOP_NOT, ig_pw_2(c, IG_SOP_SHR, ig_pw_1(c, IG_SOP_NOT, c->x[0]), c->x[1]));
  return ig_pw_select(c, ig_pw_2(c, IG_SOP_LT, c->x[0], ig_s_i64(&c->b, c->t, 0)), flipped, plain);
}

static ig_sreg mean(ig_pw *c) {
  ig_sreg sum = c->x[0];
  for (uint32_t i = 1; i < c->n_x; i++)
    sum = ig_pw_2(c, IG_SOP_ADD, sum, c->x[i]);
  return c->last ? ig_pw_2(c, IG_SOP_DIV, sum, ig_pw_f(c, c->n->n_in)) : sum;
}

static ig_sreg greater(ig_pw *c) { return ig_pw_2(c, IG_SOP_LT, c->x[1], c->x[0]); }
static ig_sreg greater_equal(ig_pw *c) { return ig_pw_2(c, IG_SOP_LE, c->x[1], c->x[0]); }
static ig_sreg is_negative(ig_pw *c) { return ig_pw_2(c, IG_SOP_LT, c->x[0], ig_pw_f(c, 0)); }
static ig_sreg relu(ig_pw *c) { return ig_pw_2(c, IG_SOP_MAX, c->x[0], ig_pw_f(c, 0)); }
static ig_sreg leaky_relu(ig_pw *c) {
  return ig_pw_select(c, is_negative(c), ig_pw_2(c, IG_SOP_MUL, c->x[0], ig_pw_f(c, attr(c, "alpha"))), c->x[0]);
}
static ig_sreg prelu(ig_pw *c) { return ig_pw_select(c, is_negative(c), ig_pw_2(c, IG_SOP_MUL, c->x[0], c->x[1]), c->x[0]); }

/* alpha * (exp(x / scale) - 1) below zero, x above. */
static ig_sreg exponential_linear(ig_pw *c, double alpha, double scale) {
  const ig_sreg scaled = scale == 1 ? c->x[0] : ig_pw_2(c, IG_SOP_DIV, c->x[0], ig_pw_f(c, scale));
  const ig_sreg below = ig_pw_2(c, IG_SOP_MUL, ig_pw_f(c, alpha), ig_pw_1(c, IG_SOP_EXPM1, scaled));
  return ig_pw_select(c, is_negative(c), below, c->x[0]);
}
static ig_sreg elu(ig_pw *c) { return exponential_linear(c, attr(c, "alpha"), 1); }
static ig_sreg selu(ig_pw *c) { return ig_pw_2(c, IG_SOP_MUL, exponential_linear(c, attr(c, "alpha"), 1), ig_pw_f(c, attr(c, "gamma"))); }
/* max(0, x) + min(0, below): where alpha is negative, below is positive and counts for nothing. */
static ig_sreg celu(ig_pw *c) {
  const double alpha = attr(c, "alpha");
  const ig_sreg zero = ig_pw_f(c, 0);
  const ig_sreg below = ig_pw_2(c, IG_SOP_MUL, ig_pw_f(c, alpha), ig_pw_1(c, IG_SOP_EXPM1, ig_pw_2(c, IG_SOP_DIV, c->x[0], ig_pw_f(c, alpha))));
  return ig_pw_2(c, IG_SOP_ADD, ig_pw_2(c, IG_SOP_MAX, c->x[0], zero), ig_pw_2(c, IG_SOP_MIN, zero, below));
}

static ig_sreg gelu(ig_pw *c) {
  const ig_sreg x = c->x[0], half = ig_pw_2(c, IG_SOP_MUL, x, ig_pw_f(c, 0.5)), one = ig_pw_f(c, 1);
  if (strcmp(ig_op_attr_s(c->n, "approximate"), "tanh") != 0)
    return ig_pw_2(c, IG_SOP_MUL, half,
                   ig_pw_2(c, IG_SOP_ADD, one, ig_pw_1(c, IG_SOP_ERF, ig_pw_2(c, IG_SOP_MUL, x, ig_pw_f(c, 0.70710678118654752440)))));
  const ig_sreg cube = ig_pw_2(c, IG_SOP_MUL, ig_pw_2(c, IG_SOP_MUL, x, x), x);
  const ig_sreg inner = ig_pw_2(c, IG_SOP_ADD, x, ig_pw_2(c, IG_SOP_MUL, cube, ig_pw_f(c, 0.044715)));
  const ig_sreg t = ig_pw_1(c, IG_SOP_TANH, ig_pw_2(c, IG_SOP_MUL, inner, ig_pw_f(c, 0.79788456080286535588)));
  return ig_pw_2(c, IG_SOP_MUL, half, ig_pw_2(c, IG_SOP_ADD, one, t));
}

static ig_sreg ramp(ig_pw *c, double alpha, double beta) {
  const ig_sreg line = ig_pw_2(c, IG_SOP_ADD, ig_pw_2(c, IG_SOP_MUL, c->x[0], ig_pw_f(c, alpha)), ig_pw_f(c, beta));
  return ig_pw_2(c, IG_SOP_MAX, ig_pw_f(c, 0), ig_pw_2(c, IG_SOP_MIN, ig_pw_f(c, 1), line));
}
static ig_sreg hard_sigmoid(ig_pw *c) { return ramp(c, attr(c, "alpha"), attr(c, "beta")); }
static ig_sreg hard_swish(ig_pw *c) { return ig_pw_2(c, IG_SOP_MUL, c->x[0], ramp(c, 1.0 / 6.0, 0.5)); }
static ig_sreg mish(ig_pw *c) { return ig_pw_2(c, IG_SOP_MUL, c->x[0], ig_pw_1(c, IG_SOP_TANH, ig_pw_1(c, IG_SOP_SOFTPLUS, c->x[0]))); }
static ig_sreg softsign(ig_pw *c) { return ig_pw_2(c, IG_SOP_DIV, c->x[0], ig_pw_2(c, IG_SOP_ADD, ig_pw_f(c, 1), ig_pw_1(c, IG_SOP_ABS, c->x[0]))); }
static ig_sreg swish(ig_pw *c) {
  const double alpha = attr(c, "alpha");
  return ig_pw_2(c, IG_SOP_MUL, c->x[0], ig_pw_1(c, IG_SOP_SIGMOID, alpha == 1 ? c->x[0] : ig_pw_2(c, IG_SOP_MUL, c->x[0], ig_pw_f(c, alpha))));
}
static ig_sreg swiglu(ig_pw *c) { return ig_pw_2(c, IG_SOP_MUL, swish(c), c->x[1]); }
static ig_sreg thresholded_relu(ig_pw *c) {
  const ig_sreg above = ig_pw_2(c, IG_SOP_LT, ig_pw_f(c, attr(c, "alpha")), c->x[0]);
  return ig_pw_select(c, above, c->x[0], ig_pw_f(c, 0));
}

/* Bounds and bias are floats, so integers are computed as doubles. */
static ig_sreg shrink(ig_pw *c) {
  const ig_stype t = c->t == IG_S_F32 ? IG_S_F32 : IG_S_F64;
  const ig_sreg x = ig_s_cast(&c->b, c->x[0], t), lambd = ig_s_f64(&c->b, t, attr(c, "lambd")), low = ig_s_f64(&c->b, t, -attr(c, "lambd"));
  const ig_sreg bias = ig_s_f64(&c->b, t, attr(c, "bias")), zero = ig_s_f64(&c->b, t, 0);
  const ig_sreg above = ig_pw_select(c, ig_pw_2(c, IG_SOP_LT, lambd, x), ig_pw_2(c, IG_SOP_SUB, x, bias), zero);
  return ig_pw_select(c, ig_pw_2(c, IG_SOP_LT, x, low), ig_pw_2(c, IG_SOP_ADD, x, bias), above);
}

/* Where min > max, max wins: it is applied last. */
static ig_sreg clip(ig_pw *c) {
  ig_sreg r = c->x[0];
  if (c->n_x > 1 && c->has[1]) r = ig_pw_2(c, IG_SOP_MAX, r, c->x[1]);
  if (c->n_x > 2 && c->has[2]) r = ig_pw_2(c, IG_SOP_MIN, r, c->x[2]);
  return r;
}

/* ---- records ---- */

#define FLOATS IG_TYPES_FLOAT
#define NUMBERS IG_TYPES_NUMERIC
#define FLOAT8_4 (IG_TYPES_FLOAT8 & ~IG_T(E8M0))
#define SOP(op_) .sop = IG_SOP_##op_
#define BUILD(f) .build = (f)
#define BUILD_FIRST(f) .build = (f), .shape = IG_PW_FIRST
#define ARGS_(in_, n_in_, ...) .in = in_, .n_in = n_in_, .out = (const ig_op_arg[]){__VA_ARGS__}, .n_out = 1
#define LIST(...)                                                                                                                                    \
  (const ig_op_arg[]) { __VA_ARGS__ }
#define UNARY(in_, types_, out_) ARGS_(LIST({in_, 'T', types_, 0}), 1, {out_, 'T', types_, 0})
#define UNARY_TO(in_, types_, out_, to_) ARGS_(LIST({in_, 'T', types_, 0}), 1, {out_, 0, to_, 0})
#define BINARY(a_, b_, types_, out_) ARGS_(LIST({a_, 'T', types_, 0}, {b_, 'T', types_, 0}), 2, {out_, 'T', types_, 0})
#define BINARY_TO(a_, b_, types_, out_, to_) ARGS_(LIST({a_, 'T', types_, 0}, {b_, 'T', types_, 0}), 2, {out_, 0, to_, 0})
#define MIXED(a_, types_a_, b_, types_b_, out_) ARGS_(LIST({a_, 'T', types_a_, 0}, {b_, 'U', types_b_, 0}), 2, {out_, 'T', types_a_, 0})
#define VARIADIC(in_, types_, out_) ARGS_(LIST({in_, 'T', types_, IG_ARG_VARIADIC}), 1, {out_, 'T', types_, 0})
#define WHERE_TYPES (IG_TYPES_TENSOR & ~(IG_TYPES_FLOAT8 | IG_TYPES_SUBBYTE))
#define WHERE_ARGS                                                                                                                                   \
  ARGS_(LIST({"condition", 'B', IG_T(BOOL), 0}, {"X", 'T', WHERE_TYPES, 0}, {"Y", 'T', WHERE_TYPES, 0}), 3, {"output", 'T', WHERE_TYPES, 0})
#define CLIP_ARGS                                                                                                                                    \
  ARGS_(LIST({"input", 'T', NUMBERS, 0}, {"min", 'T', NUMBERS, IG_ARG_OPTIONAL}, {"max", 'T', NUMBERS, IG_ARG_OPTIONAL}), 3,                         \
        {"output", 'T', NUMBERS, 0})
#define ATTRS(...) .attrs = (const ig_op_attr[]){__VA_ARGS__}, .n_attrs = sizeof((const ig_op_attr[]){__VA_ARGS__}) / sizeof(ig_op_attr)
#define INT_ATTR(name_, v_)                                                                                                                          \
  { name_, IG_ATTR_INT, false, v_, 0, NULL }
#define FLOAT_ATTR(name_, v_)                                                                                                                        \
  { name_, IG_ATTR_FLOAT, false, 0, v_, NULL }
#define TEXT_ATTR(name_, v_)                                                                                                                         \
  { name_, IG_ATTR_STRING, false, 0, 0, v_ }
#define TEXT_ATTR_REQUIRED(name_)                                                                                                                    \
  { name_, IG_ATTR_STRING, true, 0, 0, NULL }
#define CASES(...)                                                                                                                                   \
  .cases = (const char *const[]) { __VA_ARGS__, NULL }

#define IG_POINTWISE(sym, since_, oldest_, accuracy_, formula_, ...)                                                                                 \
  const ig_pointwise ig_pointwise_##sym = {.op = {.domain = "",                                                                                      \
                                                  .name = #sym,                                                                                      \
                                                  .since = since_,                                                                                   \
                                                  .oldest = oldest_,                                                                                 \
                                                  .cls = IG_CLASS_MAP,                                                                               \
                                                  .accuracy = IG_ACCURACY_##accuracy_,                                                               \
                                                  .infer = ig_pw_infer,                                                                              \
                                                  .lower = ig_pw_lower,                                                                              \
                                                  __VA_ARGS__},                                                                                      \
                                           formula_};
#include "ops/pointwise.def"
#undef IG_POINTWISE

static const ig_pointwise *record_of(const ig_node *n) { return (const ig_pointwise *)(const void *)n->op; }

/* ---- infer ---- */

ig_status ig_pw_check_type(const ig_node *n, ig_dtype d) {
  if (ig_stype_of(d)) return NULL;
  return ig_status_with(ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "type %s cannot be computed with yet", ig_dtype_name(d)),
                        IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_DATATYPE");
}

/* Attributes whose text is a choice. */
static ig_status check_choices(const ig_node *n) {
  const char *direction = ig_node_attr_s(n, "direction", "LEFT"), *approximate = ig_node_attr_s(n, "approximate", "none");
  IG_NODE_REQUIRE(n, strcmp(direction, "LEFT") == 0 || strcmp(direction, "RIGHT") == 0, IG_ERROR_BAD_MODEL,
                  "attribute 'direction' is '%s', not LEFT or RIGHT", direction);
  IG_NODE_REQUIRE(n, strcmp(approximate, "none") == 0 || strcmp(approximate, "tanh") == 0, IG_ERROR_BAD_MODEL,
                  "attribute 'approximate' is '%s', not none or tanh", approximate);
  return NULL;
}

/* Input i must broadcast to the first input's dims; one element always does, whatever its rank. */
static ig_status check_broadcast_to(ig_node *n, uint32_t i, const ig_val *first) {
  const ig_val *v = ig_node_in(n, i);
  ig_dims *t = ig_node_dims(n);
  if (!v) return NULL;
  for (int k = 1; k <= v->rank; k++) {
    const ig_dim d = v->dims[v->rank - k];
    if (ig_dim_equals(t, d, 1)) continue;
    IG_NODE_REQUIRE(n, k <= first->rank, IG_ERROR_BAD_MODEL, "input %u ('%s') has %d dims, more than the %d of '%s'", i, v->name, v->rank,
                    first->rank, first->name);
    IG_TRY(ig_infer_equal(n, first->dims[first->rank - k], d, "inputs that must broadcast to the first", NULL));
  }
  return NULL;
}

/* Strings and complex numbers are chosen among, and strings compared, without a program: see opaque.c. */
static bool takes_opaque(const ig_node *n) { return record_of(n)->sop == IG_SOP_SELECT || record_of(n)->sop == IG_SOP_EQ; }

ig_status ig_pw_infer(ig_node *n) {
  const ig_val *first = ig_node_in(n, 0), *typed = ig_node_in(n, n->n_in > 1 && n->op->out[0].tie && n->op->in[0].tie != n->op->out[0].tie ? 1 : 0);
  IG_TRY(check_choices(n));
  for (uint32_t i = 0; i < n->n_in; i++) {
    if (ig_node_in(n, i) && !takes_opaque(n)) IG_TRY(ig_pw_check_type(n, ig_node_in(n, i)->dtype));
  }
  const ig_dtype d = n->op->out[0].tie ? typed->dtype : ig_type_only(n->op->out[0].types);
  if (record_of(n)->shape == IG_PW_FIRST) {
    for (uint32_t i = 1; i < n->n_in; i++)
      IG_TRY(check_broadcast_to(n, i, first));
    return ig_infer_set(n, 0, d, (uint32_t)first->rank, first->dims);
  }
  uint32_t rank;
  ig_dim dims[IG_MAX_RANK];
  const ig_val **vals = IG_NEW_ARRAY(ig_node_arena(n), const ig_val *, n->n_in);
  if (!vals) return ig_arena_status(ig_node_arena(n));
  for (uint32_t i = 0; i < n->n_in; i++)
    vals[i] = ig_node_in(n, i);
  IG_TRY(ig_infer_broadcast(n, vals, n->n_in, &rank, dims));
  return ig_infer_set(n, 0, d, rank, dims);
}

/* ---- lower ---- */

void ig_pw_begin(ig_pw *c, ig_lower *l, const ig_node *n) {
  *c = (ig_pw){.n = n};
  ig_sbuild_init(&c->b, &l->ir->arena);
}

ig_sreg ig_pw_operand(ig_pw *c, ig_val *v, ig_val **in, uint32_t *n_in) {
  const ig_stype t = ig_stype_of(v->dtype);
  double f;
  int64_t i = 0;
  if (!ig_const_single(v)) {
    in[*n_in] = v;
    return ig_s_load(&c->b, (*n_in)++, v->dtype);
  }
  if ((t == IG_S_F32 || t == IG_S_F64) && ig_const_f64(v, 0, &f)) return ig_s_f64(&c->b, t, f);
  (void)ig_const_i64(v, 0, &i); /* false for the upper half of uint64, whose bits are right all the same */
  return ig_s_i64(&c->b, t, i);
}

void ig_pw_store(ig_pw *c, uint32_t i, ig_sreg r, ig_dtype dtype, unsigned flags) {
  if (!ig_stype_stores(ig_s_type(&c->b, r), dtype)) r = ig_s_cast(&c->b, r, ig_stype_of(dtype));
  ig_s_store(&c->b, i, r, flags);
}

bool ig_pw_maps(ig_pw *c, ig_lower *l, ig_val *const *in, uint32_t n_in, const ig_dtype *dtypes, uint32_t n_out, uint32_t rank, const ig_dim *dims,
                ig_val **out) {
  ig_val *expanded[IG_PW_LOADS];
  ig_sprog prog;
  ig_status s = ig_sbuild_finish(&c->b, &prog);
  if (s) ig_lo_fail(l, s);
  for (uint32_t i = 0; i < n_in; i++)
    expanded[i] = ig_lo_expand(l, in[i], rank, dims);
  const ig_lo_kernel_desc d = {
      .kind = IG_KIND_map, .in = expanded, .n_in = n_in, .out_dtypes = dtypes, .n_out = n_out, .prog = &prog, .rank = rank, .dims = dims};
  return ig_lo_kernel(l, &d, out);
}

ig_val *ig_pw_map(ig_pw *c, ig_lower *l, ig_val *const *in, uint32_t n_in, ig_dtype dtype, uint32_t rank, const ig_dim *dims) {
  ig_val *out = NULL;
  ig_pw_maps(c, l, in, n_in, &dtype, 1, rank, dims, &out);
  return out;
}

ig_status ig_pw_finish(ig_pw *c, ig_lower *l, ig_sreg r, ig_val *const *in, uint32_t n_in) {
  const ig_val *out = ig_node_out(l->src, 0);
  ig_pw_store(c, 0, r, out->dtype, 0);
  ig_lo_result(l, 0, ig_pw_map(c, l, in, n_in, out->dtype, (uint32_t)out->rank, out->dims));
  return NULL;
}

static ig_sreg formula(ig_pw *c, const ig_pointwise *p) {
  if (p->build) return p->build(c);
  if (p->sop == IG_SOP_SELECT) return ig_pw_select(c, c->x[0], c->x[1], c->x[2]);
  if (c->n_x == 1 && ig_sop_find((uint16_t)p->sop)->arity == 1) return ig_pw_1(c, p->sop, c->x[0]);
  ig_sreg r = c->x[0];
  for (uint32_t i = 1; i < c->n_x; i++)
    r = ig_pw_2(c, p->sop, r, c->x[i]);
  return r;
}

/* One program over acc (NULL = none yet) and as many further inputs as fit; *next is moved on. */
static ig_val *lower_part(ig_lower *l, const ig_node *n, ig_val *acc, uint32_t *next) {
  const ig_val *out = n->out[0];
  ig_val *in[IG_PW_LOADS];
  uint32_t n_loads = 0;
  ig_pw c;
  ig_pw_begin(&c, l, n);
  if (acc) {
    c.has[0] = true;
    c.x[c.n_x++] = ig_pw_operand(&c, acc, in, &n_loads);
  }
  for (; *next < n->n_in && c.n_x < IG_PW_LOADS; (*next)++, c.n_x++) {
    ig_val *v = ig_node_in(n, *next);
    c.has[c.n_x] = v != NULL;
    if (!v) continue;
    /* one element of higher rank (a bound of Clip written as [1]) */
    if (v->rank > out->rank) v = ig_lo_reshape(l, v, 0, NULL);
    if (!v) return NULL;
    c.x[c.n_x] = ig_pw_operand(&c, v, in, &n_loads);
  }
  c.last = *next == n->n_in;
  c.in = ig_node_in(n, 0)->dtype;
  c.out = out->dtype;
  c.t = ig_stype_of(c.in);
  ig_pw_store(&c, 0, formula(&c, record_of(n)), c.out, 0);
  return ig_pw_map(&c, l, in, n_loads, c.out, (uint32_t)out->rank, out->dims);
}

static ig_status lower_opaque(ig_lower *l, const ig_node *n) {
  ig_val *in[1];
  uint32_t n_in = 0;
  ig_pw c;
  if (record_of(n)->sop == IG_SOP_EQ) return ig_opaque_equal(l, n);
  ig_pw_begin(&c, l, n);
  const ig_sreg cond = ig_pw_operand(&c, ig_node_in(n, 0), in, &n_in);
  return ig_opaque_select(&c, l, cond, in, n_in, ig_node_in(n, 1), ig_node_in(n, 2));
}

ig_status ig_pw_lower(ig_lower *l, const ig_node *n) {
  ig_val *acc = NULL;
  if (!ig_node_out(n, 0)) return NULL;
  if (takes_opaque(n) && ig_is_opaque(ig_node_in(n, 1)->dtype)) return lower_opaque(l, n);
  for (uint32_t next = 0; next < n->n_in && !l->error;)
    acc = lower_part(l, n, acc, &next);
  ig_lo_result(l, 0, acc);
  return NULL;
}
