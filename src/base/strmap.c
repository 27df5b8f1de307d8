/* String map: open addressing with linear probing, a power of two of slots, at most three quarters full. No removal.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"

struct ig_strmap_slot {
  const char *key; /* NULL = free */
  void *value;
  uint64_t hash;
};

void ig_strmap_init(ig_strmap *m, const ig_allocator *alloc) { *m = (ig_strmap){ .alloc = alloc }; }

void ig_strmap_free(ig_strmap *m) {
  ig_free(m->alloc, m->slots, m->cap * sizeof *m->slots);
  m->slots = NULL;
  m->n = m->cap = 0;
}

/* The slot that holds key, or the free one where it belongs. cap > 0. */
static struct ig_strmap_slot *find(const ig_strmap *m, const char *key, uint64_t hash) {
  size_t i = (size_t)hash & (m->cap - 1);
  while (m->slots[i].key && (m->slots[i].hash != hash || strcmp(m->slots[i].key, key) != 0)) i = (i + 1) & (m->cap - 1);
  return &m->slots[i];
}

void *ig_strmap_get(const ig_strmap *m, const char *key) {
  return m->n ? find(m, key, ig_hash(key, strlen(key), 0))->value : NULL;
}

static bool enlarge(ig_strmap *m) {
  ig_strmap bigger = { .alloc = m->alloc, .n = m->n };
  if (!ig_mul_size(m->cap ? m->cap : 8, 2, &bigger.cap)) return false;
  bigger.slots = ig_alloc_zero(m->alloc, bigger.cap, sizeof *bigger.slots);
  if (!bigger.slots) return false;
  for (size_t i = 0; i < m->cap; i++) {
    if (m->slots[i].key) *find(&bigger, m->slots[i].key, m->slots[i].hash) = m->slots[i];
  }
  ig_strmap_free(m);
  *m = bigger;
  return true;
}

bool ig_strmap_set(ig_strmap *m, const char *key, void *value) {
  if (m->n >= m->cap / 4 * 3 && !enlarge(m)) return false;
  const uint64_t hash = ig_hash(key, strlen(key), 0);
  struct ig_strmap_slot *const slot = find(m, key, hash);
  if (!slot->key) m->n++;
  *slot = (struct ig_strmap_slot){ .key = key, .value = value, .hash = hash };
  return true;
}
