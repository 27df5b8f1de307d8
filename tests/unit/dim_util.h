/* A table of dims for a test. SPDX-License-Identifier: Apache-2.0 */
#ifndef DIM_UTIL_H
#define DIM_UTIL_H
#include "kern/dim.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

typedef struct fixture { ig_arena arena; ig_dims t; } fixture;

static inline void start(fixture *f, const ig_allocator *alloc) {
  ig_arena_init(&f->arena, alloc, 0);
  ig_dims_init(&f->t, alloc, &f->arena);
}
static inline void stop(fixture *f) {
  ig_dims_free(&f->t);
  ig_arena_free(&f->arena);
}
static inline ig_dim input(ig_dims *t, const char *name, int64_t min, int64_t max) { return ig_dims_symbol(t, name, IG_SYMBOL_INPUT, 0, 0, min, max); }
static inline ig_dim c(ig_dims *t, int64_t v) { return ig_dim_const(t, v); }

static inline void assert_no_error(ig_dims *t) {
  const ig_status s = ig_dims_take_error(t);
  if (s) fail_msg("%s", ig_status_message(s));
}
static inline void assert_error(ig_dims *t, ig_code code) {
  const ig_status s = ig_dims_take_error(t);
  assert_int_equal(ig_status_code(s), code);
  ig_status_free(s);
}
static inline void assert_text(ig_dims *t, ig_dim d, const char *text) {
  ig_buf b;
  ig_buf_init(&b, t->alloc);
  ig_dim_print(t, d, &b);
  assert_string_equal(ig_buf_cstr(&b), text);
  ig_buf_free(&b);
  assert_int_equal(ig_dim_parse(t, text, strlen(text)), d);
}
#endif
