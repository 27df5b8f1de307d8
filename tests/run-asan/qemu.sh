#!/bin/sh
# Engines built on this machine, with all of its instruction sets, on lesser ones: an emulated CPU without AVX (qemu-x86_64 -cpu qemu64), and
# here with --isa avx2 and none. The emulated CPU stops at the first instruction that it lacks, so a kernel or a compiler flag that reaches
# past the baseline shows.
# SPDX-License-Identifier: Apache-2.0
set -u
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${INGOT_BUILD:-$root/build}
passed=0
failed=0
skipped=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT INT TERM
close() {
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" = 0 ]
  exit
}
try() { # WHAT COMMAND...
  what=$1
  shift
  if timeout 300 "$@" >"$work/log" 2>&1; then passed=$((passed + 1)); else
    echo "qemu: $what: exit status $?"
    tail -n 5 "$work/log"
    failed=$((failed + 1))
  fi
}

# The emulator has no room for the sanitizers' shadow memory: a plain build of its own.
if grep -q -e -fsanitize "$build/build.ninja"; then
  [ -f "$build/plain/build.ninja" ] || meson setup "$build/plain" "$root" >"$work/log" 2>&1
  build=$build/plain
  if ! ninja -C "$build" >"$work/log" 2>&1; then
    tail -n 5 "$work/log"
    echo "qemu: the plain build failed"
    failed=1
    close
  fi
fi
ingot=$build/ingot
if ! command -v qemu-x86_64 >/dev/null; then
  echo "qemu: no qemu-x86_64 (Debian: qemu-user)"
  skipped=1
  close
fi
qemu="qemu-x86_64 -cpu qemu64"

# The emulated CPU is what it should be.
$qemu "$ingot" devices >"$work/devices" 2>&1
try "the emulated CPU has more than the baseline: $(grep '^cpu' "$work/devices")" grep -q '^cpu: .* isa baseline' "$work/devices"

# The runtime alone, linked without the compiler: all digits, compared with ONNX Runtime's recorded answers.
digits=$root/examples/digits
${CC:-cc} -O2 -I"$root/include" -o "$work/demo" "$digits/demo.c" -L"$build" -lingot_rt -lm -Xlinker -rpath -Xlinker "$build" >"$work/log" 2>&1 || cat "$work/log"
try "digits: build" "$ingot" build "$digits/digits.onnx" -o "$work/digits.ingot" --tune guess --quiet
# shellcheck disable=SC2086
for machine in "" "$qemu"; do
  try "digits: demo ($machine)" $machine "$work/demo" "$work/digits.ingot" "$digits"
  mv "$work/log" "$work/answers"
  try "digits: answers ($machine): $(grep answers "$work/answers")" grep -q "^360 of 360 answers are ONNX Runtime's" "$work/answers"
done

for name in recurrent quantised; do
  model=$root/tests/models/$name.onnx
  try "$name: build" "$ingot" build "$model" -o "$work/$name.ingot" --tune guess --quiet
  for set in "$root/tests/models/$name"/test_data_set_*; do
    rm -rf "$work/out"
    # shellcheck disable=SC2086
    try "$name: run, emulated" $qemu "$ingot" run "$work/$name.ingot" --input "$set" --output-dir "$work/out" --output-format pb
    # What it wrote is what this machine computes, and both are what was recorded.
    try "$name: results of the emulated run" "$ingot" compare "$model" "$work/$name.ingot" --input "$set" --expect "$work/out"
    # shellcheck disable=SC2086
    try "$name: compare, emulated" $qemu "$ingot" compare "$model" "$work/$name.ingot" --input "$set" --expect "$set"
    for isa in avx2 none; do
      try "$name: compare --isa $isa" "$ingot" compare "$model" "$work/$name.ingot" --input "$set" --expect "$set" --isa "$isa"
    done
  done
done
close
