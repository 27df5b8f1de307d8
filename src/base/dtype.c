/* Data types: names and sizes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"

static const struct {
  ig_dtype dtype;
  const char *name;
  int32_t onnx;
} names[] = {
  { IG_DTYPE_F32, "float", 1 },
  { IG_DTYPE_U8, "uint8", 2 },
  { IG_DTYPE_I8, "int8", 3 },
  { IG_DTYPE_U16, "uint16", 4 },
  { IG_DTYPE_I16, "int16", 5 },
  { IG_DTYPE_I32, "int32", 6 },
  { IG_DTYPE_I64, "int64", 7 },
  { IG_DTYPE_STRING, "string", 8 },
  { IG_DTYPE_BOOL, "bool", 9 },
  { IG_DTYPE_F16, "float16", 10 },
  { IG_DTYPE_F64, "double", 11 },
  { IG_DTYPE_U32, "uint32", 12 },
  { IG_DTYPE_U64, "uint64", 13 },
  { IG_DTYPE_C64, "complex64", 14 },
  { IG_DTYPE_C128, "complex128", 15 },
  { IG_DTYPE_BF16, "bfloat16", 16 },
  { IG_DTYPE_F8E4M3FN, "float8e4m3fn", 17 },
  { IG_DTYPE_F8E4M3FNUZ, "float8e4m3fnuz", 18 },
  { IG_DTYPE_F8E5M2, "float8e5m2", 19 },
  { IG_DTYPE_F8E5M2FNUZ, "float8e5m2fnuz", 20 },
  { IG_DTYPE_F8E8M0, "float8e8m0", 24 },
  { IG_DTYPE_F4E2M1, "float4e2m1", 23 },
  { IG_DTYPE_U4, "uint4", 21 },
  { IG_DTYPE_I4, "int4", 22 },
  { IG_DTYPE_U2, "uint2", 25 },
  { IG_DTYPE_I2, "int2", 26 },
  { IG_DTYPE_F6E2M3, "float6e2m3", 27 },
  { IG_DTYPE_F6E3M2, "float6e3m2", 28 },
};

const char *ig_dtype_name(ig_dtype d) {
  for (size_t i = 0; i < IG_COUNT(names); i++) {
    if (names[i].dtype == d) return names[i].name;
  }
  return "?";
}

ig_dtype ig_dtype_from_onnx(int64_t onnx) {
  for (size_t i = 0; i < IG_COUNT(names); i++) {
    if (names[i].onnx == onnx) return names[i].dtype;
  }
  return IG_DTYPE_NONE;
}

int32_t ig_dtype_to_onnx(ig_dtype d) {
  for (size_t i = 0; i < IG_COUNT(names); i++) {
    if (names[i].dtype == d) return names[i].onnx;
  }
  return 0;
}

size_t ig_dtype_bytes(ig_dtype d, uint64_t n) {
  const uint64_t bits = IG_DTYPE_BITS(d);
  if (bits >= 8) {
    size_t n_bytes;
    return ig_mul_size(n, bits / 8, &n_bytes) ? n_bytes : 0;
  }
  if (bits == 0) return 0;
  const uint64_t per_byte = 8 / bits;
  return n / per_byte + (n % per_byte != 0);
}
