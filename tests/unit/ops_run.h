/* Runs LOWERED nodes on the reference, for tests of operator records: views are materialised, kernels called by ig_ref_run.
 * Everything is bound from values of symbols, so the same code runs graphs with constant and with symbolic dims.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef OPS_RUN_H
#define OPS_RUN_H
#include "ops/op.h"
#include "ref/ref.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct ops_run {
  ig_ir *ir;
  int64_t *dim;
  size_t n_dims;
  uint8_t **bytes; /* compact contents by value id */
  uint32_t n_vals;
  ig_error_word error;
} ops_run;

static inline size_t ops_size(ig_dtype d, int64_t n) { return ig_dtype_bytes(d, (uint64_t)n); }

static inline int64_t ops_count(const ops_run *r, const ig_dim *dims, int rank) {
  int64_t n = 1;
  for (int k = 0; k < rank; k++)
    n *= r->dim[dims[k]];
  return n;
}

static inline uint8_t *ops_new(const ops_run *r, const ig_val *v) {
  const int64_t n = ops_count(r, v->dims, v->rank);
  const size_t size = n < 0 ? 0 : ops_size(v->dtype, n);
  uint8_t *p = malloc(size ? size : 1);
  memset(p, 0xab, size ? size : 1);
  return p;
}

static inline uint8_t *ops_bytes(const ops_run *r, const ig_val *v) { return v->data ? (uint8_t *)(uintptr_t)v->data->bytes : r->bytes[v->id]; }

static inline void ops_copy_element(uint8_t *to, int64_t i, const uint8_t *from, int64_t k, ig_dtype d) {
  const uint32_t bits = IG_DTYPE_BITS(d);
  if (bits >= 8) {
    memcpy(to + (size_t)i * (bits / 8), from + (size_t)k * (bits / 8), bits / 8);
    return;
  }
  const uint32_t per = 8 / bits, mask = (1u << bits) - 1, x = from[k / per] >> (k % per * bits) & mask;
  to[i / per] = (uint8_t)((to[i / per] & ~(mask << (i % per * bits))) | x << (i % per * bits));
}

static inline void ops_run_view(ops_run *r, const ig_node *n) {
  const ig_val *x = ig_node_in(n, 0), *y = n->out[0];
  uint8_t *to = r->bytes[y->id] = ops_new(r, y);
  int64_t own[IG_MAX_RANK], strides[IG_MAX_RANK] = {0}, base = 0, step = 1, at[IG_MAX_RANK] = {0};
  const bool plain = n->view.op == IG_VIEW_RESHAPE || n->view.op == IG_VIEW_BITCAST;
  for (int k = plain ? -1 : x->rank - 1; k >= 0; k--) {
    own[k] = step;
    step *= r->dim[x->dims[k]];
  }
  for (int k = 0; k < y->rank && !plain; k++) {
    const int from = k - (y->rank - x->rank);
    if (n->view.op == IG_VIEW_PERMUTE) strides[k] = own[n->view.perm[k]];
    if (n->view.op == IG_VIEW_EXPAND) strides[k] = from < 0 || r->dim[x->dims[from]] == 1 ? 0 : own[from];
    if (n->view.op == IG_VIEW_SLICE) {
      strides[k] = own[k] * n->view.step[k];
      base += own[k] * r->dim[n->view.start[k]];
    }
  }
  const int64_t count = ops_count(r, y->dims, y->rank);
  if (plain) memcpy(to, ops_bytes(r, x), ops_size(y->dtype, count));
  for (int64_t i = 0; i < count && !plain; i++) {
    int64_t src = base;
    for (int k = 0; k < y->rank; k++)
      src += at[k] * strides[k];
    ops_copy_element(to, i, ops_bytes(r, x), src, y->dtype);
    for (int k = y->rank - 1; k >= 0 && ++at[k] == r->dim[y->dims[k]]; k--)
      at[k] = 0;
  }
}

/* A copy of the program with dims replaced by their values; NULL for an empty one. */
static inline ig_sinsn *ops_bind_prog(const ops_run *r, ig_sprog *p) {
  if (!p->n) return NULL;
  ig_sinsn *copy = malloc(p->n * sizeof *copy);
  memcpy(copy, p->insns, p->n * sizeof *copy);
  for (uint32_t i = 0; i < p->n; i++) {
    if (copy[i].op != IG_SOP_DIM) continue;
    copy[i].op = IG_SOP_CONST;
    copy[i].imm = (uint64_t)r->dim[copy[i].imm];
  }
  p->insns = copy;
  return copy;
}

