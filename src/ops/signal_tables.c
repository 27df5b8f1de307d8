/* Tables made by formula: cosine windows, the mel filter bank, and the sampling grid of an affine transformation.
 *
 * Windows and filters are computed in float64: they are tables that folding evaluates once, and the filter's edges are floors, where an
 * error of rounding would move a whole bin.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/generate.h"

static ig_sreg f64(ig_pw *c, double v) { return ig_s_f64(&c->b, IG_S_F64, v); }
static ig_sreg mul(ig_pw *c, ig_sreg x, ig_sreg y) { return ig_pw_2(c, IG_SOP_MUL, x, y); }
static ig_sreg add(ig_pw *c, ig_sreg x, ig_sreg y) { return ig_pw_2(c, IG_SOP_ADD, x, y); }
static ig_sreg sub(ig_pw *c, ig_sreg x, ig_sreg y) { return ig_pw_2(c, IG_SOP_SUB, x, y); }
static ig_sreg quotient(ig_pw *c, ig_sreg x, ig_sreg y) { return ig_pw_2(c, IG_SOP_DIV, x, y); }
static ig_sreg coord(ig_pw *c, uint32_t axis, ig_stype t) { return ig_s_cast(&c->b, ig_s_coord(&c->b, axis), t); }

/* ---- windows: a0 - a1 cos(2 pi n / N) + a2 cos(4 pi n / N) ---- */

static ig_status infer_window(ig_node *n) {
  ig_dtype d;
  ig_dim size;
  uint32_t one;
  IG_TRY(ig_gen_require_scalar(n, 0));
  IG_TRY(ig_infer_elems(n, 0, &size, 1, &one));
  IG_TRY(ig_op_attr_dtype(n, "output_datatype", IG_DTYPE_F32, &d));
  IG_TRY(ig_pw_check_type(n, d));
  return ig_infer_set(n, 0, d, 1, &size);
}

static ig_status lower_window(ig_lower *l, const ig_node *n, double a0, double a1, double a2) {
  const double pi = 3.14159265358979323846;
  const ig_val *out = ig_node_out(n, 0);
  ig_pw c;
  if (!out) return NULL;
  ig_pw_begin(&c, l, n);
  const ig_dim period = ig_op_attr_i(n, "periodic") ? out->dims[0] : ig_dim_add_c(&l->ir->dims, out->dims[0], -1);
  const ig_sreg turn = quotient(&c, mul(&c, coord(&c, 0, IG_S_F64), f64(&c, 2 * pi)), ig_s_cast(&c.b, ig_s_dim(&c.b, period), IG_S_F64));
  ig_sreg r = sub(&c, f64(&c, a0), mul(&c, f64(&c, a1), ig_pw_1(&c, IG_SOP_COS, turn)));
  if (a2 != 0) r = add(&c, r, mul(&c, f64(&c, a2), ig_pw_1(&c, IG_SOP_COS, add(&c, turn, turn))));
  return ig_pw_finish(&c, l, r, NULL, 0);
}
static ig_status lower_hann(ig_lower *l, const ig_node *n) { return lower_window(l, n, 0.5, 0.5, 0); }
static ig_status lower_hamming(ig_lower *l, const ig_node *n) { return lower_window(l, n, 25.0 / 46.0, 21.0 / 46.0, 0); }
static ig_status lower_blackman(ig_lower *l, const ig_node *n) { return lower_window(l, n, 0.42, 0.5, 0.08); }

static const ig_op_arg window_in[] = {{"size", 0, IG_T(I32) | IG_T(I64), 0}};
static const ig_op_arg window_out[] = {{"output", 0, IG_TYPES_NUMERIC, 0}};
static const ig_op_attr window_attrs[] = {{"output_datatype", IG_ATTR_INT, false, 1, 0, NULL}, {"periodic", IG_ATTR_INT, false, 1, 0, NULL}};
static const char *const window_cases[] = {"i32[]=10", "i64[]=7 periodic=0", "i32[]=8 output_datatype=11", NULL};
#define WINDOW(name_, lower_)                                                                                                                        \
  {                                                                                                                                                  \
    .domain = "", .name = name_, .since = 17, .oldest = 17, .cls = IG_CLASS_MAP, IG_OP_ARGS(window_in, window_out), IG_OP_ATTRS(window_attrs),       \
    .infer = infer_window, .lower = lower_, .cases = window_cases                                                                                    \
  }
const ig_op ig_op_HannWindow = WINDOW("HannWindow", lower_hann);
const ig_op ig_op_HammingWindow = WINDOW("HammingWindow", lower_hamming);
const ig_op ig_op_BlackmanWindow = WINDOW("BlackmanWindow", lower_blackman);

/* ---- MelWeightMatrix: triangles over spectrogram bins, one per mel band ---- */

