/* One option parser for all subcommands: --opt=v and --opt v, options after operands, `--` ends them, no abbreviations.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

static const ig_allocator *const heap = &ig_libc_allocator;

/* ---- the nearest name: edit distance with one row ---- */

enum { MAX_WORD = 64 };

static size_t distance(const char *a, const char *b) {
  const size_t n = strlen(b);
  size_t row[MAX_WORD + 1];
  if (n > MAX_WORD || strlen(a) > MAX_WORD) return MAX_WORD;
  for (size_t k = 0; k <= n; k++)
    row[k] = k;
  for (size_t i = 0; a[i]; i++) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t k = 0; k < n; k++) {
      const size_t change = diagonal + (a[i] != b[k]), left = row[k] + 1, up = row[k + 1] + 1;
      diagonal = row[k + 1];
      row[k + 1] = change < left ? (change < up ? change : up) : (left < up ? left : up);
    }
  }
  return row[n];
}

const char *cli_nearest(const char *word, const char *const *names, size_t n) {
  const char *best = NULL;
  size_t least = strlen(word) / 2 + 1;
  for (size_t i = 0; i < n; i++) {
    const size_t d = distance(word, names[i]);
    if (d < least) best = names[i], least = d;
  }
  return best;
}

static ig_status wrong_use(const cli_command *cmd, ig_status st) {
  char hint[96];
  snprintf(hint, sizeof hint, "see `ingot %s --help`", cmd->name);
  return ig_status_with(st, IG_DETAIL_HINT, hint);
}

static ig_status unknown_option(const cli_command *cmd, const char *word, size_t n) {
  const char *names[64];
  char bare[MAX_WORD + 1];
  snprintf(bare, sizeof bare, "%.*s", (int)(n < MAX_WORD ? n : MAX_WORD), word);
  for (size_t i = 0; i < cmd->n_options && i < IG_COUNT(names); i++)
    names[i] = cmd->options[i].name;
  const char *near = cli_nearest(bare, names, cmd->n_options);
  if (!near) return wrong_use(cmd, ig_status_new(IG_ERROR_INVALID_ARGUMENT, "unknown option '--%s'", bare));
  ig_status st = ig_status_new(IG_ERROR_INVALID_ARGUMENT, "unknown option '--%s': did you mean '--%s'?", bare, near);
  return wrong_use(cmd, st);
}

static const cli_option *find_option(const cli_command *cmd, const char *name, size_t n) {
  for (size_t i = 0; i < cmd->n_options; i++)
    if (strlen(cmd->options[i].name) == n && memcmp(cmd->options[i].name, name, n) == 0) return &cmd->options[i];
  return NULL;
}

static ig_status take_option(cli_args *a, int argc, char **argv, int *i) {
  const cli_command *cmd = a->command;
  const char *word = argv[*i] + 2;
  const size_t n = strcspn(word, "=");
  const cli_option *o = find_option(cmd, word, n);
  if (!o) return unknown_option(cmd, word, n);
  const char *value = word[n] == '=' ? word + n + 1 : NULL;
  if (!o->arg && value) return wrong_use(cmd, ig_status_new(IG_ERROR_INVALID_ARGUMENT, "option '--%s' takes no value", o->name));
  if (o->arg && !value) {
    if (*i + 1 >= argc)
      return wrong_use(cmd, ig_status_new(IG_ERROR_INVALID_ARGUMENT, "option '--%s' needs a value: --%s %s", o->name, o->name, o->arg));
    value = argv[++*i];
  }
  a->given[a->n_given++] = (cli_given){o, value};
  return NULL;
}

static ig_status parse(cli_args *a, int argc, char **argv, bool *out_help) {
  const cli_command *cmd = a->command;
  bool options = true;
  for (int i = 0; i < argc; i++) {
    const char *s = argv[i];
    if (options && strcmp(s, "--") == 0)
      options = false;
    else if (options && (strcmp(s, "--help") == 0 || strcmp(s, "-h") == 0))
      *out_help = true;
    else if (options && strcmp(s, "-o") == 0 && find_option(cmd, "output", 6)) {
      if (i + 1 >= argc) return wrong_use(cmd, ig_status_new(IG_ERROR_INVALID_ARGUMENT, "option '-o' needs a value: -o FILE"));
      a->given[a->n_given++] = (cli_given){find_option(cmd, "output", 6), argv[++i]};
    } else if (options && strncmp(s, "--", 2) == 0)
      IG_TRY(take_option(a, argc, argv, &i));
    else if (options && s[0] == '-' && s[1])
      return wrong_use(cmd, ig_status_new(IG_ERROR_INVALID_ARGUMENT, "unknown option '%s'", s));
    else
      a->operands[a->n_operands++] = s;
  }
  if (*out_help) return NULL;
  if (a->n_operands < cmd->min_operands)
    return wrong_use(cmd, ig_status_new(IG_ERROR_INVALID_ARGUMENT, "a file is missing: ingot %s %s", cmd->name, cmd->usage));
  if (a->n_operands > cmd->max_operands)
    return wrong_use(cmd, ig_status_new(IG_ERROR_INVALID_ARGUMENT, "one word too many: '%s'", a->operands[cmd->max_operands]));
  return NULL;
}