static inline void ops_bind_operand(ops_run *r, const ig_node *n, const ig_operand *o, ig_view *v) {
  memset(v, 0, sizeof *v);
  if (o->value == IG_NO_VALUE) return;
  const ig_val *x = o->value < n->n_in ? ig_node_in(n, o->value) : n->out[o->value - n->n_in];
  const int64_t offset = r->dim[o->offset];
  v->dtype = o->dtype;
  v->rank = o->rank;
  const uint32_t bits = IG_DTYPE_BITS(o->dtype);
  v->data = ops_bytes(r, x) + (bits >= 8 ? offset * (bits / 8) : offset * bits / 8);
  v->first = bits >= 8 ? 0 : (uint32_t)(offset % (8 / bits));
  for (uint32_t k = 0; k < o->rank; k++) {
    v->dims[k] = r->dim[o->dims[k]];
    v->strides[k] = r->dim[o->strides[k]];
  }
}

static inline void ops_run_request(ops_run *r, const ig_node *n, const ig_request *rq) {
  const ig_kind_def *kind = ig_kind(rq->kind);
  const uint32_t count = ig_request_n_operands(rq);
  ig_view *v = calloc(count, sizeof *v);
  for (uint32_t i = 0; i < count; i++)
    ops_bind_operand(r, n, &rq->operands[i], &v[i]);
  int64_t *params = calloc(1, kind->params_size ? kind->params_size : 8);
  if (kind->params_size) memcpy(params, rq->params, kind->params_size);
  for (uint32_t f = 0; f < kind->n_fields; f++)
    for (uint32_t k = 0; k < kind->fields[f].count && kind->fields[f].type == IG_FIELD_DIM; k++)
      params[kind->fields[f].word + k] = r->dim[params[kind->fields[f].word + k]];
  ig_call c = {.kind = rq->kind,
               .n_in = rq->n_in,
               .n_extra = rq->n_extra,
               .n_out = rq->n_out,
               .v = v,
               .params = params,
               .prog = rq->prog,
               .epi = rq->epi,
               .error = &r->error};
  ig_sinsn *prog = ops_bind_prog(r, &c.prog), *epi = ops_bind_prog(r, &c.epi);
  c.scratch_size = ig_ref_scratch(&c);
  c.scratch = aligned_alloc(64, (c.scratch_size + 127) / 64 * 64);
  ig_ref_run(&c);
  free(c.scratch);
  free(prog);
  free(epi);
  free(params);
  free(v);
}

/* Evaluates dims for these symbols and checks the guards. */
static inline ig_status ops_run_begin(ops_run *r, ig_ir *ir, const int64_t *symbols, size_t n_symbols) {
  *r = (ops_run){.ir = ir, .n_dims = ir->dims.nodes.n, .n_vals = ir->next_id};
  r->dim = calloc(r->n_dims + 1, sizeof *r->dim);
  r->bytes = calloc(r->n_vals + 1, sizeof *r->bytes);
  IG_TRY(ig_dims_eval(ir->dims.nodes.data, r->n_dims, symbols, n_symbols, r->dim));
  for (size_t i = 0; i < ir->dims.guards.n; i++) {
    const ig_guard *g = &ir->dims.guards.data[i];
    const int64_t a = r->dim[g->a], b = r->dim[g->b];
    const bool ok = g->rel == IG_GUARD_GE ? a >= b : a == b || (g->rel == IG_GUARD_BROADCAST && (a == 1 || b == 1));
    IG_REQUIRE(ok, IG_ERROR_SHAPE, "node '%s': %s: %lld and %lld", g->node, g->what, (long long)a, (long long)b);
  }
  return NULL;
}

/* Contents of a graph input, copied. */
static inline void ops_run_bind(ops_run *r, const ig_val *v, const void *bytes) {
  r->bytes[v->id] = ops_new(r, v);
  memcpy(r->bytes[v->id], bytes, ops_size(v->dtype, ops_count(r, v->dims, v->rank)));
}

static inline void ops_run_all(ops_run *r, const ig_graph *g) {
  for (const ig_node *n = g->first; n; n = n->next) {
    if (n->form == IG_FORM_VIEW) ops_run_view(r, n);
    if (n->form != IG_FORM_KERNEL) continue;
    for (uint32_t i = 0; i < n->n_out; i++)
      r->bytes[n->out[i]->id] = ops_new(r, n->out[i]);
    for (uint32_t i = 0; i < n->region->n_requests; i++)
      ops_run_request(r, n, &n->region->requests[i]);
  }
}

static inline void ops_run_end(ops_run *r) {
  for (uint32_t i = 0; i < r->n_vals; i++)
    free(r->bytes[i]);
  free(r->bytes);
  free(r->dim);
}
#endif
