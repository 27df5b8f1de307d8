/* Words of four bytes on AVX2. vpmaddubsw multiplies unsigned bytes by signed ones and saturates where the two products of a pair pass 16 bits: with
 * unsigned activations as they are and signed weights, it cannot where the positive weights of each pair sum up to 128 at most, and the negative ones.
 * Such words are `plain`. All others are turned: |w| is the unsigned side and the activation, moved to -128 .. 127, the signed one, of which the
 * complement stands for the negative of a negative weight; no pair of those can pass 16 bits. With x the activation,
 *   |w| (x - 128) = w x - 128 w            where w >= 0
 *   |w| ~(x - 128) = w x - 128 w + w       where w < 0
 * so that what a column's turned weights sum up to, is what its sums are mended by. Same names as simd/s8_avx512vnni.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_SIMD_S8_WORDS_H
#define IG_SIMD_S8_WORDS_H
#include "cpu/simd/s8_avx2.h"
#include "cpu/simd/s8_bytes.h"
#define SIMD_ISA avx2words
#define SIMD_MR 5                      /* with a sixth row, a product's registers are too few */
#define SIMD_KG 4
#define SIMD_FREED 0
#define SIMD_SORTED 1                  /* a panel's plain words come first */
/* acc + sums of four products each: of a's bytes (unsigned) and w's (signed), neither pair of which passes 16 bits. */
static inline vi vi_dot_plain(vi acc, vi a, vi w, vi ones) { return _mm256_add_epi32(acc, _mm256_madd_epi16(_mm256_maddubs_epi16(a, w), ones)); }
/* The same of turned words: `size` |w|, and in memory the bits that turn an activation. In assembly, so that no register holds these. */
static inline vi vi_dot_turned(vi acc, vi a, vi size, const int32_t *turns, vi ones) {
  vi x;
  __asm__("vpxor %2, %1, %0" : "=x"(x) : "x"(a), "m"(*(const __m256i *)(const void *)turns));
  return _mm256_add_epi32(acc, _mm256_madd_epi16(_mm256_maddubs_epi16(size, x), ones));
}
static inline vi vi_ones16(void) { return _mm256_set1_epi16(1); }

/* SIMD_W words of packed weights, signed; moved: the bits that make them so. */
static inline vi sign_bits(bool is_signed) { return _mm256_set1_epi8(is_signed ? 0 : (char)0x80); }
static inline vi signed_weights(const uint8_t *x, vi moved) { return _mm256_xor_si256(vi_load(x), moved); }
/* Sums of pairs of positive and of negative weights, 16 bits each. */
static inline vi positive_pairs(vi w) { return _mm256_maddubs_epi16(_mm256_set1_epi8(1), _mm256_max_epi8(w, vi_zero())); }
static inline vi negative_pairs(vi w) { return _mm256_maddubs_epi16(_mm256_set1_epi8(1), _mm256_min_epi8(w, vi_zero())); }
/* The largest of pairs, and whether one with activations of 255 may pass 16 bits. */
static inline vi vi_most_pairs(vi most, vi positive, vi negative) { return _mm256_max_epi16(most, _mm256_max_epi16(positive, _mm256_abs_epi16(negative))); }
static inline bool may_pass(vi most) {
  const vi passing = _mm256_cmpgt_epi16(most, _mm256_set1_epi16(128));
  return !_mm256_testz_si256(passing, passing);
}
static inline vi vi_xor(vi a, vi b) { return _mm256_xor_si256(a, b); }
static inline vi vi_pairs_add(vi a, vi b) { return _mm256_add_epi16(a, b); }
static inline vi vi_pairs(vi x) { return _mm256_madd_epi16(x, vi_ones16()); }   /* sums of two pairs each */
static inline vi turned_size(vi w) { return _mm256_abs_epi8(w); }
static inline vi turned_bits(vi w) { return _mm256_xor_si256(_mm256_set1_epi8((char)0x80), _mm256_cmpgt_epi8(vi_zero(), w)); }
/* What the sums of turned words lack: 128 w, and w once less where it is negative; with p the sum of |w| and n that of the negative ones, 128 p - 255 n. */
static inline vi turned_off(vi w) {
  const vi one = _mm256_set1_epi8(1), size = turned_size(w);
  const vi p = vi_pairs(_mm256_maddubs_epi16(size, one)), n = vi_pairs(_mm256_maddubs_epi16(_mm256_and_si256(size, _mm256_cmpgt_epi8(vi_zero(), w)), one));
  return _mm256_add_epi32(_mm256_slli_epi32(_mm256_sub_epi32(p, _mm256_slli_epi32(n, 1)), 7), n);
}
#endif
