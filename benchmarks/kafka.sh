#!/usr/bin/env bash
# Kontiki next to Apache Kafka, by Kafka's own load tools: CPU of all three brokers per GB of records, and MB/s, of producing
# (acks=all, durability=replicated) and of consuming. Both clusters run on this machine, three nodes each, and take turns; the
# table has the medians of ROUNDS rounds behind one that only warms up. Linux only (reads /proc); fetches Apache Kafka once.
#
#   benchmarks/kafka.sh [ROUNDS] [MIB]       default 4 rounds of 384 MiB each way; 4 to 5 minutes
#
#   ONLY=kontiki|kafka     only one of them; without ratios
#   KEEP=DIRECTORY         data and logs go there and stay
#   KONTIKI_JVM_OPTS       options for our brokers' JVMs, as ./kontiki knows it
#   KONTIKI_...            settings of our brokers: KONTIKI_LOOPS=2
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rounds=${1:-4}
mib=${2:-384}
only=${ONLY:-both}
record_bytes=1024
records=$((mib * 1048576 / record_bytes))
partitions=6

# of the two the newest on Maven Central, November 2026: the tools lag behind the broker
broker_version=4.4.0
tools_version=4.3.1
cache=benchmarks/target/kafka-$broker_version
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
ticks=$(getconf CLK_TCK)

work=${KEEP:-$(mktemp -d)}
mkdir -p "$work"
started=()
finish() {
  for pid in "${started[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
  [[ -n ${KEEP:-} ]] || rm -rf "$work"
}
trap finish EXIT
say() { printf 'kafka.sh: %s\n' "$*" >&2; }

# --------------------------------------------------------------------------------------------------- Apache Kafka, once
fetch() { # name, artifact, version: its jars and those that it needs go to $cache/name
  [[ ! -e $cache/$1.done ]] || return 0
  say "fetching $2 $3"
  mkdir -p "$cache/$1"
  cat >"$cache/$1/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>io.kontiki.benchmarks</groupId>
  <artifactId>kafka-$1</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencyManagement>
    <dependencies>
      <dependency>
        <groupId>org.apache.kafka</groupId>
        <artifactId>kafka-tools-api</artifactId>
        <version>$tools_version</version>
      </dependency>
    </dependencies>
  </dependencyManagement>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>$2</artifactId>
      <version>$3</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
POM
  mvn -B -q -f "$cache/$1/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies \
    -DoutputDirectory=lib >&2
  touch "$cache/$1.done"
}
fetch broker kafka_2.13 "$broker_version"
fetch tools kafka-tools "$tools_version"
quiet=-Dorg.slf4j.simpleLogger.defaultLogLevel=warn
tool() { # class and arguments
  "$java" -Xms256m -Xmx512m "$quiet" -cp "$cache/tools/lib/*" "org.apache.kafka.tools.$1" "${@:2}"
}

# ------------------------------------------------------------------------------------------------------ the two clusters
port=$((23000 + RANDOM % 200 * 40))
kontiki_bootstrap=127.0.0.1:$((port + 3)),127.0.0.1:$((port + 13)),127.0.0.1:$((port + 23))
kafka_bootstrap=127.0.0.1:$((port + 30)),127.0.0.1:$((port + 31)),127.0.0.1:$((port + 32))

await() { # what, pid, command...
  local deadline=$((SECONDS + 90))
  until "${@:3}" >/dev/null 2>&1; do
    if ! kill -0 "$2" 2>/dev/null || ((SECONDS > deadline)); then
      say "$1 did not start; the last lines of its output:"
      tail -20 "$work/$1"*.out >&2
      exit 1
    fi
    sleep 0.3
  done
}

start_kontiki() {
  ./kontiki up --nodes 3 --data "$work/kontiki" --base-port "$port" >"$work/kontiki.out" 2>&1 &
  started+=($!)
  await kontiki $! grep -q '^ready' "$work/kontiki.out"
  mapfile -t kontiki_pids < <(sed -n 's/^node [0-9]* pid \([0-9]*\) .*/\1/p' "$work/kontiki.out")
}

