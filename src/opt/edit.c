/* Building a kernel node out of others. Results keep their ig_val, so no use has to be found and counts of uses stay valid by id.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/edit.h"

enum { MAX_SOURCES = 600 }; /* bytes of merged names; what comes after is left out */

const ig_request *ig_opt_request(const ig_node *n) {
  return n && n->form == IG_FORM_KERNEL && n->region && n->region->n_requests == 1 ? &n->region->requests[0] : NULL;
}

ig_val *ig_opt_operand(const ig_node *n, uint32_t i) {
  const uint32_t v = n->region->requests[0].operands[i].value;
  if (v == IG_NO_VALUE) return NULL;
  return v < n->n_in ? ig_node_in(n, v) : ig_node_out(n, v - n->n_in);
}

bool ig_edit_input(ig_edit *e, const ig_operand *like, ig_val *v) {
  const uint32_t at = e->r.n_in + e->r.n_extra;
  if (at == IG_EDIT_OPERANDS) return false;
  uint32_t k = 0;
  while (v && k < e->n_vals && e->vals[k] != v)
    k++;
  if (v && k == e->n_vals) e->vals[e->n_vals++] = v;
  e->in[at] = *like;
  e->in[at].value = v ? k : IG_NO_VALUE;
  return true;
}

const char *ig_edit_sources(ig_arena *a, const ig_node *first, const ig_node *second) {
  const char *x = first->sources ? first->sources : first->name, *y = second->sources ? second->sources : second->name;
  if (strcmp(x, y) == 0 || strlen(x) + strlen(y) > MAX_SOURCES) return x;
  return ig_arena_printf(a, "%s,%s", x, y);
}

static ig_region *make_region(ig_arena *a, const ig_edit *e, const ig_request *results, uint32_t n_out) {
  const uint32_t n_read = e->r.n_in + e->r.n_extra;
  ig_region *region = IG_NEW(a, ig_region);
  ig_request *r = IG_NEW(a, ig_request);
  ig_operand *operands = IG_NEW_ARRAY(a, ig_operand, (size_t)n_read + results->n_out);
  if (!region || !r || !operands) return NULL;
  *r = e->r;
  r->operands = operands;
  r->n_out = results->n_out;
  memcpy(operands, e->in, n_read * sizeof *operands);
  for (uint32_t i = 0; i < results->n_out; i++)
    operands[n_read + i] = *ig_request_out(results, i);
  *region = (ig_region){.requests = r, .n_requests = 1, .n_in = e->n_vals, .n_out = n_out, .n_values = e->n_vals + n_out};
  return region;
}

ig_status ig_edit_finish(ig_pass_ctx *c, const ig_edit *e, ig_node *n, const char *name, const char *sources, ig_node **out_node) {
  ig_arena *a = &c->ir->arena;
  const ig_request *old = ig_opt_request(n);
  ig_region *region = make_region(a, e, old, n->n_out);
  ig_node *m = region ? ig_node_new(n->graph, n, name, IG_FORM_KERNEL, e->vals, e->n_vals, 0) : NULL;
  if (!m) return ig_arena_status(a);
  const uint32_t n_read = e->r.n_in + e->r.n_extra;
  for (uint32_t i = 0; i < old->n_out; i++) {
    ig_operand *o = &region->requests[0].operands[n_read + i];
    if (o->value != IG_NO_VALUE) o->value = o->value - n->n_in + e->n_vals;
  }
  m->region = region;
  m->domain = n->domain;
  m->type = n->type;
  m->opset = n->opset;
  m->sources = sources;
  m->out = n->out;
  m->n_out = n->n_out;
  m->mark = n->mark;
  for (uint32_t i = 0; i < m->n_out; i++)
    if (m->out[i]) m->out[i]->producer = m;
  ig_node_remove(n);
  if (out_node) *out_node = m;
  return NULL;
}

ig_sreg ig_edit_stored(ig_sbuild *b, ig_sreg x, ig_dtype dtype) { return ig_s_cast(b, ig_s_round(b, x, dtype), ig_stype_of(dtype)); }

bool ig_sprog_has(const ig_sprog *p, ig_sop op) {
  for (uint32_t i = 0; i < p->n; i++)
    if (p->insns[i].op == op) return true;
  return false;
}

bool ig_sprog_stores_plainly(const ig_sprog *p, ig_dtype dtype) {
  if (IG_DTYPE_BITS(dtype) > 8 || ig_stype_of(dtype) != IG_S_F32) return true;
  for (uint32_t i = 0; i < p->n; i++)
    if (p->insns[i].op == IG_SOP_STORE && p->insns[i].flags) return false;
  return true;
}

ig_status ig_uses_init(ig_uses *u, ig_ir *ir) {
  u->ir = ir;
  u->n_ids = ir->next_id;
  u->n = ig_opt_array(ir, u->n_ids, sizeof *u->n);
  IG_CHECK_MEM(u->n);
  ig_graph_count_uses(ir->main, u->n);
  return NULL;
}

void ig_uses_free(ig_uses *u) {
  ig_opt_array_free(u->ir, u->n, u->n_ids, sizeof *u->n);
  u->n = NULL;
}

void ig_uses_add(ig_uses *u, const ig_node *n, int sign) {
  for (uint32_t i = 0; i < n->n_in; i++) {
    const ig_val *v = ig_node_in(n, i);
    if (v && v->id < u->n_ids) u->n[v->id] += (uint32_t)sign;
  }
}

uint32_t ig_uses_of(const ig_uses *u, const ig_val *v) { return v->id < u->n_ids ? u->n[v->id] : UINT32_MAX; }

uint32_t ig_uses_within(const ig_node *n, const ig_val *v) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < n->n_in; i++)
    count += ig_node_in(n, i) == v;
  return count;
}

ig_status ig_opt_each_with_uses(ig_pass_ctx *c, ig_node_fn fn) {
  ig_uses u;
  IG_TRY(ig_uses_init(&u, c->ir));
  ig_status st = ig_opt_each(c, c->ir->main, fn, &u);
  ig_uses_free(&u);
  return st;
}
