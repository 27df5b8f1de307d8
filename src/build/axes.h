/* Where a value's elements lie, finer than strides: an axis is a row-major run of parts {extent, stride}. A reshape that joins axes which do
 * not lie end to end is then still a view, and one that takes them apart again, or a permute between the two, costs nothing: exporters
 * write heads of attention so. Strides are wanted only where a kernel reads the value.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_BUILD_AXES_H
#define IG_BUILD_AXES_H
#include "ir/graph.h"

enum { IG_AXES_PARTS = 16 };
typedef struct ig_part { ig_dim extent, stride; } ig_part;
/* Axis k is parts[first[k] .. first[k + 1]), outermost first; none: extent 1. Neighbours within an axis never lie end to end. */
typedef struct ig_axes { uint8_t rank, first[IG_MAX_RANK + 1]; ig_part parts[IG_AXES_PARTS]; } ig_axes;

void ig_axes_of_strides(ig_dims *t, uint32_t rank, const ig_dim *dims, const ig_dim *strides, ig_axes *out);
/* False where an axis has several parts. */
bool ig_axes_strides(ig_dims *t, const ig_axes *a, const ig_dim *dims, ig_dim *out_strides);
/* Axes of the result of view n (never a bitcast) over x, whose axes are ax; *offset moves on. False: no parts express it, x must be copied. */
bool ig_axes_view(ig_dims *t, const ig_node *n, const ig_val *x, const ig_axes *ax, ig_axes *out, ig_dim *offset);
/* Dims of the value seen with one axis a part, joined across axes where they lie end to end: what a copy reads. At most IG_MAX_RANK. */
uint32_t ig_axes_fine_dims(ig_dims *t, const ig_axes *a, ig_dim *out_dims);
#endif
