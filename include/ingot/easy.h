/* Ingot: helpers for small programs; they print and exit, which the library itself never does. Header only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef INGOT_EASY_H
#define INGOT_EASY_H
#include <stdio.h>
#include <stdlib.h>
#include "ingot/base.h"

/* Success, or the message on stderr and exit(1). Frees the status. */
static inline void ig_must(ig_status s) {
  if (!s) return;
  fprintf(stderr, "%s: %s\n", ig_code_name(ig_status_code(s)), ig_status_message(s));
  ig_status_free(s);
  exit(1);
}
#endif
