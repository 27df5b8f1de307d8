/* Files: whole-file reading, mapping, and atomic writing by docs/design.md's rules.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_BASE_FILE_H
#define IG_BASE_FILE_H
#include "base/alloc.h"

typedef struct ig_file_map { const uint8_t *data; size_t size; bool mapped; const ig_allocator *alloc; } ig_file_map;
/* MAP_PRIVATE, read-only; copy != 0 reads into memory instead (64-byte aligned). Regular files only. Empty file -> size 0. */
IG_MUST_USE ig_status ig_file_open(const ig_allocator *a, const char *path, bool copy, ig_file_map *out);
void ig_file_close(ig_file_map *f);
/* Opens `rel` for a model that lies at model_path (external data): relative, no "..", no NUL; a regular file whose real path lies
 * under the model's folder or, where the model is a link, under the real model's. On success *out maps [offset, offset + size). */
IG_MUST_USE ig_status ig_file_open_external(const ig_allocator *a, const char *data_dir, const char *real_dir, const char *rel, uint64_t offset, uint64_t size, bool size_given, ig_file_map *out);
/* "WHAT 'PATH': reason", IG_ERROR_IO; out-of-memory for ENOMEM. error is an errno. */
IG_MUST_USE ig_status ig_file_error(const char *what, const char *path, int error);
/* Folder of path ("." if none), and folder of its real path; both allocated on the arena. */
IG_MUST_USE ig_status ig_file_dirs(ig_arena *a, const char *path, char **out_dir, char **out_real_dir);
/* Replaces path atomically: temporary in the same folder (O_EXCL), mode 0666 & ~umask or the old file's, fallocate, write, fsync,
 * rename, fsync of the folder. A symlink is resolved first; a target that is no regular file is written directly. On any failure
 * the old file is as it was and no temporary stays. Stale temporaries of killed writers are removed. */
IG_MUST_USE ig_status ig_file_write(const ig_allocator *a, const char *path, const void *bytes, size_t n);
#endif
