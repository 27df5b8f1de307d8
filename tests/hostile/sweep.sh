#!/bin/sh
# sweep.sh BUILD [KIB]: `ingot build` of every hostile model ends in time, within KIB of address space where given, with an exit code that its
# manifest allows, and names the limit that it exceeds.
# SPDX-License-Identifier: Apache-2.0
set -u
ingot=$1/ingot
kib=${2:-unlimited}
root=${INGOT_ROOT:-.}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${INGOT_PYTHON:-python3}" "$root/tests/hostile/make_hostile.py" "$folder/models" || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }
passed=0
failed=0
fail() {
  failed=$((failed + 1))
  echo "failed: $name: $1"
  head -c 400 "$folder/err"
}
while read -r name codes limit; do
  status=0
  (ulimit -v "$kib" && exec timeout -s KILL 20 "$ingot" build "$folder/models/$name" -o "$folder/out.ingot" --tune guess --threads 1) >"$folder/out" 2>"$folder/err" || status=$?
  case ",$codes," in
  *",$status,"*)
    if [ "$status" = 6 ] && [ "$limit" != - ] && ! grep -q -- "$limit" "$folder/err"; then fail "the message does not name '$limit'"
    elif [ "$status" != 0 ] && [ ! -s "$folder/err" ]; then fail "no message"
    else passed=$((passed + 1)); fi
    ;;
  *) fail "exit status $status, expected $codes" ;;
  esac
done <"$folder/models/manifest.txt"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
