/* The reference, kind by kind, in the forms that test_ref.c leaves out: against results of ONNX Runtime 1.32 or NumPy on the same inputs
 * (the formulas `fill` and `ints`), or against loops that are written another way.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref_util.h"

/* Exact in float32 and float16. */
static void fill(float *x, size_t n, size_t seed) {
  for (size_t i = 0; i < n; i++) x[i] = (float)((int)((i * 37 + seed * 11) % 41) - 20) / 16;
}
static int ints(size_t i, size_t seed, int least, size_t n) { return (int)((i * 37 + seed * 11) % n) + least; }

/* ---- map: every type's loads and stores ---- */

static void map_program(ig_stype t, ig_sop op, ig_dtype from, ig_dtype to, void *a, void *b, void *o, int64_t n, uint8_t flags) {
  const ig_sinsn code[] = {{.op = IG_SOP_LOAD, .type = (uint8_t)t}, {.op = IG_SOP_LOAD, .type = (uint8_t)t, .imm = 1},
                           {.op = (uint16_t)op, .type = (uint8_t)t, .a = 0, .b = 1}, {.op = IG_SOP_STORE, .type = (uint8_t)t, .flags = flags,
                               .a = 2}};
  const ig_view v[] = {VIEW(from, a, n), VIEW(from, b, n), VIEW(to, o, n)};
  run(IG_KIND_map, v, 2, 1, NULL, (ig_sprog){code, 4});
}

static void map_halves(void **state) {
  (void)state;
  uint16_t a[] = {0x3c01, 0xc100, 0x7bff, 0x1, 0x3555}, b[] = {0x3c01, 0x2e66, 0x5640, 0x1, 0x3555}, o[5];
  static const uint16_t want[] = {0x4001, 0xc0cd, 0x7c00, 0x2, 0x3955}; /* 65504 + 100 overflows */
  map_program(IG_S_F32, IG_SOP_ADD, IG_DTYPE_F16, IG_DTYPE_F16, a, b, o, 5, 0);
  assert_memory_equal(o, want, sizeof want);
  uint16_t c[] = {0x3f80, 0xc020, 0x4780, 0x3380, 0x3eab}, d[] = {0x3f80, 0x3dcd, 0x42c8, 0x3380, 0x3eab};
  static const uint16_t wanted[] = {0x4000, 0xc01a, 0x4780, 0x3400, 0x3f2b};
  map_program(IG_S_F32, IG_SOP_ADD, IG_DTYPE_BF16, IG_DTYPE_BF16, c, d, o, 5, 0);
  assert_memory_equal(o, wanted, sizeof wanted);
}

static void map_float8(void **state) {
  (void)state;
  static const struct {
    ig_dtype d;
    uint8_t x[5], twice[5], most; /* most: the largest finite value's bits */
  } cases[] = {{IG_DTYPE_F8E4M3FN, {0x38, 0xc5, 0x78, 0x7, 0x80}, {0x40, 0xcd, 0x7f, 0xe, 0x80}, 0x7e},
               {IG_DTYPE_F8E4M3FNUZ, {0x40, 0xcd, 0x80, 0xd, 0x0}, {0x48, 0xd5, 0x80, 0x15, 0x0}, 0x7f},
               {IG_DTYPE_F8E5M2, {0x3c, 0xc3, 0x5c, 0x23, 0x80}, {0x40, 0xc7, 0x60, 0x27, 0x80}, 0x7b},
               {IG_DTYPE_F8E5M2FNUZ, {0x40, 0xc7, 0x60, 0x27, 0x0}, {0x44, 0xcb, 0x64, 0x2b, 0x0}, 0x7f}};
  float x[5] = {1.0625f, -3.29999995f, 250.f, 0.0130000003f, -0.f}, zero[5] = {0}, large[1] = {1e6f};
  zero[4] = -0.0f;
  for (size_t i = 0; i < IG_COUNT(cases); i++) {
    uint8_t o[5], in[5];
    map_program(IG_S_F32, IG_SOP_ADD, IG_DTYPE_F32, cases[i].d, x, zero, o, 5, 0);
    assert_memory_equal(o, cases[i].x, 5);
    memcpy(in, o, 5);
    map_program(IG_S_F32, IG_SOP_ADD, cases[i].d, cases[i].d, in, in, o, 5, 0);
    assert_memory_equal(o, cases[i].twice, 5);
    map_program(IG_S_F32, IG_SOP_MAX, IG_DTYPE_F32, cases[i].d, large, large, o, 1, IG_STORE_SATURATE);
    assert_int_equal(o[0], cases[i].most);
  }
}

static void map_wide(void **state) {
  (void)state;
  double a[2] = {1e300, 0.1}, b[2] = {1e300, 0.2}, o[2];
  map_program(IG_S_F64, IG_SOP_ADD, IG_DTYPE_F64, IG_DTYPE_F64, a, b, o, 2, 0);
  assert_true(o[0] == 2e300 && o[1] == 0.30000000000000004);
  int64_t i[2] = {INT64_MAX, -7}, k[2] = {2, -3}, p[2];
  map_program(IG_S_I64, IG_SOP_MUL, IG_DTYPE_I64, IG_DTYPE_I64, i, k, p, 2, 0);
  assert_true(p[0] == -2 && p[1] == 21);
  int8_t s[2] = {100, -128}, t[2] = {100, -1}, sum[2]; /* computed in int32, stored modulo 256 */
  map_program(IG_S_I32, IG_SOP_ADD, IG_DTYPE_I8, IG_DTYPE_I8, s, t, sum, 2, 0);
  assert_true(sum[0] == -56 && sum[1] == 127);
}

