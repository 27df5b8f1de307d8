/* Dimension expressions: the one arithmetic of shapes, strides, offsets and bounds, at build time and at bind.
 *
 * A table (ig_dims) holds interned nodes; an ig_dim is an index into it. Equal canonical forms have equal indices: sums of products with
 * exact division, so that (384*b*s) / (32*b*s) is 12. Constructors fold, simplify with the symbols' ranges and never fail loudly:
 * overflow, division by zero and lack of memory give IG_DIM_BAD, which every constructor passes on, and the table remembers the first
 * cause (ig_dims_take_error). The same node layout goes into the engine file and is evaluated at bind in one pass, in index order.
 * A table belongs to one thread at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_KERN_DIM_H
#define IG_KERN_DIM_H
#include "base/util.h"

typedef uint32_t ig_dim;
#define IG_DIM_BAD 0u       /* no value: an error happened, or the dim is not known */

/* Numbers are part of the engine file. */
typedef enum ig_dim_op {
  IG_DIM_CONST = 1,    /* imm                                    */
  IG_DIM_SYMBOL = 2,   /* a = symbol index                       */
  IG_DIM_ADD = 3, IG_DIM_MUL = 4,
  IG_DIM_FLOORDIV = 5, IG_DIM_CEILDIV = 6, IG_DIM_MOD = 7,   /* divisor != 0; MOD has the divisor's sign */
  IG_DIM_MIN = 8, IG_DIM_MAX = 9,
  IG_DIM_EQ = 10, IG_DIM_GE = 11,         /* 0 or 1 */
  IG_DIM_SELECT = 12,  /* a != 0 ? b : c */
  IG_DIM_SCALE = 13,   /* floor(a * f), imm = bits of the double f, computed in float as ONNX Resize does if c == 1, else in double */
  IG_DIM_BROADCAST = 14 /* a == 1 ? b : a, with the guard a == b || a == 1 || b == 1 recorded separately */
} ig_dim_op;

/* On disk as it is (little-endian): 24 bytes. Operands have smaller indices than the node itself. */
typedef struct ig_dim_node { uint16_t op; uint16_t flags; uint32_t a, b, c; int64_t imm; } ig_dim_node;

typedef enum ig_symbol_sort { IG_SYMBOL_INPUT = 1, IG_SYMBOL_VALUE = 2, IG_SYMBOL_PRODUCED = 3 } ig_symbol_sort;
/* INPUT: dim `axis` of graph input `io`. VALUE: element `axis` of graph input `io` (read on the host at bind).
 * PRODUCED: written by a step while running. Values lie within [min, max] over the profiles (IG_DIM_UNBOUNDED above if not known). */
#define IG_DIM_UNBOUNDED ((int64_t)1 << 40)
typedef struct ig_symbol { const char *name; ig_symbol_sort sort; uint32_t io, axis; int64_t min, max, opt; } ig_symbol;

/* a REL b must hold at bind, else IG_ERROR_SHAPE naming node and the two values. */
typedef enum ig_guard_rel { IG_GUARD_EQ = 1, IG_GUARD_GE = 2, IG_GUARD_BROADCAST = 3 /* a == b or either is 1 */ } ig_guard_rel;
/* scope: the part of the graph in which it is assumed, 0 = all of it; an arm of an If has one of its own (ig_graph) and its guards count only where it is taken. */
typedef struct ig_guard { ig_guard_rel rel; ig_dim a, b; const char *node; const char *what; uint32_t scope; } ig_guard;

typedef struct ig_dim_span { int64_t min, max; } ig_dim_span;

/* d >= min, which guard number `guard` (counted from 1) sees to at bind. */
typedef struct ig_dim_fact { ig_dim d; uint32_t guard; int64_t min; } ig_dim_fact;

typedef struct ig_dims {
  const ig_allocator *alloc;
  ig_arena *arena;                     /* strings of symbols and guards */
  IG_VEC(ig_dim_node) nodes;           /* nodes.data[0] is unused (IG_DIM_BAD) */
  IG_VEC(ig_symbol) symbols;
  IG_VEC(ig_guard) guards;
  IG_VEC(ig_dim_fact) facts;           /* by d; spans rest on them */
  uint32_t scope;                      /* of the guards recorded from now on; whoever sets it puts it back */
  IG_VEC(ig_dim_span) spans;           /* of each node, found once when it is made; INT64_MIN and INT64_MAX are "no bound" */
  uint32_t *table; size_t table_cap;   /* interning */
  uint32_t *guard_table; size_t guard_table_cap;
  size_t max_nodes;                    /* limit; 0 = 1 M */
  ig_status error;                     /* first failure since the last take */
} ig_dims;
void ig_dims_init(ig_dims *t, const ig_allocator *alloc, ig_arena *arena);
void ig_dims_free(ig_dims *t);
/* Empties the table and keeps its memory, so that filling it again the same way allocates nothing. */
void ig_dims_clear(ig_dims *t);
/* Makes `to`, just initialised, the same table: equal indices, strings shared with `from`, whose arena must live on. */
IG_MUST_USE ig_status ig_dims_copy(const ig_dims *from, ig_dims *to);
/* Takes back the guards recorded since there were n. */
void ig_dims_drop_guards(ig_dims *t, size_t n);
/* Guards of scope `from` are from now on of scope `to`; IG_NO_SCOPE drops them. */
#define IG_NO_SCOPE UINT32_MAX
void ig_dims_move_guards(ig_dims *t, uint32_t from, uint32_t to);
/* The first failure since the last call (caller owns it), NULL if none. Call after a group of constructions. */
IG_MUST_USE ig_status ig_dims_take_error(ig_dims *t);

