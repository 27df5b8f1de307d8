/* --check-passes: after each pass that changed something, the graph as it stands is built for the reference without further rewriting and
 * run on seeded inputs; its outputs must be those of the graph before any pass.
 * SPDX-License-Identifier: Apache-2.0 */
#include "build/internal.h"
#include <math.h>

#define ALL_OFF_MAX 1024

/* "-a,-b,...": every pass that inference can do without (folding and deciding Ifs find values that shapes need). */
static void all_off(char *out) {
  size_t n = 0;
  for (uint32_t i = 0; i < ig_n_passes; i++) {
    static const char *const needed[] = { "infer", "fold", "decide_if", "lower" };
    const char *name = ig_passes[i]->name;
    bool keep = false;
    for (size_t k = 0; k < IG_COUNT(needed); k++) keep = keep || strcmp(name, needed[k]) == 0;
    if (keep || n + strlen(name) + 3 > ALL_OFF_MAX) continue;
    if (n) out[n++] = ',';
    out[n++] = '-';
    memcpy(out + n, name, strlen(name));
    n += strlen(name);
  }
  out[n] = 0;
}

/* Same data for the same input, whatever the graph: floats in [-1, 1), integers and bools 0 or 1 (safe as indices). */
static void fill(void *data, ig_dtype d, size_t n_bytes, uint32_t seed) {
  uint32_t x = seed * 2654435761u + 1u;
  const size_t elem = IG_DTYPE_BITS(d) >= 8 ? IG_DTYPE_BITS(d) / 8 : 1;
  for (size_t i = 0; i < n_bytes / elem; i++) {
    x = x * 1664525u + 1013904223u;
    unsigned char *at = (unsigned char *)data + i * elem;
    const float f = (float)(int32_t)x * (1.0f / 2147483648.0f);
    const double g = f;
    const uint16_t h = ig_f32_to_f16(f), b = ig_f32_to_bf16(f);
    if (d == IG_DTYPE_F32) memcpy(at, &f, 4);
    else if (d == IG_DTYPE_F64) memcpy(at, &g, 8);
    else if (d == IG_DTYPE_F16) memcpy(at, &h, 2);
    else if (d == IG_DTYPE_BF16) memcpy(at, &b, 2);
    else *at = (unsigned char)(x >> 31);
  }
}

static ig_status feed(ig_context *c, const ig_engine *e, const ig_ir *ir, size_t i) {
  ig_io_info io = { .struct_size = sizeof io };
  IG_TRY(ig_engine_io(e, i, &io));
  const ig_val *v = ir->main->inputs[i], *fixed = ig_val_resolve((ig_val *)(uintptr_t)v);
  uint64_t n = 1;
  for (int k = 0; k < io.rank; k++) {
    const ig_dim_node *d = &ir->dims.nodes.data[v->dims[k]];
    if (io.dims[k] < 0) io.dims[k] = d->op == IG_DIM_SYMBOL ? ir->dims.symbols.data[d->a].opt : 1;
    n *= (uint64_t)io.dims[k];
  }
  const size_t bytes = ig_dtype_bytes(io.dtype, n);
  IG_TRY(ig_context_set_shape(c, io.name, io.dims, (size_t)io.rank));
  if (fixed != v && fixed->data) return ig_context_set_data(c, io.name, fixed->data->bytes, fixed->data->n_bytes);
  void *data = ig_alloc_zero(&ir->env->alloc, bytes + 1, 1);
  IG_CHECK_MEM(data);
  fill(data, io.dtype, bytes, (uint32_t)i);
  ig_status st = ig_context_set_data(c, io.name, data, bytes);
  ig_free(&ir->env->alloc, data, bytes + 1);
  return st;
}

/* Appends all outputs' bytes to `out`, and their dtypes' numbers ahead of each. */
static ig_status collect(ig_context *c, const ig_engine *e, ig_buf *out) {
  for (size_t i = ig_engine_n_inputs(e); i < ig_engine_n_io(e); i++) {
    ig_tensor t;
    IG_TRY(ig_context_get_tensor_at(c, i, &t));
    uint64_t n = 1;
    for (int k = 0; k < t.rank; k++) n *= (uint64_t)t.dims[k];
    const uint64_t head[2] = { t.dtype, ig_dtype_bytes(t.dtype, n) };
    ig_buf_bytes(out, head, sizeof head);
    ig_buf_bytes(out, t.data, head[1]);
  }
  return out->failed ? IG_OOM() : NULL;
}

