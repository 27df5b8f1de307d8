/* conv of float32 on vectors: include after simd/f32_<isa>.h.
 *
 * As a product: rows are output pixels, columns output channels, and a row of A is read where the input lies. With the input's channels contiguous
 * (channels last), a run per kernel element: the channels of one input pixel, or zeros where that is padding. Otherwise phase 0 copies
 * the input channels last and padded into the scratch (all parts together); there a run is a whole kernel row, which also serves the first
 * layer, whose pixels have three channels. Weights come as panels [O / nr][kernel][C][nr] from the engine where they are constant, else
 * are packed here. Depthwise convolution has a kernel of its own (depthwise_f32.inc.h).
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/gemm_f32.h"
#include "cpu/kernels/image.h"
#include "cpu/kernels/kernels.h"
#include "hal/tactic.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(x) PASTE(x, SIMD_ISA)

typedef struct operands {
  ig_image m;
  bool copied;                         /* the image is the padded copy: no padding is left, kernel rows are contiguous */
  int64_t channels, x_n, x_z, x_y, x_x;   /* strides of the image that is read */
  int64_t pad[2], pad_z;
  bool dense;                          /* one kernel element, each pixel's run behind the one before: no window to look for */
  int64_t group;                       /* which is being computed */
  const float *x, *w, *zeros;
} operands;

static int64_t n_taps(const ig_image *m) { return m->depth.kernel * m->kernel[0] * m->kernel[1]; }

/* May the input be read in place? Its channels are contiguous and fill a vector, or there is but one kernel element: else runs would be too short. */
static bool in_place(const ig_image *m, const ig_view *x) {
  return x->block <= 1 && (x->strides[1] == 1 || x->dims[1] == 1) && (x->dims[1] >= 8 || n_taps(m) == 1);
}

/* A kernel row is one run of the copy. */
static bool whole_rows(const operands *o) { return o->copied && o->m.dilation[1] == 1 && o->m.groups == 1; }

static bool is_dense(const operands *o, int64_t images) {
  const ig_image *m = &o->m;
  const bool whole = m->stride[0] == 1 && m->stride[1] == 1 && m->pad[0] == 0 && m->pad[1] == 0 && m->out[0] == m->in[0] && m->out[1] == m->in[1];
  return n_taps(m) == 1 && whole && m->depth.out == 1 && m->depth.pad == 0 && o->x_y == m->in[1] * o->x_x && (images == 1 || o->x_n == m->in[0] * o->x_y);
}

static void operands_init(operands *o, const ig_call *c) {
  const ig_view *x = ig_call_in(c, 0);
  *o = (operands){ .x = x->data, .w = ig_call_in(c, 1)->data, .channels = x->dims[1] };
  ig_image_init(&o->m, c);
  o->copied = !in_place(&o->m, x);
  if (o->copied) {
    o->x_x = x->dims[1];
    o->x_y = o->m.row * o->x_x;
    o->x_z = o->m.rows * o->x_y;
    o->x_n = o->m.planes * o->x_z;
    o->x = c->scratch;
  } else {
    o->x_x = x->strides[x->rank - 1];
    o->x_y = o->m.y_stride;
    o->x_z = o->m.depth.z_stride;
    o->x_n = x->strides[0];
    o->pad_z = o->m.depth.pad;
    o->pad[0] = o->m.pad[0];
    o->pad[1] = o->m.pad[1];
    o->dense = is_dense(o, x->dims[0]);
  }
}

/* Scratch: the copy, then each part's share: zeros for padding, which is not in a copy, and the product's. */
static size_t image_bytes(const ig_image *m, const ig_view *x) { return in_place(m, x) ? 0 : ig_pad64((size_t)(x->dims[0] * x->dims[1] * m->planes * m->rows * m->row) * 4); }
static size_t zeros_bytes(const ig_view *x) { return ig_pad64((size_t)x->dims[1] * 4); }
static size_t part_bytes(const ig_call *c, const ig_image *m) { return zeros_bytes(ig_call_in(c, 0)) + NAME(ig_gemm_f32_bytes)(c, n_taps(m), m->group_c); }
size_t NAME(ig_cpu_conv_f32_scratch)(const ig_call *c, uint32_t n_parts) {
  ig_image m;
  ig_image_init(&m, c);
  return image_bytes(&m, ig_call_in(c, 0)) + n_parts * part_bytes(c, &m);
}

/* ---- phase 0 of two: the copy ---- */

