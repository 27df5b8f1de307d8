/* Softmax between two products becomes attention: no scores in memory, no transposes, no scaled copies of queries and keys.
 *
 * The root is the second product. From its first operand the walk goes up through reshapes that regroup batch dims alone, the softmax, more such
 * reshapes and maps over scores (masks, biases, scales, caps), to the first product. All programs met are one program over the scores. Queries and
 * keys shed factors that exporters multiply into them; keys are the first product's second operand with its last axes swapped, again a view.
 * Where the spaces differ ([batch * heads, ..] here, [batch, heads, ..] there) attention takes the finest, in which operands are strided.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/edit.h"

enum { MAX_PIECES = 8, MAX_VIEWS = 12, MAX_IN = 12, MAX_DEPTH = 16 };

/* A map on the way from the first product to the softmax; its operand `chain` is the scores. */
typedef struct piece { ig_node *node; uint32_t chain; } piece;
typedef struct match {
  const ig_uses *uses;
  ig_node *first, *soft, *second;
  piece pieces[MAX_PIECES];          /* from the softmax up */
  uint32_t n_pieces;
  int64_t empty;
  ig_dtype dtype;
  const char *why;                   /* not matched: the reason */
  uint32_t rank;                     /* of the space; batch: its leading dims */
  ig_dim batch[IG_MAX_RANK];
} match;

static bool no(match *m, const char *why) {
  m->why = why;
  return false;
}

/* ---- programs ---- */

static uint32_t arity(const ig_sinsn *s) {
  const ig_sop_info *info = ig_sop_find(s->op);
  return info ? info->arity : 0;
}
static bool reads(const ig_sinsn *s, ig_sreg r) {
  const uint32_t n = arity(s);
  return (n > 0 && s->a == r) || (n > 1 && s->b == r) || (n > 2 && s->c == r);
}

static bool constant_of(const ig_sinsn *s, double *out) {
  const uint32_t bits = (uint32_t)s->imm;
  float f;
  if (s->op != IG_SOP_CONST || (s->type != IG_S_F32 && s->type != IG_S_F64)) return false;
  memcpy(&f, &bits, 4);
  memcpy(out, &s->imm, 8);
  if (s->type == IG_S_F32) *out = (double)f;
  return true;
}

/* The only reader of register 0, if it multiplies it by a constant: *out_factor, and its index; else 0. */
static ig_sreg factor_at(const ig_sbuild *b, double *out_factor) {
  ig_sreg reader = 0;
  for (ig_sreg i = 1; i < b->n; i++) {
    if (!reads(&b->insns[i], 0)) continue;
    if (reader) return 0;
    reader = i;
  }
  const ig_sinsn *s = &b->insns[reader];
  if (!reader || (s->op != IG_SOP_MUL && s->op != IG_SOP_DIV) || s->a == s->b || (s->op == IG_SOP_DIV && s->a != 0)) return 0;
  if (!constant_of(&b->insns[s->a == 0 ? s->b : s->a], out_factor) || (s->op == IG_SOP_DIV && *out_factor == 0)) return 0;
  if (s->op == IG_SOP_DIV) *out_factor = 1 / *out_factor;
  return reader;
}

/* Register 0 loads the score: constant factors on it alone move into *scale. */
static void take_factors(ig_sbuild *b, double *scale) {
  double f;
  for (ig_sreg at; (at = factor_at(b, &f)) != 0; *scale *= f) {
    for (ig_sreg i = at + 1; i < b->n; i++) {
      ig_sinsn *s = &b->insns[i];
      const uint32_t n = arity(s);
      if (n > 0 && s->a == at) s->a = 0;
      if (n > 1 && s->b == at) s->b = 0;
      if (n > 2 && s->c == at) s->c = 0;
    }
    b->insns[at] = (ig_sinsn){.op = IG_SOP_CONST, .type = b->insns[at].type};
  }
}

/* Stores what it loads. */
static bool is_plain(const ig_sbuild *b) {
  for (ig_sreg i = 1; i < b->n; i++)
    if (b->insns[i].op != IG_SOP_CONST && (b->insns[i].op != IG_SOP_STORE || b->insns[i].a != 0)) return false;
  return true;
}

