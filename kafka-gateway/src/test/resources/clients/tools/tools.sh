# Kafka's own tools. $0 brokers, $1 topic, $2 the file that says that a broker died, the rest is Java with its class path
topic=$1 flag=$2; shift 2
dir=$(mktemp -d -p "$(dirname $flag)" tools.XXXX)
fail() { echo "$1"; tail -n 20 $dir/*; exit 1; }
tools=org.apache.kafka.tools
"$@" $tools.TopicCommand --bootstrap-server $0 --create --topic $topic --partitions 3 --replication-factor 3 > $dir/topics 2>&1 || fail create
"$@" $tools.TopicCommand --bootstrap-server $0 --describe --topic $topic > $dir/topics 2>&1
[ "$(grep -c 'Partition: ' $dir/topics)" = 3 ] || fail describe
"$@" kafka.admin.ConfigCommand --bootstrap-server $0 --alter --topic $topic --add-config retention.ms=7200000 > $dir/configs 2>&1 || fail alter
"$@" kafka.admin.ConfigCommand --bootstrap-server $0 --describe --topic $topic > $dir/configs 2>&1
grep -q retention.ms=7200000 $dir/configs || fail configs
seq 100 | "$@" $tools.ConsoleProducer --bootstrap-server $0 --topic $topic > $dir/produced 2>&1 || fail produce
"$@" $tools.consumer.ConsoleConsumer --bootstrap-server $0 --topic $topic --from-beginning --max-messages 100 --timeout-ms 60000 > $dir/consumed 2> $dir/consuming
[ "$(sort -n $dir/consumed | md5sum)" = "$(seq 100 | md5sum)" ] || fail consume
"$@" $tools.VerifiableConsumer --bootstrap-server $0 --topic $topic --group-id $topic --session-timeout 10000 --reset-policy earliest > $dir/verified 2>&1 & consumer=$!
echo retries=100 > $dir/sending # it has none by itself: a failover is an error then
"$@" $tools.VerifiableProducer --bootstrap-server $0 --topic $topic --acks -1 --throughput 30 --command-config $dir/sending > $dir/sent 2>&1 & producer=$!
trap 'kill -9 $producer $consumer 2>/dev/null' EXIT
acked() { grep -c producer_send_success $dir/sent; }
read_so_far() { awk -F'"count":' '/"records_consumed"/ { split($2, c, ","); sum += c[1] } END { print sum + 0 }' $dir/verified; }
for i in $(seq 120); do [ "$(read_so_far)" -gt 200 ] && break; sleep 0.5; done
[ "$(read_so_far)" -gt 200 ] || fail "not read"
echo half
until [ -e $flag ]; do sleep 0.05; done
had=$(acked)
for i in $(seq 180); do [ $(acked) -gt $((had + 200)) ] && break; sleep 0.5; done
kill $producer; wait $producer
n=$(acked)
grep -q "\"sent\":$n,\"acked\":$n" $dir/sent || fail "not all of $n acknowledged"
for i in $(seq 120); do [ "$(read_so_far)" -ge $((n + 100)) ] && break; sleep 0.5; done
kill $consumer; wait $consumer
[ "$(read_so_far)" -ge $((n + 100)) ] || fail "not all of $((n + 100)) read"
"$@" $tools.consumer.group.ConsumerGroupCommand --bootstrap-server $0 --describe --group $topic > $dir/group 2>&1
[ "$(awk -v t=$topic '$2 == t { end += $5; lag += $6 } END { print end, lag }' $dir/group)" = "$((n + 100)) 0" ] || fail lag
"$@" $tools.consumer.group.ConsumerGroupCommand --bootstrap-server $0 --delete --group $topic > $dir/group 2>&1 || fail "delete group"
"$@" $tools.TopicCommand --bootstrap-server $0 --delete --topic $topic > $dir/topics 2>&1 || fail delete
echo passed
