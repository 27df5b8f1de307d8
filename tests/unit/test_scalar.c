/* Scalar programs: builder, check, splice, text, evaluation of single instructions.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/scalar_eval.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static ig_arena arena;
static ig_sbuild builder;
static int setup(void **state) {
  (void)state;
  ig_arena_init(&arena, &ig_libc_allocator, 0);
  ig_sbuild_init(&builder, &arena);
  return 0;
}
static int teardown(void **state) {
  (void)state;
  ig_arena_free(&arena);
  return 0;
}

static const ig_dtype in_types[] = {IG_DTYPE_F16, IG_DTYPE_I64, IG_DTYPE_BOOL};
static const ig_dtype out_types[] = {IG_DTYPE_F32};

static void refuse(const ig_sinsn *insns, uint32_t n, const char *part) {
  ig_status st = ig_sprog_check(&(ig_sprog){insns, n}, 3, in_types, 1, out_types, 2);
  assert_non_null(st);
  if (!strstr(ig_status_message(st), part)) fail_msg("'%s' lacks '%s'", ig_status_message(st), part);
  ig_status_free(st);
}
#define REFUSE(part, ...) do { const ig_sinsn insns_[] = {__VA_ARGS__}; refuse(insns_, IG_COUNT(insns_), part); } while (0)
#define LOAD_F {.op = IG_SOP_LOAD, .type = IG_S_F32}
#define LOAD_B {.op = IG_SOP_LOAD, .type = IG_S_BOOL, .imm = 2}
#define STORE_0 {.op = IG_SOP_STORE, .type = IG_S_F32}

static void check_refuses(void **state) {
  (void)state;
  refuse(NULL, 0, "0 instructions");
  REFUSE("unknown operation", {.op = 999, .type = IG_S_F32});
  REFUSE("has no type", {.op = IG_SOP_LOAD, .type = 7});
  REFUSE("has no type", {.op = IG_SOP_LOAD, .type = 0});
  REFUSE("has no type", LOAD_F, {.op = IG_SOP_AND, .type = IG_S_F32});
  REFUSE("operand 3 of 3", {.op = IG_SOP_LOAD, .type = IG_S_F32, .imm = 3});
  REFUSE("does not load as", {.op = IG_SOP_LOAD, .type = IG_S_F64});
  REFUSE("takes no flags", {.op = IG_SOP_LOAD, .type = IG_S_F32, .flags = 1});
  REFUSE("takes 0 operands", LOAD_F, {.op = IG_SOP_LOAD, .type = IG_S_F32, .a = 1});
  REFUSE("takes 1 operands", LOAD_F, {.op = IG_SOP_EXP, .type = IG_S_F32, .b = 1});
  REFUSE("takes no immediate", LOAD_F, {.op = IG_SOP_EXP, .type = IG_S_F32, .imm = 1});
  REFUSE("not defined before", LOAD_F, {.op = IG_SOP_ADD, .type = IG_S_F32, .b = 1});
  REFUSE("not defined before", {.op = IG_SOP_EXP, .type = IG_S_F32});
  REFUSE("is a store", LOAD_F, STORE_0, {.op = IG_SOP_EXP, .type = IG_S_F32, .a = 1});
  REFUSE("expected f64", LOAD_F, {.op = IG_SOP_EXP, .type = IG_S_F64});
  REFUSE("expected bool", LOAD_F, {.op = IG_SOP_SELECT, .type = IG_S_F32});
  REFUSE("expected f32", LOAD_B, {.op = IG_SOP_SELECT, .type = IG_S_F32});
  REFUSE("result 1 of 1", LOAD_F, {.op = IG_SOP_STORE, .type = IG_S_F32, .imm = 1});
  REFUSE("stored twice", LOAD_F, STORE_0, STORE_0);
  REFUSE("without a cast", {.op = IG_SOP_LOAD, .type = IG_S_I64, .imm = 1}, {.op = IG_SOP_STORE, .type = IG_S_I64});
  REFUSE("store flags", LOAD_F, {.op = IG_SOP_STORE, .type = IG_S_F32, .flags = 8});
  REFUSE("up and down", LOAD_F, {.op = IG_SOP_STORE, .type = IG_S_F32, .flags = 6});
  REFUSE("never stores result 0", LOAD_F);
  REFUSE("high bits", {.op = IG_SOP_CONST, .type = IG_S_F32, .imm = 1ull << 32});
  REFUSE("neither 0 nor 1", {.op = IG_SOP_CONST, .type = IG_S_BOOL, .imm = 2});
  REFUSE("no such dim", {.op = IG_SOP_DIM, .type = IG_S_I64});
  REFUSE("coordinate 2 of rank 2", {.op = IG_SOP_COORD, .type = IG_S_I64, .imm = 2});
  REFUSE("seed", LOAD_F, {.op = IG_SOP_RANDOM, .type = IG_S_U64});
  REFUSE("source type", LOAD_F, {.op = IG_SOP_CAST, .type = IG_S_F64, .flags = 9});
  REFUSE("expected i32", LOAD_F, {.op = IG_SOP_CAST, .type = IG_S_F64, .flags = IG_S_I32});
  REFUSE("another class", LOAD_F, {.op = IG_SOP_ROUND, .type = IG_S_F32, .imm = IG_DTYPE_I8});
  static const ig_sinsn many[IG_SPROG_MAX + 1] = {{0}};
  refuse(many, IG_SPROG_MAX + 1, "257 instructions");
}

static void build_and_print(void **state) {
  (void)state;
  ig_sbuild *b = &builder;
  const ig_sreg x = ig_s_load(b, 0, IG_DTYPE_F16), half = ig_s_f64(b, IG_S_F32, 0.5);
  const ig_sreg y = ig_s_op(b, IG_SOP_MUL, x, half, 0);
  assert_int_equal(ig_s_load(b, 0, IG_DTYPE_F16), x); /* equal instructions share a register */
  assert_int_equal(ig_s_op(b, IG_SOP_MUL, x, half, 0), y);
  assert_int_equal(ig_s_cast(b, y, IG_S_F32), y);
  assert_int_equal(ig_s_type(b, ig_s_op(b, IG_SOP_LT, x, y, 0)), IG_S_BOOL);
  ig_s_store(b, 0, y, 0);
  ig_sprog p;
  assert_null(ig_sbuild_finish(b, &p));
  assert_int_equal(p.n, 5);
  assert_null(ig_sprog_check(&p, 3, in_types, 1, out_types, 2));
  ig_buf out;
  ig_buf_init(&out, &ig_libc_allocator);
  ig_sprog_print(&p, NULL, &out);
  assert_string_equal(ig_buf_cstr(&out), "%0 = load.f32 0; %1 = const.f32 0.5; %2 = mul.f32 %0 %1; %3 = lt.f32 %0 %2; store.f32 %2 0");
  ig_buf_free(&out);
}

