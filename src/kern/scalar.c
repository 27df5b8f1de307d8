/* Scalar programs: the table of operations, the validity check and the text form.
 *
 * The check is the single gate for programs from lowerings and from engine files alike, so it assumes nothing of its input: after it, an
 * interpreter may index registers, operands and results without looking.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/scalar.h"

static const ig_sop_info sops[] = {
#define IG_SOP(name, number, arity, types, text) {#name, number, arity, (uint8_t)(types), text},
#include "kern/scalar.def"
#undef IG_SOP
};

const ig_sop_info *ig_sop_find(uint16_t number) {
  for (size_t i = 0; i < IG_COUNT(sops); i++)
    if (sops[i].number == number) return &sops[i];
  return NULL;
}

const ig_sop_info *ig_sop_by_name(const char *name) {
  for (size_t i = 0; i < IG_COUNT(sops); i++)
    if (strcmp(sops[i].text, name) == 0) return &sops[i];
  return NULL;
}

ig_stype ig_stype_of(ig_dtype d) {
  switch (d) {
  case IG_DTYPE_F16: case IG_DTYPE_BF16: case IG_DTYPE_F32: case IG_DTYPE_F8E4M3FN: case IG_DTYPE_F8E4M3FNUZ: case IG_DTYPE_F8E5M2:
  case IG_DTYPE_F8E5M2FNUZ: case IG_DTYPE_F8E8M0: case IG_DTYPE_F6E2M3: case IG_DTYPE_F6E3M2: case IG_DTYPE_F4E2M1:
    return IG_S_F32;
  case IG_DTYPE_F64: return IG_S_F64;
  case IG_DTYPE_I2: case IG_DTYPE_I4: case IG_DTYPE_I8: case IG_DTYPE_I16: case IG_DTYPE_I32:
  case IG_DTYPE_U2: case IG_DTYPE_U4: case IG_DTYPE_U8: case IG_DTYPE_U16:
    return IG_S_I32;
  case IG_DTYPE_I64: case IG_DTYPE_U32: return IG_S_I64;
  case IG_DTYPE_U64: return IG_S_U64;
  case IG_DTYPE_BOOL: return IG_S_BOOL;
  default: return (ig_stype)0;
  }
}

const char *ig_stype_name(ig_stype t) {
  static const char *const names[] = {"?", "f32", "f64", "i32", "i64", "u64", "bool"};
  return (uint32_t)t < IG_COUNT(names) ? names[t] : "?";
}

ig_dtype ig_stype_dtype(ig_stype t) {
  static const ig_dtype dtypes[] = {IG_DTYPE_NONE, IG_DTYPE_F32, IG_DTYPE_F64, IG_DTYPE_I32, IG_DTYPE_I64, IG_DTYPE_U64, IG_DTYPE_BOOL};
  return (uint32_t)t < IG_COUNT(dtypes) ? dtypes[t] : IG_DTYPE_NONE;
}

static bool is_float(ig_stype t) { return t == IG_S_F32 || t == IG_S_F64; }
static bool is_int(ig_stype t) { return t == IG_S_I32 || t == IG_S_I64 || t == IG_S_U64; }

bool ig_stype_stores(ig_stype t, ig_dtype d) {
  const ig_stype s = ig_stype_of(d);
  return (is_float(t) && is_float(s)) || (is_int(t) && is_int(s)) || (t == IG_S_BOOL && s == IG_S_BOOL);
}

ig_stype ig_sinsn_result(const ig_sinsn *i) {
  switch (i->op) {
  case IG_SOP_STORE: return (ig_stype)0;
  case IG_SOP_EQ: case IG_SOP_LT: case IG_SOP_LE: case IG_SOP_IS_NAN: case IG_SOP_IS_INF: return IG_S_BOOL;
  default: return (ig_stype)i->type;
  }
}

/* ---- check ---- */

typedef struct checker {
  const ig_sprog *p;
  uint32_t n_in, n_out, rank;
  const ig_dtype *in, *out;
  uint32_t stored[IG_SPROG_MAX / 32]; /* bit k: result k has been stored */
} checker;

#define BAD(...) return ig_status_new(IG_ERROR_INTERNAL, __VA_ARGS__)

/* Register r, read by instruction i, must be defined before it and have type `want` (0: any). */
static ig_status check_register(const checker *k, uint32_t i, uint32_t r, ig_stype want) {
  if (r >= i) BAD("scalar program, instruction %u: register %u is not defined before its use", i, r);
  const ig_stype t = ig_sinsn_result(&k->p->insns[r]);
  if (!t) BAD("scalar program, instruction %u: register %u is a store, which defines no value", i, r);
  if (want && t != want) BAD("scalar program, instruction %u: register %u is %s, expected %s", i, r, ig_stype_name(t), ig_stype_name(want));
  return NULL;
}

