/* Copying boxes of opaque elements between strided memories.
 *
 * A plan merges dims that one stride covers on both sides, puts the longest contiguous run inside, and copies by memcpy where both sides are
 * contiguous, by blocks where one side runs along each of two dims (a transpose), else element by element.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_COPY_H
#define IG_CPU_COPY_H
#include "cpu/kernels/walk.h"

typedef struct ig_copy {
  uint32_t rank;                       /* merged dims, innermost last */
  size_t size;                         /* bytes of an element: 1, 2, 4, 8, 16 */
  int64_t dims[IG_MAX_RANK], src[IG_MAX_RANK], dst[IG_MAX_RANK];   /* strides in elements */
} ig_copy;
/* Plain operands only: no blocks, whole bytes. Dims of 1 vanish. */
void ig_copy_init(ig_copy *p, uint32_t rank, const int64_t *dims, const int64_t *src, const int64_t *dst, size_t size);
void ig_copy_run(const ig_copy *p, const void *src, void *dst);
/* Rows [lo, hi) of the outermost dim. */
void ig_copy_slice(const ig_copy *p, const void *src, void *dst, int64_t lo, int64_t hi);
#endif
