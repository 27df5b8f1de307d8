/* Files: reading, external data's rules, and atomic writing in a folder of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/util.h"
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[64];
static const ig_allocator *const libc = &ig_libc_allocator;

/* Path of a name in the folder; four results live at a time. */
static const char *at(const char *name) {
  static char paths[4][256];
  static int i;
  i = (i + 1) % 4;
  snprintf(paths[i], sizeof paths[i], "%s/%s", folder, name);
  return paths[i];
}

static int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/ingot-test-file-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

static void put(const char *name, const char *text) { assert_null(ig_file_write(libc, at(name), text, strlen(text))); }

static void check_content(const char *name, const char *want) {
  for (int copy = 0; copy < 2; copy++) {
    ig_file_map f;
    assert_null(ig_file_open(libc, at(name), copy, &f));
    assert_int_equal(f.size, strlen(want));
    assert_memory_equal(f.data, want, f.size);
    assert_int_equal(f.mapped, !copy && f.size > 0);
    ig_file_close(&f);
  }
}

static int count_entries(void) {
  DIR *const dir = opendir(folder);
  int n = 0;
  for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) n++;
  closedir(dir);
  return n - 2;
}

static void expect(ig_status st, ig_code code, const char *part) {
  assert_int_equal(ig_status_code(st), code);
  if (!strstr(ig_status_message(st), part)) fail_msg("'%s' lacks '%s'", ig_status_message(st), part);
  ig_status_free(st);
}

static void test_write_and_read(void **state) {
  (void)state;
  put("a", "first");
  check_content("a", "first");
  put("a", "second, longer");
  check_content("a", "second, longer");
  put("a", "");
  check_content("a", "");
  assert_int_equal(count_entries(), 1);
}

static void test_read_refusals(void **state) {
  (void)state;
  ig_file_map f;
  expect(ig_file_open(libc, at("absent"), false, &f), IG_ERROR_IO, "absent': No such file");
  assert_null(f.data);
  expect(ig_file_open(libc, folder, false, &f), IG_ERROR_IO, "a folder");
  expect(ig_file_open(libc, "/dev/null", false, &f), IG_ERROR_IO, "not a regular file");
  assert_int_equal(mkfifo(at("fifo"), 0600), 0);
  expect(ig_file_open(libc, at("fifo"), false, &f), IG_ERROR_IO, "pipe");
}

static mode_t mode_of(const char *name) {
  struct stat st;
  assert_int_equal(stat(at(name), &st), 0);
  return st.st_mode & 07777;
}

static void test_mode(void **state) {
  (void)state;
  const mode_t old = umask(027);
  put("new", "x");
  umask(old);
  assert_int_equal(mode_of("new"), 0640);
  assert_int_equal(chmod(at("new"), 0604), 0);
  put("new", "y");
  assert_int_equal(mode_of("new"), 0604);
}

static void test_links(void **state) {
  (void)state;
  struct stat st;
  assert_int_equal(mkdir(at("sub"), 0700), 0);
  put("sub/target", "old");
  assert_int_equal(symlink("sub/target", at("link")), 0);
  assert_int_equal(symlink("link", at("link2")), 0);
  put("link2", "new");
  check_content("sub/target", "new");
  assert_int_equal(lstat(at("link"), &st), 0);
  assert_true(S_ISLNK(st.st_mode));
  assert_int_equal(symlink("sub/absent", at("dangling")), 0);
  put("dangling", "made");
  check_content("sub/absent", "made");
  assert_int_equal(symlink("loop", at("loop")), 0);
  expect(ig_file_write(libc, at("loop"), "x", 1), IG_ERROR_IO, "loop");
}

static void test_devices(void **state) {
  (void)state;
  struct stat st;
  assert_null(ig_file_write(libc, "/dev/null", "x", 1));
  assert_int_equal(stat("/dev/null", &st), 0);
  assert_true(S_ISCHR(st.st_mode));
  expect(ig_file_write(libc, "/dev/full", "x", 1), IG_ERROR_IO, "No space");
  expect(ig_file_write(libc, folder, "x", 1), IG_ERROR_IO, "directory");
  expect(ig_file_write(libc, at("no/such"), "x", 1), IG_ERROR_IO, "No such file");
  expect(ig_file_write(libc, "", "x", 1), IG_ERROR_INVALID_ARGUMENT, "empty");
  assert_int_equal(count_entries(), 0);
}

/* A killed writer's temporary goes; one that a living writer holds, and another target's, stay. */
static void test_stale_temporaries(void **state) {
  (void)state;
  char stale[128], alive[128];
  const unsigned long long hash = (unsigned long long)ig_hash("a", 1, 0);
  snprintf(stale, sizeof stale, ".ingot-tmp-%016llx-1-0", hash);
  snprintf(alive, sizeof alive, ".ingot-tmp-%016llx-1-1", hash);
  const int fd1 = open(at(stale), O_CREAT | O_WRONLY, 0600);
  const int fd2 = open(at(alive), O_CREAT | O_WRONLY, 0600);
  assert_true(fd1 >= 0 && fd2 >= 0);
  close(fd1);
  assert_int_equal(flock(fd2, LOCK_EX), 0);
  put("a", "x");
  assert_int_not_equal(access(at(stale), F_OK), 0);
  assert_int_equal(access(at(alive), F_OK), 0);
  close(fd2);
  put("b", "x");
  assert_int_equal(access(at(alive), F_OK), 0);
  put("a", "y");
  assert_int_equal(count_entries(), 2);
}

