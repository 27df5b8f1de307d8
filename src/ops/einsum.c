/* Einsum: the terms are taken in one by one; each pair becomes a batched matrix product over the letters that end there, or a product of elements
 * where none does. Before that a letter that occurs twice in a term becomes its diagonal (a masked sum) and one that nothing else names is summed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/pointwise.h"
#include <ctype.h>

enum { LABELS = 52 + IG_MAX_RANK }; /* A-Z, a-z, then the axes of the ellipsis from the right */
typedef struct term {
  uint8_t labels[IG_MAX_RANK];
  uint32_t n;
} term;
typedef struct equation {
  term *in;
  term out;
  ig_dim dims[LABELS];
} equation;
typedef uint64_t label_set;

static label_set bit(uint8_t label) { return (label_set)1 << label; }
static label_set labels_of(const term *t) {
  label_set s = 0;
  for (uint32_t i = 0; i < t->n; i++)
    s |= bit(t->labels[i]);
  return s;
}
static bool has(label_set s, uint8_t label) { return s & bit(label); }

/* ---- parsing ---- */

static ig_status add_label(const ig_node *n, term *t, uint8_t label) {
  if (t->n == IG_MAX_RANK)
    return ig_status_with(ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "a term has more than %d letters", IG_MAX_RANK),
                          IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_SHAPE");
  t->labels[t->n++] = label;
  return NULL;
}

/* A term's letters up to its end; n_ellipsis: axes that "..." stands for. */
static ig_status parse_term(const ig_node *n, const char **text, uint32_t n_ellipsis, term *out) {
  bool dots = false;
  *out = (term){.n = 0};
  for (; **text && **text != ',' && !(**text == '-' && (*text)[1] == '>'); ++*text) {
    const unsigned char ch = (unsigned char)**text;
    if (ch == ' ') continue;
    if (isalpha(ch)) {
      IG_TRY(add_label(n, out, (uint8_t)(isupper(ch) ? ch - 'A' : ch - 'a' + 26)));
      continue;
    }
    IG_NODE_REQUIRE(n, strncmp(*text, "...", 3) == 0 && !dots, IG_ERROR_BAD_MODEL, "equation '%s' is malformed at '%s'", ig_op_attr_s(n, "equation"),
                    *text);
    dots = true;
    *text += 2;
    for (uint32_t i = n_ellipsis; i-- > 0;)
      IG_TRY(add_label(n, out, (uint8_t)(52 + i)));
  }
  return NULL;
}

/* Number of letters, so that what is left of the rank is the ellipsis. */
static uint32_t count_letters(const char *text) {
  uint32_t count = 0;
  for (; *text && *text != ',' && *text != '-'; text++)
    count += isalpha((unsigned char)*text) != 0;
  return count;
}

static bool has_dots(const char *text) {
  for (; *text && *text != ',' && *text != '-'; text++)
    if (*text == '.') return true;
  return false;
}

static ig_status merge_dim(ig_node *n, equation *e, uint8_t label, ig_dim d) {
  ig_dims *t = ig_node_dims(n);
  ig_dim *own = &e->dims[label];
  if (*own == IG_DIM_BAD) {
    *own = d;
    return NULL;
  }
  if (label >= 52 || ig_dim_equals(t, *own, 1) || ig_dim_equals(t, d, 1)) {
    *own = ig_dim_broadcast(t, *own, d, n->name);
    return ig_infer_dims_done(n);
  }
  return ig_infer_equal(n, *own, d, "extents of one letter", own);
}

/* Letters in order that occur once in all, after the ellipsis. */
static ig_status implicit_output(ig_node *n, equation *e, uint32_t n_ellipsis) {
  uint32_t seen[52] = {0};
  for (uint32_t i = 0; i < n->n_in; i++)
    for (uint32_t k = 0; k < e->in[i].n; k++)
      if (e->in[i].labels[k] < 52) seen[e->in[i].labels[k]]++;
  e->out.n = 0;
  for (uint32_t i = n_ellipsis; i-- > 0;)
    IG_TRY(add_label(n, &e->out, (uint8_t)(52 + i)));
  for (uint8_t i = 0; i < 52; i++)
    if (seen[i] == 1) IG_TRY(add_label(n, &e->out, i));
  return NULL;
}

