/* conv of 8-bit integers with constant weights of a single group: include after kernels/gemm_s8.inc.h.
 *
 * Rows are output pixels. A block needs a band of input rows, which is prepared once with its padding, channels side by side in a multiple of KG;
 * windows are pointers into it. Where the kernel is not dilated along x, a row of it is one run of words, all columns of the kernel together.
 * A pointwise convolution prepares the pixels that it reads alone.
 * SPDX-License-Identifier: Apache-2.0 */
/* Are pixels multiplied where they lie? Those of a pointwise convolution without padding, if they need no preparing. */
static bool in_place(const conv_shape *s, const ig_view *v) {
  return sizeof(elem) == 1 && s->is_point && !is_signed(v) && s->c_stride == 1 && s->channels == s->row_channels && s->pad[0] == 0 && s->pad[1] == 0 &&
    (s->out[0] - 1) * s->stride[0] < s->in[0] && (s->out[1] - 1) * s->stride[1] < s->in[1];
}
/* The pixels that a pointwise convolution reads, one after the other. */
static void prepare_points(const conv_shape *s, const ig_view *v, const uint8_t *image, int32_t zero, int64_t first, int64_t n, const block *out) {
  const bool lies = in_place(s, v);
  out->run_at[0] = 0;
  for (int64_t i = 0, count; i < n; i += count) {
    const int64_t oy = (first + i) / s->out[1], ox = (first + i) % s->out[1];
    count = ig_min_i64(n - i, s->out[1] - ox);
    if (lies) {
      const uint8_t *x = image + oy * s->stride[0] * s->y_stride + ox * s->stride[1] * s->x_stride;
      for (int64_t j = 0; j < count; j++, x += s->stride[1] * s->x_stride) out->rows[i + j] = (const elem *)(const void *)x;
      continue;
    }
    prepare_pixels(s, v, input_row(s, image, oy * s->stride[0] - s->pad[0]), zero, ox * s->stride[1] - s->pad[1], s->stride[1], count,
                   out->a + i * s->row_channels);
  }
  for (int64_t i = 0; i < n && !lies; i++) out->rows[i] = out->a + i * s->row_channels;
}

static void conv_prepare(const product *g, int64_t m0, int64_t n, const block *out) {
  const conv_shape *s = g->user;
  const ig_view *v = ig_call_in(g->c, 0);
  const int32_t zero = zero_at(g->c, 2, 0);
  const uint8_t *image = (const uint8_t *)v->data + m0 / g->image_rows * s->n_stride;
  const int64_t first = m0 % g->image_rows, last = first + n - 1, width = s->out[1], to = s->row_channels;
  for (int64_t i = 0; i < n && out->row_zeros; i++) out->row_zeros[i] = prepared_zero(is_signed(v), zero);
  if (s->is_point) {
    prepare_points(s, v, image, zero, first, n, out);
    return;
  }
  const int64_t oy0 = first / width, oy1 = last / width;
  const int64_t ox0 = oy0 == oy1 ? first % width : 0, n_x = oy0 == oy1 ? n : width;
  const int64_t row = band_extent(s, 1, n_x), n_rows = band_extent(s, 0, oy1 - oy0 + 1);
  for (int64_t y = 0; y < n_rows; y++) {
    const uint8_t *from = input_row(s, image, oy0 * s->stride[0] + y - s->pad[0]);
    prepare_pixels(s, v, from, zero, ox0 * s->stride[1] - s->pad[1], 1, row, out->a + y * row * to);
  }
  for (int64_t i = 0, oy = oy0, ox = first % width; i < n; oy++, ox = 0) {
    const elem *at = out->a + ((oy - oy0) * s->stride[0] * row + (ox - ox0) * s->stride[1]) * to;
    for (const int64_t end = ig_min_i64(n, i + width - ox); i < end; i++, at += s->stride[1] * to) out->rows[i] = at;
  }
  const int64_t per_row = s->merged ? 1 : s->kernel[1];
  for (int64_t r = 0; r < g->n_runs; r++) out->run_at[r] = (r / per_row * s->dilation[0] * row + r % per_row * s->dilation[1]) * to;
}

static product conv_product(const ig_call *c, conv_shape *s) {
  const ig_view *o = ig_call_out(c, 0);
  *s = conv_shape_of(c);
  product g = { .c = c, .image_rows = s->out[0] * s->out[1], .n = o->dims[1], .depth = s->channels * s->kernel[0] * s->kernel[1], .channel = 1,
    .n_axes = o->rank - 1u, .prepare = conv_prepare, .user = s };
  for (uint32_t k = 1; k < IG_MAX_RANK; k++) g.axes[k] = (uint8_t)(k + 1);
  g.rows = g.image_rows * o->dims[0];
  g.panels = (g.n + NR - 1) / NR;
  g.n_runs = s->kernel[0] * (s->merged ? 1 : s->kernel[1]);
  g.run_words = s->row_channels / KG * (s->merged ? s->kernel[1] : 1);
  g.words = g.n_runs * g.run_words;
  const int64_t pixel = s->row_channels * (int64_t)sizeof(elem);
  if (s->is_point) {
    g.block_rows = ig_max_i64(MR, ig_min_i64(BLOCK_ROWS, A_BYTES / pixel));
    g.a_bytes = (size_t)ig_max_i64(A_BYTES, MR * pixel);
  } else {
    int64_t rows = 1;
    while (rows * s->out[1] < BLOCK_ROWS && band_extent(s, 0, rows + 2) * band_extent(s, 1, s->out[1]) * pixel <= A_BYTES) rows++;
    g.block_rows = ig_max_i64(1, ig_min_i64(BLOCK_ROWS, rows * s->out[1]));
    g.a_bytes = (size_t)ig_max_i64(A_BYTES, band_extent(s, 0, 2) * band_extent(s, 1, s->out[1]) * pixel);
  }
  g.input_bytes = (double)s->in[0] * (double)s->in[1] * (double)s->channels;
  return g;
}

size_t NAME(ig_cpu_conv_s8_scratch)(const ig_call *c, uint32_t n_parts) {
  conv_shape s;
  const product g = conv_product(c, &s);
  return scratch_bytes(&g, n_parts);
}
void NAME(ig_cpu_conv_s8_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  conv_shape s;
  if (ig_view_count(ig_call_out(c, 0)) == 0) return;
  const product g = conv_product(c, &s);
  IG_UNUSED(phase);
  run_product(&g, part, n_parts);
}
