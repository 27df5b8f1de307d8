/* Operands of programs that are one constant number, however expanded, become CONST instructions: no buffer, no load.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/edit.h"

/* The constant behind v, through views that cannot change a single element; NULL if there is none. */
static const ig_val *scalar_behind(const ig_val *v) {
  while (v && !v->data && v->producer && v->producer->form == IG_FORM_VIEW && v->producer->view.op != IG_VIEW_BITCAST) {
    if (v->producer->view.op == IG_VIEW_SLICE) return NULL;
    v = ig_node_in(v->producer, 0);
  }
  int64_t n;
  return v && v->data && ig_data_count(v->data, &n) && n == 1 && ig_stype_of(v->dtype) ? v : NULL;
}

static ig_sreg small_constant(ig_sbuild *b, const ig_data *d, ig_stype t) {
  const uint32_t bits = IG_DTYPE_BITS(d->dtype);
  const uint8_t raw = (uint8_t)(*(const uint8_t *)d->bytes & ((1u << bits) - 1));
  if (t == IG_S_F32) return ig_s_f64(b, t, (double)ig_small_to_f32(d->dtype, raw));
  const bool is_signed = (d->dtype & 0xff) == (IG_DTYPE_I8 & 0xff);
  return ig_s_i64(b, t, is_signed && raw >> (bits - 1) ? (int64_t)raw - ((int64_t)1 << bits) : raw);
}

static ig_sreg constant(ig_sbuild *b, const ig_data *d) {
  const ig_stype t = ig_stype_of(d->dtype);
  union {
    float f;
    double d;
    uint16_t h;
    uint64_t u;
  } u;
  int64_t i;
  switch (d->dtype) {
  case IG_DTYPE_F32:
    memcpy(&u.f, d->bytes, 4);
    return ig_s_f64(b, t, (double)u.f);
  case IG_DTYPE_F64:
    memcpy(&u.d, d->bytes, 8);
    return ig_s_f64(b, t, u.d);
  case IG_DTYPE_F16:
    memcpy(&u.h, d->bytes, 2);
    return ig_s_f64(b, t, (double)ig_f16_to_f32(u.h));
  case IG_DTYPE_BF16:
    memcpy(&u.h, d->bytes, 2);
    return ig_s_f64(b, t, (double)ig_bf16_to_f32(u.h));
  case IG_DTYPE_U64:
    memcpy(&u.u, d->bytes, 8);
    return ig_s_i64(b, t, (int64_t)u.u);
  default:
    break;
  }
  if (IG_DTYPE_BITS(d->dtype) >= 8 && ig_data_int(d, 0, &i)) return ig_s_i64(b, t, i);
  return small_constant(b, d, t);
}

/* Rebuilds the program of n over inputs first .. first + n_in of its request: constants inlined, the others renumbered from `next` on. */
static ig_status rebuild(ig_pass_ctx *c, const ig_node *n, const ig_sprog *p, uint32_t first, uint32_t n_in, bool is_epilogue, ig_edit *e,
                         ig_sprog *out) {
  const ig_request *r = ig_opt_request(n);
  ig_sbuild b;
  ig_sreg in[IG_EDIT_OPERANDS + 1] = {0}, results[8] = {0};
  ig_sbuild_init(&b, &c->ir->arena);
  if (is_epilogue) in[0] = ig_s_load(&b, 0, ig_stype_dtype(ig_kind_result_type(r->kind, r->params, r->operands[0].dtype)));
  uint32_t *count = is_epilogue ? &e->r.n_extra : &e->r.n_in;
  for (uint32_t i = 0; i < n_in; i++) {
    ig_val *v = ig_opt_operand(n, first + i);
    const ig_val *s = scalar_behind(v);
    const ig_operand *o = &r->operands[first + i];
    if (s) {
      in[is_epilogue + i] = constant(&b, s->data);
      continue;
    }
    in[is_epilogue + i] = ig_s_load(&b, is_epilogue + *count, o->dtype);
    if (!ig_edit_input(e, o, v)) return ig_status_node(IG_ERROR_INTERNAL, n->name, n->type, "too many operands");
    ++*count;
  }
  IG_TRY(ig_s_splice(&b, p, in, is_epilogue + n_in, results, IG_COUNT(results)));
  for (uint32_t i = 0; i < p->n; i++) {
    const ig_sinsn *s = &p->insns[i];
    if (s->op == IG_SOP_STORE) ig_s_store(&b, (uint32_t)s->imm, results[s->imm], s->flags);
  }
  return ig_sbuild_finish(&b, out);
}

static bool any_scalar(const ig_node *n, uint32_t first, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    if (scalar_behind(ig_opt_operand(n, first + i))) return true;
  return false;
}

static ig_status visit(ig_pass_ctx *c, ig_node *n, void *user) {
  const ig_request *r = ig_opt_request(n);
  IG_UNUSED(user);
  if (!r || r->n_in + r->n_extra > IG_EDIT_OPERANDS || r->n_out > 8) return NULL;
  const bool map = r->kind == IG_KIND_map && any_scalar(n, 0, r->n_in), epi = any_scalar(n, r->n_in, r->n_extra);
  if ((!map && !epi) || !ig_pass_take(c)) return NULL;
  ig_edit e = {.r = {.kind = r->kind, .params = r->params, .prog = r->prog, .epi = r->epi}};
  if (map) IG_TRY(rebuild(c, n, &r->prog, 0, r->n_in, false, &e, &e.r.prog));
  for (uint32_t i = 0; !map && i < r->n_in; i++, e.r.n_in++)
    ig_edit_input(&e, &r->operands[i], ig_opt_operand(n, i));
  if (epi) IG_TRY(rebuild(c, n, &r->epi, r->n_in, r->n_extra, true, &e, &e.r.epi));
  for (uint32_t i = 0; !epi && i < r->n_extra; i++, e.r.n_extra++)
    ig_edit_input(&e, ig_request_extra(r, i), ig_opt_operand(n, r->n_in + i));
  return ig_edit_finish(c, &e, n, n->name, n->sources, NULL);
}

static ig_status run(ig_pass_ctx *c) { return ig_opt_each(c, c->ir->main, visit, NULL); }

const ig_pass ig_pass_const_operand = {"const_operand", IG_STAGE_LOWERED, true, run,
                                       "constant numbers become instructions of the programs that read them"};
