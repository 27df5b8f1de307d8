/* Bump arena: a chain of blocks that double in size; a large request gets a block of its own. Nothing is freed one by one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/util.h"
#include <stdarg.h>
#include <stdio.h>

enum { UNIT = 16, FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

struct ig_arena_block {
  struct ig_arena_block *next;
  size_t size; /* bytes taken from the allocator, this head included */
  size_t at;   /* first free byte, from the block's start            */
};

void ig_arena_init(ig_arena *a, const ig_allocator *alloc, size_t limit) { *a = (ig_arena){ .alloc = alloc, .limit = limit }; }

void ig_arena_free(ig_arena *a) {
  while (a->head) {
    struct ig_arena_block *const next = a->head->next;
    ig_free(a->alloc, a->head, a->head->size);
    a->head = next;
  }
  a->used = 0;
}

static struct ig_arena_block *add_block(ig_arena *a, size_t size) {
  const size_t head = ig_align_up(sizeof(struct ig_arena_block), UNIT);
  size_t need;
  if (!ig_add_size(size, head, &need)) return NULL;
  size_t n_bytes = a->head ? a->head->size * 2 : FIRST_BLOCK;
  if (n_bytes > LARGEST_BLOCK) n_bytes = LARGEST_BLOCK;
  if (n_bytes < need) n_bytes = need;
  if (a->limit && (a->used >= a->limit || n_bytes > a->limit - a->used)) n_bytes = need;
  if (a->limit && (a->used >= a->limit || n_bytes > a->limit - a->used)) {
    a->over_limit = true;
    return NULL;
  }
  struct ig_arena_block *const block = ig_alloc(a->alloc, n_bytes);
  if (!block) return NULL;
  *block = (struct ig_arena_block){ .next = a->head, .size = n_bytes, .at = head };
  a->used += n_bytes;
  /* A block of one large object goes behind the head, so that the head's free space stays in use. */
  if (a->head && n_bytes == need && n_bytes > LARGEST_BLOCK / 2) {
    block->next = a->head->next;
    a->head->next = block;
    return block;
  }
  a->head = block;
  return block;
}

void *ig_arena_alloc(ig_arena *a, size_t size) {
  if (size > SIZE_MAX - UNIT) return NULL;
  const size_t n_bytes = ig_align_up(size ? size : 1, UNIT);
  struct ig_arena_block *block = a->head;
  if (!block || block->size - block->at < n_bytes) block = add_block(a, n_bytes);
  if (!block) return NULL;
  void *const p = (char *)block + block->at;
  block->at += n_bytes;
  memset(p, 0, n_bytes);
  return p;
}

void *ig_arena_array(ig_arena *a, size_t n, size_t size) {
  size_t total;
  return ig_mul_size(n, size, &total) ? ig_arena_alloc(a, total) : NULL;
}

char *ig_arena_strndup(ig_arena *a, const char *s, size_t n) {
  size_t total;
  if (!ig_add_size(n, 1, &total)) return NULL;
  char *const copy = ig_arena_alloc(a, total);
  if (copy && n) memcpy(copy, s, n);
  return copy;
}

char *ig_arena_strdup(ig_arena *a, const char *s) { return ig_arena_strndup(a, s, strlen(s)); }

char *ig_arena_printf(ig_arena *a, const char *fmt, ...) {
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  const int n = vsnprintf(NULL, 0, fmt, args);
  va_end(args);
  char *const text = n < 0 ? NULL : ig_arena_alloc(a, (size_t)n + 1);
  if (text) vsnprintf(text, (size_t)n + 1, fmt, again);
  va_end(again);
  return text;
}

ig_status ig_arena_status(const ig_arena *a) {
  if (!a->over_limit) return IG_OOM();
  return ig_status_new(IG_ERROR_LIMIT, "memory limit of %zu bytes exceeded; raise it (ingot check --limits prints the limits)", a->limit);
}
