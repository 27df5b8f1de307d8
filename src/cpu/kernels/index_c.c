/* Positions of an index and the boxes that they name. See index.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/index.h"

void ig_index_plan_init(ig_index_plan *q, const ig_call *c, int mode, int64_t axis, int64_t batch_dims, const ig_view *list) {
  const ig_view *x = ig_call_in(c, 0), *index = ig_call_in(c, 1);
  *q = (ig_index_plan){ .mode = mode, .axis = axis, .batch_dims = batch_dims, .n_boxes = 1 };
  switch (mode) {
    case IG_GATHER_ROWS:
      q->n_outer = (uint32_t)axis + index->rank;
      q->box_data = (uint32_t)axis + 1;
      break;
    case IG_GATHER_ND:
      q->n_coords = (uint32_t)index->dims[index->rank - 1];
      q->n_outer = index->rank - 1u;
      q->box_data = (uint32_t)batch_dims + q->n_coords;
      break;
    default:
      q->n_outer = list->rank;
      q->box_data = x->rank;
  }
  for (uint32_t k = 0; k < q->n_outer; k++) q->n_boxes *= list->dims[k];
  q->plain = !ig_view_blocked(x) && !ig_view_blocked(list) && ig_elem_size(x->dtype) > 0;
  const uint32_t n = x->rank - q->box_data;
  ig_copy_init(&q->copy, n, x->dims + q->box_data, x->strides + q->box_data, list->strides + q->n_outer, ig_elem_size(x->dtype));
}

/* Entry of the index as a position along an axis of n: true if in range. */
static bool position(const ig_view *index, const int64_t *at, int64_t n, int64_t *out) {
  const int64_t e = ig_view_at(index, at);
  int64_t i = index->dtype == IG_DTYPE_I64 ? ((const int64_t *)index->data)[e] : ((const int32_t *)index->data)[e];
  if (i < 0) i += n;
  const bool ok = i >= 0 && i < n;
  *out = ok ? i : 0;
  return ok;
}

bool ig_index_plan_locate(const ig_index_plan *q, const ig_call *c, const int64_t *outer, int64_t *out_data) {
  const ig_view *x = ig_call_in(c, 0), *index = ig_call_in(c, 1);
  int64_t at[IG_MAX_RANK];
  bool ok = true;
  for (uint32_t k = q->box_data; k < x->rank; k++) out_data[k] = 0;
  switch (q->mode) {
    case IG_GATHER_ROWS:
      for (int64_t k = 0; k < q->axis; k++) out_data[k] = outer[k];
      return position(index, outer + q->axis, x->dims[q->axis], &out_data[q->axis]);
    case IG_GATHER_ND:
      for (uint32_t k = 0; k < q->n_outer; k++) at[k] = outer[k];
      for (int64_t k = 0; k < q->batch_dims; k++) out_data[k] = outer[k];
      for (uint32_t k = 0; k < q->n_coords; k++) {
        at[q->n_outer] = k;
        ok &= position(index, at, x->dims[q->batch_dims + k], &out_data[q->batch_dims + k]);
      }
      return ok;
    default:
      for (uint32_t k = 0; k < x->rank; k++) out_data[k] = outer[k];
      return position(index, outer, x->dims[q->axis], &out_data[q->axis]);
  }
}

/* Offset of the box's corner, its own coordinates being 0. */
static int64_t corner(const ig_view *v, const int64_t *at, uint32_t n) {
  int64_t offset = 0;
  for (uint32_t k = 0; k < n; k++) offset += ig_view_step(v, k, at[k]);
  return offset;
}

static void by_elements(const ig_index_plan *q, const ig_view *data, const int64_t *at_data, const ig_view *list, const int64_t *outer, bool to_data) {
  int64_t i_data[IG_MAX_RANK], i_list[IG_MAX_RANK], box[IG_MAX_RANK] = { 0 };
  const uint32_t n = data->rank - q->box_data;
  for (uint32_t k = 0; k < q->box_data; k++) i_data[k] = at_data[k];
  for (uint32_t k = 0; k < q->n_outer; k++) i_list[k] = outer[k];
  do {
    for (uint32_t k = 0; k < n; k++) i_data[q->box_data + k] = i_list[q->n_outer + k] = box[k];
    const int64_t d = ig_view_at(data, i_data), l = ig_view_at(list, i_list);
    if (to_data) ig_elem_copy(data, d, list, l);
    else ig_elem_copy(list, l, data, d);
  } while (ig_index_next(box, data->dims + q->box_data, n));
}

void ig_index_plan_copy(const ig_index_plan *q, const ig_view *data, const int64_t *at_data, const ig_view *list, const int64_t *outer, bool to_data) {
  for (uint32_t k = 0; k < data->rank; k++)
    if (data->dims[k] == 0) return;
  if (!q->plain || to_data) {
    by_elements(q, data, at_data, list, outer, to_data);
    return;
  }
  const int64_t size = (int64_t)q->copy.size;
  ig_copy_run(&q->copy, (const char *)data->data + corner(data, at_data, q->box_data) * size, (char *)list->data + corner(list, outer, q->n_outer) * size);
}
