/* Breaks files on purpose, so that the demo can show what Ingot says of them.
 *
 *     break weight IN.onnx NAME OUT.onnx      removes the initializer NAME from the model
 *     break bit IN OUT                        flips one bit, 100 bytes before the end
 *
 * The model is a protobuf message; only what is needed of its encoding is read here: fields are a key (number and wire type) and, for
 * type 2, a length and so many bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODEL_GRAPH = 7, GRAPH_INITIALIZER = 5, TENSOR_NAME = 8, MAX_FILE = 64 << 20 };

typedef struct bytes { const uint8_t *p; size_t n; } bytes;
/* One field: all of it, its number, and its contents where it has a length. */
typedef struct field { bytes whole, body; uint64_t number; } field;

static void fail(const char *what) {
  fprintf(stderr, "break: %s\n", what);
  exit(1);
}

static uint64_t varint(bytes *b) {
  uint64_t v = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (!b->n) break;
    const uint8_t c = *b->p++;
    b->n--;
    v |= (uint64_t)(c & 0x7f) << shift;
    if (!(c & 0x80)) return v;
  }
  fail("the model's bytes are no protobuf message");
  return 0;
}

static int next_field(bytes *b, field *out) {
  if (!b->n) return 0;
  const uint8_t *start = b->p;
  const uint64_t key = varint(b);
  size_t n = 0;
  *out = (field){ .number = key >> 3 };
  if ((key & 7) == 0) varint(b);
  else if ((key & 7) == 1) n = 8;
  else if ((key & 7) == 5) n = 4;
  else if ((key & 7) == 2) n = (size_t)varint(b);
  else fail("the model's bytes are no protobuf message");
  if (n > b->n) fail("the model's bytes end too early");
  if ((key & 7) == 2) out->body = (bytes){ b->p, n };
  b->p += n;
  b->n -= n;
  out->whole = (bytes){ start, (size_t)(b->p - start) };
  return 1;
}

static int is_weight(const field *f, const char *name) {
  bytes tensor = f->body;
  field t;
  if (f->number != GRAPH_INITIALIZER) return 0;
  while (next_field(&tensor, &t))
    if (t.number == TENSOR_NAME && t.body.n == strlen(name) && memcmp(t.body.p, name, t.body.n) == 0) return 1;
  return 0;
}

static void put(FILE *f, bytes b) {
  if (b.n && fwrite(b.p, 1, b.n, f) != b.n) fail("cannot write");
}

static void put_varint(FILE *f, uint64_t v) {
  for (; v >= 0x80; v >>= 7) fputc((int)(v & 0x7f) | 0x80, f);
  fputc((int)v, f);
}

/* The graph without the weight; its length stands in front of it, so it is found first. */
static void put_graph(FILE *out, const field *graph, const char *name) {
  bytes rest = graph->body;
  field f;
  size_t removed = 0;
  while (next_field(&rest, &f))
    if (is_weight(&f, name)) removed += f.whole.n;
  if (!removed) fail("the model has no such weight");
  put_varint(out, MODEL_GRAPH << 3 | 2);
  put_varint(out, graph->body.n - removed);
  for (rest = graph->body; next_field(&rest, &f);)
    if (!is_weight(&f, name)) put(out, f.whole);
}

static uint8_t *read_all(const char *path, size_t *out_n) {
  uint8_t *p = malloc(MAX_FILE);
  FILE *f = fopen(path, "rb");
  if (!p || !f) fail("cannot read the file");
  *out_n = fread(p, 1, MAX_FILE, f);
  if (*out_n == 0 || *out_n == MAX_FILE) fail("the file is empty or too large");
  fclose(f);
  return p;
}

int main(int argc, char **argv) {
  const int weight = argc == 5 && strcmp(argv[1], "weight") == 0, bit = argc == 4 && strcmp(argv[1], "bit") == 0;
  if (!weight && !bit) return fputs("usage: break weight IN NAME OUT | break bit IN OUT\n", stderr), 2;
  size_t n;
  uint8_t *p = read_all(argv[2], &n);
  FILE *out = fopen(argv[argc - 1], "wb");
  if (!out) fail("cannot write");
  if (bit) {
    p[n > 100 ? n - 100 : 0] ^= 1;
    put(out, (bytes){ p, n });
  }
  bytes rest = { p, n };
  field f;
  while (weight && next_field(&rest, &f)) {
    if (f.number == MODEL_GRAPH) put_graph(out, &f, argv[3]);
    else put(out, f.whole);
  }
  free(p);
  return fclose(out) ? 1 : 0;
}
