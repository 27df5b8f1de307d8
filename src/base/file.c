/* Reading files: mapped or copied, and external data of models, which must not lead out of the model's folder.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/util.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t empty[1];

ig_status ig_file_error(const char *what, const char *path, int error) {
  if (error == ENOMEM) return IG_OOM();
  const locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  const ig_status st = ig_status_new(IG_ERROR_IO, "%s '%s': %s", what, path, c_locale ? strerror_l(error, c_locale) : "?");
  if (c_locale) freelocale(c_locale);
  return st;
}

static size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

/* O_NONBLOCK: opening a FIFO must not wait for a writer before it is refused. */
static ig_status open_regular(const char *path, int *out_fd, uint64_t *out_size) {
  const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return ig_file_error("cannot open", path, errno);
  struct stat st;
  const int error = fstat(fd, &st) == 0 ? 0 : errno;
  if (!error && S_ISREG(st.st_mode)) {
    *out_fd = fd;
    *out_size = (uint64_t)st.st_size;
    return NULL;
  }
  close(fd);
  if (error) return ig_file_error("cannot open", path, error);
  return ig_status_new(IG_ERROR_IO, "cannot read '%s': it is %s, not a regular file", path, S_ISDIR(st.st_mode) ? "a folder" : "a device or pipe");
}

static int read_all(int fd, uint8_t *to, size_t n, uint64_t offset) {
  while (n > 0) {
    const ssize_t n_read = pread(fd, to, n, (off_t)offset);
    if (n_read < 0 && errno == EINTR) continue;
    if (n_read <= 0) return n_read < 0 ? errno : EIO; /* shorter than when it was opened */
    to += n_read;
    n -= (size_t)n_read;
    offset += (uint64_t)n_read;
  }
  return 0;
}

static ig_status copy_range(const ig_allocator *a, const char *path, int fd, uint64_t offset, size_t size, ig_file_map *out) {
  uint8_t *const data = ig_alloc_aligned(a, size);
  IG_CHECK_MEM(data);
  const int error = read_all(fd, data, size, offset);
  if (error) {
    ig_free_aligned(a, data, size);
    return ig_file_error("cannot read", path, error);
  }
  *out = (ig_file_map){ .data = data, .size = size, .alloc = a };
  return NULL;
}

/* Maps or copies [offset, offset + size), which lies within the file. File systems that cannot map are read. */
static ig_status take_range(const ig_allocator *a, const char *path, int fd, uint64_t offset, size_t size, bool copy, ig_file_map *out) {
  if (size == 0) {
    *out = (ig_file_map){ .data = empty, .alloc = a };
    return NULL;
  }
  if (copy) return copy_range(a, path, fd, offset, size, out);
  const size_t skip = (size_t)(offset % page_size());
  const void *const base = mmap(NULL, size + skip, PROT_READ, MAP_PRIVATE, fd, (off_t)(offset - skip));
  if (base == MAP_FAILED && errno == ENODEV) return copy_range(a, path, fd, offset, size, out);
  if (base == MAP_FAILED) return ig_file_error("cannot map", path, errno);
  *out = (ig_file_map){ .data = (const uint8_t *)base + skip, .size = size, .mapped = true, .alloc = a };
  return NULL;
}

ig_status ig_file_open(const ig_allocator *a, const char *path, bool copy, ig_file_map *out) {
  *out = (ig_file_map){ .alloc = a };
  int fd = -1;
  uint64_t size = 0;
  IG_TRY(open_regular(path, &fd, &size));
  const ig_status st = size > SIZE_MAX / 2 ? ig_file_error("cannot read", path, EFBIG) : take_range(a, path, fd, 0, (size_t)size, copy, out);
  close(fd);
  return st;
}

void ig_file_close(ig_file_map *f) {
  void *const data = (void *)(uintptr_t)f->data;
  if (f->mapped) {
    const size_t skip = (size_t)((uintptr_t)data % page_size());
    munmap((char *)data - skip, f->size + skip);
  } else if (data && f->size > 0) {
    ig_free_aligned(f->alloc, data, f->size);
  }
  *f = (ig_file_map){ .alloc = f->alloc };
}

