/* Reading .npy files (NumPy's format, versions 1 to 3): header dictionary, both byte orders, C and Fortran order, strings.
 * The header is Python source; only the literals that NumPy writes are understood, everything else is refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

static const uint8_t magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

typedef struct header {
  char type;
  uint32_t size;
  bool swap, fortran;
  uint8_t rank;
  int64_t dims[IG_MAX_RANK];
  size_t data_at;
  bool has_descr, has_order, has_shape;
} header;
typedef struct cursor {
  const char *p, *end;
} cursor;

bool ig_npy_recognise(const uint8_t *bytes, size_t n) { return n >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0; }

static void blanks(cursor *c) {
  while (c->p < c->end && (*c->p == ' ' || *c->p == '\n' || *c->p == '\t'))
    c->p++;
}
static bool accept(cursor *c, char ch) {
  blanks(c);
  if (c->p == c->end || *c->p != ch) return false;
  c->p++;
  return true;
}
static ig_status bad_header(const char *what) { return ig_status_new(IG_ERROR_INVALID_ARGUMENT, ".npy: header: %s", what); }

static ig_status quoted(cursor *c, const char **out, size_t *out_n) {
  blanks(c);
  if (c->p == c->end || (*c->p != '\'' && *c->p != '"')) return bad_header("expected a quoted string (structured types are not supported)");
  const char quote = *c->p++, *close = memchr(c->p, quote, (size_t)(c->end - c->p));
  if (!close) return bad_header("a string is not closed");
  *out = c->p;
  *out_n = (size_t)(close - c->p);
  c->p = close + 1;
  return NULL;
}

static ig_status read_descr(cursor *c, header *h) {
  const char *s;
  size_t n;
  IG_TRY(quoted(c, &s, &n));
  if (n && (s[0] == '<' || s[0] == '>' || s[0] == '|' || s[0] == '=')) {
    h->swap = s[0] == '>';
    s++, n--;
  }
  IG_REQUIRE(n && s[0] != 'O', IG_ERROR_INVALID_ARGUMENT,
             ".npy: an object array (pickle) is not read: it could run code; save plain numbers or strings");
  h->type = s[0];
  int64_t size = 0;
  IG_REQUIRE(ig_parse_i64(s + 1, n - 1, &size) && size >= 0 && size <= 1 << 20, IG_ERROR_INVALID_ARGUMENT, ".npy: type '%.*s' is not supported",
             (int)(n < 40 ? n : 40), s);
  h->size = (uint32_t)size;
  h->has_descr = true;
  return NULL;
}

static ig_status read_shape(cursor *c, header *h) {
  if (!accept(c, '(')) return bad_header("shape is no tuple");
  while (!accept(c, ')')) {
    if (h->rank == IG_MAX_RANK) return ig_status_new(IG_ERROR_UNSUPPORTED, ".npy: more than %d dims", IG_MAX_RANK);
    blanks(c);
    const char *s = c->p;
    while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
      c->p++;
    if (!ig_parse_i64(s, (size_t)(c->p - s), &h->dims[h->rank])) return bad_header("a dim is no number");
    h->rank++;
    if (!accept(c, ',') && (c->p == c->end || *c->p != ')')) return bad_header("shape is not closed");
  }
  h->has_shape = true;
  return NULL;
}

static ig_status read_order(cursor *c, header *h) {
  blanks(c);
  const size_t n = (size_t)(c->end - c->p);
  if (n >= 4 && memcmp(c->p, "True", 4) == 0)
    h->fortran = true, c->p += 4;
  else if (n >= 5 && memcmp(c->p, "False", 5) == 0)
    c->p += 5;
  else
    return bad_header("fortran_order is neither True nor False");
  h->has_order = true;
  return NULL;
}

static ig_status read_dictionary(cursor *c, header *h) {
  if (!accept(c, '{')) return bad_header("no dictionary");
  while (!accept(c, '}')) {
    const char *key;
    size_t n;
    IG_TRY(quoted(c, &key, &n));
    if (!accept(c, ':')) return bad_header("expected ':'");
    if (n == 5 && memcmp(key, "descr", 5) == 0)
      IG_TRY(read_descr(c, h));
    else if (n == 5 && memcmp(key, "shape", 5) == 0) {
      h->rank = 0;
      IG_TRY(read_shape(c, h));
    } else if (n == 13 && memcmp(key, "fortran_order", 13) == 0)
      IG_TRY(read_order(c, h));
    else
      return bad_header("an unknown key");
    blanks(c);
    if (!accept(c, ',') && (c->p == c->end || *c->p != '}')) return bad_header("the dictionary is not closed");
  }
  return h->has_descr && h->has_order && h->has_shape ? NULL : bad_header("descr, fortran_order or shape is missing");
}

static ig_status read_header(const uint8_t *bytes, size_t n, header *h) {
  *h = (header){0};
  IG_REQUIRE(n >= 10 && ig_npy_recognise(bytes, n), IG_ERROR_INVALID_ARGUMENT, ".npy: not a .npy file, or truncated");
  IG_REQUIRE(bytes[6] >= 1 && bytes[6] <= 3, IG_ERROR_UNSUPPORTED, ".npy: version %u.%u is not known (1 to 3)", bytes[6], bytes[7]);
  const size_t start = bytes[6] == 1 ? 10 : 12;
  IG_REQUIRE(n >= start, IG_ERROR_INVALID_ARGUMENT, ".npy: truncated in the header");
  size_t length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
  if (start == 12) length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
  IG_REQUIRE(length <= n - start, IG_ERROR_INVALID_ARGUMENT, ".npy: the header says %zu bytes, %zu are there", length, n - start);
  cursor c = {(const char *)bytes + start, (const char *)bytes + start + length};
  h->data_at = start + length;
  return read_dictionary(&c, h);
}

static ig_dtype number_type(const header *h) {
  static const struct {
    char type;
    uint32_t size;
    ig_dtype dtype;
  } table[] = {{'b', 1, IG_DTYPE_BOOL}, {'i', 1, IG_DTYPE_I8},    {'i', 2, IG_DTYPE_I16},    {'i', 4, IG_DTYPE_I32},
               {'i', 8, IG_DTYPE_I64},  {'u', 1, IG_DTYPE_U8},    {'u', 2, IG_DTYPE_U16},    {'u', 4, IG_DTYPE_U32},
               {'u', 8, IG_DTYPE_U64},  {'f', 2, IG_DTYPE_F16},   {'f', 4, IG_DTYPE_F32},    {'f', 8, IG_DTYPE_F64},
               {'c', 8, IG_DTYPE_C64},  {'c', 16, IG_DTYPE_C128}, {'U', 0, IG_DTYPE_STRING}, {'S', 0, IG_DTYPE_STRING}};
  for (size_t i = 0; i < IG_COUNT(table); i++)
    if (table[i].type == h->type && (table[i].size == h->size || table[i].dtype == IG_DTYPE_STRING)) return table[i].dtype;
  return IG_DTYPE_NONE;
}

static void copy_number(uint8_t *to, const uint8_t *from, const header *h) {
  if (!h->swap) {
    memcpy(to, from, h->size);
    return;
  }
  const uint32_t part = h->type == 'c' ? h->size / 2 : h->size;
  for (uint32_t i = 0; i < h->size; i++)
    to[i] = from[i / part * part + (part - 1 - i % part)];
}

static size_t put_utf8(char *to, uint32_t u) {
  if (u < 0x80) return to[0] = (char)u, 1;
  if (u < 0x800) return to[0] = (char)(0xc0 | u >> 6), to[1] = (char)(0x80 | (u & 63)), 2;
  if (u < 0x10000) return to[0] = (char)(0xe0 | u >> 12), to[1] = (char)(0x80 | (u >> 6 & 63)), to[2] = (char)(0x80 | (u & 63)), 3;
  to[0] = (char)(0xf0 | u >> 18), to[1] = (char)(0x80 | (u >> 12 & 63)), to[2] = (char)(0x80 | (u >> 6 & 63)), to[3] = (char)(0x80 | (u & 63));
  return 4;
}

static ig_status copy_string(ig_arena *arena, ig_string *to, const uint8_t *from, const header *h) {
  const uint32_t per_char = h->type == 'U' ? 4 : 1;
  char *text = ig_arena_alloc(arena, (size_t)h->size * 4 + 1);
  if (!text) return ig_arena_status(arena);
  size_t n = 0, last = 0;
  for (uint32_t i = 0; i < h->size; i++) {
    const uint8_t *b = from + (size_t)i * per_char;
    const uint32_t u = per_char == 1 ? b[0]
                       : h->swap     ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]
                                     : (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
    IG_REQUIRE(u < 0x110000, IG_ERROR_INVALID_ARGUMENT, ".npy: a character is beyond Unicode");
    if (per_char == 1)
      text[n++] = (char)u;
    else
      n += put_utf8(text + n, u);
    if (u) last = n; /* NumPy pads with NUL */
  }
  *to = (ig_string){text, last};
  return NULL;
}

