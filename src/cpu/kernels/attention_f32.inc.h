/* attention of float32 on vectors: include after simd/f32_<isa>.h.
 *
 * For each batch index (an item: a head of an image) keys and values are packed once into panels of columns; a block of query rows then meets the
 * keys in blocks: scores (the product's tile, queries read in place), the program over them, their exponentials against the largest so far, and the
 * product with the values, whose sums are rescaled where a later block raises the largest. Scores never leave the second-level cache. A few queries
 * (a decoder's next token) do not pay for packing: keys and values are then read once, where they lie.
 * Parts share out (item, block of rows).
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/attention.h"
#include "hal/tactic.h"
#include "kern/scalar_math.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(x) PASTE(x, SIMD_ISA)

enum {
  NR = 2 * SIMD_W, MR = SIMD_W == 8 ? 6 : 12,   /* the tile: its sums fill the registers */
  ROWS = 60,                           /* query rows of a block, a multiple of MR */
  KEYS = 256,                          /* keys of a block, a multiple of NR; at most the interpreter's block */
  ROW_FLOATS = KEYS + 16,              /* rows of scores do not lie a power of two apart */
  FEW = 4,                             /* queries for which nothing is packed */
  STEPS = 4                            /* of a compiled program */
};

/* A step of a program over scores that is compiled: an added operand, or a constant where a bool operand says so. */
typedef struct mask_step { const ig_view *v; bool is_add, when; float value; } mask_step;

typedef struct work {
  const ig_call *c;
  const ig_attention_params *p;
  int64_t n_q, n_keys, head, width, panels, rows, keys;   /* panels: of columns of the result; rows, keys: of a block */
  uint32_t rank;
  bool in_place;                       /* keys and values are not packed */
  int64_t index[IG_MAX_RANK];          /* the item's, of the batch axes */
  int64_t item;
  const float *q, *k_of, *v_of;        /* k_of, v_of: what is packed */
  float *out;                          /* NULL: the result goes through the epilogue */
  float *k, *v, *s, *o, *query, *top, *sum;
  mask_step steps[STEPS];
  uint32_t n_steps;
  ig_prog *prog, *epi;
} work;

/* ---- products ---- */

/* rows x `vectors` of A times a panel of B over n terms; row i of A at a + i * a_step, row p of B at b + p * NR. */
#define AT(i) (base[(i) / 3][(i) % 3 * a_step])
static inline __attribute__((always_inline)) void product(int rows, int vectors, const float *a, int64_t a_step, const float *b, int64_t n, vf c[MR][2]) {
  const float *base[MR / 3];
#pragma GCC unroll 4
  for (int g = 0; g < MR / 3; g++) base[g] = a + 3 * g * a_step;
  for (int64_t p = 0; p < n; p++, b += NR) {
    const vf b0 = vf_load(b), b1 = vectors == 2 ? vf_load(b + SIMD_W) : b0;
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      const vf x = vf_set(AT(i));
      c[i][0] = vf_fma(x, b0, c[i][0]);
      if (vectors == 2) c[i][1] = vf_fma(x, b1, c[i][1]);
    }
#pragma GCC unroll 4
    for (int g = 0; g < MR / 3; g++) base[g]++;
  }
}
/* keep != NULL: the sums in out go on, row i times keep[i]. The result is times `scale`. rows and vectors are constants wherever this is inlined. */
static inline __attribute__((always_inline)) void tile(int rows, int vectors, const float *a, int64_t a_step, const float *b, int64_t n, const float *keep, float scale, float *out, int64_t out_step) {
  vf c[MR][2];
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) {
    c[i][0] = c[i][1] = vf_zero();
    if (!keep) continue;
    const vf f = vf_set(keep[i]);
    c[i][0] = vf_mul(vf_load(out + i * out_step), f);
    if (vectors == 2) c[i][1] = vf_mul(vf_load(out + i * out_step + SIMD_W), f);
  }
  product(rows, vectors, a, a_step, b, n, c);
  const vf f = vf_set(scale);
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) {
    vf_store(out + i * out_step, vf_mul(c[i][0], f));
    if (vectors == 2) vf_store(out + i * out_step + SIMD_W, vf_mul(c[i][1], f));
  }
}
typedef void (*tile_fn)(const float *a, int64_t a_step, const float *b, int64_t n, const float *keep, float scale, float *out, int64_t out_step);
#define ONE(name, rows, vectors) \
  static void name##_##rows(const float *a, int64_t a_step, const float *b, int64_t n, const float *keep, float scale, float *out, int64_t out_step) { \
    tile(rows, vectors, a, a_step, b, n, keep, scale, out, out_step); \
  }