/* ---- move, gather, scatter ---- */

static void move_opaque(void **state) {
  (void)state;
  ig_string x[4] = {{"a", 1}, {"bc", 2}, {"", 0}, {"def", 3}}, none = {"-", 1}, o[9];
  const ig_view v[] = {VIEW(IG_DTYPE_STRING, x, 2, 2), {.data = &none, .dtype = IG_DTYPE_STRING}, VIEW(IG_DTYPE_STRING, o, 3, 3)};
  const ig_move_params p = {.border = IG_MOVE_CONSTANT, .pad_lo = {1, 0}};
  run(IG_KIND_move, v, 2, 1, &p, no_program);
  static const char *const want[9] = {"-", "-", "-", "a", "bc", "-", "", "def", "-"};
  for (int i = 0; i < 9; i++) assert_string_equal(o[i].data, want[i]);
  /* No constant given: all bytes are zero, also of elements wider than 8 bytes. A negative pad cuts. */
  double c[4] = {1, 2, 3, 4}, z[4] = {9, 9, 9, 9};
  const ig_view w[] = {VIEW(IG_DTYPE_C128, c, 2), ABSENT, VIEW(IG_DTYPE_C128, z, 2)};
  run(IG_KIND_move, w, 2, 1, &(ig_move_params){.border = IG_MOVE_CONSTANT, .pad_lo = {-1}}, no_program);
  assert_true(z[0] == 3 && z[1] == 4 && z[2] == 0 && z[3] == 0);
}

/* x[a][b][c] of [2, 3, 4] holds 100 a + 10 b + c. */
static void number(float *x) {
  for (int i = 0; i < 24; i++) x[i] = (float)(i / 12 * 100 + i / 4 % 3 * 10 + i % 4);
}

static void gather_rank_3(void **state) {
  (void)state;
  float x[24], o[64];
  int32_t rows[4] = {2, 0, -2, 1};
  number(x);
  const ig_view r[] = {VIEW(IG_DTYPE_F32, x, 2, 3, 4), VIEW(IG_DTYPE_I32, rows, 2, 2), VIEW(IG_DTYPE_F32, o, 2, 2, 2, 4)};
  run(IG_KIND_gather, r, 2, 1, &(ig_gather_params){.mode = IG_GATHER_ROWS, .axis = 1}, no_program);
  static const float row[4] = {20, 0, 10, 10};
  for (int i = 0; i < 32; i++) assert_true(o[i] == (float)(i / 16 * 100 + i % 4) + row[i / 4 % 4]);
  /* A single index takes its axis away. */
  const ig_view one[] = {r[0], {.data = rows, .dtype = IG_DTYPE_I32}, VIEW(IG_DTYPE_F32, o, 2, 4)};
  run(IG_KIND_gather, one, 2, 1, &(ig_gather_params){.mode = IG_GATHER_ROWS, .axis = 1}, no_program);
  same(o, (const float[]){20, 21, 22, 23, 120, 121, 122, 123}, 8, 0);
  int64_t nd[4] = {2, -1, 0, 1};
  const ig_view n[] = {r[0], VIEW(IG_DTYPE_I64, nd, 2, 2, 1), VIEW(IG_DTYPE_F32, o, 2, 2, 4)};
  run(IG_KIND_gather, n, 2, 1, &(ig_gather_params){.mode = IG_GATHER_ND, .batch_dims = 1}, no_program);
  same(o, (const float[]){20, 21, 22, 23, 20, 21, 22, 23, 100, 101, 102, 103, 110, 111, 112, 113}, 16, 0);
  int64_t pairs[4] = {1, 2, 0, 1};
  const ig_view q[] = {r[0], VIEW(IG_DTYPE_I64, pairs, 2, 2), VIEW(IG_DTYPE_F32, o, 2, 4)};
  run(IG_KIND_gather, q, 2, 1, &(ig_gather_params){.mode = IG_GATHER_ND}, no_program);
  same(o, (const float[]){120, 121, 122, 123, 10, 11, 12, 13}, 8, 0);
  int64_t at[4] = {1, 0, -1, 0};
  const ig_view e[] = {r[0], VIEW(IG_DTYPE_I64, at, 1, 2, 2), VIEW(IG_DTYPE_F32, o, 1, 2, 2)};
  run(IG_KIND_gather, e, 2, 1, &(ig_gather_params){.mode = IG_GATHER_ELEMENTS, .axis = 0}, no_program);
  same(o, (const float[]){100, 1, 110, 11}, 4, 0);
}

