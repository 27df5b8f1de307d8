/* A network ready to run: engine loaded or model built, every input with a value. Shared by run, compare and bench, and by the conformance
 * runner of tests/, so that all of them supply values and shapes in one way. Uses the public API and src/base alone.
 *
 * From a model, every shape becomes static: those of the data given, then --shapes, then the model's, then 1. Inputs whose contents decide
 * shapes are fixed to their data when the build asks for them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_CLI_SESSION_H
#define IG_CLI_SESSION_H
#include "base/shape_text.h"
#include "ingot/ingot.h"

typedef struct session_input {
  char *name;
  ig_value *value;
  bool given;
  bool fixed;
} session_input;
typedef struct session_options session_options;
struct session_options {
  const char *path; /* an engine file or a model, by content */
  const char *device;
  uint64_t isa_mask;
  uint32_t n_threads;
  ig_tune_mode tune;
  const char *passes;
  const char *shapes; /* NAME:1x3x224x224,... */
  const char *const *values;
  size_t n_values; /* NAME=1,2,3: fixed at build */
  const char *const *inputs;
  size_t n_inputs; /* NAME=FILE, or a folder with input_0.pb (or .npy), input_1.pb, ... */
  uint64_t seed;   /* of inputs that are not given */
  const ig_cancel *cancel;
  ig_progress_fn progress;
  void *progress_user;
};
typedef struct session {
  ig_env *env;
  session_options opt;
  ig_model *model;
  ig_plan *plan; /* from a model; else NULL */
  ig_engine *engine;
  ig_shape_list shapes;
  IG_VEC(session_input) inputs; /* one per input of the network, in order */
} session;

IG_MUST_USE ig_status session_open(ig_env *env, const session_options *o, session *out);
/* The same with the inputs of another session (by name), whose values are copied. */
IG_MUST_USE ig_status session_open_with(const session *inputs_of, const session_options *o, session *out);
/* The same engine and inputs on the reference. */
IG_MUST_USE ig_status session_open_reference(const session *of, session *out);
void session_close(session *s);
/* A context with shapes and inputs set. n_threads 0 = the session's. */
IG_MUST_USE ig_status session_context(const session *s, uint32_t n_threads, ig_context **out);
/* Copies every input into the context, as before each run. */
IG_MUST_USE ig_status session_feed(const session *s, ig_context *c);
/* What the model, or else the engine, says of input i. */
IG_MUST_USE ig_status session_io(const session *s, size_t i, ig_io_info *out);
/* Output i (0 = the first) as a value of its own. */
IG_MUST_USE ig_status session_output(const session *s, ig_context *c, size_t i, ig_value **out);
/* True where the file begins as an Ingot engine. */
IG_MUST_USE ig_status session_is_engine(const char *path, bool *out);
/* File k of a folder of test data, "input" or "output", .pb or .npy; false if there is none. */
bool session_data_file(const char *folder, const char *what, size_t k, char *out, size_t n_out);

/* ---- inputs.c ---- */
/* "1,2,3" as a value of that input. */
IG_MUST_USE ig_status session_parse_values(ig_env *env, const ig_io_info *io, const char *text, ig_value **out);
/* Random contents, the same for the same seed: floats in [-1, 1), bool and wide integers 0 or 1 (they may be indices), bytes over their range. */
IG_MUST_USE ig_status session_random(ig_env *env, const char *name, ig_dtype dtype, int32_t rank, const int64_t *dims, uint64_t seed, ig_value **out);
#endif
