/* Engine reader: bytes -> ig_plan_data. Metadata is copied before it is checked, so that bytes that change under a mapping change nothing;
 * only the weights stay where they are.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/layout.h"
#include "base/env.h"
#include "base/threadpool.h"
#include <stdatomic.h>

#define TRT_MAGIC "ftrt"             /* 0x74727466, little-endian */

ig_status ig_plan_recognise(const uint8_t *bytes, size_t n) {
  static const uint8_t magic[8] = IG_ENGINE_MAGIC;
  if (n >= 8 && memcmp(bytes, magic, 8) == 0) {
    if (n < sizeof(ig_file_header)) IG_FAIL(IG_ERROR_BAD_ENGINE, "engine file: %zu bytes, shorter than its header of %zu: truncated; copy or build it again", n, sizeof(ig_file_header));
    ig_file_header h;
    memcpy(&h, bytes, sizeof h);
    if (h.bom == (uint16_t)(IG_ENGINE_BOM << 8 | IG_ENGINE_BOM >> 8)) IG_FAIL(IG_ERROR_BAD_ENGINE, "engine file: big-endian; build it again on a little-endian machine");
    if (h.bom != IG_ENGINE_BOM) IG_FAIL(IG_ERROR_BAD_ENGINE, "engine file: header: byte-order mark is 0x%04x, expected 0x%04x: damaged; copy or build it again", h.bom, IG_ENGINE_BOM);
    if (h.major == IG_ENGINE_MAJOR && h.minor == IG_ENGINE_MINOR) return NULL;
    IG_FAIL(IG_ERROR_BAD_ENGINE, "engine file: format %u.%u, this runtime reads %u.%u: build the engine again with this version", h.major, h.minor, IG_ENGINE_MAJOR, IG_ENGINE_MINOR);
  }
  if (n >= 4 && memcmp(bytes, TRT_MAGIC, 4) == 0) IG_FAIL(IG_ERROR_BAD_ENGINE, "a TensorRT plan, not an Ingot engine: build an engine from the ONNX model with `ingot build`");
  if (n == 0) IG_FAIL(IG_ERROR_BAD_ENGINE, "engine file: empty");
  IG_FAIL(IG_ERROR_BAD_ENGINE, "not an Ingot engine (its first bytes are not the magic): build one from the ONNX model with `ingot build`");
}

static ig_status check_header(const uint8_t *bytes, size_t n, ig_file_header *h) {
  IG_TRY(ig_plan_recognise(bytes, n));
  memcpy(h, bytes, sizeof *h);
  const uint64_t hash = ig_hash(h, offsetof(ig_file_header, header_hash), 0);
  IG_REQUIRE(hash == h->header_hash, IG_ERROR_BAD_ENGINE, "engine file: header: hash mismatch: damaged; copy or build it again");
  IG_REQUIRE(h->hash_algorithm == IG_ENGINE_HASH_XXH3, IG_ERROR_BAD_ENGINE, "engine file: header: hash algorithm %u is unknown to this runtime", h->hash_algorithm);
  IG_REQUIRE(h->file_size == n, IG_ERROR_BAD_ENGINE, "engine file: %zu bytes, its header says %llu: truncated or extended; copy or build it again", n, (unsigned long long)h->file_size);
  IG_REQUIRE(h->n_sections && h->n_sections <= IG_ENGINE_MAX_SECTIONS, IG_ERROR_BAD_ENGINE, "engine file: header: %u sections (1 to %u allowed)", h->n_sections, IG_ENGINE_MAX_SECTIONS);
  IG_REQUIRE(h->table_offset == sizeof *h && h->reserved == 0, IG_ERROR_BAD_ENGINE, "engine file: header: section table not where it must be");
  IG_REQUIRE(n - sizeof *h >= h->n_sections * sizeof(ig_file_section), IG_ERROR_BAD_ENGINE, "engine file: section table passes the end of the file");
  return NULL;
}

static bool all_zero(const uint8_t *p, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (p[i]) return false;
  return true;
}

