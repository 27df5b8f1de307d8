/* Problem strings of operator records: "f32[2,3] i64[2]=0,1 - axis=1 mode=edge -> 2" is two inputs (the second with these contents), one left
 * out, two attributes (their types are the record's), and two results (one where nothing is said). Builds the node in a graph of its own,
 * with inputs without contents as graph inputs or as constants, of constant or of symbolic dims.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef OPS_CASE_H
#define OPS_CASE_H
#include "ops_run.h"
#include "base/env.h"

enum { OPS_INPUTS = 40, OPS_SYMBOLS = 32 };
#define OPS_RUNTIME 0u
#define OPS_CONSTANT 1u /* inputs without contents are constants too */
#define OPS_SYMBOLIC 2u /* every extent above 1 is a symbol, equal extents the same one */

typedef struct ops_case {
  ig_ir *ir;
  ig_graph *g;
  ig_node *n;
  ig_data *in[OPS_INPUTS]; /* contents of run-time inputs, else NULL */
  ig_val *val[OPS_INPUTS];
  uint32_t n_in;
  int64_t symbols[OPS_SYMBOLS];
  ig_dim symbol_dim[OPS_SYMBOLS];
  uint32_t n_symbols;
  ops_run run;
  bool ran;
} ops_case;

static const struct {
  const char *text;
  ig_dtype d;
} ops_types[] = {
    {"f32", IG_DTYPE_F32},
    {"f64", IG_DTYPE_F64},
    {"f16", IG_DTYPE_F16},
    {"bf16", IG_DTYPE_BF16},
    {"i8", IG_DTYPE_I8},
    {"i16", IG_DTYPE_I16},
    {"i32", IG_DTYPE_I32},
    {"i64", IG_DTYPE_I64},
    {"u8", IG_DTYPE_U8},
    {"u16", IG_DTYPE_U16},
    {"u32", IG_DTYPE_U32},
    {"u64", IG_DTYPE_U64},
    {"bool", IG_DTYPE_BOOL},
    {"i4", IG_DTYPE_I4},
    {"u4", IG_DTYPE_U4},
    {"i2", IG_DTYPE_I2},
    {"u2", IG_DTYPE_U2},
    {"f6e2m3", IG_DTYPE_F6E2M3},
    {"f6e3m2", IG_DTYPE_F6E3M2},
    {"f4", IG_DTYPE_F4E2M1},
    {"f8e4m3fn", IG_DTYPE_F8E4M3FN},
    {"f8e4m3fnuz", IG_DTYPE_F8E4M3FNUZ},
    {"f8e5m2", IG_DTYPE_F8E5M2},
    {"f8e5m2fnuz", IG_DTYPE_F8E5M2FNUZ},
    {"f8e8m0", IG_DTYPE_F8E8M0},
    {"string", IG_DTYPE_STRING},
    {"c64", IG_DTYPE_C64},
    {"c128", IG_DTYPE_C128},
};

static inline ig_dtype ops_type(const char *s, size_t n) {
  for (size_t i = 0; i < IG_COUNT(ops_types); i++)
    if (strlen(ops_types[i].text) == n && memcmp(ops_types[i].text, s, n) == 0) return ops_types[i].d;
  return IG_DTYPE_NONE;
}

/* Element i of d becomes v, rounded as a store does. */
static inline void ops_put(ig_dtype d, void *bytes, int64_t i, double v, int64_t exact) {
  uint8_t *p = bytes;
  const uint32_t bits = IG_DTYPE_BITS(d);
  uint64_t u = (uint64_t)exact;
  float f = (float)v;
  if (d == IG_DTYPE_F32) {
    u = 0;
    memcpy(&u, &f, 4);
  } else if (d == IG_DTYPE_F64)
    memcpy(&u, &v, 8);
  else if (d == IG_DTYPE_F16)
    u = ig_f64_to_f16(v);
  else if (d == IG_DTYPE_BF16)
    u = ig_f64_to_bf16(v);
  else if (d == IG_DTYPE_BOOL)
    u = v != 0;
  else if (ig_stype_of(d) == IG_S_F32)
    u = ig_f32_to_small(d, f, true, 2);
  if (bits >= 8) {
    memcpy(p + (size_t)i * (bits / 8), &u, bits / 8 < 8 ? bits / 8 : 8);
    return;
  }
  const uint32_t per = 8 / bits, mask = (1u << bits) - 1, shift = (uint32_t)(i % per) * bits;
  p[i / per] = (uint8_t)((p[i / per] & ~(mask << shift)) | ((uint32_t)u & mask) << shift);
}

/* Contents where the text gives none: small numbers of both signs, halves among the floats. */
static inline void ops_fill(ig_data *d, int64_t count, uint32_t input) {
  const bool integer = ig_type_bit(d->dtype) & (IG_TYPES_INT | IG_T(BOOL) | IG_T(I4) | IG_T(U4) | IG_T(I2) | IG_T(U2));
  const bool has_sign = ig_type_bit(d->dtype) & (IG_TYPES_SIGNED | IG_T(I4) | IG_T(I2));
  for (int64_t i = 0; i < count && ig_stype_of(d->dtype); i++) {
    const int64_t k = (i * 7 + input * 5 + 3) % 11 - 5, e = integer && !has_sign ? (k < 0 ? -k : k) : k;
    ops_put(d->dtype, (void *)(uintptr_t)d->bytes, i, integer ? (double)e : (double)k * 0.375, e);
  }
}

