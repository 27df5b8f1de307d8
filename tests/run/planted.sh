#!/bin/sh
# Are the tests able to fail? One fault per kernel family, in the kernel and in the reference, is planted into a copy of the sources; the
# family's unit tests must turn red each time. INGOT_PLANTED=0 skips it.
# SPDX-License-Identifier: Apache-2.0
set -u
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
if [ "${INGOT_PLANTED:-1}" = 0 ]; then echo "planted faults: skipped on request"; echo "0 passed, 0 failed, 1 skipped"; exit 0; fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT INT TERM
mkdir "$work/src"
(cd "$root" && tar cf - src include tests/unit tests/meson.build tests/conformance tests/fuzz/meson.build meson.build meson_options.txt tools examples/digits tests/models 2>/dev/null) | (cd "$work/src" && tar xf -)
if ! meson setup "$work/build" "$work/src" -Dtests=true -Doptimization=1 >"$work/log" 2>&1; then tail -5 "$work/log"; echo "0 passed, 1 failed, 0 skipped"; exit 1; fi
passed=0 failed=0 planned=0
grep -v '^#' "$root/tests/planted/faults.txt" >"$work/faults"
while IFS='|' read -r family file edit tests; do
  planned=$((planned + 1))
  cp "$work/src/$file" "$work/saved"
  sed -i "$edit" "$work/src/$file"
  if cmp -s "$work/saved" "$work/src/$file"; then
    echo "planted $family: the line to spoil is gone from $file: mend tests/planted/faults.txt"; failed=$((failed + 1)); continue
  fi
  targets=""
  for t in $tests; do targets="$targets tests/$t"; done
  red=no
  if ninja -C "$work/build" $targets >"$work/log" 2>&1; then
    for t in $tests; do
      (cd "$work/src" && timeout 300 "$work/build/tests/$t" >"$work/out" 2>&1) || { red=$t; break; }
    done
  else
    red=build
  fi
  case $red in
    no) echo "planted $family: no test of ($tests) noticed"; failed=$((failed + 1)) ;;
    build) echo "planted $family: does not compile:"; tail -3 "$work/log"; failed=$((failed + 1)) ;;
    *) echo "planted $family: found by $red"; passed=$((passed + 1)) ;;
  esac
  cp "$work/saved" "$work/src/$file"
done <"$work/faults"
echo "visited $((passed + failed)) of $planned planted faults"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
