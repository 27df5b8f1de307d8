/* Writing .npy files, version 1.0 (2.0 where the header is long): C order, little-endian. Types that NumPy lacks are widened.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"
#include <stdio.h>

/* Code points of UTF-8 text; bytes that are no UTF-8 become U+FFFD. Returns the number, writes them where to is not NULL. */
static size_t decode(const char *s, size_t n, uint32_t *to) {
  size_t count = 0;
  for (size_t i = 0; i < n;) {
    const uint8_t b = (uint8_t)s[i];
    const size_t len = b < 0x80 ? 1 : b >= 0xc2 && b < 0xe0 ? 2 : b >= 0xe0 && b < 0xf0 ? 3 : b >= 0xf0 && b < 0xf5 ? 4 : 0;
    uint32_t u = len == 1 ? b : len ? b & (0xffu >> (len + 1)) : 0xfffd;
    size_t k = 1;
    for (; k < len && i + k < n && ((uint8_t)s[i + k] & 0xc0) == 0x80; k++)
      u = u << 6 | ((uint8_t)s[i + k] & 63);
    if (k < len) u = 0xfffd;
    if (to) to[count] = u;
    count++;
    i += k;
  }
  return count;
}

static bool is_small_float(ig_dtype d) { return d == IG_DTYPE_F4E2M1 || (IG_DTYPE_BITS(d) == 8 && (d & 0xffu) >= 10); }
static bool widens(ig_dtype d) { return d == IG_DTYPE_BF16 || is_small_float(d) || IG_DTYPE_BITS(d) < 8; }

static const char *descr_of(ig_dtype d) {
  static const struct {
    ig_dtype dtype;
    const char *descr;
  } table[] = {{IG_DTYPE_BOOL, "|b1"}, {IG_DTYPE_I8, "|i1"},  {IG_DTYPE_U8, "|u1"},  {IG_DTYPE_I16, "<i2"},   {IG_DTYPE_U16, "<u2"},
               {IG_DTYPE_I32, "<i4"},  {IG_DTYPE_U32, "<u4"}, {IG_DTYPE_I64, "<i8"}, {IG_DTYPE_U64, "<u8"},   {IG_DTYPE_F16, "<f2"},
               {IG_DTYPE_F32, "<f4"},  {IG_DTYPE_F64, "<f8"}, {IG_DTYPE_C64, "<c8"}, {IG_DTYPE_C128, "<c16"}, {IG_DTYPE_BF16, "<f4"},
               {IG_DTYPE_I4, "|i1"},   {IG_DTYPE_I2, "|i1"},  {IG_DTYPE_U4, "|u1"},  {IG_DTYPE_U2, "|u1"}};
  for (size_t i = 0; i < IG_COUNT(table); i++)
    if (table[i].dtype == d) return table[i].descr;
  return is_small_float(d) ? "<f4" : NULL;
}

static void write_header(const ig_data *d, const char *descr, ig_buf *out) {
  ig_buf text;
  ig_buf_init(&text, out->alloc);
  ig_buf_printf(&text, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
  for (uint32_t k = 0; k < d->rank; k++)
    ig_buf_printf(&text, "%s%lld", k ? ", " : "", (long long)d->dims[k]);
  ig_buf_str(&text, d->rank == 1 ? ",), }" : "), }");
  while ((10 + text.n + 1) % 64 && !text.failed)
    ig_buf_str(&text, " "); /* the data is aligned to 64 bytes */
  ig_buf_str(&text, "\n");
  const uint8_t start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)text.n, (uint8_t)(text.n >> 8)};
  ig_buf_bytes(out, start, sizeof start);
  ig_buf_bytes(out, text.data, text.n);
  out->failed = out->failed || text.failed;
  ig_buf_free(&text);
}

static void widen(const ig_data *d, size_t i, ig_buf *out) {
  const uint8_t *p = d->bytes;
  const uint32_t bits = IG_DTYPE_BITS(d->dtype);
  if (d->dtype == IG_DTYPE_BF16) {
    uint16_t h;
    memcpy(&h, p + i * 2, 2);
    const float f = ig_bf16_to_f32(h);
    ig_buf_bytes(out, &f, sizeof f);
    return;
  }
  const uint32_t per_byte = 8 / bits;
  uint8_t raw = (uint8_t)(p[i / per_byte] >> (i % per_byte * bits) & ((1u << bits) - 1));
  if (is_small_float(d->dtype)) {
    const float f = ig_small_to_f32(d->dtype, raw);
    ig_buf_bytes(out, &f, sizeof f);
    return;
  }
  const bool negative = (d->dtype & 0xffu) == 0 && raw >> (bits - 1);
  if (negative) raw |= (uint8_t)(0xffu << bits);
  ig_buf_bytes(out, &raw, 1);
}

static ig_status write_strings(const ig_data *d, size_t count, ig_buf *out) {
  const ig_string *s = d->bytes;
  size_t longest = 1;
  for (size_t i = 0; i < count; i++) {
    const size_t n = decode(s[i].data, s[i].n, NULL);
    if (n > longest) longest = n;
  }
  char descr[32];
  snprintf(descr, sizeof descr, "<U%zu", longest);
  write_header(d, descr, out);
  size_t n_chars;
  if (!ig_mul_size(longest, 4, &n_chars)) return IG_OOM();
  uint32_t *chars = ig_alloc_zero(out->alloc, longest, sizeof *chars);
  IG_CHECK_MEM(chars);
  for (size_t i = 0; i < count; i++) {
    memset(chars, 0, n_chars);
    decode(s[i].data, s[i].n, chars);
    ig_buf_bytes(out, chars, n_chars);
  }
  ig_free(out->alloc, chars, n_chars);
  return NULL;
}

ig_status ig_npy_write(const ig_data *d, ig_buf *out, bool *out_widened) {
  int64_t count;
  *out_widened = widens(d->dtype);
  IG_REQUIRE(ig_data_count(d, &count), IG_ERROR_INVALID_ARGUMENT, ".npy: the shape is too large");
  if (d->dtype == IG_DTYPE_STRING) return write_strings(d, (size_t)count, out);
  const char *descr = descr_of(d->dtype);
  IG_REQUIRE(descr, IG_ERROR_UNSUPPORTED, ".npy: type %s cannot be written; use pb", ig_dtype_name(d->dtype));
  write_header(d, descr, out);
  if (!*out_widened) ig_buf_bytes(out, d->bytes, d->n_bytes);
  for (int64_t i = 0; *out_widened && i < count; i++)
    widen(d, (size_t)i, out);
  return out->failed ? IG_OOM() : NULL;
}
