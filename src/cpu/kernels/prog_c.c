/* Preparing and running scalar programs by blocks. See prog.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/prog.h"
#include "kern/scalar_eval.h"
#include <assert.h>

enum { SPARE = 2, DEFAULT_INSNS = 3, PERIOD_SLOTS = 2 };   /* spare slots: values on their way through a cast or a rounding */

typedef struct insn {
  ig_prog_fn fn;                       /* operation; CAST before a STORE or ROUND that needs one */
  ig_prog_fn fn2;                      /* ROUND: cast back */
  ig_elem_load_fn load;
  ig_elem_store_fn store;
  uint16_t op;
  uint8_t type;                        /* of the register */
  bool fixed;                          /* the same for every element: filled once */
  bool compute_form;                   /* LOAD, STORE: memory has the register's form */
  uint32_t a, b, c;
  uint32_t period;                     /* LOAD: not 0: the values repeat after so many elements; home then holds a block of them from each place on */
  uint32_t store_at;                   /* 1 + index of the STORE that may take this value in place, 0 = none */
  uint64_t imm;
  void *home, *now;                    /* the register's slot; where this block's value is */
} insn;

struct ig_prog {
  insn *insns;
  uint32_t n, n_in, rank;
  int64_t block;
  int64_t dims[IG_MAX_RANK];           /* in walking order */
  uint8_t axis_at[IG_MAX_RANK];        /* axis -> place in walking order */
  int64_t own_strides[IG_MAX_RANK];    /* place in walking order -> stride in the axes' own row-major order */
  bool permuted, has_direct_in, has_direct_out;
  char *spare;
  ig_walk *in, *out;
};

static size_t up64(size_t n) { return ig_align_up(n, 64); }
static uint32_t arity_of(const ig_sinsn *i) {
  static const uint8_t arities[] = {
#define IG_SOP(name, number, arity, types, text) [number] = arity,
#include "kern/scalar.def"
#undef IG_SOP
  };
  return i->op < IG_COUNT(arities) ? arities[i->op] : 0;
}

/* Registers whose value is the same for every element, as far as the program alone tells. */
static bool is_fixed_op(const ig_sinsn *i) { return i->op == IG_SOP_CONST || i->op == IG_SOP_DIM; }

/* last[i]: index of the last instruction that reads register i, i itself if none. */
static void find_last_uses(const ig_sinsn *in, uint32_t n, uint16_t *last) {
  for (uint32_t i = 0; i < n; i++) {
    last[i] = (uint16_t)i;
    const uint32_t ar = arity_of(&in[i]);
    if (ar >= 1) last[in[i].a] = (uint16_t)i;
    if (ar >= 2) last[in[i].b] = (uint16_t)i;
    if (ar >= 3) last[in[i].c] = (uint16_t)i;
  }
}

/* Slot of every register; a slot is free again after the last reader, never before, so that sizes may differ. Fixed values keep theirs. */
static uint32_t place_registers(const ig_sinsn *in, uint32_t n, const bool *fixed, uint16_t *out_slot) {
  uint16_t last[IG_SPROG_MAX + DEFAULT_INSNS], free_slots[IG_SPROG_MAX + DEFAULT_INSNS];
  uint32_t n_free = 0, n_slots = 0;
  find_last_uses(in, n, last);
  for (uint32_t i = 0; i < n; i++) {
    const bool has_register = in[i].op != IG_SOP_STORE;
    if (has_register) out_slot[i] = n_free > 0 && !fixed[i] ? free_slots[--n_free] : (uint16_t)n_slots++;
    for (uint32_t r = 0; r <= i; r++) {
      const bool ends = last[r] == i && in[r].op != IG_SOP_STORE && !fixed[r];
      if (ends) free_slots[n_free++] = out_slot[r];
    }
  }
  return n_slots;
}

