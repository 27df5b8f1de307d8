/* Memory placement: greedy under several orders, then again and again with what lay topmost placed first; the smallest total wins. Aliased items form
 * one cluster.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

enum { MOST_ROUNDS = 64, MOST_PLACED = 16384 };
typedef struct cluster { uint64_t size, offset; uint32_t first, last, item; } cluster;
typedef int (*order)(const void *, const void *);

static void swap(char *a, char *b, size_t size) {
  char t[sizeof(cluster)];
  memcpy(t, a, size);
  memcpy(a, b, size);
  memcpy(b, t, size);
}

/* Heap sort: the C library's sort may allocate, and contexts place at bind, where nothing may be. */
static void sort(void *base, size_t n, size_t size, order less) {
  char *const p = base;
  for (size_t i = n / 2, end = n; end > 1;) {
    if (i) i--;
    else swap(p, p + --end * size, size);
    for (size_t root = i, child; (child = 2 * root + 1) < end; root = child) {
      if (child + 1 < end && less(p + child * size, p + (child + 1) * size) < 0) child++;
      if (less(p + root * size, p + child * size) >= 0) break;
      swap(p + root * size, p + child * size, size);
    }
  }
}

static int by_size(const void *x, const void *y) {
  const cluster *a = x, *b = y;
  if (a->size != b->size) return a->size < b->size ? 1 : -1;
  return a->item < b->item ? -1 : a->item > b->item;
}
static int by_area(const void *x, const void *y) {
  const cluster *a = x, *b = y;
  const double p = (double)a->size * (a->last - a->first + 1.0), q = (double)b->size * (b->last - b->first + 1.0);
  if (p != q) return p < q ? 1 : -1;
  return a->item < b->item ? -1 : a->item > b->item;
}
static int by_start(const void *x, const void *y) {
  const cluster *a = x, *b = y;
  if (a->first != b->first) return a->first < b->first ? -1 : 1;
  return by_size(x, y);
}
static int by_length(const void *x, const void *y) {
  const cluster *a = x, *b = y;
  const uint32_t p = a->last - a->first, q = b->last - b->first;
  if (p != q) return p < q ? 1 : -1;
  return by_size(x, y);
}
static int by_offset(const void *x, const void *y) {
  const cluster *const *a = x, *const *b = y;
  return (*a)->offset < (*b)->offset ? -1 : (*a)->offset > (*b)->offset;
}

/* Each cluster goes to the lowest gap that is free during its life (best fit among the gaps). live: room for n pointers. */
static uint64_t place(cluster *c, size_t n, const cluster **live) {
  uint64_t total = 0;
  for (size_t i = 0; i < n; i++) {
    size_t n_live = 0;
    for (size_t k = 0; k < i; k++)
      if (c[k].first <= c[i].last && c[i].first <= c[k].last && c[k].size) live[n_live++] = &c[k];
    sort(live, n_live, sizeof *live, by_offset);
    uint64_t end = 0, best = UINT64_MAX, best_gap = UINT64_MAX;
    for (size_t k = 0; k < n_live; k++) {
      if (live[k]->offset >= end && live[k]->offset - end >= c[i].size && live[k]->offset - end < best_gap) best = end, best_gap = live[k]->offset - end;
      const uint64_t after = live[k]->offset + live[k]->size;
      if (after > end) end = after;
    }
    c[i].offset = best != UINT64_MAX ? best : end;
    if (c[i].offset + c[i].size > total) total = c[i].offset + c[i].size;
  }
  return total;
}

/* Moves the cluster that makes the total to the front. */
static void topmost_first(cluster *c, size_t n, uint64_t total) {
  size_t k = 0;
  while (k + 1 < n && c[k].offset + c[k].size != total) k++;
  const cluster top = c[k];
  memmove(c + 1, c, k * sizeof *c);
  c[0] = top;
}

static uint64_t live_bound(const cluster *c, size_t n) {
  uint64_t bound = 0;
  for (size_t i = 0; i < n; i++) {   /* the maximum is reached where some cluster begins */
    uint64_t sum = 0;
    for (size_t k = 0; k < n; k++)
      if (c[k].first <= c[i].first && c[i].first <= c[k].last) sum += c[k].size;
    if (sum > bound) bound = sum;
  }
  return bound;
}

