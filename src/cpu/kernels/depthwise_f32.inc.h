/* Depthwise conv of float32: include after kernels/depthwise_planes.inc.h.
 *
 * Channels last (the input's channel axis has stride 1): vectors of channels, up to PIXELS results of a row in registers, the weights as
 * [kernel][channels] (packed in the engine where they are constant). The input is read in place: taps outside of it are left out, windows at a
 * row's ends are done one by one. Bias and limits are done in registers, other epilogues that finish.h knows on a buffer of some windows, the rest by the
 * interpreter on a buffered row. Other orders go by planes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/finish_row_f32.inc.h"
#include <math.h>

enum { PIXELS = 8, WEIGHTS_BYTES = 20 << 10 };

/* Place (y, x, channel) of image 0 lies at data + y * y_stride + x * x_stride + channel * c_stride. */
typedef struct place { float *data; int64_t n_stride, y_stride, x_stride, c_stride; } place;
static place place_of(const ig_view *v) {
  const uint32_t last = v->rank - 1;
  return (place){ v->data, v->strides[0], v->rank > 3 ? v->strides[2] : 0, v->strides[last], v->strides[1] };
}

typedef struct work {
  ig_image m;
  const float *w;
  place x, out, add[IG_FINISH_ADDS];
  ig_finish finish;
  int64_t channels, padded;            /* of the result; padded: channels in whole vectors, the length of a row of w */
  int64_t group_c, group_o, tap_w;     /* channels of a group; step in w from tap to tap */
  const struct strips *strips;
  int64_t pixel, tap_x, tap_y;         /* steps in the input from window to window and from tap to tap */
  enum { IN_REGISTERS, ON_BUFFER, INTERPRETED } how;   /* the epilogue; but for the first, windows go to a buffered row as they are */
  bool biased;                         /* in registers: max(least, min(most, x + bias of a channel)) */
  float least, most;
  int64_t result_x;                    /* step of the result, where out says the buffer's */
  const float *zeros;                  /* a row of them */
} work;

/* Windows side by side of one row, of the kernel's rows and columns those n_ky and n_kx from w on. The first cut_lo and the last cut_hi columns that they
 * look at lie outside of the input. Pointers are at channel 0. repeat: so many times, one behind the other. */
typedef struct strip { const float *x, *w; int64_t n_ky, n_kx, cut_lo, cut_hi, repeat; float *out; const float *add[IG_FINISH_ADDS]; } strip;

#define INLINE static inline __attribute__((always_inline))
/* Channels [c0, c1) of `pixels` windows: whole vectors, or (whole = false) a single one with fewer lanes. kernel: columns, or 0 for any number;
 * step: distance of windows in taps, or 0 for any. All but the channels are constants where this is inlined, so that a value that several windows
 * need is loaded once. Columns outside of the input, at most half a kernel at either end and none where the kernel is any, read zeros. */
INLINE void windows(int pixels, int kernel, int step, bool whole, const work *o, const strip *s, int64_t c0, int64_t c1) {
  const int64_t tap = step ? o->x.x_stride : o->tap_x, pixel = step ? step * tap : o->pixel, tap_y = o->tap_y, n_kx = kernel ? kernel : s->n_kx, n_ky = s->n_ky;
  const int64_t padded = o->padded, w_row = o->m.kernel[1] * padded, out_x = o->out.x_stride, lanes = c1 - c0;
  const float *bias = o->biased ? s->add[0] : o->zeros;
  const vf least = vf_set(o->least), most = vf_set(o->most);
  const bool in_registers = o->how == IN_REGISTERS;
  const int half = kernel / 2, span = (pixels - 1) * step + kernel;
  const int64_t cut_lo = s->cut_lo, cut_end = span - s->cut_hi;
  const float *from = s->x;
  float *to = s->out;
  for (int64_t r = 0; r < s->repeat; r++, from += pixels * pixel, to += pixels * out_x)
    for (int64_t c = c0; c < c1; c += SIMD_W) {
      const float *x = from + c, *w = s->w + c;
      float *out = to + c;
      vf sum[PIXELS];
#pragma GCC unroll 8
      for (int i = 0; i < pixels; i++) sum[i] = vf_zero();
      for (int64_t ky = 0; ky < n_ky; ky++, x += tap_y, w += w_row) {
#pragma GCC unroll 5
        for (int64_t kx = 0; kx < n_kx; kx++) {
          const vf k = vf_load(w + kx * padded);
#pragma GCC unroll 8
          for (int i = 0; i < pixels; i++) {
            const int64_t column = i * step + kx;
            const bool outside = (column < half && column < cut_lo) || (column >= span - half && column >= cut_end);
            const float *p = outside && kernel > 0 ? o->zeros + c : x + i * pixel + kx * tap;
            sum[i] = vf_fma(whole ? vf_load(p) : vf_load_n(p, lanes), k, sum[i]);
          }
        }
      }
      if (in_registers) {
        const vf b = whole ? vf_load(bias + c) : vf_load_n(bias + c, lanes);
#pragma GCC unroll 8
        for (int i = 0; i < pixels; i++) sum[i] = vf_min(most, vf_max(least, vf_add(sum[i], b)));
      }
#pragma GCC unroll 8
      for (int i = 0; i < pixels; i++) {
        if (whole) vf_store(out + i * out_x, sum[i]);
        else vf_store_n(out + i * out_x, sum[i], lanes);
      }
    }
}

