#!/bin/sh
# What the documents say of the tree: links and source files exist, README's program is examples/hello_terse.c, every option of every
# subcommand is described, every section of the engine file too, every source folder has a README.
# SPDX-License-Identifier: Apache-2.0
set -eu
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
ingot=${INGOT_BUILD:-$root/build}/ingot
cd "$root"
passed=0
failed=0
check() { # NAME STATUS
  if [ "$2" = 0 ]; then passed=$((passed + 1)); else
    echo "docs: $1"
    failed=$((failed + 1))
  fi
}

bad=0
for page in README.md SECURITY.md docs/*.md examples/digits/README.md; do
  for link in $(sed -n 's/](\([^)#]*\)[^)]*)/\n\1\n/gp' "$page" | grep -v ' ' | grep '^[A-Za-z.][A-Za-z0-9_./-]*$' | grep '[./]' || :); do
    case $link in http*) continue ;; esac
    [ -e "$(dirname "$page")/$link" ] || { echo "$page: no file $link"; bad=1; }
  done
  for path in $(grep -o '`\(src\|tests\|include\|tools\|examples\|bench\|docs\)/[A-Za-z0-9_./-]*`' "$page" | tr -d '`'); do
    [ -e "$path" ] || { echo "$page: no file $path"; bad=1; }
  done
done
check "a link or path leads nowhere" "$bad"

awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' README.md >"${TMPDIR:-/tmp}/docs.$$"
sed '1,/\*\//d' examples/hello_terse.c | cmp -s - "${TMPDIR:-/tmp}/docs.$$" && bad=0 || bad=1
rm -f "${TMPDIR:-/tmp}/docs.$$"
check "README.md's program is not examples/hello_terse.c" "$bad"

bad=0
for command in $("$ingot" --help | sed -n 's/^  ingot \([a-z]*\) .*/\1/p'); do
  for option in $("$ingot" "$command" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p'); do
    grep -q -- "$option\([^a-z-]\|$\)" docs/command-line.md || { echo "docs/command-line.md: $command $option is missing"; bad=1; }
  done
done
check "an option is not described" "$bad"

bad=0
for tag in $(sed -n 's/^IG_SECTION("\([A-Z]*\)".*/\1/p' src/plan/sections.def); do
  grep -q "^| $tag |" docs/engine-format.md || { echo "docs/engine-format.md: section $tag is missing"; bad=1; }
done
check "a section is not described" "$bad"

bad=0
for kind in $(sed -n 's/^IG_KIND(\([a-z]*\),.*/\1/p' src/kern/kinds.def); do
  sed -n '/^1\. \*\*Narrow waist/,/^2\./p' docs/design.md | sed 's/; later.*//' | grep -qw "$kind" || { echo "docs/design.md, section 1: kind $kind is missing"; bad=1; }
done
check "a kind is not named" "$bad"

bad=0
for op in $(sed -n '/^\*\*What it does not do yet/,/^$/p' README.md | grep -o '[A-Z][A-Za-z]*' | sort -u); do
  ! grep -q "^IG_OP($op)" src/ops/ops.def || { echo "README.md: $op is there, and is listed as missing"; bad=1; }
done
check "README.md says less than there is" "$bad"

bad=0
for folder in src/*/; do [ -f "${folder}README.md" ] || { echo "$folder has no README.md"; bad=1; }; done
check "a folder has no README" "$bad"

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
