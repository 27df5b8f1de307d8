/* Attention: the kernel of that kind, soft cap and masks as its program. Where scores are a result, or of half precision: scaled products of queries and
 * keys, soft cap and masks in one map, softmax, products with the values.
 *
 * Scores are kept in float32 (float64 for f64) until the probabilities are stored in the queries' type. Groups of query heads that share a key head
 * are a further batch axis of the products, so keys and values are not repeated. A row that masks leave nothing of has probability 0 throughout.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/pointwise.h"
#include <math.h>

enum { IN_Q, IN_K, IN_V, IN_MASK, IN_PAST_KEY, IN_PAST_VALUE, IN_LENGTHS };
enum { QK_PRODUCT, QK_CAPPED, QK_BIASED, QK_SOFTMAX };

typedef struct attention {
  ig_dim batch, q_heads, kv_heads, q_length, new_length, past_length, kv_length, head, v_head;
  int64_t n_groups; /* query heads per key head */
  double scale, cap;
  int64_t mode, left, right; /* left, right: window, -1 = open */
  bool causal, flat;         /* flat: inputs of three dims */
} attention;

static ig_status refuse_shape(const ig_node *n, const char *what) {
  return ig_status_with(ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "%s is not known at build time", what), IG_DETAIL_ISSUE_CODE,
                        "UNSUPPORTED_SHAPE");
}

/* Heads and size of a head of an input. */
static ig_status read_heads(ig_node *n, uint32_t input, int64_t n_heads, ig_dim *out_heads, ig_dim *out_head) {
  const ig_val *v = ig_node_in(n, input);
  ig_dims *t = ig_node_dims(n);
  IG_TRY(ig_infer_rank(n, v, n->op->in[input].name, ig_node_in(n, IN_Q)->rank));
  if (v->rank == 4) {
    *out_heads = v->dims[1];
    *out_head = v->dims[3];
    return NULL;
  }
  IG_NODE_REQUIRE(n, n_heads > 0, IG_ERROR_BAD_MODEL, "inputs of 3 dims need the attributes 'q_num_heads' and 'kv_num_heads'");
  *out_heads = ig_dim_const(t, n_heads);
  *out_head = ig_dim_floordiv(t, v->dims[2], *out_heads);
  return ig_infer_equal(n, ig_dim_mul(t, *out_head, *out_heads), v->dims[2], "hidden size and heads", NULL);
}

static ig_status read_groups(ig_node *n, attention *a) {
  ig_dims *t = ig_node_dims(n);
  int64_t q, kv;
  a->n_groups = 1;
  if (ig_dim_prove_eq(t, a->q_heads, a->kv_heads) == 1) return NULL;
  if (!ig_dim_is_const(t, a->q_heads, &q) || !ig_dim_is_const(t, a->kv_heads, &kv)) return refuse_shape(n, "the number of heads");
  IG_NODE_REQUIRE(n, kv > 0 && q % kv == 0, IG_ERROR_BAD_MODEL, "%lld query heads do not share %lld key heads evenly", (long long)q, (long long)kv);
  a->n_groups = q / kv;
  return NULL;
}

static ig_status read_past(ig_node *n, attention *a) {
  const ig_val *key = ig_node_in(n, IN_PAST_KEY), *value = ig_node_in(n, IN_PAST_VALUE);
  ig_dims *t = ig_node_dims(n);
  IG_NODE_REQUIRE(n, !key == !value, IG_ERROR_BAD_MODEL, "past_key and past_value come together");
  IG_NODE_REQUIRE(n, !key || !ig_node_in(n, IN_LENGTHS), IG_ERROR_BAD_MODEL, "nonpad_kv_seqlen cannot be combined with past_key");
  a->past_length = ig_dim_const(t, 0);
  if (key) {
    IG_TRY(ig_infer_rank(n, key, "past_key", 4));
    IG_TRY(ig_infer_rank(n, value, "past_value", 4));
    a->past_length = key->dims[2];
    const ig_dim want[2][4] = {{a->batch, a->kv_heads, key->dims[2], a->head}, {a->batch, a->kv_heads, key->dims[2], a->v_head}};
    for (int k = 0; k < 4; k++) {
      IG_TRY(ig_infer_equal(n, key->dims[k], want[0][k], "dims of past_key", NULL));
      IG_TRY(ig_infer_equal(n, value->dims[k], want[1][k], "dims of past_value", NULL));
    }
  }
  a->kv_length = ig_dim_add(t, a->past_length, a->new_length);
  return ig_infer_dims_done(n);
}

