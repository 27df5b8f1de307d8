/* Maximum and average pooling of float32 on vectors: include after simd/f32_<isa>.h. Where the channels of the input are contiguous, vectors are
 * channels, and a window's elements outside of the input are left out; a result that lies otherwise is scattered window by window. Else a channel's plane is copied with its padding, so that windows need no
 * bounds; the padding is the operation's neutral element.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/image.h"
#include "cpu/kernels/kernels.h"
#include <math.h>

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(x) PASTE(x, SIMD_ISA)

static size_t bytes_in(const ig_image *m) { return ig_pad64((size_t)(m->rows * m->row + 4 * SIMD_W) * 4); }
static size_t bytes_out(const ig_image *m) { return ig_pad64((size_t)(m->out[0] * m->out[1] + 2 * SIMD_W) * 4); }
static size_t bytes_counts(const ig_image *m) { return ig_pad64((size_t)(m->out[0] + m->out[1]) * 4); }
static size_t bytes_window(const ig_call *c) { return ig_pad64((size_t)ig_call_in(c, 0)->dims[1] * 4); }
static size_t bytes_per_part(const ig_call *c) {
  ig_image m;
  ig_image_init_window(&m, c, 0);
  return bytes_in(&m) + bytes_out(&m) + bytes_counts(&m) + bytes_window(c);
}
size_t NAME(ig_cpu_pool_f32_scratch)(const ig_call *c, uint32_t n_parts) { return n_parts * bytes_per_part(c); }

/* One vector of windows, the first one's corner at x. */
static inline __attribute__((always_inline)) vf window(const ig_image *m, const float *x, bool is_max, int step) {
  vf s = vf_set(is_max ? -INFINITY : 0.0f);
  for (int64_t ky = 0; ky < m->kernel[0]; ky++)
    for (int64_t kx = 0; kx < m->kernel[1]; kx++) {
      const float *p = x + ky * m->dilation[0] * m->row + kx * m->dilation[1];
      const vf v = step == 1 ? vf_load(p) : vf_load2(p);
      s = is_max ? vf_max(v, s) : vf_add(s, v);        /* a NaN never wins: the second operand is taken */
    }
  return s;
}
static inline __attribute__((always_inline)) void row_step(const ig_image *m, const float *x, float *out, bool is_max, int step) {
  for (int64_t j = 0; j < m->out[1]; j += SIMD_W) vf_store(out + j, window(m, x + j * step, is_max, step));
}
static void row_any(const ig_image *m, const float *x, float *out, bool is_max) {
  for (int64_t j = 0; j < m->out[1]; j++) {
    float s = is_max ? -INFINITY : 0.0f;
    for (int64_t ky = 0; ky < m->kernel[0]; ky++)
      for (int64_t kx = 0; kx < m->kernel[1]; kx++) {
        const float v = x[j * m->stride[1] + ky * m->dilation[0] * m->row + kx * m->dilation[1]];
        if (!is_max) s += v;
        else if (v > s) s = v;
      }
    out[j] = s;
  }
}
static void row(const ig_image *m, const float *x, float *out, bool is_max) {
  if (m->stride[1] == 1) { if (is_max) row_step(m, x, out, true, 1); else row_step(m, x, out, false, 1); }
  else if (m->stride[1] == 2) { if (is_max) row_step(m, x, out, true, 2); else row_step(m, x, out, false, 2); }
  else row_any(m, x, out, is_max);
}

/* Elements of window i along an axis that count for the average. */
static float count_one(int64_t first, int64_t kernel, int64_t dilation, int64_t lo, int64_t hi) {
  int64_t n = 0;
  for (int64_t k = 0; k < kernel; k++) n += first + k * dilation >= lo && first + k * dilation < hi;
  return (float)n;
}
static void count(const ig_image *m, int d, bool with_padding, float *out) {
  const int64_t lo = with_padding ? -m->pad[d] : 0, hi = m->in[d] + (with_padding ? m->pad_hi[d] : 0);
  for (int64_t i = 0; i < m->out[d]; i++) out[i] = count_one(i * m->stride[d] - m->pad[d], m->kernel[d], m->dilation[d], lo, hi);
}
static float count_depth(const ig_image_depth *d, bool with_padding, int64_t z) {
  return count_one(z * d->stride - d->pad, d->kernel, d->dilation, with_padding ? -d->pad : 0, d->in + (with_padding ? d->pad_hi : 0));
}

/* ---- channels last ---- */

typedef struct place { float *data; int64_t n_stride, z_stride, y_stride, x_stride, c_stride; } place;
static place place_of(const ig_view *v) {
  const uint32_t last = v->rank - 1;
  return (place){ v->data, v->strides[0], v->rank > 4 ? v->strides[2] : 0, v->rank > 3 ? v->strides[last - 1] : 0, v->strides[last], v->strides[1] };
}
static bool channels_contiguous(const ig_view *v) {
  const bool rows = v->strides[v->rank - 1] == 1 && v->dims[v->rank - 1] > 1;
  return v->strides[1] == 1 && !rows && !ig_view_blocked(v);
}

/* A window's elements: n_z planes of n_y rows of n_x from x on. */
typedef struct taps { const float *x; int64_t n_z, n_y, n_x, z_step, y_step, x_step; } taps;

