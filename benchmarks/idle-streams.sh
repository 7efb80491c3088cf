#!/usr/bin/env bash
# What idle consumers cost the node that holds their streams: heap and resident memory of each Consume stream.
#
#   benchmarks/idle-streams.sh [STREAMS]    default 2000, in groups of a hundred
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

streams=${1:-2000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

./kontiki --version >/dev/null # builds what is missing
homes=(deploy/target/kontiki-*/lib)
"${JAVA_HOME:+$JAVA_HOME/bin/}java" -cp "${homes[0]}/*" benchmarks/IdleStreams.java \
  "$work" "$PWD/kontiki" $((22000 + RANDOM % 300 * 30)) "$streams"
