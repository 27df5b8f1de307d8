#!/bin/sh
# Networks that join the same maps again and again (tests/tools/concat_models.py): parts are written where they belong in Concats' results, and Concats
# inside of each other, while others read them. Each engine is held against the model as it is written, at two shapes of its profile; in the
# blocks of real networks, at shapes that are known, no step is left that only copies.
# SPDX-License-Identifier: Apache-2.0
set -u
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${INGOT_BUILD:-$root/build}
python=${INGOT_PYTHON:-$root/.venv/bin/python}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
"$python" "$root/tests/tools/concat_models.py" "$work" 150 || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }

# holds MODEL: builds it and compares; what is wrong goes to the log.
holds() {
  "$build/ingot" build "$1" -o "$work/engine" --tune guess --threads 2 --quiet --min-shapes x:1x4x2x2 --opt-shapes x:1x4x12x10 --max-shapes x:2x4x16x16 >"$work/log" 2>&1 || return 1
  for shape in x:1x4x12x10 x:2x4x6x4; do
    "$build/ingot" compare "$1" "$work/engine" --shapes "$shape" --threads 2 >"$work/log" 2>&1 || return 1
  done
}
for model in "$work"/*.onnx; do
  name=$(basename "$model" .onnx)
  if ! holds "$model"; then
    echo "concats: $name:"
    tail -n 5 "$work/log"
    failed=$((failed + 1))
    continue
  fi
  case $name in
  random_* | deep) ;;
  *)
    if ! "$build/ingot" build "$model" -o "$work/engine" --tune guess --shapes x:1x4x12x10 --quiet || ! "$build/ingot" inspect "$work/engine" >"$work/steps"; then
      echo "concats: $name: does not build at one shape"
      failed=$((failed + 1))
      continue
    fi
    moves=$(grep -c '  move  ' "$work/steps")
    if [ "$moves" != 0 ] || ! grep -q '  step ' "$work/steps"; then
      echo "concats: $name: $moves steps only copy"
      failed=$((failed + 1))
      continue
    fi
    ;;
  esac
  passed=$((passed + 1))
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
