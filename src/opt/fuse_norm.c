/* Layer and RMS normalisation spelt out in sums, squares and roots becomes one kernel.
 *
 * Values are named by what they are of a base x: x itself, its mean, x - mean, the square of either, the mean of the square, the deviation, its inverse,
 * the normalised x. Programs are evaluated over these names, through maps, reductions over the last axes and broadcasts, so that it does not matter how an
 * exporter cut the formula into operators (Pow or Mul, Div or Reciprocal, TensorFlow's x * k + (b - mean * k)) nor what was fused before. A map that
 * computes the normalised x, or that times a scale plus a bias, is the root.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/edit.h"
#include <math.h>

typedef enum name { OTHER, INPUT, MEAN, CENTRED, SQUARE, VARIANCE, DEVIATION, INVERSE, NORMALISED } name;
/* What a register or value is. centred: of x - mean (layer), else of x (RMS). axis: first of the axes reduced. operand: of a load, 1 + number. */
typedef struct fact { name is; ig_val *x; bool centred, eps_added; double eps; int64_t axis; uint32_t operand; bool is_number; double number; ig_dim dim; } fact;
enum { MAX_DEPTH = 6, MAX_IN = 16, MAX_INSNS = 32 };

static fact fact_of(ig_ir *ir, ig_val *v, int depth);

static bool same_base(const fact *a, const fact *b) { return a->x && a->x == b->x; }
static fact other(void) { return (fact){.is = OTHER, .dim = IG_DIM_BAD}; }
static fact renamed(fact f, name is) {
  f.is = is;
  f.operand = 0;
  return f;
}

static fact multiplied(fact a, fact b) {
  if (a.is == CENTRED && b.is == CENTRED && same_base(&a, &b)) {
    a.centred = true;
    return renamed(a, SQUARE);
  }
  if (a.is == INPUT && b.is == INPUT && same_base(&a, &b)) return renamed(a, SQUARE);
  if (b.is == CENTRED || b.is == INPUT) {
    const fact t = a;
    a = b, b = t;
  }
  const bool layer = a.is == CENTRED && b.is == INVERSE && b.centred, rms = a.is == INPUT && b.is == INVERSE && !b.centred;
  return (layer || rms) && same_base(&a, &b) ? renamed(b, NORMALISED) : other();
}

static fact divided(const fact *a, const fact *b) {
  if (a->is_number && a->number == 1 && b->is == DEVIATION) return renamed(*b, INVERSE);
  const bool layer = a->is == CENTRED && b->is == DEVIATION && b->centred, rms = a->is == INPUT && b->is == DEVIATION && !b->centred;
  return (layer || rms) && same_base(a, b) ? renamed(*b, NORMALISED) : other();
}

static fact raised(const fact *a, const fact *b) {
  if (!b->is_number) return other();
  if (b->number == 2 && a->is == CENTRED) {
    fact f = renamed(*a, SQUARE);
    f.centred = true;
    return f;
  }
  if (b->number == 2 && a->is == INPUT) return renamed(*a, SQUARE);
  if (a->is == VARIANCE && (b->number == 0.5 || b->number == -0.5)) return renamed(*a, b->number > 0 ? DEVIATION : INVERSE);
  return other();
}

static fact added(const fact *a, const fact *b) {
  const fact *v = a->is == VARIANCE ? a : b, *k = v == a ? b : a;
  if (v->is != VARIANCE || v->eps_added || !k->is_number || k->number < 0) return other();
  fact f = renamed(*v, VARIANCE);
  f.eps = k->number;
  f.eps_added = true;
  return f;
}

static fact evaluate(const ig_sinsn *s, const fact *regs) {
  const fact *a = &regs[s->a], *b = &regs[s->b];
  fact f = other();
  float single;
  const uint32_t bits = (uint32_t)s->imm;
  switch (s->op) {
  case IG_SOP_CONST:
    f.is_number = s->type == IG_S_F32 || s->type == IG_S_F64;
    memcpy(&single, &bits, 4);
    memcpy(&f.number, &s->imm, 8);
    if (s->type == IG_S_F32) f.number = (double)single;
    return f;
  case IG_SOP_DIM: f.dim = (ig_dim)s->imm; return f;
  case IG_SOP_CAST: f.dim = a->dim; return f;
  case IG_SOP_SUB: return a->is == INPUT && b->is == MEAN && same_base(a, b) ? renamed(*b, CENTRED) : f;
  case IG_SOP_MUL: return multiplied(*a, *b);
  case IG_SOP_DIV: return divided(a, b);
  case IG_SOP_POW: return raised(a, b);
  case IG_SOP_ADD: return added(a, b);
  case IG_SOP_SQRT: return a->is == VARIANCE ? renamed(*a, DEVIATION) : f;
  case IG_SOP_RSQRT: return a->is == VARIANCE ? renamed(*a, INVERSE) : f;
  case IG_SOP_RECIP: return a->is == DEVIATION ? renamed(*a, INVERSE) : f;
  default: return f;
  }
}

