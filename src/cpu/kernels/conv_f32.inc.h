/* conv of float32 on vectors: include after simd/f32_<isa>.h.
 *
 * As a product: weights [O / G, C / G * kernel] in panels of rows (packed in the engine where they are constant and there is one group) times
 * columns of the input, packed for some tens of pixels at a time. Where the input has padding or no unit stride, phase 0 copies it with
 * its padding into the scratch (all parts together), so that packing needs no bounds. Depthwise convolution has a kernel of its own.
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

/* ---- depthwise ---- */

/* Output plane: result row after row with unit stride; vectors may run past a row's end, which the next row overwrites. */
static size_t plane_out_bytes(const ig_image *m) { return ig_pad64((size_t)(m->out[0] * m->out[1] + 4 * SIMD_W) * 4); }
static size_t plane_in_bytes(const ig_image *m) { return ig_pad64((size_t)(m->rows * m->row + 10 * SIMD_W) * 4); }
static size_t depthwise_bytes(const ig_call *c) {
  ig_image m;
  ig_image_init(&m, c);
  return plane_in_bytes(&m) + plane_out_bytes(&m) + ig_epi_bytes(c);
}
size_t NAME(ig_cpu_depthwise_f32_scratch)(const ig_call *c, uint32_t n_parts) { return n_parts * depthwise_bytes(c); }

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

void NAME(ig_cpu_depthwise_f32_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_view *x = ig_call_in(c, 0), *w = ig_call_in(c, 1);
  ig_image m;
  ig_reader r;
  int64_t lo, hi;
  IG_UNUSED(phase);
  if (ig_view_count(ig_call_out(c, 0)) == 0) return;
  ig_image_init(&m, c);
  ig_split_items(c, x->dims[0] * x->dims[1], part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  char *s = ig_part_scratch(c, part, depthwise_bytes(c));
  float *in = (float *)(void *)s, *out = (float *)(void *)(s + plane_in_bytes(&m));
  memset(s, 0, plane_in_bytes(&m));    /* vectors read past the plane's end: numbers must lie there */
  ig_reader_init(&r, x, NULL, IG_S_F32);
  ig_prog *epi = ig_epi_make(s + plane_in_bytes(&m) + plane_out_bytes(&m), c, NULL, IG_S_F32, c->n_out, &NAME(ig_prog_isa));
  const int64_t n_out = m.out[0] * m.out[1];
  for (int64_t i = lo; i < hi; i++) {
    const float *k = (const float *)w->data + i % x->dims[1] * m.k;
    ig_image_copy(&m, &r, i, in);
    depthwise_plane(&m, in, k, out);
    ig_prog_range(epi, i * n_out, n_out, out);
  }
}

/* ---- depthwise on 8-bit integers: float32 holds the sums of up to IG_DEPTHWISE_S8_TAPS products exactly ---- */

static size_t depthwise_s8_bytes(const ig_call *c) {
  ig_image m;
  ig_image_init(&m, c);
  return depthwise_bytes(c) + ig_pad64((size_t)m.k * 8);
}
size_t NAME(ig_cpu_depthwise_s8_scratch)(const ig_call *c, uint32_t n_parts) { return n_parts * depthwise_s8_bytes(c); }

/* n weights from linear index lin, less their zero points. */
static void load_weights(const ig_reader *w, const ig_reader *z, int64_t lin, int64_t n, float *out) {
  ig_reader_read(w, lin, n, out);
  if (z) ig_reader_read(z, lin, n, out + n);
  for (int64_t i = 0; z && i < n; i++) out[i] -= out[n + i];
}

void NAME(ig_cpu_depthwise_s8_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_view *x = ig_call_in(c, 0);
  const bool has_zx = c->n_in > 2 && ig_view_present(ig_call_in(c, 2)), has_zw = c->n_in > 3 && ig_view_present(ig_call_in(c, 3));
  ig_image m;
  ig_reader r, rw, rz;
  int64_t lo, hi;
  IG_UNUSED(phase);
  if (ig_view_count(ig_call_out(c, 0)) == 0) return;
  ig_image_init(&m, c);
  ig_split_items(c, x->dims[0] * x->dims[1], part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  char *s = ig_part_scratch(c, part, depthwise_s8_bytes(c));
  float *in = (float *)(void *)s, *out = (float *)(void *)(s + plane_in_bytes(&m)), *k = (float *)(void *)(s + depthwise_bytes(c));
  memset(s, 0, plane_in_bytes(&m));
  if (has_zx) {
    ig_reader_init(&r, ig_call_in(c, 2), NULL, IG_S_F32);
    ig_reader_read(&r, 0, 1, &m.border);
  }
  if (has_zw) ig_reader_init(&rz, ig_call_in(c, 3), NULL, IG_S_F32);
  ig_reader_init(&rw, ig_call_in(c, 1), NULL, IG_S_F32);
  ig_reader_init(&r, x, NULL, IG_S_F32);
  ig_prog *epi = ig_epi_make(s + plane_in_bytes(&m) + plane_out_bytes(&m), c, NULL, IG_S_I32, c->n_out, &NAME(ig_prog_isa));
  const int64_t n_in = m.rows * m.row, n_out = m.out[0] * m.out[1];
  for (int64_t i = lo; i < hi; i++) {
    load_weights(&rw, has_zw ? &rz : NULL, i % x->dims[1] * m.k, m.k, k);
    ig_image_copy(&m, &r, i, in);
    for (int64_t j = 0; j < n_in; j++) in[j] -= m.border;
    depthwise_plane(&m, in, k, out);
    for (int64_t j = 0; j < n_out; j++) {
      const int32_t sum = (int32_t)out[j];
      memcpy(&out[j], &sum, sizeof sum);
    }
    ig_prog_range(epi, i * n_out, n_out, out);
  }
}
