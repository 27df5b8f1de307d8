/* A map that only quantises: clamp(rint(x / scale) + zero), stored as a byte; NaN becomes 0. SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_QUANTISE_H
#define IG_CPU_QUANTISE_H
#include "cpu/kernels/common.h"
typedef struct ig_quantise { float scale; int32_t zero, lo, hi; } ig_quantise;   /* lo, hi: of the byte */
/* True if the program has that form for a result of type d. */
bool ig_quantise_recognise(const ig_sprog *p, ig_dtype d, ig_quantise *out);
#endif
