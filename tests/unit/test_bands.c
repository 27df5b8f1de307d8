/* Chains in bands of rows against the same steps one by one: every tactic that says by_rows, random chains; integers to the bit, floats up
 * to the order of their sums.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu_check.h"

enum { STEPS = 4 };
typedef struct step { test_call t; ig_conv_params p; const ig_tactic *tactic; ig_offer offer; guarded packed; } step;
typedef struct chain { step s[STEPS]; ig_launch l[STEPS]; uint32_t n; ig_arena arena; unsigned banded; } chain;

/* Zero points shift nothing here; what the epilogue does to 8-bit sums is what quantised networks do: scale, round, clip, store as bytes. */
static void epilogue(chain *c, step *s, bool bytes, bool extra) {
  ig_sbuild b;
  ig_sbuild_init(&b, &c->arena);
  ig_sreg x = ig_s_load(&b, 0, bytes ? IG_DTYPE_I32 : IG_DTYPE_F32);
  if (extra) x = ig_s_op(&b, IG_SOP_ADD, x, ig_s_load(&b, 1, bytes ? IG_DTYPE_I32 : IG_DTYPE_F32), 0);
  if (bytes) {
    x = ig_s_op(&b, IG_SOP_MUL, ig_s_cast(&b, x, IG_S_F32), ig_s_f64(&b, IG_S_F32, 0.004), 0);
    x = ig_s_op(&b, IG_SOP_MIN, ig_s_op(&b, IG_SOP_MAX, x, ig_s_f64(&b, IG_S_F32, 0), 0), ig_s_f64(&b, IG_S_F32, 255), 0);
    x = ig_s_cast(&b, x, ig_stype_of(IG_DTYPE_U8));
  } else if (chance(70)) x = ig_s_op(&b, IG_SOP_MAX, x, ig_s_f64(&b, IG_S_F32, 0), 0);
  ig_s_store(&b, 0, x, 0);
  assert_null(ig_sbuild_finish(&b, &s->t.call.epi));
}

/* A convolution of x [n, ch, h, w]: pointwise, depthwise or of any kind, its result channels last. Its input is what the step before wrote, for the first step memory of its own. */
static bool add_step(chain *c, bool bytes, int64_t n, int64_t *ch, int64_t *h, int64_t *w) {
  step *s = &c->s[c->n], *before = c->n ? s - 1 : NULL;
  const bool pointwise = chance(50), depthwise = !pointwise && chance(70);
  const int64_t k = pointwise ? 1 : chance(70) ? 3 : 5, out = depthwise ? *ch : 1 + below(40), dilation = !pointwise && chance(10) ? 2 : 1, reach = (k - 1) * dilation + 1;
  s->p = (ig_conv_params){ .n_spatial = 2, .groups = depthwise ? *ch : 1, .acc = bytes ? IG_S_I32 : IG_S_F32, .in_dilation = { 1, 1, 1 } };
  for (int d = 0; d < 2; d++) {
    s->p.stride[d] = chance(75) ? 1 : 2;
    s->p.dilation[d] = dilation;
    s->p.pad_lo[d] = below(reach);
    s->p.pad_hi[d] = below(reach);
  }
  if (*h + s->p.pad_lo[0] + s->p.pad_hi[0] < reach || *w + s->p.pad_lo[1] + s->p.pad_hi[1] < reach) return false;
  const int64_t x[4] = { n, *ch, *h, *w }, weight[4] = { out, depthwise ? 1 : *ch, k, k };
  *h = (*h + s->p.pad_lo[0] + s->p.pad_hi[0] - reach) / s->p.stride[0] + 1;
  *w = (*w + s->p.pad_lo[1] + s->p.pad_hi[1] - reach) / s->p.stride[1] + 1;
  *ch = out;
  const int64_t y[4] = { n, out, *h, *w };
  const ig_dtype type = bytes ? IG_DTYPE_U8 : IG_DTYPE_F32;
  if (before) {
    s->t.v[0] = before->t.v[before->t.n - 1];
    s->t.n = 1;
  } else add_operand(&s->t, type, 4, x, PLAIN | TAME | (chance(70) ? LAST : COMPACT));
  add_operand(&s->t, bytes ? IG_DTYPE_I8 : IG_DTYPE_F32, 4, weight, COMPACT | TAME);
  const bool extra = chance(60), epi = bytes || extra || chance(50);
  if (extra) {
    ig_view *v = add_operand(&s->t, bytes ? IG_DTYPE_I32 : IG_DTYPE_F32, 4, y, PLAIN | TAME | (chance(50) ? BROADCAST : LAST));
    int64_t index[IG_MAX_RANK] = { 0 };
    if (bytes) do ((int32_t *)v->data)[ig_view_at(v, index)] %= 1 << 16; while (ig_index_next(index, v->dims, v->rank));
  }
  if (epi) epilogue(c, s, bytes, extra);
  ig_view *o = add_operand(&s->t, type, 4, y, PLAIN | COMPACT);
  const int64_t last[4] = { y[1] * y[2] * y[3], 1, y[1] * y[3], y[1] };
  memcpy(o->strides, last, sizeof last);
  finish_call(&s->t, IG_KIND_conv, 2, extra, 1, &s->p);
  for (int tries = 0; tries < 200 && !s->tactic; tries++) {
    const ig_tactic *t = cpu_tactics[below((int64_t)IG_COUNT(cpu_tactics))];
    if (t->by_rows && !(t->isa & ~machine_isa_()) && accepts(&s->t, t, 2, &s->offer)) s->tactic = t;
  }
  c->n++;
  if (!s->tactic) return false;
  s->t.call.config = s->offer.config;
  ig_view *v = &s->t.v[1];
  if (s->offer.packed_mask & 2) {
    int64_t count;
    assert_true(ig_format_count(&s->offer.packed[1], v->dims, v->rank, &count));
    s->packed = guard_alloc((size_t)count * IG_DTYPE_BITS(v->dtype) / 8, true, 64);
    ig_format_pack(&s->offer.packed[1], v->dims, v->rank, v->data, v->strides, s->packed.data, IG_DTYPE_BITS(v->dtype) / 8);
    v->data = s->packed.data;
    v->format = &s->offer.packed[1];
  }
  return true;
}

