/* Spatial attributes. See spatial.h. SAME pads depend on the input's extent, so they are dim expressions.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/spatial.h"

static ig_status read_list(const ig_node *n, const char *attr, int64_t count, int64_t *out) {
  uint32_t got;
  const int64_t *v = ig_node_attr_ints(n, attr, &got);
  for (int i = 0; i < 3; i++)
    out[i] = 1;
  if (!v) return NULL;
  IG_NODE_REQUIRE(n, got == count, IG_ERROR_BAD_MODEL, "attribute '%s' has %u entries for %lld spatial dims", attr, got, (long long)count);
  for (int64_t i = 0; i < count; i++) {
    IG_NODE_REQUIRE(n, v[i] >= 1 && v[i] <= INT32_MAX, IG_ERROR_BAD_MODEL, "attribute '%s' has the entry %lld, which must be 1 or more", attr,
                    (long long)v[i]);
    out[i] = v[i];
  }
  return NULL;
}

static ig_status read_pads(const ig_node *n, ig_dims *t, ig_spatial *s) {
  uint32_t got;
  const int64_t *v = ig_node_attr_ints(n, "pads", &got);
  if (!v) return NULL;
  IG_NODE_REQUIRE(n, got == 2 * s->n, IG_ERROR_BAD_MODEL, "attribute 'pads' has %u entries for %lld spatial dims", got, (long long)s->n);
  for (int64_t i = 0; i < s->n; i++) {
    for (int64_t k = i; k < 2 * s->n; k += s->n)
      IG_NODE_REQUIRE(n, v[k] >= 0 && v[k] <= INT32_MAX, IG_ERROR_BAD_MODEL, "attribute 'pads' has the entry %lld, which must be 0 or more",
                      (long long)v[k]);
    s->pad_lo[i] = ig_dim_const(t, v[i]);
    s->pad_hi[i] = ig_dim_const(t, v[i + s->n]);
  }
  return NULL;
}

/* out = ceil(in / stride); the total pad makes that fit, and its odd element goes to the end (UPPER) or to the start (LOWER). */
static void same_pads(ig_dims *t, const ig_val *x, bool upper, ig_spatial *s) {
  for (int64_t i = 0; i < s->n; i++) {
    const ig_dim in = x->dims[2 + i];
    const ig_dim last = ig_dim_mul_c(t, ig_dim_add_c(t, ig_dim_ceildiv(t, in, ig_dim_const(t, s->stride[i])), -1), s->stride[i]);
    const ig_dim covered = ig_dim_add_c(t, last, (s->kernel[i] - 1) * s->dilation[i] + 1);
    const ig_dim total = ig_dim_max(t, ig_dim_sub(t, covered, in), ig_dim_const(t, 0));
    const ig_dim small = ig_dim_floordiv(t, total, ig_dim_const(t, 2)), large = ig_dim_sub(t, total, small);
    s->pad_lo[i] = upper ? small : large;
    s->pad_hi[i] = upper ? large : small;
  }
}

ig_status ig_spatial_read(const ig_node *n, const ig_val *x, const int64_t *kernel, ig_spatial *out) {
  ig_dims *t = ig_node_dims(n);
  IG_NODE_REQUIRE(n, x->rank >= 3, IG_ERROR_BAD_MODEL, "input '%s' has %d dims, at least 3 are needed: batch, channels, and one spatial dim", x->name,
                  x->rank);
  if (x->rank > 5)
    return ig_status_with(ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "%d spatial dims are not done; at most 3 are", x->rank - 2),
                          IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_SHAPE");
  out->n = x->rank - 2;
  IG_TRY(read_list(n, "kernel_shape", out->n, out->kernel));
  IG_TRY(read_list(n, "strides", out->n, out->stride));
  IG_TRY(read_list(n, "dilations", out->n, out->dilation));
  for (int64_t i = 0; kernel && i < out->n; i++) {
    IG_NODE_REQUIRE(n, !ig_node_attr(n, "kernel_shape") || out->kernel[i] == kernel[i], IG_ERROR_BAD_MODEL,
                    "kernel_shape has %lld where the weights have %lld", (long long)out->kernel[i], (long long)kernel[i]);
    out->kernel[i] = kernel[i];
  }
  IG_NODE_REQUIRE(n, kernel || ig_node_attr(n, "kernel_shape"), IG_ERROR_BAD_MODEL, "attribute 'kernel_shape' is missing");
  for (int i = 0; i < 3; i++)
    out->pad_lo[i] = out->pad_hi[i] = ig_dim_const(t, 0);
  const char *mode = ig_node_attr_s(n, "auto_pad", "NOTSET");
  if (strcmp(mode, "NOTSET") == 0 || !*mode) return read_pads(n, t, out);
  if (strcmp(mode, "VALID") == 0) return NULL;
  const bool upper = strcmp(mode, "SAME_UPPER") == 0;
  IG_NODE_REQUIRE(n, upper || strcmp(mode, "SAME_LOWER") == 0, IG_ERROR_BAD_MODEL,
                  "auto_pad '%s' is not one of NOTSET, VALID, SAME_UPPER, SAME_LOWER", mode);
  same_pads(t, x, upper, out);
  return ig_infer_dims_done((ig_node *)(uintptr_t)n);
}
