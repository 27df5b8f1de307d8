#!/bin/sh
# Are the tests able to fail? One fault per kernel family, in the kernel and in the reference, is planted into a copy of the sources; the
# family's unit tests, which pass without it, must turn red each time. INGOT_PLANTED=0 skips it.
# SPDX-License-Identifier: Apache-2.0
set -u
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
if [ "${INGOT_PLANTED:-1}" = 0 ]; then echo "planted faults: skipped on request"; echo "0 passed, 0 failed, 1 skipped"; exit 0; fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT INT TERM
passed=0 failed=0 planned=0

# The kernels and the runtime alone, unoptimised: a fault costs one file and a link. The compiler's folders stay empty.
mkdir "$work/src"
(cd "$root" && tar cf - meson.build meson_options.txt include src tests/unit tools) | (cd "$work/src" && tar xf -) || exit 1
for folder in ir ops opt onnx build api cli; do
  sed -n 's/^\([a-z_]*_src\) *=.*/\1 = []/p' "$root/src/$folder/meson.build" >"$work/src/src/$folder/meson.build"
done
mkdir "$work/src/tests/fuzz"
: >"$work/src/tests/fuzz/meson.build"
grep -v -e '^#' -e '^$' "$root/tests/planted/faults.txt" >"$work/faults"
tests=$(cut -d '|' -f 4 "$work/faults" | tr ' ' '\n' | sort -u)
{
  echo "cmocka = dependency('cmocka')"
  for t in $tests; do
    echo "executable('$t', 'unit/$t.c', include_directories: [inc, include_directories('unit')], dependencies: [cmocka, deps], link_with: rt_parts)"
  done
} >"$work/src/tests/meson.build"
give_up() {
  tail -n 20 "$work/log"
  echo "planted faults: $1"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
}
meson setup "$work/build" "$work/src" -Dtests=true -Doptimization=0 >"$work/log" 2>&1 || give_up "the copy cannot be configured"

# build_tests FOLDER TEST...
build_tests() {
  folder=$1 targets=""
  shift
  for t in "$@"; do targets="$targets tests/$t"; done
  # shellcheck disable=SC2086
  ninja -C "$folder" $targets >"$work/log" 2>&1
}
# run_test FOLDER TEST SECONDS: unoptimised, with every instruction set of AVX-512, the longest test takes over two minutes on an idle core.
run_test() { (cd "$work/src" && timeout "$3" "$1/tests/$2" >"$work/log" 2>&1); }

# turned_red FOLDER TEST...: the first of the tests that the planted fault turns red, "build" where it does not compile, "no" where all pass.
turned_red() {
  red=no
  if build_tests "$@"; then
    folder=$1
    shift
    for t in "$@"; do run_test "$folder" "$t" 400 || { red=$t; break; }; done
  else
    red=build
  fi
}

# A kernel that only AVX-512 has runs over AVX2 where the machine lacks it (emulated.sh). The folder's tests must pass without the fault.
without_avx512() { grep -qw avx2 /proc/cpuinfo && ! grep -qw avx512_vnni /proc/cpuinfo; }
prepare_emulated() {
  [ -d "$work/emulated" ] || meson setup "$work/emulated" "$work/src" -Dtests=true -Doptimization=1 -Demulate_avx512=true >"$work/log" 2>&1 || give_up "the emulation cannot be configured"
  build_tests "$work/emulated" "$@" || give_up "the emulation does not compile"
  for t in "$@"; do run_test "$work/emulated" "$t" 900 || give_up "$t fails emulated without any fault"; done
}

# shellcheck disable=SC2086
build_tests "$work/build" $tests || give_up "the copy does not compile"
for t in $tests; do run_test "$work/build" "$t" 900 || give_up "$t fails without any fault"; done

while IFS='|' read -r family file edit tests; do
  planned=$((planned + 1))
  cp "$work/src/$file" "$work/saved"
  sed -i "$edit" "$work/src/$file"
  if cmp -s "$work/saved" "$work/src/$file"; then
    echo "planted $family: the line to spoil is gone from $file: mend tests/planted/faults.txt"
    failed=$((failed + 1))
    continue
  fi
  # shellcheck disable=SC2086
  turned_red "$work/build" $tests
  if [ "$red" = no ] && without_avx512; then
    cp "$work/src/$file" "$work/spoilt"
    cp "$work/saved" "$work/src/$file"
    # shellcheck disable=SC2086
    prepare_emulated $tests
    cp "$work/spoilt" "$work/src/$file"
    # shellcheck disable=SC2086
    turned_red "$work/emulated" $tests
    [ "$red" = no ] || red="$red, emulated"
  fi
  case $red in
  no) echo "planted $family: no test of ($tests) noticed"; failed=$((failed + 1)) ;;
  build*) echo "planted $family: does not compile:"; tail -n 3 "$work/log"; failed=$((failed + 1)) ;;
  *) echo "planted $family: found by $red"; passed=$((passed + 1)) ;;
  esac
  cp "$work/saved" "$work/src/$file"
done <"$work/faults"
echo "visited $((passed + failed)) of $planned planted faults"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
