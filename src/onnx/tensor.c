/* TensorProto -> ig_data, in every storage form: raw bytes, the typed lists, strings, external files.
 *
 * raw_data stays where it is when it is aligned to its element; else it is copied, and the arena's limit, which does not count raw data,
 * grows by as much. Lists of numbers are decoded into the arena.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx/import.h"
#include "ops/op.h"
#include <stdio.h>

const ig_onnx_limits ig_onnx_default_limits = {
  .nesting = 64, .nodes = 1000000, .edges = 16000000, .inlining = 1000, .elements = (uint64_t)1 << 40, .expressions = 1000000, .memory = 0
};

enum { IN_FLOATS, IN_INT32, IN_INT64, IN_DOUBLES, IN_UINT64, IN_STRINGS };
static const char *const field_names[] = { "float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data" };

/* The list that holds numbers of this type. */
static int list_of(ig_dtype d) {
  switch (d) {
    case IG_DTYPE_F32:
    case IG_DTYPE_C64: return IN_FLOATS;
    case IG_DTYPE_F64:
    case IG_DTYPE_C128: return IN_DOUBLES;
    case IG_DTYPE_I64: return IN_INT64;
    case IG_DTYPE_U32:
    case IG_DTYPE_U64: return IN_UINT64;
    case IG_DTYPE_STRING: return IN_STRINGS;
    default: return IN_INT32;
  }
}

/* "float[2,3]" */
static const char *type_text(const ig_data *d, char *out, size_t n) {
  size_t at = (size_t)snprintf(out, n, "%s[", ig_dtype_name(d->dtype));
  for (uint32_t k = 0; k < d->rank && at < n; k++) at += (size_t)snprintf(out + at, n - at, "%s%lld", k ? "," : "", (long long)d->dims[k]);
  if (at < n) snprintf(out + at, n - at, "]");
  return out;
}

ig_status ig_onnx_check_dims(const ig_onnx_importer *im, const char *what, const char *name, const int64_t *dims, uint32_t rank, uint64_t *out_n) {
  /* Zero dims do not hide the others: 0 x 2^63 x 2^63 is refused too. */
  uint64_t n = 1;
  bool empty = false;
  for (uint32_t k = 0; k < rank; k++) {
    IG_REQUIRE(dims[k] >= 0, IG_ERROR_BAD_MODEL, "%s '%s': dim %u is %lld", what, name, k, (long long)dims[k]);
    empty = empty || dims[k] == 0;
    if (dims[k] > 0 && __builtin_mul_overflow(n, (uint64_t)dims[k], &n)) n = UINT64_MAX;
    IG_REQUIRE(n <= im->limits.elements, IG_ERROR_LIMIT, "%s '%s': limit 'elements' (%llu in one tensor) exceeded", what, name,
               (unsigned long long)im->limits.elements);
  }
  *out_n = empty ? 0 : n;
  return NULL;
}

