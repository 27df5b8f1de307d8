/* Kernels over constants that lowering itself made (an LSTM's summed biases, permuted statistics) are computed at build time, through the
 * views before them. Only where the result takes no more bytes than the constants it came from, or, of the same type, GROWTH times as many (the weights
 * of a transposed convolution are padded): quantised weights that were left alone on purpose do not become floats here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/edit.h"

enum { MAX_VIEWS = 16, MAX_BYTES = 16 << 20, MAX_INPUTS = 64, GROWTH = 4 };

/* The constant at the end of v's views; NULL if there is none. */
static const ig_val *root_of(const ig_val *v) {
  for (uint32_t i = 0; i <= MAX_VIEWS && v; i++) {
    if (v->data) return v;
    if (!v->producer || v->producer->form != IG_FORM_VIEW) return NULL;
    v = ig_node_in(v->producer, 0);
  }
  return NULL;
}

static bool seen_before(const ig_node *n, uint32_t i, const ig_val *root) {
  for (uint32_t k = 0; k < i; k++)
    if (root_of(ig_node_in(n, k)) == root) return true;
  return false;
}

/* Whether n is made of constants and its results are not much larger than those. */
static bool is_candidate(const ig_pass_ctx *c, const ig_node *n) {
  size_t n_in = 0, n_out = 0, n_bytes;
  ig_dtype dtype = IG_DTYPE_NONE;
  bool one_type = true;
  for (uint32_t i = 0; i < n->n_in; i++) {
    const ig_val *v = ig_node_in(n, i), *root = root_of(v);
    if (!root || !ig_opt_bytes(c->ir, v, &n_bytes) || n_bytes > MAX_BYTES) return false;
    if (!seen_before(n, i, root)) n_in += root->data->n_bytes;
    one_type &= dtype == IG_DTYPE_NONE || dtype == root->dtype;
    dtype = root->dtype;
  }
  for (uint32_t i = 0; i < n->n_out; i++) {
    if (n->out[i] && (!ig_opt_bytes(c->ir, n->out[i], &n_bytes) || n_bytes > MAX_BYTES)) return false;
    if (!n->out[i]) continue;
    n_out += n_bytes;
    one_type &= n->out[i]->dtype == dtype;
  }
  return n_out <= (one_type ? GROWTH * n_in : n_in);
}

static ig_status data_of(ig_pass_ctx *c, const ig_val *v, const ig_data **out) {
  if (v->data) {
    *out = v->data;
    return NULL;
  }
  const ig_data *x;
  IG_TRY(data_of(c, ig_node_in(v->producer, 0), &x));
  size_t n_bytes;
  IG_NODE_REQUIRE(v->producer, ig_opt_bytes(c->ir, v, &n_bytes) && n_bytes <= MAX_BYTES && (int64_t)n_bytes <= c->ir->fold_bytes_left,
                  IG_ERROR_UNSUPPORTED, "a view is too large to fold");
  c->ir->fold_bytes_left -= (int64_t)n_bytes;
  return ig_opt_view_data(c->ir, v->producer, x, out);
}

static ig_status compute(ig_pass_ctx *c, const ig_node *n) {
  const ig_data *in[MAX_INPUTS] = {NULL};
  for (uint32_t i = 0; i < n->n_in; i++)
    IG_TRY(data_of(c, ig_node_in(n, i), &in[i]));
  return ig_opt_eval_kernel(c, n, in);
}

static ig_status visit(ig_pass_ctx *c, ig_node *n, void *user) {
  IG_UNUSED(user);
  if (n->form != IG_FORM_KERNEL || n->n_in == 0 || n->n_in > MAX_INPUTS || *c->budget == 0 || !is_candidate(c, n)) return NULL;
  for (uint32_t q = 0; q < n->region->n_requests; q++) {
    const ig_request *r = &n->region->requests[q];
    if (ig_sprog_has(&r->prog, IG_SOP_RANDOM) || ig_sprog_has(&r->epi, IG_SOP_RANDOM)) return NULL;
  }
  ig_status st = compute(c, n);
  if (st && ig_opt_is_refusal(st)) {
    ig_status event = ig_ir_event(c->ir, c->name, n, true, "cannot be computed at build time: %s", ig_status_message(st));
    ig_status_free(st);
    return event;
  }
  IG_TRY(st);
  ig_pass_take(c);
  IG_TRY(ig_ir_event(c->ir, c->name, n, false, "constant operands: computed at build time"));
  ig_opt_drop(n);
  return NULL;
}

static ig_status run(ig_pass_ctx *c) { return c->opt->evaluate ? ig_opt_each(c, c->ir->main, visit, NULL) : NULL; }

const ig_pass ig_pass_fold_lowered = {"fold_lowered", IG_STAGE_LOWERED, true, run, "computes kernels over constants that lowering made"};
