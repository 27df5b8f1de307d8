/* Scalar programs: what map kernels, epilogues, pre- and post-programs of reductions and gates compute per element.
 *
 * A program is a list of instructions in SSA order: instruction i defines register i. It reads operands (LOAD), constants, dims, the
 * coordinates of the iteration space and counter-based random words, computes in six types, and writes results (STORE). Every other
 * data type exists only in LOAD and STORE conversions. Opcodes and their numbers: scalar.def. exp, log, tanh, erf, sin, cos ... are
 * Ingot's own polynomials (kern/scalar_math.h), the same bits on every machine for float32.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_KERN_SCALAR_H
#define IG_KERN_SCALAR_H
#include "kern/dim.h"

/* Compute types; numbers are part of the engine file. */
typedef enum ig_stype { IG_S_F32 = 1, IG_S_F64 = 2, IG_S_I32 = 3, IG_S_I64 = 4, IG_S_U64 = 5, IG_S_BOOL = 6 } ig_stype;

typedef enum ig_sop {
#define IG_SOP(name, number, arity, types, text) IG_SOP_##name = number,
#include "kern/scalar.def"
#undef IG_SOP
} ig_sop;

/* On disk as it is: 24 bytes. a, b, c are registers (smaller than the instruction's own index).
 *   LOAD   type = compute type (fixed by the operand's dtype: ig_stype_of), imm = operand number (see ig_request)
 *   STORE  a = register, imm = result number, flags = IG_STORE_*; converts to the result's dtype (defines no usable register)
 *   CONST  imm = bits of the value in `type` (float32 in the low 32 bits; bool 0 or 1)
 *   DIM    imm = ig_dim, replaced by CONST at bind; type I64
 *   COORD  imm = axis of the iteration space; type I64
 *   RANDOM imm = stream number; type U64: 64 random bits, Philox4x32-10 keyed by the CONST/LOAD register a (seed), counted by the linear index
 *   CAST   a, from flags = source ig_stype to `type` (C semantics; float to int saturates, NaN gives 0; anything to BOOL is != 0)
 *   ROUND  a, imm = ig_dtype: the value as if stored to that dtype and loaded again (fused chains keep half's roundings) */
typedef struct ig_sinsn { uint16_t op; uint8_t type; uint8_t flags; uint32_t a, b, c; uint64_t imm; } ig_sinsn;
#define IG_STORE_SATURATE 1u        /* float8/float4: clamp to the largest finite instead of NaN/inf (ONNX Cast's `saturate`) */
#define IG_STORE_ROUND_UP 2u        /* float8e8m0 only: rounding mode up / down; neither = nearest */
#define IG_STORE_ROUND_DOWN 4u
#define IG_SPROG_MAX 256            /* instructions in a program */

typedef struct ig_sprog { const ig_sinsn *insns; uint32_t n; } ig_sprog;

typedef struct ig_sop_info { const char *name; uint16_t number; uint8_t arity; uint8_t types; const char *text; } ig_sop_info;
const ig_sop_info *ig_sop_find(uint16_t number);          /* NULL if unknown */
const ig_sop_info *ig_sop_by_name(const char *name);
#define IG_SMASK(t) (1u << (t))
/* Type of the register that an instruction defines; 0 for STORE. */
ig_stype ig_sinsn_result(const ig_sinsn *i);
/* True if a register of type t may be stored to d: floats to floats, integers to integers (wrapping), bool to bool; all else takes a CAST. */
bool ig_stype_stores(ig_stype t, ig_dtype d);
const char *ig_stype_name(ig_stype t);                    /* "f32"; "?" if unknown */

/* Compute type into which a dtype loads: f16 bf16 f8 f6 f4 f32 -> F32; f64 -> F64; i2..i32, u2..u16 -> I32; i64 u32 -> I64; u64 -> U64; bool -> BOOL;
 * 0 for strings and complex. */
ig_stype ig_stype_of(ig_dtype d);
/* The dtype that holds the type's values exactly: IG_DTYPE_F32 for F32, ... */
ig_dtype ig_stype_dtype(ig_stype t);
/* Every instruction well-formed: known op, types fit, registers defined before use, operands < n_in, each of n_out results stored exactly once. */
IG_MUST_USE ig_status ig_sprog_check(const ig_sprog *p, uint32_t n_in, const ig_dtype *in, uint32_t n_out, const ig_dtype *out, uint32_t rank);
/* The most by which a result moves where a value within the program lies on the edge between two integers and RINT takes the other one, as
 * another order of the same roundings may: 1 for a quantised result, the inner scale for one rounded and scaled, 0 without RINT or where what comes
 * after it is not linear in it with constant factors. */
double ig_sprog_edge(const ig_sprog *p, uint32_t result);
void ig_sprog_print(const ig_sprog *p, const ig_dims *dims, ig_buf *out);

/* Builder: appends to a caller's arena; registers are returned; failures are sticky (ig_sbuild_finish reports them). Dedupes equal pure instructions. */
typedef struct ig_sbuild { ig_arena *arena; ig_sinsn insns[IG_SPROG_MAX]; uint32_t n; bool failed; } ig_sbuild;
typedef uint32_t ig_sreg;
void ig_sbuild_init(ig_sbuild *b, ig_arena *arena);
ig_sreg ig_s_load(ig_sbuild *b, uint32_t operand, ig_dtype dtype);
void ig_s_store(ig_sbuild *b, uint32_t result, ig_sreg v, unsigned flags);
ig_sreg ig_s_f64(ig_sbuild *b, ig_stype t, double v);      /* constant of type t */
ig_sreg ig_s_i64(ig_sbuild *b, ig_stype t, int64_t v);
ig_sreg ig_s_dim(ig_sbuild *b, ig_dim d);
ig_sreg ig_s_coord(ig_sbuild *b, uint32_t axis);
ig_sreg ig_s_op(ig_sbuild *b, ig_sop op, ig_sreg x, ig_sreg y, ig_sreg z);    /* unused operands: 0 */
ig_sreg ig_s_cast(ig_sbuild *b, ig_sreg x, ig_stype to);
ig_sreg ig_s_round(ig_sbuild *b, ig_sreg x, ig_dtype to);
ig_sreg ig_s_random(ig_sbuild *b, ig_sreg seed, uint32_t stream);
ig_stype ig_s_type(const ig_sbuild *b, ig_sreg r);
IG_MUST_USE ig_status ig_sbuild_finish(ig_sbuild *b, ig_sprog *out);    /* copies into the arena */
/* Splices p into b: its LOAD k becomes map_in[k] (a register), its STORE k lands in out_regs[k] instead (not stored). Types must agree. */
IG_MUST_USE ig_status ig_s_splice(ig_sbuild *b, const ig_sprog *p, const ig_sreg *map_in, uint32_t n_in, ig_sreg *out_regs, uint32_t n_out);
#endif
