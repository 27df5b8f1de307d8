/* Inside of the importer: its state, scopes of names, and what its files call of each other.
 *
 * A frame is one body of nodes with its operator sets: the model's, or one call of a model-local function. A scope is one graph's (or call's)
 * table of names; look-up goes outwards through `outer`, and a function's scope has none. Inlining puts a function's nodes into the graph
 * of the call, so scopes and graphs are two things.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_ONNX_IMPORT_H
#define IG_ONNX_IMPORT_H
#include "onnx/messages.h"
#include "onnx/onnx.h"

typedef struct ig_onnx_opsets { const ig_opset_version *data; uint32_t n; } ig_onnx_opsets;

typedef struct ig_onnx_function {
  const char *domain, *name, *overload;
  ig_pb_function proto;
  ig_onnx_opsets opsets;
  bool active;                               /* being inlined: a call of it now is recursion */
} ig_onnx_function;

struct ig_onnx_scope;
typedef struct ig_onnx_frame {
  const ig_onnx_function *function;          /* NULL = the model */
  const ig_pb_node *call;                    /* whose attributes the body may refer to */
  struct ig_onnx_scope *caller;
  ig_onnx_opsets opsets;
  const char *prefix;                        /* of names in the body: "" or "call/" */
} ig_onnx_frame;

typedef struct ig_onnx_scope {
  const struct ig_onnx_scope *outer;
  const ig_onnx_frame *frame;
  ig_graph *graph;
  ig_strmap names;                           /* -> ig_val, or the importer's `absent` */
} ig_onnx_scope;

typedef struct ig_onnx_external { const char *location; const uint8_t *data; size_t size; } ig_onnx_external;

typedef struct ig_onnx_importer {
  ig_env *env;
  const ig_allocator *alloc;
  ig_arena *arena;                           /* the ir's */
  ig_ir *ir;
  ig_onnx_limits limits;
  ig_onnx_sources *sources;                  /* NULL: external data is refused */
  const char *data_dir, *real_dir;
  IG_VEC(ig_onnx_external) externals;
  ig_strmap strings;                         /* interned names */
  ig_buf scratch;
  ig_strmap symbols;                         /* dim_param -> ig_dim */
  ig_strmap functions;                       /* "domain\nname\noverload" -> ig_onnx_function */
  ig_val absent;                             /* stands for an optional input left out of a function's call */
  uint32_t depth;                            /* graphs and calls around */
  bool in_function;
  uint64_t n_written, n_nodes, n_inlined, n_edges;
  uint64_t work_left;                        /* bytes that may still be read again for calls of functions */
  bool copy_all;                             /* nothing may point into the input; the arena's limit is its owner's */
  size_t raw_budget;                         /* bytes of raw data that may still be copied on top of the memory limit */
} ig_onnx_importer;

/* What a NULL out of the arena or the ir stands for. */
IG_MUST_USE ig_status ig_onnx_no_memory(const ig_onnx_importer *im);
#define IG_ONNX_CHECK_MEM(im, p) do { if (!(p)) return ig_onnx_no_memory(im); } while (0)
/* Name or similar as a C string, one copy for equal ones. Refuses NUL, bad UTF-8 and more than 65,535 bytes; absent gives "". Lives in the arena. */
IG_MUST_USE ig_status ig_onnx_string(ig_onnx_importer *im, ig_wire_bytes b, const char **out);
/* Takes the bytes of a list that is read again for a call from what is left; the limit is 'inlining'. */
IG_MUST_USE ig_status ig_onnx_reread(ig_onnx_importer *im, const ig_wire_list *l);
/* Opens and closes one level of graphs and calls. */
IG_MUST_USE ig_status ig_onnx_enter(ig_onnx_importer *im, const char *what, const char *name);
void ig_onnx_leave(ig_onnx_importer *im);

/* ---- model.c ---- */
IG_MUST_USE ig_status ig_onnx_read_opsets(ig_onnx_importer *im, const ig_wire_list *list, ig_onnx_opsets *out);
/* Version in force, 0 if the domain is not imported. A function that does not import a domain has the model's. */
int64_t ig_onnx_opset_of(const ig_onnx_importer *im, const ig_onnx_frame *f, const char *domain);

