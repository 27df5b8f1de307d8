/* resize, row by row of the last axis: phase 0 fills each axis' table of places and weights; in phase 1 a row of the result is the weighted sum
 * of the input rows that the outer axes name, resampled along the last axis at the end. Nearest copies elements of any type.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/resize.h"
#include "cpu/kernels/common.h"
#include "cpu/kernels/kernels.h"

/* Tables in the scratch, one entry per result of the axis and tap. */
typedef struct table { ig_resize_axis axis; int64_t *places; double *weights; uint8_t *inside; } table;
typedef struct resizer { const ig_call *c; uint32_t rank; table t[IG_MAX_RANK]; size_t table_bytes, row_bytes; } resizer;

static int64_t last_dim(const ig_view *v) { return v->rank ? v->dims[v->rank - 1] : 1; }

static void plan(resizer *s, const ig_call *c) {
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  char *at = c->scratch;
  *s = (resizer){ .c = c, .rank = o->rank };
  for (uint32_t k = 0; k < s->rank; k++) {
    table *t = &s->t[k];
    ig_resize_axis_init(&t->axis, c->params, k, s->rank, x->dims, o->dims);
    const size_t n = (size_t)t->axis.n_out, list = ig_pad64(n * (size_t)t->axis.n_taps * 8);
    if (at) {
      t->places = (int64_t *)(void *)(at + s->table_bytes);
      t->weights = (double *)(void *)(at + s->table_bytes + list);
      t->inside = (uint8_t *)at + s->table_bytes + 2 * list;
    }
    s->table_bytes += 2 * list + ig_pad64(n);
  }
  s->row_bytes = 2 * ig_pad64((size_t)last_dim(x) * 8) + ig_pad64((size_t)last_dim(o) * 8);
}

size_t ig_cpu_resize_c_scratch(const ig_call *c, uint32_t n_parts) {
  resizer s;
  ig_call sized = *c;
  sized.scratch = NULL;
  plan(&s, &sized);
  return s.table_bytes + n_parts * s.row_bytes;
}

static void fill_table(table *t) {
  const int64_t n = t->axis.n_taps;
  for (int64_t o = 0; o < t->axis.n_out; o++) {
    int64_t first;
    t->inside[o] = ig_resize_taps(&t->axis, o, t->weights + o * n, &first);
    for (int64_t i = 0; i < n; i++) t->places[o * n + i] = ig_resize_clamp(&t->axis, first + i);
  }
}

/* Tap numbers of the outer axes: the next combination, false after the last. */
static bool next_taps(const resizer *s, int64_t *tap) {
  for (uint32_t k = s->rank - 1; k-- > 0;) {
    if (++tap[k] < s->t[k].axis.n_taps) return true;
    tap[k] = 0;
  }
  return false;
}

/* Row-major number of the input row and the weight that the outer axes' taps give at a result's coordinates. */
static double locate(const resizer *s, const int64_t *index, const int64_t *tap, int64_t *out_row) {
  double w = 1;
  *out_row = 0;
  for (uint32_t k = 0; k + 1 < s->rank; k++) {
    const table *t = &s->t[k];
    const int64_t at = index[k] * t->axis.n_taps + tap[k];
    *out_row = *out_row * t->axis.n_in + t->places[at];
    w *= t->weights[at];
  }
  return w;
}

static bool outer_inside(const resizer *s, const int64_t *index) {
  for (uint32_t k = 0; k + 1 < s->rank; k++)
    if (!s->t[k].inside[index[k]]) return false;
  return true;
}

