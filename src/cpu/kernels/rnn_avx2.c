/* rnn for AVX2. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/simd/f32_avx2.h"
#define KERNEL_ISA avx2
#define CHAIN_BYTES 32
#include "cpu/kernels/rnn.inc.h"
