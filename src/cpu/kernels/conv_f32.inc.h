/* conv of float32 on vectors: include after simd/f32_<isa>.h.
 *
 * As a product: weights [O / G, C / G * kernel] in panels of rows (packed in the engine where they are constant and there is one group) times
 * columns of the input, packed for some tens of pixels at a time. Where the input has padding or no unit stride, phase 0 copies it with
 * its padding into the scratch (all parts together), so that packing needs no bounds. Depthwise convolution has a kernel of its own (depthwise_f32.inc.h).
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/gemm_f32.h"
#include "cpu/kernels/image.h"
#include "cpu/kernels/kernels.h"
#include "hal/tactic.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(x) PASTE(x, SIMD_ISA)
enum { NR = 2 * SIMD_W };

typedef struct operands { ig_image m; const float *x, *w; int64_t n_stride, c_stride, y_stride; } operands;

static void pack_a(const void *ctx, int64_t batch, int64_t m0, int64_t rows, int64_t mr, float *out) {
  const operands *o = ctx;
  const int64_t k_all = o->m.k;
  const float *w = o->w + (batch % o->m.groups * o->m.group_o + m0) * k_all;
  for (int64_t i = 0; i < mr; i++)
    for (int64_t k = 0; k < k_all; k++) out[k * mr + i] = i < rows ? w[i * k_all + k] : 0;
}

/* Pixels of a panel that lie in one output row: n of them, from place `at` of the plane. */
typedef struct segment { int64_t n, at; } segment;

/* n floats, step elements apart. May write, but not read, up to a vector past the end. */
static inline void copy_run(const float *x, int64_t step, int64_t n, float *out) {
  int64_t j = 0;
  if (step == 1) {
    for (; j + SIMD_W <= n; j += SIMD_W) vf_store(out + j, vf_load(x + j));
    if (j < n) vf_store(out + j, vf_load_n(x + j, n - j));
    return;
  }
  if (step == 2)
    for (; j + SIMD_W < n; j += SIMD_W) vf_store(out + j, vf_load2(x + 2 * j));
  for (; j < n; j++) out[j] = x[j * step];
}

static void pack_b(const void *ctx, int64_t batch, int64_t n0, int64_t columns, int64_t nr, float *out) {
  const operands *o = ctx;
  const ig_image *m = &o->m;
  segment s[NR];
  int n_segments = 0;
  for (int64_t done = 0; done < columns; n_segments++) {
    const int64_t oy = (n0 + done) / m->out[1], ox = (n0 + done) % m->out[1];
    s[n_segments] = (segment){ ig_min_i64(m->out[1] - ox, columns - done), oy * m->stride[0] * o->y_stride + ox * m->stride[1] };
    done += s[n_segments].n;
  }
  const float *image = o->x + batch / m->groups * o->n_stride + batch % m->groups * m->group_c * o->c_stride;
  for (int64_t c = 0; c < m->group_c; c++)
    for (int64_t ky = 0; ky < m->kernel[0]; ky++)
      for (int64_t kx = 0; kx < m->kernel[1]; kx++, out += nr) {
        const float *x = image + c * o->c_stride + ky * m->dilation[0] * o->y_stride + kx * m->dilation[1];
        float *to = out;
        for (int i = 0; i < n_segments; to += s[i++].n) copy_run(x + s[i].at, m->stride[1], s[i].n, to);
      }
}

/* Padding may depend on the input's size (not with a kernel of one element), and scratch may not shrink as dims grow. */
static size_t copy_bytes(const ig_image *m, const ig_view *x) {
  const bool may_copy = m->copied || m->kernel[0] > 1 || m->kernel[1] > 1;
  return may_copy ? ig_pad64((size_t)(x->dims[0] * x->dims[1] * m->rows * m->row + IG_IMAGE_SLACK) * 4) : 0;
}
size_t NAME(ig_cpu_conv_f32_scratch)(const ig_call *c, uint32_t n_parts) {
  ig_image m;
  ig_image_init(&m, c);
  return copy_bytes(&m, ig_call_in(c, 0)) + n_parts * NAME(ig_gemm_f32_bytes)(c, m.k);
}

static void copy_input(const ig_image *m, const ig_call *c, uint32_t part, uint32_t n_parts) {
  const ig_view *x = ig_call_in(c, 0);
  ig_reader r;
  int64_t lo, hi;
  ig_split(x->dims[0] * x->dims[1], part, n_parts, &lo, &hi);
  ig_reader_init(&r, x, NULL, IG_S_F32);
  for (int64_t i = lo; i < hi; i++) ig_image_copy(m, &r, i, (float *)c->scratch + i * m->rows * m->row);
}

void NAME(ig_cpu_conv_f32_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_view *x = ig_call_in(c, 0), *w = ig_call_in(c, 1);
  operands o = { .x = x->data, .w = w->data };
  ig_image *m = &o.m;
  if (ig_view_count(ig_call_out(c, 0)) == 0) return;
  ig_image_init(m, c);
  if (phase == 0) {
    if (m->copied) copy_input(m, c, part, n_parts);
    return;
  }
  if (m->copied) {
    o.x = c->scratch;
    o.y_stride = m->row;
    o.c_stride = m->rows * m->row;
    o.n_stride = o.c_stride * x->dims[1];
  } else {
    o.y_stride = m->y_stride;
    o.c_stride = m->c_stride;
    o.n_stride = m->n_stride;
  }
  const ig_gemm_f32 g = { .n_batch = x->dims[0] * m->groups, .m = m->group_o, .n = m->out[0] * m->out[1], .k = m->k, .alpha = 1, .ctx = &o,
    .pack_a = pack_a, .pack_b = pack_b, .a_packed = w->format ? w->data : NULL, .rows_axis = 1 };
  NAME(ig_gemm_f32)(&g, c, (char *)c->scratch + copy_bytes(m, x) + part * NAME(ig_gemm_f32_bytes)(c, m->k), part, n_parts);
}
