#!/bin/sh
# random_nodes.sh BUILD N: `ingot run` of N random models of one node (random_nodes.py) gives results or a verdict: no crash, no hang, no error that is
# ours (INTERNAL). A failure's seed makes the model again.
# SPDX-License-Identifier: Apache-2.0
set -u
ingot=$1/ingot
root=${INGOT_ROOT:-.}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${INGOT_PYTHON:-python3}" "$root/tests/hostile/random_nodes.py" "$folder" "$2" || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }
passed=0
failed=0
ran=0
for model in "$folder"/*.onnx; do
  status=0
  timeout -s KILL 60 "$ingot" run "$model" --json --threads 1 >"$folder/out" 2>"$folder/err" || status=$?
  case $status in
  0) ran=$((ran + 1)) passed=$((passed + 1)) ;;
  2 | 3 | 4 | 6) passed=$((passed + 1)) ;;
  1)
    if grep -q '"name": *"IG_ERROR_\(DATA\|TRAP\)"' "$folder/out"; then passed=$((passed + 1)); else
      failed=$((failed + 1))
      echo "failed: seed ${model##*/}: $(head -c 400 "$folder/out") $(head -c 400 "$folder/err")"
    fi
    ;;
  *)
    failed=$((failed + 1))
    echo "failed: seed ${model##*/}: exit status $status: $(head -c 400 "$folder/err")"
    ;;
  esac
done
echo "$ran of them ran"
# Neither all right nor all wrong.
if [ "$ran" -lt $((passed / 10)) ] || [ "$ran" = "$passed" ]; then failed=$((failed + 1)); fi
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