static ig_status read_attention(ig_node *n, attention *a) {
  const ig_val *q = ig_node_in(n, IN_Q), *k = ig_node_in(n, IN_K), *v = ig_node_in(n, IN_V), *lengths = ig_node_in(n, IN_LENGTHS);
  int64_t head;
  ig_dim v_heads;
  IG_NODE_REQUIRE(n, q->rank == 3 || q->rank == 4, IG_ERROR_BAD_MODEL, "Q has %d dims, expected 3 or 4", q->rank);
  const int64_t kv_heads = ig_op_attr_i(n, "kv_num_heads");
  const int along = q->rank - 2;
  *a = (attention){
      .flat = q->rank == 3, .batch = q->dims[0], .causal = ig_op_attr_i(n, "is_causal") != 0, .mode = ig_op_attr_i(n, "qk_matmul_output_mode")};
  IG_TRY(read_heads(n, IN_Q, ig_op_attr_i(n, "q_num_heads"), &a->q_heads, &a->head));
  IG_TRY(read_heads(n, IN_K, kv_heads, &a->kv_heads, &a->head));
  IG_TRY(read_heads(n, IN_V, kv_heads, &v_heads, &a->v_head));
  a->q_length = q->dims[a->flat ? 1 : along];
  a->new_length = k->dims[a->flat ? 1 : along];
  IG_TRY(ig_infer_equal(n, v_heads, a->kv_heads, "heads of K and V", NULL));
  IG_TRY(ig_infer_equal(n, v->dims[a->flat ? 1 : along], a->new_length, "lengths of K and V", NULL));
  IG_TRY(ig_infer_equal(n, k->dims[0], a->batch, "batch of Q and K", NULL));
  IG_TRY(ig_infer_equal(n, v->dims[0], a->batch, "batch of Q and V", NULL));
  if (lengths) IG_TRY(ig_infer_rank(n, lengths, "nonpad_kv_seqlen", 1));
  if (lengths) IG_TRY(ig_infer_equal(n, lengths->dims[0], a->batch, "nonpad_kv_seqlen and batch", NULL));
  IG_TRY(read_groups(n, a));
  IG_TRY(read_past(n, a));
  a->cap = (double)ig_op_attr_f(n, "softcap");
  a->left = ig_op_attr_i(n, "left_window_size");
  a->right = ig_op_attr_i(n, "right_window_size");
  IG_NODE_REQUIRE(n, a->mode >= QK_PRODUCT && a->mode <= QK_SOFTMAX && a->left >= -1 && a->right >= -1 && a->cap >= 0, IG_ERROR_BAD_MODEL,
                  "qk_matmul_output_mode, softcap or a window size is out of range");
  a->scale = (double)ig_op_attr_f(n, "scale");
  if (ig_node_attr(n, "scale")) return NULL;
  if (!ig_dim_is_const(ig_node_dims(n), a->head, &head)) return refuse_shape(n, "the size of a head");
  a->scale = 1 / sqrt((double)head);
  return NULL;
}

