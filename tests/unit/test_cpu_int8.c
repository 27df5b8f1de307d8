/* CPU kernels of int8 products against the reference: sums bit for bit, as are results of a factor and a bias; where an epilogue divides, the kernels
 * fold the divisor into the factor, and a result in a thousand may differ by one. See cpu_check.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu_check.h"

static unsigned n_accepted;

static void check_int8(test_call *t, double tolerance) {
  ig_offer offer;
  for (size_t i = 0; i < IG_COUNT(cpu_tactics); i++) {
    const ig_tactic *tactic = cpu_tactics[i];
    if (tactic->kind != t->call.kind || !strstr(tactic->name, "_s8")) continue;
    n_accepted += accepts(t, tactic, 2, &offer);
    check_tactic(t, tactic, tolerance);
  }
}

/* Requantise: round(sum * scale + bias) + zero point, clipped; stored as 8 bits. */
static void requantise(ig_arena *arena, uint32_t n_extra, ig_dtype out, ig_sprog *p) {
  ig_sbuild b;
  ig_sbuild_init(&b, arena);
  ig_sreg x = ig_s_cast(&b, ig_s_load(&b, 0, IG_DTYPE_I32), IG_S_F32);
  x = ig_s_op(&b, IG_SOP_MUL, x, n_extra > 0 ? ig_s_load(&b, 1, IG_DTYPE_F32) : ig_s_f64(&b, IG_S_F32, 0.0078125), 0);
  if (n_extra > 1) x = ig_s_op(&b, IG_SOP_ADD, x, ig_s_load(&b, 2, IG_DTYPE_F32), 0);
  x = ig_s_op(&b, IG_SOP_RINT, x, 0, 0);
  x = ig_s_op(&b, IG_SOP_MAX, x, ig_s_f64(&b, IG_S_F32, out == IG_DTYPE_I8 ? -128 : 0), 0);
  x = ig_s_op(&b, IG_SOP_MIN, x, ig_s_f64(&b, IG_S_F32, out == IG_DTYPE_I8 ? 127 : 255), 0);
  ig_s_store(&b, 0, ig_s_cast(&b, x, IG_S_I32), 0);
  assert_null(ig_sbuild_finish(&b, p));
}

/* A zero point: one value, one per index of `axis`, or none; bytes so that extremes occur. */
static void add_zero(test_call *t, ig_dtype d, uint32_t rank, const int64_t *dims, uint32_t axis) {
  if (chance(30)) {
    add_absent(t);
    return;
  }
  const uint32_t at = t->n;
  ig_view *v = add_operand(t, d, rank, dims, COMPACT);
  const bool per_index = chance(50);
  for (uint32_t k = 0; k < rank; k++) v->strides[k] = per_index && k == axis ? 1 : 0;
  if (chance(20)) memset(t->mem[at].data, chance(50) ? 0x80 : 0xff, t->mem[at].size);
}
static void add_one_zero(test_call *t, ig_dtype d, uint32_t rank, const int64_t *dims) {
  add_zero(t, d, rank, dims, rank);
}

/* The channel axis side by side, as feature maps of quantised networks have it. */
static void channels_last(ig_view *v, uint32_t channel) {
  int64_t stride = v->dims[channel];
  v->strides[channel] = 1;
  for (uint32_t k = v->rank; k-- > 0;) {
    if (k == channel) continue;
    v->strides[k] = stride;
    stride *= v->dims[k];
  }
}

/* Mostly random bytes; now and then all at an end of their range, where 16-bit sums of pairs would saturate, or all but a few near its middle, as weights
 * are: among them are words whose pairs cannot. */