#define TILE(rows) ONE(half, rows, 1) ONE(whole, rows, 2)
TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6)
#if SIMD_W > 8
TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12)
#define ROWS_OF(name) { NULL, name##_1, name##_2, name##_3, name##_4, name##_5, name##_6, name##_7, name##_8, name##_9, name##_10, name##_11, name##_12 }
#else
#define ROWS_OF(name) { NULL, name##_1, name##_2, name##_3, name##_4, name##_5, name##_6 }
#endif
/* By vectors - 1 and rows. */
static const tile_fn tiles[2][MR + 1] = { ROWS_OF(half), ROWS_OF(whole) };
static tile_fn tile_of(int64_t rows, int64_t columns) { return tiles[columns > SIMD_W][ig_min_i64(MR, rows)]; }

/* ---- packing ---- */

/* out[j][i] = in[i][j] of four rows. */
static void transpose4(const float *in, int64_t in_step, float *out) {
  __m128 a = _mm_loadu_ps(in), b = _mm_loadu_ps(in + in_step), c = _mm_loadu_ps(in + 2 * in_step), d = _mm_loadu_ps(in + 3 * in_step);
  _MM_TRANSPOSE4_PS(a, b, c, d);
  _mm_storeu_ps(out, a);
  _mm_storeu_ps(out + NR, b);
  _mm_storeu_ps(out + 2 * NR, c);
  _mm_storeu_ps(out + 3 * NR, d);
}

/* Panels [keys / NR][head][NR]; columns past the last key are zeros. */
static void pack_keys(const work *w, const ig_view *k) {
  const int64_t step = k->strides[w->rank - 2], inner = k->strides[w->rank - 1], whole = inner == 1 ? w->head / 4 * 4 : 0;
  for (int64_t j0 = 0; j0 < w->n_keys; j0 += NR) {
    float *out = w->k + j0 * w->head;
    const int64_t n = ig_min_i64(NR, w->n_keys - j0);
    for (int64_t j = 0; j < NR; j += 4) {
      const float *in = w->k_of + (j0 + j) * step;
      int64_t d = 0;
      for (; j + 4 <= n && d < whole; d += 4) transpose4(in + d, step, out + d * NR + j);
      for (; d < w->head; d++)
        for (int64_t i = 0; i < 4; i++) out[d * NR + j + i] = j + i < n ? in[i * step + d * inner] : 0;
    }
  }
}

/* Panels [width / NR][keys][NR]. */
static void pack_values(const work *w, const ig_view *v) {
  const int64_t step = v->strides[w->rank - 2], inner = v->strides[w->rank - 1];
  for (int64_t d0 = 0; d0 < w->width; d0 += NR) {
    float *out = w->v + d0 * w->n_keys;
    const int64_t n = ig_min_i64(NR, w->width - d0);
    for (int64_t j = 0; j < w->n_keys; j++, out += NR) {
      const float *in = w->v_of + j * step + d0 * inner;
      for (int64_t i = 0; inner != 1 && i < NR; i++) out[i] = i < n ? in[i * inner] : 0;
      for (int64_t i = 0; inner == 1 && i < NR; i += SIMD_W) vf_store(out + i, vf_load_n(in + i, ig_max_i64(0, ig_min_i64(SIMD_W, n - i))));
    }
  }
}

static const float *at_item(const work *w, const ig_view *v) {
  const float *data = v->data;
  for (uint32_t k = 0; k + 2 < w->rank; k++) data += w->index[k] * v->strides[k];
  return data;
}

