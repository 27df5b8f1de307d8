/* Depthwise conv of 8-bit integers by a 3x3 kernel, results bytes, on words of four taps: include after kernels/conv_s8.inc.h.
 *
 * A word is a column of the kernel: the bytes of three rows and a 0. Rows of 64 bytes are interleaved to four vectors of words, whose lanes of 128 bits hold
 * channels 4k .. 4k + 3 of sixteen; packing the sums to bytes puts them in order. TILE pixels of a row share the columns that they have in common.
 * A vector holds 64 channels of a pixel, or 32 of two, or 16 of four: no lane is idle where channels are a multiple of 16. Pixels are read through
 * pointers, so that padding needs no copies. What this form does not take is done by the kernel for AVX2.
 * SPDX-License-Identifier: Apache-2.0 */
enum { TILE = 4, SIDE = 3, LANES = 64, COLUMNS_MAX = TILE * 2 + 1, BLOCK_WORDS = SIDE * 4 * SIMD_W, CHUNK = 4 };

typedef struct word_block {            /* of LANES / pixels channels from `first` */
  int64_t first;
  int pixels;
} word_block;
typedef struct word_columns { float *mul, *add; int32_t *w, *start; } word_columns;   /* of blocks, four vectors each; w: for each column of the kernel */
typedef struct word_tile {
  const uint8_t *const *at[SIDE];      /* first byte of each pixel that is read */
  uint8_t *out[TILE];
  const bytes_form *form;
} word_tile;

/* Bytes of as many pixels as a vector holds, `apart` pixels from each other. */
ALWAYS vi load_pixels(const uint8_t *const *at, int64_t c, const int pixels, const int apart) {
  if (pixels == 1) return vi_load(at[0] + c);
  if (pixels == 2) {
    const __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)(at[0] + c)), high = _mm256_loadu_si256((const __m256i *)(const void *)(at[apart] + c));
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  }
#define QUARTER(i) _mm_loadu_si128((const __m128i *)(const void *)(at[(i) * apart] + c))
  const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(QUARTER(0)), QUARTER(1), 1);
  const __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(QUARTER(2)), QUARTER(3), 1);
#undef QUARTER
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}
ALWAYS void store_pixels(uint8_t *const *out, int64_t c, const int pixels, const int apart, vi x) {
  const __m256i low = _mm512_castsi512_si256(x), high = _mm512_extracti64x4_epi64(x, 1);
  if (pixels == 1) vi_store(out[0] + c, x);
  if (pixels == 2) {
    _mm256_storeu_si256((__m256i *)(void *)(out[0] + c), low);
    _mm256_storeu_si256((__m256i *)(void *)(out[apart] + c), high);
  }
  if (pixels == 4) {
    _mm_storeu_si128((__m128i *)(void *)(out[0] + c), _mm256_castsi256_si128(low));
    _mm_storeu_si128((__m128i *)(void *)(out[apart] + c), _mm256_extracti128_si256(low, 1));
    _mm_storeu_si128((__m128i *)(void *)(out[2 * apart] + c), _mm256_castsi256_si128(high));
    _mm_storeu_si128((__m128i *)(void *)(out[3 * apart] + c), _mm256_extracti128_si256(high, 1));
  }
}

