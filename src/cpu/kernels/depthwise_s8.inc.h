/* Depthwise conv of 8-bit integers: include after simd/s8_pairs_avx2.h and
 * kernels/conv_pixels.inc.h, whose prepared pixels it reads.
 *
 * Channels lie side by side, 16 to a vector of 16-bit integers. Taps go in pairs: the vectors of two taps are interleaved, so that one multiplication
 * sums both products exactly. A pair is two rows of the kernel at one column, or two columns of its last row where their number is odd. Interleaved,
 * lanes hold channels 0-3, 8-11 and 4-7, 12-15 of a vector; packing them to 16 bits puts them in order.
 *
 * The frequent kernels whose results are bytes read bytes where they lie, TILE pixels of a row at a time, and finish them in registers: a pair serves
 * all pixels of the tile that it is a tap of. Everything else reads a prepared band pixel by pixel, and is finished from memory.
 * SPDX-License-Identifier: Apache-2.0 */
enum { LANES = 16, BAND_BYTES = 160 << 10, PIXELS = 16, SUMS_BYTES = 12 << 10, TILE = 4, TILE_COLUMNS = 11 };

/* TILE pixels of n channels, up to a multiple of LANES: rows[ky] is the first byte that they read of a row, pixels lie `step` bytes apart. */
typedef struct tile_job {
  const uint8_t *const *rows;
  int64_t step, n;
  const int16_t *w;
  const float *mul, *add;              /* in the order of interleaved lanes, as is: */
  const int32_t *start;                /* of the sums: what the zero point takes off, since bytes are multiplied as they are */
  const bytes_form *form;
  uint8_t *const *out;                 /* [TILE] */
} tile_job;
typedef void (*tile_fn)(const tile_job *t);

/* Two pixels of LANES channels: sums[pixel][half], interleaved. */
ALWAYS void depthwise_store(const tile_job *t, int64_t c, vi sums[2][2], uint8_t *const out[2]) {
  vi x[2][2];
  _Pragma("GCC unroll 2") for (int i = 0; i < 2; i++)
    _Pragma("GCC unroll 2") for (int h = 0; h < 2; h++)
      x[i][h] = vs_rint(vs_add(vs_mul(vs_of(sums[i][h]), vs_load(t->mul + c + h * SIMD_W)), vs_load(t->add + c + h * SIMD_W)));
  const vi bytes = vi_within(_mm256_packus_epi16(vi_words(x[0][0], x[0][1], t->form), vi_words(x[1][0], x[1][1], t->form)), t->form, false);
  const __m128i low = _mm256_castsi256_si128(bytes), high = _mm256_extracti128_si256(bytes, 1);
  _mm_storeu_si128((__m128i *)(void *)(out[0] + c), _mm_unpacklo_epi64(low, high));
  _mm_storeu_si128((__m128i *)(void *)(out[1] + c), _mm_unpackhi_epi64(low, high));
}

