/* Map kernels for every instruction set: the block interpreter over a part of the iteration space. SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_MAP_H
#define IG_CPU_MAP_H
#include "cpu/kernels/common.h"
void ig_map_run(const ig_call *c, uint32_t part, uint32_t n_parts, const ig_prog_isa *isa);
#endif