typedef void (*strip_fn)(const work *o, const strip *s, int64_t c0, int64_t c1);
#define STRIP(name, pixels, kernel, step, whole) \
  static void name##_##pixels(const work *o, const strip *s, int64_t c0, int64_t c1) { windows(pixels, kernel, step, whole, o, s, c0, c1); }
#define STRIPS_4(name, kernel, step, whole) \
  STRIP(name, 1, kernel, step, whole) STRIP(name, 2, kernel, step, whole) STRIP(name, 3, kernel, step, whole) STRIP(name, 4, kernel, step, whole)
#define STRIPS_6(name, kernel, step, whole) STRIPS_4(name, kernel, step, whole) STRIP(name, 5, kernel, step, whole) STRIP(name, 6, kernel, step, whole)
#define STRIPS_8(name, kernel, step, whole) STRIPS_6(name, kernel, step, whole) STRIP(name, 7, kernel, step, whole) STRIP(name, 8, kernel, step, whole)
#define NAMES_4(name) NULL, name##_1, name##_2, name##_3, name##_4
#define NAMES_6(name) NAMES_4(name), name##_5, name##_6
#define NAMES_8(name) NAMES_6(name), name##_7, name##_8
/* As many windows as the registers hold with the values that neighbours share. */
STRIPS_8(any, 0, 0, true)
STRIPS_8(by_3_1, 3, 1, true)
STRIPS_6(by_3_2, 3, 2, true)
STRIPS_4(by_5_1, 5, 1, true)
STRIPS_4(by_5_2, 5, 2, true)
STRIPS_8(rest, 0, 0, false)
static const strip_fn strips_any[] = { NAMES_8(any) }, strips_3_1[] = { NAMES_8(by_3_1) }, strips_3_2[] = { NAMES_6(by_3_2) }, strips_5_1[] = { NAMES_4(by_5_1) },
  strips_5_2[] = { NAMES_4(by_5_2) }, rests[] = { NAMES_8(rest) };

/* Kernels by the number of windows, `most` at most: where up to `half` columns at either end may lie outside, and where some taps are left out. */
typedef struct strips { const strip_fn *whole, *some; int64_t half, most; } strips;
static const strips *strips_of(const ig_image *m) {
  static const strips any = { strips_any, strips_any, 0, PIXELS };
  static const strips of_3[] = { { strips_3_1, strips_any, 1, PIXELS }, { strips_3_2, strips_any, 1, 6 } }, of_5[] = { { strips_5_1, strips_any, 2, 4 }, { strips_5_2, strips_any, 2, 4 } };
  const int64_t kernel = m->kernel[1], step = m->stride[1];
  if (m->dilation[1] != 1 || step > 2) return &any;
  return kernel == 3 ? &of_3[step - 1] : kernel == 5 ? &of_5[step - 1] : &any;
}

/* A row's pointers, at pixel 0. */
static strip strip_at(const work *o, int64_t n, int64_t oy, float *buffer) {
  strip s = { .repeat = 1, .out = buffer ? buffer : o->out.data + n * o->out.n_stride + oy * o->out.y_stride };
  for (uint32_t i = 0; i < o->finish.n_adds; i++) s.add[i] = o->add[i].data + n * o->add[i].n_stride + oy * o->add[i].y_stride;
  return s;
}

