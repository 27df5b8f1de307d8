/* conv, portable: per image and group the product of the weights [O/G, C/G * kernel] with columns of the input that are made on the fly.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/gemm.h"
#include "cpu/kernels/kernels.h"

typedef struct operands {
  const ig_conv_params *p;
  const ig_view *x, *zx;
  ig_reader w, zw;
  bool has_zw;
  ig_stype acc;
  ig_elem_load_fn load, load_z;
  ig_prog_fn cast, cast_z;             /* storage's compute type to acc */
  size_t size;                         /* bytes of acc */
  int64_t group_c, group_o, k;
  /* Spatial extents as three axes, outer ones 1; axis[d]: the view's axis, -1 where there is none. */
  int32_t axis[3];
  int64_t in[3], out[3], kernel[3], stride[3], dilation[3], in_dilation[3], pad[3];
} operands;

static void read_w(const void *ctx, int64_t batch, int64_t m, int64_t k0, int64_t kc, void *out) {
  const operands *o = ctx;
  const int64_t lin = (batch % o->p->groups * o->group_o + m) * o->k + k0;
  ig_reader_read(&o->w, lin, kc, out);
  if (!o->has_zw) return;
  for (int64_t i = 0; i < kc; i++) {
    uint64_t z = 0;
    ig_reader_read(&o->zw, lin + i, 1, &z);
    switch (o->acc) {
      case IG_S_F32: { float f; memcpy(&f, &z, 4); ((float *)out)[i] -= f; break; }
      case IG_S_F64: { double f; memcpy(&f, &z, 8); ((double *)out)[i] -= f; break; }
      case IG_S_I32: ((uint32_t *)out)[i] -= (uint32_t)z; break;
      default: ((uint64_t *)out)[i] -= z; break;
    }
  }
}

/* n input elements from `at`, step elements apart, minus the zero point, in acc's type. */
static void read_elements(const operands *o, const ig_view *v, ig_elem_load_fn load, ig_prog_fn cast, int64_t at, int64_t step, int64_t n, void *out) {
  uint64_t block[64];
  if (!cast) {
    load(v->data, at + v->first, step, n, out);
    return;
  }
  for (int64_t done = 0; done < n; done += 64) {
    const int64_t m = n - done < 64 ? n - done : 64;
    load(v->data, at + v->first + done * step, step, m, block);
    cast((char *)out + (size_t)done * o->size, block, NULL, NULL, m);
  }
}

static void subtract_one(ig_stype t, void *x, const void *z) {
  switch (t) {
    case IG_S_F32: *(float *)x -= *(const float *)z; return;
    case IG_S_F64: *(double *)x -= *(const double *)z; return;
    case IG_S_I32: *(uint32_t *)x -= *(const uint32_t *)z; return;
    default: *(uint64_t *)x -= *(const uint64_t *)z; return;
  }
}

/* Elements ix = first, first + step, ... (n of them) of one input row, whose other coordinates are in index. */
static void read_row(const operands *o, int64_t *index, int64_t first, int64_t step, int64_t n, char *out) {
  const uint32_t last = o->x->rank - 1;
  index[last] = first;
  if (o->x->block > 1 && o->x->block_axis == last) {
    for (int64_t i = 0; i < n; i++, index[last] += step)
      read_elements(o, o->x, o->load, o->cast, ig_view_at(o->x, index), 1, 1, out + (size_t)i * o->size);
  } else {
    read_elements(o, o->x, o->load, o->cast, ig_view_at(o->x, index), step * o->x->strides[last], n, out);
  }
  if (!o->zx) return;
  index[last] = first;
  for (int64_t i = 0; i < n; i++, index[last] += step) {
    uint64_t z;
    read_elements(o, o->zx, o->load_z, o->cast_z, ig_view_at(o->zx, index), 1, 1, &z);
    subtract_one(o->acc, out + (size_t)i * o->size, &z);
  }
}

/* Input coordinate of an output coordinate along d, -1 where it falls into padding or between dilated elements. */
static int64_t input_at(const operands *o, int d, int64_t i_out, int64_t i_kernel) {
  const int64_t at = i_out * o->stride[d] + i_kernel * o->dilation[d] - o->pad[d];
  if (at < 0 || at % o->in_dilation[d] != 0) return -1;
  return at / o->in_dilation[d] < o->in[d] ? at / o->in_dilation[d] : -1;
}

/* Columns ox0 .. ox0 + n of one output row for one kernel element. */
static void column_row(const operands *o, int64_t *index, int64_t ox0, int64_t kx, int64_t n, char *out) {
  memset(out, 0, (size_t)n * o->size);
  if (o->in_dilation[2] == 1) {
    const int64_t base = ox0 * o->stride[2] + kx * o->dilation[2] - o->pad[2], s = o->stride[2];
    const int64_t lo = base >= 0 ? 0 : (-base + s - 1) / s, hi = o->in[2] - base <= 0 ? 0 : (o->in[2] - base + s - 1) / s;
    const int64_t end = hi < n ? hi : n;
    if (lo < end) read_row(o, index, base + lo * s, s, end - lo, out + (size_t)lo * o->size);
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    const int64_t ix = input_at(o, 2, ox0 + i, kx);
    if (ix >= 0) read_row(o, index, ix, 1, 1, out + (size_t)i * o->size);
  }
}

