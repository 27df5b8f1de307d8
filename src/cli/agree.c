/* See agree.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/agree.h"
#include "base/util.h"
#include <math.h>

int64_t agree_count(const ig_tensor *t) {
  int64_t n = 1;
  for (int32_t k = 0; k < t->rank; k++)
    n *= t->dims[k];
  return n;
}

bool agree_is_float(ig_dtype d) {
  const uint32_t code = d & 0xffu;
  return code == 2 || code == 4 || code == 5 || code >= 10;
}

/* Bits of element i, zero-extended. */
static uint64_t bits_at(const ig_tensor *t, int64_t i) {
  const uint32_t n_bits = IG_DTYPE_BITS(t->dtype);
  const uint8_t *p = (const uint8_t *)t->data + t->byte_offset;
  if (n_bits < 8) return (uint64_t)(p[(uint64_t)i * n_bits / 8] >> ((uint64_t)i * n_bits % 8)) & ((1u << n_bits) - 1);
  uint64_t u = 0;
  memcpy(&u, p + (size_t)i * (n_bits / 8), n_bits / 8);
  return u;
}

static double complex_part(const ig_tensor *t, int64_t i) {
  const uint8_t *p = (const uint8_t *)t->data + t->byte_offset;
  if (t->dtype == IG_DTYPE_C128) {
    double d;
    memcpy(&d, p + (size_t)i * sizeof d, sizeof d);
    return d;
  }
  float f;
  memcpy(&f, p + (size_t)i * sizeof f, sizeof f);
  return (double)f;
}

double agree_element(const ig_tensor *t, int64_t i) {
  if (t->dtype == IG_DTYPE_C64 || t->dtype == IG_DTYPE_C128) return complex_part(t, i);
  const uint64_t u = bits_at(t, i);
  const uint32_t n_bits = IG_DTYPE_BITS(t->dtype);
  float f;
  double d;
  switch (t->dtype) {
  case IG_DTYPE_F64:
    memcpy(&d, &u, sizeof d);
    return d;
  case IG_DTYPE_F32:
    memcpy(&f, &u, sizeof f);
    return (double)f;
  case IG_DTYPE_F16:
    return (double)ig_f16_to_f32((uint16_t)u);
  case IG_DTYPE_BF16:
    return (double)ig_bf16_to_f32((uint16_t)u);
  default:
    break;
  }
  if (agree_is_float(t->dtype)) return (double)ig_small_to_f32(t->dtype, (uint8_t)u);
  if ((t->dtype & 0xffu) == 0) return (double)((int64_t)(u << (64 - n_bits)) >> (64 - n_bits));
  return (double)u;
}

static bool same_form(const ig_tensor *a, const ig_tensor *b, const char **why) {
  *why = "the types differ";
  if (a->dtype != b->dtype) return false;
  *why = "the shapes differ";
  if (a->rank != b->rank) return false;
  for (int32_t k = 0; k < a->rank; k++)
    if (a->dims[k] != b->dims[k]) return false;
  *why = "";
  return true;
}

static void compare_strings(const ig_tensor *a, const ig_tensor *b, agree_result *r) {
  const ig_string *x = a->data, *y = b->data;
  for (int64_t i = 0; i < r->n; i++) {
    if (x[i].n == y[i].n && (!x[i].n || memcmp(x[i].data, y[i].data, x[i].n) == 0)) continue;
    if (!r->n_over++) r->worst = i;
  }
  r->ok = r->n_over == 0;
  r->why = r->ok ? "" : "strings differ";
}

/* One pair of floats; false where NaN or infinity stand in different places. */
static bool take_pair(double x, double y, int64_t i, const agree_rule *rule, agree_result *r) {
  if (isnan(x) || isnan(y)) return isnan(x) && isnan(y);
  if (isinf(x) || isinf(y)) return x == y;
  const double diff = fabs(x - y), size = fabs(y);
  if (size > r->max_reference) r->max_reference = size;
  if (diff > r->max_diff) r->max_diff = diff, r->worst = i;
  if (rule->elementwise && diff > rule->atol + rule->rtol * size) r->n_over++;
  return true;
}

