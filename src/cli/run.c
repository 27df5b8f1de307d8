/* ingot run: an engine, or a model built on the spot, run once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/agree.h"
#include "cli/cli.h"
#include "cli/session.h"
#include <errno.h>
#include <math.h>
#include <sys/stat.h>

static const cli_option options[] = {
    {"device", "NAME", "cpu, ref (the reference) or null (checks, computes nothing)"},
    {"threads", "N", "threads of the run"},
    {"isa", "SET", "use at most avx2, avx512, or none (portable code)"},
    {"tune", "MODE", "for a model: guess (the default), measure or replay"},
    {"shapes", "NAME:1x3x..,..", "shapes of inputs that are not given"},
    {"values", "NAME=V,V,..", "contents of an input; for a model fixed in the engine; may be repeated"},
    {"input", "NAME=FILE|DIR", "contents from a .npy or .pb file; or a folder with input_0.pb, ...; may be repeated"},
    {"seed", "N", "of inputs that are not given, which are random (0)"},
    {"output-dir", "DIR", "write output_0.npy, output_1.npy, ... there"},
    {"output-format", "npy|pb", "with --output-dir: the format (npy)"},
    {"check-finite", NULL, "fail at the first step that makes NaN or infinity"},
    {"json", NULL, "outputs and errors as JSON"},
    {"quiet", NULL, "print nothing but errors"},
    {"verbose", NULL, "list every step: tactic, time, precision and why"},
};

static const ig_allocator *const heap = &ig_libc_allocator;

/* ---- steps watched ---- */

typedef struct watch {
  bool found;
  char text[256];
} watch;

static void on_step(void *user, const ig_step_info *info, const ig_tensor *results, size_t n) {
  watch *w = user;
  for (size_t r = 0; r < n && !w->found; r++) {
    if (!agree_is_float(results[r].dtype)) continue;
    int64_t at[IG_MAX_RANK] = {0};
    const int64_t count = agree_count(&results[r]);
    for (int64_t i = 0; i < count && !w->found; i++) {
      int64_t offset = 0;
      for (int32_t k = 0; k < results[r].rank; k++)
        offset += at[k] * results[r].strides[k];
      const double v = agree_element(&results[r], offset);
      w->found = !isfinite(v);
      if (w->found)
        snprintf(w->text, sizeof w->text, "step %u '%.150s' makes %s at element %lld", info->index, info->name, isnan(v) ? "NaN" : "infinity",
                 (long long)i);
      for (int32_t k = results[r].rank; k-- > 0;) {
        if (++at[k] < results[r].dims[k]) break;
        at[k] = 0;
      }
    }
  }
}

static void on_profile(void *user, const ig_step_info *info) {
  ig_buf *b = user;
  ig_buf_printf(b, "step %u: %s  %s  %s  fp32  ", info->index, info->name, info->kind, info->tactic);
  cli_buf_fixed(b, info->seconds * 1e3, 3);
  ig_buf_printf(b, " ms%s%s\n", info->reason && *info->reason ? "  because " : "", info->reason ? info->reason : "");
}

/* ---- outputs ---- */

enum { N_FIRST = 8, N_TOP = 5 };

static void element_text(const ig_tensor *t, int64_t i, ig_buf *b) {
  typedef struct string_handle {
    const char *p;
    size_t n;
  } string_handle;
  if (t->dtype != IG_DTYPE_STRING) {
    ig_buf_g(b, agree_element(t, i));
    return;
  }
  const string_handle *s = (const string_handle *)t->data + i;
  ig_buf_printf(b, "'%.*s'", (int)(s->n < 80 ? s->n : 80), s->p ? s->p : "");
}

static void range_of(const ig_tensor *t, double *lo, double *hi, int64_t *n_odd) {
  const int64_t n = agree_count(t);
  *lo = INFINITY;
  *hi = -INFINITY;
  *n_odd = 0;
  for (int64_t i = 0; i < n; i++) {
    const double v = agree_element(t, i);
    if (!isfinite(v)) ++*n_odd;
    if (v < *lo) *lo = v;
    if (v > *hi) *hi = v;
  }
}

