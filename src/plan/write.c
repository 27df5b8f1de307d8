/* Engine writer: ig_plan_data -> bytes. One loop over sections.def; nothing but the plan's own data goes in.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/layout.h"

/* Collects where each section will lie; returns the file's size, 0 on overflow. */
static size_t place_sections(const ig_plan_data *p, ig_file_section *table) {
  size_t at = ig_align_up(sizeof(ig_file_header) + IG_N_SECTIONS * sizeof(ig_file_section), IG_TENSOR_ALIGN);
  for (size_t i = 0; i < IG_N_SECTIONS; i++) {
    const ig_section_info *info = &ig_section_infos[i];
    const size_t n = ig_section_count(p, info);
    size_t bytes, end;
    if (!ig_mul_size(n, info->record_size, &bytes)) return 0;
    at = ig_align_up(at, info->tag == IG_TAG_WGTS ? IG_WEIGHTS_ALIGN : IG_TENSOR_ALIGN);
    if (!ig_add_size(at, bytes, &end) || end > SIZE_MAX - IG_WEIGHTS_ALIGN) return 0;
    table[i] = (ig_file_section){ .tag = info->tag, .version = 1, .flags = info->flags, .target = IG_NONE,
                                  .record_size = info->record_size, .offset = at, .size = bytes, .n_records = n };
    at = end;
  }
  return at;
}

/* Hashes of each MiB of the weights; *out_n of them. */
static ig_status hash_weights(const ig_allocator *a, const ig_plan_data *p, uint64_t **out, size_t *out_n) {
  const size_t n = (p->n_weights + IG_HASH_CHUNK - 1) / IG_HASH_CHUNK;
  uint64_t *h = ig_alloc_zero(a, n ? n : 1, sizeof *h);
  IG_CHECK_MEM(h);
  for (size_t i = 0; i < n; i++) h[i] = ig_plan_weight_hash(p->weights, p->n_weights, i);
  *out = h;
  *out_n = n;
  return NULL;
}

static void fill(const ig_plan_data *p, ig_file_section *table, uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < IG_N_SECTIONS; i++) {
    ig_file_section *s = &table[i];
    const void *src = ig_section_data(p, &ig_section_infos[i]);
    if (s->size) memcpy(bytes + s->offset, src, s->size);
    /* The weights' own hashes are per MiB, in HASH, which is hashed as a whole. */
    s->hash = s->tag == IG_TAG_WGTS ? 0 : ig_hash(bytes + s->offset, s->size, 0);
  }
  ig_file_header h = { .major = IG_ENGINE_MAJOR, .minor = IG_ENGINE_MINOR, .min_reader = IG_ENGINE_MINOR, .bom = IG_ENGINE_BOM,
                       .n_sections = IG_N_SECTIONS, .hash_algorithm = IG_ENGINE_HASH_XXH3, .file_size = size, .table_offset = sizeof h };
  memcpy(h.magic, IG_ENGINE_MAGIC, 8);
  h.table_hash = ig_hash(table, IG_N_SECTIONS * sizeof *table, 0);
  h.header_hash = ig_hash(&h, offsetof(ig_file_header, header_hash), 0);
  memcpy(bytes, &h, sizeof h);
  memcpy(bytes + sizeof h, table, IG_N_SECTIONS * sizeof *table);
}

ig_status ig_plan_write(const ig_allocator *a, const ig_plan_data *p, uint8_t **out, size_t *out_n) {
  *out = NULL;
  *out_n = 0;
  uint64_t *hashes = NULL;
  ig_plan_data q = *p;
  IG_TRY(hash_weights(a, p, &hashes, &q.n_weight_hashes));
  q.weight_hashes = hashes;
  ig_file_section table[IG_N_SECTIONS];
  memset(table, 0, sizeof table);
  const size_t size = place_sections(&q, table);
  uint8_t *bytes = size ? ig_alloc_aligned(a, size) : NULL;
  if (bytes) {
    memset(bytes, 0, q.n_weights < size ? size - q.n_weights : size);
    fill(&q, table, bytes, size);
    *out = bytes;
    *out_n = size;
  }
  ig_free(a, hashes, (q.n_weight_hashes ? q.n_weight_hashes : 1) * sizeof *hashes);
  if (!size) IG_FAIL(IG_ERROR_LIMIT, "engine file: sizes overflow 64 bits");
  IG_CHECK_MEM(bytes);
  return NULL;
}