static ig_status check_output(const ig_node *n, const equation *e) {
  label_set seen = 0;
  for (uint32_t i = 0; i < e->out.n; i++) {
    const uint8_t label = e->out.labels[i];
    IG_NODE_REQUIRE(n, e->dims[label] != IG_DIM_BAD && !has(seen, label), IG_ERROR_BAD_MODEL,
                    "equation '%s': a letter of the result is unknown or occurs twice", ig_op_attr_s(n, "equation"));
    seen |= bit(label);
  }
  return NULL;
}

static ig_status parse(ig_node *n, equation *e) {
  const char *text = ig_op_attr_s(n, "equation");
  uint32_t most = 0;
  *e = (equation){.in = IG_NEW_ARRAY(ig_node_arena(n), term, n->n_in)};
  if (!e->in) return ig_arena_status(ig_node_arena(n));
  for (uint32_t i = 0; i < n->n_in; i++) {
    const ig_val *v = ig_node_in(n, i);
    const uint32_t letters = count_letters(text), rank = (uint32_t)v->rank, extra = has_dots(text) && rank > letters ? rank - letters : 0;
    IG_TRY(parse_term(n, &text, extra, &e->in[i]));
    IG_NODE_REQUIRE(n, e->in[i].n == rank, IG_ERROR_BAD_MODEL, "input '%s' has %u dims, its term in '%s' names %u", v->name, rank,
                    ig_op_attr_s(n, "equation"), e->in[i].n);
    for (uint32_t k = 0; k < rank; k++)
      IG_TRY(merge_dim(n, e, e->in[i].labels[k], v->dims[k]));
    if (extra > most) most = extra;
    IG_NODE_REQUIRE(n, (*text == ',') == (i + 1 < n->n_in), IG_ERROR_BAD_MODEL, "equation '%s' does not have a term for each of %u inputs",
                    ig_op_attr_s(n, "equation"), n->n_in);
    text += *text == ',';
  }
  if (*text) {
    text += 2;
    IG_TRY(parse_term(n, &text, most, &e->out));
    IG_NODE_REQUIRE(n, !*text, IG_ERROR_BAD_MODEL, "equation '%s' has more than one result", ig_op_attr_s(n, "equation"));
  } else {
    IG_TRY(implicit_output(n, e, most));
  }
  return check_output(n, e);
}

static ig_status einsum_infer(ig_node *n) {
  equation e;
  ig_dim dims[IG_MAX_RANK];
  IG_TRY(parse(n, &e));
  for (uint32_t k = 0; k < e.out.n; k++)
    dims[k] = e.dims[e.out.labels[k]];
  return ig_infer_set(n, 0, ig_node_in(n, 0)->dtype, e.out.n, dims);
}

/* ---- lowering ---- */

/* A value whose axes have these labels. */
typedef struct factor {
  ig_val *v;
  term t;
} factor;

static void drop_axis(factor *f, uint32_t axis) {
  for (uint32_t k = axis; k + 1 < f->t.n; k++)
    f->t.labels[k] = f->t.labels[k + 1];
  f->t.n--;
}

/* Sum over the axes of mask, which go. */
static void sum_axes(ig_lower *l, factor *f, uint64_t mask) {
  if (!mask || !f->v) return;
  const ig_reduce_params p = {.axes_mask = (int64_t)mask, .op = IG_REDUCE_SUM, .acc = (int64_t)ig_stype_of(f->v->dtype)};
  ig_val *y = ig_lo_kernel1(l, IG_KIND_reduce, &p, &f->v, 1, f->v->dtype);
  ig_dim dims[IG_MAX_RANK];
  uint32_t rank = 0;
  for (uint32_t k = f->t.n; k-- > 0;)
    if (mask >> k & 1) drop_axis(f, k);
  for (int k = 0; k < f->v->rank; k++)
    if (!(mask >> k & 1)) dims[rank++] = f->v->dims[k];
  f->v = ig_lo_reshape(l, y, rank, dims);
}

/* x where the coordinates of two axes agree, else 0. */
static void mask_diagonal(ig_lower *l, const ig_node *n, factor *f, uint32_t a, uint32_t b) {
  ig_val *in[1];
  uint32_t n_in = 0;
  ig_pw c;
  ig_pw_begin(&c, l, n);
  const ig_sreg v = ig_pw_operand(&c, f->v, in, &n_in);
  const ig_sreg on = ig_pw_2(&c, IG_SOP_EQ, ig_s_coord(&c.b, a), ig_s_coord(&c.b, b));
  const ig_stype t = ig_s_type(&c.b, v);
  ig_pw_store(&c, 0, ig_pw_select(&c, on, v, ig_s_i64(&c.b, t, 0)), f->v->dtype, 0);
  f->v = ig_pw_map(&c, l, in, n_in, f->v->dtype, (uint32_t)f->v->rank, f->v->dims);
}

