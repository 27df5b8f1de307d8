/* Requests: validity, text form, splitting off the epilogue; operands and views.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/kind_util.h"

#define MAX_OPERANDS 64

/* ---- check ---- */

static ig_status check_operand(const ig_request *r, const char *node, uint32_t i) {
  const ig_operand *o = &r->operands[i];
  if (!ig_operand_present(o)) return NULL;
  IG_KIND_REQUIRE(o->rank <= IG_MAX_RANK, "operand %u has %u dims, at most %d are possible", i, o->rank, IG_MAX_RANK);
  IG_KIND_REQUIRE(strcmp(ig_dtype_name(o->dtype), "?") != 0, "operand %u has the unknown type %08x", i, o->dtype);
  IG_KIND_REQUIRE(o->block <= 1 || o->block_axis < o->rank, "operand %u is blocked along axis %u of %u", i, o->block_axis, o->rank);
  IG_KIND_REQUIRE(o->offset != IG_DIM_BAD, "operand %u has no offset", i);
  for (uint32_t k = 0; k < o->rank; k++)
    IG_KIND_REQUIRE(o->dims[k] != IG_DIM_BAD && o->strides[k] != IG_DIM_BAD, "dim or stride %u of operand %u is not known", k, i);
  return NULL;
}

static ig_status check_counts(const ig_request *r, const ig_kind_def *k, const char *node) {
  IG_KIND_REQUIRE(r->n_in >= k->min_in && r->n_in <= k->max_in, "%u inputs, expected %u to %u", r->n_in, k->min_in, k->max_in);
  const uint32_t max_out = r->epi.n && k->max_out < 8 ? 8 : k->max_out;
  IG_KIND_REQUIRE(r->n_out >= k->min_out && r->n_out <= max_out, "%u results, expected %u to %u", r->n_out, k->min_out, max_out);
  IG_KIND_REQUIRE(r->n_extra <= 16 && (r->n_extra == 0 || r->epi.n), "%u inputs of an epilogue, at most 16 are possible and an epilogue is needed",
                  r->n_extra);
  IG_KIND_REQUIRE(k->params_size == 0 || r->params, "the parameters are missing");
  IG_KIND_REQUIRE(r->epi.n == 0 || k->flags & IG_KIND_EPILOGUE, "takes no epilogue");
  IG_KIND_REQUIRE(r->prog.n == 0 || k->id == IG_KIND_map || k->id == IG_KIND_reduce || k->id == IG_KIND_attention, "takes no program");
  for (uint32_t i = 0; i < ig_request_n_operands(r); i++) IG_TRY(check_operand(r, node, i));
  for (uint32_t i = 0; i < k->min_in; i++) IG_KIND_REQUIRE(ig_operand_is(r, i), "input %u is missing", i);
  for (uint32_t i = 0; i < r->n_extra; i++) IG_KIND_REQUIRE(ig_operand_present(ig_request_extra(r, i)), "input %u of the epilogue is missing", i);
  const bool all = r->epi.n || k->id == IG_KIND_map;
  for (uint32_t i = 0; i < r->n_out; i++)
    IG_KIND_REQUIRE(ig_result_is(r, i) || (!all && (i > 0 || k->id == IG_KIND_rnn)), "result %u is missing", i);
  return NULL;
}

/* A program that computes one value of type t over n inputs: reduce's before it reduces, attention's over its scores. */
static ig_status check_inner(const ig_request *r, const char *node, const ig_dtype *in, uint32_t n, ig_stype t) {
  const ig_dtype out = ig_stype_dtype(t);
  IG_TRY_NOTE(ig_sprog_check(&r->prog, n, in, 1, &out, r->operands[0].rank), "node '%s' (%s)", node, ig_kind(r->kind)->name);
  for (uint32_t i = 0; i < r->prog.n; i++) {
    const ig_sinsn *s = &r->prog.insns[i];
    IG_KIND_REQUIRE(s->op != IG_SOP_STORE || (ig_stype)s->type == t, "the program does not end in the accumulator's type");
  }
  return NULL;
}

