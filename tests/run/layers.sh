#!/bin/sh
# The layering of docs/design.md section 6, and that the check of it can fail.
# SPDX-License-Identifier: Apache-2.0
set -eu
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A planted violation: kern includes the graph.
mkdir -p "$work/src/kern" "$work/include/ingot"
printf '#include "base/util.h"\n#include "ir/graph.h"\n' >"$work/src/kern/planted.c"
printf '#include <stdint.h>\n' >"$work/include/ingot/base.h"
if "$root/tools/check_includes.sh" "$work" >"$work/log"; then
  echo "layers: a planted violation was not found"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
grep -q 'src/kern/planted.c:2: may not include "ir/graph.h"' "$work/log" || { cat "$work/log"; echo "0 passed, 1 failed, 0 skipped"; exit 1; }
exec "$root/tools/check_includes.sh" "$root"
