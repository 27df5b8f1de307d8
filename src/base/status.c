/* Statuses: a failure is a malloc-ed object that carries code, message and details in one block of ownership, or, when memory
 * is out, one of the immortal objects below. Making a failure therefore never yields NULL, which would read as success.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"
#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MESSAGE = 2000 };

struct ig_status_object {
  ig_code code;
  bool immortal;
  const char *message;
  char *details[IG_DETAIL_COUNT];
};

#define IMMORTAL(c, text) [c] = { .code = c, .immortal = true, .message = text }
static struct ig_status_object immortals[IG_CODE_COUNT] = {
  IMMORTAL(IG_ERROR_INVALID_ARGUMENT, "invalid argument"),
  IMMORTAL(IG_ERROR_BAD_MODEL, "bad model"),
  IMMORTAL(IG_ERROR_BAD_ENGINE, "bad engine file"),
  IMMORTAL(IG_ERROR_UNSUPPORTED, "unsupported"),
  IMMORTAL(IG_ERROR_DEVICE, "device error"),
  IMMORTAL(IG_ERROR_OUT_OF_MEMORY, "out of memory"),
  IMMORTAL(IG_ERROR_LIMIT, "a limit was exceeded"),
  IMMORTAL(IG_ERROR_IO, "reading or writing a file failed"),
  IMMORTAL(IG_ERROR_CANCELLED, "cancelled"),
  IMMORTAL(IG_ERROR_SHAPE, "shapes that cannot be run"),
  IMMORTAL(IG_ERROR_DATA, "data error"),
  IMMORTAL(IG_ERROR_TRAP, "a branch without inferred shapes was taken"),
  IMMORTAL(IG_ERROR_MISMATCH, "results differ"),
  IMMORTAL(IG_ERROR_INTERNAL, "internal error"),
};

static const char *const code_names[IG_CODE_COUNT] = {
  [IG_OK] = "IG_OK",
  [IG_ERROR_INVALID_ARGUMENT] = "IG_ERROR_INVALID_ARGUMENT",
  [IG_ERROR_BAD_MODEL] = "IG_ERROR_BAD_MODEL",
  [IG_ERROR_BAD_ENGINE] = "IG_ERROR_BAD_ENGINE",
  [IG_ERROR_UNSUPPORTED] = "IG_ERROR_UNSUPPORTED",
  [IG_ERROR_DEVICE] = "IG_ERROR_DEVICE",
  [IG_ERROR_OUT_OF_MEMORY] = "IG_ERROR_OUT_OF_MEMORY",
  [IG_ERROR_LIMIT] = "IG_ERROR_LIMIT",
  [IG_ERROR_IO] = "IG_ERROR_IO",
  [IG_ERROR_CANCELLED] = "IG_ERROR_CANCELLED",
  [IG_ERROR_SHAPE] = "IG_ERROR_SHAPE",
  [IG_ERROR_DATA] = "IG_ERROR_DATA",
  [IG_ERROR_TRAP] = "IG_ERROR_TRAP",
  [IG_ERROR_MISMATCH] = "IG_ERROR_MISMATCH",
  [IG_ERROR_INTERNAL] = "IG_ERROR_INTERNAL",
};

#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x)
const char *ig_version(void) {
  return STRINGIFY(IG_VERSION_MAJOR) "." STRINGIFY(IG_VERSION_MINOR) "." STRINGIFY(IG_VERSION_PATCH);
}

static bool is_failure(ig_code code) { return (unsigned)code > IG_OK && (unsigned)code < IG_CODE_COUNT; }

ig_code ig_status_code(ig_status s) { return s ? s->code : IG_OK; }

const char *ig_code_name(ig_code c) { return (unsigned)c < IG_CODE_COUNT ? code_names[c] : "IG_ERROR_?"; }

const char *ig_status_message(ig_status s) { return s ? s->message : "ok"; }

const char *ig_status_detail(ig_status s, ig_detail which) { return s && (unsigned)which < IG_DETAIL_COUNT ? s->details[which] : NULL; }

ig_status ig_status_static(ig_code code) {
  if (code == IG_OK) return NULL;
  return &immortals[is_failure(code) ? code : IG_ERROR_INTERNAL];
}

/* A message is one line of valid UTF-8 for whoever prints it: control characters, which names out of hostile files bring,
 * become '?', and a cut never leaves half a character. */