/* ---- graph.c ---- */
/* The value that `name` means here, NULL if none; *out_absent: an input left out of the function's call. */
ig_val *ig_onnx_lookup(const ig_onnx_importer *im, const ig_onnx_scope *s, const char *name, bool *out_absent);
IG_MUST_USE ig_status ig_onnx_declare(ig_onnx_importer *im, ig_onnx_scope *s, const char *name, ig_val *v);
/* outer NULL: the main graph. parent: the graph that the new one lies in. */
IG_MUST_USE ig_status ig_onnx_import_graph(ig_onnx_importer *im, const ig_onnx_frame *frame, const ig_onnx_scope *outer, ig_graph *parent,
                                           ig_wire_bytes bytes, ig_graph **out);

/* ---- node.c ---- */
/* A node's name, or its first result's where it has none, with the frame's prefix. */
IG_MUST_USE ig_status ig_onnx_node_name(ig_onnx_importer *im, const ig_onnx_frame *f, const ig_pb_node *p, const char **out);
IG_MUST_USE ig_status ig_onnx_import_nodes(ig_onnx_importer *im, ig_onnx_scope *s, const ig_wire_list *nodes);

/* ---- order.c ---- */
/* Counts the nodes and edges against the limits, and gives the nodes in an order where every use comes after its definition. *out_order stays NULL
 * where they already are; else n slices, to be freed by the caller. */
IG_MUST_USE ig_status ig_onnx_order(ig_onnx_importer *im, const ig_onnx_frame *frame, const ig_wire_list *nodes, ig_wire_bytes **out_order);

/* ---- function.c ---- */
IG_MUST_USE ig_status ig_onnx_read_functions(ig_onnx_importer *im, const ig_wire_list *list);
IG_MUST_USE ig_status ig_onnx_find_function(ig_onnx_importer *im, const char *domain, const char *name, const char *overload, ig_onnx_function **out);
/* Puts the body in the place of the call. in: entries NULL = left out. Results are declared in s. */
IG_MUST_USE ig_status ig_onnx_inline(ig_onnx_importer *im, ig_onnx_scope *s, ig_onnx_function *f, const ig_pb_node *call, const char *call_name,
                                     ig_val *const *in, uint32_t n_in, const char *const *out, uint32_t n_out);

/* ---- attr.c ---- */
/* One attribute; *out_given false: a function's attribute that the call leaves out. Graphs in it see s. */
IG_MUST_USE ig_status ig_onnx_read_attr(ig_onnx_importer *im, const ig_onnx_scope *s, ig_graph *graph, ig_wire_bytes bytes, ig_ir_attr *out,
                                        bool *out_given);

/* ---- tensor.c ---- */
/* What this version does not know: UNSUPPORTED_DATATYPE, UNSUPPORTED_SHAPE. what: "input", "tensor". */
IG_MUST_USE ig_status ig_onnx_unknown_type(const char *what, const char *name, int64_t onnx_type);
IG_MUST_USE ig_status ig_onnx_too_many_dims(const char *what, const char *name, uint64_t rank);
IG_MUST_USE ig_status ig_onnx_tensor(ig_onnx_importer *im, ig_wire_bytes bytes, const char **out_name, ig_data *out);
/* ---- sparse.c ---- */
IG_MUST_USE ig_status ig_onnx_sparse(ig_onnx_importer *im, ig_wire_bytes bytes, const char **out_name, ig_data *out);
/* ---- external.c ---- */
IG_MUST_USE ig_status ig_onnx_external_bytes(ig_onnx_importer *im, const char *tensor, const ig_pb_tensor *t, size_t n_bytes, const uint8_t **out);
/* Rejects sizes: negative dims, more elements than the limit. `what` opens the message. */
IG_MUST_USE ig_status ig_onnx_check_dims(const ig_onnx_importer *im, const char *what, const char *name, const int64_t *dims, uint32_t rank,
                                         uint64_t *out_n);
/* ---- sniff.c ---- */
/* Names files that are no ONNX model by their first bytes; NULL if nothing is recognised. */
IG_MUST_USE ig_status ig_onnx_sniff(const void *bytes, size_t n_bytes);
#endif
