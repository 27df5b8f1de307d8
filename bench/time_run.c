/* Times an engine from outside, through the C API alone: what `ingot bench` says must be what a program sees. bench.py compiles it against libingot_rt.
 *
 *   time_run ENGINE THREADS SECONDS WARM-UP [NAME DIMS FILE]...     DIMS: 1x3x224x224, or "" for a scalar; FILE: raw bytes of the input
 *
 * Prints {"load_ms", "median_ms"}: the median of 15 loads with all hashes checked, the file in the page cache; the median of single runs, each of which
 * copies its inputs in.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ingot/easy.h"
#include "ingot/runtime.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOADS = 15, MAX_INPUTS = 16, MAX_RUNS = 1000000 };
typedef struct input {
  const char *name;
  void *bytes;
  size_t n_bytes;
} input;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *x, const void *y) {
  const double a = *(const double *)x, b = *(const double *)y;
  return (a > b) - (a < b);
}

static double median(double *t, size_t n) {
  qsort(t, n, sizeof *t, by_value);
  return n % 2 ? t[n / 2] : (t[n / 2 - 1] + t[n / 2]) / 2;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static input read_input(const char *name, const char *path) {
  input in = {name, NULL, 0};
  FILE *f = fopen(path, "rb");
  if (!f || fseek(f, 0, SEEK_END)) fail(path);
  in.n_bytes = (size_t)ftell(f);
  in.bytes = malloc(in.n_bytes + 1);
  rewind(f);
  if (!in.bytes || fread(in.bytes, 1, in.n_bytes, f) != in.n_bytes) fail(path);
  fclose(f);
  return in;
}

static size_t parse_dims(const char *s, int64_t *dims) {
  size_t n = 0;
  for (char *end; *s && n < IG_MAX_RANK; s = *end ? end + 1 : end) dims[n++] = strtoll(s, &end, 10);
  return n;
}

static double load_ms(ig_env *env, const char *path) {
  double t[LOADS];
  for (int i = 0; i < LOADS; i++) {
    ig_engine *e;
    const double t0 = now();
    ig_must(ig_engine_load_file(env, path, NULL, &e));
    t[i] = 1e3 * (now() - t0);
    ig_engine_release(e);
  }
  return median(t, LOADS);
}

static void run_once(ig_context *c, const input *in, size_t n) {
  for (size_t i = 0; i < n; i++) ig_must(ig_context_set_data(c, in[i].name, in[i].bytes, in[i].n_bytes));
  ig_must(ig_context_run(c));
}

static double run_ms(ig_context *c, const input *in, size_t n, double seconds, double warm_up) {
  static double t[MAX_RUNS];
  size_t n_runs = 0;
  const double begin = now();
  do run_once(c, in, n);
  while (now() - begin < warm_up);
  const double start = now();
  while ((now() - start < seconds || n_runs < 5) && n_runs < MAX_RUNS) {
    const double t0 = now();
    run_once(c, in, n);
    t[n_runs++] = 1e3 * (now() - t0);
  }
  return median(t, n_runs);
}

int main(int argc, char **argv) {
  if (argc < 5 || (argc - 5) % 3 || (argc - 5) / 3 > MAX_INPUTS) {
    fprintf(stderr, "usage: time_run ENGINE THREADS SECONDS WARM-UP [NAME DIMS FILE]...\n");
    return 2;
  }
  ig_env *env;
  ig_engine *e;
  ig_context *c;
  input in[MAX_INPUTS];
  const size_t n = (size_t)(argc - 5) / 3;
  const ig_context_options o = {.struct_size = sizeof o, .n_threads = (uint32_t)atoi(argv[2])};
  ig_must(ig_env_create(NULL, &env));
  const double load = load_ms(env, argv[1]);
  ig_must(ig_engine_load_file(env, argv[1], NULL, &e));
  ig_must(ig_context_create(e, &o, &c));
  for (size_t i = 0; i < n; i++) {
    char **arg = argv + 5 + 3 * i;
    int64_t dims[IG_MAX_RANK];
    in[i] = read_input(arg[0], arg[2]);
    ig_must(ig_context_set_shape(c, arg[0], dims, parse_dims(arg[1], dims)));
  }
  printf("{\"load_ms\": %.4f, \"median_ms\": %.6f}\n", load, run_ms(c, in, n, atof(argv[3]), atof(argv[4])));
  ig_context_release(c);
  ig_engine_release(e);
  ig_env_release(env);
  for (size_t i = 0; i < n; i++) free(in[i].bytes);
  return 0;
}
