/* softmax for the baseline. SPDX-License-Identifier: Apache-2.0 */
#define KERNEL_ISA c
#define LANES 8
#include "cpu/kernels/softmax.inc.h"
