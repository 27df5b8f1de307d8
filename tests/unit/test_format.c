/* Layouts: what check refuses, sizes, packing by hand-computed values and round trips of random layouts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/format.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void refused(const ig_format *f, uint32_t rank) {
  ig_status st = ig_format_check(f, rank);
  assert_non_null(st);
  ig_status_free(st);
}

static void check_refuses(void **state) {
  (void)state;
  const ig_format panels = {.n_parts = 3, .axis = {1, 0, 1}, .extent = {0, 0, 16}}, plain = {0};
  assert_null(ig_format_check(&panels, 2));
  assert_null(ig_format_check(&plain, 8));
  refused(&panels, 1);                                                                       /* axis 1 of one */
  refused(&panels, 3);                                                                       /* axis 2 is not covered */
  refused(&(ig_format){.n_parts = 2, .axis = {0, 0}}, 1);                                    /* covered twice */
  refused(&(ig_format){.n_parts = 2, .axis = {0, 1}, .extent = {0, 4}}, 2);                  /* axis 1 only in part */
  refused(&(ig_format){.n_parts = 13}, 2);
  refused(&(ig_format){.n_parts = 4, .axis = {0}, .extent = {0, 65535, 65535, 65535}}, 1);   /* block too large */
  const ig_format winograd = {.n_parts = 4, .transform = IG_TRANSFORM_WINOGRAD_4X4, .axis = {0, 1, 2, 3}};
  assert_null(ig_format_check(&winograd, 4));
  assert_true(ig_format_takes(&winograd, IG_DTYPE_F32) && !ig_format_takes(&winograd, IG_DTYPE_I32) && ig_format_takes(&panels, IG_DTYPE_I32));
  const ig_format integers = {.n_parts = 4, .transform = IG_TRANSFORM_WINOGRAD_INT_2X2, .axis = {0, 1, 2, 3}};
  assert_true(ig_format_takes(&integers, IG_DTYPE_I8) && !ig_format_takes(&integers, IG_DTYPE_U8) && !ig_format_takes(&integers, IG_DTYPE_F32));
  refused(&(ig_format){.transform = IG_TRANSFORM_WINOGRAD_4X4}, 4);                          /* no parts */
  refused(&(ig_format){.n_parts = 2, .axis = {0, 1}, .transform = IG_TRANSFORM_WINOGRAD_4X4}, 2);
  refused(&(ig_format){.n_parts = 4, .axis = {0, 1, 2, 3}, .transform = 5}, 4);
  assert_true(ig_format_is_plain(&plain));
  assert_false(ig_format_is_plain(&panels));
  assert_true(ig_format_equal(&panels, &panels));
  assert_false(ig_format_equal(&panels, &plain));
}

/* [3, 5] in panels of 2 columns: columns 0 1 of every row, then 2 3, then 4 and padding. */
static void panels_by_hand(void **state) {
  (void)state;
  const ig_format f = {.n_parts = 3, .axis = {1, 0, 1}, .extent = {0, 0, 2}};
  const int64_t dims[] = {3, 5}, strides[] = {5, 1};
  uint16_t src[15], dst[18], back[15] = {0};
  for (uint16_t i = 0; i < 15; i++) src[i] = (uint16_t)(i + 1);
  static const uint16_t want[18] = {1, 2, 6, 7, 11, 12, 3, 4, 8, 9, 13, 14, 5, 0, 10, 0, 15, 0};
  int64_t n;
  assert_true(ig_format_count(&f, dims, 2, &n));
  assert_int_equal(n, 18);
  ig_format_pack(&f, dims, 2, src, strides, dst, 2);
  assert_memory_equal(dst, want, sizeof want);
  ig_format_unpack(&f, dims, 2, dst, back, strides, 2);
  assert_memory_equal(back, src, sizeof src);
  const int64_t huge[] = {INT64_MAX / 2, 5};
  assert_false(ig_format_count(&f, huge, 2, &n));
  const int64_t none[] = {3, 0};
  assert_true(ig_format_count(&f, none, 2, &n));
  assert_int_equal(n, 0);
  ig_format_pack(&f, none, 2, src, strides, dst, 2);
}

