#!/usr/bin/env bash
# The entry point of a container: `entrypoint.sh` starts the broker, `entrypoint.sh WORD…` any other command of Kontiki.
#
# Every key of the configuration is an environment variable: KONTIKI_NODE_ID for node.id. A variable NAME_FILE whose NAME is a
# key (KONTIKI_NODE_ID_FILE) names a file that holds the value, as secrets are mounted. What is not given:
#
#   KONTIKI_NODE_ID            the number at the end of the host name plus one (broker-0 is node 1), as a stateful set counts
#   KONTIKI_DATA_DIR           /var/lib/kontiki
#   KONTIKI_GRPC_LISTEN …      0.0.0.0 and the port of the key, for grpc, raft, http and replication
#   KONTIKI_GRPC_ADVERTISE …   KONTIKI_HOST and that port
#   KONTIKI_HOST               the full name of the host; how the other brokers and the clients reach this one
#   KONTIKI_CONFIG             a file of `key = value` lines; a variable is stronger than the file
#   KONTIKI_JVM_OPTS           three quarters of the memory limit of the container as heap, if there is one above 512 MB
#
# It ends in exec: the broker is process 1 and gets the signals.
set -euo pipefail

fail() {
  printf 'entrypoint: %s\n' "$*" >&2
  exit 1
}
kontiki=${KONTIKI_PROGRAM:-/opt/kontiki/bin/kontiki}
unset KONTIKI_PROGRAM
if (($# > 0)) && [[ $1 != server && $1 != -* ]]; then
  exec "$kontiki" "$@"
fi
if [[ ${1:-} == server ]]; then shift; fi

for name in $(compgen -e); do
  [[ $name == KONTIKI_*_FILE ]] || continue
  key=${name%_FILE}
  [[ -z ${!key:-} ]] || fail "both $key and $name are set"
  [[ -r ${!name} ]] || fail "$name is ${!name}, which cannot be read"
  export "$key=$(<"${!name}")"
  unset "$name"
done

if [[ -z ${KONTIKI_NODE_ID:-} ]]; then
  host=${HOSTNAME:-$(hostname)}
  [[ $host =~ -([0-9]+)$ ]] || fail "KONTIKI_NODE_ID is not set, and the host name '$host' does not end in -NUMBER"
  export KONTIKI_NODE_ID=$((10#${BASH_REMATCH[1]} + 1))
fi
export KONTIKI_DATA_DIR=${KONTIKI_DATA_DIR:-/var/lib/kontiki}
address=${KONTIKI_HOST:-$(hostname -f 2>/dev/null || hostname)}
unset KONTIKI_HOST
for listener in GRPC:7600 RAFT:7601 HTTP:7602 REPLICATION:7604; do
  listen=KONTIKI_${listener%:*}_LISTEN
  advertise=KONTIKI_${listener%:*}_ADVERTISE
  export "$listen=${!listen:-0.0.0.0:${listener#*:}}"
  export "$advertise=${!advertise:-$address:${!listen##*:}}"
done

if [[ -z ${KONTIKI_JVM_OPTS:-} ]]; then
  for limit in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
    [[ -r $limit ]] || continue
    bytes=$(<"$limit")
    if [[ $bytes =~ ^[0-9]+$ ]] && ((bytes > 512 << 20 && bytes < 1 << 50)); then
      export KONTIKI_JVM_OPTS="-Xmx$((bytes / 4 * 3 >> 20))m -XX:MaxDirectMemorySize=$((bytes / 8 >> 20))m"
    fi
    break
  done
fi

arguments=()
if [[ -n ${KONTIKI_CONFIG:-} ]]; then
  [[ -r $KONTIKI_CONFIG ]] || fail "KONTIKI_CONFIG is $KONTIKI_CONFIG, which cannot be read"
  arguments=(--config "$KONTIKI_CONFIG")
fi
unset KONTIKI_CONFIG
exec "$kontiki" server "${arguments[@]}" "$@"
