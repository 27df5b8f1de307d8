/* CPU kernels of matmul, conv, window and rnn against the reference. See cpu_check.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu_check.h"

static bool specials_;   /* operands of this call hold NaN and infinity: what transforms its input spreads them (test_cpu_winograd) */
static void check_all(test_call *t, double tolerance) {
  for (size_t i = 0; i < IG_COUNT(cpu_tactics); i++)
    if (cpu_tactics[i]->kind == t->call.kind && !(specials_ && strstr(cpu_tactics[i]->name, "winograd"))) check_tactic(t, cpu_tactics[i], tolerance);
}

/* As exporters write it, with a scale and a shift before and after now and then. */
static ig_sreg hard_swish(ig_sbuild *b, ig_sreg x) {
  const ig_sreg six = ig_s_f64(b, IG_S_F32, 6);
  if (chance(50)) x = ig_s_op(b, IG_SOP_ADD, ig_s_op(b, IG_SOP_MUL, ig_s_f64(b, IG_S_F32, 0.75), x, 0), ig_s_f64(b, IG_S_F32, -0.5), 0);
  ig_sreg y = ig_s_op(b, IG_SOP_ADD, x, ig_s_f64(b, IG_S_F32, 3), 0);
  y = ig_s_op(b, IG_SOP_MIN, ig_s_op(b, IG_SOP_MAX, y, ig_s_f64(b, IG_S_F32, 0), 0), six, 0);
  y = ig_s_op(b, IG_SOP_DIV, ig_s_op(b, IG_SOP_MUL, x, y, 0), six, 0);
  return chance(50) ? y : ig_s_op(b, IG_SOP_MUL, ig_s_f64(b, IG_S_F32, 1.5), y, 0);
}

/* LeakyRelu, PRelu. */
static ig_sreg leaky(ig_sbuild *b, ig_sreg x, ig_sreg slope) {
  const ig_sreg y = ig_s_op(b, IG_SOP_MUL, x, slope, 0);
  return ig_s_op(b, IG_SOP_SELECT, ig_s_op(b, IG_SOP_LT, x, ig_s_f64(b, IG_S_F32, 0), 0), y, x);
}

/* An epilogue over the result and n_extra operands of type d: bias, residual, clip, a function; result stored as out. */
static void random_epilogue(ig_arena *arena, ig_dtype acc, uint32_t n_extra, ig_dtype d, ig_dtype out, ig_sprog *p) {
  ig_sbuild b;
  ig_sbuild_init(&b, arena);
  ig_sreg x = ig_s_load(&b, 0, acc);
  const ig_stype t = ig_stype_of(acc);
  for (uint32_t i = 0; i < n_extra; i++) {
    const ig_sreg y = ig_s_load(&b, 1 + i, d);
    const ig_sreg z = ig_s_type(&b, y) == t ? y : ig_s_cast(&b, y, t);
    x = t == IG_S_F32 && chance(15) ? leaky(&b, x, z) : ig_s_op(&b, t == IG_S_F32 && chance(20) ? IG_SOP_MUL : IG_SOP_ADD, x, z, 0);
  }
  if (t == IG_S_F32 && chance(30)) x = hard_swish(&b, x);
  if (t == IG_S_F32 && chance(20)) x = leaky(&b, x, ig_s_f64(&b, IG_S_F32, 0.2));
  if (chance(40)) x = ig_s_op(&b, IG_SOP_MAX, x, ig_s_i64(&b, t, 0), 0);
  if (chance(30)) x = ig_s_op(&b, IG_SOP_MIN, x, ig_s_i64(&b, t, 6), 0);
  static const uint16_t functions[] = { IG_SOP_TANH, IG_SOP_ERF, IG_SOP_SIGMOID };
  if (t == IG_S_F32 && chance(30)) {
    const ig_sreg f = ig_s_op(&b, functions[below(3)], x, 0, 0);
    x = chance(50) ? f : ig_s_op(&b, IG_SOP_MUL, x, f, 0);   /* SiLU and its like */
  }
  if (ig_stype_of(out) != t) x = ig_s_cast(&b, x, ig_stype_of(out));
  ig_s_store(&b, 0, x, 0);
  assert_null(ig_sbuild_finish(&b, p));
}