static ig_status check_program(const ig_request *r, const char *node) {
  ig_dtype in[MAX_OPERANDS], out[MAX_OPERANDS];
  for (uint32_t i = 0; i < r->n_in; i++) in[i] = ig_request_in(r, i)->dtype;
  if (r->kind == IG_KIND_map) {
    for (uint32_t i = 0; i < r->n_out; i++) out[i] = ig_request_out(r, i)->dtype;
    IG_TRY_NOTE(ig_sprog_check(&r->prog, r->n_in, in, r->n_out, out, ig_request_out(r, 0)->rank), "node '%s' (map)", node);
  } else if (r->prog.n && r->kind == IG_KIND_attention) {
    in[2] = ig_stype_dtype(ig_kind_result_type(r->kind, r->params, in[0])); /* the score stands before the operands */
    return check_inner(r, node, in + 2, r->n_in - 2, ig_stype_of(in[2]));
  } else if (r->prog.n) {
    return check_inner(r, node, in, r->n_in, (ig_stype)((const ig_reduce_params *)r->params)->acc);
  }
  return NULL;
}

static ig_status check_epilogue(const ig_request *r, const char *node) {
  const ig_stype type = ig_kind_result_type(r->kind, r->params, r->operands[0].dtype);
  const ig_operand *o = ig_request_out(r, 0);
  if (r->epi.n == 0) {
    const bool moved = r->kind == IG_KIND_map || r->kind == IG_KIND_move || r->kind == IG_KIND_gather || r->kind == IG_KIND_scatter ||
                       r->kind == IG_KIND_resize;
    for (uint32_t i = 0; !moved && i < r->n_out && !((r->kind == IG_KIND_window || r->kind == IG_KIND_sort) && i == 1); i++) {
      o = ig_request_out(r, i);
      IG_KIND_REQUIRE(!ig_operand_present(o) || ig_stype_stores(type, o->dtype), "a result of type %s cannot be stored as %s", ig_stype_name(type),
                      ig_dtype_name(o->dtype));
    }
    return NULL;
  }
  ig_dtype in[MAX_OPERANDS], out[MAX_OPERANDS];
  in[0] = ig_stype_dtype(type);
  for (uint32_t i = 0; i < r->n_extra; i++) in[1 + i] = ig_request_extra(r, i)->dtype;
  for (uint32_t i = 0; i < r->n_out; i++) out[i] = ig_request_out(r, i)->dtype;
  IG_TRY_NOTE(ig_sprog_check(&r->epi, 1 + r->n_extra, in, r->n_out, out, o->rank), "node '%s' (%s), epilogue", node, ig_kind(r->kind)->name);
  return NULL;
}

static ig_status check_dims(const ig_request *r, const ig_kind_def *k, ig_dims *t, const char *node) {
  ig_dim out[8][IG_MAX_RANK];
  uint8_t rank[8] = {0};
  ig_request own = *r;
  ig_operand operands[MAX_OPERANDS];
  if (r->epi.n) { /* the kind's rule sees its own result alone */
    memcpy(operands, r->operands, r->n_in * sizeof *operands);
    operands[r->n_in] = *ig_request_out(r, 0);
    own.operands = operands;
    own.n_extra = 0;
    own.n_out = 1;
  }
  IG_TRY(k->out_dims(&own, t, node, out, rank));
  for (uint32_t i = 0; i < r->n_out; i++) {
    const uint32_t rule = r->epi.n ? 0 : i;
    if (ig_result_is(r, i)) IG_TRY(ig_kind_same_dims(r, t, node, ig_request_out(r, i), out[rule], rank[rule], "stated and derived dims of a result"));
  }
  for (uint32_t i = 0; i < r->n_extra; i++)
    IG_TRY(ig_kind_same_dims(r, t, node, ig_request_extra(r, i), out[0], rank[0], "an input of the epilogue and the result"));
  return NULL;
}