static void add_bytes(test_call *t, ig_dtype d, uint32_t rank, const int64_t *dims, int last_percent) {
  const uint32_t at = t->n;
  const bool last = chance(last_percent);
  add_operand(t, d, rank, dims, last ? COMPACT : PLAIN);
  if (last) channels_last(&t->v[at], rank > 2 ? 1 : rank - 1);
  if (chance(25)) memset(t->mem[at].data, chance(33) ? 0x80 : chance(50) ? 0x7f : 0xff, t->mem[at].size);
  const int32_t middle = d == IG_DTYPE_U8 ? 128 : 0;
  for (size_t i = 0, tamed = chance(40) ? t->mem[at].size : 0; i < tamed; i++) {
    uint8_t *x = (uint8_t *)t->mem[at].data + i;
    if (below(100)) *x = (uint8_t)(middle + ((d == IG_DTYPE_U8 ? *x : (int8_t)*x) - middle) / 3);
  }
}

/* One value for each index of the channel axis. */
static void add_column(test_call *t, uint32_t rank, const int64_t *out, uint32_t channel, double from, double to) {
  const uint32_t at = t->n;
  ig_view *v = add_operand(t, IG_DTYPE_F32, rank, out, COMPACT | TAME);
  for (uint32_t k = 0; k < rank; k++) v->strides[k] = k == channel ? 1 : 0;
  for (size_t i = 0; i + 4 <= t->mem[at].size; i += 4) {
    const float x = (float)(from + (to - from) * (double)below(10001) / 10000);
    memcpy(t->mem[at].data + i, &x, 4);
  }
}
static ig_sreg quantised_by(ig_sbuild *b, ig_sreg x, ig_sreg scale, ig_sreg zero, ig_dtype d) {
  x = ig_s_op(b, IG_SOP_RINT, ig_s_op(b, IG_SOP_DIV, x, scale, 0), 0, 0);
  x = ig_s_op(b, IG_SOP_ADD, x, ig_s_cast(b, zero, IG_S_F32), 0);
  x = ig_s_op(b, IG_SOP_MAX, x, ig_s_f64(b, IG_S_F32, d == IG_DTYPE_I8 ? -128 : 0), 0);
  x = ig_s_op(b, IG_SOP_MIN, x, ig_s_f64(b, IG_S_F32, d == IG_DTYPE_I8 ? 127 : 255), 0);
  return ig_s_cast(b, x, IG_S_I32);
}
static ig_sreg quantised(ig_sbuild *b, ig_sreg x, double scale, int64_t zero, ig_dtype d) {
  return quantised_by(b, x, ig_s_f64(b, IG_S_F32, scale), ig_s_i64(b, IG_S_I32, zero), d);
}
static ig_sreg dequantised(ig_sbuild *b, ig_sreg x, double scale, int64_t zero) {
  x = ig_s_op(b, IG_SOP_SUB, x, ig_s_i64(b, IG_S_I32, zero), 0);
  return ig_s_op(b, IG_SOP_MUL, ig_s_cast(b, x, IG_S_F32), ig_s_f64(b, IG_S_F32, scale), 0);
}
/* What Q/DQ networks leave behind a product: requantised, perhaps dequantised, added to a dequantised residual and requantised again. */
static void network_epilogue(ig_arena *arena, bool relu, bool residual, bool to_float, bool twice, ig_dtype out, ig_dtype other, ig_sprog *p) {
  const int64_t zero = out == IG_DTYPE_I8 ? -3 : 121;
  ig_sbuild b;
  ig_sbuild_init(&b, arena);
  ig_sreg x = ig_s_op(&b, IG_SOP_MUL, ig_s_cast(&b, ig_s_load(&b, 0, IG_DTYPE_I32), IG_S_F32), ig_s_load(&b, 1, IG_DTYPE_F32), 0);
  x = ig_s_op(&b, IG_SOP_ADD, x, ig_s_load(&b, 2, IG_DTYPE_F32), 0);
  if (relu) x = ig_s_op(&b, IG_SOP_MAX, x, ig_s_f64(&b, IG_S_F32, 0), 0);
  x = quantised(&b, x, 0.021, zero, out);
  if (residual || to_float) x = dequantised(&b, ig_s_cast(&b, ig_s_round(&b, x, out), IG_S_I32), 0.021, zero);
  if (residual) {
    const ig_sreg r = ig_s_load(&b, 3, other);
    x = ig_s_op(&b, IG_SOP_ADD, x, other == IG_DTYPE_F32 ? r : dequantised(&b, r, 0.017, 5), 0);
  }
  if (residual && (!to_float || twice)) x = quantised(&b, ig_s_op(&b, IG_SOP_MAX, x, ig_s_f64(&b, IG_S_F32, 0), 0), 0.033, 0, out);
  if (twice && residual && to_float) x = dequantised(&b, ig_s_cast(&b, ig_s_round(&b, x, out), IG_S_I32), 0.033, 0);
  ig_s_store(&b, 0, x, 0);
  assert_null(ig_sbuild_finish(&b, p));
}

