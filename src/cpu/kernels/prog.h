/* The block interpreter of scalar programs: map kernels, epilogues, pre- and post-programs all run through it.
 *
 * A program is prepared once per launch and part (operands walked, registers placed, constants filled) in memory that the caller gives from
 * its scratch, then run over ranges of the iteration space's row-major order. Each instruction is one loop over a block of elements that
 * stays in the first-level cache; registers are 2 KB slots reused after their last use. Loads of memory that is already in compute form
 * and contiguous are pointers, not copies; the last value may be computed straight into the result.
 * Instruction sets differ only in the table of loops (ig_prog_isa); what a table lacks falls to the portable loops.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CPU_PROG_H
#define IG_CPU_PROG_H
#include "cpu/kernels/walk.h"

#define IG_PROG_SLOT 2048u             /* bytes of a register */

/* d[i] = op(a[i], b[i], c[i]) for n elements; d may be a, b or c. */
typedef void (*ig_prog_fn)(void *d, const void *a, const void *b, const void *c, int64_t n);
typedef struct ig_prog_isa {
  ig_prog_fn (*op)(uint16_t op, uint8_t type, uint8_t flags);    /* NULL where it has none */
  ig_elem_load_fn (*load)(ig_dtype dtype);
  ig_elem_store_fn (*store)(ig_dtype dtype, ig_stype type, unsigned flags);
} ig_prog_isa;
extern const ig_prog_isa ig_prog_isa_c, ig_prog_isa_avx2, ig_prog_isa_avx512;

typedef struct ig_prog ig_prog;
typedef struct ig_prog_spec {
  const ig_sprog *prog;                /* empty: STORE 0 of LOAD 0 */
  const ig_view *in; uint32_t n_in;    /* operands of LOAD; with direct_in LOAD 1 + k reads in[k] */
  const ig_view *out; uint32_t n_out;  /* results of STORE */
  const int64_t *dims; uint32_t rank;  /* iteration space, axes in their own order */
  const uint8_t *perm;                 /* order in which axes are walked; NULL = their own */
  ig_stype direct_in;                  /* not 0: LOAD 0 reads the caller's block of this type */
  ig_stype direct_out;                 /* not 0: STORE 0 gives the caller a block of this type instead of memory */
  const ig_prog_isa *isa;              /* NULL = portable */
} ig_prog_spec;

/* Memory that ig_prog_make needs, a multiple of 64. */
size_t ig_prog_bytes(const ig_sprog *p, uint32_t n_in, uint32_t n_out);
ig_prog *ig_prog_make(void *mem, const ig_prog_spec *s);
/* Elements that ig_prog_block takes at a time. */
int64_t ig_prog_block_size(const ig_prog *p);
/* Runs [lin, lin + n), n <= block size. direct: LOAD 0's values where direct_in, else NULL. Returns STORE 0's block where direct_out. */
const void *ig_prog_block(ig_prog *p, int64_t lin, int64_t n, const void *direct);
/* Runs any range, block by block. direct holds n values. */
void ig_prog_range(ig_prog *p, int64_t lin, int64_t n, const void *direct);

/* The portable loop of an operation (prog_ops_c.c). */
ig_prog_fn ig_prog_op_c(uint16_t op, uint8_t type, uint8_t flags);
/* a[i] of type `from` to `to`, by C's rules with saturation (scalar.h CAST). */
ig_prog_fn ig_prog_cast_c(ig_stype from, ig_stype to);
#endif
