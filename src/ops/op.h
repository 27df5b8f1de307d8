/* Operator records: everything Ingot knows of an ONNX operator, in one const struct, listed once in ops.def.
 *
 * Importer, verifier, printer, `ingot check`, documentation and the test generator all walk the record. To add an operator: write its
 * record (one file per operator or tight family), add its line to ops.def. Canonical form = the newest opset's: `import` turns older
 * spellings into it and is the only place that knows of versions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_OPS_OP_H
#define IG_OPS_OP_H
#include "ir/graph.h"

/* Sets of dtypes, one bit each. */
typedef uint32_t ig_types;
enum { IG_TB_I8, IG_TB_I16, IG_TB_I32, IG_TB_I64, IG_TB_U8, IG_TB_U16, IG_TB_U32, IG_TB_U64, IG_TB_F16, IG_TB_F32, IG_TB_F64, IG_TB_BF16, IG_TB_BOOL, IG_TB_STRING, IG_TB_C64, IG_TB_C128,
       IG_TB_E4M3FN, IG_TB_E4M3FNUZ, IG_TB_E5M2, IG_TB_E5M2FNUZ, IG_TB_E8M0, IG_TB_F4, IG_TB_I4, IG_TB_U4, IG_TB_I2, IG_TB_U2, IG_TB_F6E2M3, IG_TB_F6E3M2, IG_TB_COUNT };
#define IG_T(x) (1u << IG_TB_##x)
#define IG_TYPES_FLOAT (IG_T(F16) | IG_T(F32) | IG_T(F64) | IG_T(BF16))
#define IG_TYPES_SIGNED (IG_T(I8) | IG_T(I16) | IG_T(I32) | IG_T(I64))
#define IG_TYPES_UNSIGNED (IG_T(U8) | IG_T(U16) | IG_T(U32) | IG_T(U64))
#define IG_TYPES_INT (IG_TYPES_SIGNED | IG_TYPES_UNSIGNED)
#define IG_TYPES_NUMERIC (IG_TYPES_FLOAT | IG_TYPES_INT)
#define IG_TYPES_FLOAT6_4 (IG_T(F6E2M3) | IG_T(F6E3M2) | IG_T(F4))
#define IG_TYPES_SUBBYTE (IG_T(I4) | IG_T(U4) | IG_T(I2) | IG_T(U2) | IG_TYPES_FLOAT6_4)
#define IG_TYPES_FLOAT8 (IG_T(E4M3FN) | IG_T(E4M3FNUZ) | IG_T(E5M2) | IG_T(E5M2FNUZ) | IG_T(E8M0))
#define IG_TYPES_TENSOR ((1u << IG_TB_COUNT) - 1)
ig_types ig_type_bit(ig_dtype d);             /* 0 if unknown */
ig_dtype ig_type_only(ig_types set);          /* the one member; IG_DTYPE_NONE if there are none or several */

#define IG_ARG_OPTIONAL 1u
#define IG_ARG_VARIADIC 2u                    /* last argument, any number (at least one unless OPTIONAL) */
#define IG_ARG_HETEROGENEOUS 4u               /* variadic with types of their own */
typedef struct ig_op_arg { const char *name; char tie; /* arguments with the same letter have one dtype; 0 = free */ ig_types types; unsigned flags; } ig_op_arg;
typedef struct ig_op_attr { const char *name; ig_attr_type_id type; bool required; int64_t i; float f; const char *s; } ig_op_attr;

typedef enum ig_op_class { IG_CLASS_VIEW = 1, IG_CLASS_MAP, IG_CLASS_COMPOSITE, IG_CLASS_KIND, IG_CLASS_HOST, IG_CLASS_CONTROL, IG_CLASS_CONST } ig_op_class;
typedef enum ig_accuracy { IG_ACCURACY_ROUNDING = 0, IG_ACCURACY_EXACT = 1, IG_ACCURACY_RANDOM = 2 } ig_accuracy;

