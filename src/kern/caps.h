/* What the optimiser may know of a device: plain facts, no handle. SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_KERN_CAPS_H
#define IG_KERN_CAPS_H
#include <stdbool.h>
#include <stdint.h>
/* ISA bits; numbers are part of the engine file. */
#define IG_ISA_AVX2 1ull        /* AVX2 + FMA + F16C */
#define IG_ISA_AVX512 2ull      /* F, BW, DQ, VL */
#define IG_ISA_VNNI 4ull        /* AVX512_VNNI */
#define IG_ISA_BF16 8ull        /* AVX512_BF16 */
typedef struct ig_caps {
  const char *device;
  uint64_t isa;
  uint32_t n_threads;
  uint64_t l2_bytes, l3_bytes;
  bool half;                      /* multiplies 16-bit floats as they are; where not, networks of them compute in float32 (opt/widen.c) */
} ig_caps;
#endif
