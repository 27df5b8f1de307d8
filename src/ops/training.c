/* Optimiser steps of ai.onnx.preview.training: Adagrad, Adam, Momentum.
 *
 * Inputs are R, T, then the tensors X_1..X_n, their gradients, and one or two lists of state; results are the new X and state in the same
 * order. Each tensor is one map with two or three results.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/generate.h"

enum { MAX_LISTS = 4 };

/* lists: tensors per optimised one (X, G and the state). */
static ig_status infer_step(ig_node *n, uint32_t lists) {
  IG_TRY(ig_gen_require_scalar(n, 0));
  IG_TRY(ig_gen_require_scalar(n, 1));
  IG_NODE_REQUIRE(n, n->n_in > 2 && (n->n_in - 2) % lists == 0, IG_ERROR_BAD_MODEL, "%u inputs after R and T, expected a multiple of %u", n->n_in - 2,
                  lists);
  const uint32_t count = (n->n_in - 2) / lists;
  IG_NODE_REQUIRE(n, n->n_out <= count * (lists - 1), IG_ERROR_BAD_MODEL, "%u results named, expected %u", n->n_out, count * (lists - 1));
  for (uint32_t i = 0; i < count; i++) {
    const ig_val *x = ig_node_in(n, 2 + i);
    for (uint32_t k = 1; k < lists; k++) {
      const ig_val *v = ig_node_in(n, 2 + i + k * count);
      IG_NODE_REQUIRE(n, v->dtype == x->dtype, IG_ERROR_BAD_MODEL, "'%s' is %s where '%s' is %s", v->name, ig_dtype_name(v->dtype), x->name,
                      ig_dtype_name(x->dtype));
      IG_TRY(ig_infer_rank(n, v, "state or gradient", x->rank));
      for (int d = 0; d < x->rank; d++)
        IG_TRY(ig_infer_equal(n, x->dims[d], v->dims[d], "dims of a tensor, its gradient and state", NULL));
      IG_TRY(ig_infer_same(n, i + (k - 1) * count, x));
    }
  }
  return NULL;
}
static ig_status infer_3(ig_node *n) { return infer_step(n, 3); }
static ig_status infer_4(ig_node *n) { return infer_step(n, 4); }

typedef struct step {
  ig_pw c;
  ig_sreg rate, t, x, g, s[2], out[3];
} step;
typedef void (*step_fn)(step *p);

static ig_sreg k(step *p, const char *attr) { return ig_pw_f(&p->c, (double)ig_op_attr_f(p->c.n, attr)); }
static ig_sreg add(step *p, ig_sreg x, ig_sreg y) { return ig_pw_2(&p->c, IG_SOP_ADD, x, y); }
static ig_sreg sub(step *p, ig_sreg x, ig_sreg y) { return ig_pw_2(&p->c, IG_SOP_SUB, x, y); }
static ig_sreg mul(step *p, ig_sreg x, ig_sreg y) { return ig_pw_2(&p->c, IG_SOP_MUL, x, y); }
static ig_sreg over(step *p, ig_sreg x, ig_sreg y) { return ig_pw_2(&p->c, IG_SOP_DIV, x, y); }
static ig_sreg root(step *p, ig_sreg x) { return ig_pw_1(&p->c, IG_SOP_SQRT, x); }
static ig_sreg one_minus(step *p, ig_sreg x) { return sub(p, ig_pw_f(&p->c, 1), x); }
static ig_sreg started(step *p) { return ig_pw_2(&p->c, IG_SOP_LT, ig_pw_f(&p->c, 0), p->t); }
static ig_sreg regularised(step *p) { return add(p, mul(p, k(p, "norm_coefficient"), p->x), p->g); }