typedef struct types { ig_dtype a, b, out; ig_stype acc; } types;
static const types type_cases[] = {
  { IG_DTYPE_F32, IG_DTYPE_F32, IG_DTYPE_F32, IG_S_F32 }, { IG_DTYPE_F32, IG_DTYPE_F32, IG_DTYPE_F32, IG_S_F32 }, { IG_DTYPE_F32, IG_DTYPE_F32, IG_DTYPE_F32, IG_S_F32 },
  { IG_DTYPE_F64, IG_DTYPE_F64, IG_DTYPE_F64, IG_S_F64 }, { IG_DTYPE_U8, IG_DTYPE_I8, IG_DTYPE_I32, IG_S_I32 }, { IG_DTYPE_I8, IG_DTYPE_I8, IG_DTYPE_I32, IG_S_I32 },
  { IG_DTYPE_I32, IG_DTYPE_I32, IG_DTYPE_I32, IG_S_I32 }, { IG_DTYPE_I64, IG_DTYPE_I64, IG_DTYPE_I64, IG_S_I64 }, { IG_DTYPE_U64, IG_DTYPE_U64, IG_DTYPE_U64, IG_S_U64 },
  { IG_DTYPE_F16, IG_DTYPE_F16, IG_DTYPE_F32, IG_S_F32 }, { IG_DTYPE_BF16, IG_DTYPE_BF16, IG_DTYPE_F32, IG_S_F32 } };

/* The functions of epilogues on a grid of numbers, tails included: their own errors, without those of a sum. */
static void test_functions(void **state) {
  enum { ROWS = 1 << 14 };
  static const uint16_t functions[] = { IG_SOP_ERF, IG_SOP_TANH, IG_SOP_SIGMOID, IG_SOP_EXP };
  static const ig_matmul_params params = { .acc = IG_S_F32, .alpha = 1 };
  IG_UNUSED(state);
  for (size_t f = 0; f < IG_COUNT(functions); f++) {
    test_call t = { 0 };
    ig_arena arena;
    ig_sbuild b;
    ig_arena_init(&arena, &ig_libc_allocator, 0);
    ig_sbuild_init(&b, &arena);
    ig_s_store(&b, 0, ig_s_op(&b, functions[f], ig_s_load(&b, 0, IG_DTYPE_F32), 0, 0), 0);
    assert_null(ig_sbuild_finish(&b, &t.call.epi));
    ig_view *x = add_operand(&t, IG_DTYPE_F32, 2, (const int64_t[]){ ROWS, 1 }, 0);
    for (int64_t i = 0; i < ROWS; i++) ((float *)x->data)[i * x->strides[0]] = 12.0f * (2.0f * (float)i / (ROWS - 1) - 1.0f);
    ig_view *one = add_operand(&t, IG_DTYPE_F32, 2, (const int64_t[]){ 1, 16 }, 0);
    for (int64_t i = 0; i < 16; i++) ((float *)one->data)[i * one->strides[1]] = 1.0f;
    add_operand(&t, IG_DTYPE_F32, 2, (const int64_t[]){ ROWS, 16 }, 0);
    finish_call(&t, IG_KIND_matmul, 2, 0, 1, &params);
    check_all(&t, 5e-7);
    free_call(&t);
    ig_arena_free(&arena);
  }
}

/* Compiled epilogues of 8-bit products take 32-bit sums that do not wrap. */
static void tame_sums(const ig_view *v) {
  int64_t index[IG_MAX_RANK] = { 0 };
  if (ig_view_count(v) == 0) return;
  do ((int32_t *)v->data)[ig_view_at(v, index)] %= 1 << 20;
  while (ig_index_next(index, v->dims, v->rank));
}

