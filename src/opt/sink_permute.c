/* A permute of the rows of a product with one matrix moves behind the product: [length, batch, ..] rows of a [batch, length, ..] value are no one axis,
 * and a product of many small batches would read the matrix once for each. Behind the product the permute often meets its inverse, or views that
 * attention takes as strides.
 *
 * A product over joined rows ([length * batch, k]) is taken apart where the value is permuted, so that nobody has to join what does not lie end to end,
 * and where its readers take the rows apart again, so that maps behind it see the product itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/edit.h"

enum { MAX_EXTRA = 16 };

typedef struct product {
  ig_node *n;
  const ig_request *r;
  ig_val *a, *matrix;           /* matrix: [K, N], what B is expanded from */
} product;

static ig_node *view_of(const ig_val *v, ig_view_op op) {
  return v && !v->data && v->producer && v->producer->form == IG_FORM_VIEW && v->producer->view.op == op ? v->producer : NULL;
}

static bool is_product(ig_node *n, product *p) {
  const ig_request *r = ig_opt_request(n);
  if (!r || r->kind != IG_KIND_matmul || r->n_in != 2 || r->n_out != 1 || !n->out[0] || r->n_extra > MAX_EXTRA) return false;
  if (ig_sprog_has(&r->epi, IG_SOP_COORD) || ig_sprog_has(&r->epi, IG_SOP_RANDOM)) return false;
  ig_val *b = ig_opt_operand(n, 1);
  const ig_node *expand = view_of(b, IG_VIEW_EXPAND);
  *p = (product){.n = n, .r = r, .a = ig_opt_operand(n, 0), .matrix = expand ? ig_node_in(expand, 0) : b};
  return p->matrix->rank == 2 && p->matrix->dims[0] == b->dims[b->rank - 2] && p->matrix->dims[1] == b->dims[b->rank - 1];
}

/* The product of a, whose rows are dims[0 .. rank - 1), with the same matrix; extras have the result's dims. */
static ig_val *again(ig_lower *lo, const product *p, ig_val *a, ig_val *const *extra) {
  const ig_dtype out = ig_request_out(p->r, 0)->dtype;
  ig_dim dims[IG_MAX_RANK];
  ig_val *y = NULL;
  if (!a) return NULL;
  const uint32_t rank = (uint32_t)a->rank;
  memcpy(dims, a->dims, rank * sizeof *dims);
  dims[rank - 2] = p->matrix->dims[0];
  dims[rank - 1] = p->matrix->dims[1];
  ig_val *in[2] = {a, ig_lo_expand(lo, p->matrix, rank, dims)};
  const ig_lo_kernel_desc d = {.kind = IG_KIND_matmul, .params = p->r->params, .in = in, .n_in = 2, .extra = extra, .n_extra = p->r->n_extra, .out_dtypes = &out, .n_out = 1,
                               .epi = &p->r->epi};
  ig_lo_kernel(lo, &d, &y);
  return y;
}

/* The vector that an extra operand is expanded from, which is expanded again rather than viewed again; NULL where it is more than that. */
static ig_val *vector_of(ig_val *v) {
  const ig_node *expand = view_of(v, IG_VIEW_EXPAND);
  ig_val *x = expand ? ig_node_in(expand, 0) : NULL;
  return x && x->rank <= 1 ? x : NULL;
}

static ig_status replace(ig_pass_ctx *c, ig_lower *lo, ig_node *n, ig_val *y, uint32_t first_new_id) {
  if (lo->error || !y) return lo->error ? lo->error : ig_arena_status(&c->ir->arena);
  n->out[0]->forward = y;
  IG_TRY(ig_opt_keep_names(n, first_new_id));
  ig_opt_drop(n);
  return NULL;
}

