/* A race on purpose: every part of a run writes the same plain variable. Built and run under ThreadSanitizer only, where it must be
 * found; else the suite 'tsan' proves nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/threadpool.h"

static void write_shared(void *arg, uint32_t part, uint32_t n_parts) {
  (void)part, (void)n_parts;
  int *const shared = arg;
  for (int i = 0; i < 1000; i++) ++*(volatile int *)shared;
}

int main(void) {
  ig_pool *p;
  int shared = 0;
  const ig_status st = ig_pool_create(&ig_libc_allocator, 2, &p);
  if (st) return 0;
  for (int i = 0; i < 100; i++) ig_pool_run(p, write_shared, &shared, 2);
  ig_pool_destroy(p);
  return 0;
}