/* Every call makes a new symbol (names need not differ); name is copied. min..max narrow the range; min == max makes every later use the constant. Returns IG_DIM_BAD on failure. */
ig_dim ig_dims_symbol(ig_dims *t, const char *name, ig_symbol_sort sort, uint32_t io, uint32_t axis, int64_t min, int64_t max);
ig_dim ig_dim_const(ig_dims *t, int64_t v);
ig_dim ig_dim_add(ig_dims *t, ig_dim a, ig_dim b);
ig_dim ig_dim_sub(ig_dims *t, ig_dim a, ig_dim b);
ig_dim ig_dim_mul(ig_dims *t, ig_dim a, ig_dim b);
ig_dim ig_dim_floordiv(ig_dims *t, ig_dim a, ig_dim b);
ig_dim ig_dim_ceildiv(ig_dims *t, ig_dim a, ig_dim b);
ig_dim ig_dim_mod(ig_dims *t, ig_dim a, ig_dim b);
ig_dim ig_dim_min(ig_dims *t, ig_dim a, ig_dim b);
ig_dim ig_dim_max(ig_dims *t, ig_dim a, ig_dim b);
ig_dim ig_dim_eq(ig_dims *t, ig_dim a, ig_dim b);
ig_dim ig_dim_ge(ig_dims *t, ig_dim a, ig_dim b);
ig_dim ig_dim_select(ig_dims *t, ig_dim cond, ig_dim a, ig_dim b);
ig_dim ig_dim_scale(ig_dims *t, ig_dim a, double f, bool in_float);
static inline ig_dim ig_dim_add_c(ig_dims *t, ig_dim a, int64_t c) { return ig_dim_add(t, a, ig_dim_const(t, c)); }
static inline ig_dim ig_dim_mul_c(ig_dims *t, ig_dim a, int64_t c) { return ig_dim_mul(t, a, ig_dim_const(t, c)); }
/* Product of n dims (1 for n = 0). */
ig_dim ig_dim_product(ig_dims *t, const ig_dim *d, size_t n);
/* Broadcast of two dims: the other where one is the constant 1; equal ones give themselves; two constants that differ are IG_ERROR_SHAPE
 * (a BAD_MODEL of the caller to word); else a BROADCAST node with a guard naming `node`. */
ig_dim ig_dim_broadcast(ig_dims *t, ig_dim a, ig_dim b, const char *node);

bool ig_dim_is_const(const ig_dims *t, ig_dim d, int64_t *out);        /* out may be NULL */
static inline bool ig_dim_equals(const ig_dims *t, ig_dim d, int64_t v) { int64_t c; return ig_dim_is_const(t, d, &c) && c == v; }
/* Interval arithmetic over the symbols' ranges; saturates at +-IG_DIM_UNBOUNDED. */
void ig_dim_range(const ig_dims *t, ig_dim d, int64_t *out_min, int64_t *out_max);
/* After symbols' min or max were changed in place: brings the ranges of all expressions up to date. Expressions made before keep the form
 * that the older ranges allowed, so ranges may be narrowed for good only before inference; for a question (placement) they may change for a while. */
void ig_dims_ranges_changed(ig_dims *t);
/* 1 proved true, 0 proved false, -1 undecided. */
int ig_dim_prove_eq(ig_dims *t, ig_dim a, ig_dim b);
int ig_dim_prove_ge(ig_dims *t, ig_dim a, ig_dim b);
/* Assumes a == b: nothing if proved, IG_ERROR_SHAPE if refuted, else a guard (deduplicated). Returns the simpler of the two in *out_d
 * (out_d may be NULL). */
IG_MUST_USE ig_status ig_dims_assume_equal(ig_dims *t, ig_dim a, ig_dim b, const char *node, const char *what, ig_dim *out_d);
/* What was made before a guard keeps its form; what is made after it may rest on an a >= constant that the guard sees to. */
IG_MUST_USE ig_status ig_dims_guard(ig_dims *t, ig_guard_rel rel, ig_dim a, ig_dim b, const char *node, const char *what);
/* "batch*12 + 3"; appended to out. */
void ig_dim_print(const ig_dims *t, ig_dim d, ig_buf *out);
/* Parses what print writes; symbols by name. IG_DIM_BAD with an error recorded on failure. */
ig_dim ig_dim_parse(ig_dims *t, const char *text, size_t n);

/* Evaluates all nodes in order into out_values[n_nodes] (index 0 = 0). Overflow, division by zero: IG_ERROR_SHAPE. Allocates nothing
 * on success. Works on bare arrays, so the runtime calls it on the engine's tables. */
IG_MUST_USE ig_status ig_dims_eval(const ig_dim_node *nodes, size_t n_nodes, const int64_t *symbol_values, size_t n_symbols, int64_t *out_values);
/* The same for engines, whose untaken arms need not make sense at the shapes at hand: nodes that do not evaluate, and what rests on them,
 * give IG_DIM_UNDEFINED. What is malformed fails all the same. */
#define IG_DIM_UNDEFINED INT64_MIN
IG_MUST_USE ig_status ig_dims_eval_defined(const ig_dim_node *nodes, size_t n_nodes, const int64_t *symbol_values, size_t n_symbols, int64_t *out_values);
/* For cost guesses and sizes of buffers: nodes that do not evaluate give 0. */
void ig_dims_estimate(const ig_dim_node *nodes, size_t n_nodes, const int64_t *symbol_values, size_t n_symbols, int64_t *out_values);
#endif
