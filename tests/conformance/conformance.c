/* Runs ONNX's own cases in one process, as `ingot run MODEL --input DIR` would: values and shapes come from the data.
 *
 *   conformance CASES [--device cpu|ref] [--isa avx2|avx512|none] [--skip FILE] [NAME ...]
 *
 * CASES is a folder made by make_cases.py. FILE has lines "name: reason"; a case named there is expected to fail, and one that passes
 * fails the run. With NAMEs only those run. Prints one line per failure and a closing line; exit status 1 when anything failed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/agree.h"
#include "cli/session.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct test_case {
  char name[160];
  unsigned n_sets;
  double rtol, atol;
} test_case;
typedef struct runner {
  ig_env *env;
  const char *cases, *device;
  uint64_t isa_mask;
  char *skips; /* text of the skip list, lines cut */
  char **only;
  int n_only;
  size_t n_passed, n_failed, n_skipped;
  size_t n_by_reason[4]; /* of the skipped ones */
} runner;

static char current[160];

/* A crash names its case. */
static void on_crash(int sig) {
  static const char text[] = "CRASH ";
  ssize_t ignored = write(STDOUT_FILENO, text, sizeof text - 1);
  ignored = write(STDOUT_FILENO, current, strlen(current));
  ignored = write(STDOUT_FILENO, "\n", 1);
  (void)ignored;
  signal(sig, SIG_DFL);
  raise(sig);
}

static char *read_text(const char *path) {
  FILE *f = fopen(path, "re");
  if (!f) return NULL;
  fseek(f, 0, SEEK_END);
  const long n = ftell(f);
  rewind(f);
  char *s = n >= 0 ? calloc(1, (size_t)n + 1) : NULL;
  if (s && fread(s, 1, (size_t)n, f) != (size_t)n) s[0] = 0;
  fclose(f);
  return s;
}

/* The reason that the list gives for this case, up to the end of its line; NULL if it is not listed. */
static const char *skip_reason(const runner *r, const char *name) {
  const size_t n = strlen(name);
  for (const char *s = r->skips; s && *s; s = strchr(s, '\n') ? strchr(s, '\n') + 1 : NULL)
    if (strncmp(s, name, n) == 0 && s[n] == ':') return s + n + 1;
  return NULL;
}

static const char *const reasons[4] = {"wrong-in-onnx", "non-deterministic", "refused", "not-yet"};

/* Which of the four reasons this is; 4 for another, which the list must not have. */
static size_t reason_of(const char *reason) {
  while (*reason == ' ')
    reason++;
  for (size_t i = 0; i < 4; i++)
    if (strncmp(reason, reasons[i], strlen(reasons[i])) == 0) return i;
  return 4;
}

static bool is_chosen(const runner *r, const char *name) {
  for (int i = 0; i < r->n_only; i++)
    if (strcmp(r->only[i], name) == 0) return true;
  return r->n_only == 0;
}

static ig_status check_output(const session *s, ig_context *ctx, size_t i, const char *folder, const agree_rule *rule) {
  char path[4096];
  ig_value *got = NULL, *want = NULL;
  IG_REQUIRE(session_data_file(folder, "output", i, path, sizeof path), IG_ERROR_IO, "there is no output_%zu in %s", i, folder);
  ig_status st = ig_value_load_file(s->env, path, &want);
  if (!st) st = session_output(s, ctx, i, &got);
  if (!st) {
    agree_result a;
    agree_compare(ig_value_tensor(got), ig_value_tensor(want), rule, &a);
    if (!a.ok)
      st = ig_status_new(IG_ERROR_MISMATCH, "output %zu: %s (%lld of %lld over, max|a-b| %g, max|b| %g, worst at %lld)", i, a.why,
                         (long long)a.n_over, (long long)a.n, a.max_diff, a.max_reference, (long long)a.worst);
  }
  ig_value_release(got);
  ig_value_release(want);
  return st;
}

static ig_status run_set(const runner *r, const test_case *t, unsigned k) {
  char model[2048], folder[2048];
  snprintf(model, sizeof model, "%s/%s/model.onnx", r->cases, t->name);
  snprintf(folder, sizeof folder, "%s/%s/test_data_set_%u", r->cases, t->name, k);
  const char *const inputs[] = {folder};
  const session_options o = {
      .path = model, .device = r->device, .isa_mask = r->isa_mask, .tune = IG_TUNE_GUESS, .n_threads = 1, .inputs = inputs, .n_inputs = 1};
  const agree_rule rule = {.elementwise = true, .atol = t->atol, .rtol = t->rtol};
  session s;
  ig_context *ctx = NULL;
  IG_TRY(session_open(r->env, &o, &s));
  ig_status st = NULL;
  for (size_t i = 0; !st && i < s.inputs.n; i++)
    if (!s.inputs.data[i].given) st = ig_status_new(IG_ERROR_BAD_MODEL, "input '%s' has no data", s.inputs.data[i].name);
  if (!st) st = session_context(&s, 1, &ctx);
  if (!st) st = ig_context_run(ctx);
  const size_t n = ig_engine_n_io(s.engine) - ig_engine_n_inputs(s.engine);
  for (size_t i = 0; !st && i < n; i++)
    st = check_output(&s, ctx, i, folder, &rule);
  ig_context_release(ctx);
  session_close(&s);
  return st;
}

