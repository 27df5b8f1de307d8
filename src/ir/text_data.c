/* Contents of constants as text, both ways.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ir/text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
  ig_dtype dtype;
  const char *name;
} dtypes[] = {
    {IG_DTYPE_F32, "f32"},
    {IG_DTYPE_F64, "f64"},
    {IG_DTYPE_F16, "f16"},
    {IG_DTYPE_BF16, "bf16"},
    {IG_DTYPE_I8, "i8"},
    {IG_DTYPE_I16, "i16"},
    {IG_DTYPE_I32, "i32"},
    {IG_DTYPE_I64, "i64"},
    {IG_DTYPE_U8, "u8"},
    {IG_DTYPE_U16, "u16"},
    {IG_DTYPE_U32, "u32"},
    {IG_DTYPE_U64, "u64"},
    {IG_DTYPE_BOOL, "bool"},
    {IG_DTYPE_I4, "i4"},
    {IG_DTYPE_U4, "u4"},
    {IG_DTYPE_I2, "i2"},
    {IG_DTYPE_U2, "u2"},
    {IG_DTYPE_STRING, "string"},
    {IG_DTYPE_C64, "c64"},
    {IG_DTYPE_C128, "c128"},
    {IG_DTYPE_F8E4M3FN, "f8e4m3fn"},
    {IG_DTYPE_F8E4M3FNUZ, "f8e4m3fnuz"},
    {IG_DTYPE_F8E5M2, "f8e5m2"},
    {IG_DTYPE_F8E5M2FNUZ, "f8e5m2fnuz"},
    {IG_DTYPE_F8E8M0, "f8e8m0"},
    {IG_DTYPE_F6E2M3, "f6e2m3"},
    {IG_DTYPE_F6E3M2, "f6e3m2"},
    {IG_DTYPE_F4E2M1, "f4e2m1"},
};

const char *ig_text_dtype(ig_dtype d) {
  for (size_t i = 0; i < IG_COUNT(dtypes); i++)
    if (dtypes[i].dtype == d) return dtypes[i].name;
  return "?";
}

ig_dtype ig_text_dtype_parse(const char *s, size_t n) {
  for (size_t i = 0; i < IG_COUNT(dtypes); i++)
    if (strlen(dtypes[i].name) == n && memcmp(dtypes[i].name, s, n) == 0) return dtypes[i].dtype;
  return IG_DTYPE_NONE;
}

/* A string tensor's element (ingot/base.h: opaque 16-byte handle). */
typedef struct handle {
  const char *s;
  uint64_t n;
} handle;

/* Reading a shorter double back as a float is exact iff it rounds to the same float; printf's digits are the same in every locale, its
 * decimal point is not. */
void ig_text_f32(float f, ig_buf *out) {
  if (!isfinite(f)) {
    ig_buf_f64(out, (double)f);
    return;
  }
  char text[64];
  for (int digits = 1; digits <= 9; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, (double)f);
    if (strtof(text, NULL) == f) break;
  }
  for (const char *s = text; *s; s++) {
    const bool plain = (*s >= '0' && *s <= '9') || *s == '-' || *s == '+' || *s == 'e';
    ig_buf_bytes(out, plain ? s : ".", 1);
  }
}

static bool is_number(ig_dtype d) {
  switch (d) {
  case IG_DTYPE_F32:
  case IG_DTYPE_F64:
  case IG_DTYPE_F16:
  case IG_DTYPE_BF16:
  case IG_DTYPE_U64:
    return true;
  default:
    return d == IG_DTYPE_BOOL || (IG_DTYPE_BITS(d) >= 8 && ((d & 0xff) == 0 || (d & 0xff) == 1));
  }
}

