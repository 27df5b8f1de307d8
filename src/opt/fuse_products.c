/* Products of one value with several constant matrices become one product: queries, keys and values of attention read the value once, in one step.
 * The matrices lie side by side, and so do the biases; each result is a slice of columns.
 *
 * They go together where their epilogues are the same program over constant vectors; one without a bias among others that have one gets zeros.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/edit.h"

enum { MAX_PARTS = 8, MAX_EXTRA = 4 };

typedef struct part { ig_node *n; const ig_val *matrix, *extra[MAX_EXTRA]; int64_t width; } part;
typedef struct sharing { part parts[MAX_PARTS]; uint32_t n; } sharing;

static const ig_val *through_expand(const ig_val *v) {
  while (v && !v->data && v->producer && v->producer->form == IG_FORM_VIEW && v->producer->view.op == IG_VIEW_EXPAND)
    v = ig_node_in(v->producer, 0);
  return v;
}

/* A product of a with a constant float matrix; constant vectors over its columns in p->extra. */
static bool is_part(ig_node *n, const ig_val *a, part *p) {
  const ig_request *r = ig_opt_request(n);
  if (!r || r->kind != IG_KIND_matmul || r->n_in != 2 || r->n_out != 1 || !n->out[0] || r->n_extra > MAX_EXTRA || ig_opt_operand(n, 0) != a) return false;
  if (ig_sprog_has(&r->epi, IG_SOP_COORD) || ig_sprog_has(&r->epi, IG_SOP_RANDOM)) return false;
  *p = (part){.n = n, .matrix = through_expand(ig_opt_operand(n, 1))};
  if (!p->matrix->data || p->matrix->rank != 2 || IG_DTYPE_BITS(p->matrix->dtype) != 32 || ig_opt_operand(n, 1) == a) return false;
  p->width = p->matrix->data->dims[1];
  for (uint32_t i = 0; i < r->n_extra; i++) {
    const ig_val *v = through_expand(ig_opt_operand(n, 2 + i));
    if (!v->data || v->rank != 1 || v->data->dims[0] != p->width || IG_DTYPE_BITS(v->dtype) != 32) return false;
    p->extra[i] = v;
  }
  return true;
}

static bool same_program(const ig_sprog *a, const ig_sprog *b) { return a->n == b->n && (a->n == 0 || memcmp(a->insns, b->insns, a->n * sizeof *a->insns) == 0); }

/* The product plus one vector, as float32, and nothing else. */
static bool adds_bias(const ig_request *r) {
  const ig_sinsn *s = r->epi.insns;
  return r->n_extra == 1 && r->epi.n == 4 && s[0].op == IG_SOP_LOAD && s[1].op == IG_SOP_LOAD && s[2].op == IG_SOP_ADD && s[2].a != s[2].b && s[2].type == IG_S_F32 &&
         s[3].op == IG_SOP_STORE && s[3].a == 2;
}
static bool is_bare(const ig_request *r) { return r->n_extra == 0 && r->epi.n == 0; }

static bool same_epilogue(const part *a, const part *b) {
  const ig_request *x = ig_opt_request(a->n), *y = ig_opt_request(b->n);
  if ((is_bare(x) || adds_bias(x)) && (is_bare(y) || adds_bias(y))) return true;
  if (x->n_extra != y->n_extra || !same_program(&x->epi, &y->epi)) return false;
  for (uint32_t i = 0; i < x->n_extra; i++)
    if (a->extra[i]->dtype != b->extra[i]->dtype) return false;
  return true;
}

static bool fits(const part *a, const part *b) {
  const ig_request *x = ig_opt_request(a->n), *y = ig_opt_request(b->n);
  if (memcmp(x->params, y->params, sizeof(ig_matmul_params)) != 0 || !same_epilogue(a, b)) return false;
  const ig_val *v = a->n->out[0], *w = b->n->out[0];
  if (v->dtype != w->dtype || v->rank != w->rank || a->matrix->dtype != b->matrix->dtype || a->matrix->dims[0] != b->matrix->dims[0]) return false;
  return v->rank > 0 && memcmp(v->dims, w->dims, (size_t)(v->rank - 1) * sizeof *v->dims) == 0;
}

/* Rows of the parts' 32-bit constants one behind the other, `rows` of each; zeros for a part that has none. which < 0: the matrices. like: a part that has one. */
static ig_val *side_by_side(ig_graph *g, const sharing *s, const part *like, int which, int64_t rows, int64_t width) {
  ig_arena *arena = &g->ir->arena;
  char *bytes = ig_arena_alloc(arena, (size_t)(rows * width) * 4), *to = bytes;
  ig_data *d = IG_NEW(arena, ig_data);
  if (!bytes || !d) return NULL;
  const ig_val *first = which < 0 ? like->matrix : like->extra[which];
  *d = (ig_data){.dtype = first->dtype, .rank = (uint8_t)first->rank, .dims = {which < 0 ? rows : width, width}, .bytes = bytes, .n_bytes = (size_t)(rows * width) * 4};
  for (int64_t k = 0; k < rows; k++)
    for (uint32_t i = 0; i < s->n; i++) {
      const part *p = &s->parts[i];
      const ig_val *v = which < 0 ? p->matrix : p->extra[which];
      if (v) memcpy(to, (const char *)v->data->bytes + (size_t)(k * p->width) * 4, (size_t)p->width * 4);
      else memset(to, 0, (size_t)p->width * 4);
      to += p->width * 4;
    }
  return ig_val_const(g, NULL, d);
}

