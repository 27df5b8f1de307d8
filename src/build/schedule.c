/* The LOWERED graph as a list of tasks (steps to be) over buffers with lifetimes. An If's arms follow it in the list; positions are
 * linear, so a lifetime that spans both arms is merely longer than needed, never too short.
 * SPDX-License-Identifier: Apache-2.0 */
#include "build/internal.h"

static ig_status new_buffer(ig_builder *b, const ig_build_buffer *like, uint32_t *out) {
  *out = (uint32_t)b->buffers.n;
  return IG_PUSH(&b->ir->env->alloc, b->buffers, *like) ? NULL : IG_OOM();
}

/* Bytes of a value. What no machine could hold is refused when building already; what depends on shapes, at bind. */
static ig_status bytes_of(ig_dims *t, const ig_val *v, ig_dim *out) {
  const ig_dim n = ig_dim_product(t, v->dims, (size_t)v->rank);
  const uint32_t bits = IG_DTYPE_BITS(v->dtype);
  int64_t count;
  *out = bits % 8 == 0 ? ig_dim_mul_c(t, n, bits / 8) : ig_dim_ceildiv(t, ig_dim_mul_c(t, n, bits), ig_dim_const(t, 8));
  IG_TRY_NOTE(ig_dims_take_error(t), "value '%s'", v->name);
  IG_REQUIRE(!ig_dim_is_const(t, n, &count) || count <= IG_DIM_UNBOUNDED, IG_ERROR_LIMIT, "value '%s' has %lld elements, at most 2^40 are possible (limit 'elements')", v->name, (long long)count);
  IG_REQUIRE(!ig_dim_is_const(t, *out, &count) || count <= IG_DIM_UNBOUNDED, IG_ERROR_LIMIT, "value '%s' takes %lld bytes, at most 2^40 are possible (limit 'bytes of a value')", v->name, (long long)count);
  return NULL;
}

/* Buffer of a root value, made at its first mention. Inputs and outputs have theirs already. */
static ig_status buffer_for(ig_builder *b, ig_val *root, uint32_t *out) {
  *out = b->buffer_of[root->id];
  if (*out != IG_NONE) return NULL;
  ig_build_buffer q = { .kind = IG_BUFFER_ARENA, .name = root->name, .root = root, .alias = IG_NONE, .first = IG_NONE };
  if (root->data) q.kind = IG_BUFFER_CONSTANT, q.data = root->data;
  else IG_TRY(bytes_of(&b->ir->dims, root, &q.bytes));
  IG_TRY(new_buffer(b, &q, out));
  b->buffer_of[root->id] = *out;
  return NULL;
}

/* Notes that task `at` touches the buffer. */
static void touch(ig_builder *b, uint32_t buffer, uint32_t at) {
  ig_build_buffer *q = &b->buffers.data[buffer];
  if (q->first == IG_NONE || at < q->first) q->first = at;
  if (at > q->last) q->last = at;
}

/* Operand of value v (NULL: left out), with strides from its layout. */
static ig_status operand_of(ig_builder *b, ig_val *v, const ig_operand *shape, ig_operand *out) {
  *out = *shape;
  if (!v || shape->value == IG_NO_VALUE) {
    *out = (ig_operand){ .value = IG_NO_VALUE };
    return NULL;
  }
  const ig_layout *l = &b->layouts.at[v->id];
  IG_TRY(buffer_for(b, l->root, &out->value));
  out->dtype = v->dtype;
  out->rank = (uint8_t)v->rank;
  out->block = 1;
  out->offset = l->offset;
  memcpy(out->dims, v->dims, sizeof out->dims);
  memcpy(out->strides, l->strides, sizeof out->strides);
  for (uint32_t k = out->rank; k < IG_MAX_RANK; k++) out->dims[k] = out->strides[k] = IG_DIM_BAD;
  return NULL;
}

static ig_val *value_of(const ig_node *n, uint32_t number) { return number < n->n_in ? ig_node_in(n, number) : ig_node_out(n, number - n->n_in); }

