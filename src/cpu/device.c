/* Device `cpu`: what the machine offers, its tactics, and streams that run launches on pools of their own.
 *
 * A launch runs to its end before `launch` returns: every phase is one fork-join of the stream's pool. Denormals are flushed to zero while
 * kernels run, on workers and on the caller alike, and the caller's floating-point state is as before afterwards.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/peak.h"
#include "cpu/tactics/tactics.h"
#include "hal/hal.h"
#include "hal/host.h"
#include <assert.h>
#include <cpuid.h>
#include <unistd.h>
#include <xmmintrin.h>

static const ig_tactic *const all_tactics[] = {
#define IG_CPU_TACTIC(record) &record,
#include "cpu/tactics/tactics.def"
#undef IG_CPU_TACTIC
};

typedef struct cpu_device { struct ig_hal_device base; const ig_tactic *tactics[IG_COUNT(all_tactics)]; uint32_t n_tactics; char brand[49]; } cpu_device;
typedef struct cpu_stream { struct ig_hal_stream base; ig_pool *pool; } cpu_stream;

/* ---- the machine ---- */

/* Register states that the operating system saves. */
static uint64_t saved_states(void) {
  uint32_t lo, hi;
  __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
  return (uint64_t)hi << 32 | lo;
}

static uint64_t machine_isa(void) {
  enum { XMM_YMM = 0x6, ZMM = 0xe6 };
  uint32_t a, b, c, d, b7, c7, d7, a71 = 0;
  uint64_t isa = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return 0;
  const uint64_t states = saved_states();
  if ((states & XMM_YMM) != XMM_YMM || !(c & bit_AVX) || !(c & bit_FMA) || !(c & bit_F16C)) return 0;
  if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d7) || !(b7 & bit_AVX2)) return 0;
  isa |= IG_ISA_AVX2;
#ifdef IG_EMULATE_AVX512
  return isa | IG_ISA_AVX512 | IG_ISA_VNNI;   /* the kernels are built over simd/avx512_on_avx2.h */
#endif
  const uint32_t need = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
  if ((states & ZMM) != ZMM || (b7 & need) != need) return isa;
  isa |= IG_ISA_AVX512;
  if (c7 & bit_AVX512VNNI) isa |= IG_ISA_VNNI;
  if (a >= 1 && __get_cpuid_count(7, 1, &a71, &b, &c, &d) && (a71 & bit_AVX512BF16)) isa |= IG_ISA_BF16;
  return isa;
}

static void machine_brand(char out[49]) {
  uint32_t r[12] = { 0 };
  for (uint32_t i = 0; i < 3; i++)
    if (!__get_cpuid(0x80000002u + i, &r[4 * i], &r[4 * i + 1], &r[4 * i + 2], &r[4 * i + 3])) break;
  memcpy(out, r, 48);
  out[48] = 0;
}

/* Of the cache of a level that a core uses. sysconf adds up those of all cores of the socket on some machines, and is asked where the processor says nothing:
 * the description of each cache by CPUID, Intel's leaf 4 and AMD's 0x8000001d, has ways, partitions, line and sets, each less one. */
static uint64_t cache_bytes(uint32_t level, int name, uint64_t otherwise) {
  static const uint32_t leaves[] = { 4, 0x8000001d };
  enum { TYPE = 0x1f, NO_MORE = 0, INSTRUCTIONS = 2, MOST = 8 };
  for (uint32_t i = 0; i < IG_COUNT(leaves); i++)
    for (uint32_t k = 0; k < MOST; k++) {
      uint32_t a, b, c, d;
      if (!__get_cpuid_count(leaves[i], k, &a, &b, &c, &d) || (a & TYPE) == NO_MORE) break;
      if ((a & TYPE) != INSTRUCTIONS && (a >> 5 & 7) == level) return ((uint64_t)(b >> 22) + 1) * ((b >> 12 & 0x3ff) + 1) * ((b & 0xfff) + 1) * ((uint64_t)c + 1);
    }
  const long n = sysconf(name);
  return n > 0 ? (uint64_t)n : otherwise;
}

