/* For the outside count: the sweep's program with nothing stood in for. SPDX-License-Identifier: Apache-2.0 */
#include "points.h"

void points_arm(points_kind kind, long n) { (void)kind, (void)n; }
long points_disarm(void) { return 0; }
long points_live(void) { return 0; }
