/* Shape rules of the kinds against values computed by hand, and what they refuse.
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

static ig_operand operand(ig_dtype d, uint32_t rank, const int64_t *sizes) {
  ig_operand o = {.dtype = d, .rank = (uint8_t)rank};
  for (uint32_t i = 0; i < rank; i++) o.dims[i] = ig_dim_const(&dims, sizes[i]);
  assert_null(ig_operand_compact(&o, &dims));
  return o;
}
#define OP(d, ...) operand(d, sizeof((int64_t[]){__VA_ARGS__}) / 8, (const int64_t[]){__VA_ARGS__})
#define F(...) OP(IG_DTYPE_F32, __VA_ARGS__)
#define I(...) OP(IG_DTYPE_I64, __VA_ARGS__)
#define LEFT_OUT ((ig_operand){.value = IG_NO_VALUE})

static ig_status derive(ig_kind_id kind, ig_operand *ops, uint32_t n_in, uint32_t n_out, void *params, ig_dim (*out)[IG_MAX_RANK], uint8_t *rank) {
  const ig_request r = {.kind = kind, .n_in = n_in, .n_out = n_out, .operands = ops, .params = params};
  ig_status st = ig_kind(kind)->out_dims(&r, &dims, "n", out, rank), error = ig_dims_take_error(&dims);
  if (st) ig_status_free(error);
  return st ? st : error;
}

static void gives(ig_kind_id kind, ig_operand *ops, uint32_t n_in, uint32_t n_out, void *params, uint32_t rank, const int64_t *want) {
  ig_dim out[8][IG_MAX_RANK];
  uint8_t got_rank[8];
  ig_status st = derive(kind, ops, n_in, n_out, params, out, got_rank);
  if (st) fail_msg("%s", ig_status_message(st));
  assert_int_equal(got_rank[0], rank);
  for (uint32_t i = 0; i < rank; i++) {
    int64_t got = -1;
    assert_true(ig_dim_is_const(&dims, out[0][i], &got));
    if (got != want[i]) fail_msg("%s: dim %u is %lld, expected %lld", ig_kind(kind)->name, i, (long long)got, (long long)want[i]);
  }
}
#define GIVES(kind, ops, n_in, n_out, params, ...) \
  gives(kind, ops, n_in, n_out, params, sizeof((int64_t[]){__VA_ARGS__}) / 8, (const int64_t[]){__VA_ARGS__})
static void refuses(ig_kind_id kind, ig_operand *ops, uint32_t n_in, uint32_t n_out, void *params) {
  ig_dim out[8][IG_MAX_RANK];
  uint8_t rank[8];
  ig_status st = derive(kind, ops, n_in, n_out, params, out, rank);
  assert_non_null(st);
  assert_non_null(strstr(ig_status_message(st), "'n'"));
  ig_status_free(st);
}

static void lookup(void **state) {
  (void)state;
  for (uint32_t i = 0; i < ig_n_kinds; i++) {
    assert_ptr_equal(ig_kind(ig_kinds[i]->id), ig_kinds[i]);
    assert_ptr_equal(ig_kind_by_name(ig_kinds[i]->name), ig_kinds[i]);
    uint32_t words = 0;
    for (uint32_t k = 0; k < ig_kinds[i]->n_fields; k++) {
      assert_int_equal(ig_kinds[i]->fields[k].word, words); /* every word of the params is described once, in order */
      words += ig_kinds[i]->fields[k].count;
    }
    assert_int_equal(words * 8, ig_kinds[i]->params_size);
  }
  assert_null(ig_kind((ig_kind_id)99));
  assert_null(ig_kind_by_name("nothing"));
}

