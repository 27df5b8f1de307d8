/* ONNX importer: bytes -> ig_ir at stage IMPORTED. Zero-copy wire reader with limits; tensors point into the mapped file.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_ONNX_ONNX_H
#define IG_ONNX_ONNX_H
#include "base/file.h"
#include "ir/graph.h"

/* Zero = the default in the comment. */
typedef struct ig_onnx_limits {
  uint32_t nesting;          /* 64: graphs in attributes, functions, groups */
  uint64_t nodes;            /* 1,000,000 after inlining */
  uint64_t edges;            /* 16,000,000 */
  uint32_t inlining;         /* 1,000 times the nodes written */
  uint64_t elements;         /* 2^40 in one tensor */
  uint64_t expressions;      /* 1,000,000 dim nodes */
  uint64_t memory;           /* 64 MiB + 16 x the bytes outside raw tensor data */
} ig_onnx_limits;
#define IG_ONNX_MEMORY ((uint64_t)64 << 20)   /* the part of `memory` that does not depend on the file */
extern const ig_onnx_limits ig_onnx_default_limits;   /* .memory is 0: it depends on the file */

/* Keeps alive what the ir's constants point into. */
typedef struct ig_onnx_sources { const ig_allocator *alloc; IG_VEC(ig_file_map) files; } ig_onnx_sources;
void ig_onnx_sources_free(ig_onnx_sources *s);

/* model_path may be NULL for memory (then data_dir is needed for external data, NULL = refused). bytes must outlive the ir.
 * Nodes whose operator has no record stay with op == NULL: the caller lists them all at once. Model-local functions are inlined.
 * A TensorRT plan or an Ingot engine given by mistake is recognised and named (IG_ERROR_BAD_MODEL). */
IG_MUST_USE ig_status ig_onnx_import(ig_env *env, const void *bytes, size_t n_bytes, const char *model_path, const char *data_dir, const ig_onnx_limits *limits, ig_onnx_sources *sources, ig_ir **out_ir);
/* Reads one TensorProto (a .pb file of ONNX test data) into the arena; *out_name may be NULL. */
IG_MUST_USE ig_status ig_onnx_read_tensor(ig_arena *arena, const void *bytes, size_t n_bytes, const char **out_name, ig_data *out);
void ig_onnx_write_tensor(ig_buf *out, const char *name, const ig_data *d);
#endif
