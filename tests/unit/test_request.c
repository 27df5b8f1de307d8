/* Requests: validity, text, splitting; operands, views and what they reach.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/request.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static ig_arena arena;
static ig_dims dims;
static int setup(void **state) {
  (void)state;
  ig_arena_init(&arena, &ig_libc_allocator, 0);
  ig_dims_init(&dims, &ig_libc_allocator, &arena);
  return 0;
}
static int teardown(void **state) {
  (void)state;
  ig_dims_free(&dims);
  ig_arena_free(&arena);
  return 0;
}

static ig_operand matrix(uint32_t value, int64_t rows, int64_t columns) {
  ig_operand o = {.value = value, .dtype = IG_DTYPE_F32, .rank = 2, .dims = {ig_dim_const(&dims, rows), ig_dim_const(&dims, columns)}};
  assert_null(ig_operand_compact(&o, &dims));
  return o;
}

static const ig_sinsn add[] = {{.op = IG_SOP_LOAD, .type = IG_S_F32}, {.op = IG_SOP_LOAD, .type = IG_S_F32, .imm = 1},
  {.op = IG_SOP_ADD, .type = IG_S_F32, .a = 0, .b = 1}, {.op = IG_SOP_STORE, .type = IG_S_F32, .a = 2}};
static ig_matmul_params params = {.acc = IG_S_F32, .alpha = 1};

/* c[2, 4] = a[2, 3] * b[3, 4] + d */
static ig_request fused(ig_operand *ops) {
  ops[0] = matrix(0, 2, 3);
  ops[1] = matrix(1, 3, 4);
  ops[2] = matrix(2, 2, 4);
  ops[3] = matrix(3, 2, 4);
  return (ig_request){.kind = IG_KIND_matmul, .n_in = 2, .n_extra = 1, .n_out = 1, .operands = ops, .params = &params, .epi = {add, 4}};
}

static void refused(const ig_request *r, const char *part) {
  ig_status st = ig_request_check(r, &dims, "node");
  assert_non_null(st);
  if (!strstr(ig_status_message(st), part)) fail_msg("'%s' lacks '%s'", ig_status_message(st), part);
  ig_status_free(st);
}

static void check(void **state) {
  (void)state;
  ig_operand ops[8];
  ig_request r = fused(ops);
  assert_null(ig_request_check(&r, &dims, "node"));
  r.kind = (ig_kind_id)77;
  refused(&r, "unknown kind");
  r = fused(ops), r.n_in = 1;
  refused(&r, "1 inputs");
  r = fused(ops), r.epi.n = 0;
  refused(&r, "epilogue is needed");
  r = fused(ops), r.epi.n = 3;
  refused(&r, "never stores");
  r = fused(ops), r.prog = r.epi;
  refused(&r, "takes no program");
  r = fused(ops), r.params = NULL;
  refused(&r, "parameters are missing");
  r = fused(ops), ops[1].value = IG_NO_VALUE;
  refused(&r, "input 1 is missing");
  r = fused(ops), ops[3].value = IG_NO_VALUE;
  refused(&r, "result 0 is missing");
  r = fused(ops), ops[0].rank = 9;
  refused(&r, "9 dims");
  r = fused(ops), ops[0].dtype = 0x1234;
  refused(&r, "unknown type");
  r = fused(ops), ops[0].strides[0] = IG_DIM_BAD;
  refused(&r, "not known");
  r = fused(ops), ops[0].block = 8, ops[0].block_axis = 2;
  refused(&r, "blocked along axis 2");
  r = fused(ops), ops[3] = matrix(3, 2, 5);
  refused(&r, "stated and derived");
  r = fused(ops), ops[2] = matrix(2, 1, 4);
  refused(&r, "epilogue and the result");
  r = fused(ops), ops[2] = ops[3], ops[2].dtype = IG_DTYPE_I8, r.n_extra = 0, r.epi.n = 0;
  refused(&r, "cannot be stored as");
  ig_request m = {.kind = IG_KIND_map, .n_in = 2, .n_out = 1, .operands = ops + 1, .prog = {add, 4}};
  fused(ops), ops[1] = ops[2];
  assert_null(ig_request_check(&m, &dims, "node"));
  m.epi = m.prog;
  refused(&m, "takes no epilogue");
}

