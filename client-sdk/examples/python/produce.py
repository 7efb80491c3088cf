# Appends each line of its input to a topic, once: produce.py HOST:PORT[,HOST:PORT...] TOPIC
import pathlib
import sys

import grpc
from kontiki.v1 import log_pb2 as log
from kontiki.v1 import log_pb2_grpc

config = (pathlib.Path(__file__).resolve().parent.parent / "service_config.json").read_text()
options = [("grpc.service_config", config), ("grpc.keepalive_time_ms", 10_000), ("grpc.keepalive_timeout_ms", 5_000),
           ("grpc.http2.ping_timeout_ms", 5_000), ("grpc.http2.max_pings_without_data", 0)]
brokers = log_pb2_grpc.LogServiceStub(grpc.insecure_channel("ipv4:" + sys.argv[1], options))
producer_id = brokers.InitProducerId(log.InitProducerIdRequest()).producer_id
for sequence, line in enumerate(sys.stdin):
    records = [log.LogRecord(value=line.rstrip("\n").encode())]
    request = log.ProduceRequest(topic=sys.argv[2], records=records, producer_id=producer_id, sequence=sequence)
    position = brokers.Produce(request).positions[0]
    print(position.partition, position.offset, flush=True)