ig_status ig_request_check(const ig_request *r, ig_dims *t, const char *node) {
  if (!node) node = "";
  const ig_kind_def *k = ig_kind(r->kind);
  IG_REQUIRE(k, IG_ERROR_BAD_ENGINE, "node '%s': unknown kind %d", node, (int)r->kind);
  IG_TRY(check_counts(r, k, node));
  ig_status st = check_dims(r, k, t, node);
  ig_status dims = ig_dims_take_error(t);
  if (dims && st) ig_status_free(dims);
  else if (dims) st = ig_status_note(dims, "node '%s' (%s)", node, k->name);
  if (st) return st;
  IG_TRY(check_program(r, node));
  return check_epilogue(r, node);
}

/* ---- text ---- */

static void print_dims(const ig_dims *t, const ig_dim *d, uint32_t n, ig_buf *out) {
  ig_buf_str(out, "[");
  for (uint32_t i = 0; i < n; i++) {
    if (i) ig_buf_str(out, ", ");
    ig_dim_print(t, d[i], out);
  }
  ig_buf_str(out, "]");
}

static void print_operand(const ig_dims *t, const ig_operand *o, ig_buf *out) {
  if (!ig_operand_present(o)) {
    ig_buf_str(out, " -");
    return;
  }
  ig_buf_printf(out, " v%u:%s", o->value, ig_dtype_name(o->dtype));
  print_dims(t, o->dims, o->rank, out);
  ig_buf_str(out, "@");
  ig_dim_print(t, o->offset, out);
  print_dims(t, o->strides, o->rank, out);
  if (o->block > 1) ig_buf_printf(out, "/%u:%u", o->block_axis, o->block);
}

static void print_params(const ig_request *r, const ig_kind_def *k, const ig_dims *t, ig_buf *out) {
  const int64_t *words = r->params;
  for (uint32_t i = 0; words && i < k->n_fields; i++) {
    const ig_field *f = &k->fields[i];
    ig_buf_printf(out, "%s%s=", i ? " " : "", f->name);
    for (uint32_t j = 0; j < f->count; j++) {
      const int64_t w = words[f->word + j];
      double d;
      memcpy(&d, &w, 8);
      if (j) ig_buf_str(out, ",");
      if (f->type == IG_FIELD_F64) ig_buf_f64(out, d);
      else if (f->type == IG_FIELD_DIM && w != IG_DIM_BAD) ig_dim_print(t, (ig_dim)w, out);
      else ig_buf_printf(out, "%lld", (long long)w);
    }
  }
}

void ig_request_print(const ig_request *r, const ig_dims *t, ig_buf *out) {
  const ig_kind_def *k = ig_kind(r->kind);
  ig_buf_printf(out, "%s(", k ? k->name : "?");
  if (k) print_params(r, k, t, out);
  ig_buf_str(out, ")");
  for (uint32_t i = 0; i < ig_request_n_operands(r); i++) {
    if (r->n_extra && i == r->n_in) ig_buf_str(out, " +");
    if (i == r->n_in + r->n_extra) ig_buf_str(out, " ->");
    print_operand(t, &r->operands[i], out);
  }
  if (r->prog.n) ig_buf_str(out, " prog { "), ig_sprog_print(&r->prog, t, out), ig_buf_str(out, " }");
  if (r->epi.n) ig_buf_str(out, " epi { "), ig_sprog_print(&r->epi, t, out), ig_buf_str(out, " }");
}

/* ---- operands, splitting ---- */

ig_status ig_operand_compact(ig_operand *o, ig_dims *t) {
  ig_dim stride = ig_dim_const(t, 1);
  o->offset = ig_dim_const(t, 0);
  o->block = 0;
  o->block_axis = 0;
  for (uint32_t i = o->rank; i-- > 0;) {
    o->strides[i] = stride;
    if (i) stride = ig_dim_mul(t, stride, o->dims[i]);
  }
  return ig_dims_take_error(t);
}

