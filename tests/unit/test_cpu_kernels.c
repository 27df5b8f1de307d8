/* CPU kernels of map, move, gather, scatter, reduce, softmax and norm against the reference. See cpu_check.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu_check.h"

/* Up to 4 dims of up to `most`, and not so many elements that one round takes the time of all others. */
static void random_dims(uint32_t *rank, int64_t *dims, int64_t most) {
  int64_t room = 100000;
  *rank = (uint32_t)below(5);
  for (uint32_t k = 0; k < *rank; k++) {
    dims[k] = chance(3) ? 0 : chance(20) ? 1 : 1 + below(ig_min_i64(most, room));
    room /= ig_max_i64(1, dims[k]);
    room = ig_max_i64(1, room);
  }
}

static ig_sreg reg_of_type(const ig_sbuild *b, const ig_sreg *regs, uint32_t n, ig_stype t, ig_sreg otherwise) {
  const uint32_t from = (uint32_t)below(n);
  for (uint32_t i = 0; i < n; i++)
    if (ig_s_type(b, regs[(from + i) % n]) == t) return regs[(from + i) % n];
  return otherwise;
}

static ig_sreg random_op(ig_sbuild *b, const ig_sreg *regs, uint32_t n, bool tame) {
  const ig_sreg x = regs[below(n)];
  const ig_stype t = ig_s_type(b, x);
  for (;;) {
    const ig_sop_info *op = ig_sop_find((uint16_t)below(102));
    if (!op || op->number < IG_SOP_CAST) continue;
    if (op->number == IG_SOP_CAST) return ig_s_cast(b, x, (ig_stype)(tame ? IG_S_F32 : 1 + below(6)));
    if (op->number == IG_SOP_ROUND) {
      static const ig_dtype floats[] = { IG_DTYPE_F16, IG_DTYPE_BF16, IG_DTYPE_F32, IG_DTYPE_F64, IG_DTYPE_F8E4M3FN }, ints[] = { IG_DTYPE_I8, IG_DTYPE_U16, IG_DTYPE_I64, IG_DTYPE_U4 };
      if (t == IG_S_BOOL || tame) continue;
      return ig_s_round(b, x, t == IG_S_F32 || t == IG_S_F64 ? floats[below(5)] : ints[below(4)]);
    }
    if (op->number == IG_SOP_SELECT) {
      const ig_sreg c = reg_of_type(b, regs, n, IG_S_BOOL, UINT32_MAX);
      if (c == UINT32_MAX) continue;
      return ig_s_op(b, IG_SOP_SELECT, c, x, reg_of_type(b, regs, n, t, x));
    }
    if (!(op->types & IG_SMASK(t))) continue;
    if (tame && op->number != IG_SOP_ADD && op->number != IG_SOP_SUB && op->number != IG_SOP_MAX && op->number != IG_SOP_TANH && op->number != IG_SOP_SIGMOID) continue;
    const ig_sreg y = op->arity > 1 ? reg_of_type(b, regs, n, t, x) : 0, z = op->arity > 2 ? reg_of_type(b, regs, n, t, x) : 0;
    return ig_s_op(b, (ig_sop)op->number, x, y, z);
  }
}

/* A program over loads of `in` (n_in) with stores of `out` (n_out). tame: only operations that do not blow differences up. */
static void random_program(ig_arena *arena, const ig_dtype *in, uint32_t n_in, const ig_dtype *out, uint32_t n_out, uint32_t rank, bool tame, ig_sprog *p) {
  ig_sbuild b;
  ig_sreg regs[64];
  uint32_t n = 0;
  ig_sbuild_init(&b, arena);
  for (uint32_t i = 0; i < n_in; i++) regs[n++] = ig_s_load(&b, i, in[i]);
  if (!tame || n == 0) {
    regs[n++] = ig_s_f64(&b, IG_S_F32, 0.5);
    if (rank > 0) regs[n++] = ig_s_coord(&b, (uint32_t)below(rank));
    if (chance(30)) regs[n++] = ig_s_random(&b, ig_s_i64(&b, IG_S_I64, 42), 3);
  }
  for (int64_t k = 1 + below(tame ? 3 : 12); k > 0; k--, n++) regs[n] = random_op(&b, regs, n, tame);
  for (uint32_t i = 0; i < n_out; i++) {
    const ig_sreg r = regs[tame ? n - 1 : below(n)];
    const ig_stype t = ig_s_type(&b, r), own = ig_stype_of(out[i]);
    ig_s_store(&b, i, t == own ? r : ig_s_cast(&b, r, own), chance(20) && IG_DTYPE_BITS(out[i]) == 8 && own == IG_S_F32 ? IG_STORE_SATURATE : 0);
  }
  assert_null(ig_sbuild_finish(&b, p));
}

