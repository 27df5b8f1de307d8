/* Values: tensors with memory of their own, from files or from the caller, and writing tensors to files.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ingot/value.h"
#include "api/api.h"

struct ig_value {
  ig_env *env;
  ig_arena arena; /* name and strings */
  const char *name;
  void *data;
  size_t n_alloc;
  int64_t dims[IG_MAX_RANK];
  ig_tensor tensor;
};

static ig_status value_new(ig_env *env, ig_value **out) {
  ig_value *v = *out = ig_alloc_zero(&env->alloc, 1, sizeof *v);
  IG_CHECK_MEM(v);
  v->env = env;
  ig_env_retain(env);
  ig_arena_init(&v->arena, &env->alloc, 0);
  v->name = "";
  return NULL;
}

void ig_value_release(ig_value *v) {
  if (!v) return;
  ig_env *env = v->env;
  if (v->data) ig_free_aligned(&env->alloc, v->data, v->n_alloc);
  ig_arena_free(&v->arena);
  ig_free(&env->alloc, v, sizeof *v);
  ig_env_release(env);
}

const ig_tensor *ig_value_tensor(const ig_value *v) { return v ? &v->tensor : NULL; }
const char *ig_value_name(const ig_value *v) { return v ? v->name : ""; }

/* data: from ig_alloc_aligned, taken. */
static void set(ig_value *v, void *data, size_t n_bytes, ig_dtype dtype, int32_t rank, const int64_t *dims) {
  if (v->data) ig_free_aligned(&v->env->alloc, v->data, v->n_alloc);
  v->data = data;
  v->n_alloc = n_bytes ? n_bytes : 1;
  if (rank && dims != v->dims) memcpy(v->dims, dims, (size_t)rank * sizeof *dims);
  v->tensor = (ig_tensor){.data = data, .device_type = 1, .rank = rank, .dtype = dtype, .dims = v->dims};
}

static ig_status read_pb(ig_value *v, const ig_file_map *f) {
  ig_data d;
  const char *name = NULL;
  IG_TRY(ig_onnx_read_tensor(&v->arena, f->data, f->size, &name, &d));
  void *copy = ig_alloc_aligned(&v->env->alloc, d.n_bytes ? d.n_bytes : 1);
  IG_CHECK_MEM(copy);
  if (d.n_bytes) memcpy(copy, d.bytes, d.n_bytes);
  set(v, copy, d.n_bytes, d.dtype, d.rank, d.dims);
  v->name = name ? ig_arena_strdup(&v->arena, name) : "";
  return v->name ? NULL : ig_arena_status(&v->arena);
}

static ig_status read_file(ig_value *v, const ig_file_map *f) {
  if (!ig_npy_recognise(f->data, f->size)) return read_pb(v, f);
  ig_data d;
  IG_TRY(ig_npy_read(&v->env->alloc, &v->arena, f->data, f->size, &d));
  set(v, (void *)(uintptr_t)d.bytes, d.n_bytes, d.dtype, d.rank, d.dims);
  return NULL;
}

ig_status ig_value_load_file(ig_env *env, const char *path, ig_value **out_value) {
  IG_REQUIRE(out_value, IG_ERROR_INVALID_ARGUMENT, "ig_value_load_file: out_value is NULL");
  *out_value = NULL;
  IG_REQUIRE(env && path, IG_ERROR_INVALID_ARGUMENT, "ig_value_load_file: env or path is NULL");
  ig_file_map f;
  IG_TRY(ig_file_open(&env->alloc, path, false, &f));
  ig_value *v;
  ig_status st = value_new(env, &v);
  if (!st) st = ig_status_note(read_file(v, &f), "%s", path);
  if (st)
    ig_value_release(v);
  else
    *out_value = v;
  ig_file_close(&f);
  return st;
}

/* ---- copying ---- */

