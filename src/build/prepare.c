/* Before optimising: profiles become ranges of the input dims, fixed inputs become constants, outputs are chosen.
 *
 * Ranges serve placement and tuning. What the optimiser may take for granted of a dynamic dim is less: that it is at least 1 (0 where a
 * profile says so), since every value of a dynamic dim must run right.
 * SPDX-License-Identifier: Apache-2.0 */
#include "build/internal.h"

/* ---- profiles ---- */

static ig_val *find_input(const ig_graph *g, const char *name) {
  for (uint32_t i = 0; i < g->n_inputs; i++)
    if (strcmp(g->inputs[i]->name, name) == 0) return g->inputs[i];
  return NULL;
}

static ig_status unknown_name(const ig_ir *ir, const char *what, const char *name) {
  ig_buf names;
  ig_buf_init(&names, &ir->env->alloc);
  for (uint32_t i = 0; i < ir->main->n_inputs; i++) ig_buf_printf(&names, "%s'%s'", i ? ", " : "", ir->main->inputs[i]->name);
  ig_status st = ig_status_new(IG_ERROR_INVALID_ARGUMENT, "%s: the model has no input '%s'; its inputs: %s", what, name, names.n ? ig_buf_cstr(&names) : "none");
  ig_buf_free(&names);
  return st;
}

/* One bound of one symbol; a symbol shared by several inputs must get one value. */
static ig_status set_bound(int64_t *slot, int64_t value, const char *what, const ig_symbol *s) {
  IG_REQUIRE(*slot < 0 || *slot == value, IG_ERROR_INVALID_ARGUMENT, "%s: dim '%s' is %lld in one input and %lld in another", what, s->name, (long long)*slot, (long long)value);
  *slot = value;
  return NULL;
}

/* Reads one string of shapes into bound `which` (0 min, 1 opt, 2 max) of the profile's symbols. */
static ig_status read_shapes(ig_ir *ir, const char *text, const char *what, int64_t (*bounds)[3], int which) {
  ig_shape_list list;
  IG_TRY_NOTE(ig_shape_text_parse(&ir->env->alloc, text, &list), "%s", what);
  ig_status st = NULL;
  for (size_t i = 0; !st && i < list.entries.n; i++) {
    const ig_shape_entry *e = &list.entries.data[i];
    const ig_val *v = find_input(ir->main, e->name);
    if (!v) st = unknown_name(ir, what, e->name);
    else if (v->rank != (int8_t)e->rank) st = ig_status_new(IG_ERROR_INVALID_ARGUMENT, "%s: input '%s' has rank %d in the model, %u given", what, e->name, v->rank, e->rank);
    for (uint32_t k = 0; !st && k < e->rank; k++) {
      int64_t c;
      if (ig_dim_is_const(&ir->dims, v->dims[k], &c)) {
        if (c != e->dims[k]) st = ig_status_new(IG_ERROR_INVALID_ARGUMENT, "%s: input '%s': dim %u is %lld in the model, %lld given", what, e->name, k, (long long)c, (long long)e->dims[k]);
        continue;
      }
      const ig_dim_node *n = &ir->dims.nodes.data[v->dims[k]];
      st = set_bound(&bounds[n->a][which], e->dims[k], what, &ir->dims.symbols.data[n->a]);
    }
  }
  ig_shape_list_free(&ir->env->alloc, &list);
  return st;
}

static ig_status complete(const ig_ir *ir, int64_t (*b)[3], bool *out_default) {
  for (size_t s = 0; s < ir->dims.symbols.n; s++) {
    const ig_symbol *y = &ir->dims.symbols.data[s];
    const bool given = b[s][0] >= 0 || b[s][1] >= 0 || b[s][2] >= 0, fixed = y->min == y->max;
    if (!given && !fixed && y->sort == IG_SYMBOL_INPUT) *out_default = true;
    for (int w = 0; w < 3; w++) {   /* what is missing comes from the nearest that is there */
      if (b[s][w] >= 0) continue;
      static const int order[3][3] = { { 0, 1, 2 }, { 1, 2, 0 }, { 2, 1, 0 } };
      int64_t v = given ? -1 : fixed ? y->min : 1;
      for (int k = 0; k < 3 && v < 0; k++) v = b[s][order[w][k]];
      b[s][w] = v;
    }
    IG_REQUIRE(b[s][0] <= b[s][1] && b[s][1] <= b[s][2], IG_ERROR_INVALID_ARGUMENT, "profile: dim '%s': min %lld, opt %lld, max %lld are not in order", y->name, (long long)b[s][0], (long long)b[s][1], (long long)b[s][2]);
  }
  return NULL;
}