/* Element of the file that is element i in row-major order. */
static size_t file_index(const header *h, size_t i) {
  if (!h->fortran || h->rank < 2) return i;
  size_t at[IG_MAX_RANK], index = 0, stride = 1;
  for (uint32_t k = h->rank; k-- > 0; i /= (size_t)h->dims[k])
    at[k] = i % (size_t)h->dims[k];
  for (uint32_t k = 0; k < h->rank; k++) {
    index += at[k] * stride;
    stride *= (size_t)h->dims[k];
  }
  return index;
}

static ig_status copy_elements(const header *h, const uint8_t *data, size_t count, ig_arena *arena, ig_data *out) {
  const size_t unit = h->type == 'U' ? (size_t)h->size * 4 : h->size;
  uint8_t *to = (uint8_t *)(uintptr_t)out->bytes;
  if (out->dtype != IG_DTYPE_STRING && !h->swap && (!h->fortran || h->rank < 2)) {
    if (count) memcpy(to, data, count * unit);
    return NULL;
  }
  for (size_t i = 0; i < count; i++) {
    const uint8_t *from = data + file_index(h, i) * unit;
    if (out->dtype == IG_DTYPE_STRING)
      IG_TRY(copy_string(arena, (ig_string *)(void *)to + i, from, h));
    else
      copy_number(to + i * unit, from, h);
  }
  return NULL;
}

