/* Winograd's conv: every form of input and epilogue against the reference, its rounding error against sums in double, what it does to NaN and
 * infinity, and what it refuses. See cpu_check.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "winograd_util.h"

static const ig_tactic *const winograd[] = { &ig_cpu_winograd4_f32_avx512, &ig_cpu_winograd4_f32_avx2, &ig_cpu_winograd2_f32_avx512, &ig_cpu_winograd2_f32_avx2 };
static int64_t tile_of(const ig_tactic *t) { return strstr(t->name, "winograd4") ? 4 : 2; }

static ig_conv_params params_of(const layer *l) { return layer_params(l, IG_S_F32); }

/* Bias, residual, hard-swish, clip, or a function that only the interpreter knows. */
static void random_epilogue(ig_arena *arena, uint32_t n_extra, ig_dtype out, ig_sprog *p) {
  ig_sbuild b;
  ig_sbuild_init(&b, arena);
  ig_sreg x = ig_s_load(&b, 0, IG_DTYPE_F32);
  for (uint32_t i = 0; i < n_extra; i++) x = ig_s_op(&b, chance(85) ? IG_SOP_ADD : IG_SOP_MUL, x, ig_s_load(&b, 1 + i, IG_DTYPE_F32), 0);
  if (chance(30)) {
    const ig_sreg y = ig_s_op(&b, IG_SOP_MIN, ig_s_op(&b, IG_SOP_MAX, ig_s_op(&b, IG_SOP_ADD, x, ig_s_f64(&b, IG_S_F32, 3), 0), ig_s_f64(&b, IG_S_F32, 0), 0), ig_s_f64(&b, IG_S_F32, 6), 0);
    x = ig_s_op(&b, IG_SOP_DIV, ig_s_op(&b, IG_SOP_MUL, x, y, 0), ig_s_f64(&b, IG_S_F32, 6), 0);
  }
  if (chance(50)) x = ig_s_op(&b, IG_SOP_MAX, x, ig_s_f64(&b, IG_S_F32, 0), 0);
  if (chance(30)) x = ig_s_op(&b, IG_SOP_MIN, x, ig_s_f64(&b, IG_S_F32, 6), 0);
  if (chance(20)) x = ig_s_op(&b, IG_SOP_MUL, x, ig_s_op(&b, IG_SOP_SIGMOID, x, 0, 0), 0);
  if (chance(10)) x = ig_s_op(&b, IG_SOP_TANH, ig_s_op(&b, IG_SOP_SUB, ig_s_f64(&b, IG_S_F32, 1), x, 0), 0, 0);
  if (ig_stype_of(out) != IG_S_F32) x = ig_s_cast(&b, x, ig_stype_of(out));
  ig_s_store(&b, 0, x, 0);
  assert_null(ig_sbuild_finish(&b, p));
}

static void check_layer(const layer *l) {
  test_call t = { 0 };
  ig_arena arena;
  int64_t out[4];
  const ig_conv_params p = params_of(l);
  const ig_dtype result = chance(85) ? IG_DTYPE_F32 : IG_DTYPE_F64;
  out_dims(l, out);
  ig_arena_init(&arena, &ig_libc_allocator, 0);
  add_operand(&t, IG_DTYPE_F32, 4, (const int64_t[]){ l->n, l->c, l->rows, l->columns }, PLAIN | TAME | LAST);
  add_operand(&t, IG_DTYPE_F32, 4, (const int64_t[]){ l->o, l->c, 3, 3 }, PLAIN | TAME);
  const uint32_t n_extra = (uint32_t)below(3);
  for (uint32_t i = 0; i < n_extra; i++) add_operand(&t, IG_DTYPE_F32, 4, out, TAME | (chance(30) ? BROADCAST : PLAIN | LAST));
  if (n_extra || result != IG_DTYPE_F32 || chance(50)) random_epilogue(&arena, n_extra, result, &t.call.epi);
  add_operand(&t, result, 4, out, chance(80) ? PLAIN | LAST : 0);
  finish_call(&t, IG_KIND_conv, 2, n_extra, 1, &p);
  for (size_t i = 0; i < IG_COUNT(winograd); i++) check_tactic(&t, winograd[i], 5e-5 + 3e-5 * sqrt((double)l->c));
  free_call(&t);
  ig_arena_free(&arena);
}