/* What dynamically quantised transformers leave: scaled, biased, GELU as it is spelt out. */
static void gelu_epilogue(ig_arena *arena, ig_sprog *p) {
  ig_sbuild b;
  ig_sbuild_init(&b, arena);
  ig_sreg x = ig_s_op(&b, IG_SOP_MUL, ig_s_cast(&b, ig_s_load(&b, 0, IG_DTYPE_I32), IG_S_F32), ig_s_load(&b, 1, IG_DTYPE_F32), 0);
  x = ig_s_op(&b, IG_SOP_ADD, x, ig_s_load(&b, 2, IG_DTYPE_F32), 0);
  ig_sreg y = ig_s_op(&b, IG_SOP_ERF, ig_s_op(&b, IG_SOP_DIV, x, ig_s_f64(&b, IG_S_F32, 1.4142135381698608), 0), 0, 0);
  y = ig_s_op(&b, IG_SOP_ADD, y, ig_s_f64(&b, IG_S_F32, 1), 0);
  y = ig_s_op(&b, IG_SOP_MUL, y, ig_s_f64(&b, IG_S_F32, 0.5), 0);
  ig_s_store(&b, 0, ig_s_op(&b, IG_SOP_MUL, x, y, 0), 0);
  assert_null(ig_sbuild_finish(&b, p));
}

static void finish_int8(test_call *t, uint32_t n_in, uint32_t rank, const int64_t *out, uint32_t channel, ig_kind_id kind, const void *params) {
  ig_arena arena;
  ig_arena_init(&arena, &ig_libc_allocator, 0);
  const bool epi = chance(70), network = epi && chance(60), residual = chance(50), to_float = network && chance(40), gelu = to_float && !residual && chance(50), last = chance(60);
  const ig_dtype bytes = chance(50) ? IG_DTYPE_U8 : IG_DTYPE_I8, other = chance(25) ? IG_DTYPE_F32 : chance(50) ? IG_DTYPE_U8 : IG_DTYPE_I8;
  const ig_dtype result = !epi ? IG_DTYPE_I32 : to_float ? IG_DTYPE_F32 : bytes;
  uint32_t n_extra = epi ? (uint32_t)below(3) : 0;
  if (network) {
    add_column(t, rank, out, channel, 1e-6, 1e-4);
    add_column(t, rank, out, channel, -1, 1);
    if (residual) add_operand(t, other, rank, out, COMPACT | TAME);
    if (residual && last) channels_last(&t->v[t->n - 1], channel);
    n_extra = residual ? 3 : 2;
    if (gelu) gelu_epilogue(&arena, &t->call.epi);
    else network_epilogue(&arena, chance(30), residual, to_float, chance(50), bytes, other, &t->call.epi);
  } else {
    const double most = chance(15) ? 1e9 : 2;   /* beyond 32 bits */
    for (uint32_t i = 0; i < n_extra; i++) add_column(t, rank, out, channel, -most, most);
    if (epi) requantise(&arena, n_extra, result, &t->call.epi);
  }
  add_operand(t, result, rank, out, last ? COMPACT : 0);
  if (last) channels_last(&t->v[t->n - 1], channel);
  finish_call(t, kind, n_in, n_extra, 1, params);
  check_int8(t, gelu ? 1e-5 : network ? to_float ? 0.0331 : 1 : 0);
  free_call(t);
  ig_arena_free(&arena);
}
static ig_dtype byte_type(void) { return chance(50) ? IG_DTYPE_I8 : IG_DTYPE_U8; }