static void begin_item(work *w, int64_t item) {
  const ig_view *k = ig_call_in(w->c, 1), *v = ig_call_in(w->c, 2), *out = ig_call_out(w->c, 0);
  ig_index_of(item, out->dims, w->rank - 2, w->index);
  w->item = item;
  w->q = at_item(w, ig_call_in(w->c, 0));
  w->out = w->epi ? NULL : (float *)(uintptr_t)at_item(w, out);
  const float *new_k = at_item(w, k), *new_v = at_item(w, v);
  const bool other_k = w->k_of != new_k, other_v = w->v_of != new_v;
  w->k_of = new_k;
  w->v_of = new_v;
  if (other_k && !w->in_place) pack_keys(w, k);
  if (other_v && !w->in_place) pack_values(w, v);
}

/* ---- programs that are compiled: masks added or selected ---- */

static float const_of(const ig_sinsn *i) {
  const uint32_t bits = (uint32_t)i->imm;
  float f;
  memcpy(&f, &bits, 4);
  return f;
}

static bool compile(const ig_call *c, work *w) {
  const ig_sinsn *code = c->prog.insns;
  uint32_t last = UINT32_MAX;
  for (uint32_t i = 0; i < c->prog.n; i++) {
    const ig_sinsn *x = &code[i];
    mask_step s = { 0 };
    if (x->op == IG_SOP_CONST || (x->op == IG_SOP_LOAD && x->imm > 0)) continue;
    if (x->op == IG_SOP_STORE) return x->a == last;
    if (x->op == IG_SOP_LOAD && last == UINT32_MAX) {
      last = i;
      continue;
    }
    const uint32_t other = x->op == IG_SOP_SELECT ? x->a : x->a == last ? x->b : x->a;
    if (last == UINT32_MAX || w->n_steps == STEPS || code[other].op != IG_SOP_LOAD || code[other].imm == 0) return false;
    s.v = ig_call_in(c, 2 + (uint32_t)code[other].imm);
    if (s.v->block > 1) return false;
    if (x->op == IG_SOP_ADD && x->type == IG_S_F32 && (x->a == last || x->b == last) && s.v->dtype == IG_DTYPE_F32) {
      s.is_add = true;
    } else if (x->op == IG_SOP_SELECT && x->type == IG_S_F32 && s.v->dtype == IG_DTYPE_BOOL && (x->b == last || x->c == last)) {
      const ig_sinsn *constant = &code[x->b == last ? x->c : x->b];
      if (constant->op != IG_SOP_CONST) return false;
      s.when = x->c == last;
      s.value = const_of(constant);
    } else {
      return false;
    }
    w->steps[w->n_steps++] = s;
    last = i;
  }
  return false;
}

static void run_step(const work *w, const mask_step *t, int64_t row, int64_t key, int64_t n, float *s) {
  int64_t at = row * t->v->strides[w->rank - 2] + key * t->v->strides[w->rank - 1];
  const int64_t inner = t->v->strides[w->rank - 1];
  for (uint32_t k = 0; k + 2 < w->rank; k++) at += w->index[k] * t->v->strides[k];
  if (t->is_add) {
    const float *m = (const float *)t->v->data + at;
    if (inner == 1) for (int64_t j = 0; j < n; j++) s[j] += m[j];
    else for (int64_t j = 0; j < n; j++) s[j] += m[j * inner];
    return;
  }
  const uint8_t *m = (const uint8_t *)t->v->data + at;
  if (inner == 1) for (int64_t j = 0; j < n; j++) s[j] = (m[j] != 0) == t->when ? t->value : s[j];
  else for (int64_t j = 0; j < n; j++) s[j] = (m[j * inner] != 0) == t->when ? t->value : s[j];
}

static void adjust(const work *w, int64_t row, int64_t key, int64_t n, float *s) {
  for (uint32_t i = 0; i < w->n_steps; i++) run_step(w, &w->steps[i], row, key, n, s);
  if (w->prog) ig_attention_adjust(w->prog, (w->item * w->n_q + row) * w->n_keys + key, n, s, sizeof *s);
}

