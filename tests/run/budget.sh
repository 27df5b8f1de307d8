#!/bin/sh
# Counts that tell when the design rots, printed and held against tests/budget.txt. A rise fails; a fall is a line to lower.
# Networks are built with --tune guess --isa avx2 --threads 2, the same on every machine. `budget.sh --write` prints a new file.
# `budget.sh --engines DIR [--write]` counts the engines of that folder instead, as pypi.NAME (tests/run/networks.sh).
# SPDX-License-Identifier: Apache-2.0
set -eu
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${INGOT_BUILD:-$root/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

give_up() {
  echo "budget: $1"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
}

engines=
if [ "${1:-}" = --engines ]; then
  engines=$2
  shift 2
fi

# What the build folder is instrumented with, its static libraries need too.
flags=
case ${build##*/} in
*asan*) flags=-fsanitize=address,undefined ;;
esac
# shellcheck disable=SC2086
${CC:-cc} -std=gnu17 -O1 $flags -D_GNU_SOURCE -I"$root/src" -I"$root/include" -I"$root/tests" -I"$root/tests/unit" -o "$work/count" \
  "$root/tests/tools/count_budget.c" "$build/libingot.a" "$build/libingot_rt.a" -lm -lpthread -ldl || give_up "tests/tools/count_budget.c does not compile"
if [ -n "$engines" ]; then
  for engine in "$engines"/*.ingot; do
    name=${engine##*/}
    "$work/count" "pypi.${name%.ingot}" "$engine" >>"$work/counts" || give_up "counting $engine failed"
  done
else
  "$work/count" >"$work/counts" || give_up "counting failed"
  echo "conformance.skipped $(grep -c '^[a-zA-Z0-9_]*:' "$root/tests/conformance/skip.txt" || :)" >>"$work/counts"
  for model in examples/digits/digits tests/models/recurrent tests/models/quantised tests/models/dynamic; do
    name=${model##*/}
    "$build/ingot" build "$root/$model.onnx" -o "$work/$name.ingot" --tune guess --isa avx2 --threads 2 --quiet || give_up "$name does not build"
    "$work/count" "$name" "$work/$name.ingot" >>"$work/counts" || give_up "counting $name failed"
  done
fi

if [ "${1:-}" = --write ]; then
  sed -n '/^#/p' "$root/tests/budget.txt" 2>/dev/null || :
  cat "$work/counts"
  exit 0
fi
cat "$work/counts"
awk -v engines="$engines" -v file=tests/budget.txt -f "$root/tests/tools/budget.awk" "$root/tests/budget.txt" "$work/counts"
