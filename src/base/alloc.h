/* Memory: the injected allocator, and arenas for objects that die together. Every function returns NULL when memory is out.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_BASE_ALLOC_H
#define IG_BASE_ALLOC_H
#include "base/status.h"
#include <stdbool.h>

extern const ig_allocator ig_libc_allocator;

void *ig_alloc(const ig_allocator *a, size_t size);                                 /* size 0 -> one byte */
void *ig_alloc_zero(const ig_allocator *a, size_t n, size_t size);                  /* overflow -> NULL */
void *ig_realloc(const ig_allocator *a, void *old, size_t old_size, size_t size);
void ig_free(const ig_allocator *a, void *p, size_t size);                          /* size as allocated; p may be NULL */
/* 64-byte aligned blocks (tensors, arenas, packed weights); freed by the aligned twin with the same size. */
void *ig_alloc_aligned(const ig_allocator *a, size_t size);
void ig_free_aligned(const ig_allocator *a, void *p, size_t size);

/* Bump arena over chained blocks. One thread at a time. All memory goes at ig_arena_free. limit: bytes it may take in total
 * (0 = none); past it allocations return NULL and ig_arena_over_limit() says so. */
typedef struct ig_arena {
  const ig_allocator *alloc;
  struct ig_arena_block *head;
  size_t used, limit;
  bool over_limit;
} ig_arena;
void ig_arena_init(ig_arena *a, const ig_allocator *alloc, size_t limit);
void ig_arena_free(ig_arena *a);
void *ig_arena_alloc(ig_arena *a, size_t size);            /* zeroed, 16-byte aligned */
void *ig_arena_array(ig_arena *a, size_t n, size_t size);  /* zeroed; overflow -> NULL */
char *ig_arena_strdup(ig_arena *a, const char *s);
char *ig_arena_strndup(ig_arena *a, const char *s, size_t n);
char *ig_arena_printf(ig_arena *a, const char *fmt, ...) IG_PRINTF(2, 3);
#define IG_NEW(arena, type) ((type *)ig_arena_alloc((arena), sizeof(type)))
#define IG_NEW_ARRAY(arena, type, n) ((type *)ig_arena_array((arena), (n), sizeof(type)))
/* The status that a NULL from this arena stands for: out-of-memory, or IG_ERROR_LIMIT where the limit was hit. */
IG_MUST_USE ig_status ig_arena_status(const ig_arena *a);

/* Growable array on an allocator: { T *data; size_t n, cap; }. Returns false when memory is out. */
bool ig_grow(const ig_allocator *a, void **data, size_t *cap, size_t need, size_t elem_size);
#define IG_PUSH(alloc, vec, item) \
  (ig_grow((alloc), (void **)&(vec).data, &(vec).cap, (vec).n + 1, sizeof *(vec).data) ? ((vec).data[(vec).n++] = (item), true) : false)
#define IG_VEC_FREE(alloc, vec) (ig_free((alloc), (vec).data, (vec).cap * sizeof *(vec).data), (vec).data = NULL, (vec).n = (vec).cap = 0)
#define IG_VEC(T) struct { T *data; size_t n, cap; }
#endif
