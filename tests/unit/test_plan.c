/* The engine file: a plan made by hand goes through writer, reader and runtime; damaged files are refused naming the section; mutated files
 * with right hashes are refused or run clean; what happens to a mapped file after loading does not matter.
 * INGOT_TEST_MUTATIONS: number of mutated files, 3,000 by default.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine_util.h"
#include <fcntl.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
enum { BIT_STRIDE = 17 };
#else
enum { BIT_STRIDE = 1 };
#endif

static ig_env *env;
static engine_bytes digits;

static int set_up(void **state) {
  (void)state;
  env = new_env();
  digits = build_file(env, "examples/digits/digits.onnx", NULL);
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  engine_bytes_free(&digits);
  ig_env_release(env);
  return 0;
}

/* ---- by hand: y[n] = x[n] + 2.5 ---- */

enum { DIM_1 = 1, DIM_0, DIM_N, DIM_4, DIM_BYTES };
static const char hand_names[] = "\0x\0y\0n\0add\0cpu\0key\0value\0no.such.tactic";
enum { NAME_X = 1, NAME_Y = 3, NAME_N = 5, NAME_ADD = 7, NAME_CPU = 11, NAME_KEY = 15, NAME_VALUE = 19, NAME_TACTIC = 25 };
static const ig_plan_meta hand_meta[] = { { NAME_KEY, NAME_VALUE } };
static const ig_plan_target hand_targets[] = { { .device = NAME_CPU, .n_threads = 1, .n_profiles = 1, .n_symbols = 1 } };
static const ig_plan_io hand_io[] = {
  { .name = NAME_X, .role = IG_IO_INPUT, .onnx_dtype = 1, .rank = 1, .buffer = 0, .dims = { DIM_N }, .dim_names = { NAME_N }, .required_blob = IG_NONE },
  { .name = NAME_Y, .role = IG_IO_OUTPUT, .onnx_dtype = 1, .rank = 1, .buffer = 1, .dims = { DIM_N }, .dim_names = { NAME_N }, .required_blob = IG_NONE },
};
static const ig_plan_symbol hand_symbols[] = { { NAME_N, IG_SYMBOL_INPUT, 0, 0, 1, IG_DIM_UNBOUNDED } };
static const ig_dim_node hand_dims[] = {
  { 0 }, { .op = IG_DIM_CONST, .imm = 1 }, { .op = IG_DIM_CONST, .imm = 0 }, { .op = IG_DIM_SYMBOL }, { .op = IG_DIM_CONST, .imm = 4 }, { .op = IG_DIM_MUL, .a = DIM_N, .b = DIM_4 },
};
static const ig_plan_range hand_ranges[] = { { 1, 4, 8 } };
static const ig_plan_profile hand_profiles[] = { { 0 } };
static const ig_plan_buffer hand_buffers[] = {
  { .kind = IG_BUFFER_INPUT, .index = 0, .bytes = DIM_BYTES, .alias = IG_NONE },
  { .kind = IG_BUFFER_OUTPUT, .index = 1, .bytes = DIM_BYTES, .alias = IG_NONE },
  { .kind = IG_BUFFER_CONSTANT, .index = 0, .alias = IG_NONE },
};
static const ig_plan_place hand_places[3];
static const ig_plan_step hand_steps[] = { { .kind = IG_STEP_KERNEL, .name = NAME_ADD, .n_requests = 1, .tactic = NAME_TACTIC, .tactic_version = 1, .scratch = IG_NONE, .cond = IG_NONE } };
static const ig_plan_request hand_requests[] = { { .kind = IG_KIND_map, .n_in = 2, .n_out = 1, .n_prog = 4 } };
static const ig_operand hand_operands[] = {
  { .value = 0, .dtype = IG_DTYPE_F32, .rank = 1, .offset = DIM_0, .dims = { DIM_N }, .strides = { DIM_1 } },
  { .value = 2, .dtype = IG_DTYPE_F32, .rank = 1, .offset = DIM_0, .dims = { DIM_N }, .strides = { DIM_0 } },
  { .value = 1, .dtype = IG_DTYPE_F32, .rank = 1, .offset = DIM_0, .dims = { DIM_N }, .strides = { DIM_1 } },
};
static const ig_sinsn hand_insns[] = {
  { .op = IG_SOP_LOAD, .type = IG_S_F32, .imm = 0 }, { .op = IG_SOP_LOAD, .type = IG_S_F32, .imm = 1 },
  { .op = IG_SOP_ADD, .type = IG_S_F32, .a = 0, .b = 1 }, { .op = IG_SOP_STORE, .type = IG_S_F32, .a = 2, .imm = 0 },
};
static const ig_plan_blob hand_blobs[] = { { .size = 4, .dtype = IG_DTYPE_F32, .rank = 1, .dims = { 1 } } };
static const float hand_weight = 2.5f;

