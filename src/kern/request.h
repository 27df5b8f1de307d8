/* The waist: portable kernel requests. Operators lower to requests, backends answer them, the engine keeps them beside each tactic.
 *
 * A request is {kind, params, operands, programs}. Everything about shapes is an ig_dim, so one request serves every shape of a profile.
 * A bound call (ig_call) is the same with numbers and pointers: what kernels and the reference receive.
 * Params are structs whose members are all 8 bytes wide (int64_t or double); members that depend on shapes hold an ig_dim in the request and
 * its value in the call. kinds.def lists the kinds; each kind_<name>.c holds its record.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_KERN_REQUEST_H
#define IG_KERN_REQUEST_H
#include "kern/dim.h"
#include "kern/format.h"
#include "kern/scalar.h"
#include <stdatomic.h>

typedef enum ig_kind_id {
#define IG_KIND(name, number) IG_KIND_##name = number,
#include "kern/kinds.def"
#undef IG_KIND
} ig_kind_id;

/* One tensor of a request. Element (i0, i1, ...) lies at offset + sum i_k * strides_k elements of the value's buffer, except along
 * block_axis when block > 1: there it lies at (i / block) * stride + i % block. Broadcast = stride 0. dims are the logical extents.
 * Elements narrower than a byte are packed, first element in the low bits; offset counts elements. On disk as it is: 88 bytes. */
#define IG_NO_VALUE 0xffffffffu
typedef struct ig_operand {
  uint32_t value;             /* region-local value number at build time, buffer number in the engine; IG_NO_VALUE = optional operand left out */
  ig_dtype dtype;
  uint8_t rank, block_axis;
  uint16_t block;             /* 0 or 1 = not blocked */
  ig_dim offset;
  ig_dim dims[IG_MAX_RANK], strides[IG_MAX_RANK];
  uint32_t reserved[2];
} ig_operand;

/* Operands: operands[0 .. n_in) primary inputs, then n_extra inputs of the epilogue, then n_out results.
 * prog: map: LOAD k = input k, STORE k = result k. reduce: pre-program over the inputs (LOAD k = input k), one result.
 *       attention: over the scores (see its params). Other kinds: empty.
 * epi:  epilogue of kinds with IG_KIND_EPILOGUE: LOAD 0 = the kind's own result (in the kind's accumulator type, before any storing),
 *       LOAD 1 + k = extra input k (dims equal to the result's, broadcast by stride 0), STORE k = result k. Empty = store result as is.
 *       For reduce it is the post-program. With an epilogue every result is stored by it and has the dims of the kind's result 0; the kind's
 *       further results (norm's mean ...) are then not available. Without one, result 0's dtype must be one that the kind's result type
 *       stores to (ig_stype_stores). */
typedef struct ig_request {
  ig_kind_id kind;
  uint32_t n_in, n_extra, n_out;
  ig_operand *operands;
  void *params;               /* the kind's struct, or NULL where the kind has none */
  ig_sprog prog, epi;
} ig_request;
static inline ig_operand *ig_request_in(const ig_request *r, uint32_t i) { return &r->operands[i]; }
static inline ig_operand *ig_request_extra(const ig_request *r, uint32_t i) { return &r->operands[r->n_in + i]; }
static inline ig_operand *ig_request_out(const ig_request *r, uint32_t i) { return &r->operands[r->n_in + r->n_extra + i]; }
static inline uint32_t ig_request_n_operands(const ig_request *r) { return r->n_in + r->n_extra + r->n_out; }

/* 1..n requests with internal edges, offered to tactics as one. Value numbers: 0 .. n_in are the region's inputs, then n_out outputs, then internals. */
typedef struct ig_region { ig_request *requests; uint32_t n_requests, n_in, n_out, n_values; } ig_region;

/* ---- params; F(...) lines of the kind's record describe each member ---- */
enum { IG_MOVE_NONE = 0, IG_MOVE_CONSTANT = 1, IG_MOVE_EDGE = 2, IG_MOVE_REFLECT = 3, IG_MOVE_WRAP = 4 };
/* out[i] = in[i - pad_lo] inside, else the border; input 1 (optional, rank 0) is the constant (absent: 0). NONE: dims equal, pads 0.
 * The result's dims are given, not derived: what lies past the input on the high side is padding too.
 * Works on opaque elements (strings, complex); dtypes of input and output are equal. */
