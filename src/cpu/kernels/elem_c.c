/* Conversions of runs of elements between storage types and compute types. One macro line per type; contiguous runs get a loop of
 * their own so that the compiler can use what the baseline offers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/elem.h"

#define LOADER(name, storage, compute, expr) \
  static void load_##name(const void *data, int64_t at, int64_t stride, int64_t n, void *out) { \
    const storage *p = (const storage *)data + at; \
    compute *o = out; \
    if (stride == 0 && n > 0) { \
      const storage x = *p; \
      const compute v = (expr); \
      for (int64_t i = 0; i < n; i++) o[i] = v; \
    } else if (stride == 1) { \
      for (int64_t i = 0; i < n; i++) { const storage x = p[i]; o[i] = (expr); } \
    } else { \
      for (int64_t i = 0; i < n; i++) { const storage x = p[i * stride]; o[i] = (expr); } \
    } \
  }
/* Types that are their own compute form. */
#define SAME(name, T) \
  LOADER(name##_strided, T, T, x) \
  static void load_##name(const void *data, int64_t at, int64_t stride, int64_t n, void *out) { \
    if (stride == 1) memcpy(out, (const T *)data + at, (size_t)n * sizeof(T)); \
    else load_##name##_strided(data, at, stride, n, out); \
  }
SAME(f32, float)
SAME(f64, double)
SAME(i32, int32_t)
SAME(i64, int64_t)
SAME(u64, uint64_t)
LOADER(u32, uint32_t, int64_t, x)
LOADER(i8, int8_t, int32_t, x)
LOADER(u8, uint8_t, int32_t, x)
LOADER(i16, int16_t, int32_t, x)
LOADER(u16, uint16_t, int32_t, x)
LOADER(bool, uint8_t, uint8_t, x != 0)
LOADER(f16, uint16_t, float, ig_f16_to_f32(x))
LOADER(bf16, uint16_t, float, ig_bf16_to_f32(x))
LOADER(f8e4m3fn, uint8_t, float, ig_small_to_f32(IG_DTYPE_F8E4M3FN, x))
LOADER(f8e4m3fnuz, uint8_t, float, ig_small_to_f32(IG_DTYPE_F8E4M3FNUZ, x))
LOADER(f8e5m2, uint8_t, float, ig_small_to_f32(IG_DTYPE_F8E5M2, x))
LOADER(f8e5m2fnuz, uint8_t, float, ig_small_to_f32(IG_DTYPE_F8E5M2FNUZ, x))
LOADER(f8e8m0, uint8_t, float, ig_small_to_f32(IG_DTYPE_F8E8M0, x))
LOADER(f6e2m3, uint8_t, float, ig_small_to_f32(IG_DTYPE_F6E2M3, x))
LOADER(f6e3m2, uint8_t, float, ig_small_to_f32(IG_DTYPE_F6E3M2, x))

/* Element `at` (which may lie before p) of packed elements of `bits` bits, first element in the low bits. */
static unsigned bits_get(const uint8_t *p, int64_t at, unsigned bits) {
  const int64_t bit = at * (int64_t)bits;
  return p[bit >> 3] >> (bit & 7) & ((1u << bits) - 1);
}
static void bits_set(uint8_t *p, int64_t at, unsigned bits, unsigned v) {
  const int64_t bit = at * (int64_t)bits;
  const unsigned shift = (unsigned)(bit & 7), mask = ((1u << bits) - 1) << shift;
  p[bit >> 3] = (uint8_t)((p[bit >> 3] & ~mask) | (v << shift & mask));
}
#define BITS_LOADER(name, n_bits, compute, expr) \
  static void load_##name(const void *data, int64_t at, int64_t stride, int64_t n, void *out) { \
    compute *o = out; \
    for (int64_t i = 0; i < n; i++) { const unsigned x = bits_get(data, at + i * stride, n_bits); o[i] = (expr); } \
  }
BITS_LOADER(u4, 4, int32_t, (int32_t)x)
BITS_LOADER(u2, 2, int32_t, (int32_t)x)
BITS_LOADER(i4, 4, int32_t, (int32_t)(x ^ 8) - 8)
BITS_LOADER(i2, 2, int32_t, (int32_t)(x ^ 2) - 2)
BITS_LOADER(f4, 4, float, ig_small_to_f32(IG_DTYPE_F4E2M1, (uint8_t)x))

