/* Conv of float32 with few output channels for AVX-512. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/simd/f32_avx512.h"
#include "cpu/kernels/narrow_f32.inc.h"
