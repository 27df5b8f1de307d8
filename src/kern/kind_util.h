/* What the kinds' records share: wording of refusals, and dims that must agree. Private to kern.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_KERN_KIND_UTIL_H
#define IG_KERN_KIND_UTIL_H
#include "kern/request.h"

/* A shape rule's signature. */
#define IG_OUT_DIMS(fn) static ig_status fn(const ig_request *r, ig_dims *t, const char *node, ig_dim (*out)[IG_MAX_RANK], uint8_t *out_rank)
/* Refuse the request unless cond holds. Needs r and node in scope. */
#define IG_KIND_REQUIRE(cond, ...) \
  do { if (!(cond)) return ig_status_node(IG_ERROR_BAD_MODEL, node, ig_kind(r->kind)->name, __VA_ARGS__); } while (0)

static inline bool ig_operand_present(const ig_operand *o) { return o->value != IG_NO_VALUE; }
static inline bool ig_operand_is(const ig_request *r, uint32_t i) { return i < r->n_in && ig_operand_present(&r->operands[i]); }
static inline bool ig_result_is(const ig_request *r, uint32_t i) { return i < r->n_out && ig_operand_present(ig_request_out(r, i)); }
/* Rank equal to b's and dims equal (assumed where not proved). what = the two in words, for messages: "updates and index". */
IG_MUST_USE ig_status ig_kind_same_dims(const ig_request *r, ig_dims *t, const char *node, const ig_operand *a, const ig_dim *dims, uint32_t rank,
                                        const char *what);
/* a >= b: proved, refused, or a guard. */
IG_MUST_USE ig_status ig_kind_at_least(ig_dims *t, const char *node, ig_dim a, ig_dim b, const char *what);
/* n, the positions of a kernel along an axis of `in` elements, is not negative; and where a dynamic axis has an element, there is a position too: in
 * shapes that follow, 0 would mean something else (Reshape copies a dim then). */
IG_MUST_USE ig_status ig_kind_fits(ig_dims *t, const char *node, ig_dim n, ig_dim in, const char *what);
IG_MUST_USE ig_status ig_kind_check_index(const ig_request *r, const char *node, const ig_operand *index);
static inline void ig_kind_copy_dims(ig_dim *out, uint8_t *out_rank, const ig_dim *dims, uint32_t rank) {
  for (uint32_t i = 0; i < rank; i++) out[i] = dims[i];
  *out_rank = (uint8_t)rank;
}
/* floor or ceil((in + lo + hi - ((kernel - 1) * dilation + 1)) / stride) + 1: positions of a sliding window. */
ig_dim ig_kind_positions(ig_dims *t, ig_dim in, ig_dim lo, ig_dim hi, ig_dim kernel, int64_t dilation, int64_t stride, bool ceil);
#endif