static ig_status read_profiles(ig_ir *ir, const ig_build_options *o, ig_profile_table *t) {
  t->n_profiles = o->n_profiles ? o->n_profiles : 1;
  t->n_symbols = ir->dims.symbols.n;
  t->bounds = ig_arena_array(&ir->arena, t->n_profiles * t->n_symbols + 1, sizeof *t->bounds);
  t->defaulted = ig_arena_array(&ir->arena, t->n_profiles, sizeof *t->defaulted);
  IG_CHECK_MEM(t->bounds);
  IG_CHECK_MEM(t->defaulted);
  t->given = ig_arena_array(&ir->arena, t->n_symbols + 1, sizeof *t->given);
  IG_CHECK_MEM(t->given);
  for (size_t s = 0; s < t->n_symbols; s++) t->given[s] = o->n_profiles > 0;
  for (size_t i = 0; i < t->n_profiles * t->n_symbols; i++) t->bounds[i][0] = t->bounds[i][1] = t->bounds[i][2] = -1;
  for (size_t f = 0; f < t->n_profiles; f++) {
    int64_t (*b)[3] = t->bounds + f * t->n_symbols;
    if (o->n_profiles) {
      IG_TRY(read_shapes(ir, o->profiles[f].min_shapes, "least shapes", b, 0));
      IG_TRY(read_shapes(ir, o->profiles[f].opt_shapes, "shapes", b, 1));
      IG_TRY(read_shapes(ir, o->profiles[f].max_shapes, "largest shapes", b, 2));
    }
    for (size_t s = 0; s < t->n_symbols; s++) t->given[s] = t->given[s] && (b[s][0] >= 0 || b[s][1] >= 0 || b[s][2] >= 0);
    IG_TRY(complete(ir, b, &t->defaulted[f]));
  }
  return NULL;
}

/* Symbols that have one value in all profiles that name them become that constant; of the others the least is noted. */
static ig_status apply_profiles(ig_ir *ir, const ig_profile_table *t) {
  ig_dims *d = &ir->dims;
  for (size_t s = 0; s < t->n_symbols; s++) {
    int64_t lo = INT64_MAX, hi = 0;
    for (size_t f = 0; f < t->n_profiles; f++) lo = ig_min_i64(lo, t->bounds[f * t->n_symbols + s][0]), hi = ig_max_i64(hi, t->bounds[f * t->n_symbols + s][2]);
    ig_symbol *y = &d->symbols.data[s];
    if (y->min == y->max || y->sort != IG_SYMBOL_INPUT) continue;
    const bool fixed = lo == hi && t->given[s];
    y->min = fixed ? lo : lo > 0 ? 1 : 0;
    y->max = fixed ? lo : IG_DIM_UNBOUNDED;
    y->opt = t->bounds[s][1];
  }
  ig_dims_ranges_changed(d);
  for (uint32_t i = 0; i < ir->main->n_inputs; i++) {
    ig_val *v = ir->main->inputs[i];
    for (int k = 0; k < v->rank; k++) {
      const ig_dim_node *n = &d->nodes.data[v->dims[k]];
      if (n->op == IG_DIM_SYMBOL && d->symbols.data[n->a].min == d->symbols.data[n->a].max) v->dims[k] = ig_dim_const(d, d->symbols.data[n->a].min);
    }
  }
  return ig_dims_take_error(d);
}

/* ---- fixed inputs ---- */

static ig_status fix_input(ig_ir *ir, const ig_fixed_input *f) {
  ig_val *v = find_input(ir->main, f->name);
  if (!v) return unknown_name(ir, "--values", f->name);
  const ig_tensor *t = f->tensor;
  IG_REQUIRE(t && (t->data || !t->rank), IG_ERROR_INVALID_ARGUMENT, "--values: input '%s': no data", f->name);
  IG_REQUIRE(t->dtype == v->dtype && t->rank == v->rank, IG_ERROR_INVALID_ARGUMENT, "--values: input '%s' is %s of rank %d in the model, %s of rank %d given", f->name, ig_dtype_name(v->dtype), v->rank, ig_dtype_name(t->dtype), t->rank);
  IG_REQUIRE(!t->strides, IG_ERROR_INVALID_ARGUMENT, "--values: input '%s': strides are not supported here", f->name);
  int64_t n = 1;
  for (int k = 0; k < t->rank; k++) {
    int64_t c;
    IG_REQUIRE(t->dims[k] >= 0 && ig_mul_i64(n, t->dims[k], &n), IG_ERROR_INVALID_ARGUMENT, "--values: input '%s': dim %d is %lld", f->name, k, (long long)t->dims[k]);
    IG_REQUIRE(!ig_dim_is_const(&ir->dims, v->dims[k], &c) || c == t->dims[k], IG_ERROR_INVALID_ARGUMENT, "--values: input '%s': dim %d is %lld in the model, %lld given", f->name, k, (long long)c, (long long)t->dims[k]);
    v->dims[k] = ig_dim_const(&ir->dims, t->dims[k]);
  }
  IG_TRY(ig_dims_take_error(&ir->dims));
  ig_val *c = ig_val_const_bytes(ir->main, NULL, t->dtype, (uint8_t)t->rank, t->dims, (const char *)t->data + t->byte_offset);
  if (!c) return ig_arena_status(&ir->arena);
  v->forward = c;
  return NULL;
}

/* ---- values that may decide shapes ---- */