static ig_status external(const char *rel, uint64_t offset, uint64_t size, bool given, ig_file_map *out) {
  return ig_file_open_external(libc, at("model"), at("blobs"), rel, offset, size, given, out);
}

static void test_external(void **state) {
  (void)state;
  ig_file_map f;
  assert_int_equal(mkdir(at("model"), 0700), 0);
  assert_int_equal(mkdir(at("model/sub"), 0700), 0);
  assert_int_equal(mkdir(at("blobs"), 0700), 0);
  put("model/w", "0123456789");
  put("model/sub/w", "abc");
  put("blobs/b", "blob");
  put("secret", "secret");
  assert_int_equal(symlink("../blobs/b", at("model/to_blob")), 0);
  assert_int_equal(symlink("../secret", at("model/to_secret")), 0);

  assert_null(external("w", 3, 4, true, &f));
  assert_int_equal(f.size, 4);
  assert_memory_equal(f.data, "3456", 4);
  ig_file_close(&f);
  assert_null(external("w", 8, 0, false, &f));
  assert_memory_equal(f.data, "89", f.size);
  ig_file_close(&f);
  assert_null(external("w", 10, 0, true, &f));
  assert_int_equal(f.size, 0);
  ig_file_close(&f);
  assert_null(external("./sub/w", 0, 0, false, &f));
  assert_int_equal(f.size, 3);
  ig_file_close(&f);
  assert_null(external("to_blob", 0, 0, false, &f));
  assert_memory_equal(f.data, "blob", 4);
  ig_file_close(&f);

  expect(external("to_secret", 0, 0, false, &f), IG_ERROR_BAD_MODEL, "outside of the model's folder");
  expect(external("../secret", 0, 0, false, &f), IG_ERROR_BAD_MODEL, "relative");
  expect(external("sub/../w", 0, 0, false, &f), IG_ERROR_BAD_MODEL, "'..'");
  expect(external(at("model/w"), 0, 0, false, &f), IG_ERROR_BAD_MODEL, "relative");
  expect(external("", 0, 0, false, &f), IG_ERROR_BAD_MODEL, "relative");
  expect(external("sub", 0, 0, false, &f), IG_ERROR_IO, "a folder");
  expect(external("absent", 0, 0, false, &f), IG_ERROR_IO, "No such file");
  expect(external("w", 11, 0, true, &f), IG_ERROR_BAD_MODEL, "past the file's end");
  expect(external("w", 3, 8, true, &f), IG_ERROR_BAD_MODEL, "exceed the file");
  expect(external("w", 3, UINT64_MAX, true, &f), IG_ERROR_BAD_MODEL, "exceed the file");
  expect(ig_file_open_external(libc, NULL, NULL, "w", 0, 0, false, &f), IG_ERROR_INVALID_ARGUMENT, "data_dir");
}

/* A range that starts in the middle of a page is mapped and unmapped whole. */
static void test_external_offset(void **state) {
  (void)state;
  enum { SIZE = 20000 };
  char *const bytes = malloc(SIZE);
  for (int i = 0; i < SIZE; i++) bytes[i] = (char)(i * 7);
  assert_int_equal(mkdir(at("model"), 0700), 0);
  assert_null(ig_file_write(libc, at("model/w"), bytes, SIZE));
  for (uint64_t offset = 4000; offset < SIZE; offset += 97) {
    ig_file_map f;
    assert_null(external("w", offset, 0, false, &f));
    assert_int_equal(f.size, SIZE - offset);
    assert_memory_equal(f.data, bytes + offset, f.size);
    ig_file_close(&f);
  }
  free(bytes);
}

static void test_dirs(void **state) {
  (void)state;
  ig_arena arena;
  ig_arena_init(&arena, libc, 0);
  assert_int_equal(mkdir(at("sub"), 0700), 0);
  put("sub/m", "x");
  assert_int_equal(symlink("sub/m", at("link")), 0);
  char *dir, *real;
  assert_null(ig_file_dirs(&arena, at("link"), &dir, &real));
  assert_string_equal(dir, folder);
  assert_string_equal(real, at("sub"));
  expect(ig_file_dirs(&arena, at("absent"), &dir, &real), IG_ERROR_IO, "No such file");
  assert_null(dir);
  ig_arena_free(&arena);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(test_write_and_read), TEST(test_read_refusals),     TEST(test_mode),     TEST(test_links),           TEST(test_devices),
    TEST(test_stale_temporaries), TEST(test_external), TEST(test_external_offset), TEST(test_dirs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
