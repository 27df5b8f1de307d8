#!/bin/sh
# Vector registers stay in registers: disassembles the objects of the products' kernels as gcc built them and fails where an innermost
# loop that multiplies stores a vector register to the stack. Other compilers' builds are tested for answers only.
# SPDX-License-Identifier: Apache-2.0
set -u
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${INGOT_BUILD:-$root/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Innermost loops (a jump back with no other inside) of each function of one object: prints "loops N" of those that multiply, and each store.
cat >"$work/loops.awk" <<'END'
function hex(s, n, i) {
  n = 0
  for (i = 1; i <= length(s); i++) n = n * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
  return n
}
function flush(i, j, k, to, inner, works, bad) {
  for (i = 1; i <= n; i++) {
    if (text[i] !~ /^j[a-z]+ +[0-9a-f]+/) continue
    split(text[i], word, / +/)
    to = hex(word[2])
    if (to > at[i] || to < at[1]) continue
    inner = 1
    works = 0
    bad = ""
    for (j = i - 1; j >= 1 && at[j] >= to; j--) {
      if (text[j] ~ /^j[a-z]+ +[0-9a-f]+/) {
        split(text[j], word, / +/)
        k = hex(word[2])
        if (k <= at[j] && k >= to) inner = 0
      }
      if (text[j] ~ /^v(fn?madd|pmaddw|pdpbus|pdpwss)/) works++
      if (text[j] ~ /^vmov[a-z0-9]* +%[xyz]mm[0-9]+,[^ ]*\(%r[sb]p/) bad = bad "\n" name ": " text[j]
    }
    if (!inner || !works || name ~ /^<(results|apply)[.>]/) continue   # the way back from Winograd's points: 36 values fit no register file
    loops++
    if (bad != "") print "spill" bad
  }
  n = 0
}
/^[0-9a-f]+ <.*>:$/ { flush(); name = $2; next }
/^ *[0-9a-f]+:\t/ {
  n++
  split($0, part, "\t")
  gsub(/[ :]/, "", part[1])
  at[n] = hex(part[1])
  text[n] = part[2]
  sub(/ +$/, "", text[n])
}
END { flush(); print "loops " loops + 0 }
END

passed=0
failed=0
skipped=0
# A planted spill is found.
printf '0000000000000000 <f>:\n   0:\tvfmadd231ps %%zmm1,%%zmm2,%%zmm3\n   6:\tvmovups %%zmm3,0x40(%%rsp)\n   c:\tjne    0 <f>\n' >"$work/planted"
if [ "$(awk -f "$work/loops.awk" "$work/planted" | grep -c 'vmovups %zmm3')" = 1 ]; then passed=1; else
  failed=1
  echo "spills: a planted spill was not found"
fi
for name in gemm_f32_avx2 gemm_f32_avx512 depthwise_f32_avx2 depthwise_f32_avx512 narrow_f32_avx2 narrow_f32_avx512 matmul_f32_avx2 matmul_f32_avx512 winograd4_f32_avx2 winograd4_f32_avx512 winograd2_f32_avx2 winograd2_f32_avx512 winograd4_s8_avx2 winograd4_s8_avx512vnni winograd2_s8_avx2 winograd2_s8_avx512vnni int8_avx2 int8_words_avx2 int8_avx512vnni rnn_avx2 rnn_avx512; do
  object=$(find "$build" -path '*/libcpu_*' -name "kernels_$name.c.o" | head -n 1)
  if [ -z "$object" ]; then
    failed=$((failed + 1))
    echo "spills: no object of kernels/$name.c in $build"
    continue
  fi
  if ! command -v objdump >/dev/null; then
    skipped=$((skipped + 1))
    echo "spills: skipped $name: no objdump"
    continue
  fi
  if objdump -s -j .comment "$object" | grep -q clang || nm "$object" | grep -q '__asan_\|__tsan_\|__ubsan_'; then
    skipped=$((skipped + 1))
    echo "spills: skipped $name: not a plain gcc build"
    continue
  fi
  objdump -d --no-show-raw-insn "$object" | awk -f "$work/loops.awk" >"$work/found"
  loops=$(sed -n 's/^loops //p' "$work/found")
  if grep -q '^spill' "$work/found"; then
    failed=$((failed + 1))
    echo "spills: $name stores vector registers to the stack inside of a loop:"
    grep -v '^loops\|^spill' "$work/found" | head -n 8
  elif [ "$loops" -lt "$(case $name in gemm* | int8* | winograd*) echo 6 ;; depthwise*) echo 1 ;; *) echo 0 ;; esac)" ]; then
    failed=$((failed + 1))
    echo "spills: $name has $loops loops that multiply: the check sees nothing"
  else
    passed=$((passed + 1))
  fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
