/* The reference, kind by kind, against values computed by hand or by independent loops: strides, broadcasts, sub-byte elements, padding.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref_util.h"

static const ig_sinsn add_program[] = {{.op = IG_SOP_LOAD, .type = IG_S_F32}, {.op = IG_SOP_LOAD, .type = IG_S_F32, .imm = 1},
  {.op = IG_SOP_ADD, .type = IG_S_F32, .a = 0, .b = 1}, {.op = IG_SOP_STORE, .type = IG_S_F32, .a = 2}};

static void map_strides(void **state) {
  (void)state;
  float x[6] = {1, 2, 3, 4, 5, 6}, y[3] = {10, 20, 30}, o[6];
  static const float want[6] = {33, 22, 11, 36, 25, 14}; /* x backwards along its columns, y broadcast and backwards too */
  ig_view v[] = {VIEW(IG_DTYPE_F32, x + 2, 2, 3), VIEW(IG_DTYPE_F32, y + 2, 2, 3), VIEW(IG_DTYPE_F32, o, 2, 3)};
  v[0].strides[1] = -1;
  v[1].strides[0] = 0;
  v[1].strides[1] = -1;
  run(IG_KIND_map, v, 2, 1, NULL, (ig_sprog){add_program, 4});
  same(o, want, 6, 0);
  ig_view in_place[] = {VIEW(IG_DTYPE_F32, x, 6), VIEW(IG_DTYPE_F32, x, 6), VIEW(IG_DTYPE_F32, x, 6)};
  run(IG_KIND_map, in_place, 2, 1, NULL, (ig_sprog){add_program, 4});
  same(x, (const float[]){2, 4, 6, 8, 10, 12}, 6, 0);
}

static void map_sub_byte_and_blocks(void **state) {
  (void)state;
  uint8_t in[2] = {0x21, 0xf3}, out[3] = {0xff, 0xff, 0xff}; /* 1 2 3 -1 as int4 */
  static const ig_sinsn negate[] = {
      {.op = IG_SOP_LOAD, .type = IG_S_I32}, {.op = IG_SOP_NEG, .type = IG_S_I32}, {.op = IG_SOP_STORE, .type = IG_S_I32, .a = 1}};
  ig_view v[] = {VIEW(IG_DTYPE_I4, in, 4), VIEW(IG_DTYPE_I4, out, 4)};
  v[1].first = 1; /* the result starts at the high half of byte 0 */
  run(IG_KIND_map, v, 1, 1, NULL, (ig_sprog){negate, 3});
  assert_memory_equal(out, ((const uint8_t[]){0xff, 0xde, 0xf1}), 3);
  float x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, o[6];
  ig_view b[] = {VIEW(IG_DTYPE_F32, x, 3, 2), VIEW(IG_DTYPE_F32, x, 3, 2), VIEW(IG_DTYPE_F32, o, 3, 2)};
  b[0].block = b[1].block = 2; /* [3, 2] in blocks of 2 along axis 0: [2][2][2] */
  b[0].strides[0] = b[1].strides[0] = 4;
  b[0].strides[1] = b[1].strides[1] = 2;
  run(IG_KIND_map, b, 2, 1, NULL, (ig_sprog){add_program, 4});
  same(o, (const float[]){2, 6, 4, 8, 10, 14}, 6, 0);
}

static void move_borders(void **state) {
  (void)state;
  float x[3] = {1, 2, 3}, seven = 7, o[8];
  static const struct {
    int64_t border;
    float want[8];
  } cases[] = {{IG_MOVE_CONSTANT, {7, 7, 1, 2, 3, 7, 7, 7}},
               {IG_MOVE_EDGE, {1, 1, 1, 2, 3, 3, 3, 3}},
               {IG_MOVE_REFLECT, {3, 2, 1, 2, 3, 2, 1, 2}},
               {IG_MOVE_WRAP, {2, 3, 1, 2, 3, 1, 2, 3}}};
  const ig_view v[] = {VIEW(IG_DTYPE_F32, x, 3), {.data = &seven, .dtype = IG_DTYPE_F32}, VIEW(IG_DTYPE_F32, o, 8)};
  for (size_t i = 0; i < 4; i++) {
    const ig_move_params p = {.border = cases[i].border, .pad_lo = {2}};
    run(IG_KIND_move, v, 2, 1, &p, no_program);
    same(o, cases[i].want, 8, 0);
  }
}

