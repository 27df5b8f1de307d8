/* CPU kernels of resize, sample, prefix and sort against the reference. See cpu_check.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu_check.h"

static void check_all(test_call *t, double tolerance) {
  for (size_t i = 0; i < IG_COUNT(cpu_tactics); i++)
    if (cpu_tactics[i]->kind == t->call.kind) check_tactic(t, cpu_tactics[i], tolerance);
}

static double tolerance_of(ig_dtype d) {
  const ig_stype s = ig_stype_of(d);
  if (s != IG_S_F32 && s != IG_S_F64) return 1; /* a value between two integers may be rounded either way */
  return d == IG_DTYPE_F16 ? 2e-3 : d == IG_DTYPE_BF16 ? 1.6e-2 : 1e-4;
}

static void random_resize(ig_resize_params *p, uint32_t rank, const int64_t *in, int64_t *out) {
  p->axes_mask = below(1ll << rank);
  for (uint32_t k = 0; k < rank; k++) {
    const bool chosen = p->axes_mask >> k & 1;
    p->size[k] = out[k] = !chosen ? in[k] : in[k] == 0 ? 0 : below(2 * in[k] + 3);
    p->scale[k] = 0.4 + 0.3 * (double)below(6);
    if (chosen && p->rule == IG_RESIZE_SCALES) out[k] = (int64_t)((float)in[k] * (float)p->scale[k]);
    if (p->rule >= IG_RESIZE_NOT_LARGER && chosen && out[k] == 0 && in[k] > 0) p->size[k] = out[k] = 1;
    p->roi_lo[k] = 0.1 * (double)below(8) - 0.2;
    p->roi_hi[k] = p->roi_lo[k] + 0.2 * (double)below(6);
  }
}

static void test_resize(void **state) {
  IG_UNUSED(state);
  static const ig_dtype smooth[] = { IG_DTYPE_F32, IG_DTYPE_F32, IG_DTYPE_F64, IG_DTYPE_F16, IG_DTYPE_BF16, IG_DTYPE_U8, IG_DTYPE_I8, IG_DTYPE_I16, IG_DTYPE_U4, IG_DTYPE_I32 };
  static const ig_dtype opaque[] = { IG_DTYPE_STRING, IG_DTYPE_C128, IG_DTYPE_I4, IG_DTYPE_BOOL, IG_DTYPE_U2 };
  for (int round = 0; round < 700; round++) {
    test_call t = { 0 };
    const uint32_t rank = (uint32_t)below(5);
    int64_t in[IG_MAX_RANK], out[IG_MAX_RANK];
    for (uint32_t k = 0; k < rank; k++) in[k] = chance(3) ? 0 : 1 + below(round % 7 == 0 ? 30 : 7);
    if (rank > 1 && round % 5 == 0) in[1] = 1 + below(40);      /* channels */
    ig_resize_params p = { .filter = below(6), .coordinate = below(7), .antialias = below(2), .exclude_outside = below(2), .rule = below(2), .cubic_a = -0.75, .extrapolation = 3 };
    random_resize(&p, rank, in, out);
    const bool floats = round % 3 == 0;       /* what the vector kernel takes */
    if (floats) {
      p.filter = IG_RESIZE_LINEAR + below(2);
      p.antialias = 0;
      p.coordinate %= IG_RESIZE_CROP;
    }
    const bool nearest = p.filter <= IG_RESIZE_CEIL;
    const ig_dtype d = floats ? IG_DTYPE_F32 : nearest && p.coordinate != IG_RESIZE_CROP && chance(40) ? opaque[below((int64_t)IG_COUNT(opaque))] : smooth[below((int64_t)IG_COUNT(smooth))];
    add_operand(&t, d, rank, in, nearest ? BROADCAST : BROADCAST | TAME);
    add_operand(&t, d, rank, out, 0);
    finish_call(&t, IG_KIND_resize, 1, 0, 1, &p);
    check_all(&t, nearest ? 0 : tolerance_of(d));
    free_call(&t);
  }
}

