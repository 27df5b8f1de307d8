/* Winograd's conv with 3x3 kernels, F(4x4, 3x3) or F(2x2, 3x3), whatever the elements: tiles, the transform of inputs, and products. See kern/winograd.h.
 *
 * Channels are the lanes: the input's channel axis has stride 1. A tile is 4x4 results, of 6x6 inputs. Three steps: the inputs of some tiles become 36
 * matrices V[point][tile][C]; each is multiplied with the weights' matrix U[point][C][O], a panel of NR columns at a time, into M[tile][point][NR]; and M
 * becomes results, on which the epilogue runs. Tiles are numbered through images, rows and columns.
 *
 * Where there are tiles enough, each part takes blocks of them through all three steps, V staying in its own second-level cache. Where there are few,
 * phase 0 makes V of all tiles, together, and phase 1 shares out the panels, so that every part reads its own weights only.
 *
 * Included between the arithmetic of winograd_f32.inc.h or winograd_s8.inc.h, which says WINOGRAD_OUT, KG and
 *   in_elem, v_elem, u_elem, m_elem   elements of the input, V, the weights and M; KG of k lie together in U, and are one step of a product
 *   points, IN_W; to_points           a vector of IN_W channels at a point; B' d of a tile's row or column
 *   load_in, load_in_n, store_v       of s, channels at a place (n of them) as such a vector; V or what lies between a transform's passes
 *   sums, mac, ...                    a vector of SIMD_W sums, and what products do to them
 * and winograd_parts.inc.h, the sharing out.
 * SPDX-License-Identifier: Apache-2.0 */
enum {
  NR = 2 * SIMD_W, MR = SIMD_W == 16 ? 12 : 6,   /* tile of the product: rows and columns whose sums fill the registers */
  OUT = WINOGRAD_OUT, IN = OUT + IG_WINOGRAD_KERNEL - 1, POINTS = IN * IN, PIXELS = OUT * OUT,
  GROUP = 32 / NR,                     /* panels whose M lies in the scratch together */
  BLOCK_BYTES = SIMD_W == 16 ? 640 << 10 : 320 << 10,   /* of a part's V: stays in the second-level cache */
  BLOCK_TILES = 30, LEAST_TILES = 18,  /* at most and at least in a block */
  FEW_TILES = 12, MANY_WEIGHTS = 4 << 20, SHARED_BYTES = 16 << 20,   /* see shared_tiles */
  ROW = IN_W > 16 ? IN_W : 16,         /* a row of V is a multiple of it */
  CHUNK = 64                           /* channels of a piece of phase 0 */
};

typedef struct shape {
  const in_elem *x, *border;           /* border: IN_W elements that stand for a place outside */
  int64_t c, o, rows, columns, pad[2], out[2];
  int64_t n_stride, y_stride, x_stride;
  int64_t across, down, tiles, panels;
  int64_t v_row, steps;                /* elements from tile to tile of V; steps of a product */
  int8_t turn;                         /* exclusive or that makes bytes signed: of 8-bit inputs */
} shape;

static void shape_init(shape *s, const ig_call *c) {
  const ig_view *x = ig_call_in(c, 0), *y = ig_call_out(c, 0);
  const ig_conv_params *p = c->params;
  *s = (shape){ .x = x->data, .c = x->dims[1], .o = y->dims[1], .rows = x->dims[2], .columns = x->dims[3], .pad = { p->pad_lo[0], p->pad_lo[1] },
    .out = { y->dims[2], y->dims[3] }, .turn = x->dtype == IG_DTYPE_U8 ? INT8_MIN : 0, .n_stride = x->strides[0], .y_stride = x->strides[2], .x_stride = x->strides[3] };
  s->down = (s->out[0] + OUT - 1) / OUT;
  s->across = (s->out[1] + OUT - 1) / OUT;
  s->tiles = y->dims[0] * s->down * s->across;
  s->panels = (s->o + NR - 1) / NR;
  s->v_row = (s->c + ROW - 1) / ROW * ROW;
  s->steps = (s->c + KG - 1) / KG;
}
/* Elements from point to point of V: an odd number of cache lines, so that the 36 do not compete for the same places of the cache. */
static int64_t v_point(const shape *s, int64_t tiles) {
  const int64_t line = 64 / (int64_t)sizeof(v_elem);
  return ((tiles * s->v_row + line - 1) / line | 1) * line;
}

typedef struct tile { int64_t n, y, x; } tile;   /* image and first result */
static tile tile_at(const shape *s, int64_t i) { return (tile){ i / (s->down * s->across), i / s->across % s->down * OUT, i % s->across * OUT }; }

/* ---- inputs ---- */

/* The places of a tile that reaches over the border: outside ones are a vector that does not move with the channel. */
typedef struct patch { const in_elem *at[POINTS]; int64_t mask[POINTS]; } patch;

/* A vector of channels from c on, n of them unless whole. border and whole are constants where this is inlined. */
INLINE void transform_vector(bool border, bool whole, const shape *s, const in_elem *x, const patch *p, int64_t c, int64_t n, v_elem *between, v_elem *v, int64_t point) {
  points d[IN], t[IN];
#pragma GCC unroll 1
  for (int j = 0; j < IN; j++) {
#pragma GCC unroll 6
    for (int i = 0; i < IN; i++) {
      const in_elem *at = border ? p->at[i * IN + j] + (c & p->mask[i * IN + j]) : x + i * s->y_stride + j * s->x_stride + c;
      d[i] = whole ? load_in(s, at) : load_in_n(s, at, n);
    }
    to_points(d, t);
#pragma GCC unroll 6
    for (int i = 0; i < IN; i++) store_v(between + (i * IN + j) * IN_W, t[i]);
  }
#pragma GCC unroll 1
  for (int i = 0; i < IN; i++) {
#pragma GCC unroll 6
    for (int j = 0; j < IN; j++) d[j] = load_v(between + (i * IN + j) * IN_W);
    to_points(d, t);
#pragma GCC unroll 6
    for (int j = 0; j < IN; j++) store_v(v + (i * IN + j) * point + c, t[j]);
  }
}