/* product(permute(x)) = permute(product(x)). */
static ig_status sink(ig_pass_ctx *c, const product *p, const ig_node *permute) {
  ig_lower lo = {.ir = c->ir, .graph = p->n->graph, .before = p->n, .src = p->n};
  const uint32_t first_new_id = c->ir->next_id, rank = (uint32_t)p->a->rank;
  uint8_t inverse[IG_MAX_RANK] = {0};
  ig_dim dims[IG_MAX_RANK];
  ig_val *extra[MAX_EXTRA];
  IG_TRY(ig_ir_event(c->ir, c->name, p->n, false, "takes the permute '%s' of its rows behind it", permute->name));
  for (uint32_t k = 0; k < rank; k++)
    inverse[permute->view.perm[k]] = (uint8_t)k;
  for (uint32_t k = 0; k < rank; k++)
    dims[k] = p->n->out[0]->dims[inverse[k]];
  for (uint32_t i = 0; i < p->r->n_extra; i++) {
    ig_val *v = ig_opt_operand(p->n, 2 + i), *vector = vector_of(v);
    extra[i] = vector ? ig_lo_expand(&lo, vector, rank, dims) : ig_lo_permute(&lo, v, inverse);
  }
  return replace(c, &lo, p->n, ig_lo_permute(&lo, again(&lo, p, ig_node_in(permute, 0), extra), permute->view.perm), first_new_id);
}

/* product(reshape(z)) = reshape(product(z)), where the reshape joins all axes but the last. */
static ig_status take_apart(ig_pass_ctx *c, const product *p, ig_val *z) {
  ig_lower lo = {.ir = c->ir, .graph = p->n->graph, .before = p->n, .src = p->n};
  const uint32_t first_new_id = c->ir->next_id;
  ig_dim dims[IG_MAX_RANK];
  ig_val *extra[MAX_EXTRA];
  memcpy(dims, z->dims, (size_t)z->rank * sizeof *dims);
  dims[z->rank - 1] = p->matrix->dims[1];
  IG_TRY(ig_ir_event(c->ir, c->name, p->n, false, "is taken over the axes of '%s', not over joined rows", z->name));
  for (uint32_t i = 0; i < p->r->n_extra; i++) {
    ig_val *v = ig_opt_operand(p->n, 2 + i), *vector = vector_of(v);
    extra[i] = vector ? ig_lo_expand(&lo, vector, (uint32_t)z->rank, dims) : ig_lo_reshape(&lo, v, (uint32_t)z->rank, dims);
  }
  return replace(c, &lo, p->n, ig_lo_reshape(&lo, again(&lo, p, z, extra), (uint32_t)p->n->out[0]->rank, p->n->out[0]->dims), first_new_id);
}

/* Is n's result read once, by a reshape to z's rows? It comes after n and, as exporters write it, soon. */
static bool is_taken_apart(const ig_uses *u, const ig_node *n, const ig_val *z) {
  enum { NEAR = 8 };
  const ig_node *k = n->next;
  for (int i = 0; k && i < NEAR; i++, k = k->next) {
    if (!ig_uses_within(k, n->out[0])) continue;
    const ig_val *y = k->form == IG_FORM_VIEW && k->view.op == IG_VIEW_RESHAPE ? k->out[0] : NULL;
    return y && ig_uses_of(u, n->out[0]) == 1 && y->rank == z->rank && memcmp(y->dims, z->dims, (size_t)(z->rank - 1) * sizeof *z->dims) == 0;
  }
  return false;
}

static ig_status visit(ig_pass_ctx *c, ig_node *n, void *user) {
  product p;
  if (*c->budget == 0 || !is_product(n, &p)) return NULL;
  const ig_node *permute = view_of(p.a, IG_VIEW_PERMUTE), *joined = view_of(p.a, IG_VIEW_RESHAPE);
  if (permute && p.a->rank >= 3 && permute->view.perm[p.a->rank - 1] == p.a->rank - 1) return ig_pass_take(c) ? sink(c, &p, permute) : NULL;
  ig_val *z = joined && p.a->rank == 2 ? ig_node_in(joined, 0) : NULL;
  if (!z || z->rank < 3 || z->dims[z->rank - 1] != p.a->dims[1]) return NULL;
  permute = view_of(z, IG_VIEW_PERMUTE);
  const bool moves = permute && permute->view.perm[z->rank - 1] == z->rank - 1;
  return (moves || is_taken_apart(user, n, z)) && ig_pass_take(c) ? take_apart(c, &p, z) : NULL;
}

static ig_status run(ig_pass_ctx *c) { return ig_opt_each_with_uses(c, visit); }

const ig_pass ig_pass_sink_permute = {"sink_permute", IG_STAGE_LOWERED, true, run, "permutes of a product's rows move behind it; joined rows are taken apart"};
