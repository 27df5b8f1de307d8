/* Depthwise conv of 8-bit integers: include after kernels/conv_s8.inc.h, whose bands of prepared pixels it reads.
 *
 * Channels lie side by side, 16 to a vector of 16-bit integers. Taps go in pairs: the vectors of two taps are interleaved, so that one multiplication
 * sums both products exactly. The sums of a pixel are finished all channels at a time.
 * SPDX-License-Identifier: Apache-2.0 */
enum { LANES = 16, BAND_BYTES = 160 << 10, PIXELS = 16, SUMS_BYTES = 12 << 10 };

typedef struct depthwise {
  const ig_call *c;
  conv_shape s;
  int64_t taps, pairs, rows;           /* rows: of all output images */
  int64_t band_rows;                   /* output rows of a band */
  int64_t pixels;                      /* finished at a time */
  size_t band_bytes;
} depthwise;
static depthwise depthwise_of(const ig_call *c) {
  depthwise d = { .c = c, .s = conv_shape_of(c) };
  d.s.row_channels = (d.s.channels + LANES - 1) / LANES * LANES;
  d.taps = d.s.kernel[0] * d.s.kernel[1];
  d.pairs = (d.taps + 1) / 2;
  d.rows = ig_call_out(c, 0)->dims[0] * d.s.out[0];
  const int64_t row = band_extent(&d.s, 1, d.s.out[1]) * d.s.row_channels * (int64_t)sizeof(elem);
  d.band_rows = 1;
  while (d.band_rows < d.s.out[0] && band_extent(&d.s, 0, d.band_rows + 1) * row <= BAND_BYTES) d.band_rows++;
  d.pixels = ig_max_i64(1, ig_min_i64(PIXELS, SUMS_BYTES / 4 / d.s.row_channels));
  d.band_bytes = (size_t)ig_max_i64(BAND_BYTES, band_extent(&d.s, 0, 1) * row);
  return d;
}

typedef struct depthwise_memory { float *mul, *add; int16_t *w; elem *band; int64_t *tap_at; int32_t *sums; char *epi; } depthwise_memory;
static depthwise_memory depthwise_at(const depthwise *d, char *at, uint32_t part) {
  depthwise_memory m;
  m.mul = (float *)(void *)take(&at, (size_t)(d->s.row_channels + NR) * 4);
  m.add = (float *)(void *)take(&at, (size_t)(d->s.row_channels + NR) * 4);
  m.w = (int16_t *)(void *)take(&at, (size_t)(d->s.row_channels * d->pairs) * 4);
  for (uint32_t i = 0; i <= part; i++) {
    m.band = (elem *)(void *)take(&at, d->band_bytes + 64);
    m.tap_at = (int64_t *)(void *)take(&at, (size_t)(2 * d->pairs) * sizeof *m.tap_at);
    m.sums = (int32_t *)(void *)take(&at, (size_t)(ig_max_i64(SUMS_BYTES / 4, d->s.row_channels) + NR) * 4);
    m.epi = take(&at, ig_epi_bytes(d->c));
  }
  return m;
}
size_t NAME(ig_cpu_depthwise_s8_scratch)(const ig_call *c, uint32_t n_parts) {
  const depthwise d = depthwise_of(c);
  const depthwise_memory m = depthwise_at(&d, NULL, n_parts - 1);
  return (size_t)m.epi + ig_pad64(ig_epi_bytes(c));
}

/* Weights of LANES channels: for each pair of taps two vectors, interleaved as the activations are. */
static void depthwise_weights(const depthwise *d, const depthwise_memory *m, int64_t c0) {
  const ig_view *w = ig_call_in(d->c, 1);
  const bool has_zeros = d->c->n_in > 3 && ig_view_present(ig_call_in(d->c, 3));
  const int64_t kx = d->s.kernel[1], y_stride = w->rank == 4 ? w->strides[2] : 0, x_stride = w->strides[w->rank - 1];
  int16_t *out = m->w + c0 * d->pairs * 2;
  memset(out, 0, (size_t)(LANES * d->pairs) * 4);
  for (int64_t i = 0; i < LANES && c0 + i < d->s.channels; i++) {
    const uint8_t *x = (const uint8_t *)w->data + (c0 + i) * w->strides[0];
    const int32_t zero = has_zeros ? zero_at(d->c, 3, (c0 + i) * d->taps) : 0;
    /* unpacklo and unpackhi take four channels of each half */
    const int64_t at = (i % 8 < 4 ? 0 : LANES) + i / 8 * 8 + i % 4 * 2;
    for (int64_t t = 0; t < d->taps; t++) {
      const uint8_t byte = x[t / kx * y_stride + t % kx * x_stride];
      out[t / 2 * 2 * LANES + at + t % 2] = (int16_t)((is_signed(w) ? (int8_t)byte : byte) - zero);
    }
  }
}

static inline void depthwise_pixel(const elem *x, const int64_t *tap_at, int64_t n_pairs, const int16_t *w, int64_t channels, int32_t *sums) {
  for (int64_t c = 0; c < channels; c += LANES) {
    vi lo = vi_zero(), hi = vi_zero();
    for (int64_t p = 0; p < n_pairs; p++, w += 2 * LANES) {
      const vi a = vi_load(x + tap_at[2 * p] + c), b = vi_load(x + tap_at[2 * p + 1] + c);
      lo = vi_dot(lo, _mm256_unpacklo_epi16(a, b), vi_load(w));
      hi = vi_dot(hi, _mm256_unpackhi_epi16(a, b), vi_load(w + LANES));
    }
    vi_store(sums + c, _mm256_permute2x128_si256(lo, hi, 0x20));
    vi_store(sums + c + SIMD_W, _mm256_permute2x128_si256(lo, hi, 0x31));
  }
}

