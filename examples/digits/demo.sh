#!/bin/sh
# The demo: a trained network becomes one engine file and classifies real handwritten digits; then things are broken on purpose; then the
# README's program. With a model of your own (demo.sh MODEL.onnx [OPTIONS]): check, build, compare with the reference, bench.
# Called by `./do demo`, which sets INGOT_ROOT, INGOT_BUILD and INGOT_FROM (the caller's folder). INGOT_DIGITS: another
# folder like this one; INGOT_DEMO: where to put files.
# SPDX-License-Identifier: Apache-2.0
set -eu
from=${INGOT_FROM:-$PWD}
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${INGOT_BUILD:-$root/build}
here=${INGOT_DIGITS:-$root/examples/digits}
# All runs in the project's folder, with short paths, as one would type them there.
cd "$root"
build=${build#"$root"/}
here=${here#"$root"/}
ingot=$build/ingot
work=${INGOT_DEMO:-$build/demo}
mkdir -p "$work"

title() { printf '\n== %s\n' "$*"; }
show() { # a command, then what it prints
  echo "\$ $*"
  "$@"
}
show_refused() { # a command that has to fail
  status=0
  show "$@" 2>&1 || status=$?
  [ "$status" != 0 ] || { echo "demo: this should have been refused" >&2; exit 1; }
  echo "(exit status $status)"
}
kilobytes() { wc -c <"$1" | awk '{ printf "%.1f KB", $1 / 1000 }'; }
compile() { # PROGRAM SOURCE LIBRARIES...
  program=$1
  shift
  ${CC:-cc} -O2 -Iinclude -o "$program" "$@" -L"$build" -Xlinker -rpath -Xlinker "$(cd "$build" && pwd)"
}

if [ $# -gt 0 ]; then
  case $1 in
  -*)
    echo "usage: ./do demo [MODEL.onnx [OPTIONS]]; OPTIONS go to build, compare and bench, such as --shapes NAME:1x3x224x224" >&2
    exit 2
    ;;
  /*) model=$1 ;;
  *) model=$from/$1 ;;
  esac
  model=${model#"$root"/}
  shift
  title "Can it be built?"
  show "$ingot" check "$model"
  title "Build it"
  show "$ingot" build "$model" -o "$work/model.ingot" "$@"
  title "Does it compute what the reference computes?"
  show "$ingot" compare "$model" "$work/model.ingot" "$@"
  title "How fast is it?"
  show "$ingot" bench "$work/model.ingot" --duration 3 "$@"
  printf '\nThe engine is %s. `ingot inspect` tells what is in it, `ingot run` runs it.\n' "$work/model.ingot"
  exit 0
fi

model=$here/digits.onnx
engine=$work/digits.ingot

title "A trained network becomes one engine file"
show "$ingot" check "$model"
show "$ingot" build "$model" -o "$engine" --min-shapes image:1x1x8x8 --opt-shapes image:1x1x8x8 --max-shapes image:360x1x8x8
echo "sizes: ONNX model $(kilobytes "$model"), engine $(kilobytes "$engine"), runtime library $(kilobytes "$build/libingot_rt.so")"

title "It reads handwritten digits that it was not trained on"
compile "$work/demo" examples/digits/demo.c -lingot_rt -lm
"$work/demo" "$engine" "$here"

title "Broken on purpose: a weight is missing from the model"
compile "$work/break" examples/digits/break.c
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
