/* Files given in place of an ONNX model: recognised by their first bytes, so that the message can name them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx/import.h"

static const struct { size_t offset; const char *magic; size_t n; const char *what; const char *hint; } kinds[] = {
  { 0, "ftrt", 4, "a TensorRT plan", "plans cannot be converted: give the ONNX model that it was built from" },
  { 0, "\x89IGT", 4, "an Ingot engine", "it is built already: run it, or give the ONNX model" },
  { 4, "TFL3", 4, "a TensorFlow Lite model", "convert it with tf2onnx" },
  { 0, "PK\x03\x04", 4, "a zip archive (a PyTorch file?)", "export the model with torch.onnx.export" },
  { 0, "\x1f\x8b", 2, "compressed with gzip", "unpack it first" },
  { 0, "version https://git-lfs", 23, "a Git LFS pointer, not the model itself", "fetch the model with `git lfs pull`" },
};

ig_status ig_onnx_sniff(const void *bytes, size_t n_bytes) {
  IG_REQUIRE(n_bytes > 0, IG_ERROR_BAD_MODEL, "the file is empty, no ONNX model");
  for (size_t i = 0; i < IG_COUNT(kinds); i++) {
    if (n_bytes < kinds[i].offset + kinds[i].n || memcmp((const char *)bytes + kinds[i].offset, kinds[i].magic, kinds[i].n) != 0) continue;
    return ig_status_with(ig_status_new(IG_ERROR_BAD_MODEL, "this is %s, no ONNX model; %s", kinds[i].what, kinds[i].hint), IG_DETAIL_HINT,
                          kinds[i].hint);
  }
  return NULL;
}