ig_status cli_args_parse(const cli_command *cmd, int argc, char **argv, cli_args *out, bool *out_help) {
  *out = (cli_args){.command = cmd};
  out->given = ig_alloc_zero(heap, (size_t)argc + 1, sizeof *out->given);
  out->operands = ig_alloc_zero(heap, (size_t)argc + 1, sizeof *out->operands);
  return out->given && out->operands ? parse(out, argc, argv, out_help) : IG_OOM();
}

void cli_args_free(cli_args *a) {
  ig_free(heap, a->given, 0);
  ig_free(heap, a->operands, 0);
}

/* ---- values ---- */

const char *cli_get(const cli_args *a, const char *option) {
  for (size_t i = a->n_given; i-- > 0;)
    if (strcmp(a->given[i].option->name, option) == 0) return a->given[i].value ? a->given[i].value : "";
  return NULL;
}

bool cli_has(const cli_args *a, const char *option) { return cli_get(a, option) != NULL; }

static ig_status bad_value(const cli_args *a, const char *option, const char *value, const char *want) {
  return wrong_use(a->command, ig_status_new(IG_ERROR_INVALID_ARGUMENT, "--%s: '%s' is not %s", option, value, want));
}

ig_status cli_get_i64(const cli_args *a, const char *option, int64_t *inout) {
  const char *s = cli_get(a, option);
  return !s || ig_parse_i64(s, strlen(s), inout) ? NULL : bad_value(a, option, s, "a whole number");
}

ig_status cli_get_u32(const cli_args *a, const char *option, uint32_t *inout) {
  const char *s = cli_get(a, option);
  int64_t v;
  if (!s) return NULL;
  if (!ig_parse_i64(s, strlen(s), &v) || v < 1 || v > 1 << 20) return bad_value(a, option, s, "a number from 1 to 1048576");
  *inout = (uint32_t)v;
  return NULL;
}

ig_status cli_get_f64(const cli_args *a, const char *option, double *inout) {
  const char *s = cli_get(a, option);
  if (!s) return NULL;
  if (!ig_parse_f64(s, strlen(s), inout) || !(*inout >= 0)) return bad_value(a, option, s, "a number, 0 or more");
  return NULL;
}

ig_status cli_get_seconds(const cli_args *a, const char *option, double *inout) {
  const char *s = cli_get(a, option);
  if (!s) return NULL;
  if (!ig_parse_f64(s, strlen(s), inout) || !(*inout >= 0) || *inout > 1e9) return bad_value(a, option, s, "a time in seconds");
  return NULL;
}

ig_status cli_get_size(const cli_args *a, const char *option, uint64_t *inout) {
  const char *s = cli_get(a, option);
  if (!s) return NULL;
  static const char units[] = "KMGT";
  size_t n = strlen(s);
  uint64_t unit = 1;
  const char *at = n ? strchr(units, s[n - 1]) : NULL;
  if (at && *at) {
    for (const char *u = units; u <= at; u++)
      unit *= 1024;
    n--;
  }
  int64_t v, total;
  if (!ig_parse_i64(s, n, &v) || v < 0 || !ig_mul_i64(v, (int64_t)unit, &total))
    return bad_value(a, option, s, "a size: bytes, or with K, M, G or T");
  *inout = (uint64_t)total;
  return NULL;
}

ig_status cli_get_isa(const cli_args *a, uint64_t *inout) {
  const char *s = cli_get(a, "isa");
  return s ? ig_isa_parse(s, inout) : NULL;
}

ig_status cli_get_tune(const cli_args *a, ig_tune_mode *inout) {
  const char *s = cli_get(a, "tune");
  if (!s) return NULL;
  if (strcmp(s, "guess") == 0)
    *inout = IG_TUNE_GUESS;
  else if (strcmp(s, "measure") == 0)
    *inout = IG_TUNE_MEASURE;
  else if (strcmp(s, "replay") == 0)
    *inout = IG_TUNE_REPLAY;
  else
    return bad_value(a, "tune", s, "guess, measure or replay");
  return NULL;
}

/* ---- help ---- */

void cli_help(const cli_command *cmd, ig_buf *out) {
  ig_buf_printf(out, "ingot %s %s\n%s\n\n", cmd->name, cmd->usage, cmd->what);
  for (size_t i = 0; i < cmd->n_options; i++) {
    const cli_option *o = &cmd->options[i];
    const int used = (int)(strlen(o->name) + (o->arg ? strlen(o->arg) + 1 : 0));
    ig_buf_printf(out, "  --%s%s%s%*s  %s\n", o->name, o->arg ? " " : "", o->arg ? o->arg : "", used < 30 ? 30 - used : 0, "", o->help);
  }
  ig_buf_printf(out, "  --help%26s  this text\n", "");
}