static ig_status attention_infer(ig_node *n) {
  attention a;
  const ig_dtype t1 = ig_node_in(n, IN_Q)->dtype, t2 = ig_node_in(n, IN_V)->dtype;
  const ig_val *mask = ig_node_in(n, IN_MASK);
  IG_TRY(read_attention(n, &a));
  IG_NODE_REQUIRE(n, !mask || (mask->rank >= 1 && mask->rank <= 4), IG_ERROR_BAD_MODEL, "attn_mask has %d dims, expected 1 to 4",
                  mask ? mask->rank : 0);
  const ig_dim y[4] = {a.batch, a.q_heads, a.q_length, a.v_head}, flat[3] = {a.batch, a.q_length, ig_dim_mul(ig_node_dims(n), a.q_heads, a.v_head)};
  const ig_dim key[4] = {a.batch, a.kv_heads, a.kv_length, a.head}, value[4] = {a.batch, a.kv_heads, a.kv_length, a.v_head};
  const ig_dim scores[4] = {a.batch, a.q_heads, a.q_length, a.kv_length};
  IG_TRY(ig_infer_set(n, 0, t1, a.flat ? 3 : 4, a.flat ? flat : y));
  IG_TRY(ig_infer_set(n, 1, t1, 4, key));
  IG_TRY(ig_infer_set(n, 2, t2, 4, value));
  return ig_infer_set(n, 3, t1, 4, scores);
}

/* ---- lowering ---- */

/* x as [batch, heads, length, head]. */
static ig_val *by_heads(ig_lower *l, ig_val *x, ig_dim heads, ig_dim head) {
  static const uint8_t perm[4] = {0, 2, 1, 3};
  if (x->rank == 4) return x;
  const ig_dim dims[4] = {x->dims[0], x->dims[1], heads, head};
  return ig_lo_permute(l, ig_lo_reshape(l, x, 4, dims), perm);
}

/* past and x one behind the other. */
static ig_val *append(ig_lower *l, ig_val *past, ig_val *x, ig_dim length) {
  if (!past || !x) return x;
  ig_val *in[2] = {past, x};
  const ig_dim dims[4] = {x->dims[0], x->dims[1], length, x->dims[3]};
  return ig_lo_concat(l, in, 2, 2, dims);
}

/* a * b, where a has n_groups heads for each of b's; dims: the result's. */
static ig_val *product(ig_lower *l, const attention *t, ig_val *a, ig_val *b, double alpha, ig_dtype dtype, const ig_dim *dims) {
  if (!a || !b) return NULL;
  ig_lo_matmul_desc d = {.a = a, .b = b, .alpha = alpha, .dtype = dtype};
  if (t->n_groups > 1) {
    const ig_dim groups = ig_dim_const(&l->ir->dims, t->n_groups), one = ig_dim_const(&l->ir->dims, 1);
    const ig_dim da[5] = {t->batch, t->kv_heads, groups, a->dims[2], a->dims[3]}, db[5] = {t->batch, t->kv_heads, one, b->dims[2], b->dims[3]};
    d.a = ig_lo_reshape(l, a, 5, da);
    d.b = ig_lo_reshape(l, b, 5, db);
    if (!d.a || !d.b) return NULL;
  }
  return ig_lo_reshape(l, ig_lo_matmul(l, &d), 4, dims);
}

/* The mask over all keys: those that it does not speak of are masked. */
static ig_val *whole_mask(ig_lower *l, const attention *a, ig_val *mask) {
  ig_dims *t = &l->ir->dims;
  const uint32_t rank = (uint32_t)mask->rank;
  ig_dim dims[4];
  if (ig_dim_prove_eq(t, mask->dims[rank - 1], a->kv_length) == 1) return mask;
  ig_status st = ig_dims_guard(t, IG_GUARD_GE, a->kv_length, mask->dims[rank - 1], l->src->name, "keys and attn_mask");
  if (st) return ig_lo_fail(l, st), NULL;
  memcpy(dims, mask->dims, rank * sizeof *dims);
  dims[rank - 1] = a->kv_length;
  ig_move_params p = {.border = IG_MOVE_CONSTANT};
  for (int k = 0; k < IG_MAX_RANK; k++)
    p.pad_lo[k] = ig_dim_const(t, 0);
  ig_val *in[2] = {mask, ig_lo_scalar(l, mask->dtype, ig_type_bit(mask->dtype) & IG_TYPES_FLOAT ? -INFINITY : 0)}, *out = NULL;
  const ig_lo_kernel_desc d = {
      .kind = IG_KIND_move, .params = &p, .in = in, .n_in = 2, .out_dtypes = &mask->dtype, .n_out = 1, .rank = rank, .dims = dims};
  ig_lo_kernel(l, &d, &out);
  return out;
}

