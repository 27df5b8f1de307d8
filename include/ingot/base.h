/* Ingot: statuses, data types, tensors and the environment; what every other public header stands on.
 *
 * Lifetime: an ig_env outlives nothing: objects made from it keep a reference, so handles may be released in any order.
 * Threads: an ig_env may be used from any thread. A status is immutable and may be read and freed on any thread.
 * Ownership, everywhere: create/load/make gives the caller one reference, accessors borrow, release(NULL) is fine.
 * Option structs start with struct_size (use the _INIT macros); zero means default in every field; NULL options = all defaults.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef INGOT_BASE_H
#define INGOT_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define IG_API __attribute__((visibility("default")))
#define IG_MUST_USE __attribute__((warn_unused_result))
#define IG_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define IG_API
#define IG_MUST_USE
#define IG_PRINTF(fmt, first)
#endif

#define IG_VERSION_MAJOR 0
#define IG_VERSION_MINOR 1
#define IG_VERSION_PATCH 0

/* "0.1.0"; static storage. */
IG_API const char *ig_version(void);

/* ---- statuses ----------------------------------------------------------------------------------------------------- */

/* NULL means success. A failure is owned by whoever received it: free it once with ig_status_free, on any thread. */
typedef struct ig_status_object *ig_status;

/* Frozen numbers: messages are for people, codes are API. */
typedef enum ig_code {
  IG_OK = 0,
  IG_ERROR_INVALID_ARGUMENT = 1, /* the caller broke a contract (wrong name, NULL, wrong size, wrong use)               */
  IG_ERROR_BAD_MODEL = 2,        /* the ONNX file is malformed or inconsistent                                          */
  IG_ERROR_BAD_ENGINE = 3,       /* the engine file is malformed, damaged, or of another version                        */
  IG_ERROR_UNSUPPORTED = 4,      /* well-formed, but not (yet) done by this build; the message lists every such node    */
  IG_ERROR_DEVICE = 5,           /* no such device, or the device failed                                                */
  IG_ERROR_OUT_OF_MEMORY = 6,
  IG_ERROR_LIMIT = 7,            /* a stated limit was exceeded; the message names it                                   */
  IG_ERROR_IO = 8,               /* reading or writing a file failed                                                    */
  IG_ERROR_CANCELLED = 9,
  IG_ERROR_SHAPE = 10,           /* input shapes or shape-deciding values that this engine cannot run (a guard failed)  */
  IG_ERROR_DATA = 11,            /* run-time data error, for example an index out of range; results are not valid       */
  IG_ERROR_TRAP = 12,            /* a branch was taken whose shapes could not be inferred                               */
  IG_ERROR_MISMATCH = 13,        /* compare: results differ by more than the tolerance                                  */
  IG_ERROR_INTERNAL = 14,        /* a bug in Ingot                                                                      */
  IG_CODE_COUNT
} ig_code;

typedef enum ig_detail {
  IG_DETAIL_NODE = 0,  /* name of the node (or section, tensor, input) concerned */
  IG_DETAIL_OP = 1,    /* its operator                                           */
  IG_DETAIL_HINT = 2,  /* what to do                                             */
  IG_DETAIL_WHERE = 3, /* file and offset, or stage                              */
  IG_DETAIL_ISSUE_CODE = 4, /* UNSUPPORTED_NODE, UNSUPPORTED_ATTR, UNSUPPORTED_INPUT, UNSUPPORTED_DATATYPE, UNSUPPORTED_SHAPE */
  IG_DETAIL_COUNT
} ig_detail;

IG_API ig_code ig_status_code(ig_status s);                       /* NULL -> IG_OK */
IG_API const char *ig_code_name(ig_code c);                       /* "IG_ERROR_SHAPE"; never NULL */
IG_API const char *ig_status_message(ig_status s);                /* one line, UTF-8, lives as long as s; NULL -> "ok" */
IG_API const char *ig_status_detail(ig_status s, ig_detail which); /* NULL if there is none */
/* For callbacks: a failure with this message (copied). Never returns NULL for a code other than IG_OK. */
IG_API IG_MUST_USE ig_status ig_status_make(ig_code code, const char *message);
IG_API void ig_status_free(ig_status s); /* NULL and the static out-of-memory statuses are fine */

/* ---- data types ---------------------------------------------------------------------------------------------------- */

