/* rnn for AVX-512. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/simd/f32_avx512.h"
#define KERNEL_ISA avx512
#define CHAIN_BYTES 64
#include "cpu/kernels/rnn.inc.h"
