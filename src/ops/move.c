/* Concat, Pad, Tile, DepthToSpace, SpaceToDepth, CenterCropPad and ml FeatureVectorizer: what copies elements to other places.
 * Concat is one kernel node whose region has a move per input, each writing its part of the result. Tile is a move that wraps around.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/generate.h"
#include "ops/structured.h"

#define TYPES_13 (IG_TYPES_NUMERIC | IG_T(STRING) | IG_T(BOOL) | IG_T(C64) | IG_T(C128))

static ig_val *move(ig_lower *l, ig_val *x, int64_t border, const ig_dim *pad_lo, ig_val *constant, const ig_dim *dims) {
  if (!x) return NULL;
  ig_move_params p = {.border = border};
  for (int k = 0; k < IG_MAX_RANK; k++)
    p.pad_lo[k] = pad_lo && k < x->rank ? pad_lo[k] : ig_dim_const(&l->ir->dims, 0);
  ig_val *in[2] = {x, constant}, *out = NULL;
  static const ig_dim none[1] = {0};
  const ig_lo_kernel_desc d = {.kind = IG_KIND_move,
                               .params = &p,
                               .in = in,
                               .n_in = 2,
                               .out_dtypes = &x->dtype,
                               .n_out = 1,
                               .rank = (uint32_t)x->rank,
                               .dims = x->rank ? dims : none};
  return ig_lo_kernel(l, &d, &out) ? out : NULL;
}

/* ---- Concat ---- */

/* The move that puts input i (dims `in`, at `at` along axis) into value `out` of the region. */
static ig_status fill_part(ig_lower *l, ig_request *r, uint32_t i, const ig_val *in, uint32_t out, const ig_operand *whole, uint32_t axis,
                           ig_dim at) {
  ig_dims *t = &l->ir->dims;
  ig_operand *o = IG_NEW_ARRAY(&l->ir->arena, ig_operand, 3);
  ig_move_params *p = IG_NEW(&l->ir->arena, ig_move_params);
  if (!o || !p) return ig_arena_status(&l->ir->arena);
  p->border = IG_MOVE_NONE;
  for (int k = 0; k < IG_MAX_RANK; k++)
    p->pad_lo[k] = ig_dim_const(t, 0);
  o[0] = (ig_operand){.value = i, .dtype = in->dtype, .rank = (uint8_t)in->rank};
  memcpy(o[0].dims, in->dims, sizeof o[0].dims);
  IG_TRY(ig_operand_compact(&o[0], t));
  o[1].value = IG_NO_VALUE;
  o[2] = *whole;
  o[2].value = out;
  o[2].dims[axis] = in->dims[axis];   /* along the others as the whole says it: they are equal, perhaps only by a guard */
  o[2].offset = ig_dim_mul(t, at, whole->strides[axis]);
  *r = (ig_request){.kind = IG_KIND_move, .n_in = 2, .n_out = 1, .operands = o, .params = p};
  IG_TRY(ig_dims_take_error(t));
  return ig_request_check(r, t, l->src->name);
}

static ig_status fill_region(ig_lower *l, ig_region *g, ig_val *const *in, uint32_t n_in, uint32_t axis, const ig_dim *dims) {
  ig_operand whole = {.dtype = in[0]->dtype, .rank = (uint8_t)in[0]->rank};
  memcpy(whole.dims, dims, (size_t)in[0]->rank * sizeof *dims);
  IG_TRY(ig_operand_compact(&whole, &l->ir->dims));
  ig_dim at = ig_dim_const(&l->ir->dims, 0);
  for (uint32_t i = 0; i < n_in; i++) {
    IG_TRY(fill_part(l, &g->requests[i], i, in[i], n_in, &whole, axis, at));
    at = ig_dim_add(&l->ir->dims, at, in[i]->dims[axis]);
  }
  return NULL;
}

