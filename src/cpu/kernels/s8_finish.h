/* The frequent epilogues of 8-bit products, compiled: what a program does to the 32-bit sum, brought to one form.
 *
 *   x = sum * mul[column] + add[column], kept within lo and hi
 *   first.on:  x = clamp(rint(x) + first.zero)                     requantised
 *   linear:    x = x * scale + offset (+ residual * residual_scale), kept within linear_lo and linear_hi
 *   second.on: x = clamp(rint(x) + second.zero)
 *   stored as a float after it: x = x * last_scale + last_offset
 *   gelu:      x = x * (0.5 * (1 + erf(x * gelu))), of the first line's x and nothing else
 *
 * Divisions and chains of factors are folded into mul, add and scale: a rounding or two away from the program, which is as near to the exact
 * value as the program's own. 32-bit operands are added in float: sums are taken not to wrap (docs/numerics.md). Everything else goes to the interpreter.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_S8_FINISH_H
#define IG_CPU_S8_FINISH_H
#include "cpu/kernels/common.h"

enum { IG_S8_FINISH_STEPS = 16 };
typedef enum ig_s8_op { IG_S8_MUL = 1, IG_S8_DIV, IG_S8_ADD, IG_S8_SUB } ig_s8_op;
typedef struct ig_s8_step { ig_s8_op op; const ig_view *column; float value; } ig_s8_step;   /* column NULL: value */
typedef struct ig_s8_round { bool on; int32_t zero, lo, hi; } ig_s8_round;
typedef struct ig_s8_finish {
  uint32_t n_steps;
  ig_s8_step steps[IG_S8_FINISH_STEPS];
  float lo, hi;
  ig_s8_round first;
  bool linear;
  float scale, offset, linear_lo, linear_hi;
  const ig_view *residual;             /* NULL: none */
  float residual_scale;
  ig_s8_round second;
  float last_scale, last_offset;
  float gelu;                          /* 0: none */
  ig_dtype out;                        /* F32, I32 (the sum itself), I8 or U8 */
} ig_s8_finish;
/* True if the epilogue of the call has that form and its operands and result are such that columns lie side by side; channel: their axis. */
bool ig_s8_finish_recognise(const ig_call *c, uint32_t channel, ig_s8_finish *out);
/* mul and add of the columns [lo, hi); channel: their axis. mul[j], add[j] are of column j. */
void ig_s8_finish_columns(const ig_s8_finish *f, uint32_t channel, int64_t lo, int64_t hi, float *mul, float *add);
#endif