static void adagrad(step *p) {
  const ig_sreg rate = over(p, p->rate, add(p, ig_pw_f(&p->c, 1), mul(p, p->t, k(p, "decay_factor")))), g = regularised(p);
  p->out[1] = add(p, p->s[0], mul(p, g, g));
  p->out[0] = sub(p, p->x, over(p, mul(p, rate, g), add(p, root(p, p->out[1]), k(p, "epsilon"))));
}

static void adam(step *p) {
  const ig_sreg g = regularised(p), alpha = k(p, "alpha"), beta = k(p, "beta");
  p->out[1] = add(p, mul(p, alpha, p->s[0]), mul(p, one_minus(p, alpha), g));
  p->out[2] = add(p, mul(p, beta, p->s[1]), mul(p, one_minus(p, beta), mul(p, g, g)));
  const ig_sreg bias = over(p, root(p, one_minus(p, ig_pw_2(&p->c, IG_SOP_POW, beta, p->t))), one_minus(p, ig_pw_2(&p->c, IG_SOP_POW, alpha, p->t)));
  const ig_sreg rate = ig_pw_select(&p->c, started(p), mul(p, p->rate, bias), p->rate);
  const ig_sreg x = sub(p, p->x, over(p, mul(p, rate, p->out[1]), add(p, root(p, p->out[2]), k(p, "epsilon"))));
  p->out[0] = mul(p, one_minus(p, k(p, "norm_coefficient_post")), x);
}

static void momentum(step *p) {
  const ig_sreg g = regularised(p), alpha = k(p, "alpha"), beta = ig_pw_select(&p->c, started(p), k(p, "beta"), ig_pw_f(&p->c, 1));
  p->out[1] = add(p, mul(p, alpha, p->s[0]), mul(p, beta, g));
  const bool nesterov = strcmp(ig_op_attr_s(p->c.n, "mode"), "nesterov") == 0;
  p->out[0] = sub(p, p->x, mul(p, p->rate, nesterov ? add(p, g, mul(p, alpha, p->out[1])) : p->out[1]));
}

static ig_status infer_momentum(ig_node *n) {
  const char *mode = ig_op_attr_s(n, "mode");
  IG_NODE_REQUIRE(n, strcmp(mode, "nesterov") == 0 || strcmp(mode, "standard") == 0, IG_ERROR_BAD_MODEL,
                  "attribute 'mode' is '%s', not standard or nesterov", mode);
  return infer_step(n, 3);
}

/* The map of tensor i: all results, whether wanted or not, since they share their sub-expressions. */
static void lower_one(ig_lower *l, const ig_node *n, uint32_t lists, uint32_t i, step_fn fn) {
  const uint32_t count = (n->n_in - 2) / lists;
  ig_val *in[2 + MAX_LISTS], *out[MAX_LISTS - 1], *rate = ig_gen_scalar(l, ig_node_in(n, 0)), *t = ig_gen_scalar(l, ig_node_in(n, 1));
  const ig_val *x = ig_node_in(n, 2 + i);
  ig_dtype dtypes[MAX_LISTS - 1];
  uint32_t n_in = 0;
  step p;
  if (l->error) return;
  ig_pw_begin(&p.c, l, n);
  p.c.t = ig_stype_of(x->dtype);
  p.rate = ig_s_cast(&p.c.b, ig_pw_operand(&p.c, rate, in, &n_in), p.c.t);
  p.t = ig_s_cast(&p.c.b, ig_pw_operand(&p.c, t, in, &n_in), p.c.t);
  p.x = ig_pw_operand(&p.c, ig_node_in(n, 2 + i), in, &n_in);
  p.g = ig_pw_operand(&p.c, ig_node_in(n, 2 + i + count), in, &n_in);
  for (uint32_t s = 2; s < lists; s++)
    p.s[s - 2] = ig_pw_operand(&p.c, ig_node_in(n, 2 + i + s * count), in, &n_in);
  fn(&p);
  for (uint32_t r = 0; r < lists - 1; r++) {
    ig_pw_store(&p.c, r, p.out[r], x->dtype, 0);
    dtypes[r] = x->dtype;
  }
  if (!ig_pw_maps(&p.c, l, in, n_in, dtypes, lists - 1, (uint32_t)x->rank, x->dims, out)) return;
  for (uint32_t r = 0; r < lists - 1; r++)
    ig_lo_result(l, i + r * count, out[r]);
}

