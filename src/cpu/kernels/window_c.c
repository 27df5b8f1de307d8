/* window: pooling, local response normalisation and fold, plane by plane: a channel's input plane is read into the scratch in compute form, its
 * results are made there and then stored. Planes are independent, so parts split over images and channels (LRN: images and positions).
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/window.h"
#include "cpu/kernels/kernels.h"
#include "kern/scalar_math.h"

enum { LRN_BLOCK = 256 };              /* positions of LRN at a time */

static size_t plane_bytes(const ig_view *v) {
  int64_t n = 1;
  for (uint32_t k = 2; k < v->rank; k++) n *= v->dims[k];
  return ig_pad64((size_t)n * 8);
}
static size_t bytes_per_part(const ig_call *c) {
  const ig_window_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  if (p->mode == IG_WINDOW_LRN) return 2 * ig_pad64((size_t)(x->dims[1] * LRN_BLOCK * 8));
  if (p->mode == IG_WINDOW_FOLD) return plane_bytes(o) + ig_pad64((size_t)x->dims[2] * 8);
  return plane_bytes(x) + (p->mode == IG_WINDOW_MAX_INDEX ? 2 : 1) * plane_bytes(o);
}
size_t ig_cpu_window_c_scratch(const ig_call *c, uint32_t n_parts) { return n_parts * bytes_per_part(c); }

void ig_window_space_init(ig_window_space *s, const ig_call *c) {
  const ig_window_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  *s = (ig_window_space){ .p = p, .n_in = 1, .n_out = 1 };
  for (int d = 0; d < 3; d++) {
    const int64_t a = d - (3 - p->n_spatial);
    s->in[d] = a < 0 ? 1 : p->mode == IG_WINDOW_FOLD ? o->dims[2 + a] : x->dims[2 + a];
    s->out[d] = a < 0 ? 1 : o->dims[2 + a];
    s->kernel[d] = a < 0 ? 1 : p->kernel[a];
    s->stride[d] = a < 0 ? 1 : p->stride[a];
    s->dilation[d] = a < 0 || p->dilation[a] < 1 ? 1 : p->dilation[a];
    s->pad_lo[d] = a < 0 ? 0 : p->pad_lo[a];
    s->pad_hi[d] = a < 0 ? 0 : p->pad_hi[a];
    s->n_in *= s->in[d];
    s->n_out *= s->out[d];
  }
}

void ig_window_locate(const ig_window_space *s, int64_t i_out, ig_window *w) {
  const int64_t at[3] = { i_out / s->out[2] / s->out[1], i_out / s->out[2] % s->out[1], i_out % s->out[2] };
  w->n_padded = 1;
  for (int d = 0; d < 3; d++) {
    int64_t lo, hi;
    w->base[d] = at[d] * s->stride[d] - s->pad_lo[d];
    ig_window_clip(w->base[d], s->dilation[d], s->kernel[d], s->in[d], &w->lo[d], &w->hi[d]);
    ig_window_clip(w->base[d] + s->pad_lo[d], s->dilation[d], s->kernel[d], s->in[d] + s->pad_lo[d] + s->pad_hi[d], &lo, &hi);
    w->n_padded *= hi - lo;
  }
}

/* Visits the input elements of a window: `at` is the place in the plane. */
#define EACH(s, w, body) \
  for (int64_t z_ = (w).lo[0]; z_ < (w).hi[0]; z_++) \
    for (int64_t y_ = (w).lo[1]; y_ < (w).hi[1]; y_++) { \
      const int64_t row_ = (((w).base[0] + z_ * (s)->dilation[0]) * (s)->in[1] + (w).base[1] + y_ * (s)->dilation[1]) * (s)->in[2] + (w).base[2]; \
      for (int64_t x_ = (w).lo[2]; x_ < (w).hi[2]; x_++) { const int64_t at = row_ + x_ * (s)->dilation[2]; body; } \
    }

