/* The digits network at work, on the runtime alone: all held-out images in one batch, compared with their labels and with ONNX Runtime's
 * recorded answers; how long it takes; four images drawn. Every number comes from the files and the run.
 *
 *     demo ENGINE FOLDER      FOLDER holds images/held_out.pgm, images/labels.txt, ort_answers.txt
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ingot/easy.h"
#include "ingot/runtime.h"
#include <math.h>
#include <string.h>
#include <time.h>

enum { SIDE = 8, PIXELS = SIDE * SIDE, CLASSES = 10, MAX_IMAGES = 4096, DRAWN = 4 };

typedef struct data_set {
  size_t n;
  int maxval;
  unsigned char pixels[MAX_IMAGES][PIXELS];
  int labels[MAX_IMAGES];
  float answers[MAX_IMAGES][CLASSES];
} data_set;

static void fail(const char *what, const char *path) {
  fprintf(stderr, "demo: %s: %s\n", path, what);
  exit(1);
}

static FILE *open_in(const char *folder, const char *name, char *path, size_t n_path) {
  snprintf(path, n_path, "%s/%s", folder, name);
  FILE *f = fopen(path, "rb");
  if (!f) fail("cannot be read", path);
  return f;
}

static void read_images(const char *folder, data_set *d) {
  char path[4096];
  int width, height;
  FILE *f = open_in(folder, "images/held_out.pgm", path, sizeof path);
  if (fscanf(f, "P5 %d %d %d", &width, &height, &d->maxval) != 3 || fgetc(f) == EOF) fail("not a PGM", path);
  if (width != SIDE || height % SIDE || d->maxval < 1) fail("not a column of images 8 pixels wide", path);
  d->n = (size_t)height / SIDE;
  if (d->n < DRAWN || d->n > MAX_IMAGES || fread(d->pixels, PIXELS, d->n, f) != d->n) fail("too few or too many images", path);
  fclose(f);
}

static void read_labels(const char *folder, data_set *d) {
  char path[4096];
  FILE *f = open_in(folder, "images/labels.txt", path, sizeof path);
  for (size_t i = 0; i < d->n; i++)
    if (fscanf(f, "%d", &d->labels[i]) != 1) fail("a label is missing", path);
  fclose(f);
  f = open_in(folder, "ort_answers.txt", path, sizeof path);
  for (size_t i = 0; i < d->n * CLASSES; i++)
    if (fscanf(f, "%f", &d->answers[i / CLASSES][i % CLASSES]) != 1) fail("an answer is missing", path);
  fclose(f);
}

static int best_of(const float *p) {
  int best = 0;
  for (int k = 1; k < CLASSES; k++)
    if (p[k] > p[best]) best = k;
  return best;
}

static void set_images(ig_context *c, const data_set *d, size_t n) {
  static float image[MAX_IMAGES * PIXELS];
  const int64_t dims[4] = { (int64_t)n, 1, SIDE, SIDE };
  for (size_t i = 0; i < n * PIXELS; i++) image[i] = (float)d->pixels[i / PIXELS][i % PIXELS] / (float)d->maxval;
  ig_must(ig_context_set_shape(c, "image", dims, 4));
  ig_must(ig_context_set_data(c, "image", image, n * PIXELS * sizeof *image));
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *x, const void *y) {
  const double a = *(const double *)x, b = *(const double *)y;
  return a < b ? -1 : a > b;
}

/* Median of up to 101 runs, in microseconds, after ten that warm up; at most half a second of both, however slow the machine is. */
static double median_us(ig_context *c) {
  double t[111];
  const double begin = now();
  int n = 0;
  for (; n < 3 || (n < 111 && now() - begin < 0.5); n++) {
    const double t0 = now();
    ig_must(ig_context_run(c));
    t[n] = 1e6 * (now() - t0);
  }
  double *counted = n == 111 ? t + 10 : t + 1;
  const size_t n_counted = (size_t)(t + n - counted);
  qsort(counted, n_counted, sizeof *counted, by_value);
  return counted[n_counted / 2];
}

/* The first three images and the first that the network gets wrong (the fourth image where there is none). */
static void choose(const data_set *d, float (*p)[CLASSES], size_t *out) {
  for (size_t i = 0; i < DRAWN; i++) out[i] = i;
  for (size_t i = DRAWN - 1; i < d->n; i++) {
    if (best_of(p[i]) == d->labels[i]) continue;
    out[DRAWN - 1] = i;
    return;
  }
}

static void draw(const data_set *d, float (*p)[CLASSES]) {
  static const char shades[] = " .:-=+*#%@";
  size_t at[DRAWN];
  choose(d, p, at);
  for (int y = 0; y < SIDE; y++) {
    for (int k = 0; k < DRAWN; k++) {
      printf("  ");
      for (int x = 0; x < SIDE; x++) {
        const int level = d->pixels[at[k]][y * SIDE + x] * (int)(sizeof shades - 2) / d->maxval;
        const char c = shades[level < (int)sizeof shades - 1 ? level : (int)sizeof shades - 2];
        printf("%c%c", c, c);
      }
    }
    printf("\n");
  }
  for (int k = 0; k < DRAWN; k++) {
    const int best = best_of(p[at[k]]);
    char text[32];
    snprintf(text, sizeof text, "%d (%.1f %%)%s", best, 100.0 * p[at[k]][best], best == d->labels[at[k]] ? "" : ", not ");
    if (best != d->labels[at[k]]) snprintf(text + strlen(text), sizeof text - strlen(text), "%d", d->labels[at[k]]);
    printf("  %-16s", text);
  }
  printf("\n");
}

static void report(const data_set *d, float (*p)[CLASSES]) {
  size_t right = 0, same = 0;
  double most = 0;
  for (size_t i = 0; i < d->n; i++) {
    right += best_of(p[i]) == d->labels[i];
    same += best_of(p[i]) == best_of(d->answers[i]);
    for (int k = 0; k < CLASSES; k++) most = fmax(most, fabs((double)p[i][k] - d->answers[i][k]));
  }
  printf("%zu of %zu held-out images right (%.2f %%)\n", right, d->n, 100.0 * (double)right / (double)d->n);
  printf("%zu of %zu answers are ONNX Runtime's; the probabilities differ by %.1e at most\n", same, d->n, most);
}

int main(int argc, char **argv) {
  static data_set d;
  static float p[MAX_IMAGES][CLASSES];
  if (argc != 3) return fputs("usage: demo ENGINE FOLDER\n", stderr), 2;
  read_images(argv[2], &d);
  read_labels(argv[2], &d);

  ig_env *env;
  ig_engine *engine;
  ig_context *context;
  ig_tensor out;
  ig_must(ig_env_create(NULL, &env));
  ig_must(ig_engine_load_file(env, argv[1], NULL, &engine));
  ig_must(ig_context_create(engine, NULL, &context));
  set_images(context, &d, d.n);
  ig_must(ig_context_run(context));
  ig_must(ig_context_get_tensor(context, "probabilities", &out));
  if (out.rank != 2 || out.dims[0] != (int64_t)d.n || out.dims[1] != CLASSES) fail("its output is not one probability a digit", argv[1]);
  memcpy(p, out.data, d.n * sizeof *p);
  report(&d, p);
  const double all = median_us(context);
  set_images(context, &d, 1);
  const double one = median_us(context);
  printf("one image takes %.0f us, all %zu at once %.0f us (%.1f us an image)\n\n", one, d.n, all, all / (double)d.n);
  draw(&d, p);
  ig_context_release(context);
  ig_engine_release(engine);
  ig_env_release(env);
  return 0;
}