static ig_status push_task(ig_builder *b, const ig_build_task *t) { return IG_PUSH(&b->ir->env->alloc, b->tasks, *t) ? NULL : IG_OOM(); }

/* A move onto itself: the part was written where it belongs. */
static bool lies_there(const ig_request *r) {
  const ig_operand *x = &r->operands[0], *y = ig_request_out(r, 0);
  return r->kind == IG_KIND_move && x->value == y->value && x->offset == y->offset && memcmp(x->dims, y->dims, x->rank * sizeof *x->dims) == 0 &&
         memcmp(x->strides, y->strides, x->rank * sizeof *x->strides) == 0;
}

static ig_status schedule_request(ig_builder *b, ig_node *n, const ig_request *r) {
  const uint32_t at = (uint32_t)b->tasks.n;
  ig_build_task t = { .kind = IG_STEP_KERNEL, .node = n, .request = *r, .scratch = IG_NONE };
  const uint32_t n_operands = ig_request_n_operands(&t.request);
  const ig_operand *shapes = t.request.operands;
  t.request.operands = IG_NEW_ARRAY(&b->arena, ig_operand, n_operands);
  if (!t.request.operands) return ig_arena_status(&b->arena);
  for (uint32_t i = 0; i < n_operands; i++) {
    ig_val *v = shapes[i].value == IG_NO_VALUE ? NULL : value_of(n, shapes[i].value);
    ig_operand *o = &t.request.operands[i];
    IG_TRY(operand_of(b, v, &shapes[i], o));
    if (v && n->region->n_requests > 1 && i >= r->n_in + r->n_extra) {   /* this request writes a part of the result */
      o->offset = shapes[i].offset;
      memcpy(o->dims, shapes[i].dims, o->rank * sizeof *o->dims);
      IG_TRY(ig_layout_part(b->ir, &b->layouts, v, o));
    }
    if (v) touch(b, o->value, at);
    if (v && i >= r->n_in + r->n_extra && b->layouts.at[v->id].root != v) b->buffers.data[o->value].shared = true;
  }
  return lies_there(&t.request) ? NULL : push_task(b, &t);
}

static ig_status schedule_kernel(ig_builder *b, ig_node *n) {
  const ig_region *g = n->region;
  for (uint32_t i = 0; i < g->n_requests; i++) {
    IG_NODE_REQUIRE(n, g->n_requests == 1 || g->requests[i].kind == IG_KIND_move, IG_ERROR_INTERNAL, "region of %u requests", g->n_requests);
    IG_TRY(schedule_request(b, n, &g->requests[i]));
  }
  return NULL;
}

/* A move of v into the whole of buffer `to` (dims of v, compact). */
static ig_status schedule_copy(ig_builder *b, ig_node *n, ig_val *v, uint32_t to) {
  ig_dims *t = &b->ir->dims;
  const uint32_t at = (uint32_t)b->tasks.n;
  ig_build_task k = { .kind = IG_STEP_KERNEL, .node = n, .scratch = IG_NONE };
  ig_move_params *p = IG_NEW(&b->arena, ig_move_params);
  k.request = (ig_request){ .kind = IG_KIND_move, .n_in = 1, .n_out = 1, .operands = IG_NEW_ARRAY(&b->arena, ig_operand, 2), .params = p };
  if (!p || !k.request.operands) return ig_arena_status(&b->arena);
  for (int i = 0; i < IG_MAX_RANK; i++) p->pad_lo[i] = ig_dim_const(t, 0);
  const ig_operand shape = { 0 };
  IG_TRY(operand_of(b, v, &shape, &k.request.operands[0]));
  ig_operand *o = &k.request.operands[1];
  *o = k.request.operands[0];
  o->value = to;
  for (uint32_t i = o->rank; i < IG_MAX_RANK; i++) o->dims[i] = IG_DIM_BAD;
  IG_TRY(ig_operand_compact(o, t));
  touch(b, k.request.operands[0].value, at);
  touch(b, to, at);
  return push_task(b, &k);
}

/* May the root of v, an output of graph g, be written straight into the buffer meant for v? It must be what a step of g writes, whole, in
 * order, and have no other buffer yet. */