/* DLPack's {code, bits, lanes} as one little-endian integer. */
typedef uint32_t ig_dtype;
#define IG_DTYPE(code, bits) ((ig_dtype)((code) | ((bits) << 8) | (1u << 16)))
#define IG_DTYPE_NONE 0u
#define IG_DTYPE_I8 IG_DTYPE(0u, 8u)
#define IG_DTYPE_I16 IG_DTYPE(0u, 16u)
#define IG_DTYPE_I32 IG_DTYPE(0u, 32u)
#define IG_DTYPE_I64 IG_DTYPE(0u, 64u)
#define IG_DTYPE_I4 IG_DTYPE(0u, 4u)
#define IG_DTYPE_I2 IG_DTYPE(0u, 2u)
#define IG_DTYPE_U8 IG_DTYPE(1u, 8u)
#define IG_DTYPE_U16 IG_DTYPE(1u, 16u)
#define IG_DTYPE_U32 IG_DTYPE(1u, 32u)
#define IG_DTYPE_U64 IG_DTYPE(1u, 64u)
#define IG_DTYPE_U4 IG_DTYPE(1u, 4u)
#define IG_DTYPE_U2 IG_DTYPE(1u, 2u)
#define IG_DTYPE_F16 IG_DTYPE(2u, 16u)
#define IG_DTYPE_F32 IG_DTYPE(2u, 32u)
#define IG_DTYPE_F64 IG_DTYPE(2u, 64u)
#define IG_DTYPE_STRING IG_DTYPE(3u, 128u) /* elements are ig_string */
#define IG_DTYPE_BF16 IG_DTYPE(4u, 16u)
#define IG_DTYPE_C64 IG_DTYPE(5u, 64u)
#define IG_DTYPE_C128 IG_DTYPE(5u, 128u)
#define IG_DTYPE_BOOL IG_DTYPE(6u, 8u)
#define IG_DTYPE_F8E4M3FN IG_DTYPE(10u, 8u)
#define IG_DTYPE_F8E4M3FNUZ IG_DTYPE(11u, 8u)
#define IG_DTYPE_F8E5M2 IG_DTYPE(12u, 8u)
#define IG_DTYPE_F8E5M2FNUZ IG_DTYPE(13u, 8u)
#define IG_DTYPE_F8E8M0 IG_DTYPE(14u, 8u)
#define IG_DTYPE_F6E2M3 IG_DTYPE(15u, 8u) /* 6-bit floats lie one in a byte, in its low bits */
#define IG_DTYPE_F6E3M2 IG_DTYPE(16u, 8u)
#define IG_DTYPE_F4E2M1 IG_DTYPE(17u, 4u)

/* Element of a tensor of strings: n bytes of UTF-8 at data, which the tensor borrows. */
typedef struct ig_string { const char *data; size_t n; } ig_string;
#define IG_DTYPE_BITS(d) (((d) >> 8) & 0xffu)
IG_API const char *ig_dtype_name(ig_dtype d); /* ONNX's spelling: "float", "int64", "float8e4m3fn"; "?" if unknown */
/* Bytes that n elements take, compact; elements under 8 bits are packed, first element in the low bits. 0 if it overflows. */
IG_API size_t ig_dtype_bytes(ig_dtype d, uint64_t n);

#define IG_MAX_RANK 8

/* DLPack's DLTensor, field for field. strides are in elements; NULL = compact row-major. Describes memory, owns none. */
typedef struct ig_tensor {
  void *data;
  int32_t device_type; /* 1 = CPU */
  int32_t device_id;
  int32_t rank;
  ig_dtype dtype;
  int64_t *dims;
  int64_t *strides;
  uint64_t byte_offset;
} ig_tensor;

/* ---- environment ----------------------------------------------------------------------------------------------------- */

typedef enum ig_log_level { IG_LOG_ERROR = 1, IG_LOG_WARN = 2, IG_LOG_INFO = 3, IG_LOG_DEBUG = 4, IG_LOG_TRACE = 5 } ig_log_level;
/* Called from any thread that works for the env; must not call back into Ingot. message is one line without newline. */
typedef void (*ig_log_fn)(void *user, ig_log_level level, const char *component, const char *message);

/* One function does it all: old == NULL allocates, size == 0 frees. Returns NULL on failure. At least 16-byte alignment.
 * Called from any thread. */
typedef struct ig_allocator {
  void *self;
  void *(*realloc)(void *self, void *old, size_t old_size, size_t size);
} ig_allocator;

typedef struct ig_env_options {
  size_t struct_size;
  ig_log_fn log;            /* NULL = silent */
  void *log_user;
  ig_log_level log_level;   /* 0 = IG_LOG_WARN */
  ig_allocator allocator;   /* realloc == NULL = the C library's */
  uint32_t n_threads;       /* default for contexts and builds; 0 = affinity mask and cgroup quota */
} ig_env_options;
#define IG_ENV_OPTIONS_INIT { sizeof(ig_env_options), NULL, NULL, (ig_log_level)0, { NULL, NULL }, 0 }

typedef struct ig_env ig_env;
IG_API IG_MUST_USE ig_status ig_env_create(const ig_env_options *opt, ig_env **out_env);
IG_API void ig_env_retain(ig_env *env);
IG_API void ig_env_release(ig_env *env);

/* Cooperative cancellation of a build or of a run; one object may serve many. request is safe in a signal handler. */
typedef struct ig_cancel ig_cancel;
IG_API IG_MUST_USE ig_status ig_cancel_create(ig_env *env, ig_cancel **out_cancel);
IG_API void ig_cancel_request(ig_cancel *c);
IG_API void ig_cancel_reset(ig_cancel *c);
IG_API void ig_cancel_release(ig_cancel *c);

/* Receives text or bytes in pieces; returns 0 to go on, anything else to stop (reported as IG_ERROR_IO). */
typedef int (*ig_write_fn)(void *user, const void *bytes, size_t n_bytes);

#ifdef __cplusplus
}
#endif
#endif
