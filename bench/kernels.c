/* Every product kernel on one core against the core's own peak: `bench/run.sh --kernels [NAME]`, NAME a part of the tactics' names.
 *
 * The peak is what a loop of independent multiply-adds reaches on registers, measured here, in the kernel's own instruction set; a kernel's time is
 * the least of many runs on warm data, weights packed as in an engine. Kernels whose instruction set the machine lacks are counted as skipped.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu_check.h"
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- peaks: twelve chains of multiply-adds; ops a lane and instruction = 2, 4 (pairs) or 8 (quads) ---- */
enum { LOOPS = 200000, CHAINS = 12 };
#define STEP(instruction, r) instruction " %%" r "14, %%" r "15, %%" r
#define TWELVE(instruction, r) \
  STEP(instruction, r) "0\n" STEP(instruction, r) "1\n" STEP(instruction, r) "2\n" STEP(instruction, r) "3\n" STEP(instruction, r) "4\n" STEP(instruction, r) "5\n" \
  STEP(instruction, r) "6\n" STEP(instruction, r) "7\n" STEP(instruction, r) "8\n" STEP(instruction, r) "9\n" STEP(instruction, r) "10\n" STEP(instruction, r) "11\n"
#define PEAK(name, instruction, r, clear) \
  static void name(void) { \
    long n = LOOPS; \
    __asm__ volatile(clear "1:\n" TWELVE(instruction, r) "dec %0\njnz 1b\nvzeroupper\n" : "+r"(n) : : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", \
      "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm14", "xmm15"); \
  }
#define CLEAR "vpxor %%xmm14, %%xmm14, %%xmm14\nvpxor %%xmm15, %%xmm15, %%xmm15\n"
PEAK(fma_ymm, "vfmadd231ps", "ymm", CLEAR)
PEAK(fma_zmm, "vfmadd231ps", "zmm", CLEAR)
PEAK(pairs_ymm, "vpmaddwd", "ymm", CLEAR)
PEAK(quads_zmm, "vpdpbusd", "zmm", CLEAR)

typedef struct peak { const char *suffix; bool is_int8; void (*loop)(void); double ops; uint64_t isa; double rate; } peak;
static peak peaks[] = {
  { ".avx512", false, fma_zmm, 32, IG_ISA_AVX512, 0 },
  { ".avx2", false, fma_ymm, 16, IG_ISA_AVX2, 0 },
  { ".avx512vnni", true, quads_zmm, 128, IG_ISA_VNNI, 0 },
  { ".avx2", true, pairs_ymm, 32, IG_ISA_AVX2, 0 },
};
static void measure_peaks(void) {
  for (size_t i = 0; i < IG_COUNT(peaks); i++) {
    if (peaks[i].isa & ~machine_isa_()) continue;
    double best = 1e9;
    for (int round = 0; round < 20; round++) {
      const double t = now();
      peaks[i].loop();
      best = fmin(best, now() - t);
    }
    peaks[i].rate = peaks[i].ops * CHAINS * LOOPS / best;
  }
}
static double peak_of(const char *name) {
  const bool is_int8 = strstr(name, "_s8") != NULL;
  for (size_t i = 0; i < IG_COUNT(peaks); i++) {
    const size_t n = strlen(peaks[i].suffix), all = strlen(name);
    if (peaks[i].is_int8 == is_int8 && all > n && strcmp(name + all - n, peaks[i].suffix) == 0) return peaks[i].rate;
  }
  return 0;
}

/* ---- kernels ---- */
static unsigned n_timed, n_skipped;
static const char *wanted;

static double best_seconds(const ig_tactic *tactic, test_call *t) {
  ig_launch l = { .tactic = tactic, .call = t->call, .n_parts = 1 };
  const double begin = now();
  double best = 1e9;
  for (int i = 0; i < 3 || now() - begin < 0.1; i++) {
    const double at = now();
    ig_launch_serial(&l);
    best = fmin(best, now() - at);
  }
  return best;
}

static void time_tactic(test_call *t, const ig_tactic *tactic, const char *what, double ops) {
  ig_offer offer;
  int64_t n;
  const double rate = peak_of(tactic->name);
  if ((wanted && !strstr(tactic->name, wanted)) || !accepts(t, tactic, 2, &offer)) return;
  if (tactic->isa & ~machine_isa_()) {
    n_skipped++;
    return;
  }
  const ig_view plain = t->v[1];
  guarded packed = { 0 };
  if (offer.packed_mask) {
    const size_t size = IG_DTYPE_BITS(plain.dtype) / 8;
    assert_true(ig_format_count(&offer.packed[1], plain.dims, plain.rank, &n));
    packed = guard_alloc((size_t)n * size, true, 64);
    ig_format_pack(&offer.packed[1], plain.dims, plain.rank, plain.data, plain.strides, packed.data, size);
    t->v[1].data = packed.data;
    t->v[1].format = &offer.packed[1];
  }
  t->call.scratch_size = tactic->scratch ? tactic->scratch(&t->call, 1) : 0;
  guarded scratch = guard_alloc(t->call.scratch_size, true, 64);
  t->call.scratch = scratch.data;
  const double seconds = best_seconds(tactic, t);
  printf("%-28s %-30s %9.1f us %8.1f GOP/s", tactic->name, what, seconds * 1e6, ops / seconds * 1e-9);
  if (rate > 0) printf(" %5.1f %% of %.1f", 100 * ops / seconds / rate, rate * 1e-9);
  printf("\n");
  n_timed++;
  guard_free(&scratch);
  t->v[1] = plain;
  guard_free(&packed);
}
static void time_all(test_call *t, const char *what, double ops) {
  for (size_t i = 0; i < IG_COUNT(cpu_tactics); i++)
    if (cpu_tactics[i]->kind == t->call.kind && cpu_tactics[i]->isa) time_tactic(t, cpu_tactics[i], what, ops);
  free_call(t);
}

static void time_matmul(bool is_int8, int64_t m, int64_t n, int64_t k) {
  test_call t = { 0 };
  char what[64];
  const ig_matmul_params p = { .acc = is_int8 ? IG_S_I32 : IG_S_F32, .alpha = 1 };
  add_operand(&t, is_int8 ? IG_DTYPE_U8 : IG_DTYPE_F32, 2, (const int64_t[]){ m, k }, COMPACT | TAME);
  add_operand(&t, is_int8 ? IG_DTYPE_I8 : IG_DTYPE_F32, 2, (const int64_t[]){ k, n }, COMPACT | TAME);
  add_operand(&t, is_int8 ? IG_DTYPE_I32 : IG_DTYPE_F32, 2, (const int64_t[]){ m, n }, COMPACT | TAME);
  finish_call(&t, IG_KIND_matmul, 2, 0, 1, &p);
  snprintf(what, sizeof what, "%lldx%lldx%lld", (long long)m, (long long)n, (long long)k);
  time_all(&t, what, 2.0 * (double)(m * n * k));
}

typedef struct layer { int64_t c, o, size, kernel, stride, groups; } layer;
static void time_conv(bool is_int8, layer l) {
  test_call t = { 0 };
  char what[64];
  const int64_t pad = l.kernel / 2, out = (l.size + 2 * pad - l.kernel) / l.stride + 1;
  const ig_conv_params p = { .n_spatial = 2, .groups = l.groups, .acc = is_int8 ? IG_S_I32 : IG_S_F32, .stride = { l.stride, l.stride }, .dilation = { 1, 1 },
    .in_dilation = { 1, 1 }, .pad_lo = { pad, pad }, .pad_hi = { pad, pad } };
  add_operand(&t, is_int8 ? IG_DTYPE_U8 : IG_DTYPE_F32, 4, (const int64_t[]){ 1, l.c, l.size, l.size }, COMPACT | TAME);
  add_operand(&t, is_int8 ? IG_DTYPE_I8 : IG_DTYPE_F32, 4, (const int64_t[]){ l.o, l.c / l.groups, l.kernel, l.kernel }, COMPACT | TAME);
  add_operand(&t, is_int8 ? IG_DTYPE_I32 : IG_DTYPE_F32, 4, (const int64_t[]){ 1, l.o, out, out }, COMPACT | TAME);
  finish_call(&t, IG_KIND_conv, 2, 0, 1, &p);
  snprintf(what, sizeof what, "%lld->%lld %lldx%lld/%lld @%lld%s", (long long)l.c, (long long)l.o, (long long)l.kernel, (long long)l.kernel, (long long)l.stride,
    (long long)l.size, l.groups > 1 ? " depthwise" : "");
  time_all(&t, what, 2.0 * (double)(l.o * out * out * l.kernel * l.kernel * (l.c / l.groups)));
}

static void time_rnn(int64_t time, int64_t hidden) {
  test_call t = { 0 };
  char what[64];
  const ig_rnn_params p = { .cell = IG_RNN_LSTM, .act = { IG_ACT_SIGMOID, IG_ACT_TANH, IG_ACT_TANH, IG_ACT_SIGMOID, IG_ACT_TANH, IG_ACT_TANH } };
  add_operand(&t, IG_DTYPE_F32, 4, (const int64_t[]){ time, 1, 1, 4 * hidden }, COMPACT | TAME);
  add_operand(&t, IG_DTYPE_F32, 3, (const int64_t[]){ 1, 4 * hidden, hidden }, COMPACT | TAME);
  for (int i = 0; i < 5; i++) add_absent(&t);
  add_operand(&t, IG_DTYPE_F32, 4, (const int64_t[]){ time, 1, 1, hidden }, COMPACT | TAME);
  add_absent(&t);
  add_absent(&t);
  finish_call(&t, IG_KIND_rnn, 7, 0, 3, &p);
  snprintf(what, sizeof what, "LSTM %lld steps of %lld", (long long)time, (long long)hidden);
  time_all(&t, what, 8.0 * (double)(time * hidden * hidden));
}

int main(int argc, char **argv) {
  static const int64_t products[][3] = { { 1, 3072, 768 }, { 16, 768, 768 }, { 128, 768, 768 }, { 128, 3072, 768 }, { 197, 768, 3072 }, { 512, 512, 512 } };
  static const layer layers[] = { { 3, 64, 224, 7, 2, 1 }, { 3, 32, 224, 3, 2, 1 }, { 64, 64, 56, 1, 1, 1 }, { 64, 64, 56, 3, 1, 1 }, { 128, 128, 28, 3, 1, 1 },
    { 256, 1024, 14, 1, 1, 1 }, { 512, 512, 7, 3, 1, 1 }, { 240, 60, 1, 1, 1, 1 }, { 96, 96, 56, 3, 1, 96 }, { 144, 144, 56, 3, 2, 144 } };
  wanted = argc > 1 ? argv[1] : NULL;
  measure_peaks();
  for (int is_int8 = 0; is_int8 <= 1; is_int8++) {
    for (size_t i = 0; i < IG_COUNT(products); i++) time_matmul(is_int8, products[i][0], products[i][1], products[i][2]);
    for (size_t i = 0; i < IG_COUNT(layers); i++) time_conv(is_int8, layers[i]);
  }
  time_rnn(50, 128);
  printf("%u timed on one core, %u skipped for want of the instruction set\n", n_timed, n_skipped);
  return n_timed ? 0 : 1;
}
