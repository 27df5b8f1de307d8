/* ingot bench: latency and throughput. Every iteration copies the inputs in as `run` does and runs anew. --kernels: the device's kernels alone.
 *
 * --profile: looking at a clock around each step costs time of its own, as much as a small step. So runs come in pairs, one watched and one not: the
 * layers are taken from the watched ones, all other figures from the others, and the sum of the layers stands beside a whole that no clock slowed. Both are
 * means without the slowest tenth: means add up, also where a core changes its pace, and what was interrupted does not count.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/session.h"
#include <pthread.h>
#include <stdlib.h>

static const cli_option options[] = {
    {"device", "NAME", "cpu, ref (the reference) or null (checks, computes nothing)"},
    {"threads", "N", "threads of each context"},
    {"contexts", "N", "contexts that run in parallel (1)"},
    {"isa", "SET", "use at most avx2, avx512, or none (portable code)"},
    {"tune", "MODE", "for a model: guess (the default), measure or replay"},
    {"shapes", "NAME:1x3x..,..", "shapes of inputs"},
    {"values", "NAME=V,V,..", "contents of an input; for a model fixed in the engine; may be repeated"},
    {"input", "NAME=FILE|DIR", "contents from a .npy or .pb file, or a folder; else random"},
    {"seed", "N", "of the random inputs (0)"},
    {"warm-up", "S", "seconds before measuring begins (0.5)"},
    {"duration", "S", "seconds to measure (3)"},
    {"iterations", "N", "measure so many runs of each context instead"},
    {"profile", NULL, "time per layer, and their sum against the whole"},
    {"kernels", NULL, "instead of a network: each kernel on one core beside what the core can do at most; NAME: part of their names"},
    {"json", NULL, "as JSON"},
    {"quiet", NULL, "print the median in milliseconds alone"},
};

static const ig_allocator *const heap = &ig_libc_allocator;

enum { LAYER_SAMPLES = 1024 }; /* of each layer, spread evenly over its runs */
typedef struct layer {
  char *name, *kind, *tactic;
  double *samples; /* LAYER_SAMPLES */
  double seconds;  /* once all runs are done */
  uint64_t n, bytes;
  double flops;
} layer;
typedef struct worker {
  const session *s;
  ig_context *ctx;
  double warm_up, duration;
  uint64_t iterations;
  IG_VEC(double) times;
  IG_VEC(layer) layers;
  double elapsed; /* in the runs of `times` */
  bool profile, failed;
  ig_status st;
  pthread_t thread;
  pthread_barrier_t *start;
} worker;

static char *copy_text(const char *s) {
  const size_t n = strlen(s ? s : "") + 1;
  char *to = ig_alloc(heap, n);
  if (to) memcpy(to, s ? s : "", n);
  return to;
}

static void on_step(void *user, const ig_step_info *info) {
  worker *w = user;
  while (w->layers.n <= info->index && !w->failed) {
    const layer none = {0};
    if (!IG_PUSH(heap, w->layers, none)) w->failed = true;
  }
  if (w->failed) return;
  layer *l = &w->layers.data[info->index];
  if (!l->name) {
    l->name = copy_text(info->name), l->kind = copy_text(info->kind), l->tactic = copy_text(info->tactic);
    l->samples = ig_alloc_zero(heap, LAYER_SAMPLES, sizeof *l->samples);
    w->failed = !l->name || !l->kind || !l->tactic || !l->samples;
    if (w->failed) return;
  }
  const uint64_t at = l->n < LAYER_SAMPLES ? l->n : (l->n * 0x9e3779b97f4a7c15u >> 20) % l->n; /* each run has the same chance to stay */
  if (at < LAYER_SAMPLES) l->samples[at] = info->seconds;
  l->n++;
  l->bytes = info->bytes;
  l->flops = info->flops;
}

static ig_status one_run(worker *w) {
  IG_TRY(session_feed(w->s, w->ctx));
  return ig_context_run(w->ctx);
}

static ig_status watched_run(worker *w) {
  ig_context_set_profiler(w->ctx, on_step, w);
  ig_status st = one_run(w);
  ig_context_set_profiler(w->ctx, NULL, NULL);
  return st;
}

