/* Storage conversions between float, double and the types that exist in memory only. Encoding goes through the bits of a double, which
 * holds every float exactly: one routine rounds once, to nearest even, into any format of exponent and mantissa.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include <math.h>

enum { DOUBLE_MANTISSA = 52, DOUBLE_BIAS = 1023 };

static uint64_t bits_of(double d) {
  uint64_t u;
  memcpy(&u, &d, sizeof u);
  return u;
}

static float float_of(uint32_t u) {
  float f;
  memcpy(&f, &u, sizeof f);
  return f;
}

/* |d| as exponent and mantissa of the format, subnormals included, rounded to nearest even. Not limited above: infinity and
 * whatever is too large come out as a number beyond the format's largest. d is no NaN. */
static uint64_t encode(double d, int n_mantissa, int bias) {
  const uint64_t u = bits_of(d) & (UINT64_MAX >> 1);
  const int biased = (int)(u >> DOUBLE_MANTISSA);
  if (biased == 0) return 0; /* a subnormal double is below half of any format's smallest number */
  const uint64_t mantissa = (u & ((UINT64_C(1) << DOUBLE_MANTISSA) - 1)) | UINT64_C(1) << DOUBLE_MANTISSA;
  const int exponent = biased - DOUBLE_BIAS + bias;
  const int shift = DOUBLE_MANTISSA - n_mantissa + (exponent < 1 ? 1 - exponent : 0);
  if (shift > DOUBLE_MANTISSA + 1) return 0;
  const uint64_t half = UINT64_C(1) << (shift - 1);
  const uint64_t rest = mantissa & ((half << 1) - 1);
  uint64_t code = mantissa >> shift;
  if (rest > half || (rest == half && (code & 1))) code++;
  /* code carries the implicit one, which adds 1 to the exponent. */
  return code + ((uint64_t)(exponent < 1 ? 0 : exponent - 1) << n_mantissa);
}

float ig_f16_to_f32(uint16_t h) {
  const uint32_t sign = (uint32_t)(h & 0x8000) << 16;
  const uint32_t magnitude = h & 0x7fffu;
  if (magnitude >= 0x7c00) return float_of(sign | 0x7f800000u | (magnitude & 0x3ff) << 13);
  if (magnitude >= 0x0400) return float_of(sign | ((magnitude << 13) + (112u << 23)));
  const float f = (float)magnitude * 0x1p-24f;
  return sign ? -f : f;
}

uint16_t ig_f64_to_f16(double d) {
  const uint64_t u = bits_of(d);
  const uint16_t sign = (uint16_t)(u >> 48 & 0x8000);
  if (isnan(d)) return (uint16_t)(sign | 0x7e00 | (u >> 42 & 0x1ff));
  const uint64_t code = encode(d, 10, 15);
  return (uint16_t)(sign | (code < 0x7c00 ? code : 0x7c00));
}

/* As by way of double, without the way: half networks store every result so. */
uint16_t ig_f32_to_f16(float f) {
  enum { BIAS = 112 << 23, INFINITE = 0x7f800000, LARGE = 0x47800000 /* 2^16 */, NORMAL = 0x38800000 /* 2^-14 */ };
  uint32_t u, magnitude;
  memcpy(&u, &f, sizeof u);
  const uint16_t sign = (uint16_t)(u >> 16 & 0x8000);
  magnitude = u & 0x7fffffff;
  if (magnitude > INFINITE) return (uint16_t)(sign | 0x7e00 | (u >> 13 & 0x1ff));
  if (magnitude >= LARGE) return (uint16_t)(sign | 0x7c00);
  if (magnitude >= NORMAL) return (uint16_t)(sign | (magnitude - BIAS + 0xfff + (magnitude >> 13 & 1)) >> 13);
  /* Beside 0.5, a float's last bit is the least half's: the sum rounds as wanted. */
  const float sum = float_of(magnitude) + 0.5f;
  memcpy(&u, &sum, sizeof u);
  return (uint16_t)(sign | (u - 0x3f000000));
}

uint16_t ig_f64_to_bf16(double d) {
  const uint64_t u = bits_of(d);
  const uint16_t sign = (uint16_t)(u >> 48 & 0x8000);
  if (isnan(d)) return (uint16_t)(sign | 0x7fc0 | (u >> 45 & 0x3f));
  const uint64_t code = encode(d, 7, 127);
  return (uint16_t)(sign | (code < 0x7f80 ? code : 0x7f80));
}