static const ig_tactic *const *tactics_of(ig_kind_id kind, uint32_t *n) {
  static const ig_tactic *list[IG_COUNT(cpu_tactics)];
  *n = 0;
  for (size_t i = 0; i < IG_COUNT(cpu_tactics); i++)
    if (cpu_tactics[i]->kind == kind) list[(*n)++] = cpu_tactics[i];
  return list;
}
static void check_all(test_call *t, double tolerance) {
  uint32_t n;
  const ig_tactic *const *list = tactics_of(t->call.kind, &n);
  for (uint32_t i = 0; i < n; i++) check_tactic(t, list[i], tolerance);
}

static void test_map(void **state) {
  IG_UNUSED(state);
  for (int round = 0; round < 300; round++) {
    test_call t = { 0 };
    ig_arena arena;
    uint32_t rank;
    int64_t dims[IG_MAX_RANK];
    ig_dtype in[4], out[3];
    const uint32_t n_in = (uint32_t)below(4), n_out = 1 + (uint32_t)below(3);
    ig_arena_init(&arena, &ig_libc_allocator, 0);
    random_dims(&rank, dims, round % 10 == 0 ? 40 : 9);
    const bool repeats = round % 6 == 1;     /* many rows that share one */
    if (repeats) {
      rank = 2;
      dims[0] = 200 + below(300);
      dims[1] = 1 + below(40);
    }
    for (uint32_t i = 0; i < n_in; i++) in[i] = any_dtype();
    for (uint32_t i = 0; i < n_out; i++) out[i] = any_dtype();
    for (uint32_t i = 0; i < n_in; i++) {
      ig_view *v = add_operand(&t, in[i], rank, dims, BROADCAST);
      if (repeats && chance(60) && v->block <= 1 && v->strides[0] > 0) v->strides[0] = 0;
    }
    for (uint32_t i = 0; i < n_out; i++) add_operand(&t, out[i], rank, dims, 0);
    random_program(&arena, in, n_in, out, n_out, rank, false, &t.call.prog);
    finish_call(&t, IG_KIND_map, n_in, 0, n_out, NULL);
    check_all(&t, 0);
    free_call(&t);
    ig_arena_free(&arena);
  }
}