static void gather_modes(void **state) {
  (void)state;
  float x[6] = {1, 2, 3, 4, 5, 6}, o[6];
  int64_t rows[2] = {2, -3}, nd[2] = {1, 0}, elements[4] = {2, 0, -1, 1};
  const ig_view r[] = {VIEW(IG_DTYPE_F32, x, 2, 3), VIEW(IG_DTYPE_I64, rows, 2), VIEW(IG_DTYPE_F32, o, 2, 2)};
  run(IG_KIND_gather, r, 2, 1, &(ig_gather_params){.mode = IG_GATHER_ROWS, .axis = 1}, no_program);
  same(o, (const float[]){3, 1, 6, 4}, 4, 0);
  const ig_view n[] = {VIEW(IG_DTYPE_F32, x, 2, 3), VIEW(IG_DTYPE_I64, nd, 2, 1), VIEW(IG_DTYPE_F32, o, 2)};
  run(IG_KIND_gather, n, 2, 1, &(ig_gather_params){.mode = IG_GATHER_ND, .batch_dims = 1}, no_program);
  same(o, (const float[]){2, 4}, 2, 0);
  const ig_view e[] = {VIEW(IG_DTYPE_F32, x, 2, 3), VIEW(IG_DTYPE_I64, elements, 2, 2), VIEW(IG_DTYPE_F32, o, 2, 2)};
  run(IG_KIND_gather, e, 2, 1, &(ig_gather_params){.mode = IG_GATHER_ELEMENTS, .axis = 1}, no_program);
  same(o, (const float[]){3, 1, 6, 5}, 4, 0);
  assert_true(error_word.word == 0);
  rows[0] = 3;
  run(IG_KIND_gather, r, 2, 1, &(ig_gather_params){.mode = IG_GATHER_ROWS, .axis = 1}, no_program);
  assert_true(error_word.word == ((uint64_t)3 << 32 | IG_DATA_INDEX_OUT_OF_RANGE));
  error_word.word = 0;
}

static void scatter_modes(void **state) {
  (void)state;
  float x[4] = {1, 2, 3, 4}, u[3] = {10, 20, 30}, o[4];
  int64_t index[3] = {1, 3, 1};
  const ig_view v[] = {VIEW(IG_DTYPE_F32, x, 4), VIEW(IG_DTYPE_I64, index, 3), VIEW(IG_DTYPE_F32, u, 3), VIEW(IG_DTYPE_F32, o, 4)};
  static const float want[5][4] = {{1, 30, 3, 20}, {1, 42, 3, 24}, {1, 600, 3, 80}, {1, 2, 3, 4}, {1, 30, 3, 20}};
  for (int64_t k = 0; k < 5; k++) {
    run(IG_KIND_scatter, v, 3, 1, &(ig_scatter_params){.mode = IG_SCATTER_ELEMENTS, .reduction = k}, no_program);
    same(o, want[k], 4, 0);
    run(IG_KIND_scatter, v, 3, 1, &(ig_scatter_params){.mode = IG_SCATTER_ROWS, .reduction = k}, no_program);
    same(o, want[k], 4, 0);
  }
  int64_t nd[2] = {1, 0};
  const ig_view n[] = {VIEW(IG_DTYPE_F32, x, 2, 2), VIEW(IG_DTYPE_I64, nd, 1, 2), VIEW(IG_DTYPE_F32, u, 1), VIEW(IG_DTYPE_F32, x, 2, 2)};
  run(IG_KIND_scatter, n, 3, 1, &(ig_scatter_params){.mode = IG_SCATTER_ND}, no_program); /* in place */
  same(x, (const float[]){1, 2, 10, 4}, 4, 0);
}

