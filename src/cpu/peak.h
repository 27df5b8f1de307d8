/* What one core can do at most. SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_PEAK_H
#define IG_CPU_PEAK_H
#include "hal/hal.h"
#include "hal/host.h"

/* hal.h, peak. isa: IG_ISA_* of a tactic; instructions that the device lacks have no peak. */
double ig_cpu_peak(const ig_hal_device *d, uint64_t isa, bool is_int8);
#endif