/* Evaluates p over facts of its loads; the fact of what it stores first. */
static fact evaluate_all(const ig_sprog *p, const fact *in, uint32_t n_in, fact *regs) {
  fact result = other();
  for (uint32_t i = 0; i < p->n; i++) {
    const ig_sinsn *s = &p->insns[i];
    if (s->op == IG_SOP_STORE) {
      result = regs[s->a];
    } else if (s->op == IG_SOP_LOAD) {
      regs[i] = s->imm < n_in ? in[s->imm] : other();
      regs[i].operand = (uint32_t)s->imm + 1;
    } else {
      regs[i] = evaluate(s, regs);
    }
  }
  return result;
}

/* The mean over the last axes, keeping dims: of x its MEAN, of a square the VARIANCE, and what the post-program makes of it. */
static fact reduced(ig_ir *ir, const ig_node *n, int depth) {
  const ig_request *r = ig_opt_request(n);
  const ig_reduce_params *p = r->params;
  fact in[MAX_IN], regs[MAX_INSNS], inner, f;
  const ig_val *x = ig_opt_operand(n, 0);
  int64_t axis = x->rank;
  while (axis > 0 && p->axes_mask >> (axis - 1) & 1) axis--;
  if (p->op != IG_REDUCE_SUM || axis == x->rank || p->axes_mask != ((1ll << x->rank) - 1) - ((1ll << axis) - 1) || r->n_in > MAX_IN || r->n_extra || r->n_out != 1 || r->prog.n > MAX_INSNS ||
      r->epi.n > MAX_INSNS)
    return other();
  for (uint32_t i = 0; i < r->n_in; i++) in[i] = fact_of(ir, ig_opt_operand(n, i), depth + 1);
  inner = r->prog.n ? evaluate_all(&r->prog, in, r->n_in, regs) : in[0];
  if (inner.is != INPUT && inner.is != SQUARE) return other();
  if (inner.centred && inner.axis != axis) return other();
  const name mean = inner.is == INPUT ? MEAN : VARIANCE;
  const ig_dim count = ig_dim_product(&ir->dims, x->dims + axis, (size_t)(x->rank - axis));
  int64_t number;
  const bool known = ig_dim_is_const(&ir->dims, count, &number);
  bool divided_once = false;
  f = inner;
  f.axis = axis;
  f = renamed(f, OTHER);   /* the sum: it has no name, but is register 0 */
  for (uint32_t i = 0; i < r->epi.n; i++) {
    const ig_sinsn *s = &r->epi.insns[i];
    if (s->op == IG_SOP_STORE) return divided_once ? regs[s->a] : other();
    if (s->op == IG_SOP_LOAD) {
      regs[i] = f;
    } else if (!divided_once && (s->op == IG_SOP_DIV || s->op == IG_SOP_MUL) && r->epi.insns[s->a].op == IG_SOP_LOAD) {
      const fact *k = &regs[s->b];
      const bool by_dim = s->op == IG_SOP_DIV && k->dim == count, by_number = s->op == IG_SOP_DIV && known && k->is_number && k->number == (double)number,
                 times = s->op == IG_SOP_MUL && known && k->is_number && number > 0 && fabs(k->number * (double)number - 1) < 1e-6;
      if (!by_dim && !by_number && !times) return other();
      divided_once = true;
      regs[i] = renamed(f, mean);
    } else {
      regs[i] = evaluate(s, regs);
    }
  }
  return other();
}

