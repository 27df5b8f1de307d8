/* Maximum pooling of bytes whose channels lie side by side: include after kernels/gemm_s8.inc.h.
 *
 * A pixel's result is the maximum of its window's pixels, a vector of channels at a time. Signed bytes are turned, and the maximum turned back.
 * SPDX-License-Identifier: Apache-2.0 */
enum { POOL_WINDOW = 64 };             /* pixels of a window whose places are kept; larger ones go piece by piece */

/* out = the largest of itself, where `more`, and of n pixels at x + at[..], of `channels` bytes. */
static void pool_pixels(const uint8_t *x, const int64_t *at, int64_t n, const bool more, const uint8_t flip, int64_t channels, uint8_t *out) {
  const __m256i turn = _mm256_set1_epi8((char)flip);
  int64_t c = 0;
#define BYTES(p) _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)(p)), turn)
  for (; c + 32 <= channels; c += 32) {
    __m256i most = more ? BYTES(out + c) : _mm256_setzero_si256();
    for (int64_t i = 0; i < n; i++) most = _mm256_max_epu8(most, BYTES(x + at[i] + c));
    _mm256_storeu_si256((__m256i *)(void *)(out + c), _mm256_xor_si256(most, turn));
  }
#undef BYTES
  for (; c < channels; c++) {
    uint8_t most = more ? out[c] ^ flip : 0;
    for (int64_t i = 0; i < n; i++) {
      const uint8_t v = x[at[i] + c] ^ flip;
      most = v > most ? v : most;
    }
    out[c] = most ^ flip;
  }
}

typedef struct pool_axis { int64_t in, out, kernel, stride, dilation, pad, in_step, out_step; } pool_axis;

void NAME(ig_cpu_pool_s8_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_window_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  const int64_t channels = o->dims[1];
  const uint8_t flip = is_signed(x) ? 0x80 : 0;
  pool_axis a[2] = { { 1, 1, 1, 1, 1, 0, 0, 0 }, { 1, 1, 1, 1, 1, 0, 0, 0 } };
  int64_t lo, hi;
  IG_UNUSED(phase);
  if (ig_view_count(o) == 0) return;
  for (int64_t i = 0; i < p->n_spatial; i++)
    a[2 - p->n_spatial + i] = (pool_axis){ x->dims[2 + i], o->dims[2 + i], p->kernel[i], p->stride[i], p->dilation[i], p->pad_lo[i], x->strides[2 + i], o->strides[2 + i] };
  ig_split_items(c, o->dims[0] * a[0].out, part, n_parts, &lo, &hi);
  for (int64_t row = lo; row < hi; row++) {
    const int64_t n = row / a[0].out, oy = row % a[0].out;
    const uint8_t *image = (const uint8_t *)x->data + n * x->strides[0];
    uint8_t *out = (uint8_t *)o->data + n * o->strides[0] + oy * a[0].out_step;
    for (int64_t ox = 0; ox < a[1].out; ox++, out += a[1].out_step) {
      int64_t at[POOL_WINDOW], n_at = 0;
      bool more = false;
      for (int64_t ky = 0; ky < a[0].kernel; ky++) {
        const int64_t iy = oy * a[0].stride + ky * a[0].dilation - a[0].pad;
        if (iy < 0 || iy >= a[0].in) continue;
        for (int64_t kx = 0; kx < a[1].kernel; kx++) {
          const int64_t ix = ox * a[1].stride + kx * a[1].dilation - a[1].pad;
          if (ix < 0 || ix >= a[1].in) continue;
          at[n_at++] = iy * a[0].in_step + ix * a[1].in_step;
          if (n_at < POOL_WINDOW) continue;
          pool_pixels(image, at, n_at, more, flip, channels, out);
          more = true, n_at = 0;
        }
      }
      if (n_at || !more) pool_pixels(image, at, n_at, more, flip, channels, out);
    }
  }
}