static void take_diagonals(ig_lower *l, const ig_node *n, factor *f) {
  for (uint32_t a = 0; a < f->t.n; a++)
    for (uint32_t b = f->t.n - 1; b > a; b--) {
      if (f->t.labels[a] != f->t.labels[b] || !f->v) continue;
      mask_diagonal(l, n, f, a, b);
      sum_axes(l, f, (uint64_t)1 << b);
    }
}

/* Sums the labels that are not in `kept`. */
static void sum_others(ig_lower *l, factor *f, label_set kept) {
  uint64_t mask = 0;
  for (uint32_t k = 0; k < f->t.n; k++)
    if (!has(kept, f->t.labels[k])) mask |= (uint64_t)1 << k;
  sum_axes(l, f, mask);
}

/* f with its axes in the order of t; labels that f lacks have an extent of 1. */
static ig_val *arrange(ig_lower *l, const factor *f, const term *t) {
  uint8_t perm[IG_MAX_RANK];
  ig_dim dims[IG_MAX_RANK];
  uint32_t n = 0;
  if (!f->v) return NULL;
  for (uint32_t i = 0; i < t->n; i++) {
    dims[i] = ig_dim_const(&l->ir->dims, 1);
    for (uint32_t k = 0; k < f->t.n; k++) {
      if (f->t.labels[k] != t->labels[i]) continue;
      perm[n++] = (uint8_t)k;
      dims[i] = f->v->dims[k];
    }
  }
  return ig_lo_reshape(l, ig_lo_permute(l, f->v, perm), t->n, dims);
}

static void append(term *t, const term *from, label_set of) {
  for (uint32_t k = 0; k < from->n; k++)
    if (has(of, from->labels[k])) t->labels[t->n++] = from->labels[k];
}

static ig_val *multiply(ig_lower *l, const ig_node *n, const equation *e, ig_val *a, ig_val *b, const term *t) {
  ig_val *in[2];
  uint32_t n_in = 0;
  ig_dim dims[IG_MAX_RANK];
  ig_pw c;
  if (!a || !b) return NULL;
  for (uint32_t k = 0; k < t->n; k++)
    dims[k] = e->dims[t->labels[k]];
  ig_pw_begin(&c, l, n);
  const ig_sreg x = ig_pw_operand(&c, a, in, &n_in), y = ig_pw_operand(&c, b, in, &n_in);
  ig_pw_store(&c, 0, ig_pw_2(&c, IG_SOP_MUL, x, y), a->dtype, 0);
  return ig_pw_map(&c, l, in, n_in, a->dtype, t->n, dims);
}

/* f as [batch, rows, columns], each the product of the labels of a term, at their full extents. */
static ig_val *as_matrices(ig_lower *l, const equation *e, const factor *f, const term *batch, const term *rows, const term *columns) {
  const term *parts[3] = {batch, rows, columns};
  term all = {.n = 0};
  ig_dim full[IG_MAX_RANK], dims[3];
  for (int i = 0; i < 3; i++) {
    dims[i] = ig_dim_const(&l->ir->dims, 1);
    for (uint32_t k = 0; k < parts[i]->n; k++) {
      full[all.n] = e->dims[parts[i]->labels[k]];
      dims[i] = ig_dim_mul(&l->ir->dims, dims[i], full[all.n]);
      all.labels[all.n++] = parts[i]->labels[k];
    }
  }
  return ig_lo_reshape(l, ig_lo_expand(l, arrange(l, f, &all), all.n, full), 3, dims);
}

static ig_status too_many(const ig_node *n) {
  return ig_status_with(ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "an intermediate result would have more than %d dims", IG_MAX_RANK),
                        IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_SHAPE");
}

