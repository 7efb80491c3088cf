"""confluent-kafka (librdkafka): an idempotent producer in each codec and a group of two while a broker dies."""
import os
import sys
import time
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

bootstrap, topic, flag = sys.argv[1], sys.argv[2], sys.argv[3]
admin = AdminClient({"bootstrap.servers": bootstrap})
for future in admin.create_topics([NewTopic(topic, 3, 3)]).values():
    future.result(30)
failed, seen, sent = [], {}, 0
producers = [Producer({"bootstrap.servers": bootstrap, "compression.type": codec, "enable.idempotence": True})
             for codec in ("none", "gzip", "snappy", "lz4", "zstd")]
members = [Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "auto.offset.reset": "earliest",
                     "enable.auto.commit": False, "session.timeout.ms": 10000, "heartbeat.interval.ms": 500,
                     "partition.assignment.strategy": "cooperative-sticky"}) for _ in range(2)]


def send():
    global sent
    producers[sent % 5].produce(topic, value=b"v%d" % sent, key=b"%d" % sent, headers={"n": b"h%d" % sent},
                                on_delivery=lambda error, message: error and failed.append(error))
    sent += 1


def consume():
    for member in members:
        for record in member.consume(100, timeout=0.02):
            if record.error():
                print(record.error())
                continue
            assert record.value()[1:] == record.key() == dict(record.headers())["n"][1:]
            seen[record.partition(), record.offset()] = record.key()
        try:
            member.commit(asynchronous=False)
        except KafkaException as error:  # nothing to commit, a rebalance or another coordinator
            if "NO_OFFSET" not in str(error):
                print(error)


for member in members:
    member.subscribe([topic])
for i in range(300):
    send()
deadline = time.time() + 120
while len(seen) < sent:
    assert time.time() < deadline, len(seen)
    for producer in producers:
        producer.poll(0)
    consume()
print("half", flush=True)
more = 100
while more > 0:
    send()
    for producer in producers:
        producer.poll(0)
    consume()
    more -= 1 if os.path.exists(flag) else 0
for producer in producers:
    assert producer.flush(90) == 0
assert not failed, failed
deadline = time.time() + 60
while len(seen) < sent and time.time() < deadline:
    consume()
assert len(seen) == len(set(seen.values())) == sent, (len(seen), len(set(seen.values())), sent)
for member in members:
    member.close()
for future in admin.delete_topics([topic]).values():
    future.result(30)
print("passed")
