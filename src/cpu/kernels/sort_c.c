/* sort: per line a heap of the k best so far with the worst of them on top, then taken apart from the end. Elements compare by 64-bit keys in which the order
 * of every type, NaN above all, is that of unsigned integers; the elements themselves are copied, so every bit of them stays.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/common.h"
#include "cpu/kernels/kernels.h"

typedef struct item { uint64_t key; int64_t place; } item;

static int64_t axis_dim(const ig_view *v, const ig_call *c) { return v->dims[((const ig_sort_params *)c->params)->axis]; }
static size_t line_bytes(const ig_call *c) { return ig_pad64((size_t)axis_dim(ig_call_in(c, 0), c) * 8); }
static size_t bytes_per_part(const ig_call *c) { return line_bytes(c) + ig_pad64((size_t)axis_dim(ig_call_out(c, 0), c) * sizeof(item)); }
size_t ig_cpu_sort_c_scratch(const ig_call *c, uint32_t n_parts) { return n_parts * bytes_per_part(c); }

static const uint64_t TOP = (uint64_t)1 << 63;

/* Larger keys are larger elements; zeros of both signs are equal. */
static uint64_t key_of_f64(double d) {
  uint64_t u;
  if (d != d) return UINT64_MAX;
  if (d == 0) return TOP;
  memcpy(&u, &d, 8);
  return u & TOP ? ~u : u | TOP;
}
static uint64_t key_of(const void *line, int64_t i, ig_stype t) {
  switch (t) {
    case IG_S_F32: return key_of_f64((double)((const float *)line)[i]);
    case IG_S_F64: return key_of_f64(((const double *)line)[i]);
    case IG_S_I32: return (uint64_t)(int64_t)((const int32_t *)line)[i] ^ TOP;
    case IG_S_I64: return (uint64_t)((const int64_t *)line)[i] ^ TOP;
    default: return ((const uint64_t *)line)[i];
  }
}

static bool worse(item a, item b) { return a.key != b.key ? a.key < b.key : a.place > b.place; }

/* Puts v where it belongs below place i of a heap of n. */
static void sift(item *heap, int64_t n, int64_t i, item v) {
  for (int64_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
    if (child + 1 < n && worse(heap[child + 1], heap[child])) child++;
    if (!worse(heap[child], v)) break;
    heap[i] = heap[child];
    i = child;
  }
  heap[i] = v;
}

/* The k best of n elements, best first. */
static void select_best(const void *line, int64_t n, ig_stype t, bool largest, item *heap, int64_t k) {
  for (int64_t i = 0; i < n; i++) {
    const uint64_t key = key_of(line, i, t);
    const item v = { largest ? key : ~key, i };
    if (i < k) heap[i] = v;
    if (i + 1 == k) for (int64_t j = k / 2; j-- > 0;) sift(heap, k, j, heap[j]);
    if (i >= k && worse(heap[0], v)) sift(heap, k, 0, v);
  }
  for (int64_t left = k - 1; left > 0; left--) {
    const item last = heap[left];
    heap[left] = heap[0];
    sift(heap, left, 0, last);
  }
}

static void store_line(const ig_call *c, int64_t *index, const item *best) {
  const ig_sort_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0), *places = c->n_out > 1 && ig_view_present(ig_call_out(c, 1)) ? ig_call_out(c, 1) : NULL;
  index[p->axis] = 0;
  const int64_t from = ig_view_at(x, index), to = ig_view_at(o, index), at = places ? ig_view_at(places, index) : 0;
  for (int64_t i = 0; i < o->dims[p->axis]; i++) {
    const uint32_t axis = (uint32_t)p->axis;
    ig_elem_copy(o, to + ig_view_step(o, axis, i), x, from + ig_view_step(x, axis, best[i].place));
    if (places) ((int64_t *)places->data)[at + ig_view_step(places, axis, i)] = best[i].place;
  }
}

void ig_cpu_sort_c_run(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_sort_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  const ig_stype t = ig_stype_of(x->dtype);
  const int64_t n = axis_dim(x, c), k = axis_dim(o, c), total = ig_view_count(o);
  char *line = ig_part_scratch(c, part, bytes_per_part(c));
  item *heap = (item *)(void *)(line + line_bytes(c));
  int64_t index[IG_MAX_RANK], dims[IG_MAX_RANK], lo, hi;
  uint8_t perm[IG_MAX_RANK];
  ig_reader r;
  IG_UNUSED(phase);
  if (total == 0) return;
  ig_split_items(c, total / k, part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  for (uint32_t i = 0; i < x->rank; i++) dims[i] = i == (uint32_t)p->axis ? 1 : x->dims[i];
  ig_perm_of_mask(x->rank, 1ull << p->axis, true, perm);
  ig_reader_init(&r, x, perm, t);
  ig_index_of(lo, dims, x->rank, index);
  for (int64_t row = lo; row < hi; row++) {
    ig_reader_read(&r, row * n, n, line);
    select_best(line, n, t, p->largest != 0, heap, k);
    store_line(c, index, heap);
    ig_index_next(index, dims, x->rank);
  }
}
