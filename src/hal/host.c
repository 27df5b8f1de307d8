/* Host-memory pieces shared by the null and the reference device. SPDX-License-Identifier: Apache-2.0 */
#include "hal/host.h"
#include <time.h>

ig_status ig_host_open(ig_env *env, const struct ig_hal *hal, ig_hal_device **out_dev) {
  ig_hal_device *d = *out_dev = ig_alloc_zero(&env->alloc, 1, sizeof *d);
  IG_CHECK_MEM(d);
  d->env = env;
  d->hal = hal;
  d->caps = (ig_caps){ .device = hal->name, .n_threads = 1, .l2_bytes = 1u << 20, .l3_bytes = 32u << 20 };
  return NULL;
}
void ig_host_close(ig_hal_device *d) {
  if (d) ig_free(&d->env->alloc, d, sizeof *d);
}
const ig_caps *ig_host_caps(const ig_hal_device *d) { return &d->caps; }

ig_status ig_host_alloc(ig_hal_device *d, ig_memory_kind kind, size_t size, ig_buffer *out) {
  IG_UNUSED(kind);
  *out = (ig_buffer){ ig_alloc_aligned(&d->env->alloc, size), size };
  IG_CHECK_MEM(out->address);
  return NULL;
}
void ig_host_free(ig_hal_device *d, ig_memory_kind kind, ig_buffer *b) {
  IG_UNUSED(kind);
  if (b->address) ig_free_aligned(&d->env->alloc, b->address, b->size);
  *b = (ig_buffer){ 0 };
}

ig_status ig_host_stream_create(ig_hal_device *d, uint32_t n_threads, ig_hal_stream **out_s) {
  IG_UNUSED(n_threads);
  *out_s = ig_alloc_zero(&d->env->alloc, 1, sizeof **out_s);
  IG_CHECK_MEM(*out_s);
  (*out_s)->dev = d;
  return NULL;
}
void ig_host_stream_destroy(ig_hal_stream *s) {
  if (s) ig_free(&s->dev->env->alloc, s, sizeof *s);
}
ig_status ig_host_stream_wait(ig_hal_stream *s) {
  IG_UNUSED(s);
  return NULL;
}
ig_status ig_host_copy(ig_hal_stream *s, void *dst, const void *src, size_t n) {
  IG_UNUSED(s);
  if (n) memmove(dst, src, n);
  return NULL;
}

ig_status ig_host_event_create(ig_hal_device *d, ig_hal_event **out_e) {
  *out_e = ig_alloc_zero(&d->env->alloc, 1, sizeof **out_e);
  IG_CHECK_MEM(*out_e);
  (*out_e)->alloc = &d->env->alloc;
  return NULL;
}
void ig_host_event_destroy(ig_hal_event *e) {
  if (e) ig_free(e->alloc, e, sizeof *e);
}
ig_status ig_host_event_record(ig_hal_stream *s, ig_hal_event *e) {
  IG_UNUSED(s);
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  e->seconds = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
  return NULL;
}
ig_status ig_host_event_seconds(const ig_hal_event *begin, const ig_hal_event *end, double *out) {
  *out = end->seconds - begin->seconds;
  return NULL;
}
