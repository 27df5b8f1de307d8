/* What run, compare and bench read alike.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/session.h"

static const ig_allocator *const heap = &ig_libc_allocator;

/* Options that come several times, as an array; free with ig_free. */
ig_status cli_get_all(const cli_args *a, const char *option, const char ***out, size_t *out_n) {
  *out_n = 0;
  *out = ig_alloc_zero(heap, a->n_given + 1, sizeof **out);
  IG_CHECK_MEM(*out);
  for (size_t i = 0; i < a->n_given; i++)
    if (strcmp(a->given[i].option->name, option) == 0) (*out)[(*out_n)++] = a->given[i].value;
  return NULL;
}

ig_status cli_session_options(cli *c, const cli_args *a, const char *path, cli_lists *lists, session_options *out) {
  int64_t seed = 0;
  *lists = (cli_lists){NULL, NULL};
  *out = (session_options){.path = path,
                           .device = cli_get(a, "device"),
                           .shapes = cli_get(a, "shapes"),
                           .tune = IG_TUNE_GUESS,
                           .cancel = c->cancel,
                           .progress = cli_progress,
                           .progress_user = c};
  IG_TRY(cli_get_u32(a, "threads", &out->n_threads));
  IG_TRY(cli_get_isa(a, &out->isa_mask));
  IG_TRY(cli_get_tune(a, &out->tune));
  IG_TRY(cli_get_i64(a, "seed", &seed));
  out->seed = (uint64_t)seed;
  IG_TRY(cli_get_all(a, "values", &lists->values, &out->n_values));
  IG_TRY(cli_get_all(a, "input", &lists->inputs, &out->n_inputs));
  out->values = lists->values;
  out->inputs = lists->inputs;
  return NULL;
}

void cli_lists_free(cli_lists *l) {
  ig_free(heap, l->values, 0);
  ig_free(heap, l->inputs, 0);
}