static void finish_product(test_call *t, const types *y, uint32_t n_in, uint32_t rank, const int64_t *out, ig_kind_id kind, const void *params) {
  static const ig_dtype plain[] = { 0, IG_DTYPE_F32, IG_DTYPE_F64, IG_DTYPE_I32, IG_DTYPE_I64, IG_DTYPE_U64, IG_DTYPE_BOOL };
  ig_arena arena;
  ig_arena_init(&arena, &ig_libc_allocator, 0);
  const uint32_t n_extra = chance(60) ? (uint32_t)below(3) : 0;
  const bool epi = n_extra > 0 || chance(20), narrow = epi && y->acc == IG_S_I32 && chance(50);
  const ig_dtype result = narrow ? IG_DTYPE_F32 : y->out;
  for (uint32_t i = 0; i < n_extra; i++) {
    ig_view *v = add_operand(t, plain[y->acc], rank, out, BROADCAST | TAME);
    if (y->acc == IG_S_I32) tame_sums(v);
  }
  if (epi) random_epilogue(&arena, plain[y->acc], n_extra, plain[y->acc], result, &t->call.epi);
  add_operand(t, result, rank, out, 0);
  finish_call(t, kind, n_in, n_extra, 1, params);
  check_all(t, y->acc == IG_S_F32 ? 2e-4 : y->acc == IG_S_F64 ? 1e-9 : narrow ? 3e-7 : 0);
  free_call(t);
  ig_arena_free(&arena);
}

/* A NaN and an infinity somewhere in a float32 operand. */
static void add_specials(const test_call *t, uint32_t i) {
  const guarded *g = &t->mem[i];
  specials_ = false;
  if (t->v[i].dtype != IG_DTYPE_F32 || g->size < 8 || chance(70)) return;
  specials_ = true;
  const float special[2] = { NAN, chance(50) ? INFINITY : -INFINITY };
  for (int k = 0; k < 2; k++) memcpy(g->data + 4 * (size_t)below((int64_t)g->size / 4), &special[k], 4);
}

static void test_matmul(void **state) {
  IG_UNUSED(state);
  for (int round = 0; round < 300; round++) {
    test_call t = { 0 };
    const types *y = &type_cases[below((int64_t)IG_COUNT(type_cases))];
    const bool is_float = y->acc == IG_S_F32 || y->acc == IG_S_F64;
    const ig_matmul_params p = { .acc = y->acc, .alpha = is_float && chance(30) ? 0.125 : 1.0 };
    const uint32_t n_batch = (uint32_t)below(3), rank = n_batch + 2;
    int64_t a[IG_MAX_RANK], b[IG_MAX_RANK], out[IG_MAX_RANK];
    const int64_t m = chance(25) ? 1 : chance(20) ? 100 : 1 + below(40), n = chance(15) ? 1 : chance(20) ? 130 : 1 + below(70), k = chance(5) ? 0 : chance(15) ? 300 : 1 + below(40);
    for (uint32_t i = 0; i < n_batch; i++) a[i] = b[i] = out[i] = 1 + below(3);
    a[rank - 2] = out[rank - 2] = m;
    a[rank - 1] = b[rank - 2] = k;
    b[rank - 1] = out[rank - 1] = n;
    add_operand(&t, y->a, rank, a, BROADCAST | TAME);
    add_specials(&t, 0);
    add_operand(&t, y->b, rank, b, BROADCAST | TAME);
    uint32_t n_in = 2;
    if (y->acc == IG_S_I32 && y->b == IG_DTYPE_I8 && chance(70)) {
      n_in = 4;
      if (chance(70)) add_operand(&t, y->a, rank, a, BROADCAST);
      else add_absent(&t);
      if (chance(70)) add_operand(&t, y->b, rank, b, BROADCAST);
      else add_absent(&t);
    }
    finish_product(&t, y, n_in, rank, out, IG_KIND_matmul, &p);
  }
}

static int64_t extent(int64_t in, int64_t in_dilation, int64_t lo, int64_t hi, int64_t kernel, int64_t dilation, int64_t stride) {
  const int64_t room = (in - 1) * in_dilation + 1 + lo + hi - (kernel - 1) * dilation - 1;
  return room < 0 ? 0 : room / stride + 1;
}

