/* Conv of float32 with few output channels for AVX2. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/simd/f32_avx2.h"
#include "cpu/kernels/narrow_f32.inc.h"