static void scatter_rank_3(void **state) {
  (void)state;
  float x[24], u[16], o[24], want[24];
  int64_t rows[2] = {2, -3};
  number(x);
  for (int i = 0; i < 16; i++) u[i] = (float)(1000 + i);
  const ig_view r[] = {VIEW(IG_DTYPE_F32, x, 2, 3, 4), VIEW(IG_DTYPE_I64, rows, 2), VIEW(IG_DTYPE_F32, u, 2, 2, 4), VIEW(IG_DTYPE_F32, o, 2, 3, 4)};
  run(IG_KIND_scatter, r, 3, 1, &(ig_scatter_params){.mode = IG_SCATTER_ROWS, .axis = 1}, no_program);
  memcpy(want, x, sizeof want);
  for (int a = 0; a < 2; a++)
    for (int c = 0; c < 4; c++) {
      want[12 * a + 8 + c] = (float)(1000 + 8 * a + c);
      want[12 * a + c] = (float)(1004 + 8 * a + c);
    }
  same(o, want, 24, 0);
  int32_t nd[4] = {1, 2, 1, -1}; /* the same row twice */
  const ig_view n[] = {r[0], VIEW(IG_DTYPE_I32, nd, 2, 2), VIEW(IG_DTYPE_F32, u, 2, 4), r[3]};
  run(IG_KIND_scatter, n, 3, 1, &(ig_scatter_params){.mode = IG_SCATTER_ND, .reduction = IG_SCATTER_ADD}, no_program);
  memcpy(want, x, sizeof want);
  for (int c = 0; c < 4; c++) want[20 + c] += (float)(2004 + 2 * c);
  same(o, want, 24, 0);
  int64_t at[4] = {3, -3, 0, 2};
  const ig_view e[] = {r[0], VIEW(IG_DTYPE_I64, at, 2, 1, 2), VIEW(IG_DTYPE_F32, u, 2, 1, 2), r[3]};
  run(IG_KIND_scatter, e, 3, 1, &(ig_scatter_params){.mode = IG_SCATTER_ELEMENTS, .axis = 2, .reduction = IG_SCATTER_MAX}, no_program);
  memcpy(want, x, sizeof want);
  want[3] = 1000, want[1] = 1001, want[12] = 1002, want[14] = 1003;
  same(o, want, 24, 0);
  assert_true(error_word.word == 0);
}

static void scatter_types(void **state) {
  (void)state;
  uint8_t b[2] = {0, 1}, ub[2] = {1, 1}, ob[2];
  int64_t index[2] = {0, 0}, i64[2] = {INT64_MIN, 5}, ui[2] = {3, -4}, oi[2];
  const ig_view v[] = {VIEW(IG_DTYPE_BOOL, b, 2), VIEW(IG_DTYPE_I64, index, 2), VIEW(IG_DTYPE_BOOL, ub, 2), VIEW(IG_DTYPE_BOOL, ob, 2)};
  run(IG_KIND_scatter, v, 3, 1, &(ig_scatter_params){.mode = IG_SCATTER_ROWS, .reduction = IG_SCATTER_MAX}, no_program);
  assert_true(ob[0] == 1 && ob[1] == 1);
  run(IG_KIND_scatter, v, 3, 1, &(ig_scatter_params){.mode = IG_SCATTER_ROWS, .reduction = IG_SCATTER_MUL}, no_program);
  assert_true(ob[0] == 0 && ob[1] == 1);
  const ig_view w[] = {VIEW(IG_DTYPE_I64, i64, 2), v[1], VIEW(IG_DTYPE_I64, ui, 2), VIEW(IG_DTYPE_I64, oi, 2)};
  run(IG_KIND_scatter, w, 3, 1, &(ig_scatter_params){.mode = IG_SCATTER_ROWS, .reduction = IG_SCATTER_MAX}, no_program);
  assert_true(oi[0] == 3 && oi[1] == 5);
}

/* ---- reduce ---- */

static void reduce_integers(void **state) {
  (void)state;
  int8_t i8[4] = {-128, 3, 127, -1}, least8;
  uint8_t u8[4] = {200, 3, 255, 7}, most8, flags[4] = {1, 0, 1, 1}, all, any;
  int32_t i32[4] = {INT32_MAX, 2, -5, 1}, sum;
  int64_t i64[4] = {INT64_MAX, INT64_MIN, INT64_MAX - 1, 0}, most, at;
  uint64_t u64[4] = {UINT64_MAX, 1, 1ull << 63, 0}, most_u;
  const ig_reduce_params p = {.axes_mask = 1};
  ig_reduce_params q = p;
#define REDUCE(op_, acc_, d, x, dr, r)                                                                                        \
  do {                                                                                                                        \
    const ig_view v_[] = {VIEW(d, x, 4), VIEW(dr, r, 1)};                                                                     \
    q.op = op_, q.acc = acc_;                                                                                                 \
    run(IG_KIND_reduce, v_, 1, 1, &q, no_program);                                                                            \
  } while (0)
  REDUCE(IG_REDUCE_MIN, IG_S_I32, IG_DTYPE_I8, i8, IG_DTYPE_I8, &least8);
  REDUCE(IG_REDUCE_MAX, IG_S_I32, IG_DTYPE_U8, u8, IG_DTYPE_U8, &most8);
  assert_true(least8 == -128 && most8 == 255);
  REDUCE(IG_REDUCE_MIN, IG_S_BOOL, IG_DTYPE_BOOL, flags, IG_DTYPE_BOOL, &all);
  REDUCE(IG_REDUCE_MAX, IG_S_BOOL, IG_DTYPE_BOOL, flags, IG_DTYPE_BOOL, &any);
  assert_true(all == 0 && any == 1);
  REDUCE(IG_REDUCE_SUM, IG_S_I32, IG_DTYPE_I32, i32, IG_DTYPE_I32, &sum);
  assert_int_equal(sum, INT32_MAX - 2);
  REDUCE(IG_REDUCE_PROD, IG_S_I32, IG_DTYPE_I32, i32, IG_DTYPE_I32, &sum);
  assert_int_equal(sum, 10); /* (2^31 - 1) * 2 * -5 modulo 2^32 */
  REDUCE(IG_REDUCE_MAX, IG_S_I64, IG_DTYPE_I64, i64, IG_DTYPE_I64, &most);
  REDUCE(IG_REDUCE_MAX, IG_S_U64, IG_DTYPE_U64, u64, IG_DTYPE_U64, &most_u);
  assert_true(most == INT64_MAX && most_u == UINT64_MAX);
  REDUCE(IG_REDUCE_ARGMIN, IG_S_I64, IG_DTYPE_I64, i64, IG_DTYPE_I64, &at);
  assert_int_equal(at, 1);
  REDUCE(IG_REDUCE_ARGMAX, IG_S_U64, IG_DTYPE_U64, u64, IG_DTYPE_I64, &at);
  assert_int_equal(at, 0);
#undef REDUCE
  /* Nothing to reduce: the type's own end. */
  const ig_view empty[] = {VIEW(IG_DTYPE_I8, i8, 0), VIEW(IG_DTYPE_I8, &least8, 1)};
  run(IG_KIND_reduce, empty, 1, 1, &(ig_reduce_params){.axes_mask = 1, .op = IG_REDUCE_MAX, .acc = IG_S_I32}, no_program);
  assert_int_equal(least8, -128);
}