typedef struct ig_move_params { int64_t border; int64_t pad_lo[IG_MAX_RANK]; /* dims */ } ig_move_params;

enum { IG_GATHER_ROWS = 0, IG_GATHER_ND = 1, IG_GATHER_ELEMENTS = 2 };
/* in: data, index (i32/i64, negative counts from the end, out of range is a data error). ROWS: ONNX Gather on axis. ND: GatherND with batch_dims. */
typedef struct ig_gather_params { int64_t mode, axis, batch_dims; } ig_gather_params;

enum { IG_SCATTER_ROWS = 0, IG_SCATTER_ND = 1, IG_SCATTER_ELEMENTS = 2 };
enum { IG_SCATTER_SET = 0, IG_SCATTER_ADD = 1, IG_SCATTER_MUL = 2, IG_SCATTER_MIN = 3, IG_SCATTER_MAX = 4 };
/* in: data, index, updates; out has data's dims and may be data in place. Deterministic: updates apply in row-major order of the index. */
typedef struct ig_scatter_params { int64_t mode, axis, reduction; } ig_scatter_params;

enum { IG_REDUCE_SUM = 0, IG_REDUCE_PROD = 1, IG_REDUCE_MIN = 2, IG_REDUCE_MAX = 3, IG_REDUCE_ARGMIN = 4, IG_REDUCE_ARGMAX = 5 };
/* axes_mask: bit k = axis k is reduced; results keep the rank with 1 there. ARG*: exactly one axis, result i64. last: ties give the last index.
 * acc: ig_stype of the accumulator (the pre-program's result type). prog (optional): over n_in inputs of equal dims. An empty
 * reduction gives the neutral element (MIN/MAX: the type's largest/smallest, infinities for floats). epi: post-program. */
typedef struct ig_reduce_params { int64_t axes_mask, op, acc, last; } ig_reduce_params;

/* over one axis; log != 0: log-softmax. scale multiplies the input first. in: x, mask (optional, added after scaling, dims of x by stride 0). acc float32 (float64 for f64). */
typedef struct ig_softmax_params { int64_t axis, log; double scale; } ig_softmax_params;

enum { IG_NORM_LAYER = 0, IG_NORM_RMS = 1, IG_NORM_L1 = 2, IG_NORM_L2 = 3 };
/* Normalises over axes axis .. rank-1 together (L1/L2: over `axis` alone). in: x, scale, bias (both optional, dims of x by stride 0), residual (optional, dims of x: x + residual is
 * normalised). out: y, mean (optional), inv_std (optional; both with normalised dims 1), sum (optional, x + residual). stash: ig_stype of the statistics. */
typedef struct ig_norm_params { int64_t axis, mode, stash; double eps; } ig_norm_params;

/* in: a [.., M, K], b [.., K, N], za (optional), zb (optional; zero points with dims of a / b by stride 0); out: c [.., M, N]; batch dims equal, by stride 0 where broadcast.
 * acc: ig_stype: F32, F64, I32 (i8/u8 inputs), I64, U64. alpha multiplies before the epilogue (floats). */
typedef struct ig_matmul_params { int64_t acc; double alpha; } ig_matmul_params;

/* in: x [N, C, spatial..], w [O, C/groups, kernel..], zx, zw (optional zero points: rank of x / w by stride 0); out [N, O, spatial..]. n_spatial 1..3.
 * in_dilation > 1: zeros between input elements (ConvTranspose, whose weights are flipped and transposed by the lowering). */
typedef struct ig_conv_params {
  int64_t n_spatial, groups, acc;
  int64_t stride[3], dilation[3], in_dilation[3];
  int64_t pad_lo[3], pad_hi[3];            /* dims (they depend on the input's size under auto_pad); may be negative with in_dilation */
} ig_conv_params;