size_t ig_prog_bytes(const ig_sprog *p, uint32_t n_in, uint32_t n_out) {
  /* Without the operands it is not known which loads are fixed or repeat: a fixed value keeps its slot, so each load may cost one more, and one that
   * repeats two. */
  bool fixed[IG_SPROG_MAX + DEFAULT_INSNS];
  uint16_t slot[IG_SPROG_MAX + DEFAULT_INSNS];
  const uint32_t n = p->n ? p->n : DEFAULT_INSNS;
  uint32_t n_slots = DEFAULT_INSNS;
  if (p->n) {
    for (uint32_t i = 0; i < n; i++) fixed[i] = is_fixed_op(&p->insns[i]);
    n_slots = place_registers(p->insns, n, fixed, slot);
    for (uint32_t i = 0; i < n; i++) n_slots += p->insns[i].op == IG_SOP_LOAD ? 1 + PERIOD_SLOTS : 0;
  }
  return up64(sizeof(ig_prog)) + up64(n * sizeof(insn)) + up64((n_in + n_out + 1) * sizeof(ig_walk)) + (size_t)(n_slots + SPARE) * IG_PROG_SLOT;
}

static ig_elem_load_fn find_load(const ig_prog_isa *isa, ig_dtype d) {
  const ig_elem_load_fn f = isa && isa->load ? isa->load(d) : NULL;
  return f ? f : ig_elem_loader(d);
}
static ig_elem_store_fn find_store(const ig_prog_isa *isa, ig_dtype d, ig_stype t, unsigned flags) {
  const ig_elem_store_fn f = isa && isa->store ? isa->store(d, t, flags) : NULL;
  return f ? f : ig_elem_storer(d, t, flags);
}
static ig_prog_fn find_op(const ig_prog_isa *isa, const ig_sinsn *i) {
  const ig_prog_fn f = isa && isa->op ? isa->op(i->op, i->type, i->flags) : NULL;
  return f ? f : ig_prog_op_c(i->op, i->type, i->flags);
}

static uint8_t result_type(const ig_sinsn *i) {
  switch (i->op) {
    case IG_SOP_EQ: case IG_SOP_LT: case IG_SOP_LE: case IG_SOP_IS_NAN: case IG_SOP_IS_INF: return IG_S_BOOL;
    default: return i->type;
  }
}

/* The program of an empty epilogue: LOAD 0, a cast where the types differ, STORE 0. */
static uint32_t default_program(const ig_prog_spec *s, ig_sinsn *out) {
  const ig_stype from = s->direct_in ? s->direct_in : ig_stype_of(s->in[0].dtype);
  const ig_stype to = s->direct_out ? s->direct_out : ig_stype_of(s->out[0].dtype);
  uint32_t n = 0;
  out[n++] = (ig_sinsn){ .op = IG_SOP_LOAD, .type = (uint8_t)from };
  if (from != to) out[n++] = (ig_sinsn){ .op = IG_SOP_CAST, .type = (uint8_t)to, .flags = (uint8_t)from, .a = 0 };
  out[n] = (ig_sinsn){ .op = IG_SOP_STORE, .type = (uint8_t)to, .a = n - 1 };
  return n + 1;
}

static void prepare_round(insn *x, const ig_sinsn *i, const ig_prog_isa *isa) {
  const ig_dtype d = (ig_dtype)i->imm;
  const ig_stype own = ig_stype_of(d);
  x->store = find_store(isa, d, i->type, 0);
  if (!x->store) {
    x->fn = ig_prog_cast_c(i->type, own);
    x->store = find_store(isa, d, own, 0);
  }
  x->load = find_load(isa, d);
  x->fn2 = own != i->type ? ig_prog_cast_c(own, i->type) : NULL;
}

static void prepare_store(insn *x, const ig_sinsn *i, const ig_prog_spec *s) {
  if (s->direct_out) return;
  const ig_dtype d = s->out[i->imm].dtype;
  const ig_stype own = ig_stype_of(d);
  x->store = find_store(s->isa, d, i->type, i->flags);
  if (!x->store) {
    x->fn = ig_prog_cast_c(i->type, own);
    x->store = find_store(s->isa, d, own, i->flags);
    x->b = (uint32_t)ig_stype_size(own);   /* STORE reads one register: b is free for the size after the cast */
  }
  x->compute_form = !x->fn && own == i->type && (ig_elem_is_compute(d) || d == IG_DTYPE_BOOL);
}

