/* Every kernel of a device on one core, on shapes out of real networks, beside what the core can do at most: for products the peak of multiply-adds on
 * registers, for the rest the rate at which the core copies as many bytes. Both are measured in the same call.
 * SPDX-License-Identifier: Apache-2.0 */
#include "build/build.h"
#include "build/rig.h"
#include <stdio.h>

enum { MAX_OPERANDS = 12 };

/* Where the channel axis lies: outermost of an image, as ONNX has it, or innermost. */
typedef enum order { PLANES, CHANNELS_LAST } order;

typedef struct problem {
  ig_dims dims;
  ig_arena arena;
  ig_request request;
  ig_operand operands[MAX_OPERANDS];
  uint32_t n;
  uint64_t bytes;               /* that its operands reach */
  char what[80];
} problem;

typedef struct kernel_bench {
  ig_env *env;
  const ig_hal *hal;
  ig_hal_device *dev;
  ig_hal_stream *stream;
  const char *filter;
  ig_buf *text;
  ig_json *json;                /* NULL: text */
  uint32_t n_timed;
  double peaks[64][2];          /* by lowest bit of the tactic's highest instruction set, and is_int8; 0 = not measured yet */
} kernel_bench;

/* ---- problems ---- */

static void begin(kernel_bench *k, problem *p) {
  *p = (problem){ .n = 0 };
  ig_arena_init(&p->arena, &k->env->alloc, 0);
  ig_dims_init(&p->dims, &k->env->alloc, &p->arena);
}

static void end(problem *p) {
  ig_dims_free(&p->dims);
  ig_arena_free(&p->arena);
}

static void add(problem *p, ig_dtype d, uint32_t rank, const int64_t *dims, order o) {
  ig_operand *to = &p->operands[p->n];
  int64_t stride = 1;
  *to = (ig_operand){ .value = p->n++, .dtype = d, .rank = (uint8_t)rank, .offset = ig_dim_const(&p->dims, 0) };
  for (uint32_t i = 0; i < rank; i++) to->dims[i] = ig_dim_const(&p->dims, dims[i]);
  if (o == CHANNELS_LAST) to->strides[1] = ig_dim_const(&p->dims, 1), stride = dims[1];
  for (uint32_t i = rank; i-- > 0;) {
    if (o == CHANNELS_LAST && i == 1) continue;
    to->strides[i] = ig_dim_const(&p->dims, stride);
    stride *= dims[i];
  }
  p->bytes += ig_dtype_bytes(d, (uint64_t)(o == CHANNELS_LAST && !rank ? 1 : stride));
}

static void add_absent(problem *p) { p->operands[p->n++] = (ig_operand){ .value = IG_NO_VALUE }; }

static double multiply_adds(const int64_t *dims, uint32_t n) {
  double all = 2;
  for (uint32_t i = 0; i < n; i++) all *= (double)dims[i];
  return all;
}

/* ---- one problem: every tactic that takes it ---- */

static bool is_product(const ig_request *r) { return r->kind == IG_KIND_matmul || r->kind == IG_KIND_conv || r->kind == IG_KIND_rnn; }

static double peak_of(kernel_bench *k, const ig_tactic *t, bool is_int8) {
  uint32_t bit = 0;
  while (bit < 63 && t->isa >> (bit + 1)) bit++;
  double *peak = &k->peaks[bit][is_int8];
  if (*peak == 0 && k->hal->peak) *peak = k->hal->peak(k->dev, t->isa, is_int8);
  return *peak;
}

/* Bytes a second, read and written, of a copy of so many bytes: from cache or from memory, as the problem's own. */
static double copy_rate(const kernel_bench *k, uint64_t bytes) {
  const size_t half = (size_t)bytes / 2 + 64;
  char *memory = ig_alloc_zero(&k->env->alloc, 2, half);
  double best = 1e9;
  if (!memory) return 0;
  for (int i = 0; i < 20; i++) {
    const double t = ig_rig_now();
    memcpy(memory + (i & 1 ? half : 0), memory + (i & 1 ? 0 : half), half);
    const double seconds = ig_rig_now() - t;
    best = seconds < best && seconds > 0 ? seconds : best;
  }
  ig_free(&k->env->alloc, memory, 2 * half);
  return 2 * (double)half / best;
}