static const ig_dtype numbers[] = { IG_DTYPE_F32, IG_DTYPE_F64, IG_DTYPE_F16, IG_DTYPE_BF16, IG_DTYPE_I8, IG_DTYPE_U8, IG_DTYPE_I32, IG_DTYPE_U32, IG_DTYPE_I64, IG_DTYPE_U64, IG_DTYPE_I4,
  IG_DTYPE_U2 };
static ig_dtype any_number(void) { return numbers[below((int64_t)IG_COUNT(numbers))]; }

static uint32_t random_dims(int64_t *dims, int64_t most) {
  const uint32_t rank = 1 + (uint32_t)below(4);
  for (uint32_t k = 0; k < rank; k++) dims[k] = chance(3) ? 0 : 1 + below(most);
  return rank;
}

static void test_prefix(void **state) {
  IG_UNUSED(state);
  for (int round = 0; round < 300; round++) {
    test_call t = { 0 };
    int64_t dims[IG_MAX_RANK];
    const uint32_t rank = random_dims(dims, round % 7 == 0 ? 40 : 7);
    const ig_prefix_params p = { .axis = below(rank), .op = below(2), .exclusive = below(2), .reverse = below(2) };
    const ig_dtype d = any_number();
    add_operand(&t, d, rank, dims, BROADCAST | TAME);
    add_operand(&t, d, rank, dims, 0);
    finish_call(&t, IG_KIND_prefix, 1, 0, 1, &p);
    check_all(&t, 0); /* the order of operations is given */
    free_call(&t);
  }
}

static void test_sort(void **state) {
  IG_UNUSED(state);
  for (int round = 0; round < 400; round++) {
    test_call t = { 0 };
    int64_t dims[IG_MAX_RANK], out[IG_MAX_RANK];
    const uint32_t rank = random_dims(dims, round % 7 == 0 ? 40 : 7);
    ig_sort_params p = { .axis = below(rank), .largest = below(2) };
    const ig_dtype d = any_number();
    memcpy(out, dims, sizeof out);
    p.k = out[p.axis] = below(dims[p.axis] + 1);
    add_operand(&t, d, rank, dims, BROADCAST);
    add_operand(&t, d, rank, out, 0);
    if (chance(80)) add_operand(&t, IG_DTYPE_I64, rank, out, 0);
    else add_absent(&t);
    finish_call(&t, IG_KIND_sort, 1, 0, 2, &p);
    check_all(&t, 0);
    free_call(&t);
  }
}

static void test_sample(void **state) {
  IG_UNUSED(state);
  static const ig_dtype floats[] = { IG_DTYPE_F32, IG_DTYPE_F32, IG_DTYPE_F64, IG_DTYPE_F16, IG_DTYPE_BF16 };
  for (int round = 0; round < 300; round++) {
    test_call t = { 0 };
    const uint32_t n = 1 + (uint32_t)below(3);
    int64_t in[IG_MAX_RANK] = { 1 + below(2), 1 + below(3) }, grid[IG_MAX_RANK], out[IG_MAX_RANK];
    const ig_sample_params p = { .filter = below(3), .border = below(3), .align = below(2) };
    const ig_dtype d = floats[below((int64_t)IG_COUNT(floats))];
    grid[0] = out[0] = in[0];
    out[1] = in[1];
    for (uint32_t k = 0; k < n; k++) {
      in[2 + k] = chance(2) ? 0 : 1 + below(6);
      grid[1 + k] = out[2 + k] = chance(2) ? 0 : 1 + below(5);
    }
    grid[1 + n] = n;
    add_operand(&t, d, n + 2, in, BROADCAST | TAME);
    add_operand(&t, chance(70) ? IG_DTYPE_F32 : IG_DTYPE_F64, n + 2, grid, chance(50) ? TAME | PLAIN : PLAIN);
    add_operand(&t, d, n + 2, out, 0);
    finish_call(&t, IG_KIND_sample, 2, 0, 1, &p);
    check_all(&t, tolerance_of(d));
    free_call(&t);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_resize), cmocka_unit_test(test_prefix), cmocka_unit_test(test_sort), cmocka_unit_test(test_sample) };
  return cmocka_run_group_tests(tests, NULL, print_tally);
}
