/* The reader of .npy files on any bytes: a status, or a tensor that is written and read back with the same type, dims and bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(ig_arena *arena, const ig_data *d) {
  ig_buf text;
  ig_data back;
  bool widened;
  ig_buf_init(&text, &ig_libc_allocator);
  if (ig_npy_write(d, &text, &widened)) abort();
  if (ig_npy_read(&ig_libc_allocator, arena, (const uint8_t *)text.data, text.n, &back)) abort();
  if (back.rank != d->rank || memcmp(back.dims, d->dims, d->rank * sizeof d->dims[0]) != 0 || widened) abort();
  const bool strings = d->dtype == IG_DTYPE_STRING;
  if (back.dtype != d->dtype || back.n_bytes != d->n_bytes || (!strings && d->n_bytes && memcmp(back.bytes, d->bytes, d->n_bytes) != 0)) abort();
  if (back.bytes) ig_free_aligned(&ig_libc_allocator, (void *)(uintptr_t)back.bytes, back.n_bytes);
  ig_buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ig_arena arena;
  ig_data d;
  ig_arena_init(&arena, &ig_libc_allocator, 64u << 20);
  ig_status st = ig_npy_read(&ig_libc_allocator, &arena, data, size, &d);
  if (!st) {
    check_again(&arena, &d);
    if (d.bytes) ig_free_aligned(&ig_libc_allocator, (void *)(uintptr_t)d.bytes, d.n_bytes);
  }
  ig_status_free(st);
  ig_arena_free(&arena);
  return 0;
}