/* "6,-1" into the elements. */
static inline void ops_values(ig_data *d, const char *s) {
  for (int64_t i = 0; *s && *s != ' '; i++) {
    const size_t n = strcspn(s, ", ");
    double v = 0;
    int64_t e = 0;
    ig_parse_f64(s, n, &v);
    if (!ig_parse_i64(s, n, &e)) e = v >= 9223372036854775808.0 ? (int64_t)(uint64_t)v : v == v ? (int64_t)v : 0;
    ops_put(d->dtype, (void *)(uintptr_t)d->bytes, i, v, e);
    s += n + (s[n] == ',');
  }
}

static inline ig_data *ops_data(ig_arena *a, const char *s, size_t n, uint32_t input, bool *out_given) {
  const char *open = memchr(s, '[', n), *close = memchr(s, ']', n);
  ig_data *d = IG_NEW(a, ig_data);
  if (!d || !open || !close) return NULL;
  d->dtype = ops_type(s, (size_t)(open - s));
  int64_t count = 1;
  for (const char *p = open + 1; p < close;) {
    const size_t m = strcspn(p, ",]");
    ig_parse_i64(p, m, &d->dims[d->rank]);
    count *= d->dims[d->rank++];
    p += m + 1;
  }
  d->n_bytes = ig_dtype_bytes(d->dtype, (uint64_t)count);
  d->bytes = ig_arena_alloc(a, d->n_bytes + 16);
  if (!d->bytes) return NULL;
  *out_given = close[1] == '=';
  if (*out_given)
    ops_values(d, close + 2);
  else
    ops_fill(d, count, input);
  return d;
}

static inline ig_status ops_attr(ops_case *c, const char *s, size_t n) {
  const char *eq = memchr(s, '=', n);
  ig_arena *a = &c->ir->arena;
  ig_ir_attr at = {.name = ig_arena_strndup(a, s, (size_t)(eq - s))};
  char *text = ig_arena_strndup(a, eq + 1, n - (size_t)(eq + 1 - s));
  if (!at.name || !text) return ig_arena_status(a);
  const ig_op_attr *known = ig_op_attr_find(c->n->op, at.name);
  IG_REQUIRE(known, IG_ERROR_INVALID_ARGUMENT, "case: no attribute '%s'", at.name);
  at.type = known->type;
  int64_t *ints = IG_NEW_ARRAY(a, int64_t, strlen(text) + 1);
  float *floats = IG_NEW_ARRAY(a, float, strlen(text) + 1);
  if (!ints || !floats) return ig_arena_status(a);
  for (const char *p = text; *p;) {
    const size_t m = strcspn(p, ",");
    double f = 0;
    ig_parse_f64(p, m, &f);
    floats[at.n] = (float)f;
    ints[at.n++] = (int64_t)f;
    p += m + (p[m] == ',');
  }
  if (at.type == IG_ATTR_INT) at.v.i = ints[0];
  if (at.type == IG_ATTR_FLOAT) at.v.f = floats[0];
  if (at.type == IG_ATTR_INTS) at.v.ints = ints;
  if (at.type == IG_ATTR_FLOATS) at.v.floats = floats;
  if (at.type == IG_ATTR_STRING) {
    at.v.s = text;
    at.n = (uint32_t)strlen(text);
  }
  return ig_node_set_attr(c->n, &at);
}

static inline ig_dim ops_dim(ops_case *c, int64_t extent, unsigned mode) {
  if (!(mode & OPS_SYMBOLIC) || extent < 2) return ig_dim_const(&c->ir->dims, extent);
  for (uint32_t i = 0; i < c->n_symbols; i++)
    if (c->symbols[i] == extent) return c->symbol_dim[i];
  char name[16];
  snprintf(name, sizeof name, "d%d", (int)extent);
  const uint32_t i = c->n_symbols++;
  c->symbols[i] = extent;
  return c->symbol_dim[i] = ig_dims_symbol(&c->ir->dims, name, IG_SYMBOL_INPUT, 0, i, 1, IG_DIM_UNBOUNDED);
}

static inline ig_status ops_input(ops_case *c, const char *s, size_t n, unsigned mode) {
  const uint32_t i = c->n_in++;
  bool given = false;
  if (n == 1 && *s == '-') return NULL;
  ig_data *d = ops_data(&c->ir->arena, s, n, i, &given);
  if (!d) return IG_OOM();
  if (given || (mode & OPS_CONSTANT)) {
    c->val[i] = ig_val_const(c->g, NULL, d);
    return c->val[i] ? NULL : IG_OOM();
  }
  c->in[i] = d;
  c->val[i] = ig_val_new(c->g, NULL);
  if (!c->val[i]) return IG_OOM();
  ig_dim dims[IG_MAX_RANK];
  for (uint32_t k = 0; k < d->rank; k++)
    dims[k] = ops_dim(c, d->dims[k], mode);
  ig_val_set_type(c->val[i], d->dtype, d->rank, dims);
  return NULL;
}

