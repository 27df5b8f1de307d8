/* reduce for the baseline. SPDX-License-Identifier: Apache-2.0 */
#define KERNEL_ISA c
#include "cpu/kernels/reduce.inc.h"