static void border_tile(const shape *s, const tile *t, int64_t c0, int64_t c1, v_elem *between, v_elem *v, int64_t point) {
  patch p;
  for (int i = 0; i < POINTS; i++) {
    const int64_t y = t->y - s->pad[0] + i / IN, x = t->x - s->pad[1] + i % IN;
    const bool inside = y >= 0 && y < s->rows && x >= 0 && x < s->columns;
    p.at[i] = inside ? s->x + t->n * s->n_stride + y * s->y_stride + x * s->x_stride : s->border;
    p.mask[i] = inside ? -1 : 0;
  }
  int64_t c = c0;
  for (; c + IN_W <= c1; c += IN_W) transform_vector(true, true, s, NULL, &p, c, IN_W, between, v, point);
  if (c < c1) transform_vector(true, false, s, NULL, &p, c, c1 - c, between, v, point);
}
static void inner_tile(const shape *s, const in_elem *x, int64_t c0, int64_t c1, v_elem *between, v_elem *v, int64_t point) {
  int64_t c = c0;
  for (; c + IN_W <= c1; c += IN_W) transform_vector(false, true, s, x, NULL, c, IN_W, between, v, point);
  if (c < c1) transform_vector(false, false, s, x, NULL, c, c1 - c, between, v, point);
}
/* Channels [c0, c1) of a tile, c0 a multiple of the vector; v: its row of V's point 0. */
static void transform(const shape *s, int64_t i, int64_t c0, int64_t c1, v_elem *between, v_elem *v, int64_t point) {
  const tile t = tile_at(s, i);
  const int64_t y = t.y - s->pad[0], x = t.x - s->pad[1];
  if (y >= 0 && y + IN <= s->rows && x >= 0 && x + IN <= s->columns) inner_tile(s, s->x + t.n * s->n_stride + y * s->y_stride + x * s->x_stride, c0, c1, between, v, point);
  else border_tile(s, &t, c0, c1, between, v, point);
}

/* ---- products ---- */

/* `rows` rows of V, `row` elements apart, times a panel: rows of M, `to` elements apart. rows is a constant wherever this is inlined. On the way the panel's
 * successor is called for, from `next` on, `ahead` bytes for every step: weights come from memory, and its latency is hidden behind the sums. */
INLINE void micro(int rows, const v_elem *a, int64_t row, const u_elem *b, int64_t steps, m_elem *m, int64_t to, const char *next, int64_t ahead) {
  sums c[MR][2];
  const v_elem *r[(MR + 2) / 3];
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) c[i][0] = c[i][1] = sums_zero();
#pragma GCC unroll 16
  for (int i = 0; i < rows; i += 3) r[i / 3] = a + i * row;
  STEPS_UNROLLED for (int64_t p = 0; p < steps; p++, b += NR * KG, next += ahead) {
    __builtin_prefetch(next);
    if (NR * KG * sizeof *b > 64 && ahead > 64) __builtin_prefetch(next + 64);
    const sums b0 = load_u(b), b1 = load_u(b + SIMD_W * KG);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      const sums x = set_v(r[i / 3] + i % 3 * row);
      c[i][0] = mac(c[i][0], x, b0);
      c[i][1] = mac(c[i][1], x, b1);
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i += 3) r[i / 3] += KG;
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) {
    store_m(m + i * to, c[i][0]);
    store_m(m + i * to + SIMD_W, c[i][1]);
  }
}
typedef void (*micro_fn)(const v_elem *a, int64_t row, const u_elem *b, int64_t steps, m_elem *m, int64_t to, const char *next, int64_t ahead);
#define MICRO(rows) \
  static void micro_##rows(const v_elem *a, int64_t row, const u_elem *b, int64_t steps, m_elem *m, int64_t to, const char *next, int64_t ahead) { \
    micro(rows, a, row, b, steps, m, to, next, ahead); \
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
static void products(const shape *s, const v_elem *v, int64_t point, int64_t n, const u_elem *u, int64_t group, m_elem *m) {
  const int64_t steps = (n + MR - 1) / MR, to = group * POINTS * NR;
  for (int64_t p = 0; p < POINTS; p++)
    for (int64_t g = 0; g < group; g++) {
      const int64_t panel = s->steps * KG * NR;
      const u_elem *b = u + (g * POINTS + p) * panel, *next = g + 1 < group ? b + POINTS * panel : p + 1 < POINTS ? u + (p + 1) * panel : b;
      for (int64_t i = 0; i < steps; i++) {
        int64_t lo, hi;
        ig_split(n, (uint32_t)i, (uint32_t)steps, &lo, &hi);
        micros[hi - lo](v + p * point + lo * s->v_row, s->v_row, b, s->steps, m + lo * to + (g * POINTS + p) * NR, to, (const char *)(next + panel / steps * i), NR * KG * (int64_t)sizeof *b / steps);
      }
    }
}