ig_val *ig_lo_concat(ig_lower *l, ig_val *const *in, uint32_t n_in, uint32_t axis, const ig_dim *dims) {
  if (l->error) return NULL;
  ig_region *g = IG_NEW(&l->ir->arena, ig_region);
  ig_request *r = IG_NEW_ARRAY(&l->ir->arena, ig_request, n_in);
  ig_node *n = g && r ? ig_node_new(l->graph, l->before, l->src->name, IG_FORM_KERNEL, in, n_in, 1) : NULL;
  if (!n) return ig_lo_fail(l, ig_arena_status(&l->ir->arena)), NULL;
  n->sources = l->src->sources;
  n->domain = l->src->domain;
  n->type = l->src->type;
  *g = (ig_region){.requests = r, .n_requests = n_in, .n_in = n_in, .n_out = 1, .n_values = n_in + 1};
  n->region = g;
  ig_val_set_type(n->out[0], in[0]->dtype, in[0]->rank, dims);
  ig_status st = fill_region(l, g, in, n_in, axis, dims);
  if (st) return ig_lo_fail(l, st), NULL;
  return n->out[0];
}

static ig_status concat_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  int64_t axis;
  ig_dim dims[IG_MAX_RANK];
  IG_TRY(ig_axis(n, ig_node_attr_i(n, "axis", 0), x->rank, &axis));
  memcpy(dims, x->dims, sizeof dims);
  for (uint32_t i = 1; i < n->n_in; i++) {
    const ig_val *v = ig_node_in(n, i);
    IG_NODE_REQUIRE(n, v->rank == x->rank, IG_ERROR_BAD_MODEL, "input '%s' has %d dims, '%s' has %d", v->name, v->rank, x->name, x->rank);
    for (int k = 0; k < x->rank; k++) {
      if (k == axis)
        dims[k] = ig_dim_add(ig_node_dims(n), dims[k], v->dims[k]);
      else
        IG_TRY(ig_infer_equal(n, dims[k], v->dims[k], "dims of concatenated inputs", &dims[k]));
    }
  }
  return ig_infer_set(n, 0, x->dtype, (uint32_t)x->rank, dims);
}

static ig_status concat_dims(ig_node *n) {
  ig_dim elems[IG_MAX_ELEMS];
  uint32_t count = 0;
  for (uint32_t i = 0; i < n->n_in; i++) {
    const ig_val *v = ig_node_in(n, i);
    int64_t own;
    if (v->rank != 1 || !ig_dim_is_const(ig_node_dims(n), v->dims[0], &own) || own > (int64_t)IG_MAX_ELEMS - count) return NULL;
    for (int64_t k = 0; k < own; k++)
      elems[count++] = v->elems && k < v->n_elems ? v->elems[k] : IG_DIM_BAD;
  }
  return ig_elems_set(n, 0, elems, count);
}

/* Inputs that are known to be empty along the axis are left out. */
static ig_status concat_lower(ig_lower *l, const ig_node *n) {
  const ig_val *y = n->out[0];
  int64_t axis;
  IG_TRY(ig_axis(n, ig_node_attr_i(n, "axis", 0), y->rank, &axis));
  ig_val **in = IG_NEW_ARRAY(&l->ir->arena, ig_val *, n->n_in);
  if (!in) return ig_arena_status(&l->ir->arena);
  uint32_t count = 0;
  for (uint32_t i = 0; i < n->n_in; i++) {
    ig_val *v = ig_node_in(n, i);
    if (!ig_dim_equals(&l->ir->dims, v->dims[axis], 0)) in[count++] = v;
  }
  if (count == 0) in[count++] = ig_node_in(n, 0);
  ig_lo_result(l, 0, count == 1 ? in[0] : ig_lo_concat(l, in, count, (uint32_t)axis, y->dims));
  return NULL;
}

static const ig_op_arg concat_in[] = {{"inputs", 'T', TYPES_13, IG_ARG_VARIADIC}};
static const ig_op_arg concat_out[] = {{"concat_result", 'T', TYPES_13, 0}};
static const ig_op_attr concat_attrs[] = {{"axis", IG_ATTR_INT, true, 0, 0, NULL}};
static const char *const concat_cases[] = {"f32[2,3] f32[1,3] axis=0", "string[2,1] string[2,2] string[2,0] axis=-1", "i64[3] axis=0",
                                           "c64[0,2] c64[0,1] axis=1", NULL};
const ig_op ig_op_Concat = {.domain = "",
                            .name = "Concat",
                            .since = 13,
                            .oldest = 4,
                            .cls = IG_CLASS_KIND,
                            .accuracy = IG_ACCURACY_EXACT,
                            IG_OP_ARGS(concat_in, concat_out),
                            IG_OP_ATTRS(concat_attrs),
                            .infer = concat_infer,
                            .dims = concat_dims,
                            .lower = concat_lower,
                            .cases = concat_cases};

/* ---- Pad ---- */