static void prepare_insn(ig_prog *p, insn *x, const ig_sinsn *i, const ig_prog_spec *s) {
  *x = (insn){ .op = i->op, .type = result_type(i), .a = i->a, .b = i->b, .c = i->c, .imm = i->imm };
  switch (i->op) {
    case IG_SOP_LOAD:
      if (s->direct_in && i->imm == 0) return;
      x->imm = i->imm - (s->direct_in ? 1 : 0);
      x->load = find_load(s->isa, s->in[x->imm].dtype);
      x->compute_form = ig_elem_is_compute(s->in[x->imm].dtype);
      x->fixed = !p->in[x->imm].ragged && p->in[x->imm].rank == 1 && p->in[x->imm].strides[0] == 0;
      return;
    case IG_SOP_STORE: prepare_store(x, i, s); return;
    case IG_SOP_CONST: case IG_SOP_DIM: x->fixed = true; return;
    case IG_SOP_COORD: case IG_SOP_RANDOM: return;
    case IG_SOP_ROUND: prepare_round(x, i, s->isa); return;
    default: x->fn = find_op(s->isa, i); assert(x->fn); return;
  }
}

/* The last computed value, read by one STORE alone, may be computed straight into that result: nothing reads an operand after it, so a
 * result that lies on an operand does no harm. */
static void find_direct_store(ig_prog *p) {
  uint32_t v = p->n;
  while (v > 0 && p->insns[v - 1].op == IG_SOP_STORE) v--;
  if (v == 0 || p->has_direct_out) return;
  insn *x = &p->insns[v - 1];
  if (x->fixed || !x->fn || x->op == IG_SOP_ROUND) return;
  uint32_t n_readers = 0, store = 0;
  for (uint32_t i = v; i < p->n; i++) {
    if (p->insns[i].a != v - 1) continue;
    n_readers++;
    store = i;
  }
  /* Earlier stores of aliased loads read operands later than this value is written: only a lone STORE is safe. */
  if (n_readers == 1 && p->n - v == 1 && p->insns[store].compute_form) x->store_at = store + 1;
}

static void fill_const(insn *x, int64_t n) {
  const uint64_t bits = x->imm;
  for (int64_t i = 0; i < n; i++) {
    switch (ig_stype_size(x->type)) {
      case 1: ((uint8_t *)x->home)[i] = bits != 0; break;
      case 4: ((uint32_t *)x->home)[i] = (uint32_t)bits; break;
      default: ((uint64_t *)x->home)[i] = bits; break;
    }
  }
}

/* A run that repeats, such as a bias along the innermost axis: cheaper to lay out once than to gather for each block, where there are many. Slots at
 * `mem` take them. */
static void find_periods(ig_prog *p, int64_t total, char *mem) {
  for (uint32_t i = 0; i < p->n && total > 4 * p->block; i++) {
    insn *x = &p->insns[i];
    if (x->op != IG_SOP_LOAD || !x->load) continue;
    const ig_walk *w = &p->in[x->imm];
    if (w->ragged || w->rank != 2 || w->strides[0] != 0 || w->dims[1] > p->block) continue;
    x->period = (uint32_t)w->dims[1];
    x->home = mem;
    mem += PERIOD_SLOTS * IG_PROG_SLOT;
    const size_t size = ig_stype_size(x->type), all = (size_t)(p->block + w->dims[1]) * size;
    x->load(w->data, w->first, w->strides[1], w->dims[1], x->home);
    for (size_t done = x->period * size; done < all; done *= 2) memcpy((char *)x->home + done, x->home, done < all - done ? done : all - done);
  }
}

/* any: the iteration space has a point; else operands may have no element to read. */
static void fill_fixed(ig_prog *p, bool any) {
  for (uint32_t i = 0; i < p->n; i++) {
    insn *x = &p->insns[i];
    x->now = x->home;
    if (!x->fixed || (x->op == IG_SOP_LOAD && !any)) continue;
    if (x->op == IG_SOP_LOAD) x->load(p->in[x->imm].data, p->in[x->imm].first, 0, p->block, x->home);
    else fill_const(x, p->block);
  }
}

