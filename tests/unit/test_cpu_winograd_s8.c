/* Winograd's conv of 8-bit integers against the reference, bit for bit: every form of input, zero point and epilogue; extremes; what it refuses.
 * See cpu_check.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "winograd_util.h"
#include "kern/winograd.h"

static const ig_tactic *const winograd[] = { &ig_cpu_winograd4_s8_avx512vnni, &ig_cpu_winograd4_s8_avx2, &ig_cpu_winograd2_s8_avx512vnni, &ig_cpu_winograd2_s8_avx2 };
enum { CONSTANT = 2 | 8 };   /* weights and their zero points */

static ig_conv_params params_of(const layer *l) { return layer_params(l, IG_S_I32); }

/* What is left of a sum: itself, requantised, a residual added to it, or a function that only the interpreter knows. */
typedef enum epilogue { NONE, BYTES, RESIDUAL, FLOAT, STRANGE, EPILOGUES } epilogue;
static void make_epilogue(ig_arena *arena, epilogue e, ig_dtype residual, ig_dtype out, ig_sprog *p) {
  ig_sbuild b;
  ig_sbuild_init(&b, arena);
  ig_sreg x = ig_s_op(&b, IG_SOP_MUL, ig_s_cast(&b, ig_s_load(&b, 0, IG_DTYPE_I32), IG_S_F32), ig_s_f64(&b, IG_S_F32, 0.0009765625), 0);
  if (e == RESIDUAL) {
    const ig_sreg r = ig_s_load(&b, 1, residual);
    x = ig_s_op(&b, IG_SOP_ADD, x, residual == IG_DTYPE_F32 ? r : ig_s_cast(&b, r, IG_S_F32), 0);
  }
  if (e == STRANGE) x = ig_s_op(&b, IG_SOP_ABS, x, 0, 0);
  if (out != IG_DTYPE_F32) {
    x = ig_s_op(&b, IG_SOP_RINT, x, 0, 0);
    x = ig_s_op(&b, IG_SOP_MAX, x, ig_s_f64(&b, IG_S_F32, out == IG_DTYPE_I8 ? -128 : 0), 0);
    x = ig_s_op(&b, IG_SOP_MIN, x, ig_s_f64(&b, IG_S_F32, out == IG_DTYPE_I8 ? 127 : 255), 0);
    x = ig_s_cast(&b, x, IG_S_I32);
  }
  ig_s_store(&b, 0, x, 0);
  assert_null(ig_sbuild_finish(&b, p));
}

/* All bytes of an operand at one value now and then: the ends of their range. */
static void now_and_then_extreme(test_call *t, uint32_t i, int percent) {
  if (chance(percent)) memset(t->mem[i].data, chance(33) ? 0x80 : chance(50) ? 0x7f : 0xff, t->mem[i].size);
}

static unsigned n_accepted, n_refused;
static void check_layer(const layer *l, bool extreme) {
  test_call t = { 0 };
  ig_arena arena;
  ig_offer offer;
  int64_t out[4], x[] = { l->n, l->c, l->rows, l->columns }, w[] = { l->o, l->c, 3, 3 };
  const ig_conv_params p = params_of(l);
  const epilogue e = (epilogue)below(EPILOGUES);
  const ig_dtype bytes = chance(50) ? IG_DTYPE_U8 : IG_DTYPE_I8, residual = chance(30) ? IG_DTYPE_F32 : chance(50) ? IG_DTYPE_U8 : IG_DTYPE_I8;
  const ig_dtype type = chance(60) ? IG_DTYPE_U8 : IG_DTYPE_I8, result = e == NONE ? IG_DTYPE_I32 : e == FLOAT ? IG_DTYPE_F32 : bytes;
  uint32_t n_in = 2;
  out_dims(l, out);
  ig_arena_init(&arena, &ig_libc_allocator, 0);
  add_operand(&t, type, 4, x, PLAIN | LAST);
  now_and_then_extreme(&t, 0, extreme ? 90 : 15);
  add_operand(&t, IG_DTYPE_I8, 4, w, PLAIN);
  now_and_then_extreme(&t, 1, extreme ? 90 : 15);
  if (chance(70)) {
    n_in = 3 + (uint32_t)below(2);
    ig_view *zero = add_operand(&t, type, 4, x, COMPACT);
    for (uint32_t k = 0; k < 4; k++) zero->strides[k] = 0;
    now_and_then_extreme(&t, 2, 30);
    if (n_in == 4 && chance(50)) add_absent(&t);
    else if (n_in == 4) {
      zero = add_operand(&t, IG_DTYPE_I8, 4, w, COMPACT);
      for (uint32_t k = 0; k < 4; k++) zero->strides[k] = k == 0 && chance(50) ? 1 : 0;
      memset(t.mem[3].data, 0, t.mem[3].size);
    }
  }
  if (e == RESIDUAL) add_operand(&t, residual, 4, out, chance(70) ? COMPACT | TAME | LAST : TAME);
  if (e != NONE) make_epilogue(&arena, e, residual, result, &t.call.epi);
  add_operand(&t, result, 4, out, chance(80) ? PLAIN | LAST : 0);
  finish_call(&t, IG_KIND_conv, n_in, e == RESIDUAL, 1, &p);
  for (size_t i = 0; i < IG_COUNT(winograd); i++) {
    const bool takes = accepts(&t, winograd[i], CONSTANT, &offer);
    n_accepted += takes, n_refused += !takes;
    if (takes) check_tactic_with(&t, winograd[i], CONSTANT, 0);
  }
  free_call(&t);
  ig_arena_free(&arena);
}

