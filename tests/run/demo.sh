#!/bin/sh
# The demo's lines are computed: as it stands, with a label changed, and with a weight changed; and the demo on a model of one's own.
# SPDX-License-Identifier: Apache-2.0
set -eu
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${INGOT_BUILD:-$root/build}
export INGOT_ROOT="$root" INGOT_BUILD="$build"
work=$(mktemp -d)
export INGOT_DEMO="$work/out"
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
expect() { # FILE PATTERN
  if grep -q -- "$2" "$1"; then passed=$((passed + 1)); else
    echo "demo: no line matches '$2' in:"
    cat "$1"
    failed=$((failed + 1))
  fi
}

"$root/examples/digits/demo.sh" >"$work/plain" 2>&1 || { echo "demo: failed"; failed=$((failed + 1)); }
expect "$work/plain" '^9 nodes: all can be built$'
expect "$work/plain" '^9 nodes -> [0-9]* steps'
expect "$work/plain" '^356 of 360 held-out images right (98.89 %)$'
expect "$work/plain" "^360 of 360 answers are ONNX Runtime's; the probabilities differ by [0-9.]*e-0[678] at most"
expect "$work/plain" "^ingot: error: .*node 'conv_2' (Conv): input 'conv_2.weight' is defined by no node"
expect "$work/plain" '^ingot: error: .*section WGTS: hash mismatch'
expect "$work/plain" '^7: *[0-9.]* %$'

# The first label becomes another digit: one image fewer is right.
cp -r "$root/examples/digits" "$work/digits"
first=$(head -n 1 "$work/digits/images/labels.txt")
{ echo $(((first + 1) % 10)); tail -n +2 "$root/examples/digits/images/labels.txt"; } >"$work/digits/images/labels.txt"
INGOT_DIGITS=$work/digits "$root/examples/digits/demo.sh" >"$work/label" 2>&1 || { echo "demo: failed with a label changed"; failed=$((failed + 1)); }
expect "$work/label" '^355 of 360 held-out images right (98.61 %)$'

# One byte of the last weight, a bias of the classifier, becomes its exponent's opposite: the answers are no longer ONNX Runtime's.
cp "$root/examples/digits/images/labels.txt" "$work/digits/images/labels.txt"
"${INGOT_PYTHON:-python3}" - "$work/digits/digits.onnx" <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
at = data.index(b"classifier.bias", data.index(b"classifier.weight") + 4000)
floats = data.index(b"J\x28", at) + 2          # raw_data of ten floats
data[floats + 3] = 0x42                        # the first becomes some tens
open(sys.argv[1], "wb").write(data)
END
INGOT_DIGITS=$work/digits "$root/examples/digits/demo.sh" >"$work/weight" 2>&1 || { echo "demo: failed with a weight changed"; failed=$((failed + 1)); }
if grep -q '^360 of 360 answers are' "$work/weight" || ! grep -q "answers are ONNX Runtime's" "$work/weight"; then
  echo "demo: a changed weight does not show"
  cat "$work/weight"
  failed=$((failed + 1))
else
  passed=$((passed + 1))
fi

cd "$root/tests"
INGOT_FROM=$PWD "$root/examples/digits/demo.sh" models/add.onnx >"$work/own" 2>&1 || { echo "demo: failed with a model of one's own"; failed=$((failed + 1)); }
expect "$work/own" '^1 node: all can be built$'
expect "$work/own" '^median '
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
