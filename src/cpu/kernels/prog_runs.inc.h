/* Runs of the frequent storage types for the block interpreter, as loops that a compiler vectorises: include after prog_ops_f32.inc.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

/* Floats: a bias is one value for a whole run. */
static void f32_load_run(const void *data, int64_t at, int64_t stride, int64_t n, void *out) {
  const float *p = (const float *)data + at;
  float *o = out;
  if (stride == 1) {
    memcpy(o, p, (size_t)n * sizeof *o);
    return;
  }
  if (stride == 0 && n > 0) {
    const float x = *p;
    OP_LOOP for (int64_t i = 0; i < n; i++) o[i] = x;
    return;
  }
  for (int64_t i = 0; i < n; i++) o[i] = p[i * stride];
}
/* Bytes to and from 32-bit integers: what quantised networks read and write. */
#define BYTES(name, T) \
  static void load_##name(const void *data, int64_t at, int64_t stride, int64_t n, void *out) { \
    const T *p = (const T *)data + at; \
    int32_t *o = out; \
    if (stride == 1) { OP_LOOP for (int64_t i = 0; i < n; i++) o[i] = p[i]; } \
    else for (int64_t i = 0; i < n; i++) o[i] = p[i * stride]; \
  } \
  static void store_##name(void *data, int64_t at, int64_t stride, int64_t n, const void *values) { \
    T *p = (T *)data + at; \
    const int32_t *v = values; \
    if (stride == 1) { OP_LOOP for (int64_t i = 0; i < n; i++) p[i] = (T)v[i]; } \
    else for (int64_t i = 0; i < n; i++) p[i * stride] = (T)v[i]; \
  }
BYTES(i8, int8_t)
BYTES(u8, uint8_t)
static ig_elem_load_fn f32_load(ig_dtype d) {
  return d == IG_DTYPE_F32 ? f32_load_run : d == IG_DTYPE_I8 ? load_i8 : d == IG_DTYPE_U8 ? load_u8 : NULL;
}
static ig_elem_store_fn f32_store(ig_dtype d, ig_stype t, unsigned flags) {
  IG_UNUSED(flags);
  return t != IG_S_I32 ? NULL : d == IG_DTYPE_I8 ? store_i8 : d == IG_DTYPE_U8 ? store_u8 : NULL;
}
