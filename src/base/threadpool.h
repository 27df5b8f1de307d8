/* Fork-join pool: the caller is worker 0, n - 1 others spin for a bounded time, then sleep on a futex. Not pinned.
 * One pool serves one context; one run at a time. After fork the child's pool refuses with a named error (ig_pool_usable).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_BASE_THREADPOOL_H
#define IG_BASE_THREADPOOL_H
#include "base/alloc.h"

typedef struct ig_pool ig_pool;
typedef void (*ig_pool_fn)(void *arg, uint32_t part, uint32_t n_parts);
IG_MUST_USE ig_status ig_pool_create(const ig_allocator *a, uint32_t n_threads, ig_pool **out_pool);
void ig_pool_destroy(ig_pool *p);
uint32_t ig_pool_threads(const ig_pool *p);
IG_MUST_USE ig_status ig_pool_usable(const ig_pool *p);   /* IG_ERROR_INVALID_ARGUMENT "used after fork" in a child */
/* Calls fn(arg, i, n_parts) for all i, n_parts <= threads, and returns when all are done. n_parts 1 runs inline. Allocates nothing. */
void ig_pool_run(ig_pool *p, ig_pool_fn fn, void *arg, uint32_t n_parts);
/* Workers go to sleep at once instead of spinning on (end of a run). */
void ig_pool_rest(ig_pool *p);
#endif