static void failures_stick(void **state) {
  (void)state;
  ig_sprog p;
  const ig_sreg x = ig_s_load(&builder, 0, IG_DTYPE_F32), i = ig_s_load(&builder, 1, IG_DTYPE_I64);
  assert_int_equal(ig_s_op(&builder, IG_SOP_ADD, x, i, 0), 0);
  assert_true(builder.failed);
  ig_status st = ig_sbuild_finish(&builder, &p);
  assert_non_null(st);
  assert_null(p.insns);
  ig_status_free(st);
  ig_sbuild_init(&builder, &arena);
  for (int k = 0; k <= IG_SPROG_MAX; k++) ig_s_i64(&builder, IG_S_I64, k);
  assert_true(builder.failed);
  ig_sbuild_init(&builder, &arena);
  ig_s_load(&builder, 0, IG_DTYPE_STRING);
  assert_true(builder.failed);
}

static void splice(void **state) {
  (void)state;
  ig_sprog p, q;
  ig_sbuild *b = &builder;
  ig_s_store(b, 0, ig_s_op(b, IG_SOP_SUB, ig_s_load(b, 0, IG_DTYPE_F32), ig_s_load(b, 1, IG_DTYPE_F32), 0), 0);
  assert_null(ig_sbuild_finish(b, &p));
  ig_sbuild_init(b, &arena);
  const ig_sreg x = ig_s_load(b, 0, IG_DTYPE_F32), y = ig_s_op(b, IG_SOP_NEG, x, 0, 0);
  ig_sreg r;
  assert_null(ig_s_splice(b, &p, (const ig_sreg[]){y, x}, 2, &r, 1));
  ig_s_store(b, 0, r, 0);
  assert_null(ig_sbuild_finish(b, &q));
  assert_int_equal(q.n, 4); /* load, neg, sub, store */
  assert_true(q.insns[2].op == IG_SOP_SUB && q.insns[2].a == y && q.insns[2].b == x);
  ig_status st = ig_s_splice(b, &p, (const ig_sreg[]){y}, 1, &r, 1);
  assert_non_null(st);
  ig_status_free(st);
  st = ig_s_splice(b, &p, (const ig_sreg[]){y, x}, 2, &r, 0);
  assert_non_null(st);
  ig_status_free(st);
}

