#!/bin/sh
# Prints a linker version script: the functions that the headers declare IG_API under INGOT_0, and, with `private`, every
# other ig_ symbol under INGOT_PRIVATE_0. Usage: version_map.sh private|public HEADER...
# SPDX-License-Identifier: Apache-2.0
set -eu
mode=$1
shift
echo "INGOT_0 {"
echo "global:"
sed -n 's/^ *IG_API[^(]*[ *]\(ig_[a-z0-9_]*\) *(.*/  \1;/p' "$@" | LC_ALL=C sort -u
if [ "$mode" = public ]; then
  echo "local:"
  echo "  *;"
  echo "};"
  exit 0
fi
echo "};"
echo "INGOT_PRIVATE_0 {"
echo "global:"
echo "  ig_*;"
echo "local:"
echo "  *;"
echo "};"
