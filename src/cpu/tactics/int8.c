/* Tactics of matmul and conv on 8-bit integers with a 32-bit sum and constant weights, which the engine keeps as words of `kg` elements of k:
 * matmul [N / nr][K / kg][nr][kg], conv [O / nr][kernel][C / kg][nr][kg].
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/gemm_s8.h"
#include "cpu/kernels/quantise.h"
#include "cpu/tactics/tactics.h"

/* A product's kernel: how weights lie; start: what it does before its sums, in elements of k (words are sorted, and few channels are faster by pairs);
 * operations a second; whether it takes zero points of weights without mending sums. */
typedef struct s8_form { int64_t kg, nr, start; double rate; bool takes_zeros; } s8_form;
static const s8_form form_avx2 = { IG_S8_KG_AVX2, IG_S8_NR_AVX2, 0, 170e9, true };
static const s8_form form_avx2words = { IG_S8_KG_AVX2WORDS, IG_S8_NR_AVX2WORDS, 24, 195e9, false };
static const s8_form form_avx512vnni = { IG_S8_KG_AVX512VNNI, IG_S8_NR_AVX512VNNI, 0, 400e9, true };

bool ig_cpu_is_int8(const ig_operand *o) { return ig_cpu_is(o, IG_DTYPE_I8) || ig_cpu_is(o, IG_DTYPE_U8); }
bool ig_cpu_is_uniform(const ig_query *q, const ig_request *r, uint32_t i, int axis) {
  if (i >= r->n_in || ig_request_in(r, i)->value == IG_NO_VALUE) return true;
  const ig_operand *z = ig_request_in(r, i);
  for (uint32_t k = 0; k < z->rank; k++)
    if ((int)k != axis && !ig_dim_equals(q->dims, z->dims[k], 1) && !ig_dim_equals(q->dims, z->strides[k], 0)) return false;
  return ig_cpu_is_int8(z);
}

/* Operands of 8 bits, a sum of 32. */
static const ig_request *accepted(const ig_query *q, int64_t acc, const char **why) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r) return NULL;
  if (acc != IG_S_I32 || !ig_cpu_is_int8(ig_request_in(r, 0)) || !ig_cpu_is_int8(ig_request_in(r, 1))) {
    *why = "operands are not plain 8-bit integers with a 32-bit sum";
    return NULL;
  }
  return r;
}
static bool is_constant(const ig_query *q, const char **why) {
  if (q->constant_mask >> 1 & 1) return true;
  *why = "weights are not constant";
  return false;
}
static void append(ig_format *f, uint32_t axis, int64_t extent) {
  f->axis[f->n_parts] = (uint8_t)axis;
  f->extent[f->n_parts++] = (uint16_t)extent;
}

/* Are the zero points of weights, where there are some, what the kernel takes? */
static bool takes_zeros(const ig_query *q, const ig_request *r, const s8_form *f, const char **why) {
  if (f->takes_zeros || r->n_in < 4 || ig_request_in(r, 3)->value == IG_NO_VALUE || ig_cpu_most_absolute(q, r, 3) == 0) return true;
  *why = "weights have zero points, which pairs of 16 bits are freed of at no cost";
  return false;
}

static const ig_matmul_params *matmul_params(const ig_query *q) { return q->region->requests[0].params; }
static const ig_conv_params *conv_params(const ig_query *q) { return q->region->requests[0].params; }

