/* Layouts: checking, sizes, packing and unpacking.
 *
 * One walk serves both directions: it visits the packed form in order, a row of the innermost part at a time, and knows for each row the
 * plain index it starts at. Elements beyond the axis are zeros when packing and skipped when unpacking. With a transform the walk visits the
 * derived tensor and computes each element where packing would copy it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/format.h"
#include "kern/winograd.h"

bool ig_format_is_plain(const ig_format *f) { return f->n_parts == 0 && f->transform == IG_TRANSFORM_NONE; }

bool ig_format_equal(const ig_format *a, const ig_format *b) {
  if (a->n_parts != b->n_parts || a->transform != b->transform) return false;
  return memcmp(a->axis, b->axis, a->n_parts) == 0 && memcmp(a->extent, b->extent, a->n_parts * sizeof a->extent[0]) == 0;
}

/* Product of the fixed extents of one axis; false if it passes 2^31. */
static bool block_of(const ig_format *f, uint32_t axis, int64_t *out) {
  *out = 1;
  for (uint32_t i = 0; i < f->n_parts; i++) {
    if (f->axis[i] != axis || !f->extent[i]) continue;
    *out *= f->extent[i];
    if (*out > INT32_MAX) return false;
  }
  return true;
}

ig_status ig_format_check(const ig_format *f, uint32_t rank) {
  IG_REQUIRE(f->n_parts <= IG_FORMAT_PARTS, IG_ERROR_BAD_ENGINE, "a layout has %u parts, at most %d are possible", f->n_parts, IG_FORMAT_PARTS);
  IG_REQUIRE(f->transform <= IG_TRANSFORM_WINOGRAD_INT_2X2, IG_ERROR_BAD_ENGINE, "a layout names the unknown transform %u", f->transform);
  IG_REQUIRE(f->transform == IG_TRANSFORM_NONE || (rank == 4 && f->n_parts), IG_ERROR_BAD_ENGINE, "a layout transforms weights of %u dims into %u parts, expected 4 dims and some parts", rank, f->n_parts);
  IG_REQUIRE(rank <= IG_MAX_RANK, IG_ERROR_BAD_ENGINE, "a layout is for %u dims, at most %d are possible", rank, IG_MAX_RANK);
  uint32_t covered[IG_MAX_RANK] = {0};
  for (uint32_t i = 0; i < f->n_parts; i++) {
    IG_REQUIRE(f->axis[i] < rank, IG_ERROR_BAD_ENGINE, "a layout for %u dims names axis %u", rank, f->axis[i]);
    if (f->extent[i] == 0) covered[f->axis[i]]++;
  }
  for (uint32_t a = 0; f->n_parts && a < rank; a++) {
    int64_t block;
    IG_REQUIRE(covered[a] == 1, IG_ERROR_BAD_ENGINE, "a layout covers axis %u %u times", a, covered[a]);
    IG_REQUIRE(block_of(f, a, &block), IG_ERROR_BAD_ENGINE, "the blocks of a layout's axis %u are too large", a);
  }
  return NULL;
}

/* Extent of every part for these dims, and its step along its axis. */
static void extents(const ig_format *f, const int64_t *dims, int64_t *extent, int64_t *step) {
  for (uint32_t i = 0; i < f->n_parts; i++) {
    int64_t block = 1;
    (void)block_of(f, f->axis[i], &block);
    const int64_t d = dims[f->axis[i]];
    extent[i] = f->extent[i] ? f->extent[i] : d / block + (d % block != 0);
  }
  for (uint32_t i = 0; i < f->n_parts; i++) {
    step[i] = 1;
    for (uint32_t j = i + 1; j < f->n_parts; j++)
      if (f->axis[j] == f->axis[i]) step[i] *= extent[j];
  }
}

static bool is_int(uint16_t transform) { return transform == IG_TRANSFORM_WINOGRAD_INT_4X4 || transform == IG_TRANSFORM_WINOGRAD_INT_2X2; }
static bool is_4x4(uint16_t transform) { return transform == IG_TRANSFORM_WINOGRAD_4X4 || transform == IG_TRANSFORM_WINOGRAD_INT_4X4; }
/* Of a derived element, in elements of its source. */
static int64_t derived_size(uint16_t transform) { return is_int(transform) ? 2 : 1; }

bool ig_format_takes(const ig_format *f, ig_dtype dtype) { return f->transform == IG_TRANSFORM_NONE || dtype == (is_int(f->transform) ? IG_DTYPE_I8 : IG_DTYPE_F32); }

/* Dims of what the parts lay out: the transform's result. */
static void walked_dims(const ig_format *f, const int64_t *dims, uint32_t rank, int64_t *out) {
  for (uint32_t a = 0; a < rank; a++) out[a] = f->transform == IG_TRANSFORM_NONE || a < 2 ? dims[a] : is_4x4(f->transform) ? 6 : 4;
}