/* A tile's pixels of n blocks, all of as many pixels, whose first channel is c. */
ALWAYS void words_of_tile(const word_tile *t, const word_columns *k, int64_t c, int64_t n, const int stride, const int pixels, const bool is_signed) {
  const int sets = TILE / pixels, n_columns = (sets - 1) * stride + SIDE;
  const int32_t *w = k->w, *start = k->start;
  const float *mul = k->mul, *add = k->add;
  for (int64_t b = 0; b < n; b++, c += LANES, w += BLOCK_WORDS, start += LANES, mul += LANES, add += LANES) {
    vi sums[TILE][4];
    _Pragma("GCC unroll 4") for (int i = 0; i < sets; i++)
      _Pragma("GCC unroll 4") for (int v = 0; v < 4; v++) sums[i][v] = vi_load(start + v * SIMD_W);
    _Pragma("GCC unroll 9") for (int column = 0; column < n_columns; column++) {
      vi row[SIDE];
      _Pragma("GCC unroll 3") for (int y = 0; y < SIDE; y++) {
        row[y] = load_pixels(t->at[y] + column, c, pixels, sets * stride);
        if (is_signed) row[y] = _mm512_xor_si512(row[y], _mm512_set1_epi8((char)0x80));
      }
      const vi low = _mm512_unpacklo_epi8(row[0], row[1]), high = _mm512_unpackhi_epi8(row[0], row[1]);
      const vi low2 = _mm512_unpacklo_epi8(row[2], vi_zero()), high2 = _mm512_unpackhi_epi8(row[2], vi_zero());
      const vi words[4] = { _mm512_unpacklo_epi16(low, low2), _mm512_unpackhi_epi16(low, low2), _mm512_unpacklo_epi16(high, high2), _mm512_unpackhi_epi16(high, high2) };
      _Pragma("GCC unroll 4") for (int i = 0; i < sets; i++) {
        const int kx = column - i * stride;
        if (kx < 0 || kx >= SIDE) continue;
        _Pragma("GCC unroll 4") for (int v = 0; v < 4; v++) sums[i][v] = vi_dot(sums[i][v], words[v], vi_load(w + (kx * 4 + v) * SIMD_W));
      }
    }
    _Pragma("GCC unroll 4") for (int i = 0; i < sets; i++) {
      vi x[4];
      _Pragma("GCC unroll 4") for (int v = 0; v < 4; v++)
        x[v] = vs_rint(vs_add(vs_mul(vs_of(sums[i][v]), vs_load(mul + v * SIMD_W)), vs_load(add + v * SIMD_W)));
      const vi bytes = vi_within(_mm512_packus_epi16(vi_words(x[0], x[1], t->form), vi_words(x[2], x[3], t->form)), t->form, false);
      store_pixels(t->out + i, c, pixels, sets, bytes);
    }
  }
}
typedef void (*words_fn)(const word_tile *t, const word_columns *k, int64_t c, int64_t n);
#define WORDS(stride, pixels) \
  static void words_##stride##_##pixels##_u8(const word_tile *t, const word_columns *k, int64_t c, int64_t n) { words_of_tile(t, k, c, n, stride, pixels, false); } \
  static void words_##stride##_##pixels##_i8(const word_tile *t, const word_columns *k, int64_t c, int64_t n) { words_of_tile(t, k, c, n, stride, pixels, true); }
WORDS(1, 1)
WORDS(1, 2)
WORDS(1, 4)
WORDS(2, 1)
WORDS(2, 2)
WORDS(2, 4)
/* [stride - 1][is_signed][pixels / 2] */
static const words_fn words_table[2][2][3] = { { { words_1_1_u8, words_1_2_u8, words_1_4_u8 }, { words_1_1_i8, words_1_2_i8, words_1_4_i8 } },
  { { words_2_1_u8, words_2_2_u8, words_2_4_u8 }, { words_2_1_i8, words_2_2_i8, words_2_4_i8 } } };

/* ---- what belongs to channels ---- */

typedef struct depthwise { const ig_call *c; conv_shape s; int64_t blocks; bool is_signed; int32_t zero; } depthwise;

/* Whole vectors, then at most one of two pixels, then those of four. */
static word_block block_at(const depthwise *d, int64_t b) {
  const int64_t whole = d->s.channels / LANES, has_half = d->s.channels % LANES >= LANES / 2, first = whole * LANES;
  if (b < whole) return (word_block){ b * LANES, 1 };
  if (has_half && b == whole) return (word_block){ first, 2 };
  return (word_block){ first + has_half * (LANES / 2) + (b - whole - has_half) * (LANES / 4), 4 };
}
static int64_t count_blocks(int64_t channels) {
  const int64_t left = channels % LANES;
  return channels / LANES + left / (LANES / 2) + (left % (LANES / 2) + LANES / 4 - 1) / (LANES / 4);
}

