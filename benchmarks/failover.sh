#!/usr/bin/env bash
# How long writing stands still when nodes of a local cluster die, freeze, stop and start again: three brokers of the
# distribution, 500 records a second with acks=all by the Java client, each event RUNS times. Prints a table; the same as
# JSON, with every run, goes to chaos-tests/target/failover.json. Linux only (signals).
#
#   benchmarks/failover.sh [RUNS] [--events ID,ID...] [--json FILE]        default 10 runs of all events
#
#   KONTIKI_JVM_OPTS       options for the brokers' JVMs, as ./kontiki knows it: -Xlog:gc:file=/tmp/gc-%p.log
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

runs=10
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
  runs=$1
  shift
fi

./kontiki --version >/dev/null # builds the distribution, and makes the class-data archive, before anything is timed
classpath=chaos-tests/target/tests.classpath
stale() {
  [[ ! -e $classpath || -n $(find pom.xml ./*/pom.xml {proto,common,client-sdk}/src/main chaos-tests/src/test -type f \
    -newer "$classpath" -print -quit) ]]
}
if stale; then
  echo 'failover: compiling the program that measures' >&2
  env -u CI mvn -B -q -Dstyle.color=never -pl chaos-tests -am test-compile >&2
  touch "$classpath"
fi

java=${JAVA_HOME:+$JAVA_HOME/bin/}java
version=$(sed -n 's/^  <version>\(.*\)<\/version>$/\1/p' pom.xml | head -1)
home=$PWD/deploy/target/kontiki-$version
cd chaos-tests
exec "$java" -Xms128m -Xmx512m -XX:+UseSerialGC -Dcom.google.protobuf.use_unsafe_pre22_gencode=true \
  "-Dkontiki.home=$home" "-Dkontiki.server.jvm.opts=${KONTIKI_JVM_OPTS:-}" -cp "target/test-classes:$(<target/tests.classpath)" \
  io.kontiki.chaos.cluster.FailoverTimes --runs "$runs" --json target/failover.json "$@"
