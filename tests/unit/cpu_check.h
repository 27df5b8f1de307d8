/* Harness of the CPU kernel tests: random operands between guard pages, every tactic of the machine against the reference.
 *
 * An operand's memory ends (or begins) exactly at an unreadable page, so a kernel that touches a byte outside what its operand reaches dies.
 * Results are compared element by element, and bytes between elements must stay as they were.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CPU_CHECK_H
#define CPU_CHECK_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "cpu/kernels/walk.h"
#include "cpu/tactics/tactics.h"
#include "hal/hal.h"
#include "ref/ref.h"

/* ---- random numbers: fixed seeds, the same on every machine ---- */
static uint64_t seed_ = 88172645463325252ull;
static uint64_t rnd(void) {
  seed_ ^= seed_ << 13;
  seed_ ^= seed_ >> 7;
  seed_ ^= seed_ << 17;
  return seed_ * 2685821657736338717ull >> 11;
}
static int64_t below(int64_t n) { return (int64_t)(rnd() % (uint64_t)n); }
static bool chance(int percent) { return below(100) < percent; }

/* ---- guarded memory ---- */
enum { PAGE = 4096 };
typedef struct guarded { uint8_t *map; size_t n_map; uint8_t *data; size_t size; } guarded;
/* size bytes that end at a guard page, or begin after one; align: alignment of data. */
static guarded guard_alloc(size_t size, bool at_end, size_t align) {
  const size_t body = (size + align + PAGE - 1) / PAGE * PAGE;
  guarded g = { .n_map = body + 2 * PAGE, .size = size };
  g.map = mmap(NULL, g.n_map, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(g.map != MAP_FAILED);
  assert_int_equal(mprotect(g.map, PAGE, PROT_NONE), 0);
  assert_int_equal(mprotect(g.map + PAGE + body, PAGE, PROT_NONE), 0);
  g.data = at_end ? g.map + PAGE + (body - size) / align * align : g.map + PAGE;
  return g;
}
static void guard_free(guarded *g) {
  if (g->map) munmap(g->map, g->n_map);
  *g = (guarded){ 0 };
}

/* ---- operands ---- */
enum { MAX_OPERANDS = 24 };
typedef struct test_call {
  ig_call call;
  ig_view v[MAX_OPERANDS];
  guarded mem[MAX_OPERANDS];
  uint32_t n;
  ig_error_word error;
} test_call;

enum { PLAIN = 1, BROADCAST = 2, COMPACT = 4, TAME = 8 /* floats without NaN, infinity and huge values */, LAST = 16 /* channels last */ };

static void fill_random(const guarded *g, ig_dtype d, int flags) {
  const size_t size = IG_DTYPE_BITS(d) >= 8 ? IG_DTYPE_BITS(d) / 8 : 1;
  for (size_t i = 0; i < g->size; i++) g->data[i] = (uint8_t)rnd();
  for (size_t i = 0; i + size <= g->size; i += size) {
    const double x = (double)(below(4001) - 2000) / 1000.0;
    const float special = chance(25) ? NAN : chance(33) ? INFINITY : chance(50) ? -INFINITY : 3e4f;
    const float f = !(flags & TAME) && chance(3) ? special : (float)x;
    const double wide = (double)f;
    const uint16_t h = d == IG_DTYPE_BF16 ? ig_f32_to_bf16(f) : ig_f32_to_f16(f);
    switch (d) {
      case IG_DTYPE_F32: memcpy(g->data + i, &f, 4); break;
      case IG_DTYPE_F64: memcpy(g->data + i, &wide, 8); break;
      case IG_DTYPE_F16: case IG_DTYPE_BF16: memcpy(g->data + i, &h, 2); break;
      case IG_DTYPE_BOOL: g->data[i] = chance(50) ? 0 : (uint8_t)(1 + below(3)); break;
      default: break;
    }
  }
}

/* Adds an operand. Layout: compact, permuted (often with axis 1 last: channels last) with gaps, reversed along an axis, broadcast or blocked, as flags
 * allow. */
static inline ig_view *add_operand(test_call *t, ig_dtype d, uint32_t rank, const int64_t *dims, int flags) {
  ig_view *v = &t->v[t->n];
  guarded *g = &t->mem[t->n++];
  uint8_t order[IG_MAX_RANK];
  assert_true(t->n <= MAX_OPERANDS);
  *v = (ig_view){ .dtype = d, .rank = (uint8_t)rank };
  for (uint32_t k = 0; k < rank; k++) { v->dims[k] = dims[k]; order[k] = (uint8_t)k; }
  const bool strided = !(flags & COMPACT) && chance(60), blocked = !(flags & (PLAIN | COMPACT)) && rank > 0 && chance(12);
  const bool last = (flags & LAST) || (strided && rank > 2 && chance(40));
  for (uint32_t k = 1; last && k < rank; k++) order[k] = (uint8_t)(k + 1 < rank ? k + 1 : 1);
  for (uint32_t k = 0; strided && !last && chance(50) && k + 1 < rank; k++) {
    const uint32_t j = k + (uint32_t)below(rank - k);
    const uint8_t swap = order[k];
    order[k] = order[j];
    order[j] = swap;
  }
  if (blocked) {
    v->block = (uint16_t)(2 + below(7));
    v->block_axis = (uint8_t)below(rank);
  }
  int64_t stride = blocked ? v->block : 1;
  for (uint32_t k = rank; k-- > 0;) {
    const uint32_t a = order[k];
    const bool own_block = blocked && a == v->block_axis;
    const int64_t extent = own_block ? (dims[a] + v->block - 1) / v->block : dims[a];
    v->strides[a] = stride;
    stride *= extent + (strided && chance(30) ? below(3) : 0);
    if (strided && !blocked && chance(10)) v->strides[a] = -v->strides[a];
    if ((flags & BROADCAST) && chance(25) && !own_block) v->strides[a] = 0;
  }
  int64_t lo = 0, hi = 0;
  bool empty = false;
  for (uint32_t k = 0; k < rank; k++) empty |= dims[k] == 0;
  if (!empty) assert_true(ig_operand_reach(v->dims, v->strides, rank, v->block_axis, v->block, 0, d, &lo, &hi));
  if (IG_DTYPE_BITS(d) < 8 && !empty) {
    /* Sub-byte: the elements lie from a random first element of the first byte. */
    const int64_t per = 8 / IG_DTYPE_BITS(d);
    int64_t least = 0, most = 0;
    for (uint32_t k = 0; k < rank; k++) {
      const int64_t span = blocked && k == v->block_axis ? (dims[k] - 1) / v->block * v->strides[k] + v->block - 1 : (dims[k] - 1) * v->strides[k];
      least += span < 0 ? span : 0;
      most += span > 0 ? span : 0;
    }
    v->first = (uint32_t)below(per);
    const int64_t before = (-least + per - 1) / per;      /* bytes before data */
    *g = guard_alloc((size_t)(before + (most + v->first) / per + 1), chance(50), 1);
    v->data = g->data + before;
  } else {
    const size_t align = IG_DTYPE_BITS(d) >= 64 ? 8 : IG_DTYPE_BITS(d) < 8 ? 1 : IG_DTYPE_BITS(d) / 8;
    *g = guard_alloc((size_t)(hi - lo), chance(50), align);
    v->data = g->data - lo;
  }
  fill_random(g, d, flags);
  return v;
}
static inline void add_absent(test_call *t) { t->v[t->n++] = (ig_view){ .dtype = IG_DTYPE_NONE }; }

static inline void finish_call(test_call *t, ig_kind_id kind, uint32_t n_in, uint32_t n_extra, uint32_t n_out, const void *params) {
  assert_int_equal(t->n, n_in + n_extra + n_out);
  t->call.kind = kind;
  t->call.n_in = n_in;
  t->call.n_extra = n_extra;
  t->call.n_out = n_out;
  t->call.v = t->v;
  t->call.params = params;
  t->call.error = &t->error;
}
static inline void free_call(test_call *t) {
  for (uint32_t i = 0; i < t->n; i++) guard_free(&t->mem[i]);
}

/* ---- comparing ---- */
/* integers, off_by_one: of results of integer type that may differ by one. */
typedef struct tally { unsigned checked, in_place, skipped; uint64_t integers, off_by_one; } tally;
static tally tally_;

static double load_number(const ig_view *v, const int64_t *index, bool *out_float) {
  const int64_t at = v->first + ig_view_at(v, index);
  const ig_stype s = ig_stype_of(v->dtype);
  union { float f32; double f64; int32_t i32; int64_t i64; uint8_t b; } x = { .i64 = 0 };
  ig_elem_loader(v->dtype)(v->data, at, 1, 1, &x);
  *out_float = s == IG_S_F32 || s == IG_S_F64;
  return s == IG_S_F32 ? (double)x.f32 : s == IG_S_F64 ? x.f64 : s == IG_S_I32 ? x.i32 : s == IG_S_BOOL ? x.b : (double)x.i64;
}
/* Element-wise; tolerance is relative to max(1, scale). Where want passes, it replaces got, so that a memcmp afterwards finds stray writes. */
static bool same_view(const ig_view *got, const ig_view *want, double tolerance, char *why, size_t n_why) {
  int64_t index[IG_MAX_RANK] = { 0 };
  for (uint32_t k = 0; k < got->rank; k++)
    if (got->dims[k] == 0) return true;
  do {
    if (ig_stype_of(got->dtype)) {
      bool is_float;
      const double a = load_number(got, index, &is_float), b = load_number(want, index, &is_float);
      const double limit = tolerance * fmax(1.0, fabs(b));
      const bool ok = is_float ? (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= limit : fabs(a - b) <= (tolerance >= 1 ? 1 : 0);
      if (!is_float) tally_.integers++, tally_.off_by_one += a != b;
      if (!ok) {
        snprintf(why, n_why, "element %lld,%lld,%lld,%lld: got %.9g, want %.9g", (long long)index[0], (long long)index[1], (long long)index[2], (long long)index[3], a, b);
        return false;
      }
      ig_elem_copy(got, ig_view_at(got, index), want, ig_view_at(want, index));
    }
  } while (ig_index_next(index, got->dims, got->rank));
  return true;
}


static void print_call(const test_call *t, const char *name, uint32_t n_parts) {
  fprintf(stderr, "%s, %u parts\n", name, n_parts);
  for (uint32_t i = 0; i < t->n; i++) {
    fprintf(stderr, "  operand %u: %s, block %u on axis %u, first %u:", i, ig_dtype_name(t->v[i].dtype), t->v[i].block, t->v[i].block_axis, t->v[i].first);
    for (uint32_t k = 0; k < t->v[i].rank; k++) fprintf(stderr, " %lld*%lld", (long long)t->v[i].dims[k], (long long)t->v[i].strides[k]);
    fprintf(stderr, "\n");
  }
  ig_buf b;
  ig_buf_init(&b, &ig_libc_allocator);
  if (t->call.prog.n) ig_sprog_print(&t->call.prog, NULL, &b), ig_buf_str(&b, "\n");
  if (t->call.epi.n) ig_buf_str(&b, "epi: "), ig_sprog_print(&t->call.epi, NULL, &b);
  fprintf(stderr, "%s\n", ig_buf_cstr(&b));
  ig_buf_free(&b);
}

static void run_with(const ig_tactic *tactic, test_call *t, uint32_t n_parts) {
  const size_t size = tactic->scratch ? tactic->scratch(&t->call, n_parts) : 0;
  guarded scratch = guard_alloc(size, true, 64);
  memset(scratch.data, 0xa5, size);
  t->call.scratch = scratch.data;
  t->call.scratch_size = size;
  ig_launch l = { .tactic = tactic, .call = t->call, .n_parts = n_parts };
  ig_launch_serial(&l);
  guard_free(&scratch);
}

/* The request that the bound call stands for, every dim a constant, put to the tactic. */
static bool accepts(const test_call *t, const ig_tactic *tactic, uint32_t constant_mask, ig_offer *out) {
  const ig_kind_def *kind = ig_kind(t->call.kind);
  ig_arena arena;
  ig_dims dims;
  ig_operand operands[MAX_OPERANDS];
  uint64_t params[64] = { 0 };
  const void *constants[MAX_OPERANDS] = { NULL };
  ig_arena_init(&arena, &ig_libc_allocator, 0);
  ig_dims_init(&dims, &ig_libc_allocator, &arena);
  assert_true(kind->params_size <= sizeof params);
  if (kind->params_size) memcpy(params, t->call.params, kind->params_size);
  for (uint32_t i = 0; i < kind->n_fields; i++)
    for (uint32_t j = 0; kind->fields[i].type == IG_FIELD_DIM && j < kind->fields[i].count; j++)
      params[kind->fields[i].word + j] = ig_dim_const(&dims, (int64_t)params[kind->fields[i].word + j]);
  for (uint32_t i = 0; i < t->n; i++) {
    const ig_view *v = &t->v[i];
    operands[i] = (ig_operand){ .value = ig_view_present(v) ? i : IG_NO_VALUE, .dtype = v->dtype, .rank = v->rank, .block_axis = v->block_axis, .block = v->block };
    for (uint32_t k = 0; k < v->rank; k++) { operands[i].dims[k] = ig_dim_const(&dims, v->dims[k]); operands[i].strides[k] = ig_dim_const(&dims, v->strides[k]); }
    operands[i].offset = ig_dim_const(&dims, 0);
    if (constant_mask >> i & 1) constants[i] = v->data;
  }
  ig_request r = { .kind = t->call.kind, .n_in = t->call.n_in, .n_extra = t->call.n_extra, .n_out = t->call.n_out, .operands = operands, .params = params,
    .prog = t->call.prog, .epi = t->call.epi };
  ig_region region = { .requests = &r, .n_requests = 1, .n_in = t->n - r.n_out, .n_out = r.n_out, .n_values = t->n };
  int64_t *opt = calloc(dims.nodes.n, sizeof *opt);
  assert_null(ig_dims_eval(dims.nodes.data, dims.nodes.n, NULL, 0, opt));
  const ig_caps caps = { .device = "cpu", .isa = ~0ull, .n_threads = 2, .l2_bytes = 1 << 20, .l3_bytes = 32 << 20 };
  const ig_query q = { .region = &region, .dims = &dims, .caps = &caps, .opt = opt, .constant_mask = constant_mask, .constants = constants };
  const char *why = NULL;
  const bool yes = tactic->query(&q, out, &why);
  if (!yes) assert_non_null(why);
  else assert_true(out->seconds > 0 && isfinite(out->seconds));
  free(opt);
  ig_dims_free(&dims);
  ig_arena_free(&arena);
  return yes;
}

static uint64_t machine_isa_(void) {
  static uint64_t isa;
  static bool known;
  if (known) return isa;
  ig_env *env = NULL;
  ig_hal_device *dev = NULL;
  assert_null(ig_env_create(NULL, &env));
  const ig_hal_options opt = { .isa_mask = ~0ull };
  assert_null(ig_hal_cpu.open(env, &opt, &dev));
  isa = ig_hal_cpu.caps(dev)->isa;
  ig_hal_cpu.close(dev);
  ig_env_release(env);
  known = true;
  return isa;
}

/* Result 0 on operand i, where the tactic offers it. want: result 0 as it should be. */
static inline void check_in_place(test_call *t, const ig_tactic *tactic, uint32_t i, const ig_view *want, double tolerance) {
  const uint32_t first = t->call.n_in + t->call.n_extra;
  const ig_view out = t->v[first];
  guarded before = guard_alloc(t->mem[i].size, true, 1);
  if (before.size) memcpy(before.data, t->mem[i].data, before.size);
  t->v[first] = t->v[i];
  for (uint32_t n_parts = 1; n_parts <= 3; n_parts++) {
    char why[200] = "";
    run_with(tactic, t, n_parts);
    if (!same_view(&t->v[first], want, tolerance, why, sizeof why)) {
      print_call(t, tactic->name, n_parts);
      fail_msg("in place of operand %u: %s", i, why);
    }
    if (before.size) memcpy(t->mem[i].data, before.data, before.size);
  }
  tally_.in_place++;
  t->v[first] = out;
  guard_free(&before);
}

/* Runs the tactic, where it accepts these constants, in 1, 2 and 3 parts and compares with the reference. */
static inline void check_tactic_with(test_call *t, const ig_tactic *tactic, uint32_t constant_mask, double tolerance) {
  ig_offer offer;
  if (!accepts(t, tactic, constant_mask, &offer)) return;
  if (tactic->isa & ~machine_isa_()) {
    tally_.skipped++;
    return;
  }
  const uint32_t first = t->call.n_in + t->call.n_extra;
  guarded before[8] = { { 0 } }, want[8] = { { 0 } };
  const guarded ref_scratch = guard_alloc(1 << 20, true, 64);
  assert_true(t->call.n_out <= 8);
  for (uint32_t i = 0; i < t->call.n_out; i++) {
    before[i] = guard_alloc(t->mem[first + i].size, true, 1);
    want[i] = guard_alloc(t->mem[first + i].size, true, 16);
    if (before[i].size) memcpy(before[i].data, t->mem[first + i].data, before[i].size);
  }
  t->call.scratch = ref_scratch.data;
  t->call.scratch_size = 1 << 20;
  t->error.word = 0;
  ig_ref_run(&t->call);
  const uint64_t want_error = t->error.word;
  t->call.config = offer.config;
  guarded packed = { 0 };
  const ig_view plain = t->v[1];
  if (offer.packed_mask) {
    int64_t n;
    assert_int_equal(offer.packed_mask, 2);
    assert_null(ig_format_check(&offer.packed[1], plain.rank));
    assert_true(ig_format_count(&offer.packed[1], plain.dims, plain.rank, &n));
    packed = guard_alloc((size_t)n * IG_DTYPE_BITS(plain.dtype) / 8, true, 64);
    ig_format_pack(&offer.packed[1], plain.dims, plain.rank, plain.data, plain.strides, packed.data, IG_DTYPE_BITS(plain.dtype) / 8);
    t->v[1].data = packed.data;
    t->v[1].format = &offer.packed[1];
  }
  for (uint32_t i = 0; i < t->call.n_out; i++)
    if (want[i].size) memcpy(want[i].data, t->mem[first + i].data, want[i].size);
  for (uint32_t n_parts = 1; n_parts <= 3; n_parts++) {
    for (uint32_t i = 0; i < t->call.n_out; i++)
      if (before[i].size) memcpy(t->mem[first + i].data, before[i].data, before[i].size);
    t->error.word = 0;
    run_with(tactic, t, n_parts);
    if (t->error.word != want_error) print_call(t, tactic->name, n_parts);
    assert_true(t->error.word == want_error);
    for (uint32_t i = 0; i < t->call.n_out; i++) {
      const ig_view *v = &t->v[first + i];
      if (!ig_view_present(v)) continue;
      char why[200] = "bytes outside the elements were written";
      ig_view w = *v;
      w.data = want[i].data + ((uint8_t *)v->data - t->mem[first + i].data);
      const bool ok = same_view(v, &w, tolerance, why, sizeof why) && (!want[i].size || memcmp(want[i].data, t->mem[first + i].data, want[i].size) == 0);
      if (!ok) {
        print_call(t, tactic->name, n_parts);
        fail_msg("result %u: %s", i, why);
      }
    }
  }
  for (uint32_t i = 0; i < first; i++) {
    ig_view w = t->v[first];
    w.data = want[0].data + ((uint8_t *)w.data - t->mem[first].data);
    if (offer.inplace_mask >> i & 1 && t->v[i].first == t->v[first].first) check_in_place(t, tactic, i, &w, tolerance);
  }
  tally_.checked++;
  if (offer.packed_mask) {
    t->v[1] = plain;
    guard_free(&packed);
  }
  for (uint32_t i = 0; i < t->call.n_out; i++) {
    if (before[i].size) memcpy(t->mem[first + i].data, before[i].data, before[i].size);
    guard_free(&before[i]);
    guard_free(&want[i]);
  }
  guarded s = ref_scratch;
  guard_free(&s);
}
static inline void check_tactic(test_call *t, const ig_tactic *tactic, double tolerance) {
  const bool constant = t->call.n_in > 1 && ig_view_present(&t->v[1]) && chance(60);
  check_tactic_with(t, tactic, constant ? 2 : 0, tolerance);
}

__attribute__((unused)) static const ig_tactic *const cpu_tactics[] = {
#define IG_CPU_TACTIC(record) &record,
#include "cpu/tactics/tactics.def"
#undef IG_CPU_TACTIC
};
static inline int print_tally(void **state) {
  IG_UNUSED(state);
  printf("kernel variants checked: %u (%u also in place), skipped for want of the instruction set: %u\n", tally_.checked, tally_.in_place, tally_.skipped);
  return 0;
}

/* ---- random programs ---- */
__attribute__((unused)) static const ig_dtype numeric[] = { IG_DTYPE_F32, IG_DTYPE_F64, IG_DTYPE_F16, IG_DTYPE_BF16, IG_DTYPE_I8, IG_DTYPE_U8, IG_DTYPE_I16, IG_DTYPE_U16,
  IG_DTYPE_I32, IG_DTYPE_U32, IG_DTYPE_I64, IG_DTYPE_U64, IG_DTYPE_BOOL, IG_DTYPE_I4, IG_DTYPE_U4, IG_DTYPE_I2, IG_DTYPE_U2,
  IG_DTYPE_F8E4M3FN, IG_DTYPE_F8E4M3FNUZ, IG_DTYPE_F8E5M2, IG_DTYPE_F8E5M2FNUZ, IG_DTYPE_F8E8M0, IG_DTYPE_F6E2M3, IG_DTYPE_F6E3M2, IG_DTYPE_F4E2M1 };
static inline ig_dtype any_dtype(void) { return chance(50) ? IG_DTYPE_F32 : numeric[below((int64_t)IG_COUNT(numeric))]; }
#endif