static void test_conv(void **state) {
  IG_UNUSED(state);
  for (int round = 0; round < 300; round++) {
    test_call t = { 0 };
    const types *y = &type_cases[below((int64_t)IG_COUNT(type_cases))];
    const bool pointwise = chance(25), depthwise = chance(25);
    const int64_t n_spatial = chance(70) ? 2 : 1 + below(3), groups = chance(60) ? 1 : 1 + below(4), per = depthwise ? 1 : 1 + below(chance(20) ? 20 : 5);
    ig_conv_params p = { .n_spatial = n_spatial, .groups = groups, .acc = y->acc };
    const uint32_t rank = (uint32_t)n_spatial + 2;
    int64_t x[IG_MAX_RANK] = { 1 + below(3), groups * per }, w[IG_MAX_RANK] = { groups * (depthwise ? 1 : 1 + below(chance(20) ? 20 : 6)), per }, out[IG_MAX_RANK] = { x[0], w[0] };
    bool empty = false;
    for (int64_t i = 0; i < n_spatial; i++) {
      x[2 + i] = 1 + below(n_spatial == 3 ? 7 : chance(30) ? 40 : 22);
      w[2 + i] = pointwise ? 1 : 1 + below(4);
      p.stride[i] = pointwise && chance(50) ? 1 : 1 + below(3);
      p.dilation[i] = 1 + below(2);
      p.in_dilation[i] = chance(85) ? 1 : 2;
      p.pad_lo[i] = pointwise ? 0 : below(4) - (p.in_dilation[i] > 1);
      p.pad_hi[i] = pointwise ? 0 : below(4) - (p.in_dilation[i] > 1);
      out[2 + i] = extent(x[2 + i], p.in_dilation[i], p.pad_lo[i], p.pad_hi[i], w[2 + i], p.dilation[i], p.stride[i]);
      empty |= out[2 + i] == 0;
    }
    if (empty) continue;
    add_operand(&t, y->a, rank, x, BROADCAST | TAME);
    add_specials(&t, 0);
    add_operand(&t, y->b, rank, w, BROADCAST | TAME);
    uint32_t n_in = 2;
    if (chance(y->b == IG_DTYPE_I8 ? 70 : 15)) { /* floats have none in ONNX, but the kind allows them */
      n_in = 4;
      if (chance(70)) add_operand(&t, y->a, rank, x, BROADCAST | TAME);
      else add_absent(&t);
      if (chance(70)) add_operand(&t, y->b, rank, w, BROADCAST | TAME);
      else add_absent(&t);
    }
    finish_product(&t, y, n_in, rank, out, IG_KIND_conv, &p);
  }
}

/* Every row width, without padding: kernels that read the input in place must not read past its last row. */
static void test_conv_rows(void **state) {
  IG_UNUSED(state);
  for (int64_t width = 1; width <= 72; width++)
    for (int64_t stride = 1; stride <= 3; stride++)
      for (int64_t channels = 3; channels <= 4; channels++) {
        test_call t = { 0 };
        const int64_t height = 1 + 2 * stride, kernel = width > 4 && channels == 4 ? 3 : 1;
        const ig_conv_params p = { .n_spatial = 2, .groups = 1, .acc = IG_S_F32, .stride = { stride, stride }, .dilation = { 1, 1 }, .in_dilation = { 1, 1 } };
        const int64_t x[] = { 1, channels, height, width }, w[] = { 5, channels, 1, kernel };
        const int64_t out[] = { 1, 5, extent(height, 1, 0, 0, 1, 1, stride), extent(width, 1, 0, 0, kernel, 1, stride) };
        add_operand(&t, IG_DTYPE_F32, 4, x, COMPACT | TAME);
        add_operand(&t, IG_DTYPE_F32, 4, w, COMPACT | TAME);
        finish_product(&t, &type_cases[0], 2, 4, out, IG_KIND_conv, &p);
      }
}

/* One or few channels a group, channels last: widths of a row against kernels, strides, dilations and paddings, with a bias and limits (the epilogue in
 * registers) or any other. */
