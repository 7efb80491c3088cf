"""kafka-python: admin, producer in each codec, consumer without a group."""
import sys
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

bootstrap, topic = sys.argv[1].split(","), sys.argv[2]
admin = KafkaAdminClient(bootstrap_servers=bootstrap)
admin.create_topics([NewTopic(topic, 3, 3)])
sent = 0
for codec in (None, "gzip"):
    producer = KafkaProducer(bootstrap_servers=bootstrap, compression_type=codec, acks="all")
    futures = []
    for i in range(500):
        futures.append(producer.send(topic, value=b"v%d" % i, key=b"k%d" % i, headers=[("n", b"%d" % i)]))
    producer.flush()
    for future in futures:
        future.get(timeout=30)
    sent += 500
    producer.close()
consumer = KafkaConsumer(bootstrap_servers=bootstrap, consumer_timeout_ms=30000)
partitions = [TopicPartition(topic, p) for p in range(3)]
assert sum(consumer.end_offsets(partitions).values()) == sent
consumer.assign(partitions)
consumer.seek_to_beginning()
read = 0
for record in consumer:
    assert record.value[1:] == record.key[1:] == dict(record.headers)["n"], record
    read += 1
    if read == sent:
        break
assert read == sent, read
consumer.close()
admin.delete_topics([topic])
admin.close()
print("passed")
