#!/usr/bin/env bash
# The commit journal next to parallel syncs of the segment files, at 1 to 10,000 active partitions, one log directory and
# three on one disk.
#
#   benchmarks/journal.sh [DIRECTORY] [MILLISECONDS]     a directory on the disk to measure, default $TMPDIR or /tmp; length
#                                                        of each measurement, default 4000
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source benchmarks/build.sh
work=$(mktemp -d -p "${1:-${TMPDIR:-/tmp}}" kontiki-journal.XXXXXX)
trap 'rm -rf "$work"' EXIT
exec_java io.kontiki.benchmarks.JournalTable "$work" "${2:-4000}"
exec_java io.kontiki.benchmarks.BypassTable "$work" 2000
