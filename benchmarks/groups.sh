#!/usr/bin/env bash
# Consumer groups in figures: three brokers of the distribution, members as clients that know the public API only. Prints
# a table with targets; exit code 1 if one is missed. Takes about three minutes. Linux only (signals).
#
#   benchmarks/groups.sh [ROUNDS]    default 5: of joins, leaves and kills; fewer of what kills a broker
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rounds=${1:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

./kontiki --version >/dev/null # builds, and makes the class-data archive, before anything is timed
homes=(deploy/target/kontiki-*/lib)
# compiled once: members that are killed are processes of their own
"${JAVA_HOME:+$JAVA_HOME/bin/}javac" -d "$work/classes" -cp "${homes[0]}/*" benchmarks/GroupTimes.java
"${JAVA_HOME:+$JAVA_HOME/bin/}java" -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$work/classes:${homes[0]}/*" \
  GroupTimes "$work" "$PWD/kontiki" $((22000 + RANDOM % 300 * 30)) "$rounds"
