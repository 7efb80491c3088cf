#!/usr/bin/env bash
# The chaos suite on the distribution: real faults for a while, nothing lost, and nothing left behind, also when it is
# interrupted. What this machine does not allow is skipped by the suite itself, which says so.
#
#   deploy/src/test/chaos.sh DISTRIBUTION DIRECTORY_FOR_REPORTS MINUTES
set -euo pipefail

home=$(readlink -f "$1")
reports=$2
minutes=$3
work=$(mktemp -d)
run=''
finish() {
  if [[ -n $run ]] && kill -TERM "$run" 2>/dev/null; then # which gives back disks and networks
    wait "$run" || true
  fi
  rm -rf "$work"
}
trap finish EXIT
mkdir -p "$reports"
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

# every directory, process, mount and network of a run has this in its name
left() {
  find "$work" -mindepth 1 -maxdepth 1 -name 'kontiki-chaos-*'
  grep -F "$work" /proc/self/mounts || true
  if command -v ip >/dev/null; then ip netns list 2>/dev/null | grep "^kc$1-" || true; fi
  ps -eo pid,args | grep -F "$work/kontiki-chaos-" | grep -v grep || true
}
# the temporary directory of the runs
export KONTIKI_CLI_JVM_OPTS="${KONTIKI_CLI_JVM_OPTS:-} -Djava.io.tmpdir=$work"

printf 'interrupted while it works\n'
# and without namespaces, which whoever is not root has to do without
"$home/bin/kontiki" chaos run --faults kill,freeze-long,cut-node --network proxy --minutes 5 --report "$reports/interrupted" >"$work/log" 2>&1 &
run=$!
pid=$run
for ((i = 0; i < 600; i++)); do
  if grep -q ' 1 [a-z-]*: ' "$work/log"; then break; fi
  kill -0 "$run" 2>/dev/null || { cat "$work/log"; fail 'it ended by itself'; }
  sleep 0.5
done
grep -q ' 1 [a-z-]*: ' "$work/log" || { cat "$work/log"; fail 'no fault within five minutes'; }
kill -TERM "$run"
wait "$run" && fail 'interrupted, and exit code 0'
run=''
[[ -z $(left "$pid") ]] || fail "interrupted, it leaves behind: $(left "$pid")"

printf 'faults for %s minutes\n' "$minutes"
# In a build those that need least of the machine; all kinds by hand, or in an hour of the profile.
few='kill,kill-leader,kill-metadata-leader,kill-two,kill-all,freeze-long,restart,restart-rolling,cut-node,cut-from-followers'
faults=()
((minutes > 10)) || faults=(--faults "$few")
"$home/bin/kontiki" chaos run --minutes "$minutes" "${faults[@]}" --report "$reports" &
run=$!
pid=$run
if ! wait "$run"; then
  mkdir -p "$reports/nodes"
  cp "$work"/kontiki-chaos-*/node-*.log "$reports/nodes/" 2>/dev/null || true
  fail "see $reports/report.html and the nodes' logs beside it"
fi
run=''
[[ -z $(left "$pid") ]] || fail "it leaves behind: $(left "$pid")"
for file in report.txt report.json report.html; do
  [[ -s $reports/$file ]] || fail "no $file"
done
printf 'OK\n'
