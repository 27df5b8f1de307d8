/* move: copies with padding. The part of the result that lies inside the input is one box; the border is filled element by element.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/common.h"
#include "cpu/kernels/copy.h"
#include "cpu/kernels/kernels.h"
#include "hal/tactic.h"

size_t ig_cpu_move_c_scratch(const ig_call *c, uint32_t n_parts) {
  IG_UNUSED(c);
  IG_UNUSED(n_parts);
  return 0;
}

/* Input index along one axis of an index that lies outside; -1: the constant. */
static int64_t border_index(int64_t border, int64_t i, int64_t n) {
  if (i >= 0 && i < n) return i;
  switch (border) {
    case IG_MOVE_EDGE: return i < 0 ? 0 : n - 1;
    case IG_MOVE_WRAP: return ((i % n) + n) % n;
    case IG_MOVE_REFLECT: {
      if (n == 1) return 0;
      const int64_t period = 2 * (n - 1), j = ((i % period) + period) % period;
      return j < n ? j : period - j;
    }
    default: return -1;
  }
}

static void set_zero(const ig_view *o, int64_t at) {
  const uint64_t zero[2] = { 0, 0 };
  const ig_view z = { .data = (void *)(uintptr_t)zero, .dtype = o->dtype };
  ig_elem_copy(o, at, &z, 0);
}

static void element(const ig_call *c, const int64_t *index) {
  const ig_move_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  int64_t from[IG_MAX_RANK];
  const int64_t at = ig_view_at(o, index);
  for (uint32_t k = 0; k < x->rank; k++) {
    from[k] = x->dims[k] > 0 ? border_index(p->border, index[k] - p->pad_lo[k], x->dims[k]) : -1;
    if (from[k] >= 0) continue;
    if (c->n_in > 1 && ig_view_present(ig_call_in(c, 1))) ig_elem_copy(o, at, ig_call_in(c, 1), 0);
    else set_zero(o, at);
    return;
  }
  ig_elem_copy(o, at, x, ig_view_at(x, from));
}

/* Every element, for operands that are blocked or packed below a byte. skip: leave out what lies inside [lo, hi). */
static void elements(const ig_call *c, int64_t begin, int64_t end, const int64_t *lo, const int64_t *hi) {
  const ig_view *o = ig_call_out(c, 0);
  int64_t index[IG_MAX_RANK] = { 0 };
  if (begin >= end) return;
  ig_index_of(begin, o->dims, o->rank, index);
  for (int64_t i = begin; i < end; i++) {
    bool inside = lo != NULL;
    for (uint32_t k = 0; lo && k < o->rank; k++) inside &= index[k] >= lo[k] && index[k] < hi[k];
    if (inside && o->rank > 0) {
      const uint32_t last = o->rank - 1;               /* on to the end of the box's row */
      const int64_t jump = ig_min_i64(hi[last] - index[last], end - i) - 1;
      index[last] += jump;
      i += jump;
    } else {
      element(c, index);
    }
    ig_index_next(index, o->dims, o->rank);
  }
}

/* The box of the result that is copied straight: [lo, hi). False if it is empty. */
static bool inside_box(const ig_call *c, int64_t *lo, int64_t *hi) {
  const ig_move_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  for (uint32_t k = 0; k < o->rank; k++) {
    lo[k] = ig_max_i64(0, p->pad_lo[k]);
    hi[k] = ig_min_i64(o->dims[k], p->pad_lo[k] + x->dims[k]);
    if (lo[k] >= hi[k]) return false;
  }
  return true;
}

static void copy_box(const ig_call *c, const int64_t *lo, const int64_t *hi, uint32_t part, uint32_t n_parts) {
  const ig_move_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  const size_t size = ig_elem_size(x->dtype);
  int64_t dims[IG_MAX_RANK], src = 0, dst = 0;
  ig_copy plan;
  for (uint32_t k = 0; k < o->rank; k++) {
    dims[k] = hi[k] - lo[k];
    src += (lo[k] - p->pad_lo[k]) * x->strides[k];
    dst += lo[k] * o->strides[k];
  }
  ig_copy_init(&plan, o->rank, dims, x->strides, o->strides, size);
  ig_copy_part(&plan, (const char *)x->data + src * (int64_t)size, (char *)o->data + dst * (int64_t)size, part, n_parts);
}

void ig_cpu_move_c_run(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  const int64_t total = ig_view_count(o);
  int64_t lo[IG_MAX_RANK], hi[IG_MAX_RANK], begin, end;
  IG_UNUSED(phase);
  if (total == 0) return;
  const bool plain = !ig_view_blocked(x) && !ig_view_blocked(o) && ig_elem_size(x->dtype) > 0;
  const bool boxed = plain && inside_box(c, lo, hi);
  if (boxed) copy_box(c, lo, hi, part, n_parts);
  int64_t inside = boxed ? 1 : 0;
  for (uint32_t k = 0; boxed && k < o->rank; k++) inside *= hi[k] - lo[k];
  if (inside == total) return;
  ig_split_elements(c, total, part, n_parts, &begin, &end);
  elements(c, begin, end, boxed ? lo : NULL, hi);
}