static void tell(kernel_bench *k, const problem *p, const ig_tactic *t, double seconds, double rate, double peak, const char *unit) {
  k->n_timed++;
  if (k->json) {
    ig_json_open(k->json, NULL, '{');
    ig_json_str(k->json, "tactic", t->name);
    ig_json_str(k->json, "problem", p->what);
    ig_json_f64(k->json, "us", seconds * 1e6);
    ig_json_str(k->json, "unit", unit);
    ig_json_f64(k->json, "rate", rate * 1e-9);
    ig_json_f64(k->json, "peak", peak * 1e-9);
    ig_json_close(k->json, '}');
    return;
  }
  ig_buf_printf(k->text, "%-28s %-34s %10.1f us %8.1f %s", t->name, p->what, seconds * 1e6, rate * 1e-9, unit);
  if (peak > 0) ig_buf_printf(k->text, "  %5.1f %% of %.1f", 100 * rate / peak, peak * 1e-9);
  ig_buf_str(k->text, "\n");
}

static ig_status time_tactic(kernel_bench *k, const problem *p, const ig_query *q, const ig_tactic *t, double operations, double copy) {
  ig_offer offer;
  const char *why = NULL;
  double seconds;
  if (t->kind != p->request.kind || (k->filter && !strstr(t->name, k->filter))) return NULL;
  memset(&offer, 0, sizeof offer);
  if (!t->query(q, &offer, &why)) return NULL;
  const ig_rig rig = { .alloc = &k->env->alloc, .hal = k->hal, .dev = k->dev, .stream = k->stream, .n_threads = 1 };
  IG_TRY_NOTE(ig_rig_time(&rig, &p->request, q->opt, t, &offer, p->what, &seconds), "timing %s", t->name);
  const bool is_int8 = p->operands[0].dtype == IG_DTYPE_U8;
  if (is_product(&p->request))
    tell(k, p, t, seconds, operations / seconds, t->isa ? peak_of(k, t, is_int8) : 0, "GOP/s");
  else
    tell(k, p, t, seconds, (double)p->bytes / seconds, copy, "GB/s");
  return NULL;
}

/* Constants of a product: its second operand, in the plain layout, since weights decide which int8 forms are exact. */
static ig_status ask_all(kernel_bench *k, problem *p, const int64_t *values, const void *weights, double operations) {
  const void *constants[MAX_OPERANDS] = { NULL, weights };
  const ig_region region = { .requests = &p->request, .n_requests = 1, .n_in = p->request.n_in, .n_out = p->request.n_out, .n_values = p->n };
  const ig_query q = { .region = &region, .dims = &p->dims, .caps = k->hal->caps(k->dev), .opt = values, .constant_mask = weights ? 2 : 0, .constants = constants };
  const double copy = is_product(&p->request) ? 0 : copy_rate(k, p->bytes);
  uint32_t n;
  const ig_tactic *const *list = k->hal->tactics(k->dev, &n);
  for (uint32_t i = 0; i < n; i++) IG_TRY(time_tactic(k, p, &q, list[i], operations, copy));
  return NULL;
}

static int8_t *make_weights(const kernel_bench *k, const ig_operand *w, const int64_t *values, size_t *out_size) {
  size_t n = 1;
  for (uint32_t i = 0; i < w->rank; i++) n *= (size_t)values[w->dims[i]];
  *out_size = n * IG_DTYPE_BITS(w->dtype) / 8;
  int8_t *bytes = ig_alloc_zero(&k->env->alloc, *out_size, 1);
  uint32_t x = 1;
  for (size_t i = 0; bytes && i < *out_size && w->dtype == IG_DTYPE_I8; i++) {
    x = x * 1664525u + 1013904223u;
    bytes[i] = (int8_t)(x >> 24);
  }
  return bytes;
}

static ig_status finish(kernel_bench *k, problem *p, ig_kind_id kind, uint32_t n_out, void *params, double operations) {
  int8_t *weights = NULL;
  size_t n_weights = 0;
  p->request.kind = kind;
  p->request.n_in = p->n - n_out;
  p->request.n_out = n_out;
  p->request.operands = p->operands;
  p->request.params = params;
  ig_status st = ig_dims_take_error(&p->dims);
  if (!st) st = ig_request_check(&p->request, &p->dims, p->what);
  int64_t *values = st ? NULL : IG_NEW_ARRAY(&p->arena, int64_t, p->dims.nodes.n);
  if (!st) st = values ? ig_dims_eval(p->dims.nodes.data, p->dims.nodes.n, NULL, 0, values) : ig_arena_status(&p->arena);
  if (!st && is_product(&p->request)) {
    weights = make_weights(k, &p->operands[1], values, &n_weights);
    if (!weights) st = IG_OOM();
  }
  if (!st) st = ask_all(k, p, values, weights, operations);
  ig_free(&k->env->alloc, weights, n_weights);
  end(p);
  return st;
}

