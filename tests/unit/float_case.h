/* A float and its code in a small format, with and without saturation. SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOAT_CASE_H
#define FLOAT_CASE_H
#include <stdint.h>
typedef struct float_case { uint32_t input; uint8_t saturated, plain; } float_case;
#endif
