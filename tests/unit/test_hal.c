/* One suite for every device table: memory, streams, copies, events, tactics and launches keep hal.h's contract.
 * SPDX-License-Identifier: Apache-2.0 */
#include "hal/hal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

typedef struct fixture { ig_env *env; const ig_hal *hal; ig_hal_device *dev; ig_hal_stream *stream; } fixture;

static void must(ig_status s) {
  if (s) print_error("%s\n", ig_status_message(s));
  assert_null(s);
}
static void begin(fixture *f, const ig_hal *hal) {
  const ig_env_options eo = IG_ENV_OPTIONS_INIT;
  f->hal = hal;
  must(ig_env_create(&eo, &f->env));
  const ig_hal_options o = { .isa_mask = ~0ull, .n_threads = 2 };
  must(hal->open(f->env, &o, &f->dev));
  must(hal->stream_create(f->dev, 2, &f->stream));
}
static void end(fixture *f) {
  f->hal->stream_destroy(f->stream);
  f->hal->close(f->dev);
  ig_env_release(f->env);
}

static void check_memory(fixture *f) {
  const ig_memory_kind kinds[] = { IG_MEMORY_DEVICE, IG_MEMORY_HOST };
  for (size_t k = 0; k < IG_COUNT(kinds); k++) {
    ig_buffer b;
    must(f->hal->alloc(f->dev, kinds[k], 1000, &b));
    assert_non_null(b.address);
    assert_true(b.size >= 1000 && (uintptr_t)b.address % 64 == 0);
    const char text[] = "copied in and out";
    char back[sizeof text] = { 0 };
    must(f->hal->copy(f->stream, b.address, text, sizeof text));
    must(f->hal->copy(f->stream, back, b.address, sizeof text));
    must(f->hal->stream_wait(f->stream));
    assert_string_equal(back, text);
    f->hal->free(f->dev, kinds[k], &b);
  }
}

static void check_events(fixture *f) {
  ig_hal_event *a, *b;
  double seconds = -1;
  must(f->hal->event_create(f->dev, &a));
  must(f->hal->event_create(f->dev, &b));
  must(f->hal->event_record(f->stream, a));
  must(f->hal->event_record(f->stream, b));
  must(f->hal->stream_wait(f->stream));
  must(f->hal->event_seconds(a, b, &seconds));
  assert_true(seconds >= 0 && seconds < 10);
  f->hal->event_destroy(a);
  f->hal->event_destroy(b);
}

/* Names are unique, every kind has a tactic, and every one listed can be found again by name and version. */
static void check_tactics(fixture *f) {
  uint32_t n;
  const ig_tactic *const *list = f->hal->tactics(f->dev, &n);
  for (uint32_t k = 0; k < ig_n_kinds; k++) {
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i++) found += list[i]->kind == ig_kinds[k]->id;
    if (!found) print_error("%s has no tactic for kind %s\n", f->hal->name, ig_kinds[k]->name);
    assert_true(found > 0);
  }
  for (uint32_t i = 0; i < n; i++) {
    assert_true(list[i]->n_phases >= 1 && list[i]->run && list[i]->query);
    assert_ptr_equal(ig_hal_tactic(f->hal, f->dev, list[i]->name, list[i]->version), list[i]);
    assert_null(ig_hal_tactic(f->hal, f->dev, list[i]->name, list[i]->version + 1));
  }
  assert_null(ig_hal_tactic(f->hal, f->dev, "no.such.tactic", 1));
}

/* y = x + x over 1,000 floats by the first tactic that takes a plain map. */
static void check_launch(fixture *f) {
  ig_arena arena;
  ig_arena_init(&arena, &f->env->alloc, 0);
  ig_sbuild b;
  ig_sbuild_init(&b, &arena);
  const ig_sreg x = ig_s_load(&b, 0, IG_DTYPE_F32);
  ig_s_store(&b, 0, ig_s_op(&b, IG_SOP_ADD, x, x, 0), 0);
  ig_sprog prog;
  must(ig_sbuild_finish(&b, &prog));
  ig_buffer memory[2];
  for (int i = 0; i < 2; i++) must(f->hal->alloc(f->dev, IG_MEMORY_DEVICE, 4000, &memory[i]));
  for (int i = 0; i < 1000; i++) ((float *)memory[0].address)[i] = (float)i, ((float *)memory[1].address)[i] = -1;
  ig_view v[2];
  for (int i = 0; i < 2; i++) v[i] = (ig_view){ .data = memory[i].address, .dtype = IG_DTYPE_F32, .rank = 1, .dims = { 1000 }, .strides = { 1 } };
  ig_error_word error = { 0 };
  ig_launch l = { .call = { .kind = IG_KIND_map, .n_in = 1, .n_out = 1, .v = v, .prog = prog, .error = &error }, .n_parts = 1, .bounds = memory, .node = "double" };
  uint32_t n;
  const ig_tactic *const *list = f->hal->tactics(f->dev, &n);
  for (uint32_t i = 0; i < n; i++)
    if (list[i]->kind == IG_KIND_map) l.tactic = list[i];   /* the last does whatever the kind can say */
  const uint32_t config[IG_OFFER_CONFIG_WORDS] = { 0 };
  l.call.config = config;
  ig_buffer scratch = { 0 };
  l.call.scratch_size = l.tactic->scratch ? l.tactic->scratch(&l.call, 1) : 0;
  must(f->hal->alloc(f->dev, IG_MEMORY_DEVICE, l.call.scratch_size + 1, &scratch));
  l.call.scratch = scratch.address;
  must(f->hal->launch(f->stream, &l));
  must(f->hal->stream_wait(f->stream));
  const bool computes = f->hal != &ig_hal_null;
  for (int i = 0; i < 1000; i++) assert_true(((float *)memory[1].address)[i] == (computes ? 2.0f * (float)i : -1.0f));
  for (int i = 0; i < 2; i++) f->hal->free(f->dev, IG_MEMORY_DEVICE, &memory[i]);
  f->hal->free(f->dev, IG_MEMORY_DEVICE, &scratch);
  ig_arena_free(&arena);
}

static void test_device(void **state) {
  fixture f;
  begin(&f, *state);
  check_memory(&f);
  check_events(&f);
  check_tactics(&f);
  check_launch(&f);
  ig_buf text;
  ig_buf_init(&text, &f.env->alloc);
  must(f.hal->describe(f.dev, &text));
  assert_true(strncmp(ig_buf_cstr(&text), f.hal->name, strlen(f.hal->name)) == 0);
  ig_buf_free(&text);
  end(&f);
}

static void test_names(void **state) {
  IG_UNUSED(state);
  for (uint32_t i = 0; i < ig_n_hals; i++) assert_ptr_equal(ig_hal_by_name(ig_hals[i]->name), ig_hals[i]);
  assert_null(ig_hal_by_name("none"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_names),
    { "cpu", test_device, NULL, NULL, (void *)(uintptr_t)&ig_hal_cpu },
    { "ref", test_device, NULL, NULL, (void *)(uintptr_t)&ig_hal_ref },
    { "null", test_device, NULL, NULL, (void *)(uintptr_t)&ig_hal_null },
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