static void test_matmul(void **state) {
  IG_UNUSED(state);
  n_accepted = 0;
  for (int round = 0; round < 400; round++) {
    test_call t = { 0 };
    const ig_dtype ta = byte_type(), tb = byte_type();
    const ig_matmul_params p = { .acc = IG_S_I32, .alpha = 1.0 };
    const uint32_t n_batch = (uint32_t)below(3), rank = n_batch + 2;
    int64_t a[IG_MAX_RANK], b[IG_MAX_RANK], out[IG_MAX_RANK];
    for (uint32_t i = 0; i < n_batch; i++) a[i] = out[i] = 1 + below(3), b[i] = 1;
    a[rank - 2] = out[rank - 2] = chance(25) ? 1 : chance(10) ? 100 : 1 + below(40);
    a[rank - 1] = b[rank - 2] = chance(10) ? chance(50) ? 700 : 1801 : 1 + below(40);
    b[rank - 1] = out[rank - 1] = chance(15) ? 1 : chance(10) ? 600 : 1 + below(100);
    add_bytes(&t, ta, rank, a, 40);
    add_bytes(&t, tb, rank, b, 40);
    /* Batch dims are equal: the weights' are there by stride 0. */
    for (uint32_t i = 0; i < n_batch; i++) t.v[1].dims[i] = b[i] = a[i], t.v[1].strides[i] = 0;
    uint32_t n_in = 2;
    if (chance(70)) {
      n_in = 4;
      add_zero(&t, ta, rank, a, rank - 2);
      add_zero(&t, tb, rank, b, rank - 1);
    }
    finish_int8(&t, n_in, rank, out, rank - 1, IG_KIND_matmul, &p);
  }
  assert_true(n_accepted >= 600);
  assert_true(tally_.off_by_one * 1000 <= tally_.integers);
}

static void test_conv(void **state) {
  IG_UNUSED(state);
  n_accepted = 0;
  for (int round = 0; round < 400; round++) {
    test_call t = { 0 };
    const ig_dtype tx = byte_type(), tw = byte_type();
    const bool pointwise = chance(30), depthwise = chance(35), frequent = depthwise && chance(60);   /* frequent: 3x3 or 5x5, stride 1 or 2 */
    const int64_t n_spatial = frequent ? 2 : 1 + below(2), side = 3 + 2 * below(2), step = 1 + below(2);
    ig_conv_params p = { .n_spatial = n_spatial, .groups = 1, .acc = IG_S_I32 };
    const uint32_t rank = (uint32_t)n_spatial + 2;
    int64_t x[IG_MAX_RANK] = { 1 + below(3), 1 + below(chance(20) ? chance(30) ? 120 : 40 : 9) }, w[IG_MAX_RANK] = { 1 + below(chance(20) ? 60 : 14), x[1] }, out[IG_MAX_RANK] = { x[0], w[0] };
    bool empty = false;
    if (depthwise) p.groups = w[0] = out[1] = x[1], w[1] = 1;
    for (int64_t i = 0; i < n_spatial; i++) {
      x[2 + i] = chance(3) ? 0 : 1 + below(chance(30) ? 40 : 22);   /* windows that lie in padding alone */
      w[2 + i] = frequent ? side : pointwise ? 1 : 1 + below(4);
      p.stride[i] = frequent ? step : pointwise && chance(50) ? 1 : 1 + below(3);
      p.dilation[i] = frequent ? 1 : 1 + below(2);
      p.in_dilation[i] = 1;
      p.pad_lo[i] = pointwise && !frequent ? 0 : below(4);
      p.pad_hi[i] = pointwise && !frequent ? 0 : below(4);
      const int64_t room = x[2 + i] + p.pad_lo[i] + p.pad_hi[i] - (w[2 + i] - 1) * p.dilation[i] - 1;
      out[2 + i] = room < 0 ? 0 : room / p.stride[i] + 1;
      empty |= out[2 + i] == 0;
    }
    if (empty) continue;
    add_bytes(&t, tx, rank, x, frequent ? 80 : 40);
    add_bytes(&t, tw, rank, w, 40);
    uint32_t n_in = 2;
    if (chance(70)) {
      n_in = 4;
      add_one_zero(&t, tx, rank, x);
      add_zero(&t, tw, rank, w, 0);
    }
    finish_int8(&t, n_in, rank, out, 1, IG_KIND_conv, &p);
  }
  assert_true(n_accepted >= 600);
  assert_true(tally_.off_by_one * 1000 <= tally_.integers);
}

