/* ingot show: what a model is, or its graph at a stage of the build.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

static const cli_option options[] = {
    {"stage", "STAGE", "print the graph: imported, canonical or lowered"},
    {"json", NULL, "as JSON"},
};

static ig_status run(cli *c, const cli_args *a) {
  const char *stage = cli_get(a, "stage");
  const bool known = !stage || strcmp(stage, "imported") == 0 || strcmp(stage, "canonical") == 0 || strcmp(stage, "lowered") == 0;
  IG_REQUIRE(known, IG_ERROR_INVALID_ARGUMENT, "--stage: '%s' is not imported, canonical or lowered", stage);
  IG_REQUIRE(!stage || !c->json, IG_ERROR_INVALID_ARGUMENT, "--stage prints text: leave --json away");
  ig_model *m;
  IG_TRY(ig_model_load_file(c->env, a->operands[0], NULL, &m));
  ig_status st = ig_model_describe(m, stage ? stage : c->json ? "json" : "text", cli_stdout, NULL);
  ig_model_release(m);
  return st;
}

const cli_command cli_show = {"show",
                              "MODEL [--stage STAGE] [--json]",
                              "Tells what a model is: inputs, outputs, operators; with --stage its graph.",
                              CLI_OPTIONS(options),
                              1,
                              1,
                              run};