enum { IG_WINDOW_MAX = 0, IG_WINDOW_MAX_INDEX = 1, IG_WINDOW_AVG = 2, IG_WINDOW_LP = 3, IG_WINDOW_LRN = 4, IG_WINDOW_FOLD = 5 };
/* MAX_INDEX: results y and i64 flat indices into x as ONNX MaxPool (column_major: its storage_order). AVG: count_pad: divide by the window's size inside the padded
 * extent. LP: p. out spatial dims are given by out_dims with ceil (ceil != 0: a window may start inside the input or its left padding only).
 * FOLD (ONNX Col2Im): in [N, C * prod(kernel), L], out [N, C, spatial..]; its spatial dims are given, not derived. LRN: over channels: kernel[0] = size; alpha, beta, bias. */
typedef struct ig_window_params {
  int64_t mode, n_spatial, ceil, count_pad, column_major;
  int64_t kernel[3], stride[3], dilation[3];
  int64_t pad_lo[3], pad_hi[3];            /* dims */
  double p, alpha, beta, bias;
} ig_window_params;

enum { IG_RESIZE_PREFER_FLOOR = 0, IG_RESIZE_PREFER_CEIL = 1, IG_RESIZE_FLOOR = 2, IG_RESIZE_CEIL = 3, IG_RESIZE_LINEAR = 4, IG_RESIZE_CUBIC = 5 };
enum { IG_RESIZE_HALF = 0, IG_RESIZE_SYMMETRIC = 1, IG_RESIZE_PYTORCH = 2, IG_RESIZE_ALIGN_CORNERS = 3, IG_RESIZE_ASYMMETRIC = 4, IG_RESIZE_HALF_NEAREST = 5, IG_RESIZE_CROP = 6 };
enum { IG_RESIZE_SCALES = 0, IG_RESIZE_STRETCH = 1, IG_RESIZE_NOT_LARGER = 2, IG_RESIZE_NOT_SMALLER = 3 };
/* ONNX Resize. filter: the first four pick the nearest element and take opaque elements too. axes_mask: axes resized; the others stay. rule SCALES: dims are
 * floor(in * scale) (in float); STRETCH: dims are size; NOT_LARGER, NOT_SMALLER: one scale for all axes, the least or largest size / in, and dims rounded half up.
 * CROP reads the part roi_lo..roi_hi (0..1) of each axis; what lies outside of the input is `extrapolation`. Interpolation is in float32 (float64 for f64 and
 * integers of 32 bits and more); integers are rounded half to even and saturate. */
typedef struct ig_resize_params {
  int64_t filter, coordinate, antialias, exclude_outside, axes_mask, rule;
  int64_t size[IG_MAX_RANK];               /* dims; 0 where not given */
  double scale[IG_MAX_RANK], roi_lo[IG_MAX_RANK], roi_hi[IG_MAX_RANK];
  double cubic_a, extrapolation;
} ig_resize_params;

enum { IG_ATTENTION_NAN = 0, IG_ATTENTION_ZERO_EMPTY = 1, IG_ATTENTION_ZERO_NAN = 2 };
/* softmax(scale * q * k) * v, row by row. in: q [.., Sq, D], k [.., Skv, D], v [.., Skv, Dv], then the operands of prog, each of the scores' dims
 * [.., Sq, Skv] by stride 0; batch dims equal, by stride 0 where heads share keys. out: y [.., Sq, Dv]. prog (optional): LOAD 0 = a score in the accumulator's type
 * (float32, float64 for f64), LOAD 1 + k = input 3 + k, STORE 0 = the score that softmax takes: masks, biases, caps. A row whose scores are all -inf has no
 * probabilities: empty = NAN gives NaN, ZERO_EMPTY zeros; ZERO_NAN gives zeros for every row whose probabilities are NaN. Without keys a row is zeros. */
typedef struct ig_attention_params { int64_t empty; double scale; } ig_attention_params;

enum { IG_RNN_LSTM = 0, IG_RNN_GRU = 1, IG_RNN_PLAIN = 2 };
enum { IG_ACT_RELU = 1, IG_ACT_TANH = 2, IG_ACT_SIGMOID = 3, IG_ACT_AFFINE = 4, IG_ACT_LEAKY_RELU = 5, IG_ACT_THRESHOLDED_RELU = 6, IG_ACT_SCALED_TANH = 7,
       IG_ACT_HARD_SIGMOID = 8, IG_ACT_ELU = 9, IG_ACT_SOFTSIGN = 10, IG_ACT_SOFTPLUS = 11 };
