/* Engine file, on-disk structs (format major 0: exact version match, no promise). Little-endian; every number is written out.
 *
 *   header | section table | sections, 64-byte aligned (WGTS: 4,096), padding zero
 * A section is an array of fixed-size records (sections.def lists them) or plain bytes. References between records are indices; strings are
 * offsets into NAME (0 = none). Docs: docs/engine-format.md.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_PLAN_FORMAT_H
#define IG_PLAN_FORMAT_H
#include "kern/request.h"

#define IG_ENGINE_MAGIC "\x89IGT\r\n\x1a\n"
#define IG_ENGINE_MAJOR 0
#define IG_ENGINE_MINOR 3
#define IG_ENGINE_BOM 0x1234u
#define IG_ENGINE_HASH_XXH3 1u
#define IG_ENGINE_MAX_SECTIONS 4096u
#define IG_ENGINE_MAX_NAME 65536u
#define IG_WEIGHTS_ALIGN 4096u
#define IG_TENSOR_ALIGN 64u
#define IG_HASH_CHUNK (1u << 20)     /* weights are hashed per MiB */
#define IG_NONE 0xffffffffu

typedef struct ig_file_header {      /* 64 bytes */
  uint8_t magic[8];
  uint16_t major, minor, min_reader, bom;
  uint32_t n_sections, hash_algorithm;
  uint64_t file_size, table_offset, table_hash;
  uint64_t reserved;
  uint64_t header_hash;              /* of the bytes before it */
} ig_file_header;
#define IG_SECTION_CRITICAL 1u       /* a reader that does not know the tag must refuse */
typedef struct ig_file_section {     /* 48 bytes */
  uint32_t tag; uint16_t version, flags;
  uint32_t target;                   /* index into TARG, IG_NONE = shared by all */
  uint32_t record_size;              /* 0 = bytes */
  uint64_t offset, size, hash;       /* hash: XXH3-64 of the section; for WGTS of the HASH section's part, see there */
  uint64_t n_records;
} ig_file_section;

typedef struct ig_plan_target { uint32_t device; /* name: "cpu" */ uint32_t n_threads; uint64_t isa; /* bits that the chosen tactics need */ uint32_t n_profiles, n_symbols; uint64_t reserved[2]; } ig_plan_target;
typedef struct ig_plan_symbol { uint32_t name, sort, io, axis; int64_t min, max; } ig_plan_symbol;
/* step: the If in whose arm (0 then, 1 else) the guard counts, IG_NONE = whenever the engine runs. */
typedef struct ig_plan_guard { uint32_t rel; ig_dim a, b; uint32_t node, what, step, arm; } ig_plan_guard;
/* RANG: n_profiles x n_symbols of these, profile after profile. */
typedef struct ig_plan_range { int64_t min, opt, max; } ig_plan_range;
/* defaulted: 1 = some dims were not given when the engine was built, so shapes outside are no surprise. */
typedef struct ig_plan_profile { uint64_t arena_size, lower_bound; uint32_t defaulted, reserved; uint64_t reserved2; } ig_plan_profile;
/* PLAC: n_profiles x n_buffers: where an arena buffer lies and how much room it has there (its upper bound over the profile). */
typedef struct ig_plan_place { uint64_t offset, capacity; } ig_plan_place;

enum { IG_IO_INPUT = 1, IG_IO_OUTPUT = 2 };
typedef struct ig_plan_io {
  uint32_t name, role;
  int32_t onnx_dtype; uint32_t value_kind;   /* 0 = tensor */
  uint32_t rank, buffer;
  ig_dim dims[IG_MAX_RANK];
  uint32_t dim_names[IG_MAX_RANK];           /* names as the model has them, 0 = none */
  uint32_t required_blob;                    /* input whose contents were fixed at build (--values): must equal this blob; IG_NONE = free */
  uint32_t reserved;
} ig_plan_io;

/* INPUT, OUTPUT: the caller's or the context's own; index = io. CONSTANT: index = blob. ARENA: placed per profile, reused over steps.
 * KEPT: arena memory that lives through the whole run and between runs (results of bind steps). SCRATCH: arena memory of one step. */
enum { IG_BUFFER_INPUT = 1, IG_BUFFER_OUTPUT = 2, IG_BUFFER_CONSTANT = 3, IG_BUFFER_ARENA = 4, IG_BUFFER_KEPT = 5, IG_BUFFER_SCRATCH = 6 };
typedef struct ig_plan_buffer {
  uint32_t kind, index, name;
  ig_dim bytes;                              /* size in bytes as an expression; SCRATCH: IG_DIM_BAD, the tactic says it at bind */
  uint32_t first_step, last_step;            /* lifetime, inclusive; what a new placement needs */
  uint32_t alias;                            /* buffer whose memory this one shares from its start (in-place), IG_NONE = own */
  uint32_t reserved;
} ig_plan_buffer;

enum { IG_STEP_KERNEL = 1, IG_STEP_IF = 2, IG_STEP_TRAP = 3 };
#define IG_STEP_BIND 1u                      /* depends on symbols and constants alone: run at bind, not per inference */
#define IG_STEP_BAND 2u                      /* reads what the step before it writes, and nobody else does: they may run in bands of rows (hal/bands.h) */
typedef struct ig_plan_step {
  uint16_t kind, flags;
  uint32_t name, sources, reason;            /* node name; merged source nodes; why this tactic (for --verbose) */
  uint32_t first_request, n_requests;
  uint32_t tactic, tactic_version;
  uint32_t config[8];
  uint32_t scratch;                          /* buffer or IG_NONE */
  uint32_t cond;                             /* IF: buffer of the bool condition, IG_NONE where cond_dim decides */
  uint32_t n_then, n_else;                   /* IF: the next n_then steps are the then arm, the n_else after them the else arm (nested steps counted) */
  uint32_t message;                          /* TRAP */
  ig_dim cond_dim;                           /* IF: the condition as an expression (not 0 = then), or IG_DIM_BAD */
} ig_plan_step;
typedef struct ig_plan_request {
  uint16_t kind, n_in, n_extra, n_out;
  uint32_t first_operand, first_param, n_params;      /* params: words of ARGS */
  uint32_t first_prog, n_prog, first_epi, n_epi;      /* instructions of PROG */
  uint32_t reserved;
} ig_plan_request;
/* A constant's bytes: offset into WGTS (multiple of 64), in `format`; dims are the logical ones. Equal bytes are stored once. */
typedef struct ig_plan_blob { uint64_t hash, offset, size; ig_dtype dtype; uint32_t rank; int64_t dims[IG_MAX_RANK]; ig_format format; } ig_plan_blob;
typedef struct ig_plan_meta { uint32_t key, value; } ig_plan_meta;
#endif
