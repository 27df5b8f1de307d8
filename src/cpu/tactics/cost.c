/* Cost model and checks of the CPU's tactics. See tactics.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/tactics/tactics.h"

const ig_request *ig_cpu_request(const ig_query *q, const char **why) {
  if (q->region->n_requests == 1) return &q->region->requests[0];
  *why = "the region has several requests";
  return NULL;
}

int64_t ig_cpu_dim(const ig_query *q, ig_dim d) { return q->opt[d]; }

double ig_cpu_count(const ig_query *q, const ig_operand *o) {
  if (o->value == IG_NO_VALUE) return 0;
  double n = 1;
  for (uint32_t k = 0; k < o->rank; k++) n *= (double)ig_cpu_dim(q, o->dims[k]);
  return n;
}

/* Bytes that are really there: broadcast axes count once. */
static double footprint(const ig_query *q, const ig_operand *o) {
  if (o->value == IG_NO_VALUE) return 0;
  double n = IG_DTYPE_BITS(o->dtype) / 8.0;
  for (uint32_t k = 0; k < o->rank; k++)
    if (ig_cpu_dim(q, o->strides[k]) != 0) n *= (double)ig_cpu_dim(q, o->dims[k]);
  return n;
}
double ig_cpu_bytes(const ig_query *q, const ig_request *r) {
  double n = 0;
  for (uint32_t i = 0; i < ig_request_n_operands(r); i++) n += footprint(q, &r->operands[i]);
  return n;
}

double ig_cpu_prog_work(const ig_sprog *p) {
  double work = 1;
  for (uint32_t i = 0; i < p->n; i++) {
    const uint16_t op = p->insns[i].op;
    const bool function = (op >= IG_SOP_EXP && op <= IG_SOP_SOFTPLUS) || op == IG_SOP_POW || op == IG_SOP_ATAN2 || op == IG_SOP_RANDOM;
    work += function ? 20 : 1;
  }
  return work;
}

uint32_t ig_cpu_parts(double ops, double rate, uint32_t n_threads) {
  const double seconds = ops / rate;
  if (seconds < 20e-6 || n_threads <= 1) return 1;
  const double most = seconds / 10e-6;
  return most < n_threads ? (uint32_t)most : n_threads;
}

void ig_cpu_offer(const ig_query *q, const ig_request *r, double ops, double rate, ig_offer *out) {
  const uint32_t parts = ig_cpu_parts(ops, rate, q->caps->n_threads);
  memset(out, 0, sizeof *out);
  out->seconds = IG_CPU_STEP_SECONDS + ops / rate / parts + ig_cpu_bytes(q, r) / IG_CPU_BYTES_PER_SECOND;
}

/* Is operand i the only one that reads its value? Else a result on it would destroy what another view still reads. */
static bool reads_alone(const ig_request *r, uint32_t i) {
  for (uint32_t j = 0; j < r->n_in + r->n_extra; j++)
    if (j != i && r->operands[j].value == r->operands[i].value) return false;
  return true;
}

uint32_t ig_cpu_inplace(const ig_request *r, uint32_t first, uint32_t n) {
  const ig_operand *o = ig_request_out(r, 0);
  uint32_t mask = 0;
  if (r->n_out != 1) return 0;
  for (uint32_t i = first; i < first + n && i < 32; i++) {
    const ig_operand *in = &r->operands[i];
    bool same = in->value != IG_NO_VALUE && in->dtype == o->dtype && in->rank == o->rank && in->block == o->block && in->block_axis == o->block_axis;
    for (uint32_t k = 0; same && k < o->rank; k++) same = in->dims[k] == o->dims[k] && in->strides[k] == o->strides[k];
    if (same && reads_alone(r, i)) mask |= 1u << i;
  }
  return mask;
}

bool ig_cpu_is(const ig_operand *o, ig_dtype d) { return o->value != IG_NO_VALUE && o->dtype == d && o->block <= 1; }

/* Weights as they lie in models: row-major without gaps. */
static bool is_compact(const ig_query *q, const ig_operand *w) {
  int64_t n = 1, dim;
  for (uint32_t k = w->rank; k-- > 0;) {
    if (!ig_dim_is_const(q->dims, w->dims[k], &dim)) return false;
    if (dim != 1 && !ig_dim_equals(q->dims, w->strides[k], n)) return false;
    if (!ig_mul_i64(n, dim, &n)) return false;
  }
  return true;
}

const ig_request *ig_cpu_conv_f32_request(const ig_query *q, const char **why) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r) return NULL;
  const ig_conv_params *p = r->params;
  if (p->acc != IG_S_F32 || !ig_cpu_is(ig_request_in(r, 0), IG_DTYPE_F32) || !ig_cpu_is(ig_request_in(r, 1), IG_DTYPE_F32)) {
    *why = "operands are not plain float32";
    return NULL;
  }
  for (uint32_t i = 2; i < r->n_in; i++)
    if (ig_request_in(r, i)->value != IG_NO_VALUE) { *why = "it has zero points"; return NULL; }
  for (int64_t i = 0; i < p->n_spatial; i++)
    if (p->in_dilation[i] > 1) { *why = "the input is dilated (transposed convolution)"; return NULL; }
  int64_t o;
  if (!is_compact(q, ig_request_in(r, 1)) || !ig_dim_is_const(q->dims, ig_request_in(r, 1)->dims[0], &o)) { *why = "weights are not compact or of unknown size"; return NULL; }
  if (p->groups < 1 || o % p->groups) { *why = "the groups do not divide the output channels"; return NULL; }   /* a damaged engine; binding says so */
  return r;
}