static void also(ig_pw *c, ig_sreg *allowed, bool *any, ig_sreg more) {
  *allowed = *any ? ig_pw_2(c, IG_SOP_AND, *allowed, more) : more;
  *any = true;
}

/* Whether key j may be read by query i, over scores of this rank: causality, windows, lengths. False: everything may. */
static bool allow(ig_pw *c, const attention *a, const ig_sreg *length, bool has_past, uint32_t rank, ig_sreg *out) {
  bool any = false;
  const ig_sreg j = ig_s_coord(&c->b, rank - 1);
  ig_sreg at = ig_s_coord(&c->b, rank - 2);
  if (has_past) at = ig_pw_2(c, IG_SOP_ADD, at, ig_s_dim(&c->b, a->past_length));
  if (length) at = ig_pw_2(c, IG_SOP_ADD, at, ig_pw_2(c, IG_SOP_SUB, *length, ig_s_dim(&c->b, a->q_length)));
  if (a->causal) also(c, out, &any, ig_pw_2(c, IG_SOP_LE, j, at));
  if (a->left >= 0) also(c, out, &any, ig_pw_2(c, IG_SOP_LE, ig_pw_2(c, IG_SOP_SUB, at, j), ig_s_i64(&c->b, IG_S_I64, a->left)));
  if (a->right >= 0) also(c, out, &any, ig_pw_2(c, IG_SOP_LE, ig_pw_2(c, IG_SOP_SUB, j, at), ig_s_i64(&c->b, IG_S_I64, a->right)));
  if (length) also(c, out, &any, ig_pw_2(c, IG_SOP_LT, j, *length));
  return any;
}

/* Score s soft-capped; with the mask and all limits where `biased`. Further operands, of the scores' dims by broadcast, are appended to in; rank: of the space. */
static bool adjusted(ig_pw *c, ig_lower *l, const ig_node *n, const attention *a, bool biased, uint32_t rank, const ig_dim *dims, ig_val **in, uint32_t *n_in, ig_sreg *s) {
  ig_val *mask = biased ? ig_node_in(n, IN_MASK) : NULL, *lengths = biased ? ig_node_in(n, IN_LENGTHS) : NULL;
  ig_sreg allowed = 0, length = 0;
  if (mask && !(mask = whole_mask(l, a, mask))) return false;
  if (lengths && !(lengths = ig_lo_along(l, lengths, 0, 4, dims))) return false;
  if (a->cap > 0) *s = ig_pw_2(c, IG_SOP_MUL, ig_pw_1(c, IG_SOP_TANH, ig_pw_2(c, IG_SOP_DIV, *s, ig_pw_f(c, a->cap))), ig_pw_f(c, a->cap));
  if (mask) {
    ig_sreg m = ig_pw_operand(c, mask, in, n_in);
    const ig_sreg none = ig_pw_f(c, -INFINITY);
    if (mask->dtype == IG_DTYPE_BOOL) {
      *s = ig_pw_select(c, m, *s, none);
    } else {
      if (ig_s_type(&c->b, m) != c->t) m = ig_s_cast(&c->b, m, c->t);
      *s = ig_pw_select(c, ig_pw_2(c, IG_SOP_EQ, m, none), none, ig_pw_2(c, IG_SOP_ADD, *s, m));
    }
  }
  if (lengths) length = ig_pw_operand(c, lengths, in, n_in);
  if (biased && allow(c, a, lengths ? &length : NULL, ig_node_in(n, IN_PAST_KEY) != NULL, rank, &allowed)) *s = ig_pw_select(c, allowed, *s, ig_pw_f(c, -INFINITY));
  return true;
}

