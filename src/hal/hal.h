/* The device table: everything the runtime and the builder ask of a device. One const struct per device, listed in devices.def.
 *
 * A device hands out memory, streams and launches; steps are prepared once at bind (ig_launch holds the bound call) and launched
 * again and again. `cpu` runs launches on its stream's pool, in order, before launch returns; `null` runs nothing: it checks every
 * launch (operands inside their buffers, alignment, scratch) and records it; `ref` runs the reference. A function that a device lacks is
 * NULL and its caller says so.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_HAL_HAL_H
#define IG_HAL_HAL_H
#include "base/env.h"
#include "base/threadpool.h"
#include "hal/bands.h"
#include "hal/tactic.h"

typedef struct ig_buffer { void *address; size_t size; } ig_buffer;
typedef enum ig_memory_kind { IG_MEMORY_DEVICE = 1, IG_MEMORY_HOST = 2 } ig_memory_kind;

/* A step ready to run: chosen tactic and bound call. bounds[i]: buffer in which operand i must stay (the null device checks it again). */
typedef struct ig_launch { const ig_tactic *tactic; ig_call call; uint32_t n_parts; const ig_buffer *bounds; const char *node; } ig_launch;

typedef struct ig_hal_device ig_hal_device;
typedef struct ig_hal_stream ig_hal_stream;
typedef struct ig_hal_event ig_hal_event;
typedef struct ig_hal_module ig_hal_module;
typedef struct ig_hal_graph ig_hal_graph;
typedef struct ig_hal_options { uint64_t isa_mask; /* ISA bits allowed; ~0 = all that the machine has */ uint32_t n_threads; } ig_hal_options;

typedef struct ig_hal {
  const char *name;                    /* "cpu", "null", "ref" */
  ig_status (*open)(ig_env *env, const ig_hal_options *opt, ig_hal_device **out_dev);
  void (*close)(ig_hal_device *d);
  const ig_caps *(*caps)(const ig_hal_device *d);
  const ig_tactic *const *(*tactics)(const ig_hal_device *d, uint32_t *out_n);   /* best first */
  ig_status (*describe)(const ig_hal_device *d, ig_buf *out);                    /* one line for `ingot devices` */
  /* Operations (a multiply and an add are two) a second that one core reaches on registers with these instructions, measured now; 0 = not known. */
  double (*peak)(const ig_hal_device *d, uint64_t isa, bool is_int8);
  ig_status (*alloc)(ig_hal_device *d, ig_memory_kind kind, size_t size, ig_buffer *out);  /* 64-byte aligned, not cleared */
  void (*free)(ig_hal_device *d, ig_memory_kind kind, ig_buffer *b);
  ig_status (*stream_create)(ig_hal_device *d, uint32_t n_threads, ig_hal_stream **out_s);  /* cpu: owns a pool of n_threads */
  void (*stream_destroy)(ig_hal_stream *s);
  ig_status (*stream_wait)(ig_hal_stream *s);                                    /* errors of earlier work arrive here once */
  ig_status (*copy)(ig_hal_stream *s, void *dst, const void *src, size_t n);     /* either side host or device */
  ig_status (*launch)(ig_hal_stream *s, const ig_launch *l);                     /* allocates nothing */
  /* b->n launches in bands; seconds: NULL, or where the time of each is written. NULL: the device runs them one by one. */
  ig_status (*launch_bands)(ig_hal_stream *s, const ig_launch *l, const ig_bands *b, double *seconds);
  ig_status (*event_create)(ig_hal_device *d, ig_hal_event **out_e);
  void (*event_destroy)(ig_hal_event *e);
  ig_status (*event_record)(ig_hal_stream *s, ig_hal_event *e);
  ig_status (*event_seconds)(const ig_hal_event *begin, const ig_hal_event *end, double *out);
  ig_status (*module_load)(ig_hal_device *d, const void *code, size_t n, ig_hal_module **out_m);
  void (*module_unload)(ig_hal_module *m);
  ig_status (*graph_create)(ig_hal_stream *s, const ig_launch *const *l, size_t n, ig_hal_graph **out_g);
  ig_status (*graph_launch)(ig_hal_stream *s, ig_hal_graph *g);
  void (*graph_destroy)(ig_hal_graph *g);
} ig_hal;

const ig_hal *ig_hal_by_name(const char *name);    /* NULL if there is none */
extern const ig_hal *const ig_hals[]; extern const uint32_t ig_n_hals;
extern const ig_hal ig_hal_cpu, ig_hal_null, ig_hal_ref;
/* First tactic of that name, NULL if the device lacks it (or its ISA is masked off). */
const ig_tactic *ig_hal_tactic(const ig_hal *h, const ig_hal_device *d, const char *name, uint32_t version);
/* Runs a launch to its end on one thread; used for folding and by tests. */
void ig_launch_serial(const ig_launch *l);
#endif
