/* Entry points of the CPU kernels: what the tactics' records point to. Contracts: hal/tactic.h run, scratch and parts.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_KERNELS_H
#define IG_CPU_KERNELS_H
#include "kern/request.h"

#define IG_CPU_KERNEL(name) \
  void ig_cpu_##name##_run(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts); \
  size_t ig_cpu_##name##_scratch(const ig_call *c, uint32_t n_parts);
IG_CPU_KERNEL(attention_c)
IG_CPU_KERNEL(map_c)
IG_CPU_KERNEL(move_c)
IG_CPU_KERNEL(gather_c)
IG_CPU_KERNEL(scatter_c)
IG_CPU_KERNEL(matmul_c)
IG_CPU_KERNEL(conv_c)
IG_CPU_KERNEL(window_c)
IG_CPU_KERNEL(resize_c)
IG_CPU_KERNEL(sample_c)
IG_CPU_KERNEL(prefix_c)
IG_CPU_KERNEL(sort_c)
IG_CPU_KERNEL(equal_c)
/* The same for each instruction set: names end in it. */
#define IG_CPU_KERNEL_ISA(name) \
  void ig_cpu_##name##_run_avx2(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts); \
  size_t ig_cpu_##name##_scratch_avx2(const ig_call *c, uint32_t n_parts); \
  void ig_cpu_##name##_run_avx512(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts); \
  size_t ig_cpu_##name##_scratch_avx512(const ig_call *c, uint32_t n_parts);
IG_CPU_KERNEL_ISA(pool_f32)
IG_CPU_KERNEL_ISA(resize_f32)
/* One body for all three. */
#define IG_CPU_KERNEL_ALL(name) \
  IG_CPU_KERNEL_ISA(name) \
  void ig_cpu_##name##_run_c(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts); \
  size_t ig_cpu_##name##_scratch_c(const ig_call *c, uint32_t n_parts);
IG_CPU_KERNEL_ALL(softmax)
IG_CPU_KERNEL_ALL(norm)
IG_CPU_KERNEL_ALL(reduce)
IG_CPU_KERNEL_ALL(rnn)
#define IG_CPU_PHASES(name) \
  uint32_t ig_cpu_##name##_phases_c(const ig_call *c, uint32_t n_parts); \
  uint32_t ig_cpu_##name##_phases_avx2(const ig_call *c, uint32_t n_parts); \
  uint32_t ig_cpu_##name##_phases_avx512(const ig_call *c, uint32_t n_parts);
IG_CPU_PHASES(rnn)
IG_CPU_PHASES(norm)
uint32_t ig_cpu_matmul_f32_phases_avx2(const ig_call *c, uint32_t n_parts);
uint32_t ig_cpu_matmul_f32_phases_avx512(const ig_call *c, uint32_t n_parts);
enum { IG_RNN_PANEL = 16 };   /* rows of R in a panel, [gates / 16][hidden][16] of each direction */
IG_CPU_KERNEL_ISA(attention_f32)
IG_CPU_KERNEL_ISA(map)
IG_CPU_KERNEL_ISA(matmul_f32)
IG_CPU_KERNEL_ISA(conv_f32)
uint32_t ig_cpu_conv_f32_phases_avx2(const ig_call *c, uint32_t n_parts);
uint32_t ig_cpu_conv_f32_phases_avx512(const ig_call *c, uint32_t n_parts);
IG_CPU_KERNEL_ISA(winograd4_f32)
IG_CPU_KERNEL_ISA(winograd2_f32)
IG_CPU_KERNEL_ISA(depthwise_f32)
IG_CPU_KERNEL_ISA(grouped_f32)
IG_CPU_KERNEL_ISA(narrow_f32)
enum { IG_NARROW_MOST = 4 };   /* output channels that narrow_f32 takes */
#endif
