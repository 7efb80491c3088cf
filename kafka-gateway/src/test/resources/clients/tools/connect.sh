# Connect, standalone: lines of a file through a topic into another file. $0 brokers, $1 topic, $2 the file that says that a
# broker died, the rest is Java with its class path
topic=$1 flag=$2; shift 2
dir=$(mktemp -d -p "$(dirname $flag)" connect.XXXX)
cat > $dir/worker <<X
bootstrap.servers=$0
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
offset.storage.file.filename=$dir/offsets
offset.flush.interval.ms=1000
listeners=http://127.0.0.1:0
plugin.discovery=service_load
X
cat > $dir/source <<X
name=source
connector.class=org.apache.kafka.connect.file.FileStreamSourceConnector
tasks.max=1
file=$dir/in
topic=$topic
X
cat > $dir/sink <<X
name=sink
connector.class=org.apache.kafka.connect.file.FileStreamSinkConnector
tasks.max=1
file=$dir/out
topics=$topic
X
n=100
seq $n > $dir/in
touch $dir/out
"$@" org.apache.kafka.connect.cli.ConnectStandalone $dir/worker $dir/source $dir/sink > $dir/log 2>&1 & connect=$!
trap 'kill -9 $connect 2>/dev/null' EXIT
arrived() {
  for i in $(seq 180); do
    [ "$(sort -n $dir/out | uniq | wc -l)" -ge $n ] && return
    sleep 0.5
  done
  echo "$(sort -n $dir/out | uniq | wc -l) lines of $n arrived"; tail -40 $dir/log; exit 1
}
arrived
echo half
more=100
while [ $more -gt 0 ]; do
  n=$((n + 1)); echo $n >> $dir/in
  sleep 0.02
  [ -e $flag ] && more=$((more - 1))
done
arrived
seq $n | cmp - <(sort -n $dir/out | uniq) || exit 1
echo passed
