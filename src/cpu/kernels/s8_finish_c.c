/* Recognising the frequent epilogues of 8-bit products. See s8_finish.h.
 *
 * The program is followed in order. One register is the chain that began with the sum; the others are constants, columns (one value for each
 * output channel) or the residual with a factor and an offset.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/s8_finish.h"
#include <math.h>
#include <stddef.h>

#define LARGE 1e9f                     /* bounds of a value without bounds; integers within are exact enough for a clamp to 8 bits */

typedef enum value_kind { OTHER, CONSTANT, COLUMN, RESIDUAL, CHAIN } value_kind;
typedef struct value { value_kind kind; const ig_view *view; float k, c; } value;   /* CONSTANT: k; RESIDUAL: x * k + c */
typedef enum stage { AFFINE, FIRST, LINEAR, SECOND, LAST, GELU } stage;
typedef struct reader {
  const ig_call *call;
  uint32_t channel, last, before;      /* last: register of the chain; before: the one it came from */
  stage stage;
  uint32_t kept;                       /* GELU: register of x; what was done to erf(): */
  bool plus_one, halved, times_kept;
  bool bounded, clamped;               /* AFFINE: lo or hi is set; FIRST, SECOND: a bound of the integer was seen */
  ig_s8_finish *f;
  value values[IG_SPROG_MAX];
} reader;

static bool is_finite(float x) { return x - x == 0; }

static bool is_column(const ig_view *v, uint32_t channel) {
  for (uint32_t k = 0; k < v->rank; k++)
    if (k != channel && v->dims[k] != 1 && v->strides[k] != 0) return false;
  return v->block <= 1 && (v->dtype == IG_DTYPE_F32 || v->dtype == IG_DTYPE_I32 || v->dtype == IG_DTYPE_I8 || v->dtype == IG_DTYPE_U8);
}
static bool is_side_by_side(const ig_view *v, uint32_t channel) { return v->block <= 1 && (v->strides[channel] == 1 || v->dims[channel] == 1); }

static bool constant(const ig_sinsn *x, value *out) {
  const uint32_t bits = (uint32_t)x->imm;
  out->kind = CONSTANT;
  if (x->type == IG_S_F32) memcpy(&out->k, &bits, 4);
  else if (x->type == IG_S_I32) out->k = (float)(int32_t)bits;
  else return false;
  return is_finite(out->k);
}

static bool load(reader *r, const ig_sinsn *x, uint32_t i) {
  value *v = &r->values[i];
  if (x->imm == 0) {
    if (r->last != UINT32_MAX) return false;
    v->kind = CHAIN;
    r->last = i;
    return true;
  }
  v->view = ig_call_extra(r->call, (uint32_t)x->imm - 1);
  v->k = 1;
  if (is_column(v->view, r->channel)) {
    v->kind = COLUMN;
    return true;
  }
  v->kind = RESIDUAL;
  const ig_dtype d = v->view->dtype;
  return (d == IG_DTYPE_F32 || d == IG_DTYPE_I8 || d == IG_DTYPE_U8) && is_side_by_side(v->view, r->channel);
}

/* a op b of two constants, or of the residual and a constant. */
static bool fold(uint16_t op, const value *a, const value *b, value *out) {
  *out = *a;
  if (b->kind != CONSTANT) return false;
  if (a->kind == RESIDUAL) {
    switch (op) {
      case IG_SOP_ADD: out->c += b->k; return true;
      case IG_SOP_SUB: out->c -= b->k; return true;
      case IG_SOP_MUL: out->k *= b->k; out->c *= b->k; return true;
      default: return false;
    }
  }
  if (a->kind != CONSTANT) return false;
  switch (op) {
    case IG_SOP_ADD: out->k = a->k + b->k; break;
    case IG_SOP_SUB: out->k = a->k - b->k; break;
    case IG_SOP_MUL: out->k = a->k * b->k; break;
    case IG_SOP_DIV: out->k = a->k / b->k; break;
    default: return false;
  }
  return is_finite(out->k);
}

static bool step_of(uint16_t op, ig_s8_op *out) {
  switch (op) {
    case IG_SOP_ADD: *out = IG_S8_ADD; return true;
    case IG_SOP_SUB: *out = IG_S8_SUB; return true;
    case IG_SOP_MUL: *out = IG_S8_MUL; return true;
    case IG_SOP_DIV: *out = IG_S8_DIV; return true;
    default: return false;
  }
}
static float apply(ig_s8_op op, float x, float k) {
  switch (op) {
    case IG_S8_ADD: return x + k;
    case IG_S8_SUB: return x - k;
    case IG_S8_MUL: return x * k;
    case IG_S8_DIV: return x / k;
  }
  return x;
}
static bool scales(ig_s8_op op) { return op == IG_S8_MUL || op == IG_S8_DIV; }

