#!/usr/bin/env bash
# Three machines, each with a systemd of its own as process 1, a network address and the Debian package installed: brought
# up by their units, stopped, started, killed, frozen, upgraded, removed and purged. Needs root, network namespaces, overlay
# file systems and systemd; where one of them is missing it says so, loudly, and ends with 0.
#
#   deploy/src/test/units.sh PACKAGE.deb [DIRECTORY FOR LOGS]
#
# A machine is the file system of this one under an overlay in memory, so nothing of it stays, and nothing here changes.
set -euo pipefail

package=$(readlink -f "$1")
logs=${2:-}
skip() {
  printf '\n*** SKIPPED: the systemd units were not run: %s ***\n\n' "$*"
  exit 0
}
[[ $(id -u) == 0 ]] || skip 'not root'
[[ -x /lib/systemd/systemd ]] || skip 'no /lib/systemd/systemd here'
for tool in ip unshare nsenter dpkg curl java mountpoint systemd-analyze; do
  command -v "$tool" >/dev/null || skip "no $tool here"
done
cgroups=''
for dir in /sys/fs/cgroup/unified /sys/fs/cgroup; do
  if [[ -e $dir/cgroup.procs && -e $dir/cgroup.controllers ]]; then cgroups=$dir; fi
done
[[ -n $cgroups ]] || skip 'no cgroup v2 hierarchy'

id=$((RANDOM % 200 + 20))$((BASHPID % 90 + 10))
net=10.$((RANDOM % 100 + 100)).$((RANDOM % 200 + 20))
bridge=ktb$id
work=$(mktemp -d)
declare -A pid1
finish() {
  local result=$?
  set +e
  for n in 1 2 3; do
    if [[ $result != 0 && -n $logs && -n ${pid1[$n]:-} ]]; then
      mkdir -p "$logs"
      inside $n journalctl --no-pager -u kontiki >"$logs/node-$n.log" 2>&1
    fi
    if [[ -n ${pid1[$n]:-} ]]; then
      kill -KILL "${pid1[$n]}" 2>/dev/null
      while kill -0 "${pid1[$n]}" 2>/dev/null; do sleep 0.05; done
    fi
    ip netns del "kt$id-$n" 2>/dev/null
    umount -l "$work/$n/root" 2>/dev/null
    umount -l "$work/$n" 2>/dev/null
    find "$cgroups/kt$id-$n" -depth -type d -exec rmdir {} + 2>/dev/null
  done
  ip link del "$bridge" 2>/dev/null
  rm -rf "$work"
  exit "$result"
}
trap finish EXIT
trap 'exit 1' INT TERM

say() { printf '%6.1f s  %s\n' "$(bc_seconds)" "$*"; }
bc_seconds() { echo $(($(date +%s%N) - begun)) | sed -E 's/^([0-9]+)([0-9]{9})$/\1.\2/; t; s/^/0./'; }
begun=$(date +%s%N)
fail() {
  say "FAILED: $*"
  exit 1
}
inside() { # $1: node; a command on that machine
  local n=$1
  shift
  nsenter -t "${pid1[$n]}" -a "$@"
}
within() { # $1: seconds; $2: what; then a command that has to succeed in that time
  local end=$(($(date +%s) + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    (($(date +%s) < end)) || fail "$what: not within the time ($*)"
    sleep 0.1
  done
  say "$what"
}

machine() { # $1: number
  local n=$1 here=$work/$1 name=kt$id-$1
  mkdir -p "$here"
  mount -t tmpfs -o mode=755 tmpfs "$here"
  mkdir -p "$here"/{upper,work,root}
  mount -t overlay overlay -o "lowerdir=/,upperdir=$here/upper,workdir=$here/work" "$here/root" 2>/dev/null ||
    skip 'no overlay file systems'
  ip netns add "$name" 2>/dev/null || skip 'no network namespaces'
  ip link add "v$id$n" type veth peer name eth0 netns "$name" || skip 'no veth'
  ip link set "v$id$n" master "$bridge" up
  ip -n "$name" addr add "$net.1$n/24" dev eth0
  ip -n "$name" link set eth0 up
  ip -n "$name" link set lo up
  local units=$here/upper/etc/systemd/system
  mkdir -p "$units" "$here/upper/usr/sbin" "$here/upper/var/log/journal"
  ln -sf /bin/true "$here/upper/usr/sbin/policy-rc.d" # packages may start what they bring
  printf '%s\n' "$(printf '%s' "$name" | md5sum | cut -c1-32)" >"$here/upper/etc/machine-id"
  printf '%s\n' '[Unit]' 'Requires=basic.target dbus.socket' 'After=basic.target' 'AllowIsolate=yes' >"$units/kt-test.target"
  for unit in systemd-timesyncd systemd-networkd systemd-resolved getty@tty1 systemd-udevd; do
    ln -sf /dev/null "$units/$unit.service"
  done
  cat >"$here/init" <<'INIT'
set -eu
root=$1
hostname "$2"
mount --make-rprivate /
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup" 2>/dev/null || { mount -t tmpfs tmpfs "$root/sys/fs/cgroup"; mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"; }
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
touch "$root/dev/console"
cd "$root"
mkdir -p mnt/.old
pivot_root . mnt/.old
cd /
umount -l /mnt/.old
export container=kontiki-test
exec /lib/systemd/systemd --system --unit=kt-test.target --log-target=journal </dev/null
INIT
  mkdir -p "$cgroups/$name"
  (
    echo "$BASHPID" >"$cgroups/$name/cgroup.procs"
    exec ip netns exec "$name" unshare --pid --fork --mount --uts --ipc --cgroup --propagation private \
      bash "$here/init" "$here/root" "$name"
  ) >"$here/boot.log" 2>&1 &
  local parent=$!
  for _ in $(seq 100); do
    pid1[$n]=$(pgrep -P "$parent" || true)
    if [[ -n ${pid1[$n]} ]] && inside "$n" systemctl is-system-running 2>/dev/null | grep -Eq 'running|degraded'; then
      return
    fi
    kill -0 "$parent" 2>/dev/null || break
    sleep 0.1
  done
  cat "$here/boot.log" >&2
  skip "a machine with systemd does not boot here"
}

ip link add "$bridge" type bridge || skip 'no bridges'
ip addr add "$net.1/24" dev "$bridge"
ip link set "$bridge" up
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