/* A value that has no other name is an input. */
static fact fact_of(ig_ir *ir, ig_val *v, int depth) {
  fact self = {.is = INPUT, .x = v, .dim = IG_DIM_BAD}, in[MAX_IN], regs[MAX_INSNS], f;
  ig_val *x = v;
  while (!x->data && x->producer && x->producer->form == IG_FORM_VIEW && x->producer->view.op == IG_VIEW_EXPAND && ig_node_in(x->producer, 0)->rank == v->rank)
    x = ig_node_in(x->producer, 0);
  const ig_request *r = x->data ? NULL : ig_opt_request(x->producer);
  if (!r || depth == MAX_DEPTH || (x->dtype != IG_DTYPE_F32 && x->dtype != IG_DTYPE_F64)) return self;
  if (r->kind == IG_KIND_reduce) {
    f = reduced(ir, x->producer, depth);
    return f.is == OTHER ? self : f;
  }
  if (r->kind != IG_KIND_map || x != v || r->n_in > MAX_IN || r->n_out != 1 || r->prog.n > MAX_INSNS) return self;
  for (uint32_t i = 0; i < r->n_in; i++) in[i] = fact_of(ir, ig_opt_operand(x->producer, i), depth + 1);
  f = evaluate_all(&r->prog, in, r->n_in, regs);
  return f.is == OTHER ? self : f;
}

/* ---- the root ---- */

typedef struct found { fact f; uint32_t at, scale, bias; } found;   /* at: register; scale, bias: 1 + operand, 0 = none */

static uint32_t only_reader(const ig_sprog *p, uint32_t reg) {
  uint32_t at = 0;
  for (uint32_t i = reg + 1; i < p->n; i++) {
    const ig_sinsn *s = &p->insns[i];
    const uint32_t n = ig_sop_find(s->op)->arity;
    if (!((n > 0 && s->a == reg) || (n > 1 && s->b == reg) || (n > 2 && s->c == reg))) continue;
    if (at) return 0;
    at = i;
  }
  return at;
}
static uint32_t load_of(const ig_sprog *p, uint32_t reg) { return p->insns[reg].op == IG_SOP_LOAD ? (uint32_t)p->insns[reg].imm + 1 : 0; }

/* x * k + (b - mean * k), k = inverse or inverse * scale. */
static bool find_spread(const ig_sprog *p, const fact *regs, uint32_t i, found *out) {
  const ig_sinsn *s = &p->insns[i];
  for (int side = 0; s->op == IG_SOP_ADD && side < 2; side++) {
    const ig_sinsn *a = &p->insns[side ? s->b : s->a], *b = &p->insns[side ? s->a : s->b];
    if (a->op != IG_SOP_MUL || b->op != IG_SOP_SUB || p->insns[b->b].op != IG_SOP_MUL) continue;
    const ig_sinsn *c = &p->insns[b->b];
    const uint32_t k = regs[a->a].is == INPUT && a->b != a->a ? a->b : a->a, x = k == a->a ? a->b : a->a, mean = c->a == k ? c->b : c->a;
    if ((c->a != k && c->b != k) || regs[x].is != INPUT || regs[mean].is != MEAN || !same_base(&regs[x], &regs[mean])) continue;
    uint32_t inverse = k, scale = 0;
    if (regs[k].is != INVERSE && p->insns[k].op == IG_SOP_MUL) {
      inverse = regs[p->insns[k].a].is == INVERSE ? p->insns[k].a : p->insns[k].b;
      scale = load_of(p, inverse == p->insns[k].a ? p->insns[k].b : p->insns[k].a);
      if (!scale) continue;
    }
    if (regs[inverse].is != INVERSE || !regs[inverse].centred || !same_base(&regs[x], &regs[inverse]) || !load_of(p, b->a)) continue;
    *out = (found){.f = regs[inverse], .at = i, .scale = scale, .bias = load_of(p, b->a)};
    return true;
  }
  return false;
}

static bool find(const ig_sprog *p, const fact *regs, found *out) {
  for (uint32_t i = 0; i < p->n; i++) {
    if (find_spread(p, regs, i, out)) return true;
    if (p->insns[i].op == IG_SOP_LOAD || p->insns[i].op == IG_SOP_STORE || regs[i].is != NORMALISED) continue;
    *out = (found){.f = regs[i], .at = i};
    uint32_t next = only_reader(p, i);
    const ig_sinsn *s = &p->insns[next];
    if (!next || s->op != IG_SOP_MUL || s->a == s->b || !(out->scale = load_of(p, s->a == i ? s->b : s->a))) return true;
    out->at = next;
    next = only_reader(p, next);
    s = &p->insns[next];
    if (!next || s->op != IG_SOP_ADD || s->a == s->b || !(out->bias = load_of(p, s->a == out->at ? s->b : s->a))) return true;
    out->at = next;
    return true;
  }
  return false;
}

