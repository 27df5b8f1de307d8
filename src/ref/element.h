/* Elements of views: addresses, loads, stores and copies; walking an index space. Private to ref.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_REF_ELEMENT_H
#define IG_REF_ELEMENT_H
#include "kern/scalar_eval.h"
#include "ref/ref.h"
#include <assert.h>

/* Distance of an element from the view's data, in elements (the skip of sub-byte views included). */
static inline int64_t ig_ref_at(const ig_view *v, const int64_t *index) {
  int64_t at = v->first;
  for (uint32_t i = 0; i < v->rank; i++) {
    const bool blocked = v->block > 1 && i == v->block_axis;
    at += blocked ? index[i] / v->block * v->strides[i] + index[i] % v->block : index[i] * v->strides[i];
  }
  return at;
}

/* Little-endian bits of an element of up to 64 bits. */
static inline uint64_t ig_ref_load_bits(const ig_view *v, int64_t at) {
  const uint32_t bits = IG_DTYPE_BITS(v->dtype);
  const uint8_t *base = v->data;
  uint64_t w = 0;
  if (bits < 8) {
    const int64_t first_bit = at * (int64_t)bits;
    return (uint64_t)(base[first_bit >> 3] >> (first_bit & 7)) & ((1u << bits) - 1);
  }
  const uint8_t *from = base + at * (int64_t)(bits / 8);
  switch (bits) {                      /* single moves: what a call has written byte by byte cannot be read whole at once */
  case 8: return *from;
  case 16: return memcpy(&w, from, 2), w;
  case 32: return memcpy(&w, from, 4), w;
  default: return memcpy(&w, from, 8), w;
  }
}
static inline void ig_ref_store_bits(const ig_view *v, int64_t at, uint64_t w) {
  const uint32_t bits = IG_DTYPE_BITS(v->dtype);
  uint8_t *base = v->data;
  if (bits >= 8) {
    memcpy(base + at * (int64_t)(bits / 8), &w, bits / 8);
    return;
  }
  const int64_t first_bit = at * (int64_t)bits;
  const uint32_t shift = (uint32_t)(first_bit & 7), mask = ((1u << bits) - 1) << shift;
  base[first_bit >> 3] = (uint8_t)((base[first_bit >> 3] & ~mask) | ((uint32_t)w << shift & mask));
}

static inline ig_sval ig_ref_load(const ig_view *v, const int64_t *index) {
  return ig_sval_decode(v->dtype, ig_ref_load_bits(v, ig_ref_at(v, index)));
}
/* x is of type t. */
static inline void ig_ref_store(const ig_view *v, const int64_t *index, ig_stype t, ig_sval x, unsigned flags) {
  ig_ref_store_bits(v, ig_ref_at(v, index), ig_sval_encode(v->dtype, t, x, flags));
}
/* Loads and converts to another compute type. */
static inline ig_sval ig_ref_load_as(const ig_view *v, const int64_t *index, ig_stype t) {
  const ig_stype own = ig_stype_of(v->dtype);
  const ig_sval x = ig_ref_load(v, index);
  return own == t ? x : ig_sval_cast(x, own, t);
}
/* Copies an element of any type, opaque ones included; both views have the same dtype. */
static inline void ig_ref_copy(const ig_view *dst, const int64_t *dst_index, const ig_view *src, const int64_t *src_index) {
  const int64_t to = ig_ref_at(dst, dst_index), from = ig_ref_at(src, src_index);
  const size_t n = IG_DTYPE_BITS(src->dtype) / 8;
  if (n <= 8) ig_ref_store_bits(dst, to, ig_ref_load_bits(src, from));
  else memmove((char *)dst->data + to * (int64_t)n, (const char *)src->data + from * (int64_t)n, n);
}

/* Row-major walk: for (bool more = ig_ref_begin(index, dims, rank); more; more = ig_ref_next(index, dims, rank)). Rank 0 is one point. */
static inline bool ig_ref_begin(int64_t *index, const int64_t *dims, uint32_t rank) {
  bool any = true;
  for (uint32_t i = 0; i < rank; i++) {
    index[i] = 0;
    any = any && dims[i] > 0;
  }
  return any;
}
static inline bool ig_ref_next(int64_t *index, const int64_t *dims, uint32_t rank) {
  for (uint32_t i = rank; i-- > 0;) {
    if (++index[i] < dims[i]) return true;
    index[i] = 0;
  }
  return false;
}
static inline int64_t ig_ref_linear(const int64_t *index, const int64_t *dims, uint32_t rank) {
  int64_t n = 0;
  for (uint32_t i = 0; i < rank; i++) n = n * dims[i] + index[i];
  return n;
}

/* ---- arithmetic and programs (program.c) ---- */

/* op: one of IG_SOP_ADD MUL MIN MAX EQ LT SUB DIV. On bools ADD and MAX are or, MUL and MIN are and. */
ig_sval ig_ref_op(ig_sop op, ig_stype t, ig_sval a, ig_sval b);
/* acc + a * b */
static inline ig_sval ig_ref_mac(ig_stype t, ig_sval acc, ig_sval a, ig_sval b) {
  switch (t) {
  case IG_S_F32: acc.f32 += a.f32 * b.f32; break;
  case IG_S_F64: acc.f64 += a.f64 * b.f64; break;
  case IG_S_I32: acc.i32 = (int32_t)((uint32_t)acc.i32 + (uint32_t)a.i32 * (uint32_t)b.i32); break;
  default: acc.u64 += a.u64 * b.u64; break;
  }
  return acc;
}
/* Element of an input minus its zero point (an optional input), in the accumulator's type. */
ig_sval ig_ref_centred(const ig_call *c, uint32_t operand, uint32_t zero, const int64_t *index, ig_stype t);
/* Computes a program's registers at one point: in[k] = value of operand k, linear = row-major number of the point. */
void ig_ref_program(const ig_sprog *p, const ig_sval *in, const int64_t *index, int64_t linear, ig_sval *regs);
/* Stores the kind's own result 0 (of type ig_kind_result_type) at index, through the epilogue if there is one. */
void ig_ref_finish(const ig_call *c, const int64_t *index, ig_sval own);
/* An index value of view v, counted from the end if negative; out of [0, n): reported, 0 returned. */
int64_t ig_ref_index(const ig_call *c, const ig_view *v, const int64_t *at, int64_t n);
#endif
