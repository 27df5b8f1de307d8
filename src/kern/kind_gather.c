/* gather: elements or rows chosen by an index: ONNX Gather, GatherND, GatherElements.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/kind_util.h"

static ig_status rows(const ig_request *r, const char *node, ig_dim *out, uint8_t *out_rank) {
  const ig_gather_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *index = ig_request_in(r, 1);
  const uint32_t rank = (uint32_t)x->rank + index->rank - 1;
  IG_KIND_REQUIRE(rank <= IG_MAX_RANK, "the result would have %u dims, at most %d are possible", rank, IG_MAX_RANK);
  uint32_t n = 0;
  for (uint32_t i = 0; i < (uint32_t)p->axis; i++) out[n++] = x->dims[i];
  for (uint32_t i = 0; i < index->rank; i++) out[n++] = index->dims[i];
  for (uint32_t i = (uint32_t)p->axis + 1; i < x->rank; i++) out[n++] = x->dims[i];
  *out_rank = (uint8_t)n;
  return NULL;
}

static ig_status nd(const ig_request *r, ig_dims *t, const char *node, ig_dim *out, uint8_t *out_rank) {
  const ig_gather_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *index = ig_request_in(r, 1);
  int64_t k;
  IG_KIND_REQUIRE(index->rank >= 1 && ig_dim_is_const(t, index->dims[index->rank - 1], &k), "the index's last dim must be known");
  IG_KIND_REQUIRE(p->batch_dims >= 0 && p->batch_dims < index->rank && k >= 1 && k + p->batch_dims <= x->rank,
                  "an index of %lld coordinates with %lld batch dims does not fit data of %u dims", (long long)k, (long long)p->batch_dims, x->rank);
  const uint32_t first = (uint32_t)(k + p->batch_dims), rank = index->rank - 1u + x->rank - first;
  IG_KIND_REQUIRE(rank <= IG_MAX_RANK, "the result would have %u dims, at most %d are possible", rank, IG_MAX_RANK);
  for (uint32_t i = 0; i < (uint32_t)p->batch_dims; i++)
    IG_TRY(ig_dims_assume_equal(t, x->dims[i], index->dims[i], node, "batch dims of data and index", NULL));
  uint32_t n = 0;
  for (uint32_t i = 0; i + 1 < index->rank; i++) out[n++] = index->dims[i];
  for (uint32_t i = first; i < x->rank; i++) out[n++] = x->dims[i];
  *out_rank = (uint8_t)n;
  return NULL;
}

IG_OUT_DIMS(out_dims) {
  const ig_gather_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *index = ig_request_in(r, 1);
  IG_KIND_REQUIRE(ig_operand_present(x) && ig_operand_present(index) && x->dtype == ig_request_out(r, 0)->dtype, "data and result differ in type");
  IG_TRY(ig_kind_check_index(r, node, index));
  IG_KIND_REQUIRE(p->mode >= IG_GATHER_ROWS && p->mode <= IG_GATHER_ELEMENTS, "unknown mode %lld", (long long)p->mode);
  if (p->mode == IG_GATHER_ND) return nd(r, t, node, out[0], &out_rank[0]);
  IG_KIND_REQUIRE(p->axis >= 0 && p->axis < x->rank, "axis %lld of data with %u dims", (long long)p->axis, x->rank);
  if (p->mode == IG_GATHER_ROWS) return rows(r, node, out[0], &out_rank[0]);
  IG_KIND_REQUIRE(index->rank == x->rank, "the index has %u dims, the data %u", index->rank, x->rank);
  for (uint32_t i = 0; i < x->rank; i++)
    if (i != (uint32_t)p->axis) IG_TRY(ig_kind_at_least(t, node, x->dims[i], index->dims[i], "the index is larger than the data"));
  ig_kind_copy_dims(out[0], &out_rank[0], index->dims, index->rank);
  return NULL;
}

static const ig_field fields[] = {IG_FIELD(ig_gather_params, mode, IG_FIELD_INT), IG_FIELD(ig_gather_params, axis, IG_FIELD_INT),
                                  IG_FIELD(ig_gather_params, batch_dims, IG_FIELD_INT)};
const ig_kind_def ig_kind_def_gather = {.name = "gather", .id = IG_KIND_gather, .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1,
  .params_size = sizeof(ig_gather_params), .fields = fields, .n_fields = IG_COUNT(fields), .out_dims = out_dims};