typedef struct pads {
  ig_dim lo[IG_MAX_RANK], hi[IG_MAX_RANK];
  int64_t border;
} pads;

static ig_status read_mode(const ig_node *n, int64_t *out) {
  static const struct {
    const char *name;
    int64_t border;
  } modes[] = {{"constant", IG_MOVE_CONSTANT}, {"edge", IG_MOVE_EDGE}, {"reflect", IG_MOVE_REFLECT}, {"wrap", IG_MOVE_WRAP}};
  const char *mode = ig_node_attr_s(n, "mode", "constant");
  for (size_t i = 0; i < IG_COUNT(modes); i++) {
    if (strcmp(mode, modes[i].name) == 0) return *out = modes[i].border, NULL;
  }
  IG_NODE_FAIL(n, IG_ERROR_BAD_MODEL, "mode '%s' is not one of constant, edge, reflect, wrap", mode);
}

static ig_status read_pads(ig_node *n, pads *p) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dim v[2 * IG_MAX_RANK];
  int64_t axes[IG_MAX_RANK], a;
  uint32_t count, n_axes = (uint32_t)x->rank;
  IG_TRY(read_mode(n, &p->border));
  for (int k = 0; k < IG_MAX_RANK; k++) {
    p->lo[k] = p->hi[k] = ig_dim_const(ig_node_dims(n), 0);
    axes[k] = k;
  }
  if (ig_node_in(n, 3)) IG_TRY(ig_infer_ints(n, 3, axes, IG_MAX_RANK, &n_axes));
  IG_TRY(ig_gen_require_scalar(n, 2));
  IG_TRY(ig_infer_elems(n, 1, v, 2 * IG_MAX_RANK, &count));
  IG_NODE_REQUIRE(n, count == 2 * n_axes, IG_ERROR_BAD_MODEL, "%u pads for %u axes, two for each are needed", count, n_axes);
  for (uint32_t i = 0; i < n_axes; i++) {
    IG_TRY(ig_axis(n, axes[i], x->rank, &a));
    p->lo[a] = v[i];
    p->hi[a] = v[i + n_axes];
  }
  return NULL;
}

/* Version 11 turned the attribute pads into an input; the constant, whose type is only known later, stays in the private attribute `value`. */
static ig_status pad_import(ig_node *n, int64_t opset) { return opset < 11 ? ig_adapt_ints(n, "pads", 1) : NULL; }

static ig_status pad_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dims *t = ig_node_dims(n);
  pads p;
  ig_dim dims[IG_MAX_RANK];
  IG_TRY(read_pads(n, &p));
  for (int k = 0; k < x->rank; k++)
    dims[k] = ig_dim_add(t, ig_dim_add(t, x->dims[k], p.lo[k]), p.hi[k]);
  return ig_infer_set(n, 0, x->dtype, (uint32_t)x->rank, dims);
}

/* Negative pads cut the input first, then the others are added to what is left. */
static ig_val *crop_and_pad(ig_lower *l, ig_val *x, const pads *p, ig_val *constant, const ig_dim *dims) {
  ig_dims *t = &l->ir->dims;
  const ig_dim zero = ig_dim_const(t, 0);
  ig_dim start[IG_MAX_RANK], kept[IG_MAX_RANK], lo[IG_MAX_RANK];
  bool pads_any = false;
  for (int k = 0; k < x->rank; k++) {
    start[k] = ig_dim_max(t, ig_dim_sub(t, zero, p->lo[k]), zero);
    lo[k] = ig_dim_max(t, p->lo[k], zero);
    const ig_dim cut = ig_dim_max(t, ig_dim_sub(t, zero, p->hi[k]), zero);
    kept[k] = ig_dim_sub(t, ig_dim_sub(t, x->dims[k], start[k]), cut);
    pads_any |= !ig_dim_equals(t, lo[k], 0) || !ig_dim_equals(t, ig_dim_max(t, p->hi[k], zero), 0);
  }
  x = ig_lo_slice(l, x, start, NULL, kept);
  return pads_any ? move(l, x, p->border, lo, constant, dims) : x;
}

