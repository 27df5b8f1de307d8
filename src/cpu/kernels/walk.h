/* Where elements lie: views walked in row-major order of their dims, whatever their strides, blocks and broadcasts.
 *
 * A walk is prepared once per launch and part. Adjacent dims that one stride covers are merged, so a compact operand is a single run and a
 * bias is two dims; then any range [lo, lo + n) of the row-major order is visited as few long runs. A blocked axis whose extent is a
 * multiple of the block is two plain dims; otherwise the walk steps element by element.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_WALK_H
#define IG_CPU_WALK_H
#include "cpu/kernels/elem.h"

#define IG_WALK_RANK (IG_MAX_RANK + 1)
typedef struct ig_walk {
  void *data;
  int64_t first;                       /* sub-byte elements to skip, else 0 */
  uint32_t rank;                       /* merged dims, at least 1 */
  bool ragged;                         /* blocked axis with a partial last block: dims are the view's own */
  uint8_t block_axis; uint16_t block;
  int64_t dims[IG_WALK_RANK], strides[IG_WALK_RANK];
} ig_walk;

/* perm: order in which the view's axes are walked (NULL = as they are). */
void ig_walk_init(ig_walk *w, const ig_view *v, const uint8_t *perm);
/* Elements from data of the element with linear index lin. */
int64_t ig_walk_at(const ig_walk *w, int64_t lin);
/* Length (up to n) and stride of the run that starts at lin; *out_at its first element. */
int64_t ig_walk_run(const ig_walk *w, int64_t lin, int64_t n, int64_t *out_at, int64_t *out_stride);
/* Reads or writes the range [lin, lin + n). */
void ig_walk_load(const ig_walk *w, ig_elem_load_fn load, int64_t lin, int64_t n, void *out, size_t out_size);
void ig_walk_store(const ig_walk *w, ig_elem_store_fn store, int64_t lin, int64_t n, const void *values, size_t value_size);

/* Are axes perm[first .. last) of v one axis, as far as strides go? *out_stride is its stride. Not for blocked views. */
bool ig_axes_merge(const ig_view *v, const uint8_t *perm, uint32_t first, uint32_t last, int64_t *out_stride);

/* Offset in elements that index i along axis adds. */
static inline int64_t ig_view_step(const ig_view *v, uint32_t axis, int64_t i) {
  return v->block > 1 && v->block_axis == axis ? i / v->block * v->strides[axis] + i % v->block : i * v->strides[axis];
}
static inline int64_t ig_view_at(const ig_view *v, const int64_t *index) {
  int64_t at = 0;
  for (uint32_t k = 0; k < v->rank; k++) at += ig_view_step(v, k, index[k]);
  return at;
}
static inline bool ig_view_blocked(const ig_view *v) { return v->block > 1; }
/* Advances a row-major odometer; false after the last index. */
static inline bool ig_index_next(int64_t *index, const int64_t *dims, uint32_t rank) {
  for (uint32_t k = rank; k-- > 0;) {
    if (++index[k] < dims[k]) return true;
    index[k] = 0;
  }
  return false;
}
static inline void ig_index_of(int64_t lin, const int64_t *dims, uint32_t rank, int64_t *index) {
  for (uint32_t k = rank; k-- > 0;) { index[k] = lin % dims[k]; lin /= dims[k]; }
}
#endif