static void free_chain(chain *c) {
  for (uint32_t i = 0; i < c->n; i++) {
    free_call(&c->s[i].t);
    guard_free(&c->s[i].packed);
  }
  ig_arena_free(&c->arena);
}

/* Sums of large terms may cancel: errors are measured on the largest result. */
static double largest(const guarded *floats) {
  double most = 1;
  for (size_t i = 0; i + 4 <= floats->size; i += 4) {
    float x;
    memcpy(&x, floats->data + i, 4);
    most = fmax(most, fabs((double)x));
  }
  return most;
}

/* Runs in n_parts parts, last first: no part may lean on another. */
static void run_bands(chain *c, const ig_bands *b, guarded *want) {
  const guarded *out = &c->s[c->n - 1].t.mem[c->s[c->n - 1].t.n - 1];
  guarded scratch = guard_alloc(b->scratch * b->n_parts, true, 64);
  for (uint32_t i = 0; i < c->n; i++) {
    const test_call *t = &c->s[i].t;
    memset(t->mem[t->n - 1].data, 0x7e, t->mem[t->n - 1].size);
  }
  memset(scratch.data, 0xa5, scratch.size);
  c->l[0].call.scratch = scratch.data;
  for (uint32_t part = b->n_parts; part-- > 0;) ig_bands_run(c->l, b, part, NULL);
  const bool bytes = c->s[0].p.acc == IG_S_I32;
  const ig_view *got = &c->s[c->n - 1].t.v[c->s[c->n - 1].t.n - 1];
  ig_view as = *got;
  char why[200] = "";
  as.data = want->data + ((uint8_t *)got->data - out->data);
  if (!same_view(got, &as, bytes ? 0 : 2e-6 * largest(want), why, sizeof why)) {
    for (uint32_t i = 0; i < c->n; i++) print_call(&c->s[i].t, c->s[i].tactic->name, b->n_parts);
    fail_msg("chain of %u steps in bands of %lld rows differs from its steps one by one: %s", b->n, (long long)b->rows, why);
  }
  guard_free(&scratch);
  c->banded++;
}

