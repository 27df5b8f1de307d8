/* scatter: data with elements or rows replaced or combined: ONNX ScatterElements, ScatterND, TensorScatter.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/kind_util.h"

/* Dims that the updates must have. */
static ig_status update_dims(const ig_request *r, ig_dims *t, const char *node, ig_dim *out, uint32_t *out_rank) {
  const ig_scatter_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *index = ig_request_in(r, 1);
  uint32_t n = 0, first, last;
  int64_t k = 0;
  if (p->mode == IG_SCATTER_ELEMENTS) {
    IG_KIND_REQUIRE(index->rank == x->rank, "the index has %u dims, the data %u", index->rank, x->rank);
    for (uint32_t i = 0; i < x->rank; i++)
      if (i != (uint32_t)p->axis) IG_TRY(ig_kind_at_least(t, node, x->dims[i], index->dims[i], "the index is larger than the data"));
  }
  if (p->mode == IG_SCATTER_ND) {
    IG_KIND_REQUIRE(index->rank >= 1 && ig_dim_is_const(t, index->dims[index->rank - 1], &k), "the index's last dim must be known");
    IG_KIND_REQUIRE(k >= 1 && k <= x->rank, "an index of %lld coordinates does not fit data of %u dims", (long long)k, x->rank);
  }
  last = p->mode == IG_SCATTER_ND ? index->rank - 1u : index->rank;
  first = p->mode == IG_SCATTER_ND ? (uint32_t)k : p->mode == IG_SCATTER_ROWS ? (uint32_t)p->axis + 1 : x->rank;
  const uint32_t before = p->mode == IG_SCATTER_ROWS ? (uint32_t)p->axis : 0, rank = before + last + x->rank - first;
  IG_KIND_REQUIRE(rank <= IG_MAX_RANK, "the updates would have %u dims, at most %d are possible", rank, IG_MAX_RANK);
  for (uint32_t i = 0; i < before; i++) out[n++] = x->dims[i];
  for (uint32_t i = 0; i < last; i++) out[n++] = index->dims[i];
  for (uint32_t i = first; i < x->rank; i++) out[n++] = x->dims[i];
  *out_rank = n;
  return NULL;
}

IG_OUT_DIMS(out_dims) {
  const ig_scatter_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *index = ig_request_in(r, 1), *u = ig_request_in(r, 2);
  IG_KIND_REQUIRE(ig_operand_present(x) && ig_operand_present(index) && ig_operand_present(u), "data, index and updates are all needed");
  IG_KIND_REQUIRE(x->dtype == ig_request_out(r, 0)->dtype && x->dtype == u->dtype, "data, updates and result differ in type");
  IG_TRY(ig_kind_check_index(r, node, index));
  IG_KIND_REQUIRE(p->mode >= IG_SCATTER_ROWS && p->mode <= IG_SCATTER_ELEMENTS, "unknown mode %lld", (long long)p->mode);
  IG_KIND_REQUIRE(p->reduction >= IG_SCATTER_SET && p->reduction <= IG_SCATTER_MAX, "unknown reduction %lld", (long long)p->reduction);
  IG_KIND_REQUIRE(p->reduction == IG_SCATTER_SET || ig_stype_of(x->dtype), "elements of type %s cannot be combined", ig_dtype_name(x->dtype));
  IG_KIND_REQUIRE(p->mode == IG_SCATTER_ND || (p->axis >= 0 && p->axis < x->rank), "axis %lld of data with %u dims", (long long)p->axis, x->rank);
  ig_dim want[IG_MAX_RANK];
  uint32_t rank = 0;
  IG_TRY(update_dims(r, t, node, want, &rank));
  IG_TRY(ig_kind_same_dims(r, t, node, u, want, rank, "the updates and what the index addresses"));
  ig_kind_copy_dims(out[0], &out_rank[0], x->dims, x->rank);
  return NULL;
}

static const ig_field fields[] = {IG_FIELD(ig_scatter_params, mode, IG_FIELD_INT), IG_FIELD(ig_scatter_params, axis, IG_FIELD_INT),
                                  IG_FIELD(ig_scatter_params, reduction, IG_FIELD_INT)};
const ig_kind_def ig_kind_def_scatter = {.name = "scatter", .id = IG_KIND_scatter, .min_in = 3, .max_in = 3, .min_out = 1, .max_out = 1,
  .params_size = sizeof(ig_scatter_params), .fields = fields, .n_fields = IG_COUNT(fields), .out_dims = out_dims};
