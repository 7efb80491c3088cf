"""kafka-python: two consumers of one group share a topic, commit, and go on where they were."""
import sys
import time
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

bootstrap, topic = sys.argv[1].split(","), sys.argv[2]
admin = KafkaAdminClient(bootstrap_servers=bootstrap)
admin.create_topics([NewTopic(topic, 4, 3)])
producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
for i in range(400):
    producer.send(topic, value=b"v%d" % i, partition=i % 4)
producer.flush()
producer.close()


def consumer():
    return KafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=topic, auto_offset_reset="earliest",
                         enable_auto_commit=False, heartbeat_interval_ms=500, session_timeout_ms=10000,
                         max_poll_records=20)


members, seen, deadline = [consumer(), consumer()], set(), time.time() + 120
while time.time() < deadline and (len(seen) < 400 or any(len(m.assignment()) != 2 for m in members)):
    for member in members:
        for records in member.poll(timeout_ms=200).values():
            seen.update(record.value for record in records)
        try:
            member.commit()
        except Exception as error:  # a rebalance; the next round finds out
            print(type(error).__name__)
assert len(seen) == 400, len(seen)
assert [len(m.assignment()) for m in members] == [2, 2]
for member in members:
    member.close(autocommit=False)
again = consumer()
assert not again.poll(timeout_ms=8000), "all was committed"
again.close()
list_groups = getattr(admin, "list_consumer_groups", None) or admin.list_groups  # by version
assert topic in str(list_groups())
print("passed")