static uint32_t root_of(const ig_mem_item *items, uint32_t i) {
  while (items[i].alias != IG_NONE) i = items[i].alias;
  return i;
}

/* Fills c with one cluster a root; returns their number, SIZE_MAX where sizes overflow. */
static size_t gather(const ig_mem_item *items, size_t n, cluster *c, uint32_t *cluster_of) {
  size_t n_clusters = 0;
  uint64_t sum = 0;
  for (uint32_t i = 0; i < n; i++) {
    if (items[i].size > UINT64_MAX / 4 || __builtin_add_overflow(sum, items[i].size + IG_TENSOR_ALIGN, &sum)) return SIZE_MAX;
    const uint64_t size = (items[i].size + IG_TENSOR_ALIGN - 1) / IG_TENSOR_ALIGN * IG_TENSOR_ALIGN;
    const uint32_t root = root_of(items, i);
    if (root == i) {
      cluster_of[i] = (uint32_t)n_clusters;
      c[n_clusters++] = (cluster){ .size = size, .first = items[i].first, .last = items[i].last, .item = i };
      continue;
    }
    cluster *k = &c[cluster_of[i] = cluster_of[root]];   /* an alias comes after its root */
    if (size > k->size) k->size = size;
    if (items[i].first < k->first) k->first = items[i].first;
    if (items[i].last > k->last) k->last = items[i].last;
  }
  return n_clusters;
}

static void keep_best(ig_mem_item *items, const cluster *c, size_t n, uint64_t total, uint64_t *best) {
  if (total >= *best) return;
  *best = total;
  for (size_t k = 0; k < n; k++) items[c[k].item].offset = c[k].offset;
}

size_t ig_memplan_bytes(size_t n) { return n * (sizeof(cluster) + sizeof(const cluster *) + sizeof(uint32_t)); }

ig_status ig_memplan_in(void *memory, ig_mem_item *items, size_t n, uint64_t *out_total, uint64_t *out_bound) {
  static const order orders[] = { by_size, by_area, by_start, by_length };
  *out_total = *out_bound = 0;
  if (!n) return NULL;
  cluster *c = memory;
  const cluster **live = (const cluster **)(c + n);
  uint32_t *cluster_of = (uint32_t *)(live + n);
  const size_t n_clusters = gather(items, n, c, cluster_of);
  IG_REQUIRE(n_clusters != SIZE_MAX, IG_ERROR_LIMIT, "memory plan: activation sizes overflow");
  *out_bound = live_bound(c, n_clusters);
  uint64_t best = UINT64_MAX;
  for (size_t o = 0; o < IG_COUNT(orders) && best != *out_bound; o++) {
    sort(c, n_clusters, sizeof *c, orders[o]);
    keep_best(items, c, n_clusters, place(c, n_clusters, live), &best);
  }
  if (best != *out_bound) sort(c, n_clusters, sizeof *c, by_size);
  const size_t rounds = MOST_PLACED / n_clusters < MOST_ROUNDS ? MOST_PLACED / n_clusters : MOST_ROUNDS;   /* contexts do this at bind, outside of all profiles */
  for (size_t i = 0; i < rounds && best != *out_bound; i++) {
    const uint64_t total = place(c, n_clusters, live);
    keep_best(items, c, n_clusters, total, &best);
    topmost_first(c, n_clusters, total);
  }
  for (uint32_t i = 0; i < n; i++) items[i].offset = items[root_of(items, i)].offset;
  *out_total = best;
  return NULL;
}

ig_status ig_memplan(const ig_allocator *a, ig_mem_item *items, size_t n, uint64_t *out_total, uint64_t *out_bound) {
  const size_t bytes = ig_memplan_bytes(n);
  void *memory = ig_alloc(a, bytes);
  IG_CHECK_MEM(memory);
  ig_status st = ig_memplan_in(memory, items, n, out_total, out_bound);
  ig_free(a, memory, bytes);
  return st;
}