/* Every operation in every type, on values that include NaN, infinities and the integers' ends. */
static void test_map_operations(void **state) {
  IG_UNUSED(state);
  static const ig_dtype types[] = { 0, IG_DTYPE_F32, IG_DTYPE_F64, IG_DTYPE_I32, IG_DTYPE_I64, IG_DTYPE_U64, IG_DTYPE_BOOL };
  for (uint16_t number = 0; number < 128; number++) {
    const ig_sop_info *op = ig_sop_find(number);
    if (!op || number < IG_SOP_SELECT) continue;
    for (uint32_t type = IG_S_F32; type <= IG_S_BOOL; type++) {
      if (!(op->types & IG_SMASK(type))) continue;
      const ig_sop_info *info = op;
      const bool test = number >= IG_SOP_EQ && number <= IG_SOP_IS_INF;
      const ig_dtype out = test ? IG_DTYPE_BOOL : types[type];
      ig_sinsn code[] = { { .op = IG_SOP_LOAD, .type = (uint8_t)type }, { .op = IG_SOP_LOAD, .type = (uint8_t)type, .imm = 1 }, { .op = IG_SOP_LOAD, .type = IG_S_BOOL, .imm = 2 },
        { .op = number, .type = (uint8_t)type, .a = number == IG_SOP_SELECT ? 2 : 0, .b = info->arity > 1 ? (number == IG_SOP_SELECT ? 0 : 1) : 0, .c = info->arity > 2 ? 1 : 0 },
        { .op = IG_SOP_STORE, .type = (uint8_t)(test ? IG_S_BOOL : type), .a = 3 } };
      const int64_t dims[1] = { 1000 };
      test_call t = { .call.prog = { code, IG_COUNT(code) } };
      const ig_view *x = add_operand(&t, types[type], 1, dims, COMPACT);
      add_operand(&t, types[type], 1, dims, COMPACT);
      add_operand(&t, IG_DTYPE_BOOL, 1, dims, COMPACT);
      add_operand(&t, out, 1, dims, COMPACT);
      for (int i = 0; i < 300 && type >= IG_S_I32 && type != IG_S_BOOL; i++) {
        const int64_t edge[] = { 0, -1, 1, INT64_MIN, INT64_MAX, INT32_MIN, INT32_MAX, 31, 32, 63, 64, 7 };
        const int64_t e = edge[below(12)];
        if (type == IG_S_I32) ((int32_t *)x->data)[i] = (int32_t)(e == INT64_MIN ? INT32_MIN : e);
        else ((int64_t *)x->data)[i] = e;
      }
      finish_call(&t, IG_KIND_map, 3, 0, 1, NULL);
      check_all(&t, 0);
      free_call(&t);
    }
  }
}

static void test_move(void **state) {
  IG_UNUSED(state);
  static const ig_dtype opaque[] = { IG_DTYPE_F32, IG_DTYPE_C64, IG_DTYPE_C128, IG_DTYPE_STRING, IG_DTYPE_U8, IG_DTYPE_F16, IG_DTYPE_I4, IG_DTYPE_U2, IG_DTYPE_F64 };
  for (int round = 0; round < 300; round++) {
    test_call t = { 0 };
    uint32_t rank;
    int64_t dims[IG_MAX_RANK], out[IG_MAX_RANK];
    ig_move_params p = { .border = below(5) };
    const ig_dtype d = opaque[below((int64_t)IG_COUNT(opaque))];
    random_dims(&rank, dims, round % 4 == 0 ? 50 : 9);
    bool empty = false;
    for (uint32_t k = 0; k < rank; k++) {
      empty |= dims[k] == 0;
      p.pad_lo[k] = p.border == IG_MOVE_NONE ? 0 : below(7) - 2;
      out[k] = p.border == IG_MOVE_NONE ? dims[k] : ig_max_i64(0, dims[k] + p.pad_lo[k] + below(6) - 1);
    }
    if (empty && p.border > IG_MOVE_CONSTANT) continue;
    add_operand(&t, d, rank, dims, BROADCAST);
    const bool constant = p.border == IG_MOVE_CONSTANT && chance(50);
    if (constant) add_operand(&t, d, 0, NULL, PLAIN);
    add_operand(&t, d, rank, out, 0);
    finish_call(&t, IG_KIND_move, constant ? 2 : 1, 0, 1, &p);
    check_all(&t, 0);
    free_call(&t);
  }
}

/* Index values within [-n, n), now and then outside. */
static void fill_index(const test_call *t, const ig_view *v, int64_t n, bool may_fail) {
  const guarded *g = &t->mem[v - t->v];
  const bool fails = may_fail && chance(5);
  for (size_t i = 0; i < g->size; i += v->dtype == IG_DTYPE_I64 ? 8 : 4) {
    const int64_t x = fails && chance(10) ? n + below(3) : n > 0 ? below(2 * n) - n : 0;
    const int32_t narrow = (int32_t)x;
    memcpy(g->data + i, v->dtype == IG_DTYPE_I64 ? (const void *)&x : &narrow, v->dtype == IG_DTYPE_I64 ? 8 : 4);
  }
}

