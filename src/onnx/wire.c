/* Wire format reader. A cursor decodes one field after the other with all bounds checked; reading a message is a walk that files each field
 * by its table; iterating walks again from the first occurrence to the last. Group skipping is a loop with a stack of fixed depth.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx/wire.h"

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, GROUP = 3, GROUP_END = 4, FIXED32 = 5 };

typedef struct field { uint32_t number; uint32_t type; uint64_t value; ig_wire_bytes bytes; } field;
typedef struct cursor { const uint8_t *p, *end; } cursor;

/* Why a field cannot be decoded; static text, NULL = fine. */
typedef const char *fault;
static const char too_deep[] = "groups are nested too deep";

static bool get_varint(cursor *c, uint64_t *out) {
  uint64_t v = 0;
  for (unsigned shift = 0; c->p < c->end && shift < 70; shift += 7) {
    const uint8_t b = *c->p++;
    if (shift == 63 && b > 1) return false;
    v |= (uint64_t)(b & 0x7f) << shift;
    if (b < 0x80) {
      *out = v;
      return true;
    }
  }
  return false;
}

static fault get_tag(cursor *c, field *f) {
  uint64_t tag;
  if (!get_varint(c, &tag)) return "a field's number is cut off or too long";
  if (tag > UINT32_MAX || tag >> 3 == 0) return "field number 0 or above 2^29";
  f->number = (uint32_t)(tag >> 3);
  f->type = (uint32_t)(tag & 7);
  return NULL;
}

static fault get_run(cursor *c, field *f, uint64_t n) {
  if (n > (uint64_t)(c->end - c->p)) return "a field is longer than what is left";
  f->bytes = (ig_wire_bytes){ c->p, (size_t)n };
  c->p += n;
  return NULL;
}

/* Everything of a field but groups. */
static fault get_payload(cursor *c, field *f) {
  switch (f->type) {
    case VARINT: return get_varint(c, &f->value) ? NULL : "a varint is cut off or longer than 10 bytes";
    case FIXED64: return get_run(c, f, 8);
    case FIXED32: return get_run(c, f, 4);
    case LENGTH:
      if (!get_varint(c, &f->value)) return "a length is cut off or longer than 10 bytes";
      return get_run(c, f, f->value);
    default: return "wire types 6 and 7 do not exist";
  }
}

/* The cursor stands behind the start tag of group `number`. */
static fault skip_group(cursor *c, uint32_t number) {
  uint32_t open[IG_WIRE_MAX_GROUPS];
  uint32_t depth = 0;
  open[depth++] = number;
  while (depth > 0) {
    field f;
    fault bad = c->p < c->end ? get_tag(c, &f) : "a group is not closed";
    if (bad) return bad;
    if (f.type == GROUP_END) {
      if (open[--depth] != f.number) return "a group ends that was not opened";
    } else if (f.type == GROUP) {
      if (depth == IG_WIRE_MAX_GROUPS) return too_deep;
      open[depth++] = f.number;
    } else if ((bad = get_payload(c, &f))) {
      return bad;
    }
  }
  return NULL;
}

static fault get_field(cursor *c, field *f) {
  *f = (field){ 0 };
  const fault bad = get_tag(c, f);
  if (bad) return bad;
  if (f->type == GROUP) return skip_group(c, f->number);
  if (f->type == GROUP_END) return "a group ends that was not opened";
  return get_payload(c, f);
}

static uint32_t element_type(ig_wire_kind k) {
  switch (k) {
    case IG_WIRE_INT:
    case IG_WIRE_INTS: return VARINT;
    case IG_WIRE_FLOAT:
    case IG_WIRE_FLOATS: return FIXED32;
    case IG_WIRE_DOUBLES: return FIXED64;
    default: return LENGTH;
  }
}

static bool is_packable(ig_wire_kind k) { return k == IG_WIRE_INTS || k == IG_WIRE_FLOATS || k == IG_WIRE_DOUBLES; }

/* Elements of a packed run. */
static fault count_packed(ig_wire_kind k, ig_wire_bytes b, uint64_t *out) {
  if (k != IG_WIRE_INTS) {
    const size_t each = k == IG_WIRE_FLOATS ? 4 : 8;
    *out = b.n / each;
    return b.n % each ? "packed numbers end within an element" : NULL;
  }
  cursor c = { b.p, b.p + b.n };
  uint64_t n = 0, v;
  for (; c.p < c.end; n++)
    if (!get_varint(&c, &v)) return "packed varints are cut off or longer than 10 bytes";
  *out = n;
  return NULL;
}

static fault add_to_list(const ig_wire_field *d, const uint8_t *start, const field *f, const uint8_t *end, ig_wire_list *l) {
  uint64_t n = 1;
  if (f->type == LENGTH && is_packable(d->kind)) {
    const fault bad = count_packed(d->kind, f->bytes, &n);
    if (bad) return bad;
  }
  if (!l->p) *l = (ig_wire_list){ .p = start, .number = d->number };
  l->end = end;
  l->n += n;
  return NULL;
}

