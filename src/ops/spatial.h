/* Kernel, strides, dilations and pads of convolutions and pools, auto_pad resolved to dim expressions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_OPS_SPATIAL_H
#define IG_OPS_SPATIAL_H
#include "ops/structured.h"

typedef struct ig_spatial {
  int64_t n;                                 /* spatial dims, 1..3 */
  int64_t kernel[3], stride[3], dilation[3]; /* entries past n: 1 */
  ig_dim pad_lo[3], pad_hi[3];               /* entries past n: the constant 0 */
} ig_spatial;
/* Reads the attributes of n for input x [N, C, spatial..]. kernel: extents known otherwise (the weights'), or NULL = kernel_shape is required.
 * Bad lengths, extents below 1 and contradictions are BAD_MODEL; more than three spatial dims UNSUPPORTED. */
IG_MUST_USE ig_status ig_spatial_read(const ig_node *n, const ig_val *x, const int64_t *kernel, ig_spatial *out);
/* The attributes that all of them share, for records. */
#define IG_SPATIAL_ATTRS                                                                                                                             \
  {"auto_pad", IG_ATTR_STRING, false, 0, 0, "NOTSET"}, {"dilations", IG_ATTR_INTS, false, 0, 0, NULL},                                               \
      {"kernel_shape", IG_ATTR_INTS, false, 0, 0, NULL}, {"pads", IG_ATTR_INTS, false, 0, 0, NULL}, {                                                \
    "strides", IG_ATTR_INTS, false, 0, 0, NULL                                                                                                       \
  }
#endif