/* What an input holds is read at bind where a shape turns out to hang on it: each element of a small integer input is a symbol. Its row in
 * the table of profiles, like that of a dim nobody named, says 1. Symbols that no shape needs do not reach the engine. */
static ig_status add_values(ig_ir *ir, ig_val *v, uint32_t io) {
  int64_t n = 1;
  if (v->forward || v->elems || v->kind != IG_VAL_TENSOR || (v->dtype != IG_DTYPE_I64 && v->dtype != IG_DTYPE_I32) || v->rank < 0 || v->rank > 1) return NULL;
  if (v->rank == 1 && (!ig_dim_is_const(&ir->dims, v->dims[0], &n) || n < 1 || n > IG_MAX_ELEMS)) return NULL;
  ig_dim *elems = IG_NEW_ARRAY(&ir->arena, ig_dim, (size_t)n);
  if (!elems) return ig_arena_status(&ir->arena);
  for (uint32_t k = 0; k < n; k++) {
    const char *name = v->rank ? ig_arena_printf(&ir->arena, "%s[%u]", v->name, k) : v->name;
    if (!name) return ig_arena_status(&ir->arena);
    elems[k] = ig_dims_symbol(&ir->dims, name, IG_SYMBOL_VALUE, io, k, -IG_DIM_UNBOUNDED, IG_DIM_UNBOUNDED);
    IG_TRY(ig_dims_take_error(&ir->dims));
    ir->dims.symbols.data[ir->dims.symbols.n - 1].opt = 1;
  }
  v->elems = elems;
  v->n_elems = (uint32_t)n;
  return NULL;
}

static ig_status widen_table(ig_ir *ir, ig_profile_table *t) {
  const size_t n = ir->dims.symbols.n, old = t->n_symbols;
  int64_t (*bounds)[3] = ig_arena_array(&ir->arena, t->n_profiles * n + 1, sizeof *bounds);
  bool *given = ig_arena_array(&ir->arena, n + 1, sizeof *given);
  if (!bounds || !given) return ig_arena_status(&ir->arena);
  for (size_t f = 0; f < t->n_profiles; f++)
    for (size_t s = 0; s < n; s++)
      for (int w = 0; w < 3; w++) bounds[f * n + s][w] = s < old ? t->bounds[f * old + s][w] : 1;
  for (size_t s = 0; s < n; s++) given[s] = s < old && t->given[s];
  t->bounds = bounds;
  t->given = given;
  t->n_symbols = n;
  return NULL;
}

static ig_status add_all_values(ig_ir *ir, ig_profile_table *t) {
  for (uint32_t i = 0; i < ir->main->n_inputs; i++) IG_TRY(add_values(ir, ir->main->inputs[i], i));
  return widen_table(ir, t);
}

/* ---- outputs ---- */

static ig_val *find_value(ig_graph *g, const char *name) {
  for (uint32_t i = 0; i < g->n_inputs; i++)
    if (strcmp(g->inputs[i]->name, name) == 0) return g->inputs[i];
  for (ig_node *n = g->first; n; n = n->next)
    for (uint32_t i = 0; i < n->n_out; i++)
      if (n->out[i] && strcmp(n->out[i]->name, name) == 0) return n->out[i];
  return NULL;
}

static ig_status choose_outputs(ig_ir *ir, const ig_build_options *o) {
  if (!o->n_outputs) return NULL;
  ig_graph *g = ir->main;
  ig_val **outs = IG_NEW_ARRAY(&ir->arena, ig_val *, o->n_outputs);
  const char **names = IG_NEW_ARRAY(&ir->arena, const char *, o->n_outputs);
  if (!outs || !names) return ig_arena_status(&ir->arena);
  for (size_t i = 0; i < o->n_outputs; i++) {
    outs[i] = NULL;
    for (uint32_t k = 0; k < g->n_outputs && !outs[i]; k++)
      if (strcmp(g->output_names[k], o->outputs[i]) == 0) outs[i] = g->outputs[k];
    if (!outs[i]) outs[i] = find_value(g, o->outputs[i]);
    IG_REQUIRE(outs[i], IG_ERROR_INVALID_ARGUMENT, "--outputs: the main graph has no value '%s': see `ingot show MODEL --stage imported`", o->outputs[i]);
    names[i] = ig_arena_strdup(&ir->arena, o->outputs[i]);
    if (!names[i]) return ig_arena_status(&ir->arena);
  }
  g->outputs = outs;
  g->output_names = names;
  g->n_outputs = (uint32_t)o->n_outputs;
  return NULL;
}

ig_status ig_build_profiles(ig_ir *ir, const ig_build_options *opt, ig_profile_table *out) {
  for (size_t i = 0; i < opt->n_fixed; i++) IG_TRY(fix_input(ir, &opt->fixed[i]));
  IG_TRY(read_profiles(ir, opt, out));
  IG_TRY(apply_profiles(ir, out));
  IG_TRY(add_all_values(ir, out));
  return choose_outputs(ir, opt);
}

ig_status ig_build_prepare(ig_ir *ir, const ig_build_options *opt) {
  ig_profile_table t;
  return ig_build_profiles(ir, opt, &t);
}
