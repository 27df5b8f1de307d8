/* The peak of one core: loops of independent multiply-adds on registers. Twelve chains hide the latency of every machine so far; assembly, so that each
 * loop is what it says and this file needs no instruction set of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/peak.h"
#include <time.h>

enum { LOOPS = 200000, CHAINS = 12, ROUNDS = 20 };
#define STEP(instruction, r) instruction " %%" r "14, %%" r "15, %%" r
#define TWELVE(instruction, r) \
  STEP(instruction, r) "0\n" STEP(instruction, r) "1\n" STEP(instruction, r) "2\n" STEP(instruction, r) "3\n" STEP(instruction, r) "4\n" STEP(instruction, r) "5\n" \
  STEP(instruction, r) "6\n" STEP(instruction, r) "7\n" STEP(instruction, r) "8\n" STEP(instruction, r) "9\n" STEP(instruction, r) "10\n" STEP(instruction, r) "11\n"
#define PEAK(name, instruction, r) \
  static void name(void) { \
    long n = LOOPS; \
    __asm__ volatile("vpxor %%xmm14, %%xmm14, %%xmm14\nvpxor %%xmm15, %%xmm15, %%xmm15\n1:\n" TWELVE(instruction, r) "dec %0\njnz 1b\nvzeroupper\n" : "+r"(n) : : \
      "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm14", "xmm15"); \
  }
PEAK(fma_ymm, "vfmadd231ps", "ymm")
PEAK(fma_zmm, "vfmadd231ps", "zmm")
PEAK(pairs_ymm, "vpmaddwd", "ymm")
PEAK(quads_zmm, "vpdpbusd", "zmm")

/* Best first. ops: of one instruction; vpmaddwd multiplies 16 pairs, and its sums take an instruction more, which the figure leaves out. */
static const struct { uint64_t isa; bool is_int8; void (*loop)(void); double ops; } peaks[] = {
  { IG_ISA_AVX512, false, fma_zmm, 32 },
  { IG_ISA_AVX2, false, fma_ymm, 16 },
  { IG_ISA_VNNI, true, quads_zmm, 128 },
  { IG_ISA_AVX2, true, pairs_ymm, 32 },
};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double ig_cpu_peak(const ig_hal_device *d, uint64_t isa, bool is_int8) {
  isa &= d->caps.isa;
#ifdef IG_EMULATE_AVX512
  isa &= IG_ISA_AVX2;   /* the machine may have no more */
#endif
  for (size_t i = 0; i < IG_COUNT(peaks); i++) {
    if (peaks[i].is_int8 != is_int8 || !(peaks[i].isa & isa)) continue;
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
      const double t = now();
      peaks[i].loop();
      const double seconds = now() - t;
      best = seconds < best ? seconds : best;
    }
    return peaks[i].ops * CHAINS * LOOPS / best;
  }
  return 0;
}
