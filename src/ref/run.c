/* Dispatch by kind.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref/ref.h"

size_t ig_ref_scratch(const ig_call *c) {
  switch (c->kind) {
  case IG_KIND_attention: return ig_ref_attention_scratch(c);
  case IG_KIND_resize: return ig_ref_resize_scratch(c);
  case IG_KIND_rnn: return ig_ref_rnn_scratch(c);
  default: return 0;
  }
}

void ig_ref_run(const ig_call *c) {
  switch (c->kind) {
#define IG_KIND(name, number) case IG_KIND_##name: ig_ref_##name(c); return;
#include "kern/kinds.def"
#undef IG_KIND
  }
}