ig_elem_load_fn ig_elem_loader(ig_dtype dtype) {
  switch (dtype) {
    case IG_DTYPE_F32: return load_f32;
    case IG_DTYPE_F64: return load_f64;
    case IG_DTYPE_F16: return load_f16;
    case IG_DTYPE_BF16: return load_bf16;
    case IG_DTYPE_I8: return load_i8;
    case IG_DTYPE_U8: return load_u8;
    case IG_DTYPE_I16: return load_i16;
    case IG_DTYPE_U16: return load_u16;
    case IG_DTYPE_I32: return load_i32;
    case IG_DTYPE_U32: return load_u32;
    case IG_DTYPE_I64: return load_i64;
    case IG_DTYPE_U64: return load_u64;
    case IG_DTYPE_BOOL: return load_bool;
    case IG_DTYPE_I4: return load_i4;
    case IG_DTYPE_I2: return load_i2;
    case IG_DTYPE_U4: return load_u4;
    case IG_DTYPE_U2: return load_u2;
    case IG_DTYPE_F8E4M3FN: return load_f8e4m3fn;
    case IG_DTYPE_F8E4M3FNUZ: return load_f8e4m3fnuz;
    case IG_DTYPE_F8E5M2: return load_f8e5m2;
    case IG_DTYPE_F8E5M2FNUZ: return load_f8e5m2fnuz;
    case IG_DTYPE_F8E8M0: return load_f8e8m0;
    case IG_DTYPE_F6E2M3: return load_f6e2m3;
    case IG_DTYPE_F6E3M2: return load_f6e3m2;
    case IG_DTYPE_F4E2M1: return load_f4;
    default: return NULL;
  }
}

#define STORER(name, storage, compute, expr) \
  static void store_##name(void *data, int64_t at, int64_t stride, int64_t n, const void *values) { \
    storage *p = (storage *)data + at; \
    const compute *v = values; \
    if (stride == 1) { \
      for (int64_t i = 0; i < n; i++) { const compute x = v[i]; p[i] = (storage)(expr); } \
    } else { \
      for (int64_t i = 0; i < n; i++) { const compute x = v[i]; p[i * stride] = (storage)(expr); } \
    } \
  }
/* A result may lie on the operand that it comes from: memmove. */
#define SAME_STORER(name, T) \
  STORER(name##_strided, T, T, x) \
  static void store_##name(void *data, int64_t at, int64_t stride, int64_t n, const void *values) { \
    if (stride == 1) memmove((T *)data + at, values, (size_t)n * sizeof(T)); \
    else store_##name##_strided(data, at, stride, n, values); \
  }
SAME_STORER(f32, float)
SAME_STORER(f64, double)
SAME_STORER(i32, int32_t)
SAME_STORER(i64, int64_t)
SAME_STORER(u64, uint64_t)
STORER(u32, uint32_t, int64_t, x)
STORER(8, uint8_t, int32_t, x)
STORER(16, uint16_t, int32_t, x)
STORER(bool, uint8_t, uint8_t, x)
STORER(f16, uint16_t, float, ig_f32_to_f16(x))
STORER(bf16, uint16_t, float, ig_f32_to_bf16(x))
STORER(f16_f64, uint16_t, double, ig_f64_to_f16(x))
STORER(bf16_f64, uint16_t, double, ig_f64_to_bf16(x))
#define SMALL_STORERS(name, dtype) \
  STORER(name, uint8_t, float, ig_f32_to_small(dtype, x, false, 2)) \
  STORER(name##_sat, uint8_t, float, ig_f32_to_small(dtype, x, true, 2))
SMALL_STORERS(f8e4m3fn, IG_DTYPE_F8E4M3FN)
SMALL_STORERS(f8e4m3fnuz, IG_DTYPE_F8E4M3FNUZ)
SMALL_STORERS(f8e5m2, IG_DTYPE_F8E5M2)
SMALL_STORERS(f8e5m2fnuz, IG_DTYPE_F8E5M2FNUZ)
SMALL_STORERS(f8e8m0, IG_DTYPE_F8E8M0)
SMALL_STORERS(f6e2m3, IG_DTYPE_F6E2M3)
SMALL_STORERS(f6e3m2, IG_DTYPE_F6E3M2)
STORER(f8e8m0_up, uint8_t, float, ig_f32_to_small(IG_DTYPE_F8E8M0, x, false, 0))
STORER(f8e8m0_up_sat, uint8_t, float, ig_f32_to_small(IG_DTYPE_F8E8M0, x, true, 0))
STORER(f8e8m0_down, uint8_t, float, ig_f32_to_small(IG_DTYPE_F8E8M0, x, false, 1))
STORER(f8e8m0_down_sat, uint8_t, float, ig_f32_to_small(IG_DTYPE_F8E8M0, x, true, 1))

#define BITS_STORER(name, n_bits, compute, expr) \
  static void store_##name(void *data, int64_t at, int64_t stride, int64_t n, const void *values) { \
    const compute *v = values; \
    for (int64_t i = 0; i < n; i++) { const compute x = v[i]; bits_set(data, at + i * stride, n_bits, (unsigned)(expr)); } \
  }
