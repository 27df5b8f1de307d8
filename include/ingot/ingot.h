/* Ingot: everything. SPDX-License-Identifier: Apache-2.0 */
#ifndef INGOT_INGOT_H
#define INGOT_INGOT_H
#include "ingot/base.h"
#include "ingot/runtime.h"
#include "ingot/build.h"
#include "ingot/value.h"
#endif
