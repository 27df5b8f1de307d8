/* The command `ingot`: what its files share. A subcommand is a record: its options in one table, which the parser and --help walk, and a
 * function. It includes the public headers and src/base alone.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CLI_CLI_H
#define IG_CLI_CLI_H
#include "base/json_write.h"
#include "base/shape_text.h"
#include "ingot/ingot.h"
#include <stdio.h>

typedef struct cli_option {
  const char *name, *arg /* NULL = a switch */, *help;
} cli_option;
typedef struct cli_given {
  const cli_option *option;
  const char *value;
} cli_given;
typedef struct cli_command cli_command;
/* What was given, in order. Strings are argv's. */
typedef struct cli_args {
  const cli_command *command;
  cli_given *given;
  size_t n_given;
  const char **operands;
  size_t n_operands;
} cli_args;
typedef struct cli {
  ig_env *env;
  ig_cancel *cancel;
  bool json, quiet, verbose;
  bool told; /* the failure is in the output already */
} cli;
struct cli_command {
  const char *name, *usage, *what;
  const cli_option *options;
  size_t n_options;
  size_t min_operands, max_operands;
  ig_status (*run)(cli *c, const cli_args *a);
};
#define CLI_OPTIONS(table) table, IG_COUNT(table)

extern const cli_command cli_build, cli_run, cli_compare, cli_bench, cli_inspect, cli_show, cli_check, cli_devices;

/* ---- args.c ---- */
/* argv without program and subcommand. IG_ERROR_INVALID_ARGUMENT with a hint. *out_help: --help was among them. Free with cli_args_free. */
IG_MUST_USE ig_status cli_args_parse(const cli_command *cmd, int argc, char **argv, cli_args *out, bool *out_help);
void cli_args_free(cli_args *a);
const char *cli_get(const cli_args *a, const char *option); /* the last value given, NULL if none */
bool cli_has(const cli_args *a, const char *option);
IG_MUST_USE ig_status cli_get_u32(const cli_args *a, const char *option, uint32_t *inout);
IG_MUST_USE ig_status cli_get_seconds(const cli_args *a, const char *option, double *inout);
IG_MUST_USE ig_status cli_get_f64(const cli_args *a, const char *option, double *inout);
IG_MUST_USE ig_status cli_get_i64(const cli_args *a, const char *option, int64_t *inout);
IG_MUST_USE ig_status cli_get_size(const cli_args *a, const char *option, uint64_t *inout); /* 512M, 2G; bare = bytes */
IG_MUST_USE ig_status cli_get_isa(const cli_args *a, uint64_t *inout);
IG_MUST_USE ig_status cli_get_tune(const cli_args *a, ig_tune_mode *inout);
void cli_help(const cli_command *cmd, ig_buf *out);
/* The nearest of the names, NULL if none is near. */
const char *cli_nearest(const char *word, const char *const *names, size_t n);

/* ---- out.c ---- */
/* ig_write_fn onto stdout; a closed pipe is no failure: the rest is dropped. */
int cli_stdout(void *user, const void *bytes, size_t n);
IG_MUST_USE ig_status cli_print(ig_buf *b);                        /* writes to stdout and frees */
/* The first failure of a write to stdout, also where the writer saw only that there was one. NULL: none, or the reader has closed the pipe. */
IG_MUST_USE ig_status cli_check_stdout(void);
void cli_note(const cli *c, const char *fmt, ...) IG_PRINTF(2, 3); /* a line on stderr, unless --quiet */
void cli_error(const cli *c, ig_status st);
int cli_exit_code(ig_code code);
void cli_buf_fixed(ig_buf *b, double v, int digits); /* "0.123" whatever the locale */
/* ig_progress_fn; a line that rewrites itself where stderr is a terminal. user: the cli. */
int cli_progress(void *user, const char *stage, double fraction);
void cli_progress_end(const cli *c);

/* ---- of several commands ---- */
/* Options that come several times, as an array; free with ig_free. */
IG_MUST_USE ig_status cli_get_all(const cli_args *a, const char *option, const char ***out, size_t *out_n);
/* --device, --threads, --isa, --tune, --shapes, --values, --input, --seed of run, compare and bench. lists keeps what out points to. */
typedef struct cli_lists {
  const char **values, **inputs;
} cli_lists;
struct session_options;
IG_MUST_USE ig_status cli_session_options(cli *c, const cli_args *a, const char *path, cli_lists *lists, struct session_options *out);
void cli_lists_free(cli_lists *l);
double cli_now(void);
IG_MUST_USE ig_status cli_check_cancelled(const cli *c);
#endif
