/* Builder of scalar programs.
 *
 * Failures are sticky, so that lowerings read as formulas: a builder that has failed returns register 0 and does nothing more, and
 * ig_sbuild_finish reports it. Equal pure instructions share a register; the programs are short, so the search is linear.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/scalar.h"

void ig_sbuild_init(ig_sbuild *b, ig_arena *arena) {
  b->arena = arena;
  b->n = 0;
  b->failed = false;
}

static ig_sreg fail(ig_sbuild *b) {
  b->failed = true;
  return 0;
}

static bool same(const ig_sinsn *x, const ig_sinsn *y) {
  return x->op == y->op && x->type == y->type && x->flags == y->flags && x->a == y->a && x->b == y->b && x->c == y->c && x->imm == y->imm;
}

static ig_sreg append(ig_sbuild *b, ig_sinsn s) {
  if (b->failed) return 0;
  for (uint32_t i = 0; s.op != IG_SOP_STORE && i < b->n; i++)
    if (same(&b->insns[i], &s)) return i;
  if (b->n == IG_SPROG_MAX) return fail(b);
  b->insns[b->n] = s;
  return b->n++;
}

ig_stype ig_s_type(const ig_sbuild *b, ig_sreg r) { return r < b->n ? ig_sinsn_result(&b->insns[r]) : (ig_stype)0; }

ig_sreg ig_s_load(ig_sbuild *b, uint32_t operand, ig_dtype dtype) {
  const ig_stype t = ig_stype_of(dtype);
  return t ? append(b, (ig_sinsn){.op = IG_SOP_LOAD, .type = (uint8_t)t, .imm = operand}) : fail(b);
}

void ig_s_store(ig_sbuild *b, uint32_t result, ig_sreg v, unsigned flags) {
  const ig_stype t = ig_s_type(b, v);
  if (!t || flags > 0xff) {
    fail(b);
    return;
  }
  append(b, (ig_sinsn){.op = IG_SOP_STORE, .type = (uint8_t)t, .flags = (uint8_t)flags, .a = v, .imm = result});
}

static ig_sreg constant(ig_sbuild *b, ig_stype t, uint64_t bits) {
  return append(b, (ig_sinsn){.op = IG_SOP_CONST, .type = (uint8_t)t, .imm = bits});
}

ig_sreg ig_s_i64(ig_sbuild *b, ig_stype t, int64_t v) {
  switch (t) {
  case IG_S_F32: case IG_S_F64: return ig_s_f64(b, t, (double)v);
  case IG_S_I32: return v < INT32_MIN || v > INT32_MAX ? fail(b) : constant(b, t, (uint32_t)v);
  case IG_S_I64: case IG_S_U64: return constant(b, t, (uint64_t)v);
  case IG_S_BOOL: return constant(b, t, v != 0);
  }
  return fail(b);
}

ig_sreg ig_s_f64(ig_sbuild *b, ig_stype t, double v) {
  const float f = (float)v;
  uint32_t u;
  uint64_t w;
  memcpy(&u, &f, 4);
  memcpy(&w, &v, 8);
  if (t == IG_S_F32) return constant(b, t, u);
  if (t == IG_S_F64) return constant(b, t, w);
  if (t == IG_S_BOOL) return constant(b, t, v != 0);
  if (!(v >= -9223372036854775808.0 && v < 9223372036854775808.0)) return fail(b);
  return ig_s_i64(b, t, (int64_t)v);
}

ig_sreg ig_s_dim(ig_sbuild *b, ig_dim d) { return d == IG_DIM_BAD ? fail(b) : append(b, (ig_sinsn){.op = IG_SOP_DIM, .type = IG_S_I64, .imm = d}); }

ig_sreg ig_s_coord(ig_sbuild *b, uint32_t axis) {
  return axis >= IG_MAX_RANK ? fail(b) : append(b, (ig_sinsn){.op = IG_SOP_COORD, .type = IG_S_I64, .imm = axis});
}

ig_sreg ig_s_op(ig_sbuild *b, ig_sop op, ig_sreg x, ig_sreg y, ig_sreg z) {
  if (b->failed) return 0;
  const ig_sop_info *info = ig_sop_find((uint16_t)op);
  if (!info || info->arity == 0 || op == IG_SOP_STORE || op == IG_SOP_CAST || op == IG_SOP_ROUND || op == IG_SOP_RANDOM) return fail(b);
  const uint32_t n = info->arity;
  const ig_stype t = ig_s_type(b, op == IG_SOP_SELECT ? y : x);
  if (!t || !(info->types & IG_SMASK(t))) return fail(b);
  if (op == IG_SOP_SELECT && ig_s_type(b, x) != IG_S_BOOL) return fail(b);
  if (n > 1 && ig_s_type(b, y) != t) return fail(b);
  if (n > 2 && ig_s_type(b, z) != t) return fail(b);
  return append(b, (ig_sinsn){.op = (uint16_t)op, .type = (uint8_t)t, .a = x, .b = n > 1 ? y : 0, .c = n > 2 ? z : 0});
}

ig_sreg ig_s_cast(ig_sbuild *b, ig_sreg x, ig_stype to) {
  const ig_stype from = ig_s_type(b, x);
  if (b->failed || !from || to < IG_S_F32 || to > IG_S_BOOL) return fail(b);
  if (from == to) return x;
  return append(b, (ig_sinsn){.op = IG_SOP_CAST, .type = (uint8_t)to, .flags = (uint8_t)from, .a = x});
}

/* Rounding to what a register's type holds exactly changes nothing. */
static bool rounding_is_void(ig_stype t, ig_dtype to) {
  return (t == IG_S_F32 && (to == IG_DTYPE_F32 || to == IG_DTYPE_F64)) || (t == IG_S_F64 && to == IG_DTYPE_F64) ||
         (t == IG_S_I32 && (to == IG_DTYPE_I32 || to == IG_DTYPE_I64)) || (t == IG_S_I64 && to == IG_DTYPE_I64) ||
         (t == IG_S_U64 && to == IG_DTYPE_U64);
}