static unsigned check_chain(bool bytes) {
  chain c = { 0 };
  ig_arena_init(&c.arena, &ig_libc_allocator, 0);
  int64_t n = 1 + below(3), ch = chance(20) ? 3 : 8 + below(40), h = 12 + below(40), w = 1 + below(20);
  bool ok = true;
  for (uint32_t i = 0, steps = 2 + (uint32_t)below(STEPS - 1); ok && i < steps; i++) ok = add_step(&c, bytes, n, &ch, &h, &w);
  for (uint32_t i = 0; ok && i < c.n; i++) {
    c.l[i] = (ig_launch){ .tactic = c.s[i].tactic, .n_parts = 1 };
    run_with(c.s[i].tactic, &c.s[i].t, 1);
    c.l[i].call = c.s[i].t.call;
  }
  const guarded *out = ok ? &c.s[c.n - 1].t.mem[c.s[c.n - 1].t.n - 1] : NULL;
  guarded want = ok ? guard_alloc(out->size, true, 1) : (guarded){ 0 };
  if (ok) memcpy(want.data, out->data, out->size);
  for (uint32_t threads = 1; ok && threads <= 3; threads++)
    for (uint64_t l2 = 4 << 10; l2 <= 256 << 10; l2 *= 4) {
      ig_bands b;
      if (!ig_bands_plan(c.l, c.n, threads, l2, &b)) continue;
      assert_int_equal(b.n, c.n);
      run_bands(&c, &b, &want);
    }
  guard_free(&want);
  free_chain(&c);
  return c.banded;
}

static void test_float32(void **state) {
  unsigned banded = 0;
  IG_UNUSED(state);
  for (int i = 0; i < 400; i++) banded += check_chain(false);
  printf("chains of float32 in bands: %u\n", banded);
  assert_true(!(machine_isa_() & IG_ISA_AVX2) || banded > 100);
}
static void test_bytes(void **state) {
  unsigned banded = 0;
  IG_UNUSED(state);
  for (int i = 0; i < 400; i++) banded += check_chain(true);
  printf("chains of 8-bit integers in bands: %u\n", banded);
  assert_true(!(machine_isa_() & IG_ISA_AVX2) || banded > 100);
}

/* A chain of two steps without padding that runs in bands where the second-level cache has 16 KiB. */
static void chain_in_bands(chain *c) {
  for (;;) {
    int64_t ch = 16, h = 40, w = 16;
    ig_bands b;
    *c = (chain){ 0 };
    ig_arena_init(&c->arena, &ig_libc_allocator, 0);
    if (add_step(c, false, 1, &ch, &h, &w) && add_step(c, false, 1, &ch, &h, &w)) {
      for (uint32_t i = 0; i < 2; i++) c->l[i] = (ig_launch){ .tactic = c->s[i].tactic, .n_parts = 1, .call = c->s[i].t.call };
      if (ig_bands_plan(c->l, 2, 1, 16 << 10, &b)) return;
    }
    free_chain(c);
  }
}

/* What may not run in bands, or need not, is refused. */
static void test_refusals(void **state) {
  chain c;
  ig_bands b;
  IG_UNUSED(state);
  if (!(machine_isa_() & IG_ISA_AVX2)) skip();
  chain_in_bands(&c);
  assert_false(ig_bands_plan(c.l, 2, 1, 64 << 20, &b));      /* all of it fits the cache */
  const int64_t pad = c.s[1].p.pad_lo[0];
  c.s[1].p.pad_lo[0] = 64;                                    /* windows with nothing but padding */
  assert_false(ig_bands_plan(c.l, 2, 1, 16 << 10, &b));
  c.s[1].p.pad_lo[0] = pad;
  ig_view *x = &c.s[1].t.v[0], *y = &c.s[0].t.v[c.s[0].t.n - 1];
  x->strides[2]++;                                            /* not what was written */
  assert_false(ig_bands_plan(c.l, 2, 1, 16 << 10, &b));
  x->strides[2]--;
  assert_true(ig_bands_plan(c.l, 2, 1, 16 << 10, &b));
  x->strides[2] = y->strides[2] = INT64_MAX / 2;              /* as a damaged engine might say */
  assert_false(ig_bands_plan(c.l, 2, 1, 16 << 10, &b));
  x->strides[2] = y->strides[2] = x->dims[1] * x->dims[3];
  assert_true(ig_bands_plan(c.l, 2, 1, 16 << 10, &b));
  x->strides[1] = y->strides[1] = y->strides[2] * 100;        /* planes of channels: a row is not one run */
  assert_false(ig_bands_plan(c.l, 2, 1, 16 << 10, &b));
  free_chain(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_float32), cmocka_unit_test(test_bytes), cmocka_unit_test(test_refusals) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
