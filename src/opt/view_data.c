/* Views of constants and parts of results, copied on the host: strides in elements, elements of any width down to two bits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/rules.h"

typedef struct walk {
  uint32_t rank;
  int64_t dims[IG_MAX_RANK], strides[IG_MAX_RANK], base;
} walk;

static void copy_element(uint8_t *to, int64_t to_i, const uint8_t *from, int64_t from_i, uint32_t bits) {
  if (bits >= 8) {
    const size_t size = bits / 8;
    memcpy(to + (size_t)to_i * size, from + (size_t)from_i * size, size);
    return;
  }
  const uint32_t per_byte = 8 / bits, mask = (1u << bits) - 1;
  const uint32_t x = from[from_i / per_byte] >> (from_i % per_byte * bits) & mask;
  to[to_i / per_byte] |= (uint8_t)(x << (to_i % per_byte * bits));
}

static void copy_all(const walk *w, const uint8_t *from, uint8_t *to, int64_t n, uint32_t bits) {
  int64_t at[IG_MAX_RANK] = {0}, src = w->base;
  for (int64_t i = 0; i < n; i++) {
    copy_element(to, i, from, src, bits);
    for (uint32_t k = w->rank; k-- > 0;) {
      src += w->strides[k];
      if (++at[k] < w->dims[k]) break;
      src -= w->strides[k] * w->dims[k];
      at[k] = 0;
    }
  }
}

static void compact_strides(const ig_data *x, int64_t *strides) {
  int64_t step = 1;
  for (uint32_t k = x->rank; k-- > 0;) {
    strides[k] = step;
    step *= x->dims[k];
  }
}

static bool fill_walk(const ig_ir *ir, const ig_node *view, const ig_data *x, walk *w) {
  int64_t strides[IG_MAX_RANK];
  compact_strides(x, strides);
  const uint32_t lead = w->rank - (w->rank < x->rank ? w->rank : x->rank);
  for (uint32_t k = 0; k < w->rank; k++) {
    int64_t start;
    switch (view->view.op) {
    case IG_VIEW_PERMUTE:
      w->strides[k] = strides[view->view.perm[k]];
      break;
    case IG_VIEW_SLICE:
      if (!ig_dim_is_const(&ir->dims, view->view.start[k], &start)) return false;
      w->base += start * strides[k];
      w->strides[k] = view->view.step[k] * strides[k];
      break;
    case IG_VIEW_EXPAND:
      w->strides[k] = k < lead || x->dims[k - lead] == 1 ? 0 : strides[k - lead];
      break;
    default:
      return false;
    }
  }
  return true;
}

bool ig_opt_place(const ig_ir *ir, const ig_operand *o, const ig_data *d, uint8_t *buffer) {
  int64_t dims[IG_MAX_RANK], strides[IG_MAX_RANK], at[IG_MAX_RANK] = {0}, to, n = 1;
  if (!ig_dim_is_const(&ir->dims, o->offset, &to)) return false;
  for (uint32_t k = 0; k < o->rank; k++) {
    if (!ig_dim_is_const(&ir->dims, o->dims[k], &dims[k]) || !ig_dim_is_const(&ir->dims, o->strides[k], &strides[k])) return false;
    n *= dims[k];
  }
  for (int64_t i = 0; i < n; i++) {
    copy_element(buffer, to, d->bytes, i, IG_DTYPE_BITS(d->dtype));
    for (uint32_t k = o->rank; k-- > 0;) {
      to += strides[k];
      if (++at[k] < dims[k]) break;
      to -= strides[k] * dims[k];
      at[k] = 0;
    }
  }
  return true;
}

ig_status ig_opt_view_data(ig_ir *ir, const ig_node *view, const ig_data *x, const ig_data **out) {
  const ig_val *y = view->out[0];
  walk w = {.rank = (uint32_t)y->rank};
  ig_data *d = IG_NEW(&ir->arena, ig_data);
  int64_t n;
  if (!d) return ig_arena_status(&ir->arena);
  IG_NODE_REQUIRE(view, ig_opt_const_dims(ir, y, w.dims), IG_ERROR_UNSUPPORTED, "the view's dims are not constant");
  d->dtype = y->dtype;
  d->rank = (uint8_t)y->rank;
  memcpy(d->dims, w.dims, sizeof d->dims);
  IG_NODE_REQUIRE(view, ig_data_count(d, &n), IG_ERROR_UNSUPPORTED, "the view's dims overflow");
  d->n_bytes = ig_dtype_bytes(d->dtype, (uint64_t)n);
  *out = d;
  if (view->view.op == IG_VIEW_RESHAPE || view->view.op == IG_VIEW_BITCAST) {
    IG_NODE_REQUIRE(view, d->n_bytes == x->n_bytes, IG_ERROR_INTERNAL, "the view has %zu bytes, its input %zu", d->n_bytes, x->n_bytes);
    d->bytes = x->bytes;
    return NULL;
  }
  IG_NODE_REQUIRE(view, fill_walk(ir, view, x, &w), IG_ERROR_UNSUPPORTED, "the view is not constant");
  uint8_t *bytes = ig_arena_alloc(&ir->arena, d->n_bytes ? d->n_bytes : 1);
  if (!bytes) return ig_arena_status(&ir->arena);
  copy_all(&w, x->bytes, bytes, n, IG_DTYPE_BITS(d->dtype));
  d->bytes = bytes;
  return NULL;
}
