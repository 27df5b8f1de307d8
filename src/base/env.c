/* The environment: allocator, logger and thread count, shared by reference count; cancellation objects.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/env.h"
#include "base/util.h"
#include <stdarg.h>
#include <stdio.h>

/* Reads the caller's struct, of an older or newer header: missing fields are zero, unknown ones must be. */
static ig_status read_options(const ig_env_options *opt, ig_env_options *out) {
  *out = (ig_env_options)IG_ENV_OPTIONS_INIT;
  if (!opt) return NULL;
  IG_REQUIRE(opt->struct_size >= sizeof opt->struct_size, IG_ERROR_INVALID_ARGUMENT,
             "ig_env_options: struct_size is %zu; start from IG_ENV_OPTIONS_INIT", opt->struct_size);
  const unsigned char *const bytes = (const unsigned char *)opt;
  for (size_t i = sizeof *out; i < opt->struct_size; i++) {
    IG_REQUIRE(bytes[i] == 0, IG_ERROR_INVALID_ARGUMENT, "ig_env_options: byte %zu is set, which Ingot %s does not know; use its header", i,
               ig_version());
  }
  memcpy(out, opt, opt->struct_size < sizeof *out ? opt->struct_size : sizeof *out);
  IG_REQUIRE((int)out->log_level >= 0 && out->log_level <= IG_LOG_TRACE, IG_ERROR_INVALID_ARGUMENT, "ig_env_options: log_level is %d, want 0 to %d",
             (int)out->log_level, (int)IG_LOG_TRACE);
  return NULL;
}

ig_status ig_env_create(const ig_env_options *opt, ig_env **out_env) {
  IG_REQUIRE(out_env, IG_ERROR_INVALID_ARGUMENT, "ig_env_create: out_env is NULL");
  *out_env = NULL;
  ig_env_options options;
  IG_TRY(read_options(opt, &options));
  const ig_allocator alloc = options.allocator.realloc ? options.allocator : ig_libc_allocator;
  ig_env *const env = ig_alloc_zero(&alloc, 1, sizeof *env);
  IG_CHECK_MEM(env);
  atomic_init(&env->refs, 1);
  env->alloc = alloc;
  env->log = options.log;
  env->log_user = options.log_user;
  env->log_level = options.log_level ? options.log_level : IG_LOG_WARN;
  env->n_threads = options.n_threads ? options.n_threads : ig_cpu_threads("/");
  *out_env = env;
  return NULL;
}

void ig_env_retain(ig_env *env) {
  if (env) atomic_fetch_add_explicit(&env->refs, 1, memory_order_relaxed);
}

void ig_env_release(ig_env *env) {
  if (!env || atomic_fetch_sub_explicit(&env->refs, 1, memory_order_acq_rel) != 1) return;
  const ig_allocator alloc = env->alloc;
  ig_free(&alloc, env, sizeof *env);
}

void ig_log(ig_env *env, ig_log_level level, const char *component, const char *fmt, ...) {
  if (!env || !env->log || level > env->log_level) return;
  char text[1024];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  for (char *c = text; *c; c++) {
    if (*c == '\n' || *c == '\r') *c = ' ';
  }
  env->log(env->log_user, level, component, text);
}

ig_status ig_cancel_create(ig_env *env, ig_cancel **out_cancel) {
  IG_REQUIRE(out_cancel, IG_ERROR_INVALID_ARGUMENT, "ig_cancel_create: out_cancel is NULL");
  *out_cancel = NULL;
  IG_REQUIRE(env, IG_ERROR_INVALID_ARGUMENT, "ig_cancel_create: env is NULL");
  ig_cancel *const c = ig_alloc_zero(&env->alloc, 1, sizeof *c);
  IG_CHECK_MEM(c);
  atomic_init(&c->refs, 1);
  atomic_init(&c->requested, 0);
  ig_env_retain(env);
  c->env = env;
  *out_cancel = c;
  return NULL;
}

void ig_cancel_request(ig_cancel *c) {
  if (c) atomic_store_explicit(&c->requested, 1, memory_order_relaxed);
}

void ig_cancel_reset(ig_cancel *c) {
  if (c) atomic_store_explicit(&c->requested, 0, memory_order_relaxed);
}

void ig_cancel_release(ig_cancel *c) {
  if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1) return;
  ig_env *const env = c->env;
  ig_free(&env->alloc, c, sizeof *c);
  ig_env_release(env);
}