/* Maxima compare with > alone, so a NaN never wins; an empty window gives the least value. */
#define MAX(T, S) \
  static void max_##S(const ig_window_space *s, const void *least, const void *in, void *out, int64_t *places) { \
    const T *x = in; \
    T *o = out; \
    for (int64_t i = 0; i < s->n_out; i++) { \
      ig_window w; \
      T best = *(const T *)least; \
      int64_t place = -1; \
      ig_window_locate(s, i, &w); \
      EACH(s, w, { if (place < 0) place = at; if (x[at] > best) { best = x[at]; place = at; } }) \
      o[i] = best; \
      if (places) places[i] = place; \
    } \
  }
MAX(float, f32)
MAX(double, f64)
MAX(int32_t, i32)
MAX(int64_t, i64)
MAX(uint64_t, u64)

typedef union number { float f32; double f64; int32_t i32; int64_t i64; uint64_t u64; } number;
static number least_of(ig_dtype d) {
  const bool is_signed = (d & 0xff) == 0;
  const int64_t least = is_signed ? -(int64_t)(1ull << (IG_DTYPE_BITS(d) - 2)) * 2 : 0;
  switch (ig_stype_of(d)) {
    case IG_S_F32: return (number){ .f32 = -INFINITY };
    case IG_S_F64: return (number){ .f64 = -(double)INFINITY };
    case IG_S_I32: return (number){ .i32 = (int32_t)least };
    default: return (number){ .i64 = least };
  }
}

#define FLOATS(T, S, POW, FABS) \
  static void average_##S(const ig_window_space *s, const void *in, void *out) { \
    const T *x = in; \
    T *o = out; \
    for (int64_t i = 0; i < s->n_out; i++) { \
      ig_window w; \
      T sum = 0; \
      ig_window_locate(s, i, &w); \
      EACH(s, w, sum += x[at]) \
      const int64_t n_inside = (w.hi[0] - w.lo[0]) * (w.hi[1] - w.lo[1]) * (w.hi[2] - w.lo[2]); \
      o[i] = sum / (T)(s->p->count_pad ? w.n_padded : n_inside); \
    } \
  } \
  static void lp_##S(const ig_window_space *s, const void *in, void *out) { \
    const T *x = in, p = (T)s->p->p; \
    T *o = out; \
    for (int64_t i = 0; i < s->n_out; i++) { \
      ig_window w; \
      T sum = 0; \
      ig_window_locate(s, i, &w); \
      EACH(s, w, sum += POW(FABS(x[at]), p)) \
      o[i] = POW(sum, (T)1 / p); \
    } \
  } \
  static void lrn_##S(const ig_window_params *p, const void *in, void *out, int64_t n_c, int64_t n) { \
    const T *x = in, share = (T)(p->alpha / (double)p->kernel[0]), bias = (T)p->bias, beta = (T)p->beta; \
    T *o = out; \
    const int64_t before = (p->kernel[0] - 1) / 2, after = p->kernel[0] - 1 - before; \
    for (int64_t ch = 0; ch < n_c; ch++) { \
      const int64_t lo = ig_max_i64(0, ch - before), hi = ig_min_i64(n_c - 1, ch + after); \
      for (int64_t i = 0; i < n; i++) { \
        T sum = 0; \
        for (int64_t j = lo; j <= hi; j++) sum += x[j * LRN_BLOCK + i] * x[j * LRN_BLOCK + i]; \
        o[ch * LRN_BLOCK + i] = x[ch * LRN_BLOCK + i] / POW(bias + share * sum, beta); \
      } \
    } \
  }
FLOATS(float, f32, ig_f32_pow, fabsf)
FLOATS(double, f64, pow, fabs)

