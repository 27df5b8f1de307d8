/* Dispatch by kind.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref/ref.h"

void ig_ref_run(const ig_call *c) {
  switch (c->kind) {
#define IG_KIND(name, number) case IG_KIND_##name: ig_ref_##name(c); return;
#include "kern/kinds.def"
#undef IG_KIND
  }
}