/* The root's program with register `at` replaced by a further operand; *whole: it stores that and nothing else. */
static ig_status write_rest(ig_pass_ctx *c, const ig_node *n, uint32_t at, ig_dtype dtype, ig_sprog *out, bool *whole) {
  const ig_request *r = ig_opt_request(n);
  ig_sinsn *code = IG_NEW_ARRAY(&c->ir->arena, ig_sinsn, r->prog.n);
  if (!code) return ig_arena_status(&c->ir->arena);
  memcpy(code, r->prog.insns, r->prog.n * sizeof *code);
  code[at] = (ig_sinsn){.op = IG_SOP_LOAD, .type = (uint8_t)ig_stype_of(dtype), .imm = r->n_in};
  *out = (ig_sprog){code, r->prog.n};
  *whole = true;
  for (uint32_t i = 0; i < r->prog.n; i++)
    if (code[i].op == IG_SOP_STORE && code[i].a != at) *whole = false;
  return NULL;
}

static ig_status make(ig_pass_ctx *c, ig_node *n, const found *m) {
  const ig_request *r = ig_opt_request(n);
  ig_lower lo = {.ir = c->ir, .graph = n->graph, .before = n, .src = n};
  ig_val *x = m->f.x, *y = NULL, *in[3] = {x, m->scale ? ig_opt_operand(n, m->scale - 1) : NULL, m->bias ? ig_opt_operand(n, m->bias - 1) : NULL}, *rest[MAX_IN + 1];
  const uint32_t first_new_id = c->ir->next_id;
  const ig_norm_params p = {.axis = m->f.axis, .mode = m->f.centred ? IG_NORM_LAYER : IG_NORM_RMS, .stash = (int64_t)ig_stype_of(x->dtype), .eps = m->f.eps};
  const ig_lo_kernel_desc d = {.kind = IG_KIND_norm, .params = &p, .in = in, .n_in = 3, .out_dtypes = &x->dtype, .n_out = 1};
  ig_sprog prog;
  bool whole = false;
  if (!ig_lo_kernel(&lo, &d, &y)) return lo.error ? lo.error : ig_arena_status(&c->ir->arena);
  IG_TRY(write_rest(c, n, m->at, x->dtype, &prog, &whole));
  if (!whole) {
    for (uint32_t i = 0; i < r->n_in; i++) rest[i] = ig_opt_operand(n, i);
    rest[r->n_in] = y;
    y = ig_lo_map(&lo, rest, r->n_in + 1, &prog, n->out[0]->dtype, (uint32_t)n->out[0]->rank, n->out[0]->dims);
    if (!y) return lo.error ? lo.error : ig_arena_status(&c->ir->arena);
  }
  IG_TRY(ig_ir_event(c->ir, c->name, n, false, "is a %s normalisation of '%s'", m->f.centred ? "layer" : "RMS", x->name));
  n->out[0]->forward = y;
  IG_TRY(ig_opt_keep_names(n, first_new_id));
  ig_opt_drop(n);
  return NULL;
}

static ig_status visit(ig_pass_ctx *c, ig_node *n, void *user) {
  const ig_request *r = ig_opt_request(n);
  fact in[MAX_IN], regs[IG_SPROG_MAX];
  found m;
  IG_UNUSED(user);
  if (!r || r->kind != IG_KIND_map || r->n_in > MAX_IN || r->n_in < 2 || r->n_out != 1 || !n->out[0] || *c->budget == 0) return NULL;
  bool any = false;
  for (uint32_t i = 0; i < r->n_in; i++) {
    in[i] = fact_of(c->ir, ig_opt_operand(n, i), 0);
    any |= in[i].is == INVERSE || in[i].is == DEVIATION || in[i].is == NORMALISED;
  }
  IG_TRY(ig_dims_take_error(&c->ir->dims));
  if (!any) return NULL;
  evaluate_all(&r->prog, in, r->n_in, regs);
  if (!find(&r->prog, regs, &m)) return ig_ir_event(c->ir, c->name, n, true, "not a normalisation: it reads a deviation, but does not divide by it what that is of");
  if (!ig_opt_same_dims(c->ir, m.f.x, n->out[0])) return ig_ir_event(c->ir, c->name, n, true, "not a normalisation of '%s': the dims differ", m.f.x->name);
  if (m.f.x->producer && m.f.x->graph != n->graph) return ig_ir_event(c->ir, c->name, n, true, "not a normalisation of '%s': it is in another graph", m.f.x->name);
  return ig_pass_take(c) ? make(c, n, &m) : NULL;
}

static ig_status run(ig_pass_ctx *c) { return ig_opt_each(c, c->ir->main, visit, NULL); }

const ig_pass ig_pass_fuse_norm = {"fuse_norm", IG_STAGE_LOWERED, true, run, "normalisations spelt out become one kernel"};
