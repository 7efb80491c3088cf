"""kafka-python: producers without and with gzip and a group of two while a broker dies."""
import os
import sys
import time
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

bootstrap, topic, flag = sys.argv[1].split(","), sys.argv[2], sys.argv[3]
admin = KafkaAdminClient(bootstrap_servers=bootstrap)
admin.create_topics([NewTopic(topic, 3, 3)])
producers = [KafkaProducer(bootstrap_servers=bootstrap, compression_type=codec, acks="all", retries=100)
             for codec in (None, "gzip")]
members = [KafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=topic, auto_offset_reset="earliest",
                         enable_auto_commit=False, heartbeat_interval_ms=500, session_timeout_ms=10000)
           for _ in range(2)]
seen, futures = set(), []


def send():
    n = len(futures)
    futures.append(producers[n % 2].send(topic, value=b"v%d" % n, key=b"%d" % n, headers=[("n", b"h%d" % n)]))


def consume():
    for member in members:
        for records in member.poll(timeout_ms=20).values():
            for record in records:
                assert record.value[1:] == record.key == dict(record.headers)["n"][1:], record
                seen.add(record.key)
        try:
            member.commit()
        except Exception as error:  # a rebalance or another coordinator
            print(type(error).__name__)


for i in range(300):
    send()
deadline = time.time() + 120
while len(seen) < len(futures):
    assert time.time() < deadline, len(seen)
    consume()
print("half", flush=True)
more = 100
while more > 0:
    send()
    consume()
    more -= 1 if os.path.exists(flag) else 0
for future in futures:
    future.get(timeout=90)
deadline = time.time() + 60
while len(seen) < len(futures) and time.time() < deadline:
    consume()
assert len(seen) == len(futures), (len(seen), len(futures))
for member in members:
    member.close(autocommit=False)
admin.delete_topics([topic])
print("passed")
