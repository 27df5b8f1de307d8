/* How many threads this process may use. A container's CPU quota does not show in the affinity mask; threads beyond it are stopped
 * in the middle of a step and everybody waits for them, so the quota of the process's control group and of all groups above
 * it counts as well.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/env.h"
#include "base/util.h"
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

/* First bytes of a small file as text; false if it cannot be read. */
static bool read_text(const char *path, char *text, size_t n_text) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t n = read(fd, text, n_text - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  return n > 0;
}

static uint32_t affinity_count(void) {
  unsigned long mask[16384 / (8 * sizeof(unsigned long))] = { 0 };
  if (sched_getaffinity(0, sizeof mask, (cpu_set_t *)mask) == 0) {
    uint32_t count = 0;
    for (size_t i = 0; i < IG_COUNT(mask); i++) count += (uint32_t)__builtin_popcountl(mask[i]);
    if (count > 0) return count;
  }
  const long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? (uint32_t)n : 1;
}

/* ceil(quota / period); UINT32_MAX where there is no quota. */
static uint32_t threads_of(int64_t quota, int64_t period) {
  if (quota <= 0 || period <= 0) return UINT32_MAX;
  const int64_t n = quota / period + (quota % period != 0);
  return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static bool first_number(const char *text, int64_t *out) {
  return ig_parse_i64(text, strcspn(text, " \n"), out);
}

/* cgroup v2: "QUOTA PERIOD", or "max PERIOD". */
static uint32_t quota_v2(const char *folder) {
  char path[PATH_MAX], text[128];
  int64_t quota, period;
  if (snprintf(path, sizeof path, "%s/cpu.max", folder) >= (int)sizeof path || !read_text(path, text, sizeof text)) return UINT32_MAX;
  const char *const space = strchr(text, ' ');
  if (!space || !first_number(text, &quota) || !first_number(space + 1, &period)) return UINT32_MAX;
  return threads_of(quota, period);
}

static uint32_t quota_v1(const char *folder) {
  char path[PATH_MAX], text[128];
  int64_t quota, period;
  if (snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder) >= (int)sizeof path || !read_text(path, text, sizeof text)) return UINT32_MAX;
  if (!first_number(text, &quota)) return UINT32_MAX;
  if (snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder) >= (int)sizeof path || !read_text(path, text, sizeof text)) return UINT32_MAX;
  return first_number(text, &period) ? threads_of(quota, period) : UINT32_MAX;
}

/* The smallest quota from base/group up to base. Folders that are not there (another namespace's path) have none. */
static uint32_t quota_above(const char *base, const char *group, uint32_t (*quota)(const char *folder)) {
  char folder[PATH_MAX];
  const size_t n_base = strlen(base);
  if (snprintf(folder, sizeof folder, "%s%s", base, group) >= (int)sizeof folder) return UINT32_MAX;
  uint32_t least = UINT32_MAX;
  for (;;) {
    const uint32_t here = quota(folder);
    if (here < least) least = here;
    char *const slash = strrchr(folder, '/');
    if (!slash || slash < folder + n_base) return least;
    *slash = 0;
  }
}

/* Has `list`, separated by commas, the controller "cpu"? */
static bool has_cpu(const char *list, size_t n) {
  for (size_t i = 0; i < n;) {
    const size_t word = strcspn(list + i, ",:");
    if (word == 3 && memcmp(list + i, "cpu", 3) == 0) return true;
    i += word + 1;
  }
  return false;
}

/* One line of /proc/self/cgroup: "ID:CONTROLLERS:GROUP"; v2 has ID 0 and no controllers. */
static uint32_t quota_of_line(const char *root, const char *line) {
  const char *const controllers = strchr(line, ':');
  const char *const colon = controllers ? strchr(controllers + 1, ':') : NULL;
  if (!colon) return UINT32_MAX;
  char base[PATH_MAX];
  const bool v2 = colon == controllers + 1;
  if (!v2 && !has_cpu(controllers + 1, (size_t)(colon - controllers - 1))) return UINT32_MAX;
  uint32_t least = UINT32_MAX;
  static const char *const places[] = { "sys/fs/cgroup", "sys/fs/cgroup/unified", "sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct" };
  for (size_t i = v2 ? 0 : 2; i < (v2 ? 2 : IG_COUNT(places)); i++) {
    if (snprintf(base, sizeof base, "%s/%s", root, places[i]) >= (int)sizeof base) continue;
    const uint32_t here = quota_above(base, colon + 1, v2 ? quota_v2 : quota_v1);
    if (here < least) least = here;
  }
  return least;
}

uint32_t ig_cpu_threads(const char *root) {
  uint32_t count = affinity_count();
  char path[PATH_MAX], text[4096];
  if (snprintf(path, sizeof path, "%s/proc/self/cgroup", root) >= (int)sizeof path || !read_text(path, text, sizeof text)) return count;
  char *rest = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    const uint32_t quota = quota_of_line(root, line);
    if (quota < count) count = quota;
  }
  return count > 0 ? count : 1;
}