/* Data and index of a random gather or scatter; the list's dims. */
static void random_index(test_call *t, ig_dtype d, int64_t mode, int64_t *axis, int64_t *batch_dims, uint32_t *out_rank, int64_t *out_dims) {
  const uint32_t rank = 1 + (uint32_t)below(3);
  int64_t dims[IG_MAX_RANK], index[IG_MAX_RANK], least = 1 << 20;
  uint32_t n = 0, n_index = mode == IG_GATHER_ELEMENTS ? rank : 1 + (uint32_t)below(2);
  for (uint32_t k = 0; k < rank; k++) dims[k] = 1 + below(7);
  for (uint32_t k = 0; k < rank; k++) least = ig_min_i64(least, dims[k]);
  *axis = below(rank);
  for (uint32_t k = 0; k < n_index; k++) index[k] = mode == IG_GATHER_ELEMENTS && k != *axis ? 1 + below(dims[k]) : 1 + below(6);
  uint32_t coords = 0;
  if (mode == IG_GATHER_ND) {
    coords = 1 + (uint32_t)below(rank);
    if (*batch_dims && (coords + 1 > rank || n_index < 2)) *batch_dims = 0;
    if (*batch_dims) index[0] = dims[0];
    index[n_index - 1] = coords;
  }
  add_operand(t, d, rank, dims, 0);
  ig_view *v = add_operand(t, chance(50) ? IG_DTYPE_I64 : IG_DTYPE_I32, n_index, index, PLAIN);
  fill_index(t, v, mode == IG_GATHER_ND ? least : dims[*axis], true);
  if (mode == IG_GATHER_ELEMENTS) {
    memcpy(out_dims, index, sizeof index);
    *out_rank = rank;
    return;
  }
  const uint32_t before = mode == IG_GATHER_ROWS ? (uint32_t)*axis : 0, after = mode == IG_GATHER_ROWS ? (uint32_t)*axis + 1 : (uint32_t)*batch_dims + coords;
  for (uint32_t k = 0; k < before; k++) out_dims[n++] = dims[k];
  for (uint32_t k = 0; k + (mode == IG_GATHER_ND) < n_index; k++) out_dims[n++] = index[k];
  for (uint32_t k = after; k < rank; k++) out_dims[n++] = dims[k];
  *out_rank = n;
}

static void test_gather(void **state) {
  IG_UNUSED(state);
  static const ig_dtype types[] = { IG_DTYPE_F32, IG_DTYPE_C128, IG_DTYPE_U8, IG_DTYPE_I4, IG_DTYPE_STRING, IG_DTYPE_F16, IG_DTYPE_I64 };
  for (int round = 0; round < 300; round++) {
    test_call t = { 0 };
    ig_gather_params p = { .mode = below(3), .batch_dims = below(2) };
    uint32_t rank;
    int64_t dims[IG_MAX_RANK];
    const ig_dtype d = types[below((int64_t)IG_COUNT(types))];
    random_index(&t, d, p.mode, &p.axis, &p.batch_dims, &rank, dims);
    add_operand(&t, d, rank, dims, 0);
    finish_call(&t, IG_KIND_gather, 2, 0, 1, &p);
    check_all(&t, 0);
    free_call(&t);
  }
}

static void test_scatter(void **state) {
  IG_UNUSED(state);
  for (int round = 0; round < 300; round++) {
    test_call t = { 0 };
    ig_scatter_params p = { .mode = below(3), .reduction = below(5) };
    uint32_t rank;
    int64_t dims[IG_MAX_RANK], no_batch = 0;
    const ig_dtype d = any_dtype();
    random_index(&t, d, p.mode, &p.axis, &no_batch, &rank, dims);
    add_operand(&t, d, rank, dims, 0);
    add_operand(&t, d, t.v[0].rank, t.v[0].dims, 0);
    finish_call(&t, IG_KIND_scatter, 3, 0, 1, &p);
    check_all(&t, 0);
    free_call(&t);
  }
}

