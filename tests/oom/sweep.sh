#!/bin/sh
# sweep.sh BUILD EVERY: the sweep over the three models, and the check of its number of points by an outside count where that was built.
# SPDX-License-Identifier: Apache-2.0
set -u
build=$1
every=$2
root=${INGOT_ROOT:-.}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
passed=0
failed=0
note() {
  if [ "$1" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "failed: $2"; fi
}
for model in examples/digits/digits tests/models/recurrent tests/models/quantised; do
  for kind in memory io; do
    mkdir "$folder/work"
    status=0
    "$build/tests/oom/oom" "$kind" "$root/$model.onnx" "$folder/work" "$([ "$kind" = io ] && echo 1 || echo "$every")" >"$folder/log" 2>&1 || status=$?
    sed "s|^|$model, $kind: |" "$folder/log"
    grep -q '^visited [1-9][0-9]* of [1-9][0-9]* points$' "$folder/log" || status=1
    note "$status" "$model, $kind"
    points=$(sed -n 's/^visited .* of \([0-9]*\) points$/\1/p' "$folder/log")
    rm -rf "$folder/work"
    [ "$kind" = memory ] && [ -e "$build/tests/oom/oom_outside.so" ] || continue
    mkdir "$folder/work"
    cp "$build/tests/oom/oom_outside.so" "$folder/outside.so"   # LD_PRELOAD cannot name a path with a space
    outside=$(LD_PRELOAD="$folder/outside.so" "$build/tests/oom/oom_plain" outside "$root/$model.onnx" "$folder/work")
    rm -rf "$folder/work"
    echo "$model: $outside allocations counted from outside"
    [ "$outside" = "$points" ] && grep -q "^visited $points of $points points$" "$folder/log"
    note $? "$model: the sweep visited other points than there are"
  done
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