static ig_status pad_lower(ig_lower *l, const ig_node *n) {
  pads p;
  IG_TRY(read_pads((ig_node *)(uintptr_t)n, &p));
  ig_val *constant = ig_node_in(n, 2);
  const float value = ig_node_attr_f(n, "value", 0);
  if (constant)
    constant = ig_lo_reshape(l, constant, 0, NULL);
  else if (value != 0)
    constant = ig_lo_scalar(l, ig_node_in(n, 0)->dtype, (double)value);
  ig_lo_result(l, 0, crop_and_pad(l, ig_node_in(n, 0), &p, p.border == IG_MOVE_CONSTANT ? constant : NULL, n->out[0]->dims));
  return NULL;
}

static const ig_op_arg pad_in[] = {{"data", 'T', IG_TYPES_TENSOR, 0},
                                   {"pads", 0, IG_T(I64), 0},
                                   {"constant_value", 'T', IG_TYPES_TENSOR, IG_ARG_OPTIONAL},
                                   {"axes", 0, IG_T(I32) | IG_T(I64), IG_ARG_OPTIONAL}};
static const ig_op_arg pad_out[] = {{"output", 'T', IG_TYPES_TENSOR, 0}};
static const ig_op_attr pad_attrs[] = {{"mode", IG_ATTR_STRING, false, 0, 0, "constant"}, {"value", IG_ATTR_FLOAT, false, 0, 0, NULL}};
static const char *const pad_cases[] = {"f32[2,3] i64[4]=1,0,0,2",
                                        "f32[3,4] i64[4]=0,1,0,-2 mode=reflect",
                                        "f32[3,4] i64[2]=2,1 - i64[1]=-1 mode=edge",
                                        "string[2] i64[2]=-1,-1",
                                        "f32[3,2] i64[4]=4,0,5,1 mode=wrap",
                                        "i32[0,2] i64[4]=1,0,1,0 i32[]",
                                        NULL};
const ig_op ig_op_Pad = {.domain = "",
                         .name = "Pad",
                         .since = 25,
                         .oldest = 2,
                         .cls = IG_CLASS_KIND,
                         .accuracy = IG_ACCURACY_EXACT,
                         IG_OP_ARGS(pad_in, pad_out),
                         IG_OP_ATTRS(pad_attrs),
                         .import = pad_import,
                         .infer = pad_infer,
                         .lower = pad_lower,
                         .cases = pad_cases};

/* ---- Tile ---- */

static ig_status tile_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dim repeats[IG_MAX_RANK], dims[IG_MAX_RANK];
  uint32_t count;
  IG_TRY(ig_infer_elems(n, 1, repeats, IG_MAX_RANK, &count));
  IG_NODE_REQUIRE(n, (int)count == x->rank, IG_ERROR_BAD_MODEL, "%u repeats for %d dims", count, x->rank);
  for (int k = 0; k < x->rank; k++)
    dims[k] = ig_dim_mul(ig_node_dims(n), x->dims[k], repeats[k]);
  return ig_infer_set(n, 0, x->dtype, count, dims);
}

static ig_status tile_dims(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0), *y = n->out[0];
  int64_t count;
  ig_dim elems[IG_MAX_ELEMS];
  if (!x->elems || !y || y->rank != 1 || !ig_dim_is_const(ig_node_dims(n), y->dims[0], &count) || count > (int64_t)IG_MAX_ELEMS) return NULL;
  for (int64_t i = 0; i < count; i++)
    elems[i] = x->elems[i % x->n_elems];
  return ig_elems_set(n, 0, elems, (uint32_t)count);
}

static ig_status tile_lower(ig_lower *l, const ig_node *n) {
  const ig_val *y = n->out[0];
  ig_val *x = ig_node_in(n, 0);
  const bool same = x->rank == 0 || memcmp(x->dims, y->dims, (size_t)x->rank * sizeof *x->dims) == 0;
  ig_lo_result(l, 0, same ? x : move(l, x, IG_MOVE_WRAP, NULL, NULL, y->dims));
  return NULL;
}

static const ig_op_arg tile_in[] = {{"input", 'T', TYPES_13, 0}, {"repeats", 0, IG_T(I64), 0}};
static const ig_op_arg tile_out[] = {{"output", 'T', TYPES_13, 0}};
static const char *const tile_cases[] = {"f32[2,3] i64[2]=2,3", "string[1,2] i64[2]=1,1", "f32[0,3] i64[2]=2,2", "u8[3] i64[1]=0", NULL};
const ig_op ig_op_Tile = {.domain = "",
                          .name = "Tile",
                          .since = 13,
                          .oldest = 6,
                          .cls = IG_CLASS_KIND,
                          .accuracy = IG_ACCURACY_EXACT,
                          IG_OP_ARGS(tile_in, tile_out),
                          .infer = tile_infer,
                          .dims = tile_dims,
                          .lower = tile_lower,
                          .cases = tile_cases};