static ig_sval eval(ig_sop op, ig_stype t, ig_sval a, ig_sval b) {
  return ig_scalar_eval(&(ig_sinsn){.op = (uint16_t)op, .type = (uint8_t)t}, a, b, b);
}
static int32_t eval_i32(ig_sop op, int32_t a, int32_t b) { return eval(op, IG_S_I32, (ig_sval){.i32 = a}, (ig_sval){.i32 = b}).i32; }
static int64_t eval_i64(ig_sop op, int64_t a, int64_t b) { return eval(op, IG_S_I64, (ig_sval){.i64 = a}, (ig_sval){.i64 = b}).i64; }
static float eval_f32(ig_sop op, float a, float b) { return eval(op, IG_S_F32, (ig_sval){.f32 = a}, (ig_sval){.f32 = b}).f32; }

static void integers(void **state) {
  (void)state;
  assert_int_equal(eval_i32(IG_SOP_ADD, INT32_MAX, 1), INT32_MIN);
  assert_int_equal(eval_i32(IG_SOP_MUL, 65536, 65536), 0);
  assert_int_equal(eval_i32(IG_SOP_DIV, -7, 2), -3);
  assert_int_equal(eval_i32(IG_SOP_DIV, 7, 0), 0);
  assert_int_equal(eval_i32(IG_SOP_DIV, INT32_MIN, -1), INT32_MIN);
  assert_int_equal(eval_i32(IG_SOP_MOD, -7, 3), 2);
  assert_int_equal(eval_i32(IG_SOP_MOD, 7, -3), -2);
  assert_int_equal(eval_i32(IG_SOP_FMOD, -7, 3), -1);
  assert_int_equal(eval_i32(IG_SOP_MOD, INT32_MIN, -1), 0);
  assert_int_equal(eval_i32(IG_SOP_POW, -3, 3), -27);
  assert_int_equal(eval_i32(IG_SOP_POW, 2, -1), 0);
  assert_int_equal(eval_i64(IG_SOP_POW, -1, -3), -1);
  assert_int_equal(eval_i32(IG_SOP_SHL, 1, 32), 0);
  assert_int_equal(eval_i64(IG_SOP_SHR, 256, 4), 16);
  assert_int_equal(eval_i32(IG_SOP_SIGN, -5, 0), -1);
  assert_int_equal(eval_i32(IG_SOP_ABS, INT32_MIN, 0), INT32_MIN);
  assert_int_equal(eval_i32(IG_SOP_NOT, 5, 0), -6);
}