static void reduce_axes(void **state) {
  (void)state;
  float x[24], o[4];
  number(x);
  const ig_view v[] = {VIEW(IG_DTYPE_F32, x, 2, 3, 4), VIEW(IG_DTYPE_F32, o, 1, 1, 4)};
  run(IG_KIND_reduce, v, 1, 1, &(ig_reduce_params){.axes_mask = 3, .op = IG_REDUCE_SUM, .acc = IG_S_F32}, no_program);
  same(o, (const float[]){360, 366, 372, 378}, 4, 0);
  const ig_view w[] = {v[0], VIEW(IG_DTYPE_F32, o, 1, 3, 1)};
  run(IG_KIND_reduce, w, 1, 1, &(ig_reduce_params){.axes_mask = 5, .op = IG_REDUCE_SUM, .acc = IG_S_F32}, no_program);
  same(o, (const float[]){412, 492, 572}, 3, 0);
  uint16_t h[3] = {0x3c00, 0x4000, 0x4200}, sum; /* float16 1, 2, 3 accumulated in float32 */
  const ig_view n[] = {VIEW(IG_DTYPE_F16, h, 3), VIEW(IG_DTYPE_F16, &sum, 1)};
  run(IG_KIND_reduce, n, 1, 1, &(ig_reduce_params){.axes_mask = 1, .op = IG_REDUCE_SUM, .acc = IG_S_F32}, no_program);
  assert_int_equal(sum, 0x4600);
}

/* ---- softmax, norm ---- */

static void softmax_forms(void **state) {
  (void)state;
  float x[12] = {1000, 1001, 1003, -1000}, o[12]; /* exp of the values themselves overflows */
  const ig_view v[] = {VIEW(IG_DTYPE_F32, x, 1, 4), VIEW(IG_DTYPE_F32, o, 1, 4)};
  run(IG_KIND_softmax, v, 1, 1, &(ig_softmax_params){.axis = 1, .scale = 1}, no_program);
  same(o, (const float[]){0.0420100652f, 0.11419519f, 0.843794703f, 0.f}, 4, 1e-7f);
  run(IG_KIND_softmax, v, 1, 1, &(ig_softmax_params){.axis = 1, .scale = 1, .log = 1}, no_program);
  same(o, (const float[]){-3.16984606f, -2.16984606f, -0.169846043f, -2003.1698f}, 4, 1e-4f);
  fill(x, 12, 1);
  const ig_view w[] = {VIEW(IG_DTYPE_F32, x, 2, 3, 2), VIEW(IG_DTYPE_F32, o, 2, 3, 2)};
  run(IG_KIND_softmax, w, 1, 1, &(ig_softmax_params){.axis = 1, .scale = 1}, no_program);
  same(o, (const float[]){0.15680705f, 0.0733334497f, 0.0951082855f, 0.576812208f, 0.748084605f, 0.34985429f, 0.506480396f, 0.506480396f,
      0.307195902f, 0.307195902f, 0.186323732f, 0.186323732f}, 12, 1e-7f);
  double d[12], od[12];
  static const double want[12] = {0.28329320945630415, 0.21403342728211927, 0.23980252459037943, 0.42565629657906739, 0.47690426595331653,
      0.36031027613881339, 0.39016578775174743, 0.39016578775177446, 0.33026820900941689, 0.33026820900940224, 0.27956600323883568,
      0.27956600323882325};
  for (int i = 0; i < 12; i++) d[i] = (double)x[i] / 3 + 900;
  const ig_view f64[] = {VIEW(IG_DTYPE_F64, d, 2, 3, 2), VIEW(IG_DTYPE_F64, od, 2, 3, 2)};
  run(IG_KIND_softmax, f64, 1, 1, &(ig_softmax_params){.axis = 1, .scale = 1}, no_program);
  for (int i = 0; i < 12; i++) assert_true(fabs(od[i] - want[i]) < 1e-12);
}

