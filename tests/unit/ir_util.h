/* What the tests of the graph and of the passes share: an environment, parsing, printing, and an evaluator on the reference.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_TESTS_IR_UTIL_H
#define IG_TESTS_IR_UTIL_H
#include "ir/graph.h"
#include "kern/scalar.h"
#include "opt/pass.h"
#include "ref/ref.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static inline void check_ok(ig_status st) {
  if (st) print_error("%s: %s\n", ig_code_name(ig_status_code(st)), ig_status_message(st));
  assert_null(st);
}

/* The failure's message holds `part`; frees it. */
static inline void check_fails(ig_status st, ig_code code, const char *part) {
  assert_non_null(st);
  if (ig_status_code(st) != code || !strstr(ig_status_message(st), part))
    print_error("%s: %s\n", ig_code_name(ig_status_code(st)), ig_status_message(st));
  assert_int_equal(ig_status_code(st), code);
  assert_non_null(strstr(ig_status_message(st), part));
  ig_status_free(st);
}

static inline ig_env *new_env(void) {
  ig_env *env = NULL;
  check_ok(ig_env_create(NULL, &env));
  return env;
}

static inline ig_ir *parse(ig_env *env, const char *text) {
  ig_ir *ir = NULL;
  check_ok(ig_ir_parse(env, text, strlen(text), &ir));
  return ir;
}

/* The text; the caller frees it with free(). */
static inline char *text_of(ig_ir *ir, bool full) {
  ig_buf b;
  ig_buf_init(&b, &ig_libc_allocator);
  ig_ir_print(ir, full, &b);
  assert_false(b.failed);
  char *s = strdup(ig_buf_cstr(&b));
  ig_buf_free(&b);
  return s;
}

static inline bool fixed(const ig_ir *ir, ig_dim d, int64_t *out) { return ig_dim_is_const(&ir->dims, d, out); }

static inline ig_sprog bound_program(ig_ir *ir, const ig_sprog *p) {
  ig_sinsn *copy = IG_NEW_ARRAY(&ir->arena, ig_sinsn, p->n + 1);
  for (uint32_t i = 0; i < p->n; i++) {
    copy[i] = p->insns[i];
    int64_t v = 0;
    if (copy[i].op != IG_SOP_DIM || !fixed(ir, (ig_dim)copy[i].imm, &v)) continue;
    copy[i] = (ig_sinsn){.op = IG_SOP_CONST, .type = IG_S_I64, .imm = (uint64_t)v};
  }
  return (ig_sprog){copy, p->n};
}

static inline const void *bound_params(ig_ir *ir, const ig_request *r) {
  const ig_kind_def *k = ig_kind(r->kind);
  if (!r->params) return NULL;
  int64_t *words = ig_arena_alloc(&ir->arena, k->params_size);
  memcpy(words, r->params, k->params_size);
  for (uint32_t f = 0; f < k->n_fields; f++)
    for (uint32_t i = 0; k->fields[f].type == IG_FIELD_DIM && i < k->fields[f].count; i++) {
      int64_t *w = &words[k->fields[f].word + i];
      if (!fixed(ir, (ig_dim)*w, w)) *w = 0;
    }
  return words;
}

/* ig_evaluate_fn on the reference. */
static inline ig_status evaluate(void *user, ig_ir *ir, const ig_request *r, const ig_data *const *in, const ig_data **out) {
  const uint32_t n = ig_request_n_operands(r), n_read = r->n_in + r->n_extra;
  ig_view *views = IG_NEW_ARRAY(&ir->arena, ig_view, n);
  ig_error_word error = {0};
  IG_UNUSED(user);
  for (uint32_t i = 0; i < n; i++) {
    const ig_operand *o = &r->operands[i];
    ig_view *v = &views[i];
    if (o->value == IG_NO_VALUE) continue;
    *v = (ig_view){.dtype = o->dtype, .rank = o->rank};
    int64_t count = 1;
    for (uint32_t k = 0; k < o->rank; k++) {
      if (!fixed(ir, o->dims[k], &v->dims[k]) || !fixed(ir, o->strides[k], &v->strides[k]))
        return ig_status_new(IG_ERROR_UNSUPPORTED, "dims are not constant");
      count *= v->dims[k];
    }
    if (i < n_read) {
      v->data = (void *)(uintptr_t)in[i]->bytes;
      continue;
    }
    ig_data *d = IG_NEW(&ir->arena, ig_data);
    *d = (ig_data){.dtype = o->dtype, .rank = o->rank, .n_bytes = ig_dtype_bytes(o->dtype, (uint64_t)count)};
    memcpy(d->dims, v->dims, sizeof d->dims);
    d->bytes = v->data = ig_arena_alloc(&ir->arena, d->n_bytes + 1);
    out[i - n_read] = d;
  }
  ig_call call = {.kind = r->kind,
                  .n_in = r->n_in,
                  .n_extra = r->n_extra,
                  .n_out = r->n_out,
                  .v = views,
                  .params = bound_params(ir, r),
                  .prog = bound_program(ir, &r->prog),
                  .epi = bound_program(ir, &r->epi),
                  .error = &error};
  call.scratch_size = ig_ref_scratch(&call);
  call.scratch = ig_arena_alloc(&ir->arena, call.scratch_size + 64);
  ig_ref_run(&call);
  return error.word ? ig_status_new(IG_ERROR_DATA, "data error") : NULL;
}
#endif