static void read_columns(const void *ctx, int64_t batch, int64_t k, int64_t n0, int64_t nc, void *out) {
  const operands *o = ctx;
  int64_t index[IG_MAX_RANK] = { 0 }, rest = k;
  const int64_t kx = rest % o->kernel[2];
  rest /= o->kernel[2];
  const int64_t ky = rest % o->kernel[1];
  rest /= o->kernel[1];
  const int64_t kz = rest % o->kernel[0];
  index[0] = batch / o->p->groups;
  index[1] = batch % o->p->groups * o->group_c + rest / o->kernel[0];
  for (int64_t done = 0; done < nc;) {
    const int64_t pixel = n0 + done, ox = pixel % o->out[2], oy = pixel / o->out[2] % o->out[1], oz = pixel / o->out[2] / o->out[1];
    const int64_t run = ig_min_i64(o->out[2] - ox, nc - done), iy = input_at(o, 1, oy, ky), iz = input_at(o, 0, oz, kz);
    char *row = (char *)out + (size_t)done * o->size;
    done += run;
    if (iy < 0 || iz < 0) {
      memset(row, 0, (size_t)run * o->size);
      continue;
    }
    if (o->axis[1] >= 0) index[o->axis[1]] = iy;
    if (o->axis[0] >= 0) index[o->axis[0]] = iz;
    column_row(o, index, ox, kx, run, row);
  }
}

static void prepare(operands *o, const ig_call *c) {
  const ig_conv_params *p = c->params;
  const ig_view *w = ig_call_in(c, 1), *out = ig_call_out(c, 0);
  o->p = p;
  o->x = ig_call_in(c, 0);
  o->acc = (ig_stype)p->acc;
  o->size = ig_stype_size(o->acc);
  o->group_c = w->dims[1];
  o->group_o = w->dims[0] / p->groups;
  o->k = w->dims[1];
  for (int d = 0; d < 3; d++) {
    const int64_t s = d - (3 - p->n_spatial);      /* spatial axis of the request, negative: none */
    o->axis[d] = s < 0 ? -1 : (int32_t)(2 + s);
    o->in[d] = s < 0 ? 1 : o->x->dims[2 + s];
    o->out[d] = s < 0 ? 1 : out->dims[2 + s];
    o->kernel[d] = s < 0 ? 1 : w->dims[2 + s];
    o->stride[d] = s < 0 ? 1 : p->stride[s];
    o->dilation[d] = s < 0 ? 1 : p->dilation[s];
    o->in_dilation[d] = s < 0 || p->in_dilation[s] < 1 ? 1 : p->in_dilation[s];
    o->pad[d] = s < 0 ? 0 : p->pad_lo[s];
    o->k *= o->kernel[d];
  }
  const ig_stype own = ig_stype_of(o->x->dtype);
  o->load = ig_elem_loader(o->x->dtype);
  o->cast = own == o->acc ? NULL : ig_prog_cast_c(own, o->acc);
  ig_reader_init(&o->w, w, NULL, o->acc);
  o->zx = c->n_in > 2 && ig_view_present(ig_call_in(c, 2)) ? ig_call_in(c, 2) : NULL;
  if (o->zx) {
    const ig_stype own_z = ig_stype_of(o->zx->dtype);
    o->load_z = ig_elem_loader(o->zx->dtype);
    o->cast_z = own_z == o->acc ? NULL : ig_prog_cast_c(own_z, o->acc);
  }
  o->has_zw = c->n_in > 3 && ig_view_present(ig_call_in(c, 3));
  if (o->has_zw) ig_reader_init(&o->zw, ig_call_in(c, 3), NULL, o->acc);
}

size_t ig_cpu_conv_c_scratch(const ig_call *c, uint32_t n_parts) { return n_parts * ig_gemm_bytes(c); }

void ig_cpu_conv_c_run(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_conv_params *p = c->params;
  const ig_view *out = ig_call_out(c, 0);
  operands o = { 0 };
  IG_UNUSED(phase);
  if (ig_view_count(out) == 0) return;
  prepare(&o, c);
  const ig_gemm g = { .n_batch = out->dims[0] * p->groups, .m = o.group_o, .n = o.out[0] * o.out[1] * o.out[2], .k = o.k, .acc = o.acc, .alpha = 1.0,
    .ctx = &o, .read_a = read_w, .read_b = read_columns };
  ig_gemm_run(&g, c, part, n_parts);
}