/* sum + x * w. It is added in assembly: gcc would bring long chains of additions into another order, in which sixteen registers do not hold them. */
ALWAYS vi depthwise_dot(vi sum, vi x, const int16_t *w) {
  const vi products = _mm256_madd_epi16(x, vi_load(w));
  __asm__("vpaddd %1, %0, %0" : "+x"(sum) : "x"(products));
  return sum;
}
/* kernel, stride: constants, the same for both axes. */
ALWAYS void depthwise_tile(const tile_job *t, const int kernel, const int stride, const bool is_signed) {
  const int n_columns = (TILE - 1) * stride + kernel, pairs = kernel / 2, n_pairs = (kernel * kernel + 1) / 2;
  const int16_t *w = t->w;
  const int64_t step = t->step;
  const uint8_t *rows[5];
  _Pragma("GCC unroll 5") for (int y = 0; y < kernel; y++) rows[y] = t->rows[y];
#define BYTES_AT(row, column) \
  vi_widen(_mm_loadu_si128((const __m128i *)(const void *)(rows[row] + (column) * step + c)), is_signed)
  for (int64_t c = 0; c < t->n; c += LANES, w += n_pairs * 2 * LANES) {
    vi sums[TILE][2], next = BYTES_AT(kernel - 1, 0);
    _Pragma("GCC unroll 4") for (int i = 0; i < TILE; i++) sums[i][0] = vi_load(t->start + c), sums[i][1] = vi_load(t->start + c + SIMD_W);
    _Pragma("GCC unroll 16") for (int column = 0; column < n_columns; column++) {
      _Pragma("GCC unroll 4") for (int p = 0; p < pairs; p++) {
        const vi a = BYTES_AT(2 * p, column), b = BYTES_AT(2 * p + 1, column), lo = _mm256_unpacklo_epi16(a, b), hi = _mm256_unpackhi_epi16(a, b);
        _Pragma("GCC unroll 4") for (int i = 0; i < TILE; i++) {
          const int kx = column - i * stride;
          if (kx < 0 || kx >= kernel) continue;
          sums[i][0] = depthwise_dot(sums[i][0], lo, w + (p * kernel + kx) * 2 * LANES);
          sums[i][1] = depthwise_dot(sums[i][1], hi, w + (p * kernel + kx) * 2 * LANES + LANES);
        }
      }
      const vi last = next;
      if (column + 1 < n_columns) next = BYTES_AT(kernel - 1, column + 1);
      const vi lo = _mm256_unpacklo_epi16(last, next), hi = _mm256_unpackhi_epi16(last, next);
      _Pragma("GCC unroll 4") for (int i = 0; i < TILE; i++) {
        const int kx = column - i * stride;
        if (kx < 0 || kx >= kernel || kx % 2) continue;
        sums[i][0] = depthwise_dot(sums[i][0], lo, w + (pairs * kernel + kx / 2) * 2 * LANES);
        sums[i][1] = depthwise_dot(sums[i][1], hi, w + (pairs * kernel + kx / 2) * 2 * LANES + LANES);
      }
      if (column == stride + kernel - 1) depthwise_store(t, c, sums, t->out);
      if (column == n_columns - 1) depthwise_store(t, c, sums + 2, t->out + 2);
    }
  }
#undef BYTES_AT
}
#define DEPTHWISE_TILE(kernel, stride) \
  static void tile_##kernel##_##stride##_i8(const tile_job *t) { depthwise_tile(t, kernel, stride, true); } \
  static void tile_##kernel##_##stride##_u8(const tile_job *t) { depthwise_tile(t, kernel, stride, false); }
DEPTHWISE_TILE(3, 1)
DEPTHWISE_TILE(3, 2)
DEPTHWISE_TILE(5, 1)
DEPTHWISE_TILE(5, 2)
static tile_fn tile_of(const conv_shape *s, bool is_signed) {
  static const tile_fn fns[2][2][2] = { { { tile_3_1_u8, tile_3_1_i8 }, { tile_3_2_u8, tile_3_2_i8 } }, { { tile_5_1_u8, tile_5_1_i8 }, { tile_5_2_u8, tile_5_2_i8 } } };
  const int64_t kernel = s->kernel[0], stride = s->stride[0];
  if (kernel != s->kernel[1] || stride != s->stride[1] || (kernel != 3 && kernel != 5) || stride > 2 || s->dilation[0] != 1 || s->dilation[1] != 1) return NULL;
  return fns[kernel == 5][stride - 1][is_signed];
}

typedef struct depthwise {
  const ig_call *c;
  conv_shape s;
  int64_t taps, pairs, rows;           /* rows: of all output images */
  int64_t band_rows;                   /* output rows of a band */
  int64_t pixels;                      /* finished at a time */
  tile_fn tile;                        /* NULL: by prepared bands */
  size_t band_bytes;                   /* of a band, or of what tiles read instead of an image's edge */
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
  if (d.s.c_stride == 1 && d.s.x_stride == d.s.channels) d.tile = tile_of(&d.s, is_signed(ig_call_in(c, 0)));
  const int64_t copies = (d.s.kernel[0] + 1) * TILE_COLUMNS * d.s.channels + 2 * LANES;
  if (d.tile) d.band_bytes = (size_t)ig_max_i64((int64_t)d.band_bytes, copies);
  return d;
}