/* ---- DepthToSpace, SpaceToDepth ---- */

static ig_status read_block(const ig_node *n, bool *out_column_first, int64_t *out_block) {
  const ig_val *x = ig_node_in(n, 0);
  IG_TRY(ig_infer_rank(n, x, "input", 4));
  *out_block = ig_node_attr_i(n, "blocksize", 0);
  IG_NODE_REQUIRE(n, *out_block >= 1 && *out_block <= INT32_MAX, IG_ERROR_BAD_MODEL, "blocksize is %lld", (long long)*out_block);
  const char *mode = ig_node_attr_s(n, "mode", "DCR");
  *out_column_first = strcmp(mode, "CRD") == 0;
  IG_NODE_REQUIRE(n, *out_column_first || strcmp(mode, "DCR") == 0, IG_ERROR_BAD_MODEL, "mode '%s' is not one of DCR, CRD", mode);
  return NULL;
}

static ig_status exact_division(ig_node *n, ig_dim a, int64_t b, const char *what, ig_dim *out) {
  ig_dims *t = ig_node_dims(n);
  *out = ig_dim_floordiv(t, a, ig_dim_const(t, b));
  return ig_infer_equal(n, ig_dim_mul_c(t, *out, b), a, what, NULL);
}

static ig_status depth_to_space_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dims *t = ig_node_dims(n);
  bool crd;
  int64_t b;
  IG_TRY(read_block(n, &crd, &b));
  ig_dim dims[4] = {x->dims[0], 0, ig_dim_mul_c(t, x->dims[2], b), ig_dim_mul_c(t, x->dims[3], b)};
  IG_TRY(exact_division(n, x->dims[1], b * b, "channels and a multiple of blocksize squared", &dims[1]));
  return ig_infer_set(n, 0, x->dtype, 4, dims);
}

static ig_status depth_to_space_lower(ig_lower *l, const ig_node *n) {
  const ig_val *y = n->out[0];
  ig_val *x = ig_node_in(n, 0);
  bool crd;
  int64_t b;
  IG_TRY(read_block(n, &crd, &b));
  static const uint8_t dcr_perm[IG_MAX_RANK] = {0, 3, 4, 1, 5, 2}, crd_perm[IG_MAX_RANK] = {0, 1, 4, 2, 5, 3};
  const ig_dim block = ig_dim_const(&l->ir->dims, b);
  const ig_dim split[6] = {x->dims[0], crd ? y->dims[1] : block, block, crd ? block : y->dims[1], x->dims[2], x->dims[3]};
  x = ig_lo_copy(l, ig_lo_permute(l, ig_lo_reshape(l, x, 6, split), crd ? crd_perm : dcr_perm));
  ig_lo_result(l, 0, ig_lo_reshape(l, x, 4, y->dims));
  return NULL;
}

static ig_status space_to_depth_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  bool crd;
  int64_t b;
  IG_TRY(read_block(n, &crd, &b));
  ig_dim dims[4] = {x->dims[0], ig_dim_mul_c(ig_node_dims(n), x->dims[1], b * b), 0, 0};
  IG_TRY(exact_division(n, x->dims[2], b, "height and a multiple of blocksize", &dims[2]));
  IG_TRY(exact_division(n, x->dims[3], b, "width and a multiple of blocksize", &dims[3]));
  return ig_infer_set(n, 0, x->dtype, 4, dims);
}

static ig_status space_to_depth_lower(ig_lower *l, const ig_node *n) {
  const ig_val *y = n->out[0];
  ig_val *x = ig_node_in(n, 0);
  bool crd;
  int64_t b;
  IG_TRY(read_block(n, &crd, &b));
  static const uint8_t dcr_perm[IG_MAX_RANK] = {0, 3, 5, 1, 2, 4}, crd_perm[IG_MAX_RANK] = {0, 1, 3, 5, 2, 4};
  const ig_dim block = ig_dim_const(&l->ir->dims, b), split[6] = {x->dims[0], x->dims[1], y->dims[2], block, y->dims[3], block};
  x = ig_lo_copy(l, ig_lo_permute(l, ig_lo_reshape(l, x, 6, split), crd ? crd_perm : dcr_perm));
  ig_lo_result(l, 0, ig_lo_reshape(l, x, 4, y->dims));
  return NULL;
}

