/* The reference of the kinds resize, sample, prefix and sort, against values computed by hand.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref/ref.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* A compact view. */
static ig_view view(ig_dtype d, void *data, uint32_t rank, const int64_t *dims) {
  ig_view v = {.data = data, .dtype = d, .rank = (uint8_t)rank};
  int64_t s = 1;
  for (uint32_t i = rank; i-- > 0;) {
    v.dims[i] = dims[i];
    v.strides[i] = s;
    s *= dims[i];
  }
  return v;
}
#define VIEW(d, data, ...) view(d, (void *)(uintptr_t)(data), sizeof((int64_t[]){__VA_ARGS__}) / 8, (const int64_t[]){__VA_ARGS__})

static void run(ig_kind_id kind, const ig_view *v, uint32_t n_in, uint32_t n_out, const void *params) {
  static int64_t scratch[64];
  ig_call c = {.kind = kind, .n_in = n_in, .n_out = n_out, .v = v, .params = params, .scratch = scratch, .scratch_size = sizeof scratch};
  assert_true(ig_ref_scratch(&c) <= sizeof scratch);
  ig_ref_run(&c);
}
static void same(const float *got, const float *want, size_t n, float tolerance) {
  for (size_t i = 0; i < n; i++)
    if (!(fabsf(got[i] - want[i]) <= tolerance)) fail_msg("element %zu is %g, expected %g", i, (double)got[i], (double)want[i]);
}

static void resize_nearest(void **state) {
  (void)state;
  float x[4] = {1, 2, 3, 4}, o[7];
  static const float want[4][7] = {{1, 1, 2, 2, 3, 4, 4}, {1, 1, 2, 3, 3, 4, 4}, {1, 1, 1, 2, 3, 3, 4}, {1, 2, 2, 3, 4, 4, 4}};
  const ig_view v[] = {VIEW(IG_DTYPE_F32, x, 4), VIEW(IG_DTYPE_F32, o, 7)};
  for (int64_t filter = 0; filter < 4; filter++) { /* places -0.21 0.36 0.93 1.5 2.07 2.64 3.21 */
    const ig_resize_params p = {.filter = filter, .coordinate = IG_RESIZE_HALF, .axes_mask = 1, .rule = IG_RESIZE_STRETCH, .size = {7}};
    run(IG_KIND_resize, v, 1, 1, &p);
    same(o, want[filter], 7, 0);
  }
}

static void resize_linear(void **state) {
  (void)state;
  float x[4] = {1, 2, 3, 5}, o[6], narrow[2];
  const ig_view v[] = {VIEW(IG_DTYPE_F32, x, 2, 2), VIEW(IG_DTYPE_F32, o, 2, 3)};
  ig_resize_params p = {.filter = IG_RESIZE_LINEAR, .coordinate = IG_RESIZE_ALIGN_CORNERS, .axes_mask = 2, .rule = IG_RESIZE_STRETCH, .size = {0, 3}};
  run(IG_KIND_resize, v, 1, 1, &p);
  same(o, (const float[]){1, 1.5f, 2, 3, 4, 5}, 6, 1e-6f);
  p.coordinate = IG_RESIZE_CROP; /* the right half and as much again outside */
  p.roi_lo[1] = 0.5;
  p.roi_hi[1] = 1.5;
  p.extrapolation = -9;
  run(IG_KIND_resize, v, 1, 1, &p);
  same(o, (const float[]){1.5f, 2, -9, 4, 5, -9}, 6, 1e-6f);
  /* antialias: weights 1/8 3/8 3/8 1/8 with half pixels, the edge repeated */
  const ig_view w[] = {VIEW(IG_DTYPE_F32, x, 4), VIEW(IG_DTYPE_F32, narrow, 2)};
  const ig_resize_params a = {.filter = IG_RESIZE_LINEAR, .antialias = 1, .axes_mask = 1, .rule = IG_RESIZE_STRETCH, .size = {2}};
  run(IG_KIND_resize, w, 1, 1, &a);
  same(narrow, (const float[]){1.625f, 3.875f}, 2, 1e-6f);
}

static void resize_integers(void **state) {
  (void)state;
  uint8_t x[2] = {0, 255}, o[3];
  const ig_view v[] = {VIEW(IG_DTYPE_U8, x, 2), VIEW(IG_DTYPE_U8, o, 3)};
  const ig_resize_params p = {.filter = IG_RESIZE_CUBIC, .coordinate = IG_RESIZE_ALIGN_CORNERS, .axes_mask = 1, .rule = IG_RESIZE_STRETCH, .size = {3}, .cubic_a = -0.75};
  run(IG_KIND_resize, v, 1, 1, &p);
  assert_memory_equal(o, ((const uint8_t[]){0, 128, 255}), 3); /* 127.5 is rounded to even */
}

