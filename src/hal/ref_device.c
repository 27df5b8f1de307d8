/* Device `ref`: the reference behind the device table, so that everything that runs engines can run them by definition.
 * SPDX-License-Identifier: Apache-2.0 */
#include "hal/host.h"
#include "ref/ref.h"

static void run(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  IG_UNUSED(phase);
  IG_UNUSED(n_parts);
  if (part == 0) ig_ref_run(c);
}
static uint32_t one_part(const ig_call *c, uint32_t n_threads) {
  IG_UNUSED(c);
  IG_UNUSED(n_threads);
  return 1;
}
static size_t scratch(const ig_call *c, uint32_t n_parts) {
  IG_UNUSED(n_parts);
  return ig_ref_scratch(c);
}
static bool accept(const ig_query *q, ig_offer *out, const char **why) {
  IG_UNUSED(q);
  IG_UNUSED(why);
  memset(out, 0, sizeof *out);
  out->seconds = 1.0;
  return true;
}

#define IG_KIND(kind_, number) static const ig_tactic ref_##kind_ = { .name = "ref." #kind_, .version = 1, .kind = IG_KIND_##kind_, .n_phases = 1, .query = accept, .scratch = scratch, .parts = one_part, .run = run };
#include "kern/kinds.def"
#undef IG_KIND
static const ig_tactic *const list[] = {
#define IG_KIND(kind_, number) &ref_##kind_,
#include "kern/kinds.def"
#undef IG_KIND
};
const ig_tactic *const *ig_ref_tactics(uint32_t *out_n) {
  *out_n = IG_COUNT(list);
  return list;
}

static const ig_tactic *const *tactics(const ig_hal_device *d, uint32_t *out_n) {
  IG_UNUSED(d);
  return ig_ref_tactics(out_n);
}
static ig_status open_device(ig_env *env, const ig_hal_options *opt, ig_hal_device **out_dev) {
  IG_UNUSED(opt);
  return ig_host_open(env, &ig_hal_ref, out_dev);
}
static ig_status describe(const ig_hal_device *d, ig_buf *out) {
  IG_UNUSED(d);
  ig_buf_str(out, "ref: the reference, naive and strict, one thread; for comparison, not for speed");
  return NULL;
}
static ig_status launch(ig_hal_stream *s, const ig_launch *l) {
  IG_UNUSED(s);
  ig_launch_serial(l);
  return NULL;
}

const ig_hal ig_hal_ref = {
  .name = "ref", .open = open_device, .close = ig_host_close, .caps = ig_host_caps, .tactics = tactics, .describe = describe,
  .alloc = ig_host_alloc, .free = ig_host_free, .stream_create = ig_host_stream_create, .stream_destroy = ig_host_stream_destroy,
  .stream_wait = ig_host_stream_wait, .copy = ig_host_copy, .launch = launch, .event_create = ig_host_event_create,
  .event_destroy = ig_host_event_destroy, .event_record = ig_host_event_record, .event_seconds = ig_host_event_seconds,
};
