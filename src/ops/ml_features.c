/* Feature scaling of ai.onnx.ml: Binarizer, Imputer, Scaler. Per-feature values lie along the last axis.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/pointwise.h"

/* A float list attribute; NULL and 0 where absent. */
static const float *floats(const ig_node *n, const char *name, uint32_t *out_n) {
  const ig_ir_attr *a = ig_node_attr(n, name);
  *out_n = a && a->type == IG_ATTR_FLOATS ? a->n : 0;
  return *out_n ? a->v.floats : NULL;
}

/* The values as a constant that broadcasts along the last axis of x: a scalar where there is one. */
static ig_val *feature_const(ig_lower *l, ig_dtype dtype, uint32_t count, const void *bytes) {
  const int64_t dim = count;
  return ig_lo_const(l, dtype, count == 1 ? 0 : 1, &dim, bytes);
}

static ig_status check_features(ig_node *n, uint32_t count, const char *attr) {
  const ig_val *x = ig_node_in(n, 0);
  if (count <= 1) return NULL;
  IG_NODE_REQUIRE(n, x->rank >= 1, IG_ERROR_BAD_MODEL, "attribute '%s' has %u values for an input without dims", attr, count);
  return ig_infer_equal(n, x->dims[x->rank - 1], ig_dim_const(ig_node_dims(n), count), attr, NULL);
}

/* ---- Binarizer ---- */

static ig_status infer_binarizer(ig_node *n) { return ig_infer_same(n, 0, ig_node_in(n, 0)); }

static ig_status lower_binarizer(ig_lower *l, const ig_node *n) {
  ig_val *in[1];
  uint32_t n_in = 0;
  ig_pw c;
  if (!ig_node_out(n, 0)) return NULL;
  ig_pw_begin(&c, l, n);
  ig_sreg x = ig_pw_operand(&c, ig_node_in(n, 0), in, &n_in);
  if (ig_s_type(&c.b, x) != IG_S_F32) x = ig_s_cast(&c.b, x, IG_S_F64);
  const ig_sreg threshold = ig_s_f64(&c.b, ig_s_type(&c.b, x), (double)ig_op_attr_f(n, "threshold"));
  return ig_pw_finish(&c, l, ig_pw_2(&c, IG_SOP_LT, threshold, x), in, n_in);
}

/* ---- Imputer ---- */

static bool is_integer(const ig_val *x) { return x->dtype == IG_DTYPE_I32 || x->dtype == IG_DTYPE_I64; }

static ig_status infer_imputer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  uint32_t count;
  const char *attr = is_integer(x) ? "imputed_value_int64s" : "imputed_value_floats";
  if (is_integer(x))
    ig_node_attr_ints(n, attr, &count);
  else
    floats(n, attr, &count);
  IG_NODE_REQUIRE(n, count > 0, IG_ERROR_BAD_MODEL, "attribute '%s' is missing for an input of type %s", attr, ig_dtype_name(x->dtype));
  IG_TRY(check_features(n, count, attr));
  return ig_infer_same(n, 0, x);
}

static ig_status lower_imputer(ig_lower *l, const ig_node *n) {
  ig_val *x = ig_node_in(n, 0), *in[2];
  const bool integer = is_integer(x);
  uint32_t n_in = 0, count;
  ig_pw c;
  if (!ig_node_out(n, 0)) return NULL;
  const void *values =
      integer ? (const void *)ig_node_attr_ints(n, "imputed_value_int64s", &count) : (const void *)floats(n, "imputed_value_floats", &count);
  ig_val *imputed = feature_const(l, integer ? IG_DTYPE_I64 : IG_DTYPE_F32, count, values);
  if (!imputed) return NULL;
  ig_pw_begin(&c, l, n);
  const ig_sreg v = ig_pw_operand(&c, x, in, &n_in);
  const ig_stype t = ig_s_type(&c.b, v);
  const ig_sreg with = ig_s_cast(&c.b, ig_pw_operand(&c, imputed, in, &n_in), t);
  const double replaced = (double)ig_op_attr_f(n, "replaced_value_float");
  ig_sreg hit;
  if (integer)
    hit = ig_pw_2(&c, IG_SOP_EQ, ig_s_cast(&c.b, v, IG_S_I64), ig_s_i64(&c.b, IG_S_I64, ig_op_attr_i(n, "replaced_value_int64")));
  else
    hit = replaced != replaced ? ig_pw_1(&c, IG_SOP_IS_NAN, v) : ig_pw_2(&c, IG_SOP_EQ, v, ig_s_f64(&c.b, t, replaced));
  return ig_pw_finish(&c, l, ig_pw_select(&c, hit, with, v), in, n_in);
}