static int by_time(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Mean of sorted times without the slowest tenth. */
static double trimmed_mean(const double *t, size_t n) {
  const size_t kept = n - n / 10;
  double sum = 0;
  for (size_t i = 0; i < kept; i++)
    sum += t[i];
  return n ? sum / (double)kept : 0;
}

/* What looking at the clock adds to a step. */
static double clock_cost(void) {
  double t[101];
  for (size_t i = 0; i < IG_COUNT(t); i++) {
    const double begin = cli_now();
    t[i] = cli_now() - begin;
  }
  qsort(t, IG_COUNT(t), sizeof *t, by_time);
  return t[IG_COUNT(t) / 2];
}

static void finish_layers(worker *w) {
  const double cost = clock_cost();
  for (size_t i = 0; i < w->layers.n; i++) {
    layer *l = &w->layers.data[i];
    if (!l->n) continue;
    const size_t n = l->n < LAYER_SAMPLES ? (size_t)l->n : LAYER_SAMPLES;
    qsort(l->samples, n, sizeof *l->samples, by_time);
    l->seconds = trimmed_mean(l->samples, n) - cost;
    if (l->seconds < 0) l->seconds = 0;
  }
}

static ig_status measure(worker *w) {
  const double t0 = cli_now();
  do
    IG_TRY(one_run(w));
  while (cli_now() - t0 < w->warm_up);
  const double t1 = cli_now();
  double now = t1;
  while (w->iterations ? w->times.n < w->iterations : now - t1 < w->duration || !w->times.n) {
    const double begin = now;
    IG_TRY(one_run(w));
    now = cli_now();
    if (!IG_PUSH(heap, w->times, now - begin)) return IG_OOM();
    w->elapsed += now - begin;
    if (!w->profile) continue;
    IG_TRY(watched_run(w));
    now = cli_now();
  }
  if (w->failed) return IG_OOM();
  finish_layers(w);
  return NULL;
}

static void *work(void *arg) {
  worker *w = arg;
  pthread_barrier_wait(w->start);
  w->st = measure(w);
  return NULL;
}

/* ---- results ---- */

typedef struct figures {
  double median, mean, min, p90, p99, trimmed, throughput;
  size_t n;
} figures;

static ig_status summarise(const worker *w, size_t n_workers, figures *out) {
  *out = (figures){0};
  for (size_t i = 0; i < n_workers; i++)
    out->n += w[i].times.n;
  double *all = ig_alloc_zero(heap, out->n + 1, sizeof *all);
  IG_CHECK_MEM(all);
  size_t at = 0;
  double sum = 0;
  for (size_t i = 0; i < n_workers; i++) {
    for (size_t k = 0; k < w[i].times.n; k++)
      sum += all[at++] = w[i].times.data[k];
    if (w[i].elapsed > 0) out->throughput += (double)w[i].times.n / w[i].elapsed;
  }
  qsort(all, out->n, sizeof *all, by_time);
  out->median = out->n % 2 ? all[out->n / 2] : (all[out->n / 2 - 1] + all[out->n / 2]) / 2;
  out->trimmed = trimmed_mean(all, out->n);
  const size_t last = out->n - 1;
  out->mean = sum / (double)out->n;
  out->min = all[0];
  out->p90 = all[last * 90 / 100];
  out->p99 = all[last * 99 / 100];
  ig_free(heap, all, 0);
  return NULL;
}

static double layer_sum(const worker *w) {
  double sum = 0;
  for (size_t i = 0; i < w->layers.n; i++)
    sum += w->layers.data[i].seconds;
  return sum;
}

/* In milliseconds, short times with as many digits as they have. */
static void number(ig_buf *b, const char *name, double seconds) {
  ig_buf_printf(b, "%s ", name);
  cli_buf_fixed(b, seconds * 1e3, seconds < 1e-4 ? 5 : 3);
  ig_buf_str(b, " ms");
}

static void layers_text(const worker *w, const figures *f, ig_buf *b) {
  const double sum = layer_sum(w);
  for (size_t i = 0; i < w->layers.n; i++) {
    const layer *l = &w->layers.data[i];
    const double each = l->seconds;
    if (!l->name) continue;
    number(b, "", each);
    ig_buf_str(b, "  ");
    cli_buf_fixed(b, sum > 0 ? 100 * each / sum : 0, 1);
    ig_buf_printf(b, " %%  %s  %s  %s  ", l->name, l->kind, l->tactic);
    cli_buf_fixed(b, each > 0 ? l->flops / each * 1e-9 : 0, 1);
    ig_buf_str(b, " GFLOP/s  ");
    cli_buf_fixed(b, each > 0 ? (double)l->bytes / each * 1e-9 : 0, 1);
    ig_buf_str(b, " GB/s\n");
  }
  number(b, "sum of the layers", sum);
  number(b, ", whole run", f->trimmed);
  ig_buf_str(b, "\n");
}

static void text(const cli *c, const worker *w, size_t n, uint32_t n_threads, const char *device, const figures *f, ig_buf *b) {
  if (c->quiet) {
    cli_buf_fixed(b, f->median * 1e3, 4);
    ig_buf_str(b, "\n");
    return;
  }
  number(b, "median", f->median);
  number(b, ", mean", f->mean);
  number(b, ", min", f->min);
  number(b, ", p90", f->p90);
  number(b, ", p99", f->p99);
  ig_buf_str(b, "\nthroughput ");
  cli_buf_fixed(b, f->throughput, 1);
  ig_buf_printf(b, " runs/s; %zu runs on %s, %u thread%s, %zu context%s\n", f->n, device, n_threads, n_threads == 1 ? "" : "s", n, n == 1 ? "" : "s");
  if (w->profile) layers_text(w, f, b);
}

static void json(const worker *w, size_t n, uint32_t n_threads, const char *device, const figures *f, ig_buf *b) {
  ig_json j;
  ig_json_init(&j, b);
  ig_json_open(&j, NULL, '{');
  ig_json_open(&j, "latency_ms", '{');
  ig_json_f64(&j, "median", f->median * 1e3);
  ig_json_f64(&j, "mean", f->mean * 1e3);
  ig_json_f64(&j, "min", f->min * 1e3);
  ig_json_f64(&j, "p90", f->p90 * 1e3);
  ig_json_f64(&j, "p99", f->p99 * 1e3);
  ig_json_close(&j, '}');
  ig_json_f64(&j, "throughput", f->throughput);
  ig_json_str(&j, "device", device);
  ig_json_i64(&j, "threads", n_threads);
  ig_json_i64(&j, "contexts", (int64_t)n);
  ig_json_i64(&j, "iterations", (int64_t)f->n);
  if (w->profile) {
    ig_json_open(&j, "layers", '[');
    for (size_t i = 0; i < w->layers.n; i++) {
      const layer *l = &w->layers.data[i];
      if (!l->name) continue;
      ig_json_open(&j, NULL, '{');
      ig_json_str(&j, "name", l->name);
      ig_json_str(&j, "kind", l->kind);
      ig_json_str(&j, "tactic", l->tactic);
      ig_json_f64(&j, "ms", l->seconds * 1e3);
      ig_json_i64(&j, "bytes", (int64_t)l->bytes);
      ig_json_f64(&j, "flops", l->flops);
      ig_json_close(&j, '}');
    }
    ig_json_close(&j, ']');
    ig_json_f64(&j, "layers_ms", layer_sum(w) * 1e3);
    ig_json_f64(&j, "whole_ms", f->trimmed * 1e3);
  }
  ig_json_close(&j, '}');
  ig_buf_str(b, "\n");
}

/* ---- the command ---- */

static int first_number(void *user, const void *bytes, size_t n) { /* "cpu: ..., N threads, ..." */
  uint32_t *out = user;
  const char *s = bytes;
  for (size_t i = 0; i + 8 < n && !*out; i++) {
    if (strncmp(s + i, " thread", 7) != 0) continue;
    size_t k = i;
    while (k > 0 && s[k - 1] >= '0' && s[k - 1] <= '9')
      k--;
    int64_t v;
    if (ig_parse_i64(s + k, i - k, &v)) *out = (uint32_t)v;
  }
  return 0;
}

static ig_status run_workers(worker *w, size_t n) {
  pthread_barrier_t start;
  if (pthread_barrier_init(&start, NULL, (unsigned)n)) return IG_OOM();
  size_t made = 1;
  w[0].start = &start;
  for (; made < n; made++) {
    w[made].start = &start;
    if (pthread_create(&w[made].thread, NULL, work, &w[made])) {
      ig_status st = ig_status_new(IG_ERROR_LIMIT, "--contexts: a thread could not be started");
      for (size_t i = 1; i < made; i++)
        pthread_cancel(w[i].thread), pthread_join(w[i].thread, NULL);
      pthread_barrier_destroy(&start);
      return st;
    }
  }
  work(&w[0]);
  for (size_t i = 1; i < n; i++)
    pthread_join(w[i].thread, NULL);
  pthread_barrier_destroy(&start);
  ig_status st = NULL;
  for (size_t i = 0; i < n; i++) {
    if (!st)
      st = w[i].st;
    else
      ig_status_free(w[i].st);
  }
  return st;
}

static void free_layer(layer *l) {
  ig_free(heap, l->name, 0), ig_free(heap, l->kind, 0), ig_free(heap, l->tactic, 0), ig_free(heap, l->samples, 0);
}

static void free_workers(worker *w, size_t n) {
  for (size_t i = 0; w && i < n; i++) {
    ig_context_release(w[i].ctx);
    for (size_t k = 0; k < w[i].layers.n; k++)
      free_layer(&w[i].layers.data[k]);
    IG_VEC_FREE(heap, w[i].layers);
    IG_VEC_FREE(heap, w[i].times);
  }
  ig_free(heap, w, 0);
}

static ig_status bench(const cli *c, const cli_args *a, const session *s, worker *w, uint32_t n) {
  worker model = {.s = s, .warm_up = 0.5, .duration = 3, .profile = cli_has(a, "profile")};
  int64_t iterations = 0;
  IG_TRY(cli_get_seconds(a, "warm-up", &model.warm_up));
  IG_TRY(cli_get_seconds(a, "duration", &model.duration));
  IG_TRY(cli_get_i64(a, "iterations", &iterations));
  IG_REQUIRE(iterations >= 0 && (iterations || !cli_has(a, "iterations")), IG_ERROR_INVALID_ARGUMENT, "--iterations: want 1 or more");
  model.iterations = (uint64_t)iterations;
  for (uint32_t i = 0; i < n; i++) {
    w[i] = model;
    IG_TRY(session_context(s, 0, &w[i].ctx));
    w[i].profile = model.profile && i == 0;
  }
  IG_TRY(run_workers(w, n));
  figures f;
  IG_TRY(summarise(w, n, &f));
  const char *device = s->opt.device ? s->opt.device : "cpu";
  uint32_t n_threads = s->opt.n_threads;
  if (!n_threads) IG_TRY(ig_device_describe(c->env, "cpu", first_number, &n_threads));
  ig_buf b;
  ig_buf_init(&b, heap);
  if (c->json)
    json(w, n, n_threads, device, &f, &b);
  else
    text(c, w, n, n_threads, device, &f, &b);
  return cli_print(&b);
}

static ig_status kernels(const cli *c, const cli_args *a) {
  uint64_t isa = 0;
  const char *device = cli_get(a, "device");
  IG_TRY(cli_get_isa(a, &isa));
  return ig_device_bench(c->env, device ? device : "cpu", a->n_operands ? a->operands[0] : NULL, isa, c->json ? "json" : "text", cli_stdout, NULL);
}

static ig_status run(cli *c, const cli_args *a) {
  if (cli_has(a, "kernels")) return kernels(c, a);
  IG_REQUIRE(a->n_operands, IG_ERROR_INVALID_ARGUMENT, "bench: which engine or model? ingot bench ENGINE, or ingot bench --kernels");
  session_options o;
  cli_lists lists;
  session s = {0};
  uint32_t n = 1;
  worker *w = NULL;
  ig_status st = cli_session_options(c, a, a->operands[0], &lists, &o);
  if (!st) st = cli_get_u32(a, "contexts", &n);
  if (!st) st = session_open(c->env, &o, &s);
  cli_progress_end(c);
  if (!st) st = (w = ig_alloc_zero(heap, n, sizeof *w)) ? bench(c, a, &s, w, n) : IG_OOM();
  free_workers(w, n);
  session_close(&s);
  cli_lists_free(&lists);
  return st;
}

const cli_command cli_bench = {
    "bench", "ENGINE|MODEL.onnx|--kernels [NAME] [options]", "Measures latency and throughput.", CLI_OPTIONS(options), 0, 1, run};
