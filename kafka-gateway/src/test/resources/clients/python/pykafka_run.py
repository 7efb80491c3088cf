"""pykafka: producers without and with gzip, a balanced consumer in a group of Kafka's with commits, a simple consumer.

UNAIDED=send leaves out what the program does for the client there, and sends twenty at a time: it forgets what waits for a
broker when it learns of other leaders (limits-on-kafka.sh).
"""
import logging
import os
import sys
import time
from pykafka import KafkaClient
from pykafka.common import CompressionType, OffsetType
from pykafka.exceptions import KafkaException

logging.basicConfig(level=logging.ERROR)
bootstrap, name, flag = sys.argv[1], sys.argv[2], sys.argv[3]
unaided = os.environ.get("UNAIDED", "") == "send"
client = KafkaClient(hosts=bootstrap, broker_version="1.0.0")
topic = client.topics[name.encode()]
producers = [topic.get_producer(sync=False, required_acks=-1, min_queued_messages=1, linger_ms=1, max_retries=100,
                                retry_backoff_ms=200, delivery_reports=True, compression=codec)
             for codec in (CompressionType.NONE, CompressionType.GZIP)]
consumer = topic.get_balanced_consumer(name.encode(), managed=True, auto_offset_reset=OffsetType.EARLIEST,
                                       reset_offset_on_start=False, consumer_timeout_ms=100, rebalance_max_retries=100)
seen, sent, delivered, told = set(), 0, set(), set()


def deliver():
    for producer in producers:
        while True:
            try:
                message, error = producer.get_delivery_report(block=False)
            except Exception as e:
                if type(e).__name__ != "Empty":
                    raise
                break
            assert error is None, error
            delivered.add(int(message.partition_key))


def consume():
    try:
        message = consumer.consume(block=False)
        while message is not None:
            assert message.value == b"v" + message.partition_key, message.value
            seen.add(int(message.partition_key))
            message = consumer.consume(block=False)
        consumer.commit_offsets()
    except (KafkaException, OSError) as e:
        print("consume:", type(e).__name__)  # a rebalance or another coordinator


def produce(n):
    producers[n % 2].produce(b"v%d" % n, partition_key=b"%d" % n)


def send():
    global sent
    try:
        produce(sent)
    except Exception as e:
        if not unaided:
            raise
        told.add(repr(e))  # of a thread of its own that is gone, again and again
    sent += 1


def main():
    deadline = time.time() + 150
    for i in range(300):
        send()
    while len(delivered) < sent or len(seen) < sent:
        assert time.time() < deadline, (len(delivered), len(seen))
        deliver()
        consume()
        time.sleep(0.02)
    print("half", flush=True)
    more = 100
    while more > 0:
        for _ in range(20 if unaided else 1):
            send()
        deliver()
        consume()
        time.sleep(0.01)
        more -= 1 if os.path.exists(flag) else 0
    deadline, again = time.time() + (60 if unaided else 100), time.time() + 15
    while (len(delivered) < sent or len(seen) < sent) and time.time() < deadline:
        deliver()
        consume()
        time.sleep(0.02)
        if time.time() > again and not unaided:  # it forgets some of what was on its way to a broker that died
            for n in set(range(sent)) - delivered:
                produce(n)
            again = time.time() + 15
    told.update(repr(producer._worker_exception[1]) for producer in producers if producer._worker_exception)
    assert len(delivered) == sent, f"{len(delivered)} acknowledged of {sent}, {len(seen)} read; told {sorted(told)}"
    assert len(seen) == sent, f"{len(seen)} read of {sent}"
    simple = topic.get_simple_consumer(consumer_timeout_ms=3000, auto_offset_reset=OffsetType.EARLIEST, reset_offset_on_start=True)
    assert len({message.partition_key for message in simple}) == sent
    print("passed", flush=True)


try:
    main()
    os._exit(0)  # its threads would hold it up
except BaseException as error:
    print(repr(error), flush=True)
    os._exit(1)
