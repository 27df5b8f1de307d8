/* The injected allocator: thin wrappers that check sizes, and 64-byte aligned blocks on top of a 16-byte aligned realloc.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/util.h"
#include <stdlib.h>

enum { ALIGNMENT = 64 };

static void *libc_realloc(void *self, void *old, size_t old_size, size_t size) {
  IG_UNUSED(self);
  IG_UNUSED(old_size);
  if (size > 0) return realloc(old, size);
  free(old);
  return NULL;
}

const ig_allocator ig_libc_allocator = { .self = NULL, .realloc = libc_realloc };

void *ig_alloc(const ig_allocator *a, size_t size) { return a->realloc(a->self, NULL, 0, size ? size : 1); }

void *ig_alloc_zero(const ig_allocator *a, size_t n, size_t size) {
  size_t total;
  if (!ig_mul_size(n, size, &total)) return NULL;
  void *const p = ig_alloc(a, total);
  if (p) memset(p, 0, total);
  return p;
}

void *ig_realloc(const ig_allocator *a, void *old, size_t old_size, size_t size) {
  return a->realloc(a->self, old, old && !old_size ? 1 : old_size, size ? size : 1);
}

void ig_free(const ig_allocator *a, void *p, size_t size) {
  if (p) a->realloc(a->self, p, size ? size : 1, 0);
}

/* The pointer that the allocator gave lies in the word before the aligned block. */
void *ig_alloc_aligned(const ig_allocator *a, size_t size) {
  size_t total;
  if (!ig_add_size(size, ALIGNMENT + sizeof(void *), &total)) return NULL;
  char *const raw = ig_alloc(a, total);
  if (!raw) return NULL;
  const uintptr_t at = ((uintptr_t)raw + sizeof(void *) + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1);
  char *const p = raw + (at - (uintptr_t)raw);
  memcpy(p - sizeof(void *), &raw, sizeof raw);
  return p;
}

void ig_free_aligned(const ig_allocator *a, void *p, size_t size) {
  if (!p) return;
  char *raw;
  memcpy(&raw, (char *)p - sizeof(void *), sizeof raw);
  ig_free(a, raw, size + ALIGNMENT + sizeof(void *));
}

bool ig_grow(const ig_allocator *a, void **data, size_t *cap, size_t need, size_t elem_size) {
  if (need <= *cap) return true;
  size_t new_cap = *cap < 4 ? 4 : *cap;
  while (new_cap < need) {
    if (!ig_mul_size(new_cap, 2, &new_cap)) return false;
  }
  size_t n_bytes;
  if (!ig_mul_size(new_cap, elem_size, &n_bytes)) return false;
  void *const p = *data ? ig_realloc(a, *data, *cap * elem_size, n_bytes) : ig_alloc(a, n_bytes);
  if (!p) return false;
  *data = p;
  *cap = new_cap;
  return true;
}