/* The epilogue of `pixels` buffered windows from ox on, channels [c0, c1), to the row `out`. */
static void finish_windows(const work *o, const strip *s, int64_t ox, int64_t pixels, int64_t c0, int64_t c1, float *out) {
  finish_row_operands operands;
  for (int64_t i = ox; i < ox + pixels; i++) {
    for (uint32_t j = 0; j < o->finish.n_adds; j++) {
      const place *p = &o->add[j];
      operands.add[j] = s->add[j] + i * p->x_stride + c0 * p->c_stride;
      operands.each[j] = p->c_stride != 0;
    }
    finish_row(&o->finish, s->out + i * o->out.x_stride + c0, &operands, c1 - c0, out + i * o->result_x + c0);
  }
}

/* `pixels` windows from ox on, their columns as s says from kernel column kx on. */
static void windows_at(const work *o, const strip_fn *fn, strip s, int64_t ox, int64_t pixels, int64_t kx, int64_t c0, int64_t c1) {
  const int64_t whole = c0 + (c1 - c0) / SIMD_W * SIMD_W;
  s.x += (ox * o->m.stride[1] - o->m.pad[1] + kx * o->m.dilation[1]) * o->x.x_stride;
  s.w += kx * o->tap_w;
  s.out += ox * o->out.x_stride;
  for (uint32_t i = 0; i < o->finish.n_adds; i++) s.add[i] += ox * o->add[i].x_stride;
  if (c0 < whole) fn[pixels](o, &s, c0, whole);
  if (whole == c1) return;
  if (s.cut_lo == 0 && s.cut_hi == 0) {
    rests[pixels](o, &s, whole, c1);
    return;
  }
  for (int64_t i = 0; i < pixels; i++) {
    int64_t lo, hi;
    strip one = s;
    ig_image_clip(&o->m, 1, ox + i, &lo, &hi);
    one.n_kx = hi - lo;
    one.x += i * o->pixel + lo * o->tap_x;
    one.w += lo * o->padded;
    one.out += i * o->out.x_stride;
    for (uint32_t j = 0; j < o->finish.n_adds; j++) one.add[j] += i * o->add[j].x_stride;
    rests[1](o, &one, whole, c1);
  }
}

/* Tiles of `most` windows from ox on that have all their taps inside and leave as many windows for a last, smaller one; at least 1. */
static int64_t whole_tiles(const work *o, int64_t ox, int64_t reach) {
  const ig_image *m = &o->m;
  const int64_t most = o->strips->most;
  const int64_t left = m->out[1] - ox, inside = (m->in[1] + m->pad[1] - reach - 1) / m->stride[1] + 1 - ox;   /* windows */
  return ig_max_i64(1, ig_min_i64(left / most - 1, inside / most));
}

/* Row oy of image n, channels [c0, c1). */
static void one_row(const work *o, int64_t n, int64_t oy, int64_t c0, int64_t c1, float *buffer) {
  const ig_image *m = &o->m;
  const int64_t half = o->strips->half, most = o->strips->most, reach = (m->kernel[1] - 1) * m->dilation[1];
  int64_t lo, hi;
  strip s = strip_at(o, n, oy, o->how == IN_REGISTERS ? NULL : buffer);
  float *out = o->out.data + n * o->out.n_stride + oy * o->out.y_stride;
  ig_image_clip(m, 0, oy, &lo, &hi);
  s.n_ky = hi - lo;
  s.w = o->w + lo * m->kernel[1] * o->tap_w;
  s.x = o->x.data + n * o->x.n_stride + (oy * m->stride[0] - m->pad[0] + lo * m->dilation[0]) * o->x.y_stride;
  for (int64_t ox = 0, pixels; ox < m->out[1]; ox += pixels * s.repeat) {
    const int64_t left = m->out[1] - ox;
    pixels = left <= most ? left : left < 2 * most ? (left + 1) / 2 : most;
    s.n_kx = m->kernel[1];
    s.repeat = 1;
    s.cut_lo = ig_max_i64(0, m->pad[1] - ox * m->stride[1]);
    s.cut_hi = ig_max_i64(0, (ox + pixels - 1) * m->stride[1] - m->pad[1] + reach + 1 - m->in[1]);
    if (s.cut_lo <= half && s.cut_hi <= half) {
      if (o->how == IN_REGISTERS && s.cut_lo == 0 && s.cut_hi == 0) s.repeat = whole_tiles(o, ox, reach);
      windows_at(o, o->strips->whole, s, ox, pixels, 0, c0, c1);
    } else {
      pixels = 1;
      s.cut_lo = s.cut_hi = 0;
      ig_image_clip(m, 1, ox, &lo, &hi);
      s.n_kx = hi - lo;
      windows_at(o, o->strips->some, s, ox, 1, lo, c0, c1);
    }
    if (o->how == ON_BUFFER) finish_windows(o, &s, ox, pixels, c0, c1, out);
  }
}

