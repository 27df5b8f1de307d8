#!/bin/sh
# Dynamic engines are really dynamic: a program linked with libingot_rt alone runs a read-only engine file at ten shapes in one context, each
# against the reference; the file is what it was.
# SPDX-License-Identifier: Apache-2.0
set -u
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${INGOT_BUILD:-$root/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
check() { # NAME COMMAND...
  name=$1
  shift
  if "$@" >"$work/log" 2>&1; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    echo "runtime: $name"
    cat "$work/log"
  fi
}
check "does not link with libingot_rt.a alone" cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I"$root/include" "$root/tests/tools/runtime_only.c" -o "$work/static" \
  "$build/libingot_rt.a" -lm -lpthread -ldl
check "does not link with libingot_rt.so alone" cc -std=c11 -D_GNU_SOURCE -I"$root/include" "$root/tests/tools/runtime_only.c" -o "$work/shared" -L"$build" -lingot_rt -lm \
  -Wl,-rpath,"$build"
for model in examples/digits/digits tests/models/dynamic tests/models/recurrent; do
  engine=$work/$(basename "$model").ingot
  check "$model does not build" "$build/ingot" build "$root/$model.onnx" -o "$engine" --tune guess
  chmod a-w "$engine"
  before=$(cksum <"$engine")
  for program in static shared; do
    check "$model, $program" "$work/$program" "$engine"
    answer=$(cat "$work/log")
    check "$model, $program: $answer" [ "$answer" = "10 shapes agree" ]
  done
  check "$model: the file has changed" [ "$before" = "$(cksum <"$engine")" ]
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
