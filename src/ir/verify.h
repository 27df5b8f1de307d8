/* Inside of the verifier. SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_IR_VERIFY_H
#define IG_IR_VERIFY_H
#include "ir/graph.h"
#define IG_MAX_NESTING 128 /* graphs within graphs, inlined functions included */
/* One node of form KERNEL, VIEW or IF against its operands' types; inputs and results are known to be well-formed. */
IG_MUST_USE ig_status ig_verify_lowered(ig_ir *ir, const ig_node *n);
#endif