static ig_status count_of(const ig_tensor *t, int64_t *out_n, size_t *out_bytes) {
  int64_t n = 1;
  IG_REQUIRE(t->rank >= 0 && t->rank <= IG_MAX_RANK && (t->dims || !t->rank), IG_ERROR_INVALID_ARGUMENT, "tensor: rank %d, or dims is NULL", t->rank);
  for (int32_t k = 0; k < t->rank; k++)
    IG_REQUIRE(t->dims[k] >= 0 && ig_mul_i64(n, t->dims[k], &n), IG_ERROR_INVALID_ARGUMENT, "tensor: dim %d is %lld", k, (long long)t->dims[k]);
  *out_n = n;
  *out_bytes = ig_dtype_bytes(t->dtype, (uint64_t)n);
  IG_REQUIRE(*out_bytes || !n, IG_ERROR_INVALID_ARGUMENT, "tensor: data type 0x%x is not known, or the tensor is too large", t->dtype);
  IG_REQUIRE(t->data || !n, IG_ERROR_INVALID_ARGUMENT, "tensor: data is NULL");
  IG_REQUIRE(t->device_type == 1 || t->device_type == 0, IG_ERROR_INVALID_ARGUMENT, "tensor: device type %d, expected CPU memory (1)",
             t->device_type);
  return NULL;
}

static bool is_compact(const ig_tensor *t) {
  int64_t n = 1;
  for (int32_t k = t->rank; t->strides && k-- > 0; n *= t->dims[k])
    if (t->dims[k] != 1 && t->strides[k] != n) return false;
  return true;
}

static ig_status copy_tensor(const ig_tensor *t, int64_t n, size_t n_bytes, uint8_t *to) {
  const uint8_t *from = (const uint8_t *)t->data + t->byte_offset;
  if (n == 0) return NULL;
  if (is_compact(t)) {
    memcpy(to, from, n_bytes);
    return NULL;
  }
  const size_t size = IG_DTYPE_BITS(t->dtype) / 8;
  IG_REQUIRE(size, IG_ERROR_UNSUPPORTED, "tensor: elements of %u bits must be compact", IG_DTYPE_BITS(t->dtype));
  int64_t at[IG_MAX_RANK] = {0};
  for (int64_t i = 0; i < n; i++) {
    int64_t offset = 0;
    for (int32_t k = 0; k < t->rank; k++)
      offset += at[k] * t->strides[k];
    memcpy(to + (size_t)i * size, from + offset * (int64_t)size, size);
    for (int32_t k = t->rank; k-- > 0;) {
      if (++at[k] < t->dims[k]) break;
      at[k] = 0;
    }
  }
  return NULL;
}

static ig_status own_strings(ig_value *v, int64_t n) {
  ig_string *s = v->data;
  for (int64_t i = 0; i < n; i++) {
    char *copy = ig_arena_strndup(&v->arena, s[i].data ? s[i].data : "", s[i].n);
    if (!copy) return ig_arena_status(&v->arena);
    s[i].data = copy;
  }
  return NULL;
}

static ig_status fill(ig_value *v, const char *name, const ig_tensor *t) {
  int64_t n;
  size_t n_bytes;
  IG_TRY(count_of(t, &n, &n_bytes));
  v->name = ig_arena_strdup(&v->arena, name ? name : "");
  if (!v->name) return ig_arena_status(&v->arena);
  uint8_t *data = ig_alloc_aligned(&v->env->alloc, n_bytes ? n_bytes : 1);
  IG_CHECK_MEM(data);
  set(v, data, n_bytes, t->dtype, t->rank, t->dims);
  IG_TRY(copy_tensor(t, n, n_bytes, data));
  return t->dtype == IG_DTYPE_STRING ? own_strings(v, n) : NULL;
}