static ig_plan_data by_hand(void) {
  return (ig_plan_data){
#define TABLE(m) .m = hand_##m, .n_##m = IG_COUNT(hand_##m)
    TABLE(meta), TABLE(targets), TABLE(io), TABLE(symbols), TABLE(dims), TABLE(profiles), TABLE(ranges), TABLE(buffers), TABLE(places), TABLE(steps), TABLE(requests), TABLE(operands),
    TABLE(insns), TABLE(blobs), TABLE(names),
#undef TABLE
    .weights = (const uint8_t *)&hand_weight, .n_weights = sizeof hand_weight,
  };
}

static void test_round_trip(void **state) {
  (void)state;
  const ig_plan_data p = by_hand();
  uint8_t *bytes, *again;
  size_t n, n_again;
  check_ok(ig_plan_write(&env->alloc, &p, &bytes, &n));
  ig_plan_data q;
  check_ok(ig_plan_read(&env->alloc, bytes, n, IG_VERIFY_FULL, &q));
  for (size_t i = 0; i < IG_N_SECTIONS; i++) {
    const ig_section_info *info = &ig_section_infos[i];
    if (strcmp(info->name, "HASH") == 0) continue;   /* the writer's own */
    assert_int_equal(ig_section_count(&p, info), ig_section_count(&q, info));
    if (ig_section_count(&p, info)) assert_memory_equal(ig_section_data(&p, info), ig_section_data(&q, info), ig_section_count(&p, info) * info->record_size);
  }
  check_ok(ig_plan_write(&env->alloc, &q, &again, &n_again));
  assert_int_equal(n, n_again);
  assert_memory_equal(bytes, again, n);
  ig_plan_data_free(&env->alloc, &q);
  ig_free_aligned(&env->alloc, bytes, n);
  ig_free_aligned(&env->alloc, again, n);
}

static void test_by_hand_runs(void **state) {
  (void)state;
  const ig_plan_data p = by_hand();
  engine_bytes b = { .env = env };
  check_ok(ig_plan_write(&env->alloc, &p, &b.bytes, &b.n));
  ig_engine *e = load(&b, NULL);
  ig_context *c;
  check_ok(ig_context_create(e, NULL, &c));
  for (int64_t n = 1; n < 20; n += 6) {
    float x[32];
    ig_tensor y;
    for (int i = 0; i < n; i++) x[i] = (float)i;
    check_ok(ig_context_set_shape(c, "x", &n, 1));
    check_ok(ig_context_set_data(c, "x", x, (size_t)n * 4));
    check_ok(ig_context_run(c));
    check_ok(ig_context_get_tensor(c, "y", &y));
    assert_int_equal(y.dims[0], n);
    for (int i = 0; i < n; i++) assert_true(((const float *)y.data)[i] == (float)i + 2.5f);
  }
  const void *value;
  size_t n_value;
  check_ok(ig_engine_metadata(e, "key", &value, &n_value));
  assert_int_equal(n_value, 5);
  assert_memory_equal(value, "value", 5);
  ig_context_release(c);
  ig_engine_release(e);
  engine_bytes_free(&b);
}

static void test_recognise(void **state) {
  (void)state;
  uint8_t head[64];
  memcpy(head, digits.bytes, sizeof head);
  check_fails(ig_plan_recognise(head, 0), IG_ERROR_BAD_ENGINE, "empty");
  check_fails(ig_plan_recognise(head, 63), IG_ERROR_BAD_ENGINE, "truncated");
  check_fails(ig_plan_recognise((const uint8_t *)"ftrt....", 8), IG_ERROR_BAD_ENGINE, "TensorRT");
  check_fails(ig_plan_recognise((const uint8_t *)"\x08\x07\x12\x04onnx", 8), IG_ERROR_BAD_ENGINE, "not an Ingot engine");
  check_ok(ig_plan_recognise(head, sizeof head));
  head[offsetof(ig_file_header, minor)]++;
  check_fails(ig_plan_recognise(head, sizeof head), IG_ERROR_BAD_ENGINE, "format 0.4, this runtime reads 0.3");
}