/* A random well-formed layout: every axis covered once, blocks sprinkled in. */
static ig_format random_format(uint32_t rank) {
  ig_format f = {0};
  for (uint32_t a = 0; a < rank; a++) f.axis[f.n_parts++] = (uint8_t)a;
  while (f.n_parts < 8 && rand() % 3) {
    f.axis[f.n_parts] = (uint8_t)((uint32_t)rand() % rank);
    f.extent[f.n_parts++] = (uint16_t)(1 + rand() % 5);
  }
  for (uint32_t i = f.n_parts - 1u; i > 0; i--) {
    const uint32_t j = (uint32_t)rand() % (i + 1);
    const uint8_t axis = f.axis[i];
    const uint16_t extent = f.extent[i];
    f.axis[i] = f.axis[j], f.extent[i] = f.extent[j];
    f.axis[j] = axis, f.extent[j] = extent;
  }
  return f;
}

static void round_trips(void **state) {
  (void)state;
  srand(7);
  for (int round = 0; round < 400; round++) {
    const uint32_t rank = 1 + (uint32_t)rand() % 4;
    const size_t elem = (size_t)1 << rand() % 4;
    const ig_format f = random_format(rank);
    int64_t dims[4], strides[4], n_plain = 1, n_packed;
    for (uint32_t i = rank; i-- > 0;) {
      dims[i] = 1 + rand() % 6;
      strides[i] = n_plain;
      n_plain *= dims[i];
    }
    assert_null(ig_format_check(&f, rank));
    assert_true(ig_format_count(&f, dims, rank, &n_packed));
    assert_true(n_packed >= n_plain);
    uint8_t *src = malloc((size_t)n_plain * elem), *back = calloc((size_t)n_plain, elem), *packed = malloc((size_t)n_packed * elem);
    for (size_t i = 0; i < (size_t)n_plain * elem; i++) src[i] = (uint8_t)(1 + rand() % 255);
    ig_format_pack(&f, dims, rank, src, strides, packed, elem);
    size_t zeros = 0;
    for (size_t i = 0; i < (size_t)n_packed * elem; i++) zeros += packed[i] == 0;
    assert_int_equal(zeros, (size_t)(n_packed - n_plain) * elem); /* padding and nothing else */
    ig_format_unpack(&f, dims, rank, packed, back, strides, elem);
    assert_memory_equal(back, src, (size_t)n_plain * elem);
    free(src), free(back), free(packed);
  }
}

static void transposed_source(void **state) {
  (void)state;
  const ig_format plain = {0};
  const int64_t dims[] = {2, 3}, strides[] = {-1, 2}; /* rows backwards of a column-major matrix */
  static const int32_t src[6] = {1, 2, 3, 4, 5, 6}, want[6] = {2, 4, 6, 1, 3, 5};
  int32_t dst[6];
  ig_format_pack(&plain, dims, 2, src + 1, strides, dst, 4);
  assert_memory_equal(dst, want, sizeof want);
  ig_format_pack(&plain, NULL, 0, src, NULL, dst, 4);
  assert_int_equal(dst[0], 1);
}

