/* conv of float32 with a 3x3 kernel by Winograd's F(4x4, 3x3) or F(2x2, 3x3): include after simd/f32_<isa>.h with WINOGRAD_OUT 4 or 2 and its NAME.
 * See kern/winograd.h.
 *
 * Channels are the lanes: the input's channel axis has stride 1. A tile is 4x4 results, of 6x6 inputs. Three steps: the inputs of some tiles become 36
 * matrices V[point][tile][C]; each is multiplied with the weights' matrix U[point][C][O], a panel of NR columns at a time, into M[tile][point][NR]; and M
 * becomes results, on which the epilogue runs in registers. Tiles are numbered through images, rows and columns.
 *
 * Where there are tiles enough, each part takes blocks of them through all three steps, V staying in its own second-level cache. Where there are few,
 * phase 0 makes V of all tiles, together, and phase 1 shares out the panels, so that every part reads its own weights only.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/finish.h"
#include "cpu/kernels/kernels.h"
#include "hal/tactic.h"
#include "cpu/simd/math_f32.h"
#include "kern/winograd.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(x) PASTE(x, SIMD_ISA)   /* of others' functions */
#define OWN_(x, tile) PASTE(ig_cpu_winograd##tile##_f32_##x, SIMD_ISA)
#define OWN(x, tile) OWN_(x, tile)
#define INLINE static inline __attribute__((always_inline))

enum {
  NR = 2 * SIMD_W, MR = SIMD_W == 16 ? 12 : 6,   /* tile of the product: rows and columns whose sums fill the registers */
  OUT = WINOGRAD_OUT, IN = OUT + IG_WINOGRAD_KERNEL - 1, POINTS = IN * IN, PIXELS = OUT * OUT,
  GROUP = 32 / NR,                     /* panels whose M lies in the scratch together */
  BLOCK_BYTES = SIMD_W == 16 ? 640 << 10 : 320 << 10,   /* of a part's V: stays in the second-level cache */
  BLOCK_TILES = 30, LEAST_TILES = 18,  /* at most and at least in a block */
  FEW_TILES = 12, MANY_WEIGHTS = 1 << 20, SHARED_FLOATS = 4 << 20,   /* see shared_tiles */
  CHUNK = 64                           /* channels of a piece of phase 0 */
};

typedef struct shape {
  const float *x;
  int64_t c, o, rows, columns, pad[2], out[2];
  int64_t n_stride, y_stride, x_stride;
  int64_t across, down, tiles, panels;
  int64_t v_row;                       /* floats from tile to tile of V */
} shape;

static void shape_init(shape *s, const ig_call *c) {
  const ig_view *x = ig_call_in(c, 0), *y = ig_call_out(c, 0);
  const ig_conv_params *p = c->params;
  *s = (shape){ .x = x->data, .c = x->dims[1], .o = y->dims[1], .rows = x->dims[2], .columns = x->dims[3], .pad = { p->pad_lo[0], p->pad_lo[1] },
    .out = { y->dims[2], y->dims[3] }, .n_stride = x->strides[0], .y_stride = x->strides[2], .x_stride = x->strides[3] };
  s->down = (s->out[0] + OUT - 1) / OUT;
  s->across = (s->out[1] + OUT - 1) / OUT;
  s->tiles = y->dims[0] * s->down * s->across;
  s->panels = (s->o + NR - 1) / NR;
  s->v_row = (s->c + 15) / 16 * 16;
}
/* Floats from point to point of V: an odd number of cache lines, so that the 36 do not compete for the same places of the cache. */
static int64_t v_point(const shape *s, int64_t tiles) { return (tiles * s->v_row / 16 | 1) * 16; }

typedef struct tile { int64_t n, y, x; } tile;   /* image and first result */
static tile tile_at(const shape *s, int64_t i) { return (tile){ i / (s->down * s->across), i / s->across % s->down * OUT, i % s->across * OUT }; }

/* ---- inputs ---- */

