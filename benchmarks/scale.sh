#!/usr/bin/env bash
# One node with 10,000 partitions of a few segments each, next to an empty one: time from the start of the process until
# every partition has a leader that serves, after a clean stop and after SIGKILL with records of every partition in the
# journal, also again and again before the first checkpoint of a life is through; memory, open files, CPU of a quiet minute, the same minute for both. Linux only (reads /proc).
#
#   benchmarks/scale.sh [PARTITIONS] [DIRECTORY]      default 10000, $TMPDIR or /tmp
#
#   QUIET     seconds over which idle CPU is measured, default 60
#
# About 5 minutes with the defaults on a quiet machine. Whatever takes longer than 5 minutes by itself ends the script.
# `QUIET=5 benchmarks/scale.sh 100` takes a minute and shows that everything works.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source benchmarks/build.sh
partitions=${1:-10000}
quiet=${QUIET:-60}
ticks=$(getconf CLK_TCK)
work=$(mktemp -d -p "${2:-${TMPDIR:-/tmp}}" kontiki-scale.XXXXXX)
pid=''
idle_pid=''
finish() {
  local each
  for each in $pid $idle_pid; do
    kill -KILL "$each" 2>/dev/null || true
    wait "$each" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap finish EXIT

base=$((21000 + RANDOM % 300 * 30))
start() { # $1: directory of the node, which always has the same ports
  at=$base
  if [[ $1 == "$work/empty" ]]; then at=$((base + 10)); fi
  printf '%s\n' 'node.id = 1' "data.dir = $1" "cluster.voters = 1@127.0.0.1:$((at + 1))" \
    "grpc.listen = 127.0.0.1:$at" "raft.listen = 127.0.0.1:$((at + 1))" \
    "http.listen = 127.0.0.1:$((at + 2))" "replication.listen = 127.0.0.1:$((at + 4))" >"$1.conf"
  begun=$(date +%s%N)
  "${launcher[0]}" server --config "$1.conf" >>"$work/server.log" 2>&1 &
  pid=$!
}
elapsed() { echo $((($(date +%s%N) - begun) / 1000000)); }
metric() { curl -s -m 5 "http://127.0.0.1:$((at + 2))/metrics" | awk -v name="$1" '$1 ~ "^" name { sum += $2 } END { print sum + 0 }'; }
timely() { if (($(elapsed) > 300000)); then tail -30 "$work/server.log" >&2; echo 'scale: took too long' >&2; exit 1; fi; }
fill() { timeout 300 bash -c 'cd "$1"; source <(sed "/^mvn/d" benchmarks/build.sh); shift; exec_java "$@"' - "$PWD" io.kontiki.benchmarks.ScaleData "$@"; }
until_leading() { # $1: partitions that the node is to lead
  until curl -sf -m 5 -o /dev/null "http://127.0.0.1:$((at + 2))/readyz"; do
    kill -0 "$pid" 2>/dev/null || { tail -30 "$work/server.log" >&2; exit 1; }
    timely
    sleep 0.02
  done
  until [[ $(metric kontiki_partition_leader) == "$1" ]]; do
    timely
    sleep 0.02
  done
}
stop() {
  kill -TERM "$pid"
  wait "$pid" || true
  pid=''
}
ticks_of() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
cost() { # $1: process, $2: its ticks when the quiet time began
  awk -v rss="$(awk '/^VmRSS/ { print $2 }' "/proc/$1/status")" -v files="$(ls "/proc/$1/fd" | wc -l)" \
    -v used=$(($(ticks_of "$1") - $2)) -v hz="$ticks" -v s="$quiet" \
    'BEGIN { printf "%d MB, %d open files, %.4f of a core over %d s\n", rss / 1024, files, used / hz / s, s }'
}
costs() { # memory, files and CPU of a quiet time: of the node under test and of an empty one beside it
  local idle_before before
  idle_pid=$pid
  start "$work/data"
  until_leading "$partitions"
  echo "clean stop, run 3: leading after $(elapsed) ms, beside the empty node"
  sleep 30 # until the first checkpoint is through and most of what runs is compiled
  idle_before=$(ticks_of "$idle_pid")
  before=$(ticks_of "$pid")
  sleep "$quiet"
  echo "with $partitions partitions: $(cost "$pid" "$before")"
  echo "empty node: $(cost "$idle_pid" "$idle_before")"
  kill -KILL "$idle_pid"
  wait "$idle_pid" 2>/dev/null || true
  idle_pid=''
}

./kontiki --version >/dev/null # builds, and makes the class-data archive, before anything is timed
launcher=(deploy/target/kontiki-*/bin/kontiki)
start "$work/empty"
until_leading 0
echo "empty node, for the first time: leading after $(elapsed) ms"
stop
start "$work/empty"
until_leading 0
echo "empty node, started again after a clean stop: leading after $(elapsed) ms"
stop

start "$work/data"
until_leading 0
"${launcher[0]}" topic create scale --partitions "$partitions" --replication-factor 1 --config segment.bytes=10k \
  --bootstrap "127.0.0.1:$at" --http "127.0.0.1:$((at + 2))" --timeout 120s >/dev/null
until_leading "$partitions"
echo "topic made: $(elapsed) ms after the start"
stop
fill "$work/data/log" 25 stop
du -sh "$work/data/log" | awk '{ print "log directory: " $1 }'

for run in 1 2; do
  start "$work/data"
  until_leading "$partitions"
  echo "clean stop, run $run: leading after $(elapsed) ms"
  begun=$(date +%s%N)
  stop
  echo "  stopped in $(elapsed) ms"
done
start "$work/empty"
until_leading 0
costs
stop
after_kill() { # $1: what it is called
  fill "$work/data/log" 5 kill
  start "$work/data"
  until_leading "$partitions"
  echo "SIGKILL, $1: leading after $(elapsed) ms;$(grep 'the journal is replayed' "$work/server.log" | tail -1 | sed 's/.*replayed:/ replayed/')"
  if grep -q 'all logs are synced first' "$work/server.log"; then echo '  (all logs were synced before that)'; fi
}
kill_node() {
  kill -KILL "$pid"
  wait "$pid" 2>/dev/null || true
  pid=''
  : >"$work/server.log"
}
: >"$work/server.log"
for run in 1 2 3; do
  after_kill "run $run"
  # A node that has lived for some seconds has its first checkpoint behind it: what was replayed is replayed no more.
  written=$(stat -c %y "$work/data/log/checkpoint")
  until [[ $(stat -c %y "$work/data/log/checkpoint") != "$written" ]]; do timely; sleep 0.1; done
  kill_node
done
for run in 1 2 3; do # each replays what those before it had in their journals
  after_kill "and again before the first checkpoint, run $run"
  kill_node
done

exec_java io.kontiki.benchmarks.OpenTable recover "$work" 1000
