/* The emitter's tables, shared by emit.c (tables), emit_blobs.c (weights) and emit_places.c (memory).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_BUILD_EMIT_H
#define IG_BUILD_EMIT_H
#include "build/internal.h"

typedef struct ig_emitter {
  ig_builder *b;
  ig_buf names; ig_strmap names_at;      /* string -> offset; 0 cannot occur, since offset 0 is the empty string */
  uint8_t *used; uint32_t *number;       /* by ig_dim: reached; index in the file */
  uint32_t *symbol;                      /* by symbol: index in the file, IG_NONE where it is left out */
  uint64_t isa;
  IG_VEC(ig_plan_meta) meta; IG_VEC(ig_plan_meta) provenance; IG_VEC(ig_plan_target) targets; IG_VEC(ig_plan_io) io; IG_VEC(ig_plan_symbol) symbols; IG_VEC(ig_dim_node) dims;
  IG_VEC(ig_plan_guard) guards; IG_VEC(ig_plan_profile) profiles; IG_VEC(ig_plan_range) ranges; IG_VEC(ig_plan_buffer) buffers; IG_VEC(ig_plan_place) places;
  IG_VEC(ig_plan_step) steps; IG_VEC(ig_plan_request) requests; IG_VEC(ig_operand) operands; IG_VEC(int64_t) params; IG_VEC(ig_sinsn) insns; IG_VEC(ig_plan_blob) blobs;
  IG_VEC(uint8_t) weights;
} ig_emitter;
#define IG_EMIT(e, table, record) (IG_PUSH(&(e)->b->ir->env->alloc, (e)->table, record) ? NULL : IG_OOM())
IG_MUST_USE ig_status ig_emit_name(ig_emitter *e, const char *s, uint32_t *out);
void ig_emit_use(ig_emitter *e, ig_dim d);
/* Blob of d, plain (format NULL) or packed as operand `as` sees it; equal bytes of equal meaning are stored once. */
IG_MUST_USE ig_status ig_emit_blob(ig_emitter *e, const ig_data *d, const ig_format *format, const ig_operand *as, uint32_t once, uint32_t *out);
/* Profiles and places; also fills the result's memory figures and enforces --memory. */
IG_MUST_USE ig_status ig_emit_places(ig_emitter *e);
#endif