/* ---- Scaler: (x - offset) * scale ---- */

static ig_status infer_scaler(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  uint32_t n_offset, n_scale;
  floats(n, "offset", &n_offset);
  floats(n, "scale", &n_scale);
  IG_TRY(check_features(n, n_offset, "offset"));
  IG_TRY(check_features(n, n_scale, "scale"));
  return ig_infer_set(n, 0, IG_DTYPE_F32, (uint32_t)x->rank, x->dims);
}

static ig_status lower_scaler(ig_lower *l, const ig_node *n) {
  ig_val *in[3];
  uint32_t n_in = 0;
  ig_pw c;
  if (!ig_node_out(n, 0)) return NULL;
  ig_pw_begin(&c, l, n);
  ig_sreg r = ig_pw_operand(&c, ig_node_in(n, 0), in, &n_in);
  const ig_stype t = ig_s_type(&c.b, r) == IG_S_F32 ? IG_S_F32 : IG_S_F64;
  r = ig_s_cast(&c.b, r, t);
  static const struct {
    const char *attr;
    ig_sop op;
  } parts[] = {{"offset", IG_SOP_SUB}, {"scale", IG_SOP_MUL}};
  for (uint32_t i = 0; i < IG_COUNT(parts); i++) {
    uint32_t count;
    const float *v = floats(n, parts[i].attr, &count);
    ig_val *k = count ? feature_const(l, IG_DTYPE_F32, count, v) : NULL;
    if (l->error) return NULL;
    if (k) r = ig_pw_2(&c, parts[i].op, r, ig_s_cast(&c.b, ig_pw_operand(&c, k, in, &n_in), t));
  }
  return ig_pw_finish(&c, l, r, in, n_in);
}

#define ML_TYPES (IG_T(F32) | IG_T(F64) | IG_T(I32) | IG_T(I64))
static const ig_op_arg ml_in[] = {{"X", 'T', ML_TYPES, 0}};
static const ig_op_arg ml_out[] = {{"Y", 'T', ML_TYPES, 0}};
static const ig_op_arg scaler_out[] = {{"Y", 0, IG_T(F32), 0}};
static const ig_op_attr binarizer_attrs[] = {{"threshold", IG_ATTR_FLOAT, false, 0, 0, NULL}};
static const ig_op_attr imputer_attrs[] = {{"imputed_value_floats", IG_ATTR_FLOATS, false, 0, 0, NULL},
                                           {"imputed_value_int64s", IG_ATTR_INTS, false, 0, 0, NULL},
                                           {"replaced_value_float", IG_ATTR_FLOAT, false, 0, 0, NULL},
                                           {"replaced_value_int64", IG_ATTR_INT, false, 0, 0, NULL}};
static const ig_op_attr scaler_attrs[] = {{"offset", IG_ATTR_FLOATS, false, 0, 0, NULL}, {"scale", IG_ATTR_FLOATS, false, 0, 0, NULL}};
static const char *const binarizer_cases[] = {"f32[2,3] threshold=0.5", "i64[4]", NULL};
static const char *const imputer_cases[] = {"f32[2,3] imputed_value_floats=1.0,2.0,3.0", "i64[4] imputed_value_int64s=7", NULL};
static const char *const scaler_cases[] = {"f32[2,3] offset=1.0,2.0,3.0 scale=2.0,2.0,2.0", "i32[4] offset=1.0 scale=0.5", NULL};
#define ML(name_, outs_, attrs_, infer_, lower_, cases_)                                                                                             \
  {                                                                                                                                                  \
    .domain = "ai.onnx.ml", .name = name_, .since = 1, .oldest = 1, .cls = IG_CLASS_MAP, IG_OP_ARGS(ml_in, outs_), IG_OP_ATTRS(attrs_),              \
    .infer = infer_, .lower = lower_, .cases = cases_                                                                                                \
  }
const ig_op ig_op_ml_Binarizer = ML("Binarizer", ml_out, binarizer_attrs, infer_binarizer, lower_binarizer, binarizer_cases);
const ig_op ig_op_ml_Imputer = ML("Imputer", ml_out, imputer_attrs, infer_imputer, lower_imputer, imputer_cases);
const ig_op ig_op_ml_Scaler = ML("Scaler", scaler_out, scaler_attrs, infer_scaler, lower_scaler, scaler_cases);
