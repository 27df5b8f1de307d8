/* What the attention kernels share: the program over scores.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_ATTENTION_H
#define IG_CPU_ATTENTION_H
#include "cpu/kernels/common.h"
#include "cpu/kernels/kernels.h"

size_t ig_attention_prog_bytes(const ig_call *c);
/* The call's program, prepared in mem; its values are of type t. There must be a key. */
ig_prog *ig_attention_prog(void *mem, const ig_call *c, ig_stype t, const ig_prog_isa *isa);
/* Scores [lin, lin + n) of the row-major order of all scores, each `size` bytes, become what the program makes of them. */
void ig_attention_adjust(ig_prog *p, int64_t lin, int64_t n, void *scores, size_t size);
#endif
