/* Parser of shape strings. SPDX-License-Identifier: Apache-2.0 */
#include "base/shape_text.h"

/* One entry [s, s + n): splits name and dims at the last ':' outside quotes. */
static ig_status parse_entry(const ig_allocator *a, const char *s, size_t n, ig_shape_list *out) {
  size_t name_n = 0, dims_at = 0;
  const char *name = s;
  if (n && (s[0] == '\'' || s[0] == '"')) {
    const char *close = memchr(s + 1, s[0], n - 1);
    IG_REQUIRE(close && close + 1 < s + n && close[1] == ':', IG_ERROR_INVALID_ARGUMENT, "shape '%.*s': a quoted name must be closed and followed by ':'", (int)n, s);
    name = s + 1;
    name_n = (size_t)(close - name);
    dims_at = (size_t)(close - s) + 2;
  } else {
    size_t colon = n;
    while (colon && s[colon - 1] != ':') colon--;
    IG_REQUIRE(colon > 1, IG_ERROR_INVALID_ARGUMENT, "shape '%.*s': expected NAME:1x3x224x224", (int)n, s);
    name_n = colon - 1;
    dims_at = colon;
  }
  ig_shape_entry e = { 0 };
  while (dims_at < n) {
    const char *piece = s + dims_at, *x = memchr(piece, 'x', n - dims_at);
    const size_t piece_n = x ? (size_t)(x - piece) : n - dims_at;
    IG_REQUIRE(e.rank < IG_MAX_RANK, IG_ERROR_INVALID_ARGUMENT, "shape '%.*s': more than %d dims", (int)n, s, IG_MAX_RANK);
    IG_REQUIRE(ig_parse_i64(piece, piece_n, &e.dims[e.rank]) && e.dims[e.rank] >= 0, IG_ERROR_INVALID_ARGUMENT, "shape '%.*s': '%.*s' is no dim (expected a number, 0 or more)", (int)n, s, (int)piece_n, piece);
    e.rank++;
    dims_at += piece_n + 1;
    IG_REQUIRE(!x || dims_at < n, IG_ERROR_INVALID_ARGUMENT, "shape '%.*s': ends with 'x'", (int)n, s);
  }
  e.name = ig_alloc(a, name_n + 1);
  IG_CHECK_MEM(e.name);
  memcpy(e.name, name, name_n);
  e.name[name_n] = 0;
  ig_status st = ig_shape_list_find(out, e.name) ? ig_status_new(IG_ERROR_INVALID_ARGUMENT, "shape of '%s' is given twice", e.name) : NULL;
  if (!st && !IG_PUSH(a, out->entries, e)) st = IG_OOM();
  if (st) ig_free(a, e.name, name_n + 1);
  return st;
}

ig_status ig_shape_text_parse(const ig_allocator *a, const char *text, ig_shape_list *out) {
  memset(out, 0, sizeof *out);
  const char *s = text ? text : "";
  while (*s) {
    size_t n = 0;
    char quote = 0;
    for (; s[n] && (quote || s[n] != ','); n++) {
      if (quote && s[n] == quote) quote = 0;
      else if (n == 0 && (s[n] == '\'' || s[n] == '"')) quote = s[n];
    }
    ig_status st = parse_entry(a, s, n, out);
    if (st) {
      ig_shape_list_free(a, out);
      return st;
    }
    s += n + (s[n] == ',');
  }
  return NULL;
}

void ig_shape_list_free(const ig_allocator *a, ig_shape_list *l) {
  for (size_t i = 0; i < l->entries.n; i++) ig_free(a, l->entries.data[i].name, strlen(l->entries.data[i].name) + 1);
  IG_VEC_FREE(a, l->entries);
}

const ig_shape_entry *ig_shape_list_find(const ig_shape_list *l, const char *name) {
  for (size_t i = 0; i < l->entries.n; i++)
    if (strcmp(l->entries.data[i].name, name) == 0) return &l->entries.data[i];
  return NULL;
}
