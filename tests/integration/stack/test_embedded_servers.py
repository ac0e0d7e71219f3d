"""The embedded servers come up, survive a kill with their data, and say clearly when they cannot start."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic
from redis import Redis
from redis.cluster import RedisCluster

from cli.stack.errors import StackError
from cli.stack.kafka import EmbeddedKafka
from cli.stack.redis import EmbeddedRedis, EmbeddedRedisCluster
from tests.support.ports import free_cluster_port, free_port


def publish(bootstrap: str, topic: str, value: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    producer.send(topic, value).get(10)
    producer.close()


def read_all(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", group_id=None, consumer_timeout_ms=10_000
    )
    values = [record.value for _, record in zip(range(count), consumer, strict=False)]
    consumer.close()
    return values


def test_kafka_keeps_what_was_written_over_a_kill(tmp_path: Path) -> None:
    broker = EmbeddedKafka(directory=tmp_path, port=free_port(), controller_port=free_port())
    broker.start()
    try:
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        admin.create_topics([NewTopic("facts", num_partitions=1, replication_factor=1)])
        admin.close()
        publish(broker.bootstrap, "facts", b"before")
        broker.kill()
        broker.start()
        publish(broker.bootstrap, "facts", b"after")
        assert read_all(broker.bootstrap, "facts", 2) == [b"before", b"after"]
    finally:
        broker.stop()
    assert broker.pid is None


def test_redis_keeps_what_was_written_over_a_kill(tmp_path: Path) -> None:
    server = EmbeddedRedis(directory=tmp_path, port=free_port())
    server.start()
    try:
        with Redis.from_url(server.url) as client:
            client.set("document", "1")
        server.kill()
        server.start()
        with Redis.from_url(server.url) as client:
            assert client.get("document") == b"1"
    finally:
        server.stop()


def test_a_cluster_serves_every_slot_and_again_after_a_restart(tmp_path: Path) -> None:
    cluster = EmbeddedRedisCluster(directory=tmp_path, ports=[free_cluster_port() for _ in range(3)])
    cluster.start()
    try:
        keys = [f"{{s{number}}}:document" for number in range(64)]
        with RedisCluster.from_url(cluster.urls[0]) as client:
            for key in keys:
                client.set(key, key)
        cluster.restart()
        with RedisCluster.from_url(cluster.urls[0]) as client:
            assert [client.get(key) for key in keys] == [key.encode() for key in keys]
    finally:
        cluster.stop()


def test_a_taken_port_is_named(tmp_path: Path, redis_server: str) -> None:
    taken = urlsplit(redis_server).port
    assert taken
    with pytest.raises(StackError, match=f"{taken} \\(for Redis\\)"):
        EmbeddedRedis(directory=tmp_path, port=taken).start()


def test_workers_share_one_broker(kafka: str, unique_suffix: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.create_topics([NewTopic(f"shared{unique_suffix}", num_partitions=1, replication_factor=1)])
    admin.close()
    publish(kafka, f"shared{unique_suffix}", b"here")
    assert read_all(kafka, f"shared{unique_suffix}", 1) == [b"here"]
