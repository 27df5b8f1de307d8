/* External data: files beside the model, each mapped once and kept by the sources. ig_file_open_external guards the place; here the
 * entries are parsed and ranges checked. The checksum entry is ignored.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx/import.h"

typedef struct place { const char *location; uint64_t offset, length; bool has_length; } place;

/* Decimal digits only: no sign, no space, nothing behind. */
static bool parse_size(ig_wire_bytes b, uint64_t *out) {
  uint64_t v = 0;
  for (size_t i = 0; i < b.n; i++) {
    if (b.p[i] < '0' || b.p[i] > '9') return false;
    if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, (uint64_t)(b.p[i] - '0'), &v)) return false;
  }
  *out = v;
  return b.n > 0;
}

static ig_status read_place(ig_onnx_importer *im, const char *tensor, const ig_pb_tensor *t, place *out) {
  *out = (place){ .location = "" };
  ig_wire_iter it = ig_wire_iterate(&t->external_data);
  ig_wire_bytes bytes;
  while (ig_wire_next(&it, &bytes)) {
    ig_pb_entry e;
    const char *key;
    bool ok = true;
    IG_TRY(IG_PB_READ(entry, bytes, &e));
    IG_TRY(ig_onnx_string(im, e.key, &key));
    if (strcmp(key, "location") == 0) IG_TRY_NOTE(ig_onnx_string(im, e.value, &out->location), "tensor '%s': location of external data", tensor);
    else if (strcmp(key, "offset") == 0) ok = parse_size(e.value, &out->offset);
    else if (strcmp(key, "length") == 0) ok = out->has_length = parse_size(e.value, &out->length);
    IG_REQUIRE(ok, IG_ERROR_BAD_MODEL, "tensor '%s': the %s of external data is no number of bytes", tensor, key);
  }
  IG_REQUIRE(out->location[0], IG_ERROR_BAD_MODEL, "tensor '%s': external data without a location", tensor);
  return NULL;
}

static ig_status open_file(ig_onnx_importer *im, const char *location, const ig_onnx_external **out) {
  for (size_t i = 0; i < im->externals.n; i++) {
    *out = &im->externals.data[i];
    if ((*out)->location == location) return NULL; /* one string has one address */
  }
  ig_file_map map;
  IG_TRY(ig_file_open_external(im->alloc, im->data_dir, im->real_dir, location, 0, 0, false, &map));
  const ig_onnx_external e = { location, map.data, map.size };
  if (!IG_PUSH(im->sources->alloc, im->sources->files, map)) {
    ig_file_close(&map);
    return IG_OOM();
  }
  if (!IG_PUSH(im->alloc, im->externals, e)) return IG_OOM();
  *out = &im->externals.data[im->externals.n - 1];
  return NULL;
}

ig_status ig_onnx_external_bytes(ig_onnx_importer *im, const char *tensor, const ig_pb_tensor *t, size_t n_bytes, const uint8_t **out) {
  place at;
  IG_REQUIRE(im->sources, IG_ERROR_UNSUPPORTED, "tensor '%s': external data is not read here", tensor);
  IG_TRY(read_place(im, tensor, t, &at));
  IG_REQUIRE(!at.has_length || at.length == n_bytes, IG_ERROR_BAD_MODEL, "tensor '%s': external data of %llu bytes, %zu are needed", tensor,
             (unsigned long long)at.length, n_bytes);
  const ig_onnx_external *file = NULL;
  IG_TRY_NOTE(open_file(im, at.location, &file), "tensor '%s'", tensor);
  IG_REQUIRE(at.offset <= file->size && n_bytes <= file->size - at.offset, IG_ERROR_BAD_MODEL,
             "tensor '%s': external data '%s': %zu bytes from %llu on exceed the file (%zu bytes)", tensor, at.location, n_bytes,
             (unsigned long long)at.offset, file->size);
  *out = file->data + at.offset;
  return NULL;
}
