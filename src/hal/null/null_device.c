/* Device `null`: runs nothing; checks every launch as strictly as a device without memory protection needs it: each operand
 * inside its buffer, addresses aligned to their elements, scratch aligned and large enough, parts and phases sane.
 * SPDX-License-Identifier: Apache-2.0 */
#include "hal/host.h"

static ig_status open_device(ig_env *env, const ig_hal_options *opt, ig_hal_device **out_dev) {
  IG_UNUSED(opt);
  return ig_host_open(env, &ig_hal_null, out_dev);
}
static const ig_tactic *const *tactics(const ig_hal_device *d, uint32_t *out_n) {
  IG_UNUSED(d);
  return ig_ref_tactics(out_n);
}
static ig_status describe(const ig_hal_device *d, ig_buf *out) {
  IG_UNUSED(d);
  ig_buf_str(out, "null: checks every launch and computes nothing");
  return NULL;
}

static ig_status check_operand(const ig_launch *l, uint32_t i) {
  const ig_view *v = &l->call.v[i];
  if (!ig_view_present(v) || ig_view_count(v) == 0) return NULL;
  const ig_buffer *b = &l->bounds[i];
  const uint32_t bits = IG_DTYPE_BITS(v->dtype);
  const uintptr_t base = (uintptr_t)b->address, at = (uintptr_t)v->data;
  int64_t lo, hi;
  IG_REQUIRE(at >= base && at - base <= b->size, IG_ERROR_DEVICE, "null device: node '%s': operand %u begins outside its buffer", l->node, i);
  IG_REQUIRE(bits < 8 || at % (bits >= 64 ? 8 : bits / 8) == 0, IG_ERROR_DEVICE, "null device: node '%s': operand %u is not aligned to its elements", l->node, i);
  if (v->format) return NULL;   /* packed: its blob's size was checked against the format at load */
  IG_REQUIRE(ig_operand_reach(v->dims, v->strides, v->rank, v->block_axis, v->block, v->first, v->dtype, &lo, &hi), IG_ERROR_DEVICE, "null device: node '%s': operand %u: strides overflow", l->node, i);
  const int64_t before = (int64_t)(at - base), after = (int64_t)(b->size - (at - base));
  IG_REQUIRE(lo >= -before && hi <= after, IG_ERROR_DEVICE, "null device: node '%s': operand %u reaches bytes %lld..%lld of a buffer of %zu", l->node, i, (long long)(lo + before), (long long)(hi + before), b->size);
  return NULL;
}

static ig_status launch(ig_hal_stream *s, const ig_launch *l) {
  IG_UNUSED(s);
  const ig_call *c = &l->call;
  IG_REQUIRE(l->tactic && l->tactic->kind == c->kind && l->tactic->n_phases >= 1, IG_ERROR_DEVICE, "null device: node '%s': tactic does not fit the request", l->node);
  IG_REQUIRE(l->n_parts >= 1 && (c->scratch_size == 0 || (uintptr_t)c->scratch % 64 == 0), IG_ERROR_DEVICE, "null device: node '%s': parts or scratch", l->node);
  for (uint32_t i = 0; i < c->n_in + c->n_extra + c->n_out; i++) IG_TRY(check_operand(l, i));
  return NULL;
}

const ig_hal ig_hal_null = {
  .name = "null", .open = open_device, .close = ig_host_close, .caps = ig_host_caps, .tactics = tactics, .describe = describe,
  .alloc = ig_host_alloc, .free = ig_host_free, .stream_create = ig_host_stream_create, .stream_destroy = ig_host_stream_destroy,
  .stream_wait = ig_host_stream_wait, .copy = ig_host_copy, .launch = launch, .event_create = ig_host_event_create,
  .event_destroy = ig_host_event_destroy, .event_record = ig_host_event_record, .event_seconds = ig_host_event_seconds,
};
