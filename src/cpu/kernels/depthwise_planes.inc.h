/* Depthwise conv plane by plane, for operands whose rows are contiguous: a channel's plane is copied with its padding, so that windows need no bounds.
 * Include after simd/f32_<isa>.h. Used by the float32 and the 8-bit kernels.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/image.h"
#include "cpu/kernels/kernels.h"
#include "hal/tactic.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(x) PASTE(x, SIMD_ISA)

/* Output plane: result row after row with unit stride; vectors may run past a row's end, which the next row overwrites. */
static size_t plane_out_bytes(const ig_image *m) { return ig_pad64((size_t)(m->out[0] * m->out[1] + 4 * SIMD_W) * 4); }
static size_t plane_in_bytes(const ig_image *m) { return ig_pad64((size_t)(m->rows * m->row + 10 * SIMD_W) * 4); }
static size_t planes_bytes(const ig_call *c) {
  ig_image m;
  ig_image_init(&m, c);
  return plane_in_bytes(&m) + plane_out_bytes(&m) + ig_epi_bytes(c);
}

/* Four vectors of one output row: x is the window's corner at the first of them. */
static inline void four(const ig_image *m, const float *x, const float *w, float *out, int64_t step) {
  vf s0 = vf_zero(), s1 = s0, s2 = s0, s3 = s0;
  for (int64_t ky = 0; ky < m->kernel[0]; ky++)
    for (int64_t kx = 0; kx < m->kernel[1]; kx++) {
      const float *p = x + ky * m->dilation[0] * m->row + kx * m->dilation[1];
      const vf k = vf_set(*w++);
      s0 = vf_fma(k, step == 1 ? vf_load(p) : vf_load2(p), s0);
      s1 = vf_fma(k, step == 1 ? vf_load(p + SIMD_W) : vf_load2(p + 2 * SIMD_W), s1);
      s2 = vf_fma(k, step == 1 ? vf_load(p + 2 * SIMD_W) : vf_load2(p + 4 * SIMD_W), s2);
      s3 = vf_fma(k, step == 1 ? vf_load(p + 3 * SIMD_W) : vf_load2(p + 6 * SIMD_W), s3);
    }
  vf_store(out, s0);
  vf_store(out + SIMD_W, s1);
  vf_store(out + 2 * SIMD_W, s2);
  vf_store(out + 3 * SIMD_W, s3);
}
static inline void one(const ig_image *m, const float *x, const float *w, float *out, int64_t step) {
  vf s = vf_zero();
  for (int64_t ky = 0; ky < m->kernel[0]; ky++)
    for (int64_t kx = 0; kx < m->kernel[1]; kx++) {
      const float *p = x + ky * m->dilation[0] * m->row + kx * m->dilation[1];
      s = vf_fma(vf_set(*w++), step == 1 ? vf_load(p) : vf_load2(p), s);
    }
  vf_store(out, s);
}
static void row_any(const ig_image *m, const float *x, const float *w, float *out) {
  for (int64_t j = 0; j < m->out[1]; j++) {
    float s = 0;
    const float *k = w;
    for (int64_t ky = 0; ky < m->kernel[0]; ky++)
      for (int64_t kx = 0; kx < m->kernel[1]; kx++) s += *k++ * x[j * m->stride[1] + ky * m->dilation[0] * m->row + kx * m->dilation[1]];
    out[j] = s;
  }
}
static void row_step(const ig_image *m, const float *x, const float *w, float *out, int64_t step) {
  int64_t j = 0;
  for (; j + 3 * SIMD_W < m->out[1]; j += 4 * SIMD_W) four(m, x + j * step, w, out + j, step);
  for (; j < m->out[1]; j += SIMD_W) one(m, x + j * step, w, out + j, step);
}

/* An input plane in, its output plane out. */
static void depthwise_plane(const ig_image *m, const float *in, const float *w, float *out) {
  for (int64_t y = 0; y < m->out[0]; y++) {
    const float *from = in + y * m->stride[0] * m->row;
    float *to = out + y * m->out[1];
    if (m->stride[1] == 1) row_step(m, from, w, to, 1);
    else if (m->stride[1] == 2) row_step(m, from, w, to, 2);
    else row_any(m, from, w, to);
  }
}