/* A map that multiplies one operand by a constant. */
static bool scaling(ig_pass_ctx *c, const ig_node *n, double *out_factor) {
  const ig_request *r = ig_opt_request(n);
  ig_sbuild b;
  ig_sreg in, out = 0;
  *out_factor = 1;
  if (!r || r->kind != IG_KIND_map || r->n_in != 1 || r->n_out != 1 || r->prog.n > 8 || r->operands[0].dtype != ig_request_out(r, 0)->dtype) return false;
  const ig_dtype d = r->operands[0].dtype;
  if (d != IG_DTYPE_F32 && d != IG_DTYPE_F64) return false;
  ig_sbuild_init(&b, &c->ir->arena);
  in = ig_s_load(&b, 0, d);
  ig_status st = ig_s_splice(&b, &r->prog, &in, 1, &out, 1);
  if (st) return ig_status_free(st), false;
  ig_s_store(&b, 0, out, 0);
  take_factors(&b, out_factor);
  return is_plain(&b);
}

/* 0 where the value is NaN: exporters guard rows that are masked throughout so. */
static bool is_nan_to_zero(const ig_sprog *p) {
  uint32_t at = p->n;
  double zero;
  for (uint32_t i = 0; i < p->n; i++) {
    if (p->insns[i].op == IG_SOP_STORE) at = p->insns[i].a;
    if (p->insns[i].op == IG_SOP_LOAD && p->insns[i].imm != 0) return false;
  }
  const ig_sinsn *s = at < p->n ? &p->insns[at] : NULL;
  if (!s || s->op != IG_SOP_SELECT || p->insns[s->a].op != IG_SOP_IS_NAN) return false;
  return p->insns[s->c].op == IG_SOP_LOAD && p->insns[s->a].a == s->c && constant_of(&p->insns[s->b], &zero) && zero == 0;
}

/* ---- matching ---- */

/* A reshape that leaves the last two axes alone. */
static bool regroups_batch(const ig_node *n) {
  if (n->form != IG_FORM_VIEW || n->view.op != IG_VIEW_RESHAPE) return false;
  const ig_val *x = ig_node_in(n, 0), *y = n->out[0];
  return x->rank >= 2 && y->rank >= 2 && x->dims[x->rank - 1] == y->dims[y->rank - 1] && x->dims[x->rank - 2] == y->dims[y->rank - 2];
}

static bool is_constant(const ig_val *v) {
  while (v && !v->data && v->producer && v->producer->form == IG_FORM_VIEW)
    v = ig_node_in(v->producer, 0);
  return v && v->data;
}

static bool plain_product(const ig_node *n, ig_dtype d) {
  const ig_request *r = ig_opt_request(n);
  if (!r || r->kind != IG_KIND_matmul || r->n_out != 1) return false;
  for (uint32_t i = 2; i < r->n_in; i++)
    if (ig_request_in(r, i)->value != IG_NO_VALUE) return false;
  return ig_request_in(r, 0)->dtype == d && ig_request_in(r, 1)->dtype == d && ((const ig_matmul_params *)r->params)->acc == (int64_t)ig_stype_of(d);
}

static bool only_read_by(const match *m, const ig_val *v, const ig_node *reader) { return ig_uses_of(m->uses, v) == ig_uses_within(reader, v); }

