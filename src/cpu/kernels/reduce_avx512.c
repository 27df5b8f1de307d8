/* reduce for AVX-512. SPDX-License-Identifier: Apache-2.0 */
#define KERNEL_ISA avx512
#define CHAIN_BYTES 64
#include "cpu/kernels/reduce.inc.h"
