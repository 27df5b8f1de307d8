/* matmul of 8-bit integers with constant B, rows of all batches as one tall A: include after kernels/gemm_s8.inc.h.
 * SPDX-License-Identifier: Apache-2.0 */
static void matmul_prepare(const product *g, int64_t m0, int64_t n, const block *out) {
  const ig_view *a = ig_call_in(g->c, 0);
  const int64_t k = g->depth, step = a->strides[a->rank - 1], row = g->words * KG;
  const bool has_zero = g->c->n_in > 2 && ig_view_present(ig_call_in(g->c, 2));
  ig_walk walk;
  ig_reader zeros;
  ig_walk_init(&walk, a, NULL);
  if (has_zero) ig_reader_init(&zeros, ig_call_in(g->c, 2), NULL, IG_S_I32);
  const bool lies = sizeof(elem) == 1 && !is_signed(a) && step == 1 && k == row;   /* multiplied where it lies */
  out->run_at[0] = 0;
  for (int64_t i = 0; i < n; i++) {
    const uint8_t *x = (const uint8_t *)walk.data + ig_walk_at(&walk, (m0 + i) * k);
    elem *to = out->a + i * row;
    int32_t zero = 0;
    if (has_zero) ig_reader_read(&zeros, (m0 + i) * k, 1, &zero);
    out->rows[i] = lies ? (const elem *)(const void *)x : to;
    if (out->row_zeros) out->row_zeros[i] = prepared_zero(is_signed(a), zero);
    if (lies) continue;
    if (step == 1) prepare_run(x, k, is_signed(a), zero, to);
    else
      for (int64_t j = 0; j < k; j++) prepare_run(x + j * step, 1, is_signed(a), zero, to + j);
    for (int64_t j = k; j < row; j++) to[j] = 0;
  }
}

static product matmul_product(const ig_call *c) {
  const ig_view *a = ig_call_in(c, 0), *b = ig_call_in(c, 1);
  product g = { .c = c, .rows = 1, .n = b->dims[b->rank - 1], .depth = a->dims[a->rank - 1], .n_runs = 1, .prepare = matmul_prepare };
  for (uint32_t i = 0; i + 1 < a->rank; i++) g.rows *= a->dims[i], g.axes[i] = (uint8_t)i;
  g.n_axes = g.channel = a->rank - 1u;
  g.image_rows = g.rows;
  g.panels = (g.n + NR - 1) / NR;
  g.words = g.run_words = words_of(g.depth);
  const int64_t row_bytes = g.words * KG * (int64_t)sizeof(elem);
  g.block_rows = ig_max_i64(MR, ig_min_i64(BLOCK_ROWS, A_BYTES / ig_max_i64(1, row_bytes)));
  g.a_bytes = (size_t)ig_max_i64(A_BYTES, MR * row_bytes);
  g.input_bytes = (double)g.rows * (double)g.depth;
  return g;
}

size_t NAME(ig_cpu_matmul_s8_scratch)(const ig_call *c, uint32_t n_parts) {
  const product g = matmul_product(c);
  return scratch_bytes(&g, n_parts);
}
void NAME(ig_cpu_matmul_s8_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  if (ig_view_count(ig_call_out(c, 0)) == 0) return;
  const product g = matmul_product(c);
  IG_UNUSED(phase);
  run_product(&g, part, n_parts);
}