/* From scores v, read by `reader`, up to the product that makes them. */
static bool climb(match *m, ig_val *v, const ig_node *reader, uint32_t depth) {
  ig_node *p = v->data ? NULL : v->producer;
  const ig_request *r = ig_opt_request(p);
  if (!p || p->graph != m->second->graph || depth == MAX_DEPTH) return no(m, "the scores are not made by a product");
  if (!only_read_by(m, v, reader)) return no(m, "the scores have other uses");
  if (regroups_batch(p)) return climb(m, ig_node_in(p, 0), p, depth + 1);
  if (!r || v->dtype != m->dtype) return no(m, "the scores are not made by a product");
  if (r->kind == IG_KIND_matmul) {
    if (!plain_product(p, m->dtype)) return no(m, "the scores' product is of another type, or has zero points");
    if (is_constant(ig_opt_operand(p, 1))) return no(m, "the keys are constant");
    m->first = p;
    return true;
  }
  if (r->kind != IG_KIND_map || r->n_out != 1 || m->n_pieces == MAX_PIECES || ig_sprog_has(&r->prog, IG_SOP_RANDOM))
    return no(m, "what makes the scores is neither a product nor a map over one");
  for (uint32_t i = 0; i < r->n_in; i++) {
    ig_val *x = ig_opt_operand(p, i);
    if (x->dtype != m->dtype || x->data) continue;
    m->pieces[m->n_pieces++] = (piece){p, i};
    if (climb(m, x, p, depth + 1)) return true;
    m->n_pieces--;
  }
  return m->why ? false : no(m, "the scores are not made by a product");
}

/* True where the root reads a softmax over its rows: then m->why tells why it does not match. */
static bool find(match *m) {
  ig_val *v = ig_opt_operand(m->second, 0);
  const ig_node *reader = m->second;
  while (v && !v->data && v->producer && regroups_batch(v->producer) && only_read_by(m, v, reader))
    reader = v->producer, v = ig_node_in(reader, 0);
  ig_node *s = v && !v->data ? v->producer : NULL;
  const ig_request *r = ig_opt_request(s);
  if (!r || r->kind != IG_KIND_softmax) return false;
  const ig_softmax_params *p = r->params;
  m->soft = s;
  m->dtype = v->dtype;
  if (s->graph != m->second->graph) return no(m, "the softmax is in another graph"), true;
  if (!only_read_by(m, v, reader)) return no(m, "the probabilities have other uses"), true;
  if (p->log || p->axis != v->rank - 1 || v->rank < 2) return no(m, "the softmax is over another axis"), true;
  if ((m->dtype != IG_DTYPE_F32 && m->dtype != IG_DTYPE_F64) || ig_request_in(r, 0)->dtype != m->dtype)
    return no(m, "the probabilities are rounded to a narrower type"), true;
  if (!plain_product(m->second, m->dtype) || ((const ig_matmul_params *)ig_opt_request(m->second)->params)->alpha != 1.0)
    return no(m, "the product with the values has a factor, another type or zero points"), true;
  if (is_constant(ig_opt_operand(m->second, 1))) return no(m, "the values are constant"), true;
  if (r->epi.n && !is_nan_to_zero(&r->epi)) return no(m, "the probabilities are changed before they are used"), true;
  m->empty = r->epi.n ? IG_ATTENTION_ZERO_NAN : IG_ATTENTION_NAN;
  if (climb(m, ig_opt_operand(s, 0), s, 0)) m->why = NULL;
  return true;
}

/* ---- the space ---- */

static void consider(match *m, const ig_val *v) {
  if ((uint32_t)v->rank <= m->rank) return;
  m->rank = (uint32_t)v->rank;
  memcpy(m->batch, v->dims, (m->rank - 2) * sizeof *m->batch);
}

/* Heads joined with the batch ([batch * heads, length, head]) are taken apart: without that their strides do not exist. */
static void split_heads(ig_dims *t, match *m, ig_val *q) {
  const ig_dim head = q->dims[q->rank - 1];
  for (uint32_t i = 0; i < MAX_VIEWS && !q->data && q->producer && q->producer->form == IG_FORM_VIEW && m->rank == 3; i++) {
    ig_val *x = ig_node_in(q->producer, 0);
    if (q->producer->view.op == IG_VIEW_RESHAPE && q->rank > 0 && x->rank > 0 && q->dims[q->rank - 1] == head && x->dims[x->rank - 1] != head) {
      int64_t wide, narrow;
      if (!ig_dim_is_const(t, x->dims[x->rank - 1], &wide) || !ig_dim_is_const(t, head, &narrow) || narrow <= 0 || wide % narrow || wide <= narrow) return;
      const ig_dim heads = ig_dim_const(t, wide / narrow), rest = ig_dim_floordiv(t, m->batch[0], heads);
      if (ig_dim_mul(t, rest, heads) != m->batch[0]) return;
      m->rank = 4;
      m->batch[0] = rest;
      m->batch[1] = heads;
    }
    q = x;
  }
}

