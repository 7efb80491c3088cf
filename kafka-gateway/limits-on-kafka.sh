#!/usr/bin/env bash
# Whether what docs/kafka-compatibility.md says of two old clients is their own doing: the programs of the tests, against three
# nodes of Apache Kafka, one of which is killed with SIGKILL meanwhile. Each program runs as it is, and without what it does for
# its client (UNAIDED), where the limit has to show. Not part of any build; brings Apache Kafka and the clients once, as the
# tests do.
#
#   kafka-gateway/limits-on-kafka.sh [ROUNDS]     default 1; some 2 to 3 minutes each; the node that dies changes from round to round
#
#   ONLY=REGEX           only the cases in whose names that is found
#   KEEP=DIRECTORY       data, logs and what the clients printed go there and stay
#
# Ends with 1 when a program that aids its client passed in no round, or a limit showed in none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

rounds=${1:-1}
only=${ONLY:-.}
version=3.9.2 # the last line that speaks every version these clients know
cache=$PWD/target/clients
sources=$PWD/src/test/resources/clients
java=${JAVA_HOME:+$JAVA_HOME/bin/}java

work=${KEEP:-$(mktemp -d)}
mkdir -p "$work"
declare -A brokers=() clients=()
finish() {
  local pid
  for pid in "${clients[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done # timeout passes it on
  for pid in "${brokers[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  for pid in "${clients[@]}" "${brokers[@]}"; do wait "$pid" 2>/dev/null || true; done
  [[ -n ${KEEP:-} ]] || rm -rf "$work"
}
trap finish EXIT
say() { printf 'limits-on-kafka.sh: %s\n' "$*" >&2; }

# ------------------------------------------------------------------------------------------------- what is brought, once
jars=$cache/kafka-$version
if [[ ! -e $jars.done ]]; then
  say "bringing Apache Kafka $version"
  mkdir -p "$jars"
  dependency() { echo "<dependency><groupId>$1</groupId><artifactId>$2</artifactId><version>$3</version></dependency>"; }
  cat >"$jars/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>clients</groupId><artifactId>kafka</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    $(dependency org.apache.kafka kafka_2.13 "$version")
    $(dependency org.apache.kafka kafka-tools "$version")
  </dependencies>
</project>
POM
  mvn -B -q -f "$jars/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies \
    -DoutputDirectory=lib >&2
  touch "$jars.done"
fi
mkdir -p "$cache/node"
cp "$sources/node/package.json" "$sources/node/kafka_node.js" "$cache/node"
[[ -d $cache/node/node_modules/kafka-node ]] ||
  npm install --prefix "$cache/node" --no-audit --no-fund --ignore-scripts --omit=optional >&2
python=$cache/python/bin/python
[[ -x $python ]] || python3 -m venv "$cache/python"
"$python" -c 'import pykafka' 2>/dev/null || "$python" -m pip install -q pykafka==2.8.0

# ----------------------------------------------------------------------------------------------------------- the cluster
port=$((23000 + RANDOM % 800 * 10))
bootstrap=127.0.0.1:$((port + 1)),127.0.0.1:$((port + 2)),127.0.0.1:$((port + 3))
voters=1@127.0.0.1:$((port + 4)),2@127.0.0.1:$((port + 5)),3@127.0.0.1:$((port + 6))

topics() { "$java" -Xmx128m -XX:TieredStopAtLevel=1 -cp "$jars/lib/*" org.apache.kafka.tools.TopicCommand \
  --bootstrap-server "$bootstrap" "$@"; }

