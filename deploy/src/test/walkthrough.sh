#!/usr/bin/env bash
# What deploy/README.md says, line by line: its blocks for a shell are run in their order on the machines that they name, as a
# new user would. Between them happens what the page is an answer to: a machine is lost, records are written meanwhile.
# machines.sh says what that needs.
#
#   deploy/src/test/walkthrough.sh PACKAGE.deb [DIRECTORY FOR LOGS]
set -euo pipefail

package=$1
logs=${2:-}
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
source "$here/machines.sh"
for n in 1 2 3 4; do machine $n; done
for n in 1 2 3 4; do
  mkdir -p "$work/$n/root/srv" "$work/$n/root/usr/local/bin"
  cp "$package" "$work/$n/root/srv/kontiki_0_all.deb"
  # No package archive is within reach; and the archive of classes, which takes a while, is made on the first machine alone
  cat >"$work/$n/root/usr/local/bin/apt" <<'APT'
#!/bin/sh
[ "$1 $2" = 'install -y' ] || exit 1
if [ -d /srv/cache ]; then export KONTIKI_CDS=off; fi
dpkg --force-depends -i "$3" && if [ -d /srv/cache ]; then cp -a /srv/cache /usr/share/kontiki/lib/; fi
APT
  chmod +x "$work/$n/root/usr/local/bin/apt"
done
say 'four machines are up'

# One file for each block: the machines in its first line, the heading that it stands under in its second.
awk -v to="$work" '
  /^## / { heading = substr($0, 4) }
  /^```sh / { file = sprintf("%s/block-%02d", to, ++blocks); print "# " substr($0, 7) >file; print "# " heading >file; next }
  /^```/ { file = ""; next }
  file != "" { print >file }
' "$here/../../README.md"
[[ -e $work/block-08 ]] || fail 'the page has fewer blocks than it should'

on() { # $1: machine; $2: block
  local n=$1 block=$2
  sed "s/^node=1\b/node=$n/" "$block" >"$work/$n/root/srv/block"
  inside "$n" timeout 180 bash -euo pipefail -c 'cd /srv; export HOME=/root; source ./block' >"$work/output" 2>&1 </dev/null || {
    cat "$block" "$work/output"
    fail "on broker-$n"
  }
}

records=0
produce() {
  seq $((records + 1)) $((records + 500)) | inside 1 kontiki produce orders >/dev/null || fail 'produce'
  records=$((records + 500))
}
before() { # $1: heading
  case $1 in
    'Replace a machine')
      produce
      inside 2 systemctl kill -s KILL kontiki
      inside 2 systemctl stop kontiki
      inside 2 dpkg --purge kontiki >/dev/null 2>&1 || fail 'broker-2 cannot be emptied'
      [[ ! -e $work/2/root/var/lib/kontiki ]] || fail 'broker-2 still has its data'
      say 'broker-2 has lost everything'
      produce
      ;;
    *) ;;
  esac
}

last=''
for block in "$work"/block-*; do
  machines=$(sed -n '1s/^# //p' "$block")
  heading=$(sed -n '2s/^# //p' "$block")
  if [[ $heading != "$last" ]]; then before "$heading"; fi
  last=$heading
  for machine in $machines; do
    on "${machine#broker-}" "$block"
    if [[ ! -e $work/archived ]]; then
      for n in 2 3 4; do cp -a "$work/1/root/usr/share/kontiki/lib/cache" "$work/$n/root/srv/"; done
      touch "$work/archived"
    fi
  done
  say "$heading: $(sed -n 3p "$block" | cut -c1-60) (on $machines)"
  if [[ $heading == Check && $records == 0 ]]; then records=1000; fi
done

replicas() { inside 1 kontiki topic describe orders --output json; }
replicas | grep -q 4 || fail "broker-4 has no replica: $(replicas)"
inside 1 kontiki cluster status || fail 'something needs a person at the end'
inside 1 kontiki consume orders --from-beginning --idle-exit 2s | sort -n | uniq >"$work/consumed"
seq 1 "$records" | sort -n | cmp - "$work/consumed" || fail 'not every record came back'
inside 1 journalctl --no-pager -u kontiki -p warning -o cat | grep -q 'other machines may reach' || fail 'no warning of open listeners'
say "all $records records came back"
for n in 1 2 3 4; do inside $n systemctl stop kontiki || fail "stop of broker-$n"; done
say 'done'