BITS_STORER(b4, 4, int32_t, x)
BITS_STORER(b2, 2, int32_t, x)
BITS_STORER(f4, 4, float, ig_f32_to_small(IG_DTYPE_F4E2M1, x, false, 2))
BITS_STORER(f4_sat, 4, float, ig_f32_to_small(IG_DTYPE_F4E2M1, x, true, 2))

static ig_elem_store_fn e8m0_storer(unsigned flags) {
  const bool sat = flags & IG_STORE_SATURATE;
  if (flags & IG_STORE_ROUND_UP) return sat ? store_f8e8m0_up_sat : store_f8e8m0_up;
  if (flags & IG_STORE_ROUND_DOWN) return sat ? store_f8e8m0_down_sat : store_f8e8m0_down;
  return sat ? store_f8e8m0_sat : store_f8e8m0;
}

static ig_elem_store_fn f32_storer(ig_dtype dtype, unsigned flags) {
  const bool sat = flags & IG_STORE_SATURATE;
  switch (dtype) {
    case IG_DTYPE_F32: return store_f32;
    case IG_DTYPE_F16: return store_f16;
    case IG_DTYPE_BF16: return store_bf16;
    case IG_DTYPE_F8E4M3FN: return sat ? store_f8e4m3fn_sat : store_f8e4m3fn;
    case IG_DTYPE_F8E4M3FNUZ: return sat ? store_f8e4m3fnuz_sat : store_f8e4m3fnuz;
    case IG_DTYPE_F8E5M2: return sat ? store_f8e5m2_sat : store_f8e5m2;
    case IG_DTYPE_F8E5M2FNUZ: return sat ? store_f8e5m2fnuz_sat : store_f8e5m2fnuz;
    case IG_DTYPE_F8E8M0: return e8m0_storer(flags);
    case IG_DTYPE_F6E2M3: return sat ? store_f6e2m3_sat : store_f6e2m3;
    case IG_DTYPE_F6E3M2: return sat ? store_f6e3m2_sat : store_f6e3m2;
    case IG_DTYPE_F4E2M1: return sat ? store_f4_sat : store_f4;
    default: return NULL;
  }
}

static ig_elem_store_fn i32_storer(ig_dtype dtype) {
  switch (dtype) {
    case IG_DTYPE_I32: return store_i32;
    case IG_DTYPE_I8: case IG_DTYPE_U8: return store_8;
    case IG_DTYPE_I16: case IG_DTYPE_U16: return store_16;
    case IG_DTYPE_I4: case IG_DTYPE_U4: return store_b4;
    case IG_DTYPE_I2: case IG_DTYPE_U2: return store_b2;
    default: return NULL;
  }
}

ig_elem_store_fn ig_elem_storer(ig_dtype dtype, ig_stype type, unsigned flags) {
  switch (type) {
    case IG_S_F32: return f32_storer(dtype, flags);
    case IG_S_F64: return dtype == IG_DTYPE_F64 ? store_f64 : dtype == IG_DTYPE_F16 ? store_f16_f64 : dtype == IG_DTYPE_BF16 ? store_bf16_f64 : NULL;
    case IG_S_I32: return i32_storer(dtype);
    case IG_S_I64: return dtype == IG_DTYPE_I64 ? store_i64 : dtype == IG_DTYPE_U32 ? store_u32 : NULL;
    case IG_S_U64: return dtype == IG_DTYPE_U64 ? store_u64 : NULL;
    case IG_S_BOOL: return dtype == IG_DTYPE_BOOL ? store_bool : NULL;
  }
  return NULL;
}

void ig_elem_copy(const ig_view *dst, int64_t at_dst, const ig_view *src, int64_t at_src) {
  const size_t size = ig_elem_size(src->dtype);
  if (size > 0) {
    memcpy((char *)dst->data + at_dst * (int64_t)size, (const char *)src->data + at_src * (int64_t)size, size);
    return;
  }
  const unsigned bits = IG_DTYPE_BITS(src->dtype);
  bits_set(dst->data, at_dst + dst->first, bits, bits_get(src->data, at_src + src->first, bits));
}
