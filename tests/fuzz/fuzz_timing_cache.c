/* Timing caches: any file opens, with warnings; what it holds are sound times. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "build/internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static ig_env *env;
  static char path[64];
  static int fd = -1;
  if (!env) {
    if (ig_env_create(NULL, &env)) abort();
    fd = memfd_create("cache", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  }
  if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size) abort();
  ig_timing_cache *c;
  ig_status st = ig_timing_cache_open(env, path, &c);
  if (st) abort();
  for (uint64_t key = 0; key < 16; key++) {
    double seconds;
    bool fresh;
    if (ig_timing_cache_get(c, key, &seconds, &fresh) && !(seconds > 0 && seconds < 1e6)) abort();
    ig_status_free(ig_timing_cache_put(c, key * 0x1111111111111111u, 1e-3));
  }
  ig_timing_cache_close(c);
  return 0;
}