static ig_status infer_mel(ig_node *n) {
  ig_dims *t = ig_node_dims(n);
  ig_dim bins, dft, dims[2];
  uint32_t one;
  ig_dtype d;
  for (uint32_t i = 0; i < 5; i++)
    IG_TRY(ig_gen_require_scalar(n, i));
  IG_TRY(ig_infer_elems(n, 0, &bins, 1, &one));
  IG_TRY(ig_infer_elems(n, 1, &dft, 1, &one));
  IG_TRY(ig_op_attr_dtype(n, "output_datatype", IG_DTYPE_F32, &d));
  IG_TRY(ig_pw_check_type(n, d));
  dims[0] = ig_dim_add_c(t, ig_dim_floordiv(t, dft, ig_dim_const(t, 2)), 1);
  dims[1] = bins;
  return ig_infer_set(n, 0, d, 2, dims);
}

static ig_sreg to_mel(ig_pw *c, ig_sreg hertz) {
  return mul(c, f64(c, 2595.0 / 2.302585092994045684), ig_pw_1(c, IG_SOP_LOG1P, quotient(c, hertz, f64(c, 700))));
}

typedef struct mel {
  ig_sreg low, step, scale, rate;
} mel;

/* Spectrogram bin where edge number (band + k) lies: floor((dft + 1) * hertz / rate). */
static ig_sreg edge(ig_pw *c, const mel *m, double k) {
  const ig_sreg band = add(c, coord(c, 1, IG_S_F64), f64(c, k));
  const ig_sreg at = add(c, mul(c, band, m->step), m->low);
  const ig_sreg hertz = mul(c, f64(c, 700), ig_pw_1(c, IG_SOP_EXPM1, mul(c, quotient(c, at, f64(c, 2595)), f64(c, 2.302585092994045684))));
  return ig_pw_1(c, IG_SOP_FLOOR, quotient(c, mul(c, m->scale, hertz), m->rate));
}

static ig_status lower_mel(ig_lower *l, const ig_node *n) {
  const ig_val *out = ig_node_out(n, 0);
  ig_val *in[5];
  ig_sreg x[5];
  uint32_t n_in = 0;
  ig_pw c;
  if (!out) return NULL;
  ig_pw_begin(&c, l, n);
  for (uint32_t i = 1; i < 5; i++) {
    ig_val *v = ig_gen_scalar(l, ig_node_in(n, i));
    if (!v) return NULL;
    x[i] = ig_s_cast(&c.b, ig_pw_operand(&c, v, in, &n_in), IG_S_F64);
  }
  const ig_sreg n_edges = ig_s_cast(&c.b, ig_s_dim(&c.b, ig_dim_add_c(&l->ir->dims, out->dims[1], 2)), IG_S_F64);
  mel m = {.low = to_mel(&c, x[3]), .scale = add(&c, x[1], f64(&c, 1)), .rate = x[2]};
  m.step = quotient(&c, sub(&c, to_mel(&c, x[4]), m.low), n_edges);
  const ig_sreg left = edge(&c, &m, 0), centre = edge(&c, &m, 1), right = edge(&c, &m, 2), bin = coord(&c, 0, IG_S_F64), zero = f64(&c, 0);
  const ig_sreg rise = quotient(&c, sub(&c, bin, left), sub(&c, centre, left)), fall = quotient(&c, sub(&c, right, bin), sub(&c, right, centre));
  const ig_sreg flat = ig_pw_2(&c, IG_SOP_EQ, left, centre), at_centre = ig_pw_2(&c, IG_SOP_EQ, bin, centre);
  /* on the way up the centre belongs to the rise unless a fall starts there, which overwrites it with the same 1 */
  const ig_sreg rising = ig_pw_2(&c, IG_SOP_AND, ig_pw_2(&c, IG_SOP_LE, left, bin), ig_pw_2(&c, IG_SOP_LE, bin, centre));
  const ig_sreg falling = ig_pw_2(&c, IG_SOP_AND, ig_pw_2(&c, IG_SOP_LE, centre, bin), ig_pw_2(&c, IG_SOP_LT, bin, right));
  const ig_sreg up = ig_pw_select(&c, flat, ig_pw_select(&c, at_centre, f64(&c, 1), zero), ig_pw_select(&c, rising, rise, zero));
  return ig_pw_finish(&c, l, ig_pw_select(&c, falling, fall, up), in, n_in);
}

#define EDGE_TYPES IG_TYPES_FLOAT
static const ig_op_arg mel_in[] = {{"num_mel_bins", 'I', IG_T(I32) | IG_T(I64), 0},
                                   {"dft_length", 'I', IG_T(I32) | IG_T(I64), 0},
                                   {"sample_rate", 'I', IG_T(I32) | IG_T(I64), 0},
                                   {"lower_edge_hertz", 'F', EDGE_TYPES, 0},
                                   {"upper_edge_hertz", 'F', EDGE_TYPES, 0}};