/* ---- what is timed ---- */

static ig_status time_matmul(kernel_bench *k, bool is_int8, const int64_t *mnk) {
  problem p;
  ig_matmul_params params = { .acc = is_int8 ? IG_S_I32 : IG_S_F32, .alpha = 1 };
  begin(k, &p);
  snprintf(p.what, sizeof p.what, "%s %lldx%lldx%lld", is_int8 ? "int8" : "fp32", (long long)mnk[0], (long long)mnk[1], (long long)mnk[2]);
  add(&p, is_int8 ? IG_DTYPE_U8 : IG_DTYPE_F32, 2, (const int64_t[]){ mnk[0], mnk[2] }, PLANES);
  add(&p, is_int8 ? IG_DTYPE_I8 : IG_DTYPE_F32, 2, (const int64_t[]){ mnk[2], mnk[1] }, PLANES);
  add(&p, is_int8 ? IG_DTYPE_I32 : IG_DTYPE_F32, 2, mnk, PLANES);
  return finish(k, &p, IG_KIND_matmul, 1, &params, multiply_adds(mnk, 3));
}

typedef struct layer { int64_t c, o, size, kernel, stride, groups; } layer;
static ig_status time_conv(kernel_bench *k, bool is_int8, const layer *l, order o) {
  problem p;
  begin(k, &p);
  const int64_t pad = l->kernel / 2, out = (l->size + 2 * pad - l->kernel) / l->stride + 1;
  ig_conv_params params = { .n_spatial = 2, .groups = l->groups, .acc = is_int8 ? IG_S_I32 : IG_S_F32, .stride = { l->stride, l->stride, 1 }, .dilation = { 1, 1, 1 },
    .in_dilation = { 1, 1, 1 } };
  for (int i = 0; i < 3; i++) params.pad_lo[i] = params.pad_hi[i] = ig_dim_const(&p.dims, i < 2 ? pad : 0);
  snprintf(p.what, sizeof p.what, "%s %lld->%lld %lldx%lld/%lld @%lld%s%s", is_int8 ? "int8" : "fp32", (long long)l->c, (long long)l->o, (long long)l->kernel,
           (long long)l->kernel, (long long)l->stride, (long long)l->size, l->groups > 1 ? " depthwise" : "", o == CHANNELS_LAST ? " NHWC" : "");
  add(&p, is_int8 ? IG_DTYPE_U8 : IG_DTYPE_F32, 4, (const int64_t[]){ 1, l->c, l->size, l->size }, o);
  add(&p, is_int8 ? IG_DTYPE_I8 : IG_DTYPE_F32, 4, (const int64_t[]){ l->o, l->c / l->groups, l->kernel, l->kernel }, PLANES);
  add(&p, is_int8 ? IG_DTYPE_I32 : IG_DTYPE_F32, 4, (const int64_t[]){ 1, l->o, out, out }, o);
  return finish(k, &p, IG_KIND_conv, 1, &params, multiply_adds((const int64_t[]){ l->o, out, out, l->kernel, l->kernel, l->c / l->groups }, 6));
}

static ig_status time_lstm(kernel_bench *k, int64_t time, int64_t hidden) {
  problem p;
  ig_rnn_params params = { .cell = IG_RNN_LSTM, .act = { IG_ACT_SIGMOID, IG_ACT_TANH, IG_ACT_TANH, IG_ACT_SIGMOID, IG_ACT_TANH, IG_ACT_TANH } };
  begin(k, &p);
  snprintf(p.what, sizeof p.what, "fp32 LSTM %lld steps of %lld", (long long)time, (long long)hidden);
  add(&p, IG_DTYPE_F32, 4, (const int64_t[]){ time, 1, 1, 4 * hidden }, PLANES);
  add(&p, IG_DTYPE_F32, 3, (const int64_t[]){ 1, 4 * hidden, hidden }, PLANES);
  for (int i = 0; i < 5; i++) add_absent(&p);
  add(&p, IG_DTYPE_F32, 4, (const int64_t[]){ time, 1, 1, hidden }, PLANES);
  add_absent(&p);
  add_absent(&p);
  return finish(k, &p, IG_KIND_rnn, 3, &params, multiply_adds((const int64_t[]){ 4, time, hidden, hidden }, 4));
}