static void test_reduce(void **state) {
  IG_UNUSED(state);
  for (int round = 0; round < 400; round++) {
    test_call t = { 0 };
    ig_arena arena;
    uint32_t rank;
    int64_t dims[IG_MAX_RANK], out[IG_MAX_RANK];
    ig_reduce_params p = { .op = below(6), .last = below(2) };
    ig_dtype in = any_dtype(), result;
    ig_arena_init(&arena, &ig_libc_allocator, 0);
    random_dims(&rank, dims, round % 5 == 0 ? 60 : round % 10 == 1 ? 3000 : 12);
    const bool arg = p.op >= IG_REDUCE_ARGMIN;
    if (arg && rank == 0) continue;
    p.axes_mask = arg ? 1ll << below(rank) : below(1ll << rank);
    bool bad = false;
    for (uint32_t k = 0; k < rank; k++) {
      const bool reduced = p.axes_mask >> k & 1;
      out[k] = reduced ? 1 : dims[k];
      bad |= arg && reduced && dims[k] == 0;
    }
    p.acc = ig_stype_of(in);
    if (bad || (p.acc == IG_S_BOOL && p.op < IG_REDUCE_MIN)) continue;
    const bool is_float = p.acc == IG_S_F32 || p.acc == IG_S_F64;
    const bool pre = p.acc == IG_S_F32 && chance(40), post = p.acc == IG_S_F32 && !arg && chance(40);
    static const ig_dtype plain[] = { 0, IG_DTYPE_F32, IG_DTYPE_F64, IG_DTYPE_I32, IG_DTYPE_I64, IG_DTYPE_U64, IG_DTYPE_BOOL };
    result = arg ? IG_DTYPE_I64 : plain[p.acc];
    /* Sums in another order differ by rounding: values without specials, products kept short. */
    const int flags = p.op <= IG_REDUCE_PROD ? TAME : 0;
    if (p.op == IG_REDUCE_PROD && is_float && ig_stype_of(in) != IG_S_I32) for (uint32_t k = 0; k < rank; k++) if (p.axes_mask >> k & 1) { dims[k] = ig_min_i64(dims[k], 4); }
    add_operand(&t, in, rank, dims, BROADCAST | flags);
    if (p.op <= IG_REDUCE_PROD && is_float && IG_DTYPE_BITS(in) <= 8) { free_call(&t); continue; }
    if (pre) random_program(&arena, &in, 1, &plain[IG_S_F32], 1, rank, true, &t.call.prog);
    if (post) random_program(&arena, &plain[IG_S_F32], 1, &result, 1, rank, true, &t.call.epi);
    add_operand(&t, result, rank, out, 0);
    finish_call(&t, IG_KIND_reduce, 1, 0, 1, &p);
    check_all(&t, is_float && !arg && p.op <= IG_REDUCE_PROD ? 2e-4 : 0);
    free_call(&t);
    ig_arena_free(&arena);
  }
}

static const ig_dtype float_types[] = { IG_DTYPE_F32, IG_DTYPE_F32, IG_DTYPE_F32, IG_DTYPE_F64, IG_DTYPE_F16, IG_DTYPE_BF16 };
static ig_dtype any_float(void) { return float_types[below((int64_t)IG_COUNT(float_types))]; }
static double float_tolerance(ig_dtype d) { return d == IG_DTYPE_F16 ? 2e-3 : d == IG_DTYPE_BF16 ? 1.6e-2 : 1e-4; }