static void test_depthwise(void **state) {
  IG_UNUSED(state);
  for (int64_t round = 0; round < 600; round++) {
    test_call t = { 0 };
    ig_arena arena;
    ig_sbuild b;
    static const int64_t groups_of[][2] = { { 4, 4 }, { 1, 2 }, { 2, 2 }, { 8, 8 }, { 3, 8 }, { 4, 8 }, { 16, 16 }, { 1, 4 }, { 5, 24 }, { 5, 8 } };   /* C / G, O / G */
    const bool depthwise = chance(60);
    const int64_t *group = depthwise ? (const int64_t[]){ 1, 1 } : groups_of[below((int64_t)IG_COUNT(groups_of))], groups = depthwise ? 1 + below(40) : 16 / ig_min_i64(16, group[1]) * (1 + below(3));
    const int64_t channels = groups * group[1], n_spatial = chance(75) ? 2 : chance(50) ? 1 : 3, kernels[] = { 3, 3, 5, 1 + below(6) };
    ig_conv_params p = { .n_spatial = n_spatial, .groups = groups, .acc = IG_S_F32 };
    const uint32_t rank = (uint32_t)n_spatial + 2;
    int64_t x[IG_MAX_RANK] = { 1 + below(2), groups * group[0] }, w[IG_MAX_RANK] = { channels, group[0] }, out[IG_MAX_RANK] = { x[0], channels };
    bool empty = false;
    for (int64_t i = 0; i < n_spatial; i++) {
      x[2 + i] = 1 + below(i + 1 == n_spatial ? 36 : 6);
      w[2 + i] = kernels[below(4)];
      p.stride[i] = 1 + below(chance(20) ? 3 : 2);
      p.dilation[i] = chance(80) ? 1 : 2;
      p.in_dilation[i] = 1;
      p.pad_lo[i] = chance(60) ? w[2 + i] / 2 : below(4);
      p.pad_hi[i] = chance(60) ? w[2 + i] / 2 : below(4);
      out[2 + i] = extent(x[2 + i], 1, p.pad_lo[i], p.pad_hi[i], w[2 + i], p.dilation[i], p.stride[i]);
      empty |= out[2 + i] == 0;
    }
    if (empty) continue;
    const int layout = chance(50) ? COMPACT | LAST : LAST;
    add_operand(&t, IG_DTYPE_F32, rank, x, layout | TAME);
    add_specials(&t, 0);
    add_operand(&t, IG_DTYPE_F32, rank, w, COMPACT | TAME);
    if (chance(50)) {
      finish_product(&t, &type_cases[0], 2, rank, out, IG_KIND_conv, &p);
      continue;
    }
    ig_view *bias = add_operand(&t, IG_DTYPE_F32, rank, out, COMPACT | LAST | TAME);
    bias->strides[0] = 0;
    for (int64_t i = 0; i < n_spatial; i++) bias->strides[2 + i] = 0;
    ig_arena_init(&arena, &ig_libc_allocator, 0);
    ig_sbuild_init(&b, &arena);
    ig_sreg y = ig_s_op(&b, IG_SOP_ADD, ig_s_load(&b, 0, IG_DTYPE_F32), ig_s_load(&b, 1, IG_DTYPE_F32), 0);
    if (chance(70)) y = ig_s_op(&b, IG_SOP_MAX, y, ig_s_f64(&b, IG_S_F32, -0.5), 0);
    if (chance(70)) y = ig_s_op(&b, IG_SOP_MIN, y, ig_s_f64(&b, IG_S_F32, 1), 0);
    ig_s_store(&b, 0, y, 0);
    assert_null(ig_sbuild_finish(&b, &t.call.epi));
    add_operand(&t, IG_DTYPE_F32, rank, out, layout);
    finish_call(&t, IG_KIND_conv, 2, 1, 1, &p);
    check_all(&t, 2e-4);
    free_call(&t);
    ig_arena_free(&arena);
  }
}