/* Transformed weights: every element against G w G' written out, in any order of parts; the source comes back bit by bit. */
static void winograd(void **state) {
  (void)state;
  static const double g2[4][3] = {{6, 0, 0}, {3, 3, 3}, {3, -3, 3}, {0, 0, 6}}, g4[6][3] = {{6, 0, 0}, {-4, -2.8284271247461903, -2}, {-4, 2.8284271247461903, -2}, {1, 1.4142135623730951, 2}, {1, -1.4142135623730951, 2}, {0, 0, 6}};
  static const ig_format formats[] = {{.n_parts = 4, .axis = {0, 1, 2, 3}}, {.n_parts = 5, .axis = {0, 2, 3, 1, 0}, .extent = {0, 0, 0, 0, 4}},
                                      {.n_parts = 6, .axis = {0, 2, 1, 1, 3, 3}, .extent = {0, 0, 0, 2, 0, 3}}};
  const int64_t dims[] = {6, 5, 3, 3}, strides[] = {1, 54, 18, 6}; /* output channels innermost */
  float src[5 * 54], back[6 * 5 * 9], packed[4000];
  int64_t n;
  srand(3);
  for (size_t i = 0; i < IG_COUNT(src); i++) src[i] = (float)(rand() % 2001 - 1000) / 777;
  for (size_t round = 0; round < 2 * IG_COUNT(formats); round++) {
    const size_t k = round / 2;
    const int in = round % 2 ? 4 : 6, padded = (in + 2) / 3 * 3;
    ig_format f = formats[k];
    f.transform = in == 6 ? IG_TRANSFORM_WINOGRAD_4X4 : IG_TRANSFORM_WINOGRAD_2X2;
    assert_null(ig_format_check(&f, 4));
    assert_true(ig_format_count(&f, dims, 4, &n) && n <= 4000);
    assert_int_equal(n, 6 * 5 * 9 + (k == 0 ? 6 * 5 * in * in : k == 1 ? 8 * 5 * in * in : 6 * 6 * in * padded));
    ig_format_pack(&f, dims, 4, src, strides, packed, 4);
    for (int o = 0; o < 6; o++)
      for (int c = 0; c < 5; c++)
        for (int at = 0; at < in * in; at++) {
          const int y = at / in, x = at % in, place[] = {(o * 5 + c) * in * in + at, (((o / 4 * in + y) * in + x) * 5 + c) * 4 + o % 4, (((o * in + y) * 3 + c / 2) * 2 + c % 2) * padded + x};
          double want = 0;
          for (int i = 0; i < 9; i++) want += (in == 6 ? g4 : g2)[y][i / 3] * (in == 6 ? g4 : g2)[x][i % 3] * (double)src[o + 54 * c + 18 * (i / 3) + 6 * (i % 3)] / 36;
          const double got = (double)packed[place[k]];
          assert_true(got - want < 1e-6 && want - got < 1e-6);
        }
    const int64_t compact[] = {45, 9, 3, 1};
    ig_format_unpack(&f, dims, 4, packed, back, compact, 4);
    for (int i = 0; i < 6 * 5 * 9; i++) assert_true(back[i] == src[i / 45 + 54 * (i / 9 % 5) + 18 * (i / 3 % 3) + 6 * (i % 3)]);
    const int64_t five[] = {6, 5, 3, 5}, huge[] = {INT64_MAX / 40, 5, 3, 3};
    assert_false(ig_format_count(&f, five, 4, &n));
    assert_false(ig_format_count(&f, huge, 4, &n));
  }
}

/* The same of bytes, in pairs of channels, the last one half empty: every 16-bit element, and the source. */
static void winograd_int(void **state) {
  (void)state;
  static const int g2[4][3] = {{1, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 1}}, g4[6][3] = {{3, 0, 0}, {1, 1, 1}, {1, -1, 1}, {1, 2, 4}, {1, -2, 4}, {0, 0, 3}};
  const int64_t dims[] = {6, 5, 3, 3}, strides[] = {1, 54, 18, 6}, compact[] = {45, 9, 3, 1}; /* output channels innermost */
  int8_t src[5 * 54], back[6 * 5 * 9];
  int16_t packed[2000];
  int64_t n;
  srand(5);
  for (size_t i = 0; i < IG_COUNT(src); i++) src[i] = (int8_t)(i < 60 ? -128 : rand() % 256 - 128);
  for (int in = 4; in <= 6; in += 2) {
    const ig_format f = {.n_parts = 6, .transform = in == 6 ? IG_TRANSFORM_WINOGRAD_INT_4X4 : IG_TRANSFORM_WINOGRAD_INT_2X2, .axis = {0, 2, 3, 1, 0, 1}, .extent = {0, 0, 0, 0, 4, 2}};
    assert_null(ig_format_check(&f, 4));
    assert_true(ig_format_count(&f, dims, 4, &n));
    assert_int_equal(n, 2 * 8 * 6 * in * in + 6 * 5 * 9);
    memset(packed, 0x55, sizeof packed);
    ig_format_pack(&f, dims, 4, src, strides, packed, 1);
    for (int o = 0; o < 8; o++)
      for (int c = 0; c < 6; c++)
        for (int at = 0; at < in * in; at++) {
          int want = 0;
          for (int i = 0; i < 9 && o < 6 && c < 5; i++) want += (in == 6 ? g4 : g2)[at / in][i / 3] * (in == 6 ? g4 : g2)[at % in][i % 3] * src[o + 54 * c + 18 * (i / 3) + 6 * (i % 3)];
          assert_int_equal(packed[(((o / 4 * in * in + at) * 3 + c / 2) * 4 + o % 4) * 2 + c % 2], want);
        }
    ig_format_unpack(&f, dims, 4, packed, back, compact, 1);
    for (int i = 0; i < 6 * 5 * 9; i++) assert_int_equal(back[i], src[i / 45 + 54 * (i / 9 % 5) + 18 * (i / 3 % 3) + 6 * (i % 3)]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(check_refuses), cmocka_unit_test(panels_by_hand), cmocka_unit_test(round_trips), cmocka_unit_test(winograd), cmocka_unit_test(winograd_int),
                                     cmocka_unit_test(transposed_source)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
