/* Preloaded: an outside count of allocations, by which the sweep's own number of points is checked.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stddef.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);
void *malloc(size_t n);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t n);
void *memalign(size_t align, size_t n);
void *aligned_alloc(size_t align, size_t n);
int posix_memalign(void **out, size_t align, size_t n);
long outside_count(void);

static atomic_long n_calls;
long outside_count(void) { return atomic_load(&n_calls); }

void *malloc(size_t n) {
  atomic_fetch_add(&n_calls, 1);
  return __libc_malloc(n);
}
void *calloc(size_t n, size_t size) {
  atomic_fetch_add(&n_calls, 1);
  return __libc_calloc(n, size);
}
void *realloc(void *p, size_t n) {
  atomic_fetch_add(&n_calls, 1);
  return __libc_realloc(p, n);
}
void *memalign(size_t align, size_t n) {
  atomic_fetch_add(&n_calls, 1);
  return __libc_memalign(align, n);
}
void *aligned_alloc(size_t align, size_t n) { return memalign(align, n); }
int posix_memalign(void **out, size_t align, size_t n) {
  *out = memalign(align, n);
  return *out ? 0 : 12;
}
