#!/usr/bin/env bash
# What a local cluster costs when nothing happens: time from `kontiki up` to ready, then resident memory and CPU of each
# node over a quiet half minute. Linux only (reads /proc).
#
#   benchmarks/idle.sh [RUNS]        default 5; prints one line a run and the medians
#
#   SETTLE=SECONDS         before the quiet time begins; default 60. Compilers are through after about 300
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

runs=${1:-5}
settle=${SETTLE:-60}
quiet=30
ticks=$(getconf CLK_TCK)
work=$(mktemp -d)
up=''
finish() {
  if [[ -n $up ]]; then
    kill -TERM "$up" 2>/dev/null || true
    wait "$up" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap finish EXIT

median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
rss_mb() { awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$1/status"; }

./kontiki --version >/dev/null # builds, and makes the class-data archive, before anything is timed
for ((run = 1; run <= runs; run++)); do
  port=$((21000 + RANDOM % 300 * 30))
  start=$(date +%s%N)
  ./kontiki up --nodes 3 --data "$work/data-$run" --base-port "$port" >"$work/up-$run" 2>&1 &
  up=$!
  until grep -q '^ready' "$work/up-$run"; do
    kill -0 "$up" 2>/dev/null || { cat "$work/up-$run" >&2; exit 1; }
    sleep 0.02
  done
  ready_ms=$((($(date +%s%N) - start) / 1000000))
  mapfile -t pids < <(sed -n 's/^node [0-9]* pid \([0-9]*\) .*/\1/p' "$work/up-$run")
  sleep "$settle"
  before=()
  for pid in "${pids[@]}"; do before+=("$(cpu_ticks "$pid")"); done
  sleep "$quiet"
  line="run $run: ready after $ready_ms ms;"
  for i in "${!pids[@]}"; do
    used=$(($(cpu_ticks "${pids[i]}") - before[i]))
    percent=$(awk -v t="$used" -v hz="$ticks" -v s="$quiet" 'BEGIN { printf "%.1f", 100 * t / hz / s }')
    memory=$(rss_mb "${pids[i]}")
    echo "$percent" >>"$work/cpu"
    echo "$memory" >>"$work/rss"
    line+=" node $((i + 1)): $memory MB, $percent % of a core;"
  done
  echo "$ready_ms" >>"$work/ready"
  echo "${line%;}"
  kill -TERM "$up"
  wait "$up" || true
  up=''
done
echo "medians: ready after $(median <"$work/ready") ms, $(median <"$work/rss") MB and $(median <"$work/cpu") % of a core per node"