# Options of the broker's JVM as Kafka's own start script has them; settings are the defaults but for what three nodes on
# one machine need, and min.insync.replicas as it is in Kontiki.
start_kafka() {
  local voters="1@127.0.0.1:$((port + 33)),2@127.0.0.1:$((port + 34)),3@127.0.0.1:$((port + 35))" node config
  kafka_pids=()
  for node in 1 2 3; do
    config=$work/kafka-$node.properties
    cat >"$config" <<PROPERTIES
process.roles=broker,controller
node.id=$node
controller.quorum.voters=$voters
listeners=PLAINTEXT://127.0.0.1:$((port + 29 + node)),CONTROLLER://127.0.0.1:$((port + 32 + node))
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$work/kafka-$node
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
share.coordinator.state.topic.replication.factor=3
min.insync.replicas=2
log.segment.delete.delay.ms=1000
PROPERTIES
    "$java" -Xmx256m "$quiet" -cp "$cache/broker/lib/*" kafka.tools.StorageTool format \
      -t MkU3OEVBNTcwNTJENDM2Qg -c "$config" >"$work/kafka-$node.out" 2>&1
    "$java" -server -Xms1g -Xmx1g -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 \
      -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true "$quiet" \
      -cp "$cache/broker/lib/*" kafka.Kafka "$config" >>"$work/kafka-$node.out" 2>&1 &
    started+=($!)
    kafka_pids+=($!)
  done
  await kafka "${kafka_pids[0]}" tool TopicCommand --bootstrap-server "$kafka_bootstrap" --list
}

create_topic() { # system, name
  if [[ $1 == kontiki ]]; then
    ./kontiki topic create "$2" --partitions "$partitions" --replication-factor 3 --config durability=replicated \
      --bootstrap "127.0.0.1:$port" >/dev/null
  else
    tool TopicCommand --bootstrap-server "$kafka_bootstrap" --create --topic "$2" --partitions "$partitions" \
      --replication-factor 3 >/dev/null
  fi
}
delete_topic() {
  if [[ $1 == kontiki ]]; then
    ./kontiki topic delete "$2" --bootstrap "127.0.0.1:$port" >/dev/null
  else
    tool TopicCommand --bootstrap-server "$kafka_bootstrap" --delete --topic "$2" >/dev/null
  fi
}

# --------------------------------------------------------------------------------------------------------------- measure
cpu_ticks() { # pids; a name in the line may have blanks
  local pid sum=0 line fields
  for pid in "$@"; do
    line=$(<"/proc/$pid/stat")
    read -ra fields <<<"${line##*) }"
    sum=$((sum + fields[11] + fields[12]))
  done
  echo "$sum"
}

