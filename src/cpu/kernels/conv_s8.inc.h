/* conv of 8-bit integers with constant weights of a single group: include after kernels/gemm_s8.inc.h.
 *
 * Phase 0 makes words of channels of the input, [C / KG][rows][row] with the padding (which equals the zero point), and readies the weights:
 * rewritten in the scratch where the instruction set wants them otherwise, and summed. Phase 1 is the product of weights and columns that are
 * copied panel by panel.
 * SPDX-License-Identifier: Apache-2.0 */
typedef struct conv_shape { ig_image image; int64_t channels, groups_of_c, taps, words, mr, tiles, plane; } conv_shape;
static conv_shape conv_shape_of(const ig_call *c) {
  conv_shape s;
  ig_image_init(&s.image, c);
  s.channels = s.image.group_c;
  s.groups_of_c = words(s.channels);
  s.taps = s.image.kernel[0] * s.image.kernel[1];
  s.words = s.groups_of_c * s.taps;
  s.mr = ig_gemm_f32_mr(s.image.group_o, MR);
  s.tiles = (s.image.group_o + s.mr - 1) / s.mr;
  s.plane = s.image.rows * s.image.row;
  return s;
}

typedef struct conv_shared { int32_t *x, *w, *row_sums, *row_zeros; char *parts; } conv_shared;
static size_t conv_lay_out(const ig_call *c, const conv_shape *s, conv_shared *out) {
  size_t at = 0;
#define PLACE(field, n_words) out->field = (int32_t *)(void *)((char *)c->scratch + at), at += ig_pad64((size_t)(n_words) * 4)
  PLACE(x, ig_call_in(c, 0)->dims[0] * s->groups_of_c * s->plane + SIMD_W);
  PLACE(w, SIMD_REWRITES(is_signed(ig_call_in(c, 1))) ? s->tiles * s->mr * s->words + SIMD_W : 0);
  PLACE(row_sums, s->tiles * s->mr);
  PLACE(row_zeros, s->tiles * s->mr);
#undef PLACE
  out->parts = (char *)c->scratch + at;
  return at;
}
size_t NAME(ig_cpu_conv_s8_scratch)(const ig_call *c, uint32_t n_parts) {
  const ig_call nowhere = { .n_in = c->n_in, .n_extra = c->n_extra, .n_out = c->n_out, .v = c->v, .params = c->params };
  const conv_shape s = conv_shape_of(c);
  conv_shared m;
  return conv_lay_out(&nowhere, &s, &m) + n_parts * part_bytes(c, s.words);
}

static void fill_words(int32_t *out, int64_t n, int32_t x) {
  for (int64_t i = 0; i < n; i++) out[i] = x;
}

/* Plane of words `plane` = (image, group of channels). */
static void copy_plane(const ig_call *c, const conv_shape *s, int64_t plane, int32_t zero, int32_t *out) {
  const ig_view *x = ig_call_in(c, 0);
  const ig_image *m = &s->image;
  const int64_t c0 = plane % s->groups_of_c * KG, n = ig_min_i64(KG, s->channels - c0), step = x->strides[x->rank - 1];
  const int64_t lo = ig_max_i64(0, m->pad[1]), from = ig_max_i64(0, -m->pad[1]), inside = ig_max_i64(0, ig_min_i64(m->in[1] - from, m->row - lo));
  const uint8_t *image = (const uint8_t *)x->data + plane / s->groups_of_c * m->n_stride + c0 * m->c_stride + from * step;
  const int32_t border = vi_border(n, is_signed(x), zero);
  for (int64_t y = 0; y < m->rows; y++, out += m->row) {
    const int64_t iy = y - m->pad[0];
    if (iy < 0 || iy >= m->in[0] || inside == 0) {
      fill_words(out, m->row, border);
      continue;
    }
    const uint8_t *row = image + iy * m->y_stride;
    int64_t j = 0;
    fill_words(out, lo, border);
    if (step == 1 && n == KG)
      for (; j + SIMD_W <= inside; j += SIMD_W) vi_interleave(row + j, m->c_stride, is_signed(x), zero, out + lo + j);
    for (; j < inside; j++) out[lo + j] = vi_word(row + j * step, m->c_stride, n, is_signed(x), zero);
    fill_words(out + lo + inside, m->row - lo - inside, border);
  }
}