static void reduce_all(void **state) {
  (void)state;
  float x[6] = {3, 1, 2, 2, 5, 5}, o[3];
  int64_t at[2];
  static const float want[4][2] = {{6, 12}, {6, 50}, {1, 2}, {3, 5}};
  const ig_view v[] = {VIEW(IG_DTYPE_F32, x, 2, 3), VIEW(IG_DTYPE_F32, o, 2, 1)};
  for (int64_t k = 0; k < 4; k++) {
    run(IG_KIND_reduce, v, 1, 1, &(ig_reduce_params){.axes_mask = 2, .op = k, .acc = IG_S_F32}, no_program);
    same(o, want[k], 2, 0);
  }
  const ig_view p[] = {VIEW(IG_DTYPE_F32, x, 2, 3), VIEW(IG_DTYPE_I64, at, 2, 1)};
  for (int64_t last = 0; last < 2; last++) {
    run(IG_KIND_reduce, p, 1, 1, &(ig_reduce_params){.axes_mask = 2, .op = IG_REDUCE_ARGMAX, .acc = IG_S_F32, .last = last}, no_program);
    assert_true(at[0] == 0 && at[1] == 1 + last);
  }
  const ig_view s[] = {VIEW(IG_DTYPE_F32, x, 2, 3), VIEW(IG_DTYPE_F32, x, 2, 3), VIEW(IG_DTYPE_F32, o, 1, 3)};
  run(IG_KIND_reduce, s, 2, 1, &(ig_reduce_params){.axes_mask = 1, .op = IG_REDUCE_SUM, .acc = IG_S_F32}, (ig_sprog){add_program, 4});
  same(o, (const float[]){10, 12, 14}, 3, 0);
  ig_view empty[] = {VIEW(IG_DTYPE_F32, x, 2, 0), VIEW(IG_DTYPE_F32, o, 2, 1)};
  run(IG_KIND_reduce, empty, 1, 1, &(ig_reduce_params){.axes_mask = 2, .op = IG_REDUCE_MAX, .acc = IG_S_F32}, no_program);
  assert_true(o[0] == -INFINITY && o[1] == -INFINITY);
}

static void softmax_and_norm(void **state) {
  (void)state;
  float x[3] = {1, 2, 3}, mask[3] = {0, 0, -INFINITY}, o[3], mean, inverse;
  const ig_view v[] = {VIEW(IG_DTYPE_F32, x, 3), VIEW(IG_DTYPE_F32, mask, 3), VIEW(IG_DTYPE_F32, o, 3)};
  run(IG_KIND_softmax, v, 2, 1, &(ig_softmax_params){.scale = 2}, no_program);
  same(o, (const float[]){0.11920292f, 0.88079708f, 0}, 3, 1e-7f);
  const ig_view l[] = {v[0], ABSENT, v[2]};
  run(IG_KIND_softmax, l, 2, 1, &(ig_softmax_params){.scale = 1, .log = 1}, no_program);
  same(o, (const float[]){-2.40760596f, -1.40760596f, -0.40760596f}, 3, 1e-6f);
  float scale[3] = {1, 2, 1}, bias[3] = {0, 1, 0};
  const ig_view n[] = {v[0], VIEW(IG_DTYPE_F32, scale, 3), VIEW(IG_DTYPE_F32, bias, 3),
                       v[2], VIEW(IG_DTYPE_F32, &mean, 1), VIEW(IG_DTYPE_F32, &inverse, 1)};
  run(IG_KIND_norm, n, 3, 3, &(ig_norm_params){.mode = IG_NORM_LAYER, .stash = IG_S_F32}, no_program);
  same(o, (const float[]){-1.22474487f, 1, 1.22474487f}, 3, 1e-6f);
  same((const float[]){mean, inverse}, (const float[]){2, 1.22474487f}, 2, 1e-6f);
  static const float want[3][3] = {{0.46291005f, 0.9258201f, 1.38873015f}, {1.f / 6, 2.f / 6, 3.f / 6}, {0.26726124f, 0.53452248f, 0.80178373f}};
  const ig_view r[] = {v[0], v[2]};
  for (int64_t mode = IG_NORM_RMS; mode <= IG_NORM_L2; mode++) {
    run(IG_KIND_norm, r, 1, 1, &(ig_norm_params){.mode = mode, .stash = IG_S_F32}, no_program);
    same(o, want[mode - 1], 3, 1e-6f);
  }
}