/* Heads that share keys are joined from [.., key heads, groups]: there their strides exist. */
static void consider_source(match *m, ig_val *v) {
  while (!v->data && v->producer && regroups_batch(v->producer))
    consider(m, v = ig_node_in(v->producer, 0));
}

static void choose_space(ig_dims *t, match *m, ig_val *q, ig_val *v) {
  m->rank = 0;
  consider(m, m->first->out[0]);
  for (uint32_t i = m->n_pieces; i-- > 0;)
    consider(m, m->pieces[i].node->out[0]);
  consider(m, m->soft->out[0]);
  consider(m, m->second->out[0]);
  consider_source(m, v);
  split_heads(t, m, q);
}

static bool in_space(const match *m, const ig_val *v) {
  return (uint32_t)v->rank == m->rank && memcmp(v->dims, m->batch, (m->rank - 2) * sizeof *v->dims) == 0;
}

/* Coordinates of batch axes mean nothing in another space. */
static bool coordinates_fit(const match *m, const ig_sprog *p, const ig_val *space) {
  for (uint32_t i = 0; i < p->n && !in_space(m, space); i++)
    if (p->insns[i].op == IG_SOP_COORD && p->insns[i].imm + 2 < (uint64_t)space->rank) return false;
  return true;
}
static bool all_coordinates_fit(const match *m) {
  bool fit = coordinates_fit(m, &ig_opt_request(m->first)->epi, m->first->out[0]) && coordinates_fit(m, &ig_opt_request(m->second)->epi, m->second->out[0]);
  for (uint32_t i = 0; i < m->n_pieces; i++)
    fit = fit && coordinates_fit(m, &ig_opt_request(m->pieces[i].node)->prog, m->pieces[i].node->out[0]);
  return fit;
}

/* ---- building ---- */

typedef struct maker {
  match *m;
  ig_lower lo;
  ig_sbuild b;
  ig_val *in[MAX_IN];
  uint32_t n_in;
  double scale;
} maker;

static ig_val *to_space(maker *k, ig_val *v) {
  ig_dim dims[IG_MAX_RANK];
  if (!v) return NULL;
  memcpy(dims, k->m->batch, (k->m->rank - 2) * sizeof *dims);
  dims[k->m->rank - 2] = v->dims[v->rank - 2];
  dims[k->m->rank - 1] = v->dims[v->rank - 1];
  return ig_lo_reshape(&k->lo, v, k->m->rank, dims);
}

/* A view like n of x. */
static ig_val *view_again(maker *k, const ig_node *n, ig_val *x) {
  ig_node *y = ig_node_new(n->graph, k->lo.before, n->name, IG_FORM_VIEW, &x, 1, 1);
  if (!y) return NULL;
  y->view = n->view;
  y->sources = n->sources;
  y->domain = n->domain;
  y->type = n->type;
  ig_val_set_type(y->out[0], n->out[0]->dtype, n->out[0]->rank, n->out[0]->dims);
  return y->out[0];
}

/* v without the constant factors that maps on its way multiply in; they go to the scale. */
static ig_val *unscaled(ig_pass_ctx *c, maker *k, ig_val *v) {
  const ig_node *views[MAX_VIEWS];
  uint32_t n = 0;
  double f;
  ig_val *x = v;
  while (!x->data && x->producer && x->producer->form == IG_FORM_VIEW && x->producer->view.op != IG_VIEW_BITCAST && n < MAX_VIEWS)
    views[n++] = x->producer, x = ig_node_in(x->producer, 0);
  if (x->data || !x->producer || !scaling(c, x->producer, &f)) return v;
  k->scale *= f;
  x = unscaled(c, k, ig_opt_operand(x->producer, 0));
  while (x && n > 0)
    x = view_again(k, views[--n], x);
  return x;
}

