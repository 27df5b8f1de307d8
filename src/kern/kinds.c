/* The list of kinds, and what their records share.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/kind_util.h"

#define IG_KIND(name, number) extern const ig_kind_def ig_kind_def_##name;
#include "kern/kinds.def"
#undef IG_KIND
const ig_kind_def *const ig_kinds[] = {
#define IG_KIND(name, number) &ig_kind_def_##name,
#include "kern/kinds.def"
#undef IG_KIND
};
const uint32_t ig_n_kinds = IG_COUNT(ig_kinds);

const ig_kind_def *ig_kind(ig_kind_id id) {
  for (uint32_t i = 0; i < ig_n_kinds; i++)
    if (ig_kinds[i]->id == id) return ig_kinds[i];
  return NULL;
}

const ig_kind_def *ig_kind_by_name(const char *name) {
  for (uint32_t i = 0; i < ig_n_kinds; i++)
    if (strcmp(ig_kinds[i]->name, name) == 0) return ig_kinds[i];
  return NULL;
}

ig_stype ig_kind_result_type(ig_kind_id kind, const void *params, ig_dtype in0) {
  const ig_stype loaded = ig_stype_of(in0), computed = in0 == IG_DTYPE_F64 ? IG_S_F64 : IG_S_F32;
  switch (kind) {
  case IG_KIND_reduce: {
    const ig_reduce_params *p = params;
    return p->op == IG_REDUCE_ARGMIN || p->op == IG_REDUCE_ARGMAX ? IG_S_I64 : (ig_stype)p->acc;
  }
  case IG_KIND_matmul: return (ig_stype)((const ig_matmul_params *)params)->acc;
  case IG_KIND_conv: return (ig_stype)((const ig_conv_params *)params)->acc;
  case IG_KIND_equal: return IG_S_BOOL;
  case IG_KIND_softmax: case IG_KIND_norm: case IG_KIND_attention: case IG_KIND_rnn: return computed;
  default: return loaded;
  }
}

ig_status ig_kind_same_dims(const ig_request *r, ig_dims *t, const char *node, const ig_operand *a, const ig_dim *dims, uint32_t rank,
                            const char *what) {
  IG_KIND_REQUIRE(a->rank == rank, "%s: one has %u dims, the other %u", what, a->rank, rank);
  for (uint32_t i = 0; i < rank; i++) IG_TRY(ig_dims_assume_equal(t, a->dims[i], dims[i], node, what, NULL));
  return NULL;
}

ig_status ig_kind_at_least(ig_dims *t, const char *node, ig_dim a, ig_dim b, const char *what) {
  const int proof = ig_dim_prove_ge(t, a, b);
  if (proof > 0) return NULL;
  if (proof == 0) return ig_status_new(IG_ERROR_SHAPE, "node '%s': %s", node ? node : "", what);
  return ig_dims_guard(t, IG_GUARD_GE, a, b, node, what);
}

ig_status ig_kind_fits(ig_dims *t, const char *node, ig_dim n, ig_dim in, const char *what) {
  int64_t least, most;
  ig_dim_range(t, in, &least, &most);
  return ig_kind_at_least(t, node, n, ig_dim_const(t, least >= 1 && !ig_dim_is_const(t, n, NULL)), what);
}

ig_status ig_kind_check_index(const ig_request *r, const char *node, const ig_operand *index) {
  IG_KIND_REQUIRE(index->dtype == IG_DTYPE_I32 || index->dtype == IG_DTYPE_I64, "the index is %s, expected int32 or int64",
                  ig_dtype_name(index->dtype));
  return NULL;
}

ig_dim ig_kind_positions(ig_dims *t, ig_dim in, ig_dim lo, ig_dim hi, ig_dim kernel, int64_t dilation, int64_t stride, bool ceil) {
  const ig_dim extent = ig_dim_add_c(t, ig_dim_mul_c(t, ig_dim_add_c(t, kernel, -1), dilation), 1);
  const ig_dim room = ig_dim_sub(t, ig_dim_add(t, ig_dim_add(t, in, lo), hi), extent), step = ig_dim_const(t, stride);
  return ig_dim_add_c(t, ceil ? ig_dim_ceildiv(t, room, step) : ig_dim_floordiv(t, room, step), 1);
}