/* One row of the padded copy: pixels of all channels. */
static void copy_row(const operands *o, const ig_view *x, int64_t image, int64_t z, int64_t y, float *out) {
  const ig_image *m = &o->m;
  const int64_t from_z = z - m->depth.pad, from = y - m->pad[0], c_all = o->channels, x_lo = ig_max_i64(0, m->pad[1]), x_from = ig_max_i64(0, -m->pad[1]);
  const bool outside = from_z < 0 || from_z >= m->depth.in || from < 0 || from >= m->in[0];
  const int64_t n = outside ? 0 : ig_max_i64(0, ig_min_i64(m->in[1] - x_from, m->row - x_lo));
  const int64_t step = x->strides[x->rank - 1], c_step = x->strides[1];
  if (n == 0) {
    memset(out, 0, (size_t)(m->row * c_all) * 4);
    return;
  }
  memset(out, 0, (size_t)(x_lo * c_all) * 4);
  memset(out + (x_lo + n) * c_all, 0, (size_t)((m->row - x_lo - n) * c_all) * 4);
  const float *in = (const float *)x->data + image * x->strides[0] + from_z * m->depth.z_stride + from * m->y_stride + x_from * step;
  if (c_all == 3 && step == 1) {       /* the first layer of most networks */
    const float *red = in, *green = in + c_step, *blue = in + 2 * c_step;
    float *to = out + x_lo * 3;
    for (int64_t i = 0; i < n; i++, to += 3) to[0] = red[i], to[1] = green[i], to[2] = blue[i];
    return;
  }
  enum { BLOCK = 16 };                 /* pixels and channels at a time: both sides stay in the first-level cache */
  for (int64_t c0 = 0; c0 < c_all; c0 += BLOCK)
    for (int64_t x0 = 0; x0 < n; x0 += BLOCK)
      for (int64_t ch = c0; ch < ig_min_i64(c_all, c0 + BLOCK); ch++)
        for (int64_t i = x0; i < ig_min_i64(n, x0 + BLOCK); i++) out[(x_lo + i) * c_all + ch] = in[ch * c_step + i * step];
}

static void prepare_image(const operands *o, const ig_call *c, uint32_t part, uint32_t n_parts) {
  const ig_view *x = ig_call_in(c, 0);
  int64_t lo, hi;
  const int64_t rows = o->m.rows, planes = o->m.planes;
  ig_split(x->dims[0] * planes * rows, part, n_parts, &lo, &hi);
  for (int64_t i = lo; i < hi; i++) copy_row(o, x, i / rows / planes, i / rows % planes, i % rows, (float *)c->scratch + i * o->x_y);
}

/* ---- the last phase: the product ---- */

/* Runs of one output pixel whose window begins at (z0, y0, x0) of `image`: at[tap * IG_GEMM_MR]. */
static void window_of(const operands *o, const float *image, int64_t z0, int64_t y0, int64_t x0, int64_t columns, const float **at) {
  const ig_image *m = &o->m;
  const ig_image_depth *d = &m->depth;
  const bool inside = o->copied || (z0 >= 0 && z0 + (d->kernel - 1) * d->dilation < d->in && y0 >= 0 && y0 + (m->kernel[0] - 1) * m->dilation[0] < m->in[0] && x0 >= 0 &&
    x0 + (m->kernel[1] - 1) * m->dilation[1] < m->in[1]);
  const int64_t dz = d->dilation * o->x_z, dy = m->dilation[0] * o->x_y, dx = m->dilation[1] * o->x_x;
  const float *plane = image + z0 * o->x_z + y0 * o->x_y + x0 * o->x_x;
  for (int64_t kz = 0; kz < d->kernel; kz++, plane += dz) {
    const int64_t z = z0 + kz * d->dilation;
    const float *row = plane;
    for (int64_t ky = 0; ky < m->kernel[0]; ky++, row += dy)
      for (int64_t kx = 0; kx < columns; kx++, at += IG_GEMM_MR) {
        const int64_t y = y0 + ky * m->dilation[0], x = x0 + kx * m->dilation[1];
        *at = inside || (z >= 0 && z < d->in && y >= 0 && y < m->in[0] && x >= 0 && x < m->in[1]) ? row + kx * dx : o->zeros;
      }
  }
}

/* Those of a pixel of a copy whose left neighbour's stand before them. */
static void next_window(const operands *o, int64_t columns, const float **at) {
  const int64_t step = o->m.stride[1] * o->x_x;
  for (int64_t t = o->m.depth.kernel * o->m.kernel[0] * columns; t-- > 0; at += IG_GEMM_MR) *at = at[-1] + step;
}

