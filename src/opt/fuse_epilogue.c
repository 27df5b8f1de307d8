/* Maps that consume a kernel's only result become its epilogue: bias, activation, residual add, requantisation. The map's other inputs
 * become extra operands and keep the views that expand them. Values that the epilogue passes on are rounded as storing would have done.
 *
 * Goes over the maps in execution order; the kernel with the map takes the map's place, so that chains are absorbed map by map. Of two
 * kernels that meet in one map (a residual add) the later one takes it, and the earlier one's result becomes the extra operand.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/edit.h"

enum { MAX_EXTRA = 12, MAX_RESULTS = 8 };

/* map_uses: by value id, uses by maps over the value's dims. */
typedef struct fuser {
  ig_uses uses;
  uint32_t *map_uses;
} fuser;

static bool takes_epilogue(const ig_request *r) {
  const ig_kind_def *k = ig_kind(r->kind);
  return k && r->kind != IG_KIND_map && (k->flags & IG_KIND_EPILOGUE);
}

/* Whether m makes a small type large (DequantizeLinear) for maps alone: they convert as they load, and what is stored stays small. */
static bool only_widens(const fuser *f, const ig_node *m, const ig_val *v) {
  const ig_val *y = m->out[0];
  if (m->n_out != 1 || IG_DTYPE_BITS(v->dtype) > 8 || IG_DTYPE_BITS(y->dtype) <= IG_DTYPE_BITS(v->dtype) || y->id >= f->uses.n_ids) return false;
  return ig_opt_request(m)->n_in == 1 && f->map_uses[y->id] > 0 && f->map_uses[y->id] == ig_uses_of(&f->uses, y);
}

/* Why kernel k cannot take map m over value v; NULL = it can. */
static const char *refusal(const fuser *f, const ig_node *k, const ig_node *m, const ig_val *v) {
  const ig_uses *u = &f->uses;
  const ig_request *r = ig_opt_request(k), *map = ig_opt_request(m);
  if (k->graph != m->graph) return "the kernel is in another graph";
  if (r->n_out != 1) return "the kernel has several results";
  if (ig_uses_of(u, v) != ig_uses_within(m, v)) return "the kernel's result has other uses";
  if (!ig_opt_same_dims(u->ir, v, m->out[0])) return "the dims differ";
  if (only_widens(f, m, v)) return "the map only widens it for other maps";
  if (map->n_out > MAX_RESULTS) return "the map has too many results";
  if (ig_sprog_has(&map->prog, IG_SOP_RANDOM)) return "the map draws random numbers";
  if (!ig_sprog_stores_plainly(&r->epi, v->dtype)) return "the epilogue stores with a saturation of its own";
  if (r->n_extra + map->n_in > MAX_EXTRA) return "there are too many extra operands";
  if (r->epi.n + map->prog.n + 8 > IG_SPROG_MAX) return "the program would be too long";
  return NULL;
}

/* Register that holds the kernel's result as the map would have loaded it. */
static ig_status load_result(ig_sbuild *b, const ig_request *r, const ig_val *v, ig_sreg *out) {
  ig_sreg in[1 + MAX_EXTRA], result;
  in[0] = ig_s_load(b, 0, ig_stype_dtype(ig_kind_result_type(r->kind, r->params, r->operands[0].dtype)));
  result = in[0];
  if (r->epi.n) {
    for (uint32_t i = 0; i < r->n_extra; i++)
      in[1 + i] = ig_s_load(b, 1 + i, ig_request_extra(r, i)->dtype);
    IG_TRY(ig_s_splice(b, &r->epi, in, 1 + r->n_extra, &result, 1));
  }
  *out = ig_edit_stored(b, result, v->dtype);
  return NULL;
}

static unsigned store_flags(const ig_sprog *p, uint32_t result) {
  for (uint32_t i = 0; i < p->n; i++)
    if (p->insns[i].op == IG_SOP_STORE && p->insns[i].imm == result) return p->insns[i].flags;
  return 0;
}

static ig_status build(ig_pass_ctx *c, ig_node *k, ig_node *m, const ig_val *v, ig_edit *e, ig_sbuild *b) {
  const ig_request *r = ig_opt_request(k), *map = ig_opt_request(m);
  ig_sreg in[IG_EDIT_OPERANDS], out[MAX_RESULTS], result;
  *e = (ig_edit){.r = {.kind = r->kind, .params = r->params, .prog = r->prog}};
  for (uint32_t i = 0; i < r->n_in; i++, e->r.n_in++)
    ig_edit_input(e, &r->operands[i], ig_opt_operand(k, i));
  for (uint32_t i = 0; i < r->n_extra; i++, e->r.n_extra++)
    ig_edit_input(e, ig_request_extra(r, i), ig_opt_operand(k, r->n_in + i));
  ig_sbuild_init(b, &c->ir->arena);
  IG_TRY(load_result(b, r, v, &result));
  for (uint32_t i = 0; i < map->n_in; i++) {
    ig_val *x = ig_opt_operand(m, i);
    in[i] = result;
    if (x == v) continue;
    in[i] = ig_s_load(b, 1 + e->r.n_extra, map->operands[i].dtype);
    ig_edit_input(e, &map->operands[i], x);
    e->r.n_extra++;
  }
  IG_TRY(ig_s_splice(b, &map->prog, in, map->n_in, out, map->n_out));
  for (uint32_t i = 0; i < map->n_out; i++)
    ig_s_store(b, i, out[i], store_flags(&map->prog, i));
  return NULL;
}

