/* Runs a dynamic engine with the runtime library alone: ten shapes, primes and 1 among them, in a scrambled order, in one context, each
 * compared with the reference device. Prints `10 shapes agree`.
 *
 *   runtime_only ENGINE
 * SPDX-License-Identifier: Apache-2.0 */
#include "ingot/easy.h"
#include "ingot/runtime.h"
#include <math.h>
#include <string.h>

enum { MAX_BYTES = 1 << 20 };
static const int64_t sizes[] = { 7, 1, 13, 2, 31, 4, 1, 17, 3, 11 };

static size_t set_inputs(ig_engine *e, ig_context *c, int64_t dynamic) {
  static float data[MAX_BYTES / 4];
  for (size_t i = 0; i < ig_engine_n_inputs(e); i++) {
    ig_io_info io;
    int64_t dims[IG_MAX_RANK];
    uint64_t n = 1;
    memset(&io, 0, sizeof io);
    io.struct_size = sizeof io;
    ig_must(ig_engine_io(e, i, &io));
    for (int32_t k = 0; k < io.rank; k++) n *= (uint64_t)(dims[k] = io.dims[k] < 0 ? dynamic : io.dims[k]);
    const size_t n_bytes = ig_dtype_bytes(io.dtype, n);
    if (n_bytes > MAX_BYTES) return 0;
    for (uint64_t j = 0; j < MAX_BYTES / 4; j++) data[j] = sinf((float)(j + (uint64_t)dynamic * 31 + i));
    if (io.dtype != IG_DTYPE_F32) memset(data, 0, n_bytes);
    ig_must(ig_context_set_shape(c, io.name, dims, (size_t)io.rank));
    ig_must(ig_context_set_data(c, io.name, data, n_bytes));
  }
  ig_must(ig_context_run(c));
  return 1;
}

/* Largest difference over largest value of one output; huge where shapes differ. */
static double difference(ig_context *a, ig_context *b, size_t i) {
  ig_tensor x, y;
  uint64_t n = 1;
  double worst = 0, most = 1e-30;
  ig_must(ig_context_get_tensor_at(a, i, &x));
  ig_must(ig_context_get_tensor_at(b, i, &y));
  if (x.rank != y.rank || x.dtype != y.dtype || memcmp(x.dims, y.dims, (size_t)x.rank * sizeof *x.dims) != 0) return 1e30;
  for (int32_t k = 0; k < x.rank; k++) n *= (uint64_t)x.dims[k];
  if (x.dtype != IG_DTYPE_F32) return memcmp(x.data, y.data, ig_dtype_bytes(x.dtype, n)) ? 1e30 : 0;
  for (uint64_t j = 0; j < n; j++) {
    const double p = ((const float *)x.data)[j], q = ((const float *)y.data)[j];
    worst = fmax(worst, fabs(p - q));
    most = fmax(most, fabs(q));
  }
  return worst / most;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  ig_env *env;
  ig_engine *fast, *reference;
  ig_context *a, *b;
  ig_load_options o = IG_LOAD_OPTIONS_INIT;
  ig_must(ig_env_create(NULL, &env));
  ig_must(ig_engine_load_file(env, argv[1], NULL, &fast));
  o.device = "ref";
  ig_must(ig_engine_load_file(env, argv[1], &o, &reference));
  ig_must(ig_context_create(fast, NULL, &a));
  ig_must(ig_context_create(reference, NULL, &b));
  int n_agree = 0;
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    double worst = 0;
    if (!set_inputs(fast, a, sizes[s]) || !set_inputs(reference, b, sizes[s])) return 2;
    for (size_t i = ig_engine_n_inputs(fast); i < ig_engine_n_io(fast); i++) worst = fmax(worst, difference(a, b, i));
    if (worst <= 1e-3) n_agree++;
    else printf("dynamic dims %d: %g\n", (int)sizes[s], worst);
  }
  printf("%d shapes agree\n", n_agree);
  ig_context_release(a);
  ig_context_release(b);
  ig_engine_release(fast);
  ig_engine_release(reference);
  ig_env_release(env);
  return n_agree == sizeof sizes / sizeof *sizes ? 0 : 1;
}
