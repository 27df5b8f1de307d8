/* Stands in for the C library's allocation and file functions, in the whole process; with OOM_WRAP (under sanitizers, whose allocator must
 * stay) for the calls of the objects linked with -Wl,--wrap alone.
 * SPDX-License-Identifier: Apache-2.0 */
#undef _FILE_OFFSET_BITS   /* would make two of the names below one */
#undef _FORTIFY_SOURCE     /* would make some of them inline */
#include "points.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static _Atomic int armed;
static _Atomic long seen, fail_at, live;

static bool fails(points_kind kind) { return atomic_load(&armed) == (int)kind && atomic_fetch_add(&seen, 1) + 1 == atomic_load(&fail_at); }

void points_arm(points_kind kind, long n) {
  atomic_store(&seen, 0);
  atomic_store(&fail_at, n);
  atomic_store(&armed, (int)kind);
}
long points_disarm(void) {
  atomic_store(&armed, POINTS_NONE);
  return atomic_load(&seen);
}

#ifdef OOM_WRAP
#define FAKE(name) __wrap_##name
#define REAL(name) __real_##name
long points_live(void) { return 0; }
#else
#define FAKE(name) name
#define REAL(name) __libc_##name
long points_live(void) { return atomic_load(&live); }
#endif

/* ---- memory ---- */

void *REAL(malloc)(size_t n);
void *REAL(calloc)(size_t n, size_t size);
void *REAL(realloc)(void *p, size_t n);
void REAL(free)(void *p);
void *FAKE(malloc)(size_t n);
void *FAKE(calloc)(size_t n, size_t size);
void *FAKE(realloc)(void *p, size_t n);
void FAKE(free)(void *p);

static void *no_memory(void) {
  errno = ENOMEM;
  return NULL;
}
static void *taken(void *p) {
  if (p) atomic_fetch_add(&live, 1);
  return p;
}

void *FAKE(malloc)(size_t n) { return fails(POINTS_MEMORY) ? no_memory() : taken(REAL(malloc)(n)); }
void *FAKE(calloc)(size_t n, size_t size) { return fails(POINTS_MEMORY) ? no_memory() : taken(REAL(calloc)(n, size)); }
void *FAKE(realloc)(void *p, size_t n) {
  if (fails(POINTS_MEMORY)) return no_memory();
  void *const q = REAL(realloc)(p, n);
  if (!p) return taken(q);
  if (!n) atomic_fetch_sub(&live, 1);
  return q;
}
void FAKE(free)(void *p) {
  if (p) atomic_fetch_sub(&live, 1);
  REAL(free)(p);
}

#ifndef OOM_WRAP
void *__libc_memalign(size_t align, size_t n);
void *memalign(size_t align, size_t n) { return fails(POINTS_MEMORY) ? no_memory() : taken(__libc_memalign(align, n)); }
void *aligned_alloc(size_t align, size_t n) { return memalign(align, n); }
int posix_memalign(void **out, size_t align, size_t n) {
  void *const p = memalign(align, n);
  if (!p) return ENOMEM;
  *out = p;
  return 0;
}
#endif

/* ---- files: the system calls themselves, so that nothing of the C library stands in between ---- */

static long io(long result) {
  if (result >= 0 || result < -4095) return result;
  errno = (int)-result;
  return -1;
}
static int refuse(void) {
  errno = EIO;
  return -1;
}
static long raw(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}
static mode_t mode_of(int flags, va_list ap) { return flags & O_CREAT ? va_arg(ap, mode_t) : 0; }

/* With large-file support, which 64-bit systems give for nothing, programs call the names that end in 64. */
#define BOTH(type, name, args, body) \
  type FAKE(name) args; \
  type FAKE(name##64) args; \
  type FAKE(name) args body \
  type FAKE(name##64) args body

BOTH(int, open, (const char *path, int flags, ...), {
  va_list ap;
  va_start(ap, flags);
  const mode_t mode = mode_of(flags, ap);
  va_end(ap);
  return fails(POINTS_IO) ? refuse() : (int)io(raw(SYS_openat, AT_FDCWD, (long)path, flags, mode, 0, 0));
})
BOTH(int, openat, (int at, const char *path, int flags, ...), {
  va_list ap;
  va_start(ap, flags);
  const mode_t mode = mode_of(flags, ap);
  va_end(ap);
  return fails(POINTS_IO) ? refuse() : (int)io(raw(SYS_openat, at, (long)path, flags, mode, 0, 0));
})
BOTH(ssize_t, pread, (int fd, void *to, size_t n, off_t at), { return fails(POINTS_IO) ? refuse() : io(raw(SYS_pread64, fd, (long)to, (long)n, at, 0, 0)); })
BOTH(int, fallocate, (int fd, int mode, off_t at, off_t n), { return fails(POINTS_IO) ? refuse() : (int)io(raw(SYS_fallocate, fd, mode, at, n, 0, 0)); })
BOTH(void *, mmap, (void *at, size_t n, int prot, int flags, int fd, off_t offset), {
  if (!fails(fd >= 0 ? POINTS_IO : POINTS_MEMORY)) return (void *)io(raw(SYS_mmap, (long)at, (long)n, prot, flags, fd, offset));
  errno = fd >= 0 ? EIO : ENOMEM;   /* of a file: I/O; of memory: an allocation */
  return MAP_FAILED;
})

ssize_t FAKE(read)(int fd, void *to, size_t n);
ssize_t FAKE(write)(int fd, const void *from, size_t n);
int FAKE(fsync)(int fd);
int FAKE(rename)(const char *from, const char *to);
ssize_t FAKE(read)(int fd, void *to, size_t n) { return fails(POINTS_IO) ? refuse() : io(raw(SYS_read, fd, (long)to, (long)n, 0, 0, 0)); }
ssize_t FAKE(write)(int fd, const void *from, size_t n) { return fails(POINTS_IO) ? refuse() : io(raw(SYS_write, fd, (long)from, (long)n, 0, 0, 0)); }
int FAKE(fsync)(int fd) { return fails(POINTS_IO) ? refuse() : (int)io(raw(SYS_fsync, fd, 0, 0, 0, 0, 0)); }
int FAKE(rename)(const char *from, const char *to) { return fails(POINTS_IO) ? refuse() : (int)io(raw(SYS_rename, (long)from, (long)to, 0, 0, 0, 0)); }
