/* Conv of float32 with few output channels of a map that lies channels last, as the last layer of decoders has: include after simd/f32_<isa>.h. Columns of
 * a product would leave most lanes idle, so vectors run over input channels: a sum of each output channel for some pixels of a row at a time, whose lanes
 * are added at the end. Weights are [O][kernel][C]. Sums go to rows of planes, from which the epilogue takes them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/image.h"
#include "cpu/kernels/kernels.h"
#include "hal/tactic.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(x) PASTE(x, SIMD_ISA)

enum { PIXELS = 4 };

typedef struct work {
  ig_image m;
  const float *w;
  int64_t channels, pixel, kernel;     /* floats from pixel to pixel; of an output channel's weights */
  float *sums;                         /* [O][out width] */
} work;

/* Pixels [ox, ox + pixels) of the row whose window begins at `row`: kernel rows [y0, y1), columns [x0, x1). pixels and outputs are constants where this
 * is inlined. */
static inline __attribute__((always_inline)) void windows(int pixels, int outputs, const work *q, const float *row, int64_t ox, int64_t y0, int64_t y1, int64_t x0, int64_t x1) {
  const ig_image *m = &q->m;
  const int64_t step = m->stride[1] * q->pixel;
  vf s[PIXELS][IG_NARROW_MOST];
#pragma GCC unroll 4
  for (int i = 0; i < pixels; i++)
#pragma GCC unroll 4
    for (int o = 0; o < outputs; o++) s[i][o] = vf_zero();
  for (int64_t ky = y0; ky < y1; ky++)
    for (int64_t kx = x0; kx < x1; kx++) {
      const float *x = row + ky * m->dilation[0] * m->y_stride + (ox * m->stride[1] + kx * m->dilation[1]) * q->pixel;
      const float *w = q->w + (ky * m->kernel[1] + kx) * q->channels;
      for (int64_t c = 0; c < q->channels; c += SIMD_W) {
        vf k[IG_NARROW_MOST];
#pragma GCC unroll 4
        for (int o = 0; o < outputs; o++) k[o] = vf_load(w + o * q->kernel + c);
#pragma GCC unroll 4
        for (int i = 0; i < pixels; i++) {
          const vf v = vf_load(x + i * step + c);
#pragma GCC unroll 4
          for (int o = 0; o < outputs; o++) s[i][o] = vf_fma(v, k[o], s[i][o]);
        }
      }
    }
  for (int o = 0; o < outputs; o++)
    for (int i = 0; i < pixels; i++) q->sums[o * m->out[1] + ox + i] = vf_sum(s[i][o]);
}
typedef void (*windows_fn)(const work *q, const float *row, int64_t ox, int64_t y0, int64_t y1, int64_t x0, int64_t x1);
#define WINDOWS(pixels, outputs) \
  static void windows_##pixels##_##outputs(const work *q, const float *row, int64_t ox, int64_t y0, int64_t y1, int64_t x0, int64_t x1) { windows(pixels, outputs, q, row, ox, y0, y1, x0, x1); }
WINDOWS(1, 1) WINDOWS(1, 2) WINDOWS(1, 3) WINDOWS(1, 4) WINDOWS(4, 1) WINDOWS(4, 2) WINDOWS(4, 3) WINDOWS(3, 4)
static const windows_fn single[] = { windows_1_1, windows_1_2, windows_1_3, windows_1_4 }, several[] = { windows_4_1, windows_4_2, windows_4_3, windows_3_4 };

/* Row oy of the output: windows that hang over the left and right edges one by one, those between several at a time. */
static void output_row(const work *q, const float *image, int64_t oy) {
  const ig_image *m = &q->m;
  const int64_t outputs = m->group_o, together = outputs == 4 ? 3 : PIXELS, reach = (m->kernel[1] - 1) * m->dilation[1], first = oy * m->stride[0] - m->pad[0];
  const float *row = image + first * m->y_stride - m->pad[1] * q->pixel;
  int64_t y0, y1, x0, x1;
  ig_image_clip(m, 0, oy, &y0, &y1);
  for (int64_t ox = 0; ox < m->out[1];) {
    const int64_t from = ox * m->stride[1] - m->pad[1], to = (ox + together - 1) * m->stride[1] - m->pad[1] + reach;
    if (from >= 0 && to < m->in[1] && ox + together <= m->out[1]) {
      several[outputs - 1](q, row, ox, y0, y1, 0, m->kernel[1]);
      ox += together;
      continue;
    }
    ig_image_clip(m, 1, ox, &x0, &x1);
    single[outputs - 1](q, row, ox, y0, y1, x0, x1);
    ox++;
  }
}

static size_t sum_bytes(const ig_image *m) { return ig_pad64((size_t)(m->group_o * m->out[1]) * sizeof(float)); }
size_t NAME(ig_cpu_narrow_f32_scratch)(const ig_call *c, uint32_t n_parts) {
  ig_image m;
  ig_image_init(&m, c);
  return n_parts * (sum_bytes(&m) + ig_epi_bytes(c));
}

void NAME(ig_cpu_narrow_f32_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_view *x = ig_call_in(c, 0), *w = ig_call_in(c, 1);
  work q = { .w = w->data, .channels = x->dims[1], .pixel = x->strides[x->rank - 1] };
  int64_t lo, hi;
  IG_UNUSED(phase);
  if (ig_view_count(ig_call_out(c, 0)) == 0) return;
  ig_image_init(&q.m, c);
  const ig_image *m = &q.m;
  q.kernel = m->kernel[0] * m->kernel[1] * q.channels;
  char *memory = ig_part_scratch(c, part, sum_bytes(m) + ig_epi_bytes(c));
  q.sums = (float *)(void *)memory;
  ig_prog *epi = ig_epi_make(memory + sum_bytes(m), c, NULL, IG_S_F32, c->n_out, &NAME(ig_prog_isa));
  ig_split_items(c, x->dims[0] * m->out[0], part, n_parts, &lo, &hi);
  for (int64_t i = lo; i < hi; i++) {
    const int64_t image = i / m->out[0], oy = i % m->out[0];
    output_row(&q, (const float *)x->data + image * x->strides[0], oy);
    for (int64_t o = 0; o < m->group_o; o++) ig_prog_range(epi, ((image * m->group_o + o) * m->out[0] + oy) * m->out[1], m->out[1], q.sums + o * m->out[1]);
  }
}