static ig_status check_store(checker *k, uint32_t i) {
  const ig_sinsn *s = &k->p->insns[i];
  if (s->imm >= k->n_out) BAD("scalar program, instruction %u: stores result %llu of %u", i, (unsigned long long)s->imm, k->n_out);
  if (s->flags & ~(IG_STORE_SATURATE | IG_STORE_ROUND_UP | IG_STORE_ROUND_DOWN))
    BAD("scalar program, instruction %u: unknown store flags %u", i, s->flags);
  if ((s->flags & IG_STORE_ROUND_UP) && (s->flags & IG_STORE_ROUND_DOWN)) BAD("scalar program, instruction %u: rounds up and down at once", i);
  const uint32_t word = (uint32_t)s->imm / 32, bit = 1u << (s->imm % 32);
  if (k->stored[word] & bit) BAD("scalar program, instruction %u: result %llu is stored twice", i, (unsigned long long)s->imm);
  k->stored[word] |= bit;
  if (!ig_stype_stores((ig_stype)s->type, k->out[s->imm]))
    BAD("scalar program, instruction %u: a %s register cannot be stored as %s without a cast", i, ig_stype_name((ig_stype)s->type),
        ig_dtype_name(k->out[s->imm]));
  return check_register(k, i, s->a, (ig_stype)s->type);
}

static ig_status check_const(uint32_t i, const ig_sinsn *s) {
  const bool narrow = s->type == IG_S_F32 || s->type == IG_S_I32;
  if (narrow && s->imm >> 32) BAD("scalar program, instruction %u: a 32-bit constant has high bits", i);
  if (s->type == IG_S_BOOL && s->imm > 1) BAD("scalar program, instruction %u: a bool constant is neither 0 nor 1", i);
  return NULL;
}

/* Operations whose operands are not all of the instruction's own type. */
static ig_status check_special(checker *k, uint32_t i, bool *out_done) {
  const ig_sinsn *s = &k->p->insns[i];
  *out_done = true;
  switch (s->op) {
  case IG_SOP_LOAD:
    if (s->imm >= k->n_in) BAD("scalar program, instruction %u: loads operand %llu of %u", i, (unsigned long long)s->imm, k->n_in);
    if (ig_stype_of(k->in[s->imm]) != (ig_stype)s->type)
      BAD("scalar program, instruction %u: operand %llu is %s, which does not load as %s", i, (unsigned long long)s->imm,
          ig_dtype_name(k->in[s->imm]), ig_stype_name((ig_stype)s->type));
    return NULL;
  case IG_SOP_STORE: return check_store(k, i);
  case IG_SOP_CONST: return check_const(i, s);
  case IG_SOP_DIM:
    if (s->imm == IG_DIM_BAD || s->imm > UINT32_MAX) BAD("scalar program, instruction %u: no such dim expression", i);
    return NULL;
  case IG_SOP_COORD:
    if (s->imm >= k->rank) BAD("scalar program, instruction %u: coordinate %llu of rank %u", i, (unsigned long long)s->imm, k->rank);
    return NULL;
  case IG_SOP_RANDOM:
    IG_TRY(check_register(k, i, s->a, (ig_stype)0));
    if (!is_int(ig_sinsn_result(&k->p->insns[s->a]))) BAD("scalar program, instruction %u: the seed is not an integer", i);
    return NULL;
  case IG_SOP_CAST:
    if (!s->flags || s->flags > IG_S_BOOL) BAD("scalar program, instruction %u: unknown source type %u", i, s->flags);
    return check_register(k, i, s->a, (ig_stype)s->flags);
  case IG_SOP_ROUND:
    if (s->imm > UINT32_MAX || !ig_stype_stores((ig_stype)s->type, (ig_dtype)s->imm))
      BAD("scalar program, instruction %u: rounds to a dtype of another class", i);
    return check_register(k, i, s->a, (ig_stype)s->type);
  case IG_SOP_SELECT:
    IG_TRY(check_register(k, i, s->a, IG_S_BOOL));
    IG_TRY(check_register(k, i, s->b, (ig_stype)s->type));
    return check_register(k, i, s->c, (ig_stype)s->type);
  default: *out_done = false; return NULL;
  }
}

static bool has_imm(uint16_t op) {
  return op == IG_SOP_LOAD || op == IG_SOP_STORE || op == IG_SOP_CONST || op == IG_SOP_DIM || op == IG_SOP_COORD || op == IG_SOP_RANDOM ||
         op == IG_SOP_ROUND;
}