/* D = directions (1 or 2), T time, B batch, H hidden, G gates (LSTM 4 in ONNX's order i o f c; GRU 3 z r h; plain 1).
 * in: 0 xw [T, B, D, G*H] = X*W^T + Wb (+ Rb where the cell adds it outside), 1 r [D, G*H, H], 2 lengths [B] i32 (optional), 3 h0 [D, B, H] (optional), 4 c0 [D, B, H] (optional),
 * 5 peepholes [D, 3*H] in the order i o f (optional), 6 rb [D, H] recurrent bias of GRU's h gate with linear_before_reset (optional).
 * out: 0 y [T, D, B, H] (optional), 1 yh [D, B, H] (optional), 2 yc [D, B, H] (optional). Steps past a sequence's length give zeros in y.
 * reverse: bit d = direction d runs backwards. clip <= 0: none. act[d*3 + k], alpha, beta: activations f, g, h of each direction. */
typedef struct ig_rnn_params { int64_t cell, reverse, linear_before_reset, input_forget; int64_t act[6]; double alpha[6], beta[6]; double clip; } ig_rnn_params;

enum { IG_PREFIX_SUM = 0, IG_PREFIX_PROD = 1 };
/* Running sum or product along axis; exclusive: without the element itself; reverse: from the end. Accumulates in the element's compute type; integers wrap. */
typedef struct ig_prefix_params { int64_t axis, op, exclusive, reverse; } ig_prefix_params;

/* out: 0 the k largest (or smallest) elements along axis, best first, 1 their places as i64 (optional). Of equal elements the one at the lower place comes
 * first; NaN is larger than all numbers. */
typedef struct ig_sort_params { int64_t axis, largest; int64_t k; /* dim */ } ig_sort_params;

/* equal, without params. in: two tensors of strings of the same dims (by stride 0 where broadcast), compared byte by byte; out: bool. */

enum { IG_SAMPLE_NEAREST = 0, IG_SAMPLE_LINEAR = 1, IG_SAMPLE_CUBIC = 2 };
enum { IG_SAMPLE_ZEROS = 0, IG_SAMPLE_EDGE = 1, IG_SAMPLE_REFLECT = 2 };
/* ONNX GridSample. in: x [N, C, spatial..] (1 to 3 axes), grid [N, out.., axes] of coordinates -1 .. 1, the last axis' first; out [N, C, out..]. align: -1 and 1 are
 * the centres of the outermost elements, else their outer edges. */
typedef struct ig_sample_params { int64_t filter, border, align; } ig_sample_params;

/* ---- kind records ---- */
struct ig_call;
typedef enum ig_field_type { IG_FIELD_INT = 1, IG_FIELD_DIM = 2, IG_FIELD_F64 = 3 } ig_field_type;
typedef struct ig_field { const char *name; uint16_t word, count; ig_field_type type; } ig_field;  /* word: offset in the struct / 8 */
#define IG_FIELD(type_, member, ftype) { #member, offsetof(type_, member) / 8, sizeof(((type_ *)0)->member) / 8, ftype }

#define IG_KIND_EPILOGUE 1u         /* takes an epilogue */
typedef struct ig_kind_def {
  const char *name;
  ig_kind_id id;
  uint32_t flags;
  uint32_t min_in, max_in, min_out, max_out;   /* operands, optional ones (IG_NO_VALUE) counted */
  uint32_t params_size;                        /* bytes; 0 = none */
  const ig_field *fields; uint32_t n_fields;
  /* Shape rule: fills out[i][0 .. rank) for each result i from the inputs' dims and the params; out_rank[i] too. May record guards.
   * The only place where the kind's shapes are written; also validates ranks, dtypes and dims that must agree. node = name for messages. */
  ig_status (*out_dims)(const ig_request *r, ig_dims *t, const char *node, ig_dim (*out)[IG_MAX_RANK], uint8_t *out_rank);
  double (*flops)(const struct ig_call *c);    /* of a bound call; NULL = one per result element per program instruction */
} ig_kind_def;
const ig_kind_def *ig_kind(ig_kind_id id);             /* NULL if unknown */
const ig_kind_def *ig_kind_by_name(const char *name);
extern const ig_kind_def *const ig_kinds[]; extern const uint32_t ig_n_kinds;

