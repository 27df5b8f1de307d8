/* Ingot values: tensors in memory of their own, read from and written to .npy and ONNX .pb files. Library libingot.
 *
 * ig_value: immutable once made but for ig_value_narrow; may be read by several threads.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef INGOT_VALUE_H
#define INGOT_VALUE_H
#include "ingot/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ig_value ig_value;

/* .npy (versions 1 to 3, both byte orders, C and Fortran order) or a serialised ONNX TensorProto, by content. Object arrays (pickle) and
 * structured types are refused. */
IG_API IG_MUST_USE ig_status ig_value_load_file(ig_env *env, const char *path, ig_value **out_value);
/* A compact copy of t. Elements under 8 bits must be compact already. */
IG_API IG_MUST_USE ig_status ig_value_create(ig_env *env, const char *name, const ig_tensor *t, ig_value **out_value);
/* Compact, row-major, 64-byte aligned; belongs to v. */
IG_API const ig_tensor *ig_value_tensor(const ig_value *v);
IG_API const char *ig_value_name(const ig_value *v);    /* as the .pb file has it, "" if there is none */
/* Turns the types that a .npy file cannot hold back: float32 to bfloat16, float8 and float4, 8-bit integers to 4 and 2 bits. Nothing if the
 * value has the type already; INVALID_ARGUMENT for other pairs and for integers that do not fit. */
IG_API IG_MUST_USE ig_status ig_value_narrow(ig_value *v, ig_dtype to);
IG_API void ig_value_release(ig_value *v);

/* What a value is. Engines of this version take and give tensors (of strings too); sequences, optionals and maps come with their operators. */
typedef enum ig_value_kind { IG_VALUE_TENSOR = 0, IG_VALUE_SEQUENCE = 1, IG_VALUE_OPTIONAL = 2, IG_VALUE_MAP = 3 } ig_value_kind;
IG_API ig_value_kind ig_value_get_kind(const ig_value *v);
/* String i (row-major) of a tensor of strings: *out is NUL-terminated and belongs to v; *out_n is its length without the NUL. */
IG_API IG_MUST_USE ig_status ig_value_string(const ig_value *v, size_t i, const char **out, size_t *out_n);
/* Input := v, shape and data. Data is copied; strings are borrowed, so v of strings must live until the input is set anew. */
IG_API IG_MUST_USE ig_status ig_context_set_value(ig_context *c, const char *input, const ig_value *v);
/* A copy of the output of the last run, strings included; independent of the context. */
IG_API IG_MUST_USE ig_status ig_context_get_value(ig_env *env, ig_context *c, const char *output, ig_value **out_value);

/* format: "npy" or "pb". In .npy, bfloat16 and the 8- and 4-bit floats widen to float32, 4- and 2-bit integers to 8 bits: then
 * *out_widened (may be NULL) is 1. Written atomically. */
IG_API IG_MUST_USE ig_status ig_tensor_save_file(ig_env *env, const ig_tensor *t, const char *name, const char *format, const char *path, int *out_widened);

#ifdef __cplusplus
}
#endif
#endif
