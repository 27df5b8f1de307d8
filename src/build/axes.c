/* Axes made of parts. See axes.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "build/axes.h"

/* Two parts that lie end to end are one. Returns the number left of n. */
static uint32_t join(ig_dims *t, ig_part *p, uint32_t n) {
  uint32_t to = 0;
  for (uint32_t i = 0; i < n; i++) {
    if (to && p[to - 1].stride == ig_dim_mul(t, p[i].stride, p[i].extent)) {
      p[to - 1] = (ig_part){ig_dim_mul(t, p[to - 1].extent, p[i].extent), p[i].stride};
    } else {
      p[to++] = p[i];
    }
  }
  return to;
}

/* a / b where that is exact whatever the symbols are. */
static bool quotient(ig_dims *t, ig_dim a, ig_dim b, ig_dim *out) {
  int64_t x, y;
  if (ig_dim_is_const(t, b, &y)) {
    if (y <= 0) return false;
    if (ig_dim_is_const(t, a, &x)) {
      *out = ig_dim_const(t, x / y);
      return x % y == 0;
    }
  }
  *out = ig_dim_floordiv(t, a, b);
  return *out != IG_DIM_BAD && ig_dim_mul(t, *out, b) == a;
}

static uint32_t n_parts(const ig_axes *a, uint32_t axis) { return a->first[axis + 1] - a->first[axis]; }

static bool add_axis(ig_axes *out, const ig_part *p, uint32_t n) {
  const uint32_t at = out->first[out->rank];
  if (at + n > IG_AXES_PARTS) return false;
  memcpy(out->parts + at, p, n * sizeof *p);
  out->rank++;
  out->first[out->rank] = (uint8_t)(at + n);
  return true;
}

static bool add_part(ig_dims *t, ig_axes *out, ig_dim extent, ig_dim stride) {
  const ig_part p = {extent, stride};
  return add_axis(out, &p, ig_dim_equals(t, extent, 1) ? 0 : 1);
}

void ig_axes_of_strides(ig_dims *t, uint32_t rank, const ig_dim *dims, const ig_dim *strides, ig_axes *out) {
  *out = (ig_axes){0};
  for (uint32_t k = 0; k < rank; k++)
    add_part(t, out, dims[k], strides[k]);
}

bool ig_axes_strides(ig_dims *t, const ig_axes *a, const ig_dim *dims, ig_dim *out_strides) {
  ig_dim next = ig_dim_const(t, 1); /* of axes without parts: as in a compact value */
  for (uint32_t k = a->rank; k-- > 0;) {
    if (n_parts(a, k) > 1) return false;
    out_strides[k] = n_parts(a, k) ? a->parts[a->first[k]].stride : next;
    next = ig_dim_mul(t, out_strides[k], dims[k]);
  }
  return true;
}

/* ---- views ---- */

static bool permute(const ig_node *n, const ig_axes *x, ig_axes *out) {
  for (uint32_t k = 0; k < x->rank; k++) {
    const uint8_t from = n->view.perm[k];
    if (!add_axis(out, x->parts + x->first[from], n_parts(x, from))) return false;
  }
  return true;
}

/* Elements start, start + step ... of an axis: its outermost part moves where the rest stays whole. */
static bool slice_axis(ig_dims *t, ig_dim start, int64_t step, ig_dim extent, ig_dim full, const ig_part *p, uint32_t n, ig_axes *out, ig_dim *offset) {
  ig_part own[IG_AXES_PARTS];
  if (n == 0) return add_part(t, out, extent, ig_dim_const(t, 0));
  if (step == 1 && extent == full && ig_dim_equals(t, start, 0)) return add_axis(out, p, n);
  memcpy(own, p, n * sizeof *p);
  if (n > 1) {
    ig_dim inner = ig_dim_const(t, 1);
    for (uint32_t i = 1; i < n; i++)
      inner = ig_dim_mul(t, inner, p[i].extent);
    if (step != 1 || !quotient(t, start, inner, &start) || !quotient(t, extent, inner, &extent)) return false;
  }
  *offset = ig_dim_add(t, *offset, ig_dim_mul(t, start, own[0].stride));
  own[0] = (ig_part){extent, ig_dim_mul_c(t, own[0].stride, step)};
  const uint32_t skip = ig_dim_equals(t, extent, 1);
  return add_axis(out, own + skip, n - skip);
}

static bool slice(ig_dims *t, const ig_node *n, const ig_val *x, const ig_axes *ax, ig_axes *out, ig_dim *offset) {
  const ig_val *y = n->out[0];
  for (uint32_t k = 0; k < ax->rank; k++)
    if (!slice_axis(t, n->view.start[k], n->view.step[k], y->dims[k], x->dims[k], ax->parts + ax->first[k], n_parts(ax, k), out, offset)) return false;
  return true;
}

