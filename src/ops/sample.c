/* GridSample: one sample request.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/structured.h"

static ig_status choose(const ig_node *n, const char *attr, const char *const *names, int64_t *out) {
  const char *s = ig_op_attr_s(n, attr);
  for (*out = 0; names[*out]; ++*out)
    if (strcmp(names[*out], s) == 0) return NULL;
  IG_NODE_FAIL(n, IG_ERROR_BAD_MODEL, "attribute '%s' has the unknown value '%s'", attr, s);
}

/* Opset 16 says bilinear and bicubic for what is linear and cubic in any number of dims. */
static ig_status sample_params(const ig_node *n, ig_sample_params *p) {
  static const char *const filters[] = {"nearest", "linear", "cubic", "bilinear", "bicubic", NULL};
  static const char *const borders[] = {"zeros", "border", "reflection", NULL};
  *p = (ig_sample_params){.align = ig_op_attr_i(n, "align_corners") != 0};
  IG_TRY(choose(n, "mode", filters, &p->filter));
  if (p->filter > IG_SAMPLE_CUBIC) p->filter -= 2;
  return choose(n, "padding_mode", borders, &p->border);
}

static ig_status sample_infer(ig_node *n) {
  ig_val *in[2] = {ig_node_in(n, 0), ig_node_in(n, 1)};
  ig_sample_params p;
  ig_dim out[1][IG_MAX_RANK];
  uint8_t rank;
  IG_TRY(sample_params(n, &p));
  IG_TRY(ig_infer_kernel(n, IG_KIND_sample, &p, in, 2, 1, out, &rank));
  return ig_infer_set(n, 0, in[0]->dtype, rank, out[0]);
}

static ig_status sample_lower(ig_lower *l, const ig_node *n) {
  ig_val *in[2] = {ig_node_in(n, 0), ig_node_in(n, 1)};
  ig_sample_params p;
  IG_TRY(sample_params(n, &p));
  ig_lo_result(l, 0, ig_lo_kernel1(l, IG_KIND_sample, &p, in, 2, in[0]->dtype));
  return NULL;
}

static const ig_op_arg sample_in[] = {{"X", 'T', IG_TYPES_FLOAT, 0}, {"grid", 0, IG_TYPES_FLOAT, 0}};
static const ig_op_arg sample_out[] = {{"Y", 'T', IG_TYPES_FLOAT, 0}};
static const ig_op_attr sample_attrs[] = {{"align_corners", IG_ATTR_INT, false, 0, 0, NULL},
                                          {"mode", IG_ATTR_STRING, false, 0, 0, "linear"},
                                          {"padding_mode", IG_ATTR_STRING, false, 0, 0, "zeros"}};
static const char *const sample_cases[] = {"f32[1,2,4,5] f32[1,3,3,2]",
                                           "f64[2,1,3,3] f32[2,2,2,2] mode=cubic padding_mode=reflection align_corners=1",
                                           "f32[1,1,3,4,2] f32[1,2,2,2,3] mode=nearest padding_mode=border", "f16[1,2,6] f16[1,3,1]", NULL};
const ig_op ig_op_GridSample = {.domain = "",
                                .name = "GridSample",
                                .since = 22,
                                .oldest = 16,
                                .cls = IG_CLASS_KIND,
                                IG_OP_ARGS(sample_in, sample_out),
                                IG_OP_ATTRS(sample_attrs),
                                .infer = sample_infer,
                                .lower = sample_lower,
                                .cases = sample_cases};
