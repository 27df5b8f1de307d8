/* matmul, portable: every accumulator type, strides, broadcast batches and zero points, through the blocked product.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/gemm.h"
#include "cpu/kernels/kernels.h"

typedef struct operands { ig_reader a, b, za, zb; bool has_za, has_zb; ig_stype acc; int64_t m, n, k; } operands;

/* x -= z, integers wrapping. */
static void subtract(ig_stype t, void *x, const void *z, int64_t n) {
  switch (t) {
    case IG_S_F32: for (int64_t i = 0; i < n; i++) ((float *)x)[i] -= ((const float *)z)[i]; return;
    case IG_S_F64: for (int64_t i = 0; i < n; i++) ((double *)x)[i] -= ((const double *)z)[i]; return;
    case IG_S_I32: for (int64_t i = 0; i < n; i++) ((uint32_t *)x)[i] -= ((const uint32_t *)z)[i]; return;
    default: for (int64_t i = 0; i < n; i++) ((uint64_t *)x)[i] -= ((const uint64_t *)z)[i]; return;
  }
}

static void read_run(const ig_reader *r, const ig_reader *z, ig_stype t, int64_t lin, int64_t n, void *out) {
  ig_reader_read(r, lin, n, out);
  if (!z) return;
  uint64_t zero[64];
  for (int64_t done = 0; done < n; done += 64) {
    const int64_t m = n - done < 64 ? n - done : 64;
    ig_reader_read(z, lin + done, m, zero);
    subtract(t, (char *)out + (size_t)done * r->size, zero, m);
  }
}
static void read_a(const void *ctx, int64_t batch, int64_t m, int64_t k0, int64_t kc, void *out) {
  const operands *o = ctx;
  read_run(&o->a, o->has_za ? &o->za : NULL, o->acc, (batch * o->m + m) * o->k + k0, kc, out);
}
static void read_b(const void *ctx, int64_t batch, int64_t k, int64_t n0, int64_t nc, void *out) {
  const operands *o = ctx;
  read_run(&o->b, o->has_zb ? &o->zb : NULL, o->acc, (batch * o->k + k) * o->n + n0, nc, out);
}

size_t ig_cpu_matmul_c_scratch(const ig_call *c, uint32_t n_parts) { return n_parts * ig_gemm_bytes(c); }

void ig_cpu_matmul_c_run(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_matmul_params *p = c->params;
  const ig_view *a = ig_call_in(c, 0), *b = ig_call_in(c, 1), *out = ig_call_out(c, 0);
  operands o = { .acc = (ig_stype)p->acc, .m = a->dims[a->rank - 2], .k = a->dims[a->rank - 1], .n = b->dims[b->rank - 1] };
  IG_UNUSED(phase);
  const int64_t count = ig_view_count(out);
  if (count == 0) return;
  ig_reader_init(&o.a, a, NULL, o.acc);
  ig_reader_init(&o.b, b, NULL, o.acc);
  o.has_za = c->n_in > 2 && ig_view_present(ig_call_in(c, 2));
  o.has_zb = c->n_in > 3 && ig_view_present(ig_call_in(c, 3));
  if (o.has_za) ig_reader_init(&o.za, ig_call_in(c, 2), NULL, o.acc);
  if (o.has_zb) ig_reader_init(&o.zb, ig_call_in(c, 3), NULL, o.acc);
  const ig_gemm g = { .n_batch = count / (o.m * o.n), .m = o.m, .n = o.n, .k = o.k, .acc = o.acc, .alpha = p->alpha, .ctx = &o, .read_a = read_a, .read_b = read_b };
  ig_gemm_run(&g, c, part, n_parts);
}
