/* The parser of text IR on any bytes: a status, or a graph whose text reads back to the same text.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ir/graph.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print(ig_env *env, ig_ir *ir, ig_buf *out) {
  ig_buf_init(out, &env->alloc);
  ig_ir_print(ir, true, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static ig_env *env;
  if (!env && ig_env_create(NULL, &env)) abort();
  ig_ir *ir = NULL, *again = NULL;
  ig_buf first, second;
  ig_status st = ig_ir_parse(env, (const char *)data, size, &ir);
  if (!st) {
    ig_status_free(ig_ir_verify(ir));
    print(env, ir, &first);
    st = ig_ir_parse(env, first.data, first.n, &again);
    if (st) {
      fprintf(stderr, "what was printed does not parse: %s\n%s\n", ig_status_message(st), ig_buf_cstr(&first));
      abort();
    }
    print(env, again, &second);
    if (first.n != second.n || memcmp(first.data, second.data, first.n) != 0) {
      fprintf(stderr, "the text changes:\n%s\n%s\n", ig_buf_cstr(&first), ig_buf_cstr(&second));
      abort();
    }
    ig_buf_free(&first);
    ig_buf_free(&second);
  }
  ig_status_free(st);
  if (again) ig_ir_destroy(again);
  if (ir) ig_ir_destroy(ir);
  return 0;
}
