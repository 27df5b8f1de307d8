/* Tactics: ways a device answers a kernel request. Query at build (or at load, when the engine's own tactic is missing), run at enqueue.
 *
 * A device lists its tactics best first; the portable ones ("cpu.c.*") accept everything their kind can say, and the reference ("ref.*")
 * closes the list. A tactic sees regions of requests and plain facts (ig_caps), never IR nodes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_HAL_TACTIC_H
#define IG_HAL_TACTIC_H
#include "kern/caps.h"
#include "kern/request.h"

#define IG_OFFER_CONFIG_WORDS 8
#define IG_OFFER_OPERANDS 16
/* What a tactic promises for one region. */
typedef struct ig_offer {
  uint32_t config[IG_OFFER_CONFIG_WORDS];  /* its own choice (tile sizes, variant); stored in the engine beside the tactic's name */
  double seconds;                          /* cost guess at the optimum point of the profile (roofline times efficiency) */
  uint32_t packed_mask;                    /* bit i: constant operand i is wanted in packed[i] (prepared at build, kept in the engine) */
  ig_format packed[IG_OFFER_OPERANDS];
  uint32_t inplace_mask;                   /* bit i: result 0 may lie exactly on operand i (same dtype, dims, strides) */
  uint16_t block[IG_OFFER_OPERANDS];       /* channel block wanted for operand i (0 = plain, any strides) */
} ig_offer;

typedef struct ig_query {
  const ig_region *region;
  ig_dims *dims;
  const ig_caps *caps;
  const int64_t *opt;            /* value of every dim node at the profile's optimum point, indexed by ig_dim */
  uint32_t constant_mask;        /* bit i: operand i of the region's first request is a constant */
  const void *const *constants;  /* its bytes in the plain layout where the mask says so, else NULL (weights may decide exactness); NULL too when an
                                  * engine that holds them packed is loaded */
} ig_query;

typedef struct ig_tactic {
  const char *name;              /* "cpu.matmul_f32.avx512"; part of the engine file */
  uint32_t version;              /* of its packed layouts and config; a change makes engines fall back */
  ig_kind_id kind;               /* of the region's first request */
  uint64_t isa;                  /* all bits needed */
  uint32_t n_phases;             /* run is called for phase 0, 1, ... with a barrier between; at least 1 */
  /* Where the number of phases hangs on the bound call (a recurrence: one for each time step; no copy to be made first), that number, at least 1. NULL = n_phases. */
  uint32_t (*phases)(const ig_call *c, uint32_t n_parts);
  bool by_rows;                  /* rows of its result may be computed apart (hal/bands.h) */
  /* True and *out filled, or false and *why = reason (static text: "weights are not constant"). Must hold for every value of every
   * dynamic dim: it may specialise on constant dims only. */
  bool (*query)(const ig_query *q, ig_offer *out, const char **why);
  /* Bytes of scratch for a bound call run in n_parts; grows with dims, never shrinks. NULL = none. */
  size_t (*scratch)(const ig_call *c, uint32_t n_parts);
  /* How many parts pay for this bound call, 1 .. n_threads. NULL = by element count. */
  uint32_t (*parts)(const ig_call *c, uint32_t n_threads);
  /* Does part `part` of `n_parts` of phase `phase`. Touches only bytes its operands reach. Never fails: data errors go to c->error. */
  void (*run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts);
} ig_tactic;

static inline uint32_t ig_tactic_phases(const ig_tactic *t, const ig_call *c, uint32_t n_parts) { return t->phases ? t->phases(c, n_parts) : t->n_phases; }

/* Even split of n items: [*lo, *hi) of part. */
static inline void ig_split(int64_t n, uint32_t part, uint32_t n_parts, int64_t *lo, int64_t *hi) {
  const int64_t q = n / n_parts, r = n % n_parts;
  *lo = q * part + (part < r ? part : r);
  *hi = *lo + q + (part < r ? 1 : 0);
}
#endif