/* Few output channels of whole vectors of input channels, channels last. */
static void test_narrow(void **state) {
  IG_UNUSED(state);
  for (int64_t round = 0; round < 250; round++) {
    test_call t = { 0 };
    const int64_t n_spatial = chance(80) ? 2 : 1, channels = 8 * (1 + below(6)), outputs = 1 + below(5);
    ig_conv_params p = { .n_spatial = n_spatial, .groups = 1, .acc = IG_S_F32 };
    const uint32_t rank = (uint32_t)n_spatial + 2;
    int64_t x[IG_MAX_RANK] = { 1 + below(2), channels }, w[IG_MAX_RANK] = { outputs, channels }, out[IG_MAX_RANK] = { x[0], outputs };
    bool empty = false;
    for (int64_t i = 0; i < n_spatial; i++) {
      x[2 + i] = 1 + below(i + 1 == n_spatial ? 24 : 6);
      w[2 + i] = 1 + below(5);
      p.stride[i] = 1 + below(chance(20) ? 3 : 1);
      p.dilation[i] = chance(80) ? 1 : 2;
      p.in_dilation[i] = 1;
      p.pad_lo[i] = chance(60) ? w[2 + i] / 2 : below(4);
      p.pad_hi[i] = chance(60) ? w[2 + i] / 2 : below(4);
      out[2 + i] = extent(x[2 + i], 1, p.pad_lo[i], p.pad_hi[i], w[2 + i], p.dilation[i], p.stride[i]);
      empty |= out[2 + i] == 0;
    }
    if (empty) continue;
    add_operand(&t, IG_DTYPE_F32, rank, x, (chance(50) ? COMPACT | LAST : LAST) | TAME);
    add_operand(&t, IG_DTYPE_F32, rank, w, COMPACT | TAME);
    finish_product(&t, &type_cases[0], 2, rank, out, IG_KIND_conv, &p);
  }
}

static void test_window(void **state) {
  IG_UNUSED(state);
  static const ig_dtype floats[] = { IG_DTYPE_F32, IG_DTYPE_F32, IG_DTYPE_F64, IG_DTYPE_F16 }, any[] = { IG_DTYPE_F32, IG_DTYPE_F32, IG_DTYPE_U8, IG_DTYPE_I8, IG_DTYPE_I64, IG_DTYPE_F64 };
  for (int round = 0; round < 400; round++) {
    test_call t = { 0 };
    const int64_t n_spatial = 1 + below(3);
    ig_window_params p = { .mode = below(6), .n_spatial = n_spatial, .count_pad = below(2), .column_major = below(2), .p = 2, .alpha = 0.01, .beta = 0.75, .bias = 1 };
    const bool takes_any = p.mode == IG_WINDOW_MAX || p.mode == IG_WINDOW_MAX_INDEX || p.mode == IG_WINDOW_FOLD;
    const ig_dtype d = takes_any ? any[below(6)] : floats[below(4)];
    const uint32_t rank = (uint32_t)n_spatial + 2;
    int64_t image[IG_MAX_RANK] = { 1 + below(2), 1 + below(chance(30) ? 70 : 6) }, out[IG_MAX_RANK] = { image[0], image[1] }, columns[3] = { image[0], image[1], 1 };
    bool empty = false;
    for (int64_t i = 0; i < n_spatial; i++) {
      image[2 + i] = 1 + below(n_spatial == 3 ? 6 : 14);
      p.kernel[i] = 1 + below(4);
      p.stride[i] = 1 + below(3);
      p.dilation[i] = 1 + below(2);
      p.pad_lo[i] = below(3);
      p.pad_hi[i] = below(3);
      out[2 + i] = extent(image[2 + i], 1, p.pad_lo[i], p.pad_hi[i], p.kernel[i], p.dilation[i], p.stride[i]);
      if (chance(30) && p.mode != IG_WINDOW_FOLD && out[2 + i] * p.stride[i] < image[2 + i] + p.pad_lo[i]) out[2 + i]++;
      empty |= out[2 + i] == 0;
      columns[1] *= p.kernel[i];
      columns[2] *= out[2 + i];
    }
    if (empty) continue;
    const int flags = (chance(30) ? LAST : BROADCAST) | (p.mode == IG_WINDOW_MAX || p.mode == IG_WINDOW_MAX_INDEX ? 0 : TAME);
    if (p.mode == IG_WINDOW_FOLD) add_operand(&t, d, 3, columns, flags);
    else add_operand(&t, d, rank, image, flags);
    add_operand(&t, d, rank, p.mode == IG_WINDOW_FOLD || p.mode == IG_WINDOW_LRN ? image : out, chance(50) ? LAST : 0);
    if (p.mode == IG_WINDOW_MAX_INDEX) add_operand(&t, IG_DTYPE_I64, rank, out, 0);
    finish_call(&t, IG_KIND_window, 1, 0, p.mode == IG_WINDOW_MAX_INDEX ? 2 : 1, &p);
    check_all(&t, d == IG_DTYPE_F16 ? 2e-3 : ig_stype_of(d) == IG_S_F32 || ig_stype_of(d) == IG_S_F64 ? 1e-4 : 0);
    free_call(&t);
  }
}

