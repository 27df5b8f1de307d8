/* The graph: one structure for three stages (IMPORTED, CANONICAL, LOWERED), whose legality per stage is ir/verify.c's.
 *
 * An ig_ir owns everything: one arena, one table of dims, the main graph and its sub-graphs. Values are in SSA form; a sub-graph's nodes
 * may use values of the graphs around it. Nodes form a list in execution order (every use after its definition). Nothing is freed
 * before the whole: rewriting sets `forward` on a value that was replaced, and readers go through ig_node_in().
 * Failures while building are sticky nowhere here: every function returns a status or NULL for lack of memory (ig_arena_status).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_IR_GRAPH_H
#define IG_IR_GRAPH_H
#include "base/env.h"
#include "kern/request.h"

typedef enum ig_stage { IG_STAGE_IMPORTED = 1, IG_STAGE_CANONICAL = 2, IG_STAGE_LOWERED = 3 } ig_stage;
typedef struct ig_ir ig_ir;
typedef struct ig_graph ig_graph;
typedef struct ig_node ig_node;
typedef struct ig_val ig_val;
typedef struct ig_op ig_op;

/* Constant contents: compact row-major, little-endian; sub-byte types packed. Immutable; bytes live as long as the ig_ir (arena, the mapped model, or external data). */
typedef struct ig_data { ig_dtype dtype; uint8_t rank; int64_t dims[IG_MAX_RANK]; const void *bytes; size_t n_bytes; } ig_data;

typedef enum ig_val_kind { IG_VAL_TENSOR = 0, IG_VAL_SEQUENCE = 1, IG_VAL_OPTIONAL = 2, IG_VAL_MAP = 3 } ig_val_kind;
struct ig_val {
  const char *name;            /* unique in the ig_ir */
  uint32_t id;
  ig_val_kind kind;
  ig_dtype dtype;              /* IG_DTYPE_NONE = not known yet */
  int8_t rank;                 /* -1 = not known yet */
  ig_dim dims[IG_MAX_RANK];
  const ig_data *data;         /* contents of a constant, else NULL */
  const ig_dim *elems;         /* contents of a small integer tensor (rank 0 or 1, at most 64 elements) as dims, else NULL; IG_DIM_BAD entries = unknown */
  uint32_t n_elems;
  ig_node *producer;           /* NULL: graph input, constant, or captured from outside */
  ig_graph *graph;             /* where it is defined */
  uint32_t index;              /* which result of the producer, or which input of the graph */
  ig_val *forward;             /* replaced by this one */
};

typedef enum ig_attr_type {
  IG_ATTR_INT = 1, IG_ATTR_FLOAT, IG_ATTR_STRING, IG_ATTR_INTS, IG_ATTR_FLOATS, IG_ATTR_STRINGS, IG_ATTR_TENSOR, IG_ATTR_GRAPH, IG_ATTR_TENSORS, IG_ATTR_GRAPHS,
  IG_ATTR_REF /* of a function's attribute: s names it */
} ig_attr_type_id;
typedef struct ig_ir_attr {
  const char *name;
  ig_attr_type_id type;
  uint32_t n;                  /* elements of the list types; length of s */
  union {
    int64_t i; float f; const char *s; const int64_t *ints; const float *floats; const char *const *strings;
    const ig_data *tensor; ig_graph *graph; ig_graph *const *graphs;
  } v;
} ig_ir_attr;

typedef enum ig_form { IG_FORM_OP = 0, IG_FORM_KERNEL = 1, IG_FORM_VIEW = 2, IG_FORM_IF = 3, IG_FORM_TRAP = 4 } ig_form;

/* LOWERED view of in[0]; the result's dims are the target's. Kept as nodes until formats are chosen. */
typedef enum ig_view_op { IG_VIEW_RESHAPE = 1, IG_VIEW_PERMUTE = 2, IG_VIEW_SLICE = 3, IG_VIEW_EXPAND = 4, IG_VIEW_BITCAST = 5 } ig_view_op;
typedef struct ig_view_spec {
  ig_view_op op;
  uint8_t perm[IG_MAX_RANK];               /* PERMUTE: result axis k is input axis perm[k] */
  ig_dim start[IG_MAX_RANK];               /* SLICE: first element of each axis */
  int64_t step[IG_MAX_RANK];               /* SLICE: constant, not 0, may be negative */
} ig_view_spec;                            /* EXPAND: right-aligned, extents of 1 (or missing) get stride 0 */