measure() { # system, produce|consume, topic, keep the figures or not
  local pids bootstrap before used speed output=$work/$1-$2.tool
  if [[ $1 == kontiki ]]; then
    pids=("${kontiki_pids[@]}") bootstrap=$kontiki_bootstrap
  else
    pids=("${kafka_pids[@]}") bootstrap=$kafka_bootstrap
  fi
  before=$(cpu_ticks "${pids[@]}")
  if [[ $2 == produce ]]; then
    tool ProducerPerformance --bootstrap-server "$bootstrap" --topic "$3" --num-records "$records" \
      --record-size "$record_bytes" --throughput -1 --command-property acks=all >"$output" 2>&1
    # 393216 records sent, 35000.0 records/sec (34.18 MB/sec), ...
    speed=$(sed -n "s/^$records records sent.*(\([0-9.]*\) MB\/sec).*/\1/p" "$output" | tail -1)
  else
    tool ConsumerPerformance --bootstrap-server "$bootstrap" --topic "$3" --num-records "$records" --timeout 60000 \
      --hide-header >"$output" 2>&1
    # start, end, data.consumed.in.MB, MB.sec, ..., rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec
    speed=$(awk -F', ' 'NF >= 10 { print $9 }' "$output" | tail -1)
    awk -F', ' -v n="$records" 'NF >= 10 { got = $5 } END { exit !(got >= n) }' "$output" ||
      { say "$1 gave fewer than $records records:"; cat "$output" >&2; exit 1; }
  fi
  [[ -n $speed ]] || { say "$1, $2: no figure in the tool's output:"; cat "$output" >&2; exit 1; }
  used=$(($(cpu_ticks "${pids[@]}") - before))
  # MB of the tools are MiB
  local cpu
  cpu=$(awk -v t="$used" -v hz="$ticks" -v b=$((records * record_bytes)) 'BEGIN { printf "%.2f", t / hz / (b / 1e9) }')
  speed=$(awk -v s="$speed" 'BEGIN { printf "%.1f", s * 1.048576 }')
  say "$3: $1 $2: $cpu CPU-s/GB, $speed MB/s"
  if [[ $4 == yes ]]; then
    echo "$cpu" >>"$work/$1.$2.cpu"
    echo "$speed" >>"$work/$1.$2.speed"
  fi
}

systems=(kontiki kafka)
[[ $only == both ]] || systems=("$only")
./kontiki --version >/dev/null # builds, and makes the class-data archive, before anything is timed

# A virtual machine may have given its free memory back; the first to write would pay for all.
head -c $((mib * 1048576 * 6)) /dev/zero >"$work/pages"
rm "$work/pages"
rm -f "$work"/*.cpu "$work"/*.speed
for system in "${systems[@]}"; do "start_$system"; done

round() { # topic, keep
  local system
  for system in "${systems[@]}"; do create_topic "$system" "$1"; done
  for system in "${systems[@]}"; do measure "$system" produce "$1" "$2"; done
  for system in "${systems[@]}"; do measure "$system" consume "$1" "$2"; done
  for system in "${systems[@]}"; do delete_topic "$system" "$1"; done
  sleep 3 # until the files are gone
}
round warm-up no
for ((i = 1; i <= rounds; i++)); do round "round-$i" yes; done

# What the brokers take while nobody asks anything of them is in the figures above, for as long as the tools run.
idle_seconds=20
declare -A idle_before
for system in "${systems[@]}"; do
  declare -n pids="${system}_pids"
  idle_before[$system]=$(cpu_ticks "${pids[@]}")
done
sleep "$idle_seconds"
for system in "${systems[@]}"; do
  declare -n pids="${system}_pids"
  awk -v t="$(($(cpu_ticks "${pids[@]}") - idle_before[$system]))" -v hz="$ticks" -v s="$idle_seconds" \
    'BEGIN { printf "%.1f\n", 100 * t / hz / s }' >"$work/$system.idle.cpu"
done

# ----------------------------------------------------------------------------------------------------------------- table
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
row() { # label, file, aim
  local ours theirs
  ours=$([[ $only == kafka ]] || median "$work/kontiki.$2")
  theirs=$([[ $only == kontiki ]] || median "$work/kafka.$2")
  awk -v l="$1" -v o="${ours:--}" -v t="${theirs:--}" -v a="$3" 'BEGIN {
    printf "%-28s %10s %14s %8s   %s\n", l, o, t, (o == "-" || t == "-" ? "-" : sprintf("%.2f", o / t)), a }'
}
echo
printf '%-28s %10s %14s %8s   %s\n' "medians of $rounds x $mib MiB" Kontiki "Kafka $broker_version" ratio aim
row 'produce, broker CPU-s/GB' produce.cpu 'ratio at most 0.3'
row 'produce, MB/s' produce.speed ''
row 'consume, broker CPU-s/GB' consume.cpu 'ratio at most 1.1'
row 'consume, MB/s' consume.speed ''
row 'idle, % of a core' idle.cpu ''
