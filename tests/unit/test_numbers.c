/* Numbers that engine files hold: a moved or reused one makes old files lie. This table is written out by hand on purpose: it is compared with
 * the lists, not made from them. A new entry is appended; an existing line never changes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/request.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

typedef struct number { const char *name; uint32_t number; } number;
static const number sops[] = {
  { "LOAD", 1 }, { "STORE", 2 }, { "CONST", 3 }, { "DIM", 4 }, { "COORD", 5 }, { "RANDOM", 6 }, { "CAST", 7 }, { "ROUND", 8 }, { "SELECT", 9
  }, { "ADD", 16 }, { "SUB", 17 }, { "MUL", 18 }, { "DIV", 19 }, { "MOD", 20 }, { "FMOD", 21 }, { "MIN", 22 }, { "MAX", 23 }, { "POW", 24 },
  { "FMA", 25 }, { "ATAN2", 26 }, { "NEG", 32 }, { "ABS", 33 }, { "SIGN", 34 }, { "FLOOR", 35 }, { "CEIL", 36 }, { "RINT", 37 }, { "TRUNC",
  38 }, { "SQRT", 39 }, { "RSQRT", 40 }, { "RECIP", 41 }, { "EXP", 48 }, { "LOG", 49 }, { "EXPM1", 50 }, { "LOG1P", 51 }, { "SIN", 52 }, {
  "COS", 53 }, { "TAN", 54 }, { "ASIN", 55 }, { "ACOS", 56 }, { "ATAN", 57 }, { "SINH", 58 }, { "COSH", 59 }, { "TANH", 60 }, { "ASINH", 61
  }, { "ACOSH", 62 }, { "ATANH", 63 }, { "ERF", 64 }, { "SIGMOID", 65 }, { "SOFTPLUS", 66 }, { "EQ", 80 }, { "LT", 81 }, { "LE", 82 }, {
  "IS_NAN", 83 }, { "IS_INF", 84 }, { "AND", 96 }, { "OR", 97 }, { "XOR", 98 }, { "NOT", 99 }, { "SHL", 100 }, { "SHR", 101 },
};
static const number kinds[] = {
  { "map", 1 }, { "move", 2 }, { "gather", 3 }, { "scatter", 4 }, { "reduce", 5 }, { "softmax", 6 }, { "norm", 7 }, { "matmul", 8 }, {
  "conv", 9 }, { "window", 10 }, { "rnn", 14 },
};

static uint32_t listed_sop(const char *name) {
#define IG_SOP(n, number, arity, types, text) if (strcmp(name, #n) == 0) return number;
#include "kern/scalar.def"
#undef IG_SOP
  return 0;
}
static uint32_t listed_kind(const char *name) {
#define IG_KIND(n, number) if (strcmp(name, #n) == 0) return number;
#include "kern/kinds.def"
#undef IG_KIND
  return 0;
}

static void test_lists(void **state) {
  IG_UNUSED(state);
  assert_int_equal(IG_TRANSFORM_WINOGRAD_4X4, 1);
  assert_int_equal(IG_TRANSFORM_WINOGRAD_2X2, 2);
  assert_int_equal(IG_TRANSFORM_WINOGRAD_INT_4X4, 3);
  assert_int_equal(IG_TRANSFORM_WINOGRAD_INT_2X2, 4);
  for (size_t i = 0; i < IG_COUNT(sops); i++) assert_int_equal(listed_sop(sops[i].name), sops[i].number);
  for (size_t i = 0; i < IG_COUNT(kinds); i++) assert_int_equal(listed_kind(kinds[i].name), kinds[i].number);
}

/* No number stands for two things, entries added since included. */
static void test_unique(void **state) {
  IG_UNUSED(state);
  bool taken[1024] = { false };
#define IG_SOP(n, number, arity, types, text) assert_false(taken[number]); taken[number] = true;
#include "kern/scalar.def"
#undef IG_SOP
  memset(taken, 0, sizeof taken);
#define IG_KIND(n, number) assert_false(taken[number]); taken[number] = true;
#include "kern/kinds.def"
#undef IG_KIND
}

static void test_enums(void **state) {
  IG_UNUSED(state);
  const uint32_t dims[] = { IG_DIM_CONST, IG_DIM_SYMBOL, IG_DIM_ADD, IG_DIM_MUL, IG_DIM_FLOORDIV, IG_DIM_CEILDIV, IG_DIM_MOD, IG_DIM_MIN, IG_DIM_MAX, IG_DIM_EQ, IG_DIM_GE, IG_DIM_SELECT, IG_DIM_SCALE, IG_DIM_BROADCAST };
  for (uint32_t i = 0; i < IG_COUNT(dims); i++) assert_int_equal(dims[i], i + 1);
  const uint32_t types[] = { IG_S_F32, IG_S_F64, IG_S_I32, IG_S_I64, IG_S_U64, IG_S_BOOL };
  for (uint32_t i = 0; i < IG_COUNT(types); i++) assert_int_equal(types[i], i + 1);
  const uint32_t codes[] = { IG_OK, IG_ERROR_INVALID_ARGUMENT, IG_ERROR_BAD_MODEL, IG_ERROR_BAD_ENGINE, IG_ERROR_UNSUPPORTED, IG_ERROR_DEVICE, IG_ERROR_OUT_OF_MEMORY, IG_ERROR_LIMIT, IG_ERROR_IO, IG_ERROR_CANCELLED, IG_ERROR_SHAPE, IG_ERROR_DATA, IG_ERROR_TRAP, IG_ERROR_MISMATCH, IG_ERROR_INTERNAL };
  for (uint32_t i = 0; i < IG_COUNT(codes); i++) assert_int_equal(codes[i], i);
  assert_int_equal(IG_STORE_SATURATE, 1);
  assert_int_equal(IG_STORE_ROUND_UP, 2);
  assert_int_equal(IG_STORE_ROUND_DOWN, 4);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_lists), cmocka_unit_test(test_unique), cmocka_unit_test(test_enums) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