static void pool_plane(const ig_window_space *s, ig_stype t, const number *least, const void *in, void *out, int64_t *places) {
  if (s->p->mode == IG_WINDOW_AVG) { (t == IG_S_F64 ? average_f64 : average_f32)(s, in, out); return; }
  if (s->p->mode == IG_WINDOW_LP) { (t == IG_S_F64 ? lp_f64 : lp_f32)(s, in, out); return; }
  switch (t) {
    case IG_S_F32: max_f32(s, least, in, out, places); return;
    case IG_S_F64: max_f64(s, least, in, out, places); return;
    case IG_S_I32: max_i32(s, least, in, out, places); return;
    case IG_S_I64: max_i64(s, least, in, out, places); return;
    default: max_u64(s, least, in, out, places); return;
  }
}

/* Places within a plane to indices into the whole input, in the storage order asked for. */
static void widen_places(const ig_window_space *s, int64_t *places, int64_t plane) {
  for (int64_t i = 0; i < s->n_out; i++) {
    if (places[i] < 0) {
      places[i] = 0;
      continue;
    }
    if (s->p->column_major) {
      const int64_t x = places[i] % s->in[2], y = places[i] / s->in[2] % s->in[1], z = places[i] / s->in[2] / s->in[1];
      places[i] = s->p->n_spatial == 1 ? x : s->p->n_spatial == 2 ? x * s->in[1] + y : (x * s->in[1] + y) * s->in[0] + z;
    }
    places[i] += plane * s->n_in;
  }
}

static void pool(const ig_call *c, uint32_t part, uint32_t n_parts) {
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  const ig_stype t = ig_stype_of(x->dtype);
  char *in = ig_part_scratch(c, part, bytes_per_part(c)), *out = in + plane_bytes(x);
  const bool indexed = c->n_out > 1 && ig_view_present(ig_call_out(c, 1));
  int64_t *places = indexed ? (int64_t *)(void *)(out + plane_bytes(o)) : NULL;
  const number least = least_of(x->dtype);
  ig_window_space s;
  ig_reader rx;
  ig_writer wo, wp;
  int64_t lo, hi;
  ig_window_space_init(&s, c);
  ig_split_items(c, x->dims[0] * x->dims[1], part, n_parts, &lo, &hi);
  ig_reader_init(&rx, x, NULL, t);
  ig_writer_init(&wo, o, NULL, t);
  if (indexed) ig_writer_init(&wp, ig_call_out(c, 1), NULL, IG_S_I64);
  for (int64_t plane = lo; plane < hi; plane++) {
    ig_reader_read(&rx, plane * s.n_in, s.n_in, in);
    pool_plane(&s, t, &least, in, out, places);
    ig_writer_write(&wo, plane * s.n_out, s.n_out, out);
    if (!indexed) continue;
    widen_places(&s, places, plane);
    ig_writer_write(&wp, plane * s.n_out, s.n_out, places);
  }
}

static void lrn(const ig_call *c, uint32_t part, uint32_t n_parts) {
  const ig_window_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  const ig_stype t = ig_stype_of(x->dtype);
  const int64_t n_c = x->dims[1], n_pos = ig_view_count(x) / (x->dims[0] * n_c), blocks = (n_pos + LRN_BLOCK - 1) / LRN_BLOCK;
  char *in = ig_part_scratch(c, part, bytes_per_part(c)), *out = in + bytes_per_part(c) / 2;
  const size_t row = LRN_BLOCK * ig_stype_size(t);
  ig_reader rx;
  ig_writer wo;
  int64_t lo, hi;
  ig_split_items(c, x->dims[0] * blocks, part, n_parts, &lo, &hi);
  ig_reader_init(&rx, x, NULL, t);
  ig_writer_init(&wo, o, NULL, t);
  for (int64_t i = lo; i < hi; i++) {
    const int64_t p0 = i % blocks * LRN_BLOCK, n = ig_min_i64(LRN_BLOCK, n_pos - p0), first = i / blocks * n_c;
    for (int64_t ch = 0; ch < n_c; ch++) ig_reader_read(&rx, (first + ch) * n_pos + p0, n, in + (size_t)ch * row);
    (t == IG_S_F64 ? lrn_f64 : lrn_f32)(p, in, out, n_c, n);
    for (int64_t ch = 0; ch < n_c; ch++) ig_writer_write(&wo, (first + ch) * n_pos + p0, n, out + (size_t)ch * row);
  }
}

