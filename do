#!/bin/sh
# The front door: sets up what a bare Debian machine lacks, builds, tests, demonstrates. `./do help` lists the commands.
# A second run installs nothing and needs no network.
# SPDX-License-Identifier: Apache-2.0
set -eu
unset CDPATH
PATH=${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}
LC_ALL=C.UTF-8
export PATH LC_ALL
root=$(cd "$(dirname "$0")" && pwd)
INGOT_FROM=$PWD   # relative paths of the caller's are meant from here
export INGOT_FROM
cd "$root"

build_packages="gcc meson ninja-build pkg-config libxxhash-dev libc6-dev"
test_packages="libcmocka-dev python3 python3-venv libjansson-dev clang libclang-rt-dev qemu-user valgrind"

help() {
  cat <<'END'
./do build              build/ingot, build/libingot.{so,a}, build/libingot_rt.{so,a}
./do demo               a trained network becomes an engine file and classifies handwritten digits
./do test               unit tests and the test scripts of tests/run
./do test-asan          the same under AddressSanitizer, UBSan and ThreadSanitizer (tests/run-asan)
./do bench [NETWORK ..] real networks beside ONNX Runtime and OpenVINO, answers checked; a floor is held (bench/README.md)
./do install [--prefix DIR] [--destdir DIR]
./do help               this text
What a command needs beyond that is installed with apt: as root, or by sudo where it asks no password; otherwise the one line
to run is printed, and the exit status is 2.
END
}

# Meson compiles through ccache where there is one, and ccache fails without a folder to write to, as for a user without a home.
cache=$(ccache -k cache_dir 2>/dev/null || :)
while [ -n "$cache" ] && [ ! -e "$cache" ]; do cache=$(dirname "$cache"); done
if [ -n "$cache" ] && ! { [ -d "$cache" ] && [ -w "$cache" ]; }; then
  CCACHE_DISABLE=1
  export CCACHE_DISABLE
fi

# ---- set-up -------------------------------------------------------------------------------------------------------------

works() { "$1" --version >/dev/null 2>&1; }

# A compiler or tool that the user put there himself is as good as the package.
have() {
  dpkg-query -W -f '${Status}\n' "$1" 2>/dev/null | grep -q '^install ok installed' && return 0
  case $1 in
  gcc) works cc && works gcc ;;
  meson | pkg-config | clang | valgrind) works "$1" ;;
  ninja-build) works ninja ;;
  qemu-user) works qemu-x86_64 ;;
  *) return 1 ;;
  esac
}