static bool expand(ig_dims *t, const ig_val *x, const ig_axes *ax, const ig_val *y, ig_axes *out) {
  const ig_dim zero = ig_dim_const(t, 0);
  for (int k = 0; k < y->rank; k++) {
    const int i = k - (y->rank - x->rank);
    const uint32_t n = i < 0 ? 0 : n_parts(ax, (uint32_t)i);
    const ig_part *p = i < 0 ? NULL : ax->parts + ax->first[i];
    bool fits;
    if (n == 0) fits = add_part(t, out, y->dims[k], zero);
    else if (x->dims[i] == y->dims[k]) fits = add_axis(out, p, n);
    else fits = n == 1 && add_part(t, out, y->dims[k], ig_dim_select(t, ig_dim_eq(t, x->dims[i], ig_dim_const(t, 1)), zero, p->stride));
    if (!fits) return false;
  }
  return true;
}

/* Takes parts of product `extent` off the end of p[0 .. *n), splitting the last one taken where need be; written from the end of `out` on. The only
 * part left is split without a proof: the numbers of elements are equal. */
static bool take(ig_dims *t, ig_part *p, uint32_t *n, ig_dim extent, ig_part *out, uint32_t *n_out) {
  ig_dim need = extent, q;
  while (!ig_dim_equals(t, need, 1)) {
    if (*n_out == IG_AXES_PARTS) return false;
    ig_part *to = &out[IG_AXES_PARTS - ++*n_out], *last = *n ? &p[*n - 1] : p;
    if (*n == 0) { /* a single element: the extent can only be 1 */
      *to = (ig_part){need, ig_dim_const(t, 1)};
      return true;
    }
    if (*n == 1 || (last->extent != need && quotient(t, last->extent, need, &q))) {
      *to = (ig_part){need, last->stride};
      last->stride = ig_dim_mul(t, last->stride, need);
      if (*n > 1) last->extent = q;
      return true;
    }
    *to = *last;
    if (last->extent == need) {
      --*n;
      return true;
    }
    if (!quotient(t, need, last->extent, &need)) return false;
    --*n;
  }
  return true;
}

static bool reshape(ig_dims *t, const ig_axes *ax, const ig_val *y, ig_axes *out) {
  ig_part p[IG_AXES_PARTS], taken[IG_MAX_RANK][IG_AXES_PARTS];
  uint32_t n_taken[IG_MAX_RANK] = {0}, n = ax->first[ax->rank];
  int outermost = 0;
  memcpy(p, ax->parts, n * sizeof *p);
  n = join(t, p, n);
  while (outermost < y->rank && ig_dim_equals(t, y->dims[outermost], 1))
    outermost++;
  for (int k = y->rank; k-- > 0;) {
    if (k == outermost && n > 1) { /* whatever is left */
      n_taken[k] = n;
      memcpy(&taken[k][IG_AXES_PARTS - n], p, n * sizeof *p);
    } else if (!take(t, p, &n, y->dims[k], taken[k], &n_taken[k])) {
      return false;
    }
  }
  for (int k = 0; k < y->rank; k++) {
    ig_part *own = &taken[k][IG_AXES_PARTS - n_taken[k]];
    if (!add_axis(out, own, join(t, own, n_taken[k]))) return false;
  }
  return true;
}

bool ig_axes_view(ig_dims *t, const ig_node *n, const ig_val *x, const ig_axes *ax, ig_axes *out, ig_dim *offset) {
  ig_dim fine[IG_AXES_PARTS];
  bool fits = false;
  *out = (ig_axes){0};
  switch (n->view.op) {
  case IG_VIEW_PERMUTE: fits = permute(n, ax, out); break;
  case IG_VIEW_SLICE: fits = slice(t, n, x, ax, out, offset); break;
  case IG_VIEW_EXPAND: fits = expand(t, x, ax, n->out[0], out); break;
  case IG_VIEW_RESHAPE: fits = reshape(t, ax, n->out[0], out); break;
  case IG_VIEW_BITCAST: break;
  }
  return fits && ig_axes_fine_dims(t, out, fine) <= IG_MAX_RANK;
}

uint32_t ig_axes_fine_dims(ig_dims *t, const ig_axes *a, ig_dim *out_dims) {
  ig_part p[IG_AXES_PARTS];
  uint32_t n = a->first[a->rank];
  memcpy(p, a->parts, n * sizeof *p);
  n = join(t, p, n);
  for (uint32_t i = 0; i < n; i++)
    out_dims[i] = p[i].extent;
  return n;
}
