/* Selection among strings and complex numbers, for the records whose other types are computed with.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_OPS_OPAQUE_H
#define IG_OPS_OPAQUE_H
#include "ops/pointwise.h"

static inline bool ig_is_opaque(ig_dtype d) { return !ig_stype_of(d); }
/* Result 0 is, at each point, the element of `elements` (rank 1) with the number `index`; ends the program. Always NULL: errors stick in l. */
ig_status ig_opaque_finish(ig_pw *c, ig_lower *l, ig_sreg index, ig_val *const *in, uint32_t n_in, ig_val *elements);
/* The same, of a where cond is true, else of b; both broadcast. */
ig_status ig_opaque_select(ig_pw *c, ig_lower *l, ig_sreg cond, ig_val *const *in, uint32_t n_in, ig_val *a, ig_val *b);
/* The empty string, or 0. */
ig_val *ig_opaque_zero(ig_lower *l, ig_dtype dtype);
/* Equal of strings. */
ig_status ig_opaque_equal(ig_lower *l, const ig_node *n);
#endif
