/* Where a result element of kind resize reads from: the one place that turns coordinate rules and filters into input places and weights.
 * The reference and every kernel build their tables from it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_KERN_RESIZE_H
#define IG_KERN_RESIZE_H
#include "kern/request.h"

typedef struct ig_resize_axis {
  const ig_resize_params *p;
  int64_t n_in, n_out;
  int64_t n_taps;             /* input elements that one result reads; 1 for nearest and for axes that stay as they are */
  double scale, length;       /* result per input element; the result's length before it was rounded */
  double roi_lo, roi_hi;
  bool same;                  /* result i is input i */
} ig_resize_axis;
/* dims of input and result; p: of a bound call. */
void ig_resize_axis_init(ig_resize_axis *a, const ig_resize_params *p, uint32_t axis, uint32_t rank, const int64_t *in, const int64_t *out);
/* Result o is the sum of weights[i] * input[clamp(first + i)] over i < n_taps, where clamp keeps places inside the input. False: o lies outside
 * of the input under the coordinate rule and has the extrapolation value. */
bool ig_resize_taps(const ig_resize_axis *a, int64_t o, double *weights, int64_t *out_first);
static inline int64_t ig_resize_clamp(const ig_resize_axis *a, int64_t i) { return i < 0 ? 0 : i >= a->n_in ? a->n_in - 1 : i; }
/* Interpolated values of integer types are rounded half to even and kept in the type's range; v as it is for floats. */
double ig_resize_round(ig_dtype d, double v);
/* F64 where float32 cannot hold the type's values, else F32. */
ig_stype ig_resize_type(ig_dtype d);
#endif