/* Indices of the largest elements, best first. */
static size_t top_of(const ig_tensor *t, int64_t *out) {
  const int64_t n = agree_count(t);
  size_t n_out = 0;
  for (int64_t i = 0; i < n; i++) {
    const double v = agree_element(t, i);
    size_t k = n_out;
    if (isnan(v)) continue;
    for (; k > 0 && v > agree_element(t, out[k - 1]); k--)
      if (k < N_TOP) out[k] = out[k - 1];
    if (k < N_TOP) out[k] = i;
    if (n_out < N_TOP) n_out++;
  }
  return n_out;
}

static void output_text(const char *name, const ig_tensor *t, ig_buf *b) {
  ig_buf_printf(b, "%s: %s ", name, ig_dtype_name(t->dtype));
  for (int32_t k = 0; k < t->rank; k++)
    ig_buf_printf(b, "%s%lld", k ? "x" : "", (long long)t->dims[k]);
  ig_buf_str(b, t->rank ? "\n" : "scalar\n");
  const int64_t n = agree_count(t);
  if (n && t->dtype != IG_DTYPE_STRING) {
    double lo, hi;
    int64_t n_odd;
    range_of(t, &lo, &hi, &n_odd);
    ig_buf_str(b, "  range ");
    ig_buf_g(b, lo);
    ig_buf_str(b, " .. ");
    ig_buf_g(b, hi);
    if (n_odd) ig_buf_printf(b, ", %lld of %lld not finite", (long long)n_odd, (long long)n);
    ig_buf_str(b, "\n");
  }
  ig_buf_str(b, "  first");
  for (int64_t i = 0; i < n && i < N_FIRST; i++) {
    ig_buf_str(b, " ");
    element_text(t, i, b);
  }
  ig_buf_str(b, n > N_FIRST ? " ...\n" : "\n");
  int64_t top[N_TOP];
  if (t->dtype == IG_DTYPE_STRING || n < 2) return;
  const size_t n_top = top_of(t, top);
  ig_buf_str(b, "  top  ");
  for (size_t i = 0; i < n_top; i++) {
    ig_buf_printf(b, " [%lld] ", (long long)top[i]);
    element_text(t, top[i], b);
  }
  ig_buf_str(b, "\n");
}

static void output_json(const char *name, const ig_tensor *t, const char *file, ig_json *j) {
  ig_json_open(j, NULL, '{');
  ig_json_str(j, "name", name);
  ig_json_str(j, "dtype", ig_dtype_name(t->dtype));
  ig_json_open(j, "dims", '[');
  for (int32_t k = 0; k < t->rank; k++)
    ig_json_i64(j, NULL, t->dims[k]);
  ig_json_close(j, ']');
  if (file) ig_json_str(j, "file", file);
  if (t->dtype != IG_DTYPE_STRING && agree_count(t)) {
    double lo, hi;
    int64_t n_odd, top[N_TOP];
    range_of(t, &lo, &hi, &n_odd);
    ig_json_f64(j, "min", lo);
    ig_json_f64(j, "max", hi);
    ig_json_i64(j, "not_finite", n_odd);
    ig_json_open(j, "first", '[');
    for (int64_t i = 0; i < agree_count(t) && i < N_FIRST; i++)
      ig_json_f64(j, NULL, agree_element(t, i));
    ig_json_close(j, ']');
    const size_t n_top = top_of(t, top);
    ig_json_open(j, "top", '[');
    for (size_t i = 0; i < n_top; i++)
      ig_json_i64(j, NULL, top[i]);
    ig_json_close(j, ']');
  }
  ig_json_close(j, '}');
}

typedef struct writer {
  cli *c;
  const cli_args *a;
  const char *dir, *format;
  ig_buf text;
  ig_json json;
} writer;