static ig_val *adjust(ig_lower *l, const ig_node *n, const attention *a, ig_val *scores, bool biased) {
  ig_val *in[3];
  uint32_t n_in = 0;
  ig_pw c;
  if (!scores) return NULL;
  ig_pw_begin(&c, l, n);
  c.t = ig_stype_of(scores->dtype);
  ig_sreg s = ig_pw_operand(&c, scores, in, &n_in);
  if (!adjusted(&c, l, n, a, biased, 4, scores->dims, in, &n_in, &s)) return NULL;
  ig_pw_store(&c, 0, s, scores->dtype, 0);
  return ig_pw_map(&c, l, in, n_in, scores->dtype, 4, scores->dims);
}

static bool may_be_empty(const ig_node *n, const attention *a) {
  return ig_node_in(n, IN_MASK) || ig_node_in(n, IN_LENGTHS) || a->left >= 0 || a->right >= 0;
}

/* Softmax over keys, of type dtype; rows without any key are 0. */
static ig_val *probabilities(ig_lower *l, const ig_node *n, const attention *a, ig_val *scores, ig_dtype dtype) {
  const ig_softmax_params p = {.axis = 3, .scale = 1};
  if (!scores) return NULL;
  if (!may_be_empty(n, a)) return ig_lo_kernel1(l, IG_KIND_softmax, &p, &scores, 1, dtype);
  const ig_reduce_params most = {.axes_mask = 8, .op = IG_REDUCE_MAX, .acc = (int64_t)ig_stype_of(scores->dtype)};
  ig_val *in[2], *raw = ig_lo_kernel1(l, IG_KIND_softmax, &p, &scores, 1, scores->dtype);
  ig_val *top = ig_lo_kernel1(l, IG_KIND_reduce, &most, &scores, 1, scores->dtype);
  uint32_t n_in = 0;
  ig_pw c;
  if (!raw || !top) return NULL;
  ig_pw_begin(&c, l, n);
  c.t = ig_stype_of(scores->dtype);
  const ig_sreg v = ig_pw_operand(&c, raw, in, &n_in), m = ig_pw_operand(&c, top, in, &n_in);
  ig_pw_store(&c, 0, ig_pw_select(&c, ig_pw_2(&c, IG_SOP_EQ, m, ig_pw_f(&c, -INFINITY)), ig_pw_f(&c, 0), v), dtype, 0);
  return ig_pw_map(&c, l, in, n_in, dtype, 4, scores->dims);
}

/* v, of dims [batch, heads or key heads, rows, columns], with query heads that share key heads as an axis of their own where there are any. */
static ig_val *grouped(ig_lower *l, const attention *a, ig_val *v, bool shared) {
  ig_dims *t = &l->ir->dims;
  if (!v || a->n_groups == 1) return v;
  const ig_dim groups = ig_dim_const(t, a->n_groups), own[5] = {a->batch, a->kv_heads, shared ? ig_dim_const(t, 1) : groups, v->dims[2], v->dims[3]},
               all[5] = {a->batch, a->kv_heads, groups, v->dims[2], v->dims[3]};
  return ig_lo_expand(l, ig_lo_reshape(l, v, 5, own), 5, all);
}

