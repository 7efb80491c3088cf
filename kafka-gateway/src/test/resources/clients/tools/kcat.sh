# kcat: a producer in each codec, a group of two, while a broker dies. $0 brokers, $1 topic, $2 the file, $3 where to write
set -e
kcat -q -u -b $0 -X auto.offset.reset=earliest -X session.timeout.ms=10000 -G $1 $1 > $3/kcat-1 2>&1 & a=$!
kcat -q -u -b $0 -X auto.offset.reset=earliest -X session.timeout.ms=10000 -G $1 $1 > $3/kcat-2 2>&1 & b=$!
trap 'kill $a $b 2>/dev/null || true' EXIT
n=0
for z in none gzip snappy lz4 zstd; do
  seq $((n + 1)) $((n + 60)) | kcat -b $0 -t $1 -z $z -X acks=all -P
  n=$((n + 60))
done
read_all() {
  for i in $(seq 120); do
    [ "$(cat $3/kcat-1 $3/kcat-2 | grep -x '[0-9]*' | sort -n | uniq | wc -l)" -ge $n ] && return
    sleep 0.5
  done
  echo "not all of $n read"; cat $3/kcat-1 $3/kcat-2 | tail -20; exit 1
}
read_all "$@"
echo half
until [ -e $2 ]; do sleep 0.05; done
{ for i in $(seq 200); do n=$((n + 1)); echo $n; sleep 0.02; done; } | kcat -b $0 -t $1 -X acks=all -P
n=$((n + 200))
read_all "$@"
kcat -b $0 -L -t $1 | grep -q "topic \"$1\" with 3 partitions"
echo passed
