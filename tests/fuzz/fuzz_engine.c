/* The engine reader and the runtime on any bytes: a status, or an engine that binds and runs clean. The mutator works on records and puts the
 * hashes right, without which every mutation would end at the first hash.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../unit/engine_mutate.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static ig_status set_shapes(ig_context *c) {
  const ig_plan_data *p = &c->engine->plan;
  for (size_t i = 0; i < ig_engine_n_inputs(c->engine); i++) {
    int64_t dims[IG_MAX_RANK];
    for (uint32_t k = 0; k < p->io[i].rank; k++) dims[k] = p->dims[p->io[i].dims[k]].op == IG_DIM_CONST ? p->dims[p->io[i].dims[k]].imm : 3;
    IG_TRY(ig_context_set_shape(c, ig_io_name(c->engine, i), dims, p->io[i].rank));
  }
  return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static ig_env *env;
  if (!env && ig_env_create(NULL, &env)) abort();
  ig_engine *e = NULL;
  ig_context *c = NULL;
  ig_context_options o = IG_CONTEXT_OPTIONS_INIT;
  o.n_threads = 1;
  o.max_bytes = 16u << 20;
  ig_status st = ig_engine_load_memory(env, data, size, NULL, &e);
  if (!st) st = ig_context_create(e, &o, &c);
  if (!st) st = set_shapes(c);
  if (!st) st = ig_context_bind(c);
  if (!st && bound_work(c) < 1e6) st = ig_context_run(c);
  ig_status_free(st);
  ig_context_release(c);
  ig_engine_release(e);
  return 0;
}

static bool is_whole(const uint8_t *bytes, size_t n) {
  ig_file_header h;
  ig_status st = ig_plan_recognise(bytes, n);
  ig_status_free(st);
  if (st) return false;
  memcpy(&h, bytes, sizeof h);
  if (h.n_sections != IG_N_SECTIONS || n < sizeof h + IG_N_SECTIONS * sizeof(ig_file_section)) return false;
  for (size_t i = 0; i < IG_N_SECTIONS; i++) {
    ig_file_section s;
    memcpy(&s, bytes + sizeof h + i * sizeof s, sizeof s);
    if (s.offset > n || s.size > n - s.offset) return false;
  }
  return true;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  const bool whole = is_whole(data, size);
  if (LLVMFuzzerMutate && (!whole || seed % 4 == 0)) size = LLVMFuzzerMutate(data, size, max_size);
  else if (whole) mutate(data, seed);
  fix_hashes(data, size);
  return size;
}