/* The whole as one kernel; NULL where scores are a result or are rounded to a narrower type on the way. */
static ig_val *as_kernel(ig_lower *l, const ig_node *n, const attention *a, ig_val *q, ig_val *k, ig_val *v) {
  ig_dims *t = &l->ir->dims;
  const ig_dim scores[4] = {a->batch, a->q_heads, a->q_length, a->kv_length}, y_dims[4] = {a->batch, a->q_heads, a->q_length, a->v_head};
  const uint32_t rank = a->n_groups > 1 ? 5 : 4;
  ig_val *in[3 + 3] = {NULL}, *more[3], *y = NULL;
  uint32_t n_more = 0;
  ig_sprog prog = {NULL, 0};
  ig_pw c;
  if (ig_node_out(n, 3) || (q->dtype != IG_DTYPE_F32 && q->dtype != IG_DTYPE_F64) || v->dtype != q->dtype || ig_dim_equals(t, a->kv_length, 0)) return NULL;
  ig_pw_begin(&c, l, n);
  c.t = ig_stype_of(q->dtype);
  const ig_sreg score = ig_s_load(&c.b, 0, q->dtype);
  ig_sreg s = score;
  more[n_more++] = NULL; /* operand 0 is the score */
  if (!adjusted(&c, l, n, a, true, rank, scores, more, &n_more, &s)) return NULL;
  ig_pw_store(&c, 0, s, q->dtype, 0);
  ig_status st = s == score ? NULL : ig_sbuild_finish(&c.b, &prog);
  if (st) return ig_lo_fail(l, st), NULL;
  in[0] = grouped(l, a, q, false);
  in[1] = grouped(l, a, k, true);
  in[2] = grouped(l, a, v, true);
  for (uint32_t i = 1; i < n_more; i++) in[2 + i] = grouped(l, a, ig_lo_expand(l, more[i], 4, scores), false);
  for (uint32_t i = 0; i < 2 + n_more; i++)
    if (!in[i]) return NULL;
  const ig_attention_params p = {.empty = may_be_empty(n, a) ? IG_ATTENTION_ZERO_EMPTY : IG_ATTENTION_NAN, .scale = a->scale};
  const ig_lo_kernel_desc d = {.kind = IG_KIND_attention, .params = &p, .in = in, .n_in = 2 + n_more, .out_dtypes = &q->dtype, .n_out = 1, .prog = &prog};
  return ig_lo_kernel(l, &d, &y) ? ig_lo_reshape(l, y, 4, y_dims) : NULL;
}

static ig_status attention_lower(ig_lower *l, const ig_node *n) {
  static const uint8_t swap[4] = {0, 1, 3, 2}, back[4] = {0, 2, 1, 3};
  ig_val *q = ig_node_in(n, IN_Q), *k = ig_node_in(n, IN_K), *v = ig_node_in(n, IN_V);
  const ig_dtype dtype = q->dtype, wide = dtype == IG_DTYPE_F64 ? IG_DTYPE_F64 : IG_DTYPE_F32;
  attention a;
  IG_TRY(read_attention((ig_node *)(uintptr_t)n, &a));
  const ig_dim scores_dims[4] = {a.batch, a.q_heads, a.q_length, a.kv_length}, y_dims[4] = {a.batch, a.q_heads, a.q_length, a.v_head};
  q = by_heads(l, q, a.q_heads, a.head);
  k = append(l, ig_node_in(n, IN_PAST_KEY), by_heads(l, k, a.kv_heads, a.head), a.kv_length);
  v = append(l, ig_node_in(n, IN_PAST_VALUE), by_heads(l, v, a.kv_heads, a.v_head), a.kv_length);
  if (!q || !k || !v) return NULL;
  if (ig_node_out(n, 1)) ig_lo_result(l, 1, k);
  if (ig_node_out(n, 2)) ig_lo_result(l, 2, v);
  ig_val *y = as_kernel(l, n, &a, q, k, v);
  if (y) {
    if (a.flat) y = ig_lo_reshape(l, ig_lo_permute(l, y, back), 3, n->out[0]->dims);
    ig_lo_result(l, 0, y);
    return NULL;
  }
  ig_val *scores = product(l, &a, q, ig_lo_permute(l, k, swap), a.scale, wide, scores_dims), *biased = adjust(l, n, &a, scores, true);
  ig_val *p = probabilities(l, n, &a, biased, dtype);
  if (!p) return NULL;
  if (ig_node_out(n, 3)) {
    ig_val *shown = a.mode == QK_PRODUCT ? scores : a.mode == QK_CAPPED ? adjust(l, n, &a, scores, false) : a.mode == QK_BIASED ? biased : p;
    ig_lo_result(l, 3, ig_lo_cast(l, shown, dtype));
  }
  if (!ig_node_out(n, 0)) return NULL;
  y = product(l, &a, ig_lo_cast(l, p, v->dtype), v, 1, v->dtype, y_dims);
  if (y && a.flat) y = ig_lo_reshape(l, ig_lo_permute(l, y, back), 3, n->out[0]->dims);
  ig_lo_result(l, 0, ig_lo_cast(l, y, dtype));
  return NULL;
}