static ig_status lower_step(ig_lower *l, const ig_node *n, uint32_t lists, step_fn fn) {
  for (uint32_t i = 0; i < (n->n_in - 2) / lists; i++)
    lower_one(l, n, lists, i, fn);
  return NULL;
}
static ig_status lower_adagrad(ig_lower *l, const ig_node *n) { return lower_step(l, n, 3, adagrad); }
static ig_status lower_adam(ig_lower *l, const ig_node *n) { return lower_step(l, n, 4, adam); }
static ig_status lower_momentum(ig_lower *l, const ig_node *n) { return lower_step(l, n, 3, momentum); }

#define REAL (IG_T(F32) | IG_T(F64))
static const ig_op_arg step_in[] = {{"R", 0, REAL, 0}, {"T", 0, IG_T(I64), 0}, {"inputs", 0, REAL, IG_ARG_VARIADIC | IG_ARG_HETEROGENEOUS}};
static const ig_op_arg step_out[] = {{"outputs", 0, REAL, IG_ARG_VARIADIC | IG_ARG_HETEROGENEOUS}};
#define F(name_, v_)                                                                                                                                 \
  { name_, IG_ATTR_FLOAT, false, 0, v_, NULL }
#define REQUIRED(name_, type_)                                                                                                                       \
  { name_, type_, true, 0, 0, NULL }
static const ig_op_attr adagrad_attrs[] = {F("norm_coefficient", 0), F("decay_factor", 0), F("epsilon", 1e-6f)};
static const ig_op_attr adam_attrs[] = {F("alpha", 0.9f), F("beta", 0.999f), F("norm_coefficient", 0), F("norm_coefficient_post", 0),
                                        F("epsilon", 1e-6f)};
static const ig_op_attr momentum_attrs[] = {REQUIRED("alpha", IG_ATTR_FLOAT), REQUIRED("beta", IG_ATTR_FLOAT),
                                            REQUIRED("norm_coefficient", IG_ATTR_FLOAT), REQUIRED("mode", IG_ATTR_STRING)};
static const char *const adagrad_cases[] = {"f32[] i64[] f32[3] f32[3] f32[3] norm_coefficient=0.1 -> 2", NULL};
static const char *const adam_cases[] = {"f32[] i64[] f32[3] f32[3] f32[3] f32[3] -> 3", NULL};
static const char *const momentum_cases[] = {
    "f32[] i64[] f32[3] f32[3] f32[3] alpha=0.9 beta=1.0 norm_coefficient=0.01 mode=standard -> 2",
    "f32[] i64[] f32[3] f64[2] f32[3] f64[2] f32[3] f64[2] alpha=0.9 beta=1.0 norm_coefficient=0.01 mode=nesterov -> 4", NULL};
#define STEP(name_, attrs_, infer_, lower_, cases_)                                                                                                  \
  {                                                                                                                                                  \
    .domain = "ai.onnx.preview.training", .name = name_, .since = 1, .oldest = 1, .cls = IG_CLASS_MAP, IG_OP_ARGS(step_in, step_out),                \
    IG_OP_ATTRS(attrs_), .infer = infer_, .lower = lower_, .cases = cases_                                                                           \
  }
const ig_op ig_op_training_Adagrad = STEP("Adagrad", adagrad_attrs, infer_3, lower_adagrad, adagrad_cases);
const ig_op ig_op_training_Adam = STEP("Adam", adam_attrs, infer_4, lower_adam, adam_cases);
const ig_op ig_op_training_Momentum = STEP("Momentum", momentum_attrs, infer_momentum, lower_momentum, momentum_cases);
