/* Runs a fuzz target once over each file of the folders named: the corpus as a plain test, without libFuzzer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include <dirent.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* false: a file cannot be read. */
static bool replay(const char *folder, int *n_files) {
  DIR *dir = opendir(folder);
  if (!dir) return false;
  bool ok = true;
  for (struct dirent *e; ok && (e = readdir(dir));) {
    char path[4096];
    ig_file_map f;
    if (e->d_name[0] == '.') continue;
    ok = snprintf(path, sizeof path, "%s/%s", folder, e->d_name) < (int)sizeof path;
    ig_status st = ok ? ig_file_open(&ig_libc_allocator, path, true, &f) : NULL;
    ok = ok && !st;
    if (ok) {
      LLVMFuzzerTestOneInput(f.data, f.size);
      ig_file_close(&f);
      ++*n_files;
    }
    ig_status_free(st);
  }
  closedir(dir);
  return ok;
}

int main(int argc, char **argv) {
  int n_files = 0;
  for (int i = 1; i < argc; i++) {
    if (replay(argv[i], &n_files)) continue;
    fprintf(stderr, "%s: cannot be read\n", argv[i]);
    return 1;
  }
  printf("%d files\n", n_files);
  return n_files > 0 ? 0 : 1;
}