static void norm_residual(void **state) {
  (void)state;
  float x[12], r[12], scale[6], bias[6], y[12], mean[2], inverse[2], sum[12];
  fill(x, 12, 2), fill(r, 12, 3), fill(scale, 6, 4), fill(bias, 6, 5);
  ig_view v[] = {VIEW(IG_DTYPE_F32, x, 2, 2, 3), VIEW(IG_DTYPE_F32, scale, 2, 2, 3), VIEW(IG_DTYPE_F32, bias, 2, 2, 3), VIEW(IG_DTYPE_F32, r, 2, 2,
      3),
                 VIEW(IG_DTYPE_F32, y, 2, 2, 3), VIEW(IG_DTYPE_F32, mean, 2, 1, 1), VIEW(IG_DTYPE_F32, inverse, 2, 1, 1), VIEW(IG_DTYPE_F32, sum,
                     2, 2, 3)};
  v[1].strides[0] = v[2].strides[0] = 0;
  for (int64_t stash = IG_S_F32; stash <= IG_S_F64; stash++) {
    double wide[4];
    if (stash == IG_S_F64) v[5] = VIEW(IG_DTYPE_F64, wide, 2, 1, 1), v[6] = VIEW(IG_DTYPE_F64, wide + 2, 2, 1, 1);
    run(IG_KIND_norm, v, 4, 4, &(ig_norm_params){.axis = 1, .mode = IG_NORM_LAYER, .stash = stash, .eps = 1e-3}, no_program);
    for (int i = 0; i < 2 && stash == IG_S_F64; i++) mean[i] = (float)wide[i], inverse[i] = (float)wide[2 + i];
    same(y, (const float[]){-1.92927527f, 0.472135544f, -0.582430542f, -1.34442711f, 0.748645782f, 0.571788192f, -0.325497836f, -1.6150434f,
        -2.41247916f, 0.0281093121f, 1.58351731f, 0.949147582f}, 12, 2e-6f);
    same(mean, (const float[]){-0.3125f, 0.53125f}, 2, 1e-7f);
    same(inverse, (const float[]){1.17027783f, 1.49088895f}, 2, 1e-6f);
    same(sum, (const float[]){0.9375f, 0.4375f, -0.0625f, -0.5625f, -1.0625f, -1.5625f, 0.5f, 0.f, -0.5f, 1.5625f, 1.0625f, 0.5625f}, 12, 0);
    memset(y, 0, sizeof y);
  }
}

/* ---- matmul, conv, window ---- */

static void matmul_half(void **state) {
  (void)state;
  uint16_t a[] = {0x3b00, 0x3900, 0x3600, 0x3000, 0xb000, 0xb600}, b[] = {0xbc00, 0xbd00, 0x3c40, 0x3a80, 0x3880, 0x3500}, o[4];
  static const uint16_t want[] = {0x0, 0xb780, 0xb780, 0xb600};
  const ig_view v[] = {VIEW(IG_DTYPE_F16, a, 2, 3), VIEW(IG_DTYPE_F16, b, 3, 2), VIEW(IG_DTYPE_F16, o, 2, 2)};
  run(IG_KIND_matmul, v, 2, 1, &(ig_matmul_params){.acc = IG_S_F32, .alpha = 1}, no_program);
  assert_memory_equal(o, want, sizeof want);
}

static void conv_3d(void **state) {
  (void)state;
  float x[144], w[64], o[96];
  const ig_conv_params p = {.n_spatial = 3, .groups = 2, .acc = IG_S_F32, .stride = {1, 2, 1}, .dilation = {2, 1, 1}, .in_dilation = {1, 1, 1},
      .pad_lo = {1, 0, 1}, .pad_hi = {0, 1, 1}};
  fill(x, 144, 6), fill(w, 64, 7);
  const ig_view v[] = {VIEW(IG_DTYPE_F32, x, 1, 4, 4, 3, 3), VIEW(IG_DTYPE_F32, w, 4, 2, 2, 2, 2), VIEW(IG_DTYPE_F32, o, 1, 4, 3, 2, 4)};
  run(IG_KIND_conv, v, 2, 1, &p, no_program);
  static const float want[] = {-0.48828125f, -0.5234375f, -0.3359375f, -0.31640625f, 0.3359375f, 0.53125f, -0.265625f, -0.0703125f, 1.75390625f,
      2.93359375f, -0.453125f, -1.6640625f, -0.61328125f, 0.5546875f, 3.0859375f, 1.41796875f, 1.65625f, 3.84375f, 3.01953125f, 1.42578125f,
      -0.75f, -1.328125f, 0.5625f, 1.59375f, 2.328125f, 4.625f, 3.84375f, 1.53125f, -1.1875f, -2.4375f, -0.1953125f, 1.4453125f, 0.1796875f,
      2.98046875f, 5.984375f, 3.15234375f, -0.45703125f, -2.66015625f, -3.5f, -1.796875f, -0.30859375f, 0.2265625f, 2.91015625f, 2.96875f,
      -0.7890625f, -1.25f, -2.73046875f, -1.81640625f, -0.6484375f, -0.59375f, 0.21875f, 0.0859375f, 0.52734375f, 1.0390625f, -0.24609375f,
      -0.3984375f, -0.578125f, -0.109375f, 2.078125f, 0.8125f, -0.1953125f, 0.19921875f, 1.2734375f, 0.31640625f, -0.65625f, -0.921875f,
      -2.578125f, -1.84375f, 0.078125f, -0.0625f, 0.37109375f, 0.90234375f, 0.125f, 1.75f, 0.953125f, 1.8125f, -0.17578125f, -1.73046875f,
      -0.6171875f, 1.13671875f, -1.75390625f, -1.1875f, 0.82421875f, 3.14453125f, 1.6015625f, -1.3359375f, -2.9921875f, -1.578125f, -1.421875f,
      -1.98046875f, -0.12890625f, 2.98046875f, 1.6796875f, 0.89453125f, -1.40234375f, -1.98828125f};
  assert_int_equal(IG_COUNT(want), 96);
  same(o, want, 96, 1e-5f);
}

