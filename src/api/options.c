/* Option structs, delivery of text, and the memory that a build may take.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

ig_status ig_options_read(const void *opt, size_t known_size, const char *name, void *out) {
  if (!opt) return NULL;
  size_t size;
  memcpy(&size, opt, sizeof size);
  IG_REQUIRE(size >= sizeof size, IG_ERROR_INVALID_ARGUMENT, "%s: struct_size is %zu: start from the _INIT macro", name, size);
  const unsigned char *bytes = opt;
  for (size_t i = known_size; i < size; i++)
    IG_REQUIRE(bytes[i] == 0, IG_ERROR_INVALID_ARGUMENT, "%s: byte %zu is set, which Ingot %s does not know: use its header", name, i, ig_version());
  memcpy(out, opt, size < known_size ? size : known_size);
  return NULL;
}

ig_status ig_build_options_read(const ig_build_options *opt, ig_build_options *out) {
  *out = (ig_build_options)IG_BUILD_OPTIONS_INIT;
  IG_TRY(ig_options_read(opt, sizeof *out, "ig_build_options", out));
  out->struct_size = sizeof *out;
  IG_REQUIRE((int)out->tune >= 0 && out->tune <= IG_TUNE_REPLAY, IG_ERROR_INVALID_ARGUMENT, "ig_build_options: tune is %d, want 0 to %d",
             (int)out->tune, (int)IG_TUNE_REPLAY);
  IG_REQUIRE(!out->n_profiles || out->profiles, IG_ERROR_INVALID_ARGUMENT, "ig_build_options: profiles is NULL, n_profiles is not 0");
  IG_REQUIRE(!out->n_fixed || out->fixed, IG_ERROR_INVALID_ARGUMENT, "ig_build_options: fixed is NULL, n_fixed is not 0");
  IG_REQUIRE(!out->n_outputs || out->outputs, IG_ERROR_INVALID_ARGUMENT, "ig_build_options: outputs is NULL, n_outputs is not 0");
  IG_REQUIRE((!out->dump && !out->explain) || out->write, IG_ERROR_INVALID_ARGUMENT, "ig_build_options: dump and explain need write");
  IG_REQUIRE(!out->precision || strcmp(out->precision, "fp32") == 0, IG_ERROR_UNSUPPORTED, "precision '%s' is not there yet: only fp32 is",
             out->precision);
  return NULL;
}

/* The cgroup's limit, or UINT64_MAX: v2, then v1. */
static uint64_t cgroup_limit(void) {
  static const char *const paths[] = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
  for (size_t i = 0; i < IG_COUNT(paths); i++) {
    FILE *f = fopen(paths[i], "re");
    if (!f) continue;
    char text[32] = "";
    const size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    int64_t v;
    if (n && ig_parse_i64(text, strcspn(text, "\n"), &v) && v > 0) return (uint64_t)v;
  }
  return UINT64_MAX;
}

uint64_t ig_build_default_memory(void) {
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  const uint64_t physical = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_MAX, group = cgroup_limit();
  return physical < group ? physical : group;
}

static void *limited_realloc(void *self, void *old, size_t old_size, size_t size) {
  ig_limiter *l = self;
  if (size > old_size) {
    const size_t more = size - old_size, before = atomic_fetch_add_explicit(&l->used, more, memory_order_relaxed);
    void *p = before > l->limit || more > l->limit - before ? NULL : l->to->realloc(l->to->self, old, old_size, size);
    if (!p) {
      if (before > l->limit || more > l->limit - before) atomic_store_explicit(&l->over, true, memory_order_relaxed);
      atomic_fetch_sub_explicit(&l->used, more, memory_order_relaxed);
    }
    return p;
  }
  void *p = l->to->realloc(l->to->self, old, old_size, size);
  if (p || !size) atomic_fetch_sub_explicit(&l->used, old_size - size, memory_order_relaxed);
  return p;
}

ig_status ig_limited_env(ig_env *base, uint64_t limit, ig_limiter *l, ig_env **out_env) {
  if (!limit) limit = ig_build_default_memory();
  l->to = &base->alloc;
  l->limit = limit < SIZE_MAX ? (size_t)limit : SIZE_MAX;
  atomic_init(&l->used, 0);
  atomic_init(&l->over, false);
  const ig_env_options o = {.struct_size = sizeof o,
                            .log = base->log,
                            .log_user = base->log_user,
                            .log_level = base->log_level,
                            .allocator = {l, limited_realloc},
                            .n_threads = base->n_threads};
  return ig_env_create(&o, out_env);
}

/* The importer's limit is about hostile files; from here on the build's own counts. */
ig_status ig_model_clone(const ig_model *m, ig_env *env, ig_ir **out_ir) {
  ig_ir source = *m->ir;
  source.env = env ? env : m->env;
  source.arena.limit = 0;
  return ig_ir_clone(&source, out_ir);
}

ig_status ig_buf_deliver(ig_buf *b, ig_status st, ig_write_fn write, void *user) {
  if (!st && b->failed) st = IG_OOM();
  if (!st && b->n && write(user, b->data, b->n)) st = ig_status_new(IG_ERROR_IO, "writing the description failed");
  ig_buf_free(b);
  return st;
}

/* AVX-512 machines have AVX2; what the machine lacks falls out of the mask by itself. */
ig_status ig_isa_parse(const char *name, uint64_t *out_mask) {
  IG_REQUIRE(name && out_mask, IG_ERROR_INVALID_ARGUMENT, "ig_isa_parse: an argument is NULL");
  *out_mask = 0;
  if (strcmp(name, "avx512") == 0)
    *out_mask = IG_ISA_AVX2 | IG_ISA_AVX512 | IG_ISA_VNNI | IG_ISA_BF16;
  else if (strcmp(name, "avx2") == 0)
    *out_mask = IG_ISA_AVX2;
  else if (strcmp(name, "none") == 0)
    *out_mask = IG_ISA_PORTABLE;
  IG_REQUIRE(*out_mask, IG_ERROR_INVALID_ARGUMENT, "instruction set '%s' is not known: avx2, avx512 or none", name);
  return NULL;
}
