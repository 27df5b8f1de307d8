/* Lowering: helpers that build view and kernel nodes before the operator's node, and the driver that checks what an operator's lower hook made.
 *
 * Errors are sticky in ig_lower, so that hooks read as straight-line code: after the first failure every helper returns NULL and does nothing.
 * A view that changes nothing is not made. Requests are checked as they are built, so a wrong lowering is named by its node.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/op.h"

void ig_lo_fail(ig_lower *l, ig_status st) {
  if (l->error)
    ig_status_free(st);
  else
    l->error = st;
}

static ig_dims *dims_of(const ig_lower *l) { return &l->ir->dims; }

static bool no_memory(ig_lower *l) {
  ig_lo_fail(l, ig_arena_status(&l->ir->arena));
  return false;
}

/* A new node with the source's name, before l->before; NULL on failure. */
static ig_node *new_node(ig_lower *l, ig_form form, ig_val *const *in, uint32_t n_in, uint32_t n_out) {
  ig_node *n = ig_node_new(l->graph, l->before, l->src->name, form, in, n_in, n_out);
  if (!n) {
    no_memory(l);
    return NULL;
  }
  n->sources = l->src->sources;
  n->domain = l->src->domain;
  n->type = l->src->type;
  return n;
}

static bool same_dims(const ig_val *x, uint32_t rank, const ig_dim *dims) {
  return (uint32_t)x->rank == rank && (rank == 0 || memcmp(x->dims, dims, rank * sizeof *dims) == 0);
}