static void conv_zero_points(void **state) {
  (void)state;
  uint8_t x[40], zx = 100;
  int8_t w[36], zw[3] = {5, 5, 5};
  int32_t o[36];
  for (size_t i = 0; i < 40; i++) x[i] = (uint8_t)ints(i, 8, 0, 200);
  for (size_t i = 0; i < 36; i++) w[i] = (int8_t)ints(i, 9, -100, 199);
  const ig_conv_params p = {.n_spatial = 2, .groups = 1, .acc = IG_S_I32, .stride = {2, 1}, .dilation = {1, 1}, .in_dilation = {1, 1},
      .pad_lo = {1, 1}, .pad_hi = {1, 0}};
  static const int32_t want[] = {7748, -5890, -3308, -7526, -8204, 4907, -8759, 16175, 7040, -5228, -8098, -3568, 4436, 1810, -5918, -11246,
      -17624, 3948, 817, 5686, 8196, 10857, -9686, -22829, -14000, 10107, -568, 357, 6388, -4374, 3030, -12166, -2588, 674, 9621, -13832},
      rows[] = {7748, -5890, -3308, -7526, -8204, 4907, -8759, 16175, 7040, -5228, -8098, -3568, 3572, -542, -7118, -8894, -16136, 4788, -215,
      5182, 7044, 10329, -9062, -21053, -14360, 9127, -1068, 1337, 7008, -4024, 2600, -12376, -3068, 454, 9881, -13092};
  assert_int_equal(IG_COUNT(want), 36);
  ig_view v[] = {VIEW(IG_DTYPE_U8, x, 1, 2, 5, 4), VIEW(IG_DTYPE_I8, w, 3, 2, 3, 2), VIEW(IG_DTYPE_U8, &zx, 1, 2, 5, 4), VIEW(IG_DTYPE_I8, zw, 3,
      2, 3, 2), VIEW(IG_DTYPE_I32, o, 1, 3, 3, 4)};
  memset(v[2].strides, 0, sizeof v[2].strides);
  memset(v[3].strides, 0, sizeof v[3].strides);
  v[3].strides[0] = 1;
  run(IG_KIND_conv, v, 4, 1, &p, no_program);
  assert_memory_equal(o, want, sizeof want);
  zw[1] = -7, zw[2] = 0;
  run(IG_KIND_conv, v, 4, 1, &p, no_program);
  assert_memory_equal(o, rows, sizeof rows);
}

static void windows_3d(void **state) {
  (void)state;
  float x[72], o[72];
  int64_t at[72];
  fill(x, 72, 10);
  ig_window_params p = {.mode = IG_WINDOW_MAX_INDEX, .n_spatial = 3, .kernel = {2, 2, 2}, .stride = {2, 1, 2}, .dilation = {1, 2, 1}, .pad_lo = {1,
      0, 1}, .pad_hi = {0, 1, 1}};
  const ig_view m[] = {VIEW(IG_DTYPE_F32, x, 1, 2, 4, 3, 3), VIEW(IG_DTYPE_F32, o, 1, 2, 2, 2, 2), VIEW(IG_DTYPE_I64, at, 1, 2, 2, 2, 2)};
  static const float largest[] = {0.5f, 1.0625f, -0.25f, -0.5f, 1.125f, 0.875f, 0.375f, 0.125f, 0.25f, 1.25f, 1.f, 0.75f, 0.875f, 0.625f, -0.9375f,
      1.125f}, means[] = {0.125f, -0.25f, -0.625f, -0.359375f, -1.f, -0.09375f, 0.59375f, 0.21875f, -0.15625f, -0.53125f, -0.53125f, -0.90625f,
      0.09375f, 0.359375f, 0.625f, 0.25f, 0.25f, -0.125f, -0.71875f, -0.1328125f, -0.1875f, 0.3984375f, 0.71875f, 0.34375f}, padded[] = {0.03125f,
      -0.125f, -0.15625f, -0.1796875f, -0.125f, -0.0234375f, 0.296875f, 0.21875f, -0.078125f, -0.53125f, -0.1328125f, -0.453125f, 0.0234375f,
      0.1796875f, 0.15625f, 0.125f, 0.03125f, -0.03125f, -0.359375f, -0.1328125f, -0.09375f, 0.3984375f, 0.1796875f, 0.171875f};
  static const int64_t where[] = {0, 8, 3, 4, 18, 19, 21, 22, 42, 38, 39, 40, 60, 61, 57, 59};
  assert_true(IG_COUNT(largest) == 16 && IG_COUNT(means) == 24 && IG_COUNT(padded) == 24);
  run(IG_KIND_window, m, 1, 2, &p, no_program);
  same(o, largest, 16, 0);
  assert_memory_equal(at, where, sizeof where);
  p.mode = IG_WINDOW_AVG;
  p.dilation[1] = 1;
  const ig_view a[] = {m[0], VIEW(IG_DTYPE_F32, o, 1, 2, 2, 3, 2)};
  run(IG_KIND_window, a, 1, 1, &p, no_program);
  same(o, means, 24, 1e-6f);
  p.count_pad = 1;
  run(IG_KIND_window, a, 1, 1, &p, no_program);
  same(o, padded, 24, 1e-6f);
}