static ig_status check_insn(checker *k, uint32_t i) {
  const ig_sinsn *s = &k->p->insns[i];
  const ig_sop_info *info = ig_sop_find(s->op);
  if (!info) BAD("scalar program, instruction %u: unknown operation %u", i, s->op);
  if (s->type < IG_S_F32 || s->type > IG_S_BOOL || !(info->types & IG_SMASK(s->type)))
    BAD("scalar program, instruction %u: %s has no type %u", i, info->text, s->type);
  if (s->flags && s->op != IG_SOP_STORE && s->op != IG_SOP_CAST) BAD("scalar program, instruction %u: %s takes no flags", i, info->text);
  if (s->imm && !has_imm(s->op)) BAD("scalar program, instruction %u: %s takes no immediate", i, info->text);
  const uint32_t r[3] = {s->a, s->b, s->c};
  for (uint32_t j = info->arity; j < 3; j++)
    if (r[j]) BAD("scalar program, instruction %u: %s takes %u operands", i, info->text, info->arity);
  bool done;
  IG_TRY(check_special(k, i, &done));
  for (uint32_t j = 0; !done && j < info->arity; j++) IG_TRY(check_register(k, i, r[j], (ig_stype)s->type));
  return NULL;
}

ig_status ig_sprog_check(const ig_sprog *p, uint32_t n_in, const ig_dtype *in, uint32_t n_out, const ig_dtype *out, uint32_t rank) {
  if (p->n == 0 || p->n > IG_SPROG_MAX) BAD("scalar program has %u instructions, allowed are 1 to %d", p->n, IG_SPROG_MAX);
  if (n_out > IG_SPROG_MAX) BAD("scalar program has %u results, allowed are %d", n_out, IG_SPROG_MAX);
  checker k = {.p = p, .n_in = n_in, .n_out = n_out, .rank = rank, .in = in, .out = out};
  for (uint32_t i = 0; i < p->n; i++) IG_TRY(check_insn(&k, i));
  for (uint32_t i = 0; i < n_out; i++)
    if (!(k.stored[i / 32] >> (i % 32) & 1)) BAD("scalar program never stores result %u", i);
  return NULL;
}

/* ---- text ---- */

static void print_const(const ig_sinsn *s, ig_buf *out) {
  float f;
  double d;
  const uint32_t low = (uint32_t)s->imm;
  switch (s->type) {
  case IG_S_F32: memcpy(&f, &low, 4); ig_buf_f64(out, (double)f); return;
  case IG_S_F64: memcpy(&d, &s->imm, 8); ig_buf_f64(out, d); return;
  case IG_S_I32: ig_buf_printf(out, "%d", (int32_t)low); return;
  case IG_S_I64: ig_buf_printf(out, "%lld", (long long)s->imm); return;
  default: ig_buf_printf(out, "%llu", (unsigned long long)s->imm); return;
  }
}

static void print_insn(const ig_sprog *p, uint32_t i, const ig_dims *dims, ig_buf *out) {
  const ig_sinsn *s = &p->insns[i];
  const ig_sop_info *info = ig_sop_find(s->op);
  if (s->op != IG_SOP_STORE) ig_buf_printf(out, "%%%u = ", i);
  ig_buf_printf(out, "%s.%s", info ? info->text : "?", ig_stype_name((ig_stype)s->type));
  const uint32_t r[3] = {s->a, s->b, s->c};
  for (uint32_t j = 0; info && j < info->arity; j++) ig_buf_printf(out, " %%%u", r[j]);
  switch (s->op) {
  case IG_SOP_CONST: ig_buf_str(out, " "); print_const(s, out); break;
  case IG_SOP_DIM:
    ig_buf_str(out, " ");
    if (dims) ig_dim_print(dims, (ig_dim)s->imm, out);
    else ig_buf_printf(out, "#%llu", (unsigned long long)s->imm);
    break;
  case IG_SOP_LOAD: case IG_SOP_STORE: case IG_SOP_COORD: case IG_SOP_RANDOM: ig_buf_printf(out, " %llu", (unsigned long long)s->imm); break;
  case IG_SOP_ROUND: ig_buf_printf(out, " %s", ig_dtype_name((ig_dtype)s->imm)); break;
  default: break;
  }
  if (s->op == IG_SOP_STORE && s->flags & IG_STORE_SATURATE) ig_buf_str(out, " saturate");
  if (s->op == IG_SOP_STORE && s->flags & IG_STORE_ROUND_UP) ig_buf_str(out, " up");
  if (s->op == IG_SOP_STORE && s->flags & IG_STORE_ROUND_DOWN) ig_buf_str(out, " down");
}

void ig_sprog_print(const ig_sprog *p, const ig_dims *dims, ig_buf *out) {
  for (uint32_t i = 0; i < p->n; i++) {
    if (i) ig_buf_str(out, "; ");
    print_insn(p, i, dims, out);
  }
}