/* ---- rows ---- */

static float largest(const float *s, int64_t n) {
  vf m = vf_load(s);
  float lanes[SIMD_W], top;
  for (int64_t j = SIMD_W; j < n; j += SIMD_W) m = vf_max(m, vf_load(s + j));
  vf_store(lanes, m);
  top = lanes[0];
  for (int j = 1; j < SIMD_W; j++) top = lanes[j] > top ? lanes[j] : top;
  return top;
}
static float total(const float *s, int64_t n) {
  vf m = vf_load(s);
  float lanes[SIMD_W], sum = 0;
  for (int64_t j = SIMD_W; j < n; j += SIMD_W) m = vf_add(m, vf_load(s + j));
  vf_store(lanes, m);
  for (int j = 0; j < SIMD_W; j++) sum += lanes[j];
  return sum;
}
static void exponentials(float *s, int64_t n, float top) {
  for (int64_t j = 0; j < n; j++) s[j] = ig_f32_exp(s[j] - top);
}

/* Scores of row i of the block become exponentials; *keep = factor of the sums so far. NaN is kept by the sum, not by the largest. */
static void softmax_row(const work *w, float *s, int64_t n, int64_t i, bool first, float *keep) {
  const int64_t padded = (n + SIMD_W - 1) / SIMD_W * SIMD_W;
  for (int64_t j = n; j < padded; j++) s[j] = -INFINITY;
  const float old = first ? -INFINITY : w->top[i], found = largest(s, padded), top = found > old ? found : old, base = top == -INFINITY ? 0 : top;
  exponentials(s, padded, base);
  *keep = first ? 0 : ig_f32_exp(old - base);
  w->top[i] = top;
  w->sum[i] = (first ? 0 : w->sum[i] * *keep) + total(s, padded);
}

static void store_row(const work *w, int64_t row, const float *o, float sum) {
  const int64_t empty = w->p->empty;
  const bool none = w->n_keys == 0 || (empty != IG_ATTENTION_NAN && sum == 0) || (empty == IG_ATTENTION_ZERO_NAN && sum != sum);
  const float factor = none ? 0 : 1.0f / sum;
  const ig_view *out = ig_call_out(w->c, 0);
  float *to = w->epi ? (float *)(uintptr_t)o : w->out + row * out->strides[w->rank - 2];
  int64_t d = 0;
  if (none) memset((float *)(uintptr_t)o, 0, (size_t)w->width * sizeof *o);
  for (; d + SIMD_W <= w->width; d += SIMD_W) vf_store(to + d, vf_mul(vf_load(o + d), vf_set(factor)));
  if (d < w->width) vf_store_n(to + d, vf_mul(vf_load(o + d), vf_set(factor)), w->width - d);
  if (w->epi) ig_prog_range(w->epi, (w->item * w->n_q + row) * w->width, w->width, o);
}

/* The block's queries, with the head axis contiguous. */
static const float *queries(const work *w, int64_t row, int64_t n, int64_t *step) {
  const ig_view *q = ig_call_in(w->c, 0);
  const int64_t inner = q->strides[w->rank - 1];
  const float *from = w->q + row * q->strides[w->rank - 2];
  *step = q->strides[w->rank - 2];
  if (inner == 1) return from;
  for (int64_t i = 0; i < n; i++)
    for (int64_t d = 0; d < w->head; d++) w->query[i * w->head + d] = from[i * *step + d * inner];
  *step = w->head;
  return w->query;
}

/* ---- few rows ---- */

static float dot(const float *a, const float *b, int64_t n) {
  vf s0 = vf_zero(), s1 = s0;
  float lanes[SIMD_W], sum = 0;
  int64_t d = 0;
  for (; d + NR <= n; d += NR) {
    s0 = vf_fma(vf_load(a + d), vf_load(b + d), s0);
    s1 = vf_fma(vf_load(a + d + SIMD_W), vf_load(b + d + SIMD_W), s1);
  }
  for (; d < n; d += SIMD_W) {
    const int64_t m = ig_min_i64(SIMD_W, n - d);
    s0 = vf_fma(vf_load_n(a + d, m), vf_load_n(b + d, m), s0);
  }
  vf_store(lanes, vf_add(s0, s1));
  for (int j = 0; j < SIMD_W; j++) sum += lanes[j];
  return sum;
}