static void prepare_tile(const ig_call *c, const conv_shape *s, const conv_shared *m, const zeros *z, int64_t tile) {
  const ig_view *w = ig_call_in(c, 1);
  const int64_t o0 = tile * s->mr, k = s->channels * s->taps, count = s->mr * s->words;
  int32_t zero[MR] = { 0 }, pattern[MR * SIMD_W];
  for (int64_t i = 0; i < s->mr && o0 + i < s->image.group_o; i++) zero[i] = zero_at(z, (o0 + i) * k);
  const int32_t *from = (const int32_t *)w->data + o0 * s->words;
  if (SIMD_REWRITES(is_signed(w))) {
    const uint8_t *bytes = (const uint8_t *)w->data + o0 * s->words * KG;
    int32_t *to = m->w + o0 * s->words;
    for (int64_t i = 0; i < s->mr * SIMD_W; i++) pattern[i] = zero[i % s->mr];
    for (int64_t i = 0; i < count; i += SIMD_W)
      vi_rewrite(bytes + i * KG, ig_min_i64(SIMD_W, count - i), is_signed(w), vi_load(pattern + i % (s->mr * SIMD_W)), to + i);
    from = to;
  }
#if SIMD_SUMS
  const int32_t moved = is_signed(w) ? 0 : 128, padding = (int32_t)((s->groups_of_c * KG - s->channels) * s->taps) * moved;
  int32_t sums[SIMD_W];
  vi_store(sums, sum_signed(from, s->mr, s->mr, s->words));
  for (int64_t r = 0; r < s->mr; r++) {
    m->row_zeros[o0 + r] = zero[r] - moved;
    m->row_sums[o0 + r] = (int32_t)((uint32_t)(sums[r] + padding) - (uint32_t)k * (uint32_t)m->row_zeros[o0 + r]);
  }
#else
  IG_UNUSED(from);
#endif
}

typedef struct columns { const conv_shape *s; const int32_t *x; } columns;

/* n words, step words apart; may write, but not read, up to a vector past the end. */
static inline void copy_words(const int32_t *x, int64_t step, int64_t n, int32_t *out) {
  int64_t j = 0;
  if (step == 1)
    for (; j + SIMD_W <= n; j += SIMD_W) vi_store(out + j, vi_load(x + j));
  for (; j < n; j++) out[j] = x[j * step];
}

static void pack_columns(const void *ctx, int64_t batch, int64_t n0, int64_t n_columns, int32_t *out) {
  const columns *o = ctx;
  const ig_image *m = &o->s->image;
  struct { int64_t n, at; } run[NR];
  int n_runs = 0;
  for (int64_t done = 0; done < n_columns; n_runs++) {
    const int64_t oy = (n0 + done) / m->out[1], ox = (n0 + done) % m->out[1];
    run[n_runs].n = ig_min_i64(m->out[1] - ox, n_columns - done);
    run[n_runs].at = oy * m->stride[0] * m->row + ox * m->stride[1];
    done += run[n_runs].n;
  }
  const int32_t *image = o->x + batch * o->s->groups_of_c * o->s->plane;
  for (int64_t ky = 0; ky < m->kernel[0]; ky++)
    for (int64_t kx = 0; kx < m->kernel[1]; kx++)
      for (int64_t g = 0; g < o->s->groups_of_c; g++, out += NR) {
        const int32_t *x = image + g * o->s->plane + ky * m->dilation[0] * m->row + kx * m->dilation[1];
        int32_t *to = out;
        for (int i = 0; i < n_runs; to += run[i++].n) copy_words(x + run[i].at, m->stride[1], run[i].n, to);
      }
}

void NAME(ig_cpu_conv_s8_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_view *x = ig_call_in(c, 0), *w = ig_call_in(c, 1);
  if (ig_view_count(ig_call_out(c, 0)) == 0) return;
  const conv_shape s = conv_shape_of(c);
  conv_shared m;
  conv_lay_out(c, &s, &m);
  const zeros zx = zeros_init(c, 2), zw = zeros_init(c, 3);
  const int32_t zero = zero_at(&zx, 0);
  if (phase == 0) {
    int64_t lo, hi;
    ig_split(x->dims[0] * s.groups_of_c, part, n_parts, &lo, &hi);
    for (int64_t i = lo; i < hi; i++) copy_plane(c, &s, i, zero, m.x + i * s.plane);
    ig_split(s.tiles, part, n_parts, &lo, &hi);
    for (int64_t t = lo; t < hi; t++) prepare_tile(c, &s, &m, &zw, t);
    return;
  }
  const columns from = { &s, m.x };
  const product g = { .m = s.image.group_o, .n = s.image.out[0] * s.image.out[1], .k = s.words, .mr = s.mr, .micro = micro_a_weights_table[s.mr],
    .a = SIMD_REWRITES(is_signed(w)) ? m.w : w->data, .pack_b = pack_columns, .ctx = &from,
    .row_sums = m.row_sums, .row_zeros = m.row_zeros, .column_zero = zero + (is_signed(x) ? 128 : 0) };
  multiply(&g, c, x->dims[0], m.parts + part * part_bytes(c, s.words), part, n_parts);
}
