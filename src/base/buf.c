/* Text buffer and number parsing. Numbers are printed and read in the C locale whatever the caller's is: glibc and musl give that
 * locale without allocating.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void ig_buf_init(ig_buf *b, const ig_allocator *alloc) { *b = (ig_buf){ .alloc = alloc }; }

void ig_buf_free(ig_buf *b) {
  ig_free(b->alloc, b->data, b->cap);
  *b = (ig_buf){ .alloc = b->alloc };
}

/* Room for n more bytes and a NUL. */
static bool reserve(ig_buf *b, size_t n) {
  size_t need;
  if (b->failed || !ig_add_size(b->n, n, &need) || !ig_add_size(need, 1, &need)) return !(b->failed = true);
  void *data = b->data;
  if (!ig_grow(b->alloc, &data, &b->cap, need, 1)) return !(b->failed = true);
  b->data = data;
  return true;
}

void ig_buf_bytes(ig_buf *b, const void *p, size_t n) {
  if (!reserve(b, n)) return;
  if (n) memcpy(b->data + b->n, p, n);
  b->n += n;
}

void ig_buf_str(ig_buf *b, const char *s) { ig_buf_bytes(b, s, strlen(s)); }

void ig_buf_printf(ig_buf *b, const char *fmt, ...) {
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  const int n = vsnprintf(NULL, 0, fmt, args);
  va_end(args);
  if (n < 0) b->failed = true;
  if (n >= 0 && reserve(b, (size_t)n)) {
    vsnprintf(b->data + b->n, (size_t)n + 1, fmt, again);
    b->n += (size_t)n;
  }
  va_end(again);
}

/* precision 0: the fewest digits that read back to v. */
static void put_f64(ig_buf *b, double v, int precision) {
  if (isnan(v)) {
    ig_buf_str(b, "nan");
    return;
  }
  const locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (!c_locale) {
    b->failed = true;
    return;
  }
  const locale_t old = uselocale(c_locale);
  char text[40];
  if (precision) snprintf(text, sizeof text, "%.*g", precision, v);
  for (int p = 15; !precision && p <= 17; p++) {
    snprintf(text, sizeof text, "%.*g", p, v);
    if (isinf(v) || strtod(text, NULL) == v) break;
  }
  uselocale(old);
  freelocale(c_locale);
  ig_buf_str(b, text);
}

void ig_buf_f64(ig_buf *b, double v) { put_f64(b, v, 0); }
void ig_buf_g(ig_buf *b, double v) { put_f64(b, v, fabs(v) < 1e15 && v == floor(v) ? 0 : 6); }

const char *ig_buf_cstr(ig_buf *b) {
  if (!reserve(b, 0)) return "";
  b->data[b->n] = 0;
  return b->data;
}

bool ig_parse_i64(const char *s, size_t n, int64_t *out) {
  size_t i = n > 0 && (s[0] == '-' || s[0] == '+') ? 1 : 0;
  const bool negative = i == 1 && s[0] == '-';
  if (i == n) return false;
  int64_t value = 0;
  for (; i < n; i++) {
    if (s[i] < '0' || s[i] > '9') return false;
    const int64_t digit = s[i] - '0';
    if (!ig_mul_i64(value, 10, &value) || !ig_add_i64(value, negative ? -digit : digit, &value)) return false;
  }
  *out = value;
  return true;
}

/* Numbers of 512 characters and more are refused. */
bool ig_parse_f64(const char *s, size_t n, double *out) {
  char text[512];
  if (n == 0 || n >= sizeof text || memchr(s, 0, n) || s[0] == ' ' || (s[0] >= '\t' && s[0] <= '\r')) return false;
  memcpy(text, s, n);
  text[n] = 0;
  const locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (!c_locale) return false;
  char *end;
  const double value = strtod_l(text, &end, c_locale);
  freelocale(c_locale);
  if (end != text + n) return false;
  *out = value;
  return true;
}
