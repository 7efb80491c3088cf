#!/usr/bin/env bash
# The container's entry point without a container: what it hands to the program, and what it refuses.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../container"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/program" <<'P'
#!/usr/bin/env bash
printf 'arg %s\n' "$@"
env | grep '^KONTIKI_' | sort
P
chmod +x "$work/program"
failures=0
run() { # VARIABLE=VALUE… -- arguments
  local variables=()
  while [[ $1 != -- ]]; do
    variables+=("$1")
    shift
  done
  shift
  env -i PATH="$PATH" KONTIKI_PROGRAM="$work/program" "${variables[@]}" bash ./entrypoint.sh "$@" >"$work/out" 2>&1
}
has() { # $1: what it shows; then lines that have to be there
  local what=$1
  shift
  for line in "$@"; do
    if ! grep -qxF -- "$line" "$work/out"; then
      printf 'FAILED: %s: no line "%s" in:\n' "$what" "$line"
      cat "$work/out"
      failures=$((failures + 1))
    fi
  done
}
refuses() { # $1: what it shows, $2: what the error names; then as run
  local what=$1 names=$2
  shift 2
  if run "$@" || ! grep -q -- "$names" "$work/out"; then
    printf 'FAILED: %s: expected an error with "%s", got:\n' "$what" "$names"
    cat "$work/out"
    failures=$((failures + 1))
  fi
}

run HOSTNAME=broker-2 KONTIKI_HOST=broker-2.kontiki KONTIKI_CLUSTER_VOTERS=1@a:7601 --
has 'the host name gives the node id' 'arg server' KONTIKI_NODE_ID=3 KONTIKI_CLUSTER_VOTERS=1@a:7601 \
  KONTIKI_DATA_DIR=/var/lib/kontiki KONTIKI_GRPC_LISTEN=0.0.0.0:7600 KONTIKI_GRPC_ADVERTISE=broker-2.kontiki:7600 \
  KONTIKI_REPLICATION_ADVERTISE=broker-2.kontiki:7604
if grep -q 'KONTIKI_HOST\|KONTIKI_PROGRAM' "$work/out"; then
  echo 'FAILED: variables that are no keys reach the broker'
  failures=$((failures + 1))
fi

run HOSTNAME=x KONTIKI_NODE_ID=7 KONTIKI_HOST=h KONTIKI_GRPC_LISTEN=0.0.0.0:17600 KONTIKI_HTTP_ADVERTISE=proxy:80 -- --set loops=2
has 'what is given stays' KONTIKI_NODE_ID=7 KONTIKI_GRPC_ADVERTISE=h:17600 KONTIKI_HTTP_ADVERTISE=proxy:80 \
  'arg --set' 'arg loops=2'

echo 'node.id = 1' >"$work/conf"
echo 1@secret:7601 >"$work/voters"
run KONTIKI_NODE_ID=1 KONTIKI_HOST=h KONTIKI_CONFIG="$work/conf" KONTIKI_CLUSTER_VOTERS_FILE="$work/voters" -- server
has 'files' 'arg --config' "arg $work/conf" KONTIKI_CLUSTER_VOTERS=1@secret:7601

run -- topic list
has 'other commands pass' 'arg topic' 'arg list'

refuses 'no node id' "'plain' does not end in -NUMBER" HOSTNAME=plain --
refuses 'a file that is not there' 'KONTIKI_CONFIG is /nowhere' KONTIKI_NODE_ID=1 KONTIKI_HOST=h KONTIKI_CONFIG=/nowhere --
refuses 'a value twice' 'both KONTIKI_NODE_ID and KONTIKI_NODE_ID_FILE' KONTIKI_NODE_ID=1 KONTIKI_NODE_ID_FILE=/x --

((failures == 0)) && echo 'entrypoint: ok'