/* Channels from c on, of one window: `vectors` whole ones, or one of fewer lanes. vectors, whole and is_max are constants where this is inlined. */
static inline __attribute__((always_inline)) void pool_channels(int vectors, bool whole, bool is_max, const taps *t, int64_t c, int64_t lanes, float count, float *out) {
  vf s[4];
  for (int v = 0; v < vectors; v++) s[v] = vf_set(is_max ? -INFINITY : 0.0f);
  for (int64_t z = 0; z < t->n_z; z++)
    for (int64_t y = 0; y < t->n_y; y++)
      for (int64_t x = 0; x < t->n_x; x++) {
        const float *p = t->x + z * t->z_step + y * t->y_step + x * t->x_step + c;
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
          const vf e = whole ? vf_load(p + v * SIMD_W) : vf_load_n(p, lanes);
          s[v] = is_max ? vf_max(e, s[v]) : vf_add(s[v], e);    /* a NaN never wins: the second operand is taken */
        }
      }
  for (int v = 0; v < vectors; v++) {
    if (!is_max) s[v] = vf_div(s[v], vf_set(count));
    if (whole) vf_store(out + c + v * SIMD_W, s[v]);
    else vf_store_n(out + c, s[v], lanes);
  }
}
static inline __attribute__((always_inline)) void pool_window(bool is_max, const taps *t, int64_t channels, float count, float *out) {
  int64_t c = 0;
  for (; c + 4 * SIMD_W <= channels; c += 4 * SIMD_W) pool_channels(4, true, is_max, t, c, SIMD_W, count, out);
  for (; c + SIMD_W <= channels; c += SIMD_W) pool_channels(1, true, is_max, t, c, SIMD_W, count, out);
  if (c < channels) pool_channels(1, false, is_max, t, c, channels - c, count, out);
}
static void max_window(const taps *t, int64_t channels, float *out) { pool_window(true, t, channels, 1, out); }
static void average_window(const taps *t, int64_t channels, float count, float *out) { pool_window(false, t, channels, count, out); }

/* Row y of plane z of image n. n_z, n_y, n_x: elements that count for the average. line: room for the channels of a window. */
static void pool_row(const ig_image *m, const place *x, const place *o, int64_t n, int64_t z, int64_t y, int64_t channels, bool is_max, float n_z, const float *n_y, const float *n_x, float *line) {
  const bool scattered = o->c_stride != 1;
  const ig_image_depth *d = &m->depth;
  int64_t z_lo, z_hi, y_lo, y_hi, lo, hi;
  ig_window_clip(z * d->stride - d->pad, d->dilation, d->kernel, d->in, &z_lo, &z_hi);
  ig_image_clip(m, 0, y, &y_lo, &y_hi);
  const float *from = x->data + n * x->n_stride + (z * d->stride - d->pad + z_lo * d->dilation) * x->z_stride + (y * m->stride[0] - m->pad[0] + y_lo * m->dilation[0]) * x->y_stride;
  float *to = o->data + n * o->n_stride + z * o->z_stride + y * o->y_stride;
  taps t = { .n_z = z_hi - z_lo, .n_y = y_hi - y_lo, .z_step = d->dilation * x->z_stride, .y_step = m->dilation[0] * x->y_stride, .x_step = m->dilation[1] * x->x_stride };
  for (int64_t j = 0; j < m->out[1]; j++, to += o->x_stride) {
    ig_image_clip(m, 1, j, &lo, &hi);
    t.n_x = hi - lo;
    t.x = from + (j * m->stride[1] - m->pad[1] + lo * m->dilation[1]) * x->x_stride;
    float *window_out = scattered ? line : to;
    if (is_max) max_window(&t, channels, window_out);
    else average_window(&t, channels, n_z * n_y[y] * n_x[j], window_out);
    for (int64_t c = 0; scattered && c < channels; c++) to[c * o->c_stride] = line[c];
  }
}

/* ---- */

void NAME(ig_cpu_pool_f32_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_window_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  const bool is_max = p->mode != IG_WINDOW_AVG;
  ig_image m;
  ig_reader r;
  ig_writer w;
  int64_t lo, hi;
  IG_UNUSED(phase);
  if (ig_view_count(o) == 0) return;
  ig_image_init_window(&m, c, is_max ? -INFINITY : 0.0f);
  const bool last = channels_contiguous(x) || p->n_spatial == 3;
  ig_split_items(c, x->dims[0] * (last ? m.depth.out * m.out[0] : x->dims[1]), part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  char *s = ig_part_scratch(c, part, bytes_per_part(c));
  float *in = (float *)(void *)s, *out = (float *)(void *)(s + bytes_in(&m)), *n_y = (float *)(void *)(s + bytes_in(&m) + bytes_out(&m)), *n_x = n_y + m.out[0];
  count(&m, 0, p->count_pad != 0, n_y);
  count(&m, 1, p->count_pad != 0, n_x);
  if (last) {
    const place from = place_of(x), to = place_of(o);
    float *line = (float *)(void *)((char *)n_y + bytes_counts(&m));
    for (int64_t i = lo; i < hi; i++) {
      const int64_t y = i % m.out[0], z = i / m.out[0] % m.depth.out, n = i / m.out[0] / m.depth.out;
      pool_row(&m, &from, &to, n, z, y, x->dims[1], is_max, count_depth(&m.depth, p->count_pad != 0, z), n_y, n_x, line);
    }
    return;
  }
  memset(s, 0, bytes_in(&m));
  ig_reader_init(&r, x, NULL, IG_S_F32);
  ig_writer_init(&w, o, NULL, IG_S_F32);
  const int64_t n_out = m.out[0] * m.out[1];
  for (int64_t i = lo; i < hi; i++) {
    ig_image_copy(&m, &r, i, in);
    for (int64_t y = 0; y < m.out[0]; y++) {
      float *to = out + y * m.out[1];
      row(&m, in + y * m.stride[0] * m.row, to, is_max);
      for (int64_t j = 0; !is_max && j < m.out[1]; j++) to[j] = to[j] / (n_y[y] * n_x[j]);
    }
    ig_writer_write(&w, i * n_out, n_out, out);
  }
}
