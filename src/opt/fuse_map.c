/* A map that feeds a map of the same iteration space is computed inside it: no tensor between them. A producer with several uses is
 * repeated only where all of them are such maps, it is cheap, and no consumer reads more tensors than before.
 *
 * One walk forwards: a consumer takes its producers, which have already taken theirs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/edit.h"

enum { MAX_INPUTS = 12, MAX_CHEAP = 4, FIRST_COSTLY = IG_SOP_EXP, LAST_COSTLY = IG_SOP_SOFTPLUS };

typedef struct fuser { ig_uses uses; uint32_t *map_uses; /* of them by maps with the value's dims */ } fuser;

static const ig_request *map_of(const ig_node *n) {
  const ig_request *r = ig_opt_request(n);
  return r && r->kind == IG_KIND_map ? r : NULL;
}

static void add_map_uses(fuser *f, const ig_node *n, int sign) {
  if (!map_of(n) || !n->out[0]) return;
  for (uint32_t i = 0; i < n->n_in; i++) {
    const ig_val *v = ig_node_in(n, i);
    if (v && v->id < f->uses.n_ids && ig_opt_same_dims(f->uses.ir, v, n->out[0])) f->map_uses[v->id] += (uint32_t)sign;
  }
}

static void add_uses(fuser *f, const ig_node *n, int sign) {
  ig_uses_add(&f->uses, n, sign);
  add_map_uses(f, n, sign);
}

static bool is_cheap(const ig_request *r) {
  uint32_t n_work = 0;
  for (uint32_t i = 0; i < r->prog.n; i++) {
    const uint16_t op = r->prog.insns[i].op;
    if ((op >= FIRST_COSTLY && op <= LAST_COSTLY) || op == IG_SOP_POW || op == IG_SOP_RANDOM || op == IG_SOP_DIV) return false;
    n_work += op != IG_SOP_LOAD && op != IG_SOP_STORE && op != IG_SOP_CONST;
  }
  return n_work <= MAX_CHEAP;
}

static bool reads_more(const ig_node *p, const ig_node *n) {
  uint32_t more = 0;
  for (uint32_t i = 0; i < p->n_in; i++) more += ig_uses_within(n, ig_node_in(p, i)) == 0;
  return more > 1;
}

/* Why map p cannot be computed inside map n; NULL = it can. */
static const char *refusal(const fuser *f, const ig_node *p, const ig_node *n, const ig_val *v) {
  const ig_request *from = map_of(p), *to = map_of(n);
  if (p->graph != n->graph) return "it is in another graph";
  if (from->n_out != 1) return "it has several results";
  if (!ig_opt_same_dims(f->uses.ir, v, n->out[0])) return "the dims differ";
  if (!ig_sprog_stores_plainly(&from->prog)) return "it stores with a saturation of its own";
  if (from->n_in + to->n_in > MAX_INPUTS + 1) return "there are too many operands";
  if (from->prog.n + to->prog.n + 4 > IG_SPROG_MAX) return "the program would be too long";
  if (ig_uses_of(&f->uses, v) == ig_uses_within(n, v)) return NULL;
  if (ig_uses_of(&f->uses, v) != f->map_uses[v->id]) return "its result has uses other than such maps";
  return !is_cheap(from) || reads_more(p, n) ? "its result has other uses and it is not cheap enough to repeat" : NULL;
}

static uint32_t add_input(ig_edit *e, const ig_operand *like, ig_val *v) {
  for (uint32_t i = 0; i < e->r.n_in; i++)
    if (e->in[i].value != IG_NO_VALUE && e->vals[e->in[i].value] == v) return i;
  ig_edit_input(e, like, v);
  return e->r.n_in++;
}

