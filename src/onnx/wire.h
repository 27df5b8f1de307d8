/* Reader of protobuf's wire format: table-driven, without copies and without allocation.
 *
 * One call reads one message into a C struct as its table says. Embedded messages and strings stay slices of the input, read when their
 * turn comes; repeated fields become a list {range, count} that is walked with ig_wire_iter. So memory does not grow with the input,
 * nothing recurses, and a tensor's bytes are never touched. A field that occurs again replaces the one before; fields may come in any order;
 * repeated numbers may be packed, single, or both; unknown fields and groups are skipped.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_ONNX_WIRE_H
#define IG_ONNX_WIRE_H
#include "base/util.h"

#define IG_WIRE_MAX_GROUPS 64                        /* groups within groups */

typedef struct ig_wire_bytes { const uint8_t *p; size_t n; } ig_wire_bytes;   /* p NULL = absent; not NUL-terminated */
/* A repeated field: its occurrences lie within [p, end). n counts elements, those of packed ones included. */
typedef struct ig_wire_list { const uint8_t *p, *end; uint32_t number; uint64_t n; } ig_wire_list;

typedef enum ig_wire_kind {
  IG_WIRE_INT = 1,     /* int64_t, from a varint */
  IG_WIRE_FLOAT,       /* float */
  IG_WIRE_BYTES,       /* ig_wire_bytes: string, bytes or message */
  IG_WIRE_INTS, IG_WIRE_FLOATS, IG_WIRE_DOUBLES, IG_WIRE_LIST   /* ig_wire_list; LIST of bytes */
} ig_wire_kind;

typedef struct ig_wire_field { uint32_t number; ig_wire_kind kind; size_t offset; const char *name; } ig_wire_field;
/* Structs begin with `uint32_t seen`: bit i = fields[i] occurred. At most 32 fields. */
typedef struct ig_wire_message { const char *name; size_t size; const ig_wire_field *fields; uint32_t n_fields; } ig_wire_message;
#define IG_WIRE_FIELD(type, member, number, kind) { (number), (kind), offsetof(type, member), #member }

/* Reads one message into *out (m->size bytes), which is zeroed first. Every list in it is valid: iterating cannot fail.
 * IG_ERROR_BAD_MODEL names message, byte and field; IG_ERROR_LIMIT: groups too deep. */
IG_MUST_USE ig_status ig_wire_read(const ig_wire_message *m, ig_wire_bytes bytes, void *out);

typedef struct ig_wire_iter { const uint8_t *p, *end, *packed, *packed_end; uint32_t number; } ig_wire_iter;
ig_wire_iter ig_wire_iterate(const ig_wire_list *l);
/* The next element; false at the end. The kind must be the list's. */
bool ig_wire_next(ig_wire_iter *it, ig_wire_bytes *out);
bool ig_wire_next_int(ig_wire_iter *it, int64_t *out);
bool ig_wire_next_float(ig_wire_iter *it, float *out);
bool ig_wire_next_double(ig_wire_iter *it, double *out);

/* Writing, for test data and tests. */
void ig_wire_put_int(ig_buf *b, uint32_t number, int64_t v);
void ig_wire_put_bytes(ig_buf *b, uint32_t number, const void *p, size_t n);
#endif