static void gather_scatter(void **state) {
  (void)state;
  ig_gather_params p = {.mode = IG_GATHER_ROWS, .axis = 1};
  ig_operand rows[] = {F(2, 3, 4), I(5, 6), F(1)};
  GIVES(IG_KIND_gather, rows, 2, 1, &p, 2, 5, 6, 4);
  p.axis = 3;
  refuses(IG_KIND_gather, rows, 2, 1, &p);
  p = (ig_gather_params){.mode = IG_GATHER_ND, .batch_dims = 1};
  ig_operand nd[] = {F(2, 3, 4, 5), I(2, 7, 2), F(1)};
  GIVES(IG_KIND_gather, nd, 2, 1, &p, 2, 7, 5);
  nd[1] = I(3, 7, 2);
  refuses(IG_KIND_gather, nd, 2, 1, &p);
  nd[1] = F(2, 7, 2);
  refuses(IG_KIND_gather, nd, 2, 1, &p);
  p = (ig_gather_params){.mode = IG_GATHER_ELEMENTS, .axis = 1};
  ig_operand elements[] = {F(2, 3), I(1, 9), F(1)};
  GIVES(IG_KIND_gather, elements, 2, 1, &p, 1, 9);
  elements[1] = I(3, 9);
  refuses(IG_KIND_gather, elements, 2, 1, &p);
  ig_scatter_params s = {.mode = IG_SCATTER_ND};
  ig_operand sc[] = {F(4, 5, 6), I(7, 2), F(7, 6), F(1)};
  GIVES(IG_KIND_scatter, sc, 3, 1, &s, 4, 5, 6);
  sc[2] = F(7, 5);
  refuses(IG_KIND_scatter, sc, 3, 1, &s);
}

static void reduce_and_matmul(void **state) {
  (void)state;
  ig_operand x[] = {F(2, 3, 4), F(1)};
  ig_reduce_params r = {.axes_mask = 5, .op = IG_REDUCE_SUM, .acc = IG_S_F32};
  GIVES(IG_KIND_reduce, x, 1, 1, &r, 1, 3, 1);
  r.axes_mask = 8;
  refuses(IG_KIND_reduce, x, 1, 1, &r);
  r = (ig_reduce_params){.axes_mask = 3, .op = IG_REDUCE_ARGMAX, .acc = IG_S_F32};
  refuses(IG_KIND_reduce, x, 1, 1, &r);
  ig_matmul_params m = {.acc = IG_S_F32, .alpha = 1};
  ig_operand ab[] = {F(9, 2, 3), F(9, 3, 5), F(1)};
  GIVES(IG_KIND_matmul, ab, 2, 1, &m, 9, 2, 5);
  ab[1] = F(9, 4, 5);
  refuses(IG_KIND_matmul, ab, 2, 1, &m);
  ab[1] = F(3, 5);
  refuses(IG_KIND_matmul, ab, 2, 1, &m);
  m.acc = IG_S_I32;
  ab[1] = F(9, 3, 5);
  refuses(IG_KIND_matmul, ab, 2, 1, &m);
}

static void conv_shapes(void **state) {
  (void)state;
  const int64_t one = ig_dim_const(&dims, 1), three = ig_dim_const(&dims, 3);
  ig_conv_params p = {.n_spatial = 2, .groups = 1, .acc = IG_S_F32, .stride = {2, 2}, .dilation = {1, 1}, .in_dilation = {1, 1},
                      .pad_lo = {three, three}, .pad_hi = {three, three}};
  ig_operand v[] = {F(8, 3, 224, 225), F(64, 3, 7, 7), F(1)};
  GIVES(IG_KIND_conv, v, 2, 1, &p, 8, 64, 112, 113);
  p = (ig_conv_params){
      .n_spatial = 1, .groups = 4, .acc = IG_S_F32, .stride = {1}, .dilation = {3}, .in_dilation = {2}, .pad_lo = {one}, .pad_hi = {one}};
  ig_operand g[] = {F(1, 8, 10), F(12, 2, 3), F(1)};
  GIVES(IG_KIND_conv, g, 2, 1, &p, 1, 12, 15); /* 19 + 2 - 7 + 1 */
  g[1] = F(10, 2, 3);
  refuses(IG_KIND_conv, g, 2, 1, &p); /* 10 / 4 */
  g[1] = F(12, 3, 3);
  refuses(IG_KIND_conv, g, 2, 1, &p); /* channels */
  g[1] = F(12, 2, 3, 3);
  refuses(IG_KIND_conv, g, 2, 1, &p); /* rank */
  g[1] = F(12, 2, 30);
  refuses(IG_KIND_conv, g, 2, 1, &p); /* kernel too large */
}

