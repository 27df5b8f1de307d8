/* Copying boxes of opaque elements. See copy.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/copy.h"
#include "hal/tactic.h"
#include <emmintrin.h>

static int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

static void put(ig_copy *p, uint32_t at, int64_t dim, int64_t src, int64_t dst) {
  p->dims[at] = dim;
  p->src[at] = src;
  p->dst[at] = dst;
}

/* Dims by falling strides of dst, so that it is written in the order of its memory. */
static void sort_dims(ig_copy *p) {
  for (uint32_t k = 1; k < p->rank; k++) {
    const int64_t dim = p->dims[k], src = p->src[k], dst = p->dst[k];
    uint32_t at = k;
    for (; at > 0 && magnitude(p->dst[at - 1]) < magnitude(dst); at--) put(p, at, p->dims[at - 1], p->src[at - 1], p->dst[at - 1]);
    put(p, at, dim, src, dst);
  }
}

static void merge_dims(ig_copy *p) {
  uint32_t n = 0;
  for (uint32_t k = 0; k < p->rank; k++) {
    const bool joins = n > 0 && p->src[n - 1] == p->src[k] * p->dims[k] && p->dst[n - 1] == p->dst[k] * p->dims[k];
    if (joins) put(p, n - 1, p->dims[n - 1] * p->dims[k], p->src[k], p->dst[k]);
    else put(p, n++, p->dims[k], p->src[k], p->dst[k]);
  }
  p->rank = n;
}

/* A short run that both sides have is one wider element. */
static void widen(ig_copy *p) {
  if (p->rank < 2) return;
  const uint32_t last = p->rank - 1;
  const int64_t n = p->dims[last], bytes = n * (int64_t)p->size;
  bool fits = p->src[last] == 1 && p->dst[last] == 1 && (bytes == 2 || bytes == 4 || bytes == 8 || bytes == 16);
  for (uint32_t k = 0; k < last; k++) fits = fits && p->src[k] % n == 0 && p->dst[k] % n == 0;
  if (!fits) return;
  p->rank--;
  p->size = (size_t)bytes;
  for (uint32_t k = 0; k < p->rank; k++) put(p, k, p->dims[k], p->src[k] / n, p->dst[k] / n);
}