/* The form of depthwise convolution that is frequent: 3x3, signed weights without zero points, channels last, requantised. */
static void test_depthwise(void **state) {
  IG_UNUSED(state);
  n_accepted = 0;
  for (int round = 0; round < 200; round++) {
    test_call t = { 0 };
    ig_arena arena;
    const ig_dtype tx = byte_type(), result = byte_type();
    const int64_t step = 1 + below(2), channels = chance(60) ? 16 * (1 + below(14)) : 1 + below(200);
    ig_conv_params p = { .n_spatial = 2, .groups = channels, .acc = IG_S_I32 };
    int64_t x[4] = { 1 + below(2), channels }, w[4] = { channels, 1, 3, 3 }, out[4] = { x[0], channels };
    bool empty = false;
    for (int64_t i = 0; i < 2; i++) {
      x[2 + i] = 1 + below(14);
      p.stride[i] = step, p.dilation[i] = p.in_dilation[i] = 1, p.pad_lo[i] = below(3), p.pad_hi[i] = below(3);
      const int64_t room = x[2 + i] + p.pad_lo[i] + p.pad_hi[i] - 3;
      out[2 + i] = room < 0 ? 0 : room / step + 1;
      empty |= out[2 + i] == 0;
    }
    if (empty) continue;
    channels_last(add_operand(&t, tx, 4, x, COMPACT), 1);
    add_bytes(&t, IG_DTYPE_I8, 4, w, 0);
    uint32_t n_in = 2;
    if (chance(70)) add_one_zero(&t, tx, 4, x), n_in = 3;
    if (n_in == 3 && chance(50)) add_zero(&t, IG_DTYPE_I8, 4, w, 0), n_in = 4;
    if (n_in == 4 && ig_view_present(&t.v[3]) && chance(80)) memset(t.mem[3].data, 0, t.mem[3].size);
    add_column(&t, 4, out, 1, 1e-6, 1e-4);
    add_column(&t, 4, out, 1, -1, 1);
    ig_arena_init(&arena, &ig_libc_allocator, 0);
    network_epilogue(&arena, chance(30), false, false, false, result, result, &t.call.epi);
    channels_last(add_operand(&t, result, 4, out, COMPACT), 1);
    finish_call(&t, IG_KIND_conv, n_in, 2, 1, &p);
    check_int8(&t, 1);
    free_call(&t);
    ig_arena_free(&arena);
  }
  assert_true(n_accepted >= 250);
  assert_true(tally_.off_by_one * 1000 <= tally_.integers);
}