typedef struct ig_lower ig_lower;
struct ig_op {
  const char *domain, *name;                  /* "" = ai.onnx */
  int since;                                  /* newest opset version with a change: the canonical form */
  int oldest;                                 /* oldest opset version understood */
  ig_op_class cls;
  ig_accuracy accuracy;
  const ig_op_arg *in; uint32_t n_in;
  const ig_op_arg *out; uint32_t n_out;
  const ig_op_attr *attrs; uint32_t n_attrs;
  /* Rewrites node n, written for `opset`, to the canonical form (attributes to inputs, old names ...). NULL = nothing differs. */
  ig_status (*import)(ig_node *n, int64_t opset);
  /* Sets dtype, rank, dims of every result and validates what the schema cannot say (BAD_MODEL). Inputs are known when it is called;
   * where a needed value is not known at build time: IG_ERROR_UNSUPPORTED with issue code and the hint to pass --values. */
  ig_status (*infer)(ig_node *n);
  /* Optional: sets `elems` of results that are small integer tensors, from the inputs' elems/dims. Called after infer. */
  ig_status (*dims)(ig_node *n);
  /* Optional local rewrite at stage CANONICAL: on a match builds replacement nodes before n (ig_node_new), calls ig_op_replace for each
   * result and sets *out_changed. Never mutates n or any other node. */
  ig_status (*simplify)(ig_node *n, bool *out_changed);
  /* Builds the LOWERED form. NULL = not done yet: `ingot check` lists it. */
  ig_status (*lower)(ig_lower *l, const ig_node *n);
  const char *const *cases;                   /* problem strings, NULL-terminated: "f32[2,3] f32[3] axis=1"; unit tests and fuzz seeds */
};

extern const ig_op *const ig_ops[]; extern const uint32_t ig_n_ops;
const ig_op *ig_op_find(const char *domain, const char *name);    /* NULL if unknown; "ai.onnx" = "" */
/* Every ONNX operator that has no record: known by name, so that messages can say "not there yet" rather than "unknown". */
bool ig_op_is_onnx(const char *domain, const char *name);
/* Counts, types and ties of inputs, attributes' names and types, required ones, against the record (BAD_MODEL / UNSUPPORTED with issue code). */
IG_MUST_USE ig_status ig_op_check(const ig_node *n);
const ig_op_attr *ig_op_attr_find(const ig_op *op, const char *name);   /* NULL if unknown */
/* The node's attribute, else the record's default. */
int64_t ig_op_attr_i(const ig_node *n, const char *name);
float ig_op_attr_f(const ig_node *n, const char *name);
const char *ig_op_attr_s(const ig_node *n, const char *name);
/* The dtype that an attribute names by ONNX's number: `def` where the attribute is absent or 0. BAD_MODEL for numbers unknown. */
IG_MUST_USE ig_status ig_op_attr_dtype(const ig_node *n, const char *name, ig_dtype def, ig_dtype *out);
/* Checks, infers, propagates elems; results whose elems are all constant become constants. */
IG_MUST_USE ig_status ig_op_infer(ig_node *n);
/* Result i of n is from now on v (same dtype and provably or assumably the same dims: asserted here). */
IG_MUST_USE ig_status ig_op_replace(ig_node *n, uint32_t i, ig_val *v);
/* Adds an OP node of ai.onnx before `before` and infers it; NULL and *st on failure. */
ig_node *ig_op_node(ig_graph *g, ig_node *before, const char *op_name, ig_val *const *in, uint32_t n_in, uint32_t n_out, const ig_ir_attr *attrs, uint32_t n_attrs, ig_status *st);

