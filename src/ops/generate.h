/* Shared by the records whose results come from coordinates: inputs that are single values.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_OPS_GENERATE_H
#define IG_OPS_GENERATE_H
#include "ops/pointwise.h"

/* BAD_MODEL unless input i, where given, has rank 0 or is [1]. */
IG_MUST_USE ig_status ig_gen_require_scalar(const ig_node *n, uint32_t i);
/* v with rank 0 (constants as they are, since they become part of the program); NULL stays NULL. */
ig_val *ig_gen_scalar(ig_lower *l, ig_val *v);
#endif