/* o = o + p * v; o is padded to whole vectors. */
static void accumulate(float *o, float p, const float *v, int64_t n) {
  const vf f = vf_set(p);
  int64_t d = 0;
  for (; d + SIMD_W <= n; d += SIMD_W) vf_store(o + d, vf_fma(f, vf_load(v + d), vf_load(o + d)));
  if (d < n) vf_store(o + d, vf_fma(f, vf_load_n(v + d, n - d), vf_load(o + d)));
}

static void few_rows(const work *w, int64_t row, int64_t n) {
  const int64_t o_step = w->panels * NR, k_step = ig_call_in(w->c, 1)->strides[w->rank - 2], v_step = ig_call_in(w->c, 2)->strides[w->rank - 2];
  int64_t q_step;
  const float *q = queries(w, row, n, &q_step);
  memset(w->o, 0, (size_t)(n * o_step) * sizeof *w->o);
  for (int64_t k0 = 0; k0 < w->n_keys; k0 += w->keys) {
    const int64_t m = ig_min_i64(w->keys, w->n_keys - k0);
    for (int64_t j = 0; j < m; j++)
      for (int64_t i = 0; i < n; i++) w->s[i * ROW_FLOATS + j] = dot(q + i * q_step, w->k_of + (k0 + j) * k_step, w->head) * (float)w->p->scale;
    for (int64_t i = 0; i < n; i++) {
      float keep;
      adjust(w, row + i, k0, m, w->s + i * ROW_FLOATS);
      softmax_row(w, w->s + i * ROW_FLOATS, m, i, k0 == 0, &keep);
      for (int64_t d = 0; k0 > 0 && d < o_step; d++) w->o[i * o_step + d] *= keep;
    }
    for (int64_t j = 0; j < m; j++)
      for (int64_t i = 0; i < n; i++) accumulate(w->o + i * o_step, w->s[i * ROW_FLOATS + j], w->v_of + (k0 + j) * v_step, w->width);
  }
  for (int64_t i = 0; i < n; i++) store_row(w, row + i, w->o + i * o_step, w->n_keys ? w->sum[i] : 0);
}

static void block_rows(const work *w, int64_t row, int64_t n) {
  const int64_t o_step = w->panels * NR;
  float keep[ROWS];
  int64_t q_step;
  const float *q = queries(w, row, n, &q_step);
  for (int64_t k0 = 0; k0 < w->n_keys; k0 += w->keys) {
    const int64_t m = ig_min_i64(w->keys, w->n_keys - k0);
    for (int64_t j = 0; j < m; j += NR)
      for (int64_t i = 0; i < n; i += MR)
        tile_of(n - i, m - j)(q + i * q_step, q_step, w->k + (k0 + j) * w->head, w->head, NULL, (float)w->p->scale, w->s + i * ROW_FLOATS + j, ROW_FLOATS);
    for (int64_t i = 0; i < n; i++) {
      adjust(w, row + i, k0, m, w->s + i * ROW_FLOATS);
      softmax_row(w, w->s + i * ROW_FLOATS, m, i, k0 == 0, &keep[i]);
    }
    for (int64_t d = 0; d < w->panels; d++)
      for (int64_t i = 0; i < n; i += MR)
        tile_of(n - i, w->width - d * NR)(w->s + i * ROW_FLOATS, ROW_FLOATS, w->v + (d * w->n_keys + k0) * NR, m, k0 ? keep + i : NULL, 1, w->o + i * o_step + d * NR, o_step);
  }
  for (int64_t i = 0; i < n; i++) store_row(w, row + i, w->o + i * o_step, w->n_keys ? w->sum[i] : 0);
}

