/* The n-th call fails, for every n: load, build (guess), save, load the engine, context, run. Each attempt ends in the same output or in the
 * one error that may come of it, leaks nothing, leaves the old file whole and no temporary, and the environment works on.
 *
 *   oom memory|io MODEL FOLDER [EVERY]     prints `visited V of V points`; EVERY k = only every k-th point
 *   oom outside MODEL FOLDER               prints the number of allocations that the preloaded outside.c counts in one attempt
 * SPDX-License-Identifier: Apache-2.0 */
#include "ingot/ingot.h"
#include "points.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((weak)) long outside_count(void);

static const char *model, *folder;
static char path[4096];
static int n_problems;

#define TRY(expr) do { ig_status s_ = (expr); if (s_) return s_; } while (0)

/* ---- one attempt ---- */

static uint64_t mix(uint64_t h, const void *p, size_t n) {
  for (size_t i = 0; i < n; i++) h = (h ^ ((const unsigned char *)p)[i]) * 1099511628211u;
  return h;
}

static ig_status feed(ig_context *c, const ig_io_info *io) {
  static int64_t data[1 << 14];
  int64_t dims[IG_MAX_RANK];
  uint64_t n = 1;
  for (int32_t k = 0; k < io->rank; k++) n *= (uint64_t)(dims[k] = io->dims[k] < 0 ? 3 : io->dims[k]);
  const size_t n_bytes = ig_dtype_bytes(io->dtype, n);
  if (n_bytes > sizeof data) return ig_status_make(IG_ERROR_LIMIT, "input too large for this test");
  for (uint64_t i = 0; i < n; i++) {
    if (io->dtype == IG_DTYPE_F32) ((float *)data)[i] = (float)(i % 9) * 0.25f - 1;
    else if (io->dtype == IG_DTYPE_I64) data[i] = (int64_t)(i % 3);
    else if (io->dtype == IG_DTYPE_I32) ((int32_t *)data)[i] = (int32_t)(i % 3);
    else ((unsigned char *)data)[i] = (unsigned char)(i % 2);
  }
  TRY(ig_context_set_shape(c, io->name, dims, (size_t)io->rank));
  return ig_context_set_data(c, io->name, data, n_bytes);
}

static ig_status run(ig_engine *e, ig_context *c, uint64_t *h) {
  for (size_t i = 0; i < ig_engine_n_inputs(e); i++) {
    ig_io_info io = { .struct_size = sizeof io };
    TRY(ig_engine_io(e, i, &io));
    TRY(feed(c, &io));
  }
  TRY(ig_context_run(c));
  for (size_t i = ig_engine_n_inputs(e); i < ig_engine_n_io(e); i++) {
    ig_tensor t;
    uint64_t n = 1;
    TRY(ig_context_get_tensor_at(c, i, &t));
    for (int32_t k = 0; k < t.rank; k++) n *= (uint64_t)t.dims[k];
    *h = mix(*h, t.data, ig_dtype_bytes(t.dtype, n));
  }
  return NULL;
}

typedef struct things { ig_model *model; ig_plan *plan; ig_engine *engine; ig_context *context; } things;

static ig_status go(ig_env *env, things *t, uint64_t *h) {
  ig_build_options o = IG_BUILD_OPTIONS_INIT;
  o.tune = IG_TUNE_GUESS;
  TRY(ig_model_load_file(env, model, NULL, &t->model));
  TRY(ig_build(t->model, &o, &t->plan));
  const void *bytes;
  size_t n;
  ig_plan_bytes(t->plan, &bytes, &n);
  *h = mix(*h, bytes, n);
  TRY(ig_plan_save(t->plan, path));
  TRY(ig_engine_load_file(env, path, NULL, &t->engine));
  TRY(ig_context_create(t->engine, NULL, &t->context));
  return run(t->engine, t->context, h);
}

/* *out_hash: of the engine and the outputs; 0 on failure. */
static ig_status attempt(ig_env *env, uint64_t *out_hash) {
  things t = { 0 };
  uint64_t h = 14695981039346656037u;
  ig_status st = go(env, &t, &h);
  ig_context_release(t.context);
  ig_engine_release(t.engine);
  ig_plan_release(t.plan);
  ig_model_release(t.model);
  *out_hash = st ? 0 : h;
  return st;
}

/* ---- what must hold after each ---- */

static void complain(long point, const char *what, const char *detail) {
  if (n_problems++ < 20) fprintf(stderr, "point %ld: %s%s%s\n", point, what, detail ? ": " : "", detail ? detail : "");
}

