/* Readers, writers, epilogues and splits of the CPU kernels. See common.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/common.h"
#include "hal/tactic.h"

void ig_reader_init(ig_reader *r, const ig_view *v, const uint8_t *perm, ig_stype to) {
  const ig_stype own = ig_stype_of(v->dtype);
  ig_walk_init(&r->walk, v, perm);
  r->load = ig_elem_loader(v->dtype);
  r->from_size = ig_stype_size(own);
  r->size = ig_stype_size(to);
  r->cast = own == to ? NULL : ig_prog_cast_c(own, to);
}

void ig_reader_read(const ig_reader *r, int64_t lin, int64_t n, void *out) {
  if (!r->cast) {
    ig_walk_load(&r->walk, r->load, lin, n, out, r->size);
    return;
  }
  uint64_t block[64];
  for (int64_t done = 0; done < n; done += 64) {
    const int64_t m = n - done < 64 ? n - done : 64;
    ig_walk_load(&r->walk, r->load, lin + done, m, block, r->from_size);
    r->cast((char *)out + (size_t)done * r->size, block, NULL, NULL, m);
  }
}

void ig_writer_init(ig_writer *w, const ig_view *v, const uint8_t *perm, ig_stype from) {
  const ig_stype own = ig_stype_of(v->dtype);
  ig_walk_init(&w->walk, v, perm);
  w->size = ig_stype_size(from);
  w->own_size = ig_stype_size(own);
  w->store = ig_elem_storer(v->dtype, from, 0);
  w->cast = w->store ? NULL : ig_prog_cast_c(from, own);
  if (!w->store) w->store = ig_elem_storer(v->dtype, own, 0);
}

void ig_writer_write(const ig_writer *w, int64_t lin, int64_t n, const void *values) {
  if (!w->cast) {
    ig_walk_store(&w->walk, w->store, lin, n, values, w->size);
    return;
  }
  uint64_t block[64];
  for (int64_t done = 0; done < n; done += 64) {
    const int64_t m = n - done < 64 ? n - done : 64;
    w->cast(block, (const char *)values + (size_t)done * w->size, NULL, NULL, m);
    ig_walk_store(&w->walk, w->store, lin + done, m, block, w->own_size);
  }
}

ig_prog *ig_epi_make(void *mem, const ig_call *c, const uint8_t *perm, ig_stype acc, uint32_t n_out, const ig_prog_isa *isa) {
  const ig_view *o = ig_call_out(c, 0);
  const ig_prog_spec s = { .prog = &c->epi, .in = ig_call_extra(c, 0), .n_in = c->n_extra, .out = o, .n_out = n_out, .dims = o->dims, .rank = o->rank,
    .perm = perm, .direct_in = acc, .isa = isa };
  return ig_prog_make(mem, &s);
}

bool ig_shares_bytes(const ig_call *c) {
  for (uint32_t i = 0; i < c->n_out; i++)
    if (ig_view_present(ig_call_out(c, i)) && IG_DTYPE_BITS(ig_call_out(c, i)->dtype) < 8) return true;
  return false;
}

void ig_split_items(const ig_call *c, int64_t n, uint32_t part, uint32_t n_parts, int64_t *lo, int64_t *hi) {
  if (n_parts > 1 && ig_shares_bytes(c)) {
    *lo = 0;
    *hi = part == 0 ? n : 0;
    return;
  }
  ig_split(n, part, n_parts, lo, hi);
}

void ig_split_elements(const ig_call *c, int64_t n, uint32_t part, uint32_t n_parts, int64_t *lo, int64_t *hi) {
  enum { LINE = 64 };
  ig_split_items(c, (n + LINE - 1) / LINE, part, n_parts, lo, hi);
  *lo = ig_min_i64(*lo * LINE, n);
  *hi = ig_min_i64(*hi * LINE, n);
}

uint32_t ig_perm_by_stride(const ig_view *v, uint64_t mask, uint8_t *out_perm) {
  uint32_t n = 0;
  for (uint32_t k = 0; k < v->rank; k++) {
    if (!(mask >> k & 1)) continue;
    const int64_t step = v->strides[k] < 0 ? -v->strides[k] : v->strides[k];
    uint32_t at = n++;
    /* Axes of one element or stride 0 say nothing of the order: they stay where they are. */
    for (uint32_t j = n - 1; j-- > 0 && !ig_view_blocked(v) && v->dims[k] != 1 && step != 0;) {
      const int64_t other = v->strides[out_perm[j]] < 0 ? -v->strides[out_perm[j]] : v->strides[out_perm[j]];
      if (v->dims[out_perm[j]] == 1 || other == 0) continue;
      if (other >= step) break;
      at = j;
    }
    for (uint32_t j = n - 1; j > at; j--) out_perm[j] = out_perm[j - 1];
    out_perm[at] = (uint8_t)k;
  }
  return n;
}

void ig_perm_of_mask(uint32_t rank, uint64_t mask, bool last, uint8_t *out_perm) {
  uint32_t n = 0;
  for (uint32_t pass = 0; pass < 2; pass++)
    for (uint32_t k = 0; k < rank; k++)
      if (((mask >> k & 1) != 0) == ((pass == 1) == last)) out_perm[n++] = (uint8_t)k;
}