static void matmul_forms(void **state) {
  (void)state;
  float a[6] = {1, 2, 3, 4, 5, 6}, b[6] = {1, 4, 2, 5, 3, 6}, o[4];
  ig_view v[] = {VIEW(IG_DTYPE_F32, a, 2, 3), VIEW(IG_DTYPE_F32, a, 3, 2), VIEW(IG_DTYPE_F32, o, 2, 2)};
  v[1].strides[0] = 1; /* a times its transpose */
  v[1].strides[1] = 3;
  run(IG_KIND_matmul, v, 2, 1, &(ig_matmul_params){.acc = IG_S_F32, .alpha = 0.5}, no_program);
  same(o, (const float[]){7, 16, 16, 38.5f}, 4, 0);
  v[1] = VIEW(IG_DTYPE_F32, b, 3, 2);
  run(IG_KIND_matmul, v, 2, 1, &(ig_matmul_params){.acc = IG_S_F32, .alpha = 1}, no_program);
  same(o, (const float[]){14, 32, 32, 77}, 4, 0);
  uint8_t qa[2] = {200, 3}, za = 100;
  int8_t qb[2] = {-5, 7}, zb = 1;
  int32_t qo;
  ig_view q[] = {VIEW(IG_DTYPE_U8, qa, 1, 2), VIEW(IG_DTYPE_I8, qb, 2, 1), VIEW(IG_DTYPE_U8, &za, 1, 2), VIEW(IG_DTYPE_I8, &zb, 2, 1),
                 VIEW(IG_DTYPE_I32, &qo, 1, 1)};
  q[2].strides[1] = q[3].strides[0] = 0;
  run(IG_KIND_matmul, q, 4, 1, &(ig_matmul_params){.acc = IG_S_I32, .alpha = 1}, no_program);
  assert_int_equal(qo, 100 * -6 + -97 * 6);
}

static void epilogue(void **state) {
  (void)state;
  float a[2] = {1, -2}, b[2] = {3, 1}, bias[4] = {1, 0, 0, 0}, o[4];
  ig_view v[] = {VIEW(IG_DTYPE_F32, a, 2, 1), VIEW(IG_DTYPE_F32, b, 1, 2), VIEW(IG_DTYPE_F32, bias, 2, 2), VIEW(IG_DTYPE_F32, o, 2, 2)};
  const ig_matmul_params p = {.acc = IG_S_F32, .alpha = 1};
  ig_call c = {.kind = IG_KIND_matmul, .n_in = 2, .n_extra = 1, .n_out = 1, .v = v, .params = &p, .epi = {add_program, 4}};
  v[2].strides[0] = 0;
  ig_ref_run(&c);
  same(o, (const float[]){4, 1, -5, -2}, 4, 0);
}