static int count_descriptors(void) {
  int n = 0;
  for (int fd = 3; fd < 64; fd++) n += fcntl(fd, F_GETFD) >= 0;
  return n;
}

static int count_entries(void) {
  DIR *const d = opendir(folder);
  int n = 0;
  for (const struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
  if (d) closedir(d);
  return n;
}

static void check_old_file(ig_env *env, long point) {
  ig_engine *e;
  ig_status st = ig_engine_load_file(env, path, NULL, &e);
  if (st) complain(point, "the engine file is damaged", ig_status_message(st));
  ig_status_free(st);
  ig_engine_release(e);
  if (count_entries() != 1) complain(point, "a temporary stays in the folder", NULL);
}

static void visit(ig_env *env, points_kind kind, long point, uint64_t want) {
  uint64_t h;
  const long live = points_live();
  const int descriptors = count_descriptors();
  points_arm(kind, point);
  ig_status st = attempt(env, &h);
  const long seen = points_disarm();
  const ig_code code = ig_status_code(st);
  if (seen < point) complain(point, "was not reached", NULL);
  if (code == IG_OK && h != want) complain(point, "another output", NULL);
  if (code != IG_OK && code != (kind == POINTS_MEMORY ? IG_ERROR_OUT_OF_MEMORY : IG_ERROR_IO)) complain(point, ig_code_name(code), ig_status_message(st));
  if (code != IG_OK && !*ig_status_message(st)) complain(point, "no message", NULL);
  ig_status_free(st);
  if (points_live() != live) complain(point, "leaks memory", NULL);
  if (count_descriptors() != descriptors) complain(point, "leaks a descriptor", NULL);
  check_old_file(env, point);
  st = attempt(env, &h);
  if (st) complain(point, "the environment does not work any more", ig_status_message(st));
  else if (h != want) complain(point, "the environment gives another output afterwards", NULL);
  ig_status_free(st);
}

static ig_env *make_env(void) {
  ig_env *env;
  ig_env_options o = IG_ENV_OPTIONS_INIT;
  o.n_threads = 1;
  ig_status st = ig_env_create(&o, &env);
  if (!st) return env;
  fprintf(stderr, "%s\n", ig_status_message(st));
  exit(2);
}

/* The environment itself. */
static long visit_env(void) {
  ig_env *env;
  long n = 0;
  for (;; n++) {
    const long live = points_live();
    points_arm(POINTS_MEMORY, n + 1);
    ig_status st = ig_env_create(NULL, &env);
    const long seen = points_disarm();
    if (st && (ig_status_code(st) != IG_ERROR_OUT_OF_MEMORY || env)) complain(n + 1, "ig_env_create", ig_status_message(st));
    ig_status_free(st);
    ig_env_release(env);
    if (points_live() != live) complain(n + 1, "ig_env_create leaks", NULL);
    if (seen < n + 1) return n;
  }
}

static int sweep(points_kind kind, long every) {
  ig_env *env = make_env();
  uint64_t want = 0, again = 0;
  for (int i = 0; i < 2; i++) {   /* the first takes what the C library keeps */
    ig_status st = attempt(env, i ? &again : &want);
    if (!st) continue;
    fprintf(stderr, "%s\n", ig_status_message(st));
    return 2;
  }
  if (want != again) complain(0, "two attempts differ", NULL);
  points_arm(kind, 0);
  ig_status st = attempt(env, &again);
  const long n_points = points_disarm();
  ig_status_free(st);
  long visited = 0;
  for (long point = every; point <= n_points; point += every, visited++) visit(env, kind, point, want);
  if (kind == POINTS_MEMORY) printf("env: visited %ld points\n", visit_env());
  printf("visited %ld of %ld points\n", visited, n_points);
  ig_env_release(env);
  return n_problems || n_points == 0;
}

static int count_outside(void) {
  if (!outside_count) return 2;
  ig_env *env = make_env();
  uint64_t h;
  long before = 0;
  for (int i = 0; i < 3; i++) {
    before = outside_count();
    ig_status st = attempt(env, &h);
    if (st) return 2;
  }
  printf("%ld\n", outside_count() - before);
  ig_env_release(env);
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  model = argv[2];
  folder = argv[3];
  snprintf(path, sizeof path, "%s/model.ingot", folder);
  if (strcmp(argv[1], "outside") == 0) return count_outside();
  return sweep(strcmp(argv[1], "io") == 0 ? POINTS_IO : POINTS_MEMORY, argc > 4 ? strtol(argv[4], NULL, 10) : 1);
}