/* B' d of a tile's row or column. */
INLINE void to_points(const vf *d, vf *t) {
#if WINOGRAD_OUT == 4
  const vf a = vf_set((float)IG_WINOGRAD_A), b = vf_set((float)IG_WINOGRAD_B), half = vf_set(0.5f), two = vf_set(2), both = vf_set(2.5f);
  const vf e1 = vf_fnma(two, d[2], d[4]), f1 = vf_fnma(two, d[1], d[3]), e2 = vf_fnma(half, d[2], d[4]), f2 = vf_fnma(half, d[1], d[3]);
  t[0] = vf_fnma(both, d[2], vf_add(d[0], d[4]));
  t[1] = vf_fma(a, f1, e1);
  t[2] = vf_fnma(a, f1, e1);
  t[3] = vf_fma(b, f2, e2);
  t[4] = vf_fnma(b, f2, e2);
  t[5] = vf_fnma(both, d[3], vf_add(d[1], d[5]));
#else
  t[0] = vf_sub(d[0], d[2]);
  t[1] = vf_add(d[1], d[2]);
  t[2] = vf_sub(d[2], d[1]);
  t[3] = vf_sub(d[3], d[1]);
#endif
}

/* The places of a tile that reaches over the border: outside ones are a vector of zeros that does not move with the channel. */
typedef struct patch { const float *at[POINTS]; int64_t mask[POINTS]; } patch;
static const float zeros[SIMD_W];

/* A vector of channels from c on, n of them unless whole. border and whole are constants where this is inlined. */
INLINE void transform_vector(bool border, bool whole, const shape *s, const float *x, const patch *p, int64_t c, int64_t n, float *between, float *v, int64_t point) {
  vf d[IN], t[IN];
#pragma GCC unroll 1
  for (int j = 0; j < IN; j++) {
#pragma GCC unroll 6
    for (int i = 0; i < IN; i++) {
      const float *at = border ? p->at[i * IN + j] + (c & p->mask[i * IN + j]) : x + i * s->y_stride + j * s->x_stride + c;
      d[i] = whole ? vf_load(at) : vf_load_n(at, n);
    }
    to_points(d, t);
#pragma GCC unroll 6
    for (int i = 0; i < IN; i++) vf_store(between + (i * IN + j) * SIMD_W, t[i]);
  }
#pragma GCC unroll 1
  for (int i = 0; i < IN; i++) {
#pragma GCC unroll 6
    for (int j = 0; j < IN; j++) d[j] = vf_load(between + (i * IN + j) * SIMD_W);
    to_points(d, t);
#pragma GCC unroll 6
    for (int j = 0; j < IN; j++) vf_store(v + (i * IN + j) * point + c, t[j]);
  }
}

static void border_tile(const shape *s, const tile *t, int64_t c0, int64_t c1, float *between, float *v, int64_t point) {
  patch p;
  for (int i = 0; i < POINTS; i++) {
    const int64_t y = t->y - s->pad[0] + i / IN, x = t->x - s->pad[1] + i % IN;
    const bool inside = y >= 0 && y < s->rows && x >= 0 && x < s->columns;
    p.at[i] = inside ? s->x + t->n * s->n_stride + y * s->y_stride + x * s->x_stride : zeros;
    p.mask[i] = inside ? -1 : 0;
  }
  int64_t c = c0;
  for (; c + SIMD_W <= c1; c += SIMD_W) transform_vector(true, true, s, NULL, &p, c, SIMD_W, between, v, point);
  if (c < c1) transform_vector(true, false, s, NULL, &p, c, c1 - c, between, v, point);
}
static void inner_tile(const shape *s, const float *x, int64_t c0, int64_t c1, float *between, float *v, int64_t point) {
  int64_t c = c0;
  for (; c + SIMD_W <= c1; c += SIMD_W) transform_vector(false, true, s, x, NULL, c, SIMD_W, between, v, point);
  if (c < c1) transform_vector(false, false, s, x, NULL, c, c1 - c, between, v, point);
}
/* Channels [c0, c1) of a tile, c0 a multiple of the vector; v: its row of V's point 0. */
static void transform(const shape *s, int64_t i, int64_t c0, int64_t c1, float *between, float *v, int64_t point) {
  const tile t = tile_at(s, i);
  const int64_t y = t.y - s->pad[0], x = t.x - s->pad[1];
  if (y >= 0 && y + IN <= s->rows && x >= 0 && x + IN <= s->columns) inner_tile(s, s->x + t.n * s->n_stride + y * s->y_stride + x * s->x_stride, c0, c1, between, v, point);
  else border_tile(s, &t, c0, c1, between, v, point);
}