/* Words of CHUNK channels from c, for each column of the kernel: a vector of four is `out` + column * 4 * SIMD_W. Channels that are not there are 0. */
static void words_of_chunk(const depthwise *d, int64_t c, int32_t *out) {
  const ig_view *w = ig_call_in(d->c, 1);
  const int64_t o = w->strides[0], y = w->strides[2], x = w->strides[3];
  const int8_t *from = (const int8_t *)w->data + c * o;
  if (o == SIDE * SIDE && y == SIDE && x == 1 && c + CHUNK + 1 <= d->s.channels) {
    /* Sixteen bytes from each channel on, of which nine are its own; all lie within the weights. */
    const __m128i order = _mm_setr_epi8(0, 3, 6, -1, 1, 4, 7, -1, 2, 5, 8, -1, -1, -1, -1, -1);
    __m128i r[CHUNK];
    for (int i = 0; i < CHUNK; i++) r[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(from + i * o)), order);
    const __m128i a = _mm_unpacklo_epi32(r[0], r[1]), b = _mm_unpacklo_epi32(r[2], r[3]);
    _mm_storeu_si128((__m128i *)(void *)out, _mm_unpacklo_epi64(a, b));
    _mm_storeu_si128((__m128i *)(void *)(out + 4 * SIMD_W), _mm_unpackhi_epi64(a, b));
    _mm_storeu_si128((__m128i *)(void *)(out + 8 * SIMD_W), _mm_unpacklo_epi64(_mm_unpackhi_epi32(r[0], r[1]), _mm_unpackhi_epi32(r[2], r[3])));
    return;
  }
  for (int kx = 0; kx < SIDE; kx++)
    for (int64_t i = 0; i < CHUNK; i++) {
      int8_t word[4] = { 0 };
      for (int ky = 0; ky < SIDE && c + i < d->s.channels; ky++) word[ky] = from[i * o + ky * y + kx * x];
      memcpy(out + kx * 4 * SIMD_W + i, word, sizeof word);
    }
}
/* Blocks [lo, hi). mul and add: of channels, in order, zeros to a multiple of LANES. */
static void prepare_blocks(const depthwise *d, int64_t lo, int64_t hi, const float *mul, const float *add, const word_columns *k) {
  for (int64_t b = lo; b < hi; b++) {
    const word_block own = block_at(d, b);
    int32_t *w = k->w + b * BLOCK_WORDS;
    for (int lane = 0; lane < 4; lane++)
      for (int v = 0; v < 4; v++) {
        const int64_t c = own.first + lane % (4 / own.pixels) * (LANES / 4) + v * CHUNK, at = v * SIMD_W + lane * CHUNK;
        words_of_chunk(d, c, w + at);
        memcpy(k->mul + b * LANES + at, mul + c, CHUNK * sizeof *mul);
        memcpy(k->add + b * LANES + at, add + c, CHUNK * sizeof *add);
      }
    for (int v = 0; v < 4; v++) {
      vi sum = vi_zero();
      for (int kx = 0; kx < SIDE; kx++) sum = vi_dot(sum, vi_set(0x01010101), vi_load(w + (kx * 4 + v) * SIMD_W));
      vi_store(k->start + b * LANES + v * SIMD_W, vi_mul(sum, vi_set(-d->zero)));
    }
  }
}

/* ---- rows ---- */