/* Compute type of the kind's own result 0 before it is stored (what an epilogue's LOAD 0 gives); 0 where elements are opaque. in0 = dtype of
 * input 0. For map, the type of its input: maps have no epilogue. */
ig_stype ig_kind_result_type(ig_kind_id kind, const void *params, ig_dtype in0);

/* Whole validity of a request against its record: counts, dtypes, params in range, programs (ig_sprog_check), results' dims == out_dims. */
IG_MUST_USE ig_status ig_request_check(const ig_request *r, ig_dims *t, const char *node);
void ig_request_print(const ig_request *r, const ig_dims *t, ig_buf *out);   /* one line; canonical: also what tuning keys hash */
/* Fills strides (compact row-major of dims) and offset 0. */
IG_MUST_USE ig_status ig_operand_compact(ig_operand *o, ig_dims *t);
/* Splits the epilogue off: *out_main = r without it, storing to a compact value of the accumulator's dtype numbered `internal`; *out_map = the map request that does the rest. */
IG_MUST_USE ig_status ig_request_split(const ig_request *r, ig_dims *t, ig_arena *a, uint32_t internal, ig_request *out_main, ig_request *out_map);

/* Packed constants hold every logical element of their operand, except that these axes are stored once where they are broadcast (stride 0):
 * the batch axes of a product, whose extent may even be unknown. */
static inline bool ig_packed_once(ig_kind_id kind, uint32_t rank, uint32_t axis) { return kind == IG_KIND_matmul && axis + 2 < rank; }

/* ---- bound calls ---- */
typedef struct ig_view {
  void *data;                 /* address of element 0 of the buffer plus offset, in bytes where the dtype has whole bytes; sub-byte: see first */
  ig_dtype dtype;
  uint8_t rank, block_axis;
  uint16_t block;
  uint32_t first;             /* sub-byte dtypes: elements to skip from data (0 or 1..3) */
  int64_t dims[IG_MAX_RANK], strides[IG_MAX_RANK];
  const ig_format *format;    /* packed weights: how data is laid out (strides then describe the plain form and must not be used); NULL = plain */
} ig_view;

/* Data errors on any device: first one wins; the run ends with IG_ERROR_DATA naming the step's node. */
typedef struct ig_error_word { _Atomic uint64_t word; } ig_error_word;   /* 0 = none; else step << 32 | reason */
enum { IG_DATA_INDEX_OUT_OF_RANGE = 1 };
static inline void ig_error_report(ig_error_word *e, uint32_t step, uint32_t reason) {
  uint64_t expected = 0;
  atomic_compare_exchange_strong_explicit(&e->word, &expected, (uint64_t)step << 32 | reason, memory_order_relaxed, memory_order_relaxed);
}

typedef struct ig_call {
  ig_kind_id kind;
  uint32_t n_in, n_extra, n_out;
  const ig_view *v;           /* inputs, extras, results; an operand left out has data NULL and dtype IG_DTYPE_NONE */
  const void *params;         /* dims evaluated */
  ig_sprog prog, epi;         /* DIM replaced by CONST */
  const void *config;         /* the tactic's own choice at build time (offer.config), or NULL */
  void *scratch; size_t scratch_size;   /* 64-byte aligned */
  ig_error_word *error; uint32_t step;
} ig_call;
static inline const ig_view *ig_call_in(const ig_call *c, uint32_t i) { return &c->v[i]; }
static inline const ig_view *ig_call_extra(const ig_call *c, uint32_t i) { return &c->v[c->n_in + i]; }
static inline const ig_view *ig_call_out(const ig_call *c, uint32_t i) { return &c->v[c->n_in + c->n_extra + i]; }
static inline bool ig_view_present(const ig_view *v) { return v->dtype != IG_DTYPE_NONE; }
int64_t ig_view_count(const ig_view *v);                 /* product of dims */
bool ig_view_is_compact(const ig_view *v);               /* row-major, no gaps, plain, not blocked */
/* Lowest and one past the highest byte, relative to the buffer, that the operand can touch. False on overflow. */
bool ig_operand_reach(const int64_t *dims, const int64_t *strides, uint32_t rank, uint32_t block_axis, uint32_t block, int64_t offset, ig_dtype dtype, int64_t *out_lo, int64_t *out_hi);
#endif
