/* attention: the reference against the kinds that it is made of, its rule, and each CPU kernel against the reference. See cpu_check.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu_check.h"

static void check_all(test_call *t, double tolerance) {
  for (size_t i = 0; i < IG_COUNT(cpu_tactics); i++)
    if (cpu_tactics[i]->kind == t->call.kind) check_tactic(t, cpu_tactics[i], tolerance);
}

/* ---- the reference is matmul, softmax, matmul ---- */

enum { Q = 5, KEYS = 7, HEAD = 4, WIDTH = 3 };

static ig_view dense(float *data, int64_t rows, int64_t columns) {
  return (ig_view){ .data = data, .dtype = IG_DTYPE_F32, .rank = 2, .dims = { rows, columns }, .strides = { columns, 1 } };
}
static void run_ref(ig_kind_id kind, const ig_view *v, uint32_t n_in, const void *params, ig_sprog prog, void *scratch) {
  const ig_call c = { .kind = kind, .n_in = n_in, .n_out = 1, .v = v, .params = params, .prog = prog, .scratch = scratch };
  ig_ref_run(&c);
}

static void test_parts(void **state) {
  IG_UNUSED(state);
  float q[Q * HEAD], k[KEYS * HEAD], v[KEYS * WIDTH], mask[Q * KEYS], s[Q * KEYS], p[Q * KEYS], want[Q * WIDTH], got[Q * WIDTH];
  uint64_t scratch[KEYS];
  for (int i = 0; i < Q * HEAD; i++) q[i] = (float)(below(2001) - 1000) / 500.0f;
  for (int i = 0; i < KEYS * HEAD; i++) k[i] = (float)(below(2001) - 1000) / 500.0f;
  for (int i = 0; i < KEYS * WIDTH; i++) v[i] = (float)(below(2001) - 1000) / 500.0f;
  for (int i = 0; i < Q * KEYS; i++) mask[i] = chance(30) ? -INFINITY : (float)below(3);
  ig_view kt = dense(k, HEAD, KEYS);
  kt.strides[0] = 1, kt.strides[1] = HEAD;
  const ig_view first[] = { dense(q, Q, HEAD), kt, dense(s, Q, KEYS) }, second[] = { dense(s, Q, KEYS), dense(mask, Q, KEYS), dense(p, Q, KEYS) },
    third[] = { dense(p, Q, KEYS), dense(v, KEYS, WIDTH), dense(want, Q, WIDTH) },
    all[] = { dense(q, Q, HEAD), dense(k, KEYS, HEAD), dense(v, KEYS, WIDTH), dense(mask, Q, KEYS), dense(got, Q, WIDTH) };
  static const ig_sinsn add[] = { { .op = IG_SOP_LOAD, .type = IG_S_F32, .imm = 0 }, { .op = IG_SOP_LOAD, .type = IG_S_F32, .imm = 1 },
    { .op = IG_SOP_ADD, .type = IG_S_F32, .a = 0, .b = 1 }, { .op = IG_SOP_STORE, .type = IG_S_F32, .a = 2 } };
  run_ref(IG_KIND_matmul, first, 2, &(ig_matmul_params){ .acc = IG_S_F32, .alpha = 0.5 }, (ig_sprog){ 0 }, NULL);
  run_ref(IG_KIND_softmax, second, 2, &(ig_softmax_params){ .axis = 1, .scale = 1 }, (ig_sprog){ 0 }, NULL);
  run_ref(IG_KIND_matmul, third, 2, &(ig_matmul_params){ .acc = IG_S_F32, .alpha = 1 }, (ig_sprog){ 0 }, NULL);
  run_ref(IG_KIND_attention, all, 4, &(ig_attention_params){ .scale = 0.5 }, (ig_sprog){ add, IG_COUNT(add) }, scratch);
  for (int i = 0; i < Q * WIDTH; i++) assert_true(fabs((double)got[i] - (double)want[i]) < 1e-5 || (isnan(got[i]) && isnan(want[i])));
  /* Rows of -inf alone. */
  for (int i = 0; i < Q * KEYS; i++) mask[i] = -INFINITY;
  for (int64_t empty = IG_ATTENTION_NAN; empty <= IG_ATTENTION_ZERO_NAN; empty++) {
    run_ref(IG_KIND_attention, all, 4, &(ig_attention_params){ .scale = 1, .empty = empty }, (ig_sprog){ add, IG_COUNT(add) }, scratch);
    for (int i = 0; i < Q * WIDTH; i++) assert_true(empty == IG_ATTENTION_NAN ? isnan(got[i]) : got[i] == 0);
  }
  mask[0] = NAN;
  run_ref(IG_KIND_attention, all, 4, &(ig_attention_params){ .scale = 1, .empty = IG_ATTENTION_ZERO_EMPTY }, (ig_sprog){ add, IG_COUNT(add) }, scratch);
  assert_true(isnan(got[0]) && got[WIDTH] == 0);
  run_ref(IG_KIND_attention, all, 4, &(ig_attention_params){ .scale = 1, .empty = IG_ATTENTION_ZERO_NAN }, (ig_sprog){ add, IG_COUNT(add) }, scratch);
  assert_true(got[0] == 0 && got[WIDTH] == 0);
}