static bool query_matmul(const ig_query *q, ig_offer *out, const char **why, const s8_form *f) {
  const ig_request *r = accepted(q, matmul_params(q)->acc, why);
  int64_t depth;
  if (!r || !is_constant(q, why)) return false;
  const ig_operand *a = ig_request_in(r, 0), *b = ig_request_in(r, 1);
  for (uint32_t k = 0; k + 2 < b->rank; k++)
    if (!ig_dim_equals(q->dims, b->dims[k], 1) && !ig_dim_equals(q->dims, b->strides[k], 0)) { *why = "weights are several matrices"; return false; }
  if (!ig_dim_is_const(q->dims, b->dims[b->rank - 2], &depth) || depth == 0) { *why = "nothing to sum"; return false; }
  const ig_operand *za = r->n_in > 2 ? ig_request_in(r, 2) : NULL;
  if (za && za->value != IG_NO_VALUE && !ig_dim_equals(q->dims, za->strides[a->rank - 1], 0) && depth != 1) {
    *why = "zero points differ within a row";
    return false;
  }
  if (!ig_cpu_is_uniform(q, r, 3, (int)b->rank - 1)) { *why = "zero points differ within a column"; return false; }
  if (!takes_zeros(q, r, f, why)) return false;
  const double count = ig_cpu_count(q, ig_request_out(r, 0));
  ig_cpu_offer(q, r, count * 2 * (double)(depth + f->start), f->rate, out);
  out->seconds += count * ig_cpu_prog_work(&r->epi) / IG_CPU_RATE_AVX2;
  out->inplace_mask = ig_cpu_inplace(r, r->n_in, r->n_extra);
  out->packed_mask = 1u << 1;
  ig_format *packed = &out->packed[1];
  for (uint32_t i = 0; i + 2 < b->rank; i++) append(packed, i, 0);
  append(packed, b->rank - 1u, 0);
  append(packed, b->rank - 2u, 0);
  append(packed, b->rank - 1u, f->nr);
  append(packed, b->rank - 2u, f->kg);
  return true;
}
/* What it takes to read the weights, in operations. */
static double reading(const ig_call *c, double rate) { return (double)ig_view_count(ig_call_in(c, 1)) / IG_CPU_BYTES_PER_SECOND * rate; }
static uint32_t parts_matmul(const ig_call *c, uint32_t n_threads, double rate) {
  const ig_view *a = ig_call_in(c, 0);
  const double ops = (double)ig_view_count(ig_call_out(c, 0)) * (2.0 * (double)a->dims[a->rank - 1] + 4 * ig_cpu_prog_work(&c->epi));
  return ig_cpu_parts(ops + reading(c, rate), rate, n_threads);
}

/* What both convolutions need. */
static const ig_request *accepted_conv(const ig_query *q, const char **why) {
  const ig_request *r = accepted(q, conv_params(q)->acc, why);
  if (!r) return NULL;
  const ig_conv_params *p = r->params;
  if (p->n_spatial > 2) { *why = "three spatial axes"; return NULL; }
  for (int64_t i = 0; i < p->n_spatial; i++)
    if (p->in_dilation[i] > 1) { *why = "the input is dilated (transposed convolution)"; return NULL; }
  if (!ig_cpu_is_uniform(q, r, 2, -1) || !ig_cpu_is_uniform(q, r, 3, 0)) { *why = "zero points differ within the input or an output channel"; return NULL; }
  return r;
}

static bool query_conv(const ig_query *q, ig_offer *out, const char **why, const s8_form *f) {
  const ig_request *r = accepted_conv(q, why);
  if (!r || !is_constant(q, why)) return false;
  const ig_operand *w = ig_request_in(r, 1);
  int64_t o, count = 1, dim;
  if (conv_params(q)->groups != 1) { *why = "several groups"; return false; }
  for (uint32_t i = 0; i < w->rank; i++) {
    if (!ig_dim_is_const(q->dims, w->dims[i], &dim) || dim == 0 || !ig_mul_i64(count, dim, &count)) { *why = "weights are empty, too large or of unknown size"; return false; }
  }
  if (!ig_dim_is_const(q->dims, w->dims[0], &o)) { *why = "weights are of unknown size"; return false; }
  if (!takes_zeros(q, r, f, why)) return false;
  const double results = ig_cpu_count(q, ig_request_out(r, 0)), k = (double)(count / o);
  ig_cpu_offer(q, r, results * 2 * (k + (double)f->start), f->rate, out);
  out->seconds += (results * ig_cpu_prog_work(&r->epi) + 4 * k * results / (double)o) / IG_CPU_RATE_AVX2;
  out->inplace_mask = ig_cpu_inplace(r, r->n_in, r->n_extra);
  out->packed_mask = 1u << 1;
  ig_format *packed = &out->packed[1];
  append(packed, 0, 0);
  for (uint32_t i = 2; i < w->rank; i++) append(packed, i, 0);
  append(packed, 1, 0);
  append(packed, 0, f->nr);
  append(packed, 1, f->kg);
  return true;
}
static uint32_t parts_conv(const ig_call *c, uint32_t n_threads, double rate) {
  const ig_view *w = ig_call_in(c, 1);
  const double k = (double)ig_view_count(w) / (double)ig_max_i64(1, w->dims[0]);
  return ig_cpu_parts((double)ig_view_count(ig_call_out(c, 0)) * (2.0 * k + 4 * ig_cpu_prog_work(&c->epi)) + reading(c, rate), rate, n_threads);
}