configure() { # node
  cat >"$work/node-$1.properties" <<PROPERTIES
process.roles=broker,controller
node.id=$1
controller.quorum.voters=$voters
listeners=PLAINTEXT://127.0.0.1:$((port + $1)),CONTROLLER://127.0.0.1:$((port + 3 + $1))
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$work/node-$1
auto.create.topics.enable=false
offsets.topic.replication.factor=3
offsets.topic.num.partitions=6
min.insync.replicas=2
PROPERTIES
  "$java" -Xmx128m -cp "$jars/lib/*" kafka.tools.StorageTool format -t MkU3OEVBNTcwNTJENDM2Qg \
    -c "$work/node-$1.properties" >"$work/node-$1.out" 2>&1
}
start() { # node
  "$java" -Xmx512m -XX:+UseSerialGC -cp "$jars/lib/*" kafka.Kafka "$work/node-$1.properties" \
    >>"$work/node-$1.out" 2>&1 &
  brokers[$1]=$!
}
until_true() { # seconds, what, command...
  local deadline=$((SECONDS + $1))
  until "${@:3}"; do
    ((SECONDS < deadline)) || { say "not in $1 s: $2"; exit 1; }
    sleep 1
  done
}
in_sync() { # whether all three are there and all replicas hold everything
  local behind
  behind=$(topics --describe --under-replicated-partitions 2>"$work/topics.err") && [[ -z $behind ]]
}

say "three nodes of Apache Kafka $version"
for node in 1 2 3; do configure "$node"; start "$node"; done
until_true 120 'three brokers serve' topics --create --topic first --replica-assignment 1:2:3 --if-not-exists \
  >"$work/topics.out" 2>&1

# ------------------------------------------------------------------------------------------------------------- the cases
# name, what it is left without, how an unaided one ends when the limit shows
cases=(
  'kafka-node||'
  'kafka-node-unaided-send|send|left to the program'
  'kafka-node-unaided-fetch|fetch|read of'
  'pykafka||'
  'pykafka-unaided-send|send|acknowledged of'
)
declare -A counted=()
begin() { # name, without, topic, flag
  local command=(node "$cache/node/kafka_node.js")
  if [[ $1 == pykafka* ]]; then
    command=("$python" "$sources/python/pykafka_run.py")
    topics --create --topic "$3" --partitions 3 --replication-factor 3 >"$work/topics.out" 2>&1
  fi
  UNAIDED=$2 timeout -k 5 300 "${command[@]}" "$bootstrap" "$3" "$4" >"$work/$3.out" 2>&1 &
  clients[$1]=$!
}
half() { # whether all that still run write and read
  local name
  for name in "${!clients[@]}"; do
    kill -0 "${clients[$name]}" 2>/dev/null && ! grep -q '^half' "$work/$name-$round.out" && return 1
  done
  return 0
}
for ((round = 1; round <= rounds; round++)); do
  clients=()
  for one in "${cases[@]}"; do
    IFS='|' read -r name without pattern <<<"$one"
    [[ ! $name =~ $only ]] || begin "$name" "$without" "$name-$round" "$work/killed-$round"
  done
  until_true 150 'the clients write and read' half
  victim=$(((round + 1) % 3 + 1))
  kill -KILL "${brokers[$victim]}"
  wait "${brokers[$victim]}" 2>/dev/null || true
  touch "$work/killed-$round"
  say "round $round: node $victim is dead"
  for one in "${cases[@]}"; do
    IFS='|' read -r name without pattern <<<"$one"
    [[ -n ${clients[$name]:-} ]] || continue
    code=0
    wait "${clients[$name]}" || code=$?
    out=$work/$name-$round.out
    counted[$name]=${counted[$name]:-0}
    if [[ -n $without ]]; then
      result="the limit does not show, exit $code"
      if ((code != 0)) && grep -q '^half' "$out" && grep -q "$pattern" "$out"; then
        counted[$name]=$((counted[$name] + 1))
        result="the limit shows"
      fi
    else
      result="does not pass, exit $code"
      if ((code == 0)) && grep -q '^passed' "$out"; then
        counted[$name]=$((counted[$name] + 1))
        result=passes
      fi
    fi
    printf 'round %d  %-26s %s: %s\n' "$round" "$name" "$result" "$(grep -vE '^ +at |^consume' "$out" | tail -1)"
  done
  clients=()
  if ((round < rounds)); then
    start "$victim"
    until_true 120 'all replicas in sync' in_sync
  fi
done
bad=0
for one in "${cases[@]}"; do
  IFS='|' read -r name without pattern <<<"$one"
  [[ -n ${counted[$name]:-} ]] || continue
  printf '%-26s  %s in %d of %d rounds\n' "$name" "$([[ -n $without ]] && echo 'limit shown' || echo passed)" \
    "${counted[$name]}" "$rounds"
  ((counted[$name] > 0)) || bad=1
done
exit "$bad"