/* Sections lie in file order without overlap; gaps are padding, which is zero. */
static ig_status check_table(const uint8_t *bytes, size_t n, const ig_file_section *s, uint32_t n_sections) {
  uint64_t end = sizeof(ig_file_header) + n_sections * sizeof *s;
  for (uint32_t i = 0; i < n_sections; i++) {
    const char tag[5] = { (char)s[i].tag, (char)(s[i].tag >> 8), (char)(s[i].tag >> 16), (char)(s[i].tag >> 24), 0 };
    IG_REQUIRE(s[i].offset >= end && s[i].offset <= n && s[i].size <= n - s[i].offset, IG_ERROR_BAD_ENGINE, "engine file: section %s lies outside the file or over another", tag);
    IG_REQUIRE(s[i].offset - end < IG_WEIGHTS_ALIGN && all_zero(bytes + end, s[i].offset - end), IG_ERROR_BAD_ENGINE, "engine file: padding before section %s is not zero", tag);
    IG_REQUIRE(s[i].offset % (s[i].tag == IG_TAG_WGTS ? IG_WEIGHTS_ALIGN : IG_TENSOR_ALIGN) == 0, IG_ERROR_BAD_ENGINE, "engine file: section %s is not aligned", tag);
    end = s[i].offset + s[i].size;
  }
  IG_REQUIRE(end == n, IG_ERROR_BAD_ENGINE, "engine file: %llu bytes after the last section", (unsigned long long)(n - end));
  return NULL;
}

static const ig_section_info *find_info(uint32_t tag) {
  for (size_t i = 0; i < IG_N_SECTIONS; i++)
    if (ig_section_infos[i].tag == tag) return &ig_section_infos[i];
  return NULL;
}

static ig_status take_section(const ig_file_section *s, const uint8_t *bytes, uint8_t **room, ig_plan_data *out, uint32_t *seen) {
  const ig_section_info *info = find_info(s->tag);
  const char tag[5] = { (char)s->tag, (char)(s->tag >> 8), (char)(s->tag >> 16), (char)(s->tag >> 24), 0 };
  if (!info) {
    IG_REQUIRE(!(s->flags & IG_SECTION_CRITICAL), IG_ERROR_BAD_ENGINE, "engine file: section %s version %u is critical and unknown to this runtime: use a newer Ingot", tag, s->version);
    return NULL;
  }
  const uint32_t bit = 1u << (info - ig_section_infos);
  IG_REQUIRE(!(*seen & bit), IG_ERROR_BAD_ENGINE, "engine file: section %s occurs twice", tag);
  IG_REQUIRE(s->version == 1 && s->flags == info->flags && s->target == IG_NONE, IG_ERROR_BAD_ENGINE, "engine file: section %s: version %u, flags %u or target %u not as this runtime knows them", tag, s->version, s->flags, s->target);
  IG_REQUIRE(s->record_size == info->record_size && s->size / info->record_size == s->n_records && s->size % info->record_size == 0, IG_ERROR_BAD_ENGINE, "engine file: section %s: record size or count does not fit its bytes", tag);
  *seen |= bit;
  if (s->tag == IG_TAG_WGTS) {
    ig_section_set(out, info, bytes + s->offset, s->n_records);
    return NULL;
  }
  if (s->size) memcpy(*room, bytes + s->offset, s->size);
  IG_REQUIRE(ig_hash(*room, s->size, 0) == s->hash, IG_ERROR_BAD_ENGINE, "engine file: section %s: hash mismatch: damaged; copy or build it again", tag);
  ig_section_set(out, info, *room, s->n_records);
  *room += ig_align_up(s->size, IG_TENSOR_ALIGN);
  return NULL;
}

/* Weights are hashed MiB by MiB; where they take long, by several threads, whose first complaint in file order counts. */
enum { PARALLEL_CHUNKS = 16, MOST_THREADS = 4 };
typedef struct hashing { const ig_plan_data *p; size_t n; _Atomic size_t bad; } hashing;

static void hash_chunks(void *arg, uint32_t part, uint32_t n_parts) {
  hashing *const h = arg;
  for (size_t i = part; i < h->n; i += n_parts) {
    if (ig_plan_weight_hash(h->p->weights, h->p->n_weights, i) == h->p->weight_hashes[i]) continue;
    size_t bad = atomic_load(&h->bad);
    while (i < bad && !atomic_compare_exchange_weak(&h->bad, &bad, i)) continue;
    return;
  }
}

