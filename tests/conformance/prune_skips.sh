#!/bin/sh
# Takes the cases that pass by now off skip.txt. Usage: prune_skips.sh CONFORMANCE_PROGRAM CASES
# SPDX-License-Identifier: Apache-2.0
set -eu
list=$(cd "$(dirname "$0")" && pwd)/skip.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" "$2" --skip "$list" >"$work/log" || :
sed -n 's/^FAIL \([^:]*\): passes, but the skip list says.*/\1/p' "$work/log" >"$work/passing"
awk -F: -v names="$work/passing" 'BEGIN { while ((getline name <names) > 0) passing[name] = 1 } !($1 in passing)' "$list" >"$work/list"
cat "$work/list" >"$list"
echo "$(wc -l <"$work/passing") taken off"