ig_prog *ig_prog_make(void *mem, const ig_prog_spec *s) {
  ig_sinsn plain[DEFAULT_INSNS];
  bool fixed[IG_SPROG_MAX + DEFAULT_INSNS];
  uint16_t slot[IG_SPROG_MAX + DEFAULT_INSNS];
  const bool empty = s->prog->n == 0;
  const uint32_t n = empty ? default_program(s, plain) : s->prog->n;
  const ig_sinsn *code = empty ? plain : s->prog->insns;
  char *m = mem;
  ig_prog *p = (ig_prog *)m;
  m += up64(sizeof(ig_prog));
  *p = (ig_prog){ .n = n, .n_in = s->n_in, .rank = s->rank, .has_direct_in = s->direct_in != 0, .has_direct_out = s->direct_out != 0 };
  p->insns = (insn *)m;
  m += up64((empty ? DEFAULT_INSNS : n) * sizeof(insn));
  p->in = (ig_walk *)m;
  p->out = p->in + s->n_in;
  m += up64((s->n_in + s->n_out + 1) * sizeof(ig_walk));
  p->spare = m;
  m += (size_t)SPARE * IG_PROG_SLOT;
  for (uint32_t k = 0; k < s->n_in; k++)
    if (ig_view_present(&s->in[k])) ig_walk_init(&p->in[k], &s->in[k], s->perm);
  for (uint32_t k = 0; k < s->n_out; k++)
    if (ig_view_present(&s->out[k])) ig_walk_init(&p->out[k], &s->out[k], s->perm);
  int64_t stride = 1;
  for (uint32_t k = s->rank; k-- > 0;) {
    for (uint32_t j = 0; j < s->rank; j++)
      if ((s->perm ? s->perm[j] : j) == k) { p->axis_at[k] = (uint8_t)j; p->dims[j] = s->dims[k]; p->own_strides[j] = stride; }
    if (p->axis_at[k] != k) p->permuted = true;
    stride *= s->dims[k];
  }
  bool wide = false;
  for (uint32_t i = 0; i < n; i++) {
    prepare_insn(p, &p->insns[i], &code[i], s);
    fixed[i] = p->insns[i].fixed;
    wide |= ig_stype_size(p->insns[i].type) > 4 || (p->insns[i].op == IG_SOP_ROUND && IG_DTYPE_BITS(code[i].imm) > 32);
    if (p->insns[i].op == IG_SOP_STORE && !s->direct_out) wide |= IG_DTYPE_BITS(s->out[code[i].imm].dtype) > 32;
  }
  p->block = IG_PROG_SLOT / (wide ? 8 : 4);
  const uint32_t n_slots = place_registers(code, n, fixed, slot);
  for (uint32_t i = 0; i < n; i++) p->insns[i].home = code[i].op == IG_SOP_STORE ? NULL : m + (size_t)slot[i] * IG_PROG_SLOT;
  find_direct_store(p);
  if (!empty) find_periods(p, stride, m + (size_t)n_slots * IG_PROG_SLOT);
  fill_fixed(p, stride > 0);
  return p;
}

int64_t ig_prog_block_size(const ig_prog *p) { return p->block; }

static void run_coord(ig_prog *p, insn *x, int64_t lin, int64_t n) {
  const uint32_t at = p->axis_at[x->imm];
  int64_t inner = 1, *o = x->home;
  for (uint32_t k = at + 1; k < p->rank; k++) inner *= p->dims[k];
  int64_t i = lin / inner % p->dims[at], left = inner - lin % inner;
  for (int64_t done = 0; done < n;) {
    const int64_t run = left < n - done ? left : n - done;
    for (int64_t j = 0; j < run; j++) o[done + j] = i;
    done += run;
    left = inner;
    if (++i == p->dims[at]) i = 0;
  }
}

/* Linear index in the axes' own order. */
static int64_t own_index(const ig_prog *p, int64_t lin) {
  if (!p->permuted) return lin;
  int64_t own = 0;
  for (uint32_t k = p->rank; k-- > 0;) {
    own += lin % p->dims[k] * p->own_strides[k];
    lin /= p->dims[k];
  }
  return own;
}

