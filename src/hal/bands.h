/* Chains: steps of which each reads the rows that the one before it has just made, run together in bands of rows.
 *
 * A large result that only the next step reads costs more to write to memory and read back than to compute. In bands it never leaves a core's
 * second-level cache: every part takes a share of the last result's rows and makes, band after band, the rows of each step that the next one
 * needs, in a few rows' room in its scratch; the results' own places stay untouched. Rows that two bands need are kept; those that two parts need are made twice.
 * The steps' tactics run on calls of fewer rows and know nothing of it. Sums may be ordered as for another number of threads.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_HAL_BANDS_H
#define IG_HAL_BANDS_H
#include "hal/tactic.h"

enum { IG_BANDS_STEPS = 6, IG_BANDS_OPERANDS = 12 };
/* n: steps; 0 = they run one by one. */
typedef struct ig_bands {
  uint32_t n, n_parts;
  int64_t rows;                       /* of the last result in a band */
  size_t slot[IG_BANDS_STEPS];        /* where in a part's scratch the rows of each result but the last lie; of the last step: the steps' own scratch */
  size_t scratch;                     /* bytes of one part; a chain's scratch is its first step's */
} ig_bands;
struct ig_launch;
/* Can a step's request be part of a chain, behind another where `follows`? It says so for every shape. Static text why not, else NULL. */
const char *ig_bands_refuse(const ig_request *r, const ig_tactic *t, bool follows);
/* How n steps (bound, addresses not needed) run in bands; false where it would not pay at these shapes, or not be right. */
bool ig_bands_plan(const struct ig_launch *l, uint32_t n, uint32_t n_threads, uint64_t l2_bytes, ig_bands *out);
/* Part `part`. seconds: NULL, or where the time of each step is added. */
void ig_bands_run(const struct ig_launch *l, const ig_bands *b, uint32_t part, double *seconds);
#endif
