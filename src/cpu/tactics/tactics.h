/* What the CPU's tactic records share: the cost model, the checks of a query, the number of parts.
 *
 * Costs are guesses by a roofline: arithmetic over the rate that the kernel reaches plus bytes over the memory's rate. They rank offers
 * and prune the tuner; measured times replace them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_TACTICS_H
#define IG_CPU_TACTICS_H
#include "cpu/kernels/kernels.h"
#include "hal/tactic.h"

#define IG_CPU_TACTIC(record) extern const ig_tactic record;
#include "cpu/tactics/tactics.def"
#undef IG_CPU_TACTIC

/* One core's arithmetic rate in float32 operations a second, as kernels reach it. */
#define IG_CPU_RATE_C 8e9
#define IG_CPU_RATE_AVX2 80e9
#define IG_CPU_RATE_AVX512 85e9
#define IG_CPU_BYTES_PER_SECOND 20e9
#define IG_CPU_STEP_SECONDS 0.5e-6     /* launching a step */

/* The only request of the region; NULL with *why where there are several. */
const ig_request *ig_cpu_request(const ig_query *q, const char **why);
/* Elements and bytes of an operand at the optimum point; 0 for one left out. */
double ig_cpu_count(const ig_query *q, const ig_operand *o);
double ig_cpu_bytes(const ig_query *q, const ig_request *r);
int64_t ig_cpu_dim(const ig_query *q, ig_dim d);
/* Work of a scalar program per element, in simple operations: functions such as exp count more. */
double ig_cpu_prog_work(const ig_sprog *p);
/* Fills an empty offer: seconds of `ops` simple operations at `rate` a core, split over the threads where that pays, and of the bytes. */
void ig_cpu_offer(const ig_query *q, const ig_request *r, double ops, double rate, ig_offer *out);
/* Bits of the operands in [first, first + n) on which result 0 may lie: same dtype, dims and strides, no other reader, a single result. */
uint32_t ig_cpu_inplace(const ig_request *r, uint32_t first, uint32_t n);
/* Parts for a bound call of this many simple operations at `rate`: one below 20 us of work, else at least 10 us each. */
uint32_t ig_cpu_parts(double ops, double rate, uint32_t n_threads);
/* The request where it is a float32 convolution as vector kernels take it: plain operands, no zero points, no dilated input, weights of
 * constant dims as they lie in models. NULL with *why if not. */
const ig_request *ig_cpu_conv_f32_request(const ig_query *q, const char **why);
/* Rank of an operand is `rank`, it is there, plain and of type d. */
bool ig_cpu_is(const ig_operand *o, ig_dtype d);
/* Of plain 8-bit integers. */
bool ig_cpu_is_int8(const ig_operand *o);
/* Zero point `i`, where it is there, is of 8 bits and the same along every axis but `axis` (-1: along all). */
bool ig_cpu_is_uniform(const ig_query *q, const ig_request *r, uint32_t i, int axis);
/* Largest sum of the absolute values of what one index of axis 0 reaches, of bytes of a constant operand of constant dims; INT64_MAX where it cannot be
 * known. */
int64_t ig_cpu_most_absolute(const ig_query *q, const ig_request *r, uint32_t i);
#endif