static fault store(const ig_wire_field *d, const uint8_t *start, const field *f, const uint8_t *end, void *out) {
  void *to = (char *)out + d->offset;
  if (f->type != element_type(d->kind) && !(f->type == LENGTH && is_packable(d->kind))) return "the field has another wire type than ONNX gives it";
  switch (d->kind) {
    case IG_WIRE_INT: memcpy(to, &f->value, sizeof f->value); return NULL;
    case IG_WIRE_FLOAT: memcpy(to, f->bytes.p, sizeof(float)); return NULL;
    case IG_WIRE_BYTES: *(ig_wire_bytes *)to = f->bytes; return NULL;
    default: return add_to_list(d, start, f, end, to);
  }
}

/* Fields mostly come in runs of one number, so the search begins at the last hit. */
static const ig_wire_field *find_field(const ig_wire_message *m, uint32_t number, uint32_t *at) {
  if (m->n_fields == 0) return NULL;
  if (m->fields[*at].number == number) return &m->fields[*at];
  for (uint32_t i = 0; i < m->n_fields; i++) {
    if (m->fields[i].number != number) continue;
    *at = i;
    return &m->fields[i];
  }
  return NULL;
}

static ig_status fail(const ig_wire_message *m, size_t at, uint32_t number, const ig_wire_field *d, fault bad) {
  if (bad == too_deep) return ig_status_new(IG_ERROR_LIMIT, "%s, byte %zu: limit 'nesting' (%d) of groups exceeded", m->name, at, IG_WIRE_MAX_GROUPS);
  if (d) return ig_status_new(IG_ERROR_BAD_MODEL, "%s, byte %zu, field %u (%s): %s", m->name, at, number, d->name, bad);
  return ig_status_new(IG_ERROR_BAD_MODEL, "%s, byte %zu: %s", m->name, at, bad);
}

ig_status ig_wire_read(const ig_wire_message *m, ig_wire_bytes bytes, void *out) {
  memset(out, 0, m->size);
  if (bytes.n == 0) return NULL;
  cursor c = { bytes.p, bytes.p + bytes.n };
  uint32_t at = 0, seen = 0;
  while (c.p < c.end) {
    const uint8_t *start = c.p;
    field f;
    fault bad = get_field(&c, &f);
    const ig_wire_field *d = find_field(m, f.number, &at);
    if (!bad && d) bad = store(d, start, &f, c.p, out);
    if (bad) return fail(m, (size_t)(start - bytes.p), f.number, d, bad);
    if (d) seen |= 1u << at;
  }
  memcpy(out, &seen, sizeof seen);
  return NULL;
}

ig_wire_iter ig_wire_iterate(const ig_wire_list *l) { return (ig_wire_iter){ .p = l->p, .end = l->end, .number = l->number }; }

static bool next_field(ig_wire_iter *it, field *f) {
  while (it->p < it->end) {
    cursor c = { it->p, it->end };
    if (get_field(&c, f)) break;
    it->p = c.p;
    if (f->number == it->number) return true;
  }
  it->p = it->end;
  return false;
}

bool ig_wire_next(ig_wire_iter *it, ig_wire_bytes *out) {
  field f;
  if (!next_field(it, &f)) return false;
  *out = f.bytes;
  return true;
}

bool ig_wire_next_int(ig_wire_iter *it, int64_t *out) {
  uint64_t v;
  while (it->packed == it->packed_end) {
    field f;
    if (!next_field(it, &f)) return false;
    if (f.type == VARINT) {
      *out = (int64_t)f.value;
      return true;
    }
    it->packed = f.bytes.p;
    it->packed_end = f.bytes.p + f.bytes.n;
  }
  cursor c = { it->packed, it->packed_end };
  if (!get_varint(&c, &v)) return false;
  it->packed = c.p;
  *out = (int64_t)v;
  return true;
}

static bool next_fixed(ig_wire_iter *it, void *out, size_t n) {
  while (it->packed == it->packed_end) {
    field f;
    if (!next_field(it, &f)) return false;
    it->packed = f.bytes.p;
    it->packed_end = f.bytes.p + f.bytes.n;
  }
  if ((size_t)(it->packed_end - it->packed) < n) return false;
  memcpy(out, it->packed, n);
  it->packed += n;
  return true;
}

bool ig_wire_next_float(ig_wire_iter *it, float *out) { return next_fixed(it, out, sizeof *out); }
bool ig_wire_next_double(ig_wire_iter *it, double *out) { return next_fixed(it, out, sizeof *out); }

static void put_varint(ig_buf *b, uint64_t v) {
  uint8_t out[10];
  size_t n = 0;
  for (; v >= 0x80; v >>= 7) out[n++] = (uint8_t)(v | 0x80);
  out[n++] = (uint8_t)v;
  ig_buf_bytes(b, out, n);
}

void ig_wire_put_int(ig_buf *b, uint32_t number, int64_t v) {
  put_varint(b, (uint64_t)number << 3 | VARINT);
  put_varint(b, (uint64_t)v);
}

void ig_wire_put_bytes(ig_buf *b, uint32_t number, const void *p, size_t n) {
  put_varint(b, (uint64_t)number << 3 | LENGTH);
  put_varint(b, n);
  ig_buf_bytes(b, p, n);
}
