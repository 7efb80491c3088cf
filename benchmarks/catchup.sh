#!/usr/bin/env bash
# What a returning replica costs those who write: latency of acks=all at a steady rate before, while and after one of
# three nodes comes back with a backlog; time until all in-sync sets are full. Prints figures and their ratio.
#
#   benchmarks/catchup.sh [MIB] [RECORDS_PER_SECOND] [KEY=VALUE...]    default 1024 and 500; keys of every server, as
#                                                                      replication.catchup.bytes.per.second=16m
# THIRD_DIR: a directory on another disk (or in memory) for the node that returns, as nodes have them outside a test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mib=${1:-1024}
rate=${2:-500}
shift $(($# < 2 ? $# : 2))
work=$(mktemp -d)
third=$(mktemp -d -p "${THIRD_DIR:-$work}")
trap 'rm -rf "$work" "$third"' EXIT

./kontiki --version >/dev/null # builds what is missing
homes=(deploy/target/kontiki-*/lib)
"${JAVA_HOME:+$JAVA_HOME/bin/}java" -Dthird.dir="$third" -cp "${homes[0]}/*" benchmarks/CatchUp.java \
  "$work" "$PWD/kontiki" $((22000 + RANDOM % 300 * 30)) "$mib" "$rate" "$@"