static double taps(const ig_query *q, const ig_operand *w) { return ig_cpu_count(q, w) / (double)ig_max_i64(1, ig_cpu_dim(q, w->dims[0])); }
static bool query_depthwise(const ig_query *q, ig_offer *out, const char **why, double rate) {
  const ig_request *r = accepted_conv(q, why);
  if (!r) return false;
  const ig_operand *w = ig_request_in(r, 1);
  if (!ig_dim_equals(q->dims, w->dims[1], 1) || !ig_dim_equals(q->dims, w->dims[0], conv_params(q)->groups)) {
    *why = "not one input and one output channel a group";
    return false;
  }
  ig_cpu_offer(q, r, ig_cpu_count(q, ig_request_out(r, 0)) * (2 * taps(q, w) + ig_cpu_prog_work(&r->epi)), rate, out);
  out->inplace_mask = ig_cpu_inplace(r, r->n_in, r->n_extra);
  return true;
}

#define INT8_TACTICS(id, name_, isa_) \
  static bool query_matmul_##id(const ig_query *q, ig_offer *out, const char **why) { \
    return query_matmul(q, out, why, &form_##id); \
  } \
  static uint32_t parts_matmul_##id(const ig_call *c, uint32_t n_threads) { return parts_matmul(c, n_threads, form_##id.rate); } \
  const ig_tactic ig_cpu_matmul_s8_##id = { .name = "cpu.matmul_s8" name_, .version = 3, .kind = IG_KIND_matmul, .isa = isa_, .n_phases = 1, \
    .query = query_matmul_##id, .scratch = ig_cpu_matmul_s8_scratch_##id, .parts = parts_matmul_##id, .run = ig_cpu_matmul_s8_run_##id }; \
  static bool query_conv_##id(const ig_query *q, ig_offer *out, const char **why) { \
    return query_conv(q, out, why, &form_##id); \
  } \
  static uint32_t parts_conv_##id(const ig_call *c, uint32_t n_threads) { return parts_conv(c, n_threads, form_##id.rate); } \
  const ig_tactic ig_cpu_conv_s8_##id = { .name = "cpu.conv_s8" name_, .version = 3, .kind = IG_KIND_conv, .isa = isa_, .n_phases = 1, .by_rows = true, \
    .query = query_conv_##id, .scratch = ig_cpu_conv_s8_scratch_##id, .parts = parts_conv_##id, .run = ig_cpu_conv_s8_run_##id };
INT8_TACTICS(avx512vnni, ".avx512vnni", IG_ISA_VNNI | IG_ISA_AVX512 | IG_ISA_AVX2)
INT8_TACTICS(avx2, ".avx2", IG_ISA_AVX2)
INT8_TACTICS(avx2words, "_words.avx2", IG_ISA_AVX2)

#define RATE_DEPTHWISE 25e9
#define RATE_DEPTHWISE_WORDS 75e9
static bool query_depthwise_avx2(const ig_query *q, ig_offer *out, const char **why) { return query_depthwise(q, out, why, RATE_DEPTHWISE); }
static uint32_t parts_depthwise_avx2(const ig_call *c, uint32_t n_threads) { return parts_conv(c, n_threads, RATE_DEPTHWISE); }
const ig_tactic ig_cpu_depthwise_s8_avx2 = { .name = "cpu.depthwise_s8.avx2", .version = 3, .kind = IG_KIND_conv, .isa = IG_ISA_AVX2, .n_phases = 2, .by_rows = true,
  .query = query_depthwise_avx2, .scratch = ig_cpu_depthwise_s8_scratch_avx2, .parts = parts_depthwise_avx2, .run = ig_cpu_depthwise_s8_run_avx2 };

/* The form that is frequent, as far as it shows: what turns out to be another at run time is done by the other kernel, in one part. */
static bool query_depthwise_words(const ig_query *q, ig_offer *out, const char **why) {
  if (!query_depthwise(q, out, why, RATE_DEPTHWISE_WORDS)) return false;
  const ig_request *r = ig_cpu_request(q, why);
  const ig_conv_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *w = ig_request_in(r, 1), *o = ig_request_out(r, 0);
  bool plain = p->n_spatial == 2;
  for (int64_t i = 0; plain && i < 2; i++) plain = p->stride[i] == p->stride[0] && p->stride[i] <= 2 && p->dilation[i] == 1 && ig_dim_equals(q->dims, w->dims[2 + i], 3);
  if (!plain) { *why = "not a kernel of 3x3 with stride 1 or 2"; return false; }
  if (!ig_cpu_is(w, IG_DTYPE_I8) || !ig_cpu_is_int8(o)) { *why = "weights are not signed, or results are not bytes"; return false; }
  if (!ig_dim_equals(q->dims, x->strides[1], 1) || !ig_dim_equals(q->dims, o->strides[1], 1)) { *why = "channels do not lie side by side"; return false; }
  return true;
}
static uint32_t parts_depthwise_words(const ig_call *c, uint32_t n_threads) { return parts_conv(c, n_threads, RATE_DEPTHWISE_WORDS); }
const ig_tactic ig_cpu_depthwise_s8_avx512vnni = { .name = "cpu.depthwise_s8.avx512vnni", .version = 1, .kind = IG_KIND_conv, .by_rows = true,
  .isa = IG_ISA_VNNI | IG_ISA_AVX512 | IG_ISA_AVX2, .n_phases = 1, .query = query_depthwise_words, .scratch = ig_cpu_depthwise_s8_scratch_avx512vnni,
  .parts = parts_depthwise_words, .run = ig_cpu_depthwise_s8_run_avx512vnni };