struct ig_node {
  const char *name;            /* the exporter's, or derived from the first result; shown in every message */
  const char *sources;         /* names of the original nodes merged into it, comma-separated; NULL = name */
  ig_form form;
  const ig_op *op;             /* FORM_OP; NULL while the operator is unknown (then domain and type say what it was) */
  const char *domain, *type;   /* operator as written; "" domain = ai.onnx */
  int64_t opset;               /* version in force for the node's domain when imported */
  ig_val **in; uint32_t n_in;  /* entry NULL = optional input left out */
  ig_val **out; uint32_t n_out;/* entry NULL = result not wanted */
  ig_ir_attr *attrs; uint32_t n_attrs;
  ig_region *region;           /* FORM_KERNEL: value numbers 0.. are in[], then out[], then internals */
  ig_view_spec view;           /* FORM_VIEW */
  ig_graph *arms[2];           /* FORM_IF: then, else; in[0] is the condition; arms' outputs match out[] */
  ig_dim cond;                 /* FORM_IF: the condition (not 0) where dims decide it; there is no in[0] then */
  const char *trap;            /* FORM_TRAP: message */
  ig_graph *graph;
  ig_node *prev, *next;
  uint32_t mark;               /* scratch of the current walk */
};

struct ig_graph {
  ig_ir *ir;
  ig_graph *parent;            /* NULL = main */
  const char *name;
  ig_node *first, *last; uint32_t n_nodes;
  ig_val **inputs; uint32_t n_inputs;
  ig_val **outputs; uint32_t n_outputs;      /* output names as declared are in output_names */
  const char **output_names;
  uint32_t scope;              /* of the guards that its nodes assume (kern/dim.h): 0 for the main graph, a number of its own for any other */
};

typedef struct ig_opset_version { const char *domain; int64_t version; } ig_opset_version;
typedef struct ig_prop { const char *key, *value; } ig_prop;
/* One line of the story that --explain tells: a rewrite done, or a near miss (root matched, the named condition failed). */
typedef struct ig_event { const char *pass, *node, *text; bool near_miss; } ig_event;

struct ig_ir {
  ig_env *env;
  ig_arena arena;
  ig_dims dims;
  ig_stage stage;
  ig_graph *main;
  const ig_opset_version *opsets; uint32_t n_opsets;
  const ig_prop *props; uint32_t n_props;    /* metadata_props */
  int64_t ir_version; const char *producer;
  IG_VEC(ig_event) events;
  ig_strmap near_misses;                     /* those recorded, so that passes run again do not repeat them */
  uint32_t next_id;
  uint32_t n_scopes;                         /* given to graphs so far */
  uint32_t n_duplications;                   /* of what follows an If (opt/duplicate_rest.c) */
  uint32_t n_total_nodes;
  uint64_t next_suffix;                      /* of names whose own id did not make them unique */
  int64_t fold_bytes_left;                   /* what folding may still add to the arena (opt/fold.c) */
  int64_t n_rewrites;                        /* applied so far, of a limited number (opt/pass.h) */
  ig_strmap names;                           /* value names taken */
};

IG_MUST_USE ig_status ig_ir_create(ig_env *env, size_t memory_limit, ig_ir **out_ir);
void ig_ir_destroy(ig_ir *ir);
/* A deep copy (bytes of constants are shared with the source, which must outlive it). */
IG_MUST_USE ig_status ig_ir_clone(const ig_ir *src, ig_ir **out_ir);
/* Appends copies of `first` and all nodes behind it to `to`, a graph of the same ig_ir in which what they use is visible. map, by value
 * id: a value of the source and the one to use for it; entries of copied results are added. What map does not name stays shared. */
