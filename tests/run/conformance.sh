#!/bin/sh
# ONNX's own cases, all in one process per run: on the CPU with every instruction set, in portable code, and on the reference.
# A case passes if it passes everywhere; tests/conformance/skip.txt names those that do not, with the reason.
# SPDX-License-Identifier: Apache-2.0
set -eu
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${INGOT_BUILD:-$root/build}
python=${INGOT_PYTHON:-python3}
cases=$build/conformance-cases
closing='^[0-9][0-9]* passed, [0-9][0-9]* failed, [0-9][0-9]* skipped$'
stamp=$(cksum <"$root/tests/conformance/make_cases.py") || stamp=none
if [ ! -f "$cases/stamp" ] || [ "$(cat "$cases/stamp")" != "$stamp" ]; then
  rm -rf "$cases"
  "$python" "$root/tests/conformance/make_cases.py" "$cases" >"$build/conformance-cases.log" 2>&1 || {
    cat "$build/conformance-cases.log"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
  }
  echo "$stamp" >"$cases/stamp"
fi

passed=0
failed=0
skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for arguments in "--device cpu" "--device cpu --isa avx2" "--device cpu --isa none" "--device ref"; do
  status=0
  # shellcheck disable=SC2086
  timeout 300 "$build/tests/conformance" "$cases" --skip "$root/tests/conformance/skip.txt" $arguments >"$log" 2>&1 || status=$?
  sed "s/$closing/conformance $arguments: &/" "$log"
  line=$(grep "$closing" "$log" | tail -n 1 || :)
  if [ -z "$line" ]; then
    echo "conformance $arguments: ended with status $status and without a closing line"
    failed=$((failed + 1))
    continue
  fi
  # shellcheck disable=SC2086
  set -- $line
  passed=$((passed + $1))
  failed=$((failed + $3))
  skipped=$((skipped + $5))
done
# At least so many of the 2,024 pass on each device.
if [ "$passed" -lt $((4 * 1350)) ]; then
  echo "conformance: fewer than 1350 cases pass"
  failed=$((failed + 1))
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
