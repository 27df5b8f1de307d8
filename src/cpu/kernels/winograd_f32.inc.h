/* conv of float32 with a 3x3 kernel by Winograd's F(4x4, 3x3) or F(2x2, 3x3): include after simd/f32_<isa>.h with WINOGRAD_OUT 4 or 2. See
 * winograd_tiles.inc.h. The epilogue runs in registers.
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

enum { KG = 1, IN_W = SIMD_W };
#define STEPS_UNROLLED _Pragma("GCC unroll 4")
typedef float in_elem, v_elem, u_elem, m_elem;
typedef vf points, sums;

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

#define load_in(s, at) vf_load(at)
#define load_in_n(s, at, n) vf_load_n(at, n)
#define load_v(p) vf_load(p)
#define store_v(p, x) vf_store(p, x)
#define sums_zero() vf_zero()
#define load_u(p) vf_load(p)
#define set_v(p) vf_set(*(p))
#define mac(acc, x, b) vf_fma(x, b, acc)
#define store_m(p, x) vf_store(p, x)
#include "cpu/kernels/winograd_tiles.inc.h"

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
      case IG_FINISH_LINE: EACH(vf_line(x[j], k, vf_set(step->offset), vf_set(step->lo), vf_set(step->hi))) break;
      case IG_FINISH_LEAKY: EACH(vf_leaky(x[j], k)) break;
      case IG_FINISH_ADD_OPERAND:
      case IG_FINISH_LEAKY_OPERAND:
      case IG_FINISH_MUL_OPERAND: {
        const place *p = &w->add[step->operand];
        const float *q = p->data + t->n * p->n + y * p->y + t->x * p->x + o * p->channels;
#define OPERAND (!p->channels ? vf_set(q[j * p->x]) : whole ? vf_load(q + j * p->x) : vf_load_n(q + j * p->x, n))
        if (step->kind == IG_FINISH_ADD_OPERAND) EACH(j >= count ? x[j] : vf_add(x[j], OPERAND))
        else if (step->kind == IG_FINISH_MUL_OPERAND) EACH(j >= count ? x[j] : vf_mul(x[j], OPERAND))
        else EACH(j >= count ? x[j] : vf_leaky(x[j], OPERAND))
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

static size_t columns_bytes(const shape *s) { return (void)s, 0; }
static void prepare_columns(const ig_call *c, const shape *s, char *columns, uint32_t part, uint32_t n_parts) { (void)c, (void)s, (void)columns, (void)part, (void)n_parts; }
static void border_of(const ig_call *c, float *border) {
  (void)c;
  for (int i = 0; i < IN_W; i++) border[i] = 0;
}
static void work_init(work *w, const ig_call *c, char *columns, char *epi) {
  static const uint8_t channels_last[] = { 0, 2, 3, 1 };
  (void)columns;
  w->direct = ig_finish_recognise(c, &w->finish) && place_init(ig_call_out(c, 0), &w->out) && w->out.channels;
  for (uint32_t i = 0; w->direct && i < w->finish.n_adds; i++) w->direct = place_init(w->finish.add[i], &w->add[i]);
  if (!w->direct) w->epi = ig_epi_make(epi, c, channels_last, IG_S_F32, c->n_out, &NAME(ig_prog_isa));
}
#include "cpu/kernels/winograd_parts.inc.h"
