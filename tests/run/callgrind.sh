#!/bin/sh
# Speed budget that does not depend on the machine's mood: instructions executed by 100 runs of each small network on portable code, counted
# by callgrind, against tests/callgrind.txt (5 % more fails, 20 % less asks for a new line). Counts belong to one compiler: with
# another than the file names, this is skipped. INGOT_UPDATE_GOLDEN=1 rewrites the file.
# SPDX-License-Identifier: Apache-2.0
set -u
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${INGOT_BUILD:-$root/build}
golden=$root/tests/callgrind.txt
compiler="gcc $(gcc -dumpversion 2>/dev/null) $(ldd --version 2>/dev/null | sed -n '1s/.* //p')"
if ! command -v valgrind >/dev/null 2>&1; then echo "callgrind: valgrind is not installed"; echo "0 passed, 0 failed, 1 skipped"; exit 0; fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT INT TERM
count() { # engine, iterations -> instructions
  valgrind --tool=callgrind --callgrind-out-file="$work/out" "$build/ingot" bench "$1" --isa none --threads 1 --iterations "$2" --warm-up 0 >/dev/null 2>"$work/log" || return 1
  sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$work/log"
}
passed=0 failed=0
: >"$work/new"
for model in examples/digits/digits tests/models/quantised tests/models/recurrent tests/models/dynamic; do
  name=$(basename $model)
  "$build/ingot" build "$root/$model.onnx" -o "$work/e.ingot" --tune guess --isa none --threads 1 --quiet || { failed=$((failed + 1)); continue; }
  few=$(count "$work/e.ingot" 20) && many=$(count "$work/e.ingot" 120) || { echo "callgrind $name: run failed"; tail -2 "$work/log"; failed=$((failed + 1)); continue; }
  echo "$name $(((many - few) / 100))" >>"$work/new"
done
if [ -n "${INGOT_UPDATE_GOLDEN:-}" ]; then { echo "# $compiler: instructions of one run, portable code, one thread"; cat "$work/new"; } >"$golden"; fi
if [ "$(sed -n '1s/# \(.*\): .*/\1/p' "$golden")" != "$compiler" ]; then echo "callgrind: counts were made with another compiler or C library ($compiler here)"; echo "0 passed, $failed failed, 4 skipped"; exit 0; fi
while read -r name now; do
  was=$(sed -n "s/^$name \([0-9]*\)$/\1/p" "$golden")
  if [ -n "$was" ] && [ "$now" -le $((was + was / 20)) ] && [ "$now" -ge $((was - was / 5)) ]; then passed=$((passed + 1)); else
    echo "callgrind $name: $now instructions a run, tests/callgrind.txt says ${was:-nothing}"
    failed=$((failed + 1))
  fi
done <"$work/new"
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
