/* reduce for AVX2. SPDX-License-Identifier: Apache-2.0 */
#define KERNEL_ISA avx2
#define CHAIN_BYTES 32
#include "cpu/kernels/reduce.inc.h"
