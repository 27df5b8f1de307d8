/* A map that only quantises: clamp(rint(x / scale) + zero), stored as a byte; NaN becomes 0. Scale and zero point are constants, or operands of one value,
 * as networks have them that find their scales in each run. SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_QUANTISE_H
#define IG_CPU_QUANTISE_H
#include "cpu/kernels/common.h"
typedef struct ig_quantise { float scale; int32_t zero, lo, hi; uint32_t scale_operand, zero_operand; } ig_quantise;   /* lo, hi: of the byte; operands: 0: constant */
/* True if the program has that form for a result of type d. */
bool ig_quantise_recognise(const ig_sprog *p, ig_dtype d, ig_quantise *out);
#endif
