#!/bin/sh
# Ingot against ONNX Runtime, interleaved in five rounds: `./do bench [MODEL.onnx[@SHAPES] ...] [--threads N] [--seconds S]`. Without models: the digits, one
# image and 360 at once. `bench/run.sh --kernels [NAME]` times each product kernel against the core's own peak. SHAPES as in docs/command-line.md. Prints a table; bench.json in the build folder holds every round.
# SPDX-License-Identifier: Apache-2.0
set -eu
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/.." && pwd)}
build=${INGOT_BUILD:-$root/build}
if [ "${1:-}" = --kernels ]; then
  shift
  [ -x "$build/tests/bench_kernels" ] || { echo "bench: $build/tests/bench_kernels is missing: build with -Dtests=true (./do test does it)" >&2; exit 2; }
  exec "$build/tests/bench_kernels" "$@"
fi
python=${INGOT_PYTHON:-$root/.venv/bin/python}
[ -x "$python" ] || { echo "bench: no Python environment: run it as ./do bench" >&2; exit 2; }
exec "$python" "$root/bench/bench.py" --build "$build" --root "$root" "$@"
