/* What the command says: results on stdout, notes and errors on stderr, exit codes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static bool pipe_closed;
static int stdout_error; /* errno of the first write that failed */

int cli_stdout(void *user, const void *bytes, size_t n) {
  (void)user;
  const char *p = bytes;
  while (n > 0 && !pipe_closed) {
    const ssize_t k = write(STDOUT_FILENO, p, n);
    if (k < 0 && errno == EINTR) continue;
    if (k < 0 && errno == EPIPE) {
      pipe_closed = true;
      return 0;
    }
    if (k <= 0) {
      stdout_error = k < 0 ? errno : EIO;
      return 1;
    }
    p += k;
    n -= (size_t)k;
  }
  return 0;
}

ig_status cli_check_stdout(void) {
  return stdout_error ? ig_status_new(IG_ERROR_IO, "cannot write to the standard output: %s", strerror(stdout_error)) : NULL;
}

ig_status cli_print(ig_buf *b) {
  ig_status st = b->failed ? IG_OOM() : b->n && cli_stdout(NULL, b->data, b->n) ? cli_check_stdout() : NULL;
  ig_buf_free(b);
  return st;
}

static bool colours(void) {
  const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
  return isatty(STDERR_FILENO) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

void cli_note(const cli *c, const char *fmt, ...) {
  if (c->quiet) return;
  va_list ap;
  va_start(ap, fmt);
  vfprintf(stderr, fmt, ap);
  va_end(ap);
  fputc('\n', stderr);
}

/* One table with every code; the numbers are frozen. */
int cli_exit_code(ig_code code) {
  static const struct {
    ig_code code;
    int exit;
  } table[] = {{IG_OK, 0},
               {IG_ERROR_INVALID_ARGUMENT, 2},
               {IG_ERROR_BAD_MODEL, 3},
               {IG_ERROR_BAD_ENGINE, 3},
               {IG_ERROR_UNSUPPORTED, 4},
               {IG_ERROR_DEVICE, 5},
               {IG_ERROR_OUT_OF_MEMORY, 6},
               {IG_ERROR_LIMIT, 6},
               {IG_ERROR_IO, 7},
               {IG_ERROR_CANCELLED, 130},
               {IG_ERROR_SHAPE, 4},
               {IG_ERROR_DATA, 1},
               {IG_ERROR_TRAP, 1},
               {IG_ERROR_MISMATCH, 1},
               {IG_ERROR_INTERNAL, 1}};
  for (size_t i = 0; i < IG_COUNT(table); i++)
    if (table[i].code == code) return table[i].exit;
  return 1;
}

static void error_json(ig_status st) {
  ig_buf b;
  ig_json j;
  ig_buf_init(&b, &ig_libc_allocator);
  ig_json_init(&j, &b);
  const ig_code code = ig_status_code(st);
  const char *issue = ig_status_detail(st, IG_DETAIL_ISSUE_CODE);
  ig_json_open(&j, NULL, '{');
  ig_json_open(&j, "error", '{');
  ig_json_i64(&j, "code", code);
  ig_json_str(&j, "name", issue ? issue : ig_code_name(code));
  ig_json_str(&j, "node", ig_status_detail(st, IG_DETAIL_NODE));
  ig_json_str(&j, "hint", ig_status_detail(st, IG_DETAIL_HINT));
  ig_json_str(&j, "message", ig_status_message(st));
  ig_json_close(&j, '}');
  ig_json_close(&j, '}');
  ig_buf_str(&b, "\n");
  ig_status_free(cli_print(&b));
}

void cli_error(const cli *c, ig_status st) {
  if (c->told) return;
  if (c->json && !stdout_error) {
    error_json(st);
    return;
  }
  const char *hint = ig_status_detail(st, IG_DETAIL_HINT), *issue = ig_status_detail(st, IG_DETAIL_ISSUE_CODE);
  const bool colour = colours();
  fprintf(stderr, "%singot: error:%s %s%s%s\n", colour ? "\033[31m" : "", colour ? "\033[0m" : "", issue ? issue : "", issue ? ": " : "",
          ig_status_message(st));
  if (hint && *hint && !strstr(ig_status_message(st), hint)) fprintf(stderr, "  %s\n", hint);
}

/* Decimal with a fixed number of digits, by whole-number arithmetic; what is out of its range is written in full. */
void cli_buf_fixed(ig_buf *b, double v, int digits) {
  double scale = 1;
  for (int i = 0; i < digits; i++)
    scale *= 10;
  const double scaled = fabs(v) * scale + 0.5;
  if (!(scaled < 9e18)) {
    ig_buf_g(b, v);
    return;
  }
  const unsigned long long u = (unsigned long long)scaled, unit = (unsigned long long)scale;
  ig_buf_printf(b, "%s%llu", v < 0 && u ? "-" : "", u / unit);
  if (digits) ig_buf_printf(b, ".%0*llu", digits, u % unit);
}

static bool progress_shown;

int cli_progress(void *user, const char *stage, double fraction) {
  const cli *c = user;
  if (c->quiet || !isatty(STDERR_FILENO)) return 1;
  fprintf(stderr, "\r%-9s %3d%%", stage, (int)(fraction * 100));
  progress_shown = true;
  return 1;
}

void cli_progress_end(const cli *c) {
  (void)c;
  if (progress_shown) fprintf(stderr, "\r%16s\r", "");
  progress_shown = false;
}

double cli_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
