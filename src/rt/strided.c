/* Copies between layouts of caller's tensors. SPDX-License-Identifier: Apache-2.0 */
#include "rt/rt.h"

void ig_strided_copy(void *dst, const int64_t *dst_strides, const void *src, const int64_t *src_strides, const int64_t *dims, uint32_t rank, size_t elem) {
  int64_t at[IG_MAX_RANK] = { 0 };
  for (uint32_t k = 0; k < rank; k++)
    if (dims[k] == 0) return;
  const int64_t inner = rank ? dims[rank - 1] : 1, ds = rank ? dst_strides[rank - 1] : 1, ss = rank ? src_strides[rank - 1] : 1;
  for (;;) {
    int64_t d = 0, s = 0;
    for (uint32_t k = 0; k + 1 < rank; k++) d += at[k] * dst_strides[k], s += at[k] * src_strides[k];
    if (ds == 1 && ss == 1) memcpy((char *)dst + d * (int64_t)elem, (const char *)src + s * (int64_t)elem, (size_t)inner * elem);
    else
      for (int64_t i = 0; i < inner; i++) memcpy((char *)dst + (d + i * ds) * (int64_t)elem, (const char *)src + (s + i * ss) * (int64_t)elem, elem);
    uint32_t k = rank > 1 ? rank - 1 : 0;
    while (k > 0 && ++at[k - 1] == dims[k - 1]) at[--k] = 0;
    if (k == 0) return;
  }
}