static ig_status open_device(ig_env *env, const ig_hal_options *opt, ig_hal_device **out_dev) {
  *out_dev = NULL;
  cpu_device *d = ig_alloc_zero(&env->alloc, 1, sizeof *d);
  IG_CHECK_MEM(d);
  d->base.env = env;
  d->base.hal = &ig_hal_cpu;
  d->base.caps = (ig_caps){ .device = "cpu", .isa = machine_isa() & (opt ? opt->isa_mask : ~0ull), .n_threads = opt && opt->n_threads ? opt->n_threads : env->n_threads,
    .l2_bytes = cache_bytes(2, _SC_LEVEL2_CACHE_SIZE, 512u << 10), .l3_bytes = cache_bytes(3, _SC_LEVEL3_CACHE_SIZE, 8u << 20) };
  for (uint32_t i = 0; i < IG_COUNT(all_tactics); i++)
    if ((all_tactics[i]->isa & ~d->base.caps.isa) == 0) d->tactics[d->n_tactics++] = all_tactics[i];
  machine_brand(d->brand);
  *out_dev = &d->base;
  return NULL;
}
static void close_device(ig_hal_device *d) {
  if (d) ig_free(&d->env->alloc, d, sizeof(cpu_device));
}
static const ig_tactic *const *tactics(const ig_hal_device *d, uint32_t *out_n) {
  const cpu_device *cpu = (const cpu_device *)d;
  *out_n = cpu->n_tactics;
  return cpu->tactics;
}
static ig_status describe(const ig_hal_device *d, ig_buf *out) {
  static const struct { uint64_t bit; const char *name; } names[] = { { IG_ISA_AVX2, "avx2" }, { IG_ISA_AVX512, "avx512" }, { IG_ISA_VNNI, "vnni" }, { IG_ISA_BF16, "bf16" } };
  const cpu_device *cpu = (const cpu_device *)d;
  ig_buf_printf(out, "cpu: %s, %u thread%s, isa", cpu->brand[0] ? cpu->brand : "x86-64", d->caps.n_threads, d->caps.n_threads == 1 ? "" : "s");
  for (size_t i = 0; i < IG_COUNT(names); i++)
    if (d->caps.isa & names[i].bit) ig_buf_printf(out, " %s", names[i].name);
  ig_buf_printf(out, "%s, L2 %llu KiB, L3 %llu KiB", d->caps.isa ? "" : " baseline", (unsigned long long)(d->caps.l2_bytes >> 10), (unsigned long long)(d->caps.l3_bytes >> 10));
  return NULL;
}

/* ---- streams ---- */

static ig_status stream_create(ig_hal_device *d, uint32_t n_threads, ig_hal_stream **out_s) {
  *out_s = NULL;
  cpu_stream *s = ig_alloc_zero(&d->env->alloc, 1, sizeof *s);
  IG_CHECK_MEM(s);
  s->base.dev = d;
  ig_status st = ig_pool_create(&d->env->alloc, n_threads ? n_threads : d->caps.n_threads, &s->pool);
  if (st) {
    ig_free(&d->env->alloc, s, sizeof *s);
    return st;
  }
  *out_s = &s->base;
  return NULL;
}
static void stream_destroy(ig_hal_stream *s) {
  if (!s) return;
  ig_pool_destroy(((cpu_stream *)s)->pool);
  ig_free(&s->dev->env->alloc, s, sizeof(cpu_stream));
}

/* ---- launches ---- */

typedef struct job { const ig_launch *launch; uint32_t phase; } job;

/* Flush denormal results to zero and take denormal operands as zero: they cost a hundred cycles each and carry no information here. */
enum { FLUSH = 0x8000 | 0x0040 };
static void run_part(void *arg, uint32_t part, uint32_t n_parts) {
  const job *j = arg;
  const uint32_t before = _mm_getcsr();
  _mm_setcsr(before | FLUSH);
  j->launch->tactic->run(&j->launch->call, j->phase, part, n_parts);
  _mm_setcsr((_mm_getcsr() & 0x3fu) | (before & ~0x3fu));
}

typedef struct bands_job { const ig_launch *launches; const ig_bands *bands; double *seconds; } bands_job;
static void run_bands(void *arg, uint32_t part, uint32_t n_parts) {
  const bands_job *j = arg;
  const uint32_t before = _mm_getcsr();
  IG_UNUSED(n_parts);
  _mm_setcsr(before | FLUSH);
  ig_bands_run(j->launches, j->bands, part, part == 0 ? j->seconds : NULL);
  _mm_setcsr((_mm_getcsr() & 0x3fu) | (before & ~0x3fu));
}

static ig_status launch_bands(ig_hal_stream *s, const ig_launch *l, const ig_bands *b, double *seconds) {
  ig_pool *pool = ((cpu_stream *)s)->pool;
  IG_TRY(ig_pool_usable(pool));
  bands_job j = { l, b, seconds };
  ig_pool_run(pool, run_bands, &j, b->n_parts);
  return NULL;
}

static ig_status launch(ig_hal_stream *s, const ig_launch *l) {
  ig_pool *pool = ((cpu_stream *)s)->pool;
  IG_TRY(ig_pool_usable(pool));
  assert(l->n_parts >= 1 && l->n_parts <= ig_pool_threads(pool));
  const uint32_t n = ig_tactic_phases(l->tactic, &l->call, l->n_parts);
  for (uint32_t phase = 0; phase < n; phase++) {
    job j = { l, phase };
    ig_pool_run(pool, run_part, &j, l->n_parts);
  }
  return NULL;
}

const ig_hal ig_hal_cpu = {
  .name = "cpu", .open = open_device, .close = close_device, .caps = ig_host_caps, .tactics = tactics, .describe = describe, .peak = ig_cpu_peak,
  .alloc = ig_host_alloc, .free = ig_host_free, .stream_create = stream_create, .stream_destroy = stream_destroy,
  .stream_wait = ig_host_stream_wait, .copy = ig_host_copy, .launch = launch, .launch_bands = launch_bands, .event_create = ig_host_event_create,
  .event_destroy = ig_host_event_destroy, .event_record = ig_host_event_record, .event_seconds = ig_host_event_seconds,
};
