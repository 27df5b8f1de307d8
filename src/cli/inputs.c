/* Input values from text and from a seed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include "cli/session.h"

static const ig_allocator *const heap = &ig_libc_allocator;

static ig_status wrap(ig_env *env, const char *name, ig_dtype dtype, int32_t rank, const int64_t *dims, void *bytes, ig_value **out) {
  const ig_tensor t = {.data = bytes, .device_type = 1, .rank = rank, .dtype = dtype, .dims = (int64_t *)(uintptr_t)dims};
  return ig_value_create(env, name, &t, out);
}

/* ---- text ---- */

static bool put_integer(ig_dtype d, int64_t v, uint8_t *to) {
  const uint32_t bits = IG_DTYPE_BITS(d);
  if (d == IG_DTYPE_BOOL && v != 0 && v != 1) return false;
  if ((d & 0xffu) == 1 && (v < 0 || (bits < 64 && v >> bits))) return false;
  if ((d & 0xffu) == 0 && bits < 64 && (v < -((int64_t)1 << (bits - 1)) || v >= (int64_t)1 << (bits - 1))) return false;
  memcpy(to, &v, bits / 8);
  return true;
}

static bool put_float(ig_dtype d, double v, uint8_t *to) {
  const float f = (float)v;
  const uint16_t half = d == IG_DTYPE_BF16 ? ig_f64_to_bf16(v) : ig_f64_to_f16(v);
  if (d == IG_DTYPE_F64)
    memcpy(to, &v, sizeof v);
  else if (d == IG_DTYPE_F32)
    memcpy(to, &f, sizeof f);
  else if (d == IG_DTYPE_F16 || d == IG_DTYPE_BF16)
    memcpy(to, &half, sizeof half);
  else
    return false;
  return true;
}

static bool put_text(ig_dtype d, const char *s, size_t n, uint8_t *to) {
  int64_t i;
  double f;
  if ((d & 0xffu) == 0 || (d & 0xffu) == 1 || d == IG_DTYPE_BOOL) {
    if (d == IG_DTYPE_BOOL && n == 4 && memcmp(s, "true", 4) == 0) return put_integer(d, 1, to);
    if (d == IG_DTYPE_BOOL && n == 5 && memcmp(s, "false", 5) == 0) return put_integer(d, 0, to);
    return IG_DTYPE_BITS(d) >= 8 && ig_parse_i64(s, n, &i) && put_integer(d, i, to);
  }
  return ig_parse_f64(s, n, &f) && put_float(d, f, to);
}

/* The dims that n elements fill: the declared ones, or n where a single one is open. */
static ig_status dims_for(const ig_io_info *io, int64_t n, int64_t *dims, int32_t *out_rank) {
  int64_t product = 1;
  int open = 0;
  *out_rank = io->rank >= 0 ? io->rank : n == 1 ? 0 : 1;
  for (int32_t k = 0; k < io->rank; k++) {
    dims[k] = io->dims[k];
    if (dims[k] < 0)
      open++;
    else
      IG_REQUIRE(ig_mul_i64(product, dims[k], &product), IG_ERROR_INVALID_ARGUMENT, "--values: input '%s' is too large", io->name);
  }
  if (io->rank < 0) dims[0] = n, product = n;
  for (int32_t k = 0; k < io->rank && open == 1 && product; k++)
    if (dims[k] < 0) dims[k] = n / product, product *= dims[k], open = 0;
  IG_REQUIRE(!open && product == n, IG_ERROR_INVALID_ARGUMENT,
             "--values: input '%s': %lld values given do not fill its shape; use --input %s=FILE.npy", io->name, (long long)n, io->name);
  return NULL;
}