/* ---- products ---- */

/* `rows` rows of V, `row` floats apart, times a panel: rows of M, `to` floats apart. rows is a constant wherever this is inlined. On the way the panel's
 * successor is called for, from `next` on, `step` bytes for every channel: weights come from memory, and its latency is hidden behind the sums. */
INLINE void micro(int rows, const float *a, int64_t row, const float *b, int64_t k, float *m, int64_t to, const char *next, int64_t step) {
  vf c[MR][2];
  const float *r[(MR + 2) / 3];
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) c[i][0] = c[i][1] = vf_zero();
#pragma GCC unroll 16
  for (int i = 0; i < rows; i += 3) r[i / 3] = a + i * row;
  for (int64_t p = 0; p < k; p++, b += NR, next += step) {
    __builtin_prefetch(next);
    if (NR * 4 > 64 && step > 64) __builtin_prefetch(next + 64);
    const vf b0 = vf_load(b), b1 = vf_load(b + SIMD_W);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      const vf x = vf_set(r[i / 3][i % 3 * row]);
      c[i][0] = vf_fma(x, b0, c[i][0]);
      c[i][1] = vf_fma(x, b1, c[i][1]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i += 3) r[i / 3]++;
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) {
    vf_store(m + i * to, c[i][0]);
    vf_store(m + i * to + SIMD_W, c[i][1]);
  }
}
typedef void (*micro_fn)(const float *a, int64_t row, const float *b, int64_t k, float *m, int64_t to, const char *next, int64_t step);
#define MICRO(rows) \
  static void micro_##rows(const float *a, int64_t row, const float *b, int64_t k, float *m, int64_t to, const char *next, int64_t step) { \
    micro(rows, a, row, b, k, m, to, next, step); \
  }
MICRO(1) MICRO(2) MICRO(3) MICRO(4) MICRO(5) MICRO(6)
#if SIMD_W == 16
MICRO(7) MICRO(8) MICRO(9) MICRO(10) MICRO(11) MICRO(12)
#endif
static const micro_fn micros[] = { NULL, micro_1, micro_2, micro_3, micro_4, micro_5, micro_6,
#if SIMD_W == 16
  micro_7, micro_8, micro_9, micro_10, micro_11, micro_12
#endif
};

/* M of n tiles and `group` panels: v is V's point 0 at the first tile, u the weights of the first panel. */
static void products(const shape *s, const float *v, int64_t point, int64_t n, const float *u, int64_t group, float *m) {
  const int64_t steps = (n + MR - 1) / MR, to = group * POINTS * NR;
  for (int64_t p = 0; p < POINTS; p++)
    for (int64_t g = 0; g < group; g++) {
      const int64_t panel = s->c * NR;
      const float *b = u + (g * POINTS + p) * panel, *next = g + 1 < group ? b + POINTS * panel : p + 1 < POINTS ? u + (p + 1) * panel : b;
      for (int64_t i = 0; i < steps; i++) {
        int64_t lo, hi;
        ig_split(n, (uint32_t)i, (uint32_t)steps, &lo, &hi);
        micros[hi - lo](v + p * point + lo * s->v_row, s->v_row, b, s->c, m + lo * to + (g * POINTS + p) * NR, to, (const char *)(next + panel / steps * i), NR * 4 / steps);
      }
    }
}

/* ---- results ---- */

/* A' m of a tile's row or column. */
INLINE void from_points(const vf *m, vf *y) {
#if WINOGRAD_OUT == 4
  const vf a = vf_set((float)IG_WINOGRAD_A), b = vf_set((float)IG_WINOGRAD_B), half = vf_set(0.5f), two = vf_set(2);
  const vf s1 = vf_add(m[1], m[2]), d1 = vf_mul(a, vf_sub(m[1], m[2])), s2 = vf_add(m[3], m[4]), d2 = vf_mul(b, vf_sub(m[3], m[4]));
  y[0] = vf_add(vf_add(m[0], s1), s2);
  y[1] = vf_add(d1, d2);
  y[2] = vf_fma(half, s1, vf_mul(two, s2));
  y[3] = vf_fma(half, d1, vf_fma(two, d2, m[5]));
#else
  y[0] = vf_add(vf_add(m[0], m[1]), m[2]);
  y[1] = vf_add(vf_sub(m[1], m[2]), m[3]);
#endif
}