static const ig_op_attr mel_attrs[] = {{"output_datatype", IG_ATTR_INT, false, 1, 0, NULL}};
static const char *const mel_cases[] = {"i32[]=8 i32[]=16 i32[]=8192 f32[]=0 f32[]=4096", NULL};
const ig_op ig_op_MelWeightMatrix = {.domain = "",
                                     .name = "MelWeightMatrix",
                                     .since = 17,
                                     .oldest = 17,
                                     .cls = IG_CLASS_MAP,
                                     IG_OP_ARGS(mel_in, window_out),
                                     IG_OP_ATTRS(mel_attrs),
                                     .infer = infer_mel,
                                     .lower = lower_mel,
                                     .cases = mel_cases};

/* ---- AffineGrid: theta [N, r, r+1] times homogeneous coordinates, r = 2 or 3 spatial axes ---- */

static ig_status infer_grid(ig_node *n) {
  const ig_val *theta = ig_node_in(n, 0);
  ig_dims *t = ig_node_dims(n);
  ig_dim size[5], dims[IG_MAX_RANK];
  uint32_t count;
  IG_TRY(ig_infer_rank(n, theta, "theta", 3));
  IG_TRY(ig_infer_elems(n, 1, size, 5, &count));
  IG_NODE_REQUIRE(n, count == 4 || count == 5, IG_ERROR_BAD_MODEL, "size has %u elements, expected 4 or 5", count);
  const uint32_t r = count - 2;
  IG_TRY(ig_infer_equal(n, theta->dims[0], size[0], "batch of theta and size", NULL));
  IG_TRY(ig_infer_equal(n, theta->dims[1], ig_dim_const(t, r), "rows of theta", NULL));
  IG_TRY(ig_infer_equal(n, theta->dims[2], ig_dim_const(t, r + 1), "columns of theta", NULL));
  dims[0] = size[0];
  for (uint32_t k = 0; k < r; k++)
    dims[1 + k] = size[2 + k];
  dims[1 + r] = ig_dim_const(t, r);
  return ig_infer_set(n, 0, theta->dtype, r + 2, dims);
}

/* Coordinate along spatial axis k (result axis 1 + k), in [-1, 1]. */
static ig_sreg position(ig_pw *c, const ig_val *out, uint32_t k, bool align, ig_stype t) {
  const ig_sreg i = coord(c, 1 + k, t), n = ig_s_cast(&c->b, ig_s_dim(&c->b, out->dims[1 + k]), t), one = ig_s_f64(&c->b, t, 1),
                two = ig_s_f64(&c->b, t, 2);
  if (align) return sub(c, quotient(c, mul(c, two, i), sub(c, n, one)), one);
  return sub(c, quotient(c, add(c, mul(c, two, i), one), n), one);
}

static ig_status lower_grid(ig_lower *l, const ig_node *n) {
  const ig_val *out = ig_node_out(n, 0);
  ig_val *in[4], *theta = ig_node_in(n, 0);
  ig_dims *t = &l->ir->dims;
  uint32_t n_in = 0;
  ig_pw c;
  if (!out) return NULL;
  const uint32_t r = (uint32_t)out->rank - 2;
  const ig_stype s = ig_stype_of(theta->dtype);
  const bool align = ig_op_attr_i(n, "align_corners") != 0;
  const ig_dim one = ig_dim_const(t, 1), zero = ig_dim_const(t, 0), rows = ig_dim_const(t, r);
  ig_pw_begin(&c, l, n);
  ig_sreg sum = 0;
  for (uint32_t j = 0; j <= r; j++) {
    /* column j of theta multiplies x, y, z in this order, x being the last spatial axis; the last column is added */
    const ig_dim start[3] = {zero, zero, ig_dim_const(t, j)}, dims[3] = {theta->dims[0], rows, one};
    ig_dim laid[IG_MAX_RANK] = {theta->dims[0], one, one, one, one};
    laid[1 + r] = rows;
    ig_val *column = ig_lo_reshape(l, ig_lo_slice(l, theta, start, NULL, dims), r + 2, laid);
    if (!column) return NULL;
    ig_sreg term = ig_pw_operand(&c, column, in, &n_in);
    if (j < r) term = mul(&c, term, position(&c, out, r - 1 - j, align, s));
    sum = j ? add(&c, sum, term) : term;
  }
  return ig_pw_finish(&c, l, sum, in, n_in);
}

static const ig_op_arg grid_in[] = {{"theta", 'T', IG_TYPES_FLOAT, 0}, {"size", 0, IG_T(I64), 0}};
static const ig_op_arg grid_out[] = {{"grid", 'T', IG_TYPES_FLOAT, 0}};
static const ig_op_attr grid_attrs[] = {{"align_corners", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const grid_cases[] = {"f32[2,2,3] i64[4]=2,3,5,6", "f32[1,3,4] i64[5]=1,3,2,3,4 align_corners=1", NULL};
const ig_op ig_op_AffineGrid = {.domain = "",
                                .name = "AffineGrid",
                                .since = 20,
                                .oldest = 20,
                                .cls = IG_CLASS_MAP,
                                IG_OP_ARGS(grid_in, grid_out),
                                IG_OP_ATTRS(grid_attrs),
                                .infer = infer_grid,
                                .lower = lower_grid,
                                .cases = grid_cases};
