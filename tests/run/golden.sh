#!/bin/sh
# Whole networks, optimised and lowered, as text: what the passes make of them is what it was. INGOT_UPDATE_GOLDEN=1 rewrites the goldens.
# SPDX-License-Identifier: Apache-2.0
set -u
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${INGOT_BUILD:-$root/build}
passed=0 failed=0
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
for model in examples/digits/digits tests/models/recurrent tests/models/quantised tests/models/dynamic tests/models/local_function; do
  golden=$root/tests/golden/$(basename $model).lowered.txt
  "$build/ingot" show "$root/$model.onnx" --stage lowered >"$out" || echo "show failed" >>"$out"
  [ -n "${INGOT_UPDATE_GOLDEN:-}" ] && cp "$out" "$golden"
  if cmp -s "$out" "$golden"; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    echo "golden $(basename $model): the lowered network differs (INGOT_UPDATE_GOLDEN=1 accepts):"
    diff "$golden" "$out" | head -6
  fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