/* Kinds bound by memory: a row of transformers' sizes, an image of convolutional networks'. */
static ig_status time_rows(kernel_bench *k, ig_kind_id kind, const int64_t *dims) {
  problem p;
  ig_softmax_params softmax = { .axis = 1, .scale = 1 };
  ig_norm_params norm = { .axis = 1, .mode = IG_NORM_LAYER, .stash = IG_S_F32, .eps = 1e-5 };
  ig_reduce_params reduce = { .axes_mask = 2, .op = IG_REDUCE_SUM, .acc = IG_S_F32 };
  begin(k, &p);
  snprintf(p.what, sizeof p.what, "fp32 %s %lldx%lld", ig_kind(kind)->name, (long long)dims[0], (long long)dims[1]);
  add(&p, IG_DTYPE_F32, 2, dims, PLANES);
  if (kind == IG_KIND_norm) {
    for (int i = 0; i < 2; i++) {
      add(&p, IG_DTYPE_F32, 2, dims, PLANES);
      p.operands[p.n - 1].strides[0] = ig_dim_const(&p.dims, 0);
    }
    p.bytes = 2 * p.bytes / 3;
  }
  add(&p, IG_DTYPE_F32, 2, kind == IG_KIND_reduce ? (const int64_t[]){ dims[0], 1 } : dims, PLANES);
  return finish(k, &p, kind, 1, kind == IG_KIND_softmax ? (void *)&softmax : kind == IG_KIND_norm ? (void *)&norm : &reduce, 0);
}

static ig_status time_map(kernel_bench *k, int64_t n, bool gelu) {
  problem p;
  ig_sbuild b;
  begin(k, &p);
  snprintf(p.what, sizeof p.what, "fp32 %s %lld", gelu ? "gelu" : "add, relu", (long long)n);
  ig_sbuild_init(&b, &p.arena);
  const ig_sreg x = ig_s_load(&b, 0, IG_DTYPE_F32), zero = ig_s_f64(&b, IG_S_F32, 0);
  if (gelu) {
    const ig_sreg erf = ig_s_op(&b, IG_SOP_ERF, ig_s_op(&b, IG_SOP_MUL, x, ig_s_f64(&b, IG_S_F32, 0.70710678118654752), 0), 0, 0);
    ig_s_store(&b, 0, ig_s_op(&b, IG_SOP_MUL, ig_s_op(&b, IG_SOP_MUL, x, ig_s_f64(&b, IG_S_F32, 0.5), 0), ig_s_op(&b, IG_SOP_ADD, erf, ig_s_f64(&b, IG_S_F32, 1), 0), 0), 0);
  } else
    ig_s_store(&b, 0, ig_s_op(&b, IG_SOP_MAX, ig_s_op(&b, IG_SOP_ADD, x, ig_s_load(&b, 1, IG_DTYPE_F32), 0), zero, 0), 0);
  ig_status st = ig_sbuild_finish(&b, &p.request.prog);
  if (st) {
    end(&p);
    return st;
  }
  for (int i = 0; i < (gelu ? 2 : 3); i++) add(&p, IG_DTYPE_F32, 1, &n, PLANES);
  return finish(k, &p, IG_KIND_map, 1, NULL, 0);
}

static ig_status time_pool(kernel_bench *k, bool average, order o) {
  problem p;
  begin(k, &p);
  ig_window_params params = { .mode = average ? IG_WINDOW_AVG : IG_WINDOW_MAX, .n_spatial = 2, .kernel = { 3, 3, 1 }, .stride = { 2, 2, 1 }, .dilation = { 1, 1, 1 } };
  for (int i = 0; i < 3; i++) params.pad_lo[i] = params.pad_hi[i] = ig_dim_const(&p.dims, i < 2);
  snprintf(p.what, sizeof p.what, "fp32 %s 3x3/2 64 @112%s", average ? "average" : "max", o == CHANNELS_LAST ? " NHWC" : "");
  add(&p, IG_DTYPE_F32, 4, (const int64_t[]){ 1, 64, 112, 112 }, o);
  add(&p, IG_DTYPE_F32, 4, (const int64_t[]){ 1, 64, 56, 56 }, o);
  return finish(k, &p, IG_KIND_window, 1, &params, 0);
}

