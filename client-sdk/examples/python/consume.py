# Prints a topic's records as a member of a group, at least once: consume.py HOST:PORT[,HOST:PORT...] TOPIC GROUP
import pathlib
import queue
import sys
import time

import grpc
from kontiki.v1 import log_pb2 as log
from kontiki.v1 import log_pb2_grpc

config = (pathlib.Path(__file__).resolve().parent.parent / "service_config.json").read_text()
options = [("grpc.service_config", config), ("grpc.keepalive_time_ms", 10_000), ("grpc.keepalive_timeout_ms", 5_000),
           ("grpc.http2.ping_timeout_ms", 5_000), ("grpc.http2.max_pings_without_data", 0)]
brokers = log_pb2_grpc.LogServiceStub(grpc.insecure_channel("ipv4:" + sys.argv[1], options))
subscribe = log.Subscribe(topics=[sys.argv[2]], group=sys.argv[3])
while True:
    requests = queue.SimpleQueue()
    requests.put(log.ConsumeRequest(subscribe=subscribe))
    try:
        for event in brokers.Consume(iter(requests.get, None)):
            subscribe.member_id = event.assigned.member_id or subscribe.member_id
            for record in event.records.records:
                print(event.records.partition, record.offset, record.value.decode(), flush=True)
            if event.HasField("records"):
                requests.put(log.ConsumeRequest(commit=log.Commit(offsets=[event.records.position])))
    except grpc.RpcError as error:
        if error.code().name in ("INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "OUT_OF_RANGE", "DATA_LOSS"):
            raise
    requests.put(None)  # ends the iterator, and its thread
    time.sleep(0.1)
