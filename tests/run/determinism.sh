#!/bin/sh
# The same model gives the same bytes: from two folders, by another name of the folder, with address randomisation and without, under another
# umask, locale and environment, with guess and by replay of a timing cache.
# SPDX-License-Identifier: Apache-2.0
set -u
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
ingot=${INGOT_BUILD:-$root/build}/ingot
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
same() { # WHAT FILE FILE
  if cmp -s "$2" "$3"; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    echo "determinism: $what: $1"
  fi
}
mkdir -p "$work/one" "$work/another folder"
for model in examples/digits/digits tests/models/recurrent tests/models/quantised tests/models/dynamic; do
  what=$model
  cp "$root/$model.onnx" "$work/one/m.onnx"
  cp "$root/$model.onnx" "$work/another folder/m.onnx"
  guess="--tune guess --threads 1"
  # shellcheck disable=SC2086
  {
    (cd "$work/one" && "$ingot" build m.onnx -o a.ingot $guess --quiet)
    (cd / && umask 077 && env -i HOME=/nowhere LC_ALL=C TZ=Asia/Tokyo "$ingot" build "$work/another folder/m.onnx" -o "$work/b.ingot" $guess --quiet)
    (cd "$work/one" && setarch -R true 2>/dev/null && set -- setarch -R || set --; cd "$work/one" && "$@" "$ingot" build m.onnx -o c.ingot $guess --quiet)
  } >"$work/log" 2>&1 || { cat "$work/log"; failed=$((failed + 1)); }
  same "another folder, umask and environment" "$work/one/a.ingot" "$work/b.ingot"
  same "without address randomisation" "$work/one/a.ingot" "$work/one/c.ingot"
  grep -q "$work" "$work/one/a.ingot" && { failed=$((failed + 1)); echo "determinism: $what: the engine holds a path"; }
  # Measured once, then replayed twice.
  rm -f "$work/cache"
  {
    "$ingot" build "$work/one/m.onnx" -o "$work/m.ingot" --tune measure --timing-cache "$work/cache" --threads 1 --quiet
    "$ingot" build "$work/one/m.onnx" -o "$work/d.ingot" --tune replay --timing-cache "$work/cache" --threads 1 --quiet
    "$ingot" build "$work/another folder/m.onnx" -o "$work/e.ingot" --tune replay --timing-cache "$work/cache" --threads 1 --quiet
  } >"$work/log" 2>&1 || { cat "$work/log"; failed=$((failed + 1)); }
  same "replayed twice" "$work/d.ingot" "$work/e.ingot"
  rm -f "$work"/*.ingot "$work"/one/*.ingot
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
