/* The command `ingot`: finds the subcommand, sets up environment and cancellation, maps the status to the exit code.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include <errno.h>
#include <signal.h>

static const cli_command *const commands[] = {&cli_build, &cli_run, &cli_compare, &cli_bench, &cli_inspect, &cli_show, &cli_check, &cli_devices};

static ig_cancel *to_cancel;
static volatile sig_atomic_t interrupted;

/* A second Ctrl-C ends the process at once (SA_RESETHAND). */
static void on_interrupt(int sig) {
  (void)sig;
  interrupted = 1;
  ig_cancel_request(to_cancel);
}

static void install_handlers(void) {
  struct sigaction act = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
  sigemptyset(&act.sa_mask);
  sigaction(SIGINT, &act, NULL);
  sigaction(SIGTERM, &act, NULL);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN); /* `ulimit -f`: the write fails with a message, and its temporary goes */
}

ig_status cli_check_cancelled(const cli *c) {
  (void)c;
  return interrupted ? ig_status_new(IG_ERROR_CANCELLED, "interrupted") : NULL;
}

static void on_log(void *user, ig_log_level level, const char *component, const char *message) {
  const cli *c = user;
  if (c->quiet && level > IG_LOG_ERROR) return;
  fprintf(stderr, "ingot: %s: %s\n", component, message);
}

static ig_status usage(ig_buf *out) {
  ig_buf_str(out, "ingot: an inference compiler and runtime: ONNX model -> engine file -> run\n\n");
  for (size_t i = 0; i < IG_COUNT(commands); i++)
    ig_buf_printf(out, "  ingot %-8s %s\n", commands[i]->name, commands[i]->usage);
  ig_buf_str(out, "  ingot --version\n\n`ingot COMMAND --help` lists a command's options.\n");
  return cli_print(out);
}

static ig_status unknown_command(const char *word) {
  const char *names[IG_COUNT(commands)];
  for (size_t i = 0; i < IG_COUNT(commands); i++)
    names[i] = commands[i]->name;
  const char *near = cli_nearest(word, names, IG_COUNT(commands));
  if (near)
    return ig_status_with(ig_status_new(IG_ERROR_INVALID_ARGUMENT, "unknown command '%s': did you mean '%s'?", word, near), IG_DETAIL_HINT,
                          "see `ingot --help`");
  return ig_status_with(ig_status_new(IG_ERROR_INVALID_ARGUMENT, "unknown command '%s'", word), IG_DETAIL_HINT, "see `ingot --help`");
}

static ig_status run_command(cli *c, const cli_command *cmd, int argc, char **argv) {
  cli_args a;
  bool help = false;
  ig_status st = cli_args_parse(cmd, argc, argv, &a, &help);
  for (int i = 0; i < argc; i++)
    c->json |= strcmp(argv[i], "--json") == 0; /* also where what stands before it is wrong */
  c->quiet = cli_has(&a, "quiet");
  c->verbose = cli_has(&a, "verbose");
  if (!st && help) {
    ig_buf b;
    ig_buf_init(&b, &ig_libc_allocator);
    cli_help(cmd, &b);
    st = cli_print(&b);
  } else if (!st) {
    const ig_env_options o = {.struct_size = sizeof o, .log = on_log, .log_user = c, .log_level = c->verbose ? IG_LOG_INFO : IG_LOG_WARN};
    st = ig_env_create(&o, &c->env);
    if (!st) st = ig_cancel_create(c->env, &c->cancel);
    to_cancel = c->cancel;
    install_handlers();
    if (!st) st = cmd->run(c, &a);
    cli_progress_end(c);
    ig_status better = interrupted ? ig_status_new(IG_ERROR_CANCELLED, "interrupted") : cli_check_stdout(); /* what the library cannot know */
    if (better) {
      ig_status_free(st);
      st = better;
    }
  }
  cli_args_free(&a);
  return st;
}

static ig_status dispatch(cli *c, int argc, char **argv) {
  const char *word = argc > 1 ? argv[1] : "--help";
  ig_buf b;
  ig_buf_init(&b, &ig_libc_allocator);
  if (strcmp(word, "--version") == 0) {
    ig_buf_printf(&b, "ingot %s\n", ig_version());
    return cli_print(&b);
  }
  if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) return usage(&b);
  for (size_t i = 0; i < IG_COUNT(commands); i++)
    if (strcmp(commands[i]->name, word) == 0) return run_command(c, commands[i], argc - 2, argv + 2);
  return unknown_command(word);
}

int main(int argc, char **argv) {
  cli c = {0};
  ig_status st = dispatch(&c, argc, argv);
  const int code = cli_exit_code(ig_status_code(st));
  if (st) cli_error(&c, st);
  ig_status_free(st);
  to_cancel = NULL;
  ig_cancel_release(c.cancel);
  ig_env_release(c.env);
  return code;
}
