#!/usr/bin/env bash
# The commit journal next to parallel syncs of the segment files, at 1 to 10,000 active partitions, one log directory and
# three on one disk.
#
#   benchmarks/journal.sh [DIRECTORY] [MILLISECONDS] [MOST]
#
#   DIRECTORY      on the disk to measure, default $TMPDIR or /tmp
#   MILLISECONDS   length of each measurement, default 4000
#   MOST           the most partitions, default 10000
#
# About 4 minutes with the defaults on a quiet machine, never more than 20: a row that would come later is left out.
# `benchmarks/journal.sh /tmp 300 100` takes half a minute and shows that everything works.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source benchmarks/build.sh
work=$(mktemp -d -p "${1:-${TMPDIR:-/tmp}}" kontiki-journal.XXXXXX)
trap 'rm -rf "$work"' EXIT
exec_java io.kontiki.benchmarks.JournalTable "$work" "${2:-4000}" "${3:-10000}"
exec_java io.kontiki.benchmarks.BypassTable "$work" "$((${2:-4000} / 2))"
