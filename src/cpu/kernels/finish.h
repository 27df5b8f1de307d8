/* The frequent epilogues of float32 products, compiled: a chain of simple steps from the product on, each with a constant or one of up to three float
 * operands, or a function of one number; the chain may be multiplied by an earlier value of its own (hard-swish, SiLU, GELU). Leaky: negative numbers times
 * a constant or an operand, which must be finite: max(x, 0) + slope * min(x, 0).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_FINISH_H
#define IG_CPU_FINISH_H
#include "cpu/kernels/common.h"

enum { IG_FINISH_ADDS = 3, IG_FINISH_STEPS = 16 };
typedef enum ig_finish_kind {
  IG_FINISH_ADD_OPERAND, IG_FINISH_MUL_OPERAND, IG_FINISH_ADD, IG_FINISH_MUL, IG_FINISH_DIV, IG_FINISH_MAX, IG_FINISH_MIN, IG_FINISH_MUL_KEPT,
  IG_FINISH_LEAKY, IG_FINISH_LEAKY_OPERAND, IG_FINISH_ERF, IG_FINISH_TANH, IG_FINISH_EXP, IG_FINISH_SIGMOID, IG_FINISH_LINE
} ig_finish_kind;
/* operand: of those that name one; value: of those with a constant. A line is x * value + offset, kept within lo and hi: what would be several steps with
 * constants is one, for a step costs a jump as well. */
typedef struct ig_finish_step { ig_finish_kind kind; uint32_t operand; float value, offset, lo, hi; } ig_finish_step;
typedef struct ig_finish {
  uint32_t n_adds, n_steps, keep_at;   /* keep_at: the value before that step is kept; UINT32_MAX: none */
  const ig_view *add[IG_FINISH_ADDS];
  ig_finish_step steps[IG_FINISH_STEPS];
} ig_finish;
/* True if the call's epilogue is of that form, every operand is plain float32 and result 0 too; else the interpreter does it. */
bool ig_finish_recognise(const ig_call *c, ig_finish *out);
#endif
