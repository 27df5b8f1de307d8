/* The input of a convolution as vector kernels want it: rows of unit stride, padding included, so that no load needs a bound.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_IMAGE_H
#define IG_CPU_IMAGE_H
#include "cpu/kernels/window.h"

/* A third, outermost spatial axis. */
typedef struct ig_image_depth { int64_t in, out, kernel, stride, dilation, pad, pad_hi, z_stride; } ig_image_depth;
/* Up to two spatial axes, the outer one 1 where there is one; depth is 1 for kernels that refuse three. */
typedef struct ig_image {
  int64_t in[2], out[2], kernel[2], stride[2], dilation[2], pad[2], pad_hi[2];
  ig_image_depth depth;
  int64_t group_c, group_o, groups, k;
  bool copied;                         /* the input must be copied: padding, or rows without unit stride */
  int64_t planes, rows, row;           /* the copy's planes, their rows, and row length, padding included */
  float border;                        /* value of the padding */
  bool unit;                           /* rows of the input have unit stride */
  const float *plain;                  /* the input, where its rows can be copied as they are; NULL: through a reader */
  int64_t n_c, n_stride, c_stride, y_stride;   /* of the input itself */
} ig_image;
enum { IG_IMAGE_SLACK = 64 };          /* floats readable past the last plane of a copy */
void ig_image_init(ig_image *m, const ig_call *c);              /* of a conv call */
void ig_image_init_window(ig_image *m, const ig_call *c, float border);
/* Copies plane (image n, channel ch) with its padding to out (rows * row floats). r reads the input in its own order. */
void ig_image_copy(const ig_image *m, const ig_reader *r, int64_t plane, float *out);
/* Kernel elements [*lo, *hi) of axis d's window number i that lie inside the input. */
static inline void ig_image_clip(const ig_image *m, int d, int64_t i, int64_t *lo, int64_t *hi) {
  ig_window_clip(i * m->stride[d] - m->pad[d], m->dilation[d], m->kernel[d], m->in[d], lo, hi);
}
#endif
