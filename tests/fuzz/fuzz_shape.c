/* Shape strings: a status, or entries with sound names and dims. SPDX-License-Identifier: Apache-2.0 */
#include "base/shape_text.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ig_shape_list list;
  char *text = malloc(size + 1);
  if (!text) abort();
  if (size) memcpy(text, data, size);
  text[size] = 0;
  ig_status st = ig_shape_text_parse(&ig_libc_allocator, text, &list);
  if (!st) {
    for (size_t i = 0; i < list.entries.n; i++) {
      const ig_shape_entry *e = &list.entries.data[i];
      if (e->rank > IG_MAX_RANK || ig_shape_list_find(&list, e->name) != e) abort();
      for (uint32_t k = 0; k < e->rank; k++)
        if (e->dims[k] < 0) abort();
    }
    ig_shape_list_free(&ig_libc_allocator, &list);
  }
  ig_status_free(st);
  free(text);
  return 0;
}
