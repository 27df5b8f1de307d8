/* Type tables: the bit of a dtype in an ig_types set.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/op.h"

static const struct {
  ig_dtype dtype;
  ig_types bit;
} rows[] = {
    {IG_DTYPE_F32, IG_T(F32)},
    {IG_DTYPE_U8, IG_T(U8)},
    {IG_DTYPE_I8, IG_T(I8)},
    {IG_DTYPE_U16, IG_T(U16)},
    {IG_DTYPE_I16, IG_T(I16)},
    {IG_DTYPE_I32, IG_T(I32)},
    {IG_DTYPE_I64, IG_T(I64)},
    {IG_DTYPE_STRING, IG_T(STRING)},
    {IG_DTYPE_BOOL, IG_T(BOOL)},
    {IG_DTYPE_F16, IG_T(F16)},
    {IG_DTYPE_F64, IG_T(F64)},
    {IG_DTYPE_U32, IG_T(U32)},
    {IG_DTYPE_U64, IG_T(U64)},
    {IG_DTYPE_C64, IG_T(C64)},
    {IG_DTYPE_C128, IG_T(C128)},
    {IG_DTYPE_BF16, IG_T(BF16)},
    {IG_DTYPE_F8E4M3FN, IG_T(E4M3FN)},
    {IG_DTYPE_F8E4M3FNUZ, IG_T(E4M3FNUZ)},
    {IG_DTYPE_F8E5M2, IG_T(E5M2)},
    {IG_DTYPE_F8E5M2FNUZ, IG_T(E5M2FNUZ)},
    {IG_DTYPE_U4, IG_T(U4)},
    {IG_DTYPE_I4, IG_T(I4)},
    {IG_DTYPE_F4E2M1, IG_T(F4)},
    {IG_DTYPE_F8E8M0, IG_T(E8M0)},
    {IG_DTYPE_U2, IG_T(U2)},
    {IG_DTYPE_I2, IG_T(I2)},
    {IG_DTYPE_F6E2M3, IG_T(F6E2M3)},
    {IG_DTYPE_F6E3M2, IG_T(F6E3M2)},
};

ig_types ig_type_bit(ig_dtype d) {
  for (size_t i = 0; i < IG_COUNT(rows); i++) {
    if (rows[i].dtype == d) return rows[i].bit;
  }
  return 0;
}

ig_dtype ig_type_only(ig_types set) {
  for (size_t i = 0; i < IG_COUNT(rows); i++) {
    if (rows[i].bit == set) return rows[i].dtype;
  }
  return IG_DTYPE_NONE;
}