ig_status ig_request_split(const ig_request *r, ig_dims *t, ig_arena *a, uint32_t internal, ig_request *out_main, ig_request *out_map) {
  IG_REQUIRE(r->epi.n, IG_ERROR_INTERNAL, "a request without epilogue cannot be split");
  ig_operand *main_ops = IG_NEW_ARRAY(a, ig_operand, r->n_in + 1), *map_ops = IG_NEW_ARRAY(a, ig_operand, 1 + r->n_extra + r->n_out);
  if (!main_ops || !map_ops) return ig_arena_status(a);
  ig_operand between = *ig_request_out(r, 0);
  between.value = internal;
  between.dtype = ig_stype_dtype(ig_kind_result_type(r->kind, r->params, r->operands[0].dtype));
  IG_TRY(ig_operand_compact(&between, t));
  memcpy(main_ops, r->operands, r->n_in * sizeof *main_ops);
  main_ops[r->n_in] = between;
  map_ops[0] = between;
  memcpy(map_ops + 1, r->operands + r->n_in, (r->n_extra + r->n_out) * sizeof *map_ops);
  *out_main = (ig_request){.kind = r->kind, .n_in = r->n_in, .n_out = 1, .operands = main_ops, .params = r->params, .prog = r->prog};
  *out_map = (ig_request){.kind = IG_KIND_map, .n_in = 1 + r->n_extra, .n_out = r->n_out, .operands = map_ops, .prog = r->epi};
  return NULL;
}

/* ---- views ---- */

int64_t ig_view_count(const ig_view *v) {
  int64_t n = 1;
  for (uint32_t i = 0; i < v->rank; i++) n *= v->dims[i];
  return n;
}

bool ig_view_is_compact(const ig_view *v) {
  if (v->block > 1 || v->format || v->first) return false;
  int64_t stride = 1;
  if (ig_view_count(v) == 0) return true;
  for (uint32_t i = v->rank; i-- > 0;) {
    if (v->dims[i] != 1 && v->strides[i] != stride) return false;
    stride *= v->dims[i];
  }
  return true;
}

/* floor(bits / 8) */
static int64_t byte_of(int64_t bits) { return bits >= 0 ? bits / 8 : -((7 - bits) / 8); }

bool ig_operand_reach(const int64_t *dims, const int64_t *strides, uint32_t rank, uint32_t block_axis, uint32_t block, int64_t offset, ig_dtype dtype,
                      int64_t *out_lo, int64_t *out_hi) {
  const int64_t bits = IG_DTYPE_BITS(dtype);
  int64_t lo = offset, hi = offset, end, low_bits, high_bits;
  bool empty = false;
  for (uint32_t i = 0; i < rank; i++) {
    if (dims[i] < 0) return false;
    if (dims[i] == 0) {
      empty = true;
      continue;
    }
    const bool blocked = block > 1 && i == block_axis;
    /* Kernels work on whole blocks: the last one is reached in full. */
    const int64_t last = blocked ? (dims[i] - 1) / block : dims[i] - 1;
    int64_t span;
    if (!ig_mul_i64(last, strides[i], &span)) return false;
    if (!ig_add_i64(span < 0 ? lo : hi, span, span < 0 ? &lo : &hi)) return false;
    if (blocked && !ig_add_i64(hi, (int64_t)block - 1, &hi)) return false;
  }
  if (empty) lo = hi = offset;
  if (!ig_add_i64(hi, empty ? 0 : 1, &end) || !ig_mul_i64(lo, bits, &low_bits) || !ig_mul_i64(end, bits, &high_bits) || high_bits > INT64_MAX - 7)
    return false;
  *out_lo = byte_of(low_bits);
  *out_hi = empty ? *out_lo : byte_of(high_bits + 7);
  return true;
}
