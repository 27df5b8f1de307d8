/* RotaryEmbedding: pairs of each head are rotated by two maps (real and imaginary part), which are laid beside each other again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/pointwise.h"

/* x as [batch, heads, sequence, head] or, with three dims, [batch, sequence, heads, head]. */
typedef struct rotary {
  ig_dim dims[4];
  int64_t n_rotated; /* elements of a head that are rotated */
  uint32_t sequence; /* axis */
} rotary;

static ig_status rotary_read(ig_node *n, rotary *r) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dims *t = ig_node_dims(n);
  const int64_t n_heads = ig_op_attr_i(n, "num_heads");
  int64_t head;
  IG_NODE_REQUIRE(n, x->rank == 3 || x->rank == 4, IG_ERROR_BAD_MODEL, "input '%s' has %d dims, expected 3 or 4", x->name, x->rank);
  *r = (rotary){.sequence = x->rank == 4 ? 2 : 1};
  if (x->rank == 4) {
    memcpy(r->dims, x->dims, sizeof r->dims);
  } else {
    IG_NODE_REQUIRE(n, n_heads > 0, IG_ERROR_BAD_MODEL, "an input of 3 dims needs the attribute 'num_heads'");
    r->dims[0] = x->dims[0];
    r->dims[1] = x->dims[1];
    r->dims[2] = ig_dim_const(t, n_heads);
    r->dims[3] = ig_dim_floordiv(t, x->dims[2], r->dims[2]);
    IG_TRY(ig_infer_equal(n, ig_dim_mul_c(t, r->dims[3], n_heads), x->dims[2], "hidden size and heads", NULL));
  }
  r->n_rotated = ig_op_attr_i(n, "rotary_embedding_dim");
  if (r->n_rotated == 0 && !ig_dim_is_const(t, r->dims[3], &r->n_rotated))
    return ig_status_with(ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "the size of a head is not known at build time"),
                          IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_SHAPE");
  const bool fits = !ig_dim_is_const(t, r->dims[3], &head) || r->n_rotated <= head;
  IG_NODE_REQUIRE(n, r->n_rotated > 0 && r->n_rotated % 2 == 0 && fits, IG_ERROR_BAD_MODEL, "%lld elements of a head cannot be rotated",
                  (long long)r->n_rotated);
  return ig_infer_dims_done(n);
}

static ig_status rotary_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0), *positions = ig_node_in(n, 3);
  rotary r;
  IG_TRY(rotary_read(n, &r));
  const ig_dim half = ig_dim_const(ig_node_dims(n), r.n_rotated / 2);
  for (uint32_t i = 1; i < 3; i++) {
    const ig_val *cache = ig_node_in(n, i);
    IG_TRY(ig_infer_rank(n, cache, "cache", positions ? 2 : 3));
    IG_TRY(ig_infer_equal(n, cache->dims[cache->rank - 1], half, "last dim of a cache and half of the rotated elements", NULL));
    if (!positions) IG_TRY(ig_infer_equal(n, cache->dims[0], r.dims[0], "batch of a cache", NULL));
    if (!positions) IG_TRY(ig_infer_equal(n, cache->dims[1], r.dims[r.sequence], "sequence of a cache", NULL));
  }
  if (positions) {
    IG_TRY(ig_infer_rank(n, positions, "position_ids", 2));
    IG_TRY(ig_infer_equal(n, positions->dims[0], r.dims[0], "batch of position_ids", NULL));
    IG_TRY(ig_infer_equal(n, positions->dims[1], r.dims[r.sequence], "sequence of position_ids", NULL));
  }
  return ig_infer_same(n, 0, x);
}

/* A cache's rows for each place, laid over the dims of a half of x. */
static ig_val *angles(ig_lower *l, const ig_node *n, const rotary *r, uint32_t input, const ig_dim *dims) {
  ig_val *in[2] = {ig_node_in(n, input), ig_node_in(n, 3)}, *v = in[0];
  const ig_gather_params p = {.mode = IG_GATHER_ROWS};
  ig_dim spread[4] = {dims[0], ig_dim_const(&l->ir->dims, 1), ig_dim_const(&l->ir->dims, 1), dims[3]};
  if (in[1]) v = ig_lo_kernel1(l, IG_KIND_gather, &p, in, 2, v->dtype);
  spread[r->sequence] = dims[r->sequence];
  return ig_lo_expand(l, ig_lo_reshape(l, v, 4, spread), 4, dims);
}

/* The elements from `from` on of the last axis. */
static ig_val *columns(ig_lower *l, ig_val *x, int64_t from, int64_t step, ig_dim count) {
  ig_dim start[4], dims[4];
  const int64_t steps[4] = {1, 1, 1, step};
  if (!x) return NULL;
  for (int k = 0; k < 4; k++) {
    start[k] = ig_dim_const(&l->ir->dims, k == 3 ? from : 0);
    dims[k] = k == 3 ? count : x->dims[k];
  }
  return ig_lo_slice(l, x, start, steps, dims);
}