/* x, made by the product `into`, stands for n's result; *sources grows by n's. */
static ig_status stand_for(ig_pass_ctx *c, ig_node *n, ig_val *x, const char *into, const char **sources) {
  const ig_node so_far = {.name = *sources};
  *sources = ig_edit_sources(&c->ir->arena, &so_far, n);
  if (!*sources) return ig_arena_status(&c->ir->arena);
  IG_TRY(ig_ir_event(c->ir, c->name, n, false, "becomes columns of '%s', which reads the same value", into));
  n->out[0]->forward = x;
  IG_TRY(ig_opt_keep_names(n, x->id));
  ig_opt_drop(n);
  return NULL;
}

static ig_status make(ig_pass_ctx *c, const sharing *s) {
  ig_node *root = s->parts[0].n;
  const part *like = &s->parts[0];
  for (uint32_t i = 1; i < s->n && is_bare(ig_opt_request(like->n)); i++)
    like = &s->parts[i];
  const ig_request *r = ig_opt_request(like->n);
  ig_lower lo = {.ir = c->ir, .graph = root->graph, .before = root, .src = root};
  ig_val *a = ig_opt_operand(root, 0), *extra[MAX_EXTRA], *slices[MAX_PARTS], *y = NULL;
  const uint32_t rank = (uint32_t)a->rank;
  const int64_t rows = s->parts[0].matrix->data->dims[0];
  const char *sources = root->sources ? root->sources : root->name;
  int64_t width = 0, at = 0;
  ig_dim dims[IG_MAX_RANK], start[IG_MAX_RANK];
  for (uint32_t i = 0; i < s->n; i++) width += s->parts[i].width;
  memcpy(dims, a->dims, rank * sizeof *dims);
  dims[rank - 2] = ig_dim_const(&c->ir->dims, rows);
  dims[rank - 1] = ig_dim_const(&c->ir->dims, width);
  ig_val *matrix = side_by_side(root->graph, s, like, -1, rows, width);
  if (!matrix) return ig_arena_status(&c->ir->arena);
  ig_val *in[2] = {a, ig_lo_expand(&lo, matrix, rank, dims)};
  dims[rank - 2] = a->dims[rank - 2];
  for (uint32_t i = 0; i < r->n_extra; i++) {
    ig_val *v = side_by_side(root->graph, s, like, (int)i, 1, width);
    if (!v) return ig_arena_status(&c->ir->arena);
    extra[i] = ig_lo_expand(&lo, v, rank, dims);
  }
  const ig_dtype out = root->out[0]->dtype;
  const ig_lo_kernel_desc d = {.kind = IG_KIND_matmul, .params = r->params, .in = in, .n_in = 2, .extra = extra, .n_extra = r->n_extra, .out_dtypes = &out, .n_out = 1, .epi = &r->epi};
  if (!ig_lo_kernel(&lo, &d, &y)) return lo.error ? lo.error : ig_arena_status(&c->ir->arena);
  for (uint32_t k = 0; k < rank; k++) start[k] = ig_dim_const(&c->ir->dims, 0);
  for (uint32_t i = 0; i < s->n; at += s->parts[i++].width) {
    start[rank - 1] = ig_dim_const(&c->ir->dims, at);
    slices[i] = ig_lo_slice(&lo, y, start, NULL, s->parts[i].n->out[0]->dims);
    if (!slices[i]) return lo.error ? lo.error : ig_arena_status(&c->ir->arena);
  }
  for (uint32_t i = 0; i < s->n; i++) IG_TRY(stand_for(c, s->parts[i].n, slices[i], root->name, &sources));
  y->producer->sources = sources;
  return ig_ir_event(c->ir, c->name, y->producer, false, "is one product of %u (columns: %lld)", s->n, (long long)width);
}

/* The last of the readers that go together is the root, so that the walk goes on behind all that is dropped; the product stands where the first was. */
static ig_status visit(ig_pass_ctx *c, ig_node *n, void *user) {
  const ig_request *r = ig_opt_request(n);
  const ig_uses *u = user;
  part own, p;
  sharing s = {.n = 0};
  if (!r || r->kind != IG_KIND_matmul || *c->budget == 0) return NULL;
  const ig_val *a = ig_opt_operand(n, 0);
  if (ig_uses_of(u, a) < 2 || a->data || !is_part(n, a, &own)) return NULL;
  for (ig_node *k = n->next; k; k = k->next)
    if (is_part(k, a, &p) && fits(&own, &p)) return NULL;
  int64_t n_bytes = (int64_t)own.matrix->data->n_bytes;
  part found[MAX_PARTS] = {own};
  uint32_t n_found = 1;
  for (ig_node *k = n->prev; k && n_found < MAX_PARTS; k = k->prev) {
    if (!is_part(k, a, &p) || !fits(&own, &p) || n_bytes + (int64_t)p.matrix->data->n_bytes > c->ir->fold_bytes_left) continue;
    n_bytes += (int64_t)p.matrix->data->n_bytes;
    found[n_found++] = p;
  }
  while (n_found > 0)
    s.parts[s.n++] = found[--n_found];
  if (s.n < 2 || !ig_pass_take(c)) return NULL;
  c->ir->fold_bytes_left -= n_bytes;
  return make(c, &s);
}

static ig_status run(ig_pass_ctx *c) { return ig_opt_each_with_uses(c, visit); }

const ig_pass ig_pass_fuse_products = {"fuse_products", IG_STAGE_LOWERED, true, run, "products of one value with constant matrices become one"};
