#!/bin/sh
# Hostile models under the sanitizers, in 1 GiB of resident memory. SPDX-License-Identifier: Apache-2.0
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}hard_rss_limit_mb=1024
export ASAN_OPTIONS
cd "$INGOT_ROOT" && exec tests/hostile/sweep.sh "$INGOT_BUILD"
