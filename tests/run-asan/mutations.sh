#!/bin/sh
# Engine files with 100,000 mutations whose hashes are right, under the sanitizers: refused, or they run. SPDX-License-Identifier: Apache-2.0
set -u
cd "$INGOT_ROOT" || exit 1
log=$(mktemp)
trap 'rm -f "$log"' EXIT INT TERM
if INGOT_SOURCE_ROOT=$INGOT_ROOT INGOT_BUILD_ROOT=$INGOT_BUILD INGOT_TEST_MUTATIONS=${INGOT_TEST_MUTATIONS:-100000} "$INGOT_BUILD/tests/test_plan" >"$log" 2>&1; then
  grep 'mutated engines' "$log"
  echo "1 passed, 0 failed, 0 skipped"
else
  tail -n 30 "$log"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