/* Where an operand of the epilogue or the result lies; channels: 1, or 0 where all are one. */
typedef struct place { float *data; int64_t n, y, x; int channels; } place;
typedef struct work {
  shape s;
  ig_finish finish;
  bool direct;                         /* compiled epilogue */
  place out, add[IG_FINISH_ADDS];
  ig_prog *epi;
  float *between, *v, *m, *pixels;     /* between: of a transform's two passes */
} work;

static bool place_init(const ig_view *v, place *p) {
  *p = (place){ v->data, v->strides[0], v->strides[2], v->strides[3], v->dims[1] == 1 || v->strides[1] == 1 };
  return p->channels || v->strides[1] == 0;
}

#define EACH(expr) _Pragma("GCC unroll 4") for (int j = 0; j < OUT; j++) x[j] = (expr);
#define KEEP(to) _Pragma("GCC unroll 4") for (int j = 0; j < OUT; j++) vf_store((to) + j * SIMD_W, x[j]);
static __attribute__((noinline)) void apply(ig_finish_kind kind, vf *x) {
  switch (kind) {
    case IG_FINISH_ERF: EACH(vf_erf(x[j])) break;
    case IG_FINISH_TANH: EACH(vf_tanh(x[j])) break;
    case IG_FINISH_EXP: EACH(vf_exp(x[j])) break;
    default: EACH(vf_sigmoid(x[j])) break;
  }
}
/* The epilogue of the vectors of a tile's row, then their storing: channels o .. o + n of pixels x0 .. x0 + count. */
INLINE void finish_row(const work *w, bool whole, vf *x, const tile *t, int64_t y, int64_t count, int64_t o, int64_t n) {
  float *kept = w->between + OUT * IN * SIMD_W;
  for (uint32_t i = 0; i < w->finish.n_steps; i++) {
    const ig_finish_step *step = &w->finish.steps[i];
    const vf k = vf_set(step->value);
    if (i == w->finish.keep_at) KEEP(kept)
    switch (step->kind) {
      case IG_FINISH_ADD: EACH(vf_add(x[j], k)) break;
      case IG_FINISH_MUL: EACH(vf_mul(x[j], k)) break;
      case IG_FINISH_DIV: EACH(vf_div(x[j], k)) break;
      case IG_FINISH_MAX: EACH(vf_max(k, x[j])) break;
      case IG_FINISH_MIN: EACH(vf_min(k, x[j])) break;
      case IG_FINISH_MUL_KEPT: EACH(vf_mul(x[j], vf_load(kept + j * SIMD_W))) break;
      case IG_FINISH_ADD_OPERAND:
      case IG_FINISH_MUL_OPERAND: {
        const place *p = &w->add[step->operand];
        const float *q = p->data + t->n * p->n + y * p->y + t->x * p->x + o * p->channels;
#define OPERAND (!p->channels ? vf_set(q[j * p->x]) : whole ? vf_load(q + j * p->x) : vf_load_n(q + j * p->x, n))
        if (step->kind == IG_FINISH_ADD_OPERAND) EACH(j >= count ? x[j] : vf_add(x[j], OPERAND))
        else EACH(j >= count ? x[j] : vf_mul(x[j], OPERAND))
#undef OPERAND
        break;
      }
      case IG_FINISH_ERF: case IG_FINISH_TANH: case IG_FINISH_EXP: case IG_FINISH_SIGMOID: apply(step->kind, x); break;
    }
  }
  float *q = w->out.data + t->n * w->out.n + y * w->out.y + t->x * w->out.x + o;
#pragma GCC unroll 4
  for (int j = 0; j < OUT; j++) {
    if (j >= count) break;
    if (whole) vf_store(q + j * w->out.x, x[j]);
    else vf_store_n(q + j * w->out.x, x[j], n);
  }
}
#undef EACH
#undef KEEP

/* A vector of a tile's results, n channels from o on, or whole; m: its points, NR floats apart. Without a compiled epilogue they go to `pixels`, `row`
 * floats from pixel to pixel. */
