/* Winograd's conv: how tiles and panels are shared out. Included after winograd_tiles.inc.h and what else winograd_f32.inc.h or winograd_s8.inc.h says:
 *   work                              with s, the memory of a part (between, v, m, pixels) and what results need
 *   results                           M of n tiles and `group` panels becomes results
 *   columns_bytes, prepare_columns    scratch for what belongs to columns, made in phase 0; border_of: fills shape's border
 *   work_init                         the rest of work; the memory of an interpreted epilogue is at `epi`
 * SPDX-License-Identifier: Apache-2.0 */

/* n tiles from t0 on, whose V begins at v, times panels [p_lo, p_hi). */
static void block(const work *w, const u_elem *u, const v_elem *v, int64_t point, int64_t t0, int64_t n, int64_t p_lo, int64_t p_hi) {
  for (int64_t p = p_lo; p < p_hi; p += GROUP) {
    const int64_t group = ig_min_i64(GROUP, p_hi - p);
    products(&w->s, v, point, n, u + p * POINTS * w->s.steps * KG * NR, group, w->m);
    results(w, t0, n, p, group);
  }
}

/* Bytes of V for a tile. */
static int64_t tile_bytes(const shape *s) { return POINTS * ig_max_i64(1, s->v_row) * (int64_t)sizeof(v_elem); }
static int64_t block_tiles(const shape *s) { return ig_max_i64(LEAST_TILES, ig_min_i64(BLOCK_TILES, BLOCK_BYTES / tile_bytes(s))); }
/* Up to how many tiles is V made of all of them, before any product? Where a part would have few of its own, and where weights are so many that
 * reading them once is worth V's way through the third-level cache. */
static int64_t shared_tiles(const shape *s, uint32_t n_parts) {
  const int64_t few = (int64_t)n_parts * FEW_TILES - 1;
  return POINTS * s->c * s->o * (int64_t)sizeof(u_elem) > MANY_WEIGHTS ? ig_max_i64(few, SHARED_BYTES / tile_bytes(s)) : few;
}
static size_t shared_bytes(const shape *s, uint32_t n_parts) { return (size_t)(POINTS * v_point(s, ig_min_i64(s->tiles, shared_tiles(s, n_parts)))) * sizeof(v_elem); }
static size_t v_bytes(const shape *s) { return (size_t)(POINTS * v_point(s, block_tiles(s))) * sizeof(v_elem); }
enum { BETWEEN_BYTES = POINTS * SIMD_W * 4, M_BYTES = BLOCK_TILES * GROUP * POINTS * NR * 4, PIXELS_BYTES = PIXELS * GROUP * NR * 4 };
static size_t part_bytes(const shape *s, const ig_call *c) { return BETWEEN_BYTES + v_bytes(s) + M_BYTES + PIXELS_BYTES + ig_epi_bytes(c); }
size_t OWN(scratch, WINOGRAD_OUT)(const ig_call *c, uint32_t n_parts) {
  shape s;
  shape_init(&s, c);
  return columns_bytes(&s) + shared_bytes(&s, n_parts) + n_parts * part_bytes(&s, c);
}

/* Tiles [t_lo, t_hi) in blocks of about equal size. */
static void run_blocks(const work *w, const u_elem *u, int64_t t_lo, int64_t t_hi) {
  const int64_t blocks = (t_hi - t_lo + block_tiles(&w->s) - 1) / block_tiles(&w->s), point = v_point(&w->s, block_tiles(&w->s));
  for (int64_t i = 0; i < blocks; i++) {
    int64_t lo, hi;
    ig_split(t_hi - t_lo, (uint32_t)i, (uint32_t)blocks, &lo, &hi);
    for (int64_t t = lo; t < hi; t++) transform(&w->s, t_lo + t, 0, w->s.c, w->between, w->v + (t - lo) * w->s.v_row, point);
    block(w, u, w->v, point, t_lo + lo, hi - lo, 0, w->s.panels);
  }
}

static void transform_all(const shape *s, v_elem *between, v_elem *v, uint32_t part, uint32_t n_parts) {
  const int64_t chunks = (s->c + CHUNK - 1) / CHUNK, point = v_point(s, s->tiles);
  int64_t lo, hi;
  ig_split(s->tiles * chunks, part, n_parts, &lo, &hi);
  for (int64_t i = lo; i < hi; i++) transform(s, i / chunks, i % chunks * CHUNK, ig_min_i64(s->c, (i % chunks + 1) * CHUNK), between, v + i / chunks * s->v_row, point);
}
/* Items are groups of panels, each times all tiles in blocks. */
static void run_panels(const work *w, const u_elem *u, const v_elem *v, uint32_t part, uint32_t n_parts) {
  const shape *s = &w->s;
  const int64_t blocks = (s->tiles + BLOCK_TILES - 1) / BLOCK_TILES, groups = (s->panels + GROUP - 1) / GROUP;
  int64_t lo, hi;
  ig_split(groups * blocks, part, n_parts, &lo, &hi);
  for (int64_t i = lo; i < hi; i++) {
    int64_t t0, t1;
    ig_split(s->tiles, (uint32_t)(i % blocks), (uint32_t)blocks, &t0, &t1);
    const int64_t p = i / blocks * GROUP;
    block(w, u, v + t0 * s->v_row, v_point(s, s->tiles), t0, t1 - t0, p, ig_min_i64(p + GROUP, s->panels));
  }
}

void OWN(run, WINOGRAD_OUT)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  work w = { 0 };
  in_elem border[IN_W];
  if (ig_view_count(ig_call_out(c, 0)) == 0) return;
  shape_init(&w.s, c);
  border_of(c, border);
  w.s.border = border;
  char *const columns = c->scratch, *const all = columns + columns_bytes(&w.s), *at = all + shared_bytes(&w.s, n_parts) + part * part_bytes(&w.s, c);
  const bool shared = w.s.tiles <= shared_tiles(&w.s, n_parts);
  w.between = (v_elem *)(void *)at;
  w.v = (v_elem *)(void *)(at += BETWEEN_BYTES);
  w.m = (m_elem *)(void *)(at += v_bytes(&w.s));
  w.pixels = (m_elem *)(void *)(at += M_BYTES);
  if (phase == 0) {
    prepare_columns(c, &w.s, columns, part, n_parts);
    if (shared) transform_all(&w.s, w.between, (v_elem *)(void *)all, part, n_parts);
    return;
  }
  work_init(&w, c, columns, at + PIXELS_BYTES);
  const u_elem *u = ig_call_in(c, 1)->data;
  int64_t lo, hi;
  ig_split(w.s.tiles, part, n_parts, &lo, &hi);
  if (shared) run_panels(&w, u, (const v_elem *)(const void *)all, part, n_parts);
  else if (lo < hi) run_blocks(&w, u, lo, hi);
}
