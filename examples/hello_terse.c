/* The ten lines: from an ONNX file to an answer. hello_explained.c is the same program with its reasons. Run it in the project's folder.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ingot/easy.h"
#include "ingot/ingot.h"

int main(void) {
  unsigned char pgm[74];
  float image[64];
  FILE *f = fopen("examples/digits/images/digit_7.pgm", "rb");
  if (!f || fread(pgm, 1, sizeof pgm, f) != sizeof pgm) return 1;
  for (int i = 0; i < 64; i++) image[i] = (float)pgm[10 + i] / 16.0f;

  ig_env *env; ig_engine *engine; ig_context *context; ig_tensor out;
  ig_must(ig_env_create(NULL, &env));
  ig_must(ig_engine_from_model_file(env, "examples/digits/digits.onnx", NULL, NULL, &engine));
  ig_must(ig_context_create(engine, NULL, &context));
  ig_must(ig_context_set_shape(context, "image", (const int64_t[]){ 1, 1, 8, 8 }, 4));
  ig_must(ig_context_set_data(context, "image", image, sizeof image));
  ig_must(ig_context_run(context));
  ig_must(ig_context_get_tensor(context, "probabilities", &out));
  for (int digit = 0; digit < 10; digit++) printf("%d: %5.1f %%\n", digit, 100.0 * ((const float *)out.data)[digit]);
  ig_context_release(context); ig_engine_release(engine); ig_env_release(env);
  return fclose(f);
}
