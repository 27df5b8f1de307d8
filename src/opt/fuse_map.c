/* A map that feeds a map of the same iteration space is computed inside it: no tensor between them. A producer with several uses is
 * repeated only where all of them are such maps, it is cheap, and no consumer reads more tensors than before.
 *
 * Two walks. The first decides, forwards, which producers each map takes in; a producer has decided about its own by then, and a group
 * knows its size and its distinct operands. The second writes one program for each map that was not taken in, so that the work is linear
 * in the instructions however long the chains are.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/edit.h"

enum { MAX_INPUTS = 12, MAX_CHEAP = 4, MAX_OPERANDS = 32, CONVERSION = 2, MAX_NAMES = 600, MAX_VALUES = IG_SPROG_MAX };

/* A map and what it takes in. Nodes name their group by mark (index + 1; 0 = none). */
typedef struct group {
  uint32_t n_taken;             /* producers computed inside */
  uint32_t n_insns, n_leaves;   /* n_insns: at most */
  ig_val *leaves[MAX_OPERANDS]; /* distinct values that the whole group reads; what else its nodes read is computed inside */
  bool is_inner;                /* nobody reads its stored result any more */
} group;

/* uses, map_uses: by value id, counted once per reading group; map_uses: by maps over the value's dims. */
typedef struct fuser {
  ig_uses uses;
  uint32_t *map_uses;
  IG_VEC(group) groups;
} fuser;

static const ig_request *map_of(const ig_node *n) {
  const ig_request *r = ig_opt_request(n);
  return r && r->kind == IG_KIND_map && n->n_out && n->out[0] ? r : NULL;
}

static group *group_of(const fuser *f, const ig_node *n) { return n->mark ? &f->groups.data[n->mark - 1] : NULL; }

static bool reads(const group *g, const ig_val *v) {
  for (uint32_t i = 0; i < g->n_leaves; i++)
    if (g->leaves[i] == v) return true;
  return false;
}

static void add_use(fuser *f, const ig_val *v, int by) {
  if (v->id >= f->uses.n_ids) return;
  f->uses.n[v->id] += (uint32_t)by;
  f->map_uses[v->id] += (uint32_t)by;
}

static bool is_cheap(const ig_request *r) {
  uint32_t n_work = 0;
  for (uint32_t i = 0; i < r->prog.n; i++) {
    const uint16_t op = r->prog.insns[i].op;
    if ((op >= IG_SOP_EXP && op <= IG_SOP_SOFTPLUS) || op == IG_SOP_POW || op == IG_SOP_RANDOM || op == IG_SOP_DIV) return false;
    n_work += op != IG_SOP_LOAD && op != IG_SOP_STORE && op != IG_SOP_CONST;
  }
  return n_work <= MAX_CHEAP;
}

/* Operands of `from` that `to` does not read yet. */
static uint32_t count_new(const group *to, const group *from) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < from->n_leaves; i++)
    n += !reads(to, from->leaves[i]);
  return n;
}

/* Why map p, which computes v, cannot be computed inside map n; NULL = it can. */
static const char *refusal(const fuser *f, const ig_node *p, const ig_node *n, const ig_val *v) {
  const ig_request *from = map_of(p);
  const group *inner = group_of(f, p), *outer = group_of(f, n);
  if (p->graph != n->graph || !inner) return "it is in another graph";
  if (from->n_out != 1) return "it has several results";
  if (!ig_opt_same_dims(f->uses.ir, v, n->out[0])) return "the dims differ";
  if (!ig_sprog_stores_plainly(&from->prog, v->dtype)) return "it stores with a saturation of its own";
  if (outer->n_leaves - 1 + count_new(outer, inner) > MAX_INPUTS) return "there are too many operands";
  if (inner->n_insns + outer->n_insns + CONVERSION > IG_SPROG_MAX) return "the program would be too long";
  if (ig_uses_of(&f->uses, v) == 1) return NULL;
  if (ig_uses_of(&f->uses, v) != f->map_uses[v->id]) return "its result has uses other than such maps";
  return !is_cheap(from) || inner->n_taken > 0 || count_new(outer, inner) > 1 ? "its result has other uses and it is not cheap enough to repeat"
                                                                              : NULL;
}

