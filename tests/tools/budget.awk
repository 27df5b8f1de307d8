# Holds counts against pinned ones: awk -v file=NAME -f budget.awk PINNED COUNTS. A rise fails; a fall is a line to lower. file: the list's name for messages;
# engines: not empty where only the lines pypi.* are meant, which are left out otherwise.
# SPDX-License-Identifier: Apache-2.0

{ sub(/#.*/, "") }
NF == 0 { next }
FILENAME == ARGV[1] { if (NF != 2) { print file ": not understood: " $0; bad++ } if (($1 ~ /^pypi\./) == (engines != "")) pinned[$1] = $2; next }
{
  seen[$1] = 1
  if (!($1 in pinned)) { print "budget: " $1 " is not in " file; failed++ }
  else if ($2 + 0 > pinned[$1] + 0) {
    print "budget: " $1 " rose from " pinned[$1] " to " $2 ": mend it, or edit its line in " file " with the reason"
    failed++
  } else {
    passed++
    if ($2 + 0 < pinned[$1] + 0) print "budget: " $1 " fell from " pinned[$1] " to " $2 ": lower its line in " file
  }
}
END {
  for (name in pinned) if (!(name in seen)) { print "budget: " name " is no longer counted"; failed++ }
  printf "%d passed, %d failed, 0 skipped\n", passed, failed + bad
  exit failed + bad > 0
}