static void floats_and_casts(void **state) {
  (void)state;
  assert_true(eval_f32(IG_SOP_MOD, -7, 3) == 2 && eval_f32(IG_SOP_FMOD, -7, 3) == -1);
  assert_true(isnan(eval_f32(IG_SOP_MIN, NAN, 1)) && isnan(eval_f32(IG_SOP_MAX, 1, NAN)));
  assert_true(eval_f32(IG_SOP_RINT, 2.5f, 0) == 2 && eval_f32(IG_SOP_SIGN, -0.5f, 0) == -1);
  assert_int_equal(ig_sval_cast((ig_sval){.f32 = 1e20f}, IG_S_F32, IG_S_I32).i32, INT32_MAX);
  assert_int_equal(ig_sval_cast((ig_sval){.f32 = NAN}, IG_S_F32, IG_S_I64).i64, 0);
  assert_true(ig_sval_cast((ig_sval){.f64 = -3.5}, IG_S_F64, IG_S_U64).u64 == 0);
  assert_true(ig_sval_cast((ig_sval){.f32 = 0.1f}, IG_S_F32, IG_S_BOOL).b);
  assert_int_equal(ig_sval_cast((ig_sval){.i64 = (int64_t)1 << 32 | 7}, IG_S_I64, IG_S_I32).i32, 7);
  const ig_sinsn round = {.op = IG_SOP_ROUND, .type = IG_S_F32, .imm = IG_DTYPE_F16};
  assert_true(ig_scalar_eval(&round, (ig_sval){.f32 = 1.0001f}, (ig_sval){0}, (ig_sval){0}).f32 == 1.0f);
  assert_int_equal(ig_sval_encode(IG_DTYPE_I4, IG_S_I32, (ig_sval){.i32 = -3}, 0), 13);
  assert_int_equal(ig_sval_decode(IG_DTYPE_I4, 13).i32, -3);
  assert_int_equal(ig_sval_decode(IG_DTYPE_I2, 2).i32, -2);
  assert_int_equal(ig_sval_encode(IG_DTYPE_U8, IG_S_I64, (ig_sval){.i64 = 257}, 0), 1);
}

/* Known answers of the generator's authors: all bits zero give 6627e8d5 e169c58d, all bits one 408f276d 41c83b0e. */
static void random_words(void **state) {
  (void)state;
  assert_true(ig_random_u64(0, 0, 0) == 0xe169c58d6627e8d5ull);
  assert_true(ig_random_u64(UINT64_MAX, UINT64_MAX, UINT64_MAX) == 0x41c83b0e408f276dull);
}

/* sum -> * other -> rint -> clamp -> * -3 (other - it) -> / 2 -> rint: one inner step is 1.5 outer ones, so two of them at most. */
static void edges(void **state) {
  (void)state;
  ig_sprog p;
  const ig_sreg sum = ig_s_load(&builder, 0, IG_DTYPE_I32), other = ig_s_load(&builder, 1, IG_DTYPE_F32);
  const ig_sreg scaled = ig_s_op(&builder, IG_SOP_MUL, ig_s_cast(&builder, sum, IG_S_F32), other, 0);
  const ig_sreg clamped = ig_s_op(&builder, IG_SOP_MIN, ig_s_op(&builder, IG_SOP_RINT, scaled, 0, 0), ig_s_f64(&builder, IG_S_F32, 127), 0);
  const ig_sreg whole = ig_s_cast(&builder, clamped, IG_S_I32);
  const ig_sreg real = ig_s_op(&builder, IG_SOP_MUL, ig_s_f64(&builder, IG_S_F32, -3), ig_s_cast(&builder, whole, IG_S_F32), 0);
  const ig_sreg added = ig_s_op(&builder, IG_SOP_SUB, other, real, 0);
  const ig_sreg outer = ig_s_op(&builder, IG_SOP_DIV, added, ig_s_f64(&builder, IG_S_F32, 2), 0);
  ig_s_store(&builder, 0, ig_s_cast(&builder, ig_s_op(&builder, IG_SOP_RINT, outer, 0, 0), IG_S_I32), 0);
  ig_s_store(&builder, 1, whole, 0);
  ig_s_store(&builder, 2, real, 0);
  ig_s_store(&builder, 3, scaled, 0);
  ig_s_store(&builder, 4, ig_s_op(&builder, IG_SOP_SIGMOID, real, 0, 0), 0);
  ig_s_store(&builder, 5, ig_s_op(&builder, IG_SOP_MAX, ig_s_op(&builder, IG_SOP_MUL, real, other, 0), other, 0), 0);
  assert_null(ig_sbuild_finish(&builder, &p));
  const double want[] = {2, 1, 3, 0, 0, 0, 0};
  for (uint32_t i = 0; i < IG_COUNT(want); i++) assert_true(ig_sprog_edge(&p, i) == want[i]);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {TEST(check_refuses), TEST(build_and_print), TEST(failures_stick), TEST(splice),
                                     TEST(integers), TEST(floats_and_casts), TEST(random_words), TEST(edges)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
