"""Produces records or commits offsets, each acknowledged before the next. Run as `python -m … KIND PORT`."""

import sys

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from tests.integration.relays.victims import STEPS

TOPIC = "steps"
GROUP = "steps-group"


def produce(address: str) -> None:
    """Twelve records."""
    producer = KafkaProducer(bootstrap_servers=address, acks="all", linger_ms=0, retries=0)
    for number in range(STEPS):
        producer.send(TOPIC, b"%d" % number, partition=0).get(10)


def commit(address: str) -> None:
    """Twelve committed offsets, 1 to 12."""
    consumer = KafkaConsumer(bootstrap_servers=address, group_id=GROUP, enable_auto_commit=False)
    partition = TopicPartition(TOPIC, 0)
    consumer.assign([partition])
    for number in range(STEPS):
        consumer.commit({partition: OffsetAndMetadata(number + 1, "", -1)})


if __name__ == "__main__":
    {"produce": produce, "commit": commit}[sys.argv[1]](f"127.0.0.1:{sys.argv[2]}")
