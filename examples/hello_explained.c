/* From an ONNX file to an answer, with the reasons. hello_terse.c is the same program without them.
 *
 * It classifies one handwritten digit. Run it in the project's folder; to compile it against the build folder:
 *
 *     cc -Iinclude examples/hello_explained.c -Lbuild -lingot -lingot_rt -Wl,-rpath,build -o hello && ./hello
 *
 * SPDX-License-Identifier: Apache-2.0 */

/* easy.h holds ig_must(): print the message and exit. The library itself never does; a larger program looks at the status. */
#include "ingot/easy.h"
/* ingot.h is everything. A program that only runs engine files needs ingot/runtime.h and the small library libingot_rt. */
#include "ingot/ingot.h"

int main(void) {
  /* The image: a PGM of 8 x 8 grey levels from 0 (paper) to 16 (ink), behind a head of ten bytes. The network wants them from 0 to 1. */
  unsigned char pgm[74];
  float image[64];
  FILE *f = fopen("examples/digits/images/digit_7.pgm", "rb");
  if (!f || fread(pgm, 1, sizeof pgm, f) != sizeof pgm) return 1;
  for (int i = 0; i < 64; i++) image[i] = (float)pgm[10 + i] / 16.0f;

  /* Four objects, each made from the one before it. Each holds a reference to what it came from, so they may be released in any order. */
  ig_env *env;
  ig_engine *engine;
  ig_context *context;
  ig_tensor out;

  /* The environment: allocator, logger, number of threads. Nothing in Ingot is global. NULL = all defaults. */
  ig_must(ig_env_create(NULL, &env));

  /* Reads the model, optimises it for this machine and makes an engine. The two NULLs: default options, and no folder in which built engines
   * are kept. `ingot build` and ig_engine_load_file do the same in two steps, with a file between them. An engine never changes: any number
   * of threads may share it. */
  ig_must(ig_engine_from_model_file(env, "examples/digits/digits.onnx", NULL, NULL, &engine));

  /* A context runs the engine: it owns the memory and the threads of a run. One thread at a time; several contexts run side by side. */
  ig_must(ig_context_create(engine, NULL, &context));

  /* The model's batch is a symbol, so the shape must be said before the data. It stays until it is changed. */
  ig_must(ig_context_set_shape(context, "image", (const int64_t[]){ 1, 1, 8, 8 }, 4));

  /* Copies the image into the context's own buffer. ig_context_set_tensor would use ours without a copy. */
  ig_must(ig_context_set_data(context, "image", image, sizeof image));

  /* The first run at a shape binds: offsets, checks and arguments are worked out. Later ones only run, and allocate nothing. */
  ig_must(ig_context_run(context));

  /* The result: address, type, dims. It belongs to the context and is valid until the next run. */
  ig_must(ig_context_get_tensor(context, "probabilities", &out));
  for (int digit = 0; digit < 10; digit++) printf("%d: %5.1f %%\n", digit, 100.0 * ((const float *)out.data)[digit]);

  ig_context_release(context);
  ig_engine_release(engine);
  ig_env_release(env);
  return fclose(f);
}
