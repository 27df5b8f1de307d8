#!/bin/sh
# The demo: a trained network becomes one engine file and classifies real handwritten digits; then things are broken on purpose; then the
# README's program. With a model of your own (demo.sh MODEL.onnx [OPTIONS]): check, build, compare with the reference, bench.
# Called by `./do demo`, which sets INGOT_ROOT and INGOT_BUILD. INGOT_DIGITS: another folder like this one.
# SPDX-License-Identifier: Apache-2.0
set -eu
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${INGOT_BUILD:-$root/build}
here=${INGOT_DIGITS:-$root/examples/digits}
ingot=$build/ingot
work=$build/demo
mkdir -p "$work"

title() { printf '\n== %s\n' "$*"; }
# Shows a command as one would type it, then runs it.
show() {
  printf '$ '
  for word in "$@"; do
    case $word in
    "$root"/*) word=${word#"$root"/} ;;
    esac
    printf '%s ' "$word"
  done
  printf '\n'
  "$@"
}
# The same for a command that has to fail: its exit status is shown, and success is the demo's failure.
show_refused() {
  status=0
  show "$@" 2>&1 || status=$?
  [ "$status" != 0 ] || { echo "demo: this should have been refused" >&2; exit 1; }
  echo "(exit status $status)"
}
bytes() { wc -c <"$1" | tr -d ' '; }
kilobytes() { awk -v n="$(bytes "$1")" 'BEGIN { printf "%.1f KB", n / 1000 }'; }
compile() {
  out=$1
  shift
  ${CC:-cc} -O2 -I"$root/include" -o "$out" "$@" -L"$build" -Xlinker -rpath -Xlinker "$build"
}

if [ $# -gt 0 ]; then
  case $1 in
  -*) echo "usage: ./do demo [MODEL.onnx [OPTIONS]]; OPTIONS go to build, compare and bench, such as --shapes NAME:1x3x224x224" >&2; exit 2 ;;
  esac
  model=$1
  shift
  title "Can it be built?"
  show "$ingot" check "$model"
  title "Build it"
  show "$ingot" build "$model" -o "$work/model.ingot" "$@"
  title "Does it compute what the reference computes?"
  show "$ingot" compare "$model" "$work/model.ingot" "$@"
  title "How fast is it?"
  show "$ingot" bench "$work/model.ingot" --duration 3 "$@"
  echo
  echo "The engine is ${work#"$root"/}/model.ingot; \`ingot inspect\` tells what is in it, \`ingot run\` runs it."
  exit 0
fi

cd "$root"
model=$here/digits.onnx
engine=$work/digits.ingot

title "A trained network becomes one engine file"
show "$ingot" check "$model"
show "$ingot" build "$model" -o "$engine" --opt-shapes image:1x1x8x8 --min-shapes image:1x1x8x8 --max-shapes image:360x1x8x8
echo "sizes: ONNX model $(kilobytes "$model"), engine $(kilobytes "$engine"), runtime library $(kilobytes "$build/libingot_rt.so")"

title "It classifies handwritten digits that it has never seen"
compile "$work/demo" "$root/examples/digits/demo.c" -lingot_rt -lm
"$work/demo" "$engine" "$here"

title "Broken on purpose: a weight is missing from the model"
compile "$work/break" "$root/examples/digits/break.c"
"$work/break" weight "$model" conv_2.weight "$work/broken.onnx"
show_refused "$ingot" build "$work/broken.onnx" -o "$work/broken.ingot"

title "Broken on purpose: one bit of the engine is flipped"
"$work/break" bit "$engine" "$work/flipped.ingot"
show_refused "$ingot" run "$work/flipped.ingot" --shapes image:1x1x8x8

title "The C program of README.md, compiled and run"
awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' README.md >"$work/hello.c"
compile "$work/hello" "$work/hello.c" -lingot -lingot_rt
"$work/hello"

title "Your own model"
echo "./do demo MODEL.onnx    checks, builds, compares with the reference, measures"
echo "build/ingot --help      the command; README.md and docs/ tell the rest"