static void print(void **state) {
  (void)state;
  ig_operand ops[4];
  const ig_request r = fused(ops);
  ig_buf out;
  ig_buf_init(&out, &ig_libc_allocator);
  ig_request_print(&r, &dims, &out);
  assert_string_equal(ig_buf_cstr(&out),
                      "matmul(acc=1 alpha=1) v0:float[2, 3]@0[3, 1] v1:float[3, 4]@0[4, 1] + v2:float[2, 4]@0[4, 1] -> v3:float[2, 4]@0[4, 1]"
                      " epi { %0 = load.f32 0; %1 = load.f32 1; %2 = add.f32 %0 %1; store.f32 %2 0 }");
  ig_buf_free(&out);
}

static void split(void **state) {
  (void)state;
  ig_operand ops[4];
  const ig_request r = fused(ops);
  ig_request first, second;
  assert_null(ig_request_split(&r, &dims, &arena, 9, &first, &second));
  assert_null(ig_request_check(&first, &dims, "first"));
  assert_null(ig_request_check(&second, &dims, "second"));
  assert_true(first.n_extra == 0 && first.epi.n == 0 && ig_request_out(&first, 0)->value == 9);
  assert_true(second.kind == IG_KIND_map && second.n_in == 2 && second.operands[0].value == 9 && second.operands[1].value == 2 &&
              second.operands[2].value == 3);
  ig_status st = ig_request_split(&first, &dims, &arena, 9, &first, &second);
  assert_non_null(st);
  ig_status_free(st);
}

static void views(void **state) {
  (void)state;
  ig_view v = {.dtype = IG_DTYPE_F32, .rank = 3, .dims = {2, 1, 3}, .strides = {3, 77, 1}};
  assert_int_equal(ig_view_count(&v), 6);
  assert_true(ig_view_is_compact(&v));
  v.strides[0] = 4;
  assert_false(ig_view_is_compact(&v));
  v.strides[0] = 3, v.first = 1;
  assert_false(ig_view_is_compact(&v));
}

static void reach(void **state) {
  (void)state;
  int64_t lo, hi;
  const int64_t d[] = {3, 4}, s[] = {10, -2}, none[] = {0, 4}, far[] = {INT64_MAX / 2, 1};
  assert_true(ig_operand_reach(d, s, 2, 0, 0, 6, IG_DTYPE_F32, &lo, &hi));
  assert_true(lo == 0 && hi == 4 * 27);
  assert_true(ig_operand_reach(d, s, 2, 0, 0, 5, IG_DTYPE_F32, &lo, &hi));
  assert_true(lo == -4);
  assert_true(ig_operand_reach(none, s, 2, 0, 0, 6, IG_DTYPE_F32, &lo, &hi));
  assert_true(lo == 24 && hi == 24);
  assert_true(ig_operand_reach((const int64_t[]){3}, (const int64_t[]){1}, 1, 0, 0, 1, IG_DTYPE_I4, &lo, &hi));
  assert_true(lo == 0 && hi == 2);
  assert_true(ig_operand_reach((const int64_t[]){5}, (const int64_t[]){100}, 1, 0, 4, 0, IG_DTYPE_I8, &lo, &hi));
  assert_true(lo == 0 && hi == 104); /* the last block in full */
  assert_false(ig_operand_reach(d, far, 2, 0, 0, 0, IG_DTYPE_F32, &lo, &hi));
  assert_false(ig_operand_reach((const int64_t[]){-1}, far, 1, 0, 0, 0, IG_DTYPE_F32, &lo, &hi));
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {TEST(check), TEST(print), TEST(split), TEST(views), TEST(reach)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