static bool affine(reader *r, uint16_t op, const value *v) {
  ig_s8_finish *f = r->f;
  if (v->kind == CONSTANT && (op == IG_SOP_MAX || op == IG_SOP_MIN)) {
    r->bounded = true;
    if (op == IG_SOP_MAX) f->lo = fmaxf(f->lo, v->k), f->hi = fmaxf(f->hi, f->lo);
    else f->hi = fminf(f->hi, v->k), f->lo = fminf(f->lo, f->hi);
    return true;
  }
  ig_s8_step *s = &f->steps[f->n_steps];
  if (f->n_steps == IG_S8_FINISH_STEPS || !step_of(op, &s->op)) return false;
  s->column = v->kind == COLUMN ? v->view : NULL;
  s->value = v->k;
  f->n_steps++;
  if (!r->bounded) return true;
  if (v->kind != CONSTANT || (scales(s->op) && !(v->k > 0))) return false;
  f->lo = apply(s->op, f->lo, v->k);
  f->hi = apply(s->op, f->hi, v->k);
  return true;
}

/* An integer that was just rounded: its zero point and bounds. */
static bool rounded(reader *r, ig_s8_round *q, uint16_t op, float k) {
  const bool whole = k == rintf(k) && fabsf(k) < LARGE;
  if (!whole) return false;
  const int32_t i = (int32_t)k;
  if (op == IG_SOP_MAX) q->lo = q->lo > i ? q->lo : i, q->hi = q->hi > q->lo ? q->hi : q->lo;
  else if (op == IG_SOP_MIN) q->hi = q->hi < i ? q->hi : i, q->lo = q->lo < q->hi ? q->lo : q->hi;
  else if (!r->clamped && (op == IG_SOP_ADD || op == IG_SOP_SUB) && fabsf((float)q->zero + (op == IG_SOP_ADD ? k : -k)) <= 1024) {
    const int32_t by = op == IG_SOP_ADD ? i : -i;
    q->zero += by, q->lo += by, q->hi += by;
    return true;
  } else return false;
  r->clamped = true;
  return true;
}

static bool linear(reader *r, uint16_t op, const value *v) {
  ig_s8_finish *f = r->f;
  ig_s8_op s;
  if (!f->linear) f->linear = true, f->scale = 1;
  r->stage = LINEAR;
  if (v->kind == RESIDUAL) {
    const bool bounded = f->linear_lo != -INFINITY || f->linear_hi != INFINITY;
    if (op != IG_SOP_ADD || f->residual || bounded) return false;
    f->residual = v->view;
    f->residual_scale = v->k;
    f->offset += v->c;
    return true;
  }
  if (v->kind != CONSTANT) return false;
  if (op == IG_SOP_MAX) f->linear_lo = fmaxf(f->linear_lo, v->k), f->linear_hi = fmaxf(f->linear_hi, f->linear_lo);
  else if (op == IG_SOP_MIN) f->linear_hi = fminf(f->linear_hi, v->k), f->linear_lo = fminf(f->linear_lo, f->linear_hi);
  else {
    if (!step_of(op, &s) || (scales(s) && !(v->k > 0))) return false;
    f->offset = apply(s, f->offset, v->k);
    f->linear_lo = apply(s, f->linear_lo, v->k);
    f->linear_hi = apply(s, f->linear_hi, v->k);
    if (scales(s)) f->scale = apply(s, f->scale, v->k), f->residual_scale = apply(s, f->residual_scale, v->k);
  }
  return is_finite(f->scale) && is_finite(f->offset);
}

static bool last(reader *r, uint16_t op, float k) {
  ig_s8_finish *f = r->f;
  ig_s8_op s;
  if (!step_of(op, &s)) return false;
  r->stage = LAST;
  f->last_offset = apply(s, f->last_offset, k);
  if (scales(s)) f->last_scale = apply(s, f->last_scale, k);
  return is_finite(f->last_scale) && is_finite(f->last_offset);
}

/* The chain op v. */
static bool extend(reader *r, uint16_t op, const value *v) {
  switch (r->stage) {
    case AFFINE: return v->kind == RESIDUAL ? linear(r, op, v) : affine(r, op, v);
    case FIRST:
      if (v->kind != CONSTANT) return r->clamped && linear(r, op, v);
      return (op == IG_SOP_MAX || op == IG_SOP_MIN || !r->clamped) ? rounded(r, &r->f->first, op, v->k) : linear(r, op, v);
    case LINEAR: return linear(r, op, v);
    case SECOND:
      if (v->kind != CONSTANT) return false;
      return (op == IG_SOP_MAX || op == IG_SOP_MIN || !r->clamped) ? rounded(r, &r->f->second, op, v->k) : last(r, op, v->k);
    case LAST: return v->kind == CONSTANT && last(r, op, v->k);
    case GELU: break;
  }
  return false;
}

