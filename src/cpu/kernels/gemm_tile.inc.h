/* Tiles of the portable product for one type: T (unsigned for integers, which wrap), V = 16 bytes of T, S = suffix. SPDX-License-Identifier: Apache-2.0 */

/* a: [kc][MR], b: [kc][NR], c: [MR] rows of TILE_N. Sixteen-byte vectors: eight accumulators fit the baseline's registers. */
static void CAT(micro, S)(const T *a, const T *b, T *c, int64_t kc) {
  enum { W = 16 / sizeof(T) };
  V c00 = { 0 }, c01 = { 0 }, c10 = { 0 }, c11 = { 0 }, c20 = { 0 }, c21 = { 0 }, c30 = { 0 }, c31 = { 0 };
  for (int64_t k = 0; k < kc; k++, a += MR, b += NR_BYTES / sizeof(T)) {
    V b0, b1;
    memcpy(&b0, b, 16);
    memcpy(&b1, b + W, 16);
    c00 += b0 * a[0]; c01 += b1 * a[0];
    c10 += b0 * a[1]; c11 += b1 * a[1];
    c20 += b0 * a[2]; c21 += b1 * a[2];
    c30 += b0 * a[3]; c31 += b1 * a[3];
  }
  const V r[MR][2] = { { c00, c01 }, { c10, c11 }, { c20, c21 }, { c30, c31 } };
  for (int i = 0; i < MR; i++) {
    T v[2 * W];
    memcpy(v, r[i], sizeof v);
    for (int j = 0; j < 2 * W; j++) c[i * TILE_N + j] += v[j];
  }
}

/* One tile of mc x nc, summed over all of k into c (rows of TILE_N). */
static void CAT(tile, S)(const ig_gemm *g, const work *w, int64_t batch, int64_t m0, int64_t mc, int64_t n0, int64_t nc) {
  enum { NR = NR_BYTES / sizeof(T) };
  T *pa = w->a, *pb = w->b, *c = w->c, *row = w->row;
  memset(c, 0, (size_t)TILE_M * TILE_N * sizeof(T));
  for (int64_t k0 = 0; k0 < g->k; k0 += TILE_K) {
    const int64_t kc = ig_min_i64(TILE_K, g->k - k0);
    for (int64_t i = 0; i < ROUND_UP(mc, MR); i++) {
      T *o = pa + i / MR * (MR * kc) + i % MR;
      if (i < mc) g->read_a(g->ctx, batch, m0 + i, k0, kc, row);
      for (int64_t k = 0; k < kc; k++) o[k * MR] = i < mc ? row[k] : 0;
    }
    for (int64_t k = 0; k < kc; k++) {
      g->read_b(g->ctx, batch, k0 + k, n0, nc, row);
      for (int64_t j = nc; j < ROUND_UP(nc, NR); j++) row[j] = 0;
      for (int64_t j = 0; j < nc; j += NR) memcpy(pb + j * kc + k * NR, row + j, NR_BYTES);
    }
    for (int64_t j = 0; j < nc; j += NR)
      for (int64_t i = 0; i < mc; i += MR) CAT(micro, S)(pa + i * kc, pb + j * kc, c + i * TILE_N + j, kc);
  }
}
#undef T
#undef V
#undef S