static void test_random(void **state) {
  IG_UNUSED(state);
  for (int round = 0; round < 200; round++) {
    const bool wide = chance(15);
    const layer l = { .n = 1 + below(3), .c = 1 + below(wide ? 150 : 24), .o = 1 + below(wide ? 40 : 70), .rows = 1 + below(chance(20) ? 30 : 13), .columns = 1 + below(chance(20) ? 30 : 13),
      .pad = { below(4), below(4), below(4), below(4) } };
    if (l.rows + l.pad[0] + l.pad[2] >= 3 && l.columns + l.pad[1] + l.pad[3] >= 3) check_layer(&l, false);
  }
  assert_true(n_accepted >= 400);
}

/* Enough tiles for every way of sharing them out, every number of rows of a product, and as many channels as the largest weights allow. */
static void test_blocks(void **state) {
  IG_UNUSED(state);
  for (int64_t columns = 1; columns <= 64; columns += columns < 28 ? 1 : 3) check_layer(&(const layer){ 1, 8, 9, 4, 4 * columns, { 1, 1, 1, 1 } }, false);
  check_layer(&(const layer){ 2, 20, 40, 50, 41, { 1, 1, 1, 1 } }, false);
  check_layer(&(const layer){ 1, 300, 33, 30, 21, { 1, 0, 1, 2 } }, false);
  for (int64_t c = 224; c <= 232; c++) check_layer(&(const layer){ 1, c, 3, 9, 9, { 1, 1, 1, 1 } }, true);
}

/* Sums that just fit, at both signs, and those that do not. */
static void test_limits(void **state) {
  IG_UNUSED(state);
  static const struct { int64_t c; int8_t w; bool fits[2]; } cases[] = { { 227, -128, { true, true } }, { 228, -128, { false, true } }, { 229, 127, { true, true } }, { 230, 127, { false, true } },
    { 3640, -128, { false, true } }, { 3641, -128, { false, false } }, { 600, 48, { true, true } }, { 610, 48, { false, true } } };
  for (size_t k = 0; k < IG_COUNT(cases); k++)
    for (size_t i = 0; i < IG_COUNT(winograd); i++) {
      const layer l = { 1, cases[k].c, 2, 3, 3, { 1, 1, 1, 1 } };
      const ig_conv_params p = params_of(&l);
      ig_offer offer;
      test_call t = { 0 };
      int64_t out[4];
      out_dims(&l, out);
      add_operand(&t, IG_DTYPE_U8, 4, (const int64_t[]){ 1, l.c, 3, 3 }, COMPACT | LAST);
      memset(t.mem[0].data, chance(50) ? 0 : 0xff, t.mem[0].size);
      add_operand(&t, IG_DTYPE_I8, 4, (const int64_t[]){ 2, l.c, 3, 3 }, COMPACT);
      memset(t.mem[1].data, cases[k].w, t.mem[1].size);
      add_operand(&t, IG_DTYPE_I32, 4, out, COMPACT | LAST);
      finish_call(&t, IG_KIND_conv, 2, 0, 1, &p);
      const bool fits = cases[k].fits[strstr(winograd[i]->name, "winograd2") != NULL];
      if (accepts(&t, winograd[i], CONSTANT, &offer) != fits) fail_msg("%s: %d channels of %d", winograd[i]->name, (int)l.c, cases[k].w);
      if (fits) check_tactic_with(&t, winograd[i], CONSTANT, 0);
      free_call(&t);
    }
}

static void test_refuses(void **state) {
  IG_UNUSED(state);
  static const char *const what[] = { "plain", "weights of uint8", "a zero point of weights", "zero points along channels", "stride", "weights not constant", "channels first", "a wide sum", "too many weights beside VNNI" };
  for (size_t k = 0; k < IG_COUNT(what); k++)
    for (size_t i = 0; i < IG_COUNT(winograd); i++) {
      const int64_t c = k == 8 ? 256 : 4;
      const layer l = { 1, c, c, 8, 8, { 1, 1, 1, 1 } };
      ig_conv_params p = params_of(&l);
      ig_offer offer;
      test_call t = { 0 };
      int64_t out[4], x[] = { 1, c, 8, 8 }, w[] = { c, c, 3, 3 };
      out_dims(&l, out);
      add_operand(&t, IG_DTYPE_U8, 4, x, COMPACT | (k == 6 ? 0 : LAST));
      add_operand(&t, k == 1 ? IG_DTYPE_U8 : IG_DTYPE_I8, 4, w, COMPACT);
      ig_view *zero = add_operand(&t, IG_DTYPE_U8, 4, x, COMPACT);
      for (uint32_t d = 0; d < 4; d++) zero->strides[d] = k == 3 && d == 1;
      zero = add_operand(&t, IG_DTYPE_I8, 4, w, COMPACT);
      for (uint32_t d = 0; d < 4; d++) zero->strides[d] = 0;
      memset(t.mem[3].data, k == 2, t.mem[3].size);
      if (k == 4) p.stride[1] = 2;
      if (k == 7) p.acc = IG_S_I64;
      add_operand(&t, IG_DTYPE_I32, 4, out, COMPACT | LAST);
      finish_call(&t, IG_KIND_conv, 4, 0, 1, &p);
      if (accepts(&t, winograd[i], k == 5 ? 8 : CONSTANT, &offer) != (k == 0)) fail_msg("%s: %s", winograd[i]->name, what[k]);
      free_call(&t);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_random), cmocka_unit_test(test_blocks), cmocka_unit_test(test_limits), cmocka_unit_test(test_refuses) };
  return cmocka_run_group_tests(tests, NULL, print_tally);
}