static ig_val *new_view(ig_lower *l, ig_val *x, const ig_view_spec *spec, ig_dtype dtype, uint32_t rank, const ig_dim *dims) {
  ig_status s = ig_dims_take_error(dims_of(l));
  if (s) ig_lo_fail(l, s);
  if (l->error) return NULL;
  if (rank > IG_MAX_RANK) {
    ig_lo_fail(l, ig_status_with(ig_status_node(IG_ERROR_UNSUPPORTED, l->src->name, l->src->type,
                                                "needs a tensor of %u dims, at most %d are possible", rank, IG_MAX_RANK),
                                 IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_SHAPE"));
    return NULL;
  }
  ig_node *n = new_node(l, IG_FORM_VIEW, &x, 1, 1);
  if (!n) return NULL;
  n->view = *spec;
  ig_val_set_type(n->out[0], dtype, (int)rank, dims);
  return n->out[0];
}

ig_val *ig_lo_reshape(ig_lower *l, ig_val *x, uint32_t rank, const ig_dim *dims) {
  if (l->error || !x) return NULL;
  const ig_view_spec spec = {.op = IG_VIEW_RESHAPE};
  return same_dims(x, rank, dims) ? x : new_view(l, x, &spec, x->dtype, rank, dims);
}

ig_val *ig_lo_permute(ig_lower *l, ig_val *x, const uint8_t *perm) {
  if (l->error || !x) return NULL;
  ig_view_spec spec = {.op = IG_VIEW_PERMUTE};
  ig_dim dims[IG_MAX_RANK] = {0};
  bool changes = false;
  for (int k = 0; k < x->rank; k++) {
    spec.perm[k] = perm[k];
    dims[k] = x->dims[perm[k]];
    changes |= perm[k] != k;
  }
  return changes ? new_view(l, x, &spec, x->dtype, (uint32_t)x->rank, dims) : x;
}

ig_val *ig_lo_slice(ig_lower *l, ig_val *x, const ig_dim *start, const int64_t *step, const ig_dim *dims) {
  if (l->error || !x) return NULL;
  ig_view_spec spec = {.op = IG_VIEW_SLICE};
  bool changes = !same_dims(x, (uint32_t)x->rank, dims);
  for (int k = 0; k < x->rank; k++) {
    spec.start[k] = start ? start[k] : ig_dim_const(dims_of(l), 0);
    spec.step[k] = step ? step[k] : 1;
    changes |= spec.step[k] != 1 || !ig_dim_equals(dims_of(l), spec.start[k], 0);
  }
  return changes ? new_view(l, x, &spec, x->dtype, (uint32_t)x->rank, dims) : x;
}

ig_val *ig_lo_expand(ig_lower *l, ig_val *x, uint32_t rank, const ig_dim *dims) {
  if (l->error || !x) return NULL;
  const ig_view_spec spec = {.op = IG_VIEW_EXPAND};
  return same_dims(x, rank, dims) ? x : new_view(l, x, &spec, x->dtype, rank, dims);
}

ig_val *ig_lo_bitcast(ig_lower *l, ig_val *x, ig_dtype dtype) {
  if (l->error || !x) return NULL;
  const ig_view_spec spec = {.op = IG_VIEW_BITCAST};
  return x->dtype == dtype ? x : new_view(l, x, &spec, dtype, (uint32_t)x->rank, x->dims);
}

ig_val *ig_lo_const(ig_lower *l, ig_dtype dtype, uint32_t rank, const int64_t *dims, const void *bytes) {
  if (l->error) return NULL;
  ig_val *v = ig_val_const_bytes(l->graph, NULL, dtype, (uint8_t)rank, dims, bytes);
  if (!v) no_memory(l);
  return v;
}

ig_val *ig_lo_scalar(ig_lower *l, ig_dtype dtype, double v) {
  if (l->error) return NULL;
  const float f = (float)v;
  const int64_t i = v >= -9223372036854775808.0 && v < 9223372036854775808.0 ? (int64_t)v : 0;
  uint64_t bits = (uint64_t)i;
  switch (ig_stype_of(dtype)) {
  case IG_S_F64:
    memcpy(&bits, &v, 8);
    break;
  case IG_S_F32:
    bits = 0;
    if (dtype == IG_DTYPE_F32)
      memcpy(&bits, &f, 4);
    else if (dtype == IG_DTYPE_F16)
      bits = ig_f64_to_f16(v);
    else if (dtype == IG_DTYPE_BF16)
      bits = ig_f64_to_bf16(v);
    else
      bits = ig_f32_to_small(dtype, f, true, 2);
    break;
  case IG_S_U64:
    bits = v >= 9223372036854775808.0 ? (uint64_t)v : bits;
    break;
  default:
    break;
  }
  return ig_lo_const(l, dtype, 0, NULL, &bits);
}

/* ---- kernels ---- */

typedef struct builder {
  ig_lower *l;
  const ig_lo_kernel_desc *d;
  const ig_kind_def *kind;
  ig_request *r;
  uint32_t n_values;
  ig_val *in[IG_SPROG_MAX];
} builder;

static void fill_operand(builder *b, ig_operand *o, ig_val *v) {
  memset(o, 0, sizeof *o);
  o->value = IG_NO_VALUE;
  if (!v) return;
  o->value = b->n_values;
  b->in[b->n_values++] = v;
  o->dtype = v->dtype;
  o->rank = (uint8_t)v->rank;
  memcpy(o->dims, v->dims, sizeof o->dims);
}

static ig_request *new_request(builder *b) {
  const ig_lo_kernel_desc *d = b->d;
  ig_arena *a = &b->l->ir->arena;
  ig_request *r = IG_NEW(a, ig_request);
  if (!r) return NULL;
  *r = (ig_request){.kind = d->kind, .n_in = d->n_in, .n_extra = d->n_extra, .n_out = d->n_out};
  r->operands = IG_NEW_ARRAY(a, ig_operand, (size_t)d->n_in + d->n_extra + d->n_out);
  if (!r->operands) return NULL;
  if (b->kind->params_size) {
    r->params = ig_arena_alloc(a, b->kind->params_size);
    if (!r->params) return NULL;
    if (d->params) memcpy(r->params, d->params, b->kind->params_size);
  }
  if (d->prog) r->prog = *d->prog;
  if (d->epi) r->epi = *d->epi;
  for (uint32_t i = 0; i < d->n_in; i++)
    fill_operand(b, ig_request_in(r, i), d->in[i]);
  for (uint32_t i = 0; i < d->n_extra; i++)
    fill_operand(b, ig_request_extra(r, i), d->extra[i]);
  return r;
}

/* Results: given dims (always so for a map), or the kind's rule over the inputs. */
static ig_status set_outputs(builder *b) {
  const ig_lo_kernel_desc *d = b->d;
  const bool given = d->dims || d->kind == IG_KIND_map;
  ig_dim dims[8][IG_MAX_RANK] = {{0}};
  uint8_t rank[8] = {0};
  uint32_t value = b->n_values;
  for (uint32_t i = 0; i < d->n_out; i++) {
    ig_operand *o = ig_request_out(b->r, i);
    memset(o, 0, sizeof *o);
    o->value = d->out_dtypes[i] == IG_DTYPE_NONE ? IG_NO_VALUE : value++;
    o->dtype = d->out_dtypes[i];
    if (!given || o->value == IG_NO_VALUE) continue;
    o->rank = (uint8_t)d->rank;
    if (d->rank) memcpy(o->dims, d->dims, d->rank * sizeof *d->dims);
  }
  if (!given) {
    IG_REQUIRE(d->n_out <= IG_COUNT(rank), IG_ERROR_INTERNAL, "a kernel with %u results has no shape rule", d->n_out);
    IG_TRY(b->kind->out_dims(b->r, dims_of(b->l), b->l->src->name, dims, rank));
  }
  for (uint32_t i = 0; i < d->n_out; i++) {
    ig_operand *o = ig_request_out(b->r, i);
    if (given || o->value == IG_NO_VALUE) continue;
    o->rank = rank[i];
    memcpy(o->dims, dims[i], sizeof o->dims);
  }
  for (uint32_t i = 0; i < ig_request_n_operands(b->r); i++) {
    if (b->r->operands[i].value != IG_NO_VALUE) IG_TRY(ig_operand_compact(&b->r->operands[i], dims_of(b->l)));
  }
  IG_TRY(ig_dims_take_error(dims_of(b->l)));
  return ig_request_check(b->r, dims_of(b->l), b->l->src->name);
}

static bool add_node(builder *b, ig_val **out) {
  ig_lower *l = b->l;
  uint32_t n_out = 0;
  for (uint32_t i = 0; i < b->d->n_out; i++)
    n_out += b->d->out_dtypes[i] != IG_DTYPE_NONE;
  ig_region *region = IG_NEW(&l->ir->arena, ig_region);
  if (!region) return no_memory(l);
  *region = (ig_region){.requests = b->r, .n_requests = 1, .n_in = b->n_values, .n_out = n_out, .n_values = b->n_values + n_out};
  ig_node *n = new_node(l, IG_FORM_KERNEL, b->in, b->n_values, n_out);
  if (!n) return false;
  n->region = region;
  for (uint32_t i = 0, k = 0; i < b->d->n_out; i++) {
    const ig_operand *o = ig_request_out(b->r, i);
    out[i] = NULL;
    if (o->value == IG_NO_VALUE) continue;
    out[i] = n->out[k++];
    ig_val_set_type(out[i], o->dtype, o->rank, o->dims);
  }
  return true;
}

bool ig_lo_kernel(ig_lower *l, const ig_lo_kernel_desc *d, ig_val **out) {
  for (uint32_t i = 0; i < d->n_out; i++)
    out[i] = NULL;
  builder b = {.l = l, .d = d, .kind = ig_kind(d->kind)};
  if (!l->error && (!b.kind || d->n_in + d->n_extra > IG_COUNT(b.in)))
    ig_lo_fail(
        l, ig_status_node(IG_ERROR_INTERNAL, l->src->name, l->src->type, "lowering to kind %d with %u inputs", (int)d->kind, d->n_in + d->n_extra));
  if (l->error) return false;
  b.r = new_request(&b);
  if (!b.r) return no_memory(l);
  ig_status s = set_outputs(&b);
  if (s) ig_lo_fail(l, s);
  return !l->error && add_node(&b, out);
}

ig_val *ig_lo_map(ig_lower *l, ig_val *const *in, uint32_t n_in, const ig_sprog *prog, ig_dtype out_dtype, uint32_t rank, const ig_dim *dims) {
  ig_val *expanded[IG_SPROG_MAX], *out = NULL;
  if (!l->error && n_in > IG_COUNT(expanded))
    ig_lo_fail(l, ig_status_node(IG_ERROR_INTERNAL, l->src->name, l->src->type, "a map of %u inputs", n_in));
  if (l->error) return NULL;
  for (uint32_t i = 0; i < n_in; i++)
    expanded[i] = ig_lo_expand(l, in[i], rank, dims);
  const ig_lo_kernel_desc d = {
      .kind = IG_KIND_map, .in = expanded, .n_in = n_in, .out_dtypes = &out_dtype, .n_out = 1, .prog = prog, .rank = rank, .dims = dims};
  ig_lo_kernel(l, &d, &out);
  return out;
}

ig_val *ig_lo_widen(ig_lower *l, ig_val *x) {
  if (l->error || !x || IG_DTYPE_BITS(x->dtype) >= 32 || ig_stype_of(x->dtype) != IG_S_F32) return x;
  ig_sbuild b;
  ig_sprog prog;
  ig_sbuild_init(&b, &l->ir->arena);
  ig_s_store(&b, 0, ig_s_load(&b, 0, x->dtype), 0);
  ig_status st = ig_sbuild_finish(&b, &prog);
  if (st) return ig_lo_fail(l, st), NULL;
  return ig_lo_map(l, &x, 1, &prog, IG_DTYPE_F32, (uint32_t)x->rank, x->dims);
}

ig_val *ig_lo_copy(ig_lower *l, ig_val *x) {
  if (l->error || !x) return NULL;
  ig_move_params p = {.border = IG_MOVE_NONE};
  for (int k = 0; k < IG_MAX_RANK; k++)
    p.pad_lo[k] = ig_dim_const(dims_of(l), 0);
  static const ig_dim none[1] = {0};
  ig_val *in[2] = {x, NULL}, *out = NULL;
  const ig_lo_kernel_desc d = {.kind = IG_KIND_move,
                               .params = &p,
                               .in = in,
                               .n_in = 2,
                               .out_dtypes = &x->dtype,
                               .n_out = 1,
                               .rank = (uint32_t)x->rank,
                               .dims = x->rank ? x->dims : none};
  ig_lo_kernel(l, &d, &out);
  return out;
}

/* ---- results ---- */

void ig_lo_result(ig_lower *l, uint32_t i, ig_val *v) {
  ig_val *old = ig_node_out(l->src, i);
  if (l->error || !old || old->forward) return;
  if (!v) {
    ig_lo_fail(l, ig_status_node(IG_ERROR_INTERNAL, l->src->name, l->src->type, "lowering made no result %u", i));
    return;
  }
  v = ig_val_resolve(v);
  ig_status s = NULL;
  if (v->dtype != old->dtype || v->rank != old->rank)
    s = ig_status_node(IG_ERROR_INTERNAL, l->src->name, l->src->type, "lowering made result %u of type %s with %d dims, inference said %s with %d", i,
                       ig_dtype_name(v->dtype), v->rank, ig_dtype_name(old->dtype), old->rank);
  for (int k = 0; !s && k < old->rank; k++)
    s = ig_dims_assume_equal(dims_of(l), old->dims[k], v->dims[k], l->src->name, "lowered and inferred dims", NULL);
  if (s) ig_lo_fail(l, s);
  if (l->error || v == old) return;
  old->forward = v;
  if (v->elems || !old->elems) return;
  v->elems = old->elems; /* consumers that are lowered later still ask for them */
  v->n_elems = old->n_elems;
}

ig_status ig_op_lower(ig_node *n, ig_graph *graph, ig_node *before) {
  if (!n->op || !n->op->lower)
    return ig_status_with(ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "this operator has no kernels yet"), IG_DETAIL_ISSUE_CODE,
                          "UNSUPPORTED_NODE");
  ig_lower l = {.ir = graph->ir, .graph = graph, .before = before, .src = n};
  const uint32_t scope = ig_graph_enter(graph);
  ig_status s = n->op->lower(&l, n);
  graph->ir->dims.scope = scope;
  if (s) ig_lo_fail(&l, s);
  ig_status dims_error = ig_infer_dims_done(n); /* the cause, where a program or a view met a dim that could not be made */
  if (dims_error) ig_status_free(l.error);
  if (dims_error || l.error) return dims_error ? dims_error : l.error;
  for (uint32_t i = 0; i < n->n_out; i++)
    IG_NODE_REQUIRE(n, !n->out[i] || n->out[i]->forward, IG_ERROR_INTERNAL, "lowering did not declare result %u", i);
  return NULL;
}
