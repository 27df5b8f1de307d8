/* Single tensors as files: reading and writing TensorProto, the form of ONNX's test data.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx/import.h"

ig_status ig_onnx_read_tensor(ig_arena *arena, const void *bytes, size_t n_bytes, const char **out_name, ig_data *out) {
  *out = (ig_data){ .dtype = IG_DTYPE_NONE };
  if (out_name) *out_name = NULL;
  IG_REQUIRE(n_bytes > 0, IG_ERROR_BAD_MODEL, "the file is empty, no tensor");
  ig_onnx_importer im = { .alloc = arena->alloc, .arena = arena, .limits = ig_onnx_default_limits, .copy_all = true };
  ig_strmap_init(&im.strings, im.alloc);
  ig_buf_init(&im.scratch, im.alloc);
  const char *name = NULL;
  const ig_status st = ig_onnx_tensor(&im, (ig_wire_bytes){ bytes, n_bytes }, &name, out);
  ig_strmap_free(&im.strings);
  ig_buf_free(&im.scratch);
  if (st) *out = (ig_data){ .dtype = IG_DTYPE_NONE };
  else if (out_name) *out_name = name;
  return st;
}

void ig_onnx_write_tensor(ig_buf *out, const char *name, const ig_data *d) {
  enum { DIMS = 1, DATA_TYPE = 2, INT32_DATA = 5, STRING_DATA = 6, NAME = 8, RAW_DATA = 9 };
  for (uint32_t k = 0; k < d->rank; k++) ig_wire_put_int(out, DIMS, d->dims[k]);
  ig_wire_put_int(out, DATA_TYPE, ig_dtype_to_onnx(d->dtype));
  if (name) ig_wire_put_bytes(out, NAME, name, strlen(name));
  if (d->dtype == IG_DTYPE_F6E2M3 || d->dtype == IG_DTYPE_F6E3M2) { /* raw data would have them packed, four in three bytes */
    for (size_t i = 0; i < d->n_bytes; i++) ig_wire_put_int(out, INT32_DATA, ((const uint8_t *)d->bytes)[i] & 0x3f);
    return;
  }
  if (d->dtype != IG_DTYPE_STRING) {
    ig_wire_put_bytes(out, RAW_DATA, d->bytes, d->n_bytes);
    return;
  }
  const struct { const char *p; size_t n; } *strings = d->bytes;
  for (size_t i = 0; i < d->n_bytes / sizeof *strings; i++) ig_wire_put_bytes(out, STRING_DATA, strings[i].p, strings[i].n);
}
