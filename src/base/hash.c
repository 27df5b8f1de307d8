/* XXH3-64, compiled inline from the xxHash header so that the runtime links no library for it.
 * SPDX-License-Identifier: Apache-2.0 */
#define XXH_INLINE_ALL
#include "base/util.h"
#include <xxhash.h>

uint64_t ig_hash(const void *p, size_t n, uint64_t seed) { return XXH3_64bits_withSeed(p, n, seed); }