static void windows_of_integers(void **state) {
  (void)state;
  int8_t x[5] = {-100, -3, -128, -7, -128}, o[3];
  uint8_t u[5] = {3, 200, 0, 0, 255}, ou[3];
  ig_window_params p = {.mode = IG_WINDOW_MAX, .n_spatial = 1, .kernel = {2}, .stride = {2}, .dilation = {1}, .pad_lo = {1}};
  const ig_view v[] = {VIEW(IG_DTYPE_I8, x, 1, 1, 5), VIEW(IG_DTYPE_I8, o, 1, 1, 3)}, w[] = {VIEW(IG_DTYPE_U8, u, 1, 1, 5), VIEW(IG_DTYPE_U8, ou,
      1, 1, 3)};
  run(IG_KIND_window, v, 1, 1, &p, no_program); /* padding is below every value */
  assert_true(o[0] == -100 && o[1] == -3 && o[2] == -7);
  run(IG_KIND_window, w, 1, 1, &p, no_program);
  assert_true(ou[0] == 3 && ou[1] == 200 && ou[2] == 255);
  int32_t columns[8] = {1, 2, 3, 4, 5, 6, 7, 8}, image[5]; /* window l puts columns[l] and columns[4 + l] on pixels l and l + 1 */
  const ig_view f[] = {VIEW(IG_DTYPE_I32, columns, 1, 2, 4), VIEW(IG_DTYPE_I32, image, 1, 1, 5)};
  p = (ig_window_params){.mode = IG_WINDOW_FOLD, .n_spatial = 1, .kernel = {2}, .stride = {1}, .dilation = {1}};
  run(IG_KIND_window, f, 1, 1, &p, no_program);
  assert_memory_equal(image, ((const int32_t[]){1, 7, 9, 11, 8}), 20);
}

/* ---- rnn: T = 3, B = 2, both directions, H = 2, lengths 3 and 2, initial states ---- */

static void recurrent(ig_rnn_params p, size_t gates, bool more, const float *y, const float *yh, const float *yc) {
  float xw[3 * 2 * 2 * 8], r[2 * 8 * 2], h0[8], c0[8], peepholes[12], rb[4], o[24], oh[8], oc[8];
  int32_t lengths[2] = {3, 2};
  const bool lstm = p.cell == IG_RNN_LSTM;
  const int64_t g = (int64_t)gates * 2;
  fill(xw, 24 * gates, 12), fill(r, 8 * gates, 13), fill(h0, 8, 15), fill(c0, 8, 16), fill(peepholes, 12, 17), fill(rb, 4, 14);
  for (size_t i = 0; i < 8 * gates; i++) r[i] /= 2;
  p.reverse = 2;
  const ig_view v[] = {VIEW(IG_DTYPE_F32, xw, 3, 2, 2, g),
                       VIEW(IG_DTYPE_F32, r, 2, g, 2),
                       VIEW(IG_DTYPE_I32, lengths, 2),
                       VIEW(IG_DTYPE_F32, h0, 2, 2, 2),
                       lstm ? VIEW(IG_DTYPE_F32, c0, 2, 2, 2) : ABSENT,
                       lstm ? VIEW(IG_DTYPE_F32, peepholes, 2, 6) : ABSENT,
                       more ? VIEW(IG_DTYPE_F32, rb, 2, 2) : ABSENT,
                       VIEW(IG_DTYPE_F32, o, 3, 2, 2, 2),
                       VIEW(IG_DTYPE_F32, oh, 2, 2, 2),
                       lstm ? VIEW(IG_DTYPE_F32, oc, 2, 2, 2) : ABSENT};
  run(IG_KIND_rnn, v, 7, 3, &p, no_program);
  same(o, y, 24, 2e-6f);
  same(oh, yh, 8, 2e-6f);
  if (lstm) same(oc, yc, 8, 2e-6f);
}

