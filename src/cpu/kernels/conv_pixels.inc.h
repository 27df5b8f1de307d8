/* Pixels of 8-bit integers as elements: include after simd/s8_words_<isa>.h or s8_pairs_avx2.h (elem, SIMD_KG, prepare_run,
 * prepare_four, prepared_zero).
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/gemm_s8.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/s8_finish.inc.h"
#include "hal/tactic.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(x) PASTE(x, SIMD_ISA)
enum { KG = SIMD_KG };
static bool is_signed(const ig_view *v) { return v->dtype == IG_DTYPE_I8; }
static int64_t words_of(int64_t k) { return (k + KG - 1) / KG; }
static char *take(char **at, size_t n) {
  char *p = *at;
  *at += ig_pad64(n);
  return p;
}

typedef struct conv_shape {
  int64_t in[2], out[2], kernel[2], stride[2], dilation[2], pad[2];      /* up to two spatial axes, the outer one 1 where there is one */
  int64_t channels, row_channels;                                        /* row_channels: multiple of KG */
  int64_t n_stride, c_stride, y_stride, x_stride;
  bool is_point, merged;                                                 /* merged: a kernel row is one run */
} conv_shape;

static conv_shape conv_shape_of(const ig_call *c) {
  const ig_conv_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *w = ig_call_in(c, 1), *o = ig_call_out(c, 0);
  conv_shape s = { .in = { 1, 1 }, .out = { 1, 1 }, .kernel = { 1, 1 }, .stride = { 1, 1 }, .dilation = { 1, 1 } };
  for (int64_t i = 0; i < p->n_spatial; i++) {
    const int64_t at = 2 - p->n_spatial + i;
    s.in[at] = x->dims[2 + i], s.out[at] = o->dims[2 + i], s.kernel[at] = w->dims[2 + i];
    s.stride[at] = p->stride[i], s.dilation[at] = p->dilation[i], s.pad[at] = p->pad_lo[i];
  }
  s.channels = x->dims[1];
  s.row_channels = words_of(s.channels) * KG;
  s.n_stride = x->strides[0], s.c_stride = x->strides[1];
  s.x_stride = p->n_spatial ? x->strides[1 + p->n_spatial] : 0;
  s.y_stride = p->n_spatial == 2 ? x->strides[2] : 0;
  s.is_point = s.kernel[0] == 1 && s.kernel[1] == 1;
  s.merged = s.dilation[1] == 1;
  return s;
}

/* Pixels of a band's row for outputs of n columns, and rows for outputs of n rows. */
static int64_t band_extent(const conv_shape *s, int axis, int64_t n) { return (n - 1) * s->stride[axis] + (s->kernel[axis] - 1) * s->dilation[axis] + 1; }

/* n pixels of which x is the first, channel by channel: four at a time, as the colours of an image come. */
static void prepare_planes(const conv_shape *s, const ig_view *v, const uint8_t *x, int64_t x_step, int32_t zero, int64_t n, elem *out) {
  if (x_step == 1 && s->row_channels == 4) {
    const uint8_t *planes[4] = { NULL };
    for (int64_t k = 0; k < s->channels; k++) planes[k] = x + k * s->c_stride;
    prepare_four(planes, n, is_signed(v), zero, out);
    return;
  }
  for (int64_t k = 0; k < s->row_channels; k += 4, x += 4 * s->c_stride) {
    const int64_t present = ig_min_i64(4, s->channels - k), width = ig_min_i64(4, s->row_channels - k);
    for (int64_t i = 0; i < n; i++) {
      elem four[4] = { 0 };
      for (int64_t j = 0; j < present; j++) prepare_run(x + i * x_step + j * s->c_stride, 1, is_signed(v), zero, four + j);
      elem *to = out + i * s->row_channels + k;
      if (width == 4) memcpy(to, four, sizeof four);
      else memcpy(to, four, (size_t)width * sizeof *four);
    }
  }
}

/* n pixels, `step` input pixels apart, of which the first lies at x0 (inside or not) of an input row. */
static void prepare_pixels(const conv_shape *s, const ig_view *v, const uint8_t *row, int32_t zero, int64_t x0, int64_t step, int64_t n, elem *out) {
  const int64_t c = s->channels, to = s->row_channels;
  const elem border = prepared_zero(is_signed(v), zero);
  int64_t lo = 0, hi = n;
  if (x0 < 0) lo = ig_min_i64(n, (-x0 + step - 1) / step);
  if (!row || x0 + (n - 1) * step >= s->in[1]) hi = row ? ig_max_i64(lo, (s->in[1] - x0 + step - 1) / step) : lo;
  for (int64_t i = lo > 0 ? 0 : hi; i < n; i = i + 1 == lo ? hi : i + 1)
    for (int64_t k = 0; k < to; k++) out[i * to + k] = k < c ? border : 0;
  if (lo >= hi) return;
  const uint8_t *x = row + (x0 + lo * step) * s->x_stride;
  const int64_t x_step = step * s->x_stride;
  out += lo * to;
  if (s->c_stride == 1 && c == to && x_step == c) {
    prepare_run(x, (hi - lo) * c, is_signed(v), zero, out);
    return;
  }
  if (s->c_stride == 1) {
    for (int64_t i = 0; i < hi - lo; i++) {
      prepare_run(x + i * x_step, c, is_signed(v), zero, out + i * to);
      for (int64_t k = c; k < to; k++) out[i * to + k] = 0;
    }
    return;
  }
  prepare_planes(s, v, x, x_step, zero, hi - lo, out);
}

/* Row y of the input; NULL: padding. */
static const uint8_t *input_row(const conv_shape *s, const uint8_t *image, int64_t y) { return y >= 0 && y < s->in[0] ? image + y * s->y_stride : NULL; }
