/* The plan in memory: one array per section; what the builder fills, the writer writes, the reader reads and the runtime runs.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_PLAN_PLAN_H
#define IG_PLAN_PLAN_H
#include "plan/format.h"

typedef struct ig_plan_data {
#define IG_SECTION(tag, type, member, flags) const type *member; size_t n_##member;
#include "plan/sections.def"
#undef IG_SECTION
  void *private_copy; size_t private_size;   /* metadata that the reader copied; freed by ig_plan_data_free */
} ig_plan_data;

/* Serialises; deterministic: no time, host, path, address, uninitialised byte. *out is ig_alloc_aligned memory of *out_n bytes. */
IG_MUST_USE ig_status ig_plan_write(const ig_allocator *a, const ig_plan_data *p, uint8_t **out, size_t *out_n);

typedef enum ig_verify_level { IG_VERIFY_FULL = 0, IG_VERIFY_METADATA = 1 /* weights' hashes are not checked */ } ig_verify_level;
/* Reads: header, table, hashes; copies all but WGTS into private memory (bytes may change under a mapping); checks every
 * record (ig_plan_verify). weights points into bytes, which must outlive the plan. Failure: IG_ERROR_BAD_ENGINE naming the section. */
IG_MUST_USE ig_status ig_plan_read(const ig_allocator *a, const uint8_t *bytes, size_t n, ig_verify_level level, ig_plan_data *out);
void ig_plan_data_free(const ig_allocator *a, ig_plan_data *p);
/* Every index, count, name, number in range; references acyclic; programs well-formed; dims' operands in order; formats sound; places
 * inside the arena; If arms nest. What depends on shapes is proven at bind. */
IG_MUST_USE ig_status ig_plan_verify(const ig_plan_data *p);
static inline const char *ig_plan_name(const ig_plan_data *p, uint32_t at) { return at ? p->names + at : ""; }
/* What these bytes are, by their first bytes: NULL if an engine of this version, else what it is and what to do ("a TensorRT plan: ..."). */
IG_MUST_USE ig_status ig_plan_recognise(const uint8_t *bytes, size_t n);
/* The request of record i with its operands, params and programs as plain structs (params: values or ig_dims as stored). Points into p;
 * fills *out only. */
void ig_plan_request_view(const ig_plan_data *p, uint32_t i, ig_request *out);

/* ---- memory placement (plan/memplan.c), used by the builder and, for shapes outside all profiles, at bind ---- */
typedef struct ig_mem_item { uint64_t size; uint32_t first, last; uint64_t offset; uint32_t alias; /* item sharing its memory, IG_NONE */ } ig_mem_item;
/* Fills offsets (multiples of 64) so that items alive at the same step do not overlap; several greedy orders, the best wins.
 * *out_total: arena bytes; *out_bound: most bytes alive at once (no placement is smaller). An item with alias takes that item's offset; lifetimes and sizes of both count. */
IG_MUST_USE ig_status ig_memplan(const ig_allocator *a, ig_mem_item *items, size_t n, uint64_t *out_total, uint64_t *out_bound);
/* The same with the caller's working memory of ig_memplan_bytes(n), 16-byte aligned: allocates nothing. */
size_t ig_memplan_bytes(size_t n);
IG_MUST_USE ig_status ig_memplan_in(void *memory, ig_mem_item *items, size_t n, uint64_t *out_total, uint64_t *out_bound);
#endif
