/* reduce for the baseline. SPDX-License-Identifier: Apache-2.0 */
#define KERNEL_ISA c
#define CHAIN_BYTES 16
#include "cpu/kernels/reduce.inc.h"
