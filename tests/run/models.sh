#!/bin/sh
# The test networks against their recorded results (ONNX Runtime's): one engine per device serves every shape, every instruction set and any
# number of threads.
# SPDX-License-Identifier: Apache-2.0
set -u
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
ingot=${INGOT_BUILD:-$root/build}/ingot
passed=0
failed=0
n_sets=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT INT TERM
try() { # EXIT-CODE COMMAND...
  want=$1
  shift
  timeout 120 "$ingot" "$@" >"$work/log" 2>&1
  got=$?
  if [ "$got" = "$want" ]; then passed=$((passed + 1)); else
    echo "models: ingot $*: exit code $got, expected $want"
    tail -n 5 "$work/log"
    failed=$((failed + 1))
  fi
}

for model in "$root"/tests/models/*.onnx; do
  name=$(basename "$model" .onnx)
  for device in cpu ref; do
    engine=$work/$name.$device.ingot
    sets=$work/sets
    try 0 build "$model" -o "$engine" --device "$device" --tune guess --quiet
    ls -d "$root/tests/models/$name"/test_data_set_* >"$sets"
    while read -r set; do
      n_sets=$((n_sets + 1))
      for isa in none avx2 avx512; do
        for threads in 1 2; do
          try 0 compare "$model" "$engine" --device "$device" --isa "$isa" --threads "$threads" --input "$set" --expect "$set"
        done
      done
      # What run writes is what was recorded, too; it is read back through the other file format.
      rm -rf "$work/out"
      try 0 run "$engine" --device "$device" --input "$set" --output-dir "$work/out" --quiet
      try 0 compare "$model" "$engine" --device "$device" --input "$set" --expect "$work/out"
    done <"$sets"
  done
done

# A recorded result that is not the network's is noticed: data set 1's result for data set 0's input.
model=$root/tests/models/recurrent.onnx
try 1 compare "$model" "$work/recurrent.cpu.ingot" --input "$root/tests/models/recurrent/test_data_set_0" --expect "$root/tests/models/recurrent/test_data_set_1"
if [ "$n_sets" -lt 32 ]; then
  echo "models: only $n_sets data sets"
  failed=$((failed + 1))
fi
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