static void conv_forms(void **state) {
  (void)state;
  float x[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, w[4] = {1, 2, 3, 4}, o[25];
  ig_conv_params p = {.n_spatial = 2, .groups = 1, .acc = IG_S_F32, .stride = {2, 2}, .dilation = {1, 1}, .in_dilation = {1, 1}, .pad_lo = {1, 1}};
  const ig_view v[] = {VIEW(IG_DTYPE_F32, x, 1, 1, 3, 3), VIEW(IG_DTYPE_F32, w, 1, 1, 2, 2), VIEW(IG_DTYPE_F32, o, 1, 1, 2, 2)};
  run(IG_KIND_conv, v, 2, 1, &p, no_program);
  same(o, (const float[]){4, 18, 36, 77}, 4, 0);
  /* Transposed, stride 2: x of 2x2 dilated to 3x3, padded by 1: the flipped kernel's copies, side by side. */
  p = (ig_conv_params){
      .n_spatial = 2, .groups = 1, .acc = IG_S_F32, .stride = {1, 1}, .dilation = {1, 1}, .in_dilation = {2, 2}, .pad_lo = {1, 1}, .pad_hi = {1, 1}};
  const ig_view t[] = {VIEW(IG_DTYPE_F32, x, 1, 1, 2, 2), VIEW(IG_DTYPE_F32, w, 1, 1, 2, 2), VIEW(IG_DTYPE_F32, o, 1, 1, 4, 4)};
  run(IG_KIND_conv, t, 2, 1, &p, no_program);
  same(o, (const float[]){4, 3, 8, 6, 2, 1, 4, 2, 12, 9, 16, 12, 6, 3, 8, 4}, 16, 0);
  /* Depthwise: two groups. */
  p = (ig_conv_params){.n_spatial = 1, .groups = 2, .acc = IG_S_F32, .stride = {1}, .dilation = {2}, .in_dilation = {1}};
  const ig_view g[] = {VIEW(IG_DTYPE_F32, x, 1, 2, 4), VIEW(IG_DTYPE_F32, w, 2, 1, 2), VIEW(IG_DTYPE_F32, o, 1, 2, 2)};
  run(IG_KIND_conv, g, 2, 1, &p, no_program);
  same(o, (const float[]){7, 10, 43, 50}, 4, 0);
}

static void windows(void **state) {
  (void)state;
  float x[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, o[9];
  int64_t at[4];
  ig_window_params p = {
      .mode = IG_WINDOW_MAX_INDEX, .n_spatial = 2, .kernel = {2, 2}, .stride = {2, 2}, .dilation = {1, 1}, .pad_lo = {1, 1}, .p = 2};
  const ig_view v[] = {VIEW(IG_DTYPE_F32, x, 1, 1, 3, 3), VIEW(IG_DTYPE_F32, o, 1, 1, 2, 2), VIEW(IG_DTYPE_I64, at, 1, 1, 2, 2)};
  run(IG_KIND_window, v, 1, 2, &p, no_program);
  same(o, (const float[]){1, 3, 7, 9}, 4, 0);
  assert_true(at[0] == 0 && at[1] == 2 && at[2] == 6 && at[3] == 8);
  p.column_major = 1;
  run(IG_KIND_window, v, 1, 2, &p, no_program);
  assert_true(at[1] == 6 && at[2] == 2);
  p.mode = IG_WINDOW_AVG;
  run(IG_KIND_window, v, 1, 1, &p, no_program);
  same(o, (const float[]){1, 2.5f, 5.5f, 7}, 4, 0);
  p.count_pad = 1;
  run(IG_KIND_window, v, 1, 1, &p, no_program);
  same(o, (const float[]){0.25f, 1.25f, 2.75f, 7}, 4, 0);
  p.mode = IG_WINDOW_LP;
  run(IG_KIND_window, v, 1, 1, &p, no_program);
  same(o, (const float[]){1, sqrtf(13), sqrtf(65), sqrtf(206)}, 4, 1e-5f);
  p = (ig_window_params){.mode = IG_WINDOW_LRN, .kernel = {3}, .alpha = 3, .beta = 1, .bias = 1};
  const ig_view l[] = {VIEW(IG_DTYPE_F32, x, 1, 3, 1), VIEW(IG_DTYPE_F32, o, 1, 3, 1)};
  run(IG_KIND_window, l, 1, 1, &p, no_program);
  same(o, (const float[]){1.f / 6, 2.f / 15, 3.f / 14}, 3, 1e-7f);
  p = (ig_window_params){.mode = IG_WINDOW_FOLD, .n_spatial = 1, .kernel = {2}, .stride = {1}, .dilation = {1}};
  const ig_view f[] = {VIEW(IG_DTYPE_F32, x, 1, 2, 2), VIEW(IG_DTYPE_F32, o, 1, 1, 3)}; /* columns (1 3) (2 4) */
  run(IG_KIND_window, f, 1, 1, &p, no_program);
  same(o, (const float[]){1, 5, 4}, 3, 0);
}

static float logistic(float x) { return 1 / (1 + expf(-x)); }

static void rnn_cells(void **state) {
  (void)state;
  float xw[8] = {0.1f, 0.2f, 0.3f, 0.4f, -0.5f, 0.6f, -0.7f, 0.8f}, r[4] = {0.5f, -0.25f, 0.75f, 1}, y[2], yh, yc, h = 0, c = 0, want[2];
  ig_rnn_params p = {.cell = IG_RNN_LSTM, .act = {IG_ACT_SIGMOID, IG_ACT_TANH, IG_ACT_TANH}};
  const ig_view v[] = {VIEW(IG_DTYPE_F32, xw, 2, 1, 1, 4), VIEW(IG_DTYPE_F32, r, 1, 4, 1), VIEW(IG_DTYPE_F32, y, 2, 1, 1, 1),
                       VIEW(IG_DTYPE_F32, &yh, 1, 1, 1), VIEW(IG_DTYPE_F32, &yc, 1, 1, 1)};
  run(IG_KIND_rnn, v, 2, 3, &p, no_program);
  for (int t = 0; t < 2; t++) {
    const float *g = xw + 4 * t, i = logistic(g[0] + h * r[0]), o = logistic(g[1] + h * r[1]), f = logistic(g[2] + h * r[2]);
    c = f * c + i * tanhf(g[3] + h * r[3]);
    want[t] = h = o * tanhf(c);
  }
  same(y, want, 2, 1e-6f);
  same((const float[]){yh, yc}, (const float[]){h, c}, 2, 1e-6f);
  /* GRU in its two forms, backwards, one sequence shorter than the other. */
  float gx[12], gr[3] = {0.5f, -0.5f, 0.25f}, rb = 0.3f, gy[4];
  int32_t lengths[2] = {2, 1};
  for (int i = 0; i < 12; i++) gx[i] = 0.1f * (float)(i - 5);
  for (int64_t before = 0; before < 2; before++) {
    p = (ig_rnn_params){.cell = IG_RNN_GRU, .reverse = 1, .linear_before_reset = before, .act = {IG_ACT_SIGMOID, IG_ACT_TANH}};
    const ig_view g[] = {VIEW(IG_DTYPE_F32, gx, 2, 2, 1, 3), VIEW(IG_DTYPE_F32, gr, 1, 3, 1), VIEW(IG_DTYPE_I32, lengths, 2), ABSENT, ABSENT, ABSENT,
                         before ? VIEW(IG_DTYPE_F32, &rb, 1, 1) : ABSENT, VIEW(IG_DTYPE_F32, gy, 2, 1, 2, 1)};
    run(IG_KIND_rnn, g, 7, 1, &p, no_program);
    float expected[4] = {0};
    for (int b = 0; b < 2; b++) {
      h = 0;
      for (int t = lengths[b] - 1; t >= 0; t--) {
        const float *q = gx + (t * 2 + b) * 3, z = logistic(q[0] + h * gr[0]), rs = logistic(q[1] + h * gr[1]);
        const float n = tanhf(before ? q[2] + rs * (h * gr[2] + rb) : q[2] + rs * h * gr[2]);
        h = (1 - z) * n + z * h;
        expected[t * 2 + b] = h;
      }
    }
    same(gy, expected, 4, 1e-6f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(map_strides), cmocka_unit_test(map_sub_byte_and_blocks), cmocka_unit_test(move_borders), cmocka_unit_test(gather_modes),
    cmocka_unit_test(scatter_modes), cmocka_unit_test(reduce_all), cmocka_unit_test(softmax_and_norm), cmocka_unit_test(matmul_forms),
    cmocka_unit_test(epilogue), cmocka_unit_test(conv_forms), cmocka_unit_test(windows), cmocka_unit_test(rnn_cells)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
