/* Weights: content-addressed blobs. SPDX-License-Identifier: Apache-2.0 */
#include "build/emit.h"

static ig_status room(ig_emitter *e, size_t n, size_t *out_at) {
  const ig_allocator *a = &e->b->ir->env->alloc;
  const size_t at = ig_align_up(e->weights.n, IG_TENSOR_ALIGN);
  IG_REQUIRE(at >= e->weights.n && n <= SIZE_MAX - at - IG_WEIGHTS_ALIGN, IG_ERROR_LIMIT, "engine file: weights overflow");
  if (!ig_grow(a, (void **)&e->weights.data, &e->weights.cap, at + n, 1)) return IG_OOM();
  if (at > e->weights.n) memset(e->weights.data + e->weights.n, 0, at - e->weights.n);
  *out_at = at;
  return NULL;
}

/* Same bytes, type, dims and layout as blob i? */
static bool same_blob(const ig_emitter *e, size_t i, const ig_plan_blob *b, const uint8_t *bytes) {
  const ig_plan_blob *q = &e->blobs.data[i];
  return q->hash == b->hash && q->size == b->size && q->dtype == b->dtype && q->rank == b->rank && memcmp(q->dims, b->dims, sizeof q->dims) == 0 && ig_format_equal(&q->format, &b->format) &&
         (b->size == 0 || memcmp(e->weights.data + q->offset, bytes, b->size) == 0);
}

static ig_status pack(ig_emitter *e, const ig_data *d, const ig_format *f, const ig_operand *as, uint32_t once, ig_plan_blob *b, size_t *out_at) {
  const ig_dims *t = &e->b->ir->dims;
  int64_t strides[IG_MAX_RANK], offset, n;
  const size_t elem = IG_DTYPE_BITS(d->dtype) / 8;
  for (uint32_t k = 0; k < as->rank; k++) {
    ig_dim_is_const(t, as->strides[k], &strides[k]);
    if (once >> k & 1) b->dims[k] = 1;
    else ig_dim_is_const(t, as->dims[k], &b->dims[k]);
  }
  ig_dim_is_const(t, as->offset, &offset);
  b->rank = as->rank;
  b->format = *f;
  IG_REQUIRE(elem && ig_format_count(f, b->dims, b->rank, &n), IG_ERROR_LIMIT, "packed weights overflow");
  b->size = (uint64_t)n * elem;
  IG_TRY(room(e, b->size, out_at));
  if (b->size == 0) return NULL;
  memset(e->weights.data + *out_at, 0, b->size);
  ig_format_pack(f, b->dims, b->rank, (const char *)d->bytes + offset * (int64_t)elem, strides, e->weights.data + *out_at, elem);
  return NULL;
}

/* Handles relative to the blob, an offset and a length each, and behind them the strings. */
static ig_status put_strings(ig_emitter *e, const ig_data *d, ig_plan_blob *b, size_t *out_at) {
  const ig_string *s = d->bytes;
  const size_t n = d->n_bytes / sizeof *s;
  b->size = d->n_bytes;
  for (size_t i = 0; i < n; i++) b->size += s[i].n;
  IG_TRY(room(e, b->size, out_at));
  uint8_t *to = e->weights.data + *out_at;
  uint64_t h[2] = { d->n_bytes };
  for (size_t i = 0; i < n; i++, h[0] += h[1]) {
    h[1] = s[i].n;
    memcpy(to + i * sizeof h, h, sizeof h);
    if (h[1]) memcpy(to + h[0], s[i].data, h[1]);
  }
  return NULL;
}

ig_status ig_emit_blob(ig_emitter *e, const ig_data *d, const ig_format *format, const ig_operand *as, uint32_t once, uint32_t *out) {
  ig_plan_blob b = { .dtype = d->dtype, .rank = d->rank, .size = d->n_bytes };
  size_t at = 0;
  if (format) IG_TRY(pack(e, d, format, as, once, &b, &at));
  else {
    memcpy(b.dims, d->dims, d->rank * sizeof(int64_t));
    if (d->dtype == IG_DTYPE_STRING) IG_TRY(put_strings(e, d, &b, &at));
    else IG_TRY(room(e, d->n_bytes, &at));
    if (d->n_bytes && d->dtype != IG_DTYPE_STRING) memcpy(e->weights.data + at, d->bytes, d->n_bytes);
  }
  b.offset = at;
  b.hash = ig_hash(e->weights.data + at, b.size, 0);
  for (size_t i = 0; i < e->blobs.n; i++) {
    if (!same_blob(e, i, &b, e->weights.data + at)) continue;
    *out = (uint32_t)i;   /* the copy just made lies past the end and is overwritten by the next */
    return NULL;
  }
  e->weights.n = at + b.size;
  *out = (uint32_t)e->blobs.n;
  return IG_EMIT(e, blobs, b);
}
