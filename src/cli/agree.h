/* Do two tensors agree? Shared by compare and the conformance runner.
 *
 * The default rule: same type and shape, NaN and infinities in the same places, max|a-b| <= 1e-3 max|b| for floats, equal in 99.9 % of the
 * elements for integers. Elementwise: |a-b| <= atol + rtol |b|, as NumPy's allclose. Quantised networks cannot keep the default rule: a value on the
 * edge of two quantisation steps falls to either side, and what follows differs. There the whole network's outputs are held to their cosine, and each
 * step, fed the reference's own values, to one quantisation step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CLI_AGREE_H
#define IG_CLI_AGREE_H
#include "ingot/ingot.h"
#include <stdbool.h>

typedef struct agree_rule {
  bool elementwise;
  double atol, rtol;
  double cosine;        /* above 0: numbers, floats and integers alike, need this cosine and nothing else */
  bool quantised_step;  /* integers of 8 bits or fewer: all within 1, equal in 99.9 % of the elements */
  double edge;          /* with quantised_step: 0.1 % of the elements may be this much further off, or this instead of 1 (ig_step_info) */
} agree_rule;
typedef struct agree_result {
  bool ok;
  double max_diff;      /* largest |a-b| */
  double max_reference; /* largest |b| */
  int64_t n, n_over;    /* elements; those that differ (integers) or are over (elementwise) */
  int64_t worst;        /* index of the largest difference, row-major */
  const char *why;      /* static text; "" if ok */
} agree_result;
/* a: the engine's, b: the reference's; both compact. */
void agree_compare(const ig_tensor *a, const ig_tensor *b, const agree_rule *rule, agree_result *out);
/* Element i of a compact numeric tensor as double (complex: the real part of element i / 2 or the imaginary one). */
double agree_element(const ig_tensor *t, int64_t i);
int64_t agree_count(const ig_tensor *t);
bool agree_is_float(ig_dtype d);
#endif