/* ---- helpers for infer ---- */
IG_MUST_USE ig_status ig_infer_same(ig_node *n, uint32_t out, const ig_val *like);                     /* dtype and dims of like */
IG_MUST_USE ig_status ig_infer_set(ig_node *n, uint32_t out, ig_dtype d, uint32_t rank, const ig_dim *dims);
IG_MUST_USE ig_status ig_infer_broadcast(ig_node *n, const ig_val *const *vals, uint32_t n_vals, uint32_t *out_rank, ig_dim *out_dims);
/* Input i as dims: constants or elems; UNSUPPORTED (value needed at build time, hint --values NAME=..) if not known. cap: array size. */
IG_MUST_USE ig_status ig_infer_elems(ig_node *n, uint32_t i, ig_dim *out, uint32_t cap, uint32_t *out_n);
/* Input i as plain int64 known at build time (structure: axes, perm). */
IG_MUST_USE ig_status ig_infer_ints(ig_node *n, uint32_t i, int64_t *out, uint32_t cap, uint32_t *out_n);
IG_MUST_USE ig_status ig_axis(const ig_node *n, int64_t axis, int64_t rank, int64_t *out);              /* negative axes; range checked */
IG_MUST_USE ig_status ig_infer_dims_done(ig_node *n);                                                   /* takes the dims table's error, prefixed with the node */

/* Element i of a constant of any numeric type; false where v is no constant, i is outside, or (i64) the value is no int64. */
bool ig_const_f64(const ig_val *v, int64_t i, double *out);
bool ig_const_i64(const ig_val *v, int64_t i, int64_t *out);
/* v is a constant with exactly one element. */
bool ig_const_single(const ig_val *v);

/* ---- helpers for lower: sticky errors; after a failure all return NULL and ig_op_lower reports it ---- */
struct ig_lower { ig_ir *ir; ig_graph *graph; ig_node *before; const ig_node *src; ig_status error; };
ig_val *ig_lo_reshape(ig_lower *l, ig_val *x, uint32_t rank, const ig_dim *dims);
ig_val *ig_lo_permute(ig_lower *l, ig_val *x, const uint8_t *perm);
ig_val *ig_lo_slice(ig_lower *l, ig_val *x, const ig_dim *start, const int64_t *step, const ig_dim *dims);
ig_val *ig_lo_expand(ig_lower *l, ig_val *x, uint32_t rank, const ig_dim *dims);     /* right-aligned broadcast; x itself if nothing changes */
ig_val *ig_lo_bitcast(ig_lower *l, ig_val *x, ig_dtype dtype);
ig_val *ig_lo_const(ig_lower *l, ig_dtype dtype, uint32_t rank, const int64_t *dims, const void *bytes);
ig_val *ig_lo_scalar(ig_lower *l, ig_dtype dtype, double v);                          /* rank 0 */
/* One kernel node. in: entries may be NULL (left out). Inputs of map are expanded to dims by the caller or have them already. out_dtypes: per result (IG_DTYPE_NONE = result not wanted).
 * Results' dims come from the kind's rule; for map, move and fold give them in rank/dims (else NULL). epi/extra may be NULL. out receives n_out values. */
typedef struct ig_lo_kernel {
  ig_kind_id kind; const void *params;
  ig_val *const *in; uint32_t n_in; ig_val *const *extra; uint32_t n_extra;
  const ig_dtype *out_dtypes; uint32_t n_out;
  const ig_sprog *prog, *epi;
  uint32_t rank; const ig_dim *dims;
} ig_lo_kernel_desc;
bool ig_lo_kernel(ig_lower *l, const ig_lo_kernel_desc *d, ig_val **out);
/* Common map: program over inputs, expanded to dims of the result here. */
ig_val *ig_lo_map(ig_lower *l, ig_val *const *in, uint32_t n_in, const ig_sprog *prog, ig_dtype out_dtype, uint32_t rank, const ig_dim *dims);
/* x in float32 where it is a smaller float, else x: products of such have float32 sums, and float32 kernels are the fast ones. Constants fold. */
ig_val *ig_lo_widen(ig_lower *l, ig_val *x);
ig_val *ig_lo_copy(ig_lower *l, ig_val *x);                                           /* move kernel without border */
void ig_lo_fail(ig_lower *l, ig_status st);
/* Declares v to be result i of the source node. */
void ig_lo_result(ig_lower *l, uint32_t i, ig_val *v);
/* Runs n->op->lower, placing nodes before `before`, checks results' dtype and dims against infer's, forwards n's results. n is removed by the caller. */
IG_MUST_USE ig_status ig_op_lower(ig_node *n, ig_graph *graph, ig_node *before);
#endif
