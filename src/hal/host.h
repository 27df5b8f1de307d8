/* Host-memory pieces that devices without memory of their own share (null, ref). SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_HAL_HOST_H
#define IG_HAL_HOST_H
#include "hal/hal.h"
struct ig_hal_device { ig_env *env; ig_caps caps; const struct ig_hal *hal; };
struct ig_hal_stream { ig_hal_device *dev; };
struct ig_hal_event { const ig_allocator *alloc; double seconds; };
ig_status ig_host_open(ig_env *env, const struct ig_hal *hal, ig_hal_device **out_dev);
void ig_host_close(ig_hal_device *d);
const ig_caps *ig_host_caps(const ig_hal_device *d);
ig_status ig_host_alloc(ig_hal_device *d, ig_memory_kind kind, size_t size, ig_buffer *out);
void ig_host_free(ig_hal_device *d, ig_memory_kind kind, ig_buffer *b);
ig_status ig_host_stream_create(ig_hal_device *d, uint32_t n_threads, ig_hal_stream **out_s);
void ig_host_stream_destroy(ig_hal_stream *s);
ig_status ig_host_stream_wait(ig_hal_stream *s);
ig_status ig_host_copy(ig_hal_stream *s, void *dst, const void *src, size_t n);
ig_status ig_host_event_create(ig_hal_device *d, ig_hal_event **out_e);
void ig_host_event_destroy(ig_hal_event *e);
ig_status ig_host_event_record(ig_hal_stream *s, ig_hal_event *e);
ig_status ig_host_event_seconds(const ig_hal_event *begin, const ig_hal_event *end, double *out);
/* The reference's tactics, one a kind. */
const ig_tactic *const *ig_ref_tactics(uint32_t *out_n);
#endif
