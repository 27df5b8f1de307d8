/* Windows over up to three spatial axes, for every instruction set. SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_WINDOW_H
#define IG_CPU_WINDOW_H
#include "cpu/kernels/common.h"

/* Extents as three axes, outer ones 1. in: the plane that windows look into (fold: the image). */
typedef struct ig_window_space {
  const ig_window_params *p;
  int64_t in[3], out[3], kernel[3], stride[3], dilation[3], pad_lo[3], pad_hi[3];
  int64_t n_in, n_out;                 /* elements of a plane */
} ig_window_space;
/* One window: kernel elements [lo, hi) of each axis lie inside the input; base: input coordinate of kernel element 0. */
typedef struct ig_window { int64_t base[3], lo[3], hi[3], n_padded; /* elements inside the padded extent */ } ig_window;
void ig_window_space_init(ig_window_space *s, const ig_call *c);
void ig_window_locate(const ig_window_space *s, int64_t i_out, ig_window *w);
/* Kernel elements of a window that starts at base which lie in [0, limit): [*lo, *hi). */
static inline void ig_window_clip(int64_t base, int64_t dilation, int64_t kernel, int64_t limit, int64_t *lo, int64_t *hi) {
  *lo = base >= 0 ? 0 : (-base + dilation - 1) / dilation;
  *hi = base >= limit ? 0 : ig_min_i64(kernel, (limit - base + dilation - 1) / dilation);
  if (*lo > *hi) *lo = *hi;
}
#endif