static ig_status takes_buffer(ig_builder *b, const ig_graph *g, const ig_val *v, bool *out) {
  const ig_layout *l = &b->layouts.at[v->id];
  *out = false;
  if (!l->root->producer || l->root->graph != g || l->root->data || b->buffer_of[l->root->id] != IG_NONE || IG_DTYPE_BITS(v->dtype) != IG_DTYPE_BITS(l->root->dtype)) return NULL;
  ig_dims *t = &b->ir->dims;
  bool whole;
  IG_TRY(ig_layout_is_compact(b->ir, &b->layouts, v, &whole));
  *out = whole && ig_dim_product(t, v->dims, (size_t)v->rank) == ig_dim_product(t, l->root->dims, (size_t)l->root->rank);
  return ig_dims_take_error(t);
}

static ig_status schedule_graph(ig_builder *b, ig_graph *g);

/* The steps of one arm. Its results are made in the If's own buffers, or copied there; behind a trap nothing runs. */
static ig_status schedule_arm(ig_builder *b, ig_node *n, ig_graph *arm) {
  uint32_t to;
  for (uint32_t i = 0; i < n->n_out; i++) {
    if (!n->out[i]) continue;
    bool direct;
    ig_val *v = ig_graph_output(arm, i);
    IG_TRY(buffer_for(b, n->out[i], &to));
    IG_TRY(takes_buffer(b, arm, v, &direct));
    if (direct) b->buffer_of[b->layouts.at[v->id].root->id] = to;
  }
  IG_TRY(schedule_graph(b, arm));
  for (uint32_t i = 0; i < n->n_out; i++) {
    if (!n->out[i]) continue;
    ig_val *v = ig_graph_output(arm, i), *root = b->layouts.at[v->id].root;
    IG_TRY(buffer_for(b, n->out[i], &to));
    if (b->buffer_of[root->id] != to && !(root->producer && root->producer->form == IG_FORM_TRAP)) IG_TRY(schedule_copy(b, n, v, to));
  }
  return NULL;
}

/* The buffer of the condition, a copy where it has none of its own: the runtime reads at the buffer's start. */
static ig_status condition_buffer(ig_builder *b, ig_node *n, uint32_t *out) {
  ig_operand cond;
  const ig_operand shape = { 0 };
  ig_val *c = ig_node_in(n, 0);
  bool whole;
  IG_TRY(ig_layout_is_compact(b->ir, &b->layouts, c, &whole));
  if (whole) {
    IG_TRY(operand_of(b, c, &shape, &cond));
    *out = cond.value;
    return NULL;
  }
  ig_build_buffer q = { .kind = IG_BUFFER_ARENA, .name = c->name, .alias = IG_NONE, .first = IG_NONE };
  IG_TRY(bytes_of(&b->ir->dims, c, &q.bytes));
  IG_TRY(new_buffer(b, &q, out));
  return schedule_copy(b, n, c, *out);
}

static ig_status schedule_if(ig_builder *b, ig_node *n) {
  ig_build_task t = { .kind = IG_STEP_IF, .node = n, .scratch = IG_NONE, .cond = IG_NONE, .cond_dim = n->cond };
  if (!n->cond) IG_TRY(condition_buffer(b, n, &t.cond));
  const size_t if_at = b->tasks.n;
  if (!n->cond) touch(b, t.cond, (uint32_t)if_at);
  IG_TRY(push_task(b, &t));
  uint32_t counts[2];
  for (int arm = 0; arm < 2; arm++) {
    const size_t first = b->tasks.n;
    IG_TRY(schedule_arm(b, n, n->arms[arm]));
    counts[arm] = (uint32_t)(b->tasks.n - first);
  }
  for (uint32_t i = 0; i < n->n_out; i++) {   /* written in either arm: alive from the If to its end at least */
    if (!n->out[i]) continue;
    uint32_t to;
    IG_TRY(buffer_for(b, n->out[i], &to));
    touch(b, to, (uint32_t)if_at);
    touch(b, to, (uint32_t)b->tasks.n - 1);
  }
  b->tasks.data[if_at].n_then = counts[0];
  b->tasks.data[if_at].n_else = counts[1];
  return NULL;
}