IG_MUST_USE ig_status ig_graph_clone_nodes(const ig_node *first, ig_graph *to, ig_val **map);
/* parent NULL: becomes ir->main where there is none yet. */
ig_graph *ig_graph_new(ig_ir *ir, ig_graph *parent, const char *name);
/* name NULL or taken: a fresh one is derived. The value belongs to g; neither input nor produced yet. */
ig_val *ig_val_new(ig_graph *g, const char *name);
ig_val *ig_val_const(ig_graph *g, const char *name, const ig_data *d);          /* dtype, dims, data, elems (small ints) set */
/* Copies bytes into the arena and makes the constant. */
ig_val *ig_val_const_bytes(ig_graph *g, const char *name, ig_dtype dtype, uint8_t rank, const int64_t *dims, const void *bytes);
ig_val *ig_val_const_i64(ig_graph *g, const int64_t *v, size_t n);              /* rank 1 */
void ig_val_set_type(ig_val *v, ig_dtype dtype, int rank, const ig_dim *dims);
/* Guards are from now on g's; returns the scope to go back to. */
static inline uint32_t ig_graph_enter(const ig_graph *g) { const uint32_t before = g->ir->dims.scope; g->ir->dims.scope = g->scope; return before; }
/* Follows forward; in may be NULL. */
static inline ig_val *ig_val_resolve(ig_val *v) { while (v && v->forward) v = v->forward; return v; }
static inline ig_val *ig_node_in(const ig_node *n, uint32_t i) { return i < n->n_in ? ig_val_resolve(n->in[i]) : NULL; }
static inline ig_val *ig_node_out(const ig_node *n, uint32_t i) { return i < n->n_out ? n->out[i] : NULL; }
static inline ig_val *ig_graph_output(const ig_graph *g, uint32_t i) { return ig_val_resolve(g->outputs[i]); }
bool ig_val_is_const(const ig_val *v);
/* Gives v another name (a fresh one is derived from it where it is taken); false when memory is out. */
bool ig_val_rename(ig_val *v, const char *name);
/* Swaps the names of two values: a replacement goes on under the name that messages and tests know. False when memory is out. */
bool ig_val_swap_names(ig_val *a, ig_val *b);
/* Makes v the constant d: dtype, dims, data, elems; false when memory is out. */
bool ig_val_set_data(ig_val *v, const ig_data *d);
#define IG_MAX_ELEMS 64                               /* longest integer tensor whose elements are followed as dims */
/* Element i of an integer or bool tensor; false for other types and where it does not fit int64_t. */
bool ig_data_int(const ig_data *d, size_t i, int64_t *out);
bool ig_data_count(const ig_data *d, int64_t *out);   /* product of the dims; false when negative or overflowing */
/* New node before `before` (NULL = at the end), results made with fresh names (ig_val_rename; a result that is not wanted: out[i] = NULL). in[] is copied.
 * name NULL: the first result's. */
ig_node *ig_node_new(ig_graph *g, ig_node *before, const char *name, ig_form form, ig_val *const *in, uint32_t n_in, uint32_t n_out);
void ig_node_remove(ig_node *n);                      /* from the list; results keep existing for forwards */
void ig_node_move(ig_node *n, ig_graph *g, ig_node *before);   /* with its results, to before `before` of g (NULL = end); g of the same ig_ir */
/* Sub-graph i of n (arms, then graph attributes), NULL past the last. */
ig_graph *ig_node_subgraph(const ig_node *n, uint32_t i);
const ig_ir_attr *ig_node_attr(const ig_node *n, const char *name);
int64_t ig_node_attr_i(const ig_node *n, const char *name, int64_t def);
float ig_node_attr_f(const ig_node *n, const char *name, float def);
const char *ig_node_attr_s(const ig_node *n, const char *name, const char *def);
/* NULL and *out_n = 0 when absent */
const int64_t *ig_node_attr_ints(const ig_node *n, const char *name, uint32_t *out_n);
IG_MUST_USE ig_status ig_node_set_attr(ig_node *n, const ig_ir_attr *a);   /* adds or replaces; name copied, payload borrowed */
/* Number of uses of every value, written to uses[id] (array of ir->next_id); graph outputs count as one use each; sub-graphs included. */
void ig_graph_count_uses(const ig_graph *g, uint32_t *uses);
/* Status with node name and operator in front. */
#define IG_NODE_FAIL(node, code, ...) return ig_status_node((code), (node)->name, (node)->type, __VA_ARGS__)
#define IG_NODE_REQUIRE(node, cond, code, ...) do { if (!(cond)) IG_NODE_FAIL(node, code, __VA_ARGS__); } while (0)
IG_MUST_USE ig_status ig_ir_event(ig_ir *ir, const char *pass, const ig_node *n, bool near_miss, const char *fmt, ...) IG_PRINTF(5, 6);

/* ir/verify.c: SSA, order, types, stage legality, requests (ig_request_check) and views; the first violation. */
IG_MUST_USE ig_status ig_ir_verify(ig_ir *ir);
/* ir/text.c: the text form; print and parse are inverse (large constants are printed as hash and, with `full`, base64). */
void ig_ir_print(ig_ir *ir, bool full, ig_buf *out);
IG_MUST_USE ig_status ig_ir_parse(ig_env *env, const char *text, size_t n, ig_ir **out_ir);
#endif