static int32_t bound(float x) { return x > LARGE ? (int32_t)LARGE : x < -LARGE ? -(int32_t)LARGE : (int32_t)rintf(x); }
static bool round_chain(reader *r) {
  ig_s8_finish *f = r->f;
  if (r->stage == AFFINE) f->first = (ig_s8_round){ true, 0, bound(f->lo), bound(f->hi) }, r->stage = FIRST;
  else if (r->stage == LINEAR) f->second = (ig_s8_round){ true, 0, bound(f->linear_lo), bound(f->linear_hi) }, r->stage = SECOND;
  else return false;
  r->clamped = false;
  return true;
}

static const ig_s8_round *current(const reader *r) { return r->stage == FIRST ? &r->f->first : r->stage == SECOND ? &r->f->second : NULL; }
static bool fits(const ig_s8_round *q, ig_dtype d) {
  return q && ((d == IG_DTYPE_U8 && q->lo >= 0 && q->hi <= 255) || (d == IG_DTYPE_I8 && q->lo >= -128 && q->hi <= 127));
}

static bool stores(const reader *r, ig_dtype d, ig_stype type) {
  r->f->out = d;
  if (d == IG_DTYPE_I8 || d == IG_DTYPE_U8) return type == IG_S_I32 && fits(current(r), d);
  if (r->stage == GELU) return d == IG_DTYPE_F32 && r->times_kept && r->halved;
  if (d == IG_DTYPE_F32) return type == IG_S_F32 && (r->stage == AFFINE || r->stage == LINEAR || r->stage == LAST);
  return d == IG_DTYPE_I32 && type == IG_S_I32 && r->stage == AFFINE && r->f->n_steps == 0 && !r->bounded;
}

/* erf(x * k) or erf(x / k): the step that made its argument is taken back. */
static bool begin_gelu(reader *r) {
  ig_s8_finish *f = r->f;
  if (r->stage != AFFINE || r->bounded || f->n_steps == 0) return false;
  const ig_s8_step *s = &f->steps[--f->n_steps];
  f->gelu = s->op == IG_S8_MUL ? s->value : 1 / s->value;
  r->stage = GELU;
  r->kept = r->before;
  return !s->column && scales(s->op) && is_finite(f->gelu) && f->gelu != 0;
}
static bool extend_gelu(reader *r, const ig_sinsn *x) {
  const uint32_t other = x->a == r->last ? x->b : x->a;
  const value *v = &r->values[other];
  if (x->op == IG_SOP_MUL && other == r->kept) return r->plus_one && !r->times_kept && (r->times_kept = true);
  if (v->kind != CONSTANT) return false;
  if (x->op == IG_SOP_ADD && v->k == 1) return !r->plus_one && !r->halved && !r->times_kept && (r->plus_one = true);
  return x->op == IG_SOP_MUL && v->k == 0.5f && r->plus_one && !r->halved && (r->halved = true);
}

static bool follow(reader *r, uint32_t i) {
  const ig_sinsn *x = &r->call->epi.insns[i];
  value *v = &r->values[i];
  const value *a = &r->values[x->a], *b = &r->values[x->b];
  switch (x->op) {
    case IG_SOP_CONST: return constant(x, v);
    case IG_SOP_LOAD: return load(r, x, i);
    case IG_SOP_CAST:
      *v = *a;
      if (a->kind == CONSTANT && x->type == IG_S_I32) v->k = truncf(a->k);
      if (a->kind == CHAIN && x->type == IG_S_I32 && x->flags == IG_S_F32 && !current(r)) return false;
      if (x->type != IG_S_F32 && x->type != IG_S_I32) return false;
      break;
    case IG_SOP_ROUND:
      *v = *a;
      if (a->kind != CHAIN || !fits(current(r), (ig_dtype)x->imm)) return false;
      break;
    case IG_SOP_RINT:
      *v = *a;
      if (a->kind != CHAIN || x->a != r->last || !round_chain(r)) return false;
      break;
    case IG_SOP_ERF:
      *v = *a;
      if (a->kind != CHAIN || x->a != r->last || x->type != IG_S_F32 || !begin_gelu(r)) return false;
      break;
    default:
      if (x->type != IG_S_F32 && x->type != IG_S_I32) return false;
      if (r->stage == GELU && (x->a == r->last || x->b == r->last)) {
        if (!extend_gelu(r, x)) return false;
      } else if (a->kind == CHAIN && x->a == r->last && b->kind != CHAIN && b->kind != OTHER) {
        if (!extend(r, x->op, b)) return false;
      } else if (b->kind == CHAIN && x->b == r->last && a->kind != CHAIN && a->kind != OTHER && x->op != IG_SOP_SUB && x->op != IG_SOP_DIV) {
        if (!extend(r, x->op, a)) return false;
      } else if (a->kind == CHAIN || b->kind == CHAIN) {
        return false;
      } else if (a->kind == CONSTANT && b->kind == RESIDUAL && (x->op == IG_SOP_ADD || x->op == IG_SOP_MUL)) {
        return fold(x->op, b, a, v);
      } else {
        return fold(x->op, a, b, v);
      }
      v->kind = CHAIN;
      break;
  }
  if (v->kind == CHAIN) {
    if (x->op != IG_SOP_LOAD && (x->op == IG_SOP_CAST || x->op == IG_SOP_ROUND) && x->a != r->last) return false;
    r->before = r->last;
    r->last = i;
  }
  return true;
}

