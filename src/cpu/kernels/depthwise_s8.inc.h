/* Depthwise conv of 8-bit integers: include after kernels/depthwise_planes.inc.h: float32 holds the sums of up to
 * IG_DEPTHWISE_S8_TAPS products exactly.
 * SPDX-License-Identifier: Apache-2.0 */
static size_t depthwise_s8_bytes(const ig_call *c) {
  ig_image m;
  ig_image_init(&m, c);
  return planes_bytes(c) + ig_pad64((size_t)m.k * 8);
}
size_t NAME(ig_cpu_depthwise_s8_scratch)(const ig_call *c, uint32_t n_parts) { return n_parts * depthwise_s8_bytes(c); }

/* n weights from linear index lin, less their zero points. */
static void load_weights(const ig_reader *w, const ig_reader *z, int64_t lin, int64_t n, float *out) {
  ig_reader_read(w, lin, n, out);
  if (z) ig_reader_read(z, lin, n, out + n);
  for (int64_t i = 0; z && i < n; i++) out[i] -= out[n + i];
}

void NAME(ig_cpu_depthwise_s8_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_view *x = ig_call_in(c, 0);
  const bool has_zx = c->n_in > 2 && ig_view_present(ig_call_in(c, 2)), has_zw = c->n_in > 3 && ig_view_present(ig_call_in(c, 3));
  ig_image m;
  ig_reader r, rw, rz;
  int64_t lo, hi;
  IG_UNUSED(phase);
  if (ig_view_count(ig_call_out(c, 0)) == 0) return;
  ig_image_init(&m, c);
  ig_split_items(c, x->dims[0] * x->dims[1], part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  char *s = ig_part_scratch(c, part, depthwise_s8_bytes(c));
  float *in = (float *)(void *)s, *out = (float *)(void *)(s + plane_in_bytes(&m)), *k = (float *)(void *)(s + planes_bytes(c));
  memset(s, 0, plane_in_bytes(&m));
  if (has_zx) {
    ig_reader_init(&r, ig_call_in(c, 2), NULL, IG_S_F32);
    ig_reader_read(&r, 0, 1, &m.border);
  }
  if (has_zw) ig_reader_init(&rz, ig_call_in(c, 3), NULL, IG_S_F32);
  ig_reader_init(&rw, ig_call_in(c, 1), NULL, IG_S_F32);
  ig_reader_init(&r, x, NULL, IG_S_F32);
  ig_prog *epi = ig_epi_make(s + plane_in_bytes(&m) + plane_out_bytes(&m), c, NULL, IG_S_I32, c->n_out, &NAME(ig_prog_isa));
  const int64_t n_in = m.rows * m.row, n_out = m.out[0] * m.out[1];
  for (int64_t i = lo; i < hi; i++) {
    load_weights(&rw, has_zw ? &rz : NULL, i % x->dims[1] * m.k, m.k, k);
    ig_image_copy(&m, &r, i, in);
    for (int64_t j = 0; j < n_in; j++) in[j] -= m.border;
    depthwise_plane(&m, in, k, out);
    for (int64_t j = 0; j < n_out; j++) {
      const int32_t sum = (int32_t)out[j];
      memcpy(&out[j], &sum, sizeof sum);
    }
    ig_prog_range(epi, i * n_out, n_out, out);
  }
}