static ig_status schedule_graph(ig_builder *b, ig_graph *g) {
  for (ig_node *n = g->first; n; n = n->next) {
    switch (n->form) {
    case IG_FORM_KERNEL: IG_TRY(schedule_kernel(b, n)); break;
    case IG_FORM_VIEW: break;
    case IG_FORM_IF: IG_TRY(schedule_if(b, n)); break;
    case IG_FORM_TRAP: {
      const ig_build_task t = { .kind = IG_STEP_TRAP, .node = n, .scratch = IG_NONE };
      IG_TRY(push_task(b, &t));
      break;
    }
    case IG_FORM_OP: IG_NODE_FAIL(n, IG_ERROR_INTERNAL, "still an operator at stage LOWERED");
    }
  }
  return NULL;
}

/* ---- outputs ---- */

static ig_status io_buffers(ig_builder *b) {
  ig_graph *g = b->ir->main;
  uint32_t at;
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    ig_val *v = g->inputs[i];
    ig_build_buffer q = { .kind = IG_BUFFER_INPUT, .index = i, .name = v->name, .root = v, .alias = IG_NONE, .first = IG_NONE };
    IG_TRY(bytes_of(&b->ir->dims, v, &q.bytes));
    IG_TRY(new_buffer(b, &q, &at));
    b->buffer_of[v->id] = at;
  }
  for (uint32_t i = 0; i < g->n_outputs; i++) {
    ig_val *v = ig_graph_output(g, i);
    ig_build_buffer q = { .kind = IG_BUFFER_OUTPUT, .index = g->n_inputs + i, .name = g->output_names[i], .root = v, .alias = IG_NONE, .first = IG_NONE };
    bool own;
    IG_TRY(bytes_of(&b->ir->dims, v, &q.bytes));
    IG_TRY(takes_buffer(b, g, v, &own));
    IG_TRY(new_buffer(b, &q, &at));
    if (own) b->buffer_of[b->layouts.at[v->id].root->id] = at;
  }
  return NULL;
}

static ig_status copy_outputs(ig_builder *b) {
  ig_graph *g = b->ir->main;
  for (uint32_t i = 0; i < g->n_outputs; i++) {
    ig_val *v = ig_graph_output(g, i);
    const uint32_t to = g->n_inputs + i;
    if (b->buffer_of[b->layouts.at[v->id].root->id] == to) continue;
    ig_node *n = v->producer;
    if (!n) {   /* an input or a constant as output: the copy step needs a node to be named after */
      n = ig_node_new(g, NULL, g->output_names[i], IG_FORM_VIEW, &v, 1, 0);
      if (!n) return ig_arena_status(&b->ir->arena);
      n->type = "Identity";
      ig_node_remove(n);
    }
    IG_TRY(schedule_copy(b, n, v, to));
  }
  return NULL;
}

/* ---- bind steps: they depend on symbols and constants alone ---- */

static bool has_random(const ig_sprog *p) {
  for (uint32_t i = 0; i < p->n; i++)
    if (p->insns[i].op == IG_SOP_RANDOM) return true;
  return false;
}

static bool can_bind(const ig_builder *b, const ig_build_task *t) {
  if (t->kind != IG_STEP_KERNEL || has_random(&t->request.prog) || has_random(&t->request.epi)) return false;
  const uint32_t n_in = t->request.n_in + t->request.n_extra;
  for (uint32_t k = 0; k < ig_request_n_operands(&t->request); k++) {
    const uint32_t v = t->request.operands[k].value;
    if (v == IG_NO_VALUE) continue;
    if (t->request.operands[k].dtype == IG_DTYPE_STRING) return false;   /* strings are not kept between runs */
    const uint32_t kind = b->buffers.data[v].kind;
    if (k < n_in ? kind != IG_BUFFER_CONSTANT && kind != IG_BUFFER_KEPT : kind != IG_BUFFER_ARENA || b->buffers.data[v].shared) return false;
  }
  return true;
}

