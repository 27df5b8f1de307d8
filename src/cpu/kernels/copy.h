/* Copying boxes of opaque elements between strided memories.
 *
 * A plan puts the dims in the order of the destination's memory, merges those that one stride covers on both sides, and copies by memcpy where both
 * sides are contiguous, by squares in registers where one side runs along each of two dims (a transpose), else element by element.
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
/* A part's share. */
void ig_copy_part(const ig_copy *p, const void *src, void *dst, uint32_t part, uint32_t n_parts);
#endif
