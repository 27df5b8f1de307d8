/* Quantising floats to bytes: include after kernels/gemm_s8.inc.h. The result and the operand lie alike, in runs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/quantise.h"

typedef struct quantise_consts { vs scale, lo, hi, none; bytes_form form; } quantise_consts;   /* none: what NaN becomes */
static inline vi quantised(const quantise_consts *k, const float *x) {
  vs v = _mm256_div_ps(vs_load(x), k->scale);
  v = _mm256_blendv_ps(k->none, v, _mm256_cmp_ps(v, v, _CMP_ORD_Q));
  return vs_rint(vs_min(vs_max(v, k->lo), k->hi));
}
static void quantise_run(const quantise_consts *k, const float *x, uint8_t *out, int64_t n) {
  int64_t i = 0;
  for (; i + PAIR <= n; i += PAIR) vi_store_bytes(out + i, quantised(k, x + i), quantised(k, x + i + SIMD_W), &k->form, false);
  if (i == n) return;
  float some[PAIR] = { 0 };
  uint8_t bytes[PAIR];
  memcpy(some, x + i, (size_t)(n - i) * sizeof *x);
  vi_store_bytes(bytes, quantised(k, some), quantised(k, some + SIMD_W), &k->form, false);
  memcpy(out + i, bytes, (size_t)(n - i));
}

void NAME(ig_cpu_quantise_s8_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  ig_quantise q;
  uint8_t perm[IG_MAX_RANK];
  uint32_t outer = o->rank;
  int64_t lo, hi, run = 1;
  IG_UNUSED(phase);
  if (!ig_quantise_recognise(&c->prog, o->dtype, &q)) return;   /* the query has seen to it */
  ig_split_elements(c, ig_view_count(o), part, n_parts, &lo, &hi);
  if (lo >= hi) return;               /* of nothing there is no scale to read either */
  if (q.scale_operand) memcpy(&q.scale, ig_call_in(c, q.scale_operand)->data, sizeof q.scale);
  if (q.zero_operand) q.zero = zero_at(c, q.zero_operand, 0);
  const quantise_consts k = { .scale = vs_set(q.scale), .lo = vs_set((float)(q.lo - q.zero)), .hi = vs_set((float)(q.hi - q.zero)), .none = vs_set((float)-q.zero),
    .form = bytes_form_of(q.zero, q.lo, q.hi, o->dtype == IG_DTYPE_I8) };
  ig_perm_by_stride(o, ~0ull, perm);
  for (; outer > 0 && (o->dims[perm[outer - 1]] == 1 || o->strides[perm[outer - 1]] == run); outer--) run *= o->dims[perm[outer - 1]];
  for (int64_t i = lo; i < hi;) {
    const int64_t n = ig_min_i64(hi - i, run - i % run);
    int64_t at = i % run, rest = i / run;
    for (uint32_t a = outer; a-- > 0; rest /= o->dims[perm[a]]) at += rest % o->dims[perm[a]] * o->strides[perm[a]];
    quantise_run(&k, (const float *)x->data + at, (uint8_t *)o->data + at, n);
    i += n;
  }
}