static void test_random(void **state) {
  IG_UNUSED(state);
  for (int round = 0; round < 250; round++) {
    const bool wide = chance(15);
    const layer l = { .n = 1 + below(3), .c = 1 + below(wide ? 150 : 24), .o = 1 + below(wide ? 40 : 70), .rows = 1 + below(chance(20) ? 30 : 13), .columns = 1 + below(chance(20) ? 30 : 13),
      .pad = { below(4), below(4), below(4), below(4) } };
    if (l.rows + l.pad[0] + l.pad[2] >= 3 && l.columns + l.pad[1] + l.pad[3] >= 3) check_layer(&l);
  }
}

/* Enough tiles for every way of sharing them out, and every number of rows of a product. */
static void test_blocks(void **state) {
  IG_UNUSED(state);
  for (int64_t columns = 1; columns <= 64; columns++) check_layer(&(const layer){ 1, 8, 9, 4, 4 * columns, { 1, 1, 1, 1 } });
  check_layer(&(const layer){ 2, 20, 40, 50, 41, { 1, 1, 1, 1 } });
  check_layer(&(const layer){ 1, 300, 33, 30, 21, { 1, 0, 1, 2 } });
}

/* ---- one call, its weights packed ---- */

static void run_packed(test_call *t, const ig_tactic *tactic) {
  ig_offer offer;
  int64_t n;
  assert_true(accepts(t, tactic, 2, &offer));
  const ig_view plain = t->v[1];
  assert_true(ig_format_count(&offer.packed[1], plain.dims, 4, &n));
  guarded packed = guard_alloc((size_t)n * 4, true, 64);
  ig_format_pack(&offer.packed[1], plain.dims, 4, plain.data, plain.strides, packed.data, 4);
  t->v[1].data = packed.data;
  run_with(tactic, t, 1);
  t->v[1] = plain;
  guard_free(&packed);
}
static test_call make_call(const layer *l, const ig_conv_params *p) {
  test_call t = { 0 };
  int64_t out[4];
  out_dims(l, out);
  add_operand(&t, IG_DTYPE_F32, 4, (const int64_t[]){ l->n, l->c, l->rows, l->columns }, COMPACT | TAME | LAST);
  add_operand(&t, IG_DTYPE_F32, 4, (const int64_t[]){ l->o, l->c, 3, 3 }, COMPACT | TAME);
  add_operand(&t, IG_DTYPE_F32, 4, out, COMPACT | TAME | LAST);
  finish_call(&t, IG_KIND_conv, 2, 0, 1, p);
  return t;
}
static void own(test_call *t, const ig_conv_params *p) {
  t->call.v = t->v;
  t->call.error = &t->error;
  t->call.params = p;
}
static float value(const ig_view *v, int64_t n, int64_t c, int64_t y, int64_t x) {
  if (y < 0 || x < 0 || y >= v->dims[2] || x >= v->dims[3]) return 0;
  return ((const float *)v->data)[n * v->strides[0] + c * v->strides[1] + y * v->strides[2] + x * v->strides[3]];
}

/* Largest error against double, relative to the largest result; values of mean `offset`. */
static double error_of(const ig_tactic *tactic, int64_t channels, float offset) {
  const layer l = { 1, channels, 8, 14, 14, { 1, 1, 1, 1 } };
  const ig_conv_params p = params_of(&l);
  test_call t = make_call(&l, &p);
  own(&t, &p);
  for (int64_t i = 0; i < 14 * 14 * channels; i++) ((float *)t.v[0].data)[i] += offset;
  run_packed(&t, tactic);
  double error = 0, most = 0;
  for (int64_t o = 0; o < l.o; o++)
    for (int64_t y = 0; y < 14; y++)
      for (int64_t x = 0; x < 14; x++) {
        double sum = 0;
        for (int64_t c = 0; c < channels; c++)
          for (int64_t k = 0; k < 9; k++) sum += (double)value(&t.v[0], 0, c, y - 1 + k / 3, x - 1 + k % 3) * (double)value(&t.v[1], o, c, k / 3, k % 3);
        error = fmax(error, fabs(sum - (double)value(&t.v[2], 0, o, y, x)));
        most = fmax(most, fabs(sum));
      }
  free_call(&t);
  return error / most;
}

