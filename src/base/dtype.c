/* Data types: names and sizes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"

static const struct {
  ig_dtype dtype;
  const char *name;
} names[] = {
  { IG_DTYPE_F32, "float" },
  { IG_DTYPE_U8, "uint8" },
  { IG_DTYPE_I8, "int8" },
  { IG_DTYPE_U16, "uint16" },
  { IG_DTYPE_I16, "int16" },
  { IG_DTYPE_I32, "int32" },
  { IG_DTYPE_I64, "int64" },
  { IG_DTYPE_STRING, "string" },
  { IG_DTYPE_BOOL, "bool" },
  { IG_DTYPE_F16, "float16" },
  { IG_DTYPE_F64, "double" },
  { IG_DTYPE_U32, "uint32" },
  { IG_DTYPE_U64, "uint64" },
  { IG_DTYPE_C64, "complex64" },
  { IG_DTYPE_C128, "complex128" },
  { IG_DTYPE_BF16, "bfloat16" },
  { IG_DTYPE_F8E4M3FN, "float8e4m3fn" },
  { IG_DTYPE_F8E4M3FNUZ, "float8e4m3fnuz" },
  { IG_DTYPE_F8E5M2, "float8e5m2" },
  { IG_DTYPE_F8E5M2FNUZ, "float8e5m2fnuz" },
  { IG_DTYPE_F8E8M0, "float8e8m0" },
  { IG_DTYPE_F4E2M1, "float4e2m1" },
  { IG_DTYPE_U4, "uint4" },
  { IG_DTYPE_I4, "int4" },
  { IG_DTYPE_U2, "uint2" },
  { IG_DTYPE_I2, "int2" },
};

const char *ig_dtype_name(ig_dtype d) {
  for (size_t i = 0; i < IG_COUNT(names); i++) {
    if (names[i].dtype == d) return names[i].name;
  }
  return "?";
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
