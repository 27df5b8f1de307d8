/* Conv of float32 with many small groups, channels last: include after kernels/depthwise_f32.inc.h, whose rows it walks. Vectors run over output
 * channels. Groups of whole vectors take each input channel broadcast; where a vector holds several groups, whose input channels then lie in one
 * vector too, these are permuted in registers, an input channel of every group at a time. Weights are [kernel][C / G][O].
 * SPDX-License-Identifier: Apache-2.0 */

enum { BROADCAST, PERMUTE, PERMUTE_4 /* within four lanes */ };

/* Vectors of channels [c0, c1) of `pixels` windows. pixels and how are constants where this is inlined. */
INLINE void group_windows(int pixels, int how, const work *o, const strip *s, int64_t c0, int64_t c1) {
  const int64_t n_c = o->group_c, inputs = SIMD_W / o->group_o * n_c, padded = o->padded, out_x = o->out.x_stride;
  const float *bias = o->biased ? s->add[0] : o->zeros;
  int32_t first[SIMD_W];
  for (int i = 0; how != BROADCAST && i < SIMD_W; i++) first[i] = (int32_t)(i / o->group_o * n_c);
  for (int64_t r = 0; r < s->repeat; r++)
    for (int64_t c = c0; c < c1; c += SIMD_W) {
      const float *from = s->x + r * pixels * o->pixel + c / o->group_o * n_c, *weights = s->w + c;
      float *out = s->out + r * pixels * out_x + c;
      vf sum[PIXELS];
#pragma GCC unroll 8
      for (int i = 0; i < pixels; i++) sum[i] = vf_zero();
      for (int64_t ky = 0; ky < s->n_ky; ky++)
        for (int64_t kx = 0; kx < s->n_kx; kx++) {
          const float *x = from + ky * o->tap_y + kx * o->tap_x, *w = weights + (ky * o->m.kernel[1] + kx) * o->tap_w;
          if (how == BROADCAST) {
            for (int64_t j = 0; j < n_c; j++, w += padded) {
              const vf k = vf_load(w);
#pragma GCC unroll 8
              for (int i = 0; i < pixels; i++) sum[i] = vf_fma(vf_set(x[i * o->pixel + j]), k, sum[i]);
            }
          } else {
            vf e[PIXELS];
#pragma GCC unroll 8
            for (int i = 0; i < pixels; i++) e[i] = inputs == SIMD_W ? vf_load(x + i * o->pixel) : vf_load_n(x + i * o->pixel, inputs);
            for (int64_t j = 0; j < n_c; j++, w += padded) {
              const vf k = vf_load(w);
#pragma GCC unroll 8
              for (int i = 0; i < pixels; i++) sum[i] = vf_fma(how == PERMUTE ? vf_permute(e[i], first, (int32_t)j) : vf_permute_4(e[i], first, (int32_t)j), k, sum[i]);
            }
          }
        }
      const vf b = vf_load(bias + c), least = vf_set(o->least), most = vf_set(o->most);
#pragma GCC unroll 8
      for (int i = 0; i < pixels; i++) sum[i] = vf_min(most, vf_max(least, vf_add(sum[i], b)));
#pragma GCC unroll 8
      for (int i = 0; i < pixels; i++) vf_store(out + i * out_x, sum[i]);
    }
}
#define GROUP(name, pixels, how) \
  static void name##_##pixels(const work *o, const strip *s, int64_t c0, int64_t c1) { group_windows(pixels, how, o, s, c0, c1); }
#define GROUPS(name, how) \
  GROUP(name, 1, how) GROUP(name, 2, how) GROUP(name, 3, how) GROUP(name, 4, how) GROUP(name, 5, how) GROUP(name, 6, how) GROUP(name, 7, how) GROUP(name, 8, how) \
  static const strip_fn name[] = { NULL, name##_1, name##_2, name##_3, name##_4, name##_5, name##_6, name##_7, name##_8 };
GROUPS(broadcast, BROADCAST)
GROUPS(permute, PERMUTE)
GROUPS(within_4, PERMUTE_4)

size_t NAME(ig_cpu_grouped_f32_scratch)(const ig_call *c, uint32_t n_parts) {
  ig_image m;
  ig_image_init(&m, c);
  return n_parts * memory_of(c, &m, c->scratch).bytes;
}

void NAME(ig_cpu_grouped_f32_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  static const strips whole_vectors = { broadcast, broadcast, 0, PIXELS }, several_groups = { permute, permute, 0, PIXELS }, groups_of_4 = { within_4, within_4, 0, PIXELS };
  work o = { 0 };
  IG_UNUSED(phase);
  if (ig_view_count(ig_call_out(c, 0)) == 0) return;
  ig_image_init(&o.m, c);
  o.strips = o.m.group_o % SIMD_W == 0 ? &whole_vectors : o.m.group_o == o.m.group_c && o.m.group_o <= 4 ? &groups_of_4 : &several_groups;
  channels_last(c, &o, part, n_parts);
}