typedef struct depthwise_memory { float *mul, *add; word_columns k; uint8_t *padding, *spare, *ends; const uint8_t **at; int64_t width; } depthwise_memory;
/* at: pixels that an output row reads, `width` from each input row; ends: pixels of a cut block */
static depthwise_memory depthwise_at(const depthwise *d, char *at, uint32_t part, size_t *out_bytes) {
  const int64_t width = (ig_max_i64(d->s.out[1], TILE) - 1) * d->s.stride[1] + SIDE;
  const size_t n = (size_t)((d->s.channels + LANES) / LANES * LANES + LANES) * 4, blocks = (size_t)(d->blocks * LANES) * 4;
  char *const base = at;
  depthwise_memory m = { .width = width };
  for (uint32_t i = 0; i <= part; i++) {
    m.mul = (float *)(void *)take(&at, n);
    m.add = (float *)(void *)take(&at, n);
    m.k.mul = (float *)(void *)take(&at, blocks);
    m.k.add = (float *)(void *)take(&at, blocks);
    m.k.start = (int32_t *)(void *)take(&at, blocks);
    m.k.w = (int32_t *)(void *)take(&at, (size_t)(d->blocks * BLOCK_WORDS) * 4);
    m.at = (const uint8_t **)(void *)take(&at, (size_t)(SIDE * width) * sizeof *m.at);
    m.padding = (uint8_t *)take(&at, (size_t)d->s.channels + LANES);
    m.spare = (uint8_t *)take(&at, (size_t)d->s.channels + LANES);
    m.ends = (uint8_t *)take(&at, (SIDE * COLUMNS_MAX + TILE) * LANES / 4);
  }
  *out_bytes = (size_t)(at - base);
  return m;
}

/* The last block's channels are fewer than it has lanes: its pixels are read from copies, and its results written by way of them. */
static void run_end(const word_tile *t, const depthwise *d, const depthwise_memory *m, int64_t b, words_fn fn, const word_columns *k) {
  const int64_t c = block_at(d, b).first;
  const size_t n = (size_t)(d->s.channels - c), step = LANES / 4;
  const int64_t n_columns = (TILE - 1) * d->s.stride[1] + SIDE;
  const uint8_t *at[SIDE][COLUMNS_MAX];
  word_tile end = { .form = t->form };
  uint8_t *to = m->ends;
  for (int y = 0; y < SIDE; y++) {
    end.at[y] = at[y];
    for (int64_t i = 0; i < n_columns; i++, to += step) {
      at[y][i] = to;
      memcpy(to, t->at[y][i] + c, n);
    }
  }
  for (int i = 0; i < TILE; i++) end.out[i] = to + (size_t)i * step;
  fn(&end, k, 0, 1);
  for (int i = 0; i < TILE; i++) memcpy(t->out[i] + c, end.out[i], n);
}

/* Blocks [lo, hi) of output row oy of an image. The last tile ends where the row does; pixels beyond a row that is shorter are written aside. */
static void words_of_row(const depthwise *d, const depthwise_memory *m, int64_t image, int64_t oy, int64_t lo, int64_t hi, const bytes_form *form) {
  const conv_shape *s = &d->s;
  const ig_view *x = ig_call_in(d->c, 0), *o = ig_call_out(d->c, 0);
  const uint8_t *const from = (const uint8_t *)x->data + image * s->n_stride;
  uint8_t *const to = (uint8_t *)o->data + image * o->strides[0] + oy * o->strides[2];
  const words_fn *fns = words_table[s->stride[0] - 1][d->is_signed];
  const int64_t whole = ig_min_i64(hi, s->channels / LANES), x_lo = ig_min_i64(s->pad[1], m->width), x_hi = ig_max_i64(x_lo, ig_min_i64(s->in[1] + s->pad[1], m->width));
  word_tile t = { .form = form };
  for (int64_t y = 0; y < SIDE; y++) {
    const uint8_t **at = m->at + y * m->width, *pixel = input_row(s, from, oy * s->stride[0] + y - s->pad[0]);
    const int64_t lo_x = pixel ? x_lo : m->width, hi_x = pixel ? x_hi : m->width;
    for (int64_t i = 0; i < lo_x; i++) at[i] = m->padding;
    for (int64_t i = lo_x; i < hi_x; i++, pixel += s->x_stride) at[i] = pixel;
    for (int64_t i = hi_x; i < m->width; i++) at[i] = m->padding;
  }
  for (int64_t done = 0; done < s->out[1]; done += TILE) {
    const int64_t ox = ig_max_i64(0, ig_min_i64(done, s->out[1] - TILE));
    for (int y = 0; y < SIDE; y++) t.at[y] = m->at + y * m->width + ox * s->stride[1];
    for (int64_t i = 0; i < TILE; i++) t.out[i] = ox + i < s->out[1] ? to + (ox + i) * o->strides[3] : m->spare;
    for (int64_t b = lo, n; b < hi; b += n) {
      const word_columns k = { m->k.mul + b * LANES, m->k.add + b * LANES, m->k.w + b * BLOCK_WORDS, m->k.start + b * LANES };
      const word_block own = block_at(d, b);
      n = b < whole ? whole - b : 1;
      if (own.first + LANES / own.pixels > s->channels) run_end(&t, d, m, b, fns[own.pixels / 2], &k);
      else fns[own.pixels / 2](&t, &k, own.first, n);
    }
  }
}