ig_sreg ig_s_round(ig_sbuild *b, ig_sreg x, ig_dtype to) {
  const ig_stype t = ig_s_type(b, x);
  if (b->failed || !t || !ig_stype_stores(t, to)) return fail(b);
  if (t == IG_S_BOOL || rounding_is_void(t, to)) return x;
  return append(b, (ig_sinsn){.op = IG_SOP_ROUND, .type = (uint8_t)t, .a = x, .imm = to});
}

ig_sreg ig_s_random(ig_sbuild *b, ig_sreg seed, uint32_t stream) {
  const ig_stype t = ig_s_type(b, seed);
  if (t != IG_S_I32 && t != IG_S_I64 && t != IG_S_U64) return fail(b);
  return append(b, (ig_sinsn){.op = IG_SOP_RANDOM, .type = IG_S_U64, .a = seed, .imm = stream});
}

ig_status ig_sbuild_finish(ig_sbuild *b, ig_sprog *out) {
  *out = (ig_sprog){NULL, 0};
  IG_REQUIRE(!b->failed, IG_ERROR_INTERNAL, "a scalar program could not be built: types that do not fit, or more than %d instructions", IG_SPROG_MAX);
  if (b->n == 0) return NULL;
  ig_sinsn *copy = IG_NEW_ARRAY(b->arena, ig_sinsn, b->n);
  if (!copy) return ig_arena_status(b->arena);
  memcpy(copy, b->insns, b->n * sizeof *copy);
  *out = (ig_sprog){copy, b->n};
  return NULL;
}

ig_status ig_s_splice(ig_sbuild *b, const ig_sprog *p, const ig_sreg *map_in, uint32_t n_in, ig_sreg *out_regs, uint32_t n_out) {
  ig_sreg map[IG_SPROG_MAX];
  IG_REQUIRE(p->n <= IG_SPROG_MAX, IG_ERROR_INTERNAL, "a program of %u instructions cannot be spliced", p->n);
  for (uint32_t i = 0; i < p->n; i++) {
    ig_sinsn s = p->insns[i];
    const ig_sop_info *info = ig_sop_find(s.op);
    IG_REQUIRE(info, IG_ERROR_INTERNAL, "a program with the unknown operation %u cannot be spliced", s.op);
    map[i] = 0;
    if (s.op == IG_SOP_LOAD) {
      IG_REQUIRE(s.imm < n_in && ig_s_type(b, map_in[s.imm]) == (ig_stype)s.type, IG_ERROR_INTERNAL,
                 "splice: operand %llu is missing or of another type", (unsigned long long)s.imm);
      map[i] = map_in[s.imm];
      continue;
    }
    IG_REQUIRE((info->arity < 1 || s.a < i) && (info->arity < 2 || s.b < i) && (info->arity < 3 || s.c < i), IG_ERROR_INTERNAL,
               "splice: instruction %u reads a register that is not defined before it", i);
    s.a = info->arity > 0 ? map[s.a] : 0;
    s.b = info->arity > 1 ? map[s.b] : 0;
    s.c = info->arity > 2 ? map[s.c] : 0;
    if (s.op == IG_SOP_STORE) {
      IG_REQUIRE(s.imm < n_out, IG_ERROR_INTERNAL, "splice: no place for result %llu", (unsigned long long)s.imm);
      out_regs[s.imm] = s.a;
      continue;
    }
    map[i] = append(b, s);
  }
  IG_REQUIRE(!b->failed, IG_ERROR_INTERNAL, "the spliced program has more than %d instructions", IG_SPROG_MAX);
  return NULL;
}
