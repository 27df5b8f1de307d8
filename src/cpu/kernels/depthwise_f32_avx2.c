/* Depthwise conv of float32 for AVX2. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/simd/f32_avx2.h"
#include "cpu/kernels/depthwise_planes.inc.h"
#include "cpu/kernels/depthwise_f32.inc.h"
#include "cpu/kernels/grouped_f32.inc.h"
