"""confluent-kafka (librdkafka): admin, idempotent producer in each codec, consumer by assignment."""
import sys
import time
from confluent_kafka import Consumer, Producer, TopicPartition, OFFSET_BEGINNING
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

bootstrap, topic = sys.argv[1], sys.argv[2]
admin = AdminClient({"bootstrap.servers": bootstrap})
for future in admin.create_topics([NewTopic(topic, 3, 3, config={"retention.ms": "100000000"})]).values():
    future.result(30)
resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
assert admin.describe_configs([resource])[resource].result(30)["retention.ms"].value == "100000000"
sent, failed = 0, []
for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
    producer = Producer({"bootstrap.servers": bootstrap, "compression.type": codec, "enable.idempotence": True})
    for i in range(200):
        producer.produce(topic, value=b"v%d" % i, key=b"k%d" % i, headers={"n": b"%d" % i},
                         on_delivery=lambda error, message: error and failed.append(error))
        sent += 1
    assert producer.flush(60) == 0
assert not failed, failed
consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused", "enable.auto.commit": False})
end = sum(consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=30)[1] for p in range(3))
assert end == sent, end
consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(3)])
read, deadline = 0, time.time() + 60
while read < sent and time.time() < deadline:
    record = consumer.poll(1)
    if record is None:
        continue
    assert not record.error(), record.error()
    assert record.value()[1:] == record.key()[1:] == dict(record.headers())["n"]
    read += 1
assert read == sent, read
consumer.close()
for future in admin.delete_topics([topic]).values():
    future.result(30)
print("passed")