/* ---- kernels ---- */

/* A program over the scores and n operands of dtype d: masks added or selected as exporters write them, or anything else. */
static void score_program(ig_arena *arena, ig_stype t, uint32_t n, const ig_dtype *d, uint32_t rank, ig_sprog *out) {
  ig_sbuild b;
  ig_sbuild_init(&b, arena);
  ig_sreg x = ig_s_load(&b, 0, ig_stype_dtype(t));
  const bool odd = chance(30);
  for (uint32_t i = 0; i < n; i++) {
    ig_sreg m = ig_s_load(&b, 1 + i, d[i]);
    const ig_sreg least = ig_s_f64(&b, t, chance(50) ? -(double)INFINITY : -3.4028234663852886e38);
    if (d[i] == IG_DTYPE_BOOL && chance(50)) x = ig_s_op(&b, IG_SOP_SELECT, m, x, least);
    else if (d[i] == IG_DTYPE_BOOL) x = ig_s_op(&b, IG_SOP_SELECT, m, least, x);
    else {
      if (ig_s_type(&b, m) != t) m = ig_s_cast(&b, m, t);
      x = chance(50) ? ig_s_op(&b, IG_SOP_ADD, x, m, 0) : ig_s_op(&b, IG_SOP_ADD, m, x, 0);
    }
  }
  if (odd || n == 0) {   /* causal, and a cap */
    const ig_sreg allowed = ig_s_op(&b, IG_SOP_LE, ig_s_coord(&b, rank - 1), ig_s_coord(&b, rank - 2), 0);
    x = ig_s_op(&b, IG_SOP_SELECT, allowed, ig_s_op(&b, IG_SOP_TANH, x, 0, 0), ig_s_f64(&b, t, -(double)INFINITY));
  }
  ig_s_store(&b, 0, x, 0);
  assert_null(ig_sbuild_finish(&b, out));
}

/* A NaN or -inf here and there, and a row that is -inf throughout. */
static void spoil(const test_call *t, uint32_t i) {
  const ig_view *v = &t->v[i];
  if (v->dtype != IG_DTYPE_F32 || chance(40)) return;
  const guarded *g = &t->mem[i];
  const float special[2] = { -INFINITY, chance(10) ? NAN : -INFINITY };
  for (size_t at = 0; at + 4 <= g->size; at += 4)
    if (chance(20)) memcpy(g->data + at, &special[chance(5)], 4);
  if (!chance(50)) return;
  int64_t index[IG_MAX_RANK] = { 0 };
  for (int64_t j = 0; j < v->dims[v->rank - 1]; j++) {
    index[v->rank - 1] = j;
    memcpy((char *)v->data + ig_view_at(v, index) * 4, special, 4);
  }
}

static int64_t extent(int64_t most) { return chance(4) ? 0 : chance(20) ? 1 : 1 + below(most); }