static void test_sections(void **state) {
  (void)state;
  uint8_t *copy = malloc(digits.n);
  ig_plan_data p;
  static const struct { const char *tag, *new_tag, *part; uint16_t flags; } cases[] = {
    { "PROV", "ZZZZ", "section PROV is missing", 0 },
    { "PROV", "ZZZZ", "section ZZZZ version 1 is critical and unknown", IG_SECTION_CRITICAL },
    { "META", "PROV", "section PROV occurs twice", 0 },
  };
  for (size_t i = 0; i < IG_COUNT(cases); i++) {
    memcpy(copy, digits.bytes, digits.n);
    ig_file_section *s = find_section(copy, cases[i].tag);
    memcpy(&s->tag, cases[i].new_tag, 4);
    s->flags = cases[i].flags;
    fix_hashes(copy, digits.n);
    check_fails(ig_plan_read(&env->alloc, copy, digits.n, IG_VERIFY_FULL, &p), IG_ERROR_BAD_ENGINE, cases[i].part);
  }
  free(copy);
}

/* ---- damage ---- */

static void test_truncations(void **state) {
  (void)state;
  for (size_t n = 0; n < digits.n; n++) {
    uint8_t *cut = malloc(n ? n : 1);   /* its end is the heap block's: reading past it is seen */
    ig_plan_data p;
    memcpy(cut, digits.bytes, n);
    ig_status st = ig_plan_read(&env->alloc, cut, n, IG_VERIFY_FULL, &p);
    if (ig_status_code(st) != IG_ERROR_BAD_ENGINE) fail_msg("%zu bytes: %s", n, ig_status_message(st));
    ig_status_free(st);
    /* With a header that says so, the sections are what is too long. */
    fix_hashes(cut, n);
    st = ig_plan_read(&env->alloc, cut, n, IG_VERIFY_FULL, &p);
    if (ig_status_code(st) != IG_ERROR_BAD_ENGINE) fail_msg("%zu bytes, hashes right: %s", n, ig_status_message(st));
    ig_status_free(st);
    free(cut);
  }
  uint8_t *longer = calloc(1, digits.n + 1);
  ig_plan_data p;
  memcpy(longer, digits.bytes, digits.n);
  check_fails(ig_plan_read(&env->alloc, longer, digits.n + 1, IG_VERIFY_FULL, &p), IG_ERROR_BAD_ENGINE, "truncated or extended");
  free(longer);
}

/* What a message about byte `at` must name. */
static void place_of(size_t at, char out[32]) {
  ig_file_header h;
  memcpy(&h, digits.bytes, sizeof h);
  const ig_file_section *s = section_table(digits.bytes);
  if (at < 8) snprintf(out, 32, "not an Ingot engine");
  else if (at < sizeof h) snprintf(out, 32, "%s", at < offsetof(ig_file_header, min_reader) ? "format" : "header");
  else if (at < sizeof h + h.n_sections * sizeof *s) snprintf(out, 32, "section table");
  else {
    uint32_t i = 0;
    while (i < h.n_sections && at >= s[i].offset + s[i].size) i++;
    snprintf(out, 32, "%ssection %.4s", at < s[i].offset ? "padding before " : "", (const char *)&s[i].tag);
  }
}