ig_status ig_npy_read(const ig_allocator *a, ig_arena *arena, const uint8_t *bytes, size_t n, ig_data *out) {
  *out = (ig_data){0};
  header h;
  IG_TRY(read_header(bytes, n, &h));
  ig_data d = {.dtype = number_type(&h), .rank = h.rank};
  IG_REQUIRE(d.dtype != IG_DTYPE_NONE, IG_ERROR_UNSUPPORTED, ".npy: type '%c%u' is not supported", h.type >= 32 && h.type < 127 ? h.type : '?',
             h.size);
  memcpy(d.dims, h.dims, sizeof d.dims);
  int64_t count;
  size_t in_file;
  const size_t unit = h.type == 'U' ? (size_t)h.size * 4 : h.size;
  IG_REQUIRE(ig_data_count(&d, &count) && ig_mul_size((size_t)count, unit, &in_file), IG_ERROR_INVALID_ARGUMENT, ".npy: the shape is too large");
  IG_REQUIRE(in_file <= n - h.data_at && (unit || (uint64_t)count <= n), IG_ERROR_INVALID_ARGUMENT, ".npy: truncated: %zu bytes of data are missing",
             in_file - (n - h.data_at));
  d.n_bytes = ig_dtype_bytes(d.dtype, (uint64_t)count);
  d.bytes = ig_alloc_aligned(a, d.n_bytes ? d.n_bytes : 1);
  IG_CHECK_MEM(d.bytes);
  ig_status st = copy_elements(&h, bytes + h.data_at, (size_t)count, arena, &d);
  if (st)
    ig_free_aligned(a, (void *)(uintptr_t)d.bytes, d.n_bytes ? d.n_bytes : 1);
  else
    *out = d;
  return st;
}
