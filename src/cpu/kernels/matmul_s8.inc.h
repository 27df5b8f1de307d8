/* matmul of 8-bit integers with constant B: include after kernels/gemm_s8.inc.h.
 *
 * Rows of all batches are one tall A, which phase 0 packs into panels in the scratch, its rows summed; B comes packed from the engine, is rewritten
 * in the scratch where the instruction set wants it otherwise, and its columns are summed. Phase 1 multiplies.
 * SPDX-License-Identifier: Apache-2.0 */
typedef struct matmul_shape { int64_t rows, n, k, words, mr, tiles, panels; } matmul_shape;
static matmul_shape matmul_shape_of(const ig_call *c) {
  const ig_view *a = ig_call_in(c, 0), *b = ig_call_in(c, 1);
  matmul_shape s = { .rows = 1, .n = b->dims[b->rank - 1], .k = a->dims[a->rank - 1] };
  for (uint32_t i = 0; i + 1 < a->rank; i++) s.rows *= a->dims[i];
  s.words = words(s.k);
  s.mr = ig_gemm_f32_mr(s.rows, MR);
  s.tiles = (s.rows + s.mr - 1) / s.mr;
  s.panels = (s.n + NR - 1) / NR;
  return s;
}

/* The scratch that parts share. Sizes grow with every dim. */
typedef struct matmul_shared { int32_t *a, *b, *row_sums, *row_zeros, *column_sums, *column_zeros; char *parts; } matmul_shared;
static size_t matmul_lay_out(const ig_call *c, const matmul_shape *s, matmul_shared *out) {
  size_t at = 0;
#define PLACE(field, n_words) out->field = (int32_t *)(void *)((char *)c->scratch + at), at += ig_pad64((size_t)(n_words) * 4)
  PLACE(a, (s->rows + MR) * s->words);
  PLACE(b, SIMD_REWRITES(is_signed(ig_call_in(c, 1))) ? s->panels * NR * s->words : 0);
  PLACE(row_sums, s->rows + MR + SIMD_W);
  PLACE(row_zeros, s->rows + MR + SIMD_W);
  PLACE(column_sums, s->panels * NR);
  PLACE(column_zeros, s->panels * NR);
#undef PLACE
  out->parts = (char *)c->scratch + at;
  return at;
}
size_t NAME(ig_cpu_matmul_s8_scratch)(const ig_call *c, uint32_t n_parts) {
  const ig_call nowhere = { .n_in = c->n_in, .v = c->v };
  const matmul_shape s = matmul_shape_of(c);
  matmul_shared m;
  return matmul_lay_out(&nowhere, &s, &m) + n_parts * part_bytes(c, s.words);
}

static void pack_tile(const ig_call *c, const matmul_shape *s, const matmul_shared *m, const ig_walk *walk, const zeros *z, int64_t t) {
  const ig_view *a = ig_call_in(c, 0);
  const int64_t step = a->strides[a->rank - 1];
  int32_t *out = m->a + t * s->mr * s->words;
  for (int64_t i = 0; i < s->mr; i++) {
    const int64_t row = t * s->mr + i;
    if (row >= s->rows) {
      for (int64_t p = 0; p < s->words; p++) out[p * s->mr + i] = 0;
      continue;
    }
    const int32_t zero = zero_at(z, row * s->k);
    const uint8_t *x = (const uint8_t *)walk->data + ig_walk_at(walk, row * s->k);
    for (int64_t p = 0; p < s->k / KG; p++) out[p * s->mr + i] = vi_word(x + p * KG * step, step, KG, is_signed(a), zero);
    if (s->k % KG) out[(s->words - 1) * s->mr + i] = vi_word(x + s->k / KG * KG * step, step, s->k % KG, is_signed(a), zero);
#if SIMD_SUMS
    m->row_zeros[row] = zero + (is_signed(a) ? 128 : 0);
#endif
  }
#if SIMD_SUMS
  int32_t sums[SIMD_W];
  vi_store(sums, sum_unsigned(out, s->mr, s->mr, s->words));
  for (int64_t i = 0; i < s->mr && t * s->mr + i < s->rows; i++)
    m->row_sums[t * s->mr + i] = (int32_t)((uint32_t)sums[i] - (uint32_t)s->k * (uint32_t)m->row_zeros[t * s->mr + i]);
#endif
}

static void prepare_panel(const ig_call *c, const matmul_shape *s, const matmul_shared *m, const zeros *z, int64_t panel) {
  const ig_view *b = ig_call_in(c, 1);
  const int64_t n0 = panel * NR;
  int32_t zero[NR] = { 0 };
  for (int64_t j = 0; j < NR && n0 + j < s->n; j++) zero[j] = zero_at(z, n0 + j);
  const int32_t *from = (const int32_t *)b->data + n0 * s->words;
  if (SIMD_REWRITES(is_signed(b))) {
    const uint8_t *bytes = (const uint8_t *)b->data + n0 * s->words * KG;
    int32_t *to = m->b + n0 * s->words;
    for (int64_t p = 0; p < s->words; p++)
      for (int j = 0; j < NR; j += SIMD_W) vi_rewrite(bytes + (p * NR + j) * KG, SIMD_W, is_signed(b), vi_load(zero + j), to + p * NR + j);
    from = to;
  }
#if SIMD_SUMS
  /* The padding of k was zero before it was rewritten. */
  const int32_t moved = is_signed(b) ? 0 : 128, padding = (int32_t)(s->words * KG - s->k) * moved;
  for (int j = 0; j < NR; j += SIMD_W) vi_store(m->column_sums + n0 + j, vi_sub(sum_signed(from + j, SIMD_W, NR, s->words), vi_set(-padding)));
  for (int j = 0; j < NR; j++) m->column_zeros[n0 + j] = zero[j] - moved;
#else
  IG_UNUSED(from);
#endif
}

void NAME(ig_cpu_matmul_s8_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_view *b = ig_call_in(c, 1);
  const matmul_shape s = matmul_shape_of(c);
  matmul_shared m;
  if (ig_view_count(ig_call_out(c, 0)) == 0) return;
  matmul_lay_out(c, &s, &m);
  if (phase == 0) {
    ig_walk walk;
    const zeros za = zeros_init(c, 2), zb = zeros_init(c, 3);
    int64_t lo, hi;
    ig_walk_init(&walk, ig_call_in(c, 0), NULL);
    ig_split(s.tiles, part, n_parts, &lo, &hi);
    for (int64_t t = lo; t < hi; t++) pack_tile(c, &s, &m, &walk, &za, t);
    ig_split(s.panels, part, n_parts, &lo, &hi);
    for (int64_t p = lo; p < hi; p++) prepare_panel(c, &s, &m, &zb, p);
    return;
  }
  const product g = { .m = s.rows, .n = s.n, .k = s.words, .mr = s.mr, .micro = micro_b_weights_table[s.mr], .a = m.a,
    .b = SIMD_REWRITES(is_signed(b)) ? m.b : b->data,
    .row_sums = m.row_sums, .row_zeros = m.row_zeros, .column_zeros = m.column_zeros, .column_sums = m.column_sums };
  multiply(&g, c, 1, m.parts + part * part_bytes(c, s.words), part, n_parts);
}