static void window_shapes(void **state) {
  (void)state;
  const int64_t zero = ig_dim_const(&dims, 0), one = ig_dim_const(&dims, 1);
  ig_window_params p = {
      .mode = IG_WINDOW_MAX, .n_spatial = 2, .kernel = {3, 3}, .stride = {2, 2}, .dilation = {1, 1}, .pad_lo = {one, one}, .pad_hi = {one, one}};
  ig_operand v[] = {F(1, 4, 10, 11), F(1)};
  GIVES(IG_KIND_window, v, 1, 1, &p, 1, 4, 5, 6);
  p.ceil = 1;
  GIVES(IG_KIND_window, v, 1, 1, &p, 1, 4, 6, 6);
  /* ceil((2 + 2 - 1) / 2) + 1 = 3, but the third window would start at 4 - 1 = 3, in the right padding. */
  p = (ig_window_params){
      .mode = IG_WINDOW_AVG, .n_spatial = 1, .ceil = 1, .kernel = {1}, .stride = {2}, .dilation = {1}, .pad_lo = {one}, .pad_hi = {one}};
  ig_operand w[] = {F(1, 1, 2), F(1)};
  GIVES(IG_KIND_window, w, 1, 1, &p, 1, 1, 2);
  refuses(IG_KIND_window, w, 1, 2, &p);
  p = (ig_window_params){
      .mode = IG_WINDOW_FOLD, .n_spatial = 2, .kernel = {2, 3}, .stride = {1, 1}, .dilation = {1, 1}, .pad_lo = {zero, zero}, .pad_hi = {zero, zero}};
  ig_operand f[] = {F(2, 18, 12), F(2, 3, 4, 6)};
  GIVES(IG_KIND_window, f, 1, 1, &p, 2, 3, 4, 6);
  f[0] = F(2, 18, 11);
  refuses(IG_KIND_window, f, 1, 1, &p);
}

static void norm_softmax_move_rnn(void **state) {
  (void)state;
  ig_dim out[8][IG_MAX_RANK];
  uint8_t rank[8];
  ig_norm_params n = {.axis = 1, .mode = IG_NORM_LAYER, .stash = IG_S_F32};
  ig_operand v[] = {F(2, 3, 4), F(2, 3, 4), F(1), F(1)};
  assert_null(derive(IG_KIND_norm, v, 2, 2, &n, out, rank));
  assert_true(rank[1] == 3 && ig_dim_equals(&dims, out[1][0], 2) && ig_dim_equals(&dims, out[1][1], 1) && ig_dim_equals(&dims, out[1][2], 1));
  v[1] = F(3, 4);
  refuses(IG_KIND_norm, v, 2, 1, &n);
  ig_softmax_params s = {.axis = 2, .scale = 1};
  GIVES(IG_KIND_softmax, v, 1, 1, &s, 2, 3, 4);
  s.axis = 3;
  refuses(IG_KIND_softmax, v, 1, 1, &s);
  ig_move_params m = {.border = IG_MOVE_CONSTANT, .pad_lo = {ig_dim_const(&dims, 1)}};
  ig_operand c[] = {F(3), F(8)};
  GIVES(IG_KIND_move, c, 1, 1, &m, 8);
  m.border = IG_MOVE_NONE;
  refuses(IG_KIND_move, c, 1, 1, &m);
  m.pad_lo[0] = ig_dim_const(&dims, 0);
  refuses(IG_KIND_move, c, 1, 1, &m);
  ig_rnn_params r = {.cell = IG_RNN_LSTM, .act = {3, 2, 2, 3, 2, 2}};
  ig_operand l[] = {F(7, 5, 2, 24), F(2, 24, 6), LEFT_OUT, F(2, 5, 6), F(1)};
  GIVES(IG_KIND_rnn, l, 4, 1, &r, 7, 2, 5, 6);
  l[3] = F(2, 5, 5);
  refuses(IG_KIND_rnn, l, 4, 1, &r);
}

/* A symbolic batch passes through. */
static void symbols(void **state) {
  (void)state;
  const ig_dim batch = ig_dims_symbol(&dims, "batch", IG_SYMBOL_INPUT, 0, 0, 1, 64);
  ig_matmul_params m = {.acc = IG_S_F32, .alpha = 1};
  ig_operand ab[] = {F(9, 2, 3), F(9, 3, 5), F(1)};
  ab[0].dims[0] = ab[1].dims[0] = batch;
  ig_dim out[8][IG_MAX_RANK];
  uint8_t rank[8];
  assert_null(derive(IG_KIND_matmul, ab, 2, 1, &m, out, rank));
  assert_int_equal(out[0][0], batch);
  assert_int_equal(dims.guards.n, 0);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {TEST(lookup), TEST(gather_scatter), TEST(reduce_and_matmul), TEST(conv_shapes), TEST(window_shapes),
                                     TEST(norm_softmax_move_rnn), TEST(symbols)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
