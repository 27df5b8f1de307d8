#!/bin/sh
# Are the tests able to fail? One fault per kernel family, in the kernel and in the reference, is planted into a copy of the sources; the
# family's unit tests, which pass without it, must turn red each time. As many faults at a time as there are cores, eight at most. INGOT_PLANTED=0
# skips it.
# SPDX-License-Identifier: Apache-2.0
set -u
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
if [ "${INGOT_PLANTED:-1}" = 0 ]; then echo "planted faults: skipped on request"; echo "0 passed, 0 failed, 1 skipped"; exit 0; fi
all=$(mktemp -d) || exit 1
trap 'rm -rf "$all"' EXIT INT TERM
work=$all/1   # the first worker's folder; the others' are copies, made once it has been built

# The kernels and the runtime alone, hardly optimised: a fault costs a file or two and a link. The compiler's folders stay empty.
mkdir -p "$work/src"
(cd "$root" && tar cf - meson.build meson_options.txt include src tests/unit tools) | (cd "$work/src" && tar xf -) || exit 1
for folder in ir ops opt onnx build api cli; do
  sed -n 's/^\([a-z_]*_src\) *=.*/\1 = []/p' "$root/src/$folder/meson.build" >"$work/src/src/$folder/meson.build"
done
mkdir "$work/src/tests/fuzz"
: >"$work/src/tests/fuzz/meson.build"
grep -v -e '^#' -e '^$' "$root/tests/planted/faults.txt" >"$all/faults"
tests=$(cut -d '|' -f 4 "$all/faults" | tr ' ' '\n' | sort -u)
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

# build_tests FOLDER TEST...
build_tests() {
  folder=$1 targets=""
  shift
  for t in "$@"; do targets="$targets tests/$t"; done
  # shellcheck disable=SC2086
  ninja -C "$folder" $targets >"$work/log" 2>&1
}
# run_test FOLDER TEST, until its first failure. With every instruction set of AVX-512 the longest test takes over a minute on an idle core.
export CMOCKA_TEST_ABORT=1
# shellcheck disable=SC3045  # where a shell lacks it, the aborts leave core files in the folder that goes
ulimit -c 0 2>/dev/null || :
run_test() {
  (
    exec 2>/dev/null   # the shell's own word on who was aborted
    cd "$work/src" || exit 1
    timeout 600 "$1/tests/$2" >"$work/log" 2>&1 || exit 1
  )
}

# turned_red FOLDER TEST...: the first of the tests that the planted fault turns red, "build" where it does not compile, "no" where all pass.
turned_red() {
  red=no
  if build_tests "$@"; then
    folder=$1
    shift
    for t in "$@"; do run_test "$folder" "$t" || { red=$t; break; }; done
  else
    red=build
  fi
}

# A kernel that only AVX-512 has runs over AVX2 where the machine lacks it (emulated.sh). The folder's tests must pass without the fault.
without_avx512() { grep -qw avx2 /proc/cpuinfo && ! grep -qw avx512_vnni /proc/cpuinfo; }
prepare_emulated() {
  [ -d "$work/emulated" ] || meson setup "$work/emulated" "$work/src" -Dtests=true -Doptimization=1 -Demulate_avx512=true >"$work/log" 2>&1 || give_up "the emulation cannot be configured"
  build_tests "$work/emulated" "$@" || give_up "the emulation does not compile"
  for t in "$@"; do run_test "$work/emulated" "$t" || give_up "$t fails emulated without any fault"; done
}

# plant FAMILY FILE EDIT TEST...: one fault; says how it went.
plant() {
  family=$1 file=$2 edit=$3
  shift 3
  cp "$work/src/$file" "$work/saved"
  sed -i "$edit" "$work/src/$file"
  if cmp -s "$work/saved" "$work/src/$file"; then
    echo "planted $family: not found: the line to spoil is gone from $file: mend tests/planted/faults.txt"
    return
  fi
  turned_red "$work/build" "$@"
  if [ "$red" = no ] && without_avx512; then
    cp "$work/src/$file" "$work/spoilt"
    cp "$work/saved" "$work/src/$file"
    prepare_emulated "$@"
    cp "$work/spoilt" "$work/src/$file"
    turned_red "$work/emulated" "$@"
    [ "$red" = no ] || red="$red, emulated"
  fi
  case $red in
  no) echo "planted $family: not found: no test of ($*) noticed" ;;
  build*) echo "planted $family: not found: does not compile:"; tail -n 3 "$work/log" ;;
  *) echo "planted $family: found by $red" ;;
  esac
  cp "$work/saved" "$work/src/$file"
}

meson setup "$work/build" "$work/src" -Dtests=true -Doptimization=1 >"$work/log" 2>&1 || give_up "the copy cannot be configured"
# shellcheck disable=SC2086
build_tests "$work/build" $tests || give_up "the copy does not compile"
n=$(nproc)
[ "$n" -le 8 ] || n=8   # each has a copy of the built folder
# shellcheck disable=SC2016,SC2086  # the inner shell's parameters; words
(cd "$work/src" && printf '%s\n' $tests | sort -r | xargs -P "$n" -I{} sh -c 'timeout 600 "$1/tests/$2" >"$3/$2" 2>&1 || echo "$2"' - "$work/build" {} "$all") >"$all/red"
if read -r t <"$all/red"; then
  mv "$all/$t" "$work/log"
  give_up "$t fails without any fault"
fi

# Worker k takes every n-th line from the k-th on. A built folder is copied with its times, so that nothing is built twice.
for k in $(seq 2 "$n"); do cp -a "$work" "$all/$k" || exit 1; done
for k in $(seq "$n"); do
  (
    work=$all/$k
    awk -v k="$k" -v n="$n" 'NR % n == k % n' "$all/faults" >"$work/faults"
    # shellcheck disable=SC2086
    while IFS='|' read -r family file edit tests; do plant "$family" "$file" "$edit" $tests; done <"$work/faults"
  ) >"$all/said.$k" 2>&1 &
done
wait
cat "$all"/said.*
planned=$(wc -l <"$all/faults")
visited=$(cat "$all"/said.* | grep -c '^planted ')
passed=$(cat "$all"/said.* | grep -c '^planted .*: found by')
failed=$((planned - passed))
echo "visited $visited of $planned planted faults"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