static const ig_op_arg block_in[] = {{"input", 'T', TYPES_13, 0}};
static const ig_op_arg block_out[] = {{"output", 'T', TYPES_13, 0}};
static const ig_op_attr block_attrs[] = {{"blocksize", IG_ATTR_INT, true, 0, 0, NULL}, {"mode", IG_ATTR_STRING, false, 0, 0, "DCR"}};
static const char *const depth_cases[] = {"f32[1,8,2,3] blocksize=2", "f32[1,8,2,3] blocksize=2 mode=CRD", "string[0,4,1,1] blocksize=2", NULL};
static const char *const space_cases[] = {"f32[1,2,4,6] blocksize=2", "f32[1,2,4,6] blocksize=2 mode=CRD", "i8[1,1,0,2] blocksize=2", NULL};
const ig_op ig_op_DepthToSpace = {.domain = "",
                                  .name = "DepthToSpace",
                                  .since = 28,
                                  .oldest = 1,
                                  .cls = IG_CLASS_KIND,
                                  .accuracy = IG_ACCURACY_EXACT,
                                  IG_OP_ARGS(block_in, block_out),
                                  IG_OP_ATTRS(block_attrs),
                                  .infer = depth_to_space_infer,
                                  .lower = depth_to_space_lower,
                                  .cases = depth_cases};
const ig_op ig_op_SpaceToDepth = {.domain = "",
                                  .name = "SpaceToDepth",
                                  .since = 28,
                                  .oldest = 1,
                                  .cls = IG_CLASS_KIND,
                                  .accuracy = IG_ACCURACY_EXACT,
                                  IG_OP_ARGS(block_in, block_out),
                                  IG_OP_ATTRS(block_attrs),
                                  .infer = space_to_depth_infer,
                                  .lower = space_to_depth_lower,
                                  .cases = space_cases};

/* ---- CenterCropPad ---- */

/* The pads, negative where the axis is cut, that centre x in the shape of input 1; out_dims: the result's. */
static ig_status center_pads(ig_node *n, pads *p, ig_dim *out_dims) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dims *t = ig_node_dims(n);
  ig_dim shape[IG_MAX_RANK];
  uint32_t count, n_axes;
  const int64_t *axes = ig_node_attr_ints(n, "axes", &n_axes);
  IG_TRY(ig_infer_elems(n, 1, shape, IG_MAX_RANK, &count));
  IG_NODE_REQUIRE(n, count == (axes ? n_axes : (uint32_t)x->rank), IG_ERROR_BAD_MODEL, "the shape has %u entries for %u axes", count,
                  axes ? n_axes : (uint32_t)x->rank);
  const ig_dim zero = ig_dim_const(t, 0), two = ig_dim_const(t, 2);
  p->border = IG_MOVE_CONSTANT;
  for (int k = 0; k < x->rank; k++) {
    p->lo[k] = p->hi[k] = zero;
    out_dims[k] = x->dims[k];
  }
  for (uint32_t i = 0; i < count; i++) {
    int64_t a = i;
    if (axes) IG_TRY(ig_axis(n, axes[i], x->rank, &a));
    const ig_dim grown = ig_dim_sub(t, shape[i], x->dims[a]);
    const ig_dim before = ig_dim_floordiv(t, ig_dim_max(t, grown, zero), two),
                 cut = ig_dim_floordiv(t, ig_dim_max(t, ig_dim_sub(t, zero, grown), zero), two);
    p->lo[a] = ig_dim_sub(t, before, cut);
    p->hi[a] = ig_dim_sub(t, grown, p->lo[a]);
    out_dims[a] = shape[i];
  }
  return ig_infer_dims_done(n);
}

static ig_status center_infer(ig_node *n) {
  pads p;
  ig_dim dims[IG_MAX_RANK];
  IG_TRY(center_pads(n, &p, dims));
  return ig_infer_set(n, 0, ig_node_in(n, 0)->dtype, (uint32_t)ig_node_in(n, 0)->rank, dims);
}

static ig_status center_lower(ig_lower *l, const ig_node *n) {
  pads p;
  ig_dim dims[IG_MAX_RANK];
  IG_TRY(center_pads((ig_node *)(uintptr_t)n, &p, dims));
  ig_lo_result(l, 0, crop_and_pad(l, ig_node_in(n, 0), &p, NULL, dims));
  return NULL;
}