/* The register that a further operand of the score's program loads. */
static ig_sreg operand(maker *k, ig_val *v) {
  if (k->n_in == MAX_IN) {
    k->b.failed = true;
    return 0;
  }
  k->in[k->n_in++] = to_space(k, v);
  return ig_s_load(&k->b, k->n_in - 3, v->dtype);
}

/* Splices p, whose space is that of `space`: coordinates of the last two axes move with them. */
static ig_status splice(maker *k, const ig_sprog *p, const ig_val *space, const ig_sreg *in, uint32_t n_in, ig_sreg *out) {
  ig_sinsn *code = IG_NEW_ARRAY(k->b.arena, ig_sinsn, p->n);
  if (!code) return ig_arena_status(k->b.arena);
  memcpy(code, p->insns, p->n * sizeof *code);
  for (uint32_t i = 0; i < p->n; i++)
    if (code[i].op == IG_SOP_COORD) code[i].imm = code[i].imm + k->m->rank - (uint32_t)space->rank;
  return ig_s_splice(&k->b, &(ig_sprog){code, p->n}, in, n_in, out, 1);
}

/* The program over scores, from the first product's epilogue to the softmax's own scale and mask. */
static ig_status write_program(maker *k, ig_sprog *out) {
  const match *m = k->m;
  const ig_request *first = ig_opt_request(m->first), *soft = ig_opt_request(m->soft);
  const ig_softmax_params *p = soft->params;
  ig_sreg in[IG_EDIT_OPERANDS], x = ig_s_load(&k->b, 0, m->dtype);
  if (first->epi.n) {
    in[0] = x;
    for (uint32_t i = 0; i < first->n_extra; i++)
      in[1 + i] = operand(k, ig_opt_operand(m->first, first->n_in + i));
    if (!k->b.failed) IG_TRY(splice(k, &first->epi, m->first->out[0], in, 1 + first->n_extra, &x));
  }
  for (uint32_t n = m->n_pieces; n-- > 0 && !k->b.failed;) {
    const piece *q = &m->pieces[n];
    const ig_request *r = ig_opt_request(q->node);
    for (uint32_t i = 0; i < r->n_in; i++)
      in[i] = i == q->chain ? x : operand(k, ig_opt_operand(q->node, i));
    if (!k->b.failed) IG_TRY(splice(k, &r->prog, q->node->out[0], in, r->n_in, &x));
  }
  if (p->scale != 1.0) x = ig_s_op(&k->b, IG_SOP_MUL, x, ig_s_f64(&k->b, ig_stype_of(m->dtype), p->scale), 0);
  if (soft->n_in > 1 && ig_opt_operand(m->soft, 1)) x = ig_s_op(&k->b, IG_SOP_ADD, x, operand(k, ig_opt_operand(m->soft, 1)), 0);
  ig_s_store(&k->b, 0, x, 0);
  if (k->b.failed) return NULL;
  take_factors(&k->b, &k->scale);
  return is_plain(&k->b) ? NULL : ig_sbuild_finish(&k->b, out);
}

static const char *names(ig_arena *a, const match *m) {
  const char *x = ig_edit_sources(a, m->first, m->soft);
  const ig_node both = {.name = x};
  return x ? ig_edit_sources(a, &both, m->second) : NULL;
}