/* in: x1, x2, cos, sin. imaginary: sin * x1 + cos * x2, else cos * x1 - sin * x2. */
static ig_val *rotate(ig_lower *l, const ig_node *n, ig_val *const *parts, bool imaginary) {
  ig_val *in[4];
  ig_sreg x[4];
  uint32_t n_in = 0;
  ig_pw c;
  ig_pw_begin(&c, l, n);
  for (int i = 0; i < 4; i++)
    x[i] = ig_pw_operand(&c, parts[i], in, &n_in);
  const ig_sreg a = ig_pw_2(&c, IG_SOP_MUL, x[imaginary ? 3 : 2], x[0]), b = ig_pw_2(&c, IG_SOP_MUL, x[imaginary ? 2 : 3], x[1]);
  ig_pw_store(&c, 0, ig_pw_2(&c, imaginary ? IG_SOP_ADD : IG_SOP_SUB, a, b), parts[0]->dtype, 0);
  return ig_pw_map(&c, l, in, n_in, parts[0]->dtype, 4, parts[0]->dims);
}

/* Real and imaginary parts side by side, or in turn. */
static ig_val *join(ig_lower *l, ig_val *real, ig_val *imaginary, bool interleaved, const ig_dim *dims) {
  ig_val *in[2] = {real, imaginary};
  if (!real || !imaginary) return NULL;
  if (!interleaved) return ig_lo_concat(l, in, 2, 3, dims);
  ig_dim pair[5];
  memcpy(pair, real->dims, 4 * sizeof *pair);
  pair[4] = ig_dim_const(&l->ir->dims, 1);
  for (int i = 0; i < 2; i++)
    if (!(in[i] = ig_lo_reshape(l, in[i], 5, pair))) return NULL;
  pair[4] = ig_dim_const(&l->ir->dims, 2);
  return ig_lo_reshape(l, ig_lo_concat(l, in, 2, 4, pair), 4, dims);
}

static ig_status rotary_lower(ig_lower *l, const ig_node *n) {
  ig_dims *t = &l->ir->dims;
  rotary r;
  IG_TRY(rotary_read((ig_node *)(uintptr_t)n, &r));
  const bool interleaved = ig_op_attr_i(n, "interleaved") != 0;
  ig_val *x = ig_lo_reshape(l, ig_node_in(n, 0), 4, r.dims), *parts[4];
  const ig_dim half = ig_dim_const(t, r.n_rotated / 2);
  parts[0] = columns(l, x, 0, interleaved ? 2 : 1, half);
  parts[1] = columns(l, x, interleaved ? 1 : r.n_rotated / 2, interleaved ? 2 : 1, half);
  if (!parts[0] || !parts[1]) return NULL;
  parts[2] = angles(l, n, &r, 1, parts[0]->dims);
  parts[3] = angles(l, n, &r, 2, parts[0]->dims);
  if (!parts[2] || !parts[3]) return NULL;
  ig_dim dims[4];
  memcpy(dims, r.dims, sizeof dims);
  dims[3] = ig_dim_const(t, r.n_rotated);
  ig_val *y = join(l, rotate(l, n, parts, false), rotate(l, n, parts, true), interleaved, dims);
  if (y && r.dims[3] != dims[3]) {
    ig_val *whole[2] = {y, columns(l, x, r.n_rotated, 1, ig_dim_sub(t, r.dims[3], dims[3]))};
    y = whole[1] ? ig_lo_concat(l, whole, 2, 3, r.dims) : NULL;
  }
  ig_lo_result(l, 0, ig_lo_reshape(l, y, (uint32_t)n->out[0]->rank, n->out[0]->dims));
  return NULL;
}

#define ROTARY_TYPES (IG_T(F32) | IG_T(F16) | IG_T(BF16))
static const ig_op_arg rotary_in[] = {{"X", 'T', ROTARY_TYPES, 0},
                                      {"cos_cache", 'T', ROTARY_TYPES, 0},
                                      {"sin_cache", 'T', ROTARY_TYPES, 0},
                                      {"position_ids", 0, IG_T(I64), IG_ARG_OPTIONAL}};
static const ig_op_arg rotary_out[] = {{"Y", 'T', ROTARY_TYPES, 0}};
static const ig_op_attr rotary_attrs[] = {{"interleaved", IG_ATTR_INT, false, 0, 0, NULL},
                                          {"num_heads", IG_ATTR_INT, false, 0, 0, NULL},
                                          {"rotary_embedding_dim", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const rotary_cases[] = {"f32[2,3,2,4] f32[5,2] f32[5,2] i64[2,2]=0,4,3,1",
                                           "f32[2,3,8] f32[2,3,2] f32[2,3,2] num_heads=2 interleaved=1",
                                           "f16[1,2,3,6] f16[1,3,2] f16[1,3,2] rotary_embedding_dim=4",
                                           "f32[1,2,3,6] f32[4,1] f32[4,1] i64[1,3]=2,0,1 rotary_embedding_dim=2 interleaved=1", NULL};
const ig_op ig_op_RotaryEmbedding = {.domain = "",
                                     .name = "RotaryEmbedding",
                                     .since = 23,
                                     .oldest = 23,
                                     .cls = IG_CLASS_COMPOSITE,
                                     IG_OP_ARGS(rotary_in, rotary_out),
                                     IG_OP_ATTRS(rotary_attrs),
                                     .infer = rotary_infer,
                                     .lower = rotary_lower,
                                     .cases = rotary_cases};