static void test_softmax(void **state) {
  IG_UNUSED(state);
  for (int round = 0; round < 200; round++) {
    test_call t = { 0 };
    ig_arena arena;
    uint32_t rank;
    int64_t dims[IG_MAX_RANK];
    ig_arena_init(&arena, &ig_libc_allocator, 0);
    random_dims(&rank, dims, round % 5 == 0 ? 70 : 9);
    if (rank == 0) continue;
    ig_softmax_params p = { .axis = below(rank), .log = below(2), .scale = 0.25 };
    const ig_dtype d = any_float();
    add_operand(&t, d, rank, dims, BROADCAST | (round % 3 ? TAME : 0));
    const bool masked = chance(50), epi = ig_stype_of(d) == IG_S_F32 && chance(30);
    if (masked) add_operand(&t, d, rank, dims, BROADCAST | TAME);
    const ig_dtype in[2] = { IG_DTYPE_F32, IG_DTYPE_F32 }, out = epi ? IG_DTYPE_F32 : d;
    if (epi) add_operand(&t, IG_DTYPE_F32, rank, dims, BROADCAST | TAME);
    if (epi) random_program(&arena, in, 2, &out, 1, rank, true, &t.call.epi);
    add_operand(&t, out, rank, dims, 0);
    finish_call(&t, IG_KIND_softmax, masked ? 2 : 1, epi, 1, &p);
    check_all(&t, float_tolerance(out));
    free_call(&t);
    ig_arena_free(&arena);
  }
}

static void test_norm(void **state) {
  IG_UNUSED(state);
  for (int round = 0; round < 300; round++) {
    test_call t = { 0 };
    ig_arena arena;
    uint32_t rank;
    int64_t dims[IG_MAX_RANK], one[IG_MAX_RANK];
    ig_arena_init(&arena, &ig_libc_allocator, 0);
    random_dims(&rank, dims, round % 5 == 0 ? 50 : 9);
    if (rank == 0) continue;
    if (round % 4 == 0 && rank > 1) dims[rank - 1] = 1 + below(300);
    ig_norm_params p = { .axis = below(rank), .mode = below(4), .stash = chance(80) ? IG_S_F32 : IG_S_F64, .eps = 1e-3 };
    const ig_dtype d = any_float();
    const ig_stype type = ig_stype_of(d);
    for (uint32_t k = 0; k < rank; k++) one[k] = (p.mode >= IG_NORM_L1 ? k == p.axis : k >= p.axis) ? 1 : dims[k];
    add_operand(&t, d, rank, dims, BROADCAST | TAME);
    for (int i = 1; i < 4; i++) {
      if (chance(50)) add_operand(&t, d, rank, dims, BROADCAST | TAME);
      else add_absent(&t);
    }
    const bool epi = chance(30);
    uint32_t n_out = 1;
    const ig_dtype in = type == IG_S_F64 ? IG_DTYPE_F64 : IG_DTYPE_F32;
    if (epi) random_program(&arena, &in, 1, &d, 1, rank, true, &t.call.epi);
    add_operand(&t, d, rank, dims, 0);
    if (!epi && chance(50)) {
      n_out = 4;
      for (int i = 1; i < 3; i++) {
        if (chance(60)) add_operand(&t, p.stash == IG_S_F64 ? IG_DTYPE_F64 : IG_DTYPE_F32, rank, one, 0);
        else add_absent(&t);
      }
      add_operand(&t, d, rank, dims, 0);
    }
    finish_call(&t, IG_KIND_norm, 4, 0, n_out, &p);
    check_all(&t, 20 * float_tolerance(d));
    free_call(&t);
    ig_arena_free(&arena);
  }
}

/* The operand's axes in another order: axis k of the view is axis perm[k] of what it was. */
static void permute_view(ig_view *v, const uint8_t *perm) {
  const ig_view was = *v;
  for (uint32_t k = 0; k < v->rank; k++) v->dims[k] = was.dims[perm[k]], v->strides[k] = was.strides[perm[k]];
}

