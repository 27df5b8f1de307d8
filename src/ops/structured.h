/* What the records of structured operators (views, moves, contractions, windows) share: adapting old spellings, symbolic contents,
 * shape rules taken from a kind, and the spatial attributes of convolutions and pools.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_OPS_STRUCTURED_H
#define IG_OPS_STRUCTURED_H
#include "ops/op.h"

/* The members in, n_in, out, n_out of a record from two arrays. */
#define IG_OP_ARGS(in_, out_) .in = (in_), .n_in = IG_COUNT(in_), .out = (out_), .n_out = IG_COUNT(out_)
#define IG_OP_ATTRS(attrs_) .attrs = (attrs_), .n_attrs = IG_COUNT(attrs_)

static inline ig_dims *ig_node_dims(const ig_node *n) { return &n->graph->ir->dims; }
static inline ig_arena *ig_node_arena(const ig_node *n) { return &n->graph->ir->arena; }

/* ---- import: old spellings ---- */
/* Input i becomes v; inputs between are left out. */
IG_MUST_USE ig_status ig_adapt_input(ig_node *n, uint32_t i, ig_val *v);
/* A list attribute becomes a constant int64 input i; nothing happens where the attribute is absent. */
IG_MUST_USE ig_status ig_adapt_ints(ig_node *n, const char *attr, uint32_t i);
void ig_adapt_drop(ig_node *n, const char *attr);
IG_MUST_USE ig_status ig_adapt_set_int(ig_node *n, const char *attr, int64_t v);

/* ---- symbolic contents of small integer tensors ---- */
/* elems of result `out`; nothing happens where the result is unwanted, no integer, of rank above 1 or over IG_MAX_ELEMS. */
IG_MUST_USE ig_status ig_elems_set(ig_node *n, uint32_t out, const ig_dim *elems, uint32_t n_elems);
/* Result `out` has the elements of v in the same order. */
IG_MUST_USE ig_status ig_elems_copy(ig_node *n, uint32_t out, const ig_val *v);

/* ---- infer ---- */
/* The kind's own shape rule over inputs of these values (entries may be NULL). out: n_out results. */
IG_MUST_USE ig_status ig_infer_kernel(ig_node *n, ig_kind_id kind, const void *params, ig_val *const *in, uint32_t n_in, uint32_t n_out,
                                      ig_dim (*out)[IG_MAX_RANK], uint8_t *out_rank);
/* BAD_MODEL unless v has this rank. */
IG_MUST_USE ig_status ig_infer_rank(const ig_node *n, const ig_val *v, const char *what, int rank);
/* a == b: assumed (a guard) where undecided, BAD_MODEL naming `what` where refuted. out_d may be NULL. */
IG_MUST_USE ig_status ig_infer_equal(ig_node *n, ig_dim a, ig_dim b, const char *what, ig_dim *out_d);
/* Accumulator type for sums of products of a dtype: F32, F64, I32 (8-bit integers), I64, U64. */
ig_stype ig_acc_type(ig_dtype d);

/* ---- lower ---- */
/* One kernel with one result; NULL on failure. */
ig_val *ig_lo_kernel1(ig_lower *l, ig_kind_id kind, const void *params, ig_val *const *in, uint32_t n_in, ig_dtype dtype);
/* x converted to dtype by a map; x itself where nothing changes. */
ig_val *ig_lo_cast(ig_lower *l, ig_val *x, ig_dtype dtype);
/* Joins values along an axis: one kernel node whose region moves each input into its part of the result. dims: the result's. */
ig_val *ig_lo_concat(ig_lower *l, ig_val *const *in, uint32_t n_in, uint32_t axis, const ig_dim *dims);
/* out[.., M, N] = a[.., M, K] * b[.., K, N] with batch dims of both broadcast to the result's; za, zb and epi, extra may be NULL. */
typedef struct ig_lo_matmul_desc {
  ig_val *a, *b, *za, *zb;
  double alpha;
  ig_dtype dtype;
  const ig_sprog *epi;
  ig_val *const *extra;
  uint32_t n_extra;
} ig_lo_matmul_desc;
ig_val *ig_lo_matmul(ig_lower *l, const ig_lo_matmul_desc *d);
/* A value laid along one axis of a result: reshaped to [.., n, ..] with 1 elsewhere, expanded to dims. v has rank 0 or 1. */
ig_val *ig_lo_along(ig_lower *l, ig_val *v, uint32_t axis, uint32_t rank, const ig_dim *dims);
/* Requantisation of an accumulator: saturate(rint(acc * sa * sb / sy) + zy), extras 0..3 = sa, sb, sy, zy; with_bias: extra 4 is added to the
 * accumulator first. */
bool ig_lo_requantise(ig_lower *l, ig_dtype scale, ig_dtype dtype, bool with_bias, ig_sprog *out);
#endif