/* ---- scratch and run ---- */

typedef struct sizes { size_t k, v, s, o, query, rows; } sizes;
static size_t floats(int64_t n) { return ig_pad64((size_t)n * sizeof(float)); }
static int64_t up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
static sizes sizes_of(const ig_call *c) {
  const ig_view *q = ig_call_in(c, 0), *v = ig_call_in(c, 2);
  const int64_t keys = v->dims[v->rank - 2], head = q->dims[q->rank - 1], width = v->dims[v->rank - 1];
  return (sizes){ .k = floats(up(keys, NR) * head), .v = floats(keys * up(width, NR)), .s = floats(ROWS * ROW_FLOATS), .o = floats(ROWS * up(width, NR)),
    .query = floats(ROWS * head), .rows = floats(ROWS) };
}
static size_t bytes_per_part(const ig_call *c) {
  const sizes z = sizes_of(c);
  return z.k + z.v + z.s + z.o + z.query + 2 * z.rows + ig_attention_prog_bytes(c) + ig_epi_bytes(c);
}
size_t NAME(ig_cpu_attention_f32_scratch)(const ig_call *c, uint32_t n_parts) { return n_parts * bytes_per_part(c); }

static void prepare(work *w, const ig_call *c, char *m) {
  const ig_view *q = ig_call_in(c, 0), *v = ig_call_in(c, 2), *out = ig_call_out(c, 0);
  const sizes z = sizes_of(c);
  *w = (work){ .c = c, .p = c->params, .rank = q->rank, .n_q = q->dims[q->rank - 2], .n_keys = v->dims[v->rank - 2], .head = q->dims[q->rank - 1], .width = v->dims[v->rank - 1] };
  w->panels = up(w->width, NR) / NR;
  w->in_place = w->n_q <= FEW && ig_call_in(c, 1)->strides[w->rank - 1] == 1 && v->strides[w->rank - 1] == 1;
  const int64_t q_blocks = (w->n_q + ROWS - 1) / ROWS, k_blocks = (w->n_keys + KEYS - 1) / KEYS;
  w->rows = up((w->n_q + q_blocks - 1) / q_blocks, MR);   /* even blocks */
  w->keys = k_blocks ? up((w->n_keys + k_blocks - 1) / k_blocks, NR) : NR;
  w->k = (float *)(void *)m, m += z.k;
  w->v = (float *)(void *)m, m += z.v;
  w->s = (float *)(void *)m, m += z.s;
  w->o = (float *)(void *)m, m += z.o;
  w->query = (float *)(void *)m, m += z.query;
  w->top = (float *)(void *)m, m += z.rows;
  w->sum = (float *)(void *)m, m += z.rows;
  if (c->prog.n && w->n_keys > 0 && !compile(c, w)) {
    w->n_steps = 0;
    w->prog = ig_attention_prog(m, c, IG_S_F32, &NAME(ig_prog_isa));
  }
  m += ig_attention_prog_bytes(c);
  if (c->epi.n || out->strides[w->rank - 1] != 1) w->epi = ig_epi_make(m, c, NULL, IG_S_F32, c->n_out, &NAME(ig_prog_isa));
}

void NAME(ig_cpu_attention_f32_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_view *out = ig_call_out(c, 0);
  work w;
  int64_t lo, hi;
  IG_UNUSED(phase);
  if (ig_view_count(out) == 0) return;
  prepare(&w, c, ig_part_scratch(c, part, bytes_per_part(c)));
  const int64_t blocks = (w.n_q + w.rows - 1) / w.rows, items = ig_view_count(out) / (w.n_q * w.width);
  ig_split_items(c, items * blocks, part, n_parts, &lo, &hi);
  for (int64_t at = lo; at < hi; at++) {
    const int64_t row = at % blocks * w.rows;
    if (at == lo || row == 0) begin_item(&w, at / blocks);
    if (w.in_place) few_rows(&w, row, w.n_q);
    else block_rows(&w, row, ig_min_i64(w.rows, w.n_q - row));
  }
}
