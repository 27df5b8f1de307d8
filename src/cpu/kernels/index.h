/* What gather and scatter share: positions of an index, the boxes that they name in the data and in the result (or the updates).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_INDEX_H
#define IG_CPU_INDEX_H
#include "cpu/kernels/copy.h"

/* "list": the result of gather or the updates of scatter: outer axes, then the box's. */
typedef struct ig_index_plan {
  int mode;                            /* IG_GATHER_* (the scatter modes have the same numbers) */
  int64_t axis, batch_dims;
  uint32_t n_outer, box_data;          /* list axes before the box; data axis where the box begins */
  uint32_t n_coords;                   /* ND: coordinates per index entry */
  int64_t n_boxes;
  bool plain;                          /* boxes by `copy`, else element by element */
  ig_copy copy;                        /* data -> list */
} ig_index_plan;
void ig_index_plan_init(ig_index_plan *q, const ig_call *c, int mode, int64_t axis, int64_t batch_dims, const ig_view *list);
/* Data coordinates of the box at the list's outer coordinates. False if an index is out of range; it then counts as 0. */
bool ig_index_plan_locate(const ig_index_plan *q, const ig_call *c, const int64_t *outer, int64_t *out_data);
/* Copies the box at data's coordinates to the list (or back). */
void ig_index_plan_copy(const ig_index_plan *q, const ig_view *data, const int64_t *at_data, const ig_view *list, const int64_t *outer, bool to_data);
/* Records an index out of range in the call's error word, if it has one. */
static inline void ig_report_index(const ig_call *c) {
  if (c->error) ig_error_report(c->error, c->step, IG_DATA_INDEX_OUT_OF_RANGE);
}
#endif
