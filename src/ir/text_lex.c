/* The text form: tokens. Every reader works on a counted text and reports the line it stopped at.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ir/text.h"
#include <stdarg.h>
#include <stdio.h>

ig_status ig_text_error(const ig_text *t, const char *fmt, ...) {
  char message[400];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(message, sizeof message, fmt, ap);
  va_end(ap);
  uint32_t line = 1;
  for (const char *s = t->text; s < t->p && s < t->end; s++)
    line += *s == '\n';
  return ig_status_new(IG_ERROR_BAD_MODEL, "text IR, line %u: %s", line, message);
}

void ig_text_space(ig_text *t) {
  while (t->p < t->end) {
    const char c = *t->p;
    if (c == '/' && t->p + 1 < t->end && t->p[1] == '/') {
      while (t->p < t->end && *t->p != '\n')
        t->p++;
    } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      t->p++;
    } else {
      return;
    }
  }
}

static bool is_word_char(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

bool ig_text_accept(ig_text *t, const char *token) {
  const size_t n = strlen(token);
  ig_text_space(t);
  if ((size_t)(t->end - t->p) < n || memcmp(t->p, token, n) != 0) return false;
  if (is_word_char(token[n - 1]) && t->p + n < t->end && is_word_char(t->p[n])) return false;
  t->p += n;
  return true;
}

ig_status ig_text_expect(ig_text *t, const char *token) {
  if (ig_text_accept(t, token)) return NULL;
  const size_t left = (size_t)(t->end - t->p), shown = left < 20 ? left : 20;
  return ig_text_error(t, "'%s' expected before '%.*s'", token, (int)shown, t->p);
}

bool ig_text_at(ig_text *t, char c) {
  ig_text_space(t);
  return t->p < t->end && *t->p == c;
}

ig_status ig_text_word(ig_text *t, const char **out_s, size_t *out_n) {
  ig_text_space(t);
  *out_s = t->p;
  while (t->p < t->end && is_word_char(*t->p))
    t->p++;
  *out_n = (size_t)(t->p - *out_s);
  return *out_n ? NULL : ig_text_error(t, "a word expected");
}

ig_status ig_text_number(ig_text *t, const char **out_s, size_t *out_n) {
  ig_text_space(t);
  *out_s = t->p;
  while (t->p < t->end && (is_word_char(*t->p) || *t->p == '-' || *t->p == '+' || *t->p == '.'))
    t->p++;
  *out_n = (size_t)(t->p - *out_s);
  return *out_n ? NULL : ig_text_error(t, "a number expected");
}

ig_status ig_text_i64(ig_text *t, int64_t *out) {
  ig_text_space(t);
  const char *s = t->p;
  if (t->p < t->end && *t->p == '-') t->p++;
  while (t->p < t->end && *t->p >= '0' && *t->p <= '9')
    t->p++;
  if (!ig_parse_i64(s, (size_t)(t->p - s), out)) return ig_text_error(t, "an integer expected");
  return NULL;
}

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

ig_status ig_text_string(ig_text *t, const char **out_s, size_t *out_n) {
  IG_TRY(ig_text_expect(t, "\""));
  const char *end = t->p;
  while (end < t->end && *end != '"')
    end += *end == '\\' && end + 1 < t->end ? 2 : 1;
  if (end >= t->end) return ig_text_error(t, "the string does not end");
  char *to = ig_arena_alloc(&t->ir->arena, (size_t)(end - t->p) + 1);
  if (!to) return ig_arena_status(&t->ir->arena);
  size_t n = 0;
  while (t->p < end) {
    if (*t->p == '\\' && t->p[1] == 'x') {
      const int hi = end - t->p >= 4 ? hex(t->p[2]) : -1, lo = end - t->p >= 4 ? hex(t->p[3]) : -1;
      if (hi < 0 || lo < 0) return ig_text_error(t, "two hexadecimal digits expected after \\x");
      to[n++] = (char)(hi << 4 | lo);
      t->p += 4;
      continue;
    }
    t->p += *t->p == '\\';
    to[n++] = *t->p++;
  }
  t->p = end + 1;
  *out_s = to;
  *out_n = n;
  return NULL;
}