static void test_kernels(void **state) {
  IG_UNUSED(state);
  static const ig_dtype floats[] = { IG_DTYPE_F32, IG_DTYPE_F32, IG_DTYPE_F32, IG_DTYPE_F32, IG_DTYPE_F64, IG_DTYPE_F16, IG_DTYPE_BF16 };
  for (int round = 0; round < 400; round++) {
    test_call t = { 0 };
    ig_arena arena;
    const ig_dtype d = floats[below((int64_t)IG_COUNT(floats))];
    const ig_stype s = d == IG_DTYPE_F64 ? IG_S_F64 : IG_S_F32;
    const bool wide = round % 20 == 0, has_prog = chance(60);
    const uint32_t n_batch = (uint32_t)below(3), rank = n_batch + 2, n_masks = has_prog ? (uint32_t)below(3) : 0;
    int64_t q[IG_MAX_RANK], k[IG_MAX_RANK], v[IG_MAX_RANK], scores[IG_MAX_RANK], out[IG_MAX_RANK];
    ig_dtype masks[2];
    const ig_attention_params p = { .empty = below(3), .scale = chance(30) ? 1 : 0.25 };
    ig_arena_init(&arena, &ig_libc_allocator, 0);
    for (uint32_t i = 0; i < n_batch; i++) q[i] = k[i] = v[i] = scores[i] = out[i] = 1 + below(3);
    q[n_batch] = scores[n_batch] = out[n_batch] = extent(wide ? 110 : 20);
    k[n_batch] = v[n_batch] = scores[n_batch + 1] = extent(wide ? 600 : 60);
    q[n_batch + 1] = k[n_batch + 1] = extent(wide ? 24 : 40);
    v[n_batch + 1] = out[n_batch + 1] = extent(40);
    add_operand(&t, d, rank, q, BROADCAST | TAME);
    add_operand(&t, d, rank, k, BROADCAST | TAME);
    add_operand(&t, d, rank, v, BROADCAST | TAME);
    for (uint32_t i = 0; i < n_masks; i++) {
      masks[i] = chance(40) ? IG_DTYPE_BOOL : s == IG_S_F64 ? IG_DTYPE_F64 : chance(80) ? IG_DTYPE_F32 : IG_DTYPE_F16;
      add_operand(&t, masks[i], rank, scores, BROADCAST | TAME);
      if (k[n_batch] > 0 && q[n_batch] > 0) spoil(&t, 3 + i);
    }
    if (has_prog) score_program(&arena, s, n_masks, masks, rank, &t.call.prog);
    const bool epi = chance(20);
    ig_sbuild b;
    if (epi) {
      ig_sbuild_init(&b, &arena);
      add_operand(&t, ig_stype_dtype(s), rank, out, BROADCAST | TAME);
      ig_s_store(&b, 0, ig_s_op(&b, IG_SOP_ADD, ig_s_load(&b, 0, ig_stype_dtype(s)), ig_s_load(&b, 1, ig_stype_dtype(s)), 0), 0);
      assert_null(ig_sbuild_finish(&b, &t.call.epi));
    }
    add_operand(&t, d, rank, out, 0);
    finish_call(&t, IG_KIND_attention, 3 + n_masks, epi, 1, &p);
    check_all(&t, d == IG_DTYPE_F16 ? 2e-3 : d == IG_DTYPE_BF16 ? 1.6e-2 : 2e-4);
    free_call(&t);
    ig_arena_free(&arena);
  }
}

/* ---- the rule ---- */

static void test_rule(void **state) {
  IG_UNUSED(state);
  ig_arena arena;
  ig_dims t;
  ig_arena_init(&arena, &ig_libc_allocator, 0);
  ig_dims_init(&t, &ig_libc_allocator, &arena);
  static const int64_t dims[4][3] = { { 2, 5, 8 }, { 2, 7, 8 }, { 2, 7, 4 }, { 2, 5, 4 } };
  ig_operand o[4];
  for (uint32_t i = 0; i < 4; i++) {
    o[i] = (ig_operand){ .value = i, .dtype = IG_DTYPE_F32, .rank = 3 };
    for (int k = 0; k < 3; k++) o[i].dims[k] = ig_dim_const(&t, dims[i][k]);
    assert_null(ig_operand_compact(&o[i], &t));
  }
  ig_attention_params p = { .scale = 1 };
  ig_request r = { .kind = IG_KIND_attention, .n_in = 3, .n_out = 1, .operands = o, .params = &p };
  assert_null(ig_request_check(&r, &t, "n"));
#define REFUSED(change) \
  do { \
    const ig_operand kept[4] = { o[0], o[1], o[2], o[3] }; \
    change; \
    ig_status st = ig_request_check(&r, &t, "n"); \
    assert_non_null(st); \
    ig_status_free(st); \
    memcpy(o, kept, sizeof kept); \
    p.empty = 0; \
    r.n_in = 3; \
  } while (0)
  REFUSED(o[1].dims[2] = ig_dim_const(&t, 9));
  REFUSED(o[2].dims[1] = ig_dim_const(&t, 9));
  REFUSED(o[1].dims[0] = ig_dim_const(&t, 9));
  REFUSED(o[3].dims[2] = ig_dim_const(&t, 9));
  REFUSED(o[0].dtype = IG_DTYPE_I32);
  REFUSED(o[2].dtype = IG_DTYPE_F64);
  REFUSED(o[1].rank = 2);
  REFUSED(p.empty = 3);
  REFUSED(r.n_in = 2);
  ig_dims_free(&t);
  ig_arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_parts), cmocka_unit_test(test_kernels), cmocka_unit_test(test_rule) };
  return cmocka_run_group_tests(tests, NULL, print_tally);
}