/* Output rows [oy, oy + n) of an image. */
static void depthwise_band(const depthwise *d, const depthwise_memory *m, int64_t image, int64_t oy, int64_t n, const ig_s8_finish *f, const finish_consts *consts,
                           float *spare, ig_prog *epi) {
  const conv_shape *s = &d->s;
  const ig_view *x = ig_call_in(d->c, 0), *o = ig_call_out(d->c, 0), *r = f ? f->residual : NULL;
  const int32_t zero = zero_at(d->c, 2, 0);
  const int64_t row = band_extent(s, 1, s->out[1]), to = s->row_channels, n_rows = band_extent(s, 0, n);
  const uint8_t *from = (const uint8_t *)x->data + image * s->n_stride;
  for (int64_t y = 0; y < n_rows; y++)
    prepare_pixels(s, x, input_row(s, from, oy * s->stride[0] + y - s->pad[0]), zero, -s->pad[1], 1, row, m->band + y * row * to);
  for (int64_t t = 0; t < 2 * d->pairs; t++) {
    const int64_t tap = ig_min_i64(t, d->taps - 1);   /* the last of an odd number is read twice, once for weights of zero */
    m->tap_at[t] = (tap / s->kernel[1] * s->dilation[0] * row + tap % s->kernel[1] * s->dilation[1]) * to;
  }
  const int64_t y_step = o->rank == 4 ? o->strides[2] : 0, x_step = o->strides[o->rank - 1];
  for (int64_t y = 0; y < n; y++)
    for (int64_t ox = 0, count; ox < s->out[1]; ox += count) {
      int64_t out_at[PIXELS], residual_at[PIXELS];
      count = ig_min_i64(d->pixels, s->out[1] - ox);
      for (int64_t i = 0; i < count; i++) {
        const elem *at = m->band + (y * s->stride[0] * row + (ox + i) * s->stride[1]) * to;
        if (d->pairs == 5) depthwise_pixel(at, m->tap_at, 5, m->w, to, m->sums + i * to);
        else depthwise_pixel(at, m->tap_at, d->pairs, m->w, to, m->sums + i * to);
        out_at[i] = image * o->strides[0] + (oy + y) * y_step + (ox + i) * x_step;
        residual_at[i] = r ? image * r->strides[0] + (oy + y) * (r->rank == 4 ? r->strides[2] : 0) + (ox + i) * r->strides[r->rank - 1] : 0;
      }
      if (f) {
        const finish_tile t = { .k = consts, .spare = spare, .sums = m->sums, .stride = to, .rows = count, .columns = s->channels, .mul = m->mul, .add = m->add,
          .out_at = out_at, .residual_at = residual_at, .out = o->data, .residual = r ? r->data : NULL };
        finish_of(f, consts)(f, &t);
        continue;
      }
      for (int64_t i = 0; i < count; i++)
        ig_prog_range(epi, ((image * s->out[0] + oy + y) * s->out[1] + ox + i) * s->channels, s->channels, m->sums + i * to);
    }
}

void NAME(ig_cpu_depthwise_s8_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  if (ig_view_count(ig_call_out(c, 0)) == 0) return;
  const depthwise d = depthwise_of(c);
  const depthwise_memory m = depthwise_at(&d, c->scratch, part);
  ig_s8_finish f;
  const bool compiled = ig_s8_finish_recognise(c, 1, &f);
  int64_t lo, hi;
  if (phase == 0) {
    ig_split(d.s.row_channels / LANES, part, n_parts, &lo, &hi);
    for (int64_t i = lo; i < hi; i++) depthwise_weights(&d, &m, i * LANES);
    const int64_t end = hi == d.s.row_channels / LANES ? d.s.row_channels + NR : hi * LANES;
    for (int64_t j = lo * LANES; j < end; j++) m.mul[j] = 1, m.add[j] = 0;
    if (compiled) ig_s8_finish_columns(&f, 1, lo * LANES, ig_min_i64(hi * LANES, d.s.channels), m.mul, m.add);
    return;
  }
  ig_split_items(c, d.rows, part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  ig_prog *epi = NULL;
  float spare[2 * PAIR] = { 0 };
  const finish_consts consts = compiled ? consts_of(&f, m.mul, m.add, d.s.channels, d.taps) : (finish_consts){ .wide = false };
  if (!compiled) {
    static const uint8_t perms[2][4] = { { 0, 2, 1 }, { 0, 2, 3, 1 } };
    epi = ig_epi_make(m.epi, c, perms[ig_call_out(c, 0)->rank == 4], IG_S_I32, c->n_out, &SIMD_PROG);
  }
  for (int64_t r = lo; r < hi;) {
    const int64_t oy = r % d.s.out[0], n = ig_min_i64(d.band_rows, ig_min_i64(hi - r, d.s.out[0] - oy));
    depthwise_band(&d, &m, r / d.s.out[0], oy, n, compiled ? &f : NULL, &consts, spare, epi);
    r += n;
  }
}
