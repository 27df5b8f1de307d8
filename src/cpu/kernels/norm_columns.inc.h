/* Layer and RMS normalisation of maps whose normalised axes are not innermost in memory, as instance and group norm find them channels last: include from
 * norm.inc.h. The map is [images][pixels][groups][channels of a group], normalised over pixels and channels of a group. Vectors run over channels, parts
 * share out the pixels of an image: phase 0 sums, phase 1 sums squares of what is left without the mean, phase 2 applies; the next image follows.
 * A few long rows, as of a group norm with one group, are taken the same way, each an image, so that parts share them too.
 * SPDX-License-Identifier: Apache-2.0 */

enum { MOST_COLUMNS = 4096, BLOCK_FLOATS = 4096, PASSES = 3, FEW_ROWS = 4, LONG_ROW = 1 << 14, LEAST_PIECE = 64, MOST_PIECE = 1024 };

typedef struct columns {
  uint8_t perm[IG_MAX_RANK];
  int64_t images, pixels, groups, per_group, n;   /* n = groups * per_group */
} columns;

/* Does the operand, broadcast to x's dims, stay the same along the axes of mask? */
static bool is_fixed(const ig_view *v, uint64_t mask) {
  for (uint32_t k = 0; v && k < v->rank; k++)
    if (mask >> k & 1 && v->dims[k] != 1 && v->strides[k] != 0) return false;
  return true;
}

/* Cuts few long rows into pieces of one length, which count as pixels. False where it would not help. */
static bool cut_rows(columns *o) {
  if (o->images != 1 || o->pixels != 1 || o->groups > FEW_ROWS || o->per_group < LONG_ROW) return false;
  for (int64_t piece = MOST_PIECE; piece >= LEAST_PIECE; piece--) {
    if (o->per_group % piece) continue;
    o->images = o->groups;
    o->groups = 1;
    o->pixels = o->per_group / piece;
    o->per_group = o->n = piece;
    return true;
  }
  return false;
}

/* False where rows are better: they lie in one piece, or axes are mixed otherwise. */
static bool columns_of(const ig_call *c, columns *o) {
  const ig_norm_params *p = c->params;
  const ig_view *x = ig_call_in(c, X);
  const uint64_t mask = mask_of(c);
  uint8_t order[IG_MAX_RANK];
  uint64_t outer = 0;
  uint32_t front = 0, at = x->rank;
  int64_t *const size[4] = { &o->per_group, &o->groups, &o->pixels, &o->images };
  *o = (columns){ .images = 1, .pixels = 1, .groups = 1, .per_group = 1 };
  if (type_of(c) != IG_S_F32 || p->mode > IG_NORM_RMS || in_view(c, RESIDUAL) || ig_view_blocked(x) || ig_shares_bytes(c)) return false;
  for (uint32_t i = MEAN; i <= SUM; i++)
    if (out_view(c, i)) return false;
  /* From the innermost axis in memory outwards: normalised, kept, normalised, kept. */
  uint32_t n = ig_perm_by_stride(x, (1ull << x->rank) - 1, order), level = 0;
  bool innermost = true;
  while (n-- > 0) {
    const uint32_t k = order[n];
    if (x->dims[k] == 1) {
      o->perm[front++] = (uint8_t)k;
      continue;
    }
    if (x->strides[k] <= 0 || (innermost && x->strides[k] != 1)) return false;
    innermost = false;
    while ((mask >> k & 1) == (level & 1)) level++;
    if (level > 3) return false;
    *size[level] *= x->dims[k];
    if (level >= 2) outer |= 1ull << k;
    o->perm[--at] = (uint8_t)k;
  }
  o->n = o->groups * o->per_group;
  if (o->images >= 1 << 28 || ig_view_count(x) <= 0) return false;
  if (cut_rows(o)) outer = mask;
  else if (o->groups < 2 || o->pixels < 2 || o->n > MOST_COLUMNS) return false;
  return is_fixed(in_view(c, SCALE), outer) && is_fixed(in_view(c, BIAS), outer);
}

/* Scratch, in floats for each part: sums and squares, which all parts read; mean, factor and bias of each column; a block of the map. */
static int64_t most_columns(const ig_call *c) { return ig_min_i64(MOST_COLUMNS, ig_view_count(ig_call_in(c, X))); }
static size_t column_bytes(const ig_call *c) { return ig_pad64((size_t)(5 * most_columns(c) + BLOCK_FLOATS) * sizeof(float)) + ig_epi_bytes(c); }

/* sum[c] += of x[n_pixels][n] the expression of v, which is a vector of channels or, past the last whole one, a channel. */
#define SUM_PIXELS(expr) \
  do { \
    int64_t ch = 0; \
    for (; ch + V <= n; ch += V) { \
      chain_f32 s0 = { 0 }, s1 = { 0 }, s2 = { 0 }, s3 = { 0 }; \
      const chain_f32 m = chain_load_f32(mean + ch); \
      const float *q = x + ch; \
      int64_t i = 0; \
      for (; i + 4 <= n_pixels; i += 4, q += 4 * n) { \
        { const chain_f32 v = chain_load_f32(q) - m; s0 += (expr); } \
        { const chain_f32 v = chain_load_f32(q + n) - m; s1 += (expr); } \
        { const chain_f32 v = chain_load_f32(q + 2 * n) - m; s2 += (expr); } \
        { const chain_f32 v = chain_load_f32(q + 3 * n) - m; s3 += (expr); } \
      } \
      for (; i < n_pixels; i++, q += n) { const chain_f32 v = chain_load_f32(q) - m; s0 += (expr); } \
      const chain_f32 all = chain_load_f32(sum + ch) + ((s0 + s1) + (s2 + s3)); \
      memcpy(sum + ch, &all, sizeof all); \
    } \
    for (; ch < n; ch++) { \
      float s = 0; \
      for (int64_t i = 0; i < n_pixels; i++) { const float v = x[i * n + ch] - mean[ch]; s += (expr); } \
      sum[ch] += s; \
    } \
  } while (0)