ig_status ig_value_create(ig_env *env, const char *name, const ig_tensor *t, ig_value **out_value) {
  IG_REQUIRE(out_value, IG_ERROR_INVALID_ARGUMENT, "ig_value_create: out_value is NULL");
  *out_value = NULL;
  IG_REQUIRE(env && t, IG_ERROR_INVALID_ARGUMENT, "ig_value_create: env or tensor is NULL");
  ig_value *v;
  IG_TRY(value_new(env, &v));
  ig_status st = fill(v, name, t);
  if (st)
    ig_value_release(v);
  else
    *out_value = v;
  return st;
}

/* ---- narrowing ---- */

static bool is_small_float(ig_dtype d) { return d == IG_DTYPE_F4E2M1 || (IG_DTYPE_BITS(d) == 8 && (d & 0xffu) >= 10); }

static bool narrows(ig_dtype from, ig_dtype to) {
  if (from == IG_DTYPE_F32) return to == IG_DTYPE_BF16 || is_small_float(to);
  if (from == IG_DTYPE_I8) return to == IG_DTYPE_I4 || to == IG_DTYPE_I2;
  return from == IG_DTYPE_U8 && (to == IG_DTYPE_U4 || to == IG_DTYPE_U2);
}

/* Bits of element i in the type `to`; false where an integer does not fit. */
static bool narrow_one(const ig_value *v, int64_t i, ig_dtype to, uint32_t *out) {
  if (v->tensor.dtype == IG_DTYPE_F32) {
    float f;
    memcpy(&f, (const char *)v->data + (size_t)i * sizeof f, sizeof f);
    *out = to == IG_DTYPE_BF16 ? ig_f32_to_bf16(f) : ig_f32_to_small(to, f, true, 2);
    return true;
  }
  const uint8_t raw = ((const uint8_t *)v->data)[i];
  const uint32_t bits = IG_DTYPE_BITS(to), mask = (1u << bits) - 1;
  *out = raw & mask;
  if (v->tensor.dtype == IG_DTYPE_U8) return raw <= mask;
  const int value = (int8_t)raw, limit = 1 << (bits - 1);
  return value >= -limit && value < limit;
}

ig_status ig_value_narrow(ig_value *v, ig_dtype to) {
  IG_REQUIRE(v, IG_ERROR_INVALID_ARGUMENT, "ig_value_narrow: value is NULL");
  if (v->tensor.dtype == to) return NULL;
  IG_REQUIRE(narrows(v->tensor.dtype, to), IG_ERROR_INVALID_ARGUMENT, "data of type %s where %s is wanted", ig_dtype_name(v->tensor.dtype),
             ig_dtype_name(to));
  int64_t n;
  size_t n_old;
  IG_TRY(count_of(&v->tensor, &n, &n_old));
  const uint32_t bits = IG_DTYPE_BITS(to);
  const size_t n_bytes = ig_dtype_bytes(to, (uint64_t)n);
  uint8_t *data = ig_alloc_aligned(&v->env->alloc, n_bytes ? n_bytes : 1);
  IG_CHECK_MEM(data);
  memset(data, 0, n_bytes);
  for (int64_t i = 0; i < n; i++) {
    uint32_t u;
    if (!narrow_one(v, i, to, &u)) {
      ig_free_aligned(&v->env->alloc, data, n_bytes ? n_bytes : 1);
      IG_FAIL(IG_ERROR_INVALID_ARGUMENT, "element %lld does not fit the type %s", (long long)i, ig_dtype_name(to));
    }
    if (bits == 16)
      data[i * 2] = (uint8_t)u, data[i * 2 + 1] = (uint8_t)(u >> 8);
    else
      data[(uint64_t)i * bits / 8] |= (uint8_t)(u << ((uint64_t)i * bits % 8));
  }
  set(v, data, n_bytes, to, v->tensor.rank, v->dims);
  return NULL;
}

/* ---- writing ---- */