static bool count_plain(const int64_t *dims, uint32_t rank, int64_t *out) {
  *out = 1;
  for (uint32_t i = 0; i < rank; i++)
    if (!ig_mul_i64(*out, dims[i], out)) return false;
  return true;
}
static bool count_parts(const ig_format *f, const int64_t *dims, uint32_t rank, int64_t *out) {
  int64_t extent[IG_FORMAT_PARTS], step[IG_FORMAT_PARTS];
  for (uint32_t a = 0; a < rank; a++) {
    int64_t block, padded;
    if (!block_of(f, a, &block) || !ig_add_i64(dims[a], block, &padded)) return false;
  }
  extents(f, dims, extent, step);
  *out = 1;
  for (uint32_t i = 0; i < f->n_parts; i++)
    if (!ig_mul_i64(*out, extent[i], out)) return false;
  return true;
}

bool ig_format_count(const ig_format *f, const int64_t *dims, uint32_t rank, int64_t *out) {
  int64_t plain, parts, walked[IG_MAX_RANK];
  *out = 0;
  if (!f->n_parts) return count_plain(dims, rank, out);
  walked_dims(f, dims, rank, walked);
  if (f->transform == IG_TRANSFORM_NONE) return count_parts(f, walked, rank, out);
  if (rank != 4 || dims[2] != IG_WINOGRAD_KERNEL || dims[3] != IG_WINOGRAD_KERNEL) return false;
  return count_plain(dims, rank, &plain) && count_parts(f, walked, rank, &parts) && ig_mul_i64(parts, derived_size(f->transform), &parts) && ig_add_i64(plain, parts, out);
}

/* One element; sizes as constants, so that the copies are single moves. */
static inline void copy_element(void *dst, const void *src, size_t elem) {
  switch (elem) {
  case 1: memcpy(dst, src, 1); return;
  case 2: memcpy(dst, src, 2); return;
  case 4: memcpy(dst, src, 4); return;
  case 8: memcpy(dst, src, 8); return;
  default: memcpy(dst, src, elem); return;
  }
}

typedef struct walk { const int64_t *dims, *strides; uint32_t rank; size_t elem; const char *src; char *dst; bool packing; uint16_t transform; } walk;

/* Element (y, x) of G w G' for n kernels, the first at plain index `at`, step elements apart, as derived elements from `row` on; (y, x) = the last two of
 * index. */
static void winograd_int_row(const walk *w, const int64_t *index, int64_t at, int64_t n, int64_t step, int64_t row) {
  static const int8_t g4[IG_WINOGRAD_MOST_IN][IG_WINOGRAD_KERNEL] = IG_WINOGRAD_INT_G4, g2[IG_WINOGRAD_MOST_IN][IG_WINOGRAD_KERNEL] = IG_WINOGRAD_INT_G2;
  const int8_t(*g)[IG_WINOGRAD_KERNEL] = is_4x4(w->transform) ? g4 : g2;
  const int8_t *kernel = (const int8_t *)w->src + at;
  for (int64_t j = 0; j < n; j++, kernel += step) {
    int sum = 0;
    for (int y = 0; y < IG_WINOGRAD_KERNEL; y++)
      for (int x = 0; x < IG_WINOGRAD_KERNEL; x++) sum += g[index[2]][y] * g[index[3]][x] * kernel[y * w->strides[2] + x * w->strides[3]];
    const int16_t derived = (int16_t)sum;   /* at most 49 * 128 */
    memcpy(w->dst + (row + j) * 2, &derived, 2);
  }
}
static void winograd_row(const walk *w, const int64_t *index, int64_t at, int64_t n, int64_t step, int64_t row) {
  if (is_int(w->transform)) {
    winograd_int_row(w, index, at, n, step, row);
    return;
  }
  static const double g4[IG_WINOGRAD_MOST_IN][IG_WINOGRAD_KERNEL] = IG_WINOGRAD_G4, g2[IG_WINOGRAD_MOST_IN][IG_WINOGRAD_KERNEL] = IG_WINOGRAD_G2;
  const double(*g)[IG_WINOGRAD_KERNEL] = is_4x4(w->transform) ? g4 : g2;
  const float *kernel = (const float *)(const void *)w->src + at;
  float *out = (float *)(void *)w->dst + row;
  for (int64_t j = 0; j < n; j++, kernel += step) {
    double sum = 0;
    for (int y = 0; y < IG_WINOGRAD_KERNEL; y++)
      for (int x = 0; x < IG_WINOGRAD_KERNEL; x++) sum += g[index[2]][y] * g[index[3]][x] * (double)kernel[y * w->strides[2] + x * w->strides[3]];
    out[j] = (float)sum;
  }
}
/* A row of the transformed weights: whole along the channels' axes, element by element along the kernel's. */
static void visit_winograd(const walk *w, const int64_t *index, uint32_t axis, int64_t n, int64_t step, int64_t row) {
  bool inside = true;
  for (uint32_t a = 0; a < w->rank; a++) inside = inside && index[a] < w->dims[a];
  const int64_t here = inside ? ig_min_i64(n, (w->dims[axis] - index[axis] + step - 1) / step) : 0;
  const int64_t plain = index[0] * w->strides[0] + index[1] * w->strides[1];
  if (axis < 2) winograd_row(w, index, plain, here, step * w->strides[axis], row);
  for (int64_t j = 0; axis >= 2 && j < here; j++) {
    int64_t at[IG_MAX_RANK];
    memcpy(at, index, sizeof at);
    at[axis] += j * step;
    winograd_row(w, at, plain, 1, 0, row + j);
  }
  const size_t size = w->elem * (size_t)derived_size(w->transform);
  memset(w->dst + (size_t)(row + here) * size, 0, (size_t)(n - here) * size);
}