need() {
  missing=
  for package in "$@"; do
    have "$package" || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  line="apt-get install -y --no-install-recommends$missing"
  as=
  if ! command -v apt-get >/dev/null; then
    echo "do: missing:$missing (Debian's names); install them and run this again" >&2
    exit 2
  elif [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2>/dev/null; then
      echo "do: packages are missing; as root, run: apt-get update && $line" >&2
      exit 2
    fi
    as="sudo -n"
  fi
  echo "do: installing$missing"
  # A failed update need not matter: the lists may be there.
  (umask 022 && $as apt-get update -qq) || :
  # shellcheck disable=SC2086
  if ! (umask 022 && $as env DEBIAN_FRONTEND=noninteractive $line -qq); then
    echo "do: apt-get failed; as root, run: apt-get update && $line" >&2
    exit 2
  fi
}

# need_python FOLDER LIST [PIP-OPTION]: a Python environment of exact versions; made anew when the list, the place or the interpreter has changed.
need_python() {
  venv=$1
  list=$2
  shift 2
  python=/usr/bin/python3
  [ -x "$python" ] || python=python3
  stamp="$root $("$python" --version) $(cksum <"$list")"
  [ -f "$venv/stamp" ] && [ "$(cat "$venv/stamp")" = "$stamp" ] && "$venv/bin/python" -c '' 2>/dev/null && return 0
  echo "do: making $venv ($list)"
  rm -rf "$venv"
  if ! "$python" -m venv "$venv" || ! "$venv/bin/python" -m pip install -q --no-input --disable-pip-version-check "$@" -r "$list"; then
    echo "do: the Python environment could not be made; it needs a network once: $venv/bin/python -m pip install $* -r $list" >&2
    rm -rf "$venv"
    exit 2
  fi
  printf '%s\n' "$stamp" >"$venv/stamp"
}

# configure DIR ARGS...: (re)configures where the checkout has moved, the arguments differ or unit tests have come or gone.
configure() {
  dir=$1
  shift
  stamp="$root $* $(cd tests/unit 2>/dev/null && ls | cksum)"
  if [ -f "$dir/build.ninja" ] && [ "$(head -n 1 "$dir/ingot-root" 2>/dev/null)" = "$root" ]; then
    [ "$(tail -n 1 "$dir/ingot-root")" = "$stamp" ] && return 0
    meson setup --reconfigure "$dir" "$@" >"$dir/configure.log" 2>&1 || { cat "$dir/configure.log" >&2; exit 1; }
  else
    rm -rf "$dir"
    mkdir "$dir"
    meson setup "$dir" "$@" >"$dir/configure.log" 2>&1 || { cat "$dir/configure.log" >&2; exit 1; }
  fi
  printf '%s\n%s\n' "$root" "$stamp" >"$dir/ingot-root"
}

build() {
  # shellcheck disable=SC2086
  need $build_packages
  # A folder that is configured with tests stays so.
  if [ ! -f build/build.ninja ] || [ "$(head -n 1 build/ingot-root 2>/dev/null)" != "$root" ]; then
    configure build
  fi
  ninja --quiet -C build
}

# ---- tests --------------------------------------------------------------------------------------------------------------

passed=0
failed=0
skipped=0

count() { sed -n "s/^$1: *\([0-9][0-9]*\) *\$/\1/p" "$2" | tail -n 1 | grep . || echo 0; }

# unit DIR SUITE [WRAPPER...]: the unit tests of a build folder; a program is one test.
unit() {
  dir=$1
  suite=$2
  shift 2
  log="$dir/unit.log"
  status=0
  "$@" meson test -C "$dir" --suite "$suite" --no-rebuild --print-errorlogs >"$log" 2>&1 || status=$?
  cat "$log"
  n_failed=$(($(count Fail "$log") + $(count Timeout "$log") + $(count 'Unexpected Pass' "$log")))
  [ "$status" = 0 ] || [ "$n_failed" -gt 0 ] || n_failed=1
  passed=$((passed + $(count Ok "$log") + $(count 'Expected Fail' "$log")))
  failed=$((failed + n_failed))
  skipped=$((skipped + $(count Skipped "$log")))
}

closing='^[0-9][0-9]* passed, [0-9][0-9]* failed, [0-9][0-9]* skipped$'

# scripts FOLDER LOG: runs its executable *.sh and adds up their closing lines; one without such a line has failed.
scripts() {
  log=$2
  for script in "$1"/*.sh; do
    [ -x "$script" ] || continue
    echo "== $script"
    { status=0; "./$script" || status=$?; echo "$status" >"$log.status"; } 2>&1 | tee "$log" | sed "s|$closing|$script: &|"
    line=$(grep "$closing" "$log" | tail -n 1 || :)
    if [ -z "$line" ]; then
      echo "$script: ended with status $(cat "$log.status") and without a closing line"
      failed=$((failed + 1))
      continue
    fi
    # shellcheck disable=SC2086
    set -- "$1" "$log" $line
    passed=$((passed + $3))
    skipped=$((skipped + $7))
    if [ "$5" = 0 ] && [ "$(cat "$log.status")" != 0 ]; then
      echo "$script: ended with status $(cat "$log.status")"
      failed=$((failed + 1))
    fi
    failed=$((failed + $5))
  done
}

close() {
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" = 0 ]
}

set_up_tests() {
  # shellcheck disable=SC2086
  need $build_packages $test_packages
  need_python .venv tests/requirements.txt --no-deps
  INGOT_ROOT=$root
  INGOT_PYTHON=$root/.venv/bin/python
  export INGOT_ROOT INGOT_PYTHON
}

run_tests() {
  set_up_tests
  configure build -Dtests=true
  ninja --quiet -C build
  INGOT_BUILD=$root/build
  export INGOT_BUILD
  unit build unit env
  scripts tests/run build/script.log
  close
}

run_tests_asan() {
  set_up_tests
  configure build-asan -Dtests=true -Db_sanitize=address,undefined -Doptimization=1 -Ddebug=true -Dc_args=-fno-sanitize-recover=all
  ninja --quiet -C build-asan
  ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:allocator_may_return_null=1:hard_rss_limit_mb=4096
  UBSAN_OPTIONS=print_stacktrace=1
  export ASAN_OPTIONS UBSAN_OPTIONS
  unit build-asan unit env

  configure build-tsan -Dtests=true -Db_sanitize=thread -Doptimization=1 -Ddebug=true
  targets=$(cd build-tsan && meson test --list --suite tsan 2>/dev/null | sed -n 's|^.* / |tests/|p')
  # shellcheck disable=SC2086
  ninja --quiet -C build-tsan $targets
  TSAN_OPTIONS=halt_on_error=1
  export TSAN_OPTIONS
  # ThreadSanitizer cannot place its shadow memory under some kernels' address randomisation.
  if setarch -R true 2>/dev/null; then unit build-tsan tsan setarch -R; else unit build-tsan tsan env; fi

  INGOT_BUILD=$root/build-asan
  INGOT_BUILD_TSAN=$root/build-tsan
  export INGOT_BUILD INGOT_BUILD_TSAN
  scripts tests/run-asan build-asan/script.log
  close
}

# ---- speed --------------------------------------------------------------------------------------------------------------

# INGOT_BENCH_PYTHON names an interpreter that has what bench/requirements.txt lists.
bench() {
  build >&2
  if [ "${1:-}" = --kernels ]; then
    exec build/ingot bench "$@"
  fi
  need python3 python3-venv
  mkdir -p build/bench
  [ -n "${INGOT_BENCH_PYTHON:-}" ] || need_python build/bench/venv bench/requirements.txt
  exec "${INGOT_BENCH_PYTHON:-$root/build/bench/venv/bin/python}" bench/bench.py --root "$root" --build "$root/build" "$@"
}

# ---- commands -----------------------------------------------------------------------------------------------------------

install_all() {
  destdir=
  prefix=
  while [ $# -gt 0 ]; do
    case $1 in
    --prefix) prefix=${2:?do install: --prefix needs a folder} ;;
    --destdir) destdir=${2:?do install: --destdir needs a folder} ;;
    *) echo "do install: unknown option '$1'; ./do help" >&2; exit 2 ;;
    esac
    shift 2
  done
  build
  [ -z "$prefix" ] || meson configure build -Dprefix="$prefix"
  meson install -C build ${destdir:+--destdir "$destdir"}
}

command=${1:-help}
[ $# -eq 0 ] || shift
case $command in
build) build ;;
demo)
  build
  INGOT_BUILD=$root/build INGOT_ROOT=$root exec examples/digits/demo.sh "$@"
  ;;
test) run_tests ;;
test-asan) run_tests_asan ;;
bench) bench "$@" ;;
install) install_all "$@" ;;
help | -h | --help) help ;;
*)
  echo "do: unknown command '$command'" >&2
  help >&2
  exit 2
  ;;
esac