INLINE void result_vector(const work *w, bool whole, const float *m, const tile *t, int64_t o, int64_t n, float *pixels, int64_t row) {
  vf d[IN], y[OUT];
  float *between = w->between;
  const int64_t rows = ig_min_i64(OUT, w->s.out[0] - t->y), columns = ig_min_i64(OUT, w->s.out[1] - t->x);
#pragma GCC unroll 1
  for (int j = 0; j < IN; j++) {
#pragma GCC unroll 6
    for (int i = 0; i < IN; i++) d[i] = vf_load(m + (i * IN + j) * NR);
    from_points(d, y);
#pragma GCC unroll 4
    for (int i = 0; i < OUT; i++) vf_store(between + (i * IN + j) * SIMD_W, y[i]);
  }
  for (int i = 0; i < rows; i++) {
#pragma GCC unroll 6
    for (int j = 0; j < IN; j++) d[j] = vf_load(between + (i * IN + j) * SIMD_W);
    from_points(d, y);
    if (!pixels) finish_row(w, whole, y, t, t->y + i, columns, o, n);
#pragma GCC unroll 4
    for (int j = 0; j < OUT; j++)
      if (pixels) vf_store(pixels + (i * OUT + j) * row, y[j]);
  }
}

/* The interpreter takes a tile's channels o .. o + n pixel by pixel, or a row of pixels at a time where that is all channels. */
static void finish_pixels(const work *w, const tile *t, int64_t o, int64_t n, int64_t row) {
  const shape *s = &w->s;
  const int64_t rows = ig_min_i64(OUT, s->out[0] - t->y), columns = ig_min_i64(OUT, s->out[1] - t->x), merged = n == row && n == s->o ? columns : 1;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j += merged)
      ig_prog_range(w->epi, ((t->n * s->out[0] + t->y + i) * s->out[1] + t->x + j) * s->o + o, n * merged, w->pixels + (i * OUT + j) * row);
}

static void results(const work *w, int64_t t0, int64_t n, int64_t panel, int64_t group) {
  const int64_t row = group * NR, o0 = panel * NR, o1 = ig_min_i64(o0 + row, w->s.o);
  for (int64_t i = 0; i < n; i++) {
    const tile t = tile_at(&w->s, t0 + i);
    for (int64_t o = o0; o < o1; o += SIMD_W) {
      const int64_t at = o - o0;
      const float *m = w->m + (i * group + at / NR) * POINTS * NR + at % NR;
      float *pixels = w->direct ? NULL : w->pixels + at;
      if (o + SIMD_W <= o1) result_vector(w, true, m, &t, o, SIMD_W, pixels, row);
      else result_vector(w, false, m, &t, o, o1 - o, pixels, row);
    }
    if (!w->direct) finish_pixels(w, &t, o0, o1 - o0, row);
  }
}

/* n tiles from t0 on, whose V begins at v, times panels [p_lo, p_hi). */
static void block(const work *w, const float *u, const float *v, int64_t point, int64_t t0, int64_t n, int64_t p_lo, int64_t p_hi) {
  for (int64_t p = p_lo; p < p_hi; p += GROUP) {
    const int64_t group = ig_min_i64(GROUP, p_hi - p);
    products(&w->s, v, point, n, u + p * POINTS * w->s.c * NR, group, w->m);
    results(w, t0, n, p, group);
  }
}

/* ---- parts ---- */

static int64_t block_tiles(const shape *s) { return ig_max_i64(LEAST_TILES, ig_min_i64(BLOCK_TILES, BLOCK_BYTES / 4 / POINTS / ig_max_i64(1, s->v_row))); }
/* Up to how many tiles is V made of all of them, before any product? Where a part would have few of its own, and where weights are so many that
 * reading them once is worth V's way through the third-level cache. */