/* A row of n elements along `axis` from plain index i on, in steps of `step`; row = position in the packed form. */
static void visit_row(const walk *w, const int64_t *index, uint32_t axis, int64_t n, int64_t step, int64_t row) {
  if (w->transform != IG_TRANSFORM_NONE) {
    visit_winograd(w, index, axis, n, step, row);
    return;
  }
  bool inside = true;
  int64_t at = 0;
  for (uint32_t a = 0; a < w->rank; a++) {
    inside = inside && (a == axis || index[a] < w->dims[a]);
    at += index[a] * w->strides[a];
  }
  if (w->packing && inside && step == 1 && w->strides[axis] == 1 && index[axis] + n <= w->dims[axis]) {   /* most weights: side by side in either form */
    memcpy(w->dst + (size_t)row * w->elem, w->src + at * (int64_t)w->elem, (size_t)n * w->elem);
    return;
  }
  for (int64_t j = 0; j < n; j++, row++) {
    const bool here = inside && index[axis] + j * step < w->dims[axis];
    const int64_t plain = at + j * step * w->strides[axis];
    const size_t packed = (size_t)row * w->elem;
    if (here && w->packing) copy_element(w->dst + packed, w->src + plain * (int64_t)w->elem, w->elem);
    if (here && !w->packing) copy_element(w->dst + plain * (int64_t)w->elem, w->src + packed, w->elem);
    if (!here && w->packing) memset(w->dst + packed, 0, w->elem);
  }
}

static void walk_parts(const ig_format *f, const walk *w) {
  int64_t extent[IG_FORMAT_PARTS], step[IG_FORMAT_PARTS], count[IG_FORMAT_PARTS] = {0}, index[IG_MAX_RANK] = {0};
  extents(f, w->dims, extent, step);
  for (uint32_t i = 0; i < f->n_parts; i++)
    if (extent[i] == 0) return;
  const uint32_t last = f->n_parts - 1u;
  for (int64_t row = 0;; row += extent[last]) {
    visit_row(w, index, f->axis[last], extent[last], step[last], row);
    uint32_t i = last;
    for (; i > 0; i--) {
      const uint32_t p = i - 1;
      index[f->axis[p]] += step[p];
      if (++count[p] < extent[p]) break;
      index[f->axis[p]] -= extent[p] * step[p];
      count[p] = 0;
    }
    if (i == 0) return;
  }
}

/* The plain layout is one part per axis. */
static ig_format row_major(uint32_t rank) {
  ig_format f = {.n_parts = (uint8_t)rank};
  for (uint32_t i = 0; i < rank; i++) f.axis[i] = (uint8_t)i;
  return f;
}

static void convert(const ig_format *f, const walk *w) {
  const ig_format plain = row_major(w->rank);
  if (w->rank == 0) copy_element(w->dst, w->src, w->elem);
  else walk_parts(f->n_parts ? f : &plain, w);
}

static const ig_format no_parts = {0};

/* Elements of the source's size before the plain source of a transform. */
static int64_t source_at(const ig_format *f, const int64_t *dims, uint32_t rank) {
  int64_t walked[IG_MAX_RANK], n = 0;
  walked_dims(f, dims, rank, walked);
  (void)count_parts(f, walked, rank, &n);
  return n * derived_size(f->transform);
}

void ig_format_pack(const ig_format *f, const int64_t *dims, uint32_t rank, const void *src, const int64_t *src_strides, void *dst, size_t elem) {
  if (f->transform != IG_TRANSFORM_NONE) {
    int64_t walked[IG_MAX_RANK];
    walked_dims(f, dims, rank, walked);
    walk_parts(f, &(walk){.dims = walked, .strides = src_strides, .rank = rank, .elem = elem, .src = src, .dst = dst, .packing = true, .transform = f->transform});
    dst = (char *)dst + source_at(f, dims, rank) * (int64_t)elem;
    f = &no_parts;
  }
  convert(f, &(walk){.dims = dims, .strides = src_strides, .rank = rank, .elem = elem, .src = src, .dst = dst, .packing = true});
}

void ig_format_unpack(const ig_format *f, const int64_t *dims, uint32_t rank, const void *src, void *dst, const int64_t *dst_strides, size_t elem) {
  if (f->transform != IG_TRANSFORM_NONE) {
    src = (const char *)src + source_at(f, dims, rank) * (int64_t)elem;
    f = &no_parts;
  }
  convert(f, &(walk){.dims = dims, .strides = dst_strides, .rank = rank, .elem = elem, .src = src, .dst = dst, .packing = false});
}