ig_status session_parse_values(ig_env *env, const ig_io_info *io, const char *text, ig_value **out) {
  *out = NULL;
  const uint32_t size = IG_DTYPE_BITS(io->dtype) / 8;
  IG_REQUIRE(size && size <= 8, IG_ERROR_INVALID_ARGUMENT, "--values: input '%s' has type %s: use --input %s=FILE", io->name,
             ig_dtype_name(io->dtype), io->name);
  int64_t n = 0, dims[IG_MAX_RANK];
  for (const char *s = text; *s; s += strcspn(s, ",") + (s[strcspn(s, ",")] == ','))
    n++;
  int32_t rank;
  IG_TRY(dims_for(io, n, dims, &rank));
  uint8_t *bytes = ig_alloc_zero(heap, (size_t)n + 1, size);
  IG_CHECK_MEM(bytes);
  ig_status st = NULL;
  const char *s = text;
  for (int64_t i = 0; !st && i < n; i++) {
    const size_t len = strcspn(s, ",");
    if (!put_text(io->dtype, s, len, bytes + (size_t)i * size))
      st = ig_status_new(IG_ERROR_INVALID_ARGUMENT, "--values: input '%s': '%.*s' is no %s", io->name, (int)(len < 40 ? len : 40), s,
                         ig_dtype_name(io->dtype));
    s += len + 1;
  }
  if (!st) st = wrap(env, io->name, io->dtype, rank, dims, bytes, out);
  ig_free(heap, bytes, ((size_t)n + 1) * size);
  return st;
}

/* ---- random ---- */

static uint64_t next(uint64_t *state) { /* splitmix64 */
  uint64_t z = *state += 0x9e3779b97f4a7c15ull;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ z >> 27) * 0x94d049bb133111ebull;
  return z ^ z >> 31;
}

static void put_random(ig_dtype d, uint64_t u, uint8_t *to) {
  const double f = (double)(u >> 11) * 0x1p-52 - 1.0;
  if (put_float(d, f, to)) return;
  if (d == IG_DTYPE_I8 || d == IG_DTYPE_U8)
    *to = (uint8_t)(u >> 32);
  else if ((d & 0xffu) <= 1 || d == IG_DTYPE_BOOL)
    (void)put_integer(d, (int64_t)(u >> 63), to);
  else if (d == IG_DTYPE_C64)
    put_float(IG_DTYPE_F32, f, to), put_float(IG_DTYPE_F32, -f / 2, to + 4);
  else if (d == IG_DTYPE_C128)
    put_float(IG_DTYPE_F64, f, to), put_float(IG_DTYPE_F64, -f / 2, to + 8);
  else
    *to = ig_f32_to_small(d, (float)f, true, 2);
}

ig_status session_random(ig_env *env, const char *name, ig_dtype dtype, int32_t rank, const int64_t *dims, uint64_t seed, ig_value **out) {
  *out = NULL;
  IG_REQUIRE(dtype != IG_DTYPE_STRING && dtype != IG_DTYPE_NONE, IG_ERROR_UNSUPPORTED, "input '%s' (%s) cannot be made up: give it with --input",
             name, ig_dtype_name(dtype));
  int64_t n = 1;
  for (int32_t k = 0; k < rank; k++)
    IG_REQUIRE(ig_mul_i64(n, dims[k], &n), IG_ERROR_LIMIT, "input '%s' is too large", name);
  const size_t n_bytes = ig_dtype_bytes(dtype, (uint64_t)n);
  IG_REQUIRE(n_bytes || !n, IG_ERROR_LIMIT, "input '%s' is too large", name);
  uint8_t *bytes = ig_alloc_zero(heap, n_bytes + 1, 1);
  IG_CHECK_MEM(bytes);
  uint64_t state = seed;
  const uint32_t size = IG_DTYPE_BITS(dtype) / 8;
  for (int64_t i = 0; size && i < n; i++)
    put_random(dtype, next(&state), bytes + (size_t)i * size);
  for (size_t i = 0; !size && i < n_bytes; i++)
    bytes[i] = (uint8_t)(next(&state) >> 32);
  ig_status st = wrap(env, name, dtype, rank, dims, bytes, out);
  ig_free(heap, bytes, n_bytes + 1);
  return st;
}
