#!/bin/sh
# What the objects name: no kernel or tactic of src/cpu calls the reference, and the public names of the two libraries are those of
# tests/golden/exports.txt. INGOT_UPDATE_GOLDEN=1 rewrites the list.
# SPDX-License-Identifier: Apache-2.0
set -u
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${INGOT_BUILD:-$root/build}
golden=$root/tests/golden/exports.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
check() { # MESSAGE STATUS
  if [ "$2" = 0 ]; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    echo "nm: $1"
  fi
}

# Objects of src/cpu, those of single instruction sets among them; hal/ref_device.c is the shim by which engines reach the reference.
find "$build" -name 'src_cpu_*.o' -o -path '*/libcpu_*' -name '*.o' | grep -v '\.so\.' | sort >"$work/objects"
[ "$(wc -l <"$work/objects")" -ge "$(find "$root/src/cpu" -name '*.c' | wc -l)" ]
check "objects of src/cpu are missing" $?
while read -r object; do nm "$object" | grep 'ig_ref_' | sed "s|^|$object: |"; done <"$work/objects" >"$work/named"
[ ! -s "$work/named" ]
check "src/cpu names the reference: $(head -n 5 "$work/named")" $?
find "$build" -name 'src_hal_ref_device.c.o' -exec nm {} + | grep -q 'U ig_ref_run'
check "the shim does not name the reference: the check sees nothing" $?

for library in ingot_rt ingot; do
  nm -D --defined-only "$build/lib$library.so" | sed -n "s/^[0-9a-f]* [TDBRVW] \(ig_[a-z0-9_]*\)@@INGOT_0\$/$library \1/p"
done | LC_ALL=C sort >"$work/exports"
[ -z "${INGOT_UPDATE_GOLDEN:-}" ] || cp "$work/exports" "$golden"
diff "$golden" "$work/exports" >"$work/diff"
check "public names differ from tests/golden/exports.txt (INGOT_UPDATE_GOLDEN=1 accepts): $(cat "$work/diff")" $?
# Nothing but ig_ names leaves the libraries, and every name that the headers declare does.
for library in ingot_rt ingot; do nm -D --defined-only "$build/lib$library.so"; done | awk '$2 != "A" { print $3 }' | grep -v '^ig_' >"$work/foreign"
[ ! -s "$work/foreign" ]
check "other names leave the libraries: $(head -n 5 "$work/foreign")" $?
sed -n 's/^ *IG_API[^(]*[ *]\(ig_[a-z0-9_]*\) *(.*/\1/p' "$root"/include/ingot/*.h | LC_ALL=C sort -u >"$work/declared"
sed 's/.* //' "$work/exports" | LC_ALL=C sort -u | diff "$work/declared" - >"$work/diff"
check "declared and exported names differ: $(cat "$work/diff")" $?
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