static depthwise depthwise_of(const ig_call *c) {
  depthwise d = { .c = c, .s = conv_shape_of(c), .is_signed = is_signed(ig_call_in(c, 0)) };
  d.blocks = count_blocks(d.s.channels);
  return d;
}
/* What the query cannot know: how data lie, what zero points are. */
static bool takes(const depthwise *d) {
  const conv_shape *s = &d->s;
  if (ig_call_out(d->c, 0)->rank != 4 || s->c_stride != 1 || s->stride[0] != s->stride[1] || s->stride[0] > 2 || s->kernel[0] != SIDE || s->kernel[1] != SIDE) return false;
  if (s->dilation[0] != 1 || s->dilation[1] != 1 || !is_signed(ig_call_in(d->c, 1))) return false;
  if (d->c->n_in > 3 && ig_view_present(ig_call_in(d->c, 3)))
    for (int64_t i = 0; i < s->channels; i++)
      if (zero_at(d->c, 3, i * SIDE * SIDE)) return false;
  return true;
}

size_t NAME(ig_cpu_depthwise_s8_scratch)(const ig_call *c, uint32_t n_parts) {
  const depthwise d = depthwise_of(c);
  size_t own;
  depthwise_at(&d, NULL, n_parts - 1, &own);
  const size_t other = ig_cpu_depthwise_s8_scratch_avx2(c, 1);
  return own > other ? own : other;
}
void NAME(ig_cpu_depthwise_s8_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  IG_UNUSED(phase);
  if (ig_view_count(ig_call_out(c, 0)) == 0) return;
  depthwise d = depthwise_of(c);
  size_t bytes;
  ig_s8_finish f;
  finish_consts consts;
  bool fits = takes(&d) && ig_s8_finish_recognise(c, 1, &f);
  const depthwise_memory m = depthwise_at(&d, c->scratch, part, &bytes);
  if (fits) {
    for (int64_t j = 0; j < d.s.channels + LANES; j++) m.mul[j] = 1, m.add[j] = 0;
    ig_s8_finish_columns(&f, 1, 0, d.s.channels, m.mul, m.add);
    consts = consts_of(&f, m.mul, m.add, d.s.channels, SIDE * SIDE);
    fits = (flags_of(&f, &consts) & ~FULL) == BYTES;
  }
  if (!fits) {
    for (uint32_t k = 0; k < 2 && part == 0; k++) ig_cpu_depthwise_s8_run_avx2(c, k, 0, 1);
    return;
  }
  /* Rows are shared out, but where they are few and do not go into the parts: then blocks. */
  const int64_t rows = ig_call_out(c, 0)->dims[0] * d.s.out[0];
  const bool by_blocks = rows % n_parts && rows < 8 * (int64_t)n_parts && d.blocks >= (int64_t)n_parts;
  int64_t lo = 0, hi = rows, b_lo = 0, b_hi = d.blocks;
  ig_split(by_blocks ? d.blocks : rows, part, n_parts, by_blocks ? &b_lo : &lo, by_blocks ? &b_hi : &hi);
  if (lo >= hi || b_lo >= b_hi) return;
  d.zero = prepared_zero(d.is_signed, zero_at(c, 2, 0));
  prepare_blocks(&d, b_lo, b_hi, m.mul, m.add, &m.k);
  memset(m.padding, zero_at(c, 2, 0), (size_t)d.s.channels + LANES);
  for (int64_t r = lo; r < hi; r++) words_of_row(&d, &m, r / d.s.out[0], r % d.s.out[0], b_lo, b_hi, &consts.bytes);
}
