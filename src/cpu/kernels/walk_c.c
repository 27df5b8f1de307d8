/* Walking views in row-major order by merged runs. See walk.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/walk.h"

/* Appends a dim inside the others, merging it with its outer neighbour where one stride covers both. */
static void add_dim(ig_walk *w, int64_t dim, int64_t stride) {
  if (dim == 1) return;
  if (w->rank > 0 && w->strides[w->rank - 1] == stride * dim) {
    w->dims[w->rank - 1] *= dim;
    w->strides[w->rank - 1] = stride;
    return;
  }
  w->dims[w->rank] = dim;
  w->strides[w->rank++] = stride;
}

void ig_walk_init(ig_walk *w, const ig_view *v, const uint8_t *perm) {
  w->data = v->data;
  w->first = v->first;
  w->rank = 0;
  w->block = v->block > 1 ? v->block : 0;
  w->block_axis = 0;
  w->ragged = w->block && v->dims[v->block_axis] % v->block != 0;
  for (uint32_t k = 0; k < v->rank; k++) {
    const uint32_t axis = perm ? perm[k] : k;
    const bool blocked = w->block && v->block_axis == axis;
    if (w->ragged) {
      w->dims[k] = v->dims[axis];
      w->strides[k] = v->strides[axis];
      if (blocked) w->block_axis = (uint8_t)k;
      w->rank++;
    } else if (blocked) {
      add_dim(w, v->dims[axis] / v->block, v->strides[axis]);
      add_dim(w, v->block, 1);
    } else {
      add_dim(w, v->dims[axis], v->strides[axis]);
    }
  }
  if (w->rank == 0) {
    w->dims[0] = 1;
    w->strides[0] = 0;
    w->rank = 1;
  }
}

bool ig_axes_merge(const ig_view *v, const uint8_t *perm, uint32_t first, uint32_t last, int64_t *out_stride) {
  int64_t n = 1, stride = 0;
  if (v->block > 1) return false;
  for (uint32_t k = last; k-- > first;) {
    const int64_t dim = v->dims[perm[k]], own = v->strides[perm[k]];
    if (dim == 1) continue;
    if (n == 1) stride = own;
    else if (own != stride * n) return false;
    n *= dim;
  }
  *out_stride = stride;
  return true;
}

static int64_t ragged_at(const ig_walk *w, int64_t lin) {
  int64_t at = w->first;
  for (uint32_t k = w->rank; k-- > 0;) {
    const int64_t i = lin % w->dims[k];
    lin /= w->dims[k];
    at += k == w->block_axis ? i / w->block * w->strides[k] + i % w->block : i * w->strides[k];
  }
  return at;
}

int64_t ig_walk_at(const ig_walk *w, int64_t lin) {
  if (w->ragged) return ragged_at(w, lin);
  int64_t at = w->first;
  for (uint32_t k = w->rank; k-- > 1;) {
    at += lin % w->dims[k] * w->strides[k];
    lin /= w->dims[k];
  }
  return at + lin * w->strides[0];
}

int64_t ig_walk_run(const ig_walk *w, int64_t lin, int64_t n, int64_t *out_at, int64_t *out_stride) {
  *out_at = ig_walk_at(w, lin);
  *out_stride = w->strides[w->rank - 1];
  if (w->ragged) return 1;
  const int64_t inner = w->dims[w->rank - 1], left = inner - (w->rank == 1 ? lin : lin % inner);
  return left < n ? left : n;
}

/* Visits the runs of a range: body sees at, stride, run and the position done. The odometer spares a division per run. */
#define EACH_RUN(w, lin, n, body) \
  do { \
    int64_t index_[IG_WALK_RANK], done = 0, at = (w)->first; \
    const uint32_t last_ = (w)->rank - 1; \
    const int64_t stride = (w)->strides[last_]; \
    int64_t rest_ = (lin); \
    for (uint32_t k_ = last_; k_ > 0; k_--) { index_[k_] = rest_ % (w)->dims[k_]; rest_ /= (w)->dims[k_]; } \
    index_[0] = rest_; \
    for (uint32_t k_ = 0; k_ <= last_; k_++) at += index_[k_] * (w)->strides[k_]; \
    while (done < (n)) { \
      const int64_t left_ = (w)->dims[last_] - index_[last_], run = left_ < (n) - done ? left_ : (n) - done; \
      body; \
      done += run; \
      at -= index_[last_] * stride; \
      index_[last_] = 0; \
      for (uint32_t k_ = last_; k_-- > 0;) { \
        at += (w)->strides[k_]; \
        if (++index_[k_] < (w)->dims[k_] || k_ == 0) break; \
        at -= index_[k_] * (w)->strides[k_]; \
        index_[k_] = 0; \
      } \
    } \
  } while (0)

void ig_walk_load(const ig_walk *w, ig_elem_load_fn load, int64_t lin, int64_t n, void *out, size_t out_size) {
  if (w->ragged) {
    for (int64_t i = 0; i < n; i++) load(w->data, ragged_at(w, lin + i), 1, 1, (char *)out + (size_t)i * out_size);
    return;
  }
  EACH_RUN(w, lin, n, load(w->data, at, stride, run, (char *)out + (size_t)done * out_size));
}

void ig_walk_store(const ig_walk *w, ig_elem_store_fn store, int64_t lin, int64_t n, const void *values, size_t value_size) {
  if (w->ragged) {
    for (int64_t i = 0; i < n; i++) store(w->data, ragged_at(w, lin + i), 1, 1, (const char *)values + (size_t)i * value_size);
    return;
  }
  EACH_RUN(w, lin, n, store(w->data, at, stride, run, (const char *)values + (size_t)done * value_size));
}
