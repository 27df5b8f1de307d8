/* What the convolution records share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_OPS_CONV_H
#define IG_OPS_CONV_H
#include "ops/spatial.h"
/* Params of node n for input x [N, C, spatial..] and weights w [O, C / groups, kernel..]. */
IG_MUST_USE ig_status ig_conv_params_of(const ig_node *n, const ig_val *x, const ig_val *w, ig_conv_params *out);
/* The kernel, with a bias of one element per output channel (or NULL) added by the epilogue; result like n's first. */
/* dims: of the conv's own result where that is not n's; NULL = result 0 of n. */
ig_val *ig_lo_conv(ig_lower *l, const ig_conv_params *p, ig_val *const *in, uint32_t n_in, ig_val *bias, const ig_node *n, const ig_dim *dims);
#endif