#define ROW(T, S) \
  static void add_row_##S(T *acc, const T *row, T w, int64_t n, bool first) { \
    if (first) for (int64_t i = 0; i < n; i++) acc[i] = w * row[i]; \
    else for (int64_t i = 0; i < n; i++) acc[i] += w * row[i]; \
  } \
  static void resample_##S(const table *t, const T *acc, T *out, T outside, ig_dtype d) { \
    const int64_t taps = t->axis.n_taps; \
    for (int64_t o = 0; o < t->axis.n_out; o++) { \
      T v = 0; \
      for (int64_t i = 0; i < taps; i++) { \
        const T w = (T)t->weights[o * taps + i]; \
        if (w != 0) v += w * acc[t->places[o * taps + i]]; \
      } \
      out[o] = t->inside[o] ? v : outside; \
    } \
    if (ig_stype_of(d) == IG_S_F32 || ig_stype_of(d) == IG_S_F64) return; \
    for (int64_t o = 0; o < t->axis.n_out; o++) out[o] = (T)ig_resize_round(d, (double)out[o]); \
  } \
  static void row_##S(const resizer *s, const ig_reader *r, const ig_writer *w, int64_t i_row, const int64_t *index, char *mem) { \
    const ig_view *x = ig_call_in(s->c, 0), *o = ig_call_out(s->c, 0); \
    const table *last = &s->t[s->rank - 1]; \
    const int64_t n_in = last_dim(x), n_out = last_dim(o); \
    const T outside = (T)((const ig_resize_params *)s->c->params)->extrapolation; \
    T *acc = (T *)(void *)mem, *row = (T *)(void *)(mem + ig_pad64((size_t)n_in * 8)), *out = (T *)(void *)(mem + 2 * ig_pad64((size_t)n_in * 8)); \
    int64_t tap[IG_MAX_RANK] = { 0 }, at; \
    bool first = true; \
    if (!outer_inside(s, index)) { \
      for (int64_t i = 0; i < n_out; i++) out[i] = (T)ig_resize_round(o->dtype, (double)outside); \
      ig_writer_write(w, i_row * n_out, n_out, out); \
      return; \
    } \
    do { \
      const T weight = (T)locate(s, index, tap, &at); \
      if (weight == 0) continue; \
      ig_reader_read(r, at * n_in, n_in, row); \
      add_row_##S(acc, row, weight, n_in, first); \
      first = false; \
    } while (next_taps(s, tap)); \
    if (first) memset(acc, 0, (size_t)n_in * sizeof(T)); \
    resample_##S(last, acc, out, outside, o->dtype); \
    ig_writer_write(w, i_row * n_out, n_out, out); \
  }
ROW(float, f32)
ROW(double, f64)

static void interpolate(const resizer *s, int64_t lo, int64_t hi, char *mem) {
  const ig_view *x = ig_call_in(s->c, 0), *o = ig_call_out(s->c, 0);
  const ig_stype t = ig_resize_type(x->dtype);
  int64_t index[IG_MAX_RANK];
  ig_reader r;
  ig_writer w;
  ig_reader_init(&r, x, NULL, t);
  ig_writer_init(&w, o, NULL, t);
  ig_index_of(lo, o->dims, s->rank - 1, index);
  for (int64_t i = lo; i < hi; i++) {
    if (t == IG_S_F32) row_f32(s, &r, &w, i, index, mem);
    else row_f64(s, &r, &w, i, index, mem);
    ig_index_next(index, o->dims, s->rank - 1);
  }
}

/* The extrapolation value in the result's type. */
static void put_outside(const resizer *s, const ig_view *o, const int64_t *index) {
  const ig_resize_params *p = s->c->params;
  const ig_stype t = ig_stype_of(o->dtype);
  const double v = ig_resize_round(o->dtype, p->extrapolation);
  uint64_t value = 0;
  if (t == IG_S_F64) memcpy(&value, &v, 8);
  else ig_prog_cast_c(IG_S_F64, t)(&value, &v, &v, &v, 1);
  ig_elem_storer(o->dtype, t, 0)(o->data, ig_view_at(o, index) + o->first, 1, 1, &value);
}

static void copy_elements(const resizer *s, int64_t lo, int64_t hi) {
  const ig_view *x = ig_call_in(s->c, 0), *o = ig_call_out(s->c, 0);
  const int64_t n = last_dim(o);
  int64_t index[IG_MAX_RANK] = { 0 }, from[IG_MAX_RANK] = { 0 };
  ig_index_of(lo * n, o->dims, s->rank, index);
  for (int64_t i = lo * n; i < hi * n; i++) {
    bool inside = true;
    for (uint32_t k = 0; k < s->rank; k++) {
      from[k] = s->t[k].places[index[k]];
      inside = inside && s->t[k].inside[index[k]];
    }
    if (inside) ig_elem_copy(o, ig_view_at(o, index), x, ig_view_at(x, from));
    else put_outside(s, o, index);
    ig_index_next(index, o->dims, s->rank);
  }
}