uint16_t ig_f32_to_bf16(float f) {
  uint32_t u;
  memcpy(&u, &f, sizeof u);
  if (isnan(f)) return (uint16_t)(u >> 16 | 0x40);
  return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

/* The small formats with a sign. Codes are magnitudes: the sign is the bit above. NaN and infinity as ONNX Cast-25 lists them. */
typedef struct small_format {
  uint8_t n_mantissa, bias;
  uint8_t largest;      /* code of the largest finite number                                        */
  uint8_t infinity;     /* 0 = none                                                                 */
  uint8_t nan;          /* 0 = none; 0x80 = the place of -0, without sign: there is no -0 then      */
  uint8_t sign;
} small_format;

static const small_format e4m3fn = { 3, 7, 0x7e, 0, 0x7f, 0x80 };
static const small_format e4m3fnuz = { 3, 8, 0x7f, 0, 0x80, 0x80 };
static const small_format e5m2 = { 2, 15, 0x7b, 0x7c, 0x7e, 0x80 };
static const small_format e5m2fnuz = { 2, 16, 0x7f, 0, 0x80, 0x80 };
static const small_format e2m3 = { 3, 1, 0x1f, 0, 0, 0x20 };
static const small_format e3m2 = { 2, 3, 0x1f, 0, 0, 0x20 };
static const small_format e2m1 = { 1, 1, 0x07, 0, 0, 0x08 };

static const small_format *format_of(ig_dtype d) {
  switch (d) {
    case IG_DTYPE_F8E4M3FN: return &e4m3fn;
    case IG_DTYPE_F8E4M3FNUZ: return &e4m3fnuz;
    case IG_DTYPE_F8E5M2: return &e5m2;
    case IG_DTYPE_F8E5M2FNUZ: return &e5m2fnuz;
    case IG_DTYPE_F6E2M3: return &e2m3;
    case IG_DTYPE_F6E3M2: return &e3m2;
    default: return &e2m1;
  }
}

float ig_small_to_f32(ig_dtype d, uint8_t bits) {
  if (d == IG_DTYPE_F8E8M0) return bits == 0xff ? NAN : ldexpf(1.0f, bits - 127);
  const small_format *const f = format_of(d);
  const uint8_t code = bits & (uint8_t)(f->sign - 1);
  const bool negative = bits & f->sign;
  if (f->nan == 0x80 ? bits == 0x80 : code > f->largest && code != f->infinity) return negative && f->nan != 0x80 ? -NAN : NAN;
  if (f->infinity && code == f->infinity) return negative ? -INFINITY : INFINITY;
  const int exponent = code >> f->n_mantissa;
  const int one = 1 << f->n_mantissa;
  const int mantissa = (code & (one - 1)) + (exponent ? one : 0);
  const float value = ldexpf((float)mantissa, (exponent ? exponent : 1) - f->bias - f->n_mantissa);
  return negative ? -value : value;
}

/* A power of two without sign. ONNX leaves negative numbers open: their magnitude counts, as in its reference implementation. */
static uint8_t encode_e8m0(float value, bool saturate, int round_mode) {
  enum { LARGEST = 0xfe, NOT_A_NUMBER = 0xff, UP = 0, NEAREST = 2 };
  if (isnan(value)) return NOT_A_NUMBER;
  if (isinf(value)) return saturate ? LARGEST : NOT_A_NUMBER;
  int exponent;
  const float fraction = frexpf(fabsf(value), &exponent); /* value = fraction * 2^exponent, fraction in [0.5, 1) */
  int code = exponent - 1 + 127;
  if (fraction == 0 || code < 0) return saturate ? 0 : NOT_A_NUMBER;
  if ((round_mode == UP && fraction > 0.5f) || (round_mode == NEAREST && fraction >= 0.75f)) code++;
  if (code > LARGEST) return saturate ? LARGEST : NOT_A_NUMBER;
  return (uint8_t)code;
}

uint8_t ig_f32_to_small(ig_dtype d, float value, bool saturate, int round_mode) {
  if (d == IG_DTYPE_F8E8M0) return encode_e8m0(value, saturate, round_mode);
  const small_format *const f = format_of(d);
  const uint8_t sign = signbit(value) ? f->sign : 0;
  /* Without a NaN (float6, float4) the place of zero with the sign turned stands for it, as in ml_dtypes. */
  if (isnan(value)) return f->nan == 0x80 ? f->nan : f->nan ? sign | f->nan : sign ^ f->sign;
  const uint64_t code = encode(value, f->n_mantissa, f->bias);
  if (code == 0 && f->nan == 0x80) return 0;
  if (code <= f->largest) return (uint8_t)(sign | code);
  if (saturate || !f->nan) return sign | f->largest;
  if (f->nan == 0x80) return f->nan;
  return sign | (f->infinity ? f->infinity : f->nan);
}