/* The node of a case; not yet inferred. On failure c->ir is to be destroyed all the same (ops_case_end). */
static inline ig_status ops_case_begin(ops_case *c, ig_env *env, const ig_op *op, const char *text, unsigned mode) {
  memset(c, 0, sizeof *c);
  IG_TRY(ig_ir_create(env, 0, &c->ir));
  c->g = ig_graph_new(c->ir, NULL, "case");
  IG_CHECK_MEM(c->g);
  uint32_t n_out = 1;
  const char *attrs = NULL;
  for (const char *s = text; *s;) {
    const size_t n = strcspn(s, " "), open = strcspn(s, "[ "), eq = strcspn(s, "= ");
    if (n == 2 && memcmp(s, "->", 2) == 0)
      n_out = (uint32_t)atoi(s + 3);
    else if ((s[open] == '[' && open < eq) || (n == 1 && *s == '-'))
      IG_TRY(ops_input(c, s, n, mode));
    else if (n && s[eq] == '=' && !attrs)
      attrs = s;
    s += n + (s[n] == ' ');
  }
  c->n = ig_node_new(c->g, NULL, "case", IG_FORM_OP, c->val, c->n_in, n_out);
  IG_CHECK_MEM(c->n);
  c->n->op = op;
  c->n->domain = op->domain;
  c->n->type = op->name;
  c->n->opset = op->since;
  for (const char *s = attrs ? attrs : ""; *s;) {
    const size_t n = strcspn(s, " ");
    if (n && memcmp(s, "->", 2) == 0) break;
    if (n) IG_TRY(ops_attr(c, s, n));
    s += n + (s[n] == ' ');
  }
  return NULL;
}

/* Run-time inputs and all results become the graph's, which the verifier needs. */
static inline ig_status ops_case_interface(ops_case *c) {
  ig_arena *a = &c->ir->arena;
  c->g->inputs = IG_NEW_ARRAY(a, ig_val *, c->n_in + 1);
  c->g->outputs = IG_NEW_ARRAY(a, ig_val *, c->n->n_out);
  c->g->output_names = IG_NEW_ARRAY(a, const char *, c->n->n_out);
  if (!c->g->inputs || !c->g->outputs || !c->g->output_names) return ig_arena_status(a);
  for (uint32_t i = 0; i < c->n_in; i++) {
    if (!c->in[i]) continue;
    c->val[i]->index = c->g->n_inputs;
    c->g->inputs[c->g->n_inputs++] = c->val[i];
  }
  for (uint32_t i = 0; i < c->n->n_out; i++) {
    c->g->outputs[i] = c->n->out[i];
    c->g->output_names[i] = c->n->out[i]->name;
  }
  c->g->n_outputs = c->n->n_out;
  return NULL;
}

/* Lowers every operator node of the graph, in order; other nodes are left. */
static inline ig_status ops_lower_all(ig_graph *g) {
  for (ig_node *n = g->first, *next; n; n = next) {
    next = n->next;
    if (n->form != IG_FORM_OP) continue;
    IG_TRY(ig_op_lower(n, g, n));
    ig_node_remove(n);
  }
  return NULL;
}

/* Infers, lowers, verifies and runs. */
static inline ig_status ops_case_run(ops_case *c) {
  IG_TRY(ops_case_interface(c));
  IG_TRY(ig_op_infer(c->n));
  IG_TRY(ops_lower_all(c->g));
  c->ir->stage = IG_STAGE_LOWERED;
  IG_TRY(ig_ir_verify(c->ir));
  c->ran = true;
  IG_TRY(ops_run_begin(&c->run, c->ir, c->symbols, c->n_symbols));
  for (uint32_t i = 0; i < c->n_in; i++)
    if (c->in[i]) ops_run_bind(&c->run, c->val[i], c->in[i]->bytes);
  ops_run_all(&c->run, c->g);
  return NULL;
}

static inline const ig_val *ops_result(const ops_case *c, uint32_t i) { return ig_val_resolve(c->n->out[i]); }

/* Result i as data (bytes stay the run's). */
static inline ig_data ops_result_data(const ops_case *c, uint32_t i) {
  const ig_val *v = ops_result(c, i);
  ig_data d = {.dtype = v->dtype, .rank = (uint8_t)v->rank, .bytes = ops_bytes(&c->run, v)};
  for (int k = 0; k < v->rank; k++)
    d.dims[k] = c->run.dim[v->dims[k]];
  d.n_bytes = ops_size(v->dtype, ops_count(&c->run, v->dims, v->rank));
  return d;
}

static inline void ops_case_end(ops_case *c) {
  if (c->ran) ops_run_end(&c->run);
  ig_ir_destroy(c->ir);
}
#endif
