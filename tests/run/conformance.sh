#!/bin/sh
# ONNX's own cases, all in one process per run: on the CPU with every instruction set, in portable code, and on the reference.
# A case passes if it passes everywhere; tests/conformance/skip.txt names those that do not, with the reason.
# SPDX-License-Identifier: Apache-2.0
set -eu
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${INGOT_BUILD:-$root/build}
python=${INGOT_PYTHON:-python3}
closing='^[0-9][0-9]* passed, [0-9][0-9]* failed, [0-9][0-9]* skipped$'
# ONNX's own cases, and more of types that those leave out.
for made in make_cases:conformance-cases more_cases:more-cases; do
  script=$root/tests/conformance/${made%:*}.py
  cases=$build/${made#*:}
  stamp=$(cksum <"$script") || stamp=none
  [ ! -f "$cases/stamp" ] || [ "$(cat "$cases/stamp")" != "$stamp" ] || continue
  rm -rf "$cases"
  "$python" "$script" "$cases" >"$cases.log" 2>&1 || {
    cat "$cases.log"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
  }
  echo "$stamp" >"$cases/stamp"
done

passed=0
failed=0
skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() { # CASES SKIP ARGUMENTS...
  cases=$1
  skip=$2
  shift 2
  status=0
  timeout 300 "$build/tests/conformance" "$build/$cases" --skip "$skip" "$@" >"$log" 2>&1 || status=$?
  sed "s/$closing/$cases $*: &/" "$log"
  line=$(grep "$closing" "$log" | tail -n 1 || :)
  if [ -z "$line" ]; then
    echo "$cases $*: ended with status $status and without a closing line"
    failed=$((failed + 1))
    return
  fi
  # shellcheck disable=SC2086
  set -- $line
  passed=$((passed + $1))
  failed=$((failed + $3))
  skipped=$((skipped + $5))
}
for arguments in "--device cpu" "--device cpu --isa avx2" "--device cpu --isa none" "--device ref"; do
  # shellcheck disable=SC2086
  run conformance-cases "$root/tests/conformance/skip.txt" $arguments
done
# At least so many of the 2,024 pass on each device.
if [ "$passed" -lt $((4 * 1350)) ]; then
  echo "conformance: fewer than 1350 cases pass"
  failed=$((failed + 1))
fi
for arguments in "--device cpu" "--device cpu --isa none" "--device ref"; do
  # shellcheck disable=SC2086
  run more-cases /dev/null $arguments
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
