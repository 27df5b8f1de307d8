/* The frequent epilogues of float32 products, compiled: sums of the product with up to three float operands, then a clip.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_FINISH_H
#define IG_CPU_FINISH_H
#include "cpu/kernels/common.h"

enum { IG_FINISH_ADDS = 3 };
typedef struct ig_finish {
  uint32_t n_adds;
  const ig_view *add[IG_FINISH_ADDS];
  bool clip;
  float lo, hi;                        /* -inf, inf where open */
} ig_finish;
/* True if the call's epilogue is of that form, every operand is plain float32 and result 0 too; else the interpreter does it. */
bool ig_finish_recognise(const ig_call *c, ig_finish *out);
#endif