static ig_status run_reference(const ig_evaluator *ev, ig_ir *ir, ig_buf *out) {
  char passes[ALL_OFF_MAX];
  all_off(passes);
  ig_ir *copy;
  IG_TRY(ig_ir_clone(ir, &copy));
  ig_build_options o = *ev->opt;
  o.device = "ref";
  o.tune = IG_TUNE_GUESS;
  o.passes = passes;
  o.check_passes = 0;
  o.dump = o.explain = o.timing_cache = NULL;
  o.progress = NULL;
  o.pass_limit = 0;
  ig_build_result r;
  ig_engine *e = NULL;
  ig_context *c = NULL;
  ig_status st = ig_build_ir(copy, &o, NULL, &r);
  if (!st) {
    st = ig_engine_load_memory(ir->env, r.bytes, r.n_bytes, NULL, &e);
    ig_build_result_free(&ir->env->alloc, &r);
  }
  if (!st) st = ig_context_create(e, NULL, &c);
  for (size_t i = 0; !st && i < ig_engine_n_inputs(e); i++) st = feed(c, e, ir, i);
  if (!st) st = ig_context_run(c);
  if (!st) st = collect(c, e, out);
  ig_context_release(c);
  ig_engine_release(e);
  ig_ir_destroy(copy);
  return st;
}

static float load(const char *at, ig_dtype d, size_t i) {
  uint16_t h;
  float f;
  double g;
  if (d == IG_DTYPE_F32) return memcpy(&f, at + 4 * i, 4), f;
  if (d == IG_DTYPE_F64) return memcpy(&g, at + 8 * i, 8), (float)g;
  memcpy(&h, at + 2 * i, 2);
  return d == IG_DTYPE_F16 ? ig_f16_to_f32(h) : ig_bf16_to_f32(h);
}

static bool is_float(ig_dtype d) { return d == IG_DTYPE_F32 || d == IG_DTYPE_F64 || d == IG_DTYPE_F16 || d == IG_DTYPE_BF16; }

/* Floats within 1e-3 of the largest magnitude and NaN in the same places; the rest equal. */
static bool agree(const char *a, const char *b, ig_dtype d, size_t n_bytes, double *out_worst) {
  if (!is_float(d)) return memcmp(a, b, n_bytes) == 0;
  const size_t n = n_bytes / (IG_DTYPE_BITS(d) / 8);
  double largest = 0, worst = 0;
  for (size_t i = 0; i < n; i++) {
    const double x = load(a, d, i), y = load(b, d, i);
    if (isnan(x) != isnan(y) || isinf(x) != isinf(y)) return false;
    if (isnan(x) || isinf(x)) continue;
    if (fabs(x) > largest) largest = fabs(x);
    if (fabs(x - y) > worst) worst = fabs(x - y);
  }
  *out_worst = worst;
  return worst <= 1e-3 * largest + 1e-30;
}

ig_status ig_build_check_begin(ig_evaluator *e, ig_ir *ir) { return ig_status_note(run_reference(e, ir, &e->baseline), "--check-passes (inputs are random where --values does not fix them): before the first pass"); }

/* The pass widen leaves out roundings to 16 bits, as many as the network has: no tolerance fits all, and what it makes is the new baseline. */
ig_status ig_build_check_pass(void *user, ig_ir *ir, const char *pass) {
  ig_evaluator *e = user;
  ig_buf now;
  ig_buf_init(&now, &ir->env->alloc);
  ig_status st = run_reference(e, ir, &now);
  if (!st && now.n != e->baseline.n) st = ig_status_new(IG_ERROR_INTERNAL, "--check-passes: pass '%s' changed the outputs' types or shapes", pass);
  if (!st && strcmp(pass, "widen") == 0) {
    ig_buf_free(&e->baseline);
    e->baseline = now;
    return NULL;
  }
  for (size_t at = 0, i = 0; !st && at < now.n; i++) {
    uint64_t head[2];
    double worst = 0;
    memcpy(head, now.data + at, sizeof head);
    at += sizeof head;
    if (memcmp(head, e->baseline.data + at - sizeof head, sizeof head) != 0 || !agree(e->baseline.data + at, now.data + at, (ig_dtype)head[0], head[1], &worst))
      st = ig_status_new(IG_ERROR_INTERNAL, "--check-passes: pass '%s' changed output %zu (largest difference %d millionths): find the rewrite with --pass-limit", pass, i, (int)(worst * 1e6 < 2e9 ? worst * 1e6 : 2e9));
    at += head[1];
  }
  ig_buf_free(&now);
  return st;
}