#define ADD_COLUMNS(T, S) \
  static void add_columns_##S(const ig_window_space *s, const int64_t *blocks, const int64_t *k, const void *columns, void *image) { \
    const T *x = columns; \
    T *o = image; \
    for (int64_t z = 0; z < blocks[0]; z++) \
      for (int64_t y = 0; y < blocks[1]; y++) \
        for (int64_t b = 0; b < blocks[2]; b++, x++) { \
          const int64_t iz = z * s->stride[0] + k[0] * s->dilation[0] - s->pad_lo[0], iy = y * s->stride[1] + k[1] * s->dilation[1] - s->pad_lo[1]; \
          const int64_t ix = b * s->stride[2] + k[2] * s->dilation[2] - s->pad_lo[2]; \
          const bool inside = iz >= 0 && iz < s->in[0] && iy >= 0 && iy < s->in[1] && ix >= 0 && ix < s->in[2]; \
          if (inside) o[(iz * s->in[1] + iy) * s->in[2] + ix] += *x; \
        } \
  }
ADD_COLUMNS(float, f32)
ADD_COLUMNS(double, f64)
ADD_COLUMNS(uint32_t, i32)
ADD_COLUMNS(uint64_t, i64)

static void fold(const ig_call *c, uint32_t part, uint32_t n_parts) {
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  const ig_stype t = ig_stype_of(x->dtype);
  char *image = ig_part_scratch(c, part, bytes_per_part(c)), *columns = image + plane_bytes(o);
  ig_window_space s;
  ig_reader rx;
  ig_writer wo;
  int64_t lo, hi, blocks[3];
  ig_window_space_init(&s, c);
  for (int d = 0; d < 3; d++) blocks[d] = (s.in[d] + s.pad_lo[d] + s.pad_hi[d] - s.dilation[d] * (s.kernel[d] - 1) - 1) / s.stride[d] + 1;
  const int64_t n_kernel = s.kernel[0] * s.kernel[1] * s.kernel[2], n_columns = x->dims[2];
  ig_split_items(c, o->dims[0] * o->dims[1], part, n_parts, &lo, &hi);
  ig_reader_init(&rx, x, NULL, t);
  ig_writer_init(&wo, o, NULL, t);
  for (int64_t plane = lo; plane < hi; plane++) {
    memset(image, 0, (size_t)s.n_out * ig_stype_size(t));
    for (int64_t i = 0; i < n_kernel; i++) {
      const int64_t k[3] = { i / s.kernel[2] / s.kernel[1], i / s.kernel[2] % s.kernel[1], i % s.kernel[2] };
      ig_reader_read(&rx, (plane * n_kernel + i) * n_columns, n_columns, columns);
      switch (t) {
        case IG_S_F32: add_columns_f32(&s, blocks, k, columns, image); break;
        case IG_S_F64: add_columns_f64(&s, blocks, k, columns, image); break;
        case IG_S_I32: add_columns_i32(&s, blocks, k, columns, image); break;
        default: add_columns_i64(&s, blocks, k, columns, image); break;
      }
    }
    ig_writer_write(&wo, plane * s.n_out, s.n_out, image);
  }
}

void ig_cpu_window_c_run(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_window_params *p = c->params;
  IG_UNUSED(phase);
  if (ig_view_count(ig_call_out(c, 0)) == 0) return;
  if (p->mode == IG_WINDOW_LRN) lrn(c, part, n_parts);
  else if (p->mode == IG_WINDOW_FOLD) fold(c, part, n_parts);
  else pool(c, part, n_parts);
}