static void test_bit_flips(void **state) {
  (void)state;
  uint8_t *copy = ig_alloc_aligned(&env->alloc, digits.n);
  memcpy(copy, digits.bytes, digits.n);
  for (size_t bit = 0; bit < digits.n * 8; bit += BIT_STRIDE) {
    char place[32];
    ig_plan_data p;
    place_of(bit / 8, place);
    copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    ig_status st = ig_plan_read(&env->alloc, copy, digits.n, IG_VERIFY_FULL, &p);
    if (ig_status_code(st) != IG_ERROR_BAD_ENGINE || !strstr(ig_status_message(st), place)) fail_msg("bit %zu of %s: %s", bit, place, ig_status_message(st));
    ig_status_free(st);
    copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  ig_free_aligned(&env->alloc, copy, digits.n);
}

/* ---- mutations whose hashes are right ---- */

static void mutate_engine(const engine_bytes *b, size_t n_files, size_t *out_ran) {
  uint8_t *copy = ig_alloc_aligned(&env->alloc, b->n);
  for (size_t i = 0; i < n_files; i++) {
    memcpy(copy, b->bytes, b->n);
    for (uint64_t k = 0; k <= ig_hash(&i, sizeof i, 1) % 3; k++) mutate(copy, i * 4 + k);
    fix_hashes(copy, b->n);
    *out_ran += survives(env, copy, b->n, 2e7);
  }
  ig_free_aligned(&env->alloc, copy, b->n);
}

static void test_mutations(void **state) {
  (void)state;
  static const char *const models[] = { "examples/digits/digits.onnx", "tests/models/recurrent.onnx", "tests/models/quantised.onnx", "tests/models/dynamic.onnx",
                                       "tests/models/strings.onnx" };
  const char *asked = getenv("INGOT_TEST_MUTATIONS");
  const size_t n = asked ? strtoul(asked, NULL, 10) : 3000;
  size_t ran = 0;
  for (size_t m = 0; m < IG_COUNT(models); m++) {
    engine_bytes b = build_file(env, models[m], NULL);
    mutate_engine(&b, n / IG_COUNT(models), &ran);
    engine_bytes_free(&b);
  }
  print_message("%zu mutated engines, %zu of them ran\n", n, ran);
  assert_true(ran > n / 20 && ran < n);   /* both ends are reached: some mutations are harmless, some are not */
}

/* ---- strings ---- */

static void load_fails(engine_bytes *b, const char *text) {
  ig_engine *e;
  fix_hashes(b->bytes, b->n);
  check_fails(ig_engine_load_memory(env, b->bytes, b->n, NULL, &e), IG_ERROR_BAD_ENGINE, text);
}

/* A handle must lie in its constant, and what holds strings must hold nothing else. */
static void test_strings(void **state) {
  (void)state;
  engine_bytes b = build_file(env, "tests/models/strings.onnx", NULL);
  const ig_file_section *blobs = find_section(b.bytes, "BLOB"), *weights = find_section(b.bytes, "WGTS"), *operands = find_section(b.bytes, "OPND");
  size_t n_handles = 0, n_operands = 0;
  for (size_t i = 0; i < blobs->n_records; i++) {
    const ig_plan_blob *q = (const ig_plan_blob *)(const void *)(b.bytes + blobs->offset) + i;
    if (q->dtype != IG_DTYPE_STRING) continue;
    uint64_t *h = (uint64_t *)(void *)(b.bytes + weights->offset + q->offset);
    const uint64_t n = h[0] / 16;   /* the first string begins where the handles end */
    for (uint64_t k = 0; k < 2 * n; k++, n_handles++) {
      const uint64_t was = h[k];
      static const uint64_t wrong[] = { UINT64_MAX, INT64_MAX, UINT64_C(1) << 32 };
      for (size_t w = 0; w < IG_COUNT(wrong); w++) {
        h[k] = wrong[w];
        load_fails(&b, "outside of its constant");
      }
      h[k] = q->size + 1 - (k % 2 ? h[k - 1] : h[k + 1]);   /* one byte too far */
      load_fails(&b, "outside of its constant");
      h[k] = was;
    }
  }
  for (size_t i = 0; i < operands->n_records; i++) {
    ig_operand *o = (ig_operand *)(void *)(b.bytes + operands->offset) + i;
    if (o->value == IG_NO_VALUE || o->dtype != IG_DTYPE_STRING) continue;
    o->dtype = IG_DTYPE_C128;
    load_fails(&b, "holds strings and something else");
    o->dtype = IG_DTYPE_STRING;
    n_operands++;
  }
  assert_true(n_handles > 20 && n_operands > 10);
  engine_bytes_free(&b);
}

/* ---- files that change after loading ---- */

static void write_temporary(char path[64], const engine_bytes *b) {
  snprintf(path, 64, "/tmp/ingot-test-plan-XXXXXX");
  const int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, b->bytes, b->n), b->n);
  close(fd);
}

static void test_rewritten_metadata(void **state) {
  (void)state;
  char path[64];
  write_temporary(path, &digits);
  ig_engine *e;
  check_ok(ig_engine_load_file(env, path, NULL, &e));
  const uint64_t want = run_once(e, 2, 5);
  const ig_file_section *w = find_section(digits.bytes, "WGTS");
  const int fd = open(path, O_WRONLY);
  for (int round = 0; round < 4; round++) {
    static const int fills[] = { 0xff, 0, 0x7f, 1 };
    uint8_t *noise = malloc(w->offset);
    memset(noise, fills[round], w->offset);
    assert_int_equal(pwrite(fd, noise, w->offset, 0), w->offset);
    free(noise);
    assert_int_equal(run_once(e, 2, 5), want);
  }
  close(fd);
  ig_engine_release(e);
  unlink(path);
}

static void test_truncated_copy(void **state) {
  (void)state;
  char path[64];
  write_temporary(path, &digits);
  ig_engine *e;
  ig_load_options o = IG_LOAD_OPTIONS_INIT;
  o.copy = 1;
  check_ok(ig_engine_load_file(env, path, &o, &e));
  const uint64_t want = run_once(e, 2, 5);
  assert_int_equal(truncate(path, 0), 0);
  assert_int_equal(run_once(e, 2, 5), want);
  ig_engine_release(e);
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_round_trip), cmocka_unit_test(test_by_hand_runs), cmocka_unit_test(test_recognise), cmocka_unit_test(test_sections), cmocka_unit_test(test_truncations),
    cmocka_unit_test(test_bit_flips), cmocka_unit_test(test_rewritten_metadata), cmocka_unit_test(test_truncated_copy), cmocka_unit_test(test_mutations), cmocka_unit_test(test_strings),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
