/* Inputs of convolutions with their padding. See image.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/image.h"

/* Strides, and the data itself where its rows have unit stride. */
static void set_plain(ig_image *m, const ig_view *x, int64_t n_spatial) {
  m->n_c = x->dims[1];
  m->n_stride = x->strides[0];
  m->c_stride = x->strides[1];
  m->y_stride = n_spatial >= 2 ? x->strides[n_spatial] : 0;
  const bool unit = x->strides[x->rank - 1] == 1 || x->dims[x->rank - 1] == 1;
  m->plain = unit && !ig_view_blocked(x) && x->dtype == IG_DTYPE_F32 ? x->data : NULL;
  m->unit = unit && !ig_view_blocked(x);
}

/* Depth of a convolution or window; m's other axes are those of 2-D ones. */
static void set_depth(ig_image *m, const ig_view *x, const ig_view *o, int64_t n_spatial, ig_image_depth d) {
  m->depth = (ig_image_depth){ 1, 1, 1, 1, 1, 0, 0, 0 };
  if (n_spatial == 3) {
    m->depth = d;
    m->depth.in = x->dims[2];
    m->depth.out = o->dims[2];
    m->depth.z_stride = x->strides[2];
  }
  m->planes = (m->depth.out - 1) * m->depth.stride + (m->depth.kernel - 1) * m->depth.dilation + 1;
}

void ig_image_init(ig_image *m, const ig_call *c) {
  const ig_conv_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *w = ig_call_in(c, 1), *o = ig_call_out(c, 0);
  *m = (ig_image){ .group_c = w->dims[1], .group_o = w->dims[0] / p->groups, .groups = p->groups, .k = w->dims[1] };
  bool padded = false;
  for (int d = 0; d < 2; d++) {
    const int64_t s = d - (2 - p->n_spatial);
    m->in[d] = s < 0 ? 1 : x->dims[2 + s];
    m->out[d] = s < 0 ? 1 : o->dims[2 + s];
    m->kernel[d] = s < 0 ? 1 : w->dims[2 + s];
    m->stride[d] = s < 0 ? 1 : p->stride[s];
    m->dilation[d] = s < 0 ? 1 : p->dilation[s];
    m->pad[d] = s < 0 ? 0 : p->pad_lo[s];
    m->k *= m->kernel[d];
    const int64_t reach = (m->out[d] - 1) * m->stride[d] + (m->kernel[d] - 1) * m->dilation[d] + 1;
    padded |= m->pad[d] != 0 || reach > m->in[d];
    if (d == 0) m->rows = reach;
    else m->row = reach;
  }
  set_depth(m, x, o, p->n_spatial, (ig_image_depth){ .kernel = w->dims[2], .stride = p->stride[0], .dilation = p->dilation[0], .pad = p->pad_lo[0] });
  m->k *= m->depth.kernel;
  set_plain(m, x, p->n_spatial);
  m->copied = padded || !m->unit;
}

void ig_image_init_window(ig_image *m, const ig_call *c, float border) {
  const ig_window_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  *m = (ig_image){ .border = border, .copied = true };
  for (int d = 0; d < 2; d++) {
    const int64_t s = d - (2 - p->n_spatial);
    m->in[d] = s < 0 ? 1 : x->dims[2 + s];
    m->out[d] = s < 0 ? 1 : o->dims[2 + s];
    m->kernel[d] = s < 0 ? 1 : p->kernel[s];
    m->stride[d] = s < 0 ? 1 : p->stride[s];
    m->dilation[d] = s < 0 || p->dilation[s] < 1 ? 1 : p->dilation[s];
    m->pad[d] = s < 0 ? 0 : p->pad_lo[s];
    m->pad_hi[d] = s < 0 ? 0 : p->pad_hi[s];
  }
  m->rows = (m->out[0] - 1) * m->stride[0] + (m->kernel[0] - 1) * m->dilation[0] + 1;
  m->row = (m->out[1] - 1) * m->stride[1] + (m->kernel[1] - 1) * m->dilation[1] + 1;
  set_depth(m, x, o, p->n_spatial, (ig_image_depth){ .kernel = p->kernel[0], .stride = p->stride[0], .dilation = p->dilation[0] < 1 ? 1 : p->dilation[0], .pad = p->pad_lo[0], .pad_hi = p->pad_hi[0] });
  set_plain(m, x, p->n_spatial);
}

static void fill(float *out, int64_t n, float x) {
  for (int64_t i = 0; i < n; i++) out[i] = x;
}

void ig_image_copy(const ig_image *m, const ig_reader *r, int64_t plane, float *out) {
  const int64_t x_lo = ig_max_i64(0, m->pad[1]), x_from = ig_max_i64(0, -m->pad[1]), n = ig_max_i64(0, ig_min_i64(m->in[1] - x_from, m->row - x_lo));
  const int64_t base = plane / m->n_c * m->n_stride + plane % m->n_c * m->c_stride + x_from;
  for (int64_t y = 0; y < m->rows; y++, out += m->row) {
    const int64_t from = y - m->pad[0];
    if (from < 0 || from >= m->in[0] || n == 0) {
      fill(out, m->row, m->border);
      continue;
    }
    fill(out, x_lo, m->border);
    if (m->plain) memcpy(out + x_lo, m->plain + base + from * m->y_stride, (size_t)n * sizeof *out);
    else ig_reader_read(r, (plane * m->in[0] + from) * m->in[1] + x_from, n, out + x_lo);
    fill(out + x_lo + n, m->row - x_lo - n, m->border);
  }
}