static void rnn_lstm(void **state) {
  (void)state;
  ig_rnn_params p = {.cell = IG_RNN_LSTM, .act = {IG_ACT_SIGMOID, IG_ACT_TANH, IG_ACT_TANH, IG_ACT_SIGMOID, IG_ACT_TANH, IG_ACT_TANH}};
  recurrent(p, 4, false, (const float[]){-0.0691121966f, -0.410652816f, -0.299531102f, -0.350378245f, 0.41587469f, 0.269545078f, -0.23483263f,
      -0.249796033f, -0.119613923f, -0.26462087f, -0.0552915707f, 0.0595745482f, 0.435341835f, 0.153114542f, -0.12932533f, -0.185089007f,
      -0.137773395f, -0.274061352f, 0.f, 0.f, 0.304596692f, 0.425963432f, 0.f, 0.f}, (const float[]){-0.137773395f, -0.274061352f, -0.0552915707f,
      0.0595745482f, 0.41587469f, 0.269545078f, -0.23483263f, -0.249796033f}, (const float[]){-0.188968629f, -0.455839455f, -0.109493613f,
      0.235623583f, 1.02182877f, 0.931793571f, -0.467804551f, -0.526921034f});
  p.clip = 0.5;
  recurrent(p, 4, false, (const float[]){-0.0815487355f, -0.268563151f, -0.265433758f, -0.323212981f, 0.252708316f, 0.201039061f, -0.158469915f,
      -0.181003541f, -0.0447754338f, -0.171906099f, -0.0708788708f, 0.0090993885f, 0.300219119f, 0.183314428f, 0.00373871974f, -0.0837471783f,
      -0.0941143706f, -0.230133846f, 0.f, 0.f, 0.276442617f, 0.312201977f, 0.f, 0.f}, (const float[]){-0.0941143706f, -0.230133846f,
      -0.0708788708f, 0.0090993885f, 0.252708316f, 0.201039061f, -0.158469915f, -0.181003541f}, (const float[]){-0.152365863f, -0.388095379f,
      -0.142413646f, 0.0241064131f, 0.615623236f, 0.593623161f, -0.284181863f, -0.360390663f});
  p.clip = 0;
  p.input_forget = 1;
  recurrent(p, 4, false, (const float[]){-0.0646609142f, -0.388037562f, -0.262200117f, -0.298900068f, 0.301631153f, 0.159186184f, -0.242147505f,
      -0.255150795f, -0.123644032f, -0.257251859f, -0.0208730325f, 0.05488858f, 0.215685979f, 0.096947059f, -0.188579977f, -0.180988491f,
      -0.101129301f, -0.185341761f, 0.f, 0.f, 0.176121503f, 0.330168933f, 0.f, 0.f}, (const float[]){-0.101129301f, -0.185341761f, -0.0208730325f,
      0.05488858f, 0.301631153f, 0.159186184f, -0.242147505f, -0.255150795f}, (const float[]){-0.138626143f, -0.306765944f, -0.0427052975f,
      0.207366675f, 0.732452989f, 0.517323136f, -0.490204096f, -0.539386153f});
}

static void rnn_gru(void **state) {
  (void)state;
  ig_rnn_params p = {.cell = IG_RNN_GRU, .act = {IG_ACT_SIGMOID, IG_ACT_TANH, 0, IG_ACT_SIGMOID, IG_ACT_TANH}};
  recurrent(p, 3, false, (const float[]){0.147444695f, 0.655844688f, 0.63948524f, 0.472165704f, 0.0593942404f, -0.283036351f, -0.278096199f,
      0.610488713f, 0.130118206f, 0.295417488f, 0.279048055f, -0.0746297091f, 0.624373555f, 0.482416272f, 0.346109688f, 0.205110699f,
      -0.260929525f, -0.332437813f, 0.f, 0.f, 0.329234898f, 0.0372044481f, 0.f, 0.f}, (const float[]){-0.260929525f, -0.332437813f, 0.279048055f,
      -0.0746297091f, 0.0593942404f, -0.283036351f, -0.278096199f, 0.610488713f}, NULL);
  p = (ig_rnn_params){.cell = IG_RNN_GRU,
                      .linear_before_reset = 1,
                      .clip = 0.6,
                      .act = {IG_ACT_HARD_SIGMOID, IG_ACT_SOFTSIGN, 0, IG_ACT_HARD_SIGMOID, IG_ACT_SOFTSIGN},
                      .alpha = {0.25, 0, 0, 0.25},
                      .beta = {0.4, 0, 0, 0.4}};
  recurrent(p, 3, true, (const float[]){-0.015625f, 0.5625f, 0.5f, 0.474813104f, -0.0314283073f, -0.146440551f, -0.150149271f, 0.307216525f,
      0.105212897f, 0.278778076f, 0.188586146f, -0.00720003247f, 0.358242393f, 0.283248156f, 0.25f, 0.127324373f, -0.172091722f, -0.155305237f,
      0.f, 0.f, 0.309888005f, 0.00799261779f, 0.f, 0.f}, (const float[]){-0.172091722f, -0.155305237f, 0.188586146f, -0.00720003247f,
      -0.0314283073f, -0.146440551f, -0.150149271f, 0.307216525f}, NULL);
}

static void rnn_plain(void **state) {
  (void)state;
  const ig_rnn_params p = {.cell = IG_RNN_PLAIN, .clip = 0.75, .act = {IG_ACT_RELU, 0, 0, IG_ACT_TANH}};
  recurrent(p, 1, false, (const float[]){0.f, 0.f, 0.75f, 0.171875f, -0.529094815f, 0.573500514f, -0.212527871f, 0.564920545f, 0.f, 0.f, 0.f,
      0.75f, -0.403289199f, -0.635149002f, 0.635148883f, 0.437188745f, 0.4375f, 0.1875f, 0.f, 0.f, -0.316834986f, -0.0624186993f, 0.f, 0.f},
      (const float[]){0.4375f, 0.1875f, 0.f, 0.75f, -0.529094815f, 0.573500514f, -0.212527871f, 0.564920545f}, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(map_halves),       cmocka_unit_test(map_float8),     cmocka_unit_test(map_wide),        cmocka_unit_test(move_opaque),
      cmocka_unit_test(gather_rank_3),    cmocka_unit_test(scatter_rank_3), cmocka_unit_test(scatter_types),   cmocka_unit_test(reduce_integers),
      cmocka_unit_test(reduce_axes),      cmocka_unit_test(softmax_forms),  cmocka_unit_test(norm_residual),   cmocka_unit_test(matmul_half),
      cmocka_unit_test(conv_3d),          cmocka_unit_test(conv_zero_points), cmocka_unit_test(windows_3d),    cmocka_unit_test(windows_of_integers),
      cmocka_unit_test(rnn_lstm),         cmocka_unit_test(rnn_gru),        cmocka_unit_test(rnn_plain)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
