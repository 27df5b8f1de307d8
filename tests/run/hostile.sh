#!/bin/sh
# Hostile models in 512 MiB of address space. SPDX-License-Identifier: Apache-2.0
cd "$INGOT_ROOT" && exec tests/hostile/sweep.sh "$INGOT_BUILD" 524288