void ig_copy_init(ig_copy *p, uint32_t rank, const int64_t *dims, const int64_t *src, const int64_t *dst, size_t size) {
  *p = (ig_copy){ .size = size };
  for (uint32_t k = 0; k < rank; k++)
    if (dims[k] != 1) put(p, p->rank++, dims[k], src[k], dst[k]);
  sort_dims(p);
  merge_dims(p);
  widen(p);
  if (p->rank < 2 || p->src[p->rank - 1] == 1) return;
  /* A transpose: the dim along which src runs goes next to the one along which dst does. */
  for (uint32_t k = p->rank - 1; k-- > 0;) {
    if (p->src[k] != 1) continue;
    const int64_t dim = p->dims[k], to = p->dst[k];
    for (; k + 2 < p->rank; k++) put(p, k, p->dims[k + 1], p->src[k + 1], p->dst[k + 1]);
    put(p, k, dim, 1, to);
    return;
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

/* Runs of `bytes`, one per row: too short for a call each. */
static void runs(const char *src, int64_t s, char *dst, int64_t d, int64_t n, int64_t bytes) {
  enum { SHORT = 256, V = 16 };
  for (int64_t i = 0; i < n; i++, src += s, dst += d) {
    if (bytes > SHORT || bytes < V) {
      memcpy(dst, src, (size_t)bytes);
      continue;
    }
    for (int64_t at = 0; at + V <= bytes; at += V) memcpy(dst + at, src + at, V);
    memcpy(dst + bytes - V, src + bytes - V, V);
  }
}

static void row(size_t size, const char *src, int64_t s, char *dst, int64_t d, int64_t n) {
  if (s == 1 && d == 1) {
    memmove(dst, src, (size_t)n * size);
    return;
  }
  switch (size) {
    case 1: row_uint8_t(src, s, dst, d, n); return;
    case 2: row_uint16_t(src, s, dst, d, n); return;
    case 4: row_uint32_t(src, s, dst, d, n); return;
    case 8: row_uint64_t(src, s, dst, d, n); return;
    default: row_u128(src, s, dst, d, n); return;
  }
}

static void square(size_t size, const char *src, int64_t s0, int64_t s1, char *dst, int64_t d0, int64_t d1, int64_t n, int64_t m) {
  switch (size) {
    case 1: square_uint8_t(src, s0, s1, dst, d0, d1, n, m); return;
    case 2: square_uint16_t(src, s0, s1, dst, d0, d1, n, m); return;
    case 4: square_uint32_t(src, s0, s1, dst, d0, d1, n, m); return;
    case 8: square_uint64_t(src, s0, s1, dst, d0, d1, n, m); return;
    default: square_u128(src, s0, s1, dst, d0, d1, n, m); return;
  }
}

/* ---- squares of a transpose in registers: row j of dst is column j of src; s and d: bytes from row to row ---- */
static inline __m128i load(const char *p) { return _mm_loadu_si128((const __m128i *)(const void *)p); }
static inline void store(char *p, __m128i x) { _mm_storeu_si128((__m128i *)(void *)p, x); }
static inline __m128i load8(const char *p) { return _mm_loadl_epi64((const __m128i *)(const void *)p); }
static inline void store_halves(char *p, int64_t d, __m128i x) {
  _mm_storel_epi64((__m128i *)(void *)p, x);
  _mm_storel_epi64((__m128i *)(void *)(p + d), _mm_unpackhi_epi64(x, x));
}
static void turn_8(const char *src, int64_t s, char *dst, int64_t d) {
  const __m128i a = load(src), b = load(src + s);
  store(dst, _mm_unpacklo_epi64(a, b));
  store(dst + d, _mm_unpackhi_epi64(a, b));
}
static void turn_4(const char *src, int64_t s, char *dst, int64_t d) {
  const __m128i r0 = load(src), r1 = load(src + s), r2 = load(src + 2 * s), r3 = load(src + 3 * s);
  const __m128i a = _mm_unpacklo_epi32(r0, r1), b = _mm_unpacklo_epi32(r2, r3), e = _mm_unpackhi_epi32(r0, r1), f = _mm_unpackhi_epi32(r2, r3);
  store(dst, _mm_unpacklo_epi64(a, b));
  store(dst + d, _mm_unpackhi_epi64(a, b));
  store(dst + 2 * d, _mm_unpacklo_epi64(e, f));
  store(dst + 3 * d, _mm_unpackhi_epi64(e, f));
}
static void turn_2(const char *src, int64_t s, char *dst, int64_t d) {
  __m128i a[8], b[8];
  for (int i = 0; i < 4; i++) {
    const __m128i x = load(src + 2 * i * s), y = load(src + (2 * i + 1) * s);
    a[2 * i] = _mm_unpacklo_epi16(x, y);
    a[2 * i + 1] = _mm_unpackhi_epi16(x, y);
  }
  for (int i = 0; i < 2; i++)
    for (int h = 0; h < 2; h++) {
      b[4 * i + 2 * h] = _mm_unpacklo_epi32(a[4 * i + h], a[4 * i + 2 + h]);
      b[4 * i + 2 * h + 1] = _mm_unpackhi_epi32(a[4 * i + h], a[4 * i + 2 + h]);
    }
  for (int i = 0; i < 4; i++) {
    store(dst + 2 * i * d, _mm_unpacklo_epi64(b[i], b[4 + i]));
    store(dst + (2 * i + 1) * d, _mm_unpackhi_epi64(b[i], b[4 + i]));
  }
}
static void turn_1(const char *src, int64_t s, char *dst, int64_t d) {
  __m128i a[4];
  for (int i = 0; i < 4; i++) a[i] = _mm_unpacklo_epi8(load8(src + 2 * i * s), load8(src + (2 * i + 1) * s));
  const __m128i b0 = _mm_unpacklo_epi16(a[0], a[1]), b1 = _mm_unpackhi_epi16(a[0], a[1]), b2 = _mm_unpacklo_epi16(a[2], a[3]), b3 = _mm_unpackhi_epi16(a[2], a[3]);
  store_halves(dst, d, _mm_unpacklo_epi32(b0, b2));
  store_halves(dst + 2 * d, d, _mm_unpackhi_epi32(b0, b2));
  store_halves(dst + 4 * d, d, _mm_unpacklo_epi32(b1, b3));
  store_halves(dst + 6 * d, d, _mm_unpackhi_epi32(b1, b3));
}
typedef void (*turn_fn)(const char *src, int64_t s, char *dst, int64_t d);

/* n x m elements of a transpose: n runs in src (s1 from run to run), m in dst (d0 from run to run). Tiles of whole cache lines on both sides; what is
 * narrower than a square goes by strips. */
static void transpose(size_t size, const char *src, int64_t s1, char *dst, int64_t d0, int64_t n, int64_t m) {
  static const struct { turn_fn turn; int64_t side; } turns[] = { [1] = { turn_1, 8 }, [2] = { turn_2, 8 }, [4] = { turn_4, 4 }, [8] = { turn_8, 2 } };
  enum { LINE = 64, STRIP = 512 };
  const int64_t side = turns[size].side, tile = ig_max_i64(side, LINE / (int64_t)size), bytes = (int64_t)size;
  const turn_fn turn = turns[size].turn;
  const int64_t n_whole = n / side * side, m_whole = m / side * side;
  for (int64_t i0 = 0; i0 < n_whole; i0 += tile)
    for (int64_t j0 = 0; j0 < m_whole; j0 += tile)
      for (int64_t i = i0; i < ig_min_i64(i0 + tile, n_whole); i += side)
        for (int64_t j = j0; j < ig_min_i64(j0 + tile, m_whole); j += side)
          turn(src + (i + j * s1) * bytes, s1 * bytes, dst + (i * d0 + j) * bytes, d0 * bytes);
  for (int64_t i = 0; m_whole < m && i < n_whole; i += STRIP)
    for (int64_t j = m_whole; j < m; j++) row(size, src + (i + j * s1) * bytes, 1, dst + (i * d0 + j) * bytes, d0, ig_min_i64(STRIP, n_whole - i));
  for (int64_t j = 0; n_whole < n && j < m; j += STRIP)
    for (int64_t i = n_whole; i < n; i++) row(size, src + (i + j * s1) * bytes, s1, dst + (i * d0 + j) * bytes, 1, ig_min_i64(STRIP, m - j));
}

/* Dims k and k + 1, the last two. */
static void plane(const ig_copy *p, uint32_t k, const char *src, char *dst) {
  if (p->src[k] == 1 && p->dst[k + 1] == 1 && p->size <= 8) transpose(p->size, src, p->src[k + 1], dst, p->dst[k], p->dims[k], p->dims[k + 1]);
  else square(p->size, src, p->src[k], p->src[k + 1], dst, p->dst[k], p->dst[k + 1], p->dims[k], p->dims[k + 1]);
}

static void box(const ig_copy *p, uint32_t k, const char *src, char *dst) {
  if (k + 1 == p->rank) {
    row(p->size, src, p->src[k], dst, p->dst[k], p->dims[k]);
    return;
  }
  if (k + 2 == p->rank) {
    const int64_t size = (int64_t)p->size;
    if (p->src[k + 1] == 1 && p->dst[k + 1] == 1) runs(src, p->src[k] * size, dst, p->dst[k] * size, p->dims[k], p->dims[k + 1] * size);
    else plane(p, k, src, dst);
    return;
  }
  for (int64_t i = 0; i < p->dims[k]; i++) box(p, k + 1, src + i * p->src[k] * (int64_t)p->size, dst + i * p->dst[k] * (int64_t)p->size);
}

void ig_copy_run(const ig_copy *p, const void *src, void *dst) {
  if (p->rank == 0) {
    memcpy(dst, src, p->size);
    return;
  }
  for (uint32_t k = 0; k < p->rank; k++)
    if (p->dims[k] == 0) return;
  box(p, 0, src, dst);
}

void ig_copy_part(const ig_copy *p, const void *src, void *dst, uint32_t part, uint32_t n_parts) {
  uint32_t longest = 0;
  int64_t lo, hi;
  if (p->rank == 0) {
    if (part == 0) ig_copy_run(p, src, dst);
    return;
  }
  for (uint32_t k = 1; k < p->rank; k++)
    if (p->dims[k] > p->dims[longest]) longest = k;
  /* The outermost one where it gives every part enough: parts then write apart. */
  const uint32_t k = p->dims[0] >= 4 * (int64_t)n_parts ? 0 : longest;
  ig_copy own = *p;
  ig_split(p->dims[k], part, n_parts, &lo, &hi);
  own.dims[k] = hi - lo;
  ig_copy_run(&own, (const char *)src + lo * p->src[k] * (int64_t)p->size, (char *)dst + lo * p->dst[k] * (int64_t)p->size);
}