/* ---- maximum pooling ---- */

#define RATE_POOL 60e9
static double window_of(const ig_window_params *p) { return (double)p->kernel[0] * (double)(p->n_spatial > 1 ? p->kernel[1] : 1); }
static bool has_channels_last(const ig_query *q, const ig_operand *o) { return ig_dim_equals(q->dims, o->strides[1], 1) || ig_dim_equals(q->dims, o->dims[1], 1); }
static bool query_pool(const ig_query *q, ig_offer *out, const char **why) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r) return false;
  const ig_window_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *o = ig_request_out(r, 0);
  if (p->mode != IG_WINDOW_MAX || p->n_spatial > 2 || r->epi.n) { *why = "not plain maximum pooling over one or two axes"; return false; }
  if (!ig_cpu_is_int8(x) || !ig_cpu_is(o, x->dtype)) { *why = "operands are not plain 8-bit integers"; return false; }
  if (!has_channels_last(q, x) || !has_channels_last(q, o)) { *why = "channels do not lie side by side"; return false; }
  ig_cpu_offer(q, r, ig_cpu_count(q, o) * window_of(p), RATE_POOL, out);
  return true;
}
static uint32_t parts_pool(const ig_call *c, uint32_t n_threads) {
  return ig_cpu_parts((double)ig_view_count(ig_call_out(c, 0)) * window_of(c->params), RATE_POOL, n_threads);
}
const ig_tactic ig_cpu_pool_s8_avx2 = { .name = "cpu.pool_s8.avx2", .version = 1, .kind = IG_KIND_window, .isa = IG_ISA_AVX2, .n_phases = 1,
  .query = query_pool, .parts = parts_pool, .run = ig_cpu_pool_s8_run_avx2 };

/* ---- floats to bytes ---- */

#define RATE_QUANTISE 2.5e9            /* elements */
static bool is_one_value(const ig_query *q, const ig_operand *o) {
  for (uint32_t k = 0; k < o->rank; k++)
    if (!ig_dim_equals(q->dims, o->dims[k], 1) && !ig_dim_equals(q->dims, o->strides[k], 0)) return false;
  return true;
}
static bool query_quantise(const ig_query *q, ig_offer *out, const char **why) {
  const ig_request *r = ig_cpu_request(q, why);
  ig_quantise form;
  if (!r) return false;
  if (r->n_in < 1 || r->n_out != 1) { *why = "not one operand and one result"; return false; }
  const ig_operand *x = ig_request_in(r, 0), *o = ig_request_out(r, 0);
  if (!ig_cpu_is(x, IG_DTYPE_F32) || !ig_cpu_is_int8(o) || !ig_quantise_recognise(&r->prog, o->dtype, &form)) {
    *why = "not plain quantising of floats to bytes";
    return false;
  }
  for (uint32_t i = 1; i < r->n_in; i++) {
    const ig_operand *v = ig_request_in(r, i);
    const bool known = (i == form.scale_operand && ig_cpu_is(v, IG_DTYPE_F32)) || (i == form.zero_operand && ig_cpu_is_int8(v));
    if (!known || !is_one_value(q, v)) { *why = "scale or zero point are not one value"; return false; }
  }
  for (uint32_t k = 0; k < o->rank; k++)
    if (!ig_dim_equals(q->dims, o->dims[k], 1) && x->strides[k] != o->strides[k]) { *why = "the operand does not lie as the result does"; return false; }
  ig_cpu_offer(q, r, ig_cpu_count(q, o), RATE_QUANTISE, out);
  return true;
}
static uint32_t parts_quantise(const ig_call *c, uint32_t n_threads) { return ig_cpu_parts((double)ig_view_count(ig_call_out(c, 0)), RATE_QUANTISE, n_threads); }
const ig_tactic ig_cpu_quantise_s8_avx2 = { .name = "cpu.quantise_s8.avx2", .version = 2, .kind = IG_KIND_map, .isa = IG_ISA_AVX2, .n_phases = 1,
  .query = query_quantise, .parts = parts_quantise, .run = ig_cpu_quantise_s8_run_avx2 };