static void test_rnn(void **state) {
  IG_UNUSED(state);
  for (int round = 0; round < 150; round++) {
    test_call t = { 0 };
    const ig_dtype d = chance(70) ? IG_DTYPE_F32 : chance(50) ? IG_DTYPE_F64 : IG_DTYPE_F16;
    const int64_t n_dir = 1 + below(2), n_time = 1 + below(6), n_batch = 1 + below(5);
    const int64_t h = chance(15) ? 40 : chance(30) ? 16 * (1 + below(5)) : chance(20) ? 160 + below(7) * 8 : 1 + below(20);   /* the largest go by units, a phase for each time step; multiples of 16 in panels */
    ig_rnn_params p = { .cell = below(3), .reverse = below(1ll << n_dir), .linear_before_reset = below(2), .input_forget = below(2), .clip = chance(30) ? 0.7 : 0 };
    const int64_t gates = p.cell == IG_RNN_LSTM ? 4 : p.cell == IG_RNN_GRU ? 3 : 1;
    for (int i = 0; i < 6; i++) {
      p.act[i] = chance(60) ? (i % 3 == 0 ? IG_ACT_SIGMOID : IG_ACT_TANH) : 1 + below(11);
      p.alpha[i] = 0.3;
      p.beta[i] = 0.5;
    }
    add_operand(&t, d, 4, (const int64_t[]){ n_time, n_batch, n_dir, gates * h }, TAME);
    ig_view *r = add_operand(&t, d, 3, (const int64_t[]){ n_dir, gates * h, h }, TAME | COMPACT);
    if (d == IG_DTYPE_F32) for (int64_t i = 0; i < n_dir * gates * h * h; i++) ((float *)r->data)[i] *= 0.1f;
    if (d == IG_DTYPE_F64) for (int64_t i = 0; i < n_dir * gates * h * h; i++) ((double *)r->data)[i] *= 0.1;
    if (d == IG_DTYPE_F16) for (int64_t i = 0; i < n_dir * gates * h * h; i++) ((uint16_t *)r->data)[i] = ig_f32_to_f16(0.1f * ig_f16_to_f32(((uint16_t *)r->data)[i]));
    if (chance(40)) {
      ig_view *l = add_operand(&t, IG_DTYPE_I32, 1, (const int64_t[]){ n_batch }, COMPACT);
      for (int64_t i = 0; i < n_batch; i++) ((int32_t *)l->data)[i] = (int32_t)below(n_time + 1);
    } else {
      add_absent(&t);
    }
    for (int i = 0; i < 2; i++) {
      if (chance(50)) add_operand(&t, d, 3, (const int64_t[]){ n_dir, n_batch, h }, TAME);
      else add_absent(&t);
    }
    if (p.cell == IG_RNN_LSTM && chance(40)) add_operand(&t, d, 2, (const int64_t[]){ n_dir, 3 * h }, TAME);
    else add_absent(&t);
    if (p.cell == IG_RNN_GRU && p.linear_before_reset && chance(50)) add_operand(&t, d, 2, (const int64_t[]){ n_dir, h }, TAME);
    else add_absent(&t);
    if (chance(80)) add_operand(&t, d, 4, (const int64_t[]){ n_time, n_dir, n_batch, h }, 0);
    else add_absent(&t);
    add_operand(&t, d, 3, (const int64_t[]){ n_dir, n_batch, h }, 0);
    if (p.cell == IG_RNN_LSTM) add_operand(&t, d, 3, (const int64_t[]){ n_dir, n_batch, h }, 0);
    else add_absent(&t);
    finish_call(&t, IG_KIND_rnn, 7, 0, 3, &p);
    check_all(&t, d == IG_DTYPE_F16 ? 4e-3 : 1e-3);
    free_call(&t);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_functions), cmocka_unit_test(test_matmul), cmocka_unit_test(test_conv), cmocka_unit_test(test_conv_rows), cmocka_unit_test(test_depthwise), cmocka_unit_test(test_narrow), cmocka_unit_test(test_window), cmocka_unit_test(test_rnn),
  };
  return cmocka_run_group_tests(tests, NULL, print_tally);
}