static const ig_op_arg center_in[] = {{"input_data", 'T', TYPES_13, 0}, {"shape", 0, IG_T(I32) | IG_T(I64), 0}};
static const ig_op_arg center_out[] = {{"output_data", 'T', TYPES_13, 0}};
static const ig_op_attr center_attrs[] = {{"axes", IG_ATTR_INTS, false, 0, 0, NULL}};
static const char *const center_cases[] = {"f32[5,4] i64[2]=3,7", "f32[20,8,3] i64[2]=10,9 axes=1,-1", "u8[0,3] i32[2]=2,2", NULL};
const ig_op ig_op_CenterCropPad = {.domain = "",
                                   .name = "CenterCropPad",
                                   .since = 18,
                                   .oldest = 18,
                                   .cls = IG_CLASS_KIND,
                                   .accuracy = IG_ACCURACY_EXACT,
                                   IG_OP_ARGS(center_in, center_out),
                                   IG_OP_ATTRS(center_attrs),
                                   .infer = center_infer,
                                   .lower = center_lower,
                                   .cases = center_cases};

/* ---- ml FeatureVectorizer: columns of all inputs beside each other, as float ---- */

static ig_status vectorizer_infer(ig_node *n) {
  ig_dims *t = ig_node_dims(n);
  ig_dim dims[2] = {ig_dim_const(t, 1), ig_dim_const(t, 0)};
  for (uint32_t i = 0; i < n->n_in; i++) {
    const ig_val *v = ig_node_in(n, i);
    IG_NODE_REQUIRE(n, v->rank == 1 || v->rank == 2, IG_ERROR_BAD_MODEL, "input '%s' has %d dims, expected 1 or 2", v->name, v->rank);
    const ig_dim rows = v->rank == 2 ? v->dims[0] : ig_dim_const(t, 1);
    if (i == 0)
      dims[0] = rows;
    else
      IG_TRY(ig_infer_equal(n, rows, dims[0], "rows of the inputs", &dims[0]));
    dims[1] = ig_dim_add(t, dims[1], v->dims[v->rank - 1]);
  }
  return ig_infer_set(n, 0, IG_DTYPE_F32, 2, dims);
}

static ig_status vectorizer_lower(ig_lower *l, const ig_node *n) {
  ig_val **in = IG_NEW_ARRAY(&l->ir->arena, ig_val *, n->n_in);
  if (!in) return ig_arena_status(&l->ir->arena);
  for (uint32_t i = 0; i < n->n_in; i++) {
    ig_val *v = ig_lo_cast(l, ig_node_in(n, i), IG_DTYPE_F32);
    if (!v) return NULL;
    const ig_dim dims[2] = {v->rank == 2 ? v->dims[0] : ig_dim_const(&l->ir->dims, 1), v->dims[v->rank - 1]};
    if (!(in[i] = ig_lo_reshape(l, v, 2, dims))) return NULL;
  }
  ig_lo_result(l, 0, n->n_in == 1 ? in[0] : ig_lo_concat(l, in, n->n_in, 1, n->out[0]->dims));
  return NULL;
}

static const ig_op_arg vectorizer_in[] = {{"X", 0, IG_T(I32) | IG_T(I64) | IG_T(F32) | IG_T(F64), IG_ARG_VARIADIC | IG_ARG_HETEROGENEOUS}};
static const ig_op_arg vectorizer_out[] = {{"Y", 0, IG_T(F32), 0}};
static const ig_op_attr vectorizer_attrs[] = {{"inputdimensions", IG_ATTR_INTS, false, 0, 0, NULL}};
static const char *const vectorizer_cases[] = {"f32[2,1] i64[2,3] inputdimensions=1,3", "f64[3] f32[2]", NULL};
const ig_op ig_op_ml_FeatureVectorizer = {.domain = "ai.onnx.ml",
                                          .name = "FeatureVectorizer",
                                          .since = 1,
                                          .oldest = 1,
                                          .cls = IG_CLASS_KIND,
                                          IG_OP_ARGS(vectorizer_in, vectorizer_out),
                                          IG_OP_ATTRS(vectorizer_attrs),
                                          .infer = vectorizer_infer,
                                          .lower = vectorizer_lower,
                                          .cases = vectorizer_cases};