static void prefix_lines(void **state) {
  (void)state;
  float x[6] = {1, 2, 3, 4, 5, 6}, o[6];
  static const float want[4][6] = {{1, 3, 6, 4, 9, 15}, {0, 1, 3, 0, 4, 9}, {6, 5, 3, 15, 11, 6}, {5, 3, 0, 11, 6, 0}};
  const ig_view v[] = {VIEW(IG_DTYPE_F32, x, 2, 3), VIEW(IG_DTYPE_F32, o, 2, 3)};
  for (int i = 0; i < 4; i++) {
    run(IG_KIND_prefix, v, 1, 1, &(ig_prefix_params){.axis = 1, .op = IG_PREFIX_SUM, .exclusive = i & 1, .reverse = i >> 1});
    same(o, want[i], 6, 0);
  }
  run(IG_KIND_prefix, v, 1, 1, &(ig_prefix_params){.axis = 0, .op = IG_PREFIX_PROD});
  same(o, (const float[]){1, 2, 3, 4, 10, 18}, 6, 0);
  int8_t small[3] = {100, 100, 100}, sums[3];
  const ig_view w[] = {VIEW(IG_DTYPE_I8, small, 3), VIEW(IG_DTYPE_I8, sums, 3)};
  run(IG_KIND_prefix, w, 1, 1, &(ig_prefix_params){.op = IG_PREFIX_SUM});
  assert_memory_equal(sums, ((const int8_t[]){100, -56, 44}), 3);
}

static void sort_lines(void **state) {
  (void)state;
  float x[6] = {2, NAN, 2, -1, 3, -0.0f}, o[4];
  int64_t at[4];
  const ig_view v[] = {VIEW(IG_DTYPE_F32, x, 6), VIEW(IG_DTYPE_F32, o, 4), VIEW(IG_DTYPE_I64, at, 4)};
  run(IG_KIND_sort, v, 1, 2, &(ig_sort_params){.largest = 1, .k = 4});
  assert_true(isnan(o[0]));
  same(o + 1, (const float[]){3, 2, 2}, 3, 0);
  assert_memory_equal(at, ((const int64_t[]){1, 4, 0, 2}), sizeof at);
  run(IG_KIND_sort, v, 1, 2, &(ig_sort_params){.largest = 0, .k = 4});
  same(o, (const float[]){-1, 0, 2, 2}, 4, 0);
  assert_memory_equal(at, ((const int64_t[]){3, 5, 0, 2}), sizeof at);
  uint64_t big[4] = {1, UINT64_MAX, 3, 2}, most[2]; /* [2, 2], along axis 0 */
  const ig_view b[] = {VIEW(IG_DTYPE_U64, big, 2, 2), VIEW(IG_DTYPE_U64, most, 1, 2)};
  run(IG_KIND_sort, b, 1, 1, &(ig_sort_params){.largest = 1, .k = 1});
  assert_true(most[0] == 3 && most[1] == UINT64_MAX);
}

static void sample_borders(void **state) {
  (void)state;
  float x[3] = {1, 2, 4}, grid[4] = {-1, 0.5f, 1, 3}, o[4]; /* with corners aligned: places 0, 1.5, 2, 4 */
  const ig_view v[] = {VIEW(IG_DTYPE_F32, x, 1, 1, 3), VIEW(IG_DTYPE_F32, grid, 1, 4, 1), VIEW(IG_DTYPE_F32, o, 1, 1, 4)};
  static const float want[3][4] = {{1, 3, 4, 0}, {1, 3, 4, 4}, {1, 3, 4, 1}};
  for (int64_t border = 0; border < 3; border++) {
    run(IG_KIND_sample, v, 2, 1, &(ig_sample_params){.filter = IG_SAMPLE_LINEAR, .border = border, .align = 1});
    same(o, want[border], 4, 1e-6f);
  }
  float image[4] = {1, 2, 3, 4}, at[2] = {0.5f, -0.5f}, one; /* the grid names columns first */
  const ig_view w[] = {VIEW(IG_DTYPE_F32, image, 1, 1, 2, 2), VIEW(IG_DTYPE_F32, at, 1, 1, 1, 2), VIEW(IG_DTYPE_F32, &one, 1, 1, 1, 1)};
  run(IG_KIND_sample, w, 2, 1, &(ig_sample_params){.filter = IG_SAMPLE_NEAREST});
  same(&one, (const float[]){2}, 1, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(resize_nearest), cmocka_unit_test(resize_linear), cmocka_unit_test(resize_integers),
                                     cmocka_unit_test(prefix_lines), cmocka_unit_test(sort_lines), cmocka_unit_test(sample_borders)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
