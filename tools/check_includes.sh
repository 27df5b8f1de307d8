#!/bin/sh
# Who may include whom (docs/design.md, section 6). Prints every include that the table does not allow, and one closing line;
# a source folder is one check. Usage: check_includes.sh [ROOT]
# SPDX-License-Identifier: Apache-2.0
set -eu
root=${1:-$(cd "$(dirname "$0")/.." && pwd)}
cd "$root"

# folder: what its files may include besides itself and the system's headers. `ingot/x` is include/ingot/x.h.
allowed() {
  case $1 in
  base) echo "ingot/base" ;;
  kern) echo "ingot/base base" ;;
  ref) echo "ingot/base base kern" ;;
  ir) echo "ingot/base base kern" ;;
  ops) echo "ingot/base base kern ir" ;;
  opt | onnx) echo "ingot/base base kern ir ops" ;;
  plan) echo "ingot/base base kern" ;;
  hal) echo "ingot/base base kern ref" ;;
  cpu) echo "ingot/base base kern hal ref" ;;
  rt) echo "ingot/base ingot/runtime base kern plan hal" ;;
  build) echo "ingot base kern ref ir ops opt plan hal cpu rt" ;;
  api) echo "ingot base kern ref ir ops opt onnx plan hal cpu rt build" ;;
  cli) echo "ingot base" ;;
  *) return 1 ;;
  esac
}

passed=0
failed=0
for folder in src/*/; do
  layer=${folder#src/}
  layer=${layer%/}
  if ! may=$(allowed "$layer"); then
    echo "$folder: the folder has no line in tools/check_includes.sh"
    failed=$((failed + 1))
    continue
  fi
  bad=$(find "$folder" -type f \( -name '*.c' -o -name '*.h' -o -name '*.def' \) -exec grep -Hn '^ *# *include *"' {} + | LC_ALL=C sort | awk -v layer="$layer" -v may="$may" '
    BEGIN { n = split(may, words, " "); for (i = 1; i <= n; i++) ok[words[i]] = 1; ok[layer] = 1 }
    {
      path = $0; sub(/^[^"]*"/, "", path); sub(/".*/, "", path)
      split(path, part, "/"); header = path; sub(/\.h$/, "", header)
      if ((part[1] in ok) || (header in ok)) next
      where = $0; sub(/: *#.*/, "", where)
      print where ": may not include \"" path "\""
    }')
  if [ -n "$bad" ]; then
    printf '%s\n' "$bad"
    failed=$((failed + 1))
  else
    passed=$((passed + 1))
  fi
done

# The public headers stand alone.
bad=$(grep -n '^ *# *include *"' include/ingot/*.h | grep -v '"ingot/[a-z]*\.h"' || :)
if [ -n "$bad" ]; then
  printf '%s\n' "$bad"
  failed=$((failed + 1))
else
  passed=$((passed + 1))
fi
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
