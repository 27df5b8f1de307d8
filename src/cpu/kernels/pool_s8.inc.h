/* Maximum pooling of bytes whose channels lie side by side: include after kernels/gemm_s8.inc.h.
 *
 * A pixel's result is the maximum of its window's pixels, all channels at a time, in loops that a compiler makes vectors of.
 * SPDX-License-Identifier: Apache-2.0 */
#define POOL_MAX(name, T) \
  static void name(void *out, const void *x, int64_t n) { \
    T *o = out; \
    const T *p = x; \
    for (int64_t i = 0; i < n; i++) o[i] = o[i] > p[i] ? o[i] : p[i]; \
  }
POOL_MAX(max_i8, int8_t)
POOL_MAX(max_u8, uint8_t)

typedef struct pool_axis { int64_t in, out, kernel, stride, dilation, pad, in_step, out_step; } pool_axis;

void NAME(ig_cpu_pool_s8_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_window_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  const size_t channels = (size_t)o->dims[1];
  pool_axis a[2] = { { 1, 1, 1, 1, 1, 0, 0, 0 }, { 1, 1, 1, 1, 1, 0, 0, 0 } };
  int64_t lo, hi;
  IG_UNUSED(phase);
  if (ig_view_count(o) == 0) return;
  for (int64_t i = 0; i < p->n_spatial; i++)
    a[2 - p->n_spatial + i] = (pool_axis){ x->dims[2 + i], o->dims[2 + i], p->kernel[i], p->stride[i], p->dilation[i], p->pad_lo[i], x->strides[2 + i], o->strides[2 + i] };
  ig_split_items(c, o->dims[0] * a[0].out, part, n_parts, &lo, &hi);
  for (int64_t row = lo; row < hi; row++) {
    const int64_t n = row / a[0].out, oy = row % a[0].out;
    const uint8_t *image = (const uint8_t *)x->data + n * x->strides[0];
    uint8_t *out = (uint8_t *)o->data + n * o->strides[0] + oy * a[0].out_step;
    for (int64_t ox = 0; ox < a[1].out; ox++, out += a[1].out_step) {
      memset(out, is_signed(x) ? 0x80 : 0, channels);
      for (int64_t ky = 0; ky < a[0].kernel; ky++) {
        const int64_t iy = oy * a[0].stride + ky * a[0].dilation - a[0].pad;
        if (iy < 0 || iy >= a[0].in) continue;
        for (int64_t kx = 0; kx < a[1].kernel; kx++) {
          const int64_t ix = ox * a[1].stride + kx * a[1].dilation - a[1].pad;
          if (ix < 0 || ix >= a[1].in) continue;
          const uint8_t *from = image + iy * a[0].in_step + ix * a[1].in_step;
          if (is_signed(x)) max_i8(out, from, (int64_t)channels);
          else max_u8(out, from, (int64_t)channels);
        }
      }
    }
  }
}