static ig_status write_output(writer *w, size_t i, const char *name, const ig_tensor *t) {
  char path[4096] = "";
  if (w->dir) {
    if (snprintf(path, sizeof path, "%s/output_%zu.%s", w->dir, i, w->format) >= (int)sizeof path)
      IG_FAIL(IG_ERROR_IO, "--output-dir: the path is too long");
    int widened = 0;
    IG_TRY(ig_tensor_save_file(w->c->env, t, name, w->format, path, &widened));
    if (widened)
      cli_note(w->c, "ingot: %s: %s is written as %s", path, ig_dtype_name(t->dtype), agree_is_float(t->dtype) ? "float" : "8-bit integers");
  }
  if (w->c->quiet) return NULL;
  if (w->c->json)
    output_json(name, t, w->dir ? path : NULL, &w->json);
  else if (w->dir)
    ig_buf_printf(&w->text, "%s -> %s\n", name, path);
  else
    output_text(name, t, &w->text);
  return NULL;
}

static ig_status write_outputs(writer *w, const session *s, ig_context *ctx) {
  IG_REQUIRE(!w->dir || mkdir(w->dir, 0777) == 0 || errno == EEXIST, IG_ERROR_IO, "cannot make the folder '%s': %s", w->dir, strerror(errno));
  const size_t n_out = ig_engine_n_io(s->engine) - ig_engine_n_inputs(s->engine);
  if (w->c->json) {
    ig_json_open(&w->json, NULL, '{');
    ig_json_open(&w->json, "outputs", '[');
  }
  for (size_t i = 0; i < n_out; i++) {
    ig_value *v;
    IG_TRY(session_output(s, ctx, i, &v));
    ig_status st = write_output(w, i, ig_value_name(v), ig_value_tensor(v));
    ig_value_release(v);
    if (st) return st;
  }
  if (!w->c->json) return NULL;
  ig_json_close(&w->json, ']');
  ig_json_close(&w->json, '}');
  ig_buf_str(&w->text, "\n");
  return NULL;
}

static ig_status execute(cli *c, const cli_args *a, const session *s, ig_buf *steps) {
  ig_context *ctx;
  watch finite = {0};
  IG_TRY(session_context(s, 0, &ctx));
  if (cli_has(a, "check-finite")) ig_context_set_watch(ctx, on_step, &finite);
  if (c->verbose) ig_context_set_profiler(ctx, on_profile, steps);
  ig_status st = ig_context_run(ctx);
  if (!st && finite.found) st = ig_status_new(IG_ERROR_DATA, "--check-finite: %s", finite.text);
  writer w = {.c = c, .a = a, .dir = cli_get(a, "output-dir"), .format = cli_get(a, "output-format")};
  if (!w.format) w.format = "npy";
  ig_buf_init(&w.text, heap);
  ig_json_init(&w.json, &w.text);
  if (!st) st = write_outputs(&w, s, ctx);
  if (st || (c->quiet && !c->json))
    ig_buf_free(&w.text);
  else
    st = cli_print(&w.text);
  ig_context_release(ctx);
  return st;
}

static ig_status run(cli *c, const cli_args *a) {
  const char *format = cli_get(a, "output-format");
  IG_REQUIRE(!format || strcmp(format, "npy") == 0 || strcmp(format, "pb") == 0, IG_ERROR_INVALID_ARGUMENT,
             "--output-format: '%s' is neither npy nor pb", format);
  IG_REQUIRE(!format || cli_has(a, "output-dir"), IG_ERROR_INVALID_ARGUMENT, "--output-format belongs to --output-dir");
  session_options o;
  cli_lists lists;
  session s = {0};
  ig_buf steps;
  ig_buf_init(&steps, heap);
  ig_status st = cli_session_options(c, a, a->operands[0], &lists, &o);
  if (!st) st = session_open(c->env, &o, &s);
  cli_progress_end(c);
  if (!st) st = execute(c, a, &s, &steps);
  if (!st && steps.n && !c->quiet) fwrite(steps.data, 1, steps.n, stderr);
  ig_buf_free(&steps);
  session_close(&s);
  cli_lists_free(&lists);
  return st;
}

const cli_command cli_run = {"run", "ENGINE|MODEL.onnx [options]", "Runs an engine, or a model built on the spot, once.", CLI_OPTIONS(options), 1, 1,
                             run};
