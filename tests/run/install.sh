#!/bin/sh
# The installed tree: headers that stand alone in C11 and C++11, pkg-config files, README's program compiled against them and run, and a
# program that needs the runtime alone.
# SPDX-License-Identifier: Apache-2.0
set -eu
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${INGOT_BUILD:-$root/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
not() { ! "$@"; }
check() { # NAME COMMAND...
  name=$1
  shift
  if "$@" >"$work/log" 2>&1; then passed=$((passed + 1)); else
    echo "install: $name"
    cat "$work/log"
    failed=$((failed + 1))
  fi
}

DESTDIR=$work/tree meson install -C "$build" --no-rebuild >"$work/log" 2>&1 || { cat "$work/log"; echo "0 passed, 1 failed, 0 skipped"; exit 1; }
headers=$(dirname "$(find "$work/tree" -name ingot.h)")
libraries=$(dirname "$(find "$work/tree" -name libingot_rt.so)")
program=$(find "$work/tree" -type f -name ingot -perm -u+x)
PKG_CONFIG_PATH=$libraries/pkgconfig
PKG_CONFIG_SYSROOT_DIR=$work/tree
LD_LIBRARY_PATH=
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR

for header in "$headers"/*.h; do
  printf '#include "ingot/%s"\nint main(void) { return 0; }\n' "${header##*/}" >"$work/one.c"
  check "${header##*/} in C11" clang -std=c11 -pedantic-errors -Wall -Wextra -Werror -fsyntax-only -I"${headers%/ingot}" "$work/one.c"
  sed 's/(void)/()/' "$work/one.c" >"$work/one.cc"
  check "${header##*/} in C++11" clang -x c++ -std=c++11 -pedantic-errors -Wall -Wextra -Werror -fsyntax-only -I"${headers%/ingot}" "$work/one.cc"
done

# A status must be used: the program that drops one does not compile, in either language, and the one that looks at it does.
for standard in c11 c++11; do
  case $standard in c11) language=c ;; *) language=c++ ;; esac
  for body in 'ig_env_create(NULL, \&env); return 0;' 'return ig_env_create(NULL, \&env) != NULL;'; do
    echo '#include "ingot/ingot.h"
int main() { ig_env *env; BODY }' | sed "s/BODY/$body/" >"$work/use.c"
    set -- clang -x $language -std=$standard -Werror=unused-result -fsyntax-only -I"${headers%/ingot}" "$work/use.c"
    case $body in
    return*) check "a status that is looked at, in $standard" "$@" ;;
    *) check "a status that is dropped compiles in $standard" not "$@" ;;
    esac
  done
done

# ./do compiles where ccache is installed and has no folder to write to (a user without a home); where it has one, it is used.
mkdir -p "$work/checkout/tests/unit" "$work/stubs"
cp "$root/do" "$work/checkout/"
# shellcheck disable=SC2016
{
  printf '#!/bin/sh\necho "$CCACHE_DIR"\n' >"$work/stubs/ccache"
  printf '#!/bin/sh\n: >"$2/build.ninja"\n' >"$work/stubs/meson"
  printf '#!/bin/sh\n[ "${CCACHE_DISABLE:-0}" = "$EXPECT" ]\n' >"$work/stubs/ninja"
}
chmod +x "$work"/stubs/*
front_door() { (cd "$work/checkout" && unset CCACHE_DISABLE && PATH=$work/stubs:$PATH EXPECT=$1 CCACHE_DIR=$2 ./do build); }
check "./do build uses a ccache that cannot write" front_door 1 /dev/null/ccache
check "./do build leaves a ccache aside that can write" front_door 0 "$work/new/ccache"

# README.md's program, as a user would compile it.
awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$root/README.md" >"$work/hello.c"
# shellcheck disable=SC2046
check "README's program does not compile" cc -std=c11 -Wall -Wextra -Werror -o "$work/hello" "$work/hello.c" $(pkg-config --cflags --libs ingot) \
  -Wl,-rpath,"$libraries"
cd "$root"
"$work/hello" >"$work/answer" 2>&1 || :
check "README's program does not see a seven: $(cat "$work/answer")" grep -q '^7: *\(9[0-9.]*\|100.0\) %$' "$work/answer"
# shellcheck disable=SC2046
check "the demo's program needs more than the runtime" cc -o "$work/demo" examples/digits/demo.c $(pkg-config --cflags --libs ingot_rt) -lm \
  -Wl,-rpath,"$libraries"
check "the installed command does not run" "$program" check examples/digits/digits.onnx
# The runtime needs the C library alone.
readelf -d "$libraries/libingot_rt.so" >"$work/needed"
check "libingot_rt.so needs other libraries" sh -c '! grep NEEDED "$1" | grep -v "\[lib\(c\|m\|pthread\|dl\)\.so\.[0-9]*\]\|\[ld-linux"' sh "$work/needed"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