static void print_element(const ig_data *d, size_t i, ig_buf *out) {
  const uint8_t *p = d->bytes;
  union {
    float f;
    double d;
    uint16_t h;
    uint64_t u;
    handle s;
  } u;
  int64_t x;
  switch (d->dtype) {
  case IG_DTYPE_F32:
    memcpy(&u.f, p + i * 4, 4);
    ig_text_f32(u.f, out);
    return;
  case IG_DTYPE_F64:
    memcpy(&u.d, p + i * 8, 8);
    ig_buf_f64(out, u.d);
    return;
  case IG_DTYPE_F16:
    memcpy(&u.h, p + i * 2, 2);
    ig_text_f32(ig_f16_to_f32(u.h), out);
    return;
  case IG_DTYPE_BF16:
    memcpy(&u.h, p + i * 2, 2);
    ig_text_f32(ig_bf16_to_f32(u.h), out);
    return;
  case IG_DTYPE_U64:
    memcpy(&u.u, p + i * 8, 8);
    ig_buf_printf(out, "%llu", (unsigned long long)u.u);
    return;
  case IG_DTYPE_STRING:
    memcpy(&u.s, p + i * 16, 16);
    ig_text_quote(u.s.s, u.s.n, out);
    return;
  default:
    break;
  }
  if (ig_data_int(d, i, &x)) ig_buf_printf(out, "%lld", (long long)x);
}

static void print_base64(const uint8_t *p, size_t n, ig_buf *out) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  ig_buf_str(out, "base64 \"");
  for (size_t i = 0; i < n; i += 3) {
    const uint32_t b = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);
    const char four[4] = {digits[b >> 18], digits[b >> 12 & 63], i + 1 < n ? digits[b >> 6 & 63] : '=', i + 2 < n ? digits[b & 63] : '='};
    ig_buf_bytes(out, four, 4);
  }
  ig_buf_str(out, "\"");
}

void ig_text_data(const ig_data *d, bool full, ig_buf *out) {
  int64_t n;
  const bool list = d->dtype == IG_DTYPE_STRING || is_number(d->dtype);
  if (!ig_data_count(d, &n)) n = 0;
  if (list && (n <= IG_TEXT_SMALL || (full && d->dtype == IG_DTYPE_STRING))) {
    ig_buf_str(out, "{");
    for (int64_t i = 0; i < n; i++) {
      if (i) ig_buf_str(out, ", ");
      print_element(d, (size_t)i, out);
    }
    ig_buf_str(out, "}");
  } else if (!list && d->n_bytes <= IG_TEXT_SMALL) {
    ig_buf_str(out, "0x");
    for (size_t i = 0; i < d->n_bytes; i++)
      ig_buf_printf(out, "%02x", ((const uint8_t *)d->bytes)[i]);
  } else if (full) {
    print_base64(d->bytes, d->n_bytes, out);
  } else if (d->dtype == IG_DTYPE_STRING) {
    ig_buf_printf(out, "#%lld strings", (long long)n); /* handles are addresses: no hash of theirs repeats */
  } else {
    ig_buf_printf(out, "#%016llx", (unsigned long long)ig_hash(d->bytes, d->n_bytes, 0));
  }
}

/* ---- reading ---- */
static bool store_int(const char *s, size_t n, ig_dtype dtype, uint8_t *to) {
  int64_t x;
  uint64_t u = 0;
  const uint32_t bits = IG_DTYPE_BITS(dtype);
  if (dtype == IG_DTYPE_U64) {
    for (size_t i = 0; i < n; i++)
      if (s[i] < '0' || s[i] > '9' || __builtin_mul_overflow(u, 10u, &u) || __builtin_add_overflow(u, (uint64_t)(s[i] - '0'), &u)) return false;
    memcpy(to, &u, 8);
    return n > 0;
  }
  if (!ig_parse_i64(s, n, &x)) return false;
  const bool is_signed = (dtype & 0xff) == 0;
  const int64_t max = dtype == IG_DTYPE_BOOL ? 1 : bits == 64 ? INT64_MAX : ((int64_t)1 << (bits - is_signed)) - 1, min = is_signed ? -max - 1 : 0;
  if (x < min || x > max) return false;
  memcpy(to, &x, bits / 8);
  return true;
}

static bool store_number(const char *s, size_t n, ig_dtype dtype, uint8_t *to) {
  double x;
  uint16_t h;
  float f;
  switch (dtype) {
  case IG_DTYPE_F32:
    return ig_parse_f64(s, n, &x) && (f = (float)x, memcpy(to, &f, 4), true);
  case IG_DTYPE_F64:
    return ig_parse_f64(s, n, &x) && (memcpy(to, &x, 8), true);
  case IG_DTYPE_F16:
    return ig_parse_f64(s, n, &x) && (h = ig_f64_to_f16(x), memcpy(to, &h, 2), true);
  case IG_DTYPE_BF16:
    return ig_parse_f64(s, n, &x) && (h = ig_f64_to_bf16(x), memcpy(to, &h, 2), true);
  default:
    return store_int(s, n, dtype, to);
  }
}