static bool needs_rounding(const ig_val *v) { return ig_stype_dtype(ig_stype_of(v->dtype)) != v->dtype; }

static void take(fuser *f, group *outer, group *inner, const ig_val *v) {
  const bool is_last = ig_uses_of(&f->uses, v) == 1;
  uint32_t at = 0;
  while (outer->leaves[at] != v)
    at++;
  outer->leaves[at] = outer->leaves[--outer->n_leaves];
  add_use(f, v, -1);
  inner->is_inner = is_last;
  outer->n_taken++;
  outer->n_insns += inner->n_insns + (needs_rounding(v) ? CONVERSION : 0);
  for (uint32_t i = 0; i < inner->n_leaves; i++) {
    ig_val *x = inner->leaves[i];
    const bool shared = reads(outer, x);
    if (!shared) outer->leaves[outer->n_leaves++] = x;
    if (shared && is_last) add_use(f, x, -1);
    if (!shared && !is_last) add_use(f, x, 1);
  }
}

static ig_status start_group(fuser *f, ig_node *n) {
  const ig_request *r = map_of(n);
  group g = {.n_insns = r->prog.n};
  for (uint32_t i = 0; i < r->n_in; i++) {
    ig_val *v = ig_opt_operand(n, i);
    if (!reads(&g, v))
      g.leaves[g.n_leaves++] = v;
    else
      add_use(f, v, -1);
  }
  if (!IG_PUSH(&f->uses.ir->env->alloc, f->groups, g)) return IG_OOM();
  n->mark = (uint32_t)f->groups.n;
  return NULL;
}

static ig_status decide(ig_pass_ctx *c, ig_node *n, void *user) {
  fuser *f = user;
  const ig_request *r = map_of(n);
  n->mark = 0;
  if (!r || r->n_in > MAX_OPERANDS) return NULL;
  IG_TRY(start_group(f, n));
  for (uint32_t i = 0; i < r->n_in; i++) {
    const ig_val *v = ig_opt_operand(n, i);
    ig_node *p = v->data ? NULL : v->producer;
    if (!p || !map_of(p)) continue;
    if (!reads(group_of(f, n), v)) continue; /* an earlier operand was the same value, which was taken */
    const char *why = refusal(f, p, n, v);
    if (why) {
      IG_TRY(ig_ir_event(c->ir, c->name, n, true, "'%s' is not computed inside it: %s", p->name, why));
      continue;
    }
    if (!ig_pass_take(c)) return NULL;
    take(f, group_of(f, n), group_of(f, p), v);
    IG_TRY(ig_ir_event(c->ir, c->name, n, false, "'%s' is computed inside it (at most %u instructions, operands: %u)", p->name,
                       group_of(f, n)->n_insns, group_of(f, n)->n_leaves));
    IG_TRY(ig_ir_event(c->ir, c->name, p, false, "is computed inside '%s'", n->name));
  }
  return NULL;
}

/* ---- writing ---- */
/* done: values computed so far, so that a value with many readers inside is written once. */
typedef struct writer {
  const group *root;
  ig_edit e;
  ig_sbuild b;
  struct {
    const ig_val *v;
    ig_sreg reg;
  } done[MAX_VALUES];
  uint32_t n_done;
  char names[MAX_NAMES + 8];
  size_t n_names;
} writer;

static uint32_t add_input(ig_edit *e, const ig_operand *like, ig_val *v) {
  for (uint32_t i = 0; i < e->r.n_in; i++)
    if (e->vals[e->in[i].value] == v) return i;
  ig_edit_input(e, like, v);
  return e->r.n_in++;
}

static void add_names(writer *w, const ig_node *n) {
  const char *names = n->sources ? n->sources : n->name;
  const size_t len = strlen(names);
  if (w->n_names + len + 1 > MAX_NAMES) return;
  if (w->n_names) w->names[w->n_names++] = ',';
  memcpy(w->names + w->n_names, names, len + 1);
  w->n_names += len;
}

static ig_status write_node(writer *w, const ig_node *n, ig_sreg *out);

