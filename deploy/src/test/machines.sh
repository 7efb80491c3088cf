# Machines for the tests of the package, each with a systemd of its own as process 1 and a network address. Needs root, network
# namespaces, overlay file systems and systemd; where one of them is missing the test says so, loudly, and ends with 0. A machine
# is the file system of this one under an overlay in memory, so nothing of it stays, and nothing here changes.
#
# To be sourced with `package` (a file) and `logs` (a directory for the logs of a failed run, or empty) set. Machine N has the
# address $net.1N and knows the others as broker-1 to broker-4.
package=$(readlink -f "$package")
skip() {
  printf '\n*** SKIPPED: the package was not tried: %s ***\n\n' "$*"
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
started=()
finish() {
  local result=$?
  set +e
  for n in "${!started[@]}"; do
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
  started[$1]=yes
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
  { printf '127.0.0.1 localhost\n'; for each in 1 2 3 4; do printf '%s broker-%s\n' "$net.1$each" "$each"; done; } >"$here/upper/etc/hosts"
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