static void run_case(runner *r, const test_case *t) {
  ig_status st = NULL;
  const char *reason = skip_reason(r, t->name);
  snprintf(current, sizeof current, "%s", t->name);
  for (unsigned k = 0; !st && k < t->n_sets; k++)
    st = run_set(r, t, k);
  if (reason && reason_of(reason) == 4) {
    r->n_failed++;
    printf("FAIL %s: the skip list gives none of the four reasons\n", t->name);
  } else if (reason && st) {
    r->n_skipped++;
    r->n_by_reason[reason_of(reason)]++;
  } else if (reason) {
    r->n_failed++;
    printf("FAIL %s: passes, but the skip list says:%.*s\n", t->name, (int)strcspn(reason, "\n"), reason);
  } else if (st) {
    r->n_failed++;
    printf("FAIL %s: %s: %s\n", t->name, ig_code_name(ig_status_code(st)), ig_status_message(st));
  } else
    r->n_passed++;
  fflush(stdout);
  ig_status_free(st);
}

static bool read_case(const char *line, test_case *out) {
  char kind[32], rtol[32], atol[32];
  if (sscanf(line, "%159s %31s %u %31s %31s", out->name, kind, &out->n_sets, rtol, atol) != 5) return false;
  return ig_parse_f64(rtol, strlen(rtol), &out->rtol) && ig_parse_f64(atol, strlen(atol), &out->atol);
}

/* A name on the list that is no case is a mistake in the list. */
static void check_list(runner *r, const char *cases) {
  for (const char *s = r->skips; s && *s; s = strchr(s, '\n') ? strchr(s, '\n') + 1 : NULL) {
    char name[200];
    const size_t n = strcspn(s, ":\n");
    if (*s == '#' || *s == '\n' || n > 160) continue;
    snprintf(name, sizeof name, "\n%.*s ", (int)n, s);
    if (strstr(cases, name) || strncmp(cases, name + 1, n + 1) == 0) continue;
    printf("FAIL %.*s: on the skip list, but there is no such case\n", (int)n, s);
    r->n_failed++;
  }
}

static int run_all(runner *r, const char *skip_file) {
  char path[2048];
  snprintf(path, sizeof path, "%s/cases.txt", r->cases);
  char *cases = read_text(path);
  r->skips = skip_file ? read_text(skip_file) : NULL;
  if (!cases || (skip_file && !r->skips)) {
    fprintf(stderr, "conformance: cannot read %s\n", cases ? skip_file : path);
    return 2;
  }
  if (!r->n_only) check_list(r, cases);
  for (char *line = cases, *end; line && *line; line = end ? end + 1 : NULL) {
    test_case t;
    end = strchr(line, '\n');
    if (end) *end = 0;
    if (!read_case(line, &t))
      fprintf(stderr, "conformance: cases.txt: '%.60s' is not understood\n", line);
    else if (is_chosen(r, t.name))
      run_case(r, &t);
  }
  for (size_t i = 0; i < 4 && r->n_skipped; i++)
    printf("%s%zu %s%s", i ? ", " : "skipped: ", r->n_by_reason[i], reasons[i], i == 3 ? "\n" : "");
  printf("%zu passed, %zu failed, %zu skipped\n", r->n_passed, r->n_failed, r->n_skipped);
  free(cases);
  free(r->skips);
  return r->n_failed != 0;
}

int main(int argc, char **argv) {
  runner r = {.device = "cpu", .only = argv};
  const char *skip = NULL;
  ig_status st = NULL;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--device") == 0 && i + 1 < argc)
      r.device = argv[++i];
    else if (strcmp(argv[i], "--skip") == 0 && i + 1 < argc)
      skip = argv[++i];
    else if (strcmp(argv[i], "--isa") == 0 && i + 1 < argc)
      st = ig_isa_parse(argv[++i], &r.isa_mask);
    else if (!r.cases)
      r.cases = argv[i];
    else
      argv[r.n_only++] = argv[i];
  }
  if (!r.cases || st) {
    ig_status_free(st);
    fprintf(stderr, "conformance CASES [--device cpu|ref] [--isa avx2|avx512|none] [--skip FILE] [NAME ...]\n");
    return 2;
  }
  signal(SIGSEGV, on_crash);
  signal(SIGABRT, on_crash);
  signal(SIGFPE, on_crash);
  st = ig_env_create(NULL, &r.env);
  if (st) {
    ig_status_free(st);
    return 2;
  }
  const int code = run_all(&r, skip);
  ig_env_release(r.env);
  return code;
}
