/* Runs of elements: every storage type enters and leaves the six compute types through these two tables, and nowhere else.
 *
 * A run is n elements, `stride` elements apart, the first one `at` elements from `data` (sub-byte types: `at` includes the view's `first`).
 * In compute form booleans are one byte each (0 or 1), the others their C type, always contiguous.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_ELEM_H
#define IG_CPU_ELEM_H
#include "kern/request.h"

typedef void (*ig_elem_load_fn)(const void *data, int64_t at, int64_t stride, int64_t n, void *out);
typedef void (*ig_elem_store_fn)(void *data, int64_t at, int64_t stride, int64_t n, const void *values);

/* Loads `dtype` as ig_stype_of(dtype); NULL for opaque types. */
ig_elem_load_fn ig_elem_loader(ig_dtype dtype);
/* Stores values of compute type `type` as `dtype`; flags = IG_STORE_*. `type` is ig_stype_of(dtype), or F64 for half-precision types
 * (one rounding). NULL where there is none: the caller casts first. */
ig_elem_store_fn ig_elem_storer(ig_dtype dtype, ig_stype type, unsigned flags);
/* Bytes of one element in a compute type. */
static inline size_t ig_stype_size(ig_stype t) { return t == IG_S_BOOL ? 1 : t == IG_S_F32 || t == IG_S_I32 ? 4 : 8; }
/* Whole bytes of one stored element, 0 for sub-byte types. */
static inline size_t ig_elem_size(ig_dtype d) { return IG_DTYPE_BITS(d) / 8; }
/* True when memory of `dtype` is already in compute form. Booleans are not: any non-zero byte is true. */
static inline bool ig_elem_is_compute(ig_dtype d) {
  return d == IG_DTYPE_F32 || d == IG_DTYPE_F64 || d == IG_DTYPE_I32 || d == IG_DTYPE_I64 || d == IG_DTYPE_U64;
}
/* Copies one element of any type, opaque and sub-byte ones included; at_* count elements from the views' data. */
void ig_elem_copy(const ig_view *dst, int64_t at_dst, const ig_view *src, int64_t at_src);
#endif