static ig_status make(ig_pass_ctx *c, match *m) {
  static const uint8_t swap_last[IG_MAX_RANK][IG_MAX_RANK] = {{0}, {0}, {1, 0}, {0, 2, 1}, {0, 1, 3, 2}, {0, 1, 2, 4, 3}, {0, 1, 2, 3, 5, 4}, {0, 1, 2, 3, 4, 6, 5}};
  ig_val *q = ig_opt_operand(m->first, 0), *keys = ig_opt_operand(m->first, 1), *extra[16], *y = NULL;
  const ig_request *second = ig_opt_request(m->second);
  if (keys->rank >= IG_MAX_RANK || second->n_extra > IG_COUNT(extra)) return NULL;
  maker k = {.m = m, .lo = {.ir = c->ir, .graph = m->second->graph, .before = m->second, .src = m->second}, .n_in = 3};
  const uint32_t first_new_id = c->ir->next_id;
  ig_sprog prog = {NULL, 0}, epi = second->epi;
  k.scale = ((const ig_matmul_params *)ig_opt_request(m->first)->params)->alpha;
  ig_sbuild_init(&k.b, &c->ir->arena);
  IG_TRY(write_program(&k, &prog));
  if (k.b.failed) return ig_ir_event(c->ir, c->name, m->second, true, "not attention with '%s': the program over scores has too many operands or instructions", m->soft->name);
  if (!ig_pass_take(c)) return NULL;
  k.in[0] = to_space(&k, unscaled(c, &k, q));
  k.in[1] = to_space(&k, ig_lo_permute(&k.lo, unscaled(c, &k, keys), swap_last[keys->rank]));
  k.in[2] = to_space(&k, ig_opt_operand(m->second, 1));
  for (uint32_t i = 0; i < second->n_extra; i++)
    extra[i] = to_space(&k, ig_opt_operand(m->second, second->n_in + i));
  if (epi.n && !in_space(m, m->second->out[0])) {
    ig_sinsn *code = IG_NEW_ARRAY(&c->ir->arena, ig_sinsn, epi.n);
    if (!code) return ig_arena_status(&c->ir->arena);
    memcpy(code, epi.insns, epi.n * sizeof *code);
    for (uint32_t i = 0; i < epi.n; i++)
      if (code[i].op == IG_SOP_COORD) code[i].imm = code[i].imm + m->rank - (uint32_t)m->second->out[0]->rank;
    epi.insns = code;
  }
  const ig_attention_params p = {.empty = m->empty, .scale = k.scale};
  const ig_dtype out = m->second->out[0]->dtype;
  const ig_lo_kernel_desc d = {.kind = IG_KIND_attention, .params = &p, .in = k.in, .n_in = k.n_in, .extra = extra, .n_extra = second->n_extra, .out_dtypes = &out, .n_out = 1,
                               .prog = &prog, .epi = &epi};
  for (uint32_t i = 0; i < k.n_in; i++)
    if (!k.in[i]) return k.lo.error ? k.lo.error : ig_arena_status(&c->ir->arena);
  if (!ig_lo_kernel(&k.lo, &d, &y)) return k.lo.error ? k.lo.error : ig_arena_status(&c->ir->arena);
  y->producer->sources = names(&c->ir->arena, m);
  y = ig_lo_reshape(&k.lo, y, (uint32_t)m->second->out[0]->rank, m->second->out[0]->dims);
  if (!y) return k.lo.error ? k.lo.error : ig_arena_status(&c->ir->arena);
  IG_TRY(ig_ir_event(c->ir, c->name, m->second, false, "becomes attention with '%s' and '%s' (operands of the program over scores: %u)", m->first->name, m->soft->name, k.n_in - 3));
  m->second->out[0]->forward = y;
  IG_TRY(ig_opt_keep_names(m->second, first_new_id));
  ig_opt_drop(m->second);
  return NULL;
}

static ig_status visit(ig_pass_ctx *c, ig_node *n, void *user) {
  const ig_request *r = ig_opt_request(n);
  match m = {.uses = user, .second = n};
  if (!r || r->kind != IG_KIND_matmul || r->n_out != 1 || !n->out[0] || *c->budget == 0 || !find(&m)) return NULL;
  if (!m.why) {
    choose_space(&c->ir->dims, &m, ig_opt_operand(m.first, 0), ig_opt_operand(n, 1));
    IG_TRY(ig_dims_take_error(&c->ir->dims));
    if (!all_coordinates_fit(&m)) no(&m, "a program over scores reads coordinates of batch axes that are joined elsewhere");
  }
  if (m.why) return ig_ir_event(c->ir, c->name, n, true, "not attention with '%s': %s", m.soft->name, m.why);
  return make(c, &m);
}

static ig_status run(ig_pass_ctx *c) { return ig_opt_each_with_uses(c, visit); }

const ig_pass ig_pass_fuse_attention = {"fuse_attention", IG_STAGE_LOWERED, true, run, "softmax between two products becomes attention"};