static ig_status fuse(ig_pass_ctx *c, fuser *f, ig_node *k, ig_node *m, const ig_val *v) {
  ig_edit e;
  ig_sbuild b;
  IG_TRY(build(c, k, m, v, &e, &b));
  if (b.failed) return ig_ir_event(c->ir, c->name, m, true, "not an epilogue of '%s': the program would be too long", k->name);
  if (!ig_pass_take(c)) return NULL;
  IG_TRY(ig_sbuild_finish(&b, &e.r.epi));
  IG_TRY(ig_ir_event(c->ir, c->name, m, false, "becomes an epilogue of the %s '%s' (extra operands: %u)", ig_kind(e.r.kind)->name, k->name,
                     e.r.n_extra));
  IG_TRY(ig_ir_event(c->ir, c->name, k, false, "takes '%s' as its epilogue", m->name));
  ig_uses_add(&f->uses, k, -1);
  ig_uses_add(&f->uses, m, -1);
  ig_node *merged;
  const char *sources = ig_edit_sources(&c->ir->arena, k, m);
  if (!sources) return ig_arena_status(&c->ir->arena);
  IG_TRY(ig_edit_finish(c, &e, m, k->name, sources, &merged));
  ig_opt_drop(k);
  ig_uses_add(&f->uses, merged, 1);
  return NULL;
}

static ig_status visit(ig_pass_ctx *c, ig_node *m, void *user) {
  fuser *f = user;
  const ig_request *map = ig_opt_request(m);
  ig_node *best = NULL;
  const ig_val *best_v = NULL;
  if (!map || map->kind != IG_KIND_map || *c->budget == 0 || m->n_out == 0 || !m->out[0]) return NULL;
  for (uint32_t i = 0; i < map->n_in; i++) {
    const ig_val *v = ig_opt_operand(m, i);
    ig_node *k = v ? v->producer : NULL;
    if (!ig_opt_request(k) || !takes_epilogue(ig_opt_request(k)) || (best && k->mark <= best->mark)) continue;
    const char *why = refusal(f, k, m, v);
    if (why) {
      IG_TRY(ig_ir_event(c->ir, c->name, m, true, "not an epilogue of '%s': %s", k->name, why));
      IG_TRY(ig_ir_event(c->ir, c->name, k, true, "does not take '%s' as its epilogue: %s", m->name, why));
      continue;
    }
    best = k;
    best_v = v;
  }
  return best ? fuse(c, f, best, m, best_v) : NULL;
}

static ig_status number(ig_pass_ctx *c, ig_node *n, void *user) {
  uint32_t *next = user;
  IG_UNUSED(c);
  n->mark = ++*next;
  return NULL;
}

static ig_status count(ig_pass_ctx *c, ig_node *n, void *user) {
  fuser *f = user;
  const ig_request *r = ig_opt_request(n);
  IG_UNUSED(c);
  if (!r || r->kind != IG_KIND_map || n->n_out == 0 || !n->out[0]) return NULL;
  for (uint32_t i = 0; i < n->n_in; i++) {
    const ig_val *v = ig_node_in(n, i);
    if (v && ig_opt_same_dims(f->uses.ir, v, n->out[0])) f->map_uses[v->id]++;
  }
  return NULL;
}

static ig_status run(ig_pass_ctx *c) {
  fuser f = {.map_uses = NULL};
  uint32_t next = 0;
  IG_TRY(ig_opt_each(c, c->ir->main, number, &next));
  IG_TRY(ig_uses_init(&f.uses, c->ir));
  f.map_uses = ig_opt_array(c->ir, f.uses.n_ids, sizeof *f.map_uses);
  ig_status st = f.map_uses ? ig_opt_each(c, c->ir->main, count, &f) : IG_OOM();
  if (!st) st = ig_opt_each(c, c->ir->main, visit, &f);
  ig_opt_array_free(c->ir, f.map_uses, f.uses.n_ids, sizeof *f.map_uses);
  ig_uses_free(&f.uses);
  return st;
}

const ig_pass ig_pass_fuse_epilogue = {"fuse_epilogue", IG_STAGE_LOWERED, true, run, "maps become epilogues of the kernels that feed them"};