static void sum_pixels(const float *x, int64_t n_pixels, int64_t n, const float *mean, bool squares, float *sum) {
  if (squares) SUM_PIXELS(v * v);
  else SUM_PIXELS(v);
}
static void apply_pixels(const float *x, int64_t n_pixels, int64_t n, const float *mean, const float *factor, const float *bias, float *y) {
  for (int64_t i = 0; i < n_pixels; i++, x += n, y += n) {
    int64_t ch = 0;
    for (; ch + V <= n; ch += V) {
      const chain_f32 v = (chain_load_f32(x + ch) - chain_load_f32(mean + ch)) * chain_load_f32(factor + ch) + chain_load_f32(bias + ch);
      memcpy(y + ch, &v, sizeof v);
    }
    for (; ch < n; ch++) y[ch] = (x[ch] - mean[ch]) * factor[ch] + bias[ch];
  }
}

/* Each group's mean over the parts' sums, `stride` bytes apart, to each of its columns. */
static void spread_means(const columns *o, const char *sums, size_t stride, uint32_t n_parts, float *out) {
  for (int64_t g = 0; g < o->groups; g++) {
    float sum = 0;
    for (uint32_t part = 0; part < n_parts; part++)
      for (int64_t ch = 0; ch < o->per_group; ch++) sum += ((const float *)(const void *)(sums + part * stride))[g * o->per_group + ch];
    for (int64_t ch = 0; ch < o->per_group; ch++) out[g * o->per_group + ch] = sum / ((float)o->pixels * (float)o->per_group);
  }
}

/* factor: the mean squares to 1 / deviation * scale. */
static void load_factors(const ig_call *c, const columns *o, int64_t first, float *factor, float *bias) {
  const ig_norm_params *p = c->params;
  ig_reader r;
  for (int64_t ch = 0; ch < o->n; ch++) factor[ch] = 1.0f / sqrtf(factor[ch] + (float)p->eps), bias[ch] = 1;
  if (in_view(c, SCALE)) {
    ig_reader_init(&r, in_view(c, SCALE), o->perm, IG_S_F32);
    ig_reader_read(&r, first, o->n, bias);
  }
  for (int64_t ch = 0; ch < o->n; ch++) factor[ch] *= bias[ch], bias[ch] = 0;
  if (!in_view(c, BIAS)) return;
  ig_reader_init(&r, in_view(c, BIAS), o->perm, IG_S_F32);
  ig_reader_read(&r, first, o->n, bias);
}

static void run_columns(const ig_call *c, const columns *o, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const size_t stride = column_bytes(c);
  const int64_t room = most_columns(c), image = phase / PASSES * o->pixels;
  const uint32_t pass = phase % PASSES;
  char *all = c->scratch;
  float *sums = (float *)(void *)(all + part * stride), *squares = sums + room, *mean = squares + room, *factor = mean + room, *bias = factor + room, *block = bias + room;
  int64_t lo, hi;
  ig_reader in;
  ig_split(o->pixels, part, n_parts, &lo, &hi);
  ig_reader_init(&in, ig_call_in(c, X), o->perm, IG_S_F32);
  const bool whole = !in.cast && ig_call_in(c, X)->dtype == IG_DTYPE_F32 && in.walk.rank == 1;
  if (pass == 0) memset(sums, 0, (size_t)(3 * room) * sizeof *sums);
  if (pass == 0 && ((const ig_norm_params *)c->params)->mode == IG_NORM_RMS) return;
  if (pass == 1) spread_means(o, all, stride, n_parts, mean);
  if (pass == 2) {
    spread_means(o, all + (size_t)room * sizeof(float), stride, n_parts, factor);
    load_factors(c, o, image * o->n, factor, bias);
  }
  ig_prog *epi = pass == 2 ? ig_epi_make(all + part * stride + ig_pad64((size_t)(5 * room + BLOCK_FLOATS) * sizeof(float)), c, o->perm, IG_S_F32, c->epi.n ? c->n_out : 1, &NAME(ig_prog_isa)) : NULL;
  const int64_t step = ig_max_i64(1, BLOCK_FLOATS / o->n);
  for (int64_t i = lo; i < hi; i += step) {
    const int64_t n = ig_min_i64(step, hi - i), lin = (image + i) * o->n;
    const float *x = whole ? (const float *)in.walk.data + lin * in.walk.strides[0] : block;
    if (!whole) ig_reader_read(&in, lin, n * o->n, block);
    if (pass < 2) sum_pixels(x, n, o->n, mean, pass == 1, pass == 1 ? squares : sums);
    else {
      apply_pixels(x, n, o->n, mean, factor, bias, block);
      ig_prog_range(epi, lin, n * o->n, block);
    }
  }
}