static void tidy(char *text, size_t n) {
  while (n > 0 && ((unsigned char)text[n - 1] & 0xc0) == 0x80 && n + 4 > MAX_MESSAGE) n--;
  if (n + 4 > MAX_MESSAGE && n > 0 && (unsigned char)text[n - 1] >= 0xc0) n--;
  text[n] = 0;
  for (size_t i = 0; i < n; i++) {
    const unsigned char c = (unsigned char)text[i];
    if (c < 0x20 || c == 0x7f) text[i] = c == '\n' || c == '\t' ? ' ' : '?';
  }
}

/* Formats prefix and message into a new block; NULL when memory is out. */
static char *format(const char *prefix, const char *fmt, va_list args) {
  char text[MAX_MESSAGE + 1];
  int n_prefix = prefix ? snprintf(text, sizeof text, "%s", prefix) : 0;
  if (n_prefix < 0) n_prefix = 0;
  if (n_prefix > MAX_MESSAGE) n_prefix = MAX_MESSAGE;
  int n = vsnprintf(text + n_prefix, sizeof text - (size_t)n_prefix, fmt, args);
  if (n < 0) n = 0;
  size_t total = (size_t)n_prefix + (size_t)n;
  if (total > MAX_MESSAGE) total = MAX_MESSAGE;
  tidy(text, total);
  return strdup(text);
}

/* Takes ownership of message; NULL stands for out of memory. */
static ig_status make(ig_code code, char *message) {
  assert(is_failure(code));
  struct ig_status_object *const s = message ? calloc(1, sizeof *s) : NULL;
  if (!s) {
    free(message);
    return ig_status_static(code);
  }
  s->code = is_failure(code) ? code : IG_ERROR_INTERNAL;
  s->message = message;
  return s;
}

ig_status ig_status_new(ig_code code, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  char *const message = format(NULL, fmt, args);
  va_end(args);
  return make(code, message);
}

ig_status ig_status_node(ig_code code, const char *node, const char *op, const char *fmt, ...) {
  char prefix[512];
  snprintf(prefix, sizeof prefix, "node '%.300s' (%.150s): ", node ? node : "", op ? op : "?");
  va_list args;
  va_start(args, fmt);
  char *const message = format(prefix, fmt, args);
  va_end(args);
  const ig_status s = ig_status_with(make(code, message), IG_DETAIL_NODE, node);
  return ig_status_with(s, IG_DETAIL_OP, op);
}

ig_status ig_status_with(ig_status s, ig_detail which, const char *text) {
  if (!s || s->immortal || !text || (unsigned)which >= IG_DETAIL_COUNT) return s;
  char *const copy = strdup(text);
  if (!copy) return s;
  free(s->details[which]);
  s->details[which] = copy;
  return s;
}

ig_status ig_status_note(ig_status s, const char *fmt, ...) {
  if (!s || s->immortal) return s;
  char text[MAX_MESSAGE + 1];
  va_list args;
  va_start(args, fmt);
  int n = vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  if (n < 0) n = 0;
  size_t used = (size_t)n < MAX_MESSAGE ? (size_t)n : MAX_MESSAGE;
  const int rest = snprintf(text + used, sizeof text - used, ": %s", s->message);
  used += rest > 0 ? (size_t)rest : 0;
  tidy(text, used < MAX_MESSAGE ? used : MAX_MESSAGE);
  char *const message = strdup(text);
  if (!message) return s;
  free((void *)(uintptr_t)s->message);
  s->message = message;
  return s;
}

ig_status ig_status_make(ig_code code, const char *message) {
  if (code == IG_OK) return NULL;
  return ig_status_new(is_failure(code) ? code : IG_ERROR_INTERNAL, "%s", message ? message : ig_code_name(code));
}

void ig_status_free(ig_status s) {
  if (!s || s->immortal) return;
  for (size_t i = 0; i < IG_DETAIL_COUNT; i++) free(s->details[i]);
  free((void *)(uintptr_t)s->message);
  free(s);
}