typedef struct u128 { uint64_t lo, hi; } u128;
#define GATHER(T) \
  static void gather_##T(const char *from, int64_t step, const int64_t *places, char *to, int64_t to_step, int64_t n) { \
    for (int64_t i = 0; i < n; i++) memcpy(to + i * to_step * (int64_t)sizeof(T), from + places[i] * step * (int64_t)sizeof(T), sizeof(T)); \
  }
GATHER(uint8_t)
GATHER(uint16_t)
GATHER(uint32_t)
GATHER(uint64_t)
GATHER(u128)
typedef void (*gather_fn)(const char *from, int64_t step, const int64_t *places, char *to, int64_t to_step, int64_t n);

/* Whole-byte elements, every place inside: row by row in the order of the result's memory. A row from the same place as the one before is a copy of
 * it; one along an axis that stays as it is, a run. */
static void copy_nearest(const resizer *s, int64_t lo, int64_t hi) {
  const ig_view *x = ig_call_in(s->c, 0), *o = ig_call_out(s->c, 0);
  const size_t size = ig_elem_size(x->dtype);
  const gather_fn gather = size == 1 ? gather_uint8_t : size == 2 ? gather_uint16_t : size == 4 ? gather_uint32_t : size == 8 ? gather_uint64_t : gather_u128;
  const uint32_t outer = s->rank - 1;
  uint8_t perm[IG_MAX_RANK];
  int64_t dims[IG_MAX_RANK], index[IG_MAX_RANK], last_from = -1;
  ig_perm_by_stride(o, ~0ull, perm);
  const uint32_t inner = perm[outer];
  const int64_t n = o->dims[inner], step = x->strides[inner], to_step = o->strides[inner];
  const bool run = s->t[inner].axis.same && step == 1 && to_step == 1;
  const char *last_row = NULL;
  for (uint32_t k = 0; k < outer; k++) dims[k] = o->dims[perm[k]];
  ig_index_of(lo, dims, outer, index);
  for (int64_t i = lo; i < hi; i++) {
    int64_t from = 0, to = 0;
    for (uint32_t k = 0; k < outer; k++) {
      from += s->t[perm[k]].places[index[k]] * x->strides[perm[k]];
      to += index[k] * o->strides[perm[k]];
    }
    const char *src = (const char *)x->data + from * (int64_t)size;
    char *dst = (char *)o->data + to * (int64_t)size;
    if (run) memcpy(dst, src, (size_t)n * size);
    else if (last_row && last_from == from && to_step == 1) memcpy(dst, last_row, (size_t)n * size);
    else gather(src, step, s->t[inner].places, dst, to_step, n);
    last_from = from;
    last_row = dst;
    ig_index_next(index, dims, outer);
  }
}

void ig_cpu_resize_c_run(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_resize_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  const int64_t total = ig_view_count(o);
  resizer s;
  int64_t lo, hi;
  plan(&s, c);
  if (phase == 0) {
    for (uint32_t k = part; k < s.rank && total > 0; k += n_parts) fill_table(&s.t[k]);
    return;
  }
  if (total == 0) return;
  if (s.rank == 0) {
    if (part == 0) ig_elem_copy(o, 0, x, 0);
    return;
  }
  const bool nearest = p->filter <= IG_RESIZE_CEIL, simple = p->coordinate != IG_RESIZE_CROP && ig_elem_size(x->dtype) > 0 && !ig_view_blocked(x) && !ig_view_blocked(o);
  uint8_t perm[IG_MAX_RANK];
  ig_perm_by_stride(o, ~0ull, perm);
  ig_split_items(c, total / (nearest && simple ? o->dims[perm[s.rank - 1]] : last_dim(o)), part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  if (nearest && simple) copy_nearest(&s, lo, hi);
  else if (nearest) copy_elements(&s, lo, hi);
  else interpolate(&s, lo, hi, (char *)c->scratch + s.table_bytes + part * s.row_bytes);
}