static ig_status save(const ig_value *v, const char *format, const char *path, bool *out_widened) {
  ig_data d = {.dtype = v->tensor.dtype, .rank = (uint8_t)v->tensor.rank, .bytes = v->data};
  int64_t n;
  IG_TRY(count_of(&v->tensor, &n, &d.n_bytes));
  if (d.rank) memcpy(d.dims, v->dims, d.rank * sizeof *d.dims);
  ig_buf out;
  ig_buf_init(&out, &v->env->alloc);
  ig_status st = NULL;
  if (strcmp(format, "pb") == 0)
    ig_onnx_write_tensor(&out, v->name, &d);
  else
    st = ig_npy_write(&d, &out, out_widened);
  if (!st && out.failed) st = IG_OOM();
  if (!st) st = ig_file_write(&v->env->alloc, path, out.data, out.n);
  ig_buf_free(&out);
  return st;
}

ig_status ig_tensor_save_file(ig_env *env, const ig_tensor *t, const char *name, const char *format, const char *path, int *out_widened) {
  IG_REQUIRE(env && t && format && path, IG_ERROR_INVALID_ARGUMENT, "ig_tensor_save_file: an argument is NULL");
  IG_REQUIRE(strcmp(format, "npy") == 0 || strcmp(format, "pb") == 0, IG_ERROR_INVALID_ARGUMENT, "format '%s' is neither npy nor pb", format);
  ig_value *v;
  IG_TRY(ig_value_create(env, name, t, &v));
  bool widened = false;
  ig_status st = save(v, format, path, &widened);
  if (out_widened) *out_widened = widened;
  ig_value_release(v);
  return st;
}

/* ---- values and contexts ---- */

ig_value_kind ig_value_get_kind(const ig_value *v) {
  IG_UNUSED(v);
  return IG_VALUE_TENSOR;
}

ig_status ig_value_string(const ig_value *v, size_t i, const char **out, size_t *out_n) {
  IG_REQUIRE(v && out && out_n, IG_ERROR_INVALID_ARGUMENT, "ig_value_string: an argument is NULL");
  *out = NULL;
  *out_n = 0;
  IG_REQUIRE(v->tensor.dtype == IG_DTYPE_STRING, IG_ERROR_INVALID_ARGUMENT, "ig_value_string: the value is of type %s", ig_dtype_name(v->tensor.dtype));
  uint64_t n = 1;
  for (int32_t k = 0; k < v->tensor.rank; k++) n *= (uint64_t)v->tensor.dims[k];
  IG_REQUIRE(i < n, IG_ERROR_INVALID_ARGUMENT, "ig_value_string: element %zu of %llu", i, (unsigned long long)n);
  const ig_string *s = (const ig_string *)v->data + i;
  *out = s->data;
  *out_n = s->n;
  return NULL;
}

ig_status ig_context_set_value(ig_context *c, const char *input, const ig_value *v) {
  IG_REQUIRE(c && input && v, IG_ERROR_INVALID_ARGUMENT, "ig_context_set_value: an argument is NULL");
  uint64_t n = 1;
  for (int32_t k = 0; k < v->tensor.rank; k++) n *= (uint64_t)v->tensor.dims[k];
  const ig_tensor as_given = { .data = v->data, .device_type = 1, .rank = v->tensor.rank, .dtype = v->tensor.dtype, .dims = (int64_t *)(uintptr_t)v->dims };
  IG_TRY(ig_context_set_tensor(c, input, &as_given));   /* checks type and rank and sets the shape; the data is copied at once, below */
  return ig_context_set_data(c, input, v->data, ig_dtype_bytes(v->tensor.dtype, n));
}

ig_status ig_context_get_value(ig_env *env, ig_context *c, const char *output, ig_value **out_value) {
  IG_REQUIRE(out_value, IG_ERROR_INVALID_ARGUMENT, "ig_context_get_value: out_value is NULL");
  *out_value = NULL;
  ig_tensor t;
  IG_TRY(ig_context_get_tensor(c, output, &t));
  return ig_value_create(env, output, &t, out_value);
}