static ig_status build(ig_pass_ctx *c, ig_node *p, ig_node *n, const ig_val *v, ig_edit *e, ig_sbuild *b) {
  const ig_request *from = map_of(p), *to = map_of(n);
  ig_sreg in[IG_EDIT_OPERANDS], out[IG_EDIT_OPERANDS], result = 0;
  *e = (ig_edit){ .r = { .kind = IG_KIND_map, .params = to->params } };
  ig_sbuild_init(b, &c->ir->arena);
  for (uint32_t i = 0; i < from->n_in; i++) in[i] = ig_s_load(b, add_input(e, &from->operands[i], ig_opt_operand(p, i)), from->operands[i].dtype);
  IG_TRY(ig_s_splice(b, &from->prog, in, from->n_in, &result, 1));
  result = ig_edit_stored(b, result, v->dtype);
  for (uint32_t i = 0; i < to->n_in; i++) {
    ig_val *x = ig_opt_operand(n, i);
    in[i] = x == v ? result : ig_s_load(b, add_input(e, &to->operands[i], x), to->operands[i].dtype);
  }
  IG_TRY(ig_s_splice(b, &to->prog, in, to->n_in, out, to->n_out));
  for (uint32_t i = 0; i < to->prog.n; i++) {
    const ig_sinsn *s = &to->prog.insns[i];
    if (s->op == IG_SOP_STORE) ig_s_store(b, (uint32_t)s->imm, out[s->imm], s->flags);
  }
  return NULL;
}

static ig_status fuse(ig_pass_ctx *c, fuser *f, ig_node *p, ig_node *n, const ig_val *v, ig_node **out_merged) {
  ig_edit e;
  ig_sbuild b;
  *out_merged = NULL;
  IG_TRY(build(c, p, n, v, &e, &b));
  if (b.failed) return ig_ir_event(c->ir, c->name, n, true, "'%s' is not computed inside it: the program would be too long", p->name);
  if (!ig_pass_take(c)) return NULL;
  IG_TRY(ig_sbuild_finish(&b, &e.r.prog));
  IG_TRY(ig_ir_event(c->ir, c->name, n, false, "'%s' is computed inside it (instructions: %u, operands: %u)", p->name, e.r.prog.n, e.r.n_in));
  add_uses(f, n, -1);
  IG_TRY(ig_edit_finish(c, &e, n, p, out_merged));
  add_uses(f, *out_merged, 1);
  if (ig_uses_of(&f->uses, v) > 0) return NULL;
  add_uses(f, p, -1);
  ig_opt_drop(p);
  return NULL;
}

/* One producer of n; *out_merged = the node now in n's place, NULL when there is nothing to take. */
static ig_status take_one(ig_pass_ctx *c, fuser *f, ig_node *n, ig_node **out_merged) {
  const ig_request *r = map_of(n);
  *out_merged = NULL;
  for (uint32_t i = 0; i < r->n_in; i++) {
    const ig_val *v = ig_opt_operand(n, i);
    ig_node *p = v && !v->data ? v->producer : NULL;
    if (!p || !map_of(p)) continue;
    const char *why = refusal(f, p, n, v);
    if (why) {
      IG_TRY(ig_ir_event(c->ir, c->name, n, true, "'%s' is not computed inside it: %s", p->name, why));
      continue;
    }
    IG_TRY(fuse(c, f, p, n, v, out_merged));
    if (*out_merged) return NULL;
  }
  return NULL;
}

static ig_status visit(ig_pass_ctx *c, ig_node *n, void *user) {
  while (n && map_of(n) && n->n_out && n->out[0] && *c->budget != 0) {
    ig_node *merged;
    IG_TRY(take_one(c, user, n, &merged));
    n = merged;
  }
  return NULL;
}

static ig_status count(ig_pass_ctx *c, ig_node *n, void *user) {
  IG_UNUSED(c);
  add_map_uses(user, n, 1);
  return NULL;
}

static ig_status run(ig_pass_ctx *c) {
  fuser f = { .map_uses = NULL };
  IG_TRY(ig_uses_init(&f.uses, c->ir));
  f.map_uses = ig_opt_array(c->ir, f.uses.n_ids, sizeof *f.map_uses);
  ig_status st = f.map_uses ? ig_opt_each(c, c->ir->main, count, &f) : IG_OOM();
  if (!st) st = ig_opt_each(c, c->ir->main, visit, &f);
  ig_opt_array_free(c->ir, f.map_uses, f.uses.n_ids, sizeof *f.map_uses);
  ig_uses_free(&f.uses);
  return st;
}

const ig_pass ig_pass_fuse_map = { "fuse_map", IG_STAGE_LOWERED, true, run, "maps that feed maps are computed inside them" };
