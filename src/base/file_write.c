/* Atomic writing. The bytes go to a temporary in the target's folder, which replaces the target only when they are on disk. A writer
 * holds a lock on its temporary while it lives, so a temporary that can be locked is a killed writer's and is removed by the
 * next one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/util.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_LINKS = 40, MAX_TRIES = 100 };

typedef struct target {
  char path[PATH_MAX];   /* with links resolved */
  char folder[PATH_MAX]; /* that path is in     */
  char stem[48];         /* what names of the target's temporaries begin with */
  bool exists;
  struct stat st;
} target;

/* Folder part of t->path into t->folder. */
static void split(target *t) {
  memcpy(t->folder, t->path, sizeof t->folder);
  char *const slash = strrchr(t->folder, '/');
  if (!slash) memcpy(t->folder, ".", 2);
  else if (slash == t->folder) slash[1] = 0;
  else *slash = 0;
}

static ig_status follow_link(target *t, const char *path) {
  char to[PATH_MAX];
  const ssize_t n = readlink(t->path, to, sizeof to - 1);
  if (n < 0) return ig_file_error("cannot read the link", path, errno);
  to[n] = 0;
  split(t);
  const int n_path = to[0] == '/' ? snprintf(t->path, sizeof t->path, "%s", to) : snprintf(t->path, sizeof t->path, "%s/%s", t->folder, to);
  return n_path < (int)sizeof t->path ? NULL : ig_file_error("cannot write", path, ENAMETOOLONG);
}

static ig_status resolve(target *t, const char *path) {
  if (snprintf(t->path, sizeof t->path, "%s", path) >= (int)sizeof t->path) return ig_file_error("cannot write", path, ENAMETOOLONG);
  for (int i = 0; i < MAX_LINKS; i++) {
    t->exists = lstat(t->path, &t->st) == 0;
    if (!t->exists && errno != ENOENT) return ig_file_error("cannot write", path, errno);
    if (!t->exists || !S_ISLNK(t->st.st_mode)) {
      split(t);
      const char *const slash = strrchr(t->path, '/');
      const char *const name = slash ? slash + 1 : t->path;
      snprintf(t->stem, sizeof t->stem, ".ingot-tmp-%016llx-", (unsigned long long)ig_hash(name, strlen(name), 0));
      return NULL;
    }
    IG_TRY(follow_link(t, path));
  }
  return ig_file_error("cannot write", path, ELOOP);
}

static bool temporary_path(const target *t, const char *name, char *out, size_t n_out) {
  return snprintf(out, n_out, "%s/%s", t->folder, name) < (int)n_out;
}

/* Removes the temporary of a killed writer: one whose lock is free. */
static void remove_if_stale(const target *t, const char *name) {
  char path[PATH_MAX];
  if (!temporary_path(t, name, path, sizeof path)) return;
  const int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) unlink(path);
  close(fd);
}

static void remove_stale(const target *t) {
  DIR *const dir = opendir(t->folder);
  if (!dir) return;
  for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
    if (strncmp(e->d_name, t->stem, strlen(t->stem)) == 0) remove_if_stale(t, e->d_name);
  }
  closedir(dir);
}

/* Opens and locks a new temporary. Another writer may take it for stale before the lock is held: then the next name is tried. File
 * systems without locks have no such cleaning either. */
static ig_status create_temporary(const target *t, const char *path, char *out_path, size_t n_out_path, int *out_fd) {
  static _Atomic unsigned counter;
  for (int i = 0; i < MAX_TRIES; i++) {
    char name[128];
    snprintf(name, sizeof name, "%s%ld-%u", t->stem, (long)getpid(), atomic_fetch_add(&counter, 1));
    if (!temporary_path(t, name, out_path, n_out_path)) return ig_file_error("cannot write", path, ENAMETOOLONG);
    const int fd = open(out_path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST) continue;
    if (fd < 0) return ig_file_error("cannot create a file beside", path, errno);
    struct stat st;
    const bool taken = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!taken && fstat(fd, &st) == 0 && st.st_nlink > 0) {
      *out_fd = fd;
      return NULL;
    }
    unlink(out_path);
    close(fd);
  }
  return ig_file_error("cannot create a file beside", path, EEXIST);
}

static int write_all(int fd, const char *bytes, size_t n) {
  while (n > 0) {
    const ssize_t n_written = write(fd, bytes, n < SSIZE_MAX ? n : SSIZE_MAX);
    if (n_written < 0 && errno == EINTR) continue;
    if (n_written <= 0) return n_written < 0 ? errno : EIO;
    bytes += n_written;
    n -= (size_t)n_written;
  }
  return 0;
}

static ig_status write_directly(const char *path, const void *bytes, size_t n) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return ig_file_error("cannot write", path, errno);
  const int error = write_all(fd, bytes, n);
  close(fd);
  return error ? ig_file_error("cannot write", path, error) : NULL;
}

/* Space is taken first, so that a full disk is found before anything is written; not every file system can. */
static int fill(int fd, const target *t, const void *bytes, size_t n) {
  if (t->exists && fchmod(fd, t->st.st_mode & 07777) != 0) return errno;
  if (n > 0 && fallocate(fd, 0, 0, (off_t)n) != 0 && errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL && errno != EINTR) return errno;
  const int error = write_all(fd, bytes, n);
  if (error) return error;
  return fsync(fd) == 0 ? 0 : errno;
}

/* The rename is durable once the folder is; file systems that cannot sync folders say EINVAL. */
static void sync_folder(const char *folder) {
  const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

static ig_status replace(const target *t, const char *path, const void *bytes, size_t n) {
  remove_stale(t);
  char temporary[PATH_MAX];
  int fd = -1;
  IG_TRY(create_temporary(t, path, temporary, sizeof temporary, &fd));
  int error = fill(fd, t, bytes, n);
  if (!error && rename(temporary, t->path) != 0) error = errno;
  if (error) unlink(temporary);
  close(fd);
  if (error) return ig_file_error("cannot write", path, error);
  sync_folder(t->folder);
  return NULL;
}

ig_status ig_file_write(const ig_allocator *a, const char *path, const void *bytes, size_t n) {
  IG_REQUIRE(path && path[0], IG_ERROR_INVALID_ARGUMENT, "cannot write: the path is empty");
  target *const t = ig_alloc_zero(a, 1, sizeof *t);
  IG_CHECK_MEM(t);
  ig_status st = resolve(t, path);
  if (!st && t->exists && !S_ISREG(t->st.st_mode)) st = write_directly(t->path, bytes, n);
  else if (!st && t->exists && access(t->path, W_OK) != 0) st = ig_file_error("cannot write", path, errno);
  else if (!st) st = replace(t, path, bytes, n);
  ig_free(a, t, sizeof *t);
  return st;
}