typedef struct depthwise_memory { float *mul, *add, *lanes_mul, *lanes_add; int16_t *w; int32_t *zeros, *start; elem *band; int64_t *tap_at; int32_t *sums; char *epi; } depthwise_memory;
static depthwise_memory depthwise_at(const depthwise *d, char *at, uint32_t part) {
  depthwise_memory m;
  m.mul = (float *)(void *)take(&at, (size_t)(d->s.row_channels + LANES) * 4);
  m.add = (float *)(void *)take(&at, (size_t)(d->s.row_channels + LANES) * 4);
  m.lanes_mul = (float *)(void *)take(&at, (size_t)d->s.row_channels * 4);
  m.lanes_add = (float *)(void *)take(&at, (size_t)d->s.row_channels * 4);
  m.zeros = (int32_t *)(void *)take(&at, (size_t)d->s.row_channels * 4);
  m.start = (int32_t *)(void *)take(&at, (size_t)d->s.row_channels * 4);
  m.w = (int16_t *)(void *)take(&at, (size_t)(d->s.row_channels * d->pairs) * 4);
  for (uint32_t i = 0; i <= part; i++) {
    m.band = (elem *)(void *)take(&at, d->band_bytes + 64);
    m.tap_at = (int64_t *)(void *)take(&at, (size_t)(2 * d->pairs) * sizeof *m.tap_at);
    m.sums = (int32_t *)(void *)take(&at, (size_t)(ig_max_i64(SUMS_BYTES / 4, d->s.row_channels) + LANES) * 4);
    m.epi = take(&at, ig_epi_bytes(d->c));
  }
  return m;
}
size_t NAME(ig_cpu_depthwise_s8_scratch)(const ig_call *c, uint32_t n_parts) {
  const depthwise d = depthwise_of(c);
  const depthwise_memory m = depthwise_at(&d, NULL, n_parts - 1);
  return (size_t)m.epi + ig_pad64(ig_epi_bytes(c));
}

/* Tap `i` of the order in which pairs of them follow each other. */
static void tap_of(const conv_shape *s, int64_t i, int64_t *ky, int64_t *kx) {
  const int64_t width = s->kernel[1], paired = s->kernel[0] / 2 * 2 * width;
  *ky = i < paired ? i / (2 * width) * 2 + i % 2 : s->kernel[0] - 1;
  *kx = i < paired ? i % (2 * width) / 2 : i - paired;
}
/* Where channel `i` of a vector lies in two interleaved ones, in pairs. */
static int64_t lane_of(int64_t i) { return (i % 8 < 4 ? 0 : LANES / 2) + i / 8 * 4 + i % 4; }