static ig_status read_list(ig_text *t, const ig_data *d, int64_t n, uint8_t *to) {
  for (int64_t i = 0; i < n; i++) {
    const char *s;
    size_t len;
    if (i) IG_TRY(ig_text_expect(t, ","));
    if (d->dtype == IG_DTYPE_STRING) {
      handle h;
      IG_TRY(ig_text_string(t, &s, &len));
      h = (handle){s, len};
      memcpy(to + i * 16, &h, 16);
      continue;
    }
    IG_TRY(ig_text_number(t, &s, &len));
    if (!store_number(s, len, d->dtype, to + (size_t)i * (IG_DTYPE_BITS(d->dtype) / 8)))
      return ig_text_error(t, "'%.*s' is no %s", (int)len, s, ig_text_dtype(d->dtype));
  }
  return ig_text_expect(t, "}");
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static ig_status read_hex(ig_text *t, const ig_data *d, uint8_t *to) {
  const char *s;
  size_t n;
  IG_TRY(ig_text_number(t, &s, &n));
  if (n != 2 + 2 * d->n_bytes) return ig_text_error(t, "%zu bytes are written, the type takes %zu", (n - 2) / 2, d->n_bytes);
  for (size_t i = 0; i < d->n_bytes; i++) {
    const int hi = hex_digit(s[2 + 2 * i]), lo = hex_digit(s[3 + 2 * i]);
    if (hi < 0 || lo < 0) return ig_text_error(t, "a byte is not written in hexadecimal digits");
    to[i] = (uint8_t)(hi << 4 | lo);
  }
  return NULL;
}

static int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static ig_status read_base64(ig_text *t, const ig_data *d, uint8_t *to) {
  const char *s;
  size_t n;
  IG_TRY(ig_text_string(t, &s, &n));
  if (n != (d->n_bytes + 2) / 3 * 4) return ig_text_error(t, "the base64 text has %zu characters, the type takes %zu", n, (d->n_bytes + 2) / 3 * 4);
  for (size_t i = 0; i < d->n_bytes; i++) {
    const size_t at = i / 3 * 4 + i % 3;
    const int a = base64_digit(s[at]), b = base64_digit(s[at + 1]), shift = (int)(i % 3) * 2;
    if (a < 0 || b < 0) return ig_text_error(t, "the base64 text has a character that is none of base64");
    to[i] = (uint8_t)(a << (2 + shift) | b >> (4 - shift));
  }
  return NULL;
}

ig_status ig_text_read_data(ig_text *t, ig_data *d) {
  int64_t n;
  if (!ig_data_count(d, &n)) return ig_text_error(t, "the constant's dims overflow");
  d->n_bytes = ig_dtype_bytes(d->dtype, (uint64_t)n);
  if (n > 0 && d->n_bytes == 0) return ig_text_error(t, "the constant's size overflows");
  if (ig_text_at(t, '#')) return ig_text_error(t, "the contents of this constant are not in the text; print the full form to read it back");
  /* A constant takes at least a character per byte of text, so that a short text cannot ask for much memory. */
  if (d->n_bytes > (size_t)(t->end - t->p) * 16) return ig_text_error(t, "the constant has %lld elements, but the text ends before", (long long)n);
  uint8_t *to = ig_arena_alloc(&t->ir->arena, d->n_bytes ? d->n_bytes : 1);
  if (!to) return ig_arena_status(&t->ir->arena);
  d->bytes = to;
  if (ig_text_accept(t, "base64")) return d->dtype == IG_DTYPE_STRING ? ig_text_error(t, "strings are written as a list") : read_base64(t, d, to);
  if (ig_text_accept(t, "{")) {
    if (d->dtype == IG_DTYPE_STRING || is_number(d->dtype)) return read_list(t, d, n, to);
    return ig_text_error(t, "constants of type %s are written as 0x.. or base64", ig_text_dtype(d->dtype));
  }
  if (d->dtype == IG_DTYPE_STRING || !ig_text_at(t, '0')) return ig_text_error(t, "'{', 0x or base64 expected");
  return read_hex(t, d, to);
}