/* acc times f; labels that are not in `kept` are summed. */
static ig_status contract(ig_lower *l, const ig_node *n, const equation *e, factor *acc, const factor *f, label_set kept) {
  const label_set a = labels_of(&acc->t), b = labels_of(&f->t), both = a & b;
  if ((uint32_t)__builtin_popcountll((a | b) & kept) > IG_MAX_RANK) return too_many(n);
  term batch = {.n = 0}, inner = {.n = 0}, rows = {.n = 0}, columns = {.n = 0}, out = {.n = 0};
  append(&batch, &acc->t, both & kept);
  append(&inner, &acc->t, both & ~kept);
  append(&rows, &acc->t, a & ~both);
  append(&columns, &f->t, b & ~both);
  append(&out, &batch, batch.n ? both : 0);
  append(&out, &rows, ~(label_set)0);
  append(&out, &columns, ~(label_set)0);
  if (inner.n == 0) {
    acc->v = multiply(l, n, e, arrange(l, acc, &out), arrange(l, f, &out), &out);
    acc->t = out;
    return NULL;
  }
  ig_dim dims[IG_MAX_RANK];
  for (uint32_t k = 0; k < out.n; k++)
    dims[k] = e->dims[out.labels[k]];
  const ig_lo_matmul_desc d = {.a = as_matrices(l, e, acc, &batch, &rows, &inner),
                               .b = as_matrices(l, e, f, &batch, &inner, &columns),
                               .alpha = 1,
                               .dtype = ig_node_in(n, 0)->dtype};
  if (!d.a || !d.b) return NULL;
  acc->v = ig_lo_reshape(l, ig_lo_matmul(l, &d), out.n, dims);
  acc->t = out;
  return NULL;
}

/* Labels that the result or a term from `from` on names. */
static label_set needed(const ig_node *n, const equation *e, uint32_t from) {
  label_set s = labels_of(&e->out);
  for (uint32_t i = from; i < n->n_in; i++)
    s |= labels_of(&e->in[i]);
  return s;
}

static ig_status einsum_lower(ig_lower *l, const ig_node *n) {
  equation e;
  factor acc = {.v = NULL};
  IG_TRY(parse((ig_node *)(uintptr_t)n, &e));
  for (uint32_t i = 0; i < n->n_in; i++) {
    factor f = {.v = ig_node_in(n, i), .t = e.in[i]};
    const label_set later = needed(n, &e, i + 1);
    take_diagonals(l, n, &f);
    sum_others(l, &f, later | labels_of(&acc.t));
    if (i > 0) sum_others(l, &acc, later | labels_of(&f.t));
    if (i == 0)
      acc = f;
    else
      IG_TRY(contract(l, n, &e, &acc, &f, later));
    if (!acc.v) return NULL;
  }
  sum_others(l, &acc, labels_of(&e.out));
  ig_val *y = arrange(l, &acc, &e.out);
  ig_lo_result(l, 0, y ? ig_lo_expand(l, y, e.out.n, n->out[0]->dims) : NULL);
  return NULL;
}

static const ig_op_arg einsum_in[] = {{"Inputs", 'T', IG_TYPES_NUMERIC, IG_ARG_VARIADIC}};
static const ig_op_arg einsum_out[] = {{"Output", 'T', IG_TYPES_NUMERIC, 0}};
static const ig_op_attr einsum_attrs[] = {{"equation", IG_ATTR_STRING, true, 0, 0, NULL}};
static const char *const einsum_cases[] = {"f32[2,3] equation=ij->ji",
                                           "f32[2,3] equation=ij->i",
                                           "f32[3] f32[3] equation=i,i",
                                           "f32[2,3,4] f32[2,4,5] equation=bij,bjk->bik",
                                           "f32[2,3,3] equation=...ii->...i",
                                           "f64[2,3,4] f64[4,5] f64[2,5] equation=abc,cd,ad->b",
                                           "f32[2,4,3,5] f32[2,6,3,5] equation=bqhd,bkhd->bhqk",
                                           "i32[2,1,3] i32[4,3] equation=...k,ok->...o",
                                           "f32[3] f32[2] equation=i,j->ji",
                                           "f32[2,3,4] equation=...c->c...",
                                           NULL};
const ig_op ig_op_Einsum = {.domain = "",
                            .name = "Einsum",
                            .since = 28,
                            .oldest = 12,
                            .cls = IG_CLASS_COMPOSITE,
                            IG_OP_ARGS(einsum_in, einsum_out),
                            IG_OP_ATTRS(einsum_attrs),
                            .infer = einsum_infer,
                            .lower = einsum_lower,
                            .cases = einsum_cases};