#define MASK_TYPES (IG_TYPES_NUMERIC | IG_T(BOOL))
static const ig_op_arg attention_in[] = {{"Q", 'T', IG_TYPES_FLOAT, 0},
                                         {"K", 'T', IG_TYPES_FLOAT, 0},
                                         {"V", 'V', IG_TYPES_FLOAT, 0},
                                         {"attn_mask", 0, MASK_TYPES, IG_ARG_OPTIONAL},
                                         {"past_key", 'T', IG_TYPES_FLOAT, IG_ARG_OPTIONAL},
                                         {"past_value", 'V', IG_TYPES_FLOAT, IG_ARG_OPTIONAL},
                                         {"nonpad_kv_seqlen", 0, IG_T(I64), IG_ARG_OPTIONAL}};
static const ig_op_arg attention_out[] = {{"Y", 'T', IG_TYPES_FLOAT, 0},
                                          {"present_key", 'T', IG_TYPES_FLOAT, IG_ARG_OPTIONAL},
                                          {"present_value", 'V', IG_TYPES_FLOAT, IG_ARG_OPTIONAL},
                                          {"qk_matmul_output", 'T', IG_TYPES_FLOAT, IG_ARG_OPTIONAL}};
static const ig_op_attr attention_attrs[] = {{"is_causal", IG_ATTR_INT, false, 0, 0, NULL},
                                             {"q_num_heads", IG_ATTR_INT, false, 0, 0, NULL},
                                             {"kv_num_heads", IG_ATTR_INT, false, 0, 0, NULL},
                                             {"scale", IG_ATTR_FLOAT, false, 0, 1, NULL},
                                             {"softcap", IG_ATTR_FLOAT, false, 0, 0, NULL},
                                             {"softmax_precision", IG_ATTR_INT, false, 0, 0, NULL},
                                             {"qk_matmul_output_mode", IG_ATTR_INT, false, 0, 0, NULL},
                                             {"left_window_size", IG_ATTR_INT, false, -1, 0, NULL},
                                             {"right_window_size", IG_ATTR_INT, false, -1, 0, NULL}};
static const char *const attention_cases[] = {
    "f32[2,3,4,8] f32[2,3,6,8] f32[2,3,6,8]",
    "f32[2,4,24] f32[2,6,24] f32[2,6,30] f32[4,6] q_num_heads=3 kv_num_heads=3 is_causal=1",
    "f32[1,4,3,8] f32[1,2,5,8] f32[1,2,5,4] softcap=2",
    "f32[2,3,4,8] f32[2,3,2,8] f32[2,3,2,8] bool[4,5] f32[2,3,3,8] f32[2,3,3,8] qk_matmul_output_mode=2 -> 4",
    "f16[1,2,3,8] f16[1,2,3,8] f16[1,2,3,8] left_window_size=1 right_window_size=0",
    "f32[2,2,2,4] f32[2,2,6,4] f32[2,2,6,4] f32[2,4] - - i64[2]=3,6 is_causal=1",
    NULL};
const ig_op ig_op_Attention = {.domain = "",
                               .name = "Attention",
                               .since = 25,
                               .oldest = 23,
                               .cls = IG_CLASS_COMPOSITE,
                               IG_OP_ARGS(attention_in, attention_out),
                               IG_OP_ATTRS(attention_attrs),
                               .infer = attention_infer,
                               .lower = attention_lower,
                               .cases = attention_cases};
