/* What the tests of the reference share: compact views, one call, comparison of floats.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REF_UTIL_H
#define REF_UTIL_H
#include "ref/ref.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static inline ig_view view(ig_dtype d, void *data, uint32_t rank, const int64_t *dims) {
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
#define ABSENT ((ig_view){.dtype = IG_DTYPE_NONE})
static ig_error_word error_word;
static const ig_sprog no_program = {NULL, 0};

static inline void run(ig_kind_id kind, const ig_view *v, uint32_t n_in, uint32_t n_out, const void *params, ig_sprog prog) {
  static int64_t scratch[64];
  ig_call c = {.kind = kind, .n_in = n_in, .n_out = n_out, .v = v, .params = params, .prog = prog, .scratch = scratch,
               .scratch_size = sizeof scratch, .error = &error_word, .step = 3};
  assert_true(ig_ref_scratch(&c) <= sizeof scratch);
  ig_ref_run(&c);
}
static inline void same(const float *got, const float *want, size_t n, float tolerance) {
  for (size_t i = 0; i < n; i++)
    if (!(fabsf(got[i] - want[i]) <= tolerance) && !(got[i] == want[i]))
      fail_msg("element %zu is %g, expected %g", i, (double)got[i], (double)want[i]);
}
#endif
