#!/bin/sh
# Every allocation and every file operation of load, build, save, load, context and run fails once.
# SPDX-License-Identifier: Apache-2.0
cd "$INGOT_ROOT" && exec tests/oom/sweep.sh "$INGOT_BUILD" 1
