"""A member of a consumer group that is not ours: prints its share, one JSON array of partitions a line, at every change.

Arguments: bootstrap servers, group, topic, assignment strategy. Ends when its standard input does.
"""
import json
import os
import sys
import threading

from confluent_kafka import Consumer

bootstrap, group, topic, strategy = sys.argv[1:]


def end_with_input():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_input, daemon=True).start()
consumer = Consumer({
    "bootstrap.servers": bootstrap,
    "group.id": group,
    "partition.assignment.strategy": strategy,
    "session.timeout.ms": 6000,
    "heartbeat.interval.ms": 1000,
    "enable.auto.commit": False,
})


def assigned(consumer, partitions):
    print(json.dumps(sorted(p.partition for p in partitions)), flush=True)
    consumer.assign([])


consumer.subscribe([topic], on_assign=assigned)
while True:
    consumer.poll(0.1)
