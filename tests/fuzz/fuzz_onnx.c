/* The importer on any bytes: a status or a graph that the verifier passes; and the same bytes as a single tensor.
 * Limits are small, so that a run is short; external data is looked for in a folder that does not exist.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/env.h"
#include "onnx/onnx.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void import_model(ig_env *env, const uint8_t *data, size_t size) {
  const ig_onnx_limits limits = { .nodes = 10000, .edges = 100000, .elements = 1 << 24, .expressions = 10000, .memory = 64 << 20 };
  ig_onnx_sources sources = { 0 };
  ig_ir *ir;
  ig_status st = ig_onnx_import(env, data, size, NULL, "/nonexistent", &limits, &sources, &ir);
  if (!st) {
    st = ig_ir_verify(ir);
    if (st) {
      fprintf(stderr, "imported, but not valid: %s\n", ig_status_message(st));
      abort();
    }
  }
  ig_status_free(st);
  ig_ir_destroy(ir);
  ig_onnx_sources_free(&sources);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static ig_env *env;
  if (!env && ig_env_create(NULL, &env)) abort();
  import_model(env, data, size);
  ig_arena arena;
  ig_data d;
  ig_arena_init(&arena, &env->alloc, 64 << 20);
  ig_status_free(ig_onnx_read_tensor(&arena, data, size, NULL, &d));
  ig_arena_free(&arena);
  return 0;
}