/* The tasks of one node write parts of one value: all of them move to bind, or none. */
static void mark_bind_steps(ig_builder *b) {
  for (size_t i = 0, end; i < b->tasks.n; i = end) {
    const ig_build_task *first = &b->tasks.data[i];
    bool bind = true;
    end = first->kind == IG_STEP_IF ? i + 1 + first->n_then + first->n_else : i;   /* steps of arms stay where they are */
    if (end > i) continue;
    for (; end < b->tasks.n && b->tasks.data[end].node == first->node && b->tasks.data[end].kind == IG_STEP_KERNEL; end++) bind = bind && can_bind(b, &b->tasks.data[end]);
    if (end == i) end = i + 1, bind = false;
    for (size_t k = i; bind && k < end; k++) {
      ig_build_task *t = &b->tasks.data[k];
      t->flags |= IG_STEP_BIND;
      for (uint32_t o = t->request.n_in + t->request.n_extra; o < ig_request_n_operands(&t->request); o++)
        if (t->request.operands[o].value != IG_NO_VALUE) b->buffers.data[t->request.operands[o].value].kind = IG_BUFFER_KEPT;
    }
  }
}

ig_status ig_schedule(ig_builder *b) {
  const uint32_t n = b->ir->next_id;
  b->buffer_of = IG_NEW_ARRAY(&b->arena, uint32_t, n + 1);
  if (!b->buffer_of) return ig_arena_status(&b->arena);
  for (uint32_t i = 0; i < n; i++) b->buffer_of[i] = IG_NONE;
  IG_TRY(io_buffers(b));
  IG_TRY(schedule_graph(b, b->ir->main));
  IG_TRY(copy_outputs(b));
  mark_bind_steps(b);
  const uint32_t last = b->tasks.n ? (uint32_t)b->tasks.n - 1 : 0;
  for (size_t i = 0; i < b->buffers.n; i++) {
    ig_build_buffer *q = &b->buffers.data[i];
    if (q->first == IG_NONE) q->first = 0;
    if (q->kind == IG_BUFFER_KEPT) q->first = 0, q->last = last;
  }
  return NULL;
}

/* ---- in place ---- */

bool ig_same_place(const ig_operand *x, const ig_operand *y) {
  return x->dtype == y->dtype && x->rank == y->rank && x->offset == y->offset && memcmp(x->dims, y->dims, x->rank * sizeof(ig_dim)) == 0 && memcmp(x->strides, y->strides, x->rank * sizeof(ig_dim)) == 0;
}

/* Result 0 of task `at` on its operand k: both whole arena buffers, the operand dead afterwards and read through no other operand. */
static bool inplace_ok(const ig_builder *b, const ig_build_task *t, uint32_t at, uint32_t k) {
  const ig_operand *x = &t->request.operands[k], *y = ig_request_out(&t->request, 0);
  if (x->value == IG_NO_VALUE || y->value == IG_NO_VALUE || !ig_same_place(x, y)) return false;
  const ig_build_buffer *p = &b->buffers.data[x->value], *q = &b->buffers.data[y->value];
  if (p->kind != IG_BUFFER_ARENA || q->kind != IG_BUFFER_ARENA || p->last != at || q->first != at || q->alias != IG_NONE || p->bytes != q->bytes) return false;
  for (uint32_t i = 0; i < ig_request_n_operands(&t->request); i++)
    if (i != k && t->request.operands[i].value == x->value) return false;
  return x->value < y->value;   /* the format wants an alias to follow its root */
}

ig_status ig_schedule_inplace(ig_builder *b) {
  for (size_t i = 0; i < b->tasks.n; i++) {
    const ig_build_task *t = &b->tasks.data[i];
    if (t->kind != IG_STEP_KERNEL || !t->offer.inplace_mask) continue;
    for (uint32_t k = 0; k < t->request.n_in + t->request.n_extra && k < 32; k++) {
      if (!(t->offer.inplace_mask >> k & 1) || !inplace_ok(b, t, (uint32_t)i, k)) continue;
      b->buffers.data[ig_request_out(&t->request, 0)->value].alias = t->request.operands[k].value;
      break;
    }
  }
  return NULL;
}