/* Are those over the tolerance few, and no further off than one step of quantisation within takes them? Counts them. */
static bool on_edges(const ig_tensor *a, const ig_tensor *b, const agree_rule *rule, double tolerance, agree_result *r) {
  if (!rule->quantised_step || !(rule->edge > 0)) return false;
  for (int64_t i = 0; i < r->n; i++)
    r->n_over += fabs(agree_element(a, i) - agree_element(b, i)) > tolerance;
  return r->n_over * 1000 <= r->n && r->max_diff <= rule->edge + tolerance;
}

static void compare_floats(const ig_tensor *a, const ig_tensor *b, const agree_rule *rule, agree_result *r) {
  const bool is_complex = (a->dtype & 0xffu) == 5;
  const int64_t n = is_complex ? r->n * 2 : r->n;
  for (int64_t i = 0; i < n; i++) {
    if (take_pair(agree_element(a, i), agree_element(b, i), i, rule, r)) continue;
    r->ok = false;
    r->worst = is_complex ? i / 2 : i;
    r->why = "NaN or infinity in different places";
    return;
  }
  if (is_complex) r->worst /= 2;
  const double tolerance = 1e-3 * r->max_reference;
  r->ok = rule->elementwise ? r->n_over == 0 : r->max_diff <= tolerance || on_edges(a, b, rule, tolerance, r);
  r->why = r->ok ? "" : rule->elementwise ? "elements are over the tolerance" : "max|a-b| is over 1e-3 max|b|";
}

static void compare_integers(const ig_tensor *a, const ig_tensor *b, const agree_rule *rule, agree_result *r) {
  for (int64_t i = 0; i < r->n; i++) {
    const double x = agree_element(a, i), y = agree_element(b, i), diff = fabs(x - y);
    if (fabs(y) > r->max_reference) r->max_reference = fabs(y);
    if (bits_at(a, i) == bits_at(b, i)) continue;
    if (!rule->elementwise || diff > rule->atol + rule->rtol * fabs(y)) r->n_over++;
    if (diff >= r->max_diff) r->max_diff = diff, r->worst = i;
  }
  r->ok = rule->elementwise ? r->n_over == 0 : r->n_over * 1000 <= r->n;
  r->why = r->ok ? "" : rule->elementwise ? "elements are over the tolerance" : "more than 0.1 % of the integers differ";
  if (!r->ok || !rule->quantised_step || IG_DTYPE_BITS(a->dtype) > 8 || r->max_diff <= fmax(1, rule->edge)) return;
  r->ok = false;
  r->why = "a quantised value is further off than one step of its rounding takes it";
}

/* NaN and infinities as ever; of what is finite, the cosine. Zeros all over agree with nothing but zeros. */
static void compare_cosine(const ig_tensor *a, const ig_tensor *b, const agree_rule *rule, agree_result *r) {
  const agree_rule any = {.elementwise = true, .atol = INFINITY};
  double ab = 0, aa = 0, bb = 0;
  for (int64_t i = 0; i < r->n; i++) {
    const double x = agree_element(a, i), y = agree_element(b, i);
    if (!take_pair(x, y, i, &any, r)) {
      r->ok = false;
      r->worst = i;
      r->why = "NaN or infinity in different places";
      return;
    }
    if (!isfinite(x)) continue;
    ab += x * y, aa += x * x, bb += y * y;
  }
  r->ok = aa == 0 || bb == 0 ? aa == bb : ab >= rule->cosine * sqrt(aa) * sqrt(bb);
  r->why = r->ok ? "" : "the cosine of the two is too small";
}

void agree_compare(const ig_tensor *a, const ig_tensor *b, const agree_rule *rule, agree_result *out) {
  *out = (agree_result){.ok = true, .why = ""};
  if (!same_form(a, b, &out->why)) {
    out->ok = false;
    return;
  }
  out->n = agree_count(a);
  if (a->dtype == IG_DTYPE_STRING)
    compare_strings(a, b, out);
  else if (rule->cosine > 0 && (a->dtype & 0xffu) != 5)
    compare_cosine(a, b, rule, out);
  else if (agree_is_float(a->dtype))
    compare_floats(a, b, rule, out);
  else
    compare_integers(a, b, rule, out);
}
