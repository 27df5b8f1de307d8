/* The reference: each kind naively and strictly, in the order the definition is written: no SIMD, no threads, no blocking, no fused
 * multiply-add. It is the meaning of a request; every kernel is compared with it. Accumulates in the type the request states.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_REF_REF_H
#define IG_REF_REF_H
#include "kern/request.h"
/* Runs the call, by c->kind. Results must not overlap operands, but for map and scatter, whose result may lie exactly on an operand.
 * Operands in a packed format are not taken. Data errors go to c->error; the offending access is clamped to element 0. */
void ig_ref_run(const ig_call *c);
/* Bytes of c->scratch that the call needs; 0 but for attention, resize and rnn. */
size_t ig_ref_scratch(const ig_call *c);
size_t ig_ref_attention_scratch(const ig_call *c);
size_t ig_ref_resize_scratch(const ig_call *c);
size_t ig_ref_rnn_scratch(const ig_call *c);
void ig_ref_map(const ig_call *c);
void ig_ref_move(const ig_call *c);
void ig_ref_gather(const ig_call *c);
void ig_ref_scatter(const ig_call *c);
void ig_ref_reduce(const ig_call *c);
void ig_ref_softmax(const ig_call *c);
void ig_ref_norm(const ig_call *c);
void ig_ref_matmul(const ig_call *c);
void ig_ref_conv(const ig_call *c);
void ig_ref_window(const ig_call *c);
void ig_ref_resize(const ig_call *c);
void ig_ref_attention(const ig_call *c);
void ig_ref_rnn(const ig_call *c);
void ig_ref_sample(const ig_call *c);
void ig_ref_prefix(const ig_call *c);
void ig_ref_sort(const ig_call *c);
void ig_ref_equal(const ig_call *c);
#endif
