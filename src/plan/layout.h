/* Sections as data, shared by writer and reader. SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_PLAN_LAYOUT_H
#define IG_PLAN_LAYOUT_H
#include "plan/plan.h"

#define IG_TAG_WGTS 0x53544757u      /* "WGTS" */
enum {
#define IG_SECTION(tag, type, member, flags) IG_SECTION_INDEX_##member,
#include "plan/sections.def"
#undef IG_SECTION
  IG_N_SECTIONS
};
typedef struct ig_section_info { uint32_t tag; uint16_t record_size, flags; size_t data_at, count_at; const char *name; } ig_section_info;
extern const ig_section_info ig_section_infos[IG_N_SECTIONS];
static inline const void *ig_section_data(const ig_plan_data *p, const ig_section_info *i) {
  const void *d;
  memcpy(&d, (const char *)p + i->data_at, sizeof d);
  return d;
}
static inline size_t ig_section_count(const ig_plan_data *p, const ig_section_info *i) {
  size_t n;
  memcpy(&n, (const char *)p + i->count_at, sizeof n);
  return n;
}
static inline void ig_section_set(ig_plan_data *p, const ig_section_info *i, const void *d, size_t n) {
  memcpy((char *)p + i->data_at, &d, sizeof d);
  memcpy((char *)p + i->count_at, &n, sizeof n);
}
/* Hash of chunk i of the weights. */
static inline uint64_t ig_plan_weight_hash(const uint8_t *w, size_t n, size_t i) {
  const size_t at = i * IG_HASH_CHUNK, left = n - at;
  return ig_hash(w + at, left < IG_HASH_CHUNK ? left : IG_HASH_CHUNK, 0);
}
#endif
