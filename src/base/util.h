/* Small things: overflow-safe arithmetic, strings, maps, hashing, half and small floats.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_BASE_UTIL_H
#define IG_BASE_UTIL_H
#include "base/alloc.h"
#include <string.h>

/* ---- checked arithmetic: true when the result is exact ---- */
static inline bool ig_add_i64(int64_t a, int64_t b, int64_t *out) { return !__builtin_add_overflow(a, b, out); }
static inline bool ig_sub_i64(int64_t a, int64_t b, int64_t *out) { return !__builtin_sub_overflow(a, b, out); }
static inline bool ig_mul_i64(int64_t a, int64_t b, int64_t *out) { return !__builtin_mul_overflow(a, b, out); }
static inline bool ig_add_size(size_t a, size_t b, size_t *out) { return !__builtin_add_overflow(a, b, out); }
static inline bool ig_mul_size(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }
static inline int64_t ig_min_i64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t ig_max_i64(int64_t a, int64_t b) { return a > b ? a : b; }
static inline size_t ig_align_up(size_t x, size_t a) { return (x + a - 1) / a * a; } /* caller has room for a - 1 more */
#define IG_COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define IG_UNUSED(x) ((void)(x))

/* ---- text buffer: grows on the allocator; sticky failure, asked once at the end ---- */
typedef struct ig_buf { const ig_allocator *alloc; char *data; size_t n, cap; bool failed; } ig_buf;
void ig_buf_init(ig_buf *b, const ig_allocator *alloc);
void ig_buf_free(ig_buf *b);
void ig_buf_bytes(ig_buf *b, const void *p, size_t n);
void ig_buf_str(ig_buf *b, const char *s);
void ig_buf_printf(ig_buf *b, const char *fmt, ...) IG_PRINTF(2, 3);   /* locale-independent for %d %s; never use %f %g here */
void ig_buf_f64(ig_buf *b, double v);            /* shortest text that reads back to v; "nan", "inf", "-inf" */
void ig_buf_g(ig_buf *b, double v);              /* for people: integers whole, the rest with six significant digits */
const char *ig_buf_cstr(ig_buf *b);              /* NUL-terminated; "" if failed */
/* Independent of the locale; whole string must be consumed. */
bool ig_parse_i64(const char *s, size_t n, int64_t *out);
bool ig_parse_f64(const char *s, size_t n, double *out);

/* ---- string -> pointer map; keys are borrowed (must outlive the map) ---- */
typedef struct ig_strmap { const ig_allocator *alloc; struct ig_strmap_slot *slots; size_t n, cap; } ig_strmap;
void ig_strmap_init(ig_strmap *m, const ig_allocator *alloc);
void ig_strmap_free(ig_strmap *m);
void *ig_strmap_get(const ig_strmap *m, const char *key);            /* NULL if absent */
bool ig_strmap_set(ig_strmap *m, const char *key, void *value);      /* replaces; false when memory is out */

/* ---- data types: ONNX's TensorProto.DataType numbers, which engine files hold too; IG_DTYPE_NONE / 0 where there is none ---- */
ig_dtype ig_dtype_from_onnx(int64_t onnx);
int32_t ig_dtype_to_onnx(ig_dtype d);

/* ---- hashing: XXH3-64 ---- */
uint64_t ig_hash(const void *p, size_t n, uint64_t seed);

/* ---- storage conversions, bit-exact with ONNX (round to nearest even unless said) ---- */
float ig_f16_to_f32(uint16_t h);
uint16_t ig_f32_to_f16(float f);
uint16_t ig_f64_to_f16(double d);                /* one rounding */
static inline float ig_bf16_to_f32(uint16_t h) { uint32_t u = (uint32_t)h << 16; float f; memcpy(&f, &u, 4); return f; }
uint16_t ig_f32_to_bf16(float f);
uint16_t ig_f64_to_bf16(double d);
/* 8-, 6- and 4-bit floats: d is one of IG_DTYPE_F8*, IG_DTYPE_F6* or IG_DTYPE_F4E2M1. saturate: ONNX Cast's attribute.
 * round_mode only for F8E8M0: 0 = up, 1 = down, 2 = nearest (ONNX Cast-25). */
float ig_small_to_f32(ig_dtype d, uint8_t bits);
uint8_t ig_f32_to_small(ig_dtype d, float f, bool saturate, int round_mode);
#endif