/* Weights [O, C / G, kernel] as the kernel wants them, [kernel][C / G][O], where the engine does not hold them so. */
static void pack_weights(const work *o, const float *from, float *out) {
  const int64_t taps = o->m.k / o->group_c;
  memset(out, 0, (size_t)(o->m.k * o->padded) * 4);
  for (int64_t c = 0; c < o->channels; c++)
    for (int64_t i = 0; i < o->group_c; i++)
      for (int64_t t = 0; t < taps; t++) out[(t * o->group_c + i) * o->padded + c] = *from++;
}

typedef struct memory { float *w, *zeros, *row; void *epi; size_t bytes; } memory;
static memory memory_of(const ig_call *c, const ig_image *m, char *at) {
  const int64_t padded = ig_call_out(c, 0)->dims[1] + SIMD_W;
  memory mem = { .bytes = 0 };
#define PLACE(field, n_floats) mem.field = (float *)(void *)(at + mem.bytes), mem.bytes += ig_pad64((size_t)(n_floats) * 4)
  PLACE(w, m->k * padded);
  PLACE(zeros, padded);
  PLACE(row, m->out[1] * padded);
#undef PLACE
  mem.epi = at + mem.bytes;
  mem.bytes += ig_epi_bytes(c);
  return mem;
}

/* Bias and limits alone: steps in that order, each at most once. Where not, the windows are left as they are. */
static bool in_registers(work *o) {
  const ig_finish *f = &o->finish;
  uint32_t i = 0;
  o->least = -INFINITY;
  o->most = INFINITY;
  o->biased = f->n_steps > 0 && f->steps[0].kind == IG_FINISH_ADD_OPERAND && o->add[0].c_stride == 1 && o->add[0].x_stride == 0;
  if (o->biased) i++;
  if (i < f->n_steps && f->steps[i].kind == IG_FINISH_MAX) o->least = f->steps[i++].value;
  if (i < f->n_steps && f->steps[i].kind == IG_FINISH_MIN) o->most = f->steps[i++].value;
  if (i == f->n_steps) return true;
  o->least = -INFINITY;
  o->most = INFINITY;
  o->biased = false;
  return false;
}

/* Parts share out rows, as the products before and behind do, so that a row stays in its core's cache; channels where there are few rows. */
static bool by_rows(int64_t rows, uint32_t n_parts) { return rows >= 4 * (int64_t)n_parts; }

/* Channels at a time: as many as have their weights in the first-level cache, and a part's share where parts share out channels. */
static int64_t chunk_of(const work *o, int64_t rows, uint32_t n_parts) {
  const int64_t vectors = o->padded / SIMD_W, most = ig_max_i64(2, WEIGHTS_BYTES / 4 / o->m.k / SIMD_W);
  const int64_t least = by_rows(rows, n_parts) ? 1 : n_parts, n = ig_max_i64(least, (vectors + most - 1) / most);
  return (vectors + n - 1) / n * SIMD_W;
}

static void prepare(work *o, const ig_call *c) {
  const ig_view *x = ig_call_in(c, 0);
  o->x = place_of(x);
  o->channels = ig_call_out(c, 0)->dims[1];
  o->group_c = o->m.group_c;
  o->group_o = o->m.group_o;
  o->padded = ig_align_up(o->channels, SIMD_W);
  o->tap_w = o->group_c * o->padded;
  o->pixel = o->m.stride[1] * o->x.x_stride;
  o->tap_x = o->m.dilation[1] * o->x.x_stride;
  o->tap_y = o->m.dilation[0] * o->x.y_stride;
  bool known = ig_finish_recognise(c, &o->finish);
  o->out = place_of(ig_call_out(c, 0));
  o->result_x = o->out.x_stride;
  known = known && o->out.c_stride == 1;
  for (uint32_t i = 0; known && i < o->finish.n_adds; i++) {
    o->add[i] = place_of(o->finish.add[i]);
    known = o->add[i].c_stride == 0 || o->add[i].c_stride == 1;
  }
  if (!known) o->finish = (ig_finish){ .keep_at = UINT32_MAX };
  o->how = in_registers(o) && known ? IN_REGISTERS : known ? ON_BUFFER : INTERPRETED;
  if (o->how != IN_REGISTERS) o->out.x_stride = o->channels;
}

