/* Dimension expressions: a status, or an expression whose text gives the same expression again, and whose value at some points is within
 * the range that interval arithmetic gives.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/dim.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_values(const ig_dims *t, ig_dim d) {
  int64_t *values = malloc(t->nodes.n * sizeof *values), lo, hi;
  if (!values) abort();
  ig_dim_range(t, d, &lo, &hi);
  for (int64_t p = 1; p < 8; p += 3) {
    const int64_t symbols[3] = { p, 8 - p, 3 };
    ig_status st = ig_dims_eval(t->nodes.data, t->nodes.n, symbols, 3, values);
    const bool bounded = lo > -IG_DIM_UNBOUNDED && hi < IG_DIM_UNBOUNDED;
    if (!st && bounded && (values[d] < lo || values[d] > hi)) {
      fprintf(stderr, "%lld is not in %lld..%lld\n", (long long)values[d], (long long)lo, (long long)hi);
      abort();
    }
    ig_status_free(st);
  }
  free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const names[] = { "n", "height", "w.1" };
  ig_arena arena;
  ig_dims t;
  ig_buf text;
  ig_arena_init(&arena, &ig_libc_allocator, 0);
  ig_dims_init(&t, &ig_libc_allocator, &arena);
  t.max_nodes = 2000;
  for (uint32_t i = 0; i < 3; i++)
    if (ig_dims_symbol(&t, names[i], IG_SYMBOL_INPUT, 0, i, 1, 8) == IG_DIM_BAD) abort();
  const ig_dim d = ig_dim_parse(&t, (const char *)data, size);
  ig_status st = ig_dims_take_error(&t);
  if ((d == IG_DIM_BAD) != (st != NULL)) abort();
  if (!st) {
    ig_buf_init(&text, &ig_libc_allocator);
    ig_dim_print(&t, d, &text);
    const ig_dim again = ig_dim_parse(&t, text.data, text.n);
    if (again != d) {
      fprintf(stderr, "'%s' reads back as another expression\n", ig_buf_cstr(&text));
      abort();
    }
    check_values(&t, d);
    ig_buf_free(&text);
  }
  ig_status_free(st);
  ig_dims_free(&t);
  ig_arena_free(&arena);
  return 0;
}