static bool has_parent_part(const char *rel) {
  for (const char *s = rel; *s;) {
    const size_t n = strcspn(s, "/");
    if (n == 2 && s[0] == '.' && s[1] == '.') return true;
    s += n + (s[n] == '/');
  }
  return false;
}

/* Real path of an open file, by its descriptor, so that it is the file's that will be read; by name where /proc is not there. */
static bool real_path_of(int fd, const char *path, char *out) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, out, PATH_MAX - 1);
  if (n > 0) {
    out[n] = 0;
    return true;
  }
  struct stat by_fd, by_name;
  if (!realpath(path, out) || fstat(fd, &by_fd) != 0 || stat(out, &by_name) != 0) return false;
  return by_fd.st_dev == by_name.st_dev && by_fd.st_ino == by_name.st_ino;
}

static bool lies_under(const char *real, const char *dir) {
  char root[PATH_MAX];
  if (!dir || !realpath(dir, root)) return false;
  const size_t n = strlen(root);
  return n == 1 || (strncmp(real, root, n) == 0 && real[n] == '/');
}

static ig_status check_place(int fd, const char *path, const char *rel, const char *data_dir, const char *real_dir) {
  char real[PATH_MAX];
  if (!real_path_of(fd, path, real)) return ig_file_error("cannot find the real path of", path, errno);
  IG_REQUIRE(lies_under(real, data_dir) || lies_under(real, real_dir), IG_ERROR_BAD_MODEL,
             "external data '%s' leads to '%s', outside of the model's folder; put the file beside the model", rel, real);
  return NULL;
}

static ig_status check_range(const char *rel, uint64_t file_size, uint64_t offset, uint64_t *size, bool size_given) {
  IG_REQUIRE(offset <= file_size, IG_ERROR_BAD_MODEL, "external data '%s': offset %llu is past the file's end (%llu bytes)", rel,
             (unsigned long long)offset, (unsigned long long)file_size);
  if (!size_given) *size = file_size - offset;
  IG_REQUIRE(*size <= file_size - offset && *size <= SIZE_MAX / 2, IG_ERROR_BAD_MODEL,
             "external data '%s': %llu bytes from %llu on exceed the file (%llu bytes)", rel, (unsigned long long)*size, (unsigned long long)offset, (unsigned long long)file_size);
  return NULL;
}

ig_status ig_file_open_external(const ig_allocator *a, const char *data_dir, const char *real_dir, const char *rel, uint64_t offset, uint64_t size,
                                bool size_given, ig_file_map *out) {
  *out = (ig_file_map){ .alloc = a };
  IG_REQUIRE(data_dir, IG_ERROR_INVALID_ARGUMENT, "external data '%s': a model from memory needs data_dir", rel);
  IG_REQUIRE(rel[0] && rel[0] != '/' && !has_parent_part(rel), IG_ERROR_BAD_MODEL,
             "external data '%s': the location must be relative to the model's folder and without '..'", rel);
  char path[PATH_MAX];
  IG_REQUIRE(snprintf(path, sizeof path, "%s/%s", data_dir, rel) < (int)sizeof path, IG_ERROR_BAD_MODEL, "external data: the location is too long");
  int fd = -1;
  uint64_t file_size = 0;
  IG_TRY_NOTE(open_regular(path, &fd, &file_size), "external data '%s'", rel);
  ig_status st = check_place(fd, path, rel, data_dir, real_dir);
  if (!st) st = check_range(rel, file_size, offset, &size, size_given);
  if (!st) st = take_range(a, path, fd, offset, (size_t)size, false, out);
  close(fd);
  return st;
}

static char *folder_of(ig_arena *a, const char *path) {
  const char *const slash = strrchr(path, '/');
  if (!slash) return ig_arena_strdup(a, ".");
  return ig_arena_strndup(a, path, slash == path ? 1 : (size_t)(slash - path));
}

ig_status ig_file_dirs(ig_arena *a, const char *path, char **out_dir, char **out_real_dir) {
  *out_dir = *out_real_dir = NULL;
  char *const real = realpath(path, NULL);
  if (!real) return ig_file_error("cannot open", path, errno);
  char *const dir = folder_of(a, path);
  char *const real_dir = folder_of(a, real);
  free(real);
  if (!dir || !real_dir) return ig_arena_status(a);
  *out_dir = dir;
  *out_real_dir = real_dir;
  return NULL;
}