static void rows_of(const void *ctx, int64_t batch, int64_t m0, int64_t rows, const float **at) {
  const operands *o = ctx;
  const ig_image *m = &o->m;
  const int64_t columns = whole_rows(o) ? 1 : m->kernel[1], plane = m->out[0] * m->out[1];
  if (o->dense) {
    const float *x = o->x + batch * o->x_n + m0 * o->x_x + o->group * m->group_c;
    for (int64_t i = 0; i < rows; i++) at[i] = x + i * o->x_x;
    return;
  }
  int64_t ox = m0 % m->out[1], oy = m0 / m->out[1] % m->out[0], oz = m0 / plane % m->depth.out;
  const float *image = o->x + (batch + m0 / plane / m->depth.out) * o->x_n + o->group * m->group_c;
  for (int64_t i = 0; i < rows; i++) {
    if (o->copied && i && ox) next_window(o, columns, at + i);
    else window_of(o, image, oz * m->depth.stride - o->pad_z, oy * m->stride[0] - o->pad[0], ox * m->stride[1] - o->pad[1], columns, at + i);
    if (++ox < m->out[1]) continue;
    ox = 0;
    if (++oy < m->out[0]) continue;
    oy = 0;
    if (++oz < m->depth.out) continue;
    oz = 0;
    image += o->x_n;
  }
}

/* Weights [O, C, kernel] in model order to a panel [kernel][C][nr]. */
static void pack_b(const void *ctx, int64_t batch, int64_t n0, int64_t columns, int64_t nr, float *out) {
  const operands *o = ctx;
  const int64_t taps = n_taps(&o->m), c_all = o->m.group_c;
  const float *w = o->w + (o->group * o->m.group_o + n0) * o->m.k;
  IG_UNUSED(batch);
  for (int64_t t = 0; t < taps; t++)
    for (int64_t ch = 0; ch < c_all; ch++, out += nr)
      for (int64_t j = 0; j < nr; j++) out[j] = j < columns ? w[j * o->m.k + ch * taps + t] : 0;
}

/* Axes of the result as pixels and channels: N, spatial, O. *out_images: images that one product spans (all where strides allow it). */
static bool merged(const ig_call *c, const uint8_t *perm, uint32_t first) {
  int64_t stride;
  const uint32_t column = ig_call_out(c, 0)->rank - 1u;
  for (uint32_t i = 0; i < c->n_extra + c->n_out; i++) {
    const ig_view *v = &c->v[c->n_in + i];
    if (ig_view_present(v) && !ig_axes_merge(v, perm, first, column, &stride)) return false;
  }
  return true;
}

/* What is read in place needs no copy to wait for. */
uint32_t NAME(ig_cpu_conv_f32_phases)(const ig_call *c, uint32_t n_parts) {
  ig_image m;
  IG_UNUSED(n_parts);
  ig_image_init(&m, c);
  return in_place(&m, ig_call_in(c, 0)) ? 1 : 2;
}

void NAME(ig_cpu_conv_f32_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_view *x = ig_call_in(c, 0), *w = ig_call_in(c, 1), *out = ig_call_out(c, 0);
  operands o;
  if (ig_view_count(out) == 0) return;
  operands_init(&o, c);
  if (o.copied && phase == 0) {
    prepare_image(&o, c, part, n_parts);
    return;
  }
  char *scratch = (char *)c->scratch + image_bytes(&o.m, x) + part * part_bytes(c, &o.m);
  o.zeros = o.copied || o.dense ? NULL : memset(scratch, 0, zeros_bytes(x));
  const ig_image *m = &o.m;
  const int64_t pixels = m->depth.out * m->out[0] * m->out[1];
  ig_gemm_f32 g = { .n_batch = x->dims[0], .m = pixels, .n = m->group_o, .taps = n_taps(m), .len = m->group_c, .alpha = 1, .ctx = &o, .rows = rows_of, .pack_b = pack_b,
    .row_bytes = m->group_c * m->depth.stride * m->stride[0] * m->stride[1] * 4, .row_axis = 1, .n_total = out->dims[1] };
  for (uint8_t k = 1; k + 1 < out->rank; k++) g.perm[k] = (uint8_t)(k + 1);
  g.perm[out->rank - 1] = 1;
  if (merged(c, g.perm, 0)) g.n_batch = 1, g.m = x->dims[0] * pixels, g.row_axis = 0;
  if (!o.copied && (m->depth.dilation > 1 || m->dilation[0] > 1 || m->dilation[1] > 1)) g.zeros = o.zeros;   /* whole tiles lie beside the image */
  if (whole_rows(&o)) g.taps = m->depth.kernel * m->kernel[0], g.len = m->kernel[1] * m->group_c;
  scratch += zeros_bytes(x);
  for (o.group = 0; o.group < m->groups; o.group++) {
    g.column0 = o.group * m->group_o;
    g.b_packed = w->format ? (const float *)w->data + g.column0 * m->k : NULL;
    NAME(ig_gemm_f32)(&g, c, scratch, part, n_parts);
  }
}
