/* Times one tactic on one request with random data, through the device's launch, as an engine runs it. Tuning and `ingot bench --kernels` use it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_BUILD_RIG_H
#define IG_BUILD_RIG_H
#include "hal/hal.h"

typedef struct ig_rig {
  const ig_allocator *alloc;
  const ig_hal *hal;
  ig_hal_device *dev;
  ig_hal_stream *stream;
  uint32_t n_threads;           /* of the stream */
  double deadline;              /* by ig_rig_now; 0 = none */
  uint64_t cold_bytes;          /* packed constants are read from so much memory in turns, as a network does that the caches do not hold; 0 = warm */
} ig_rig;
enum { IG_RIG_LAUNCHES = 4 };   /* at least so many are made to time one */
/* Median seconds of a launch; negative where the deadline leaves no time for it. values: of every dim. offer: what the tactic said to this request; constants that it wants packed come so. node: for messages. */
IG_MUST_USE ig_status ig_rig_time(const ig_rig *r, const ig_request *q, const int64_t *values, const ig_tactic *tactic, const ig_offer *offer, const char *node,
                                  double *out_seconds);
double ig_rig_now(void);
#endif
