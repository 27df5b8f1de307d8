/* Where an element of kind sample reads along one axis: the one place that turns a grid's coordinate into input places and weights.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_KERN_SAMPLE_H
#define IG_KERN_SAMPLE_H
#include "kern/request.h"

enum { IG_SAMPLE_TAPS = 4 };
/* at: coordinate, -1 .. 1 over the axis of n elements. Fills weights and places (-1 = nothing there, which counts as 0); returns how many. */
int ig_sample_taps(const ig_sample_params *p, double at, int64_t n, double *weights, int64_t *places);
#endif