bool ig_s8_finish_recognise(const ig_call *c, uint32_t channel, ig_s8_finish *out) {
  const ig_view *o = ig_call_out(c, 0);
  reader r;
  memset(&r, 0, offsetof(reader, values) + c->epi.n * sizeof *r.values);
  r.call = c, r.channel = channel, r.last = UINT32_MAX, r.f = out;
  *out = (ig_s8_finish){ .lo = -INFINITY, .hi = INFINITY, .linear_lo = -INFINITY, .linear_hi = INFINITY, .last_scale = 1 };
  if (c->n_out != 1 || !is_side_by_side(o, channel)) return false;
  if (c->epi.n == 0) {
    out->out = o->dtype;
    return o->dtype == IG_DTYPE_I32 || o->dtype == IG_DTYPE_F32;
  }
  for (uint32_t i = 0; i < c->epi.n; i++) {
    const ig_sinsn *x = &c->epi.insns[i];
    if (x->op == IG_SOP_STORE) return i + 1 == c->epi.n && x->a == r.last && stores(&r, o->dtype, (ig_stype)x->type);
    if (!follow(&r, i)) return false;
  }
  return false;
}

/* Columns are made BLOCK at a time, all of them in loops of a constant length, which compilers make vectors of. */
enum { BLOCK = 64 };
/* A step's operand for n columns from j0. */
static void step_values(const ig_s8_step *s, uint32_t channel, int64_t j0, int64_t n, float *out) {
  const int64_t stride = s->column ? s->column->strides[channel] : 0;
  union { float f[BLOCK]; int32_t i[BLOCK]; } x;
  if (!s->column) {
    for (int j = 0; j < BLOCK; j++) out[j] = s->value;
    return;
  }
  memset(&x, 0, sizeof x);
  ig_elem_loader(s->column->dtype)(s->column->data, j0 * stride, stride, n, &x);
  if (s->column->dtype == IG_DTYPE_F32) memcpy(out, x.f, sizeof x.f);
  else
    for (int j = 0; j < BLOCK; j++) out[j] = (float)x.i[j];
}
void ig_s8_finish_columns(const ig_s8_finish *f, uint32_t channel, int64_t lo, int64_t hi, float *mul, float *add) {
  for (int64_t j0 = lo; j0 < hi; j0 += BLOCK) {
    const int64_t n = ig_min_i64(BLOCK, hi - j0);
    float m[BLOCK], a[BLOCK], k[BLOCK];
    for (int j = 0; j < BLOCK; j++) m[j] = 1, a[j] = 0;
    for (uint32_t i = 0; i < f->n_steps; i++) {
      step_values(&f->steps[i], channel, j0, n, k);
      switch (f->steps[i].op) {
        case IG_S8_MUL:
          for (int j = 0; j < BLOCK; j++) m[j] *= k[j], a[j] *= k[j];
          break;
        case IG_S8_DIV:
          for (int j = 0; j < BLOCK; j++) m[j] /= k[j], a[j] /= k[j];
          break;
        case IG_S8_ADD:
          for (int j = 0; j < BLOCK; j++) a[j] += k[j];
          break;
        case IG_S8_SUB:
          for (int j = 0; j < BLOCK; j++) a[j] -= k[j];
          break;
      }
    }
    memcpy(mul + j0, m, (size_t)n * sizeof *m);
    memcpy(add + j0, a, (size_t)n * sizeof *a);
  }
}
