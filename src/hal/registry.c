/* The list of devices, and look-ups in it. SPDX-License-Identifier: Apache-2.0 */
#include "hal/hal.h"

const ig_hal *const ig_hals[] = {
#define IG_DEVICE(name) &ig_hal_##name,
#include "hal/devices.def"
#undef IG_DEVICE
};
const uint32_t ig_n_hals = IG_COUNT(ig_hals);

const ig_hal *ig_hal_by_name(const char *name) {
  for (uint32_t i = 0; i < ig_n_hals; i++)
    if (strcmp(ig_hals[i]->name, name) == 0) return ig_hals[i];
  return NULL;
}

const ig_tactic *ig_hal_tactic(const ig_hal *h, const ig_hal_device *d, const char *name, uint32_t version) {
  uint32_t n;
  const ig_tactic *const *list = h->tactics(d, &n);
  const uint64_t have = h->caps(d)->isa;
  for (uint32_t i = 0; i < n; i++)
    if (list[i]->version == version && (list[i]->isa & ~have) == 0 && strcmp(list[i]->name, name) == 0) return list[i];
  return NULL;
}

void ig_launch_serial(const ig_launch *l) {
  const uint32_t n = ig_tactic_phases(l->tactic, &l->call, l->n_parts);
  for (uint32_t phase = 0; phase < n; phase++)
    for (uint32_t part = 0; part < l->n_parts; part++) l->tactic->run(&l->call, phase, part, l->n_parts);
}
