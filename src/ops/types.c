/* Type tables: the bit of a dtype in an ig_types set, and ONNX's number of it (TensorProto.DataType), which attributes such as Cast's
 * `to` hold.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/op.h"

static const struct {
  ig_dtype dtype;
  ig_types bit;
  int32_t onnx;
} rows[] = {
    {IG_DTYPE_F32, IG_T(F32), 1},
    {IG_DTYPE_U8, IG_T(U8), 2},
    {IG_DTYPE_I8, IG_T(I8), 3},
    {IG_DTYPE_U16, IG_T(U16), 4},
    {IG_DTYPE_I16, IG_T(I16), 5},
    {IG_DTYPE_I32, IG_T(I32), 6},
    {IG_DTYPE_I64, IG_T(I64), 7},
    {IG_DTYPE_STRING, IG_T(STRING), 8},
    {IG_DTYPE_BOOL, IG_T(BOOL), 9},
    {IG_DTYPE_F16, IG_T(F16), 10},
    {IG_DTYPE_F64, IG_T(F64), 11},
    {IG_DTYPE_U32, IG_T(U32), 12},
    {IG_DTYPE_U64, IG_T(U64), 13},
    {IG_DTYPE_C64, IG_T(C64), 14},
    {IG_DTYPE_C128, IG_T(C128), 15},
    {IG_DTYPE_BF16, IG_T(BF16), 16},
    {IG_DTYPE_F8E4M3FN, IG_T(E4M3FN), 17},
    {IG_DTYPE_F8E4M3FNUZ, IG_T(E4M3FNUZ), 18},
    {IG_DTYPE_F8E5M2, IG_T(E5M2), 19},
    {IG_DTYPE_F8E5M2FNUZ, IG_T(E5M2FNUZ), 20},
    {IG_DTYPE_U4, IG_T(U4), 21},
    {IG_DTYPE_I4, IG_T(I4), 22},
    {IG_DTYPE_F4E2M1, IG_T(F4), 23},
    {IG_DTYPE_F8E8M0, IG_T(E8M0), 24},
    {IG_DTYPE_U2, IG_T(U2), 25},
    {IG_DTYPE_I2, IG_T(I2), 26},
};

ig_types ig_type_bit(ig_dtype d) {
  for (size_t i = 0; i < IG_COUNT(rows); i++) {
    if (rows[i].dtype == d) return rows[i].bit;
  }
  return 0;
}

ig_dtype ig_type_from_onnx(int64_t onnx) {
  for (size_t i = 0; i < IG_COUNT(rows); i++) {
    if (rows[i].onnx == onnx) return rows[i].dtype;
  }
  return IG_DTYPE_NONE;
}

int32_t ig_type_to_onnx(ig_dtype d) {
  for (size_t i = 0; i < IG_COUNT(rows); i++) {
    if (rows[i].dtype == d) return rows[i].onnx;
  }
  return 0;
}

ig_dtype ig_type_only(ig_types set) {
  for (size_t i = 0; i < IG_COUNT(rows); i++) {
    if (rows[i].bit == set) return rows[i].dtype;
  }
  return IG_DTYPE_NONE;
}
