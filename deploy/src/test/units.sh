#!/usr/bin/env bash
# Three machines, each with a systemd of its own as process 1, a network address and the Debian package installed: brought
# up by their units, stopped, started, killed, frozen, upgraded, removed and purged. machines.sh says what that needs.
#
#   deploy/src/test/units.sh PACKAGE.deb [DIRECTORY FOR LOGS]
set -euo pipefail

package=$1
logs=${2:-}
source "$(dirname "${BASH_SOURCE[0]}")/machines.sh"
for n in 1 2 3; do machine $n; done
say 'three machines are up'

voters=1@$net.11:7601,2@$net.12:7601,3@$net.13:7601
bootstrap=$net.11:7600,$net.12:7600,$net.13:7600
install_on() {
  local n=$1 address=$net.1$1
  mkdir -p "$work/$n/root/srv"
  cp "$package" "$work/$n/root/srv/kontiki.deb"
  local archive=on
  if ((n > 1)); then # the archive of classes of one machine is enough to see that it is made
    archive=off
  fi
  inside "$n" env KONTIKI_CDS=$archive dpkg --force-depends -i /srv/kontiki.deb >"$work/$n/dpkg.log" 2>&1 || { cat "$work/$n/dpkg.log"; fail 'dpkg -i'; }
  sed -i -e "s/^node.id = .*/node.id = $n/" -e "s/^cluster.voters = .*/cluster.voters = $voters/" \
    -e "s/^\([a-z]*\)\.listen = 127.0.0.1:/\1.listen = $address:/" "$work/$n/root/etc/kontiki/kontiki.conf"
}
for n in 1 2 3; do install_on $n; done
inside 1 sh -c 'test -s /usr/share/kontiki/lib/cache/server-*.jsa' || say 'no archive of classes was made (slow machine?)'
say 'the package is installed on each'
inside 1 systemd-analyze verify --recursive-errors=yes /lib/systemd/system/kontiki.service || fail 'systemd-analyze verify'
exposure=$(inside 1 systemd-analyze security --offline=yes --no-pager /lib/systemd/system/kontiki.service |
  sed -n 's/.*exposure level for kontiki.service: \([0-9.]*\).*/\1/p')
awk -v e="$exposure" 'BEGIN { exit !(e != "" && e <= 1.5) }' || fail "systemd-analyze security says $exposure, more than 1.5"
say "systemd-analyze verify finds nothing, security says $exposure"

# One after the other, and each waited for: a unit that waited for a quorum would never come up.
for n in 1 2 3; do inside $n systemctl enable --now kontiki 2>/dev/null || fail "systemctl start on machine $n"; done
say 'the units are started, one after the other'
ready() { curl -sf -m 2 "http://$net.1$1:7602/readyz"; }
for n in 1 2 3; do within 30 "node $n is ready" ready $n; done
[[ $(inside 1 systemctl show -p User --value kontiki) == kontiki ]] || fail 'does not run as its user'
inside 1 journalctl --no-pager -u kontiki -p info -o cat | grep -q 'is up:' || fail 'no lines in the journal'

kontiki() { inside 1 kontiki "$@" --bootstrap "$bootstrap"; }
kontiki topic create orders --partitions 3 --replication-factor 3 >/dev/null || fail 'topic create'
sent=0
produce() {
  seq $((sent + 1)) $((sent + 100)) | kontiki produce orders >/dev/null || fail 'produce'
  sent=$((sent + 100))
}
produce
say 'records are acknowledged'

main_pid() { inside "$1" systemctl show -p MainPID --value kontiki; }
active() { [[ $(inside "$1" systemctl is-active kontiki) == active ]]; }
other_pid() { local now; now=$(main_pid "$1"); [[ $now != 0 && $now != "$2" ]]; }

inside 1 systemctl stop kontiki || fail 'systemctl stop'
[[ $(inside 1 systemctl show -p Result --value kontiki) == success ]] || fail 'a stop is no failure'
say 'node 1 has stopped'
produce
inside 1 systemctl start kontiki || fail 'systemctl start'
within 30 'node 1 is ready again' ready 1

old=$(main_pid 2)
inside 2 kill -KILL "$old"
within 30 'node 2, killed, was restarted' other_pid 2 "$old"
within 30 'node 2 is ready again' ready 2
produce

inside 3 mkdir -p /etc/systemd/system/kontiki.service.d
printf '[Service]\nWatchdogSec=3s\n' >"$work/3/root/etc/systemd/system/kontiki.service.d/watchdog.conf"
inside 3 systemctl daemon-reload
inside 3 systemctl restart kontiki
within 30 'node 3 is ready with a short watchdog' ready 3
old=$(main_pid 3)
inside 3 kill -STOP "$old"
within 30 'node 3, frozen, was restarted by the watchdog' other_pid 3 "$old"
within 30 'node 3 is ready again' ready 3

# An upgrade leaves a running broker and the configuration alone.
old=$(main_pid 1)
inside 1 env KONTIKI_CDS=off dpkg --force-depends --force-confold -i /srv/kontiki.deb >/dev/null 2>&1 || fail 'upgrade'
[[ $(main_pid 1) == "$old" ]] && active 1 || fail 'an upgrade must not restart the broker'
grep -q "^cluster.voters = $voters" "$work/1/root/etc/kontiki/kontiki.conf" || fail 'the configuration was overwritten'
say 'an upgrade leaves the running broker alone'

inside 1 systemctl restart kontiki
within 30 'node 1 is ready with the new files' ready 1
produce
kontiki consume orders --from-beginning --idle-exit 2s | sort -n | uniq >"$work/consumed"
seq 1 "$sent" | sort -n | cmp - "$work/consumed" || fail 'not every record came back'
say "all $sent records came back"

inside 1 dpkg -r kontiki >/dev/null 2>&1 || fail 'dpkg -r'
[[ -d $work/1/root/var/lib/kontiki/log && -f $work/1/root/etc/kontiki/kontiki.conf ]] || fail 'a removal must keep data and configuration'
! ready 1 >/dev/null || fail 'a removed broker still runs'
inside 1 dpkg --purge kontiki >/dev/null 2>&1 || fail 'dpkg --purge'
[[ ! -e $work/1/root/var/lib/kontiki && ! -e $work/1/root/etc/kontiki ]] || fail 'a purge must take data and configuration with it'
! inside 1 getent passwd kontiki >/dev/null || fail 'a purge must take the user with it'
say 'removed with the data kept, then purged'
for n in 2 3; do inside $n systemctl stop kontiki || fail "stop of node $n"; done
say 'done'