static ig_status check_weights(const ig_allocator *a, const ig_plan_data *p, ig_verify_level level) {
  hashing h = { .p = p, .n = (p->n_weights + IG_HASH_CHUNK - 1) / IG_HASH_CHUNK, .bad = SIZE_MAX };
  IG_REQUIRE(h.n == p->n_weight_hashes, IG_ERROR_BAD_ENGINE, "engine file: section HASH: %zu hashes for %zu MiB of weights", p->n_weight_hashes, h.n);
  if (level != IG_VERIFY_FULL) return NULL;
  const uint32_t threads = ig_cpu_threads("/");
  ig_pool *pool = NULL;
  if (h.n >= PARALLEL_CHUNKS && threads > 1) ig_status_free(ig_pool_create(a, threads < MOST_THREADS ? threads : MOST_THREADS, &pool));
  if (pool) ig_pool_run(pool, hash_chunks, &h, ig_pool_threads(pool));
  else hash_chunks(&h, 0, 1);
  ig_pool_destroy(pool);
  const size_t bad = atomic_load(&h.bad);
  IG_REQUIRE(bad == SIZE_MAX, IG_ERROR_BAD_ENGINE, "engine file: section WGTS: hash mismatch in MiB %zu: damaged; copy or build it again", bad);
  return NULL;
}

static ig_status read_sections(const ig_allocator *a, const uint8_t *bytes, size_t n, const ig_file_section *table, uint32_t n_sections, ig_verify_level level, ig_plan_data *out) {
  uint32_t seen = 0;
  uint8_t *room = out->private_copy;
  IG_TRY(check_table(bytes, n, table, n_sections));
  for (uint32_t i = 0; i < n_sections; i++) IG_TRY(take_section(&table[i], bytes, &room, out, &seen));
  for (size_t i = 0; i < IG_N_SECTIONS; i++)
    IG_REQUIRE(seen & 1u << i, IG_ERROR_BAD_ENGINE, "engine file: section %s is missing", ig_section_infos[i].name);
  IG_TRY(check_weights(a, out, level));
  return ig_plan_verify(out);
}

ig_status ig_plan_read(const ig_allocator *a, const uint8_t *bytes, size_t n, ig_verify_level level, ig_plan_data *out) {
  memset(out, 0, sizeof *out);
  ig_file_header h;
  IG_TRY(check_header(bytes, n, &h));
  const size_t table_bytes = h.n_sections * sizeof(ig_file_section);
  ig_file_section *table = ig_alloc(a, table_bytes);
  IG_CHECK_MEM(table);
  memcpy(table, bytes + sizeof h, table_bytes);
  /* Room for all metadata: sizes come from a hashed table but are capped by the file's own size. */
  size_t room = IG_TENSOR_ALIGN;
  ig_status st = NULL;
  if (ig_hash(table, table_bytes, 0) != h.table_hash) st = ig_status_new(IG_ERROR_BAD_ENGINE, "engine file: section table: hash mismatch: damaged; copy or build it again");
  for (uint32_t i = 0; !st && i < h.n_sections; i++) {
    if (table[i].size > n) st = ig_status_new(IG_ERROR_BAD_ENGINE, "engine file: section table: entry %u passes the end of the file", i);
    else if (table[i].tag != IG_TAG_WGTS) room += ig_align_up(table[i].size, IG_TENSOR_ALIGN);
    if (!st && room > 2 * n + IG_ENGINE_MAX_SECTIONS * (size_t)IG_TENSOR_ALIGN) st = ig_status_new(IG_ERROR_BAD_ENGINE, "engine file: sections overlap");
  }
  if (!st) {
    out->private_size = room;
    out->private_copy = ig_alloc_aligned(a, room);
    st = out->private_copy ? read_sections(a, bytes, n, table, h.n_sections, level, out) : IG_OOM();
  }
  ig_free(a, table, table_bytes);
  if (st) ig_plan_data_free(a, out);
  return st;
}

void ig_plan_data_free(const ig_allocator *a, ig_plan_data *p) {
  if (p->private_copy) ig_free_aligned(a, p->private_copy, p->private_size);
  memset(p, 0, sizeof *p);
}
