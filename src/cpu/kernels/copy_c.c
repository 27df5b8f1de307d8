/* Copying boxes of opaque elements. See copy.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/copy.h"

void ig_copy_init(ig_copy *p, uint32_t rank, const int64_t *dims, const int64_t *src, const int64_t *dst, size_t size) {
  *p = (ig_copy){ .size = size };
  for (uint32_t k = 0; k < rank; k++) {
    if (dims[k] == 1) continue;
    const uint32_t last = p->rank - 1;
    if (p->rank > 0 && p->src[last] == src[k] * dims[k] && p->dst[last] == dst[k] * dims[k]) {
      p->dims[last] *= dims[k];
      p->src[last] = src[k];
      p->dst[last] = dst[k];
      continue;
    }
    p->dims[p->rank] = dims[k];
    p->src[p->rank] = src[k];
    p->dst[p->rank++] = dst[k];
  }
}

typedef struct u128 { uint64_t lo, hi; } u128;
#define ROW(T) \
  static void row_##T(const char *src, int64_t s, char *dst, int64_t d, int64_t n) { \
    for (int64_t i = 0; i < n; i++) memcpy(dst + i * d * (int64_t)sizeof(T), src + i * s * (int64_t)sizeof(T), sizeof(T)); \
  } \
  /* n x m elements by squares, so that the side that is not contiguous reuses its cache lines */ \
  static void square_##T(const char *src, int64_t s0, int64_t s1, char *dst, int64_t d0, int64_t d1, int64_t n, int64_t m) { \
    enum { Q = 16 }; \
    for (int64_t i0 = 0; i0 < n; i0 += Q) \
      for (int64_t j0 = 0; j0 < m; j0 += Q) \
        for (int64_t i = i0; i < i0 + Q && i < n; i++) \
          for (int64_t j = j0; j < j0 + Q && j < m; j++) \
            memcpy(dst + (i * d0 + j * d1) * (int64_t)sizeof(T), src + (i * s0 + j * s1) * (int64_t)sizeof(T), sizeof(T)); \
  }
ROW(uint8_t)
ROW(uint16_t)
ROW(uint32_t)
ROW(uint64_t)
ROW(u128)

static void row(const ig_copy *p, const char *src, int64_t s, char *dst, int64_t d, int64_t n) {
  if (s == 1 && d == 1) {
    memmove(dst, src, (size_t)n * p->size);
    return;
  }
  switch (p->size) {
    case 1: row_uint8_t(src, s, dst, d, n); return;
    case 2: row_uint16_t(src, s, dst, d, n); return;
    case 4: row_uint32_t(src, s, dst, d, n); return;
    case 8: row_uint64_t(src, s, dst, d, n); return;
    default: row_u128(src, s, dst, d, n); return;
  }
}

static void square(const ig_copy *p, uint32_t k, const char *src, char *dst, int64_t n) {
  const int64_t s0 = p->src[k], s1 = p->src[k + 1], d0 = p->dst[k], d1 = p->dst[k + 1], m = p->dims[k + 1];
  switch (p->size) {
    case 1: square_uint8_t(src, s0, s1, dst, d0, d1, n, m); return;
    case 2: square_uint16_t(src, s0, s1, dst, d0, d1, n, m); return;
    case 4: square_uint32_t(src, s0, s1, dst, d0, d1, n, m); return;
    case 8: square_uint64_t(src, s0, s1, dst, d0, d1, n, m); return;
    default: square_u128(src, s0, s1, dst, d0, d1, n, m); return;
  }
}

/* Dims k .. rank-1, of dim k only n entries. */
static void box(const ig_copy *p, uint32_t k, const char *src, char *dst, int64_t n) {
  if (k + 1 == p->rank) {
    row(p, src, p->src[k], dst, p->dst[k], n);
    return;
  }
  const bool inner_runs = p->src[k + 1] == 1 && p->dst[k + 1] == 1;
  if (k + 2 == p->rank && !inner_runs) {
    square(p, k, src, dst, n);
    return;
  }
  for (int64_t i = 0; i < n; i++)
    box(p, k + 1, src + i * p->src[k] * (int64_t)p->size, dst + i * p->dst[k] * (int64_t)p->size, p->dims[k + 1]);
}

void ig_copy_slice(const ig_copy *p, const void *src, void *dst, int64_t lo, int64_t hi) {
  if (lo >= hi) return;
  if (p->rank == 0) {
    memcpy(dst, src, p->size);
    return;
  }
  for (uint32_t k = 1; k < p->rank; k++)
    if (p->dims[k] == 0) return;
  box(p, 0, (const char *)src + lo * p->src[0] * (int64_t)p->size, (char *)dst + lo * p->dst[0] * (int64_t)p->size, hi - lo);
}
void ig_copy_run(const ig_copy *p, const void *src, void *dst) { ig_copy_slice(p, src, dst, 0, p->rank ? p->dims[0] : 1); }
