#!/bin/sh
# Kernels for AVX-512 and VNNI give the reference's answers on machines without them: their sources are built over AVX2 (build option emulate_avx512,
# src/cpu/simd/avx512_on_avx2.h) and run by the kernels' unit tests, which must then skip no variant. It says nothing of speed, nor of the compiler's
# AVX-512 code. Where the machine has these instructions the unit tests run the real ones. INGOT_EMULATED=0 skips it.
# SPDX-License-Identifier: Apache-2.0
set -u
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${INGOT_BUILD:-$root/build}-emulated   # beside it: other scripts search that folder
tests="test_cpu_kernels test_cpu_kinds_more test_cpu_products test_cpu_winograd test_cpu_winograd_s8 test_cpu_int8 test_attention"
skip() { echo "emulated: skipped: $1"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
[ "${INGOT_EMULATED:-1}" != 0 ] || skip "on request"
! grep -qw avx512_vnni /proc/cpuinfo || skip "the machine has AVX-512 and VNNI"
grep -qw avx2 /proc/cpuinfo || skip "the machine has no AVX2"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 targets=""
for t in $tests; do targets="$targets tests/$t"; done
[ -f "$build/build.ninja" ] || rm -rf "$build"
# shellcheck disable=SC2086
if ! { [ -d "$build" ] || meson setup "$build" "$root" -Dtests=true -Demulate_avx512=true; } >"$work/log" 2>&1 || ! ninja -C "$build" $targets >>"$work/log" 2>&1; then
  tail -n 20 "$work/log"
  echo "emulated: the kernels do not compile over AVX2"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
cd "$root" || exit 1
for t in $tests; do
  if INGOT_SOURCE_ROOT=$root INGOT_BUILD_ROOT=$build timeout 240 "$build/tests/$t" >"$work/log" 2>&1 && ! grep 'instruction set: [1-9]' "$work/log"; then
    passed=$((passed + 1))
    sed -n "s/^kernel variants/emulated: $t: &/p" "$work/log"
  else
    failed=$((failed + 1))
    echo "emulated: $t:"
    tail -n 20 "$work/log"
  fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
