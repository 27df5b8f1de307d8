/* SparseTensorProto -> dense ig_data: zeros, with the values written at their linear index or coordinates.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx/import.h"

/* Linear index of entry i; coordinates are checked one by one, so that (0, 5) in [2, 3] is refused. */
static bool index_of(const ig_data *indices, const ig_data *dense, size_t i, uint64_t n, int64_t *out) {
  const int64_t *p = indices->bytes;
  if (indices->rank == 1) {
    *out = p[i];
    return *out >= 0 && (uint64_t)*out < n;
  }
  int64_t at = 0;
  for (uint32_t k = 0; k < dense->rank; k++) {
    const int64_t c = p[i * dense->rank + k];
    if (c < 0 || c >= dense->dims[k]) return false;
    at = at * dense->dims[k] + c;
  }
  *out = at;
  return true;
}

static ig_status check_parts(const char *name, const ig_data *values, const ig_data *indices, const ig_data *dense) {
  IG_REQUIRE(values->rank == 1, IG_ERROR_BAD_MODEL, "sparse tensor '%s': values of rank %u, 1 is expected", name, values->rank);
  IG_REQUIRE(IG_DTYPE_BITS(values->dtype) >= 8 && values->dtype != IG_DTYPE_STRING, IG_ERROR_UNSUPPORTED,
             "sparse tensor '%s': type %s is not supported", name, ig_dtype_name(values->dtype));
  const bool fits = indices->dtype == IG_DTYPE_I64 && (indices->rank == 1 || (indices->rank == 2 && indices->dims[1] == dense->rank)) &&
                    indices->dims[0] == values->dims[0];
  IG_REQUIRE(fits, IG_ERROR_BAD_MODEL, "sparse tensor '%s': indices must be int64 [%lld] or [%lld,%u]", name, (long long)values->dims[0],
             (long long)values->dims[0], dense->rank);
  return NULL;
}

ig_status ig_onnx_sparse(ig_onnx_importer *im, ig_wire_bytes bytes, const char **out_name, ig_data *out) {
  ig_pb_sparse s;
  ig_data values, indices;
  const char *name;
  *out = (ig_data){ .dtype = IG_DTYPE_NONE };
  IG_TRY(IG_PB_READ(sparse, bytes, &s));
  IG_REQUIRE(s.values.p && s.indices.p, IG_ERROR_BAD_MODEL, "a sparse tensor lacks its values or indices");
  IG_TRY(ig_onnx_tensor(im, s.values, &name, &values));
  if (out_name) *out_name = name;
  IG_TRY_NOTE(ig_onnx_tensor(im, s.indices, NULL, &indices), "indices of sparse tensor '%s'", name);
  if (s.dims.n > IG_MAX_RANK) return ig_onnx_too_many_dims("sparse tensor", name, s.dims.n);
  out->dtype = values.dtype;
  ig_wire_iter it = ig_wire_iterate(&s.dims);
  while (out->rank < s.dims.n && ig_wire_next_int(&it, &out->dims[out->rank])) out->rank++;
  uint64_t n;
  IG_TRY(ig_onnx_check_dims(im, "sparse tensor", name, out->dims, out->rank, &n));
  IG_TRY(check_parts(name, &values, &indices, out));
  out->n_bytes = ig_dtype_bytes(out->dtype, n);
  uint8_t *to = ig_arena_alloc(im->arena, out->n_bytes);
  IG_ONNX_CHECK_MEM(im, to);
  const size_t each = IG_DTYPE_BITS(out->dtype) / 8;
  for (size_t i = 0; i < (size_t)values.dims[0]; i++) {
    int64_t at;
    IG_REQUIRE(index_of(&indices, out, i, n, &at), IG_ERROR_BAD_MODEL, "sparse tensor '%s': index %zu lies outside of the tensor", name, i);
    memcpy(to + (size_t)at * each, (const uint8_t *)values.bytes + i * each, each);
  }
  out->bytes = to;
  return NULL;
}
