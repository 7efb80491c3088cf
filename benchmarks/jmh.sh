#!/usr/bin/env bash
# The benchmarks of the engine's parts, each next to its floor.
#
#   benchmarks/jmh.sh [REGEX] [JMH OPTIONS]      default: all of them; -l lists them
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source benchmarks/build.sh
exec_java org.openjdk.jmh.Main "$@"