static void channels_last(const ig_call *c, work *o, uint32_t part, uint32_t n_parts) {
  const ig_view *w = ig_call_in(c, 1), *out = ig_call_out(c, 0);
  const memory mem = memory_of(c, &o->m, ig_part_scratch(c, part, memory_of(c, &o->m, c->scratch).bytes));
  prepare(o, c);
  const int64_t rows = o->m.out[0], chunk = o->how != INTERPRETED ? chunk_of(o, out->dims[0] * rows, n_parts) : o->channels, n_chunks = (o->channels + chunk - 1) / chunk;
  uint8_t perm[IG_MAX_RANK] = { 0 };
  int64_t lo, hi;
  const bool share_rows = by_rows(out->dims[0] * rows, n_parts);
  ig_split_items(c, out->dims[0] * rows * (share_rows ? 1 : n_chunks), part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  o->w = w->format ? w->data : mem.w;
  if (!w->format) pack_weights(o, w->data, mem.w);
  o->zeros = memset(mem.zeros, 0, (size_t)o->channels * 4);
  for (uint32_t k = 1; k < out->rank; k++) perm[k] = k + 1 < out->rank ? (uint8_t)(k + 1) : 1;
  ig_prog *epi = o->how != INTERPRETED ? NULL : ig_epi_make(mem.epi, c, perm, IG_S_F32, c->n_out, &NAME(ig_prog_isa));
  const int64_t n_rows = hi - lo, row = o->m.out[1] * o->channels;
  for (int64_t i = 0; i < n_rows * (share_rows ? n_chunks : 1); i++) {   /* chunk after chunk, rows inside */
    const int64_t at = share_rows ? lo + i % n_rows : lo + i, n = share_rows ? at / rows : at / rows / n_chunks, oy = at % rows;
    const int64_t c0 = (share_rows ? i / n_rows : at / rows % n_chunks) * chunk;
    one_row(o, n, oy, c0, ig_min_i64(c0 + chunk, o->channels), mem.row);
    if (epi) ig_prog_range(epi, (n * rows + oy) * row, row, mem.row);
  }
}

static void by_planes(const ig_call *c, const ig_image *m, uint32_t part, uint32_t n_parts) {
  const ig_view *x = ig_call_in(c, 0), *w = ig_call_in(c, 1);
  const int64_t padded = ig_align_up(x->dims[1], SIMD_W), n_out = m->out[0] * m->out[1];
  ig_reader r;
  int64_t lo, hi;
  ig_split_items(c, x->dims[0] * x->dims[1], part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  char *s = ig_part_scratch(c, part, planes_bytes(c) + ig_pad64((size_t)m->k * 4));
  float *in = (float *)(void *)s, *out = (float *)(void *)(s + plane_in_bytes(m)), *k = (float *)(void *)(s + planes_bytes(c));
  memset(s, 0, plane_in_bytes(m));    /* vectors read past the plane's end: numbers must lie there */
  ig_reader_init(&r, x, NULL, IG_S_F32);
  ig_prog *epi = ig_epi_make(s + plane_in_bytes(m) + plane_out_bytes(m), c, NULL, IG_S_F32, c->n_out, &NAME(ig_prog_isa));
  for (int64_t i = lo; i < hi; i++) {
    const int64_t ch = i % x->dims[1];
    for (int64_t t = 0; t < m->k; t++) k[t] = ((const float *)w->data)[w->format ? t * padded + ch : ch * m->k + t];
    ig_image_copy(m, &r, i, in);
    depthwise_plane(m, in, k, out);
    ig_prog_range(epi, i * n_out, n_out, out);
  }
}

size_t NAME(ig_cpu_depthwise_f32_scratch)(const ig_call *c, uint32_t n_parts) {
  ig_image m;
  ig_image_init(&m, c);
  return n_parts * (size_t)ig_max_i64((int64_t)memory_of(c, &m, c->scratch).bytes, (int64_t)(planes_bytes(c) + ig_pad64((size_t)m.k * 4)));
}

void NAME(ig_cpu_depthwise_f32_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_view *x = ig_call_in(c, 0);
  work o = { 0 };
  IG_UNUSED(phase);
  if (ig_view_count(ig_call_out(c, 0)) == 0) return;
  ig_image_init(&o.m, c);
  const bool rows = x->strides[x->rank - 1] == 1 && x->dims[x->rank - 1] > 1;
  o.strips = strips_of(&o.m);
  if (x->strides[1] == 1 && !rows) channels_last(c, &o, part, n_parts);
  else by_planes(c, &o.m, part, n_parts);
}