/* Instance and group norm of maps that lie channels last: [images, groups, channels of a group, pixels] over the last two, pixels second in memory. */
static void test_norm_columns(void **state) {
  static const uint8_t as_map[] = { 0, 2, 3, 1 };
  IG_UNUSED(state);
  for (int round = 0; round < 120; round++) {
    test_call t = { 0 };
    ig_arena arena;
    ig_arena_init(&arena, &ig_libc_allocator, 0);
    const int64_t images = 1 + below(3), groups = 1 + below(chance(20) ? 300 : 40), per_group = chance(50) ? 1 : 1 + below(5), pixels = 1 + below(chance(30) ? 700 : 20);
    const int64_t dims[] = { images, groups, per_group, pixels }, in_memory[] = { images, pixels, groups, per_group };
    ig_norm_params p = { .axis = 2, .mode = chance(70) ? IG_NORM_LAYER : IG_NORM_RMS, .stash = IG_S_F32, .eps = 1e-3 };
    const ig_dtype d = chance(70) ? IG_DTYPE_F32 : IG_DTYPE_F16, f32 = IG_DTYPE_F32;
    const bool gaps = chance(30);
    permute_view(add_operand(&t, d, 4, in_memory, TAME | (gaps ? PLAIN : COMPACT)), as_map);
    for (int i = 0; i < 2; i++) {
      if (chance(30)) {
        add_absent(&t);
        continue;
      }
      ig_view *v = add_operand(&t, d, 2, dims + 1, TAME | COMPACT);
      *v = (ig_view){ .data = v->data, .dtype = d, .rank = 4, .dims = { images, groups, per_group, pixels }, .strides = { 0, per_group, 1, 0 } };
    }
    add_absent(&t);
    if (chance(40)) random_program(&arena, &f32, 1, &d, 1, 4, true, &t.call.epi);
    permute_view(add_operand(&t, d, 4, in_memory, COMPACT), as_map);
    finish_call(&t, IG_KIND_norm, 4, 0, 1, &p);
    check_all(&t, 20 * float_tolerance(d));
    free_call(&t);
    ig_arena_free(&arena);
  }
}

/* Group norm of maps that lie channels first: rows of [groups, length] with one scale and bias for each row, a few of them long enough to be shared. */
static void test_norm_rows(void **state) {
  IG_UNUSED(state);
  for (int round = 0; round < 60; round++) {
    test_call t = { 0 };
    ig_arena arena;
    ig_arena_init(&arena, &ig_libc_allocator, 0);
    const bool is_long = chance(50);
    const int64_t rows = 1 + below(is_long ? 5 : 40), n = is_long ? 16380 + below(2) * 60 + 8 * below(600) : 1 + below(400), dims[] = { rows, n };
    ig_norm_params p = { .axis = 1, .mode = chance(70) ? IG_NORM_LAYER : IG_NORM_RMS, .stash = IG_S_F32, .eps = 1e-3 };
    const ig_dtype d = chance(80) ? IG_DTYPE_F32 : IG_DTYPE_F16, f32 = IG_DTYPE_F32;
    add_operand(&t, d, 2, dims, TAME | (chance(30) ? PLAIN : COMPACT));
    for (int i = 0; i < 2; i++) {
      if (chance(30)) {
        add_absent(&t);
        continue;
      }
      ig_view *v = add_operand(&t, d, 2, dims, TAME | COMPACT);
      if (chance(80)) v->strides[0] = 1, v->strides[1] = 0;
    }
    add_absent(&t);
    if (chance(40)) random_program(&arena, &f32, 1, &d, 1, 2, true, &t.call.epi);
    add_operand(&t, d, 2, dims, chance(30) ? PLAIN : COMPACT);
    finish_call(&t, IG_KIND_norm, 4, 0, 1, &p);
    check_all(&t, 20 * float_tolerance(d));
    free_call(&t);
    ig_arena_free(&arena);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_map), cmocka_unit_test(test_map_operations), cmocka_unit_test(test_move), cmocka_unit_test(test_gather),
    cmocka_unit_test(test_scatter), cmocka_unit_test(test_reduce), cmocka_unit_test(test_softmax), cmocka_unit_test(test_norm), cmocka_unit_test(test_norm_columns), cmocka_unit_test(test_norm_rows),
  };
  return cmocka_run_group_tests(tests, NULL, print_tally);
}
