/* Engine files, mutated, with their hashes put right; for the unit tests and the fuzz target.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_TESTS_ENGINE_MUTATE_H
#define IG_TESTS_ENGINE_MUTATE_H
#include "plan/layout.h"
#include "rt/rt.h"

static inline ig_file_section *section_table(uint8_t *bytes) { return (ig_file_section *)(void *)(bytes + sizeof(ig_file_header)); }

static inline ig_file_section *find_section(uint8_t *bytes, const char *tag) {
  uint32_t want;
  memcpy(&want, tag, 4);
  ig_file_section *s = section_table(bytes);
  while (s->tag != want) s++;
  return s;
}

/* Makes all hashes those of the bytes, so that only the verifier stands between them and the runtime. */
static inline void fix_hashes(uint8_t *bytes, size_t n) {
  ig_file_header h;
  if (n < sizeof h) return;
  memcpy(&h, bytes, sizeof h);
  const uint32_t n_sections = h.n_sections < (n - sizeof h) / sizeof(ig_file_section) ? h.n_sections : (uint32_t)((n - sizeof h) / sizeof(ig_file_section));
  ig_file_section weights = { 0 };
  for (uint32_t i = 0; i < n_sections; i++) {
    ig_file_section s;
    memcpy(&s, bytes + sizeof h + i * sizeof s, sizeof s);
    if (s.tag == IG_TAG_WGTS && s.offset <= n && s.size <= n - s.offset) weights = s;
  }
  for (uint32_t i = 0; i < n_sections; i++) {
    uint8_t *at = bytes + sizeof h + i * sizeof(ig_file_section);
    ig_file_section s;
    memcpy(&s, at, sizeof s);
    if (s.tag == IG_TAG_WGTS || s.offset > n || s.size > n - s.offset) continue;
    if (memcmp(&s.tag, "HASH", 4) == 0)
      for (size_t k = 0; k < s.size / 8 && k * IG_HASH_CHUNK < weights.size; k++) {
        const uint64_t w = ig_plan_weight_hash(bytes + weights.offset, weights.size, k);
        memcpy(bytes + s.offset + k * 8, &w, 8);
      }
    s.hash = ig_hash(bytes + s.offset, s.size, 0);
    memcpy(at, &s, sizeof s);
  }
  h.file_size = n;
  h.table_hash = ig_hash(bytes + sizeof h, n_sections * sizeof(ig_file_section), 0);
  h.header_hash = ig_hash(&h, offsetof(ig_file_header, header_hash), 0);
  memcpy(bytes, &h, sizeof h);
}

/* Puts a likely troublemaker somewhere into a random record of a random section other than the weights. */
static inline void mutate(uint8_t *bytes, uint64_t random) {
  static const int64_t values[] = { 0, 1, 2, 3, 7, 8, 15, 16, 64, 255, 4095, 65535, 65536, INT32_MAX, (int64_t)UINT32_MAX, UINT32_MAX - 1LL, (int64_t)1 << 40, INT64_MAX, INT64_MIN, -1, -2, -8, INT64_MAX / 8 };
  static const uint8_t widths[] = { 1, 2, 4, 4, 4, 8, 8 };
  ig_file_section s;
  uint64_t r[6];
  for (size_t i = 0; i < IG_COUNT(r); i++) r[i] = ig_hash(&i, sizeof i, random);
  do {
    memcpy(&s, section_table(bytes) + r[0] % IG_N_SECTIONS, sizeof s);
    r[0]++;
  } while (s.tag == IG_TAG_WGTS || s.size == 0 || memcmp(&s.tag, "HASH", 4) == 0);
  const size_t width = widths[r[1] % IG_COUNT(widths)];
  if (s.size < width) return;
  uint8_t *at = bytes + s.offset + r[2] % (s.size / width) * width;
  int64_t v = values[r[3] % IG_COUNT(values)], old = 0;
  memcpy(&old, at, width);
  switch (r[4] % 4) {
  case 0: v = old ^ (int64_t)(1ull << r[5] % (8 * width)); break;
  case 1: v = (int64_t)((uint64_t)old + (r[5] % 2 ? 1u : (uint64_t)-1)); break;
  case 2: memcpy(&v, bytes + s.offset + r[5] % (s.size / width) * width, width); break;
  default: break;
  }
  memcpy(at, &v, width);
}

/* Element visits of a bound context's steps, a rough measure of how long a run takes. */
static inline double bound_work(const ig_context *c) {
  double work = 0;
  for (size_t i = 0; i < c->engine->plan.n_steps; i++) {
    const ig_launch *l = &c->launches[i];
    if (!l->tactic) continue;
    double widest = 1;
    for (uint32_t k = 0; k < l->call.n_in + l->call.n_extra + l->call.n_out; k++) widest += (double)ig_view_count(&l->call.v[k]);
    const ig_kind_def *k = ig_kind(l->call.kind);
    work += widest + (k->flops ? k->flops(&l->call) : 0);
  }
  return work;
}
#endif
