/* What all CPU kernels share: readers and writers of views in a chosen compute type, the epilogue, a part's scratch.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_COMMON_H
#define IG_CPU_COMMON_H
#include "cpu/kernels/prog.h"

/* A view read (or written) in row-major order of its axes (or of perm) as values of one compute type. */
typedef struct ig_reader { ig_walk walk; ig_elem_load_fn load; ig_prog_fn cast; size_t from_size, size; } ig_reader;
typedef struct ig_writer { ig_walk walk; ig_elem_store_fn store; ig_prog_fn cast; size_t own_size, size; } ig_writer;
void ig_reader_init(ig_reader *r, const ig_view *v, const uint8_t *perm, ig_stype to);
void ig_reader_read(const ig_reader *r, int64_t lin, int64_t n, void *out);
void ig_writer_init(ig_writer *w, const ig_view *v, const uint8_t *perm, ig_stype from);
void ig_writer_write(const ig_writer *w, int64_t lin, int64_t n, const void *values);

/* The epilogue of a kind whose own result has type acc: ig_prog_range(p, lin, n, values) finishes n results from linear index lin.
 * n_out: results that the program stores (kinds with further results of their own store those themselves). */
static inline size_t ig_epi_bytes(const ig_call *c) { return ig_prog_bytes(&c->epi, c->n_extra, c->n_out); }
ig_prog *ig_epi_make(void *mem, const ig_call *c, const uint8_t *perm, ig_stype acc, uint32_t n_out, const ig_prog_isa *isa);

/* A part's share of the scratch, each `bytes` (a multiple of 64). */
static inline char *ig_part_scratch(const ig_call *c, uint32_t part, size_t bytes) { return (char *)c->scratch + part * bytes; }
static inline size_t ig_pad64(size_t n) { return ig_align_up(n, 64); }
/* True where results share bytes between elements, so that two parts could write the same byte: part 0 then does everything. */
bool ig_shares_bytes(const ig_call *c);
/* ig_split in whole cache lines of elements, all of it to part 0 where results share bytes. */
void ig_split_elements(const ig_call *c, int64_t n, uint32_t part, uint32_t n_parts, int64_t *lo, int64_t *hi);
/* The same for n work items that write disjoint elements. */
void ig_split_items(const ig_call *c, int64_t n, uint32_t part, uint32_t n_parts, int64_t *lo, int64_t *hi);
/* Axes of mask to out_perm[0 ..), those with the longest strides first, so that walking them in that order follows v's memory; others and ties keep their
 * own order, blocked views wholly. Returns how many. */
uint32_t ig_perm_by_stride(const ig_view *v, uint64_t mask, uint8_t *out_perm);
/* perm that puts the axes of mask last (first: last = false), each group in its own order. */
void ig_perm_of_mask(uint32_t rank, uint64_t mask, bool last, uint8_t *out_perm);
#endif
