/* Timing cache: a text file, a line per entry ("KEY SECONDS", key in hex). It only chooses among valid offers, so a wrong or hostile one
 * costs speed, never correctness; malformed lines are dropped with a warning.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "build/internal.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER "ingot timing cache 1"
#define MAX_BYTES ((size_t)256 << 20)

typedef struct entry { uint64_t key; double seconds; bool fresh; } entry;
struct ig_timing_cache { ig_env *env; char *path; size_t path_size; IG_VEC(entry) entries; uint32_t *table; size_t table_cap; };

static size_t slot_of(const ig_timing_cache *c, uint64_t key) {
  size_t i = key & (c->table_cap - 1);
  while (c->table[i] && c->entries.data[c->table[i] - 1].key != key) i = (i + 1) & (c->table_cap - 1);
  return i;
}

static ig_status rehash(ig_timing_cache *c, size_t cap) {
  uint32_t *table = ig_alloc_zero(&c->env->alloc, cap, sizeof *table);
  IG_CHECK_MEM(table);
  ig_free(&c->env->alloc, c->table, c->table_cap * sizeof *table);
  c->table = table;
  c->table_cap = cap;
  for (size_t i = 0; i < c->entries.n; i++) c->table[slot_of(c, c->entries.data[i].key)] = (uint32_t)i + 1;
  return NULL;
}

/* replace: a fresh time wins over one that was there. */
static ig_status put(ig_timing_cache *c, uint64_t key, double seconds, bool fresh, bool replace) {
  if ((c->entries.n + 1) * 2 > c->table_cap) IG_TRY(rehash(c, c->table_cap * 2));
  const size_t s = slot_of(c, key);
  if (c->table[s]) {
    entry *e = &c->entries.data[c->table[s] - 1];
    if (replace) *e = (entry){ key, seconds, fresh };
    return NULL;
  }
  const entry e = { key, seconds, fresh };
  if (!IG_PUSH(&c->env->alloc, c->entries, e)) return IG_OOM();
  c->table[s] = (uint32_t)c->entries.n;
  return NULL;
}

static bool parse_line(const char *s, size_t n, uint64_t *key, double *seconds) {
  if (n < 18 || s[16] != ' ') return false;
  *key = 0;
  for (int i = 0; i < 16; i++) {
    const char ch = s[i];
    const int d = ch >= '0' && ch <= '9' ? ch - '0' : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
    if (d < 0) return false;
    *key = *key << 4 | (uint64_t)d;
  }
  return ig_parse_f64(s + 17, n - 17, seconds) && *seconds > 0 && *seconds < 1e6;
}

static ig_status merge_text(ig_timing_cache *c, const char *text, size_t n) {
  size_t at = 0, line = 0, dropped = 0;
  while (at < n) {
    const char *end = memchr(text + at, '\n', n - at);
    const size_t len = end ? (size_t)(end - text) - at : n - at;
    uint64_t key;
    double seconds;
    if (line == 0) {
      if (len != strlen(HEADER) || memcmp(text, HEADER, len) != 0) {
        ig_log(c->env, IG_LOG_WARN, "build", "timing cache '%s': not a timing cache of this version; it is written anew", c->path);
        return NULL;
      }
    } else if (len && parse_line(text + at, len, &key, &seconds)) IG_TRY(put(c, key, seconds, false, false));
    else if (len) dropped++;
    at += len + 1;
    line++;
  }
  if (dropped) ig_log(c->env, IG_LOG_WARN, "build", "timing cache '%s': %zu malformed lines dropped", c->path, dropped);
  return NULL;
}

static ig_status merge_file(ig_timing_cache *c) {
  struct stat s;
  if (stat(c->path, &s) != 0) return NULL;   /* missing: empty */
  IG_REQUIRE(S_ISREG(s.st_mode) && (uint64_t)s.st_size <= MAX_BYTES, IG_ERROR_LIMIT, "timing cache '%s': no regular file, or over %zu bytes", c->path, MAX_BYTES);
  ig_file_map f;
  IG_TRY(ig_file_open(&c->env->alloc, c->path, true, &f));
  ig_status st = merge_text(c, (const char *)f.data, f.size);
  ig_file_close(&f);
  return st;
}

ig_status ig_timing_cache_open(ig_env *env, const char *path, ig_timing_cache **out) {
  *out = NULL;
  ig_timing_cache *c = ig_alloc_zero(&env->alloc, 1, sizeof *c);
  IG_CHECK_MEM(c);
  c->env = env;
  c->path_size = path ? strlen(path) + 1 : 0;
  c->path = path ? ig_alloc(&env->alloc, c->path_size) : NULL;
  ig_status st = c->path || !path ? NULL : IG_OOM();
  if (c->path) memcpy(c->path, path, c->path_size);
  if (!st) st = rehash(c, 256);
  if (!st && path) st = merge_file(c);
  if (st) ig_timing_cache_close(c);
  else *out = c;
  return st;
}

bool ig_timing_cache_get(const ig_timing_cache *c, uint64_t key, double *out_seconds, bool *out_fresh) {
  const size_t s = slot_of(c, key);
  if (!c->table[s]) return false;
  const entry *e = &c->entries.data[c->table[s] - 1];
  *out_seconds = e->seconds;
  *out_fresh = e->fresh;
  return true;
}

ig_status ig_timing_cache_put(ig_timing_cache *c, uint64_t key, double seconds) { return put(c, key, seconds, true, true); }

static int by_key(const void *x, const void *y) {
  const entry *a = x, *b = y;
  return a->key < b->key ? -1 : a->key > b->key;
}

static ig_status write_sorted(ig_timing_cache *c) {
  ig_buf text;
  ig_buf_init(&text, &c->env->alloc);
  ig_buf_str(&text, HEADER "\n");
  qsort(c->entries.data, c->entries.n, sizeof *c->entries.data, by_key);
  for (size_t i = 0; i < c->entries.n; i++) {
    ig_buf_printf(&text, "%016llx ", (unsigned long long)c->entries.data[i].key);
    ig_buf_f64(&text, c->entries.data[i].seconds);
    ig_buf_str(&text, "\n");
  }
  ig_status st = text.failed ? IG_OOM() : ig_file_write(&c->env->alloc, c->path, text.data, text.n);
  ig_buf_free(&text);
  if (st) return st;
  return rehash(c, c->table_cap);
}

/* Two builders that finish at once take turns by a lock on the folder: the later one merges what the earlier one wrote. */
ig_status ig_timing_cache_save(ig_timing_cache *c) {
  char *folder = ig_alloc(&c->env->alloc, c->path_size + 2);
  IG_CHECK_MEM(folder);
  memcpy(folder, c->path, c->path_size);
  char *slash = strrchr(folder, '/');
  if (slash) slash[slash == folder] = 0;
  else memcpy(folder, ".", 2);
  const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ig_status st = fd < 0 || flock(fd, LOCK_EX) != 0 ? ig_status_new(IG_ERROR_IO, "timing cache '%s': cannot lock its folder '%s'", c->path, folder) : NULL;
  if (!st) st = merge_file(c);
  if (!st) st = write_sorted(c);
  if (fd >= 0) close(fd);
  ig_free(&c->env->alloc, folder, c->path_size + 2);
  return st;
}

void ig_timing_cache_close(ig_timing_cache *c) {
  if (!c) return;
  const ig_allocator *a = &c->env->alloc;
  IG_VEC_FREE(a, c->entries);
  if (c->table) ig_free(a, c->table, c->table_cap * sizeof *c->table);
  if (c->path) ig_free(a, c->path, c->path_size);
  ig_free(a, c, sizeof *c);
}