static ig_status time_reorder(kernel_bench *k, order from, order to) {
  problem p;
  begin(k, &p);
  ig_move_params params = { .border = IG_MOVE_NONE };
  for (int i = 0; i < IG_MAX_RANK; i++) params.pad_lo[i] = ig_dim_const(&p.dims, 0);
  snprintf(p.what, sizeof p.what, "fp32 64 @56 %s", from == to ? "copy" : to == CHANNELS_LAST ? "to NHWC" : "from NHWC");
  add(&p, IG_DTYPE_F32, 4, (const int64_t[]){ 1, 64, 56, 56 }, from);
  add(&p, IG_DTYPE_F32, 4, (const int64_t[]){ 1, 64, 56, 56 }, to);
  return finish(k, &p, IG_KIND_move, 1, &params, 0);
}

static ig_status time_products(kernel_bench *k) {
  static const int64_t products[][3] = { { 1, 3072, 768 }, { 16, 768, 768 }, { 128, 768, 768 }, { 128, 3072, 768 }, { 197, 768, 3072 }, { 512, 512, 512 } };
  static const layer layers[] = { { 3, 64, 224, 7, 2, 1 }, { 3, 32, 224, 3, 2, 1 }, { 64, 64, 56, 1, 1, 1 }, { 64, 64, 56, 3, 1, 1 }, { 128, 128, 28, 3, 1, 1 },
    { 256, 1024, 14, 1, 1, 1 }, { 512, 512, 7, 3, 1, 1 }, { 240, 60, 1, 1, 1, 1 }, { 96, 96, 56, 3, 1, 96 }, { 144, 144, 56, 3, 2, 144 } };
  for (int is_int8 = 0; is_int8 <= 1; is_int8++) {
    for (size_t i = 0; i < IG_COUNT(products); i++) IG_TRY(time_matmul(k, is_int8, products[i]));
    for (size_t i = 0; i < IG_COUNT(layers); i++) {
      IG_TRY(time_conv(k, is_int8, &layers[i], PLANES));
      IG_TRY(time_conv(k, is_int8, &layers[i], CHANNELS_LAST));
    }
  }
  return time_lstm(k, 50, 128);
}

static ig_status time_others(kernel_bench *k) {
  static const ig_kind_id rows[] = { IG_KIND_softmax, IG_KIND_norm, IG_KIND_reduce };
  for (size_t i = 0; i < IG_COUNT(rows); i++) IG_TRY(time_rows(k, rows[i], (const int64_t[]){ 128, 768 }));
  IG_TRY(time_map(k, 128 * 3072, false));
  IG_TRY(time_map(k, 128 * 3072, true));
  for (int average = 0; average <= 1; average++) {
    IG_TRY(time_pool(k, average, PLANES));
    IG_TRY(time_pool(k, average, CHANNELS_LAST));
  }
  IG_TRY(time_reorder(k, PLANES, PLANES));
  IG_TRY(time_reorder(k, PLANES, CHANNELS_LAST));
  return time_reorder(k, CHANNELS_LAST, PLANES);
}

static ig_status time_all(kernel_bench *k) {
  if (k->json) {
    ig_json_open(k->json, NULL, '{');
    ig_json_open(k->json, "kernels", '[');
  }
  IG_TRY(time_products(k));
  IG_TRY(time_others(k));
  IG_REQUIRE(k->n_timed, IG_ERROR_INVALID_ARGUMENT, "no kernel of device '%s' that has '%s' in its name runs here: `ingot bench --kernels` lists them", k->hal->name, k->filter ? k->filter : "");
  if (k->json) {
    ig_json_close(k->json, ']');
    ig_json_close(k->json, '}');
    ig_buf_str(k->text, "\n");
  } else
    ig_buf_printf(k->text, "%u timed on one core\n", k->n_timed);
  return NULL;
}

ig_status ig_kernel_bench(ig_env *env, const char *device, const char *filter, uint64_t isa_mask, bool json, ig_buf *out) {
  const ig_hal *hal = ig_hal_by_name(device);
  IG_REQUIRE(hal, IG_ERROR_DEVICE, "device '%s' is not in this build: see `ingot devices`", device);
  const ig_hal_options o = { .isa_mask = isa_mask == 0 ? ~0ull : isa_mask & ~IG_ISA_PORTABLE, .n_threads = 1 };
  ig_json j;
  ig_json_init(&j, out);
  kernel_bench k = { .env = env, .hal = hal, .filter = filter, .text = out, .json = json ? &j : NULL };
  IG_TRY(hal->open(env, &o, &k.dev));
  ig_status st = hal->stream_create(k.dev, 1, &k.stream);
  if (!st) st = time_all(&k);
  if (k.stream) hal->stream_destroy(k.stream);
  hal->close(k.dev);
  return st;
}