static int64_t shared_tiles(const shape *s, uint32_t n_parts) {
  const int64_t few = (int64_t)n_parts * FEW_TILES - 1, v_floats = POINTS * ig_max_i64(1, s->v_row);
  return POINTS * s->c * s->o > MANY_WEIGHTS ? ig_max_i64(few, SHARED_FLOATS / v_floats) : few;
}
static size_t shared_bytes(const shape *s, uint32_t n_parts) { return (size_t)(POINTS * v_point(s, ig_min_i64(s->tiles, shared_tiles(s, n_parts)))) * 4; }
static size_t v_bytes(const shape *s) { return (size_t)(POINTS * v_point(s, block_tiles(s))) * 4; }
enum { BETWEEN_BYTES = POINTS * SIMD_W * 4, M_BYTES = BLOCK_TILES * GROUP * POINTS * NR * 4, PIXELS_BYTES = PIXELS * GROUP * NR * 4 };
static size_t part_bytes(const shape *s, const ig_call *c) { return BETWEEN_BYTES + v_bytes(s) + M_BYTES + PIXELS_BYTES + ig_epi_bytes(c); }
size_t OWN(scratch, WINOGRAD_OUT)(const ig_call *c, uint32_t n_parts) {
  shape s;
  shape_init(&s, c);
  return shared_bytes(&s, n_parts) + n_parts * part_bytes(&s, c);
}

static void work_init(work *w, const ig_call *c, char *scratch) {
  static const uint8_t channels_last[] = { 0, 2, 3, 1 };
  w->between = (float *)(void *)scratch;
  w->v = w->between + BETWEEN_BYTES / 4;
  w->m = (float *)(void *)((char *)w->v + v_bytes(&w->s));
  w->pixels = (float *)(void *)((char *)w->m + M_BYTES);
  w->direct = ig_finish_recognise(c, &w->finish) && place_init(ig_call_out(c, 0), &w->out) && w->out.channels;
  for (uint32_t i = 0; w->direct && i < w->finish.n_adds; i++) w->direct = place_init(w->finish.add[i], &w->add[i]);
  if (!w->direct) w->epi = ig_epi_make((char *)w->pixels + PIXELS_BYTES, c, channels_last, IG_S_F32, c->n_out, &NAME(ig_prog_isa));
}

/* Tiles [t_lo, t_hi) in blocks of about equal size. */
static void run_blocks(const work *w, const float *u, int64_t t_lo, int64_t t_hi) {
  const int64_t blocks = (t_hi - t_lo + block_tiles(&w->s) - 1) / block_tiles(&w->s), point = v_point(&w->s, block_tiles(&w->s));
  for (int64_t i = 0; i < blocks; i++) {
    int64_t lo, hi;
    ig_split(t_hi - t_lo, (uint32_t)i, (uint32_t)blocks, &lo, &hi);
    for (int64_t t = lo; t < hi; t++) transform(&w->s, t_lo + t, 0, w->s.c, w->between, w->v + (t - lo) * w->s.v_row, point);
    block(w, u, w->v, point, t_lo + lo, hi - lo, 0, w->s.panels);
  }
}

static void transform_all(const shape *s, float *between, float *v, uint32_t part, uint32_t n_parts) {
  const int64_t chunks = (s->c + CHUNK - 1) / CHUNK, point = v_point(s, s->tiles);
  int64_t lo, hi;
  ig_split(s->tiles * chunks, part, n_parts, &lo, &hi);
  for (int64_t i = lo; i < hi; i++) transform(s, i / chunks, i % chunks * CHUNK, ig_min_i64(s->c, (i % chunks + 1) * CHUNK), between, v + i / chunks * s->v_row, point);
}
/* Items are groups of panels, each times all tiles in blocks. */
static void run_panels(const work *w, const float *u, const float *v, uint32_t part, uint32_t n_parts) {
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
  work w;
  if (ig_view_count(ig_call_out(c, 0)) == 0) return;
  shape_init(&w.s, c);
  const bool shared = w.s.tiles <= shared_tiles(&w.s, n_parts);
  float *all = c->scratch;
  char *own = (char *)c->scratch + shared_bytes(&w.s, n_parts) + part * part_bytes(&w.s, c);
  const float *u = ig_call_in(c, 1)->data;
  if (phase == 0) {
    if (shared) transform_all(&w.s, (float *)(void *)own, all, part, n_parts);
    return;
  }
  work_init(&w, c, own);
  int64_t lo, hi;
  ig_split(w.s.tiles, part, n_parts, &lo, &hi);
  if (shared) run_panels(&w, u, all, part, n_parts);
  else if (lo < hi) run_blocks(&w, u, lo, hi);
}