/* docs/numerics.md states these bounds. */
static void test_error(void **state) {
  IG_UNUSED(state);
  for (size_t i = 0; i < IG_COUNT(winograd); i++) {
    if (winograd[i]->isa & ~machine_isa_()) continue;
    for (int64_t channels = 16; channels <= 4096; channels *= 4)
      for (int offset = 0; offset <= 2; offset += 2) {
        const double error = error_of(winograd[i], channels, (float)offset);
        printf("%s: %lld channels, mean %d: error %.2e\n", winograd[i]->name, (long long)channels, offset, error);
        assert_true(error <= 4e-7 * sqrt((double)channels));
      }
  }
}

/* A NaN or an infinity reaches the results of the tiles that read it and no others; where the sum has a NaN, there is one. */
static void test_specials(void **state) {
  IG_UNUSED(state);
  static const float specials[] = { NAN, INFINITY, -INFINITY };
  const layer l = { 1, 5, 6, 12, 16, { 1, 1, 1, 1 } };
  const ig_conv_params p = params_of(&l);
  for (size_t i = 0; i < IG_COUNT(winograd); i++)
    for (int round = 0; round < 30 && !(winograd[i]->isa & ~machine_isa_()); round++) {
      test_call t = make_call(&l, &p);
      own(&t, &p);
      const int64_t sy = below(12), sx = below(16);
      ((float *)t.v[0].data)[(sy * 16 + sx) * 5 + below(5)] = specials[round % 3];
      run_packed(&t, winograd[i]);
      for (int64_t y = 0; y < 12; y++)
        for (int64_t x = 0; x < 16; x++) {
          const int64_t side = tile_of(winograd[i]), ty = y / side * side - 1, tx = x / side * side - 1;
          const bool in_window = sy >= y - 1 && sy <= y + 1 && sx >= x - 1 && sx <= x + 1, in_tile = sy >= ty && sy < ty + side + 2 && sx >= tx && sx < tx + side + 2;
          for (int64_t o = 0; o < l.o; o++) {
            if (!in_tile) assert_true(isfinite(value(&t.v[2], 0, o, y, x)));
            if (in_window) assert_false(isfinite(value(&t.v[2], 0, o, y, x)));
          }
        }
      free_call(&t);
    }
}

static void refuses(const char *what, layer l, ig_conv_params p, int flags, int64_t kernel, bool constant) {
  test_call t = { 0 };
  ig_offer offer;
  const int64_t span[2] = { (kernel - 1) * p.dilation[0], 2 * p.dilation[1] };
  const int64_t out[] = { l.n, l.o, (l.rows - 1 - span[0]) / p.stride[0] + 1, (l.columns - 1 - span[1]) / p.stride[1] + 1 };
  add_operand(&t, IG_DTYPE_F32, 4, (const int64_t[]){ l.n, l.c, l.rows, l.columns }, COMPACT | TAME | flags);
  add_operand(&t, IG_DTYPE_F32, 4, (const int64_t[]){ l.o, l.c / p.groups, kernel, 3 }, COMPACT | TAME);
  add_operand(&t, IG_DTYPE_F32, 4, out, COMPACT | TAME | LAST);
  finish_call(&t, IG_KIND_conv, 2, 0, 1, &p);
  for (size_t i = 0; i < IG_COUNT(winograd); i++)
    if (accepts(&t, winograd[i], constant ? 2 : 0, &offer) != (what == NULL)) fail_msg("%s: %s", winograd[i]->name, what ? what : "a plain layer is refused");
  free_call(&t);
}
static void test_refuses(void **state) {
  IG_UNUSED(state);
  const layer l = { 1, 4, 4, 12, 12, { 0 } };
  const ig_conv_params p = params_of(&l);
  ig_conv_params q = p;
  refuses(NULL, l, p, LAST, 3, true);
  refuses("rows innermost", l, p, 0, 3, true);
  refuses("weights are not constant", l, p, LAST, 3, false);
  refuses("kernel 2x3", l, p, LAST, 2, true);
  q.groups = 2, refuses("two groups", l, q, LAST, 3, true);
  q = p, q.stride[1] = 2, refuses("stride", l, q, LAST, 3, true);
  q = p, q.dilation[0] = 2, refuses("dilation", l, q, LAST, 3, true);
  refuses("too many channels", (layer){ 1, 20000, 1, 3, 3, { 0 } }, p, LAST, 3, true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_random), cmocka_unit_test(test_blocks), cmocka_unit_test(test_error), cmocka_unit_test(test_specials), cmocka_unit_test(test_refuses),
  };
  return cmocka_run_group_tests(tests, NULL, print_tally);
}