static void test_pool(void **state) {
  IG_UNUSED(state);
  n_accepted = 0;
  for (int round = 0; round < 200; round++) {
    test_call t = { 0 };
    const ig_dtype d = byte_type();
    ig_window_params p = { .mode = IG_WINDOW_MAX, .n_spatial = 1 + below(2) };
    const uint32_t rank = (uint32_t)p.n_spatial + 2;
    int64_t x[4] = { 1 + below(3), 1 + below(70) }, out[4] = { x[0], x[1] };
    bool empty = false;
    for (int64_t i = 0; i < p.n_spatial; i++) {
      x[2 + i] = 1 + below(16);
      p.kernel[i] = 1 + below(chance(10) ? 12 : 4), p.stride[i] = 1 + below(3), p.dilation[i] = 1 + below(2), p.pad_lo[i] = below(3), p.pad_hi[i] = below(3);
      const int64_t room = x[2 + i] + p.pad_lo[i] + p.pad_hi[i] - (p.kernel[i] - 1) * p.dilation[i] - 1;
      out[2 + i] = room < 0 ? 0 : room / p.stride[i] + 1;
      empty |= out[2 + i] == 0;
    }
    if (empty) continue;
    channels_last(add_operand(&t, d, rank, x, COMPACT), 1);
    channels_last(add_operand(&t, d, rank, out, COMPACT), 1);
    finish_call(&t, IG_KIND_window, 1, 0, 1, &p);
    check_int8(&t, 0);
    free_call(&t);
  }
  assert_true(n_accepted >= 100);
}

static void test_quantise(void **state) {
  IG_UNUSED(state);
  n_accepted = 0;
  for (int round = 0; round < 200; round++) {
    test_call t = { 0 };
    const ig_dtype d = byte_type();
    const uint32_t rank = (uint32_t)below(5);
    const int layout = chance(50) ? COMPACT : COMPACT | LAST;
    int64_t dims[4];
    ig_arena arena;
    ig_sbuild b;
    for (uint32_t k = 0; k < rank; k++) dims[k] = chance(3) ? 0 : 1 + below(chance(10) ? 50 : 9);
    ig_view *x = add_operand(&t, IG_DTYPE_F32, rank, dims, layout);
    for (size_t i = 0; i + 4 <= t.mem[0].size; i += 4) {
      static const float odd[] = { NAN, -NAN, INFINITY, -INFINITY, 3e38f, -3e38f, -0.0f, 1e-40f };
      const float v = chance(5) ? odd[below(8)] : (float)(below(2001) - 1000) * 0.0105f;
      memcpy(t.mem[0].data + i, &v, 4);
    }
    const bool in_run = chance(40);      /* scale and zero point are operands */
    if (in_run) {
      const float scale = 0.013f;
      ig_view *v = add_operand(&t, IG_DTYPE_F32, rank, dims, COMPACT);
      memset(v->strides, 0, sizeof v->strides);
      if (t.mem[1].size) memcpy(t.mem[1].data, &scale, sizeof scale);
      v = add_operand(&t, d, rank, dims, COMPACT);
      memset(v->strides, 0, sizeof v->strides);
    }
    ig_view *o = add_operand(&t, d, rank, dims, layout);
    if (chance(80)) memcpy(o->strides, x->strides, sizeof o->strides);
    ig_arena_init(&arena, &ig_libc_allocator, 0);
    ig_sbuild_init(&b, &arena);
    const ig_sreg v = ig_s_load(&b, 0, IG_DTYPE_F32);
    if (in_run) ig_s_store(&b, 0, quantised_by(&b, v, ig_s_load(&b, 1, IG_DTYPE_F32), ig_s_load(&b, 2, d), d), 0);
    else ig_s_store(&b, 0, quantised(&b, v, 0.021, d == IG_DTYPE_I8 ? -3 : 121, d), 0);
    assert_null(ig_sbuild_finish(&b, &t.call.prog));
    finish_call(&t, IG_KIND_map, in_run ? 3 : 1, 0, 1, NULL);
    check_int8(&t, 0);
    free_call(&t);
    ig_arena_free(&arena);
  }
  assert_true(n_accepted >= 100);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_matmul), cmocka_unit_test(test_conv), cmocka_unit_test(test_depthwise), cmocka_unit_test(test_pool), cmocka_unit_test(test_quantise) };
  return cmocka_run_group_tests(tests, NULL, print_tally);
}