ig_status ig_onnx_unknown_type(const char *what, const char *name, int64_t onnx_type) {
  return ig_status_with(ig_status_new(IG_ERROR_UNSUPPORTED, "%s '%s': data type %lld of ONNX is not known to this version", what, name, (long long)onnx_type),
                        IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_DATATYPE");
}

ig_status ig_onnx_too_many_dims(const char *what, const char *name, uint64_t rank) {
  return ig_status_with(ig_status_new(IG_ERROR_UNSUPPORTED, "%s '%s': rank %llu, at most %d dims are supported", what, name, (unsigned long long)rank, IG_MAX_RANK),
                        IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_SHAPE");
}

static ig_status read_dims(const ig_onnx_importer *im, const char *name, const ig_pb_tensor *t, ig_data *out, uint64_t *out_n) {
  if (t->dims.n > IG_MAX_RANK) return ig_onnx_too_many_dims("tensor", name, t->dims.n);
  ig_wire_iter it = ig_wire_iterate(&t->dims);
  while (out->rank < t->dims.n && ig_wire_next_int(&it, &out->dims[out->rank])) out->rank++;
  return ig_onnx_check_dims(im, "tensor", name, out->dims, out->rank, out_n);
}

static size_t alignment_of(ig_dtype d) {
  const size_t bytes = IG_DTYPE_BITS(d) / 8;
  if (d == IG_DTYPE_C64 || d == IG_DTYPE_C128) return bytes / 2;
  return bytes ? bytes : 1;
}

static void *copy_raw(ig_onnx_importer *im, const void *bytes, size_t n) {
  const size_t allowed = n < im->raw_budget ? n : im->raw_budget;
  im->raw_budget -= allowed;
  /* Block heads and rounding come on top of the bytes. */
  if (im->arena->limit && !im->copy_all) im->arena->limit += allowed + 64;
  void *copy = ig_arena_alloc(im->arena, n);
  if (copy && n) memcpy(copy, bytes, n);
  return copy;
}

/* Bools are 0 or 1 everywhere behind the importer; other bytes count as true. */
static bool all_bools(const uint8_t *p, size_t n) {
  uint8_t bits = 0;
  for (size_t i = 0; i < n; i++) bits |= p[i];
  return bits <= 1;
}

static bool is_6bit(ig_dtype d) { return d == IG_DTYPE_F6E2M3 || d == IG_DTYPE_F6E3M2; }

/* Raw data has 6-bit floats packed, four in three bytes; here they lie one in a byte. */
static size_t raw_bytes(const ig_data *d) { return is_6bit(d->dtype) ? d->n_bytes / 4 * 3 + (d->n_bytes % 4 * 6 + 7) / 8 : d->n_bytes; }

static ig_status unpack_6bit(ig_onnx_importer *im, const uint8_t *p, ig_data *out) {
  uint8_t *to = ig_arena_alloc(im->arena, out->n_bytes);
  IG_ONNX_CHECK_MEM(im, to);
  for (size_t i = 0; i < out->n_bytes; i++) {
    const uint8_t *at = p + i / 4 * 3 + i % 4 * 6 / 8;
    const uint32_t shift = i % 4 * 6 % 8;
    to[i] = (uint8_t)((at[0] | (shift > 2 ? (uint32_t)at[1] << 8 : 0)) >> shift & 0x3f);
  }
  out->bytes = to;
  return NULL;
}

static ig_status use_raw(ig_onnx_importer *im, const uint8_t *p, ig_data *out) {
  if (is_6bit(out->dtype)) return unpack_6bit(im, p, out);
  const bool tidy = out->dtype != IG_DTYPE_BOOL || all_bools(p, out->n_bytes);
  if (tidy && !im->copy_all && (uintptr_t)p % alignment_of(out->dtype) == 0) {
    out->bytes = p;
    return NULL;
  }
  uint8_t *copy = copy_raw(im, p, out->n_bytes);
  IG_ONNX_CHECK_MEM(im, copy);
  for (size_t i = 0; !tidy && i < out->n_bytes; i++) copy[i] = copy[i] != 0;
  out->bytes = copy;
  return NULL;
}

static const ig_wire_list *list_at(const ig_pb_tensor *t, int which) {
  const ig_wire_list *lists[] = { &t->float_data, &t->int32_data, &t->int64_data, &t->double_data, &t->uint64_data, &t->string_data };
  return lists[which];
}

/* Entries that the list must have: complex numbers take two, packed types one per byte. */
static uint64_t entries_of(const ig_data *d, uint64_t n) {
  if (d->dtype == IG_DTYPE_C64 || d->dtype == IG_DTYPE_C128) return n * 2;
  return IG_DTYPE_BITS(d->dtype) < 8 ? d->n_bytes : n;
}

static void read_ints(const ig_wire_list *l, const ig_data *d, uint8_t *to) {
  const size_t each = IG_DTYPE_BITS(d->dtype) < 8 ? 1 : IG_DTYPE_BITS(d->dtype) / 8;
  ig_wire_iter it = ig_wire_iterate(l);
  int64_t v;
  for (size_t at = 0; at + each <= d->n_bytes && ig_wire_next_int(&it, &v); at += each) {
    if (d->dtype == IG_DTYPE_BOOL) v = v != 0;
    if (is_6bit(d->dtype)) v &= 0x3f;
    memcpy(to + at, &v, each); /* little-endian: the low bytes */
  }
}

static void read_floats(const ig_wire_list *l, const ig_data *d, uint8_t *to) {
  ig_wire_iter it = ig_wire_iterate(l);
  float f;
  for (size_t at = 0; at + sizeof f <= d->n_bytes && ig_wire_next_float(&it, &f); at += sizeof f) memcpy(to + at, &f, sizeof f);
}

static void read_doubles(const ig_wire_list *l, const ig_data *d, uint8_t *to) {
  ig_wire_iter it = ig_wire_iterate(l);
  double f;
  for (size_t at = 0; at + sizeof f <= d->n_bytes && ig_wire_next_double(&it, &f); at += sizeof f) memcpy(to + at, &f, sizeof f);
}

/* Handles point into the model, which outlives them, unless everything is to be copied. */
static bool read_strings(const ig_onnx_importer *im, const ig_wire_list *l, const ig_data *d, void *to) {
  ig_wire_iter it = ig_wire_iterate(l);
  ig_wire_bytes b;
  ig_string *h = to;
  for (size_t i = 0; i < d->n_bytes / sizeof *h && ig_wire_next(&it, &b); i++) {
    h[i] = (ig_string){ im->copy_all ? ig_arena_strndup(im->arena, (const char *)b.p, b.n) : (const char *)b.p, b.n };
    if (!h[i].data) return false;
  }
  return true;
}

static ig_status use_list(ig_onnx_importer *im, const char *name, const ig_pb_tensor *t, uint64_t n, ig_data *out) {
  const int which = list_of(out->dtype);
  const ig_wire_list *l = list_at(t, which);
  const uint64_t want = entries_of(out, n);
  char text[256];
  IG_REQUIRE(l->n == want, IG_ERROR_BAD_MODEL, "tensor '%s': %s has %llu entries, %s takes %llu", name, field_names[which], (unsigned long long)l->n,
             type_text(out, text, sizeof text), (unsigned long long)want);
  uint8_t *to = ig_arena_alloc(im->arena, out->n_bytes);
  IG_ONNX_CHECK_MEM(im, to);
  if (which == IN_FLOATS) read_floats(l, out, to);
  else if (which == IN_DOUBLES) read_doubles(l, out, to);
  else if (which != IN_STRINGS) read_ints(l, out, to);
  else if (!read_strings(im, l, out, to)) return ig_onnx_no_memory(im);
  out->bytes = to;
  return NULL;
}

/* The bytes outside raw tensor data count sixteenfold; a body that is inlined often is read often but stays counted once. */
static void discount_raw(ig_onnx_importer *im, size_t n) {
  size_t *limit = &im->arena->limit;
  if (!*limit || im->copy_all || im->limits.memory || im->in_function) return;
  const size_t floor = (size_t)IG_ONNX_MEMORY;
  *limit = *limit > floor && (*limit - floor) / 16 > n ? *limit - n * 16 : floor;
}

static ig_status use_contents(ig_onnx_importer *im, const char *name, const ig_pb_tensor *t, uint64_t n, ig_data *out) {
  char text[256];
  const size_t n_raw = raw_bytes(out);
  if (t->data_location == 1) {
    IG_REQUIRE(out->dtype != IG_DTYPE_STRING, IG_ERROR_BAD_MODEL, "tensor '%s': strings cannot be external data", name);
    const uint8_t *bytes;
    IG_TRY(ig_onnx_external_bytes(im, name, t, n_raw, &bytes));
    return use_raw(im, bytes, out);
  }
  IG_REQUIRE(t->data_location == 0, IG_ERROR_BAD_MODEL, "tensor '%s': data_location %lld does not exist", name, (long long)t->data_location);
  if (!t->raw_data.p) return use_list(im, name, t, n, out);
  IG_REQUIRE(out->dtype != IG_DTYPE_STRING, IG_ERROR_BAD_MODEL, "tensor '%s': strings cannot be raw_data", name);
  IG_REQUIRE(t->raw_data.n == n_raw, IG_ERROR_BAD_MODEL, "tensor '%s': raw_data has %zu bytes, %s takes %zu", name, t->raw_data.n,
             type_text(out, text, sizeof text), n_raw);
  discount_raw(im, t->raw_data.n);
  return use_raw(im, t->raw_data.p, out);
}

ig_status ig_onnx_tensor(ig_onnx_importer *im, ig_wire_bytes bytes, const char **out_name, ig_data *out) {
  *out = (ig_data){ .dtype = IG_DTYPE_NONE };
  ig_pb_tensor t;
  const char *name = "";
  IG_TRY(IG_PB_READ(tensor, bytes, &t));
  IG_TRY(ig_onnx_string(im, t.name, &name));
  if (out_name) *out_name = name;
  IG_REQUIRE(!t.segment.p, IG_ERROR_UNSUPPORTED, "tensor '%s': segments (or a sequence or optional in place of a tensor) are not supported", name);
  out->dtype = ig_dtype_from_onnx(t.data_type);
  IG_REQUIRE(t.data_type != 0, IG_ERROR_BAD_MODEL, "tensor '%s': the data type is missing", name);
  if (out->dtype == IG_DTYPE_NONE) return ig_onnx_unknown_type("tensor", name, t.data_type);
  uint64_t n;
  IG_TRY(read_dims(im, name, &t, out, &n));
  out->n_bytes = ig_dtype_bytes(out->dtype, n);
  return use_contents(im, name, &t, n, out);
}
