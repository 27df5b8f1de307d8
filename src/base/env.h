/* Inside of ig_env: allocator, logger, thread count.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_BASE_ENV_H
#define IG_BASE_ENV_H
#include "base/alloc.h"
#include <stdatomic.h>

struct ig_env {
  atomic_int refs;
  ig_allocator alloc;
  ig_log_fn log;
  void *log_user;
  ig_log_level log_level;
  uint32_t n_threads;      /* resolved, at least 1 */
};
struct ig_cancel { atomic_int refs; atomic_int requested; ig_env *env; };
static inline bool ig_cancelled(const ig_cancel *c) { return c && atomic_load_explicit(&((ig_cancel *)(uintptr_t)c)->requested, memory_order_relaxed); }
void ig_log(ig_env *env, ig_log_level level, const char *component, const char *fmt, ...) IG_PRINTF(4, 5);
/* Threads that this process may use: min(affinity mask, ceil(cgroup v1/v2 CPU quota)), at least 1. root: "/" or a test's fake root. */
uint32_t ig_cpu_threads(const char *root);
#endif
