/* Layers of 3x3 windows for the tests of Winograd's conv. SPDX-License-Identifier: Apache-2.0 */
#ifndef WINOGRAD_UTIL_H
#define WINOGRAD_UTIL_H
#include "cpu_check.h"

typedef struct layer { int64_t n, c, o, rows, columns, pad[4]; } layer;   /* pad: low, low, high, high */
static ig_conv_params layer_params(const layer *l, ig_stype acc) {
  return (ig_conv_params){ .n_spatial = 2, .groups = 1, .acc = acc, .stride = { 1, 1 }, .dilation = { 1, 1 }, .in_dilation = { 1, 1 },
    .pad_lo = { l->pad[0], l->pad[1] }, .pad_hi = { l->pad[2], l->pad[3] } };
}
static void out_dims(const layer *l, int64_t *out) {
  out[0] = l->n;
  out[1] = l->o;
  out[2] = l->rows + l->pad[0] + l->pad[2] - 2;
  out[3] = l->columns + l->pad[1] + l->pad[3] - 2;
}
#endif
