/* Cast and CastLike: conversion between all numeric types, bool and the small floats.
 *
 * Float to integer cuts off and saturates at the compute type's range; narrower integers wrap. To float8: `saturate` clamps instead of
 * giving NaN or infinity. Conversions to and from strings are host operations, which are not done.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/pointwise.h"

static ig_status infer_to(ig_node *n, ig_dtype to) {
  const ig_val *x = ig_node_in(n, 0);
  const char *mode = ig_op_attr_s(n, "round_mode");
  IG_TRY(ig_pw_check_type(n, x->dtype));
  IG_TRY(ig_pw_check_type(n, to));
  IG_NODE_REQUIRE(n, strcmp(mode, "up") == 0 || strcmp(mode, "down") == 0 || strcmp(mode, "nearest") == 0, IG_ERROR_BAD_MODEL,
                  "attribute 'round_mode' is '%s', not up, down or nearest", mode);
  return ig_infer_set(n, 0, to, (uint32_t)x->rank, x->dims);
}

static ig_status infer_cast(ig_node *n) {
  ig_dtype to;
  IG_TRY(ig_op_attr_dtype(n, "to", IG_DTYPE_NONE, &to));
  return infer_to(n, to);
}
static ig_status infer_cast_like(ig_node *n) { return infer_to(n, ig_node_in(n, 1)->dtype); }

static unsigned store_flags(const ig_node *n, ig_dtype to) {
  const char *mode = ig_op_attr_s(n, "round_mode");
  unsigned flags = ig_op_attr_i(n, "saturate") ? IG_STORE_SATURATE : 0;
  if (to == IG_DTYPE_F8E8M0) flags |= mode[0] == 'u' ? IG_STORE_ROUND_UP : mode[0] == 'd' ? IG_STORE_ROUND_DOWN : 0;
  return flags;
}

/* Wide integers reach 16-bit floats by way of float64, so that they are rounded once. */
static ig_stype way(ig_stype from, ig_dtype to) {
  const ig_stype t = ig_stype_of(to);
  const bool wide = from == IG_S_I32 || from == IG_S_I64 || from == IG_S_U64;
  return wide && t == IG_S_F32 && to != IG_DTYPE_F32 ? IG_S_F64 : t;
}

static ig_status lower_cast(ig_lower *l, const ig_node *n) {
  ig_val *x = ig_node_in(n, 0), *in[1];
  const ig_val *out = ig_node_out(n, 0);
  if (!out) return NULL;
  if (x->dtype == out->dtype) {
    ig_lo_result(l, 0, x);
    return NULL;
  }
  ig_pw c;
  uint32_t n_in = 0;
  ig_pw_begin(&c, l, n);
  ig_sreg r = ig_pw_operand(&c, x, in, &n_in);
  const ig_stype from = ig_s_type(&c.b, r);
  if (!ig_stype_stores(from, out->dtype)) r = ig_s_cast(&c.b, r, way(from, out->dtype));
  ig_pw_store(&c, 0, r, out->dtype, store_flags(n, out->dtype));
  ig_lo_result(l, 0, ig_pw_map(&c, l, in, n_in, out->dtype, (uint32_t)out->rank, out->dims));
  return NULL;
}

#define CAST_TYPES (IG_TYPES_TENSOR & ~(IG_T(C64) | IG_T(C128)))
static const ig_op_arg cast_in[] = {{"input", 'S', CAST_TYPES, 0}, {"target_type", 'T', CAST_TYPES, 0}};
static const ig_op_arg cast_out[] = {{"output", 'T', CAST_TYPES, 0}};
static const ig_op_attr attrs[] = {
    {"saturate", IG_ATTR_INT, false, 1, 0, NULL}, {"round_mode", IG_ATTR_STRING, false, 0, 0, "up"}, {"to", IG_ATTR_INT, true, 0, 0, NULL}};
static const char *const cast_cases[] = {"f32[2,3] to=7",
                                         "f64[4] to=10",
                                         "i64[4] to=3",
                                         "f32[4] to=17 saturate=0",
                                         "bool[3] to=1",
                                         "f32[5] to=22",
                                         "u4[5] to=1",
                                         "f32[7] to=27",
                                         "f6e3m2[5] to=11",
                                         "f32[4] to=24 round_mode=down",
                                         NULL};
static const char *const like_cases[] = {"f32[2,3] i64[1]", "i32[4] f16[2]", "f32[4] f8e5m2[1]", NULL};

const ig_op ig_op_Cast = {.domain = "",
                          .name = "Cast",
                          .since = 28,
                          .oldest = 6,
                          .cls = IG_CLASS_MAP,
                          .accuracy = IG_ACCURACY_EXACT,
                          .in = cast_in,
                          .n_in = 1,
                          .out = cast_out,
                          .n_out = 1,
                          IG_OP_ATTRS(attrs),
                          .infer = infer_cast,
                          .dims = ig_elems_cast,
                          .simplify = ig_simplify_cast,
                          .lower = lower_cast,
                          .cases = cast_cases};
const ig_op ig_op_CastLike = {.domain = "",
                              .name = "CastLike",
                              .since = 25,
                              .oldest = 15,
                              .cls = IG_CLASS_MAP,
                              .accuracy = IG_ACCURACY_EXACT,
                              IG_OP_ARGS(cast_in, cast_out),
                              .attrs = attrs,
                              .n_attrs = 2,
                              .infer = infer_cast_like,
                              .lower = lower_cast,
                              .cases = like_cases};
