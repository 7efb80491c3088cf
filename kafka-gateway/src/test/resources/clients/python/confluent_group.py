"""confluent-kafka (librdkafka): a group, eager or cooperative, commits, and goes on where it was."""
import sys
import time
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

bootstrap, topic, strategy = sys.argv[1], sys.argv[2], sys.argv[3]
admin = AdminClient({"bootstrap.servers": bootstrap})
for future in admin.create_topics([NewTopic(topic, 4, 3)]).values():
    future.result(30)
producer = Producer({"bootstrap.servers": bootstrap})
for i in range(400):
    producer.produce(topic, value=b"v%d" % i, partition=i % 4)
assert producer.flush(60) == 0


def consumer():
    one = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "auto.offset.reset": "earliest",
                    "enable.auto.commit": False, "session.timeout.ms": 10000, "heartbeat.interval.ms": 500,
                    "partition.assignment.strategy": strategy})
    one.subscribe([topic])
    return one


members, seen, deadline = [consumer(), consumer()], set(), time.time() + 120
while time.time() < deadline and (len(seen) < 400 or any(len(m.assignment()) != 2 for m in members)):
    for member in members:
        for record in member.consume(20, timeout=0.2):
            assert not record.error(), record.error()
            seen.add(record.value())
        try:
            member.commit(asynchronous=False)
        except KafkaException as error:  # nothing to commit, or a rebalance
            print(error)
assert len(seen) == 400, len(seen)
assert [len(m.assignment()) for m in members] == [2, 2]
described = admin.describe_consumer_groups([topic])[topic].result(30)
assert len(described.members) == 2, described.members
for member in members:
    member.close()
again = consumer()
assert not again.consume(1, timeout=8), "all was committed"
again.close()
print("passed")
