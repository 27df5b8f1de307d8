/* Points of failure: calls of the process that may fail, counted and failed one at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_TESTS_OOM_POINTS_H
#define IG_TESTS_OOM_POINTS_H

typedef enum points_kind { POINTS_NONE = 0, POINTS_MEMORY = 1, POINTS_IO = 2 } points_kind;
/* Counts calls of this kind from now on and fails the n-th, 1 being the first; 0 = none. */
void points_arm(points_kind kind, long n);
/* Calls seen since; counting ends. */
long points_disarm(void);
/* Blocks taken and not given back since the process began; 0 where that is not known. */
long points_live(void);
#endif