/* Register of the value as a map loads it. */
static ig_status write_value(writer *w, const ig_operand *like, ig_val *v, ig_sreg *out) {
  if (reads(w->root, v)) {
    *out = ig_s_load(&w->b, add_input(&w->e, like, v), like->dtype);
    return NULL;
  }
  for (uint32_t i = 0; i < w->n_done; i++) {
    if (w->done[i].v != v) continue;
    *out = w->done[i].reg;
    return NULL;
  }
  IG_TRY(write_node(w, v->producer, out));
  *out = ig_edit_stored(&w->b, *out, v->dtype);
  IG_REQUIRE(w->n_done < MAX_VALUES, IG_ERROR_INTERNAL, "value '%s': a fused map computes more values than it has instructions", v->name);
  w->done[w->n_done].v = v;
  w->done[w->n_done++].reg = *out;
  return NULL;
}

/* Appends n's program; out[k] = register that its result k stores. Depth is bounded by the instructions of a program. */
static ig_status write_node(writer *w, const ig_node *n, ig_sreg *out) {
  const ig_request *r = map_of(n);
  ig_sreg in[MAX_OPERANDS];
  for (uint32_t i = 0; i < r->n_in; i++)
    IG_TRY(write_value(w, &r->operands[i], ig_opt_operand(n, i), &in[i]));
  add_names(w, n);
  return ig_s_splice(&w->b, &r->prog, in, r->n_in, out, r->n_out);
}

static ig_status write(ig_pass_ctx *c, ig_node *n, void *user) {
  const fuser *f = user;
  const group *g = group_of(f, n);
  if (!g || g->is_inner || !g->n_taken) return NULL;
  const ig_request *r = map_of(n);
  ig_sreg out[MAX_OPERANDS];
  writer w;
  w.root = g;
  w.n_done = 0;
  w.n_names = 0;
  w.e = (ig_edit){.r = {.kind = IG_KIND_map}};
  ig_sbuild_init(&w.b, &c->ir->arena);
  IG_TRY(write_node(&w, n, out));
  for (uint32_t i = 0; i < r->prog.n; i++) {
    const ig_sinsn *s = &r->prog.insns[i];
    if (s->op == IG_SOP_STORE) ig_s_store(&w.b, (uint32_t)s->imm, out[s->imm], s->flags);
  }
  IG_TRY(ig_sbuild_finish(&w.b, &w.e.r.prog));
  const char *sources = ig_arena_strdup(&c->ir->arena, w.names);
  if (!sources) return ig_arena_status(&c->ir->arena);
  return ig_edit_finish(c, &w.e, n, n->name, sources, NULL);
}

static ig_status count(ig_pass_ctx *c, ig_node *n, void *user) {
  fuser *f = user;
  IG_UNUSED(c);
  if (!map_of(n)) return NULL;
  for (uint32_t i = 0; i < n->n_in; i++) {
    const ig_val *v = ig_node_in(n, i);
    if (v && ig_opt_same_dims(f->uses.ir, v, n->out[0])) f->map_uses[v->id]++;
  }
  return NULL;
}

static ig_status drop_inner(ig_pass_ctx *c, ig_node *n, void *user) {
  const group *g = group_of(user, n);
  IG_UNUSED(c);
  if (g && g->is_inner) ig_opt_drop(n);
  return NULL;
}

static ig_status run(ig_pass_ctx *c) {
  fuser f = {.map_uses = NULL};
  IG_TRY(ig_uses_init(&f.uses, c->ir));
  f.map_uses = ig_opt_array(c->ir, f.uses.n_ids, sizeof *f.map_uses);
  ig_status st = f.map_uses ? ig_opt_each(c, c->ir->main, count, &f) : IG_OOM();
  if (!st) st = ig_opt_each(c, c->ir->main, decide, &f);
  if (!st) st = ig_opt_each(c, c->ir->main, write, &f);
  if (!st) st = ig_opt_each(c, c->ir->main, drop_inner, &f);
  IG_VEC_FREE(&c->ir->env->alloc, f.groups);
  ig_opt_array_free(c->ir, f.map_uses, f.uses.n_ids, sizeof *f.map_uses);
  ig_uses_free(&f.uses);
  return st;
}

const ig_pass ig_pass_fuse_map = {"fuse_map", IG_STAGE_LOWERED, true, run, "maps that feed maps are computed inside them"};
