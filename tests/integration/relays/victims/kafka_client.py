"""Produces records or commits offsets, each acknowledged before the next. Run as `python -m … KIND PORT NAME`."""

import sys

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from tests.integration.relays.victims import STEPS


def produce(address: str, name: str) -> None:
    """Twelve records for the topic `name`."""
    producer = KafkaProducer(bootstrap_servers=address, acks="all", linger_ms=0, retries=0)
    for number in range(STEPS):
        producer.send(name, b"%d" % number, partition=0).get(10)


def commit(address: str, name: str) -> None:
    """Twelve committed offsets, 1 to 12, of the topic `name` for the group `name`."""
    consumer = KafkaConsumer(bootstrap_servers=address, group_id=name, enable_auto_commit=False)
    partition = TopicPartition(name, 0)
    consumer.assign([partition])
    # asked again until the group's coordinator is ready: a refused commit would be one request too many
    consumer.committed(partition)
    for number in range(STEPS):
        consumer.commit({partition: OffsetAndMetadata(number + 1, "", -1)})


if __name__ == "__main__":
    {"produce": produce, "commit": commit}[sys.argv[1]](f"127.0.0.1:{sys.argv[2]}", sys.argv[3])