static void run_random(ig_prog *p, insn *x, int64_t lin, int64_t n) {
  const insn *seed = &p->insns[x->a];
  uint64_t *o = x->home;
  if (seed->type != IG_S_U64) ig_prog_cast_c(seed->type, IG_S_U64)(p->spare, seed->now, NULL, NULL, n);
  const uint64_t *seeds = seed->type == IG_S_U64 ? seed->now : (const void *)p->spare;
  for (int64_t i = 0; i < n; i++) o[i] = ig_random_u64(seeds[i], x->imm, (uint64_t)own_index(p, lin + i));
}

static void run_load(ig_prog *p, insn *x, int64_t lin, int64_t n, const void *direct) {
  if (!x->load) {
    x->now = (void *)(uintptr_t)direct;
    return;
  }
  const ig_walk *w = &p->in[x->imm];
  if (x->period) {
    x->now = (char *)x->home + (size_t)(lin % x->period) * ig_stype_size(x->type);
    return;
  }
  if (x->compute_form) {
    int64_t at, stride;
    if (ig_walk_run(w, lin, n, &at, &stride) == n && stride == 1) {
      x->now = (char *)w->data + at * (int64_t)ig_stype_size(x->type);
      return;
    }
  }
  x->now = x->home;
  ig_walk_load(w, x->load, lin, n, x->home, ig_stype_size(x->type));
}

static void run_store(ig_prog *p, insn *x, int64_t lin, int64_t n) {
  const insn *v = &p->insns[x->a];
  const ig_walk *w = &p->out[x->imm];
  if (v->store_at && v->now != v->home) return;
  const void *values = v->now;
  size_t size = ig_stype_size(v->type);
  if (x->fn) {
    x->fn(p->spare, values, NULL, NULL, n);
    values = p->spare;
    size = x->b;
  }
  ig_walk_store(w, x->store, lin, n, values, size);
}

static void run_round(ig_prog *p, insn *x, int64_t n) {
  const void *values = p->insns[x->a].now;
  if (x->fn) {
    x->fn(p->spare, values, NULL, NULL, n);
    values = p->spare;
  }
  char *stored = p->spare + IG_PROG_SLOT;
  x->store(stored, 0, 1, n, values);
  x->load(stored, 0, 1, n, x->fn2 ? p->spare : x->home);
  if (x->fn2) x->fn2(x->home, p->spare, NULL, NULL, n);
}

static void run_op(ig_prog *p, insn *x, int64_t lin, int64_t n) {
  x->now = x->home;
  if (x->store_at) {
    const insn *st = &p->insns[x->store_at - 1];
    const ig_walk *w = &p->out[st->imm];
    int64_t at, stride;
    if (ig_walk_run(w, lin, n, &at, &stride) == n && stride == 1) x->now = (char *)w->data + at * (int64_t)ig_stype_size(x->type);
  }
  x->fn(x->now, p->insns[x->a].now, p->insns[x->b].now, p->insns[x->c].now, n);
}

const void *ig_prog_block(ig_prog *p, int64_t lin, int64_t n, const void *direct) {
  const void *result = NULL;
  for (uint32_t i = 0; i < p->n; i++) {
    insn *x = &p->insns[i];
    if (x->fixed) continue;
    switch (x->op) {
      case IG_SOP_LOAD: run_load(p, x, lin, n, direct); break;
      case IG_SOP_STORE:
        if (p->has_direct_out) result = p->insns[x->a].now;
        else run_store(p, x, lin, n);
        break;
      case IG_SOP_COORD: run_coord(p, x, lin, n); break;
      case IG_SOP_RANDOM: run_random(p, x, lin, n); break;
      case IG_SOP_ROUND: run_round(p, x, n); break;
      default: run_op(p, x, lin, n); break;
    }
  }
  return result;
}

void ig_prog_range(ig_prog *p, int64_t lin, int64_t n, const void *direct) {
  size_t size = 0;
  for (uint32_t i = 0; i < p->n && direct; i++)
    if (p->insns[i].op == IG_SOP_LOAD && !p->insns[i].load) size = ig_stype_size(p->insns[i].type);
  for (int64_t done = 0; done < n; done += p->block) {
    const int64_t m = n - done < p->block ? n - done : p->block;
    ig_prog_block(p, lin + done, m, direct ? (const char *)direct + (size_t)done * size : NULL);
  }
}
