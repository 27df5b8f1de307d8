/* JSON writer: text only; whether the document is balanced is the caller's business. Failure is the buffer's, asked once at the end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/json_write.h"
#include <inttypes.h>
#include <math.h>

void ig_json_init(ig_json *j, ig_buf *out) { *j = (ig_json){ .out = out }; }

/* Length of the well-formed UTF-8 character at s (RFC 3629: no surrogates, no overlong forms), 0 if it is none. */
static size_t utf8_length(const unsigned char *s) {
  if (s[0] < 0x80) return 1;
  const size_t n = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
  for (size_t i = 1; i < n; i++) {
    if ((s[i] & 0xc0) != 0x80) return 0;
  }
  if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0)) return 0;
  if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90)) return 0;
  return n;
}

static void write_char(ig_buf *out, const unsigned char *s, size_t n) {
  if (n == 0) ig_buf_str(out, "\xef\xbf\xbd");
  else if (s[0] == '"') ig_buf_str(out, "\\\"");
  else if (s[0] == '\\') ig_buf_str(out, "\\\\");
  else if (s[0] == '\n') ig_buf_str(out, "\\n");
  else if (s[0] == '\t') ig_buf_str(out, "\\t");
  else if (s[0] < 0x20) ig_buf_printf(out, "\\u%04x", s[0]);
  else ig_buf_bytes(out, s, n);
}

static void write_string(ig_buf *out, const char *text) {
  ig_buf_str(out, "\"");
  const unsigned char *s = (const unsigned char *)text;
  while (*s) {
    const size_t n = utf8_length(s);
    write_char(out, s, n);
    s += n ? n : 1;
  }
  ig_buf_str(out, "\"");
}

/* What stands before every value: a comma where one is due, and the key. */
static void start_value(ig_json *j, const char *key) {
  if (j->need_comma) ig_buf_str(j->out, ",");
  j->need_comma = true;
  if (!key) return;
  write_string(j->out, key);
  ig_buf_str(j->out, ":");
}

void ig_json_open(ig_json *j, const char *key, char bracket) {
  start_value(j, key);
  ig_buf_bytes(j->out, &bracket, 1);
  j->need_comma = false;
}

void ig_json_close(ig_json *j, char bracket) {
  ig_buf_bytes(j->out, &bracket, 1);
  j->need_comma = true;
}

void ig_json_str(ig_json *j, const char *key, const char *value) {
  start_value(j, key);
  if (value) write_string(j->out, value);
  else ig_buf_str(j->out, "null");
}

void ig_json_i64(ig_json *j, const char *key, int64_t value) {
  start_value(j, key);
  ig_buf_printf(j->out, "%" PRId64, value);
}

void ig_json_f64(ig_json *j, const char *key, double value) {
  start_value(j, key);
  if (isfinite(value)) ig_buf_f64(j->out, value);
  else ig_buf_str(j->out, "null");
}

void ig_json_bool(ig_json *j, const char *key, bool value) {
  start_value(j, key);
  ig_buf_str(j->out, value ? "true" : "false");
}