/* A tap's weights of n channels. */
ALWAYS void weights_of_tap(const uint8_t *x, int64_t step, bool is_signed, const int32_t *zeros, const int64_t n, int16_t *out) {
  _Pragma("GCC unroll 16") for (int64_t i = 0; i < n; i++, x += step) out[2 * lane_of(i)] = (int16_t)((is_signed ? (int8_t)*x : *x) - zeros[i]);
}
/* What belongs to channels [lo, hi), whole vectors. Weights: for each pair of taps two vectors, interleaved as the activations are. */
static void depthwise_weights(const depthwise *d, const depthwise_memory *m, int64_t lo, int64_t hi) {
  const ig_view *w = ig_call_in(d->c, 1);
  const bool has_zeros = d->c->n_in > 3 && ig_view_present(ig_call_in(d->c, 3));
  const int64_t y_stride = w->rank == 4 ? w->strides[2] : 0, x_stride = w->strides[w->rank - 1], step = w->strides[0];
  const int32_t zero = zero_at(d->c, 2, 0);
  memset(m->zeros + lo, 0, (size_t)(hi - lo) * sizeof *m->zeros);
  memset(m->w + lo * d->pairs * 2, 0, (size_t)((hi - lo) * d->pairs * 2) * sizeof *m->w);
  for (int64_t c = lo; c < hi && c < d->s.channels && has_zeros; c++) m->zeros[c] = zero_at(d->c, 3, c * d->taps);
  for (int64_t t = 0; t < d->taps; t++) {
    int64_t ky, kx;
    tap_of(&d->s, t, &ky, &kx);
    const uint8_t *x = (const uint8_t *)w->data + ky * y_stride + kx * x_stride;
    for (int64_t c = lo; c < hi; c += LANES) {
      const int64_t n = ig_min_i64(LANES, d->s.channels - c);
      int16_t *out = m->w + c * d->pairs * 2 + t / 2 * 2 * LANES + t % 2;
      if (n == LANES) weights_of_tap(x + c * step, step, is_signed(w), m->zeros + c, LANES, out);
      else weights_of_tap(x + c * step, step, is_signed(w), m->zeros + c, n, out);
    }
  }
  for (int64_t c = lo; c < hi; c += LANES) {
    const vi ones = vi_set(0x00010001), off = vi_set(-zero);
    const int16_t *at = m->w + c * d->pairs * 2;
    vi first = vi_zero(), second = vi_zero();
    for (int64_t p = 0; p < d->pairs; p++, at += 2 * LANES) first = vi_dot(first, ones, vi_load(at)), second = vi_dot(second, ones, vi_load(at + LANES));
    vi_store(m->start + c, _mm256_mullo_epi32(first, off));
    vi_store(m->start + c + SIMD_W, _mm256_mullo_epi32(second, off));
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
    int64_t ky, kx;
    tap_of(s, ig_min_i64(t, d->taps - 1), &ky, &kx);   /* the last of an odd number is read twice, once for weights of zero */
    m->tap_at[t] = (ky * s->dilation[0] * row + kx * s->dilation[1]) * to;
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

/* Output row oy of an image, by tiles; the last ends where the row does. What they read outside of a row, and vectors that a tensor's end would cut,
 * are copied to memory with what stands for padding. */
static void depthwise_row(const depthwise *d, const depthwise_memory *m, int64_t image, int64_t oy, const bytes_form *form) {
  const conv_shape *s = &d->s;
  const ig_view *x = ig_call_in(d->c, 0), *o = ig_call_out(d->c, 0);
  const int32_t zero = zero_at(d->c, 2, 0);
  const int64_t c = s->channels, kernel = s->kernel[0], n_columns = (TILE - 1) * s->stride[1] + kernel, x_step = o->strides[o->rank - 1];
  const uint8_t *from = (const uint8_t *)x->data + image * s->n_stride, *source[5], *rows[5];
  uint8_t *copies = (uint8_t *)m->band, *padding = copies + kernel * n_columns * c + LANES, *out[TILE], *spare = (uint8_t *)m->sums;
  uint8_t *to = (uint8_t *)o->data + image * o->strides[0] + oy * (o->rank == 4 ? o->strides[2] : 0);
  tile_job t = { .rows = rows, .step = c, .n = c, .w = m->w, .mul = m->lanes_mul, .add = m->lanes_add, .start = m->start, .form = form, .out = out };
  for (int64_t y = 0; y < kernel; y++) source[y] = input_row(s, from, oy * s->stride[0] + y - s->pad[0]);
  for (int64_t y = 0; y < kernel; y++)
    if (!source[y]) memset(padding, zero, (size_t)(n_columns * c));
  for (int64_t done = 0; done < s->out[1]; done += TILE) {
    const int64_t ox = ig_max_i64(0, ig_min_i64(done, s->out[1] - TILE)), x0 = ox * s->stride[1] - s->pad[1];
    const int64_t lo = ig_min_i64(n_columns, ig_max_i64(0, -x0)), hi = ig_max_i64(lo, ig_min_i64(n_columns, s->in[1] - x0));
    const bool copied = lo > 0 || hi < n_columns || (s->in[1] - x0 - n_columns) * c < s->row_channels - c;
    for (int64_t y = 0; y < kernel; y++) {
      uint8_t *copy = copies + y * n_columns * c;
      rows[y] = !source[y] ? padding : copied ? copy : source[y] + x0 * c;
      if (!source[y] || !copied) continue;
      memset(copy, zero, (size_t)(lo * c));
      memcpy(copy + lo * c, source[y] + (x0 + lo) * c, (size_t)((hi - lo) * c));
      memset(copy + hi * c, zero, (size_t)((n_columns - hi) * c));
    }
    const int64_t n = ig_min_i64(TILE, s->out[1]);
    const bool whole = n == TILE && c % LANES == 0;
    for (int64_t i = 0; i < TILE; i++) out[i] = whole ? to + (ox + i) * x_step : spare + i * s->row_channels;
    d->tile(&t);
    for (int64_t i = 0; i < n && !whole; i++) memcpy(to + (ox + i) * x_step, out[i], (size_t)c);
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
    depthwise_weights(&d, &m, lo * LANES, hi * LANES);
    const int64_t end = hi == d.s.row_channels / LANES ? d.s.row_channels + LANES : hi * LANES;
    for (int64_t j = lo * LANES; j < end; j++) m.mul[j] = 1, m.add[j] = 0;
    if (compiled) ig_s8_finish_columns(&f, 1, lo * LANES, ig_min_i64(hi * LANES, d.s.channels), m.mul, m.add);
    for (int64_t j = lo * LANES; j < hi * LANES; j++) {
      const int64_t at = j / LANES * LANES + lane_of(j % LANES);
      m.lanes_mul[at] = m.mul[j], m.lanes_add[at] = m.add[j];
    }
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
  if (d.tile && compiled && (flags_of(&f, &consts) & ~FULL) == BYTES) {
    for (int64_t r = lo; r < hi; r++) depthwise_row(&d, &m, r / d.s.out[0], r % d.s.out[0], &consts.bytes);
    return;
  }
  for (int64_t r = lo; r < hi;) {
    const int64_t oy = r % d.s.out[0], n = ig_min_i64(d.band_rows, ig_min_i64(hi - r, d.s.out[0] - oy));
    depthwise_band(&d, &m, r / d.s.out[0], oy, n, compiled ? &f : NULL, &consts, spare, epi);
    r += n;
  }
}
